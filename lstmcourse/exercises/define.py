"""Exercises by id: what one is, where they are declared, and `check`, which gives one an answer."""

from __future__ import annotations

import html
import importlib
import pkgutil
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..checks import text
from ..errors import UnknownNameError, nearest
from . import lessons
from .guard import ONE_AT_A_TIME
from .judges import Judge
from .notes import record
from .verdict import Verdict

__all__ = ["Exercise", "check", "exercise", "get", "ids"]

KINDS = ("predict", "write", "by hand", "repair", "find the bug", "derive", "measure", "design")
DIFFICULTY = {1: "easy", 2: "takes thought", 3: "hard", 4: "open"}
HINTS = 3
_MISSING = object()


@dataclass(frozen=True)
class Exercise:
    """An exercise of a notebook; displays what it asks for, and its hints, one after the other.

    Attributes
    ----------
    id : str
        The notebook's number and its own, such as ``"05.2"``.
    title : str
    notebook : str
        The notebook's name, such as ``"05_forget_gate"``.
    kind : str
        One of predict, write, by hand, repair, find the bug, derive, measure, design.
    minutes : int
        That it takes.
    difficulty : int
        1 easy, 2 takes thought, 3 hard, 4 open.
    hints : tuple of str
        Three, each of which says more than the one before; Markdown.
    """

    id: str
    title: str
    notebook: str
    kind: str
    minutes: int
    difficulty: int
    hints: tuple[str, ...]
    judge: Judge = field(repr=False)

    def __reduce__(self) -> tuple:  # another process has its own: a judge is made of functions without names
        return get, (self.id,)

    @property
    def how(self) -> str:
        """The difficulty in words."""
        return DIFFICULTY[self.difficulty]

    def __str__(self) -> str:
        return f"{self.id} {self.title} ({self.kind}, {self.how}, about {self.minutes} minutes)"

    def _repr_html_(self) -> str:
        hints = "".join(
            f"<details><summary>Hint {k}</summary>{html.escape(hint)}</details>"
            for k, hint in enumerate(self.hints, start=1)
        )
        return f"<p><strong>{html.escape(str(self))}</strong></p>{hints}"


_ALL: dict[str, Exercise] = {}


def exercise(
    id: str,
    title: str,
    *,
    notebook: str,
    kind: str,
    minutes: int,
    difficulty: int,
    hints: Sequence[str],
    judge: Judge,
) -> Exercise:
    """Declare an exercise; see `Exercise` for what is what.

    Raises
    ------
    ValueError
        Something is missing, or the id is taken.
    """
    number = re.fullmatch(r"(\d\d[a-z]?)\.\d+", id)
    if not number or not re.match(rf"{number[1]}[a-z]?_", notebook):  # 04.2 may stand in 04 or in 04b
        raise ValueError(
            f"id={id!r}, notebook={notebook!r}: an id is the notebook's number, a dot, and a number"
        )
    if kind not in KINDS or difficulty not in DIFFICULTY or minutes < 1 or len(hints) != HINTS or not title:
        raise ValueError(
            f"exercise {id}: it needs a title, a kind of {KINDS}, a difficulty of {list(DIFFICULTY)}, "
            f"minutes, and {HINTS} hints"
        )
    if id in _ALL:
        raise ValueError(f"exercise {id} is declared twice")
    _ALL[id] = Exercise(id, title, notebook, kind, minutes, difficulty, tuple(hints), judge)
    return _ALL[id]


def _load() -> dict[str, Exercise]:
    for module in sorted(m.name for m in pkgutil.iter_modules(lessons.__path__)):
        importlib.import_module(f"{lessons.__name__}.{module}")
    return _ALL


def ids() -> list[str]:
    """Return the ids of all exercises, in the order of the notebooks.

    Examples
    --------
    >>> ids()[:2]
    ['01.1', '01.2']
    """
    return sorted(_load(), key=lambda id: (id.partition(".")[0], int(id.partition(".")[2])))


def get(id: str) -> Exercise:
    """Return an exercise.

    Raises
    ------
    UnknownNameError
        There is none of that id.

    Examples
    --------
    >>> print(get("01.2"))
    01.2 Count the parameters (write, easy, about 4 minutes)
    """
    text("id", id)
    every = _load()
    key = (
        id.strip().rjust(len(id.strip()) + 1, "0")
        if re.fullmatch(r"\d[a-z]?\.\d+", id.strip())
        else id.strip()
    )
    if key not in every:
        raise UnknownNameError(f"id={id!r}: there is no exercise {id!r}: {nearest(id, ids())}")
    return every[key]


def check(id: str, answer: object = _MISSING) -> Verdict:
    """Say whether an answer to an exercise is right, and name the mistake where it is not.

    Parameters
    ----------
    id : str
        Of the exercise, such as ``"05.2"``.
    answer : object
        What the exercise asks for: a function, an array, a cell, a text, a number, a laboratory's setting.
        Mathematics is judged, not spelling; nothing that is given here raises.

    Returns
    -------
    Verdict
        True or false, with the mistake's name in ``.mistake``; displays itself. It is noted in this folder,
        see `progress`.

    Raises
    ------
    UnknownNameError
        There is no such exercise.

    Examples
    --------
    >>> check("01.2", lambda D, H: H * (D + H))
    Not yet: The bias is missing: one number for each unit.
    """
    with ONE_AT_A_TIME:  # all of it: an answer in another thread may have its way with Python's imports
        asked = get(id)
        verdict = asked.judge(None if answer is _MISSING else answer, np.random.default_rng(0))
        record(asked.id, verdict)
    return verdict
