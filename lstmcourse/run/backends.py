"""Which back-ends there are, and which one a run takes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar

from .. import checks
from ..compiled import native as fast
from ..errors import UnknownNameError

__all__ = ["backends", "use"]


def backends() -> tuple[str, ...]:
    """Names of the back-ends that can run here: "numba" needs the package numba, and that it works.

    Examples
    --------
    >>> "numpy" in backends()
    True
    """
    return ("numpy", "numba") if fast.available() else ("numpy",)


_CALLS: list[use] = []
"""Calls of `use` in this process that are no block's: the last one decides."""

_BLOCKS: ContextVar[tuple[str | None, ...]] = ContextVar("lstmcourse.use", default=())
"""What the blocks around this thread's code say, outermost first: the innermost decides, before any call."""


class use:  # noqa: N801 - it reads as a verb
    """Choose the back-end of whatever is run without ``backend=``.

    A call holds for the process, in all its threads, until the next call. As a context manager it holds for
    the block, in the thread (or the asynchronous task) that runs it, and decides before a call. Without
    either, `unroll` takes NumPy, and `fit` decides by the length of the training.

    Stored studies and the checks of exercises do not depend on it. A process that is started afresh, as by
    ``spawn``, knows nothing of it; one that is forked goes on with what held.

    Parameters
    ----------
    backend : str
        One of `backends`, or "reference".

    Raises
    ------
    UnknownNameError
        There is no such back-end, or it cannot run here; what held goes on to hold.

    Examples
    --------
    >>> import numpy as np
    >>> import lstmcourse as lc
    >>> params = lc.cells.rnn.init(input_size=1, hidden_size=2, rng=0)
    >>> x = np.ones((3, 1, 1), np.float32)
    >>> with lc.use("reference"):
    ...     lc.unroll(lc.cells.rnn, params, x).backend
    'reference'
    >>> lc.unroll(lc.cells.rnn, params, x).backend
    'numpy'
    """

    def __init__(self, backend: str):
        self.backend = _known(backend, "")
        _CALLS.append(self)
        del _CALLS[:-MOST]

    def __enter__(self) -> use:
        with contextlib.suppress(ValueError):  # it is a block, so not the process's
            _CALLS.remove(self)
        _BLOCKS.set((*_BLOCKS.get(), self.backend))
        return self

    def __exit__(self, *error: object) -> None:
        _BLOCKS.set(_BLOCKS.get()[:-1])

    def __repr__(self) -> str:
        return f"<back-end {self.backend}>"


MOST = 64
"""How many calls are kept: one that turns out to be a block's is taken back, and those before it count."""


def chosen() -> str | None:
    """What `use` says here; None if nothing."""
    if blocks := _BLOCKS.get():
        return blocks[-1]
    calls = _CALLS[-1:]
    return calls[0].backend if calls else None


@contextlib.contextmanager
def undecided() -> Iterator[None]:
    """A block in which `use` says nothing: for numbers that must not depend on it."""
    _BLOCKS.set((*_BLOCKS.get(), None))
    try:
        yield
    finally:
        _BLOCKS.set(_BLOCKS.get()[:-1])


def check_backend(name: str | None) -> str:
    """The back-end's name; for None what `use` says, else NumPy."""
    if name is None:
        return chosen() or "numpy"
    return _known(name, "; or leave backend= out")


def _known(name: str, otherwise: str) -> str:
    if isinstance(name, str) and name in ("numpy", "reference"):
        return name
    if isinstance(name, str) and name == "numba" and (problem := fast.why_not()):
        raise UnknownNameError(f"backend='numba' cannot run here, because {problem}{otherwise}")
    return checks.choice("backend", name, backends())
