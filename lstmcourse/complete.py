"""A program to keep: it goes on with yours.

    python -m lstmcourse.complete FILE            from the end of a file
    python -m lstmcourse.complete - < FILE        from what is typed or piped in

It writes what the coder (`lstmcourse.coder`) takes for likely: an LSTM that has read Python's library,
character by character. It knows how programs look, and not what yours is for.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext

from .course import coder
from .files.paths import expand

__all__ = ["main"]

MOST = 1 << 24  # bytes


def main(arguments: Sequence[str] | None = None) -> int:
    """Complete a program from the terminal; return 0 (an error ends the program, with 2)."""
    parser = argparse.ArgumentParser(
        prog="python -m lstmcourse.complete", description="Go on with a program, character by character."
    )
    parser.add_argument("file", metavar="FILE", help="the program so far; - reads it from standard input")
    parser.add_argument("--length", type=int, default=200, help="characters to write (200)")
    parser.add_argument("--seed", type=int, default=0, help="another seed draws other characters (0)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--temperature", type=float, default=0.5, help="0 takes the likeliest, 1 draws as it was learnt (0.5)"
    )
    how.add_argument("--beam", type=int, help="draw nothing: search for likely lines, with so many at a time")
    options = parser.parse_args(arguments)
    how = {"temperature": options.temperature, "beam": options.beam, "rng": options.seed}
    try:
        text = coder.complete(_read(options.file), options.length, **how)
    except (ValueError, TypeError) as error:
        parser.error(str(error))
    except KeyboardInterrupt:
        return 130
    return _written(text)


def _written(text: str) -> int:
    """Print a text; return 0, or 1 where nobody can read it."""
    try:
        print(text, flush=True)
    except BrokenPipeError:  # who reads has had enough
        pass
    except OSError as error:
        print(f"standard output cannot be written: {error.strerror}", file=sys.stderr)
    else:
        return 0
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # at the end Python tries once more
    return 1


def _read(name: str) -> str:
    """The text of a file, or of standard input, its lines ended by newlines alone."""
    what = "standard input" if name == "-" else f"{name!r}"
    if name == "-" and sys.stdin is None:
        raise ValueError("standard input is closed. Name a file with a program")
    try:
        with nullcontext(sys.stdin.buffer) if name == "-" else expand(name, "FILE").open("rb") as file:
            content = file.read(MOST + 1)
        if len(content) > MOST:
            raise ValueError(f"{what} has more than {MOST:,} bytes, and no program has. Name a file with one")
        text = content.decode("utf-8-sig")
    except OSError as error:
        raise ValueError(f"{what} cannot be read: {error.strerror}. Name a file with a program") from error
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise ValueError(f"{what} is no text in UTF-8. Name a file with a program")
    if not text.strip():
        raise ValueError(f"{what} is empty. Begin your program, a line is enough, and call again")
    return text.replace("\r\n", "\n").replace("\r", "\n")


if __name__ == "__main__":
    sys.exit(main())
