"""Where each value lies: buffers, parts of them, and what may be written over."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import numpy as np

from ..engine.dims import TIMES, Dim
from ..engine.graph import Node
from ..engine.operands import is_condition
from ..programs.walk import Storage, Walk
from .order import Group, Order
from .program import Buffer, NotCompiled, View
from .sizes import ONE, ZERO, Poly, contiguous, count

__all__ = ["Memory", "Ref"]


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


class Memory:
    """Where the values of a program lie.

    Parameters
    ----------
    walk : Walk
        Whose arguments are known (`Walk.leaves`). It gives variables their names, and is told under which
        one a value is found.
    order : Order

    Attributes
    ----------
    refs : dict
        What has a place so far; `ref` gives it one when it is first asked for.
    rows : dict
        State -> where its value before a step lies.
    expected, buffers : dict
        Variable -> `Buffer`: of the caller's arguments, and of what is allocated.
    home : dict
        Parts that are computed in place, and the node which lays them side by side.
    taken : dict
        Summands, and the sums that take their storage.
    """

    def __init__(self, walk: Walk, order: Order):
        self.walk, self.order, self.graph, self.users, self.where = (
            walk, order, walk.graph, walk.users, walk.where,
        )  # fmt: skip
        self.wanted, self.storage = walk.wanted, walk.storage
        self.refs: dict[Node, Ref] = {}
        self.rows: dict[str, Ref] = {}
        self.home: dict[Node, Node] = {}
        self.taken: dict[Node, Node] = {}
        self.buffers: dict[str, Buffer] = {}
        self.expected: dict[str, Buffer] = {}
        self._place_arguments()
        self._place_states()
        self._place_parts()
        self._place_summands()

    def poly(self, dim: Dim) -> Poly:
        """A size in the program's own names."""
        total = Poly.of(dim.constant)
        for product, times in dim.terms:
            part = Poly.of(times)
            for name in product.split(TIMES):
                part = part * self.walk.size(Dim.of(name))
            total = total + part
        return total

    def shape(self, node: Node) -> tuple[Poly, ...]:
        """A node's trailing shape."""
        return tuple(self.poly(d) for d in node.shape)

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
            made = self.part(self.ref(reader), axis, start, start + node.shape[axis], self.label(node))
        elif node in self.taken:
            made = self.ref(self.taken[node])
        elif (
            node in self.order.addend
            and self.order.may_take(self.order.addend[node], node)
            and (self.where.get(self.order.addend[node]) != self.where[node])
        ):
            made = replace(self.ref(self.order.addend[node]), label=self.label(node))
        elif node in self.where:
            variable = self.walk.free_name(self.walk.suggested(node))
            self.buffers[variable], made = self._whole(
                variable, node, "T" if node in self.walk.needs_row else ""
            )
        else:
            raise NotCompiled(f"{node!r} is not in memory")
        self.refs[node] = made
        return made

    def part(self, ref: Ref, axis: int, start: Dim, stop: Dim, label: str) -> Ref:
        """Where part of a value along a trailing axis lies."""
        at = len(ref.shape) + axis
        shape = list(ref.shape)
        shape[at] = self.poly(stop + start * -1)
        return replace(
            ref,
            shape=tuple(shape),
            offset=ref.offset + ref.strides[at] * self.poly(start),
            label=label,
        )

    def label(self, node: Node) -> str:
        """What variables that point to a value are called."""
        return self.walk.free_name(self.walk.suggested(node))

    def _view(self, node: Node, of: Ref) -> Ref:
        label = self.label(node)
        if node.op.name == "slice":
            return self.part(of, node.attrs["axis"], node.attrs["start"], node.attrs["stop"], label)
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

    def _place_arguments(self) -> None:
        """Where arguments are."""
        for node, at in self.storage.items():
            if node.op.name == "const" and not isinstance(node.attrs["value"], np.ndarray):
                continue
            buffer, ref = self._whole(at.variable, node, at.time, at.shift)
            if at.width is not None:
                row = self.poly(at.width)
                ref = replace(ref, batch=row if node.batched else None, time=row * buffer.axes[1])
            before = self.expected.setdefault(at.variable, buffer)
            if before != buffer:
                raise NotCompiled(f"{at.variable} is read in two shapes")
            self.refs[node] = ref

    def _place_states(self) -> None:
        """A state has one row more than there are steps, or a single one that each step writes over."""
        for s in self.graph.states:
            variable = self.walk.free_name(s.name)
            outside = id(s.prev) in self.wanted or any(
                self.where.get(u) != self.where.get(s.next) for u in self.users[s.prev]
            )
            if not self.walk.gradient or outside:
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

    def _place_parts(self) -> None:
        """What will lie side by side is computed there."""
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
                    and (a in self.walk.needs_row) <= (reader in self.walk.needs_row)
                    and sum(b is a for b in reader.args) == 1
                    and is_condition(a) == is_condition(reader)
                ):
                    self.home[a] = reader

    def _place_summands(self) -> None:
        """What a product is added to lies where the sum will."""
        for total, other in self.order.addend.items():
            if (
                self.where.get(other) == self.where[total]
                and other.op.kind not in ("leaf", "view", "reduction")
                and other not in self.home
                and other not in self.refs
                and self.order.may_take(other, total)
            ):
                self.taken[other] = total

    def _may_overwrite(self, state) -> bool:
        """Whether the next value may be written over the one before: all others have read it by then."""
        section = self.where.get(state.next)
        if section is None or id(state.next) in self.wanted:
            return False
        if any(self.where.get(u) != section for u in self.users[state.next]):
            return False
        order = self.order.position(section)
        first, node = order[state.next], state.next
        while node in self.order.addend:
            node = self.order.addend[node]
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
                group = self.order.steps[section][at]
                same = isinstance(group, Group) and u.shape == state.prev.shape and first == order[state.next]
                if not same:
                    return False
        return True

    def results(self) -> tuple[dict[str, View], dict[str, object]]:
        """The returned arrays, and what each is; the walk is told under which a node's values are found."""
        outputs: dict[str, object] = {}
        results: dict[str, View] = {}
        if not self.walk.gradient:
            for s in self.graph.states:
                variable = self.storage[s.prev].variable
                outputs[variable] = ("state", s.name)
                axes = self.buffers[variable].axes
                results[variable] = View(variable, ZERO, axes, contiguous(axes))
        for key, node in self.walk.store.items():
            ref = self.ref(node)
            if self.walk.gradient:
                results[key] = self._result(node, ref)
                outputs[key] = node
                continue
            at = self.storage.get(node)
            if at is None:
                at = self.storage[node] = self._stored(node, ref, results)
            outputs.setdefault(at.variable, node)
        return results, outputs

    def _stored(self, node: Node, ref: Ref, results: dict[str, View]) -> Storage:
        """The storage of a node that is kept: a whole buffer, or part of one under a name of its own."""
        if ref.variable not in self.buffers:
            raise NotCompiled(f"{node!r} is part of an argument")
        view = self._result(node, ref)
        axes = self.buffers[ref.variable].axes
        whole = view.offset == ZERO and view.shape == axes and view.strides == contiguous(axes)
        name = ref.variable if whole else self.walk.free_name(self.walk.suggested(node))
        results[name] = replace(view, variable=ref.variable)
        if ref.time is None:
            return Storage(name)
        return Storage(name, "T", width=self._width(node, ref))

    def _width(self, node: Node, ref: Ref) -> Dim | None:
        """How long the rows are that a vector is part of, if that says how it lies."""
        if node.op.name != "slice" or len(node.shape) != 1 or not node.timed:
            return None
        width = node.args[0].shape[-1]
        row = self.poly(width)
        lies = ref.strides == (ONE,) and ref.time == row * (Poly.of("B") if node.batched else ONE)
        return width if lies and ref.batch in (row, None) else None

    def _result(self, node: Node, ref: Ref) -> View:
        shape, strides = list(ref.shape), list(ref.strides)
        if node.batched or node.timed:
            shape.insert(0, Poly.of("B") if node.batched else ONE)
            strides.insert(0, ref.batch if ref.batch is not None else count(ref.shape))
        if ref.time is not None:
            shape.insert(0, Poly.of("T"))
            strides.insert(0, ref.time)
        if ref.variable not in self.buffers:
            raise NotCompiled(f"{node!r} is part of an argument")
        return View(ref.variable, ref.offset, tuple(shape), tuple(strides))
