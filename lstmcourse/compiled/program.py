"""A compiled program: its text, and all that it takes to call it."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..programs.walk import Program
from .sizes import ZERO, Poly

__all__ = ["Buffer", "CompiledProgram", "Function", "NotCompiled", "View"]


class NotCompiled(Exception):
    """The graph, or the sizes of a run, ask for something that the compiled back-end cannot do."""


@dataclass(frozen=True)
class Buffer:
    """Memory with a name: its axes, and whether it holds truth values."""

    axes: tuple[Poly, ...]
    boolean: bool = False


@dataclass(frozen=True)
class View:
    """An array of the result: part of a buffer."""

    variable: str
    offset: Poly
    shape: tuple[Poly, ...]
    strides: tuple[Poly, ...]


@dataclass(frozen=True)
class Function:
    """One function of a compiled program.

    Attributes
    ----------
    name : str
    loop : bool
        Whether it goes through time.
    step : bool
        Whether it is part of a loop's step: it is called by the loop, for one t.
    rows : Poly or None
        How many rows it handles, if parts of them can be handled by several threads at once.
    work : Poly
        How many multiplications that takes, roughly; 0 where it makes no difference.
    """

    name: str
    loop: bool = False
    step: bool = False
    rows: Poly | None = None
    work: Poly = ZERO


@dataclass
class CompiledProgram(Program):
    """A program for the compiler: its text, and what it takes to call it.

    Attributes
    ----------
    functions : list of Function
        In the order of calls.
    variables : list of str
        Whose addresses are handed over, in order.
    expected : dict
        Axes of each argument.
    buffers : dict
        What is allocated: variable -> `Buffer`.
    results : dict
        Key of the returned dict -> `View`.
    equal : set
        Sizes that must turn out equal.
    lasting : set
        Names of functions that need not be called again while parameters and static inputs stay as they are,
        and nobody else writes to the memory that they wrote to.
    """

    functions: list[Function] = field(default_factory=list)
    variables: list[str] = field(default_factory=list)
    expected: dict[str, Buffer] = field(default_factory=dict)
    buffers: dict[str, Buffer] = field(default_factory=dict)
    results: dict[str, View] = field(default_factory=dict)
    equal: set[tuple[Poly, Poly]] = field(default_factory=set)
    lasting: set[str] = field(default_factory=set)
