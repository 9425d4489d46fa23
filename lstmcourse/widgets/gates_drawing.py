"""What panels of gates show: a layer's curve, a gate at work, an update along the belt, and their numbers."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.graph import Node
from ..engine.ops import apply
from ..views.names import indexed, pieces, spoken
from ..views.style import hue
from .drawing import decimals, sunk
from .layer import RANGES, reads_of

if TYPE_CHECKING:
    from .layer import Layer


# Tables


def rows_of(shown: Mapping[str, float], words: Sequence[str], *equations: str) -> str:
    """Return the numbers as an HTML table, a row for each: what it is, how it is written, its value."""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(word)}</th><td>{indexed(label)}</td>'
        f"<td>{decimals(value)}</td></tr>"
        for word, (label, value) in zip(words, shown.items(), strict=True)
    )
    caption = "<br>".join(indexed(equation) for equation in equations)
    return f'<table><caption style="white-space:nowrap">{caption}</caption><tbody>{rows}</tbody></table>'


def side_by_side(drawing: str, numbers: str) -> str:
    """Return a drawing and a table side by side, one above the other where there is no room."""
    style = "display:flex;flex-wrap:wrap;gap:8px 20px;align-items:center"
    return f'<div style="{style}"><div>{drawing}</div><div>{numbers}</div></div>'


# Drawings


def _hue(node: Node | None, gate: Node) -> str:
    """Return the hue of what a gate multiplies or gives: its own, or that of what it is made of."""
    if node is None or node.name:
        return hue("" if node is None else node.name, "blue")
    return next(
        (hue(n.name, "blue") for n in reversed(reads_of(node.args)) if n is not gate), hue("", "blue")
    )


_WIDE, _HIGH, _LEFT, _TOP = 210.0, 150.0, 62.0, 26.0  # the curve's plot
_END = 8.0  # where its axis ends, left and right


def layer_drawing(layer: Layer, word: str, shown: Mapping[str, float], reach: float) -> str:
    """Draw a layer's curve with the place at which it stands, and the gate at work between two bars."""
    (_, a), (letter, value), *work = shown.items()
    curve, own = layer.value.op.name, hue(layer.value.name, "blue")
    low, high = RANGES[curve]
    inside = min(max(a, -_END), _END)

    def across(u: Any) -> Any:
        return _LEFT + (u + _END) / (2 * _END) * _WIDE

    def up(v: Any) -> Any:
        return _TOP + (high - v) / (high - low) * _HIGH

    grid = np.linspace(-_END, _END, 81)
    points = zip(across(grid), up(apply(curve, grid)), strict=True)
    x, y, foot, right = across(inside), up(value), _TOP + _HIGH, _LEFT + _WIDE
    parts = [
        _line(f"M{_LEFT:.1f} {up((low + high) / 2):.1f}H{right:.1f}M{across(0):.1f} {_TOP:.1f}V{foot:.1f}"),
        _line(f"M{_LEFT:.1f} {_TOP:.1f}V{foot:.1f}H{right:.1f}", "muted"),
        f'<polyline points="{" ".join(f"{u:.1f},{v:.1f}" for u, v in points)}" fill="none" '
        f'stroke="var(--lc-{own})" stroke-width="2.5"/>',
        _line(f"M{x:.1f} {foot:.1f}V{y:.1f}H{_LEFT:.1f}", own, 'stroke-width="1.5" stroke-dasharray="4 3"'),
        _line(f"M{x:.1f} {foot:.1f}v5M{_LEFT:.1f} {y:.1f}h-5", own, 'stroke-width="2"'),
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="var(--lc-{own})" stroke="var(--lc-paper)" '
        'stroke-width="1.5"/>',
        _say(f"{'σ' if curve == 'sigmoid' else curve}(a)", right - 4, _TOP - 9, 12, "end", "muted"),
        _say(letter, _LEFT, _TOP - 9, 13),
        _say("a", right + 12, foot + sunk(13), 13),
        _say(decimals(value), _LEFT - 8, y + sunk(11.5), 11.5, "end"),
    ]
    for v in (low, (low + high) / 2, high):
        if abs(up(v) - y) > 13:
            parts.append(_say(f"{v:g}", _LEFT - 8, up(v) + sunk(10), 10, "end", "muted"))
    mark = f"{decimals(a)} →" if a > _END else f"← {decimals(a)}" if a < -_END else decimals(a)
    parts.append(_say(mark, x, foot + 17, 11.5))
    for u in (-8, -4, 0, 4, 8):
        if abs(across(u) - x) > 34:
            parts.append(_say(f"{u}", across(u), foot + 16, 10, "middle", "muted"))
    width = right + 24
    says = f"{spoken(letter)} = {decimals(value)} at a = {decimals(a)} on the curve."
    if work:
        (before, was), (after, now) = work
        zero, unit, start = _TOP + _HIGH / 2, 58 / reach, width + 26
        ends = "".join(
            _say(f"{v:g}", start - 8, zero - unit * v + sunk(10), 10, "end", "muted")
            for v in (-reach, 0, reach)
        )
        first, second = (_hue(node, layer.value) for node in (layer.before, layer.after))
        parts += [
            _line(f"M{start - 5:.1f} {zero - 58:.1f}h5v116h-5", "muted"),
            ends,
            _wire(start, start + 212, zero),
            _ghost(start + 166, zero, unit, was),
            _bar(start + 44, zero, unit, before, was, first),
            _bar(start + 166, zero, unit, after, now, second, was),
            *_gate(start + 105, zero, "×", letter, value, own),
        ]
        width = start + 220
        says += f" Before the gate {spoken(before)} = {decimals(was)}, "
        says += f"after it {spoken(after)} = {decimals(now)}."
    return _svg(width, foot + 26, f"The {word}: where it stands on its curve", says, parts)


def update_drawing(shown: Mapping[str, float], gates: Mapping[str, float]) -> str:
    """Draw an update along the belt: kept above, written below, shown to the right."""
    (before, kept, candidate, written, after, *more), values = list(shown), list(shown.values())
    (f, i, *o), unit, top, low = gates, 27.0, 104.0, 262.0
    first, step = 42.0, 122.0
    second, third = first + step, first + 2 * step
    joint = second + step / 2
    end = third + (70 if not more else 2.2 * step)
    parts = [
        _wire(first - 34, end, top),
        _wire(first - 34, joint, low, head=False, turn=top + 12),
        *_gate(first + step / 2, top, "×", f, gates[f], hue("f")),
        *_gate(first + step / 2, low, "×", i, gates[i], hue("i")),
        _node(joint, top, "+"),
        _bar(first, top, unit, before, values[0], hue("c")),
        _bar(second, top, unit, kept, values[1], hue("c")),
        _bar(first, low, unit, candidate, values[2], hue("g")),
        _bar(second, low, unit, written, values[3], hue("g")),
        _bar(third, top, unit, after, values[4], hue("c")),
    ]
    if more:
        fork, fourth = third + 0.42 * step, third + 0.78 * step
        last = fourth + step
        branch = f"M{fork:.1f} {top:.1f}V{low - 10:.1f}Q{fork:.1f} {low:.1f} {fork + 10:.1f} {low:.1f}"
        parts += [
            _line(branch, "ink", 'stroke-width="2"'),
            _wire(fork + 10, end, low),
            *_gate(fourth + step / 2, low, "×", o[0], gates[o[0]], hue("o")),
            _bar(fourth, low, unit, more[0], values[5], hue("c")),
            _bar(last, low, unit, more[1], values[6], hue("h")),
        ]
    says = "; ".join(f"{spoken(label)} = {decimals(v)}" for label, v in (gates | dict(shown)).items())
    return _svg(end + 8, low + 70, "One update of the cell state, from left to right", says, parts)


_HALF = 22  # half the width of a bar: its number fits in


def _bar(
    x: float, zero: float, unit: float, label: str, value: float, hue: str, was: float | None = None
) -> str:
    """Draw a bar up or down from a line: its value at its end, its name on the other side of the line.

    The value stands inside the outline of what the bar was, or beyond it where there is no room.
    """
    length = unit * value if np.isfinite(value) else 0.0
    down = value < 0 or (was is not None and value == 0 and was < 0)
    left = unit * abs(was) - abs(length) if was is not None else 0.0
    end = abs(length) + (left if 0 < left < 19 else 0.0)
    return (
        f'<rect class="lc-bar" x="{x - _HALF:.1f}" y="{zero - max(length, 0.0):.1f}" width="{2 * _HALF}" '
        f'height="{abs(length):.1f}" fill="var(--lc-{hue})" fill-opacity="0.55" stroke="var(--lc-{hue})"/>'
        + _say(decimals(value), x, zero + end + 15 if down else zero - end - 6, 12)
        + _say(label, x, zero + (-10 if down else 19), 13)
    )


def _ghost(x: float, zero: float, unit: float, value: float) -> str:
    """Draw the outline of a bar that was."""
    y, high = zero - max(unit * value, 0.0), abs(unit * value)
    return (
        f'<rect class="lc-ghost" x="{x - _HALF:.1f}" y="{y:.1f}" width="{2 * _HALF}" '
        f'height="{high:.1f}" fill="none" stroke="var(--lc-muted)" stroke-dasharray="3 3"/>'
    )


def _gate(x: float, y: float, sign: str, letter: str, value: float, hue: str) -> list[str]:
    """Draw a gate from below into its product on the line."""
    return [
        _line(f"M{x:.1f} {y + 30:.1f}V{y + 11:.1f}", hue, 'stroke-width="3"'),
        _node(x, y, sign),
        _say(letter, x, y + 43, 13),
        _say(decimals(value), x, y + 59, 12),
    ]


def _node(x: float, y: float, sign: str) -> str:
    """Draw a pointwise operation: a circle with its sign."""
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="11" fill="var(--lc-paper)" stroke="var(--lc-ink)" '
        'stroke-width="1.5"/>' + _say(sign, x, y + 5, 16)
    )


def _wire(start: float, end: float, y: float, *, head: bool = True, turn: float | None = None) -> str:
    """Draw a heavy line to the right, with an arrow's head; or one that turns upwards at its end."""
    drawn = f"M{start:.1f} {y:.1f}H{end - 2:.1f}"
    if head:
        drawn += "m-6 -5l6 5l-6 5"
    if turn is not None:
        drawn = f"M{start:.1f} {y:.1f}H{end - 10:.1f}Q{end:.1f} {y:.1f} {end:.1f} {y - 10:.1f}V{turn:.1f}"
    return _line(drawn, "ink", 'stroke-width="2"')


def _line(path: str, hue: str = "rule", more: str = "") -> str:
    """Draw a path in a colour of the palette."""
    return f'<path d="{path}" fill="none" stroke="var(--lc-{hue})" {more}/>'.replace(" />", "/>")


def _say(label: str, x: float, y: float, size: float, anchor: str = "middle", hue: str = "ink") -> str:
    """Write a label with its indices."""
    runs, low = "", False
    for text, index in pieces(label.replace("-", "−") if "_" not in label else label):
        if text:
            runs += f'<tspan dy="{-4 if low else 0}">{html.escape(text)}</tspan>'
            low = False
        if index:
            runs += f'<tspan dy="{0 if low else 4}" font-size="{size - 3:g}">{html.escape(index)}</tspan>'
            low = True
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}"'
    return f'<text {where} style="fill:var(--lc-{hue})">{runs}</text>'


def _svg(width: float, height: float, title: str, says: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="lc-gates" role="img" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}"><title>{html.escape(title)}</title><desc>{html.escape(says)}</desc>'
        f"{''.join(parts)}</svg>"
    )
