"""Each thing done once, and arithmetic on constants now."""

from __future__ import annotations

import numpy as np

from ...engine.graph import Graph, Node
from ...engine.operands import is_condition
from ...engine.rewrite import clone, rewrite
from ...engine.trace import current

__all__ = ["is_number", "simplify"]


def simplify(graph: Graph) -> Graph:
    """Do each thing once, and arithmetic on constants now.

    before: ``a = y * y``, ``b = y * y``, ``c = 1.0 * d``
    after:  ``a`` for both, ``d`` for c
    """
    seen: dict[tuple, Node] = {}

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        args = [new[a] for a in node.args]
        folded = _fold(node, args)
        if folded is not None:
            return folded
        if node.op.kind == "leaf" and node.op.name != "const":
            return None
        key = (node.op.name, tuple(map(id, args)), _key(node.attrs), node.shape, node.timed, node.batched)
        if key not in seen:
            seen[key] = clone(current().graph, node, args)
        return seen[key]

    return rewrite(graph, rule)


def _key(attrs: dict) -> str:
    return repr(
        {
            k: v if not isinstance(v, np.ndarray) else (v.shape, v.dtype.str, v.tobytes())
            for k, v in attrs.items()
        }
    )


def is_number(node: Node, value: float) -> bool:
    """Whether a node is a constant of this value."""
    held = node.attrs.get("value") if node.op.name == "const" else None
    return isinstance(held, int | float) and not isinstance(held, bool) and held == value


def _fold(node: Node, args: list[Node]) -> Node | None:
    """1 * a, a * 1, a / 1, a + 0, 0 + a, a - 0, -(-a): the node that is left, if it has the same shape."""
    number = is_number
    left = None
    if node.op.name == "mul":
        left = args[1] if number(args[0], 1) else args[0] if number(args[1], 1) else None
    elif node.op.name == "add":
        left = args[1] if number(args[0], 0) else args[0] if number(args[1], 0) else None
    elif node.op.name == "sub" and number(args[1], 0):
        left = args[0]
    elif node.op.name == "div" and number(args[1], 1):
        left = args[0]
    elif node.op.name == "neg" and args[0].op.name == "neg":
        left = args[0].args[0]
    elif (
        node.op.name == "sum" and args[0].op.name == "expand" and args[0].attrs["axis"] == node.attrs["axis"]
    ):
        left = args[0].args[0]
    shape = (node.shape, node.timed, node.batched)
    same = left is not None and not is_condition(left) and (left.shape, left.timed, left.batched) == shape
    return left if same else None
