"""The progress bar: tqdm's, without a thread and with a lock of its own, so that processes can be forked."""

from __future__ import annotations

import functools
import threading
from typing import Any

from ..programs.threads import held_at_fork

__all__ = ["bar"]


@functools.cache
def _kind() -> type:
    from tqdm.auto import tqdm

    class Bar(tqdm):
        """A bar that no other thread watches over."""

        monitor_interval = 0

    lock = threading.RLock()
    held_at_fork(lock)
    Bar.set_lock(lock)
    return Bar


def bar(total: int, done: int, what: str, unit: str, *, disable: bool = False) -> Any:
    """A bar in a notebook, a line on a terminal's stderr; a context manager.

    Parameters
    ----------
    total, done : int
        How many there are, and how many of them are done.
    what, unit : str
        What goes on, and what is counted.
    disable : bool
        Show nothing.
    """
    return _kind()(total=total, initial=done, desc=what, unit=unit, disable=disable, miniters=1)
