"""Backward: from the graph of one step to the graph of its gradients, which is a graph like any other.

`backward` walks the equations in reverse and asks each primitive's row for its rule. What it returns is
again the graph of one step, whose states are the gradients carried through time (against the direction of
the forward loop), so every pass and every printer works on it unchanged: weight gradients turn out to be
products over all steps after the loop because nothing in the loop needs them.

A value of the forward step that a rule asks for is either *saved* (it comes from storage) or computed again
inside the backward step; `passes.saved` decides, node by node.
"""

from __future__ import annotations

from collections.abc import Collection

from .graph import Dim, Graph, Node, State, walk
from .layers import concat
from .ops import OPS, apply, constant, expand
from .ops import sum as sum_axis
from .trace import editing, record

__all__ = ["backward", "gradient_name"]

DIFFERENTIABLE = ("param", "static", "initial", "sequence", "noise", "prev")


def gradient_name(name: str) -> str:
    """The name of a gradient: ``d_c`` for ``c``, ``enc.d_c`` for ``enc.c``."""
    scope, dot, last = name.rpartition(".")
    return f"{scope}{dot}d_{last}"


def backward(
    graph: Graph, outputs: Collection[str], keep: Collection[Node], skip: Collection[str] = ()
) -> Graph:
    """Build the graph of the gradients of one step.

    before: the step ``c = f * c_prev + i * g``, gradients of some outputs
    after:  the step ``d_f = d_c * c_prev``, ..., next carried ``d_c_prev = d_c * f``, and sums over steps
    for parameters

    Parameters
    ----------
    graph : Graph
        The step, divided into primitives.
    outputs : collection of str
        Names of states and outputs whose gradient is given at every step.
    keep : collection of Node
        Values of `graph` that are in storage when the backward program runs.
    skip : collection of str
        Names of inputs whose gradients nobody wants.

    Returns
    -------
    Graph
        With an output ``d_NAME`` for each parameter and input, and ``d_NAME0`` for each initial state.
    """
    new = Graph(f"{graph.name}, backward")
    with editing(new):
        step = _Backward(graph, new, set(keep))
        step.start(outputs)
        for node in reversed(graph.nodes):
            step.through(node)
        step.finish(skip)
    live = set(walk(new.roots()))
    new.nodes = [n for n in new.nodes if n in live or n.op.name == "prev"]
    return new


class _Backward:
    """One walk back: what is known of the forward step, and the gradients collected so far."""

    def __init__(self, graph: Graph, new: Graph, keep: set[Node]):
        self.graph, self.new, self.keep = graph, new, keep
        self.values: dict[Node, Node] = {}
        self.parts: dict[Node, list[Node]] = {}
        self.sliced: dict[Node, list[tuple[Dim, Dim, int, Node]]] = {}
        self.done: dict[Node, Node | None] = {}
        self.needed: set[Node] = set()
        for node in graph.nodes:
            leaf = node.op.kind == "leaf" and node.op.name in DIFFERENTIABLE
            if leaf or (any(a in self.needed for a in node.args) and not node.op.boolean):
                self.needed.add(node)
        self.carried: dict[str, State] = {}

    def value(self, node: Node) -> Node:
        """The forward value inside the backward graph: a leaf, from storage, or computed again."""
        if node in self.values:
            return self.values[node]
        common = dict(
            shape=node.shape, batched=node.batched, timed=node.timed, name=node.name, line=node.line,
            origin=node.origin, hint=node.hint,
        )  # fmt: skip
        if node.op.name == "prev" or node in self.keep:
            new = self.new.add(OPS["saved"], attrs={**node.attrs, "of": node}, **common)
        else:
            new = self.new.add(node.op, [self.value(a) for a in node.args], attrs=node.attrs, **common)
        self.values[node] = new
        return new

    def start(self, outputs: Collection[str]) -> None:
        """Gradients come in from outside, and from the later step."""
        for state in self.graph.states:
            name = gradient_name(state.name)
            common = dict(shape=state.prev.shape, batched=True, name=name)
            leaf = self.new.add(OPS["prev"], attrs={"state": name}, timed=True, **common)
            first = self.new.add(OPS["initial"], attrs={"state": state.name}, **common)
            self.carried[state.name] = State(name, leaf, first, reverse=not state.reverse)
            self.new.states.append(self.carried[state.name])
            self.give(state.next, leaf)
            self.give(state.start, self.new.add(OPS["carried"], attrs={"state": name}, **common))
        for name in outputs:
            node = self.graph.names[name]
            common = dict(shape=node.shape, batched=True, timed=True, name=gradient_name(name))
            leaf = self.new.add(OPS["grad"], attrs={"of": name}, **common)
            self.give(node, leaf)

    def give(self, node: Node, g: Node | None) -> None:
        """Add a part to a node's gradient, summed over the axes along which the node was broadcast."""
        if g is None or node not in self.needed:
            return
        self.parts.setdefault(node, []).append(match(g, node))

    def gradient(self, node: Node) -> Node | None:
        """The sum of what was given; slices of one parent are laid side by side."""
        parts = self.parts.get(node, [])
        by_axis: dict[int, list] = {}
        for start, stop, axis, g in self.sliced.get(node, []):
            by_axis.setdefault(axis, []).append((start, stop, g))
        for axis, pieces in by_axis.items():
            parts = [*parts, *_assemble(node, pieces, axis)]
        if not parts:
            return None
        total = parts[0]
        for part in parts[1:]:
            total = total + part
        return total

    def through(self, node: Node) -> None:
        """From the gradient of a result to those of its arguments."""
        g = self.gradient(node)
        self.done[node] = g
        if g is None:
            return
        if not g.name and not g.hint:
            g.name = gradient_name(node.name) if node.name else ""
            g.hint = gradient_name(node.hint) if node.hint else ""
        if node.op.kind == "leaf":
            return
        before = len(self.new.nodes)
        if node.op.name == "slice":
            at = node.attrs
            self.sliced.setdefault(node.args[0], []).append((at["start"], at["stop"], at["axis"], g))
        else:
            if not any(a in self.needed for a in node.args):
                return
            grads = node.op.grad(g, self.value(node), *(self.value(carried(a)) for a in node.args))
            for argument, part in zip(node.args, grads, strict=True):
                self.give(argument, part)
            _name_slopes(self.new.nodes[before:], g, node.name or node.hint)
        for made in self.new.nodes[before:]:
            if made.origin is None:
                made.origin = node.origin

    def finish(self, skip: Collection[str]) -> None:
        """Name the results: gradients of parameters, of inputs, of the states before the first step."""
        outputs = self.new.outputs
        for state in self.graph.states:
            carried = self.carried[state.name]
            g = self.done.get(state.prev)
            carried.next = g if g is not None else _zeros(carried.prev)
            last = next(n for n in self.new.leaves("carried") if n.attrs["state"] == carried.name)
            outputs[f"{carried.name}0"] = last
        for leaf in self.graph.leaves("param", "static", "sequence", "noise"):
            if leaf.name in skip:
                continue
            g = self.done.get(leaf)
            outputs[gradient_name(leaf.name)] = g if g is not None else _zeros(leaf)


def carried(node: Node) -> Node:
    """The state itself in place of one that is read anew past the end (`passes.stop_at_lengths`).

    As a factor of a gradient, which is 0 there, it serves as well, and it is in storage already.
    """
    anew = node.op.name == "where" and node.args[0].op.name == "valid" and node.args[1].op.name == "prev"
    return node.args[1] if anew else node


def _name_slopes(made: list[Node], g: Node, of: str) -> None:
    """What a rule makes without the incoming gradient is the slope of the function: call it that."""
    upstream = {id(g)}
    for node in made:
        if any(id(a) in upstream for a in node.args):
            upstream.add(id(node))
        elif node.op.kind not in ("leaf", "view") and not node.name and of and not node.hint:
            scope, dot, last = of.rpartition(".")
            node.hint = f"{scope}{dot}slope_{last}"


def _zeros(like: Node) -> Node:
    zero = constant(0.0)
    return record(OPS["copy"], [zero], shape=like.shape, batched=like.batched, timed=like.timed)


def _assemble(node: Node, pieces: list, axis: int) -> list[Node]:
    """Gradients of parts of one array: side by side where the parts tile it, else padded and added."""
    order, at = [], Dim()
    rest = list(pieces)
    while rest:
        here = [p for p in rest if p[0] == at]
        if not here:
            break
        first = here[0]
        same = [p for p in here if p[1] == first[1]]
        g = same[0][2]
        for p in same[1:]:
            g = g + p[2]
        order.append(g)
        rest = [p for p in rest if all(p is not q for q in same)]
        at = first[1]
    if not rest and at == node.shape[axis]:
        return [order[0] if len(order) == 1 else concat(*order, axis=axis)]
    size = node.shape[axis]
    return [apply("pad", g, start=start, stop=stop, size=size, axis=axis) for start, stop, g in pieces]


def match(g: Node, target: Node) -> Node:
    """Sum a gradient over the axes along which its target was broadcast."""
    one = Dim.of(1)
    for k in range(1, len(target.shape) + 1):
        if target.shape[-k] == one and g.shape[-k] != one:
            g = expand(sum_axis(g, -k), -k)
    if not target.batched and not target.timed and (g.batched or g.timed or len(g.shape) > len(target.shape)):
        return record(OPS["total"], [g], {"rank": len(target.shape)})
    if g.timed and not target.timed:
        return record(OPS["over_time"], [g], batched=True)
    return g
