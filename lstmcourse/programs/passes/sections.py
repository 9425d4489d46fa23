"""Which values are computed once, for all steps at once, in a loop, or after it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from ...engine.graph import Graph, Node, walk
from ...engine.rewrite import consumers
from ...errors import ScheduleError
from .times import levels

__all__ = ["Section", "check_schedule", "schedule"]


@dataclass
class Section:
    """A part of a program: statements for all steps at once, or the body of a loop through time."""

    loop: bool
    level: int
    reverse: bool = False
    nodes: list[Node] = field(default_factory=list)


def schedule(graph: Graph, store: Collection[Node] = ()) -> list[Section]:
    """Put every node in its section: before a loop, in it, after it, and so on to the last loop.

    before: one step, as a list of nodes
    after:  ``[all at once, loop, all at once, loop, ...]``, each a list of nodes

    What is larger than a vector and is not wanted for every step joins the loop that it belongs to, and so
    does what is computed from it; sums over time are then collected in the loop.
    """
    order = levels(graph)
    users = consumers(graph)
    keep = {id(n) for n in store}
    place: dict[Node, tuple[int, bool] | None] = dict(order.loop)
    loops = {(lv, order.loop[s.next][1]) for s in graph.states for lv in [order.of_state[s.name]]}

    def large(node: Node) -> bool:
        return node.timed and len(node.shape) > 1 and id(node) not in keep and node.op.kind != "leaf"

    while True:  # each rule can make room for another
        before = len(place)
        # what is computed from a large value that lives in a loop joins it there
        for node in graph.nodes:
            if node in place or node.op.kind == "leaf" or order.level[node] == 0:
                continue
            here = [p for p in loops if p[0] == order.level[node]]
            reads_large = any(a in place and large(a) for a in node.args)
            if (
                len(here) == 1
                and (reads_large or large(node))
                and (node.timed or node.op.kind == "reduction")
            ):
                place[node] = here[0]
        for node in reversed(graph.nodes):
            if node in place or node.op.kind == "leaf" or not node.timed:
                continue
            readers = [place.get(u) for u in users[node]]
            if order.level[node] and any(p and p[0] == order.level[node] for p in readers):
                # and so does what is read there
                place[node] = next(p for p in readers if p and p[0] == order.level[node])
            elif large(node) and readers and all(readers) and min(readers)[0] > order.level[node]:
                # large values known early wait for the loop that reads them
                place[node] = min(readers)
        if len(place) == before:
            break

    top = max([order.level[n] for n in graph.nodes] + [p[0] for p in loops] + [0])
    sections: list[Section] = []
    for level in range(top + 1):
        for reverse in (False, True):
            if (level, reverse) in loops:
                inside = [n for n in graph.nodes if place.get(n) == (level, reverse)]
                sections.append(Section(True, level, reverse, inside))
        block = [n for n in graph.nodes if n not in place and n.op.kind != "leaf" and order.level[n] == level]
        if level == 0:  # what does not depend on the step can be done first
            sections.append(Section(False, 0, False, [n for n in block if not n.timed and not _late(n)]))
            block = [n for n in block if n.timed or _late(n)]
        sections.append(Section(False, level, False, block))
    return [s for s in sections if s.loop or s.nodes]


def check_schedule(graph: Graph, sections: Iterable[Section]) -> None:
    """See that a program of these sections, in this order, reads nothing before it is computed.

    A loop may read what earlier sections made, what it made at this step, and the past of its own states;
    the past of other states, and sums over steps, are there when their loop has run.

    Raises
    ------
    ScheduleError
        Names what would be read too early, and by what. No cell that can be defined should lead here.
    """
    place = {n: section for section in sections for n in section.nodes}
    made: set[Node] = set()
    run: set[str] = set()  # the states whose loops have run
    for section in sections:
        own = {s.name: s for s in graph.states if section.loop and place.get(s.next) is section}
        for s in own.values():
            if s.reverse != section.reverse or not (s.start in made or s.start.op.kind == "leaf"):
                raise ScheduleError(f"{graph.name}: the loop of state {s.name!r} is out of order")
        for node in section.nodes:
            for a in node.args:
                if a.op.name in ("prev", "carried"):
                    known = a.attrs["state"] in run or (a.op.name == "prev" and a.attrs["state"] in own)
                elif section.loop and a.op.kind == "reduction":
                    known = a in made and place[a] is not section
                else:
                    known = a in made or a.op.kind == "leaf"
                if not known:
                    raise ScheduleError(f"{graph.name}: {node!r} would read {a!r} before it is computed")
            made.add(node)
        run |= set(own)
    for s in graph.states:
        if s.name not in run:
            raise ScheduleError(f"{graph.name}: state {s.name!r} is never computed")


def _late(node: Node) -> bool:
    """Whether a node without a time axis rests on values of every step, through a sum over time."""
    return any(a.timed for n in walk([node]) for a in n.args)
