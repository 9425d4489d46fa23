"""From places to lines: each along the cheapest way that is left."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .plan import DOWN, LEFT, RIGHT, SIDES, UP, Wire

if TYPE_CHECKING:
    from .plan import Glyph, Layout, Point


class NoWay(Exception):
    """A line cannot be laid; the glyphs need to stand further apart."""


# From places to lines

STEP, BEND, TURN_IN, CROSS, FORK, BESIDE = 2, 14, 4, 8, 2, 1
AVOID = 6  # to run through room kept for a name or before another glyph
ASIDE = 12  # to join the line into a box from where that line itself comes, below; to fork there
RIM = 3  # to run along the module's rim, or above the belts


def _ports(g: Glyph, entering: bool) -> list[tuple[Point, Point, int]]:
    """Points just outside a glyph where lines leave or enter, the way outwards, and a cost."""
    if g.kind in ("enter", "exit"):
        return [((g.x, g.y), LEFT if entering else RIGHT, 0)]
    if g.kind in ("input", "output"):
        return [((g.x, g.y), DOWN if entering else UP, 0)]
    sides = {
        RIGHT: [(g.x + g.a + 1, g.y)], LEFT: [(g.x - g.a - 1, g.y)],
        UP: [(g.x, g.y - g.b - 1)], DOWN: [(g.x, g.y + g.b + 1)],
    }  # fmt: skip
    if entering and len(g.args) > 2:
        for k in range(1, g.a + 1):
            sides[DOWN] += [(g.x - k, g.y + g.b + 1), (g.x + k, g.y + g.b + 1)]
            sides[UP] += [(g.x - k, g.y - g.b - 1), (g.x + k, g.y - g.b - 1)]
    wish = {
        ("box", True): {DOWN: 0}, ("box", False): {UP: 0},
        ("bus", True): {LEFT: 0, DOWN: 0, UP: 30}, ("bus", False): {RIGHT: 0},
        ("below", True): {DOWN: 0, LEFT: 0, RIGHT: 2}, ("below", False): {UP: 0},
        ("belt", True): {LEFT: 0, DOWN: 1, UP: 3}, ("belt", False): {RIGHT: 0},
        ("up", True): {DOWN: 0, LEFT: 1, RIGHT: 3, UP: 8}, ("up", False): {UP: 0, RIGHT: 4, LEFT: 8},
        ("feed", True): {LEFT: 0, UP: 0, RIGHT: 4, DOWN: 6}, ("feed", False): {DOWN: 0, RIGHT: 4, UP: 8},
        ("after", True): {UP: 0, LEFT: 1, RIGHT: 4, DOWN: 8}, ("after", False): {DOWN: 0, RIGHT: 2, LEFT: 8},
    }[g.role, entering]  # fmt: skip
    if g.role == "bus" and g.level:
        wish = {side: 0 for side in wish}
    return [(p, side, cost) for side, cost in wish.items() for p in sides[side]]


class _Router:
    """Lays one line after another on the grid, each along the cheapest way that is left."""

    def __init__(self, plan: Layout):
        self.plan = plan
        self.blocked: set[Point] = set()
        self.costly: dict[Point, int] = {}
        self.use: dict[
            Point, dict[str, set[Point]]
        ] = {}  # point -> line -> ways in which it leaves the point
        self.tree: dict[str, dict[Point, Point | None]] = {}  # line -> point -> the point before it
        self.heads: set[Point] = set()  # where arrow heads are: nothing crosses there
        self.kept: dict[Point, set[str]] = {}  # points before boxes, only for the lines that end there
        self.boxes = max((g.y for g in plan.glyphs.values() if g.role == "box"), default=plan.bottom)
        for g in plan.glyphs.values():
            self._reserve(g)
        for x in range(plan.width + 1):
            for y in range(plan.top, plan.bottom + 1):
                rim = min(x - 1, plan.width - 1 - x, y - plan.top - 1, plan.bottom - 1 - y) < 1
                if rim or (plan.belts and y < 0):
                    self.costly[x, y] = self.costly.get((x, y), 0) + RIM

    def _reserve(self, g: Glyph) -> None:
        if g.kind in ("enter", "exit", "input", "output"):
            self.kept[g.x, g.y] = {g.id, *g.args}
            return
        self.blocked.update(
            (x, y) for x in range(g.x - g.a, g.x + g.a + 1) for y in range(g.y - g.b, g.y + g.b + 1)
        )
        for entering in (True, False):
            for p, _, _ in _ports(g, entering):
                if g.role in ("box", "below", "bus"):
                    self.kept.setdefault(p, set()).update(g.args if entering else [g.id])
                else:
                    self.costly[p] = self.costly.get(p, 0) + AVOID
        if g.role == "box":  # nor right before an arrow head
            p = (g.x, g.y + g.b + 2)
            self.costly[p] = self.costly.get(p, 0) + 2 * AVOID
        if g.name and g.role == "box":
            for dx, dy in ((1, 3), (2, 3), (1, 4), (2, 4)):
                p = (g.x + dx, g.y - dy)
                self.costly[p] = self.costly.get(p, 0) + AVOID

    def connect(self, source: Glyph, sink: Glyph) -> Wire:
        """Lay the line from one glyph to another, forking from what is there of it already."""
        line = source.id
        tree = self.tree.setdefault(line, {})
        starts: dict[tuple[Point, Point], int] = {}
        if not tree:
            for p, out, cost in _ports(source, False):
                if self._free(p, out, line, True):
                    starts |= {
                        (p, way): cost + (0 if way == out else BEND) for way in SIDES if way != _back(out)
                    }
        for p in tree:
            if len(self.use[p]) == 1:
                near = AVOID if p in self.costly or p in self.kept else 0
                if sink.role == "below" and source.y < self.boxes <= p[1]:
                    near += ASIDE  # a line from above forks above the boxes
                starts |= {(p, way): FORK + near for way in SIDES if way not in self.use[p][line]}
        against = {DOWN} if source.id != sink.args[0] else {LEFT, RIGHT}
        goals = {
            (p, _back(out)): cost + (ASIDE if sink.role == "below" and out in against else 0)
            for p, out, cost in _ports(sink, True)
            if not any(other != line for other in self.use.get(p, ()))
        }
        path = self._search(line, starts, goals, sink)
        if path is None:
            raise NoWay(f"{source.id} -> {sink.id}")
        return self._keep(line, path, source, sink)

    def _free(self, p: Point, way: Point, line: str, straight: bool) -> bool:
        """Whether a line may go through a point: nothing there, or one line crossed at a right angle."""
        plan = self.plan
        if p in self.blocked or not (0 <= p[0] <= plan.width and plan.top <= p[1] <= plan.bottom):
            return False
        if p in self.kept and line not in self.kept[p]:
            return False
        others = [ways for name, ways in self.use.get(p, {}).items() if name != line]
        if not others:
            return True
        across = {(way[1], way[0]), (-way[1], -way[0])}
        return (
            straight
            and len(others) == 1
            and others[0] == across
            and p not in self.kept
            and p not in self.heads
        )

    def _beside(self, p: Point, way: Point, line: str) -> int:
        """Cost of running right beside another line."""
        cost = 0
        for dx, dy in ((way[1], way[0]), (-way[1], -way[0])):
            here = self.use.get((p[0] + dx, p[1] + dy), {})
            cost += BESIDE * any(name != line and way in ways for name, ways in here.items())
        return cost

    def _search(self, line: str, starts: dict, goals: dict, sink: Glyph) -> list[tuple[Point, Point]] | None:
        """The cheapest way from a start to a goal, as (point, way in which it is left); else None."""
        if not goals:
            return None

        def rest(p: Point) -> int:
            return STEP * min(abs(p[0] - q[0]) + abs(p[1] - q[1]) for q, _ in goals)

        own = self.tree[line]
        best = {at: cost + goals.get(at, 0) for at, cost in starts.items()}
        before: dict = {}
        queue = [(cost + rest(at[0]), cost, *at) for at, cost in best.items()]
        heapq.heapify(queue)
        while queue:
            _, cost, p, way = heapq.heappop(queue)
            if cost > best[p, way]:
                continue
            if (p, way) in goals:
                path = [(p, way)]
                while path[-1] in before:
                    path.append(before[path[-1]])
                return path[::-1]
            q = (p[0] + way[0], p[1] + way[1])
            if q in own or not self._free(q, way, line, True):
                continue
            crossing = CROSS * any(name != line for name in self.use.get(q, ()))
            here = cost + STEP + crossing + self.costly.get(q, 0) + self._beside(q, way, line)
            for onward in SIDES:
                straight = onward == way
                if onward == _back(way) or (not straight and not self._free(q, way, line, False)):
                    continue
                at = q, onward
                total = here + (0 if straight else BEND) + goals.get(at, 0)
                if at in goals and not straight:
                    total += TURN_IN + (BEND if sink.role == "box" else 0)
                if total < best.get(at, 1 << 30):
                    best[at] = total
                    before[at] = (p, way)
                    heapq.heappush(queue, (total + rest(q), total, q, onward))
        return None

    def _keep(self, line: str, path: list[tuple[Point, Point]], source: Glyph, sink: Glyph) -> Wire:
        """Note what a new line uses, and write it down from centre to centre."""
        tree = self.tree[line]
        first = path[0][0]
        if first not in tree:
            tree[first] = None
            out = next(out for p, out, _ in _ports(source, False) if p == first)
            self.use.setdefault(first, {}).setdefault(line, set()).add(_back(out))
        for (p, way), (q, _) in zip(path, path[1:], strict=False):
            tree[q] = p
            self.use[p][line].add(way)
            self.use.setdefault(q, {}).setdefault(line, set()).add(_back(way))
        last, into = path[-1]
        self.use[last][line].add(into)
        self.heads.add(last)
        points = [
            (last[0], sink.y) if into[0] == 0 else (sink.x, last[1])
        ]  # straight in, to the glyph's own axis
        at: Point | None = last
        while at is not None:
            points.append(at)
            at = tree[at]
        points.append((source.x, source.y))
        return Wire(source.id, sink.id, _corners(points[::-1]))


def _back(way: Point) -> Point:
    return -way[0], -way[1]


def _corners(points: Iterable[Point]) -> tuple[Point, ...]:
    """Drop the points at which a line goes straight on.

    before: (0, 0), (1, 0), (2, 0), (2, 1)
    after:  (0, 0), (2, 0), (2, 1)
    """
    kept: list[Point] = []
    for p in points:
        if kept and p == kept[-1]:
            continue
        if len(kept) > 1 and (kept[-1][0] - kept[-2][0]) * (p[1] - kept[-1][1]) == (
            kept[-1][1] - kept[-2][1]
        ) * (p[0] - kept[-1][0]):
            kept.pop()
        kept.append(p)
    return tuple(kept)


def route(plan: Layout) -> list[Wire]:
    """Lay all lines: belts, what is straight, the bus, the rest from short to long, and what leaves."""
    glyphs = plan.glyphs
    order = {k: n for n, k in enumerate(glyphs)}

    def rank(pair: tuple[str, str]) -> tuple:
        a, b = glyphs[pair[0]], glyphs[pair[1]]
        length = abs(a.x - b.x) + abs(a.y - b.y)
        on_belt = (
            a.y == b.y and (a.role == "belt" or a.kind == "enter") and (b.role == "belt" or b.kind == "exit")
        )
        if on_belt or (b.role == "bus" and b.level and a.y == b.y):
            kind = 0
        elif a.x == b.x:
            kind = 1
        elif "bus" in (a.role, b.role):
            kind, length = 2, (length if b.role == "bus" else 1000 - length)  # taps: the farthest first
        else:
            kind = {"output": 6 if a.role != "box" else 4, "exit": 5}.get(b.kind, 3)
        return kind, length, order[a.id], order[b.id]

    router = _Router(plan)
    pairs = [(a, g.id) for g in glyphs.values() for a in g.args]
    wires = {pair: router.connect(glyphs[pair[0]], glyphs[pair[1]]) for pair in sorted(pairs, key=rank)}
    return [wires[pair] for pair in pairs]
