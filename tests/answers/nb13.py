"""Answers to the exercises of notebook 13."""

import math

import numpy as np

from . import right, wrong

# 13.1 What comes down through open gates

right("13.1", "it arrives unchanged", "It arrives unchanged.")
for word in (
    "it shrinks by half at each layer",
    "it goes through tanh",
    "it vanishes",
    "it doubles",
    "it depends on the weights",
):
    wrong("13.1", word, word.capitalize())
wrong("13.1", "none of the answers", "it is 1")
wrong("13.1", "no word", 1)


# 13.2 The upper ledger


def three_terms(gate, lower, keep, own, write, new):
    out = np.zeros_like(lower)
    for amount, what in ((gate, lower), (keep, own), (write, new)):
        out += amount * what
    return out


right(
    "13.2",
    three_terms,
    lambda d, C0, f, C, i, g: [d[k] * C0[k] + f[k] * C[k] + i[k] * g[k] for k in range(4)],
)
wrong("13.2", "no depth gate", lambda d, C0, f, C, i, g: i * g + f * C)
wrong("13.2", "below without its gate", lambda d, C0, f, C, i, g: i * g + f * C + C0)
wrong("13.2", "below is squashed", lambda d, C0, f, C, i, g: f * C + i * g + d * np.tanh(C0))
wrong("13.2", "d on the candidate", lambda d, C0, f, C, i, g: C0 + f * C + i * g * d)
wrong("13.2", "d and f swapped", lambda d, C0, f, C, i, g: C0 * f + C * d + i * g)
wrong("13.2", "coupled", lambda d, C0, f, C, i, g: d * C0 + (f * C + i * g) * (1 - d))
wrong("13.2", "no forget gate", lambda d, C0, f, C, i, g: C + d * C0 + i * g)
wrong("13.2", "no input gate", lambda d, C0, f, C, i, g: g + f * C + d * C0)


# 13.3 What the gate costs

right("13.3", lambda H: H * (H + 3), lambda units: units**2 + units + units + units)
wrong("13.3", "no bias", lambda H: H * (H + 2))
wrong("13.3", "one cell state", lambda H: H * (H + 1))
wrong("13.3", "matrices for the cell states", lambda H: 3 * H**2 + H)
wrong("13.3", "the recurrent matrix too", lambda H: 2 * H**2 + 3 * H)
wrong("13.3", "the vectors alone", lambda H: 3 * H)
wrong("13.3", "the matrix alone", lambda H: H**2)
wrong("13.3", "no function", 4**2 + 3 * 4)


# 13.4 Down through a tower


def by_loop(d):
    down = np.ones(d.shape[1])
    for layer in d[::-1]:
        down = down * layer
    return down


right("13.4", by_loop, lambda d: np.exp(np.log(d).sum(axis=0)), lambda d: np.prod(d, 0))
wrong("13.4", "the sum", lambda d: sum(d))
wrong("13.4", "the mean", lambda d: np.mean(d, axis=0))
wrong("13.4", "the top gate", lambda d: d[len(d) - 1])
wrong("13.4", "the lowest gate", lambda d: d[0])
wrong("13.4", "over the units", lambda d: d.prod(1))
wrong("13.4", "all in one", lambda d: np.prod(d))
wrong("13.4", "at each layer", lambda d: np.cumprod(d, axis=0))
wrong("13.4", "the complement", lambda d: np.prod(1 - d, axis=0))


# 13.5 A bias for a tall tower


def solved(p, n):
    gate = math.exp(math.log(p) / n)
    return -math.log(1 / gate - 1)


right("13.5", solved, lambda share, L: 2 * np.arctanh(2 * share ** (1 / L) - 1))
wrong("13.5", "the gate itself", lambda p, n: p ** (1 / n))
wrong("13.5", "one layer", lambda p, n: math.log(p / (1 - p)))
wrong("13.5", "shared out", lambda p, n: math.log((1 - (1 - p) / n) / ((1 - p) / n)))
wrong("13.5", "the wrong sign", lambda p, n: -solved(p, n))
wrong("13.5", "a logarithm", lambda p, n: math.log(p ** (1 / n)))
wrong("13.5", "the power", lambda p, n: math.log(p**n / (1 - p**n)))
