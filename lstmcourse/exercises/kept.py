"""`Kept`: the names of the course and of what it rests on, and Python's settings, before an answer runs, to
be put back after it.
"""

from __future__ import annotations

import contextlib
import functools
import gc
import itertools
import operator
import os
import sys
import threading
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["Kept", "rests_on"]

PACKAGE = __name__.partition(".")[0]


def rests_on(thing: Any, *, code: bool = False) -> bool:
    """Whether a module, a class or a function belongs to the course; or to NumPy, if its code is meant.

    NumPy sets other attributes of its functions as it is imported, which an answer may lead to.

    Examples
    --------
    >>> rests_on(Kept), rests_on(np.all), rests_on(np.all, code=True), rests_on(sys, code=True)
    (True, False, True, False)
    """
    name = thing.__name__ if isinstance(thing, ModuleType) else getattr(thing, "__module__", None)
    return isinstance(name, str) and (_ours(name) or (code and _of_numpy(name)))


SETTINGS: tuple[tuple[Callable[[], Any], Callable[[Any], Any]], ...] = (
    (sys.gettrace, sys.settrace),
    (sys.getprofile, sys.setprofile),
    (threading.gettrace, threading.settrace),  # of threads that begin later
    (threading.getprofile, threading.setprofile),
    (threading.stack_size, threading.stack_size),
    (gc.isenabled, lambda on: gc.enable() if on else gc.disable()),
    (gc.get_threshold, lambda given: gc.set_threshold(*given)),
    (gc.get_debug, gc.set_debug),
    (gc.callbacks.copy, lambda given: operator.setitem(gc.callbacks, slice(None), given)),
    (np.get_printoptions, lambda given: np.set_printoptions(**given)),
)
"""How Python's and NumPy's settings are read, and set."""


class Kept:
    """What every name in the modules and classes of the course stands for, in NumPy and in what else the
    course imports (there only functions, classes and constants), the settings, and the working folder.

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
        self._modules = {name: m for name, m in [*sys.modules.items()] if _ours(name)}
        self._settings = [(get(), get, put) for get, put in SETTINGS]
        try:
            self._folder = os.getcwd()
        except OSError:  # it has been removed
            self._folder = ""

    def put_back(self) -> str:
        """Put back what is another now, and go back to the folder; return the first name, or nothing."""
        for before, get, put in self._settings:
            if get() != before:
                put(before)
        found = ""
        for name, module in self._modules.items():
            if sys.modules.get(name) is not module:
                found = found or name
                sys.modules[name] = module
        for owner, names in self._names.items():
            now = vars(owner)
            if any(map(operator.is_not, names.values(), map(now.get, names))):
                for name, value in names.items():
                    if now.get(name) is not value and _lasting(owner, name, value):
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
    ours = [m for name, m in modules if _ours(name)]
    owners = {m for name, m in modules if _of_numpy(name)}
    for value in itertools.chain.from_iterable([*vars(m).values()] for m in ours):
        if isinstance(value, ModuleType) or (isinstance(value, type) and _ours(value.__module__)):
            owners.add(value)
    return tuple(dict.fromkeys([*ours, *owners]))


def _ours(module: str) -> bool:
    return module.partition(".")[0] == PACKAGE


def _of_numpy(module: str) -> bool:
    return module.partition(".")[0] == "numpy"


def _lasting(owner: Any, name: str, value: Any) -> bool:
    """Whether a name of a module, or of a class of ours, has to stand for the same at all times."""
    if isinstance(owner, type) or _ours(owner.__name__):
        return True
    special = name.startswith("__") and name.endswith("__")  # such as builtins.__import__
    if name.startswith("_") and not special and not _of_numpy(owner.__name__):
        return False
    return callable(value) or (isinstance(value, (ModuleType, float)) and not special)
