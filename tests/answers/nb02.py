"""Answers to the exercises of notebook 02."""

import math

import numpy as np

import lstmcourse as lc

from . import right, wrong

# 02.1 What the largest singular value tells

right("02.1", "it may fade or grow", "It may fade or grow.")
wrong("02.1", "it grows", "it grows")
wrong("02.1", "it grows as 1.2 to the power of k", "It grows as 1.2 to the power of k")
wrong("02.1", "it fades", "it fades")
wrong("02.1", "it stays as it is", "it stays as it is")
wrong("02.1", "it depends on the learning rate", "it depends on the learning rate")
wrong("02.1", "none of the answers", "56000")
wrong("02.1", "no word", 56000)


# 02.2 The gradient through k steps


def by_loop(w, h):
    d = 1.0
    for state in h:
        d = d * w * (1 + state) * (1 - state)
    return d


right("02.2", by_loop, lambda w, h: w ** len(h) * math.prod(1 / np.cosh(np.arctanh(h)) ** 2))
wrong("02.2", "no slopes", lambda w, h: w**h.size)
wrong("02.2", "no weight", lambda w, h: np.prod(1 - h * h))
wrong("02.2", "the weight once", lambda w, h: w * np.prod(1 - h * h))
wrong("02.2", "the slope at h", lambda w, h: w ** len(h) * np.prod(1 - np.tanh(h) ** 2))
wrong("02.2", "the slope of a sigmoid", lambda w, h: np.prod(w * (h - h**2)))
wrong("02.2", "no square", lambda w, h: w ** len(h) * np.prod(1 - h))
wrong("02.2", "the last step alone", lambda w, h: w * (1 - h[-1] ** 2))
wrong("02.2", "the last slope for all", lambda w, h: w ** len(h) * (1 - h[-1] ** 2) ** len(h))
wrong("02.2", "the slope at w h", lambda w, h: np.prod(w / np.cosh(w * h) ** 2))
wrong("02.2", "a sum", lambda w, h: sum(w * (1 - v * v) for v in h))
wrong("02.2", "a factor for each step", lambda w, h: [w * (1 - v * v) for v in h])
wrong("02.2", "without the last step", lambda w, h: math.prod(w * (1 - h[t] ** 2) for t in range(len(h) - 1)))
wrong("02.2", "without the first step", lambda w, h: np.prod((w * (1 - h**2))[1:]))
wrong("02.2", "all the ways on", lambda w, h: np.cumprod(w - w * h**2))
wrong("02.2", "the sign", lambda w, h: np.prod(w * (1 - h**2)) * -1)
wrong("02.2", "raises", lambda w, h: np.prod(w * (1 - h[len(h)] ** 2)))


# 02.3 A gradient that almost fits


def matrices(U, states, d_last):
    J = np.eye(len(U))
    for h in states:
        J = J @ (U * (1 - h**2))  # dh_t/dh_(t-1), laid out as U is
    return J @ d_last


def from_behind(U, states, d_last):
    for t in reversed(range(len(states))):
        d_last = U @ (d_last * (1 - states[t] * states[t]))
    return d_last


right("02.3", matrices, from_behind)


def back(line, order="reversed(states)"):
    scope = {"np": np}
    exec(
        f"def back(U, states, d_last):\n    d = d_last\n    for h in {order}:\n        {line}\n"
        "    return d\n",
        scope,
    )
    return scope["back"]


LINE = "d = (d * (1 - h**2)) @ U.T"
wrong("02.3", "not mended", back("d = (d @ U.T) * (1 - np.tanh(h) ** 2)"))
wrong("02.3", "the order of the factors", back("d = (d @ U.T) * (1 - h**2)"))
wrong("02.3", "the slope", back("d = (d * (1 - np.tanh(h) ** 2)) @ U.T"))
wrong("02.3", "from the front", back(LINE, order="states"))
wrong("02.3", "the matrix, not its transpose", back("d = (d * (1 - h**2)) @ U"))
wrong("02.3", "the order, and the matrix", back("d = (d @ U) * (1 - h**2)"))
wrong("02.3", "the square", back("d = (d * (1 - h) ** 2) @ U.T"))
wrong("02.3", "no slopes", back("d = d @ U.T"))
wrong("02.3", "no matrix", back("d = d * (1 - h**2)"))
wrong("02.3", "one step too few", back(LINE, order="reversed(states[1:])"))
wrong("02.3", "one step alone", back("d = (d_last * (1 - h**2)) @ U.T", order="states"))
wrong("02.3", "another shape", back("d = np.diag(1 - h**2) @ U.T"))


# 02.4 Where another switch begins

right("02.4", 2, 1.9999, "2.0", lambda: 8 / 4)
wrong("02.4", "that of tanh", 1.0)
wrong("02.4", "the slope of the function", 1 / 2)
wrong("02.4", "that of σ alone", 4)
wrong("02.4", "the slope of σ", 0.25)
wrong("02.4", "none", 0)
wrong("02.4", "the notebook's weight", 3.0)
wrong("02.4", "too small", 1.5)
wrong("02.4", "too large", 2.2)
wrong("02.4", "another shape", [2.0, 2.5])


# 02.5 The first country wins

right(
    "02.5",
    {"W_h": [[1.0], [-1.0], [0.0]], "U_h": 3, "b_h": 0},
    {"W_xh": np.array([0.5, -0.7, 0.0]), "W_hh": [[2.5]], "b": [0.0]},
    {"W_h": [1.2, -0.8, 0.2], "U_h": [[3.0]], "b_h": -0.2},
)


def unit(france, japan, other=0.0, U=3.0, b=0.0):
    return {"W_h": [[france], [japan], [other]], "U_h": U, "b_h": b}


wrong("02.5", "leans to one side", unit(1, -1, b=0.1))
wrong("02.5", "no recurrence", unit(1, -1, U=0))
wrong("02.5", "the wrong sign", unit(1, -1, U=-3))
wrong("02.5", "a country without a push", unit(1, 0))
wrong("02.5", "France and Japan alike", unit(1, 2))
wrong("02.5", "the wrong way round", unit(-1, 1))
wrong("02.5", "fades", unit(1, -1, U=1))
wrong("02.5", "not far enough", unit(1, -1, U=1.5))
wrong("02.5", "the last country wins", unit(6, -6))
wrong("02.5", "turned by the third", unit(2.2, -2.2))
wrong("02.5", "turned in the long run", unit(1.35, -1.35))
wrong("02.5", "incomplete", {"W_h": [1, -1, 0], "U_h": 3})
wrong("02.5", "another shape", {"W_h": [1, -1], "U_h": 3, "b_h": 0})


# 02.6 A unit that remembers, and can be taught


@lc.cell
def written_over(x, h):
    h = (1 - x) * h + x
    return h


@lc.cell
def largest_so_far(x, m):
    m = lc.maximum(m, x)
    return m


right("02.6", written_over, largest_so_far, lambda x, h: min(max(h + x, -1.0), 1.0))


@lc.cell
def sums(x, h):
    h = h + x
    return h


@lc.cell
def leaks(x, h):
    h = 0.95 * h + x
    return h


@lc.cell
def switch(x, h):
    h = lc.tanh(1.5 * h + x)
    return h


@lc.cell
def swells(x, h):
    h = 1.05 * h + x
    return h


@lc.cell
def whispers(x, h):
    h = h + 0.1 * x
    return h


@lc.cell
def learns(x, h):
    h = lc.relu(lc.affine("h", h, x))
    return h


@lc.cell
def two(x, h, c):
    c = c + x
    h = lc.tanh(c)
    return h, c


wrong("02.6", "not finite", lambda x, h: h + x / x if x else h + math.inf)
wrong("02.6", "not at rest", lambda x, h: 1.0)
wrong("02.6", "reads nothing", whispers)
wrong("02.6", "fades", leaks)
wrong("02.6", "a switch", switch)
wrong("02.6", "the gradient grows", swells)
wrong("02.6", "the state grows", sums)
wrong("02.6", "weights", learns)
wrong("02.6", "another number of states", two)
wrong("02.6", "no cell", 0.5)
wrong("02.6", "the course's own", lc.cells.rnn_relu)
