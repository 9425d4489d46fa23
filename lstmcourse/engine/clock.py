"""What the clock decides: computed in float64, which counts exactly to 2**53, whatever the run's dtype."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .graph import Graph, Node
from .layers import table_values
from .ops import OPS
from .reference import evaluate
from .rewrite import clone, rewrite
from .trace import current

__all__ = ["ask_the_clock", "by_the_clock"]


def ask_the_clock(graph: Graph) -> Graph:
    """Take what rests on the clock, tables and constants alone as an input, which is computed exactly.

    before: ``h = where(t % 4 == 0, a, h_prev)``
    after:  ``h = where(due, a, h_prev)``, and the input ``due`` is ``t % 4 == 0``
    """
    known: set[Node] = set()
    ticking: set[Node] = set()  # what changes with the clock; a constant does not, even one for every step
    for node in graph.nodes:
        if node.op.name in ("clock", "table", "const") or (node.args and known.issuperset(node.args)):
            known.add(node)
            if node.op.name == "clock" or not ticking.isdisjoint(node.args):
                ticking.add(node)

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node not in ticking or not node.timed or node.op.kind == "leaf":
            return None
        return clone(current().graph, node, [], op=OPS["clock"], attrs={"of": node})

    return rewrite(graph, rule) if graph.leaves("clock") else graph


def by_the_clock(node: Node, ticks: Any, sizes: Mapping) -> np.ndarray:
    """The clock, or what it alone decides, at ticks (..., 1): in float64, which counts exactly to 2**53."""

    def leaf(n: Node) -> Any:
        return table_values(n, sizes) if n.op.name == "table" else np.asarray(ticks, np.float64)

    root = node.attrs.get("of", node)
    return evaluate([root], leaf, sizes)[root]
