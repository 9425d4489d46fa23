"""A finished picture: the SVG text with its colours, its title and its description; displays itself."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from ...checks import encodable
from ...files import whole
from .sheet import FADED, FADED_WORDS, KINDS, LINE, SERIF, TONES, num

if TYPE_CHECKING:
    from .plan import Layout
    from .sheet import Sheet

__all__ = ["Diagram"]

_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # a picture with one is not shown


# Whole pictures


@dataclass(frozen=True)
class Diagram:
    """A picture that displays itself in a notebook, as inline SVG that follows the page's theme.

    Attributes
    ----------
    svg : str
        The picture: a file of its own, or to be put into a page.
    title, desc : str
        Its text alternative, also inside the SVG.
    layout : Layout or None
        Where everything is, for a picture of one open step.
    """

    svg: str
    title: str
    desc: str
    layout: Layout | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        for name in ("svg", "title", "desc"):
            object.__setattr__(self, name, _NO_XML.sub("\ufffd", getattr(self, name)))

    @property
    def html(self) -> str:
        """The picture for a page: the SVG inline, so that it follows the page's theme and is read out.

        In a notebook that nobody has run yet JupyterLab trusts no stored output: it drops inline SVG and its
        styles, and leaves the words. For that case there is an image beside it, which those styles hide, and
        the words left over have no size.
        """
        data = base64.b64encode(self.svg.encode()).decode()
        alt = escape(f"{self.title}. {self.desc}")
        still = f'<img class="lc-diagram-still" alt="{alt}" src="data:image/svg+xml;base64,{data}"/>'
        return f'<div style="font-size:0">{self.svg}{still}</div>'

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html, "image/svg+xml": self.svg, "text/plain": repr(self)}

    def save(self, path: str | Path) -> Path:
        """Write the SVG to a file, whole or not at all, and return its path."""
        return whole.replace(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{self.svg}\n'.encode())

    def __repr__(self) -> str:
        return encodable(f"<Diagram: {self.title}>")


# The file


def css() -> str:
    """Colours as variables: light and dark by the page's theme, else by the reader's wish; light in print."""
    from ..style import HOSTS as _HOSTS
    from ..style import PALETTE

    def values(theme: str) -> str:
        colours = {"paper": PALETTE[theme]["paper"], "ink": PALETTE[theme]["ink"]}
        for k, (fill, edge) in TONES[theme].items():
            colours |= {k: fill, f"{k}-edge": edge}
        return "".join(f"--lcd-{k}:{v};" for k, v in colours.items())

    root = ".lc-diagram"
    rules = [
        f"{root}{{{values('light')}}}",
        f"@media (prefers-color-scheme:dark){{{root}{{{values('dark')}}}}}",
    ]
    rules += [f"{host} {root}{{{values(theme)}}}" for theme, host in _HOSTS.items()]
    rules.append(f"@media print{{svg{root}{root}{root}{{{values('light')}}}}}")
    rules.append(f"{root} .ground{{fill:var(--lcd-paper)}}")
    for kind, tone in KINDS.items():
        width = 1.5 if kind == "module" else 2
        rules.append(
            f"{root} .{kind}{{fill:var(--lcd-{tone});stroke:var(--lcd-{tone}-edge);stroke-width:{width}}}"
        )
    rules.append(f"{root} .w{{fill:none;stroke:var(--lcd-ink);stroke-width:{LINE}}}")
    rules.append(f"{root} .a,{root} text{{fill:var(--lcd-ink)}}")
    rules.append(
        f"{root} text{{font-family:{SERIF}}}{root} .v{{font-style:italic}}{root} .i{{font-size:70%}}"
    )
    rules.append(f"{root} .lines{{opacity:{FADED}}}{root} .words{{opacity:{FADED_WORDS}}}")
    rules.append(".lc-diagram-still{display:none}")
    return "".join(rules)


def finish(sheet: Sheet, title: str, desc: str, plan: Layout | None) -> Diagram:
    """Put the parts together; the ids come from what is drawn."""
    margin = 8
    x, y = sheet.left - margin, sheet.top - margin
    w, h = sheet.right - sheet.left + 2 * margin, sheet.bottom - sheet.top + 2 * margin
    body = "".join(sheet.ground)
    if sheet.faded:
        body += f'<g class="faded"><g class="lines" opacity="{FADED}">{"".join(sheet.faded)}</g>'
        body += f'<g class="words" opacity="{FADED_WORDS}">{"".join(sheet.faded_words)}</g></g>'
    body += "".join(sheet.full)
    key = "lcd-" + hashlib.sha256(f"{title}{desc}{body}".encode()).hexdigest()[:10]
    size = f'width="{num(w)}" height="{num(h)}"'
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="lc-diagram" role="img" {size}',
        f' viewBox="{num(x)} {num(y)} {num(w)} {num(h)}" style="max-width:100%;height:auto"',
        f' aria-labelledby="{key}-title {key}-desc">',
        f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-desc">{escape(desc)}</desc>',
        f"<style>{css()}</style>",
        f'<rect class="ground" fill="#ffffff" x="{num(x)}" y="{num(y)}" {size} rx="6"/>',
        f"{body}</svg>",
    ]
    return Diagram("".join(parts), title, desc, plan)
