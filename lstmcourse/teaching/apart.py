"""`judged`: run an answer in a process of its own, and say what the exercise's check makes of it.

The process is forked from a server that has imported the course (on Windows it is started afresh). It has a
folder of its own that goes afterwards, no terminal, a limit of time and of memory, and dies with what it
has started. It is no sandbox: what a student wrote runs with the rights of who grades.
"""

from __future__ import annotations

import contextlib
import copy
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np

from ..exercises.define import Exercise, get
from ..exercises.kept import Kept
from ..exercises.verdict import Verdict
from ..programs.threads import held_at_fork
from .lesson import Answer

__all__ = ["Limits", "judged", "stop"]

WORDS = 1_000  # characters of a message
SENT = 1 << 16  # bytes of what comes out of the process
FILE = 1 << 28  # bytes of a file that an answer may write, where the system has such a limit
GRACE = 5.0  # seconds
TRIES = 3  # to start a process
SCREEN = ("DISPLAY", "WAYLAND_DISPLAY")
PRELOADED = ["lstmcourse", "lstmcourse.teaching.preloaded"]
ERROR, LATE, NOTHING, SOLVED, WRONG = "error", "time ran out", "not answered", "solved", "wrong"
KINDS = (SOLVED, WRONG, ERROR, LATE, NOTHING)
"""Verdicts, the best first: of several copies of a lesson the best answer counts."""


@dataclass(frozen=True)
class Limits:
    """What an answer may take.

    Attributes
    ----------
    seconds : float
        From the start of its process to the verdict.
    megabytes : int
        Of memory, beyond what the course itself takes; on Linux only.
    """

    seconds: float = 120.0
    megabytes: int = 2048


def judged(answer: Answer, id: str, limits: Limits = Limits()) -> tuple[str, str]:  # noqa: B008
    """Run an answer, and give it to its exercise's check.

    Parameters
    ----------
    answer : Answer
    id : str
        Of the exercise.
    limits : Limits

    Returns
    -------
    verdict : str
        ``"solved"``, ``"wrong: "`` and the mistake's name, ``"not answered"``, ``"error: "`` and which, or
        ``"time ran out"``.
    message : str
        What the check said.

    Examples
    --------
    >>> judged(Answer((), "prediction = 'nothing changes'", "prediction"), "05.2")[0]
    'wrong: nothing changes'
    """
    with tempfile.TemporaryDirectory(prefix="lstmcourse-", ignore_cleanup_errors=True) as folder:
        process, ours = _started(answer, id, folder, limits)
        with ours:
            try:
                if not wait([ours, process.sentinel], limits.seconds):
                    return LATE, f"It took more than {limits.seconds:g} s."
                wait([ours], GRACE)  # its end is said too early where it has ended the server
            finally:
                _end(process)  # first: then nobody is left who could write half a message, and wait
                process.join(GRACE)
                _RUNNING.discard(process)
            ended = f"Its process ended: {_ending(process.exitcode)}."
            return _received(ours) or (f"{ERROR}: the process ended", ended)


_RUNNING: set[BaseProcess] = set()


def stop() -> None:
    """End all answers that run."""
    for process in list(_RUNNING):
        _end(process)


def _started(answer: Answer, id: str, folder: str, limits: Limits) -> tuple[BaseProcess, Connection]:
    """A process that runs an answer, and where it will say what came of it."""
    for _ in range(TRIES):  # an answer may have ended the server that processes are forked from
        context = _context()
        ours, its = context.Pipe(duplex=False)
        process = context.Process(target=_in_process, args=(its, answer, id, folder, limits))
        _RUNNING.add(process)
        with its:
            try:
                process.start()
                return process, ours
            except (OSError, EOFError) as error:
                _RUNNING.discard(process)
                ours.close()
                failed = error
    raise OSError(f"no process can be started ({failed})")


def _received(connection: Connection) -> tuple[str, str] | None:
    """What the process sent; JSON, for to unpickle it would run it."""
    try:
        if not connection.poll():
            return None
        verdict, message = map(str, json.loads(connection.recv_bytes(SENT)))
    except (OSError, EOFError, ValueError, TypeError, RecursionError):
        return None
    return (verdict, message) if verdict.partition(":")[0] in KINDS else None


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"signal {signal.Signals(-code).name}"
    return f"exit code {code}"


# What differs between systems


def _context() -> BaseContext:
    """How processes are started: forked from a server that has imported the course, where there is fork."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    path = os.pathsep.join(sys.path)
    with _STARTING, _environment(PYTHONPATH=path, OPENBLAS_NUM_THREADS="1", MPLBACKEND="agg"):
        context.set_forkserver_preload(PRELOADED)
        forkserver.ensure_running()
    return context


_STARTING = threading.Lock()
held_at_fork(_STARTING)


@contextlib.contextmanager
def _environment(**values: str) -> Iterator[None]:
    """Set variables for what is started inside."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _alone() -> None:
    """Leave the terminal, and lead a group of processes that can be ended together."""
    if hasattr(os, "setsid"):
        os.setsid()


def _end(process: BaseProcess) -> None:
    """End a process, and with it what it has started, where that can be said at once."""
    if process.pid is None:  # it is about to start
        return
    if hasattr(os, "killpg"):
        with contextlib.suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
    process.kill()


def _confine(limits: Limits) -> None:
    """Limit memory and the size of files, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, ValueError):  # it may be lower already
        resource.setrlimit(resource.RLIMIT_FSIZE, (FILE, FILE))
    with contextlib.suppress(OSError, ValueError):
        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * resource.getpagesize()
        most = now + (limits.megabytes << 20)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


# In the process


def _in_process(connection: Connection, answer: Answer, id: str, folder: str, limits: Limits) -> None:
    _alone()
    os.mkdir(own := os.path.join(folder, "own"))
    os.chdir(own)
    for name in SCREEN:
        os.environ.pop(name, None)
    os.environ["BROWSER"] = "true"  # a program that opens nothing
    os.environ["LSTMCOURSE_CACHE_DIR"] = folder  # what it compiles is not kept for others
    with open(os.devnull, "r+b") as nothing:
        for number in range(3):
            os.dup2(nothing.fileno(), number)
    sys.stdin = open(os.devnull)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8", errors="replace")
    try:
        exercise = get(id)
        shell, kept = _shell(folder), Kept()
        _confine(limits)
        verdict, message = _run(shell, kept, exercise, answer)
    except BaseException as error:
        verdict, message = f"{ERROR}: {_named(error)}", _said(error)
    connection.send_bytes(json.dumps([verdict[:WORDS], message[:WORDS]]).encode())
    os._exit(0)  # whatever it has left running


def _shell(folder: str) -> Any:
    """IPython, which knows what may stand in a cell, without a kernel, a history, and pages of traceback."""
    import matplotlib
    import threadpoolctl
    from IPython.core.interactiveshell import InteractiveShell
    from traitlets.config import Config

    class Shell(InteractiveShell):
        def enable_gui(self, gui: Any = None) -> None:
            """There are no windows."""

        def showtraceback(self, *given: Any, **named: Any) -> None:
            """Nobody reads it."""

        showsyntaxerror = showtraceback

    matplotlib.use("agg")
    threadpoolctl.threadpool_limits(1)
    settings = Config()
    settings.HistoryManager.enabled = False
    return Shell.instance(config=settings, ipython_dir=folder)


def _run(shell: Any, kept: Kept, exercise: Exercise, answer: Answer) -> tuple[str, str]:
    """Run the cells, put the course back as it was, and ask the check."""
    judge = copy.copy(exercise.judge)  # what is set on the exercise's own is not believed
    _cells(shell, answer.before)
    error = _cells(shell, [answer.source])
    if error is not None:
        return f"{ERROR}: {_named(error)}", _said(error)
    kept.put_back()
    verdict = judge(eval(answer.given, shell.user_ns), np.random.default_rng(0))
    if type(verdict) is not Verdict or judge(object(), np.random.default_rng(0)):
        return f"{ERROR}: the check was changed", "The notebook changed the check, and nothing can be said."
    if verdict.right is True:
        return SOLVED, verdict.message
    if verdict.mistake == "nothing yet":
        return NOTHING, verdict.message
    return f"{WRONG}: {verdict.mistake}", verdict.message


def _cells(shell: Any, sources: Sequence[str]) -> BaseException | None:
    """Run cells; return the error of the last, and go on after those of others, as a reader does."""
    error = None
    for source in sources:
        result = shell.run_cell(source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
    return error


def _named(error: BaseException) -> str:
    """Its kind; of a name that is missing, which."""
    if type(error) is NameError and isinstance(error.name, str):
        return f"NameError: {error.name}"
    return type(error).__name__


def _said(error: BaseException) -> str:
    try:
        return " ".join(f"{type(error).__name__}: {error}".split())
    except BaseException:  # its __str__ raises
        return type(error).__name__
