"""`lab`: a cell's diagram, alive in a page. A `Lab` is what Python reads, sets and runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, final

import numpy as np

from .. import checks
from ..cell import Cell
from ..engine.graph import Node
from ..run.run import Run
from ..views.diagram.layout import layout
from ..views.diagram.plan import MOST
from ..views.diagram.read import scopes
from ..views.names import named as set_name
from . import page
from .base import LONGEST, Laboratory
from .graphs import before, named
from .picture import live
from .words import label

if TYPE_CHECKING:
    from ..views.diagram.plan import Layout

__all__ = ["Lab", "lab"]

UNITS, STEPS = 3, 20
SEED, LOUD = 31, 2.0  # as cells draw weights, but those of the input are twice as large: one sees more
START = {2: 1.0, 9: -1.0, 14: 0.5, 15: 0.5}
"""The input as a lab begins: two pulses and a small step; 0 elsewhere."""

HINT = (
    "Point at a part of the picture, or move to it with Tab and the arrows: here stands its equation, with "
    "the numbers in it. Drag the numbers; draw the input below."
)


def a_cell(name: str, value: Any) -> Cell:
    """A cell that a laboratory can show; else what stands in the way."""
    cell = checks.instance(name, value, Cell, "lstmcourse.cells.lstm")
    for i in cell.inputs:
        if i.kind in ("static", "noise"):
            raise ValueError(
                f"{name}={cell.name}: its input {i.name!r} is {i.kind}; the laboratory shows cells of a "
                "sequence, states and a clock"
            )
    if more := [s for s in cell.size_names() if s not in ("D", "H")]:
        raise ValueError(
            f"{name}={cell.name}: it has the size {more[0]!r}; the laboratory shows cells whose sizes are "
            "those of input and state alone"
        )
    if any(s.reverse for s in cell.graph.states):
        raise ValueError(
            f"{name}={cell.name}: it reads backwards too, and the laboratory goes from left to right; show "
            "the cell that it is made of"
        )
    return cell


@checks.given(cell=a_cell, hidden_size=checks.at_least(1, UNITS))
def lab(
    cell: Cell, *, hidden_size: int = 1, params: Mapping[str, np.ndarray] | None = None, x: Any = None
) -> Lab:
    """Open a laboratory: the cell's own diagram with a number on every line, and all of them can be moved.

    Parameters
    ----------
    cell : Cell
        Of a sequence, states and a clock; stacks too.
    hidden_size : int
        Units, 1 to 3.
    params : mapping of str to ndarray, optional
        Where the weights start, as ``cell.init(1, hidden_size)`` gives them; drawn if not given.
    x : array (T,), optional
        Where the input starts, at most 100 numbers; two pulses if not given.

    Returns
    -------
    Lab
        Displays itself. It lives in the page, without Python too; where Python answers, the two agree.

    Raises
    ------
    ValueError
        The cell has what the laboratory cannot show, or there are too many units, steps or operations.
    NotFiniteError
        A number is NaN or infinite.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> bench = lc.lab(lc.cells.lstm)
    >>> bench
    <Lab of lstm: 1 unit, 20 steps>
    >>> bench.values["b_f"] = 6.0
    >>> bool(bench.run()["f"].min() > 0.9)
    True
    >>> bench.held = {"f": [np.nan] * 10 + [0.0] * 10}
    >>> bench.run()["f"][8:12, 0, 0].round(2).tolist()[2:]
    [0.0, 0.0]
    """
    plan = layout(cell, scopes(cell.graph))
    if plan is None:
        raise ValueError(
            f"cell={cell.name}: one step has more than {MOST} operations, which are more than a picture "
            "holds; show a part of it"
        )
    made = Lab(cell, hidden_size, plan)
    made.values = {} if params is None else checks.mapping("params", params, "of arrays by name")
    if x is not None:
        made.values = {made._input("x"): _sequence(x)}
    made._begin(hidden_size)
    return made


@final
class Lab(Laboratory):
    """A cell, and the numbers that it is run with; made by `lab`."""

    def __init__(self, cell: Cell, hidden_size: int, plan: Layout | None):
        self.hidden_size, self._plan = hidden_size, plan
        loud = {p.name for p in cell.graph.params if _of_input(p)}
        params = {
            name: np.round(p * (LOUD if name in loud else 1.0), 2) + 0.0
            for name, p in cell.init(1, hidden_size, rng=SEED, dtype=np.float64).items()
        }
        super().__init__(cell, {"D": 1, "H": hidden_size}, params, STEPS)
        pulses = np.array([START.get(t, 0.0) for t in range(STEPS)])
        for name in self._inputs:
            shape = (STEPS, 1, *self._tail[name])
            first = name == self._inputs[0]
            self._values[name] = np.broadcast_to(
                pulses.reshape(-1, *[1] * (len(shape) - 1)) * first, shape
            ).copy()

    def _input(self, name: str) -> str:
        """The sequence that the cell reads."""
        if not self._inputs:
            raise ValueError(f"{name}: {self.cell.name} has no input")
        return self._inputs[0]

    def _fitting(self, name: str, value: Any) -> np.ndarray:
        if name in self._inputs:
            a = checks.array(f"values[{name!r}]", value, "iuf").astype(np.float64)
            a = checks.finite(f"values[{name!r}]", a)
            steps = len(a) if a.ndim else self.steps
            if not 1 <= steps <= LONGEST:
                raise ValueError(f"values[{name!r}] has {steps} steps; a laboratory has 1 to {LONGEST}")
            return self._spread(f"values[{name!r}]", a, (steps, 1, *self._tail[name]), timed=True)
        return super()._fitting(name, value)

    # showing it

    def _html(self) -> str:
        watched = self._run(named(self.cell), {})
        drawn = live(
            self.cell,
            self._plan,
            lambda key: self._number(watched, key, 0),
            set(self._holdable) | set(self._inputs) | {before(s) for s in self.cell.states},
        )
        return page.fragment(drawn, page.arithmetic(self.cell, self.sizes), self._spec(), self._key)

    def _number(self, run: Run, key: str, step: int) -> float:
        """The first unit's element of a value at a step."""
        if key in self._inputs:
            return float(self._values[key][step].flat[0])
        clock = [n.name for n in self.cell.graph.leaves("clock")]
        return float(step) if key in clock else float(np.asarray(run[key])[step].flat[0])

    def _spec(self) -> dict[str, Any]:
        """What the page's script is told beside the arithmetic."""
        units = f"{self.hidden_size} unit{'s' * (self.hidden_size > 1)}"
        return {
            "name": f"Laboratory: {self.cell.name}, {units}",
            "title": f"{self.cell.name}, {units}",
            "hint": HINT,
            "open": self.hidden_size == 1 and len(self._params) <= 12,
            "step": min(2, self.steps - 1),
            "groups": list(self._groups()),
            **super()._spec(),
        }

    def _groups(self) -> Iterator[tuple[str, list[str]]]:
        """Weights by the layer that they belong to, and the starts."""
        found: dict[str, list[str]] = {}
        for name in self._params:
            scope, _, local = name.rpartition(".")
            found.setdefault(".".join(p for p in (scope, local.partition("_")[2] or local) if p), []).append(
                name
            )
        for layer, names in found.items():
            title = (
                label(layer, "t", self.cell.letters) if layer in self._holdable else set_name(layer, "").plain
            )
            yield f"layer {title}", names
        if self._starts:
            yield "before the first step", self._starts

    def __repr__(self) -> str:
        count = self.hidden_size
        return f"<Lab of {self.cell.name}: {count} unit{'s' * (count > 1)}, {self.steps} steps>"


def _sequence(x: Any) -> np.ndarray:
    a = checks.array("x", x, "iuf")
    return a if a.ndim else checks.array("x", x, "iuf", ndim=1, axes="(T,)")


def _of_input(param: Node) -> bool:
    """Whether it is a layer's matrix for its input, as ``W_f`` is."""
    return (
        param.name.rpartition(".")[2].startswith("W") and len(param.shape) == 2 and "fixed" not in param.attrs
    )
