"""Lint of the teaching: what a learner reads keeps the course's rules, and every link leads somewhere.

::

    python -m tools.teaching            # every lesson and document
    python -m tools.teaching 05 12      # the lessons whose names begin so

A rule is a function that yields a sentence for each place that breaks it: of a `Lesson` those in `LESSON`, of
all of them together those in `COURSE`. `EXEMPT` says where a rule does not hold, and why.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from statistics import fmean
from typing import Any
from urllib.parse import unquote

from lstmcourse import exercises
from lstmcourse.course.alts import ALTS
from tools import claims, guide, notebooks

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ("*.md", "docs/*.md", "docs/*.html", "benchmarks/*.md")

LONG = 15  # lines of a code cell
BOXES = 5  # of `claim` in a lesson
WORDS = (4, 20)  # of prose, for each line of code that a learner reads
ASKED = (4, 6)  # exercises of a lesson, from easy to open
RIGHT, WRONG = 2, 6  # answers to an exercise that its check is tested with
APART = 0.25  # the share by which stated minutes may depart from the formula

HIDDEN = {
    r"^\s*assert\b": "asserts something: that stands in a cell tagged check",
    r"\balt=": "tells a figure in words: they stand in lstmcourse/course/alts.py, plots.show(figure, number)",
    "# not compared|# seeds": "has what only the course's tests need: seeds and reasons stand in the marker",
}
"""What a learner need not read, and where it stands."""
LONGER = {
    "01": 1,
    "04": 2,
    "04b": 1,
    "05": 1,
    "07": 1,
    "09": 1,
    "09b": 2,
    "12": 1,
    "13": 1,
    "14": 2,
    "14b": 2,
    "17": 1,
    "19": 1,
}
"""How many longer cells a notebook has; this list only shrinks."""
LINE = 12
"""From how many characters on a line of a solution is one, and no name or number."""
EXEMPT: dict[str, dict[str, str]] = {
    "asked": {"00": "it begins nothing yet that could be asked about"},
    "prose": {
        "00": "how to begin is told, not computed",
        "22": "it looks back: its numbers are those of the others",
    },
}
"""By rule and notebook, the reason why it need not keep it."""


@dataclass(frozen=True)
class Lesson:
    """A notebook's lesson and solutions as the source gives them, and what is stored of both."""

    stem: str
    cells: list[Any]
    solutions: list[Any]
    stored: dict[Path, list[dict]]

    @property
    def number(self) -> str:
        """Such as ``04b``."""
        return self.stem.partition("_")[0]

    def read(self, kind: str) -> list[Any]:
        """The cells of a kind that are read before the exercises, with nothing that is folded away."""
        return [c for c in self.cells if c.cell_type == kind and not _tags(c) & {"exercise", "check"}]

    @property
    def asked(self) -> list[exercises.Exercise]:
        """Its exercises, as they come."""
        return [exercises.get(c.metadata["exercise"]) for c in self.cells if "exercise" in c.metadata]


def lesson(source: Path, folder: Path = notebooks.FOLDER) -> Lesson:
    """Read what belongs to a source."""
    made = notebooks.targets(source, folder)
    stored = {
        t.path: json.loads(t.path.read_text(encoding="utf-8"))["cells"] for t in made if t.path.exists()
    }
    return Lesson(source.stem, made[0].notebook.cells, made[1].notebook.cells if made[1:] else [], stored)


def _tags(cell: Any) -> set[str]:
    return set(cell.metadata.get("tags", []))


# Rules for one lesson


def reader(lesson: Lesson) -> Iterator[str]:
    """Code is for the learner: narrow, short, and without what only the course's tests need."""
    for number, cell in enumerate(lesson.cells, start=1):
        if cell.cell_type != "code":
            continue
        where = f"cell {number}"
        for line in cell.source.splitlines():
            if len(line) > notebooks.WIDTH:
                yield f"{where} has a line of more than {notebooks.WIDTH} characters: {line}"
        if "check" not in _tags(cell):
            yield from (
                f"{where} {says}" for found, says in HIDDEN.items() if re.search(found, cell.source, re.M)
            )
    boxes = sum(c.source.count("lc.claim(") for c in lesson.cells if "check" not in _tags(c))
    if boxes > BOXES:
        yield f"it has {boxes} boxes of claim, and {BOXES} is the most: fold some into a cell tagged check"


def length(lesson: Lesson) -> Iterator[str]:
    """A cell of code is short."""
    cells = {c.source: f"cell {n}" for n, c in enumerate(lesson.cells, start=1) if c.cell_type == "code"}
    for number, cell in enumerate(lesson.solutions, start=1):
        if cell.cell_type == "code":
            cells.setdefault(cell.source, f"its solutions, cell {number}")
    long = {where: lines for source, where in cells.items() if (lines := notebooks.length(source)) > LONG}
    allowed = LONGER.get(lesson.number, 0)
    if len(long) > allowed:
        yield f"{len(long)} cells have more than {LONG} lines of code, and {allowed} may: {long}"
    elif len(long) < allowed:
        yield f"only {len(long)} cells are long now: say so in LONGER"


def headings(lesson: Lesson) -> Iterator[str]:
    """One title, first of all; below it no level is left out."""
    for where, cells in (("", lesson.cells), ("its solutions, ", lesson.solutions)):
        before = 0
        for number, cell in enumerate(cells, start=1):
            if cell.cell_type != "markdown":
                continue
            for marks, text in re.findall(r"^(#{1,6}) +(.+)$", _prose(cell.source), re.M):
                level = len(marks)
                if level > before + 1:
                    yield f"{where}cell {number}: {text!r} is of level {level}, after one of level {before}"
                elif level == 1 and before:
                    yield f"{where}cell {number}: {text!r} is a second title"
                before = level
        if cells and not before:
            yield f"{where}it has no title"


def prose(lesson: Lesson) -> Iterator[str]:
    """Neither a book nor a listing: words and code are in proportion."""
    words = sum(len(c.source.split()) for c in lesson.read("markdown"))
    lines = sum(notebooks.length(c.source) for c in lesson.read("code"))
    least, most = WORDS
    if not least * lines <= words <= most * lines:
        yield f"{words} words for {lines} lines of code, and {least} to {most} for each line are right"


def minutes(lesson: Lesson) -> Iterator[str]:
    """The stated minutes are those of the formula: words, cells of code, exercises."""
    said = re.search(
        r"takes about (\d+) minutes to read(?:, and the exercises about (\d+) more)?\.",
        lesson.cells[0].source,
    )
    if not said:
        yield "its first cell does not say how long it takes: write {minutes} there"
        return
    for what, stated, takes in (
        ("reading", said[1], notebooks.reading_time(lesson.cells)),
        ("the exercises", said[2] or 0, sum(e.minutes for e in lesson.asked)),
    ):
        if abs(int(stated) - takes) > max(APART * takes, 2.5):  # minutes are stated in fives
            yield f"{what}: {takes:.0f} minutes by the formula, and {stated} are stated"


def alts(lesson: Lesson) -> Iterator[str]:
    """Each figure and each diagram says in words what it shows."""
    for path, cells in lesson.stored.items():
        for number, cell in enumerate(cells, start=1):
            for output in cell.get("outputs", []):
                data = output.get("data", {})
                where = f"{path.parent.name}/{path.name}, cell {number}"
                if any(kind.startswith("image/") for kind in data) and not {"text/html", "image/svg+xml"} & {
                    *data
                }:
                    yield f"{where}: a picture without words: show it with plots.show(figure, number)"
                for kind in ("text/html", "image/svg+xml"):
                    for found in Pictures.untold("".join(data.get(kind, ""))):
                        yield f"{where}: {found}"


def asked(lesson: Lesson) -> Iterator[str]:
    """There are some exercises, and they rise from easy to open."""
    levels = [e.difficulty for e in lesson.asked]
    half = len(levels) // 2
    if levels and levels[0] > min(levels):
        yield f"its first exercise is not the easiest: difficulties {levels}"
    if half and fmean(levels[half:]) < fmean(levels[:half]):
        yield f"its later exercises are easier than the earlier ones: difficulties {levels}"
    least, most = ASKED
    if not least <= len(levels) <= most:
        yield f"it asks {len(levels)} exercises, and {least} to {most} are right"


def hints(lesson: Lesson) -> Iterator[str]:
    """No hint holds a line of the solutions."""
    code = "\n".join(c.source for c in lesson.solutions if c.cell_type == "code" and "exercise" in _tags(c))
    lines = {"".join(line.split()) for line in code.splitlines() if not line.lstrip().startswith("#")}
    for e in lesson.asked:
        for k, hint in enumerate(e.hints, start=1):
            told = [line for line in lines if len(line) >= LINE and line in "".join(hint.split())]
            yield from (f"hint {k} of exercise {e.id} holds a line of its solution: {line}" for line in told)


LESSON: dict[str, Callable[[Lesson], Iterator[str]]] = {
    f.__name__: f for f in (reader, length, headings, prose, minutes, alts, asked, hints)
}


# Rules for all together


def numbered(lessons: list[Lesson]) -> Iterator[str]:
    """A figure's number has its words in `ALTS`, and is shown once."""
    shown = []
    for lesson in lessons:
        mine = _numbers(lesson.cells)
        mine += sorted(set(_numbers(lesson.solutions)) - set(mine))
        shown += [(lesson.stem, number) for number in mine]
    seen: set[str] = set()
    for stem, number in shown:
        if number in seen:
            yield f"{stem}: figure {number} is shown twice: give each a number of its own"
        elif number not in ALTS:
            yield f"{stem}: figure {number} has no words in lstmcourse/course/alts.py"
        seen.add(number)
    yield from (f"lstmcourse/course/alts.py: no lesson shows figure {n}" for n in sorted(set(ALTS) - seen))


def _numbers(cells: list[Any]) -> list[str]:
    code = "\n".join(c.source for c in cells if c.cell_type == "code")
    return re.findall(r'"(\d\d[a-z]?-\d+)"', code)


def claimed(lessons: list[Lesson]) -> Iterator[str]:
    """Markers and calls name claims that there are."""
    yield from claims.evidence(notebooks.FOLDER)[1]


def answered(lessons: list[Lesson]) -> Iterator[str]:
    """Each exercise has hints, and answers that its check is tested with."""
    sys.path.insert(0, str(ROOT / "tests"))
    try:
        from answers import load
    finally:
        sys.path.pop(0)
    for e in map(exercises.get, exercises.ids()):
        answers = load(e.id)
        if not 1 <= e.minutes <= 45:
            yield f"exercise {e.id} takes {e.minutes} minutes, and 45 are the most"
        if len(set(e.hints)) < len(e.hints) or not all(h[0].isupper() or h[0] in "`$" for h in e.hints):
            yield f"exercise {e.id}: its hints are sentences, each another one: {e.hints}"
        if len(answers.right) < RIGHT or len(answers.wrong) < WRONG:
            yield (
                f"exercise {e.id} has {len(answers.right)} right and {len(answers.wrong)} wrong answers in "
                f"tests/answers, and {RIGHT} and {WRONG} are the least"
            )


def words(lessons: list[Lesson]) -> Iterator[str]:
    """The notebook that the glossary names for a word has it."""
    texts = {lesson.number: "\n".join(c.source for c in lesson.cells).lower() for lesson in lessons}
    for row in (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines():
        if not row.startswith("| **"):
            continue
        _, names, _, places, _ = row.split("|")
        forms = [form.replace("*", "").strip().removeprefix("to ").lower() for form in names.split(",")]
        for number in places.strip().split(", "):
            if number not in texts:
                yield f"docs/glossary.md, {names.strip()}: there is no notebook {number!r}"
            elif not any(_stem(form) in texts[number] for form in forms):
                yield f"docs/glossary.md, {names.strip()}: notebook {number} does not use the word"


def _stem(word: str) -> str:
    return re.sub(r"(e|y|ies|s)$", "", word) if len(word) > 4 else word


def links(lessons: list[Lesson]) -> Iterator[str]:
    """Every link within the course leads to a file that there is, and to a place in it that there is."""
    for lesson in lessons:
        for path, cells in lesson.stored.items():
            for number, cell in enumerate(cells, start=1):
                texts = ["".join(cell["source"])] if cell["cell_type"] == "markdown" else []
                if "nbval-ignore-output" not in cell["metadata"].get("tags", []):  # else it is made anew
                    texts += [
                        "".join(o.get("data", {}).get("text/html", "")) for o in cell.get("outputs", [])
                    ]
                for text in texts:
                    yield from (f"{path.name}, cell {number}: {p}" for p in broken(text, path))
    for pattern in DOCUMENTS:
        for path in sorted(ROOT.glob(pattern)):
            text = path.read_text(encoding="utf-8")
            yield from (f"{path.relative_to(ROOT)}: {p}" for p in broken(text, path))


def taught(lessons: list[Lesson]) -> Iterator[str]:
    """What the guide for teachers says of lessons and exercises is so."""
    yield from (f"docs/teaching.md: {p}" for p in guide.problems(guide.GUIDE.read_text(encoding="utf-8")))


COURSE: dict[str, Callable[[list[Lesson]], Iterator[str]]] = {
    f.__name__: f for f in (numbered, claimed, answered, words, links, taught)
}


# Links


_TARGET = re.compile(r"""\]\(([^()\s]+(?:\([^()\s]*\)[^()\s]*)*)\)|\bhref=["']([^"']+)["']""")


def broken(text: str, path: Path) -> Iterator[str]:
    """Yield the links of a text that lead nowhere; those that leave the course are not followed."""
    for target in dict.fromkeys(a or b for a, b in _TARGET.findall(_prose(text))):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, place = unquote(target).partition("#")
        to = (path.parent / name).resolve() if name else path
        if not to.exists():
            yield f"the link to {target!r} leads to no file"
        elif place and place not in _places(to):
            yield f"the link to {target!r} leads to no place in {to.name}"


_FENCED = re.compile(r"```.*?```", re.S)


@cache
def _places(path: Path) -> set[str]:
    """What may stand after the # of a link to a file."""
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    if path.suffix == ".ipynb":
        cells = json.loads(text)["cells"]
        heads = [h for c in cells for h in re.findall(r"^#{1,6} +(.+)$", "".join(c["source"]), re.M)]
        return {f"cell-id={c['id']}" for c in cells} | {h.replace(" ", "-") for h in heads}
    if path.suffix == ".md":
        heads = re.findall(r"^#{1,6} +(.+)$", _FENCED.sub("", text), re.M)
        return {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-") for h in heads}
    return set(re.findall(r"\bid=[\"']([^\"']+)", text))


def _prose(text: str) -> str:
    """A text without its code."""
    return re.sub(r"`[^`\n]+`", "", _FENCED.sub("", text))


# Pictures


class Pictures(HTMLParser):
    """Finds pictures in HTML that say nothing to those who do not see them."""

    _VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.names: dict[str, str] = {}
        self._open: list[tuple[str, dict[str, str | None]]] = []
        self._told: list[str] = []

    @classmethod
    def untold(cls, text: str) -> list[str]:
        """Return a sentence for each such picture."""
        if "<img" not in text and "<svg" not in text:
            return []
        pictures = cls()
        pictures.feed(text)
        pictures.close()
        told = [i for ids in pictures._told for i in ids.split()]
        lost = [f"a drawing is told by {i!r}, which says nothing" for i in told if not pictures.names.get(i)]
        return pictures.found + lost

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at a picture; note where a text goes."""
        given = dict(attrs)
        if tag == "img" and not (given.get("alt") or "").strip() and not self._covered(given):
            self.found.append("a picture has no alt text: show it with plots.show(figure, number)")
        if tag == "svg" and not self._covered(given):
            self.found.append("a drawing has no words: give it a title, or an aria-label")
        if tag == "svg" and given.get("aria-labelledby"):
            self._told.append(given["aria-labelledby"] or "")
        if tag not in self._VOID:
            self._open.append((tag, given))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at it, and close it at once."""
        self.handle_starttag(tag, attrs)
        if tag not in self._VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        """Close it, and what was left open within."""
        for k in range(len(self._open) - 1, -1, -1):
            if self._open[k][0] == tag:
                del self._open[k:]
                return

    def handle_data(self, data: str) -> None:
        """Note what an element says."""
        if self._open and data.strip() and (id := self._open[-1][1].get("id")):
            self.names[id] = data

    def _covered(self, given: dict[str, str | None]) -> bool:
        """Whether it, or what it is part of, is told in words or hidden from readers of the page."""
        around = [given, *(attrs for _, attrs in self._open)]
        return any(
            a.get("aria-hidden") == "true" or a.get("aria-label") or a.get("aria-labelledby")
            for a in around
            if a is given or a.get("role") == "img" or a.get("aria-hidden") == "true"
        )


# The command


def problems(lessons: list[Lesson], rules: Iterable[str] = (*LESSON, *COURSE)) -> Iterator[str]:
    """Yield what breaks the rules, with the rule's name."""
    for name in rules:
        if name in COURSE:
            yield from (f"{name}: {problem}" for problem in COURSE[name](lessons))
            continue
        for each in lessons:
            if each.number not in EXEMPT.get(name, {}):
                yield from (f"{name}: {each.stem}, {problem}" for problem in LESSON[name](each))


def main(arguments: list[str] | None = None) -> int:
    """List what breaks the rules of the teaching; return 1 if anything does."""
    parser = argparse.ArgumentParser(prog="python -m tools.teaching", description=main.__doc__)
    parser.add_argument("names", nargs="*", help="how the notebooks' names begin, such as 01 (default: all)")
    options = parser.parse_args(arguments)
    lessons = [lesson(source) for source in notebooks.sources(notebooks.FOLDER, options.names)]
    found = list(problems(lessons, LESSON if options.names else (*LESSON, *COURSE)))
    print("\n".join(found) or f"{len(lessons)} lessons keep {len(LESSON) + len(COURSE)} rules")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
