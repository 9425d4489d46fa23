"""What laboratories of a cell share: arrays by name, and equations that are held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..cell import Cell
from ..engine.expression import equations
from ..engine.graph import Node, walk
from ..engine.layers import table_values
from ..engine.reference import evaluate
from ..errors import ShapeError, UnknownNameError, nearest
from ..run.run import Run
from ..run.unroll import unroll
from ..views.style import hue
from .graphs import FREE, HOLD, held_equations, holdable, keys
from .shown import Shown
from .words import sentences

__all__ = ["LONGEST", "Laboratory", "Values", "a_cell", "array_for_page", "held_inputs", "places"]

LONGEST = 100  # steps


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


class Values(dict):
    """Arrays by name, as `lstmcourse.unroll` takes them; what is set here is set in the laboratory."""

    def __init__(self, owner: Laboratory, arrays: Mapping[str, np.ndarray]):
        super().__init__({name: a.copy() for name, a in arrays.items()})
        for a in self.values():
            a.flags.writeable = False  # or a change would be lost
        self._owner = owner

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def update(self, *given: Any, **named: Any) -> None:
        """Set several at once."""
        self._owner.values = dict(*given, **named)
        super().update(self._owner.values)

    def __ior__(self, other: Any) -> Values:
        self.update(other)
        return self

    def _fixed(self, *args: Any) -> Any:
        raise TypeError("values: a laboratory has all of its values at all times; set them to others")

    __delitem__ = pop = popitem = clear = setdefault = _fixed


class Laboratory(Shown):
    """A cell, arrays that it is run with, and equations that are held at some steps.

    A subclass adds its inputs to `_values`, and says what may be set there (`_fitting`), what page and Python
    tell each other (`_told_values`) and what the page shows (`_html`).
    """

    def __init__(self, cell: Cell, sizes: dict[str, int], params: Mapping[str, np.ndarray], steps: int):
        super().__init__()
        self.cell, self.sizes, self.steps = cell, sizes, steps
        self._params = list(params)
        self._inputs = [i.name for i in cell.inputs if i.kind == "sequence"]
        self._starts = [s.name for s in cell.graph.states if not _learned(s.start)]
        self._tail = {s.name: self._shape(s.prev) for s in cell.graph.states}
        self._tail |= {n.name: self._shape(n) for n in cell.graph.leaves("sequence")}
        self._holdable = {name: self._shape(n) for name, n in held_equations(cell.graph).items()}
        self._values = dict(params)
        for s in cell.graph.states:
            if s.name in self._starts:  # a number, as a rule 0
                start = evaluate([s.start], lambda node: 0.0, sizes)[s.start]
                self._values[s.name] = np.broadcast_to(start, (1, *self._tail[s.name])).astype(np.float64)
        self._held: dict[str, np.ndarray] = {}

    def _shape(self, node: Node) -> tuple[int, ...]:
        return tuple(d.value(self.sizes) for d in node.shape)

    # what it knows

    @property
    def values(self) -> Values:
        """Every weight, the states' starts and the input, by name, in the shapes of `lstmcourse.unroll`.

        What is set here shows in the page. A number stands for all elements.
        """
        return Values(self, self._values)

    @values.setter
    def values(self, values: Mapping[str, Any]) -> None:
        values = checks.mapping("values", values, "of arrays by name, such as {'b_f': 2.0}")
        new = {name: self._fitting(name, value) for name, value in values.items()}
        lengths = {name: len(a) for name, a in new.items() if name in self._inputs}
        if len(set(lengths.values())) > 1:
            raise ShapeError(f"values: the inputs have {lengths} steps; they must have as many")
        self._values |= new
        if lengths:
            self._resize(next(iter(lengths.values())))
        self._tell()

    @property
    def held(self) -> dict[str, np.ndarray]:
        """Equations that are held at some steps: numbers (T, 1, ...) by name, NaN where they are free."""
        return {name: a.copy() for name, a in self._held.items()}

    @held.setter
    def held(self, held: Mapping[str, Any]) -> None:
        new = {}
        for name, value in checks.mapping(
            "held", held, "of arrays by name, such as {'f': [1.0, ...]}"
        ).items():
            self._an_equation("held", name)
            a = checks.array(f"held[{name!r}]", value, "iuf").astype(np.float64)
            if np.isinf(a).any():
                checks.finite(
                    f"held[{name!r}]", np.where(np.isnan(a), 0.0, a), "an equation is held at a finite number"
                )
            a = self._spread(f"held[{name!r}]", a, (self.steps, 1, *self._holdable[name]), timed=True)
            if not np.isnan(a).all():
                new[name] = a
        self._held = new
        self._tell()

    def hold(self, name: str, value: float | None, *, units: Any = None, steps: Any = None) -> None:
        """Hold an equation at a number, or let it go.

        Parameters
        ----------
        name : str
            A gate or a state, as the cell calls it.
        value : float or None
            None lets the equation say it again.
        units, steps : int or sequence of int, optional
            Whose, and where, counted from 0; all if not given.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> bench = lc.lab(lc.cells.lstm)
        >>> bench.hold("f", 0.0, steps=range(3))
        >>> bench.run()["f"][:4, 0, 0].round(2).tolist()[:3]
        [0.0, 0.0, 0.0]
        """
        shape = self._holdable[self._an_equation("name", name)]
        number = np.nan if value is None else checks.real("value", value)
        a = self._held.get(name, np.full((self.steps, 1, *shape), np.nan)).copy()
        at = np.zeros(a.shape, bool)
        rows = places("steps", steps, self.steps)
        at[rows if units is None else np.ix_(rows, [0], places("units", units, self.sizes["H"]))] = True
        a[at] = number
        self.held = {**self._held, name: a}

    def _an_equation(self, argument: str, name: str) -> str:
        if not isinstance(name, str) or name not in self._holdable:
            have = nearest(name, self._holdable)
            raise UnknownNameError(
                f"{argument}: {self.cell.name} has no equation {checks.shown(name)}: {have}"
            )
        return name

    def _fitting(self, name: str, value: Any) -> np.ndarray:
        """A value in its full shape, or an error."""
        if name not in self._values:
            raise UnknownNameError(f"values: {self.cell.name} has no {name!r}: {nearest(name, self._values)}")
        a = checks.finite(
            f"values[{name!r}]", checks.array(f"values[{name!r}]", value, "iuf").astype(np.float64)
        )
        return self._spread(f"values[{name!r}]", a, self._values[name].shape)

    @staticmethod
    def _spread(name: str, a: np.ndarray, shape: tuple[int, ...], *, timed: bool = False) -> np.ndarray:
        """An array in its full shape; (T,) and (T, units) are filled up."""
        fit = a
        if timed and 1 <= a.ndim < len(shape):
            fit = a.reshape(len(a), *[1] * (len(shape) - a.ndim), *a.shape[1:])
        try:
            return np.broadcast_to(fit, shape).copy()
        except ValueError:
            raise ShapeError(f"{name} has shape {a.shape}; it needs {shape}, or what fills it") from None

    def _resize(self, steps: int) -> None:
        """Another number of steps: other inputs and what is held are cut, or go on with nothing."""

        def fit(a: np.ndarray, fill: float) -> np.ndarray:
            new = np.full((steps, *a.shape[1:]), fill)
            new[: len(a)] = a[:steps]
            return new

        self.steps = steps
        self._values |= {name: fit(self._values[name], 0.0) for name in self._inputs}
        self._held = {name: fit(a, np.nan) for name, a in self._held.items()}
        self._held = {name: a for name, a in self._held.items() if not np.isnan(a).all()}

    # running it

    def run(self) -> Run:
        """Run the cell with the laboratory's values: what the page shows, as `lstmcourse.unroll` gives it."""
        if not self._held:
            return self._run(self.cell, {})
        return self._run(holdable(self.cell), held_inputs(self._holdable, self._held, self.steps))

    def _run(self, cell: Any, more: Mapping[str, np.ndarray]) -> Run:
        alone = not self._inputs and not more
        return unroll(
            cell,
            {name: self._values[name] for name in self._params},
            inputs={name: self._values[name] for name in self._inputs} | dict(more),
            sizes=self.sizes,
            state={name: self._values[name] for name in self._starts},
            steps=self.steps if alone else None,
            batch_size=1 if alone else None,
        )

    # showing it

    def _spec(self) -> dict[str, Any]:
        """What the page's script is told of the cell, beside the arithmetic."""
        cell, tops = self.cell, {name: n.op.name for name, n in equations(self.cell.graph).items()}
        ranges = {"sigmoid": [0, 1], "tanh": [-1, 1]}
        rows = [
            {
                "key": name,
                "hue": hue(name, "ink"),
                "range": ranges.get(tops[name]),
                "gate": tops[name] == "sigmoid",
            }
            for name in self._holdable
        ]
        return {
            "units": self.sizes["H"],
            "steps": self.steps,
            "longest": LONGEST,
            "params": self._params,
            "starts": self._starts,
            "inputs": self._inputs,
            "clock": next((n.name for n in cell.graph.leaves("clock")), None),
            "after": {s.name: keys(cell.graph)[s.next] for s in cell.graph.states},
            "holdable": {name: list(shape) for name, shape in self._holdable.items()},
            "ranges": {name: ranges.get(tops[name], [-2, 2]) for name in self._holdable}
            | {name: [-1, 1] for name in self._inputs}
            | {name: [-2, 2] for name in self._starts},
            "tables": {
                n.name: array_for_page(table_values(n, self.sizes)) for n in cell.graph.leaves("table")
            },
            "rows": rows,
            "words": sentences(cell),
            **self._told(),
        }

    def _title(self) -> str:
        return f"{self.cell.name}: a laboratory"

    # the page and Python

    def _told(self) -> dict[str, dict[str, Any]]:
        """What page and Python agree about."""
        return {"values": self._told_values(), "held": {k: array_for_page(a) for k, a in self._held.items()}}

    def _told_values(self) -> dict[str, dict[str, Any]]:
        return {name: array_for_page(a) for name, a in self._values.items()}

    def _take(self, told: Mapping[str, Any]) -> None:
        self.values, self.held = (
            {name: np.array(a["data"], np.float64).reshape(a["shape"]) for name, a in told[k].items()}
            for k in ("values", "held")
        )


def places(name: str, value: Any, count: int) -> np.ndarray:
    """Whole numbers from 0 to less than `count`; all of them for None."""
    if value is None:
        return np.arange(count)
    found = np.atleast_1d(checks.array(name, value, "iu", rule="give whole numbers"))
    if found.ndim != 1:
        raise ShapeError(f"{name} has shape {found.shape}; give one whole number, or several in a row")
    if found.size and not 0 <= found.min() <= found.max() < count:
        raise ValueError(f"{name}={found.tolist()}: they are counted from 0 to {count - 1}")
    return found


def _learned(start: Node) -> bool:
    return any(n.op.name == "param" for n in walk([start]))


def held_inputs(
    holdable: Mapping[str, tuple[int, ...]], held: Mapping[str, np.ndarray], steps: int
) -> dict[str, np.ndarray]:
    """What a cell that `graphs.holdable` made is given beside its own inputs."""
    found = {}
    for name, shape in holdable.items():
        a = held.get(name, np.full((steps, 1, *shape), np.nan))
        found |= {FREE + name: np.isnan(a).astype(np.float64), HOLD + name: np.nan_to_num(a)}
    return found


def array_for_page(a: np.ndarray) -> dict[str, Any]:
    """An array for the page: null stands for NaN."""
    return {"shape": list(a.shape), "data": [None if np.isnan(v) else float(v) for v in a.ravel()]}
