"""What compiled programs call: pointers, products, and functions that the compiler can vectorise.

This module imports Numba and SciPy; it is loaded when a program is first compiled. `fast.py` decides when.

- `pointer` makes a `Pointer` of an address. Reading and writing through it, ``p[k]``, says to the compiler that
  what two variables point to never overlaps (LLVM's alias scopes). So one loop may read and write twenty
  arrays and is still vectorised; without it, the compiler gives up beyond a few.
- `tanh`, `sigmoid` and `exp` have no branches and no tables, so that they are computed for eight numbers at once.
- `product` calls the BLAS that comes with SciPy, for small products a loop of its own.

Nothing here assumes that numbers are finite. The only liberty that compilers are given is to fuse a product
with a sum (which rounds once in place of twice), and, in sums along an axis, to choose the order.
"""

from __future__ import annotations

import ctypes
import math
import operator

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import (
    get_cython_function_address,
    intrinsic,
    lower_builtin,
    overload,
    register_model,
)

__all__ = [
    "OPTIONS",
    "blas_threads",
    "exp",
    "logsumexp",
    "loose",
    "maximum",
    "minimum",
    "pointer",
    "product",
    "relu",
    "remainder",
    "select",
    "sigmoid",
    "softmax",
    "softplus",
    "sum_along",
    "tanh",
]

OPTIONS = {"error_model": "numpy", "fastmath": {"contract"}, "nogil": True}
"""How programs are compiled: dividing by zero gives infinity, and no assumption is made on values."""


# Pointers


class Pointer(types.Type):
    """The type of a place in memory: what lies there, and which of a function's variables it belongs to.

    Parameters
    ----------
    dtype : numba type
        Of the elements.
    scope, of : int
        The variable's number among `of` variables that do not overlap. With of = 0 nothing is promised.
    """

    def __init__(self, dtype, scope: int, of: int):
        self.dtype, self.scope, self.of = dtype, scope, of
        super().__init__(f"pointer({dtype}, {scope} of {of})")

    @property
    def key(self):
        """What makes two of these types the same."""
        return self.dtype, self.scope, self.of


@register_model(Pointer)
class _PointerModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type):
        super().__init__(dmm, fe_type, ir.PointerType(dmm.lookup(fe_type.dtype).get_data_type()))


@intrinsic(prefer_literal=True)
def pointer(typing, at, k, dtype, scope, of):
    """The address that stands at ``at[k]``, as a pointer to a `dtype`; variable `scope` of `of`."""
    kind = Pointer(dtype.dtype, scope.literal_value, of.literal_value)

    def make(context, builder, sig, args):
        array = cgutils.create_struct_proxy(sig.args[0])(context, builder, args[0])
        address = builder.load(builder.gep(array.data, [args[1]]))
        return builder.inttoptr(address, context.get_value_type(sig.return_type))

    return kind(at, types.intp, dtype, scope, of), make


@intrinsic
def loose(typing, p):
    """The same place, without the promise: so that a function called with many variables is compiled once."""
    return Pointer(p.dtype, 0, 0)(p), lambda context, builder, sig, args: args[0]


@intrinsic(prefer_literal=True)
def _promised(typing, p, scope, of):
    """The same place as variable `scope` of `of`: the inverse of `loose`, inside a function that knows."""
    kind = Pointer(p.dtype, scope.literal_value, of.literal_value)
    return kind(p, scope, of), lambda context, builder, sig, args: args[0]


@infer_global(operator.getitem)
class _Read(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 2 and isinstance(args[0], Pointer) and isinstance(args[1], types.Integer):
            return signature(args[0].dtype, args[0], types.intp)
        return None


@infer_global(operator.setitem)
class _Write(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 3 and isinstance(args[0], Pointer):
            return signature(types.none, args[0], types.intp, args[0].dtype)
        return None


@infer_global(operator.add)
class _Shift(AbstractTemplate):
    def generic(self, args, kws):
        if len(args) == 2 and isinstance(args[0], Pointer) and isinstance(args[1], types.Integer):
            return signature(args[0], args[0], types.intp)
        return None


def _promise(builder, instruction, kind: Pointer) -> None:
    """Note on a load or store that no other variable of the function is meant."""
    if not kind.of:
        return
    module = builder.module
    domain = module.add_metadata(["lstmcourse"])
    scopes = [module.add_metadata([f"lstmcourse {k}", domain]) for k in range(kind.of)]
    others = [s for k, s in enumerate(scopes) if k != kind.scope]
    instruction.set_metadata("alias.scope", module.add_metadata([scopes[kind.scope]]))
    if others:
        instruction.set_metadata("noalias", module.add_metadata(others))


@lower_builtin(operator.getitem, Pointer, types.Integer)
def _read(context, builder, sig, args):
    kind = sig.args[0]
    value = builder.load(builder.gep(args[0], [args[1]]))
    _promise(builder, value, kind)
    return context.data_model_manager[kind.dtype].from_data(builder, value)


@lower_builtin(operator.setitem, Pointer, types.Integer, types.Any)
def _write(context, builder, sig, args):
    kind = sig.args[0]
    value = context.data_model_manager[kind.dtype].as_data(builder, args[2])
    _promise(builder, builder.store(value, builder.gep(args[0], [args[1]])), kind)
    return context.get_dummy_value()


@lower_builtin(operator.add, Pointer, types.Integer)
def _shift(context, builder, sig, args):
    return builder.gep(args[0], [args[1]])


@intrinsic
def select(typing, condition, a, b):
    """The one or the other number, both being computed: a choice without a branch."""
    kind = a if a == b else typing.unify_types(a, b)

    def make(context, builder, sig, args):
        return builder.select(args[0], args[1], args[2])

    return kind(types.boolean, kind, kind), make


# Functions of numbers. `_like(x, 1.0)` is a 1 of x's own type, so that a float32 stays one.


@intrinsic
def _like(typing, x, value):
    """A number as one of the type of x."""

    def make(context, builder, sig, args):
        return context.cast(builder, args[1], sig.args[1], sig.return_type)

    return x(x, value), make


@intrinsic
def _bits(typing, x):
    """The bits of a floating point number, as a whole number."""
    kind = types.int32 if x == types.float32 else types.int64
    return kind(x), lambda context, builder, sig, args: builder.bitcast(
        args[0], context.get_value_type(sig.return_type)
    )


@intrinsic
def _number(typing, bits):
    """The floating point number that has these bits."""
    kind = types.float32 if bits == types.int32 else types.float64
    return kind(bits), lambda context, builder, sig, args: builder.bitcast(
        args[0], context.get_value_type(sig.return_type)
    )


S = np.float32
D = np.float64


@intrinsic
def _signed(typing, size, x):
    """The size with the sign of x, also where x is -0."""

    def make(context, builder, sig, args):
        kind = args[0].type
        function = builder.module.declare_intrinsic(
            "llvm.copysign", [kind], ir.FunctionType(kind, [kind, kind])
        )
        return builder.call(function, args)

    return size(size, size), make


@njit(**OPTIONS)
def _split32(x):
    """x as n log 2 + r: 2^0 and n as bits of the exponent are left to the caller; |r| <= log(2) / 2."""
    magic = S(12582912.0)  # 1.5 * 2^23: adding it rounds to a whole number, which the last bits then hold
    shifted = x * S(1.44269504) + magic
    n = shifted - magic
    r = x - n * S(0.693359375)
    r = r - n * S(-2.12194440e-4)
    p = S(1.9875691500e-4) * r + S(1.3981999507e-3)
    p = p * r + S(8.3334519073e-3)
    p = p * r + S(4.1665795894e-2)
    p = p * r + S(1.6666665459e-1)
    p = p * r + S(5.0000001201e-1)
    return p * (r * r) + r + S(1.0), _bits(shifted) - _bits(magic)


@njit(**OPTIONS)
def _power32(n):
    """2^n for n from -126 to 127."""
    return _number(types.int32((n + types.int32(127)) << types.int32(23)))


@njit(**OPTIONS)
def _exp32(x):
    """2^n exp(r) with x = n log 2 + r; the power of two in two steps, so that it may leave the normal range.

    Polynomials here and in tanh are those of Cephes (Moshier 1989).
    """
    c = select(x > S(89.0), S(89.0), x)
    c = select(c < S(-105.0), S(-105.0), c)
    y, n = _split32(c)
    half = types.int32(n >> types.int32(1))
    return y * _power32(half) * _power32(types.int32(n - half))


@njit(**OPTIONS)
def _sigmoid32(x):
    """1 / (1 + exp(-x))."""
    c = select(x > S(87.0), S(87.0), x)
    c = select(c < S(-87.0), S(-87.0), c)
    y, n = _split32(-c)
    return select(x < S(-87.0), S(0.0), S(1.0) / (S(1.0) + y * _power32(n)))


@njit(**OPTIONS)
def _tanh32(x):
    """A polynomial near 0, 1 - 2 / (exp(2 |x|) + 1) beyond."""
    size = abs(x)
    z = x * x
    p = S(-5.70498872745e-3) * z + S(2.06390887954e-2)
    p = p * z + S(-5.37397155531e-2)
    p = p * z + S(1.33314422036e-1)
    p = p * z + S(-3.33332819422e-1)
    near = p * (z * size) + size
    c = select(size > S(10.0), S(10.0), size)
    y, n = _split32(c + c)
    far = S(1.0) - S(2.0) / (y * _power32(n) + S(1.0))
    return _signed(select(size < S(0.625), near, far), x)


@njit(**OPTIONS)
def _exp64(x):
    """As in float32, with a rational function, for |x| < 700: enough for tanh."""
    magic = D(6755399441055744.0)  # 1.5 * 2^52
    shifted = x * D(1.4426950408889634) + magic
    n = shifted - magic
    r = x - n * D(6.93145751953125e-1)
    r = r - n * D(1.42860682030941723212e-6)
    z = r * r
    p = D(1.26177193074810590878e-4) * z + D(3.02994407707441961300e-2)
    p = r * (p * z + D(9.99999999999999999910e-1))
    q = D(3.00198505138664455042e-6) * z + D(2.52448340349684104192e-3)
    q = q * z + D(2.27265548208155028766e-1)
    q = q * z + D(2.00000000000000000009e0)
    y = D(1.0) + D(2.0) * (p / (q - p))
    return y * _number((_bits(shifted) - _bits(magic) + 1023) << 52)


@njit(**OPTIONS)
def _tanh64(x):
    """A rational function near 0, 1 - 2 / (exp(2 |x|) + 1) beyond."""
    size = abs(x)
    z = x * x
    p = D(-9.64399179425052238628e-1) * z + D(-9.92877231001918586564e1)
    p = p * z + D(-1.61468768441708447952e3)
    q = z + D(1.12811678491632931402e2)
    q = q * z + D(2.23548839060100448583e3)
    q = q * z + D(4.84406305325125486048e3)
    near = size + size * z * (p / q)
    c = select(size > D(25.0), D(25.0), size)
    far = D(1.0) - D(2.0) / (_exp64(c + c) + D(1.0))
    return _signed(select(size < D(0.625), near, far), x)


@njit(**OPTIONS)
def _sigmoid64(x):
    """(1 + tanh(x / 2)) / 2, as the NumPy program has it."""
    return D(0.5) * _tanh64(D(0.5) * x) + D(0.5)


@njit(**OPTIONS)
def _libm_exp(x):
    return math.exp(x)


def _by_dtype(single, double):
    """One name for two functions, chosen by the type of the argument."""

    def function(x):
        raise NotImplementedError  # called from compiled code only

    @overload(function, jit_options=OPTIONS)
    def choose(x):
        kind = single if x == types.float32 else double
        return lambda x: kind(x)

    return function


tanh = _by_dtype(_tanh32, _tanh64)
sigmoid = _by_dtype(_sigmoid32, _sigmoid64)
exp = _by_dtype(_exp32, _libm_exp)


@njit(**OPTIONS)
def maximum(a, b):
    """The larger; NaN if either is."""
    return select((a >= b) | (a != a), a, b)


@njit(**OPTIONS)
def minimum(a, b):
    """The smaller; NaN if either is."""
    return select((a <= b) | (a != a), a, b)


@njit(**OPTIONS)
def relu(x):
    """The positive part; NaN stays."""
    zero = _like(x, 0.0)
    return select((x >= zero) | (x != x), x, zero)


@njit(**OPTIONS)
def softplus(x):
    """log(1 + exp(x)) = max(x, 0) + log1p(exp(-|x|))."""
    return relu(x) + math.log1p(exp(-abs(x)))


@njit(**OPTIONS)
def remainder(a, b):
    """A modulo b, with the sign of b, as NumPy has it."""
    r = math.fmod(a, b)
    if r != _like(a, 0.0):
        return r + b if (b < _like(a, 0.0)) != (r < _like(a, 0.0)) else r
    return math.copysign(r, b)


# Functions along an axis: `step` elements lie between neighbours


@njit(error_model="numpy", fastmath={"contract", "reassoc"}, nogil=True)
def sum_along(p, step, n):
    """The sum of n elements, in whatever order is fast."""
    if n == 0:
        return _zero(p)
    if step == 1:
        total = p[0]
        for k in range(1, n):
            total += p[k]
        return total
    total = p[0]
    for k in range(1, n):
        total += p[k * step]
    return total


@intrinsic
def _zero(typing, p):
    """A 0 of the type that p points to."""
    return p.dtype(p), lambda context, builder, sig, args: context.get_constant(sig.return_type, 0)


@njit(**OPTIONS)
def _largest(p, step, n):
    most = p[0]
    for k in range(1, n):
        v = p[k * step]
        most = select((v > most) | (v != v), v, most)
    return most


@njit(**OPTIONS)
def softmax(p, step, out, out_step, n):
    """exp(p - max) over its sum."""
    if n == 0:
        return
    most = _largest(p, step, n)
    for k in range(n):
        out[k * out_step] = exp(p[k * step] - most)
    total = sum_along(out, out_step, n)
    for k in range(n):
        out[k * out_step] = out[k * out_step] / total


@njit(**OPTIONS)
def logsumexp(p, step, n):
    """Log of the sum of exp; the log of nothing, and infinities, as they are."""
    if n == 0:
        return -_like(_zero(p), math.inf)
    most = _largest(p, step, n)
    if most - most != _like(most, 0.0):  # infinite, or NaN
        return most
    total = _zero(p)
    for k in range(n):
        total += exp(p[k * step] - most)
    return most + math.log(total)


# Products


def _register() -> None:
    """Give the linker the addresses of SciPy's matrix products, by names that cached programs can look up."""
    for letter in "sd":
        name = f"{letter}gemm"
        capsule = __import__("scipy.linalg.cython_blas", fromlist=["x"]).__pyx_capi__[name]
        text = ctypes.pythonapi.PyCapsule_GetName
        text.restype, text.argtypes = ctypes.c_char_p, [ctypes.py_object]
        if b"int *" not in text(capsule):
            raise ImportError(f"SciPy's {name} does not count with 32-bit integers")
        address = get_cython_function_address("scipy.linalg.cython_blas", name)
        llvmlite.binding.add_symbol(f"lstmcourse_{name}", address)


_register()


@intrinsic
def _gemm(typing, transposed_a, transposed_b, m, n, k, a, lda, b, ldb, keep, c, ldc):
    """BLAS, in its own terms: C (m, n) by columns becomes op(A) op(B), plus what it was if it is to be kept."""

    def make(context, builder, sig, args):
        ta, tb, m, n, k, a, lda, b, ldb, keep, c, ldc = args
        real = context.get_value_type(sig.args[5].dtype)
        small, whole, letter = ir.IntType(32), ir.IntType(8), ir.IntType(8).as_pointer()

        def slot(value, kind):
            place = cgutils.alloca_once(builder, kind)
            builder.store(value, place)
            return place

        def char(flag):
            return slot(builder.select(flag, whole(ord("T")), whole(ord("N"))), whole)

        def number(value):
            return slot(builder.trunc(value, small), small)

        one, zero = ir.Constant(real, 1.0), ir.Constant(real, 0.0)
        given = [
            char(ta), char(tb), number(m), number(n), number(k), slot(one, real), a, number(lda), b, number(ldb),
            slot(builder.select(keep, one, zero), real), c, number(ldc),
        ]  # fmt: skip
        kinds = [g.type for g in given]
        assert kinds[0] == letter
        name = f"lstmcourse_{'s' if sig.args[5].dtype == types.float32 else 'd'}gemm"
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), kinds), name
        )
        builder.call(function, given)
        return context.get_dummy_value()

    flag, size = types.boolean, types.intp
    return types.none(flag, flag, size, size, size, a, size, b, size, flag, c, size), make


SMALL = 4096
"""Multiplications up to which a loop is faster than calling BLAS."""


@njit(error_model="numpy", fastmath={"contract", "reassoc"}, nogil=True)
def _loops(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, keep):
    """A product of any strides; where rows of w are contiguous, it is vectorised along them."""
    a, w, c = _promised(a, 0, 3), _promised(w, 1, 3), _promised(c, 2, 3)
    for r in range(m):
        a_r, c_r = a + r * a_row, c + r * c_row
        if w_col == 1:
            if not keep:
                for j in range(n):
                    c_r[j] = _zero(c)
            for p in range(k):
                v, w_p = a_r[p * a_col], w + p * w_row
                for j in range(n):
                    c_r[j] = c_r[j] + v * w_p[j]
        elif w_row == 1 and a_col == 1:
            for j in range(n):
                total, w_j = _zero(c), w + j * w_col
                for p in range(k):
                    total += a_r[p] * w_j[p]
                c_r[j] = c_r[j] + total if keep else total
        else:
            for j in range(n):
                total = _zero(c)
                for p in range(k):
                    total += a_r[p * a_col] * w[p * w_row + j * w_col]
                c_r[j] = c_r[j] + total if keep else total


@njit(**OPTIONS)
def product(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, keep):
    """c (m, n) = a (m, k) w (k, n), or c += a w; rows and columns of a and w may lie anyhow, rows of c in one piece."""
    if m <= 0 or n <= 0:
        return
    plain_a, turned_a = a_col == 1 and a_row >= k, a_row == 1 and a_col >= m
    plain_w, turned_w = w_col == 1 and w_row >= n, w_row == 1 and w_col >= k
    if m == 1 and a_col == 1:
        plain_a, a_row = True, max(a_row, k)
    lengths = k > 0 and (plain_a or turned_a) and (plain_w or turned_w) and (c_row >= n or m == 1)
    if not lengths or m * n * k <= SMALL:
        _loops(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, keep)
        return
    # BLAS counts by columns: what it sees of a row-major matrix is its transpose
    _gemm(
        not plain_w, not plain_a, n, m, k,
        w, w_row if plain_w else w_col, a, a_row if plain_a else a_col, keep, c, max(c_row, n),
    )  # fmt: skip
