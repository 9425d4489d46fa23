"""A lesson as it is stored: its cells with their outputs, and the solutions of its exercises."""

from __future__ import annotations

import html
import itertools
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import FileError
from ...files.paths import expand

__all__ = ["Cell", "Claim", "Lesson", "Output", "find", "read"]


@dataclass(frozen=True)
class Output:
    """What a cell shows.

    Attributes
    ----------
    kind : str
        formula, text, picture, claim, verdict, or live: HTML that has a size and often a script of its own.
    content : str
        LaTeX, text or HTML.
    plain : str
        What stands for it where only text can be shown.
    """

    kind: str
    content: str
    plain: str = ""


@dataclass(frozen=True)
class Claim:
    """A statement of the essay as the lesson found it."""

    id: str
    verdict: str
    statement: str


@dataclass(frozen=True)
class Cell:
    """A cell of a lesson; `slide` is what its marker says about slides."""

    kind: str
    source: str
    tags: frozenset[str] = frozenset()
    exercise: str = ""
    slide: str = ""
    outputs: tuple[Output, ...] = ()

    @property
    def question(self) -> str:
        """What an exercise is known by: its id, or where it has none what it asks; else nothing."""
        asks = self.kind == "markdown" and "exercise" in self.tags
        return (self.exercise or self.source) if asks else ""


@dataclass(frozen=True)
class Lesson:
    """A lesson, and what solves each of its exercises, by their `Cell.question`."""

    name: str
    cells: tuple[Cell, ...]
    solutions: dict[str, tuple[Cell, ...]] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Its first heading."""
        return self.cells[0].source.splitlines()[0].lstrip("# ")

    @property
    def claims(self) -> list[Claim]:
        """What it states, with the verdicts, in order."""
        boxes = (o for cell in self.cells for o in cell.outputs if o.kind == "claim")
        found = (re.match(r"(C\d\d) (\w+): ([^\n]*)", box.plain) for box in boxes)
        return [Claim(*match.groups()) for match in found if match]


def find(folder: str | Path, names: list[str]) -> list[Path]:
    """Return the lessons of a folder that are meant by the names, such as ``05``; all, if none is given.

    Raises
    ------
    FileError
        A name means no lesson, or there are none at all.
    """
    folder = expand(folder, "folder")
    every = sorted(folder.glob("[0-9][0-9]*_*.ipynb"))
    if not every:
        raise FileError(f"{folder} holds no lessons: say with --course where the notebooks are")
    chosen = []
    for name in names:
        number = [p for p in every if p.stem.partition("_")[0] in (name, f"0{name}")]
        found = number or [p for p in every if p.stem.startswith(Path(name).stem)]
        if not found:
            raise FileError(f"no lesson begins with {name!r}; there are {', '.join(p.stem for p in every)}")
        chosen += [p for p in found if p not in chosen]
    return chosen if names else every


def read(path: str | Path) -> Lesson:
    """Read a lesson, and its solutions where they lie beside it.

    Parameters
    ----------
    path : Path
        ``NN_name.ipynb``; the solutions are sought in ``solutions/``.

    Returns
    -------
    Lesson

    Raises
    ------
    FileError
        One of them is no notebook.
    """
    path = expand(path)
    solved = path.parent / "solutions" / path.name
    solutions: dict[str, list[Cell]] = {}
    if solved.exists():
        asked = ""
        for cell in _cells(solved):
            if cell.question:
                asked = cell.question
            elif asked and cell.tags & {"exercise", "solution"}:
                solutions.setdefault(asked, []).append(cell)
    cells = tuple(_cells(path))
    if not cells or not cells[0].source.strip():
        raise FileError(f"{path} does not begin with a title: a lesson's first cell is its heading")
    return Lesson(path.stem, cells, {id: tuple(cells) for id, cells in solutions.items()})


def _cells(path: Path) -> list[Cell]:
    try:
        return [_cell(cell) for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise FileError(f"{path} is no notebook that can be read ({error}): build or save it anew") from error


def _cell(cell: dict[str, Any]) -> Cell:
    said = cell["metadata"]
    return Cell(
        kind=cell["cell_type"],
        source="".join(cell["source"]),
        tags=frozenset(said.get("tags", ())),
        exercise=said.get("exercise", ""),
        slide=said.get("slide", ""),
        outputs=tuple(_joined(_output(output) for output in cell.get("outputs", ()))),
    )


def _joined(outputs: Iterable[Output]) -> Iterator[Output]:
    """What was printed piece by piece is one text."""
    for kind, group in itertools.groupby(outputs, key=lambda output: output.kind):
        same = list(group)
        if kind == "text":
            yield Output(kind, "\n".join(output.content.rstrip("\n") for output in same))
        else:
            yield from same


def _output(output: dict[str, Any]) -> Output:
    if output["output_type"] == "stream":
        return Output("text", "".join(output["text"]))
    if output["output_type"] == "error":
        return Output("text", f"{output['ename']}: {output['evalue']}")
    data = {kind: "".join(content) for kind, content in output["data"].items() if kind != "application/json"}
    plain = data.get("text/plain", "")
    if "text/latex" in data:
        return Output("formula", data["text/latex"].strip(), plain)
    if "text/html" not in data:
        return Output("text", plain)
    return Output(_kind(data["text/html"]), data["text/html"], plain)


def _kind(shown: str) -> str:
    """Tell from the HTML what it is."""
    begin = re.match(r'<div class="lc-(\w+)"', shown)
    known = {"claim": "claim", "verdict": "verdict", "picture": "picture"}
    if begin and begin[1] in known:
        return known[begin[1]]
    if begin is None and html.unescape(shown).startswith('<div style="font-size:0"><svg'):
        return "picture"
    return "live"
