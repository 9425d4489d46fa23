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
from numba.core.compiler import CompilerBase, DefaultPassBuilder
from numba.core.datamodel import models
from numba.core.typed_passes import NopythonRewrites
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.core.untyped_passes import GenericRewrites, InlineClosureLikes
from numba.extending import (
    intrinsic,
    lower_builtin,
    overload,
    register_model,
)

from .formulas import exp, maximum, minimum, relu, sigmoid, softplus, tanh

__all__ = [
    "OPTIONS",
    "add_rows",
    "begun_product",
    "copy_rows",
    "exp",
    "lay_tiles",
    "logsumexp",
    "loose",
    "maximum",
    "minimum",
    "plus",
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


class Direct(CompilerBase):
    """Numba's compiler without what only looks for things that programs have none of."""

    LEFT_OUT = (InlineClosureLikes, GenericRewrites, NopythonRewrites)

    def define_pipelines(self):
        """One pipeline: the usual one without those passes."""
        passes = DefaultPassBuilder.define_nopython_pipeline(self.state)
        passes.passes = [p for p in passes.passes if p[0] not in self.LEFT_OUT]
        passes.finalize()
        return [passes]


CALLED = {"error_model": "numpy", "fastmath": {"contract"}, "pipeline_class": Direct}
OPTIONS = CALLED | {"nogil": True}
PLAIN = {k: v for k, v in OPTIONS.items() if k != "pipeline_class"}
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
        address = builder.load(builder.gep(_data(context, builder, sig.args[0], args[0]), [args[1]]))
        return builder.inttoptr(address, context.get_value_type(sig.return_type))

    return kind(at, types.intp, dtype, scope, of), make


def _data(context, builder, kind, value):
    """Where the elements of an array lie, or of what is a pointer already."""
    if isinstance(kind, types.CPointer):
        return value
    return cgutils.create_struct_proxy(kind)(context, builder, value).data


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


@intrinsic
def select(typing, condition, a, b):
    """The one or the other number, both being computed: a choice without a branch."""
    kind = a if a == b else typing.unify_types(a, b)

    def make(context, builder, sig, args):
        return builder.select(args[0], args[1], args[2])

    return kind(types.boolean, kind, kind), make


@intrinsic
def plus(typing, a, b):
    """What is added to a sum, whose order the compiler may choose."""

    def make(context, builder, sig, args):
        return builder.fadd(*args, flags=("contract", "reassoc"))

    return a(a, a), make


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
        settings = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True} | PLAIN | options
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
begun_product = _linked("begun_product", *"nnnpnnpnnpnpn")
copy_rows = _linked("copy_rows", "n", "n", "p", "n", "p", "n")
add_rows = _linked("add_rows", "n", "n", "p", "n", "p", "n")
zero_rows = _linked("zero_rows", "n", "n", "p", "n")
lay_tiles = _linked("lay_tiles", "n", "n", "p", "n", "n", "p")
tiled_product = _linked("tiled_product", "n", "n", "n", "p", "n", "n", "p", "p", "n", "flag")
