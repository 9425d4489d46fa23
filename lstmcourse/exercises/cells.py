"""Compare the reader's cell with a reference on random numbers, and say where they part.

`check_cell` is the entry. It runs the reader's cell, the reference, and a table of known mistakes on the same
input, parameters and first states. Equal outputs name the mistake; where none is equal, the first step says
which equation departs. Mathematics is judged, not spelling: layers and states may have other names, which are
matched by trying (a reference has four layers at most, so there are 24 ways).
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..cell import Cell
from ..checks import generator, given, instance
from ..checks import listed as a_list
from ..engine.expression import equations
from ..run.unroll import unroll
from .layers import Part, fill, listed
from .verdict import Verdict

__all__ = ["Mistake", "check_cell"]

STEPS, BATCH, SIZES = 4, 2, {"D": 3, "H": 5}
SAME = 1e-8  # float64 rounding stays far below, a mistake of a table far above (tests/exercises)

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
    "update": "z",
    "u": "z",
    "reset": "r",
    "new": "g",
    "n": "g",
}


@dataclass(frozen=True)
class Mistake:
    """A known mistake: what it is called, a cell that makes it, and what to tell the reader.

    The cell has the reference's states, and of its layers those that it needs, under the same names.
    """

    name: str
    cell: Cell
    message: str


def a_cell(name: str, value: Any) -> Cell:
    """A cell."""
    return instance(name, value, Cell, "lstmcourse.cells.lstm")


def a_mistake(name: str, value: Any) -> Mistake:
    """A row of a table of mistakes."""
    return instance(name, value, Mistake, "lstmcourse.exercises.LSTM_MISTAKES[0]")


@given(reference=a_cell, mistakes=a_list(a_mistake, "of Mistakes"), rng=generator)
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


# Reading a cell


@dataclass(frozen=True)
class _Read:
    """A cell that can be compared."""

    cell: Cell
    parts: dict[str, Part]

    @property
    def layers(self) -> list[str]:
        return list(dict.fromkeys(s for part in self.parts.values() for s in part.slots))

    @property
    def subtracted(self) -> list[str]:
        """Layers whose sum has more terms that are subtracted than added."""
        excess = dict.fromkeys(self.layers, 0.0)
        for part in self.parts.values():
            for slot, share in zip(part.slots, part.shares, strict=True):
                excess[slot] += math.copysign(len(part.rows), share)
        return [slot for slot in excess if excess[slot] < 0]

    def pieces(self, layers: Mapping[str, str]) -> set[tuple[str, str]]:
        """Kind of rows and layer of every block of its parameters, in the reference's names."""
        return {(row, layers[s]) for p in self.parts.values() for row in p.rows for s in p.slots}


@dataclass(frozen=True)
class _Way:
    """One way to understand the reader's names: from each to the reference's.

    A sign inside a layer's sum belongs to the parameter, and is as free as its name. But ``b - x W - h U``
    may also be the -z of a sigmoid, 1 / (1 + exp(-z)): `negative` are the layers that are read so.
    """

    layers: dict[str, str]
    states: dict[str, str]
    negative: tuple[str, ...] = ()


def _read(cell: object, course: _Read) -> _Read | str:
    """The reader's cell, or what keeps it from being compared."""
    if not isinstance(cell, Cell):
        return _no_cell(cell)
    read = _Read(cell, {})
    vectors = any(part.rows == ("p",) for part in course.parts.values())
    problem = _signature_problem(cell, course.cell) or fill(read.parts, cell, peepholes=vectors)
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
            f"{cell.name} is given {listed(more)} beside its input and its states; {reference.name} needs "
            "nothing more than those."
        )
    have, need = cell.states, reference.states
    if len(have) < len(need):
        return (
            f"{cell.name} carries {listed(have) or 'nothing'} from step to step, and {reference.name} "
            f"carries {listed(need)}. What the next step needs is an argument, and its next value is "
            "returned."
        )
    if len(have) > len(need):
        return (
            f"{cell.name} carries {listed(have)} from step to step, and {reference.name} only "
            f"{listed(need)}. What each step computes anew is no argument."
        )
    shapes = {i.shape for i in rest}
    if len(shapes) != 1 or any(len(s) != 1 or not isinstance(s[0], str) for s in shapes):
        return f"The states of {cell.name} have to be vectors of one size, H: arguments without a default."
    return ""


# Understanding names


def _ways(mine: _Read, course: _Read) -> tuple[list[_Way], list[_Way]]:
    """All ways to match the reader's layers and states with the reference's: those that the names suggest,
    and all others.
    """
    layers, loose_layers = _matchings(mine.layers, course.layers)
    states, loose_states = _matchings(mine.cell.states, course.cell.states)
    doubtful = mine.subtracted
    signs = [n for k in range(len(doubtful) + 1) for n in itertools.combinations(doubtful, k)]
    likely = [_Way(*way) for way in itertools.product(layers, states, signs)]
    every = [_Way(*way) for way in itertools.product(layers + loose_layers, states + loose_states, signs)]
    return likely, [way for way in every if way not in likely]


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
) -> tuple[_Read, _Numbers, list[tuple[Mistake, Callable[[], dict]]]]:
    """The reference, the numbers, and what each row of the table makes of them when it is called."""
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
            for row, rows in {"D": (D,), "H": (H,), "": (), "p": ()}.items()
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
                f"the mistake {row.name!r} has states {listed(read.cell.states)} and layers "
                f"{listed(read.layers)}; give them the names that {reference.name} has: "
                f"{listed(reference.states)}; {listed(layers)}"
            )
        table.append((row, functools.cache(functools.partial(_outputs, read, numbers, itself))))
    return course, numbers, table


def _of_the_course(cell: Cell, what: str) -> _Read:
    """A cell that the check is given to compare with; ValueError or TypeError if it cannot be."""
    if not isinstance(cell, Cell):
        raise TypeError(f"{what} is of type {type(cell).__name__}; it is a Cell, such as lc.cells.lstm")
    read = _Read(cell, {})
    if problem := _signature_problem(cell, cell) or fill(read.parts, cell):
        raise ValueError(f"{what}, {cell.name}, cannot be compared: {problem}")
    return read


def _outputs(read: _Read, numbers: _Numbers, way: _Way) -> dict[str, np.ndarray]:
    """Every state at every step, (T, B, H), by the reference's names."""
    with np.errstate(all="ignore"):
        params, state = _filled(read, numbers, way), _first(numbers, way)
        run = unroll(read.cell, params, numbers.x, state=state, grad=False, backend="reference")
        return {theirs: run[name] for name, theirs in way.states.items()}


def _filled(read: _Read, numbers: _Numbers, way: _Way) -> dict[str, np.ndarray]:
    """The parameters, put together from blocks."""

    def whole(part: Part) -> np.ndarray:
        columns = [
            (-share if slot in way.negative else share)
            * np.concatenate([numbers.blocks[row, way.layers[slot]] for row in part.rows])
            for slot, share in zip(part.slots, part.shares, strict=True)
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


def _recognise(
    tried: list[tuple[_Way, dict]], table: list[tuple[Mistake, Callable[[], dict]]]
) -> Mistake | None:
    """The first row of the table that makes the same outputs."""
    return next((row for row, wrong in table if any(_same(outputs, wrong()) for _, outputs in tried)), None)


def _exchanged(way: _Way, course: _Read) -> Verdict:
    """The equations are right under other names than those that were meant."""
    wrong = [
        f"{name} does the work of {theirs}"
        for names, wanted in ((way.layers, course.layers), (way.states, course.cell.states))
        for name, theirs in names.items()
        if _meaning(name, wanted) not in ("", theirs)
    ]
    message = f"The mathematics is that of the course's {course.cell.name}, but names have changed places: "
    return Verdict(False, f"{message}{listed(wrong)}.", "names exchanged")


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
        words[0] += f"; {listed(agree)} {'agrees' if len(agree) == 1 else 'agree'}"
    words.append("Compare it with its formula, term by term")
    if unnamed := [k for k in _uses(course.cell) if k not in compared]:
        words.append(f"Nothing is named {listed(unnamed, 'or')}: give each equation a name to hear more")
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


def starts(cell: Cell, reference: Cell, rng: np.random.Generator | int = 0) -> dict[str, np.ndarray]:
    """The biases that a right cell is trained from, by the reference's layers: vectors (H,).

    Examples
    --------
    >>> from lstmcourse import cells
    >>> {layer: float(bias.mean()) for layer, bias in starts(cells.lstm, cells.lstm).items()}
    {'f': 1.0, 'i': 0.0, 'g': 0.0, 'o': 0.0}
    """
    course, numbers, _ = _prepare(reference, (), rng)
    mine = _read(cell, course)
    if isinstance(mine, str):
        raise ValueError(mine)
    ways = itertools.chain(*_ways(mine, course))
    way = next(way for way in ways if _same(_outputs(mine, numbers, way), numbers.outputs))
    params = cell.init(input_size=SIZES["D"], hidden_size=SIZES["H"], rng=0, dtype=np.float64)
    found = {layer: np.zeros(SIZES["H"]) for layer in course.layers}
    for name, part in mine.parts.items():
        if part.rows == ("",):
            columns = np.split(params[name], len(part.slots))
            for slot, share, column in zip(part.slots, part.shares, columns, strict=True):
                turned = slot in way.negative
                found[way.layers[slot]] += math.copysign(1.0, -share if turned else share) * column
    return found


def _praise(mine: _Read, course: _Read, way: _Way) -> str:
    """That it is right, and what has another name than in the course."""
    cell, reference = mine.cell, course.cell
    same = listed(reference.states)
    words = [f"{cell.name} computes the same {same} as the course's {reference.name}, step after step"]
    if other := [pair for pair in [*way.layers.items(), *way.states.items()] if pair[0] != pair[1]]:
        yours, ours = (listed(names) for names in zip(*other, strict=True))
        words.append(f"Your {yours} {'is' if len(other) == 1 else 'are'} called {ours} in the course")
    letters = [
        name
        for name, part in mine.parts.items()
        if (name.rpartition(".")[2][:2], part.rows) in (("W_", ("H",)), ("U_", ("D",)))
        and name.rpartition(".")[2][2:] == part.slots[0].rpartition(".")[2]
    ]
    if letters:
        words.append(
            f"Look at {listed(letters)}: in the course W acts on the input and U on the state before, "
            'affine("f", h, x)'
        )
    if way.states.get(cell.output) != reference.output:
        words.append(
            f"A run reads out the first state, here {cell.output}: put {reference.output} first to have it "
            "read out"
        )
    return ". ".join(words) + "."


def _parameters(mine: _Read, course: _Read) -> str:
    have = listed(mine.parts) or "no parameters"
    return f"{mine.cell.name} has {have}, where {course.cell.name} has {listed(course.parts)}"
