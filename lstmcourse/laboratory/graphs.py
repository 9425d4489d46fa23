"""What the laboratory makes of a cell's graph: every equation can be held, and every value has a name.

before:  f = sigmoid(...)
after:   f = where(free:f, sigmoid(...), hold:f), with two more inputs, one number for each step and unit
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

from ..engine.definition import Definition
from ..engine.expression import equations
from ..engine.graph import Graph, Node
from ..engine.operands import is_condition
from ..engine.ops import OPS, apply
from ..engine.rewrite import clone, rewrite
from ..engine.signature import Input
from ..engine.trace import current
from ..engine.variants import with_graph

__all__ = ["FREE", "HOLD", "before", "holdable", "held_equations", "keys", "named"]

FREE, HOLD, OWN = "free:", "hold:", "own:"


def before(state: str) -> str:
    """The key of a state's value before the step."""
    return f"{state}@prev"


def keys(graph: Graph) -> dict[Node, str]:
    """A key for every value: its name, ``c@prev`` for a state before the step, a number for what has none."""
    found = {n: n.name or f"~{k}" for k, n in enumerate(graph.nodes) if n.op.name != "const"}
    found |= {n: name for name, n in equations(graph).items()}
    return found | {s.prev: before(s.name) for s in graph.states}


def held_equations(graph: Graph) -> dict[str, Node]:
    """The equations that can be held: those with a number at every step."""
    found = equations(graph).items()
    return {name: n for name, n in found if n.timed and n.batched and not is_condition(n)}


def holdable(cell: Definition, *, watched: bool = False) -> Definition:
    """The same cell, each of whose equations is held where an input says so.

    A run of it can also be asked for what held equations would have given, ``own:f``, if `watched`.
    """
    own: dict[str, Node] = {}
    at = {n: name for name, n in held_equations(cell.graph).items()}

    def rule(node: Node, new: Mapping[Node, Node]) -> Node | None:
        if node not in at:
            return None
        graph = current().graph
        made = clone(graph, node, [new[a] for a in node.args], name="")
        more = [
            graph.add(OPS["sequence"], shape=node.shape, batched=True, timed=True, name=kind + at[node])
            for kind in (FREE, HOLD)
        ]
        own[OWN + at[node]] = made
        return apply("where", apply("greater", more[0], 0.0), made, more[1])

    graph = rewrite(cell.graph, rule)
    if watched:
        graph.names |= own
    made = with_graph(cell, graph)
    more = [Input("sequence", n.shape, name=kind + name) for n, name in at.items() for kind in (FREE, HOLD)]
    made.__dict__["inputs"] = (*cell.inputs, *more)
    return made


def named(cell: Definition) -> Definition:
    """The same cell, of which a run can be asked for every value, by its key."""
    graph = copy.copy(cell.graph)
    graph.names = graph.names | {
        key: n
        for n, key in keys(graph).items()
        if n.op.kind != "leaf" or (n.op.name == "prev" and key not in graph.names)
    }
    return with_graph(cell, graph)
