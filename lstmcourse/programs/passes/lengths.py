"""Past its length a sequence keeps its state."""

from __future__ import annotations

from ...engine.graph import Dim, Graph, Node, State, walk
from ...engine.ops import OPS, where
from ...engine.rewrite import clone
from ...engine.trace import editing, record

__all__ = ["stop_at_lengths"]


def stop_at_lengths(graph: Graph) -> Graph:
    """Keep the state where a sequence has ended, and emit nothing there.

    before: ``next h = step(x, h_prev)``, output ``y``
    after:  ``next h = where(valid, step(x, where(valid, h_prev, h_0)), h_prev)``, output
    ``where(valid, y, 0)``

    An output that only hands on states, such as the top layer's of a stack, hands on the kept ones.

    Past the end a step is computed too, for nobody, because all sequences share the loop. What the inputs
    hold there is replaced by their first value before the program runs, and the states are read as they
    started: so the sequence's own first step is done once more, which is as finite as it was. Going on from
    the last state would lead outside the sequence, where ``exp(h)`` may be infinite though all that is valid
    is not, and its slope times a gradient of 0 is NaN.
    """
    new = Graph(graph.name)
    at: dict[Node, Node] = {}
    with editing(new):
        masks: dict[int, Node] = {}

        def valid(rank: int) -> Node:
            if rank not in masks:
                shape = (Dim.of(1),) * rank
                masks[rank] = new.add(
                    OPS["valid"], attrs={"rank": rank}, shape=shape, batched=True, timed=True
                )
            return masks[rank]

        previous = {s.prev for s in graph.states}
        starts = set(walk(s.start for s in graph.states))
        for node in graph.nodes:
            if node in starts or node in previous:
                at[node] = clone(new, node, [at[a] for a in node.args])
        carried = {s.prev: at[s.prev] for s in graph.states}
        for s in graph.states:
            start = at[s.start]
            if start.op.name != "const":
                start = record(OPS["stop"], [start])
            at[s.prev] = where(valid(len(s.prev.shape)), carried[s.prev], start)
            at[s.prev].hint = f"{s.name}_read"
        for node in graph.nodes:
            if node not in at:
                at[node] = clone(new, node, [at[a] for a in node.args])
        kept: dict[Node, Node] = {}
        for s in graph.states:
            kept[s.next] = where(valid(len(s.prev.shape)), at[s.next], carried[s.prev])
            kept[s.next].origin = s.next.origin
            new.states.append(State(s.name, carried[s.prev], at[s.start], kept[s.next], s.reverse))

        def output(node: Node) -> Node:
            if node in kept:
                return kept[node]
            if node.op.name in ("copy", "concat") and all(a in kept for a in node.args):
                return clone(new, node, [kept[a] for a in node.args])
            return where(valid(len(node.shape)), at[node], 0.0)

        new.outputs = {k: output(n) for k, n in graph.outputs.items()}
    new.names = {k: kept.get(n, at[n]) for k, n in graph.names.items()} | new.outputs
    return new
