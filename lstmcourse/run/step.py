"""One step, and any number of them, equation by equation as the author wrote them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..engine import reference
from ..engine.clock import ask_the_clock
from ..engine.definition import Definition
from ..errors import ShapeError, UnknownNameError, nearest
from ..programs.passes import start_from
from .arguments import RAGGED, Call


class NextState(dict):
    """What one step gives: a dict of next states; emitted outputs and named equations can be read by name
    as well.
    """

    def __init__(self, states: Mapping[str, Any], values: Mapping[str, np.ndarray]):
        super().__init__(states)
        self.values_by_name = dict(values)

    def __missing__(self, name: str) -> np.ndarray:
        if name in self.values_by_name:
            return self.values_by_name[name]
        raise UnknownNameError(
            f"{name!r} is neither a state nor an equation of this cell: "
            f"{nearest(name, [*self, *self.values_by_name])}"
        )


def plain_steps(call: Call) -> reference.Steps:
    """All steps, each equation in turn as the author wrote it."""
    key = ("steps", *call.given)
    if key not in call.cell._cache:
        call.cell._cache[key] = ask_the_clock(start_from(call.cell.graph, call.given))
    graph = call.cell._cache[key]
    return reference.forward(graph, call)


def one_step(cell: Definition, params, x, state, inputs, sizes=None) -> NextState:
    """`Cell.step`: the author's equations, evaluated once."""
    timed = {i.name for i in cell.inputs if i.kind in ("sequence", "noise")}
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
    steps = plain_steps(call)
    others = [n for n in cell.graph.names if n not in cell.states]
    return NextState(steps.last | call.clock_after(), {n: steps.named(n)[0] for n in others})
