"""Where everything in the picture of a cell goes: from graph to glyphs, from glyphs to places, and to lines.

`layout` is the whole way: `read`, `place`, `route`. The result is data, in units of a grid; `draw` draws it.

The rules, for any cell:

- A **box** is a learned layer: a weighted sum of what enters it, with the function that squashes it. All
  boxes stand in one row, from left to right in the order of the equations.
- A **circle** is a pointwise operation, an **ellipse** a function without weights of its own.
- A state that reaches its next value by pointwise operations alone has a **belt**: a straight line along the
  top, with those operations on it. Other states come and go at the bottom.
- The **bus** at the bottom carries what most boxes read; what joins it is laid side by side (concatenated).
  What a box reads besides joins the line just below that box; a box that reads less takes it where enough
  has joined. A second bus, on the line of another state, serves boxes of a second layer.
- An operation stands above the box (or operation) that it waits for last, but beside one whose line goes
  straight up to a belt. What works on a belt's result hangs
  below the belt, right of everything that it needs. Height counts operations.
- Lines run on the grid, straight or with right angles, each along the cheapest way that is left: short, with
  few bends and crossings. Two lines that carry different values never share a segment; where they cross, the
  upright one is broken.
- A cell used inside is a **box** with its scope's name, unless it is opened; of several results, each leaves
  it through an ellipse.
- Inputs come from below; what the cell puts out leaves through the top.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from .place import place
from .plan import MOST
from .read import read, scopes
from .route import NoWay, route

if TYPE_CHECKING:
    from ...engine.definition import Definition
    from .plan import Layout

__all__ = ["layout"]


def shut(cell: Definition, opened: Collection[str] | None = None) -> list[str]:
    """The scopes that are boxes: all but those that are opened, or none of a cell that is small."""
    found = scopes(cell.graph)
    small = sum(n.op.kind != "leaf" for n in cell.graph.nodes) <= MOST
    return [] if opened is None and small else [scope for scope in found if scope not in (opened or ())]


def layout(cell: Definition, opened: Collection[str] | None = None) -> Layout | None:
    """Places for one step of a cell, or None where it does not fit this kind of picture.

    Parameters
    ----------
    cell : Cell
    opened : collection of str, optional
        Scopes of cells used inside that are drawn with all that is in them; the others are boxes. If it is
        not given, all are, of a cell that is small.

    Returns
    -------
    Layout or None

    Examples
    --------
    >>> import lstmcourse as lc
    >>> plan = layout(lc.cells.lstm)
    >>> [plan.glyphs[k].x for k in "figo"] == sorted(plan.glyphs[k].x for k in "figo")
    True
    >>> plan.heights["c"] < plan.heights["h"]
    True
    """
    closed = shut(cell, opened)
    within = sum(scopes(cell.graph)[scope] for scope in closed)
    operations = sum(n.op.kind != "leaf" for n in cell.graph.nodes) - within
    if operations > MOST or any(s.reverse for s in cell.graph.states):
        return None
    for gap in (2, 3, 4, 5, 6):
        plan = place(read(cell.graph, cell.output, cell.letters, closed), gap)
        try:
            plan.wires = route(plan)
        except NoWay:
            continue
        return plan
    return None
