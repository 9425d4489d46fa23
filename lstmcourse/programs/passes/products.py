"""Products that share an operand, as one."""

from __future__ import annotations

from ...engine.graph import Graph, Node
from ...engine.layers import concat
from ...engine.ops import dot
from ...engine.rewrite import consumers, rewrite
from .joining import initials, moved_up, origins, shared, slices_of, unscoped
from .times import levels

__all__ = ["merge_products"]


def merge_products(graph: Graph) -> Graph:
    """Give all products of one value a single matrix.

    before: ``h U_f``, ``h U_i``, ``h U_o``
    after:  ``h [U_f U_i U_o]`` and three slices of it

    Columns that meet the same squashing function become neighbours, so that it can be applied once.
    """
    order, users = levels(graph), consumers(graph)
    end = {n: _destination(n, users) for n in graph.nodes if n.op.name == "dot" and shared(n.args[1])}
    squashings = list(dict.fromkeys(e.op.name for e in end.values()))
    groups: dict[tuple, list[Node]] = {}
    for n, e in end.items():
        groups.setdefault((n.args[0], order.when(n), order.loop.get(e), e.timed), []).append(n)
    group_of = {n: g for g in groups.values() if len(g) > 1 for n in g}
    for g in groups.values():
        g.sort(key=lambda n: squashings.index(end[n].op.name))
    parts: dict[Node, Node] = {}

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node not in group_of:
            return None
        if node not in parts:
            group = group_of[node]
            matrix = concat(*(new[n.args[1]] for n in group))
            matrix.hint = initials(n.args[1] for n in group)
            product = dot(new[node.args[0]], matrix)
            product.origin, product.hint = origins(group), "a"
            parts.update(slices_of(product, group))
            for n in group:
                parts[n].hint = f"a_{unscoped(end[n].name) or 'part'}"
        return parts[node]

    return rewrite(moved_up(graph, [n.args[1] for n in group_of]), rule)


def _destination(node: Node, users: dict[Node, list[Node]]) -> Node:
    """What a sum of products goes into in the end: as a rule, a squashing function."""
    while len(users[node]) == 1 and users[node][0].op.name == "add":
        node = users[node][0]
    return users[node][0] if len(users[node]) == 1 else node
