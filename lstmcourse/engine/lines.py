"""Which line of an author's file is running: what errors and nodes name."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .trace import Scope

__all__ = ["line_of"]


HERE = str(Path(__file__).parent.parent)


class _Stack(threading.local):
    """The scopes being traced in this thread, innermost last."""

    def __init__(self):
        self.scopes: list[Scope] = []


stack = _Stack()


def author_line() -> str:
    """``file, line n`` of the innermost frame outside this package's engine: where the author's equation
    stands.
    """
    frame = sys._getframe(1)
    code = next((s.code for s in reversed(stack.scopes) if s.code is not None), None)
    while frame is not None:
        inside = frame.f_code is code if code is not None else not frame.f_code.co_filename.startswith(HERE)
        if inside:
            where = frame.f_code.co_filename
            return f"{where if where.startswith('<') else Path(where).name}, line {frame.f_lineno}"
        frame = frame.f_back
    return "an unknown line"


def line_of(function: Callable, error: BaseException | None = None) -> str:
    """``file, line n`` of a function; of the line in it that an error went through, if one is given."""
    line, step = function.__code__.co_firstlineno, error.__traceback__ if error else None
    while step is not None:
        if step.tb_frame.f_code is function.__code__:
            line = step.tb_lineno
        step = step.tb_next
    where = function.__code__.co_filename
    return f"{where if where.startswith('<') else Path(where).name}, line {line}"
