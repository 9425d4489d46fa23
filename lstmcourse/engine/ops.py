"""The primitives: one row each, with NumPy text, LaTeX text, shape rule and gradient rule side by side.

`OPS` is the table. Below it stand the functions that cells are written with (`affine`, `sigmoid`, `concat`,
...), each of which records one or a few rows; `operators.py` gives `Node` its arithmetic. A new primitive is a new row:
the printers, the backward pass and the parametrised gradient test take it from here.

In NumPy text, ``{0}`` is the first argument, ``{out}`` the storage of the result, other names the node's
settings. A gradient rule gets ``g`` (the gradient of the result), ``y`` (the node) and the arguments, and
returns one gradient for each argument, or None where there is none; sums over broadcast axes are added by
`autodiff.py`.
"""

from __future__ import annotations

import copyreg
import functools
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import Any

import numpy as np

from .. import checks
from ..errors import CellDefinitionError
from . import numeric, shapes
from .graph import Dim, Node, Op
from .lines import author_line
from .operands import check_conditions, check_numbers, check_ranks, eager, is_condition, reshaped
from .trace import current, record

__all__ = [
    "OPS", "constant", "cos", "dot", "exp", "expand", "identity", "log", "logsumexp",
    "matmul", "maximum", "minimum", "relu", "reshape", "sigmoid", "sin", "softmax",
    "softplus", "sqrt", "square", "stop_gradient", "sum", "swap", "tanh", "where",
]  # fmt: skip


# Gradient rules that take more than a line.


def _grad_slice(g, y, a):
    return (record(OPS["pad"], [g], {**y.attrs, "size": a.shape[y.attrs["axis"]]}),)


def _grad_concat(g, y, *parts):
    grads, start, axis = [], Dim(), y.attrs["axis"]
    for part in parts:
        stop = start + part.shape[axis]
        grads.append(_part(g, start, stop, axis))
        start = stop
    return tuple(grads)


def _grad_sum(g, y, a):
    return (spread(expand(g, y.attrs["axis"]), a),)


def _grad_softmax(g, y, a):
    axis = y.attrs["axis"]
    return (y * (g - expand(sum(g * y, axis), axis)),)


def _chosen(g, alone, equal):
    """All of a gradient, or half of it where two are equal: so the slope of max(a, -a) is 0 at 0."""
    return where(alone, g, where(equal, 0.5 * g, 0.0))


def _grad_dot(g, y, a, w):
    return dot(g, swap(w)), record(OPS["outer"], [a, g])


def _grad_affine(g, y, *args):
    products = [d for j in range(y.attrs["terms"]) for d in _grad_dot(g, y, *args[2 * j : 2 * j + 2])]
    return (*products, g)[: len(args)]


# fmt: off
_TABLE = [
    #  name         NumPy text                                  LaTeX text                shape       gradient                                       and more
    Op("add",      "np.add({0}, {1}, out={out})",              "{0} + {1}",              shapes.broadcast, lambda g, y, a, b: (g, g),                     precedence=10, inplace=(0, 1)),
    Op("sub",      "np.subtract({0}, {1}, out={out})",         "{0} - {1}",              shapes.broadcast, lambda g, y, a, b: (g, -g),                    precedence=10, inplace=(0, 1)),
    Op("mul",      "np.multiply({0}, {1}, out={out})",         r"{0} \odot {1}",         shapes.broadcast, lambda g, y, a, b: (g * b, g * a),             precedence=20, inplace=(0, 1)),
    Op("div",      "np.divide({0}, {1}, out={out})",           r"{0} / {1}",             shapes.broadcast, lambda g, y, a, b: (g / b, -(g * y) / b),      precedence=20, inplace=(0, 1)),
    Op("neg",      "np.negative({0}, out={out})",              "-{0}",                   shapes.same,      lambda g, y, a: (-g,),                         precedence=15, inplace=(0,)),
    Op("square",   "np.square({0}, out={out})",                "{0}^2",                  shapes.same,      lambda g, y, a: (2.0 * g * a,),                precedence=30, inplace=(0,)),
    Op("sqrt",     "np.sqrt({0}, out={out})",                  r"\sqrt{{{0}}}",          shapes.same,      lambda g, y, a: (g / (2.0 * y),),              inplace=(0,)),
    Op("exp",      "np.exp({0}, out={out})",                   r"\exp\left({0}\right)",             shapes.same,      lambda g, y, a: (g * y,),                      inplace=(0,)),
    Op("log",      "np.log({0}, out={out})",                   r"\log\left({0}\right)",             shapes.same,      lambda g, y, a: (g / a,),                      inplace=(0,)),
    Op("sin",      "np.sin({0}, out={out})",                   r"\sin\left({0}\right)",             shapes.same,      lambda g, y, a: (g * cos(a),),                 inplace=(0,)),
    Op("cos",      "np.cos({0}, out={out})",                   r"\cos\left({0}\right)",             shapes.same,      lambda g, y, a: (-(g * sin(a)),),              inplace=(0,)),
    Op("tanh",     "np.tanh({0}, out={out})",                  r"\tanh\left({0}\right)",            shapes.same,      lambda g, y, a: (g * (1.0 - y * y),),          inplace=(0,)),
    Op("sigmoid",  "sigmoid({0}, out={out})",                  r"\sigma\left({0}\right)",           shapes.same,      lambda g, y, a: (g * (y * (1.0 - y)),),        inplace=(0,)),
    Op("relu",     "relu({0}, out={out})",                     r"\mathrm{{relu}}\left({0}\right)",  shapes.same,      lambda g, y, a: (where(y > 0.0, g, 0.0),),     inplace=(0,)),
    Op("softplus", "softplus({0}, out={out})",                 r"\mathrm{{softplus}}\left({0}\right)", shapes.same,   lambda g, y, a: (g * sigmoid(a),),             inplace=(0,)),
    Op("maximum",  "np.maximum({0}, {1}, out={out})",          r"\max\left({0}, {1}\right)",        shapes.broadcast, lambda g, y, a, b: (_chosen(g, a > b, a == b), _chosen(g, b > a, a == b)), inplace=(0, 1)),
    Op("minimum",  "np.minimum({0}, {1}, out={out})",          r"\min\left({0}, {1}\right)",        shapes.broadcast, lambda g, y, a, b: (_chosen(g, a < b, a == b), _chosen(g, b < a, a == b)), inplace=(0, 1)),
    Op("where",    "select({0}, {1}, {2}, out={out})",         r"\mathrm{{where}}\left({0}, {1}, {2}\right)", shapes.broadcast, lambda g, y, c, a, b: (None, where(c, g, 0.0), where(c, 0.0, g)), inplace=(2,)),
    Op("stop",     "copy({0}, out={out})",                     r"\mathrm{{stop}}\left({0}\right)",  shapes.same,      lambda g, y, a: (None,)),
    Op("copy",     "copy({0}, out={out})",                     "{0}",                    shapes.same,      lambda g, y, a: (g,)),
    Op("mod",      "remainder({0}, {1}, out={out})",           r"{0} \bmod {1}",         shapes.broadcast, lambda g, y, a, b: (g, g * ((y - a) / b)),       precedence=20),
    Op("less",     "np.less({0}, {1}, out={out})",             "{0} < {1}",              shapes.broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("less_equal", "np.less_equal({0}, {1}, out={out})",     r"{0} \le {1}",           shapes.broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("greater",  "np.greater({0}, {1}, out={out})",          "{0} > {1}",              shapes.broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("greater_equal", "np.greater_equal({0}, {1}, out={out})", r"{0} \ge {1}",         shapes.broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("equal",    "np.equal({0}, {1}, out={out})",            "{0} = {1}",              shapes.broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("not_equal", "np.not_equal({0}, {1}, out={out})",       r"{0} \ne {1}",           shapes.broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("both",     "np.logical_and({0}, {1}, out={out})",      r"{0} \land {1}",         shapes.broadcast, lambda g, y, a, b: (None, None),               precedence=4, boolean=True),
    Op("either",   "np.logical_or({0}, {1}, out={out})",       r"{0} \lor {1}",          shapes.broadcast, lambda g, y, a, b: (None, None),               precedence=3, boolean=True),
    Op("opposite", "np.logical_not({0}, out={out})",           r"\lnot {0}",             shapes.same,      lambda g, y, a: (None,),                       precedence=4, boolean=True),
    # along a trailing axis
    Op("sum",      "np.sum({0}, axis={axis}, out={out})",      r"\textstyle\sum {0}",    shapes.drop,      _grad_sum,                                     kind="axis", precedence=15),
    Op("spread",   "spread({0}, {shape}, out={out})",          "{0}",                    lambda shapes, attrs: attrs["shape"], lambda g, y, a: (g,),      kind="axis"),
    Op("softmax",  "softmax({0}, axis={axis}, out={out})",     r"\mathrm{{softmax}}\left({0}\right)", shapes.along,   _grad_softmax,                                 kind="axis", inplace=(0,)),
    Op("logsumexp", "logsumexp({0}, axis={axis}, out={out})",  r"\log \textstyle\sum \exp({0})", shapes.drop, lambda g, y, a: (expand(g, y.attrs["axis"]) * softmax(a, y.attrs["axis"]),), kind="axis"),
    Op("concat",   "abreast(({args}), {axis})",                "[{args}]",               shapes.concat,    _grad_concat,                                  kind="axis"),
    Op("pad",      "pad({0}, {start}, {stop}, {size}, axis={axis}, out={out})", r"\mathrm{{pad}}\left({0}\right)", shapes.pad, lambda g, y, a: (_part(g, y.attrs["start"], y.attrs["stop"], y.attrs["axis"]),), kind="axis"),
    Op("reshape",  "reshape({0}, {rank}, {shape}, out={out})", r"\mathrm{{reshape}}\left({0}\right)", shapes.reshape, lambda g, y, a: (reshape(g, *a.shape),),       kind="axis"),
    # products
    Op("dot",      "dot({0}, {1}, out={out})",                 r"{0}\, {1}",             shapes.dot,       _grad_dot, kind="product", precedence=25),
    Op("matmul",   "np.matmul({0}, {1}, out={out})",           r"{0}\, {1}",             shapes.matmul,    lambda g, y, a, b: (matmul(g, swap(b)), matmul(swap(a), g)), kind="product", precedence=25),
    Op("affine",   "affine({args})",                           "",                       shapes.affine,    _grad_affine,                                  kind="product", precedence=10),
    # other names for the same storage
    Op("slice",    "{0}[..., {start}:{stop}{rest}]",           "{0}[{part}]",            shapes.slice,     _grad_slice,                                   kind="view"),
    Op("expand",   "np.expand_dims({0}, {axis})",              "{0}",                    shapes.insert,    lambda g, y, a: (sum(g, y.attrs["axis"]),),    kind="view"),
    Op("swap",     "np.swapaxes({0}, -1, -2)",                 r"{0}^\top",              shapes.swap,      lambda g, y, a: (swap(g),),                    kind="view", precedence=90),
    # sums over time and batch: gradients of what steps and sequences share
    Op("outer",    "outer({0}, {1}, out={out})",               r"\textstyle\sum {0}^\top {1}", shapes.outer, None,                                        kind="reduction"),
    Op("total",    "total({0}, {rank}, out={out})",            r"\textstyle\sum {0}",    shapes.total,     None,                                          kind="reduction"),
    Op("over_time", "np.sum({0}, axis=0, out={out})",          r"\textstyle\sum_t {0}",  shapes.same,      None,                                          kind="reduction"),
    # leaves: what a program is given
    *[Op(name, "", "", None, None, kind="leaf") for name in
      ("const", "param", "table", "static", "initial", "sequence", "noise", "clock", "valid", "prev", "saved", "carried", "grad")],
]
# fmt: on

OPS: dict[str, Op] = {op.name: op for op in _TABLE}


def _row(name: str) -> Op:
    return OPS[name]


copyreg.pickle(Op, lambda op: (_row, (op.name,)))  # rules have no names by which to find them again


def constant(value: Any) -> Node:
    """A constant in the graph: a number, a size, or an array without batch axis (for instance a row of periods)."""
    if isinstance(value, Node):
        return value
    if isinstance(value, Dim):
        return current().graph.add(OPS["const"], attrs={"value": value})
    array = np.array(checks.array("value", value, checks.ANY))
    if array.dtype.kind not in "bif":
        raise CellDefinitionError(
            f"{author_line()}: value {value!r} is neither a number nor an array of such"
        )
    value = array.item() if array.ndim == 0 else array
    return current().graph.add(
        OPS["const"], attrs={"value": value}, shape=tuple(Dim.of(n) for n in array.shape)
    )


def _lined_up(nodes: Sequence[Node]) -> list[Node]:
    """Give what varies with time, and not with the sequence, as many axes as the others: those for time and
    batch come before all of them, also where all steps are computed at once.
    """
    rank = max(len(a.shape) for a in nodes)
    found = []
    for a in nodes:
        while a.timed and not a.batched and len(a.shape) < rank:
            a = expand(a, -len(a.shape) - 1)
        found.append(a)
    return found


_SPACE = {"np": np, **vars(numeric)}


@functools.cache
def _function_of(name: str, count: int, rest: str) -> tuple[Callable, list[str]]:
    """The NumPy text of a row as a function of so many arguments and of settings, and what these are called."""
    text, args = OPS[name].numpy, [f"a{k}" for k in range(count)]
    fields = [field for _, field, _, _ in Formatter().parse(text) if field]
    settings = [f for f in fields if not f.isdigit() and f not in ("args", "out", "rest")]
    text = text.format(*args, args=", ".join(args) + ",", out="None", rest=rest, **{f: f for f in settings})
    return eval(f"lambda {', '.join([*args, *settings])}: {text}", _SPACE), settings


def compute(op: Op, args: Sequence[Any], attrs: Mapping[str, Any], sizes: Mapping[str, int] = {}) -> Any:
    """The value of one row of the table, by its NumPy text."""
    function, settings = _function_of(op.name, len(args), ", :" * (-attrs.get("axis", -1) - 1))
    return function(*args, *[_concrete(attrs[k], sizes) for k in settings])


def _concrete(setting: Any, sizes: Mapping[str, int]) -> Any:
    """A setting for sizes that are known."""
    if isinstance(setting, tuple):
        return tuple(d.value(sizes) for d in setting)
    return setting.value(sizes) if isinstance(setting, Dim) else setting


OF_NUMBERS = {
    "cos", "dot", "exp", "log", "logsumexp", "matmul", "mod", "relu", "sigmoid", "sin", "softmax", "softplus",
    "sqrt", "square", "tanh",
}  # fmt: skip
"""Of conditions NumPy computes these in half precision, in whole numbers, or not at all."""


def apply(name: str, *args: Any, **attrs: Any) -> Any:
    """Record one row of the table on nodes; on numbers and arrays alone, compute it."""
    op = OPS[name]
    if not any(isinstance(a, Node) for a in args):
        return eager(compute, op, args, attrs)
    nodes = [constant(a) for a in args]
    if "axis" in attrs and checks.whole("axis", attrs["axis"], -32, 31) >= 0:
        raise CellDefinitionError(
            f"{author_line()}: {name} along axis {attrs['axis']}: axes are counted from the right (-1 is the last), because "
            "those for time and batch come first"
        )
    if name in ("add", "sub", "neg") and all(map(is_condition, nodes)):
        raise CellDefinitionError(
            f"{author_line()}: {name} of conditions: write where(condition, 1.0, 0.0) for a number, or & | ~ to combine them"
        )
    if name in OF_NUMBERS:
        check_numbers(name, nodes)
    if op.kind == "elementwise" or name == "matmul":
        check_ranks(name, nodes)
        nodes = _lined_up(nodes)
    if name in ("where", "both", "either", "opposite"):
        check_conditions(name, nodes[:1] if name == "where" else nodes)
    return record(op, nodes, attrs)


def _function(name: str, text: str):
    def function(a):
        return apply(name, a)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{text}, element by element.

    On graph nodes it is recorded; on numbers and arrays it is computed.

    Parameters
    ----------
    a : Node or array_like

    Returns
    -------
    Node or ndarray
        Of the same shape.
    """
    return function


sigmoid = _function("sigmoid", "The logistic function 1 / (1 + exp(-a))")
tanh = _function("tanh", "The hyperbolic tangent")
relu = _function("relu", "The positive part, max(a, 0)")
exp = _function("exp", "The exponential")
log = _function("log", "The natural logarithm")
sqrt = _function("sqrt", "The square root")
square = _function("square", "The square")
sin = _function("sin", "The sine")
cos = _function("cos", "The cosine")
softplus = _function("softplus", "log(1 + exp(a))")
identity = _function("copy", "The same values under another name")
stop_gradient = _function("stop", "The same values, through which no gradient flows back")


def maximum(a: Any, b: Any) -> Any:
    """The larger of two, element by element; where they are equal each has half of the gradient."""
    return apply("maximum", a, b)


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two, element by element; where they are equal each has half of the gradient."""
    return apply("minimum", a, b)


def where(condition: Any, a: Any, b: Any) -> Any:
    """Choose a where the condition holds, else b: how a cell decides by value.

    Parameters
    ----------
    condition : Node or array_like
        A comparison, such as ``t % 4 == 0`` with the clock t.
    a, b : Node, number or array_like
        Broadcast against the condition.

    Notes
    -----
    Both are computed. What is not chosen has a gradient of 0 times its slope, which is NaN where the slope is
    infinite, as in PyTorch and JAX: write ``where(x > 0, log(where(x > 0, x, 1.0)), 0.0)``.

    Examples
    --------
    >>> where(np.array([True, False]), np.array([1., 2.]), 0.0)
    array([1., 0.])
    """
    return apply("where", condition, a, b)


def _part(a: Node, start: Dim, stop: Dim, axis: int = -1) -> Node:
    if start == Dim() and stop == a.shape[axis]:
        return a
    return apply("slice", a, start=start, stop=stop, axis=axis)


def expand(a: Any, axis: int = -1) -> Any:
    """Insert an axis of size 1, counted from the right: (B, N) becomes (B, 1, N) for axis -2."""
    return apply("expand", a, axis=axis)


def swap(a: Any) -> Any:
    """Exchange the last two axes."""
    return apply("swap", a)


def reshape(a: Node, *shape: int | str | Dim) -> Node:
    """Put the trailing axes in another shape, given by numbers or names of sizes."""
    if not isinstance(a, Node):
        return reshaped(a, shape)
    dims = tuple(current().size(s) for s in shape)
    return apply("reshape", a, shape=dims, rank=len(a.shape))


def sum(a: Any, axis: int = -1) -> Any:
    """Sum along a trailing axis, counted from the right.

    Examples
    --------
    >>> sum(np.array([[1., 2.], [3., 4.]]))
    array([3., 7.])
    """
    return apply("sum", a, axis=axis)


def spread(a: Node, like: Node) -> Node:
    """The values of a, repeated to the shape of another node."""
    return record(OPS["spread"], [a], {"shape": like.shape}, batched=like.batched, timed=like.timed)


def softmax(a: Any, axis: int = -1) -> Any:
    """exp(a) over its sum along a trailing axis: positive weights that sum to 1.

    Examples
    --------
    >>> softmax(np.zeros(4))
    array([0.25, 0.25, 0.25, 0.25])
    """
    return apply("softmax", a, axis=axis)


def logsumexp(a: Any, axis: int = -1) -> Any:
    """Log of the sum of exp(a) along a trailing axis."""
    return apply("logsumexp", a, axis=axis)


def dot(a: Any, w: Any) -> Any:
    """Rows times a matrix that all sequences share: (B, n) by (n, m) is (B, m); also written ``a @ w``."""
    if isinstance(w, Node) and w.batched:
        raise CellDefinitionError(
            f"{author_line()}: the matrix of a product is shared by all sequences; {w!r} is not (matmul)"
        )
    return apply("dot", a, w)


def matmul(a: Any, b: Any) -> Any:
    """A product of two matrices for each sequence: (B, n, k) by (B, k, m) is (B, n, m)."""
    return apply("matmul", a, b)
