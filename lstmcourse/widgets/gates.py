"""Panels for the gates of an LSTM: one layer, one update, and the belt over several steps.

`gate_panel` lets a reader feel one layer: its input, its weights, where it stands on its curve, and what it
does to what it multiplies. `update_panel` carries out one update of the cell state, `belt_panel` several.
`gate_values`, `update_values` and `belt_series` give the numbers that they show, without a panel.

What a layer reads and multiplies is found in the cell's graph, and every number is that graph's, evaluated
for one unit by what also runs ``cell.step``. The labels are its equations, in the paper's letters.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lstmcourse.engine.expression import DRAWN, unaccented, write
from lstmcourse.engine.graph import Node
from lstmcourse.engine.ops import apply
from lstmcourse.engine.reference import evaluate
from lstmcourse.errors import UnknownNameError, nearest
from lstmcourse.views.diagram.words import Name, named
from lstmcourse.views.hues import hue
from lstmcourse.widgets.panel import Panel, Slider, indexed, pieces, spoken
from lstmcourse.widgets.state import _label, _sunk, _text, strips, table

__all__ = ["belt_panel", "belt_series", "gate_panel", "gate_values", "update_panel", "update_values"]

_RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}
_WORDS = {
    "x": "input",
    "f": "forget gate",
    "i": "input gate",
    "g": "candidate",
    "o": "output gate",
    "c": "cell state",
    "h": "hidden state",
    "d": "depth gate",
    "below": "cell state of the layer below",
}


# One layer


def gate_panel(
    cell: Any,
    gate: str,
    *,
    values: Mapping[str, float] | None = None,
    weight: float = 6.0,
    title: str | None = None,
) -> Panel:
    """Return a panel for one layer of a cell, at one step, for one unit and one input.

    It shows the layer's curve with the place at which it stands. A gate (sigmoid) is also shown at work:
    what it multiplies, before and after. What the layer reads beside the step's input and the states, such
    as the candidate that the input gate multiplies, is held by a slider, so that no other layer matters.

    Parameters
    ----------
    cell : Cell
        Such as ``lc.cells.lstm``.
    gate : str
        The layer's name: ``"f"``, ``"i"``, ``"g"`` or ``"o"``.
    values : mapping of str to float, optional
        Where sliders start, by name.
    weight : float
        Sliders of weights and bias run from ``-weight`` to ``weight`` in steps of 0.1.
    title : str, optional
        A heading of your own.

    Returns
    -------
    Panel
        Sliders have the names of the cell's equations: ``x`` and ``h``, then what the gate multiplies (``c``
        before the step for f, ``g`` for i, ``c`` after it for o), and ``W_f``, ``U_f``, ``b_f``. Where the
        gate has a peephole, ``c`` is what it looks at, and ``p_f`` or ``V_f`` is its weight.

    Raises
    ------
    UnknownNameError
        The cell has no equation of that name, or the panel no slider.
    ValueError
        The equation is not sigmoid or tanh of an affine layer, with or without a peephole.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> panel = gate_panel(lc.cells.lstm, "f", values={"c": 2.0})
    >>> panel
    Panel: the forget gate, for one unit (6 sliders)
    >>> panel.set(x=0, h=0, b_f=-6)
    >>> "<td>0.005</td>" in panel.view       # nearly shut: little is left of 2
    True
    """
    layer = _layer(cell, gate)
    sliders = _sliders(cell, layer, weight)
    _check(values or {}, sliders, f"the panel of {gate!r}")
    sliders = [replace(s, value=float((values or {}).get(s.name, s.value))) for s in sliders]
    word = _WORDS.get(gate, f"layer {gate}")

    def render(at: dict[str, float]) -> str:
        shown = gate_values(cell, gate, at)
        rows = [
            "pre-activation",
            word,
            *(["before", "after"] if layer.after is not None else []),
        ]
        drawing = _layer_drawing(layer, word, shown, _reach(cell, layer.before))
        return _beside(drawing, _rows(shown, rows, f"{_letter(cell, gate)} = {_written(cell, layer.value)}"))

    return Panel(sliders, render, title=title or f"the {word}, for one unit")


def gate_values(cell: Any, gate: str, values: Mapping[str, float]) -> dict[str, float]:
    """Return what a `gate_panel` shows.

    Parameters
    ----------
    cell, gate
        As for `gate_panel`.
    values : mapping of str to float
        What the sliders say, by name; those not named are where they start.

    Returns
    -------
    dict of str to float
        ``"a"``, what comes before the activation; the layer; and for a gate what it multiplies, and the
        product.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> gate_values(lc.cells.lstm, "f", {"c": 2.0, "x": 0.0, "h": 0.0})
    {'a': 0.0, 'f_t': 0.5, 'C_{t-1}': 2.0, 'f_t · C_{t-1}': 1.0}
    >>> gate_values(lc.cells.lstm, "i", {"g": -0.8, "x": 0.0, "h": 0.0})
    {'a': 0.0, 'i_t': 0.5, 'C̃_t': -0.8, 'i_t · C̃_t': -0.4}
    """
    layer = _layer(cell, gate)
    sliders = _sliders(cell, layer, 6.0)
    _check(values, sliders, f"the panel of {gate!r}")
    at = {s.name: s.value for s in sliders} | {name: float(v) for name, v in values.items()}
    held = cell.hold({n.name: at[n.name] for n in layer.reads if n.op.kind != "leaf"})
    now = _layer(held, gate)
    nodes = {"a": now.value.args[0], _letter(cell, gate): now.value}
    if now.before is not None and now.after is not None:
        nodes |= {_written(cell, now.before, top=False): now.before}
        nodes |= {_written(cell, now.after, top=False): now.after}
    return _numbers(held, nodes, at)


@dataclass(frozen=True)
class _Layer:
    """A layer in a cell's graph; a gate with what it multiplies and the product; and what all this reads."""

    value: Node
    before: Node | None
    after: Node | None
    reads: tuple[Node, ...]


def _layer(cell: Any, gate: str) -> _Layer:
    """Find a layer, and what it does, in a cell's graph."""
    names = cell.graph.names
    if gate not in names:
        raise UnknownNameError(f"{cell.name} has no equation named {gate!r}: {nearest(gate, names)}")
    node = names[gate]
    if node.op.name not in _RANGES or not _is_layer(node.args[0]):
        raise ValueError(
            f"{cell.name}: {_letter(cell, gate)} = {_written(cell, node)} is not sigmoid or tanh of an "
            f"affine layer, which is what a panel of {gate!r} would show"
        )
    before = after = None
    for product in cell.graph.nodes if node.op.name == "sigmoid" else ():
        others = [a for a in product.args if a is not node]
        if product.op.name == "mul" and len(others) == 1:
            before, after = others[0], product
            break
    return _Layer(node, before, after, _reads([*node.args[0].args, *([] if before is None else [before])]))


def _is_layer(node: Node) -> bool:
    """Whether a node is an affine layer, or one with peepholes: parameters times what they look at."""
    if node.op.name == "add":
        layer, peephole = node.args
        return _is_layer(layer) and peephole.op.name == "mul" and peephole.args[0].op.name == "param"
    return node.op.name == "affine"


def _reads(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return the inputs, parameters and named equations that these nodes are made of, in order, each once."""
    found: dict[Node, None] = {}
    for node in nodes:
        if node.op.kind == "leaf" or node.name:
            found |= {node: None} if node.op.name != "const" else {}
        else:
            found |= dict.fromkeys(_reads(node.args))
    return tuple(found)


def _sliders(cell: Any, layer: _Layer, weight: float) -> list[Slider]:
    """Return a slider for each number that a layer's panel reads, those of the step first."""
    step, own = [], []
    for node in layer.reads:
        name, word = node.name, _WORDS.get(node.name, node.name)
        if node.op.name == "param":
            symbol = _written(cell, node, top=False)
            label = _label(symbol, name)
            start = 0.0 if label.endswith("bias") else 1.0
            own.append(Slider(name, start, -weight, weight, label=label, group="the layer", symbol=symbol))
            continue
        low, high = _RANGES.get(node.op.name, (-_reach(cell, node), _reach(cell, node)))
        start = {"x": 0.5, "h": 0.5, "g": 0.8}.get(name, 1.0)
        symbol = _written(cell, node, top=False)
        when = " before the step" if node.op.name == "prev" else ""
        label = f"{spoken(symbol)}, the {word}{when}"
        step.append(Slider(name, start, low, high, label=label, group="this step", symbol=symbol))
    return step + own


def _reach(cell: Any, node: Node | None) -> float:
    """Return how far a slider or a scale goes: to 1 for what is bounded by 1, else to 2."""
    bounded = node is None or node.op.name in (*_RANGES, "sequence") or node.name == cell.output
    return 1.0 if bounded else 2.0


# One update


def update_panel(cell: Any = None, *, show: Sequence[str] = ("c", "h"), title: str | None = None) -> Panel:
    """Return a panel that carries out one update of the cell state, and shows what becomes of it.

    Parameters
    ----------
    cell : Cell, optional
        With equations f, i, g, o, in which ``c = f * c + i * g`` and ``h = o * tanh(c)``;
        ``lc.cells.lstm`` if not given. A gate that follows from another one, as i = 1 - f, has no slider.
    show : sequence of str
        ``("c",)`` ends with the new cell state, ``("c", "h")`` goes on to the hidden state.
    title : str, optional
        A heading of your own.

    Returns
    -------
    Panel
        Sliders ``c`` (before the step), ``g``, ``f``, ``i``, and ``o`` where h is shown, but for gates that
        follow from others.

    Raises
    ------
    UnknownNameError
        The cell has no equation of one of these names.
    ValueError
        Its equation for c or h has another form, or `show` is none of the two.

    Examples
    --------
    >>> panel = update_panel(show=("c",))
    >>> panel
    Panel: one update of the cell state (4 sliders)
    >>> panel.set(c=1.5, f=1.0, i=0.0)      # all kept, nothing written
    >>> panel.view.count("<td>1.500</td>")
    3
    """
    cell = _lstm() if cell is None else cell
    if tuple(show) not in (("c",), ("c", "h")):
        raise ValueError(f"show={tuple(show)}: give ('c',), or ('c', 'h')")
    whole = "h" in show
    parts = _parts(cell, whole)
    at_start = {"c": (1.0, -2.0, 2.0), "g": (0.5, -1.0, 1.0)} | dict.fromkeys("fio", (0.5, 0.0, 1.0))
    at_start |= {"i": (1.0, 0.0, 1.0), "o": (1.0, 0.0, 1.0)}
    sliders, bound = [], _bound(cell)
    for name in ("c", "g", *(n for n in ("fio" if whole else "fi") if n not in bound)):
        symbol = _letter(cell, name, "t-1" if name == "c" else "t")
        label = f"{spoken(symbol)}, the {_WORDS[name]}{' before the step' if name == 'c' else ''}"
        group, grid = ("what arrives", 0.1) if name in "cg" else ("the gates", 0.05)
        sliders.append(Slider(name, *at_start[name], grid, label=label, group=group, symbol=symbol))
    rows = ["before", "kept", "candidate", "written", "after", "squashed", "shown"]
    equations = [f"{_letter(cell, n)} = {_written(cell, cell.graph.names[n])}" for n in (*bound, *show)]

    def render(at: dict[str, float]) -> str:
        shown = update_values(cell, at)
        held = cell.hold({n: at[n] for n in "fio" if n in at})
        gates = {_letter(cell, n): held.graph.names[n] for n in "fio" if n in at or n in bound}
        gates = _numbers(held, gates, {})
        return _beside(_update_drawing(shown, gates), _rows(shown, rows[: len(parts)], *equations))

    name = "one update, and what is shown of it" if whole else "one update of the cell state"
    return Panel(sliders, render, title=title or name)


def update_values(cell: Any, values: Mapping[str, float]) -> dict[str, float]:
    """Return what an `update_panel` shows.

    Parameters
    ----------
    cell : Cell
        As for `update_panel`.
    values : mapping of str to float
        ``c`` before the step, ``f``, ``i``, ``g``, and ``o`` where h is wanted, but for gates that follow
        from others.

    Returns
    -------
    dict of str to float

    Examples
    --------
    >>> import lstmcourse as lc
    >>> update_values(lc.cells.lstm, {"c": 1.0, "f": 0.5, "i": 1.0, "g": 0.5})
    {'C_{t-1}': 1.0, 'f_t · C_{t-1}': 0.5, 'C̃_t': 0.5, 'i_t · C̃_t': 0.5, 'C_t': 1.0}
    """
    bound = _bound(cell)
    known = tuple(n for n in ("c", "f", "i", "g", "o") if n not in bound)
    for name in values:
        if name in bound:
            said = _written(cell, cell.graph.names[name])
            raise UnknownNameError(
                f"an update of {cell.name} takes no {name!r}: {_letter(cell, name)} = {said}"
            )
        if name not in known:
            raise UnknownNameError(f"an update has no {name!r}: {nearest(name, known)}")
    needed = [name for name in known if name != "o"]
    for name in needed:
        if name not in values:
            raise ValueError(
                f"an update of {sorted(values)}: {name!r} is missing; give {', '.join(needed)}, and o for h"
            )
    labels = _parts(cell, "o" in values)
    held = cell.hold({name: float(v) for name, v in values.items() if name != "c"})
    now = _parts(held, "o" in values)
    nodes = {_written(cell, label, top=False): node for label, node in zip(labels, now, strict=True)}
    return _numbers(held, nodes, {"c": float(values["c"])})


def _bound(cell: Any) -> tuple[str, ...]:
    """Return the gates that follow from other gates alone, as i = 1 - f."""
    names = cell.graph.names

    def follows(name: str) -> bool:
        reads = _reads(names[name].args) if name in names else ()
        return bool(reads) and all(n.name in "fio" and n is names.get(n.name) for n in reads)

    return tuple(name for name in "fio" if follows(name))


def _parts(cell: Any, whole: bool) -> list[Node]:
    """Return the nodes of one update: before, kept, candidate, written, after; squashed and shown."""
    names = cell.graph.names
    for name in ("f", "i", "g", "c", *(("o", "h") if whole else ())):
        if name not in names:
            raise UnknownNameError(f"{cell.name} has no equation named {name!r}: {nearest(name, names)}")
    before = next((s.prev for s in cell.graph.states if s.name == "c"), None)
    kept = _product(names["c"].args, names["f"], before)
    written = _product(names["c"].args, names["i"], names["g"])
    fits = names["c"].op.name == "add" and kept is not None and written is not None
    found = [before, kept, names["g"], written, names["c"]]
    if whole:
        h = names["h"]
        squashed = [a for a in h.args if a.args and a.args[0] is names["c"]]
        fits = fits and _product([h], names["o"], *squashed[:1]) is not None
        found += [*squashed[:1], h]
    if not fits:
        said = "; ".join(f"{_letter(cell, n)} = {_written(cell, names[n])}" for n in ("c", "h") if n in names)
        raise ValueError(
            f"{cell.name}: {said}: the panel shows an update of the form c = f * c + i * g, h = o * tanh(c)"
        )
    return found


def _product(among: Iterable[Node], *factors: Node | None) -> Node | None:
    """Return the product of two factors, in any order, or None."""
    for node in among:
        if node.op.name == "mul" and {id(a) for a in node.args} == {id(a) for a in factors}:
            return node
    return None


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

    Returns
    -------
    Panel
        Sliders ``C_0``, ``g_2``, ``g_5``, ``f``, ``i``.

    Raises
    ------
    UnknownNameError
        The cell has no equation of one of these names.
    ValueError
        There are too few steps.

    Examples
    --------
    >>> panel = belt_panel()
    >>> panel
    Panel: the belt, step by step (5 sliders)
    >>> panel.set({"C_0": 1.0, "g_5": 0.0, "f": 1.0})
    >>> panel.view.count("<td>1.000</td>")       # nothing is lost
    8
    """
    cell = _lstm() if cell is None else cell
    if steps < 5:
        raise ValueError(f"steps={steps}: at least 5 are needed to see something travel")
    candidate, state = (_letter(cell, name, "") for name in ("g", "c"))
    sliders = [
        Slider(
            "C_0", 1.0, label="C 0, the cell state at the start", group="what travels", symbol=f"{state}_0"
        ),
        *(
            Slider(
                f"g_{t}",
                start,
                label=f"{spoken(candidate)} {t}, the candidate at step {t}",
                group="what travels",
                symbol=f"{candidate}_{t}",
            )
            for t, start in ((2, 0.0), (5, 0.8))
        ),
        Slider("f", 0.9, 0.0, 1.0, 0.05, label="f, the forget gate at every step", group="the gates"),
        Slider("i", 0.5, 0.0, 1.0, 0.05, label="i, the input gate at every step", group="the gates"),
    ]

    def render(at: dict[str, float]) -> str:
        g = np.zeros(steps)
        g[1], g[4] = at["g_2"], at["g_5"]
        series = belt_series(cell, g, start=at["C_0"], f=at["f"], i=at["i"])
        shown = {candidate: g, state: series}
        return strips(shown, ("g", "c")) + table(shown)

    return Panel(sliders, render, title=title or "the belt, step by step")


def belt_series(cell: Any, candidates: Sequence[float], *, start: float, f: float, i: float) -> np.ndarray:
    """Return the cell state after each step, with the gates held, and the candidate held at each step anew.

    Parameters
    ----------
    cell : Cell
        As for `belt_panel`. Its steps are those of ``cell.override(f=..., i=..., g=...)``.
    candidates : sequence of float, (T,)
        The candidate at each step.
    start, f, i : float
        The cell state before the first step, and the gates at every step.

    Returns
    -------
    ndarray (T,)

    Examples
    --------
    >>> import lstmcourse as lc
    >>> belt_series(lc.cells.lstm, [0.0, 1.0, 0.0], start=1.0, f=0.5, i=1.0)
    array([0.5  , 1.25 , 0.625])
    """
    held = {g: cell.override(f=f, i=i, g=g) for g in dict.fromkeys(map(float, candidates))}
    params = {name: np.zeros(shape) for name, shape in cell.parameter_shapes(1, 1).items()}
    state = {name: np.full((1, 1), start if name == "c" else 0.0) for name in cell.states}
    series = []
    for g in map(float, candidates):
        state = dict(held[g].step(params, np.zeros((1, 1)), state))
        series.append(float(state["c"][0, 0]))
    return np.array(series)


# Numbers and letters of a graph


def _lstm() -> Any:
    from lstmcourse.cells import lstm

    return lstm


def _check(values: Mapping[str, float], sliders: Sequence[Slider], where: str) -> None:
    names = [s.name for s in sliders]
    for name in values:
        if name not in names:
            raise UnknownNameError(f"{where} has no slider {name!r}: {nearest(name, names)}")


def _numbers(cell: Any, nodes: Mapping[str, Node], values: Mapping[str, float]) -> dict[str, float]:
    """Evaluate nodes of a cell's graph for one unit: inputs, states and parameters by name, all others 0."""
    sizes = dict.fromkeys(cell.size_names(), 1)

    def leaf(node: Node) -> np.ndarray:
        shape = tuple(d.value(sizes) for d in node.shape)
        return np.full((1,) * node.batched + shape, float(values.get(node.name, 0.0)))

    found = evaluate(list(nodes.values()), leaf, sizes, np.float64)
    return {label: float(np.asarray(found[node]).item()) for label, node in nodes.items()}


def _letter(cell: Any, name: str, when: str = "t") -> str:
    """Return a name of a cell as its paper writes it: ``C_{t-1}``."""
    return _plain(named(name, when, cell.letters))


def _parameter(cell: Any, name: str) -> str:
    """Return a parameter as its paper writes it: ``W_C`` for the ``W_g`` of a candidate written C̃."""
    head, _, layer = name.partition("_")
    return _plain(named(f"{head}_{unaccented(cell.letters.get(layer, layer))}", ""))


def _plain(found: Name) -> str:
    """Return a name on one line, its index behind an underscore."""
    below = found.below.replace("−", "-")
    return found.letter + ("" if not below else f"_{below}" if len(below) == 1 else f"_{{{below}}}")


def _written(cell: Any, node: Node, top: bool = True) -> str:
    """Return a node as its paper writes it: an equation's right side, or its name unless `top`."""

    def name(node: Node, when: str, letters: Mapping[str, str]) -> str:
        if node.op.name == "const":
            return DRAWN.name(node, when, letters)
        if node.op.name == "param":
            return _parameter(cell, node.name)
        return _letter(cell, node.name, when)

    formats = {**DRAWN.formats, "mul": "{0} · {1}", "sub": "{0} − {1}", "neg": "−{0}"}
    return write(node, replace(DRAWN, formats=formats, name=name), cell.letters, top)


# Tables


def _rows(shown: Mapping[str, float], words: Sequence[str], *equations: str) -> str:
    """Return the numbers as an HTML table, a row for each: what it is, how it is written, its value."""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(word)}</th><td>{indexed(label)}</td><td>{_text(value)}</td></tr>'
        for word, (label, value) in zip(words, shown.items(), strict=True)
    )
    caption = "<br>".join(indexed(equation) for equation in equations)
    return f'<table><caption style="white-space:nowrap">{caption}</caption><tbody>{rows}</tbody></table>'


def _beside(drawing: str, numbers: str) -> str:
    """Return a drawing and a table side by side, one above the other where there is no room."""
    style = "display:flex;flex-wrap:wrap;gap:8px 20px;align-items:center"
    return f'<div style="{style}"><div>{drawing}</div><div>{numbers}</div></div>'


# Drawings


def _hue(node: Node | None, gate: Node) -> str:
    """Return the hue of what a gate multiplies or gives: its own, or that of what it is made of."""
    if node is None or node.name:
        return hue("" if node is None else node.name)
    return next((hue(n.name) for n in reversed(_reads(node.args)) if n is not gate), hue(""))


_WIDE, _HIGH, _LEFT, _TOP = 210.0, 150.0, 62.0, 26.0  # the curve's plot
_END = 8.0  # where its axis ends, left and right


def _layer_drawing(layer: _Layer, word: str, shown: Mapping[str, float], reach: float) -> str:
    """Draw a layer's curve with the place at which it stands, and the gate at work between two bars."""
    (_, a), (letter, value), *work = shown.items()
    curve, own = layer.value.op.name, hue(layer.value.name)
    low, high = _RANGES[curve]
    inside = min(max(a, -_END), _END)

    def across(u: Any) -> Any:
        return _LEFT + (u + _END) / (2 * _END) * _WIDE

    def up(v: Any) -> Any:
        return _TOP + (high - v) / (high - low) * _HIGH

    grid = np.linspace(-_END, _END, 81)
    points = zip(across(grid), up(apply(curve, grid)), strict=True)
    x, y, foot, right = across(inside), up(value), _TOP + _HIGH, _LEFT + _WIDE
    parts = [
        _line(f"M{_LEFT:.1f} {up((low + high) / 2):.1f}H{right:.1f}M{across(0):.1f} {_TOP:.1f}V{foot:.1f}"),
        _line(f"M{_LEFT:.1f} {_TOP:.1f}V{foot:.1f}H{right:.1f}", "muted"),
        f'<polyline points="{" ".join(f"{u:.1f},{v:.1f}" for u, v in points)}" fill="none" '
        f'stroke="var(--lc-{own})" stroke-width="2.5"/>',
        _line(f"M{x:.1f} {foot:.1f}V{y:.1f}H{_LEFT:.1f}", own, 'stroke-width="1.5" stroke-dasharray="4 3"'),
        _line(f"M{x:.1f} {foot:.1f}v5M{_LEFT:.1f} {y:.1f}h-5", own, 'stroke-width="2"'),
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="var(--lc-{own})" stroke="var(--lc-paper)" '
        'stroke-width="1.5"/>',
        _say(f"{'σ' if curve == 'sigmoid' else curve}(a)", right - 4, _TOP - 9, 12, "end", "muted"),
        _say(letter, _LEFT, _TOP - 9, 13),
        _say("a", right + 12, foot + _sunk(13), 13),
        _say(_text(value), _LEFT - 8, y + _sunk(11.5), 11.5, "end"),
    ]
    for v in (low, (low + high) / 2, high):
        if abs(up(v) - y) > 13:
            parts.append(_say(f"{v:g}", _LEFT - 8, up(v) + _sunk(10), 10, "end", "muted"))
    mark = f"{_text(a)} →" if a > _END else f"← {_text(a)}" if a < -_END else _text(a)
    parts.append(_say(mark, x, foot + 17, 11.5))
    for u in (-8, -4, 0, 4, 8):
        if abs(across(u) - x) > 34:
            parts.append(_say(f"{u}", across(u), foot + 16, 10, "middle", "muted"))
    width = right + 24
    says = f"{spoken(letter)} = {_text(value)} at a = {_text(a)} on the curve."
    if work:
        (before, was), (after, now) = work
        zero, unit, start = _TOP + _HIGH / 2, 58 / reach, width + 26
        ends = "".join(
            _say(f"{v:g}", start - 8, zero - unit * v + _sunk(10), 10, "end", "muted")
            for v in (-reach, 0, reach)
        )
        first, second = (_hue(node, layer.value) for node in (layer.before, layer.after))
        parts += [
            _line(f"M{start - 5:.1f} {zero - 58:.1f}h5v116h-5", "muted"),
            ends,
            _wire(start, start + 212, zero),
            _ghost(start + 166, zero, unit, was),
            _bar(start + 44, zero, unit, before, was, first),
            _bar(start + 166, zero, unit, after, now, second, was),
            *_gate(start + 105, zero, "×", letter, value, own),
        ]
        width = start + 220
        says += f" Before the gate {spoken(before)} = {_text(was)}, after it {spoken(after)} = {_text(now)}."
    return _svg(width, foot + 26, f"The {word}: where it stands on its curve", says, parts)


def _update_drawing(shown: Mapping[str, float], gates: Mapping[str, float]) -> str:
    """Draw an update along the belt: kept above, written below, shown to the right."""
    (before, kept, candidate, written, after, *more), values = list(shown), list(shown.values())
    (f, i, *o), unit, top, low = gates, 27.0, 104.0, 262.0
    first, step = 42.0, 122.0
    second, third = first + step, first + 2 * step
    joint = second + step / 2
    end = third + (70 if not more else 2.2 * step)
    parts = [
        _wire(first - 34, end, top),
        _wire(first - 34, joint, low, head=False, turn=top + 12),
        *_gate(first + step / 2, top, "×", f, gates[f], hue("f")),
        *_gate(first + step / 2, low, "×", i, gates[i], hue("i")),
        _node(joint, top, "+"),
        _bar(first, top, unit, before, values[0], hue("c")),
        _bar(second, top, unit, kept, values[1], hue("c")),
        _bar(first, low, unit, candidate, values[2], hue("g")),
        _bar(second, low, unit, written, values[3], hue("g")),
        _bar(third, top, unit, after, values[4], hue("c")),
    ]
    if more:
        fork, fourth = third + 0.42 * step, third + 0.78 * step
        last = fourth + step
        branch = f"M{fork:.1f} {top:.1f}V{low - 10:.1f}Q{fork:.1f} {low:.1f} {fork + 10:.1f} {low:.1f}"
        parts += [
            _line(branch, "ink", 'stroke-width="2"'),
            _wire(fork + 10, end, low),
            *_gate(fourth + step / 2, low, "×", o[0], gates[o[0]], hue("o")),
            _bar(fourth, low, unit, more[0], values[5], hue("c")),
            _bar(last, low, unit, more[1], values[6], hue("h")),
        ]
    says = "; ".join(f"{spoken(label)} = {_text(v)}" for label, v in (gates | dict(shown)).items())
    return _svg(end + 8, low + 70, "One update of the cell state, from left to right", says, parts)


_HALF = 22  # half the width of a bar: its number fits in


def _bar(
    x: float, zero: float, unit: float, label: str, value: float, hue: str, was: float | None = None
) -> str:
    """Draw a bar up or down from a line: its value at its end, its name on the other side of the line.

    The value stands inside the outline of what the bar was, or beyond it where there is no room.
    """
    length = unit * value if np.isfinite(value) else 0.0
    down = value < 0 or (was is not None and value == 0 and was < 0)
    left = unit * abs(was) - abs(length) if was is not None else 0.0
    end = abs(length) + (left if 0 < left < 19 else 0.0)
    return (
        f'<rect class="lc-bar" x="{x - _HALF:.1f}" y="{zero - max(length, 0.0):.1f}" width="{2 * _HALF}" '
        f'height="{abs(length):.1f}" fill="var(--lc-{hue})" fill-opacity="0.55" stroke="var(--lc-{hue})"/>'
        + _say(_text(value), x, zero + end + 15 if down else zero - end - 6, 12)
        + _say(label, x, zero + (-10 if down else 19), 13)
    )


def _ghost(x: float, zero: float, unit: float, value: float) -> str:
    """Draw the outline of a bar that was."""
    y, high = zero - max(unit * value, 0.0), abs(unit * value)
    return (
        f'<rect class="lc-ghost" x="{x - _HALF:.1f}" y="{y:.1f}" width="{2 * _HALF}" '
        f'height="{high:.1f}" fill="none" stroke="var(--lc-muted)" stroke-dasharray="3 3"/>'
    )


def _gate(x: float, y: float, sign: str, letter: str, value: float, hue: str) -> list[str]:
    """Draw a gate from below into its product on the line."""
    return [
        _line(f"M{x:.1f} {y + 30:.1f}V{y + 11:.1f}", hue, 'stroke-width="3"'),
        _node(x, y, sign),
        _say(letter, x, y + 43, 13),
        _say(_text(value), x, y + 59, 12),
    ]


def _node(x: float, y: float, sign: str) -> str:
    """Draw a pointwise operation: a circle with its sign."""
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="11" fill="var(--lc-paper)" stroke="var(--lc-ink)" '
        'stroke-width="1.5"/>' + _say(sign, x, y + 5, 16)
    )


def _wire(start: float, end: float, y: float, *, head: bool = True, turn: float | None = None) -> str:
    """Draw a heavy line to the right, with an arrow's head; or one that turns upwards at its end."""
    drawn = f"M{start:.1f} {y:.1f}H{end - 2:.1f}"
    if head:
        drawn += "m-6 -5l6 5l-6 5"
    if turn is not None:
        drawn = f"M{start:.1f} {y:.1f}H{end - 10:.1f}Q{end:.1f} {y:.1f} {end:.1f} {y - 10:.1f}V{turn:.1f}"
    return _line(drawn, "ink", 'stroke-width="2"')


def _line(path: str, hue: str = "rule", more: str = "") -> str:
    """Draw a path in a colour of the palette."""
    return f'<path d="{path}" fill="none" stroke="var(--lc-{hue})" {more}/>'.replace(" />", "/>")


def _say(label: str, x: float, y: float, size: float, anchor: str = "middle", hue: str = "ink") -> str:
    """Write a label with its indices."""
    runs, low = "", False
    for text, index in pieces(label.replace("-", "−") if "_" not in label else label):
        if text:
            runs += f'<tspan dy="{-4 if low else 0}">{html.escape(text)}</tspan>'
            low = False
        if index:
            runs += f'<tspan dy="{0 if low else 4}" font-size="{size - 3:g}">{html.escape(index)}</tspan>'
            low = True
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size:g}"'
    return f'<text {where} style="fill:var(--lc-{hue})">{runs}</text>'


def _svg(width: float, height: float, title: str, says: str, parts: Sequence[str]) -> str:
    return (
        f'<svg class="lc-gates" role="img" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}"><title>{html.escape(title)}</title><desc>{html.escape(says)}</desc>'
        f"{''.join(parts)}</svg>"
    )
