"""Run the experiments, or go on with them: ``python -m lstmcourse.experiments [names]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from lstmcourse.errors import UnknownNameError
from lstmcourse.experiments import (
    StudyInUseError,
    StudyStoppedError,
    TrialError,
    confirm,
    executors,
    export_trials,
    get,
    import_trials,
    names,
    run,
)
from lstmcourse.experiments.basis import read_once
from lstmcourse.experiments.cost import estimate
from lstmcourse.experiments.define import Experiment
from lstmcourse.experiments.run import _stale, ask_to_stop, journal_path, known, status
from lstmcourse.experiments.store import DATA, read_part
from lstmcourse.files.paths import expand
from lstmcourse.tasks import MissingPackageError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named, or all that is not current; return the exit status."""
    ap = argparse.ArgumentParser(prog="python -m lstmcourse.experiments", description=__doc__)
    ap.add_argument("names", nargs="*", help="experiments to run (all of them if none is named)")
    do = ap.add_mutually_exclusive_group()
    do.add_argument("--list", action="store_true", help="say for each whether it is current; run nothing")
    do.add_argument("--status", action="store_true", help="say what is measured, by whom, and the time left")
    do.add_argument(
        "--stop", action="store_true", help="ask all runners to finish what is under way, and end"
    )
    do.add_argument(
        "--confirm",
        type=int,
        metavar="K",
        help="of what is stale, measure K stored trials again: where they agree, all count as current",
    )
    do.add_argument(
        "--export",
        action="store_true",
        help="write what is measured so far beside the results: whoever runs the study goes on from there",
    )
    do.add_argument(
        "--import",
        dest="parts",
        type=expand,
        action="append",
        metavar="FILE",
        help="take up what such a file holds, and run nothing; may be given several times",
    )
    ap.add_argument(
        "--scale",
        choices=("laptop", "full"),
        default="laptop",
        help="which size is run: as stored with the course (laptop), or the papers' (full), for a cluster",
    )
    where = ap.add_mutually_exclusive_group()
    where.add_argument("--workers", type=int, default=2, help="processes at a time (2)")
    where.add_argument("--dask", metavar="ADDRESS", help="run the trials on this Dask scheduler's workers")
    where.add_argument(
        "--mpi", action="store_true", help="... on MPI: mpiexec -n N python -m mpi4py.futures -m"
    )
    ap.add_argument("--data", type=expand, help="folder of results (the package's own)")
    ap.add_argument(
        "--storage",
        metavar="URL",
        help="what the runners share: a database, as postgresql://user@host/name, or a folder for journals",
    )
    args = ap.parse_args(arguments)
    try:
        chosen = [get(name) for name in args.names or names(args.scale)]
    except UnknownNameError as error:
        ap.error(str(error))
    errors = (
        MissingPackageError,
        OSError,
        StudyInUseError,
        StudyStoppedError,
        TrialError,
        ValueError,
    )
    failed = False
    try:
        for part in args.parts or ():
            print(f"{part}: {_taken_up(part, args)} trials taken up", flush=True)
        if args.parts:
            return 0
        with read_once():
            if not (args.list or args.status or args.stop or args.confirm or args.export):
                _say_how_long([e for e in chosen if not _skipped(e, args)], args)
            with _executor(args) as executor:
                for e in chosen:
                    failed |= not _do(e, args, executor)
    except KeyboardInterrupt:
        print(f"{e.name}: stopped; the same command goes on from here", file=sys.stderr)
        return 130
    except errors as error:
        print(error, file=sys.stderr)
        return 1
    return int(failed)


def _do(e: Experiment, args: argparse.Namespace, executor: Executor | None) -> bool:
    """Do with one experiment what is asked; return whether all is well."""
    place = _place(e, args.storage)
    if args.status or args.stop:
        print((status if args.status else ask_to_stop)(e, data=args.data, **place), flush=True)
        return True
    if args.export:
        return _exported(e, args)
    why, lacks = _stale(e, args.data), _skipped(e, args)
    said = (
        f"stale, {why}{f'; skipped, {lacks}' if lacks else ''}" if why else f"current, {len(e.trials)} trials"
    )
    print(f"{e.name}: {said}", flush=True)
    if args.list or not why or lacks:
        return True
    if args.confirm:
        said = confirm(e.name, args.confirm, data=args.data)
        print(said, flush=True)
        return bool(said)
    run(e.name, executor=executor, workers=args.workers, data=args.data, **place)
    return True


def _skipped(e: Experiment, args: argparse.Namespace) -> str:
    """Say what a study needs and is not here: then it is passed over, unless it is asked for by name."""
    return "" if args.names and not args.list else e.lacks


def _say_how_long(chosen: Sequence[Experiment], args: argparse.Namespace) -> None:
    """Print how long it takes to run what is not current, as far as that is known."""
    data = args.data or DATA
    missing = {e.name: len(set(e.keys) - known(e, data).keys()) for e in chosen if _stale(e, args.data)}
    paper = {e.name: e.hours for e in chosen if e.name in missing and e.hours is not None}
    if small := {name: count for name, count in missing.items() if name not in paper}:
        print(estimate(small, data, args.workers), flush=True)
    for name, hours in paper.items():
        print(f"{name}: {missing[name]} trials, about {hours:,.0f} hours of a core in all", flush=True)


def _exported(e: Experiment, args: argparse.Namespace) -> bool:
    """Write what is measured of a study that is not complete."""
    if not (why := _stale(e, args.data)):
        print(f"{e.name}: current, {len(e.trials)} trials; nothing to export", flush=True)
    else:
        try:
            print(f"{e.name}: {export_trials(e.name, data=args.data, **_place(e, args.storage))}", flush=True)
        except ValueError as error:
            print(f"{e.name}: {why}; {error}", flush=True)
    return True


def _taken_up(part: Path, args: argparse.Namespace) -> int:
    """Take up a file, and return how many trials were new."""
    e = get(read_part(part).name)
    return import_trials(part, data=args.data, **_place(e, args.storage))


def _place(e: Experiment, storage: str | None) -> dict[str, object]:
    """Return where a study is kept, as `run` takes it."""
    if storage is None or "://" in storage:
        return {"storage": storage}
    return {"journal": expand(storage, "storage") / journal_path(e).name}


def _executor(args: argparse.Namespace) -> AbstractContextManager[Executor | None]:
    """Give the executor that is asked for; None for processes of our own."""
    if args.list or args.status or args.stop or args.confirm:
        return nullcontext()
    return executors.dask(args.dask) if args.dask else executors.mpi() if args.mpi else nullcontext()


if __name__ == "__main__":
    sys.exit(main())
