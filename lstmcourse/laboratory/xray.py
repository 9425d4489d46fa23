"""Cells unrolled side by side, and the gradient on its way back: along the belt, and through matrices."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, final

import numpy as np

from .. import checks
from ..cell import Cell
from ..errors import ShapeError, UnknownNameError, nearest
from ..run.run import Run
from ..run.unroll import unroll
from ..training.xray import XRay, parted, xray
from ..views.names import named
from . import page
from .base import Laboratory, Values, a_cell, array_for_page
from .chain import LEAST, MOST, STRIP, WIDEST, drawn
from .shown import Shown

__all__ = ["XRayLab", "of_cells", "of_xray"]

CELLS, UNITS, LONGEST = 4, 32, 30
SEED, STEPS, BIAS = 31, 8, 1.0
LOWEST, HIGHEST = -4.0, 8.0  # of the forget bias
PARTS = ("total", "belt", "through")

HINT = (
    "Press play: each loop unrolls into copies, one a step, which share their weights (a colour each). Then "
    "the gradient of the last step comes back through them. Drag the forget bias; drag the inputs."
)


def of_cells(name: str, cells: Collection[Any], hidden_size: Any, params: Any, x: Any) -> XRayLab:
    """Cells side by side, with weights drawn from one seed."""
    if not 1 <= len(cells) <= CELLS:
        raise ValueError(f"{name}: there are {len(cells)} cells; 1 to {CELLS} stand side by side")
    found: dict[str, Cell] = {}
    for k, cell in enumerate(cells):
        _a_chain(f"{name}[{k}]", cell)
        if cell.name in found:
            raise ValueError(f"{name}: two cells are called {cell.name}; give one a name of its own")
        found[cell.name] = cell
    H = checks.whole("hidden_size", hidden_size, 1, UNITS)
    drawn_x = np.random.default_rng(SEED).standard_normal((STEPS, 1, 1)).round(1) + 0.0
    if x is not None:
        drawn_x = checks.finite("x", checks.array("x", x, "iuf", ndim=1, axes="(T,)").astype(np.float64))
        drawn_x = drawn_x.reshape(-1, 1, 1)
        _fits("x", len(drawn_x))
    values = {}
    for cell in found.values():
        start = cell.init(1, H, rng=SEED, dtype=np.float64)
        values |= {f"{cell.name}.{p}": a.round(2) + 0.0 for p, a in start.items()}
        values |= {f"{cell.name}.{p}": np.full_like(start[p], s * BIAS) for p, s in keeps(cell).items()}
    made = XRayLab(found, {"D": 1, "H": H}, values, drawn_x)
    if params is not None:
        given = checks.mapping("params", params, "of arrays by name, such as {'lstm.b_f': 2.0}")
        if "x" in given:
            raise UnknownNameError("params: the input is given as x=")
        made.values = given
    return made._opened()


def of_xray(name: str, seen: XRay) -> XRayLab:
    """The run that an x-ray has seen through."""
    run, k = seen.run, seen.sequence
    cell, call = _a_chain(f"{name}.run.cell", run.cell), seen.run._call
    steps = run.T if call.lengths is None else int(call.lengths[k])
    _fits(name, steps)
    if call.dtype.kind == "c":
        raise ValueError(f"{name}: the run is of {call.dtype} numbers; the laboratory shows floats")
    if (units := max(call.sizes.values(), default=1)) > UNITS:
        raise ValueError(f"{name}: the run has {units} units or inputs; the laboratory shows up to {UNITS}")
    values = {f"{cell.name}.{p.name}": call.values["param", p.name] for p in cell.graph.params}
    for (kind, state), a in call.values.items():
        if kind == "initial":
            values[f"{cell.name}.{state}"] = a[k : k + 1]
    x = next((a[:steps, k : k + 1] for (kind, _), a in call.values.items() if kind == "sequence"), None)
    x = np.zeros((steps, 1, 0)) if x is None else x
    values = {name: a.astype(np.float64) for name, a in values.items()}
    return XRayLab({cell.name: cell}, dict(call.sizes), values, x.astype(np.float64), call.offset)._opened()


def _a_chain(name: str, value: Any) -> Cell:
    """A cell that can be unrolled beside others; else what stands in the way."""
    cell = a_cell(name, value)
    if not cell.states:
        raise ValueError(f"{name}={cell.name}: it has no state, so nothing is handed on from step to step")
    if len(reads := cell.graph.leaves("sequence")) > 1:
        both = " and ".join(n.name for n in reads)
        raise ValueError(f"{name}={cell.name}: it reads {both}; cells of one sequence stand side by side")
    return cell


def _fits(name: str, steps: int) -> None:
    if not 1 <= steps <= LONGEST:
        raise ValueError(f"{name} has {steps} steps; 1 to {LONGEST} copies fit side by side")


def keeps(cell: Cell) -> dict[str, float]:
    """The biases that decide what the belt keeps, ``b_f`` or ``b_z``, and which way: 1 or -1.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> [keeps(cell) for cell in (lc.cells.rnn, lc.cells.lstm, lc.cells.gru, lc.cells.gru_cho)]
    [{}, {'b_f': 1.0}, {'b_z': -1.0}, {'b_z': 1.0}]
    """
    sizes = {s: 1 for s in cell.size_names()}
    found = {}
    for name in (p.name for p in cell.graph.params):
        if name.rpartition(".")[2] not in ("b_f", "b_z"):
            continue
        kept = []
        for bias in (-2.0, 2.0):  # with no other weights
            shapes = cell.parameter_shapes(1, 1)
            params = {p: np.full(shape, bias * (p == name)) for p, shape in shapes.items()}
            x = np.zeros((1, 1, 1)) if cell.graph.leaves("sequence") else None
            alone = {} if x is not None else {"steps": 1, "batch_size": 1}
            seen = xray(unroll(cell, params, x, sizes=sizes, backend="numpy", **alone))
            kept.append(sum(float(np.trace(seen.belt[s, s][0])) for s in cell.states))
        if kept[0] != kept[1]:
            found[name] = float(np.sign(kept[1] - kept[0]))
    return found


@final
class XRayLab(Shown):
    """Cells unrolled side by side, and the gradient on its way back; made by `lstmcourse.lab`.

    Attributes
    ----------
    cells : dict of str to Cell
    unit : int or None
        Whose derivatives are shown as it opens; None for the sizes of whole matrices.
    """

    def __init__(
        self,
        cells: dict[str, Cell],
        sizes: Mapping[str, int],
        values: Mapping[str, np.ndarray],
        x: np.ndarray,
        offset: int = 0,
    ):
        super().__init__()
        self.cells, self.sizes, self.steps, self._offset = cells, dict(sizes), len(x), offset
        self.unit = 0 if self.sizes.get("H", 1) == 1 else None
        self._values = {**values, "x": x}
        self._keeps = {f"{c}.{p}": s for c, cell in cells.items() for p, s in keeps(cell).items()}

    def _opened(self) -> XRayLab:
        graphs = [str(cell.graph) for cell in self.cells.values()]
        self._begin(*self.cells, *graphs, sorted(self.sizes.items()), self._offset)
        return self

    # what it knows

    @property
    def values(self) -> Values:
        """Every weight by its cell and its name, ``values["lstm.b_f"]``, and the input, ``values["x"]``.

        What is set here shows in the page. A number stands for all elements.
        """
        return Values(self, self._values)

    @values.setter
    def values(self, values: Mapping[str, Any]) -> None:
        values = checks.mapping("values", values, "of arrays by name, such as {'lstm.b_f': 2.0}")
        self._values |= {name: self._fitting(name, value) for name, value in values.items()}
        self._tell()

    def _fitting(self, name: str, value: Any) -> np.ndarray:
        """A value in its full shape, or an error."""
        if name not in self._values:
            raise UnknownNameError(f"values: there is no {name!r}: {nearest(name, self._values)}")
        called, shape = f"values[{name!r}]", self._values[name].shape
        a = checks.finite(called, checks.array(called, value, "iuf").astype(np.float64))
        if name == "x" and a.ndim and len(a) != self.steps:
            raise ShapeError(
                f"{called} has {len(a)} steps, and there are {self.steps} copies; open another laboratory"
            )
        return Laboratory._spread(called, a, shape, timed=name == "x")

    @property
    def forget_bias(self) -> float | None:
        """What decides how much the belts keep: the mean of all ``b_f``, and of ``b_z`` in its place (minus
        ``b_z`` where z is the share of what is new). It can be set, for all cells at once; None if no cell
        has one.
        """
        found = [s * self._values[name] for name, s in self._keeps.items()]
        return float(np.mean(np.concatenate(found))) if found else None

    @forget_bias.setter
    def forget_bias(self, value: float) -> None:
        bias = checks.real("forget_bias", value)
        if not self._keeps:
            raise ValueError(f"forget_bias: none of {', '.join(self.cells)} has a bias b_f or b_z for it")
        self.values = {name: s * bias for name, s in self._keeps.items()}

    # running it

    def run(self) -> dict[str, Run]:
        """Run each cell with the laboratory's values, as `lstmcourse.unroll` does: what the page shows."""
        return {name: self._run(name, cell) for name, cell in self.cells.items()}

    def _run(self, name: str, cell: Cell) -> Run:
        own = {
            key.removeprefix(f"{name}."): a for key, a in self._values.items() if key.startswith(f"{name}.")
        }
        state: dict[str, Any] = {s: own.pop(s) for s in cell.states if s in own}
        state |= {n.name: self._offset for n in cell.graph.leaves("clock") if self._offset}
        reads = {n.name: self._values["x"] for n in cell.graph.leaves("sequence")}
        alone = {} if reads else {"steps": self.steps, "batch_size": 1}
        return unroll(cell, own, inputs=reads, state=state, sizes=self.sizes, **alone)

    def xrays(self) -> dict[str, XRay]:
        """The x-ray of each run, by the name of its cell."""
        return {name: xray(run) for name, run in self.run().items()}

    # showing it

    def _title(self) -> str:
        return f"{', '.join(self.cells)}: unrolled, and the gradient back"

    def _html(self) -> str:
        seen, title = self.xrays(), f"{', '.join(self.cells)}, unrolled over {self.steps} steps"
        still = drawn(self.cells, seen, self._values["x"], self.unit, title)
        programs = {
            f"{name} {part}": (cell, self.sizes)
            for name, whole in self.cells.items()
            for part, cell in zip(PARTS, parted(whole), strict=True)
        }
        code = page.programs(programs, gradients="states")
        spec = {
            **self._told(),
            "name": f"Laboratory: {self._title()}",
            "title": self._title(),
            "hint": HINT,
            "cells": [self._about(name, cell) for name, cell in self.cells.items()],
            "keeps": self._keeps,
            "steps": self.steps,
            "units": self.sizes.get("H", 1),
            "unit": self.unit,
            "bias": [LOWEST, HIGHEST],
            "scale": [LEAST, MOST, STRIP, WIDEST],
        }
        return page.fragment(page.XRAY, still, code, spec, self._key)

    def _about(self, name: str, cell: Cell) -> dict[str, Any]:
        """What the page's script is told of a cell, beside its arithmetic."""
        own = [p.name for p in cell.graph.params]
        shapes = {s.name: [d.value(self.sizes) for d in s.prev.shape] for s in cell.graph.states}
        T = str(self.steps)
        return {
            "name": name,
            "params": own,
            "starts": [s for s in cell.states if f"{name}.{s}" in self._values],
            "reads": next((n.name for n in cell.graph.leaves("sequence")), None),
            "states": shapes,
            "said": {s: named(s, T, cell.letters).letter for s in cell.states},
            "clock": next((n.name for n in cell.graph.leaves("clock")), None),
            "offset": self._offset,
        }

    def __repr__(self) -> str:
        units = self.sizes.get("H", 1)
        return checks.encodable(
            f"<XRayLab of {', '.join(self.cells)}: {units} unit{'s' * (units > 1)}, {self.steps} steps>"
        )

    # the page and Python

    def _told(self) -> dict[str, Any]:
        return {"values": {name: array_for_page(a) for name, a in self._values.items()}}

    def _take(self, told: Mapping[str, Any]) -> None:
        self.values = {
            n: np.array(a["data"], np.float64).reshape(a["shape"]) for n, a in told["values"].items()
        }
