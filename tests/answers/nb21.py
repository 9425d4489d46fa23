"""Answers to the exercises of notebook 21."""

import itertools
import math

import numpy as np

from . import right, wrong

# 21.1 A memory for one who sees all

right("21.1", "nothing: the present state says all", "Nothing: the present state says all.")
for word in (
    "without it the pole falls",
    "it holds the speeds",
    "it makes the cart faster",
    "it stores the best push for each trial",
):
    wrong("21.1", word, word)
wrong("21.1", "none of the answers", "it does no harm")
wrong("21.1", "nothing yet", None)


# 21.2 A step of evolution


def in_loops(noise, ranks, sigma, alpha):
    total = np.zeros(noise.shape[1])
    for e, u in zip(noise, ranks, strict=True):
        total += u * e
    return total * alpha / sigma / len(ranks)


right("21.2", in_loops, lambda e, u, s, a: a * (u[:, None] * e).mean(axis=0) / s)
wrong("21.2", "the sum", lambda e, u, s, a: a / s * u @ e)
wrong("21.2", "sigma is missing", lambda e, u, s, a: a * (u[:, None] * e).mean(0))
wrong("21.2", "times sigma", lambda e, u, s, a: a * s * (u[:, None] * e).mean(0))
wrong("21.2", "sigma squared", lambda e, u, s, a: a * (u @ e) / (s * s * len(e)))
wrong("21.2", "downhill", lambda e, u, s, a: -in_loops(e, u, s, a))
wrong("21.2", "alpha is missing", lambda e, u, s, a: u @ e / (len(u) * s))
wrong("21.2", "the best alone", lambda e, u, s, a: a * e[np.argsort(u)[-1]] / s)
wrong("21.2", "a step for each", lambda e, u, s, a: a * u[:, None] * e / (len(u) * s))


# 21.3 Parallel fifths and octaves


def pairs(before, now, fits, moves=all):
    found = 0
    for (a, c), (b, d) in itertools.combinations(zip(before, now, strict=True), 2):
        found += bool(fits(b - a, d - c) and moves((a != c, b != d)))
    return found


def perfect(first, second):
    return first % 12 == second % 12 and first % 12 in (0, 7)


def by_matrix(before, now):
    a, b = (np.subtract.outer(x, x).T % 12 for x in (before, now))
    moved = np.not_equal(before, now)
    return int(np.triu((a == b) & np.isin(a, [0, 7]) & np.outer(moved, moved), 1).sum())


right("21.3", lambda a, b: pairs(a, b, perfect), by_matrix)
wrong("21.3", "held notes count", lambda a, b: pairs(a, b, perfect, moves=lambda _: True))
wrong(
    "21.3",
    "neighbours alone",
    lambda a, b: sum(
        perfect(a[k + 1] - a[k], b[k + 1] - b[k]) and a[k] != b[k] and a[k + 1] != b[k + 1] for k in range(3)
    ),
)
wrong("21.3", "octaves between", lambda a, b: pairs(a, b, lambda p, q: p == q and p in (7, 12)))
wrong("21.3", "no octaves", lambda a, b: pairs(a, b, lambda p, q: p % 12 == q % 12 == 7))
wrong("21.3", "no fifths", lambda a, b: pairs(a, b, lambda p, q: p % 12 == q % 12 == 0))
wrong("21.3", "any interval", lambda a, b: pairs(a, b, lambda p, q: p % 12 == q % 12))
wrong(
    "21.3",
    "a fifth, then an octave",
    lambda a, b: pairs(a, b, lambda p, q: p % 12 in (0, 7) and q % 12 in (0, 7)),
)
wrong("21.3", "yes or no", lambda a, b: int(pairs(a, b, perfect) > 0))


# 21.4 A floor of your own


def forwards(A, T):
    ways = np.ones(len(A))
    for _ in range(1, T):
        ways = ways @ A
    return math.log(ways.sum()) / T


def even_steps(A, T):
    p, nats = np.ones(len(A)) / len(A), math.log(len(A))
    for _ in range(T - 1):
        nats += sum(q * math.log(row.sum()) for q, row in zip(p, A, strict=True))
        p = p @ (A / A.sum(axis=1)[:, None])
    return nats / T


right("21.4", forwards, lambda A, T: np.log(np.linalg.matrix_power(A, T - 1).sum()) / T)
wrong("21.4", "a sequence, not a symbol", lambda A, T: T * forwards(A, T))
wrong("21.4", "one step too many", lambda A, T: np.log(np.linalg.matrix_power(A, T).sum()) / T)
wrong("21.4", "divided by the steps", lambda A, T: T * forwards(A, T) / (T - 1))
wrong("21.4", "the limit", lambda A, T: np.log(max(abs(np.linalg.eigvals(A)))))
wrong("21.4", "each step equally likely", even_steps)
wrong("21.4", "no rules", lambda A, T: math.log(len(A)))
wrong("21.4", "bits", lambda A, T: forwards(A, T) / math.log(2))
wrong("21.4", "the count", lambda A, T: math.exp(T * forwards(A, T)) / T)
