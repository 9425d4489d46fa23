"""Answers to the exercises of notebook 03."""

import math

import numpy as np

import lstmcourse as lc

from . import right, wrong

# 03.1 Count an LSTM's parameters


def layer_by_layer(inputs, units):
    total = 0
    for _ in "figo":
        total += inputs * units + units * units + units
    return total


right("03.1", layer_by_layer, lambda D, H: 4 * (D * H + H**2 + H))
wrong("03.1", "one layer", lambda D, H: D * H + H * H + H)
wrong("03.1", "the gates alone", lambda D, H: 3 * (D * H + H * H + H))
wrong("03.1", "five layers", lambda D, H: 5 * (D * H + H * H + H))
wrong("03.1", "no bias", lambda D, H: 4 * (D * H + H * H))
wrong("03.1", "two biases", lambda D, H: 4 * (D * H + H * H + 2 * H))
wrong("03.1", "one bias for all layers", lambda D, H: 4 * (D * H + H * H) + H)
wrong("03.1", "one bias for each layer", lambda D, H: 4 * (D * H + H * H + 1))
wrong("03.1", "the state is not read", lambda D, H: 4 * (D * H + H))
wrong("03.1", "the cell state is read", lambda D, H: 4 * ((D + H + H) * H + H))
wrong("03.1", "the recurrent part once", lambda D, H: 4 * D * H + H * H + 4 * H)
wrong("03.1", "no function", 5504)


# 03.2 As many parameters, how many units?


def by_trying(D, H):
    budget = H * (D + H + 1)
    n = 0
    while 4 * (n + 1) * (D + n + 2) <= budget:
        n += 1
    return n


def by_solving(D, H):
    p = D + 1
    return math.floor((math.sqrt(p * p + H * (H + p)) - p) / 2)


right("03.2", by_trying, by_solving)
wrong("03.2", "one too many", lambda D, H: by_trying(D, H) + 1)
wrong("03.2", "one too few", lambda D, H: by_trying(D, H) - 1)
wrong("03.2", "a quarter", lambda D, H: H // 4)
wrong("03.2", "half", lambda D, H: int(H / 2))
wrong("03.2", "no bias", lambda D, H: max(n for n in range(H) if 4 * n * (D + n) <= H * (D + H)))
wrong("03.2", "three layers", lambda D, H: max(n for n in range(H) if 3 * n * (D + n + 1) <= H * (D + H + 1)))
wrong("03.2", "not rounded", lambda D, H: (math.sqrt((D + 1) ** 2 + H * (H + D + 1)) - D - 1) / 2)
wrong("03.2", "rounded", lambda D, H: round((math.sqrt((D + 1) ** 2 + H * (H + D + 1)) - D - 1) / 2))
wrong("03.2", "as many", lambda D, H: H)
wrong("03.2", "no function", 27)


# 03.3 All gates wide open

right("03.3", "the sum of the candidates so far", "The sum of the candidates so far.")
wrong("03.3", "the latest candidate", "the latest candidate")
wrong("03.3", "the mean of the candidates so far", "the mean of the candidates so far")
wrong("03.3", "the sum of the inputs so far", "the sum of the inputs so far")
wrong("03.3", "the product of the candidates", "the product of the candidates")
wrong("03.3", "its value at the start", "its value at the start")
wrong("03.3", "a plain network's state", "a plain network's state")
wrong("03.3", "none of the answers", "the sum")


# 03.4 The cell state, from memory


def update(line, show="o * np.tanh(C)", give="h, C"):
    """The two lines, as a reader would type them; `old` is the cell state before."""
    scope = {"np": np, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
    exec(
        f"def update(f, i, g, o, C):\n    old = C\n    C = {line}\n    h = {show}\n    return {give}\n",
        scope,
    )
    return scope["update"]


def in_place(f, i, g, o, C):
    C *= f
    C += i * g
    e = np.exp(-2 * C)
    return np.array([o * (1 - e) / (1 + e), C])


def number_by_number(f, i, g, o, C):
    new = np.empty_like(C)
    h = np.empty_like(C)
    for at in np.ndindex(C.shape):
        new[at] = f[at] * C[at] + i[at] * g[at]
        h[at] = o[at] * math.tanh(new[at])
    return h, new


LINE = "f * C + i * g"
right("03.4", in_place, number_by_number, update("i * g + C * f"))
wrong("03.4", "f and i exchanged", update("i * C + f * g"))
wrong("03.4", "nothing forgotten", update("C + i * g"))
wrong("03.4", "all written", update("f * C + g"))
wrong("03.4", "nothing kept", update("i * g"))
wrong("03.4", "1 - f", update("(1 - f) * C + i * g"))
wrong("03.4", "the wrong brackets", update("f * (C + i * g)"))
wrong("03.4", "the cell state squashed", update("np.tanh(f * C + i * g)", "o * C"))
wrong("03.4", "squashed twice", update("np.tanh(f * C + i * g)"))
wrong("03.4", "shown as it is", update(LINE, "o * C"))
wrong("03.4", "no output gate", update(LINE, "np.tanh(C)"))
wrong("03.4", "squashed last", update(LINE, "np.tanh(o * C)"))
wrong("03.4", "the old C shown", update(LINE, "o * np.tanh(old)"))
wrong("03.4", "the candidate squashed again", update("f * C + i * np.tanh(g)"))
wrong(
    "03.4", "the gates squashed again", update("sigmoid(f) * C + sigmoid(i) * g", "sigmoid(o) * np.tanh(C)")
)
wrong("03.4", "returned the other way round", update(LINE, give="C, h"))
wrong("03.4", "the old C returned", update(LINE, give="h, old"))
wrong("03.4", "another number of results", update(LINE, give="C"))


# 03.5 Half way to the LSTM


@lc.cell
def gated(x, h):
    keep = lc.sigmoid(lc.affine("keep", h, x))
    new = lc.tanh(lc.affine("new", h, x))
    h = keep * h + (1 - keep) * new
    return h


@lc.cell
def by_difference(x, s):
    z = lc.tanh(lc.affine("z", s, x))
    u = lc.sigmoid(lc.affine("u", s, x))
    s = z + u * (s - z)
    return s


right("03.5", gated, by_difference)


def written(line, u='lc.sigmoid(lc.affine("u", h, x))', n='lc.tanh(lc.affine("n", h, x))'):
    scope = {"lc": lc}
    exec(f"def mine(x, h):\n    u = {u}\n    n = {n}\n    h = {line}\n    return h\n", scope)
    return lc.cell(scope["mine"])


MIX = "u * h + (1 - u) * n"
wrong("03.5", "1 - u keeps", written("(1 - u) * h + u * n"))
wrong("03.5", "all is added", written("u * h + n"))
wrong("03.5", "all is kept", written("h + (1 - u) * n"))
wrong("03.5", "both by u", written("u * (h + n)"))
wrong("03.5", "a sigmoid for the new part", written(MIX, n='lc.sigmoid(lc.affine("n", h, x))'))
wrong("03.5", "the new part not squashed", written(MIX, n='lc.affine("n", h, x)'))
wrong("03.5", "the gate squashed by tanh", written(MIX, u='lc.tanh(lc.affine("u", h, x))'))
wrong("03.5", "the gate not squashed", written(MIX, u='lc.affine("u", h, x)'))
wrong("03.5", "one layer for both", written(MIX, n='lc.tanh(lc.affine("u", h, x, shared=True))'))
wrong("03.5", "the old state not kept", written("(1 - u) * n"))
wrong("03.5", "squashed as a whole", written(f"lc.tanh({MIX})", n='lc.affine("n", h, x)'))
wrong("03.5", "the course's own", lc.cells.rnn)
wrong("03.5", "no such cell", lambda x, h: h)


@lc.cell
def plain(x, h):
    h = lc.tanh(lc.affine("h", h, x))
    return h


@lc.cell
def kept(x, h):
    u = lc.sigmoid(lc.affine("u", h, x))
    h = u * h + (1 - u) * h
    return h


wrong("03.5", "no gate", plain)
wrong("03.5", "the gate alone", kept)


# 03.6 The same sentence, with gates

right(
    "03.6",
    {"W_f": [-20, -20, 20], "W_i": [20, 20, -20], "W_g": [20, -20, 0]},
    {
        "W_xf": [[-30.0], [-30.0], [0.0]],
        "b_f": 15,
        "W_xi": [[10], [10], [0]],
        "b_i": 0,
        "W_xC": [[5], [-5], [0]],
    },
    {"W_if": [-20, -20, 20], "W_ii": [20, 20, -20], "W_ig": [9, 0, 0], "b_ig": -3, "b_hg": -1.5, "W_ho": 2},
)


def gates(f=(-20, -20, 20), i=(20, 20, -20), g=(20, -20, 0), **others):
    return {"W_f": [[w] for w in f], "W_i": [[w] for w in i], "W_g": [[w] for w in g], **others}


wrong("03.6", "other words write", gates(i=(20, 20, 20), g=(20, -20, 20)))
wrong("03.6", "nothing written", gates(i=(-20, -20, 20)))
wrong("03.6", "France and Japan alike", gates(g=(20, 20, 0)))
wrong("03.6", "the wrong way round", gates(g=(-20, 20, 0)))
wrong("03.6", "written in part", gates(i=(0, 0, 0)))
wrong("03.6", "fades", gates(f=(-20, -20, 5)))
wrong("03.6", "the old country stays", gates(f=(20, 20, 20)))
wrong("03.6", "a switch", gates(f=(-20, -20, -20), i=(20, 20, 20), U_g=3, b_o=20))
wrong("03.6", "another parameter", gates(W_q=20))
wrong("03.6", "another shape", {"W_f": [-20, 20], "W_i": [20, 20, -20], "W_g": [20, -20, 0]})
wrong("03.6", "no weights", 20)
