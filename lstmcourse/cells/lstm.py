"""Long short-term memory: the essay's cell, and the cell of 1997 that had no forget gate."""

from ..cell import cell
from ..engine.layers import affine
from ..engine.ops import sigmoid, tanh

PAPER = {"c": "C", "g": r"\tilde{C}"}


@cell(init={"b_f": 1.0}, letters=PAPER)
def lstm(x, h, c):
    """Long short-term memory with a forget gate (Gers, Schmidhuber & Cummins 2000)."""
    f = sigmoid(affine("f", h, x))  # forget gate
    i = sigmoid(affine("i", h, x))  # input gate
    g = tanh(affine("g", h, x))  # candidate
    o = sigmoid(affine("o", h, x))  # output gate
    c = f * c + i * g
    h = o * tanh(c)
    return h, c


@cell(letters={"g": "g", "c": "s"})
def lstm_1997(x, h, c):
    """Long short-term memory without a forget gate (Hochreiter & Schmidhuber 1997), with its own squashing
    functions.

    The state's weight onto itself is exactly 1: the constant error carousel. g lies in [-2, 2], the
    output's in [-1, 1].
    """
    i = sigmoid(affine("i", h, x))  # input gate
    g = 4.0 * sigmoid(affine("g", h, x)) - 2.0  # squashed input
    o = sigmoid(affine("o", h, x))  # output gate
    c = c + i * g
    h = o * (2.0 * sigmoid(c) - 1.0)
    return h, c
