"""Answers to the exercises of notebook 15."""

import numpy as np

import lstmcourse as lc

from . import right, wrong

# 15.1 What full gate recurrence costs

right("15.1", 3600, "3,600", 3 * 3 * 20 * 20)
wrong("15.1", "one weight a unit", 180)
wrong("15.1", "one matrix a gate", 1200)
wrong("15.1", "no gate sees itself", 6 * 20 * 20)
wrong("15.1", "with biases", 9 * 20 * 21)
wrong("15.1", "from the inputs", 2160)
wrong("15.1", "four layers see them", 12 * 400)
wrong("15.1", "all of it", 6300)
wrong("15.1", "those of V", 2700)


# 15.2 Somebody's t


def mended(a, b):
    return (a.mean() - b.mean()) / np.sqrt(a.var(ddof=1) / a.size + b.var(ddof=1) / b.size)


def by_sums(a, b):
    def squared_error(s):
        m = sum(s) / len(s)
        return sum((v - m) ** 2 for v in s) / (len(s) - 1) / len(s)

    return (sum(a) / len(a) - sum(b) / len(b)) / (squared_error(a) + squared_error(b)) ** 0.5


def student(a, b):
    freedom = len(a) + len(b) - 2
    common = (((a - a.mean()) ** 2).sum() + ((b - b.mean()) ** 2).sum()) / freedom
    return (a.mean() - b.mean()) / (common * (1 / len(a) + 1 / len(b))) ** 0.5


def over(line):
    scope = {"np": np}
    exec(f"def t(a, b):\n    return (a.mean() - b.mean()) / ({line})\n", scope)
    return scope["t"]


right("15.2", mended, by_sums)
wrong("15.2", "not mended", over("np.sqrt(a.var(ddof=1) + b.var(ddof=1))"))
wrong("15.2", "deviations", over("np.sqrt(a.std(ddof=1) / len(a) + b.std(ddof=1) / len(b))"))
wrong("15.2", "n below", over("np.sqrt(a.var() / len(a) + b.var() / len(b))"))
wrong("15.2", "deviations of all numbers", over("np.sqrt(a.std() / len(a) + b.std() / len(b))"))
wrong("15.2", "one variance for both", student)
wrong("15.2", "no root", over("a.var(ddof=1) / len(a) + b.var(ddof=1) / len(b)"))
wrong("15.2", "errors added", over("a.std(ddof=1) / len(a)**0.5 + b.std(ddof=1) / len(b)**0.5"))
wrong("15.2", "one number for both", over("np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))"))
wrong("15.2", "all numbers together", over("np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / (len(a) + len(b)))"))
wrong("15.2", "the other way round", lambda a, b: mended(b, a))
wrong("15.2", "its square", lambda a, b: by_sums(a, b) ** 2)


# 15.3 Many questions


def in_a_loop(p):
    out, most = [0.0] * len(p), 0.0
    for rank, k in enumerate(sorted(range(len(p)), key=lambda k: p[k])):
        most = max(most, min(1.0, (len(p) - rank) * p[k]))
        out[k] = most
    return out


def with_ranks(p):
    n, ranks = len(p), np.argsort(np.argsort(p))
    steps = np.sort(p) * np.arange(n, 0, -1)
    return np.clip(np.maximum.accumulate(steps), 0, 1)[ranks]


def careless(p, clip=True, rising=True, back=True, factors=None):
    n = len(p)
    steps = np.sort(p) * (np.arange(n, 0, -1) if factors is None else factors(n))
    steps = np.maximum.accumulate(steps) if rising else steps
    steps = np.clip(steps, 0, 1) if clip else steps
    return steps[np.argsort(np.argsort(p))] if back else steps


right("15.3", in_a_loop, with_ranks)
wrong("15.3", "Bonferroni", lambda p: np.minimum(1, len(p) * p))
wrong("15.3", "they change places", lambda p: careless(p, rising=False))
wrong("15.3", "order lost", lambda p: careless(p, back=False))
wrong("15.3", "above 1", lambda p: careless(p, clip=False))
wrong("15.3", "above 1, and they change places", lambda p: careless(p, clip=False, rising=False))
wrong("15.3", "one too few", lambda p: careless(p, factors=lambda n: np.arange(n - 1, -1, -1)))
wrong("15.3", "from the wrong end", lambda p: careless(p, factors=lambda n: np.arange(1, n + 1)))
wrong("15.3", "false discoveries", lambda p: careless(p, factors=lambda n: n / np.arange(1, n + 1)))
wrong("15.3", "as they were", lambda p: p)


# 15.4 What may be said

right("15.4", "worse, but by less than the margin", "Worse, but by less than the margin.")
for word in (
    "worse, and by more than the margin",
    "undecided",
    "no difference",
    "better",
    "worse, and nobody knows by how much",
):
    wrong("15.4", word, word)
wrong("15.4", "none of the answers", "it is alike")


# 15.5 A cell of your own


@lc.cell
def one_gate(x, h):
    z = lc.sigmoid(lc.affine("z", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    h = (1.0 - z) * h + z * g
    return h


@lc.cell
def candidate_without_the_past(x, h):
    keep = lc.sigmoid(lc.affine("k", U=h, W=x))
    new = lc.tanh(x @ lc.param("W_n", "D", "H"))
    h = keep * (h - new) + new
    return h


@lc.cell
def without_a_gate(x, h):
    h = lc.tanh(lc.affine("h", h, x))
    return h


@lc.cell
def like_a_gru(x, h):
    z = lc.sigmoid(lc.affine("z", h, x))
    r = lc.sigmoid(lc.affine("r", h, x))
    g = lc.tanh(lc.affine("g", r * h, x))
    h = (1.0 - z) * h + z * g
    return h


@lc.cell
def adds_up(x, h):
    z = lc.sigmoid(lc.affine("z", h, x))
    h = z * h + lc.tanh(lc.affine("g", W=x))
    return h


@lc.cell
def without_ears(x, h):
    z = lc.sigmoid(lc.affine("z", U=h))
    h = z * h + (1.0 - z) * lc.tanh(lc.affine("g", U=h)) + 0.0 * (x @ lc.param("W", "D", "H"))
    return h


@lc.cell
def two_states(x, h, c):
    z = lc.sigmoid(lc.affine("z", h, x))
    c = z * c + (1.0 - z) * lc.tanh(lc.affine("g", h, x))
    h = lc.tanh(c)
    return h, c


@lc.cell
def keeps_for_ever(x, h):
    a = 0.02 * lc.sigmoid(lc.affine("a", h, x))
    h = (1.0 - a) * h + a * lc.tanh(lc.affine("g", W=x))
    return h


right("15.5", one_gate, candidate_without_the_past)
wrong("15.5", "no cell", lambda x, h: h)
wrong("15.5", "other states", two_states)
wrong("15.5", "too many parameters", like_a_gru)
wrong("15.5", "deaf", without_ears)
wrong("15.5", "out of bounds", adds_up)
wrong("15.5", "cannot keep", without_a_gate)
wrong("15.5", "cannot forget", keeps_for_ever)
wrong("15.5", "the course's own", lc.cells.min_gru)
