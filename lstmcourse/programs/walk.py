"""What every printer of programs shares: the walk over a graph's inputs, names and equations.

`Walk` knows which arguments a program takes, what its sizes and variables are called, which values need a
row for each step, and which equation a statement comes from. The NumPy printer and the compiled one are
subclasses: they share this, and differ in where they keep values and in syntax.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from ..engine import numeric as runtime
from ..engine.expression import PLAIN, equation_of, equations
from ..engine.graph import Dim, Node
from ..engine.rewrite import consumers
from .passes import Section, check_schedule, schedule

__all__ = ["Program", "Storage", "Walk", "identifier", "wrap"]

RESERVED = {"T", "B", "t", "np", "empty", *runtime.__all__, *dir(builtins)}


@dataclass
class Program:
    """A generated program.

    Attributes
    ----------
    text : str
        The source of one function.
    name : str
        Its name.
    inputs : dict
        What each argument holds: argument -> ("param", "W_f"), ("sequence", "x"), ("saved", variable), ...
    sizes : dict
        Named sizes, and the arguments that they come under.
    outputs : dict
        Key of the returned dict -> what it is.
    storage : dict
        Where each node's values are.
    """

    text: str
    name: str
    inputs: dict[str, tuple]
    sizes: dict[str, str]
    outputs: dict[str, object]
    storage: dict[Node, Storage] = field(repr=False, default_factory=dict)


@dataclass(frozen=True)
class Storage:
    """Where a node's values are: a variable, and how it is indexed by time."""

    variable: str
    time: str = ""  # "" no time axis, "T" one row a step, "T+1" one more
    shift: int = 0  # in T+1: 0 reads row t, 1 reads row t + 1
    width: Dim | None = None  # how far rows are apart, where each is part of a longer one

    def at(self, loop: bool) -> str:
        """The text that reads or writes it."""
        if not self.time:
            return self.variable
        if self.time == "T":
            return f"{self.variable}[t]" if loop else self.variable
        if loop:
            return f"{self.variable}[t + 1]" if self.shift else f"{self.variable}[t]"
        return f"{self.variable}[1:]" if self.shift else f"{self.variable}[:-1]"


def identifier(text: str, used: Collection[str], reserved: Collection[str] = RESERVED) -> str:
    """A Python name like `text` that is not taken."""
    base = re.sub(r"\W+", "_", text).strip("_") or "v"
    if base[0].isdigit():
        base = f"L{base}"
    name, k = base, 2
    while name in used or name in reserved or keyword.iskeyword(name):
        name, k = f"{base}_{k}", k + 1
    return name


class Walk:
    """A graph on its way to text."""

    reserved: Collection[str] = RESERVED

    def __init__(self, graph, store, given, comments, letters, gradient):
        self.graph, self.store, self.given, self.gradient = graph, dict(store), dict(given), gradient
        self.letters, self.comments = letters, comments
        self.wanted = {id(n) for n in self.store.values()}
        self.users = consumers(graph)
        self.sections: list[Section] = self.scheduled()
        check_schedule(graph, self.sections)
        self.where: dict[Node, int] = {n: k for k, s in enumerate(self.sections) for n in s.nodes}
        self.position = {n: k for k, n in enumerate(graph.nodes)}
        self.storage: dict[Node, Storage] = {}
        self.used: set[str] = {self.given[n.attrs["of"]].variable for n in graph.leaves("saved")}
        self.inputs: dict[str, tuple] = {}
        self.sizes: dict[str, str] = {}
        self.equations = equations(comments)
        self.lines: list[str] = []
        self.needs_row = {n for n in graph.nodes if self._row_for_each_step(n)}

    def scheduled(self) -> list[Section]:
        """The parts of the program."""
        return schedule(self.graph, list(self.store.values()))

    # names of things

    def size(self, dim: Dim) -> str:
        """A size as text, with the arguments that hold named sizes."""
        text = str(dim)
        for key in sorted(dim.names, key=len, reverse=True):
            if key not in self.sizes:
                self.sizes[key] = self.free_name(key)
            text = re.sub(rf"(?<![\w.]){re.escape(key)}(?![\w.])", self.sizes[key], text)
        return text

    def free_name(self, text: str) -> str:
        """A name like `text` for a variable; nothing else will get it."""
        name = identifier(text, self.used, self.reserved)
        self.used.add(name)
        return name

    @staticmethod
    def suggested(node: Node) -> str:
        """What the author calls it, or what a pass suggests."""
        return node.name or node.hint or node.op.name

    # storage

    def _row_for_each_step(self, node: Node) -> bool:
        """Whether what a loop computes is read outside it."""
        if not node.timed:
            return False
        if id(node) in self.wanted:
            return True
        here = self.where.get(node)
        if here is None or not self.sections[here].loop:
            return True
        for u in self.users[node]:
            if self.where.get(u) != here:
                return True
            if u.op.kind == "view" and u in self.where and self._row_for_each_step(u):
                return True
        return False

    def leaves(self) -> None:
        """Arguments: what comes from outside."""
        reading = set(self.users) - {n for n in self.users if not self.users[n]}
        reading |= {s.start for s in self.graph.states} | set(self.store.values())
        order = {n.name: k for k, n in enumerate(self.comments.params)}
        late = ("saved", "param", "table", "const")
        leaves = sorted(
            self.graph.leaves(), key=lambda n: (n.op.name in late, n.op.name == "param", order.get(n.name, 0))
        )
        for node in leaves:
            kind = node.op.name
            if kind in ("prev", "carried") or node not in reading:
                continue
            if kind == "const":
                value = node.attrs["value"]
                if isinstance(value, np.ndarray):
                    self._argument(node, "const", ("const", value))
                else:
                    text = (
                        self.size(value)
                        if isinstance(value, Dim)
                        else re.sub("inf|nan", r"np.\g<0>", repr(value))
                    )
                    self.storage[node] = Storage(f"({text})" if " " in text else text)
            elif kind == "saved":
                at = self.given[node.attrs["of"]]
                self.inputs[at.variable] = ("saved", at.variable)
                self.storage[node] = at
            elif kind == "initial":
                self._argument(
                    node,
                    f"{node.attrs['state']}0" if not self.gradient else f"{node.name}_final",
                    ("initial", node.attrs["state"]),
                )
            elif kind == "valid":
                self._argument(node, "valid", ("valid", node.attrs["rank"]))
            elif kind == "clock":
                self._argument(node, self.suggested(node), ("clock", node))
            elif kind == "grad":
                self._argument(node, f"g_{node.attrs['of']}", ("grad", node.attrs["of"]))
            else:
                self._argument(node, node.name or kind, (kind, node.name))

    def _argument(self, node: Node, text: str, what: tuple) -> None:
        name = self.free_name(text)
        self.inputs[name] = what
        self.storage[node] = Storage(name, "T" if node.timed else "")

    def comment(self, node: Node, said: set[str], full: bool) -> list[str]:
        """The equations that a node is part of: in full where a section first meets them, later by name."""
        names = [n for n in (node.origin or ()) if n in self.equations]
        fresh = [n for n in names if n not in said]
        if not names:
            return []
        if not fresh or not full:
            return ["# " + ", ".join(names)]
        said.update(names)
        pairs = [equation_of(n, self.equations[n], PLAIN, self.letters) for n in names]
        return [f"# {'gradient of  ' if self.gradient else ''}{left} = {right}" for left, right in pairs]


def wrap(head: str, items: list[str], tail: str, width: int = 96, indent: int = 8) -> str:
    """Comma-separated items on as few lines as fit."""
    lines, line = [], head
    for k, item in enumerate(items):
        piece = item + (", " if k < len(items) - 1 else "")
        if len(line) + len(piece) > width and line.strip():
            lines.append(line.rstrip())
            line = " " * indent + piece
        else:
            line += piece
    lines.append(line.rstrip() + tail)
    return "\n".join(lines)
