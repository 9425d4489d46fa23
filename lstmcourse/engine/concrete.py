"""Shapes with numbers in place of names, once the sizes are known."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import CellDefinitionError, ShapeError
from .expression import PLAIN, equation_of, equations
from .graph import Dim, Graph, Node
from .layers import table_values
from .ops import OPS

__all__ = ["concrete"]


def concrete(graph: Graph, sizes: Mapping[str, int]) -> None:
    """Check every equation's shapes by its own rule, with numbers; a ShapeError names equation and line.

    A table gives the same numbers whenever it is asked, or it is a CellDefinitionError.
    """
    named = equations(graph)
    shapes: dict[Node, tuple] = {}

    def number(v):
        if isinstance(v, Dim):
            return Dim.of(v.value(sizes))
        return tuple(number(d) for d in v) if isinstance(v, tuple) else v

    for node in graph.nodes:
        if node.op.kind == "leaf":
            shapes[node] = tuple(number(d) for d in node.shape)
            tables = [table_values(node, sizes) for _ in range(2)] if node.op.name == "table" else []
            if tables and not np.array_equal(*tables, equal_nan=True):
                raise CellDefinitionError(
                    f"{graph.name}: the function of table {node.name!r} ({node.line}) gives other numbers "
                    "each time that it is called; a table follows from the sizes alone, and what is drawn at "
                    'random is given by the caller, e=noise("H") as an argument'
                )
            continue
        try:
            shapes[node] = tuple(
                node.op.shape([shapes[a] for a in node.args], {k: number(v) for k, v in node.attrs.items()})
            )
        except ShapeError as error:
            home = next((n for n in (node.origin or ()) if n in named), None)
            text = " = ".join(equation_of(home, named[home], PLAIN, {})) if home else node.op.name
            args = ", ".join(f"{a.label} ({', '.join(map(str, shapes[a]))})" for a in node.args)
            raise ShapeError(
                f"{graph.name}: {text} ({node.line}): {error}. It was given {args}, beside the batch"
            ) from None
    for s in graph.states:
        if s.next is not None and shapes[s.next] != shapes[s.prev]:
            was, got = (", ".join(map(str, shapes[n])) for n in (s.prev, s.next))
            try:
                joined = tuple(OPS["add"].shape([shapes[s.prev], shapes[s.next]], {}))
            except ShapeError:
                joined = None
            if joined != shapes[s.prev]:
                raise ShapeError(
                    f"{graph.name}: state {s.name!r} has shape ({was}) beside the batch, its next ({got})"
                )
