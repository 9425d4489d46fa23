"""Panels for the gates of an LSTM: one layer, one update, and the belt over several steps.

`gate_panel` lets a reader feel one layer: its inputs, its weights, where it stands on its curve, and what it
does to what it multiplies. `update_panel` carries out one update of the cell state, `belt_panel` several. All
numbers come from the cell itself, run by the course's own engine for one unit.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstmcourse import runtime
from lstmcourse.errors import UnknownNameError, nearest
from lstmcourse.widgets.panel import Panel, Slider
from lstmcourse.widgets.state import _text, strips, table

__all__ = ["belt_panel", "gate_panel", "gate_values", "update_panel", "update_values"]

_CURVES = {"sigmoid": runtime.sigmoid, "tanh": np.tanh}
_WORDS = {
    "f": "forget gate",
    "i": "input gate",
    "o": "output gate",
    "g": "candidate",
}
_LETTERS = {"f": "f_t", "i": "i_t", "o": "o_t", "g": "C̃_t", "c": "C_t", "h": "h_t"}


# One layer


def gate_panel(cell: Any, gate: str, *, title: str | None = None) -> Panel:
    """Return a panel for one layer of a cell, at one step, with one unit and one input.

    Parameters
    ----------
    cell : Cell
        Such as ``lc.cells.lstm``.
    gate : str
        The layer's name: ``"f"``, ``"i"``, ``"g"`` or ``"o"``.
    title : str, optional
        A heading of your own.

    Returns
    -------
    Panel
        Sliders ``x`` and ``h`` (what the layer sees), ``W``, ``U``, ``b`` (its weights), and what it
        multiplies, if anything: ``C`` before the step for f, ``g`` for i, ``C`` after it for o.

    Raises
    ------
    UnknownNameError
        The cell has no equation of that name.
    ValueError
        The equation is not sigmoid or tanh of an affine layer.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> panel = gate_panel(lc.cells.lstm, "f")
    >>> panel
    Panel: the forget gate, for one unit (6 sliders)
    >>> panel.set(x=0, b=-6)
    >>> "<td>0.002</td>" in panel.view       # nearly shut
    True
    """
    curve, factor = _layer(cell, gate)
    name = _WORDS.get(gate, gate)
    weights = {"W": "of the input", "U": "of the previous hidden state"}
    sliders = [
        Slider("x", 0.5, label="x, the input", group="what the layer sees"),
        Slider("h", 0.0, label="h, the hidden state before the step", group="what the layer sees"),
    ]
    if factor is not None:
        start, reach = (0.8, 1.0) if factor == "g" else (1.0, 2.0)
        when = " before the step" if factor == "prev" else ""
        letter = "g" if factor == "g" else "C"
        what = {"prev": "the cell state", "g": "the candidate", "c": "the new cell state"}[factor]
        sliders.append(
            Slider(letter, start, -reach, reach, label=f"{letter}, {what}{when}", group="what it multiplies")
        )
    sliders += [
        Slider(key, 1.0 if key == "W" else 0.0, -6.0, 6.0, label=f"{key}, weight {of}", group="its weights")
        for key, of in weights.items()
    ]
    sliders.append(Slider("b", 0.0, -6.0, 6.0, label="b, the bias", group="its weights"))

    def render(values: dict[str, float]) -> str:
        shown = gate_values(cell, gate, values)
        return _layer_drawing(curve, name, shown) + _numbers(shown)

    return Panel(sliders, render, title=title or f"the {name}, for one unit")


def gate_values(cell: Any, gate: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return what a `gate_panel` shows, from what its sliders say: labels and numbers, in their order.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> sliders = {"x": 1.0, "h": 0.0, "C": 2.0, "W": 0.0, "U": 0.0, "b": 0.0}
    >>> gate_values(lc.cells.lstm, "f", sliders)
    {'a': 0.0, 'f_t': 0.5, 'C_{t-1}': 2.0, 'f_t · C_{t-1}': 1.0}
    """
    curve, factor = _layer(cell, gate)
    params = {name: np.zeros(shape) for name, shape in cell.parameter_shapes(1, 1).items()}
    for key in "WUb":
        params[f"{key}_{gate}"][...] = values[key]
    held = {} if factor in (None, "prev") else {factor: values["g" if factor == "g" else "C"]}
    before = {"h": values["h"], "c": values.get("C", 0.0) if factor == "prev" else 0.0}
    state = {name: np.full((1, 1), before.get(name, 0.0)) for name in cell.states}
    step = (cell.override(**held) if held else cell).step(params, np.full((1, 1), values["x"]), state)
    at = {name: float(step[name][0, 0]) for name in (*cell.states, gate)}
    a = values["x"] * values["W"] + values["h"] * values["U"] + values["b"]
    letter = _LETTERS.get(gate, gate)
    shown = {"a": float(a), letter: at[gate]}
    if factor == "prev":
        kept = at["c"]  # with all other weights at 0 nothing is added
        shown |= {"C_{t-1}": before["c"], f"{letter} · C_{{t-1}}": kept}
    elif factor == "g":
        shown |= {"C̃_t": held["g"], f"{letter} · C̃_t": at["c"]}
    elif factor == "c":
        shown |= {"tanh(C_t)": float(np.tanh(held["c"])), "h_t": at["h"]}
    return shown


def _layer(cell: Any, gate: str) -> tuple[str, str | None]:
    """Return a layer's activation, and what it multiplies.

    That is ``"prev"``, a state before the step; the name of an equation; or None.
    """
    names = cell.graph.names
    if gate not in names:
        raise UnknownNameError(f"{cell.name} has no equation named {gate!r}: {nearest(gate, names)}")
    node = names[gate]
    if node.op.name not in _CURVES or node.args[0].op.name != "affine":
        raise ValueError(
            f"gate={gate!r}: in {cell.name} it is no layer, sigmoid or tanh of an affine; the panel shows one"
        )
    if node.op.name == "tanh":
        return "tanh", None
    for product in cell.graph.nodes:
        if product.op.name == "mul" and any(a is node for a in product.args):
            other = next(a for a in product.args if a is not node)
            if other.op.name == "prev":
                return node.op.name, "prev"
            inner = other if other.name else other.args[0]
            return node.op.name, inner.name
    return node.op.name, None


# One update


def update_panel(cell: Any = None, *, show: Sequence[str] = ("c", "h"), title: str | None = None) -> Panel:
    """Return a panel that carries out one update of the cell state: kept, entered, and what is shown.

    Parameters
    ----------
    cell : Cell, optional
        With equations f, i, g, o, c, h; ``lc.cells.lstm`` if not given.
    show : sequence of str
        ``("c",)`` ends with the new cell state, ``("c", "h")`` goes on to the hidden state.
    title : str, optional
        A heading of your own.

    Returns
    -------
    Panel
        Sliders ``C``, ``f``, ``i``, ``g``, and ``o`` where h is shown.

    Examples
    --------
    >>> panel = update_panel(show=("c",))
    >>> panel
    Panel: one update of the cell state (4 sliders)
    """
    cell = _lstm() if cell is None else cell
    if tuple(show) not in (("c",), ("c", "h")):
        raise ValueError(f"show={tuple(show)}: give ('c',), or ('c', 'h')")
    sliders = [
        Slider("C", 1.0, -2.0, 2.0, label="C, the cell state before the step", group="what arrives"),
        Slider("g", 0.5, -1.0, 1.0, label="g, the candidate", group="what arrives"),
        Slider("f", 0.5, 0.0, 1.0, 0.05, label="f, the forget gate", group="the gates"),
        Slider("i", 1.0, 0.0, 1.0, 0.05, label="i, the input gate", group="the gates"),
    ]
    if "h" in show:
        sliders.append(Slider("o", 1.0, 0.0, 1.0, 0.05, label="o, the output gate", group="the gates"))

    def render(values: dict[str, float]) -> str:
        shown = update_values(cell, values)
        return _bars_drawing(shown, "One update of the cell state") + _numbers(shown)

    name = "one update, and what is shown of it" if "h" in show else "one update of the cell state"
    return Panel(sliders, render, title=title or name)


def update_values(cell: Any, values: Mapping[str, float]) -> dict[str, float]:
    """Return what an `update_panel` shows, from what its sliders say.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> update_values(lc.cells.lstm, {"C": 1.0, "f": 0.5, "i": 1.0, "g": 0.5})
    {'C_{t-1}': 1.0, 'f_t · C_{t-1}': 0.5, 'i_t · C̃_t': 0.5, 'C_t': 1.0}
    """
    c0, f, i, g = (float(values[k]) for k in ("C", "f", "i", "g"))

    def step(**held: float) -> Any:
        params = {name: np.zeros(shape) for name, shape in cell.parameter_shapes(1, 1).items()}
        state = {name: np.full((1, 1), c0 if name == "c" else 0.0) for name in cell.states}
        return cell.override(**held).step(params, np.zeros((1, 1)), state)

    kept, entered = step(f=f, i=0.0, g=g), step(f=0.0, i=i, g=g)
    whole = step(f=f, i=i, g=g, o=float(values.get("o", 1.0)))
    shown = {
        "C_{t-1}": c0,
        "f_t · C_{t-1}": float(kept["c"][0, 0]),
        "i_t · C̃_t": float(entered["c"][0, 0]),
        "C_t": float(whole["c"][0, 0]),
    }
    if "o" in values:
        wide = step(f=f, i=i, g=g, o=1.0)
        shown |= {"tanh(C_t)": float(wide["h"][0, 0]), "h_t": float(whole["h"][0, 0])}
    return shown


# Several updates


def belt_panel(cell: Any = None, *, steps: int = 8, title: str | None = None) -> Panel:
    """Return a panel in which a number travels along the cell state, step by step.

    The gates stand still at what the sliders say; the candidate is 0 but at two steps.

    Parameters
    ----------
    cell : Cell, optional
        With equations f, i, g, c; ``lc.cells.lstm`` if not given.
    steps : int
        At least 5.
    title : str, optional
        A heading of your own.

    Examples
    --------
    >>> panel = belt_panel()
    >>> panel.set({"C_0": 1.0, "f": 1.0, "i": 0.0})
    >>> "<td>1.000</td>" in panel.view
    True
    """
    cell = _lstm() if cell is None else cell
    if steps < 5:
        raise ValueError(f"steps={steps}: at least 5 are needed to see something travel")
    sliders = [
        Slider("C_0", 1.0, label="C_0, the cell state at the start", group="what travels"),
        Slider("g_2", 0.0, label="g_2, the candidate at step 2", group="what travels"),
        Slider("g_5", 0.8, label="g_5, the candidate at step 5", group="what travels"),
        Slider("f", 0.9, 0.0, 1.0, 0.05, label="f, the forget gate at every step", group="the gates"),
        Slider("i", 0.5, 0.0, 1.0, 0.05, label="i, the input gate at every step", group="the gates"),
    ]

    def render(values: dict[str, float]) -> str:
        candidates = np.zeros(steps)
        candidates[1], candidates[4] = values["g_2"], values["g_5"]
        state, series = {name: np.zeros((1, 1)) for name in cell.states}, []
        state["c"] += values["C_0"]
        params = {name: np.zeros(shape) for name, shape in cell.parameter_shapes(1, 1).items()}
        for g in candidates:
            held = cell.override(f=values["f"], i=values["i"], g=float(g))
            state = dict(held.step(params, np.zeros((1, 1)), state))
            series.append(state["c"][0, 0])
        shown = {"C̃": candidates, "C": np.array(series)}
        return strips(shown) + table(shown)

    return Panel(sliders, render, title=title or "the belt, step by step")


def _lstm() -> Any:
    from lstmcourse.cells import lstm

    return lstm


# Drawing


def _pieces(label: str) -> list[tuple[str, str]]:
    """Split a label into (text, index) pairs.

    before: ``f_t · C_{t-1}``
    after:  ``[("f", "t"), (" · C", "t−1")]``
    """
    found = re.findall(r"([^_]*)(?:_(?:\{([^}]*)\}|(\w)))?", label)
    return [(text, (a or b).replace("-", "−")) for text, a, b in found if text or a or b]


def _svg_label(label: str, x: float, y: float, size: int = 13, anchor: str = "middle") -> str:
    parts = []
    for text, index in _pieces(label):
        parts.append(f"<tspan>{html.escape(text)}</tspan>")
        if index:
            parts.append(f'<tspan dy="4" font-size="{size - 4}">{html.escape(index)}</tspan>')
            parts.append('<tspan dy="-4">\u200b</tspan>')
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{"".join(parts)}</text>'


def _html_label(label: str) -> str:
    return "".join(
        html.escape(text) + (f"<sub>{html.escape(index)}</sub>" if index else "")
        for text, index in _pieces(label)
    )


def _said(label: str) -> str:
    """A label as a screen reader is to say it."""
    return "".join(f"{text} {index}".rstrip() for text, index in _pieces(label)).strip()


def _numbers(shown: Mapping[str, float]) -> str:
    """Return the numbers as an HTML table of one row."""
    head = "".join(f'<th scope="col">{_html_label(label)}</th>' for label in shown)
    cells = "".join(f"<td>{_text(value)}</td>" for value in shown.values())
    return (
        "<table><caption>The numbers</caption>"
        f"<thead><tr>{head}</tr></thead><tbody><tr>{cells}</tr></tbody></table>"
    )


_WIDE, _HIGH = 300, 190  # of the curve's plot
_REACH = 8.0  # the curve runs from −8 to 8


def _layer_drawing(curve: str, name: str, shown: Mapping[str, float]) -> str:
    """Draw a layer's curve with the place at which it stands, and bars for what it does."""
    (_, a), (letter, value), *effect = shown.items()
    low = 0.0 if curve == "sigmoid" else -1.0
    left, top = 46, 16

    def px(u: float) -> float:
        return left + (min(max(u, -_REACH), _REACH) + _REACH) / (2 * _REACH) * _WIDE

    def py(v: float) -> float:
        return top + (1.0 - (v - low) / (1.0 - low)) * (_HIGH - 40)

    grid = np.linspace(-_REACH, _REACH, 97)
    line = " ".join(
        f"{px(float(u)):.1f},{py(float(v)):.1f}" for u, v in zip(grid, _CURVES[curve](grid), strict=True)
    )
    x, y, foot = px(a), py(value), py(low)
    parts = [
        f'<path d="M{left} {top}V{foot:.1f}H{left + _WIDE}" fill="none" stroke="var(--lc-muted)"/>',
        f'<polyline points="{line}" fill="none" stroke="var(--lc-blue)" stroke-width="2.5"/>',
        f'<path d="M{x:.1f} {foot:.1f}V{y:.1f}H{left}" fill="none" stroke="var(--lc-orange)" '
        'stroke-dasharray="4 3" stroke-width="1.5"/>',
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="var(--lc-orange)"/>',
        _svg_label("a", left + _WIDE + 10, foot + 4),
        _svg_label(letter, left - 26, top + 4),
    ]
    for v in (low, 1.0) if low == 0.0 else (low, 0.0, 1.0):
        parts.append(_svg_label(f"{v:g}".replace("-", "−"), left - 8, py(v) + 4, 10, "end"))
    for u in (-8, -4, 0, 4, 8):
        parts.append(_svg_label(str(u).replace("-", "−"), px(u), foot + 15, 10))
    width = left + _WIDE + 30
    if effect:
        drawn, more = _bars(dict(effect), width + 20, top, _HIGH - 40, 2.0 if letter == "f_t" else 1.0)
        parts.append(drawn)
        width += 20 + more
    says = ", ".join(f"{_said(label)} {_text(v)}" for label, v in shown.items())
    return _svg(width, _HIGH + 6, f"The {name}: its curve, and where it stands", says, parts)


def _bars(
    values: Mapping[str, float], left: float, top: float, high: float, limit: float
) -> tuple[str, float]:
    """Draw labelled bars up or down from a zero line; return them and their width."""
    zero, each = top + high / 2, 104.0
    across = each * len(values)
    parts = [f'<path d="M{left:.1f} {zero:.1f}h{across:.1f}" stroke="var(--lc-muted)"/>']
    for k, (label, value) in enumerate(values.items()):
        middle, length = left + (k + 0.5) * each, (high / 2 - 14) * value / limit
        hue = ("blue", "orange", "green", "purple", "ochre", "blue")[k % 6]
        parts.append(
            f'<rect class="lc-bar" x="{middle - 20:.1f}" y="{zero - max(length, 0.0):.1f}" width="40" '
            f'height="{abs(length):.1f}" fill="var(--lc-{hue})"/>'
        )
        over = zero - length + (-6 if length >= 0 else 16)
        parts.append(_svg_label(_text(value), middle, over, 11))
        parts.append(_svg_label(label, middle, top + high + 26))
    return "".join(parts), across


def _bars_drawing(values: Mapping[str, float], title: str) -> str:
    drawn, across = _bars(values, 10, 10, 170, 3.0)  # 2 kept, 1 entered
    says = ", ".join(f"{_said(label)} {_text(v)}" for label, v in values.items())
    return _svg(across + 20, 216, title, says, [drawn])


def _svg(width: float, height: float, title: str, says: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="lc-strips" role="img" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}"><title>{html.escape(title)}</title><desc>{html.escape(says)}</desc>'
        f"{''.join(parts)}</svg>"
    )
