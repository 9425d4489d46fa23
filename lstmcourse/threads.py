"""One thread for small products: what a recurrent network multiplies at a step is seldom worth sharing out.

Starting and joining the threads of a linear algebra library costs more than a small product; on a busy
machine, many times more. `threads_for` bounds them for as long as a program runs, and leaves nothing changed.
"""

from __future__ import annotations

import functools
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = ["LARGE", "Libraries", "threads_for"]

LARGE = 4_000_000
"""Multiplications in one product from which all threads are left to the library."""


def _controller() -> Any:
    """What sets the threads of all libraries that are loaded by now: SciPy's BLAS may come after NumPy's."""
    return _controllers("scipy.linalg" in sys.modules)


@functools.cache
def _controllers(_with_scipy: bool) -> Any:
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


class Libraries:
    """The threads of some linear algebra libraries: how many they are, and one for as long as a block runs.

    It does what `threads_for` does, for a few microseconds in place of fifty.

    Parameters
    ----------
    part : str
        What the path of their files holds; all of them if none does.
    """

    def __init__(self, part: str = ""):
        found = [c for c in _controller().lib_controllers if c.user_api == "blas"]
        self.controllers: Sequence[Any] = [c for c in found if part in str(c.filepath)] or found

    @staticmethod
    def obey() -> bool:
        """Whether they take orders from this thread."""
        return threading.current_thread() is threading.main_thread()

    def count(self) -> int:
        """How many threads they may use now."""
        return max([c.get_num_threads() or 1 for c in self.controllers], default=1)

    @contextmanager
    def one(self) -> Iterator[None]:
        """One thread inside the block; afterwards as before."""
        before = [c.get_num_threads() for c in self.controllers]
        changed = [(c, n) for c, n in zip(self.controllers, before, strict=True) if n and n > 1]
        try:
            for c, _ in changed:
                c.set_num_threads(1)
            yield
        finally:
            for c, n in changed:
                c.set_num_threads(n)
