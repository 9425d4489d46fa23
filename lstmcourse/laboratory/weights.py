"""All weights of a model in one piece of text, for a page."""

from __future__ import annotations

import base64
import copy
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from .. import checks

__all__ = ["LARGEST", "as_text", "check", "in_float64", "name_of"]

Network = TypeVar("Network")

LARGEST = 200_000  # weights; so many make a page of a megabyte
COMMON = 15  # exponents that half a byte names; the value left over says that the exponent stands elsewhere


def check(name: str, model: Any) -> None:
    """ValueError where a model's weights are too many for a page, or not finite."""
    if (count := sum(p.size for p in model.params.values())) > LARGEST:
        raise ValueError(
            f"{name} has {count:,} weights, and they all go into the page: it takes up to {LARGEST:,}"
        )
    for key, p in model.params.items():
        checks.finite(
            f"{name}.params[{key!r}]", p, "train it again, or take its parameters from a checkpoint"
        )


def in_float64(model: Network) -> Network:
    """A copy of a model as the page has it."""
    model = copy.copy(model)
    model.dtype = np.dtype(np.float64)
    model.params = {name: p.astype(np.float64) for name, p in model.params.items()}
    return model


def name_of(arrays: Mapping[str, np.ndarray]) -> str:
    """A text that no other weights have."""
    return _text(_together(arrays))


def _together(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """All numbers in a row, in float32 where that loses nothing, else in float64."""
    whole = np.concatenate([a.ravel() for a in arrays.values()])
    narrow = whole.astype("<f4")
    return narrow if np.array_equal(narrow.astype(np.float64), whole) else whole.astype("<f8")


def as_text(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Float64 arrays with their shapes, to the last bit; `weights.js` is the other end.

    Nearly all weights of a network share a few exponents. So a number of float32 takes three bytes and a
    half: sign and fraction, and the place of its exponent among the most common.
    """
    numbers = _together(arrays)
    shapes = {"shapes": {name: list(a.shape) for name, a in arrays.items()}}
    if numbers.itemsize == 8:
        return shapes | {"doubles": _text(numbers)}
    bits = numbers.view("<u4")
    exponents = (bits >> 23 & 255).astype(np.uint8)
    common = np.argsort(-np.bincount(exponents, minlength=256), kind="stable")[:COMMON]
    place = np.full(256, COMMON, np.uint8)
    place[common] = np.arange(COMMON)
    places = np.append(place[exponents], [0] * (len(bits) % 2)).astype(np.uint8)
    fractions = (bits >> 8 & 0x800000 | bits & 0x7FFFFF).astype("<u4")
    return shapes | {
        "fractions": _text(fractions.view(np.uint8).reshape(-1, 4)[:, :3]),
        "places": _text(places[::2] | places[1::2] << 4),
        "common": common.tolist(),
        "others": _text(exponents[place[exponents] == COMMON]),
    }


def _text(a: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(a).tobytes()).decode()
