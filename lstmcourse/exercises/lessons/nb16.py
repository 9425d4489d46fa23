"""Notebook 16: attention."""

from __future__ import annotations

import numpy as np

from ..define import exercise
from ..judges import Choice, Function

NOTEBOOK = "16_attention"


def _softmax(e, axis=-1):
    p = np.exp(e - e.max(axis, keepdims=True))
    return p / p.sum(axis, keepdims=True)


# 16.1

exercise(
    "16.1",
    "When all scores are equal",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=3,
    difficulty=1,
    hints=(
        "What does a softmax make of equal numbers?",
        "With four words each gets a share of one quarter.",
        "The context is the sum of the annotations, by their shares.",
    ),
    judge=Choice(
        "the mean of all annotations",
        {
            "the mean of all annotations": (
                "Equal scores give equal shares: the decoder sees everything at once, blurred. "
                "It begins like that, before it has learned where to look."
            ),
            "nothing": "The shares add up to 1, whatever the scores.",
            "the first annotation": "A softmax has no favourite: equal scores give equal shares.",
            "the last annotation": (
                "That is what the decoder with one vector sees. Here the shares are equal."
            ),
            "the sum of all annotations": "The shares are not 1 each: they add up to 1.",
            "one at random": "That is hard attention. Here all of them are mixed.",
        },
    ),
)


# 16.2


def _attend(h, a, W, U, v, score=None, axis=-1, squash=np.tanh, out=None):
    e = score(h, a, W, U, v) if score else squash(h @ W + a @ U) @ v
    p = _softmax(e, axis)
    return out(p, a) if out else p @ a


exercise(
    "16.2",
    "Attention in three lines",
    notebook=NOTEBOOK,
    kind="write",
    minutes=8,
    difficulty=2,
    hints=(
        "One line for each step: the scores (L,), the shares (L,), and what the decoder sees (A,).",
        (
            "`a @ U` compares all annotations at once: it has a row for each word, and `h @ W` is added "
            "to every row."
        ),
        "The shares are the exponentials of the scores, divided by their sum; the last line is `shares @ a`.",
    ),
    judge=Function(
        lambda h, a, W, U, v: _attend(h, a, W, U, v),
        lambda rng: (
            rng.standard_normal(4),
            rng.standard_normal((int(rng.integers(3, 7)), 3)),
            rng.standard_normal((4, 5)),
            rng.standard_normal((3, 5)),
            rng.standard_normal(5),
        ),
        {
            "no squashing": (
                lambda h, a, W, U, v: _attend(h, a, W, U, v, squash=np.positive),
                (
                    "The scores are not squashed. Without the tanh the state h would change no share: do "
                    "you see why?"
                ),
            ),
            "the state is not asked": (
                lambda h, a, W, U, v: _attend(h, a, W, U, v, lambda h, a, W, U, v: np.tanh(a @ U) @ v),
                (
                    "The state h does not enter the scores, so the decoder looks at the same words at every "
                    "step."
                ),
            ),
            "the annotations are not asked": (
                lambda h, a, W, U, v: a.mean(0),
                "All shares are equal: the annotations do not enter the scores.",
            ),
            "scores as shares": (
                lambda h, a, W, U, v: (np.tanh(h @ W + a @ U) @ v) @ a,
                "The scores are used as shares: they may be negative, and do not add up to 1.",
            ),
            "not divided by the sum": (
                lambda h, a, W, U, v: np.exp(np.tanh(h @ W + a @ U) @ v) @ a,
                "The exponentials are not divided by their sum: the shares have to add up to 1.",
            ),
            "the shares": (
                lambda h, a, W, U, v: _softmax(np.tanh(h @ W + a @ U) @ v),
                "Those are the shares. What the decoder sees is the sum of the annotations, by these shares.",
            ),
            "the largest alone": (
                lambda h, a, W, U, v: a[(np.tanh(h @ W + a @ U) @ v).argmax()],
                "You take the word with the largest share alone. Soft attention mixes all of them.",
            ),
            "sigmoid for softmax": (
                lambda h, a, W, U, v: (1 / (1 + np.exp(-np.tanh(h @ W + a @ U) @ v))) @ a,
                "Each score is squashed by itself. The shares compete: they have to add up to 1.",
            ),
        },
        praise="Score, softmax, weighted sum. Nothing in it knows how long the sentence is.",
    ),
)


# 16.3


def _shares(e, n):
    e = np.where(np.arange(e.shape[1]) < n[:, None], e, -np.inf)
    return _softmax(e)


def _after(e, n):
    return _softmax(e) * (np.arange(e.shape[1]) < n[:, None])


exercise(
    "16.3",
    "Padding gets nothing",
    notebook=NOTEBOOK,
    kind="write",
    minutes=8,
    difficulty=2,
    hints=(
        "`np.arange(L) < n[:, None]` is a table (B, L): True where there is a word.",
        "What has to stand in place of a score, so that its exponential is 0?",
        "Put -inf where there is no word, by `np.where`, and only then take the softmax of each row.",
    ),
    judge=Function(
        _shares,
        lambda rng: (rng.standard_normal((3, 6)), rng.permutation([2, 4, 5])),
        {
            "no mask": (lambda e, n: _softmax(e), "Padding gets a share: n is not used."),
            "masked afterwards": (
                _after,
                "Padding gets 0, but the rows no longer add up to 1: it was hidden after the softmax.",
            ),
            "scores of 0": (
                lambda e, n: _softmax(np.where(np.arange(e.shape[1]) < n[:, None], e, 0.0)),
                "A score of 0 is not nothing: its exponential is 1.",
            ),
            "over the batch": (
                lambda e, n: _softmax(np.where(np.arange(e.shape[1]) < n[:, None], e, -1e9), 0),
                "Each column adds up to 1. The shares are those of one sentence: each row has to.",
            ),
            "one too many": (
                lambda e, n: _shares(e, n + 1),
                "One word too many gets a share in each row.",
            ),
            "the padding": (
                lambda e, n: _softmax(np.where(np.arange(e.shape[1]) < n[:, None], -1e9, e)),
                "The padding gets the shares, and the words get none.",
            ),
            "cut for all": (
                lambda e, n: _shares(e, np.full_like(n, n.min())),
                "All rows are cut to the shortest sentence.",
            ),
        },
        praise="First hide, then share out.",
    ),
)


# 16.4


def _context(e, a, axis=1):
    return (_softmax(e, axis)[..., None] * a).sum(1)


exercise(
    "16.4",
    "It runs without a complaint",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=6,
    difficulty=2,
    hints=(
        "Call it with one sentence alone, `e` of shape (1, 4): what are the shares?",
        "Which axis of `e` are the words, and which one the sentences of the batch?",
        "`keepdims=True` keeps the axis that is summed over, so that the division fits.",
    ),
    judge=Function(
        _context,
        lambda rng: (rng.standard_normal((3, 5)), rng.standard_normal((3, 5, 2))),
        {
            "not mended": (
                lambda e, a: _context(e, a, 0),
                "The shares still add up to 1 over the sentences of the batch, not over the words of one.",
            ),
            "over everything": (
                lambda e, a: ((np.exp(e) / np.exp(e).sum())[..., None] * a).sum(1),
                "Now all shares of the whole batch together add up to 1.",
            ),
            "not shared out": (
                lambda e, a: (np.exp(e)[..., None] * a).sum(1),
                "The exponentials are no longer divided by a sum.",
            ),
            "summed over the batch": (
                lambda e, a: (_softmax(e)[..., None] * a).sum(0),
                "The shares are right, and then the sentences are mixed: sum over the words.",
            ),
            "the mean": (
                lambda e, a: (_softmax(e)[..., None] * a).mean(1),
                "The shares add up to 1 already: dividing by the number of words once more is too much.",
            ),
            "not summed": (
                lambda e, a: _softmax(e)[..., None] * a,
                "The annotations are weighed, and not yet added up.",
            ),
            "scores alone": (
                lambda e, a: (e[..., None] * a).sum(1),
                "The softmax got lost on the way.",
            ),
        },
        praise=(
            "Shares over the words of one sentence. Nothing fails when it is wrong: with a batch of "
            "one you would see that every share is 1."
        ),
    ),
)


# 16.5


def _causal(q, k, v, scale=True, mask=0, axis=-1):
    e = q @ k.T / (np.sqrt(q.shape[1]) if scale else 1)
    T = len(q)
    if mask is not None:
        e = np.where(np.tril(np.ones((T, T), bool), mask), e, -1e9)
    return _softmax(e, axis) @ v


exercise(
    "16.5",
    "Each word looks back",
    notebook=NOTEBOOK,
    kind="write",
    minutes=10,
    difficulty=3,
    hints=(
        "`q @ k.T` has a row for each word that looks, and a column for each word that is looked at.",
        (
            "Word t may look at the words up to t, itself among them: `np.tril` keeps what lies on the "
            "diagonal and below it."
        ),
        "Divide by the root of the length of q's rows, hide what lies ahead, softmax of each row, times v.",
    ),
    judge=Function(
        lambda q, k, v: _causal(q, k, v),
        lambda rng: (
            rng.standard_normal((5, 3)),
            rng.standard_normal((5, 3)),
            rng.standard_normal((5, 2)),
        ),
        {
            "looks ahead": (
                lambda q, k, v: _causal(q, k, v, mask=None),
                (
                    "Each word sees all words, those that follow it too. A network that writes would look "
                    "up the answer."
                ),
            ),
            "looks ahead alone": (
                lambda q, k, v: (
                    _softmax(
                        np.where(
                            np.triu(np.ones((len(q), len(q)), bool)), q @ k.T / np.sqrt(q.shape[1]), -1e9
                        )
                    )
                    @ v
                ),
                "Each word sees itself and what follows: the mask is turned round.",
            ),
            "not scaled": (
                lambda q, k, v: _causal(q, k, v, scale=False),
                "The products are not divided by the root of the vectors' length.",
            ),
            "divided by the length": (
                lambda q, k, v: _causal(q / q.shape[1], k, v, scale=False),
                "You divide by the vectors' length, and its root is needed.",
            ),
            "not itself": (
                lambda q, k, v: _causal(q, k, v, mask=-1),
                "A word may look at itself too: the first one would have nothing else.",
            ),
            "over the other axis": (
                lambda q, k, v: _causal(q, k, v, axis=0),
                (
                    "The columns add up to 1. Each word that looks shares out its own attention: each row "
                    "has to."
                ),
            ),
            "q and k swapped": (
                lambda q, k, v: _causal(k, q, v),
                "Who looks and who is looked at have changed places.",
            ),
            "a mean of what came before": (
                lambda q, k, v: np.add.accumulate(v, axis=0) / np.arange(1, len(v) + 1)[:, None],
                "All shares are equal: q and k do not enter.",
            ),
        },
        praise="All words at once, and no state. For L words there are L L products: that is the price.",
    ),
)


# 16.6

exercise(
    "16.6",
    "Which draw was a good one?",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=10,
    difficulty=4,
    hints=(
        "The logarithm of p(k) is the score of place k, minus the logarithm of the sum of all exponentials.",
        "The derivative of the first term is 1 for place k and 0 for all others.",
        "The derivative of the second one is the share of each place.",
    ),
    judge=Function(
        lambda e, k: np.eye(len(e))[k] - _softmax(e),
        lambda rng: (rng.standard_normal(6), int(rng.integers(0, 6))),
        {
            "the wrong sign": (
                lambda e, k: _softmax(e) - np.eye(len(e))[k],
                "The sign is wrong: raising the score of the place that was drawn makes it more probable.",
            ),
            "the shares": (
                lambda e, k: _softmax(e),
                ("Those are the shares, with no regard to which was drawn."),
            ),
            "the place alone": (
                lambda e, k: np.eye(len(e))[k],
                "The other scores count too: raising them makes place k less probable.",
            ),
            "the logarithms": (
                lambda e, k: np.log(_softmax(e)),
                "Those are the logarithms of the shares. What does that of place k do as a score is raised?",
            ),
            "of the probability": (
                lambda e, k: _softmax(e)[k] * (np.eye(len(e))[k] - _softmax(e)),
                "That is the derivative of the probability. The one of its logarithm is asked for.",
            ),
            "one number": (
                lambda e, k: 1 - _softmax(e)[k],
                "That is the derivative in the score of place k. There is one for each score.",
            ),
            "only where it was drawn": (
                lambda e, k: np.eye(len(e))[k] * (1 - _softmax(e)),
                "The place that was drawn is right. The other scores have derivatives as well.",
            ),
        },
        praise=(
            "One minus the share for the place that was drawn, minus the share for all others. It is "
            "0 if there is only one place to draw."
        ),
    ),
)
