"""A lesson of the course, and what of a student's notebook answers it: `lessons`, `recognise`, `answer`.

The course's own cells are taken from the course, statement by statement, and the student's as they are. An
answer is given what it names, what that names in turn, and no more.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from ..checks import shown
from ..errors import FileError
from ..files.paths import expand
from .handed_in import Cell, Notebook, read
from .names import Names
from .texts import statements, text

__all__ = ["COURSE", "Answer", "Asked", "Lesson", "answer", "lessons", "recognise"]

COURSE = Path(__file__).resolve().parents[2] / "notebooks"
"""Where the lessons are, in a checkout of the course."""
SAME = 5  # cells of one text, in a lesson
_BUILTIN = frozenset(vars(builtins))


@dataclass(frozen=True)
class Asked:
    """Where an exercise is asked.

    Attributes
    ----------
    id : str
    place : int
        Of its code cell in the lesson.
    cell : Cell
        As it is handed out, open.
    name : str
        That the answer has there.
    """

    id: str
    place: int
    cell: Cell
    name: str


@dataclass(frozen=True)
class Piece:
    """A statement of the lesson, or a cell of the student's, at a place of the lesson."""

    place: int
    source: str
    names: Names
    own: bool = False

    @cached_property
    def changes(self) -> Set[str]:
        """What is another afterwards; a student's own call may change all that it is given."""
        return self.names.changes | self.names.handed if self.own else self.names.changes


@dataclass(frozen=True)
class Lesson:
    """A lesson of the course.

    Attributes
    ----------
    name : str
        Of its notebook, such as ``"05_forget_gate"``.
    cells : tuple of Cell
    asked : dict of str to Asked
        The exercises that have a check.
    """

    name: str
    cells: tuple[Cell, ...] = field(repr=False)
    asked: Mapping[str, Asked] = field(repr=False)

    @property
    def number(self) -> str:
        """What its name begins with, such as ``"05"``."""
        return self.name.partition("_")[0]

    @cached_property
    def pieces(self) -> tuple[Piece, ...]:
        """The statements of its own cells."""
        exercises = {asked.place for asked in self.asked.values()}
        own = [(k, c.source) for k, c in enumerate(self.cells) if c.code and k not in exercises]
        return tuple(Piece(k, s, text(s).names) for k, source in own for s in statements(source))


@dataclass(frozen=True)
class Answer:
    """What a student has written to an exercise, with what has to run for it.

    Attributes
    ----------
    before : tuple of str
        What it rests on, in order.
    source : str
        The cell itself.
    given : str
        The expression that the check is given.
    """

    before: tuple[str, ...]
    source: str
    given: str


# The course's


def lessons(course: str | os.PathLike = COURSE) -> dict[str, Lesson]:
    """Read the lessons that have exercises, by number.

    Parameters
    ----------
    course : path
        The folder of the course's notebooks.

    Raises
    ------
    FileError
        They are not there.

    Examples
    --------
    >>> list(lessons()["05"].asked)
    ['05.1', '05.2', '05.3', '05.4', '05.5', '05.6']
    """
    place = expand(course, "course")
    found = {}
    for path in sorted(place.glob("[0-9]*.ipynb")):
        lesson = _lesson(path)
        if not lesson.asked:
            continue
        if lesson.number in found:
            raise FileError(
                f"course={shown(str(place))}: {found[lesson.number].name} and {lesson.name} both ask the "
                f"exercises of lesson {lesson.number}; keep one of them there"
            )
        found[lesson.number] = lesson
    if not found:
        raise FileError(
            f"course={shown(str(place))}: the course's lessons are not there; give the folder `notebooks` of "
            "a checkout of the course"
        )
    return found


def _lesson(path: Path) -> Lesson:
    try:
        cells = read(path.read_bytes(), path.name).cells
    except (FileError, OSError) as error:
        raise FileError(f"the course's own {shown(str(path))}: {error}; take it anew") from error
    asked, id = {}, ""
    for place, cell in enumerate(cells):
        id = cell.exercise or id
        if not cell.code:
            continue
        called = text(cell.source).checks.get(id) if "exercise" in cell.tags else None
        if called is not None and id not in asked:
            asked[id] = Asked(id, place, cell, called)
    return Lesson(path.stem, cells, asked)


# The student's


def recognise(notebook: Notebook, course: Mapping[str, Lesson]) -> list[Lesson]:
    """Return the lessons that a notebook is a copy of, by the exercises it asks, whatever its name.

    Examples
    --------
    >>> course = lessons()
    >>> recognise(Notebook("renamed.ipynb", course["05"].cells), course)
    [Lesson(name='05_forget_gate')]
    """
    asked = {cell.exercise for cell in notebook.cells}
    if not asked & {id for lesson in course.values() for id in lesson.asked}:  # saved without metadata
        asked = {id for cell in notebook.cells if cell.code for id in text(cell.source).checks}
    return [lesson for lesson in course.values() if asked & lesson.asked.keys()]


def answer(notebook: Notebook, lesson: Lesson, id: str) -> Answer | str | None:
    """Return what answers an exercise in a student's notebook.

    Parameters
    ----------
    notebook : Notebook
        The student's.
    lesson : Lesson
        That it is a copy of.
    id : str
        Of the exercise.

    Returns
    -------
    Answer, str or None
        A text says why it cannot be run. None: the exercise is as it was handed out.

    Examples
    --------
    >>> lesson = lessons()["05"]
    >>> cells = list(lesson.cells)
    >>> answer(Notebook("05.ipynb", tuple(cells)), lesson, "05.2") is None
    True
    >>> cells[lesson.asked["05.2"].place] = Cell(True, "prediction = 'nothing changes'")
    >>> answer(Notebook("05.ipynb", tuple(cells)), lesson, "05.2")
    Answer(before=(), source="prediction = 'nothing changes'", given='prediction')
    """
    return _Worked(notebook, lesson).answer(id)


def as_handed_out(cell: Cell, lesson: str) -> bool:
    """Whether a cell is as this version of the course, or another, hands it out: its id is made of its text.

    Examples
    --------
    >>> all(as_handed_out(cell, "05_forget_gate") for cell in lessons()["05"].cells)
    True
    >>> as_handed_out(Cell(True, "x = 1", id="0123456789ab"), "05_forget_gate")
    False
    """
    kind = "code" if cell.code else "markdown"
    made = (json.dumps([lesson, kind, cell.source, nth]) for nth in range(SAME))  # as tools/notebooks.py does
    return cell.id in {hashlib.sha256(parts.encode()).hexdigest()[:12] for parts in made}


class _Worked:
    """A student's copy of a lesson: whose each cell is, and where it stands in the lesson."""

    def __init__(self, notebook: Notebook, lesson: Lesson):
        self.lesson = lesson
        by_id = {cell.id: k for k, cell in enumerate(lesson.cells) if cell.id}
        by_text = {cell.source.strip(): k for k, cell in enumerate(lesson.cells)}
        place, section = 0, ""
        self.cells: list[tuple[int, bool, Cell, str]] = []  # place, is it the lesson's, cell, asked above it
        for cell in notebook.cells:
            at = by_id.get(cell.id)
            if at is None or lesson.cells[at].code != cell.code:
                at = by_text.get(cell.source.strip())
            if cell.exercise:
                section = cell.exercise
            elif at is not None and "exercise" not in lesson.cells[at].tags:
                section = ""
            if at is not None:
                place = at
            if cell.code and (at is not None or not as_handed_out(cell, lesson.name)):
                self.cells.append((place, at is not None, cell, section))

    def answer(self, id: str) -> Answer | str | None:
        """As `answer` says."""
        asked = self.lesson.asked[id]
        found = self._answers(asked)
        if not found:
            return None
        place, _, cell, _ = self.cells[found[-1]]
        said = text(cell.source)
        if said.error:
            return said.error
        given = said.checks.get(id, asked.name)
        wanted = {n.id for n in ast.walk(ast.parse(given)) if isinstance(n, ast.Name)} - said.names.gives
        return Answer(self._before(found[-1], place, said.names.needs | wanted), said.code, given)

    def _answers(self, asked: Asked) -> list[int]:
        """The exercise's cells that say something other than what was handed out.

        Those that ask the check, and the exercise's own; where there is none, cells below the question that
        give the answer its name.
        """
        asking, below = [], []
        for index, (place, known, cell, section) in enumerate(self.cells):
            said = text(cell.source)
            if (known and place == asked.place) or asked.id in said.checks:
                asking.append(index)
            elif section == asked.id and (
                asked.name in said.names.gives or (said.error and "exercise" in cell.tags)
            ):
                below.append(index)
        changed = [[k for k in group if self._changed(self.cells[k][2], asked)] for group in (asking, below)]
        return changed[0] or changed[1]

    def _changed(self, cell: Cell, asked: Asked) -> bool:
        if as_handed_out(cell, self.lesson.name):
            return False
        said = text(cell.source)
        given = said.checks.get(asked.id, asked.name)
        if not said.body and given == asked.name:  # the check, without what it is given
            return any(
                not known and asked.name in text(c.source).names.gives for _, known, c, _ in self.cells
            )
        return (said.body, given) != (text(asked.cell.source).body, asked.name)

    def _before(self, own: int, place: int, wanted: Set[str]) -> tuple[str, ...]:
        """What has to run before a cell: the nearest above it that gives a name, or else the first below."""
        order = self._pieces(own)
        above = sum(at < (place, own) for at, _ in order)
        lasting = {name for _, piece in order for name in piece.names.imports}
        chosen, maybe = set[int](), set[str]()

        def resolve(end: int, wanted: Set[str]) -> Set[str]:
            """Choose pieces, from the last to the first; return the names that none of them gives."""
            for k in reversed(range(end)):
                found = order[k][1].names
                star = "*" in found.gives and wanted - _BUILTIN
                if star or found.gives & wanted or (order[k][1].changes - lasting) & wanted:
                    chosen.add(k)
                    maybe.update(found.maybe)
                    wanted = wanted - (found.gives - found.changes - found.maybe) | found.needs
            return wanted - _BUILTIN - maybe

        missing = resolve(above, wanted)
        for k in range(above, len(order)):
            if missing & order[k][1].names.gives:
                missing = resolve(k + 1, missing)
        return tuple(order[k][1].source for k in sorted(chosen))

    def _pieces(self, own: int) -> list[tuple[tuple[int, int], Piece]]:
        """The lesson's statements and the student's cells, in the notebook's order; not the cell itself."""
        order = [((piece.place, -1), piece) for piece in self.lesson.pieces]
        for index, (place, known, cell, _) in enumerate(self.cells):
            said = text(cell.source)
            if index == own or said.error:
                continue
            if not known or "exercise" in self.lesson.cells[place].tags:
                order.append(((place, index), Piece(place, said.code, said.names, own=True)))
            elif said.body != text(self.lesson.cells[place].source).body:  # a cell of the lesson's, changed
                order += [((place, index), piece) for piece in self._added(place, cell.source)]
        return sorted(order, key=lambda pair: pair[0])

    def _added(self, place: int, source: str) -> Iterator[Piece]:
        """The statements that give names which the lesson's own cell does not give."""
        given = text(self.lesson.cells[place].source).names.gives
        for statement in statements(source):
            piece = Piece(place, statement, text(statement).names)
            if piece.names.gives - given:
                yield piece
