"""One step of a cell, open: its glyphs, its lines, and the names beside them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..names import named
from .plan import OUT, RIGHT, UNIT, UP, Glyph, Layout, crossings, segments
from .sheet import EDGE, FILL, ROUND, distance, num, rectangle, stroke, toward, upright

if TYPE_CHECKING:
    from ...engine.definition import Definition
    from ...engine.graph import Node
    from ..names import Name
    from .plan import Point, Wire
    from .sheet import Sheet

__all__ = ["Label", "labels"]


# One step, open

Light = Callable[[Layout], tuple[set[str], set[tuple[str, str]]]]  # glyphs and lines in full ink


def half_size(g: Glyph) -> tuple[float, float]:
    """Half width and height of a glyph in pixels."""
    if g.kind == "layer":
        return g.a * UNIT, 17
    if g.kind == "point" and g.a == 1:
        return 14, 14
    if g.kind in ("point", "function"):
        return g.a * UNIT + 2, 15
    return 0, 0


def _px(p: Point) -> tuple[float, float]:
    return p[0] * UNIT, p[1] * UNIT


class Open:
    """One step with its glyphs and lines."""

    def __init__(
        self, cell: Definition, plan: Layout, focus: Collection[str] | None, light: Light | None = None
    ):
        self.cell, self.plan, self.light = cell, plan, light
        self.width, self.top, self.bottom = plan.width * UNIT, plan.top * UNIT, plan.bottom * UNIT
        self.heights = {s: y * UNIT for s, y in plan.heights.items()}
        self.inputs = {g.name: g.x * UNIT for g in plan.glyphs.values() if g.kind == "input"}
        self.outputs = {g.name: g.x * UNIT for g in plan.glyphs.values() if g.kind == "output"}
        self.lit, self.bright = light(plan) if light else self._lit(focus)

    def _lit(self, focus: Collection[str] | None) -> tuple[set[str], set[tuple[str, str]]]:
        """Glyphs and lines in full ink."""
        glyphs, wires = self.plan.glyphs, self.plan.wires
        if focus is None:
            return set(glyphs), {(w.source, w.sink) for w in wires}
        lit, bright = set(), set()
        for g in glyphs.values():
            if g.kind in ("layer", "point", "function") and (
                g.name in focus or any(set(n.origin or ()) & set(focus) for n in g.nodes)
            ):
                lit.add(g.id)
        pending = [(a, k) for k in lit for a in glyphs[k].args]
        states = set(self.plan.heights)
        for w in wires:
            if w.source in lit and glyphs[w.source].name in focus:
                state = glyphs[w.source].name in states
                if not state or glyphs[w.sink].kind in ("exit", "output"):
                    pending.append((w.source, w.sink))
        while pending:
            pair = pending.pop()
            if pair in bright:
                continue
            bright.add(pair)
            for end in pair:
                if glyphs[end].kind in ("enter", "exit", "input", "output"):
                    lit.add(end)
            if glyphs[pair[0]].kind == "merge":
                pending += [(a, pair[0]) for a in glyphs[pair[0]].args]
            if (
                glyphs[pair[1]].kind == "merge"
            ):  # what a faded line joins stays as it is, and leads on to its box
                pending += [
                    (w.source, w.sink)
                    for w in wires
                    if w.source == pair[1] and glyphs[w.sink].role == "below"
                ]
        return lit, bright

    def _ends(self, w: Wire) -> tuple[list[tuple[float, float]], bool]:
        """A line's corners in pixels, cut at the outlines of what it joins; whether it has a head."""
        a, b = self.plan.glyphs[w.source], self.plan.glyphs[w.sink]
        points = [_px(p) for p in w.points]
        if a.kind == "input":
            points[0] = (points[0][0], points[0][1] + OUT * UNIT - EDGE)
        elif a.kind == "merge" and len(a.args) == 1:  # no lines that join, but one that turns
            points[0] = toward(points[0], points[1], ROUND)
        elif a.kind not in ("merge", "enter"):
            points[0] = _cut(points[0], points[1], half_size(a))
        if b.kind == "output":
            points[-1] = (points[-1][0], points[-1][1] - OUT * UNIT + EDGE + 1)
        elif b.kind == "merge":
            (dx, dy), (x, y) = RIGHT if b.role == "bus" else UP, points[-1]
            if (points[-2][0] == x) != (dx == 0):  # joins from the side, in a curve
                points.append((x + dx * ROUND, y + dy * ROUND))
        elif b.kind != "exit":
            points[-1] = _cut(points[-1], points[-2], half_size(b), 1)
        return points, b.kind not in ("merge", "exit")

    def draw(self, sheet: Sheet, dx: float, names: bool = True) -> None:
        """Draw it with its left side at dx."""
        plan = self.plan
        sheet.rect(dx, self.top, dx + self.width, self.bottom, "module", 18)
        broken = crossings(plan)
        by_line: dict[tuple[str, bool], list] = {}
        for w in plan.wires:
            points, head = self._ends(w)
            gaps = [_px(p) for p in broken.get(w.source, ())]
            shifted = [(x + dx, y) for x, y in points], [(x + dx, y) for x, y in gaps], head
            by_line.setdefault((w.source, (w.source, w.sink) in self.bright), []).append(shifted)
        for (source, full), lines in by_line.items():
            points, gaps, heads = zip(*lines, strict=True)
            self.put(sheet, plan.glyphs[source], "line", stroke(points, gaps, list(heads)), full)
        for w in plan.wires:
            g = plan.glyphs[w.sink]
            if (
                g.text in ("−", "÷") and len(g.args) == 2 and w.source == g.args[1]
            ):  # which of the two is taken away
                (x, y), before = self._ends(w)[0][-1], self._ends(w)[0][-2]
                x, y = toward((x, y), before, 16)
                side = (10, 0) if x == before[0] else (0, -10)
                sheet.put(
                    upright(g.text, x + side[0] + dx, y + side[1], 14), (w.source, w.sink) in self.bright
                )
        for peephole in peepholes(plan):
            (x, y), full = peephole.at, (peephole.wire.source, peephole.wire.sink) in self.bright
            full |= self.light is not None and peephole.layer in self.lit  # its weights are the layer's
            if peephole.pointwise:
                sheet.put(shape(Glyph("", "point", "×"), x + dx, y, 0.55), full)
            name = named(peephole.parameter.rpartition(".")[2], "")
            sheet.name(name, x + dx, y + 17, full=full, size=14)
        for g in plan.glyphs.values():
            x, y = g.x * UNIT + dx, g.y * UNIT
            full = g.id in self.lit
            if g.kind in ("layer", "point", "function"):
                self.put(sheet, g, "glyph", shape(g, x, y), full)
            elif g.kind == "input":
                sheet.disc(self._name(g), x, y + OUT * UNIT, "input", full)
            elif g.kind == "output":
                sheet.disc(self._name(g), x, y - OUT * UNIT, "output", full)
        for label in labels(plan, self.cell.letters):
            full = any((w.source, w.sink) in self.bright for w in plan.wires if w.source == label.line)
            full |= self.light is not None and label.line in self.lit
            sheet.name(label.name, label.x + dx, label.y, label.anchor, full, 17)

    def put(self, sheet: Sheet, g: Glyph, what: str, text: str, full: bool) -> None:
        """Put a glyph's marks, or those of its line; a picture that moves says here what is what."""
        sheet.put(text, full)

    def _name(self, g: Glyph) -> Name:
        return named(
            g.name,
            "t" if not g.nodes or g.nodes[0].op.name in ("sequence", "noise") else "",
            self.cell.letters,
        )

    def is_lit(self, state: str, end: str) -> bool:
        """Whether a state's line at the module's side ("prev" or "next") is in full ink."""
        return f"{state}@{end}" in self.lit


def _cut(p, q, half: tuple[float, float], extra: float = 0):
    """Move a line's end from a glyph's centre to its outline, on the way to q."""
    if abs(p[0] - q[0]) < 1e-9:
        return p[0], p[1] + (half[1] + extra) * (1 if q[1] > p[1] else -1)
    return p[0] + (half[0] + extra) * (1 if q[0] > p[0] else -1), p[1]


@dataclass(frozen=True)
class Peephole:
    """A line that enters a layer through weights of its own, and where these are marked, in pixels.

    A row of weights multiplies it number by number, a matrix does not.
    """

    layer: str
    wire: Wire
    parameter: str
    pointwise: bool
    at: tuple[float, float]


def peepholes(plan: Layout) -> list[Peephole]:
    """The lines that join those of one box only, where they run level for long enough to be marked."""
    found = []
    for g in plan.glyphs.values():
        joints = [a for a in g.args if plan.glyphs[a].role == "below"]
        for joint in joints:  # one may lead to the next
            joints += [a for a in plan.glyphs[joint].args if plan.glyphs[a].role == "below"]
        for seen, parameter, pointwise in _own_weights(g) if joints else ():
            for wire in plan.wires:
                if wire.sink in joints and any(n is seen for n in plan.glyphs[wire.source].nodes):
                    level = [(p, q) for p, q in segments(wire) if p[1] == q[1] and abs(p[0] - q[0]) >= 2]
                    (x0, y), (x1, _) = map(_px, level[-1]) if level else ((0, 0), (0, 0))
                    found += [Peephole(g.id, wire, parameter, pointwise, ((x0 + x1) / 2, y))] * bool(level)
    return found


def _own_weights(g: Glyph) -> Iterator[tuple[Node, str, bool]]:
    """What a layer reads through peepholes: the value, the parameter, whether number by number."""
    for node in g.nodes if g.kind == "layer" else ():
        if node.op.name == "affine":
            for value, weights in zip(node.args[0::2], node.args[1::2], strict=False):
                if weights.name.rpartition(".")[2].startswith("V"):
                    yield value, weights.name, False
        elif node.op.name == "mul":
            for weights, value in (node.args, node.args[::-1]):
                if weights.op.name == "param" and value.op.name != "param":
                    yield value, weights.name, True


def shape(g: Glyph, x: float, y: float, scale: float = 1.0) -> str:
    w, h = (scale * half for half in half_size(g))
    size = 20 if g.text in ("+", "−", "×", "÷") else 17 if len(g.text) < 4 or g.kind == "layer" else 15
    text = upright(g.text, x, y, scale * size)
    if g.kind == "layer":
        return rectangle(x - w, y - h, x + w, y + h, "layer", 5) + text
    return (
        f'<ellipse class="{g.kind}" {FILL[g.kind]} cx="{num(x)}" cy="{num(y)}" rx="{num(w)}" ry="{num(h)}"/>'
        + text
    )


@dataclass(frozen=True)
class Label:
    """A name beside a line, in pixels."""

    line: str
    name: Name
    x: float
    y: float
    anchor: str

    @property
    def box(self) -> tuple[float, float, float, float]:
        """The rectangle that it fills: left, top, right, bottom."""
        w = self.name.width * 17
        x = self.x - {"start": 0, "middle": w / 2, "end": w}[self.anchor]
        return x, self.y - 10, x + w, self.y + 11


def labels(plan: Layout, letters: Mapping[str, str]) -> list[Label]:
    """A place for each line's name: beside it, near its start, and clear of all else where that can be."""
    taken = []
    for g in plan.glyphs.values():
        w, h = half_size(g)
        if w:
            taken.append((g.x * UNIT - w, g.y * UNIT - h, g.x * UNIT + w, g.y * UNIT + h))
    for wire in plan.wires:
        for p, q in segments(wire):
            (x0, y0), (x1, y1) = _px(p), _px(q)
            taken.append((min(x0, x1) - 2, min(y0, y1) - 2, max(x0, x1) + 2, max(y0, y1) + 2))
    found = []
    for g in plan.glyphs.values():
        sinks = [plan.glyphs[w.sink].kind for w in plan.wires if w.source == g.id]
        at_the_side = g.name in plan.heights and "exit" in sinks
        if g.kind == "layer" and set(sinks) - {"exit", "output"}:
            at_the_side = False  # its line leads elsewhere too
        if g.kind not in ("layer", "point", "function") or not g.name or at_the_side:
            continue
        name = named(g.name, "t", letters)
        best = min(_candidates(plan, g, name), key=lambda c: (covered(c[1].box, taken), c[0]))[1]
        taken.append(best.box)
        found.append(best)
    return found


def _candidates(plan: Layout, g: Glyph, name: Name) -> Iterator[tuple[float, Label]]:
    """Places beside a line, with a cost that grows with the distance from where it starts."""
    half = half_size(g)
    for wire in plan.wires:
        if wire.source != g.id:
            continue
        walked = 0.0
        for p, q in segments(wire):
            (x0, y0), (x1, y1) = _px(p), _px(q)
            length = distance((x0, y0), (x1, y1))
            skip = (half[1] if x0 == x1 else half[0]) + 10 if not walked else 12
            for d in range(int(skip), int(length) - 5, 4):
                x, y = toward((x0, y0), (x1, y1), d)
                if x0 == x1:
                    yield walked + d, Label(g.id, name, x + 8, y, "start")
                    yield walked + d + 6, Label(g.id, name, x - 8, y, "end")
                else:
                    yield walked + d + 3, Label(g.id, name, x, y - 14, "middle")
                    yield walked + d + 9, Label(g.id, name, x, y + 15, "middle")
            walked += length
    yield 1e6, Label(g.id, name, g.x * UNIT + half[0] + 4, g.y * UNIT - half[1] - 8, "start")


def covered(box, taken) -> float:
    """How much of a rectangle lies over others."""
    left, top, right, bottom = box
    return sum(
        (min(x1, right) - max(x0, left)) * (min(y1, bottom) - max(y0, top))
        for x0, y0, x1, y1 in taken
        if x0 < right and left < x1 and y0 < bottom and top < y1
    )
