"""From figure to page: `picture` makes a figure ready for light and dark pages, `show` displays it.

One picture serves both themes: an SVG inside ``<img alt="...">`` whose colours are CSS variables that change
with the colour scheme of the page, on a ground of its own, so that it stays legible where the scheme is
unknown. A PNG would need two renderings of twice the size; inline SVG would mix its names with the page's.
"""

from __future__ import annotations

import base64
import html
import io
import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from ..checks import given, text
from .given import a_figure
from .style import HOSTS, PALETTE, ramp, settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Picture", "picture", "show"]


@dataclass(frozen=True)
class Picture:
    """A figure made ready for the page, with its text alternative; displays itself.

    Its text is the same on every machine; the drawing follows the versions of matplotlib and its fonts.
    """

    alt: str
    svg: str = field(repr=False)
    width: int = 0
    height: int = 0

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"

    def _repr_html_(self) -> str:
        data = base64.b64encode(self.svg.encode()).decode()
        schemes = "".join(f"{host} .lc-picture img{{color-scheme:{t}}}" for t, host in HOSTS.items())
        alt = html.escape(self.alt, quote=True)
        return (
            f'<div class="lc-picture"><style>{schemes}</style><img alt="{alt}" width="{self.width}" '
            f'height="{self.height}" style="max-width:100%;height:auto" '
            f'src="data:image/svg+xml;base64,{data}"></div>'
        )


@given(fig=a_figure, alt=text)
def picture(fig: Figure, *, alt: str) -> Picture:
    """Return a figure as a `Picture` for light and dark pages.

    Parameters
    ----------
    fig : Figure
        Made by the verbs of this module or by matplotlib itself. Colours of the palette follow the theme, and
        so does black; others stay.
    alt : str
        What the figure shows, for those who do not see it: kind of figure, axes, and the finding. No measured
        digits, because this text is compared when notebooks are verified.

    Returns
    -------
    Picture

    Raises
    ------
    ValueError
        The text alternative is empty.
    TypeError
        What is given is not a figure.

    Examples
    --------
    >>> from lstmcourse.views.plots import lines
    >>> picture(lines([3, 2, 1]), alt="The loss falls.")
    Figure: The loss falls.
    """
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt is {alt!r}: say in a sentence what the figure shows")
    if not hasattr(fig, "savefig"):
        raise TypeError(f"fig is {type(fig).__name__}, not a matplotlib figure: give what lines(...) returns")
    import matplotlib

    buffer = io.StringIO()
    nothing = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with matplotlib.rc_context(settings()):
        fig.savefig(buffer, format="svg", metadata=nothing)
    if "matplotlib.pyplot" in sys.modules:  # a figure made by pyplot would be shown a second time
        sys.modules["matplotlib.pyplot"].close(fig)
    width, height = (round(96 * inches) for inches in fig.get_size_inches())
    return Picture(" ".join(alt.split()), _themed(_compact(buffer.getvalue())), width, height)


@given(fig=a_figure, alt=text)
def show(fig: Figure, *, alt: str) -> None:
    """Display a figure with its text alternative, legible in light and dark.

    Parameters
    ----------
    fig : Figure
        As for `picture`.
    alt : str
        As for `picture`.

    Raises
    ------
    ValueError, TypeError
        As for `picture`.

    Examples
    --------
    >>> from lstmcourse.views.plots import lines
    >>> show(lines([3, 2, 1]), alt="The loss falls.")
    Figure: The loss falls.
    """
    ready = picture(fig, alt=alt)
    if "IPython" in sys.modules:
        from IPython import get_ipython
        from IPython.display import display

        if getattr(get_ipython(), "kernel", None) is not None:
            display(ready)
            return
    print(ready)


def _compact(svg: str) -> str:
    """Return the drawing without prolog, comments, needless digits and names: half the size, same look."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<!--.*?-->|<metadata>.*?</metadata>", "", svg, flags=re.S)
    svg = re.sub(r'(?<= )(d|x|y)="([^"]*)"', lambda m: f'{m[1]}="{_short_path(m[2])}"', svg)
    svg = re.sub(r' style="[^"]*"', lambda m: m[0].replace(": ", ":").replace("; ", ";"), svg)
    used = set(re.findall(r"#([\w-]+)", svg))
    svg = re.sub(r' id="([^"]*)"', lambda m: m[0] if m[1] in used else "", svg)
    return re.sub(r"\s*\n\s*", " ", svg).replace("> <", "><").strip()


def _short_path(path: str) -> str:
    """Return the text of a path with tenths of a point, and a letter only where the kind of stroke changes.

    >>> _short_path("M 0.123 4 L 1.5 2.04 L 3 4 C 1 2 3 4 5 6 L 7 8 z")
    'M0.1 4 1.5 2 3 4C1 2 3 4 5 6L7 8z'
    """
    out, last = "", ""
    for token in path.split():
        if token.isalpha():
            if not (token == "L" and last in ("M", "L")):
                out += token
            last = token
        else:
            number = f"{float(token):.1f}".removesuffix(".0")
            out += (" " if out and not out[-1].isalpha() else "") + ("0" if number == "-0" else number)
    return out


def _themed(svg: str) -> str:
    """Return the drawing with the palette's colours as variables, and shaded cells in two sets of shades."""
    names = {colour: f"var(--lc-{name})" for name, colour in PALETTE["light"].items()}
    names["#000000"] = "var(--lc-ink)"  # where it is drawn; what is filled with it names no colour at all
    svg = re.sub(r"#[0-9a-f]{6}\b", lambda m: names.get(m[0], m[0]), svg)
    svg = re.sub(r"<image [^>]*>", _two_images, svg)
    sets = {t: "".join(f"--lc-{k}:{v};" for k, v in colours.items()) for t, colours in PALETTE.items()}
    style = (
        f"svg{{{sets['light']}fill:var(--lc-ink)}}.lc-dark{{display:none}}@media (prefers-color-scheme:dark)"
        f"{{svg{{{sets['dark']}}}.lc-light{{display:none}}.lc-dark{{display:inline}}}}"
    )
    opening = svg.index(">") + 1
    return f"{svg[:opening]}<style>{style}</style>{svg[opening:]}"


def _two_images(match: re.Match) -> str:
    """Give an embedded image of shades a twin in the dark theme's shades; leave any other image as it is."""
    from PIL import Image

    tag = match[0]
    data = re.search(r"data:image/png;base64,([^\"]*)", tag)
    if data is None:
        return tag
    with Image.open(io.BytesIO(base64.b64decode(data[1]))) as stored:
        pixels = np.asarray(stored.convert("RGB"))
    level = {tuple(shade): k for k, shade in enumerate(ramp("light").tolist())}
    flat = [level.get(tuple(p)) for p in pixels.reshape(-1, 3).tolist()]
    if None in flat:
        return tag
    tags = []
    for theme in PALETTE:
        image = Image.fromarray(np.array(flat, dtype=np.uint8).reshape(pixels.shape[:2]), mode="P")
        image.putpalette(ramp(theme).tobytes())
        buffer = io.BytesIO()
        image.save(buffer, format="PNG", optimize=True)
        twin = tag.replace(data[1], base64.b64encode(buffer.getvalue()).decode())
        tags.append(twin.replace("<image ", f'<image class="lc-{theme}" '))
    return "".join(tags)
