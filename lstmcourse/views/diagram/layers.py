"""A stack as its layers, one on top of the other; a layer of two directions as two boxes."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ..names import named
from .closed import fit
from .plan import OUT, UNIT
from .sheet import EDGE

if TYPE_CHECKING:
    from ...engine.definition import Definition
    from .sheet import Sheet


def layers_of(cell: Definition) -> list[list[tuple[str, str, bool]]] | None:
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


class Tower:
    """Layers on top of each other: closed boxes, one for each direction, with the states they carry."""

    WIDE, HIGH = 12 * UNIT, 6 * UNIT

    def __init__(
        self,
        cell: Definition,
        layers: list[list[tuple[str, str, bool]]],
        scopes: Collection[str] | None = None,
    ):
        self.cell, self.layers, self.scopes = cell, layers, scopes

    def draw(self, sheet: Sheet) -> None:
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

    def _box(self, sheet: Sheet, scope: str, label: str, reverse: bool, top: float) -> None:
        full = self.scopes is None or scope in self.scopes
        sheet.rect(0, top, self.WIDE, top + self.HIGH, "module", 14)
        size = fit(label, self.WIDE, 26)
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

    def _one(self, sheet: Sheet, layer: tuple[str, str, bool], start: float, x: float, out: float) -> float:
        bottom = start - 1.5 * UNIT
        sheet.line([(x, start), (x, bottom + 1)], head=True)
        self._box(sheet, *layer, bottom - self.HIGH)
        return bottom - self.HIGH

    def _two(self, sheet: Sheet, row: list[tuple[str, str, bool]], start: float) -> float:
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
