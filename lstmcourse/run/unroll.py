"""Through time: `unroll` runs a cell over a sequence and gives a `Run`; `Run.backward` gives all gradients.

    run = unroll(cell, params, x)                 # x (T, B, D)
    run["h"], run["f"], run.final                 # states and named equations at every step; the last states
    grads = run.backward({"h": dh})               # grads["x"], grads["h0"], grads["W_f"]

Truncated back-propagation through time is ``unroll(..., state=run.final)``: no gradient crosses from one
run to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..cell import Cell, NextState
from ..compiled import native as fast
from ..compiled.printer import NotCompiled
from ..engine import reference
from ..engine.graph import Graph, Node
from ..engine.reference import evaluate
from ..errors import ShapeError, UnknownNameError, nearest
from ..programs.passes import ask_the_clock
from ..programs.pool import POOL
from ..programs.threads import threads_for
from .arguments import BY_NAME, RAGGED, Call
from .recipe import start_from

__all__ = ["CheckpointedRun", "Gradients", "Run", "backends", "unroll"]

Arrays = Mapping[str, np.ndarray]


def backends() -> tuple[str, ...]:
    """Names of the back-ends that can run here: "numba" needs the package numba, and that it works.

    Examples
    --------
    >>> "numpy" in backends()
    True
    """
    return ("numpy", "numba") if fast.available() else ("numpy",)


def check_backend(name: str | None) -> str:
    """The back-end's name; NumPy for None."""
    if name is None:
        return "numpy"
    if isinstance(name, str) and name == "reference":
        return name
    if isinstance(name, str) and name == "numba" and (problem := fast.why_not()):
        raise UnknownNameError(f"backend='numba' cannot run here, because {problem}; or leave backend= out")
    return checks.choice("backend", name, ("numpy", "numba") if name == "numpy" else backends())


def unroll(
    cell: Cell,
    params: Mapping[str, np.ndarray],
    x: np.ndarray | None = None,
    *,
    state: Mapping[str, Any] | None = None,
    lengths: np.ndarray | None = None,
    steps: int | None = None,
    batch_size: int | None = None,
    backend: str | None = None,
    grad: bool = True,
    checkpoint_every: int | None = None,
    inputs: Mapping[str, np.ndarray] | None = None,
    **more: np.ndarray,
) -> Run:
    """Run a cell over a sequence.

    Parameters
    ----------
    cell : Cell
    params : dict of str to ndarray
        As `Cell.init` gives them.
    x : ndarray, shape (T, B, D)
        The input, time first.
    state : mapping, optional
        Initial states by name, (B, H); a number for the clock. What is missing starts as the cell says
        (zeros as a rule). ``state=run.final`` goes on from an earlier run.
    lengths : ndarray of int, shape (B,), optional
        Where each sequence ends. Past its end the state is carried unchanged and no gradient flows; what x
        holds there, even NaN, changes nothing.
    steps, batch_size : int, optional
        T and B for a cell without input.
    backend : str, optional
        One of `backends`. ``"numba"`` compiles the cell when it is first run in this way, which takes some
        seconds, once: what is compiled is kept in the user's cache folder. It is for float32 and float64;
        what it cannot do, it leaves to NumPy, and `Run.backend` says which of them ran. ``"reference"`` runs
        the two plain loops, in `engine/reference.py`, that define what a run gives: slow, and easy to read.
    grad : bool
        Whether `Run.backward` will be called; False stores less.
    checkpoint_every : int, optional
        Store the states at every k-th step and the output at every step, and nothing else: what the backward
        pass needs is computed again, k steps at a time. That takes about a third more time, and for large T a
        fraction of the memory; the least for k near the square root of T. The results agree to rounding.
        See `CheckpointedRun`.
    inputs, more : ndarray
        Other inputs by name: static ones (B, ...), further sequences and noise (T, B, ...).

    Returns
    -------
    Run

    Raises
    ------
    ShapeError, DtypeError, UnknownNameError, ValueError, TypeError
        With the argument, what was given and what fits.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> params = lc.cells.rnn.init(input_size=2, hidden_size=3, rng=0, dtype=np.float64)
    >>> run = lc.unroll(lc.cells.rnn, params, np.zeros((5, 1, 2)))
    >>> run["h"].shape, run.final["h"].shape
    ((5, 1, 3), (1, 3))
    """
    checks.instance("cell", cell, Cell, "lstmcourse.cells.lstm, or a function under @cell")
    checks.truth("grad", grad)
    given = dict(checks.mapping("inputs", inputs, BY_NAME, optional=True))
    for name in more:
        if name in given:
            raise ValueError(f"{name} was given twice, as {name}= and in inputs=; give it once")
    call = Call(cell, params, x, state, lengths, steps, batch_size, given | more)
    if checkpoint_every is not None:
        _check_every(cell, checkpoint_every)
        if checkpoint_every < call.T:
            return CheckpointedRun(call, check_backend(backend), grad, int(checkpoint_every))
    return run(call, check_backend(backend), grad)


def run(call: Call, backend: str, grad: bool) -> Run:
    """Run arguments that were checked, on a back-end by name."""
    return (ReferenceRun if backend == "reference" else Run)(call, backend, grad)


def _check_every(cell: Cell, every: Any) -> None:
    checks.whole("checkpoint_every", every, 1)
    if any(s.reverse for s in cell.graph.states):
        raise ValueError(
            f"checkpoint_every={every}: {cell.name} reads sequences in both directions, so it cannot go "
            "on from a stored state; leave checkpoint_every= out"
        )


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

    def __init__(self, call: Call, backend: str, grad: bool):
        self.cell, self._call, self._grad = call.cell, call, grad
        way = (frozenset(call.given), call.lengths is not None, grad)
        if backend == "numba" and self._run_compiled(way):
            self.backend = "numba"
            return
        self.backend = "numpy"
        self._programs = self.cell.compiled(*way)
        self._values = self._execute(self._programs.forward, self._programs.run, {})

    def _run_compiled(self, way: tuple) -> bool:
        """Run the compiled program; False where there is none for this cell, dtype or these sizes."""
        if self._call.dtype not in (np.float32, np.float64):
            return False
        try:
            self._programs = self.cell.compiled(*way, dtype=self._call.dtype)
            self._values = self._execute(self._programs.forward, self._programs.run, {})
        except NotCompiled:
            return False
        return True

    def _execute(self, program, function, extra: Mapping[tuple, Any]) -> dict[str, np.ndarray]:
        call = self._call
        dtype = call.dtype
        arguments: dict[str, Any] = {"T": call.T, "B": call.B}
        arguments |= {argument: call.sizes[size] for size, argument in program.sizes.items()}
        own = _Keys(extra)
        for argument, what in program.inputs.items():
            arguments[argument] = extra[what] if what in own else self._given(what)

        def empty(*shape, dtype=dtype):
            return POOL.empty(shape, dtype)

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
        if name not in names:
            raise UnknownNameError(f"this run has no {name!r}: {nearest(name, self.cell.names)}")
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
        checks.truth("inputs", inputs)
        given, ends = self._checked_gradients(grads, final)
        return self._gradients(given, ends, inputs)

    def _checked_gradients(self, grads: Any, final: Any) -> tuple[Arrays, Arrays]:
        if not self._grad:
            raise ValueError(
                "this run was made with grad=False and kept nothing for a backward pass; run unroll(..., "
                "grad=True)"
            )
        call, cell = self._call, self.cell
        allowed = [*cell.states, *(e for e in cell.emits if e not in cell.states)]
        shapes = {
            n: (call.T, call.B, *(d.value(call.sizes) for d in self._graph.names[n].shape)) for n in allowed
        }
        given = self._checked("grads", grads, shapes, allowed)
        ends = self._checked("final", final, {n: shapes[n][1:] for n in cell.states}, cell.states)
        return given, ends

    def _gradients(self, given: Arrays, ends: Arrays, inputs: bool) -> Gradients:
        """`backward`, of arguments that fit."""
        cell = self.cell
        extra: dict[tuple, Any] = {("grad", name): g for name, g in given.items()}
        for name in cell.states:
            extra["initial", name] = ends.get(name, 0.0)
        skip = _skipped(cell, inputs)

        def compute(plain: bool) -> dict[str, np.ndarray]:
            program, function = self._programs.backward(tuple(given), skip, plain=plain)
            for what in program.inputs.values():
                if what[0] == "saved":
                    extra[what] = self._values[what[1]]
            return self._execute(program, function, extra)

        try:
            values = compute(False)
        except NotCompiled:  # sizes that only the NumPy program can take
            values = compute(True)
        return Gradients(cell, values, skip)

    def _checked(self, argument: str, given: Any, shapes: Mapping, allowed) -> dict[str, np.ndarray]:
        out = {}
        for name, value in checks.mapping(argument, given, BY_NAME, optional=True).items():
            if name not in allowed:
                raise UnknownNameError(
                    f"{argument} has {name!r}, which is not an output of {self.cell.name} that takes a "
                    f"gradient: {nearest(name, allowed)}"
                )
            a = self._call.array(f"{argument}[{name!r}]", value)
            if a.shape != shapes[name]:
                raise ShapeError(f"{argument}[{name!r}] has shape {a.shape}; {name} has shape {shapes[name]}")
            rule = "it would make every gradient NaN; look for it in the loss"
            out[name] = checks.finite(f"{argument}[{name!r}]", a, rule)
        return out

    def __reduce__(self) -> tuple:
        raise TypeError(
            "a run cannot be copied or pickled: it holds programs and their storage. Send arrays of it, such "
            "as run['h'] and run.final, or parameters and input, and unroll these in the other process"
        )

    def __repr__(self) -> str:
        return f"<run of {self.cell.name}: T = {self.T}, B = {self.B}; {', '.join(self.cell.names)}>"


def plain_steps(call: Call) -> reference.Steps:
    """All steps, each equation in turn as the author wrote it."""
    key = ("steps", *call.given)
    if key not in call.cell._cache:
        call.cell._cache[key] = ask_the_clock(start_from(call.cell.graph, call.given))
    graph = call.cell._cache[key]
    return reference.forward(graph, call)


class ReferenceRun(Run):
    """A run as it is defined, by the plain loops of `engine/reference.py`."""

    def __init__(self, call: Call, backend: str, grad: bool):
        self.cell, self._call, self._grad, self.backend = call.cell, call, grad, backend
        self._steps = plain_steps(call)

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
        skip = _skipped(self.cell, inputs)
        return Gradients(self.cell, reference.backward(self._steps, given, ends, skip), skip)


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
        self._starts: list[dict[str, Any]] = []
        state: dict[str, Any] = {name: call.values["initial", name] for name in call.given}
        state |= {i.name: call.offset for i in call.cell.inputs if i.kind == "clock"}
        out = None
        for k in range(-(-call.T // every)):
            self._starts.append(state)
            part = self._part(k, grad=False)
            piece = part.output
            if out is None:
                out = np.empty((call.T, *piece.shape[1:]), piece.dtype)
            out[k * every : k * every + part.T] = piece
            state = part.final
        self._output, self._final = out, state
        self.backend, self._ran = part.backend, part._graph

    @property
    def _graph(self) -> Graph:
        return self._ran

    def _part(self, k: int, grad: bool) -> Run:
        """Steps ``k * every`` to the next checkpoint, run from the stored state."""
        call, first = self._call, k * self._every
        last = min(first + self._every, call.T)
        timed = {
            i.name: call.values[i.kind, i.name][first:last]
            for i in self.cell.inputs
            if i.kind in ("sequence", "noise")
        }
        static = {i.name: call.values["static", i.name] for i in self.cell.inputs if i.kind == "static"}
        params = {p.name: call.values["param", p.name] for p in self.cell.graph.params}
        lengths = None if call.lengths is None else np.clip(call.lengths - first, 0, last - first)
        steps = None if timed else last - first
        batch = None if timed else call.B
        part = Call(
            self.cell, params, None, self._starts[k], lengths, steps, batch, timed | static, part=True
        )
        return run(part, self._asked, grad)

    def __getitem__(self, name: str) -> np.ndarray:
        if name == self.cell.output:
            return self._output
        self._node(name)
        return np.concatenate([self._part(k, grad=False)[name] for k in range(len(self._starts))])

    @property
    def final(self) -> dict[str, Any]:
        """The last states by name, (B, H), and the clock's next number."""
        return {k: v.copy() if isinstance(v, np.ndarray) else v for k, v in self._final.items()}

    def _gradients(self, given: Arrays, ends: Arrays, inputs: bool) -> Gradients:
        total: Gradients | None = None
        for k in reversed(range(len(self._starts))):
            part, first = self._part(k, grad=True), k * self._every
            grads = part._gradients({n: g[first : first + part.T] for n, g in given.items()}, ends, inputs)
            ends = {name: grads.states[f"{name}0"] for name in self.cell.states}
            if total is None:
                total = grads.over(self._call.T)
            total.add(grads, first)
        return total


def _skipped(cell: Cell, inputs: bool) -> tuple[str, ...]:
    return () if inputs else tuple(i.name for i in cell.inputs if i.kind in ("sequence", "noise"))


class _Keys:
    """Whether a description is among keys (descriptions may hold arrays, which do not hash)."""

    def __init__(self, mapping):
        self.mapping = mapping

    def __contains__(self, what) -> bool:
        return what[0] in ("saved", "grad", "initial") and what in self.mapping


class Gradients(Mapping):
    """Gradients by name: of parameters (``"W_f"``), inputs (``"x"``) and initial states (``"h0"``).

    Attributes
    ----------
    params, inputs, states : dict
        Its three parts.
    """

    def __init__(self, cell: Cell, values: Mapping[str, np.ndarray], skip=()):
        from ..engine.autodiff import gradient_name

        self.params = {p.name: values[gradient_name(p.name)] for p in cell.graph.params}
        kinds = ("sequence", "noise", "static")
        self.inputs = {
            i.name: values[gradient_name(i.name)]
            for i in cell.inputs
            if i.kind in kinds and i.name not in skip
        }
        self.states = {f"{s}0": values[f"{gradient_name(s)}0"] for s in cell.states}

        self._timed = {i.name for i in cell.inputs if i.kind in ("sequence", "noise")}

    def over(self, steps: int) -> Gradients:
        """Zeros like these, for another number of steps."""
        new = object.__new__(Gradients)
        new._timed = self._timed
        new.params = {k: np.zeros_like(g) for k, g in self.params.items()}
        new.inputs = {
            k: np.zeros((steps, *g.shape[1:]), g.dtype) if k in self._timed else np.zeros_like(g)
            for k, g in self.inputs.items()
        }
        new.states = {k: np.zeros_like(g) for k, g in self.states.items()}
        return new

    def add(self, part: Gradients, first: int) -> None:
        """Add those of a part of the sequence that begins at step `first`; the states' are its own."""
        for k, g in part.params.items():
            self.params[k] += g
        for k, g in part.inputs.items():
            if k in self._timed:
                self.inputs[k][first : first + len(g)] = g
            else:
                self.inputs[k] += g
        for k, g in part.states.items():
            self.states[k][...] = g

    def __getitem__(self, name: str) -> np.ndarray:
        for part in (self.params, self.inputs, self.states):
            if name in part:
                return part[name]
        raise UnknownNameError(f"there is no gradient of {name!r}: {nearest(name, list(self))}")

    def __iter__(self) -> Iterator[str]:
        return iter([*self.params, *self.inputs, *self.states])

    def __len__(self) -> int:
        return len(self.params) + len(self.inputs) + len(self.states)

    def __reduce__(self) -> tuple:
        """A pickle names the class by its public name, so that modules may move."""
        import lstmcourse

        return lstmcourse._unpickled, ("Gradients", dict(self.__dict__))

    def __repr__(self) -> str:
        return "<gradients of " + ", ".join(f"{k} {v.shape}" for k, v in self.items()) + ">"


def one_step(cell: Cell, params, x, state, inputs) -> NextState:
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
        x = x[None]

    def timeless(name: str, value: Any) -> Any:
        return checks.array(name, value, checks.ANY, rule=RAGGED)[None] if name in timed else value

    more = {k: timeless(k, v) for k, v in inputs.items()}
    steps = None if (timed - set(more)) or more.keys() & timed or x is not None else 1
    call = Call(cell, params, x, state, None, steps, None, more, one_step=True)
    steps = plain_steps(call)
    others = [n for n in cell.graph.names if n not in cell.states]
    return NextState(steps.last | call.clock_after(), {n: steps.named(n)[0] for n in others})
