"""Answers to the exercises of notebook 20."""

import heapq
import math

import numpy as np

from . import right, wrong

# 20.1 Bits, by hand

right("20.1", 2.25, (1 + 2 + 3 + 3) / 4, "2.25", lambda: -math.log2(2**-9) / 4)
wrong("20.1", "all added up", 9)
wrong("20.1", "nats", 2.25 * math.log(2))
wrong("20.1", "the logarithm of the mean", 2)
wrong("20.1", "weighted", 0.5 * 1 + 0.25 * 2 + 0.125 * 3 + 0.125 * 3)
wrong("20.1", "the wrong sign", -2.25)
wrong("20.1", "the mean probability", 0.25)
wrong("20.1", "base 10", math.log10(512) / 4)


# 20.2 Bits per character


def in_a_loop(p, y):
    total = 0.0
    for row, came in zip(p, y, strict=True):
        total += math.log2(1 / row[came])
    return total / len(y)


right("20.2", in_a_loop, lambda p, y: -np.log(np.take_along_axis(p, y[:, None], 1)).mean() / np.log(2))
wrong("20.2", "nats", lambda p, y: np.mean([-math.log(row[k]) for row, k in zip(p, y, strict=True)]))
wrong("20.2", "the sum", lambda p, y: in_a_loop(p, y) * len(y))
wrong("20.2", "the wrong sign", lambda p, y: -in_a_loop(p, y))
wrong("20.2", "the entropy", lambda p, y: np.mean([-sum(q * math.log2(q) for q in row) for row in p]))
wrong(
    "20.2",
    "the logarithm of the mean",
    lambda p, y: -math.log2(np.mean([r[k] for r, k in zip(p, y, strict=True)])),
)
wrong("20.2", "every character at every step", lambda p, y: -np.mean(np.log2(p.T[y])))
wrong("20.2", "the perplexity", lambda p, y: np.exp2(in_a_loop(p, y)))
wrong("20.2", "the likeliest character", lambda p, y: np.mean([-math.log2(max(row)) for row in p]))
wrong("20.2", "one step late", lambda p, y: in_a_loop(p[:-1], y[1:]))
wrong("20.2", "one for each step", lambda p, y: [-math.log2(r[k]) for r, k in zip(p, y, strict=True)])


# 20.3 A temperature, from probabilities alone


def by_softmax(p, temperature):
    z = np.log(p) / temperature
    e = np.exp(z - z.max())
    return e / e.sum()


def typed(line):
    scope = {"np": np}
    exec(f"def tempered(p, temperature):\n    return {line}\n", scope)
    return scope["tempered"]


right("20.3", by_softmax, typed("p ** (1 / temperature) / np.sum(p ** (1 / temperature))"))
wrong("20.3", "not normalised", typed("np.exp(np.log(p) / temperature)"))
wrong("20.3", "turned round", typed("p ** temperature / (p ** temperature).sum()"))
wrong("20.3", "nothing changed", typed("p"))
wrong("20.3", "divided as it stands", typed("np.exp(p / temperature) / np.exp(p / temperature).sum()"))
wrong("20.3", "divided, no more", typed("p / temperature"))
wrong("20.3", "always halved", typed("p ** 2 / (p ** 2).sum()"))
wrong(
    "20.3",
    "a softmax of the powers",
    lambda p, temperature: np.exp(p ** (1 / temperature)) / sum(np.exp(p ** (1 / temperature))),
)
wrong("20.3", "logarithms", typed("np.log(p) / temperature"))
wrong("20.3", "by the largest", typed("(p / p.max()) ** (1 / temperature)"))


# 20.4 A beam


def with_arrays(log_p, start, width, length):
    paths, scores = np.full((1, 1), start), np.zeros(1)
    for _ in range(length):
        every = scores[:, None] + log_p[paths[:, -1]]
        best = np.argsort(-every.ravel())[:width]
        parent, symbol = np.divmod(best, len(log_p))
        paths, scores = np.column_stack([paths[parent], symbol]), every.ravel()[best]
    return paths[0, 1:]


def with_a_heap(log_p, start, width, length):
    kept = [(0.0, (start,))]
    for _ in range(length):
        grown = [(s + log_p[path[-1], k], (*path, k)) for s, path in kept for k in range(len(log_p))]
        kept = heapq.nlargest(width, grown)
    return list(max(kept)[1][1:])


def greedy(log_p, start, width, length):
    path = [start]
    for _ in range(length):
        path.append(int(np.argmax(log_p[path[-1]])))
    return path[1:]


def by_last_step(log_p, start, width, length):
    kept = [[start]]
    for _ in range(length):
        grown = [(log_p[path[-1], k], [*path, k]) for path in kept for k in range(len(log_p))]
        kept = [path for _, path in sorted(grown, key=lambda g: -g[0])[:width]]
    return kept[0][1:]


def worst(log_p, start, width, length):
    return with_arrays(-log_p, start, width, length)


right("20.4", with_arrays, with_a_heap)
wrong("20.4", "greedy", greedy)
wrong("20.4", "all paths", lambda log_p, start, width, length: with_a_heap(log_p, start, 10**6, length))
wrong("20.4", "the worst", worst)
wrong("20.4", "only the last step counts", by_last_step)
wrong(
    "20.4",
    "the start is in it",
    lambda log_p, start, width, length: [start, *with_a_heap(log_p, start, width, length)],
)
wrong(
    "20.4",
    "columns for rows",
    lambda log_p, start, width, length: with_arrays(log_p.T, start, width, length),
)
wrong(
    "20.4",
    "always after the start",
    lambda log_p, start, width, length: [int(np.argmax(log_p[start]))] * length,
)
wrong("20.4", "backwards", lambda log_p, start, width, length: with_arrays(log_p, start, width, length)[::-1])
