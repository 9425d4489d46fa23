"""Weights to and from other libraries' layouts: plain arrays on both sides, and no library but NumPy.

PyTorch's ``state_dict`` by `to_torch` and `from_torch`, Keras' weights by `to_keras` and `from_keras`:

    net = torch.nn.LSTM(3, 5)
    net.load_state_dict({k: torch.from_numpy(a) for k, a in to_torch(lc.cells.lstm, params).items()})
    params = from_torch(lc.cells.lstm, net.state_dict())

    net = keras.layers.LSTM(5)
    net.build((None, None, 3))
    net.set_weights(to_keras(lc.cells.lstm, params))
    params = from_keras(lc.cells.lstm, net.get_weights())

`save_torch`, `load_torch`, `save_keras` and `load_keras` do the same with safetensors files.

===============================  ===================================  ========================================
here                             PyTorch                              Keras
===============================  ===================================  ========================================
``rnn``, ``rnn_relu``            ``nn.RNN``, with ``"relu"``          ``SimpleRNN``, with ``"relu"``
``lstm``                         ``nn.LSTM``                          ``LSTM``
``gru_reset_after``              ``nn.GRU``                           ``GRU``
``gru``, ``reset="after"``       ``nn.GRU``, z negated                ``GRU``, z negated
``gru_cho``                      none                                 ``GRU(reset_after=False)``
``gru``                          none                                 ``GRU(reset_after=False)``, z negated
``stack([a, a])``                ``num_layers=2``                     a model of two layers
``bidirectional(a)``             ``bidirectional=True``               ``Bidirectional(a)``
``stack([bidirectional(a)]*2)``  both                                 a model of two of those
===============================  ===================================  ========================================

How the conventions differ, docs/conventions.md tells. The orders of the gates are the tables `_PYTORCH` and
`_KERAS`; but for these, PyTorch's matrices are Keras' transposed.

A cell fits by its equations, not by its name: a cell of your own that computes what ``lstm`` does, with
parameters and states of the same names, fits too, and one that is called ``lstm`` and differs is refused.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import cells, checks
from ..cell import Cell
from ..compose import bidirectional, stack
from ..engine.meaning import Meaning
from ..errors import DtypeError, FileError, ShapeError, UnknownNameError, nearest
from ..files import tensors as tensorfiles

__all__ = [
    "from_keras",
    "from_torch",
    "load_keras",
    "load_torch",
    "save_keras",
    "save_torch",
    "to_keras",
    "to_torch",
]

Arrays = dict[str, np.ndarray]


# Which cells fit, and the order of their gates.


@dataclass(frozen=True)
class _Gate:
    """One block of H units: the names of its matrices and bias.

    `second` is a bias of h U alone, where the equations have one; elsewhere two biases add up to `b`.
    `negated` is for a gate that the other library defines as one minus ours: 1 - σ(a) = σ(-a).
    """

    W: str
    U: str
    b: str
    second: str | None = None
    negated: bool = False


def _gates(letters: str, *, negated: str = "", second: str = "") -> tuple[_Gate, ...]:
    return tuple(
        _Gate(f"W_{k}", f"U_{k}", f"b_{k}", f"b_h{k}" if k in second else None, k in negated) for k in letters
    )


@dataclass(frozen=True)
class _Row:
    """A cell, the module that has its equations, and its gates in that module's order."""

    cell: Cell
    module: str
    gates: tuple[_Gate, ...]

    def code(self) -> str:
        """How the cell is written."""
        name, options = self.cell.name, self.cell.options
        usual = cells.get(name).options if name in cells.names() else options
        chosen = ", ".join(f"{k}={v!r}" for k, v in options.items() if v != usual[k])
        return f"lc.cells.{name}" + (f".with_options({chosen})" if chosen else "")


_GRU_AFTER = cells.gru.with_options(reset="after")  # its z, like gru's, is one minus the libraries' z

_PYTORCH = (
    _Row(cells.rnn, "nn.RNN", _gates("h")),
    _Row(cells.rnn_relu, "nn.RNN(nonlinearity='relu')", _gates("h")),
    _Row(cells.lstm, "nn.LSTM", _gates("ifgo")),
    _Row(cells.gru_reset_after, "nn.GRU", _gates("rzg", second="g")),
    _Row(_GRU_AFTER, "nn.GRU", _gates("rzg", second="g", negated="z")),
)

_KERAS = (
    _Row(cells.rnn, "keras.layers.SimpleRNN", _gates("h")),
    _Row(cells.rnn_relu, "keras.layers.SimpleRNN(activation='relu')", _gates("h")),
    _Row(cells.lstm, "keras.layers.LSTM", _gates("ifgo")),
    _Row(cells.gru_reset_after, "keras.layers.GRU", _gates("zrg", second="g")),
    _Row(_GRU_AFTER, "keras.layers.GRU", _gates("zrg", second="g", negated="z")),
    _Row(cells.gru_cho, "keras.layers.GRU(reset_after=False)", _gates("zrg")),
    _Row(cells.gru, "keras.layers.GRU(reset_after=False)", _gates("zrg", negated="z")),
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
        layer = self.row.code()
        layer = f"lc.bidirectional({layer})" if self.directions == 2 else layer
        return f"lc.stack([{layer}] * {self.layers})" if self.stacked else layer

    def __str__(self) -> str:
        return f"{self.row.module} with {_extent(self.layers, self.directions)}"


def _computes(cell: Cell, meaning: Meaning) -> tuple:
    """What a cell computes, but for what it emits beside its output; how parameters start does not count."""
    meaning.read(cell.graph)
    return meaning.states(cell.graph), meaning.full[cell.graph.names[cell.output]]


def _structure(cell: Cell, table: tuple[_Row, ...]) -> _Structure:
    """What the cell is made of, if the table has it; ValueError with what fits otherwise."""
    checks.instance("cell", cell, Cell, "lc.cells.lstm")
    found = _find(cell, table)
    if found is None:
        raise ValueError(f"cell {cell.name!r}{_why_not(cell, table)}; {_what_fits(table)}")
    return found


def _prefixes(cell: Cell) -> set[str]:
    return {p.name.rpartition(".")[0] for p in cell.graph.params}


@functools.lru_cache(maxsize=64)  # a cell is not changed, and it is asked for again and again
def _find(cell: Cell, table: tuple[_Row, ...]) -> _Structure | None:
    names = {p.name for p in cell.graph.params}
    prefixes = _prefixes(cell)
    numbered = {p.partition(".")[0] for p in prefixes if p.partition(".")[0].isdecimal()}
    directions = 2 if any(p.rpartition(".")[2] == "bwd" for p in prefixes) else 1
    dropout = any(i.kind == "noise" for i in cell.inputs)
    for row in table:
        s = _Structure(row, max(1, len(numbered)), directions, stacked=bool(numbered))
        if {prefix + p.name for prefix, _, _ in s.parts() for p in row.cell.graph.params} != names:
            continue
        like = s.cell(dropout=dropout and s.stacked)
        meaning = Meaning()
        if _computes(cell, meaning) == _computes(like, meaning):
            return s
    return None


def _why_not(cell: Cell, table: tuple[_Row, ...]) -> str:
    if cell.held:
        held = ", ".join(f"{k} at {v:g}" for k, v in cell.held.items())
        return f" holds {held}, which no module does; its weights are those of the cell without override"
    if any(re.match(r"(fwd|bwd)\.\d+", p) for p in _prefixes(cell)):
        return " joins its two directions above all layers, where modules join them after each layer"
    if table is not _KERAS and (elsewhere := _find(cell, _KERAS)):
        return (
            " multiplies h by r before the product with U_g, where nn.GRU multiplies the product: another "
            "function of the same weights, unless U_g is diagonal or r the same for all units. Train "
            f"a cell with reset='after' for nn.GRU; these weights fit {elsewhere.row.module}, by to_keras"
        )
    if cell.name in [row.cell.name for row in table]:
        return f" has the name of lc.cells.{cell.name}, and other equations"
    return " is none of those that have a module of the same equations"


def _what_fits(table: tuple[_Row, ...]) -> str:
    rows = ", ".join(f"{row.code()} ({row.module})" for row in table)
    return (
        f"what fits: {rows}; lc.stack([a, a, ...]) of one of them; lc.bidirectional(a); "
        "lc.stack([lc.bidirectional(a), ...])"
    )


# Arrays, checked.


def _array(name: str, value: Any) -> np.ndarray:
    """An array of numbers, or of a tensor, which must be asked first."""
    if getattr(value, "is_meta", False):
        raise TypeError(
            f"{name} is on the device meta, where a tensor has a shape and no numbers; load it first"
        )
    layout = str(getattr(value, "layout", "torch.strided"))
    if layout != "torch.strided":
        raise TypeError(f"{name} is a tensor of layout {layout}; pass {name}.to_dense()")
    if getattr(value, "is_quantized", False):
        raise TypeError(f"{name} is a quantized tensor; pass {name}.dequantize()")
    try:
        if hasattr(value, "detach"):
            value = value.detach().cpu().numpy()
        elif hasattr(value, "__dlpack__") and not isinstance(value, np.ndarray):
            value = np.asarray(value)
    except TypeError as error:  # a tensor of bfloat16
        raise DtypeError(f"{name}: {error}; convert it to float32 or float64 first") from error
    return checks.array(name, value, checks.ANY)


def _one_dtype(arrays: Arrays) -> np.dtype:
    """The dtype that all agree on."""
    first, *rest = arrays
    dtype = checks.dtype(arrays[first].dtype, first)
    for name in rest:
        if checks.dtype(arrays[name].dtype, name) != dtype:
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
    checks.mapping("params", params, f"of arrays by name, as {cell.name}.init(...) gives")
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


# Gates side by side, as Keras has them; PyTorch has the transposes.


def _joined(arrays: Arrays, prefix: str, gates: tuple[_Gate, ...], kind: str) -> np.ndarray:
    """One array of all gates, (..., G H): of W, U or b; or of the second biases, zeros where none is."""
    blocks = []
    for gate in gates:
        name = getattr(gate, kind)
        a = arrays[prefix + name] if name else np.zeros_like(arrays[prefix + gate.b])
        blocks.append(-a if gate.negated and name else a)
    return np.concatenate(blocks, axis=-1)


def _parted(s: _Structure, prefix: str, W: np.ndarray, U: np.ndarray, b: np.ndarray, second: Any) -> Arrays:
    """Our parameters of one part, from (D, G H), (H, G H) and two biases (G H,); the inverse of `_joined`."""
    found, H = {}, len(U)
    for j, gate in enumerate(s.row.gates):
        block = slice(j * H, (j + 1) * H)
        mine = {gate.W: W[:, block], gate.U: U[:, block], gate.b: b[block]}
        if gate.second:
            mine[gate.second] = second[block]
        else:
            mine[gate.b] = _sum(b[block], second[block])
        for name, a in mine.items():
            found[prefix + name] = np.array(-a if gate.negated else a, order="C")
    return found


def _sum(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The sum; where b is zero exactly a, whose -0.0 would become 0.0 by adding."""
    return np.add(a, b, out=a.copy(), where=b != 0)


# PyTorch.

_KEY = re.compile(r"(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)_l(\d+)(_reverse)?")
_KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_BLOCKS = {1: "an nn.RNN", 3: "an nn.GRU", 4: "an nn.LSTM"}


def _torch_names(layer: int, reverse: bool) -> tuple[str, str, str, str]:
    """The four names of one layer in one direction, in PyTorch's order."""
    return tuple(f"{kind}_l{layer}{'_reverse' * reverse}" for kind in _KINDS)


def to_torch(cell: Cell, params: Mapping[str, Any]) -> Arrays:
    """Lay a cell's parameters out as PyTorch's ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU`` of the same equations.

    Parameters
    ----------
    cell : Cell
        ``lc.cells.rnn``, ``rnn_relu`` (``nonlinearity="relu"``), ``lstm``, ``gru_reset_after`` or
        ``gru.with_options(reset="after")``, a stack of one of them, ``bidirectional`` of one, or a stack of
        those.
    params : dict of str to array
        As ``cell.init`` gives them. Gradients, ``run.backward(...).params``, are laid out as well.

    Returns
    -------
    dict of str to ndarray
        New contiguous arrays of the same dtype, by the names and in the order of the module's
        ``state_dict``: of layer k, ``weight_ih_lk`` (G H, D), ``weight_hh_lk`` (G H, H), ``bias_ih_lk`` and
        ``bias_hh_lk`` (G H,), and the same with ``_reverse``. G = 1 for ``rnn``; for ``lstm`` G = 4, gates
        i, f, g, o; for a GRU G = 3, gates r, z, n. Our bias is in ``bias_ih``; ``bias_hh`` is zeros but for
        a GRU's n, which has b_hg there.

    Raises
    ------
    ValueError
        The cell has no module with its equations, or a parameter is missing.
    UnknownNameError, ShapeError, DtypeError
        A parameter that the cell does not have, or that does not fit.

    Notes
    -----
    Layout of PyTorch 2 (``torch.nn.LSTM``, section Variables). The input is (T, B, D) there too, unless
    ``batch_first=True``. nn.GRU's z is the share of the old state: of a cell whose z is that of the new one,
    W_z, U_z and b_z come out negated, which is exact.

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
            out[name] = np.ascontiguousarray(_joined(arrays, prefix, s.row.gates, kind).T)
    return out


def from_torch(cell: Cell, state_dict: Mapping[str, Any]) -> Arrays:
    """Read the ``state_dict`` of PyTorch's ``nn.RNN``, ``nn.LSTM`` or ``nn.GRU`` as a cell's parameters.

    Parameters
    ----------
    cell : Cell
        A cell with the module's equations, layers and directions; see `to_torch`. The arrays of an
        ``nn.RNN`` do not say whether it used tanh (``rnn``) or ReLU (``rnn_relu``).
    state_dict : mapping of str to array
        ``module.state_dict()``: tensors, on any device, or whatever ``np.asarray`` can read. The two
        biases are summed, all but those of a GRU's n, which both matter; a module made with ``bias=False``
        gives zeros.

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
    arrays = _check_state_dict(cell, state_dict, s)
    found: Arrays = {}
    for prefix, layer, reverse in s.parts():
        found |= _parted(s, prefix, *(arrays[name].T for name in _torch_names(layer, reverse)))
    return {p.name: found[p.name] for p in cell.graph.params}


def _check_state_dict(cell: Cell, state_dict: Mapping[str, Any], s: _Structure) -> Arrays:
    """The module's arrays by name, biases filled in where it has none."""
    hint = "; pass its .state_dict()" if hasattr(state_dict, "state_dict") else ""
    checks.mapping("state_dict", state_dict, f"of arrays by name{hint}")
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
    return {n: arrays[n] if n in arrays else np.zeros(shapes[n], dtype) for n in names}


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


_NORMED = re.compile(
    r"(?:(.*?)\.)??(?:parametrizations\.)?((?:weight|bias)_[ih]h(?:_l\d+)?(?:_reverse)?)(?:_[guv]|_orig|\.original\d?)"
)


def _hint(key: str, state_dict: Mapping[str, Any], s: _Structure) -> str:
    names = list(map(str, state_dict))
    if found := next(filter(None, map(_NORMED.fullmatch, names)), None):
        module = f"model.{found[1]}" if found[1] else "module"
        return (
            f"{found[0]!r} shows that {module} is weight-normed, or parametrized in another way, so that its "
            "weights are made of several arrays; first call torch.nn.utils.parametrize."
            f"remove_parametrizations({module}, {found[2]!r}) (or remove_weight_norm), for each of its "
            f"weights, then {module}.state_dict()"
        )
    inner, last = next(((i, n) for i, _, n in (k.rpartition(".") for k in names) if n in _KINDS), ("", ""))
    if last:
        module = f"model.{inner}" if inner else "module"
        part = f"of a larger model, whose part {inner!r} is" if inner else "a name of"
        return (
            f"it is {part} an nn.{_cell_kind(state_dict, inner)}, one step of one layer; rename {last!r} to "
            f"{last + '_l0'!r} and so on: {{name + '_l0': a for name, a in {module}.state_dict().items()}}"
        )
    for other in names:
        inner, _, last = other.rpartition(".")
        if inner and _KEY.fullmatch(last):
            return (
                f"it is of a larger model; pass the part under {inner!r}, model.{inner}.state_dict(), or "
                f"load_torch(..., part={inner!r})"
            )
    if {"kernel", "recurrent_kernel"} & {k.rpartition(".")[2] for k in names}:
        return "it is of Keras' layout, which from_keras and load_keras read"
    return nearest(key, [n for _, layer, reverse in s.parts() for n in _torch_names(layer, reverse)])


def _cell_kind(state_dict: Mapping[str, Any], inner: str) -> str:
    """Which of PyTorch's cells has arrays of these shapes."""
    rows, *columns = np.shape(state_dict.get(f"{inner}.weight_hh".lstrip("."), np.empty((0, 1))))
    gates = rows // columns[0] if columns and columns[0] else 0
    return {1: "RNNCell", 3: "GRUCell", 4: "LSTMCell"}.get(gates, "RNNCell, LSTMCell or GRUCell")


def save_torch(
    path: str | os.PathLike, cell: Cell, params: Mapping[str, Any], *, overwrite: bool = False
) -> Path:
    """Write what `to_torch` gives to a safetensors file, and return the path.

    In PyTorch, ``net.load_state_dict(safetensors.torch.load_file(path))`` reads it.

    Parameters
    ----------
    path : path
        Usually ``*.safetensors``. The file is replaced as a whole; folders are made where they are missing.
    cell, params
        As `to_torch` takes them; float32 or float64.
    overwrite : bool
        Replace a file also if it holds something else than such weights.

    Raises
    ------
    FileError
        There is a file that holds something else.
    DtypeError
        The parameters are complex: such files have no complex128.
    ValueError, UnknownNameError, ShapeError
        As `to_torch`.

    Examples
    --------
    >>> import tempfile, lstmcourse as lc
    >>> cell = lc.cells.gru_reset_after
    >>> params = cell.init(input_size=3, hidden_size=5, rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = load_torch(save_torch(f"{folder}/gru.safetensors", cell, params), cell)
    >>> all((again[k] == params[k]).all() for k in params)
    True
    """
    return _save(path, to_torch(cell, params), "pt", overwrite)


def load_torch(path: str | os.PathLike, cell: Cell, *, part: str = "") -> Arrays:
    """Read a safetensors file of a ``state_dict`` as a cell's parameters.

    Parameters
    ----------
    path : path
        Written by `save_torch`, or in PyTorch by ``safetensors.torch.save_file(net.state_dict(), path)``.
    cell : Cell
        See `from_torch`.
    part : str, optional
        Of a larger model, the part to read: ``"body.rnn"`` for names such as ``body.rnn.weight_ih_l0``.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    FileError
        There is no such file, it is no safetensors file, cut short, damaged, or a checkpoint of this package.
    ValueError, UnknownNameError, ShapeError, DtypeError
        As `from_torch`; or the model has no such part.
    """
    _structure(cell, _PYTORCH)
    checks.text("part", part)
    arrays = _load(path)
    if part:
        inside = {k.removeprefix(f"{part}."): a for k, a in arrays.items() if k.startswith(f"{part}.")}
        if not inside:
            parts = dict.fromkeys(k.rpartition(".")[0] for k in arrays)
            raise UnknownNameError(f"{path} has no part {part!r}: {nearest(part, parts)}")
        arrays = inside
    return _said_of(path, from_torch, cell, arrays)


# Keras.

_KERAS_KINDS = ("kernel", "recurrent_kernel", "bias")
_LAYERS = {1: "SimpleRNN", 3: "GRU", 4: "LSTM"}


def _keras_names(s: _Structure, bias: bool = True) -> list[str]:
    """Names for the arrays, in the order of ``get_weights()``."""
    return [prefix + kind for prefix, _, _ in s.parts() for kind in _KERAS_KINDS[: 3 if bias else 2]]


def _rows_of_bias(s: _Structure) -> int:
    return 2 if any(gate.second for gate in s.row.gates) else 1


def to_keras(cell: Cell, params: Mapping[str, Any]) -> list[np.ndarray]:
    """Lay a cell's parameters out as Keras' ``SimpleRNN``, ``LSTM`` or ``GRU`` of the same equations.

    Parameters
    ----------
    cell : Cell
        ``lc.cells.rnn``, ``rnn_relu`` (``activation="relu"``), ``lstm``; ``gru_reset_after`` or
        ``gru.with_options(reset="after")`` (``GRU``); ``gru_cho`` or ``gru`` (``reset_after=False``); a stack
        of one of them (a model of several layers), ``bidirectional`` of one (``Bidirectional``), or a stack
        of those.
    params : dict of str to array
        As ``cell.init`` gives them. Gradients, ``run.backward(...).params``, are laid out as well.

    Returns
    -------
    list of ndarray
        What ``set_weights`` of the layer, or of a model of such layers, takes: new contiguous arrays of the
        same dtype, of each layer and in it of each direction kernel (D, G H), recurrent kernel (H, G H) and
        bias (G H,). Gates stand in the order i, f, c, o for ``lstm``; z, r, h for a GRU, whose bias is
        (2, 3 H) where the reset comes after: our biases, then zeros but for h, which has b_hg there.

    Raises
    ------
    ValueError
        The cell has no layer with its equations, or a parameter is missing.
    UnknownNameError, ShapeError, DtypeError
        A parameter that the cell does not have, or that does not fit.

    Notes
    -----
    Layout of Keras 3. Keras has the batch first, (B, T, D), and gives every step with
    ``return_sequences=True``. Its defaults fit: ``recurrent_activation="sigmoid"``, and ``Bidirectional``
    with ``merge_mode="concat"``. Its z is the share of the old state: of a cell whose z is that of the new
    one, W_z, U_z and b_z come out negated, which is exact.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> params = lc.cells.lstm.init(input_size=3, hidden_size=5, rng=0)
    >>> [a.shape for a in to_keras(lc.cells.lstm, params)]
    [(3, 20), (5, 20), (20,)]
    >>> cell = lc.bidirectional(lc.cells.gru_reset_after)
    >>> [a.shape for a in to_keras(cell, cell.init(input_size=3, hidden_size=5, rng=0))]
    [(3, 15), (5, 15), (2, 15), (3, 15), (5, 15), (2, 15)]
    """
    s = _structure(cell, _KERAS)
    arrays = _check_params(cell, params, s)
    out = []
    for prefix, _, _ in s.parts():
        W, U, b, second = (_joined(arrays, prefix, s.row.gates, kind) for kind in ("W", "U", "b", "second"))
        out += [W, U, b if _rows_of_bias(s) == 1 else np.stack([b, second])]
    return out


def from_keras(cell: Cell, weights: Sequence[Any]) -> Arrays:
    """Read the weights of Keras' ``SimpleRNN``, ``LSTM`` or ``GRU`` as a cell's parameters.

    Parameters
    ----------
    cell : Cell
        A cell with the layer's equations, layers and directions; see `to_keras`.
    weights : list of array
        ``layer.get_weights()``, or that of a model of such layers and nothing else: a list says nothing of
        activations, nor, where D = H, of two layers from two directions. Where a GRU has two biases, they
        are summed for z and r; what was made with ``use_bias=False`` gives zeros.

    Returns
    -------
    dict of str to ndarray
        New arrays of the same dtype, as ``cell.init`` gives them. What `to_keras` made comes back bit for
        bit.

    Raises
    ------
    ValueError
        The cell has no layer with its equations, or there are more or fewer arrays than it needs.
    ShapeError, DtypeError
        An array that does not fit.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> params = lc.cells.gru.init(input_size=3, hidden_size=5, rng=0)
    >>> again = from_keras(lc.cells.gru, to_keras(lc.cells.gru, params))
    >>> all((again[k] == params[k]).all() for k in params)
    True
    >>> from_keras(lc.cells.gru_reset_after, to_keras(lc.cells.gru, params))
    Traceback (most recent call last):
    ...
    lstmcourse.errors.ShapeError: weights[2] (bias) has shape (15,), as of keras.layers.GRU(reset_after=F...
    """
    s = _structure(cell, _KERAS)
    arrays = _check_weights(cell, weights, s)
    found: Arrays = {}
    for prefix, _, _ in s.parts():
        W, U, b = (arrays[prefix + kind] for kind in _KERAS_KINDS)
        found |= _parted(s, prefix, W, U, *(b if b.ndim == 2 else (b, np.zeros_like(b))))
    return {p.name: found[p.name] for p in cell.graph.params}


def _check_weights(cell: Cell, weights: Sequence[Any], s: _Structure) -> Arrays:
    """The layer's arrays by our names for them, biases filled in where it has none."""
    if not isinstance(weights, Sequence) or isinstance(weights, (str, bytes)):
        hint = "; pass its .get_weights()" if hasattr(weights, "get_weights") else ""
        raise TypeError(f"weights is a {type(weights).__name__}, not a list of arrays{hint}")
    names, bare = _keras_names(s), _keras_names(s, bias=False)
    if len(weights) not in (len(names), len(bare)):
        raise ValueError(
            f"weights has {len(weights)} arrays; {s}, as {cell.name} needs it, has {len(names)}: "
            f"{', '.join(_KERAS_KINDS)} of each layer and direction (or {len(bare)}, with use_bias=False)"
            f"{_as(weights)}"
        )
    wanted = names if len(weights) == len(names) else bare
    labels = {name: f"weights[{j}] ({name})" for j, name in enumerate(wanted)}
    arrays = {labels[n]: _array(labels[n], a) for n, a in zip(wanted, weights, strict=True)}
    dtype = _one_dtype(arrays)

    G, (kernel, recurrent, *_) = len(s.row.gates), labels.values()
    D, _ = _matrix(kernel, arrays[kernel], f"(D, {G} H)")
    H, columns = _matrix(recurrent, arrays[recurrent], f"(H, {G} H)")
    if columns != G * H:
        other = _LAYERS.get(columns // H) if H and columns % H == 0 else None
        raise ShapeError(
            f"{recurrent} has shape {arrays[recurrent].shape}{f', as of a {other}' if other else ''}; "
            f"{s.row.module}, as {cell.name} needs it, has {G} x H columns for H rows: {(H, G * H)}"
        )
    bias = (2, G * H) if _rows_of_bias(s) == 2 else (G * H,)
    shapes = {}
    for prefix, layer, _ in s.parts():
        below = H * s.directions if layer else D
        shapes |= zip((prefix + k for k in _KERAS_KINDS), ((below, G * H), (H, G * H), bias), strict=True)
    _check_reset(cell, s, {labels[n]: arrays[labels[n]] for n in wanted if n.endswith("bias")}, G * H)
    because = f"{kernel} has shape {arrays[kernel].shape} and {recurrent} {arrays[recurrent].shape}: "
    _check_shapes(arrays, {labels[n]: shapes[n] for n in wanted}, f"{because}D = {D}, H = {H}")
    return {n: arrays[labels[n]] if n in labels else np.zeros(shapes[n], dtype) for n in names}


def _as(weights: Sequence[Any]) -> str:
    """What so many arrays would be."""
    count, rest = divmod(len(weights), 3)
    if rest or not count:
        return ""
    both = f" or {_extent(count // 2, 2)}" if count % 2 == 0 else ""
    return f"; so many are of {_extent(count, 1)}{both}"


def _check_reset(cell: Cell, s: _Structure, biases: Arrays, width: int) -> None:
    """Refuse the biases of a GRU with the other setting of reset_after."""
    if len(s.row.gates) != 3:
        return
    mine = _rows_of_bias(s)
    for label, b in biases.items():
        if b.shape == ((width,) if mine == 2 else (2, width)):
            rows = [row for row in _KERAS if len(row.gates) == 3 and row.module != s.row.module]
            raise ShapeError(
                f"{label} has shape {b.shape}, as of {rows[0].module}, and cell {cell.name!r} is "
                f"{s.row.module}, another function; cells that fit are made of "
                f"{' or '.join(row.code() for row in rows)}"
            )


def save_keras(
    path: str | os.PathLike, cell: Cell, params: Mapping[str, Any], *, overwrite: bool = False
) -> Path:
    """Write what `to_keras` gives to a safetensors file, and return the path.

    Keras itself reads no such files; ``layer.set_weights`` takes the arrays, in the order of the example.

    Parameters
    ----------
    path : path
        Usually ``*.safetensors``. The file is replaced as a whole; folders are made where they are missing.
    cell, params
        As `to_keras` takes them; float32 or float64.
    overwrite : bool
        Replace a file also if it holds something else than such weights.

    Raises
    ------
    FileError
        There is a file that holds something else.
    DtypeError
        The parameters are complex: such files have no complex128.
    ValueError, UnknownNameError, ShapeError
        As `to_keras`.

    Examples
    --------
    >>> import tempfile, lstmcourse as lc
    >>> from safetensors.numpy import load_file
    >>> params = lc.cells.lstm.init(input_size=3, hidden_size=5, rng=0)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = load_file(save_keras(f"{folder}/lstm.safetensors", lc.cells.lstm, params))
    >>> weights = [file[k] for k in ("kernel", "recurrent_kernel", "bias")]
    >>> [a.shape for a in weights]
    [(3, 20), (5, 20), (20,)]

    Those of layer 1 that runs backwards are called ``1.bwd.kernel`` and so on, by the same prefixes as our
    parameters.
    """
    weights = to_keras(cell, params)
    return _save(
        path, dict(zip(_keras_names(_structure(cell, _KERAS)), weights, strict=True)), "keras", overwrite
    )


def load_keras(path: str | os.PathLike, cell: Cell) -> Arrays:
    """Read a safetensors file of `save_keras`, or with the same names, as a cell's parameters.

    Parameters
    ----------
    path : path
    cell : Cell
        See `from_keras`.

    Returns
    -------
    dict of str to ndarray

    Raises
    ------
    FileError
        There is no such file, it is no safetensors file, cut short, damaged, or a checkpoint of this package.
    ValueError, UnknownNameError, ShapeError, DtypeError
        An array that the layer does not have, or that is missing; and as `from_keras`.
    """
    s = _structure(cell, _KERAS)
    arrays = _load(path)
    names = _keras_names(s)
    for key in arrays:
        if key not in names:
            torch = _KEY.fullmatch(key.rpartition(".")[2])
            hint = "it is of PyTorch's layout, which load_torch reads" if torch else nearest(key, names)
            raise UnknownNameError(f"{path} has {key!r}, which {s} does not have: {hint}")
    wanted = names if any(n.endswith("bias") for n in arrays) else _keras_names(s, bias=False)
    if missing := [n for n in wanted if n not in arrays]:
        raise ValueError(f"{path} lacks {', '.join(map(repr, missing))}; {s} has {', '.join(wanted)}")
    return _said_of(path, from_keras, cell, [arrays[n] for n in wanted])


# Files.


_OURS = re.compile(
    r"(weight|bias)_(ih|hh)(_l\d+)?(_reverse)?|(\d+\.)?((fwd|bwd)\.)?(recurrent_)?(kernel|bias)"
)
"""What arrays are called in the files that `save_torch` and `save_keras` write."""


def _save(path: str | os.PathLike, arrays: Arrays, layout: str, overwrite: bool) -> Path:
    for name, a in arrays.items():
        if a.dtype.kind == "c":
            raise DtypeError(
                f"{name} is {a.dtype}, which a safetensors file cannot hold; it takes float32, float64"
            )

    def ours(header: tensorfiles.Header) -> bool:
        return header.metadata.get("format") in ("pt", "keras") and all(map(_OURS.fullmatch, header.arrays))

    if not overwrite:
        tensorfiles.refuse_to_replace(path, ours, "file of such weights")
    return tensorfiles.write(path, arrays, {"format": layout})


def _load(path: str | os.PathLike) -> Arrays:
    arrays, metadata = tensorfiles.read(path, advice="PyTorch's own files, .pt, are first read by torch.load")
    arrays = dict(sorted(arrays.items()))  # the reader has them in any order
    if "lstmcourse" in metadata:
        raise FileError(f"{path} is a checkpoint of this package; lstmcourse.checkpoints.load reads it")
    return arrays


def _said_of(path: str | os.PathLike, read: Any, cell: Cell, arrays: Any) -> Arrays:
    """Read arrays; where they do not fit, the error says from which file they are."""
    try:
        return read(cell, arrays)
    except (TypeError, ValueError) as error:
        error.add_note(f"read from {path}")
        raise
