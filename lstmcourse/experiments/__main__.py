"""Run the experiments, or go on with them: ``python -m lstmcourse.experiments [names]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lstmcourse.errors import FileError, UnknownNameError
from lstmcourse.experiments import StudyInUseError, TrialError, confirm, get, names, run
from lstmcourse.experiments.run import _stale
from lstmcourse.files.paths import expand


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named, or all that is not current; return the exit status."""
    ap = argparse.ArgumentParser(prog="python -m lstmcourse.experiments", description=__doc__)
    ap.add_argument("names", nargs="*", help="experiments to run (all of them if none is named)")
    do = ap.add_mutually_exclusive_group()
    do.add_argument("--list", action="store_true", help="say for each whether it is current; run nothing")
    do.add_argument(
        "--confirm",
        type=int,
        metavar="K",
        help="of what is stale, measure K stored trials again: where they agree, all count as current",
    )
    ap.add_argument("--workers", type=int, default=2, help="processes at a time (2)")
    ap.add_argument("--data", type=expand, help="folder of results (the package's own)")
    args = ap.parse_args(arguments)
    try:
        chosen = [get(name) for name in args.names or names()]
    except UnknownNameError as error:
        ap.error(str(error))
    failed = False
    for e in chosen:
        why = _stale(e, args.data)
        print(f"{e.name}: {f'stale, {why}' if why else f'current, {len(e.trials)} trials'}", flush=True)
        if args.list or not why:
            continue
        try:
            if args.confirm:
                said = confirm(e.name, args.confirm, data=args.data)
                print(said, flush=True)
                failed |= not said
            else:
                run(e.name, workers=args.workers, data=args.data)
        except KeyboardInterrupt:
            print(f"{e.name}: stopped; the same command goes on from here", file=sys.stderr)
            return 130
        except (FileError, FileNotFoundError, StudyInUseError, TrialError) as error:
            print(error, file=sys.stderr)
            return 1
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
