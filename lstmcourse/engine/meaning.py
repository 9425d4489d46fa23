"""What equations mean, by number: `Meaning` gives one number to all that compute the same.

Differences between cells are found by it, and the modules of other libraries that are the same function. Its
numbers hold within one process; the digest that stands in files is `lstmcourse.training.equations`.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from .graph import Graph, Node

__all__ = ["Meaning"]

_COMMUTE = ("maximum", "minimum", "equal", "not_equal", "both", "either")


class Meaning:
    """Numbers for what the nodes of graphs compute: equal where two do the same, in any order of operands.

    One numbering serves several graphs; `read` takes a graph in. Sums are sums of terms, products are
    products of factors, a difference is a sum with a negative term, and a learned layer is the sum of its
    products, however they were written.

    Attributes
    ----------
    body : dict of Node to int
        What an operation does to its arguments, where the author's names stand for themselves.
    ref : dict of Node to int
        How others refer to it: by its name, if it has one.
    full : dict of Node to int
        What it computes, down to the leaves, whatever things are called.
    """

    def __init__(self):
        self.numbers: dict[Any, int] = {}
        self.keys: list[Any] = []
        self.body: dict[Node, int] = {}
        self.ref: dict[Node, int] = {}
        self.full: dict[Node, int] = {}
        self._parts: dict[int, dict[Node, tuple[str, list[int]]]] = {0: {}, 1: {}}

    def number(self, *key: Any) -> int:
        """The number of a key, the same each time."""
        if key not in self.numbers:
            self.numbers[key] = len(self.keys)
            self.keys.append(key)
        return self.numbers[key]

    def read(self, graph: Graph, called: Mapping[str, str] | None = None) -> None:
        """Number all nodes of a graph, in which names are `called` otherwise."""
        for node in graph.nodes:
            self.full[node] = self._number(node, self.full, 1)
            self.body[node] = self._number(node, self.ref, 0)
            self.ref[node] = self.body[node]
            if node.name and node.op.kind != "leaf":
                self.ref[node] = self.number("name", (called or {}).get(node.name, node.name))

    def states(self, graph: Graph) -> list[tuple]:
        """What the states of a graph start from, and become."""
        full = self.full
        return sorted((s.name, full[s.prev], full[s.start], full[s.next]) for s in graph.states)

    def _number(self, node: Node, known: dict[Node, int], through: int) -> int:
        op, args = node.op, [known[a] for a in node.args]
        if op.kind == "leaf":
            return self.number(op.name, node.name, *self._leaf(node))
        if op.name == "copy":
            return args[0]
        if op.name in ("add", "sub", "neg", "affine", "mul"):
            sign, parts = self._gather(node, known, through)
            self._parts[through][node] = sign, parts
            return self.number(sign, *sorted(parts)) if len(parts) > 1 else parts[0]
        if op.name in _COMMUTE:
            args.sort()
        if op.name == "spread":
            args = args[:1]  # the other one only lends its shape
        attrs = sorted((k, str(v)) for k, v in node.attrs.items() if k not in ("init", "label"))
        return self.number(op.name, tuple(attrs), *args)

    def _leaf(self, node: Node) -> tuple:
        if node.op.name == "const":
            value = node.attrs["value"]
            if isinstance(value, int | float) and not isinstance(value, bool):
                return (float(value),)
            return (repr(value.tolist() if hasattr(value, "tolist") else value),)
        if node.op.name == "table":
            return tuple(map(str, node.shape)), _code(node.attrs["function"])
        settings = {k: v for k, v in node.attrs.items() if k not in ("init", "free")}
        free = self.ref[node.attrs["free"]] if "free" in node.attrs else None
        return tuple(map(str, node.shape)), tuple(sorted(map(str, settings.items()))), free

    def _gather(self, node: Node, known: dict[Node, int], through: int) -> tuple[str, list[int]]:
        """The terms of a sum, or the factors of a product, with those of unnamed ones inside it."""
        sign = "mul" if node.op.name == "mul" else "add"

        def parts(a: Node) -> list[int]:
            open_ = through or not a.name
            inner = self._parts[through].get(a) if open_ else None
            return inner[1] if inner and inner[0] == sign else [known[a]]

        if node.op.name == "affine":
            inputs = [known[a] for a in node.args]
            pairs = zip(inputs[0::2], inputs[1::2], strict=False)
            bias = inputs[2 * node.attrs["terms"] :]
            return sign, [*(self.number("dot", (), x, w) for x, w in pairs), *bias]
        if node.op.name == "neg":
            return sign, [self.negative(k) for k in parts(node.args[0])]
        if node.op.name == "sub":
            a, b = node.args
            return sign, [*parts(a), *(self.negative(k) for k in parts(b))]
        return sign, [k for a in node.args for k in parts(a)]

    def negative(self, k: int) -> int:
        """The number of a term with the other sign."""
        what, *rest = self.keys[k]
        if what == "const" and isinstance(rest[-1], float):
            return self.number(what, *rest[:-1], 0.0 - rest[-1])
        return rest[0] if what == "minus" else self.number("minus", k)


def _code(value: Any) -> Any:
    """What a function of sizes does: its instructions and what it has at hand, without places in memory."""
    if inspect.isfunction(value):
        held = [c.cell_contents for c in value.__closure__ or ()]
        return _code(value.__code__), tuple(map(_code, [*held, *(value.__defaults__ or ())]))
    if inspect.iscode(value):
        return value.co_code, value.co_names, tuple(map(_code, value.co_consts))
    return repr(value)
