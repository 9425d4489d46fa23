"""How many multiply-adds a cell's matrix products take: counted on its graph, not taken from a formula.

A clockwork network (`cells.clockwork`) needs a module only when it is due. `operations` counts what is due at
each step, and what it would be if every unit were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import checks
from ..engine.clock import by_the_clock
from ..engine.definition import Definition
from ..engine.graph import Graph, Node, walk
from ..engine.layers import table_values
from ..engine.reference import evaluate
from ..engine.rewrite import consumers
from ..programs.passes import divide_layers, levels, simplify

__all__ = ["Operations", "operations"]


@dataclass(frozen=True, eq=False)
class Operations:
    """Multiply-adds of a cell's products, for one sequence; weights that a mask holds at 0 do not count.

    Attributes
    ----------
    recurrent : ndarray of int, shape (T,)
        At each step in products with the state, for the units that are due.
    every : int
        What `recurrent` would be at each step if all units were due.
    input : int
        At each step in products that do not wait for the state, which are made for all steps at once.
    """

    recurrent: np.ndarray
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
        return (
            f"{self.mean:,.0f} of {self.every:,} recurrent multiply-adds a step are due ({self.share:.0%}); "
            f"{self.input:,} for the input"
        )


def operations(cell: Definition, steps: int, *given: Any) -> Operations:
    """Count on the cell's graph, its layers divided into products; see `Cell.operations`.

    With g modules of k units and periods 1, 2, 4, ... a step of a clockwork network takes k² Σ (g - i) / 2^i
    on average, i from 0 to g - 1, which is k² (2 g - 2 + 2^(1-g)): the bound that Koutník et al. (2014)
    print, k² (2 g - 2), is a little too small.
    """
    checks.whole("steps", steps, 0)
    shapes = cell.parameter_shapes(*given)
    count = steps * 4 + sum(map(math.prod, shapes.values()))
    checks.memory(f"steps={steps}, input_size, hidden_size = {given[:2]}: the counts", count)
    sizes = cell.sizes(*given, needed=cell.size_names())
    graph = simplify(divide_layers(cell.graph))
    inside, conditions = set(levels(graph).loop), _conditions(graph)
    recurrent, ticks = np.zeros(steps, np.int64), np.arange(steps).reshape(-1, 1, 1)
    every = before = 0
    for node in graph.nodes:
        if node.op.name not in ("dot", "matmul") or not node.timed:
            continue
        columns = _multiplications(node, sizes)
        if node not in inside:
            before += int(columns.sum())
            continue
        every += int(columns.sum())
        due = np.ones((steps, 1), bool)
        if node in conditions:
            due = by_the_clock(conditions[node], ticks, sizes)[:, 0]
        recurrent += np.broadcast_to(due, (steps, len(columns))).astype(np.int64) @ columns
    return Operations(recurrent, every, before)


def _conditions(graph: Graph) -> dict[Node, Node]:
    """For values that are looked at only where a condition on the clock holds: that condition.

    In ``a = tanh(h U)``, ``h = where(t % T == 0, a, h)`` it is ``t % T == 0``, for a and for h U.
    """
    found: dict[Node, Node] = {}
    users, wanted = consumers(graph), {*graph.outputs.values(), *(s.next for s in graph.states)}
    for node in reversed(graph.nodes):
        asked = {None} if node in wanted or len(node.shape) != 1 else set()
        for user in users[node]:
            chosen = user.op.name == "where" and user.args[1] is node and user.args[2] is not node
            if chosen and user.shape == node.shape and _asks_the_clock(user.args[0]):
                asked.add(user.args[0])
            else:
                unit_by_unit = user.op.kind == "elementwise" and user.shape == node.shape
                asked.add(found.get(user) if unit_by_unit else None)
        if len(asked) == 1 and (condition := asked.pop()) is not None:
            found[node] = condition
    return found


def _asks_the_clock(node: Node) -> bool:
    """Whether a condition rests on the clock and tables alone."""
    leaves = {n.op.name for n in walk([node]) if n.op.kind == "leaf"}
    return "clock" in leaves and leaves <= {"clock", "table", "const"} and len(node.shape) == 1


def _multiplications(node: Node, sizes: Mapping[str, int]) -> np.ndarray:
    """For each column of a product: multiplications with weights that may differ from 0."""
    a, w = node.args
    *ahead, n = (d.value(sizes) for d in a.shape)
    m = node.shape[-1].value(sizes)
    rows = math.prod(ahead)
    if node.op.name == "matmul":
        return np.full(m, rows * n, np.int64)

    def leaf(leaf: Node) -> np.ndarray:
        if leaf.op.name == "table":
            return table_values(leaf, sizes)
        return np.ones([d.value(sizes) for d in leaf.shape])

    weights = np.broadcast_to(evaluate([w], leaf, sizes)[w], (n, m))
    return rows * np.count_nonzero(weights, axis=0).astype(np.int64)
