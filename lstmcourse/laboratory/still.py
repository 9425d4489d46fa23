"""The still picture of a sentence laboratory: for a page whose script has not run, or may not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html import escape, unescape
from typing import TYPE_CHECKING, Any

import numpy as np

from ..views.diagram.picture import Diagram
from ..views.style import css
from .graphs import named
from .picture import number
from .words import sentences

if TYPE_CHECKING:
    from .base import Laboratory

__all__ = ["drawn", "still", "text_at"]

LEFT, COLUMN, ROW, GROUND, BAR = 84, 54, 38, 34, 18  # pixels; a number stands below its bar
MOST, NEXT = 20, 6  # words in view, and of what comes next


def still(lab: Laboratory) -> Diagram:
    """Draw the sentence, each row of the units in view at each word, and what is expected in the end."""
    run, parts, y = lab._run(named(lab.cell), {}), [], 22.0
    words, step = [lab.model.task.symbols[k] for k in lab._symbols], lab.where_it_matters
    first = max(0, min(step - MOST // 2, len(words) - MOST))
    part = slice(first, first + MOST)
    width = LEFT + COLUMN * len(words[part]) + 8
    for t, word in enumerate(words[part]):
        parts.append(text_at(LEFT + COLUMN * (t + 0.5), y, _shown(word), "middle", 'class="b"'))
    for unit in lab.shown:
        y += 30
        parts.append(text_at(8, y, f"unit {unit}", "start", 'class="b"'))
        y += 8
        for row in lab._rows():
            parts += _row(lab, row, np.asarray(run[row["key"]])[part, 0, unit], y)
            y += ROW
    expected = _expected(lab, step)
    y += 26
    said = ", ".join(f"{_shown(w)} {number(p)}" for w, p in expected)
    parts.append(text_at(8, y, f"After “{_shown(words[step])}” it expects: {said}.", "start"))
    title = f"{lab.model.task.name}, read by {lab.cell.name} of {lab.sizes['H']} units"
    units = " and ".join(map(str, lab.shown))
    desc = (
        f"It reads: {lab.sentence} Gates and states of the units {units} at each. "
        f"After “{_shown(words[step])}” it expects {said}."
    )
    style = ".b{font-weight:600}.n{font-size:11px}.g{fill:var(--lc-rule);opacity:.4}"
    return drawn(title, desc, width, int(y + 12), parts, style)


def drawn(title: str, desc: str, width: int, height: int, parts: Iterable[str], style: str = "") -> Diagram:
    """A picture of parts, on paper."""
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img"><title>{escape(title)}</title><desc>{escape(desc)}</desc>'
        f"<style>{css('svg')}text{{fill:var(--lc-ink);font:13px system-ui,Helvetica,Arial,sans-serif}}{style}"
        '</style><rect width="100%" height="100%" fill="var(--lc-paper)"/>'
        f"{''.join(parts)}</svg>"
    )
    return Diagram(svg, title, desc, None)


def text_at(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    """A line of text in a picture."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {more}>{escape(text)}</text>'


def _row(lab: Laboratory, row: dict[str, Any], values: np.ndarray, y: float) -> Iterator[str]:
    most = max(1.0, float(np.abs(values).max()))
    low, high = row["range"] or (-most, most)
    zero = y + BAR * high / (high - low)
    yield text_at(LEFT - 10, y + GROUND / 2 + 5, _name(lab, row["key"]), "end", 'font-style="italic"')
    yield f'<rect class="g" x="{LEFT}" y="{y:.0f}" width="{COLUMN * len(values)}" height="{GROUND}" rx="4"/>'
    top = y + BAR * (high - values) / (high - low)
    at = LEFT + COLUMN * np.arange(len(values)) + 6
    bars = "".join(
        f"M{x:g} {zero:.1f}V{v:.1f}h{COLUMN - 12}V{zero:.1f}" for x, v in zip(at, top, strict=True)
    )
    numbers = "".join(
        f'<tspan x="{x + COLUMN // 2 - 6:g}">{number(float(v))}</tspan>'
        for x, v in zip(at, values, strict=True)
    )
    yield f'<path d="{bars}" fill="var(--lc-{row["hue"]})" opacity=".62"/>'
    yield f'<text class="n" text-anchor="middle" y="{y + BAR + 12:g}">{numbers}</text>'


def _expected(lab: Laboratory, step: int) -> list[tuple[str, float]]:
    p = lab.predict(held=False)[step, 0]
    return [(lab._answers[k], float(p[k])) for k in np.argsort(-p, kind="stable")[:NEXT]]


def _name(lab: Laboratory, key: str) -> str:
    """A value's name without its index."""
    word = sentences(lab.cell)[key]
    return unescape(re.sub("<sub>.*?</sub>|<[^>]*>", "", word.get("left") or word["whole"]))


def _shown(symbol: str) -> str:
    """A symbol that can be seen."""
    return {" ": "␣", "\n": "⏎", "\t": "⇥"}.get(symbol, symbol)
