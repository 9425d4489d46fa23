"""One thread for small products: what a recurrent network multiplies at a step is seldom worth sharing out.

Starting and joining the threads of a linear algebra library costs more than a small product; on a busy
machine, many times more. `threads_for` bounds them for as long as a program runs, and leaves nothing changed.
Compiled programs multiply without a library, in as many threads as the library would be `allowed`.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["LARGE", "allowed", "threads_for"]

LARGE = 2_000_000
"""Multiplications in one product from which all threads are left to the library."""


@functools.cache
def _numpy() -> list[Any]:
    """The linear algebra library of NumPy, or whichever there is."""
    from threadpoolctl import ThreadpoolController

    found = [c for c in ThreadpoolController().lib_controllers if c.user_api == "blas"]
    return [c for c in found if "numpy" in str(c.filepath)] or found


_BEFORE: list[int] = []
"""How many threads were allowed before `threads_for` bounded them."""


def _processors() -> int:
    """How many this process may run on."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this system
        return os.cpu_count() or 1


def allowed() -> int:
    """How many threads may work for this thread: as many as NumPy's linear algebra may use.

    So ``OPENBLAS_NUM_THREADS`` and threadpoolctl bound compiled programs too. In a thread that is not the
    main one it is 1: who runs several has shared the work out already.

    Examples
    --------
    >>> allowed() >= 1
    True
    """
    if threading.current_thread() is not threading.main_thread():
        return 1
    if _BEFORE:
        return _BEFORE[0]
    return min([_processors(), *(c.get_num_threads() or 1 for c in _numpy())])


@contextmanager
def threads_for(multiplications: int) -> Iterator[None]:
    """Use one thread of NumPy's linear algebra inside the block, unless a product is large.

    Parameters
    ----------
    multiplications : int
        In the product that is made at each step, roughly: batch size times the square of the hidden size.

    Examples
    --------
    >>> with threads_for(32 * 64 * 64):
    ...     pass
    """
    if multiplications >= LARGE or threading.current_thread() is not threading.main_thread():
        yield  # OpenBLAS takes orders from the main thread only
        return
    before = [(c, c.get_num_threads()) for c in _numpy()]
    _BEFORE.append(allowed())
    try:
        for library, _ in before:
            library.set_num_threads(1)
        yield
    finally:
        _BEFORE.pop()
        for library, count in before:
            if count:
                library.set_num_threads(count)
