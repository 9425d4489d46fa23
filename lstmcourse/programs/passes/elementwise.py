"""The same function of neighbouring slices, applied once."""

from __future__ import annotations

from collections.abc import Collection

from ...engine.graph import Dim, Graph, Node
from ...engine.layers import concat
from ...engine.ops import OPS
from ...engine.rewrite import rewrite
from ...engine.trace import record
from .joining import initials, moved_up, origins, shared, slices_of, unscoped
from .times import levels

__all__ = ["merge_elementwise"]


def merge_elementwise(graph: Graph, only: Collection[str] = ()) -> Graph:
    """Apply a function once where it is applied to neighbouring slices.

    before: ``f = sigmoid(a[0:H])``, ``i = sigmoid(a[H:2H])``
    after:  ``f_i = sigmoid(a[0:2H])`` and two slices of it

    With `only`, operations of these names alone.
    """
    while True:
        run = _find_run(graph, only)
        if run is None:
            return graph
        graph = _merge_run(graph, run)


def _is_part(node: Node) -> bool:
    return node.op.name == "slice" and node.attrs["axis"] == -1


def _find_run(graph: Graph, only: Collection[str]) -> list[Node] | None:
    order = levels(graph)
    seen: dict[tuple, list[Node]] = {}
    for node in graph.nodes:
        if node.op.kind != "elementwise" or not any(_is_part(a) for a in node.args):
            continue
        if only and node.op.name not in only:
            continue
        if any(not (_is_part(a) or (shared(a) and len(a.shape) <= 1)) for a in node.args):
            continue
        if any(a.shape != node.shape for a in node.args if a.shape):
            continue
        parents = tuple(
            ("part", a.args[0])
            if _is_part(a)
            else ("row", None)
            if a.shape
            else ("number", str(a.attrs["value"]) if a.op.name == "const" else a)
            for a in node.args
        )
        seen.setdefault((node.op.name, parents, order.when(node), order.loop.get(node)), []).append(node)
    for nodes in seen.values():
        nodes.sort(key=lambda n: str(_bounds(n)[0]))
        for first in nodes:
            run = [first]
            while True:
                after = next((n for n in nodes if n not in set(run) and _follows(run[-1], n)), None)
                if after is None:
                    break
                run.append(after)
            if len(run) > 1 and not any(_follows(n, first) for n in nodes if n is not first):
                return run
    return None


def _bounds(node: Node):
    part = next(a for a in node.args if _is_part(a))
    return part.attrs["start"], part.attrs["stop"]


def _follows(a: Node, b: Node) -> bool:
    """Whether every part that b reads begins where a's ends."""
    pairs = [(p, q) for p, q in zip(a.args, b.args, strict=True) if _is_part(p)]
    return all(p.attrs["stop"] == q.attrs["start"] for p, q in pairs)


def _merge_run(graph: Graph, run: list[Node]) -> Graph:
    members, parts = set(run), {}
    rows = [a for n in run for a in n.args if not _is_part(a)]

    def argument(k: int, new: dict[Node, Node]) -> Node:
        """The k-th argument of all members, side by side."""
        a = run[0].args[k]
        if _is_part(a):
            parent, start, stop = new[a].args[0], a.attrs["start"], run[-1].args[k].attrs["stop"]
            if start == Dim() and stop == parent.shape[-1]:
                return parent
            part = record(OPS["slice"], [parent], {"start": start, "stop": stop, "axis": -1})
            part.hint = f"{parent.hint}_{_joint(run)}"
            return part
        if not a.shape:
            return new[a]
        row = concat(*(new[n.args[k]] for n in run))
        row.hint = initials(n.args[k] for n in run)
        return row

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node not in members:
            return None
        if not parts:
            joint = record(run[0].op, [argument(k, new) for k in range(len(run[0].args))], run[0].attrs)
            joint.origin, joint.hint = origins(run), _joint(run)
            parts.update(slices_of(joint, run))
            for n in run:
                parts[n].hint = f"{joint.hint}_{unscoped((n.origin or ('part',))[0])}"
        return parts[node]

    return rewrite(moved_up(graph, rows), rule)


def _joint(run: list[Node]) -> str:
    """``fio`` for f, i, o; ``a`` for sums that have no names yet."""
    return "".join(unscoped(n.name) for n in run) if all(n.name for n in run) else "a"
