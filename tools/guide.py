"""The guide for teachers, docs/teaching.md: its table is derived, the rest is compared with the lessons.

::

    python -m tools.guide            # writes the table of the guide anew

`problems` yields what does not agree: exercises and their minutes, minutes of reading, sums of minutes, parts
of a section that are missing, and numbers that neither the lessons nor the tests of the guide have.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from lstmcourse import exercises
from lstmcourse.files.whole import replace
from tools import notebooks

ROOT = Path(__file__).resolve().parent.parent
GUIDE = ROOT / "docs" / "teaching.md"
SEEN = ROOT / "tests" / "course" / "test_taught.py"  # what was seen in no lesson, and is tested there

PARTS = ("To leave with", "Ask first", "Show", "They go wrong", "Short of time", "Discuss", "Set")
"""Of each lesson's section, in this order; "Against the text" may stand before "Short of time"."""

NEEDS = {
    "00": ("", "nothing later rests on it"),
    "01": ("", "everything rests on it; if you know the loop, read its last third"),
    "02": ("01", "why there are gates at all; the sentence about France"),
    "03": ("02", "the symbols of the diagrams; everybody needs them"),
    "04": ("03", "the belt, holding a gate, the laboratory"),
    "04b": ("04", "why the start decides in 03 and 19"),
    "05": ("04", "the reader, probes and interventions, in 06 to 09, 11 and 12"),
    "06": ("05", "little; say in two sentences what a candidate is"),
    "07": ("05", "the exchange of one number, and its controls"),
    "08": ("05", "stored and shown; why there are peepholes"),
    "09": ("04, 05", "the backward pass; carrying against being needed"),
    "09b": ("04", "comparing at equal parameters, in 12, 13, 19 and 22"),
    "10": ("08", "pairs and exact tests; peepholes in 13"),
    "11": ("05", "coupling, in 12 and 15"),
    "12": ("05", "the unit that decodes in 16"),
    "13": ("10", "the belt along depth, in 17"),
    "14": ("02", "nothing"),
    "14b": ("04", "nothing"),
    "15": ("11", "how to say that two networks are alike"),
    "16": ("12", "attention, in 22"),
    "17": ("13", "nothing"),
    "18": ("04", "Bach's chorales in 21"),
    "19": ("04b", "the spans in 22"),
    "20": ("05, 09b", "nothing"),
    "21": ("05", "one of the five tasks in 22"),
    "22": ("03", "the verdicts"),
}
"""Of each lesson: without which it is not understood, and what is missing later if it is left out."""

_BEGIN, _END = "<!-- made by tools/guide.py -->\n", "<!-- end -->\n"
_ID = r"(?<![\w.,])(\d\d[a-z]?\.\d)(?![\d.])"
_LINK = r"\[(\d\d[a-z]?)\]\(\.\./notebooks/(\w+)\.ipynb[^)]*\)"
_STATED = re.compile(r"takes about (\d+) minutes to read(?:, and the exercises about (\d+) more)?\.")


@cache
def lessons() -> dict[str, Path]:
    """The lessons' notebooks, by number, in the course's order."""
    made = sorted(notebooks.FOLDER.glob("[0-9]*.ipynb"))
    return {path.stem.partition("_")[0]: path for path in made}


@cache
def _cells(number: str) -> tuple[dict, ...]:
    return tuple(json.loads(lessons()[number].read_text(encoding="utf-8"))["cells"])


def stated(number: str) -> tuple[int, int]:
    """The minutes that a lesson states: to read, and for its exercises."""
    said = next(found for c in _cells(number) if (found := _STATED.search("".join(c["source"]))))
    return int(said[1]), int(said[2] or 0)


def refers(number: str) -> list[str]:
    """The earlier lessons that a lesson's text names."""
    text = "\n".join("".join(c["source"]) for c in _cells(number) if c["cell_type"] == "markdown")
    named = set(re.findall(r"\((\d\d[a-z]?)_\w+\.ipynb", text))
    named |= set(re.findall(r"\b[Nn]otebooks? (\d\d[a-z]?)\b", text))
    return [n for n in _before(number) if n in named]


def _before(number: str) -> list[str]:
    order = list(lessons())
    return order[: order.index(number)]


def table() -> str:
    """The lessons, how long they take, and what rests on what, as Markdown."""
    rows = ["| lesson | to read | exercises | needs | refers to | what is missing without it |"]
    rows.append("|---|---|---|---|---|---|")
    for number, path in lessons().items():
        read, more = stated(number)
        needs, lost = NEEDS[number]
        title = re.search(r"^# (.+)$", "".join(_cells(number)[0]["source"]), re.M)[1]
        cells = (f"[{number}](../notebooks/{path.name}) {title}", f"{read}", f"{more or '-'}", needs or "-")
        rows.append(f"| {' | '.join(cells)} | {', '.join(refers(number)) or '-'} | {lost} |")
    read, more = (sum(stated(n)[k] for n in lessons()) for k in (0, 1))
    rows.append(f"| **all** | **{read}** | **{more}** | | | |")
    return "\n".join(rows) + "\n"


def renewed(text: str) -> str:
    """The guide with its table as it is now."""
    before, _, rest = text.partition(_BEGIN)
    return f"{before}{_BEGIN}{table()}{_END}{rest.partition(_END)[2]}"


# What does not agree


def problems(text: str) -> Iterator[str]:
    """Yield a sentence for each place of the guide that does not agree with the lessons."""
    plain = re.sub(r"```.*?```|`[^`\n]+`", "", text, flags=re.S)
    if renewed(text) != text:
        yield "its table is not what the lessons say: run `python -m tools.guide`"
    for number, (needs, _) in NEEDS.items():
        if number in lessons() and not set(needs.split(", ")) - {""} <= set(_before(number)):
            yield f"what {number} needs comes before it: {needs}"
    yield from _minutes(plain)
    yield from _sums(plain)
    yield from _sections(plain)
    yield from _numbers(plain)


def _minutes(text: str) -> Iterator[str]:
    """Exercises exist, and take as long as they say; so do lessons."""
    for id, said in re.findall(_ID + r"(?: \((\d+)\))?", text):
        if said and id not in exercises.ids():
            yield f"there is no exercise {id}"
        elif said and int(said) != exercises.get(id).minutes:
            yield f"exercise {id} takes {exercises.get(id).minutes} minutes, not {said}"
    for number, stem, said in re.findall(_LINK + r"(?: \((\d+)\))?", text):
        if number not in lessons() or lessons()[number].stem != stem:
            yield f"{stem} is not lesson {number}"
        elif said and int(said) != stated(number)[0]:
            yield f"lesson {number} takes {stated(number)[0]} minutes to read, not {said}"


def _sums(text: str) -> Iterator[str]:
    """The parts of a cell that ends in ``= 90 min`` add up to that, a table's rows to its last one."""
    total = 0
    for line in text.splitlines():
        cells = [c.strip() for c in line.strip("|").split("|")] if line.startswith("|") else []
        for cell in cells:
            if end := re.search(r"= (\d+) min$", cell):
                parts = sum(map(int, re.findall(r" \((\d+)\)", cell)))
                if parts != int(end[1]):
                    yield f"these parts are {parts} minutes, not {end[1]}: {cell[:60]}"
                bare = set(re.findall(_ID, cell)) - {id for id, _ in re.findall(_ID + r" \((\d+)\)", cell)}
                yield from (f"exercise {id} stands without its minutes: {cell[:60]}" for id in sorted(bare))
        if not cells:
            total = 0
        elif cells[0].isdigit() and len(cells) == 3:
            total += int(cells[0])
            asked = sum(int(said) for _, said in re.findall(_ID + r" \((\d+)\)", line))
            if asked > int(cells[0]):
                yield f"its exercises take {asked} minutes, more than the row: {line[:60]}"
        elif (end := re.fullmatch(r"\*\*(\d+)\*\*", cells[0])) and len(cells) == 3 and total != int(end[1]):
            yield f"a table's rows are {total} minutes, not {end[1]}"


def sections(text: str) -> dict[str, str]:
    """The section of each lesson, by number."""
    parts = re.split(r"^### (\d\d[a-z]?) .+$", text, flags=re.M)[1:]
    return {
        number: re.split(r"^#{1,2} ", body, flags=re.M)[0]
        for number, body in zip(*[iter(parts)] * 2, strict=True)
    }


def _sections(text: str) -> Iterator[str]:
    """Each lesson has a section, with all parts in order, and sets exercises of its own."""
    found = sections(text)
    if list(found) != list(lessons()):
        yield f"its sections are {list(found)}, and the lessons {list(lessons())}"
    for number, body in found.items():
        parts = re.findall(r"^- \*\*(.+?)\.\*\*", body, re.M)
        if [p for p in parts if p != "Against the text"] != list(PARTS):
            yield f"{number}: its parts are {parts}"
        asked = [id for id in exercises.ids() if exercises.get(id).notebook == lessons()[number].stem]
        for id in re.findall(_ID, body.partition("- **Set.**")[2]):
            if id not in asked:
                yield f"{number}: exercise {id} is not asked there"


def _numbers(text: str) -> Iterator[str]:
    """A number with a point stands in a lesson that the section links, or in the tests of the guide."""
    rows = [line for line in text.splitlines() if re.match(r"\| \d+ \|.*\?.*\|", line)]
    for where, body in [*sections(text).items(), *((f"question {r.split('|')[1].strip()}", r) for r in rows)]:
        named = [number for number, _ in re.findall(_LINK, body)]
        has = "".join(_text(number) for number in named if number in lessons()) + SEEN.read_text(
            encoding="utf-8"
        )
        for number in re.findall(r"(?<![\w.])\d+\.\d+(?![\w.]*\.\d)", body):
            if number not in exercises.ids() and not re.search(rf"(?<![\d.]){re.escape(number)}(?!\d)", has):
                yield f"{where}: no lesson that is linked there has the number {number}"


@cache
def _text(number: str) -> str:
    """All that stands in a lesson: what it says, and what it gave."""
    parts = []
    for cell in _cells(number):
        parts.append("".join(cell["source"]))
        for output in cell.get("outputs", []):
            parts += ["".join(output.get("text", ""))]
            parts += ["".join(v) for k, v in output.get("data", {}).items() if k.startswith("text/")]
    return "\n".join(parts)


def main() -> int:
    """Write the guide's table, and say what else does not agree."""
    text = renewed(GUIDE.read_text(encoding="utf-8"))
    replace(GUIDE, text.encode())
    found = list(problems(text))
    print("\n".join(found) or "the guide agrees with the lessons")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
