"""X-ray: how each state of the past reaches the last one: along the belt, or through matrices.

    seen = xray(run)
    seen["c", "c"]                 # dc_T/dc_t for every t, (T + 1, H, H)
    seen.belt["c", "c"]            # the part that meets no matrix: an LSTM's product of forget gates
    seen.through["c", "c"]         # the part that does, computed by itself; the two add up to the whole

A step's derivative is divided at its matrix products: what meets none on its way through the step is the
belt's. Both parts come from the equations, each from a graph of its own; neither is what the other leaves.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .. import checks
from ..engine.definition import Definition
from ..engine.graph import Graph, Node, State
from ..engine.ops import stop_gradient
from ..engine.rewrite import clone, rewrite
from ..engine.trace import current
from ..engine.variants import with_graph
from ..run.run import Run
from ..run.unroll import unroll

__all__ = ["XRay", "parted", "xray"]

Pair = tuple[str, str]


class XRay:
    """Derivatives of the last states with respect to those at every step.

    ``xray[of, by]`` is the derivative of state `of` after the last step with respect to state `by` after t
    steps, for t = 0 (the start) to T (the last step itself), as an array (T + 1, size of `of`, size of `by`).

    Attributes
    ----------
    states : tuple of str
        The states that it knows; larger ones than vectors are laid out in a row.
    total, belt, through : dict
        The whole, the part along the belt and the part through matrices, by ``(of, by)``.
    run, sequence : Run, int
        What was seen through; `lstmcourse.lab` shows it in a page.
    """

    def __init__(
        self,
        states: Mapping[str, int],
        total: np.ndarray,
        belt: np.ndarray,
        through: np.ndarray,
        run: Run,
        sequence: int,
    ):
        self.states, self.run, self.sequence = tuple(states), run, sequence
        ends = np.cumsum([0, *states.values()])
        at = {s: slice(a, b) for s, a, b in zip(states, ends, ends[1:], strict=False)}

        def parts(a: np.ndarray) -> dict[Pair, np.ndarray]:
            return {(of, by): a[:, at[of], at[by]] for of in states for by in states}

        self.total, self.belt, self.through = parts(total), parts(belt), parts(through)

    def __getitem__(self, pair: Pair) -> np.ndarray:
        if not isinstance(pair, tuple) or len(pair) != 2:
            raise TypeError(f"pair={checks.shown(pair)}: two states are needed, such as xray['c', 'c']")
        for name in pair:
            checks.choice("pair", name, self.states)
        return self.total[pair]

    def sizes(self, of: str, by: str) -> dict[str, np.ndarray]:
        """How large each part is, for every t: the root of its mean square along the diagonal's length, so
        that the identity has size 1. By "total", "belt" and "through", each (T + 1,).

        Examples
        --------
        >>> import lstmcourse as lc
        >>> params = lc.cells.rnn.init(input_size=1, hidden_size=2, rng=0, dtype=np.float64)
        >>> seen = xray(lc.unroll(lc.cells.rnn, params, np.ones((3, 1, 1))))
        >>> seen.sizes("h", "h")["belt"]
        array([0., 0., 0., 1.])
        """
        for argument, name in (("of", of), ("by", by)):
            checks.choice(argument, name, self.states)
        found = {"total": self[of, by], "belt": self.belt[of, by], "through": self.through[of, by]}
        long = math.sqrt(min(found["total"].shape[1:]))
        return {k: np.sqrt(np.square(np.abs(a)).sum(axis=(1, 2))) / long for k, a in found.items()}

    def plot(self, of: str | None = None, by: str | None = None) -> Any:
        """Draw how large the three parts are, step by step, on a logarithmic scale; a matplotlib figure.

        By default of the last state of the cell, with respect to itself: for an LSTM, its memory.
        """
        from ..views import plots

        of = self.states[-1] if of is None else of
        by = of if by is None else by
        sizes = self.sizes(of, by)
        labels = {"total": "by all ways", "belt": "along the belt", "through": "through matrices"}
        found = {labels[k]: np.where(a > 0, a, np.nan) for k, a in sizes.items()}
        title = f"How much of {by} after t steps is left in {of} at the end"
        return plots.lines(found, xlabel="t", ylabel="size of the derivative", title=title, log="y")

    def __repr__(self) -> str:
        steps = len(next(iter(self.total.values()))) - 1
        return checks.encodable(f"<x-ray of {steps} steps: {', '.join(self.states)}>")


def xray(run: Run, sequence: int = 0) -> XRay:
    """See through a run: how each state of the past reaches the last one, and by which way.

    Parameters
    ----------
    run : Run
        Of a cell that reads forwards. Its parameters must be as they were in the run.
    sequence : int
        Which sequence of the batch; one that has ended is seen up to its end.

    Returns
    -------
    XRay

    Raises
    ------
    ValueError
        The cell has no state, or reads backwards, so there is no chain of steps.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> params = lc.cells.lstm.init(input_size=1, hidden_size=2, rng=0, dtype=np.float64)
    >>> run = lc.unroll(lc.cells.lstm, params, np.ones((3, 1, 1)))
    >>> seen = xray(run)
    >>> bool(np.allclose(np.diagonal(seen.belt["c", "c"][0]), run["f"].prod(axis=0)))
    True
    """
    checks.instance("run", run, Run, "lstmcourse.unroll(cell, params, x)")
    checks.whole("sequence", sequence, 0, run.B - 1)
    cell, call = run.cell, run._call
    if not cell.states or any(s.reverse for s in cell.graph.states):
        why = "has no state" if not cell.states else "reads sequences backwards as well"
        raise ValueError(f"run: {cell.name} {why}, so there is no chain of steps to see through")
    steps = run.T if call.lengths is None else int(call.lengths[sequence])
    widths = {s.name: math.prod(d.value(call.sizes) for d in s.prev.shape) for s in cell.graph.states}
    n = sum(widths.values())
    whole, level, matrices = (_steps(run, part, sequence, steps) for part in parted(cell))
    total, belt, through = np.zeros((3, steps + 1, n, n), whole.dtype)
    total[-1] = belt[-1] = np.eye(n)
    for t in reversed(range(steps)):  # the last way apart from the belt is through the matrices of a step
        total[t] = total[t + 1] @ whole[t]
        belt[t] = belt[t + 1] @ level[t]
        through[t] = through[t + 1] @ whole[t] + belt[t + 1] @ matrices[t]
    return XRay(widths, total, belt, through, run, sequence)


def parted(cell: Definition) -> list[Definition]:
    """The cell three times: with all gradients, with those that meet no matrix product, and with those that
    meet one.
    """
    if "xray" not in cell._cache:
        cell._cache["xray"] = [with_graph(cell, graph) for graph in _parts(cell.graph)]
    return cell._cache["xray"]


def _steps(run: Run, cell: Definition, sequence: int, steps: int) -> np.ndarray:
    """The derivative of the states after each step with respect to those before it, (steps, n, n)."""
    call, shapes = run._call, {s: run[s].shape[2:] for s in cell.states}
    widths = [math.prod(shape) for shape in shapes.values()]
    n = sum(widths)
    rows = np.eye(n, dtype=call.dtype)
    seeds = dict(zip(shapes, np.split(rows, np.cumsum(widths)[:-1], axis=1), strict=True))
    final = {s: a.reshape(n, *shapes[s]) for s, a in seeds.items()}
    params = {p.name: call.values["param", p.name] for p in cell.graph.params}
    first = {s: a[sequence] for (kind, s), a in call.values.items() if kind == "initial"}
    values = {s: run[s] for s in cell.states}
    clocks = [i.name for i in cell.inputs if i.kind == "clock"]

    def repeated(a: np.ndarray) -> np.ndarray:
        return np.repeat(a[None], n, axis=0)

    found = np.zeros((steps, n, n), np.result_type(call.dtype, np.float64))
    for t in range(steps):
        before = first if not t else {s: a[t - 1, sequence] for s, a in values.items()}
        state = {s: repeated(a) for s, a in before.items()} | dict.fromkeys(clocks, call.offset + t)
        inputs = {}
        for i in cell.inputs:
            if i.kind in ("sequence", "noise"):
                inputs[i.name] = repeated(call.values[i.kind, i.name][t, sequence])[None]
            elif i.kind == "static":
                inputs[i.name] = repeated(call.values["static", i.name][sequence])
        timed = any(i.kind in ("sequence", "noise") for i in cell.inputs)
        size = {} if timed else {"steps": 1}
        size |= {} if timed or inputs or before else {"batch_size": n}
        one = unroll(cell, params, state=state, inputs=inputs, backend="numpy", **size)
        back = one.backward(final=final, inputs=False)
        found[t] = np.concatenate([back[f"{s}0"].reshape(n, -1) for s in cell.states], axis=1)
    return found


def _parts(graph: Graph) -> tuple[Graph, Graph, Graph]:
    """Three graphs of the same values: with all gradients, with those that meet no matrix product, and with
    those that meet one.

    before: ``c = f * c_prev + i * tanh(h_prev U)``
    after:  as it is; ``c = f * c_prev + i * tanh(stop(h_prev) U)``;
            ``c = f * stop(c_prev) + i * tanh(h_prev U)``
    """

    def level(node: Node, new: dict[Node, Node]) -> Node | None:
        if node.op.kind != "product":
            return None
        return clone(current().graph, node, [_stopped(new[a]) for a in node.args])

    flowing: dict[Node, Node] = {}  # copies through which every gradient flows

    def matrices(node: Node, new: dict[Node, Node]) -> Node | None:
        flowing[node] = made = clone(current().graph, node, [flowing[a] for a in node.args])
        if node.op.name == "prev":
            return stop_gradient(made)
        if node.op.kind in ("leaf", "product") or not node.timed:
            return made
        made.name = ""
        return None

    met = rewrite(graph, matrices)
    met.states = [State(s.name, s.prev.args[0], s.start, s.next, s.reverse) for s in met.states]
    return graph, rewrite(graph, level), met


def _stopped(node: Node) -> Node:
    return stop_gradient(node) if node.timed else node
