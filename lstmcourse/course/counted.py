"""`counted`: arrays that note the matrix products that they take part in, however these are written."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["counted"]

PRODUCTS = (np.dot, np.einsum, np.tensordot, np.inner, np.vdot)


def counted(array: np.ndarray, tally: list[int]) -> np.ndarray:
    """Return a view whose matrix products, and those of all that is computed from it, are noted.

    Parameters
    ----------
    array : ndarray
    tally : list
        Gets, for each product, how many rows it makes: the size of the result without its last axis.

    Examples
    --------
    >>> tally = []
    >>> U = counted(np.ones((3, 8)), tally)
    >>> made = np.tanh(np.ones((5, 3)) @ U) @ np.ones((8, 2))
    >>> tally
    [5, 5]
    """
    view = np.array(array).view(_Counted)
    view.tally = tally
    return view


class _Counted(np.ndarray):
    tally: list[int] | None

    def __array_finalize__(self, source: Any) -> None:
        self.tally = getattr(source, "tally", None)

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **how: Any) -> Any:
        if out is not None:
            how["out"] = tuple(_plain(a) for a in out)
        made = getattr(ufunc, method)(*(_plain(a) for a in inputs), **how)
        tally = next((a.tally for a in inputs if isinstance(a, _Counted) and a.tally is not None), None)
        if ufunc is np.matmul:
            _note(tally, made)
        if out is not None:
            return out[0] if len(out) == 1 else out
        return _marked(made, tally)

    def __array_function__(self, function: Any, types: Any, args: Any, how: Any) -> Any:
        made = super().__array_function__(function, types, args, how)
        if function in PRODUCTS:
            _note(self.tally, made)
        return _marked(made, self.tally)

    def dot(self, other: Any, out: Any = None) -> Any:  # type: ignore[override]
        """Multiply, as `numpy.dot` does."""
        return np.dot(self, other, out=out)


def _marked(made: Any, tally: list[int] | None) -> Any:
    """What was made, arrays in it as views that go on counting."""
    if isinstance(made, (list, tuple)):
        return type(made)(_marked(part, tally) for part in made)
    if not isinstance(made, np.ndarray):
        return made
    view = made.view(_Counted)
    view.tally = tally
    return view


def _plain(value: Any) -> Any:
    return value.view(np.ndarray) if isinstance(value, _Counted) else value


def _note(tally: list[int] | None, made: Any) -> None:
    if tally is not None:
        shape = np.shape(made)
        tally.append(int(np.prod(shape[:-1])))
