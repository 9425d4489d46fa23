"""Notebook 10: peephole connections."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...cell import Cell
from ...cells import peephole
from ...run.unroll import unroll
from ...tasks import SpikeDelays
from ..define import exercise
from ..judges import Behaviour, Each, Equations, Function, Rule, Value
from ..slips import slips
from ..weights import weights_of

NOTEBOOK = "10_peephole_connections"


# 10.1

FAULTS = {"A": "p_f is lost", "B": "p_o is lost", "C": "p_i is not 0", "D": "o looks at the old state"}


def _exchanged(a: str, b: str) -> dict[str, str]:
    return FAULTS | {a: FAULTS[b], b: FAULTS[a]}


exercise(
    "10.1",
    "Four broken clocks",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=6,
    difficulty=1,
    hints=(
        (
            "Look at $C_t$ first: which clocks still climb to 1 and fall back? Their input and forget "
            "gates are well."
        ),
        "Of those two, one shows nothing at all, and one shows something, a step late.",
        (
            "Of the other two, one climbs and never falls, and one stops after its first step. Which "
            "gate does what?"
        ),
    ),
    judge=Value(
        FAULTS,
        {
            "A and B exchanged": (
                _exchanged("A", "B"),
                (
                    "C and D are right. In A the state is never set back; in B it is, and nothing shows. "
                    "Which gate does which?"
                ),
            ),
            "A and C exchanged": (
                _exchanged("A", "C"),
                (
                    "B and D are right. In A the state climbs on and on; in C it stops. Which gate lets in, "
                    "and which sets back?"
                ),
            ),
            "A and D exchanged": (
                _exchanged("A", "D"),
                (
                    "B and C are right. Where the output gate is at fault, the state itself still goes to "
                    "and fro."
                ),
            ),
            "B and C exchanged": (
                _exchanged("B", "C"),
                "A and D are right. B and C both show nothing. Look at their states: which of them counts?",
            ),
            "B and D exchanged": (
                _exchanged("B", "D"),
                (
                    "A and C are right. In B and D the state is well. One of them shows something, at a step "
                    "when the state is small again."
                ),
            ),
            "C and D exchanged": (
                _exchanged("C", "D"),
                "A and B are right. In C the state stands still, so the fault lies before the output gate.",
            ),
        },
        praise=(
            "Each gate's fault has a trace of its own: not set back, not shown, not let in, shown too late."
        ),
    ),
)


# 10.2

EQUATIONS = """
f = sigmoid(affine("f", h, x) + peephole("f", c))
i = sigmoid(affine("i", h, x) + peephole("i", c))
g = tanh(affine("g", h, x))
new_c = f * c + i * g
o = sigmoid(affine("o", h, x) + peephole("o", new_c))
new_h = o * tanh(new_c)
return new_h, new_c
"""

# fmt: off
SLIPS = [
    ("o sees the old state", 'o = sigmoid(affine("o", h, x) + peephole("o", c))',
        "The output gate looks at the old cell state. It is the one gate for which the new one is there in "
        "time."),
    ("no peephole of f", 'f = sigmoid(affine("f", h, x))',
        "The forget gate does not see the cell state: its peephole is missing."),
    ("no peephole of i", 'i = sigmoid(affine("i", h, x))',
        "The input gate does not see the cell state: its peephole is missing."),
    ("no peephole of o", 'o = sigmoid(affine("o", h, x))',
        "The output gate does not see the cell state: its peephole is missing."),
    ("no peepholes", 'f = sigmoid(affine("f", h, x)); i = sigmoid(affine("i", h, x)); '
        'o = sigmoid(affine("o", h, x))',
        "That is the LSTM: no gate looks at the cell state yet."),
    ("a peephole of g", 'g = tanh(affine("g", h, x) + peephole("g", c))',
        "The candidate looks at the cell state too. Peepholes belong to the gates."),
    ("g sees the state, not i", 'i = sigmoid(affine("i", h, x)); '
        'g = tanh(affine("g", h, x) + peephole("g", c))',
        "The peephole of the input gate has gone to the candidate."),
    ("a view of h", 'f = sigmoid(affine("f", h, x) + peephole("f", h)); '
        'i = sigmoid(affine("i", h, x) + peephole("i", h)); '
        'o = sigmoid(affine("o", h, x) + peephole("o", h))',
        "Your peepholes look at h, which the layers see anyway. What has not been shown is in c."),
    ("outside the sigmoid", 'f = sigmoid(affine("f", h, x)) + peephole("f", c); '
        'i = sigmoid(affine("i", h, x)) + peephole("i", c); '
        'o = sigmoid(affine("o", h, x)) + peephole("o", new_c)',
        "The peepholes are added after the squashing, so a gate may leave 0 to 1: look at the brackets."),
    ("a squashed view", 'f = sigmoid(affine("f", h, x) + peephole("f", tanh(c))); '
        'i = sigmoid(affine("i", h, x) + peephole("i", tanh(c))); '
        'o = sigmoid(affine("o", h, x) + peephole("o", tanh(new_c)))',
        "The gates see the squashed cell state. A peephole looks at it as it is."),
    ("no tanh in the line for h", "new_h = o * new_c",
        "The gates are right, but c reaches h unsquashed: look at the line for h."),
    ("f and i swapped", "new_c = i * c + f * g",
        "The forget gate and the input gate have changed places in the line for c."),
    ("i is 1 - f", "new_c = f * c + (1.0 - f) * g",
        "The input gate is tied to the forget gate in the line for c. Here each is a gate of its own."),
    ("old c returned", "return new_h, c",
        "What is returned for c is its old value, so it never changes: look at the line with return."),
]
# fmt: on


def _diagonal(answer: Any) -> bool:
    """Whether there are no more matrices from vectors of H numbers to H than the four layers need."""
    if not isinstance(answer, Cell):
        return True
    try:
        shapes = answer.parameter_shapes(1, 1000).values()
    except ValueError:  # another kind of cell
        return True
    return sum(int(np.prod(s)) for s in shapes if len(s) == 2) < 5 * 1000**2


exercise(
    "10.2",
    "Peepholes, from memory",
    notebook=NOTEBOOK,
    kind="write",
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with the LSTM's six equations. Three of them get one term more.",
        '`lc.peephole("f", c)` is the term; it stands inside the squashing, beside `lc.affine("f", h, x)`.',
        "The output gate's term needs the cell state that the step has just made: its line comes after c's.",
    ),
    judge=Each(
        (
            Behaviour(
                lambda answer: answer,
                (
                    Rule(
                        "full matrices",
                        (
                            "Your gates see the cell state through full matrices, as in the essay's drawing. "
                            "The papers' peephole is one weight for each unit."
                        ),
                        _diagonal,
                    ),
                ),
            ),
            Equations(peephole, lambda: slips("x, h, c", EQUATIONS, SLIPS)),
        )
    ),
)


# 10.3


def _ticking(params: dict) -> dict[str, np.ndarray]:
    """What one unit does in 70 steps in which nothing comes in; spikes are downwards."""
    run = unroll(peephole, params, np.zeros((70, 1, 1)))
    h, c = (run[state][:, 0, 0] for state in "hc")
    return {"h": h, "c": c, "at": np.flatnonzero(h < -0.5) + 1}


def _by_hand(answer: Any) -> dict[str, np.ndarray]:
    return _ticking(weights_of(peephole, needed=())(answer))


exercise(
    "10.3",
    "A clock that counts down",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=10,
    difficulty=2,
    hints=(
        (
            "Take `clock` above apart: which weight makes the steps, which two read the clock, which set "
            "it back?"
        ),
        (
            "The candidate has to be $-1/7$. Then $C_t$ is negative, and what looks at it has to change "
            "its sign."
        ),
        (
            "The output gate has to open where $p_o C_t + b_o > 0$, for $C_t = -1$ and not for $-6/7$; "
            "and the forget gate has to shut there."
        ),
    ),
    judge=Behaviour(
        _by_hand,
        (
            Rule(
                "nothing is counted",
                "The cell state stays near 0: the candidate is 0, or the input gate lets nothing in.",
                lambda run: np.abs(run["c"]).max() > 0.02,
            ),
            Rule(
                "counts up",
                "The cell state grows, so it counts up. Which weight says what each step adds?",
                lambda run: run["c"][0] < 0,
            ),
            Rule(
                "fades",
                (
                    "The steps do not add up: after two of them the state is not twice what it is after one. "
                    "Which gate has to stand open while it counts?"
                ),
                lambda run: run["c"][1] < 1.9 * run["c"][0],
            ),
            Rule(
                "never shown",
                "The cell state counts, but h never falls below -0.5: the output gate does not open.",
                lambda run: len(run["at"]) > 0,
            ),
            Rule(
                "always open",
                (
                    "It shows its state at every step from the first spike on: it is not set back, or never "
                    "hidden."
                ),
                lambda run: len(run["at"]) < 2 or run["at"][1] > run["at"][0] + 1,
            ),
            Rule(
                "one step early",
                "It spikes at every sixth step. Where between two counts does the threshold lie?",
                lambda run: run["at"][0] != 6,
            ),
            Rule(
                "one step late",
                "It spikes at every eighth step. Where between two counts does the threshold lie?",
                lambda run: run["at"][0] != 8,
            ),
            Rule(
                "another first step",
                "It ticks, but the first spike does not come at step 7.",
                lambda run: run["at"][0] == 7,
            ),
            Rule(
                "loses time",
                (
                    "The first spike comes at step 7, but later ones not at 14, 21 and so on: after a spike "
                    "the state has to be 0 before the next step is added."
                ),
                lambda run: np.array_equal(run["at"], np.arange(7, 71, 7)),
            ),
            Rule(
                "never quite hidden",
                "It ticks right, but between spikes h is not near 0: larger weights make a sharper gate.",
                lambda run: np.abs(np.delete(run["h"], run["at"] - 1)).max() < 0.1,
            ),
        ),
        praise="A clock that runs backwards. What counts is where the gates' thresholds lie, not the sign.",
    ),
)


# 10.4


def _before(d_c, f, i, g, c_before, p_f, p_i):
    return d_c * (f + c_before * f * (1 - f) * p_f + g * i * (1 - i) * p_i)


def _before_draw(rng):
    B, H = rng.integers(2, 5, size=2)
    f, i = 1 / (1 + np.exp(-rng.standard_normal((2, B, H))))
    d_c, g, c_before = rng.standard_normal((3, B, H))
    p_f, p_i = rng.standard_normal((2, H))
    return d_c, f, i, np.tanh(g), c_before, p_f, p_i


exercise(
    "10.4",
    "Back through the peepholes",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=10,
    difficulty=3,
    hints=(
        "By how many roads does $C_{t-1}$ reach $C_t$? Without peepholes there is one.",
        (
            "One road more goes through $f_t$, one through $i_t$: follow each from its sum to $C_t$, "
            "factor by factor."
        ),
        (
            "Through $f_t$: the weight, the slope of the sigmoid, and what $f_t$ multiplies in the line "
            "for $C_t$."
        ),
    ),
    judge=Function(
        _before,
        _before_draw,
        {
            "one road": (
                lambda d_c, f, i, g, c, p_f, p_i: d_c * f,
                "That is the gradient without peepholes: the state now also reaches the gates.",
            ),
            "the gates alone": (
                lambda d_c, f, i, g, c, p_f, p_i: _before(d_c, f, i, g, c, p_f, p_i) - d_c * f,
                "The roads through both gates are right. The belt itself is missing.",
            ),
            "no road through i": (
                lambda d_c, f, i, g, c, p_f, p_i: _before(d_c, f, i, g, c, p_f, 0 * p_i),
                "The road through the input gate is missing.",
            ),
            "no road through f": (
                lambda d_c, f, i, g, c, p_f, p_i: _before(d_c, f, i, g, c, 0 * p_f, p_i),
                "The road through the forget gate is missing.",
            ),
            "no slopes": (
                lambda d_c, f, i, g, c, p_f, p_i: d_c * (f + c * p_f + g * p_i),
                "Between a gate's sum and the gate stands a sigmoid: its slope is missing.",
            ),
            "slopes of tanh": (
                lambda d_c, f, i, g, c, p_f, p_i: d_c * (f + c * (1 - f**2) * p_f + g * (1 - i**2) * p_i),
                "1 - f**2 is the slope of tanh. Gates are sigmoids.",
            ),
            "the peepholes exchanged": (
                lambda d_c, f, i, g, c, p_f, p_i: _before(d_c, f, i, g, c, p_i, p_f),
                "The two peepholes have changed places.",
            ),
            "what the gates multiply, exchanged": (
                lambda d_c, f, i, g, c, p_f, p_i: d_c * (f + g * f * (1 - f) * p_f + c * i * (1 - i) * p_i),
                "In the line for C, which gate multiplies the old state, and which the candidate?",
            ),
            "gates that multiply nothing": (
                lambda d_c, f, i, g, c, p_f, p_i: d_c * (f + f * (1 - f) * p_f + i * (1 - i) * p_i),
                "What a gate multiplies in the line for C is a factor of its derivative, and is missing.",
            ),
        },
        praise=(
            "Three roads. With peepholes the gradient along the belt is no longer multiplied by f alone. "
            "Gers and others (2002) cut the two new roads, so that errors flow along the belt alone."
        ),
    ),
)


# 10.5


def _signals(answer: Any) -> dict[str, np.ndarray]:
    """Answers to spikes that come in, and to none."""
    params = weights_of(peephole, needed=())(answer)
    task = SpikeDelays(delay=10, kind="generate", steps=100)
    batch = task.batch(batch_size=40, dtype=np.float64, seed=1)
    silent, run = (unroll(peephole, params, x) for x in (np.zeros_like(batch.x[:, :1]), batch.x))
    silent, h = (r["h"][..., 0] > 0.5 for r in (silent, run))
    start = batch.x[..., 0].argmax(axis=0)
    after = (h & (np.arange(len(h))[:, None] > start)).argmax(axis=0) - start
    return {"silent": silent, "h": h, "c": run["c"], "right": batch.y == 1, "start": start, "after": after}


exercise(
    "10.5",
    "On your marks",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=15,
    difficulty=3,
    hints=(
        (
            "Start from `clock(10)`. The third peephole, $p_i$, can tell whether the count has begun: as "
            "long as nothing is stored, the input gate stays shut."
        ),
        (
            "Let the incoming spike open the input gate, and write a very small number, 0.001 say; and "
            "let the gate open for whatever is larger than half of that."
        ),
        (
            "The step of the spike counts as 0, and ten steps of 0.1 follow. So $W_g$ has to make the "
            "candidate of that one step 0.001 in place of 0.1."
        ),
    ),
    judge=Behaviour(
        _signals,
        (
            Rule(
                "ticks by itself",
                "It spikes although nothing has come in: the input gate has to be shut until then.",
                lambda run: not run["silent"].any(),
            ),
            Rule(
                "nothing begins",
                (
                    "A spike comes in, and the cell state does not count up from there: is the input gate "
                    "open at all steps that follow?"
                ),
                lambda run: run["c"].max() > 0.5,
            ),
            Rule(
                "never answers",
                "The cell state counts, but no answer is shown in 100 steps: the output gate does not open.",
                lambda run: run["h"].any(),
            ),
            Rule(
                "answers at once",
                "It spikes at the very step at which a spike comes in.",
                lambda run: not run["h"][run["start"], np.arange(len(run["start"]))].any(),
            ),
            Rule(
                "one step early",
                (
                    "The first answer comes 9 steps after the signal: the step of the signal itself must not "
                    "count as a full one."
                ),
                lambda run: not (run["after"] == 9).all(),
            ),
            Rule(
                "one step late",
                "The first answer comes 11 steps after the signal.",
                lambda run: not (run["after"] == 11).all(),
            ),
            Rule(
                "another delay",
                "The first answer does not come 10 steps after the signal.",
                lambda run: (run["after"] == 10).all(),
            ),
            Rule(
                "never set back",
                "The first answer is right, and then it answers at every step: the state is not set back.",
                lambda run: not run["h"][-5:].all(),
            ),
            Rule(
                "does not keep time",
                "The first answer is right, and later ones are not 10 steps apart.",
                lambda run: np.array_equal(run["h"], run["right"]),
            ),
        ),
        praise=(
            "One unit solves the task, and each of its three peepholes has work to do. Training found other "
            "ways."
        ),
    ),
)


# 10.6


def _without(factor=0.0, of=lambda name, gates: name[:-1] == "cell.p_" and name[-1] in gates):
    def without(params, gates):
        return {name: factor * p if of(name, gates) else p for name, p in params.items()}

    return without


def _model_draw(rng):
    shapes = {f"cell.{name}": shape for name, shape in peephole.parameter_shapes(2, 3).items()}
    shapes |= {"head.W": (3, 2), "head.b": (2,)}
    params = {name: rng.standard_normal(shape) for name, shape in shapes.items()}
    return params, str(rng.choice(["f", "i", "o", "fi", "io"]))


exercise(
    "10.6",
    "Which peepholes does it need?",
    notebook=NOTEBOOK,
    kind="measure",
    minutes=12,
    difficulty=4,
    hints=(
        'The peepholes of gate f are `params["cell.p_f"]`; `for gate in gates` goes through the letters.',
        "Return a new dict with all parameters in it. Those that are not concerned stay as they are.",
        "`params | {...}` is a dict with some values changed; `np.zeros_like(p)` is 0 in the shape of p.",
    ),
    judge=Function(
        _without(),
        _model_draw,
        {
            "nothing is changed": (_without(1.0), "The parameters come back as they were."),
            "the sign alone": (_without(-1.0), "The peepholes are negated. They should be 0."),
            "of all gates": (
                _without(of=lambda name, gates: name[:-1] == "cell.p_"),
                "All peepholes are 0, whichever gates are named.",
            ),
            "of the first gate": (
                _without(of=lambda name, gates: name == f"cell.p_{gates[0]}"),
                "Only the first of the gates that are named loses its peepholes.",
            ),
            "of the other gates": (
                _without(of=lambda name, gates: name[:-1] == "cell.p_" and name[-1] not in gates),
                "It is the other gates that lose their peepholes: those that are named keep them.",
            ),
            "the bias too": (
                _without(of=lambda name, gates: name[:-1] in ("cell.p_", "cell.b_") and name[-1] in gates),
                "The biases of these gates are 0 as well. Only the peepholes should go.",
            ),
            "the whole layer": (
                _without(of=lambda name, gates: name[:5] == "cell." and name[-1] in gates),
                "The whole layers of these gates are 0. Only the peepholes should go.",
            ),
        },
        praise=(
            "Now measure with it. What a network needs is found by taking it away, one part at a time, and "
            "then all."
        ),
    ),
)
