"""Grid LSTM (Kalchbrenner, Danihelka & Graves 2015): an LSTM along each dimension of a grid."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..cell import Cell, Input
from ..compose import composite
from ..engine.graph import Dim, Node
from ..engine.layers import affine, concat, split, table
from ..engine.ops import apply, expand, identity, relu, sigmoid, tanh, where
from .options import count, flag, one_of

OUTPUTS = ("tanh(o * m)", "o * tanh(m)")
ALPHAS = {"linear": identity, "tanh": tanh, "relu": relu}
SIDES = {1: (), 2: ("time",), 3: ("down", "right"), 4: ("down", "right", "back")}
COLUMNS = ("N", "M")  # sizes of a lattice's axes, all but the first


def along(dims: tuple[str, ...], columns: tuple[str, ...], output: str) -> Cell:
    """The LSTM of one dimension: its gates see the h of all dimensions, its memory m is its own."""
    one_of("output", output, OUTPUTS)

    def lstm(m: Node, **given: Node) -> tuple[Node, Node]:
        H = concat(*given.values()) if len(given) > 1 else next(iter(given.values()))
        i = sigmoid(affine("i", W=H))  # input gate
        f = sigmoid(affine("f", W=H))  # forget gate
        o = sigmoid(affine("o", W=H))  # output gate
        g = tanh(affine("g", W=H))  # candidate
        m = f * m + i * g
        h = tanh(o * m) if output == OUTPUTS[0] else o * tanh(m)
        return m, h

    inputs = [Input("sequence", (*columns, "H"), name=f"h_{d}") for d in dims]
    memory = Input("state", (*columns, "H"), name="m")
    return Cell("lstm", lstm, (*inputs, memory), initial={"b_f": 1.0})


def block(dims: tuple[str, ...], columns: tuple[str, ...], priority: str, depth: str, output: str) -> Cell:
    """One block: from each dimension come h and m, and to each they go.

    A priority dimension sees the others' new h.
    """
    child = along(dims, columns, output)
    memories = [d for d in dims if d != "depth" or depth == "lstm"]
    names = [f"h_{d}" for d in dims] + [f"m_{d}" for d in memories]
    inputs = [Input("sequence", (*columns, "H"), name=name) for name in names]

    def function(**given: Node) -> tuple[Node, ...]:
        new: dict[str, Node] = {}
        for d in sorted(dims, key=lambda d: d == priority):
            seen = [new[f"h_{e}"] if d == priority and e != d else given[f"h_{e}"] for e in dims]
            if d in memories:
                new[f"m_{d}"], new[f"h_{d}"] = child(*seen, given[f"m_{d}"], scope=d)
            else:
                new[f"h_{d}"] = ALPHAS[depth](affine("depth", W=concat(*seen) if len(seen) > 1 else seen[0]))
        return composite({}, {name: new[name] for name in names})

    return Cell("block", function, tuple(inputs), watched=False, output="h_depth")


def shift(a: Node, axis: int) -> Node:
    """Values moved one place on along an axis; what comes in is 0."""
    size = a.shape[axis]
    stay, _ = split(a, size + -1, 1, axis=axis)
    return apply("pad", stay, start=Dim.of(1), stop=size, size=size, axis=axis)


def lattice(
    dims: int = 2,
    layers: int = 2,
    tied: bool = False,
    priority: str = "",
    depth: str = "lstm",
    output: str = "tanh(o * m)",
) -> Cell:
    """Grid LSTM (Kalchbrenner et al. 2015): an LSTM along each dimension of a grid, depth being one of them.

    The input enters at the border of depth, through a layer for h and one for m; what comes out of depth at
    the other end is h. In one dimension it is a deep network of LSTM cells that has no state; in two, the
    other dimension is time. In three, the input is a lattice, run along its diagonals: at step t come the
    places (t - j, j), x (T, B, N, D), which `skewed` makes of a picture; `straightened` undoes it. Columns
    are an axis of the state. In four dimensions there are two such axes, N and M.

    Parameters
    ----------
    dims : {1, 2, 3, 4}
        They are depth and, before it, "time", or "down", "right", "back".
    layers : int
        Length of the grid in depth, from 1.
    tied : bool
        Whether all layers have the same weights, those of layer 0.
    priority : str
        A dimension that is computed last and sees the new h of the others; "" for none.
    depth : {"lstm", "linear", "tanh", "relu"}
        Whether there is an LSTM along depth, or a layer without memory.
    output : {"tanh(o * m)", "o * tanh(m)"}
        How h is made: as the paper prints it, or as LSTMs usually do it.

    Examples
    --------
    >>> lattice(layers=1).states
    ('0.h_time', '0.m_time')
    >>> lattice(dims=3, layers=1).states
    ('0.h_down', '0.h_right', '0.m_down', '0.m_right')
    """
    if dims not in SIDES or type(dims) is not int:
        raise ValueError(f"dims={dims!r}: a grid has 1 to 4 dimensions, of which depth is one")
    count("layers", layers)
    sides = SIDES[dims]
    one_of("priority", priority, ("", *sides, "depth"))
    one_of("depth", depth, ("lstm", *ALPHAS))
    columns = COLUMNS[: max(0, dims - 2)]
    layer = block((*sides, "depth"), columns, priority, depth, output)
    inputs = [Input("sequence", (*columns, "D"), name="x")]
    inputs += [
        Input("state", (*columns, "H"), name=f"{k}.{s}_{d}")
        for k in range(layers)
        for s in "hm"
        for d in sides
    ]
    inputs += [Input("clock", (1,), name="t")] * bool(columns)
    weights = "0" if flag("tied", tied) else None

    def function(**leaves: Any) -> tuple[Node, ...]:
        x, nexts = leaves["x"], {}
        rising = {"h_depth": affine("h", W=x)}
        if depth == "lstm":
            rising["m_depth"] = affine("m", W=x)
        for k in range(layers):
            coming = {name: leaves.get(f"{k}.{name}") for name in layer.emits} | rising
            for axis, d in enumerate(sides[1:], -len(sides)):
                coming |= {f"{s}_{d}": shift(coming[f"{s}_{d}"], axis) for s in "hm"}
            given = [coming[name] for name in layer.emits]
            returned = layer(*given, scope=str(k), weights=weights if k else None)
            new = dict(zip(layer.emits, returned if len(given) > 1 else [returned], strict=True))
            rising = {name: new.pop(name) for name in rising}
            nexts |= {f"{k}.{name}": node for name, node in new.items()}
        if columns:  # before its diagonal has come a place holds nothing
            j = table("j", lambda *n: np.indices(n).sum(0), *columns)
            begun = expand(j <= leaves["t"])
            nexts = {name: where(begun, node, 0.0) for name, node in nexts.items()}
        return composite(nexts, {"h": rising["h_depth"]})

    chosen = dict(dims=dims, layers=layers, tied=tied, priority=priority, depth=depth, output=output)
    return Cell(
        "grid",
        function,
        tuple(inputs),
        chosen,
        output="h",
        watched=False,
        doc=lattice.__doc__ or "",
        maker=lattice,
    )


grid = lattice()


def skewed(a: np.ndarray) -> np.ndarray:
    """A lattice (R, B, N, ...) as its diagonals, (R + N - 1, B, N, ...): row t has the places (t - j, j).

    Examples
    --------
    >>> skewed(np.arange(4.0).reshape(2, 1, 2))[:, 0]
    array([[0., 0.],
           [2., 1.],
           [0., 3.]])
    """
    rows, _, columns = a.shape[:3]
    found = np.zeros((rows + columns - 1, *a.shape[1:]), a.dtype)
    for j in range(columns):
        found[j : j + rows, :, j] = a[:, :, j]
    return found


def straightened(a: np.ndarray) -> np.ndarray:
    """What `skewed` made, such as a run's h or its gradient, as a lattice again.

    Examples
    --------
    >>> straightened(skewed(np.arange(6.0).reshape(3, 1, 2)))[:, 0]
    array([[0., 1.],
           [2., 3.],
           [4., 5.]])
    """
    columns = a.shape[2]
    rows = a.shape[0] - columns + 1
    return np.stack([a[j : j + rows, :, j] for j in range(columns)], axis=2)
