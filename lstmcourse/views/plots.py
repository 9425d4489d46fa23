"""Draw figures in one style that reads in light and dark, in print, and without colour.

Five verbs make a matplotlib figure: `lines`, `bands` (a median with its range), `heatmap` (states step by
step), `by_word` (a unit along a sentence) and `bars`; `figure` gives empty axes in the same style.
``show(fig, alt="...")`` displays a figure with its text alternative; `page` says how it serves light and dark
pages. `PALETTE`, `css` and `hue` are `style`'s: the colours, and which of them a quantity has.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import above_zero, at_least, given, listed, named, numbers, text, truth
from .figures import (
    axes_or_new,
    finish,
    hues_of,
    look_of,
    name_side,
    scale_beside,
    shared_reach,
    short,
    strokes,
    vector,
)
from .film import Film, film
from .given import REFERENCE, a_legend, a_row, a_scale, axes_of, bars_of, limits, names_of, rows_of
from .page import Picture, picture, show
from .style import CYCLE, HATCHES, LEVELS, PALETTE, css, figure, hue, shades, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = [
    "Film",
    "PALETTE",
    "Picture",
    "bands",
    "bars",
    "by_word",
    "css",
    "figure",
    "film",
    "heatmap",
    "hue",
    "lines",
    "over_seeds",
    "picture",
    "show",
]


# How far a row of `by_word` can go, by its label: gates, and what a tanh has squeezed.
_REACH = dict.fromkeys(("f", "i", "o", "$f_t$", "$i_t$", "$o_t$", "$1 - f_t$"), (0.0, 1.0))
_REACH |= dict.fromkeys(("g", "h", r"$\tilde{C}_t$", "$h_t$"), (-1.0, 1.0))


@styled
@given(
    xlabel=text,
    ylabel=text,
    title=text,
    reference=REFERENCE,
    log=a_scale,
    ylim=limits,
    legend=a_legend,
    like=named(text, "of labels by label"),
    ax=axes_of,
)
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
    ax = axes_or_new(ax)
    seen = []
    for k, (label, y) in zip(hues_of(list(series), like), series.items(), strict=True):
        at = x
        if isinstance(y, tuple) and len(y) == 2 and np.ndim(y[0]) == 1:
            at, y = y
        y = vector(y, f"series {label!r}")
        at = np.arange(len(y)) if at is None else vector(at, f"x, the positions of {label!r},", len(y))
        ax.plot(at, y, label=label or None, **look_of(k, len(y)))
        seen.append(at)
    return finish(ax, xlabel, ylabel, title, reference, log, ylim, np.unique(np.concatenate(seen)), legend)


@styled
@given(
    x=a_row,
    median=rows_of,
    low=rows_of,
    high=rows_of,
    labels=listed(text, "of labels"),
    reference=REFERENCE,
    xlabel=text,
    ylabel=text,
    title=text,
    log=a_scale,
    ylim=limits,
    legend=a_legend,
    note=text,
    ax=axes_of,
)
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
    x = vector(x, "x")
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
    ax = axes_or_new(ax)
    for row, (place, label) in enumerate(zip(hues_of(labels), labels, strict=True)):
        look = look_of(place, len(x))
        edge = {"edgecolor": (look["color"], 0.75), "linewidth": 0.8, "linestyle": look["linestyle"]}
        ax.fill_between(
            x, rows["low"][row], rows["high"][row], facecolor=(look["color"], 0.13), zorder=1.2, **edge
        )
        ax.plot(x, rows["median"][row], label=label or None, **look)
    return finish(ax, xlabel, ylabel, title, reference, log, ylim, x, legend, note)


@given(x=a_row, values=named(numbers(2, axes="(N, S)"), "of arrays (N, S) by label"))
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


@styled
@given(
    matrix=numbers(2, axes="rows and columns"),
    rows=names_of,
    columns=names_of,
    limit=above_zero,
    numbers=truth,
    xlabel=text,
    ylabel=text,
    title=text,
    ax=axes_of,
)
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
    for name, named_, size in (("rows", rows, m.shape[0]), ("columns", columns, m.shape[1])):
        if named_ is not None and len(named_) != size:
            raise ValueError(f"{name} names {len(named_)}, but the matrix of shape {m.shape} has {size}")
    finite = np.isfinite(m)
    if limit is None:
        limit = float(np.abs(m[finite]).max(initial=0.0)) or 1.0
    if not limit > 0:
        raise ValueError(f"limit is {limit}: give the positive value that has the full shade")
    numbers = m.size <= 120 if numbers is None else numbers
    if ax is None:
        _, ax = figure(min(7.6, 1.6 + 0.42 * m.shape[1]), min(6.0, 1.1 + 0.32 * m.shape[0]))
    ax.imshow(shades(np.where(finite, m, 0.0) / limit), interpolation="none", aspect="auto")
    ax.grid(False)
    for spine in ax.spines.values():
        spine.set_visible(False)
    name_side(ax.xaxis, columns, m.shape[1], longest=4)
    name_side(ax.yaxis, rows, m.shape[0], longest=99)
    ink = PALETTE["light"]["ink"]
    if numbers:
        for (r, c), value in np.ndenumerate(m):
            if finite[r, c]:
                ax.text(c, r, short(value), ha="center", va="center", color=ink, fontsize=8.5)
    else:
        strokes(ax, np.argwhere(finite & (m < -limit / LEVELS)), ((-0.22, 0), (0.22, 0)))
    strokes(ax, np.argwhere(~finite), ((-0.3, -0.3), (0.3, 0.3)), ((-0.3, 0.3), (0.3, -0.3)))
    scale_beside(ax, limit, two_sided=bool(np.any(m[finite] < 0)))
    return finish(ax, xlabel, ylabel, title, None, "", None)


@styled
@given(
    words=listed(text, "of words"),
    series=named(a_row, "of numbers by label"),
    marks=named(listed(at_least(0), "of steps"), "of steps by label"),
    title=text,
)
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
    rows = {label: vector(values, f"series {label!r}", len(words)) for label, values in series.items()}
    shared = shared_reach([values for label, values in rows.items() if label not in _REACH])
    for k, ax, (label, values) in zip(hues_of(list(rows)), axes[:, 0], rows.items(), strict=True):
        low, high = _REACH.get(label, shared)
        colour, hatch = light[CYCLE[k % len(CYCLE)]], HATCHES[k % len(HATCHES)]
        ax.bar(at, values, 0.72, color=colour, hatch=hatch, linewidth=0)
        ax.axhline(0, color=light["muted"], linewidth=0.8, linestyle="-", marker="")
        ax.set_ylim(low, high)
        ticks = [low, 0.0 if low else high / 2, high]
        ax.set_yticks(ticks, [short(tick) for tick in ticks])
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


@styled
@given(
    values=bars_of,
    reference=REFERENCE,
    xlabel=text,
    ylabel=text,
    title=text,
    ylim=limits,
    legend=a_legend,
    note=text,
    ax=axes_of,
)
def bars(
    values: Mapping[str, Any],
    *,
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
    reference : mapping of str to float, optional
        Named horizontal lines.
    note : str
        What the bars are, in small print below the axes.
    xlabel, ylabel, title, ylim, legend, ax
        As for `lines`.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        There is nothing to draw, or the groups have other labels.

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
    places = list(next(iter(groups.values())))
    for name, group in groups.items():
        if list(group) != places:
            raise ValueError(f"values {name!r} has the labels {list(group)}, not {places}")
    ax = axes_or_new(ax)
    width = 0.8 / len(groups)
    for position, (k, (name, group)) in enumerate(zip(hues_of(list(groups)), groups.items(), strict=True)):
        at = np.arange(len(places)) + (position - (len(groups) - 1) / 2) * width
        colour = PALETTE["light"][CYCLE[k % len(CYCLE)]]
        hatch = HATCHES[k % len(HATCHES)]
        ax.bar(at, list(group.values()), 0.86 * width, color=colour, hatch=hatch, label=name or None)
    ax.grid(False, axis="x")
    ax.set_xticks(range(len(places)), places)
    if grouped and ylim is None and legend == "best":  # room for the legend above the bars
        ax.margins(y=0.28)
    return finish(ax, xlabel, ylabel, title, reference, "", ylim, legend=legend, note=note)
