"""When each value can be known: before any loop, in one, after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ...engine.graph import Graph, Node, walk

__all__ = ["levels"]


@dataclass
class Levels:
    """For each node, the loop after which it is known (0: before any), and the loop that it is part of."""

    level: dict[Node, int] = field(default_factory=dict)
    loop: dict[Node, tuple[int, bool]] = field(default_factory=dict)  # node -> (level, reverse)
    of_state: dict[str, int] = field(default_factory=dict)

    def when(self, node: Node) -> tuple:
        """Sorts early before late; equal for nodes that can stand side by side."""
        return (self.level[node], node in self.loop, node.timed)


def _needs(
    graph: Graph, stored: Mapping[Node, str]
) -> tuple[dict[Node, frozenset[str]], dict[str, set[str]]]:
    """The states that each node needs, and those that each state needs, by way of others too.

    `stored` are nodes that are known when a state's loop has run, though they read no state.
    """
    needs: dict[Node, frozenset[str]] = {}
    for node in graph.nodes:
        found = frozenset().union(*(needs[a] for a in node.args))
        if node.op.name in ("prev", "carried"):
            found |= {node.attrs["state"]}
        needs[node] = found | {stored[node]} if node in stored else found
    reach = {s.name: set(needs[s.next]) for s in graph.states}
    for _ in reach:
        for name in reach:
            reach[name] |= set().union(*(reach[r] for r in reach[name]))
    return needs, reach


def levels(graph: Graph) -> Levels:
    """Find the loops: states that need each other's past share one; who needs another's result comes later.

    A stack of two layers has two loops, so everything the second layer needs of the first is there for all
    steps at once; the two directions of a bidirectional layer are two loops as well.
    """
    states = {s.name: s for s in graph.states}
    needs, reach = _needs(graph, {})
    # A state without a past is stored by its loop all the same, so who reads its next value comes later too.
    forgetful = [s for s in graph.states if s.name not in reach[s.name] and s.next.op.kind != "leaf"]
    stored = {
        s.next: s.name for s in forgetful if s.next not in set(walk(states[m].next for m in reach[s.name]))
    }
    if stored:
        needs, reach = _needs(graph, stored)
    group = {n: frozenset({n} | {m for m in reach[n] if n in reach[m]}) for n in states}

    out = Levels()

    def level_of(name: str) -> int:
        members = group[name]
        if name not in out.of_state:
            outside = set().union(*(reach[m] for m in members)) - members
            at = 1 + max((level_of(m) for m in outside), default=0)
            for m in members:
                out.of_state[m] = at
        return out.of_state[name]

    for name in states:
        level_of(name)
    inside: dict[Node, frozenset] = {}
    together = dict.fromkeys(group[name] for name in states)  # in the order of the states; early loops first
    for members in sorted(together, key=lambda m: out.of_state[min(m)]):
        behind = set(walk(states[m].next for m in members))
        for node in graph.nodes:
            if node in behind and node.op.kind != "leaf" and needs[node] & members:
                inside.setdefault(node, members)
        for m in members:
            inside.setdefault(states[m].next, members)
    for node in graph.nodes:
        if node in inside:
            member = min(inside[node])
            out.level[node] = out.of_state[member]
            out.loop[node] = (out.of_state[member], states[member].reverse)
        elif node.op.name in ("prev", "carried"):
            out.level[node] = out.of_state[node.attrs["state"]]
        else:
            out.level[node] = max((out.level[a] for a in node.args), default=0)
    return out
