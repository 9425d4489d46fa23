"""`clock_panel`: which module of a clockwork network computes at step t, and what the others hold.

`clock_series` computes what is shown, with the course's own cell.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import numpy as np

from ..cells.clockwork_rnn import clockwork, slow_to_fast
from ..checks import at_least, given, listed, named, real
from ..run.unroll import unroll
from ..views.style import hue
from .drawing import HEIGHT, LEFT, decimals, sunk, write_text
from .panel import Panel, Slider

__all__ = ["INPUT", "clock_panel", "clock_series"]

INPUT: tuple[float, ...] = tuple(np.sin(0.5 + 0.4 * np.arange(17)).round(3).tolist())
"""What comes in, t from 0: a little more than one period of a sine."""


@given(periods=listed(at_least(1, 10**6), "of periods"), longest=at_least(2, 10**6))
def clock_panel(periods: Sequence[int] = (1, 2, 4, 8), *, longest: int = 16) -> Panel:
    """Return a panel for a clockwork network with one unit in each module.

    Parameters
    ----------
    periods : sequence of int
        Where the periods start.
    longest : int
        Sliders of periods go from 1 to this.

    Returns
    -------
    Panel
        Sliders: ``t``; ``T_1``, ``T_2``, ... one for each module; ``W``, the weight of the input of every
        unit; ``U``, the value of every recurrent weight that the mask leaves free.

    Raises
    ------
    ValueError
        There is no period, or one lies beyond its slider.

    Examples
    --------
    >>> panel = clock_panel()
    >>> panel
    Panel: a clockwork network, one unit in each module (7 sliders)
    >>> panel.set(t=6)
    >>> panel.view.count("<td>computes</td>"), panel.view.count("<td>holds</td>")
    (2, 2)
    """
    if not periods:
        raise ValueError("periods is empty: give at least one")
    sliders = [Slider("t", 6, 0, len(INPUT) - 1, 1, label="t, the step that is looked at", group="time")]
    for j, T in enumerate(periods, start=1):
        name, label = f"T_{j}", f"T {j}, period of module {j}"
        sliders.append(Slider(name, T, 1, longest, 1, label=label, group="periods", symbol=name))
    sliders += [
        Slider("W", 1.0, -2, 2, 0.1, label="W, weight of the input", group="weights"),
        Slider("U", 0.0, -2, 2, 0.1, label="U, every recurrent weight that is free", group="weights"),
    ]

    def render(values: Mapping[str, float]) -> str:
        t = round(values["t"])
        due, h = clock_series(values)
        every = [round(v) for name, v in values.items() if name.startswith("T_")]
        return _drawing(every, due, h, t) + _table(every, due, h, t)

    return Panel(sliders, render, title="a clockwork network, one unit in each module")


@given(values=named(real, "of numbers by slider"))
def clock_series(values: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Return what a `clock_panel` shows.

    Parameters
    ----------
    values : mapping of str to float
        What the sliders say: ``T_1``, ``T_2``, ..., ``W`` and ``U``.

    Returns
    -------
    (ndarray (T, n) of bool, ndarray (T, n))
        Whether each module computes at step t, and its state after the step, t from 0.

    Examples
    --------
    >>> due, h = clock_series({"T_1": 1, "T_2": 4, "W": 1.0, "U": 0.0})
    >>> due[:5, 1].tolist()
    [True, False, False, False, True]
    >>> h[:5, 1].round(2).tolist()
    [0.45, 0.45, 0.45, 0.45, 0.7]
    """
    if missing := {"W", "U", "T_1"} - values.keys():
        raise ValueError(f"values lacks {', '.join(sorted(missing))}: it needs W, U, and T_1, T_2, ...")
    periods = tuple(round(v) for name, v in values.items() if name.startswith("T_"))
    n = len(periods)
    cell = clockwork.with_options(periods=periods)
    params = {"W_h": np.full((1, n), values["W"]), "U_h": np.full((n, n), values["U"]), "b_h": np.zeros(n)}
    params["U_h"] *= slow_to_fast(n, periods)
    h = unroll(cell, params, np.reshape(INPUT, (-1, 1, 1)))["h"][:, 0]
    return np.arange(len(INPUT))[:, None] % np.array(periods) == 0, np.array(h)


_STEP, _GAP = 30, 12


def _drawing(periods: Sequence[int], due: np.ndarray, h: np.ndarray, t: int) -> str:
    """Return a strip for the input and one for each module: bars, full where it computes, else outlines."""
    steps = len(due)
    foot = (len(periods) + 1) * (HEIGHT + _GAP) + 12
    parts = [
        f'<rect x="{LEFT + t * _STEP}" y="2" width="{_STEP}" height="{foot + 2}" fill="var(--lc-rule)" '
        'fill-opacity="0.6"/>'
    ]
    says = []
    rows = [("x", "x", np.ones(steps, bool), np.array(INPUT))]
    rows += [("h", f"T = {T}", due[:, j], h[:, j]) for j, T in enumerate(periods)]
    for k, (name, label, full, values) in enumerate(rows):
        zero = _GAP / 2 + k * (HEIGHT + _GAP) + HEIGHT / 2
        colour = f"var(--lc-{hue(name, 'blue')})"
        parts.append(write_text(LEFT - 8, zero + sunk(13), label, 13))
        parts.append(f'<path d="M{LEFT} {zero:.1f}h{steps * _STEP}" stroke="{colour}"/>')
        for s, value in enumerate(values):
            length = HEIGHT / 2 * float(value)
            x, top = LEFT + (s + 0.2) * _STEP, zero - max(length, 0.0)
            kind, opacity = ("lc-bar", 0.75) if full[s] else ("lc-held", 0.0)
            parts.append(
                f'<rect class="{kind}" x="{x:.1f}" y="{top:.1f}" width="{0.6 * _STEP:.1f}" '
                f'height="{abs(length):.1f}" fill="{colour}" fill-opacity="{opacity:g}" stroke="{colour}"/>'
            )
        if k:
            ticks = ", ".join(str(s) for s in np.flatnonzero(full))
            says.append(f"period {periods[k - 1]}: computes at {ticks}")
    parts += [write_text(LEFT + (s + 0.5) * _STEP, foot, str(s), 11, "middle") for s in range(steps)]
    parts.append(write_text(LEFT - 8, foot, "t", 12))
    width, height = LEFT + steps * _STEP + 8, foot + 8
    return (
        f'<svg class="lc-clock" role="img" viewBox="0 0 {width} {height}" width="{width}" height="{height}">'
        f"<title>The input, and the state of each module, step by step</title>"
        f"<desc>Full bars where a module computes, outlines where it holds. {html.escape('; '.join(says))}."
        f"</desc>{''.join(parts)}</svg>"
    )


def _table(periods: Sequence[int], due: np.ndarray, h: np.ndarray, t: int) -> str:
    """Return what each module does at step t."""
    before = h[t - 1] if t else np.zeros(len(periods))
    rows = "".join(
        f'<tr><th scope="row">{j + 1}</th><td>{T}</td><td>{t % T}</td>'
        f"<td>{'computes' if due[t, j] else 'holds'}</td><td>{decimals(before[j])}</td>"
        f"<td>{decimals(h[t, j])}</td></tr>"
        for j, T in enumerate(periods)
    )
    names = ("module", "period T", "t mod T", f"at t = {t} it", "before", "after")
    head = "".join(f'<th scope="col">{name}</th>' for name in names)
    return (
        f"<table><caption>Step t = {t}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"
    )
