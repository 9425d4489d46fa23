"""The ledger: every statement of the essay, the verdict, and what the notebooks state about it."""

from __future__ import annotations

import html
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from ..checks import choice, text
from ..errors import FileError
from ..files import whole as files
from ..files.paths import expand
from .claims import CLAIMS, VERDICTS, Claim, in_words

__all__ = ["MEANING", "OPEN", "Entry", "Ledger", "Line", "ledger"]

OPEN = "open"
MEANING = {
    "met": "it holds, as far as we measured",
    "qualified": "it holds with a reservation, which is stated",
    "refuted": "in our measurements it does not hold",
    OPEN: "the notebooks say nothing about it yet",
}


@dataclass(frozen=True)
class Line:
    """A result that a notebook states: of which claim, what it says, and the cell it stands in."""

    claim: str
    verdict: str
    statement: str
    required: str
    measured: str
    notebook: str
    cell: str


@dataclass(frozen=True)
class Entry:
    """A statement of the essay.

    Attributes
    ----------
    claim : Claim
        The statement.
    lines : tuple of Line
        What the notebooks measured of it.
    cells : tuple of (str, str)
        The cells that are about it: notebook, and the cell's id.
    """

    claim: Claim
    lines: tuple[Line, ...]
    cells: tuple[tuple[str, str], ...]

    @property
    def verdict(self) -> str:
        """One word: the gravest of the results' verdicts; met, for a definition or history that is there."""
        if self.lines:
            return max((line.verdict for line in self.lines), key=VERDICTS.index)
        return "met" if self.cells else OPEN

    @property
    def notebooks(self) -> list[str]:
        """The notebooks that are about it, in their order."""
        return sorted({notebook for notebook, _ in self.cells} | {line.notebook for line in self.lines})


@dataclass(frozen=True)
class Ledger:
    """What some notebooks state of the essay, as a table that can be sorted; made by `ledger`."""

    entries: tuple[Entry, ...]

    def only(self, verdict: str) -> Ledger:
        """Return the statements with one verdict.

        Parameters
        ----------
        verdict : {"met", "qualified", "refuted", "open"}
        """
        choice("verdict", verdict, MEANING)
        return Ledger(tuple(e for e in self.entries if e.verdict == verdict))

    def __repr__(self) -> str:
        counts = Counter(e.verdict for e in self.entries)
        words = ", ".join(f"{counts[word]} {word}" for word in MEANING if counts[word])
        return f"{len(self.entries)} statements: {words or 'none'}"

    def _repr_html_(self) -> str:
        box = f'<div {_BOX} role="region" aria-label="The ledger" tabindex="0">'
        return f"<p>{self!r}</p>{box}{self.table('')}</div>"

    def table(self, place: str) -> str:
        """Return the table as HTML; `place` is the way to the notebooks' folder."""
        text("place", place)
        rows = "\n".join(_row(e, place) for e in self.entries)
        return _TABLE.read_text(encoding="utf-8").replace("<!-- rows -->", rows)


# within the tags, since of a page that it does not trust JupyterLab shows no style sheet
_CELL = 'style="text-align: left; vertical-align: top; padding: 0.5rem"'
_BOX = 'style="max-height: 32rem; overflow: auto"'
_TABLE = Path(__file__).with_suffix(".html")
_RESULT = re.compile(
    r"(C\d\d) (\w+): (.*)\n\s+required: (.*?)(?:\n\s+measured: <(.*)>)?\s*\Z"
)  # as `lstmcourse.course.claims.Result` prints itself


def ledger(folder: str | Path = ".") -> Ledger:
    """Return what the notebooks of a folder, as they were last saved, state about the essay's statements.

    Parameters
    ----------
    folder : path
        Where the notebooks are, named ``NN_name.ipynb``; by default the one that Python runs in, which for a
        notebook is its own.

    Raises
    ------
    FileError
        There are no such notebooks, or one of them is damaged.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "01_empty.ipynb")
    ...     _ = path.write_text('{"cells": []}')
    ...     ledger(folder)
    51 statements: 51 open
    """
    paths = sorted(expand(folder, "folder").glob("[0-9][0-9]*_*.ipynb"))
    if not paths:
        raise FileError(
            f"folder={str(folder)!r}: there are no notebooks of the course, such as 01_name.ipynb"
        )
    lines: list[Line] = []
    marked: dict[str, list[tuple[str, str]]] = {id_: [] for id_ in CLAIMS}
    for path in paths:
        try:
            for cell in files.read_json(path)["cells"]:
                for claim in cell["metadata"].get("claims", []):
                    marked.setdefault(claim, []).append((path.stem, cell.get("id", "")))
                lines += _lines(cell, path.stem)
        except (AttributeError, LookupError, TypeError) as problem:
            raise FileError(f"{path} is damaged: it is no notebook ({problem!r})") from problem
    return Ledger(
        tuple(
            Entry(claim, tuple(line for line in lines if line.claim == id_), tuple(marked[id_]))
            for id_, claim in CLAIMS.items()
        )
    )


def _lines(cell: dict, notebook: str) -> list[Line]:
    """Return the results that a cell shows."""
    texts = ("".join(output.get("data", {}).get("text/plain", [])) for output in cell.get("outputs", []))
    found = [match.groups(default="") for text in texts if (match := _RESULT.match(text))]
    return [Line(*result, notebook, cell.get("id", "")) for result in found]


def _row(e: Entry, place: str) -> str:
    results = "".join(f"<li>{_result(line, place)}</li>" for line in e.lines)
    links = ", ".join(f'<a href="{place}{name}.ipynb">{name.partition("_")[0]}</a>' for name in e.notebooks)
    return (
        f'<tr id="{e.claim.id}"><th scope="row" {_CELL}>{e.claim.id}</th>'
        f"<td {_CELL}>{html.escape(e.claim.title)}"
        f"{f'<ul>{results}</ul>' if results else ''}</td>"
        f'<td class="{e.verdict}" {_CELL}><strong>{e.verdict}</strong></td>'
        f"<td {_CELL}>{html.escape(in_words(e.claim.kinds))}</td>"
        f"<td {_CELL}>{links or html.escape(', '.join(e.claim.homes))}</td></tr>"
    )


def _result(line: Line, place: str) -> str:
    measured = f", measured {html.escape(line.measured)}" if line.measured else ""
    number = line.notebook.partition("_")[0]
    return (
        f'<a href="{place}{line.notebook}.ipynb#cell-id={line.cell}">{number}</a> '
        f'<span class="{line.verdict}">{line.verdict}</span>: {html.escape(line.statement)} '
        f"<small>(required {html.escape(line.required)}{measured})</small>"
    )
