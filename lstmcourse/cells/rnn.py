"""Plain recurrent networks: one squashing layer, fed with its own last output."""

from ..cell import cell
from ..engine.layers import affine
from ..engine.ops import relu, tanh


@cell
def rnn(x, h):
    """Plain recurrent network (Elman 1990), with tanh as the essay draws it."""
    h = tanh(affine("h", h, x))
    return h


@cell(init={"U_h": "identity", "W_h": ("normal", 0.001)})
def rnn_relu(x, h):
    """ReLU recurrent network that starts from the identity: IRNN (Le, Jaitly & Hinton 2015,
    arXiv:1504.00941).
    """
    h = relu(affine("h", h, x))
    return h
