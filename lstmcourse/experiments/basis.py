"""What the numbers of a study rest on: the engine's revision, and the code that the study mentions.

`basis` starts at a function and follows what it mentions: functions, classes and constants, cells and tasks,
also by their names as text. Each piece of code gets a digest of its meaning, so that comments, docstrings,
annotations, the texts of errors, and the module from which a name comes leave it as it is.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import sys
import textwrap
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from types import FunctionType, ModuleType
from typing import Any

from lstmcourse import cells, tasks
from lstmcourse.cell import Cell
from lstmcourse.programs.threads import held_at_fork
from lstmcourse.revision import ENGINE_REVISION

__all__ = ["basis", "read_once"]

# What was read of each piece of code, by its number, within `read_once`.
_KNOWN: ContextVar[dict[int, tuple[Any, list[str], list[Any]]] | None] = ContextVar("known", default=None)
_PARSING = threading.Lock()  # Python 3.11's parser counts the depth of two threads' trees together, and fails
held_at_fork(_PARSING)


def basis(function: FunctionType, values: Iterable[Any], uses: Iterable[ModuleType] = ()) -> dict[str, Any]:
    """Return the engine's revision, and a digest for each piece of code that decides a study's numbers.

    Parameters
    ----------
    function : function
        The study's.
    values : iterable
        Values of coordinates; those that name a cell or a task are followed.
    uses : iterable of module
        Where else to follow what is mentioned, beside the function's module, studies, tasks and cells. All
        other code counts as the engine's, and so does what reads stored results.

    Examples
    --------
    >>> from lstmcourse.experiments.studies import waves
    >>> sorted(basis(waves.normalised_error, ["rnn"]))
    ['engine revision', 'normalised_error', 'rnn']
    """
    modules = {function.__module__, *(m.__name__ for m in uses)}
    reading = f"{__package__}.store"  # of stored results: it lists all studies there are
    packages = tuple(f"{p}." for p in (__package__, tasks.__name__, cells.__name__))
    texts: dict[str, set[str]] = {}
    seen, waiting = [], [function, *_named(values)]
    while waiting:
        item = waiting.pop()
        if item in seen:
            continue
        seen.append(item)
        parts, mentioned = _read(item)
        texts.setdefault(item.name if isinstance(item, Cell) else item.__name__, set()).update(parts)
        waiting += [
            m
            for m in mentioned
            if isinstance(m, Cell)
            or m.__module__ in modules
            or (m.__module__.startswith(packages) and m.__module__ != reading)
        ]
    return {"engine revision": ENGINE_REVISION} | {
        name: hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()[:16]
        for name, parts in sorted(texts.items())
    }


@contextmanager
def read_once() -> Iterator[None]:
    """Read each piece of code once, however many studies rest on it: none may change meanwhile."""
    token = _KNOWN.set({} if (known := _KNOWN.get()) is None else known)
    try:
        yield
    finally:
        _KNOWN.reset(token)


def _read(item: FunctionType | type | Cell) -> tuple[list[str], list[Any]]:
    """Return what a piece of code computes, as texts, and the functions, classes and cells it mentions."""
    known = _KNOWN.get()
    if known is not None and id(item) in known:
        return known[id(item)][1:]
    source = (item.maker or item.function) if isinstance(item, Cell) else item
    with _PARSING:
        tree = ast.parse(textwrap.dedent(inspect.getsource(source))).body[0]
    if isinstance(tree, ast.FunctionDef):
        tree.decorator_list.clear()  # a study's grid, a cache; what a cell's says is in its attributes
    reader = _Reader(sys.modules[source.__module__])
    parts = [_text(reader.visit(tree)), *reader.constants]
    if isinstance(item, Cell):
        parts.append(f"{item.options} {item.initial} {item.held}")
    if known is not None:
        known[id(item)] = item, parts, reader.mentioned  # the item as well: no other gets its number
    return parts, reader.mentioned


def _named(values: Iterable[Any]) -> list[Any]:
    """Return the cells and the tasks that are named by these values."""
    texts = [v for v in values if isinstance(v, str)]
    return [
        *(cells.get(v) for v in texts if v in cells.names()),
        *(tasks.TASKS[v] for v in texts if v in tasks.TASKS),  # not made: it may want a file
    ]


class _Reader(ast.NodeTransformer):
    """Reduce code to what it computes, and note what it mentions outside itself.

    Attributes
    ----------
    mentioned : list
        Functions, classes and cells.
    constants : list of str
        The module's other names: with their values, or with the statements that make them.
    """

    def __init__(self, module: ModuleType):
        self.module, self.names = module, dict(vars(module))
        self.mentioned, self.constants, self.noted = [], [], set()

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.names[alias.asname or alias.name] = importlib.import_module(alias.name)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        home = importlib.import_module("." * node.level + (node.module or ""), self.module.__package__)
        for alias in node.names:
            self.names[alias.asname or alias.name] = getattr(home, alias.name)

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        return ast.Raise()  # which error it is decides no number

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.arg:
        return ast.arg(node.arg)  # without its annotation

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        self.mentioned += _named([node.value])
        return node

    def visit_Name(self, node: ast.Name) -> ast.Name:
        self._note(node.id, self.names.get(node.id))
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        owner = self._value(node.value)
        if not isinstance(owner, ModuleType):
            return self.generic_visit(node)
        self._note(node.attr, getattr(owner, node.attr, None))
        return ast.Name(node.attr)  # whichever way it is reached

    def _value(self, node: ast.AST) -> Any:
        """Return what a name, or a name in a module, stands for."""
        if isinstance(node, ast.Attribute):
            owner = self._value(node.value)
            return getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None
        return self.names.get(node.id) if isinstance(node, ast.Name) else None

    def _note(self, name: str, value: Any) -> None:
        if (name, id(value)) in self.noted or value is None or isinstance(value, ModuleType):
            return
        if name == "__file__":  # where the course lies decides no number
            return
        self.noted.add((name, id(value)))
        if isinstance(value, Cell):
            self.mentioned.append(value)
        elif isinstance(inspect.unwrap(value), FunctionType | type):
            self.mentioned.append(inspect.unwrap(value))
        elif _plain(value):
            self.constants.append(f"{name} = {value!r}")
        else:
            with _PARSING:
                written = ast.parse(inspect.getsource(self.module)).body if name in vars(self.module) else []
            for statement in written:
                if isinstance(statement, ast.Assign) and name in _targets(statement):
                    self.constants.append(_text(self.visit(statement)))


def _plain(value: Any) -> bool:
    """Whether a value cannot change, and is printed whole."""
    if isinstance(value, tuple):
        return all(map(_plain, value))
    return isinstance(value, int | float | str | bytes)


def _targets(statement: ast.Assign) -> set[str]:
    """Return the names that a statement assigns, or puts something into."""
    return {n.id for target in statement.targets for n in ast.walk(target) if isinstance(n, ast.Name)}


def _text(node: Any) -> str:
    """Return code as text, the same in every version of Python (`ast.dump` differs)."""
    if isinstance(node, list):
        return f"[{', '.join(map(_text, node))}]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = ((k, v) for k, v in ast.iter_fields(node) if v not in (None, []) and k not in ("ctx", "kind"))
    return f"{type(node).__name__}({', '.join(f'{k}={_text(v)}' for k, v in fields)})"
