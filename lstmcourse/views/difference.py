"""Two definitions side by side: which equations differ, in what, and which parameters that gains and loses.

    lc.diff(lc.cells.lstm, lc.cells.peephole)

`diff` compares by meaning: `Meaning` numbers what each equation computes, so that the order of operands, of
factors and of equations is no difference. Rows of equations are laid side by side by name; in a changed row
the terms without a counterpart are marked. In the pictures, what both cells have is faded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from html import escape
from typing import TYPE_CHECKING, Any

from .. import checks
from ..engine.definition import Definition
from ..engine.expression import PLAIN, equation_of, equations, operations, written_size
from ..engine.meaning import Meaning
from .compare import WHOLE, Marks, lit_parts
from .diagram import lit
from .diagram.plan import MOST, UNIT
from .diagram.sheet import SERIF
from .html import html
from .latex import LATEX
from .sizes import count_of, formula, free_terms, shape_of

if TYPE_CHECKING:
    from ..engine.graph import Node
    from .compare import Spot
    from .diagram import Diagram
    from .sizes import Terms

__all__ = ["Difference", "Equation", "Parameter", "diff"]


WIDE = 900  # pixels: two pictures, one of them wider, stand under each other


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


def merged(ours: Iterable[str], theirs: Iterable[str]) -> list[str]:
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
    for name in merged(ours, theirs):
        p, q, marks = ours.get(name), theirs.get(name), Marks(meaning)
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


ASCII = str.maketrans({"→": "->", "²": "^2", "³": "^3"})  # for consoles; pages have the signs


def _parameters(
    a: Definition, b: Definition, meaning: Meaning, sizes: tuple[dict, dict] | None
) -> list[Parameter]:
    ours, theirs = ({p.name: p for p in c.graph.params} for c in (a, b))
    rows = []
    for name in merged(ours, theirs):
        p, q = ours.get(name), theirs.get(name)
        if p is not None and q is not None and meaning.ref[p] == meaning.ref[q]:
            continue
        status = "gained" if p is None else "lost" if q is None else "changed"
        nodes = [n for n in (p, q) if n is not None]
        terms = Counter(free_terms(nodes[-1]))
        count = formula(terms) if len(nodes) == 1 else f"{formula(free_terms(p))} → {formula(terms)}"
        number = None
        if sizes is not None:
            number = count_of(q, sizes[1]) if q is not None else count_of(p, sizes[0])
        letters = (b if q is not None else a).letters
        written = html(LATEX.name(nodes[-1], "", letters))
        shape = " → ".join(dict.fromkeys(map(shape_of, nodes)))
        rows.append(Parameter(name, status, shape, count, number, written))
    return rows


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
    _asked: Mapping[str, Any] = field(repr=False, compare=False)

    def __reduce__(self) -> tuple:
        return partial(diff, **self._asked), (self.left, self.right)  # cells are pickled by their names

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
    def names(self) -> tuple[str, str]:
        """What the two are called; cells of one name by what tells them apart."""
        a, b = self.left, self.right
        if a.name != b.name:
            return a.name, b.name
        told = [
            {k: repr(v) for k, v in c.options.items()} | {k: f"{v:g}" for k, v in c.held.items()}
            for c in (a, b)
        ]
        apart = [{k: v for k, v in mine.items() if other.get(k) != v} for mine, other in (told, told[::-1])]
        words = (", ".join(f"{k} = {v}" for k, v in own.items()) for own in apart)
        return tuple(f"{a.name} ({own})" if own else a.name for own in words)

    @property
    def pictures(self) -> tuple[Diagram | None, Diagram | None]:
        """Both diagrams, what they share faded; None for a cell that does not fit on a picture."""
        back = {v: k for k, v in self._called.items()}
        scopes = {
            r.name.rpartition(".")[0] for r in [*self.equations, *self.parameters] if r.status != "same"
        }
        found = []
        left, right = ((c, name) for c, name in zip((self.left, self.right), self.names, strict=True))
        for (mine, name), (other, its), called in ((left, right, self._called), (right, left, back)):
            title = f"One step of the cell {name}; in full ink what {its} does not have"
            light = lambda plan, mine=mine, other=other, called=called: lit_parts(
                mine, other, self._meaning, called, plan
            )
            found.append(lit(mine, light, scopes, title))
        return found[0], found[1]

    # as text

    def _title(self) -> str:
        return " → ".join(self.names)

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
        return checks.encodable(self._text().translate(ASCII))

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
        left, right = map(escape, self.names)
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
        return f"{group}<style>{page_css()}</style>{''.join(body)}</div>"

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
        return [Counter(free_terms(next(p for p in c.graph.params if p.name == name))) for c in cells]


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
    for k, c in (("first argument a", a), ("second argument b", b)):
        if not isinstance(c, Definition):
            raise TypeError(f"diff: the {k} is {c!r}; it takes two cells, such as lc.cells.lstm")
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
    both = _sizes(a, b, input_size, hidden_size, sizes) if given else None
    rows, parameters = _rows(a, b, meaning, called), _parameters(a, b, meaning, both)
    starts = _starts(a, b, meaning)
    counts = tuple(formula(sum((free_terms(p) for p in c.graph.params), Counter())) for c in (a, b))
    numbers = None
    if given:
        numbers = tuple(c.parameter_count(sizes=known) for c, known in zip((a, b), both or (), strict=True))
    same = not (parameters or starts) and _whole(a, meaning) == _whole(b, meaning)
    asked = {"input_size": input_size, "hidden_size": hidden_size, "sizes": sizes}
    return Difference(a, b, rows, parameters, starts, counts, numbers, same, meaning, called, asked)


def _sizes(a: Definition, b: Definition, input_size, hidden_size, sizes) -> tuple[dict[str, int], ...]:
    """The sizes of each cell; one that only the other has is not its own."""
    known = checks.mapping("sizes", sizes, "of whole numbers by name", optional=True)
    every = {*a.size_names(), *b.size_names()}
    return tuple(
        c.sizes(input_size, hidden_size, {k: v for k, v in known.items() if k in own or k not in every})
        for c in (a, b)
        for own in [c.size_names()]
    )


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


def page_css() -> str:
    """Colours by the page's theme; the two sides of a row stand under each other where there is no room."""
    from .style import css

    def within(rules: str) -> str:
        text = rules.replace("SERIF", SERIF).replace("\n  ", " ").strip()
        return "".join(f".lc-diff.lc-diff {rule}" for rule in text.split("\n")).replace("diff {", "diff{")

    return (
        css(".lc-diff", prefix="--lcf-")
        + within(_RULES)
        + f"@container (max-width:44em){{{within(_NARROW)}}}"
    )
