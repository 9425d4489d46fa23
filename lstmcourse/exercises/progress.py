"""`progress`: what is done in this folder. It lies in a file there, and goes nowhere else.

Each check adds one line to ``.lstmcourse/answers.jsonl``: nothing is rewritten, so several notebooks may
write at once, and a line that was cut off loses itself alone.
"""

from __future__ import annotations

import csv
import html
import io
import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ..checks import shown
from ..errors import FileError
from ..files import whole
from ..files.paths import NOTES, expand
from .verdict import Verdict

__all__ = ["Progress", "progress", "record"]

FILE = NOTES / "answers.jsonl"
COLUMNS = ("id", "title", "notebook", "minutes", "tries", "done", "mistake")


@dataclass(frozen=True)
class Progress:
    """What is done: a row for each exercise. Displays itself as a table, one line for each notebook.

    Attributes
    ----------
    rows : list of dict
        ``id``, ``title``, ``notebook``, ``minutes``, ``tries``; ``done``, when it was first right, or the
        empty text; ``mistake``, the last one's name.
    """

    rows: list[dict]

    @property
    def done(self) -> list[str]:
        """Ids of the exercises that are done."""
        return [row["id"] for row in self.rows if row["done"]]

    def _notebooks(self) -> list[tuple[str, int, int]]:
        names = dict.fromkeys(row["notebook"] for row in self.rows)
        groups = [[row for row in self.rows if row["notebook"] == name] for name in names]
        return [(n, sum(bool(r["done"]) for r in g), len(g)) for n, g in zip(names, groups, strict=True)]

    def __str__(self) -> str:
        lines = [f"{name:32}{done:3} of {n}" for name, done, n in self._notebooks()]
        return "\n".join([f"{len(self.done)} of {len(self.rows)} exercises are done", *lines])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{html.escape(name)}</td><td>{done} of {n}</td>"
            f"<td><progress value='{done}' max='{n}'>{done} of {n}</progress></td></tr>"
            for name, done, n in self._notebooks()
        )
        return f"<p>{len(self.done)} of {len(self.rows)} exercises are done</p><table>{rows}</table>"

    def csv(self, path: str | os.PathLike | None = None) -> str:
        """Return the rows as CSV, and write them to a file if one is named."""
        paper = io.StringIO()
        writer = csv.DictWriter(paper, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return self._written(paper.getvalue(), path)

    def json(self, path: str | os.PathLike | None = None) -> str:
        """Return the rows as JSON, and write them to a file if one is named."""
        return self._written(json.dumps(self.rows, indent=1, ensure_ascii=False) + "\n", path)

    @staticmethod
    def _written(content: str, path: str | os.PathLike | None) -> str:
        if path is not None:
            whole.replace(path, content.encode("utf-8"))
        return content


def progress(folder: str | os.PathLike = ".") -> Progress:
    """Return what is done in a folder: which exercises, with how many tries.

    Parameters
    ----------
    folder : path
        Where the notebooks are.

    Raises
    ------
    FileError
        There is no such folder.

    Examples
    --------
    >>> import tempfile
    >>> progress(tempfile.mkdtemp()).done
    []
    """
    from .define import get, ids

    place = expand(folder, "folder")
    if not place.is_dir():
        raise FileError(
            f"folder={shown(str(place))}: there is no such folder; give the one that your notebooks are in"
        )
    noted = _noted(place / FILE)
    rows = []
    for exercise in map(get, ids()):
        mine = [n for n in noted if n["id"] == exercise.id]
        right = [n["at"] for n in mine if n["right"]]
        rows.append(
            {
                "id": exercise.id,
                "title": exercise.title,
                "notebook": exercise.notebook,
                "minutes": exercise.minutes,
                "tries": len(mine),
                "done": right[0] if right else "",
                "mistake": "" if right or not mine else mine[-1]["mistake"],
            }
        )
    return Progress(rows)


def record(id: str, verdict: Verdict) -> None:
    """Note a verdict in this folder; where nothing can be written, nothing is noted.

    An answer that was not begun is no try; neither is what a test of the notebooks runs.
    """
    if verdict.mistake == "nothing yet" or os.environ.get("LSTMCOURSE_REGRESSION"):
        return
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    note = {"id": id, "right": verdict.right, "mistake": verdict.mistake, "at": at}
    try:
        FILE.parent.mkdir(exist_ok=True)
        fresh = not FILE.exists()
        descriptor = os.open(FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            start = b"" if fresh or FILE.read_bytes()[-1:] in (b"", b"\n") else b"\n"  # after a line cut off
            os.write(descriptor, start + json.dumps(note).encode() + b"\n")
        finally:
            os.close(descriptor)
    except OSError as error:
        print(f"(Your progress was not noted: {FILE} cannot be written: {error.strerror})")


def _noted(path: Path) -> list[dict]:
    """The lines of the file that are whole."""
    try:
        lines = path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        print(f"(No progress can be read: {shown(str(path))}: {error.strerror})")
        return []
    kinds = {"id": str, "right": bool, "mistake": str, "at": str}
    noted = []
    for line in lines:
        try:
            note = json.loads(line)
        except ValueError:
            continue
        if isinstance(note, dict) and all(type(note.get(k)) is kind for k, kind in kinds.items()):
            noted.append(note)
    return noted
