"""Answers to the exercises of notebook 06."""

import numpy as np

import lstmcourse as lc

from . import right, wrong


def line(text, arguments):
    """A function of one line, as a reader would type it."""
    scope = {"np": np, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
    exec(f"def typed({arguments}):\n    return {text}\n", scope)
    return scope["typed"]


# 06.1 What is written

GIVEN = "x, h, W_i, U_i, b_i, W_C, U_C, b_C"


def written(x, h, W_i, U_i, b_i, W_C, U_C, b_C):
    i = 1 / (1 + np.exp(-(x @ W_i + h @ U_i + b_i)))
    g = np.tanh(x @ W_C + h @ U_C + b_C)
    return i * g


def in_one_matrix(x, h, W_xi, W_hi, b_i, W_xg, W_hg, b_g):
    W = np.block([[W_hi, W_hg], [W_xi, W_xg]])
    z_i, z_g = np.split(np.concatenate([h, x], axis=1) @ W + np.concatenate([b_i, b_g]), 2, axis=1)
    return (1 + np.tanh(z_i / 2)) / 2 * (1 - 2 / (np.exp(2 * z_g) + 1))


right("06.1", written, in_one_matrix)
I, C = "x @ W_i + h @ U_i + b_i", "x @ W_C + h @ U_C + b_C"
wrong("06.1", "the squashings exchanged", line(f"np.tanh({I}) * sigmoid({C})", GIVEN))
wrong("06.1", "two sigmoids", line(f"sigmoid({I}) * sigmoid({C})", GIVEN))
wrong("06.1", "two tanhs", line(f"np.tanh({I}) * np.tanh({C})", GIVEN))
wrong("06.1", "the candidate alone", line(f"np.tanh({C})", GIVEN))
wrong("06.1", "the gate alone", line(f"sigmoid({I})", GIVEN))
wrong("06.1", "added", line(f"sigmoid({I}) + np.tanh({C})", GIVEN))
wrong("06.1", "what is kept out", line(f"(1 - sigmoid({I})) * np.tanh({C})", GIVEN))
wrong("06.1", "no biases", line("sigmoid(x @ W_i + h @ U_i) * np.tanh(x @ W_C + h @ U_C)", GIVEN))
wrong("06.1", "one layer for both", line(f"sigmoid({I}) * np.tanh({I})", GIVEN))
wrong("06.1", "the candidate as it is", line(f"sigmoid({I}) * ({C})", GIVEN))
wrong("06.1", "the gate as it is", line(f"({I}) * np.tanh({C})", GIVEN))
wrong("06.1", "another shape", line(f"sigmoid({I}) @ np.tanh({C}).T", GIVEN))
wrong("06.1", "the sign", line(f"-sigmoid({I}) * np.tanh({C})", GIVEN))


# 06.2 The subject cannot get in

right("06.2", "it guesses", "It guesses.")
for word in (
    "it answers for the old subject",
    "it answers for the distractor",
    "it answers as before",
    "it knows the number and not the gender",
    "it is always wrong",
):
    wrong("06.2", word, word)
wrong("06.2", "none of the answers", "0.5")


# 06.3 Write what is marked

HAND = {"b_f": 10, "W_g": [5, 0], "W_i": [0, 20], "b_i": -10}
right(
    "06.3",
    HAND,
    {"W_xf": [[0], [0]], "b_f": 12.0, "W_xc": [[3], [0]], "W_xi": [[0], [16]], "b_xi": -4.0, "b_hi": -4.0},
    HAND | {"b_g": 0.0, "U_i": 0.0, "W_o": [3, 3], "b_o": -1.0, "W_i": np.array([[0.0], [30.0]]), "b_i": -15},
)
wrong("06.3", "nothing is written", HAND | {"W_i": [0, 0]})
wrong("06.3", "the wrong sign", HAND | {"W_g": [-5, 0]})
wrong("06.3", "the mark is written", HAND | {"W_g": 5})
wrong("06.3", "one way only", HAND | {"W_i": [10, 10]})
wrong("06.3", "written without a mark", HAND | {"b_i": 10})
wrong("06.3", "not kept", HAND | {"b_f": 0})
wrong("06.3", "too little", HAND | {"W_g": [1, 0]})
wrong("06.3", "replaced", HAND | {"W_f": [0, -20]})
wrong("06.3", "a long sequence", HAND | {"U_g": 10.0})
wrong("06.3", "incomplete", {"W_i": [0, 20], "b_i": -10})
wrong("06.3", "another shape", HAND | {"W_g": [5, 0, 0]})


# 06.4 Two gates that open together


def gates(x, h, W, U, b, first="b_i", second="b_f", give="i, f, g, o", squash="np.tanh"):
    scope = {"np": np, "sigmoid": lambda z: 1 / (1 + np.exp(-z)), "x": x, "h": h, "W": W, "U": U, "b": b}
    exec(
        "z_i, z_f, z_g, z_o = np.split(x @ W + h @ U, 4, axis=1)\n"
        "b_i, b_f, b_g, b_o = np.split(b, 4)\n"
        f"i, f = sigmoid(z_i + {first}), sigmoid(z_f + {second})\n"
        f"g, o = {squash}(z_g + b_g), sigmoid(z_o + b_o)\n"
        f"made = {give}",
        scope,
    )
    return scope["made"]


def typed(**parts):
    return lambda x, h, W, U, b: gates(x, h, W, U, b, **parts)


def by_columns(x, h, W, U, b):
    H = h.shape[1]
    z = np.hstack([x, h]) @ np.vstack([W, U]) + b
    e = 1 / (1 + np.exp(-z))
    return [e[:, :H], e[:, H : 2 * H], np.tanh(z[:, 2 * H : 3 * H]), e[:, 3 * H :]]


right("06.4", typed(), by_columns)
wrong("06.4", "not mended", typed(first="b_f"))
wrong("06.4", "the other bias", typed(second="b_i"))
wrong("06.4", "the biases exchanged", typed(first="b_f", second="b_i"))
wrong("06.4", "no bias at all", typed(first="0", second="0"))
wrong("06.4", "no bias in the input gate", typed(first="0"))
wrong("06.4", "both biases in both", typed(first="b_i + b_f", second="b_i + b_f"))
wrong("06.4", "the gates exchanged", typed(give="f, i, g, o"))
wrong("06.4", "g and o exchanged", typed(give="i, f, o, g"))
wrong("06.4", "a candidate that is a gate", typed(squash="sigmoid"))
wrong("06.4", "another number of results", typed(give="i, f"))


# 06.5 What moves what is written


def by_complex_steps(a, u):
    def written(a, u):
        return np.tanh(u) / (1 + np.exp(-a))

    return np.imag(written(a + 1e-30j, u)) / 1e-30, np.imag(written(a, u + 1e-30j)) / 1e-30


def derived(text):
    return line(f"(lambda i, g: ({text}))(sigmoid(a), np.tanh(u))", "a, u")


right("06.5", by_complex_steps, derived("i * g - i**2 * g, i - i * g * g"))
right("06.5", line("[np.exp(-a) / (1 + np.exp(-a))**2 * np.tanh(u), sigmoid(a) / np.cosh(u)**2]", "a, u"))
wrong("06.5", "exchanged", derived("i * (1 - g**2), i * (1 - i) * g"))
wrong("06.5", "the other factor forgotten", derived("i * (1 - i), 1 - g**2"))
wrong("06.5", "behind the squashing", derived("g, i"))
wrong("06.5", "no 1 - i", derived("i * g, i * (1 - g**2)"))
wrong("06.5", "the square forgotten", derived("i * (1 - i) * g, i * (1 - g)"))
wrong("06.5", "two sigmoids", derived("i * (1 - i) * g, i * g * (1 - g)"))
wrong("06.5", "two tanhs", derived("(1 - i**2) * g, i * (1 - g**2)"))
wrong("06.5", "both derivatives at once", derived("i * (1 - i) * (1 - g**2), i * (1 - i) * (1 - g**2)"))
wrong("06.5", "one for both", derived("i * (1 - i) * g + i * (1 - g**2)"))
wrong("06.5", "another number of results", derived("i * (1 - i) * g, i * (1 - g**2), i * g"))


# 06.6 Without the gate


@lc.cell
def ungated(x, h, c):
    f = lc.sigmoid(lc.affine("f", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    o = lc.sigmoid(lc.affine("o", h, x))
    c = f * c + g
    h = o * lc.tanh(c)
    return h, c


def no_gate(changed="", by="x, h, c"):
    """The cell in other letters; a changed line takes the place of the one that begins alike."""
    lines = [
        'keep = lc.sigmoid(lc.affine("forget", h, x))',
        'new = lc.tanh(lc.affine("candidate", h, x))',
        'show = lc.sigmoid(lc.affine("output", h, x))',
        "C = new + c * keep",
        "H = lc.tanh(C) * show",
        "return H, C",
    ]
    lines = {text.split()[0]: text for text in (*lines, *filter(None, [changed]))}
    scope = {"lc": lc}
    exec("\n    ".join([f"def mine({by}):", *lines.values()]), scope)
    return lc.cell(scope["mine"])


right("06.6", ungated, no_gate(), no_gate("new = 2 * lc.sigmoid(2 * lc.affine('candidate', h, x)) - 1"))
wrong("06.6", "coupled", no_gate("C = c * keep + new - keep * new"))
wrong("06.6", "gated by the output gate", no_gate("C = show * new + c * keep"))
wrong("06.6", "nothing forgotten", no_gate("C = c + new"))
wrong("06.6", "f on the whole sum", no_gate("C = (new + c) * keep"))
wrong("06.6", "the candidate as it is", no_gate('new = lc.affine("candidate", h, x)'))
wrong("06.6", "a candidate that is a gate", no_gate('new = lc.sigmoid(lc.affine("candidate", h, x))'))
wrong("06.6", "no tanh before the output", no_gate("H = C * show"))
wrong("06.6", "the old state shown", no_gate("H = lc.tanh(c) * show"))
wrong("06.6", "all is shown", no_gate("H = lc.tanh(C)"))
wrong("06.6", "the states exchanged", no_gate("return C, H"))
wrong("06.6", "the old state kept", no_gate("return H, c"))
wrong("06.6", "no such cell", no_gate('C = c * keep + lc.sigmoid(lc.affine("input", h, x)) * new'))
wrong("06.6", "the course's own", lc.cells.lstm.override(i=1.0))
