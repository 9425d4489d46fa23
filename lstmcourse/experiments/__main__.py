"""Run the experiments, or go on with them: ``python -m lstmcourse.experiments [names]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, nullcontext

from lstmcourse.errors import FileError, UnknownNameError
from lstmcourse.experiments import (
    StudyInUseError,
    StudyStoppedError,
    TrialError,
    confirm,
    executors,
    get,
    names,
    run,
)
from lstmcourse.experiments.define import Experiment
from lstmcourse.experiments.run import _stale, ask_to_stop, journal_path, status
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
        chosen = [get(name) for name in args.names or names()]
    except UnknownNameError as error:
        ap.error(str(error))
    errors = (
        ConnectionError,
        FileError,
        FileNotFoundError,
        MissingPackageError,
        StudyInUseError,
        StudyStoppedError,
        TrialError,
        ValueError,
    )
    failed = False
    try:
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
    why = _stale(e, args.data)
    print(f"{e.name}: {f'stale, {why}' if why else f'current, {len(e.trials)} trials'}", flush=True)
    if args.list or not why:
        return True
    if args.confirm:
        said = confirm(e.name, args.confirm, data=args.data)
        print(said, flush=True)
        return bool(said)
    run(e.name, executor=executor, workers=args.workers, data=args.data, **place)
    return True


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
