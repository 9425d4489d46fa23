"""``python -m lstmcourse.teaching slides``: decks of lessons."""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path

from ...errors import FileError
from ...files import replace
from ...files.paths import expand
from ..lesson import COURSE

__all__ = ["add", "run", "write"]

NEEDED = ("markdown_it", "mdit_py_plugins", "math_core", "pygments")


def add(commands: argparse._SubParsersAction) -> None:
    """Add this command to those of the program."""
    it = commands.add_parser("slides", help="make slides of lessons: one page each, which works offline")
    it.add_argument("names", nargs="*", metavar="NN", help="how the lessons' names begin, such as 05 (all)")
    it.add_argument("--out", default="slides", metavar="FOLDER", help="where they go (slides)")
    it.add_argument("--course", default=COURSE, help="the folder of the course's notebooks")
    it.set_defaults(do=run)
    it.add_argument(
        "--handout", action="store_true", help="without the speaker's notes, and so without solutions"
    )


def run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Write the decks that are asked for, and say where they are."""
    from . import lesson

    folder = options.course
    for path in lesson.find(folder, options.names):
        written, count = write(path, options.out, notes=not options.handout)
        print(f"{written}: {count} slides, {written.stat().st_size / 1000:.0f} kB", flush=True)


def write(path: str | Path, out: str | Path, *, notes: bool = True) -> tuple[Path, int]:
    """Write the deck of one lesson.

    Parameters
    ----------
    path : path
        Of the lesson, ``NN_name.ipynb``; its solutions are sought in ``solutions/`` beside it.
    out : path
        The folder that the deck goes into, as ``NN_name.html``.
    notes : bool
        Whether the speaker's notes, with hints and solutions, are in the page.

    Returns
    -------
    Path, int
        The page, and how many slides it has.

    Raises
    ------
    FileError
        The packages of the extra ``teach`` are not there, or the lesson cannot be read.
    """
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise FileError(
            f"slides need {', '.join(missing)}: run `make slides`, or pip install 'lstmcourse[teach]'"
        )
    from . import lesson, page, rules

    read = lesson.read(path)
    deck = rules.slides(read)
    target = expand(out, "out") / f"{read.name}.html"
    replace(target, page.document(read.title, deck, notes=notes).encode())
    return target, len(deck)
