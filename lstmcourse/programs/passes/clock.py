"""What the clock alone decides is an input, computed exactly."""

from __future__ import annotations

from ...engine.graph import Graph, Node, current
from ...engine.ops import OPS
from ...engine.rewrite import clone, rewrite

__all__ = ["ask_the_clock"]


def ask_the_clock(graph: Graph) -> Graph:
    """Take what rests on the clock, tables and constants alone as an input, which is computed exactly.

    before: ``h = where(t % 4 == 0, a, h_prev)``
    after:  ``h = where(due, a, h_prev)``, and the input ``due`` is ``t % 4 == 0``
    """
    known: set[Node] = set()
    for node in graph.nodes:
        if node.op.name in ("clock", "table", "const") or (node.args and known.issuperset(node.args)):
            known.add(node)

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node not in known or not node.timed or node.op.kind == "leaf":
            return None
        return clone(current().graph, node, [], op=OPS["clock"], attrs={"of": node})

    return rewrite(graph, rule) if graph.leaves("clock") else graph
