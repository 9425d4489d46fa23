"""Lay the notebooks out for a learner: copies in ``my_notebooks/``, which are theirs to change.

::

    python -m tools.desk            # then: jupyter lab my_notebooks/00_start_here.ipynb

What lies in ``notebooks/`` stays as it is, so that the course can be brought up to date (``git pull``)
without a conflict. Run again, this brings the copies up to date too: those whose cells were not changed are
replaced. A copy that was changed is kept, and where the course has a newer one it is laid beside it, as
``05_forget_gate.new.ipynb``.

The copies are marked as trusted, so that stored pictures show before anything is run, and JupyterLab is told
not to ask for news and updates.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sqlite3
import sys
from itertools import count
from pathlib import Path

import nbformat
from nbformat.sign import NotebookNotary

from lstmcourse.files.whole import replace

ROOT = Path(__file__).resolve().parent.parent
FOLDER = "my_notebooks"
RECORD = Path(".lstmcourse") / "desk.json"  # of each copy, what the course's notebook was when it was made


def content(path: Path) -> str:
    """Return a digest of what stands in a notebook's cells, whatever was run and however it was saved.

    What cannot be read has the empty text.
    """
    try:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts = [[c["cell_type"], "".join(c["source"]).rstrip()] for c in cells]
    except (OSError, ValueError, KeyError, TypeError):
        return ""
    while texts and not texts[-1][1]:  # JupyterLab adds an empty cell at the end
        texts.pop()
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()


def lay_out(course: Path, desk: Path) -> list[str]:
    """Copy what is new, and what the learner has not changed; return what there is to say.

    Parameters
    ----------
    course : Path
        Where the notebooks are, with ``solutions/`` in it.
    desk : Path
        Where the copies go.
    """
    record = _record(desk)
    said, made = [], 0
    for source in sorted([*course.glob("*.ipynb"), *course.glob("solutions/*.ipynb")]):
        name = source.relative_to(course).as_posix()
        mine, theirs = desk / name, content(source)
        if not mine.exists() or content(mine) == record.get(name) != theirs:
            made += 1
        elif content(mine) == theirs or record.get(name) == theirs:
            continue  # it is current, or changed from what is current
        else:
            mine = _beside(mine, desk, record)
            record[mine.relative_to(desk).as_posix()] = theirs
            said.append(f"{name} has changed here and in the course: the new one is {mine.relative_to(desk)}")
        replace(mine, source.read_bytes())
        record[name] = theirs
    replace(desk / RECORD, json.dumps(record, indent=1).encode())
    return [f"{made} notebooks laid out in {desk.name}/"] * bool(made) + said


def _beside(mine: Path, desk: Path, record: dict[str, str]) -> Path:
    """Return where a newer notebook goes: a name that is free, or a copy that the learner has not changed."""
    for number in count(1):
        path = mine.with_suffix(f".new{number if number > 1 else ''}.ipynb")
        if not path.exists() or content(path) == record.get(path.relative_to(desk).as_posix()):
            return path
    raise AssertionError("count ended")


def _record(desk: Path) -> dict[str, str]:
    """Return what is noted of the copies; if it cannot be read, nothing: then all are the learner's."""
    try:
        noted = json.loads((desk / RECORD).read_text(encoding="utf-8"))
        return {str(k): str(v) for k, v in noted.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def trust(desk: Path) -> None:
    """Mark the copies as trusted; where that cannot be noted, pictures wait until the cells have run."""
    notary = NotebookNotary()
    try:
        for path in sorted(desk.rglob("*.ipynb")):
            if ".ipynb_checkpoints" not in path.parts:
                notary.sign(nbformat.read(path, as_version=4))
    except (OSError, ValueError, sqlite3.Error) as error:
        print(f"(The notebooks could not be marked as trusted: {error})")
    finally:
        notary.store.close()


def settings(prefix: Path) -> None:
    """Tell the JupyterLab of this environment not to ask for news and updates."""
    try:
        folder = prefix / "share" / "jupyter" / "lab" / "settings"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(__file__).with_name("lab_overrides.json"), folder / "overrides.json")
    except OSError as error:
        print(f"(JupyterLab's settings stay as they are: {error})")


def main(arguments: list[str] | None = None) -> int:
    """Lay the notebooks out."""
    parser = argparse.ArgumentParser(prog="python -m tools.desk", description=main.__doc__)
    parser.add_argument("--course", type=Path, default=ROOT / "notebooks", help="where the notebooks are")
    parser.add_argument("--folder", type=Path, default=ROOT / FOLDER, help="where the copies go")
    options = parser.parse_args(arguments)
    for line in lay_out(options.course, options.folder):
        print(line)
    trust(options.folder)
    settings(Path(sys.prefix))
    return 0


if __name__ == "__main__":
    sys.exit(main())
