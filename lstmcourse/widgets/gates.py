"""Panels for the gates of an LSTM: one layer, one update, and the belt over several steps.

`gate_panel` lets a reader feel one layer: its input, its weights, where it stands on its curve, and what it
does to what it multiplies. `update_panel` carries out one update of the cell state, `belt_panel` several.
`gate_values`, `update_values` and `belt_series` give the numbers that they show, without a panel.

What a layer reads and multiplies is found in the cell's graph, and every number is that graph's, evaluated
for one unit by what also runs ``cell.step``. The labels are its equations, in the paper's letters.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import checks
from ..cells.lstm import lstm
from ..engine.graph import Node
from ..engine.reference import evaluate
from ..errors import UnknownNameError, nearest
from ..views.names import spoken
from .drawing import strips, table
from .gates_drawing import layer_drawing, rows_of, side_by_side, update_drawing
from .layer import RANGES, layer_of, letter_of, reads_of, written_of
from .panel import Panel, Slider, a_cell
from .state import label_of

if TYPE_CHECKING:
    from .layer import Layer

__all__ = ["belt_panel", "belt_series", "gate_panel", "gate_values", "update_panel", "update_values"]


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


@checks.given(
    cell=a_cell,
    gate=checks.text,
    values=checks.named(checks.real, "of numbers by slider"),
    weight=checks.above_zero,
    title=checks.text,
)
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
    layer = layer_of(cell, gate)
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
        drawing = layer_drawing(layer, word, shown, _reach(cell, layer.before))
        return side_by_side(
            drawing, rows_of(shown, rows, f"{letter_of(cell, gate)} = {written_of(cell, layer.value)}")
        )

    return Panel(sliders, render, title=title or f"the {word}, for one unit")


@checks.given(cell=a_cell, gate=checks.text, values=checks.named(checks.real, "of numbers by slider"))
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
    layer = layer_of(cell, gate)
    sliders = _sliders(cell, layer, 6.0)
    _check(values, sliders, f"the panel of {gate!r}")
    at = {s.name: s.value for s in sliders} | {name: float(v) for name, v in values.items()}
    held = cell.hold({n.name: at[n.name] for n in layer.reads if n.op.kind != "leaf"})
    now = layer_of(held, gate)
    nodes = {"a": now.value.args[0], letter_of(cell, gate): now.value}
    if now.before is not None and now.after is not None:
        nodes |= {written_of(cell, now.before, top=False): now.before}
        nodes |= {written_of(cell, now.after, top=False): now.after}
    return _numbers(held, nodes, at)


def _sliders(cell: Any, layer: Layer, weight: float) -> list[Slider]:
    """Return a slider for each number that a layer's panel reads, those of the step first."""
    step, own = [], []
    for node in layer.reads:
        name, word = node.name, _WORDS.get(node.name, node.name)
        if node.op.name == "param":
            symbol = written_of(cell, node, top=False)
            label = label_of(symbol, name)
            start = 0.0 if label.endswith("bias") else 1.0
            own.append(Slider(name, start, -weight, weight, label=label, group="the layer", symbol=symbol))
            continue
        low, high = RANGES.get(node.op.name, (-_reach(cell, node), _reach(cell, node)))
        start = {"x": 0.5, "h": 0.5, "g": 0.8}.get(name, 1.0)
        symbol = written_of(cell, node, top=False)
        when = " before the step" if node.op.name == "prev" else ""
        label = f"{spoken(symbol)}, the {word}{when}"
        step.append(Slider(name, start, low, high, label=label, group="this step", symbol=symbol))
    return step + own


def _reach(cell: Any, node: Node | None) -> float:
    """Return how far a slider or a scale goes: to 1 for what is bounded by 1, else to 2."""
    bounded = node is None or node.op.name in (*RANGES, "sequence") or node.name == cell.output
    return 1.0 if bounded else 2.0


# One update


@checks.given(cell=a_cell, show=checks.listed(checks.text, "of states"), title=checks.text)
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
    cell = lstm if cell is None else cell
    if tuple(show) not in (("c",), ("c", "h")):
        raise ValueError(f"show={tuple(show)}: give ('c',), or ('c', 'h')")
    whole = "h" in show
    parts = _parts(cell, whole)
    at_start = {"c": (1.0, -2.0, 2.0), "g": (0.5, -1.0, 1.0)} | dict.fromkeys("fio", (0.5, 0.0, 1.0))
    at_start |= {"i": (1.0, 0.0, 1.0), "o": (1.0, 0.0, 1.0)}
    sliders, bound = [], _bound(cell)
    for name in ("c", "g", *(n for n in ("fio" if whole else "fi") if n not in bound)):
        symbol = letter_of(cell, name, "t-1" if name == "c" else "t")
        label = f"{spoken(symbol)}, the {_WORDS[name]}{' before the step' if name == 'c' else ''}"
        group, grid = ("what arrives", 0.1) if name in "cg" else ("the gates", 0.05)
        sliders.append(Slider(name, *at_start[name], grid, label=label, group=group, symbol=symbol))
    rows = ["before", "kept", "candidate", "written", "after", "squashed", "shown"]
    equations = [f"{letter_of(cell, n)} = {written_of(cell, cell.graph.names[n])}" for n in (*bound, *show)]

    def render(at: dict[str, float]) -> str:
        shown = update_values(cell, at)
        held = cell.hold({n: at[n] for n in "fio" if n in at})
        gates = {letter_of(cell, n): held.graph.names[n] for n in "fio" if n in at or n in bound}
        gates = _numbers(held, gates, {})
        return side_by_side(update_drawing(shown, gates), rows_of(shown, rows[: len(parts)], *equations))

    name = "one update, and what is shown of it" if whole else "one update of the cell state"
    return Panel(sliders, render, title=title or name)


@checks.given(cell=a_cell, values=checks.named(checks.real, "of numbers by slider"))
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
            said = written_of(cell, cell.graph.names[name])
            raise UnknownNameError(
                f"an update of {cell.name} takes no {name!r}: {letter_of(cell, name)} = {said}"
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
    nodes = {written_of(cell, label, top=False): node for label, node in zip(labels, now, strict=True)}
    return _numbers(held, nodes, {"c": float(values["c"])})


def _bound(cell: Any) -> tuple[str, ...]:
    """Return the gates that follow from other gates alone, as i = 1 - f."""
    names = cell.graph.names

    def follows(name: str) -> bool:
        reads = reads_of(names[name].args) if name in names else ()
        return bool(reads) and all(n.name in "fio" and n is names.get(n.name) for n in reads)

    return tuple(name for name in "fio" if follows(name))


def _parts(cell: Any, whole: bool) -> list[Node]:
    """Return the nodes of one update: before, kept, candidate, written, after; squashed and shown."""
    names = cell.graph.names
    for name in ("f", "i", "g", "c", *(("o", "h") if whole else ())):
        if name not in names:
            raise UnknownNameError(
                f"gate: {cell.name} has no equation named {name!r}: {nearest(name, names)}"
            )
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
        said = "; ".join(
            f"{letter_of(cell, n)} = {written_of(cell, names[n])}" for n in ("c", "h") if n in names
        )
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


@checks.given(cell=a_cell, steps=checks.at_least(1, 40), title=checks.text)
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
    cell = lstm if cell is None else cell
    if steps < 5:
        raise ValueError(f"steps={steps}: at least 5 are needed to see something travel")
    candidate, state = (letter_of(cell, name, "") for name in ("g", "c"))
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


@checks.given(
    cell=a_cell,
    candidates=checks.numbers(1, axes="(T,)"),
    start=checks.real,
    f=checks.real,
    i=checks.real,
)
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


# Numbers of a graph


def _check(values: Mapping[str, float], sliders: Sequence[Slider], where: str) -> None:
    names = [s.name for s in sliders]
    for name in values:
        if name not in names:
            raise UnknownNameError(f"values: {where} has no slider {name!r}: {nearest(name, names)}")


def _numbers(cell: Any, nodes: Mapping[str, Node], values: Mapping[str, float]) -> dict[str, float]:
    """Evaluate nodes of a cell's graph for one unit: inputs, states and parameters by name, all others 0."""
    sizes = dict.fromkeys(cell.size_names(), 1)

    def leaf(node: Node) -> np.ndarray:
        shape = tuple(d.value(sizes) for d in node.shape)
        return np.full((1,) * node.batched + shape, float(values.get(node.name, 0.0)))

    found = evaluate(list(nodes.values()), leaf, sizes, np.float64)
    return {label: float(np.asarray(found[node]).item()) for label, node in nodes.items()}
