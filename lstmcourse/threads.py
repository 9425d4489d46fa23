"""One thread for small products: what a recurrent network multiplies at a step is seldom worth sharing out.

Starting and joining the threads of a linear algebra library costs more than a small product; on a busy
machine, many times more. `threads_for` bounds them for as long as a program runs, and leaves nothing changed.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["LARGE", "threads_for"]

LARGE = 4_000_000
"""Multiplications in one product from which all threads are left to the library."""


@functools.cache
def _controller() -> Any:
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


@contextmanager
def threads_for(multiplications: int) -> Iterator[None]:
    """Use one thread of linear algebra inside the block, unless a product is large.

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
    with _controller().limit(limits=1, user_api="blas"):
        yield
