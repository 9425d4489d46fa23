"""Peephole connections: gates that see the cell state (Gers & Schmidhuber 2000)."""

from ..cell import cell
from ..engine.graph import Node
from ..engine.layers import affine
from ..engine.layers import peephole as diagonal
from ..engine.ops import sigmoid, tanh
from .lstm import PAPER
from .options import flag, subset


def net(label: str, h: Node, x: Node, c: Node, peepholes: str, full: bool) -> Node:
    """A gate's layer before its squashing, with a view of the cell state where `peepholes` names the gate."""
    if label not in peepholes:
        return affine(label, h, x)
    if full:
        return affine(label, U=h, W=x, V=c)
    return affine(label, h, x) + diagonal(label, c)


@cell(init={"b_f": 1.0}, letters=PAPER)
def peephole(x, h, c, peepholes="fio", full=False):
    """LSTM whose gates see the cell state: forget and input gate the old one, the output gate the new one.

    Gers & Schmidhuber, "Recurrent Nets that Time and Count" (IJCNN 2000). A peephole is one weight for each
    unit, p; with ``full=True`` it is a matrix V over the whole cell state, as a line in the essay's diagram
    has it. `peepholes` names the gates that look: any subset of "fio".
    """
    peepholes, full = subset("peepholes", peepholes, "fio"), flag("full", full)
    f = sigmoid(net("f", h, x, c, peepholes, full))  # forget gate
    i = sigmoid(net("i", h, x, c, peepholes, full))  # input gate
    g = tanh(affine("g", h, x))  # candidate
    c = f * c + i * g
    o = sigmoid(net("o", h, x, c, peepholes, full))  # output gate, of the new c
    h = o * tanh(c)
    return h, c


peephole_full = peephole.variant(
    "peephole_full",
    "LSTM whose gates see the whole cell state through matrices, as the essay draws it.",
    full=True,
)
