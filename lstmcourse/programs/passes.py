"""Steps from graph to graph on the way to a fast program. Each is named, pure, and says before -> after.

In the order in which `compile.py` uses them:

- `stop_at_lengths`: past its length a sequence keeps its state
- `silence_padding`: what is summed over steps is exactly 0 past the end
- `divide_layers`: a layer becomes products and sums, what is known earliest first
- `merge_products`: products that share an operand become one
- `merge_elementwise`: the same function of neighbouring slices becomes one
- `simplify`: common subexpressions once, arithmetic on constants done
- `ask_the_clock`: what the clock alone decides is an input, computed exactly
- `own_next_states`, `own_outputs`: results that can be stored where they belong
- `give_hints`: names for what the author left unnamed
- `saved`: which values the backward program takes from storage
- `schedule`: which values are computed once, for all steps at once, in a loop, or after it
- `check_schedule`: nothing is read before it is computed
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from ..engine.graph import Dim, Graph, Node, State, current, editing, record, walk
from ..engine.ops import OPS, concat, dot, is_condition, where
from ..engine.rewrite import clone, consumers, rewrite
from ..errors import ScheduleError

__all__ = [
    "Section",
    "ask_the_clock",
    "check_schedule",
    "divide_layers",
    "give_hints",
    "levels",
    "merge_elementwise",
    "merge_products",
    "own_next_states",
    "own_outputs",
    "saved",
    "schedule",
    "silence_padding",
    "simplify",
    "stop_at_lengths",
]


# When: how early a value can be known


@dataclass
class Levels:
    """For each node, the loop after which it is known (0: before any), and the loop that it is part of."""

    level: dict[Node, int] = field(default_factory=dict)
    loop: dict[Node, tuple[int, bool]] = field(default_factory=dict)  # node -> (level, reverse)
    of_state: dict[str, int] = field(default_factory=dict)

    def when(self, node: Node) -> tuple:
        """Sorts early before late; equal for nodes that can stand side by side."""
        return (self.level[node], node in self.loop, node.timed)


def _needs(
    graph: Graph, stored: Mapping[Node, str]
) -> tuple[dict[Node, frozenset[str]], dict[str, set[str]]]:
    """The states that each node needs, and those that each state needs, by way of others too.

    `stored` are nodes that are known when a state's loop has run, though they read no state.
    """
    needs: dict[Node, frozenset[str]] = {}
    for node in graph.nodes:
        found = frozenset().union(*(needs[a] for a in node.args))
        if node.op.name in ("prev", "carried"):
            found |= {node.attrs["state"]}
        needs[node] = found | {stored[node]} if node in stored else found
    reach = {s.name: set(needs[s.next]) for s in graph.states}
    for _ in reach:
        for name in reach:
            reach[name] |= set().union(*(reach[r] for r in reach[name]))
    return needs, reach


def levels(graph: Graph) -> Levels:
    """Find the loops: states that need each other's past share one; who needs another's result comes later.

    A stack of two layers has two loops, so everything the second layer needs of the first is there for all
    steps at once; the two directions of a bidirectional layer are two loops as well.
    """
    states = {s.name: s for s in graph.states}
    needs, reach = _needs(graph, {})
    # A state without a past is stored by its loop all the same, so who reads its next value comes later too.
    forgetful = [s for s in graph.states if s.name not in reach[s.name] and s.next.op.kind != "leaf"]
    stored = {
        s.next: s.name for s in forgetful if s.next not in set(walk(states[m].next for m in reach[s.name]))
    }
    if stored:
        needs, reach = _needs(graph, stored)
    group = {n: frozenset({n} | {m for m in reach[n] if n in reach[m]}) for n in states}

    out = Levels()

    def level_of(name: str) -> int:
        members = group[name]
        if name not in out.of_state:
            outside = set().union(*(reach[m] for m in members)) - members
            at = 1 + max((level_of(m) for m in outside), default=0)
            for m in members:
                out.of_state[m] = at
        return out.of_state[name]

    for name in states:
        level_of(name)
    inside: dict[Node, frozenset] = {}
    together = dict.fromkeys(group[name] for name in states)  # in the order of the states; early loops first
    for members in sorted(together, key=lambda m: out.of_state[min(m)]):
        behind = set(walk(states[m].next for m in members))
        for node in graph.nodes:
            if node in behind and node.op.kind != "leaf" and needs[node] & members:
                inside.setdefault(node, members)
        for m in members:
            inside.setdefault(states[m].next, members)
    for node in graph.nodes:
        if node in inside:
            member = min(inside[node])
            out.level[node] = out.of_state[member]
            out.loop[node] = (out.of_state[member], states[member].reverse)
        elif node.op.name in ("prev", "carried"):
            out.level[node] = out.of_state[node.attrs["state"]]
        else:
            out.level[node] = max((out.level[a] for a in node.args), default=0)
    return out


# Layers, products, slices


def divide_layers(graph: Graph) -> Graph:
    """Write each layer as products and sums, adding first what is known first.

    before: ``f = sigmoid(affine(x, W_f, h_prev, U_f, b_f))``
    after:  ``f = sigmoid((x W_f + b_f) + h_prev U_f)``, whose bracket leaves the loop
    """
    order = levels(graph)

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node.op.name != "affine":
            return None
        args, k = [new[a] for a in node.args], node.attrs["terms"]
        terms = [(order.level[node.args[2 * j]], dot(args[2 * j], args[2 * j + 1])) for j in range(k)]
        bias = [(0, args[-1])] if len(args) > 2 * k else []
        early = [t for t in terms if t[0] == 0]
        total = None
        for _, term in early + bias + sorted((t for t in terms if t[0]), key=lambda t: t[0]):
            total = term if total is None else total + term
        return total

    return rewrite(graph, rule)


def merge_products(graph: Graph) -> Graph:
    """Give all products of one value a single matrix.

    before: ``h U_f``, ``h U_i``, ``h U_o``
    after:  ``h [U_f U_i U_o]`` and three slices of it

    Columns that meet the same squashing function become neighbours, so that it can be applied once.
    """
    order, users = levels(graph), consumers(graph)
    end = {n: _destination(n, users) for n in graph.nodes if n.op.name == "dot" and _shared(n.args[1])}
    squashings = list(dict.fromkeys(e.op.name for e in end.values()))
    groups: dict[tuple, list[Node]] = {}
    for n, e in end.items():
        groups.setdefault((n.args[0], order.when(n), order.loop.get(e), e.timed), []).append(n)
    group_of = {n: g for g in groups.values() if len(g) > 1 for n in g}
    for g in groups.values():
        g.sort(key=lambda n: squashings.index(end[n].op.name))
    parts: dict[Node, Node] = {}

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node not in group_of:
            return None
        if node not in parts:
            group = group_of[node]
            matrix = concat(*(new[n.args[1]] for n in group))
            matrix.hint = _initials(n.args[1] for n in group)
            product = dot(new[node.args[0]], matrix)
            product.origin, product.hint = _origins(group), "a"
            parts.update(_parts(product, group))
            for n in group:
                parts[n].hint = f"a_{_last(end[n].name) or 'part'}"
        return parts[node]

    return rewrite(_first(graph, [n.args[1] for n in group_of]), rule)


def _first(graph: Graph, nodes: Iterable[Node]) -> Graph:
    """The same graph with some nodes, and all that they need, at the front."""
    front = list(walk(nodes))
    ahead = set(front)
    rest = [n for n in graph.nodes if n not in ahead]
    return Graph(graph.name, front + rest, graph.states, graph.outputs, graph.names)


def _parts(whole: Node, members: list[Node]) -> dict[Node, Node]:
    """Slices of a merged result, one in the place of each member."""
    parts, start = {}, Dim()
    for n in members:
        stop = start + n.shape[-1]
        parts[n] = record(OPS["slice"], [whole], {"start": start, "stop": stop, "axis": -1})
        parts[n].origin = n.origin
        start = stop
    return parts


def _last(name: str) -> str:
    """A name without its scope."""
    return name.rpartition(".")[2]


def _initials(nodes: Iterable[Node]) -> str:
    """``W`` for W_f, W_i, W_o: what the names have in common before the underscore."""
    heads = dict.fromkeys(_last(n.name or n.hint or n.op.name).split("_")[0] for n in nodes)
    return "_".join(heads)


def _origins(nodes: Iterable[Node]) -> tuple | None:
    found: list[str] = []
    for n in nodes:
        for o in n.origin or ():
            if o not in found:
                found.append(o)
    return tuple(found) or None


def _destination(node: Node, users: dict[Node, list[Node]]) -> Node:
    """What a sum of products goes into in the end: as a rule, a squashing function."""
    while len(users[node]) == 1 and users[node][0].op.name == "add":
        node = users[node][0]
    return users[node][0] if len(users[node]) == 1 else node


def merge_elementwise(graph: Graph, only: Collection[str] = ()) -> Graph:
    """Apply a function once where it is applied to neighbouring slices.

    before: ``f = sigmoid(a[0:H])``, ``i = sigmoid(a[H:2H])``
    after:  ``f_i = sigmoid(a[0:2H])`` and two slices of it

    With `only`, operations of these names alone.
    """
    while True:
        run = _find_run(graph, only)
        if run is None:
            return graph
        graph = _merge_run(graph, run)


def _is_part(node: Node) -> bool:
    return node.op.name == "slice" and node.attrs["axis"] == -1


def _shared(node: Node) -> bool:
    return not node.timed and not node.batched


def _find_run(graph: Graph, only: Collection[str]) -> list[Node] | None:
    order = levels(graph)
    seen: dict[tuple, list[Node]] = {}
    for node in graph.nodes:
        if node.op.kind != "elementwise" or not any(_is_part(a) for a in node.args):
            continue
        if only and node.op.name not in only:
            continue
        if any(not (_is_part(a) or (_shared(a) and len(a.shape) <= 1)) for a in node.args):
            continue
        if any(a.shape != node.shape for a in node.args if a.shape):
            continue
        parents = tuple(
            ("part", a.args[0])
            if _is_part(a)
            else ("row", None)
            if a.shape
            else ("number", str(a.attrs["value"]) if a.op.name == "const" else a)
            for a in node.args
        )
        seen.setdefault((node.op.name, parents, order.when(node), order.loop.get(node)), []).append(node)
    for nodes in seen.values():
        nodes.sort(key=lambda n: str(_bounds(n)[0]))
        for first in nodes:
            run = [first]
            while True:
                after = next((n for n in nodes if n not in set(run) and _follows(run[-1], n)), None)
                if after is None:
                    break
                run.append(after)
            if len(run) > 1 and not any(_follows(n, first) for n in nodes if n is not first):
                return run
    return None


def _bounds(node: Node):
    part = next(a for a in node.args if _is_part(a))
    return part.attrs["start"], part.attrs["stop"]


def _follows(a: Node, b: Node) -> bool:
    """Whether every part that b reads begins where a's ends."""
    pairs = [(p, q) for p, q in zip(a.args, b.args, strict=True) if _is_part(p)]
    return all(p.attrs["stop"] == q.attrs["start"] for p, q in pairs)


def _merge_run(graph: Graph, run: list[Node]) -> Graph:
    members, parts = set(run), {}
    rows = [a for n in run for a in n.args if not _is_part(a)]

    def argument(k: int, new: dict[Node, Node]) -> Node:
        """The k-th argument of all members, side by side."""
        a = run[0].args[k]
        if _is_part(a):
            parent, start, stop = new[a].args[0], a.attrs["start"], run[-1].args[k].attrs["stop"]
            if start == Dim() and stop == parent.shape[-1]:
                return parent
            part = record(OPS["slice"], [parent], {"start": start, "stop": stop, "axis": -1})
            part.hint = f"{parent.hint}_{_joint(run)}"
            return part
        if not a.shape:
            return new[a]
        row = concat(*(new[n.args[k]] for n in run))
        row.hint = _initials(n.args[k] for n in run)
        return row

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node not in members:
            return None
        if not parts:
            joint = record(run[0].op, [argument(k, new) for k in range(len(run[0].args))], run[0].attrs)
            joint.origin, joint.hint = _origins(run), _joint(run)
            parts.update(_parts(joint, run))
            for n in run:
                parts[n].hint = f"{joint.hint}_{_last((n.origin or ('part',))[0])}"
        return parts[node]

    return rewrite(_first(graph, rows), rule)


def _joint(run: list[Node]) -> str:
    """``fio`` for f, i, o; ``a`` for sums that have no names yet."""
    return "".join(_last(n.name) for n in run) if all(n.name for n in run) else "a"


# Arithmetic


def simplify(graph: Graph) -> Graph:
    """Do each thing once, and arithmetic on constants now.

    before: ``a = y * y``, ``b = y * y``, ``c = 1.0 * d``
    after:  ``a`` for both, ``d`` for c
    """
    seen: dict[tuple, Node] = {}

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        args = [new[a] for a in node.args]
        folded = _fold(node, args)
        if folded is not None:
            return folded
        if node.op.kind == "leaf" and node.op.name != "const":
            return None
        key = (node.op.name, tuple(map(id, args)), _key(node.attrs), node.shape, node.timed, node.batched)
        if key not in seen:
            seen[key] = clone(current().graph, node, args)
        return seen[key]

    return rewrite(graph, rule)


def _key(attrs: dict) -> str:
    return repr(
        {
            k: v if not isinstance(v, np.ndarray) else (v.shape, v.dtype.str, v.tobytes())
            for k, v in attrs.items()
        }
    )


def _is_number(node: Node, value: float) -> bool:
    held = node.attrs.get("value") if node.op.name == "const" else None
    return isinstance(held, int | float) and not isinstance(held, bool) and held == value


def _fold(node: Node, args: list[Node]) -> Node | None:
    """1 * a, a * 1, a / 1, a + 0, 0 + a, a - 0, -(-a): the node that is left, if it has the same shape."""
    number = _is_number

    left = None
    if node.op.name == "mul":
        left = args[1] if number(args[0], 1) else args[0] if number(args[1], 1) else None
    elif node.op.name == "add":
        left = args[1] if number(args[0], 0) else args[0] if number(args[1], 0) else None
    elif node.op.name == "sub" and number(args[1], 0):
        left = args[0]
    elif node.op.name == "div" and number(args[1], 1):
        left = args[0]
    elif node.op.name == "neg" and args[0].op.name == "neg":
        left = args[0].args[0]
    elif (
        node.op.name == "sum" and args[0].op.name == "expand" and args[0].attrs["axis"] == node.attrs["axis"]
    ):
        left = args[0].args[0]
    same = (
        left is not None
        and not is_condition(left)
        and (left.shape, left.timed, left.batched)
        == (
            node.shape,
            node.timed,
            node.batched,
        )
    )
    return left if same else None


# Lengths


def stop_at_lengths(graph: Graph) -> Graph:
    """Keep the state where a sequence has ended, and emit nothing there.

    before: ``next h = step(x, h_prev)``, output ``y``
    after:  ``next h = where(valid, step(x, where(valid, h_prev, h_0)), h_prev)``, output
    ``where(valid, y, 0)``

    An output that only hands on states, such as the top layer's of a stack, hands on the kept ones.

    Past the end a step is computed too, for nobody, because all sequences share the loop. What the inputs
    hold there is replaced by their first value before the program runs, and the states are read as they
    started: so the sequence's own first step is done once more, which is as finite as it was. Going on from
    the last state would lead outside the sequence, where ``exp(h)`` may be infinite though all that is valid
    is not, and its slope times a gradient of 0 is NaN.
    """
    new = Graph(graph.name)
    at: dict[Node, Node] = {}
    with editing(new):
        masks: dict[int, Node] = {}

        def valid(rank: int) -> Node:
            if rank not in masks:
                shape = (Dim.of(1),) * rank
                masks[rank] = new.add(
                    OPS["valid"], attrs={"rank": rank}, shape=shape, batched=True, timed=True
                )
            return masks[rank]

        previous = {s.prev for s in graph.states}
        starts = set(walk(s.start for s in graph.states))
        for node in graph.nodes:
            if node in starts or node in previous:
                at[node] = clone(new, node, [at[a] for a in node.args])
        carried = {s.prev: at[s.prev] for s in graph.states}
        for s in graph.states:
            start = at[s.start]
            if start.op.name != "const":
                start = record(OPS["stop"], [start])
            at[s.prev] = where(valid(len(s.prev.shape)), carried[s.prev], start)
            at[s.prev].hint = f"{s.name}_read"
        for node in graph.nodes:
            if node not in at:
                at[node] = clone(new, node, [at[a] for a in node.args])
        kept: dict[Node, Node] = {}
        for s in graph.states:
            kept[s.next] = where(valid(len(s.prev.shape)), at[s.next], carried[s.prev])
            kept[s.next].origin = s.next.origin
            new.states.append(State(s.name, carried[s.prev], at[s.start], kept[s.next], s.reverse))

        def output(node: Node) -> Node:
            if node in kept:
                return kept[node]
            if node.op.name in ("copy", "concat") and all(a in kept for a in node.args):
                return clone(new, node, [kept[a] for a in node.args])
            return where(valid(len(node.shape)), at[node], 0.0)

        new.outputs = {k: output(n) for k, n in graph.outputs.items()}
    new.names = {k: kept.get(n, at[n]) for k, n in graph.names.items()} | new.outputs
    return new


def silence_padding(graph: Graph) -> Graph:
    """In a backward graph: make what leaves the steps exactly 0 past the end, whatever was computed there.

    before: ``d_W = outer(x, d_a)``, ``d_x = dot(d_x_part, W^T)``
    after:  ``d_W = outer(x, where(padded, 0, d_a))``, and so on

    The selection comes after all products with slopes, so that a slope past the end that is not finite does
    not matter (a step at a clock that the sequence never reached, a sequence of length 0). It stands where
    the value is made, so that it is done in place, and what is made of the value is silent as well.
    """
    if not graph.leaves("valid"):
        return graph
    ends = {n for n in graph.outputs.values() if n.timed and n.batched}
    wanted = ends | {a for n in graph.nodes if n.op.kind == "reduction" for a in _loud(n, n.args, set())}
    wanted -= {s.next for s in graph.states}
    silent: set[Node] = set()  # new nodes that are 0 past the end
    padded: dict[int, Node] = {}
    valid: dict[int, Node] = {}

    def select(value: Node) -> Node:
        rank = len(value.shape)
        if rank not in padded:
            if rank not in valid:
                shape = (Dim.of(1),) * rank
                valid[rank] = current().graph.add(
                    OPS["valid"], attrs={"rank": rank}, shape=shape, batched=True, timed=True
                )
            padded[rank] = record(OPS["opposite"], [valid[rank]])
            padded[rank].hint = "padded"
        made = where(padded[rank], 0.0, value)
        made.origin, made.hint = value.origin, value.hint
        if value.op.kind != "leaf":
            made.name, value.name = value.name, ""
        silent.add(made)
        return made

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node.op.name == "valid":
            rank = node.attrs["rank"]
            valid[rank] = valid.get(rank) or clone(current().graph, node, [])
            return valid[rank]
        if node.op.kind == "leaf":
            return None
        args = [new[a] for a in node.args]
        if node.op.kind == "reduction":
            loud = _loud(node, args, silent)
            return clone(current().graph, node, [select(a) if a in loud else a for a in args])
        if node.op.name == "where" and args[0].op.name == "valid" and args[1] in silent:
            return args[1] if args[1].shape == node.shape and _is_number(args[2], 0) else None
        made = clone(current().graph, node, args)
        if _is_silent(made, silent):
            silent.add(made)
        return select(made) if node in wanted and made not in silent else made

    new = rewrite(graph, rule)
    with editing(new):
        for name, node in new.outputs.items():
            if node.timed and node.batched and node not in silent:
                new.outputs[name] = select(node)
    return new


def _loud(node: Node, args: Iterable[Node], silent: Collection[Node]) -> set[Node]:
    """What a sum over steps reads that must be made silent first; of a product's two sides the first may be
    what is finite at all steps.
    """
    return {
        a
        for k, a in enumerate(args)
        if a.timed
        and a.batched
        and a not in silent
        and not (node.op.name == "outer" and not k and _finite(a))
    }


def _finite(node: Node) -> bool:
    """Whether values are those of valid steps also past the end: inputs, and states as a step reads them."""
    if node.op.name == "saved":
        return node.attrs["of"].op.name == "prev" or _finite(node.attrs["of"])
    if node.op.name == "where":
        condition, read, start = node.args
        return condition.op.name == "valid" and not start.timed and _finite(read)
    if node.op.kind == "view" or node.op.name in ("copy", "concat"):
        return all(_finite(a) for a in node.args)
    given = node.op.name in ("sequence", "noise", "clock", "prev") and "of" not in node.attrs
    return given or (node.op.kind == "leaf" and not node.timed)


def _is_silent(node: Node, silent: Collection[Node]) -> bool:
    """Whether an operation on what is 0 past the end gives 0 there: not where 0 might meet infinity."""

    def zero(a: Node) -> bool:
        return a in silent or _is_number(a, 0)

    args, name = node.args, node.op.name
    if name == "where":
        condition, a, b = args
        if condition.op.name == "valid":
            return zero(b)
        past = condition.op.name == "opposite" and condition.args[0].op.name == "valid"
        return zero(a) and (past or zero(b))
    linear = ("add", "sub", "concat", "neg", "copy", "spread", "reshape", "sum", "pad")
    if name in linear or node.op.kind == "view":
        return all(zero(a) for a in args)
    if name in ("mul", "div", "dot", "matmul"):
        return args[0] in silent and not args[1].timed
    return False


def own_next_states(graph: Graph) -> Graph:
    """Give every state a result of its own to be stored in its own place.

    before: ``next h = o * tanh(c)`` and the output y is that same node, or ``next d = x``
    after:  a copy wherever the next value is not an operation that only this state stores
    """
    order = levels(graph)
    taken: set[Node] = set()
    loops: dict[Node, set] = {}
    for s in graph.states:
        loops.setdefault(s.next, set()).add((order.of_state[s.name], s.reverse))
    new = Graph(graph.name, list(graph.nodes), [], dict(graph.outputs), dict(graph.names))
    with editing(new):
        for s in graph.states:
            node = s.next
            usable = (
                node.op.kind not in ("leaf", "view", "reduction") and node.op.name != "concat" and node.timed
            )
            usable = (
                usable
                and node not in taken
                and len(loops[node]) == 1
                and node.shape == s.prev.shape
                and node.batched
            )
            usable = usable and order.loop.get(node) == (order.of_state[s.name], s.reverse)
            if not usable:
                node = record(OPS["copy"], [node], shape=s.prev.shape, batched=True, timed=True)
                node.origin = s.next.origin
            taken.add(node)
            new.names[s.name] = node
            new.states.append(State(s.name, s.prev, s.start, node, s.reverse))
    return new


def own_outputs(graph: Graph) -> Graph:
    """Give every output an array of its own, so that writing to one changes nothing else.

    before: outputs ``d_b`` and ``d_b2`` are one node, ``d_x`` is an input
    after:  copies
    """
    taken = {n for s in graph.states for n in (s.prev, s.next)}
    parts: set[Node] = set()
    new = Graph(graph.name, list(graph.nodes), list(graph.states), {}, dict(graph.names))
    with editing(new):
        for name, node in graph.outputs.items():
            base = node
            while base.op.kind == "view":
                base = base.args[0]
            part = node.op.name == "slice"
            leaf = base.op.kind == "leaf" and base.op.name != "carried"
            if leaf or node in taken or base in taken or (base in parts and not part):
                node = record(
                    OPS["copy"], [node], shape=node.shape, batched=node.batched, timed=node.timed, hint=name
                )
            elif part:
                parts.add(base)
            taken.add(node if part else base)
            new.outputs[name] = node
    return new


def give_hints(graph: Graph) -> Graph:
    """Say what the storage of unnamed results may be called: ``tanh_c`` for tanh(c), ``i_g`` for i * g."""

    def called(node: Node) -> str:
        return node.name or node.hint

    for node in graph.nodes:
        if called(node) or node.op.kind == "leaf":
            continue
        names = [called(a).rpartition(".")[2] for a in node.args if called(a)]
        if node.op.name in ("add", "dot", "sub", "neg") or not names:
            node.hint = "a" if node.op.name in ("add", "dot") else node.op.name
        elif node.op.name == "swap":
            node.hint = f"{names[0]}_T"
        elif len(names) == 1:
            node.hint = (
                f"{node.op.name}_{names[0]}" if node.op.kind != "view" else f"{names[0]}_{node.op.name}"
            )
        else:
            node.hint = "_".join(names) if sum(map(len, names)) < 16 else node.op.name
    return graph


# Storage and time


def saved(graph: Graph) -> set[Node]:
    """Which values may be taken from storage by the backward program.

    Vectors are stored: they are computed anyway, and small. What is larger at a step (scores of every
    position, an outer product) and is not a state is computed again, because T times it would exhaust
    memory. Slices and other views cost nothing and are taken again; what does not depend on the step is
    kept as it is.
    """
    states = {s.next for s in graph.states}
    keep = set()
    for node in graph.nodes:
        if node.op.kind in ("leaf", "view"):
            continue
        if not node.timed or node in states or len(node.shape) <= 1:
            keep.add(node)
    return keep


@dataclass
class Section:
    """A part of a program: statements for all steps at once, or the body of a loop through time."""

    loop: bool
    level: int
    reverse: bool = False
    nodes: list[Node] = field(default_factory=list)


def schedule(graph: Graph, store: Collection[Node] = ()) -> list[Section]:
    """Put every node in its section: before a loop, in it, after it, and so on to the last loop.

    before: one step, as a list of nodes
    after:  ``[all at once, loop, all at once, loop, ...]``, each a list of nodes

    What is larger than a vector and is not wanted for every step joins the loop that it belongs to, and so
    does what is computed from it; sums over time are then collected in the loop.
    """
    order = levels(graph)
    users = consumers(graph)
    keep = {id(n) for n in store}
    place: dict[Node, tuple[int, bool] | None] = dict(order.loop)
    loops = {(lv, order.loop[s.next][1]) for s in graph.states for lv in [order.of_state[s.name]]}

    def large(node: Node) -> bool:
        return node.timed and len(node.shape) > 1 and id(node) not in keep and node.op.kind != "leaf"

    while True:  # each rule can make room for another
        before = len(place)
        # what is computed from a large value that lives in a loop joins it there
        for node in graph.nodes:
            if node in place or node.op.kind == "leaf" or order.level[node] == 0:
                continue
            here = [p for p in loops if p[0] == order.level[node]]
            reads_large = any(a in place and large(a) for a in node.args)
            if (
                len(here) == 1
                and (reads_large or large(node))
                and (node.timed or node.op.kind == "reduction")
            ):
                place[node] = here[0]
        for node in reversed(graph.nodes):
            if node in place or node.op.kind == "leaf" or not node.timed:
                continue
            readers = [place.get(u) for u in users[node]]
            if order.level[node] and any(p and p[0] == order.level[node] for p in readers):
                # and so does what is read there
                place[node] = next(p for p in readers if p and p[0] == order.level[node])
            elif large(node) and readers and all(readers) and min(readers)[0] > order.level[node]:
                # large values known early wait for the loop that reads them
                place[node] = min(readers)
        if len(place) == before:
            break

    top = max([order.level[n] for n in graph.nodes] + [p[0] for p in loops] + [0])
    sections: list[Section] = []
    for level in range(top + 1):
        for reverse in (False, True):
            if (level, reverse) in loops:
                inside = [n for n in graph.nodes if place.get(n) == (level, reverse)]
                sections.append(Section(True, level, reverse, inside))
        block = [n for n in graph.nodes if n not in place and n.op.kind != "leaf" and order.level[n] == level]
        if level == 0:  # what does not depend on the step can be done first
            sections.append(Section(False, 0, False, [n for n in block if not n.timed and not _late(n)]))
            block = [n for n in block if n.timed or _late(n)]
        sections.append(Section(False, level, False, block))
    return [s for s in sections if s.loop or s.nodes]


def check_schedule(graph: Graph, sections: Iterable[Section]) -> None:
    """See that a program of these sections, in this order, reads nothing before it is computed.

    A loop may read what earlier sections made, what it made at this step, and the past of its own states;
    the past of other states, and sums over steps, are there when their loop has run.

    Raises
    ------
    ScheduleError
        Names what would be read too early, and by what. No cell that can be defined should lead here.
    """
    place = {n: section for section in sections for n in section.nodes}
    made: set[Node] = set()
    run: set[str] = set()  # the states whose loops have run
    for section in sections:
        own = {s.name: s for s in graph.states if section.loop and place.get(s.next) is section}
        for s in own.values():
            if s.reverse != section.reverse or not (s.start in made or s.start.op.kind == "leaf"):
                raise ScheduleError(f"{graph.name}: the loop of state {s.name!r} is out of order")
        for node in section.nodes:
            for a in node.args:
                if a.op.name in ("prev", "carried"):
                    known = a.attrs["state"] in run or (a.op.name == "prev" and a.attrs["state"] in own)
                elif section.loop and a.op.kind == "reduction":
                    known = a in made and place[a] is not section
                else:
                    known = a in made or a.op.kind == "leaf"
                if not known:
                    raise ScheduleError(f"{graph.name}: {node!r} would read {a!r} before it is computed")
            made.add(node)
        run |= set(own)
    for s in graph.states:
        if s.name not in run:
            raise ScheduleError(f"{graph.name}: state {s.name!r} is never computed")


def _late(node: Node) -> bool:
    """Whether a node without a time axis rests on values of every step, through a sum over time."""
    return any(a.timed for n in walk([node]) for a in n.args)


# What the clock decides


def ask_the_clock(graph: Graph) -> Graph:
    """Take what rests on the clock, tables and constants alone as an input, which is computed exactly.

    before: ``h = where(t % 4 == 0, a, h_prev)``
    after:  ``h = where(due, a, h_prev)``, and the input ``due`` is ``t % 4 == 0``
    """
    known: set[Node] = set()
    for node in graph.nodes:
        if node.op.name in ("clock", "table", "const") or (node.args and known.issuperset(node.args)):
            known.add(node)

    def rule(node: Node, new: dict[Node, Node]) -> Node | None:
        if node not in known or not node.timed or node.op.kind == "leaf":
            return None
        return clone(current().graph, node, [], op=OPS["clock"], attrs={"of": node})

    return rewrite(graph, rule) if graph.leaves("clock") else graph
