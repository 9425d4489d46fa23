"""Answers to the exercises of notebook 08."""

import numpy as np

import lstmcourse as lc

from . import right, wrong


def line(text, arguments):
    """A function of one line, as a reader would type it."""
    scope = {"np": np, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
    exec(f"def typed({arguments}):\n    return {text}\n", scope)
    return scope["typed"]


# 08.1 What is shown

GIVEN = "x, h, C, W, U, b"
GATE = "sigmoid(x @ W + h @ U + b)"


def by_one_matrix(x, h, C, W_xo, W_ho, b_o):
    z = np.concatenate([x, h], axis=1) @ np.concatenate([W_xo, W_ho]) + b_o
    return (np.exp(C) - np.exp(-C)) / (np.exp(C) + np.exp(-C)) / (1 + np.exp(-z))


right("08.1", line(f"np.tanh(C) * {GATE}", GIVEN), by_one_matrix)
wrong("08.1", "not squashed", line(f"C * {GATE}", GIVEN))
wrong("08.1", "squashed after the gate", line(f"np.tanh(C * {GATE})", GIVEN))
wrong("08.1", "no gate", line("np.tanh(C)", GIVEN))
wrong("08.1", "the gate alone", line(GATE, GIVEN))
wrong("08.1", "a sigmoid for the state", line(f"sigmoid(C) * {GATE}", GIVEN))
wrong("08.1", "what is held back", line(f"np.tanh(C) - np.tanh(C) * {GATE}", GIVEN))
wrong("08.1", "added", line(f"np.tanh(C) + {GATE}", GIVEN))
wrong("08.1", "a tanh for the gate", line("np.tanh(C) * np.tanh(x @ W + h @ U + b)", GIVEN))
wrong("08.1", "no bias", line("np.tanh(C) * sigmoid(x @ W + h @ U)", GIVEN))
wrong("08.1", "the gate of the state", line("np.tanh(C) * sigmoid(x @ W + C @ U + b)", GIVEN))
wrong("08.1", "raises", line("np.tanh(C) * sigmoid(W @ x + U @ h + b)", GIVEN))


# 08.2 Hidden while nobody asks

right("08.2", "hardly better than a guess", "Hardly better than a guess!")
for word in (
    "as right as before",
    "right for the plural alone",
    "the other verb",
    "right in the first sentence alone",
    "wrong at the pronoun alone",
):
    wrong("08.2", word, word)
wrong("08.2", "none of the answers", "bad")


# 08.3 One step behind


def step(lines, give="h, c"):
    """One step with these last lines, as a reader would type it."""
    scope = {"np": np, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
    body = [
        "i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)",
        "i, f, g, o = sigmoid(i), sigmoid(f), np.tanh(g), sigmoid(o)",
        *lines,
        f"return {give}",
    ]
    exec("\n    ".join(["def step(x, h, c, W, U, b):", *body]), scope)
    return scope["step"]


def in_columns(x, h, c, W, U, b):
    H = h.shape[1]
    z = np.hstack([x, h]) @ np.vstack([W, U]) + b
    s = 0.5 + 0.5 * np.tanh(z / 2)
    new = s[:, H : 2 * H] * c + s[:, :H] * np.tanh(z[:, 2 * H : -H])
    return s[:, -H:] * np.tanh(new), new


C, SHOW = "c = f * c + i * g", "h = o * np.tanh(c)"
right("08.3", step([C, SHOW]), in_columns, step([C.replace("c =", "C ="), "h = o * np.tanh(C)"], "[h, C]"))
wrong("08.3", "not mended", step([SHOW, C]))
wrong("08.3", "the old state returned", step(["C = f * c + i * g", "h = o * np.tanh(C)"]))
wrong("08.3", "exchanged", step([C, SHOW], "c, h"))
wrong("08.3", "not squashed", step([C, "h = o * c"]))
wrong("08.3", "no gate", step([C, "h = np.tanh(c)"]))
wrong("08.3", "squashed after the gate", step([C, "h = np.tanh(o * c)"]))
wrong("08.3", "nothing carried on", step(["c = i * g", SHOW]))
wrong("08.3", "the gates exchanged", step(["c = i * c + f * g", SHOW]))
wrong("08.3", "both states of before", step([SHOW]))
wrong("08.3", "another number of results", step([C, SHOW], "h"))


# 08.4 Shown on demand

HAND = {"b_f": 10, "b_i": 10, "W_g": [5, 0], "W_o": [0, 20], "b_o": -10}
right(
    "08.4",
    HAND,
    {"W_xf": 0, "b_f": 12, "W_xi": [[20], [0]], "b_i": -8, "W_xc": 0, "b_c": 4}
    | {"W_xo": [[0], [14]], "b_xo": -3, "b_ho": -4},
)
wrong("08.4", "never shown", HAND | {"W_g": 0})
wrong("08.4", "the wrong sign", HAND | {"W_g": [-5, 0]})
wrong("08.4", "asking sets it", HAND | {"W_g": 5})
wrong("08.4", "shown at once", HAND | {"W_o": 20})
wrong("08.4", "shown unasked", HAND | {"W_o": [-20, 20], "b_o": 10})
wrong("08.4", "not kept", HAND | {"b_f": 2})
wrong("08.4", "faint", HAND | {"b_i": 0})
wrong("08.4", "not for long", HAND | {"U_f": -15})
wrong("08.4", "incomplete", {"b_f": 10, "b_i": 10, "W_g": [5, 0]})


# 08.6 Who must not be silent

READER, FEW = lc.reader.load(), lc.reader.rows(64)
SHARES = [lc.reader.answers(lc.inspection.silence(READER, unit).predict(FEW.x), FEW) for unit in range(32)]
NEEDED = [unit for unit, share in enumerate(SHARES) if share["gender"] < 0.8]
right("08.6", NEEDED, set(NEEDED[::-1]), np.array([share["gender"] < 0.8 for share in SHARES]))
wrong("08.6", "the carrier alone", [lc.reader.carrier(READER, "gender")[0]])
wrong("08.6", "the carrier of number", lc.reader.carrier(READER, "number")[0])
wrong("08.6", "the pronoun's number", {unit for unit, share in enumerate(SHARES) if share["number"] < 0.8})
wrong("08.6", "below 0.9", {unit for unit, share in enumerate(SHARES) if share["gender"] < 0.9})
wrong("08.6", "below 1", [unit for unit, share in enumerate(SHARES) if share["gender"] != 1])
wrong("08.6", "the worst alone", [unit for unit, share in enumerate(SHARES) if share["gender"] < 0.6])
wrong("08.6", "those that may be silent", set(range(32)) - set(NEEDED))
wrong("08.6", "all units", range(32))
wrong("08.6", "some are missing", NEEDED[:3])
wrong("08.6", "no set", [share["gender"] for share in SHARES])


# 08.7 Lead the reader astray

right(
    "08.7",
    "the king is sad and near the queens near the nuns near the girls he",
    "The queen is sad, and seen by the kings seen by the boys seen by the monks she slept.",
    "the queens are sad and near the king near the boy near the monk near the uncle they".split(),
)
wrong("08.7", "a word it does not know", "the wizard is sad and near the nuns near the girls he")
wrong("08.7", "no pronoun", "the king is sad and near the queens near the nuns")
wrong("08.7", "no sentence of the language", "the king is sad and the queens the nuns the girls he")
wrong("08.7", "the verb does not fit", "the king are sad and near the queens near the nuns near the girls he")
wrong(
    "08.7",
    "the pronoun does not fit",
    ("the king is sad and near the queens near the nuns near the girls they"),
)
wrong("08.7", "too long", "the king is sad and" + " near the queens" * 5 + " he slept .")
wrong("08.7", "read well", "the king is sad and near the old queens he")
wrong("08.7", "no text", 15)
