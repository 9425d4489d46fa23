"""Notebook 12: the gated recurrent unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...cell import Cell, cell
from ...cells import gru
from ...engine.layers import affine
from ...engine.ops import sigmoid, tanh
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Each, Equations, Function, Refused, Rule
from ..plain import NoNumbers, numbers
from ..slips import slips
from ..weights import weights_of
from .nb11 import at_most

NOTEBOOK = "12_gated_recurrent_unit"


# 12.1

EQUATIONS = """
z = sigmoid(affine("z", h, x))
r = sigmoid(affine("r", h, x))
g = tanh(affine("g", r * h, x))
new_h = (1.0 - z) * h + z * g
return new_h
"""
# fmt: off
SLIPS = [
    ("the other convention", "new_h = z * h + (1.0 - z) * g",
        ("In your cell z is the share of the old state: that is a GRU in the convention of Cho et "
"al., PyTorch and Keras. This page follows the essay, in which z is the share of the new one.")),
    ("the reset comes after", 'g = tanh(affine("g", W=x) + r * (h @ param("U_g", "H", "H")))',
        "Your reset gate multiplies after the matrix product, as in PyTorch. Here it multiplies h before it, "
        "and the two are not the same."),
    ("PyTorch's GRU", 'g = tanh(affine("g", W=x) + r * (h @ param("U_g", "H", "H"))); '
        "new_h = z * h + (1.0 - z) * g",
        ("That is the GRU of PyTorch: there r multiplies after the matrix product, and z is the share "
"of the old state. This page has both the other way.")),
    ("no reset", 'g = tanh(affine("g", h, x))',
        "The candidate sees all of h: the reset gate has nothing to do."),
    ("z resets", 'g = tanh(affine("g", z * h, x))',
        "The candidate sees the share of h that the update gate names. That is the reset gate's work."),
    ("the candidate is reset", 'g = r * tanh(affine("g", h, x))',
        "The reset gate multiplies the candidate. It should decide how much of h the candidate sees."),
    ("the old state is reset", "new_h = (1.0 - z) * (r * h) + z * g",
        "The reset gate also multiplies the old state that is kept: what is reset is only what the candidate "
        "sees."),
    ("nothing is kept", "new_h = z * g",
        "The old state does not enter the last line: nothing is remembered."),
    ("everything is kept", "new_h = h + z * g",
        "The old state enters the last line as it is: its share is missing."),
    ("everything is written", "new_h = (1.0 - z) * h + g",
        "The candidate enters the last line as it is: its share is missing."),
    ("z for both", "new_h = z * h + z * g",
        "Old state and candidate have the same share. The two shares add up to 1."),
    ("squashed again", "new_h = tanh((1.0 - z) * h + z * g)",
        "The new state is squashed, at every step anew, so it fades. A mean of two needs no squashing."),
    ("the candidate is not squashed", 'g = affine("g", r * h, x)',
        "Nothing keeps the candidate between -1 and 1."),
    ("sigmoid on the candidate", 'g = sigmoid(affine("g", r * h, x))',
        "The candidate is squashed by a sigmoid, so the state cannot become negative."),
    ("tanh on z", 'z = tanh(affine("z", h, x))',
        "The update gate is squashed by tanh, so a share may be negative."),
    ("tanh on r", 'r = tanh(affine("r", h, x))',
        "The reset gate is squashed by tanh, so a share may be negative."),
]
# fmt: on


def _two_states(answer: Any) -> bool:
    return isinstance(answer, Cell) and len(answer.states) > 1


def _torch_biases(answer: Any) -> bool:
    """Whether a cell has four biases, as PyTorch's: one of them stands inside the reset."""
    return isinstance(answer, Cell) and sum(len(n.shape) == 1 for n in answer.graph.params) == 4


exercise(
    "12.1",
    "The GRU, from memory",
    notebook=NOTEBOOK,
    kind="write",
    minutes=8,
    difficulty=2,
    hints=(
        "One state, two gates, one candidate: three layers. Which of them sees something else than h and x?",
        'The candidate sees $r_t \\odot h_{t-1}$ in place of $h_{t-1}$: `lc.affine("g", r * h, x)`.',
        "The last line is a weighted mean of old state and candidate; $z_t$ is the share of the *new*.",
    ),
    judge=Each(
        (
            Behaviour(
                lambda answer: answer,
                (
                    Rule(
                        "a cell state",
                        (
                            "Your cell carries two states. The GRU has one, which is memory and output at "
                            "once."
                        ),
                        lambda answer: not _two_states(answer),
                    ),
                    Rule(
                        "a second bias",
                        (
                            "There are four biases, as in PyTorch, where the reset comes after the product "
                            "and has a bias inside. Here it comes before, and there are three."
                        ),
                        lambda answer: not _torch_biases(answer),
                    ),
                ),
            ),
            Equations(gru, lambda: slips("x, h", EQUATIONS, SLIPS)),
        )
    ),
)


# 12.2


def _signs(answer: Any) -> dict[str, np.ndarray]:
    """What a unit makes of signs that come now and then: 60 steps, eight rows."""
    params = weights_of(gru, input_size=2, needed=())(answer)
    rng = np.random.default_rng(0)
    s = rng.choice([-1.0, 0.0, 0.0, 0.0, 0.0, 1.0], size=(60, 8))
    s[:3] = 0
    h = unroll(gru, params, np.stack([s, np.abs(s)], axis=-1))["h"][..., 0]
    last = np.zeros_like(s)
    for t in range(len(s)):
        last[t] = np.where(s[t] != 0, s[t], last[t - 1] if t else 0)
    return {"h": h, "s": s, "last": last, "some": last != 0}


exercise(
    "12.2",
    "The last sign",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=10,
    difficulty=2,
    hints=(
        "The update gate has to open where something comes, whatever its sign: which input says so?",
        "Where nothing comes the gate has to be shut: a bias far below 0, which the second input outweighs.",
        "The candidate is the sign, squashed hard: a large weight from the first input. The rest may be 0.",
    ),
    judge=Behaviour(
        _signs,
        (
            Rule(
                "nothing is stored",
                "The state stays near 0, whatever comes.",
                lambda run: np.abs(run["h"]).max() > 0.1,
            ),
            Rule(
                "begins by itself",
                "The state moves before anything but 0 has come.",
                lambda run: np.abs(run["h"][~run["some"]]).max() < 0.05,
            ),
            Rule(
                "the other sign",
                "It remembers the opposite sign.",
                lambda run: (run["h"] * run["last"])[run["some"]].max() > 0.5,
            ),
            Rule(
                "forgets",
                "It takes the sign, and loses it while zeros come: the gate is not shut there.",
                lambda run: (
                    not (
                        np.abs(run["h"] - run["s"])[run["s"] != 0].max() < 0.3
                        and np.abs(run["h"] - run["last"])[run["some"]].max() > 0.3
                    )
                ),
            ),
            Rule(
                "one sign alone",
                "It follows one of the two signs, and does not notice the other.",
                lambda run: (
                    not any(
                        np.abs(run["h"] - run["last"])[run["s"] == sign].max() < 0.3
                        and np.abs(run["h"] - run["last"])[run["s"] == -sign].max() > 0.3
                        for sign in (1.0, -1.0)
                    )
                ),
            ),
            Rule(
                "adds up",
                "A sign moves the state a little, not all the way: several are mixed.",
                lambda run: np.abs(run["h"] - run["last"])[run["some"]].max() < 0.6,
            ),
            Rule(
                "not far enough",
                "The signs are right, and the state is more than 0.05 away from 1 or -1.",
                lambda run: np.abs(run["h"] - run["last"])[run["some"]].max() < 0.05,
            ),
        ),
        praise="Three weights. The reset gate has nothing to do here: the candidate needs no past.",
    ),
)


# 12.3


def _half_life(b):
    return np.log(2) / np.log1p(np.exp(b))


exercise(
    "12.3",
    "How long does it remember?",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=2,
    hints=(
        "With $z$ the same at each step: what is left of a stored value after one step, and after $n$?",
        "Solve $(1 - z)^n = \\tfrac12$ for $n$: take logarithms.",
        "Put in $z = \\sigma(b)$. And $1 - \\sigma(b) = \\sigma(-b)$.",
    ),
    judge=Function(
        _half_life,
        lambda rng: (float(rng.uniform(-5, 1)),),
        {
            "the other convention": (
                lambda b: np.log(2) / np.log1p(np.exp(-b)),
                "You have kept the share z. Here z is the share of the new: what is kept is 1 - z.",
            ),
            "the sign": (
                lambda b: -_half_life(b),
                "It is negative. Both logarithms are those of numbers below 1.",
            ),
            "the gate": (
                lambda b: 1 / (1 + np.exp(-b)),
                "That is z, the share that is renewed at each step. After how many steps is half gone?",
            ),
            "1 over z": (
                lambda b: 1 + np.exp(-b),
                "1 / z is the mean time until something is replaced. How long until half is gone?",
            ),
            "half of 1 over z": (
                lambda b: 0.5 * (1 + np.exp(-b)),
                "That would be so if the same amount were lost at each step. It is the same share.",
            ),
            "ln 2 over z": (
                lambda b: np.log(2) * (1 + np.exp(-b)),
                "Good for small z, where ln(1 - z) is about -z. The exact number is asked for.",
            ),
            "down to 1/e": (
                lambda b: _half_life(b) / np.log(2),
                "That is the time after which 1/e is left. One half is asked for.",
            ),
            "b is z": (
                lambda b: np.log(2) / -np.log(np.abs(1 - b)),
                "b is a bias, not the gate: the gate is its sigmoid.",
            ),
            "whole steps": (
                lambda b: np.ceil(_half_life(b)),
                "You have rounded up to whole steps. Leave it as it is.",
            ),
        },
        praise=(
            "A bias of -4.6 makes a half-life of 69 steps, and each 0.7 less doubles it. That is how a GRU "
            "would be started with a long memory."
        ),
    ),
)


# 12.4


@cell
def gru_without_reset(x, h):
    """A GRU whose reset gate is always open."""
    z = sigmoid(affine("z", h, x))
    g = tanh(affine("g", h, x))
    h = (1.0 - z) * h + z * g
    return h


WITHOUT_RESET = """
z = sigmoid(affine("z", h, x))
g = tanh(affine("g", h, x))
new_h = (1.0 - z) * h + z * g
return new_h
"""
KEPT = ("the other convention", "nothing is kept", "everything is kept", "everything is written",
        "z for both", "tanh on z")  # fmt: skip
# fmt: off
LEFT_OVER = [
    ("the output is squashed", "new_h = tanh((1.0 - z) * h + z * g)",
        "The output's tanh is still there. With one state it comes back at the next step, and squashes what "
        "was squashed already."),
    ("the candidate is not squashed", 'g = affine("g", h, x)',
        "The candidate's tanh is gone. It is the one of the output that goes."),
    ("sigmoid on the candidate", 'g = sigmoid(affine("g", h, x))',
        "The candidate is squashed by a sigmoid. Nothing of that kind changes on the way."),
    *(row for row in SLIPS if row[0] in KEPT),
]
# fmt: on

exercise(
    "12.4",
    "From the LSTM to the GRU",
    notebook=NOTEBOOK,
    kind="repair",
    minutes=10,
    difficulty=3,
    hints=(
        "First hold the output gate open: which line changes, and which goes?",
        "Then couple the gates: let `z` be the input gate, and what it leaves over the forget gate.",
        "Now `h` is the squashed `c`. Leave out that squashing, and the two states are one.",
    ),
    judge=Each(
        (
            Behaviour(
                lambda answer: answer,
                (
                    Rule(
                        "two states",
                        (
                            "There are two states still. With an open output gate, and nothing squashed, h "
                            "and c are the same."
                        ),
                        lambda answer: not _two_states(answer),
                    ),
                ),
            ),
            at_most(
                2,
                "a layer too many",
                (
                    "There are more than two layers. What is left is one gate and one candidate: the output "
                    "gate goes, and one gate does for two decisions."
                ),
            ),
            Equations(gru_without_reset, lambda: slips("x, h", WITHOUT_RESET, LEFT_OVER)),
        )
    ),
)


# 12.5


def _example(answer: Any) -> dict[str, np.ndarray]:
    """A reader's r, h and U, two units, with what the two places of r make of them."""
    if not isinstance(answer, Mapping):
        raise Refused(
            "no dict", f"A dict with r, h and U is needed, not a value of type {type(answer).__name__}."
        )
    made = {}
    for name, shape in (("r", (2,)), ("h", (2,)), ("U", (2, 2))):
        if name not in answer:
            raise Refused("incomplete", f"{name} is missing: give r, h and U.")
        try:
            made[name] = numbers(answer[name]).astype(float)
        except NoNumbers as error:
            raise Refused("no numbers", f"{name} is {error}, and numbers are needed.") from None
        if made[name].size != np.prod(shape):
            raise Refused("another shape", f"{name} has the shape {made[name].shape}; {shape} is needed.")
        made[name] = made[name].reshape(shape)
    r, h, U = made["r"], made["h"], made["U"]
    with np.errstate(all="ignore"):
        return made | {"before": (r * h) @ U, "after": r * (h @ U)}


def _within(name: str, low: float, high: float, message: str) -> Rule:
    return Rule(f"{name} out of range", message, lambda run: np.all((run[name] >= low) & (run[name] <= high)))


exercise(
    "12.5",
    "Before or after",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=10,
    difficulty=3,
    hints=(
        "Write the first unit's sum out, for both places. Which of its two terms is the same?",
        (
            "The other term has $r_2$ in one and $r_1$ in the other. How different can two gates be, "
            "and what do they multiply?"
        ),
        "For the second unit it is the same with 1 and 2 exchanged: which of its weights makes the term 0?",
    ),
    judge=Behaviour(
        _example,
        (
            _within("r", 0, 1, "r is a gate: its numbers lie between 0 and 1."),
            _within("h", -1, 1, "h is the state of a GRU: its numbers lie between -1 and 1."),
            _within("U", -1, 1, "The weights should lie between -1 and 1 here."),
            Rule(
                "equal gates",
                "With the same r for both units the two places agree, whatever U is.",
                lambda run: run["r"][0] != run["r"][1],
            ),
            Rule(
                "nothing from the other unit",
                "The first candidate hears nothing of the second unit: which weight says it to?",
                lambda run: run["U"][1, 0] != 0,
            ),
            Rule(
                "an empty state",
                "The second unit's state is 0: then there is nothing to reset.",
                lambda run: run["h"][1] != 0,
            ),
            Rule(
                "too little",
                "For the first unit the two sums differ by less than 1.",
                lambda run: abs(run["before"][0] - run["after"][0]) >= 1 - 1e-9,
            ),
            Rule(
                "both units",
                (
                    "The first unit is as it should be. For the second the two sums differ too: they should "
                    "agree."
                ),
                lambda run: abs(run["before"][1] - run["after"][1]) < 1e-9,
            ),
        ),
        praise=(
            "Before: each r says what all candidates see of its unit. After: each r says what its candidate "
            "sees of all units."
        ),
    ),
)


# 12.6


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


def _torch(order="rzn", old=True, after=True, inside=True, inner=True, squash=np.tanh, transposed=True):
    """A step of PyTorch's GRU, with something else in its place."""

    def step(x, h, weight_ih, weight_hh, bias_ih, bias_hh):
        from_x, from_h = x @ weight_ih.T + bias_ih, h @ weight_hh.T
        parts = {k: slice(n * len(h), (n + 1) * len(h)) for n, k in enumerate(order)}
        with_bias = from_h + (bias_hh if inner else 0)
        r, z = (_sigmoid((from_x + with_bias)[parts[k]]) for k in "rz")
        n = parts["n"]
        if not after:
            seen = (r * h) @ weight_hh[n].T + (bias_hh[n] if inner else 0)
        elif inside:
            seen = r * with_bias[n]
        else:
            seen = r * from_h[n] + bias_hh[n]
        new = squash(from_x[n] + seen)
        return z * h + (1 - z) * new if old else (1 - z) * h + z * new

    return step


def _no_reset(x, h, weight_ih, weight_hh, bias_ih, bias_hh):
    _, z, n = np.split(weight_ih @ x + bias_ih + weight_hh @ h + bias_hh, 3)
    return _sigmoid(z) * h + (1 - _sigmoid(z)) * np.tanh(n)


def _torch_draw(rng):
    D, H = (int(n) for n in rng.integers(2, 5, size=2))
    shapes = ((D,), (H,), (3 * H, D), (3 * H, H), (3 * H,), (3 * H,))
    return tuple(rng.standard_normal(shape) for shape in shapes)


exercise(
    "12.6",
    "Weights from PyTorch",
    notebook=NOTEBOOK,
    kind="design",
    minutes=15,
    difficulty=4,
    hints=(
        (
            "Three blocks of H rows, in the order r, z, n: split `weight_ih @ x + bias_ih`, and the same for "
            "`h`, by `np.split(..., 3)`."
        ),
        "In n the reset gate multiplies all that comes of `h`: the product and `bias_hh`'s part.",
        "PyTorch's z is the share of the old state.",
    ),
    judge=Function(
        _torch(),
        _torch_draw,
        {
            "z of the new": (
                _torch(old=False),
                "Gates and candidate are right. In PyTorch z is the share of the old state.",
            ),
            "the reset comes before": (
                _torch(after=False),
                "Your reset gate multiplies h before the product. In PyTorch it multiplies after it.",
            ),
            "before, and z of the new": (
                _torch(after=False, old=False),
                "That is this page's convention, twice: where r multiplies, and which share z is.",
            ),
            "z before r": (
                _torch(order="zrn"),
                "Two blocks have changed places: the order of PyTorch's rows is r, z, n.",
            ),
            "n first": (_torch(order="nrz"), "The blocks are in another order: PyTorch's is r, z, n."),
            "a bias outside": (
                _torch(inside=False),
                "The second bias of n stands outside the reset. It belongs to what r multiplies.",
            ),
            "one bias": (
                _torch(inner=False),
                "The second bias, bias_hh, is not there.",
            ),
            "no reset": (_no_reset, "The reset gate has nothing to do: n sees all of h."),
            "sigmoid on n": (_torch(squash=_sigmoid), "n is squashed by a sigmoid, and should be by tanh."),
        },
        praise=(
            "That runs any of PyTorch's GRUs. Ask of each library which order, which share, and which side."
        ),
    ),
)
