"""What a cell is: its function, traced once, and what follows: states, names, sizes, parameters."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .. import checks
from ..errors import CellDefinitionError, UnknownNameError, nearest
from .expression import equations
from .graph import Dim, Graph, Node, State
from .layers import table_values
from .lines import line_of
from .operands import is_condition
from .ops import OPS, constant, spread
from .rewrite import rewrite
from .signature import Input
from .trace import Scope, editing, trace

__all__ = ["Definition"]


@dataclass(frozen=True, eq=False)
class Definition:
    """A recurrent cell as it was defined; not changed afterwards. `Cell` adds what one does with it.

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
    maker: Callable[..., Definition] | None = None
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

    # what there is

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states, in order."""
        if "states" not in self._cache:
            self._cache["states"] = tuple(s.name for s in self.graph.states)
        return self._cache["states"]

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
        if "size_names" not in self._cache:
            found = {name: None for node in self.graph.nodes for d in node.shape for name in d.names}
            self._cache["size_names"] = tuple(found)
        return self._cache["size_names"]

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
        if needed is not None:
            if isinstance(needed, str | bytes | Mapping) or not isinstance(needed, Collection):
                raise TypeError(f"needed={checks.shown(needed)} does not fit: names of sizes are needed")
            for name in needed:
                checks.choice("needed", name, every)
        if needed is None:
            needed = [
                name for name in every if any(name in d.names for p in self.graph.params for d in p.shape)
            ]
        for name in needed:
            if name not in known:
                how = {"D": "input_size=", "H": "hidden_size="}.get(name, f"sizes={{'{name}': ...}}")
                raise ValueError(
                    f"{self.name} needs the size {name}: pass {how} (its parameters have sizes "
                    f"{', '.join(needed)})"
                )
        for name, value in known.items():
            least, argument = int(name != "D"), {"D": "input_size", "H": "hidden_size"}.get(name, "sizes")
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or value < least:
                raise ValueError(
                    f"{self.name}: {argument}: size {name} = {checks.shown(value)}; a size is a whole number "
                    f"from {least}"
                )
            if name not in every and name not in ("D", "H"):
                raise UnknownNameError(f"sizes: {self.name} has no size {name!r}: {nearest(name, every)}")
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

    def own(self, params: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Those of a larger cell's parameters that are this one's: of a trained cell for one that samples.

        Parameters
        ----------
        params : mapping
            They may be more than this cell has, and are not copied.

        Raises
        ------
        ValueError
            Some are missing.

        Examples
        --------
        >>> import lstmcourse as lc
        >>> trained = lc.cells.storn.init(2, 3, rng=0, sizes={"Z": 1})
        >>> part = lc.cells.storn_sample
        >>> len(trained), part.own(trained).keys() == part.parameter_shapes(2, 3, {"Z": 1}).keys()
        (15, True)
        """
        checks.mapping("params", params, "of arrays by name, as init(...) of a larger cell gives")
        missing = [p.name for p in self.graph.params if p.name not in params]
        if missing:
            raise ValueError(
                f"{self.name} has parameters that params lacks: {', '.join(map(repr, missing))}; it has to "
                "be a part of the cell whose parameters they are, with the same options"
            )
        return {p.name: params[p.name] for p in self.graph.params}

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

    def output_size(
        self, hidden_size: int, input_size: int = 1, sizes: Mapping[str, int] | None = None
    ) -> int:
        """Width of what is read out: H, or 2 H for a bidirectional cell."""
        if hidden_size is None:
            raise ValueError(
                f"hidden_size=None: {self.name} has no width without it; give a whole number from 1"
            )
        known = self.sizes(input_size, hidden_size, sizes, needed=())
        return self.graph.names[self.output].shape[-1].value(known)

    def __copy__(self) -> Definition:
        return self  # it is not changed

    def __deepcopy__(self, memo: dict) -> Definition:
        return self

    def __repr__(self) -> str:
        held = "".join(f", {k} held at {v:g}" for k, v in self.held.items())
        options = "".join(f", {k}={v!r}" for k, v in self.options.items())
        names = ", ".join(p.name for p in self.graph.params)
        return checks.encodable(
            f"<cell {self.name}: states {', '.join(self.states)}; parameters {names}{options}{held}>"
        )

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
    target = graph.names[name]

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node is not target:
            return None
        return spread(constant(value), node)

    new = rewrite(graph, rule)
    new.names[name].name = name
    return new
