"""The two cells of xLSTM (Beck et al. 2024): exponential gates, a normaliser, a matrix memory."""

from __future__ import annotations

import numpy as np

from ..cell import cell, state
from ..engine.graph import Node
from ..engine.layers import affine, param, table
from ..engine.ops import constant, exp, expand, maximum, minimum, sigmoid, sqrt, sum, tanh, where
from .minimal import log_sigmoid
from .options import one_of

LARGE = 80.0  # exp(-LARGE) is above 0 in float32 too, so that C q = n q = 0 does not end in 0 / 0


def log_gate(a: Node, forget: str) -> Node:
    """Log of the forget gate: of a logistic one, or of an exponential one."""
    return log_sigmoid(a) if one_of("forget", forget, ("sigmoid", "exp")) == "sigmoid" else a


def same_head(H: int, heads: int) -> np.ndarray:
    """1 where two units are in one head: (H, H)."""
    if type(heads) is not int or heads < 1 or H % heads:
        raise ValueError(f"heads={heads!r}: the {H} units are divided into equal heads, so it divides {H}")
    return np.kron(np.eye(heads), np.ones((H // heads, H // heads)))


@cell(init={"b_f": 1.0}, letters={"a_i": r"\tilde{\imath}", "a_f": r"\tilde{f}", "shift": "m"})
def slstm(x, h, c, n, m, forget="sigmoid", heads=1):
    """sLSTM (Beck et al. 2024): an exponential input gate, and a normaliser n beside the cell state.

    m keeps the exponentials within range; h does not depend on it. `forget` is "sigmoid", as in the released
    code, or "exp". Units of one head feed each other.
    """
    M = table("M", lambda H, _: same_head(H, heads), "H", "H")

    def net(label: str) -> Node:
        return affine(label, W=x) + h @ param(f"U_{label}", "H", "H", free=M)

    a_f = log_gate(net("f"), forget)  # log of the forget gate
    a_i = net("i")  # log of the input gate
    z = tanh(net("z"))  # candidate
    o = sigmoid(net("o"))  # output gate
    past = where(n > 0.0, a_f + m, a_i)  # where nothing is stored yet, nothing limits the shift
    shift = maximum(past, a_i)
    f = exp(past - shift)
    i = exp(a_i - shift)
    c = f * c + i * z
    n = f * n + i
    h = o * (c / n)
    return h, c, n, shift


@cell(init={"b_f": 1.0}, letters={"a_i": r"\tilde{\imath}", "a_f": r"\tilde{f}", "shift": "m", "c": "C"})
def mlstm(x, h, n, c=state("H", "H"), m=state(1), forget="sigmoid"):
    """mLSTM (Beck et al. 2024), of one head: the cell state is a matrix that stores values v under keys k.

    The gates are one number each and see the input alone, so nothing of the past enters but C, n and m. m
    keeps the exponentials within range; h does not depend on it. The paper's C q / max(|n q|, exp(-m)) is
    multiplied by exp(m) on both sides where m is negative, so that nothing overflows.
    """
    q = affine("q", W=x)  # query
    k = affine("k", W=x) / sqrt(constant(n.shape[-1]))  # key
    v = affine("v", W=x)  # value
    a_f = log_gate(affine("f", W=x, size=1), forget)  # log of the forget gate
    a_i = affine("i", W=x, size=1)  # log of the input gate
    o = sigmoid(affine("o", W=x))  # output gate
    if forget == "exp":  # may be large where nothing is stored yet: then it does not limit the shift
        past = where(expand(sum(maximum(n, -n))) > 0.0, a_f + m, a_i)
    else:
        past = a_f + m
    shift = maximum(past, a_i)
    f = exp(past - shift)
    i = exp(a_i - shift)
    c = expand(f) * c + expand(i * v) * expand(k, -2)
    n = f * n + i * k
    low = minimum(shift, 0.0)
    s = expand(sum(n * q))
    found = sum(c * expand(q, -2))
    least = maximum(maximum(s, -s) * exp(low), exp(low - minimum(shift, LARGE)))
    h = o * (found * exp(low) / least)
    return h, n, c, shift
