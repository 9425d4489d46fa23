"""`Kept`: the names of the course and of what it rests on, before an answer runs, to be put back after it."""

from __future__ import annotations

import contextlib
import functools
import itertools
import operator
import os
import sys
from types import ModuleType
from typing import Any

__all__ = ["Kept", "of_the_package"]

PACKAGE = __name__.partition(".")[0]


def of_the_package(thing: Any) -> bool:
    """Whether a module, a class or a function belongs to the course.

    Examples
    --------
    >>> of_the_package(Kept), of_the_package(sys)
    (True, False)
    """
    name = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
    return isinstance(name, str) and name.partition(".")[0] == PACKAGE


class Kept:
    """What every name in the modules and classes of the course stands for, in NumPy and in what else the
    course imports (there only functions, classes and constants), and the working folder.

    Examples
    --------
    >>> import math
    >>> before = Kept()
    >>> math.tau = 6.0
    >>> before.put_back(), math.tau > 6.2, before.put_back()
    ('math.tau', True, '')
    """

    def __init__(self) -> None:
        self._names: dict[Any, dict[str, Any]] = {
            owner: dict(vars(owner)) for owner in _owners(len(sys.modules))
        }
        try:
            self._folder = os.getcwd()
        except OSError:  # it has been removed
            self._folder = ""

    def put_back(self) -> str:
        """Put back what is another now, and go back to the folder; return the first name, or nothing."""
        found = ""
        for owner, names in self._names.items():
            now = vars(owner)
            if any(map(operator.is_not, names.values(), map(now.get, names))):
                for name, value in names.items():
                    if now.get(name) is not value and (of_the_package(owner) or _lasting(name, value)):
                        found = found or f"{owner.__name__}.{name}"
                        setattr(owner, name, value)
        if self._folder:
            with contextlib.suppress(OSError):
                os.chdir(self._folder)
        return found


@functools.lru_cache(maxsize=1)
def _owners(loaded: int) -> tuple[Any, ...]:
    """The modules and classes whose names are kept; looked for anew when more modules have been loaded."""
    modules = [(name, m) for name, m in list(sys.modules.items()) if isinstance(m, ModuleType)]
    ours = [m for name, m in modules if name.partition(".")[0] == PACKAGE]
    owners = {m for name, m in modules if name in ("numpy.linalg", "numpy.random")}
    for value in itertools.chain.from_iterable([*vars(m).values()] for m in ours):
        if isinstance(value, ModuleType) or (isinstance(value, type) and of_the_package(value)):
            owners.add(value)
    return tuple(dict.fromkeys([*ours, *owners]))


def _lasting(name: str, value: Any) -> bool:
    """Whether a name of a module that is not ours has to stand for the same at all times."""
    return not name.startswith("_") and (callable(value) or isinstance(value, (ModuleType, float)))
