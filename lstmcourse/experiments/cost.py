"""How long studies take: what their trials took before, times what is left of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from statistics import mean

from lstmcourse.checks import number
from lstmcourse.files import whole as files

__all__ = ["TIMES", "estimate", "note_time", "times"]

TIMES = "times.json"
"""Seconds of a trial in the mean, by study; not among the results, which are the same on every machine."""


def times(data: Path) -> dict[str, float]:
    """Return the seconds of a trial, by study, as far as they are known; of a damaged file, nothing."""
    try:
        said = files.read_json(data / TIMES)
        return {name: number(name, seconds, 0, 1e9) for name, seconds in said.items()}
    except (AttributeError, TypeError, ValueError):
        return {}


def note_time(data: Path, name: str, seconds: Iterable[float]) -> None:
    """Note how long the trials of a study took, if any were measured, and if the file can be written."""
    if seconds := list(seconds):
        known = times(data) | {name: float(f"{mean(seconds):.2g}")}
        rows = ",\n".join(f'"{study}": {known[study]}' for study in sorted(known))
        with suppress(OSError):  # the results are stored: how long they took is not worth an error
            files.replace(data / TIMES, f"{{\n{rows}\n}}\n".encode())


def estimate(missing: Mapping[str, int], data: Path, workers: int) -> str:
    """Say in words how long so many missing trials of some studies take.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     note_time(Path(folder), "copying", [30.0, 34.0])
    ...     print(estimate({"copying": 300, "adding": 20}, Path(folder), 2))
    320 trials to be measured, about 1 h 20 min on 2 processes; not known: 20 trials of adding
    """
    known = times(data)
    minutes = math.ceil(sum(known.get(name, 0) * count for name, count in missing.items()) / 60 / workers)
    long = f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"
    unknown = ", ".join(f"{count} trials of {name}" for name, count in missing.items() if name not in known)
    return (
        f"{sum(missing.values())} trials to be measured, about {long} on "
        f"{workers} process{'es' * (workers > 1)}{f'; not known: {unknown}' if unknown else ''}"
    )
