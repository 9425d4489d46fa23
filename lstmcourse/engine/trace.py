"""Run an author's function once, on graph nodes, and note what it does: that is all the tracing there is."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ..errors import CellDefinitionError, nearest
from .graph import Dim, Graph, Node, Op
from .lines import author_line, line_of, stack, word
from .operands import size_of

__all__ = ["Scope", "current", "editing", "trace"]


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
        return Dim.of(word("the size of a shape", size) if isinstance(size, str) else size_of(size))

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


def current() -> Scope:
    """The scope being traced; an error outside a cell."""
    if not stack.scopes:
        raise CellDefinitionError(
            "operations on graph nodes are recorded only while a cell is traced: call this inside a "
            "function under @cell"
        )
    return stack.scopes[-1]


class editing:
    """Context in which operators append to a given graph: for passes and for nested cells."""

    def __init__(self, graph: Graph, prefix: str = "", code=None):
        self.scope = Scope(graph, prefix, code)

    def __enter__(self) -> Scope:
        stack.scopes.append(self.scope)
        return self.scope

    def __exit__(self, *_) -> None:
        stack.scopes.remove(self.scope)
        self.scope.frame = None


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
            f"{error}. Use the functions of lstmcourse and the operators + - * / on its arguments"
        ) from error
    return returned if isinstance(returned, tuple) else (returned,)
