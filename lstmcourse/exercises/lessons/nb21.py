"""Notebook 21: three uses."""

from __future__ import annotations

import numpy as np

from ..define import exercise
from ..judges import Choice, Function

NOTEBOOK = "21_three_uses"


# 21.1

exercise(
    "21.1",
    "A memory for one who sees all",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=3,
    difficulty=1,
    hints=(
        "What would such a driver have to know that it does not see?",
        "The four numbers of now determine, with the push, the four numbers of the next step.",
        "So what came earlier tells nothing about what is to come that the present does not tell.",
    ),
    judge=Choice(
        "nothing: the present state says all",
        {
            "nothing: the present state says all": (
                "Given the present state, the past tells nothing about the future: that is what Markov means."
            ),
            "without it the pole falls": "Look at the first row of the study: it saw all and had no memory.",
            "it holds the speeds": "It would, for a driver that does not see them. This one does.",
            "it makes the cart faster": "The cart obeys the force alone, whoever computes it.",
            "it stores the best push for each trial": (
                "The weights say which push is good in which state, and they are the same in every trial."
            ),
        },
    ),
)


# 21.2


def _step(noise, ranks, sigma, alpha, over_sigma=1.0, mean=True):
    return alpha / (sigma**over_sigma * (len(noise) if mean else 1)) * ranks @ noise


def _candidates(rng):
    P = 2 * int(rng.integers(2, 5))
    ranks = rng.permutation(np.linspace(-0.5, 0.5, P))
    return rng.standard_normal((P, 3)), ranks, float(rng.uniform(0.1, 0.6)), float(rng.uniform(0.1, 0.9))


exercise(
    "21.2",
    "A step of evolution",
    notebook=NOTEBOOK,
    kind="write",
    minutes=5,
    difficulty=2,
    hints=(
        "The formula stands in the lesson: a sum over the candidates of rank times noise, and a factor.",
        "The sum is `ranks @ noise`: (P,) by (P, n) is (n,).",
        "The factor is alpha / (P sigma), and P is `len(noise)`.",
    ),
    judge=Function(
        _step,
        _candidates,
        {
            "the sum": (
                lambda *given: _step(*given, mean=False),
                "That grows with the number of candidates: divide by P.",
            ),
            "sigma is missing": (
                lambda *given: _step(*given, over_sigma=0.0),
                "The step does not depend on sigma: where does it stand in the formula?",
            ),
            "times sigma": (
                lambda *given: _step(*given, over_sigma=-1.0),
                "Sigma stands in the denominator: the nearer the candidates, the more a difference says.",
            ),
            "sigma squared": (
                lambda *given: _step(*given, over_sigma=2.0),
                "You divide by sigma twice. The noise has variance 1 already.",
            ),
            "downhill": (
                lambda *given: -_step(*given),
                "The weights move away from the better candidates: look at the sign.",
            ),
            "alpha is missing": (
                lambda noise, ranks, sigma, alpha: _step(noise, ranks, sigma, 1.0),
                "The learning rate alpha does not enter.",
            ),
            "the best alone": (
                lambda noise, ranks, sigma, alpha: alpha / sigma * noise[ranks.argmax()],
                "That follows the best candidate alone. All of them tell something.",
            ),
            "a step for each": (
                lambda noise, ranks, sigma, alpha: alpha / (len(noise) * sigma) * ranks[:, None] * noise,
                "That is a step for each candidate. They are added up.",
            ),
        },
        praise="No derivative anywhere: only who did better than whom.",
    ),
)


# 21.3


def _parallels(before, now, octaves=True, kinds=(0, 7), near=False, still=False, same=True):
    count = 0
    for a in range(4):
        for b in range(a + 1, 4):
            if near and b != a + 1:
                continue
            first, second = before[b] - before[a], now[b] - now[a]
            if octaves:
                first, second = first % 12, second % 12
            wanted = first in kinds and second in kinds and (first == second or not same)
            moved = before[a] != now[a] and before[b] != now[b]
            count += bool(wanted and (still or moved))
    return count


_SHAPES = ((0, 7, 14, 21), (0, 12, 19, 24), (0, 7, 16, 24), (0, 4, 12, 19), (0, 12, 24, 31), (0, 3, 15, 22))


def _two_chords(rng):
    before = int(rng.integers(40, 55)) + np.array(_SHAPES[int(rng.integers(len(_SHAPES)))])
    by = np.full(4, int(rng.choice([-4, -2, 2, 3])))
    by[int(rng.integers(4))] += int(rng.choice([0, 5, -5, -by[0]]))
    return before, before + by * int(rng.choice([1, 1, 1, 1, 0]))


exercise(
    "21.3",
    "Parallel fifths and octaves",
    notebook=NOTEBOOK,
    kind="write",
    minutes=10,
    difficulty=3,
    hints=(
        "There are six pairs of voices: two loops, the second from the next voice on.",
        "`(before[b] - before[a]) % 12` is 7 for a fifth and 0 for an octave, however many octaves apart.",
        "Count where that is the same in both chords, is 0 or 7, and each of the two voices moves.",
    ),
    judge=Function(
        _parallels,
        _two_chords,
        {
            "held notes count": (
                lambda a, b: _parallels(a, b, still=True),
                "You count voices that stay where they are. Parallels are a matter of motion.",
            ),
            "neighbours alone": (
                lambda a, b: _parallels(a, b, near=True),
                "You look at neighbours. Bass and soprano are a pair as well: there are six pairs.",
            ),
            "octaves between": (
                lambda a, b: _parallels(a, b, octaves=False, kinds=(12, 7)),
                "A fifth with an octave between, 19 semitones, got away.",
            ),
            "no octaves": (lambda a, b: _parallels(a, b, kinds=(7,)), "Octaves are missing."),
            "no fifths": (lambda a, b: _parallels(a, b, kinds=(0,)), "Fifths are missing."),
            "any interval": (
                lambda a, b: _parallels(a, b, kinds=tuple(range(12))),
                "Parallel thirds are fine, and so are sixths. Which two intervals are meant?",
            ),
            "a fifth, then an octave": (
                lambda a, b: _parallels(a, b, same=False),
                "A fifth that becomes an octave is not parallel: it has to be the same one again.",
            ),
            "yes or no": (
                lambda a, b: min(_parallels(a, b), 1),
                "That says whether there are any. How many pairs are there?",
            ),
        },
        praise="With this, and a dozen lines more, one can judge everything that a network composes.",
    ),
)


# 21.4


def _floor(A, T, more=0, over=0, base=np.e):
    return np.log((np.linalg.matrix_power(A, T - 1 + more)).sum()) / np.log(base) / (T + over)


def _walk(A, T):
    p, nats = np.full(len(A), 1 / len(A)), np.log(len(A))
    for _ in range(T - 1):
        nats += p @ np.log(A.sum(1))
        p = p @ (A / A.sum(1, keepdims=True))
    return nats / T


def _rules(rng):
    V = int(rng.integers(3, 6))
    A = (rng.random((V, V)) < 0.45).astype(float)
    A[np.arange(V), (np.arange(V) + 1) % V] = 1.0
    A[0] = 1.0  # rows differ: equal choices and equal sequences are not the same
    return A, int(rng.integers(4, 9))


exercise(
    "21.4",
    "A floor of your own",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=10,
    difficulty=3,
    hints=(
        "If N sequences are equally likely, each has probability 1 / N and costs ln N nats.",
        "Count them: one symbol can be had in V ways. How many ways lead on from each symbol?",
        "The ways that T symbols have from each first one: the vector of ones, T - 1 times multiplied by A.",
    ),
    judge=Function(
        _floor,
        _rules,
        {
            "a sequence, not a symbol": (
                lambda A, T: T * _floor(A, T),
                "That is what a whole sequence costs. What does a symbol?",
            ),
            "one step too many": (
                lambda A, T: _floor(A, T, more=1),
                "T symbols have T - 1 steps between them.",
            ),
            "divided by the steps": (
                lambda A, T: _floor(A, T, over=-1),
                "You divide by the number of steps. There is one symbol more than steps.",
            ),
            "the limit": (
                lambda A, T: np.log(np.abs(np.linalg.eigvals(A)).max()),
                "That is where it tends to for long sequences. Here T is small.",
            ),
            "each step equally likely": (
                _walk,
                "You draw each symbol evenly among those that may follow. "
                "Then not all sequences are equally likely.",
            ),
            "no rules": (lambda A, T: np.log(len(A)), "That is the floor without rules: what does A change?"),
            "bits": (
                lambda A, T: _floor(A, T, base=2),
                "Those are bits. Nats are asked for.",
            ),
            "the count": (
                lambda A, T: np.linalg.matrix_power(A, T - 1).sum() / T,
                "You have counted. The loss is the logarithm of that.",
            ),
        },
        praise="Nobody can do better on such sequences, whatever they have learnt.",
    ),
)
