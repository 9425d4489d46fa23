"""Print a graph as loops over single numbers, for a compiler: the same program as NumPy's, fused.

Each section of the schedule becomes a function: what is done once, what is done for all steps at once, a loop
through time. In it, products stay calls; all element-wise work between two products that has the same extent
becomes one loop, in which a value that nobody else reads is a local variable and never touches memory:

    for row in range(first, last):
        ...
        for k in range(H):
            f_k = sigmoid(a_f[k])
            ...
            c_k = f_k * c_row[k] + i_k * g_k

What differs from the NumPy printer, in the order of the rules below:

- element-wise work that all steps could share waits for the loop if only the loop reads it;
- a sum with a product is accumulated by the product, if possible in the storage of the other summand;
- element-wise work is done as late as it can be, so that more of it is fused;
- a matrix by which a loop multiplies at every step is brought into the order of tiles ahead of it;
- storage is an address; an index is worked out from the strides of each variable.

`first` and `last` bound the sequences that a loop handles, or the rows of a product that a function outside
loops makes: parts of a batch, or of a product, can be handled by several threads.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..engine.graph import Dim, Graph, Node
from ..engine.ops import is_condition
from ..programs.passes import Section
from ..programs.walk import RESERVED, Program, Storage, Walk

__all__ = ["Buffer", "CompiledProgram", "Function", "NotCompiled", "Poly", "View", "compiled"]


class NotCompiled(Exception):
    """The graph, or the sizes of a run, ask for something that the compiled back-end cannot do."""


# Sizes and strides, as text that can be compared


@dataclass(frozen=True)
class Poly:
    """A sum of products of sizes, such as ``4 * B * H``: a stride or an extent, before sizes are known.

    Examples
    --------
    >>> str(Poly.of("B") * (Poly.of("H") * 4) + 2)
    '4 * B * H + 2'
    """

    terms: tuple[tuple[tuple[str, ...], int], ...] = ()

    @staticmethod
    def of(value: Poly | str | int) -> Poly:
        """A whole number or a name, as a polynomial."""
        if isinstance(value, Poly):
            return value
        if isinstance(value, str):
            return Poly((((value,), 1),))
        return Poly((((), value),)) if value else Poly()

    @staticmethod
    def _from(found: Mapping[tuple[str, ...], int]) -> Poly:
        return Poly(tuple(sorted((names, k) for names, k in found.items() if k)))

    def __add__(self, other: Poly | str | int) -> Poly:
        found = dict(self.terms)
        for names, k in Poly.of(other).terms:
            found[names] = found.get(names, 0) + k
        return Poly._from(found)

    def __mul__(self, other: Poly | str | int) -> Poly:
        found: dict[tuple[str, ...], int] = {}
        for names, k in self.terms:
            for more, m in Poly.of(other).terms:
                both = tuple(sorted(names + more))
                found[both] = found.get(both, 0) + k * m
        return Poly._from(found)

    def value(self, sizes: Mapping[str, int]) -> int:
        """The number, once every name has one."""
        total = 0
        for names, k in self.terms:
            for name in names:
                k *= sizes[name]
            total += k
        return total

    def names(self) -> set[str]:
        """The names in it."""
        return {name for names, _ in self.terms for name in names}

    def __str__(self) -> str:
        text = ""
        for names, k in sorted(self.terms, key=lambda term: (term[1] < 0, -len(term[0]), term)):
            factors = [str(abs(k))] if abs(k) != 1 or not names else []
            sign = ("-" if not text else " - ") if k < 0 else " + " if text else ""
            text += sign + " * ".join(factors + list(names))
        return text or "0"


ZERO, ONE = Poly(), Poly.of(1)
PART = Poly.of("last") + Poly.of("first") * -1
"""How many rows are handled by this call."""


@dataclass(frozen=True)
class Buffer:
    """Memory with a name: its axes, and whether it holds truth values."""

    axes: tuple[Poly, ...]
    boolean: bool = False


@dataclass(frozen=True)
class View:
    """An array of the result: part of a buffer."""

    variable: str
    offset: Poly
    shape: tuple[Poly, ...]
    strides: tuple[Poly, ...]


@dataclass(frozen=True)
class Ref:
    """Where a node's values are: variable, first element, and how far neighbours are apart on each axis."""

    variable: str
    shape: tuple[Poly, ...]
    strides: tuple[Poly, ...]
    time: Poly | None = None
    batch: Poly | None = None
    offset: Poly = ZERO
    boolean: bool = False
    label: str = ""

    def drop(self, axis: int) -> Ref:
        """Without a trailing axis: its first element."""
        at = len(self.shape) + axis
        return replace(
            self,
            shape=self.shape[:at] + self.shape[at + 1 :],
            strides=self.strides[:at] + self.strides[at + 1 :],
        )


@dataclass(frozen=True)
class Function:
    """One function of a compiled program.

    Attributes
    ----------
    name : str
    loop : bool
        Whether it goes through time.
    rows : Poly or None
        How many rows it handles, if parts of them can be handled by several threads at once.
    work : Poly
        How many multiplications that takes, roughly; 0 where it makes no difference.
    """

    name: str
    loop: bool = False
    rows: Poly | None = None
    work: Poly = ZERO


@dataclass
class _Piece:
    """Statements that end up in one function; `rows` and `work` as there."""

    lines: list[str] = field(default_factory=list)
    rows: Poly | None = None
    work: Poly = ZERO


@dataclass
class CompiledProgram(Program):
    """A program for the compiler: its text, and what it takes to call it.

    Attributes
    ----------
    functions : list of Function
        In the order of calls.
    variables : list of str
        Whose addresses are handed over, in order.
    expected : dict
        Axes of each argument.
    buffers : dict
        What is allocated: variable -> `Buffer`.
    results : dict
        Key of the returned dict -> `View`.
    equal : set
        Sizes that must turn out equal.
    """

    functions: list[Function] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    expected: dict[str, Buffer] = field(default_factory=dict)
    buffers: dict[str, Buffer] = field(default_factory=dict)
    results: dict[str, View] = field(default_factory=dict)
    equal: set[tuple[Poly, Poly]] = field(default_factory=set)


# How operations are written. An infix operation is put into brackets when it is part of another.

INFIX = {
    "add": "{0} + {1}", "sub": "{0} - {1}", "mul": "{0} * {1}", "div": "{0} / {1}", "neg": "-{0}",
    "square": "{0} * {0}", "less": "{0} < {1}", "less_equal": "{0} <= {1}", "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}", "equal": "{0} == {1}", "not_equal": "{0} != {1}", "both": "{0} & {1}",
    "either": "{0} | {1}", "opposite": "not {0}",
}  # fmt: skip
CALLS = {
    "sqrt": "math.sqrt({0})", "exp": "exp({0})", "log": "math.log({0})", "sin": "math.sin({0})",
    "cos": "math.cos({0})", "tanh": "tanh({0})", "sigmoid": "sigmoid({0})", "relu": "relu({0})",
    "softplus": "softplus({0})", "maximum": "maximum({0}, {1})", "minimum": "minimum({0}, {1})",
    "where": "select({0}, {1}, {2})", "mod": "remainder({0}, {1})", "stop": "{0}", "copy": "{0}",
    "spread": "{0}",
}  # fmt: skip
SLOW = {"log", "sin", "cos", "mod"}
"""Computed one by one by the C library: they get a loop of their own, so that others are vectorised."""

IMPORTS = (
    "add_rows copy_rows exp lay_tiles logsumexp loose maximum minimum pointer product relu remainder select "
    "sigmoid softmax softplus sum_along tanh tiled_product zero_rows"
).split()

ELEMENT = 16
"""Multiplications in a product that take as long as an element-wise operation on one number, roughly."""

MOST_COLUMNS = 32
"""Columns of the widest panel of tiles on any processor (`tiles.py`): the last one may be partly empty."""

WORDS = {*RESERVED, *IMPORTS, "F", "math", "kernels", "sizes", "at", "first", "last", "row", "k", "njit"}
WORDS |= {f"k{n}" for n in range(1, 9)}


def compiled(
    graph: Graph,
    name: str,
    *,
    doc: str,
    store: Mapping[str, Node],
    given: Mapping[Node, Storage] | None = None,
    comments: Graph | None = None,
    gradient: bool = False,
) -> CompiledProgram:
    """Print one program for the compiler; the arguments are those of `printers.numpy.program`.

    Raises
    ------
    NotCompiled
        The graph holds what cannot be printed in this way.
    """
    return _Printer(graph, store, given or {}, comments or graph, {}, gradient).program(name, doc)


@dataclass
class _Group:
    """Element-wise nodes that share one loop."""

    nodes: list[Node]


class _Printer(Walk):
    reserved = WORDS

    # when

    def scheduled(self) -> list[Section]:
        """The schedule, but what only a loop reads is computed in it."""
        sections = super().scheduled()
        place = {n: s for s in sections for n in s.nodes}

        def summand(node: Node) -> bool:
            """Whether a product of its own will be added to it, or it to a product."""
            return node.op.name == "add" and any(a.op.kind == "product" for a in node.args)

        for node in reversed(self.graph.nodes):
            here = place.get(node)
            if here is None or here.loop or not node.timed or not _pointwise(node) or id(node) in self.wanted:
                continue
            if summand(node):
                continue
            readers = {id(place[u]): place[u] for u in self.users[node] if u in place}
            (there,) = readers.values() if len(readers) == 1 else (None,)
            if (
                there is not None
                and there.loop
                and all(_pointwise(u) and _extent(u) == _extent(node) for u in self.users[node])
            ):
                place[node] = there
        for s in sections:
            s.nodes = [n for n in self.graph.nodes if place.get(n) is s]
        return [s for s in sections if s.loop or s.nodes]

    def _accumulated(self) -> None:
        """Sums of which one part is a product: the product adds to what is there."""
        self.addend: dict[Node, Node] = {}  # sum -> its other part
        self.product: dict[Node, Node] = {}  # sum -> the product
        absorbed: set[Node] = set()
        for node in self.graph.nodes:
            if node.op.name != "add" or node not in self.where:
                continue
            for p in (1, 0):
                a, other = node.args[p], node.args[1 - p]
                if (
                    a.op.name in ("dot", "matmul")
                    and self.where.get(a) == self.where[node]
                    and len(self.users[a]) == 1
                    and id(a) not in self.wanted
                    and a not in self.product
                    and (a.shape, a.batched, a.timed) == (node.shape, node.batched, node.timed)
                    and (self._may_take(other, node) or not self._fusable(node))
                ):
                    self.addend[node], self.product[node] = other, a
                    absorbed.add(a)
                    break
        self.absorbed = absorbed

    def _fusable(self, node: Node) -> bool:
        """Whether a sum would be fused with its readers anyway."""
        return id(node) not in self.wanted and all(
            _pointwise(u) and _extent(u) == _extent(node) and self.where.get(u) == self.where[node]
            for u in self.users[node]
        )

    def _may_take(self, other: Node, node: Node) -> bool:
        """Whether the storage of a summand is free to hold the sum."""
        base = other.args[0] if other.op.name == "slice" else other
        if base.op.kind in ("leaf", "view") or base not in self.where or id(base) in self.wanted:
            return False
        if id(other) in self.wanted or len(self.users[other]) != 1 or base.op.name == "concat":
            return False
        if any(s.next is base for s in self.graph.states) or base.timed != node.timed:
            return False
        if (other.shape, other.batched) != (node.shape, node.batched) or is_condition(other):
            return False
        if base is not other:  # a slice: those beside it must not overlap
            if any(u.op.name != "slice" or u.attrs["axis"] != -1 for u in self.users[base]):
                return False
            bounds = [(u.attrs["start"], u.attrs["stop"]) for u in self.users[base]]
            starts = {str(a): b for a, b in bounds}
            at, count = Dim(), 0
            while str(at) in starts:
                at, count = starts.pop(str(at)), count + 1
            return (
                count == len(bounds)
                and self.sections[self.where[base]] is not self.sections[self.where[node]]
            )
        return True

    def _steps(self, section: Section) -> list[_Group | Node]:
        """The order of work in a section: groups, and operations that are calls."""
        inside = set(section.nodes)
        rest = [n for n in section.nodes if n.op.kind != "view" and n not in self.absorbed]
        views = [n for n in section.nodes if n.op.kind == "view"]
        done: set[Node] = set()
        steps: list[_Group | Node] = []

        def needs(node: Node) -> list[Node]:
            if node in self.addend:
                return [self.addend[node], *self.product[node].args]
            return list(node.args)

        def ready(node: Node, more: Iterable[Node] = ()) -> bool:
            return all(a not in inside or a in done or a in more for a in needs(node))

        def settle(nodes: Iterable[Node]) -> None:
            done.update(nodes)
            for v in views:
                if v not in done and ready(v):
                    done.add(v)

        def key(node: Node) -> tuple:
            return (*_extent(node), node.timed, node.op.name in SLOW)

        settle(())
        while rest:
            call = next((n for n in rest if not self._in_group(n)), None)
            wanted: set[Node] = set()
            stack = list(needs(call)) if call is not None else list(rest)
            while stack:
                n = stack.pop()
                if n in inside and n not in done and n not in wanted:
                    wanted.add(n)
                    stack += needs(n)
            need = [n for n in rest if n in wanted and n is not call]
            while need:
                start = next(n for n in need if ready(n))
                members: dict[Node, None] = {}
                for pool, linked in ((need, False), (rest, True)):
                    grown = True
                    while grown:
                        grown = False
                        for n in pool:
                            if n in members or not self._in_group(n) or key(n) != key(start):
                                continue
                            if ready(n, members) and (not linked or any(a in members for a in n.args)):
                                members[n] = None
                                grown = True
                steps.append(_Group([n for n in self.graph.nodes if n in members]))
                settle(members)
                need = [n for n in need if n not in done]
            if call is not None:
                steps.append(call)
                settle([call])
            rest = [n for n in rest if n not in done]
        return steps

    def _in_group(self, node: Node) -> bool:
        return _pointwise(node) and node not in self.addend

    # where

    def poly(self, dim: Dim) -> Poly:
        """A size in the program's own names."""
        total = Poly.of(dim.constant)
        for name, count in dim.terms:
            total = total + Poly.of(self.size(Dim.of(name))) * count
        return total

    def shape(self, node: Node) -> tuple[Poly, ...]:
        """A node's trailing shape."""
        return tuple(self.poly(d) for d in node.shape)

    def _whole(self, variable: str, node: Node, time: str, shift: int = 0) -> tuple[Buffer, Ref]:
        """A buffer for a node, and the reference to all of it."""
        shape = self.shape(node)
        lead: list[Poly] = []
        if time:
            lead.append(Poly.of("T") + (1 if time == "T+1" else 0))
        if node.batched or node.timed:
            lead.append(Poly.of("B" if node.batched else 1))
        strides, size = [], ONE
        for extent in reversed((*lead, *shape)):
            strides.insert(0, size)
            size = size * extent
        k = len(lead)
        step = strides[0] if time else None
        ref = Ref(
            variable,
            shape,
            tuple(strides[k:]),
            time=step,
            batch=strides[k - 1] if node.batched else None,
            offset=step * shift if step is not None and shift else ZERO,
            boolean=is_condition(node),
            label=variable,
        )
        return Buffer((*lead, *shape), ref.boolean), ref

    def given_refs(self) -> None:
        """Where arguments are."""
        for node, at in self.storage.items():
            if node.op.name == "const" and not isinstance(node.attrs["value"], np.ndarray):
                continue
            buffer, ref = self._whole(at.variable, node, at.time, at.shift)
            before = self.expected.setdefault(at.variable, buffer)
            if before != buffer:
                raise NotCompiled(f"{at.variable} is read in two shapes")
            self.refs[node] = ref

    def plan(self) -> None:
        """Storage that is settled from the start: states, parts of what is laid side by side."""
        for s in self.graph.states:
            variable = self._name(s.name)
            outside = id(s.prev) in self.wanted or any(
                self.where.get(u) != self.where.get(s.next) for u in self.users[s.prev]
            )
            if not self.gradient or outside:
                shifts = (1, 0) if s.reverse else (0, 1)
                self.buffers[variable], self.refs[s.prev] = self._whole(variable, s.prev, "T+1", shifts[0])
                _, after = self._whole(variable, s.prev, "T+1", shifts[1])
                self.storage[s.prev] = Storage(variable, "T+1", shifts[0])
                self.storage[s.next] = Storage(variable, "T+1", shifts[1])
                self.refs[s.next] = after
            else:
                self.buffers[variable], self.refs[s.prev] = self._whole(variable, s.prev, "")
                self.storage[s.prev] = Storage(variable)
                if self._may_overwrite(s):
                    self.refs[s.next] = self.refs[s.prev]
            self.rows[s.name] = self.refs[s.prev]
        nexts = {s.next for s in self.graph.states}
        for reader in reversed(self.graph.nodes):
            if reader.op.name != "concat" or reader not in self.where:
                continue
            for a in reader.args:
                if (
                    self.where.get(a) == self.where[reader]
                    and a not in self.refs
                    and a not in self.home
                    and a not in nexts
                    and id(a) not in self.wanted
                    and a.op.kind not in ("leaf", "view", "reduction")
                    and a.op.name != "reshape"
                    and (a.timed, a.batched) == (reader.timed, reader.batched)
                    and (a in self.needs_row) <= (reader in self.needs_row)
                    and sum(b is a for b in reader.args) == 1
                    and is_condition(a) == is_condition(reader)
                ):
                    self.home[a] = reader
        for total, other in self.addend.items():
            if (
                self.where.get(other) == self.where[total]
                and other.op.kind not in ("leaf", "view", "reduction")
                and other not in self.home
                and other not in self.refs
                and self._may_take(other, total)
            ):
                self.taken[other] = total

    def _may_overwrite(self, state) -> bool:
        """Whether the next value may be written over the one before: all others have read it by then."""
        section = self.where.get(state.next)
        if section is None or id(state.next) in self.wanted:
            return False
        if any(self.where.get(u) != section for u in self.users[state.next]):
            return False
        order: dict[Node, int] = {}
        for k, step in enumerate(self.order[section]):
            for n in step.nodes if isinstance(step, _Group) else [step]:
                order[n] = k
        for a in self.absorbed:
            if self.where[a] == section:
                order[a] = order[self.users[a][0]]
        first, node = order[state.next], state.next
        while node in self.addend:
            node = self.addend[node]
            if order.get(node) is None or self.where.get(node) != section:
                break
            first = min(first, order[node])
        readers = list(self.users[state.prev])
        while readers:
            u = readers.pop()
            if u.op.kind == "view":
                readers += self.users[u]
                if order.get(state.next) is not None and any(
                    order.get(v, first) >= first for v in self.users[u] if v.op.kind != "view"
                ):
                    return False
                continue
            at = order.get(u)
            if at is None or at > first:
                return False
            if at == first:
                group = self.order[section][at]
                same = (
                    isinstance(group, _Group) and u.shape == state.prev.shape and first == order[state.next]
                )
                if not same:
                    return False
        return True

    def ref(self, node: Node) -> Ref:
        """Where a node is, or will be, in memory."""
        if node in self.refs:
            return self.refs[node]
        if node.op.name == "carried":
            state = next(s for s in self.graph.states if s.name == node.attrs["state"])
            at = self.rows[state.name]
            if at.time is not None:
                offset = ZERO if state.reverse else at.time * "T"
                at = replace(at, time=None, offset=offset)
            made = at
        elif node.op.kind == "view":
            made = self._view(node, self.ref(node.args[0]))
        elif node in self.home:
            reader = self.home[node]
            axis, start = reader.attrs["axis"], Dim()
            for a in reader.args:
                if a is node:
                    break
                start = start + a.shape[axis]
            made = self._part(self.ref(reader), axis, start, start + node.shape[axis], self._label(node))
        elif node in self.taken:
            made = self.ref(self.taken[node])
        elif (
            node in self.addend
            and self._may_take(self.addend[node], node)
            and (self.where.get(self.addend[node]) != self.where[node])
        ):
            made = replace(self.ref(self.addend[node]), label=self._label(node))
        elif node in self.where:
            variable = self._name(self.suggested(node))
            self.buffers[variable], made = self._whole(variable, node, "T" if node in self.needs_row else "")
        else:
            raise NotCompiled(f"{node!r} is not in memory")
        self.refs[node] = made
        return made

    def _label(self, node: Node) -> str:
        return self._name(self.suggested(node))

    def _part(self, ref: Ref, axis: int, start: Dim, stop: Dim, label: str) -> Ref:
        at = len(ref.shape) + axis
        shape = list(ref.shape)
        shape[at] = self.poly(stop + start * -1)
        return replace(
            ref,
            shape=tuple(shape),
            offset=ref.offset + ref.strides[at] * self.poly(start),
            label=label,
        )

    def _view(self, node: Node, of: Ref) -> Ref:
        label = self._label(node)
        if node.op.name == "slice":
            return self._part(of, node.attrs["axis"], node.attrs["start"], node.attrs["stop"], label)
        if node.op.name == "expand":
            at = len(of.shape) + 1 + node.attrs["axis"]
            inner = of.strides[at] * of.shape[at] if at < len(of.shape) else ONE
            return replace(
                of,
                shape=(*of.shape[:at], ONE, *of.shape[at:]),
                strides=(*of.strides[:at], inner, *of.strides[at:]),
                label=label,
            )
        if node.op.name == "swap":
            return replace(
                of,
                shape=(*of.shape[:-2], of.shape[-1], of.shape[-2]),
                strides=(*of.strides[:-2], of.strides[-1], of.strides[-2]),
                label=label,
            )
        raise NotCompiled(f"{node.op.name} is not known to the compiled back-end")

    # text

    def program(self, name: str, doc: str) -> CompiledProgram:
        """The whole text."""
        self.refs: dict[Node, Ref] = {}
        self.rows: dict[str, Ref] = {}
        self.home: dict[Node, Node] = {}
        self.taken: dict[Node, Node] = {}
        self.buffers: dict[str, Buffer] = {}
        self.expected: dict[str, Buffer] = {}
        self.equal: set[tuple[Poly, Poly]] = set()
        self.tiles: dict[tuple, str] = {}
        self.ahead: list[str] = []
        self.leaves()
        self.given_refs()
        self._accumulated()
        self.order = [self._steps(s) for s in self.sections]
        self.plan()
        made: dict[Function, list[str]] = {}
        for k, section in enumerate(self.sections):
            self.shared = True
            pieces = self.loop(section, k) if section.loop else self.block(section, k)
            if self.ahead:
                made[Function(self._free(f"{name}_tiles", made))] = self.ahead
                self.ahead = []
            for piece in pieces:
                called = self._free(f"{name}_{self._kind(section, piece)}", made)
                made[Function(called, section.loop, piece.rows, piece.work)] = piece.lines
        results = self.finish()
        functions = [self._function(f, body, doc, name) for f, body in made.items()]
        text = "\n\n\n".join(functions) + "\n"
        variables = [*self.expected, *self.buffers]
        for k, variable in enumerate(variables):
            text = text.replace(f"pointer(at, <{variable}>,", f"pointer(at, {k},")
        names = ["T", "B", *self.sizes.values()]
        for k, size in enumerate(names):
            text = text.replace(f"sizes[<{size}>]", f"sizes[{k}]")
        return CompiledProgram(
            text, name, self.inputs, self.sizes, self.outputs, self.storage,
            list(made), variables, self.expected, self.buffers, results, self.equal,
        )  # fmt: skip

    @staticmethod
    def _kind(section: Section, piece: _Piece) -> str:
        """What a function does, for its name."""
        if section.loop:
            return "loop"
        if piece.rows is not None:
            return "product"
        once = not any(n.timed or any(a.timed for a in n.args) for n in section.nodes)
        return "once" if once else "all_steps"

    @staticmethod
    def _free(wanted: str, made: Mapping[Function, list[str]]) -> str:
        """A name for a function, with a number if it is taken."""
        called, k = wanted, 2
        while called in {f.name for f in made}:
            called, k = f"{wanted}_{k}", k + 1
        return called

    def _function(self, function: Function, body: list[str], doc: str, program: str) -> str:
        """A function around its statements, which says first where things are."""
        words = set(
            re.findall(r"[^\W\d]\w*", "\n".join(line for line in body if not line.lstrip().startswith("#")))
        )
        variables = [v for v in (*self.expected, *self.buffers) if v in words]
        written = {v for v in variables if v in self.buffers}
        scope = {
            v: (k if v in written else 0) for k, v in enumerate([v for v in variables if v in written], 1)
        }
        head = [f'"""{doc}"""'] if function.loop else []
        lines = list(head)
        for size in ["T", "B", *self.sizes.values()]:
            if size in words:
                lines.append(f"{size} = sizes[<{size}>]")
        for v in variables:
            buffer = self.expected.get(v) or self.buffers[v]
            kind = "np.bool_" if buffer.boolean else "F"
            lines.append(f"{v} = pointer(at, <{v}>, {kind}, {scope.get(v, 0)}, {len(written) + 1})")
        text = "\n".join(f"    {line}" if line else "" for line in [*lines, *body])
        return f"def {function.name}(sizes, at, first, last):\n{text}"

    def block(self, section: Section, k: int) -> list[_Piece]:
        """What is done once, or for all steps at once; products to be shared out are pieces of their own."""
        self.inside = False
        return self._commented(section, k, [])

    def loop(self, section: Section, k: int) -> list[_Piece]:
        """One loop through time."""
        states = [s for s in self.graph.states if self.where.get(s.next) == k]
        self.inside = True
        before: list[str] = []
        for s in states:
            at = self.rows[s.name]
            if at.time is not None:  # the row before the first step
                at = replace(at, time=None, offset=at.time * "T" if s.reverse else ZERO)
            before += self._copy(at, s.start, s.prev)
        self.effort = ZERO
        body = [line for piece in self._commented(section, k, before) for line in piece.lines]
        for s in states:
            if self.rows[s.name].time is None and self.ref(s.next) != self.rows[s.name]:
                body += self._copy(self.rows[s.name], s.next, s.prev)
        head = "for t in range(T - 1, -1, -1):" if section.reverse else "for t in range(T):"
        lines = [*before, head, *(f"    {line}" if line else "" for line in (body or ["pass"]))]
        return [_Piece(lines, Poly.of("B") if self.shared else None, self.effort * "T" * "B")]

    def _commented(self, section: Section, k: int, before: list[str]) -> list[_Piece]:
        pieces, last, said = [_Piece()], None, set()
        for step in self.order[k]:
            nodes = step.nodes if isinstance(step, _Group) else [step]
            self.piece = _Piece()
            text = self._fused(nodes) if isinstance(step, _Group) else self._call(step, before)
            if isinstance(step, _Group) and self.inside:
                self.effort += _count(self.shape(nodes[0])) * (len(nodes) * ELEMENT)
            comments = []
            if text:
                for n in nodes:
                    if n.origin and n.origin != last:
                        comments += self.comment(n, said, section.loop)
                        last = n.origin
            if self.piece.rows is None:
                pieces[-1].lines += comments + text
                continue
            pieces[-1].lines += self.piece.lines
            pieces += [replace(self.piece, lines=comments + text), _Piece()]
        return [piece for piece in pieces if piece.lines]

    # loops over elements

    def _axes(self, batched: bool, timed: bool, shape: Iterable[Poly]) -> list[tuple[str, Poly]]:
        """The axes of a loop nest: which index, and how many; in a loop through time, t is given."""
        axes = [("t", Poly.of("T"))] if timed and not self.inside else []
        if batched:
            axes.append(("row", Poly.of("B")))
        return axes + [("", size) for size in shape]

    def _strides(self, ref: Ref, axes: list[tuple[str, Poly]]) -> list[Poly]:
        """How far a reference moves along each axis: 0 where it is repeated."""
        out: list[Poly] = []
        trailing = sum(1 for kind, _ in axes if not kind)
        for k, (kind, size) in enumerate(axes):
            if kind == "t":
                out.append(ref.time if ref.time is not None else ZERO)
            elif kind == "row":
                out.append(ref.batch if ref.batch is not None else ZERO)
            else:
                at = len(ref.shape) - trailing + (k - (len(axes) - trailing))
                if at < 0 or (ref.shape[at] == ONE and size != ONE):
                    out.append(ZERO)
                    continue
                if ref.shape[at] != size:
                    self.equal.add((ref.shape[at], size))
                out.append(ref.strides[at])
        return out

    def _merged(self, axes: list[tuple[str, Poly]], refs: list[Ref], keep: int = 0) -> list[list]:
        """As few axes as strides allow, outermost first: index, extent, what one of it counts, strides."""
        strides = [self._strides(r, axes) for r in refs]
        merged: list[list] = []
        for k in range(len(axes) - keep):
            kind, size = axes[k]
            here = [s[k] for s in strides]
            if not kind and size == ONE:
                continue
            if merged and all(o == i * size for o, i in zip(merged[-1][3], here, strict=True)):
                last = merged[-1]
                merged[-1] = [last[0], last[1] * size, last[2] * size, here]
            else:
                merged.append([kind, size, ONE, here])
        return merged

    def _called_rows(
        self, name: str, axes: list[tuple[str, Poly]], refs: list[Ref], shared: Poly | None = None
    ) -> list[str] | None:
        """The text of a call that handles rows of numbers, where the axes come down to that.

        With `shared`, the call is for rows `first` to `last` of so many; None if they are not that many.
        """
        merged = self._merged(axes, refs)
        if any(r.boolean for r in refs) or not 1 <= len(merged) <= 2 or any(m != ONE for m in merged[-1][3]):
            return None
        offsets = [self._base(r) for r in refs]
        counts = []
        for kind, size, scale, moves in merged:
            if kind == "row" and self.inside:
                offsets = [o + m * (Poly.of("first") * scale) for o, m in zip(offsets, moves, strict=True)]
                size = PART * scale
            counts.append(size)
        if shared is not None:
            if len(merged) != 2 or counts[0] != shared:
                return None
            offsets = [o + m * "first" for o, m in zip(offsets, merged[0][3], strict=True)]
            counts[0] = PART
        rows = merged[0][3] if len(merged) == 2 else [ZERO] * len(refs)
        places = [
            f"loose({r.variable if o == ZERO else f'{r.variable} + ({o})'}), {step}"
            for r, o, step in zip(refs, offsets, rows, strict=True)
        ]
        return [f"{name}({counts[0] if len(counts) == 2 else 1}, {counts[-1]}, {', '.join(places)})"]

    def _zero(self, axes: list[tuple[str, Poly]], out: Ref) -> list[str]:
        """Fill a place with 0."""
        call = self._called_rows("zero_rows", axes, [out])
        return call or self._nest(axes, [out], lambda texts, _: [f"{texts[0]} = F(0.0)"])

    def _nest(
        self,
        axes: list[tuple[str, Poly]],
        refs: list[Ref],
        body: Callable[[list[str], list[str]], list[str]],
        keep: int = 0,
    ) -> list[str]:
        """Loops over axes, as few as the strides allow; `body` gets the text of each element and its address.

        The last `keep` axes are left out of the loops.
        """
        merged = self._merged(axes, refs, keep)
        lines: list[str] = []
        offsets = [self._base(r) for r in refs]
        indent, taken = "", 0
        for kind, size, scale, moves in merged[:-1]:
            index = kind if kind in ("t", "row") and scale == ONE else f"k{(taken := taken + 1)}"
            lines.append(f"{indent}for {index} in {self._range(kind, size, scale)}:")
            indent += "    "
            offsets = [o + m * index for o, m in zip(offsets, moves, strict=True)]
        bases: list[str] = []
        known: dict[tuple, str] = {}
        for ref, offset in zip(refs, offsets, strict=True):
            where = (ref.variable, offset)
            if where not in known:
                if offset == ZERO:
                    known[where] = ref.variable
                else:
                    known[where] = self._name(f"{ref.label}_{'t' if not merged[:-1] else 'row'}")
                    lines.append(f"{indent}{known[where]} = {ref.variable} + ({offset})")
            bases.append(known[where])
        moves = merged[-1][3] if merged else [ZERO] * len(refs)
        if merged:
            lines.append(f"{indent}for k in {self._range(*merged[-1][:3])}:")
            indent += "    "
        texts, places = [], []
        for base, move in zip(bases, moves, strict=True):
            index = "0" if move == ZERO else "k" if move == ONE else f"k * ({move})"
            texts.append(f"{base}[{index}]")
            places.append(base if move == ZERO else f"{base} + {index}")
        return lines + [f"{indent}{line}" for line in body(texts, places)]

    def _range(self, kind: str, size: Poly, scale: Poly) -> str:
        if kind == "row" and self.inside:
            if scale == ONE:
                return "range(first, last)"
            return f"range({Poly.of('first') * scale}, {Poly.of('last') * scale})"
        return f"range({size})"

    def _base(self, ref: Ref) -> Poly:
        """The first element, in the step at hand."""
        here = ref.time * "t" if self.inside and ref.time is not None else ZERO
        return ref.offset + here

    def number(self, node: Node) -> str | None:
        """The text of a constant."""
        if node.op.name != "const" or isinstance(node.attrs["value"], np.ndarray):
            return None
        value = node.attrs["value"]
        if isinstance(value, Dim):
            return f"F({self.poly(value)})"
        if isinstance(value, bool):
            return str(value)
        return "F(" + re.sub("inf|nan", r"np.\g<0>", repr(float(value))) + ")"

    def _copy(self, out: Ref, source: Node, like: Node) -> list[str]:
        """Fill a place with a node's values, repeated where they are fewer."""
        axes = self._axes(like.batched, False, out.shape)
        if not self.inside and like.timed:
            axes = self._axes(like.batched, True, out.shape)
        value = self.number(source)
        if value == "F(0.0)" and not out.boolean:
            return self._zero(axes, out)
        if value is not None:
            value = f"F({value})" if self._is_bool_text(value) and not out.boolean else value
            return self._nest(axes, [out], lambda texts, _: [f"{texts[0]} = {value}"])
        return self._between(axes, out, self.ref(source))

    @staticmethod
    def _is_bool_text(value: str) -> bool:
        return value in ("True", "False")

    def _between(self, axes, out: Ref, source: Ref) -> list[str]:
        if replace(out, label="") == replace(source, label=""):
            return []
        call = self._called_rows("copy_rows", axes, [out, source])
        if call is not None:
            return call
        form = "F({})" if source.boolean and not out.boolean else "{}"
        return self._nest(axes, [out, source], lambda texts, _: [f"{texts[0]} = {form.format(texts[1])}"])

    def _fused(self, nodes: list[Node]) -> list[str]:
        """One loop for element-wise nodes of one extent."""
        members = set(nodes)
        kept = [n for n in nodes if self._is_stored(n, members)]
        outs = {n: self.ref(n) for n in kept}
        written = {r.variable for r in outs.values()}
        memory: dict[Node, Ref] = {}
        for n in nodes:
            for a in n.args:
                if a not in members and self.number(a) is None and a not in memory:
                    memory[a] = self.ref(a)
        first = nodes[0]
        self.shared = self.shared and first.batched
        axes = self._axes(first.batched, first.timed, self.shape(first))
        refs = [*memory.values(), *outs.values()]

        def body(texts: list[str], _places: list[str]) -> list[str]:
            lines: list[str] = []
            text: dict[Node, str] = {}
            for (a, ref), t in zip(memory.items(), texts, strict=False):
                text[a] = t
                if ref.variable in written and ref.time is None and any(r == ref for r in outs.values()):
                    text[a] = self._name(f"{ref.label}_before")  # it is about to be overwritten
                    lines.append(f"{text[a]} = {t}")
            uses = {n: sum(u in members for u in self.users[n]) for n in nodes}
            boolean = {n: is_condition(n) for n in nodes}
            for n in nodes:
                args = []
                for a in n.args:
                    value = text[a] if a in text else self.number(a)
                    args.append(self._typed(n, a, value, boolean))
                form = INFIX.get(n.op.name) or CALLS.get(n.op.name)
                if form is None:
                    raise NotCompiled(f"{n.op.name} is not known to the compiled back-end")
                if n.op.name == "square" and not args[0].isidentifier():
                    held = self._name(f"{self.suggested(n.args[0])}_k")
                    lines.append(f"{held} = {args[0]}")
                    args[0] = held
                made = form.format(*args)
                twice = any(u.op.name == "square" for u in self.users[n])
                if uses[n] == 1 and n not in outs and not n.name and not twice and len(made) < 72:
                    text[n] = f"({made})" if n.op.name in INFIX else made
                else:
                    held = self._name(f"{self.suggested(n)}_k")
                    lines.append(f"{held} = {made}")
                    text[n] = held
            at = dict(zip(outs, texts[len(memory) :], strict=True))
            for n, place in at.items():
                value = text[n]
                if boolean[n] and not outs[n].boolean:
                    value = f"F({value})"
                lines.append(f"{place} = {value}")
            return lines

        return self._nest(axes, refs, body)

    def _typed(self, node: Node, arg: Node, text: str, boolean: Mapping[Node, bool]) -> str:
        """An argument as what the operation wants: a truth value, or a number."""
        if arg in boolean:
            is_bool = boolean[arg]
        elif self.number(arg) is not None:
            is_bool = self._is_bool_text(text)
        else:
            is_bool = self.ref(arg).boolean
        decides = node.op.name in ("both", "either", "opposite") or (
            node.op.name == "where" and arg is node.args[0]
        )
        hands_on = node.op.name in ("where", "copy", "stop", "spread") and is_condition(node)
        if decides and not is_bool:
            return f"({text} != F(0.0))"
        if hands_on and not is_bool:
            return f"({text} != F(0.0))"
        if not decides and not hands_on and is_bool:
            return f"F({text})"
        return text

    def _is_stored(self, node: Node, members: set[Node]) -> bool:
        if id(node) in self.wanted or node in self.home or any(s.next is node for s in self.graph.states):
            return True
        starts = any(s.start is node for s in self.graph.states)
        return starts or any(u not in members for u in self.users[node])

    # calls

    def _call(self, node: Node, before: list[str]) -> list[str]:
        """One operation that is not element-wise. `before` takes what is done ahead of a loop."""
        name = node.op.name
        out = self.ref(node)
        self.shared = self.shared and node.batched
        if node in self.addend:
            return self._accumulate(node, out)
        if name in ("dot", "matmul"):
            return self._product(node, node, out, "False")
        if node.op.kind == "reduction":
            if self.inside:
                before += self._zero(self._axes(node.batched, False, out.shape), out)
            return self._reduction(node, out)
        method = getattr(self, f"_{name}", None)
        if method is None:
            raise NotCompiled(f"{name} is not known to the compiled back-end")
        return method(node, out)

    def _accumulate(self, node: Node, out: Ref) -> list[str]:
        other = self.addend[node]
        value = self.number(other)
        axes = self._axes(node.batched, node.timed, out.shape)
        if value is not None:
            lines = self._nest(axes, [out], lambda texts, _: [f"{texts[0]} = {value}"])
        else:
            there = self.ref(other)
            same = replace(there, label="") == replace(out, label="")
            lines = [] if same else self._between(axes, out, there)
        text = self._product(node, self.product[node], out, "True")
        if self.piece.rows is not None and lines:
            part = value is None and self._called_rows("copy_rows", axes, [out, there], self.piece.rows)
            if part:
                return part + text
            self.piece.lines, lines = lines, []
        return lines + text

    def _product(self, node: Node, product: Node, out: Ref, keep: str) -> list[str]:
        """The text of ``a @ w``: one call for all leading axes that lie evenly."""
        a, w = (self._in_memory(x) for x in product.args)
        if product.op.name == "matmul":
            axes = self._axes(node.batched, node.timed, out.shape)
            return self._nest(
                axes,
                [
                    replace(out, strides=out.strides),
                    self._stretched(a, out.shape, -1),
                    self._stretched(w, out.shape, -2),
                ],
                lambda _, p: self._gemm(
                    out.shape[-2], out.shape[-1], a.shape[-1], p[1], a.strides[-2], a.strides[-1],
                    p[2], w.strides[-2], w.strides[-1], p[0], out, keep,
                ),
                keep=2,
            )  # fmt: skip
        if a.shape[-1] != w.shape[0]:
            self.equal.add((a.shape[-1], w.shape[0]))
        axes = self._axes(node.batched, node.timed, out.shape[:-1])
        left, right = replace(out.drop(-1), label=out.label), a.drop(-1)
        if self.inside:
            return self._tiled(axes, left, right, product.args[1], w, a, out, keep)
        lines = self._rows(
            axes,
            [left, right],
            lambda m, p, steps: self._gemm(
                m, out.shape[-1], a.shape[-1], p[1], steps[1], a.strides[-1],
                self._address(w), w.strides[0], w.strides[1], p[0], out, keep, steps[0],
            ),
            share=True,
        )  # fmt: skip
        if self.piece.rows is not None:
            self.piece.work = self.piece.rows * out.shape[-1] * a.shape[-1]
        return lines

    def _tiled(self, axes, left: Ref, right: Ref, factor: Node, w: Ref, a: Ref, out: Ref, keep: str):
        """A product in a loop: its right factor, the same at every step, is laid in order ahead of it."""
        n, k = out.shape[-1], a.shape[-1]
        self.effort += _count(out.shape) * k
        laid = (w.variable, w.offset, w.strides, n, k)
        if laid not in self.tiles:
            self.tiles[laid] = tiles = self._name(f"{self.suggested(factor)}_tiles")
            self.buffers[tiles] = Buffer((k, n + MOST_COLUMNS))
            there = f"loose({self._address(w)}), {w.strides[0]}, {w.strides[1]}"
            self.ahead.append(f"lay_tiles({n}, {k}, {there}, loose({tiles}))")
        tiles = self.tiles[laid]
        if out.strides[-1] != ONE:
            raise NotCompiled("the result of a product does not lie in rows")
        return self._rows(
            axes,
            [left, right],
            lambda m, p, steps: [
                f"tiled_product({m}, {n}, {k},",
                f"              loose({p[1]}), {steps[1]}, {a.strides[-1]}, loose({tiles}),",
                f"              loose({p[0]}), {steps[0]}, {keep})",
            ],
        )

    def _in_memory(self, node: Node) -> Ref:
        if self.number(node) is not None:
            raise NotCompiled("a product with a number that stands for an array")
        return self.ref(node)

    def _stretched(self, ref: Ref, shape: tuple[Poly, ...], axis: int) -> Ref:
        """A factor of a matrix product, with the axis that is summed over put aside."""
        sizes = list(ref.shape)
        sizes[axis] = shape[axis]
        return replace(ref, shape=tuple(sizes))

    def _address(self, ref: Ref) -> str:
        base = self._base(ref)
        return ref.variable if base == ZERO else f"{ref.variable} + ({base})"

    def _rows(self, axes, refs: list[Ref], body: Callable, share: bool = False) -> list[str]:
        """Loops over all axes but the last that is left when axes are merged: the rows of a product.

        With `share`, rows outside a loop through time are those from `first` to `last`, if no other loop
        encloses them.
        """
        merged = self._merged(axes, refs)
        offsets = [self._base(r) for r in refs]
        lines: list[str] = []
        indent = ""
        for n, (kind, size, scale, moves) in enumerate(merged[:-1]):
            index = kind if kind in ("t", "row") and scale == ONE else f"k{n + 1}"
            lines.append(f"{indent}for {index} in {self._range(kind, size, scale)}:")
            indent += "    "
            offsets = [o + m * index for o, m in zip(offsets, moves, strict=True)]
        count, steps = ONE, [ONE] * len(refs)
        if merged:
            kind, count, scale, steps = merged[-1]
            if kind == "row" and self.inside:
                offsets = [o + s * (Poly.of("first") * scale) for o, s in zip(offsets, steps, strict=True)]
                count = PART * scale
            elif not self.inside and len(merged) == 1 and share:
                self.piece.rows = count
                offsets = [o + s * "first" for o, s in zip(offsets, steps, strict=True)]
                count = PART
        places = [
            r.variable if o == ZERO else f"{r.variable} + ({o})" for r, o in zip(refs, offsets, strict=True)
        ]
        return lines + [f"{indent}{line}" for line in body(count, places, steps)]

    def _gemm(
        self, m, n, k, a, a_row, a_col, w, w_row, w_col, c, out: Ref, keep: str, c_row=None
    ) -> list[str]:
        if out.strides[-1] != ONE:
            raise NotCompiled("the result of a product does not lie in rows")
        c_row = out.strides[-2] if c_row is None else c_row
        return [
            f"product({m}, {n}, {k},",
            f"        loose({a}), {a_row}, {a_col}, loose({w}), {w_row}, {w_col},",
            f"        loose({c}), {c_row}, {keep})",
        ]

    def _reduction(self, node: Node, out: Ref) -> list[str]:
        """Sums over steps and sequences. In a loop the storage is 0 at first, and each step adds to it."""
        inside = self.inside
        zero = [] if inside else self._zero(self._axes(node.batched, False, out.shape), out)
        if node.op.name == "outer":
            a, b = (self._in_memory(x) for x in node.args)
            lead = max((a.shape[:-1], b.shape[:-1]), key=len)
            axes = self._axes(any(n.batched for n in node.args), any(n.timed for n in node.args), lead)
            whole = not inside and len(self._merged(axes, [a.drop(-1), b.drop(-1)])) < 2
            rows, at = (PART, Poly.of("first")) if whole else (out.shape[0], ZERO)
            text = self._rows(
                axes,
                [a.drop(-1), b.drop(-1)],
                lambda m, p, steps: self._gemm(
                    rows, out.shape[1], m, _moved(p[0], a.strides[-1] * at), a.strides[-1], steps[0],
                    p[1], steps[1], b.strides[-1], _moved(self._address(out), out.strides[0] * at), out,
                    str(not whole),
                ),
            )  # fmt: skip
            if not whole:
                return zero + text
            steps = Poly.of("T") if any(n.timed for n in node.args) else ONE
            batch = Poly.of("B") if any(n.batched for n in node.args) else ONE
            self.piece.rows, self.piece.work = out.shape[0], out.shape[0] * out.shape[1] * steps * batch
            return text
        (arg,) = node.args
        if self.number(arg) is not None:
            raise NotCompiled("a sum over steps of a number")
        source = self.ref(arg)
        trailing = len(out.shape)
        axes = self._axes(arg.batched, arg.timed, source.shape)
        spread = replace(
            out,
            shape=(*[ONE] * (len(source.shape) - trailing), *out.shape),
            strides=(*[ZERO] * (len(source.shape) - trailing), *out.strides),
        )
        call = self._called_rows("add_rows", axes, [spread, source])
        if call is not None:
            return zero + call
        form = "F({})" if source.boolean else "{}"
        return zero + self._nest(
            axes, [spread, source], lambda texts, _: [f"{texts[0]} += {form.format(texts[1])}"]
        )

    def _sum(self, node: Node, out: Ref) -> list[str]:
        (arg,) = node.args
        axis, source = node.attrs["axis"], self._in_memory(arg)
        size = source.shape[axis]
        if axis == -1:
            return self._nest(
                self._axes(node.batched, node.timed, out.shape),
                [out, source.drop(-1)],
                lambda texts, p: [f"{texts[0]} = sum_along(loose({p[1]}), {source.strides[-1]}, {size})"],
            )
        at = len(source.shape) + axis
        spread = replace(
            out,
            shape=(*out.shape[:at], ONE, *out.shape[at:]),
            strides=(*out.strides[:at], ZERO, *out.strides[at:]),
        )
        zero = self._zero(self._axes(node.batched, node.timed, out.shape), out)
        return zero + self._nest(
            self._axes(node.batched, node.timed, source.shape),
            [spread, source],
            lambda texts, _: [f"{texts[0]} += {texts[1]}"],
        )

    def _softmax(self, node: Node, out: Ref) -> list[str]:
        axis, source = node.attrs["axis"], self._in_memory(node.args[0])
        return self._nest(
            self._axes(node.batched, node.timed, out.drop(axis).shape),
            [out.drop(axis), source.drop(axis)],
            lambda _, p: [
                f"softmax(loose({p[1]}), {source.strides[axis]}, loose({p[0]}), {out.strides[axis]}, "
                f"{out.shape[axis]})"
            ],
        )

    def _logsumexp(self, node: Node, out: Ref) -> list[str]:
        axis, source = node.attrs["axis"], self._in_memory(node.args[0])
        return self._nest(
            self._axes(node.batched, node.timed, out.shape),
            [out, source.drop(axis)],
            lambda texts, p: [
                f"{texts[0]} = logsumexp(loose({p[1]}), {source.strides[axis]}, {source.shape[axis]})"
            ],
        )

    def _concat(self, node: Node, out: Ref) -> list[str]:
        axis, lines, start = node.attrs["axis"], [], Dim()
        for a in node.args:
            stop = start + a.shape[axis]
            part = self._part(out, axis, start, stop, self._label(a))
            start = stop
            if self.home.get(a) is node and replace(self.ref(a), label="") == replace(part, label=""):
                continue
            axes = self._axes(node.batched, node.timed, part.shape)
            value = self.number(a)
            if value is not None:
                raise NotCompiled("a number among parts laid side by side")
            lines += self._between(axes, part, self.ref(a))
        return lines

    def _pad(self, node: Node, out: Ref) -> list[str]:
        at = node.attrs
        part = self._part(out, at["axis"], at["start"], at["stop"], self._label(node.args[0]))
        lines = self._zero(self._axes(node.batched, node.timed, out.shape), out)
        source = self._in_memory(node.args[0])
        return lines + self._between(self._axes(node.batched, node.timed, part.shape), part, source)

    def _reshape(self, node: Node, out: Ref) -> list[str]:
        source = self._in_memory(node.args[0])
        for ref in (source, out):
            size = ONE
            for extent, stride in zip(reversed(ref.shape), reversed(ref.strides), strict=True):
                if stride != size:
                    raise NotCompiled("reshape of what does not lie in one piece")
                size = size * extent
        flat = [replace(ref, shape=(_count(ref.shape),), strides=(ONE,)) for ref in (out, source)]
        return self._between(self._axes(node.batched, node.timed, flat[0].shape), *flat)

    # what is returned

    def finish(self) -> dict[str, View]:
        """The returned arrays, and under which variable a node's values are found."""
        self.outputs: dict[str, object] = {}
        results: dict[str, View] = {}
        if not self.gradient:
            for s in self.graph.states:
                variable = self.storage[s.prev].variable
                self.outputs[variable] = ("state", s.name)
                axes = self.buffers[variable].axes
                results[variable] = View(variable, ZERO, axes, _contiguous(axes))
        for key, node in self.store.items():
            ref = self.ref(node)
            if not self.gradient:
                at = self.storage.get(node)
                if at is None:
                    at = self.storage[node] = self._stored(node, ref, results)
                self.outputs.setdefault(at.variable, node)
            else:
                results[key] = self._result(node, ref)
                self.outputs[key] = node
        return results

    def _stored(self, node: Node, ref: Ref, results: dict[str, View]) -> Storage:
        """The storage of a node that is kept: a whole buffer, or part of one under a name of its own."""
        if ref.variable not in self.buffers:
            raise NotCompiled(f"{node!r} is part of an argument")
        history = self.buffers[ref.variable].axes[0] == Poly.of("T") + 1 if ref.time is not None else False
        time = "" if ref.time is None else "T+1" if history else "T"
        shift = 0
        if history:  # which of two neighbouring rows is meant shows in the offset
            base = next(self.refs[n] for s in self.graph.states for n in (s.prev, s.next)
                        if self.refs[n].variable == ref.variable and self.refs[n].offset == ZERO)  # fmt: skip
            inner = self._view_chain(node)
            shift = 0 if self.refs[inner].offset == base.offset else 1
        view = self._result(node, ref, rows=Poly.of("T") + (1 if history else 0))
        if shift:
            view = replace(view, offset=view.offset + ref.time * -1)
        axes = self.buffers[ref.variable].axes
        whole = view.offset == ZERO and view.shape == axes and view.strides == _contiguous(axes)
        name = ref.variable if whole else self._name(self.suggested(node))
        results[name] = replace(view, variable=ref.variable)
        return Storage(name, time, shift)

    @staticmethod
    def _view_chain(node: Node) -> Node:
        while node.op.kind == "view":
            node = node.args[0]
        return node

    def _result(self, node: Node, ref: Ref, rows: Poly | None = None) -> View:
        shape, strides = list(ref.shape), list(ref.strides)
        if node.batched or node.timed:
            shape.insert(0, Poly.of("B") if node.batched else ONE)
            strides.insert(0, ref.batch if ref.batch is not None else _count(ref.shape))
        if ref.time is not None:
            shape.insert(0, rows if rows is not None else Poly.of("T"))
            strides.insert(0, ref.time)
        if ref.variable not in self.buffers:
            raise NotCompiled(f"{node!r} is part of an argument")
        return View(ref.variable, ref.offset, tuple(shape), tuple(strides))


def _moved(place: str, by: Poly) -> str:
    """A place, moved on."""
    return place if by == ZERO else f"{place} + ({by})"


def _count(shape: Iterable[Poly]) -> Poly:
    size = ONE
    for extent in shape:
        size = size * extent
    return size


def _contiguous(axes: tuple[Poly, ...]) -> tuple[Poly, ...]:
    return tuple(_count(axes[k + 1 :]) for k in range(len(axes)))


def _pointwise(node: Node) -> bool:
    """Whether a node can be part of a fused loop."""
    return node.op.kind == "elementwise" or node.op.name == "spread"


def _extent(node: Node) -> tuple:
    return node.batched, tuple(map(str, node.shape))
