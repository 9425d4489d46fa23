"""Notebook 13: gates between layers."""

from __future__ import annotations

import numpy as np

from ..define import exercise
from ..judges import Choice, Function

NOTEBOOK = "13_depth_gated"


def _logit(p):
    return np.log(p / (1 - p))


exercise(
    "13.1",
    "What comes down through open gates",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=4,
    difficulty=1,
    hints=(
        "Write down the upper cell state with d = 1, f = 0 and i = 0. What is left of the sum?",
        "The second layer's cell state is then the first one's; the third one's is the second one's.",
        "The derivative of y = x is 1. And of that, through two layers?",
    ),
    judge=Choice(
        "it arrives unchanged",
        {
            ("it arrives unchanged"): (
                "Each upper cell state is the one below, so the derivative is 1 times 1. This "
                "is the belt in the direction of depth."
            ),
            ("it shrinks by half at each layer"): (
                "That would be so with gates at one half. These are held at 1."
            ),
            ("it goes through tanh"): (
                "The tanh stands on the way from the cell state to h. The depth gate's path does not pass it."
            ),
            ("it vanishes"): (
                "With the forget and the input gates shut nothing else comes in, but what the "
                "depth gate lets through is untouched."
            ),
            "it doubles": "There is only one way down: the others are shut.",
            "it depends on the weights": "The weights act on the gates, and these are held.",
        },
    ),
)


# 13.2


def _upper(d, below, f, before, i, g):
    return d * below + f * before + i * g


exercise(
    "13.2",
    "The upper ledger",
    notebook=NOTEBOOK,
    kind="write",
    minutes=4,
    difficulty=1,
    hints=(
        "An LSTM's cell state is a sum of two terms. The depth gate adds a third.",
        "Each gate multiplies one thing: f what was there, i what is proposed, and d what is below.",
        "Nothing is squashed on the way, and nothing is multiplied by 1 - d.",
    ),
    judge=Function(
        _upper,
        lambda rng: tuple(
            a if k in (1, 3) else np.tanh(a) if k == 5 else 1 / (1 + np.exp(-a))
            for k, a in enumerate(rng.standard_normal((6, 4)))
        ),
        {
            "no depth gate": (
                lambda d, below, f, before, i, g: f * before + i * g,
                "The lower cell state does not enter: that is the plain stack.",
            ),
            "below without its gate": (
                lambda d, below, f, before, i, g: below + f * before + i * g,
                "The lower cell state enters as it is: the gate d has nothing to say.",
            ),
            "below is squashed": (
                lambda d, below, f, before, i, g: d * np.tanh(below) + f * before + i * g,
                "The lower cell state is squashed on its way up. Its path is to be linear.",
            ),
            "d on the candidate": (
                lambda d, below, f, before, i, g: below + f * before + d * i * g,
                "The depth gate multiplies the candidate. It belongs to the cell state below.",
            ),
            "d and f swapped": (
                lambda d, below, f, before, i, g: f * below + d * before + i * g,
                "The gates d and f have changed places.",
            ),
            "coupled": (
                lambda d, below, f, before, i, g: d * below + (1 - d) * (f * before + i * g),
                (
                    "What is taken from below is taken away from the rest. In this cell the terms are "
                    "simply added."
                ),
            ),
            "no forget gate": (
                lambda d, below, f, before, i, g: d * below + before + i * g,
                "The layer's own old cell state enters without its forget gate.",
            ),
            "no input gate": (
                lambda d, below, f, before, i, g: d * below + f * before + g,
                "The candidate enters without its input gate.",
            ),
        },
        praise="Three terms, each with a gate of its own.",
    ),
)


# 13.3

exercise(
    "13.3",
    "What the gate costs",
    notebook=NOTEBOOK,
    kind="write",
    minutes=5,
    difficulty=1,
    hints=(
        "Look at the equation for d: what does the gate look at?",
        "One of its three inputs goes through a matrix; the two cell states have one weight a unit each.",
        "And there is a bias.",
    ),
    judge=Function(
        lambda H: H * H + 3 * H,
        lambda rng: (int(rng.integers(2, 90)),),
        {
            "no bias": (lambda H: H * H + 2 * H, "The bias is missing: one number a unit."),
            "one cell state": (
                lambda H: H * H + H,
                "The gate looks at two cell states as well, the layer's own and the one below.",
            ),
            "matrices for the cell states": (
                lambda H: 3 * H * H + H,
                "The cell states have one weight a unit, not a matrix each.",
            ),
            "the recurrent matrix too": (
                lambda H: 2 * H * H + 3 * H,
                "The gate does not look at the layer's own h before: there is one matrix.",
            ),
            "the vectors alone": (lambda H: 3 * H, "The matrix that acts on the h from below is missing."),
            "the matrix alone": (lambda H: H * H, "Count the vectors too: two of weights, and the bias."),
        },
        praise="H H + 3 H, about a seventh of what the layer has anyway.",
    ),
)


# 13.4

exercise(
    "13.4",
    "Down through a tower",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=6,
    difficulty=2,
    hints=(
        "Begin with two layers: what is the derivative of d times C with respect to C?",
        "The chain rule multiplies the layers' derivatives. Does it add anything?",
        "The result has one number for each unit: the gates of a unit, multiplied over the layers.",
    ),
    judge=Function(
        lambda d: np.multiply.reduce(d, axis=0),
        lambda rng: (rng.uniform(0.1, 1, size=(int(rng.integers(2, 7)), 3)),),
        {
            "the sum": (lambda d: d.sum(0), "You add the gates. The chain rule multiplies."),
            ("the mean"): (
                lambda d: d.mean(0),
                ("That is the mean of the gates. The chain rule multiplies them."),
            ),
            "the top gate": (lambda d: d[-1], "That is the last gate alone: all of them stand on the way."),
            ("the lowest gate"): (
                lambda d: d[0],
                ("That is the first gate alone: all of them stand on the way."),
            ),
            "over the units": (
                lambda d: np.multiply.reduce(d, axis=1),
                "You multiply over the units. Each unit has its own belt: multiply over the layers.",
            ),
            ("all in one"): (
                lambda d: np.multiply.reduce(d.ravel()),
                ("That is one number. Each unit has its own."),
            ),
            "at each layer": (
                lambda d: np.multiply.accumulate(d, axis=0),
                "Those are the derivatives up to each layer. Only the one through all of them is asked for.",
            ),
            "the complement": (
                lambda d: np.multiply.reduce(1 - d, axis=0),
                "You multiply 1 - d. The gate lets d of it through.",
            ),
        },
        praise=(
            "The product of the gates: what the forget gates are along time, the depth gates are along depth."
        ),
    ),
)


# 13.5

exercise(
    "13.5",
    "A bias for a tall tower",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=3,
    hints=(
        "If all gates are equal, the share that arrives is one gate to the power of their number.",
        "So each gate has to be the L-th root of the share.",
        (
            "The gate is the sigmoid of its bias. Which bias has the sigmoid y? Solve y = 1 / (1 + "
            "exp(-b)) for b."
        ),
    ),
    judge=Function(
        lambda share, L: _logit(share ** (1 / L)),
        lambda rng: (float(rng.uniform(0.05, 0.95)), int(rng.integers(2, 30))),
        {
            "the gate itself": (
                lambda share, L: share ** (1 / L),
                "That is what each gate has to be. The bias that makes it so is asked for.",
            ),
            "one layer": (
                lambda share, L: _logit(share),
                "With that bias one gate lets the share through. There are L of them in a row.",
            ),
            "shared out": (
                lambda share, L: _logit(1 - (1 - share) / L),
                "You spread the loss evenly over the layers, by adding. Shares multiply.",
            ),
            "the wrong sign": (
                lambda share, L: -_logit(share ** (1 / L)),
                "The sign is wrong: the more open the gate, the larger its bias.",
            ),
            "a logarithm": (
                lambda share, L: np.log(share) / L,
                "That is the logarithm of the gate. The inverse of the sigmoid has 1 - y below the line.",
            ),
            "the power": (
                lambda share, L: _logit(share**L),
                "You take the power where the root is needed: then the tower would let through much less.",
            ),
        },
        praise="For half of it to arrive through 20 gates, each has to stand at 0.966, and the bias at 3.3. "
        "Gates that start at one half let a millionth through.",
    ),
)
