"""What running a cell means: one loop forward through time, one back, and nothing to make them fast.

`forward` computes the author's equations at every step, each step from its inputs and the states of the step
before. `backward` does the same with the equations of the gradients, which `autodiff.backward` derives: their
states are the gradients that come from the later step, so it begins at the last one. All other programs must
give what these loops give; `tests/engine/test_contract.py` compares them.

A sequence is as long as its length says. Past its end nothing is computed: its states stay, and so does an
output that only hands them on; any other is 0. A gradient given there is one of what stayed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np

from .autodiff import backward as derive
from .autodiff import gradient_name
from .graph import Dim, Graph, Node, State, walk
from .operands import is_condition
from .ops import compute

__all__ = ["Steps", "backward", "evaluate", "forward"]


def evaluate(
    nodes: Iterable[Node], leaf: Callable, sizes: Mapping, dtype: Any = None, known: dict | None = None
) -> dict[Node, Any]:
    """Compute nodes and what they need, one by one, each by its row of the table.

    ``leaf(node)`` is a leaf's value. Results, but for conditions, are of the dtype, if one is given. What is
    `known` is not computed again; what is computed is added to it.
    """
    values = {} if known is None else known
    for node in walk(nodes, values):
        if node.op.kind == "leaf":
            value = node.attrs["value"] if node.op.name == "const" else leaf(node)
            values[node] = value.value(sizes) if isinstance(value, Dim) else value
        else:
            value = np.asarray(compute(node.op, [values[a] for a in node.args], node.attrs, sizes))
            values[node] = value if dtype is None or is_condition(node) else value.astype(dtype, copy=False)
    return values


class Steps:
    """A graph of one step, computed at every step for every sequence.

    `call` has T, B, lengths, sizes and dtype; ``leaf(node, t)`` is what the graph is given, (B, ...). `at[t]`
    holds what was computed at step t, `at[None]` what is the same at all steps; `after` each state after each
    step, (T, B, ...), `last` in the end, (B, ...).
    """

    def __init__(self, graph: Graph, leaf: Callable[[Node, int | None], Any], call: Any):
        self.graph, self.leaf, self.call, self.after, self.last = graph, leaf, call, {}, {}
        self.at: dict[int | None, dict[Node, Any]] = {t: {} for t in [*range(call.T), None]}

    def run(self, states: Iterable[State], add: Callable[[str, int], Any] = lambda name, t: 0) -> None:
        """Carry states through time, layers of one direction together; add to those that stay at a step."""
        for reverse, group in groupby(states, attrgetter("reverse")):
            loop = list(group)
            now = {s.name: self.whole(s.start, s.prev) for s in loop}
            self.after |= {k: np.empty((self.call.T, *a.shape), a.dtype) for k, a in now.items()}
            for t in range(self.call.T)[:: -1 if reverse else 1]:
                self.at[t] |= {s.prev: now[s.name][self.rows(t)] for s in loop}
                for s in loop:
                    self.after[s.name][t] = now[s.name] + add(s.name, t)
                    self.after[s.name][t, self.rows(t)] = self.value(s.next, t)
                now = {s.name: self.after[s.name][t] for s in loop}
            self.last |= now

    def rows(self, t: int) -> Any:
        """The sequences that have a step t."""
        ends = self.call.lengths
        return slice(None) if ends is None else np.flatnonzero(t < ends)

    def value(self, node: Node, t: int | None) -> Any:
        """A node at step t, for those sequences."""

        def leaf(n: Node) -> Any:
            value = self.leaf(n, t)
            everyone = t is None or not n.batched or n.op.name in ("saved", "clock")
            return value if everyone else value[self.rows(t)]

        return evaluate([node], leaf, self.call.sizes, self.call.dtype, self.at[t])[node]

    def whole(self, node: Node, like: Node) -> np.ndarray:
        """A node that is the same at all steps, in the shape of another, (B, ...)."""
        shape = (self.call.B,) * like.batched + tuple(d.value(self.call.sizes) for d in like.shape)
        return np.array(np.broadcast_to(self.value(node, None), shape), self.call.dtype)

    def every(self, node: Node) -> np.ndarray:
        """A node at all steps, (T, B, ...), 0 past the end."""
        shape = (self.call.T, self.call.B, *(d.value(self.call.sizes) for d in node.shape))
        found = np.zeros(shape, bool if is_condition(node) else self.call.dtype)
        for t in range(self.call.T):
            found[t, self.rows(t)] = self.value(node, t)
        return found

    def named(self, name: str) -> np.ndarray:
        """A state, an output or an equation at every step, (T, B, ...)."""
        node, states = self.graph.names[name], [self.after[s] for s in handed_on(self.graph, name)]
        return np.concatenate(states, node.attrs.get("axis", -1)) if states else self.every(node)


def forward(graph: Graph, call: Any) -> Steps:
    """Compute every equation of a cell at every step; ``call.at(node, t)`` is what it is given."""
    steps = Steps(graph, call.at, call)
    steps.run(graph.states)
    for node in graph.names.values():
        for t in range(call.T):
            steps.value(node, t)
    return steps


def handed_on(graph: Graph, name: str) -> list[str]:
    """The states that a state or an output is, or lays side by side; none if it is more than that."""
    owner, node = {s.next: s.name for s in graph.states}, graph.outputs.get(name)
    if node is None or any(s.name == name for s in graph.states):
        return [s.name for s in graph.states if s.name == name]
    parts = node.args if node.op.name in ("copy", "concat") and node not in owner else [node]
    return [owner[p] for p in parts] if all(p in owner for p in parts) else []


def backward(steps: Steps, grads: Mapping, final: Mapping, skip: Collection[str] = ()) -> dict[str, Any]:
    """All gradients, from those of outputs at every step, (T, B, ...), and of the last states, (B, ...)."""
    graph, call = steps.graph, steps.call
    derived = derive(graph, list(grads), set(graph.nodes), skip)
    stayed = {gradient_name(name): np.zeros_like(a) for name, a in steps.after.items()}
    for name, g in grads.items():
        states, axis = handed_on(graph, name), graph.names[name].attrs.get("axis", -1)
        ends = np.cumsum([steps.after[s].shape[axis] for s in states])[:-1]
        for s, part in zip(states, np.split(g, ends, axis), strict=False):
            stayed[gradient_name(s)] += part

    def leaf(node: Node, t: int | None) -> Any:
        if node.op.name == "saved":
            return steps.value(node.attrs["of"], t)
        return grads[node.attrs["of"]][t] if node.op.name == "grad" else final.get(node.attrs["state"], 0.0)

    back = Steps(derived, leaf, call)
    back.run(reversed(derived.states), lambda name, t: stayed[name][t])
    back.at[None] |= {n: back.last[n.attrs["state"]] for n in derived.leaves("carried")}
    for n in derived.nodes:
        if not n.timed and any(a.timed for a in n.args):  # a sum over steps
            back.at[None][n] = compute(n.op, [back.every(a) for a in n.args], n.attrs, call.sizes)
    return {k: back.every(n) if n.timed else back.whole(n, n) for k, n in derived.outputs.items()}
