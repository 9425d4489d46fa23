"""Arithmetic on nodes: ``a + b`` records a row of the table, and whoever wants a node's value is refused.

Loaded with the package `engine`, so that no node is without it.
"""

from __future__ import annotations

import numpy as np

from ..errors import CellDefinitionError
from . import ops
from .graph import Node
from .lines import author_line
from .ops import apply, dot, square

__all__: list[str] = []

Number = int | float | complex | bool

_OPERATORS = {  # what NumPy does for `array + node`, where the array comes first
    np.add: "add", np.subtract: "sub", np.multiply: "mul", np.true_divide: "div", np.remainder: "mod",
    np.less: "less", np.less_equal: "less_equal", np.greater: "greater", np.greater_equal: "greater_equal",
    np.equal: "equal", np.not_equal: "not_equal", np.bitwise_and: "both", np.bitwise_or: "either",
}  # fmt: skip


def _array_ufunc(self, ufunc, method, *inputs, **settings):
    """Arithmetic with an array is recorded; NumPy's other functions are refused, with ours beside them."""
    if method == "__call__" and ufunc in _OPERATORS and not settings:
        return apply(_OPERATORS[ufunc], *inputs)
    name = ufunc.__name__
    ours = f"write lc.{name}" if name in ops.__all__ else "use the functions of lstmcourse"
    if name == "matmul":
        ours = "write lc.dot(a, w), or lc.matmul for a matrix of each sequence"
    raise CellDefinitionError(
        f"{author_line()}: np.{name} was given {self!r}, and NumPy's functions want values, which a "
        f"cell has not while it is traced; {ours}"
    )


def _refuse(node: Node, what: str) -> None:
    raise CellDefinitionError(
        f"{author_line()}: {what} {node!r}. A cell is traced once, without values, so every step "
        "does the same operations; write where(condition, a, b) to choose by value, and use the "
        "functions of lstmcourse"
    )


_REFUSED = {
    "__bool__": "cannot branch on the value of",
    "__iter__": "cannot iterate over (split(a, n) divides)",
    **dict.fromkeys(
        ("__float__", "__int__", "__index__", "__complex__"),
        "a function that is not one of lstmcourse wanted the value of",
    ),
    "__array__": "a NumPy function wanted the values of",
    "__len__": "cannot take len() of",
}


def _array_function(self, func, *_, **__):
    _refuse(self, f"{func.__module__}.{func.__name__} is not known to the tracer; it was given")


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
    Node.__array_function__ = _array_function
    for name, what in _REFUSED.items():
        setattr(Node, name, lambda self, *_, what=what, **__: _refuse(self, what))


_install()
