"""Answers to the exercises of notebook 22."""

import numpy as np

from . import right, wrong

# 22.1 Two steps in one


def with_numbers(a1, b1, a2, b2):
    start = np.zeros_like(a1)
    b = a2 * (a1 * start + b1) + b2
    return [a2 * (a1 * (start + 1) + b1) + b2 - b, b]


def with_matrices(a1, b1, a2, b2):
    a, b = [], []
    for p, q, r, s in zip(a1, b1, a2, b2, strict=True):
        both = np.array([[r, s], [0, 1]]) @ np.array([[p, q], [0, 1]])
        a.append(both[0, 0])
        b.append(both[0, 1])
    return a, b


def typed(line):
    scope = {"np": np}
    exec(f"def both(a1, b1, a2, b2):\n    return {line}\n", scope)
    return scope["both"]


right("22.1", with_numbers, with_matrices, typed("a1 * a2, b2 + a2 * b1"))
wrong("22.1", "the second step first", typed("a1 * a2, a1 * b2 + b1"))
wrong("22.1", "added", typed("a1 + a2, b1 + b2"))
wrong("22.1", "both multiplied", typed("a1 * a2, b1 * b2"))
wrong("22.1", "b1 unchanged", typed("a1 * a2, b1 + b2"))
wrong("22.1", "b multiplied by both", typed("a1 * a2, a1 * a2 * b1 + b2"))
wrong("22.1", "a added", typed("a1 + a2, a2 * b1 + b2"))
wrong("22.1", "the other way round", typed("b2 + a2 * b1, a1 * a2"))

# 22.2 Where attention becomes dear


def by_trying():
    d, T = 64, 1
    while 4 * d * d * T + 2 * d * T * T < 8 * d * d * T:
        T += 1
    return T


right("22.2", 128, 128.0, "128", 2 * 64, by_trying)
wrong("22.2", "the width", 64)
wrong("22.2", "one product of pairs", (8 - 4) * 64)
wrong("22.2", "four matrices", (4 - 4) * 64 / 2)
wrong("22.2", "three matrices", (8 - 3) * 64 / 2)
wrong("22.2", "a width too many", 2 * 64**2)
wrong("22.2", "the width lost", 4 / 2)
