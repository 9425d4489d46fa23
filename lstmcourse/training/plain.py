"""Settings as plain data, which JSON can hold and two files can be compared by."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

# ----------------------------------------------------------------------------------------------------- parts


def plain(value: Any) -> Any:
    """Return what JSON would give back: dataclasses as dicts with their ``kind``, tuples as lists.

    Examples
    --------
    >>> from lstmcourse.optim import StepDecay
    >>> plain({"schedule": StepDecay(100), "sizes": (1, 2)})
    {'schedule': {'kind': 'StepDecay', 'every': 100, 'factor': 0.5}, 'sizes': [1, 2]}
    """
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {str(key): plain(v) for key, v in value.items()}
    if isinstance(value, tuple | list):
        return [plain(v) for v in value]
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if hasattr(value, "__qualname__"):
        return f"{value.__module__}.{value.__qualname__}"
    return str(value)


def comparable(value: Any) -> bool:
    """Whether `plain` keeps all of a value, so that what it gives can stand for it.

    Plain data, arrays, and dataclasses of them are kept; of functions and other objects only a name is.

    Examples
    --------
    >>> from lstmcourse.optim import Cosine, Warmup
    >>> comparable(Warmup(10, then=Cosine(90))), comparable(Warmup(10, then=lambda step: 0.5))
    (True, False)
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return all(comparable(getattr(value, f.name)) for f in dataclasses.fields(value) if f.init)
    if isinstance(value, Mapping):
        return all(comparable(v) for v in value.values())
    if isinstance(value, tuple | list):
        return all(map(comparable, value))
    return value is None or isinstance(value, bool | int | float | str | np.generic | np.ndarray)
