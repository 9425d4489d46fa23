"""What figures are given: rules for `lstmcourse.checks.given`, each of a name and a value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "REFERENCE",
    "a_figure",
    "a_legend",
    "a_row",
    "a_scale",
    "axes_of",
    "bars_of",
    "limits",
    "names_of",
    "rows_of",
]

REFERENCE = checks.named(checks.real, "of numbers by label, such as {'chance': 0.5}")


def a_figure(name: str, value: Any) -> Figure:
    """A figure of matplotlib."""
    from matplotlib.figure import Figure

    return checks.instance(name, value, Figure, "plots.lines({'loss': [2.0, 1.0]}) gives")


def axes_of(name: str, value: Any) -> Axes:
    """Axes of a figure."""
    from matplotlib.axes import Axes

    return checks.instance(name, value, Axes, "plots.figure()[1]")


def a_row(name: str, value: Any) -> np.ndarray:
    """Real numbers in a row."""
    return checks.array(name, value, ndim=1, axes="(N,), numbers in a row")


def rows_of(name: str, value: Any) -> np.ndarray:
    """Real numbers in a row, or in several."""
    return checks.array(name, value)


def bars_of(name: str, value: Any) -> Mapping[str, Any]:
    """Numbers by label, or such mappings by label."""
    found = {}
    for label, inner in checks.mapping(name, value, "of numbers by label, or of such dicts").items():
        where = f"{name}[{label!r}]"
        found[label] = bars_of(where, inner) if isinstance(inner, Mapping) else checks.real(where, inner)
    return found


def names_of(name: str, value: Any) -> list[Any]:
    """What names rows or columns: a list of what has a text."""
    if isinstance(value, bytes) or not isinstance(value, (Sequence, np.ndarray)):
        raise TypeError(f"{name}={checks.shown(value)} does not fit: a list of names is needed")
    return list(value)


def limits(name: str, value: Any) -> tuple[float | None, float | None]:
    """The lower and the upper end of an axis; None where it is free."""
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise TypeError(f"{name}={checks.shown(value)} does not fit: a pair (low, high) is needed")
    return tuple(None if v is None else checks.real(name, v) for v in value)


def a_scale(name: str, value: Any) -> str:
    """Which axes are logarithmic."""
    return checks.choice(name, value, ("", "x", "y", "xy"))


def a_legend(name: str, value: Any) -> str:
    """Where a legend stands."""
    return checks.choice(name, value, ("best", "above"))
