"""A cell's diagram with hooks for a page's script: which marks are whose, and a number beside each line.

data-line="f"      a line and its heads
data-glyph="f"     a box, a circle or an ellipse, named after the value that it gives
data-number="f"    the number of a line, at a place that is clear of all else where there is one
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from html import escape
from typing import TYPE_CHECKING

from ..views.diagram.picture import Diagram, finish
from ..views.diagram.plan import OUT, UNIT, Glyph, Layout
from ..views.diagram.sheet import EDGE, Sheet, num, stroke
from ..views.diagram.step import Open, covered, half_size, labels
from ..views.diagram.words import describe
from ..views.names import named
from .graphs import before, keys

if TYPE_CHECKING:
    from ..cell import Cell

__all__ = ["live", "number"]

Box = tuple[float, float, float, float]
Place = tuple[float, float, str]
Candidate = tuple[float, Place, Box]
WIDE, HIGH, SIZE = 42, 15, 13  # the widest number in pixels, and its type


def number(value: float) -> str:
    r"""A number as it stands beside a line; the page's script writes it in the same way.

    Examples
    --------
    >>> [number(v).replace("\u2212", "-") for v in (0.815, -0.004, -12.345, 1234.6, 2e7)]
    ['0.81', '0.00', '-12.35', '1235', '2.0e7']
    """
    size = abs(value)
    if size >= 99_999.5:
        text = f"{value:.1e}".replace("e+0", "e").replace("e+", "e")
    else:
        text = f"{value:.0f}" if size >= 99.995 else f"{value:.2f}" if size >= 0.005 else "0.00"
    return text.replace("-", "−")


def live(cell: Cell, plan: Layout, value: Callable[[str], float], movable: Collection[str]) -> Diagram:
    """Draw one step with its hooks and its numbers.

    Parameters
    ----------
    cell : Cell
    plan : Layout
    value : callable
        The number of a value, by its key.
    movable : collection of str
        Keys of values that a reader can move.
    """
    step, sheet = _Live(cell, plan), Sheet()
    step.draw(sheet, 0)
    step.sides(sheet)
    step.numbers(sheet, value, movable)
    drawn = finish(sheet, f"One step of the cell {cell.name}", describe(cell), plan)
    # a group with parts that can be chosen, where the still picture is one image
    return Diagram(drawn.svg.replace(' role="img"', ' role="group"', 1), drawn.title, drawn.desc, plan)


def _stretches(lines: list) -> Iterator[Box]:
    """The room that lines take."""
    for points in lines:
        for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
            yield min(x0, x1) - 3, min(y0, y1) - 3, max(x0, x1) + 3, max(y0, y1) + 3


class _Live(Open):
    """One step that says what is what."""

    def __init__(self, cell: Cell, plan: Layout):
        super().__init__(cell, plan, None)
        self.keys = keys(cell.graph)
        self.after = {s.name: self.keys[s.next] for s in cell.graph.states}

    def key(self, g: Glyph) -> str:
        """The value that leaves a glyph; none where lines only come together."""
        return self.keys[g.nodes[-1]] if g.nodes else ""

    def put(self, sheet: Sheet, g: Glyph, what: str, text: str, full: bool) -> None:
        """Put marks, as a group that says whose they are."""
        key = self.key(g)
        sheet.put(f'<g data-{what}="{escape(key)}">{text}</g>' if key else text, full)

    def sides(self, sheet: Sheet) -> None:
        """Draw what lies outside of the module: each state before the step and after it."""
        out = OUT * UNIT
        for s, y in self.heights.items():
            for key, x0, x1 in ((before(s), -out, 0), (self.after[s], self.width, self.width + out)):
                line = stroke([[(x0, y), (x1, y)]], [()], key == self.after[s])
                sheet.put(f'<g data-line="{escape(key)}">{line}</g>')
            sheet.name(named(s, "t-1", self.cell.letters), -out - 6, y, "end")
            sheet.name(named(s, "t", self.cell.letters), self.width + out + 6, y, "start")

    def numbers(self, sheet: Sheet, value: Callable[[str], float], movable: Collection[str]) -> None:
        """Put a number beside each line, and beside what comes in and goes out."""
        outside = list(self._outside())
        inside = self._beside([box for _, _, box, _ in outside])
        for key, (x, y, anchor), (x0, y0, x1, y1), extra in [*outside, *inside]:
            size = f'width="{num(x1 - x0)}" height="{num(y1 - y0)}"'
            hit = f'<rect class="lc-hit" x="{num(x0)}" y="{num(y0)}" {size} rx="4"/>'
            where = f'x="{num(x)}" y="{num(y)}" text-anchor="{anchor}" font-size="{SIZE}"'
            text = f'<text class="n" {where}>{number(value(key))}</text>'
            move = " data-move" if key in movable else ""
            sheet.put(f'<g data-number="{escape(key)}"{extra}{move}>{hit}{text}</g>')
            sheet.reach(x0, y0, x1, y1)

    def _outside(self) -> Iterator[tuple[str, Place, Box, str]]:
        """Numbers of what comes in and goes out: key, place of the text, what a finger may touch, more."""
        out = OUT * UNIT
        for g in self.plan.glyphs.values():
            x, y = g.x * UNIT, g.y * UNIT
            if g.kind == "input":
                y += out
                touch = (x - EDGE - 2, y - EDGE - 2, x + EDGE + 8 + WIDE, y + EDGE + 2)
                yield self.key(g), (x + EDGE + 6, y + 5, "start"), touch, " data-in"
        for s, y in self.heights.items():
            wide = 6 + named(s, "t-1", self.cell.letters).width * 18
            yield before(s), (-out / 2 - 1, y - 8, "middle"), (-out - wide, y - 22, 0, y + 10), " data-in"
            x = self.width + out / 2 - 3
            yield self.after[s], (x, y - 8, "middle"), (x - WIDE / 2, y - 22, x + WIDE / 2, y + 8), ""

    def _beside(self, taken: list[Box]) -> Iterator[tuple[str, Place, Box, str]]:
        """A place beside a line for the number of each value that is computed in the module."""
        for x0, y0, x1, y1 in (name.box for name in labels(self.plan, self.cell.letters)):
            taken.append((x0, y0 - 5, x1, y1))  # an accent is higher
        for g in self.plan.glyphs.values():
            w, h = half_size(g)
            taken += [(g.x * UNIT - w, g.y * UNIT - h, g.x * UNIT + w, g.y * UNIT + h)] * bool(w)
        lines: dict[str, list] = {}
        for w in self.plan.wires:
            lines.setdefault(w.source, []).append(self._ends(w)[0])
        marks = {source: list(_stretches(these)) for source, these in lines.items()}
        taken += [box for boxes in marks.values() for box in boxes]
        for source, these in lines.items():
            g = self.plan.glyphs[source]
            if g.kind not in ("layer", "point", "function"):
                continue
            others = [box for other, boxes in marks.items() if other != source for box in boxes]

            def cost(candidate: Candidate, others: list[Box] = others) -> tuple[float, float]:
                far, _, box = candidate
                x0, y0, x1, y1 = box
                return covered(box, taken), far + covered((x0 - 14, y0 - 7, x1 + 14, y1 + 7), others)

            _, place, box = min(self._candidates(these), key=cost)
            taken.append(box)
            yield self.key(g), place, (box[0] - 2, box[1] - 4, box[2] + 2, box[3] + 4), ""

    def _candidates(self, lines: Collection) -> Iterator[Candidate]:
        """Places on both sides of a line, those in the middle of its longest stretches first."""
        for points in lines:
            for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
                length = abs(x1 - x0) + abs(y1 - y0)
                for k in range(1, 20):
                    x, y = x0 + (x1 - x0) * k / 20, y0 + (y1 - y0) * k / 20
                    cost = abs(k - 10) * 4 - min(length, 120)
                    left, right = x - WIDE / 2, x + WIDE / 2
                    if y0 == y1:
                        yield cost, (x, y - 7, "middle"), (left, y - 4 - HIGH, right, y - 4)
                        yield cost + 3, (x, y + 16, "middle"), (left, y + 4, right, y + 5 + HIGH)
                    else:
                        yield cost, (x + 7, y + 4, "start"), (x + 6, y - 8, x + 7 + WIDE, y + 7)
                        yield cost + 1, (x - 7, y + 4, "end"), (x - 7 - WIDE, y - 8, x - 6, y + 7)
