"""Notebook 22: the conclusion."""

from __future__ import annotations

import numpy as np

from ..define import exercise
from ..judges import Function, Value

NOTEBOOK = "22_conclusion"


# 22.1


def _runs(rng):
    m, n = rng.permutation([3, 4, 5, 6])[:2]
    return rng.integers(2, 6, m) / 5, rng.integers(1, 5, n) / 5


def _apart(lstm, plain):
    return np.subtract.outer(lstm, plain)


def _ahead(lstm, plain):
    apart = _apart(lstm, plain)
    return np.mean((apart > 0) + 0.5 * (apart == 0))


exercise(
    "22.1",
    "Who is ahead?",
    notebook=NOTEBOOK,
    kind="write",
    minutes=6,
    difficulty=1,
    hints=(
        "Every LSTM meets every plain network: there are m times n pairs, all equally likely.",
        "Give each pair 1 point if the LSTM is ahead, 0 if it is behind, and one half if they are equal.",
        "`lstm[:, None] - plain` holds all differences. Count those above 0, and half of those that are 0.",
    ),
    judge=Function(
        _ahead,
        _runs,
        {
            "ties lost": (
                lambda lstm, plain: np.mean(_apart(lstm, plain) > 0),
                "Equal runs give nothing that way. A tie counts half.",
            ),
            "ties won": (
                lambda lstm, plain: np.mean(_apart(lstm, plain) >= 0),
                "Equal runs count in full that way. A tie counts half.",
            ),
            "the other way round": (
                lambda lstm, plain: 1 - _ahead(lstm, plain),
                "That is how probable it is that the plain network is ahead.",
            ),
            "place by place": (
                lambda lstm, plain: np.mean(
                    [(a > b) + 0.5 * (a == b) for a, b in zip(lstm, plain, strict=False)]
                ),
                "That pairs the first run with the first, the second with the second. Any two can be drawn.",
            ),
            "counted": (
                lambda lstm, plain: _ahead(lstm, plain) * len(lstm) * len(plain),
                "Those are the points. For a probability divide them by the number of pairs.",
            ),
            "divided by the runs": (
                lambda lstm, plain: _ahead(lstm, plain) * len(plain),
                "The points are right. There are m times n pairs, so divide by both numbers.",
            ),
            "the means": (
                lambda lstm, plain: np.mean(lstm) - np.mean(plain),
                "That is by how much the mean is ahead. How often is one run ahead of another?",
            ),
            "whose mean is ahead": (
                lambda lstm, plain: float(np.mean(lstm) > np.mean(plain)),
                "That says whose mean is ahead. It is asked how often a run is ahead of another.",
            ),
            "the worst against the best": (
                lambda lstm, plain: float(min(lstm) > max(plain)),
                "That is the question of the lesson: it looks at two runs alone. Use all pairs.",
            ),
            "ahead of the mean": (
                lambda lstm, plain: np.mean(lstm > np.mean(plain)),
                "That compares each LSTM with the mean of the others. Compare it with each of them.",
            ),
        },
        praise="All runs count now. By how much one is ahead does not.",
    ),
)


# 22.2


def _draw(rng):
    n = int(rng.integers(2, 5))
    return tuple(rng.uniform(0.1, 0.9, n) for _ in range(4))


exercise(
    "22.2",
    "Two steps in one",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=6,
    difficulty=2,
    hints=(
        "Write down what h is after the first step, and put it into the second.",
        "That is a2 * (a1 * h + b1) + b2: sort it by what multiplies h, and what does not.",
        "The product of the two a's multiplies h. The rest is the new b.",
    ),
    judge=Function(
        lambda a1, b1, a2, b2: (a2 * a1, a2 * b1 + b2),
        _draw,
        {
            "the second step first": (
                lambda a1, b1, a2, b2: (a1 * a2, a1 * b2 + b1),
                "That takes the second step first, and the first one after it.",
            ),
            "added": (
                lambda a1, b1, a2, b2: (a1 + a2, b1 + b2),
                "The steps are not added: the second one starts from what the first one gives.",
            ),
            "both multiplied": (
                lambda a1, b1, a2, b2: (a1 * a2, b1 * b2),
                "The a is right. Look at what becomes of b1 in the second step.",
            ),
            "b1 unchanged": (
                lambda a1, b1, a2, b2: (a1 * a2, b1 + b2),
                "The a is right. What the first step wrote is multiplied by the second one's a, too.",
            ),
            "b multiplied by both": (
                lambda a1, b1, a2, b2: (a1 * a2, a1 * a2 * b1 + b2),
                "b1 was written after the first step's a had done its work: only one a multiplies it.",
            ),
            "a added": (
                lambda a1, b1, a2, b2: (a1 + a2, a2 * b1 + b2),
                "The b is right. By how much is h multiplied in the end?",
            ),
            "the other way round": (
                lambda a1, b1, a2, b2: (a2 * b1 + b2, a2 * a1),
                "Both numbers are right, and stand in the wrong order: a comes first.",
            ),
        },
        praise="That is all a parallel scan needs: pairs of steps become one, in any order of work.",
    ),
)


# 22.3


def _line(rng):
    T = int(rng.integers(5, 9))
    return rng.uniform(0.3, 0.95, T), rng.uniform(-1, 1, T)


def _every_step(a, b):
    kept = np.cumprod(a)
    return kept * np.cumsum(b / kept)


exercise(
    "22.3",
    "All steps at once",
    notebook=NOTEBOOK,
    kind="repair",
    minutes=8,
    difficulty=3,
    hints=(
        "Work out h at step 2 by hand: h_2 = a_2 b_1 + b_2. What does the code give for it?",
        "It multiplies b_1 by a_1 as well, and b_2 by both. But a_1 never touches what is written at step 1.",
        "`kept[t]` is a_1 to a_t. What step s wrote needs a_{s+1} to a_t alone: that is kept[t] / kept[s].",
    ),
    judge=Function(
        _every_step,
        _line,
        {
            "not mended": (
                lambda a, b: np.cumprod(a) * np.cumsum(b),
                "At step 1 it gives a_1 b_1, and should give b_1. Which factors come before a step writes?",
            ),
            "its own factor too": (
                lambda a, b: a * _every_step(a, b),
                "What a step writes is multiplied by its own a there. Only later steps multiply it.",
            ),
            "a factor too many": (
                lambda a, b: np.cumprod(a) * np.cumsum(b * a / np.cumprod(a)),
                "What step s wrote is divided by a_1 to a_{s-1} only. Divide by a_s, too.",
            ),
            "nothing forgotten": (
                lambda a, b: np.cumsum(b),
                "That adds up all that was written, and nothing is forgotten.",
            ),
            "divided, and left so": (
                lambda a, b: np.cumsum(b / np.cumprod(a)),
                "Now each step multiplies by too little: the product up to t is missing in front.",
            ),
            "multiplied inside": (
                lambda a, b: np.cumsum(b * np.cumprod(a)),
                "That shrinks what is written by what came before it. Later steps are to shrink it.",
            ),
            "before writing": (
                lambda a, b: _every_step(a, b) - b,
                "That is what is left of the past at each step, without what the step itself writes.",
            ),
            "the last alone": (
                lambda a, b: _every_step(a, b)[-1],
                "That is the last state. All T are asked for.",
            ),
            "the first left out": (
                lambda a, b: _every_step(a, np.r_[0.0, b[1:]]),
                "What the first step wrote is missing: h_1 is b_1.",
            ),
        },
        praise="No loop over time. For long sequences join neighbours, or take logarithms: kept underflows.",
    ),
)


# 22.4


exercise(
    "22.4",
    "Where attention becomes expensive",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=6,
    difficulty=2,
    hints=(
        "Count multiplications of matrices alone. The LSTM needs 8 d * d for each of T steps.",
        "Attention needs 4 d * d for each of T steps: for queries, keys, values and the output.",
        "The scores are T * T products of d numbers, and so are the averages: 2 d T * T. Now set both equal.",
    ),
    judge=Value(
        128,
        {
            "the width": (
                64,
                "That is the width itself. Count the LSTM's matrices: four gates, each reads x and h.",
            ),
            "one product of pairs": (
                256,
                "Twice too long. Two products have T * T in them: the scores, and the averages.",
            ),
            "four matrices": (
                0,
                "Then attention would never be cheaper. The LSTM has eight matrices: four gates, two each.",
            ),
            "three matrices": (
                160,
                "Queries, keys, values - and one more matrix at the end, for the output.",
            ),
            "a width too many": (
                8192,
                "One d cancels: a score costs d multiplications, as a row of a matrix does.",
            ),
            "the width lost": (2, "The width does not cancel: the matrices cost d * d, and a pair costs d."),
        },
        praise="Twice the width. Longer than that, and the products of all pairs cost more than they save.",
    ),
)
