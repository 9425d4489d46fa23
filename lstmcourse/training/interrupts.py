"""Interrupts: the step in hand ends before one counts."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["interrupt_after_step"]


@contextmanager
def interrupt_after_step() -> Iterator[Callable[[], bool]]:
    """Make the first interrupt wait, and the second raise; yield a function that says whether one came.

    Outside the main thread, where signals cannot be handled, and where a host program handles or ignores
    them (as in the background), nothing is changed: an interrupt that raises does so at once, and
    `steps.learn` undoes a step that was not finished.
    """
    came: list[int] = []

    def note(number: int, frame: Any) -> None:
        if came:
            raise KeyboardInterrupt
        came.append(number)

    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
        yield lambda: False
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)
