"""The progress bar: tqdm's, without a thread and with a lock of its own, so that processes can be forked."""

from __future__ import annotations

import functools
import math
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ..programs.threads import held_at_fork

if TYPE_CHECKING:
    from .history import History

__all__ = ["bar", "bar_of_training"]


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


@contextmanager
def bar_of_training(history: History, steps: int, wanted: bool) -> Iterator[Callable[[], None]]:
    """Yield a function that moves the bar by one step; it does nothing where no bar is wanted."""
    if not wanted or os.environ.get("LSTMCOURSE_REGRESSION"):
        yield lambda: None
        return
    with bar(steps, history.steps, "training", "step") as shown:

        def show() -> None:
            recent = history.records[-20:]
            loss = sum(r.loss for r in recent) / len(recent)
            accuracy = sum(r.accuracy for r in recent) / len(recent)
            hits = "" if math.isnan(accuracy) else f", accuracy {accuracy:.0%}"
            shown.set_postfix_str(f"loss {loss:.4g}{hits}", refresh=False)
            shown.update()

        yield show
