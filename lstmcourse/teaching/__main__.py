"""Teach with the course, from the terminal.

    python -m lstmcourse.teaching grade FOLDER                    every lesson that was handed in
    python -m lstmcourse.teaching grade FOLDER --lessons 05 06    these
    python -m lstmcourse.teaching slides 05 08 --out FOLDER       slides of these lessons

To grade, FOLDER holds one folder, or one zip, for each student, with the notebooks they worked in. What they
wrote is run, with your rights, and the checks of the exercises are asked again. A table is printed;
report.html and report.csv are written.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from ..checks import encodable
from ..files import whole
from ..files.paths import expand
from .apart import Limits
from .grade import grade
from .lesson import COURSE
from .report import page, sheet, table
from .slides import command as slides

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what is asked for; return 0 (an error ends the program, with 2)."""
    parser = argparse.ArgumentParser(
        prog="python -m lstmcourse.teaching", description="Teach with the course."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    it = commands.add_parser("grade", help="run what a class has written, and ask the checks again")
    it.add_argument("folder", metavar="FOLDER", help="holds one folder, or one zip, for each student")
    it.add_argument("--lessons", nargs="+", default=[], metavar="NN", help="such as 05 06 (all handed in)")
    it.add_argument("--out", default="report", help="the files' name: report.html, report.csv (report)")
    it.add_argument("--workers", type=int, default=0, help="answers that run at once (one a processor)")
    it.add_argument("--seconds", type=float, default=120, help="that an answer may take (120)")
    it.add_argument("--memory", type=int, default=2048, help="megabytes that it may take, on Linux (2048)")
    it.add_argument("--course", default=str(COURSE), help="the folder of the course's notebooks")
    it.set_defaults(do=_grade)
    slides.add(commands)
    options = parser.parse_args(arguments)
    try:
        options.do(options, parser)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        return 130
    return 0


def _grade(options: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Grade a class."""
    if options.workers < 0 or not 0 < options.seconds <= 1e6 or not 1 <= options.memory <= 1e6:
        parser.error(
            f"--workers {options.workers} --seconds {options.seconds:g} --memory {options.memory}: "
            "workers are 0 or more, the others more than 0, and a million at most"
        )
    files = {kind: expand(f"{options.out}.{kind}", "--out") for kind in ("html", "csv")}
    for path in files.values():
        whole.check_replaceable(path)
    grades = grade(
        options.folder,
        options.lessons,
        course=options.course,
        workers=options.workers,
        limits=Limits(options.seconds, options.memory),
        progress=_progress if sys.stderr.isatty() else lambda done, of: None,
    )
    title = f"Grades: {Path(options.folder).resolve().name}"
    whole.replace(files["html"], page(grades, title).encode("utf-8", "replace"))
    whole.replace(files["csv"], sheet(grades).encode("utf-8-sig", "replace"))
    try:
        print(encodable(f"{table(grades)}\n\nwritten: {files['html']}, {files['csv']}"), flush=True)
    except BrokenPipeError:  # who reads has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # at the end Python tries once more


def _progress(done: int, of: int) -> None:
    print(f"\r{done} of {of} answers", end="" if done < of else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
