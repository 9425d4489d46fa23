"""Coupled gates: what is forgotten makes room for what is written."""

from ..cell import cell
from ..engine.layers import affine
from ..engine.ops import sigmoid, tanh
from .lstm import PAPER
from .options import one_of


@cell(letters=PAPER)
def coupled(x, h, c, learned="f"):
    """LSTM with one gate for both decisions, i = 1 - f, as the essay has it.

    With ``learned="i"`` the input gate is the learned one and f = 1 - i, as in Greff et al. (2017): the same
    functions, by other parameters. A cell state that starts within [-1, 1] stays there.
    """
    if one_of("learned", learned, "fi") == "f":
        f = sigmoid(affine("f", h, x, bias=1.0))  # forget gate
        i = 1.0 - f
    else:
        i = sigmoid(affine("i", h, x, bias=-1.0))  # input gate
        f = 1.0 - i
    g = tanh(affine("g", h, x))  # candidate
    o = sigmoid(affine("o", h, x))  # output gate
    c = f * c + i * g
    h = o * tanh(c)
    return h, c
