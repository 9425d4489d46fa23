"""Cells as data, which chance can change: what a search over architectures works on."""

from __future__ import annotations

import hashlib
import linecache
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from keyword import iskeyword
from typing import Any

import numpy as np

from .cell import Cell
from .cell import cell as make_cell
from .checks import at_least, generator, listed, text, whole
from .engine import layers, ops

__all__ = ["Architecture", "ArchitectureError"]

LINEAR = {"linear 0": "", "linear 1": "{0} + ", "linear 0.9": "0.9 * {0} + ", "linear 1.1": "1.1 * {0} + "}
"""A product with a matrix of its own, plus a bias, plus so many times the value itself."""
ACTIVATIONS = ("tanh", "sigmoid", "relu", *LINEAR)
PAIRS = {"add": "+", "sub": "-", "mul": "*"}
GIVEN = ("x", "h", "c", "q", "s", "u")
"""The input, and the states by number."""
NAMES = "abdfgijklmnprtvwyz"
MOST = 40
"""Nodes of an architecture."""


def a_node(name: str, value: Any) -> Sequence[Any]:
    """A tuple of a kind and of the nodes that it is made of."""
    if not isinstance(value, tuple | list) or not value or not isinstance(value[0], str):
        raise TypeError(f"{name}={value!r} does not fit: a node is a tuple such as ('tanh', 3)")
    return value


class ArchitectureError(ValueError):
    """A graph is no recurrent cell, or one that is too large; the message says why."""


@dataclass(frozen=True)
class Architecture:
    """A recurrent cell as a graph of nodes, all of them H wide.

    A node is a tuple: what is given, ``("x",)`` for the input, which a matrix brings to the width H, and
    ``("h",)``, ``("c",)`` ... for the states; an activation of another node, such as ``("tanh", 3)``; or two
    nodes added, subtracted or multiplied, such as ``("mul", 3, 5)``. ``("linear 0.9", 3)`` is 0.9 times the
    value, plus its product with a matrix, plus a bias; both are the node's own.

    Parameters
    ----------
    nodes : sequence of tuple
        In any order.
    outputs : sequence of int
        Which nodes are the next states: first h, which is also what the cell gives out. Nodes on which they
        do not depend are left out.

    Raises
    ------
    ArchitectureError
        A state is not computed, the input or a state is not used, or there are more than 40 nodes.

    References
    ----------
    .. [1] R. Jozefowicz, W. Zaremba, I. Sutskever, "An Empirical Exploration of Recurrent Network
       Architectures", ICML 2015.

    Examples
    --------
    >>> gru = Architecture.gru()
    >>> print(gru.source("gru"))
    def gru(x, h):
        e = x @ param("P", "D", "H")
        a = sigmoid(affine("1", U=e) + affine("2", U=h))
        b = sigmoid(affine("4", U=e) + affine("5", U=h))
        d = tanh(affine("3", U=e) + affine("6", U=b * h))
        h = h + a * (d - h)
        return h
    >>> gru.mutate(rng=0) == gru
    False
    """

    nodes: tuple[tuple, ...]
    outputs: tuple[int, ...]

    def __post_init__(self):
        nodes, outputs = _ordered(self.nodes, self.outputs)
        object.__setattr__(self, "nodes", nodes)
        object.__setattr__(self, "outputs", outputs)
        if any(len(nodes[k]) == 1 for k in outputs) or len(set(outputs)) < len(outputs):
            raise ArchitectureError(f"outputs={outputs}: each is to be computed, and by a node of its own")
        if len(nodes) > MOST:
            raise ArchitectureError(f"nodes: {len(nodes)} of them, and {MOST} at most are allowed")

    @classmethod
    def lstm(cls) -> Architecture:
        """The LSTM, as the paper writes it: no peepholes."""
        x, h, c = 0, 1, 2
        nodes: list[tuple] = [("x",), ("h",), ("c",)]
        put = lambda *node: nodes.append(node) or len(nodes) - 1
        gate = lambda kind: put(kind, put("add", put("linear 0", x), put("linear 0", h)))
        i, f, o, g = (gate(kind) for kind in ("sigmoid", "sigmoid", "sigmoid", "tanh"))
        new = put("add", put("mul", f, c), put("mul", i, g))
        return cls(nodes, (put("mul", o, put("tanh", new)), new))

    @classmethod
    def gru(cls) -> Architecture:
        """The GRU, with z as the share of what is new."""
        x, h = 0, 1
        nodes: list[tuple] = [("x",), ("h",)]
        put = lambda *node: nodes.append(node) or len(nodes) - 1
        z, r = (put("sigmoid", put("add", put("linear 0", x), put("linear 0", h))) for _ in "zr")
        g = put("tanh", put("add", put("linear 0", x), put("linear 0", put("mul", r, h))))
        return cls(nodes, (put("add", h, put("mul", z, put("sub", g, h))),))

    # What it is

    @property
    def digest(self) -> str:
        """Eight letters that tell architectures apart."""
        return hashlib.sha256(repr((self.nodes, self.outputs)).encode()).hexdigest()[:8]

    def source(self, name: str = "found") -> str:
        """Return the cell as a program, as one writes it under ``@lc.cell``."""
        if not text("name", name).isidentifier() or iskeyword(name):
            raise ValueError(f"name={name!r} is no name of a function: it has letters, digits and _")
        return "\n".join(_Writer(self, name).lines())

    def cell(self, name: str = "found") -> Cell:
        """Return the cell: with its picture, its equations, its gradients.

        Parameters
        ----------
        name : str
            Its name.

        Examples
        --------
        >>> Architecture.lstm().cell("seed").parameter_count(3, 4) - 3 * 4 == 8 * 4 * (4 + 1)
        True
        """
        source = self.source(name) + "\n"
        place = f"<{name} {self.digest}>"
        linecache.cache[place] = (len(source), None, source.splitlines(keepends=True), place)
        names = {f: getattr(ops, f) for f in ("tanh", "sigmoid", "relu")}
        names |= {"affine": layers.affine, "param": layers.param, "__name__": __name__}
        exec(compile(source, place, "exec"), names)
        return make_cell(names[name])

    def __str__(self) -> str:
        return self.source()

    # How chance changes it

    def mutate(self, rng: np.random.Generator | int | None = None) -> Architecture:
        """Return a neighbour: 1 to 3 changes of the paper's kinds, at nodes drawn by chance.

        An activation becomes another one; an operation of two becomes another one; an activation is put in
        between a node and what it uses, or a node of one argument is removed; a node is replaced by what it
        depends on, or by the sum, product or difference of that and of what another one depends on. What is
        no recurrent cell, or the same one, is drawn again.

        Parameters
        ----------
        rng : numpy.random.Generator or int, optional
            Where chance comes from, or a seed; without it every call gives another neighbour.
        """
        rng = generator("rng", rng)
        while True:
            changed = _Mutation(self, rng)
            for _ in range(rng.integers(1, 4)):
                changed.once()
            try:
                found = Architecture(changed.nodes, changed.outputs)
            except (ArchitectureError, RecursionError):
                continue
            if found != self:
                return found


def _ordered(nodes: Any, outputs: Any) -> tuple[tuple[tuple, ...], tuple[int, ...]]:
    """Return the nodes that the outputs depend on, in an order that depends on nothing but the graph."""
    nodes = [tuple(node) for node in listed(a_node, "of tuples")("nodes", nodes)]
    outputs = listed(at_least(0, len(nodes) - 1), "of numbers of nodes")("outputs", outputs)
    given = {name: k for k, name in enumerate(GIVEN[: len(outputs) + 1])}
    order: list[tuple] = [(name,) for name in given]
    place: dict[int, int | None] = {}

    def visit(k: int) -> int:
        if k in place:
            if place[k] is None:
                raise ArchitectureError(
                    f"nodes[{k}]={nodes[k]}: it depends on itself, in one and the same step"
                )
            return place[k]
        kind, *arguments = nodes[k]
        place[k] = None
        if not arguments:
            if kind not in given:
                raise ArchitectureError(f"nodes[{k}]={nodes[k]}: what is given is one of {list(given)}")
            place[k] = given[kind]
        else:
            if (kind in ACTIVATIONS, kind in PAIRS) != (len(arguments) == 1, len(arguments) == 2):
                rule = f"it is one of {ACTIVATIONS} with one node, or of {tuple(PAIRS)} with two"
                raise ArchitectureError(f"nodes[{k}]={nodes[k]}: {rule}")
            node = (kind, *(visit(whole(f"nodes[{k}]", a, 0, len(nodes) - 1)) for a in arguments))
            order.append(node)
            place[k] = len(order) - 1
        return place[k]

    found = tuple(visit(k) for k in outputs)
    if missing := set(range(len(given))) - set(place.values()):
        names = ", ".join(GIVEN[k] for k in sorted(missing))
        raise ArchitectureError(f"outputs={tuple(outputs)}: they do not depend on {names}")
    return tuple(order), found


class _Mutation:
    """An architecture while it is changed: nodes may come in any order, and some are of no use."""

    def __init__(self, a: Architecture, rng: np.random.Generator):
        self.nodes, self.outputs, self.rng = list(a.nodes), list(a.outputs), rng

    def draw(self, among: Sequence[Any]) -> Any:
        return among[self.rng.integers(len(among))]

    def before(self, k: int) -> list[int]:
        """What a node depends on, itself not."""
        seen, waiting = [], list(self.nodes[k][1:])
        while waiting:
            if (n := waiting.pop()) not in seen:
                seen.append(n)
                waiting += self.nodes[n][1:]
        return sorted(seen)

    def replace(self, k: int, by: int) -> None:
        """Let whatever uses a node use another one, which does not depend on the users."""
        self.nodes = [(n[0], *(by if a == k else a for a in n[1:])) for n in self.nodes]
        self.outputs = [by if a == k else a for a in self.outputs]

    def put(self, *node: Any) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def once(self) -> None:
        """Change something at one node that is computed."""
        computed = [k for k, node in enumerate(self.nodes) if len(node) > 1]
        k = self.draw(computed)
        kind, *arguments = self.nodes[k]
        change = self.draw(("kind", "insert", "remove", "ancestor", "combine"))
        if change == "kind":
            others = [
                other for other in (ACTIVATIONS if len(arguments) == 1 else tuple(PAIRS)) if other != kind
            ]
            self.nodes[k] = (self.draw(others), *arguments)
        elif change == "insert":
            n = int(self.rng.integers(len(arguments)))
            arguments[n] = self.put(self.draw(ACTIVATIONS), arguments[n])
            self.nodes[k] = (kind, *arguments)
        elif change == "remove" and len(arguments) == 1:
            self.replace(k, arguments[0])
        elif change == "ancestor":
            self.replace(k, self.draw(self.before(k)))
        elif change == "combine":
            one, two = self.draw(self.before(k)), self.draw(self.before(self.draw(computed)))
            if k not in (two, *self.before(two)):
                self.nodes[k] = (self.draw(tuple(PAIRS)), one, two)


class _Writer:
    """Write an architecture as a program: what is squashed, or stands in the text twice, gets a name."""

    def __init__(self, a: Architecture, name: str):
        self.a, self.name = a, name
        uses = Counter(n for node in a.nodes for n in node[1:] * (1 + (LINEAR.get(node[0], "") != "")))
        squashed = {k for k, node in enumerate(a.nodes) if node[0] in ("tanh", "sigmoid", "relu")}
        self.named = squashed | {k for k, count in uses.items() if count > 1} | set(a.outputs)
        self.count = 0
        self.said = {
            k: "e" if node == ("x",) else node[0] for k, node in enumerate(a.nodes) if len(node) == 1
        }

    def lines(self) -> list[str]:
        """Return the program's lines."""
        a, states = self.a, GIVEN[1 : len(self.a.outputs) + 1]
        rows = [f"def {self.name}(x, {', '.join(states)}):", '    e = x @ param("P", "D", "H")']
        free, late = iter(NAMES), []
        statements = [k for k, node in enumerate(a.nodes) if len(node) > 1 and k in self.named]
        for k, node in enumerate(a.nodes):
            if len(node) == 1:
                continue
            said = self.write(node)
            if k not in self.named:
                self.said[k] = said
                continue
            name = ""
            if k in a.outputs:
                state = states[a.outputs.index(k)]
                later = set().union(*(self.inside(n) for n in statements if n > k))
                if a.nodes.index((state,)) in later:
                    late.append((state, k))
                else:
                    name = state
            self.said[k] = name or next(free, f"n{k}")
            rows.append(f"    {self.said[k]} = {said}")
        rows += [f"    {state} = {self.said[k]}" for state, k in late]
        return [*rows, f"    return {', '.join(states)}"]

    def inside(self, k: int) -> set[int]:
        """The nodes that the text of one names."""
        found: set[int] = set()
        for n in self.a.nodes[k][1:]:
            found |= {n} if n in self.named or len(self.a.nodes[n]) == 1 else self.inside(n)
        return found

    def write(self, node: tuple) -> str:
        """Return a node as text."""
        kind, *arguments = node
        said = [self.said[n] for n in arguments]
        if kind in PAIRS:
            left, right = said
            if kind == "mul":
                left, right = bracketed(left), bracketed(right)
            elif kind == "sub":
                right = bracketed(right)
            return f"{left} {PAIRS[kind]} {right}"
        if kind in LINEAR:
            self.count += 1
            return LINEAR[kind].format(bracketed(said[0])) + f'affine("{self.count}", U={said[0]})'
        return f"{kind}({said[0]})"


def bracketed(said: str) -> str:
    """Return a text in brackets, if it is a sum or a difference outside of any."""
    depth = 0
    for k, letter in enumerate(said):
        depth += (letter == "(") - (letter == ")")
        if depth == 0 and said[k : k + 3] in (" + ", " - "):
            return f"({said})"
    return said
