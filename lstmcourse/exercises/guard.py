"""`run_apart`: run what a reader wrote, whatever it does, and come back with what it made.

It may raise, print without end, loop for ever, change what it is given, ask the course for the answer, or
change the course, Python's settings, or what other threads do. It runs in a thread of its own: a thread can
be ended from outside on every system, as long as it runs Python, and the frames above it hold nothing that is
worth reading.

This stops what a learner may try, not what an attacker can do: within one process nothing is safe from code
that reads files, starts processes, or calls C. One call of C that does not come back, such as
``sum(range(10**15))``, holds up the notebook as it does in any other cell.
"""

from __future__ import annotations

import _thread
import contextlib
import ctypes
import dis
import functools
import io
import os
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

from ..programs.threads import held_at_fork
from ..run.backends import undecided
from .kept import Kept, rests_on

__all__ = ["COURSE", "ONE_AT_A_TIME", "Outcome", "run_apart"]

SECONDS = 1.5  # of the processor's time, that an answer may take; those of the course take a hundredth of it
WAITING = 4.0  # seconds after which one that waits is left; where others use the processor, it may go on
IDLE = 0.03  # the share of the processor below which it waits: one that computes beside 20 others has more
LONGEST = 10  # times as long is the most in any case
DEEP = 20  # calls, of a traceback, that are looked at
PRINTED = 2_000  # characters that are passed on

COURSE = str(Path(__file__).parent.parent) + os.sep
"""Where the files of the package lie."""
_ANSWERS = str(Path(__file__).parent) + os.sep


class _Asked(BaseException):
    """Raised where an answer calls what it is compared with, or looks for it."""


class _Ended(SystemExit):
    """Raised in an answer that does not end: nothing is said of it if it is caught nowhere in a thread."""


SEARCHES = {"gc.get_objects", "gc.get_referrers", "gc.get_referents", "sys._current_frames", "code.__new__"}
"""By what an answer finds, or disguises, what it is compared with; Python's names of these events."""
STARTS = {f for name, f in vars(_thread).items() if name.startswith("start_")}
OUTSIDE = {
    getattr(module, name)
    for module, names in {
        os: "_exit abort execv execve fork forkpty kill killpg",
        signal: "alarm pthread_kill raise_signal setitimer",
        sys: "_setprofileallthreads _settraceallthreads setrecursionlimit setswitchinterval",
        _thread: "interrupt_main",
    }.items()
    for name in names.split()
    if hasattr(module, name)
}
"""What ends, interrupts or holds up the whole notebook, and so the check itself."""


def _audit(event: str, given: tuple) -> None:
    """Refuse what an answer's thread, which is known by its profile function, does to find the reference."""
    if (
        event in SEARCHES
        or (event == "object.__setattr__" and rests_on(given[0], code=given[1] == "__code__"))
        or event == "sys.addaudithook"  # which could not be taken away again
        or (event == "ctypes.dlsym" and str(given[1]).startswith(("Py", "_Py")))
    ):
        asked = getattr(sys.getprofile(), "asked", None)
        if asked is not None:
            asked.append(event)
            raise _Asked


sys.addaudithook(_audit)

ONE_AT_A_TIME = threading.RLock()
"""One answer at a time: where texts are printed to, and what is put back, belongs to the process."""
held_at_fork(ONE_AT_A_TIME)


@dataclass
class Outcome:
    """What came of it: `value`, or `problem`, a word, with `said`, a sentence's end."""

    value: Any = None
    problem: str = ""
    said: str = ""
    printed: str = field(default="", repr=False)


class _Paper(io.TextIOBase):
    """Takes any amount of text, and keeps the beginning."""

    def __init__(self):
        self.text = ""

    def write(self, text: str) -> int:
        if len(self.text) < PRINTED:
            self.text += text[: PRINTED - len(self.text)]
        return len(text)


def run_apart(work: Callable[[], Any], *, course: bool = False, seconds: float = SECONDS) -> Outcome:
    """Call a function that calls what a reader wrote; where several threads ask, one after the other.

    Parameters
    ----------
    work : callable
        Its value has to be plain data by then: nothing of the reader's runs afterwards.
    course : bool
        Whether the answer may call the course's package. What it is compared with, it may never call.
    seconds : float
        Of the processor's time, after which it is ended.

    Returns
    -------
    Outcome
        Nothing that the answer does is raised here.

    Examples
    --------
    >>> run_apart(lambda: 1 + 1)
    Outcome(value=2, problem='', said='')
    >>> run_apart(lambda: 1 / 0).problem
    'raises'
    """
    with ONE_AT_A_TIME:
        return _run_apart(work, _ANSWERS if course else COURSE, seconds)


def _run_apart(work: Callable[[], Any], forbidden: str, seconds: float) -> Outcome:
    outcome, paper = Outcome(), _Paper()
    asked, outside, late, ended, started = [], [], [], [], []

    def watch(frame: FrameType, event: str, argument: Any) -> None:
        if late or ended:  # in a thread that it has left, too
            raise _Ended
        if event == "c_call" and argument in OUTSIDE:
            outside.append(f"{argument.__module__}.{argument.__name__}")
            raise _Asked
        if event == "c_call" and argument in STARTS:  # its threads are watched as well
            thread = frame.f_locals.get("self") if frame.f_code is threading.Thread.start.__code__ else None
            if thread is None:
                asked.append(argument.__name__)
                raise _Asked
            thread.run = functools.partial(_watched, watch, thread.run)
            started.append(thread)
        if (
            event == "call"
            and (called := frame.f_code.co_filename).startswith(forbidden)
            and called != __file__
        ):
            before = frame.f_back.f_code.co_filename if frame.f_back else COURSE
            if not before.startswith(COURSE):  # the reader's own line calls it
                asked.append(frame.f_code.co_qualname)
                raise _Asked

    watch.asked = asked  # type: ignore[attr-defined]

    def attempt() -> None:
        sys.setprofile(watch)
        try:
            with np.errstate(all="ignore"):
                outcome.value = work()
            if sys.getprofile() is not watch:
                asked.append("sys.setprofile")
        except BaseException as error:
            if late or isinstance(error, _Asked):
                raise
            sys.setprofile(None)
            outcome.problem, outcome.said = "raises", _described(error)
        finally:
            sys.setprofile(None)

    def apart() -> None:
        try:
            with undecided():  # a verdict does not depend on what `use` says, nor waits for a compiler
                attempt()
        except BaseException:  # it has asked the course, or is being ended
            pass
        finally:
            ended.append(True)

    kept = Kept()
    thread = threading.Thread(target=apart, daemon=True, name="an answer")
    with (
        contextlib.redirect_stdout(paper),
        contextlib.redirect_stderr(paper),
        warnings.catch_warnings(),
        _unsaid(_Asked, _Ended),
    ):
        warnings.simplefilter("ignore")
        began, patience = time.process_time(), WAITING * seconds / SECONDS
        thread.start()
        for _ in range(LONGEST):
            used, end = time.process_time(), time.monotonic() + patience
            while thread.is_alive() and time.process_time() - began < seconds and time.monotonic() < end:
                thread.join(0.02)
            if time.process_time() - used < IDLE * patience or time.monotonic() < end:
                break
        late += [True] * thread.is_alive()
        used, end = time.process_time(), time.monotonic() + 2.5  # longer where others use the processor
        # One that only waits is not sent an exception: as long as it has not come, CPython 3.11 lets no other
        # thread with a profile function run (measured).
        busy = used - began >= seconds
        while busy and thread.is_alive() and time.process_time() - used < 0.25 and time.monotonic() < end:
            if not ended:
                _raise_in(thread, _Ended)  # again and again: an answer, or Python, may catch it
            thread.join(0.005)
    _end(started)
    changed = kept.put_back()
    if outside:
        return Outcome(problem="reaches outside", said=outside[0], printed=paper.text)
    if late:
        return Outcome(problem="does not end", printed=paper.text)
    outcome.printed = paper.text
    if changed:
        outcome = Outcome(problem="changes the course", said=changed, printed=paper.text)
    elif asked:
        outcome = Outcome(problem="asks the course", said=asked[0], printed=paper.text)
    return outcome


@contextlib.contextmanager
def _unsaid(*kinds: type[BaseException]) -> Iterator[None]:
    """Say nothing of exceptions that come where Python can only report them: in `__del__`, or a callback."""
    said = sys.unraisablehook
    sys.unraisablehook = lambda it: None if issubclass(it.exc_type, kinds) else said(it)
    try:
        yield
    finally:
        sys.unraisablehook = said


def _watched(watch: Callable, run: Callable[[], None]) -> None:
    sys.setprofile(watch)
    with contextlib.suppress(_Asked, _Ended):  # it has been noted
        run()


def _end(threads: list[threading.Thread]) -> None:
    """End the threads that an answer has left in a loop; those that wait, or call something, `watch` ends."""
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        frames = sys._current_frames()
        looping = [t for t in threads if t.is_alive() and _loops(frames.get(t.ident))]
        if not looping:
            break
        for thread in looping:
            _raise_in(thread, _Ended)
        time.sleep(0.005)


def _loops(frame: FrameType | None) -> bool:
    """Whether a frame is on its way back in a loop: there Python changes from one thread to another."""
    return frame is not None and "JUMP_BACKWARD" in dis.opname[frame.f_code.co_code[frame.f_lasti]]


def _raise_in(thread: threading.Thread, kind: type[BaseException]) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(kind))


def _described(error: BaseException) -> str:
    """Kind and message, and the line of the reader's that raised."""
    try:
        words = " ".join(f"{type(error).__name__}: {error}".split())
    except Exception:  # its __str__ raises
        words = type(error).__name__
    steps = [
        s for s in traceback.extract_tb(error.__traceback__, limit=-DEEP) if not s.filename.startswith(COURSE)
    ]
    line = steps[-1].line if steps else ""
    return f"{words[:200]}{f', at the line: {line.strip()}' if line and line.strip() else ''}"
