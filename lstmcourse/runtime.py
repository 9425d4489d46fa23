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
    "copy",
    "dot",
    "due_units",
    "logsumexp",
    "outer",
    "outer_due",
    "pad",
    "relu",
    "remainder",
    "reshape",
    "rows",
    "select",
    "sigmoid",
    "softmax",
    "softplus",
    "spread",
    "total",
]


def rows(a: np.ndarray) -> np.ndarray:
    """All leading axes as one: (T, B, D) as (T * B, D)."""
    return a.reshape(math.prod(a.shape[:-1]), a.shape[-1])


def dot(a: np.ndarray, w: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """Multiply every row of a (..., n) by w (n, m): one product, whatever the leading axes."""
    if out is None:
        out = np.empty((*a.shape[:-1], w.shape[-1]), np.result_type(a, w))
    if out.flags.c_contiguous:
        np.dot(rows(a), w, out=rows(out))
    else:
        np.matmul(a, w, out=out)
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


Runs = tuple[tuple[slice, slice], ...]


def due_units(condition: np.ndarray, width: int, mask: np.ndarray | None = None) -> list[Runs]:
    """For each step, the runs of neighbouring units that are due, and the units that may feed them.

    Parameters
    ----------
    condition : ndarray of bool, shape (T, 1, width) or (T, 1, 1)
        Which units are due.
    width : int
        How many units there are.
    mask : ndarray, shape (width, width), optional
        Not 0 where a unit may feed another, [from, to]; by default all feed all.

    Returns
    -------
    list of tuple
        One for each step: pairs ``(n, k)`` of slices. The units k are due, and all that feeds them lies in n.

    Examples
    --------
    >>> periods = np.array([1, 1, 2, 3])                     # units may be fed by slower ones
    >>> mask = periods[:, None] >= periods
    >>> for runs in due_units(np.arange(4)[:, None, None] % periods == 0, 4, mask):
    ...     print([f"{n.start}:{n.stop} feed {k.start}:{k.stop}" for n, k in runs])
    ['0:4 feed 0:4']
    ['0:4 feed 0:2']
    ['0:4 feed 0:3']
    ['0:4 feed 0:2', '3:4 feed 3:4']
    """
    if not len(condition):
        return []
    ticks = np.broadcast_to(condition[:, 0], (len(condition), width))
    starts = np.flatnonzero(np.r_[True, (ticks[:, 1:] != ticks[:, :-1]).any(axis=0)])
    edges = [*starts.tolist(), width]  # between them, units are due at the same steps
    first, stop = np.zeros(len(starts), int), np.full(len(starts), width)
    if mask is not None:
        feeds = np.logical_or.reduceat(mask != 0, starts, axis=1)
        some = feeds.any(axis=0)
        first = np.where(some, feeds.argmax(axis=0), 0)
        stop = np.where(some, width - feeds[::-1].argmax(axis=0), 0)
    low, high = first.tolist(), stop.tolist()

    def runs(row: bytes) -> Runs:
        found, j = [], 0
        while j < len(row):
            i = j
            while j < len(row) and row[j]:
                j += 1
            if j > i:
                found.append((slice(min(low[i:j]), max(high[i:j])), slice(edges[i], edges[j])))
            j += 1
        return tuple(found)

    patterns = np.ascontiguousarray(ticks[:, starts]).view(f"V{len(starts)}")[:, 0].tolist()
    known = {row: runs(row) for row in dict.fromkeys(patterns)}
    return [known[row] for row in patterns]


FEW = 100_000_000
"""Multiplications in `outer_due` below which looking for steps costs more than zeros do."""


def outer_due(a: np.ndarray, b: np.ndarray, due: list[Runs], out: np.ndarray | None = None) -> np.ndarray:
    """`outer` of a (T, B, n) and b (T, B, m) without the steps at which units of b are not due, and so 0.

    Examples
    --------
    >>> due = due_units(np.arange(4)[:, None, None] % np.array([1, 2]) == 0, 2)
    >>> b = np.array([[5., 6.], [7., 0.], [8., 9.], [1., 0.]])[:, None]
    >>> outer_due(np.ones((4, 1, 1)), b, due)
    array([[21., 15.]])
    """
    if a.size * b.shape[-1] < FEW:
        return outer(a, b, out=out)
    if out is None:
        out = np.empty((a.shape[-1], b.shape[-1]), np.result_type(a, b))
    kinds: dict[int, tuple[Runs, list[int]]] = {}  # steps at which the same units are due
    for t, runs in enumerate(due):
        kinds.setdefault(id(runs), (runs, []))[1].append(t)
    ends = {0, b.shape[-1]} | {e for runs, _ in kinds.values() for _, k in runs for e in (k.start, k.stop)}
    edges = sorted(ends)
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        on = [steps for runs, steps in kinds.values() if any(k.start <= low < k.stop for _, k in runs)]
        steps = np.sort(np.concatenate(on)) if on else []
        if len(steps) == len(due):
            out[:, low:high] = outer(a, b[..., low:high])
        elif len(steps):
            out[:, low:high] = outer(a[steps], b[..., low:high][steps])
        else:
            out[:, low:high] = 0
    return out


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
