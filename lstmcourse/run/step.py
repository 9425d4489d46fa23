"""A cell that goes on step by step: what a text is drawn with, symbol by symbol."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..engine.definition import Definition
from ..errors import ShapeError, UnknownNameError, nearest
from . import repeated
from .arguments import RAGGED, Call
from .backends import chosen
from .run import run

__all__ = ["NextState", "Stepping", "one_step"]


class NextState(dict):
    """What one step gives: a dict of next states; emitted outputs and named equations can be read by name
    as well.

    Parameters
    ----------
    states : mapping
        By name, (B, ...).
    equations : Run or mapping
        Whatever has a name, (1, B, ...): it is read when it is asked for.
    """

    def __init__(self, states: Mapping[str, Any], equations: Any):
        super().__init__(states)
        self._equations = equations

    def __missing__(self, name: str) -> np.ndarray:
        if name in self._equations:
            return self._equations[name][0]
        raise UnknownNameError(
            f"{name!r} is neither a state nor an equation of this cell: "
            f"{nearest(name, [*self, *self._equations])}"
        )

    def __reduce__(self) -> tuple:
        """Copies and pickles hold arrays, and no run."""
        return NextState, (dict(self), {name: self._equations[name] for name in self._equations})


def one_step(cell: Definition, params, x, state, inputs, sizes=None) -> NextState:
    """`Cell.step`: the author's equations, evaluated once."""
    timed = _timed(cell)
    if any(s.reverse for s in cell.graph.states):
        raise ValueError(
            f"{cell.name} reads sequences in both directions, so it cannot go on step by step; use unroll "
            "on the whole sequence"
        )
    if x is not None:
        first, x = cell.inputs[0], checks.array("x", x, checks.ANY, rule=RAGGED)
        if first.kind != "none" and x.ndim != 1 + len(first.shape):
            wanted = ", ".join(["B", *map(str, first.shape)])
            raise ShapeError(
                f"x has shape {x.shape}; a step of {cell.name} takes ({wanted}), without the axis for time"
            )
        x = x[None] if first.kind in ("sequence", "noise") else x

    def timeless(name: str, value: Any) -> Any:
        return checks.array(name, value, checks.ANY, rule=RAGGED)[None] if name in timed else value

    more = {k: timeless(k, v) for k, v in inputs.items()}
    call = Call(cell, params, x, state, None, None if timed else 1, None, more, sizes, one_step=True)
    made = run(call, "reference", grad=False)
    return NextState(made.final, made)


class Stepping:
    """One step after another, with the same parameters and static inputs, which nobody changes meanwhile.

    By the reference, as `one_step`; where `use` says "numba", by a compiled program that is prepared once,
    and makes nothing again of what stays the same. A cell with a clock is never prepared.

    Parameters
    ----------
    cell : Cell
        With an input at each step.
    params : dict
    statics : mapping
        Static inputs, (B, ...).

    Examples
    --------
    >>> import lstmcourse as lc
    >>> params = lc.cells.rnn.init(input_size=1, hidden_size=2, rng=0, dtype=np.float64)
    >>> step = Stepping(lc.cells.rnn, params)
    >>> state = step(np.ones((1, 1)), None)
    >>> step(np.ones((1, 1)), state)["h"].shape
    (1, 2)
    """

    def __init__(self, cell: Definition, params: dict, statics: Mapping[str, np.ndarray] | None = None):
        self._cell, self._params, self._statics = cell, params, {} if statics is None else dict(statics)
        self._timed, ticks = _timed(cell), any(i.kind == "clock" for i in cell.inputs)
        self._compiled = chosen() == "numba" and not ticks
        self._kept: dict = {}

    def __call__(self, x: np.ndarray, state: Mapping[str, Any] | None, **noise: np.ndarray) -> NextState:
        """The next state after x, (B, D)."""
        inputs = self._statics | noise
        if not self._compiled:
            return one_step(self._cell, self._params, x, state, inputs)
        now = {name: a[None] if name in self._timed else a for name, a in inputs.items()}
        given = None if state is None else dict(state)
        asked = repeated.asked(self._cell, self._params, x[None], given, None, now, False, "numba")
        made = None if asked is None else repeated.again(self._cell, *asked, self._kept)
        if made is None:
            call = Call(self._cell, self._params, x[None], given, None, None, None, now, one_step=True)
            made = run(call, "numba", grad=False)
            if asked is not None:
                repeated.note(made, *asked)
        return NextState(made.final, made)


def _timed(cell: Definition) -> set[str]:
    """The inputs that differ from step to step."""
    return {i.name for i in cell.inputs if i.kind in ("sequence", "noise")}
