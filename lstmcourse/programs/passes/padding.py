"""What is summed over steps is exactly 0 past the end."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from ...engine.graph import Dim, Graph, Node
from ...engine.ops import OPS, where
from ...engine.rewrite import clone, rewrite
from ...engine.trace import current, editing, record
from .arithmetic import is_number

__all__ = ["mask_padding"]


def mask_padding(graph: Graph) -> Graph:
    """In a backward graph: make what leaves the steps exactly 0 past the end, whatever was computed there.

    before: ``d_W = outer(x, d_a)``, ``d_x = dot(d_x_part, W^T)``
    after:  ``d_W = outer(x, where(padded, 0, d_a))``, and so on

    The selection comes after all products with slopes, so that a slope past the end that is not finite does
    not matter (a step at a clock that the sequence never reached, a sequence of length 0). It stands where
    the value is made, so that it is done in place, and what is made of the value is masked as well.
    """
    if not graph.leaves("valid"):
        return graph
    ends = {n for n in graph.outputs.values() if n.timed and n.batched}
    wanted = ends | {a for n in graph.nodes if n.op.kind == "reduction" for a in _unmasked(n, n.args, set())}
    wanted -= {s.next for s in graph.states}
    masked: set[Node] = set()  # new nodes that are 0 past the end
    padded: dict[int, Node] = {}
    valid: dict[int, Node] = {}

    def select(value: Node) -> Node:
        rank = len(value.shape)
        if rank not in padded:
            if rank not in valid:
                shape = (Dim.of(1),) * rank
                valid[rank] = current().graph.add(
                    OPS["valid"], attrs={"rank": rank}, shape=shape, batched=True, timed=True
                )
            padded[rank] = record(OPS["opposite"], [valid[rank]])
            padded[rank].hint = "padded"
        made = where(padded[rank], 0.0, value)
        made.origin, made.hint = value.origin, value.hint
        if value.op.kind != "leaf":
            made.name, value.name = value.name, ""
        masked.add(made)
        return made

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node.op.name == "valid":
            rank = node.attrs["rank"]
            valid[rank] = valid.get(rank) or clone(current().graph, node, [])
            return valid[rank]
        if node.op.kind == "leaf":
            return None
        args = [new[a] for a in node.args]
        if node.op.kind == "reduction":
            unmasked = _unmasked(node, args, masked)
            return clone(current().graph, node, [select(a) if a in unmasked else a for a in args])
        if node.op.name == "where" and args[0].op.name == "valid" and args[1] in masked:
            return args[1] if args[1].shape == node.shape and is_number(args[2], 0) else None
        made = clone(current().graph, node, args)
        if _is_masked(made, masked):
            masked.add(made)
        return select(made) if node in wanted and made not in masked else made

    new = rewrite(graph, rule)
    with editing(new):
        for name, node in new.outputs.items():
            if node.timed and node.batched and node not in masked:
                new.outputs[name] = select(node)
    return new


def _unmasked(node: Node, args: Iterable[Node], masked: Collection[Node]) -> set[Node]:
    """What a sum over steps reads that must be masked first; of a product's two sides the first may be
    what is finite at all steps.
    """
    return {
        a
        for k, a in enumerate(args)
        if a.timed
        and a.batched
        and a not in masked
        and not (node.op.name == "outer" and not k and _finite(a))
    }


def _finite(node: Node) -> bool:
    """Whether values are those of valid steps also past the end: inputs, and states as a step reads them."""
    if node.op.name == "saved":
        return _finite(node.attrs["of"])
    if node.op.name == "where":
        condition, read, start = node.args
        return condition.op.name == "valid" and not start.timed and _finite(read)
    if node.op.kind == "view" or node.op.name in ("copy", "concat"):
        return all(_finite(a) for a in node.args)
    return node.op.name in ("sequence", "noise", "prev") or (node.op.kind == "leaf" and not node.timed)


def _is_masked(node: Node, masked: Collection[Node]) -> bool:
    """Whether an operation on what is 0 past the end gives 0 there: not where 0 might meet infinity."""

    def zero(a: Node) -> bool:
        return a in masked or is_number(a, 0)

    args, name = node.args, node.op.name
    if name == "where":
        condition, a, b = args
        if condition.op.name == "valid":
            return zero(b)
        past = condition.op.name == "opposite" and condition.args[0].op.name == "valid"
        return zero(a) and (past or zero(b))
    linear = ("add", "sub", "concat", "neg", "copy", "spread", "reshape", "sum", "pad")
    if name in linear or node.op.kind == "view":
        return all(zero(a) for a in args)
    if name in ("mul", "div", "dot", "matmul"):
        return args[0] in masked and not args[1].timed
    return False
