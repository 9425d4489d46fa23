"""One run of a cell over a sequence: every state, output and named equation, and the backward pass."""

from __future__ import annotations

import functools
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks
from ..compiled import native as fast
from ..compiled.program import NotCompiled
from ..engine import reference
from ..engine.clock import ask_the_clock
from ..engine.graph import Graph, Node
from ..engine.reference import evaluate
from ..errors import ShapeError, UnknownNameError, nearest
from ..programs.passes import start_from
from ..programs.threads import threads_for
from .arguments import BY_NAME, Call
from .gradients import Arrays, Gradients, skipped
from .recipe import programs

__all__ = ["Run"]


def run(call: Call, backend: str, grad: bool) -> Run:
    """Run arguments that were checked, on a back-end by name."""
    return (ReferenceRun if backend == "reference" else Run)(call, backend, grad)


OWN = ("saved", "grad", "initial")
"""Kinds of what a backward program takes that the call's arguments do not hold; others may not hash."""


class Run:
    """What a cell did with a sequence.

    ``run[name]`` is any state, emitted output or named equation at every step, (T, B, ...). Arrays of a run
    are not written to again: a later run has storage of its own.

    Attributes
    ----------
    final : dict
        The last states (and the clock), for the next call's ``state=``.
    output : ndarray
        What the cell reads out: ``run[cell.output]``.
    backend : str
        Which back-end ran: "numpy" also where "numba" was asked for and could not.
    """

    _repeated: Any = None
    """The call that this run repeats, a `Repeated`, with these arguments:"""

    _arrays: Sequence[np.ndarray] = ()

    def __init__(self, call: Call, backend: str, grad: bool):
        self.cell, self._call, self._grad = call.cell, call, grad
        way = (frozenset(call.given), call.lengths is not None, grad)
        if backend == "numba" and self._run_compiled(way):
            self.backend = "numba"
            return
        self.backend = "numpy"
        self._programs = programs(self.cell, *way)
        self._values = self._execute(self._programs.forward, self._programs.run, {})

    @classmethod
    def _again(cls, repeated: Any, arrays: Sequence[np.ndarray], values: fast.Stored) -> Run:
        """A run whose arguments were found to fit, and whose program has run."""
        run = object.__new__(cls)
        run._repeated, run._arrays, run._values = repeated, arrays, values
        run.cell, run._grad, run._programs, run.backend = repeated.shared
        return run

    @functools.cached_property
    def _call(self) -> Call:
        """The arguments, where they were not written down yet."""
        return self._repeated.call(self._arrays)

    def _run_compiled(self, way: tuple) -> bool:
        """Run the compiled program; False where there is none for this cell, dtype or these sizes."""
        if self._call.dtype not in (np.float32, np.float64):
            return False
        try:
            self._programs = programs(self.cell, *way, dtype=self._call.dtype)
            self._values = self._execute(self._programs.forward, self._programs.run, {})
        except NotCompiled:
            return False
        return True

    def _execute(self, program, function, extra: Mapping[tuple, Any]) -> dict[str, np.ndarray]:
        call = self._call
        dtype = call.dtype
        arguments: dict[str, Any] = {"T": call.T, "B": call.B}
        arguments |= {argument: call.sizes[size] for size, argument in program.sizes.items()}
        values = call.values
        for argument, what in program.inputs.items():
            kind = what[0]
            if kind == "param":
                arguments[argument] = values[what]
            elif kind in OWN and what in extra:
                arguments[argument] = extra[what]
            else:
                arguments[argument] = self._given(what)

        def empty(*shape, dtype=dtype):
            return call.pool.empty(shape, dtype)

        if isinstance(function, fast.Native):  # which sees to its threads itself
            return function(**arguments, empty=empty)
        with threads_for(call.B * call.sizes.get("H", 1) ** 2):
            return function(**arguments, empty=empty)

    def _given(self, what: tuple) -> Any:
        kind, name = what[0], what[1]
        call = self._call
        if kind == "clock":
            return call.clock(name)
        if kind == "valid":
            return call.valid().reshape(call.T, call.B, *[1] * name)
        if kind == "const":
            return name if name.dtype == bool else name.astype(call.dtype)
        value = call.values[kind, name]
        return (
            call.past_the_end(value) if call.lengths is not None and kind in ("sequence", "noise") else value
        )

    @property
    def T(self) -> int:
        """Number of steps."""
        return self._call.T

    @property
    def B(self) -> int:
        """Number of sequences."""
        return self._call.B

    def _node(self, name: str) -> Node:
        names = self._graph.names
        if not isinstance(name, str) or name not in names:
            raise UnknownNameError(
                f"name={name!r}: this run has no {name!r}: {nearest(name, self.cell.names)}"
            )
        return names[name]

    @property
    def _graph(self) -> Graph:
        """What ran."""
        return self._programs.graph

    def __getitem__(self, name: str) -> np.ndarray:
        node = self._node(name)
        program = self._programs.forward
        at = program.storage.get(node)
        if at is None or at.variable not in self._values:
            value = self._replay(node)
        else:
            value = self._values[at.variable]
            if at.time == "T+1":
                value = value[1:] if at.shift else value[:-1]
        shape = (self.T, self.B, *(d.value(self._call.sizes) for d in node.shape))
        if value.shape != shape:  # it is the same at every step, or for every sequence
            value = np.broadcast_to(value, shape)
        if self._call.lengths is not None and name not in self.cell.states and name not in self.cell.emits:
            valid = self._call.valid().reshape(self.T, self.B, *[1] * (value.ndim - 2))
            value = np.where(valid, value, value.dtype.type(0))
        return value

    def __contains__(self, name: str) -> bool:
        return name in self._graph.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.cell.names)

    def _replay(self, node: Node) -> np.ndarray:
        """Compute a named equation that was not stored for every step and unit, from what was."""
        program = self._programs.forward

        def leaf(n: Node) -> np.ndarray:
            if n.op.name == "prev":
                at = program.storage[n]
                return self._values[at.variable][1:] if at.shift else self._values[at.variable][:-1]
            what = {"valid": n.attrs.get("rank"), "initial": n.attrs.get("state"), "clock": n}
            return self._given((n.op.name, what.get(n.op.name, n.name)))

        return np.asarray(evaluate([node], leaf, self._call.sizes, self._call.dtype)[node])

    @property
    def output(self) -> np.ndarray:
        """What the cell reads out at every step."""
        return self[self.cell.output]

    @property
    def final(self) -> dict[str, Any]:
        """The last states by name, (B, H), and the clock's next number."""
        out: dict[str, Any] = {}
        for s in self._programs.graph.states:
            at = self._programs.forward.storage[s.prev]
            out[s.name] = self._values[at.variable][0 if s.reverse else self.T].copy()
        return out | self._call.clock_after()

    def backward(
        self,
        grads: Mapping[str, np.ndarray] | None = None,
        final: Mapping[str, np.ndarray] | None = None,
        *,
        inputs: bool = True,
    ) -> Gradients:
        """Gradients of a loss with respect to parameters, inputs and initial states.

        Parameters and inputs must be as they were in the run: change them after this.

        Parameters
        ----------
        grads : mapping
            The loss's gradient for any of the states and emitted outputs, at every step, (T, B, ...).
        final : mapping, optional
            Its gradient for the last states, (B, ...).
        inputs : bool
            False leaves out the gradients of inputs, which training alone does not need.

        Returns
        -------
        Gradients
            ``["x"]``, ``["h0"]``, ``["W_f"]``, ...

        Examples
        --------
        >>> import lstmcourse as lc
        >>> params = lc.cells.rnn.init(input_size=1, hidden_size=2, rng=0, dtype=np.float64)
        >>> run = lc.unroll(lc.cells.rnn, params, np.ones((3, 1, 1)))
        >>> run.backward({"h": np.ones((3, 1, 2))})["W_h"].shape
        (1, 2)
        """
        repeated, asked = self._repeated, None
        if repeated is not None:
            asked = repeated.asked(grads, final, inputs)
            if asked is not None and (again := repeated.backward(self, *asked)) is not None:
                return again
        checks.truth("inputs", inputs)
        given, ends = self._checked_gradients(grads, final)
        made = self._gradients(given, ends, inputs)
        if asked is not None:
            repeated.note(self, asked[0])
        return made

    def _checked_gradients(self, grads: Any, final: Any) -> tuple[Arrays, Arrays]:
        if not self._grad:
            raise ValueError(
                "this run was made with grad=False and kept nothing for a backward pass; run unroll(..., "
                "grad=True)"
            )
        call, cell = self._call, self.cell
        given = self._checked("grads", grads, dict.fromkeys([*cell.states, *cell.emits]), (call.T, call.B))
        ends = self._checked("final", final, cell.states, (call.B,))
        return given, ends

    def _gradients(self, given: Arrays, ends: Arrays, inputs: bool) -> Gradients:
        """`backward`, of arguments that fit."""
        cell = self.cell
        extra: dict[tuple, Any] = {("grad", name): g for name, g in given.items()}
        for name in cell.states:
            extra["initial", name] = ends.get(name, 0.0)
        skip = skipped(cell, inputs)

        def compute(plain: bool) -> dict[str, np.ndarray]:
            program, function = self._programs.backward(tuple(given), skip, plain=plain)
            for what in program.inputs.values():
                if what[0] == "saved":
                    near = isinstance(function, fast.Native)
                    extra[what] = self._values.place(what[1]) if near else self._values[what[1]]
            return self._execute(program, function, extra)

        try:
            values = compute(False)
        except NotCompiled:  # sizes that only the NumPy program can take
            values = compute(True)
        return Gradients(cell, values, skip)

    def _checked(
        self, argument: str, given: Any, allowed: Collection[str], lead: tuple[int, ...]
    ) -> dict[str, np.ndarray]:
        out = {}
        for name, value in checks.mapping(argument, given, BY_NAME, optional=True).items():
            if name not in allowed:
                raise UnknownNameError(
                    f"{argument} has {name!r}, which is not an output of {self.cell.name} that takes a "
                    f"gradient: {nearest(name, allowed)}"
                )
            a = self._call.array(f"{argument}[{name!r}]", value)
            shape = (*lead, *(d.value(self._call.sizes) for d in self._graph.names[name].shape))
            if a.shape != shape:
                raise ShapeError(f"{argument}[{name!r}] has shape {a.shape}; {name} has shape {shape}")
            rule = "it would make every gradient NaN; look for it in the loss"
            out[name] = checks.finite(f"{argument}[{name!r}]", a, rule)
        return out

    def __reduce__(self) -> tuple:
        raise TypeError(
            "a run cannot be copied or pickled: it holds programs and their storage. Send arrays of it, such "
            "as run['h'] and run.final, or parameters and input, and unroll these in the other process"
        )

    def __repr__(self) -> str:
        return checks.encodable(
            f"<run of {self.cell.name}: T = {self.T}, B = {self.B}; {', '.join(self.cell.names)}>"
        )


class ReferenceRun(Run):
    """A run as it is defined, by the plain loops of `engine/reference.py`."""

    def __init__(self, call: Call, backend: str, grad: bool):
        self.cell, self._call, self._grad, self.backend = call.cell, call, grad, backend
        key = ("steps", *call.given)
        if key not in call.cell._cache:
            call.cell._cache[key] = ask_the_clock(start_from(call.cell.graph, call.given))
        self._steps = reference.forward(call.cell._cache[key], call)

    @property
    def _graph(self) -> Graph:
        return self._steps.graph

    def __getitem__(self, name: str) -> np.ndarray:
        self._node(name)
        return self._steps.named(name)

    @property
    def final(self) -> dict[str, Any]:
        """The last states by name, (B, H), and the clock's next number."""
        return {k: v.copy() for k, v in self._steps.last.items()} | self._call.clock_after()

    def _gradients(self, given: Arrays, ends: Arrays, inputs: bool) -> Gradients:
        skip = skipped(self.cell, inputs)
        return Gradients(self.cell, reference.backward(self._steps, given, ends, skip), skip)
