"""A run that keeps the states of some steps alone, and computes the rest again."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..engine.graph import Graph
from ..programs.pool import Pool
from .arguments import Call
from .gradients import Arrays, Gradients
from .run import Run, run

__all__ = ["CheckpointedRun", "steps_within"]


class CheckpointedRun(Run):
    """A run that stores states at every k-th step only, and computes between them again.

    Everything of a `Run` can be asked for. What is not the output is computed again each time it is.

    With T steps and B sequences, it takes ``(d T + s T / k + m k) B`` numbers in place of ``m T B``: d for
    the output and s for the states of a step, m for all that an ordinary run and its backward pass keep of a
    step. An LSTM has d = H, s = 2 H, m = 16 H; a GRU 15 H, the plain network 3 H. Measured for an LSTM
    with T = 10,000, B = 4, H = 64 in float32, gradients included: 164 MB, and 15 MB with k = 100.
    """

    def __init__(self, call: Call, backend: str, grad: bool, every: int):
        self.cell, self._call, self._grad, self._every, self._asked = call.cell, call, grad, every, backend
        self._pool = Pool()  # of its own, so that nothing lies idle beside what it takes
        self._starts: list[dict[str, Any]] = []
        state, out = start(call), None
        for k in range(-(-call.T // every)):
            self._starts.append(state)
            part = self._part(k, grad=False)
            piece = part.output
            if out is None:
                out = np.empty((call.T, *piece.shape[1:]), piece.dtype)
            out[k * every : k * every + part.T] = piece
            state = part.final
            self.backend, self._ran = part.backend, part._graph
            del part, piece  # their storage is the next one's
        self._output, self._final = out, state

    @property
    def _graph(self) -> Graph:
        return self._ran

    def _part(self, k: int, grad: bool) -> Run:
        """Steps ``k * every`` to the next checkpoint, run from the stored state."""
        first, last = k * self._every, min((k + 1) * self._every, self._call.T)
        if last == self._call.T or k == 0:  # what lies idle is of another length
            self._pool.clear()
        part = self._call.part(first, last, self._starts[k])
        part.pool = self._pool
        return run(part, self._asked, grad)

    def __getitem__(self, name: str) -> np.ndarray:
        if isinstance(name, str) and name == self.cell.output:
            return self._output
        self._node(name)
        return np.concatenate([self._part(k, grad=False)[name] for k in range(len(self._starts))])

    @property
    def final(self) -> dict[str, Any]:
        """The last states by name, (B, H), and the clock's next number."""
        return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in self._final.items()}

    def _gradients(self, given: Arrays, ends: Arrays, inputs: bool) -> Gradients:
        total: Gradients | None = None
        self._pool.clear()
        for k in reversed(range(len(self._starts))):
            part, first = self._part(k, grad=True), k * self._every
            grads = part._gradients({n: g[first : first + part.T] for n, g in given.items()}, ends, inputs)
            ends = {name: grads.states[f"{name}0"].copy() for name in self.cell.states}
            if total is None:
                total = grads.over(self._call.T)
            total.add(grads, first)
            del part, grads
            if k == len(self._starts) - 1:  # the last part may be shorter than the others
                self._pool.clear()
        return total


def start(call: Call) -> dict[str, Any]:
    """The state that a run begins with, as it was given."""
    state: dict[str, Any] = {name: call.values["initial", name] for name in call.given}
    return state | {i.name: call.offset for i in call.cell.inputs if i.kind == "clock"}


class _Counting(Pool):
    """A pool that counts the bytes it is asked for."""

    asked = 0

    def empty(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        self.asked += math.prod(shape) * np.dtype(dtype).itemsize
        return super().empty(shape, dtype)


CHECKPOINT, AROUND = 2**10, 2**17
"""Bytes for what Python keeps of a checkpoint, and of a run, beside its numbers."""


def steps_within(call: Call, backend: str, grad: bool, limit: int) -> int:
    """The most steps between checkpoints with which a run and its gradients take no more than `limit` bytes.

    What a part of some steps takes is linear in their number, so runs of one step and of two show it. The
    checkpoints add what is inversely proportional: ``fixed + each k + states T / k = limit`` is solved.
    """
    T, state = call.T, start(call)
    if T < 3:
        return T
    first = run(call.part(0, 1, state), backend, grad)
    state, step = first.final, first.output.nbytes
    one, two = (_asked(call.part(0, n, state), backend, grad) for n in (1, 2))
    timed = [a.nbytes for (kind, _), a in call.values.items() if kind in ("sequence", "noise")]
    params = sum(a.nbytes for (kind, _), a in call.values.items() if kind == "param")
    padded = 0 if call.lengths is None else sum(timed) / T + step + 32 * call.B
    each = two - one + padded + 32  # the clock's numbers are not from the pool
    tested = (2 * sum(timed) + T * step) / call.dtype.itemsize  # whether numbers are finite, as truth values
    whole = AROUND + max(one - each, 0) + tested
    if whole + each * T <= limit:
        return T
    fixed = whole + T * step + grad * (sum(timed) + params)
    states = sum(a.nbytes for a in state.values() if isinstance(a, np.ndarray)) + CHECKPOINT
    room = limit - fixed
    root = room**2 - 4 * each * states * T
    if room <= 0 or root < 0:
        least = fixed + 2 * math.sqrt(each * states * T)
        raise ValueError(
            f"memory_limit={limit}: {call.cell.name} with T = {T} and B = {call.B} needs {math.ceil(least)} "
            "bytes with any number of checkpoints; state more, or give fewer sequences or steps at a time"
        )
    return max(1, min(T - 1, int((room + math.sqrt(root)) / (2 * each))))


def _asked(part: Call, backend: str, grad: bool) -> int:
    """How many bytes a run, and its backward pass, ask of the pool."""
    part.pool = _Counting()
    made = run(part, backend, grad)
    if grad:
        made._gradients({made.cell.output: np.zeros_like(made.output)}, {}, True)
    return part.pool.asked
