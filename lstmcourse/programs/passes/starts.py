"""States that start from an array of the caller's."""

from __future__ import annotations

from collections.abc import Collection

from ...engine.graph import Graph, State
from ...engine.ops import OPS

__all__ = ["start_from"]


def start_from(graph: Graph, given: Collection[str]) -> Graph:
    """Let some states start from an array of the caller's.

    before: ``h0 = 0``
    after:  ``h0`` is an input
    """
    if not given:
        return graph
    new = Graph(graph.name, list(graph.nodes), [], dict(graph.outputs), dict(graph.names))
    for s in graph.states:
        start = s.start
        if s.name in given:
            start = new.add(
                OPS["initial"], attrs={"state": s.name}, shape=s.prev.shape, batched=True, name=f"{s.name}0"
            )
        new.states.append(State(s.name, s.prev, start, s.next, s.reverse))
    return new
