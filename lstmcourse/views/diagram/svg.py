"""Draw a cell as a picture, in the visual language of "Understanding LSTM Networks", from its graph alone.

    diagram(cell)                      one step, open; `cell.diagram()` is the same
    diagram(cell, focus={"f", "i"})    these equations in full ink, all else faded: lines to a third
    diagram(cell, chain=True)          three steps, the middle one open
    folded(cell), unrolled(cell)       the loop, and the loop laid out as copies through time
    legend()                           what boxes, circles and lines mean

`layout` says where everything goes, and by which rules; here is the syntax: how it looks. A cell that does
not fit on a picture of this kind is shown as its equations, written inside the module; a stack as its layers.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...engine.expression import DRAWN, equation_of, equations, operations, written_size
from ...errors import UnknownNameError, nearest
from ...files.paths import expand
from .layout import (
    MOST,
    RIGHT,
    UNIT,
    UP,
    Glyph,
    Layout,
    Point,
    Wire,
    crossings,
    layout,
    read,
    segments,
    through_merges,
)

if TYPE_CHECKING:
    from ...cell import Cell
    from ...engine.graph import Node

__all__ = ["Diagram", "Label", "Name", "diagram", "folded", "labels", "legend", "named", "unrolled"]

INK = "#1c2024"
LONGEST = 120  # letters in a written equation
LINE, ROUND, GAP, EDGE = (
    3,
    10,
    6,
    20,
)  # pixels: line width, radius of corners, half a break, radius of input circles
FADED, FADED_WORDS = 0.33, 0.55  # opacity of what is not in full ink; of its words, which can still be read
OUT = 3  # grid units from the module to the circles and names outside it
CLOSED = 10  # grid units: width of a closed module in a chain

# Fills and outlines beside plots.PALETTE. Boxes, circles and ellipses also differ in shape and in lightness.
# Each tone is a fill and an outline.
_TONES = {
    "light": {
        "module": ("#e4ebf3", "#8fa1b5"),
        "layer": ("#fbdf8e", "#8a6100"),
        "point": ("#ffffff", "#1c2024"),
        "input": ("#cfe0ff", "#2b4fc8"),
        "output": ("#ead9f2", "#5a0f6b"),
    },
    "dark": {
        "module": ("#212a35", "#566579"),
        "layer": ("#6e5310", "#e0b94a"),
        "point": ("#111111", "#e8eaed"),
        "input": ("#1d3a6e", "#63b3ff"),
        "output": ("#4b2557", "#cf86d6"),
    },
}
_KINDS = {
    "module": "module",
    "layer": "layer",
    "point": "point",
    "function": "point",
    "input": "input",
    "output": "output",
}
SERIF = "'STIX Two Text','Times New Roman',Times,'Liberation Serif','DejaVu Serif',serif"

_GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi "
        "omega".split(),
        "αβγδεζηθκλμνξπρστφχψω",
        strict=True,
    )
)
_ACCENTS = {"tilde": "\u0303", "hat": "\u0302", "bar": "\u0304", "dot": "\u0307", "vec": "\u20d7"}


@dataclass(frozen=True)
class Name:
    """A variable as it is set: letter, index below, index above."""

    letter: str
    below: str = ""
    above: str = ""

    @property
    def width(self) -> float:
        """About how wide it is, in multiples of the size of the type."""
        plain = len(self.letter.translate(_NO_ACCENTS))
        return 0.62 * plain + 0.4 * max(len(self.below), len(self.above))

    @property
    def plain(self) -> str:
        """As text: ``C_t``."""
        return (
            self.letter + (f"^{self.above}" if self.above else "") + (f"_{self.below}" if self.below else "")
        )


_NO_ACCENTS = {ord(a): None for a in _ACCENTS.values()}


def named(name: str, when: str = "t", letters: Mapping[str, str] | None = None) -> Name:
    r"""Set a name of the graph in the paper's letters.

    Examples
    --------
    >>> named("g", "t", {"g": r"\tilde{C}"}).plain == "C\u0303_t"
    True
    >>> named("enc.k2", "t-1").plain
    'k^enc_2,t−1'
    """
    scope, _, local = name.rpartition(".")
    letter = (letters or {}).get(local, (letters or {}).get(name, local))
    letter = letter.replace(r"\imath", "ı")
    match = re.fullmatch(r"\\(\w+)\{(\w+)\}", letter)
    if match and match[1] in _ACCENTS:
        letter = match[2] + _ACCENTS[match[1]]
    letter = letter.replace("\\", "").replace("{", "").replace("}", "")
    head, _, tail = letter.partition("_")
    numbered = re.fullmatch(r"([^\W\d]+)(\d+)", head)
    if numbered and not tail:
        head, tail = numbered.groups()
    head = _GREEK.get(head, head)
    return Name(head, ",".join(p for p in (tail, when.replace("-", "−")) if p), scope)


def _n(value: float) -> str:
    """A number, always written the same way."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _set(name: Name, x: float, y: float, anchor: str = "middle", size: float = 18) -> str:
    """A variable as SVG text; y is the middle of its small letters."""
    base = _n(y + 0.26 * size)
    runs, at = escape(name.letter), 0.0
    for text, shift in ((name.above, -0.42), (name.below, 0.26)):
        if text:
            back = (
                f' dx="{_n(-0.35 * len(name.above) * size)}"' if at else ""
            )  # the index below stands under that above
            runs += f'<tspan class="i"{back} dy="{_n((shift - at) * size)}">{escape(text)}</tspan>'
            at = shift
    return (
        f'<text class="v" x="{_n(x)}" y="{base}" text-anchor="{anchor}" font-size="{_n(size)}">{runs}</text>'
    )


def _words(text: str, x: float, y: float, size: float = 17, anchor: str = "middle", kind: str = "f") -> str:
    """Upright text: functions, operations, titles, equations; ``W_f`` and ``h_{t-1}`` get their indices."""
    runs, low = "", 0.0
    for part in re.split(r"(_\{[^}]*\}|_[^\W_]+)", text):
        down = 0.2 * size if part.startswith("_") else 0.0
        shift = f' dy="{_n(down - low)}"' if down != low else ""
        part = escape(part.strip("_{}").replace("-", "−") if down else part)
        runs += (
            f'<tspan class="i"{shift}>{part}</tspan>'
            if down
            else f"<tspan{shift}>{part}</tspan>"
            if shift and part
            else part
        )
        low = down if part else low
    where = f'x="{_n(x)}" y="{_n(y + 0.33 * size)}" text-anchor="{anchor}" font-size="{_n(size)}"'
    return f'<text class="{kind}" {where}>{runs}</text>'


def _path(points: list[tuple[float, float]], broken: Collection[tuple[float, float]] = ()) -> str:
    """A line with rounded corners; upright stretches leave gaps where they pass under another line."""
    out = [f"M{_n(points[0][0])} {_n(points[0][1])}"]
    at = points[0]
    for k in range(1, len(points)):
        p = points[k]
        end, turn = p, ""
        if k < len(points) - 1:
            q = points[k + 1]
            r = min(
                ROUND,
                _distance(points[k - 1], p) / (1 if k == 1 else 2),
                _distance(p, q) / (1 if k == len(points) - 2 else 2),
            )
            end = _toward(p, points[k - 1], r)
            after = _toward(p, q, r)
            turn = f"Q{_n(p[0])} {_n(p[1])} {_n(after[0])} {_n(after[1])}"
        else:
            after = p
        if abs(at[0] - end[0]) < 1e-9:
            sign = 1 if end[1] > at[1] else -1
            low, high = sorted((at[1], end[1]))
            for y in sorted(
                (y for x, y in broken if abs(x - end[0]) < 1e-9 and low < y < high), reverse=sign < 0
            ):
                out.append(f"V{_n(y - sign * GAP)}M{_n(end[0])} {_n(y + sign * GAP)}")
            out.append(f"V{_n(end[1])}")
        else:
            out.append(f"H{_n(end[0])}")
        out.append(turn)
        at = after
    return "".join(out)


def _distance(p, q) -> float:
    return abs(p[0] - q[0]) + abs(p[1] - q[1])


def _toward(p, q, r: float):
    d = _distance(p, q) or 1.0
    return p[0] + (q[0] - p[0]) * r / d, p[1] + (q[1] - p[1]) * r / d


def _head(p, before) -> str:
    """An arrow head whose tip is at p."""
    d = _distance(p, before) or 1.0
    ux, uy = (p[0] - before[0]) / d, (p[1] - before[1]) / d
    bx, by = p[0] - 10 * ux, p[1] - 10 * uy
    corners = [p, (bx - 5 * uy, by + 5 * ux), (bx + 5 * uy, by - 5 * ux)]
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in corners) + "Z"


_TEXT = re.compile("<text .*?</text>")


class _Sheet:
    """What is drawn, in layers: grounds, what is faded and its words, what is in full ink; and how far it
    reaches.
    """

    def __init__(self):
        self.ground: list[str] = []
        self.faded: list[str] = []
        self.faded_words: list[str] = []
        self.full: list[str] = []
        self.left = self.top = float("inf")
        self.right = self.bottom = float("-inf")

    def reach(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Make room for a rectangle."""
        self.left, self.top = min(self.left, x0), min(self.top, y0)
        self.right, self.bottom = max(self.right, x1), max(self.bottom, y1)

    def put(self, text: str, full: bool = True) -> None:
        """Add marks to a layer."""
        if full:
            self.full.append(text)
            return
        self.faded.append(_TEXT.sub("", text))
        self.faded_words += _TEXT.findall(text)

    def line(self, points, *, head: bool = False, full: bool = True, broken=()) -> None:
        """A line, with an arrow head at its end if wanted."""
        self.put(_stroke([points], [broken], head), full)
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        self.reach(min(xs) - 4, min(ys) - 4, max(xs) + 4, max(ys) + 4)

    def rect(self, x0, y0, x1, y1, kind: str, round_: float = 8) -> None:
        """A rectangle on the ground."""
        self.ground.append(_rect(x0, y0, x1, y1, kind, round_))
        self.reach(x0, y0, x1, y1)

    def name(
        self, name: Name, x: float, y: float, anchor: str = "middle", full: bool = True, size: float = 18
    ) -> None:
        """A variable's name."""
        self.put(_set(name, x, y, anchor, size), full)
        w = name.width * size
        x0 = x - {"start": 0, "middle": w / 2, "end": w}[anchor]
        self.reach(x0 - 2, y - 0.75 * size, x0 + w + 2, y + 0.75 * size)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        anchor: str = "middle",
        size: float = 17,
        kind: str = "f",
        full: bool = True,
    ) -> None:
        """Upright text."""
        self.put(_words(text, x, y, size, anchor, kind), full)
        w = 0.5 * size * len(text)
        x0 = x - {"start": 0, "middle": w / 2, "end": w}[anchor]
        self.reach(x0, y - 0.75 * size, x0 + w, y + 0.75 * size)

    def disc(self, name: Name, x: float, y: float, kind: str, full: bool = True) -> None:
        """A circle outside the module, for what comes in or goes out."""
        size = 18 if name.width < 1.9 else 18 * 1.9 / name.width
        self.put(
            f'<circle class="{kind}" {_FILL[kind]} cx="{_n(x)}" cy="{_n(y)}" r="{EDGE}"/>'
            + _set(name, x, y, size=size),
            full,
        )
        self.reach(x - EDGE - 2, y - EDGE - 2, x + EDGE + 2, y + EDGE + 2)


# Colours as attributes too, for programs that read SVG without CSS variables.
_FILL = {kind: 'fill="{}" stroke="{}"'.format(*_TONES["light"][tone]) for kind, tone in _KINDS.items()}


def _rect(x0, y0, x1, y1, kind: str, round_: float) -> str:
    size = f'width="{_n(x1 - x0)}" height="{_n(y1 - y0)}" rx="{_n(round_)}"'
    return f'<rect class="{kind}" {_FILL[kind]} x="{_n(x0)}" y="{_n(y0)}" {size}/>'


def _stroke(lines, broken, head: bool | list[bool]) -> str:
    """Lines as one path, so that what they share is painted once; and their heads."""
    heads = head if isinstance(head, list) else [head] * len(lines)
    d, tips = [], []
    for points, gaps, tip in zip(lines, broken, heads, strict=True):
        points = list(points)
        if tip:
            tips.append(_head(points[-1], points[-2]))
            points[-1] = _toward(points[-1], points[-2], min(6, _distance(points[-1], points[-2])))
        d.append(_path(points, gaps))
    out = f'<path class="w" fill="none" stroke="{INK}" d="{"".join(d)}"/>'
    return out + (f'<path class="a" fill="{INK}" d="{"".join(tips)}"/>' if tips else "")


# One step, open

Light = Callable[[Layout], tuple[set[str], set[tuple[str, str]]]]  # glyphs and lines in full ink


def _size(g: Glyph) -> tuple[float, float]:
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


class _Open:
    """One step with its glyphs and lines."""

    def __init__(self, cell: Cell, plan: Layout, focus: Collection[str] | None, light: Light | None = None):
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
            points[0] = _toward(points[0], points[1], ROUND)
        elif a.kind not in ("merge", "enter"):
            points[0] = _cut(points[0], points[1], _size(a))
        if b.kind == "output":
            points[-1] = (points[-1][0], points[-1][1] - OUT * UNIT + EDGE + 1)
        elif b.kind == "merge":
            (dx, dy), (x, y) = RIGHT if b.role == "bus" else UP, points[-1]
            if (points[-2][0] == x) != (dx == 0):  # joins from the side, in a curve
                points.append((x + dx * ROUND, y + dy * ROUND))
        elif b.kind != "exit":
            points[-1] = _cut(points[-1], points[-2], _size(b), 1)
        return points, b.kind not in ("merge", "exit")

    def draw(self, sheet: _Sheet, dx: float, names: bool = True) -> None:
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
        for (_, full), lines in by_line.items():
            points, gaps, heads = zip(*lines, strict=True)
            sheet.put(_stroke(points, gaps, list(heads)), full)
        for w in plan.wires:
            g = plan.glyphs[w.sink]
            if (
                g.text in ("−", "÷") and len(g.args) == 2 and w.source == g.args[1]
            ):  # which of the two is taken away
                (x, y), before = self._ends(w)[0][-1], self._ends(w)[0][-2]
                x, y = _toward((x, y), before, 16)
                side = (10, 0) if x == before[0] else (0, -10)
                sheet.put(
                    _words(g.text, x + side[0] + dx, y + side[1], 14), (w.source, w.sink) in self.bright
                )
        for peephole in peepholes(plan):
            (x, y), full = peephole.at, (peephole.wire.source, peephole.wire.sink) in self.bright
            full |= self.light is not None and peephole.layer in self.lit  # its weights are the layer's
            if peephole.pointwise:
                sheet.put(_shape(Glyph("", "point", "×"), x + dx, y, 0.55), full)
            name = named(peephole.parameter.rpartition(".")[2], "")
            sheet.name(name, x + dx, y + 17, full=full, size=14)
        for g in plan.glyphs.values():
            x, y = g.x * UNIT + dx, g.y * UNIT
            full = g.id in self.lit
            if g.kind in ("layer", "point", "function"):
                sheet.put(_shape(g, x, y), full)
            elif g.kind == "input":
                sheet.disc(self._name(g), x, y + OUT * UNIT, "input", full)
            elif g.kind == "output":
                sheet.disc(self._name(g), x, y - OUT * UNIT, "output", full)
        for label in labels(plan, self.cell.letters):
            full = any((w.source, w.sink) in self.bright for w in plan.wires if w.source == label.line)
            full |= self.light is not None and label.line in self.lit
            sheet.name(label.name, label.x + dx, label.y, label.anchor, full, 17)

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


def _shape(g: Glyph, x: float, y: float, scale: float = 1.0) -> str:
    w, h = (scale * half for half in _size(g))
    size = 20 if g.text in ("+", "−", "×", "÷") else 17 if len(g.text) < 4 or g.kind == "layer" else 15
    text = _words(g.text, x, y, scale * size)
    if g.kind == "layer":
        return _rect(x - w, y - h, x + w, y + h, "layer", 5) + text
    return (
        f'<ellipse class="{g.kind}" {_FILL[g.kind]} cx="{_n(x)}" cy="{_n(y)}" rx="{_n(w)}" ry="{_n(h)}"/>'
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
        w, h = _size(g)
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
        best = min(_candidates(plan, g, name), key=lambda c: (_hidden(c[1].box, taken), c[0]))[1]
        taken.append(best.box)
        found.append(best)
    return found


def _candidates(plan: Layout, g: Glyph, name: Name) -> Iterator[tuple[float, Label]]:
    """Places beside a line, with a cost that grows with the distance from where it starts."""
    half = _size(g)
    for wire in plan.wires:
        if wire.source != g.id:
            continue
        walked = 0.0
        for p, q in segments(wire):
            (x0, y0), (x1, y1) = _px(p), _px(q)
            length = _distance((x0, y0), (x1, y1))
            skip = (half[1] if x0 == x1 else half[0]) + 10 if not walked else 12
            for d in range(int(skip), int(length) - 5, 4):
                x, y = _toward((x0, y0), (x1, y1), d)
                if x0 == x1:
                    yield walked + d, Label(g.id, name, x + 8, y, "start")
                    yield walked + d + 6, Label(g.id, name, x - 8, y, "end")
                else:
                    yield walked + d + 3, Label(g.id, name, x, y - 14, "middle")
                    yield walked + d + 9, Label(g.id, name, x, y + 15, "middle")
            walked += length
    yield 1e6, Label(g.id, name, g.x * UNIT + half[0] + 4, g.y * UNIT - half[1] - 8, "start")


def _hidden(box, taken) -> float:
    """How much of a rectangle lies over others."""
    total = 0.0
    for x0, y0, x1, y1 in taken:
        w, h = min(x1, box[2]) - max(x0, box[0]), min(y1, box[3]) - max(y0, box[1])
        total += max(0.0, w) * max(0.0, h)
    return total


# A step as a closed box, and as its equations


class _Closed:
    """A step of which only the outside is seen."""

    def __init__(self, label: str, like: Any, width: float = CLOSED * UNIT):
        self.label, self.width, self.top, self.bottom, self.heights = (
            label,
            width,
            like.top,
            like.bottom,
            like.heights,
        )
        self.inputs = {
            k: width / 2 + (n - (len(like.inputs) - 1) / 2) * 3.2 * UNIT for n, k in enumerate(like.inputs)
        }
        self.outputs = {
            k: width / 2 + (n - (len(like.outputs) - 1) / 2) * 3.2 * UNIT for n, k in enumerate(like.outputs)
        }

    def draw(
        self, sheet: _Sheet, dx: float, when: str, letters: Mapping[str, str], timed: Collection[str]
    ) -> None:
        """Draw it with its left side at dx; `when` is the index of its step."""
        sheet.rect(dx, self.top, dx + self.width, self.bottom, "module", 18)
        sheet.text(
            self.label,
            dx + self.width / 2,
            (self.top + self.bottom) / 2,
            size=_fit(self.label, self.width, 34),
            kind="t",
        )
        for k, x in self.inputs.items():
            y = self.bottom + OUT * UNIT
            sheet.line([(dx + x, y - EDGE), (dx + x, self.bottom + 1)], head=True)
            sheet.disc(named(k, when if k in timed else "", letters), dx + x, y, "input")
        for k, x in self.outputs.items():
            y = self.top - OUT * UNIT
            sheet.line([(dx + x, self.top), (dx + x, y + EDGE + 1)], head=True)
            sheet.disc(named(k, when, letters), dx + x, y, "output")


def _fit(text: str, width: float, most: float) -> float:
    return min(most, (width - 16) / (0.56 * max(1, len(text))))


class _Written:
    """A step as its equations, for a cell that does not fit on a picture."""

    def __init__(self, cell: Cell):
        self.cell = cell
        self.rows = []
        for name, node in equations(cell.graph).items():
            if written_size(node) <= MOST:
                left, right = equation_of(name, node, DRAWN, cell.letters)
            else:
                left, right = f"{name}_t", f"... ({len(operations(node))} operations)"
            self.rows.append(f"{left} = {right}"[:LONGEST])
        self.inputs = {}
        leaves = [n for n in cell.graph.leaves("sequence", "static", "noise", "clock")]
        for k, n in enumerate(leaves):
            self.inputs[n.name] = (4 + 4 * k) * UNIT
        outs = [
            *cell.graph.outputs,
            *(s for s in cell.states if s == cell.output and s not in cell.graph.outputs),
        ]
        self.width = max(
            [max(map(len, self.rows), default=1) * 7.8 + 48, (8 + 4 * max(len(leaves), len(outs))) * UNIT]
        )
        self.top, self.bottom = (
            -3.0 * UNIT,
            max((len(self.rows) * 26 + 10), (3 * len(cell.states) + 1) * UNIT),
        )
        room = (self.bottom - self.top) / max(1, len(cell.states))
        self.heights = {s: self.bottom - (k + 0.5) * room for k, s in enumerate(cell.states)}
        self.outputs = {k: self.width - (4 + 4 * n) * UNIT for n, k in enumerate(reversed(outs))}

    def draw(self, sheet: _Sheet, dx: float, names: bool = True) -> None:
        """Draw it with its left side at dx."""
        cell, timed = self.cell, {n.name for n in self.cell.graph.leaves("sequence", "noise")}
        _Closed.draw(replace_label(self, ""), sheet, dx, "t", cell.letters, timed)
        middle = (self.top + self.bottom) / 2
        for k, row in enumerate(self.rows):
            sheet.text(row, dx + 24, middle + (k - (len(self.rows) - 1) / 2) * 26, "start", 15, "e")

    def is_lit(self, state: str, end: str) -> bool:
        """Nothing is faded."""
        return True


def replace_label(module: _Written, label: str) -> _Closed:
    """The same outside, with another text on it."""
    closed = _Closed(label, module, module.width)
    closed.inputs, closed.outputs = module.inputs, module.outputs
    return closed


# A stack of layers, and two directions


def _layers(cell: Cell) -> list[list[tuple[str, str, bool]]] | None:
    """The layers of a stack from the bottom up, each one or two of (scope, label, reverse); else None."""
    if cell.watched or not all("." in s for s in cell.states):
        return None
    parts = _inside(cell.name) if cell.name.startswith("stack(") else [cell.name]
    layers: dict[str, dict[str, bool]] = {}
    for s in cell.graph.states:
        first = s.name.partition(".")[0]
        scope = s.name.rpartition(".")[0]
        layers.setdefault(first if first.isdigit() else "", {}).setdefault(scope, s.reverse)
    if len(parts) != len(layers):
        return None
    found = []
    for part, scopes in zip(parts, layers.values(), strict=True):
        label = _inside(part)[0] if part.startswith("bidirectional(") else part
        found.append([(scope, label, reverse) for scope, reverse in scopes.items()])
    return found if all(len(row) == 1 or [r for _, _, r in row] == [False, True] for row in found) else None


def _inside(name: str) -> list[str]:
    """The arguments in ``stack(a, bidirectional(b))``."""
    parts, depth, text = [], 0, name[name.index("(") + 1 : -1]
    start = 0
    for k, ch in enumerate(text):
        depth += (ch == "(") - (ch == ")")
        if ch == "," and depth == 0:
            parts.append(text[start:k].strip())
            start = k + 1
    return [*parts, text[start:].strip()]


class _Tower:
    """Layers on top of each other: closed boxes, one for each direction, with the states they carry."""

    WIDE, HIGH = 12 * UNIT, 6 * UNIT

    def __init__(
        self,
        cell: Cell,
        layers: list[list[tuple[str, str, bool]]],
        scopes: Collection[str] | None = None,
    ):
        self.cell, self.layers, self.scopes = cell, layers, scopes

    def draw(self, sheet: _Sheet) -> None:
        """Draw it, the input at the bottom."""
        middle, y = self.WIDE / 2, 0.0
        name = next(iter(self.cell.graph.leaves("sequence")))
        sheet.disc(named(name.name, "t", self.cell.letters), middle, y + OUT * UNIT, "input")
        start = y + OUT * UNIT - EDGE
        for row in self.layers:
            start = (
                self._two(sheet, row, start)
                if len(row) == 2
                else self._one(sheet, row[0], start, middle, middle)
            )
        sheet.line([(middle, start), (middle, start - 1.5 * UNIT)], head=True)
        sheet.disc(
            named(self.cell.output, "t", self.cell.letters), middle, start - 1.5 * UNIT - EDGE - 1, "output"
        )

    def _box(self, sheet: _Sheet, scope: str, label: str, reverse: bool, top: float) -> None:
        full = self.scopes is None or scope in self.scopes
        sheet.rect(0, top, self.WIDE, top + self.HIGH, "module", 14)
        size = _fit(label, self.WIDE, 26)
        sheet.text(label, self.WIDE / 2, top + self.HIGH / 2, size=size, kind="t", full=full)
        states = [s for s in self.cell.graph.states if s.name.rpartition(".")[0] == scope]
        for k, s in enumerate(states):
            y = top + self.HIGH * (1 - (k + 0.5) / len(states))
            ends = [-OUT * UNIT, 0, self.WIDE, self.WIDE + OUT * UNIT]
            before, after = ("t+1", "t") if reverse else ("t-1", "t")
            if reverse:
                ends.reverse()
            sheet.line([(ends[0], y), (ends[1], y)], head=True, full=full)
            sheet.line([(ends[2], y), (ends[3], y)], head=True, full=full)
            side = "end" if not reverse else "start"
            out = -6 if not reverse else 6
            first, _, rest = s.name.partition(".")
            name = f"{first}.{rest.rpartition('.')[2]}" if first.isdigit() else s.name.rpartition(".")[2]
            other = "start" if side == "end" else "end"
            sheet.name(named(name, before, self.cell.letters), ends[0] + out, y, side, full)
            sheet.name(named(name, after, self.cell.letters), ends[3] - out, y, other, full)

    def _one(self, sheet: _Sheet, layer: tuple[str, str, bool], start: float, x: float, out: float) -> float:
        bottom = start - 1.5 * UNIT
        sheet.line([(x, start), (x, bottom + 1)], head=True)
        self._box(sheet, *layer, bottom - self.HIGH)
        return bottom - self.HIGH

    def _two(self, sheet: _Sheet, row: list[tuple[str, str, bool]], start: float) -> float:
        middle, left, right = self.WIDE / 2, -1.5 * UNIT, self.WIDE + 1.5 * UNIT
        first = start - 3 * UNIT  # lower side of the forward box
        second = first - self.HIGH - 4 * UNIT  # and of the backward one
        crossed = [(left, y) for y in self._heights(row[0][0], first)] + [
            (right, y) for y in self._heights(row[1][0], second)
        ]
        fork, over = start - 1.5 * UNIT, second + 2 * UNIT
        sheet.line([(middle, start), (middle, first + 1)], head=True)
        sheet.line(
            [
                (middle, start),
                (middle, fork),
                (left, fork),
                (left, over),
                (middle, over),
                (middle, second + 1),
            ],
            head=True,
            broken=crossed,
        )
        self._box(sheet, *row[0], first - self.HIGH)
        self._box(sheet, *row[1], second - self.HIGH)
        up, join = first - self.HIGH, second - self.HIGH - 2 * UNIT
        side = self.WIDE - 3 * UNIT
        sheet.line(
            [
                (side, up),
                (side, up - 1.0 * UNIT),
                (right, up - 1.0 * UNIT),
                (right, join),
                (middle, join),
                (middle, join - UNIT),
            ],
            broken=crossed,
        )
        sheet.line([(middle, second - self.HIGH), (middle, join - UNIT)])
        return join - UNIT

    def _heights(self, scope: str, bottom: float) -> list[float]:
        n = sum(s.rpartition(".")[0] == scope for s in self.cell.states)
        return [bottom - self.HIGH * (k + 0.5) / n for k in range(n)]


# ------------------------------------------------------------------------------------------
# Whole pictures


@dataclass(frozen=True)
class Diagram:
    """A picture that displays itself in a notebook, as inline SVG that follows the page's theme.

    Attributes
    ----------
    svg : str
        The picture: a file of its own, or to be put into a page.
    title, desc : str
        Its text alternative, also inside the SVG.
    layout : Layout or None
        Where everything is, for a picture of one open step.
    """

    svg: str
    title: str
    desc: str
    layout: Layout | None = field(default=None, repr=False, compare=False)

    @property
    def html(self) -> str:
        """The picture for a page: the SVG inline, so that it follows the page's theme and is read out.

        In a notebook that nobody has run yet JupyterLab trusts no stored output: it drops inline SVG and its
        styles, and leaves the words. For that case there is an image beside it, which those styles hide, and
        the words left over have no size.
        """
        data = base64.b64encode(self.svg.encode()).decode()
        alt = escape(f"{self.title}. {self.desc}")
        still = f'<img class="lc-diagram-still" alt="{alt}" src="data:image/svg+xml;base64,{data}"/>'
        return f'<div style="font-size:0">{self.svg}{still}</div>'

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html, "image/svg+xml": self.svg, "text/plain": repr(self)}

    def save(self, path: str | Path) -> Path:
        """Write the SVG to a file, and return its path."""
        path = expand(path)
        path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{self.svg}\n', encoding="utf-8")
        return path

    def __repr__(self) -> str:
        return f"<Diagram: {self.title}>"


def diagram(
    cell: Cell,
    *,
    focus: str | Collection[str] | None = None,
    chain: bool = False,
    title: str | None = None,
    label: str = "A",
) -> Diagram:
    """Draw one step of a cell; a pure function of its graph.

    Parameters
    ----------
    cell : Cell
    focus : str or collection of str, optional
        Names of equations to be shown in full ink, with the lines that they read and give; all else is faded
        to a third.
    chain : bool
        Draw three steps, the middle one open.
    title : str, optional
        The picture's name for those who cannot see it; by default made of the cell's name.
    label : str
        What stands on closed modules.

    Returns
    -------
    Diagram

    Raises
    ------
    UnknownNameError
        `focus` names an equation that the cell does not have.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> diagram(lc.cells.rnn)
    <Diagram: One step of the cell rnn>
    >>> print(diagram(lc.cells.rnn).desc)
    It reads x_t from below, and h_t-1 from the left. h_t is a tanh layer of h_t-1 and x_t. h_t leaves ...
    """
    focus = _check_focus(cell, focus)
    layers = _layers(cell)
    if layers is not None:
        if chain or focus is not None:
            raise ValueError(
                f"{'chain' if chain else 'focus'} does not apply to {cell.name}, which is drawn as layers; "
                "draw the cells that it is made of"
            )
        return _tower(cell, layers, title)
    return _module(cell, layout(cell), focus, None, chain, title, label)


def lit(cell: Cell, light: Light, scopes: Collection[str], title: str) -> Diagram | None:
    """Draw one step with some parts in full ink; None where it does not fit on a picture.

    Parameters
    ----------
    cell : Cell
    light : callable
        Given the layout, says which glyphs and lines are in full ink.
    scopes : collection of str
        Of a stack: the layers in full ink.
    title : str
    """
    layers = _layers(cell)
    if layers is not None:
        return _tower(cell, layers, title, scopes)
    plan = layout(cell)
    return None if plan is None else _module(cell, plan, set(), light, False, title, "")


def _tower(
    cell: Cell,
    layers: list[list[tuple[str, str, bool]]],
    title: str | None,
    scopes: Collection[str] | None = None,
) -> Diagram:
    sheet = _Sheet()
    _Tower(cell, layers, scopes).draw(sheet)
    return _finish(sheet, title or f"One step of {cell.name}", _describe_layers(cell, layers), None)


def _module(
    cell: Cell,
    plan: Layout | None,
    focus: set[str] | None,
    light: Light | None,
    chain: bool,
    title: str | None,
    label: str,
) -> Diagram:
    sheet = _Sheet()
    middle = _Written(cell) if plan is None else _Open(cell, plan, focus, light)
    timed = {n.name for n in cell.graph.leaves("sequence", "noise")}
    space = 4 * UNIT
    if chain:
        closed = _Closed(label, middle)
        places = [0, closed.width + space, closed.width + middle.width + 2 * space]
        closed.draw(sheet, places[0], "t-1", cell.letters, timed)
        middle.draw(sheet, places[1])
        closed.draw(sheet, places[2], "t+1", cell.letters, timed)
        sides = [(places[k] + w, places[k + 1]) for k, w in enumerate((closed.width, middle.width))]
        sides = [(-OUT * UNIT, 0), *sides, (places[2] + closed.width, places[2] + closed.width + OUT * UNIT)]
    else:
        middle.draw(sheet, 0)
        sides = [(-OUT * UNIT, 0), (middle.width, middle.width + OUT * UNIT)]
    for s, y in middle.heights.items():
        for k, (x0, x1) in enumerate(sides):
            end = "prev" if k < len(sides) / 2 else "next"
            full = focus is None or middle.is_lit(s, end)
            first, last = k == 0, k == len(sides) - 1
            sheet.line([(x0, y), (x1, y)], head=not first or chain, full=full)
            if chain and not first and not last:
                sheet.name(
                    named(s, "t-1" if k == 1 else "t", cell.letters),
                    (x0 + x1) / 2 - 2,
                    y - 16,
                    full=full,
                    size=16,
                )
            elif not chain and first:
                sheet.name(named(s, "t-1", cell.letters), x0 - 6, y, "end", full)
            elif not chain:
                sheet.name(named(s, "t", cell.letters), x1 + 6, y, "start", full)
    name = (
        f"One step of the cell {cell.name}"
        if not chain
        else f"Three steps of the cell {cell.name}, the middle one open"
    )
    if focus is not None and not title:
        name += f", with {', '.join(named(f, 't', cell.letters).plain for f in sorted(focus))} in full ink"
    return _finish(sheet, title or name, _describe(cell), plan)


def _check_focus(cell: Cell, focus: str | Collection[str] | None) -> set[str] | None:
    if focus is None:
        return None
    focus = {focus} if isinstance(focus, str) else set(focus)
    known = list(dict.fromkeys([*equations(cell.graph), *cell.states, *cell.emits]))
    for f in sorted(focus):
        if f not in known:
            raise UnknownNameError(
                f"focus={f!r}: {cell.name} has no equation of that name; {nearest(f, known)}"
            )
    return focus


class _Outside:
    """The outside of a cell: a module of a given size with its inputs, outputs and states."""

    def __init__(self, cell: Cell, width: float):
        self.inputs = {n.name: 0 for n in cell.graph.leaves("sequence", "static", "noise", "clock")}
        outs = (
            [*cell.graph.outputs] if cell.output in cell.graph.outputs else [*cell.graph.outputs, cell.output]
        )
        self.outputs = dict.fromkeys(outs, 0)
        self.states = list(cell.states)
        high = max(5, 2 + 2 * len(self.states)) * UNIT
        self.top, self.bottom, self.width = -high / 2, high / 2, width
        step = high / (len(self.states) + 1)
        self.heights = {s: self.bottom - (k + 1) * step for k, s in enumerate(self.states)}


def _module_width(cell: Cell) -> float:
    """Width of a closed module, as wide in its loop as in its copies."""
    return max(6.0, 3.4 * max(1, len(cell.graph.leaves("sequence", "static", "noise", "clock")))) * UNIT


def _folded(sheet: _Sheet, cell: Cell, label: str, dx: float) -> float:
    """The loop: one module whose states come back to it; returns its right side."""
    width = _module_width(cell)
    module = _Closed(label, _Outside(cell, width), width)
    timed = {n.name for n in cell.graph.leaves("sequence", "noise")}
    reach = 0.0
    for k, s in enumerate(
        sorted(cell.states, key=lambda s: module.heights[s])
    ):  # the uppermost takes the inner loop
        y, out = module.heights[s], (1.6 + 1.2 * k) * UNIT
        over = module.top - (1.3 + 1.1 * k) * UNIT
        sheet.line(
            [
                (dx + width, y),
                (dx + width + out, y),
                (dx + width + out, over),
                (dx - out, over),
                (dx - out, y),
                (dx - 1, y),
            ],
            head=True,
        )
        reach = max(reach, out)
    high = (1.3 + 1.1 * (len(cell.states) - 1)) * UNIT
    sheet.rect(dx, module.top, dx + width, module.bottom, "module", 18)
    middle = (module.top + module.bottom) / 2
    sheet.text(label, dx + width / 2, middle, size=_fit(label, width, 34), kind="t")
    for k, x in module.inputs.items():
        y = module.bottom + OUT * UNIT
        sheet.line([(dx + x, y - EDGE), (dx + x, module.bottom + 1)], head=True)
        sheet.disc(named(k, "t" if k in timed else "", cell.letters), dx + x, y, "input")
    for k, x in module.outputs.items():
        y = module.top - OUT * UNIT - high
        gaps = [(dx + x, module.top - (1.3 + 1.1 * n) * UNIT) for n in range(len(cell.states))]
        sheet.line([(dx + x, module.top), (dx + x, y + EDGE + 1)], head=True, broken=gaps)
        sheet.disc(named(k, "t", cell.letters), dx + x, y, "output")
    return dx + width + reach


def folded(cell: Cell, *, title: str | None = None, label: str = "A") -> Diagram:
    """Draw a cell as the loop that it is: a module that hands its state to itself, one step later.

    Parameters
    ----------
    cell : Cell
    title, label : str
        As for `diagram`.

    Returns
    -------
    Diagram

    Examples
    --------
    >>> import lstmcourse as lc
    >>> folded(lc.cells.rnn)
    <Diagram: The cell rnn as a loop>
    """
    sheet = _Sheet()
    _folded(sheet, cell, label, 0.0)
    states = _list([named(s, "", cell.letters).plain for s in cell.states])
    desc = (
        f"A module {label} reads x_t from below and gives {_spoken(cell.output, 't', cell.letters)} upwards. "
        f"What it keeps ({states}) leaves at its right and comes back to it at its left, one step later."
    )
    return _finish(sheet, title or f"The cell {cell.name} as a loop", desc, None)


def unrolled(cell: Cell, steps: int = 4, *, title: str | None = None, label: str = "A") -> Diagram:
    """Draw the loop, and beside it the same network laid out in time: copies that hand on their state.

    Parameters
    ----------
    cell : Cell
    steps : int
        Number of copies, at least 2; the last one stands for step t, after dots. Steps count from 1, as
        h_0 is the state that the first one starts from.
    title, label : str
        As for `diagram`.

    Returns
    -------
    Diagram

    Raises
    ------
    ValueError
        Fewer than 2 steps.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> unrolled(lc.cells.rnn)
    <Diagram: The cell rnn as a loop, and unrolled in time>
    """
    if not isinstance(steps, int) or steps < 2:
        raise ValueError(f"steps={steps!r}: an unrolled picture needs at least 2 copies of the module")
    sheet = _Sheet()
    x = _folded(sheet, cell, label, 0.0) + 2.2 * UNIT
    for dy in (-4, 4):
        sheet.line([(x, dy), (x + 1.6 * UNIT, dy)])
    x += 3.8 * UNIT
    width = _module_width(cell)
    module = _Closed(label, _Outside(cell, width), width)
    timed = {n.name for n in cell.graph.leaves("sequence", "noise")}
    for k in range(steps):
        last = k == steps - 1
        module.draw(sheet, x, "t" if last else str(k + 1), cell.letters, timed)
        space = (6.5 if k == steps - 2 else 3) * UNIT
        for y in module.heights.values():
            if k == steps - 2:
                sheet.line([(x + width, y), (x + width + 1.6 * UNIT, y)])
                sheet.line([(x + width + space - 1.9 * UNIT, y), (x + width + space - 1, y)], head=True)
                for n in (-1, 0, 1):
                    at = x + width + space / 2 + 9 * n
                    sheet.put(f'<circle class="a" fill="{INK}" cx="{_n(at)}" cy="{_n(y)}" r="2.2"/>')
            elif not last:
                sheet.line([(x + width, y), (x + width + space - 1, y)], head=True)
            else:
                sheet.line([(x + width, y), (x + width + 2.2 * UNIT, y)], head=True)
        x += width + space
    desc = (
        f"Left, the loop: a module {label} that hands its state to itself. Right, the same module {steps} "
        "times in a row, for steps 1, 2 and so on up to t: each copy reads its own x from below, gives its "
        f"own {_spoken(cell.output, '', cell.letters)} upwards, and hands its state to the next copy. "
        "All copies are one network with one set of weights."
    )
    return _finish(sheet, title or f"The cell {cell.name} as a loop, and unrolled in time", desc, None)


def legend(*, title: str | None = None) -> Diagram:
    """Draw what the pictures are made of: box, circle, line, merging and forking lines.

    Returns
    -------
    Diagram

    Examples
    --------
    >>> legend()
    <Diagram: The notation of the diagrams>
    """
    sheet, wide = _Sheet(), 10.5 * UNIT  # wider than the longest word
    words = ["learned layer", "pointwise operation", "a whole vector", "concatenation", "copies"]
    for k, word in enumerate(words):
        x = (k + 0.5) * wide
        if k == 0:
            sheet.put(_shape(Glyph("", "layer", "σ", a=2), x, 0))
        elif k == 1:
            sheet.put(_shape(Glyph("", "point", "×"), x, 0))
        elif k == 2:
            sheet.line([(x - 34, 0), (x + 34, 0)], head=True)
        elif k == 3:
            sheet.line([(x - 34, -10), (x + 34, -10)], head=True)
            sheet.line([(x - 34, 18), (x - 6, 18), (x - 6, -10), (x + 10, -10)])
        else:
            sheet.line([(x - 34, 10), (x + 34, 10)], head=True)
            sheet.line([(x - 34, 10), (x, 10), (x, -18), (x + 34, -18)], head=True)
        sheet.reach(k * wide, -26, (k + 1) * wide, 40)
        sheet.text(word, x, 44, size=14, kind="e")
    desc = (
        "A box is a learned layer; a circle is an operation on each number by itself; a line carries a whole "
        "vector; lines that join lay their vectors side by side (concatenation); a line that forks carries "
        "copies of one vector."
    )
    return _finish(sheet, title or "The notation of the diagrams", desc, None)


# The text alternative


def _spoken(name: str, when: str, letters: Mapping[str, str]) -> str:
    """A name in plain letters: ``C tilde_t``."""
    text = named(name, when, letters).plain.replace("−", "-").replace("ı", "i")
    for word, mark in _ACCENTS.items():
        text = text.replace(mark, f" {word}")
    return text


def _list(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


_SAID = {"+": "plus", "−": "minus", "×": "times", "÷": "divided by"}
_FUNCTIONS_SAID = {"σ": "sigmoid", "Σ": "the sum", "[ , ]": "the concatenation"}


def _describe(cell: Cell) -> str:
    """The equations in words."""
    found = read(cell.graph, cell.output, cell.letters)
    glyphs, letters = found.glyphs, cell.letters

    def node_op(g: Glyph) -> str:
        return g.nodes[-1].op.name if g.nodes else ""

    def say(k: str, top: bool = False) -> str:
        g = glyphs[k]
        if g.kind == "enter":
            return _spoken(g.name, "t-1", letters)
        if g.kind == "input":
            return _spoken(g.name, "t" if g.nodes[0].op.name in ("sequence", "noise") else "", letters)
        if g.name and not top:
            return _spoken(g.name, "t", letters)
        args = [say(a) for a in through_merges(g.args, glyphs)]
        if g.kind == "layer":
            if not args:
                return f"the constant {g.text}"
            if re.fullmatch(r"[A-Z](_\w+)?", g.text):
                return f"a linear layer of {_list(args)}"
            return f"a {_FUNCTIONS_SAID.get(g.text, g.text)} layer of {_list(args)}"
        if g.text in _SAID and len(args) == 2:
            text = f" {_SAID[g.text]} ".join(args)
            return text if top else f"({text})"
        if node_op(g) == "where" and len(args) == 3:
            return f"{args[1]} where {args[0]}, else {args[2]}"
        if g.text[:1] in "<≤>≥=≠" or g.text.startswith("mod "):
            return " ".join([*args, g.text]) if len(args) == 1 else f" {g.text} ".join(args)
        if len(args) == 1 and any(g.text.startswith(s) or g.text.endswith(s) for s in _SAID):
            sign = next((s for s in _SAID if s in g.text), "")
            before, _, after = g.text.partition(sign)
            text = f"{before or args[0]} {_SAID.get(sign, '')} {after or args[0]}"
            return text if top else f"({text})"
        return f"{_FUNCTIONS_SAID.get(g.text, g.text)} of {_list(args)}"

    inputs = [say(g.id) for g in glyphs.values() if g.kind == "input"]
    states = [say(g.id) for g in glyphs.values() if g.kind == "enter"]
    outs = [_spoken(g.name, "t", letters) for g in glyphs.values() if g.kind == "output"]
    reads = [f"{_list(inputs)} from below"] * bool(inputs) + [f"{_list(states)} from the left"] * bool(states)
    rows = [f"It reads {', and '.join(reads)}."] if reads else []
    leaves = f"{_list(outs)} {'leaves' if len(outs) == 1 else 'leave'} through the top."
    if any(written_size(n) > MOST for n in equations(cell.graph).values()):
        count = sum(n.op.kind != "leaf" for n in cell.graph.nodes)
        return " ".join([*rows, f"Its equations have {count} operations.", leaves])
    named_rows = [g for g in glyphs.values() if g.kind in ("layer", "point", "function") and g.name]
    rows += [f"{_spoken(g.name, 't', letters)} is {say(g.id, True)}." for g in named_rows]
    return " ".join([*rows, leaves])


def _describe_layers(cell: Cell, layers: list[list[tuple[str, str, bool]]]) -> str:
    rows = []
    for k, row in enumerate(layers):
        what = f"{row[0][1]} in both directions, the results side by side" if len(row) == 2 else row[0][1]
        rows.append(f"layer {k}: {what}")
    return (
        f"From x_t at the bottom up to {cell.output}_t at the top, "
        f"{len(layers)} layer{'s' * (len(layers) > 1)}. " + "; ".join(rows) + "."
    )


# The file


def _css() -> str:
    """Colours as variables: light and dark by the page's theme, else by the reader's wish; light in print."""
    from ..plots import _HOSTS, PALETTE

    def values(theme: str) -> str:
        colours = {"paper": PALETTE[theme]["paper"], "ink": PALETTE[theme]["ink"]}
        for k, (fill, edge) in _TONES[theme].items():
            colours |= {k: fill, f"{k}-edge": edge}
        return "".join(f"--lcd-{k}:{v};" for k, v in colours.items())

    root = ".lc-diagram"
    rules = [
        f"{root}{{{values('light')}}}",
        f"@media (prefers-color-scheme:dark){{{root}{{{values('dark')}}}}}",
    ]
    rules += [f"{host} {root}{{{values(theme)}}}" for theme, host in _HOSTS.items()]
    rules.append(f"@media print{{svg{root}{root}{root}{{{values('light')}}}}}")
    rules.append(f"{root} .ground{{fill:var(--lcd-paper)}}")
    for kind, tone in _KINDS.items():
        width = 1.5 if kind == "module" else 2
        rules.append(
            f"{root} .{kind}{{fill:var(--lcd-{tone});stroke:var(--lcd-{tone}-edge);stroke-width:{width}}}"
        )
    rules.append(f"{root} .w{{fill:none;stroke:var(--lcd-ink);stroke-width:{LINE}}}")
    rules.append(f"{root} .a,{root} text{{fill:var(--lcd-ink)}}")
    rules.append(
        f"{root} text{{font-family:{SERIF}}}{root} .v{{font-style:italic}}{root} .i{{font-size:70%}}"
    )
    rules.append(f"{root} .lines{{opacity:{FADED}}}{root} .words{{opacity:{FADED_WORDS}}}")
    rules.append(".lc-diagram-still{display:none}")
    return "".join(rules)


def _finish(sheet: _Sheet, title: str, desc: str, plan: Layout | None) -> Diagram:
    """Put the parts together; the ids come from what is drawn."""
    margin = 8
    x, y = sheet.left - margin, sheet.top - margin
    w, h = sheet.right - sheet.left + 2 * margin, sheet.bottom - sheet.top + 2 * margin
    body = "".join(sheet.ground)
    if sheet.faded:
        body += f'<g class="faded"><g class="lines" opacity="{FADED}">{"".join(sheet.faded)}</g>'
        body += f'<g class="words" opacity="{FADED_WORDS}">{"".join(sheet.faded_words)}</g></g>'
    body += "".join(sheet.full)
    key = "lcd-" + hashlib.sha256(f"{title}{desc}{body}".encode()).hexdigest()[:10]
    size = f'width="{_n(w)}" height="{_n(h)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lc-diagram" role="img" {size}',
        f' viewBox="{_n(x)} {_n(y)} {_n(w)} {_n(h)}" style="max-width:100%;height:auto"',
        f' aria-labelledby="{key}-title {key}-desc">',
        f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-desc">{escape(desc)}</desc>',
        f"<style>{_css()}</style>",
        f'<rect class="ground" fill="#ffffff" x="{_n(x)}" y="{_n(y)}" {size} rx="6"/>',
        f"{body}</svg>",
    ]
    return Diagram("".join(parts), title, desc, plan)
