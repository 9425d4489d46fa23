"""`grade`: run what a class has written, and ask the checks of the exercises again."""

from __future__ import annotations

import itertools
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ..errors import UnknownNameError, nearest
from ..exercises.define import get
from .apart import ERROR, KINDS, NOTHING, SOLVED, Limits, judged, stop
from .handed_in import Notebook, students
from .lesson import COURSE, Answer, Lesson, answer, lessons, recognise

__all__ = ["Grades", "Mistake", "Row", "grade"]


@dataclass(frozen=True)
class Row:
    """What became of an exercise.

    Attributes
    ----------
    student, lesson, exercise, title : str
        The lesson's notebook, the exercise's id.
    verdict : str
        ``"solved"``, ``"wrong: "`` and the mistake's name, ``"error: "`` and which, ``"time ran out"``, or
        ``"not answered"``.
    minutes, difficulty : int
        The exercise's.
    message : str
        What the check said, or the error.
    file : str
        The notebook of the answer.
    """

    student: str
    lesson: str
    exercise: str
    title: str
    verdict: str
    minutes: int
    difficulty: int
    message: str = ""
    file: str = ""

    @property
    def kind(self) -> str:
        """The verdict's first word or words: one of `KINDS`."""
        return self.verdict.partition(":")[0]

    @property
    def mistake(self) -> str:
        """The name of the mistake or of the error, or nothing."""
        return self.verdict.partition(": ")[2]


@dataclass(frozen=True)
class Mistake:
    """A mistake of a class: the exercise, what was found, what was said of it, and who made it."""

    exercise: str
    verdict: str
    message: str
    students: tuple[str, ...]


@dataclass(frozen=True)
class Grades:
    """What a class has solved; `table`, `sheet` and `page` show it.

    Attributes
    ----------
    rows : tuple of Row
        For each student, each exercise of the lessons.
    notes : tuple of str
        What was left out, and why.
    """

    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()

    @property
    def students(self) -> list[str]:
        """Their names."""
        return list(dict.fromkeys(row.student for row in self.rows))

    @property
    def exercises(self) -> list[str]:
        """The ids of the exercises."""
        return list(dict.fromkeys(row.exercise for row in self.rows))

    def row(self, student: str, exercise: str) -> Row:
        """Return what became of a student's answer.

        Raises
        ------
        UnknownNameError
            There is no such student, or no such exercise.
        """
        for what, given, there in (
            ("student", student, self.students),
            ("exercise", exercise, self.exercises),
        ):
            if given not in there:
                raise UnknownNameError(f"{what}={given!r}: it was not graded: {nearest(given, there)}")
        return next(row for row in self.rows if (row.student, row.exercise) == (student, exercise))

    def solved(self, exercise: str) -> int:
        """Return how many have solved an exercise."""
        return sum(row.exercise == exercise and row.kind == SOLVED for row in self.rows)

    def mistakes(self) -> list[Mistake]:
        """Return the mistakes of the class: exercise by exercise, the most frequent first.

        Examples
        --------
        >>> wrong = ("05_forget_gate", "05.1", "What is left", "wrong: no bias", 5, 1, "The bias is missing.")
        >>> Grades((Row("Ada", *wrong), Row("Kurt", *wrong))).mistakes()[0].students
        ('Ada', 'Kurt')
        """
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            if row.kind not in (SOLVED, NOTHING):
                found.setdefault((row.exercise, row.verdict), []).append(row)
        made = [
            Mistake(
                id,
                verdict,
                Counter(r.message for r in rows).most_common(1)[0][0],
                tuple(r.student for r in rows),
            )
            for (id, verdict), rows in found.items()
        ]
        order = {id: k for k, id in enumerate(self.exercises)}
        return sorted(made, key=lambda m: (order[m.exercise], -len(m.students), m.verdict))


def grade(
    folder: str | os.PathLike,
    numbers: Sequence[str] = (),
    *,
    course: str | os.PathLike = COURSE,
    workers: int = 0,
    limits: Limits = Limits(),  # noqa: B008
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> Grades:
    """Grade what a class has handed in. It runs what students wrote, with the rights of who calls it.

    Parameters
    ----------
    folder : path
        Holds one folder, or one zip, for each student.
    numbers : sequence of str
        Of the lessons, such as ``["05", "06"]``. None: each that a student has handed in.
    course : path
        The folder of the course's notebooks.
    workers : int
        How many answers run at once; 0 takes the number of processors.
    limits : Limits
        What an answer may take.
    progress : callable
        Called with how many answers have run, and of how many.

    Raises
    ------
    FileError
        The folder, or the course, cannot be read.
    UnknownNameError
        There is no such lesson.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> (folder / "Ada").mkdir()
    >>> grade(folder, ["05"]).row("Ada", "05.1").verdict
    'not answered'
    """
    every = lessons(course)
    numbers = [f"0{n}" if re.fullmatch(r"\d[a-z]?", n) else n for n in numbers]
    for number in numbers:
        if number not in every:
            raise UnknownNameError(
                f"lessons={number!r}: no lesson with exercises has this number: {nearest(number, every)}"
            )
    class_, notes = students(folder)
    copies: dict[tuple[str, str], list[Notebook]] = {}
    for student in class_:
        notes += [f"{student.name}: {why}" for why in student.left_out]
        for notebook in student.notebooks:
            found = recognise(notebook, every)
            for lesson in found:
                copies.setdefault((student.name, lesson.number), []).append(notebook)
            if not found:
                notes.append(f"{student.name}: {notebook.name}: it is no lesson with exercises: left out")
    handed_in = {number for _, number in copies}
    chosen = [every[n] for n in every if n in (numbers or handed_in)]
    asked = [
        (student.name, lesson, id, copies.get((student.name, lesson.number), []))
        for student in class_
        for lesson in chosen
        for id in lesson.asked
    ]
    jobs = [(answer(notebook, lesson, id), id) for _, lesson, id, mine in asked for notebook in mine]
    results = iter(_judged(jobs, workers, limits, progress))
    rows = [
        _row(name, lesson, id, [(next(results), n.name) for n in mine]) for name, lesson, id, mine in asked
    ]
    return Grades(tuple(rows), tuple(notes))


def _judged(
    jobs: Sequence[tuple[Answer | str | None, str]],
    workers: int,
    limits: Limits,
    progress: Callable[[int, int], None],
) -> list[tuple[str, str]]:
    """Verdict and message of each answer, in their order."""
    of = sum(isinstance(found, Answer) for found, _ in jobs)
    done, one_at_a_time = itertools.count(1), threading.Lock()

    def one(job: tuple[Answer | str | None, str]) -> tuple[str, str]:
        found, id = job
        if found is None:
            return NOTHING, ""
        if isinstance(found, str):
            return f"{ERROR}: {found.partition(':')[0]}", found
        try:
            verdict = judged(found, id, limits)
        except OSError as error:  # no process can be started, or no folder made
            verdict = f"{ERROR}: {type(error).__name__}", f"It could not be run here: {error}"
        with one_at_a_time:
            progress(next(done), of)
        return verdict

    with ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool:
        answers = [pool.submit(one, job) for job in jobs]
        try:
            return [it.result() for it in answers]
        except BaseException:  # the keyboard's, or one that `progress` raises
            pool.shutdown(wait=False, cancel_futures=True)
            while not all(it.done() for it in answers):  # one may be about to start
                stop()
                time.sleep(0.05)
            raise


def _row(student: str, lesson: Lesson, id: str, found: list[tuple[tuple[str, str], str]]) -> Row:
    """The best of what several copies give."""
    verdicts = [(KINDS.index(v.partition(":")[0]), v, message, file) for (v, message), file in found]
    _, verdict, message, file = min(verdicts, key=lambda v: v[0], default=(0, NOTHING, "", ""))
    exercise = get(id)
    return Row(
        student,
        lesson.name,
        id,
        exercise.title,
        verdict,
        exercise.minutes,
        exercise.difficulty,
        message,
        file,
    )
