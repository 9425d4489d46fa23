"""`table`, `page` and `sheet`: what a class has solved, as text, as a page of HTML, and as CSV.

Names of students and of files, and what an error says, are strangers' text: a page escapes it, a terminal is
given nothing to obey, and a spreadsheet no formula.
"""

from __future__ import annotations

import csv
import html
import io
import re
import textwrap
from collections import Counter
from pathlib import Path

from .apart import ERROR, LATE, NOTHING, SOLVED, WRONG
from .grade import Grades, Mistake, Row
from .handed_in import plain

__all__ = ["COLUMNS", "page", "sheet", "table"]

COLUMNS = (
    "student", "lesson", "exercise", "title", "verdict", "minutes", "difficulty", "message", "file",
)  # fmt: skip
MARKS = {SOLVED: "+", WRONG: "x", ERROR: "!", LATE: "t", NOTHING: "."}
SIGNS = {SOLVED: "&#10003;", WRONG: "&#10007;", ERROR: "!", LATE: "t", NOTHING: "&middot;"}
CLASSES = {SOLVED: "solved", WRONG: "wrong", ERROR: "error", LATE: "late", NOTHING: "open"}
WIDTH = 118
LONGEST = 28  # letters of a name in the table
_PAGE = Path(__file__).with_name("report.html")


def table(grades: Grades) -> str:
    """Return the grades as text of fixed width: a block for each lesson, then the mistakes.

    Examples
    --------
    >>> row = Row("Ada", "05_forget_gate", "05.1", "What is left", "wrong: no bias", 5, 1, "It is missing.")
    >>> print(table(Grades((row,))))
    05_forget_gate                05.1  solved
    Ada                              x  0 of 1
    solved                           0
    <BLANKLINE>
    + solved, x wrong, ! error, t time ran out, . not answered
    <BLANKLINE>
    05.1 What is left
       1  wrong: no bias
          It is missing.
    """
    lines = []
    for name, rows in _lessons(grades).items():
        ids = list(dict.fromkeys(row.exercise for row in rows))
        lines.append(f"{_cut(name)} {' '.join(f'{id:>5}' for id in ids)}  solved")
        for student, theirs in _by_student(rows).items():
            marks = " ".join(f"{MARKS[row.kind]:>5}" for row in theirs)
            lines.append(f"{_cut(student)} {marks}  {_solved(theirs)} of {len(ids)}")
        lines += [f"{_cut('solved')} {' '.join(f'{grades.solved(id):5}' for id in ids)}", ""]
    lines += [", ".join(f"{mark} {word}" for word, mark in MARKS.items()), ""]
    titles = {row.exercise: row.title for row in grades.rows}
    for id, made in _by_exercise(grades).items():
        lines.append(f"{id} {titles[id]}")
        for mistake in made:
            lines.append(f"{len(mistake.students):4}  {plain(mistake.verdict)}")
            lines += textwrap.wrap(
                plain(mistake.message), WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 6
            )
        lines.append("")
    lines += [*map(plain, grades.notes), ""] if grades.notes else []
    return "\n".join(lines).rstrip("\n")


def sheet(grades: Grades) -> str:
    """Return the grades as CSV, with a row for each student and exercise.

    Examples
    --------
    >>> row = Row("=Ada()", "05_forget_gate", "05.1", "What is left", "solved", 5, 1)
    >>> print(sheet(Grades((row,))).splitlines()[1])
    '=Ada(),05_forget_gate,05.1,What is left,solved,5,1,,
    """
    paper = io.StringIO()
    writer = csv.writer(paper, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in grades.rows:
        writer.writerow([_harmless(getattr(row, column)) for column in COLUMNS])
    return paper.getvalue()


def page(grades: Grades, title: str = "Grades") -> str:
    """Return the grades as one page of HTML, which needs nothing else.

    Examples
    --------
    >>> row = Row("<Ada>", "05_forget_gate", "05.1", "What is left", "solved", 5, 1)
    >>> "&lt;Ada&gt;" in page(Grades((row,)))
    True
    """
    count = Counter(row.kind for row in grades.rows)
    words = ", ".join(f"{count[kind]} {'errors' if kind == ERROR else kind}" for kind in MARKS if count[kind])
    students, exercises = len(grades.students), len(grades.exercises)
    summary = (
        f"{students} student{'s' * (students != 1)}, {exercises} exercise{'s' * (exercises != 1)}: "
        f"{words or 'nothing'}."
    )
    parts = {
        "title": _escaped(title),
        "summary": _escaped(summary),
        "table": _grid(grades),
        "mistakes": _mistakes(grades),
        "notes": _notes(grades),
    }
    pieces = _PAGE.read_text(encoding="utf-8").split("<!-- ")
    filled = [pieces[0]]
    for piece in pieces[1:]:  # one after the other: what a student wrote may look like such a place
        name, _, rest = piece.partition(" -->")
        filled.append(parts[name] + rest)
    return "".join(filled)


def _lessons(grades: Grades) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in grades.rows:
        found.setdefault(row.lesson, []).append(row)
    return found


def _by_student(rows: list[Row] | tuple[Row, ...]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.student, []).append(row)
    return found


def _by_exercise(grades: Grades) -> dict[str, list[Mistake]]:
    found: dict[str, list[Mistake]] = {}
    for mistake in grades.mistakes():
        found.setdefault(mistake.exercise, []).append(mistake)
    return found


def _solved(rows: list[Row]) -> int:
    return sum(row.kind == SOLVED for row in rows)


def _cut(name: str) -> str:
    name = plain(name)
    return f"{name[: LONGEST - 2] + '..' if len(name) > LONGEST else name:{LONGEST}}"


def _harmless(value: object) -> str:
    """On one line, and no formula for a spreadsheet, also where it divides at semicolons."""
    return re.sub(r"(^|;)(\s*)(?=[=+\-@\uff1d\uff0b\uff0d\uff20])", r"\1\2'", plain(str(value)))


# The page's parts


def _escaped(text: str) -> str:
    return html.escape(plain(text))


def _grid(grades: Grades) -> str:
    lessons = {name: list(dict.fromkeys(r.exercise for r in rows)) for name, rows in _lessons(grades).items()}
    wrong = _by_exercise(grades)
    titles = {row.exercise: row.title for row in grades.rows}
    heads = "".join(f'<th scope="colgroup" colspan="{len(ids)}">{name}</th>' for name, ids in lessons.items())
    columns = "".join(
        f'<th scope="col">{_link(id) if id in wrong else id}</th>' for ids in lessons.values() for id in ids
    )
    body = "".join(
        f'<tr><th scope="row">{_escaped(name)}</th><td>{_solved(rows)}</td>{"".join(map(_mark, rows))}</tr>\n'
        for name, rows in _by_student(grades.rows).items()
    )
    sums = "".join(f"<td>{grades.solved(id)}</td>" for id in titles)
    return (
        f'<table>\n<thead><tr><th scope="col" rowspan="2">Student</th><th scope="col" rowspan="2">Solved</th>'
        f"{heads}</tr>\n<tr>{columns}</tr></thead>\n<tbody>\n{body}</tbody>\n"
        f'<tfoot><tr><th scope="row">Solved by</th><td>{sum(map(grades.solved, titles))}</td>{sums}</tr>'
        "</tfoot>\n</table>"
    )


def _link(id: str) -> str:
    return f'<a href="#m-{id}">{id}</a>'


def _mark(row: Row) -> str:
    sign = SIGNS[row.kind]
    if row.kind in (SOLVED, NOTHING):
        return f'<td class="{CLASSES[row.kind]}"><span role="img" aria-label="{row.kind}">{sign}</span></td>'
    words = row.message if row.kind == ERROR and row.message else f"{row.verdict}. {row.message}"
    said = _escaped(f"{row.exercise} {row.title}: {words}")
    return (
        f'<td class="{CLASSES[row.kind]}"><button type="button" class="mark"><span aria-hidden="true">'
        f'{sign}</span><span class="tip">{_escaped(row.student)}, {said}</span></button></td>'
    )


def _mistakes(grades: Grades) -> str:
    titles = {row.exercise: row.title for row in grades.rows}
    parts = []
    for id, made in _by_exercise(grades).items():
        rows = "".join(
            f"<tr><td>{len(m.students)}</td><td>{_escaped(m.verdict)}</td><td>{_escaped(m.message)}</td>"
            f"<td>{_escaped(', '.join(m.students))}</td></tr>\n"
            for m in made
        )
        parts.append(
            f'<h3 id="m-{id}">{id} {_escaped(titles[id])}</h3>\n'
            f'<p class="quiet">Solved by {grades.solved(id)} of {len(grades.students)}.</p>\n'
            '<table class="mistakes"><thead><tr><th scope="col">Made by</th><th scope="col">Mistake</th>'
            '<th scope="col">What the check says</th><th scope="col">Students</th></tr></thead>\n'
            f"<tbody>\n{rows}</tbody></table>\n"
        )
    return "".join(parts) or "<p>There are none.</p>"


def _notes(grades: Grades) -> str:
    if not grades.notes:
        return ""
    lines = "".join(f"<li>{_escaped(note)}</li>\n" for note in grades.notes)
    return f"<h2>Left out</h2>\n<ul>\n{lines}</ul>"
