"""All weights of a model in one piece of text, for a page."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["LARGEST", "as_text"]

LARGEST = 200_000  # weights; so many make a page of a megabyte


def as_text(arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
    """Float64 arrays with their shapes; in float32 where that loses nothing."""
    whole = np.concatenate([a.ravel() for a in arrays.values()])
    narrow = whole.astype("<f4")
    exact = np.array_equal(narrow.astype(np.float64), whole)
    data = (narrow if exact else whole.astype("<f8")).tobytes()
    return {
        "shapes": {name: list(a.shape) for name, a in arrays.items()},
        "bytes": 4 if exact else 8,
        "data": base64.b64encode(data).decode(),
    }
