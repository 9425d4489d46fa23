"""Functions of numbers, as formulas.

They are emitted where they are called, without type inference: that takes a tenth of the time of compiling
them as functions. They have no branches and no tables, so they are computed for eight numbers at once.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

__all__ = ["exp", "maximum", "minimum", "relu", "sigmoid", "softplus", "tanh"]


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
