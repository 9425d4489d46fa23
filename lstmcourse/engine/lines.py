"""What an author wrote: which line is running, which names it may use, and the text itself."""

from __future__ import annotations

import inspect
import sys
import threading
import unicodedata
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

from .. import checks
from ..errors import CellDefinitionError, UnknownNameError, nearest

__all__ = ["author_line", "line_of", "word", "written"]

HERE = str(Path(__file__).parent.parent)


class _Stack(threading.local):
    """The scopes (`trace.Scope`) being traced in this thread, innermost last."""

    def __init__(self):
        self.scopes: list[Any] = []


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


def word(what: str, name: Any) -> str:
    """A name that programs, LaTeX and pages can hold as it is: letters, digits and underscores; in the form
    (NFKC) in which Python reads names.
    """
    if not isinstance(name, str) or not f"_{name}".isidentifier() or not name:
        raise CellDefinitionError(
            f"{author_line()}: {what} is called {name!r}; a name is made of letters, digits and underscores"
        )
    return unicodedata.normalize("NFKC", name)


def written(cell: Any, names: Collection[str]) -> str:
    """The text of a cell's function, or the lines that give these names a value; see `Cell.definition`."""
    try:
        text = inspect.getsource(cell.function)
        if f"def {cell.function.__name__}(" not in text:  # another text was kept under "<string>"
            raise OSError("what is found there is not its source")
    except (OSError, TypeError) as error:
        raise ValueError(f"{cell.name}: the text of its definition is not at hand: {error}") from error
    if not names:
        return text.rstrip()
    for name in names:
        if checks.text("names", name) not in cell.graph.names:
            raise UnknownNameError(
                f"names: {cell.name} has no equation named {name!r}: {nearest(name, cell.graph.names)}"
            )
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line.partition(" = ")[0] in names)
