"""Layers and their parameters, tables of numbers that nobody learns, and parts laid side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import checks
from ..errors import CellDefinitionError, ShapeError, nearest
from .graph import Dim, Node
from .lines import author_line, word
from .operands import check_numbers
from .ops import OPS, apply, constant, stop_gradient
from .ops import sum as sum_axis
from .trace import Scope, current, record

__all__ = ["affine", "concat", "mean", "param", "peephole", "split", "table"]


def concat(*parts: Any, axis: int = -1) -> Any:
    """Lay parts side by side along a trailing axis.

    Examples
    --------
    >>> concat(np.ones(2), np.zeros(1))
    array([1., 1., 0.])
    """
    if not any(isinstance(p, Node) for p in parts):
        arrays = [checks.array(f"parts[{k}]", p, "biufc") for k, p in enumerate(parts)]
        if not arrays or len({a.ndim for a in arrays}) > 1 or not arrays[0].ndim:
            raise ShapeError(
                f"parts have shapes {[a.shape for a in arrays]}; they need the same axes, 1 or more"
            )
        checks.whole("axis", axis, -arrays[0].ndim, arrays[0].ndim - 1)
        try:
            return np.concatenate(arrays, axis=axis)
        except ValueError:
            shapes = [a.shape for a in arrays]
            raise ShapeError(f"parts have shapes {shapes}; they must agree but along axis {axis}") from None
    ranks = {len(p.shape) for p in parts if isinstance(p, Node)}
    if len(ranks) > 1 or len({p.batched for p in parts}) > 1 or axis >= 0:
        raise CellDefinitionError(
            f"{author_line()}: concat of {', '.join(map(repr, parts))} along axis {axis}: the "
            "parts need the same axes, and the axis is counted from the right (-1 is the last)"
        )
    return apply("concat", *parts, axis=axis)


def split(a: Node, *sizes: int | str, axis: int = -1) -> tuple[Node, ...]:
    """Divide a along a trailing axis: ``split(a, 3)`` in equal parts, ``split(a, "H", "K")`` by size."""
    if not isinstance(a, Node):
        a = checks.array("a", a, "biufc")
        if not sizes:
            raise ValueError("split: sizes are missing; give the number of parts, or the size of each")
        sizes = tuple(checks.whole("sizes", s, 1) for s in sizes)
        if not a.ndim:
            raise ShapeError(f"a has shape {a.shape}; split needs 1 axis or more")
        length = a.shape[checks.whole("axis", axis, -a.ndim, a.ndim - 1)]
        if len(sizes) == 1 and length % sizes[0]:
            raise ShapeError(f"split: sizes={sizes[0]} parts of one size do not divide the axis of {length}")
        at = sizes[0] if len(sizes) == 1 else np.cumsum(sizes)[:-1]
        if len(sizes) > 1 and np.sum([int(s) for s in sizes]) != length:
            raise ShapeError(
                f"split: the parts {sizes} add up to {np.sum([int(s) for s in sizes])}, and the axis that "
                f"they divide has {length}; give sizes that add up"
            )
        return tuple(np.split(a, at, axis=axis))
    if not sizes:
        raise CellDefinitionError(
            f"{author_line()}: split: sizes are missing; give the number of parts, or their sizes"
        )
    for s in sizes:
        if not isinstance(s, str | Dim):
            checks.whole("sizes", s, 1)
    whole = a.shape[checks.whole("axis", axis, -len(a.shape), -1)]
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


def mean(a: Any, axis: int = -1) -> Any:
    """Average along a trailing axis, counted from the right."""
    if not isinstance(a, Node):
        a = checks.array("a", a, "biufc")
        if not a.ndim:
            raise ShapeError(f"a has shape {a.shape}; mean needs 1 axis or more")
        return np.mean(a, axis=checks.whole("axis", axis, -a.ndim, a.ndim - 1))
    return sum_axis(a, axis) / constant(a.shape[axis])


# How a parameter starts unless the cell says otherwise. Input weights: Glorot & Bengio (AISTATS 2010);
# recurrent weights: orthogonal, Saxe, McClelland & Ganguli (ICLR 2014); biases: zero.
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
            f"{author_line()}: table {name!r} is given function={function!r}; it takes a function of its "
            "sizes, such as lambda H: np.arange(H)"
        )
    name = word("a table", name)
    known = next((n for n in scope.graph.leaves("table") if n.name == scope.full(name)), None)
    if known is not None:
        raise CellDefinitionError(
            f"{author_line()}: there is a table {name!r} already ({known.line}); use that, or give this one "
            "another name"
        )
    dims = tuple(scope.size(s) for s in shape)
    return scope.graph.add(
        OPS["table"], attrs={"function": function}, shape=dims, name=scope.full(name), line=author_line()
    )


def table_values(node: Node, sizes: Mapping[str, int]) -> np.ndarray:
    """The numbers of a `table`, in float64, once the sizes are known; ShapeError where they are others."""
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
        bound)``, ``"signs"`` (1 or -1, over the root of the number of rows) or a number. By default after
        the first letter: W glorot, U orthogonal, b and p zeros.
    free : Node, optional
        A `table` of ones and zeros: where it is 0 the element is no parameter but 0, whatever the array
        holds. What comes back is the product, and only ones are counted.
    fixed : bool
        Stored with the parameters and drawn like them, but neither trained (its gradient is 0) nor counted.
    """
    scope = current()
    scope.watch()
    checks.truth("fixed", fixed)
    full = scope.full(word("the name of a parameter", name))
    dims = tuple(scope.size(s) for s in shape)
    if free is not None and (not isinstance(free, Node) or free.op.name != "table" or free.shape != dims):
        raise CellDefinitionError(
            f"{author_line()}: parameter {name!r} of shape ({', '.join(map(str, dims))}) has "
            f"free={free!r}; it is a table of ones and zeros of the same shape"
        )
    known = next((n for n in scope.graph.params if n.name == full), None)
    if known is not None and (
        known.attrs.get("free") is not free or known.attrs.get("fixed", False) != fixed
    ):
        raise CellDefinitionError(
            f"{author_line()}: parameter {name!r} is there already ({known.line}), and free= and fixed= are "
            "not the same; give one of them another name"
        )
    if known is not None and known.shape != dims:
        raise CellDefinitionError(
            f"{author_line()}: parameter {name!r} has shape ({', '.join(map(str, known.shape))}) already "
            f"({known.line}), and is asked for with ({', '.join(map(str, dims))}); give "
            "one of them another name"
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
    shared: bool = False,
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
    shared : bool
        Whether the layer exists already: it is used once more, on other operands.
    """
    scope = current()
    label = word("the label of a layer", label)
    if not isinstance(bias, bool):
        checks.real("bias", bias)
    for letter, name, a in (("U", "h", h), ("W", "x", x)):
        if a is not None and not isinstance(a, Node):
            raise CellDefinitionError(
                f"{author_line()}: affine({label!r}): operand {letter} is {a!r}, not a value of the "
                f"cell; {name} is one"
            )
        if a is not None and operands.get(letter) is not None:
            raise CellDefinitionError(
                f"{author_line()}: affine({label!r}): operand {letter} is given twice, as {name} and as "
                f"{letter}=; give it once, or the other one a letter of its own"
            )
    given = {"W": x, "U": h} | operands if (h is not None or x is not None) else dict(operands)
    given = {letter: a for letter, a in given.items() if a is not None}
    if label in scope.layers and not shared:
        raise CellDefinitionError(
            f"{author_line()}: the layer {label!r} exists already ({scope.layers[label]}); two layers with "
            "one label would share their weights unseen. Use another label, or shared=True to share on "
            "purpose"
        )
    if shared:
        _check_shared(scope, label, [*given, *["b"] * (bias is not False)])
    scope.layers.setdefault(label, author_line())
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
        check_numbers(f"affine({label!r})", [a])
        args += [a, param(f"{letter}_{label}", a.shape[-1], size)]
    if bias is not False:
        args.append(param(f"b_{label}", size, init=None if bias is True else float(bias)))
    if not args:
        raise CellDefinitionError(f"{author_line()}: affine({label!r}) has neither operands nor a bias")
    return record(OPS["affine"], args, {"terms": len(given), "label": label})


def _check_shared(scope: Scope, label: str, letters: list[str]) -> None:
    """A layer that is used once more is there, with these parameters."""
    if label not in scope.layers:
        raise CellDefinitionError(
            f"{author_line()}: affine({label!r}, shared=True) repeats a layer: {nearest(label, scope.layers)}"
        )
    there = {p.name for p in scope.graph.params}
    for letter in letters:
        if scope.full(f"{letter}_{label}") not in there:
            raise CellDefinitionError(
                f"{author_line()}: affine({label!r}, shared=True): the layer has no {letter}_{label} "
                f"({scope.layers[label]}); give it the operands that it has there"
            )


def peephole(label: str, c: Node) -> Node:
    """A diagonal connection from the cell state into a gate: p_f times c, element by element.

    Gers & Schmidhuber (IJCNN 2000).
    """
    if not isinstance(c, Node) or not c.shape:
        raise CellDefinitionError(
            f"{author_line()}: peephole({label!r}): c is {c!r}, not a vector of the cell"
        )
    return param(f"p_{checks.text('label', label)}", c.shape[-1]) * c
