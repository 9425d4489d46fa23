"""Compare the reader's cell with a reference on random numbers, and say where they part.

`check_cell` is the entry. It runs the reader's cell, the reference, and a table of known mistakes on the same
input, parameters and first states. Equal outputs name the mistake; where none is equal, the first step says
which equation departs. Mathematics is judged, not spelling: layers and states may have other names, which are
matched by trying (a reference has four layers at most, so there are 24 ways).
"""

from __future__ import annotations

import html
import inspect
import itertools
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..cell import Cell
from ..engine.expression import equations
from ..engine.graph import Node
from ..run.unroll import unroll

__all__ = ["Mistake", "Verdict", "check_cell"]

STEPS, BATCH, SIZES = 4, 2, {"D": 3, "H": 5}
SAME = 1e-8  # float64 rounding stays far below, and a mistake of a table far above (tests/test_exercises.py)

# What a name means where it is not the papers' own letter: the first of these that the reference has.
MEANT = {
    "forget": "f",
    "input": "i",
    "in": "i",
    "output": "oh",
    "out": "oh",
    "candidate": "g",
    "cand": "g",
    "cell": "cg",
    "C": "cg",
    "hidden": "h",
    "H": "h",
}


@dataclass(frozen=True)
class Mistake:
    """A known mistake: what it is called, a cell that makes it, and what to tell the reader.

    The cell has the reference's states, and of its layers those that it needs, under the same names.
    """

    name: str
    cell: Cell
    message: str


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found; true where the cell is right. Displays itself, alike on every machine.

    Attributes
    ----------
    right : bool
    message : str
        What is wrong and where to look, or what is right.
    mistake : str
        The name of the row of the table, where one was recognised; ``"names exchanged"`` where the equations
        would be right with the layers' or states' names in other places.
    equation : str
        The first equation that departs from the reference, where it was looked for.

    Examples
    --------
    >>> Verdict(False, "Look at the line for c.")
    Not yet: Look at the line for c.
    """

    right: bool
    message: str
    mistake: str = ""
    equation: str = ""

    @property
    def outcome(self) -> str:
        """The verdict in a word or two."""
        return "Right" if self.right else "Not yet"

    def __bool__(self) -> bool:
        return self.right

    def __str__(self) -> str:
        return f"{self.outcome}: {self.message}"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return (
            f'<div class="lc-verdict" style="border-left: 4px solid {"#009e73" if self.right else "#d55e00"};'
            f' padding: 0.3em 0.9em; margin: 0.4em 0">'
            f"<strong>{self.outcome}</strong> {html.escape(self.message)}</div>"
        )


def check_cell(
    cell: object,
    reference: Cell,
    mistakes: Iterable[Mistake] = (),
    rng: np.random.Generator | int = 0,
) -> Verdict:
    """Judge the mathematics of a cell against a reference, and name the mistake where it is wrong.

    Parameters
    ----------
    cell : Cell
        What the reader wrote. Anything else gets a verdict too, which says what is needed.
    reference : Cell
        One input (T, B, D), states (B, H), and up to four layers as `affine` makes them, each with at most
        one matrix (D, H), one (H, H) and one bias (H,).
    mistakes : iterable of Mistake
        The table of known mistakes; the first that fits is named.
    rng : numpy.random.Generator or int
        Source of the numbers that the cells are compared on, or a seed.

    Returns
    -------
    Verdict

    Raises
    ------
    ValueError, TypeError
        The reference or a row of the table is of another kind than this check can compare. The reader's
        cell never raises.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> @lc.cell
    ... def mine(x, h):
    ...     h = lc.sigmoid(lc.affine("h", h, x))
    ...     return h
    >>> check_cell(mine, lc.cells.rnn)
    Not yet: The equation for h is the first that departs from the course's rnn. Compare it with its \
formula, term by term.
    >>> check_cell(None, lc.cells.rnn)
    Not yet: There is no cell to check yet, None was given. Write the equations as a function under \
@lc.cell, and give the check its name.
    """
    course, numbers, table = _prepare(reference, mistakes, rng)
    mine = _read(cell, course)
    if isinstance(mine, str):
        return Verdict(False, mine)
    likely, others = _ways(mine, course)
    try:
        tried = [(way, _outputs(mine, numbers, way)) for way in likely]
    except (ValueError, TypeError) as error:  # sizes that do not fit, say
        return Verdict(False, f"{mine.cell.name} does not run: {error}")
    for way, outputs in tried:
        if _same(outputs, numbers.outputs):
            return Verdict(True, _praise(mine, course, way))
    if row := _recognise(tried, table):
        return Verdict(False, row.message, row.name)
    tried = [(way, _outputs(mine, numbers, way)) for way in others]
    for way, outputs in tried:
        if _same(outputs, numbers.outputs):
            return _exchanged(way, course)
    if row := _recognise(tried, table):
        return Verdict(False, row.message, row.name)
    return _first_departure(mine, course, numbers, likely)


# Reading a cell: its parameters as layers


@dataclass(frozen=True)
class _Part:
    """A parameter as it is filled: the layers that stand side by side in it, and the kinds of its rows, D, H,
    or the empty text for a bias.

    ``affine("f", W=concat(h, x))`` makes a W_f of rows H, D; one layer of width 4 H is 4 layers. Where
    several biases are added each has a share. A matrix that is used as its transpose is `swapped`.
    """

    slots: tuple[str, ...]
    rows: tuple[str, ...]
    shares: tuple[float, ...] = ()
    swapped: bool = False


@dataclass(frozen=True)
class _Read:
    """A cell that can be compared."""

    cell: Cell
    parts: dict[str, _Part]

    @property
    def layers(self) -> list[str]:
        return list(dict.fromkeys(s for part in self.parts.values() for s in part.slots))

    def pieces(self, layers: Mapping[str, str]) -> set[tuple[str, str]]:
        """Kind of rows and layer of every block of its parameters, in the reference's names."""
        return {(row, layers[s]) for p in self.parts.values() for row in p.rows for s in p.slots}


@dataclass(frozen=True)
class _Way:
    """One way to understand the reader's names: from each to the reference's."""

    layers: dict[str, str]
    states: dict[str, str]


def _read(cell: object, course: _Read) -> _Read | str:
    """The reader's cell, or what keeps it from being compared."""
    if not isinstance(cell, Cell):
        return _no_cell(cell)
    read = _Read(cell, {})
    problem = _signature_problem(cell, course.cell) or _fill(read.parts, cell)
    if not problem and len(read.layers) > len(course.layers):
        problem = f"it has {len(read.layers)} layers where {len(course.layers)} are needed"
    if problem and read.parts:
        problem = f"{_parameters(read, course)}: {problem}."
    return problem or read


def _no_cell(given: object) -> str:
    """What is to be said of something that is no cell."""
    if inspect.isfunction(given):
        empty = not (given.__code__.co_names or given.__code__.co_freevars)
        yet = "has no equations yet. Write them, and put" if empty else "is a function, not yet a cell. Put"
        return f"{given.__name__} {yet} @lc.cell in the line above its def."
    what = "None was given" if given is None else f"a value of type {type(given).__name__} was given"
    return (
        f"There is no cell to check yet, {what}. Write the equations as a function under @lc.cell, and give "
        "the check its name."
    )


def _signature_problem(cell: Cell, reference: Cell) -> str:
    """What the signature lacks or has too much of."""
    first, *rest = cell.inputs
    more = [i.name for i in rest if i.kind != "state"]
    if first.kind != "sequence" or len(first.shape) != 1:
        return f"The first argument of {cell.name} has to be its input, such as x: one vector a step."
    if any(i.reverse for i in cell.inputs):
        return f"{cell.name} reads the sequence in both directions; {reference.name} reads it forwards."
    if more:
        return (
            f"{cell.name} is given {_listed(more)} beside its input and its states; {reference.name} needs "
            "nothing more than those."
        )
    have, need = cell.states, reference.states
    if len(have) < len(need):
        return (
            f"{cell.name} carries {_listed(have) or 'nothing'} from step to step, and {reference.name} "
            f"carries {_listed(need)}. What the next step needs is an argument, and its next value is "
            "returned."
        )
    if len(have) > len(need):
        return (
            f"{cell.name} carries {_listed(have)} from step to step, and {reference.name} only "
            f"{_listed(need)}. What each step computes anew is no argument."
        )
    shapes = {i.shape for i in rest}
    if len(shapes) != 1 or any(len(s) != 1 or not isinstance(s[0], str) for s in shapes):
        return f"The states of {cell.name} have to be vectors of one size, H: arguments without a default."
    return ""


@dataclass(frozen=True)
class _Place:
    """What the shape of a parameter allows: kinds of rows, number of layers side by side."""

    rows: tuple[str, ...]
    width: int
    swapped: bool


Slot = tuple[str, int]  # a parameter, and which of the layers side by side in it


def _fill(parts: dict[str, _Part], cell: Cell) -> str:
    """Sort the parameters into layers; return what does not fit.

    Parameters are of one layer if the equations add up what they make. Names say it only where no sum does.
    """
    H = cell.inputs[1].shape[0] if cell.states else ""
    kinds = {cell.inputs[0].shape[0]: "D", H: "H"} if cell.states else {}
    order = sorted(cell.graph.params, key=lambda p: p.name.rpartition(".")[2][0] not in "WUb")
    places = {p.name: place for p in order if (place := _place(p, cell, kinds))}
    sums = _sums(cell, places, H)
    layers = _named(sums, places)
    strange, biases = [], {}
    for node in order:
        name, place = node.name, places.get(node.name)
        slots = tuple(layers[name, k] for k in range(place.width)) if place else ()
        taken = {(s, r): q for q, part in parts.items() for s in part.slots for r in part.rows}
        added = {q for k in range(len(slots)) for q, _ in sums[name, k]}
        clash = place and any(
            taken[s, r] not in (added if not r else ()) for s in slots for r in place.rows if (s, r) in taken
        )
        if not place or clash:
            strange.append(name)
            slots, place = (name,), _Place((), 1, False)
        for s in slots if place.rows == ("",) else ():
            biases.setdefault(s, []).append(name)
        parts[name] = _Part(slots, place.rows, swapped=place.swapped)
    for name, part in parts.items():
        if part.rows == ("",):
            shares = ((biases[s].index(name) + 1) / sum(range(len(biases[s]) + 1)) for s in part.slots)
            parts[name] = replace(part, shares=tuple(shares))
    if not strange:
        return ""
    has = "has" if len(strange) == 1 else "have"
    return f"{_listed(strange)} {has} no place in layers of one W, one U and one b each"


def _place(node: Node, cell: Cell, kinds: Mapping[Any, str]) -> _Place | None:
    """What a parameter's symbolic shape allows; None for a shape that no layer has."""
    if len(node.shape) not in (1, 2):
        return None
    readers = [n.op.name for n in cell.graph.nodes if any(a is node for a in n.args)]
    swapped = len(node.shape) == 2 and set(readers) == {"swap"}
    *above, columns = reversed(node.shape) if swapped else node.shape
    rows = above[0].terms if above else ()
    wide = columns.terms[0] if len(columns.terms) == 1 else ("", 0)
    if (
        kinds.get(wide[0]) != "H"
        or any(d.constant for d in node.shape)
        or any(kinds.get(n) is None or k != 1 for n, k in rows)
        or (above and not rows)
    ):
        return None
    return _Place(tuple(kinds[n] for n, _ in rows) or ("",), wide[1], swapped)


def _sums(cell: Cell, places: Mapping[str, _Place], H: str) -> dict[Slot, set[Slot]]:
    """For each layer in a parameter all that it is added to, by way of products, slices and concatenation."""
    sums: dict[Slot, set[Slot]] = {
        (name, k): {(name, k)} for name, p in places.items() for k in range(p.width)
    }
    found: dict[Node, list[Slot]] = {}  # of a value's layers side by side, one slot each that has part in it

    def unite(many: Iterable[list[Slot]]) -> list[Slot]:
        first, *others = [m for m in many if m] or [[]]
        for other in others:
            for a, b in zip(first, other, strict=False):
                one, two = sums[a], sums[b]
                rows = [r for q, _ in one | two for r in places[q].rows if r]
                if one is not two and len(rows) == len(set(rows)):  # two W of one kind are two layers
                    one |= two
                    sums.update(dict.fromkeys(two, one))
        return first

    for node in cell.graph.nodes:
        given = [found.get(a, []) for a in node.args]
        match node.op.name:
            case "param" if node.name in places:
                found[node] = [(node.name, k) for k in range(places[node.name].width)]
            case "dot":
                found[node] = given[1]
            case "affine":
                found[node] = unite(given)
            case "add" | "sub":
                found[node] = unite(given)
            case "swap" | "copy":
                found[node] = given[0]
            case "mul" if node.args[1].op.name == "table":  # param(..., free=table)
                found[node] = given[0]
            case "slice" if node.attrs["axis"] == -1 and not (node.attrs["start"].constant):
                start, stop = (dict(node.attrs[k].terms).get(H, 0) for k in ("start", "stop"))
                found[node] = given[0][start:stop]
            case "concat" if node.attrs["axis"] == -1 and all(given):
                found[node] = [slot for part in given for slot in part]
    return sums


def _named(sums: Mapping[Slot, set[Slot]], places: Mapping[str, _Place]) -> dict[Slot, str]:
    """A name for each layer: what the names of its parameters have in common."""
    named: dict[Slot, str] = {}
    for group in sorted({id(g): g for g in sums.values()}.values(), key=len, reverse=True):
        narrow = [q for q in sums if q in group and places[q[0]].width == 1]
        words = [
            _label(q) + (f"[{k}]" if not narrow else "") for q, k in narrow or [s for s in sums if s in group]
        ]
        name = _common(words)
        beside = {r for q, _ in named if named[q, _] == name for r in places[q].rows}
        if len(group) > 1 and any(r in beside for q, _ in group for r in places[q].rows):
            name = min(q for q, _ in group)  # another sum is called so
        named |= dict.fromkeys(group, name)
    return named


def _label(name: str) -> str:
    """The layer that a parameter's name speaks of: f for W_f."""
    scope, _, last = name.rpartition(".")
    label = last.partition("_")[2] or last[1:] or last
    return f"{scope}.{label}" if scope else label


def _common(words: Sequence[str]) -> str:
    """What the words have in common at their ends or beginnings, or the first.

    Examples
    --------
    >>> _common(["xf", "hf", "f"]), _common(["f_x", "f_h"]), _common(["f", "i"])
    ('f', 'f', 'f')
    """
    ends = os.path.commonprefix([w[::-1] for w in words])[::-1]
    return ends.lstrip("_.") or os.path.commonprefix(words).rstrip("_.") or words[0]


# Understanding names


def _ways(mine: _Read, course: _Read) -> tuple[list[_Way], list[_Way]]:
    """All ways to match the reader's layers and states with the reference's: those that the names suggest,
    and all others.
    """
    layers, loose_layers = _matchings(mine.layers, course.layers)
    states, loose_states = _matchings(mine.cell.states, course.cell.states)
    every = itertools.product(layers + loose_layers, states + loose_states)
    likely = [_Way(a, s) for a in layers for s in states]
    return likely, [w for w in (_Way(a, s) for a, s in every) if w not in likely]


def _matchings(given: Sequence[str], wanted: Sequence[str]) -> tuple[list[dict], list[dict]]:
    """Every way to give each name a wanted one of its own: those that agree with what the names mean, and
    the rest.

    Examples
    --------
    >>> _matchings(["forget", "z"], ["f", "i"])
    ([{'forget': 'f', 'z': 'i'}], [{'forget': 'i', 'z': 'f'}])
    """
    every = [dict(zip(given, p, strict=True)) for p in itertools.permutations(wanted, len(given))]
    meant = {name: m for name in given if (m := _meaning(name, wanted))}
    likely = [m for m in every if meant.items() <= m.items()]
    return (likely, [m for m in every if m not in likely]) if likely else (every, [])


def _meaning(name: str, wanted: Iterable[str]) -> str:
    """The wanted name that a name says it is, or the empty text.

    Examples
    --------
    >>> [_meaning(name, ["f", "i", "g", "o"]) for name in ("f", "i_t", "forget_gate", "C", "c")]
    ['f', 'i', 'f', 'g', '']
    """
    last = name.rpartition(".")[2]
    word = last.partition("_")[0]
    letters = [last, word, *(MEANT.get(word) or MEANT.get(word.lower()) or "")]
    return next((k for k in letters if k in wanted), "")


# Running


@dataclass(frozen=True)
class _Numbers:
    """What the cells are compared on, in the reference's names, and what the reference makes of it.

    Blocks of parameters are by kind of rows and layer; x is (T, B, D), states (B, H), outputs (T, B, H).
    """

    x: np.ndarray
    states: dict[str, np.ndarray]
    blocks: dict[tuple[str, str], np.ndarray]
    outputs: dict[str, np.ndarray]


def _prepare(
    reference: Cell, mistakes: Iterable[Mistake], rng: np.random.Generator | int
) -> tuple[_Read, _Numbers, list[tuple[Mistake, dict]]]:
    """The reference, the numbers, and what each row of the table makes of them."""
    rng = rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)
    course = _of_the_course(reference, "the reference")
    layers, D, H = course.layers, SIZES["D"], SIZES["H"]
    if len(layers) > 4:
        raise ValueError(f"the reference {reference.name} has {len(layers)} layers; four can be matched")
    numbers = _Numbers(
        rng.standard_normal((STEPS, BATCH, D)),
        {s: rng.standard_normal((BATCH, H)) for s in reference.states},
        {
            (row, k): 0.7 * rng.standard_normal((*rows, H))
            for row, rows in {"D": (D,), "H": (H,), "": ()}.items()
            for k in layers
        },
        {},
    )
    itself = _Way({k: k for k in layers}, {s: s for s in reference.states})
    numbers.outputs.update(_outputs(course, numbers, itself))
    table = []
    for row in mistakes:
        read = _of_the_course(row.cell, f"the mistake {row.name!r}")
        if set(read.cell.states) != set(reference.states) or not set(read.layers) <= set(layers):
            raise ValueError(
                f"the mistake {row.name!r} has states {_listed(read.cell.states)} and layers "
                f"{_listed(read.layers)}; give them the names that {reference.name} has: "
                f"{_listed(reference.states)}; {_listed(layers)}"
            )
        table.append((row, _outputs(read, numbers, itself)))
    return course, numbers, table


def _of_the_course(cell: Cell, what: str) -> _Read:
    """A cell that the check is given to compare with; ValueError or TypeError if it cannot be."""
    if not isinstance(cell, Cell):
        raise TypeError(f"{what} is of type {type(cell).__name__}; it is a Cell, such as lc.cells.lstm")
    read = _Read(cell, {})
    if problem := _signature_problem(cell, cell) or _fill(read.parts, cell):
        raise ValueError(f"{what}, {cell.name}, cannot be compared: {problem}")
    return read


def _outputs(read: _Read, numbers: _Numbers, way: _Way) -> dict[str, np.ndarray]:
    """Every state at every step, (T, B, H), by the reference's names."""
    with np.errstate(all="ignore"):
        run = unroll(
            read.cell, _filled(read, numbers, way), numbers.x, state=_first(numbers, way), grad=False
        )
        return {theirs: run[name] for name, theirs in way.states.items()}


def _filled(read: _Read, numbers: _Numbers, way: _Way) -> dict[str, np.ndarray]:
    """The parameters, put together from blocks."""

    def whole(part: _Part) -> np.ndarray:
        columns = [
            share * np.concatenate([numbers.blocks[row, way.layers[slot]] for row in part.rows])
            for slot, share in zip(part.slots, part.shares or [1.0] * len(part.slots), strict=True)
        ]
        array = np.concatenate(columns, axis=-1)
        return array.T if part.swapped else array

    return {name: whole(part) for name, part in read.parts.items()}


def _first(numbers: _Numbers, way: _Way) -> dict[str, np.ndarray]:
    return {name: numbers.states[theirs] for name, theirs in way.states.items()}


def _same(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> bool:
    return all(_close(a[k], b[k]) for k in b)


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    with np.errstate(all="ignore"):
        return bool(a.shape == b.shape and np.max(np.abs(a - b)) <= SAME)


# What is found


def _recognise(tried: list[tuple[_Way, dict]], table: list[tuple[Mistake, dict]]) -> Mistake | None:
    """The first row of the table that makes the same outputs."""
    return next((row for row, wrong in table if any(_same(outputs, wrong) for _, outputs in tried)), None)


def _exchanged(way: _Way, course: _Read) -> Verdict:
    """The equations are right under other names than those that were meant."""
    wrong = [
        f"{name} does the work of {theirs}"
        for names, wanted in ((way.layers, course.layers), (way.states, course.cell.states))
        for name, theirs in names.items()
        if _meaning(name, wanted) not in ("", theirs)
    ]
    message = f"The mathematics is that of the course's {course.cell.name}, but names have changed places: "
    return Verdict(False, f"{message}{_listed(wrong)}.", "names exchanged")


def _first_departure(mine: _Read, course: _Read, numbers: _Numbers, ways: list[_Way]) -> Verdict:
    """What differs first in step one, in the order of the reference's equations, and what agrees."""
    compared, way = max(
        ((_compare(mine, course, numbers, way), way) for way in ways), key=lambda pair: sum(pair[0].values())
    )
    agree = [k for k, same in compared.items() if same]
    # where all that an equation enters agrees, the reader only calls something else by that name
    faults = [
        k for k, uses in _uses(course.cell).items() if k in course.cell.states or not set(uses) <= set(agree)
    ]
    departs = next((k for k in faults if compared.get(k) is False), "")
    theirs = f"the course's {course.cell.name}"
    if not departs:
        return Verdict(False, f"The first step is that of {theirs}, a later one is not.")
    words = [f"The equation for {departs} is the first that departs from {theirs}"]
    if agree:
        words[0] += f"; {_listed(agree)} {'agrees' if len(agree) == 1 else 'agree'}"
    words.append("Compare it with its formula, term by term")
    if unnamed := [k for k in _uses(course.cell) if k not in compared]:
        words.append(f"Nothing is named {_listed(unnamed, 'or')}: give each equation a name to hear more")
    itself = {k: k for k in course.layers}
    if mine.pieces(way.layers) != course.pieces(itself):
        words.append(_parameters(mine, course))
    return Verdict(False, ". ".join(words) + ".", equation=departs)


def _compare(mine: _Read, course: _Read, numbers: _Numbers, way: _Way) -> dict[str, bool]:
    """Whether each equation of the reference agrees in the first step, for those that the reader named."""
    itself = _Way({k: k for k in course.layers}, {s: s for s in course.cell.states})
    with np.errstate(all="ignore"):
        given, right = (
            read.cell.step(_filled(read, numbers, w), numbers.x[0], _first(numbers, w))
            for read, w in ((mine, way), (course, itself))
        )
    names = {theirs: name for name, theirs in way.states.items()}
    states = {s.next for s in mine.cell.graph.states}
    for name, node in mine.cell.graph.names.items():
        if node not in states and (k := _meaning(name, course.layers)):
            names[k] = k if k in mine.cell.graph.names else name
    return {k: _close(given[names[k]], right[k]) for k in equations(course.cell.graph) if k in names}


def _uses(cell: Cell) -> dict[str, list[str]]:
    """Each equation, in order, and the equations that read it within the step.

    Examples
    --------
    >>> from lstmcourse import cells
    >>> _uses(cells.lstm)
    {'f': ['c'], 'i': ['c'], 'g': ['c'], 'o': ['h'], 'c': ['h'], 'h': []}
    """
    name_of = {node: k for k, node in equations(cell.graph).items()}
    uses: dict[str, list[str]] = {k: [] for k in name_of.values()}
    for node, k in name_of.items():
        within = list(node.args)
        for a in within:  # grows while it is read
            if a in name_of:
                uses[name_of[a]].append(k)
            else:
                within += a.args
    return uses


def _praise(mine: _Read, course: _Read, way: _Way) -> str:
    """That it is right, and what has another name than in the course."""
    cell, reference = mine.cell, course.cell
    same = _listed(reference.states)
    words = [f"{cell.name} computes the same {same} as the course's {reference.name}, step after step"]
    if other := [pair for pair in [*way.layers.items(), *way.states.items()] if pair[0] != pair[1]]:
        yours, ours = (_listed(names) for names in zip(*other, strict=True))
        words.append(f"Your {yours} {'is' if len(other) == 1 else 'are'} called {ours} in the course")
    letters = [
        name
        for name, part in mine.parts.items()
        if (name.rpartition(".")[2][:2], part.rows) in (("W_", ("H",)), ("U_", ("D",)))
        and name.rpartition(".")[2][2:] == part.slots[0].rpartition(".")[2]
    ]
    if letters:
        words.append(
            f"Look at {_listed(letters)}: in the course W acts on the input and U on the state before, "
            'affine("f", h, x)'
        )
    if way.states.get(cell.output) != reference.output:
        words.append(
            f"A run reads out the first state, here {cell.output}: put {reference.output} first to have it "
            "read out"
        )
    return ". ".join(words) + "."


def _parameters(mine: _Read, course: _Read) -> str:
    have = _listed(mine.parts) or "no parameters"
    return f"{mine.cell.name} has {have}, where {course.cell.name} has {_listed(course.parts)}"


def _listed(names: Iterable[str], word: str = "and") -> str:
    """Names in a sentence.

    Examples
    --------
    >>> _listed(["f", "i", "g"]), _listed(["h"]), _listed([])
    ('f, i and g', 'h', '')
    """
    *rest, last = list(names) or [""]
    return f"{', '.join(rest)} {word} {last}" if rest else last
