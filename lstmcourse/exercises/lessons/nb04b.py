"""Notebook 04b: what an untrained LSTM remembers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...cells import lstm
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Choice, Function, Rule
from ..weights import weights_of

NOTEBOOK = "04b_what_an_untrained_lstm_remembers"


# 04.2

exercise(
    "04.2",
    "The forget gate alone held open",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=4,
    difficulty=2,
    hints=(
        "Above, the table was the identity. Which of the reasons given there needed i = 0?",
        (
            "A change of C shows in h, and the layers of the next step read h. What do they do with it, "
            "if i is not 0?"
        ),
        (
            "There are two ways from C_0 to C_T: along the belt, and through h and the matrices. Which "
            "one did f = 1 fix?"
        ),
    ),
    judge=Choice(
        "the belt's part is the identity, the whole is not",
        {
            "the belt's part is the identity, the whole is not": (
                "Along the belt each step multiplies by 1. But C shows in h, h moves gates and "
                "candidate, and they write onto the belt: a second way, which adds to the first."
            ),
            "it is the identity": (
                "Along the belt, yes. With the input gate at work there is a second way, through h."
            ),
            "it vanishes": "Along the belt each step multiplies by 1: that part does not shrink.",
            "it is the identity, if the inputs are small": (
                "Small inputs leave the input gate half open all the same. What does it let in?"
            ),
            "it is a diagonal, but not the identity": (
                "Off the diagonal are the ways from one unit to another. Do the layers that read h keep "
                "the units apart?"
            ),
            "it grows by one at each step": (
                "The cell state may grow so. Its derivative does not add up in this way."
            ),
        },
    ),
)


# 04.4


def _sigmoid(a):
    return 1 / (1 + math.exp(-a))


def _gate(steps):
    """What stays of a number at each step, if a half of it is left after so many."""
    return 0.5 ** (1 / steps)


def _slope(steps):
    return _gate(steps) * (1 - _gate(steps))


exercise(
    "04.4",
    "What a long memory costs",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=2,
    hints=(
        "First the gate: which f gives f multiplied by itself `steps` times = 0.5?",
        "Then the slope of σ where its result is f. The text has it: it needs no bias, only f.",
        (
            "The gate is 0.5 to the power of 1/steps. The slope has two factors: what is kept, and what "
            "is let go."
        ),
    ),
    judge=Function(
        _slope,
        lambda rng: (float(np.round(rng.uniform(1.5, 12), 1)),),
        {
            "the gate": (_gate, "That is the gate itself. How steep is σ there?"),
            "what is let go": (
                lambda steps: 1 - _gate(steps),
                "That is what the gate lets go at each step, one of the two factors of the slope.",
            ),
            "the bias": (
                lambda steps: math.log(_gate(steps) / (1 - _gate(steps))),
                "That is the bias with this half-life. How steep is σ there?",
            ),
            "the slope at the gate": (
                lambda steps: _sigmoid(_gate(steps)) * (1 - _sigmoid(_gate(steps))),
                "σ is applied to the gate once more: f is a result of σ already.",
            ),
            "the slope at the half-life": (
                lambda steps: _sigmoid(steps) * (1 - _sigmoid(steps)),
                "That is the slope at a bias of `steps`. Which gate has a half-life of `steps`?",
            ),
            "the slope of tanh": (
                lambda steps: 1 - _gate(steps) ** 2,
                "1 - f^2 is the slope of tanh. A gate is made by σ.",
            ),
            "a time constant": (
                lambda steps: math.exp(-1 / steps) * (1 - math.exp(-1 / steps)),
                "With this gate 1/e is left after so many steps, about 37 %, not a half.",
            ),
            "the same amount at each step": (
                lambda steps: (1 - 0.5 / steps) * 0.5 / steps,
                "You let the same amount go at each step. A gate takes the same share of what is left.",
            ),
            "the slope of all steps": (
                lambda steps: 0.25,
                (
                    "1/4 is the slope at f = 0.5, and 0.5 is what is left after all the steps. The gate of "
                    "one step is asked for."
                ),
            ),
            "the derivative of what is left": (
                lambda steps: steps * _gate(steps) ** (steps - 1) * _slope(steps),
                (
                    "That is how much what is left at the end changes with the bias. The slope of the gate "
                    "is asked for."
                ),
            ),
            "approximately": (
                lambda steps: math.log(2) / steps,
                "That is near for long half-lives, and a good rule. Write the exact slope.",
            ),
            "one step too few": (
                lambda steps: _slope(steps - 1),
                "One step is not counted: after so many steps less than a half is left.",
            ),
        },
        praise=(
            "About ln 2 / steps: a gate that holds ten times as long moves a tenth as far for the same "
            "change of its bias."
        ),
    ),
)


# 04.6

STEPS, NETWORKS = 100, 3


def _untrained(answer: Any) -> dict[str, Any]:
    """What three untrained LSTMs do that start with these biases."""
    given = weights_of(lstm, 8, 32, needed=("b_f", "b_i"))(answer)
    runs = []
    for seed in range(NETWORKS):
        rng = np.random.default_rng(seed)
        params = lstm.init(8, 32, rng, np.float64)
        params |= {name: b for name, b in given.items() if name.startswith("b_")}
        runs.append(unroll(lstm, params, rng.standard_normal((STEPS, 2, 8)), grad=False))
    with np.errstate(over="ignore"):
        f, i = (1 / (1 + np.exp(-given[b])) for b in ("b_f", "b_i"))
    return {
        "weights": max(np.abs(a).max() for name, a in given.items() if not name.startswith("b_")),
        "f": f.mean(),
        "i": i.mean(),
        "slope f": (f * (1 - f)).min(),
        "slope i": (i * (1 - i)).min(),
        "left": min(np.median(np.prod(run["f"], axis=0)) for run in runs),
        "size": max(np.sqrt(np.mean(run["c"][-1] ** 2)) for run in runs),
    }


exercise(
    "04.6",
    "A start that remembers",
    notebook=NOTEBOOK,
    kind="design",
    minutes=15,
    difficulty=4,
    hints=(
        (
            "Take the two demands for the forget gate first. The half-life of a bias is ln 0.5 / ln "
            "σ(b): see above."
        ),
        (
            "In a network the gate sways, so the half-life is shorter than the formula says: aim at more "
            "than 100."
        ),
        (
            "What else lies on the belt comes in through the input gate. Let it stand nearly shut, as "
            "above; and how far from 0 may a bias be for a slope of 0.001?"
        ),
    ),
    judge=Behaviour(
        _untrained,
        (
            Rule(
                "weights as well",
                "Give biases alone: the weights are drawn at random.",
                lambda m: m["weights"] == 0,
            ),
            Rule(
                "the wrong way round",
                "The forget gate is shut and the input gate open: everything is written, and nothing kept.",
                lambda m: not (m["f"] < 0.5 < m["i"]),
            ),
            Rule(
                "forgets",
                (
                    "Along the belt less than a half is left after 100 steps: the forget gate has to be "
                    "more open."
                ),
                lambda m: m["left"] >= 0.5,
            ),
            Rule(
                "buried",
                (
                    "More than a half is kept, but after 100 steps other things lie on the belt, of a "
                    "size above 0.2: which gate lets them in?"
                ),
                lambda m: m["size"] < 0.2,
            ),
            Rule(
                "cannot learn to forget",
                (
                    "It remembers, but the slope of the forget gate is below 0.001: it would hardly learn "
                    "to close."
                ),
                lambda m: m["slope f"] >= 0.001,
            ),
            Rule(
                "cannot learn to write",
                (
                    "It remembers, but the slope of the input gate is below 0.001: it would hardly learn to "
                    "open."
                ),
                lambda m: m["slope i"] >= 0.001,
            ),
        ),
        praise=(
            "An LSTM that remembers for 100 steps before it has learnt anything, and can still learn "
            "otherwise. Between memory and slope there is a range of biases, and you have found it."
        ),
    ),
)


# 04b.1


def _apart(with_it, without, unit, size):
    return np.abs(with_it[:, unit] - without[:, unit]) / size


def _two_runs(rng):
    T, H = int(rng.integers(4, 8)), int(rng.integers(3, 6))
    return *rng.standard_normal((2, T, H)), int(rng.integers(1, H)), float(rng.uniform(0.4, 3.0))


exercise(
    "04b.1",
    "Less than nothing is left",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=5,
    difficulty=2,
    hints=(
        "Take one step by hand: the unit holds -1 without the pulse and 1 with it. How far are they apart?",
        "Two numbers of one size and of opposite signs: what does each line make of them?",
        "First the difference of the two runs, and then its size.",
    ),
    judge=Function(
        _apart,
        _two_runs,
        {
            "not mended": (
                lambda a, b, unit, size: (np.abs(a[:, unit]) - np.abs(b[:, unit])) / size,
                "It is as it was: where the two runs have opposite signs, their sizes say nothing of how far "
                "they are apart.",
            ),
            "the sign kept": (
                lambda a, b, unit, size: (a[:, unit] - b[:, unit]) / size,
                "That is the difference with its sign. How far the runs are apart is never below 0.",
            ),
            "made positive at the end": (
                lambda a, b, unit, size: np.abs(np.abs(a[:, unit]) - np.abs(b[:, unit])) / size,
                "Now nothing is negative, but the sizes are still compared, and not the numbers.",
            ),
            "not as a share": (
                lambda a, b, unit, size: np.abs(a[:, unit] - b[:, unit]),
                "That is how far they are apart. As a share of the pulse?",
            ),
            "a share of the other run": (
                lambda a, b, unit, size: np.abs(a[:, unit] - b[:, unit]) / np.abs(b[:, unit]),
                "You divide by the run without the pulse. What is left is to be a share of what was written.",
            ),
            "the run with the pulse alone": (
                lambda a, b, unit, size: np.abs(a[:, unit]) / size,
                "What lies on the belt without any pulse counts as well: the second run is there to take it "
                "away.",
            ),
            "all units": (
                lambda a, b, unit, size: np.abs(a - b).sum(axis=1) / size,
                "You add up all units. The pulse was written into one of them, and that one is asked for.",
            ),
            "every unit for itself": (
                lambda a, b, unit, size: np.abs(a - b) / size,
                "These are all units. Choose the one that the pulse was written into.",
            ),
            "at the end alone": (
                lambda a, b, unit, size: _apart(a, b, unit, size)[-1],
                "That is the last step alone. One number for each step is needed.",
            ),
            "multiplied": (
                lambda a, b, unit, size: np.abs(a[:, unit] - b[:, unit]) * size,
                "You multiply by the pulse's size: a larger pulse would always seem to last longer.",
            ),
            "squared": (
                lambda a, b, unit, size: (a[:, unit] - b[:, unit]) ** 2 / size,
                "The square of the difference is asked for nowhere. Its size is.",
            ),
        },
        praise=(
            "A difference of sizes is not the size of a difference, and nothing but its sign gave it away."
        ),
    ),
)


# 04b.2


def _ln_sigmoid(a):
    return -np.log1p(np.exp(-a))


def _swinging(b, s):
    return 2 * math.log(0.5) / (_ln_sigmoid(b + s) + _ln_sigmoid(b - s))


exercise(
    "04b.2",
    "A gate that swings",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=10,
    difficulty=3,
    hints=(
        "What is left after two steps, one of each kind? And after k pairs of steps?",
        "For a gate that stands still, the half-life is the k with σ(b)^k = 1/2. Which gate, standing "
        "still, would lose as much in two steps as this one?",
        "Products become sums of logarithms. Take the mean of ln σ over the two steps, in place of ln σ(b).",
    ),
    judge=Function(
        _swinging,
        lambda rng: (float(rng.uniform(0, 5)), float(rng.uniform(0.5, 3))),
        {
            "the swing forgotten": (
                lambda b, s: math.log(0.5) / _ln_sigmoid(b),
                "That is the half-life of a gate that stands still at σ(b): the swing has no part in it.",
            ),
            "the mean gate": (
                lambda b, s: (
                    math.log(0.5) / np.log((np.exp(_ln_sigmoid(b + s)) + np.exp(_ln_sigmoid(b - s))) / 2)
                ),
                "You take the mean of the two gates. But gates are multiplied along the belt, not added.",
            ),
            "counted in pairs": (
                lambda b, s: _swinging(b, s) / 2,
                "You count pairs of steps. How many steps are that?",
            ),
            "counted twice": (
                lambda b, s: _swinging(b, s) * 2,
                "It is twice too long. How many factors does the belt meet in two steps?",
            ),
            "the mean of two half-lives": (
                lambda b, s: math.log(0.5) * (1 / _ln_sigmoid(b + s) + 1 / _ln_sigmoid(b - s)) / 2,
                "You take the mean of two half-lives. The open gate's is long, but every other step is the "
                "other one's.",
            ),
            "always more open": (
                lambda b, s: math.log(0.5) / _ln_sigmoid(b + s),
                "You let the gate stand at σ(b + s) all the time.",
            ),
            "always more shut": (
                lambda b, s: math.log(0.5) / _ln_sigmoid(b - s),
                "You let the gate stand at σ(b - s) all the time.",
            ),
            "a time constant": (
                lambda b, s: _swinging(b, s) / math.log(2),
                "After that many steps 1/e is left, and not a half.",
            ),
            "the logarithm to base 2": (
                lambda b, s: _swinging(b, s) / math.log(2) ** 2,
                "One of the logarithms has another base than the other.",
            ),
            "what is let go": (
                lambda b, s: 2 * math.log(0.5) / (_ln_sigmoid(-b - s) + _ln_sigmoid(s - b)),
                "You multiply what is let go, 1 - f. What is kept is f.",
            ),
        },
        praise=(
            "It is always shorter than without the swing: a gate that is more open gains less than one that "
            "is more shut loses. That is why the networks above fell short of the formula."
        ),
    ),
)
