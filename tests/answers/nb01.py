"""Answers to the exercises of notebook 01."""

import itertools

import numpy as np

import lstmcourse as lc

from . import right, wrong

# 01.1 The loop in four lines


def four_lines(W, U, b, x):
    h, states = np.zeros(U.shape[0]), []
    for t in range(len(x)):
        h = np.tanh(b + x[t] @ W + h @ U)
        states.append(h)
    return np.stack(states)


def in_place(W, U, b, x):
    states = np.zeros((len(x) + 1, len(b)))
    for t, x_t in enumerate(x):
        z = np.concatenate([x_t, states[t]]) @ np.concatenate([W, U]) + b
        e = np.exp(2 * z)
        states[t + 1] = (e - 1) / (e + 1)
    return states[1:]


def as_lists(W, U, b, x):
    step = lambda h, x_t: np.tanh(W.T @ x_t + U.T @ h + b)  # noqa: E731
    states = list(itertools.accumulate(x, step, initial=0 * b))
    return [list(map(float, h)) for h in states[1:]]


right("01.1", four_lines, in_place, as_lists)


def loop(line, start="np.zeros(len(b))", keep="h", give="np.array(s)"):
    """The loop with other lines in their places, as a reader would type them."""
    scope = {"np": np}
    exec(
        f"def loop(W, U, b, x):\n    h, s = {start}, []\n    for x_t in x:\n        {line}\n"
        f"        s.append({keep})\n    return {give}\n",
        scope,
    )
    return scope["loop"]


LINE = "h = np.tanh(x_t @ W + h @ U + b)"
wrong("01.1", "no state", loop("h = np.tanh(x_t @ W + b)"))
wrong("01.1", "no input", loop("h = np.tanh(h @ U + b)"))
wrong("01.1", "no bias", loop("h = np.tanh(x_t @ W + h @ U)"))
wrong("01.1", "no squashing", loop("h = x_t @ W + h @ U + b"))
wrong("01.1", "sigmoid in place of tanh", loop("h = 1 / (1 + np.exp(-(x_t @ W + h @ U + b)))"))
wrong("01.1", "the last state alone", loop(LINE, give="h"))
wrong("01.1", "the transpose of U", loop("h = np.tanh(x_t @ W + U @ h + b)"))
wrong("01.1", "one state, again and again", loop("h[:] = np.tanh(x_t @ W + h @ U + b)"))
wrong("01.1", "a start of ones", loop(LINE, start="np.ones(len(b))"))
wrong("01.1", "the states before", loop("s.append(h); " + LINE, keep="h", give="np.array(s[::2])"))
wrong("01.1", "raises", loop("h = np.tanh(W @ x_t + h @ U + b)"))
wrong("01.1", "transposed", loop(LINE, give="np.array(s).T"))


# 01.2 Count the parameters

right("01.2", lambda D, H: H * (D + H + 1), lambda inputs, units: units + units**2 + inputs * units)
wrong("01.2", "no bias", lambda D, H: H * (D + H))
wrong("01.2", "no recurrent weights", lambda D, H: H + H * D)
wrong("01.2", "no input weights", lambda D, H: H + H**2)
wrong("01.2", "one bias in all", lambda D, H: H * (D + H) + 1)
wrong("01.2", "a bias for each input", lambda D, H: H * (D + H) + D)
wrong("01.2", "two biases", lambda D, H: H * (D + H + 2))
wrong("01.2", "recurrent weights of one unit each", lambda D, H: (D + 2) * H)
wrong("01.2", "too large", lambda D, H: 4 * H * (D + H + 1) - 1)
wrong("01.2", "no function", 1152)


# 01.3 A cell that adds up


@lc.cell
def total(x, s):
    s = x + s
    return s


def by_loop(x):
    out, so_far = [], 0.0
    for value in x:
        so_far += value
        out.append(so_far)
    return out


right("01.3", total, np.cumsum, by_loop)


@lc.cell
def latest(x, h):
    h = x + 0.0 * h
    return h


@lc.cell
def squashed(x, h):
    h = lc.tanh(h + x)
    return h


@lc.cell
def largest(x, h):
    h = lc.maximum(h, x)
    return h


@lc.cell
def fading(x, h):
    h = 0.5 * h + x
    return h


wrong("01.3", "the input alone", latest)
wrong("01.3", "squashed", squashed)
wrong("01.3", "squashed at the end", lambda x: np.tanh(np.cumsum(x)))
wrong("01.3", "the mean", lambda x: np.cumsum(x) / (1 + np.arange(len(x))))
wrong("01.3", "the maximum", largest)
wrong("01.3", "fading", fading)
wrong("01.3", "one step late", lambda x: np.cumsum(x) - x)
wrong("01.3", "the course's own", lc.cells.rnn)
wrong("01.3", "another shape", lambda x: x.sum())


# 01.4 One weight that remembers

right("01.4", {"W_h": 1, "U_h": 1.5, "b_h": 0}, {"W_xh": [[1.0]], "W_hh": np.full((1, 1), 3.0), "b": [0.0]})
wrong("01.4", "a bias", {"W_h": 1, "U_h": 1.5, "b_h": 0.5})
wrong("01.4", "another input weight", {"W_h": 5, "U_h": 1.5, "b_h": 0})
wrong("01.4", "the wrong sign", {"W_h": 1, "U_h": -1.5, "b_h": 0})
wrong("01.4", "no recurrence", {"W_h": 1, "U_h": 0, "b_h": 0})
wrong("01.4", "fades", {"W_h": 1, "U_h": 0.99, "b_h": 0})
wrong("01.4", "just not enough", {"W_h": 1, "U_h": 1.05, "b_h": 0})
wrong("01.4", "incomplete", {"U_h": 1.5})
wrong("01.4", "no weights", 1.5)


# 01.5 The same state, again and again

right(
    "01.5",
    loop("h[:] = np.tanh(x_t @ W + h @ U + b)", keep="h.copy()"),
    loop("h = np.tanh(x_t @ W + h @ U + b)"),
)
wrong("01.5", "not mended", loop("h[:] = np.tanh(x_t @ W + h @ U + b)"))
wrong("01.5", "the last state alone", loop(LINE, give="np.array(s[-1:])"))
wrong("01.5", "the states before", loop("s.append(h.copy()); " + LINE, give="np.array(s[::2])"))
wrong("01.5", "no state", loop("h = np.zeros(len(b)); " + LINE))
wrong("01.5", "no bias", loop("h = np.tanh(x_t @ W + h @ U)"))
wrong("01.5", "no squashing", loop("h = x_t @ W + h @ U + b"))


# 01.6 The same words in another order

right("01.6", "another last state", "Another last state.")
wrong("01.6", "the same last state", "the same last state")
wrong("01.6", "the states in reverse", "The states in reverse")
wrong("01.6", "the same if the weights are trained", "the same if the weights are trained")
wrong("01.6", "it depends on the length", "it depends on the length")
wrong("01.6", "an error", "an error")
wrong("01.6", "none of the answers", "no idea")
