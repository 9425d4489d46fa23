"""Results that can be stored where they belong."""

from __future__ import annotations

from ...engine.graph import Graph, Node, State
from ...engine.ops import OPS
from ...engine.trace import editing, record
from .times import levels

__all__ = ["materialise_states", "materialise_outputs"]


def materialise_states(graph: Graph) -> Graph:
    """Give every state a result of its own to be stored in its own place.

    before: ``next h = o * tanh(c)`` and the output y is that same node, or ``next d = x``
    after:  a copy wherever the next value is not an operation that only this state stores
    """
    order = levels(graph)
    taken: set[Node] = set()
    loops: dict[Node, set] = {}
    for s in graph.states:
        loops.setdefault(s.next, set()).add((order.of_state[s.name], s.reverse))
    new = Graph(graph.name, list(graph.nodes), [], dict(graph.outputs), dict(graph.names))
    with editing(new):
        for s in graph.states:
            node = s.next
            usable = (
                node.op.kind not in ("leaf", "view", "reduction") and node.op.name != "concat" and node.timed
            )
            usable = (
                usable
                and node not in taken
                and len(loops[node]) == 1
                and node.shape == s.prev.shape
                and node.batched
            )
            usable = usable and order.loop.get(node) == (order.of_state[s.name], s.reverse)
            if not usable:
                node = record(OPS["copy"], [node], shape=s.prev.shape, batched=True, timed=True)
                node.origin = s.next.origin
            taken.add(node)
            new.names[s.name] = node
            new.states.append(State(s.name, s.prev, s.start, node, s.reverse))
    return new


def materialise_outputs(graph: Graph) -> Graph:
    """Give every output an array of its own, so that writing to one changes nothing else.

    before: outputs ``d_b`` and ``d_b2`` are one node, ``d_x`` is an input
    after:  copies
    """
    taken = {n for s in graph.states for n in (s.prev, s.next)}
    parts: set[Node] = set()
    new = Graph(graph.name, list(graph.nodes), list(graph.states), {}, dict(graph.names))
    with editing(new):
        for name, node in graph.outputs.items():
            base = node
            while base.op.kind == "view":
                base = base.args[0]
            part = node.op.name == "slice"
            leaf = base.op.kind == "leaf" and base.op.name != "carried"
            if leaf or node in taken or base in taken or (base in parts and not part):
                node = record(
                    OPS["copy"], [node], shape=node.shape, batched=node.batched, timed=node.timed, hint=name
                )
            elif part:
                parts.add(base)
            taken.add(node if part else base)
            new.outputs[name] = node
    return new
