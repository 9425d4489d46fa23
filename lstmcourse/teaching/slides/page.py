"""A deck as one page that works offline: reveal.js, the slides, their styles and the font of the formulas.

In ``shipped/`` lie reveal.js as it comes and the font (docs/slides.md says whence); `deck.css` dresses the
slides, `deck.js` fits what is on them to the screen, and starts them.
"""

from __future__ import annotations

import base64
import functools
import itertools
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path

from ...views.style import css
from .rules import Part, Slide
from .text import html

__all__ = ["document"]

_SCRIPT = re.compile(r"<script\b.*?</script>", re.S)


def document(title: str, deck: list[Slide], *, notes: bool = True) -> str:
    """Return a deck as an HTML page.

    Parameters
    ----------
    title : str
        Of the lesson.
    deck : list of Slide
    notes : bool
        Whether the speaker's notes, with the solutions, are in it.

    Returns
    -------
    str
    """
    font = base64.b64encode(Path(__file__).with_name("shipped").joinpath("math.woff").read_bytes()).decode()
    style = css(".deck") + _read("deck.css").replace("MATH_FONT", f"data:font/woff;base64,{font}")
    seen: set[str] = set()
    sections = "\n".join(_section(slide, seen, title, notes) for slide in deck)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title>
<style id="reveal">{_read("shipped/reveal.css")}</style>
<style>{style}</style>
</head>
<body class="deck">
<main><h1>{escape(title)}</h1><div class="reveal"><div class="slides">
{sections}
</div></div></main>
<script>{_read("shipped/reveal.js")}</script>
<script>{_read("shipped/notes.js")}</script>
<script type="module">{_read("deck.js")}</script>
</body>
</html>
"""


@functools.cache
def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


def _section(slide: Slide, seen: set[str], lesson: str, notes: bool) -> str:
    first = slide.kind == "title"
    over = "" if first else f'<p class="over">{escape(slide.over or lesson)}</p>'
    said = f'<aside class="notes">{"".join(slide.notes)}</aside>' if notes and slide.notes else ""
    title = re.sub(
        r"\w+(?:-\w+)+(?![^<]*>)", r'<span class="together">\g<0></span>', html(slide.title, inline=True)
    )
    return (
        f'<section class="{slide.kind}"><div class="frame">{over}<h2>{title}</h2>'
        f'<div class="body">{"".join(_parts(slide, seen))}</div></div>{said}</section>'
    )


def _parts(slide: Slide, seen: set[str]) -> Iterator[str]:
    for part in slide.parts:
        shown = _once(part, seen)
        later = " fragment" if part.kind == "comment" else ""
        if part.kind == "live":
            shown = f'<div class="stage">{shown}</div>'
        yield f'<div class="{part.kind}{later}">{shown}</div>'


def _once(part: Part, seen: set[str]) -> str:
    """A script that the page already has would do nothing; a name in a picture may be given only once."""
    shown = _SCRIPT.sub(lambda m: "" if m[0] in seen else (seen.add(m[0]) or m[0]), part.html)
    shown = re.sub(
        r'<a\b[^>]*\bhref="(?!https?:|#)[^>]*>(.*?)</a>', r"\1", shown
    )  # leads to another notebook
    shown = re.sub(r"<(/?)h4>", r"<\1h3>", shown)  # of a panel: headings here go on from the slide's
    if part.kind == "picture":
        for name in re.findall(r'\bid="([^"]+)"', shown):
            if name in seen:
                other = next(n for k in itertools.count(2) if (n := f"{name}-{k}") not in seen)
                shown, name = shown.replace(name, other), other
            seen.add(name)
    return shown
