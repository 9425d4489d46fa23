"""The depth-gated LSTM: a gate between the cell states of two layers (Yao et al. 2015)."""

from __future__ import annotations

from typing import Any

from ..cell import Cell, Input, cell, sequence
from ..checks import whole
from ..compose import compose, composite
from ..engine.layers import affine
from ..engine.layers import peephole as diagonal
from ..engine.ops import sigmoid, tanh
from .lstm import PAPER
from .peepholes import peephole


@cell(init={"b_f": 1.0}, letters=PAPER)
def depth_gated_layer(x, h, c, below=sequence("H")):
    """An upper layer: a peephole LSTM into whose cell state that of the layer below flows through gate d.

    The depth gate sees the layer's input, its own past cell state and the lower layer's present one, but not
    h.
    """
    d = sigmoid(affine("d", W=x) + diagonal("d", c) + diagonal("l", below))  # depth gate
    f = sigmoid(affine("f", h, x) + diagonal("f", c))  # forget gate
    i = sigmoid(affine("i", h, x) + diagonal("i", c))  # input gate
    g = tanh(affine("g", h, x))  # candidate
    c = d * below + f * c + i * g
    o = sigmoid(affine("o", h, x) + diagonal("o", c))  # output gate, of the new c
    h = o * tanh(c)
    return h, c


def deep(layers: int = 2) -> Cell:
    """Depth-gated LSTM (Yao et al. 2015): peephole LSTMs, their cell states joined by depth gates.

    Parameters are called ``0.W_f``, ``1.W_d``, states ``0.c``, ``1.c``; ``run["h"]`` is the top layer's.

    Parameters
    ----------
    layers : int
        How many, from 1. The lowest has no depth gate.

    Examples
    --------
    >>> deep(layers=3).states
    ('0.h', '0.c', '1.h', '1.c', '2.h', '2.c')
    """
    whole("layers", layers, 1, 64)
    children = [peephole] + [depth_gated_layer] * (layers - 1)
    inputs = [peephole.inputs[0]] + [
        Input("state", ("H",), name=f"{k}.{s}") for k in range(layers) for s in "hc"
    ]

    def function(**leaves: Any):
        h, nexts, below = leaves["x"], {}, {}
        for k, child in enumerate(children):
            h, c = child(h, leaves[f"{k}.h"], leaves[f"{k}.c"], scope=str(k), **below)
            nexts |= {f"{k}.h": h, f"{k}.c": c}
            below = {"below": c}
        return composite(nexts, {"h": h})

    return compose(
        "depth_gated",
        function,
        inputs,
        children,
        "h",
        options={"layers": layers},
        maker=deep,
        doc=deep.__doc__,
    )


depth_gated = deep()


def residual(layers: int = 2) -> Cell:
    """Peephole LSTMs, each upper one adding what it shows to what it reads: an open path through depth.

    A control for the depth gates, which open one between cell states. Parameters and states are called as
    those of `deep`; there is no gate on the path.

    Examples
    --------
    >>> residual(layers=3).states
    ('0.h', '0.c', '1.h', '1.c', '2.h', '2.c')
    """
    whole("layers", layers, 1, 64)

    def function(**leaves: Any):
        h, nexts = leaves["x"], {}
        for k in range(layers):
            shown, c = peephole(h, leaves[f"{k}.h"], leaves[f"{k}.c"], scope=str(k))
            nexts |= {f"{k}.h": shown, f"{k}.c": c}
            h = h + shown if k else shown
        return composite(nexts, {"h": h})

    inputs = list(deep(layers).inputs)
    return compose("residual", function, inputs, [peephole] * layers, "h", doc=residual.__doc__)
