"""A step as a closed box, and as its equations."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ...engine.expression import DRAWN, equation_of, equations, operations, written_size
from ..names import named
from .plan import MOST, OUT, UNIT
from .sheet import EDGE

if TYPE_CHECKING:
    from ...engine.definition import Definition
    from .sheet import Sheet


LONGEST = 120  # letters in a written equation
CLOSED = 10  # grid units: width of a closed module in a chain


class Closed:
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
        self, sheet: Sheet, dx: float, when: str, letters: Mapping[str, str], timed: Collection[str]
    ) -> None:
        """Draw it with its left side at dx; `when` is the index of its step."""
        sheet.rect(dx, self.top, dx + self.width, self.bottom, "module", 18)
        sheet.text(
            self.label,
            dx + self.width / 2,
            (self.top + self.bottom) / 2,
            size=fit(self.label, self.width, 34),
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


def fit(text: str, width: float, most: float) -> float:
    """The size of type at which a text fits into a module."""
    return min(most, (width - 16) / (0.56 * max(1, len(text))))


class Written:
    """A step as its equations, for a cell that does not fit on a picture."""

    def __init__(self, cell: Definition):
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

    def draw(self, sheet: Sheet, dx: float, names: bool = True) -> None:
        """Draw it with its left side at dx."""
        cell, timed = self.cell, {n.name for n in self.cell.graph.leaves("sequence", "noise")}
        Closed.draw(replace_label(self, ""), sheet, dx, "t", cell.letters, timed)
        middle = (self.top + self.bottom) / 2
        for k, row in enumerate(self.rows):
            sheet.text(row, dx + 24, middle + (k - (len(self.rows) - 1) / 2) * 26, "start", 15, "e")

    def is_lit(self, state: str, end: str) -> bool:
        """Nothing is faded."""
        return True


def replace_label(module: Written, label: str) -> Closed:
    """The same outside, with another text on it."""
    closed = Closed(label, module, module.width)
    closed.inputs, closed.outputs = module.inputs, module.outputs
    return closed
