"""`state_panel`: feel the state of a small cell.

`series_of` computes what is shown with the course's own engine, `strips` draws it and `table` writes it down.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..checks import above_zero, array, at_least, finite, given, listed, mapping, named, numbers, real, text
from ..run.unroll import unroll
from ..views.names import spoken
from .drawing import strips, table
from .panel import Panel, Slider, a_cell

__all__ = ["series_of", "state_panel"]


SHAPES = named(
    listed(at_least(0, 10**6), "of sizes"), "of shapes by name, such as {'b_h': (1,), 'x': (2, 1)}"
)


def a_params(name: str, value: Any) -> Mapping[str, Any]:
    """Parameters by name."""
    return {
        k: finite(f"{name}[{k!r}]", array(f"{name}[{k!r}]", v))
        for k, v in mapping(name, value, "of arrays by name").items()
    }


_MOST = 40  # sliders; beyond it nobody finds anything


@given(
    cell=a_cell,
    params=a_params,
    x=numbers(),
    show=listed(text, "of names"),
    hidden_size=at_least(1, 8),
    weight=above_zero,
    title=text,
)
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
    x = finite("x", array("x", x)).astype(np.float64)
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
        label = label_of(symbol, key)
        sliders.append(Slider(name, value, -reach, reach, 0.1, label=label, group=group, symbol=symbol))

    def render(values: dict[str, float]) -> str:
        series = series_of(cell, **arrays_of(values, shapes), show=show)
        return strips(series) + table(series)

    return Panel(sliders, render, title=title or f"the state of {cell.name}, step by step")


@given(shapes=SHAPES)
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


@given(values=named(real, "of numbers by slider"), shapes=SHAPES)
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
        if name not in values:
            raise ValueError(f"values lacks {name!r}, which shapes ask for")
        arrays[key][index] = values[name]
    x = arrays.pop("x")
    return {"params": arrays, "x": x}


@given(cell=a_cell, params=a_params, x=numbers(2, axes="(T, D)"), show=listed(text, "of names"))
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
    run = unroll(cell, dict(params), x[:, None, :])
    series = {}
    for name, values in (("x", x), *((name, run[name][:, 0]) for name in show or cell.states)):
        flat = np.asarray(values).reshape(len(x), -1)
        for k in range(flat.shape[1]):
            series[f"{name}[{k + 1}]" if flat.shape[1] > 1 else name] = flat[:, k].copy()
    return series


def label_of(symbol: str, key: str) -> str:
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
