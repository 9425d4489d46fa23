"""Chance: a number drawn while a cell is traced would be the same at every step of every run."""

from __future__ import annotations

import inspect
import pickle
import random
from collections.abc import Callable, Iterator
from itertools import zip_longest
from types import CodeType
from typing import Any

import numpy as np

from ..errors import CellDefinitionError
from .definition import Definition
from .graph import Graph
from .lines import line_of

__all__ = ["without_chance"]


def without_chance(function: Callable, make: Callable[[], Definition]) -> Definition:
    """Make a cell; refuse one that another trace would make of other numbers or operations.

    The function is run again where numbers come from elsewhere than its text, and several times where a
    generator has moved meanwhile, which may also be another thread's doing.
    """
    before = _generators(function)
    cell = make()
    moved = _generators(function) != before
    known = {0.0, *_numbers(function.__code__), *cell.options.values(), *cell.held.values()}
    given = (n.attrs["value"] for n in cell.graph.leaves("const"))
    strange = any(isinstance(v, np.ndarray) or (isinstance(v, int | float) and v not in known) for v in given)
    first = _contents(cell.graph)
    for _ in range(8 if moved else int(strange)):
        other = zip_longest(first, _contents(cell._trace()))
        at = next((k for k, (one, two) in enumerate(other) if one != two), None)
        if at is not None:
            line = next((n.line for n in cell.graph.nodes[at:] if n.args and n.line), line_of(function))
            raise CellDefinitionError(
                f"{line}: cell {cell.name!r} is another one each time that its function runs: it draws at "
                "random (or looks at a clock). A cell is traced once, so what is drawn there would be the "
                'same at every step of every run; let the caller give it, e=noise("H") as an argument'
            )
    return cell


def _generators(function: Callable) -> bytes:
    """The states of the global generators, and of those that a function calls by name."""
    seen = inspect.getclosurevars(function)
    kinds, stateless = np.random.Generator | np.random.RandomState | random.Random, random.SystemRandom
    held = (*seen.nonlocals.values(), *seen.globals.values())
    own = [v for v in held if isinstance(v, kinds) and not isinstance(v, stateless)]
    return pickle.dumps([np.random.get_state(legacy=False), random.getstate(), own])


def _numbers(code: CodeType) -> Iterator[float]:
    """The numbers in a function's text."""
    for value in code.co_consts:
        if isinstance(value, int | float):
            yield value
        elif isinstance(value, CodeType):
            yield from _numbers(value)


def _contents(graph: Graph) -> list[tuple]:
    """What is done to what, with which numbers: equal for graphs that compute the same."""
    number = {n: k for k, n in enumerate(graph.nodes)}

    def plain(v: Any) -> Any:
        return (v.shape, v.tobytes()) if isinstance(v, np.ndarray) else "" if callable(v) else repr(v)

    return [
        (n.op.name, n.name, [number[a] for a in n.args], [(k, plain(v)) for k, v in n.attrs.items()])
        for n in graph.nodes
    ]
