"""A laboratory as HTML: a still picture, and the script that brings it to life where scripts may run.

The script is one module, without imports: the cell's arithmetic as `programs.javascript` prints it, the files
beside this one that a laboratory is made of, and what they are about, as data.
"""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from ..programs import javascript
from ..views.diagram.picture import Diagram
from ..views.style import css
from .graphs import holdable, named

__all__ = [
    "ATTENTION",
    "CELL",
    "DILEMMA",
    "DRAWING",
    "IMAGINING",
    "SENTENCE",
    "XRAY",
    "arithmetic",
    "bridge",
    "document",
    "fragment",
    "programs",
    "script",
]

SHARED = ("parts.js", "inputs.js", "store.js", "hand.js", "explain.js", "hold.js", "root.js")
CELL = (*SHARED, "picture.js", "timeline.js", "controls.js", "challenges.js", "lab.js")
DILEMMA = ("parts.js", "inputs.js", "root.js", "dilemma.js")
XRAY = ("parts.js", "inputs.js", "hand.js", "root.js", "xray.js", "chain.js", "unrolled.js")
ATTENTION = ("parts.js", "inputs.js", "weights.js", "text.js", "root.js", "attention.js")
SENTENCE = (
    *(*SHARED, "weights.js", "text.js"),
    *("reading.js", "table.js", "expected.js", "units.js", "sentence.js"),
)
DRAWING = ("parts.js", "inputs.js", "weights.js", "root.js", "drawing.js")
IMAGINING = ("parts.js", "inputs.js", "weights.js", "hand.js", "root.js", "imagining.js")
"""The files of a laboratory, in the order in which they stand in its script."""

PIECE = r"\n\n(?=(?://.*\n)*(?:function|const) )"
DECLARED = r"^(?:function|const) (\w+)"
"""Where a file can be divided, and what stands in a piece for others to call."""


@functools.cache
def _read(name: str) -> str:
    """A file beside this one; a tab for two spaces before a line, since all of it goes into the page."""
    return _tabs(Path(__file__).with_name(name).read_text(encoding="utf-8").strip())


def _tabs(text: str) -> str:
    return re.sub(r"^(?:  )+", lambda spaces: "\t" * (len(spaces[0]) // 2), text, flags=re.M)


@functools.cache
def needed(parts: tuple[str, ...]) -> tuple[str, ...]:
    """Of the files of a laboratory what ``begin`` names, and what that names, in their order."""
    pieces = [piece for name in parts for piece in re.split(PIECE, _read(name))]
    home = {name: piece for piece in pieces for name in re.findall(DECLARED, piece, re.M)}
    kept: set[str] = set()
    todo = [home["begin"]]
    while todo:
        piece = todo.pop()
        if piece not in kept:
            kept.add(piece)
            todo += [home[word] for word in set(re.findall(r"\w+", piece)) & set(home)]
    return tuple(piece for piece in pieces if piece in kept)


def bridge() -> str:
    """The module of the widget that links a page to Python."""
    return _read("bridge.js")


def arithmetic(cell: Any, sizes: Mapping[str, int]) -> str:
    """A constant ``cell`` whose ``run`` gives every value of a step, and holds what is not free."""
    return programs({"run": (holdable(named(cell), watched=True), sizes)})


def programs(cells: Mapping[str, tuple[Any, Mapping[str, int]]], *, gradients: bool | str = False) -> str:
    """A constant ``cell`` that has the program of each cell, by name, as `javascript.modules` prints them."""
    return f"const cell = {_tabs(javascript.modules(cells, gradients=gradients))};"


def script(parts: tuple[str, ...], code: str, spec: Mapping[str, Any], key: str) -> str:
    """The whole module."""
    data = json.dumps(spec, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    texts = [code, *needed(parts), f"begin({json.dumps(key)}, cell, {data});"]
    return "\n\n".join(texts).replace("</", "<\\/").replace("<!--", "<\\!--")


def fragment(parts: tuple[str, ...], drawn: Diagram, code: str, spec: Mapping[str, Any], key: str) -> str:
    """The laboratory for a page."""
    data = base64.b64encode(drawn.svg.encode()).decode()
    alt = escape(f"{drawn.title}. {drawn.desc}")
    return (
        f'<div class="lc-lab" data-key="{key}"><style>{css(".lc-lab")}{_read("lab.css")}</style>'
        f'<img alt="{alt}" style="max-width:100%;height:auto" src="data:image/svg+xml;base64,{data}"/></div>'
        f'<script type="module">\n{script(parts, code, spec, key)}\n</script>'
    )


def document(title: str, body: str) -> str:
    """A page of its own, which needs nothing else."""
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'
        f"<style>:root{{color-scheme:light dark}}body{{margin:12px auto;max-width:1000px}}"
        f"@media (prefers-color-scheme:dark){{body{{background:#111}}}}</style>\n</head>\n"
        f"<body>\n<main>\n{body}\n</main>\n</body>\n</html>\n"
    )
