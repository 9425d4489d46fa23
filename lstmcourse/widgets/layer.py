"""A layer of a cell as a panel shows it: found in the graph, and written in the paper's letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ..engine.expression import DRAWN, unaccented, write
from ..engine.graph import Node
from ..errors import UnknownNameError, nearest
from ..views.names import named

RANGES = {"sigmoid": (0.0, 1.0), "tanh": (-1.0, 1.0)}


@dataclass(frozen=True)
class Layer:
    """A layer in a cell's graph; a gate with what it multiplies and the product; and what all this reads."""

    value: Node
    before: Node | None
    after: Node | None
    reads: tuple[Node, ...]


def layer_of(cell: Any, gate: str) -> Layer:
    """Find a layer, and what it does, in a cell's graph."""
    names = cell.graph.names
    if gate not in names:
        raise UnknownNameError(f"gate: {cell.name} has no equation named {gate!r}: {nearest(gate, names)}")
    node = names[gate]
    if node.op.name not in RANGES or not _is_layer(node.args[0]):
        raise ValueError(
            f"{cell.name}: {letter_of(cell, gate)} = {written_of(cell, node)} is not sigmoid or tanh of an "
            f"affine layer, which is what a panel of {gate!r} would show"
        )
    before = after = None
    for product in cell.graph.nodes if node.op.name == "sigmoid" else ():
        others = [a for a in product.args if a is not node]
        if product.op.name == "mul" and len(others) == 1:
            before, after = others[0], product
            break
    return Layer(node, before, after, reads_of([*node.args[0].args, *([] if before is None else [before])]))


def _is_layer(node: Node) -> bool:
    """Whether a node is an affine layer, or one with peepholes: parameters times what they look at."""
    if node.op.name == "add":
        layer, peephole = node.args
        return _is_layer(layer) and peephole.op.name == "mul" and peephole.args[0].op.name == "param"
    return node.op.name == "affine"


def reads_of(nodes: Iterable[Node]) -> tuple[Node, ...]:
    """Return the inputs, parameters and named equations that these nodes are made of, in order, each once."""
    found: dict[Node, None] = {}
    for node in nodes:
        if node.op.kind == "leaf" or node.name:
            found |= {node: None} if node.op.name != "const" else {}
        else:
            found |= dict.fromkeys(reads_of(node.args))
    return tuple(found)


def letter_of(cell: Any, name: str, when: str = "t") -> str:
    """Return a name of a cell as its paper writes it: ``C_{t-1}``."""
    return named(name, when, cell.letters).label


def _parameter(cell: Any, name: str) -> str:
    """Return a parameter as its paper writes it: ``W_C`` for the ``W_g`` of a candidate written C̃."""
    head, _, layer = name.partition("_")
    return named(f"{head}_{unaccented(cell.letters.get(layer, layer))}", "").label


def written_of(cell: Any, node: Node, top: bool = True) -> str:
    """Return a node as its paper writes it: an equation's right side, or its name unless `top`."""

    def name(node: Node, when: str, letters: Mapping[str, str]) -> str:
        if node.op.name == "const":
            return DRAWN.name(node, when, letters)
        if node.op.name == "param":
            return _parameter(cell, node.name)
        return letter_of(cell, node.name, when)

    formats = {**DRAWN.formats, "mul": "{0} · {1}", "sub": "{0} − {1}", "neg": "−{0}"}
    return write(node, replace(DRAWN, formats=formats, name=name), cell.letters, top)
