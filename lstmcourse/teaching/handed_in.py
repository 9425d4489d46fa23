"""What a class has handed in: `students` reads a folder with one folder, or one zip, for each student.

Only notebooks are read, and nothing is unpacked or run here. What they hold is strangers' text: whatever is
wrong with it is said, and the rest is read.
"""

from __future__ import annotations

import itertools
import json
import os
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from ..checks import shown
from ..errors import FileError
from ..files.paths import expand

__all__ = ["Cell", "Notebook", "Student", "plain", "read", "students"]

LARGEST = 32 << 20  # bytes of a notebook
TEXT = 1 << 20  # letters of its cells
MOST = 200  # notebooks of one student
NOT_THEIRS = {"__MACOSX", "node_modules", "solutions"}  # and folders whose names begin with a dot
SOLUTIONS = "# Solutions to the exercises of "


@dataclass(frozen=True)
class Cell:
    """A cell of a notebook.

    Attributes
    ----------
    code : bool
        Or Markdown.
    source : str
    id : str
        Empty in older notebooks.
    tags : frozenset of str
    exercise : str
        The exercise that it asks, or nothing.
    """

    code: bool
    source: str
    id: str = ""
    tags: frozenset[str] = frozenset()
    exercise: str = ""


@dataclass(frozen=True)
class Notebook:
    """A notebook: its path in the student's folder, and its cells."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True)
class Student:
    """What a student has handed in.

    Attributes
    ----------
    name : str
        Of the folder, or of the zip without its ending.
    notebooks : tuple of Notebook
        In the order of their paths.
    left_out : tuple of str
        What was not read, and why.
    """

    name: str
    notebooks: tuple[Notebook, ...]
    left_out: tuple[str, ...]


def students(folder: str | os.PathLike) -> tuple[list[Student], list[str]]:
    """Read what a class has handed in.

    Parameters
    ----------
    folder : path
        Holds one folder, or one zip, for each student.

    Returns
    -------
    list of Student
        By name.
    list of str
        What lies beside them, and is left out.

    Raises
    ------
    FileError
        There is no such folder, it cannot be read, or no student's folder is in it.

    Examples
    --------
    >>> import tempfile
    >>> students(tempfile.mkdtemp())  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    FileError: folder='...': it holds no folder and no zip; give the folder that holds one for each student
    """
    place = expand(folder, "folder")
    given, hint = (
        f"folder={shown(str(place))}",
        "give the folder that holds one folder, or one zip, a student",
    )
    if not place.is_dir():
        raise FileError(f"{given}: {'it is no folder' if place.exists() else 'there is none'}; {hint}")
    try:
        inside = sorted((p for p in place.iterdir() if not p.name.startswith(".")), key=lambda p: p.name)
    except OSError as error:
        raise FileError(f"{given}: it cannot be read: {error.strerror}; {hint}") from error
    found, beside = [], []
    for path in inside:
        if path.is_dir() and path.name not in NOT_THEIRS:
            found.append(_student(plain(path.name), _in_folder(path)))
        elif path.suffix.lower() == ".zip":
            found.append(_student(plain(path.stem), _in_zip(path)))
        elif not path.is_dir():
            beside.append(f"{plain(path.name)} is no student's folder or zip, and is left out")
    if not found:
        raise FileError(f"{given}: it holds no folder and no zip; {hint}")
    return _told_apart(found), beside


def _told_apart(found: list[Student]) -> list[Student]:
    """Give those of one name, a folder and a zip, a number that no other has."""
    apart: dict[str, Student] = {}
    for student in found:
        numbered = (f"{student.name} ({n})" for n in itertools.count(2))
        name = next(one for one in itertools.chain([student.name], numbered) if one not in apart)
        apart[name] = replace(student, name=name)
    return list(apart.values())


def plain(text: str) -> str:
    r"""Return a text without what a terminal would obey, on one line.

    Examples
    --------
    >>> plain("A\x1b[31mda\n")
    'A?[31mda?'
    """
    return "".join(c if c.isprintable() else "?" for c in text)


def _student(name: str, files: Iterator[tuple[str, bytes | str]]) -> Student:
    notebooks, left_out = [], []
    for path, content in files:
        try:
            if isinstance(content, str):
                raise FileError(content)
            notebook = read(content, path)
            if any(cell.source.startswith(SOLUTIONS) for cell in notebook.cells[:1]):
                raise FileError("these are the course's solutions")
            notebooks.append(notebook)
        except FileError as error:
            left_out.append(f"{plain(path)}: {error}: left out")
    if not notebooks and not left_out:
        left_out.append("no notebook was found")
    return Student(name, tuple(notebooks), tuple(left_out))


def read(content: bytes, name: str) -> Notebook:
    """Read a notebook, of format 4.

    Parameters
    ----------
    content : bytes
        The file's.
    name : str
        Its path.

    Raises
    ------
    FileError
        It is no notebook.

    Examples
    --------
    >>> made = read(b'{"cells": [{"cell_type": "code", "source": ["x = 1"], "metadata": {}}]}', "a.ipynb")
    >>> made.cells[0].source
    'x = 1'
    """
    try:
        cells = tuple(map(_cell, json.loads(content)["cells"]))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise FileError(f"it cannot be read as a notebook ({type(error).__name__})") from None
    if sum(len(cell.source) for cell in cells) > TEXT:
        raise FileError(f"its cells hold more than {TEXT:,} letters")
    return Notebook(plain(name), cells)


def _cell(raw: dict) -> Cell:
    metadata = raw.get("metadata") or {}
    tags = metadata.get("tags")
    exercise = metadata.get("exercise")
    return Cell(
        raw["cell_type"] == "code",
        "".join(raw["source"]),
        str(raw.get("id", "")),
        frozenset(map(str, tags)) if isinstance(tags, list) else frozenset(),
        exercise if isinstance(exercise, str) else "",
    )


def _theirs(parts: tuple[str, ...]) -> bool:
    """Whether a path, in a student's folder, is one of a notebook that they worked in."""
    *folders, name = parts
    return (
        name.lower().endswith(".ipynb")
        and not any(part in NOT_THEIRS or part.startswith(".") for part in folders)
        and not name.startswith(".")
    )


def _in_folder(folder: Path) -> Iterator[tuple[str, bytes | str]]:
    """The notebooks in a folder; of one that is not read, why."""
    count, closed = 0, list[OSError]()
    for here, inner, names in os.walk(folder, onerror=closed.append):
        inner[:] = sorted(name for name in inner if name not in NOT_THEIRS and not name.startswith("."))
        for name in sorted(names):
            path = Path(here, name)
            inside = path.relative_to(folder)
            if name.lower().endswith(".zip") and path.is_file() and not path.is_symlink():
                yield from ((f"{inside.as_posix()}/{within}", content) for within, content in _in_zip(path))
            if not _theirs(inside.parts):
                continue
            count += 1
            if count > MOST:
                yield inside.as_posix(), f"there are more than {MOST} notebooks"
                return
            try:
                if path.is_symlink() or not path.is_file():
                    yield inside.as_posix(), "it is a link, or no file"
                elif path.stat().st_size > LARGEST:
                    yield inside.as_posix(), f"it has more than {LARGEST >> 20} MB"
                else:
                    yield inside.as_posix(), path.read_bytes()
            except OSError as error:
                yield inside.as_posix(), f"it cannot be read ({error.strerror})"
    for error in closed:
        yield os.path.relpath(error.filename, folder), f"it cannot be read ({error.strerror})"


def _in_zip(path: Path) -> Iterator[tuple[str, bytes | str]]:
    """The same of a zip; nothing of it is written to the disk."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = [i for i in archive.infolist() if not i.is_dir()]
            theirs = [i for i in inside if _theirs(PurePosixPath(i.filename.replace("\\", "/")).parts)]
            for info in sorted(theirs, key=lambda i: i.filename)[:MOST]:
                try:
                    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                        raise zipfile.BadZipFile  # of the others more comes out than is asked for
                    with archive.open(info) as file:
                        content = file.read(LARGEST + 1)
                    large = len(content) > LARGEST
                    yield info.filename, f"it has more than {LARGEST >> 20} MB" if large else content
                except Exception as error:  # damaged, encrypted, packed by a method that is not known
                    yield info.filename, f"it cannot be unpacked ({type(error).__name__})"
            if len(theirs) > MOST:
                yield "and others", f"there are more than {MOST} notebooks"
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        yield path.name, f"it cannot be opened as a zip ({type(error).__name__})"
