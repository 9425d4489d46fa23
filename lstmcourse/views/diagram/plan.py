"""What a picture is made of, as data: glyphs, lines, and where they are, in units of a grid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ...engine.graph import Node

__all__ = ["UNIT", "Glyph", "Layout", "Reading", "Wire", "crossings", "segments"]


Point = tuple[int, int]
RIGHT, DOWN, LEFT, UP = (1, 0), (0, 1), (-1, 0), (0, -1)
SIDES = (RIGHT, DOWN, LEFT, UP)


# From the graph to glyphs


@dataclass(eq=False)
class Glyph:
    """One thing in the picture: what it is, what stands in it, whose values it takes, where it is.

    Attributes
    ----------
    id : str
        Also the name of the line that leaves it: each glyph has one result.
    kind : str
        ``layer`` (box), ``point`` (circle), ``function`` (ellipse), ``merge`` (lines that join), ``input``
        and ``output`` (circles outside the module), ``enter`` and ``exit`` (a state at the module's sides).
    nodes : tuple of Node
        The operations that it stands for.
    args : list of str
        The glyphs whose results enter it.
    name : str
        The author's name of its result, or ``""``.
    role : str
        How it is placed: ``box``, ``belt``, ``up``, ``after``, ``feed``, ``bus`` or ``below``.
    x, y, a, b : int
        Centre, and half of width and height, in units of the grid.
    """

    id: str
    kind: str
    text: str = ""
    nodes: tuple[Node, ...] = ()
    args: list[str] = field(default_factory=list)
    name: str = ""
    role: str = ""
    level: int = 0
    x: int = 0
    y: int = 0
    a: int = 1
    b: int = 1


@dataclass
class Reading:
    """What is to be drawn: glyphs by id in the author's order, belts by state, and the id of the bus."""

    glyphs: dict[str, Glyph]
    belts: dict[str, list[str]]
    lines: list[str]  # states without a belt
    bus: str | None


# From glyphs to places

MOST = 60  # operations on a picture; more are written as equations
UNIT = 14  # pixels between two lines of the grid
OUT = 3  # grid units from the module to the circles and names outside it
ROW = 5  # grid units from one row of operations to the next: room for a line between
HEAD = 6  # from the boxes to the first row above them: room for names


@dataclass(frozen=True)
class Wire:
    """A line from one glyph to another, by its corners in grid units, centre to centre."""

    source: str
    sink: str
    points: tuple[Point, ...]


@dataclass
class Layout:
    """Where everything is, in grid units: x to the right, y downwards; the module's left side is at x = 0.

    `heights` holds the height at which each state enters and leaves; `bus` that of the bus.
    """

    glyphs: dict[str, Glyph]
    wires: list[Wire]
    width: int
    top: int
    bottom: int
    heights: dict[str, int]
    belts: tuple[str, ...]
    bus: int


def through_merges(ids: Iterable[str], glyphs: Mapping[str, Glyph]) -> Iterator[str]:
    """The glyphs whose lines come together, where some of the given ones are merging lines."""
    for k in ids:
        if glyphs[k].kind == "merge":
            yield from through_merges(glyphs[k].args, glyphs)
        else:
            yield k


def segments(wire: Wire) -> Iterator[tuple[Point, Point]]:
    """The straight stretches of a line."""
    yield from zip(wire.points, wire.points[1:], strict=False)


def crossings(plan: Layout) -> dict[str, set[Point]]:
    """Where each line passes upright under another one, which lies across.

    Returns
    -------
    dict of str to set of (x, y)
    """
    found: dict[str, set[Point]] = {}
    for w in plan.wires:
        for (x, y0), (x1, y1) in segments(w):
            if x != x1:
                continue
            for v in plan.wires:
                for (a, b), (a1, b1) in segments(v):
                    inside = b == b1 and min(a, a1) < x < max(a, a1) and min(y0, y1) < b < max(y0, y1)
                    if v.source != w.source and inside:
                        found.setdefault(w.source, set()).add((x, b))
    return found
