"""`lab`: a cell's diagram, alive in a page. A `Lab` is what Python reads, sets and runs."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

import numpy as np

from .. import checks
from ..cell import Cell
from ..engine.expression import equations
from ..engine.graph import Node, walk
from ..engine.layers import table_values
from ..engine.reference import evaluate
from ..errors import ShapeError, UnknownNameError, nearest
from ..files import whole
from ..run.run import Run
from ..run.unroll import unroll
from ..views.diagram.layout import layout
from ..views.diagram.plan import MOST
from ..views.diagram.read import scopes
from ..views.names import named as set_name
from ..views.style import hue
from . import page
from .graphs import FREE, HOLD, before, held_equations, holdable, keys, named
from .picture import live
from .words import label, sentences

if TYPE_CHECKING:
    from ..views.diagram.plan import Layout

__all__ = ["Lab", "Values", "lab"]

UNITS, STEPS, LONGEST = 3, 20, 100
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
    made._begin()
    return made


class Values(dict):
    """Arrays by name, as `lstmcourse.unroll` takes them; what is set here is set in the laboratory."""

    def __init__(self, owner: Lab, arrays: Mapping[str, np.ndarray]):
        super().__init__(arrays)
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


@final
class Lab:
    """A cell, and the numbers that it is run with; made by `lab`."""

    def __init__(self, cell: Cell, hidden_size: int, plan: Layout | None):
        self.cell, self.hidden_size, self._plan = cell, hidden_size, plan
        self.sizes = {"D": 1, "H": hidden_size}
        params = cell.init(1, hidden_size, rng=SEED, dtype=np.float64)
        self._shapes = {name: p.shape for name, p in params.items()}
        self._inputs = [i.name for i in cell.inputs if i.kind == "sequence"]
        self._starts = [s.name for s in cell.graph.states if not _learned(s.start)]
        self._tail = {s.name: self._shape(s.prev) for s in cell.graph.states}
        self._tail |= {n.name: self._shape(n) for n in cell.graph.leaves("sequence")}
        self._holdable = {name: self._shape(n) for name, n in held_equations(cell.graph).items()}
        self.steps = STEPS
        loud = {p.name for p in cell.graph.params if _of_input(p)}
        self._values = {
            name: np.round(p * (LOUD if name in loud else 1.0), 2) + 0.0 for name, p in params.items()
        }
        pulses = np.array([START.get(t, 0.0) for t in range(STEPS)])
        for name in self._inputs:
            shape = (STEPS, 1, *self._tail[name])
            first = name == self._inputs[0]
            self._values[name] = np.broadcast_to(
                pulses.reshape(-1, *[1] * (len(shape) - 1)) * first, shape
            ).copy()
        for s in cell.graph.states:
            if s.name in self._starts:  # a number, as a rule 0
                start = evaluate([s.start], lambda node: 0.0, self.sizes)[s.start]
                self._values[s.name] = np.broadcast_to(start, (1, *self._tail[s.name])).astype(np.float64)
        self._held: dict[str, np.ndarray] = {}
        self._bridge: Any = None
        self._key = ""

    def _shape(self, node: Node) -> tuple[int, ...]:
        return tuple(d.value(self.sizes) for d in node.shape)

    # what it knows

    @property
    def values(self) -> Values:
        """Every weight, the states' starts and the input, by name, in the shapes of `lstmcourse.unroll`.

        Set some or all: what is set shows in the page. A number stands for all elements.
        """
        arrays = {name: a.copy() for name, a in self._values.items()}
        for a in arrays.values():
            a.flags.writeable = False  # or a change would be lost
        return Values(self, arrays)

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
            if name not in self._holdable:
                raise UnknownNameError(
                    f"held: {self.cell.name} has no equation {name!r}: {nearest(name, self._holdable)}"
                )
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

    def _input(self, name: str) -> str:
        """The sequence that the cell reads."""
        if not self._inputs:
            raise ValueError(f"{name}: {self.cell.name} has no input")
        return self._inputs[0]

    def _fitting(self, name: str, value: Any) -> np.ndarray:
        if name not in self._values:
            raise UnknownNameError(f"values: {self.cell.name} has no {name!r}: {nearest(name, self._values)}")
        a = checks.finite(
            f"values[{name!r}]", checks.array(f"values[{name!r}]", value, "iuf").astype(np.float64)
        )
        if name in self._inputs:
            steps = len(a) if a.ndim else self.steps
            if not 1 <= steps <= LONGEST:
                raise ValueError(f"values[{name!r}] has {steps} steps; a laboratory has 1 to {LONGEST}")
            return self._spread(f"values[{name!r}]", a, (steps, 1, *self._tail[name]), timed=True)
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
        held, cell, more = self.held, self.cell, {}
        if held:
            cell = holdable(self.cell)
            for name, shape in self._holdable.items():
                a = held.get(name, np.full((self.steps, 1, *shape), np.nan))
                more |= {FREE + name: np.isnan(a).astype(np.float64), HOLD + name: np.nan_to_num(a)}
        return self._run(cell, more)

    def _run(self, cell: Any, more: Mapping[str, np.ndarray]) -> Run:
        alone = not self._inputs and not more
        return unroll(
            cell,
            {name: self._values[name] for name in self._shapes},
            **self._how(more),
            state={name: self._values[name] for name in self._starts},
            steps=self.steps if alone else None,
            batch_size=1 if alone else None,
        )

    def _how(self, more: Mapping[str, np.ndarray]) -> dict[str, Any]:
        return {
            "inputs": {name: self._values[name] for name in self._inputs} | dict(more),
            "sizes": self.sizes,
        }

    # showing it

    def save(self, path: str | Path) -> Path:
        """Write a page of its own, which works from the disk and without a network; return its path."""
        text = page.document(f"{self.cell.name}: a laboratory", self._html())
        return whole.replace(path, text.encode())

    def _begin(self) -> None:
        """Give it its name in pages: what it begins with, and how many began so before."""
        told = repr((self.cell.name, str(self.cell.graph), self.hidden_size, self._told()))
        digest = hashlib.sha256(told.encode()).hexdigest()[:10]
        _made[digest] += 1
        self._key = f"lab-{digest}-{_made[digest]}"

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
        cell, after = self.cell, {s.name: keys(self.cell.graph)[s.next] for s in self.cell.graph.states}
        tops = {name: n.op.name for name, n in equations(cell.graph).items()}
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
        units = f"{self.hidden_size} unit{'s' * (self.hidden_size > 1)}"
        return {
            "name": f"Laboratory: {cell.name}, {units}",
            "title": f"{cell.name}, {units}",
            "hint": HINT,
            "open": self.hidden_size == 1 and len(self._shapes) <= 12,
            "units": self.hidden_size,
            "steps": self.steps,
            "step": min(2, self.steps - 1),
            "longest": LONGEST,
            "params": list(self._shapes),
            "starts": self._starts,
            "inputs": self._inputs,
            "clock": next((n.name for n in cell.graph.leaves("clock")), None),
            "after": after,
            "holdable": {name: list(shape) for name, shape in self._holdable.items()},
            "ranges": {name: ranges.get(tops[name], [-2, 2]) for name in self._holdable}
            | {name: [-1, 1] for name in self._inputs}
            | {name: [-2, 2] for name in self._starts},
            "tables": {n.name: _array(table_values(n, self.sizes)) for n in cell.graph.leaves("table")},
            "rows": rows,
            "groups": list(self._groups()),
            "words": sentences(cell),
            **self._told(),
        }

    def _groups(self) -> Iterator[tuple[str, list[str]]]:
        """Weights by the layer that they belong to, and the starts."""
        found: dict[str, list[str]] = {}
        for name in self._shapes:
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

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        self._open()
        return {"text/html": self._html(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        count = self.hidden_size
        return f"<Lab of {self.cell.name}: {count} unit{'s' * (count > 1)}, {self.steps} steps>"

    # the page and Python

    def _told(self) -> dict[str, dict[str, Any]]:
        return {
            k: {name: _array(a) for name, a in arrays.items()}
            for k, arrays in (("values", self._values), ("held", self._held))
        }

    def _open(self) -> None:
        if self._bridge is None:
            from .bridge import Bridge

            self._bridge = Bridge(self._key, self._told(), self._heard)

    def _tell(self) -> None:
        if self._bridge is not None:
            self._bridge.tell(self._told())

    def _heard(self, told: Mapping[str, Mapping[str, Any]]) -> None:
        """Take what the page says."""
        values = {
            name: np.array(a["data"], np.float64).reshape(a["shape"]) for name, a in told["values"].items()
        }
        held = {name: np.array(a["data"], np.float64).reshape(a["shape"]) for name, a in told["held"].items()}
        quiet, self._bridge = self._bridge, None
        try:
            self.values = values
            self.held = held
        finally:
            self._bridge = quiet


_made: Counter[str] = Counter()


def _sequence(x: Any) -> np.ndarray:
    a = checks.array("x", x, "iuf")
    return a if a.ndim else checks.array("x", x, "iuf", ndim=1, axes="(T,)")


def _of_input(param: Node) -> bool:
    """Whether it is a layer's matrix for its input, as ``W_f`` is."""
    return (
        param.name.rpartition(".")[2].startswith("W") and len(param.shape) == 2 and "fixed" not in param.attrs
    )


def _learned(start: Node) -> bool:
    return any(n.op.name == "param" for n in walk([start]))


def _array(a: np.ndarray) -> dict[str, Any]:
    """An array for the page: null stands for NaN."""
    return {"shape": list(a.shape), "data": [None if np.isnan(v) else float(v) for v in a.ravel()]}
