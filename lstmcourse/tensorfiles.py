"""Safetensors files: written whole or not at all, and read with care.

What a reader can do here: `write` arrays by name with metadata, and `read` them back. A file holds numbers
and text, never code, so a file from anyone can be opened.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from . import files
from .errors import FileError
from .paths import expand

__all__ = ["read", "write"]


def write(path: str | os.PathLike, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str]) -> Path:
    """Write a file, as `lstmcourse.files.replace` does."""
    from safetensors.numpy import save as to_bytes

    # Contiguous, because safetensors stores an array's memory as it lies, whatever its strides say.
    tensors = {name: np.ascontiguousarray(a).reshape(np.shape(a)) for name, a in arrays.items()}
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
    content = files.read(path, error)
    header = _header(path, content, error, advice, instead)
    try:
        return from_bytes(content), header.get("__metadata__", {})
    except KeyError as problem:  # a kind of number
        raise error(
            f"{path} holds arrays of {problem.args[0]}, which NumPy does not have: store it as float32"
        ) from problem
    except (SafetensorError, TypeError, ValueError) as problem:  # its reader checks less than all
        raise error(f"{path} is damaged: {problem}") from problem


def _header(path: Path, content: bytes, error: type[FileError], advice: str, instead: str) -> dict[str, Any]:
    """Return a safetensors header: 8 bytes of length, then as much JSON, with the place of every tensor."""
    length = int.from_bytes(content[:8], "little")
    if len(content) < 9 or content[8:9] != b"{":
        raise error(
            f"{path} is not a safetensors file: its {len(content)} bytes start with {content[:8]!r}"
            f"{f'. {advice}' if advice else ''}"
        )
    if len(content) < 8 + length:
        raise error(f"{path} is cut short: {len(content)} bytes, of a header of {length} alone")
    try:
        header = json.loads(content[8 : 8 + length])
    except (ValueError, RecursionError) as problem:
        raise error(f"{path} is damaged: its header is not JSON ({problem})") from problem
    try:
        ends = [t["data_offsets"][1] for k, t in header.items() if k != "__metadata__"]
        whole = 8 + length + max(ends, default=0)
    except (KeyError, IndexError, TypeError) as problem:
        raise error(f"{path} is damaged: its header does not say where its arrays lie") from problem
    if len(content) < whole:
        instead = f"; {instead}" if instead else ""
        raise error(f"{path} is cut short: {len(content)} bytes of {whole}{instead}")
    return header
