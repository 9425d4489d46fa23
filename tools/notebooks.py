"""Build the course's notebooks from their sources, and check that what is stored is what the sources give.

::

    python -m tools.notebooks build                 # every notebook: run it, store its outputs
    python -m tools.notebooks build 01 02_long      # those whose names begin so
    python -m tools.notebooks check                 # nothing is run: sources, ids, metadata, counts, outputs

A source is a Jupytext percent script, ``notebooks/source/NN_name.py``. From it come
``notebooks/NN_name.ipynb`` (the lesson, exercises open) and, where it has exercises,
``notebooks/solutions/NN_name.ipynb``. A cell's marker may carry tags and the claims that the cell meets::

    # %% tags=["setup"] claims=["C12"]

===========  ===========================================================================================
tag          what happens to the cell
===========  ===========================================================================================
(none)       in the lesson only
setup        in both: imports and whatever the solutions need to run without the lesson
exercise     in both; in code, lines from ``# solution:`` to ``# end`` are left out of the lesson, which has
             ``pass`` in their place; or ``name = ...`` where it says ``# solution: name``; or the lines that
             stand, commented out, after ``# given:``
solution     in the solutions only
check        in the lesson, folded away: asserts of what the text says beside the boxes of `claim`
===========  ===========================================================================================

Only the solution is written down: the open exercise is derived from it. The Markdown cell that asks for it
says ``exercise="05.2"``: its title, minutes, difficulty and hints are those of `lstmcourse.exercises`.
Further tags are Jupyter's and nbval's own, see `OTHER` and `EXEMPT`. This lives outside the package: a reader
of the course never needs it.

Where a text says ``{minutes}``, the builder writes how long the lesson takes, `reading_time` and the
exercises; a lesson that takes more than `READING` minutes is refused. Under the first text of each lesson the
builder links the glossary and the table of notations.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from lstmcourse import exercises
from tools import ledger

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "notebooks"
SECONDS = 60  # what a notebook may take on two cores
REFUSED = 25  # lines of a code cell
WIDTH = 79  # characters of a line of code, which then is not clipped in a narrow window or in print
READING = 45  # minutes
PAGES = "*[Words](../docs/glossary.md) and [notations](../docs/conventions.md)*"
ROLES = frozenset({"setup", "exercise", "solution", "check"})
EXEMPT = frozenset({"nbval-ignore-output", "nbval-skip"})  # only with the reason, in the marker or beside it
OTHER = frozenset({"raises-exception", "hide-input"})
SLIDE = ("new", "skip", "code")  # what a marker may say against the rules by which slides are made
METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
WIDGET = "application/vnd.jupyter.widget-view+json"


class SourceError(ValueError):
    """A source breaks a rule of the course; the message names the cell and the rule."""


@dataclass(frozen=True)
class Target:
    """A notebook that can be built: where it is stored, and what it is before it is run."""

    path: Path
    notebook: nbformat.NotebookNode

    @property
    def name(self) -> str:
        """Its path within the folder of notebooks."""
        return "/".join(self.path.parts[-2:]) if self.path.parent.name == "solutions" else self.path.name


# From source to notebook


def targets(source: Path, folder: Path) -> list[Target]:
    """Return the lesson, and the solutions if there are any, that a source describes; nothing is run."""
    cells = list(_cells(source))
    lesson = list(_linked(_timed(source.name, list(_lesson(cells)))))
    made = [Target(folder / f"{source.stem}.ipynb", _notebook(f"{source.stem}", lesson))]
    if any(_role(cell) in ("exercise", "solution") for cell in cells):
        solved = _notebook(f"{source.stem}/solutions", _solutions(source.stem, cells))
        made.append(Target(folder / "solutions" / f"{source.stem}.ipynb", solved))
    return made


def _cells(source: Path) -> Iterator[nbformat.NotebookNode]:
    """Read a percent script; refuse cells that break a rule."""
    text = source.read_text(encoding="utf-8")
    for number, cell in enumerate(jupytext.reads(text, fmt="py:percent").cells, start=1):
        where = f"{source.name}, cell {number}"
        if not cell.source.strip():
            raise SourceError(f"{where} is empty: remove it")
        for key in [key for key in cell.metadata if key.startswith("lines_to_")]:
            del cell.metadata[key]  # Jupytext's notes on blank lines
        if extra := set(cell.metadata) - {"tags", "claims", "exercise", "slide", "seeds", "why"}:
            raise SourceError(
                f"{where}: its marker says {sorted(extra)}; it may carry tags=[], claims=[], "
                'exercise="", slide="", seeds="", why=""'
            )
        if (slide := cell.metadata.get("slide", "new")) not in SLIDE:
            raise SourceError(f"{where} says slide={slide!r}; it may be {', '.join(SLIDE)}: docs/slides.md")
        if "exercise" in cell.metadata:
            _refuse_exercise(where, cell, source.stem)
        tags = set(cell.metadata.get("tags", []))
        if len(tags & ROLES) > 1:
            raise SourceError(f"{where} is {sorted(tags & ROLES)} at once: choose one")
        if unknown := tags - (known := ROLES | EXEMPT | OTHER):
            raise SourceError(f"{where} has the tags {sorted(unknown)}; there are {sorted(known)}")
        if tags & EXEMPT and not ("why" in cell.metadata or "# not compared: " in cell.source):
            raise SourceError(f'{where} is tagged {sorted(tags & EXEMPT)}: give the reason, why="..."')
        if re.search(r"#\s*NBVAL_", cell.source):
            raise SourceError(f'{where} exempts itself in a comment: use a tag, and why="..."')
        if cell.cell_type == "code" and (lines := length(cell.source)) > REFUSED:
            raise SourceError(
                f"{where} has {lines} lines of code, and {REFUSED} is the most: split it, or import it"
            )
        if len(re.findall(r"^\s*# solution:", cell.source, re.M)) != len(_SOLUTION.findall(cell.source)):
            raise SourceError(f"{where} has a '# solution:' without its '# end'")
        yield cell


def _refuse_exercise(where: str, cell: nbformat.NotebookNode, stem: str) -> None:
    """Refuse an exercise that is not asked in a Markdown cell of its own notebook."""
    id = cell.metadata["exercise"]
    if id not in exercises.ids() or exercises.get(id).notebook != stem:
        there = [i for i in exercises.ids() if exercises.get(i).notebook == stem]
        raise SourceError(f"{where} asks exercise {id!r}; lstmcourse.exercises has for this notebook {there}")
    if cell.cell_type != "markdown" or _role(cell) != "exercise":
        raise SourceError(f'{where} asks exercise {id}: that is a Markdown cell with tags=["exercise"]')


def length(source: str) -> int:
    """Lines of code in a cell: those that are neither blank nor comments."""
    return sum(1 for line in source.splitlines() if line.strip() and not line.strip().startswith("#"))


def reading_time(cells: Iterable[nbformat.NotebookNode]) -> float:
    """Minutes that a lesson takes without its exercises: one for 200 words, 1.5 for a code cell."""
    read = [cell for cell in cells if _role(cell) not in ("exercise", "check")]
    words = sum(len(cell.source.split()) for cell in read if cell.cell_type == "markdown")
    return words / 200 + 1.5 * sum(cell.cell_type == "code" for cell in read)


def _timed(name: str, cells: list[nbformat.NotebookNode]) -> Iterator[nbformat.NotebookNode]:
    """Write how long a lesson takes where its text asks for it."""
    reading = reading_time(cells)
    tasks = sum(exercises.get(c.metadata["exercise"]).minutes for c in cells if "exercise" in c.metadata)
    said = f"It takes about {5 * round(reading / 5)} minutes to read"
    said += f", and the exercises about {5 * round(tasks / 5)} more." if tasks else "."
    for cell in cells:
        if cell.cell_type == "markdown" and "{minutes}" in cell.source:
            if reading > READING:
                raise SourceError(f"{name} takes {reading:.0f} minutes to read, and {READING} is the most")
            cell.source = cell.source.replace("{minutes}", said)
        yield cell


def _linked(cells: Iterable[nbformat.NotebookNode]) -> Iterator[nbformat.NotebookNode]:
    """Link the pages of words and of notations under the text that the lesson begins with."""
    for number, cell in enumerate(cells):
        if number == 0 and cell.source.startswith("# "):
            cell.source += f"\n\n{PAGES}"
        yield cell


def _role(cell: nbformat.NotebookNode) -> str:
    return next(iter(set(cell.metadata.get("tags", [])) & ROLES), "")


_SOLUTION = re.compile(
    r"^(?P<indent>[ \t]*)# solution:[ \t]*(?P<name>[^\n]*)\n(?P<body>.*?)^[ \t]*# end[ \t]*(?:\n|\Z)",
    re.M | re.S,
)


def _lesson(cells: Iterable[nbformat.NotebookNode]) -> Iterator[nbformat.NotebookNode]:
    """Leave the solutions out, and open the exercises."""
    for cell in cells:
        if _role(cell) == "solution":
            continue
        source = cell.source
        if _role(cell) == "exercise" and cell.cell_type == "code":
            source = _SOLUTION.sub(_opened, source).rstrip("\n")
        yield _copy(cell, _asked(cell, source))


def _opened(match: re.Match) -> str:
    """What stands in an open exercise in place of its solution."""
    _, given, lines = match["body"].partition(f"{match['indent']}# given:\n")
    if given:
        return re.sub(r"^([ \t]*)# ?", r"\1", lines, flags=re.M)
    name = match["name"].strip() if re.fullmatch(r"\s*\w+\s*", match["name"]) else ""
    return f"{match['indent']}{f'{name} = ...' if name else 'pass'}  # your turn\n"


def _solved(match: re.Match) -> str:
    """The solution, without what the open exercise has in its place."""
    return match["body"].partition(f"{match['indent']}# given:\n")[0]


def _asked(cell: nbformat.NotebookNode, source: str, *, solved: bool = False) -> str:
    """An exercise's text, with its title, what it takes, and, till it is solved, hints to open."""
    if "exercise" not in cell.metadata:
        return source
    e = exercises.get(cell.metadata["exercise"])
    parts = [
        f"{'##' if solved else '###'} {e.id} {e.title}",
        f"*{e.kind}, {e.how}, about {e.minutes} minutes*",
        source,
    ]
    if not solved:
        parts += [
            f"<details><summary>Hint {k}</summary>\n\n{hint}\n\n</details>"
            for k, hint in enumerate(e.hints, start=1)
        ]
    return "\n\n".join(parts)


def _solutions(stem: str, cells: Iterable[nbformat.NotebookNode]) -> Iterator[nbformat.NotebookNode]:
    """Keep the set-up, the exercises with their solutions filled in, and the solutions."""
    lesson = f"[{stem}](../{stem}.ipynb)"
    yield nbformat.v4.new_markdown_cell(
        f"# Solutions to the exercises of {lesson}\n\nTry them yourself first."
    )
    for cell in cells:
        if _role(cell) not in ("", "check"):
            source = _SOLUTION.sub(_solved, cell.source).rstrip("\n")
            yield _copy(cell, _asked(cell, source, solved=True), claims=False)


def _copy(cell: nbformat.NotebookNode, source: str, *, claims: bool = True) -> nbformat.NotebookNode:
    metadata = {k: v for k, v in cell.metadata.items() if claims or k != "claims"}
    if _role(cell) == "check":
        metadata["jupyter"] = {"source_hidden": True}
    return nbformat.NotebookNode(cell_type=cell.cell_type, metadata=metadata, source=source)


def _notebook(name: str, cells: Iterable[nbformat.NotebookNode]) -> nbformat.NotebookNode:
    """Assemble cells into a notebook that has not been run, with metadata and lasting cell ids."""
    made, seen = [], Counter()
    for cell in cells:
        key = (cell.cell_type, cell.source)
        fresh = nbformat.NotebookNode(
            id=_id(name, *key, seen[key]),
            cell_type=cell.cell_type,
            metadata=cell.metadata,
            source=cell.source,
        )
        seen[key] += 1
        if cell.cell_type == "code":
            fresh.update(execution_count=None, outputs=[])
        made.append(fresh)
    return nbformat.from_dict({"cells": made, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5})


def _id(*parts: Any) -> str:
    """Name a cell after its notebook and text: an edit elsewhere does not change it."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


# Running


def run(target: Target, timeout: int = 120) -> nbformat.NotebookNode:
    """Run a notebook in its own folder, and return it with its outputs, cleaned of all that varies."""
    os.environ["LSTMCOURSE_REGRESSION"] = "1"  # the progress bar then prints nothing that varies
    notebook = nbformat.from_dict(json.loads(json.dumps(target.notebook)))
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        record_timing=False,
        coalesce_streams=True,  # how often the kernel sends what is printed depends on its load
        resources={"metadata": {"path": str(target.path.parent)}},
    )
    target.path.parent.mkdir(parents=True, exist_ok=True)
    client.execute()
    return clean(notebook)


def clean(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Drop widget state and views, machine paths in tracebacks, and what the kernel says of itself."""
    notebook.metadata = nbformat.from_dict(METADATA)
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            output.get("data", {}).pop(WIDGET, None)
            if output.output_type == "error":
                output.traceback = [f"{output.ename}: {output.evalue}"]
            if "metadata" in output:
                output.metadata.pop(WIDGET, None)
    return notebook


def store(notebook: nbformat.NotebookNode, path: Path) -> None:
    """Write a notebook, whole or not at all."""
    nbformat.validate(notebook)
    part = path.with_suffix(".ipynb.partial")
    part.write_text(nbformat.writes(notebook).rstrip("\n") + "\n", encoding="utf-8")
    part.replace(path)


# Checking


def check(target: Target) -> list[str]:
    """Return what is wrong with a stored notebook, as sentences; an empty list if it is up to date."""
    again = f"run `make notebooks`, or `python -m tools.notebooks build {target.path.stem[:2]}`"
    if not target.path.exists():
        return [f"{target.name} has not been built: {again}"]
    stored = json.loads(target.path.read_text(encoding="utf-8"))
    found = [f"{target.name}: {problem}: {again}" for problem in _differences(target.notebook, stored)]
    return found + [f"{target.name}, {problem}" for problem in _outputs(stored)]


def _differences(made: nbformat.NotebookNode, stored: dict[str, Any]) -> Iterator[str]:
    """Compare everything but the outputs."""
    if stored["metadata"] != made.metadata:
        yield f"its metadata is {json.dumps(stored['metadata'])[:200]}"
    if (stored["nbformat"], stored["nbformat_minor"]) != (made.nbformat, made.nbformat_minor):
        yield f"its format is {stored['nbformat']}.{stored['nbformat_minor']}"
    if len(stored["cells"]) != len(made.cells):
        yield f"it has {len(stored['cells'])} cells, and its source {len(made.cells)}"
        return
    for number, (old, new) in enumerate(zip(stored["cells"], made.cells, strict=True), start=1):
        for key in ("cell_type", "id", "metadata"):
            if old.get(key) != new[key]:
                yield f"cell {number} has the {key} {old.get(key)!r}, and its source gives {new[key]!r}"
        if "".join(old["source"]) != new.source:
            yield f"the text of cell {number} is not its source's"
    counts = [cell["execution_count"] for cell in stored["cells"] if cell["cell_type"] == "code"]
    if counts != list(range(1, len(counts) + 1)):
        yield f"its code cells are counted {counts}, not 1 to {len(counts)}"
    if counts and not any(cell.get("outputs") for cell in stored["cells"]):
        yield "no output is stored"


_ADDRESS = re.compile(r"\bat 0x[0-9a-f]{6,}|<[^<>]*object at 0x")
_HOME = re.compile(r"(?:^|[\s\"'(=])(?:/home/|/Users/|/root/|/tmp/|[A-Z]:\\\\Users)")


def _outputs(stored: dict[str, Any]) -> Iterator[str]:
    """Find what must not stand in a stored output."""
    for number, cell in enumerate(stored["cells"], start=1):
        tags = set(cell["metadata"].get("tags", []))
        outputs = cell.get("outputs", [])
        if cell["cell_type"] == "code" and "claim(" in "".join(cell["source"]) and not outputs:
            yield f"cell {number}: it states a claim, and nothing is stored of it"
        for output in outputs:
            if output["output_type"] == "error" and "raises-exception" not in tags:
                yield f"cell {number}: it failed with {output['ename']}"
            if output.get("name") == "stderr":
                yield f"cell {number}: it wrote to stderr: {''.join(output['text'])[:120]!r}"
            if WIDGET in output.get("data", {}):
                yield f"cell {number}: a widget's view is stored, which shows an error until the cell is run"
            text = json.dumps({k: v for k, v in output.get("data", {}).items() if not k.startswith("image/")})
            text += "".join(output.get("text", []))
            if match := _ADDRESS.search(text) or _HOME.search(text) or re.search(re.escape(str(ROOT)), text):
                yield f"cell {number}: what it shows differs between machines: {match.group()!r}"


def strays(folder: Path) -> list[str]:
    """Return the stored notebooks that have no source."""
    wanted = {t.path for source in sources(folder) for t in targets(source, folder)}
    there = {*folder.glob("*.ipynb"), *folder.glob("solutions/*.ipynb")}
    return [f"{path.relative_to(folder)} has no source: remove it" for path in sorted(there - wanted)]


# The command


def sources(folder: Path, names: Iterable[str] = ()) -> list[Path]:
    """Return the sources whose names begin with one of those given, or all."""
    every = sorted((folder / "source").glob("[0-9][0-9]*_*.py"))
    names = list(names)
    for name in names:
        if not any(path.stem.startswith(name) for path in every):
            raise SourceError(f"no source begins with {name!r}; there are {[path.stem for path in every]}")
    return [path for path in every if not names or any(path.stem.startswith(name) for name in names)]


def build(folder: Path, names: Iterable[str] = (), seconds: int = SECONDS) -> list[str]:
    """Build, run and store notebooks; return what is wrong with them."""
    problems = []
    for source in sources(folder, names):
        for target in targets(source, folder):
            started = time.perf_counter()
            store(run(target), target.path)
            took = time.perf_counter() - started
            print(f"{target.name}: {took:.0f} s", flush=True)
            if took > seconds:
                problems.append(f"{target.name} took {took:.0f} s, and {seconds} s is the most")
            problems += check(target)
    return problems


def main(arguments: list[str] | None = None) -> int:
    """Build notebooks from their sources, or check that they are up to date."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description=main.__doc__)
    parser.add_argument("command", choices=["build", "check"])
    parser.add_argument("names", nargs="*", help="how the notebooks' names begin, such as 01 (default: all)")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where source/ is, and the notebooks go")
    options = parser.parse_args(arguments)
    folder = options.folder.resolve()
    try:
        if options.command == "build":
            problems = build(folder, options.names)
            if folder == FOLDER:
                ledger.write()
        else:
            problems = [
                p for s in sources(folder, options.names) for t in targets(s, folder) for p in check(t)
            ]
        problems += strays(folder)
    except (SourceError, CellExecutionError) as error:
        print(error, file=sys.stderr)
        return 1
    for line in problems:
        print(line, file=sys.stderr)
    if not problems and options.command == "check":
        print(f"{len(sources(folder, options.names))} sources: their notebooks are up to date")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
