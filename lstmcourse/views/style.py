"""The style of all that is drawn: colours in light and dark, which of them a name has, matplotlib's settings.

`PALETTE` holds the colours, a light and a dark set under the same names; `css` writes them as CSS variables,
so that diagrams, panels and figures wear the same; `hue` says which of them a quantity has. `figure` gives
empty axes in this style, and `styled` lets a function draw in it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import above_zero, at_least, given, text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["HUES", "PALETTE", "css", "figure", "hue"]


PALETTE: dict[str, dict[str, str]] = {
    "light": {
        "paper": "#ffffff",
        "ink": "#1c2024",
        "muted": "#5b636b",
        "rule": "#d5dade",
        "blue": "#2b4fc8",
        "orange": "#b8401c",
        "green": "#2b9188",
        "purple": "#5a0f6b",
        "ochre": "#b58102",
        "low": "#6d9ee0",
        "high": "#ec9a66",
    },
    "dark": {
        "paper": "#111111",
        "ink": "#e8eaed",
        "muted": "#a4abb3",
        "rule": "#3b4046",
        "blue": "#63b3ff",
        "orange": "#f0905f",
        "green": "#52e5ae",
        "purple": "#c061c6",
        "ochre": "#e0d94a",
        "low": "#2c63ad",
        "high": "#a3501f",
    },
}
"""Colours by theme and name: ``paper`` and ``ink``; ``muted`` text and ``rule`` lines; five hues that stay
apart for colour-blind readers; ``low`` and ``high``, ends of a scale from which ink stands out everywhere."""

# Lines and bars of a figure, by their place: hue, dashes, marker, hatching.
CYCLE = ("blue", "orange", "green", "purple", "ochre", "ink")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)), (0, (9, 2)), (0, (16, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")
HATCHES = ("", "///", "\\\\\\", "--", "xx", "||")

LEVELS = 33  # shades of a heatmap, an odd number so that 0 has its own

HUES: dict[str, str] = {
    "f": "orange",  # forget gate
    "i": "purple",  # input gate
    "g": "green",  # candidate
    "o": "ochre",  # output gate
    "c": "blue",  # cell state
    "h": "ink",  # hidden state
    "x": "muted",  # input
    # gates of other cells, each in the hue of the gate whose place it takes
    "z": "orange",  # of a gated recurrent unit: keeps and writes
    "r": "ochre",  # of a gated recurrent unit: shows
    "d": "purple",  # of a depth-gated cell: lets in from below
    "below": "blue",  # the cell state of the layer below
}
"""Names of colours in `PALETTE`, by the names of a cell's equations. Who labels figures adds the labels."""

# How pages that know their theme say so: JupyterLab and nbconvert, VS Code, Sphinx.
HOSTS = {
    "light": ':is([data-jp-theme-light="true"],.vscode-light,[data-theme="light"])',
    "dark": ':is([data-jp-theme-light="false"],.vscode-dark,[data-theme="dark"])',
}


@given(selector=text, prefix=text)
def css(selector: str = ":root", *, prefix: str = "--lc-") -> str:
    """Return CSS that defines the palette as variables for what `selector` matches, light and dark.

    The theme of JupyterLab, VS Code or Sphinx decides, and where there is none the reader's own preference.

    Parameters
    ----------
    selector : str
        Elements that receive the variables, one simple selector.
    prefix : str
        Put before each name of the palette.

    Returns
    -------
    str
        CSS text without line breaks.

    Examples
    --------
    >>> css(".lc-panel").startswith(".lc-panel{--lc-paper:#ffffff;--lc-ink:#1c2024;")
    True
    """
    sets = {t: "".join(f"{prefix}{k}:{v};" for k, v in colours.items()) for t, colours in PALETTE.items()}
    known = "".join(f"{host} {selector}{{{sets[theme]}}}" for theme, host in HOSTS.items())
    wish = f"@media (prefers-color-scheme:dark){{{selector}{{{sets['dark']}}}}}"
    return f"{selector}{{{sets['light']}}}{wish}{known}"


@given(name=text)
def hue(name: str, default: str | None = None) -> str | None:
    """Return the name of the colour that a quantity or a network has, wherever it is drawn.

    Parameters
    ----------
    name : str
        As a cell calls it, ``"f"``, where a scope before it and a unit's number behind it do not count; or a
        label that `HUES` lists, such as ``"$f_t$"``.
    default : str, optional
        What a name without a colour of its own gets.

    Returns
    -------
    str or None
        A name of `PALETTE`.

    Examples
    --------
    >>> [hue(letter) for letter in "figoch"]
    ['orange', 'purple', 'green', 'ochre', 'blue', 'ink']
    >>> hue("layer1.c"), hue("h[2]"), hue("n"), hue("n", "blue")
    ('blue', 'ink', None, 'blue')
    """
    local = name.rpartition(".")[2].partition("[")[0]
    return HUES.get(name) or HUES.get(local, default)


def settings() -> dict[str, Any]:
    """Return matplotlib's settings for this house."""
    from cycler import cycler

    c = PALETTE["light"]
    return {
        "figure.facecolor": c["paper"],
        "figure.constrained_layout.use": True,
        "savefig.facecolor": c["paper"],
        "axes.facecolor": c["paper"],
        "axes.edgecolor": c["muted"],
        "axes.labelcolor": c["ink"],
        "axes.titlecolor": c["ink"],
        "axes.titlesize": 10.5,
        "axes.titlelocation": "left",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.prop_cycle": cycler(color=[c[h] for h in CYCLE], linestyle=DASHES, marker=MARKERS),
        "grid.color": c["rule"],
        "grid.linewidth": 0.6,
        "text.color": c["ink"],
        "xtick.color": c["muted"],
        "ytick.color": c["muted"],
        "font.family": ["DejaVu Sans"],
        "font.size": 9.5,
        "lines.linewidth": 1.8,
        "lines.markersize": 5,
        "legend.frameon": False,
        "legend.handlelength": 3.2,
        "hatch.linewidth": 0.8,
        "hatch.color": c["paper"],
        "path.simplify_threshold": 0.5,  # of a pixel
        "svg.fonttype": "path",
        "svg.hashsalt": "lstmcourse",
        "svg.image_inline": True,
        "image.composite_image": False,
    }


def styled(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Run a function that draws under the house's settings, whatever the caller's are."""

    @functools.wraps(draw)
    def styled(*args: Any, **kwargs: Any) -> Any:
        import matplotlib

        with matplotlib.rc_context(settings()):
            return draw(*args, **kwargs)

    return styled


@styled
@given(width=above_zero, height=above_zero, rows=at_least(1, 100), columns=at_least(1, 100))
def figure(
    width: float = 6.4, height: float = 3.4, *, rows: int = 1, columns: int = 1, **subplots: Any
) -> tuple[Figure, Any]:
    """Return a new figure and its axes in the house style.

    Parameters
    ----------
    width, height : float
        Size in inches; 96 of the screen's pixels make one.
    rows, columns : int
        How many axes.
    **subplots
        Passed on to `matplotlib.figure.Figure.subplots`, such as ``sharey=True``.

    Returns
    -------
    (Figure, Axes or ndarray of Axes)
        The figure is not known to pyplot, so it is shown once, by `show`.

    Examples
    --------
    >>> fig, axes = figure(8, 3, columns=2)
    >>> axes.shape
    (2,)
    """
    from matplotlib.figure import Figure

    fig = Figure(figsize=(width, height))
    return fig, fig.subplots(rows, columns, **subplots)


def ramp(theme: str) -> np.ndarray:
    """Return the shades (levels, 3) as bytes, from low through the paper to high."""
    low, paper, high = (np.array(_rgb(PALETTE[theme][name]), float) for name in ("low", "paper", "high"))
    share = np.linspace(-1, 1, LEVELS)[:, None]
    mixed = paper + np.where(share < 0, -share * (low - paper), share * (high - paper))
    return np.rint(mixed).astype(np.uint8)


def _rgb(colour: str) -> tuple[int, int, int]:
    """Return the three bytes of ``#rrggbb``."""
    return tuple(int(colour[k : k + 2], 16) for k in (1, 3, 5))


def shades(values: np.ndarray) -> np.ndarray:
    """Return the shade of each value of [-1, 1], in the light theme: (R, C) -> (R, C, 3) bytes."""
    level = np.rint((np.clip(values, -1, 1) + 1) / 2 * (LEVELS - 1)).astype(int)
    return ramp("light")[level]
