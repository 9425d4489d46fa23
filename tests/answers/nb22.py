"""Answers to the exercises of notebook 22."""

import numpy as np

from . import right, wrong

# 22.1 Who is ahead?


def by_pairs(lstm, plain):
    points = 0
    for a in lstm:
        for b in plain:
            if a > b:
                points += 1
            elif a == b:
                points += 0.5
    return points / (len(lstm) * len(plain))


def by_signs(lstm, plain):
    return (np.sign(np.subtract.outer(lstm, plain)).mean() + 1) / 2


def asked(line):
    scope = {"np": np}
    exec(f"def ahead_of(lstm, plain):\n    return {line}\n", scope)
    return scope["ahead_of"]


right("22.1", by_pairs, by_signs)
wrong("22.1", "ties lost", asked("(lstm[:, None] > plain).mean()"))
wrong("22.1", "ties won", asked("sum(a >= b for a in lstm for b in plain) / len(lstm) / len(plain)"))
wrong("22.1", "the other way round", asked("np.mean([(b > a) + (a == b) / 2 for a in lstm for b in plain])"))
wrong("22.1", "place by place", asked("np.mean([(a > b) + (a == b) / 2 for a, b in zip(lstm, plain)])"))
wrong("22.1", "counted", asked("sum((a > b) + (a == b) / 2 for a in lstm for b in plain)"))
wrong(
    "22.1",
    "divided by the runs",
    asked("sum((a > b) + (a == b) / 2 for a in lstm for b in plain) / len(lstm)"),
)
wrong("22.1", "the means", asked("lstm.mean() - plain.mean()"))
wrong("22.1", "whose mean is ahead", asked("int(lstm.mean() > plain.mean())"))
wrong("22.1", "the worst against the best", asked("1.0 if lstm.min() > plain.max() else 0.0"))
wrong("22.1", "ahead of the mean", asked("sum(lstm > plain.mean()) / len(lstm)"))

# 22.2 Two steps in one


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


right("22.2", with_numbers, with_matrices, typed("a1 * a2, b2 + a2 * b1"))
wrong("22.2", "the second step first", typed("a1 * a2, a1 * b2 + b1"))
wrong("22.2", "added", typed("a1 + a2, b1 + b2"))
wrong("22.2", "both multiplied", typed("a1 * a2, b1 * b2"))
wrong("22.2", "b1 unchanged", typed("a1 * a2, b1 + b2"))
wrong("22.2", "b multiplied by both", typed("a1 * a2, a1 * a2 * b1 + b2"))
wrong("22.2", "a added", typed("a1 + a2, a2 * b1 + b2"))
wrong("22.2", "the other way round", typed("b2 + a2 * b1, a1 * a2"))

# 22.3 All steps at once


def step_by_step(a, b):
    h, states = 0.0, []
    for forget, write in zip(a, b, strict=True):
        h = forget * h + write
        states.append(h)
    return states


def with_a_table(a, b):
    kept = np.cumprod(a)
    return np.tril(kept[:, None] / kept) @ b


def written(line):
    scope = {"np": np}
    exec(f"def at_once(a, b):\n    kept = np.cumprod(a)\n    return {line}\n", scope)
    return scope["at_once"]


right("22.3", step_by_step, with_a_table, written("np.cumsum(b / kept) * kept"))
wrong("22.3", "not mended", written("kept * np.cumsum(b)"))
wrong("22.3", "its own factor too", written("a * kept * np.cumsum(b / kept)"))
wrong("22.3", "a factor too many", written("kept * np.cumsum(b / np.append(1.0, kept[:-1]))"))
wrong("22.3", "nothing forgotten", written("np.cumsum(b)"))
wrong("22.3", "divided, and left so", written("np.cumsum(b / kept)"))
wrong("22.3", "multiplied inside", written("np.cumsum(kept * b)"))
wrong("22.3", "before writing", written("kept * np.cumsum(b / kept) - b"))
wrong("22.3", "the last alone", written("(kept * np.cumsum(b / kept))[-1]"))
wrong("22.3", "the first left out", written("kept * (np.cumsum(b / kept) - b[0] / kept[0])"))

# 22.4 Where attention becomes expensive


def by_trying():
    d, T = 64, 1
    while 4 * d * d * T + 2 * d * T * T < 8 * d * d * T:
        T += 1
    return T


right("22.4", 128, 128.0, "128", 2 * 64, by_trying)
wrong("22.4", "the width", 64)
wrong("22.4", "one product of pairs", (8 - 4) * 64)
wrong("22.4", "four matrices", (4 - 4) * 64 / 2)
wrong("22.4", "three matrices", (8 - 3) * 64 / 2)
wrong("22.4", "a width too many", 2 * 64**2)
wrong("22.4", "the width lost", 4 / 2)
