"""Cells without recurrence in their gates, so that all steps could be computed at once (Feng et al. 2024)."""

from ..cell import cell
from ..ops import affine, sigmoid
from .gated_units import PAPER


@cell(letters=PAPER)
def min_gru(x, h):
    """minGRU (Feng et al. 2024, "Were RNNs All We Needed?"): gate and candidate see the input alone."""
    z = sigmoid(affine("z", W=x))  # update gate
    g = affine("g", W=x)  # candidate
    h = (1.0 - z) * h + z * g
    return h


@cell(init={"b_f": 1.0}, letters=PAPER)
def min_lstm(x, h):
    """minLSTM (Feng et al. 2024): forget and input gate see the input alone, and are made to add up to 1."""
    f = sigmoid(affine("f", W=x))  # forget gate
    i = sigmoid(affine("i", W=x))  # input gate
    g = affine("g", W=x)  # candidate
    s = f + i
    h = (f / s) * h + (i / s) * g
    return h
