"""Notebook 06: the input gate and the candidate."""

from __future__ import annotations

import numpy as np

from ...cell import cell
from ...cells import lstm
from ...engine.layers import affine
from ...engine.ops import sigmoid, tanh
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Choice, Equations, Function, Rule
from ..slips import slips
from ..weights import weights_of

NOTEBOOK = "06_input_gate"


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


# 06.1


def _layers(gate=_sigmoid, candidate=np.tanh, join=np.multiply, b=1.0, shared=False):
    """What is written, with something else in its place."""

    def written(x, h, W_i, U_i, b_i, W_C, U_C, b_C):
        if shared:
            W_C, U_C, b_C = W_i, U_i, b_i
        return join(gate(x @ W_i + h @ U_i + b * b_i), candidate(x @ W_C + h @ U_C + b * b_C))

    return written


_written = _layers()


def _written_draw(rng):
    B, D, H = 3, 2, 4
    return tuple(rng.standard_normal(s) for s in ((B, D), (B, H), *((D, H), (H, H), (H,)) * 2))


exercise(
    "06.1",
    "What is written",
    notebook=NOTEBOOK,
    kind="write",
    minutes=6,
    difficulty=1,
    hints=(
        "Both layers make a sum of the same kind, each with weights of its own.",
        "The sum of the gate goes through the sigmoid, the sum of the candidate through tanh.",
        "The two are multiplied number by number, with `*`.",
    ),
    judge=Function(
        _written,
        _written_draw,
        {
            "the squashings exchanged": (
                _layers(np.tanh, _sigmoid),
                "The gate decides the sign of what is written here. Which goes through which function?",
            ),
            "two sigmoids": (
                _layers(candidate=_sigmoid),
                "What is written is never negative. The candidate proposes both ways.",
            ),
            "two tanhs": (
                _layers(gate=np.tanh),
                "Your gate can be negative, and turn the proposal round. It should say how much, no more.",
            ),
            "the candidate alone": (
                _layers(join=lambda i, g: g),
                "That is the proposal. How much of it is admitted?",
            ),
            "the gate alone": (
                _layers(join=lambda i, g: i),
                "That is how much is admitted. What is proposed?",
            ),
            "added": (
                _layers(join=np.add),
                "The two are added. With the gate at 0 nothing should be written.",
            ),
            "what is kept out": (
                _layers(join=lambda i, g: (1 - i) * g),
                "That is the part of the proposal that is not admitted.",
            ),
            "no biases": (_layers(b=0.0), "Both biases are missing."),
            "one layer for both": (
                _layers(shared=True),
                "The candidate uses the weights of the gate: whether and what could not be learnt apart.",
            ),
            "the candidate as it is": (
                _layers(candidate=np.positive),
                "The proposal is not squashed: one step could write any number.",
            ),
            "the gate as it is": (
                _layers(gate=np.positive),
                "The gate is not squashed: it can be negative, or above 1.",
            ),
        },
        praise="Two layers that see the same and answer different questions: what, and how much of it.",
    ),
)


# 06.2

exercise(
    "06.2",
    "The subject cannot get in",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=2,
    difficulty=1,
    hints=(
        "The forget gates still work. What do they do at the full stop and at the word after it?",
        "Can the old subject still be there? Can a distractor take the place of the new one?",
        "If a network knows nothing about the subject, how often is it right about is and are?",
    ),
    judge=Choice(
        "it guesses",
        {
            "it guesses": "The old subject has been deleted, and the new one cannot be written.",
            "it answers for the old subject": (
                "That would be so if nothing had been deleted. Notebook 05 shows when this reader forgets."
            ),
            "it answers for the distractor": (
                "The distractor can be written, that is true. Did the gate of the unit for number admit it?"
            ),
            "it answers as before": "Then it would know of the subject from somewhere. Where from?",
            "it knows the number and not the gender": (
                "The input gates of all units are shut, those of the units for number among them."
            ),
            "it is always wrong": (
                "To be always wrong, one has to know the answer. What does it do that knows nothing?"
            ),
        },
    ),
)


# 06.3


def _book(p, values, marks):
    """The cell state of a unit that reads values and marks."""
    x = np.stack(np.broadcast_arrays(np.asarray(values, float), marks), axis=-1)
    return unroll(lstm, p, x[:, None, :])["c"][:, 0, 0]


def _one(p, value, mark, rest=0):
    return _book(p, [value] + [0] * rest, [mark] + [0] * rest)[-1]


def _whole(p):
    """Whether many marked values add up, among others that are not marked."""
    rng = np.random.default_rng(1)
    values, marks = rng.choice([-1.0, 1.0], 40), (rng.random(40) < 0.3).astype(float)
    return np.abs(_book(p, values, marks) - np.cumsum(values * marks)).max() < 0.1 * marks.sum()


exercise(
    "06.3",
    "Write what is marked",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=10,
    difficulty=2,
    hints=(
        "Three layers have something to do: the candidate follows the value, the input gate the mark, and "
        "the forget gate keeps everything.",
        "`W_g` has two numbers, one for the value and one for the mark. Which of them should be 0? And in "
        "`W_i`?",
        "The gate has to be shut without a mark: `b_i` far below 0, and the mark's weight twice as far above "
        "it.",
    ),
    judge=Behaviour(
        weights_of(lstm, input_size=2, needed=("W_i", "b_i", "W_g", "b_f")),
        (
            Rule(
                "nothing is written",
                "A marked 1 leaves no trace in C. Is the gate open at a mark, and does the candidate see the "
                "value?",
                lambda p: abs(_one(p, 1, 1)) > 0.1,
            ),
            Rule(
                "the wrong sign",
                (
                    "A marked 1 is written as a negative number. Look at the weight of the value in the "
                    "candidate."
                ),
                lambda p: _one(p, 1, 1) > 0,
            ),
            Rule(
                "the mark is written",
                "A mark at which the value is 0 changes C. The candidate should not look at the mark.",
                lambda p: abs(_one(p, 0, 1)) < 0.05,
            ),
            Rule(
                "one way only",
                "A marked 1 is written, and a marked -1 is not written as -1. Which of the two inputs opens "
                "the gate?",
                lambda p: _one(p, -1, 1) < -0.1,
            ),
            Rule(
                "written without a mark",
                "A value that is not marked gets in. The gate has to be shut when the mark is 0.",
                lambda p: abs(_one(p, 1, 0)) < 0.05 and abs(_one(p, -1, 0)) < 0.05,
            ),
            Rule(
                "not kept",
                "What was written is not there any more 20 steps later: that is the forget gate's work.",
                lambda p: abs(_one(p, 1, 1, rest=20)) > 0.9 * abs(_one(p, 1, 1)),
            ),
            Rule(
                "too little",
                (
                    "A marked 1 should leave more than 0.9 in C. Are gate and candidate as far up as they "
                    "can be?"
                ),
                lambda p: _one(p, 1, 1) > 0.9,
            ),
            Rule(
                "replaced",
                "The second marked 1 takes the place of the first. It should be added to it.",
                lambda p: _book(p, [1, 1], [1, 1])[-1] > 1.8,
            ),
            Rule(
                "a long sequence",
                "Single values are written well, and in a long sequence C drifts from their sum: too little "
                "is written, too little kept, or h interferes.",
                _whole,
            ),
        ),
        praise="Here the gate earns its place: the candidate says which way, and the mark says whether.",
    ),
)


# 06.4


def _four(x, h, W, U, b, input_bias="i", forget_bias="f", candidate=np.tanh, order="ifgo"):
    z = dict(zip("ifgo", np.split(x @ W + h @ U, 4, axis=1), strict=True))
    bias = dict(zip("ifgo", np.split(b, 4), strict=True)) | {"0": 0.0}
    bias["if"] = bias["i"] + bias["f"]
    made = {
        "i": _sigmoid(z["i"] + bias[input_bias]),
        "f": _sigmoid(z["f"] + bias[forget_bias]),
        "g": candidate(z["g"] + bias["g"]),
        "o": _sigmoid(z["o"] + bias["o"]),
    }
    return tuple(made[k] for k in order)


def _four_draw(rng):
    B, D, H = 2, 3, 4
    return tuple(rng.standard_normal(s) for s in ((B, D), (B, H), (D, 4 * H), (H, 4 * H), (4 * H,)))


def _four_with(**parts):
    return lambda x, h, W, U, b: _four(x, h, W, U, b, **parts)


exercise(
    "06.4",
    "Two gates that open together",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=7,
    difficulty=2,
    hints=(
        (
            "Set all weights to 0, and the four parts of `b` to four different numbers. Which of the "
            "four results is not what its bias says?"
        ),
        "Two of the gates are computed in one line. What is added to each of them?",
        "`b_i` is taken out of b, and nobody uses it.",
    ),
    judge=Function(
        lambda x, h, W, U, b: _four(x, h, W, U, b),
        _four_draw,
        {
            "not mended": (
                _four_with(input_bias="f"),
                (
                    "The forget gate, the candidate and the output gate are right; the input gate is not. "
                    "What is added to its sum?"
                ),
            ),
            "the other bias": (
                _four_with(forget_bias="i"),
                "Now the input gate is right, and the forget gate uses the input gate's bias.",
            ),
            "the biases exchanged": (
                _four_with(input_bias="f", forget_bias="i"),
                "The biases of the two gates have changed places.",
            ),
            "no bias at all": (
                _four_with(input_bias="0", forget_bias="0"),
                "The two gates have no bias any more.",
            ),
            "no bias in the input gate": (
                _four_with(input_bias="0"),
                "The input gate has no bias any more.",
            ),
            "both biases in both": (
                _four_with(input_bias="if", forget_bias="if"),
                "Each of the two gates gets both biases.",
            ),
            "the gates exchanged": (
                _four_with(order="figo"),
                "All four are right, and the first two are returned in another order: i, f, g, o.",
            ),
            "g and o exchanged": (
                _four_with(order="ifog"),
                "All four are right, and the last two are returned in another order: i, f, g, o.",
            ),
            "a candidate that is a gate": (
                _four_with(candidate=_sigmoid),
                "The candidate has lost its tanh.",
            ),
        },
        praise=(
            "Nothing failed. But with a forget bias of 1 at the start, the input gates stand open too, and "
            "whatever raises one bias raises the other."
        ),
    ),
)


# 06.5


def _slopes(a, u):
    i, g = _sigmoid(a), np.tanh(u)
    return i * (1 - i) * g, i * (1 - g**2)


def _slopes_with(line):
    return lambda a, u: line(_sigmoid(a), np.tanh(u))


exercise(
    "06.5",
    "What moves what is written",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=3,
    hints=(
        "When a changes, the candidate stands still: it is a constant factor.",
        "The derivative of $\\sigma(a)$ is $\\sigma(a)(1 - \\sigma(a))$, that of $\\tanh(u)$ is "
        "$1 - \\tanh^2(u)$.",
        "The first result is the derivative of the gate times the candidate; the second is the gate times "
        "the derivative of the candidate.",
    ),
    judge=Function(
        _slopes,
        lambda rng: tuple(rng.uniform(-2, 2, size=(2, 5))),
        {
            "exchanged": (
                lambda a, u: _slopes(a, u)[::-1],
                "Both are right, and in the wrong order: first with respect to a, the gate's sum.",
            ),
            "the other factor forgotten": (
                _slopes_with(lambda i, g: (i * (1 - i), 1 - g**2)),
                "Those are the derivatives of the gate and of the candidate alone. Each stands in a product.",
            ),
            "behind the squashing": (
                _slopes_with(lambda i, g: (g, i)),
                "Those are the derivatives with respect to the gate and to the candidate. Go one step on, "
                "through the squashing, to the sums.",
            ),
            "no 1 - i": (
                _slopes_with(lambda i, g: (i * g, i * (1 - g**2))),
                "The second is right. The first looks as if the sigmoid were an exponential function: its "
                "derivative has one more factor.",
            ),
            "the square forgotten": (
                _slopes_with(lambda i, g: (i * (1 - i) * g, i * (1 - g))),
                "The first is right. Look up the derivative of tanh.",
            ),
            "two sigmoids": (
                _slopes_with(lambda i, g: (i * (1 - i) * g, i * g * (1 - g))),
                (
                    "The first is right. The candidate is a tanh, not a sigmoid: g (1 - g) is not its "
                    "derivative."
                ),
            ),
            "two tanhs": (
                _slopes_with(lambda i, g: ((1 - i**2) * g, i * (1 - g**2))),
                "The second is right. The gate is a sigmoid: 1 - i^2 is not its derivative.",
            ),
            "both derivatives at once": (
                _slopes_with(lambda i, g: (i * (1 - i) * (1 - g**2),) * 2),
                "You multiply the two derivatives. When one sum moves, the other stands still.",
            ),
            "one for both": (
                lambda a, u: sum(_slopes(a, u)),
                "The two are added up: that is what happens when both sums move together. Return both.",
            ),
        },
        praise=(
            "Both vanish with the gate: where nothing is admitted, nothing is learnt about what to propose. "
            "And the first vanishes with the candidate: where nothing is proposed, the gate learns nothing."
        ),
    ),
)


# 06.6

_UNGATED = """
f = sigmoid(affine("f", h, x))
g = tanh(affine("g", h, x))
o = sigmoid(affine("o", h, x))
new_c = f * c + g
new_h = o * tanh(new_c)
return new_h, new_c
"""


@cell
def _ungated(x, h, c):
    """The LSTM without an input gate."""
    f = sigmoid(affine("f", h, x))
    g = tanh(affine("g", h, x))
    o = sigmoid(affine("o", h, x))
    c = f * c + g
    h = o * tanh(c)
    return h, c


_WITHOUT_A_GATE = {
    "coupled": (
        "new_c = f * c + (1 - f) * g",
        "What the forget gate leaves free still gates the candidate. Here all of it is to be written.",
    ),
    "gated by the output gate": (
        "new_c = f * c + o * g",
        "The output gate takes the input gate's place in the line for c. No gate should stand there.",
    ),
    "nothing forgotten": (
        "new_c = c + g",
        "The forget gate is gone from the line for c. It should stay: the other one goes.",
    ),
    "f on the whole sum": (
        "new_c = f * (c + g)",
        "The forget gate multiplies the candidate as well: look at the brackets in the line for c.",
    ),
    "the candidate as it is": (
        'g = affine("g", h, x)',
        "The candidate is not squashed: one step could write any number.",
    ),
    "a candidate that is a gate": (
        'g = sigmoid(affine("g", h, x))',
        "The candidate is squashed by the sigmoid, so nothing negative is ever written: C could only rise.",
    ),
    "no tanh before the output": (
        "new_h = o * new_c",
        "The cell state reaches h as it is: look at the line for h.",
    ),
    "the old state shown": (
        "new_h = o * tanh(c)",
        "The line for h looks at the old cell state.",
    ),
    "all is shown": ("new_h = tanh(new_c)", "The output gate is gone. It should stay."),
    "the states exchanged": (
        "return new_c, new_h",
        "Both states are right, and are returned in the wrong order.",
    ),
    "the old state kept": (
        "return new_h, c",
        "What is returned for c is its old value, so nothing is ever stored.",
    ),
}

exercise(
    "06.6",
    "Without the gate",
    notebook=NOTEBOOK,
    kind="write",
    minutes=10,
    difficulty=3,
    hints=(
        "Start from the LSTM's definition: `print(lstm.definition())`.",
        "One layer goes, and the line for c becomes shorter. All other lines stay.",
        "A function of `x`, `h` and `c` under `@lc.cell`, with the layers f, g and o, that returns `h, c`.",
    ),
    judge=Equations(
        _ungated,
        lambda: slips("x, h, c", _UNGATED, [(k, line, says) for k, (line, says) in _WITHOUT_A_GATE.items()]),
        praise="That is the LSTM without an input gate. Can it learn the language? Train it, below.",
    ),
)
