"""The figures of the course: `views.plots`, with a colour for each label that the notebooks give.

    from lstmcourse import plots

is this module. A network or a quantity has one colour in all notebooks; whatever else a figure shows takes
the hues that are left. `word_by_word` draws what a captioner looks at, `dots` one dot a seed, `feeds` which
module feeds which, `intervals` differences over a margin, `gallery` rows of pictures, `waves` sounds side by
side. `show` and `film` know a figure of a lesson by its number; `alts` has what it shows, in words.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checks import above_zero, given, listed, named, numbers, text, truth
from ..errors import UnknownNameError, nearest
from ..views import figures, plots
from ..views.given import a_figure
from ..views.plots import *  # noqa: F403
from ..views.style import HUES, PALETTE, figure, styled
from .alts import ALTS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = [*plots.__all__, "dots", "feeds", "gallery", "intervals", "waves", "word_by_word"]

LABELS = {
    "blue": (
        *("C", "$C_t$", "cell state", "cell state $C_t$", "stored"),
        *("rnn", "plain", "plain network", "plain tanh network", "plain stack", "recurrent"),
        *("σ = 1", "start at σ = 1", "tanh, σ = 1", "σ = 1, untrained"),
        *("number", "verb", "trained", "as trained"),
        *("one vector", "mean of all places"),
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
        *("clockwork", "with depth gates", "attention", "soft"),
        *("ReLU", "relu, from the identity", "LSTM, forget bias 1", "$b_f$ = 1", "$b_f$ = 1, all ways"),
    ),
    "purple": (
        *("$i_t$", "input gate"),
        *("lstm_1997", "1997", "coupling imposed on it"),
        *("LSTM, forget bias 5", "$b_f$ = 5", "$b_f$ = 5, all ways"),
    ),
    "ochre": ("$o_t$", "output gate", "guessing", "$b_f$ = 2"),
    "ink": ("$h_t$", "hidden state", "hidden state $h_t$", "shown", "wave"),
}
"""Labels of figures by their colour, a name of `PALETTE`."""

HUES.update({label: colour for colour, labels in LABELS.items() for label in labels})


@given(fig=a_figure)
def show(fig: Figure, number: str | None = None, *, alt: str | None = None) -> None:
    """Display a figure of the course, legible in light and dark, with what it shows in words.

    Parameters
    ----------
    fig : Figure
        What `lines`, `bars` and the others return.
    number : str, optional
        The figure's number in the course, such as ``"04-1"``: the words are those of `ALTS`.
    alt : str, optional
        The words themselves, for a figure without a number.

    Raises
    ------
    UnknownNameError
        No figure of the course has this number.
    ValueError
        Both a number and words are given, or neither.

    Examples
    --------
    >>> show(plots.lines([3, 2, 1]), alt="The loss falls.")
    Figure: The loss falls.
    """
    plots.show(fig, alt=told(number, alt))


def film(
    pictures: Any, number: str | None = None, *, alt: str | None = None, windows: Any = None
) -> plots.Film:
    """Return a film of the course, `views.film.film`, with what it shows in words.

    Parameters
    ----------
    pictures : array, shape (T, n, Y, X)
        Values from 0, paper, to 1, ink.
    number : str, optional
        The film's number in the course, such as ``"18-8"``: the words are those of `ALTS`.
    alt : str, optional
        The words themselves, for a film without a number.
    windows : array, shape (T, n, 4), optional
        Frames to be drawn over each picture: left, top, right, bottom, in pixels from its corner.

    Returns
    -------
    Film

    Raises
    ------
    UnknownNameError
        No figure of the course has this number.
    ValueError, TypeError
        Both a number and words are given, or neither; shapes do not fit, or a value lies outside 0 to 1.

    Examples
    --------
    >>> film(np.linspace(0, 1, 8).reshape(2, 1, 2, 2), alt="Two steps of one picture.")
    Film of 2 steps: Two steps of one picture.
    """
    return plots.film(pictures, alt=told(number, alt), windows=windows)


def told(number: str | None, alt: str | None) -> str:
    """What a figure shows, in words: by its number in the course, or as given."""
    if (number is None) == (alt is None):
        raise ValueError(
            f"number={number!r}, alt={alt!r}: give one of the two, such as alt='The loss falls.'"
        )
    if number is None:
        return alt
    if number not in ALTS:
        raise UnknownNameError(f"number={number!r}: {nearest(number, ALTS)}")
    return ALTS[number]


FRAME, RIM = "#fefefe", "#010101"  # on a picture, in either theme


@styled
@given(
    picture=numbers(3, axes="(R, C, 3)"),
    words=listed(text, "of words"),
    shares=numbers(2, axes="(N, L)"),
)
def word_by_word(picture: Any, words: Sequence[str], shares: Any) -> Figure:
    r"""Draw a picture once for each word that is said of it: what is not looked at is faded.

    The place that is looked at most has a frame, and its share stands above, after the word.

    Parameters
    ----------
    picture : array (R, C, 3)
        Red, green and blue, from 0 to 1; what lies outside is cut off.
    words : sequence of N str
        What is said.
    shares : array (N, L)
        What share of the attention each of L places gets at each word; places lie in as many rows as columns,
        and are counted row by row.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        Shapes do not fit one another, or there is no word.

    Examples
    --------
    >>> fig = word_by_word(np.ones((4, 4, 3)), ["a", "wall"], [[0.1, 0.2, 0.6, 0.1], [0.25] * 4])
    >>> [ax.get_title(loc="left") for ax in fig.axes]
    ['a\n0.6', 'wall\n0.25']
    """
    picture, shares = (np.asarray(a, np.float64) for a in (picture, shares))
    side = math.isqrt(shares.shape[1])
    (R, C, colours), (N, L) = picture.shape, shares.shape
    if not (N == len(words) > 0 and L == side**2 > 0 and colours == 3 and R % side == C % side == 0):
        raise ValueError(
            f"picture has shape {picture.shape}, shares {shares.shape}, and there are {len(words)} words: "
            "give (R, C, 3), and (N, L) for N words; L places lie in as many rows as columns, which divide R "
            "and C"
        )
    rows = -(-N // 6)
    columns = -(-N // rows)
    fig, axes = figure(1.35 * columns, 1.85 * rows, rows=rows, columns=columns, squeeze=False)
    height, width = R // side, C // side
    for ax, word, share in zip(axes.flat, words, shares, strict=False):
        shown = 0.3 + 0.7 * share.reshape(side, side) / (share.max() or 1)
        lit = np.kron(shown, np.ones((height, width)))[..., None]
        ax.imshow(np.clip(picture, 0, 1) * lit, interpolation="none")
        row, column = divmod(int(share.argmax()), side)
        x, y = column * width - 0.5, row * height - 0.5
        corners = [x, x + width, x + width, x, x], [y, y, y + height, y + height, y]
        for colour, thick in ((RIM, 4), (FRAME, 2)):
            look = {"color": colour, "linewidth": thick, "linestyle": "-", "marker": ""}
            ax.plot(*corners, **look, clip_on=False)
        ax.set_title(f"{word}\n{figures.short(share.max())}", fontsize=9)
    for ax in axes.flat:
        ax.set_axis_off()
    for ax in axes.flat[N:]:
        ax.remove()
    return fig


@styled
@given(mask=numbers(2, axes="(N, N), from row to column"), names=listed(text, "of names"))
def feeds(mask: Any, names: Sequence[str]) -> Figure:
    """Draw parts of a network in a row, and an arrow from each one to those that it feeds.

    Parameters
    ----------
    mask : array (N, N)
        Not 0 where the part in the row feeds the part in the column.
    names : sequence of N str
        Of the parts, from left to right.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        There is not a row and a column for each name, or no name.

    Examples
    --------
    >>> fig = feeds([[1, 0], [1, 1]], ["fast", "slow"])
    >>> len(fig.axes[0].texts)  # two names, an arrow from slow to fast, and one from each to itself
    5
    """
    mask, n = np.asarray(mask, bool), len(names)
    if not n or mask.shape != (n, n):
        raise ValueError(f"mask has shape {mask.shape}: give a row and a column for each of {n} names")
    fig, ax = figure(1.7 * n, 0.9 + 0.5 * n)
    box = {"boxstyle": "round,pad=0.6", "facecolor": PALETTE["light"]["rule"], "edgecolor": "none"}
    for k, name in enumerate(names):
        ax.text(k, 0, name, ha="center", va="center", bbox=box, zorder=3)
    look = {"arrowstyle": "-|>", "color": PALETTE["light"]["blue"], "linewidth": 1.6}
    for sender, receiver in np.argwhere(mask).tolist():
        away = receiver - sender
        side = np.sign(away)
        near = 0.06 * (n - abs(away)) * side  # the nearest leave and arrive outermost, so none cross there
        ends, bend = ((sender + near, 0.16), (receiver - near, 0.16)), -0.5 * side
        if not away:
            ends, bend = ((sender + 0.16, -0.16), (sender - 0.16, -0.16)), -1.2
        ax.annotate("", ends[1], ends[0], arrowprops=look | {"connectionstyle": f"arc3,rad={bend}"})
    ax.set(xlim=(-0.5, n - 0.5), ylim=(-0.62, 0.35 + 0.26 * n))
    ax.set_axis_off()
    return fig


@styled
@given(
    values=named(numbers(1, axes="(S,), one for each seed"), "of numbers by label"),
    xlabel=text,
    of=text,
    log=truth,
)
def dots(values: Mapping[str, Any], *, xlabel: str = "", of: str = "seeds", log: bool = False) -> Figure:
    """Draw one dot for each seed, a row for each label, with a stroke at the median.

    Parameters
    ----------
    values : mapping of str to array (S,)
        The first label stands at the top. Rows whose labels end alike after a colon, such as "adding: LSTM"
        and "copy: LSTM", have one colour.
    xlabel : str
        What the dots measure.
    of : str
        What there is a dot for.
    log : bool
        Whether the scale is logarithmic: for numbers that span powers of ten.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        There is no label, or a row without a number.

    Examples
    --------
    >>> fig = dots({"ours": [0.9, 1.0, 0.8], "theirs": [0.5, 0.7, 0.6]}, xlabel="share right")
    >>> [t.get_text() for t in fig.axes[0].get_yticklabels()]
    ['ours', 'theirs']
    """
    rows = {label: figures.vector(v, f"values[{label!r}]") for label, v in values.items()}
    if not rows:
        raise ValueError("values is empty: give at least one row of dots")
    fig, ax = figure(6.4, 0.7 + 0.42 * len(rows))
    kinds = [label.rpartition(": ")[2] for label in rows]
    unlike = list(dict.fromkeys(kinds))
    hue = dict(zip(unlike, figures.hues_of(unlike), strict=True))
    for row, (kind, v) in enumerate(zip(kinds, rows.values(), strict=True)):
        look = figures.look_of(hue[kind], 1) | {"linestyle": "", "clip_on": False}
        ax.plot(v, row + np.linspace(-0.16, 0.16, len(v)) * (len(v) > 1), **look)
        ax.plot([np.median(v)] * 2, [row - 0.3, row + 0.3], color=look["color"], linestyle="-", marker="")
    ax.set_yticks(range(len(rows)), list(rows))
    ax.set_ylim(len(rows) - 0.5, -0.5)
    count = max(map(len, rows.values()))
    if log:
        ax.set_xscale("log")
        low, high = ax.get_xlim()
        for digits in ((1,), (1, 2, 5), (1, 2, 3, 4, 6, 8)):
            ticks = [t for k in range(-9, 10) for t in (d * 10.0**k for d in digits) if low <= t <= high]
            if len(ticks) > 3:
                break
        ax.set_xticks(ticks, [f"{t:g}" for t in ticks])
        ax.minorticks_off()
    return figures.finish(
        ax, xlabel, "", "", None, "", None, note=f"a dot for each of {count} {of}, a stroke at the median"
    )


@styled
@given(
    values=named(numbers(1, axes="(3,), mean, low, high"), "of numbers by label"),
    margin=above_zero,
    xlabel=text,
)
def intervals(values: Mapping[str, Any], *, margin: float, xlabel: str = "") -> Figure:
    """Draw differences of means with their intervals, a row for each, over the band in which they count as 0.

    Parameters
    ----------
    values : mapping of str to (mean, low, high)
        The first label stands at the top.
    margin : float
        The band reaches from minus this to this.
    xlabel : str
        What differs.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        There is no label, or a row is no triple of numbers.

    Examples
    --------
    >>> fig = intervals({"ours": (0.1, -0.2, 0.4)}, margin=0.5, xlabel="nats")
    >>> [t.get_text() for t in fig.axes[0].get_yticklabels()]
    ['ours']
    """
    if not values:
        raise ValueError("values is empty: give at least one difference with its interval")
    if wrong := [label for label, row in values.items() if len(row) != 3]:
        raise ValueError(f"values[{wrong[0]!r}] is no triple: give mean, low and high")
    fig, ax = figure(6.4, 0.9 + 0.3 * len(values))
    colours = PALETTE["light"]
    ax.axvspan(-margin, margin, color=colours["rule"], alpha=0.6, linewidth=0)
    ax.axvline(0, color=colours["muted"], linewidth=1)
    for row, (mean, low, high) in enumerate(values.values()):
        ax.plot(
            [low, high],
            [row, row],
            color=colours["blue"],
            linestyle="-",
            linewidth=2,
            marker="|",
            markersize=8,
        )
        ax.plot(mean, row, color=colours["blue"], marker="o", linestyle="")
    ax.set_yticks(range(len(values)), list(values))
    ax.set_ylim(len(values) - 0.5, -0.5)
    return figures.finish(
        ax,
        xlabel,
        "",
        "",
        None,
        "",
        None,
        note="a dot at the mean, its 90 % interval, and the band of the margin",
    )


@styled
@given(rows=named(numbers(3, axes="(n, Y, X)"), "of pictures by label"))
def gallery(rows: Mapping[str, Any]) -> Figure:
    """Draw rows of pictures, each row with its label at the left.

    Parameters
    ----------
    rows : mapping of str to array (n, Y, X)
        Values from 0, paper, to 1, ink; in all rows equally many.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        There is no picture, or not equally many in all rows.

    Examples
    --------
    >>> fig = gallery({"seen": np.eye(8)[None], "drawn": 1 - np.eye(8)[None]})
    >>> [ax.get_ylabel() for ax in fig.axes]
    ['seen', 'drawn']
    """
    counts = {len(pictures) for pictures in rows.values()}
    if len(counts) != 1 or 0 in counts:
        raise ValueError(
            f"rows have {[len(pictures) for pictures in rows.values()]} pictures: give equally many, not 0"
        )
    (n,) = counts
    fig, axes = figure(min(8.6, 1.0 + 0.8 * n), 0.85 * len(rows), rows=len(rows), columns=n, squeeze=False)
    for row, (label, pictures) in zip(axes, rows.items(), strict=True):
        for ax, picture in zip(row, np.asarray(pictures, np.float64), strict=True):
            ax.imshow(picture, cmap="gray_r", vmin=0, vmax=1, interpolation="none")
            ax.set(xticks=[], yticks=[])
            ax.grid(False)
            for spine in ax.spines.values():
                spine.set_visible(True)
                spine.set_color(PALETTE["light"]["rule"])
        row[0].set_ylabel(label, rotation=0, ha="right", va="center")
    return fig


@styled
@given(columns=named(numbers(3, axes="(T, n, D)"), "of sounds by label"))
def waves(columns: Mapping[str, Any]) -> Figure:
    """Draw sounds one below the other, in a column for each label; thin lines stand between frames.

    Parameters
    ----------
    columns : mapping of str to array (T, n, D)
        n sounds of T frames with D samples each, as tasks give them.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        There is no sound, or not equally many in all columns.

    Examples
    --------
    >>> fig = waves({"heard": np.zeros((5, 3, 8)), "imagined": np.ones((5, 3, 8))})
    >>> len(fig.axes), fig.axes[0].get_title(loc="left")
    (6, 'heard')
    """
    counts = {np.shape(sounds)[1] for sounds in columns.values()}
    if len(counts) != 1 or 0 in counts or 0 in (np.size(sounds) for sounds in columns.values()):
        raise ValueError(
            f"columns have shapes {[np.shape(sounds) for sounds in columns.values()]}: give (T, n, D), "
            "with one n, none of them 0"
        )
    (n,) = counts
    fig, axes = figure(
        8.6, 0.5 + 0.95 * n, rows=n, columns=len(columns), squeeze=False, sharex="col", sharey=True
    )
    for column, (label, sounds) in zip(axes.T, columns.items(), strict=True):
        for ax, sound in zip(column, np.moveaxis(np.asarray(sounds, np.float64), 1, 0), strict=True):
            T, D = sound.shape
            ax.plot(np.arange(T * D), sound.ravel(), marker="", color=PALETTE["light"]["blue"])
            ax.set_xticks(np.arange(T + 1) * D - 0.5, [])
            ax.tick_params(length=0)
            ax.grid(True, axis="x")
            ax.grid(False, axis="y")
        column[0].set_title(label)
        column[-1].set_xlabel("samples, cut into frames")
    return fig
