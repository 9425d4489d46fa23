"""From a cell's graph to glyphs: which operations are one box, circle or ellipse, and what enters each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from ...engine.expression import DRAWN, log_sigmoid, unaccented, write
from ..names import index, named
from .plan import UNIT, Glyph, Reading

if TYPE_CHECKING:
    from ...engine.graph import Graph, Node

__all__ = ["read"]


SYMBOLS = {"add": "+", "sub": "−", "mul": "×", "div": "÷"}
FUNCTIONS = {
    "sigmoid": "σ", "less": "<", "less_equal": "≤", "greater": ">", "greater_equal": "≥", "equal": "=",
    "not_equal": "≠", "neg": "−", "square": "( )²", "sqrt": "√", "matmul": "·", "dot": "·", "swap": "⊤",
    "sum": "Σ", "concat": "[ , ]", "slice": "part", "maximum": "max", "minimum": "min", "stop": "stop",
}  # fmt: skip
ALIASES = ("copy", "expand", "reshape")  # a line with another name, not an operation


def read(
    graph: Graph, output: str, letters: Mapping[str, str] | None = None, closed: Collection[str] = ()
) -> Reading:
    """Turn a graph into glyphs.

    Parameters
    ----------
    graph : Graph
    output : str
        The state or emitted output that leaves through the top.
    letters : mapping, optional
        The paper's letters for names.
    closed : collection of str
        Scopes of cells used inside, each of which is one box.

    Returns
    -------
    Reading

    Examples
    --------
    >>> import lstmcourse as lc
    >>> [(g.kind, g.text) for g in read(lc.cells.rnn.graph, "h").glyphs.values() if g.kind == "layer"]
    [('layer', 'tanh')]
    """
    return _Reader(graph, output, letters or {}, closed).reading()


def scopes(graph: Graph) -> dict[str, int]:
    """The cells used inside, by scope, and how many operations each has."""
    found: dict[str, int] = {}
    for n in graph.nodes:
        scope = _scope(n)
        if scope:
            found[scope] = found.get(scope, 0) + 1
    return found


def _scope(node: Node) -> str:
    """The outermost scope of an operation: that of its name, or of the equation that it is part of."""
    if node.op.kind == "leaf":
        return ""
    names = [node.name] if node.name else list(node.origin or ())
    found = {name.partition(".")[0] if "." in name else "" for name in names}
    return found.pop() if len(found) == 1 else ""


class _Reader:
    def __init__(self, graph: Graph, output: str, letters: Mapping[str, str], closed: Collection[str]):
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
        self.within = {n: _scope(n) for n in self.needed if _scope(n) in closed}
        self.ids: dict[Node | str, str] = {}
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

    def source(self, node: Node | str) -> str:
        """The glyph whose result a node is; or that of a scope."""
        while not isinstance(node, str) and node.op.name in ALIASES:
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
            if node in self.within and node not in taken:
                found = self._closed(self.within[node])
                made += found
                taken.update(n for n in self.within if self.within[n] == self.within[node])
            if node.op.kind == "leaf" or node in taken or node.op.name in ALIASES or _constant(node):
                continue
            glyph, members, args = self._glyph(node)
            members = members + [c for n in members for a in n.args for c in _constants(a)]
            taken.update(members)
            made.append((glyph, node, members, args))
        for glyph, node, members, args in reversed(made):
            glyph.nodes = tuple(sorted(members, key=self.position.__getitem__))
            if isinstance(node, str):  # a box with several results: none of them is its own
                glyph.id = node
            else:
                glyph.name = next((n for n in [node.name] if n), self._alias_name(node))
                glyph.id = glyph.name or f"{node.op.name}"
            self.ids[node] = self._add(glyph).id
            glyph.args = list(dict.fromkeys(self.source(a) for a in args))

    def _closed(self, scope: str) -> list[tuple[Glyph, Node | str, list[Node], list[Node | str]]]:
        """A cell used inside as one box; of several results, each leaves it through an ellipse."""
        inside = {n: None for n in self.needed if self.within.get(n) == scope}
        read = self.roots | {a for n in self.needed if n not in inside for a in _operands(n)}
        results = [n for n in inside if n in read and n.op.name not in ALIASES]
        operands = dict.fromkeys(a for n in inside for a in _operands(n))
        entering = [a for a in operands if a not in inside and not _constant(a)]
        box = Glyph("", "layer", scope, role="box", a=_half_width(scope, 4))
        if len(results) == 1:
            return [(box, results[0], results, entering)]
        found = []
        for n in reversed(results):
            inner, _, local = n.name.partition(".")[2].rpartition(".")
            text = f"{named(local, '', self.letters).plain} {inner}".strip()
            found.append((Glyph("", "function", text, a=_half_width(text, 2)), n, [n], [scope]))
        return [*found, (box, scope, results[-1:], entering)]

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
            if _constant(inner):  # of a weight alone: a box that reads nothing
                return Glyph("", "layer", text, role="box", a=_half_width(text, 2)), members, []
            return Glyph("", "function", text, a=_half_width(text, 2)), members, [inner]
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
        text = unaccented(self.letters[below]) if below in self.letters else index(below)
        return f"{head}_{{{text}}}" if "," in text else f"{head}_{text}" if text else head

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


def _half_width(text: str, least: int) -> int:
    return max(least, (len(text.replace("_", "")) * 9 + 12 + 2 * UNIT - 1) // (2 * UNIT))
