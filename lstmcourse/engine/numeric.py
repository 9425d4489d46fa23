"""What generated programs call beyond NumPy: a few functions that write into storage that is given.

Each works on any number of leading axes (time, batch), counts its own axes from the right, and takes
``out``, which may be None. They accept complex numbers, so that a program can be differentiated by complex
step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = [
    "copy", "dot", "logsumexp", "outer", "pad", "relu", "remainder", "reshape", "rows",
    "select", "sigmoid", "softmax", "softplus", "spread", "total",
]  # fmt: skip


def rows(a: np.ndarray) -> np.ndarray:
    """All leading axes as one: (T, B, D) as (T * B, D)."""
    return a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


def dot(a: np.ndarray, w: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Multiply every row of a (..., n) by w (n, m): one product, whatever the leading axes."""
    if out is None:
        out = np.empty((*a.shape[:-1], w.shape[-1]), np.result_type(a, w))
    if not out.flags.c_contiguous:
        return np.matmul(a, w, out=out)
    if a.ndim == 2:  # a step's rows
        return np.dot(a, w, out=out)
    np.dot(rows(a), w, out=rows(out))
    return out


def affine(*args: np.ndarray) -> np.ndarray:
    """A layer: products of operands, each with the matrix behind it, and a bias if one is left, added up."""
    total = args[-1] if len(args) % 2 else 0
    for a, w in zip(args[0::2], args[1::2], strict=False):
        total = total + dot(a, w)
    return total


def abreast(parts: Sequence[np.ndarray], axis: int) -> np.ndarray:
    """Parts side by side; what is the same at every step, or for every sequence, is repeated."""
    shapes = [list(np.shape(a)) for a in parts]
    sizes = [shape.pop(axis) for shape in shapes]
    others = list(np.broadcast_shapes(*map(tuple, shapes)))
    at = len(others) + 1 + axis
    wide = [np.broadcast_to(a, [*others[:at], n, *others[at:]]) for a, n in zip(parts, sizes, strict=True)]
    return np.concatenate(wide, axis=axis)


def outer(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Sum of the outer products of the rows of a (..., n) and b (..., m): a weight's gradient, (n, m)."""
    if a.shape[:-1] != b.shape[:-1]:  # an operand that all sequences share, such as the clock
        a = np.broadcast_to(a, (*b.shape[:-1], a.shape[-1]))
    return np.dot(rows(a).T, rows(b), out=out)


def total(a: np.ndarray, rank: int, out: np.ndarray | None = None) -> np.ndarray:
    """Sum over all but the last `rank` axes: the gradient of what all sequences and steps share."""
    return np.sum(a, axis=tuple(range(a.ndim - rank)), out=out)


def sigmoid(a: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """1 / (1 + exp(-a)), to the last digits however small: quotients of two gates have a meaning."""
    if np.iscomplexobj(a):
        return np.exp(
            -softplus(np.negative(a)), out=out
        )  # exp(-a) alone would make inf and NaN of a complex step
    with np.errstate(over="ignore", under="ignore"):  # beyond the range, exp(-a) is infinite and the result 0
        out = np.negative(a, out=out)
        np.exp(out, out=out)
        np.add(out, 1, out=out)
        return np.reciprocal(out, out=out)


def relu(a: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The positive part of a."""
    return np.maximum(a, 0, out=out)


def softplus(a: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """log(1 + exp(a)), exact for large and for very negative a."""
    if not np.iscomplexobj(a):
        return np.logaddexp(a, 0, out=out)  # max(a, 0) + log1p(exp(-|a|)), in one go and without workspace
    positive = np.maximum(a, 0)
    return np.add(positive, np.log1p(np.exp(a - 2 * positive)), out=out)


def softmax(a: np.ndarray, axis: int, out: np.ndarray | None = None) -> np.ndarray:
    """exp(a) over its sum along the axis, shifted by the maximum first."""
    out = np.subtract(a, np.max(a, axis=axis, keepdims=True), out=out)
    np.exp(out, out=out)
    return np.divide(out, np.sum(out, axis=axis, keepdims=True), out=out)


def logsumexp(a: np.ndarray, axis: int, out: np.ndarray | None = None) -> np.ndarray:
    """Log of the sum of exp(a) along the axis."""
    if not np.iscomplexobj(a):
        return np.logaddexp.reduce(a, axis=axis, out=out)  # shifted at each addition, and without workspace
    high = np.max(a, axis=axis, keepdims=True)
    return np.add(np.log(np.sum(np.exp(a - high), axis=axis)), np.squeeze(high, axis), out=out)


def select(condition: np.ndarray, a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The elements of a where the condition holds, else those of b (`out` may be b itself)."""
    if out is None:
        return np.where(condition, a, b)
    if out is not b:
        np.copyto(out, b)
    np.copyto(out, a, where=condition)
    return out


def copy(a: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The elements of a, broadcast to `out`."""
    if out is None:
        return np.array(a)
    np.copyto(out, a)
    return out


def spread(a: np.ndarray, shape: tuple[int, ...], out: np.ndarray | None = None) -> np.ndarray:
    """The elements of a, repeated along its trailing axes to a shape."""
    return np.broadcast_to(a, np.broadcast_shapes(np.shape(a), shape)) if out is None else copy(a, out=out)


def reshape(a: np.ndarray, rank: int, shape: tuple[int, ...], out: np.ndarray | None = None) -> np.ndarray:
    """The last `rank` axes of a in another shape."""
    a = a.reshape(a.shape[: a.ndim - rank] + tuple(shape))
    return copy(a, out=out)


def remainder(a: np.ndarray, b: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """A modulo b; for complex numbers a - b floor(Re a / Re b), which a complex-step derivative can pass."""
    if np.iscomplexobj(a) or np.iscomplexobj(b):
        return np.subtract(a, b * np.floor(np.real(a) / np.real(b)), out=out)
    return np.remainder(a, b, out=out)


def pad(
    a: np.ndarray, start: int, stop: int, size: int, axis: int, out: np.ndarray | None = None
) -> np.ndarray:
    """Zeros, `size` long on the axis, with a at start:stop."""
    if out is None:
        shape = list(a.shape)
        shape[axis] = size
        out = np.empty(shape, a.dtype)
    out[...] = 0
    out[(..., slice(start, stop)) + (slice(None),) * (-axis - 1)] = a
    return out
