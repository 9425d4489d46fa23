"""Which work goes into one loop nest, and in which order."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ..engine.graph import Dim, Node
from ..engine.operands import is_condition
from ..programs.passes import Section
from ..programs.walk import Walk

__all__ = ["Group", "Order", "extent", "pointwise", "wait_for_loops"]

SLOW = {"log", "sin", "cos", "mod"}
"""Computed one by one by the C library: they get a loop of their own, so that others are vectorised."""


def pointwise(node: Node) -> bool:
    """Whether a node can be part of a fused loop."""
    return node.op.kind == "elementwise" or node.op.name == "spread"


def extent(node: Node) -> tuple:
    """How many numbers a node has at a step, in a form that can be compared."""
    return node.batched, tuple(map(str, node.shape))


@dataclass
class Group:
    """Element-wise nodes that share one loop, and sums along an axis of what is made there."""

    nodes: list[Node]
    sums: list[Node] = field(default_factory=list)


def wait_for_loops(walk: Walk, sections: list[Section]) -> list[Section]:
    """Let element-wise work for all steps wait for the loop through time, if only that loop reads it.

    before: ``for all steps: e = exp(x)``, ``loop: h = h * e[t]``
    after:  ``loop: h = h * exp(x[t])``

    So does work of an earlier loop that makes more numbers than it is given, such as the outer product of a
    value and a key: stored for all steps it would be as large as all the memories it is written to. And work
    for all steps waits for later work for all steps, so that it is not stored in between.
    """
    place = {n: s for s in sections for n in s.nodes}
    needed = walk.wanted | {id(n) for s in walk.graph.states for n in (s.next, s.start)}
    for s in sections:
        if s.loop:
            _join(walk, place, sections, s)
    for node in reversed(walk.graph.nodes):
        here = place.get(node)
        if here is None or not node.timed or not pointwise(node) or id(node) in walk.wanted:
            continue
        given = node.args
        if here.loop:
            given = _without_spreads(node) if walk.gradient else given
            if any(extent(a) == extent(node) for a in given):
                continue
        if _summand(node):
            continue
        readers = {id(place[u]): place[u] for u in walk.users[node] if u in place}
        (there,) = readers.values() if len(readers) == 1 else (None,)
        if (
            there is not None
            and (there.loop or not here.loop)
            and there is not here
            and all(pointwise(u) and extent(u) == extent(node) for u in walk.users[node])
        ):
            place[node] = there
            for old, new in zip(node.args, given, strict=True):
                if old is not new:
                    walk.users[old] = [u for u in walk.users[old] if u is not node]
                    walk.users[new].append(node)
                    if not walk.users[old] and id(old) not in needed:
                        place.pop(old, None)
            node.args = given
    for s in sections:
        s.nodes = [n for n in walk.graph.nodes if place.get(n) is s]
    return [s for s in sections if s.loop or s.nodes]


def _summand(node: Node) -> bool:
    """Whether a product of its own will be added to it, or it to a product."""
    return node.op.name == "add" and any(a.op.kind == "product" for a in node.args)


def _join(walk: Walk, place: dict[Node, Section], sections: list[Section], loop: Section) -> None:
    """Have a loop that is one element-wise nest do what, element by element, leads to it and follows it.

    So it is where a state enters element by element, as in h = a h + b with a and b of the inputs alone: one
    pass over all steps, before it the products that make a and b, after it those of the gradients.
    """
    inside = [n for n in walk.graph.nodes if place.get(n) is loop]
    if not inside or not all(pointwise(n) and extent(n) == extent(inside[0]) for n in inside):
        return
    at = {id(s): k for k, s in enumerate(sections)}
    here = at[id(loop)]

    def when(node: Node) -> int:
        return at[id(place[node])] if node in place else -1

    loop_of = {s.name: when(s.next) for s in walk.graph.states}

    def alike(node: Node) -> bool:
        return (
            node in place
            and not place[node].loop
            and node.timed
            and pointwise(node)
            and node.op.name not in SLOW
            and not _summand(node)
            and extent(node) == extent(inside[0])
        )

    def known(a: Node) -> bool:
        if a.op.name in ("prev", "carried"):
            return loop_of[a.attrs["state"]] < here + (a.op.name == "prev")
        return when(a) <= here

    for node in walk.graph.nodes:  # what follows
        side = node.op.name == "concat" and all(place.get(a) is loop for a in node.args)
        if (
            (alike(node) or side)
            and when(node) > here
            and all(map(known, node.args))
            and any(place.get(a) is loop for a in node.args)
        ):
            place[node] = loop
    for node in reversed(walk.graph.nodes):  # what leads to it
        if alike(node) and when(node) < here:
            readers = [when(u) for u in walk.users[node]]
            if here in readers and min(readers) >= here:
                place[node] = loop


def _without_spreads(node: Node) -> tuple[Node, ...]:
    """What a node is given, before it was repeated along an axis: a loop nest repeats it without storing it.

    The graph of a gradient is printed once, so it may be changed; from another one, gradients are derived.
    """
    return tuple(a.args[0] if a.op.name == "spread" else a for a in node.args)


class Order:
    """The work of a program, section by section.

    Parameters
    ----------
    walk : Walk
        The graph and its sections.

    Attributes
    ----------
    steps : list of list
        For each section: groups, and nodes that are calls, in the order in which they are done.
    addend, product : dict
        Sums that a product accumulates: sum -> what is there first, and what is added to it.
    absorbed : set
        These products: they have no place of their own in the order.
    """

    def __init__(self, walk: Walk):
        self.graph, self.users, self.wanted = walk.graph, walk.users, walk.wanted
        self.sections, self.where = walk.sections, walk.where
        self.addend: dict[Node, Node] = {}
        self.product: dict[Node, Node] = {}
        self.absorbed: set[Node] = set()
        self._accumulate()
        self.steps: list[list[Group | Node]] = [self._steps(s) for s in self.sections]

    def _accumulate(self) -> None:
        """Sums of which one part is a product that nobody else wants: the product adds to what is there."""
        kept = {s.next for s in self.graph.states}
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
                    and a not in kept
                    and a not in self.product
                    and (a.shape, a.batched, a.timed) == (node.shape, node.batched, node.timed)
                    and (self.may_take(other, node) or not self._fusable(node))
                ):
                    self.addend[node], self.product[node] = other, a
                    self.absorbed.add(a)
                    break

    def _fusable(self, node: Node) -> bool:
        """Whether a sum would be fused with its readers anyway."""
        return id(node) not in self.wanted and all(
            pointwise(u) and extent(u) == extent(node) and self.where.get(u) == self.where[node]
            for u in self.users[node]
        )

    def may_take(self, other: Node, node: Node) -> bool:
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

    def _steps(self, section: Section) -> list[Group | Node]:
        """The order of work in a section: groups, and operations that are calls."""
        inside = set(section.nodes)
        rest = [n for n in section.nodes if n.op.kind != "view" and n not in self.absorbed]
        views = [n for n in section.nodes if n.op.kind == "view"]
        done: set[Node] = set()
        steps: list[Group | Node] = []

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
            return (*extent(node), node.timed, node.op.name in SLOW)

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
                sums = [n for n in rest if self._sums(n, members)]
                steps.append(Group([n for n in self.graph.nodes if n in members], sums))
                settle([*members, *sums])
                need = [n for n in need if n not in done]
            if call is not None and call not in done:
                steps.append(call)
                settle([call])
            rest = [n for n in rest if n not in done]
        return steps

    def _in_group(self, node: Node) -> bool:
        return pointwise(node) and node not in self.addend

    @staticmethod
    def _sums(node: Node, members: Collection[Node]) -> bool:
        """Whether a node sums up what these make, one or two axes from the right."""
        return node.op.name == "sum" and node.args[0] in members and node.attrs["axis"] in (-1, -2)

    def position(self, section: int) -> dict[Node, int]:
        """Which step of a section each node is done in."""
        at: dict[Node, int] = {}
        for k, step in enumerate(self.steps[section]):
            for n in [*step.nodes, *step.sums] if isinstance(step, Group) else [step]:
                at[n] = k
        for a in self.absorbed:
            if self.where[a] == section:
                at[a] = at[self.users[a][0]]
        return at
