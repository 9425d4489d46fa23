"""The ledger: every statement of the essay, the verdict, the numbers, and the cells that show it, as a page.

``python -m tools.ledger`` writes ``docs/claims.html`` from the notebooks as they are stored; nothing is run.
`tools.notebooks` does so too, after a build.
"""

from __future__ import annotations

import html
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lstmcourse.course.claims import CLAIMS, VERDICTS, in_words
from tools.claims import evidence

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "claims.html"
TEMPLATE = Path(__file__).with_suffix(".html")
OPEN = "open"
MEANING = {
    "met": "it holds, as far as we measured",
    "qualified": "it holds with a reservation, which is stated",
    "refuted": "in our measurements it does not hold",
    OPEN: "the course has not come to it yet",
}
COLOURS = {"met": "#00795a", "qualified": "#8f6200", "refuted": "#a03070", OPEN: "#666666"}


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


_RESULT = re.compile(
    r"(C\d\d) (\w+): (.*)\n\s+required: (.*?)(?:\n\s+measured: <(.*)>)?\s*\Z"
)  # as `lstmcourse.course.claims.Result` prints itself


def lines(folder: Path) -> Iterator[Line]:
    """Yield what the stored notebooks state, in their order."""
    for path in sorted(folder.glob("[0-9][0-9]*_*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            for output in cell.get("outputs", []):
                text = "".join(output.get("data", {}).get("text/plain", []))
                if found := _RESULT.match(text):
                    id_, verdict, statement, required, measured = found.groups()
                    yield Line(id_, verdict, statement, required, measured or "", path.stem, cell["id"])


def verdict_of(given: list[Line]) -> str:
    """Return one word for a claim: the gravest of its results' verdicts.

    Examples
    --------
    >>> verdict_of([])
    'open'
    """
    words = [line.verdict for line in given]
    return max(words, key=VERDICTS.index) if words else OPEN


def page(folder: Path) -> str:
    """Return the page."""
    every = list(lines(folder))
    marked, _ = evidence(folder)
    rows, counts = [], dict.fromkeys(MEANING, 0)
    for claim in CLAIMS.values():
        mine = [line for line in every if line.claim == claim.id]
        cells = sorted({(e.notebook, e.cell) for e in marked if e.claim == claim.id})
        verdict = verdict_of(mine) if mine or not cells else "met"  # a definition, or history, that is there
        counts[verdict] += 1
        rows.append(_row(claim, verdict, mine, cells))
    summary = ", ".join(f"{n} {word}" for word, n in counts.items() if n)
    legend = "".join(
        f'<li><strong class="{word}">{word}</strong>: {html.escape(what)}</li>'
        for word, what in MEANING.items()
    )
    text = TEMPLATE.read_text(encoding="utf-8")
    for place, content in {
        "/* css */": "\n".join(f".{word} {{ color: {colour}; }}" for word, colour in COLOURS.items()),
        "<!-- summary -->": f"{len(CLAIMS)} statements: {summary}",
        "<!-- legend -->": legend,
        "<!-- rows -->": "\n".join(rows),
    }.items():
        text = text.replace(place, content)
    return text


def _row(claim: Any, verdict: str, mine: list[Line], cells: list[tuple[str, int]]) -> str:
    results = "".join(f"<li>{_result(line)}</li>" for line in mine)
    homes = list(dict.fromkeys([line.notebook for line in mine] + [notebook for notebook, _ in cells]))
    links = ", ".join(f'<a href="../notebooks/{name}.ipynb">{name.partition("_")[0]}</a>' for name in homes)
    return (
        f'<tr id="{claim.id}"><th scope="row">{claim.id}</th><td>{html.escape(claim.title)}'
        f"{f'<ul>{results}</ul>' if results else ''}</td>"
        f'<td class="{verdict}"><strong>{verdict}</strong></td><td>{html.escape(in_words(claim.kinds))}</td>'
        f"<td>{links or html.escape(', '.join(claim.homes))}</td></tr>"
    )


def _result(line: Line) -> str:
    measured = f", measured {html.escape(line.measured)}" if line.measured else ""
    number = line.notebook.partition("_")[0]
    return (
        f'<a href="../notebooks/{line.notebook}.ipynb#cell-id={line.cell}">{number}</a> '
        f'<span class="{line.verdict}">{line.verdict}</span>: {html.escape(line.statement)} '
        f"<small>(required {html.escape(line.required)}{measured})</small>"
    )


def write(folder: Path = ROOT / "notebooks", path: Path = PAGE) -> Path:
    """Write the page."""
    path.write_text(page(folder), encoding="utf-8")
    return path


def main() -> int:
    """Write the page."""
    print(write().relative_to(ROOT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
