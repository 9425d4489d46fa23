"""The ledger: every statement of the essay, the verdict, the numbers, and the cells that show it, as a page.

``python -m tools.ledger`` writes ``docs/claims.html`` from the notebooks as they are stored; nothing is run.
`tools.notebooks` does so too, after a build.
"""

from __future__ import annotations

import html
import sys
from pathlib import Path

from lstmcourse.course.ledger import MEANING, ledger

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "claims.html"
TEMPLATE = Path(__file__).with_suffix(".html")
COLOURS = {"met": "#00795a", "qualified": "#8f6200", "refuted": "#a03070", "open": "#666666"}


def page(folder: Path) -> str:
    """Return the page."""
    found = ledger(folder)
    text = TEMPLATE.read_text(encoding="utf-8")
    for place, content in {
        "/* css */": "\n".join(f".{word} {{ color: {colour}; }}" for word, colour in COLOURS.items()),
        "<!-- summary -->": repr(found),
        "<!-- legend -->": "".join(
            f'<li><strong class="{word}">{word}</strong>: {html.escape(what)}</li>'
            for word, what in MEANING.items()
        ),
        "<!-- table -->": found.table("../notebooks/"),
    }.items():
        text = text.replace(place, content)
    return text


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
