"""The trace of a cell: an append-only list of equations, in the author's order and with the author's names.

Start at `trace`, which runs a function once with `Node` objects in place of arrays and returns the `Graph`
of what it did. A `Node` is one operation: an `Op` (a row of the table in `ops.py`), its arguments, and the
shape it will have. `Graph` is the list of nodes, with the states that the time loop carries and the outputs
it yields; it prints itself.

Nothing here computes. Shapes are symbolic: a `Dim` is a size such as ``H`` or ``4 * H`` whose value is
known only when the cell meets data.
"""

from __future__ import annotations

import dis
import sys
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import CellDefinitionError, nearest

__all__ = ["Dim", "Graph", "Node", "Op", "Scope", "State", "current", "editing", "line_of", "trace"]

HERE = str(Path(__file__).parent.parent)


@dataclass(frozen=True)
class Dim:
    """A size: a whole number plus multiples of named sizes, such as ``2 * H + 1``.

    Examples
    --------
    >>> str(Dim.of("H") * 3 + Dim.of("K"))
    '3 * H + K'
    >>> (Dim.of("H") * 3 + 1).value({"H": 5})
    16
    """

    terms: tuple[tuple[str, int], ...] = ()
    constant: int = 0

    @staticmethod
    def of(size: Dim | int | str) -> Dim:
        """A `Dim` from a whole number or the name of a size."""
        if isinstance(size, Dim):
            return size
        return Dim(((size, 1),)) if isinstance(size, str) else Dim((), int(size))

    def __add__(self, other: Dim | int | str) -> Dim:
        other = Dim.of(other)
        counts = dict(self.terms)
        for name, k in other.terms:
            counts[name] = counts.get(name, 0) + k
        return Dim(tuple((n, k) for n, k in counts.items() if k), self.constant + other.constant)

    def __mul__(self, k: int) -> Dim:
        return Dim(tuple((n, m * k) for n, m in self.terms if k), self.constant * k)

    def value(self, sizes: Mapping[str, int]) -> int:
        """The number, once every name has one."""
        return self.constant + sum(k * sizes[name] for name, k in self.terms)

    def within(self, sizes: Mapping[str, Dim]) -> Dim:
        """The same size in other names: ``2 * H`` with H = D + K is ``2 * D + 2 * K``."""
        total = Dim((), self.constant)
        for name, k in self.terms:
            total = total + sizes.get(name, Dim.of(name)) * k
        return total

    def parts(self, n: int) -> Dim:
        """One n-th of the size; ValueError where that is not whole."""
        if self.constant % n or any(k % n for _, k in self.terms):
            raise ValueError(f"a size of {self} cannot be divided into {n} equal parts by name alone")
        return Dim(tuple((name, k // n) for name, k in self.terms), self.constant // n)

    def __str__(self) -> str:
        words = [name if k == 1 else f"{k} * {name}" for name, k in self.terms]
        return " + ".join(words + ([str(self.constant)] if self.constant or not words else []))


Shape = tuple[Dim, ...]


@dataclass(frozen=True)
class Op:
    """A primitive: one row of the table in `ops.py`. What each text may hold is said there."""

    name: str
    numpy: str
    latex: str
    shape: Callable[..., tuple]
    grad: Callable[..., tuple] | None
    kind: str = "elementwise"  # elementwise, product, reduction, view, leaf
    precedence: int = 100
    inplace: tuple[int, ...] = ()  # the arguments whose storage the result may take over
    boolean: bool = False

    def __repr__(self) -> str:
        return f"Op({self.name})"


class Node:
    """One operation in a graph. Arithmetic on nodes is recorded, not done; `ops.py` installs the operators.

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
        "__weakref__",
        "args",
        "attrs",
        "batched",
        "graph",
        "hint",
        "line",
        "name",
        "op",
        "origin",
        "shape",
        "timed",
    )

    def __init__(
        self,
        op,
        args=(),
        attrs=None,
        *,
        shape=(),
        batched=False,
        timed=False,
        name="",
        line="",
        origin=None,
        hint="",
    ):
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

    def _refuse(self, what: str) -> None:
        raise CellDefinitionError(
            f"{author_line()}: {what} {self!r}. A cell is traced once, without values, so every step does "
            "the same "
            "operations; write where(condition, a, b) to choose by value, and use the functions of lstmcourse"
        )

    def __bool__(self) -> bool:
        self._refuse("cannot branch on the value of")

    def __iter__(self):
        self._refuse("cannot iterate over (split(a, n) divides)")

    def __float__(self) -> float:
        self._refuse("a function that is not one of lstmcourse wanted the value of")

    __int__ = __index__ = __complex__ = __float__

    def __array__(self, *_, **__):
        self._refuse("a NumPy function wanted the values of")

    def __array_function__(self, func, *_, **__):
        self._refuse(f"{func.__module__}.{func.__name__} is not known to the tracer; it was given")

    def __len__(self) -> int:
        self._refuse("cannot take len() of")


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


def word(what: str, name: Any) -> str:
    """A name that programs, LaTeX and pages can hold as it is: letters, digits and underscores."""
    if not isinstance(name, str) or not f"_{name}".isidentifier() or not name:
        raise CellDefinitionError(
            f"{author_line()}: {what} is called {name!r}; a name is made of letters, digits and underscores"
        )
    return name


class Scope:
    """Names in one cell while it is traced."""

    def __init__(self, graph: Graph, prefix: str = "", code=None):
        self.graph, self.prefix, self.code = graph, prefix, code
        # what a comprehension binds is its own affair, also where Python runs it in the same frame (3.12 on)
        inner = dis.get_instructions(code) if code is not None else ()
        self.ignored = {"_", *(i.argval for i in inner if i.opname == "LOAD_FAST_AND_CLEAR")}
        self.frame = None
        self.first: dict[str, Node] = {}  # local name -> node bound to it
        self.reserved: dict[str, Node] = {}  # state name -> its leaf: may be rebound once
        self.children: set[str] = set()
        self.layers: dict[str, str] = {}  # affine label -> line
        self.lines: dict[str, str] = {}  # local name -> where it was bound

    def full(self, name: str) -> str:
        """The name with its scope."""
        return f"{self.prefix}.{name}" if self.prefix else name

    def size(self, size: Dim | int | str) -> Dim:
        """A size by name, seen from inside this scope."""
        return Dim.of(word("a size", size) if isinstance(size, str) else size)

    def watch(self) -> None:
        """Record which local names are bound to which nodes, in the frame of the author's function.

        The frame is read each time an operation is added, and once more when the function has returned. So
        names are found in any Python, in a notebook, and without a source file.
        """
        if self.code is None:
            return
        if self.frame is None:
            frame = sys._getframe(1)
            while frame is not None and frame.f_code is not self.code:
                frame = frame.f_back
            self.frame = frame
        if self.frame is None:
            return
        for name, value in dict(self.frame.f_locals).items():
            if isinstance(value, Node) and name not in self.ignored:
                self.bind(name, value)

    def _line(self, node: Node) -> str:
        """Where a node was made, or, if inside a nested cell, the line that has been reached here."""
        nested = node.name and node.name.rpartition(".")[0] != self.prefix
        return f"near {author_line()}" if nested and self.frame is not None else node.line

    def bind(self, name: str, node: Node) -> None:
        """Give a node its name; refuse a second meaning for one name."""
        before = self.first.get(name)
        if before is node:
            return
        if before is not None and not (name in self.reserved and before is self.reserved[name]):
            raise CellDefinitionError(
                f"{self._line(node)}: the name {name!r} already stands for another equation "
                f"({self.lines[name]}). In a cell a name has one meaning, because it is a row of the run "
                "and a line of the diagram; use a new name"
            )
        self.first[name] = node
        self.lines[name] = self._line(node)
        if not node.name and node.op.kind != "leaf":
            node.name = self.full(name)
        self.graph.names.setdefault(self.full(name), node)
        if self.graph.names[self.full(name)].op.kind == "leaf":
            self.graph.names[self.full(name)] = node


class _Stack(threading.local):
    """The scopes being traced in this thread, innermost last."""

    def __init__(self):
        self.scopes: list[Scope] = []


_stack = _Stack()


def current() -> Scope:
    """The scope being traced; an error outside a cell."""
    if not _stack.scopes:
        raise CellDefinitionError(
            "operations on graph nodes are recorded only while a cell is traced: call this inside a "
            "function under @cell"
        )
    return _stack.scopes[-1]


class editing:
    """Context in which operators append to a given graph: for passes and for nested cells."""

    def __init__(self, graph: Graph, prefix: str = "", code=None):
        self.scope = Scope(graph, prefix, code)

    def __enter__(self) -> Scope:
        _stack.scopes.append(self.scope)
        return self.scope

    def __exit__(self, *_) -> None:
        _stack.scopes.remove(self.scope)
        self.scope.frame = None


def author_line() -> str:
    """``file, line n`` of the innermost frame outside this package's engine: where the author's equation
    stands.
    """
    frame = sys._getframe(1)
    code = next((s.code for s in reversed(_stack.scopes) if s.code is not None), None)
    while frame is not None:
        inside = frame.f_code is code if code is not None else not frame.f_code.co_filename.startswith(HERE)
        if inside:
            where = frame.f_code.co_filename
            return f"{where if where.startswith('<') else Path(where).name}, line {frame.f_lineno}"
        frame = frame.f_back
    return "an unknown line"


def record(op: Op, args: Iterable[Node], attrs: Mapping[str, Any] | None = None, **more: Any) -> Node:
    """Append one operation to the graph being traced; shape, axes and line are worked out here."""
    scope = current()
    scope.watch()
    args = tuple(args)
    attrs = dict(attrs or {})
    if scope.code is not None:
        more.setdefault("line", author_line())
        for a in args:
            if a.graph is not scope.graph:
                raise CellDefinitionError(
                    f"{author_line()}: {a!r} was made in another cell ({a.line}); it uses its own "
                    "arguments and what it makes of them"
                )
    if "shape" not in more:
        try:
            more["shape"] = op.shape([a.shape for a in args], attrs)
        except CellDefinitionError:
            raise
        except ValueError as error:
            raise CellDefinitionError(f"{author_line()}: {op.name}: {error}") from None
    if op.kind == "reduction":
        more.setdefault("batched", False)
        more.setdefault("timed", False)
    more.setdefault("batched", any(a.batched for a in args))
    more.setdefault("timed", any(a.timed for a in args))
    return scope.graph.add(op, args, attrs=attrs, **more)


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


def trace(
    function: Callable, name: str, inputs: Callable[[Scope], dict[str, Any]], *, watched: bool = True
) -> tuple:
    """Run `function` once on nodes; return the graph, what was returned, and the scope that named things.

    Parameters
    ----------
    function : callable
        The author's equations.
    name : str
        The cell's name, for messages.
    inputs : callable
        Given the new scope, makes the arguments (nodes, None and options) by name.
    watched : bool
        Whether the function's local names are names of equations.
    """
    graph = Graph(name)
    with editing(graph, code=function.__code__ if watched else None) as scope:
        returned = _call(function, name, inputs(scope), scope)
    return graph, returned, scope


def _call(function: Callable, name: str, arguments: Mapping[str, Any], scope: Scope) -> tuple:
    """Call the author's function with nodes, name what it bound, and return what it returned as a tuple."""
    for key, value in arguments.items():
        if isinstance(value, Node):
            scope.first[key] = value
            scope.lines[key] = value.line
    try:
        returned = function(**arguments)
        scope.watch()
    except CellDefinitionError:
        raise
    except NameError as error:
        missing = getattr(error, "name", None)
        hint = nearest(missing, [k for k in function.__globals__ if not k.startswith("_")]) if missing else ""
        raise CellDefinitionError(f"{line_of(function, error)}: cell {name!r}: {error}; {hint}") from error
    except Exception as error:
        raise CellDefinitionError(
            f"{line_of(function, error)}: cell {name!r} cannot be traced: {type(error).__name__}: "
            f"{error}. Use the "
            "functions of lstmcourse and the operators + - * / on its arguments"
        ) from error
    return returned if isinstance(returned, tuple) else (returned,)


def line_of(function: Callable, error: BaseException | None = None) -> str:
    """``file, line n`` of a function; of the line in it that an error went through, if one is given."""
    line, step = function.__code__.co_firstlineno, error.__traceback__ if error else None
    while step is not None:
        if step.tb_frame.f_code is function.__code__:
            line = step.tb_lineno
        step = step.tb_next
    where = function.__code__.co_filename
    return f"{where if where.startswith('<') else Path(where).name}, line {line}"
