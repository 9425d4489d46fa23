"""Where two cells differ: `Marks` finds the parts of two equations, `lit_parts` those of two pictures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ..engine.expression import operations, products
from ..engine.graph import Node
from .diagram.plan import through_merges

if TYPE_CHECKING:
    from ..engine.definition import Definition
    from ..engine.meaning import Meaning
    from .diagram.plan import Layout


Spot = tuple[Node | None, int]  # an operation, and which of its parts; (None, 0) is a whole right side
WHOLE: Spot = (None, 0)


def _products(node: Node, meaning: Meaning, known: Mapping[Node, int]) -> Iterator[tuple]:
    """The terms of an affine layer: (spot, number, operand, matrix), and (spot, number, bias)."""
    k = node.attrs["terms"]
    for j in products(node):
        x, w = node.args[2 * j : 2 * j + 2]
        yield (node, -1 - j), meaning.number("dot", (), known[x], known[w]), x, w, 2 * j
    for n, b in enumerate(node.args[2 * k :]):
        yield (node, 2 * k + n), known[b], b, None, 0


# Where two equations differ


@dataclass(eq=False)
class _Part:
    """A term of a sum or a factor of a product: where it stands, its number, and what it is."""

    spot: Spot
    key: int
    node: Node | None = None
    x: Node | None = None  # of a product with a matrix: the operand, the matrix, where the operand stands
    w: Node | None = None
    x_spot: Spot = WHOLE


class Marks:
    """Compares two right sides and collects the spots in which they differ."""

    def __init__(self, meaning: Meaning):
        self.meaning = meaning
        self.left: set[Spot] = set()
        self.right: set[Spot] = set()

    def compare(self, a: Node, b: Node, at: Spot = WHOLE, to: Spot = WHOLE) -> None:
        """Mark the smallest parts of a and b that are not in the other one."""
        top = at[0] is None
        a, b = _through(a, top), _through(b, top)
        m = self.meaning
        if (m.body if top else m.ref)[a] == (m.body if top else m.ref)[b]:
            return
        for sign in ("add", "mul"):
            if any(self._is(sign, n, top) for n in (a, b)):
                ours, theirs = self._parts(sign, a, at, top), self._parts(sign, b, to, top)
                if self._pair(ours, theirs):
                    return
        if not (self._closed(a, top) or self._closed(b, top)):
            if a.op.name == b.op.name and len(a.args) == len(b.args) and self._settings(a, b):
                for k, (p, q) in enumerate(zip(a.args, b.args, strict=True)):
                    self.compare(p, q, (a, k), (b, k))
                return
            if len(a.args) == 1 and m.ref[a.args[0]] == m.body[b]:  # a function more on one side
                self.left.add(at)
                return
            if len(b.args) == 1 and m.ref[b.args[0]] == m.body[a]:
                self.right.add(to)
                return
        self.left.add(at)
        self.right.add(to)

    @staticmethod
    def _closed(node: Node, top: bool) -> bool:
        return node.op.kind == "leaf" or (bool(node.name) and not top)

    @staticmethod
    def _settings(a: Node, b: Node) -> bool:
        return all(str(a.attrs.get(k)) == str(b.attrs.get(k)) for k in ("axis", "start", "stop", "size"))

    def _is(self, sign: str, node: Node, top: bool) -> bool:
        names = ("mul",) if sign == "mul" else ("add", "sub", "affine")
        return node.op.name in names and not self._closed(node, top)

    def _parts(self, sign: str, node: Node, spot: Spot, top: bool) -> list[_Part]:
        if not self._is(sign, node, top):
            x, w = node.args if node.op.name == "dot" and not self._closed(node, top) else (None, None)
            return [
                _Part(spot, (self.meaning.body if top else self.meaning.ref)[node], node, x, w, (node, 0))
            ]
        if node.op.name == "affine":
            rows = _products(node, self.meaning, self.meaning.ref)
            return [
                _Part(s, key, x, None, None, (node, k)) if w is None else _Part(s, key, None, x, w, (node, k))
                for s, key, x, w, k in rows
            ]
        found = []
        for k, a in enumerate(node.args):
            inner = self._parts(sign, _through(a, False), (node, k), False)
            if node.op.name == "sub" and k:
                inner = [replace(p, key=self.meaning.negative(p.key)) for p in inner]
            found += inner
        return found

    def _pair(self, ours: list[_Part], theirs: list[_Part]) -> bool:
        """Mark the parts without a counterpart; False, and nothing marked, where nothing matches."""
        mine, yours = list(ours), []
        for q in theirs:
            p = next((p for p in mine if p.key == q.key), None)
            if p is None:
                yours.append(q)
            else:
                mine.remove(p)
        kin = [(p, next((q for q in yours if self._kin(p, q)), None)) for p in mine]
        if len(mine) == len(ours) and all(q is None for _, q in kin):
            return False
        for p in mine:
            q = next((q for q in yours if self._kin(p, q)), None)
            if q is None:
                self.left.add(p.spot)
                continue
            yours.remove(q)
            if p.w is not None:
                self.compare(p.x, q.x, p.x_spot, q.x_spot)
            else:
                self.compare(p.node, q.node, p.spot, q.spot)
        self.right.update(q.spot for q in yours)
        return True

    def _kin(self, p: _Part, q: _Part) -> bool:
        """Whether two different parts are one thing that was changed: inside them is more to compare."""
        if p.w is not None or q.w is not None:
            return p.w is not None and q.w is not None and self.meaning.ref[p.w] == self.meaning.ref[q.w]
        if self._closed(p.node, False) or self._closed(q.node, False):
            return False
        return p.node.op.name == q.node.op.name


def _through(node: Node, top: bool) -> Node:
    """What a copy is a copy of."""
    while node.op.name == "copy" and (top or not node.name):
        node, top = node.args[0], False
    return node


# What is lit in a picture


def lit_parts(mine: Definition, other: Definition, meaning: Meaning, called: Mapping[str, str], plan: Layout):
    """Glyphs and lines of `mine` that `other` does not have; `called` says other names for mine."""
    ours = {called.get(n.name, n.name): n for n in other.graph.nodes if n.name and n.op.kind != "leaf"}
    bodies = {meaning.body[n] for n in other.graph.nodes} | {meaning.ref[n] for n in other.graph.nodes}
    full = {meaning.full[n] for n in other.graph.nodes}
    read: dict[
        str, set[int]
    ] = {}  # what each named equation of the other reads, at once or through unnamed ones
    for name, node in ours.items():
        read[name] = {meaning.ref[a] for n in operations(node) for a in n.args}

    def common(node: Node) -> bool:
        if meaning.full[node] in full:
            return True
        if not node.name:
            return meaning.body[node] in bodies
        return node.name in ours and meaning.body[node] == meaning.body[ours[node.name]]

    glyphs = plan.glyphs
    shapes = [g for g in glyphs.values() if g.kind in ("layer", "point", "function")]
    found = {g.id for g in shapes if not all(common(n) for n in g.nodes if n.op.kind != "leaf")}
    bright: set[tuple[str, str]] = set()

    def light(sink: str, source: str, wanted: set[str]) -> bool:
        """Light the line between two glyphs if one of the wanted comes along it."""
        g = glyphs[source]
        if g.kind == "merge":
            parts = [light(source, a, wanted) for a in g.args]
            comes = any(parts)
        else:
            comes = source in wanted
        if comes:
            bright.add((source, sink))
        return comes

    def number(k: str) -> int | None:
        nodes = glyphs[k].nodes
        return meaning.ref[nodes[-1]] if nodes else None

    there = {f"{s.name}@{end}": s for s in other.graph.states for end in ("prev", "next")}
    there |= {f"{name}@out": name for name in [*other.graph.outputs, other.output]}
    for g in glyphs.values():
        sources = set(through_merges(g.args, glyphs))
        if g.id in found:
            old = ours.get(g.name) if g.name else None
            fresh = {k for k in sources if old is None or number(k) not in read[g.name]}
            if old is None or not fresh or old.op.name == g.nodes[-1].op.name:
                sources = fresh  # else it is another operation altogether: all that it reads is new
        elif g.kind not in ("exit", "output") or g.id in there:
            continue
        for a in g.args:
            light(g.id, a, sources)
    for pair in bright:
        found.update(k for k in pair if glyphs[k].kind in ("enter", "exit", "input", "output"))
    found.update(g.id for g in glyphs.values() if g.kind == "enter" and g.id not in there)
    return found, bright
