"""How fast studies run: trials an hour, what a trial costs beside its own time, and a thousand workers' load.

::

    python benchmarks/studies.py
    python benchmarks/studies.py --storage postgresql://user@host/name

Prints a table in Markdown for each question. The thousand workers are simulated: an executor whose trials
only take time, so that all the load on the storage is real, and none on the processor.
"""

from __future__ import annotations

import argparse
import hashlib
import heapq
import itertools
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import Executor, Future
from pathlib import Path
from unittest import mock

import numpy as np

import lstmcourse as lc
from lstmcourse import experiments
from lstmcourse.experiments import Interval, experiment, grid


class Timers(Executor):
    """An executor of many workers whose trials take some seconds, and no processor.

    Parameters
    ----------
    workers : int
    seconds : float
        A trial's mean time; from half to one and a half of it.
    """

    def __init__(self, workers: int, seconds: float):
        self.num_workers, self.seconds = workers, seconds
        self.rng, self.order = np.random.default_rng(), itertools.count()
        self.due, self.more = [], threading.Condition()
        threading.Thread(target=self.serve, daemon=True).start()

    def submit(self, function, /, *args):
        """Measure at once, and say so later."""
        future = Future()
        at = time.monotonic() + self.seconds * self.rng.uniform(0.5, 1.5)
        with self.more:
            heapq.heappush(self.due, (at, next(self.order), future, function(*args)))
            self.more.notify()
        return future

    def serve(self):
        """Give results when they are due."""
        while True:
            with self.more:
                while not self.due or self.due[0][0] > time.monotonic():
                    self.more.wait(self.due[0][0] - time.monotonic() if self.due else None)
                _, _, future, result = heapq.heappop(self.due)
            future.set_result(result)


def declare(trials: int, folder: Path) -> str:
    """Declare a study whose trials do nothing, with a name for each folder: a database keeps what it has."""
    name = "nothing_" + hashlib.sha256(str(folder).encode()).hexdigest()[:8]

    @experiment(points=grid(n=range(trials)), seeds=[0], agree={"y": Interval(0.1)}, name=name)
    def nothing(n, *, seed):
        return {"y": 1.0}

    return name


@experiment(points=grid(hidden=(16, 32)), seeds=range(20), agree={"loss": Interval(0.1)}, name="training")
def training(hidden, *, seed):
    """A small LSTM on the adding problem, 40 steps."""
    model = lc.Model("lstm", lc.tasks.Adding(steps=50), hidden, rng=seed)
    history = lc.fit(model, steps=40, batch_size=16, progress=False)
    return {"loss": history.records[-1].loss}


def seconds_by_backend(name: str, trials: int = 5) -> dict[str, float]:
    """Return the median time of a study's trials with each back-end, in turns, once all is compiled."""
    study = experiments.get(name)
    some = study.trials[:: max(1, len(study.trials) // trials)][:trials]
    spent: dict[str, list[float]] = {"numba": [], "numpy": []}
    for n, (point, seed) in enumerate([some[0], *some]):
        for backend, times in spent.items():
            with mock.patch.object(sys.modules[study.measure.__module__], "backends", lambda b=backend: (b,)):
                began = time.perf_counter()
                study.measure(**point, seed=seed)
                times += [time.perf_counter() - began] * (n > 0)
    return {backend: float(np.median(times)) for backend, times in spent.items()}


def place(folder: Path, storage: str) -> dict[str, object]:
    """Return where a study is kept, as `run` takes it."""
    return {"journal": folder / "journal.jsonl"} if storage == "journal" else {"storage": storage}


def overhead(storage: str, folder: Path, trials: int) -> tuple[float, float]:
    """Return a trial's time and processor time in milliseconds, where it does nothing."""
    name = declare(trials, folder)
    wall, own = time.perf_counter(), time.process_time()
    experiments.run(name, executor=Timers(1, 0.0), data=folder, progress=False, **place(folder, storage))
    return 1e3 * (time.perf_counter() - wall) / trials, 1e3 * (time.process_time() - own) / trials


def sync_time(folder: Path) -> float:
    """Return the milliseconds in which the disk takes a line."""
    times = []
    with open(folder / "line", "ab", buffering=0) as f:
        for _ in range(50):
            f.write(b"x" * 500 + b"\n")
            began = time.perf_counter()
            os.fsync(f.fileno())
            times.append(time.perf_counter() - began)
    return 1e3 * float(np.median(times))


def shared(storage: str, folder: Path, runners: int, workers: int, trials: int, seconds: float) -> float:
    """Return the trials a second of several runners that share some simulated workers."""
    more = ["--as-runner", str(workers // runners), str(trials), str(seconds)]
    command = [sys.executable, __file__, "--storage", storage, "--folder", str(folder), *more]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(runners)]
    spans = [tuple(map(float, p.communicate()[0].split())) for p in started]
    return trials / (max(end for _, end in spans) - min(begin for begin, _ in spans))


def main() -> None:
    """Measure, and print."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--storage", action="append", help="a database, beside the journal and SQLite")
    ap.add_argument("--trials", type=int, default=2000, help="of the simulation (2000)")
    ap.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    ap.add_argument("--as-runner", nargs=3, help=argparse.SUPPRESS)
    args = ap.parse_args()
    if args.as_runner:
        workers, trials, seconds = (float(a) for a in args.as_runner)
        name = declare(int(trials), args.folder)
        pool, where = Timers(int(workers), seconds), place(args.folder, args.storage[0])
        begin = time.time()
        experiments.run(name, executor=pool, data=args.folder, progress=False, **where)
        print(begin, time.time())
        return

    folder = Path(tempfile.mkdtemp(prefix="studies-"))
    os.environ["LSTMCOURSE_CACHE_DIR"] = str(folder / "cache")
    fresh = itertools.count()

    def room(storage: str) -> tuple[str, Path]:
        """Give a folder of its own, and in it what the storage needs."""
        here = folder / str(next(fresh))
        here.mkdir()
        return (f"sqlite:///{here}/studies.db" if storage == "SQLite" else storage), here

    print(f"{platform.platform()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python", end=" ")
    print(f"{platform.python_version()}; the disk takes a line in {sync_time(folder):.1f} ms\n")
    storages = ["journal", "SQLite", *(args.storage or [])]

    print("| what a trial costs beside its own time | ms | of them processor |\n|---|---|---|")
    for storage in storages:
        wall, own = overhead(*room(storage), 300 if storage == "journal" else 100)
        print(f"| {storage.partition(':')[0]} | {wall:.1f} | {own:.1f} |", flush=True)

    print("\n| workers | trials an hour | times one worker's |\n|---|---|---|")
    rates = []
    for workers in (1, 2):
        where, here = room("journal")
        began = time.perf_counter()
        results = experiments.run(
            "training", workers=workers, data=here, progress=False, **place(here, where)
        )
        rates.append(3600 * len(results.trials) / (time.perf_counter() - began))
        print(f"| {workers} | {rates[-1]:.0f} | {rates[-1] / rates[0]:.2f} |", flush=True)

    print("\n| study | trials an hour, compiled | NumPy | compiled, times NumPy's |\n|---|---|---|---|")
    for name in ("odyssey_speakers", "odyssey_strings", "who_speaks"):
        compiled, plain = (3600 / s for s in seconds_by_backend(name).values())
        print(f"| {name} | {compiled:.0f} | {plain:.0f} | {compiled / plain:.1f} |", flush=True)

    print("\n1000 workers, simulated: all are busy where a trial takes longer than the last column says.\n")
    print("| storage | runners | trials a second, at most | shortest trial, s |\n|---|---|---|---|")
    for storage, runners in itertools.product(storages, (1, 4)):
        where, here = room(storage)
        trials = args.trials if storage == "journal" else args.trials // 2
        rate = shared(where, here, runners, 1000, trials, 0.0)
        print(f"| {storage.partition(':')[0]} | {runners} | {rate:.1f} | {1000 / rate:.0f} |", flush=True)

    print("\n| storage | runners | mean time of a trial, s | share of the time that 1000 workers are busy |")
    print("|---|---|---|---|")
    for seconds in (10.0, 30.0):
        where, here = room("journal")
        rate = shared(where, here, 1, 1000, 2 * args.trials, seconds)
        print(f"| journal | 1 | {seconds:g} | {rate * seconds / 1000:.0%} |", flush=True)


if __name__ == "__main__":
    main()
