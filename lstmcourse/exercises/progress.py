"""`progress`: what is done in this folder. It lies in a file there (see `notes`), and goes nowhere else."""

from __future__ import annotations

import csv
import html
import io
import json
import os
from dataclasses import dataclass

from ..checks import shown
from ..errors import FileError
from ..files import whole
from ..files.paths import expand
from .define import get, ids
from .notes import FILE, noted

__all__ = ["Progress", "progress"]

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
    place = expand(folder, "folder")
    if not place.is_dir():
        raise FileError(
            f"folder={shown(str(place))}: there is no such folder; give the one that your notebooks are in"
        )
    notes = noted(place / FILE)
    rows = []
    for exercise in map(get, ids()):
        mine = [n for n in notes if n["id"] == exercise.id]
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
