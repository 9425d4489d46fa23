"""The errors of the package: each has a name, and says what was given, the rule it broke, and what to do.

All are subclasses of ``ValueError`` or ``TypeError``, so a caller who does not care for the names can catch
those.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

__all__ = [
    "CellDefinitionError",
    "DtypeError",
    "FileError",
    "NotFiniteError",
    "ScheduleError",
    "ShapeError",
    "UnknownNameError",
    "nearest",
]


class CellDefinitionError(ValueError):
    """A cell's function cannot be traced: raised when the cell is defined, with the line."""


class ShapeError(ValueError):
    """Arrays do not fit the equation that they meet."""


class DtypeError(TypeError):
    """Arrays of different or unfit dtypes; a dtype is never changed silently."""


class FileError(ValueError):
    """A file is missing, cut short, damaged, or not what it is taken for; the message says which."""


class ScheduleError(ValueError):
    """A program would read a value before it is computed: a fault of this package, not of the cell."""


class NotFiniteError(ValueError):
    """NaN or infinity where numbers are needed: in the data, or in a network that has diverged."""


class UnknownNameError(ValueError, KeyError):
    """A name that does not exist; the message suggests the nearest one that does."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


def nearest(name: object, names: Iterable[str]) -> str:
    """Return a hint for a misspelt name: the nearest existing one, then all of them.

    Examples
    --------
    >>> nearest("lstn", ["rnn", "lstm"])
    "did you mean 'lstm'? there are: 'rnn', 'lstm'"
    >>> nearest("zzz", [])
    'there are none'
    """
    names = [str(n) for n in names]
    if not names:
        return "there are none"
    close = difflib.get_close_matches(str(name), names, n=1)
    every = "there are: " + ", ".join(repr(n) for n in names)
    return f"did you mean {close[0]!r}? {every}" if close else every
