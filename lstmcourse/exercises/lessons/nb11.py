"""Notebook 11: coupled gates."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...cell import Cell, cell
from ...cells import coupled, lstm
from ...engine.layers import affine
from ...engine.layers import peephole as diagonal
from ...engine.ops import sigmoid, tanh
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Each, Equations, Function, Rule
from ..layers import fill
from ..slips import slips
from ..weights import weights_of

NOTEBOOK = "11_coupled_gates"


def layers_of(answer: Any) -> list[str]:
    """The layers of a cell, by name; of anything else none."""
    parts: dict = {}
    if isinstance(answer, Cell) and answer.states:
        fill(parts, answer)
    return list(dict.fromkeys(slot for part in parts.values() for slot in part.slots))


def at_most(layers: int, mistake: str, message: str) -> Behaviour:
    """A cell with more layers is refused: the equations that are compared have no place for them."""
    return Behaviour(
        lambda answer: answer, (Rule(mistake, message, lambda answer: len(layers_of(answer)) <= layers),)
    )


# fmt: off
ENDS = [
    ("f for both", "new_c = f * c + f * g",
        "Old state and candidate have the same share. What is deleted has to make room for what is written."),
    ("1 - f for both", "new_c = i * c + i * g",
        "Both shares are those of the candidate. One of the two is what the other leaves over."),
    ("everything is written", "new_c = f * c + g",
        "The candidate enters the line for c as it is: its share is missing."),
    ("nothing is forgotten", "new_c = c + i * g",
        "The old state enters the line for c as it is: its share is missing."),
    ("no tanh in the line for h", "new_h = o * new_c",
        "The line for c is right, but c reaches h unsquashed."),
    ("no output gate", "new_h = tanh(new_c)",
        "The line for c is right, but no gate decides how much of it is shown."),
    ("sigmoid on g", 'g = sigmoid(affine("g", h, x))',
        "The candidate is squashed by a sigmoid, so it cannot be negative."),
    ("h from the old c", "new_h = o * tanh(c)",
        "The line for c is right, but h shows the cell state from before this step."),
    ("old c returned", "return new_h, c",
        "What is returned for c is its old value, so it never changes: look at the line with return."),
    ("o coupled too", "new_h = i * tanh(new_c)",
        "What is shown follows from the same gate as well. The output gate is a layer of its own."),
]
BY_F = """
f = sigmoid(affine("f", h, x))
i = 1.0 - f
g = tanh(affine("g", h, x))
o = sigmoid(affine("o", h, x))
new_c = f * c + i * g
new_h = o * tanh(new_c)
return new_h, new_c
"""
ESSAYS = [
    ("the other way round", 'f = 1.0 - sigmoid(affine("f", h, x))',
        "The gate that you learn says what is written, and what it leaves over is kept. The essay learns the "
        "forget gate: it says what is kept."),
    *ENDS,
]
# fmt: on


# 11.1

exercise(
    "11.1",
    "One gate less",
    notebook=NOTEBOOK,
    kind="write",
    minutes=7,
    difficulty=1,
    hints=(
        "Write the LSTM first. Which of its four layers goes?",
        "Three `affine` layers are left. The candidate's share is what the forget gate leaves over.",
        "All other lines stay as they are: the candidate, the output gate, and the line for `h`.",
    ),
    judge=Each(
        (
            at_most(
                3,
                "two learned gates",
                (
                    "There are four layers, as in the LSTM. Here one decision does for two: a layer "
                    "less, and a quarter of the parameters."
                ),
            ),
            Equations(coupled, lambda: slips("x, h, c", BY_F, ESSAYS)),
        )
    ),
)


# 11.2


def _most(c0, f):
    return 1 + (c0 - 1) * np.prod(f)


exercise(
    "11.2",
    "What becomes of 5?",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=2,
    hints=(
        "What can a candidate do at most? Put that in, for one step.",
        "Write how far the state is above 1, before the step and after it.",
        "The distance to 1 is multiplied by $f_t$ at each step: what is left of it after all of them?",
    ),
    judge=Function(
        _most,
        lambda rng: (float(rng.uniform(2, 8)), rng.uniform(0.2, 1, size=int(rng.integers(2, 7)))),
        {
            "what is left of the start": (
                lambda c0, f: c0 * np.prod(f),
                "That is what is left of the start if every candidate is 0. They may be larger.",
            ),
            "the least": (
                lambda c0, f: -1 + (c0 + 1) * np.prod(f),
                "That is how far it can fall. How far up can the candidates hold it?",
            ),
            "the last gate alone": (
                lambda c0, f: 1 + (c0 - 1) * f[-1],
                "Only the last gate counts here. What did the others leave?",
            ),
            "all written in full": (
                lambda c0, f: c0 * np.prod(f) + 1,
                "You add a whole 1 to what is left. A candidate gets the share that the gate leaves over.",
            ),
            "nothing is lost": (
                lambda c0, f: c0 + 0 * f[0],
                "It can stay at its start only if every gate is 1.",
            ),
            "no more than 1": (
                lambda c0, f: 1.0 + 0 * f[0],
                "In the long run, yes. After a few steps something of the start is still there.",
            ),
            "what the gates forget": (
                lambda c0, f: 1 + (c0 - 1) * np.prod(1 - f),
                "You multiply by the shares that are forgotten. What is kept of the start is f.",
            ),
            "gates added up": (
                lambda c0, f: 1 + (c0 - 1) * np.sum(f),
                "The gates are added up. Each step multiplies.",
            ),
            "as in the LSTM": (
                lambda c0, f: c0 * np.prod(f) + sum(np.prod(f[t + 1 :]) for t in range(len(f))),
                "That is the bound of an LSTM, which may keep all and write all at one step.",
            ),
        },
        praise="The distance to 1 can only shrink, by f at each step. Nothing can bring it back.",
    ),
)


# 11.3


def _sampled(answer: Any) -> dict[str, np.ndarray]:
    """What a unit stores of values and marks: 30 steps, four rows."""
    params = weights_of(coupled, input_size=2, needed=())(answer)
    rng = np.random.default_rng(0)
    v, m = rng.uniform(-1, 1, size=(30, 4)), (rng.random((30, 4)) < 0.3).astype(float)
    m[0], m[1], m[2] = 0, 1, 0
    c = unroll(coupled, params, np.stack([v, m], axis=-1))["c"][..., 0]
    before = np.concatenate([np.zeros((1, 4)), c[:-1]])
    inner = np.arctanh(np.clip(c, -1 + 1e-12, 1 - 1e-12))
    return {"c": c, "v": v, "m": m == 1, "value": np.tanh(v), "before": before, "inner": inner}


def _near(a, b) -> bool:
    return bool(np.all(np.abs(a - b) < 2e-3))


exercise(
    "11.3",
    "Sample and hold",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=10,
    difficulty=2,
    hints=(
        "The candidate has to be $\\tanh(v)$: which weight makes it so?",
        (
            "The gate has to be 1 where there is no mark, and 0 where there is one. The sigmoid needs "
            "large numbers."
        ),
        "A large positive bias of f keeps. The weight from the mark has to outweigh it, with the other sign.",
    ),
    judge=Behaviour(
        _sampled,
        (
            Rule(
                "nothing is stored",
                "The cell state stays near 0: either nothing is written, or the candidate is 0.",
                lambda run: np.abs(run["c"]).max() > 0.01,
            ),
            Rule(
                "the marks exchanged",
                "It takes the value where there is no mark, and holds where there is one.",
                lambda run: (
                    not _near(run["c"][~run["m"]], run["value"][~run["m"]])
                    or _near(run["c"][run["m"]], run["value"][run["m"]])
                ),
            ),
            Rule(
                "every step writes",
                "It takes each value, mark or no mark: it never holds.",
                lambda run: not _near(run["c"], run["value"]),
            ),
            Rule(
                "leaks",
                (
                    "Between marks the state does not stay as it is: the gate is not quite open there, "
                    "or the candidate leaks in."
                ),
                lambda run: _near(run["c"][~run["m"]], run["before"][~run["m"]]),
            ),
            Rule(
                "the mark is stored",
                (
                    "What is stored at a mark is shifted by the same amount each time: the candidate sees "
                    "the mark."
                ),
                lambda run: (
                    _near(run["c"][run["m"]], run["value"][run["m"]])
                    or np.ptp((run["inner"] - run["v"])[run["m"]]) > 1e-3
                ),
            ),
            Rule(
                "another scale",
                (
                    "What is stored at a mark is tanh of a multiple of the value: look at the candidate's "
                    "weight."
                ),
                lambda run: (
                    _near(run["c"][run["m"]], run["value"][run["m"]])
                    or np.ptp((run["inner"] / run["v"])[run["m"]]) > 1e-3
                ),
            ),
            Rule(
                "a mixture",
                "At a mark something of the old state is left, or the value does not get in whole.",
                lambda run: _near(run["c"][run["m"]], run["value"][run["m"]]),
            ),
        ),
        praise="Three weights. That is what coupled gates are made for: to replace, or to leave alone.",
    ),
)


# 11.4


@cell
def coupled_with_peepholes(x, h, c):
    """Coupled gates in the form of Greff et al.: a learned input gate, and peepholes."""
    i = sigmoid(affine("i", h, x) + diagonal("i", c))
    g = tanh(affine("g", h, x))
    c = (1.0 - i) * c + i * g
    o = sigmoid(affine("o", h, x) + diagonal("o", c))
    h = o * tanh(c)
    return h, c


BY_I = """
i = sigmoid(affine("i", h, x) + peephole("i", c))
f = 1.0 - i
g = tanh(affine("g", h, x))
new_c = f * c + i * g
o = sigmoid(affine("o", h, x) + peephole("o", new_c))
new_h = o * tanh(new_c)
return new_h, new_c
"""
# fmt: off
PAPERS = [
    ("the essay's form", 'i = 1.0 - sigmoid(affine("i", h, x) + peephole("i", c))',
        "The gate that you learn says what is kept: that is the essay's form. In the paper's the input gate "
        "is learned, and f follows from it."),
    ("no peephole of i", 'i = sigmoid(affine("i", h, x))',
        "The learned gate has lost its peephole."),
    ("no peephole of o", 'o = sigmoid(affine("o", h, x))',
        "The output gate has lost its peephole."),
    ("no peepholes", 'i = sigmoid(affine("i", h, x)); o = sigmoid(affine("o", h, x))',
        "Both peepholes are gone. In the paper this variant has two, one for each gate that is learned."),
    ("o sees the old state", 'o = sigmoid(affine("o", h, x) + peephole("o", c))',
        "The output gate looks at the old cell state. Its line has to come after that of c."),
    ("f for both", "new_c = f * c + f * g",
        "Old state and candidate have the same share."),
    ("i for both", "new_c = i * c + i * g",
        "Old state and candidate have the same share, that of the input gate."),
    ("everything is written", "new_c = f * c + g",
        "The candidate enters the line for c as it is: its share is missing."),
    ("nothing is forgotten", "new_c = c + i * g",
        "The old state enters the line for c as it is: the input gate has to say what goes, too."),
    ("no tanh in the line for h", "new_h = o * new_c",
        "The line for c is right, but c reaches h unsquashed."),
]
# fmt: on

exercise(
    "11.4",
    "From the LSTM to the paper's form",
    notebook=NOTEBOOK,
    kind="repair",
    minutes=8,
    difficulty=3,
    hints=(
        "Which layer goes, the forget gate's or the input gate's? Read what the paper learns.",
        "Then `f` has no layer, and no peephole of its own: it follows from `i`.",
        "Two peepholes stay. The line for `f` has to come after that for `i`.",
    ),
    judge=Each(
        (
            at_most(
                3,
                "two gates still",
                (
                    "Forget gate and input gate still have a layer each. One of them has to follow from the "
                    "other."
                ),
            ),
            Equations(coupled_with_peepholes, lambda: slips("x, h, c", BY_I, PAPERS)),
        )
    ),
)


# 11.5


def _couple(to="i", of="f", kinds="WUb", change=lambda p: -p, where=lambda p, unit: (..., unit)):
    def couple(params, unit):
        made = {name: p.copy() for name, p in params.items()}
        for k in kinds:
            at = where(made[f"cell.{k}_{to}"], unit)
            made[f"cell.{k}_{to}"][at] = change(params[f"cell.{k}_{of}"][at])
        return made

    return couple


def _reader_draw(rng):
    shapes = {f"cell.{name}": shape for name, shape in lstm.parameter_shapes(5, 4).items()}
    shapes |= {"head.W": (4, 3), "head.b": (3,)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}, int(rng.integers(4))


exercise(
    "11.5",
    "One unit at a time",
    notebook=NOTEBOOK,
    kind="measure",
    minutes=12,
    difficulty=4,
    hints=(
        "What is 1 minus a sigmoid? The input gate has to be that of the forget gate, in this one unit.",
        "A unit's weights are a column: `W[..., unit]` is that, for matrices and for the bias.",
        "Copy the arrays first, `{name: p.copy() for ...}`, then set three columns of the input gate.",
    ),
    judge=Function(
        _couple(),
        _reader_draw,
        {
            "not negated": (
                _couple(change=lambda p: p),
                "The input gate has become equal to the forget gate. It should be 1 minus it.",
            ),
            "one minus the weights": (
                _couple(change=lambda p: 1 - p),
                "1 - f is wanted of the gate, not of its weights. Which weights make 1 minus a sigmoid?",
            ),
            "the bias forgotten": (_couple(kinds="WU"), "The bias of the input gate is still its own."),
            "U forgotten": (
                _couple(kinds="Wb"),
                "What the input gate makes of the state before, U, is still its own.",
            ),
            "W forgotten": (
                _couple(kinds="Ub"),
                "What the input gate makes of the input, W, is still its own.",
            ),
            "all units": (
                _couple(where=lambda p, unit: (...,)),
                "All units are coupled at once. One of them is asked for.",
            ),
            "rows in place of columns": (
                _couple(where=lambda p, unit: (unit,)),
                "You have changed a row: that is what one input says to all units. A unit is a column.",
            ),
            "the other gate": (
                _couple("f", "i"),
                "You have changed the forget gate, by the input gate's weights. It should be the other way.",
            ),
            "both gates": (
                lambda params, unit: _couple("f", "f")(_couple()(params, unit), unit),
                "The forget gate's own weights have been negated as well: leave them as they are.",
            ),
            "nothing is changed": (
                lambda params, unit: params,
                "The parameters come back as they were.",
            ),
        },
        praise="Now one unit after the other can be asked whether it needs two gates.",
    ),
)
