"""Arrays that came in, checked; gates side by side and apart again; files of such arrays."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..errors import DtypeError, FileError, ShapeError, UnknownNameError, nearest
from ..files import tensors as tensorfiles

if TYPE_CHECKING:
    from ..cell import Cell
    from .table import Gate, Structure

__all__ = [
    "Arrays",
    "array",
    "check_params",
    "check_shapes",
    "extents",
    "joined",
    "load",
    "matrix",
    "one_dtype",
    "parted",
    "said_of",
    "save",
]

Arrays = dict[str, np.ndarray]


# Arrays, checked.


def array(name: str, value: Any) -> np.ndarray:
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


def one_dtype(arrays: Arrays) -> np.dtype:
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


def check_shapes(arrays: Arrays, shapes: Mapping[str, tuple[int, ...]], because: str) -> None:
    """Refuse an array of another shape than it needs."""
    for name, shape in shapes.items():
        if arrays[name].shape != shape:
            raise ShapeError(f"{name} has shape {arrays[name].shape}; it needs {shape}, because {because}")


def matrix(name: str, a: np.ndarray, axes: str) -> tuple[int, int]:
    """The shape of an array, which must be a matrix."""
    if a.ndim != 2:
        raise ShapeError(f"{name} has shape {a.shape}, {a.ndim} axes; it needs {axes}")
    return a.shape


def extents(
    cell: Cell, s: Structure, arrays: Arrays, others: Mapping[int, str], *, turned: bool = False
) -> tuple[int, int, str]:
    """D and H, by the first two arrays, (D, G H) and (H, G H) or `turned` their transposes; and why.

    ShapeError where they have not the cell's number of gates G; `others` says by G what they are then.
    """

    def turn(pair: tuple) -> tuple:
        return pair[::-1] if turned else pair

    G, (W, U, *_) = len(s.row.gates), arrays
    first, second = ("({}, {})".format(*turn((size, f"{G} H"))) for size in "DH")
    D, _ = turn(matrix(W, arrays[W], first))
    H, width = turn(matrix(U, arrays[U], second))
    if width != G * H:
        other = others.get(width // H) if H and width % H == 0 else None
        many, one = turn(("columns", "rows"))
        raise ShapeError(
            f"{U} has shape {arrays[U].shape}{f', as {other}' if other else ''}; {s.row.module}, as "
            f"{cell.name} needs it, has {G} x H {many} for H {one}: {turn((H, G * H))}"
        )
    return D, H, f"{W} has shape {arrays[W].shape} and {U} has {arrays[U].shape}: D = {D}, H = {H}"


def check_params(cell: Cell, params: Mapping[str, Any], s: Structure) -> Arrays:
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
    arrays = {n: array(n, params[n]) for n in names}
    one_dtype(arrays)
    W, U = (next(s.parts())[0] + k for k in (s.row.gates[0].W, s.row.gates[0].U))
    D, _ = matrix(W, arrays[W], "(D, H)")
    H, _ = matrix(U, arrays[U], "(H, H)")
    because = f"{W} has shape {arrays[W].shape} and {U} has {arrays[U].shape}: D = {D}, H = {H}"
    check_shapes(arrays, cell.parameter_shapes(D, H), because)
    return arrays


# Gates side by side, as Keras has them; PyTorch has the transposes.


def joined(arrays: Arrays, prefix: str, gates: tuple[Gate, ...], kind: str) -> np.ndarray:
    """One array of all gates, (..., G H): of W, U or b; or of the second biases, zeros where none is."""
    blocks = []
    for gate in gates:
        name = getattr(gate, kind)
        a = arrays[prefix + name] if name else np.zeros_like(arrays[prefix + gate.b])
        blocks.append(-a if gate.negated and name else a)
    return np.concatenate(blocks, axis=-1)


def parted(s: Structure, prefix: str, W: np.ndarray, U: np.ndarray, b: np.ndarray, second: Any) -> Arrays:
    """Our parameters of one part, from (D, G H), (H, G H) and two biases (G H,); the inverse of `joined`."""
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


# Files.


_OURS = re.compile(
    r"(weight|bias)_(ih|hh)(_l\d+)?(_reverse)?|(\d+\.)?((fwd|bwd)\.)?(recurrent_)?(kernel|bias)"
)
"""What arrays are called in the files that `save_torch` and `save_keras` write."""


def save(path: str | os.PathLike, arrays: Arrays, layout: str, overwrite: bool) -> Path:
    """Write a file of arrays, where none lies that holds something else."""
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


def load(path: str | os.PathLike) -> Arrays:
    """Read the arrays of a file."""
    arrays, metadata = tensorfiles.read(path, advice="PyTorch's own files, .pt, are first read by torch.load")
    arrays = dict(sorted(arrays.items()))  # the reader has them in any order
    if "lstmcourse" in metadata:
        raise FileError(f"{path} is a checkpoint of this package; lstmcourse.checkpoints.load reads it")
    return arrays


def said_of(path: str | os.PathLike, read: Any, cell: Cell, arrays: Any) -> Arrays:
    """Read arrays; where they do not fit, the error says from which file they are."""
    try:
        return read(cell, arrays)
    except (TypeError, ValueError) as error:
        error.add_note(f"read from {path}")
        raise
