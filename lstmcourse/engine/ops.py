"""The primitives: one row each, with NumPy text, LaTeX text, shape rule and gradient rule side by side.

`OPS` is the table. Below it stand the functions that cells are written with (`affine`, `sigmoid`, `concat`,
...), each of which records one or a few rows, and the operators of `Node`. A new primitive is a new row:
the printers, the backward pass and the parametrised gradient test take it from here.

In NumPy text, ``{0}`` is the first argument, ``{out}`` the storage of the result, other names the node's
settings. A gradient rule gets ``g`` (the gradient of the result), ``y`` (the node) and the arguments, and
returns one gradient for each argument, or None where there is none; sums over broadcast axes are added by
`autodiff.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import CellDefinitionError, ShapeError
from . import numeric as runtime
from .graph import Dim, Node, Op, author_line, current, record, word

__all__ = [
    "OPS",
    "affine",
    "concat",
    "constant",
    "cos",
    "dot",
    "exp",
    "expand",
    "identity",
    "log",
    "logsumexp",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "param",
    "peephole",
    "relu",
    "reshape",
    "sigmoid",
    "sin",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "square",
    "stop_gradient",
    "sum",
    "swap",
    "table",
    "tanh",
    "where",
]


# Shape rules: from the trailing shapes of the arguments and the settings to the trailing shape of the result.


def _join(a: Dim, b: Dim) -> Dim:
    """The size of an axis where two arrays meet: equal, or one of them 1. Names may turn out equal later."""
    one = Dim.of(1)
    if a == b or b == one:
        return a
    if a == one:
        return b
    if not a.terms and not b.terms:
        raise ShapeError(f"sizes {a} and {b} do not fit")
    return a if a.terms else b


def _broadcast(shapes, _attrs):
    rank = max(len(s) for s in shapes)
    out = [Dim.of(1)] * rank
    for s in shapes:
        for k in range(1, len(s) + 1):
            out[-k] = _join(out[-k], s[-k])
    return tuple(out)


def _same(shapes, _attrs):
    return shapes[0]


def _along(shapes, attrs):
    _need(shapes[0], -attrs["axis"], f"axis {attrs['axis']}")
    return shapes[0]


def _need(shapes, rank, what):
    if len(shapes) < rank:
        raise ShapeError(
            f"{what} needs at least {rank} axes beside time and batch, and was given {len(shapes)}"
        )


def _match(a: Dim, b: Dim, what: str):
    if a != b and not a.terms and not b.terms:
        raise ShapeError(f"{what}: {a} against {b}")


def _dot(shapes, _attrs):
    a, w = shapes
    _need(a, 1, "the left side of a product")
    if len(w) != 2:
        raise ShapeError(f"the right side of a product is a matrix (n, m), and was given {len(w)} axes")
    _match(a[-1], w[0], "columns of the left side and rows of the matrix differ")
    return (*a[:-1], w[1])


def _matmul(shapes, _attrs):
    a, b = shapes
    _need(a, 2, "matmul")
    _need(b, 2, "matmul")
    _match(a[-1], b[-2], "columns of the left side and rows of the right side differ")
    return (*_broadcast([a[:-2], b[:-2]], {}), a[-2], b[-1])


def _drop(shapes, attrs):
    (a,) = shapes
    _need(a, -attrs["axis"], f"axis {attrs['axis']}")
    at = len(a) + attrs["axis"]
    return a[:at] + a[at + 1 :]


def _insert(shapes, attrs):
    (a,) = shapes
    at = len(a) + 1 + attrs["axis"]
    if at < 0:
        raise ShapeError(f"axis {attrs['axis']} does not exist in a result of {len(a) + 1} axes")
    return (*a[:at], Dim.of(1), *a[at:])


def _concat(shapes, attrs):
    axis = attrs["axis"]
    for s in shapes:
        _need(s, -axis, f"axis {axis}")
    length = shapes[0][axis]
    for s in shapes[1:]:
        length = length + s[axis]
        for j in range(1, len(s) + 1):
            if j != -axis:
                _match(s[-j], shapes[0][-j], "the other axes of the parts differ")
    at = len(shapes[0]) + axis
    return (*shapes[0][:at], length, *shapes[0][at + 1 :])


def _slice(shapes, attrs):
    (a,) = shapes
    _need(a, -attrs["axis"], f"axis {attrs['axis']}")
    at = len(a) + attrs["axis"]
    length = attrs["stop"] + attrs["start"] * -1
    whole = attrs.get("whole", a[at])
    if not a[at].terms and not whole.terms and whole != a[at]:
        raise ShapeError(
            f"the parts of split add up to {whole}, and the axis that they divide has {a[at]}; give sizes that add up"
        )
    if not a[at].terms and not attrs["stop"].terms and attrs["stop"].constant > a[at].constant:
        raise ShapeError(f"a part that ends at {attrs['stop']} of an axis of {a[at]}")
    return (*a[:at], length, *a[at + 1 :])


def _pad(shapes, attrs):
    (a,) = shapes
    at = len(a) + attrs["axis"]
    return (*a[:at], attrs["size"], *a[at + 1 :])


def _swap(shapes, _attrs):
    (a,) = shapes
    _need(a, 2, "swap")
    return (*a[:-2], a[-1], a[-2])


def _reshape(shapes, attrs):
    (a,) = shapes
    before, after = 1, 1
    for d in a:
        before *= d.constant
    for d in attrs["shape"]:
        after *= d.constant
    if not any(d.terms for d in (*a, *attrs["shape"])) and before != after:
        raise ShapeError(
            f"{' x '.join(map(str, a))} elements do not fill the shape ({', '.join(map(str, attrs['shape']))})"
        )
    return attrs["shape"]


def _outer(shapes, _attrs):
    a, b = shapes
    return (a[-1], b[-1])


def _total(shapes, attrs):
    (a,) = shapes
    return a[len(a) - attrs["rank"] :]


def _affine(shapes, attrs):
    out = None
    for a, w in zip(shapes[0 : 2 * attrs["terms"] : 2], shapes[1 : 2 * attrs["terms"] : 2], strict=True):
        here = _dot([a, w], {})
        out = here if out is None else _broadcast([out, here], {})
    return out if out is not None else shapes[-1]


def _given(_shapes, _attrs):  # pragma: no cover - leaves bring their shape
    raise AssertionError("a leaf's shape is given, not worked out")


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
    Op("add",      "np.add({0}, {1}, out={out})",              "{0} + {1}",              _broadcast, lambda g, y, a, b: (g, g),                     precedence=10, inplace=(0, 1)),
    Op("sub",      "np.subtract({0}, {1}, out={out})",         "{0} - {1}",              _broadcast, lambda g, y, a, b: (g, -g),                    precedence=10, inplace=(0, 1)),
    Op("mul",      "np.multiply({0}, {1}, out={out})",         r"{0} \odot {1}",         _broadcast, lambda g, y, a, b: (g * b, g * a),             precedence=20, inplace=(0, 1)),
    Op("div",      "np.divide({0}, {1}, out={out})",           r"{0} / {1}",             _broadcast, lambda g, y, a, b: (g / b, -(g * y) / b),      precedence=20, inplace=(0, 1)),
    Op("neg",      "np.negative({0}, out={out})",              "-{0}",                   _same,      lambda g, y, a: (-g,),                         precedence=15, inplace=(0,)),
    Op("square",   "np.square({0}, out={out})",                "{0}^2",                  _same,      lambda g, y, a: (2.0 * g * a,),                precedence=30, inplace=(0,)),
    Op("sqrt",     "np.sqrt({0}, out={out})",                  r"\sqrt{{{0}}}",          _same,      lambda g, y, a: (g / (2.0 * y),),              inplace=(0,)),
    Op("exp",      "np.exp({0}, out={out})",                   r"\exp\left({0}\right)",             _same,      lambda g, y, a: (g * y,),                      inplace=(0,)),
    Op("log",      "np.log({0}, out={out})",                   r"\log\left({0}\right)",             _same,      lambda g, y, a: (g / a,),                      inplace=(0,)),
    Op("sin",      "np.sin({0}, out={out})",                   r"\sin\left({0}\right)",             _same,      lambda g, y, a: (g * cos(a),),                 inplace=(0,)),
    Op("cos",      "np.cos({0}, out={out})",                   r"\cos\left({0}\right)",             _same,      lambda g, y, a: (-(g * sin(a)),),              inplace=(0,)),
    Op("tanh",     "np.tanh({0}, out={out})",                  r"\tanh\left({0}\right)",            _same,      lambda g, y, a: (g * (1.0 - y * y),),          inplace=(0,)),
    Op("sigmoid",  "sigmoid({0}, out={out})",                  r"\sigma\left({0}\right)",           _same,      lambda g, y, a: (g * (y * (1.0 - y)),),        inplace=(0,)),
    Op("relu",     "relu({0}, out={out})",                     r"\mathrm{{relu}}\left({0}\right)",  _same,      lambda g, y, a: (where(y > 0.0, g, 0.0),),     inplace=(0,)),
    Op("softplus", "softplus({0}, out={out})",                 r"\mathrm{{softplus}}\left({0}\right)", _same,   lambda g, y, a: (g * sigmoid(a),),             inplace=(0,)),
    Op("maximum",  "np.maximum({0}, {1}, out={out})",          r"\max\left({0}, {1}\right)",        _broadcast, lambda g, y, a, b: (_chosen(g, a > b, a == b), _chosen(g, b > a, a == b)), inplace=(0, 1)),
    Op("minimum",  "np.minimum({0}, {1}, out={out})",          r"\min\left({0}, {1}\right)",        _broadcast, lambda g, y, a, b: (_chosen(g, a < b, a == b), _chosen(g, b < a, a == b)), inplace=(0, 1)),
    Op("where",    "select({0}, {1}, {2}, out={out})",         r"\mathrm{{where}}\left({0}, {1}, {2}\right)", _broadcast, lambda g, y, c, a, b: (None, where(c, g, 0.0), where(c, 0.0, g)), inplace=(2,)),
    Op("stop",     "copy({0}, out={out})",                     r"\mathrm{{stop}}\left({0}\right)",  _same,      lambda g, y, a: (None,)),
    Op("copy",     "copy({0}, out={out})",                     "{0}",                    _same,      lambda g, y, a: (g,)),
    Op("mod",      "remainder({0}, {1}, out={out})",           r"{0} \bmod {1}",         _broadcast, lambda g, y, a, b: (g, g * ((y - a) / b)),       precedence=20),
    Op("less",     "np.less({0}, {1}, out={out})",             "{0} < {1}",              _broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("less_equal", "np.less_equal({0}, {1}, out={out})",     r"{0} \le {1}",           _broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("greater",  "np.greater({0}, {1}, out={out})",          "{0} > {1}",              _broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("greater_equal", "np.greater_equal({0}, {1}, out={out})", r"{0} \ge {1}",         _broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("equal",    "np.equal({0}, {1}, out={out})",            "{0} = {1}",              _broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("not_equal", "np.not_equal({0}, {1}, out={out})",       r"{0} \ne {1}",           _broadcast, lambda g, y, a, b: (None, None),               precedence=5, boolean=True),
    Op("both",     "np.logical_and({0}, {1}, out={out})",      r"{0} \land {1}",         _broadcast, lambda g, y, a, b: (None, None),               precedence=4, boolean=True),
    Op("either",   "np.logical_or({0}, {1}, out={out})",       r"{0} \lor {1}",          _broadcast, lambda g, y, a, b: (None, None),               precedence=3, boolean=True),
    Op("opposite", "np.logical_not({0}, out={out})",           r"\lnot {0}",             _same,      lambda g, y, a: (None,),                       precedence=4, boolean=True),
    # along a trailing axis
    Op("sum",      "np.sum({0}, axis={axis}, out={out})",      r"\textstyle\sum {0}",    _drop,      _grad_sum,                                     kind="axis", precedence=15),
    Op("spread",   "spread({0}, {shape}, out={out})",          "{0}",                    lambda shapes, attrs: attrs["shape"], lambda g, y, a: (g,),      kind="axis"),
    Op("softmax",  "softmax({0}, axis={axis}, out={out})",     r"\mathrm{{softmax}}\left({0}\right)", _along,   _grad_softmax,                                 kind="axis", inplace=(0,)),
    Op("logsumexp", "logsumexp({0}, axis={axis}, out={out})",  r"\log \textstyle\sum \exp({0})", _drop, lambda g, y, a: (expand(g, y.attrs["axis"]) * softmax(a, y.attrs["axis"]),), kind="axis"),
    Op("concat",   "abreast(({args}), {axis})",                "[{args}]",               _concat,    _grad_concat,                                  kind="axis"),
    Op("pad",      "pad({0}, {start}, {stop}, {size}, axis={axis}, out={out})", r"\mathrm{{pad}}\left({0}\right)", _pad, lambda g, y, a: (_part(g, y.attrs["start"], y.attrs["stop"], y.attrs["axis"]),), kind="axis"),
    Op("reshape",  "reshape({0}, {rank}, {shape}, out={out})", r"\mathrm{{reshape}}\left({0}\right)", _reshape, lambda g, y, a: (reshape(g, *a.shape),),       kind="axis"),
    # products
    Op("dot",      "dot({0}, {1}, out={out})",                 r"{0}\, {1}",             _dot,       _grad_dot, kind="product", precedence=25),
    Op("matmul",   "np.matmul({0}, {1}, out={out})",           r"{0}\, {1}",             _matmul,    lambda g, y, a, b: (matmul(g, swap(b)), matmul(swap(a), g)), kind="product", precedence=25),
    Op("affine",   "affine({args})",                           "",                       _affine,    _grad_affine,                                  kind="product", precedence=10),
    # other names for the same storage
    Op("slice",    "{0}[..., {start}:{stop}{rest}]",           "{0}[{part}]",            _slice,     _grad_slice,                                   kind="view"),
    Op("expand",   "np.expand_dims({0}, {axis})",              "{0}",                    _insert,    lambda g, y, a: (sum(g, y.attrs["axis"]),),    kind="view"),
    Op("swap",     "np.swapaxes({0}, -1, -2)",                 r"{0}^\top",              _swap,      lambda g, y, a: (swap(g),),                    kind="view", precedence=90),
    # sums over time and batch: gradients of what steps and sequences share
    Op("outer",    "outer({0}, {1}, out={out})",               r"\textstyle\sum {0}^\top {1}", _outer, None,                                        kind="reduction"),
    Op("total",    "total({0}, {rank}, out={out})",            r"\textstyle\sum {0}",    _total,     None,                                          kind="reduction"),
    Op("over_time", "np.sum({0}, axis=0, out={out})",          r"\textstyle\sum_t {0}",  _same,      None,                                          kind="reduction"),
    # leaves: what a program is given
    *[Op(name, "", "", _given, None, kind="leaf") for name in
      ("const", "param", "table", "static", "initial", "sequence", "noise", "clock", "valid", "prev", "saved", "carried", "grad")],
]
# fmt: on

OPS: dict[str, Op] = {op.name: op for op in _TABLE}

Number = int | float | complex | bool


def constant(value: Any) -> Node:
    """A constant in the graph: a number, a size, or an array without batch axis (for instance a row of periods)."""
    if isinstance(value, Node):
        return value
    if isinstance(value, Dim):
        return current().graph.add(OPS["const"], attrs={"value": value})
    array = np.array(value)
    if array.dtype.kind not in "bif":
        raise CellDefinitionError(f"{author_line()}: {value!r} is neither a number nor an array of numbers")
    value = array.item() if array.ndim == 0 else array
    return current().graph.add(
        OPS["const"], attrs={"value": value}, shape=tuple(Dim.of(n) for n in array.shape)
    )


def _check_ranks(name: str, args: Sequence[Node]) -> None:
    """Operands with a batch axis have the same number of further axes, so that none meets the batch by accident."""
    ranks = {len(a.shape) for a in args if a.batched}
    loose = [len(a.shape) for a in args if not a.batched]
    if len(ranks) > 1 or (ranks and loose and max(loose) > min(ranks)):
        raise CellDefinitionError(
            f"{author_line()}: {name} of {' and '.join(map(repr, args))}: operands that differ for each sequence must have "
            "the same number of axes beside time and batch, and shared ones no more than that; use expand(a, axis) to "
            "line them up"
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


def _check_conditions(name: str, nodes: Sequence[Node]) -> None:
    """What decides is a comparison, not a number."""
    for node in nodes:
        if not is_condition(node):
            raise CellDefinitionError(
                f"{author_line()}: {name} was given {node!r} as a condition; a condition is a comparison, such as "
                "h > 0.0 or t % 4 == 0"
            )


def is_condition(node: Node) -> bool:
    """Whether a node's values are true and false: a comparison, or what only hands comparisons on."""
    if node.op.boolean or node.op.name == "valid":
        return True
    if "of" in node.attrs and node.op.name in ("saved", "clock"):
        return is_condition(node.attrs["of"])
    if node.op.name == "const":
        return np.asarray(node.attrs["value"]).dtype == bool
    chosen = node.args[1:] if node.op.name == "where" else node.args
    hands_on = ("copy", "stop", "where", "spread", "reshape", "concat")
    return (node.op.kind == "view" or node.op.name in hands_on) and all(is_condition(a) for a in chosen)


_code = functools.cache(lambda text: compile(text, "<primitive>", "eval"))
_SPACE = {"np": np, **vars(runtime)}


def compute(op: Op, args: Sequence[Any], attrs: Mapping[str, Any], sizes: Mapping[str, int] = {}) -> Any:
    """The value of one row of the table, by its NumPy text."""
    names = [f"a{k}" for k in range(len(args))]
    shown = {k: v.value(sizes) if isinstance(v, Dim) else v for k, v in attrs.items()}
    shown |= {k: tuple(d.value(sizes) for d in v) for k, v in attrs.items() if isinstance(v, tuple)}
    shown["rest"] = ", :" * (-attrs.get("axis", -1) - 1)
    text = op.numpy.format(*names, out="None", args=", ".join(names) + ",", **shown)
    return eval(_code(text), _SPACE, dict(zip(names, args, strict=True)))


def _eager(op: Op, args: Sequence[Any], attrs: dict) -> Any:
    """The value itself, when a function is called on numbers or arrays outside a cell."""
    arrays = [np.asarray(a) for a in args]
    arrays = [a.astype(float) if a.dtype.kind in "iu" else a for a in arrays]
    number = all(a.ndim == 0 for a in arrays)
    value = compute(op, [a.reshape(1) if number else a for a in arrays], attrs)
    return value[0] if number else value


def apply(name: str, *args: Any, **attrs: Any) -> Any:
    """Record one row of the table on nodes; on numbers and arrays alone, compute it."""
    op = OPS[name]
    if not any(isinstance(a, Node) for a in args):
        return _eager(op, args, attrs)
    nodes = [constant(a) for a in args]
    if attrs.get("axis", -1) >= 0:
        raise CellDefinitionError(
            f"{author_line()}: {name} along axis {attrs['axis']}: axes are counted from the right (-1 is the last), because "
            "those for time and batch come first"
        )
    if name in ("add", "sub", "neg") and all(map(is_condition, nodes)):
        raise CellDefinitionError(
            f"{author_line()}: {name} of conditions: write where(condition, 1.0, 0.0) for a number, or & | ~ to combine them"
        )
    if op.kind == "elementwise" or name == "matmul":
        _check_ranks(name, nodes)
        nodes = _lined_up(nodes)
    if name in ("where", "both", "either", "opposite"):
        _check_conditions(name, nodes[:1] if name == "where" else nodes)
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


def concat(*parts: Any, axis: int = -1) -> Any:
    """Lay parts side by side along a trailing axis.

    Examples
    --------
    >>> concat(np.ones(2), np.zeros(1))
    array([1., 1., 0.])
    """
    if not any(isinstance(p, Node) for p in parts):
        return np.concatenate(parts, axis=axis)
    ranks = {len(p.shape) for p in parts if isinstance(p, Node)}
    if len(ranks) > 1 or len({p.batched for p in parts}) > 1 or axis >= 0:
        raise CellDefinitionError(
            f"{author_line()}: concat of {', '.join(map(repr, parts))} along axis {axis}: the parts need the same axes, and the "
            "axis is counted from the right (-1 is the last)"
        )
    return apply("concat", *parts, axis=axis)


def _part(a: Node, start: Dim, stop: Dim, axis: int = -1) -> Node:
    if start == Dim() and stop == a.shape[axis]:
        return a
    return apply("slice", a, start=start, stop=stop, axis=axis)


def split(a: Node, *sizes: int | str, axis: int = -1) -> tuple[Node, ...]:
    """Divide a along a trailing axis: ``split(a, 3)`` in three equal parts, ``split(a, "H", "K")`` by size."""
    if not isinstance(a, Node):
        at = int(sizes[0]) if len(sizes) == 1 else np.cumsum([int(s) for s in sizes])[:-1]
        length = np.shape(a)[axis]
        if len(sizes) > 1 and np.sum([int(s) for s in sizes]) != length:
            raise ShapeError(
                f"split: the parts {sizes} add up to {np.sum([int(s) for s in sizes])}, and the axis that they divide "
                f"has {length}; give sizes that add up"
            )
        return tuple(np.split(np.asarray(a), at, axis=axis))
    whole = a.shape[axis]
    if len(sizes) == 1 and isinstance(sizes[0], int):
        lengths = [whole.parts(sizes[0])] * sizes[0]
    else:
        lengths = [current().size(s) for s in sizes]
    total = Dim()
    for length in lengths:
        total = total + length
    more = {} if total == whole else {"whole": total}  # names may turn out to add up, which sizes will show
    parts, start = [], Dim()
    for length in lengths:
        stop = start + length
        here = start == Dim() and stop == whole and not more
        parts.append(a if here else apply("slice", a, start=start, stop=stop, axis=axis, **more))
        start = stop
    return tuple(parts)


def expand(a: Any, axis: int = -1) -> Any:
    """Insert an axis of size 1, counted from the right: (B, N) becomes (B, 1, N) for axis -2."""
    return apply("expand", a, axis=axis)


def swap(a: Any) -> Any:
    """Exchange the last two axes."""
    return apply("swap", a)


def reshape(a: Node, *shape: int | str | Dim) -> Node:
    """Put the trailing axes in another shape, given by numbers or names of sizes."""
    if not isinstance(a, Node):
        return np.reshape(a, shape)
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


def mean(a: Any, axis: int = -1) -> Any:
    """Average along a trailing axis, counted from the right."""
    if not isinstance(a, Node):
        return np.mean(a, axis=axis)
    return sum(a, axis) / constant(a.shape[axis])


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


# Parameters

# How a parameter starts unless the cell says otherwise. Input weights: Glorot & Bengio (AISTATS 2010); recurrent
# weights: orthogonal, Saxe, McClelland & Ganguli (ICLR 2014); biases: zero.
INITIAL = {"W": "glorot", "U": "orthogonal", "V": "glorot", "b": "zeros", "p": "zeros"}


def table(name: str, function: Callable[..., Any], *shape: int | str | Dim) -> Node:
    """Numbers that are the same at every step and for every sequence, and follow from the sizes alone.

    Parameters
    ----------
    name : str
        What equations call it, such as ``"T"`` for a row of periods.
    function : callable
        Gives the array: it is called with the value of each size in `shape`.
    shape : int or str
        Names of sizes (``"H"``) or numbers.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> @lc.cell
    ... def leaky(x, h):
    ...     rate = lc.table("k", lambda H: 1.0 / (1.0 + np.arange(H)), "H")
    ...     h = h + rate * (lc.affine("h", W=x) - h)
    ...     return h
    >>> params = {"W_h": np.ones((1, 3)), "b_h": np.zeros(3)}
    >>> lc.unroll(leaky, params, np.ones((1, 1, 1)))["h"][0, 0]
    array([1.        , 0.5       , 0.33333333])
    """
    scope = current()
    scope.watch()
    if not callable(function):
        raise CellDefinitionError(
            f"{author_line()}: table {name!r} is given {function!r}; it takes a function of its sizes, "
            "such as lambda H: np.arange(H)"
        )
    word("a table", name)
    known = next((n for n in scope.graph.leaves("table") if n.name == scope.full(name)), None)
    if known is not None:
        raise CellDefinitionError(
            f"{author_line()}: there is a table {name!r} already ({known.line}); use that, or give this one another name"
        )
    dims = tuple(scope.size(s) for s in shape)
    return scope.graph.add(
        OPS["table"], attrs={"function": function}, shape=dims, name=scope.full(name), line=author_line()
    )


def table_values(node: Node, sizes: Mapping[str, int]) -> np.ndarray:
    """The numbers of a `table`, in float64, once the sizes are known; ShapeError where its function gives others."""
    shape = tuple(d.value(sizes) for d in node.shape)
    values = np.asarray(node.attrs["function"](*shape), float)
    if values.shape != shape:
        raise ShapeError(
            f"{node.line}: the function of table {node.name!r} gave shape {values.shape}; declared is {shape}"
        )
    return values


def param(
    name: str, *shape: int | str | Dim, init: Any = None, free: Node | None = None, fixed: bool = False
) -> Node:
    """A parameter of the cell, by name and shape (names of sizes, or numbers).

    Parameters
    ----------
    name : str
        Such as ``"W_f"``. Asking twice for one name gives one parameter, if the shapes agree.
    shape : int or str
        Names of sizes (``"H"``) or numbers.
    init : str, float or tuple, optional
        ``"glorot"``, ``"orthogonal"``, ``"zeros"``, ``"identity"``, ``("normal", std)``, ``("uniform",
        bound)``, ``"signs"`` (1 or -1, over the root of the number of rows) or a number. By default after the first
        letter: W glorot, U orthogonal, b and p zeros.
    free : Node, optional
        A `table` of ones and zeros: where it is 0 the element is no parameter but 0, whatever the array holds. What
        comes back is the product, and only ones are counted.
    fixed : bool
        Stored with the parameters and drawn like them, but neither trained (its gradient is 0) nor counted.
    """
    scope = current()
    scope.watch()
    full = scope.full(word("a parameter", name))
    dims = tuple(scope.size(s) for s in shape)
    if free is not None and (not isinstance(free, Node) or free.op.name != "table" or free.shape != dims):
        raise CellDefinitionError(
            f"{author_line()}: parameter {name!r} of shape ({', '.join(map(str, dims))}) has free={free!r}; it is a table "
            "of ones and zeros of the same shape"
        )
    known = next((n for n in scope.graph.params if n.name == full), None)
    if known is not None and (
        known.attrs.get("free") is not free or known.attrs.get("fixed", False) != fixed
    ):
        raise CellDefinitionError(
            f"{author_line()}: parameter {name!r} is there already ({known.line}), and free= and fixed= are not the "
            "same; give one of them another name"
        )
    if known is not None and known.shape != dims:
        raise CellDefinitionError(
            f"{author_line()}: parameter {name!r} has shape ({', '.join(map(str, known.shape))}) already ({known.line}), "
            f"and is asked for with ({', '.join(map(str, dims))}); give one of them another name"
        )
    if known is None:
        init = INITIAL.get(name[0], "glorot" if len(dims) > 1 else "zeros") if init is None else init
        attrs = {"init": init, "free": free, "fixed": fixed}
        attrs = {k: v for k, v in attrs.items() if v is not None and v is not False}
        known = scope.graph.add(OPS["param"], attrs=attrs, shape=dims, name=full, line=author_line())
    node = known if free is None else known * free
    return stop_gradient(node) if fixed else node


def affine(
    label: str,
    h: Node | None = None,
    x: Node | None = None,
    *,
    size="H",
    bias: bool | float = True,
    **operands: Node | None,
):
    """A learned layer before its squashing: ``x W + h U + b``, on rows.

    ``affine("f", h, x)`` makes the parameters U_f, W_f and b_f. Other operands go by keyword, which is the
    letter of their matrix: ``affine("f", U=h, W=x, V=c)``. An operand that is None (a cell without input)
    is left out.

    Parameters
    ----------
    label : str
        What the layer is called: the end of its parameters' names.
    h, x : Node, optional
        Operands of U and W, (B, n) or with more axes.
    size : int or str
        The number of columns, by default the hidden size H.
    bias : bool or float
        Whether b is added; a number is what it starts at.
    """
    scope = current()
    word("a layer", label)
    given = {"W": x, "U": h} | operands if (h is not None or x is not None) else dict(operands)
    given = {letter: a for letter, a in given.items() if a is not None}
    if label in scope.layers:
        raise CellDefinitionError(
            f"{author_line()}: the layer {label!r} exists already ({scope.layers[label]}); two layers with one label would "
            "share their weights unseen. Use another label, or param(...) and @ to share on purpose"
        )
    scope.layers[label] = author_line()
    args = []
    for letter, a in given.items():
        if not isinstance(a, Node):
            raise CellDefinitionError(
                f"{author_line()}: affine({label!r}): operand {letter} is {a!r}, not a value of the cell"
            )
        if not a.shape:
            raise CellDefinitionError(
                f"{author_line()}: affine({label!r}): operand {letter}, {a!r}, has no axis to multiply"
            )
        args += [a, param(f"{letter}_{label}", a.shape[-1], size)]
    if bias is not False:
        args.append(param(f"b_{label}", size, init=None if bias is True else float(bias)))
    if not args:
        raise CellDefinitionError(f"{author_line()}: affine({label!r}) has neither operands nor a bias")
    return record(OPS["affine"], args, {"terms": len(given), "label": label})


def peephole(label: str, c: Node) -> Node:
    """A diagonal connection from the cell state into a gate: p_f times c, element by element (Gers & Schmidhuber 2000)."""
    return param(f"p_{label}", c.shape[-1]) * c


_OPERATORS = {  # what NumPy does for `array + node`, where the array comes first
    np.add: "add", np.subtract: "sub", np.multiply: "mul", np.true_divide: "div", np.remainder: "mod",
    np.less: "less", np.less_equal: "less_equal", np.greater: "greater", np.greater_equal: "greater_equal",
    np.equal: "equal", np.not_equal: "not_equal", np.bitwise_and: "both", np.bitwise_or: "either",
}  # fmt: skip


def _array_ufunc(self, ufunc, method, *inputs, **settings):
    """Arithmetic with an array is recorded; NumPy's other functions are refused by name, with ours beside it."""
    if method == "__call__" and ufunc in _OPERATORS and not settings:
        return apply(_OPERATORS[ufunc], *inputs)
    name = ufunc.__name__
    ours = f"write lc.{name}" if name in __all__ else "use the functions of lstmcourse"
    if name == "matmul":
        ours = "write lc.dot(a, w), or lc.matmul for a matrix of each sequence"
    raise CellDefinitionError(
        f"{author_line()}: np.{name} was given {self!r}, and NumPy's functions want values, which a cell has not while "
        f"it is traced; {ours}"
    )


def _install() -> None:
    """Give `Node` its operators."""

    def method(name, reverse=False):
        def op(self, other):
            if not isinstance(other, Node | Number | np.ndarray | np.generic):
                return NotImplemented
            return apply(name, other, self) if reverse else apply(name, self, other)

        return op

    for name, symbol in [("add", "add"), ("sub", "sub"), ("mul", "mul"), ("div", "truediv"), ("mod", "mod")]:
        setattr(Node, f"__{symbol}__", method(name))
        setattr(Node, f"__r{symbol}__", method(name, reverse=True))
    comparisons = [
        ("less", "lt"),
        ("less_equal", "le"),
        ("greater", "gt"),
        ("greater_equal", "ge"),
        ("equal", "eq"),
    ]
    for name, symbol in [*comparisons, ("not_equal", "ne")]:
        setattr(Node, f"__{symbol}__", method(name))
    Node.__hash__ = object.__hash__
    Node.__neg__ = lambda self: apply("neg", self)
    Node.__matmul__ = dot
    Node.__and__ = lambda self, other: apply("both", self, other)
    Node.__or__ = lambda self, other: apply("either", self, other)
    Node.__invert__ = lambda self: apply("opposite", self)

    def power(self, k):
        if k == 2:
            return square(self)
        raise CellDefinitionError(
            f"{author_line()}: only the square a ** 2 is a primitive; {k!r} was asked for (exp, log)"
        )

    Node.__pow__ = power
    Node.__array_ufunc__ = _array_ufunc


_install()
