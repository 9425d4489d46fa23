"""Cells made of cells: `stack` puts them on top of each other, `bidirectional` runs two in two directions.

Both make a `Cell` like any other: its graph holds the children's equations, so all that is derived from a
cell is derived from these as well. That a stack's layers run one after the other, each over all steps, and
that the second direction runs backwards, is found by `passes.levels`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from . import checks
from .cell import Cell, Input
from .engine.graph import Node
from .engine.layers import concat
from .engine.trace import current

__all__ = ["bidirectional", "stack"]


def _inside(child: Cell, prefix: str) -> list[Input]:
    """A child's inputs but the first, renamed into a scope."""
    return [replace(i, name=f"{prefix}.{i.name}") for i in child.inputs[1:] if i.kind != "none"]


def _call_child(child: Cell, prefix: str, x: Node, leaves: Mapping[str, Any]):
    """Call a child; return its next states by full name, what it emits, and what is read out."""
    rest = {i.name: leaves[f"{prefix}.{i.name}"] for i in child.inputs[1:]}
    returned = child(x, scope=prefix, **rest)
    returned = returned if isinstance(returned, tuple) else (returned,)
    k = len(child.states)
    states = {f"{prefix}.{s}": n for s, n in zip(child.states, returned[:k], strict=True)}
    emitted = dict(zip(child.emits, returned[k:], strict=True))
    top = emitted[child.output] if child.output in emitted else states[f"{prefix}.{child.output}"]
    return states, emitted, top


def stack(cells: Iterable[Cell], *, dropout: bool = False) -> Cell:
    """Put cells on top of each other: what one reads out is the input of the next.

    Parameters
    ----------
    cells : iterable of Cell
        From the bottom up.
    dropout : bool
        Whether the input of each upper layer k is multiplied by a noise input ``"k.mask"``, (T, B, H),
        given by the caller.

    Returns
    -------
    Cell
        Parameters ``"0.W_f"``, states ``"0.h"``; ``run["h"]`` is the top layer's.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> lc.stack([lc.cells.rnn, lc.cells.rnn]).states
    ('0.h', '1.h')
    """
    listed = list(cells) if isinstance(cells, Iterable) and not isinstance(cells, str) else None
    if listed is None or not all(isinstance(c, Cell) for c in listed):
        given = cells if listed is None else listed
        raise TypeError(f"stack({given!r}): it takes a list of cells, such as [lc.cells.lstm, lc.cells.lstm]")
    cells = listed
    if not cells:
        raise ValueError("stack([]): a stack needs at least one cell")
    checks.truth("dropout", dropout)
    inputs = [cells[0].inputs[0]]
    for k, child in enumerate(cells):
        if child.inputs[0].kind != "sequence" or (k and len(child.inputs[0].shape) != 1):
            raise ValueError(f"stack: layer {k}, {child.name}, does not take a vector as its input")
        width = cells[k - 1].graph.names[cells[k - 1].output].shape[-1] if k else "D"
        for i in _inside(child, str(k)):  # what is as wide as its input is as wide as the layer below
            inputs.append(replace(i, shape=tuple(width if size == "D" else size for size in i.shape)))
        if dropout and k:
            inputs.append(Input("noise", (width,), name=f"{k}.mask"))
    top_name = cells[-1].output

    def function(**leaves):
        """Layers on top of each other."""
        below, nexts, emitted = leaves[inputs[0].name], {}, {}
        for k, child in enumerate(cells):
            if dropout and k:
                below = below * leaves[f"{k}.mask"]
            states, more, below = _call_child(child, str(k), below, leaves)
            nexts |= states
            emitted |= {
                f"{k}.{n}": node for n, node in more.items() if n != child.output or k < len(cells) - 1
            }
        return composite(nexts, {top_name: below} | emitted)

    name = "stack(" + ", ".join(c.name for c in cells) + ")"
    parts = ("stack", tuple(cells), {"dropout": dropout})
    return compose(name, function, inputs, cells, top_name, parts=parts)


def bidirectional(child: Cell) -> Cell:
    """Run one cell forwards and another copy of it backwards, and lay what they read out side by side.

    Parameters
    ----------
    child : Cell

    Returns
    -------
    Cell
        Parameters ``"fwd.W_f"`` and ``"bwd.W_f"``; ``run["h"]`` is (T, B, 2H), in the order of the input.
    """
    if not isinstance(child, Cell):
        raise TypeError(f"bidirectional({child!r}): it takes a cell as its child, such as lc.cells.lstm")
    if child.inputs[0].kind != "sequence":
        raise ValueError(f"bidirectional: {child.name} has no input to read in two directions")
    if any(s.reverse for s in child.graph.states):
        raise ValueError(f"bidirectional: {child.name} runs in two directions already")
    backward_inputs = [replace(i, reverse=True) if i.kind == "state" else i for i in _inside(child, "bwd")]
    inputs = [child.inputs[0], *_inside(child, "fwd"), *backward_inputs]

    def function(**leaves):
        """Two directions."""
        x = leaves[inputs[0].name]
        forward, more_forward, a = _call_child(child, "fwd", x, leaves)
        backward, more_backward, b = _call_child(child, "bwd", x, leaves)
        emitted = {f"fwd.{k}": n for k, n in more_forward.items() if k != child.output}
        emitted |= {f"bwd.{k}": n for k, n in more_backward.items() if k != child.output}
        return composite(forward | backward, {child.output: concat(a, b)} | emitted)

    return compose(
        f"bidirectional({child.name})",
        function,
        inputs,
        [child, child],
        child.output,
        ["fwd", "bwd"],
        parts=("bidirectional", (child,), {}),
    )


def composite(nexts: Mapping[str, Node], emitted: Mapping[str, Node]) -> tuple:
    """What a cell made of cells returns: next states, then what is emitted, by the names given."""
    scope = current()
    for name, node in emitted.items():
        scope.first[name] = node
        scope.graph.names.setdefault(scope.full(name), node)
    return (*nexts.values(), *emitted.values())


def compose(
    name: str,
    function: Callable,
    inputs: list[Input],
    cells: list[Cell],
    output: str,
    prefixes: list[str] | None = None,
    **fields: Any,
) -> Cell:
    """A cell of this function that takes starts of parameters, and letters, from its children."""
    prefixes = prefixes or [str(k) for k in range(len(cells))]
    initial = {
        f"{prefix}.{p.name}": c.initial[p.name]  # a child's options may leave out what has a start
        for prefix, c in zip(prefixes, cells, strict=True)
        for p in c.graph.params
        if p.name in c.initial
    }
    letters = {k: v for c in cells for k, v in c.letters.items()}
    return Cell(
        name,
        function,
        tuple(inputs),
        initial=initial,
        letters=letters,
        output=output,
        watched=False,
        **fields,
    )
