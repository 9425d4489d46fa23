"""Layers as products and sums, what is known earliest first."""

from __future__ import annotations

from ...engine.graph import Graph, Node
from ...engine.ops import dot
from ...engine.rewrite import rewrite
from .times import levels

__all__ = ["divide_layers"]


def divide_layers(graph: Graph) -> Graph:
    """Write each layer as products and sums, adding first what is known first.

    before: ``f = sigmoid(affine(x, W_f, h_prev, U_f, b_f))``
    after:  ``f = sigmoid((x W_f + b_f) + h_prev U_f)``, whose bracket leaves the loop
    """
    order = levels(graph)

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node.op.name != "affine":
            return None
        args, k = [new[a] for a in node.args], node.attrs["terms"]
        terms = [(order.level[node.args[2 * j]], dot(args[2 * j], args[2 * j + 1])) for j in range(k)]
        bias = [(0, args[-1])] if len(args) > 2 * k else []
        early = [t for t in terms if t[0] == 0]
        total = None
        for _, term in early + bias + sorted((t for t in terms if t[0]), key=lambda t: t[0]):
            total = term if total is None else total + term
        return total

    return rewrite(graph, rule)
