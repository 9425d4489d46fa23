"""A lesson of the course, and what of a student's notebook answers it: `lessons`, `recognise`, `answer`.

The course's own cells are taken from the course, statement by statement, and the student's as they are. An
answer is given what it names, what that names in turn, and no more.
"""

from __future__ import annotations

import ast
import builtins
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from ..checks import shown
from ..errors import FileError
from ..files.paths import expand
from .handed_in import Cell, Notebook, read
from .names import Names, names

__all__ = ["COURSE", "Answer", "Asked", "Lesson", "answer", "lessons", "recognise"]

COURSE = Path(__file__).resolve().parents[2] / "notebooks"
"""Where the lessons are, in a checkout of the course."""
_BUILTIN = frozenset(vars(builtins))
_WITH_NOTHING = re.compile(r"\s*%%(time|timeit|capture|prun)\b[^\n]*\n")  # the cell is what is below it


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
    theirs: bool = False

    @cached_property
    def lasting(self) -> bool:
        """Whether it imports: what is called of a module does not change it."""
        return self.source.startswith(("import ", "from "))


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
        return tuple(piece for place, source in own for piece in _pieces(place, source))


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
        if lesson.asked:
            found[lesson.number] = lesson
    if not found:
        raise FileError(
            f"course={shown(str(place))}: the course's lessons are not there; give the folder `notebooks` of "
            "a checkout of the course"
        )
    return found


def _lesson(path: Path) -> Lesson:
    cells = read(path.read_bytes(), path.name).cells
    asked, id = {}, ""
    for place, cell in enumerate(cells):
        id = cell.exercise or id
        if not cell.code:
            continue
        called = _checks(cell.source).get(id) if "exercise" in cell.tags else None
        if called is not None and id not in asked:
            asked[id] = Asked(id, place, cell, called)
    return Lesson(path.stem, cells, asked)


def _pieces(place: int, source: str, *, theirs: bool = False) -> list[Piece]:
    text = _python(source)
    return [Piece(place, s, names(s), theirs) for s in map(ast.unparse, ast.parse(text).body)]


def _python(source: str) -> str:
    """The cell without magics: IPython's calls in their place."""
    return TransformerManager().transform_cell(_WITH_NOTHING.sub("", source, count=1))


def _parsed(source: str) -> ast.Module | None:
    try:
        return ast.parse(_python(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _checks(source: str) -> dict[str, str]:
    """The calls of `check` in a cell: the expression that each id is given, the last one of several."""
    found = {}
    for node in ast.walk(_parsed(source) or ast.Module([], [])):
        if isinstance(node, ast.Call) and len(node.args) == 2 and _id(node):
            found[_id(node)] = ast.unparse(node.args[1])
    return found


def _id(call: ast.Call) -> str:
    """The exercise that a call of `check` is for, or nothing."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    first = call.args[0] if call.args else None
    if called != "check" or not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return ""
    id = first.value.strip()
    return f"0{id}" if re.fullmatch(r"\d[a-z]?\.\d+", id) else id


# The student's


def recognise(notebook: Notebook, course: Mapping[str, Lesson]) -> Lesson | None:
    """Return the lesson that a notebook is a copy of, by the exercises it asks, whatever its name.

    Examples
    --------
    >>> course = lessons()
    >>> recognise(Notebook("renamed.ipynb", course["05"].cells), course).name
    '05_forget_gate'
    """
    where = {id: number for number, lesson in course.items() for id in lesson.asked}
    found = [cell.exercise for cell in notebook.cells]
    if not any(id in where for id in found):  # saved by a program that drops metadata
        found = [id for cell in notebook.cells if cell.code for id in _checks(cell.source)]
    numbers = [where[id] for id in found if id in where]
    return course[max(set(numbers), key=lambda n: (numbers.count(n), n))] if numbers else None


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
            if cell.code:
                self.cells.append((place, at is not None, cell, section))

    def answer(self, id: str) -> Answer | str | None:
        """As `answer` says."""
        asked = self.lesson.asked[id]
        open_ = _meaning(asked.cell.source, asked)
        found = None
        for index, (_, known, cell, section) in enumerate(self.cells):
            mine = known and (self.cells[index][0] == asked.place)
            beside = (
                section == id and (not known or "exercise" in cell.tags) and _gives(cell.source, asked.name)
            )
            if (mine or beside or id in _checks(cell.source)) and self._is_answer(cell, asked, open_):
                found = index
        if found is None:
            return None
        place, _, cell, _ = self.cells[found]
        try:
            text = _unchecked(_python(cell.source))
            own = names(text)
        except (SyntaxError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        except (RecursionError, MemoryError):
            return "SyntaxError: it is nested too deeply"
        given = _checks(cell.source).get(id, asked.name)
        wanted = set(own.needs)
        wanted |= {n.id for n in ast.walk(ast.parse(given)) if isinstance(n, ast.Name)} - own.gives
        return Answer(self._before(found, place, wanted), text, given)

    def _is_answer(self, cell: Cell, asked: Asked, open_: tuple[str, str]) -> bool:
        """Whether a cell says something other than what was handed out."""
        body, given = _meaning(cell.source, asked)
        alone = not body and given == asked.name  # the check, without what it is given
        return (body, given) != open_ and not (alone and not self._elsewhere(asked))

    def _elsewhere(self, asked: Asked) -> bool:
        """Whether another cell of the student's own gives the answer its name."""
        return any(not known and _gives(cell.source, asked.name) for _, known, cell, _ in self.cells)

    def _before(self, own: int, place: int, wanted: set[str]) -> tuple[str, ...]:
        """What has to run before a cell: the nearest above it that gives a name, or else the first below."""
        order = self._pieces(own)
        above = [k for k, (at, _) in enumerate(order) if at < (place, own)]
        lasting = {name for _, piece in order if piece.lasting for name in piece.names.gives}
        chosen: set[int] = set()
        missing = self._resolve(order, above, wanted, chosen, lasting)
        for k in range(len(above), len(order)):
            if missing & order[k][1].names.gives:
                missing = self._resolve(order, range(k + 1), missing, chosen, lasting)
        return tuple(order[k][1].source for k in sorted(chosen))

    @staticmethod
    def _resolve(
        order: Sequence[tuple[tuple[int, int], Piece]],
        within: Sequence[int],
        wanted: set[str],
        chosen: set[int],
        lasting: set[str],
    ) -> set[str]:
        """Choose the pieces, last to first; return the names that none of them gives."""
        wanted = set(wanted)
        for k in reversed(within):
            found = order[k][1].names
            star = "*" in found.gives and wanted - _BUILTIN
            if star or found.gives & wanted or (found.changes - lasting) & wanted:
                chosen.add(k)
                wanted -= found.gives - found.changes
                wanted |= found.needs
        return wanted

    def _pieces(self, own: int) -> list[tuple[tuple[int, int], Piece]]:
        """The lesson's statements and the student's cells, in the notebook's order; not the cell itself."""
        order = [((piece.place, -1), piece) for piece in self.lesson.pieces]
        course = {
            place: {p.source for p in self.lesson.pieces if p.place == place} for place, *_ in self.cells
        }
        given = {p.place: set[str]() for p in self.lesson.pieces}
        for piece in self.lesson.pieces:
            given[piece.place] |= piece.names.gives
        exercises = {asked.place for asked in self.lesson.asked.values()}
        for index, (place, known, cell, _) in enumerate(self.cells):
            if index == own:
                continue
            try:
                if not known or place in exercises or "exercise" in cell.tags:
                    text = _unchecked(_python(cell.source))
                    order.append(((place, index), Piece(place, text, names(text), True)))
                    continue
                for piece in _pieces(place, cell.source, theirs=True):  # a cell of the lesson's, changed
                    more = piece.names.gives - given.get(place, set())
                    if piece.source not in course[place] and more:
                        order.append(((place, index), piece))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                pass  # it gives nothing
        return sorted(order, key=lambda pair: pair[0])


def _meaning(source: str, asked: Asked) -> tuple[str, str]:
    """What a cell says: without its checks, comments and layout; and what the check is given."""
    tree = _parsed(source)
    if tree is None:
        return source.strip(), ""
    tree.body = [s for s in tree.body if not _is_check(s)]
    return ast.unparse(tree), _checks(source).get(asked.id, asked.name)


def _is_check(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and bool(_id(statement.value))
    )


def _unchecked(text: str) -> str:
    """A cell without the checks that stand on lines of their own: the answer is checked by us."""
    lines = text.splitlines()
    for statement in ast.parse(text).body:
        if _is_check(statement):
            first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
            if ast.unparse(statement) == ast.unparse(_parsed("\n".join(lines[first:last])) or statement):
                lines[first:last] = [""] * (last - first)
    return "\n".join(lines).strip("\n")


def _gives(source: str, name: str) -> bool:
    try:
        return name in names(_python(source)).gives
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
