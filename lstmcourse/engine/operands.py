"""Whether operands fit an operation: how many axes they have, and what is a condition."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import CellDefinitionError
from .graph import Node
from .lines import author_line

__all__ = ["check_conditions", "check_ranks", "is_condition"]


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
