"""Cells side by side, unrolled: a copy for each step, between two copies what is handed on and how much of it
arrives at the end. A page's script moves what is marked.

data-row=0              a cell
data-copy=3             the copy of a step, with its input, data-x
data-loop               the loop that the cell is before it is unrolled
data-joint=3            what is handed on after a step (0: the start): for each state, data-of="c", a number,
                        and a line and a bar for each data-part: "total", "belt", "through"
data-zero, -high, -low  the scale of all bars, which is the same for all cells
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ..engine.graph import Node
from ..training.xray import XRay
from ..views.diagram.picture import Diagram
from ..views.diagram.sheet import set_name
from ..views.names import named
from ..views.style import css, hue
from .picture import number

if TYPE_CHECKING:
    from ..cell import Cell

__all__ = ["LEAST", "MOST", "STRIP", "WIDEST", "belts", "drawn", "small"]

LEAST, MOST = 1e-6, 10.0  # what the thinnest and the widest line stand for
STRIP, WIDEST = 40.0, 7.0  # pixels: room for bars, the widest line
LEFT, WIDE, TOP = 104.0, 880.0, 24.0
LINE, BETWEEN, LAYER = 18.0, 15.0, 16.0  # the first line's height, between two, a layer's box

LOOK = (
    ".lc-chain text{fill:var(--lc-ink);font:13px system-ui,'Segoe UI',Helvetica,Arial,sans-serif}"
    ".lc-chain .v{font-family:'STIX Two Text','Times New Roman',Times,serif;font-style:italic;font-size:16px}"
    ".lc-chain .l{font-size:12px}"
    ".lc-chain .i{font-size:70%}.lc-chain .b{font-weight:600}"
    ".lc-chain .m{fill:var(--lc-muted);font-size:11px}"
    ".lc-chain .n{font:11px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace}"
    ".lc-chain .module{fill:color-mix(in srgb,var(--lc-rule) 35%,var(--lc-paper));stroke:var(--lc-muted)}"
    ".lc-chain .way{fill:none;stroke:var(--lc-muted);stroke-width:1.5}"
    ".lc-chain .pill{fill:var(--lc-paper);stroke:var(--lc-muted)}"
    ".lc-chain .layer{fill:color-mix(in srgb,var(--lc-hue) 32%,var(--lc-paper));stroke:var(--lc-hue);"
    "stroke-width:1.5}"
    ".lc-chain .scale{stroke:var(--lc-rule)}"
    ".lc-chain .hit{fill:transparent}"
    ".lc-chain rect.total{fill:color-mix(in srgb,var(--lc-muted) 40%,var(--lc-paper))}"
    ".lc-chain rect.belt{fill:var(--lc-blue)}"
    ".lc-chain rect.through{fill:var(--lc-paper);stroke:var(--lc-ink);stroke-width:1.5}"
    ".lc-chain line.belt{stroke:var(--lc-blue)}"
    ".lc-chain line.through{stroke:var(--lc-ink);stroke-dasharray:5 3}"
)


def _share(size: float) -> float:
    """How wide a line is, of 1: on a logarithmic scale."""
    return min(1.0, max(0.0, math.log(size / LEAST) / math.log(MOST / LEAST))) if size > 0 else 0.0


def _ends(values: Iterable[np.ndarray]) -> tuple[float, float]:
    """The ends of the bars' scale; the page's script chooses them in the same way."""
    found = np.concatenate([*values])
    found = found[np.isfinite(found)]
    low, high = float(found.min(initial=0.0)), float(found.max(initial=0.0))
    return -math.ceil(-low * 2) / 2 + 0.0, 1.0 if high <= 1 else math.ceil(high * 2) / 2


def small(value: float) -> str:
    """A number however small; the page's script writes it in the same way."""
    if value == 0 or abs(value) >= 0.005 or not math.isfinite(value):
        return number(value)
    return f"{value:.0e}".replace("e-0", "e-").replace("-", "−")


def belts(cell: Cell) -> tuple[str, ...]:
    """The states that reach themselves, a step later, without a matrix on the way."""

    def reaches(node: Node, end: Node, seen: set[Node]) -> bool:
        if node is end or node in seen:
            return node is end
        seen.add(node)
        return node.op.kind != "product" and any(reaches(a, end, seen) for a in node.args)

    return tuple(s.name for s in cell.graph.states if reaches(s.next, s.prev, set()))


@dataclass
class _Row:
    """Where everything of one cell is."""

    cell: Cell
    top: float
    steps: int
    on_belt: tuple[str, ...] = field(init=False)
    heights: dict[str, float] = field(init=False)

    def __post_init__(self):
        self.on_belt = belts(self.cell)
        rest = [s for s in self.cell.states if s not in self.on_belt]
        self.wide = min(110.0, max(34.0, WIDE / self.steps))
        self.gap, self.module = 0.4 * self.wide, 0.6 * self.wide
        first = self.top + LINE
        self.layers = first + max(1, len(self.on_belt)) * BETWEEN  # where the boxes begin
        self.bus = self.layers + LAYER + 14
        self.heights = {s: first + k * BETWEEN for k, s in enumerate(self.on_belt)}
        self.heights |= {s: self.bus + k * BETWEEN for k, s in enumerate(rest)}
        self.below = max([self.bus, *self.heights.values()]) + 10
        self.strips = {s: self.below + 36 + k * (STRIP + 16) for k, s in enumerate(self.cell.states)}
        self.bottom = max(self.strips.values()) + STRIP + 10

    def copy(self, t: int) -> float:
        """The left side of a copy, from 1."""
        return LEFT + self.wide * (t - 1) + self.gap

    def joint(self, t: int) -> float:
        """The middle of what is handed on after a step."""
        return LEFT + self.wide * t + self.gap / 2

    def box(self, t: int) -> Iterator[str]:
        """A copy: its lines, its layers and its input."""
        x, right = self.copy(t), self.copy(t) + self.module
        yield _rect("module", x, self.top + 6, self.module, self.below - self.top - 6, 8)
        upper = max((self.heights[s] for s in self.on_belt), default=self.layers - 8)
        labels = [n.attrs["label"] for n in self.cell.graph.nodes if n.op.name == "affine"]
        room = (self.module - 14) / max(1, len(labels))
        middles = [x + 7 + room * (k + 0.5) for k in range(len(labels))]
        ways = [f"M{x:.1f} {self.heights[s]:g}H{right:.1f}" for s in self.on_belt]
        ways += [
            f"M{right - 5:.1f} {upper:g}V{y:g}H{right:.1f}"
            for s, y in self.heights.items()
            if s not in self.on_belt
        ]
        end = max(middles, default=right - 5)
        if not self.on_belt:
            ways.append(f"M{end:.1f} {upper:g}H{right - 5:.1f}")
        if len(self.on_belt) == len(self.cell.states):
            ways.append(f"M{x + 4:.1f} {upper:g}V{self.bus:g}H{end:.1f}")
        else:
            ways.append(f"M{x:.1f} {self.bus:g}H{end:.1f}")
        ways += [f"M{m:.1f} {self.bus:g}V{upper:g}" for m in middles]
        reads = self.cell.graph.leaves("sequence")
        ways += [f"M{x + 4:.1f} {self.below + 6:g}V{self.bus:g}"] * bool(reads)
        yield f'<path class="way" d="{"".join(ways)}"/>'
        wide = min(15.0, room - 1.5)
        for label, m in zip(labels, middles, strict=True):
            local = label.rpartition(".")[2]
            style = f'style="--lc-hue:var(--lc-{hue(local, "ink")})"'
            yield _rect("layer", m - wide / 2, self.layers, wide, LAYER, 2, style)
            if wide > 9:
                letter = named(local, "", self.cell.letters)
                yield set_name(letter, m, self.layers + 7, size=12).replace('class="v"', 'class="v l"')

    def input(self, t: int, text: str, more: str) -> str:
        """What a copy reads, as a number on a pill."""
        x = self.copy(t) + self.module / 2
        wide = min(44.0, self.module)
        pill = _rect("pill", x - wide / 2, self.below + 6, wide, 18, 9)
        return f'<g data-x="{t}"{more}>{pill}{_text("n", x, self.below + 19, text, "middle")}</g>'

    def loop(self) -> str:
        """What a copy hands to itself."""
        x, right, over = self.copy(1), self.copy(1) + self.module, self.top - 2
        d = "".join(
            f"M{right:.1f} {y:g}h{8 + 4 * k}V{over - 4 * k:g}H{x - 10 - 4 * k:.1f}V{y:g}H{x - 1:.1f}"
            "m-6 -4l6 4l-6 4"
            for k, y in enumerate(self.heights.values())
        )
        return f'<path data-loop="" class="way" visibility="hidden" d="{d}"/>'


def drawn(
    cells: Mapping[str, Cell], seen: Mapping[str, XRay], x: np.ndarray, unit: int | None, title: str
) -> Diagram:
    """Draw all copies, and the gradient all the way back.

    Parameters
    ----------
    cells, seen : mapping
        Each cell and its x-ray, by name.
    x : array (T, 1, D)
        What all of them read.
    unit : int or None
        Whose derivatives; None for the sizes of whole matrices.
    """
    T, marks, y, said = len(x), [], TOP, []
    found = {name: {s: _parts(seen[name], s, unit) for s in cell.states} for name, cell in cells.items()}
    ends = _ends(a for of in found.values() for parts in of.values() for a in parts)
    for k, (name, cell) in enumerate(cells.items()):
        row = _Row(cell, y, T)
        marks.append(f'<g data-row="{k}">{"".join(_drawn(row, name, found[name], x, ends))}</g>')
        y = row.bottom + 8
        for s in cell.states:
            whole, belt, through = (a[0] for a in found[name][s])
            said.append(
                f"{name}: of {named(s, '0', cell.letters).plain} {small(whole)} is left in "
                f"{named(s, str(T), cell.letters).plain}, {small(belt)} along the belt, {small(through)} "
                "through matrices"
            )
    width = row.copy(T) + row.module + row.gap + 8
    heads = "".join(
        _text("m", row.copy(t) + row.module / 2, 14, f"step {t}" if row.wide > 60 else str(t), "middle")
        for t in range(1, T + 1)
    )
    desc = (
        f"Each cell {T} times in a row, a copy for each step; the same colour stands for the same weights. "
        f"Below, how much of each state is left at the end. {'; '.join(said)}."
    )
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lc-chain" viewBox="0 0 {width:.0f} {y:.0f}" '
        f'width="{width:.0f}" height="{y:.0f}" role="group"><title>{escape(title)}</title>'
        f"<desc>{escape(desc)}</desc><style>{css('.lc-chain')}{LOOK}</style>"
        f'<rect width="100%" height="100%" fill="var(--lc-paper)"/>{heads}{"".join(marks)}</svg>'
    )
    return Diagram(svg, title, desc)


def _parts(seen: XRay, state: str, unit: int | None) -> Sequence[np.ndarray]:
    """The whole, the belt's part and the matrices' for every step, each (T + 1,)."""
    if unit is None:
        return list(seen.sizes(state, state).values())
    return [a[state, state][:, unit, unit] for a in (seen.total, seen.belt, seen.through)]


def _drawn(
    row: _Row, name: str, found: Mapping[str, Sequence[np.ndarray]], x: np.ndarray, ends: tuple[float, float]
) -> Iterator[str]:
    cell, T, (low, high) = row.cell, row.steps, ends
    yield _text("b", 8, row.layers, name, "start")
    for s, y in row.strips.items():
        yield _derivative(s, T, cell, y + STRIP / 2)
        right, zero = row.joint(T) + row.gap / 2, y + STRIP * high / (high - low)
        yield f'<path class="scale" d="M{LEFT:g} {y:g}H{right:.1f}M{LEFT:g} {y + STRIP:g}H{right:.1f}"/>'
        yield f'<path class="way" data-zero="{y:g}" d="M{LEFT:g} {zero:.1f}H{right:.1f}"/>'
        for end, at in ((high, y), (low, y + STRIP)):
            side = "high" if end == high else "low"
            yield f'<g data-{side}="">{_text("m", LEFT - 4, at + 4, f"{end:g}".replace("-", "−"), "end")}</g>'
    reads, alone = cell.graph.leaves("sequence"), x.shape[2:] == (1,)
    for t in range(1, T + 1):
        inputs = [row.input(t, number(float(x[t - 1, 0, 0])) if alone else "x", ' data-in=""' * alone)]
        yield f'<g data-copy="{t}">{"".join([*row.box(t), *inputs * bool(reads)])}</g>'
    yield row.loop()
    for t in range(T + 1):
        yield f'<g data-joint="{t}">{"".join(_joint(row, t, found, ends))}</g>'


def _joint(
    row: _Row, t: int, found: Mapping[str, Sequence[np.ndarray]], ends: tuple[float, float]
) -> Iterator[str]:
    """What is handed on after a step: lines as wide and bars as high as what arrives at the end."""
    middle, half = row.joint(t), row.gap / 2
    yield _rect("hit", middle - half, row.top + 6, row.gap, row.bottom - row.top - 6, 4)
    for s, y in row.heights.items():
        whole, belt, through = (float(a[t]) for a in found[s])
        sides = f'x1="{middle - half:.1f}" x2="{middle + half:.1f}"'
        yield f'<path class="way" d="M{middle - half:.1f} {y:g}H{middle + half:.1f}"/>'
        for part, value, side in (("belt", belt, -1), ("through", through, 1)):
            thick = WIDEST * _share(abs(value))
            at = f'{sides} y1="{y + 2.5 * side:g}" y2="{y + 2.5 * side:g}" stroke-width="{thick:.2f}"'
            yield f'<line class="{part}" data-of="{s}" data-part="{part}" {at}/>'
        if row.wide > 80:
            text = _text("n", middle, y - 7, small(whole), "middle")
            yield text.replace("<text", f'<text data-of="{s}"', 1)
        scale, room = STRIP / (ends[1] - ends[0]), row.gap / 42
        zero = row.strips[s] + scale * ends[1]
        for part, value, left, wide in (
            ("total", whole, -15, 30),
            ("belt", belt, -12, 10),
            ("through", through, 2, 10),
        ):
            where = f'x="{middle + left * room:.1f}" y="{zero - scale * max(value, 0):.2f}"'
            size = f'width="{wide * room:.1f}" height="{scale * abs(value):.2f}"'
            yield f'<rect class="{part}" data-of="{s}" data-part="{part}" {where} {size}/>'


def _derivative(state: str, T: int, cell: Cell, y: float) -> str:
    """The name of a strip: the last state by that at t."""
    of, by = (named(state, when, cell.letters) for when in (str(T), "t"))
    text = "/".join(f'∂{n.letter}<tspan class="i" dy="4">{n.below}</tspan><tspan dy="-4">' for n in (of, by))
    return f'<text class="v" x="8" y="{y + 4:g}">{text}</tspan></tspan></text>'


def _rect(kind: str, x: float, y: float, width: float, height: float, round_: float, more: str = "") -> str:
    size = f'x="{x:.1f}" y="{y:g}" width="{width:.1f}" height="{height:g}" rx="{round_:g}"'
    return f'<rect class="{kind}" {more + " " * bool(more)}{size}/>'


def _text(kind: str, x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:g}" text-anchor="{anchor}">{escape(text)}</text>'
