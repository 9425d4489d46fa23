"""Two definitions side by side: which equations differ, in what, and which parameters that gains and loses.

    lc.diff(lc.cells.lstm, lc.cells.peephole)

`diff` compares by meaning: `Meaning` numbers what each equation computes, so that the order of operands, of
factors and of equations is no difference. Rows of equations are laid side by side by name; in a changed row
the terms without a counterpart are marked. In the pictures, what both cells have is faded.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

from ..engine.definition import Definition
from ..engine.expression import PLAIN, equation_of, equations, operations, products, written_size
from ..engine.graph import Node
from ..engine.meaning import Meaning
from .diagram import Diagram, lit
from .diagram.plan import MOST, UNIT, Layout, through_merges
from .diagram.sheet import SERIF
from .html import html
from .latex import LATEX

__all__ = ["Difference", "Equation", "Parameter", "diff"]

Spot = tuple[Node | None, int]  # an operation, and which of its parts; (None, 0) is a whole right side
WHOLE: Spot = (None, 0)
WIDE = 900  # pixels: two pictures, one of them wider, stand under each other


def _products(node: Node, meaning: Meaning, known: Mapping[Node, int]) -> Iterator[tuple]:
    """The terms of an affine layer: (spot, number, operand, matrix), and (spot, number, bias)."""
    k = node.attrs["terms"]
    for j in products(node):
        x, w = node.args[2 * j : 2 * j + 2]
        yield (node, -1 - j), meaning.number("dot", (), known[x], known[w]), x, w, 2 * j
    for n, b in enumerate(node.args[2 * k :]):
        yield (node, 2 * k + n), known[b], b, None, 0


# ------------------------------------------------------------------------------------------
# Where two equations differ


@dataclass(eq=False)
class _Part:
    """A term of a sum or a factor of a product: where it stands, its number, and what it is."""

    spot: Spot
    key: int
    node: Node | None = None
    x: Node | None = None  # of a product with a matrix: the operand, the matrix, where the operand stands
    w: Node | None = None
    x_spot: Spot = WHOLE


class _Marks:
    """Compares two right sides and collects the spots in which they differ."""

    def __init__(self, meaning: Meaning):
        self.meaning = meaning
        self.left: set[Spot] = set()
        self.right: set[Spot] = set()

    def compare(self, a: Node, b: Node, at: Spot = WHOLE, to: Spot = WHOLE) -> None:
        """Mark the smallest parts of a and b that are not in the other one."""
        top = at[0] is None
        a, b = _through(a, top), _through(b, top)
        m = self.meaning
        if (m.body if top else m.ref)[a] == (m.body if top else m.ref)[b]:
            return
        for sign in ("add", "mul"):
            if any(self._is(sign, n, top) for n in (a, b)):
                ours, theirs = self._parts(sign, a, at, top), self._parts(sign, b, to, top)
                if self._pair(ours, theirs):
                    return
        if not (self._closed(a, top) or self._closed(b, top)):
            if a.op.name == b.op.name and len(a.args) == len(b.args) and self._settings(a, b):
                for k, (p, q) in enumerate(zip(a.args, b.args, strict=True)):
                    self.compare(p, q, (a, k), (b, k))
                return
            if len(a.args) == 1 and m.ref[a.args[0]] == m.body[b]:  # a function more on one side
                self.left.add(at)
                return
            if len(b.args) == 1 and m.ref[b.args[0]] == m.body[a]:
                self.right.add(to)
                return
        self.left.add(at)
        self.right.add(to)

    @staticmethod
    def _closed(node: Node, top: bool) -> bool:
        return node.op.kind == "leaf" or (bool(node.name) and not top)

    @staticmethod
    def _settings(a: Node, b: Node) -> bool:
        return all(str(a.attrs.get(k)) == str(b.attrs.get(k)) for k in ("axis", "start", "stop", "size"))

    def _is(self, sign: str, node: Node, top: bool) -> bool:
        names = ("mul",) if sign == "mul" else ("add", "sub", "affine")
        return node.op.name in names and not self._closed(node, top)

    def _parts(self, sign: str, node: Node, spot: Spot, top: bool) -> list[_Part]:
        if not self._is(sign, node, top):
            x, w = node.args if node.op.name == "dot" and not self._closed(node, top) else (None, None)
            return [
                _Part(spot, (self.meaning.body if top else self.meaning.ref)[node], node, x, w, (node, 0))
            ]
        if node.op.name == "affine":
            rows = _products(node, self.meaning, self.meaning.ref)
            return [
                _Part(s, key, x, None, None, (node, k)) if w is None else _Part(s, key, None, x, w, (node, k))
                for s, key, x, w, k in rows
            ]
        found = []
        for k, a in enumerate(node.args):
            inner = self._parts(sign, _through(a, False), (node, k), False)
            if node.op.name == "sub" and k:
                inner = [replace(p, key=self.meaning.negative(p.key)) for p in inner]
            found += inner
        return found

    def _pair(self, ours: list[_Part], theirs: list[_Part]) -> bool:
        """Mark the parts without a counterpart; False, and nothing marked, where nothing matches."""
        mine, yours = list(ours), []
        for q in theirs:
            p = next((p for p in mine if p.key == q.key), None)
            if p is None:
                yours.append(q)
            else:
                mine.remove(p)
        kin = [(p, next((q for q in yours if self._kin(p, q)), None)) for p in mine]
        if len(mine) == len(ours) and all(q is None for _, q in kin):
            return False
        for p in mine:
            q = next((q for q in yours if self._kin(p, q)), None)
            if q is None:
                self.left.add(p.spot)
                continue
            yours.remove(q)
            if p.w is not None:
                self.compare(p.x, q.x, p.x_spot, q.x_spot)
            else:
                self.compare(p.node, q.node, p.spot, q.spot)
        self.right.update(q.spot for q in yours)
        return True

    def _kin(self, p: _Part, q: _Part) -> bool:
        """Whether two different parts are one thing that was changed: inside them is more to compare."""
        if p.w is not None or q.w is not None:
            return p.w is not None and q.w is not None and self.meaning.ref[p.w] == self.meaning.ref[q.w]
        if self._closed(p.node, False) or self._closed(q.node, False):
            return False
        return p.node.op.name == q.node.op.name


def _through(node: Node, top: bool) -> Node:
    """What a copy is a copy of."""
    while node.op.name == "copy" and (top or not node.name):
        node, top = node.args[0], False
    return node


# ------------------------------------------------------------------------------------------
# Rows


@dataclass(frozen=True)
class Equation:
    """One row: an equation of either cell, or of both.

    Attributes
    ----------
    name : str
        Its name, in the second cell if it is there.
    left, right : str
        As text; ``""`` where a cell does not have it.
    status : str
        ``"same"``, ``"changed"``, ``"added"`` or ``"removed"``.
    """

    name: str
    left: str
    right: str
    status: str
    html: tuple[str, str] = field(default=("", ""), repr=False, compare=False)


@dataclass(frozen=True)
class Parameter:
    """A parameter that only one of the cells has, or that differs.

    Attributes
    ----------
    name : str
    status : str
        ``"gained"``, ``"lost"`` or ``"changed"``.
    shape : str
        Such as ``"(D, H)"``; both shapes where it is changed.
    count : str
        How many numbers that is, as a formula: ``"D H"``.
    number : int or None
        The same as a number, for given sizes.
    """

    name: str
    status: str
    shape: str
    count: str
    number: int | None = None
    html: str = field(default="", repr=False, compare=False)


def _paired(a: Definition, b: Definition, meaning: Meaning) -> dict[str, str]:
    """Equations of b that are called otherwise in a, where they compute the same: their names there."""
    ours, theirs = equations(a.graph), equations(b.graph)
    spare = {meaning.full[n]: k for k, n in reversed(ours.items()) if k not in theirs}
    found = {}
    for k, n in theirs.items():
        if k not in ours and meaning.full[n] in spare:
            found[k] = spare.pop(meaning.full[n])
    return found


def _merged(ours: Iterable[str], theirs: Iterable[str]) -> list[str]:
    """The second order, with what only the first has after what it stood after there."""
    rows, before = list(theirs), None
    known = set(rows)
    for name in ours:
        if name not in known:
            rows.insert(rows.index(before) + 1 if before is not None else 0, name)
        before = name
    return rows


def _rows(a: Definition, b: Definition, meaning: Meaning, called: Mapping[str, str]) -> list[Equation]:
    ours, theirs = equations(a.graph), {called.get(k, k): n for k, n in equations(b.graph).items()}
    names = {v: k for k, v in called.items()}
    rows = []
    for name in _merged(ours, theirs):
        p, q, marks = ours.get(name), theirs.get(name), _Marks(meaning)
        if p is None or q is None:
            status = "added" if p is None else "removed"
        else:
            same = meaning.body[p] == meaning.body[q] or meaning.full[p] == meaning.full[q]
            status = "same" if same else "changed"
            if not same and max(written_size(p), written_size(q)) <= MOST:
                marks.compare(p, q)
        text = ["" if node is None else _text(n, node) for n, node in ((name, p), (names.get(name, name), q))]
        written = (
            "" if p is None else _written(name, p, a.letters, marks.left, "del"),
            "" if q is None else _written(names.get(name, name), q, b.letters, marks.right, "ins"),
        )
        rows.append(Equation(names.get(name, name), text[0], text[1], status, written))
    return rows


def _text(name: str, node: Node) -> str:
    """An equation as plain text; of a very long one, how long it is."""
    if written_size(node) > MOST:
        return f"{name}_t = ... ({len(operations(node))} operations)"
    return " = ".join(equation_of(name, node, PLAIN, {}))


def _written(name: str, node: Node, letters: Mapping[str, str], spots: set[Spot], mark: str) -> str:
    """An equation as HTML, with marks."""
    if written_size(node) > MOST:
        return escape(_text(name, node))

    def marked(text: str, at: Node | None, k: int) -> str:
        return rf"\{mark}{{{text}}}" if (at, k) in spots else text

    left, right = equation_of(name, node, replace(LATEX, mark=marked), letters)
    return html(f"{left} = {marked(right, *WHOLE)}")


# Parameters

Terms = Counter  # a sum of products of sizes: {("D", "H"): 2} is 2 D H


def _terms(p: Node) -> Terms:
    """How many free numbers a parameter has."""
    if "fixed" in p.attrs:
        return Counter()
    if "free" in p.attrs:
        return Counter({(f"|{p.attrs['free'].name}|",): 1})
    total = Counter({(): 1})
    for d in p.shape:
        grown: Terms = Counter()
        for names, n in total.items():
            for name, k in [*d.terms, *([("", d.constant)] if d.constant else [])]:
                grown[tuple(sorted((*names, name) if name else names))] += n * k
        total = grown
    return total


def formula(terms: Mapping[tuple[str, ...], int]) -> str:
    """Write a sum of products of sizes, what all terms share in front.

    Examples
    --------
    >>> formula({("D", "H"): 4, ("H", "H"): 4, ("H",): 4})
    '4 H (D + H + 1)'
    >>> formula({("H", "H"): 1, ("H",): 2})
    'H (H + 2)'
    >>> formula({("D", "H"): 1}), formula({("H", "H"): 3}), formula({})
    ('D H', '3 H²', '0')
    """
    terms = {k: n for k, n in terms.items() if n}
    if not terms:
        return "0"
    each = math.gcd(*terms.values())
    shared = Counter(next(iter(terms)))
    for names in terms:
        shared &= Counter(names)
    inner = {tuple(sorted((Counter(k) - shared).elements())): n // each for k, n in terms.items()}
    front = _product(each, sorted(shared.elements()))
    if len(inner) == 1:
        return front
    rows = sorted(inner.items(), key=lambda row: (-len(row[0]), row[0]))
    total = " + ".join(_product(n, names) for names, n in rows)
    return f"{front} ({total})" if front != "1" else total


_ASCII = str.maketrans({"→": "->", "²": "^2", "³": "^3"})  # for consoles; pages have the signs


def _product(n: int, names: Iterable[str]) -> str:
    powers = [k + {1: "", 2: "²", 3: "³"}.get(e, f"^{e}") for k, e in Counter(names).items()]
    return " ".join([str(n)] * (n != 1 or not powers) + powers)


def _shape(p: Node) -> str:
    note = (
        ", fixed"
        if "fixed" in p.attrs
        else f", free where {p.attrs['free'].name}"
        if "free" in p.attrs
        else ""
    )
    return f"({', '.join(map(str, p.shape))}){note}"


def _parameters(
    a: Definition, b: Definition, meaning: Meaning, sizes: tuple[dict, dict] | None
) -> list[Parameter]:
    ours, theirs = ({p.name: p for p in c.graph.params} for c in (a, b))
    rows = []
    for name in _merged(ours, theirs):
        p, q = ours.get(name), theirs.get(name)
        if p is not None and q is not None and meaning.ref[p] == meaning.ref[q]:
            continue
        status = "gained" if p is None else "lost" if q is None else "changed"
        nodes = [n for n in (p, q) if n is not None]
        terms = Counter(_terms(nodes[-1]))
        count = formula(terms) if len(nodes) == 1 else f"{formula(_terms(p))} → {formula(terms)}"
        number = None
        if sizes is not None:
            number = _number(q, sizes[1]) if q is not None else _number(p, sizes[0])
        letters = (b if q is not None else a).letters
        written = html(LATEX.name(nodes[-1], "", letters))
        shape = " → ".join(dict.fromkeys(map(_shape, nodes)))
        rows.append(Parameter(name, status, shape, count, number, written))
    return rows


def _number(p: Node, sizes: Mapping[str, int]) -> int:
    from ..engine.layers import table_values

    if "free" in p.attrs:
        return int((table_values(p.attrs["free"], sizes) != 0).sum())
    return 0 if "fixed" in p.attrs else math.prod(d.value(sizes) for d in p.shape)


# ------------------------------------------------------------------------------------------
# What is lit in a picture


def _light(mine: Definition, other: Definition, meaning: Meaning, called: Mapping[str, str], plan: Layout):
    """Glyphs and lines of `mine` that `other` does not have; `called` says other names for mine."""
    ours = {called.get(n.name, n.name): n for n in other.graph.nodes if n.name and n.op.kind != "leaf"}
    bodies = {meaning.body[n] for n in other.graph.nodes} | {meaning.ref[n] for n in other.graph.nodes}
    full = {meaning.full[n] for n in other.graph.nodes}
    read: dict[
        str, set[int]
    ] = {}  # what each named equation of the other reads, at once or through unnamed ones
    for name, node in ours.items():
        read[name] = {meaning.ref[a] for n in operations(node) for a in n.args}

    def common(node: Node) -> bool:
        if meaning.full[node] in full:
            return True
        if not node.name:
            return meaning.body[node] in bodies
        return node.name in ours and meaning.body[node] == meaning.body[ours[node.name]]

    glyphs = plan.glyphs
    shapes = [g for g in glyphs.values() if g.kind in ("layer", "point", "function")]
    found = {g.id for g in shapes if not all(common(n) for n in g.nodes if n.op.kind != "leaf")}
    bright: set[tuple[str, str]] = set()

    def light(sink: str, source: str, wanted: set[str]) -> bool:
        """Light the line between two glyphs if one of the wanted comes along it."""
        g = glyphs[source]
        if g.kind == "merge":
            parts = [light(source, a, wanted) for a in g.args]
            comes = any(parts)
        else:
            comes = source in wanted
        if comes:
            bright.add((source, sink))
        return comes

    def number(k: str) -> int | None:
        nodes = glyphs[k].nodes
        return meaning.ref[nodes[-1]] if nodes else None

    there = {f"{s.name}@{end}": s for s in other.graph.states for end in ("prev", "next")}
    there |= {f"{name}@out": name for name in [*other.graph.outputs, other.output]}
    for g in glyphs.values():
        sources = set(through_merges(g.args, glyphs))
        if g.id in found:
            old = ours.get(g.name) if g.name else None
            fresh = {k for k in sources if old is None or number(k) not in read[g.name]}
            if old is None or not fresh or old.op.name == g.nodes[-1].op.name:
                sources = fresh  # else it is another operation altogether: all that it reads is new
        elif g.kind not in ("exit", "output") or g.id in there:
            continue
        for a in g.args:
            light(g.id, a, sources)
    for pair in bright:
        found.update(k for k in pair if glyphs[k].kind in ("enter", "exit", "input", "output"))
    found.update(g.id for g in glyphs.values() if g.kind == "enter" and g.id not in there)
    return found, bright


# ------------------------------------------------------------------------------------------
# The whole


@dataclass(frozen=True)
class Difference:
    """What two cells have in common and what not; made by `diff`, and displays itself in a notebook.

    Attributes
    ----------
    left, right : Cell
    equations : list of Equation
        Row by row, in the order of the second cell.
    parameters : list of Parameter
        Those gained, lost or changed.
    starts : dict of str to (left, right)
        How a parameter or state that both have starts, where that differs.
    counts : (str, str)
        All free parameters of each, as formulas.
    numbers : (int, int) or None
        The same as numbers, for given sizes.
    same : bool
        Whether there is no difference at all.
    """

    left: Definition
    right: Definition
    equations: list[Equation]
    parameters: list[Parameter]
    starts: dict[str, tuple[Any, Any]]
    counts: tuple[str, str]
    numbers: tuple[int, int] | None
    same: bool
    _meaning: Meaning = field(repr=False, compare=False)
    _called: Mapping[str, str] = field(repr=False, compare=False)

    def _names(self, rows: Iterable[Any], status: str) -> tuple[str, ...]:
        return tuple(r.name for r in rows if r.status == status)

    @property
    def changed(self) -> tuple[str, ...]:
        """Equations of both cells that differ."""
        return self._names(self.equations, "changed")

    @property
    def added(self) -> tuple[str, ...]:
        """Equations that only the second cell has."""
        return self._names(self.equations, "added")

    @property
    def removed(self) -> tuple[str, ...]:
        """Equations that only the first cell has."""
        return self._names(self.equations, "removed")

    @property
    def gained(self) -> tuple[str, ...]:
        """Parameters that only the second cell has."""
        return self._names(self.parameters, "gained")

    @property
    def lost(self) -> tuple[str, ...]:
        """Parameters that only the first cell has."""
        return self._names(self.parameters, "lost")

    @property
    def pictures(self) -> tuple[Diagram | None, Diagram | None]:
        """Both diagrams, what they share faded; None for a cell that does not fit on a picture."""
        back = {v: k for k, v in self._called.items()}
        scopes = {
            r.name.rpartition(".")[0] for r in [*self.equations, *self.parameters] if r.status != "same"
        }
        found = []
        for mine, other, called in ((self.left, self.right, self._called), (self.right, self.left, back)):
            title = f"One step of the cell {mine.name}; in full ink what {other.name} does not have"
            light = lambda plan, mine=mine, other=other, called=called: _light(
                mine, other, self._meaning, called, plan
            )
            found.append(lit(mine, light, scopes, title))
        return found[0], found[1]

    # as text

    def _title(self) -> str:
        return f"{self.left.name} → {self.right.name}"

    def _summary(self) -> str:
        if self.same:
            return "no difference"
        words = []
        for names, word in ((self.changed, "changed"), (self.added, "added"), (self.removed, "removed")):
            if names:
                words.append(f"{len(names)} equation{'s' * (len(names) > 1)} {word}")
        return ", ".join(words or ["the same equations"])

    def _notes(self) -> list[str]:
        """What differs besides equations and parameters."""
        rows = []
        for word, ours, theirs in (
            ("states", self.left.states, self.right.states),
            ("inputs", *(_reads(c) for c in (self.left, self.right))),
            ("emitted", self.left.emits, self.right.emits),
        ):
            if set(ours) != set(theirs):
                rows.append(f"{word}: {', '.join(ours) or 'none'} → {', '.join(theirs) or 'none'}")
        return rows + [f"{k} starts {_start(p)} → {_start(q)}" for k, (p, q) in self.starts.items()]

    def _total(self) -> str:
        text = " → ".join(dict.fromkeys(self.counts))
        if self.numbers:
            text += " = " + " → ".join(map(str, dict.fromkeys(self.numbers)))
        return text

    def __repr__(self) -> str:
        return self._text().translate(_ASCII)

    def _text(self) -> str:
        rows = [f"{self._title()}: {self._summary()}"]
        if self.same:
            return rows[0]
        for e in self.equations:
            if e.status == "same":
                rows.append(f"  {e.right}")
            else:
                rows += [f"- {e.left}"] * bool(e.left) + [f"+ {e.right}"] * bool(e.right)
        for status in ("gained", "lost", "changed"):
            found = [f"{p.name} {p.shape}" for p in self.parameters if p.status == status]
            if found:
                rows.append(f"{status}: {', '.join(found)}")
        rows += self._notes()
        rows.append(f"parameters: {self._total()}")
        return "\n".join(rows)

    # as HTML

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, str]:
        return {"text/html": self.html, "text/plain": repr(self)}

    @property
    def html(self) -> str:
        """Equations, pictures and parameters for a page."""
        left, right = escape(self.left.name), escape(self.right.name)
        body = [f"<p><b>{left} → {right}</b>: {escape(self._summary())}.</p>"]
        rows = "".join(
            f'<tr class="{e.status}"><th scope="row">{e.status}</th>'
            + "".join(f'<td data-of="{n}">{t}</td>' for n, t in zip((left, right), e.html, strict=True))
            + "</tr>"
            for e in self.equations
        )
        body.append(
            f"<table><caption>Equations</caption><thead><tr><td></td><th scope='col'>{left}</th>"
            f"<th scope='col'>{right}</th></tr></thead><tbody>{rows}</tbody></table>"
        )
        if not self.same:
            pictures = self.pictures
            drawn = zip((left, right), pictures, strict=True)
            shown = "".join(
                f"<figure>{d.html}<figcaption>{n}</figcaption></figure>" for n, d in drawn if d is not None
            )
            wide = any(d is not None and d.layout and d.layout.width * UNIT > WIDE for d in pictures)
            kind = "pictures wide" if wide else "pictures"
            body.append(f'<div class="{kind}">{shown}</div>' if shown else "")
            body.append(self._parameter_table())
            body += [f"<p>{escape(note[:1].upper() + note[1:])}.</p>" for note in self._notes()]
        group = f'<div class="lc-diff" role="group" aria-label="{left} and {right}: what differs">'
        return f"{group}<style>{_css()}</style>{''.join(body)}</div>"

    def _parameter_table(self) -> str:
        groups: dict[tuple[str, str], list[Parameter]] = {}
        for p in self.parameters:
            groups.setdefault((p.status, p.shape), []).append(p)
        rows = ""
        for (status, shape), group in groups.items():
            each = [self._terms(p.name, status) for p in group]
            count = " → ".join(dict.fromkeys(formula(sum(t, Counter())) for t in zip(*each, strict=True)))
            if self.numbers:
                count += f" = {sum(p.number for p in group)}"
            cells = [", ".join(p.html for p in group), escape(shape), escape(count)]
            rows += f'<tr class="{status}"><th scope="row">{status}</th>'
            rows += "".join(f"<td>{c}</td>" for c in cells) + "</tr>"
        head = "".join(f'<th scope="col">{h}</th>' for h in ("name", "shape of each", "numbers in all"))
        table = (
            f'<table class="numbers"><caption>Parameters</caption><thead><tr><td></td>{head}</tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )
        text = f"<p>Free parameters of the whole cell: {escape(self._total())}.</p>"
        return (table if self.parameters else "") + text

    def _terms(self, name: str, status: str) -> list[Terms]:
        """How many free numbers a parameter has, in each cell that it is compared in."""
        cells = {"gained": [self.right], "lost": [self.left]}.get(status, [self.left, self.right])
        return [Counter(_terms(next(p for p in c.graph.params if p.name == name))) for c in cells]


def _reads(c: Definition) -> tuple[str, ...]:
    return tuple(n.name for n in c.graph.leaves("sequence", "static", "noise", "clock"))


def _start(how: Any) -> str:
    if isinstance(how, tuple):
        return " ".join(map(str, how))
    return "at other values" if how is None else f"at {how:g}" if isinstance(how, int | float) else str(how)


def diff(
    a: Definition,
    b: Definition,
    *,
    input_size: int | None = None,
    hidden_size: int | None = None,
    sizes: Mapping[str, int] | None = None,
) -> Difference:
    """Lay two definitions side by side: equations, diagrams, parameters gained and lost.

    Compared is what the equations compute, not how they are written: commuted operands and the order of
    equations are no difference. Names stand for themselves: where only f is another, c = f c + i g is the
    same equation.

    Parameters
    ----------
    a, b : Cell
        The one to start from, and the one that is like it but for what is shown.
    input_size, hidden_size : int, optional
        D and H: numbers of parameters are then given as numbers too.
    sizes : mapping, optional
        Other sizes by name.

    Returns
    -------
    Difference
        Displays itself; its attributes say the same to a program.

    Raises
    ------
    TypeError
        One of them is no cell.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> lc.diff(lc.cells.lstm, lc.cells.coupled)
    lstm -> coupled: 1 equation changed
      f_t = sigmoid(h_{t-1} U_f + x_t W_f + b_f)
    - i_t = sigmoid(h_{t-1} U_i + x_t W_i + b_i)
    + i_t = 1 - f_t
      g_t = tanh(h_{t-1} U_g + x_t W_g + b_g)
      o_t = sigmoid(h_{t-1} U_o + x_t W_o + b_o)
      c_t = f_t * c_{t-1} + i_t * g_t
      h_t = o_t * tanh(c_t)
    lost: W_i (D, H), U_i (H, H), b_i (H)
    parameters: 4 H (D + H + 1) -> 3 H (D + H + 1)
    >>> found = lc.diff(lc.cells.lstm, lc.cells.peephole, input_size=3, hidden_size=5)
    >>> found.changed, found.gained, found.lost, found.numbers
    (('f', 'i', 'o'), ('p_f', 'p_i', 'p_o'), (), (180, 195))
    """
    for k, c in (("first", a), ("second", b)):
        if not isinstance(c, Definition):
            raise TypeError(f"diff: the {k} argument is {c!r}; it takes two cells, such as lc.cells.lstm")
    named = Meaning()
    named.read(a.graph)
    if b.graph is not a.graph:
        named.read(b.graph)
    called = _paired(a, b, named)
    meaning = Meaning()
    meaning.read(a.graph)
    if b.graph is not a.graph:
        meaning.read(b.graph, called)
    given = input_size is not None or hidden_size is not None or sizes is not None
    both = tuple(c.sizes(input_size, hidden_size, sizes) for c in (a, b)) if given else None
    rows, parameters = _rows(a, b, meaning, called), _parameters(a, b, meaning, both)
    starts = _starts(a, b, meaning)
    counts = tuple(formula(sum((_terms(p) for p in c.graph.params), Counter())) for c in (a, b))
    numbers = None
    if given:
        numbers = tuple(c.parameter_count(input_size, hidden_size, sizes) for c in (a, b))
    same = not (parameters or starts) and _whole(a, meaning) == _whole(b, meaning)
    return Difference(a, b, rows, parameters, starts, counts, numbers, same, meaning, called)


def _whole(c: Definition, meaning: Meaning) -> tuple:
    """All that a cell computes."""
    return meaning.states(c.graph), sorted((k, meaning.full[n]) for k, n in c.graph.outputs.items()), c.output


def _starts(a: Definition, b: Definition, meaning: Meaning) -> dict[str, tuple[Any, Any]]:
    """Parameters and states of both cells that start otherwise: name to how in a and in b."""
    ours, theirs = ({p.name: c.initial.get(p.name, p.attrs["init"]) for p in c.graph.params} for c in (a, b))
    ours, theirs = ({k: 0.0 if v == "zeros" else v for k, v in how.items()} for how in (ours, theirs))
    found = {k: (ours[k], theirs[k]) for k in ours if k in theirs and ours[k] != theirs[k]}
    nodes = {s.name: s.start for s in b.graph.states}
    for s in a.graph.states:
        if s.name in nodes and meaning.full[s.start] != meaning.full[nodes[s.name]]:
            found[s.name] = tuple(
                n.attrs.get("value", n.name or None) if n.op.kind == "leaf" else None
                for n in (s.start, nodes[s.name])
            )
    return found


_RULES = """
{ container-type: inline-size; color: var(--lcf-ink); background: var(--lcf-paper);
  padding: .5em .8em; border-radius: 6px }
p { margin: .4em 0 }
table { border-collapse: collapse; width: 100%; margin: .4em 0 .8em; table-layout: auto; font-size: 1em;
  border: 0; color: var(--lcf-ink) }
table.numbers { width: auto }
caption { text-align: left; color: var(--lcf-muted); padding: .2em 0 }
tr { background: none }
:is(td,th) { text-align: left; vertical-align: baseline; padding: .3em .9em .3em 0; border: 0;
  white-space: normal; max-width: none }
tbody tr { border-top: 1px solid var(--lcf-rule); background: none }
th[scope=row] { font-weight: normal; font-size: 85%; color: var(--lcf-muted); width: 5.5em }
tr:not(.same)>th[scope=row] { font-weight: bold; color: var(--lcf-ink) }
tbody td { font-family: SERIF; font-size: 110%; line-height: 1.5 }
tr.same td { color: var(--lcf-muted) }
i { font-style: italic }
:is(sub,sup) { font-size: 70%; line-height: 0 }
:is(del,ins) { color: var(--lcf-ink); padding: .1em .15em; border-radius: 3px; text-decoration: none }
del { background: color-mix(in srgb,var(--lcf-high) 45%,transparent); border-bottom: 2px dotted }
ins { background: color-mix(in srgb,var(--lcf-low) 45%,transparent); border-bottom: 2px solid }
.pictures { display: grid; gap: .8em; align-items: end;
  grid-template-columns: repeat(auto-fit,minmax(min(100%,30em),1fr)) }
.pictures.wide { grid-template-columns: 100% }
figure { margin: 0; text-align: center }
figcaption { color: var(--lcf-muted) }
"""
_NARROW = """
table:not(.numbers) :is(thead,tr.same th,td:empty,tr.same td:last-child) { display: none }
table:not(.numbers) :is(tr,td,th) { display: block; width: auto; padding-right: 0 }
table:not(.numbers) tr:not(.same) td::before { content: attr(data-of) ": "; font: 85% sans-serif;
  color: var(--lcf-muted) }
"""


def _css() -> str:
    """Colours by the page's theme; the two sides of a row stand under each other where there is no room."""
    from .plots import css

    def within(rules: str) -> str:
        text = rules.replace("SERIF", SERIF).replace("\n  ", " ").strip()
        return "".join(f".lc-diff.lc-diff {rule}" for rule in text.split("\n")).replace("diff {", "diff{")

    return (
        css(".lc-diff", prefix="--lcf-")
        + within(_RULES)
        + f"@container (max-width:44em){{{within(_NARROW)}}}"
    )
