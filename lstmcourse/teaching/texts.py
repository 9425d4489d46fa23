"""`text`: what the source of a cell says, whoever wrote it: Python, names, and calls of `check`."""

from __future__ import annotations

import ast
import contextlib
import functools
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from IPython.core.inputtransformer2 import TransformerManager

from .names import Names, names

__all__ = ["Text", "statements", "text"]

LONGEST = 100_000  # letters; nobody types so many into a cell
_ON_TOP = re.compile(r"\A\s*%%(time|timeit|capture|prun)\b[^\n]*\n")  # the cell is what stands below it
_CALL = re.compile(r"\bcheck\(\s*[\"'](\d\d?[a-z]?\.\d+)[\"']")


@dataclass(frozen=True)
class Text:
    """What a cell says.

    Attributes
    ----------
    code : str
        Python, with IPython's calls for magics, and without checks that stand on lines of their own.
    body : str
        The same without comments and layout: two that are equal do the same.
    names : Names
    checks : dict of str to str
        The calls of `check`: the expression that each exercise is given, the last one of several.
    error : str
        Why it is no Python, or nothing.
    """

    code: str
    body: str
    names: Names = field(default=Names(frozenset(), frozenset(), frozenset()))
    checks: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What Python warns of in strangers' text is not for the terminal of whoever grades."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@functools.lru_cache(maxsize=4096)
@_quiet()
def text(source: str) -> Text:
    r"""Read the source of a cell. Nothing that stands there raises.

    Examples
    --------
    >>> text("x = 1  # mine\nlc.check('05.2', x)").checks
    {'05.2': 'x'}
    >>> text("x = 1  # mine\nlc.check('05.2', x)").body
    'x = 1'
    >>> text("x = (").error
    "SyntaxError: '(' was never closed, line 1"
    """
    checks = {_padded(id): "" for id in _CALL.findall(source[:LONGEST])}
    if len(source) > LONGEST:
        return Text("", source, checks=checks, error=f"SyntaxError: it has more than {LONGEST:,} letters")
    try:
        code = _python(source)
        tree = ast.parse(code)
        every = sorted((n for n in ast.walk(tree) if isinstance(n, ast.Call)), key=_place)
        calls = {_id(node): node for node in every if _id(node)}
        checks = {id: ast.unparse(_answer(node)) for id, node in calls.items()}
        code = _unchecked(code, tree)
        tree.body = [s for s in tree.body if not _is_check(s)]
        return Text(code, ast.unparse(tree), names(code), checks)
    except SyntaxError as error:
        said = f"SyntaxError: {error.msg}, line {error.lineno}"
    except RecursionError:
        said = "SyntaxError: it is nested too deeply"
    except Exception as error:  # MemoryError and ValueError of the parser, and what IPython's may raise
        said = f"{type(error).__name__}: {error}"
    return Text("", source.strip(), checks=checks, error=said)


@_quiet()
def statements(source: str) -> list[str]:
    """Return the statements of a cell, without comments and layout; of one that is no Python, none.

    Examples
    --------
    >>> statements("x = 1; y = 2  # both")
    ['x = 1', 'y = 2']
    """
    return [] if text(source).error else [ast.unparse(s) for s in ast.parse(_python(source)).body]


def _place(node: ast.Call) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _python(source: str) -> str:
    return TransformerManager().transform_cell(_ON_TOP.sub("", source, count=1))


def _padded(id: str) -> str:
    """An id as it is listed: a lesson's number has two digits."""
    return f"0{id}" if re.fullmatch(r"\d[a-z]?\.\d+", id) else id


def _id(call: ast.Call) -> str:
    """The exercise that a call of `check` with an answer is for, or nothing."""
    called = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    named = {keyword.arg: keyword.value for keyword in call.keywords}
    first = call.args[0] if call.args else named.get("id")
    if called != "check" or not isinstance(first, ast.Constant) or not isinstance(first.value, str):
        return ""
    return _padded(first.value.strip()) if len(call.args) == 2 or "answer" in named else ""


def _answer(call: ast.Call) -> ast.expr:
    return next((k.value for k in call.keywords if k.arg == "answer"), call.args[-1] if call.args else call)


def _is_check(statement: ast.stmt) -> bool:
    value = getattr(statement, "value", None)
    return isinstance(statement, ast.Expr) and isinstance(value, ast.Call) and bool(_id(value))


def _unchecked(code: str, tree: ast.Module) -> str:
    """The code without the checks that stand on lines of their own: the answer is checked by us."""
    lines = code.split("\n")
    for statement in filter(_is_check, tree.body):
        first, last = statement.lineno - 1, statement.end_lineno or statement.lineno
        alone = ast.parse("\n".join(lines[first:last])).body
        if [ast.unparse(s) for s in alone] == [ast.unparse(statement)]:
            lines[first:last] = [""] * (last - first)
    return "\n".join(lines).strip("\n")
