"""How many multiply-adds a cell's matrix products take: counted on its graph, not taken from a formula.

A clockwork network (`cells.clockwork`) computes a module only when it is due. `operations` counts what is
due at each step, what the program performs, and what it would be if every unit computed at every step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .engine.reference import by_the_clock, evaluate
from .graph import Node
from .ops import table_values
from .passes import Due, levels
from .runtime import Runs, due_units

__all__ = ["RUNS", "Operations", "few_runs", "operations"]

RUNS = 2.0
"""Runs of neighbouring units a step, on average, up to which passing over the others pays.

Each run costs a few calls. Measured with T = 200 and H from 32 to 512: time falls at every size where there
is one run or less; near two it is even for small H, and beyond that it grows. Modules sorted by their periods
have at most one run where each period divides the next.
"""

CYCLE = 256  # steps over which runs are counted


@dataclass(frozen=True, eq=False)
class Operations:
    """Multiply-adds of a cell's products, for one sequence; weights that a mask holds at 0 do not count.

    Attributes
    ----------
    recurrent : ndarray of int, shape (T,)
        At each step in products with the state, for the units that are due.
    performed : ndarray of int, shape (T,)
        What the NumPy program multiplies there: whole blocks, with the zeros in them.
    every : int
        What `recurrent` would be at each step if all units were due.
    input : int
        At each step in products that do not wait for the state, which are made for all steps at once.
    """

    recurrent: np.ndarray
    performed: np.ndarray
    every: int
    input: int

    @property
    def mean(self) -> float:
        """Of `recurrent`, a step; 0 without steps."""
        return float(self.recurrent.mean()) if len(self.recurrent) else 0.0

    @property
    def total(self) -> int:
        """Of `recurrent`, over all steps."""
        return int(self.recurrent.sum())

    @property
    def share(self) -> float:
        """What is due, of what all units would take; 1 where there is no product with a state."""
        return self.mean / self.every if self.every and len(self.recurrent) else 1.0

    def __str__(self) -> str:
        done = float(self.performed.mean()) if len(self.performed) else 0.0
        return (
            f"{self.mean:,.0f} of {self.every:,} recurrent multiply-adds a step are due ({self.share:.0%}), "
            f"{done:,.0f} are performed; {self.input:,} for the input"
        )


def operations(cell: Any, sizes: Mapping[str, int], steps: int) -> Operations:
    """Count on the graph that programs are printed from; see `Cell.operations`."""
    compiled = cell.compiled()
    graph, groups = compiled.graph, compiled.forward.due
    inside, order = set(levels(graph).loop), graph.nodes
    ticks = {id(g): _turns(g, sizes, steps) for g in groups}
    over = few_runs(cell, sizes)
    recurrent, performed = np.zeros(steps, np.int64), np.zeros(steps, np.int64)
    every = before = 0
    for node in order:
        if node.op.name not in ("dot", "matmul") or not node.timed:
            continue
        columns, whole = _multiplications(node, sizes)
        if node not in inside:
            before += int(columns.sum())
            continue
        every += int(columns.sum())
        group = next((g for g in groups if node in g.columns), None)
        if group is None:
            recurrent += int(columns.sum())
            performed += whole
            continue
        due, runs = ticks[id(group)]
        recurrent += due.astype(np.int64) @ columns
        left = node.args[0].shape[-1].value(sizes)
        blocks = [
            sum((n.stop - n.start if group.mask is not None else left) * (k.stop - k.start) for n, k in row)
            for row in runs
        ]
        performed += np.array(blocks, np.int64) if over else whole
    return Operations(recurrent, performed, every, before)


def few_runs(cell: Any, sizes: Mapping[str, int]) -> bool:
    """Whether the units that are due lie together well enough for the others to be passed over (`RUNS`)."""
    key = ("few_runs", tuple(sorted(sizes.items())))
    if key not in cell._cache:
        turns = [_turns(g, sizes, CYCLE)[1] for g in cell.compiled().forward.due]
        cell._cache[key] = all(sum(map(len, runs)) <= RUNS * CYCLE for runs in turns)
    return cell._cache[key]


def _turns(group: Due, sizes: Mapping[str, int], steps: int) -> tuple[np.ndarray, list[Runs]]:
    """Which units are due at each step, (T, H), and the runs that the program goes through."""
    condition = by_the_clock(group.condition, np.arange(steps).reshape(-1, 1, 1), sizes)
    width = group.width.value(sizes)
    mask = table_values(group.mask, sizes) if group.mask is not None else None
    return np.broadcast_to(condition[:, 0], (steps, width)), due_units(condition, width, mask)


def _multiplications(node: Node, sizes: Mapping[str, int]) -> tuple[np.ndarray, int]:
    """For each column of a product: multiplications with weights that may differ from 0; and all of them."""
    a, w = node.args
    *ahead, n = (d.value(sizes) for d in a.shape)
    m = node.shape[-1].value(sizes)
    rows = math.prod(ahead)
    if node.op.name == "matmul":
        return np.full(m, rows * n, np.int64), rows * n * m

    def leaf(leaf: Node) -> np.ndarray:
        if leaf.op.name == "table":
            return table_values(leaf, sizes)
        return np.ones([d.value(sizes) for d in leaf.shape])

    weights = np.broadcast_to(evaluate([w], leaf, sizes)[w], (n, m))
    return rows * np.count_nonzero(weights, axis=0).astype(np.int64), rows * n * m
