"""Answers to the exercises of notebook 04."""

import itertools
import math

import numpy as np

from . import right, wrong

# 04.1 The belt, as a loop


def by_loop(C, f, i, g):
    out = np.empty(len(f))
    for t in range(len(f)):
        out[t] = C = f[t] * C + i[t] * g[t]
    return out


def accumulated(C, f, i, g):
    step = lambda c, t: t[0] * c + t[1] * t[2]  # noqa: E731
    return list(itertools.accumulate(zip(f, i, g, strict=True), step, initial=C))[1:]


def in_closed_form(C, f, i, g):
    kept = np.cumprod(f)
    return kept * (C + np.cumsum(i * g / kept))


right("04.1", by_loop, accumulated, in_closed_form)


def belt(line, before="", give="states"):
    """The loop, as a reader would type it."""
    scope = {"np": np}
    exec(
        f"def belt(C, f, i, g):\n    states, first = [], C\n    {before}\n    for t in range(len(f)):\n"
        f"        {line}\n        states.append(C)\n    return {give}\n",
        scope,
    )
    return scope["belt"]


LINE = "C = f[t] * C + i[t] * g[t]"
wrong("04.1", "f and i exchanged", belt("C = i[t] * C + f[t] * g[t]"))
wrong("04.1", "nothing forgotten", belt("C = C + i[t] * g[t]"))
wrong("04.1", "all written", belt("C = f[t] * C + g[t]"))
wrong("04.1", "the gate alone written", belt("C = f[t] * C + i[t]"))
wrong("04.1", "squashed", belt("C = np.tanh(f[t] * C + i[t] * g[t])"))
wrong("04.1", "1 - f", belt("C = (1 - f[t]) * C + i[t] * g[t]"))
wrong("04.1", "the wrong brackets", belt("C = f[t] * (C + i[t] * g[t])"))
wrong("04.1", "from the start each time", belt("C = f[t] * first + i[t] * g[t]"))
wrong("04.1", "the start lost", belt(LINE, before="C = 0"))
wrong("04.1", "the last alone", belt(LINE, give="C"))
wrong("04.1", "the start as well", belt(LINE, before="states.append(C)"))
wrong("04.1", "one step early", belt("states.append(C); " + LINE, give="states[::2]"))
wrong("04.1", "raises", belt("C = f[t] * C[t] + i[t] * g[t]"))


# 04.2 The forget gate alone held open

right(
    "04.2",
    "the belt's part is the identity, the whole is not",
    "The belt's part is the identity,  the whole is not.",
)
wrong("04.2", "it is the identity", "it is the identity")
wrong("04.2", "it vanishes", "it vanishes")
wrong("04.2", "it is the identity, if the inputs are small", "it is the identity, if the inputs are small")
wrong("04.2", "it is a diagonal, but not the identity", "it is a diagonal, but not the identity")
wrong("04.2", "it grows by one at each step", "it grows by one at each step")
wrong("04.2", "none of the answers", "it is 1")
wrong("04.2", "no word", 1)


# 04.3 What is left at the end


def from_behind(f):
    left = [1.0]
    for gate in reversed(f):
        left.insert(0, left[0] * gate)
    return left


right(
    "04.3",
    from_behind,
    lambda f: np.append(np.cumprod(f[::-1])[::-1], 1),
    lambda f: np.exp(np.append(np.cumsum(np.log(f)[::-1])[::-1], 0.0)),
)
wrong("04.3", "from the front", lambda f: [math.prod(f[:t]) for t in range(len(f) + 1)])
wrong("04.3", "from the front, without the start", np.cumprod)
wrong("04.3", "C_0 missing", lambda f: from_behind(f)[1:])
wrong("04.3", "C_T missing", lambda f: np.cumprod(f[::-1])[::-1])
wrong("04.3", "back to front", lambda f: np.append(1, np.cumprod(f[::-1])))
wrong("04.3", "from the front, turned round", lambda f: np.append(np.cumprod(f)[::-1], 1))
wrong("04.3", "the 1 in front", lambda f: np.append(1, np.cumprod(f[::-1])[::-1]))
wrong("04.3", "C_0 alone", math.prod)
wrong(
    "04.3",
    "its own gate as well",
    lambda f: [f[max(t - 1, 0)] * math.prod(f[t:]) for t in range(len(f) + 1)],
)
wrong("04.3", "one gate", lambda f: [*f, 1])
wrong("04.3", "a power", lambda f: [f[-1] ** (len(f) - t) for t in range(len(f) + 1)])
wrong("04.3", "a sum", lambda f: [sum(f[t:]) for t in range(len(f) + 1)])
wrong("04.3", "what is lost", lambda f: [1 - v for v in from_behind(f)])
wrong("04.3", "lost each time", lambda f: from_behind(1 - f))


# 04.4 What a long memory costs


def by_bias(steps):
    b = -math.log(2 ** (1 / steps) - 1)
    e = math.exp(-b)
    return e / (1 + e) ** 2


right(
    "04.4",
    by_bias,
    lambda steps: 0.5 ** (1 / steps) - 0.25 ** (1 / steps),
    lambda k: np.exp(-np.log(2) / k) * -np.expm1(-np.log(2) / k),
)
wrong("04.4", "the gate", lambda steps: 2 ** (-1 / steps))
wrong("04.4", "what is let go", lambda steps: 1 - 2 ** (-1 / steps))
wrong("04.4", "the bias", lambda steps: -math.log(2 ** (1 / steps) - 1))


def squashed_again(steps):
    s = 1 / (1 + np.exp(-(0.5 ** (1 / steps))))
    return s * (1 - s)


wrong("04.4", "the slope at the gate", squashed_again)
wrong("04.4", "the slope at the half-life", lambda b: 1 / (1 + math.exp(-b)) / (1 + math.exp(b)))
wrong("04.4", "the slope of tanh", lambda steps: 1 - 0.25 ** (1 / steps))
wrong("04.4", "a time constant", lambda steps: math.exp(-1 / steps) - math.exp(-2 / steps))
wrong("04.4", "the same amount at each step", lambda steps: (1 - 1 / (2 * steps)) / (2 * steps))
wrong("04.4", "the slope of all steps", lambda steps: 0.5 * (1 - 0.5))
wrong("04.4", "the derivative of what is left", lambda steps: 0.5 * steps * (1 - 0.5 ** (1 / steps)))
wrong("04.4", "approximately", lambda steps: math.log(2) / steps)
wrong("04.4", "one step too few", lambda k: 0.5 ** (1 / (k - 1)) * (1 - 0.5 ** (1 / (k - 1))))
wrong("04.4", "the sign", lambda steps: 0.25 ** (1 / steps) - 0.5 ** (1 / steps))


# 04.5 One step behind


def renamed(f, i, g, o, C):
    h = []
    for t in range(len(f)):
        C = f[t] * C + i[t] * g[t]
        h.append(o[t] * np.tanh(C))
    return np.array(h)


def unit_by_unit(f, i, g, o, C):
    h = np.zeros(f.shape)
    for unit in range(f.shape[1]):
        c = C[unit]
        for t in range(f.shape[0]):
            c = f[t, unit] * c + i[t, unit] * g[t, unit]
            h[t, unit] = math.tanh(c) * o[t, unit]
    return h


right("04.5", renamed, unit_by_unit)


def shown(show, new="f[t] * C + i[t] * g[t]", keep="new", give="np.array(h)"):
    scope = {"np": np}
    exec(
        f"def shown(f, i, g, o, C):\n    h = []\n    for t in range(len(f)):\n        new = {new}\n"
        f"        h.append({show})\n        C = {keep}\n    return {give}\n",
        scope,
    )
    return scope["shown"]


wrong("04.5", "not mended", shown("o[t] * np.tanh(C)"))
wrong("04.5", "not carried on", shown("o[t] * np.tanh(new)", keep="C"))
wrong("04.5", "no squashing", shown("o[t] * new"))
wrong("04.5", "no output gate", shown("np.tanh(new)"))
wrong("04.5", "a step further", shown("o[t] * np.tanh(f[t] * new + i[t] * g[t])"))
wrong("04.5", "the cell states", shown("new"))
wrong("04.5", "squashed on the belt", shown("o[t] * new", new="np.tanh(f[t] * C + i[t] * g[t])"))
wrong("04.5", "the gate one step behind", shown("o[max(t - 1, 0)] * np.tanh(new)"))
wrong("04.5", "the last alone", shown("o[t] * np.tanh(new)", give="h[-1]"))


# 04.6 A start that remembers

right(
    "04.6",
    {"b_f": 6, "b_i": -5},
    {"b_hf": 5.7, "bi": np.float32(-4.5), "b_o": 1.0},
    {"b_f": np.full(32, 6.5), "b_i": [-6.0] * 32},
)
wrong("04.6", "weights as well", {"b_f": 6, "b_i": -5, "W_f": 1})
wrong("04.6", "the wrong way round", {"b_f": -6, "b_i": 5})
wrong("04.6", "forgets", {"b_f": 5, "b_i": -5})
wrong("04.6", "buried", {"b_f": 6, "b_i": 0})
wrong("04.6", "cannot learn to forget", {"b_f": 20, "b_i": -5})
wrong("04.6", "cannot learn to write", {"b_f": 6, "b_i": -20})
wrong("04.6", "incomplete", {"b_f": 6})
wrong("04.6", "no weights", 6)
wrong("04.6", "another shape", {"b_f": [6, 6], "b_i": -5})


# 04.7 A hundred steps on the belt

right("04.7", [0, 0.8], (0.0, 0.79998), np.array([0.0, 0.8 - 0.8 * 0.9**100]))
wrong("04.7", "what is left", (0.8, 0))
wrong("04.7", "nothing lost", [0, 0])
wrong("04.7", "one step", [0, 0.08])
wrong("04.7", "what one step leaves", [0, 0.72])
wrong("04.7", "the same amount at each step", [0, 8])
wrong("04.7", "the share that is lost", [0, 1.0])
wrong("04.7", "both are lost", [0.8, 0.8])
wrong("04.7", "another shape", 0)
wrong("04.7", "no numbers", "nothing and everything")


# 04.8 The mean on the belt


def by_counting(t):
    before = t - 1
    return np.array([before, 1]) / (before + 1)


right(
    "04.8", lambda t: (1 - 1 / t, 1 / t), by_counting, lambda step: [(step - 1) / step, 1 - (step - 1) / step]
)
wrong("04.8", "exchanged", lambda t: (1 / t, 1 - 1 / t))
wrong("04.8", "the sum", lambda t: (1, 1))
wrong("04.8", "nothing is made smaller", lambda t: (1, 1 / t))
wrong("04.8", "half and half", lambda t: (0.5, 0.5))
wrong("04.8", "the start counts", lambda t: (t / (t + 1), 1 / (t + 1)))
wrong("04.8", "written in full", lambda t: (1 - 1 / t, 1))
wrong("04.8", "the last alone", lambda t: (0, 1))
wrong("04.8", "both alike", lambda t: [1 / t] * 2)
wrong("04.8", "over all again", lambda t: (1 / t, 1))
wrong("04.8", "wide open from the start", lambda t: (1 - t**-2.0, t**-2.0))
wrong("04.8", "another shape", lambda t: 1 / t)
wrong("04.8", "no function", (0.5, 0.5))
