"""Calls that come again: what was found of their arguments before is not found out once more.

To look at the arguments of a call one by one, with an error in mind for each, takes longer than a hundred
small steps, compiled. So a call that comes a second time is prepared (`compiled/prepared.py`): which program
it is, which sizes, where in memory results lie. From then on a call of the same cell, with the same names and
shapes, is checked in machine code, array by array, and run. Whatever differs, be it a shape, a dtype, how an
array lies in memory, or a number that is not finite, sends the call along the whole road (`unroll.py`,
`arguments.py`), which either runs it or says what is wrong. No array is kept, given or returned.

What depends on lengths or the clock takes the whole road always, and so does what several threads may share.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..compiled import native as fast
from ..compiled.prepared import Prepared, trusted
from ..engine.definition import Definition
from .arguments import Call
from .backends import chosen
from .gradients import Gradients, skipped
from .run import Run

__all__ = ["Repeated", "again", "asked", "note"]

MOST = 256
"""How many calls of a cell are kept prepared."""

Asked = tuple[tuple, list[np.ndarray]]
"""What tells one call from another, and its arrays in order."""


class _Calls(dict):
    """The calls of a cell that are prepared: None after the first time, False where that cannot be done.

    Attributes
    ----------
    names : list of str
        Of parameters.
    showing : list of str
        Those that show between them all sizes that parameters show.
    """

    def __init__(self, cell: Definition):
        self.names = [p.name for p in cell.graph.params]
        self.showing: list[str] = []
        known: set[str] = set()
        for node in cell.graph.params:
            sizes = {name for d in node.shape for name in d.names}
            if not sizes <= known:
                known |= sizes
                self.showing.append(node.name)


def asked(
    cell: Any, params: Any, x: Any, state: Any, inputs: Any, more: dict, grad: Any, backend: Any
) -> Asked | None:
    """What is asked for, if it may have been prepared: parameters first, then x, other inputs, states."""
    if backend is None:
        backend = chosen()
    if type(backend) is not str or backend != "numba" or type(params) is not dict:
        return None
    if not (grad is True or grad is False) or not isinstance(cell, Definition) or not fast.available():
        return None
    others = states = ()
    rest = [] if x is None else [x]
    if inputs or more:
        if inputs is not None and (type(inputs) is not dict or not more.keys().isdisjoint(inputs)):
            return None
        more = more if inputs is None else inputs | more
        others = tuple(more)
        rest += more.values()
    if state is not None:
        if type(state) is not dict:
            return None
        states = tuple(state)
        rest += state.values()
    calls = cell._cache.get("repeated")
    if calls is None:
        calls = cell._cache["repeated"] = _Calls(cell)
    try:
        arrays = [params[name] for name in calls.names]
        shapes = [params[name].shape for name in calls.showing]
        for a in rest:
            shapes.append(a.shape)
        arrays += rest
        key = grad, arrays[-1].dtype, x is None, others, states, *shapes
        calls.get(key)
    except (KeyError, AttributeError, IndexError, TypeError):
        return None
    return (key, arrays) if len(params) == len(calls.names) else None


def again(cell: Definition, key: tuple, arrays: list[np.ndarray], kept: dict | None = None) -> Run | None:
    """The run, if such a call has been prepared, and these arrays are as they should be.

    A dict `kept` holds what was made of parameters and static inputs; who gives it again says that they are
    as they were.
    """
    found = cell._cache["repeated"].get(key)
    return found.run(arrays, kept) if found else None


def note(run: Run, key: tuple, arrays: list[np.ndarray]) -> None:
    """Prepare a call that comes a second time, if that can be done."""
    calls = run.cell._cache.get("repeated")
    if calls is None or run.backend != "numba" or calls.get(key) is False or not trusted():
        return
    if len(calls) >= MOST:
        calls.clear()
    if key not in calls:
        calls[key] = None
        return
    if calls[key] is None:
        try:
            calls[key] = Repeated(run, key)
        except _Never:
            calls[key] = False
            return
    run._repeated, run._arrays = calls[key], arrays


class _Never(Exception):
    """What a program is given cannot be prepared."""


class Repeated:
    """A call of a cell that can be made again with other arrays.

    Parameters
    ----------
    run : Run
        One that was checked and compiled; nothing of its arrays is kept.
    key : tuple
        What was asked, from `asked`.

    Attributes
    ----------
    shared : tuple
        What is the same in all its runs: the cell, whether gradients are wanted, programs, the back-end.
    """

    def __init__(self, run: Run, key: tuple):
        call, programs, cell = run._call, run._programs, run.cell
        _, _, by_name, others, states, *_ = key
        kinds = {i.name: i.kind for i in cell.inputs} | dict.fromkeys(states, "initial")
        given = [] if by_name else [cell.inputs[0].name]
        self._names = [("param", p.name) for p in cell.graph.params]
        self._names += [(kinds[name], name) for name in (*given, *others, *states)]
        self.shared = cell, run._grad, programs, run.backend
        self._tables = {what: a for what, a in call.values.items() if what not in self._names}
        self._template = copy.copy(call)
        self._template.values = {}
        self._shapes = [call.values[what].shape for what in self._names]
        self._backward: dict[tuple, Any] = {}
        where = {what: (k, 0) for k, what in enumerate(self._names)} | self._tables
        arrays = [(a, what[0] != "param") for a, what in zip(self._shapes, self._names, strict=True)]
        self._forward = self._prepared(programs.forward, programs.run, arrays, 0, where)

    def _prepared(self, program: Any, function: Any, arrays: list, rooms: int, where: Mapping) -> Prepared:
        call, sources = self._template, {}
        for argument, what in program.inputs.items():
            if what[0] == "const":
                sources[argument] = what[1] if what[1].dtype == bool else what[1].astype(call.dtype)
            elif where.get(what) is None:  # the clock; or what lies so that it has to be copied
                raise _Never
            else:
                sources[argument] = where[what]
        sizes = call.T, call.B, *(call.sizes[size] for size in program.sizes)
        return Prepared(function, function.plan(sizes), arrays, rooms, sources)

    def call(self, arrays: Sequence[np.ndarray]) -> Call:
        """The arguments of a run, as if they had been checked one by one."""
        call = copy.copy(self._template)
        call.values = dict(zip(self._names, arrays, strict=True)) | self._tables
        return call

    def run(self, arrays: list[np.ndarray], kept: dict | None = None) -> Run | None:
        """A run of these, if they are as they should be."""
        values = self._forward(arrays, Call.pool, kept)
        return None if values is None else Run._again(self, arrays, values)

    def asked(self, grads: Any, final: Any, inputs: Any) -> Asked | None:
        """What is asked for of a backward pass, if it may have been prepared."""
        if type(grads) is not dict or not (inputs is True or inputs is False):
            return None
        if final is None:
            return (tuple(grads), (), inputs), list(grads.values())
        if type(final) is not dict:
            return None
        return (tuple(grads), tuple(final), inputs), [*grads.values(), *final.values()]

    def backward(self, run: Run, key: tuple, given: list[np.ndarray]) -> Gradients | None:
        """The gradients, if such a pass has been prepared, and all that is given is as it should be."""
        found = self._backward.get(key)
        if not found:
            return None
        prepared, skip = found
        values = prepared((*run._arrays, *given, *run._values.rooms), Call.pool)
        return None if values is None else Gradients(run.cell, values, skip)

    def note(self, run: Run, key: tuple) -> None:
        """Prepare a backward pass that was asked for."""
        if key not in self._backward:
            if len(self._backward) >= MOST:
                self._backward.clear()
            try:
                self._backward[key] = self._prepared_backward(run, *key)
            except _Never:
                self._backward[key] = None

    def _prepared_backward(self, run: Run, grads: tuple, final: tuple, inputs: bool) -> tuple:
        call, (cell, _, programs, _), skip = self._template, self.shared, skipped(run.cell, inputs)
        program, function = programs.backward(grads, skip)
        if not isinstance(function, fast.Native):
            raise _Never
        arrays = [(shape, False) for shape in self._shapes]
        where: dict[tuple, Any] = {what: (k, 0) for k, what in enumerate(self._names)} | self._tables
        where |= {("initial", name): 0.0 for name in cell.states}
        for kind, lead, names in ("grad", (call.T, call.B), grads), ("initial", (call.B,), final):
            for name in names:
                where[kind, name] = len(arrays), 0
                trailing = (d.value(call.sizes) for d in programs.graph.names[name].shape)
                arrays.append(((*lead, *trailing), True))
        for what in program.inputs.values():
            if what[0] == "saved" and (at := run._values.plan.lies(what[1])) is not None:
                where[what] = len(arrays) + at[0], at[1]
        return self._prepared(program, function, arrays, len(run._values.plan.rooms), where), skip
