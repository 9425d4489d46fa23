"""Marks as SVG text: rounded lines, arrow heads, names, boxes; and the sheet that holds them."""

from __future__ import annotations

import re
from collections.abc import Collection
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..names import Name


INK = "#1c2024"
LINE, ROUND, GAP, EDGE = (
    3,
    10,
    6,
    20,
)  # pixels: width of lines, radius of corners, half a break, radius of discs
FADED, FADED_WORDS = 0.33, 0.55  # opacity of what is not in full ink; of its words, which can still be read
# Fills and outlines beside style.PALETTE. Boxes, circles and ellipses also differ in shape and in lightness.
# Each tone is a fill and an outline.
TONES = {
    "light": {
        "module": ("#e4ebf3", "#8fa1b5"),
        "layer": ("#fbdf8e", "#8a6100"),
        "point": ("#ffffff", "#1c2024"),
        "input": ("#cfe0ff", "#2b4fc8"),
        "output": ("#ead9f2", "#5a0f6b"),
    },
    "dark": {
        "module": ("#212a35", "#566579"),
        "layer": ("#6e5310", "#e0b94a"),
        "point": ("#111111", "#e8eaed"),
        "input": ("#1d3a6e", "#63b3ff"),
        "output": ("#4b2557", "#cf86d6"),
    },
}
KINDS = {
    "module": "module",
    "layer": "layer",
    "point": "point",
    "function": "point",
    "input": "input",
    "output": "output",
}
SERIF = "'STIX Two Text','Times New Roman',Times,'Liberation Serif','DejaVu Serif',serif"


def num(value: float) -> str:
    """A number, always written the same way."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def set_name(name: Name, x: float, y: float, anchor: str = "middle", size: float = 18) -> str:
    """A variable as SVG text; y is the middle of its small letters."""
    base = num(y + 0.26 * size)
    runs, at = escape(name.letter), 0.0
    for text, shift in ((name.above, -0.42), (name.below, 0.26)):
        if text:
            # the index below stands under that above
            back = f' dx="{num(-0.35 * len(name.above) * size)}"' if at else ""
            runs += f'<tspan class="i"{back} dy="{num((shift - at) * size)}">{escape(text)}</tspan>'
            at = shift
    where = f'x="{num(x)}" y="{base}" text-anchor="{anchor}" font-size="{num(size)}"'
    return f'<text class="v" {where}>{runs}</text>'


def upright(text: str, x: float, y: float, size: float = 17, anchor: str = "middle", kind: str = "f") -> str:
    """Upright text: functions, operations, titles, equations; ``W_f`` and ``h_{t-1}`` get their indices."""
    runs, low = "", 0.0
    for part in re.split(r"(_\{[^}]*\}|_[^\W_]+)", text):
        down = 0.2 * size if part.startswith("_") else 0.0
        shift = f' dy="{num(down - low)}"' if down != low else ""
        part = escape(part.strip("_{}").replace("-", "−") if down else part)
        runs += (
            f'<tspan class="i"{shift}>{part}</tspan>'
            if down
            else f"<tspan{shift}>{part}</tspan>"
            if shift and part
            else part
        )
        low = down if part else low
    where = f'x="{num(x)}" y="{num(y + 0.33 * size)}" text-anchor="{anchor}" font-size="{num(size)}"'
    return f'<text class="{kind}" {where}>{runs}</text>'


def _path(points: list[tuple[float, float]], broken: Collection[tuple[float, float]] = ()) -> str:
    """A line with rounded corners; upright stretches leave gaps where they pass under another line."""
    out = [f"M{num(points[0][0])} {num(points[0][1])}"]
    at = points[0]
    for k in range(1, len(points)):
        p = points[k]
        end, turn = p, ""
        if k < len(points) - 1:
            q = points[k + 1]
            r = min(
                ROUND,
                distance(points[k - 1], p) / (1 if k == 1 else 2),
                distance(p, q) / (1 if k == len(points) - 2 else 2),
            )
            end = toward(p, points[k - 1], r)
            after = toward(p, q, r)
            turn = f"Q{num(p[0])} {num(p[1])} {num(after[0])} {num(after[1])}"
        else:
            after = p
        if abs(at[0] - end[0]) < 1e-9:
            sign = 1 if end[1] > at[1] else -1
            low, high = sorted((at[1], end[1]))
            for y in sorted(
                (y for x, y in broken if abs(x - end[0]) < 1e-9 and low < y < high), reverse=sign < 0
            ):
                out.append(f"V{num(y - sign * GAP)}M{num(end[0])} {num(y + sign * GAP)}")
            out.append(f"V{num(end[1])}")
        else:
            out.append(f"H{num(end[0])}")
        out.append(turn)
        at = after
    return "".join(out)


def distance(p, q) -> float:
    """The length of a way along the grid."""
    return abs(p[0] - q[0]) + abs(p[1] - q[1])


def toward(p, q, r: float):
    """The point that lies r from p on the way to q."""
    d = distance(p, q) or 1.0
    return p[0] + (q[0] - p[0]) * r / d, p[1] + (q[1] - p[1]) * r / d


def _head(p, before) -> str:
    """An arrow head whose tip is at p."""
    d = distance(p, before) or 1.0
    ux, uy = (p[0] - before[0]) / d, (p[1] - before[1]) / d
    bx, by = p[0] - 10 * ux, p[1] - 10 * uy
    corners = [p, (bx - 5 * uy, by + 5 * ux), (bx + 5 * uy, by - 5 * ux)]
    return "M" + "L".join(f"{num(x)} {num(y)}" for x, y in corners) + "Z"


_TEXT = re.compile("<text .*?</text>")


class Sheet:
    """What is drawn, in layers: grounds, what is faded and its words, what is in full ink; and how far it
    reaches.
    """

    def __init__(self):
        self.ground: list[str] = []
        self.faded: list[str] = []
        self.faded_words: list[str] = []
        self.full: list[str] = []
        self.left = self.top = float("inf")
        self.right = self.bottom = float("-inf")

    def reach(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """Make room for a rectangle."""
        self.left, self.top = min(self.left, x0), min(self.top, y0)
        self.right, self.bottom = max(self.right, x1), max(self.bottom, y1)

    def put(self, text: str, full: bool = True) -> None:
        """Add marks to a layer."""
        if full:
            self.full.append(text)
            return
        self.faded.append(_TEXT.sub("", text))
        self.faded_words += _TEXT.findall(text)

    def line(self, points, *, head: bool = False, full: bool = True, broken=()) -> None:
        """A line, with an arrow head at its end if wanted."""
        self.put(stroke([points], [broken], head), full)
        xs, ys = [p[0] for p in points], [p[1] for p in points]
        self.reach(min(xs) - 4, min(ys) - 4, max(xs) + 4, max(ys) + 4)

    def rect(self, x0, y0, x1, y1, kind: str, round_: float = 8) -> None:
        """A rectangle on the ground."""
        self.ground.append(rectangle(x0, y0, x1, y1, kind, round_))
        self.reach(x0, y0, x1, y1)

    def name(
        self, name: Name, x: float, y: float, anchor: str = "middle", full: bool = True, size: float = 18
    ) -> None:
        """A variable's name."""
        self.put(set_name(name, x, y, anchor, size), full)
        w = name.width * size
        x0 = x - {"start": 0, "middle": w / 2, "end": w}[anchor]
        self.reach(x0 - 2, y - 0.75 * size, x0 + w + 2, y + 0.75 * size)

    def text(
        self,
        text: str,
        x: float,
        y: float,
        anchor: str = "middle",
        size: float = 17,
        kind: str = "f",
        full: bool = True,
    ) -> None:
        """Upright text."""
        self.put(upright(text, x, y, size, anchor, kind), full)
        w = 0.5 * size * len(text)
        x0 = x - {"start": 0, "middle": w / 2, "end": w}[anchor]
        self.reach(x0, y - 0.75 * size, x0 + w, y + 0.75 * size)

    def disc(self, name: Name, x: float, y: float, kind: str, full: bool = True) -> None:
        """A circle outside the module, for what comes in or goes out."""
        size = 18 if name.width < 1.9 else 18 * 1.9 / name.width
        self.put(
            f'<circle class="{kind}" {FILL[kind]} cx="{num(x)}" cy="{num(y)}" r="{EDGE}"/>'
            + set_name(name, x, y, size=size),
            full,
        )
        self.reach(x - EDGE - 2, y - EDGE - 2, x + EDGE + 2, y + EDGE + 2)


# Colours as attributes too, for programs that read SVG without CSS variables.
FILL = {kind: 'fill="{}" stroke="{}"'.format(*TONES["light"][tone]) for kind, tone in KINDS.items()}


def rectangle(x0, y0, x1, y1, kind: str, round_: float) -> str:
    """A box by its corners, in the colours of its kind; `round_` is the radius of its corners."""
    size = f'width="{num(x1 - x0)}" height="{num(y1 - y0)}" rx="{num(round_)}"'
    return f'<rect class="{kind}" {FILL[kind]} x="{num(x0)}" y="{num(y0)}" {size}/>'


def stroke(lines, broken, head: bool | list[bool]) -> str:
    """Lines as one path, so that what they share is painted once; and their heads."""
    heads = head if isinstance(head, list) else [head] * len(lines)
    d, tips = [], []
    for points, gaps, tip in zip(lines, broken, heads, strict=True):
        points = list(points)
        if tip:
            tips.append(_head(points[-1], points[-2]))
            points[-1] = toward(points[-1], points[-2], min(6, distance(points[-1], points[-2])))
        d.append(_path(points, gaps))
    out = f'<path class="w" fill="none" stroke="{INK}" d="{"".join(d)}"/>'
    return out + (f'<path class="a" fill="{INK}" d="{"".join(tips)}"/>' if tips else "")
