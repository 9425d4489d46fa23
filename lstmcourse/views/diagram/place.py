"""From glyphs to places on the grid, by the rules in `layout`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from .plan import HEAD, ROW, Layout, through_merges

if TYPE_CHECKING:
    from .plan import Glyph, Reading


class _Columns:
    """Columns from left to right, with glyphs one above another; a new one may be put beside any other."""

    def __init__(self):
        self.order: list[list[Glyph]] = []

    def index(self, glyph: Glyph) -> int:
        return next(k for k, column in enumerate(self.order) if glyph in column)

    def put(self, glyph: Glyph, at: int | None = None) -> None:
        self.order.insert(len(self.order) if at is None else at, [glyph])

    def share(self, glyph: Glyph, k: int) -> None:
        self.order[k].append(glyph)


def place(reading: Reading, gap: int) -> Layout:
    """Give every glyph a column and a height; `gap` is the room between columns."""
    glyphs, columns = reading.glyphs, _Columns()
    straight = {
        a for chain in reading.belts.values() for k in chain for a in through_merges(glyphs[k].args, glyphs)
    }
    of_belt = {g: [glyphs[k] for k in chain] for chain in reading.belts.values() for g in chain}
    placed: list[Glyph] = []
    for g in glyphs.values():
        if g.kind not in ("layer", "point", "function"):
            continue
        above = [o for k in through_merges(g.args, glyphs) if (o := glyphs[k]) in placed]
        g.level = _level(g, above)
        at, shared = _column(g, above, columns, [o for o in of_belt.get(g.id, ()) if o in placed])
        if shared and g.role == "up" and columns.order[at][-1].id in straight:
            at, shared = at + 1, False  # the way up to the belt is its own
        if shared:
            columns.share(g, at)
        else:
            columns.put(g, at)
        placed.append(g)
    _place_inputs(columns, glyphs)
    _place_buses(columns, glyphs)
    return _coordinates(reading, columns, gap)


def _level(g: Glyph, above: list[Glyph]) -> int:
    """How many operations from the boxes up to this one; for what comes after a belt, from the belt down."""
    if g.role in ("box", "belt"):
        return 0
    kin = ("after",) if g.role == "after" else ("up", "feed")
    return 1 + max((o.level for o in above if o.role in kin), default=0)


def _column(g: Glyph, above: list[Glyph], columns: _Columns, belt: list[Glyph]) -> tuple[int, bool]:
    """The column for a glyph, given what it reads and what is on its belt already; whether to share it."""
    end = len(columns.order)
    if g.role == "box" or g.role == "feed" or not (above or belt):
        return end, False
    beside = max((columns.index(o) for o in above if o not in belt), default=-1)
    before = max((columns.index(o) for o in belt), default=-1)
    if g.role == "after":
        free = all(o.role == "after" and o.level < g.level for o in columns.order[beside])
        return (beside, True) if free else (end, False)
    if beside > before and _top_free(columns.order[beside], above):
        return beside, True
    return max(beside, before) + 1, False


def _top_free(column: list[Glyph], above: list[Glyph]) -> bool:
    """Whether the topmost glyph of a column is one that the new glyph reads, so that it can stand above."""
    return column[-1] in above and column[-1].role in ("box", "up")


def _place_inputs(columns: _Columns, glyphs: Mapping[str, Glyph]) -> None:
    """Inputs that do not join the bus come up just before what first reads them."""
    joining = {a for g in glyphs.values() if g.role == "bus" for a in g.args}
    for g in [g for g in glyphs.values() if g.kind == "input" and g.id not in joining]:
        readers = [
            k
            for k, column in enumerate(columns.order)
            for o in column
            if g.id in through_merges(o.args, glyphs)
        ]
        columns.put(g, min(readers, default=0))


def _place_buses(columns: _Columns, glyphs: Mapping[str, Glyph]) -> None:
    """A second bus starts just before what first reads it."""

    def reads(g: Glyph, bus: str) -> bool:
        return bus in g.args or any(reads(glyphs[a], bus) for a in g.args if glyphs[a].kind == "merge")

    for b in [g for g in glyphs.values() if g.role == "bus" and g.level]:
        readers = (k for k, column in enumerate(columns.order) for o in column if reads(o, b.id))
        columns.put(b, min(readers))


def _coordinates(reading: Reading, columns: _Columns, gap: int) -> Layout:
    glyphs = reading.glyphs
    rows = max((g.level for g in glyphs.values() if g.role in ("up", "after", "feed")), default=0)
    heights = {s: 4 * k for k, s in enumerate(reading.belts)}
    belt = max(heights.values(), default=-ROW if not rows else 0)
    box = belt + ROW * rows + HEAD
    depth = {}
    for g in glyphs.values():
        if g.role == "below":
            depth[g.id] = 1 + depth.get(g.args[0], 0)
    joints = max(depth.values(), default=0)
    whole = [g.id for g in glyphs.values() if g.role == "bus" and not g.level]
    some = {*whole[:-1], *(a for k in whole if not joints for a in glyphs[k].args)}
    apart = any(a in some for g in glyphs.values() if g.role in ("box", "below") for a in g.args)
    bus = box + 4 + 2 * joints + apart  # a line more where a box reads a part of what the bus carries
    for k, s in enumerate(reading.lines):
        heights[s] = bus + 3 * k
    chained = [g for g in glyphs.values() if g.role == "bus" and not g.level]
    for k, g in enumerate(chained):
        g.x, g.y = 4 + 3 * k, bus
    x = 4 + 3 * max(0, len(chained) - 1) + gap
    for column in columns.order:
        half = max(g.a for g in column)
        x += half
        for g in column:
            g.x = x
            g.y = {"box": box, "belt": 0, "after": belt + ROW * g.level}.get(
                g.role, box - HEAD - ROW * (g.level - 1)
            )
        x += half + gap
    for s, chain in reading.belts.items():
        for k in chain:
            glyphs[k].y = heights[s]
    for g in glyphs.values():  # a second bus lies on the line of the state that it starts with
        if g.role == "bus" and g.level:
            g.y = glyphs[g.args[0]].y if glyphs[g.args[0]].role == "bus" else heights[glyphs[g.args[0]].name]
    for g in glyphs.values():  # lines that join below a box: the last one is the nearest
        if g.role == "box" and g.args and glyphs[g.args[0]].role == "below":
            joint, y = glyphs[g.args[0]], box + 3
            while joint.role == "below":
                joint.x, joint.y = g.x, y
                joint, y = glyphs[joint.args[0]], y + 2
    outs = [g for g in glyphs.values() if g.kind == "output"]
    for k, g in enumerate(outs):
        g.x = x + 1 + 4 * k
    width = x + 1 + 4 * max(0, len(outs) - 1) + 4
    below = any(g.kind == "input" and g.id in set(_direct(glyphs)) for g in glyphs.values())
    bottom = max([bus, *heights.values()]) + 3 + below
    top = (0 if reading.belts else box - HEAD - ROW * (rows - 1) if rows else box - 2) - 3
    for g in glyphs.values():
        if g.kind == "enter":
            g.x, g.y, g.a, g.b = 0, heights[g.name], 0, 0
        elif g.kind == "exit":
            g.x, g.y, g.a, g.b = width, heights[g.name], 0, 0
        elif g.kind == "output":
            g.y, g.a, g.b = top, 0, 0
        elif g.kind == "input":
            g.y, g.a, g.b = bottom, 0, 0
            joins = next((j for j in chained if g.id in j.args), None)
            g.x = joins.x if joins else g.x
    return Layout(glyphs, [], width, top, bottom, heights, tuple(reading.belts), bus)


def _direct(glyphs: Mapping[str, Glyph]) -> Iterator[str]:
    """What is read past the bus."""
    for g in glyphs.values():
        if g.role != "bus":
            yield from g.args
