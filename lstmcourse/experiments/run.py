"""Run an experiment's trials on any executor, note each one when it is done, and go on after a stop.

Optuna keeps what is measured, in a journal outside the course's own files or in a database; see `ledger`. A
run that was killed loses only the trials that were under way; its workers end with it. The study's name there
holds a hash of what the numbers rest on, so that results of different code are never mixed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import pickle
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import contextmanager
from dataclasses import replace
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lstmcourse.checks import at_least, generator, given, instance, shown, text, truth
from lstmcourse.errors import FileError
from lstmcourse.experiments import executors
from lstmcourse.experiments.cost import TIMES, note_time
from lstmcourse.experiments.define import Experiment, get
from lstmcourse.experiments.store import (
    DATA,
    PART,
    Agreement,
    Results,
    Trial,
    _rounded,
    agree,
    load,
    read_part,
    rerun,
    save,
)
from lstmcourse.files import whole as files
from lstmcourse.files.paths import cache_folder, expand
from lstmcourse.revision import ENGINE_REVISION, __version__
from lstmcourse.run.backends import undecided
from lstmcourse.tasks import MissingPackageError
from lstmcourse.training.progress import bar as progress_bar

if TYPE_CHECKING:
    from lstmcourse.experiments.ledger import Claim, Ledger

__all__ = ["StudyInUseError", "StudyStoppedError", "TrialError", "confirm", "journal_path", "run"]

KILLS = 3
"""How many workers may be killed under one trial."""


def an_executor(name: str, value: Any) -> Executor:
    """An executor of concurrent.futures."""
    return instance(name, value, Executor, "concurrent.futures.ThreadPoolExecutor()")


def an_experiment(name: str, value: Any) -> Experiment:
    """An experiment."""
    return instance(name, value, Experiment, "lstmcourse.experiments.get(name)")


class TrialError(RuntimeError):
    """A trial failed; the message says which. What is finished is kept."""


class StudyInUseError(RuntimeError):
    """Another runner is at this study."""


class StudyStoppedError(RuntimeError):
    """Somebody asked the runners of this study to stop. What is finished is kept."""


@given(name=text, executor=an_executor, workers=at_least(1), progress=truth, storage=text)
def run(
    name: str,
    *,
    executor: Executor | None = None,
    workers: int = 2,
    progress: bool = True,
    data: Path | None = None,
    journal: Path | None = None,
    storage: str | None = None,
) -> Results:
    """Run what is missing of an experiment, store all of it, and return it.

    Several runners, on one machine or on many, share the work if they share the journal or the database. What
    a killed one had under way is taken up by another, or by the next.

    Parameters
    ----------
    name : str
        An experiment of `names`.
    executor : concurrent.futures.Executor, optional
        Where the trials run: threads, processes, or a cluster's executor. If not given, `workers` processes
        with one thread of linear algebra each; one that is killed is replaced.
    workers : int
        Number of processes; or of trials at a time, on an executor that does not say how many it takes.
    progress : bool
        Whether to show a bar.
    data : Path, optional
        Folder of the stored results; the package's own if not given.
    journal : Path, optional
        Optuna's journal, a file; `journal_path` if not given. It is removed when all is stored.
    storage : str, optional
        Instead of a journal, the URL of a database that keeps all studies, such as
        ``"postgresql://user@host/studies"`` or ``"sqlite:///studies.db"``. What it holds stays there.

    Returns
    -------
    Results
        All trials, also those that were there before. Stored as ``<data>/<name>.json``.

    Raises
    ------
    TrialError
        A trial raised, or did not return numbers, or workers were killed under it three times. No other
        trial begins then; those that are finished, or under way, are kept.
    StudyStoppedError
        Somebody asked the runners to stop.
    MissingPackageError, MissingSourceError
        Optuna is not installed, or what the study needs is not here.
    ValueError
        Both a journal and a database are given, or the database cannot be opened.
    ConnectionError
        The database no longer answers.
    """
    e, code = get(name), get(name).code()
    where, data = place(e, journal, storage), DATA if data is None else expand(data, "data")
    with joined(e, where, data) as ledger:
        if not ledger.complete:
            if e.needs is not None:
                e.needs()
            with _bar(e, ledger, progress) as bar, _workers(e, executor, workers, ledger) as make:
                _measure(e, ledger, make, executor is None, workers, bar)
        _require_same(e, code)
        results = Results(e.name, tuple(ledger.done[key] for key in e.keys), e.provenance())
        with _alone(e, data / f"{name}.json"):
            save(results, data)
            (data / f"{name}{PART}").unlink(missing_ok=True)
        with _alone(e, data / TIMES):
            note_time(data, name, ledger.seconds())
        ledger.stored = True
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

    Raises
    ------
    StudyInUseError
        Somebody else stored other results meanwhile.
    """
    e, data = get(name), DATA if data is None else expand(data, "data")
    code, stored = e.code(), load(name, data=data)
    said = agree(name, rerun(name, k, data=data, rng=rng), data=data)
    _require_same(e, code)
    if said:
        confirmed = {"trials measured again": k, "with": _origin()}
        with _alone(e, data / f"{name}.json"):
            if load(name, data=data).provenance != stored.provenance:
                raise StudyInUseError(f"{name}: somebody else stored other results meanwhile; see --list")
            save(replace(stored, provenance=e.provenance() | {"confirmed": confirmed}), data)
    return said


@given(e=an_experiment)
def journal_path(e: Experiment) -> Path:
    """Return the file in which Optuna keeps the trials of this experiment with the present code.

    It lies in `lstmcourse.files.cache_folder`.
    """
    return cache_folder() / "experiments" / f"{_study(e)}.jsonl"


def _study(e: Experiment) -> str:
    """Return what Optuna calls this study: a name for each state of the code, and of what is searched."""
    rests_on = {k: v for k, v in e.provenance().items() if k in ("code", "search")}
    plain = rests_on if "search" in rests_on else rests_on["code"]
    return f"{e.name}-{hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]}"


def place(e: Experiment, journal: Path | None, storage: str | None) -> Path | str:
    """Return a journal's path, or a database's URL."""
    if journal is not None and storage is not None:
        raise ValueError(f"journal={str(journal)!r} and storage={storage!r}: give one of them")
    return storage or (journal_path(e) if journal is None else expand(journal, "journal"))


def known(e: Experiment, data: Path) -> dict[tuple, Trial]:
    """Return what the same code has measured, of all that is stored; what is damaged is in the log."""
    part = data / f"{e.name}{PART}"
    found: dict[tuple, Trial] = {}
    for read in [lambda: read_part(part)] * part.exists() + [lambda: load(e.name, data=data)]:
        try:
            results = read()
        except FileNotFoundError:
            continue
        except FileError as error:
            logging.getLogger(__name__).warning("%s; it is measured again", error)
            continue
        if not changed(e, results):
            found |= {t.key: t for t in results.trials}
    return found


def _optuna() -> tuple[Any, Any]:
    """Return the two modules that need Optuna: all else of the course does without."""
    try:
        from lstmcourse.experiments import ledger, storages
    except ImportError as error:
        raise MissingPackageError(
            "to run studies Optuna is needed, which is not installed: pip install 'lstmcourse[studies]'"
        ) from error
    return ledger, storages


@contextmanager
def joined(e: Experiment, where: Path | str, data: Path) -> Iterator[Ledger]:
    """Take part in a study."""
    try:
        with _optuna()[1].joined(e, _study(e), where, known(e, data)) as ledger:
            yield ledger
    except BlockingIOError as error:
        raise StudyInUseError(
            f"{e.name}: another runner holds {error.filename}; let it finish, or stop it"
        ) from error


@contextmanager
def seen(
    e: Experiment, data: Path | None, journal: Path | None, storage: str | None
) -> Iterator[Ledger | None]:
    """Look at a study without taking part; None where there is no journal."""
    where, data = place(e, journal, storage), DATA if data is None else expand(data, "data")
    if isinstance(where, Path) and not where.exists():
        yield None
    else:
        ledger, storages = _optuna()
        with storages.storage(e, _study(e), where) as kept:
            yield ledger.Ledger(e, kept, _study(e), known(e, data))


def status(
    e: Experiment, *, data: Path | None = None, journal: Path | None = None, storage: str | None = None
) -> str:
    """Say in words how far a study is, who is at it, and when it will be done."""
    with seen(e, data, journal, storage) as ledger:
        if ledger is None:
            return f"{e.name}: {_stale(e, data) or f'current, {len(e.trials)} trials'}; nobody is at it"
        runners, times = ledger.runners(), ledger.finished_at()[-50:]
        words = f"{e.name}: {ledger.count} of {len(ledger.wanted)} trials are measured"
        if not runners:
            return f"{words}; nobody is at it"
        words += f", {len(ledger.running)} under way"
        if len(times) > 1 and (seconds := (times[-1] - times[0]).total_seconds()):
            rate = 3600 * (len(times) - 1) / seconds
            left = (len(ledger.wanted) - ledger.count) / rate
            words += f"; {rate:.0f} an hour, {int(left)} h {left % 1 * 60:.0f} min left"
    rows = [
        f"    {says['host']}, process {says['process']}, seen {time.time() - says['at']:.0f} s ago"
        for says in runners
    ]
    return "\n".join([words, *rows])


def ask_to_stop(
    e: Experiment, *, data: Path | None = None, journal: Path | None = None, storage: str | None = None
) -> str:
    """Ask all runners of a study to stop, and say in words whom."""
    with seen(e, data, journal, storage) as ledger:
        if ledger is None or not ledger.runners():
            return f"{e.name}: nobody is at it"
        ledger.ask_to_stop()
        asked, running = len(ledger.runners()), len(ledger.running)
        return f"{e.name}: asked {asked} to stop; what is under way ({running} trials) is finished first"


def _measure(
    e: Experiment, ledger: Ledger, make: Callable[[], Executor], ours: bool, workers: int, bar: Any
) -> None:
    """Measure what nobody measures, until all trials are known; a failure waits for those under way."""
    beat, last = _optuna()[0].BEAT, time.monotonic()
    pool, stop = make(), None
    many = _slots(e, pool, workers)
    flying: dict[Future, Claim] = {}
    killed: Counter[tuple] = Counter()
    try:
        while not ledger.complete:
            if stop is None and len(flying) < many:
                flying |= {_submitted(pool, e, claim): claim for claim in ledger.claim(many - len(flying))}
            if stop and not flying:
                raise stop
            if not flying:  # others are at the rest
                time.sleep(min(beat, 0.5))
                ledger.free()
            ended = wait(flying, beat, FIRST_COMPLETED).done
            if broken := ours and any(executors.lost(future.exception()) for future in ended):
                ended = wait(flying).done  # with one process the pool loses all of them
                pool = make()
            for future in ended:
                claim = flying.pop(future)
                try:
                    ledger.finish(claim, *_checked(e, claim, future))
                except TrialError as error:
                    ledger.give_up(claim, str(error))
                    gone = broken and executors.lost(error.__cause__)
                    killed[claim.key] += gone
                    if not gone or killed[claim.key] == KILLS:
                        stop = stop or error
            if time.monotonic() - last > beat:
                last = time.monotonic()
                ledger.beat()
                many = _slots(e, pool, workers)
                if ledger.asked_to_stop:
                    words = f"{e.name}: stopped on request. Finished trials are kept: run again to go on"
                    stop = stop or StudyStoppedError(words)
            bar.update(ledger.count - bar.n)
            ended = future = None  # Dask repeats what is lost with a worker as long as anyone refers to it
    finally:
        for future in flying:
            future.cancel()
        for claim in flying.values():
            ledger.give_up(claim, "its runner was stopped")


def _slots(e: Experiment, pool: Executor, workers: int) -> int:
    """Return how many trials the executor takes at a time."""
    try:
        return executors.slots(pool, workers)
    except executors.ClusterLostError as error:
        words = f"{e.name}: the cluster is gone, {error}. Finished trials are kept: run again"
        raise TrialError(words) from error


def _submitted(pool: Executor, e: Experiment, claim: Claim) -> Future:
    """Submit a trial; if the executor has lost its workers already, the future says so."""
    try:
        return pool.submit(_measured, e.measure, claim.point, claim.seed)
    except (BrokenExecutor, OSError) as error:
        future: Future = Future()
        future.set_exception(BrokenExecutor(str(error)))
        return future


def _require_same(e: Experiment, code: dict[str, Any]) -> None:
    """Raise TrialError if the code has changed since."""
    if e.code() != code:
        raise TrialError(
            f"{e.name}: the code changed while the trials ran, so nothing is stored: run it again"
        )


def _measured(
    measure: Callable[..., Any], point: dict[str, Any], seed: int
) -> tuple[Any, str, dict[str, Any]]:
    """Measure one trial, wherever it runs, and say with what, and on which machine."""
    began = time.perf_counter()
    with undecided():
        try:
            values = measure(**point, seed=seed)
        except Exception as error:
            if not _travels(error):  # a pool that cannot read what a worker sends takes the worker for dead
                raise RuntimeError(f"{type(error).__name__}: {error}") from error
            raise
    if not _travels(values):
        raise TypeError(f"returned {shown(values)}, not a dict of numbers")
    machine = {
        "host": platform.node(),
        "process": os.getpid(),
        "system": platform.platform(),
        "cores": os.cpu_count(),
        "seconds": round(time.perf_counter() - began, 3),
    }
    return values, _origin(), machine


def _travels(thing: Any) -> bool:
    """Whether something can be sent to another process; an error with its own ``__init__`` often cannot."""
    try:
        pickle.loads(pickle.dumps(thing))
    except Exception:
        return False
    return True


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


def _checked(e: Experiment, claim: Claim, future: Future) -> tuple[Trial, dict[str, Any]]:
    """Return a trial with its numbers rounded as they are stored, and who measured it; or say what failed."""
    where = f"{e.name}: {', '.join(f'{k}={v!r}' for k, v in claim.point.items())}, seed={claim.seed}"
    try:
        values, origin, machine = future.result()
    except BaseException as error:
        if executors.lost(error):
            raise TrialError(
                f"{where}: a worker was killed, perhaps for want of memory, or its cluster has ended. "
                "Finished trials are kept: run again"
            ) from error
        if not isinstance(error, Exception):
            raise
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
    if _engine(origin) != _engine(_origin()):
        raise TrialError(
            f"{where}: a worker on {machine['host']} has {_engine(origin)}, and the runner has "
            f"{_engine(_origin())}: install the same everywhere"
        )
    numbers = {key: _rounded(float(value)) for key, value in values.items()}
    return Trial(claim.point, claim.seed, numbers, origin), machine


def _engine(origin: str) -> str:
    """Return the part of an origin that says which lstmcourse it was."""
    return ", ".join(part for part in origin.split(", ") if part.startswith(("lstmcourse", "engine")))


@contextmanager
def _alone(e: Experiment, path: Path) -> Iterator[None]:
    """Hold the lock beside a file, for a moment."""
    path = path.with_suffix(".lock")
    try:
        with files.alone(path, 10.0):
            yield
    except BlockingIOError as error:
        raise StudyInUseError(f"{e.name}: somebody else holds {path}; let him finish, or stop him") from error


@contextmanager
def _workers(
    e: Experiment, executor: Executor | None, workers: int, ledger: Ledger
) -> Iterator[Callable[[], Executor]]:
    """Give what makes an executor: the caller's, or processes of our own."""
    if executor is not None:
        yield lambda: executor
    else:
        with executors.processes(min(workers, len(ledger.wanted) - ledger.count)) as make:
            yield make


@contextmanager
def _bar(e: Experiment, ledger: Ledger, progress: bool) -> Iterator[Any]:
    """Show how many trials are done, whoever measured them, and the time left."""
    with progress_bar(len(ledger.wanted), ledger.count, e.name, "trial", disable=not progress) as bar:
        yield bar


def _stale(e: Experiment, data: Path | None = None) -> str:
    """Return in words why stored results do not hold for the present code; nothing if they do."""
    try:
        stored = load(e.name, data=data)
    except FileNotFoundError:
        return f"not run yet, {len(e.trials)} trials"
    except FileError as error:
        return " ".join(str(error).split())
    differs = changed(e, stored)
    missing = len(set(e.keys) - {t.key for t in stored.trials})
    return "; ".join(
        [f"changed since: {', '.join(differs)}"] * bool(differs)
        + [f"{missing} trials missing"] * bool(missing)
    )


def changed(e: Experiment, stored: Results) -> list[str]:
    """Return the names of what stored numbers rest on and is no longer, or not yet, as it was."""
    now, then = e.code(), stored.provenance["code"]
    return [key for key in {**then, **now} if now.get(key) != then.get(key)]
