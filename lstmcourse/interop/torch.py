"""PyTorch's ``state_dict``, to and from a cell's parameters, and files of it.

Its names are of a kind, a layer and a direction, ``weight_ih_l0_reverse``; its matrices are the transposes of
ours, gate below gate; each gate has two biases, which are summed but for a GRU's n.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..errors import UnknownNameError, nearest
from .arrays import (
    array,
    check_params,
    check_shapes,
    extents,
    joined,
    load,
    one_dtype,
    parted,
    said_of,
    save,
)
from .table import PYTORCH, Structure, extent, structure

if TYPE_CHECKING:
    from ..cell import Cell
    from .arrays import Arrays

__all__ = ["from_torch", "load_torch", "save_torch", "to_torch"]

KEY = re.compile(r"(weight_ih|weight_hh|weight_hr|bias_ih|bias_hh)_l(\d+)(_reverse)?")
_KINDS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_BLOCKS = {1: "in an nn.RNN", 3: "in an nn.GRU", 4: "in an nn.LSTM"}


def _names(layer: int, reverse: bool) -> tuple[str, str, str, str]:
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
    s = structure(cell, PYTORCH)
    arrays = check_params(cell, params, s)
    out: Arrays = {}
    for prefix, layer, reverse in s.parts():
        for name, kind in zip(_names(layer, reverse), ("W", "U", "b", "second"), strict=True):
            out[name] = np.ascontiguousarray(joined(arrays, prefix, s.row.gates, kind).T)
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
    s = structure(cell, PYTORCH)
    arrays = _check_state_dict(cell, state_dict, s)
    found: Arrays = {}
    for prefix, layer, reverse in s.parts():
        found |= parted(s, prefix, *(arrays[name].T for name in _names(layer, reverse)))
    return {p.name: found[p.name] for p in cell.graph.params}


def _check_state_dict(cell: Cell, state_dict: Mapping[str, Any], s: Structure) -> Arrays:
    """The module's arrays by name, biases filled in where it has none."""
    hint = "; pass its .state_dict()" if hasattr(state_dict, "state_dict") else ""
    checks.mapping("state_dict", state_dict, f"of arrays by name{hint}")
    _check_extent(cell, state_dict, s)
    names = [n for _, layer, reverse in s.parts() for n in _names(layer, reverse)]
    biases = [n for n in names if n.startswith("bias")]
    wanted = names if any(n in state_dict for n in biases) else [n for n in names if n not in biases]
    if missing := [n for n in wanted if n not in state_dict]:
        raise ValueError(
            f"state_dict lacks {', '.join(map(repr, missing))}; {s} has {', '.join(wanted)}, and nothing is "
            "taken for zeros but all biases together (bias=False)"
        )
    arrays = {n: array(n, state_dict[n]) for n in wanted}
    dtype = one_dtype(arrays)

    D, H, because = extents(cell, s, arrays, _BLOCKS, turned=True)
    shapes, width = {}, len(s.row.gates) * H
    for _, layer, reverse in s.parts():
        below = H * s.directions if layer else D
        fits = ((width, below), (width, H), (width,), (width,))
        shapes |= zip(_names(layer, reverse), fits, strict=True)
    check_shapes(arrays, {n: shapes[n] for n in wanted}, because)
    return {n: arrays[n] if n in arrays else np.zeros(shapes[n], dtype) for n in names}


def _check_extent(cell: Cell, state_dict: Mapping[str, Any], s: Structure) -> None:
    """Refuse names of other modules, projections, and other layers or directions."""
    keys = {key: KEY.fullmatch(str(key)) for key in state_dict}
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
        fits = Structure(s.row, layers, directions, stacked=layers > 1)
        raise ValueError(
            f"state_dict has {extent(layers, directions)}, and cell {cell.name!r} has "
            f"{extent(s.layers, s.directions)}; the cell that fits is {fits.code()}"
        )


_NORMED = re.compile(
    r"(?:(.*?)\.)??(?:parametrizations\.)?((?:weight|bias)_[ih]h(?:_l\d+)?(?:_reverse)?)(?:_[guv]|_orig|\.original\d?)"
)


def _hint(key: str, state_dict: Mapping[str, Any], s: Structure) -> str:
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
        if inner and KEY.fullmatch(last):
            return (
                f"it is of a larger model; pass the part under {inner!r}, model.{inner}.state_dict(), or "
                f"load_torch(..., part={inner!r})"
            )
    if {"kernel", "recurrent_kernel"} & {k.rpartition(".")[2] for k in names}:
        return "it is of Keras' layout, which from_keras and load_keras read"
    return nearest(key, [n for _, layer, reverse in s.parts() for n in _names(layer, reverse)])


def _cell_kind(state_dict: Mapping[str, Any], inner: str) -> str:
    """Which of PyTorch's cells has arrays of these shapes."""
    rows, *columns = np.shape(state_dict.get(f"{inner}.weight_hh".lstrip("."), np.empty((0, 1))))
    gates = rows // columns[0] if columns and columns[0] else 0
    return {1: "RNNCell", 3: "GRUCell", 4: "LSTMCell"}.get(gates, "RNNCell, LSTMCell or GRUCell")


@checks.given(overwrite=checks.truth)
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
    return save(path, to_torch(cell, params), "pt", overwrite)


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
    structure(cell, PYTORCH)
    checks.text("part", part)
    arrays = load(path)
    if part:
        inside = {k.removeprefix(f"{part}."): a for k, a in arrays.items() if k.startswith(f"{part}.")}
        if not inside:
            parts = dict.fromkeys(k.rpartition(".")[0] for k in arrays)
            raise UnknownNameError(f"{path} has no part {part!r}: {nearest(part, parts)}")
        arrays = inside
    return said_of(path, from_torch, cell, arrays)
