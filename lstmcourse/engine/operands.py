"""Whether operands fit an operation: how many axes they have, what is a condition, what is no array."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import checks
from ..errors import CellDefinitionError, ShapeError
from .graph import Dim, Node, Op
from .lines import author_line

__all__ = [
    "check_conditions",
    "check_numbers",
    "check_ranks",
    "eager",
    "is_condition",
    "reshaped",
    "size_of",
]


def is_condition(node: Node) -> bool:
    """Whether a node's values are true and false: a comparison, or what only hands comparisons on."""
    if node.op.boolean or node.op.name == "valid":
        return True
    if "of" in node.attrs and node.op.name in ("saved", "clock"):
        return is_condition(node.attrs["of"])
    if node.op.name == "const":
        return np.asarray(node.attrs["value"]).dtype == bool
    chosen = node.args[1:] if node.op.name == "where" else node.args
    hands_on = ("copy", "stop", "where", "spread", "reshape", "concat")
    return (node.op.kind == "view" or node.op.name in hands_on) and all(is_condition(a) for a in chosen)


def check_conditions(name: str, nodes: Sequence[Node]) -> None:
    """What decides is a comparison, not a number."""
    for node in nodes:
        if not is_condition(node):
            raise CellDefinitionError(
                f"{author_line()}: {name} was given {node!r} as a condition; a condition is a comparison, "
                "such as h > 0.0 or t % 4 == 0"
            )


def check_numbers(name: str, nodes: Sequence[Node]) -> None:
    """What a product or a function is given is numbers, not a condition."""
    for node in nodes:
        if is_condition(node):
            raise CellDefinitionError(
                f"{author_line()}: {name} was given {node!r}, which is a condition; write "
                "where(condition, 1.0, 0.0) for a number"
            )


def check_ranks(name: str, args: Sequence[Node]) -> None:
    """Operands with a batch axis have as many further axes, so that none meets the batch by accident."""
    ranks = {len(a.shape) for a in args if a.batched}
    loose = [len(a.shape) for a in args if not a.batched]
    if len(ranks) > 1 or (ranks and loose and max(loose) > min(ranks)):
        raise CellDefinitionError(
            f"{author_line()}: {name} of {' and '.join(map(repr, args))}: operands that differ for each "
            "sequence must have the same number of axes beside time and batch, and shared ones no more than "
            "that; use expand(a, axis) to line them up"
        )


_NAMES = {"dot": ("a", "w"), "where": ("condition", "a", "b")}
_AXES = {"dot": 1, "matmul": 2, "swap": 2, "sum": 1, "softmax": 1, "logsumexp": 1}


def _arrays(op: Op, args: Sequence[Any], attrs: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """What a function is given outside a cell, by name: arrays with the axes that it needs, of floats."""
    names = _NAMES.get(op.name, ("a", "b"))
    arrays = {name: checks.array(name, a, "biufc") for name, a in zip(names, args, strict=False)}
    for name, a in arrays.items():
        if a.ndim < _AXES.get(op.name, 0):
            raise ShapeError(f"{name} has shape {a.shape}; {op.name} needs {_AXES[op.name]} axes or more")
    if "axis" in attrs:
        rank = arrays["a"].ndim + (op.name == "expand")
        checks.whole("axis", attrs["axis"], -rank, rank - 1)
    whole = "iu" if op.name in ("where", "both", "either", "opposite") else "biu"
    return {name: a.astype(float) if a.dtype.kind in whole else a for name, a in arrays.items()}


def eager(compute: Callable, op: Op, args: Sequence[Any], attrs: Mapping[str, Any]) -> Any:
    """The value itself, when a function is called on numbers or arrays outside a cell."""
    arrays = _arrays(op, args, attrs)
    number = all(a.ndim == 0 for a in arrays.values())
    try:
        value = compute(op, [a.reshape(1) if number else a for a in arrays.values()], attrs)
    except ValueError:
        shapes = ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
        raise ShapeError(f"{op.name} of arrays whose shapes do not go together: {shapes}") from None
    return value[0] if number else value


def size_of(size: Any) -> Any:
    """A size that is no name: one of another shape, or a number from 1."""
    if not isinstance(size, Dim) and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise CellDefinitionError(
            f"{author_line()}: a shape has the size {size!r}; a size is a name ('H') or a number from 1"
        )
    return size


def reshaped(a: Any, shape: Sequence[Any]) -> np.ndarray:
    """An array in another shape that has as many elements."""
    a, shape = checks.array("a", a, "biufc"), tuple(checks.whole("shape", s, 0) for s in shape)
    if a.size != math.prod(shape):
        raise ShapeError(f"a of shape {a.shape} has {a.size} elements; shape {shape} has {math.prod(shape)}")
    return a.reshape(shape)
