"""Notebook 09: the whole LSTM."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...cell import Cell, cell
from ...cells import lstm
from ...engine.layers import affine
from ...engine.ops import sigmoid, tanh
from ...tasks import Agreement
from ...training.model import Model
from ..cells import Mistake, check_cell, starts
from ..define import exercise
from ..judges import Behaviour, Each, Equations, Function, Refused, Rule, refuse_own
from ..layers import fill
from ..lstm import LSTM_MISTAKES

NOTEBOOK = "09_the_whole_lstm"


# 09.1


def _multiplied(answer: Any) -> bool:
    """Whether a cell has vectors that multiply, as peepholes do."""
    parts: dict = {}
    if isinstance(answer, Cell) and answer.states:
        fill(parts, answer)
    return any(part.rows == ("p",) for part in parts.values())


exercise(
    "09.1",
    "The LSTM, unaided",
    notebook=NOTEBOOK,
    kind="write",
    minutes=10,
    difficulty=2,
    hints=(
        "Four layers, each of `h` and `x`. Three of them are gates: what has to lie between 0 and 1?",
        "Then two lines. The first makes the new `c`: a share of the old one, and a share of the candidate.",
        "The last line makes the new `h` of the new `c`: squash it, and show a share. Return `h` first.",
    ),
    judge=Each(
        (
            Behaviour(
                lambda answer: answer,
                (
                    Rule(
                        "peepholes",
                        (
                            "A vector of weights multiplies a state: that is a peephole, and comes in "
                            "notebook 10. In the LSTM the layers see h and x alone."
                        ),
                        lambda answer: not _multiplied(answer),
                    ),
                ),
            ),
            Equations(lstm, LSTM_MISTAKES),
        )
    ),
)


# 09.2


@cell
def _added(x, h, c):
    f = sigmoid(affine("f", h, x) + 1.0)
    i = sigmoid(affine("i", h, x))
    g = tanh(affine("g", h, x))
    o = sigmoid(affine("o", h, x))
    new = f * c + i * g
    return o * tanh(new), new


exercise(
    "09.2",
    "A gate that starts open",
    notebook=NOTEBOOK,
    kind="repair",
    minutes=5,
    difficulty=2,
    hints=(
        "Nothing changes in the equations. What changes is where training begins.",
        "Which bias decides how much of `c` is kept while all weights are still small?",
        (
            "Either the layer is told, `lc.affine(..., bias=...)`, or the cell, `@lc.cell(init={...})` with "
            "the bias's name."
        ),
    ),
    judge=Each(
        (
            Equations(
                lstm,
                (
                    Mistake(
                        "a constant in the equation",
                        _added,
                        (
                            "You have added 1 in the equation for f. That opens the gate, but it is another "
                            "cell: with given weights it computes something else. The start of a bias is "
                            "told to the layer or to the cell."
                        ),
                    ),
                    *LSTM_MISTAKES,
                ),
            ),
            Behaviour(
                lambda answer: starts(answer, lstm),
                (
                    Rule(
                        "shut at the start",
                        "The forget gate's bias starts below 0, so at the start it forgets more than half.",
                        lambda b: (b["f"] >= 0).all(),
                    ),
                    Rule(
                        "every bias",
                        (
                            "All four layers start with a bias other than 0. It is the forget gate that "
                            "needs it."
                        ),
                        lambda b: not all((b[k] != 0).any() for k in "figo"),
                    ),
                    Rule(
                        "all three gates",
                        (
                            "All three gates start with a bias other than 0. To keep what is stored, one is "
                            "enough."
                        ),
                        lambda b: not all((b[k] != 0).any() for k in "fio"),
                    ),
                    Rule(
                        "the input gate",
                        (
                            "It is the input gate whose bias starts elsewhere. That one decides about what "
                            "is written, not about what is kept."
                        ),
                        lambda b: (b["i"] == 0).all(),
                    ),
                    Rule(
                        "the output gate",
                        (
                            "It is the output gate whose bias starts elsewhere. That one decides about what "
                            "is shown, not about what is kept."
                        ),
                        lambda b: (b["o"] == 0).all(),
                    ),
                    Rule(
                        "the candidate",
                        (
                            "It is the candidate's layer whose bias starts elsewhere: that writes something "
                            "at every step."
                        ),
                        lambda b: (b["g"] == 0).all(),
                    ),
                    Rule(
                        "half open",
                        (
                            "The equations are right. But all biases start at 0, so the forget gate starts "
                            "at one half, and halves what is stored at each step."
                        ),
                        lambda b: (b["f"] != 0).any(),
                    ),
                    Rule(
                        "not open enough",
                        (
                            "The forget gate starts a little more than half open. It should start at a bias "
                            "of 1 or more."
                        ),
                        lambda b: (b["f"] >= 1).all(),
                    ),
                    Rule(
                        "too far open",
                        (
                            "With so large a bias the gate lies where the sigmoid is flat: it hardly learns "
                            "to shut. From 1 to 5 is usual."
                        ),
                        lambda b: (b["f"] <= 5).all(),
                    ),
                ),
                praise=(
                    "The equations are the same, and the gate starts open. Now the gradient along the cell "
                    "state does not fade before training has begun."
                ),
            ),
        )
    ),
)


# 09.3


def _to_f(d_h, d_c, f, o, c, c_before):
    d_c = d_c + d_h * o * (1 - np.tanh(c) ** 2)
    return d_c * c_before * f * (1 - f)


def _step_draw(rng):
    shape = tuple(rng.integers(2, 5, size=2))
    f, o, g = (1 / (1 + np.exp(-rng.standard_normal(shape))) for _ in range(3))
    c_before = rng.standard_normal(shape)
    d_h, d_c = rng.standard_normal((2, *shape))
    return d_h, d_c, f, o, f * c_before + g * rng.standard_normal(shape), c_before


exercise(
    "09.3",
    "Back through the forget gate",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=10,
    difficulty=3,
    hints=(
        "Go from the end: $h_t = o_t \\odot \\tanh(C_t)$. What does $C_t$ get of `d_h`? Add it to `d_c`.",
        "Then $C_t = f_t \\odot C_{t-1} + \\ldots$ What is the derivative with respect to $f_t$?",
        "Then $f_t = \\sigma(a_t)$, and the slope of the sigmoid can be written with $f_t$ alone.",
    ),
    judge=Function(
        _to_f,
        _step_draw,
        {
            "what comes later alone": (
                lambda d_h, d_c, f, o, c, c_before: d_c * c_before * f * (1 - f),
                "C also shows itself in h of the same step: what comes by way of d_h is missing.",
            ),
            "what shows in h alone": (
                lambda d_h, d_c, f, o, c, c_before: _to_f(d_h, 0 * d_c, f, o, c, c_before),
                "C lives on in the steps that follow: what comes from there, d_c, is missing.",
            ),
            "up to the gate": (
                lambda d_h, d_c, f, o, c, c_before: _to_f(d_h, d_c, f, o, c, c_before) / f / (1 - f),
                (
                    "That is the derivative with respect to f itself. One step more: f is the sigmoid of the "
                    "sum a, which is asked for."
                ),
            ),
            "the slope of another squashing": (
                lambda d_h, d_c, f, o, c, c_before: (
                    _to_f(d_h, d_c, f, o, c, c_before) / f / (1 - f) * (1 - f**2)
                ),
                "1 - f**2 is the slope of tanh. The gate is a sigmoid.",
            ),
            "half of the slope": (
                lambda d_h, d_c, f, o, c, c_before: _to_f(d_h, d_c, f, o, c, c_before) / (1 - f),
                "The slope of a sigmoid has two factors, and one of them is missing.",
            ),
            "no slope of tanh": (
                lambda d_h, d_c, f, o, c, c_before: (d_c + d_h * o) * c_before * f * (1 - f),
                "C reaches h through a tanh: its slope is missing.",
            ),
            "the slope at the wrong place": (
                lambda d_h, d_c, f, o, c, c_before: (d_c + d_h * o * (1 - c**2)) * c_before * f * (1 - f),
                "The slope of tanh is 1 minus the square of its value. You have squared what goes into it.",
            ),
            "tanh in place of its slope": (
                lambda d_h, d_c, f, o, c, c_before: (d_c + d_h * o * np.tanh(c)) * c_before * f * (1 - f),
                "On the way from h to C stands tanh(C) itself, where its slope belongs.",
            ),
            "no output gate": (
                lambda d_h, d_c, f, o, c, c_before: _to_f(d_h, d_c, f, np.ones_like(o), c, c_before),
                "On the way from h to C the output gate is missing.",
            ),
            "the new cell state": (
                lambda d_h, d_c, f, o, c, c_before: _to_f(d_h, d_c, f, o, c, c),
                "The forget gate multiplies the cell state of the step before, not the new one.",
            ),
            "on to the step before": (
                lambda d_h, d_c, f, o, c, c_before: (d_c + d_h * o * (1 - np.tanh(c) ** 2)) * f,
                (
                    "That is what goes on to the cell state before. Here the other factor of the product is "
                    "asked."
                ),
            ),
        },
        praise=(
            "Two roads lead to C, one to the gate. The other gates go the same way: what they are multiplied "
            "with, times their slope."
        ),
    ),
)


# 09.4


def _along(scale=lambda f, i, c, t: f[t], keep=1.0, order=reversed, before=False, passed_on=True):
    """The way back along the belt, with something else in its place."""

    def to_candidate(f, i, g, o, c, d_out):
        d_c, d_a = np.zeros_like(c[0]), np.zeros_like(c)
        for t in order(range(len(c))):
            d_c = keep * d_c + d_out[t] * o[t] * (1 - np.tanh(c[t]) ** 2)
            scaled = d_c * scale(f, i, c, t)
            d_a[t] = (scaled if before else d_c) * i[t] * (1 - g[t] ** 2)
            d_c = scaled if passed_on else d_c
        return d_a

    return to_candidate


def _run_draw(rng):
    T, H = rng.integers(3, 6), rng.integers(2, 5)
    f, i, o = 1 / (1 + np.exp(-rng.standard_normal((3, T, H))))
    g, c = np.tanh(rng.standard_normal((T, H))), np.zeros((T, H))
    for t in range(T):
        c[t] = f[t] * (c[t - 1] if t else 0) + i[t] * g[t]
    return f, i, g, o, c, rng.standard_normal((T, H))


exercise(
    "09.4",
    "Right for one step",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=8,
    difficulty=3,
    hints=(
        "The last row is right, those before it are not. What does a row have from the one after it?",
        "From $C_{t+1} = f_{t+1} \\odot C_t + \\ldots$: by what is the gradient multiplied on its way?",
        "The factor belongs to the step that is left: once its row is done, before the next one begins.",
    ),
    judge=Function(
        _along(),
        _run_draw,
        {
            "not mended": (
                _along(lambda f, i, c, t: 1.0),
                (
                    "The last row is right, and those before it are as they were: on its way back along the "
                    "cell state the gradient meets something that is missing here."
                ),
            ),
            "the gate of the step before": (
                _along(lambda f, i, c, t: f[t - 1]),
                (
                    "The forget gate is there, at the wrong step. Which one stands between C[t-1] and C[t]: "
                    "f[t-1] or f[t]?"
                ),
            ),
            "on the own step too": (
                _along(before=True),
                (
                    "What step t itself contributes to its candidate is multiplied by the forget gate too. "
                    "First its row, then the factor."
                ),
            ),
            "in the row alone": (
                _along(before=True, passed_on=False),
                (
                    "The forget gate multiplies what goes to the candidates, and not what goes on to "
                    "the step before. It belongs on the way back alone."
                ),
            ),
            "the cell state": (
                _along(lambda f, i, c, t: c[t - 1]),
                (
                    "The gradient is multiplied by the old cell state. That is the factor on the way to the "
                    "gate; on the way to the state it is the other one of the product."
                ),
            ),
            "each step alone": (
                _along(keep=0.0),
                "Nothing comes from later steps any more: each row knows its own error alone.",
            ),
            "the input gate": (
                _along(lambda f, i, c, t: i[t]),
                "On the way from step to step stands the input gate. What multiplies the old cell state?",
            ),
            "what is forgotten": (
                _along(lambda f, i, c, t: 1 - f[t]),
                "The gradient is multiplied by 1 - f, the share that is forgotten.",
            ),
            "divided": (
                _along(lambda f, i, c, t: 1 / f[t]),
                "The gradient is divided by the gate: it would grow where the gate shuts.",
            ),
            "forwards": (
                _along(order=iter),
                "The loop runs from the first step to the last. Errors come from what follows.",
            ),
        },
        praise=(
            "With one step nothing is wrong without the factor, since it only matters to the state before: a "
            "test on single steps would not have seen this. Test backward passes on sequences."
        ),
    ),
)


# 09.6


def _reads(answer: Any) -> dict[str, float]:
    """What a model of the reader's own LSTM gets right in short sentences."""
    from ...course import reader

    if isinstance(answer, Cell):
        raise Refused("a cell alone", "That is the cell. Make a model of it, lc.Model, and train that.")
    if not isinstance(answer, Model):
        raise Refused(
            "no model", f"A model, lc.Model(...), is needed, not a value of type {type(answer).__name__}."
        )
    refuse_own(answer.cell)
    if not (verdict := check_cell(answer.cell, lstm)):
        raise Refused("no LSTM", f"The model's cell is no LSTM yet. {verdict.message}")
    if not isinstance(answer.task, Agreement):
        raise Refused(
            "another task",
            (
                f"This model has learnt {answer.task.name}. It should read the course's small language, "
                "lc.reader.language(gap=0)."
            ),
        )
    rows = reader.rows(96, gap=0, seed=1)
    return dict(reader.answers(answer.predict(rows.x), rows))


exercise(
    "09.6",
    "Yours, trained",
    notebook=NOTEBOOK,
    kind="design",
    minutes=15,
    difficulty=4,
    hints=(
        (
            "`lc.Model(my_lstm, lc.reader.language(gap=0), hidden_size=32, rng=0)` is a network of your cell "
            "that reads short sentences."
        ),
        "`lc.fit(model, 200, optimizer=lc.optim.Adam(2e-2), seed=0)` trains it, in some seconds.",
        (
            "If verbs are right and pronouns are a guess, it has not found out about gender yet: train on. A "
            "forget gate that starts open (09.2) helps, and so does a larger learning rate, up to a point."
        ),
    ),
    judge=Behaviour(
        _reads,
        (
            Rule(
                "not trained",
                "It answers like a guess, or worse: it has not been trained, or hardly.",
                lambda right: max(right.values()) > 0.6,
            ),
            Rule(
                "verbs",
                "The verb does not follow its subject's number yet: train longer.",
                lambda right: right["verb"] > 0.9,
            ),
            Rule(
                "numbers",
                "Verbs are right, but the pronoun does not follow the number yet: train longer.",
                lambda right: right["number"] > 0.9,
            ),
            Rule(
                "genders",
                (
                    "Verbs and numbers are right, but the pronoun's gender is a guess: that is what such a "
                    "network learns last."
                ),
                lambda right: right["gender"] > 0.9,
            ),
        ),
        praise=(
            "Your own six equations have learnt to read. Let it talk: model.sample, and keep it with "
            "lc.checkpoints.save."
        ),
    ),
)
