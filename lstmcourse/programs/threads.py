"""Threads, and the processes that are forked beside them.

One thread for small products: what a recurrent network multiplies at a step is seldom worth sharing out.

Starting and joining the threads of a linear algebra library costs more than a small product; on a busy
machine, many times more. `threads_for` bounds them for as long as a program runs, and leaves nothing changed.
Compiled programs multiply without a library, in as many threads as the library would be `allowed`.

A forked process has one thread, whatever its parent had. `at_fork` says what is done about that; a lock that
another thread may hold goes through `held_at_fork`.
"""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["LARGE", "allowed", "at_fork", "held_at_fork", "threads_for"]


def at_fork(**hooks: Callable[[], Any]) -> None:
    """Have functions called around each fork; nothing where the system has no fork.

    Parameters
    ----------
    hooks : callable
        ``before``, ``after_in_parent``, ``after_in_child``, as `os.register_at_fork` takes them: what was
        registered last is called first before a fork, and last after it.
    """
    register = getattr(os, "register_at_fork", None)  # not on Windows
    if register is not None:
        register(**hooks)


def held_at_fork(lock: Any) -> None:
    """Have a fork wait for a lock: the child finds it free, and what it guards whole.

    A lock that is taken while another is held is registered before that other, so that a fork, too, takes
    it last.
    """
    at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


LARGE = 2_000_000
"""Multiplications in one product from which all threads are left to the library."""


@functools.cache
def _numpy() -> list[Any]:
    """The linear algebra library of NumPy, or whichever there is."""
    from threadpoolctl import ThreadpoolController

    found = [c for c in ThreadpoolController().lib_controllers if c.user_api == "blas"]
    return [c for c in found if "numpy" in str(c.filepath)] or found


_BEFORE: list[tuple[int, int, list[tuple[Any, int]]]] = []
"""What `threads_for` bounded: in which thread, how many were allowed, and each library's number."""


def _in_child() -> None:
    """Undo what a thread that the child does not have would have undone."""
    while _BEFORE and _BEFORE[-1][0] != threading.get_ident():
        _give_back(_BEFORE.pop()[2])


at_fork(after_in_child=_in_child)


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
        return _BEFORE[0][1]
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
    _BEFORE.append((threading.get_ident(), allowed(), before))
    try:
        for library, _ in before:
            library.set_num_threads(1)
        yield
    finally:
        _BEFORE.pop()
        _give_back(before)


def _give_back(before: list[tuple[Any, int]]) -> None:
    for library, count in before:
        if count:
            library.set_num_threads(count)
