"""The LSTM, written unaided: `check_lstm`, and the table of mistakes that it knows by name.

A row of the table is a name, the line of `LSTM` that is written wrongly, and what to say of it: which line
the mistake is in and what happens there, not the line itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from ..cells import lstm
from ..checks import generator, given
from .cells import Mistake, check_cell
from .slips import slips
from .verdict import Verdict

__all__ = ["LSTM_MISTAKES", "check_lstm"]


@given(rng=generator)
def check_lstm(my_cell: object, rng: np.random.Generator | int = 0) -> Verdict:
    """Say whether a cell is the LSTM of `lstmcourse.cells.lstm`, and name the mistake where it is not.

    What is judged is what it computes with given parameters. Where they start is not, such as the forget
    gate's bias of 1: exercise 09.2 asks for that.

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


LSTM = """
f = sigmoid(affine("f", h, x))
i = sigmoid(affine("i", h, x))
g = tanh(affine("g", h, x))
o = sigmoid(affine("o", h, x))
new_c = f * c + i * g
new_h = o * tanh(new_c)
return new_h, new_c
"""

# fmt: off
EQUATIONS = [
    # Names that have changed places
    ("f and i swapped", "new_c = i * c + f * g",
        "The forget gate multiplies the new candidate and the input gate the old cell state: f and i have "
        "changed places in the line for c, or in the names given to affine."),
    ("f and o swapped", "new_c = o * c + i * g; new_h = f * tanh(new_c)",
        "The output gate multiplies the old cell state and the forget gate what leaves the cell: f and o "
        "have changed places in the lines for c and h, or in the names given to affine."),
    ("i and o swapped", "new_c = f * c + o * g; new_h = i * tanh(new_c)",
        "The output gate multiplies the new candidate and the input gate what leaves the cell: i and o have "
        "changed places in the lines for c and h, or in the names given to affine."),
    ("i and g swapped", 'i = tanh(affine("i", h, x)); g = sigmoid(affine("g", h, x))',
        "The layer i is squashed by tanh and the layer g by the sigmoid, so the input gate and the candidate "
        "have changed places. Which of the two has to lie between 0 and 1?"),
    ("states swapped", "return new_c, new_h",
        "Both new states are right, but they are returned in the wrong order: the k-th value that is "
        "returned is the next value of the k-th state in the signature."),
    ("old c returned", "return new_h, c",
        "The new cell state is used for h and then lost: what is returned for c is its old value, so c never "
        "changes. Look at the line with return."),
    ("old h returned", "return h, new_c",
        "The cell state moves on, but what is returned for h is its old value, so h never changes and shows "
        "nothing. Look at the line with return."),

    # The line for c
    ("no forget gate", "new_c = c + i * g",
        "The old cell state enters the line for c as it is, so nothing is ever forgotten, as in the cell of "
        "1997. A gate has to decide how much of the old state stays."),
    ("no input gate", "new_c = f * c + g",
        "The candidate enters the line for c as it is, so everything that is read is written. A gate has to "
        "decide how much of the candidate is let in."),
    ("no forget gate, no input gate", "new_c = c + g",
        "No gate stands in the line for c: everything is kept and everything is written. Two gates have to "
        "decide how much of the old state stays and how much of the candidate is let in."),
    ("no candidate", "new_c = f * c + i",
        "The input gate itself is added to the cell state. A gate only says how much: what is to be written, "
        "the candidate, is missing from the line for c."),
    ("no old cell state", "new_c = i * g",
        "The old cell state does not enter the line for c, so c carries nothing from one step to the next."),
    ("h in place of c", "new_c = f * h + i * g",
        "In the line for c the forget gate multiplies the old h. What it keeps or forgets is the old cell "
        "state."),
    ("f on the whole sum", "new_c = f * (c + i * g)",
        "The forget gate multiplies the new part of the cell state as well as the old: look at the brackets "
        "in the line for c."),
    ("i on the whole sum", "new_c = i * (f * c + g)",
        "The input gate multiplies the old part of the cell state as well as the new: look at the brackets "
        "in the line for c."),
    ("g on the whole sum", "new_c = (f * c + i) * g",
        "The candidate multiplies everything in the line for c: look at the brackets there."),
    ("f on a sum of c and i", "new_c = f * (c + i) * g",
        "In the line for c the old cell state and the input gate are added before they are multiplied: look "
        "at the brackets there."),
    ("+ and * mixed up", "new_c = (f + c) * (i + g)",
        "In the line for c + and * have changed places. A gate multiplies what it lets through, and the old "
        "part and the new part are added."),
    ("f added", "new_c = f + c + i * g",
        "The forget gate is added to the old cell state. Adding forgets nothing: look at the first sign in "
        "the line for c."),
    ("i added", "new_c = f * c + i + g",
        "The input gate is added to the candidate. Adding keeps nothing out: look at the last sign in the "
        "line for c."),
    ("old and new multiplied", "new_c = f * c * i * g",
        "The old part and the new part of the cell state are multiplied with each other: look at the sign in "
        "the middle of the line for c."),
    ("new subtracted", "new_c = f * c - i * g",
        "The new part is subtracted from the old: look at the sign in the middle of the line for c."),
    ("1 - f in place of f", "new_c = (1.0 - f) * c + i * g",
        "The old cell state is multiplied by 1 - f, so the forget gate forgets where it is open. In the LSTM "
        "f = 1 means: keep."),
    ("1 - i in place of i", "new_c = f * c + (1.0 - i) * g",
        "The candidate is multiplied by 1 - i, so the input gate shuts out where it is open. In the LSTM i = "
        "1 means: write."),
    ("i is 1 - f", "new_c = f * c + (1.0 - f) * g",
        "The input gate is tied to the forget gate, 1 - f: this variant writes only where it forgets. In the "
        "LSTM the input gate is a layer of its own."),
    ("f is 1 - i", "new_c = (1.0 - i) * c + i * g",
        "The forget gate is tied to the input gate, 1 - i: this variant forgets only where it writes. In the "
        "LSTM the forget gate is a layer of its own."),
    ("c squashed", "new_c = tanh(f * c + i * g); new_h = o * new_c",
        "The cell state is squashed by tanh before it is stored, so it is squashed anew at every step and "
        "fades. Only the copy that leaves for h is squashed."),
    ("c squashed twice", "new_c = tanh(f * c + i * g)",
        "The cell state is squashed by tanh in the line for c, and again in the line for h. Once is enough: "
        "which of the two would fade a memory, step after step?"),
    ("o in the line for c", "new_c = o * (f * c + i * g); new_h = tanh(new_c)",
        "The output gate multiplies the cell state before it is stored, so what is not shown is lost. It "
        "belongs to what leaves the cell, in the line for h."),
    ("o in both lines", "new_c = o * (f * c + i * g)",
        "The output gate stands in the line for c as well as in the line for h, so what is not shown is "
        "lost. It belongs to what leaves the cell, not to what is stored."),

    # The line for h
    ("no output gate", "new_h = tanh(new_c)",
        "The line for c is right, but all of c leaves the cell: no gate decides how much of it is shown in "
        "h."),
    ("no tanh in the line for h", "new_h = o * new_c",
        "The line for c is right, but c reaches h as it is: the line for h lacks the squashing of the cell "
        "state."),
    ("h is c", "new_h = identity(new_c)",
        "The line for c is right, but h is the same as c: the line for h lacks both the squashing and the "
        "gate that decides how much is shown."),
    ("sigmoid in the line for h", "new_h = o * sigmoid(new_c)",
        "In the line for h the cell state is squashed by a sigmoid, so h could not be negative. Which "
        "squashing function keeps the sign?"),
    ("o inside tanh", "new_h = tanh(o * new_c)",
        "The line for c is right. In the line for h the output gate multiplies inside the tanh: look at the "
        "brackets."),
    ("o added", "new_h = o + tanh(new_c)",
        "The line for c is right. In the line for h the output gate is added to the squashed cell state. "
        "Adding holds nothing back: look at the sign."),
    ("1 - o in place of o", "new_h = (1.0 - o) * tanh(new_c)",
        "The line for c is right. In the line for h it is multiplied by 1 - o, so the output gate hides "
        "where it is open. In the LSTM o = 1 means: show."),
    ("h from the old c", "new_h = o * tanh(c)",
        "The line for c is right, but h shows the old cell state, from before this step. Look at the order "
        "of the last two lines, and at which c the line for h reads."),
    ("h from the candidate", "new_h = o * g",
        "The line for c is right, but h shows the candidate and not the cell state: nothing that was "
        "remembered leaves the cell."),

    # The lines for f, i, g and o
    ("sigmoid on g", 'g = sigmoid(affine("g", h, x))',
        "The candidate is squashed by a sigmoid, so the cell state could only be added to. What is written "
        "may be negative: which squashing function gives -1 to 1?"),
    ("g without tanh", 'g = affine("g", h, x)',
        "The candidate is linear: nothing keeps what is written between -1 and 1. Look at the line for g."),
]

# What may happen to any gate, or any layer: the line of layer k, what to say of one and of several
GATE = [
    ("tanh on {}", '{k} = tanh(affine("{k}", h, x))',
        "is squashed by tanh, so it can be negative. A gate says how much, from nothing to all: which "
        "squashing function gives 0 to 1? Look at the line for {}.",
        "are squashed by tanh, so they can be negative. A gate says how much, from nothing to all: which "
        "squashing function gives 0 to 1?"),
    ("{} without sigmoid", '{k} = affine("{k}", h, x)',
        "is linear, so it can be negative, or greater than 1. A gate says how much, from nothing to all: "
        "something has to squash it. Look at the line for {}.",
        "are linear, so they can be negative, or greater than 1. A gate says how much, from nothing to all: "
        "something has to squash it."),
]
LAYER = [
    ("{} without h", '{k} = {squash}(affine("{k}", W=x))',
        "sees only the input, so it cannot take into account what came before. Look at what the layer {} is "
        "given.",
        "see only the input, so they cannot take into account what came before. Look at what the affine "
        "layers are given."),
    ("{} without x", '{k} = {squash}(affine("{k}", U=h))',
        "sees only the h before, not what is read now. Look at what the layer {} is given.",
        "see only the h before, not what is read now. Look at what the affine layers are given."),
    ("{} without bias", '{k} = {squash}(affine("{k}", h, x, bias=False))',
        "has no bias: look at the parameters of the layer {}.",
        "have no bias: look at the parameters of the layers."),
    ("{} from c", '{k} = {squash}(affine("{k}", c, x))',
        "is computed from the cell state and x. In the LSTM it sees h, what the cell has shown: look at what "
        "the layer {} is given.",
        "are computed from the cell state and x. In the LSTM they see h, what the cell has shown: look at "
        "what the affine layers are given."),
]
SHARED = (
    "share one layer's parameters, so they cannot decide differently. Each needs an affine layer of its own."
)
# fmt: on

SQUASH = {"f": "sigmoid", "i": "sigmoid", "g": "tanh", "o": "sigmoid"}
PARTS = {"f": "forget gate", "i": "input gate", "g": "candidate", "o": "output gate"}
SEVERAL = [("gates", "fio", "The three gates", GATE + LAYER), ("layers", "figo", "All four layers", LAYER)]


def _rows() -> Iterator[tuple[str, str, str]]:
    """Every row: its name, the lines that differ from `LSTM`, and the message."""
    yield from EQUATIONS
    for k, part in PARTS.items():
        for name, line, one, _ in LAYER if k == "g" else GATE + LAYER:
            yield name.format(k), _lines(k, line), f"The {part} {one.format(k)}"
    for a, b in combinations(PARTS, 2):
        yield f"{a} and {b} shared", _one_layer(a + b), f"The {PARTS[a]} and the {PARTS[b]} {SHARED}"
    for name, ks, who, table in SEVERAL:
        for row, line, _, several in table:
            which = "every gate" if row == "tanh on {}" else name
            yield row.format(which), _lines(ks, line), f"{who} {several}"
        yield f"{name} shared", _one_layer(ks), f"{who} {SHARED}"


def _lines(ks: str, line: str) -> str:
    """The line of each of these layers."""
    return "; ".join(line.format(k=k, squash=SQUASH[k]) for k in ks)


def _one_layer(ks: str) -> str:
    """The lines of layers that all use the parameters of the first."""
    first = _lines(ks[0], '{k} = {squash}(z := affine("{k}", h, x))')
    return first + "; " + _lines(ks[1:], "{k} = {squash}(z)")


LSTM_MISTAKES: tuple[Mistake, ...] = slips("x, h, c", LSTM, _rows())
"""What can go wrong in an LSTM, by name; no two rows compute the same."""
