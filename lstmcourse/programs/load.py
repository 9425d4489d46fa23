"""From a program's text to a function."""

from __future__ import annotations

import itertools
import linecache
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import numeric
from .walk import Program

__all__ = ["load"]

_NUMBERS = itertools.count(1)


def load(text: Program, name: str) -> Callable:
    """Make a function of a program's text; tracebacks and debuggers find its lines."""
    space: dict[str, Any] = {"np": np, **{k: getattr(numeric, k) for k in numeric.__all__}}
    filename = f"<{text.name} program of {name} #{next(_NUMBERS)}>"
    linecache.cache[filename] = (len(text.text), None, text.text.splitlines(keepends=True), filename)
    exec(compile(text.text, filename, "exec"), space)
    function = space[text.name]
    weakref.finalize(function, linecache.cache.pop, filename, None)
    return function
