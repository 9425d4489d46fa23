"""Where everything in the picture of a cell goes: from graph to glyphs, from glyphs to places, and to lines.

`layout` is the whole way; `read` is its first part. The result is data, in units of a grid; `svg` draws it.

The rules, for any cell:

- A **box** is a learned layer: a weighted sum of what enters it, with the function that squashes it. All
  boxes stand in one row, from left to right in the order of the equations.
- A **circle** is a pointwise operation, an **ellipse** a function without weights of its own.
- A state that reaches its next value by pointwise operations alone has a **belt**: a straight line along the
  top, with those operations on it. Other states come and go at the bottom.
- The **bus** at the bottom carries what most boxes read; what joins it is laid side by side (concatenated).
  What a box reads besides joins the line just below that box; a box that reads less takes it where enough
  has joined. A second bus, on the line of another state, serves boxes of a second layer.
- An operation stands above the box (or operation) that it waits for last, but beside one whose line goes
  straight up to a belt. What works on a belt's result hangs
  below the belt, right of everything that it needs. Height counts operations.
- Lines run on the grid, straight or with right angles, each along the cheapest way that is left: short, with
  few bends and crossings. Two lines that carry different values never share a segment; where they cross, the
  upright one is broken.
- Inputs come from below; what the cell puts out leaves through the top.
"""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ...engine.expression import DRAWN, log_sigmoid, unaccented, write
from ...engine.graph import Graph, Node

if TYPE_CHECKING:
    from ...cell import Cell

__all__ = ["UNIT", "Glyph", "Layout", "Reading", "Wire", "crossings", "layout", "read", "segments"]

Point = tuple[int, int]
RIGHT, DOWN, LEFT, UP = (1, 0), (0, 1), (-1, 0), (0, -1)
SIDES = (RIGHT, DOWN, LEFT, UP)

SYMBOLS = {"add": "+", "sub": "−", "mul": "×", "div": "÷"}
FUNCTIONS = {
    "sigmoid": "σ", "less": "<", "less_equal": "≤", "greater": ">", "greater_equal": "≥", "equal": "=",
    "not_equal": "≠", "neg": "−", "square": "( )²", "sqrt": "√", "matmul": "·", "dot": "·", "swap": "⊤",
    "sum": "Σ", "concat": "[ , ]", "slice": "part", "maximum": "max", "minimum": "min", "stop": "stop",
}  # fmt: skip
ALIASES = ("copy", "expand")  # a line with another name, not an operation


# ------------------------------------------------------------------------------------------
# From the graph to glyphs


@dataclass(eq=False)
class Glyph:
    """One thing in the picture: what it is, what stands in it, whose values it takes, where it is.

    Attributes
    ----------
    id : str
        Also the name of the line that leaves it: each glyph has one result.
    kind : str
        ``layer`` (box), ``point`` (circle), ``function`` (ellipse), ``merge`` (lines that join), ``input``
        and ``output`` (circles outside the module), ``enter`` and ``exit`` (a state at the module's sides).
    nodes : tuple of Node
        The operations that it stands for.
    args : list of str
        The glyphs whose results enter it.
    name : str
        The author's name of its result, or ``""``.
    role : str
        How it is placed: ``box``, ``belt``, ``up``, ``after``, ``feed``, ``bus`` or ``below``.
    x, y, a, b : int
        Centre, and half of width and height, in units of the grid.
    """

    id: str
    kind: str
    text: str = ""
    nodes: tuple[Node, ...] = ()
    args: list[str] = field(default_factory=list)
    name: str = ""
    role: str = ""
    level: int = 0
    x: int = 0
    y: int = 0
    a: int = 1
    b: int = 1


@dataclass
class Reading:
    """What is to be drawn: glyphs by id in the author's order, belts by state, and the id of the bus."""

    glyphs: dict[str, Glyph]
    belts: dict[str, list[str]]
    lines: list[str]  # states without a belt
    bus: str | None


def read(graph: Graph, output: str, letters: Mapping[str, str] | None = None) -> Reading:
    """Turn a graph into glyphs.

    Parameters
    ----------
    graph : Graph
    output : str
        The state or emitted output that leaves through the top.
    letters : mapping, optional
        The paper's letters for names.

    Returns
    -------
    Reading

    Examples
    --------
    >>> import lstmcourse as lc
    >>> [(g.kind, g.text) for g in read(lc.cells.rnn.graph, "h").glyphs.values() if g.kind == "layer"]
    [('layer', 'tanh')]
    """
    return _Reader(graph, output, letters or {}).reading()


class _Reader:
    def __init__(self, graph: Graph, output: str, letters: Mapping[str, str]):
        self.graph, self.output, self.letters = graph, output, letters
        self.position = {n: k for k, n in enumerate(graph.nodes)}
        roots = [s.next for s in graph.states] + list(graph.outputs.values())
        self.needed = self._needed(roots)
        self.users: dict[Node, int] = {}
        for n in self.needed:
            for a in _operands(n):
                self.users[a] = self.users.get(a, 0) + 1
        for r in roots:
            self.users[r] = self.users.get(r, 0) + 1
        self.roots = set(roots)
        self.ids: dict[Node, str] = {}
        self.glyphs: dict[str, Glyph] = {}

    def _needed(self, roots: Iterable[Node]) -> list[Node]:
        seen, stack = set(), list(roots)
        while stack:
            node = stack.pop()
            if node not in seen:
                seen.add(node)
                stack += _operands(node)
        return sorted(seen, key=self.position.__getitem__)

    def reading(self) -> Reading:
        self._leaves()
        self._operations()
        belts = self._belts()
        lines = [s.name for s in self.graph.states if s.name not in belts]
        bus = self._merges(belts, lines)
        self._ends()
        return Reading(self.glyphs, belts, lines, bus)

    def _add(self, glyph: Glyph) -> Glyph:
        base, k = glyph.id, 2
        while glyph.id in self.glyphs:
            glyph.id, k = f"{base}~{k}", k + 1
        self.glyphs[glyph.id] = glyph
        return glyph

    def source(self, node: Node) -> str:
        """The glyph whose result a node is."""
        while node.op.name in ALIASES:
            node = node.args[0]
        return self.ids[node]

    # what enters

    def _leaves(self) -> None:
        for s in self.graph.states:
            self.ids[s.prev] = self._add(Glyph(f"{s.name}@prev", "enter", s.name, (s.prev,), name=s.name)).id
        for n in self.needed:
            if n.op.name in ("sequence", "static", "noise", "clock"):
                self.ids[n] = self._add(Glyph(n.name, "input", n.name, (n,), name=n.name)).id

    # operations

    def _private(self, node: Node) -> bool:
        return not node.name and self.users.get(node, 0) == 1 and node not in self.roots

    def _operations(self) -> None:
        made, taken = [], set()
        for node in reversed(self.needed):
            if node.op.kind == "leaf" or node in taken or node.op.name in ALIASES or _constant(node):
                continue
            glyph, members, args = self._glyph(node)
            members = members + [c for n in members for a in n.args for c in _constants(a)]
            taken.update(members)
            made.append((glyph, node, members, args))
        for glyph, node, members, args in reversed(made):
            glyph.nodes = tuple(sorted(members, key=self.position.__getitem__))
            glyph.name = next((n for n in [node.name] if n), self._alias_name(node))
            glyph.id = glyph.name or f"{node.op.name}"
            self.ids[node] = self._add(glyph).id
            glyph.args = list(dict.fromkeys(self.source(a) for a in args))

    def _alias_name(self, node: Node) -> str:
        """The name under which an unnamed result is known: a copy's, or that of the state it becomes."""
        names = [n.name for n in self.needed if n.op.name in ALIASES and n.args[0] is node and n.name]
        names += [s.name for s in self.graph.states if s.next is node]
        names += [k for k, n in self.graph.outputs.items() if n is node]
        return names[0] if names else ""

    def _glyph(self, node: Node) -> tuple[Glyph, list[Node], list[Node]]:
        """The largest glyph whose result is this node: what stands in it, its nodes, and what enters it."""
        text, inner, members = self._function(node)
        found = self._weighted(inner, inner is node)
        if found is not None:
            nodes, args, label = found
            return (
                Glyph("", "layer", text or label, role="box", a=_half_width(text or label, 2)),
                members + nodes,
                args,
            )
        if node.op.name == "spread":
            return Glyph("", "layer", f"{node.args[0].attrs['value']:g}", role="box"), [node], []
        if text and (len(members) > 1 or not _with_constant(node)):
            args = [inner]
            return Glyph("", "function", text, a=_half_width(text, 2)), members, args
        args = [a for a in node.args if not _constant(a)]
        text = _operation_text(node)
        learned = any(a.op.name == "param" for a in node.args)
        kind = (
            "layer"
            if learned
            else "point"
            if node.op.kind == "elementwise" and len(text) <= 2
            else "function"
        )
        wide = _half_width(text, 1 if kind == "point" else 2)
        return Glyph("", kind, text, a=max(wide, (len(args) - 1) // 2)), [node], args

    def _function(self, node: Node) -> tuple[str, Node, list[Node]]:
        """Read ``4 * sigmoid(a) - 2`` as one function of a: its text, a, and the nodes that make it up.

        Returns "" and the node itself where it is not a function of one value.
        """
        scale, at, members = [], node, []
        while _with_constant(at) and at.op.name in ("mul", "add", "sub", "div", "neg"):
            inner = next(a for a in at.args if not _constant(a))
            scale.append(at)
            members.append(at)
            if not self._private(inner):
                break
            at = inner
        one = (
            at.op.kind in ("elementwise", "axis")
            and len(at.args) == 1
            and at.op.name not in (*ALIASES, "neg")
        )
        if one and not any(at is m for m in members):
            text = FUNCTIONS.get(at.op.name, at.op.name)
            inner = at.args[0]
            if log_sigmoid(node) is not None and self._private(inner):
                return "log σ", inner.args[0], [*members, at, inner]
            for outer in reversed(scale):
                text = _scaled(outer, text)
            return text, inner, [*members, at]
        return "", node, []

    def _weighted(self, node: Node, whole: bool) -> tuple[list[Node], list[Node], str] | None:
        """A sum of learned terms: its nodes, what enters, and a label; None where it is something else."""
        if not (whole or self._private(node)):
            return None
        name, args = node.op.name, node.args
        if name == "affine":
            k = node.attrs["terms"]
            return [node], list(args[0 : 2 * k : 2]), self._label([a.name for a in args[1 : 2 * k : 2]])
        if name == "dot" and (found := self._matrix(args[1])):
            return [node, *found[1]], [args[0]], self._label([found[0]])
        if name in ("add", "sub"):
            nodes, entering, label, affine = [node], [], "", False
            for a in args:
                if a.op.name in ("param", "table", "const"):
                    continue
                learned = a.op.name == "mul" and sum(b.op.name == "param" for b in a.args) == 1
                if learned and self._private(a):
                    part = [a], [b for b in a.args if b.op.name != "param"], ""
                else:
                    part = self._weighted(a, False)
                if part is None:
                    return None
                affine |= bool(part[2])
                nodes, entering, label = nodes + part[0], entering + part[1], label or part[2]
            return (nodes, entering, label) if affine else None
        return None

    def _matrix(self, node: Node) -> tuple[str, list[Node]] | None:
        """A parameter's name and the operations that it goes through: a mask, or a stop for gradients."""
        if node.op.name == "param":
            return node.name, []
        masked = node.op.name == "mul" and sum(a.op.name == "table" for a in node.args) == 1
        if self._private(node) and (masked or node.op.name == "stop"):
            found = self._matrix(next(a for a in node.args if a.op.name != "table"))
            return found and (found[0], [node, *found[1]])
        return None

    def _label(self, names: list[str]) -> str:
        """What stands in a linear layer: its matrix in the paper's letters, W before others."""
        local = sorted((n.rpartition(".")[2] for n in names), key=lambda n: n[:1] != "W")[0]
        head, _, below = local.partition("_")
        return f"{head}_{unaccented(self.letters.get(below, below))}" if below else head

    # belts

    def _belts(self) -> dict[str, list[str]]:
        """For each state with a belt, the glyphs on it from left to right; sets all roles."""
        belts: dict[str, list[str]] = {}
        taken: set[str] = set()
        for s in self.graph.states:
            chain = self._chain(self.source(s.next), self.source(s.prev), taken)
            if chain is not None:
                belts[s.name] = chain
                taken.update(chain)
        operations = [g for g in self.glyphs.values() if g.kind in ("layer", "point", "function")]
        feeds = self._feeding_boxes(taken)
        for g in operations:
            if g.id in taken:
                g.role = "belt"
            elif g.role != "box":
                after = any(self.glyphs[a].role in ("belt", "after") for a in g.args)
                g.role = "after" if after else "feed" if g.id in feeds else "up"
        return belts

    def _chain(self, at: str, start: str, taken: Collection[str]) -> list[str] | None:
        """The shortest way from a state to its next value through pointwise operations."""
        ways: dict[str, list[str]] = {start: []}
        for g in self.glyphs.values():
            pointwise = all(n.op.kind == "elementwise" for n in g.nodes)
            if g.kind not in ("point", "function") or g.id in taken or not pointwise:
                continue
            known = [ways[a] for a in g.args if a in ways]
            if known:
                ways[g.id] = [*min(known, key=len), g.id]
        return ways.get(at)

    def _feeding_boxes(self, belts: Collection[str]) -> set[str]:
        """Operations off the belts whose result a box reads, at once or after further operations."""
        found: set[str] = set()
        for g in reversed(list(self.glyphs.values())):
            if g.role == "box" or g.id in found:
                found.update(a for a in g.args if self.glyphs[a].role != "box" and a not in belts)
        return found

    # merging lines

    def _merges(self, belts: Mapping[str, list[str]], lines: list[str]) -> str | None:
        boxes = [g for g in self.glyphs.values() if g.role == "box" and g.args]
        fit = [f"{s}@prev" for s in (lines or belts)]
        fit += [g.id for g in self.glyphs.values() if g.kind == "input" and g.nodes[0].op.name == "sequence"]
        shared = self._shared(boxes, fit)
        bus = self._bus(boxes, fit, shared) if shared else None
        rest = [g for g in boxes if bus not in g.args]
        more = [f"{s}@prev" for s in lines if f"{s}@prev" not in shared]
        more += [g.id for g in self.glyphs.values() if g.role in ("up", "after", "feed")]
        second = self._shared(rest, more) if bus else frozenset()
        lined = any(self.glyphs[a].kind == "enter" for a in second)
        if lined and len(second) > 1 and sum(second <= set(g.args) for g in rest) > 1:
            self._bus(rest, more, second, 1)
        buses = {g.id for g in self.glyphs.values() if g.role == "bus"}
        for g in boxes:
            if not buses & set(g.args) and bus not in g.args:
                g.args.sort(key=lambda a: self.glyphs[a].kind != "input")
            while len(g.args) > 1:
                joined = self._add(Glyph(f"{g.id}@in", "merge", args=g.args[:2], role="below", a=0, b=0))
                g.args = [joined.id, *g.args[2:]]
        return bus

    def _shared(self, boxes: list[Glyph], fit: list[str]) -> frozenset[str]:
        """What a bus carries: those of the fitting sources that most boxes read together."""
        sets = {frozenset(a for a in g.args if a in fit) for g in boxes} - {frozenset()}
        order = {a: k for k, a in enumerate(fit)}
        return max(
            sets,
            key=lambda s: (
                sum(s <= set(g.args) for g in boxes) * len(s),
                len(s),
                [-order[a] for a in sorted(s, key=order.get)],
            ),
            default=frozenset(),
        )

    def _bus(self, boxes: list[Glyph], fit: list[str], shared: frozenset[str], level: int = 0) -> str:
        """Make a bus, and let the boxes read it; one that reads less reads what has joined first."""
        less = {shared & set(g.args) for g in boxes} - {shared}
        first = max((s for s in less if len(s) > 1), key=len, default=frozenset())
        parts = sorted(shared, key=lambda a: (a not in first if first else 0, fit.index(a)))
        bus, joined = parts[0], {}
        if len(parts) == 1 and self.glyphs[bus].kind == "input":
            bus = self._add(Glyph("bus", "merge", args=[bus], role="bus", level=level, a=0, b=0)).id
        for k, part in enumerate(parts[1:], 2):
            args = [bus, part]
            bus = self._add(Glyph("bus", "merge", args=args, role="bus", level=level, a=0, b=0)).id
            joined[frozenset(parts[:k])] = bus
        for g in boxes:
            mine = shared & set(g.args)
            if mine == shared or mine in joined:
                tap = bus if mine == shared else joined[mine]
                g.args = [tap, *(a for a in g.args if a not in mine)]
        return bus

    # what leaves

    def _ends(self) -> None:
        for s in self.graph.states:
            self._add(Glyph(f"{s.name}@next", "exit", s.name, args=[self.source(s.next)], name=s.name))
        out = [s for s in self.graph.states if s.name == self.output]
        for name, node in self.graph.outputs.items():
            self._add(Glyph(f"{name}@out", "output", name, args=[self.source(node)], name=name))
        for s in out:
            self._add(Glyph(f"{s.name}@out", "output", s.name, args=[self.source(s.next)], name=s.name))


def _operands(node: Node) -> list[Node]:
    """The arguments whose values count: the second of a `spread` only lends its shape."""
    return list(node.args[:1]) if node.op.name == "spread" else list(node.args)


def _constant(node: Node) -> bool:
    """Whether a value is the same always: a constant, a parameter, a table, or an operation on constants."""
    if node.op.kind == "leaf":
        return node.op.name in ("const", "param", "table")
    return not node.name and bool(node.args) and all(_number(a) for a in node.args)


def _number(node: Node) -> bool:
    return node.op.name == "const" or (node.op.kind != "leaf" and _constant(node))


def _constants(node: Node) -> list[Node]:
    """The operations of a constant."""
    if node.op.kind == "leaf" or not _constant(node):
        return []
    return [node, *(c for a in node.args for c in _constants(a))]


def _with_constant(node: Node) -> bool:
    """Whether an operation has one operand beside constants."""
    return node.op.name == "neg" or (
        len(node.args) == 2 and sum(map(_number, node.args)) == 1 and node.op.kind == "elementwise"
    )


def _constant_text(node: Node) -> str:
    if node.op.name == "sqrt":
        return f"√{_constant_text(node.args[0])}"
    return write(node, DRAWN, {})


def _scaled(outer: Node, text: str) -> str:
    """The text of a function under one more operation with a constant."""
    loose = any(s in text for s in "+−")
    if outer.op.name == "neg":
        return f"−{text}"
    first = outer.args[0].op.name == "const"
    c = _constant_text(outer.args[0] if first else outer.args[1])
    held = f"({text})" if loose else text
    if outer.op.name == "mul":
        return f"{c}{held}"
    if outer.op.name == "add":
        return f"{c}+{text}" if first else f"{text}+{c}"
    if outer.op.name == "sub":
        return f"{c}−{held}" if first else f"{text}−{c}"
    return f"{c}/{held}" if first else f"{held}/{c}"


def _operation_text(node: Node) -> str:
    """What stands in the circle or ellipse of one operation."""
    fixed = [_constant(a) for a in node.args]
    if node.op.name in SYMBOLS:
        symbol = SYMBOLS[node.op.name]
        if not any(fixed):
            return symbol
        c = next(_constant_text(a) for a, f in zip(node.args, fixed, strict=True) if f)
        if node.op.name == "mul":
            return f"{c}×"
        return f"{c}{symbol}" if fixed[0] else f"{symbol}{c}"
    text = FUNCTIONS.get(node.op.name, node.op.name)
    if node.op.name == "mod" and fixed[-1]:
        return f"mod {_constant_text(node.args[-1])}"
    if any(fixed) and len(node.args) == 2 and node.op.boolean:
        return (
            f"{text} {_constant_text(node.args[1])}" if fixed[1] else f"{_constant_text(node.args[0])} {text}"
        )
    if any(fixed):
        inside = ", ".join(_constant_text(a) if f else "·" for a, f in zip(node.args, fixed, strict=True))
        return f"{text}({inside})"
    return text


# ------------------------------------------------------------------------------------------
# From glyphs to places

MOST = 60  # operations on a picture; more are written as equations
UNIT = 14  # pixels between two lines of the grid
ROW = 5  # grid units from one row of operations to the next: room for a line between
HEAD = 6  # from the boxes to the first row above them: room for names


@dataclass(frozen=True)
class Wire:
    """A line from one glyph to another, by its corners in grid units, centre to centre."""

    source: str
    sink: str
    points: tuple[Point, ...]


@dataclass
class Layout:
    """Where everything is, in grid units: x to the right, y downwards; the module's left side is at x = 0.

    `heights` holds the height at which each state enters and leaves; `bus` that of the bus.
    """

    glyphs: dict[str, Glyph]
    wires: list[Wire]
    width: int
    top: int
    bottom: int
    heights: dict[str, int]
    belts: tuple[str, ...]
    bus: int


class _NoWay(Exception):
    """A line cannot be laid; the glyphs need to stand further apart."""


def layout(cell: Cell) -> Layout | None:
    """Places for one step of a cell, or None where it does not fit this kind of picture.

    Parameters
    ----------
    cell : Cell

    Returns
    -------
    Layout or None

    Examples
    --------
    >>> import lstmcourse as lc
    >>> plan = layout(lc.cells.lstm)
    >>> [plan.glyphs[k].x for k in "figo"] == sorted(plan.glyphs[k].x for k in "figo")
    True
    >>> plan.heights["c"] < plan.heights["h"]
    True
    """
    operations = [n for n in cell.graph.nodes if n.op.kind != "leaf"]
    if len(operations) > MOST or any(s.reverse for s in cell.graph.states):
        return None
    for gap in (2, 3, 4, 5, 6):
        plan = _place(read(cell.graph, cell.output, cell.letters), gap)
        try:
            plan.wires = _route(plan)
        except _NoWay:
            continue
        return plan
    return None


def _half_width(text: str, least: int) -> int:
    return max(least, (len(text.replace("_", "")) * 9 + 12 + 2 * UNIT - 1) // (2 * UNIT))


class _Columns:
    """Columns from left to right, with glyphs one above another; a new one may be put beside any other."""

    def __init__(self):
        self.order: list[list[Glyph]] = []

    def index(self, glyph: Glyph) -> int:
        return next(k for k, column in enumerate(self.order) if glyph in column)

    def put(self, glyph: Glyph, at: int | None = None) -> None:
        self.order.insert(len(self.order) if at is None else at, [glyph])

    def share(self, glyph: Glyph, k: int) -> None:
        self.order[k].append(glyph)


def _place(reading: Reading, gap: int) -> Layout:
    """Give every glyph a column and a height; `gap` is the room between columns."""
    glyphs, columns = reading.glyphs, _Columns()
    straight = {
        a for chain in reading.belts.values() for k in chain for a in through_merges(glyphs[k].args, glyphs)
    }
    of_belt = {g: [glyphs[k] for k in chain] for chain in reading.belts.values() for g in chain}
    placed: list[Glyph] = []
    for g in glyphs.values():
        if g.kind not in ("layer", "point", "function"):
            continue
        above = [o for k in through_merges(g.args, glyphs) if (o := glyphs[k]) in placed]
        g.level = _level(g, above)
        at, shared = _column(g, above, columns, [o for o in of_belt.get(g.id, ()) if o in placed])
        if shared and g.role == "up" and columns.order[at][-1].id in straight:
            at, shared = at + 1, False  # the way up to the belt is its own
        if shared:
            columns.share(g, at)
        else:
            columns.put(g, at)
        placed.append(g)
    _place_inputs(columns, glyphs)
    _place_buses(columns, glyphs)
    return _coordinates(reading, columns, gap)


def _level(g: Glyph, above: list[Glyph]) -> int:
    """How many operations from the boxes up to this one; for what comes after a belt, from the belt down."""
    if g.role in ("box", "belt"):
        return 0
    kin = ("after",) if g.role == "after" else ("up", "feed")
    return 1 + max((o.level for o in above if o.role in kin), default=0)


def _column(g: Glyph, above: list[Glyph], columns: _Columns, belt: list[Glyph]) -> tuple[int, bool]:
    """The column for a glyph, given what it reads and what is on its belt already; whether to share it."""
    end = len(columns.order)
    if g.role == "box" or g.role == "feed" or not (above or belt):
        return end, False
    beside = max((columns.index(o) for o in above if o not in belt), default=-1)
    before = max((columns.index(o) for o in belt), default=-1)
    if g.role == "after":
        free = all(o.role == "after" and o.level < g.level for o in columns.order[beside])
        return (beside, True) if free else (end, False)
    if beside > before and _top_free(columns.order[beside], above):
        return beside, True
    return max(beside, before) + 1, False


def _top_free(column: list[Glyph], above: list[Glyph]) -> bool:
    """Whether the topmost glyph of a column is one that the new glyph reads, so that it can stand above."""
    return column[-1] in above and column[-1].role in ("box", "up")


def through_merges(ids: Iterable[str], glyphs: Mapping[str, Glyph]) -> Iterator[str]:
    """The glyphs whose lines come together, where some of the given ones are merging lines."""
    for k in ids:
        if glyphs[k].kind == "merge":
            yield from through_merges(glyphs[k].args, glyphs)
        else:
            yield k


def _place_inputs(columns: _Columns, glyphs: Mapping[str, Glyph]) -> None:
    """Inputs that do not join the bus come up just before what first reads them."""
    joining = {a for g in glyphs.values() if g.role == "bus" for a in g.args}
    for g in [g for g in glyphs.values() if g.kind == "input" and g.id not in joining]:
        readers = [
            k
            for k, column in enumerate(columns.order)
            for o in column
            if g.id in through_merges(o.args, glyphs)
        ]
        columns.put(g, min(readers, default=0))


def _place_buses(columns: _Columns, glyphs: Mapping[str, Glyph]) -> None:
    """A second bus starts just before what first reads it."""

    def reads(g: Glyph, bus: str) -> bool:
        return bus in g.args or any(reads(glyphs[a], bus) for a in g.args if glyphs[a].kind == "merge")

    for b in [g for g in glyphs.values() if g.role == "bus" and g.level]:
        readers = (k for k, column in enumerate(columns.order) for o in column if reads(o, b.id))
        columns.put(b, min(readers))


def _coordinates(reading: Reading, columns: _Columns, gap: int) -> Layout:
    glyphs = reading.glyphs
    rows = max((g.level for g in glyphs.values() if g.role in ("up", "after", "feed")), default=0)
    heights = {s: 4 * k for k, s in enumerate(reading.belts)}
    belt = max(heights.values(), default=-ROW if not rows else 0)
    box = belt + ROW * rows + HEAD
    depth = {}
    for g in glyphs.values():
        if g.role == "below":
            depth[g.id] = 1 + depth.get(g.args[0], 0)
    joints = max(depth.values(), default=0)
    whole = [g.id for g in glyphs.values() if g.role == "bus" and not g.level]
    some = {*whole[:-1], *(a for k in whole if not joints for a in glyphs[k].args)}
    apart = any(a in some for g in glyphs.values() if g.role in ("box", "below") for a in g.args)
    bus = box + 4 + 2 * joints + apart  # a line more where a box reads a part of what the bus carries
    for k, s in enumerate(reading.lines):
        heights[s] = bus + 3 * k
    chained = [g for g in glyphs.values() if g.role == "bus" and not g.level]
    for k, g in enumerate(chained):
        g.x, g.y = 4 + 3 * k, bus
    x = 4 + 3 * max(0, len(chained) - 1) + gap
    for column in columns.order:
        half = max(g.a for g in column)
        x += half
        for g in column:
            g.x = x
            g.y = {"box": box, "belt": 0, "after": belt + ROW * g.level}.get(
                g.role, box - HEAD - ROW * (g.level - 1)
            )
        x += half + gap
    for s, chain in reading.belts.items():
        for k in chain:
            glyphs[k].y = heights[s]
    for g in glyphs.values():  # a second bus lies on the line of the state that it starts with
        if g.role == "bus" and g.level:
            g.y = glyphs[g.args[0]].y if glyphs[g.args[0]].role == "bus" else heights[glyphs[g.args[0]].name]
    for g in glyphs.values():  # lines that join below a box: the last one is the nearest
        if g.role == "box" and g.args and glyphs[g.args[0]].role == "below":
            joint, y = glyphs[g.args[0]], box + 3
            while joint.role == "below":
                joint.x, joint.y = g.x, y
                joint, y = glyphs[joint.args[0]], y + 2
    outs = [g for g in glyphs.values() if g.kind == "output"]
    for k, g in enumerate(outs):
        g.x = x + 1 + 4 * k
    width = x + 1 + 4 * max(0, len(outs) - 1) + 4
    below = any(g.kind == "input" and g.id in set(_direct(glyphs)) for g in glyphs.values())
    bottom = max([bus, *heights.values()]) + 3 + below
    top = (0 if reading.belts else box - HEAD - ROW * (rows - 1) if rows else box - 2) - 3
    for g in glyphs.values():
        if g.kind == "enter":
            g.x, g.y, g.a, g.b = 0, heights[g.name], 0, 0
        elif g.kind == "exit":
            g.x, g.y, g.a, g.b = width, heights[g.name], 0, 0
        elif g.kind == "output":
            g.y, g.a, g.b = top, 0, 0
        elif g.kind == "input":
            g.y, g.a, g.b = bottom, 0, 0
            joins = next((j for j in chained if g.id in j.args), None)
            g.x = joins.x if joins else g.x
    return Layout(glyphs, [], width, top, bottom, heights, tuple(reading.belts), bus)


def _direct(glyphs: Mapping[str, Glyph]) -> Iterator[str]:
    """What is read past the bus."""
    for g in glyphs.values():
        if g.role != "bus":
            yield from g.args


# ------------------------------------------------------------------------------------------
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
            raise _NoWay(f"{source.id} -> {sink.id}")
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


def _route(plan: Layout) -> list[Wire]:
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


def segments(wire: Wire) -> Iterator[tuple[Point, Point]]:
    """The straight stretches of a line."""
    yield from zip(wire.points, wire.points[1:], strict=False)


def crossings(plan: Layout) -> dict[str, set[Point]]:
    """Where each line passes upright under another one, which lies across.

    Returns
    -------
    dict of str to set of (x, y)
    """
    found: dict[str, set[Point]] = {}
    for w in plan.wires:
        for (x, y0), (x1, y1) in segments(w):
            if x != x1:
                continue
            for v in plan.wires:
                for (a, b), (a1, b1) in segments(v):
                    inside = b == b1 and min(a, a1) < x < max(a, a1) and min(y0, y1) < b < max(y0, y1)
                    if v.source != w.source and inside:
                        found.setdefault(w.source, set()).add((x, b))
    return found
