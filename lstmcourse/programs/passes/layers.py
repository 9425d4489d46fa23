"""Layers as products and sums, what is known earliest first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from ...engine.graph import Dim, Graph, Node
from ...engine.layers import concat
from ...engine.ops import apply, dot
from ...engine.rewrite import rewrite
from .times import levels

__all__ = ["divide_layers"]


def divide_layers(graph: Graph) -> Graph:
    """Write each layer as products and sums, adding first what is known first.

    before: ``f = sigmoid(affine(x, W_f, h_prev, U_f, b_f))``
    after:  ``f = sigmoid((x W_f + b_f) + h_prev U_f)``, whose bracket leaves the loop

    Of a row that is joined, what is the same at every step is multiplied by itself, and once:

    before: ``[x, h_prev] W_f``, x being a picture
    after:  ``x W_f[:N] + h_prev W_f[N:]``
    """
    order = levels(graph)
    rows: dict[tuple[Node, ...], Node] = {}  # each joined once, so that layers that shared one still do

    def same_at_every_step(node: Node) -> bool:
        return order.level[node] == 0 and not node.timed

    def divided(row: Node, matrix: Node, new: dict[Node, Node]) -> Iterator[tuple[int, Node]]:
        """Products whose sum is that of a row and a matrix, and after which loop each is known."""
        runs = [tuple(run) for _, run in groupby(_parts([row]), same_at_every_step)]
        if len(runs) == 1:
            yield order.level[row], dot(new[row], matrix)
            return
        start = Dim()
        for run in runs:
            if run not in rows:
                parts = [new[part] for part in run]
                rows[run] = concat(*parts) if len(parts) > 1 else parts[0]
            stop = start + rows[run].shape[-1]
            some = apply("slice", matrix, start=start, stop=stop, axis=-2)
            yield max(order.level[part] for part in run), dot(rows[run], some)
            start = stop

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node.op.name != "affine":
            return None
        args, k = [new[a] for a in node.args], node.attrs["terms"]
        terms = [term for j in range(k) for term in divided(node.args[2 * j], args[2 * j + 1], new)]
        bias = [(0, args[-1])] if len(args) > 2 * k else []
        early = [t for t in terms if t[0] == 0]
        total = None
        for _, term in early + bias + sorted((t for t in terms if t[0]), key=lambda t: t[0]):
            total = term if total is None else total + term
        return total

    return rewrite(graph, rule)


def _parts(nodes: Iterable[Node]) -> Iterator[Node]:
    """What rows are joined from."""
    for node in nodes:
        if node.op.name == "concat" and node.attrs["axis"] == -1:
            yield from _parts(node.args)
        else:
            yield node
