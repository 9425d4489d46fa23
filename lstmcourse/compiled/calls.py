"""Operations that are calls, as text: products, sums, and what moves numbers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..engine.graph import Dim, Node
from ..programs.walk import Walk
from .loops import Loops
from .memory import Memory, Ref
from .order import Order
from .program import Buffer, NotCompiled
from .sizes import ONE, PART, ZERO, Poly, count

__all__ = ["Calls", "Statements"]

MOST_COLUMNS = 32
"""Columns of the widest panel of tiles on any processor (`tiles.py`): the last one may be partly empty."""


@dataclass
class Statements:
    """What a step of a section is turned into.

    Attributes
    ----------
    lines : list of str
    rows : Poly or None
        How many rows they handle, if threads can share them; then they are a function of their own.
    work : Poly
        How many multiplications that takes, roughly; 0 where it makes no difference.
    first : list of str
        What is done before a function that is shared out.
    ahead : list of str
        What is done before the loop that the statements are in.
    cuts : list of int
        Before which lines they can be divided: what is before hands on nothing but what lies in memory.
    parts : dict
        Functions that the lines call, by name: their lines.
    nodes : list of Node
        What they compute, where that is known.
    """

    lines: list[str] = field(default_factory=list)
    rows: Poly | None = None
    work: Poly = ZERO
    first: list[str] = field(default_factory=list)
    ahead: list[str] = field(default_factory=list)
    cuts: list[int] = field(default_factory=list)
    parts: dict[str, list[str]] = field(default_factory=dict)
    nodes: list[Node] = field(default_factory=list)


class Calls:
    """Writes operations that are not element-wise in one section of a program.

    Parameters
    ----------
    walk : Walk
    order : Order
    memory : Memory
    loops : Loops
        Of the section.
    packed : dict
        Matrices that have been packed, and the variables that hold them; further ones are put in.

    Attributes
    ----------
    packing : list of str
        What is to be done ahead of the section: the packing of matrices that it multiplies by at every step.
    factors : list of Node
        These matrices.
    """

    def __init__(self, walk: Walk, order: Order, memory: Memory, loops: Loops, packed: dict[tuple, str]):
        self.walk, self.order, self.memory, self.loops, self.packed = walk, order, memory, loops, packed
        self.packing: list[str] = []
        self.factors: list[Node] = []
        self.known = {
            "sum": self._sum, "softmax": self._softmax, "logsumexp": self._logsumexp,
            "concat": self._concat, "pad": self._pad, "reshape": self._reshape,
        }  # fmt: skip

    def statements(self, node: Node) -> Statements:
        """One operation."""
        out = self.memory.ref(node)
        if node in self.order.addend:
            return self._accumulate(node, out)
        if node.op.name in ("dot", "matmul"):
            return self._product(node, node, out, "False")
        if node.op.kind == "reduction":
            return self._reduction(node, out)
        if node.op.name not in self.known:
            raise NotCompiled(f"{node.op.name} is not known to the compiled back-end")
        return Statements(self.known[node.op.name](node, out))

    def _accumulate(self, node: Node, out: Ref) -> Statements:
        """A product that adds to what is there; what is not there yet is put there first."""
        other = self.order.addend[node]
        value = self.memory.number(other)
        axes = self.loops.axes(node.batched, node.timed, out.shape)
        if value is not None:
            lines = self.loops.nest(axes, [out], lambda texts, _: [f"{texts[0]} = {value}"])
        else:
            there = self.memory.ref(other)
            lines = self.loops.between(axes, out, there)
            if lines and (begun := self._begun(node, out, there)) is not None:
                return begun
        made = self._product(node, self.order.product[node], out, "True")
        if made.rows is not None and lines:
            part = value is None and self.loops.called_rows("copy_rows", axes, [out, there], made.rows)
            if not part:
                made.first = lines
            lines = part or []
        made.lines = lines + made.lines
        return made

    def _begun(self, node: Node, out: Ref, start: Ref) -> Statements | None:
        """A product outside loops that begins with another summand's rows, which are not copied first."""
        product = self.order.product[node]
        if self.loops.inside or product.op.name != "dot" or start.boolean:
            return None
        if start.strides[-1:] != (ONE,) or start.shape[-1] != out.shape[-1]:
            return None
        a, w = (self._in_memory(x) for x in product.args)
        axes = self.loops.axes(node.batched, node.timed, out.shape[:-1])
        refs = [replace(r.drop(-1), label=r.label) for r in (out, a, start)]
        rows = self.loops.shareable(axes, refs)
        if rows is None:
            return None
        n, k = out.shape[-1], a.shape[-1]
        self._multiplied(a, w, out)
        lines = self.loops.rows(
            axes,
            refs,
            lambda m, p, steps: [
                f"begun_product({m}, {n}, {k},",
                f"              {p[1]}, {steps[1]}, {a.strides[-1]},",
                f"              {self._address(w)}, {w.strides[0]}, {w.strides[1]},",
                f"              {p[0]}, {steps[0]}, {p[2]}, {steps[2]})",
            ],
            share=True,
        )
        return Statements(lines, rows, rows * n * k)

    def _multiplied(self, a: Ref, w: Ref, out: Ref) -> None:
        """The sizes of a product fit, and its result lies in rows."""
        if a.shape[-1] != w.shape[0]:
            self.loops.equal.add((a.shape[-1], w.shape[0]))
        if out.strides[-1] != ONE:
            raise NotCompiled("the result of a product does not lie in rows")

    def _product(self, node: Node, product: Node, out: Ref, keep: str) -> Statements:
        """``a @ w``: one call for all leading axes that lie evenly."""
        a, w = (self._in_memory(x) for x in product.args)
        if product.op.name == "matmul":
            lines = self.loops.nest(
                self.loops.axes(node.batched, node.timed, out.shape),
                [out, self._stretched(a, out.shape, -1), self._stretched(w, out.shape, -2)],
                lambda _, p: self._gemm(
                    out.shape[-2], out.shape[-1], a.shape[-1], p[1], a.strides[-2], a.strides[-1],
                    p[2], w.strides[-2], w.strides[-1], p[0], out, keep,
                ),
                keep=2,
            )  # fmt: skip
            return Statements(lines)
        self._multiplied(a, w, out)
        axes = self.loops.axes(node.batched, node.timed, out.shape[:-1])
        left, right = replace(out.drop(-1), label=out.label), a.drop(-1)
        each = out.shape[-1] * a.shape[-1]
        if self.loops.inside:
            lines = self._packed_product(axes, left, right, product.args[1], w, a, out, keep)
            return Statements(lines, work=count(out.shape[:-1]) * each)
        rows = self.loops.shareable(axes, [left, right])
        lines = self.loops.rows(
            axes,
            [left, right],
            lambda m, p, steps: self._gemm(
                m, out.shape[-1], a.shape[-1], p[1], steps[1], a.strides[-1],
                self._address(w), w.strides[0], w.strides[1], p[0], out, keep, steps[0],
            ),
            share=rows is not None,
        )  # fmt: skip
        return Statements(lines, rows, ZERO if rows is None else rows * each)

    def _packed_product(self, axes, left: Ref, right: Ref, factor: Node, w: Ref, a: Ref, out: Ref, keep: str):
        """A product in a loop: its right factor, the same at every step, is laid in order ahead of it."""
        n, k = out.shape[-1], a.shape[-1]
        matrix = (w.variable, w.offset, w.strides, n, k)
        if matrix not in self.packed:
            self.packed[matrix] = tiles = self.walk.free_name(f"{self.walk.suggested(factor)}_tiles")
            self.memory.buffers[tiles] = Buffer((k, n + MOST_COLUMNS))
            there = f"{self._address(w)}, {w.strides[0]}, {w.strides[1]}"
            self.packing.append(f"lay_tiles({n}, {k}, {there}, {tiles})")
            self.factors.append(factor)
        tiles = self.packed[matrix]
        return self.loops.rows(
            axes,
            [left, right],
            lambda m, p, steps: [
                f"tiled_product({m}, {n}, {k},",
                f"              {p[1]}, {steps[1]}, {a.strides[-1]}, {tiles},",
                f"              {p[0]}, {steps[0]}, {keep})",
            ],
        )

    def _gemm(
        self, m, n, k, a, a_row, a_col, w, w_row, w_col, c, out: Ref, keep: str, c_row=None
    ) -> list[str]:
        if out.strides[-1] != ONE:
            raise NotCompiled("the result of a product does not lie in rows")
        c_row = out.strides[-2] if c_row is None else c_row
        return [
            f"product({m}, {n}, {k},",
            f"        {a}, {a_row}, {a_col}, {w}, {w_row}, {w_col},",
            f"        {c}, {c_row}, {keep})",
        ]

    def _reduction(self, node: Node, out: Ref) -> Statements:
        """Sums over steps and sequences. In a loop the storage is 0 at first, and each step adds to it."""
        zero = self.loops.zero(self.loops.axes(node.batched, False, out.shape), out)
        ahead, first = (zero, []) if self.loops.inside else ([], zero)
        if node.op.name == "outer":
            a, b = (self._in_memory(x) for x in node.args)
            lead = max((a.shape[:-1], b.shape[:-1]), key=len)
            axes = self.loops.axes(any(n.batched for n in node.args), any(n.timed for n in node.args), lead)
            whole = not self.loops.inside and len(self.loops.merged(axes, [a.drop(-1), b.drop(-1)])) < 2
            # threads share columns: each then lays only its own part of b, whose rows are many
            columns, at = (PART, Poly.of("first")) if whole else (out.shape[1], ZERO)
            text = self.loops.rows(
                axes,
                [a.drop(-1), b.drop(-1)],
                lambda m, p, steps: self._gemm(
                    out.shape[0], columns, m, p[0], a.strides[-1], steps[0],
                    moved(p[1], b.strides[-1] * at), steps[1], b.strides[-1],
                    moved(self._address(out), out.strides[1] * at), out, str(not whole),
                ),
            )  # fmt: skip
            if not whole:
                return Statements(first + text, ahead=ahead)
            steps = Poly.of("T") if any(n.timed for n in node.args) else ONE
            batch = Poly.of("B") if any(n.batched for n in node.args) else ONE
            return Statements(text, out.shape[1], count(out.shape) * steps * batch)
        (arg,) = node.args
        if self.memory.number(arg) is not None:
            raise NotCompiled("a sum over steps of a number")
        source = self.memory.ref(arg)
        trailing = len(out.shape)
        axes = self.loops.axes(arg.batched, arg.timed, source.shape)
        spread = replace(
            out,
            shape=(*[ONE] * (len(source.shape) - trailing), *out.shape),
            strides=(*[ZERO] * (len(source.shape) - trailing), *out.strides),
        )
        call = self.loops.called_rows("add_rows", axes, [spread, source])
        if call is not None:
            return Statements(first + call, ahead=ahead)
        form = "F({})" if source.boolean else "{}"
        lines = self.loops.nest(
            axes, [spread, source], lambda texts, _: [f"{texts[0]} += {form.format(texts[1])}"]
        )
        return Statements(first + lines, ahead=ahead)

    def _sum(self, node: Node, out: Ref) -> list[str]:
        (arg,) = node.args
        axis, source = node.attrs["axis"], self._in_memory(arg)
        size = source.shape[axis]
        if axis == -1:
            return self.loops.nest(
                self.loops.axes(node.batched, node.timed, out.shape),
                [out, source.drop(-1)],
                lambda texts, p: [f"{texts[0]} = sum_along(loose({p[1]}), {source.strides[-1]}, {size})"],
            )
        at = len(source.shape) + axis
        spread = replace(
            out,
            shape=(*out.shape[:at], ONE, *out.shape[at:]),
            strides=(*out.strides[:at], ZERO, *out.strides[at:]),
        )
        zero = self.loops.zero(self.loops.axes(node.batched, node.timed, out.shape), out)
        return zero + self.loops.nest(
            self.loops.axes(node.batched, node.timed, source.shape),
            [spread, source],
            lambda texts, _: [f"{texts[0]} += {texts[1]}"],
        )

    def _softmax(self, node: Node, out: Ref) -> list[str]:
        axis, source = node.attrs["axis"], self._in_memory(node.args[0])
        return self.loops.nest(
            self.loops.axes(node.batched, node.timed, out.drop(axis).shape),
            [out.drop(axis), source.drop(axis)],
            lambda _, p: [
                f"softmax(loose({p[1]}), {source.strides[axis]}, loose({p[0]}), {out.strides[axis]}, "
                f"{out.shape[axis]})"
            ],
        )

    def _logsumexp(self, node: Node, out: Ref) -> list[str]:
        axis, source = node.attrs["axis"], self._in_memory(node.args[0])
        return self.loops.nest(
            self.loops.axes(node.batched, node.timed, out.shape),
            [out, source.drop(axis)],
            lambda texts, p: [
                f"{texts[0]} = logsumexp(loose({p[1]}), {source.strides[axis]}, {source.shape[axis]})"
            ],
        )

    def _concat(self, node: Node, out: Ref) -> list[str]:
        axis, lines, start = node.attrs["axis"], [], Dim()
        for a in node.args:
            stop = start + a.shape[axis]
            part = self.memory.part(out, axis, start, stop, self.memory.label(a))
            start = stop
            if self.memory.home.get(a) is node and replace(self.memory.ref(a), label="") == replace(
                part, label=""
            ):
                continue
            axes = self.loops.axes(node.batched, node.timed, part.shape)
            value = self.memory.number(a)
            if value is not None:
                raise NotCompiled("a number among parts laid side by side")
            lines += self.loops.between(axes, part, self.memory.ref(a))
        return lines

    def _pad(self, node: Node, out: Ref) -> list[str]:
        at = node.attrs
        part = self.memory.part(out, at["axis"], at["start"], at["stop"], self.memory.label(node.args[0]))
        lines = self.loops.zero(self.loops.axes(node.batched, node.timed, out.shape), out)
        source = self._in_memory(node.args[0])
        return lines + self.loops.between(self.loops.axes(node.batched, node.timed, part.shape), part, source)

    def _reshape(self, node: Node, out: Ref) -> list[str]:
        source = self._in_memory(node.args[0])
        for ref in (source, out):
            size = ONE
            for extent, stride in zip(reversed(ref.shape), reversed(ref.strides), strict=True):
                if stride != size:
                    raise NotCompiled("reshape of what does not lie in one piece")
                size = size * extent
        flat = [replace(ref, shape=(count(ref.shape),), strides=(ONE,)) for ref in (out, source)]
        return self.loops.between(self.loops.axes(node.batched, node.timed, flat[0].shape), *flat)

    def copy(self, out: Ref, source: Node, like: Node) -> list[str]:
        """Fill a place with a node's values, repeated where they are fewer."""
        axes = self.loops.axes(like.batched, False, out.shape)
        if not self.loops.inside and like.timed:
            axes = self.loops.axes(like.batched, True, out.shape)
        value = self.memory.number(source)
        if value == "F(0.0)" and not out.boolean:
            return self.loops.zero(axes, out)
        if value is not None:
            value = f"F({value})" if value in ("True", "False") and not out.boolean else value
            return self.loops.nest(axes, [out], lambda texts, _: [f"{texts[0]} = {value}"])
        return self.loops.between(axes, out, self.memory.ref(source))

    def _in_memory(self, node: Node) -> Ref:
        if self.memory.number(node) is not None:
            raise NotCompiled("a product with a number that stands for an array")
        return self.memory.ref(node)

    def _stretched(self, ref: Ref, shape: tuple[Poly, ...], axis: int) -> Ref:
        """A factor of a matrix product, with the axis that is summed over put aside."""
        sizes = list(ref.shape)
        sizes[axis] = shape[axis]
        return replace(ref, shape=tuple(sizes))

    def _address(self, ref: Ref) -> str:
        base = self.loops.base(ref)
        return ref.variable if base == ZERO else f"{ref.variable} + ({base})"


def moved(place: str, by: Poly) -> str:
    """A place, moved on."""
    return place if by == ZERO else f"{place} + ({by})"
