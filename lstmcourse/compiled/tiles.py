"""Products of matrices, tile by tile: what compiled programs multiply with.

A tile is a few rows and two vectors of columns of the result. It stays in registers while the common axis is
walked along: at each place, two vectors of the right factor are multiplied by one number of each row of the
left factor, and added. A tile of 8 rows and 32 columns reads 2 vectors and 8 numbers for 256 multiplications.

Why not a library? A recurrent network multiplies by one matrix at every step, and libraries bring that matrix
into the order in which their kernels read it at every call. Here it is brought into that order once, ahead of
the loop. And OpenBLAS takes kernels for shorter vectors on processors that came after it. Measured with one
thread on such a processor: 2.1 to 2.6 times as fast; with vectors of the same length 1.1 to 1.4 times.

Each element of a product is summed in the order of the common axis, 256 at a time: the result does not depend
on how rows are shared out over threads, nor on how long vectors are (among processors that fuse a product
with a sum).
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils, codegen, config
from numba.extending import intrinsic

from .kernels import Pointer

__all__ = ["BLOCK", "REGISTERS", "lanes", "stack", "tile"]

BLOCK = 256
"""How far the common axis is walked along before the next columns are taken."""


def _features() -> set[str]:
    """What the processor can do, as the compiler is told."""
    text = config.CPU_FEATURES
    if text is None:
        text = codegen.get_host_cpu_features()
    return {word[1:] for word in text.split(",") if word.startswith("+")}


FEATURES = _features()
REGISTERS = 32 if FEATURES & {"avx512f", "neon"} else 16
BYTES = 64 if "avx512f" in FEATURES else 32 if "avx2" in FEATURES else 16


def lanes(dtype) -> int:
    """Numbers in a vector of this processor.

    Parameters
    ----------
    dtype : numba type
        float32 or float64.
    """
    return BYTES * 8 // dtype.bitwidth


class _Tile:
    """The instructions of one tile."""

    def __init__(self, context, builder, dtype, rows: int, vectors: int, masked: bool):
        self.builder, self.rows, self.vectors, self.masked = builder, rows, vectors, masked
        self.real, self.bytes, self.lanes = context.get_value_type(dtype), dtype.bitwidth // 8, lanes(dtype)
        self.kind = ir.VectorType(self.real, self.lanes)
        self.name = f"v{self.lanes}f{dtype.bitwidth}"
        self.zero = ir.Constant(self.kind, [0.0] * self.lanes)

    def over(self, make):
        """A value for each vector of each row."""
        return [[make(r, v) for v in range(self.vectors)] for r in range(self.rows)]

    def declared(self, name: str, result, given):
        return cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(result, given), name)

    def mask(self, count):
        """Which columns of the last vector count: the first few."""
        whole = ir.VectorType(count.type, self.lanes)
        places = ir.Constant(whole, list(range(self.lanes)))
        return self.builder.icmp_signed("<", places, self.repeated(count, whole))

    def repeated(self, number, kind):
        """A vector of one number."""
        empty, first = ir.Constant(kind, ir.Undefined), ir.Constant(ir.IntType(32), 0)
        one = self.builder.insert_element(empty, number, first)
        return self.builder.shuffle_vector(
            one, empty, ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        )

    def place(self, pointer, v: int):
        """Where vector v of a row is."""
        at = self.builder.gep(pointer, [ir.Constant(ir.IntType(64), v * self.lanes)])
        return self.builder.bitcast(at, self.kind.as_pointer())

    def load(self, pointer, v: int, mask):
        at = self.place(pointer, v)
        if not (self.masked and v == self.vectors - 1):
            value = self.builder.load(at)
            value.align = self.bytes
            return value
        flags = ir.VectorType(ir.IntType(1), self.lanes)
        given = [self.kind.as_pointer(), ir.IntType(32), flags, self.kind]
        function = self.declared(f"llvm.masked.load.{self.name}.p0{self.name}", self.kind, given)
        return self.builder.call(function, [at, ir.Constant(ir.IntType(32), self.bytes), mask, self.zero])

    def store(self, value, pointer, v: int, mask) -> None:
        at = self.place(pointer, v)
        if not (self.masked and v == self.vectors - 1):
            self.builder.store(value, at).align = self.bytes
            return
        flags = ir.VectorType(ir.IntType(1), self.lanes)
        given = [self.kind, self.kind.as_pointer(), ir.IntType(32), flags]
        function = self.declared(f"llvm.masked.store.{self.name}.p0{self.name}", ir.VoidType(), given)
        self.builder.call(function, [value, at, ir.Constant(ir.IntType(32), self.bytes), mask])

    def emit(self, count, k, a, a_row, a_col, w, w_row, c, c_row, start, start_row, keep) -> None:
        """The tile of c becomes a w, or that added to what stands at start."""
        b, size = self.builder, k.type
        mask = self.mask(count) if self.masked else None
        a_rows = [b.gep(a, [b.mul(a_row, size(r))]) for r in range(self.rows)]
        c_rows = [b.gep(c, [b.mul(c_row, size(r))]) for r in range(self.rows)]
        starts = [b.gep(start, [b.mul(start_row, size(r))]) for r in range(self.rows)]
        entry = b.block
        kept, ready, body, end = (
            b.function.append_basic_block(name) for name in ("kept", "ready", "along", "done")
        )
        b.cbranch(keep, kept, ready)
        b.position_at_end(kept)
        old = self.over(lambda r, v: self.load(starts[r], v, mask))
        b.branch(ready)
        b.position_at_end(ready)
        first = self.over(lambda r, v: b.phi(self.kind))
        b.cbranch(b.icmp_signed(">", k, size(0)), body, end)
        b.position_at_end(body)
        p = b.phi(size)
        total = self.over(lambda r, v: b.phi(self.kind))
        w_p = b.gep(w, [b.mul(p, w_row)])
        right = [self.load(w_p, v, mask) for v in range(self.vectors)]
        offset = b.mul(p, a_col)
        left = [self.repeated(b.load(b.gep(row, [offset])), self.kind) for row in a_rows]
        fused = self.declared(f"llvm.fmuladd.{self.name}", self.kind, [self.kind] * 3)
        more = self.over(lambda r, v: b.call(fused, [left[r], right[v], total[r][v]]))
        after = b.add(p, size(1))
        b.cbranch(b.icmp_signed("<", after, k), body, end)
        b.position_at_end(end)
        result = self.over(lambda r, v: b.phi(self.kind))
        p.add_incoming(size(0), ready)
        p.add_incoming(after, body)
        for r in range(self.rows):
            for v in range(self.vectors):
                first[r][v].add_incoming(self.zero, entry)
                first[r][v].add_incoming(old[r][v], kept)
                total[r][v].add_incoming(first[r][v], ready)
                total[r][v].add_incoming(more[r][v], body)
                result[r][v].add_incoming(first[r][v], ready)
                result[r][v].add_incoming(more[r][v], body)
        for r in range(self.rows):
            for v in range(self.vectors):
                self.store(result[r][v], c_rows[r], v, mask)


@intrinsic(prefer_literal=True)
def tile(
    typing, rows, vectors, masked, count, k, a, a_row, a_col, w, w_row, c, c_row, start, start_row, keep
):
    """Rows and vectors of c = a w, or of c = start + a w; `masked`: `count` columns of the last vector."""
    dtype = c.dtype
    size, flag = types.intp, types.boolean
    settings = rows.literal_value, vectors.literal_value, bool(masked.literal_value)

    def make(context, builder, sig, args):
        _Tile(context, builder, dtype, *settings).emit(*args[3:])
        return context.get_dummy_value()

    given = (rows, vectors, masked, size, size, a, size, size, w, size, c, size, start, size, flag)
    return types.none(*given), make


@intrinsic(prefer_literal=True)
def stack(typing, p, n):
    """Room for n numbers of the type that p points to, until the function returns."""
    count, dtype = n.literal_value, p.dtype

    def make(context, builder, sig, args):
        array = ir.ArrayType(context.get_data_type(dtype), count)
        room = cgutils.alloca_once(builder, array)
        room.align = 64
        return builder.bitcast(room, context.get_value_type(sig.return_type))

    return Pointer(dtype, 0, 0)(p, n), make
