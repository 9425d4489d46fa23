"""Through time: `unroll` runs a cell over a sequence and gives a `Run`; `Run.backward` gives all gradients.

    run = unroll(cell, params, x)                 # x (T, B, D)
    run["h"], run["f"], run.final                 # states and named equations at every step; the last states
    grads = run.backward({"h": dh})               # grads["x"], grads["h0"], grads["W_f"]

Truncated back-propagation through time is ``unroll(..., state=run.final)``: no gradient crosses from one
run to the next.
"""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from . import fast
from .buffers import POOL
from .cell import Cell, NextState, check_dtype
from .compile import concrete, evaluate
from .errors import DtypeError, ShapeError, UnknownNameError, nearest
from .graph import Dim, Node
from .operations import few_runs
from .ops import table_values
from .printers.compiled import NotCompiled
from .threads import threads_for

__all__ = ["Gradients", "Run", "backends", "unroll"]

ARGUMENTS = ("params", "state", "lengths", "steps", "batch_size", "backend", "grad", "inputs")


DEFAULT = "numpy"
"""The back-end that runs where none is named."""


def backends() -> tuple[str, ...]:
    """Names of the back-ends that can run here: "numba" needs the packages numba and scipy.

    Examples
    --------
    >>> "numpy" in backends()
    True
    """
    return ("numpy", "numba") if fast.available() else ("numpy",)


def check_backend(name: str | None) -> str:
    """The back-end's name, the default for None."""
    if name is None:
        return choose_backend()
    if name not in backends():
        if name == "numba":
            raise UnknownNameError(
                "backend='numba' needs the packages numba and scipy, which are not installed: pip install "
                "'lstmcourse[fast]', or leave backend= out"
            )
        raise UnknownNameError(f"backend={name!r}: {nearest(name, backends())}")
    return name


def choose_backend() -> str:
    """The back-end for a run whose caller names none: the one place where that is decided."""
    return DEFAULT if DEFAULT in backends() else "numpy"


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
        what it cannot do, it leaves to NumPy, and `Run.backend` says which of them ran.
    grad : bool
        Whether `Run.backward` will be called; False stores less.
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
    if not isinstance(cell, Cell):
        raise TypeError(
            f"cell={cell!r}: unroll takes a Cell, such as lstmcourse.cells.lstm, or a function under @cell"
        )
    given = dict(_mapping("inputs", inputs))
    for name in more:
        if name in given:
            raise ValueError(f"{name} was given twice, as {name}= and in inputs=; give it once")
    return Run(
        _Call(cell, params, x, state, lengths, steps, batch_size, given | more),
        check_backend(backend),
        grad,
    )


def _mapping(name: str, value: Any) -> Mapping:
    """A mapping by name, or nothing; TypeError otherwise."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise TypeError(
            f"{name} is of type {kind}; it is a dict of arrays by name, such as {name}={{'h': ...}}"
        )
    return value


RAGGED = "fill them up, and say with lengths= where sequences end"


def _as_array(name: str, value: Any, rule: str = RAGGED) -> np.ndarray:
    """An array of what was given; TypeError for lists of unequal length."""
    try:
        return np.asarray(value)
    except ValueError:
        raise TypeError(
            f"{name} is a {type(value).__name__} of lists of unequal lengths, and makes no array; {rule}"
        ) from None


def _implied(cell: Cell, name: str, sizes: Mapping[str, int]) -> int | None:
    """A size that no array shows, from an equation that adds or multiplies it with one that is known."""
    for node in cell.graph.nodes:
        if node.op.kind != "elementwise":
            continue
        for k in range(1, len(node.shape) + 1):
            dims = [a.shape[-k] for a in node.args if len(a.shape) >= k]
            if Dim.of(name) not in dims:
                continue
            for d in dims:
                if all(size in sizes for size, _ in d.terms) and d.value(sizes) != 1:
                    return d.value(sizes)
            if any(d.terms and d != Dim.of(name) for d in dims):
                return 1
    for s in cell.graph.states:  # a state is as wide as what is handed on to it
        given = s.next.args[0] if s.next.op.name == "copy" else s.next
        for wide, d in zip(s.prev.shape, given.shape, strict=True):
            if wide == Dim.of(name) and d.terms and all(size in sizes for size, _ in d.terms):
                return d.value(sizes)
    return None


class _Call:
    """The arguments of a run, checked: `values` by kind and name, and `sizes`."""

    def __init__(self, cell, params, x, state, lengths, steps, batch_size, inputs, one_step=False):
        self.cell, self.one_step = cell, one_step
        self.values: dict[tuple[str, str], Any] = {}
        first = cell.inputs[0]
        if x is not None and first.kind == "none":
            raise ValueError(
                f"{cell.name} has no input, and x of shape {np.shape(x)} was given; pass steps= for the "
                "number of steps"
            )
        if x is None and first.kind == "sequence" and first.name not in inputs:
            raise ValueError(f"{cell.name} needs its input {first.name!r}, {_axes(first, one_step)}")
        if x is not None:
            if first.name in inputs:
                raise ValueError(
                    f"{first.name}, the input of {cell.name}, was given twice, by position and by name; "
                    "give it once"
                )
            inputs = {first.name: x} | inputs
        self.dtype = self._parameters(params)
        self._inputs(inputs)
        self._states(dict(_mapping("state", state)))
        self.sizes = self._sizes(params)
        self._extent(steps, batch_size)
        self._shapes()
        for node in cell.graph.leaves("table"):
            self.values["table", node.name] = table_values(node, self.sizes).astype(self.dtype)
        self.lengths = self._lengths(lengths)
        self._nan()
        key = ("checked", tuple(sorted(self.sizes.items())))
        if key not in cell._cache:
            concrete(cell.graph, self.sizes)
            cell._cache[key] = True

    def _array(self, name: str, value: Any) -> np.ndarray:
        if np.ma.isMaskedArray(value):
            raise TypeError(
                f"{name} is a masked array; pass its data, and say with lengths= where sequences end"
            )
        a = _as_array(name, value)
        if a.dtype.kind in "biu":
            raise DtypeError(
                f"{name} holds {a.dtype}; use floats, for instance "
                f"{name}.astype(np.{self.dtype or 'float32'})"
            )
        check_dtype(a.dtype, name)
        if self.dtype is not None and a.dtype != self.dtype:
            raise DtypeError(
                f"{name} is {a.dtype}, and {self.source} is {self.dtype}; convert one of them, a dtype is "
                "never changed silently"
            )
        return a

    def _parameters(self, params) -> np.dtype | None:
        self.dtype, self.source = None, ""
        if not isinstance(params, Mapping):
            raise TypeError(
                f"params is a {type(params).__name__}; it is a dict of arrays by name, as "
                f"{self.cell.name}.init(...) gives"
            )
        names = [p.name for p in self.cell.graph.params]
        missing = [n for n in names if n not in params]
        extra = [n for n in params if n not in names]
        if extra:
            raise UnknownNameError(
                f"params has {extra[0]!r}, which is not a parameter of {self.cell.name}: "
                f"{nearest(extra[0], names)}"
            )
        if missing:
            raise ValueError(
                f"params lacks {', '.join(map(repr, missing))}; {self.cell.name} has parameters "
                f"{', '.join(names)}"
            )
        for node in self.cell.graph.params:
            a = self._array(f"parameter {node.name!r}", params[node.name])
            if a.ndim != len(node.shape):
                raise ShapeError(
                    f"parameter {node.name!r} has shape {a.shape}; it needs "
                    f"({', '.join(map(str, node.shape))})"
                )
            if self.dtype is None:
                self.dtype, self.source = a.dtype, f"parameter {node.name!r}"
            self.values["param", node.name] = a
        return self.dtype

    def _inputs(self, inputs) -> None:
        wanted = {i.name: i for i in self.cell.inputs if i.kind in ("sequence", "noise", "static")}
        for name in inputs:
            if name not in wanted:
                meant = [] if self.one_step else difflib.get_close_matches(name, [*wanted, *ARGUMENTS], n=1)
                hint = nearest(name, wanted)
                if meant and meant[0] in ARGUMENTS:
                    hint = f"did you mean {meant[0]}=?"
                raise UnknownNameError(f"{self.cell.name} has no input {name!r}: {hint}")
        for name, i in wanted.items():
            if name not in inputs:
                needed = _axes(i, self.one_step)
                raise ValueError(f"{self.cell.name} needs its {i.kind} input {name!r}, {needed}")
            a = self._array(name, inputs[name])
            rank = len(i.shape) + (1 if i.kind == "static" else 2)
            if a.ndim != rank:
                shape = self._shown(a, i.kind in ("sequence", "noise"))
                raise ShapeError(
                    f"{name} has shape {shape}, {len(shape)} axes; {self.cell.name} needs "
                    f"{_axes(i, self.one_step)}"
                )
            if self.dtype is None:
                self.dtype, self.source = a.dtype, name
            self.values[i.kind, name] = a

    def _states(self, given: dict) -> None:
        kinds = {i.name: i for i in self.cell.inputs if i.kind in ("state", "clock")}
        self.given, self.offset = [], 0
        for name, value in given.items():
            if name not in kinds:
                raise UnknownNameError(
                    f"state has {name!r}, which is not a state of {self.cell.name}: {nearest(name, kinds)}"
                )
            if kinds[name].kind == "clock":
                try:
                    self.offset = operator.index(value)
                except TypeError:
                    self.offset = -1
                if self.offset < 0 or isinstance(value, bool):
                    raise ValueError(f"state {name!r} is {value!r}; the clock is a whole number from 0")
                continue
            a = self._array(f"state {name!r}", value)
            if a.ndim != 1 + len(kinds[name].shape):
                raise ShapeError(f"state {name!r} has shape {a.shape}; it needs {_axes(kinds[name])}")
            if self.dtype is None:
                self.dtype, self.source = a.dtype, f"state {name!r}"
            self.values["initial", name] = a
            self.given.append(name)
        self.dtype = self.dtype or np.dtype(np.float64)

    def _shown(self, a: np.ndarray, timed: bool = True) -> tuple[int, ...]:
        """A shape as it was given: a step has no axis for time."""
        return a.shape[1:] if timed and self.one_step else a.shape

    def _arrays(self) -> Iterator[tuple[str, np.ndarray, tuple, int]]:
        """Name, array, symbolic trailing shape and number of leading axes of everything that was given."""
        for node in self.cell.graph.params:
            yield f"parameter {node.name!r}", self.values["param", node.name], node.shape, 0
        for i in self.cell.inputs:
            kind = "initial" if i.kind == "state" else i.kind
            if (kind, i.name) in self.values:
                lead = 2 if i.kind in ("sequence", "noise") else 1
                yield (
                    (f"state {i.name!r}" if kind == "initial" else i.name),
                    self.values[kind, i.name],
                    tuple(Dim.of(s) for s in i.shape),
                    lead,
                )

    def _sizes(self, params) -> dict[str, int]:
        """Each named size, as most arrays show it, the first ones if as many do; the others must agree."""
        votes: dict[str, dict[int, list[tuple[int, str, tuple]]]] = {}
        for name, a, shape, lead in self._arrays():
            for k, dim in enumerate(shape):
                if len(dim.terms) == 1 and dim.terms[0][1] == 1 and not dim.constant:
                    size = a.shape[lead + k]
                    shown = (size, name, self._shown(a, lead == 2))
                    votes.setdefault(dim.terms[0][0], {}).setdefault(size, []).append(shown)
        found = {size: max(by_value.values(), key=len)[0] for size, by_value in votes.items()}
        self.shown_by = found
        sizes = {k: v[0] for k, v in found.items()}
        for name in self.cell.size_names():
            if name not in sizes and (value := _implied(self.cell, name, sizes)) is not None:
                sizes[name] = value
        return sizes

    def _shapes(self) -> None:
        missing = [s for s in self.cell.size_names() if s not in self.sizes]
        if missing:
            raise ValueError(
                f"{self.cell.name}: nothing that was given shows the size {missing[0]}; give state= with "
                "an array of that size"
            )
        for name, a, shape, lead in self._arrays():
            fits = tuple(d.value(self.sizes) for d in shape)
            if a.shape[lead:] != fits:
                k = next(k for k, n in enumerate(fits) if a.shape[lead + k] != n)
                size = ", ".join(n for n, _ in shape[k].terms) or str(fits[k])
                _, source, shown = self.shown_by.get(size, (0, "the cell", ""))
                axes = ["T", "B"][2 - lead :][self.one_step and lead == 2 :] + [str(d) for d in shape]
                raise ShapeError(
                    f"{name} has shape {self._shown(a, lead == 2)}, read as ({', '.join(axes)}); "
                    f"{self.cell.name} needs {shape[k]} = {fits[k]} there, because {source} has shape {shown}"
                )
            leading = {2: (self.T, self.B), 1: (self.B,), 0: ()}[lead]
            if a.shape[:lead] != leading:
                axes = "(T, B)" if lead == 2 and not self.one_step else "(B)"
                raise ShapeError(
                    f"{name} has shape {self._shown(a, lead == 2)}; its leading axes {axes} are "
                    f"{leading[-1:] if axes == '(B)' else leading}, as {self.extent_from} shows"
                )

    def _extent(self, steps, batch_size) -> None:
        timed = [
            (i.name, self.values[i.kind, i.name]) for i in self.cell.inputs if i.kind in ("sequence", "noise")
        ]
        batched = [(n, a.shape[1]) for n, a in timed] + [
            (i.name, self.values[k, i.name].shape[0])
            for i in self.cell.inputs
            for k in ("static", "initial")
            if (k, i.name) in self.values
        ]
        self.extent_from = (timed or batched or [("steps=",)])[0][0]
        if timed:
            self.T = timed[0][1].shape[0]
            if steps is not None and steps != self.T:
                raise ValueError(
                    f"steps={steps}, and {timed[0][0]} has T = {self.T} steps; leave steps= out, or make "
                    "them agree"
                )
        elif steps is None:
            raise ValueError(f"{self.cell.name} has no input that shows the number of steps; pass steps=")
        else:
            if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
                raise ValueError(f"steps={steps!r}: a number of steps is a whole number from 0")
            self.T = int(steps)
        whole = (
            isinstance(batch_size, int | np.integer) and not isinstance(batch_size, bool) and batch_size > 0
        )
        if batch_size is not None and not whole:
            raise ValueError(
                f"batch_size={batch_size!r}: a batch holds a whole number of sequences, 1 or more"
            )
        self.B = batched[0][1] if batched else int(batch_size or 1)
        if batched and batch_size not in (None, self.B):
            raise ValueError(
                f"batch_size={batch_size}, and {batched[0][0]} has B = {self.B}; leave batch_size= out, "
                "or make them agree"
            )
        if self.B == 0:
            raise ValueError(
                f"{self.extent_from} holds an empty batch, B = 0; a run needs at least one sequence"
            )

    def _lengths(self, lengths) -> np.ndarray | None:
        if lengths is None:
            return None
        a = _as_array("lengths", lengths, "it needs one whole number for each sequence")
        if a.dtype.kind not in "iu":
            raise DtypeError(f"lengths holds {a.dtype}; it needs whole numbers, one for each sequence")
        if a.shape != (self.B,):
            raise ShapeError(
                f"lengths has shape {a.shape}; it needs one number for each of the B = {self.B} sequences"
            )
        if a.size and (a.max() > self.T or a.min() < 0):
            bad = int(a.max() if a.max() > self.T else a.min())
            raise ValueError(f"lengths holds {bad}; each is from 0 to T = {self.T}")
        return a.copy()

    def past_the_end(self, a: np.ndarray) -> np.ndarray:
        """An input with its first value in place of padding, which is never computed on.

        A sequence of length 0 has none, and borrows from one that has; the results are nobody's.
        """
        if not self.T:
            return a
        row = np.where(self.lengths > 0, np.arange(self.B), int(np.argmax(self.lengths > 0)))
        steps = np.where(self.valid(), np.arange(self.T)[:, None], 0)
        a = a[steps, row[None, :]]
        return a if self.lengths.any() else np.zeros_like(a)

    def valid(self) -> np.ndarray:
        """(T, B): whether a step is within its sequence."""
        return np.arange(self.T)[:, None] < self.lengths[None, :]

    def _nan(self) -> None:
        for (kind, name), a in self.values.items():
            if kind == "param":
                continue
            bad = np.isnan(a)
            if not bad.any():
                continue
            if self.lengths is not None and kind in ("sequence", "noise"):
                bad = bad & self.valid().reshape(self.T, self.B, *[1] * (a.ndim - 2))
            if bad.any():
                at = tuple(int(k) for k in np.argwhere(bad)[0])
                at = at[1:] if self.one_step and kind in ("sequence", "noise") else at
                what = "state" if kind == "initial" else kind
                raise ValueError(f"{name} ({what}) is NaN at {at}; mask it, or mark padding with lengths=")


def _axes(i, one_step: bool = False) -> str:
    lead = ["T", "B"] if i.kind in ("sequence", "noise") and not one_step else ["B"]
    return f"({', '.join(lead + [str(s) for s in i.shape])})"


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

    def __init__(self, call: _Call, backend: str, grad: bool):
        self.cell, self._call, self._grad = call.cell, call, grad
        way = (frozenset(call.given), call.lengths is not None, grad)
        if backend == "numba" and self._run_compiled(way):
            self.backend = "numba"
            return
        self.backend = "numpy"
        self._programs = self.cell.compiled(*way)
        if self._programs.forward.due and not few_runs(self.cell, call.sizes):
            self._programs = self.cell.compiled(*way, due=False)
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
        for argument, what in program.inputs.items():
            arguments[argument] = extra[what] if what in _Keys(extra) else self._given(what)

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
            ticks = np.arange(call.offset, call.offset + call.T).astype(call.dtype)
            return ticks.reshape(call.T, 1, 1)
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
        names = self._programs.graph.names
        if name not in names:
            raise UnknownNameError(f"this run has no {name!r}: {nearest(name, self.cell.names)}")
        return names[name]

    def __getitem__(self, name: str) -> np.ndarray:
        node = self._node(name)
        program = self._programs.forward
        at = program.storage.get(node)
        if at is None or at.variable not in self._values or node in program.partial:
            value = self._replay(node)
        else:
            value = self._values[at.variable]
            if at.time == "T+1":
                value = value[1:] if at.shift else value[:-1]
        if not node.timed:
            value = np.broadcast_to(value, (self.T, self.B, *(d.value(self._call.sizes) for d in node.shape)))
        if self._call.lengths is not None and name not in self.cell.states and name not in self.cell.emits:
            valid = self._call.valid().reshape(self.T, self.B, *[1] * (value.ndim - 2))
            value = np.where(valid, value, value.dtype.type(0))
        return value

    def __contains__(self, name: str) -> bool:
        return name in self._programs.graph.names

    def __iter__(self) -> Iterator[str]:
        return iter(self.cell.names)

    def _replay(self, node: Node) -> np.ndarray:
        """Compute a named equation that was not stored for every step and unit, from what was."""
        program = self._programs.forward

        def leaf(n: Node) -> np.ndarray:
            if n.op.name == "prev":
                at = program.storage[n]
                return self._values[at.variable][1:] if at.shift else self._values[at.variable][:-1]
            kind = n.op.name
            return self._given(
                (
                    kind,
                    n.attrs["rank"] if kind == "valid" else n.attrs["state"] if kind == "initial" else n.name,
                )
            )

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
        for i in self.cell.inputs:
            if i.kind == "clock":
                out[i.name] = self._call.offset + self.T
        return out

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
        if not self._grad:
            raise ValueError(
                "this run was made with grad=False and kept nothing for a backward pass; run unroll(..., "
                "grad=True)"
            )
        call, cell = self._call, self.cell
        allowed = [*cell.states, *(e for e in cell.emits if e not in cell.states)]
        shapes = {
            n: (call.T, call.B, *(d.value(call.sizes) for d in self._programs.graph.names[n].shape))
            for n in allowed
        }
        extra: dict[tuple, Any] = {}
        given = self._checked("grads", _mapping("grads", grads), shapes, allowed)
        for name, g in given.items():
            extra["grad", name] = g
        ends = self._checked(
            "final", _mapping("final", final), {n: shapes[n][1:] for n in cell.states}, cell.states
        )
        for name in cell.states:
            extra["initial", name] = ends.get(name, 0.0)
        skip = () if inputs else tuple(i.name for i in cell.inputs if i.kind in ("sequence", "noise"))

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

    def _checked(self, argument: str, given: Mapping, shapes: Mapping, allowed) -> dict[str, np.ndarray]:
        out = {}
        for name, value in given.items():
            if name not in allowed:
                raise UnknownNameError(
                    f"{argument} has {name!r}, which is not an output of {self.cell.name} that takes a "
                    f"gradient: {nearest(name, allowed)}"
                )
            a = self._call._array(f"{argument}[{name!r}]", value)
            if a.shape != shapes[name]:
                raise ShapeError(f"{argument}[{name!r}] has shape {a.shape}; {name} has shape {shapes[name]}")
            if a.size and np.isnan(a).any():
                raise ValueError(
                    f"{argument}[{name!r}] holds NaN, and would make every gradient NaN; look for it in "
                    "the loss"
                )
            out[name] = a
        return out

    def __repr__(self) -> str:
        return f"<run of {self.cell.name}: T = {self.T}, B = {self.B}; {', '.join(self.cell.names)}>"


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
        from .autodiff import gradient_name

        self.params = {p.name: values[gradient_name(p.name)] for p in cell.graph.params}
        kinds = ("sequence", "noise", "static")
        self.inputs = {
            i.name: values[gradient_name(i.name)]
            for i in cell.inputs
            if i.kind in kinds and i.name not in skip
        }
        self.states = {f"{s}0": values[f"{gradient_name(s)}0"] for s in cell.states}

    def __getitem__(self, name: str) -> np.ndarray:
        for part in (self.params, self.inputs, self.states):
            if name in part:
                return part[name]
        raise UnknownNameError(f"there is no gradient of {name!r}: {nearest(name, list(self))}")

    def __iter__(self) -> Iterator[str]:
        return iter([*self.params, *self.inputs, *self.states])

    def __len__(self) -> int:
        return len(self.params) + len(self.inputs) + len(self.states)

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
        first, x = cell.inputs[0], _as_array("x", x)
        if first.kind != "none" and x.ndim != 1 + len(first.shape):
            wanted = ", ".join(["B", *map(str, first.shape)])
            raise ShapeError(
                f"x has shape {x.shape}; a step of {cell.name} takes ({wanted}), without the axis for time"
            )
        x = x[None]
    more = {k: _as_array(k, v)[None] if k in timed else v for k, v in inputs.items()}
    steps = None if (timed - set(more)) or more.keys() & timed or x is not None else 1
    call = _Call(cell, params, x, state, None, steps, None, more, one_step=True)
    starts = {s.name: s.start for s in cell.graph.states}

    def given(n: Node) -> Any:
        """What does not come from the step before."""
        if n.op.name == "clock":
            return np.full((1, 1), call.offset, call.dtype)
        value = call.values[n.op.name, n.name]
        return value[0] if n.op.name in ("sequence", "noise") else value

    def leaf(n: Node) -> Any:
        if n.op.name != "prev":
            return given(n)
        name = n.attrs["state"]
        if ("initial", name) in call.values:
            return call.values["initial", name]
        first = evaluate([starts[name]], given, call.sizes, call.dtype)[starts[name]]
        shape = (call.B, *(d.value(call.sizes) for d in n.shape))
        return np.broadcast_to(np.asarray(first, call.dtype), shape)

    graph = cell.graph
    wanted = [s.next for s in graph.states] + list(graph.outputs.values()) + list(graph.names.values())
    values = evaluate(wanted, leaf, call.sizes, call.dtype)

    def value(n: Node) -> np.ndarray:
        return np.array(np.broadcast_to(values[n], (call.B, *(d.value(call.sizes) for d in n.shape))))

    states: dict[str, Any] = {s.name: value(s.next) for s in graph.states}
    for i in cell.inputs:
        if i.kind == "clock":
            states[i.name] = call.offset + 1
    return NextState(
        states, {k: value(n) for k, n in {**graph.names, **graph.outputs}.items() if k not in states}
    )
