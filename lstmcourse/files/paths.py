"""Paths: what one that was given means (`expand`), where the package keeps its cache (`cache_folder`), and
what it notes of a reader (`NOTES`).
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from pathlib import Path
from typing import Any

__all__ = ["NOTES", "cache_folder", "expand"]

NOTES = Path(".lstmcourse")
"""In a folder with notebooks: the answers that were given there, and the leaderboard."""


def expand(path: Any, name: str = "path") -> Path:
    """The path that is meant: ``~`` is the home folder, ``$NAME`` (on Windows also ``%NAME%``) a variable.

    Every path that a function of this package takes comes through here, so that no folder is ever called
    "~". A file of such a name can be had as ``./~name``.

    Parameters
    ----------
    path : str or os.PathLike
    name : str
        The argument's, for errors.

    Raises
    ------
    TypeError
        It is no path.
    ValueError
        It is empty, there is no such home folder, or no such variable and no such folder either.

    Examples
    --------
    >>> expand("runs/lstm.safetensors").name
    'lstm.safetensors'
    >>> expand("~/runs") == Path.home() / "runs"
    True
    >>> expand("$NOWHERE/lstm.safetensors")
    Traceback (most recent call last):
        ...
    ValueError: path='$NOWHERE/lstm.safetensors': there is no environment variable NOWHERE; ...
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise TypeError(f"{name}={path!r} does not fit: the path of a file is needed (str or pathlib.Path)")
    given = os.fspath(path)
    if not given:
        raise ValueError(f"{name}={given!r} is empty: the path of a file is needed")
    found = os.path.expandvars(os.path.expanduser(given))
    if given.startswith("~") and found.startswith("~"):
        first = re.split(r"[/\\]", given)[0]
        raise ValueError(
            f"{name}={given!r}: there is no home folder {first}; a file of that name is ./{given}"
        )
    for folder in (Path(found), *Path(found).parents):
        unknown = _VARIABLE.match(folder.name)
        if unknown and not folder.exists():
            raise ValueError(
                f"{name}={given!r}: there is no environment variable {unknown[1]}; set it, or write the path "
                "without it"
            )
    return Path(found)


_VARIABLE = re.compile(r"[$%]\{?(\w+)[}%]?" if os.name == "nt" else r"\$\{?(\w+)\}?")

_OLD = "LSTMCOURSE_CACHE"
_told: set[str] = set()


def cache_folder() -> Path:
    """Where is kept what can be made again: compiled programs, and the journals of experiments.

    What the environment variable ``LSTMCOURSE_CACHE_DIR`` says, else ``lstmcourse`` under ``XDG_CACHE_HOME``
    or ``~/.cache``, on Windows under ``LOCALAPPDATA``. ``LSTMCOURSE_CACHE``, which experiments used to read,
    still works where the other is not set, with a warning; the next version will not read it.

    Examples
    --------
    >>> cache_folder().is_absolute()
    True
    """
    said = os.environ.get("LSTMCOURSE_CACHE_DIR")
    if said:
        return expand(said, "LSTMCOURSE_CACHE_DIR")
    said = os.environ.get(_OLD)
    if said:
        if _OLD not in _told:
            _told.add(_OLD)
            warnings.warn(
                f"the environment variable {_OLD} is now called LSTMCOURSE_CACHE_DIR: set that to {said!r}; "
                "the next version will not read the old one",
                FutureWarning,
                stacklevel=2,
            )
        return expand(said, _OLD)
    if sys.platform == "win32":
        home = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    else:
        home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return expand(home, "the cache folder") / "lstmcourse"
