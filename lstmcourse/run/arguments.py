"""The arguments of a run: checked against the cell and against each other, with errors that say what fits."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..engine.clock import by_the_clock
from ..engine.concrete import concrete
from ..engine.definition import Definition
from ..engine.graph import Dim, Node
from ..engine.layers import table_values
from ..engine.operands import is_condition
from ..errors import DtypeError, NotFiniteError, ShapeError, UnknownNameError, nearest
from ..programs.pool import POOL

__all__ = ["Call"]

BY_NAME = "of arrays by name, such as {'h': ...}"
RAGGED = "fill them up, and say with lengths= where sequences end"

ARGUMENTS = (
    "params", "state", "lengths", "steps", "batch_size", "backend", "grad", "checkpoint_every", "inputs",
    "sizes", "memory_limit",
)  # fmt: skip


def _implied(cell: Definition, name: str, sizes: Mapping[str, int]) -> int | None:
    """A size that no array shows, from an equation that adds or multiplies it with one that is known."""
    for node in cell.graph.nodes:
        if node.op.kind != "elementwise":
            continue
        for k in range(1, len(node.shape) + 1):
            dims = [a.shape[-k] for a in node.args if len(a.shape) >= k]
            if Dim.of(name) not in dims:
                continue
            for d in dims:
                if all(size in sizes for size in d.names) and d.value(sizes) != 1:
                    return d.value(sizes)
            if any(d.terms and d != Dim.of(name) for d in dims):
                return 1
    for s in cell.graph.states:  # a state is as wide as what is handed on to it
        given = s.next.args[0] if s.next.op.name == "copy" else s.next
        for wide, d in zip(s.prev.shape, given.shape, strict=True):
            if wide == Dim.of(name) and d.terms and all(size in sizes for size in d.names):
                return d.value(sizes)
    return None


class Call:
    """The arguments of a run, checked: `values` by kind and name, and `sizes`; storage is from `pool`."""

    pool = POOL

    def __init__(
        self,
        cell,
        params,
        x,
        state,
        lengths,
        steps,
        batch_size,
        inputs,
        sizes=None,
        one_step=False,
        part=False,
    ):
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
        self._states(checks.mapping("state", state, BY_NAME, optional=True))
        self.sizes_given = {} if sizes is None else cell.sizes(sizes=sizes, needed=())
        self._fit(steps, batch_size)
        if self.offset + self.T > 2**53:
            (name,) = self.clock_after()
            raise ValueError(
                f"state {name!r} is {self.offset} and goes on for T = {self.T} steps; the clock is exact up "
                f"to 2**53 = {2**53}, so set it back, for instance by a common multiple of the periods"
            )
        if "tables" not in cell._cache:
            cell._cache["tables"] = cell.graph.leaves("table")
        for node in cell._cache["tables"]:
            self.values["table", node.name] = table_values(node, self.sizes).astype(self.dtype)
        self.lengths = self._lengths(lengths)
        if not part:  # the state of a part that follows another may have become NaN, as it would in one run
            self._finite()

    def _fit(self, steps, batch_size) -> None:
        """Whether all shapes go together, and the sizes they show: found once for what comes again."""
        known = self.cell._cache.setdefault("calls", {})
        told = tuple(sorted(self.sizes_given.items()))
        key = (*(a.shape for a in self.values.values()), *self.given, steps, batch_size, told)
        plain = {type(steps), type(batch_size)} <= {int, type(None)}
        if plain and key in known:
            self.sizes, self.shown_by, self.T, self.B, self.extent_from = known[key]
            return
        self.sizes = self._sizes()
        self._extent(steps, batch_size)
        self._shapes()
        concrete(self.cell.graph, self.sizes)
        if plain:
            if len(known) >= 256:
                known.clear()
            known[key] = self.sizes, self.shown_by, self.T, self.B, self.extent_from

    def part(self, first: int, last: int, state: Mapping[str, Any]) -> Call:
        """The arguments of some of the steps, which go on from a state."""
        timed, static = {}, {}
        for i in self.cell.inputs:
            if i.kind in ("sequence", "noise"):
                timed[i.name] = self.values[i.kind, i.name][first:last]
            elif i.kind == "static":
                static[i.name] = self.values[i.kind, i.name]
        params = {p.name: self.values["param", p.name] for p in self.cell.graph.params}
        lengths = None if self.lengths is None else np.clip(self.lengths - first, 0, last - first)
        steps, batch = (None, None) if timed else (last - first, self.B)
        return Call(
            self.cell, params, None, state, lengths, steps, batch, timed | static, self.sizes_given, part=True
        )

    def array(self, name: str, value: Any) -> np.ndarray:
        """An argument as an array of this run's dtype, which the first one decides."""
        if self.dtype is not None and type(value) is np.ndarray and value.dtype == self.dtype:
            return value
        a = checks.array(name, value, checks.ANY, rule=RAGGED)
        if a.dtype.kind in "biu":
            raise DtypeError(
                f"{name} holds {a.dtype}; use floats, for instance "
                f"{name}.astype(np.{self.dtype or 'float32'})"
            )
        checks.dtype(a.dtype, name)
        if self.dtype is not None and a.dtype != self.dtype:
            raise DtypeError(
                f"{name} is {a.dtype}, and {self.source} is {self.dtype}; convert one of them, a dtype is "
                "never changed silently"
            )
        return a

    def _parameters(self, params) -> np.dtype | None:
        self.dtype, self.source = None, ""
        checks.mapping("params", params, f"of arrays by name, as {self.cell.name}.init(...) gives")
        if "params" not in self.cell._cache:
            self.cell._cache["params"] = {p.name: p for p in self.cell.graph.params}
        nodes = self.cell._cache["params"]
        if params.keys() != nodes.keys():
            self._other_names(params, nodes)
        for name, node in nodes.items():
            a = params[name]
            if self.dtype is None or type(a) is not np.ndarray or a.dtype != self.dtype:
                a = self.array(f"parameter {name!r}", a)
            if a.ndim != len(node.shape):
                raise ShapeError(
                    f"parameter {name!r} has shape {a.shape}; it needs ({', '.join(map(str, node.shape))})"
                )
            if self.dtype is None:
                self.dtype, self.source = a.dtype, f"parameter {name!r}"
            self.values["param", name] = a
        return self.dtype

    def _other_names(self, params, nodes) -> None:
        """Say which parameters are too many or missing."""
        missing = [n for n in nodes if n not in params]
        extra = [n for n in params if n not in nodes]
        if extra:
            own = "" if missing else "; cell.own(params) leaves out what is another cell's"
            raise UnknownNameError(
                f"params has {extra[0]!r}, which is not a parameter of {self.cell.name}: "
                f"{nearest(extra[0], list(nodes))}{own}"
            )
        raise ValueError(
            f"params lacks {', '.join(map(repr, missing))}; {self.cell.name} has parameters "
            f"{', '.join(nodes)}"
        )

    def _inputs(self, inputs) -> None:
        wanted = {i.name: i for i in self.cell.inputs if i.kind in ("sequence", "noise", "static")}
        for name in inputs:
            if name not in wanted:
                meant = [] if self.one_step else difflib.get_close_matches(name, [*wanted, *ARGUMENTS], n=1)
                hint = nearest(name, wanted)
                if meant and meant[0] in ARGUMENTS:
                    hint = f"did you mean {meant[0]}=?"
                raise UnknownNameError(f"inputs: {self.cell.name} has no input {name!r}: {hint}")
        for name, i in wanted.items():
            if name not in inputs:
                needed = _axes(i, self.one_step)
                raise ValueError(f"{self.cell.name} needs its {i.kind} input {name!r}, {needed}")
            a = self.array(name, inputs[name])
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
            a = self.array(f"state {name!r}", value)
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

    def _sizes(self) -> dict[str, int]:
        """Each named size, as most arrays show it, the first ones if as many do; the others must agree."""
        votes: dict[str, dict[int, list[tuple[int, str, tuple]]]] = {}
        for name, a, shape, lead in self._arrays():
            for k, dim in enumerate(shape):
                if len(dim.names) == 1 and dim == Dim.of(dim.names[0]):
                    size = a.shape[lead + k]
                    shown = (size, name, self._shown(a, lead == 2))
                    votes.setdefault(dim.names[0], {}).setdefault(size, []).append(shown)
        found = {size: max(by_value.values(), key=len)[0] for size, by_value in votes.items()}
        self.shown_by = found
        sizes = {k: v[0] for k, v in found.items()}
        for name, size in self.sizes_given.items():
            if sizes.setdefault(name, size) != size:
                _, source, shown = found[name]
                raise ShapeError(
                    f"sizes={{{name!r}: {size}}}, and {source} has shape {shown}, where {name} is "
                    f"{sizes[name]}; give the size that the arrays have, or none"
                )
        for name in self.cell.size_names():
            if name not in sizes and (value := _implied(self.cell, name, sizes)) is not None:
                sizes[name] = value
        return sizes

    def _shapes(self) -> None:
        missing = [s for s in self.cell.size_names() if s not in self.sizes]
        if missing:
            raise ValueError(
                f"{self.cell.name}: nothing that was given shows the size {missing[0]}; give "
                f"sizes={{{missing[0]!r}: ...}}, or state= with an array of that size"
            )
        for name, a, shape, lead in self._arrays():
            fits = tuple(d.value(self.sizes) for d in shape)
            if a.shape[lead:] != fits:
                k = next(k for k, n in enumerate(fits) if a.shape[lead + k] != n)
                size = ", ".join(shape[k].names) or str(fits[k])
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
            if steps is not None and checks.whole("steps", steps, 0) != self.T:
                raise ValueError(
                    f"steps={steps}, and {timed[0][0]} has T = {self.T} steps; leave steps= out, or make "
                    "them agree"
                )
        elif steps is None:
            raise ValueError(f"{self.cell.name} has no input that shows the number of steps; pass steps=")
        else:
            self.T = checks.whole("steps", steps, 0)
        if batch_size is not None:
            checks.whole("batch_size", batch_size, 1)
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
        a = checks.array("lengths", lengths, "iu", rule="it needs one whole number for each sequence")
        if a.shape != (self.B,):
            raise ShapeError(
                f"lengths has shape {a.shape}; it needs one number for each of the B = {self.B} sequences"
            )
        if a.size and (a.max() > self.T or a.min() < 0):
            bad = int(a.max() if a.max() > self.T else a.min())
            raise ValueError(f"lengths holds {bad}; each is from 0 to T = {self.T}")
        return a.copy()

    def at(self, node: Node, t: int | None) -> Any:
        """What a leaf of the cell's graph is at step t; what is the same at every step, for None too."""
        if node.op.name == "clock":
            return self.clock(node, slice(t, t + 1))[0]
        value = self.values[node.op.name, node.attrs.get("state", node.name)]
        return value[t] if node.timed else value

    def clock(self, node: Node, steps: slice = slice(None)) -> np.ndarray:
        """The clock, or what it alone decides, at these steps, (T, 1, ...): exact, then rounded once."""
        ticks = self.offset + np.arange(self.T)[steps].reshape(-1, 1, 1)
        value = by_the_clock(node, ticks, self.sizes)
        return value if is_condition(node) else value.astype(self.dtype)

    def clock_after(self) -> dict[str, int]:
        """The clock's next number, by its name, if there is a clock."""
        return {i.name: self.offset + self.T for i in self.cell.inputs if i.kind == "clock"}

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

    def _finite(self) -> None:
        for (kind, name), a in self.values.items():
            if kind == "param":
                continue
            good = np.isfinite(a)
            if good.all():
                continue
            bad = ~good
            if self.lengths is not None and kind in ("sequence", "noise"):
                bad = bad & self.valid().reshape(self.T, self.B, *[1] * (a.ndim - 2))
            if bad.any():
                at = first = tuple(np.argwhere(bad)[0].tolist())
                at = at[1:] if self.one_step and kind in ("sequence", "noise") else at
                what = "state" if kind == "initial" else kind
                value = "NaN" if np.isnan(a[first]) else a[first]
                raise NotFiniteError(
                    f"{name} ({what}) is {value} at {at}; mask it, or mark padding with lengths="
                )


def _axes(i, one_step: bool = False) -> str:
    lead = ["T", "B"] if i.kind in ("sequence", "noise") and not one_step else ["B"]
    return f"({', '.join(lead + [str(s) for s in i.shape])})"
