"""What a cell is given: the kinds of its arguments, read off the signature of the author's function."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from unicodedata import normalize

from .. import checks
from ..errors import CellDefinitionError
from .lines import line_of

__all__ = ["Input", "by_name", "clock", "noise", "sequence", "signature", "state", "static"]


@dataclass(frozen=True)
class Input:
    """What a cell's signature says of one argument: its kind, its shape beside time and batch, where a
    state starts.
    """

    kind: str
    shape: tuple[str | int, ...] = ()
    init: Any = None
    name: str = ""
    reverse: bool = False

    def __call__(self) -> Input:
        """``clock()`` and ``clock`` mean the same."""
        return self


def sequence(*shape: str | int) -> Input:
    """An argument with one value a step: ``y=sequence("K")`` is (T, B, K)."""
    return Input("sequence", _axes(shape))


def static(*shape: str | int) -> Input:
    """An argument that is the same at every step: ``a=static("L", "A")`` is (B, L, A); its gradient is
    summed over time.
    """
    return Input("static", _axes(shape))


def noise(*shape: str | int) -> Input:
    """Random numbers that the caller gives, one value a step, so that a run can be repeated: (T, B,
    *shape).
    """
    return Input("noise", _axes(shape))


def _axes(shape: tuple) -> tuple[str | int, ...]:
    """Names of sizes, or numbers."""
    for size in shape:
        if not isinstance(size, str) or not size.isidentifier():
            if isinstance(size, str):
                raise ValueError(
                    f"shape holds {size!r}: a size has a name, such as 'H', or is a number from 1"
                )
            checks.whole("shape", size, 1)
    return tuple(normalize("NFKC", size) if isinstance(size, str) else size for size in shape)


def state(*shape: str | int, init: str | Callable | None = None) -> Input:
    """A state of a shape of its own, or with a start of its own.

    Parameters
    ----------
    shape : str or int
        By default ("H",).
    init : {None, "learned"} or callable
        Zeros; a parameter ``NAME_0``; or a function of static inputs, by their names, that computes it.
    """
    if init is not None and not callable(init):
        checks.text("init", init)
    return Input("state", _axes(shape or ("H",)), init)


clock = Input("clock", (1,))
"""The number of the step, counted from 0 and carried from one run to the next by ``state=run.final``."""

_RESERVED = {"cell", "params", "state", "lengths", "backend", "grad", "steps", "inputs", "batch_size"}
_NO_INPUT = {"sizes"}  # an option may be called so


def by_name(name: str, value: Any) -> dict[str, Any]:
    """What is said of parameters or letters, by their names; nothing where nothing is."""
    return dict(checks.mapping(name, value, "by name, such as {'b_f': ...}", optional=True))


def signature(function: Callable) -> tuple[list[Input], dict[str, Any]]:
    """Inputs in order, and options, from a function's signature."""
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        what = "a cell already" if hasattr(function, "graph") else f"of type {type(function).__name__}"
        raise TypeError(
            f"cell({function!r}): it is {what}; a cell is made of a Python function, whose arguments are the "
            "input and the states: def rnn(x, h): ..."
        )
    found, options = [], {}
    where = f"{line_of(function)}: cell {function.__name__!r}"
    for k, p in enumerate(inspect.signature(function).parameters.values()):
        if p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD):
            raise CellDefinitionError(
                f"{where}: *{p.name} says nothing of what the cell is given; name every argument"
            )
        is_input = k == 0 or p.default is p.empty or isinstance(p.default, Input)
        if (
            p.name in _RESERVED
            or (p.name in _NO_INPUT and is_input)
            or (p.name.endswith("0") and p.name[:-1] in inspect.signature(function).parameters)
        ):
            raise CellDefinitionError(
                f"{where}: an argument cannot be called {p.name!r}, which unroll uses itself"
            )
        if isinstance(p.default, Input):
            found.append(replace(p.default, name=p.name))
        elif k == 0 and p.default is p.empty:
            found.append(Input("sequence", ("D",), name=p.name))
        elif k == 0 and p.default is None:
            found.append(Input("none", name=p.name))
        elif p.default is p.empty:
            found.append(Input("state", ("H",), name=p.name))
        elif isinstance(p.default, str | int | float | bool | tuple | type(None)):
            options[p.name] = p.default
        else:
            raise CellDefinitionError(
                f"{where}: argument {p.name}={p.default!r}: a default is static(...), "
                "noise(...), sequence(...), "
                "state(...), clock, or the value of an option (number, text, tuple)"
            )
    if not found:
        raise CellDefinitionError(
            f"{where} has no arguments; the first of a function is the input (x=None for none), then states"
        )
    return found, options
