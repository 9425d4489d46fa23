"""Notebook 03: LSTM networks."""

from __future__ import annotations

import numpy as np

from ...cell import Cell, cell
from ...cells import lstm
from ...engine.layers import affine
from ...engine.ops import sigmoid, tanh
from ...run.unroll import unroll
from ..cells import Mistake
from ..define import exercise
from ..judges import Behaviour, Choice, Equations, Function, Rule
from ..weights import weights_of

NOTEBOOK = "03_lstm_networks"


# 03.1

exercise(
    "03.1",
    "Count an LSTM's parameters",
    notebook=NOTEBOOK,
    kind="write",
    minutes=4,
    difficulty=1,
    hints=(
        "How many boxes has the diagram? Only they have weights.",
        "Each box is a layer as in the plain network: it reads the input and the hidden state.",
        "One layer has D H weights for the input, H H for the state, and H biases.",
    ),
    judge=Function(
        lambda D, H: 4 * H * (D + H + 1),
        lambda rng: tuple(int(n) for n in rng.integers(2, 60, size=2)),
        {
            "one layer": (
                lambda D, H: H * (D + H + 1),
                ("That is one layer, a plain network. Count the boxes."),
            ),
            "the gates alone": (
                lambda D, H: 3 * H * (D + H + 1),
                "You count the three gates. There is one more box in the diagram.",
            ),
            "five layers": (
                lambda D, H: 5 * H * (D + H + 1),
                "One layer too many: the tanh in an ellipse has no weights.",
            ),
            "no bias": (
                lambda D, H: 4 * H * (D + H),
                "The biases are missing: each layer has one number for each unit.",
            ),
            "two biases": (
                lambda D, H: 4 * H * (D + H + 2),
                "You count two biases for each unit of a layer, as PyTorch has them. Here there is one.",
            ),
            "one bias for all layers": (
                lambda D, H: 4 * H * (D + H) + H,
                "The layers do not share a bias: each has its own.",
            ),
            "one bias for each layer": (
                lambda D, H: 4 * H * (D + H) + 4,
                "A layer has a bias for each of its units, not one in all.",
            ),
            "the state is not read": (
                lambda D, H: 4 * H * (D + 1),
                "The layers read the hidden state as well as the input: those weights are missing.",
            ),
            "the cell state is read": (
                lambda D, H: 4 * H * (D + 2 * H + 1),
                (
                    "You let the layers read the cell state too. In the diagram no line leads from it into "
                    "a box."
                ),
            ),
            "the recurrent part once": (
                lambda D, H: 4 * H * (D + 1) + H * H,
                "The layers do not share their weights for the state: each has a matrix of its own.",
            ),
        },
        praise="Four layers as the plain network has one. The second state costs nothing.",
    ),
)


# 03.2


def _units(D, H, layers=4, bias=1):
    """The most units whose layers have no more parameters than one layer of H."""
    return max(n for n in range(H + 1) if layers * n * (D + n + bias) <= H * (D + H + bias))


def _solved(D, H):
    """Where both have the same number of parameters."""
    return ((D + 1) ** 2 / 4 + H * (D + H + 1) / 4) ** 0.5 - (D + 1) / 2


def _units_draw(rng):
    """Sizes at which rounding up and leaving out the bias give one unit more: neither, the first, both."""
    off = rng.integers(3)
    while True:
        D, H = int(rng.integers(5, 60)), int(rng.integers(12, 90))
        n = _units(D, H)
        if (round(_solved(D, H)) > n) + (_units(D, H, bias=0) > n) == off:
            return D, H


exercise(
    "03.2",
    "As many parameters, how many units?",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=2,
    hints=(
        (
            "Four layers with a quarter of the units: is that as many parameters? Part of them grows as "
            "the square."
        ),
        "Write down both counts. For which n does 4 n (D + n + 1) not exceed H (D + H + 1)?",
        "Try n = 1, 2, 3, … and stop in time, or solve the quadratic equation and round down.",
    ),
    judge=Function(
        lambda D, H: _units(D, H),
        _units_draw,
        {
            "one too many": (
                lambda D, H: _units(D, H) + 1,
                "One unit more than there are parameters for: no more than the plain network has, was asked.",
            ),
            "one too few": (lambda D, H: _units(D, H) - 1, "There is room for one unit more."),
            "a quarter": (
                lambda D, H: H // 4,
                "A quarter of the units has fewer parameters than allowed: the square part shrinks to a "
                "sixteenth, and there are four of it.",
            ),
            "half": (
                lambda D, H: H // 2,
                (
                    "Half would be right if only the square part were there. The weights for the input "
                    "count too."
                ),
            ),
            "no bias": (
                lambda D, H: _units(D, H, bias=0),
                "That is nearly it: the biases were left out of the count.",
            ),
            "three layers": (
                lambda D, H: _units(D, H, layers=3),
                ("You count three layers. Four boxes have weights."),
            ),
            "not rounded": (
                _solved,
                "The equation is solved, but a number of units is whole.",
            ),
            "rounded": (
                lambda D, H: round(_solved(D, H)),
                "The equation is solved, and then rounded to the nearest: sometimes that is one too many.",
            ),
            "as many": (lambda D, H: H, "With as many units it has four times the parameters."),
        },
        praise=(
            "Between a quarter and a half, depending on D. Comparisons in this course are made at equal "
            "parameters, so you have just computed how every one of them is set up."
        ),
    ),
)


# 03.3

exercise(
    "03.3",
    "All gates wide open",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=4,
    difficulty=1,
    hints=(
        "Write 1 for f and for i in the equation of the cell state. What is left of it?",
        "Unroll it: what is C after two steps, after three?",
        "You have written a cell that does this, in exercise 01.3; what it reads here is the candidate.",
    ),
    judge=Choice(
        "the sum of the candidates so far",
        {
            "the sum of the candidates so far": (
                "Nothing is forgotten, and all that is proposed is written. The candidates lie between "
                "-1 and 1, but their sum does not."
            ),
            "the latest candidate": "That would be so if the forget gate were shut. It stands at 1.",
            "the mean of the candidates so far": "Nothing divides by the number of steps.",
            "the sum of the inputs so far": (
                "A layer stands between input and cell state: its weights and a tanh change what is added."
            ),
            "the product of the candidates": (
                "Look where the candidate enters: is it multiplied or added there?"
            ),
            "its value at the start": "That would be so if the input gate were shut. It stands at 1.",
            "a plain network's state": (
                "A plain network multiplies its state by a matrix and squashes it. On this line there "
                "is neither."
            ),
        },
    ),
)


# 03.4


def _update(f, i, g, o, C):
    C = f * C + i * g
    return o * np.tanh(C), C


def _update_draw(rng):
    shape = (int(rng.integers(2, 4)), int(rng.integers(2, 6)))
    f, i, o = rng.uniform(0.05, 0.95, size=(3, *shape))
    return f, i, rng.uniform(-1, 1, size=shape), o, 2 * rng.standard_normal(shape)


def _step(new, show=lambda f, i, g, o, old, C: o * np.tanh(C), give=lambda h, C, old: (h, C)):
    """The update with something else in its place."""

    def update(f, i, g, o, C):
        made = new(f, i, g, o, C)
        return give(show(f, i, g, o, C, made), made, C)

    return update


def _right(f, i, g, o, C):
    return f * C + i * g


exercise(
    "03.4",
    "The cell state, from memory",
    notebook=NOTEBOOK,
    kind="write",
    minutes=6,
    difficulty=2,
    hints=(
        "Two lines: one for the cell state, one for what is shown of it. Follow the line along the top.",
        "From left to right the old cell state meets a product, then a sum. What comes into each from below?",
        (
            "The hidden state is made of the new cell state: first it is squashed, then a gate lets part "
            "of it out."
        ),
    ),
    judge=Function(
        _update,
        _update_draw,
        {
            "f and i exchanged": (
                _step(lambda f, i, g, o, C: i * C + f * g),
                "The forget gate multiplies the candidate, and the input gate the old cell state.",
            ),
            "nothing forgotten": (
                _step(lambda f, i, g, o, C: C + i * g),
                "The old cell state enters as it is. A gate decides how much of it stays.",
            ),
            "all written": (
                _step(lambda f, i, g, o, C: f * C + g),
                "The candidate enters as it is. A gate decides how much of it is written.",
            ),
            "nothing kept": (
                _step(lambda f, i, g, o, C: i * g),
                "The old cell state is not in the new one: nothing is carried on.",
            ),
            "1 - f": (
                _step(lambda f, i, g, o, C: (1 - f) * C + i * g),
                "The old cell state is multiplied by 1 - f. In the LSTM f = 1 means: keep.",
            ),
            "the wrong brackets": (
                _step(lambda f, i, g, o, C: f * (C + i * g)),
                "The forget gate acts on the new part as well as on the old: look at the brackets.",
            ),
            "the cell state squashed": (
                _step(lambda f, i, g, o, C: np.tanh(f * C + i * g), lambda f, i, g, o, old, C: o * C),
                "The cell state itself is squashed. Only what is shown of it is.",
            ),
            "squashed twice": (
                _step(lambda f, i, g, o, C: np.tanh(f * C + i * g)),
                "The cell state is squashed, and what is shown of it once more. One of the two is too many.",
            ),
            "shown as it is": (
                _step(_right, lambda f, i, g, o, old, C: o * C),
                "The new cell state is right; on its way to h the tanh in the ellipse is missing.",
            ),
            "no output gate": (
                _step(_right, lambda f, i, g, o, old, C: np.tanh(C)),
                "The new cell state is right; all of it is shown. Which gate has not been used yet?",
            ),
            "squashed last": (
                _step(_right, lambda f, i, g, o, old, C: np.tanh(o * C)),
                "The new cell state is right; for h the gate comes after the squashing, not before.",
            ),
            "the old C shown": (
                _step(_right, lambda f, i, g, o, old, C: o * np.tanh(old)),
                "The new cell state is right; h shows the old one.",
            ),
            "the candidate squashed again": (
                _step(lambda f, i, g, o, C: f * C + i * np.tanh(g)),
                "g is squashed once more: what is given is the candidate, after its tanh.",
            ),
            "the gates squashed again": (
                _step(
                    lambda f, i, g, o, C: C / (1 + np.exp(-f)) + g / (1 + np.exp(-i)),
                    lambda f, i, g, o, old, C: np.tanh(C) / (1 + np.exp(-o)),
                ),
                (
                    "f, i and o go through a sigmoid once more: what is given are the gates, already "
                    "between 0 and 1."
                ),
            ),
            "returned the other way round": (
                lambda f, i, g, o, C: _update(f, i, g, o, C)[::-1],
                "Both are right, and returned in the wrong order: h comes first.",
            ),
            "the old C returned": (
                _step(_right, give=lambda h, C, old: (h, old)),
                "h is right, but the cell state that is returned is the old one: nothing is kept.",
            ),
        },
        praise="Two lines that you will meet in every notebook from here on.",
    ),
)


# 03.5


@cell
def one_gate(x, h):
    """A plain network that can keep its state."""
    u = sigmoid(affine("u", h, x))
    n = tanh(affine("h", h, x))
    h = u * h + (1.0 - u) * n
    return h


ONE_GATE = [
    (
        "1 - u keeps",
        "new = (1.0 - u) * h + u * n",
        "The gate works the other way round: here u = 1 is to mean *keep*. (Some books do it as you have.)",
    ),
    (
        "all is added",
        "new = u * h + n",
        "The old state goes through the gate, the new part does not: the two shares have to make up a whole.",
    ),
    (
        "all is kept",
        "new = h + (1.0 - u) * n",
        "The new part goes through the gate, the old state does not: it can grow without bound.",
    ),
    (
        "both by u",
        "new = u * h + u * n",
        "Old and new are multiplied by the same u. What one gains the other is to lose.",
    ),
    (
        "a sigmoid for the new part",
        'n = sigmoid(affine("h", h, x)); new = u * h + (1.0 - u) * n',
        "The new part is squashed by a sigmoid, so the state could never be negative.",
    ),
    (
        "the new part not squashed",
        'n = affine("h", h, x); new = u * h + (1.0 - u) * n',
        "The new part is not squashed: the state can leave the range from -1 to 1.",
    ),
    (
        "the gate squashed by tanh",
        'u = tanh(affine("u", h, x)); new = u * h + (1.0 - u) * n',
        "The gate is squashed by tanh, so it can be negative. A gate lies between 0 and 1.",
    ),
    (
        "the gate not squashed",
        'u = affine("u", h, x); new = u * h + (1.0 - u) * n',
        "Nothing squashes the gate: it may be any number. A gate lies between 0 and 1.",
    ),
    (
        "one layer for both",
        'n = tanh(affine("u", h, x, shared=True)); new = u * h + (1.0 - u) * n',
        "Gate and new part come from one layer, with the same weights. Each needs its own.",
    ),
    ("no gate", "u = 0.0; new = n", "That is the plain network: the gate has no part in it."),
    (
        "the gate alone",
        "n = h; new = u * h + (1.0 - u) * n",
        "Kept or not, it is the old state both times: nothing that is read gets in.",
    ),
    (
        "the old state not kept",
        "new = (1.0 - u) * n",
        "The old state is missing from the sum: the gate only makes the new part smaller.",
    ),
    (
        "squashed as a whole",
        'n = affine("h", h, x); new = tanh(u * h + (1.0 - u) * n)',
        "The tanh stands around the sum, so the old state is squashed at each step, and fades.",
    ),
]


def _one_gate_mistakes() -> list[Mistake]:
    return [Mistake(name, _one_gate(lines), message) for name, lines, message in ONE_GATE]


def _one_gate(lines: str) -> Cell:
    """The cell with these lines in place of its own."""
    of = {"u": 'sigmoid(affine("u", h, x))', "n": 'tanh(affine("h", h, x))'}
    of |= dict(line.split(" = ") for line in lines.split("; "))
    scope = {"affine": affine, "sigmoid": sigmoid, "tanh": tanh}
    exec("\n    ".join(["def wrong(x, h):", *(f"{k} = {v}" for k, v in of.items()), "return new"]), scope)
    return cell(scope["wrong"])


exercise(
    "03.5",
    "Half way to the LSTM",
    notebook=NOTEBOOK,
    kind="write",
    minutes=10,
    difficulty=3,
    hints=(
        "Two layers, each `lc.affine` with a name of its own: one is squashed to a gate, one to a new part.",
        (
            "The gate lies between 0 and 1: `lc.sigmoid`. The new part is what a plain network would "
            "take as its state."
        ),
        (
            "The new state is a mixture: a share u of the old state, and of the new part what is left to "
            "a whole."
        ),
    ),
    judge=Equations(
        one_gate,
        _one_gate_mistakes,
        praise=(
            "A plain network with a gate. Where u is 1 the state passes unchanged, and so does the "
            "gradient; you have written the larger part of a GRU."
        ),
    ),
)


# 03.6

FRANCE, JAPAN, OTHER = 0, 1, 2


def _states(p, words, c=0.0, h=0.0):
    """Cell and hidden state after these words."""
    run = unroll(lstm, p, np.eye(3)[words][:, None], state={"c": np.full((1, 1), c), "h": np.full((1, 1), h)})
    return run["c"][-1, 0, 0], run["h"][-1, 0, 0]


def _after(p, *words, then=1000):
    """The cell state after these words, and as many others."""
    return _states(p, [*words, *[OTHER] * then])[0]


def _gradient(p, steps=1000, small=1e-4):
    """How much the cell state after so many other words changes with that right after *France*."""
    c, h = _states(p, [FRANCE])
    up, down = (_states(p, [OTHER] * steps, c + d, h)[0] for d in (small, -small))
    return (up - down) / (2 * small)


exercise(
    "03.6",
    "The same sentence, with gates",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=15,
    difficulty=4,
    hints=(
        "Ask of each gate what it has to do at a country, and what at another word: open, or shut?",
        (
            "A weight of 10 or 20 opens a gate at its word, -20 shuts it. With one-hot words each word "
            "has a weight of its own in W_f, W_i and W_g: no bias is needed, and no U."
        ),
        (
            "At another word the belt is to pass unchanged: forget gate open, input gate shut. At a "
            "country the old one goes and the new one comes: what do the two gates do then, and which "
            "sign has the candidate?"
        ),
    ),
    judge=Behaviour(
        weights_of(lstm, input_size=3, needed=()),
        (
            Rule(
                "other words write",
                "Before any country was read, 100 other words leave something in the cell state.",
                lambda p: abs(_after(p, then=100)) < 0.1,
            ),
            Rule(
                "nothing written",
                "After a country the cell state is still near 0: is anything proposed, and is it let in?",
                lambda p: min(abs(_after(p, w, then=0)) for w in (FRANCE, JAPAN)) > 0.1,
            ),
            Rule(
                "France and Japan alike",
                "Both countries are written with the same sign, so nobody can tell them apart.",
                lambda p: _after(p, FRANCE, then=0) * _after(p, JAPAN, then=0) < 0,
            ),
            Rule(
                "the wrong way round",
                "After *France* the cell state is to be above 0, and after *Japan* below.",
                lambda p: _after(p, FRANCE, then=0) > 0,
            ),
            Rule(
                "written in part",
                (
                    "Right after a country the cell state is closer to 0 than 0.9: proposal times gate is "
                    "too small."
                ),
                lambda p: min(_after(p, FRANCE, then=0), -_after(p, JAPAN, then=0)) > 0.9,
            ),
            Rule(
                "fades",
                (
                    "It is written well, and fades while other words are read: which gate has to be open "
                    "then, and how close to 1 for 1,000 words?"
                ),
                lambda p: min(_after(p, FRANCE), -_after(p, JAPAN)) > 0.8,
            ),
            Rule(
                "the old country stays",
                (
                    "A second country is added to the first, which is still there: what has to happen to "
                    "the old one?"
                ),
                lambda p: max(_after(p, FRANCE, OTHER, JAPAN), -_after(p, JAPAN, OTHER, FRANCE)) < -0.8,
            ),
            Rule(
                "a switch",
                (
                    "It holds the last country, but as a switch does: of a small change of the cell "
                    "state less than a half is left. The belt itself has to hold it."
                ),
                lambda p: _gradient(p) > 0.5,
            ),
        ),
        praise=(
            "It holds the last country over 1,000 words, and hands the gradient back whole. The switch "
            "of notebook 02 had to choose between the two."
        ),
    ),
)
