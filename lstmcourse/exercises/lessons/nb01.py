"""Notebook 01: the plain recurrent network."""

from __future__ import annotations

import numpy as np

from ...cell import Cell
from ...cells import rnn
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Choice, Function, Rule
from ..weights import weights_of

NOTEBOOK = "01_recurrent_neural_networks"


# 01.1


def _loop(W, U, b, x):
    h, states = np.zeros(len(b)), []
    for x_t in x:
        h = np.tanh(x_t @ W + h @ U + b)
        states.append(h)
    return np.array(states)


def _loop_draw(rng):
    D, H, T = rng.integers(2, 6, size=3)
    return tuple(rng.standard_normal(s) for s in ((D, H), (H, H), (H,), (T + 1, D)))


def _without(**parts):
    """The loop with something else in its place."""

    def loop(W, U, b, x):
        h, states = parts.get("start", np.zeros)(len(b)), []
        for x_t in x:
            z = parts.get("sum", lambda W, U, b, x, h: x @ W + h @ U + b)(W, U, b, x_t, h)
            h = parts.get("squash", np.tanh)(z)
            states.append(h)
        return parts.get("give", np.array)(states)

    return loop


exercise(
    "01.1",
    "The loop in four lines",
    notebook=NOTEBOOK,
    kind="write",
    minutes=8,
    difficulty=1,
    hints=(
        "Start from a state of zeros, one number for each unit: `h = np.zeros(len(b))`.",
        "Go through the rows of `x`. At each step the new `h` is made of the old `h` and of one row.",
        (
            "Collect every `h` in a list, and return `np.array` of it. The one line in the loop that "
            "computes has two products, `@`, and one `np.tanh`."
        ),
    ),
    judge=Function(
        _loop,
        _loop_draw,
        {
            "no state": (
                _without(sum=lambda W, U, b, x, h: x @ W + b),
                (
                    "Each step sees its own input alone: what the step before has left, h, is missing from "
                    "the sum."
                ),
            ),
            "no input": (
                _without(sum=lambda W, U, b, x, h: h @ U + b),
                "The input is missing from the sum: the network does not see what it reads.",
            ),
            "no bias": (
                _without(sum=lambda W, U, b, x, h: x @ W + h @ U),
                "The bias b is missing from the sum.",
            ),
            "no squashing": (
                _without(squash=np.positive),
                "The sum becomes the state as it is: nothing squashes it, so it can grow without bound.",
            ),
            "sigmoid in place of tanh": (
                _without(squash=lambda z: 1 / (1 + np.exp(-z))),
                (
                    "The state is squashed to lie between 0 and 1, by a sigmoid. The equation has another "
                    "function."
                ),
            ),
            "the last state alone": (
                lambda W, U, b, x: _loop(W, U, b, x)[-1],
                "Only the last state is returned. One row for each step is needed.",
            ),
            "the transpose of U": (
                _without(sum=lambda W, U, b, x, h: x @ W + U @ h + b),
                "The recurrent product stands the wrong way round: `U @ h` sums over the other axis of U.",
            ),
            "one state, again and again": (
                lambda W, U, b, x: np.repeat(_loop(W, U, b, x)[-1:], len(x), axis=0),
                "All rows are the last state. If h is changed in place, the list holds one array many times.",
            ),
            "a start of ones": (
                _without(start=np.ones),
                "The first state is not the one that follows from zeros: look at h before the loop.",
            ),
            "the states before": (
                lambda W, U, b, x: np.concatenate([np.zeros((1, len(b))), _loop(W, U, b, x)[:-1]]),
                "Each row is the state before the step. Append h after it has been renewed.",
            ),
        },
        praise=(
            "This is a recurrent neural network. All that follows in this course is a change to that "
            "one line."
        ),
    ),
)


# 01.2

exercise(
    "01.2",
    "Count the parameters",
    notebook=NOTEBOOK,
    kind="write",
    minutes=4,
    difficulty=1,
    hints=(
        "Which arrays does the network learn? The equation has three.",
        "The matrix that acts on the input has D rows and H columns.",
        "The matrix that acts on the state is square. The bias is a vector.",
    ),
    judge=Function(
        lambda D, H: D * H + H * H + H,
        lambda rng: tuple(int(n) for n in rng.integers(2, 60, size=2)),
        {
            "no bias": (lambda D, H: D * H + H * H, "The bias is missing: one number for each unit."),
            "no recurrent weights": (
                lambda D, H: D * H + H,
                "The weights from the state to the state are missing.",
            ),
            "no input weights": (
                lambda D, H: H * H + H,
                "The weights from the input to the state are missing.",
            ),
            "one bias in all": (
                lambda D, H: D * H + H * H + 1,
                "There is not one bias for all units: each unit has its own.",
            ),
            "a bias for each input": (
                lambda D, H: D * H + H * H + D,
                "You count as many biases as inputs. The bias is added to what the units sum up.",
            ),
            "two biases": (
                lambda D, H: D * H + H * H + 2 * H,
                "You count two biases for each unit, as PyTorch has them. Here there is one.",
            ),
            "recurrent weights of one unit each": (
                lambda D, H: D * H + 2 * H,
                "You count one recurrent weight for each unit. Every unit hears every unit.",
            ),
        },
        praise=(
            "D H + H H + H. The recurrent part grows with the square of the units, and does not "
            "depend on how long the sequence is."
        ),
    ),
)


# 01.3


def _states(cell: Cell, x):
    """What a cell without parameters makes of a sequence (T,)."""
    if cell.parameter_shapes(1, 1):
        raise TypeError(f"{cell.name} has parameters, and nothing needs to be learned here")
    return unroll(cell, {}, x[:, None, None])[cell.output][:, 0, 0]


def _numbers(rng):
    return (np.round(rng.uniform(0, 5, size=int(rng.integers(4, 9))), 2) * (rng.random() < 0.9),)


exercise(
    "01.3",
    "A cell that adds up",
    notebook=NOTEBOOK,
    kind="write",
    minutes=5,
    difficulty=1,
    hints=(
        "The state before is the sum so far. What is the new sum?",
        "No weights are needed, and nothing is squashed.",
        "Under `@lc.cell`, a function of `x` and `h`, that gives `h` a new value and returns it.",
    ),
    judge=Function(
        lambda x: np.add.accumulate(x),
        _numbers,
        {
            "the input alone": (
                lambda x: np.array(x),
                "The state is the input of the step, and nothing of what came before.",
            ),
            "squashed": (
                lambda x: _without(squash=np.tanh)(np.eye(1), np.eye(1), np.zeros(1), x[:, None])[:, 0],
                "The sum is squashed at each step, so it stays below 1.",
            ),
            "squashed at the end": (
                lambda x: np.tanh(np.add.accumulate(x)),
                "The sum is right and is then squashed.",
            ),
            "the mean": (
                lambda x: np.add.accumulate(x) / np.arange(1, len(x) + 1),
                "That is the mean so far, not the sum.",
            ),
            "the maximum": (lambda x: np.maximum.accumulate(x), "That is the largest input so far."),
            "fading": (
                lambda x: np.array(
                    [sum(v * 0.5 ** (t - k) for k, v in enumerate(x[: t + 1])) for t in range(len(x))]
                ),
                "Half of the state is lost at each step. The sum must not fade.",
            ),
            "one step late": (
                lambda x: np.concatenate([[0.0], np.add.accumulate(x)[:-1]]),
                "The sum lacks the input of the step itself.",
            ),
        },
        run=_states,
        praise=(
            "A state that never fades. Remember this line: in notebook 04 it comes back as the cell state."
        ),
    ),
)


# 01.4


def _pulse(params):
    x = np.zeros((50, 2, 1))
    x[0, 0] = 1.0
    return unroll(rnn, params, x)["h"][:, :, 0]


exercise(
    "01.4",
    "One weight that remembers",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=8,
    difficulty=2,
    hints=(
        "Set `W_h` to 1 and `b_h` to 0, and look only at `U_h`. What becomes of the state if `U_h` is 0.5?",
        (
            "The state must come back to itself: h = tanh(U h). For which U does that have a solution "
            "other than 0?"
        ),
        "Draw tanh(U h) and the diagonal h, for U = 1 and for U = 2.",
    ),
    judge=Behaviour(
        weights_of(rnn),
        (
            Rule("a bias", "There is a bias, and the task has none: set b_h to 0.", lambda p: p["b_h"] == 0),
            Rule(
                "another input weight",
                "The input weight W_h is 1 in this task.",
                lambda p: p["W_h"] == 1,
            ),
            Rule(
                "the wrong sign",
                "With a negative recurrent weight the state changes its sign at each step.",
                lambda p: p["U_h"] >= 0,
            ),
            Rule(
                "no recurrence",
                "With a recurrent weight of 0 nothing is left after one step.",
                lambda p: p["U_h"] > 0,
            ),
            Rule(
                "fades",
                (
                    "The state fades: with this weight, what is left shrinks by a factor at each step, "
                    "until nothing is left."
                ),
                lambda p: p["U_h"] >= 1,
            ),
            Rule(
                "just not enough",
                "The pulse is still there at step 50, and below 0.5: a little more is needed.",
                lambda p: _pulse(p)[-1, 0] > 0.5,
            ),
        ),
        praise=(
            "The state has found a place where it stays. The network without a pulse stays at 0, so "
            "the state tells one from the other, after any number of steps."
        ),
    ),
)


# 01.5

exercise(
    "01.5",
    "The same state, again and again",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=6,
    difficulty=2,
    hints=(
        "Run it on three inputs, and print what it returns. What do the rows have in common?",
        "`h[:] = ...` writes into the array that is there; `h = ...` makes a new one.",
        "What does the list hold after three appends: three arrays, or one array three times?",
    ),
    judge=Function(
        _loop,
        _loop_draw,
        {
            "not mended": (
                lambda W, U, b, x: np.repeat(_loop(W, U, b, x)[-1:], len(x), axis=0),
                "All rows are still the last state. The list holds one array, many times.",
            ),
            "the last state alone": (
                lambda W, U, b, x: _loop(W, U, b, x)[-1:],
                "Now there is one row. A row for each step is needed.",
            ),
            "the states before": (
                lambda W, U, b, x: np.concatenate([np.zeros((1, len(b))), _loop(W, U, b, x)[:-1]]),
                "Each row is the state before its step: the copy is taken too early.",
            ),
            "no state": (
                _without(sum=lambda W, U, b, x, h: x @ W + b),
                "Now each step starts from nothing: a new h of zeros inside the loop forgets the old one.",
            ),
            "no bias": (_without(sum=lambda W, U, b, x, h: x @ W + h @ U), "The bias got lost on the way."),
            "no squashing": (_without(squash=np.positive), "The tanh got lost on the way."),
        },
        praise=(
            "Each row is an array of its own. This bug is common: nothing fails, and only the last "
            "row is right."
        ),
    ),
)


# 01.6

exercise(
    "01.6",
    "The same words in another order",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=3,
    difficulty=1,
    hints=(
        "Think of the running sum of 01.3 first. Does it notice the order?",
        "In the plain network, what has been read first has gone through the recurrent weights more often.",
        "Two inputs a and b: write h after a, b and after b, a. Are the two the same formula?",
    ),
    judge=Choice(
        "another last state",
        {
            ("another last state"): (
                "What was read earlier has gone through U and tanh more often, so the order is "
                "in the state. A sum would not notice."
            ),
            ("the same last state"): (
                "That would be so for a sum. Here each input goes through U and tanh once for "
                "each step that follows it."
            ),
            ("the states in reverse"): (
                "The states of the first order are not those of the other, read backwards: each "
                "state holds what came before it."
            ),
            ("the same if the weights are trained"): (
                "Training changes the weights, not the equation. No weights but very special "
                "ones make it blind for the order."
            ),
            "it depends on the length": "Two steps are enough: write them out.",
            "an error": "A network takes any order.",
        },
    ),
)
