"""Notes of verdicts, in the folder of the notebooks: `record` adds one, `noted` reads them.

Each check adds one line to ``.lstmcourse/answers.jsonl``: nothing is rewritten, so several notebooks may
write at once, and a line that was cut off loses itself alone.
"""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

from ..checks import shown
from ..files.paths import NOTES
from .verdict import Verdict

__all__ = ["FILE", "noted", "record"]

FILE = NOTES / "answers.jsonl"


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
        fresh = not FILE.exists()
        descriptor = os.open(FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            start = b"" if fresh or FILE.read_bytes()[-1:] in (b"", b"\n") else b"\n"  # after a line cut off
            os.write(descriptor, start + json.dumps(note).encode() + b"\n")
        finally:
            os.close(descriptor)
    except OSError as error:
        print(f"(Your progress was not noted: {FILE} cannot be written: {error.strerror})")


def noted(path: Path) -> list[dict]:
    """The lines of a file that are whole."""
    try:
        lines = path.read_bytes().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        print(f"(No progress can be read: {shown(str(path))}: {error.strerror})")
        return []
    kinds = {"id": str, "right": bool, "mistake": str, "at": str}
    found = []
    for line in lines:
        try:
            note = json.loads(line)
        except ValueError:
            continue
        if isinstance(note, dict) and all(type(note.get(k)) is kind for k, kind in kinds.items()):
            found.append(note)
    return found
