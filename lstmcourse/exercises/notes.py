"""Notes of verdicts, in the folder of the notebooks: `record` adds one, `noted` reads them.

Each check adds one line to ``.lstmcourse/answers.jsonl``: nothing is rewritten, so several notebooks may
write at once, and a line that was cut off loses itself alone. The folder may come from somebody else, so
what is no such line is passed over, whatever it is.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from ..checks import shown
from ..errors import FileError
from ..files import whole as files
from ..files.paths import NOTES
from .verdict import Verdict

__all__ = ["FILE", "noted", "record"]

FILE = NOTES / "answers.jsonl"
LINE = 1 << 16  # bytes; what is longer is no line of ours


def record(id: str, verdict: Verdict) -> None:
    """Note a verdict in this folder; where nothing can be written, nothing is noted.

    An answer that was not begun is no try; neither is what a test of the notebooks runs.
    """
    if verdict.mistake == "nothing yet" or os.environ.get("LSTMCOURSE_REGRESSION"):
        return
    at = datetime.now().astimezone().isoformat(timespec="seconds")
    note = {"id": id, "right": verdict.right, "mistake": verdict.mistake, "at": at}
    try:
        FILE.parent.mkdir(exist_ok=True)
        files.append(FILE, json.dumps(note).encode())
    except OSError as error:
        print(f"(Your progress was not noted: {FILE} cannot be written: {error.strerror})")


def noted(path: Path) -> list[dict]:
    """The lines of a file that are whole."""
    if not os.path.lexists(path):
        return []
    try:
        with files.opened(path) as file:
            return [note for line in iter(lambda: file.readline(LINE), b"") for note in _notes(line)]
    except FileError as error:
        print(f"(No progress can be read: {shown(str(error))})")
        return []


def _notes(line: bytes) -> list[dict]:
    """The note that a line holds, if it does."""
    try:
        note = json.loads(line)
        texts = [note[key] for key in ("id", "mistake", "at")]
        fits = type(note["right"]) is bool and all(type(t) is str and t.isprintable() for t in texts)
    except (ValueError, TypeError, LookupError, RecursionError):
        return []
    # a spreadsheet takes what begins with a sign for a formula
    return [note] if fits and not any(t.startswith(("=", "+", "-", "@")) for t in texts) else []
