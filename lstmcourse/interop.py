"""Weights to and from other libraries' layouts: plain arrays on both sides, and no library but NumPy.

`to_torch` lays a cell's parameters out as the ``state_dict`` of PyTorch's ``nn.RNN`` or ``nn.LSTM``,
`from_torch` reads one back:

    net = torch.nn.LSTM(3, 5)
    net.load_state_dict({k: torch.from_numpy(a) for k, a in to_torch(lc.cells.lstm, params).items()})
    params = from_torch(lc.cells.lstm, net.state_dict())

===============================  ====================================  =================================
here                             PyTorch                               names
===============================  ====================================  =================================
``rnn``, ``rnn_relu``, ``lstm``  ``nn.RNN``, its ``"relu"``, nn.LSTM   ``W_f`` in ``weight_ih_l0``
``stack([a, a])``                ``num_layers=2``                      ``1.W_f`` in ``weight_ih_l1``
``bidirectional(a)``             ``bidirectional=True``                ``bwd.W_f`` in ``.._l0_reverse``
``stack([bidirectional(a)]*2)``  both                                  ``1.bwd.W_f`` in ``.._l1_reverse``
===============================  ====================================  =================================

What differs between the layouts: PyTorch multiplies columns, W x, so its matrices are transposed; it keeps
the gates of a layer in one array, block under block, in an order of its own (the table `_PYTORCH`); and it
has two biases for each gate, of which only the sum matters.

A cell fits by its equations, not by its name: a cell of your own that computes what ``lstm`` does, with
parameters and states of the same names, fits too, and one that is called ``lstm`` and differs is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import cells
from .cell import Cell, check_dtype
from .compose import bidirectional, stack
from .errors import DtypeError, ShapeError, UnknownNameError, nearest
from .graph import Graph, walk

__all__ = ["from_torch", "to_torch"]

Arrays = dict[str, np.ndarray]


# Which cells fit, and the order of their gates.


@dataclass(frozen=True)
class _Gate:
    """One block of H rows: the names of its matrices and bias.

    `second` is a bias of h U alone, where the equations have one; elsewhere two biases add up to `b`.
    `negated` is for a gate that the other library defines as one minus ours: 1 - σ(a) = σ(-a).
    """

    W: str
    U: str
    b: str
    second: str | None = None
    negated: bool = False


def _gates(labels: str) -> tuple[_Gate, ...]:
    return tuple(_Gate(f"W_{k}", f"U_{k}", f"b_{k}") for k in labels)


@dataclass(frozen=True)
class _Row:
    """A cell, the module that has its equations, and its gates in that module's order."""

    cell: Cell
    module: str
    gates: tuple[_Gate, ...]


_PYTORCH = (
    _Row(cells.rnn, "nn.RNN", _gates("h")),
    _Row(cells.rnn_relu, "nn.RNN(nonlinearity='relu')", _gates("h")),
    _Row(cells.lstm, "nn.LSTM", _gates("ifgo")),
)


# What a cell is made of.


def _extent(layers: int, directions: int) -> str:
    return f"{layers} layer{'s' * (layers != 1)} in {('one direction', 'both directions')[directions - 1]}"


@dataclass(frozen=True)
class _Structure:
    """A cell of the table, how many layers there are of it, and whether each runs in both directions."""

    row: _Row
    layers: int
    directions: int
    stacked: bool

    def parts(self) -> Iterator[tuple[str, int, bool]]:
        """Prefix of our names, number of the layer, and whether it runs backwards, of each copy."""
        for k in range(self.layers):
            for reverse in (False, True)[: self.directions]:
                way = ("bwd." if reverse else "fwd.") if self.directions == 2 else ""
                yield (f"{k}." if self.stacked else "") + way, k, reverse

    def cell(self, dropout: bool = False) -> Cell:
        """The cell that has this structure."""
        layer = bidirectional(self.row.cell) if self.directions == 2 else self.row.cell
        return stack([layer] * self.layers, dropout=dropout) if self.stacked else layer

    def code(self) -> str:
        """How it is written."""
        layer = f"lc.cells.{self.row.cell.name}"
        layer = f"lc.bidirectional({layer})" if self.directions == 2 else layer
        return f"lc.stack([{layer}] * {self.layers})" if self.stacked else layer

    def __str__(self) -> str:
        return f"{self.row.module} with {_extent(self.layers, self.directions)}"


def _meaning(graph: Graph, output: str, numbers: dict[tuple, int]) -> tuple:
    """What a graph computes, as numbers of expressions: equal where the equations are, in any order.

    Which way time runs is part of a state's leaf. Left out: how parameters start, what equations are
    called, and what is emitted beside the output.
    """
    found: dict[Any, int] = {}
    for node in walk([*graph.roots(), *(s.prev for s in graph.states), graph.names[output]]):
        args = [found[a] for a in node.args]
        if node.op.name in ("add", "mul"):
            args.sort()
        name = node.name if node.op.kind == "leaf" else ""
        attrs = sorted((k, repr(v)) for k, v in node.attrs.items() if k not in ("init", "label"))
        key = (node.op.name, name, tuple(attrs), tuple(args), tuple(map(str, node.shape)))
        found[node] = numbers.setdefault(key, len(numbers))
    states = [(s.name, found[s.prev], found[s.start], found[s.next]) for s in graph.states]
    return sorted(states), found[graph.names[output]]


def _structure(cell: Cell, table: tuple[_Row, ...]) -> _Structure:
    """What the cell is made of, if the table has it; ValueError with what fits otherwise."""
    if not isinstance(cell, Cell):
        raise TypeError(f"cell={cell!r}: it takes a Cell, such as lc.cells.lstm")
    names = {p.name for p in cell.graph.params}
    prefixes = {n.rpartition(".")[0] for n in names}
    numbered = {p.partition(".")[0] for p in prefixes if p.partition(".")[0].isdecimal()}
    directions = 2 if any(p.rpartition(".")[2] == "bwd" for p in prefixes) else 1
    dropout = any(i.kind == "noise" for i in cell.inputs)
    for row in table:
        s = _Structure(row, max(1, len(numbered)), directions, stacked=bool(numbered))
        if {prefix + p.name for prefix, _, _ in s.parts() for p in row.cell.graph.params} != names:
            continue
        like, numbers = s.cell(dropout=dropout and s.stacked), {}
        if _meaning(like.graph, like.output, numbers) == _meaning(cell.graph, cell.output, numbers):
            return s
    raise ValueError(f"cell {cell.name!r}{_why_not(cell, prefixes, table)}; {_what_fits(table)}")


def _why_not(cell: Cell, prefixes: set[str], table: tuple[_Row, ...]) -> str:
    if cell.held:
        held = ", ".join(f"{k} at {v:g}" for k, v in cell.held.items())
        return f" holds {held}, which no module does; its weights are those of the cell without override"
    if any(re.match(r"(fwd|bwd)\.\d+", p) for p in prefixes):
        return " joins its two directions above all layers, where modules join them after each layer"
    if cell.name in [row.cell.name for row in table]:
        return f" has the name of lc.cells.{cell.name}, and other equations"
    return " is none of those that have a module of the same equations"


def _what_fits(table: tuple[_Row, ...]) -> str:
    rows = ", ".join(f"lc.cells.{row.cell.name} ({row.module})" for row in table)
    return (
        f"what fits: {rows}; lc.stack([a, a, ...]) of one of them; lc.bidirectional(a); "
        "lc.stack([lc.bidirectional(a), ...])"
    )


# Arrays, checked.


def _array(name: str, value: Any) -> np.ndarray:
    """Anything that NumPy can read, and tensors that must be asked first."""
    try:
        return np.asarray(value.detach().cpu().numpy() if hasattr(value, "detach") else value)
    except TypeError as error:  # a tensor of bfloat16
        raise DtypeError(f"{name}: {error}; convert it to float32 or float64 first") from error
    except ValueError as error:  # lists of different lengths
        raise ShapeError(f"{name} cannot be read as an array: {error}") from error


def _one_dtype(arrays: Arrays) -> np.dtype:
    """The dtype that all agree on."""
    first, *rest = arrays
    dtype = check_dtype(arrays[first].dtype, first)
    for name in rest:
        if check_dtype(arrays[name].dtype, name) != dtype:
            raise DtypeError(
                f"{name} is {arrays[name].dtype}, and {first} is {dtype}; convert one of them, a dtype is "
                "never changed silently"
            )
    return dtype


def _check_shapes(arrays: Arrays, shapes: Mapping[str, tuple[int, ...]], because: str) -> None:
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ShapeError(f"{name} has shape {arrays[name].shape}; it needs {shape}, because {because}")


def _matrix(name: str, a: np.ndarray, axes: str) -> tuple[int, int]:
    if a.ndim != 2:
        raise ShapeError(f"{name} has shape {a.shape}, {a.ndim} axes; it needs {axes}")
    return a.shape


def _check_params(cell: Cell, params: Mapping[str, Any], s: _Structure) -> Arrays:
    """Our parameters as arrays, in the cell's order, of the shapes that the cell needs."""
    if not isinstance(params, Mapping):
        kind = type(params).__name__
        raise TypeError(f"params is a {kind}; it is a dict of arrays by name, as {cell.name}.init(...) gives")
    names = [p.name for p in cell.graph.params]
    for name in params:
        if name not in names:
            raise UnknownNameError(
                f"params has {name!r}, which is not a parameter of {cell.name}: {nearest(name, names)}"
            )
    if missing := [n for n in names if n not in params]:
        raise ValueError(
            f"params lacks {', '.join(map(repr, missing))}; {cell.name} has parameters {', '.join(names)}"
        )
    arrays = {n: _array(n, params[n]) for n in names}
    _one_dtype(arrays)
    W, U = (next(s.parts())[0] + k for k in (s.row.gates[0].W, s.row.gates[0].U))
    D, _ = _matrix(W, arrays[W], "(D, H)")
    H, _ = _matrix(U, arrays[U], "(H, H)")
    because = f"{W} has shape {arrays[W].shape} and {U} has {arrays[U].shape}: D = {D}, H = {H}"
    _check_shapes(arrays, cell.parameter_shapes(D, H), because)
    return arrays


# PyTorch.

_KEY = re.compile(r"(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)_l(\d+)(_reverse)?")
_KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_BLOCKS = {1: "an nn.RNN", 3: "an nn.GRU", 4: "an nn.LSTM"}


def _torch_names(layer: int, reverse: bool) -> tuple[str, str, str, str]:
    """The four names of one layer in one direction, in PyTorch's order."""
    return tuple(f"{kind}_l{layer}{'_reverse' * reverse}" for kind in _KINDS)


def to_torch(cell: Cell, params: Mapping[str, Any]) -> Arrays:
    """Lay a cell's parameters out as PyTorch's ``nn.RNN`` or ``nn.LSTM`` of the same equations has them.

    Parameters
    ----------
    cell : Cell
        ``lc.cells.rnn``, ``rnn_relu`` (``nonlinearity="relu"``) or ``lstm``, a stack of one of them,
        ``bidirectional`` of one, or a stack of those.
    params : dict of str to array
        As ``cell.init`` gives them. Gradients, ``run.backward(...).params``, are laid out as well.

    Returns
    -------
    dict of str to ndarray
        New contiguous arrays of the same dtype, by the names and in the order of the module's
        ``state_dict``: of layer k, ``weight_ih_lk`` (G H, D), ``weight_hh_lk`` (G H, H), ``bias_ih_lk`` and
        ``bias_hh_lk`` (G H,), and the same with ``_reverse``. G = 1 for ``rnn``; for ``lstm`` G = 4, gates
        i, f, g, o. Our bias is in ``bias_ih``; ``bias_hh`` is zeros.

    Raises
    ------
    ValueError
        The cell has no module with its equations, or a parameter is missing.
    UnknownNameError, ShapeError, DtypeError
        A parameter that the cell does not have, or that does not fit.

    Notes
    -----
    Layout of PyTorch 2 (``torch.nn.LSTM``, section Variables). The input is (T, B, D) there too, unless
    ``batch_first=True``.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> params = lc.cells.lstm.init(input_size=3, hidden_size=5, rng=0)
    >>> for name, a in to_torch(lc.cells.lstm, params).items():
    ...     print(name, a.shape)
    weight_ih_l0 (20, 3)
    weight_hh_l0 (20, 5)
    bias_ih_l0 (20,)
    bias_hh_l0 (20,)
    >>> params = {"W_h": [[1.0, 2.0]], "U_h": [[3.0, 4.0], [5.0, 6.0]], "b_h": [7.0, 8.0]}
    >>> to_torch(lc.cells.rnn, params)["weight_hh_l0"]
    array([[3., 5.],
           [4., 6.]])
    """
    s = _structure(cell, _PYTORCH)
    arrays = _check_params(cell, params, s)
    out: Arrays = {}
    for prefix, layer, reverse in s.parts():
        for name, kind in zip(_torch_names(layer, reverse), ("W", "U", "b", "second"), strict=True):
            out[name] = _blocks(arrays, prefix, s.row.gates, kind)
    return out


def _blocks(arrays: Arrays, prefix: str, gates: tuple[_Gate, ...], kind: str) -> np.ndarray:
    """The gates' blocks under each other: transposed matrices, biases, zeros where no bias is."""
    rows = []
    for gate in gates:
        name = getattr(gate, kind)
        a = arrays[prefix + name].T if name else np.zeros_like(arrays[prefix + gate.b])
        rows.append(-a if gate.negated and name else a)
    return np.ascontiguousarray(np.concatenate(rows))


def from_torch(cell: Cell, state_dict: Mapping[str, Any]) -> Arrays:
    """Read the ``state_dict`` of PyTorch's ``nn.RNN`` or ``nn.LSTM`` as a cell's parameters.

    Parameters
    ----------
    cell : Cell
        A cell with the module's equations, layers and directions; see `to_torch`. The arrays of an
        ``nn.RNN`` do not say whether it used tanh (``rnn``) or ReLU (``rnn_relu``).
    state_dict : mapping of str to array
        ``module.state_dict()``: tensors, on any device, or whatever ``np.asarray`` can read. The two
        biases are summed; a module made with ``bias=False`` gives zeros.

    Returns
    -------
    dict of str to ndarray
        New arrays of the same dtype, as ``cell.init`` gives them. What `to_torch` made comes back bit for
        bit.

    Raises
    ------
    ValueError
        The cell has no module with its equations; the module has other layers or directions, or a
        projection (``proj_size``); or an array is missing.
    UnknownNameError, ShapeError, DtypeError
        A name that no such module has, or an array that does not fit.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> cell = lc.stack([lc.bidirectional(lc.cells.lstm)] * 2)
    >>> params = cell.init(input_size=3, hidden_size=5, rng=0)
    >>> again = from_torch(cell, to_torch(cell, params))
    >>> all((again[k] == params[k]).all() for k in params)
    True
    >>> from_torch(lc.cells.lstm, to_torch(cell, params))
    Traceback (most recent call last):
    ...
    ValueError: state_dict has 2 layers in both directions, and cell 'lstm' has 1 layer in one direction; ...
    """
    s = _structure(cell, _PYTORCH)
    arrays, H = _check_state_dict(cell, state_dict, s)
    found: Arrays = {}
    for prefix, layer, reverse in s.parts():
        W, U, b, second = (arrays[name] for name in _torch_names(layer, reverse))
        for j, gate in enumerate(s.row.gates):
            block = slice(j * H, (j + 1) * H)
            mine = {gate.W: W[block].T, gate.U: U[block].T, gate.b: b[block]}
            if gate.second:
                mine[gate.second] = second[block]
            else:
                mine[gate.b] = _sum(b[block], second[block])
            for name, a in mine.items():
                found[prefix + name] = np.array(-a if gate.negated else a, order="C")
    return {p.name: found[p.name] for p in cell.graph.params}


def _sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum; where b is zero exactly a, whose -0.0 would become 0.0 by adding."""
    return np.add(a, b, out=a.copy(), where=b != 0)


def _check_state_dict(cell: Cell, state_dict: Mapping[str, Any], s: _Structure) -> tuple[Arrays, int]:
    """The module's arrays by name, biases filled in where it has none, and H."""
    if not isinstance(state_dict, Mapping):
        hint = "; pass its .state_dict()" if hasattr(state_dict, "state_dict") else ""
        raise TypeError(f"state_dict is a {type(state_dict).__name__}, not a dict of arrays by name{hint}")
    _check_extent(cell, state_dict, s)
    names = [n for _, layer, reverse in s.parts() for n in _torch_names(layer, reverse)]
    biases = [n for n in names if n.startswith("bias")]
    wanted = names if any(n in state_dict for n in biases) else [n for n in names if n not in biases]
    if missing := [n for n in wanted if n not in state_dict]:
        raise ValueError(
            f"state_dict lacks {', '.join(map(repr, missing))}; {s} has {', '.join(wanted)}, and nothing is "
            "taken for zeros but all biases together (bias=False)"
        )
    arrays = {n: _array(n, state_dict[n]) for n in wanted}
    dtype = _one_dtype(arrays)

    G, (ih, hh, *_) = len(s.row.gates), names
    _, D = _matrix(ih, arrays[ih], f"({G} H, D)")
    rows, H = _matrix(hh, arrays[hh], f"({G} H, H)")
    if rows != G * H:
        other = _BLOCKS.get(rows // H) if H and rows % H == 0 else None
        raise ShapeError(
            f"{hh} has shape {arrays[hh].shape}{f', as in {other}' if other else ''}; {s.row.module}, as "
            f"{cell.name} needs it, has {G} x H rows for H columns: {(G * H, H)}"
        )
    shapes = {}
    for _, layer, reverse in s.parts():
        below = H * s.directions if layer else D
        fits = ((G * H, below), (G * H, H), (G * H,), (G * H,))
        shapes |= zip(_torch_names(layer, reverse), fits, strict=True)
    because = f"{ih} has shape {arrays[ih].shape} and {hh} has {arrays[hh].shape}: D = {D}, H = {H}"
    _check_shapes(arrays, {n: shapes[n] for n in wanted}, because)
    return {n: arrays[n] if n in arrays else np.zeros(shapes[n], dtype) for n in names}, H


def _check_extent(cell: Cell, state_dict: Mapping[str, Any], s: _Structure) -> None:
    """Refuse names of other modules, projections, and other layers or directions."""
    keys = {key: _KEY.fullmatch(str(key)) for key in state_dict}
    if unknown := [key for key, match in keys.items() if match is None]:
        raise UnknownNameError(
            f"state_dict has {unknown[0]!r}, which {s} does not have: {_hint(str(unknown[0]), state_dict, s)}"
        )
    projections = [key for key, match in keys.items() if match[1] == "weight_hr"]
    if projections:
        raise ValueError(
            f"state_dict has {projections[0]!r}: an nn.LSTM with proj_size, whose h is a projection; no cell "
            "here has those equations, so it must be one made with proj_size=0"
        )
    layers = 1 + max((int(match[2]) for match in keys.values()), default=0)
    directions = 2 if any(match[3] for match in keys.values()) else 1
    if keys and (layers, directions) != (s.layers, s.directions):
        fits = _Structure(s.row, layers, directions, stacked=layers > 1)
        raise ValueError(
            f"state_dict has {_extent(layers, directions)}, and cell {cell.name!r} has "
            f"{_extent(s.layers, s.directions)}; the cell that fits is {fits.code()}"
        )


def _hint(key: str, state_dict: Mapping[str, Any], s: _Structure) -> str:
    if key in _KINDS:
        return f"it is a name of {s.row.module.partition('(')[0]}Cell; rename it {key + '_l0'!r}"
    for other in map(str, state_dict):
        inner, _, last = other.rpartition(".")
        if inner and _KEY.fullmatch(last):
            return f"it is of a larger model; pass the part under {inner!r}, model.{inner}.state_dict()"
    return nearest(key, [n for _, layer, reverse in s.parts() for n in _torch_names(layer, reverse)])
