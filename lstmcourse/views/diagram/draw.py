"""A cell as a picture: one step open, a chain of three, or a stack of layers."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ...engine.expression import equations
from ...errors import UnknownNameError, nearest
from ..names import named
from .closed import Closed, Written
from .layers import Tower, layers_of
from .layout import layout, shut
from .picture import finish
from .plan import OUT, UNIT
from .read import scopes
from .sheet import Sheet
from .step import Open
from .words import describe, describe_layers

if TYPE_CHECKING:
    from ...engine.definition import Definition
    from .picture import Diagram
    from .plan import Layout
    from .step import Light

__all__ = ["diagram"]


def diagram(
    cell: Definition,
    *,
    focus: str | Collection[str] | None = None,
    chain: bool = False,
    title: str | None = None,
    label: str = "A",
    open: str | Collection[str] | None = None,
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
    open : str or collection of str, optional
        Scopes of the cells used inside that are drawn with all that is in them; the others are boxes, ``()``
        makes all of them so. By default all of them are open in a small cell, and closed in a large one.

    Returns
    -------
    Diagram

    Raises
    ------
    UnknownNameError
        `focus` names an equation that the cell does not have, or `open` a scope.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> diagram(lc.cells.rnn)
    <Diagram: One step of the cell rnn>
    >>> print(diagram(lc.cells.rnn).desc)
    It reads x_t from below, and h_t-1 from the left. h_t is a tanh layer of h_t-1 and x_t. h_t leaves ...
    """
    focus = _check_focus(cell, focus)
    layers = layers_of(cell)
    if layers is not None:
        if chain or focus is not None:
            raise ValueError(
                f"{'chain' if chain else 'focus'} does not apply to {cell.name}, which is drawn as layers; "
                "draw the cells that it is made of"
            )
        return _tower(cell, layers, title)
    opened = _check_open(cell, open)
    closed = shut(cell, opened)
    return _module(cell, layout(cell, opened), focus, None, chain, title, label, closed)


def _check_open(cell: Definition, scope: str | Collection[str] | None) -> set[str] | None:
    if scope is None:
        return None
    if not isinstance(scope, str | Collection):
        raise TypeError(f"open={scope!r} is of type {type(scope).__name__}; it is a scope, or several")
    opened = {scope} if isinstance(scope, str) else set(scope)
    for name in sorted(opened, key=str):
        if name not in scopes(cell.graph):
            hint = nearest(name, scopes(cell.graph))
            raise UnknownNameError(f"open={name!r}: {cell.name} uses no cell in a scope of that name; {hint}")
    return opened


def lit(cell: Definition, light: Light, scopes: Collection[str], title: str) -> Diagram | None:
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
    layers = layers_of(cell)
    if layers is not None:
        return _tower(cell, layers, title, scopes)
    plan = layout(cell)
    return None if plan is None else _module(cell, plan, set(), light, False, title, "")


def _tower(
    cell: Definition,
    layers: list[list[tuple[str, str, bool]]],
    title: str | None,
    scopes: Collection[str] | None = None,
) -> Diagram:
    sheet = Sheet()
    Tower(cell, layers, scopes).draw(sheet)
    return finish(sheet, title or f"One step of {cell.name}", describe_layers(cell, layers), None)


def _module(
    cell: Definition,
    plan: Layout | None,
    focus: set[str] | None,
    light: Light | None,
    chain: bool,
    title: str | None,
    label: str,
    closed: Collection[str] = (),
) -> Diagram:
    sheet = Sheet()
    middle = Written(cell) if plan is None else Open(cell, plan, focus, light)
    timed = {n.name for n in cell.graph.leaves("sequence", "noise")}
    space = 4 * UNIT
    if chain:
        outer = Closed(label, middle)
        places = [0, outer.width + space, outer.width + middle.width + 2 * space]
        outer.draw(sheet, places[0], "t-1", cell.letters, timed)
        middle.draw(sheet, places[1])
        outer.draw(sheet, places[2], "t+1", cell.letters, timed)
        sides = [(places[k] + w, places[k + 1]) for k, w in enumerate((outer.width, middle.width))]
        sides = [(-OUT * UNIT, 0), *sides, (places[2] + outer.width, places[2] + outer.width + OUT * UNIT)]
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
    return finish(sheet, title or name, describe(cell, closed), plan)


def _check_focus(cell: Definition, focus: str | Collection[str] | None) -> set[str] | None:
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
