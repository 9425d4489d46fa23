"""Run an experiment's trials on any executor, note each one when it is done, and go on after a stop.

Every finished trial is one line in a journal outside the course's own files, written at once. A run that was
killed loses only the trials that were under way. The journal's name holds a hash of the code, so that results
of different code are never mixed.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from typing import Any

from lstmcourse.experiments.define import Experiment, _key, get
from lstmcourse.experiments.store import DATA, Results, Trial, _rounded, load, provenance, save
from lstmcourse.paths import cache_folder, expand

__all__ = ["TrialError", "journal_path", "run"]

_THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


class TrialError(RuntimeError):
    """A trial failed; the message says which. What finished before it is in the journal."""


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
        A trial raised, or did not return numbers. The others that were finished are kept.
    """
    e = get(name)
    data = DATA if data is None else expand(data, "data")
    code = e.code()
    journal = journal_path(e) if journal is None else expand(journal, "journal")
    done = _finished(e, journal, data)
    missing = [(point, seed) for point, seed in e.trials if _key(point, seed) not in done]
    with _bar(e, len(done), progress) as bar, _executor(executor, workers, missing) as pool:
        futures = {pool.submit(e.measure, **point, seed=seed): (point, seed) for point, seed in missing}
        try:
            for future in as_completed(futures):
                point, seed = futures[future]
                values = _checked(e, point, seed, future)
                _note(journal, point, seed, values)
                done[_key(point, seed)] = Trial(point, seed, values)
                bar.update()
        finally:
            for future in futures:
                future.cancel()
    if e.code() != code:
        raise TrialError(
            f"{e.name}: the code changed while the trials ran, so nothing is stored: run it again"
        )
    results = Results(e.name, tuple(done[_key(*trial)] for trial in e.trials), provenance(e))
    save(results, data)
    journal.unlink(missing_ok=True)
    return results


def journal_path(e: Experiment) -> Path:
    """Return the file that notes the finished trials of this experiment with the present code.

    It lies in `lstmcourse.paths.cache_folder`.
    """
    code = hashlib.sha256(json.dumps(e.code(), sort_keys=True).encode()).hexdigest()[:12]
    return cache_folder() / "experiments" / f"{e.name}-{code}.jsonl"


def _finished(e: Experiment, journal: Path, data: Path) -> dict[tuple, Trial]:
    """Return the trials of the grid that are known: in the journal, or stored by the same code."""
    known = []
    if (data / f"{e.name}.json").exists():
        stored = load(e.name, data=data)
        if stored.provenance["code"] == e.code():
            known += stored.trials
    if journal.exists():
        for line in journal.read_text(encoding="utf-8").splitlines():
            try:
                known.append(Trial.parse(json.loads(line)))
            except (ValueError, KeyError):  # the line that was being written when the run was killed
                continue
    wanted = {_key(*trial) for trial in e.trials}
    return {t.key: t for t in known if t.key in wanted}


def _note(journal: Path, point: dict[str, Any], seed: int, values: dict[str, float]) -> None:
    """Add a finished trial to the journal: one write, on the disk when this returns."""
    journal.parent.mkdir(parents=True, exist_ok=True)
    # A line that was cut short by a kill has no end: begin on a new one.
    line = "\n" + json.dumps(Trial(point, seed, values).as_json()) + "\n"
    with open(journal, "ab", buffering=0) as f:
        f.write(line.encode())
        os.fsync(f.fileno())


def _checked(e: Experiment, point: dict[str, Any], seed: int, future: Any) -> dict[str, float]:
    """Return a trial's numbers, rounded as they are stored, or raise a TrialError that names the trial."""
    where = f"{e.name}: {', '.join(f'{k}={v!r}' for k, v in point.items())}, seed={seed}"
    try:
        values = future.result()
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
    return {key: _rounded(float(value)) for key, value in values.items()}


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
        with ProcessPoolExecutor(min(workers, len(missing)), mp_context=fresh) as pool:
            try:
                yield pool
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
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
    from ..progress import bar as progress_bar

    with progress_bar(len(e.trials), done, e.name, "trial", disable=not progress) as bar:
        yield bar


def _stale(e: Experiment, stored: Results) -> list[str]:
    """Return in words why stored results are not those of the present code; nothing if they are."""
    reasons = []
    now, then = e.code(), stored.provenance["code"]
    changed = [name for name in {**then, **now} if now.get(name) != then.get(name)]
    if changed:
        reasons.append(f"changed since: {', '.join(changed)}")
    missing = len({_key(*t) for t in e.trials} - {t.key for t in stored.trials})
    if missing:
        reasons.append(f"{missing} trials missing")
    return reasons
