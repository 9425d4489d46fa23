"""Cells without recurrence in their gates, so that all steps could be computed at once (Feng et al. 2024)."""

from ..cell import cell
from ..engine.graph import Node
from ..engine.layers import affine
from ..engine.ops import sigmoid, softplus
from .gated_units import PAPER


def log_sigmoid(a: Node) -> Node:
    """Log of a logistic gate, also where the gate itself is too small for floats."""
    return -softplus(-a)


@cell(letters=PAPER)
def min_gru(x, h):
    """minGRU (Feng et al. 2024, "Were RNNs All We Needed?"): gate and candidate see the input alone."""
    z = sigmoid(affine("z", W=x))  # update gate
    g = affine("g", W=x)  # candidate
    h = (1.0 - z) * h + z * g
    return h


@cell(init={"b_f": 1.0}, letters=PAPER | {"a_i": r"\tilde{\imath}", "a_f": r"\tilde{f}"})
def min_lstm(x, h):
    """minLSTM (Feng et al. 2024): forget and input gate see the input alone, and are made to add up to 1.

    The shares f / (f + i) and i / (f + i) are computed from the logs of the gates, so that they have values
    where both gates are too small for floats.
    """
    a_f = log_sigmoid(affine("f", W=x))  # log of the forget gate
    a_i = log_sigmoid(affine("i", W=x))  # log of the input gate
    g = affine("g", W=x)  # candidate
    f = sigmoid(a_f - a_i)  # share of the forget gate
    i = sigmoid(a_i - a_f)  # share of the input gate
    h = f * h + i * g
    return h
