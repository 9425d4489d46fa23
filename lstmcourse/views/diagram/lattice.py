"""Blocks that are joined in two directions: a line, a stack, a lattice; and one block, open."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from ... import checks
from ...errors import UnknownNameError
from ..names import Name
from .picture import finish
from .plan import UNIT
from .sheet import Sheet, rectangle

if TYPE_CHECKING:
    from .picture import Diagram

__all__ = ["block", "lattice"]

SIZE, APART = 4 * UNIT, 3.5 * UNIT  # of a closed block, and between two
SIDE = UNIT  # of the lines of h and of m, from the middle
WAYS = ("time", "depth")


def lattice(
    steps: int = 3,
    layers: int = 3,
    *,
    memory: Collection[str] = WAYS,
    title: str | None = None,
) -> Diagram:
    """Draw blocks joined through time, to the right, and through depth, upwards.

    Parameters
    ----------
    steps, layers : int
        How many blocks stand side by side, and on top of each other; up to 6.
    memory : collection of {"time", "depth"}
        Along which of the two runs a line for m, the memory, beside that of h.
    title : str, optional
        The picture's name for those who cannot see it.

    Returns
    -------
    Diagram

    Raises
    ------
    ValueError
        A size is out of range, or `memory` names another direction.

    Examples
    --------
    >>> lattice(4, 1, memory=["time"], title="An LSTM")
    <Diagram: An LSTM>
    >>> print(lattice(3, 2, memory=["time"]).desc)
    3 blocks side by side, 2 on top of each other. Through time run h and m, through depth h alone.
    """
    for name, value in (("steps", steps), ("layers", layers)):
        checks.whole(name, value, 1, 6)
    for way in (memory := [memory] if isinstance(memory, str) else list(memory)):
        if way not in WAYS:
            raise UnknownNameError(f"memory={way!r}: memory runs along 'time' or 'depth', or both")
    sheet, pitch = Sheet(), SIZE + APART
    offsets = {way: (SIDE, -SIDE) if way in memory else (0.0,) for way in WAYS}
    for k in range(layers):
        y = -k * pitch
        for t in range(steps):
            sheet.rect(t * pitch, y - SIZE, t * pitch + SIZE, y, "module", 14)
        for t in range(steps + 1):
            x = t * pitch
            for d in offsets["time"]:
                sheet.line([(x - APART, y - SIZE / 2 + d), (x - 1, y - SIZE / 2 + d)], head=True)
                if t == 0:
                    _letter(sheet, "m" if d < 0 else "h", x - APART - 6, y - SIZE / 2 + d, "end")
    for t in range(steps):
        x = t * pitch + SIZE / 2
        for k in range(layers + 1):
            y = -k * pitch
            for d in offsets["depth"]:
                sheet.line([(x + d, y + APART), (x + d, y + 1)], head=True)
                if k == layers:
                    _letter(sheet, "m" if d < 0 else "h", x + d, y - 0.9 * UNIT, "middle")
        text = Name("x", str(t + 1), "")
        sheet.name(text, x, APART + 1.2 * UNIT)
    carried = {way: "h and m" if way in memory else "h alone" for way in WAYS}
    desc = (
        f"{steps} blocks side by side, {layers} on top of each other. Through time "
        f"{'run' if 'time' in memory else 'runs'} {carried['time']}, through depth {carried['depth']}."
    )
    return finish(sheet, title or f"A lattice of {steps} by {layers} blocks", desc, None)


def block(*, title: str | None = None) -> Diagram:
    """Draw one block of a Grid LSTM in two dimensions, open: an LSTM for each, both of which see every h.

    Returns
    -------
    Diagram

    Examples
    --------
    >>> block()
    <Diagram: One block of a Grid LSTM, open>
    """
    u, sheet = UNIT, Sheet()
    wide, high, out = 22 * u, 20 * u, 4 * u
    sheet.rect(0, 0, wide, high, "module", 18)
    depth, time = (2 * u, 3 * u, 8 * u, 6 * u), (13 * u, 7.75 * u, 19 * u, 11.25 * u)
    belt, shown, bus, fork = 8.5 * u, 10.5 * u, 14.5 * u, 10 * u  # heights of m, new h, h; where h forks
    gaps = [(3 * u, belt), (3 * u, bus)]
    sheet.line([(3 * u, high + out), (3 * u, depth[3] + 1)], head=True, broken=gaps)  # m through depth
    sheet.line([(3 * u, depth[1]), (3 * u, -out)], head=True)
    sheet.line([(-out, belt), (time[0] - 1, belt)], head=True)  # m through time
    sheet.line([(time[2], belt), (wide + out, belt)], head=True)
    sheet.line([(7 * u, high + out), (7 * u, bus), (fork, bus)])  # both h join
    up = [(-out, bus), (fork, bus), (fork, 4.5 * u), (depth[2] + 1, 4.5 * u)]
    sheet.line(up, head=True, broken=[(fork, belt)])
    sheet.line([(fork, bus), (16 * u, bus), (16 * u, time[3] + 1)], head=True)
    sheet.line([(7 * u, depth[1]), (7 * u, -out)], head=True)  # new h
    sheet.line([(time[2], shown), (wide + out, shown)], head=True)
    for (x0, y0, x1, y1), way in ((depth, "depth"), (time, "time")):
        sheet.put(rectangle(x0, y0, x1, y1, "layer", 5))
        sheet.text(f"LSTM_{way}", (x0 + x1) / 2, (y0 + y1) / 2, size=15)
    sheet.name(Name("H", "", ""), 12.5 * u, bus + 1.1 * u)
    for letter, x in (("m", 3 * u), ("h", 7 * u)):
        _letter(sheet, letter, x, high + out + u, "middle", "depth")
        _letter(sheet, letter + "′", x, -out - u, "middle", "depth")
    for letter, left, right in (("m", belt, belt), ("h", bus, shown)):
        _letter(sheet, letter, -out - 6, left, "end", "time")
        _letter(sheet, letter + "′", wide + out + 6, right, "start", "time")
    desc = (
        "From the left come h and m of time, from below h and m of depth. The two h are laid side by side, "
        "H, and go to two LSTMs. The one for time takes m of time and gives the new m and h of time, which "
        "leave to the right; the one for depth does the same for depth, upwards."
    )
    return finish(sheet, title or "One block of a Grid LSTM, open", desc, None)


def _letter(sheet: Sheet, letter: str, x: float, y: float, anchor: str, index: str = "") -> None:
    sheet.name(Name(letter, index, ""), x, y, anchor, size=17)
