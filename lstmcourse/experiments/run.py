"""Run an experiment's trials on any executor, note each one when it is done, and go on after a stop.

Every finished trial is one line in a journal outside the course's own files, written at once. A run that was
killed loses only the trials that were under way; its workers end with it. The journal's name holds a hash of
what the numbers rest on, so that results of different code are never mixed. A study has one runner at a time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import multiprocessing
import os
import platform
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from numbers import Real
from pathlib import Path
from typing import Any

import numpy as np

from lstmcourse.checks import at_least, generator, given, instance, text, truth
from lstmcourse.errors import FileError
from lstmcourse.experiments.define import Experiment, _key, get
from lstmcourse.experiments.store import DATA, Agreement, Results, Trial, _rounded, agree, load, rerun, save
from lstmcourse.files import whole as files
from lstmcourse.files.paths import cache_folder, expand
from lstmcourse.revision import ENGINE_REVISION, __version__
from lstmcourse.training.progress import bar as progress_bar

__all__ = ["StudyInUseError", "TrialError", "confirm", "journal_path", "run"]

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def an_executor(name: str, value: Any) -> Executor:
    """An executor of concurrent.futures."""
    return instance(name, value, Executor, "concurrent.futures.ThreadPoolExecutor()")


def an_experiment(name: str, value: Any) -> Experiment:
    """An experiment."""
    return instance(name, value, Experiment, "lstmcourse.experiments.get(name)")


class TrialError(RuntimeError):
    """A trial failed; the message says which. What is finished is in the journal."""


class StudyInUseError(RuntimeError):
    """Another runner is at this study."""


@given(name=text, executor=an_executor, workers=at_least(1), progress=truth)
def run(
    name: str,
    *,
    executor: Executor | None = None,
    workers: int = 2,
    progress: bool = True,
    data: Path | None = None,
    journal: Path | None = None,
) -> Results:
    """Run what is missing of an experiment, store all of it, and return it.

    Parameters
    ----------
    name : str
        An experiment of `names`.
    executor : concurrent.futures.Executor, optional
        Where the trials run: threads, processes, or a cluster's executor. If not given, `workers` processes
        with one thread of linear algebra each.
    workers : int
        Number of processes.
    progress : bool
        Whether to show a bar.
    data : Path, optional
        Folder of the stored results; the package's own if not given.
    journal : Path, optional
        File of finished trials; `journal_path` if not given.

    Returns
    -------
    Results
        All trials, also those that were there before. Stored as ``<data>/<name>.json``.

    Raises
    ------
    TrialError
        A trial raised, or did not return numbers, or a worker was killed. No other trial begins then; those
        that are finished, or under way, are kept.
    StudyInUseError
        Another runner has this journal, or stores these results.
    """
    e = get(name)
    data = DATA if data is None else expand(data, "data")
    journal = journal_path(e) if journal is None else expand(journal, "journal")
    with _alone(e, journal), _alone(e, data / f"{name}.json"):
        code, done = e.code(), _finished(e, journal, data)
        missing = [(point, seed) for point, seed in e.trials if _key(point, seed) not in done]
        with _bar(e, len(done), progress) as bar, _executor(executor, workers, missing) as pool:
            futures = {
                pool.submit(_measured, e.measure, point, seed): (point, seed) for point, seed in missing
            }
            for trial in _trials(e, futures):
                _note(journal, trial)
                done[trial.key] = trial
                bar.update()
        _require_same(e, code)
        results = Results(e.name, tuple(done[_key(*trial)] for trial in e.trials), e.provenance())
        save(results, data)
        journal.unlink(missing_ok=True)
    return results


@given(name=text, k=at_least(1), rng=generator)
def confirm(
    name: str, k: int, *, data: Path | None = None, rng: np.random.Generator | None = None
) -> Agreement:
    """Measure a part of stored trials again and, if it agrees, store that all of them hold for today's code.

    Parameters
    ----------
    name : str
        A stored experiment, of which no trial is missing.
    k : int
        How many trials to measure again.
    data : Path, optional
        Folder of the stored results; the package's own if not given.
    rng : numpy.random.Generator, optional
        Draws the trials.

    Returns
    -------
    Agreement
        What `agree` says. The trials themselves stay as they are.
    """
    e, data = get(name), DATA if data is None else expand(data, "data")
    with _alone(e, data / f"{name}.json"):
        code, stored = e.code(), load(name, data=data)
        said = agree(name, rerun(name, k, data=data, rng=rng), data=data)
        _require_same(e, code)
        if said:
            confirmed = {"trials measured again": k, "with": _origin()}
            save(replace(stored, provenance=e.provenance() | {"confirmed": confirmed}), data)
    return said


@given(e=an_experiment)
def journal_path(e: Experiment) -> Path:
    """Return the file that notes the finished trials of this experiment with the present code.

    It lies in `lstmcourse.files.cache_folder`.
    """
    code = hashlib.sha256(json.dumps(e.code(), sort_keys=True).encode()).hexdigest()[:12]
    return cache_folder() / "experiments" / f"{e.name}-{code}.jsonl"


def _finished(e: Experiment, journal: Path, data: Path) -> dict[tuple, Trial]:
    """Return the trials of the grid that are known: in the journal, or stored by the same code.

    What is damaged is named in the log, and measured again.
    """
    known = []

    def read(source: Callable[[], Any]) -> None:
        try:
            known.extend(source())
        except FileNotFoundError:
            return
        except FileError as error:
            logging.getLogger(__name__).warning("%s; it is measured again", error)

    def stored() -> tuple[Trial, ...]:
        found = load(e.name, data=data)
        return found.trials if found.provenance["code"] == e.code() else ()

    read(stored)
    if journal.exists():
        with files.opened(journal) as lines:
            for n, line in enumerate(lines, 1):
                if line.strip():
                    read(lambda at=f"{journal}, line {n},", line=line: [_parsed(line, at)])
    wanted = {_key(*trial) for trial in e.trials}
    return {t.key: t for t in known if t.key in wanted}


def _parsed(line: bytes, place: str) -> Trial:
    """Return the trial in a line of a journal; FileError, which names the place, if it is none."""
    return Trial.parse(files.parse_json(line, f"{place} is"), place)


def _require_same(e: Experiment, code: dict[str, Any]) -> None:
    """Raise TrialError if the code has changed since."""
    if e.code() != code:
        raise TrialError(
            f"{e.name}: the code changed while the trials ran, so nothing is stored: run it again"
        )


def _note(journal: Path, trial: Trial) -> None:
    """Add a finished trial to the journal: one write, on the disk when this returns."""
    # A line that was cut short by a kill has no end: begin on a new one.
    line = "\n" + json.dumps(trial.as_json()) + "\n"
    with open(journal, "ab", buffering=0) as f:
        f.write(line.encode())
        os.fsync(f.fileno())


def _measured(measure: Callable[..., Any], point: dict[str, Any], seed: int) -> tuple[Any, str]:
    """Measure one trial, wherever it runs, and say with what."""
    return measure(**point, seed=seed), _origin()


def _origin() -> str:
    """Return versions and the kind of machine, in words."""
    versions = {
        "Python": platform.python_version(),
        "NumPy": np.__version__,
        "lstmcourse": __version__,
    }
    words = [
        *(f"{name} {version}" for name, version in versions.items()),
        f"engine revision {ENGINE_REVISION}",
    ]
    return ", ".join([*words, platform.machine()])


def _trials(e: Experiment, futures: dict[Future, tuple[dict[str, Any], int]]) -> Iterator[Trial]:
    """Give each trial when it is done. After a failure let those under way finish, then raise TrialError."""
    failure, running = None, set(futures)
    try:
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                try:
                    yield _checked(e, *futures[future], future)
                except TrialError as error:
                    failure = failure or error
            if failure:
                running = {future for future in running if not future.cancel()}
    finally:
        for future in running:
            future.cancel()
    if failure:
        raise failure


def _checked(e: Experiment, point: dict[str, Any], seed: int, future: Future) -> Trial:
    """Return a trial with its numbers rounded as they are stored, or raise a TrialError that names it."""
    where = f"{e.name}: {', '.join(f'{k}={v!r}' for k, v in point.items())}, seed={seed}"
    try:
        values, origin = future.result()
    except BrokenExecutor as error:
        raise TrialError(
            f"{e.name}: a worker was killed, perhaps for want of memory. Finished trials are kept: run again"
        ) from error
    except Exception as error:
        raise TrialError(
            f"{where}: {type(error).__name__}: {error}. Finished trials are kept: mend this one and run again"
        ) from error
    if not isinstance(values, dict) or not all(isinstance(v, Real) for v in values.values()):
        raise TrialError(f"{where}: returned {values!r}, not a dict of numbers")
    missing = [key for key in e.agree if key not in values]
    if missing:
        raise TrialError(
            f"{where}: returned {sorted(values)}, without {missing} for which agreement is stated"
        )
    return Trial(point, seed, {key: _rounded(float(value)) for key, value in values.items()}, origin)


@contextmanager
def _alone(e: Experiment, path: Path) -> Iterator[None]:
    """Hold the lock beside a file. The system lets go of it when this process ends, however that ends."""
    path = path.with_suffix(".lock")
    try:
        with files.alone(path):
            yield
    except BlockingIOError as error:
        raise StudyInUseError(
            f"{e.name}: another runner is at it and holds {path}; let it finish, or stop it"
        ) from error


def _end_with(parent: Connection) -> None:
    """Let this worker end when the other end of a pipe is closed: when its runner ends, be it by a kill.

    One that is ready only after its runner has ended takes up no trial: it ends here.
    """

    def closed(timeout: float | None) -> bool:
        try:
            return parent.poll(timeout)
        except OSError:  # so Windows may say it
            return True

    def watch() -> None:
        try:
            closed(None)
        finally:
            os._exit(1)

    if closed(0):
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def _executor(executor: Executor | None, workers: int, missing: list) -> Iterator[Executor | None]:
    """Give the caller's executor, or one of our own whose processes use one thread each."""
    if executor is not None or not missing:
        yield executor
        return
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        fresh = multiprocessing.get_context(
            "spawn"
        )  # a fork would inherit a BLAS that has its threads already
        theirs, ours = fresh.Pipe(duplex=False)  # ours lies in this process alone
        with ProcessPoolExecutor(
            min(workers, len(missing)), mp_context=fresh, initializer=_end_with, initargs=(theirs,)
        ) as pool:
            try:
                yield pool
            except BaseException:
                ours.close()
                raise
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def _bar(e: Experiment, done: int, progress: bool) -> Iterator[Any]:
    """Show how many trials are done and the time left."""
    with progress_bar(len(e.trials), done, e.name, "trial", disable=not progress) as bar:
        yield bar


def _stale(e: Experiment, data: Path | None = None) -> str:
    """Return in words why stored results do not hold for the present code; nothing if they do."""
    try:
        stored = load(e.name, data=data)
    except FileNotFoundError:
        return f"not run yet, {len(e.trials)} trials"
    except FileError as error:
        return " ".join(str(error).split())
    now, then = e.code(), stored.provenance["code"]
    changed = [key for key in {**then, **now} if now.get(key) != then.get(key)]
    missing = len({_key(*t) for t in e.trials} - {t.key for t in stored.trials})
    return "; ".join(
        [f"changed since: {', '.join(changed)}"] * bool(changed)
        + [f"{missing} trials missing"] * bool(missing)
    )
