"""What the passes that merge have in common: slices of a joint result, and names for it."""

from __future__ import annotations

from collections.abc import Iterable

from ...engine.graph import Dim, Graph, Node, walk
from ...engine.ops import OPS
from ...engine.trace import record

__all__ = ["initials", "moved_up", "origins", "shared", "slices_of", "unscoped"]


def moved_up(graph: Graph, nodes: Iterable[Node]) -> Graph:
    """The same graph with some nodes, and all that they need, at the front."""
    front = list(walk(nodes))
    ahead = set(front)
    rest = [n for n in graph.nodes if n not in ahead]
    return Graph(graph.name, front + rest, graph.states, graph.outputs, graph.names)


def slices_of(whole: Node, members: list[Node]) -> dict[Node, Node]:
    """Slices of a merged result, one in the place of each member."""
    parts, start = {}, Dim()
    for n in members:
        stop = start + n.shape[-1]
        parts[n] = record(OPS["slice"], [whole], {"start": start, "stop": stop, "axis": -1})
        parts[n].origin = n.origin
        start = stop
    return parts


def unscoped(name: str) -> str:
    """A name without its scope."""
    return name.rpartition(".")[2]


def initials(nodes: Iterable[Node]) -> str:
    """``W`` for W_f, W_i, W_o: what the names have in common before the underscore."""
    heads = dict.fromkeys(unscoped(n.name or n.hint or n.op.name).split("_")[0] for n in nodes)
    return "_".join(heads)


def origins(nodes: Iterable[Node]) -> tuple | None:
    """The equations that nodes come from, each once."""
    found: list[str] = []
    for n in nodes:
        for o in n.origin or ():
            if o not in found:
                found.append(o)
    return tuple(found) or None


def shared(node: Node) -> bool:
    """Whether a value is one and the same for all sequences and steps."""
    return not node.timed and not node.batched
