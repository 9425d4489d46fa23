"""Draw figures in one style that reads in light and dark, in print, and without colour.

Five verbs make a matplotlib figure: `lines`, `bands` (a median with its range), `heatmap` (states step by
step), `by_word` (a unit along a sentence) and `bars`; `figure` gives empty axes in the same style.
``show(fig, alt="...")`` displays a figure with its text alternative. `PALETTE` holds the colours, a light and
a dark set under the same names, and `css` writes them as CSS variables, so that diagrams and panels wear the
same colours. `hue` says which of them a quantity or a network has, in every figure.

One picture serves both themes: an SVG inside ``<img alt="...">`` whose colours are CSS variables that change
with the colour scheme of the page, on a ground of its own, so that it stays legible where the scheme is
unknown. A PNG would need two renderings of twice the size; inline SVG would mix its names with the page's.
"""

from __future__ import annotations

import base64
import functools
import html
import io
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from .hues import HUES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "PALETTE",
    "Picture",
    "bands",
    "bars",
    "bars_over_seeds",
    "by_word",
    "css",
    "figure",
    "heatmap",
    "hue",
    "lines",
    "over_seeds",
    "picture",
    "show",
]

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

_HUES = ("blue", "orange", "green", "purple", "ochre", "ink")
_DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)), (0, (9, 2)), (0, (16, 1)))
_MARKERS = ("o", "s", "^", "D", "v", "P")
_HATCHES = ("", "///", "\\\\\\", "--", "xx", "||")
_LEVELS = 33  # shades of a heatmap, an odd number so that 0 has its own

# What has a hue of its own beside the letters of cells (`hues.HUES`), by the labels of figures; whatever
# else takes the hues that are left.
_LABELS = {
    "blue": (
        *("C", "$C_t$", "cell state", "cell state $C_t$", "stored"),
        *("rnn", "plain", "plain network", "plain tanh network", "plain stack", "recurrent"),
        *("σ = 1", "start at σ = 1", "tanh, σ = 1", "σ = 1, untrained"),
        *("number", "verb", "trained", "as trained"),
    ),
    "orange": (
        *("$f_t$", "$1 - f_t$", "forget gate", "kept"),
        *("lstm", "LSTM", "with forget gate"),
        *("σ = 1.2", "start at σ = 1.2", "tanh, σ = 1.2"),
        *("LSTM, forget bias 0", "$b_f$ = 0", "gender", "untrained"),
    ),
    "green": (
        *(r"$\tilde{C}_t$", "candidate", "entered"),
        *("lstm_f", "f held at 1", "gru", "GRU", "coupled", "coupled gates", "trained with coupled gates"),
        *("clockwork", "with depth gates"),
        *("relu, from the identity", "LSTM, forget bias 1", "$b_f$ = 1", "$b_f$ = 1, all ways"),
    ),
    "purple": (
        *("$i_t$", "input gate"),
        *("lstm_1997", "1997", "coupling imposed on it"),
        *("LSTM, forget bias 5", "$b_f$ = 5", "$b_f$ = 5, all ways"),
    ),
    "ochre": ("$o_t$", "output gate", "guessing", "$b_f$ = 2"),
    "ink": ("$h_t$", "hidden state", "hidden state $h_t$", "shown", "wave"),
}

# How far a row of `by_word` can go, by its label: gates, and what a tanh has squeezed.
_REACH = dict.fromkeys(("f", "i", "o", "$f_t$", "$i_t$", "$o_t$", "$1 - f_t$"), (0.0, 1.0))
_REACH |= dict.fromkeys(("g", "h", r"$\tilde{C}_t$", "$h_t$"), (-1.0, 1.0))

# How pages that know their theme say so: JupyterLab and nbconvert, VS Code, Sphinx.
_HOSTS = {
    "light": ':is([data-jp-theme-light="true"],.vscode-light,[data-theme="light"])',
    "dark": ':is([data-jp-theme-light="false"],.vscode-dark,[data-theme="dark"])',
}


# Colours and style


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
    known = "".join(f"{host} {selector}{{{sets[theme]}}}" for theme, host in _HOSTS.items())
    wish = f"@media (prefers-color-scheme:dark){{{selector}{{{sets['dark']}}}}}"
    return f"{selector}{{{sets['light']}}}{wish}{known}"


def hue(name: str) -> str | None:
    """Return the name of the colour that a quantity or a network has, whatever else is in the figure.

    Parameters
    ----------
    name : str
        A letter of the cell, ``"f"``, or a label of the course's figures, ``"$f_t$"`` or ``"plain network"``.

    Returns
    -------
    str or None
        A name of `PALETTE`, or None where the name has no colour of its own.

    Examples
    --------
    >>> [hue(letter) for letter in "figoch"]
    ['orange', 'purple', 'green', 'ochre', 'blue', 'ink']
    >>> hue("LSTM"), hue("something else")
    ('orange', None)
    """
    if HUES.get(name) in _HUES:  # the input's is for panels: muted, it is not told from the axes
        return HUES[name]
    return next((colour for colour, labels in _LABELS.items() if name in labels), None)


def _rc() -> dict[str, Any]:
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
        "axes.prop_cycle": cycler(color=[c[h] for h in _HUES], linestyle=_DASHES, marker=_MARKERS),
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


def _house(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Run a function that draws under the house's settings, whatever the caller's are."""

    @functools.wraps(draw)
    def styled(*args: Any, **kwargs: Any) -> Any:
        import matplotlib

        with matplotlib.rc_context(_rc()):
            return draw(*args, **kwargs)

    return styled


@_house
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


# Verbs


@_house
def lines(
    series: Mapping[str, Any] | Any,
    x: Any = None,
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    reference: Mapping[str, float] | None = None,
    log: str = "",
    ylim: tuple[float | None, float | None] | None = None,
    legend: str = "best",
    like: Mapping[str, str] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """Draw one line for each series, told apart by colour, dashes and marker.

    Parameters
    ----------
    series : mapping of str to array (N,) or to a pair of arrays, or array (N,)
        Values by label. A pair ``(x, y)`` has its own positions. An array alone is one line without a label.
    x : array (N,), optional
        Positions for the series that bring none; 0, 1, 2, ... if not given.
    xlabel, ylabel, title : str
        Texts.
    reference : mapping of str to float, optional
        Named horizontal lines, such as ``{"chance": 0.5}``.
    log : {"", "x", "y", "xy"}
        Axes with a logarithmic scale.
    ylim : (float or None, float or None), optional
        Range of the vertical axis.
    legend : {"best", "above"}
        Where the labels stand: among the lines, or in a row above the axes.
    like : mapping of str to str, optional
        Series that go with another one, such as a bound with what it bounds: the same colour, thinner.
    ax : Axes, optional
        Where to draw; a new figure if not given.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        A series and its positions differ in length, `like` names what is not there, or there is nothing to
        draw.

    Examples
    --------
    >>> fig = lines({"loss": [2.0, 1.0, 0.7]}, xlabel="step", reference={"chance": 1.5})
    >>> len(fig.axes[0].lines)
    2
    """
    series = series if isinstance(series, Mapping) else {"": series}
    if not series:
        raise ValueError("series is empty: give at least one line")
    ax = _axes(ax)
    at = None
    for k, (label, y) in zip(_places(list(series), like), series.items(), strict=True):
        at = x
        if isinstance(y, tuple) and len(y) == 2 and np.ndim(y[0]) == 1:
            at, y = y
        y = _vector(y, f"series {label!r}")
        at = np.arange(len(y)) if at is None else _vector(at, f"positions of {label!r}", len(y))
        ax.plot(at, y, label=label or None, **_look(k, len(y)))
    return _finish(ax, xlabel, ylabel, title, reference, log, ylim, at, legend)


@_house
def bands(
    x: Any,
    median: Any,
    low: Any,
    high: Any,
    *,
    labels: Sequence[str] | None = None,
    reference: Mapping[str, float] | None = None,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    log: str = "",
    ylim: tuple[float | None, float | None] | None = None,
    legend: str = "best",
    note: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw medians as lines, each in a band from low to high: success against gap over several seeds.

    Parameters
    ----------
    x : array (N,)
        Positions.
    median, low, high : array (N,) or (K, N)
        One row for each of K conditions.
    labels : sequence of K str, optional
        Names of the conditions; needed where K > 1.
    reference : mapping of str to float, optional
        Named horizontal lines, such as ``{"chance": 0.5}``.
    note : str
        What lines and bands are, in small print below the axes.
    xlabel, ylabel, title, log, ylim, legend, ax
        As for `lines`.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        Shapes differ, labels are missing, or a median lies outside its band.

    Examples
    --------
    >>> fig = bands([1, 2, 4], [1.0, 0.9, 0.5], [0.9, 0.5, 0.4], [1.0, 1.0, 0.6], reference={"chance": 0.5})
    >>> len(fig.axes[0].collections)
    1
    """
    x = _vector(x, "x")
    rows = {}
    for name, value in (("median", median), ("low", low), ("high", high)):
        rows[name] = np.atleast_2d(np.asarray(value, dtype=np.float64))
        if rows[name].ndim != 2 or rows[name].shape[1] != len(x) or rows[name].shape != rows["median"].shape:
            raise ValueError(
                f"{name} has shape {np.shape(value)} where x has {x.shape} and median {np.shape(median)}: "
                "give one number for each position, in one row for each condition"
            )
    count = len(rows["median"])
    if labels is None:
        labels = [""] * count
    if len(labels) != count or (count > 1 and not all(labels)):
        raise ValueError(f"labels is {list(labels)} for {count} conditions: name each of them")
    if np.any(rows["low"] > rows["median"]) or np.any(rows["median"] > rows["high"]):
        raise ValueError("a median lies outside its band: low <= median <= high has to hold everywhere")
    ax = _axes(ax)
    for row, (place, label) in enumerate(zip(_places(labels), labels, strict=True)):
        look = _look(place, len(x))
        edge = {"edgecolor": (look["color"], 0.75), "linewidth": 0.8, "linestyle": look["linestyle"]}
        ax.fill_between(
            x, rows["low"][row], rows["high"][row], facecolor=(look["color"], 0.13), zorder=1.2, **edge
        )
        ax.plot(x, rows["median"][row], label=label or None, **look)
    return _finish(ax, xlabel, ylabel, title, reference, log, ylim, x, legend, note)


def over_seeds(x: Any, values: Mapping[str, Any], **more: Any) -> Figure:
    """Draw, for each label, the median over seeds in a band from the lowest to the highest, and say so.

    Parameters
    ----------
    x : array (N,)
        Positions.
    values : mapping of str to array (N, S)
        For each label one row for each position, one column for each seed.
    **more
        As for `bands`: reference, xlabel, ylabel, title, log, ylim, legend, note, ax.

    Returns
    -------
    Figure

    Examples
    --------
    >>> fig = over_seeds([1, 2], {"ours": [[0.9, 1.0], [0.4, 0.6]]}, reference={"chance": 0.5})
    >>> fig.axes[0].lines[0].get_ydata().tolist()
    [0.95, 0.5]
    """
    table = np.array([np.asarray(v, dtype=np.float64) for v in values.values()])
    if table.ndim != 3:
        raise ValueError(
            f"values has arrays of shapes {[np.shape(v) for v in values.values()]}: give (N, S) for each"
        )
    median, low, high = np.median(table, axis=2), table.min(axis=2), table.max(axis=2)
    note = f"lines: median of {table.shape[2]} seeds, bands: lowest to highest"
    return bands(x, median, low, high, labels=list(values), **{"note": note} | more)


@_house
def heatmap(
    matrix: Any,
    rows: Sequence[object] | None = None,
    columns: Sequence[object] | None = None,
    *,
    limit: float | None = None,
    numbers: bool | None = None,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw a matrix as cells, such as the states of a network step by step.

    The shade runs from -limit (blue) through the paper's colour at 0 to limit (orange); where nothing is
    negative, from 0. So that colour is not alone, a small matrix shows its numbers, and in a large one a dash
    marks each negative cell.

    Parameters
    ----------
    matrix : array (R, C)
        One value for each cell; what is not finite is left empty and crossed out.
    rows, columns : sequence of R and of C objects, optional
        Names along the two sides.
    limit : float, optional
        The value of the full shade; the greatest absolute value if not given.
    numbers : bool, optional
        Whether to write the values; if not given, where there are at most 120 cells.
    xlabel, ylabel, title, ax
        As for `lines`.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        The matrix is not two-dimensional or is empty, a side has the wrong number of names, or limit is not
        positive.

    Examples
    --------
    >>> fig = heatmap([[0.0, 0.5], [-1.0, 1.0]], rows=["h1", "h2"], columns=["the", "clouds"])
    >>> [t.get_text() for t in fig.axes[0].texts]
    ['0', '0.5', '−1', '1']
    """
    m = np.asarray(matrix, dtype=np.float64)
    if m.ndim != 2 or m.size == 0:
        raise ValueError(f"the matrix has shape {m.shape}: give rows and columns, at least one of each")
    for name, given, size in (("rows", rows, m.shape[0]), ("columns", columns, m.shape[1])):
        if given is not None and len(given) != size:
            raise ValueError(f"{name} names {len(given)}, but the matrix of shape {m.shape} has {size}")
    finite = np.isfinite(m)
    if limit is None:
        limit = float(np.abs(m[finite]).max(initial=0.0)) or 1.0
    if not limit > 0:
        raise ValueError(f"limit is {limit}: give the positive value that has the full shade")
    numbers = m.size <= 120 if numbers is None else numbers
    if ax is None:
        _, ax = figure(min(7.6, 1.6 + 0.42 * m.shape[1]), min(6.0, 1.1 + 0.32 * m.shape[0]))
    ax.imshow(_shades(np.where(finite, m, 0.0) / limit), interpolation="none", aspect="auto")
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    _name_side(ax.xaxis, columns, m.shape[1], longest=4)
    _name_side(ax.yaxis, rows, m.shape[0], longest=99)
    ink = PALETTE["light"]["ink"]
    if numbers:
        for (r, c), value in np.ndenumerate(m):
            if finite[r, c]:
                ax.text(c, r, _short(value), ha="center", va="center", color=ink, fontsize=8.5)
    else:
        _marks(ax, np.argwhere(finite & (m < -limit / _LEVELS)), ((-0.22, 0), (0.22, 0)))
    _marks(ax, np.argwhere(~finite), ((-0.3, -0.3), (0.3, 0.3)), ((-0.3, 0.3), (0.3, -0.3)))
    _scale(ax, limit, two_sided=bool(np.any(m[finite] < 0)))
    return _finish(ax, xlabel, ylabel, title, None, "", None)


@_house
def by_word(
    words: Sequence[str],
    series: Mapping[str, Any],
    *,
    marks: Mapping[str, Sequence[int]] | None = None,
    title: str = "",
) -> Figure:
    """Draw numbers along a sentence: a row for each series, a bar up or down at each word.

    Parameters
    ----------
    words : sequence of T str
        What is read, step by step.
    series : mapping of str to array (T,)
        Values by label, from top to bottom. Gates have a scale from 0 to 1, the candidate and h one from -1
        to 1. All others share one scale, so that they can be compared; it starts at 0 where none is negative.
    marks : mapping of str to sequence of int, optional
        Words to stand out, by what they are: ``{"subject": [1, 15]}``. Their columns are shaded and named.
    title : str
        Above the figure.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        A series does not have one number for each word, a mark lies outside, or there is nothing to draw.

    Examples
    --------
    >>> unit = {"f": [0.9, 0.1, 1.0], "C": [0.0, 1.5, 1.4]}
    >>> fig = by_word(["the", "queen", "is"], unit, marks={"subject": [1]})
    >>> [ax.get_ylabel() for ax in fig.axes]
    ['f', 'C']
    """
    if not series or not len(words):
        raise ValueError(f"{len(words)} words and {len(series)} series: give at least one of each")
    at = np.arange(len(words))
    for name, places in (marks or {}).items():
        if any(not 0 <= place < len(words) for place in places):
            raise ValueError(
                f"marks {name!r} are {list(places)}: the words are counted 0 to {len(words) - 1}"
            )
    fig, axes = figure(
        min(9.6, 1.5 + 0.3 * len(words)),
        0.75 + 0.85 * len(series),
        rows=len(series),
        sharex=True,
        squeeze=False,
    )
    light = PALETTE["light"]
    rows = {label: _vector(values, f"series {label!r}", len(words)) for label, values in series.items()}
    shared = _shared_reach([values for label, values in rows.items() if label not in _REACH])
    for k, ax, (label, values) in zip(_places(list(rows)), axes[:, 0], rows.items(), strict=True):
        low, high = _REACH.get(label, shared)
        colour, hatch = light[_HUES[k % len(_HUES)]], _HATCHES[k % len(_HATCHES)]
        ax.bar(at, values, 0.72, color=colour, hatch=hatch, linewidth=0)
        ax.axhline(0, color=light["muted"], linewidth=0.8, linestyle="-", marker="")
        ax.set_ylim(low, high)
        ticks = [low, 0.0 if low else high / 2, high]
        ax.set_yticks(ticks, [_short(tick) for tick in ticks])
        ax.set_ylabel(label, rotation=0, ha="right", va="center")
        ax.grid(False, axis="x")
        for place in {place for places in (marks or {}).values() for place in places}:
            ax.axvspan(place - 0.5, place + 0.5, color=light["rule"], alpha=0.55, linewidth=0, zorder=0)
    top = axes[0, 0]
    for name, places in (marks or {}).items():
        for place in places:
            top.annotate(
                name,
                (place, 1),
                xytext=(0, 4),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                fontsize=8,
                color=light["muted"],
            )
    top.set_title(title, pad=16 if marks and title else 6)
    bottom = axes[-1, 0]
    bottom.set_xlim(-0.6, len(words) - 0.4)
    bottom.set_xticks(at, words, rotation=60, ha="right", rotation_mode="anchor")
    bottom.tick_params(axis="x", length=0)
    return fig


@_house
def bars(
    values: Mapping[str, Any],
    *,
    ranges: Mapping[str, Any] | None = None,
    reference: Mapping[str, float] | None = None,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    ylim: tuple[float | None, float | None] | None = None,
    legend: str = "best",
    note: str = "",
    ax: Axes | None = None,
) -> Figure:
    """Draw values as bars, one by one or in groups; groups are told apart by colour and hatching.

    Parameters
    ----------
    values : mapping of str to float, or of str to such a mapping
        One bar for each label; of a mapping of mappings, one colour for each outer label and one place for
        each inner label.
    ranges : mapping like `values`, of pairs (low, high), optional
        The range to draw over each bar, or None for no range.
    reference : mapping of str to float, optional
        Named horizontal lines.
    note : str
        What bars and lines over them are, in small print below the axes.
    xlabel, ylabel, title, ylim, legend, ax
        As for `lines`.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        There is nothing to draw, or the groups, or the ranges, have other labels.

    Examples
    --------
    >>> fig = bars({"frame by frame": 0.5, "with a state": 1.0}, reference={"chance": 0.5})
    >>> len(fig.axes[0].patches)
    2
    """
    if not values:
        raise ValueError("values is empty: give at least one bar")
    grouped = isinstance(next(iter(values.values())), Mapping)
    groups = dict(values) if grouped else {"": values}
    spans = (dict(ranges) if grouped else {"": ranges}) if ranges is not None else {}
    places = list(next(iter(groups.values())))
    for name, group in groups.items():
        for what, labels in (("values", group), ("ranges", spans.get(name, group))):
            if list(labels) != places:
                raise ValueError(f"{what} {name!r} has the labels {list(labels)}, not {places}")
    ax = _axes(ax)
    width = 0.8 / len(groups)
    for position, (k, (name, group)) in enumerate(zip(_places(list(groups)), groups.items(), strict=True)):
        at = np.arange(len(places)) + (position - (len(groups) - 1) / 2) * width
        colour = PALETTE["light"][_HUES[k % len(_HUES)]]
        hatch = _HATCHES[k % len(_HATCHES)]
        ax.bar(at, list(group.values()), 0.86 * width, color=colour, hatch=hatch, label=name or None)
        for where, span in zip(at, spans.get(name, {}).values(), strict=False):
            if span is not None:
                _whisker(ax, where, *span, cap=min(0.05, 0.2 * width))
    ax.grid(False, axis="x")
    ax.set_xticks(range(len(places)), places)
    if grouped and ylim is None and legend == "best":  # room for the legend above the bars
        ax.margins(y=0.28)
    return _finish(ax, xlabel, ylabel, title, reference, "", ylim, legend=legend, note=note)


def bars_over_seeds(values: Mapping[str, Any], **more: Any) -> Figure:
    """Draw medians over seeds as bars, with lines from the lowest to the highest, and say so.

    Parameters
    ----------
    values : mapping of str to array (S,), or of str to such a mapping
        One number for each seed; grouped as for `bars`. A single number is a bar without a line.
    **more
        As for `bars`: reference, xlabel, ylabel, title, ylim, legend, note, ax.

    Returns
    -------
    Figure

    Examples
    --------
    >>> fig = bars_over_seeds({"ours": [0.9, 1.0, 0.8], "theirs": [0.5, 0.7, 0.6]})
    >>> [round(float(bar.get_height()), 2) for bar in fig.axes[0].patches]
    [0.9, 0.6]
    """

    def each(what: Any, measure: Callable[[np.ndarray], Any]) -> Any:
        if isinstance(what, Mapping):
            return {label: each(inner, measure) for label, inner in what.items()}
        return measure(_vector(what, "the values over seeds"))

    seeds = {0}
    each(values, lambda v: seeds.add(len(v)))
    medians = each(values, lambda v: float(np.median(v)))
    ranges = each(values, lambda v: (float(v.min()), float(v.max())) if len(v) > 1 else None)
    note = f"bars: median of {max(seeds)} seeds, lines: lowest to highest"
    return bars(medians, ranges=ranges, **{"note": note} | more)


# Parts of figures


def _axes(ax: Axes | None) -> Axes:
    """Return the given axes, or those of a new figure."""
    return figure()[1] if ax is None else ax


def _vector(value: Any, what: str, length: int | None = None) -> np.ndarray:
    """Return float64 values (N,), or say what is wrong with them."""
    v = np.asarray(value, dtype=np.float64)
    if v.ndim != 1 or v.size == 0 or (length is not None and len(v) != length):
        wanted = "one row of at least one number" if length is None else f"{length} numbers in one row"
        raise ValueError(f"{what}: shape {v.shape} where {wanted} is wanted")
    return v


def _places(labels: Sequence[str], like: Mapping[str, str] | None = None) -> list[int]:
    """Return each label's place among hues: its own where it has one, else the first that is free.

    >>> _places(["a", "$C_t$", "b", "bound"], {"bound": "b"})
    [1, 0, 2, 8]
    """
    like = like or {}
    strange = [name for pair in like.items() for name in pair if name not in labels]
    if strange:
        raise ValueError(f"like names {strange}: the labels are {list(labels)}")
    found: dict[int, int] = {}
    for k, label in enumerate(labels):
        own = hue(label)
        if own is not None and label not in like and _HUES.index(own) not in found.values():
            found[k] = _HUES.index(own)
    for k, label in enumerate(labels):
        if k not in found and label not in like:
            found[k] = next(n for n in range(len(labels) + len(_HUES)) if n not in found.values())
    for label, other in like.items():
        found[list(labels).index(label)] = found[list(labels).index(other)] + len(_HUES)
    return [found[k] for k in range(len(labels))]


def _look(k: int, count: int) -> dict[str, Any]:
    """Return colour, dashes and marker of a figure's k-th line; about a dozen markers at most."""
    again, which = divmod(k, len(_HUES))
    dash = _DASHES[(k + again) % len(_DASHES)]  # a second round of hues has other dashes
    every = max(1, count // 12)
    look = {
        "color": PALETTE["light"][_HUES[which]],
        "linestyle": dash,
        "marker": _MARKERS[(k + again) % len(_MARKERS)],
        "markevery": (k * every // 3 % every, every),
    }
    return look if again == 0 else look | {"linewidth": 1.1, "markerfacecolor": PALETTE["light"]["paper"]}


def _shared_reach(rows: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the ends of a scale for all rows: a round number, and its negative or 0.

    >>> _shared_reach([np.array([-0.1, 0.14]), np.array([5.19])]), _shared_reach([np.array([0, 1.3])])
    ((-6.0, 6.0), (0.0, 1.5))
    """
    most = max((float(np.abs(row).max()) for row in rows), default=0.0) or 1.0
    power = 10.0 ** np.floor(np.log10(most))
    high = next(float(step * power) for step in (1, 1.5, 2, 3, 4, 6, 8, 10) if step * power >= most)
    return (-high if any(row.min() < 0 for row in rows) else 0.0), high


def _halo(width: float) -> list[Any]:
    """Return what puts the paper's colour behind a line, so that it stands out from bars in either theme."""
    from matplotlib.patheffects import Normal, Stroke

    whole = {"dash_offset": 0, "dash_list": None}
    return [Stroke(linewidth=width, foreground=PALETTE["light"]["paper"], dashes=whole), Normal()]


def _whisker(ax: Axes, at: float, low: float, high: float, cap: float) -> None:
    """Draw a range as one line with a short stroke at each end."""
    x = [at - cap, at + cap, at, at, at - cap, at + cap]
    look = {"color": PALETTE["light"]["ink"], "linewidth": 1.6, "linestyle": "-", "marker": ""}
    ax.plot(x, [low] * 3 + [high] * 3, **look, clip_on=False, zorder=2.5, path_effects=_halo(3.8))


def _finish(
    ax: Axes,
    xlabel: str,
    ylabel: str,
    title: str,
    reference: Mapping[str, float] | None,
    log: str,
    ylim: tuple[float | None, float | None] | None,
    positions: np.ndarray | None = None,
    legend: str = "best",
    note: str = "",
) -> Figure:
    """Add texts, reference lines, scales and a legend where one is needed."""
    if log not in ("", "x", "y", "xy"):
        raise ValueError(f'log is {log!r}: give "", "x", "y" or "xy"')
    if legend not in ("best", "above"):
        raise ValueError(f'legend is {legend!r}: give "best" or "above"')
    if "x" in log:
        ax.set_xscale("log")
        if positions is not None and len(positions) <= 10:  # 1, 2, 4, 8 rather than powers of ten
            ax.set_xticks(positions, [f"{p:g}" for p in positions])
            ax.minorticks_off()
    elif positions is not None and np.all(positions == np.rint(positions)):
        ax.xaxis.get_major_locator().set_params(integer=True)  # no 2.5th step
    if "y" in log:
        ax.set_yscale("log")
    muted = PALETTE["light"]["muted"]
    for name, level in (reference or {}).items():
        dots = {"linestyle": (0, (1, 1.6)), "linewidth": 1.6, "marker": "", "zorder": 1.5}
        ax.axhline(level, color=PALETTE["light"]["ink"], path_effects=_halo(2.6), **dots)
        place = {"xy": (1, level), "xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        ax.annotate(name, xytext=(4, 0), ha="left", va="center", color=muted, fontsize=8.5, **place)
    if ylim is not None:
        ax.set_ylim(*ylim)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if note:
        ax.figure.supxlabel(note, x=0.995, ha="right", fontsize=8, color=muted)
    names = ax.get_legend_handles_labels()[1]
    if names and legend == "above":
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=min(len(names), 4), borderaxespad=0.2)
    elif names:
        ax.legend(loc="best")
    return ax.figure


def _short(value: float) -> str:
    """Return at most three signs of a number, with a true minus and no superfluous zeros."""
    text = f"{value:.2f}" if abs(value) < 1 else f"{value:.1f}" if abs(value) < 10 else f"{value:.0f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−") if text != "-0" else "0"


def _name_side(axis: Any, names: Sequence[object] | None, size: int, longest: int) -> None:
    """Put names beside cells, turned where they are long, and thinned out where there are many."""
    axis.set_tick_params(length=0)
    if names is None:
        step = max(1, -(-size // 16))
        axis.set_ticks(range(0, size, step), [str(k) for k in range(0, size, step)])
        return
    texts = [str(name) for name in names]
    step = max(1, -(-size // 48))
    turned = {"rotation": 50, "ha": "right", "rotation_mode": "anchor"}
    axis.set_ticks(range(0, size, step), texts[::step], **turned if max(map(len, texts)) > longest else {})


def _marks(ax: Axes, cells: np.ndarray, *strokes: tuple[tuple[float, float], tuple[float, float]]) -> None:
    """Draw the same strokes, relative to the middle of a cell, in each of the cells (row, column)."""
    if len(cells) == 0:
        return
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points = [(c + dx, r + dy) for r, c in cells for stroke in strokes for dx, dy in stroke]
    codes = [Path.MOVETO, Path.LINETO] * (len(points) // 2)
    ax.add_patch(PathPatch(Path(points, codes), color=PALETTE["light"]["ink"], fill=False, linewidth=0.7))


def _scale(ax: Axes, limit: float, two_sided: bool) -> None:
    """Draw the scale of shades to the right of the cells, from 0 or from -limit."""
    side = ax.inset_axes((1.02, 0.0, 0.025, 1.0))
    least = -limit if two_sided else 0.0
    ramp = np.linspace(1, -1, _LEVELS)[: None if two_sided else _LEVELS // 2 + 1, None]
    side.imshow(_shades(ramp), interpolation="none", aspect="auto", extent=(0, 1, least, limit))
    side.grid(False)
    side.set_xticks([])
    side.yaxis.tick_right()
    ends = [-limit, 0.0, limit] if two_sided else [0.0, limit]
    side.set_yticks(ends, [_short(end) for end in ends])
    for spine in side.spines.values():
        spine.set_visible(True)
        spine.set_color(PALETTE["light"]["rule"])


def _ramp(theme: str) -> np.ndarray:
    """Return the shades (levels, 3) as bytes, from low through the paper to high."""
    low, paper, high = (np.array(_rgb(PALETTE[theme][name]), float) for name in ("low", "paper", "high"))
    share = np.linspace(-1, 1, _LEVELS)[:, None]
    mixed = paper + np.where(share < 0, -share * (low - paper), share * (high - paper))
    return np.rint(mixed).astype(np.uint8)


def _rgb(colour: str) -> tuple[int, int, int]:
    """Return the three bytes of ``#rrggbb``."""
    return tuple(int(colour[k : k + 2], 16) for k in (1, 3, 5))


def _shades(values: np.ndarray) -> np.ndarray:
    """Return the shade of each value of [-1, 1], in the light theme: (R, C) -> (R, C, 3) bytes."""
    level = np.rint((np.clip(values, -1, 1) + 1) / 2 * (_LEVELS - 1)).astype(int)
    return _ramp("light")[level]


# From figure to page


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
        schemes = "".join(f"{host} .lc-picture img{{color-scheme:{t}}}" for t, host in _HOSTS.items())
        alt = html.escape(self.alt, quote=True)
        return (
            f'<div class="lc-picture"><style>{schemes}</style><img alt="{alt}" width="{self.width}" '
            f'height="{self.height}" style="max-width:100%;height:auto" '
            f'src="data:image/svg+xml;base64,{data}"></div>'
        )


def picture(fig: Figure, *, alt: str) -> Picture:
    """Return a figure as a `Picture` for light and dark pages.

    Parameters
    ----------
    fig : Figure
        Made by the verbs of this module or by matplotlib itself. Colours of the palette follow the theme,
        others stay.
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
    with matplotlib.rc_context(_rc()):
        fig.savefig(buffer, format="svg", metadata=nothing)
    if "matplotlib.pyplot" in sys.modules:  # a figure made by pyplot would be shown a second time
        sys.modules["matplotlib.pyplot"].close(fig)
    width, height = (round(96 * inches) for inches in fig.get_size_inches())
    return Picture(" ".join(alt.split()), _themed(_compact(buffer.getvalue())), width, height)


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
    svg = re.sub(r"#[0-9a-f]{6}\b", lambda m: names.get(m[0], m[0]), svg)
    svg = re.sub(r"<image [^>]*>", _two_images, svg)
    sets = {t: "".join(f"--lc-{k}:{v};" for k, v in colours.items()) for t, colours in PALETTE.items()}
    style = (
        f"svg{{{sets['light']}}}.lc-dark{{display:none}}@media (prefers-color-scheme:dark)"
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
    level = {tuple(shade): k for k, shade in enumerate(_ramp("light").tolist())}
    flat = [level.get(tuple(p)) for p in pixels.reshape(-1, 3).tolist()]
    if None in flat:
        return tag
    tags = []
    for theme in PALETTE:
        image = Image.fromarray(np.array(flat, dtype=np.uint8).reshape(pixels.shape[:2]), mode="P")
        image.putpalette(_ramp(theme).tobytes())
        buffer = io.BytesIO()
        image.save(buffer, format="PNG", optimize=True)
        twin = tag.replace(data[1], base64.b64encode(buffer.getvalue()).decode())
        tags.append(twin.replace("<image ", f'<image class="lc-{theme}" '))
    return "".join(tags)
