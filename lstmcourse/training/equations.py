"""What a cell's equations compute, as a digest: equal where the equations are, however they were written.

`digest` depends on the primitives (by their names in `ops.OPS`), on the leaves (by their names and shapes),
and on the numbers of tables and constants. It does not depend on the order of equations, terms or factors,
nor on what equations are called, how parameters start, or in which module the cell lies.

`lstmcourse.engine.meaning` is a relative, with another end. Its numbers hold within one process; names can
stand for themselves there, and a table for the function that makes it, so that differences can be shown. A
digest stands in files: it must be the same on every machine and in every version to come, so it takes a
table's numbers, and what it treats alike is settled here, whatever the engine learns to treat alike.

Files of version 1 have a `text_digest`, which depends on all that is printed of a graph. Where a cell has got
another form of the same function since, `FORMER` holds the one it had, and `forms` gives both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from .. import cells
from ..cell import Cell, cell, state
from ..compose import bidirectional, stack
from ..engine.graph import Dim, Node, walk
from ..engine.layers import affine, table_values
from ..engine.ops import constant, exp, expand, maximum, sigmoid, softplus, sqrt, sum

__all__ = ["FORMER", "digest", "forms", "text_digest"]

_SILENT = ("init", "label", "function", "free")  # a table counts by its numbers
FREE = 3
"""What stands for a size that a batch decides, such as a lattice's columns; part of the format of files."""
# Part of the format of files: never changed without a new version of it.
_COMMUTE = ("maximum", "minimum", "equal", "not_equal", "both", "either")


def digest(cell: Cell, sizes: Mapping[str, int], emitted: Iterable[str] = ()) -> str:
    """Return 16 hexadecimal digits of what a cell's states and output are, with its tables at these sizes;
    and of what it emits, by name, as far as that matters.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> @lc.cell
    ... def in_other_words(x, h):
    ...     a = h @ lc.param("U_h", "H", "H") + lc.param("b_h", "H")
    ...     h = lc.tanh(a + x @ lc.param("W_h", "D", "H"))
    ...     return h
    >>> digest(in_other_words, {"D": 3, "H": 4}) == digest(lc.cells.rnn, {"D": 3, "H": 4})
    True
    """
    graph, of, parts = cell.graph, {}, {}
    sizes = dict.fromkeys(cell.size_names(), FREE) | dict(sizes)
    output = ({s.name: s.next for s in graph.states} | graph.outputs)[cell.output]
    emitted = sorted(emitted)
    for node in walk([*graph.roots(), *(s.prev for s in graph.states), output]):
        kind, members = _members(node, of, parts)
        parts[node] = kind, members
        if len(members) == 1 and members[0][0] == "+":
            of[node] = members[0][1:]
        else:
            of[node] = _hash(kind, *members) if kind else _hash(*_key(node, of, sizes))
    states = [(s.name, s.reverse, of[s.prev], of[s.start], of[s.next]) for s in graph.states]
    return _hash("cell", sorted(states), of[output], *((n, of[graph.outputs[n]]) for n in emitted))


def _members(node: Node, of: Mapping[Node, str], parts: Mapping[Node, Any]) -> tuple[str, list[str]]:
    """The signed terms of a sum, or the factors of a product, sorted; ("", []) for all else."""
    name, args = node.op.name, node.args

    def open_(a: Node, kind: str) -> list[str]:
        return parts[a][1] if parts[a][0] == kind else ["+" + of[a]]

    if name == "copy":
        kind = parts[args[0]][0] or "sum"
        return kind, open_(args[0], kind)
    if name == "mul":
        return "product", sorted(open_(args[0], "product") + open_(args[1], "product"))
    if name == "affine":
        n = 2 * node.attrs["terms"]
        products = [
            "+" + _hash("dot", [of[a], of[w]], []) for a, w in zip(args[:n:2], args[1:n:2], strict=True)
        ]
        return "sum", sorted(products + [m for b in args[n:] for m in open_(b, "sum")])
    if name in ("add", "sub", "neg"):
        left = [] if name == "neg" else open_(args[0], "sum")
        right = open_(args[-1], "sum")
        return "sum", sorted(left + (right if name == "add" else [_other(m) for m in right]))
    return "", []


def _other(member: str) -> str:
    return ("-" if member[0] == "+" else "+") + member[1:]


def _key(node: Node, of: Mapping[Node, str], sizes: Mapping[str, int]) -> list[Any]:
    """All that decides the value of a node that is neither a sum nor a product."""
    name, args = node.op.name, [of[a] for a in node.args]
    if node.op.kind == "leaf" and name != "const":
        args = [node.name, _plain(node.shape)]
    if name == "table":
        args.append(_plain(np.round(table_values(node, sizes), 6) + 0.0))
    if name in _COMMUTE:
        args.sort()
    return [name, args, sorted((k, _plain(v)) for k, v in node.attrs.items() if k not in _SILENT)]


def _plain(value: Any) -> Any:
    """A setting as text that is the same everywhere."""
    if isinstance(value, tuple):
        return [_plain(v) for v in value]
    if isinstance(value, Dim):
        return ["size", *sorted(value.terms), value.constant]
    if isinstance(value, np.ndarray):
        return [str(value.dtype), value.shape, value.tolist()]
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _hash(*key: Any) -> str:
    return hashlib.blake2b(repr(key).encode(), digest_size=8).hexdigest()


# Files of version 1, and earlier forms of cells.


def text_digest(cell: Cell, sizes: Mapping[str, int]) -> str:
    """Return the digest that files of version 1 have: of the graph's text as it was then, and tables."""
    graph, rows = cell.graph, []
    number = {n: f"%{k}" for k, n in enumerate(graph.nodes)}

    def text(value: Any) -> str:
        return (
            f"({', '.join(map(str, value))})" if isinstance(value, tuple) else str(number.get(value, value))
        )

    for node in graph.nodes:
        given = [number[a] for a in node.args]
        given += [f"{k}={text(v)}" for k, v in node.attrs.items() if not callable(v)]
        shape = ["T"] * node.timed + ["B"] * node.batched + [str(d) for d in node.shape]
        name = f" {node.name}" if node.name else ""
        rows.append(f"{number[node]}{name} = {node.op.name}({', '.join(given)})  ({', '.join(shape)})")
    rows += [f"next {s.name} = {number[s.next]}" for s in graph.states if s.next is not None]
    rows += [f"output {k} = {number[n]}" for k, n in graph.outputs.items()]
    digest = hashlib.blake2b("\n".join(rows).encode(), digest_size=8)
    for node in graph.leaves("table"):
        digest.update((np.round(table_values(node, sizes), 6) + 0.0).tobytes())
    return digest.hexdigest()


def _log_gate(a: Node, forget: str) -> Node:
    return -softplus(-a) if forget == "sigmoid" else a


@cell(name="min_lstm", init={"b_f": 1.0})
def _min_lstm(x, h):
    """minLSTM from the gates themselves, not from their logs."""
    f = sigmoid(affine("f", W=x))
    i = sigmoid(affine("i", W=x))
    g = affine("g", W=x)
    s = f + i
    h = (f / s) * h + (i / s) * g
    return h


@cell(name="mlstm", init={"b_f": 1.0})
def _mlstm(x, h, n, c=state("H", "H"), m=state(1), forget="sigmoid"):
    """mLSTM whose quotient is not kept within range."""
    q = affine("q", W=x)
    k = affine("k", W=x) / sqrt(constant(n.shape[-1]))
    v = affine("v", W=x)
    a_f = _log_gate(affine("f", W=x, size=1), forget)
    a_i = affine("i", W=x, size=1)
    o = sigmoid(affine("o", W=x))
    shift = maximum(a_f + m, a_i)
    f = exp(a_f + m - shift)
    i = exp(a_i - shift)
    c = expand(f) * c + expand(i * v) * expand(k, -2)
    n = f * n + i * k
    s = sum(n * q)
    found = sum(c * expand(q, -2))
    least = maximum(maximum(s, -s), exp(-sum(shift)))
    h = o * (found / expand(least))
    return h, n, c, shift


FORMER: dict[str, Cell] = {"min_lstm": _min_lstm, "mlstm": _mlstm}
"""Cells as version 0.1 wrote them, by name."""


def forms(cell: Cell) -> Iterator[Cell]:
    """Yield a cell, and the form that it had earlier, if it is one of the package's or made of them."""
    yield cell
    then = _earlier(cell)
    if then is not cell:
        yield then


def _earlier(cell: Cell) -> Cell:
    """Return the cell as it was written earlier, or itself where nothing of it is written otherwise since."""
    if cell.held:  # what was held at a value may have been another equation
        return cell
    if cell.parts:
        how, made_of, options = cell.parts
        then = [_earlier(part) for part in made_of]
        if all(a is b for a, b in zip(then, made_of, strict=True)):
            return cell
        return stack(then, **options) if how == "stack" else bidirectional(*then)
    if cell.name in FORMER and cell.options.keys() == FORMER[cell.name].options.keys():
        sizes = {size: 2 for node in cell.graph.nodes for dim in node.shape for size in dim.names}
        now, then = (c.with_options(**cell.options) for c in (cells.get(cell.name), FORMER[cell.name]))
        if digest(cell, sizes) == digest(now, sizes):
            return then
    return cell
