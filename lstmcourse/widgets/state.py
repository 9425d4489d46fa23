"""`state_panel`: feel the state of a small cell.

`series_of` computes what is shown with the course's own engine, `strips` draws it and `table` writes it down.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstmcourse.views.hues import hue
from lstmcourse.widgets.panel import Panel, Slider, spoken

__all__ = ["series_of", "state_panel", "strips", "table"]

_MOST = 40  # sliders; beyond it nobody finds anything


def state_panel(
    cell: Any,
    params: Mapping[str, np.ndarray] | None = None,
    *,
    x: Any = (1.0, 0.0, 0.0, 0.0, 0.0),
    show: Sequence[str] | None = None,
    hidden_size: int = 1,
    weight: float = 3.0,
    title: str | None = None,
) -> Panel:
    """Return a panel with a slider for every weight of a cell and for every number of a short input.

    Parameters
    ----------
    cell : Cell
        A small one, such as ``lc.cells.rnn`` with one or two units.
    params : mapping of str to ndarray, optional
        Where the weights start, each at the nearest place of its slider. If not given: biases as
        ``cell.init`` sets them, weights of the input 1, weights of the previous state 0.5.
    x : array (T,) or (T, D)
        Where the input starts, each number within -1 and 1.
    show : sequence of str, optional
        Names to show: states, outputs, named equations. The states if not given.
    hidden_size : int
        Units, where `params` is not given.
    weight : float
        Sliders of weights run from ``-weight`` to ``weight`` in steps of 0.1.
    title : str, optional
        A heading of your own.

    Returns
    -------
    Panel
        Sliders are named by parameter, ``"W_h"`` or ``"W_h[1,2]"`` counted from 1, and by step, ``"x1"`` or
        ``"x1[2]"``.

    Raises
    ------
    ValueError
        There would be more than 40 sliders, or a number lies outside its slider's range.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> panel = state_panel(lc.cells.rnn, x=[1.0, 0.0, 0.0])
    >>> panel
    Panel: the state of rnn, step by step (6 sliders)
    >>> panel["U_h"].value = 0.0      # without the loop nothing is remembered
    >>> shapes = {"W_h": (1, 1), "U_h": (1, 1), "b_h": (1,), "x": (3, 1)}
    >>> series_of(lc.cells.rnn, **arrays_of(panel.values, shapes))["h"].round(3).tolist()
    [0.762, 0.0, 0.0]
    """
    x = np.asarray(x, dtype=np.float64)
    x = x[:, None] if x.ndim == 1 else x
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"x has shape {x.shape}: give one number, or one row of numbers, for each step")
    if params is None:
        params = _start(cell, x.shape[1], hidden_size)
    arrays = {**{name: np.asarray(p, dtype=np.float64) for name, p in params.items()}, "x": x}
    shapes = {name: a.shape for name, a in arrays.items()}
    named = places(shapes)
    if len(named) > _MOST:
        raise ValueError(f"{len(named)} sliders for {shapes}: at most {_MOST}; take fewer units or steps")
    sliders = []
    for name, (key, index) in named.items():
        reach, group = (1.0, "input") if key == "x" else (weight, "weights")
        value = round(float(arrays[key][index]), 1) + 0.0
        symbol = re.sub(r"_(\w+)", r"_{\1}", name)
        label = _label(symbol, key)
        sliders.append(Slider(name, value, -reach, reach, 0.1, label=label, group=group, symbol=symbol))

    def render(values: dict[str, float]) -> str:
        series = series_of(cell, **arrays_of(values, shapes), show=show)
        return strips(series) + table(series)

    return Panel(sliders, render, title=title or f"the state of {cell.name}, step by step")


def places(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Return where the number of each slider stands: slider's name -> (array, index).

    Sides of length 1 are not counted in names; the first axis of ``x`` is the step.

    Examples
    --------
    >>> places({"W_h": (1, 2), "x": (2, 1)})
    {'W_h[1]': ('W_h', (0, 0)), 'W_h[2]': ('W_h', (0, 1)), 'x_1': ('x', (0, 0)), 'x_2': ('x', (1, 0))}
    """
    found = {}
    for key, shape in shapes.items():
        for index in np.ndindex(*shape):
            name, axes = (
                (f"x_{index[0] + 1}", range(1, len(shape))) if key == "x" else (key, range(len(shape)))
            )
            inner = ",".join(str(index[a] + 1) for a in axes if shape[a] > 1)
            found[f"{name}[{inner}]" if inner else name] = key, index
    return found


def arrays_of(values: Mapping[str, float], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return what the sliders say as arrays, float64: ``{"params": ..., "x": ...}`` for `series_of`.

    Examples
    --------
    >>> arrays_of({"b_h": 0.5, "x_1": 1.0, "x_2": -1.0}, {"b_h": (1,), "x": (2, 1)})
    {'params': {'b_h': array([0.5])}, 'x': array([[ 1.],
           [-1.]])}
    """
    arrays = {key: np.zeros(shape) for key, shape in shapes.items()}
    for name, (key, index) in places(shapes).items():
        arrays[key][index] = values[name]
    x = arrays.pop("x")
    return {"params": arrays, "x": x}


def series_of(
    cell: Any, params: Mapping[str, np.ndarray], x: np.ndarray, *, show: Sequence[str] | None = None
) -> dict[str, np.ndarray]:
    """Run a cell over one sequence and return every number to be shown, step by step.

    Parameters
    ----------
    cell : Cell
        Any cell.
    params : mapping of str to ndarray
        Its parameters, float64.
    x : ndarray (T, D)
        The input.
    show : sequence of str, optional
        States, outputs or named equations; the states if not given.

    Returns
    -------
    dict of str to ndarray (T,)
        The input first, then what is shown; where there are several units, ``"h[1]"``, ``"h[2]"``.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> params = {"W_h": np.ones((1, 1)), "U_h": np.zeros((1, 1)), "b_h": np.zeros(1)}
    >>> series_of(lc.cells.rnn, params, np.array([[1.0], [0.0]]))
    {'x': array([1., 0.]), 'h': array([0.76159416, 0.        ])}
    """
    import lstmcourse as lc

    run = lc.unroll(cell, dict(params), x[:, None, :])
    series = {}
    for name, values in (("x", x), *((name, run[name][:, 0]) for name in show or cell.states)):
        flat = np.asarray(values).reshape(len(x), -1)
        for k in range(flat.shape[1]):
            series[f"{name}[{k + 1}]" if flat.shape[1] > 1 else name] = flat[:, k].copy()
    return series


# Drawing


def strips(series: Mapping[str, np.ndarray], names: Sequence[str] | None = None) -> str:
    """Return a drawing (inline SVG) with one strip for each series: a bar up or down at each step.

    Parameters
    ----------
    series : mapping of str to array (T,)
        Values by label, in the order from top to bottom. Beyond -1 and 1 the strip's scale grows.
    names : sequence of str, optional
        What each is in a cell's equations, which gives its colour; the labels if not given.

    Returns
    -------
    str
        SVG with title and description, in the colours of the panel's theme.

    Examples
    --------
    >>> drawing = strips({"h": np.array([0.5, -0.25])})
    >>> drawing.count('class="lc-bar"')
    2
    """
    steps = max(len(v) for v in series.values())
    step = max(26.0, min(76.0, 480 / steps))
    hues = [f"var(--lc-{hue(name)})" for name in names or series]
    parts = [
        _strip(_GAP / 2 + k * (_HEIGHT + _GAP), step, *item, hues[k]) for k, item in enumerate(series.items())
    ]
    foot = len(series) * (_HEIGHT + _GAP) + 12
    parts += [_write(_LEFT + (t + 0.5) * step, foot, str(t + 1), 11, "middle") for t in range(steps)]
    parts += [_write(_LEFT - 34, foot, "step", 11)]
    says = "; ".join(f"{name}: {', '.join(map(_text, values))}" for name, values in series.items())
    width, height = round(_LEFT + steps * step + 8), foot + 8
    return (
        f'<svg class="lc-strips" role="img" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><title>Step by step: {html.escape(", ".join(series))}</title>'
        f"<desc>A bar up or down at each step. {html.escape(says)}</desc>{''.join(parts)}</svg>"
    )


_LEFT, _HEIGHT, _GAP = 64, 64, 18


def _strip(top: float, step: float, name: str, values: np.ndarray, hue: str) -> str:
    """Return one strip: name, scale, a bar at each step, and a line through their ends."""
    zero, limit = top + _HEIGHT / 2, _limit(values)
    foot, across = top + _HEIGHT, len(values) * step
    parts = [
        _write(_LEFT - 34, zero + _sunk(13), name, 13),
        _write(_LEFT - 7, top + _sunk(10), f"{limit:g}", 10),
        _write(_LEFT - 7, foot + _sunk(10), f"−{limit:g}", 10),
        f'<path d="M{_LEFT - 4} {top:.1f}h4v{_HEIGHT}h-4M{_LEFT} {zero:.1f}h{across:.1f}" '
        f'fill="none" stroke="{hue}"/>',
    ]
    ends = []
    for t, value in enumerate(values):
        length = _HEIGHT / 2 * value / limit if np.isfinite(value) else 0.0
        middle = _LEFT + (t + 0.5) * step
        ends.append(f"{middle:.1f},{zero - length:.1f}")
        parts.append(
            f'<rect class="lc-bar" x="{middle - 0.3 * step:.1f}" y="{zero - max(length, 0):.1f}" '
            f'width="{0.6 * step:.1f}" height="{abs(length):.1f}" fill="{hue}" fill-opacity="0.5"/>'
            f'<circle cx="{middle:.1f}" cy="{zero - length:.1f}" r="3.5" fill="{hue}"/>'
        )
    line = f'<polyline points="{" ".join(ends)}" fill="none" stroke="{hue}" stroke-width="2"/>'
    return "".join([*parts, line])


def _sunk(size: float) -> float:
    """Return how far the foot of digits lies below their middle."""
    return 0.36 * size


def _write(x: float, y: float, text: str, size: int, anchor: str = "end") -> str:
    """Return a text of the drawing."""
    at = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
    return f"<text {at}>{html.escape(text)}</text>"


def table(series: Mapping[str, np.ndarray]) -> str:
    """Return the numbers as an HTML table: a row for each series, a column for each step.

    Examples
    --------
    >>> "<td>−0.250</td>" in table({"h": np.array([0.5, -0.25])})
    True
    """
    steps = max(len(v) for v in series.values())
    head = "".join(f'<th scope="col">{t + 1}</th>' for t in range(steps))
    rows = "".join(
        f'<tr><th scope="row">{html.escape(name)}</th>{"".join(f"<td>{_text(v)}</td>" for v in values)}</tr>'
        for name, values in series.items()
    )
    return (
        "<table><caption>The numbers, step by step</caption>"
        f'<thead><tr><th scope="col">step</th>{head}</tr></thead><tbody>{rows}</tbody></table>'
    )


def _text(value: float) -> str:
    """Return a number with three decimals, a true minus, and no minus before zero."""
    text = f"{value:.3f}"
    return "0.000" if text == "-0.000" else text.replace("-", "−")


def _limit(values: np.ndarray) -> float:
    """Return the end of a strip's scale: 1, 2, 5, 10, 20, ..."""
    most = float(np.abs(values[np.isfinite(values)]).max(initial=0.0))
    scale = (m * 10.0**e for e in range(300) for m in (1, 2, 5))
    return next(s for s in scale if most <= s)


def _label(symbol: str, key: str) -> str:
    """Return what a screen reader says of a slider for a number of an array."""
    kind = {"W": "weight of the input", "U": "weight of the previous state", "b": "bias"}
    kind |= {"p": "weight of the cell state", "V": "weight of the cell state"}
    word = "input" if key == "x" else kind.get(key.rsplit(".")[-1].split("_")[0], "weight")
    return f"{spoken(symbol)}, {word}"


def _start(cell: Any, input_size: int, hidden_size: int) -> dict[str, np.ndarray]:
    """Return weights that show a state which fades: 1 from the input, 0.5 from the previous state."""
    params = cell.init(
        input_size=input_size, hidden_size=hidden_size, rng=np.random.default_rng(0), dtype=np.float64
    )
    value = {"W": 1.0, "U": 0.5}
    return {k: np.full_like(p, value[k[0]]) if k[0] in value else p for k, p in params.items()}
