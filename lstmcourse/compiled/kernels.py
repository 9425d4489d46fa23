"""What compiled programs call: pointers, products, and functions that the compiler can vectorise.

This module imports Numba; it is loaded when a program is first compiled. `fast.py` decides when.

- `pointer` makes a `Pointer` of an address. Reading and writing through it, ``p[k]``, says to the compiler
  that what two variables point to never overlaps (LLVM's alias scopes). So one loop may read and write twenty
  arrays and is still vectorised; without it, the compiler gives up beyond a few.
- `tanh`, `sigmoid` and `exp` have no branches and no tables, so they are computed for eight numbers at once.
- `product` and what else works on rows of numbers is compiled once for all programs: `products.py`.

Nothing here assumes that numbers are finite. The only liberty that compilers are given is to fuse a product
with a sum (which rounds once in place of twice), and, in sums along an axis, to choose the order.
"""

from __future__ import annotations

import inspect
import math
import operator

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.datamodel import models
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import (
    intrinsic,
    lower_builtin,
    overload,
    register_model,
)

__all__ = [
    "OPTIONS",
    "add_rows",
    "copy_rows",
    "exp",
    "lay_tiles",
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
    "tiled_product",
]

CALLED = {"error_model": "numpy", "fastmath": {"contract"}}
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
def promised(typing, p, scope, of):
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


# Functions of numbers. They are written as formulas, and emitted where they are called, without type
# inference: that takes a tenth of the time of compiling them as functions.


class _Value:
    """A number of the program in a formula: arithmetic on it emits instructions.

    A product and a sum may be fused ("contract"); nothing else is allowed to the compiler.
    """

    FUSE = ("contract",)

    def __init__(self, builder, value):
        self.builder, self.value = builder, value

    def __call__(self, number) -> _Value:
        """A constant of the same type."""
        return _Value(self.builder, ir.Constant(self.value.type, number))

    def _other(self, other):
        return other.value if isinstance(other, _Value) else ir.Constant(self.value.type, other)

    def _make(self, name, other, *more, **settings) -> _Value:
        return _Value(
            self.builder, getattr(self.builder, name)(*more, self.value, self._other(other), **settings)
        )

    def __add__(self, other):
        return self._make("fadd", other, flags=self.FUSE)

    def __sub__(self, other):
        return self._make("fsub", other, flags=self.FUSE)

    def __mul__(self, other):
        return self._make("fmul", other, flags=self.FUSE)

    def __truediv__(self, other):
        return self._make("fdiv", other, flags=self.FUSE)

    def __neg__(self):
        return _Value(self.builder, self.builder.fneg(self.value))

    def __gt__(self, other):
        return self._make("fcmp_ordered", other, ">")

    def __lt__(self, other):
        return self._make("fcmp_ordered", other, "<")

    def __ge__(self, other):
        return self._make("fcmp_ordered", other, ">=")

    def __le__(self, other):
        return self._make("fcmp_ordered", other, "<=")

    def is_nan(self):
        return self._make("fcmp_unordered", self, "uno")

    def __or__(self, other):
        return self._make("or_", other)

    def __abs__(self):
        return self.call("llvm.fabs", self)

    def call(self, name, *args) -> _Value:
        kind = self.value.type
        function = self.builder.module.declare_intrinsic(
            name, [kind], ir.FunctionType(kind, [kind] * len(args))
        )
        return _Value(self.builder, self.builder.call(function, [a.value for a in args]))

    def bits(self) -> _Value:
        """The bits, as a whole number."""
        kind = ir.IntType(32 if self.value.type == ir.FloatType() else 64)
        return _Value(self.builder, self.builder.bitcast(self.value, kind))

    def times_power_of_two(self, n: _Value) -> _Value:
        """2^n times the number, by n in the bits of the exponent: n from -126 to 127 (float64: to 1023)."""
        bias, shift = (127, 23) if self.value.type == ir.FloatType() else (1023, 52)
        exponent = self.builder.shl(n._make("add", bias).value, n(shift).value)
        return self * _Value(self.builder, self.builder.bitcast(exponent, self.value.type))

    def where(self, condition: _Value, other) -> _Value:
        """The number where the condition holds, else the other: without a branch."""
        return _Value(self.builder, self.builder.select(condition.value, self.value, self._other(other)))

    def between(self, low, high) -> _Value:
        """The nearest number in an interval; NaN stays."""
        upper = self(high).where(self > high, self)
        return upper(low).where(upper < low, upper)

    def polynomial(self, *coefficients) -> _Value:
        """Horner's rule, the highest power first."""
        total = self(coefficients[0])
        for c in coefficients[1:]:
            total = total * self + c
        return total


def _exp_parts(x: _Value) -> tuple[_Value, _Value]:
    """exp(x) as y 2^n: x = n log 2 + r, |r| <= log(2) / 2, and y = exp(r) by Cephes (Moshier 1989)."""
    single = x.value.type == ir.FloatType()
    magic = (
        12582912.0 if single else 6755399441055744.0
    )  # adding 1.5 * 2^23 leaves a whole number in the last bits
    shifted = x * 1.4426950408889634 + magic
    n = shifted - magic
    whole = shifted.bits()._make("sub", x(magic).bits())
    if single:
        r = x - n * 0.693359375
        r = r - n * -2.12194440e-4
        p = r.polynomial(
            1.9875691500e-4,
            1.3981999507e-3,
            8.3334519073e-3,
            4.1665795894e-2,
            1.6666665459e-1,
            5.0000001201e-1,
        )
        return p * (r * r) + r + 1.0, whole
    r = x - n * 6.93145751953125e-1
    r = r - n * 1.42860682030941723212e-6
    z = r * r
    p = r * z.polynomial(1.26177193074810590878e-4, 3.02994407707441961300e-2, 9.99999999999999999910e-1)
    q = z.polynomial(
        3.00198505138664455042e-6,
        2.52448340349684104192e-3,
        2.27265548208155028766e-1,
        2.00000000000000000009e0,
    )
    return x(1.0) + p / (q - p) * 2.0, whole


def _exp(x: _Value) -> _Value:
    """In float32 as above, the power of two in two steps, so that it may leave the normal range."""
    if x.value.type != ir.FloatType():
        return x.call("llvm.exp", x)  # the C library's, right to half a unit in the last place
    y, n = _exp_parts(x.between(-105.0, 89.0))
    half = n._make("ashr", 1)
    return y.times_power_of_two(half).times_power_of_two(n._make("sub", half))


def _tanh(x: _Value) -> _Value:
    """Near 0 a polynomial (float64: a rational function), 1 - 2 / (exp(2 |x|) + 1) beyond."""
    single = x.value.type == ir.FloatType()
    size, z = abs(x), x * x
    if single:
        p = z.polynomial(
            -5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1
        )
    else:
        p = z.polynomial(-9.64399179425052238628e-1, -9.92877231001918586564e1, -1.61468768441708447952e3)
        p = p / z.polynomial(
            1.0, 1.12811678491632931402e2, 2.23548839060100448583e3, 4.84406305325125486048e3
        )
    near = p * (z * size) + size
    c = size.between(0.0, 10.0 if single else 25.0)
    y, n = _exp_parts(c + c)
    far = x(1.0) - x(2.0) / (y.times_power_of_two(n) + 1.0)
    return x.call("llvm.copysign", near.where(size < 0.625, far), x)


def _sigmoid(x: _Value) -> _Value:
    """1 / (1 + exp(-x)), to the last digits however small; 0 below the range of normal numbers."""
    low = -87.0 if x.value.type == ir.FloatType() else -708.0
    y, n = _exp_parts(-x.between(low, -low))
    return x(0.0).where(x < low, x(1.0) / (y.times_power_of_two(n) + 1.0))


def _relu(x: _Value) -> _Value:
    return x.where((x >= 0.0) | x.is_nan(), 0.0)


def _softplus(x: _Value) -> _Value:
    """max(x, 0) + log(1 + u), u = exp(-|x|); log(1 + u) = 2 artanh(s) by its series, s = u / (2 + u) <= 1/3.

    After 9 terms, less than 2e-10 of it is missing, after 19 terms 3e-20.
    """
    u = _exp(-abs(x))
    s = u / (u + 2.0)
    terms = 9 if x.value.type == ir.FloatType() else 19
    series = (s * s).polynomial(*(1 / (2 * n + 1) for n in reversed(range(terms))))
    return _relu(x) + (s + s) * series


def _maximum(a: _Value, b: _Value) -> _Value:
    return a.where((a >= b) | a.is_nan(), b)


def _minimum(a: _Value, b: _Value) -> _Value:
    return a.where((a <= b) | a.is_nan(), b)


def _function(formula, arity: int, doc: str):
    """A formula as a function of compiled code."""

    def make(context, builder, sig, args):
        return formula(*(_Value(builder, a) for a in args)).value

    if arity == 1:

        def typed(typing, x):
            return (x(x), make) if x in (types.float32, types.float64) else None
    else:

        def typed(typing, a, b):
            kind = typing.unify_types(a, b)
            return (kind(kind, kind), make) if kind in (types.float32, types.float64) else None

    typed.__name__, typed.__doc__ = formula.__name__.lstrip("_"), doc
    return intrinsic(typed)


exp = _function(_exp, 1, "The exponential.")
tanh = _function(_tanh, 1, "The hyperbolic tangent.")
sigmoid = _function(_sigmoid, 1, "The logistic function.")
softplus = _function(_softplus, 1, "log(1 + exp(x)).")
relu = _function(_relu, 1, "The positive part; NaN stays.")
maximum = _function(_maximum, 2, "The larger; NaN if either is.")
minimum = _function(_minimum, 2, "The smaller; NaN if either is.")


@intrinsic
def select(typing, condition, a, b):
    """The one or the other number, both being computed: a choice without a branch."""
    kind = a if a == b else typing.unify_types(a, b)

    def make(context, builder, sig, args):
        return builder.select(args[0], args[1], args[2])

    return kind(types.boolean, kind, kind), make


@intrinsic
def _like(typing, x, value):
    """A number as one of the type of x."""

    def make(context, builder, sig, args):
        return context.cast(builder, args[1], sig.args[1], sig.return_type)

    return x(x, value), make


def compiled(**options):
    """A function of compiled code, compiled once for each dtype, whichever of its arguments are constants."""

    def decorate(function):
        def stub(*args):
            raise NotImplementedError  # called from compiled code only

        names = inspect.signature(function).parameters
        space = {"function": function}
        exec(f"def choose({', '.join(names)}):\n    return function", space)
        settings = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True} | OPTIONS | options
        stub.__name__, stub.__doc__ = function.__name__, function.__doc__
        overload(stub, jit_options=settings)(space["choose"])
        return stub

    return decorate


@compiled()
def remainder(a, b):
    """A modulo b, with the sign of b, as NumPy has it."""
    return a % b


# Functions along an axis: `step` elements lie between neighbours


@compiled(fastmath={"contract", "reassoc"})
def sum_along(p, step, n):
    """The sum of n elements, in whatever order is fast."""
    if n == 0:
        return zero(p)
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
def zero(typing, p):
    """A 0 of the type that p points to."""
    return p.dtype(p), lambda context, builder, sig, args: context.get_constant(sig.return_type, 0)


@compiled()
def _largest(p, step, n):
    most = p[0]
    for k in range(1, n):
        v = p[k * step]
        most = select((v > most) | (v != v), v, most)
    return most


@compiled()
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


@compiled()
def logsumexp(p, step, n):
    """Log of the sum of exp; the log of nothing, and infinities, as they are."""
    if n == 0:
        return -_like(zero(p), math.inf)
    most = _largest(p, step, n)
    if most - most != _like(most, 0.0):  # infinite, or NaN
        return most
    total = zero(p)
    for k in range(n):
        total += exp(p[k * step] - most)
    return most + math.log(total)


# Products


def _linked(name: str, *kinds: str):
    """A function of `products.py`, by the name under which its address is registered."""

    def typed(typing, *args):
        real = next(a.dtype for a in args if isinstance(a, Pointer))
        wanted = {"n": types.intp, "flag": types.boolean}
        given = [wanted.get(kind, a) for kind, a in zip(kinds, args, strict=True)]

        def make(context, builder, sig, args):
            # a truth value is passed as a byte, as a C compiler does
            whole = ir.IntType(8)
            values = [
                builder.zext(a, whole) if kind == "flag" else a for kind, a in zip(kinds, args, strict=True)
            ]
            function = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(ir.VoidType(), [v.type for v in values]),
                f"lstmcourse_{name}_{real}",
            )
            builder.call(function, values)
            return context.get_dummy_value()

        return types.none(*given), make

    names = ", ".join(f"a{k}" for k in range(len(kinds)))
    space = {"typed": typed}
    exec(f"def {name}(typing, {names}):\n    return typed(typing, {names})", space)
    return intrinsic(space[name])


product = _linked("product", "n", "n", "n", "p", "n", "n", "p", "n", "n", "p", "n", "flag")
copy_rows = _linked("copy_rows", "n", "n", "p", "n", "p", "n")
add_rows = _linked("add_rows", "n", "n", "p", "n", "p", "n")
zero_rows = _linked("zero_rows", "n", "n", "p", "n")
lay_tiles = _linked("lay_tiles", "n", "n", "p", "n", "n", "p")
tiled_product = _linked("tiled_product", "n", "n", "n", "p", "n", "n", "p", "p", "n", "flag")
