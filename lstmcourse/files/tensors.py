"""Safetensors files: written whole or not at all, and read with care.

What a reader can do here: `write` arrays by name with metadata, `read` them back, or read the `Header` alone.
A file holds numbers and text, never code, so a file from anyone can be opened: what its header says is
checked against the file's size before memory is taken for it.

A file begins with 8 bytes, the length of the header; then as much JSON, which says for each array its kind of
number, its shape, and where its bytes lie among those that follow; then these bytes, without gaps.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ..errors import DtypeError, FileError
from . import whole as files
from .paths import expand

__all__ = ["Header", "read", "read_header", "refuse_to_replace", "write"]

_SIZES = {
    "BOOL": 1, "U8": 1, "I8": 1, "U16": 2, "I16": 2, "F16": 2, "U32": 4, "I32": 4, "F32": 4,
    "U64": 8, "I64": 8, "F64": 8, "C64": 8, "BF16": 2, "F8_E4M3": 1, "F8_E5M2": 1,
}  # fmt: skip
"""Bytes of each kind of number; `_HELD` are those that NumPy has."""
_HELD = ("BOOL", "U8", "I8", "U16", "I16", "F16", "U32", "I32", "F32", "U64", "I64", "F64", "C64")
_MOST_AXES = 32
_MOST_HEADER = 50_000_000


@dataclass(frozen=True)
class Header:
    """What a file says of itself.

    Attributes
    ----------
    arrays : dict of str to (str, tuple of int, (int, int))
        Kind of number, shape, and first and last byte (excluded) after the header.
    metadata : dict of str to str
    start : int
        Where the arrays begin in the file.
    """

    arrays: dict[str, tuple[str, tuple[int, ...], tuple[int, int]]]
    metadata: dict[str, str]
    start: int

    @property
    def end(self) -> int:
        """The size of the whole file."""
        return self.start + max((ends[1] for _, _, ends in self.arrays.values()), default=0)


def write(path: str | os.PathLike, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> Path:
    """Write a file, as `lstmcourse.files.replace` does.

    Raises
    ------
    DtypeError
        An array is of a kind that such a file cannot hold.
    OSError
        The file cannot be written; the error names it.
    """
    from safetensors.numpy import save as to_bytes

    # Contiguous, because safetensors stores an array's memory as it lies, whatever its strides say.
    tensors = {name: np.ascontiguousarray(a).reshape(np.shape(a)) for name, a in arrays.items()}
    for name, a in tensors.items():
        if a.dtype.kind not in "biuf" or a.dtype.itemsize > 8:
            raise DtypeError(
                f"{name} is {a.dtype}, which a safetensors file cannot hold; it takes float32, float64"
            )
    return files.replace(path, to_bytes(tensors, dict(metadata)))


def read(
    path: str | os.PathLike, error: type[FileError] = FileError, advice: str = "", instead: str = ""
) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return arrays and metadata, or say what is wrong with the file.

    Parameters
    ----------
    path : path
    error : type
        What is raised.
    advice, instead : str
        What to say where it is not such a file at all, and where it is cut short.

    Raises
    ------
    FileError
        There is no such file, it is no safetensors file, cut short or damaged, or its arrays are of a kind
        that NumPy does not have.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load as from_bytes

    path = expand(path)
    with files.opened(path, error) as file:
        header = _header(file, path, error, advice, instead)
        file.seek(0)
        content = file.read()
    for kind, _, _ in header.arrays.values():
        if kind not in _HELD:
            raise error(f"{path} holds arrays of {kind}, which NumPy does not have: store it as float32")
    try:
        return from_bytes(content), header.metadata
    except (SafetensorError, TypeError, ValueError, KeyError) as problem:  # it grew in between
        raise error(f"{path} is damaged: {problem}") from problem


def read_header(path: str | os.PathLike, error: type[FileError] = FileError) -> Header:
    """Return a file's header, if what it says is true of the file's size; errors as `read`."""
    with files.opened(path, error) as file:
        return _header(file, path, error)


def refuse_to_replace(
    path: str | os.PathLike, ours: Callable[[Header], bool], what: str, error: type[FileError] = FileError
) -> None:
    """Raise an error where there is a file that holds something, and is not `what` we write."""
    path = expand(path)
    if not path.is_file() or not path.stat().st_size:
        return
    try:
        known, why = ours(read_header(path, FileError)), "it holds other things"
    except FileError as problem:
        known, why = False, str(problem)
    if not known:
        raise error(
            f"{path} exists and is no {what} ({why}), so it is not replaced: give another path, or say "
            "overwrite=True"
        )


def _header(
    file: BinaryIO, path: str | os.PathLike, error: type[FileError], advice: str = "", instead: str = ""
) -> Header:
    size, start = os.fstat(file.fileno()).st_size, file.read(8)
    length = int.from_bytes(start, "little")
    if file.read(1) != b"{":
        raise error(
            f"{path} is not a safetensors file: its {size} bytes start with {start!r}"
            f"{f'. {advice}' if advice else ''}"
        )
    if size < 8 + length:
        raise error(f"{path} is cut short: {size} bytes, of a header of {length} alone")
    if length > _MOST_HEADER:
        raise error(f"{path} is damaged: a header of {length} bytes; {_MOST_HEADER} are the most")
    said = files.parse_json(b"{" + file.read(length - 1), f"{path} is damaged: its header is", error)
    header = _parse(said, 8 + length, path, error)
    if size < header.end:
        raise error(f"{path} is cut short: {size} bytes of {header.end}{f'; {instead}' if instead else ''}")
    if size > header.end:
        raise error(f"{path} is damaged: {size} bytes, and its header speaks of {header.end}")
    return header


def _parse(said: Any, start: int, path: str | os.PathLike, error: type[FileError]) -> Header:
    """Return a header in words of its own, if it makes sense."""

    def refuse(what: str) -> None:
        raise error(f"{path} is damaged: {what}")

    if not isinstance(said, dict):
        refuse("its header is no table of arrays")
    metadata = said.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(v, str) for v in metadata.values()):
        refuse("its metadata are no texts by name")
    arrays, place = {}, 0
    for name, entry in said.items():
        if not isinstance(entry, dict) or entry.keys() != {"dtype", "shape", "data_offsets"}:
            refuse(f"its header does not say where {name!r} lies")
        kind, shape, ends = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not isinstance(kind, str) or kind not in _SIZES:
            refuse(f"{name!r} is of the unknown kind {kind!r}")
        if not _wholes(shape) or len(shape) > _MOST_AXES or not _wholes(ends) or len(ends) != 2:
            refuse(f"the shape or the place of {name!r} makes no sense")
        if math.prod(max(n, 1) for n in shape) * _SIZES[kind] >= 2**63:
            refuse(f"{name!r} has the shape {tuple(shape)}, which no memory can hold")
        if math.prod(shape) * _SIZES[kind] != ends[1] - ends[0]:
            refuse(f"{name!r} of shape {tuple(shape)} does not fill the bytes {ends[0]} to {ends[1]}")
        arrays[name] = kind, tuple(shape), tuple(ends)
    for name, (_, _, ends) in sorted(arrays.items(), key=lambda item: item[1][2]):
        if ends[0] != place:
            refuse(f"{name!r} begins at byte {ends[0]}, where {place} is the next")
        place = ends[1]
    return Header(arrays, metadata, start)


def _wholes(values: Any) -> bool:
    return isinstance(values, list) and all(type(n) is int and 0 <= n < 2**63 for n in values)
