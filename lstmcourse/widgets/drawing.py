"""What panels show: `strips` draws numbers step by step, `table` writes them down."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

from ..checks import given, listed, named, numbers, text
from ..views.style import hue

__all__ = ["strips", "table"]


LEFT, HEIGHT, GAP = 64, 64, 18  # pixels: left of the strips, a strip, between two


SERIES = named(numbers(1, axes="(T,)"), "of arrays (T,) by name")


@given(series=SERIES, names=listed(text, "of series"))
def strips(series: Mapping[str, np.ndarray], names: Sequence[str] | None = None) -> str:
    """Return a drawing (inline SVG) with one strip for each series: a bar up or down at each step.

    Parameters
    ----------
    series : mapping of str to array (T,)
        Values by label, in the order from top to bottom. Beyond -1 and 1 the strip's scale grows.
    names : sequence of str, optional
        What each is in a cell's equations, which gives its colour; the labels if not given.

    Returns
    -------
    str
        SVG with title and description, in the colours of the panel's theme.

    Examples
    --------
    >>> drawing = strips({"h": np.array([0.5, -0.25])})
    >>> drawing.count('class="lc-bar"')
    2
    """
    if not series or (names is not None and len(names) != len(series)):
        raise ValueError(
            f"series has {list(series)}, and names {names}: give one or more, and a name for each"
        )
    steps = max(len(v) for v in series.values())
    step = max(26.0, min(76.0, 480 / steps))
    hues = [f"var(--lc-{hue(name, 'blue')})" for name in names or series]
    parts = [
        _strip(GAP / 2 + k * (HEIGHT + GAP), step, *item, hues[k]) for k, item in enumerate(series.items())
    ]
    foot = len(series) * (HEIGHT + GAP) + 12
    parts += [write_text(LEFT + (t + 0.5) * step, foot, str(t + 1), 11, "middle") for t in range(steps)]
    parts += [write_text(LEFT - 34, foot, "step", 11)]
    says = "; ".join(f"{name}: {', '.join(map(decimals, values))}" for name, values in series.items())
    width, height = round(LEFT + steps * step + 8), foot + 8
    return (
        f'<svg class="lc-strips" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><title>Step by step: {html.escape(", ".join(series))}</title>'
        f"<desc>A bar up or down at each step. {html.escape(says)}</desc>{''.join(parts)}</svg>"
    )


def _strip(top: float, step: float, name: str, values: np.ndarray, hue: str) -> str:
    """Return one strip: name, scale, a bar at each step, and a line through their ends."""
    zero, limit = top + HEIGHT / 2, _limit(values)
    foot, across = top + HEIGHT, len(values) * step
    parts = [
        write_text(LEFT - 34, zero + sunk(13), name, 13),
        write_text(LEFT - 7, top + sunk(10), f"{limit:g}", 10),
        write_text(LEFT - 7, foot + sunk(10), f"−{limit:g}", 10),
        f'<path d="M{LEFT - 4} {top:.1f}h4v{HEIGHT}h-4M{LEFT} {zero:.1f}h{across:.1f}" '
        f'fill="none" stroke="{hue}"/>',
    ]
    ends = []
    for t, value in enumerate(values):
        length = HEIGHT / 2 * value / limit if np.isfinite(value) else 0.0
        middle = LEFT + (t + 0.5) * step
        ends.append(f"{middle:.1f},{zero - length:.1f}")
        parts.append(
            f'<rect class="lc-bar" x="{middle - 0.3 * step:.1f}" y="{zero - max(length, 0):.1f}" '
            f'width="{0.6 * step:.1f}" height="{abs(length):.1f}" fill="{hue}" fill-opacity="0.5"/>'
            f'<circle cx="{middle:.1f}" cy="{zero - length:.1f}" r="3.5" fill="{hue}"/>'
        )
    line = f'<polyline points="{" ".join(ends)}" fill="none" stroke="{hue}" stroke-width="2"/>'
    return "".join([*parts, line])


def sunk(size: float) -> float:
    """Return how far the foot of digits lies below their middle."""
    return 0.36 * size


def write_text(x: float, y: float, text: str, size: int, anchor: str = "end") -> str:
    """Return a text of the drawing."""
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {at}>{html.escape(text)}</text>"


@given(series=SERIES)
def table(series: Mapping[str, np.ndarray]) -> str:
    """Return the numbers as an HTML table: a row for each series, a column for each step.

    Examples
    --------
    >>> "<td>−0.250</td>" in table({"h": np.array([0.5, -0.25])})
    True
    """
    steps = max(len(v) for v in series.values())
    head = "".join(f'<th scope="col">{t + 1}</th>' for t in range(steps))
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>'
        + "".join(f"<td>{decimals(v)}</td>" for v in values)
        + "</tr>"
        for name, values in series.items()
    )
    return (
        "<table><caption>The numbers, step by step</caption>"
        f'<thead><tr><th scope="col">step</th>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def decimals(value: float) -> str:
    """Return a number with three decimals, a true minus, and no minus before zero."""
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text.replace("-", "−")


def _limit(values: np.ndarray) -> float:
    """Return the end of a strip's scale: 1, 2, 5, 10, 20, ..."""
    most = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    scale = (m * 10.0**e for e in range(300) for m in (1, 2, 5))
    return next(s for s in scale if most <= s)
