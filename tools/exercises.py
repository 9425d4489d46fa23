"""Show what the checks of the exercises say of every answer in `tests/answers`.

::

    python -m tools.exercises            # every exercise: each wrong answer, the mistake's name, the message
    python -m tools.exercises 05 09.1    # those whose ids begin so

It fails where a right answer is refused, or a wrong one is accepted or not called by its name.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterable
from pathlib import Path

from lstmcourse import exercises

ROOT = Path(__file__).resolve().parent.parent
WIDTH = 118


def rows(id: str) -> Iterable[tuple[str, exercises.Verdict, bool]]:
    """Yield what an answer is, what the check says of it, and whether it should."""
    from answers import load

    answers = load(id)
    for k, answer in enumerate(answers.right, start=1):
        verdict = exercises.check(id, answer)
        yield f"right answer {k}", verdict, bool(verdict)
    for name, answer in answers.wrong.items():
        verdict = exercises.check(id, answer)
        yield name, verdict, not verdict and verdict.mistake == name


def main(arguments: list[str] | None = None) -> int:
    """Show the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.exercises", description=main.__doc__)
    parser.add_argument("ids", nargs="*", help="how the ids begin, such as 05 or 09.1 (default: all)")
    options = parser.parse_args(arguments)
    sys.path.insert(0, str(ROOT / "tests"))
    ids = [i for i in exercises.ids() if i.startswith(tuple(options.ids or [""]))]
    answers = failed = 0
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        here = os.getcwd()
        os.chdir(folder)  # what is noted of progress goes with it
        try:
            for exercise in map(exercises.get, ids):
                print(f"\n{exercise}")
                for name, verdict, fits in rows(exercise.id):
                    answers, failed = answers + 1, failed + (not fits)
                    first, *others = textwrap.wrap(str(verdict), WIDTH - 38) or [""]
                    print(f"{'  ' if fits else '!!'} {name:34} {first}")
                    print("".join(f"{'':37} {line}\n" for line in others), end="")
        finally:
            os.chdir(here)
    took = time.perf_counter() - began
    print(f"\n{len(ids)} exercises, {answers} answers, {failed} not as they should be, {took:.0f} s")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
