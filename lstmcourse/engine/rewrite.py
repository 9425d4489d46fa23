"""Copy a graph node by node, with a rule that puts something else in a node's place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from .graph import Graph, Node, State, walk
from .trace import editing

__all__ = ["Rule", "clone", "consumers", "rewrite"]

Rule = Callable[[Node, dict[Node, Node]], Node | None]


def rewrite(graph: Graph, rule: Rule) -> Graph:
    """Copy a graph node by node; what `rule(node, new)` returns, if anything, takes the node's place.

    `new` leads from each node that was copied before to its copy. Nodes that nothing needs any more are left
    out, except parameters (a trained model keeps its weights) and inputs.
    """
    result = Graph(graph.name)
    new: dict[Node, Node] = {}
    live = set(walk(graph.roots() + list(graph.names.values())))
    live |= {n for n in graph.leaves() if n.op.name != "const"}
    with editing(result):
        for node in graph.nodes:
            if node not in live:
                continue
            before = len(result.nodes)
            made = rule(node, new)
            if made is None:
                attrs = node.attrs
                if "free" in attrs:  # the mask is a node, too
                    attrs = attrs | {"free": new.get(attrs["free"], attrs["free"])}
                made = clone(result, node, [new[a] for a in node.args], attrs=attrs)
            for fresh in result.nodes[before:]:
                fresh.origin = fresh.origin or node.origin
                fresh.line = fresh.line or node.line
            made.hint = made.hint or node.hint
            if node.name and not made.name and made.op.kind != "leaf":
                made.name = node.name
            new[node] = made
    result.states = [State(s.name, new[s.prev], new[s.start], new[s.next], s.reverse) for s in graph.states]
    result.outputs = {k: new[n] for k, n in graph.outputs.items()}
    result.names = {k: new[n] for k, n in graph.names.items()}
    kept = set(walk(result.roots() + list(result.names.values())))
    result.nodes = [n for n in result.nodes if n in kept or (n.op.kind == "leaf" and n.op.name != "const")]
    return result


def clone(new: Graph, node: Node, args: Iterable[Node], **other: Any) -> Node:
    """The same node in another graph, but for what is `other`."""
    same = dict(
        op=node.op, attrs=node.attrs, shape=node.shape, batched=node.batched, timed=node.timed,
        name=node.name, line=node.line, origin=node.origin, hint=node.hint,
    )  # fmt: skip
    return new.add(args=args, **same | other)


def consumers(graph: Graph) -> dict[Node, list[Node]]:
    """Who reads each node, in order, once for each time it is read."""
    users: dict[Node, list[Node]] = {n: [] for n in graph.nodes}
    for node in graph.nodes:
        for a in node.args:
            users[a].append(node)
    return users
