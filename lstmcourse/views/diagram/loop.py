"""The loop that a cell is, the loop laid out in time, and the notation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import checks
from ..names import named
from .closed import Closed, fit
from .picture import finish
from .plan import OUT, UNIT, Glyph
from .sheet import EDGE, INK, Sheet, num
from .step import shape
from .words import listed

if TYPE_CHECKING:
    from ...engine.definition import Definition
    from .picture import Diagram

__all__ = ["folded", "legend", "unrolled"]


class _Outside:
    """The outside of a cell: a module of a given size with its inputs, outputs and states."""

    def __init__(self, cell: Definition, width: float):
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


def _module_width(cell: Definition) -> float:
    """Width of a closed module, as wide in its loop as in its copies."""
    return max(6.0, 3.4 * max(1, len(cell.graph.leaves("sequence", "static", "noise", "clock")))) * UNIT


def _folded(sheet: Sheet, cell: Definition, label: str, dx: float) -> float:
    """The loop: one module whose states come back to it; returns its right side."""
    width = _module_width(cell)
    module = Closed(label, _Outside(cell, width), width)
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
    sheet.text(label, dx + width / 2, middle, size=fit(label, width, 34), kind="t")
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


def folded(cell: Definition, *, title: str | None = None, label: str = "A") -> Diagram:
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
    sheet = Sheet()
    _folded(sheet, cell, label, 0.0)
    states = listed([named(s, "", cell.letters).plain for s in cell.states])
    desc = (
        f"A module {label} reads x_t from below and gives "
        f"{named(cell.output, 't', cell.letters).spoken} upwards. "
        f"What it keeps ({states}) leaves at its right and comes back to it at its left, one step later."
    )
    return finish(sheet, title or f"The cell {cell.name} as a loop", desc, None)


def unrolled(cell: Definition, steps: int = 4, *, title: str | None = None, label: str = "A") -> Diagram:
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
    if checks.whole("steps", steps, 0, 64) < 2:
        raise ValueError(f"steps={steps!r}: an unrolled picture needs at least 2 copies of the module")
    sheet = Sheet()
    x = _folded(sheet, cell, label, 0.0) + 2.2 * UNIT
    for dy in (-4, 4):
        sheet.line([(x, dy), (x + 1.6 * UNIT, dy)])
    x += 3.8 * UNIT
    width = _module_width(cell)
    module = Closed(label, _Outside(cell, width), width)
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
                    sheet.put(f'<circle class="a" fill="{INK}" cx="{num(at)}" cy="{num(y)}" r="2.2"/>')
            elif not last:
                sheet.line([(x + width, y), (x + width + space - 1, y)], head=True)
            else:
                sheet.line([(x + width, y), (x + width + 2.2 * UNIT, y)], head=True)
        x += width + space
    desc = (
        f"Left, the loop: a module {label} that hands its state to itself. Right, the same module {steps} "
        "times in a row, for steps 1, 2 and so on up to t: each copy reads its own x from below, gives its "
        f"own {named(cell.output, '', cell.letters).spoken} upwards, and hands its state to the next copy. "
        "All copies are one network with one set of weights."
    )
    return finish(sheet, title or f"The cell {cell.name} as a loop, and unrolled in time", desc, None)


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
    sheet, wide = Sheet(), 10.5 * UNIT  # wider than the longest word
    words = ["learned layer", "pointwise operation", "a whole vector", "concatenation", "copies"]
    for k, word in enumerate(words):
        x = (k + 0.5) * wide
        if k == 0:
            sheet.put(shape(Glyph("", "layer", "σ", a=2), x, 0))
        elif k == 1:
            sheet.put(shape(Glyph("", "point", "×"), x, 0))
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
    return finish(sheet, title or "The notation of the diagrams", desc, None)
