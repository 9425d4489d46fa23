"""Answers to the exercises of notebook 05."""

from dataclasses import replace

import numpy as np

import lstmcourse as lc

from . import right, wrong

# 05.1 What is left of the state


def left(x, h, C, W, U, b):
    f = 1 / (1 + np.exp(-(x @ W + h @ U + b)))
    return f * C


def left_as_in_the_essay(x, h, C, W_xf, W_hf, b_f):
    z = np.hstack([h, x]) @ np.vstack([W_hf, W_xf]) + b_f
    return C * np.exp(z) / (1 + np.exp(z))


def left_row_by_row(x, h, C, W, U, b):
    rows = []
    for k in range(len(x)):
        z = b + W.T @ x[k] + U.T @ h[k]
        rows.append([c * 0.5 * (1 + np.tanh(v / 2)) for c, v in zip(C[k], z, strict=True)])
    return rows


right("05.1", left, left_as_in_the_essay, left_row_by_row)


def line(text, arguments="x, h, C, W, U, b"):
    """A function of one line, as a reader would type it."""
    scope = {"np": np, "sigmoid": lambda z: 1 / (1 + np.exp(-z))}
    exec(f"def typed({arguments}):\n    return {text}\n", scope)
    return scope["typed"]


wrong("05.1", "no sigmoid", line("C * (x @ W + h @ U + b)"))
wrong("05.1", "tanh in place of the sigmoid", line("C * np.tanh(x @ W + h @ U + b)"))
wrong("05.1", "what goes in place of what stays", line("C - C * sigmoid(x @ W + h @ U + b)"))
wrong("05.1", "the gate alone", line("sigmoid(x @ W + h @ U + b)"))
wrong("05.1", "no bias", line("C * sigmoid(x @ W + h @ U)"))
wrong("05.1", "no hidden state", line("C * sigmoid(x @ W + b)"))
wrong("05.1", "no input", line("C * sigmoid(b + h @ U)"))
wrong("05.1", "the cell state in place of h", line("C * sigmoid(x @ W + C @ U + b)"))
wrong("05.1", "added", line("C + sigmoid(x @ W + h @ U + b)"))
wrong("05.1", "the product inside", line("sigmoid(C * (x @ W + h @ U + b))"))
wrong("05.1", "open or shut", line("np.where(x @ W + h @ U + b > 0, C, 0)"))
wrong("05.1", "the transpose of U", line("C * sigmoid(x @ W + (U @ h.T).T + b)"))
wrong("05.1", "raises", line("C @ sigmoid(x @ W + h @ U + b)"))
wrong("05.1", "another shape", line("(C * sigmoid(x @ W + h @ U + b))[0]"))


# 05.2 Nothing may be forgotten

right("05.2", "all three suffer", "All three suffer.")
for word in (
    "nothing changes",
    "gender alone suffers",
    "the verb alone suffers",
    "the answers turn round",
    "the first sentence suffers",
):
    wrong("05.2", word, word)
wrong("05.2", "none of the answers", "it gets worse")


# 05.3 Open at 0, shut at 1

right(
    "05.3",
    {"b_f": 5, "W_f": -10},
    {"W_xf": [[-20.0]], "W_hf": [[1.0]], "b_xf": 4.0, "b_hf": 4.0},
    {"W_f": np.full((1, 1), -14.0), "U_f": np.zeros((1, 1)), "b_f": np.full(1, 7.0)},
)
wrong("05.3", "no bias", {"b_f": 0, "W_f": -10})
wrong("05.3", "the wrong way round", {"b_f": -5, "W_f": 10})
wrong("05.3", "always shut", {"b_f": -5, "W_f": -10})
wrong("05.3", "the input is not heard", {"b_f": 5, "W_f": 0, "U_f": -10})
wrong("05.3", "always open", {"b_f": 5, "W_f": -3})
wrong("05.3", "not open enough", {"b_f": 3, "W_f": -9})
wrong("05.3", "not shut enough", {"b_f": 5, "W_f": -9})
wrong("05.3", "h moves it", {"b_f": 5, "W_f": -10, "U_f": -10})
wrong("05.3", "incomplete", {"b_f": 5})
wrong("05.3", "another parameter", {"b_f": 5, "W_f": -10, "W_r": 0})


# 05.4 A bias for a half-life


def bias_by_search(n):
    low, high = -60.0, 60.0
    for _ in range(200):
        middle = (low + high) / 2
        kept = (1 / (1 + np.exp(-middle))) ** n
        low, high = (middle, high) if kept < 0.5 else (low, middle)
    return middle


right("05.4", line("-np.log(2 ** (1 / n) - 1)", "n"), line("-np.log(np.expm1(np.log(2) / n))", "n"))
right("05.4", bias_by_search)
wrong("05.4", "the gate, not its bias", line("2 ** (-1 / n)", "n"))
wrong("05.4", "the sign", line("np.log(2 ** (1 / n) - 1)", "n"))
wrong("05.4", "the logarithm alone", line("np.log(2 ** (-1 / n))", "n"))
wrong("05.4", "a time constant", line("-np.log(np.exp(1 / n) - 1)", "n"))
wrong("05.4", "one part in n", line("np.log(n - 1)", "n"))
wrong("05.4", "shares added", line("np.log(2 * n - 1)", "n"))
wrong("05.4", "halved at each step", line("-np.log(2 ** n - 1.0)", "n"))
wrong("05.4", "the logarithm to base 2", line("-np.log2(2 ** (1 / n) - 1)", "n"))
wrong("05.4", "one step more", line("-np.log(2 ** (1 / (n + 1)) - 1)", "n"))
wrong("05.4", "one step less", line("-np.log(2 ** (1 / (n - 1)) - 1)", "n"))
wrong("05.4", "nearly right", line("np.log(n / np.log(2))", "n"))
wrong("05.4", "no function", 4.96)


# 05.5 The mean over words that are not there


def counted(f, mask):
    total = (f * mask[..., None]).sum(axis=(0, 1))
    return total / mask.sum()


def one_by_one(f, mask):
    total, steps = np.zeros(f.shape[2]), 0
    for t in range(f.shape[0]):
        for k in range(f.shape[1]):
            if mask[t, k]:
                total += f[t, k]
                steps += 1
    return total / steps


right("05.5", counted, one_by_one, line("np.average(f, axis=(0, 1), weights=mask)", "f, mask"))
TOTAL = "(f * mask[..., None]).sum(axis=(0, 1))"
ROWS = "((f * mask[..., None]).sum(0) / mask.sum(0)[:, None]).mean(0)"
STEPS = "((f * mask[..., None]).sum(1) / mask.sum(1)[:, None]).mean(0)"
wrong("05.5", "not mended", line("(f * mask[..., None]).mean(axis=(0, 1))", "f, mask"))
wrong("05.5", "the mask forgotten", line("f.mean((0, 1))", "f, mask"))
wrong("05.5", "the padding alone", line("f[mask == 0].mean(axis=0)", "f, mask"))
wrong("05.5", "a mean of rows' means", line(ROWS, "f, mask"))
wrong("05.5", "a mean of steps' means", line(STEPS, "f, mask"))
wrong("05.5", "divided by rows", line(f"{TOTAL} / f.shape[1]", "f, mask"))
wrong("05.5", "divided by the longest", line(f"{TOTAL} / mask.sum(axis=0).max()", "f, mask"))
wrong("05.5", "the sum", line(TOTAL, "f, mask"))
wrong("05.5", "one number for all units", line("f[mask].mean()", "f, mask"))
wrong("05.5", "another shape", line("(f * mask[..., None]).sum(0) / mask.sum(0)[:, None]", "f, mask"))


# 05.6 One gate held open

READER, ROWS_READ = lc.reader.load(), lc.reader.rows(512)
GENDER, NUMBER = (lc.reader.carrier(READER, what)[0] for what in ("gender", "number"))


def shares(model, what="gender"):
    said, found = model.predict(ROWS_READ.x), []
    for first in (0, 14, 28):
        steps = (np.arange(len(ROWS_READ.x)) >= first) & (np.arange(len(ROWS_READ.x)) < first + 14)
        part = replace(ROWS_READ, mask=ROWS_READ.mask & steps[:, None])
        found.append(lc.reader.answers(said, part)[what])
    return found


HELD = lc.inspection.pin(READER, "f", 1.0, GENDER)
right("05.6", shares(HELD), tuple(round(share, 2) for share in shares(HELD)), np.array(shares(HELD)))
wrong("05.6", "as trained", [1.0, 1.0, 1.0])
wrong("05.6", "all gates", shares(READER.with_cell(lc.cells.lstm.override(f=1.0))))
wrong("05.6", "held shut", shares(lc.inspection.pin(READER, "f", 0.0, GENDER)))
wrong("05.6", "another gate", shares(lc.inspection.pin(READER, "i", 1.0, GENDER)))
wrong("05.6", "the unit for number", shares(lc.inspection.pin(READER, "f", 1.0, NUMBER)))
wrong("05.6", "silenced", shares(lc.inspection.silence(READER, GENDER)))
wrong("05.6", "the verb", shares(HELD, "verb"))
wrong("05.6", "what is wrong", [1 - share for share in shares(HELD)])
wrong("05.6", "the last sentence first", shares(HELD)[::-1])
wrong("05.6", "another shape", shares(HELD)[0])
wrong("05.6", "later ones", [1.0, 0.5, 0.5])
