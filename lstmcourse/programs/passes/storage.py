"""Which values the backward program takes from storage."""

from __future__ import annotations

from ...engine.graph import Graph, Node

__all__ = ["saved"]


def saved(graph: Graph) -> set[Node]:
    """Which values may be taken from storage by the backward program.

    Vectors are stored: they are computed anyway, and small. What is larger at a step (scores of every
    position, an outer product) and is not a state is computed again, because T times it would exhaust
    memory. Slices and other views cost nothing and are taken again; what does not depend on the step is
    kept as it is.
    """
    states = {s.next for s in graph.states}
    keep = set()
    for node in graph.nodes:
        if node.op.kind in ("leaf", "view"):
            continue
        if not node.timed or node in states or len(node.shape) <= 1:
            keep.add(node)
    return keep
