"""Answers to the exercises of notebook 09b."""

import math

import numpy as np

import lstmcourse as lc

from . import right, wrong

S, T = lc.sigmoid, lc.tanh

# 09b.1 Who will miss its memory?

right("09b.1", "the one with a forget gate", "The one with a forget gate.")
for word in (
    "the one of 1997",
    "the one with f held at 1",
    "both without a forget gate",
    "all three",
    "none of the three",
):
    wrong("09b.1", word, word)
wrong("09b.1", "none of the answers", "the LSTM")
wrong("09b.1", "no word", 3)


# 09b.2 Not quite of 1997


def of_1997(
    c="c + i * g",
    h="o * (2 * S(c) - 1)",
    g="4 * S(lc.affine('g', h, x)) - 2",
):
    """The cell with other lines in their places, as a reader would type them."""
    scope = {"lc": lc, "S": S, "T": T}
    exec(
        "def of_1997(x, h, c):\n    i = S(lc.affine('i', h, x))\n    o = S(lc.affine('o', h, x))\n"
        f"    g = {g}\n    c = {c}\n    h = {h}\n    return h, c\n",
        scope,
    )
    return lc.cell(scope["of_1997"])


@lc.cell
def by_tanh(x, out, s):
    def layer(k):
        return (
            x @ lc.param(f"W_x{k}", "D", "H") + out @ lc.param(f"W_h{k}", "H", "H") + lc.param(f"b_{k}", "H")
        )

    s = s + S(layer("in")) * 2 * T(layer("c") / 2)
    return S(layer("out")) * T(0.5 * s), s


right("09b.2", of_1997(), of_1997(h="o * T(c / 2)", g="2 * T(lc.affine('g', h, x) / 2)"), by_tanh)
wrong("09b.2", "not mended", of_1997("(1 - i) * c + i * g", "o * T(c)"))
wrong("09b.2", "a forget gate in disguise", of_1997("(1 - i) * c + i * g"))
wrong("09b.2", "squashed as today", of_1997(h="o * T(c)"))
wrong("09b.2", "a forget gate of another gate", of_1997("o * c + i * g"))
wrong("09b.2", "the input gate forgets", of_1997("i * (c + g)"))
wrong("09b.2", "a candidate as today", of_1997(g="T(lc.affine('g', h, x))"))
wrong("09b.2", "nothing kept", of_1997("i * g"))
wrong("09b.2", "written in full", of_1997("c + g"))
wrong("09b.2", "not squashed", of_1997(h="o * c"))
wrong("09b.2", "squashed on the belt", of_1997("T((c + i * g) / 2)", "o * c"))
wrong("09b.2", "a sigmoid alone", of_1997(h="o * S(c)"))
wrong("09b.2", "the range of g", of_1997(h="o * (4 * S(c) - 2)"))
wrong("09b.2", "the course's own", lc.cells.lstm_1997)


# 09b.3 Right, where several letters may come


def row_by_row(scores, true, legal):
    """With lists."""
    found = []
    for row, letter, may in zip(scores, true, legal, strict=True):
        found.append(all(row[letter] > v for v, ok in zip(row, may, strict=True) if not ok))
    return found


def none_above(scores, true, legal):
    mine = np.take_along_axis(scores, true[:, None], axis=1)
    return ~((scores >= mine) & ~legal).any(axis=1)


right("09b.3", row_by_row, none_above, lambda s, t, ok: np.array(row_by_row(s, t, ok)))


def rows(line):
    """One row's line, as a reader would type it."""
    scope = {"np": np}
    exec(
        "def rows(scores, true, legal):\n    found = []\n    for s, t, ok in zip(scores, true, legal):\n"
        f"        found.append({line})\n    return np.array(found)\n",
        scope,
    )
    return scope["rows"]


wrong("09b.3", "the highest of all", rows("s.argmax() == t"))
wrong("09b.3", "the highest is legal", rows("ok[s.argmax()]"))
wrong("09b.3", "above the other legal ones", rows("s[t] >= s[ok].max()"))
wrong("09b.3", "above one of them", rows("(s[t] > s[~ok]).any()"))
wrong("09b.3", "all legal ones above", rows("s[ok].min() > s[~ok].max()"))
wrong("09b.3", "wrong ones for right ones", rows("s[t] < s[~ok].max()"))
wrong("09b.3", "the true one is legal", rows("ok[t]"))
wrong("09b.3", "the share", lambda scores, true, legal: np.mean(row_by_row(scores, true, legal)))
wrong("09b.3", "above the mean", rows("s[t] > s[~ok].mean()"))
wrong("09b.3", "another shape", lambda scores, true, legal: scores[true] > scores[~legal].max())
wrong("09b.3", "other arguments", lambda scores, true: scores.argmax(axis=1) == true)


# 09b.4 How large a state grows


def in_closed_form(f, m, s, T):
    k = np.arange(T)
    return np.sqrt((m * (f**k).sum()) ** 2 + s**2 * (f ** (2 * k)).sum())


def mean_square(f, m, s, T):
    """Of E[C] and E[C C]."""
    first, second = 0.0, 0.0
    for _ in range(T):
        first, second = f * first + m, f**2 * second + 2 * f * first * m + m**2 + s**2
    return math.sqrt(second)


right("09b.4", in_closed_form, mean_square)


def grown(mean="f * mean + m", var="f * f * var + s * s", give="(mean**2 + var) ** 0.5", steps="T"):
    """The loop, as a reader would type it."""
    scope = {"np": np}
    exec(
        f"def grown(f, m, s, T):\n    mean = var = 0.0\n    for t in range({steps}):\n        mean = {mean}\n"
        f"        var = {var}\n    return {give}\n",
        scope,
    )
    return scope["grown"]


wrong("09b.4", "the mean alone", grown(give="mean"))
wrong("09b.4", "the spread alone", grown(give="var**0.5"))
wrong("09b.4", "the mean square", grown(give="mean**2 + var"))
wrong("09b.4", "a factor f for the variance", grown(var="f * var + s**2"))
wrong("09b.4", "nothing forgotten", lambda f, m, s, T: np.hypot(T * m, T**0.5 * s))
wrong("09b.4", "all pushes alike", grown(var="f * var + s", give="(mean**2 + var**2) ** 0.5"))
wrong("09b.4", "the mean cancels too", grown(mean="0", var="f**2 * var + s**2 + m**2"))
wrong("09b.4", "added as they are", grown(give="mean + var**0.5"))
wrong("09b.4", "the standard deviation as a variance", grown(var="f**2 * var + s"))
wrong("09b.4", "one step", lambda f, m, s, T: np.hypot(m, s))
wrong("09b.4", "one step too few", grown(steps="1, T"))
wrong("09b.4", "one step too many", grown(steps="T + 1"))
wrong("09b.4", "the sign", grown(give="-((mean**2 + var) ** 0.5)"))
wrong("09b.4", "other arguments", lambda f, m, s: s / (1 - f**2) ** 0.5)
