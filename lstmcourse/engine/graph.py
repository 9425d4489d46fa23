"""The trace of a cell: an append-only list of equations, in the author's order and with the author's names.

Start at `trace`, which runs a function once with `Node` objects in place of arrays and returns the `Graph`
of what it did. A `Node` is one operation: an `Op` (a row of the table in `ops.py`), its arguments, and the
shape it will have. `Graph` is the list of nodes, with the states that the time loop carries and the outputs
it yields; it prints itself.

Nothing here computes. Shapes are symbolic: a `Dim` is a size such as ``H`` or ``4 * H`` whose value is
known only when the cell meets data.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from .dims import Dim

__all__ = ["Dim", "Graph", "Node", "Op", "State"]

Shape = tuple[Dim, ...]


@dataclass(frozen=True)
class Op:
    """A primitive: one row of the table in `ops.py`. What each text may hold is said there."""

    name: str
    numpy: str
    latex: str
    shape: Callable[..., tuple] | None
    grad: Callable[..., tuple] | None
    kind: str = "elementwise"  # elementwise, product, reduction, view, leaf
    precedence: int = 100
    inplace: tuple[int, ...] = ()  # the arguments whose storage the result may take over
    boolean: bool = False

    def __repr__(self) -> str:
        return f"Op({self.name})"


class Node:
    """One operation in a graph. Arithmetic on nodes is recorded, not done; `operators.py` says how.

    Attributes
    ----------
    op, args, attrs
        What is done, to which nodes, with which settings.
    shape : tuple of Dim
        The trailing shape: without the axes for time and batch, which come first and are implied.
    batched, timed : bool
        Whether there is one value for each sequence of the batch, and one for each step.
    name : str
        The author's name for it, with the scope (``"f"``, ``"enc.f"``), or ``""``.
    line : str
        Where it was written, for messages.
    origin : tuple of str or None
        The author's equations that it is part of.
    hint : str
        For a node without a name: what its storage may be called.
    """

    __slots__ = (
        "__weakref__", "args", "attrs", "batched", "graph", "hint", "line", "name", "op", "origin", "shape",
        "timed",
    )  # fmt: skip

    def __init__(
        self, op, args=(), attrs=None, *, shape=(), batched=False, timed=False, name="", line="", origin=None,
        hint="",
    ):  # fmt: skip
        self.op, self.args, self.attrs, self.graph = op, tuple(args), dict(attrs or {}), None
        self.shape, self.batched, self.timed = tuple(shape), batched, timed
        self.name, self.line, self.origin, self.hint = name, line, origin, hint

    @property
    def label(self) -> str:
        """The name, or what it is: for messages and for names of buffers."""
        return self.name or self.op.name

    def __repr__(self) -> str:
        axes = ["T"] * self.timed + ["B"] * self.batched + [str(d) for d in self.shape]
        return f"<{self.label}: {self.op.name}, shape ({', '.join(axes)})>"


@dataclass
class State:
    """A value that the loop carries: its leaf, its next value, where it starts, and which way time runs."""

    name: str
    prev: Node
    start: Node
    next: Node | None = None
    reverse: bool = False


@dataclass
class Graph:
    """Nodes in order, the states carried through time, and what is given back.

    `names` holds every named equation; `outputs` the ones that a run yields beside its states, by name.
    """

    name: str
    nodes: list[Node] = field(default_factory=list)
    states: list[State] = field(default_factory=list)
    outputs: dict[str, Node] = field(default_factory=dict)
    names: dict[str, Node] = field(default_factory=dict)

    def add(self, op: Op, args: Iterable[Node] = (), **more: Any) -> Node:
        """Append a node; an `origin` not given is that of the equation in hand."""
        node = Node(op, args, **more)
        node.graph = self
        self.nodes.append(node)
        return node

    def leaves(self, *kinds: str) -> list[Node]:
        """The nodes without arguments, of these kinds (all kinds if none is named), in order."""
        return [n for n in self.nodes if n.op.kind == "leaf" and (not kinds or n.op.name in kinds)]

    @property
    def params(self) -> list[Node]:
        """The parameters, in the order in which the author's equations meet them."""
        return self.leaves("param")

    def roots(self) -> list[Node]:
        """Every node that must exist in the end: next and first values of states, and outputs."""
        found = [s.next for s in self.states if s.next is not None] + [s.start for s in self.states]
        return found + list(self.outputs.values())

    def __str__(self) -> str:
        number = {n: f"%{k}" for k, n in enumerate(self.nodes)}
        rows = []
        for node in self.nodes:
            attrs = {k: number.get(v, v) if isinstance(v, Node) else v for k, v in node.attrs.items()}
            given = ", ".join(
                [number[a] for a in node.args]
                + [f"{k}={_show(v)}" for k, v in attrs.items() if not callable(v)]  # a function says nothing
            )
            left = f"{number[node]}{' ' + node.name if node.name else ''}"
            shape = ", ".join(["T"] * node.timed + ["B"] * node.batched + [str(d) for d in node.shape])
            rows.append(f"{left} = {node.op.name}({given})  ({shape})")
        rows += [f"next {s.name} = {number[s.next]}" for s in self.states if s.next is not None]
        rows += [f"output {k} = {number[n]}" for k, n in self.outputs.items()]
        return "\n".join(rows)


def _show(value: Any) -> str:
    return str(value) if not isinstance(value, tuple) else "(" + ", ".join(map(str, value)) + ")"


def walk(roots: Iterable[Node], known: Collection[Node] = ()) -> Iterator[Node]:
    """Yield every node that the roots need, arguments first; not what is known, nor what only that needs."""
    seen: set[Node] = set(known)
    stack = [(r, False) for r in reversed(list(roots)) if r not in seen]
    while stack:
        node, ready = stack.pop()
        if ready:
            yield node
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(a, False) for a in reversed(node.args) if a not in seen]
