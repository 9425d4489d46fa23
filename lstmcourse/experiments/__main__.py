"""Run the experiments, or go on with them: ``python -m lstmcourse.experiments [names]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from lstmcourse.errors import UnknownNameError
from lstmcourse.experiments import TrialError, get, load, names, run
from lstmcourse.experiments.run import _stale
from lstmcourse.paths import expand


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named, or all that is not current; return the exit status."""
    ap = argparse.ArgumentParser(prog="python -m lstmcourse.experiments", description=__doc__)
    ap.add_argument("names", nargs="*", help="experiments to run (all of them if none is named)")
    ap.add_argument(
        "--list", action="store_true", help="say what there is and whether it is current; run nothing"
    )
    ap.add_argument("--workers", type=int, default=2, help="processes at a time (2)")
    ap.add_argument("--data", type=expand, help="folder of results (the package's own)")
    args = ap.parse_args(arguments)
    try:
        chosen = [get(name) for name in args.names or names()]
    except UnknownNameError as error:
        ap.error(str(error))
    for e in chosen:
        try:
            reasons = _stale(e, load(e.name, data=args.data))
        except FileNotFoundError:
            reasons = [f"{len(e.trials)} trials to run"]
        print(f"{e.name}: {'; '.join(reasons) or f'current, {len(e.trials)} trials'}", flush=True)
        if args.list or not reasons:
            continue
        try:
            run(e.name, workers=args.workers, data=args.data)
        except KeyboardInterrupt:
            print(f"{e.name}: stopped; the same command goes on from here", file=sys.stderr)
            return 130
        except TrialError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
