"""Draw the picture of the README: ``python -m tools.picture``."""

from __future__ import annotations

from pathlib import Path

from lstmcourse import cells

PICTURE = Path(__file__).resolve().parent.parent / "docs" / "lstm.svg"


def text() -> str:
    """The picture, as it should be."""
    return cells.lstm.diagram().svg


if __name__ == "__main__":
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(text(), encoding="utf-8")
