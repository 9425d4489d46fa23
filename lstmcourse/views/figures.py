"""What figures share: axes, the look of each line, names beside cells, and the finish of them all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from .style import CYCLE, DASHES, LEVELS, MARKERS, PALETTE, figure, hue, shades

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def axes_or_new(ax: Axes | None) -> Axes:
    """Return the given axes, or those of a new figure."""
    return figure()[1] if ax is None else ax


def vector(value: Any, what: str, length: int | None = None) -> np.ndarray:
    """Return float64 values (N,), or say what is wrong with them."""
    v = checks.array(what, value).astype(np.float64)
    if v.ndim != 1 or v.size == 0 or (length is not None and len(v) != length):
        wanted = "one row of at least one number" if length is None else f"{length} numbers in one row"
        raise ValueError(f"{what}: shape {v.shape} where {wanted} is wanted")
    return v


def hues_of(labels: Sequence[str], like: Mapping[str, str] | None = None) -> list[int]:
    """Return each label's place among hues: its own where it has one, else the first that is free.

    >>> hues_of(["a", "c", "b", "bound"], {"bound": "b"})
    [1, 0, 2, 8]
    """
    like = like or {}
    strange = [name for pair in like.items() for name in pair if name not in labels]
    if strange:
        raise ValueError(f"like names {strange}: the labels are {list(labels)}")
    found: dict[int, int] = {}
    for k, label in enumerate(labels):
        own = hue(label)  # of the input: muted, which is not told from the axes
        if own in CYCLE and label not in like and CYCLE.index(own) not in found.values():
            found[k] = CYCLE.index(own)
    for k, label in enumerate(labels):
        if k not in found and label not in like:
            found[k] = next(n for n in range(len(labels) + len(CYCLE)) if n not in found.values())
    for label, other in like.items():
        found[list(labels).index(label)] = found[list(labels).index(other)] + len(CYCLE)
    return [found[k] for k in range(len(labels))]


def look_of(k: int, count: int) -> dict[str, Any]:
    """Return colour, dashes and marker of a figure's k-th line; about a dozen markers at most."""
    again, which = divmod(k, len(CYCLE))
    dash = DASHES[(k + again) % len(DASHES)]  # a second round of hues has other dashes
    every = max(1, count // 12)
    look = {
        "color": PALETTE["light"][CYCLE[which]],
        "linestyle": dash,
        "marker": MARKERS[(k + again) % len(MARKERS)],
        "markevery": (k * every // 3 % every, every),
    }
    return look if again == 0 else look | {"linewidth": 1.1, "markerfacecolor": PALETTE["light"]["paper"]}


def shared_reach(rows: Sequence[np.ndarray]) -> tuple[float, float]:
    """Return the ends of a scale for all rows: a round number, and its negative or 0.

    >>> shared_reach([np.array([-0.1, 0.14]), np.array([5.19])]), shared_reach([np.array([0, 1.3])])
    ((-6.0, 6.0), (0.0, 1.5))
    """
    most = max((float(np.abs(row).max()) for row in rows), default=0.0) or 1.0
    power = 10.0 ** np.floor(np.log10(most))
    high = next(float(step * power) for step in (1, 1.5, 2, 3, 4, 6, 8, 10) if step * power >= most)
    return (-high if any(row.min() < 0 for row in rows) else 0.0), high


def _halo(width: float) -> list[Any]:
    """Return what puts the paper's colour behind a line, so that it stands out in either theme."""
    from matplotlib.patheffects import Normal, Stroke

    whole = {"dash_offset": 0, "dash_list": None}
    return [Stroke(linewidth=width, foreground=PALETTE["light"]["paper"], dashes=whole), Normal()]


def finish(
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
    for level in (reference or {}).values():
        dots = {"linestyle": (0, (1, 1.6)), "linewidth": 1.6, "marker": "", "zorder": 1.5}
        ax.axhline(level, color=PALETTE["light"]["ink"], path_effects=_halo(2.6), **dots)
    if ylim is not None:
        ax.set_ylim(*ylim)
    if reference:
        _name_levels(ax, reference)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if note:
        ax.figure.supxlabel(note, x=0.995, ha="right", fontsize=8, color=muted)
    names = ax.get_legend_handles_labels()[1]
    if names and legend == "above":
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=min(len(names), 4), borderaxespad=0.2)
    elif names:
        ax.legend(loc="best")
    return ax.figure


def _name_levels(ax: Axes, levels: Mapping[str, float]) -> None:
    """Write names to the right of horizontal lines, apart from each other where the lines are close."""
    pixels = ax.transData.transform([(1, level) for level in levels.values()])[:, 1]
    points = 72 / ax.figure.dpi * pixels
    look = {"ha": "left", "va": "center", "color": PALETTE["light"]["muted"], "fontsize": 8.5}
    for (name, level), up in zip(levels.items(), apart(points, 10.0) - points, strict=True):
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points"}
        ax.annotate(name, (1, level), xytext=(4, up), **place, **look)


def apart(at: np.ndarray, least: float) -> np.ndarray:
    """Move places to be so far from one another, by as little as that takes in the sense of least squares.

    Less what those below take up, none may lie below the one before: isotonic regression, by pooling.
    """
    order = np.argsort(at, kind="stable")
    pools: list[tuple[float, int]] = []
    for k, place in enumerate(at[order]):
        mean, count = place - k * least, 1
        while pools and pools[-1][0] > mean:
            below, n = pools.pop()
            mean, count = (below * n + mean * count) / (n + count), n + count
        pools.append((mean, count))
    moved = np.empty(len(at))
    moved[order] = [mean for mean, count in pools for _ in range(count)]
    moved[order] += least * np.arange(len(at))
    return moved


def short(value: float) -> str:
    """Return at most three signs of a number, with a true minus and no superfluous zeros."""
    text = f"{value:.2f}" if abs(value) < 1 else f"{value:.1f}" if abs(value) < 10 else f"{value:.0f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−") if text != "-0" else "0"


def name_side(axis: Any, names: Sequence[object] | None, size: int, longest: int) -> None:
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


def strokes(ax: Axes, cells: np.ndarray, *strokes: tuple[tuple[float, float], tuple[float, float]]) -> None:
    """Draw the same strokes, relative to the middle of a cell, in each of the cells (row, column)."""
    if len(cells) == 0:
        return
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    points = [(c + dx, r + dy) for r, c in cells for stroke in strokes for dx, dy in stroke]
    codes = [Path.MOVETO, Path.LINETO] * (len(points) // 2)
    ax.add_patch(PathPatch(Path(points, codes), color=PALETTE["light"]["ink"], fill=False, linewidth=0.7))


def scale_beside(ax: Axes, limit: float, two_sided: bool) -> None:
    """Draw the scale of shades to the right of the cells, from 0 or from -limit."""
    side = ax.inset_axes((1.02, 0.0, 0.025, 1.0))
    least = -limit if two_sided else 0.0
    ramp = np.linspace(1, -1, LEVELS)[: None if two_sided else LEVELS // 2 + 1, None]
    side.imshow(shades(ramp), interpolation="none", aspect="auto", extent=(0, 1, least, limit))
    side.grid(False)
    side.set_xticks([])
    side.yaxis.tick_right()
    ends = [-limit, 0.0, limit] if two_sided else [0.0, limit]
    side.set_yticks(ends, [short(end) for end in ends])
    for spine in side.spines.values():
        spine.set_visible(True)
        spine.set_color(PALETTE["light"]["rule"])
