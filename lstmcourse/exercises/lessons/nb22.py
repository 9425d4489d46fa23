"""Notebook 22: the conclusion."""

from __future__ import annotations

from ..define import exercise
from ..judges import Function, Value

NOTEBOOK = "22_conclusion"


# 22.1


def _draw(rng):
    n = int(rng.integers(2, 5))
    return tuple(rng.uniform(0.1, 0.9, n) for _ in range(4))


exercise(
    "22.1",
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


# 22.2


exercise(
    "22.2",
    "Where attention becomes dear",
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
