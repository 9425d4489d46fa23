"""Notebook 09b: what the LSTM is good for."""

from __future__ import annotations

import numpy as np

from ...cells import lstm_1997
from ..define import exercise
from ..judges import Choice, Equations, Function, Value
from ..slips import slips

NOTEBOOK = "09b_what_the_lstm_is_good_for"


# 09.5

TASKS = ("adding", "copy", "temporal_order", "embedded_reber")


def _gains(cell="lstm", of=lambda runs: runs.mean(axis=1), change=lambda low, high: high - low):
    """What the larger of two learning rates makes of each task's accuracy."""

    def gains():
        from ...experiments import load

        study = load("plain_against_lstm")
        runs = {t: study.over("learning_rate", "accuracy", task=t, cell=cell) for t in TASKS}
        return {
            t: float(change(*of(found[np.isin(rates, (3e-3, 1e-2))]))) for t, (rates, found) in runs.items()
        }

    return gains


exercise(
    "09.5",
    "One learning rate for all?",
    notebook=NOTEBOOK,
    kind="measure",
    minutes=8,
    difficulty=2,
    hints=(
        (
            '`study.over("learning_rate", "accuracy", task="adding", cell="lstm")` gives all the rates and, '
            "for each, the accuracy of the five seeds."
        ),
        "Which rows belong to 0.003 and to 0.01? The accuracies have one row for each rate: take its mean.",
        "For each task the mean at 0.01 minus the mean at 0.003. A gain may be negative.",
    ),
    judge=Value(
        _gains(),
        {
            "the other way round": (
                _gains(change=lambda low, high: low - high),
                "These are the gains of the smaller rate over the larger: the signs are the other way round.",
            ),
            "the plain network": (
                _gains("rnn"),
                "These are the gains of the plain network, not of the LSTM.",
            ),
            "medians": (
                _gains(of=lambda runs: np.median(runs, axis=1)),
                "These are differences of medians. The means of five seeds are asked for.",
            ),
            "the best seeds": (
                _gains(of=lambda runs: runs.max(axis=1)),
                "You compare the best seed of each rate. All five count.",
            ),
            "the worst seeds": (
                _gains(of=lambda runs: runs.min(axis=1)),
                "You compare the worst seed of each rate. All five count.",
            ),
            "one seed": (
                _gains(of=lambda runs: runs[:, 0]),
                "You compare the first seed alone. One run says little: take the mean of five.",
            ),
            "the sum": (
                _gains(of=lambda runs: runs.sum(axis=1)),
                "You have added up five seeds: divide by their number.",
            ),
            "a ratio": (
                _gains(change=lambda low, high: high / low),
                "You have divided the two means. Their difference is asked for.",
            ),
        },
        praise=(
            "One task wants the larger rate, and another the smaller. At one rate for all, the LSTM "
            "would have lost one of its two wins, or most of it."
        ),
        tolerance=6e-3,
    ),
)


# 09b.1

exercise(
    "09b.1",
    "Who will miss its memory?",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=3,
    difficulty=1,
    hints=(
        "A memory is missed where it was in use. Which of these cells can still show what is added to its "
        "state?",
        "Compare the three sizes above. At which of them has the squashing function a slope?",
        "Where the state shows nothing but its sign, nothing changes when it is held still.",
    ),
    judge=Choice(
        "the one with a forget gate",
        {
            "the one with a forget gate": (
                "Its states have stayed where the squashing function has a slope. See how much it loses, and "
                "what becomes of the two others."
            ),
            "the one of 1997": (
                "On paper nothing in it ever fades. But at such a size, what does its squashing "
                "function show of a 1 that is added?"
            ),
            "the one with f held at 1": (
                "It keeps everything, like the cell of 1997, and its state has grown as well. What can "
                "be read from such a state?"
            ),
            "both without a forget gate": (
                "Both have states of tens of thousands. Can their output tell such a state from one that "
                "has been added to?"
            ),
            "all three": (
                "That would follow if all three used their states. The sizes above say where they can "
                "be read."
            ),
            "none of the three": (
                "They answer right, and the task needs a memory. In which cell can it lie in the state?"
            ),
        },
    ),
)


# 09b.2

SIGNATURE = "x, h, c"
OF_1997 = """
i = sigmoid(affine("i", h, x))
o = sigmoid(affine("o", h, x))
g = 4 * sigmoid(affine("g", h, x)) - 2
new = c + i * g
h = o * (2 * sigmoid(new) - 1)
return h, new
"""
MODERN = (
    (
        "not mended",
        "new = (1 - i) * c + i * g; h = o * tanh(new)",
        "Nothing is mended yet. Compare it with the definition above: c first, then h.",
    ),
    (
        "a forget gate in disguise",
        "new = (1 - i) * c + i * g",
        "h is right. In the line for c the old state still loses a share, wherever something is written.",
    ),
    (
        "squashed as today",
        "h = o * tanh(new)",
        "The line for c is right now. h is squashed as today, by tanh: is that the function of 1997?",
    ),
    (
        "a forget gate of another gate",
        "new = o * c + i * g",
        "The old state is multiplied by the output gate. In 1997 nothing multiplies it.",
    ),
    (
        "the input gate forgets",
        "new = i * c + i * g",
        "The old state is multiplied by the input gate. In 1997 nothing multiplies it.",
    ),
    (
        "a candidate as today",
        "g = tanh(affine('g', h, x))",
        "c and h are right, but for g: it lay between -2 and 2, and that line was no mistake.",
    ),
    (
        "nothing kept",
        "new = i * g",
        "The old state is gone. It is to be kept, all of it.",
    ),
    (
        "written in full",
        "new = c + g",
        "The input gate is gone from the line for c: how much is written?",
    ),
    (
        "not squashed",
        "h = o * new",
        "The state is shown as it is. It was squashed in 1997, too, by another function.",
    ),
    (
        "squashed on the belt",
        "new = 2 * sigmoid(c + i * g) - 1; h = o * new",
        "The state itself is squashed now. Only what is shown of it should be.",
    ),
    (
        "a sigmoid alone",
        "h = o * sigmoid(new)",
        "What is shown of the state lies between 0 and 1 now. It has to reach down to -1.",
    ),
    (
        "the range of g",
        "h = o * (4 * sigmoid(new) - 2)",
        "The state is squashed to numbers between -2 and 2. That is the range of g.",
    ),
)

exercise(
    "09b.2",
    "Not quite of 1997",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=6,
    difficulty=2,
    hints=(
        "Look at the line for c. What becomes of the old state where the input gate is open?",
        "Look at the line for h. Where does tanh have its steepest slope, and how steep? And what stands "
        "in the definition above?",
        "In 1997 the state went through 2σ(s) - 1, which is tanh(s/2): half as steep as tanh(s).",
    ),
    judge=Equations(
        lstm_1997,
        lambda: slips(SIGNATURE, OF_1997, MODERN),
        praise=(
            "Now it is the cell of 1997. With its 1 - i it forgot wherever it wrote, and would have told you "
            "that nothing was wrong with continual input."
        ),
    ),
)


# 09b.3


def _above(scores, true, legal):
    worst = np.where(legal, -np.inf, scores).max(axis=1)
    return scores[np.arange(len(true)), true] > worst


def _letters(rng):
    N, K = 16, 7
    true = rng.integers(K, size=N)
    legal = rng.random((N, K)) < 0.35
    legal[np.arange(N), true] = True
    legal[np.arange(N), (true + 1 + rng.integers(K - 1, size=N)) % K] = False  # one at least is illegal
    scores = rng.standard_normal((N, K))
    scores[np.arange(N), true] += 1.0
    return scores, true, legal


def _of_true(scores, true):
    return scores[np.arange(len(true)), true]


exercise(
    "09b.3",
    "Right, where several letters may come",
    notebook=NOTEBOOK,
    kind="write",
    minutes=8,
    difficulty=2,
    hints=(
        "Do one row first: which of its scores are those of illegal letters, and which is the largest?",
        "`np.where(legal, -np.inf, scores)` takes the legal letters out of the race.",
        "`scores[np.arange(N), true]` is the score of each row's true letter; compare it with the largest of "
        "the illegal ones.",
    ),
    judge=Function(
        _above,
        _letters,
        {
            "the highest of all": (
                lambda scores, true, legal: scores.argmax(axis=1) == true,
                (
                    "You ask for the true letter to be the highest. Another legal letter might as well have "
                    "come: that one may be higher."
                ),
            ),
            "the highest is legal": (
                lambda scores, true, legal: legal[np.arange(len(true)), scores.argmax(axis=1)],
                "You ask for the highest letter to be legal. The true one may still lie below illegal ones.",
            ),
            "above the other legal ones": (
                lambda scores, true, legal: (
                    _of_true(scores, true) >= np.where(legal, scores, -np.inf).max(axis=1)
                ),
                "You compare the true letter with the legal ones. It has to be above those that are illegal.",
            ),
            "above one of them": (
                lambda scores, true, legal: (
                    _of_true(scores, true) > np.where(legal, np.inf, scores).min(axis=1)
                ),
                "It is enough for you to be above one illegal letter, the lowest. It has to be above all.",
            ),
            "all legal ones above": (
                lambda scores, true, legal: (
                    np.where(legal, scores, np.inf).min(axis=1) > np.where(legal, -np.inf, scores).max(axis=1)
                ),
                "You ask that of every legal letter. It is asked of the true one alone.",
            ),
            "wrong ones for right ones": (
                lambda scores, true, legal: ~_above(scores, true, legal),
                "True and False have changed places.",
            ),
            "the true one is legal": (
                lambda scores, true, legal: legal[np.arange(len(true)), true],
                "The true letter is always legal. What do the scores say?",
            ),
            "the share": (
                lambda scores, true, legal: _above(scores, true, legal).mean(),
                "That is the share of right ones. Return for each row whether it is right.",
            ),
            "above the mean": (
                lambda scores, true, legal: (
                    _of_true(scores, true) > np.where(legal, 0, scores).sum(axis=1) / (~legal).sum(axis=1)
                ),
                "The true letter is above the mean of the illegal ones. It has to be above each of them.",
            ),
        },
        praise=(
            "So a network is not blamed for what the grammar leaves open, and only for what it could have "
            "known."
        ),
    ),
)


# 09b.4


def _size(f, m, s, T, square=lambda f: f * f):
    mean = variance = 0.0
    for _ in range(T):
        mean, variance = f * mean + m, square(f) * variance + s * s
    return float(np.sqrt(mean**2 + variance))


def _pushes(rng):
    f = 1.0 if rng.random() < 0.4 else float(rng.uniform(0.5, 0.98))
    return f, float(rng.uniform(0.1, 0.5)), float(rng.uniform(0.3, 1.0)), int(rng.integers(3, 40))


exercise(
    "09b.4",
    "How large a state grows",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=10,
    difficulty=3,
    hints=(
        "Follow two numbers from step to step, the state's mean and its variance. Both start at 0.",
        "A step multiplies the state by f and adds something independent. What does that do to the mean? "
        "By what does it multiply the variance?",
        "The mean square is the square of the mean plus the variance.",
    ),
    judge=Function(
        _size,
        _pushes,
        {
            "the mean alone": (
                lambda f, m, s, T: _size(f, m, 0.0, T),
                "That is the mean of the state. It varies around it.",
            ),
            "the spread alone": (
                lambda f, m, s, T: _size(f, 0.0, s, T),
                "That is how far the state varies around its mean. The mean grows too.",
            ),
            "the mean square": (
                lambda f, m, s, T: _size(f, m, s, T) ** 2,
                "That is the mean square. Its root is asked for.",
            ),
            "a factor f for the variance": (
                lambda f, m, s, T: _size(f, m, s, T, square=lambda f: f),
                (
                    "With f = 1 it is right. A state that is multiplied by f has its variance multiplied by "
                    "what?"
                ),
            ),
            "nothing forgotten": (
                lambda f, m, s, T: _size(1.0, m, s, T),
                "With f = 1 it is right. For other f the old state keeps its size: it has to be multiplied.",
            ),
            "all pushes alike": (
                lambda f, m, s, T: float(np.hypot(_size(f, m, 0.0, T), s * sum(f**k for k in range(T)))),
                (
                    "You let the spread add up like the mean. What varies independently partly cancels: "
                    "variances add up."
                ),
            ),
            "the mean cancels too": (
                lambda f, m, s, T: _size(f, 0.0, float(np.hypot(m, s)), T),
                (
                    "You let the mean add up like the spread. It has the same sign at each step, and never "
                    "cancels."
                ),
            ),
            "added as they are": (
                lambda f, m, s, T: _size(f, m, 0.0, T) + _size(f, 0.0, s, T),
                "You add the mean and the standard deviation. It is their squares that add up.",
            ),
            "the standard deviation as a variance": (
                lambda f, m, s, T: _size(f, m, float(np.sqrt(s)), T),
                "You add s at each step where the variance, the square of s, belongs.",
            ),
            "one step": (
                lambda f, m, s, T: _size(f, m, s, 1),
                "That is the size of what one step adds.",
            ),
            "one step too few": (
                lambda f, m, s, T: _size(f, m, s, T - 1),
                "That is one step too few: the first step adds to a state of 0.",
            ),
            "one step too many": (
                lambda f, m, s, T: _size(f, m, s, T + 1),
                "That is one step too many: before the first step the state is 0.",
            ),
        },
        praise=(
            "Without a forget gate it grows without limit: like the root of T if what is added cancels, like "
            "T itself if it does not. With f below 1 it comes to rest."
        ),
    ),
)
