"""Keras' list of weights, to and from a cell's parameters, and files of it.

A list has no names, so what its arrays are follows from their order: of each layer, and in it of each
direction, kernel, recurrent kernel and bias, gates side by side.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..errors import ShapeError, UnknownNameError, nearest
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
from .table import KERAS, extent, structure
from .torch import KEY as TORCH_KEY

if TYPE_CHECKING:
    from ..cell import Cell
    from .arrays import Arrays
    from .table import Structure

__all__ = ["from_keras", "load_keras", "save_keras", "to_keras"]

_KINDS = ("kernel", "recurrent_kernel", "bias")
_LAYERS = {1: "of a SimpleRNN", 3: "of a GRU", 4: "of an LSTM"}


def _names(s: Structure, bias: bool = True) -> list[str]:
    """Names for the arrays, in the order of ``get_weights()``."""
    return [prefix + kind for prefix, _, _ in s.parts() for kind in _KINDS[: 3 if bias else 2]]


def _rows_of_bias(s: Structure) -> int:
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
    s = structure(cell, KERAS)
    arrays = check_params(cell, params, s)
    out = []
    for prefix, _, _ in s.parts():
        W, U, b, second = (joined(arrays, prefix, s.row.gates, kind) for kind in ("W", "U", "b", "second"))
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
    s = structure(cell, KERAS)
    arrays = _check_weights(cell, weights, s)
    found: Arrays = {}
    for prefix, _, _ in s.parts():
        W, U, b = (arrays[prefix + kind] for kind in _KINDS)
        found |= parted(s, prefix, W, U, *(b if b.ndim == 2 else (b, np.zeros_like(b))))
    return {p.name: found[p.name] for p in cell.graph.params}


def _check_weights(cell: Cell, weights: Sequence[Any], s: Structure) -> Arrays:
    """The layer's arrays by our names for them, biases filled in where it has none."""
    if not isinstance(weights, Sequence) or isinstance(weights, (str, bytes)):
        hint = "; pass its .get_weights()" if hasattr(weights, "get_weights") else ""
        raise TypeError(f"weights is a {type(weights).__name__}, not a list of arrays{hint}")
    names, bare = _names(s), _names(s, bias=False)
    if len(weights) not in (len(names), len(bare)):
        raise ValueError(
            f"weights has {len(weights)} arrays; {s}, as {cell.name} needs it, has {len(names)}: "
            f"{', '.join(_KINDS)} of each layer and direction (or {len(bare)}, with use_bias=False)"
            f"{_as(weights)}"
        )
    wanted = names if len(weights) == len(names) else bare
    labels = {name: f"weights[{j}] ({name})" for j, name in enumerate(wanted)}
    arrays = {labels[n]: array(labels[n], a) for n, a in zip(wanted, weights, strict=True)}
    dtype = one_dtype(arrays)

    D, H, because = extents(cell, s, arrays, _LAYERS)
    shapes, width = {}, len(s.row.gates) * H
    bias = (2, width) if _rows_of_bias(s) == 2 else (width,)
    for prefix, layer, _ in s.parts():
        below = H * s.directions if layer else D
        shapes |= zip((prefix + k for k in _KINDS), ((below, width), (H, width), bias), strict=True)
    _check_reset(cell, s, {labels[n]: arrays[labels[n]] for n in wanted if n.endswith("bias")}, width)
    check_shapes(arrays, {labels[n]: shapes[n] for n in wanted}, because)
    return {n: arrays[labels[n]] if n in labels else np.zeros(shapes[n], dtype) for n in names}


def _as(weights: Sequence[Any]) -> str:
    """What so many arrays would be."""
    count, rest = divmod(len(weights), 3)
    if rest or not count:
        return ""
    both = f" or {extent(count // 2, 2)}" if count % 2 == 0 else ""
    return f"; so many are of {extent(count, 1)}{both}"


def _check_reset(cell: Cell, s: Structure, biases: Arrays, width: int) -> None:
    """Refuse the biases of a GRU with the other setting of reset_after."""
    if len(s.row.gates) != 3:
        return
    mine = _rows_of_bias(s)
    for label, b in biases.items():
        if b.shape == ((width,) if mine == 2 else (2, width)):
            rows = [row for row in KERAS if len(row.gates) == 3 and row.module != s.row.module]
            raise ShapeError(
                f"{label} has shape {b.shape}, as of {rows[0].module}, and cell {cell.name!r} is "
                f"{s.row.module}, another function; cells that fit are made of "
                f"{' or '.join(row.code() for row in rows)}"
            )


@checks.given(overwrite=checks.truth)
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
    return save(path, dict(zip(_names(structure(cell, KERAS)), weights, strict=True)), "keras", overwrite)


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
    s = structure(cell, KERAS)
    arrays = load(path)
    names = _names(s)
    for key in arrays:
        if key not in names:
            torch = TORCH_KEY.fullmatch(key.rpartition(".")[2])
            hint = "it is of PyTorch's layout, which load_torch reads" if torch else nearest(key, names)
            raise UnknownNameError(f"{path} has {key!r}, which {s} does not have: {hint}")
    wanted = names if any(n.endswith("bias") for n in arrays) else _names(s, bias=False)
    if missing := [n for n in wanted if n not in arrays]:
        raise ValueError(f"{path} lacks {', '.join(map(repr, missing))}; {s} has {', '.join(wanted)}")
    return said_of(path, from_keras, cell, [arrays[n] for n in wanted])
