"""The shape of a result, from those of the operands: one rule for each kind of primitive.

A rule is given the trailing shapes of the operands and the settings of the node. What is known by name alone
may turn out to fit; where numbers do not, it is a ShapeError.
"""

from __future__ import annotations

from ..errors import ShapeError
from .graph import Dim

__all__ = [
    "affine", "along", "broadcast", "concat", "dot", "drop", "insert", "matmul", "outer", "pad",
    "reshape", "same", "slice", "swap", "total",
]  # fmt: skip


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


def broadcast(shapes, _attrs):
    """(3, 1) and (4,) give (3, 4), as in NumPy."""
    rank = max(len(s) for s in shapes)
    out = [Dim.of(1)] * rank
    for s in shapes:
        for k in range(1, len(s) + 1):
            out[-k] = _join(out[-k], s[-k])
    return tuple(out)


def same(shapes, _attrs):
    """(n,) gives (n,)."""
    return shapes[0]


def along(shapes, attrs):
    """As `same`, of what has the axis that is named."""
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


def dot(shapes, _attrs):
    """(..., n) and (n, m) give (..., m)."""
    a, w = shapes
    _need(a, 1, "the left side of a product")
    if len(w) != 2:
        raise ShapeError(f"the right side of a product is a matrix (n, m), and was given {len(w)} axes")
    _match(a[-1], w[0], "columns of the left side and rows of the matrix differ")
    return (*a[:-1], w[1])


def matmul(shapes, _attrs):
    """(..., n, k) and (..., k, m) give (..., n, m)."""
    a, b = shapes
    _need(a, 2, "matmul")
    _need(b, 2, "matmul")
    _match(a[-1], b[-2], "columns of the left side and rows of the right side differ")
    return (*broadcast([a[:-2], b[:-2]], {}), a[-2], b[-1])


def drop(shapes, attrs):
    """(n, m) along axis -1 gives (n,)."""
    (a,) = shapes
    _need(a, -attrs["axis"], f"axis {attrs['axis']}")
    at = len(a) + attrs["axis"]
    return a[:at] + a[at + 1 :]


def insert(shapes, attrs):
    """(n,) at axis -1 gives (n, 1)."""
    (a,) = shapes
    at = len(a) + 1 + attrs["axis"]
    if at < 0:
        raise ShapeError(f"axis {attrs['axis']} does not exist in a result of {len(a) + 1} axes")
    return (*a[:at], Dim.of(1), *a[at:])


def concat(shapes, attrs):
    """(n,) and (m,) give (n + m,)."""
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


def slice(shapes, attrs):
    """(n,) from 0 to H gives (H,)."""
    (a,) = shapes
    _need(a, -attrs["axis"], f"axis {attrs['axis']}")
    at = len(a) + attrs["axis"]
    length = attrs["stop"] + attrs["start"] * -1
    whole = attrs.get("whole", a[at])
    if not a[at].terms and not whole.terms and whole != a[at]:
        raise ShapeError(
            f"the parts of split add up to {whole}, and the axis that they divide has {a[at]}; give "
            "sizes that add up"
        )
    if not a[at].terms and not attrs["stop"].terms and attrs["stop"].constant > a[at].constant:
        raise ShapeError(f"a part that ends at {attrs['stop']} of an axis of {a[at]}")
    return (*a[:at], length, *a[at + 1 :])


def pad(shapes, attrs):
    """(H,) to a size of n gives (n,)."""
    (a,) = shapes
    at = len(a) + attrs["axis"]
    return (*a[:at], attrs["size"], *a[at + 1 :])


def swap(shapes, _attrs):
    """(n, m) gives (m, n)."""
    (a,) = shapes
    _need(a, 2, "swap")
    return (*a[:-2], a[-1], a[-2])


def reshape(shapes, attrs):
    """(n * m,) gives (n, m), or what else has as many elements."""
    (a,) = shapes
    before, after = 1, 1
    for d in a:
        before *= d.constant
    for d in attrs["shape"]:
        after *= d.constant
    if not any(d.terms for d in (*a, *attrs["shape"])) and before != after:
        raise ShapeError(
            f"{' x '.join(map(str, a))} elements do not fill the shape "
            f"({', '.join(map(str, attrs['shape']))})"
        )
    return attrs["shape"]


def outer(shapes, _attrs):
    """(n,) and (m,) give (n, m)."""
    a, b = shapes
    return (a[-1], b[-1])


def total(shapes, attrs):
    """The last `rank` axes of (..., n)."""
    (a,) = shapes
    return a[len(a) - attrs["rank"] :]


def affine(shapes, attrs):
    """(n,), (n, m), further pairs and (m,) give (m,)."""
    out = None
    for a, w in zip(shapes[0 : 2 * attrs["terms"] : 2], shapes[1 : 2 * attrs["terms"] : 2], strict=True):
        here = dot([a, w], {})
        out = here if out is None else broadcast([out, here], {})
    return out if out is not None else shapes[-1]
