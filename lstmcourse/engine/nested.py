"""A cell inside another one: its equations are copied, under a prefix, onto what it is given there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..errors import CellDefinitionError, nearest
from .definition import Definition
from .graph import Dim, Graph, Node, walk
from .lines import author_line, word
from .ops import constant
from .trace import current
from .variants import with_options

__all__ = ["use"]


def use(
    cell: Definition, args: tuple, scope: str | None, weights: str | None, kwargs: Mapping[str, Any]
) -> Any:
    """What ``cell(*args, scope=..., **kwargs)`` gives while another cell is traced."""
    outer = current()
    outer.watch()
    scope = word("a scope", re.sub(r"\W+", "_", cell.name) if scope is None else scope)
    if scope in outer.children:
        raise CellDefinitionError(
            f"{author_line()}: the scope {scope!r} is used already; call {cell.name} with "
            "scope='another name'"
        )
    if weights is not None and weights not in outer.children:
        raise CellDefinitionError(
            f"{author_line()}: {cell.name} is to share the weights of {weights!r}: "
            f"{nearest(weights, outer.children)}"
        )
    outer.children.add(scope)
    positional = [i for i in cell.inputs if i.kind in ("sequence", "none", "state")]
    if cell.inputs[0].kind == "none":
        positional = positional if len(args) == len(positional) else positional[1:]
    if len(args) > len(positional):
        raise CellDefinitionError(
            f"{author_line()}: {cell.name} takes {', '.join(i.name for i in positional)} by position, "
            f"and was given {len(args)} values"
        )
    given = {i.name: a for i, a in zip(positional, args, strict=False)} | kwargs
    unknown = [k for k in given if k not in {i.name for i in cell.inputs} and k not in cell.options]
    if unknown:
        names = [i.name for i in cell.inputs] + list(cell.options)
        raise CellDefinitionError(
            f"{author_line()}: {cell.name} has no argument {unknown[0]!r}: {nearest(unknown[0], names)}"
        )
    options = {k: v for k, v in given.items() if k in cell.options}
    chosen = with_options(cell, options) if options else cell
    arguments: dict[str, Any] = {}
    sizes: dict[str, Dim] = {}
    for i in cell.inputs:
        value = given.get(i.name)
        if i.kind == "clock" and value is None:
            value = _outer_clock(outer.graph)
        if value is None and i.kind != "none":
            raise CellDefinitionError(
                f"{author_line()}: {cell.name} inside another cell needs its {i.kind} {i.name!r}"
            )
        if isinstance(value, Node):
            if len(value.shape) != len(i.shape):
                raise CellDefinitionError(
                    f"{author_line()}: {cell.name}: {i.name} has {len(i.shape)} axes beside time and "
                    f"batch, and was given {value!r}"
                )
            if i.reverse and not value.attrs.get("reverse"):
                raise CellDefinitionError(
                    f"{author_line()}: {cell.name} runs {i.name!r} backwards in time, which a cell "
                    "inside another cannot; put them in a stack"
                )
            for size, dim in zip(i.shape, value.shape, strict=True):
                if isinstance(size, str):
                    sizes.setdefault(size, dim)
        elif value is not None:
            value = constant(value)
        arguments[i.name] = value
    shared = None if weights is None else outer.full(weights)
    returned = _copied_into(chosen, outer.graph, outer.full(scope), arguments, sizes, shared)
    return returned if len(returned) > 1 else returned[0]


def _copied_into(
    cell: Definition,
    graph: Graph,
    prefix: str,
    arguments: Mapping[str, Any],
    sizes: Mapping[str, Dim],
    weights: str | None,
) -> tuple:
    """Copy the equations into another graph, under a prefix; return next states and what is emitted.

    Parameters are new, or those that another copy has under the prefix `weights`.

    before: ``f = sigmoid(affine("f", h, x))`` in a graph of its own
    after:  ``enc.f = sigmoid(affine("enc.f", ...))`` on the arguments, with parameters ``enc.W_f``
    """
    results = [s.next for s in cell.graph.states] + list(cell.graph.outputs.values())
    needed = set(walk(results + list(cell.graph.names.values())))
    only_starts = set(walk(s.start for s in cell.graph.states)) - needed
    new: dict[Node, Node | None] = {}

    def within(value: Any) -> Any:
        if isinstance(value, tuple):
            return tuple(within(v) for v in value)
        return value.within(sizes) if isinstance(value, Dim) else value

    for node in cell.graph.nodes:
        if node in only_starts:
            continue
        if weights is not None and node.op.name == "param":
            new[node] = _shared(cell, graph, f"{weights}.{node.name}", within(node.shape))
            continue
        if node.op.kind == "leaf" and node.op.name not in ("param", "table", "const"):
            new[node] = arguments[node.name]
            continue
        args = [new[a] for a in node.args]
        gained = {
            k: getattr(node, k) and not any(getattr(a, k) for a in node.args) for k in ("batched", "timed")
        }
        attrs = {k: within(v) for k, v in node.attrs.items()}
        if "free" in attrs:
            attrs["free"] = new[attrs["free"]]
        if node.op.name == "param" and node.name in cell.initial:
            attrs["init"] = cell.initial[node.name]
        new[node] = graph.add(
            node.op,
            args,
            attrs=attrs,
            shape=within(node.shape),
            name=f"{prefix}.{node.name}" if node.name else "",
            line=node.line,
            **{k: gained[k] or any(getattr(a, k) for a in args) for k in gained},
        )
    for name, node in cell.graph.names.items():
        graph.names.setdefault(f"{prefix}.{name}", new[node])
    return tuple(new[n] for n in results)


def _shared(cell: Definition, graph: Graph, name: str, shape: tuple[Dim, ...]) -> Node:
    """The parameter of this name and shape that is there already."""
    found = next((p for p in graph.params if p.name == name), None)
    if found is None or found.shape != shape:
        what = "none" if found is None else f"one of shape ({', '.join(map(str, found.shape))})"
        raise CellDefinitionError(
            f"{author_line()}: {cell.name} shares the weights of {name.rpartition('.')[0]!r} and needs "
            f"{name!r} of shape ({', '.join(map(str, shape))}); there is {what}"
        )
    return found


def _outer_clock(graph: Graph) -> Node:
    clocks = graph.leaves("clock")
    if not clocks:
        raise CellDefinitionError(
            f"{author_line()}: a nested cell reads the clock, so the outer cell needs one: add t=clock to "
            "its arguments"
        )
    return clocks[0]
