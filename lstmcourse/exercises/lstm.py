"""The LSTM, written unaided: `check_lstm`, and the table of mistakes that it knows by name.

Each row is a cell with one mistake, in the notation that the reader uses, and what to say of it: which line
it is in and what happens there, not the line itself.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations

import numpy as np

from ..cell import cell
from ..cells import lstm
from ..engine.graph import Node
from ..engine.layers import affine
from ..engine.ops import identity, sigmoid, tanh
from .cells import Mistake, Verdict, check_cell

__all__ = ["LSTM_MISTAKES", "check_lstm"]

SQUASH = {"f": sigmoid, "i": sigmoid, "g": tanh, "o": sigmoid}
GATES = {"f": "forget gate", "i": "input gate", "o": "output gate"}
PARTS = {"f": "forget gate", "i": "input gate", "g": "candidate", "o": "output gate"}

_rows: list[Mistake] = []


def check_lstm(my_cell: object, rng: np.random.Generator | int = 0) -> Verdict:
    """Say whether a cell is the LSTM of `lstmcourse.cells.lstm`, and name the mistake where it is not.

    Parameters
    ----------
    my_cell : Cell
        What the reader wrote: input (T, B, D), two states (B, H). Nothing that is given here raises.
    rng : numpy.random.Generator or int
        Source of the numbers that both are run on, or a seed.

    Returns
    -------
    Verdict
        True where every state agrees at every step.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> check_lstm(lc.cells.lstm)
    Right: lstm computes the same h and c as the course's lstm, step after step.
    >>> check_lstm(lc.cells.lstm.override(f=1.0)).mistake
    'no forget gate'
    >>> check_lstm(lc.cells.rnn)
    Not yet: rnn carries h from step to step, and lstm carries h and c. What the next step needs is an \
argument, and its next value is returned.
    """
    return check_cell(my_cell, lstm, LSTM_MISTAKES, rng)


def _mistake(name: str, message: str) -> Callable[[Callable], None]:
    """Add a row to the table: the function below it, as a cell."""

    def add(function: Callable) -> None:
        _rows.append(Mistake(name, cell(function, name=name), message))

    return add


def _layers(h: Node, x: Node, **changed: Node) -> list[Node]:
    """f, i, g and o as they should be, but for those that are given."""
    return [changed[k] if k in changed else squash(affine(k, h, x)) for k, squash in SQUASH.items()]


def _update(c: Node, f: Node, i: Node, g: Node, o: Node) -> tuple[Node, Node]:
    """The next h and c as they should be."""
    c = f * c + i * g
    return o * tanh(c), c


# Names that have changed places


@_mistake(
    "f and i swapped",
    "The forget gate multiplies the new candidate and the input gate the old cell state: f and i have "
    "changed places in the line for c, or in the names given to affine.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = i * c + f * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "f and o swapped",
    "The output gate multiplies the old cell state and the forget gate what leaves the cell: f and o have "
    "changed places in the lines for c and h, or in the names given to affine.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = o * c + i * g
    h = f * tanh(c)
    return h, c


@_mistake(
    "i and o swapped",
    "The output gate multiplies the new candidate and the input gate what leaves the cell: i and o have "
    "changed places in the lines for c and h, or in the names given to affine.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c + o * g
    h = i * tanh(c)
    return h, c


@_mistake(
    "i and g swapped",
    "The layer i is squashed by tanh and the layer g by the sigmoid, so the input gate and the candidate "
    "have changed places. Which of the two has to lie between 0 and 1?",
)
def _(x, h, c):
    return _update(c, *_layers(h, x, i=tanh(affine("i", h, x)), g=sigmoid(affine("g", h, x))))


@_mistake(
    "states swapped",
    "Both new states are right, but they are returned in the wrong order: the k-th value that is returned is "
    "the next value of the k-th state in the signature.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    new_c = f * c + i * g
    new_h = o * tanh(new_c)
    return new_c, new_h


@_mistake(
    "old c returned",
    "The new cell state is used for h and then lost: what is returned for c is its old value, so c never "
    "changes. Look at the line with return.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    new_c = f * c + i * g
    h = o * tanh(new_c)
    return h, c


@_mistake(
    "old h returned",
    "The cell state moves on, but what is returned for h is its old value, so h never changes and shows "
    "nothing. Look at the line with return.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c + i * g
    return h, c


# The line for c


@_mistake(
    "no forget gate",
    "The old cell state enters the line for c as it is, so nothing is ever forgotten, as in the cell of "
    "1997. A gate has to decide how much of the old state stays.",
)
def _(x, h, c):
    _, i, g, o = _layers(h, x)
    c = c + i * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "no input gate",
    "The candidate enters the line for c as it is, so everything that is read is written. A gate has to "
    "decide how much of the candidate is let in.",
)
def _(x, h, c):
    f, _, g, o = _layers(h, x)
    c = f * c + g
    h = o * tanh(c)
    return h, c


@_mistake(
    "no forget gate, no input gate",
    "No gate stands in the line for c: everything is kept and everything is written. Two gates have to "
    "decide how much of the old state stays and how much of the candidate is let in.",
)
def _(x, h, c):
    _, _, g, o = _layers(h, x)
    c = c + g
    h = o * tanh(c)
    return h, c


@_mistake(
    "no candidate",
    "The input gate itself is added to the cell state. A gate only says how much: what is to be written, the "
    "candidate, is missing from the line for c.",
)
def _(x, h, c):
    f, i, _, o = _layers(h, x)
    c = f * c + i
    h = o * tanh(c)
    return h, c


@_mistake(
    "no old cell state",
    "The old cell state does not enter the line for c, so c carries nothing from one step to the next.",
)
def _(x, h, c):
    _, i, g, o = _layers(h, x)
    c = i * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "h in place of c",
    "In the line for c the forget gate multiplies the old h. What it keeps or forgets is the old cell state.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * h + i * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "f on the whole sum",
    "The forget gate multiplies the new part of the cell state as well as the old: look at the brackets in "
    "the line for c.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * (c + i * g)
    h = o * tanh(c)
    return h, c


@_mistake(
    "i on the whole sum",
    "The input gate multiplies the old part of the cell state as well as the new: look at the brackets in "
    "the line for c.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = i * (f * c + g)
    h = o * tanh(c)
    return h, c


@_mistake(
    "g on the whole sum",
    "The candidate multiplies everything in the line for c: look at the brackets there.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = (f * c + i) * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "f on a sum of c and i",
    "In the line for c the old cell state and the input gate are added before they are multiplied: look at "
    "the brackets there.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * (c + i) * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "+ and * mixed up",
    "In the line for c + and * have changed places. A gate multiplies what it lets through, and the old part "
    "and the new part are added.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = (f + c) * (i + g)
    h = o * tanh(c)
    return h, c


@_mistake(
    "f added",
    "The forget gate is added to the old cell state. Adding forgets nothing: look at the first sign in the "
    "line for c.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = (f + c) + i * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "i added",
    "The input gate is added to the candidate. Adding keeps nothing out: look at the last sign in the line "
    "for c.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c + (i + g)
    h = o * tanh(c)
    return h, c


@_mistake(
    "old and new multiplied",
    "The old part and the new part of the cell state are multiplied with each other: look at the sign in the "
    "middle of the line for c.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = (f * c) * (i * g)
    h = o * tanh(c)
    return h, c


@_mistake(
    "new subtracted",
    "The new part is subtracted from the old: look at the sign in the middle of the line for c.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c - i * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "1 - f in place of f",
    "The old cell state is multiplied by 1 - f, so the forget gate forgets where it is open. In the LSTM "
    "f = 1 means: keep.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = (1.0 - f) * c + i * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "1 - i in place of i",
    "The candidate is multiplied by 1 - i, so the input gate shuts out where it is open. In the LSTM i = 1 "
    "means: write.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c + (1.0 - i) * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "i is 1 - f",
    "The input gate is tied to the forget gate, 1 - f: this variant writes only where it forgets. In the "
    "LSTM the input gate is a layer of its own.",
)
def _(x, h, c):
    f, _, g, o = _layers(h, x)
    c = f * c + (1.0 - f) * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "f is 1 - i",
    "The forget gate is tied to the input gate, 1 - i: this variant forgets only where it writes. In the "
    "LSTM the forget gate is a layer of its own.",
)
def _(x, h, c):
    _, i, g, o = _layers(h, x)
    c = (1.0 - i) * c + i * g
    h = o * tanh(c)
    return h, c


@_mistake(
    "c squashed",
    "The cell state is squashed by tanh before it is stored, so it is squashed anew at every step and fades. "
    "Only the copy that leaves for h is squashed.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = tanh(f * c + i * g)
    h = o * c
    return h, c


@_mistake(
    "c squashed twice",
    "The cell state is squashed by tanh in the line for c, and again in the line for h. Once is enough: "
    "which of the two would fade a memory, step after step?",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = tanh(f * c + i * g)
    h = o * tanh(c)
    return h, c


@_mistake(
    "o in the line for c",
    "The output gate multiplies the cell state before it is stored, so what is not shown is lost. It belongs "
    "to what leaves the cell, in the line for h.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = o * (f * c + i * g)
    h = tanh(c)
    return h, c


@_mistake(
    "o in both lines",
    "The output gate stands in the line for c as well as in the line for h, so what is not shown is lost. It "
    "belongs to what leaves the cell, not to what is stored.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = o * (f * c + i * g)
    h = o * tanh(c)
    return h, c


# The line for h


@_mistake(
    "no output gate",
    "The line for c is right, but all of c leaves the cell: no gate decides how much of it is shown in h.",
)
def _(x, h, c):
    f, i, g, _ = _layers(h, x)
    c = f * c + i * g
    h = tanh(c)
    return h, c


@_mistake(
    "no tanh in the line for h",
    "The line for c is right, but c reaches h as it is: the line for h lacks the squashing of the cell "
    "state.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c + i * g
    h = o * c
    return h, c


@_mistake(
    "h is c",
    "The line for c is right, but h is the same as c: the line for h lacks both the squashing and the gate "
    "that decides how much is shown.",
)
def _(x, h, c):
    f, i, g, _ = _layers(h, x)
    new = f * c + i * g
    return identity(new), new


@_mistake(
    "sigmoid in the line for h",
    "In the line for h the cell state is squashed by a sigmoid, so h could not be negative. Which squashing "
    "function keeps the sign?",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c + i * g
    h = o * sigmoid(c)
    return h, c


@_mistake(
    "o inside tanh",
    "The line for c is right. In the line for h the output gate multiplies inside the tanh: look at the "
    "brackets.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c + i * g
    h = tanh(o * c)
    return h, c


@_mistake(
    "o added",
    "The line for c is right. In the line for h the output gate is added to the squashed cell state. Adding "
    "holds nothing back: look at the sign.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c + i * g
    h = o + tanh(c)
    return h, c


@_mistake(
    "1 - o in place of o",
    "The line for c is right. In the line for h it is multiplied by 1 - o, so the output gate hides where it "
    "is open. In the LSTM o = 1 means: show.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c + i * g
    h = (1.0 - o) * tanh(c)
    return h, c


@_mistake(
    "h from the old c",
    "The line for c is right, but h shows the old cell state, from before this step. Look at the order of "
    "the last two lines, and at which c the line for h reads.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    h = o * tanh(c)
    c = f * c + i * g
    return h, c


@_mistake(
    "h from the candidate",
    "The line for c is right, but h shows the candidate and not the cell state: nothing that was remembered "
    "leaves the cell.",
)
def _(x, h, c):
    f, i, g, o = _layers(h, x)
    c = f * c + i * g
    h = o * g
    return h, c


# The lines for f, i, g and o


@_mistake(
    "sigmoid on g",
    "The candidate is squashed by a sigmoid, so the cell state could only be added to. What is written may "
    "be negative: which squashing function gives -1 to 1?",
)
def _(x, h, c):
    return _update(c, *_layers(h, x, g=sigmoid(affine("g", h, x))))


@_mistake(
    "g without tanh",
    "The candidate is linear: nothing keeps what is written between -1 and 1. Look at the line for g.",
)
def _(x, h, c):
    return _update(c, *_layers(h, x, g=affine("g", h, x)))


@_mistake(
    "tanh on every gate",
    "All three gates are squashed by tanh, so they can be negative. A gate says how much, from nothing to "
    "all: which squashing function gives 0 to 1?",
)
def _(x, h, c):
    return _update(c, *_layers(h, x, **{k: tanh(affine(k, h, x)) for k in GATES}))


@_mistake(
    "gates without sigmoid",
    "All three gates are linear, so they can be negative, or greater than 1. A gate says how much, from "
    "nothing to all: something has to squash it.",
)
def _(x, h, c):
    return _update(c, *_layers(h, x, **{k: affine(k, h, x) for k in GATES}))


def _one_gate(k: str, gate: str) -> None:
    """The mistakes that may be made in the line of one gate."""

    @_mistake(
        f"tanh on {k}",
        f"The {gate} is squashed by tanh, so it can be negative. A gate says how much, from nothing to all: "
        f"which squashing function gives 0 to 1? Look at the line for {k}.",
    )
    def _(x, h, c):
        return _update(c, *_layers(h, x, **{k: tanh(affine(k, h, x))}))

    @_mistake(
        f"{k} without sigmoid",
        f"The {gate} is linear, so it can be negative, or greater than 1. A gate says how much, from nothing "
        f"to all: something has to squash it. Look at the line for {k}.",
    )
    def _(x, h, c):
        return _update(c, *_layers(h, x, **{k: affine(k, h, x)}))


def _one_layer(k: str, part: str) -> None:
    """What one layer may be given by mistake."""

    @_mistake(
        f"{k} without h",
        f"The {part} sees only the input, so it cannot take into account what came before. Look at what "
        f"the layer {k} is given.",
    )
    def _(x, h, c):
        return _update(c, *_layers(h, x, **{k: SQUASH[k](affine(k, W=x))}))

    @_mistake(
        f"{k} without x",
        f"The {part} sees only the h before, not what is read now. Look at what the layer {k} is given.",
    )
    def _(x, h, c):
        return _update(c, *_layers(h, x, **{k: SQUASH[k](affine(k, U=h))}))

    @_mistake(
        f"{k} without bias",
        f"The {part} has no bias: look at the parameters of the layer {k}.",
    )
    def _(x, h, c):
        return _update(c, *_layers(h, x, **{k: SQUASH[k](affine(k, h, x, bias=False))}))

    @_mistake(
        f"{k} from c",
        f"The {part} is computed from the cell state and x. In the LSTM it sees h, what the cell has shown: "
        f"look at what the layer {k} is given.",
    )
    def _(x, h, c):
        return _update(c, *_layers(h, x, **{k: SQUASH[k](affine(k, c, x))}))


def _several_layers(who: str, name: str, ks: str) -> None:
    """What the three gates, or all four layers, may be given by mistake."""

    @_mistake(
        f"{name} without h",
        f"{who} see only the input, so they cannot take into account what came before. Look at what the "
        "affine layers are given.",
    )
    def _(x, h, c):
        return _update(c, *_layers(h, x, **{k: SQUASH[k](affine(k, W=x)) for k in ks}))

    @_mistake(
        f"{name} without x",
        f"{who} see only the h before, not what is read now. Look at what the affine layers are given.",
    )
    def _(x, h, c):
        return _update(c, *_layers(h, x, **{k: SQUASH[k](affine(k, U=h)) for k in ks}))

    @_mistake(
        f"{name} without bias",
        f"{who} have no bias: look at the parameters of the layers.",
    )
    def _(x, h, c):
        return _update(c, *_layers(h, x, **{k: SQUASH[k](affine(k, h, x, bias=False)) for k in ks}))

    @_mistake(
        f"{name} from c",
        f"{who} are computed from the cell state and x. In the LSTM they see h, what the cell has shown: "
        "look at what the affine layers are given.",
    )
    def _(x, h, c):
        return _update(c, *_layers(h, x, **{k: SQUASH[k](affine(k, c, x)) for k in ks}))


def _shared(name: str, who: str, ks: str) -> None:
    """One layer's parameters used for several."""

    @_mistake(
        name,
        f"{who} share one layer's parameters, so they cannot decide differently. Each needs an affine "
        "layer of its own.",
    )
    def _(x, h, c):
        z = affine(ks[0], h, x)
        return _update(c, *_layers(h, x, **{k: SQUASH[k](z) for k in ks}))


for _k, _part in PARTS.items():
    _one_layer(_k, _part)
for _k, _gate in GATES.items():
    _one_gate(_k, _gate)
_several_layers("The three gates", "gates", "fio")
_several_layers("All four layers", "layers", "figo")
for _a, _b in combinations(PARTS, 2):
    _shared(f"{_a} and {_b} shared", f"The {PARTS[_a]} and the {PARTS[_b]}", _a + _b)
_shared("gates shared", "The three gates", "fio")
_shared("layers shared", "All four layers", "figo")

LSTM_MISTAKES: tuple[Mistake, ...] = tuple(_rows)
"""What can go wrong in an LSTM, by name; no two rows compute the same."""
