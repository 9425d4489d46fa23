"""Variants of a cell: the same family with other options, the same equations with some of them held."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from .. import checks
from ..errors import UnknownNameError, nearest
from .chance import without_chance
from .definition import Definition
from .graph import Graph
from .operands import is_condition

__all__ = ["hold", "variant", "with_graph", "with_options"]


def with_options(cell: Definition, options: Mapping[str, Any]) -> Any:
    """The same family with other options; see `Cell.with_options`."""
    for k in options:
        if k not in cell.options:
            raise UnknownNameError(f"{cell.name} has no option {k!r}: {nearest(k, cell.options)}")
    options = dict(cell.options) | options
    if cell.maker:
        return hold(cell.maker(**options), cell.held)
    return without_chance(cell.function, lambda: replace(cell, options=options, chosen=True))


def variant(cell: Definition, name: str, doc: str, init: Mapping[str, Any], options: Mapping) -> Any:
    """A member of the family under a name of its own; see `Cell.variant`."""
    checks.text("doc", doc)
    checks.mapping("init", init, "of starts by parameter")
    cell = with_options(cell, options)
    return replace(cell, name=name, doc=doc, initial=dict(cell.initial) | dict(init))


def hold(cell: Definition, values: Mapping[str, float]) -> Any:
    """The same cell with named equations held at a number; see `Cell.hold`."""
    for k, v in checks.mapping("values", values, "of numbers by name, such as hold({'f': 1.0})").items():
        if (
            isinstance(v, bool)
            or not isinstance(v, int | float | np.floating | np.integer)
            or not np.isfinite(v)
        ):
            raise ValueError(f"values: {k}={v!r}: an equation is held at a finite number")
        if k not in cell.graph.names:
            raise UnknownNameError(f"{cell.name} has no equation named {k!r}: {nearest(k, cell.graph.names)}")
        if is_condition(cell.graph.names[k]):
            raise ValueError(
                f"{k}={v!r}: {k!r} is a condition ({cell.graph.names[k].line}), and only numbers are "
                f"held; name where({k}, 1.0, 0.0) in the cell and hold that, or hold what {k!r} chooses"
            )
    return replace(cell, held=dict(cell.held) | {k: float(v) for k, v in values.items()})


def with_graph(cell: Definition, graph: Graph) -> Any:
    """The same cell with another graph of one step in place of its own; for the engine's own use."""
    made = object.__new__(type(cell))
    made.__dict__.update(cell.__dict__ | {"graph": graph, "_cache": {}})
    return made
