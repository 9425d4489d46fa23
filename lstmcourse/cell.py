"""A recurrent cell: the equations of its paper, written once as a Python function.

    @cell
    def rnn(x, h):
        h = tanh(affine("h", h, x))
        return h

`cell` traces the function once and makes a `Cell`; everything else is derived from the trace: parameters
(`Cell.init`), a step (`Cell.step`), a whole sequence (`lstmcourse.unroll`), equations (`Cell.latex`), a
picture (`Cell.diagram`), and the programs that run it (`Cell.source`). The signature says what the cell is
given: see `static`, `noise`, `clock`, `state`.
"""

from __future__ import annotations

import inspect
import math
import pickle
import random
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from types import CodeType
from typing import TYPE_CHECKING, Any

import numpy as np

from . import checks
from .engine.concrete import concrete
from .engine.expression import equations
from .engine.graph import Dim, Graph, Node, State, walk
from .engine.layers import table_values
from .engine.lines import author_line, line_of
from .engine.ops import OPS, constant, is_condition, spread
from .engine.trace import Scope, current, editing, trace, word
from .errors import CellDefinitionError, UnknownNameError, nearest
from .run.recipe import Compiled, compile_graph

if TYPE_CHECKING:
    from .run.cost import Operations

__all__ = [
    "Cell",
    "Input",
    "NextState",
    "cell",
    "clock",
    "noise",
    "sequence",
    "state",
    "static",
]


@dataclass(frozen=True)
class Input:
    """What a cell's signature says of one argument: its kind, its shape beside time and batch, where a
    state starts.
    """

    kind: str
    shape: tuple[str | int, ...] = ()
    init: Any = None
    name: str = ""
    reverse: bool = False

    def __call__(self) -> Input:
        """``clock()`` and ``clock`` mean the same."""
        return self


def sequence(*shape: str | int) -> Input:
    """An argument with one value a step: ``y=sequence("K")`` is (T, B, K)."""
    return Input("sequence", shape)


def static(*shape: str | int) -> Input:
    """An argument that is the same at every step: ``a=static("L", "A")`` is (B, L, A); its gradient is
    summed over time.
    """
    return Input("static", shape)


def noise(*shape: str | int) -> Input:
    """Random numbers that the caller gives, one value a step, so that a run can be repeated: (T, B,
    *shape).
    """
    return Input("noise", shape)


def state(*shape: str | int, init: str | Callable | None = None) -> Input:
    """A state of a shape of its own, or with a start of its own.

    Parameters
    ----------
    shape : str or int
        By default ("H",).
    init : {None, "learned"} or callable
        Zeros; a parameter ``NAME_0``; or a function of static inputs, by their names, that computes it.
    """
    return Input("state", shape or ("H",), init)


clock = Input("clock", (1,))
"""The number of the step, counted from 0 and carried from one run to the next by ``state=run.final``."""

_RESERVED = {"cell", "params", "state", "lengths", "backend", "grad", "steps", "inputs", "batch_size"}


def _signature(function: Callable) -> tuple[list[Input], dict[str, Any]]:
    """Inputs in order, and options, from a function's signature."""
    found, options = [], {}
    where = f"{line_of(function)}: cell {function.__name__!r}"
    for k, p in enumerate(inspect.signature(function).parameters.values()):
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise CellDefinitionError(
                f"{where}: *{p.name} says nothing of what the cell is given; name every argument"
            )
        if p.name in _RESERVED or (
            p.name.endswith("0") and p.name[:-1] in inspect.signature(function).parameters
        ):
            raise CellDefinitionError(
                f"{where}: an argument cannot be called {p.name!r}, which unroll uses itself"
            )
        if isinstance(p.default, Input):
            found.append(replace(p.default, name=p.name))
        elif k == 0 and p.default is p.empty:
            found.append(Input("sequence", ("D",), name=p.name))
        elif k == 0 and p.default is None:
            found.append(Input("none", name=p.name))
        elif p.default is p.empty:
            found.append(Input("state", ("H",), name=p.name))
        elif isinstance(p.default, str | int | float | bool | tuple | type(None)):
            options[p.name] = p.default
        else:
            raise CellDefinitionError(
                f"{where}: argument {p.name}={p.default!r}: a default is static(...), "
                "noise(...), sequence(...), "
                "state(...), clock, or the value of an option (number, text, tuple)"
            )
    if not found:
        raise CellDefinitionError(
            f"{where} has no arguments; the first is the input (x=None for none), then states"
        )
    return found, options


class NextState(dict):
    """What one step gives: a dict of next states; emitted outputs and named equations can be read by name
    as well.
    """

    def __init__(self, states: Mapping[str, Any], values: Mapping[str, np.ndarray]):
        super().__init__(states)
        self.values_by_name = dict(values)

    def __missing__(self, name: str) -> np.ndarray:
        if name in self.values_by_name:
            return self.values_by_name[name]
        raise UnknownNameError(
            f"{name!r} is neither a state nor an equation of this cell: "
            f"{nearest(name, [*self, *self.values_by_name])}"
        )


@dataclass(frozen=True, eq=False)
class Cell:
    """A recurrent cell, made by `cell`, `stack` or `bidirectional`; not changed afterwards.

    Attributes
    ----------
    name : str
    inputs : tuple of Input
        What the cell is given, in the order of the signature.
    options : dict
        Choices of a family of cells, by name.
    graph : Graph
        One step, as the author wrote it.
    output : str
        The name under which a run gives what is read out: the first state (of the top layer).
    """

    name: str
    function: Callable
    inputs: tuple[Input, ...]
    options: Mapping[str, Any] = field(default_factory=dict)
    initial: Mapping[str, Any] = field(default_factory=dict)
    letters: Mapping[str, str] = field(default_factory=dict)
    held: Mapping[str, float] = field(default_factory=dict)
    output: str = ""
    watched: bool = True
    doc: str = ""
    maker: Callable[..., Cell] | None = None
    chosen: bool = False
    parts: tuple[str, tuple[Any, ...], Mapping[str, Any]] | None = None
    graph: Graph = field(init=False, repr=False)
    _cache: dict = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self):
        for what, text, barred in [
            ("name", self.name, '"\\'),
            *((f"letters[{k!r}]", v, '<>&$%#"') for k, v in self.letters.items()),
        ]:
            if not isinstance(text, str) or not text.isprintable() or not text or set(barred) & set(text):
                raise CellDefinitionError(
                    f"{line_of(self.function)}: {what}={text!r}: it is one line of text, without the signs "
                    f"{' '.join(barred)}"
                )
        object.__setattr__(self, "graph", self._trace())
        if not self.output:
            object.__setattr__(
                self, "output", self.states[0] if self.states else next(iter(self.graph.outputs))
            )
        self.__dict__["__doc__"] = self.doc or inspect.getdoc(self.function) or ""

    # making the graph

    def _trace(self) -> Graph:
        leaves: dict[str, Node | None] = {}
        states = [i for i in self.inputs if i.kind == "state"]

        def arguments(scope: Scope) -> dict[str, Any]:
            leaves.update({i.name: self._leaf(i, scope) for i in self.inputs})
            scope.reserved.update({i.name: leaves[i.name] for i in states})
            return leaves | dict(self.options)

        graph, returned, scope = trace(self.function, self.name, arguments, watched=self.watched)
        nexts, emitted = self._returned(returned, scope, states, leaves)
        for i, next_ in zip(states, nexts, strict=True):
            graph.states.append(
                State(i.name, leaves[i.name], self._start(graph, i, leaves), next_, i.reverse)
            )
            graph.names[i.name] = next_
        graph.outputs.update(emitted)
        named = graph.names | emitted
        graph.names = {k: n for k, n in named.items() if n.op.kind != "leaf" or k in emitted}
        self._check_names(graph)
        for name, value in self.held.items():
            if name not in graph.names:
                raise UnknownNameError(
                    f"{self.name} has no equation named {name!r}: {nearest(name, graph.names)}"
                )
            graph = _hold(graph, name, value)
        _set_origins(graph)
        return graph

    def _check_names(self, graph: Graph) -> None:
        """A parameter has a name of its own, and a start that is given belongs to a parameter."""
        taken = {i.name for i in self.inputs} | {f"{i.name}0" for i in self.inputs if i.kind == "state"}
        names = [p.name for p in graph.params]
        lines: dict[str, str] = {}
        for p in graph.params:
            if p.name in lines:
                raise CellDefinitionError(
                    f"{lines[p.name]}: the parameter {p.name!r} exists already ({p.line}, which is learned); "
                    "two parameters cannot have one name, give this one another"
                )
            lines[p.name] = p.line
            if p.name in taken:
                raise CellDefinitionError(
                    f"{p.line}: a parameter cannot be called {p.name!r}: that is the name of an argument, "
                    "or of the gradient of an initial state"
                )
        for name in self.initial:
            if (
                name not in names and not self.chosen
            ):  # options may leave a parameter out, and its start with it
                hint = nearest(name, names)
                raise UnknownNameError(f"{self.name}: init names {name!r}, which is not a parameter: {hint}")

    def _leaf(self, i: Input, scope: Scope) -> Node | None:
        if i.kind == "none":
            return None
        timed = i.kind in ("sequence", "noise", "clock", "state")
        op = OPS["prev"] if i.kind == "state" else OPS[i.kind]
        attrs = {"state": i.name} if i.kind == "state" else {}
        if i.reverse:
            attrs["reverse"] = True
        shape = tuple(scope.size(s) for s in i.shape)
        return scope.graph.add(
            op,
            attrs=attrs,
            shape=shape,
            batched=i.kind != "clock",
            timed=timed,
            name=i.name,
            line=f"argument {i.name}",
        )

    def _returned(self, returned: tuple, scope: Scope, states: list[Input], leaves: Mapping[str, Node]):
        where = f"cell {self.name!r}"
        at = f"{line_of(self.function)}: {where}"
        for r in returned:
            if not isinstance(r, Node):
                hint = ", without brackets" if isinstance(r, list) else ""
                raise CellDefinitionError(
                    f"{at} returned {r!r}, which is not a value of the cell; return next states, then "
                    f"what is emitted{hint}"
                )
        if len(returned) < len(states) or not returned:
            raise CellDefinitionError(
                f"{at} has {len(states)} states ({', '.join(s.name for s in states)}) and returned "
                f"{len(returned)} values; it returns the next "
                "value of each state, in the order of the arguments, then what it emits"
            )
        nexts = list(returned[: len(states)])
        for i, node in zip(states, nexts, strict=True):
            for other in states:
                if other.name != i.name and (
                    node is scope.first.get(other.name) or node is leaves[other.name]
                ):
                    raise CellDefinitionError(
                        f"{at}: the value of state {other.name!r} ({node.line}) is returned in the "
                        f"place of state {i.name!r}; the k-th value "
                        f"returned is the next value of the k-th state: {', '.join(s.name for s in states)}"
                    )
            bound = scope.first.get(i.name)
            if bound is not None and bound is not leaves[i.name] and bound is not node:
                raise CellDefinitionError(
                    f"{at}: {i.name!r} was given a new meaning ({bound.line}), but another value is "
                    "returned for it; the name of a state "
                    "may be used again only for its next value"
                )
            here = at if node.op.kind == "leaf" else f"{node.line}: {where}"
            if is_condition(node):
                raise CellDefinitionError(
                    f"{here}: the next value of state {i.name!r} is a condition ({node!r}); a state "
                    "holds numbers, so write where(condition, 1.0, 0.0)"
                )
            if len(node.shape) != len(i.shape):
                raise CellDefinitionError(
                    f"{here}: the next value of state {i.name!r} has {len(node.shape)} axes "
                    f"beside time and batch ({node!r}), the state has {len(i.shape)}"
                )
        for k, node in enumerate(nexts):
            # an argument handed on is an equation, h_t = x_t; what is the same at every step, or for every
            # sequence, is repeated
            leaf = node.op.kind == "leaf"
            if leaf or not (node.timed and node.batched):
                name = scope.full(states[k].name) if leaf else ""
                shape = leaves[states[k].name].shape if leaf else node.shape
                nexts[k] = scope.graph.add(
                    OPS["copy"], [node], shape=shape, batched=True, timed=True, line=node.line, name=name
                )
        emitted: dict[str, Node] = {}
        for k, node in enumerate(returned[len(states) :]):
            name = next((n for n, v in scope.first.items() if v is node), node.name or f"output{k}")
            if node.op.kind == "leaf" or not node.timed or not node.batched or node in set(nexts):
                zero = scope.graph.add(
                    OPS["copy"], [node], shape=node.shape, batched=True, timed=True, line=node.line
                )
                name = name if name not in scope.first or node.op.kind != "leaf" else f"{name}_out"
                node = zero
            if name in emitted:
                raise CellDefinitionError(
                    f"{node.line}: {where} emits {name!r} twice; return each output once"
                )
            emitted[name] = node
        return nexts, emitted

    def _start(self, graph: Graph, i: Input, leaves: Mapping[str, Node]) -> Node:
        scope_name, _, last = i.name.rpartition(".")
        shape = tuple(Dim.of(s) for s in i.shape)
        with editing(graph, scope_name) as scope:
            if i.init is None:
                return constant(0.0)
            if i.init == "learned":
                return scope.graph.add(
                    OPS["param"],
                    attrs={"init": "zeros"},
                    shape=shape,
                    name=scope.full(f"{last}_0"),
                    line=f"start of {i.name}",
                )
            if not callable(i.init):
                raise CellDefinitionError(
                    f"state {i.name!r}: init={i.init!r} is neither 'learned' nor a function of static inputs"
                )
            wanted = list(inspect.signature(i.init).parameters)
            beside = f"{scope_name}." if scope_name else ""
            statics = {
                n.removeprefix(beside): node
                for n, node in leaves.items()
                if node is not None and node.op.name == "static" and n.startswith(beside)
            }
            missing = [w for w in wanted if w not in statics]
            if missing:
                raise CellDefinitionError(
                    f"state {i.name!r}: its start asks for {missing[0]!r}, which is not a static input: "
                    f"{nearest(missing[0], statics)}"
                )
            start = i.init(*(statics[w] for w in wanted))
            if not isinstance(start, Node) or start.timed or len(start.shape) != len(shape):
                raise CellDefinitionError(
                    f"state {i.name!r}: its start is {start!r}; it needs shape ({', '.join(map(str, shape))})"
                )
            return start

    def __call__(self, *args: Node | None, scope: str | None = None, **kwargs: Any) -> Any:
        """Use the cell inside another one: its parameters live in a scope of their own.

        Parameters
        ----------
        args : Node
            The input (unless the cell has none), then the states.
        scope : str
            Prefix of its names, ``enc.W_f``; by default the cell's name. Each scope is used once.
        kwargs : Node or option
            Static inputs, noise, clock, options.

        Returns
        -------
        Node or tuple of Node
            Next states, then emitted outputs.
        """
        outer = current()
        outer.watch()
        scope = word("a scope", re.sub(r"\W+", "_", self.name) if scope is None else scope)
        if scope in outer.children:
            raise CellDefinitionError(
                f"{author_line()}: the scope {scope!r} is used already; call {self.name} with "
                "scope='another name'"
            )
        outer.children.add(scope)
        positional = [i for i in self.inputs if i.kind in ("sequence", "none", "state")]
        if self.inputs[0].kind == "none":
            positional = positional if len(args) == len(positional) else positional[1:]
        if len(args) > len(positional):
            raise CellDefinitionError(
                f"{author_line()}: {self.name} takes {', '.join(i.name for i in positional)} by position, "
                f"and was given {len(args)} values"
            )
        given = {i.name: a for i, a in zip(positional, args, strict=False)} | kwargs
        unknown = [k for k in given if k not in {i.name for i in self.inputs} and k not in self.options]
        if unknown:
            names = [i.name for i in self.inputs] + list(self.options)
            raise CellDefinitionError(
                f"{author_line()}: {self.name} has no argument {unknown[0]!r}: {nearest(unknown[0], names)}"
            )
        options = {k: v for k, v in given.items() if k in self.options}
        chosen = self.with_options(**options) if options else self
        arguments: dict[str, Any] = {}
        sizes: dict[str, Dim] = {}
        for i in self.inputs:
            value = given.get(i.name)
            if i.kind == "clock" and value is None:
                value = _outer_clock(outer.graph)
            if value is None and i.kind != "none":
                raise CellDefinitionError(
                    f"{author_line()}: {self.name} inside another cell needs its {i.kind} {i.name!r}"
                )
            if isinstance(value, Node):
                if len(value.shape) != len(i.shape):
                    raise CellDefinitionError(
                        f"{author_line()}: {self.name}: {i.name} has {len(i.shape)} axes beside time and "
                        f"batch, and was given {value!r}"
                    )
                if i.reverse and not value.attrs.get("reverse"):
                    raise CellDefinitionError(
                        f"{author_line()}: {self.name} runs {i.name!r} backwards in time, which a cell "
                        "inside another cannot; put them in a stack"
                    )
                for size, dim in zip(i.shape, value.shape, strict=True):
                    if isinstance(size, str):
                        sizes.setdefault(size, dim)
            elif value is not None:
                value = constant(value)
            arguments[i.name] = value
        returned = chosen._copied_into(outer.graph, outer.full(scope), arguments, sizes)
        return returned if len(returned) > 1 else returned[0]

    def _copied_into(
        self, graph: Graph, prefix: str, arguments: Mapping[str, Any], sizes: Mapping[str, Dim]
    ) -> tuple:
        """Copy the equations into another graph, under a prefix; return next states and what is emitted.

        before: ``f = sigmoid(affine("f", h, x))`` in a graph of its own
        after:  ``enc.f = sigmoid(affine("enc.f", ...))`` on the arguments, with parameters ``enc.W_f``
        """
        results = [s.next for s in self.graph.states] + list(self.graph.outputs.values())
        needed = set(walk(results + list(self.graph.names.values())))
        only_starts = set(walk(s.start for s in self.graph.states)) - needed
        new: dict[Node, Node | None] = {}

        def within(value: Any) -> Any:
            if isinstance(value, tuple):
                return tuple(within(v) for v in value)
            return value.within(sizes) if isinstance(value, Dim) else value

        for node in self.graph.nodes:
            if node in only_starts:
                continue
            if node.op.kind == "leaf" and node.op.name not in ("param", "table", "const"):
                new[node] = arguments[node.name]
                continue
            args = [new[a] for a in node.args]
            gained = {
                k: getattr(node, k) and not any(getattr(a, k) for a in node.args)
                for k in ("batched", "timed")
            }
            attrs = {k: within(v) for k, v in node.attrs.items()}
            if "free" in attrs:
                attrs["free"] = new[attrs["free"]]
            if node.op.name == "param" and node.name in self.initial:
                attrs["init"] = self.initial[node.name]
            new[node] = graph.add(
                node.op,
                args,
                attrs=attrs,
                shape=within(node.shape),
                name=f"{prefix}.{node.name}" if node.name else "",
                line=node.line,
                **{k: gained[k] or any(getattr(a, k) for a in args) for k in gained},
            )
        for name, node in self.graph.names.items():
            graph.names.setdefault(f"{prefix}.{name}", new[node])
        return tuple(new[n] for n in results)

    # what there is

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states, in order."""
        return tuple(s.name for s in self.graph.states)

    @property
    def emits(self) -> tuple[str, ...]:
        """Names of what is emitted beside the states."""
        return tuple(self.graph.outputs)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a run can be asked for."""
        return tuple(dict.fromkeys([*self.states, *self.emits, *self.graph.names]))

    def size_names(self) -> tuple[str, ...]:
        """Names of the sizes that the cell's arrays have."""
        found = {name: None for node in self.graph.nodes for d in node.shape for name, _ in d.terms}
        return tuple(found)

    def sizes(
        self,
        input_size: int | None = None,
        hidden_size: int | None = None,
        sizes: Mapping[str, int] | None = None,
        *,
        needed: Collection[str] | None = None,
    ) -> dict[str, int]:
        """Sizes by name, checked: D is the input size, H the hidden size; those of parameters are needed,
        unless `needed` says which.
        """
        sizes = checks.mapping(
            "sizes", sizes, "of whole numbers by name, such as sizes={'A': 64}", optional=True
        )
        known = {k: v for k, v in (("D", input_size), ("H", hidden_size)) if v is not None}
        for name, argument in (("D", "input_size"), ("H", "hidden_size")):
            if name in known and name in sizes and sizes[name] != known[name]:
                raise ValueError(
                    f"{self.name}: {argument}={known[name]!r} and sizes={{{name!r}: {sizes[name]!r}}} are "
                    "two values for one size; give one of them"
                )
        known |= sizes
        every = self.size_names()
        if needed is None:
            needed = [
                name
                for name in every
                if any(name in dict(d.terms) for p in self.graph.params for d in p.shape)
            ]
        for name in needed:
            if name not in known:
                how = {"D": "input_size=", "H": "hidden_size="}.get(name, f"sizes={{'{name}': ...}}")
                raise ValueError(
                    f"{self.name} needs the size {name}: pass {how} (its parameters have sizes "
                    f"{', '.join(needed)})"
                )
        for name, value in known.items():
            if (
                isinstance(value, bool)
                or not isinstance(value, int | np.integer)
                or value < (0 if name == "D" else 1)
            ):
                raise ValueError(
                    f"{self.name}: size {name} = {value!r}; a size is a whole number from "
                    f"{0 if name == 'D' else 1}"
                )
            if name not in every and name not in ("D", "H"):
                raise UnknownNameError(f"{self.name} has no size {name!r}: {nearest(name, every)}")
        return {k: int(v) for k, v in known.items()}

    def parameter_shapes(
        self,
        input_size: int | None = None,
        hidden_size: int | None = None,
        sizes: Mapping[str, int] | None = None,
    ) -> dict[str, tuple[int, ...]]:
        """Shape of each parameter, by name."""
        known = self.sizes(input_size, hidden_size, sizes)
        return {p.name: tuple(d.value(known) for d in p.shape) for p in self.graph.params}

    def parameter_count(
        self,
        input_size: int | None = None,
        hidden_size: int | None = None,
        sizes: Mapping[str, int] | None = None,
    ) -> int:
        """Number of free parameters: not counted are elements that a mask holds at 0, and fixed arrays.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> lc.cells.lstm.parameter_count(input_size=3, hidden_size=5)   # 4 H (D + H + 1)
        180
        """
        known = self.sizes(input_size, hidden_size, sizes)
        count = 0
        for p in self.graph.params:
            if "fixed" in p.attrs:
                continue
            if "free" in p.attrs:
                count += int(np.count_nonzero(table_values(p.attrs["free"], known)))
            else:
                count += math.prod(d.value(known) for d in p.shape)
        return count

    def operations(
        self,
        input_size: int | None = None,
        hidden_size: int | None = None,
        steps: int = 256,
        sizes: Mapping[str, int] | None = None,
    ) -> Operations:
        """Count the multiply-adds of matrix products in a forward run of one sequence, the clock from 0.

        Units that are not due (`cells.clockwork`) take none at that step, and weights that a mask holds at 0
        are not counted. This is what the equations need: programs multiply for all units at each step, and
        choose. With g modules of k units and periods 1, 2, 4, ... a step takes k² Σ (g - i) / 2^i on average,
        i from 0 to g - 1, which is k² (2 g - 2 + 2^(1-g)): the bound that Koutník et al. (2014) print,
        k² (2 g - 2), is a little too small.

        Returns
        -------
        Operations
            ``recurrent`` (T,), ``every``, ``input``; ``mean``, ``total``, ``share``.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> lc.cells.clockwork.operations(input_size=4, hidden_size=16, steps=8).recurrent
        array([160,  64, 112,  64, 144,  64, 112,  64])
        >>> print(lc.cells.clockwork.operations(input_size=4, hidden_size=16))
        98 of 160 recurrent multiply-adds a step are due (61%); 64 for the input
        >>> print(lc.cells.lstm.operations(input_size=4, hidden_size=5))
        100 of 100 recurrent multiply-adds a step are due (100%); 80 for the input
        """
        from .run.cost import operations

        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or steps < 0:
            raise ValueError(f"steps={steps!r}: a number of steps is a whole number from 0")
        known = self.sizes(input_size, hidden_size, sizes, needed=self.size_names())
        return operations(self, known, int(steps))

    def output_size(
        self, hidden_size: int, input_size: int = 1, sizes: Mapping[str, int] | None = None
    ) -> int:
        """Width of what is read out: H, or 2 H for a bidirectional cell."""
        known = {"D": input_size} | self.sizes(None, hidden_size, sizes, needed=())
        return self.graph.names[self.output].shape[-1].value(known)

    def init(
        self,
        input_size: int | None = None,
        hidden_size: int | None = None,
        rng: np.random.Generator | int | None = None,
        dtype: Any = np.float32,
        *,
        sizes: Mapping[str, int] | None = None,
        forget_bias: float | None = None,
    ) -> dict[str, np.ndarray]:
        """Draw parameters in the way that is usual for the cell.

        Input weights by Glorot & Bengio (2010), recurrent weights orthogonal (Saxe et al. 2014), biases 0,
        but the forget gate's 1 (Gers et al. 2000; Jozefowicz et al. 2015). A cell may say otherwise.

        Parameters
        ----------
        input_size, hidden_size : int
            D and H.
        rng : numpy.random.Generator or int, optional
            Source of random numbers, or a seed.
        dtype : dtype
            float32 for training, float64 for checks. The numbers are the same up to rounding.
        sizes : mapping, optional
            Other sizes by name.
        forget_bias : float, optional
            Where the bias ``b_f`` starts, in every layer.

        Returns
        -------
        dict of str to ndarray

        Examples
        --------
        >>> import lstmcourse as lc
        >>> params = lc.cells.lstm.init(input_size=3, hidden_size=5, rng=0)
        >>> params["W_f"].shape, params["U_f"].shape, params["b_f"]
        ((3, 5), (5, 5), array([1., 1., 1., 1., 1.], dtype=float32))
        """
        dtype = checks.dtype(dtype)
        rng = checks.generator("rng", rng)
        shapes = self.parameter_shapes(input_size, hidden_size, sizes)
        known = self.sizes(input_size, hidden_size, sizes)
        if set(self.size_names()) <= set(known):
            concrete(self.graph, known)
        if forget_bias is not None and (
            isinstance(forget_bias, bool)
            or not isinstance(forget_bias, int | float | np.floating | np.integer)
        ):
            raise TypeError(
                f"forget_bias={forget_bias!r}: a bias starts at a number, such as forget_bias=1.0"
            )
        forget = [p for p in shapes if p.rpartition(".")[2] == "b_f"]
        if forget_bias is not None and not forget:
            raise ValueError(
                f"forget_bias={forget_bias}: {self.name} has no parameter b_f; its parameters are "
                f"{', '.join(shapes)}"
            )
        params = {}
        for node in self.graph.params:
            how = self.initial.get(node.name, node.attrs["init"])
            if forget_bias is not None and node.name in forget:
                how = float(forget_bias)
            drawn = _draw(how, shapes[node.name], rng)
            if "free" in node.attrs:
                drawn = drawn * table_values(node.attrs["free"], known)
            params[node.name] = np.ascontiguousarray(drawn.astype(dtype))
        return params

    # variants

    def with_options(self, **options: Any) -> Cell:
        """The same family with other options.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> [p for p in lc.cells.peephole.with_options(peepholes="o").parameter_shapes(1, 1) if p[0] == "p"]
        ['p_o']
        """
        for k in options:
            if k not in self.options:
                raise UnknownNameError(f"{self.name} has no option {k!r}: {nearest(k, self.options)}")
        options = dict(self.options) | options
        if self.maker:
            return self.maker(**options).hold(self.held)
        return _without_chance(self.function, lambda: replace(self, options=options, chosen=True))

    def variant(self, name: str, doc: str, *, init: Mapping[str, Any] | None = None, **options: Any) -> Cell:
        """A member of the family under a name of its own.

        Parameters
        ----------
        name, doc : str
            What it is called, and what it is.
        init : mapping, optional
            How parameters start, by name, where it is not as in this cell.
        options
            As `with_options` takes them.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> lc.cells.peephole.variant("peeking", "Only the output gate sees c.", peepholes="o").name
        'peeking'
        """
        cell = self.with_options(**options)
        return replace(cell, name=name, doc=doc, initial=dict(cell.initial) | dict(init or {}))

    def override(self, **values: float) -> Cell:
        """The same cell with named equations held at a value, such as a gate kept open:
        ``lstm.override(f=1.0)``.

        Parameters stay the same, so a trained model's weights fit.
        """
        return self.hold(values)

    def hold(self, values: Mapping[str, float]) -> Cell:
        """As `override`, for names with a scope: ``hold({"0.f": 1.0})``."""
        for k, v in checks.mapping("values", values, "of numbers by name, such as hold({'f': 1.0})").items():
            if (
                isinstance(v, bool)
                or not isinstance(v, int | float | np.floating | np.integer)
                or not np.isfinite(v)
            ):
                raise ValueError(f"{k}={v!r}: an equation is held at a finite number")
            if k not in self.graph.names:
                raise UnknownNameError(
                    f"{self.name} has no equation named {k!r}: {nearest(k, self.graph.names)}"
                )
            if is_condition(self.graph.names[k]):
                raise ValueError(
                    f"{k}={v!r}: {k!r} is a condition ({self.graph.names[k].line}), and only numbers are "
                    f"held; name where({k}, 1.0, 0.0) in the cell and hold that, or hold what {k!r} chooses"
                )
        return replace(self, held=dict(self.held) | {k: float(v) for k, v in values.items()})

    # running

    def compiled(
        self,
        given: frozenset[str] = frozenset(),
        padded: bool = False,
        gradients: bool = True,
        dtype: np.dtype | None = None,
    ) -> Compiled:
        """The programs for one way of running the cell; printed once. With a dtype, those of the compiler."""
        key = (given, padded, gradients, dtype)
        if key not in self._cache:
            self._cache[key] = compile_graph(
                self.graph, given=given, padded=padded, gradients=gradients, dtype=dtype
            )
        return self._cache[key]

    def step(
        self,
        params: Mapping[str, np.ndarray],
        x: np.ndarray | None = None,
        state: Mapping[str, Any] | None = None,
        **inputs: np.ndarray,
    ) -> NextState:
        """One step, computed equation by equation as the author wrote them.

        Parameters
        ----------
        params : dict
        x : ndarray, shape (B, D)
            The step's input.
        state : dict, optional
            Each state, (B, H), and the clock if there is one; what is missing starts as the cell says.
        inputs : ndarray
            Static inputs (B, ...), and this step's noise (B, ...).

        Returns
        -------
        NextState
            Next states by name; also readable: everything else that has a name.
        """
        from .run.step import one_step

        return one_step(self, params, x, state, inputs)

    # display

    @property
    def latex(self) -> str:
        """The equations as LaTeX, one line each."""
        from .views.latex import latex

        return latex(self)

    def equations(self, *names: str) -> Any:
        """Some of the equations, by the names that they give a value; all if none is named. Displays itself.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> lc.cells.lstm.equations("f", "c")
        f_t = sigmoid(h_{t-1} U_f + x_t W_f + b_f)
        c_t = f_t * c_{t-1} + i_t * g_t
        """
        from .views.latex import some

        return some(self, names)

    def definition(self, *names: str) -> str:
        """The function as its author wrote it; or only the lines that give these names a value.

        Raises
        ------
        ValueError
            The source is not at hand, as for a function that was typed at a prompt.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> print(lc.cells.lstm.definition("f", "c"))
        f = sigmoid(affine("f", h, x))  # forget gate
        c = f * c + i * g
        """
        try:
            text = inspect.getsource(self.function)
            if f"def {self.function.__name__}(" not in text:  # another text was kept under "<string>"
                raise OSError("what is found there is not its source")
        except (OSError, TypeError) as error:
            raise ValueError(f"{self.name}: the text of its definition is not at hand: {error}") from error
        if not names:
            return text.rstrip()
        for name in names:
            if name not in self.graph.names:
                raise UnknownNameError(
                    f"{self.name} has no equation named {name!r}: {nearest(name, self.graph.names)}"
                )
        lines = (line.strip() for line in text.splitlines())
        return "\n".join(line for line in lines if line.partition(" = ")[0] in names)

    def diagram(self, **options: Any) -> Any:
        """One step as a picture; displays itself. See `lstmcourse.views.diagram`."""
        from .views.diagram import diagram

        return diagram(self, **options)

    def folded(self) -> Any:
        """The loop, as one module whose state comes back to it; displays itself."""
        from .views.diagram import folded

        return folded(self)

    def unrolled(self, steps: int = 4) -> Any:
        """The loop laid out in time, as copies of one module; displays itself."""
        from .views.diagram import unrolled

        return unrolled(self, steps=steps)

    def source(self, backend: str = "numpy", backward: bool = False) -> str:
        """The generated program, forward or backward, as text made to be read.

        Parameters
        ----------
        backend : str
            ``"numpy"``, or ``"numba"`` for the loops that are compiled. What they call stands in
            `lstmcourse.compiled.kernels`; ``F`` is the dtype.
        backward : bool
        """
        from .run.backends import check_backend

        if backend == "reference":
            raise ValueError(
                "backend='reference' prints no program: it computes the equations as they are written, see "
                "lstmcourse/engine/reference.py; source(...) prints those of 'numpy' and 'numba'"
            )
        programs = self.compiled(dtype=np.dtype(np.float32) if check_backend(backend) == "numba" else None)
        if not backward:
            return programs.forward.text
        return programs.backward((self.output,))[0].text

    # other processes

    def __reduce__(self) -> tuple:
        """A pickle holds where a cell is to be had, and in what it differs: names, never code."""
        from . import cells

        return cells.restored, cells.description(self)

    def __copy__(self) -> Cell:
        return self  # it is not changed

    def __deepcopy__(self, memo: dict) -> Cell:
        return self

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"

    def __repr__(self) -> str:
        held = "".join(f", {k} held at {v:g}" for k, v in self.held.items())
        options = "".join(f", {k}={v!r}" for k, v in self.options.items())
        names = ", ".join(p.name for p in self.graph.params)
        return f"<cell {self.name}: states {', '.join(self.states)}; parameters {names}{options}{held}>"


def _outer_clock(graph: Graph) -> Node:
    clocks = graph.leaves("clock")
    if not clocks:
        raise CellDefinitionError(
            f"{author_line()}: a nested cell reads the clock, so the outer cell needs one: add t=clock to "
            "its arguments"
        )
    return clocks[0]


def _set_origins(graph: Graph) -> None:
    """Note for each node the equation that it is part of: the first named one that reads it."""
    named = equations(graph)
    for name, node in named.items():
        node.origin = (name,)
    for node in reversed(graph.nodes):
        for a in node.args:
            if a.origin is None and a.op.kind != "leaf":
                a.origin = node.origin


def _hold(graph: Graph, name: str, value: float) -> Graph:
    """Replace a named equation by a constant of its shape.

    before: ``f = sigmoid(...)``
    after:  ``f = 1.0``
    """
    from .engine.rewrite import rewrite

    target = graph.names[name]

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node is not target:
            return None
        return spread(constant(value), node)

    new = rewrite(graph, rule)
    new.names[name].name = name
    return new


# Chance: a number drawn while a cell is traced would be the same at every step of every run


def _without_chance(function: Callable, make: Callable[[], Cell]) -> Cell:
    """Make a cell; refuse one that another trace would make of other numbers or operations.

    The function is run again where numbers come from elsewhere than its text, and several times where a
    generator has moved meanwhile, which may also be another thread's doing.
    """
    before = _generators(function)
    cell = make()
    moved = _generators(function) != before
    known = {0.0, *_numbers(function.__code__), *cell.options.values(), *cell.held.values()}
    given = (n.attrs["value"] for n in cell.graph.leaves("const"))
    strange = any(isinstance(v, np.ndarray) or (isinstance(v, int | float) and v not in known) for v in given)
    first = _contents(cell.graph)
    for _ in range(8 if moved else int(strange)):
        other = zip_longest(first, _contents(cell._trace()))
        at = next((k for k, (one, two) in enumerate(other) if one != two), None)
        if at is not None:
            line = next((n.line for n in cell.graph.nodes[at:] if n.args and n.line), line_of(function))
            raise CellDefinitionError(
                f"{line}: cell {cell.name!r} is another one each time that its function runs: it draws at "
                "random (or looks at a clock). A cell is traced once, so what is drawn there would be the "
                'same at every step of every run; let the caller give it, e=noise("H") as an argument'
            )
    return cell


def _generators(function: Callable) -> bytes:
    """The states of the global generators, and of those that a function calls by name."""
    seen = inspect.getclosurevars(function)
    kinds, stateless = np.random.Generator | np.random.RandomState | random.Random, random.SystemRandom
    held = (*seen.nonlocals.values(), *seen.globals.values())
    own = [v for v in held if isinstance(v, kinds) and not isinstance(v, stateless)]
    return pickle.dumps([np.random.get_state(legacy=False), random.getstate(), own])


def _numbers(code: CodeType) -> Iterator[float]:
    """The numbers in a function's text."""
    for value in code.co_consts:
        if isinstance(value, int | float):
            yield value
        elif isinstance(value, CodeType):
            yield from _numbers(value)


def _contents(graph: Graph) -> list[tuple]:
    """What is done to what, with which numbers: equal for graphs that compute the same."""
    number = {n: k for k, n in enumerate(graph.nodes)}

    def plain(v: Any) -> Any:
        return (v.shape, v.tobytes()) if isinstance(v, np.ndarray) else "" if callable(v) else repr(v)

    return [
        (n.op.name, n.name, [number[a] for a in n.args], [(k, plain(v)) for k, v in n.attrs.items()])
        for n in graph.nodes
    ]


def _draw(how: Any, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """One parameter, in float64."""
    if isinstance(how, int | float):
        return np.full(shape, float(how))
    if how == "zeros":
        return np.zeros(shape)
    if how == "identity":
        return np.eye(*shape)
    if how == "glorot":
        fan_in, fan_out = (shape[0], shape[-1]) if len(shape) > 1 else (1, shape[0])
        bound = np.sqrt(6.0 / max(1, fan_in + fan_out))
        return rng.uniform(-bound, bound, shape)
    if how == "signs":
        return rng.choice([-1.0, 1.0], shape) / np.sqrt(max(1, shape[0]))
    if how == "orthogonal":
        n, m = shape
        q, r = np.linalg.qr(rng.standard_normal((max(n, m), min(n, m))))
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        return q if n >= m else q.T
    if isinstance(how, tuple) and len(how) == 2 and how[0] == "normal":
        return rng.normal(0.0, how[1], shape)
    if isinstance(how, tuple) and len(how) == 2 and how[0] == "uniform":
        return rng.uniform(-how[1], how[1], shape)
    raise ValueError(
        f"init={how!r}: use 'glorot', 'orthogonal', 'zeros', 'identity', 'signs', ('normal', std), "
        "('uniform', bound) or a number"
    )


def cell(
    function: Callable | None = None,
    *,
    init: Mapping[str, Any] | None = None,
    letters: Mapping[str, str] | None = None,
    name: str | None = None,
) -> Any:
    r"""Make a recurrent cell of a function that holds its equations.

    The first argument is the step's input (``x=None`` where there is none), arguments without a default are
    states, the others say by their default what they are. The function returns the next states, in the
    order of the arguments, then what it emits. It is run when the cell is defined, on graph nodes, and never
    again: chance comes from outside, as `noise`.

    Parameters
    ----------
    function : callable
        The equations, written with the functions of `lstmcourse`.
    init : mapping, optional
        How a parameter starts, by name, where it is not as usual: ``{"b_f": 1.0}``.
    letters : mapping, optional
        The paper's letters for names, in LaTeX: ``{"g": r"\tilde{C}"}``.
    name : str, optional
        By default the function's.

    Returns
    -------
    Cell

    Raises
    ------
    CellDefinitionError
        What cannot be traced, by name and with the line.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> @lc.cell
    ... def leaky(x, h):
    ...     h = 0.9 * h + lc.tanh(lc.affine("h", W=x))
    ...     return h
    >>> leaky
    <cell leaky: states h; parameters W_h, b_h>
    """
    if function is None:
        return lambda f: cell(f, init=init, letters=letters, name=name)
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        what = "a cell already" if isinstance(function, Cell) else f"of type {type(function).__name__}"
        raise TypeError(
            f"cell({function!r}): it is {what}; a cell is made of a Python function, whose arguments are the "
            "input and the states: def rnn(x, h): ..."
        )
    inputs, options = _signature(function)
    return _without_chance(
        function,
        lambda: Cell(
            function.__name__ if name is None else name,
            function,
            tuple(inputs),
            options,
            dict(init or {}),
            dict(letters or {}),
        ),
    )
