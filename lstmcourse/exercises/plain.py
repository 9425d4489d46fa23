"""Plain data: what is compared, numbers and texts of Python's and NumPy's own kinds, whatever was given.

An object of the reader's is never asked whether it is equal to anything.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["NoNumbers", "nothing", "numbers", "same", "structure"]

SAME = 1e-8  # float64 rounding stays far below, a mistake far above
MOST = 1_000_000  # numbers in an answer


class NoNumbers(ValueError):
    """What was given has no numbers in it, or too many; the message says what it is."""


def nothing(value: object) -> bool:
    """Whether an answer has not been begun.

    Examples
    --------
    >>> [nothing(v) for v in (None, ..., "", 0.0, [])]
    [True, True, True, False, True]
    """
    return value is None or value is Ellipsis or (type(value) in (str, list, tuple, dict) and not value)


def numbers(value: object) -> np.ndarray:
    """An array of float64, or of bool, as a copy.

    Examples
    --------
    >>> numbers([[1, 2], [3, 4]]).shape, numbers(np.float32(0.5)).tolist(), numbers([True, False]).dtype.name
    ((2, 2), 0.5, 'bool')
    """
    if type(value) not in (bool, int, float, list, tuple, range) and not isinstance(
        value, (np.ndarray, np.generic)
    ):
        to_numpy = getattr(value, "__array__", None)
        if isinstance(value, type) or to_numpy is None:
            raise NoNumbers(f"a value of type {type(value).__name__}")
    try:
        array = np.array(value)
    except (ValueError, TypeError, OverflowError):
        raise NoNumbers("a list whose rows have different lengths, or that holds no numbers") from None
    if array.size > MOST:
        raise NoNumbers(f"{array.size:,} numbers")
    if array.dtype.kind not in "biuf":
        raise NoNumbers(f"a {type(value).__name__} that holds no real numbers")
    return array if array.dtype.kind == "b" else array.astype(np.float64)


def structure(value: Any) -> Any:
    """The same nest of dicts and tuples, with arrays and texts in it.

    Examples
    --------
    >>> structure({"h": [1.0, 2.0]})
    {'h': array([1., 2.])}
    """
    if isinstance(value, Mapping):
        return {str(k): structure(v) for k, v in itertools.islice(value.items(), 1000)}
    if type(value) is str:
        return value
    if type(value) in (tuple, list) and any(
        isinstance(v, (np.ndarray, Mapping, str, tuple, list)) for v in value
    ):
        made = tuple(structure(v) for v in value[:1000])
        try:
            return numbers(list(value))  # a list of rows is an array
        except NoNumbers:
            return made
    return numbers(value)


def same(mine: Any, right: Any, tolerance: float = SAME) -> bool:
    """Whether two nests of arrays are equal up to rounding; one array may have further axes of length 1."""
    if isinstance(right, Mapping):
        return isinstance(mine, Mapping) and all(
            k in mine and same(mine[k], right[k], tolerance) for k in right
        )
    if isinstance(right, str):
        return isinstance(mine, str) and mine == right
    if isinstance(right, tuple):
        if isinstance(mine, np.ndarray) and mine.ndim and len(mine) == len(right):
            mine = tuple(map(np.asarray, mine))
        return (
            isinstance(mine, tuple)
            and len(mine) == len(right)
            and all(same(a, b, tolerance) for a, b in zip(mine, right, strict=True))
        )
    if not isinstance(mine, np.ndarray) or mine.shape != right.shape:
        if not isinstance(mine, np.ndarray) or mine.squeeze().shape != right.squeeze().shape:
            return False
        mine, right = mine.squeeze(), right.squeeze()
    if mine.dtype.kind == "b" or right.dtype.kind == "b":
        return bool(np.array_equal(mine, right))
    with np.errstate(all="ignore"):
        near = np.abs(mine - right) <= tolerance * (1 + np.abs(right))
    return bool(np.all(near | (mine == right)))
