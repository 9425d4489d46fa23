"""Notebook 20: a language model."""

from __future__ import annotations

import numpy as np

from ..define import exercise
from ..judges import Function, Value

NOTEBOOK = "20_language_model"


# 20.1

_GIVEN = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])


exercise(
    "20.1",
    "Bits, by hand",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=4,
    difficulty=1,
    hints=(
        "A character that was given probability 1/2 costs one bit, one that was given 1/4 costs two.",
        "The cost is the logarithm to base 2 of one over the probability.",
        "Four costs, and their mean.",
    ),
    judge=Value(
        lambda: -np.log2(_GIVEN).mean(),
        {
            "all added up": (9.0, "That is what all four cost together. Bits *per character* are a mean."),
            "nats": (9 * np.log(2) / 4, "That is in nats. For bits the logarithm has base 2."),
            "the logarithm of the mean": (
                2.0,
                "That is the cost of the mean probability, 1/4. First the costs, then the mean.",
            ),
            "weighted": (
                1.75,
                "You have weighed each cost by its probability, as in an entropy. Here four characters "
                "have come, and each counts once.",
            ),
            "the wrong sign": (-2.25, "A probability below 1 costs something: the sign is wrong."),
            "the mean probability": (0.25, "That is the mean of the probabilities. A cost is a logarithm."),
            "base 10": (9 * np.log10(2) / 4, "That logarithm has base 10."),
        },
        praise="The two doubtful characters cost as much as all others together.",
    ),
)


# 20.2


def _bits(p, y):
    return float(-np.log2(p[np.arange(len(y)), y]).mean())


def _bits_draw(rng):
    T, K = rng.integers(4, 9, size=2)
    z = np.exp(rng.standard_normal((T, K)))
    return z / z.sum(axis=1, keepdims=True), rng.integers(0, K, size=T)


exercise(
    "20.2",
    "Bits per character",
    notebook=NOTEBOOK,
    kind="write",
    minutes=6,
    difficulty=2,
    hints=(
        "At each step one probability counts: that of the character that came.",
        "`p[np.arange(len(y)), y]` picks it at every step.",
        "Minus the logarithm to base 2, and the mean over steps.",
    ),
    judge=Function(
        _bits,
        _bits_draw,
        {
            "nats": (lambda p, y: _bits(p, y) * np.log(2), "That is in nats: the logarithm needs base 2."),
            "the sum": (lambda p, y: _bits(p, y) * len(y), "That grows with the text: a mean is asked for."),
            "the wrong sign": (lambda p, y: -_bits(p, y), "The sign is wrong: a cost is positive."),
            "the entropy": (
                lambda p, y: -(p * np.log2(p)).sum(axis=1).mean(),
                "That is what the model expects to pay. What came, `y`, must enter.",
            ),
            "the logarithm of the mean": (
                lambda p, y: -np.log2(p[np.arange(len(y)), y].mean()),
                "First the logarithm, then the mean: a single impossible character has to be dear.",
            ),
            "every character at every step": (
                lambda p, y: -np.log2(p[:, y]).mean(),
                "`p[:, y]` picks all characters that came, at every step. Each step has one of its own.",
            ),
            "the perplexity": (
                lambda p, y: 2 ** _bits(p, y),
                "That is 2 to the power of it, the perplexity. The bits themselves are asked for.",
            ),
            "the likeliest character": (
                lambda p, y: -np.log2(p.max(axis=1)).mean(),
                "That is the cost of the character that the model thinks likeliest, not of what came.",
            ),
            "one step late": (
                lambda p, y: -np.log2(p[np.arange(len(y) - 1), y[1:]]).mean(),
                "Row t of `p` already speaks of `y[t]`: nothing is to be shifted.",
            ),
            "one for each step": (
                lambda p, y: -np.log2(p[np.arange(len(y)), y]),
                "Those are the costs of all steps. Take their mean.",
            ),
        },
        praise="With it you can compare any two models of one text.",
    ),
)


# 20.3


def _tempered(p, temperature):
    q = p ** (1 / temperature)
    return q / q.sum()


def _tempered_draw(rng):
    z = np.exp(rng.standard_normal(int(rng.integers(3, 8))))
    return z / z.sum(), float(rng.choice([0.3, 0.7, 1.5, 2.5]))


def _first(temperature):
    return lambda p, t: _tempered(p, temperature(t))


exercise(
    "20.3",
    "A temperature, from probabilities alone",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=3,
    hints=(
        "The read-out's numbers are log p, up to a constant that the softmax does not see.",
        "Divide log p by the temperature and take the exponential: what becomes of p?",
        "It is p to the power 1 / temperature. What comes out does not add up to 1 yet.",
    ),
    judge=Function(
        _tempered,
        _tempered_draw,
        {
            "not normalised": (
                lambda p, t: p ** (1 / t),
                "These do not add up to 1: divide by their sum.",
            ),
            "turned round": (
                _first(lambda t: 1 / t),
                "A low temperature has to make the likeliest likelier. Yours makes it less likely.",
            ),
            "nothing changed": (lambda p, t: p, "The temperature does not enter."),
            "divided as it stands": (
                lambda p, t: np.exp(p / t) / np.exp(p / t).sum(),
                "You have divided the probabilities. What is divided are their logarithms.",
            ),
            "divided, no more": (
                lambda p, t: p / t,
                "The probabilities themselves are divided, and no longer add up to 1. Divide logarithms.",
            ),
            "always halved": (_first(lambda t: 0.5), "That is right at one temperature only, 0.5."),
            "a softmax of the powers": (
                lambda p, t: np.exp(p ** (1 / t)) / np.exp(p ** (1 / t)).sum(),
                "The powers are to be divided by their sum. An exponential has no place here any more.",
            ),
            "logarithms": (
                lambda p, t: np.log(p) / t,
                "Those are scores, as the read-out has them. Turn them into probabilities.",
            ),
            "by the largest": (
                lambda p, t: p ** (1 / t) / (p ** (1 / t)).max(),
                "The largest is 1 now. All together have to be 1.",
            ),
        },
        praise="At temperature 1 nothing changes; towards 0 only the likeliest is left.",
    ),
)


# 20.4


def _beam(log_p, start, width, length, keep=True, worst=False, last=False, drop=False):
    kept = [(0.0, [start])]
    for _ in range(length):
        grown = [
            ((0.0 if last else score) + log_p[path[-1], k], [*path, k])
            for score, path in kept
            for k in range(len(log_p))
        ]
        grown.sort(key=lambda found: found[0], reverse=not worst)
        kept = grown[: width if keep else 1]
    return np.array(kept[0][1][0 if drop else 1 :])


def _each_alone(log_p, start, width, length):
    return np.array([int(log_p[start].argmax())] * length)


def _exhaustive(log_p, start, width, length):
    return _beam(log_p, start, len(log_p) ** length, length)


def _from_last(log_p, start, width, length):
    return _beam(log_p, start, width, length)[::-1]


def _beam_draw(rng):
    while True:  # a table on which greedy, this beam and an exhaustive search find three different paths
        z = 1.5 * rng.standard_normal((6, 6))
        given = z - np.log(np.exp(z).sum(axis=1, keepdims=True)), int(rng.integers(6)), 2, 4
        paths = {tuple(f(*given)) for f in (_beam, _exhaustive)} | {tuple(_beam(*given, keep=False))}
        if len(paths) == 3:
            return given


exercise(
    "20.4",
    "A beam",
    notebook=NOTEBOOK,
    kind="write",
    minutes=15,
    difficulty=4,
    hints=(
        "Keep a list of pairs: the log-probability so far, and the path. It begins as [(0, [start])].",
        "At each step make all continuations of all kept paths: the score grows by `log_p[path[-1], k]`.",
        "Sort them by score and keep the best `width`. At the end give the best path, without its start.",
    ),
    judge=Function(
        _beam,
        _beam_draw,
        {
            "greedy": (
                lambda log_p, start, width, length: _beam(log_p, start, width, length, keep=False),
                "That is the greedy path: only one beginning was kept.",
            ),
            "all paths": (
                _exhaustive,
                "That is the best of all paths. A beam keeps `width` at each step, and may miss it.",
            ),
            "the worst": (
                lambda log_p, start, width, length: _beam(log_p, start, width, length, worst=True),
                "You keep the least likely paths: the order is the wrong way round.",
            ),
            "only the last step counts": (
                lambda log_p, start, width, length: _beam(log_p, start, width, length, last=True),
                "A path's score is the sum over all its steps. Yours forgets the earlier ones.",
            ),
            "the start is in it": (
                lambda log_p, start, width, length: _beam(log_p, start, width, length, drop=True),
                "The path has the start in it: give what follows it.",
            ),
            "columns for rows": (
                lambda log_p, start, width, length: _beam(log_p.T, start, width, length),
                "Row a of the table speaks of what follows a. You have read columns.",
            ),
            "always after the start": (
                _each_alone,
                "Each character follows the one before it, not the start.",
            ),
            "backwards": (_from_last, "The path is the wrong way round."),
        },
        praise="A wider beam often finds a likelier path, and is slower.",
    ),
)
