"""`design`: a cell of your own beside the LSTM and the GRU, at equal parameters, and a leaderboard of them.

The board is a file in the course folder, beside what is noted there of the exercises; it goes nowhere else.
"""

from __future__ import annotations

import contextlib
import functools
import html
import itertools
import json
import math
import os
import statistics
import warnings
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from lstmcourse import cells, tasks
from lstmcourse.cell import Cell
from lstmcourse.checks import array, encodable, finite, truth, whole
from lstmcourse.errors import FileError, NotFiniteError
from lstmcourse.experiments.define import hidden_size_for
from lstmcourse.experiments.store import Results, Trial
from lstmcourse.files import whole as files
from lstmcourse.files.paths import NOTES, cache_folder, expand
from lstmcourse.tasks.base import Task
from lstmcourse.training import optim
from lstmcourse.training.equations import digest
from lstmcourse.training.fit import fit
from lstmcourse.training.given import as_cell
from lstmcourse.training.model import Model
from lstmcourse.training.progress import bar as progress_bar

__all__ = ["Board", "Entry", "design"]

# One budget for all that are compared. The rate is chosen as in all studies, by `Results.best`; as long as it
# lies at an end of those that were tried, the next one is tried too.
TASKS = {"speakers": tasks.Speakers(), "order": tasks.TemporalOrder(steps=30)}
RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)
FIRST = RATES[2:5]
BATCH = 32
TESTED = 8  # batches of `BATCH` validation rows, and of test rows
PEERS = ("lstm", "gru")


@dataclass(frozen=True)
class Entry:
    """One cell on the board.

    Attributes
    ----------
    name, digest : str
        The cell's name, and a digest of its equations.
    settings : list of int
        Parameters, updates, seeds: only cells with the same ones are compared.
    accuracy, time, units, rate : dict of str to number
        For each task: the share of right answers on test data, mean over seeds; milliseconds an update;
        hidden units; the rate of Adam that did best on validation data.
    """

    name: str
    digest: str
    settings: list[int]
    accuracy: dict[str, float]
    time: dict[str, float]
    units: dict[str, float]
    rate: dict[str, float]

    @classmethod
    def parse(cls, said: Any) -> Entry:
        """Read an entry of a file, which may hold anything; TypeError or ValueError for what is none."""
        entry = cls(**said)
        if not all(isinstance(t, str) and t.isprintable() for t in (entry.name, entry.digest)):
            raise ValueError("a name and a digest are one line of text")
        if len([whole("settings", n, 1) for n in entry.settings]) != 3:
            raise ValueError("settings are three numbers")
        for what in ("accuracy", "time", "units", "rate"):
            finite(what, array(what, [getattr(entry, what)[task] for task in TASKS], "iuf", ndim=1))
        return entry

    @property
    def score(self) -> float:
        """Mean accuracy over the tasks."""
        return statistics.fmean(self.accuracy.values())


@dataclass(frozen=True)
class Board:
    """Cells that were compared by the same rules, the best first. Displays itself as a table.

    Attributes
    ----------
    entries : list of Entry
        The best first.
    others : list of list of int
        Parameters, updates, seeds of the other boards that there are in the same file.
    """

    entries: list[Entry]
    others: list[list[int]] = field(default_factory=list)

    def _rows(self) -> list[list[str]]:
        head = ["", "cell", *(f"{t}: {what}" for t in TASKS for what in ("right", "ms", "units"))]
        rows = [
            [str(n), e.name]
            + [f(e, t) for t in TASKS for f in (_right, lambda e, t: f"{e.time[t]:.1f}", _units)]
            for n, e in enumerate(self.entries, 1)
        ]
        return [head, *rows]

    @property
    def _empty(self) -> str:
        """What is said where there is no cell yet, and how the others are shown."""
        calls = [f"lc.design(parameters={p}, updates={u}, seeds={s})" for p, u, s in self.others]
        return "No cell has been measured with these settings." + (
            f" Other boards are {', '.join(calls)}." if calls else ""
        )

    def __repr__(self) -> str:
        if not self.entries:
            return encodable(self._empty)
        rows = self._rows()
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        return encodable("\n".join("  ".join(map(str.rjust, row, widths)) for row in rows))

    def _repr_html_(self) -> str:
        if not self.entries:
            return f"<p>{html.escape(self._empty)}</p>"
        (head, *rows), cell = self._rows(), "<{0} style='text-align:{2}'>{1}</{0}>".format
        lines = [
            "".join(cell(tag, html.escape(text), "left" if k == 1 else "right") for k, text in enumerate(row))
            for tag, row in [("th", head), *(("td", row) for row in rows)]
        ]
        return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def _right(entry: Entry, task: str) -> str:
    return f"{entry.accuracy[task]:.1%}"


def _units(entry: Entry, task: str) -> str:
    return f"{entry.units[task]:.0f}"


def design(
    cell: Any = None,
    *,
    parameters: int = 2000,
    updates: int = 200,
    seeds: int = 2,
    progress: bool = True,
    folder: Any = None,
) -> Board:
    """Train a cell on two tasks, beside an LSTM and a GRU with no more parameters, and note how it did.

    The tasks: who speaks, of nine men (recordings, real data); and in which order two marks came, among 30
    steps. All cells get the same updates of 32 rows by Adam, whose rate falls to 0 along a cosine. The rate
    is the one with the lowest loss on validation data: of 0.01, 0.03 and 0.1, and of lower and higher ones,
    from 0.001 to 1, as long as the best lies at an end.

    The LSTM and the GRU are measured once in a folder, with the same settings. A cell whose equations are on
    the board already takes its old place there. What earlier versions kept elsewhere, for the whole machine,
    is on the first board that is written to.

    Parameters
    ----------
    cell : Cell or str, optional
        Whatever a `Model` takes. Without one the board is shown as it is.
    parameters : int
        Of each model, at most.
    updates, seeds : int
        Of each rate. Cells are only compared with those that had the same.
    progress : bool
        Whether to show a bar.
    folder : path, optional
        Where the notebooks are; the working folder if not given. The board is in it, as
        ``.lstmcourse/leaderboard.json``. What a test of the notebooks runs is not put there.

    Returns
    -------
    Board
        All cells with these settings, the best first.

    Raises
    ------
    ValueError
        The cell has more parameters than it may have, even with one unit; or training it diverges, at
        whichever rate.
    FileError
        The board's file is damaged.

    Examples
    --------
    >>> import tempfile
    >>> import lstmcourse as lc
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     board = lc.design("rnn", parameters=300, updates=1, seeds=1, progress=False, folder=folder)
    >>> sorted(entry.name for entry in board.entries)
    ['gru', 'lstm', 'rnn']
    """
    settings = [
        whole("parameters", parameters, 1, 1_000_000),
        whole("updates", updates, 1, 100_000),
        whole("seeds", seeds, 1, 100),
    ]
    truth("progress", progress)
    path, earlier = _places(folder)
    known = {entry.digest for entry in _noted(path, earlier) if entry.settings == settings}
    unnoted = []
    if cell is not None:
        entered = as_cell(cell)
        peers = [c for c in map(cells.get, PEERS) if not {_digest(c)} & {*known, _digest(entered)}]
        todo = [(c, _sizes(c, parameters)) for c in (*peers, entered)]
        files.check_replaceable(path)
        trials = len(todo) * len(TASKS) * len(FIRST) * seeds
        quiet = not progress or _in_a_test()
        with progress_bar(trials, 0, entered.name, "training", disable=quiet) as bar:
            for one, units in todo:
                entry = _measured(one, units, settings, bar)
                try:
                    _note(path, earlier, entry)
                except OSError as error:  # minutes of work are shown in any case
                    unnoted.append(entry)
                    words = f"{entry.name} is on this board alone, as it cannot be noted: {error}"
                    warnings.warn(words, RuntimeWarning, stacklevel=2)
    every = functools.reduce(_with, unnoted, _noted(path, earlier))
    mine = sorted((e for e in every if e.settings == settings), key=lambda entry: -entry.score)
    return Board(mine, sorted({tuple(e.settings): e.settings for e in every if e not in mine}.values()))


def _digest(cell: Cell) -> str:
    return digest(cell, {"D": 3, "H": 4})


def _sizes(cell: Cell, parameters: int) -> dict[str, int]:
    """The units that a cell may have in each task."""
    for task in TASKS.values():
        least = Model(cell, task, 1).parameter_count
        if least > parameters:
            raise ValueError(
                f"parameters={parameters}: a model of {cell.name} for {task.name} has {least} parameters "
                "with a single unit; allow as many at least"
            )
    return {name: hidden_size_for(cell, task, parameters) for name, task in TASKS.items()}


def _measured(cell: Cell, units: dict[str, int], settings: list[int], bar: Any) -> Entry:
    """Train a cell on all tasks, at all rates."""
    _, updates, seeds = settings
    accuracy, times, rates = {}, {}, {}
    for name, task in TASKS.items():
        trials, todo = [], FIRST
        while todo:
            for rate, seed in itertools.product(todo, range(seeds)):
                values = _trial(cell, task, units[name], rate, updates, seed)
                trials.append(Trial({"learning_rate": rate}, seed, values))
                bar.update()
            found = Results(f"{cell.name} on {task.name}", tuple(trials), {})
            todo = _further(found)
            bar.total += len(todo) * seeds
        rates[name] = float(found.best())
        accuracy[name], times[name] = (float(found.chosen(what).mean()) for what in ("accuracy", "time"))
    return Entry(cell.name, _digest(cell), settings, accuracy, times, units, rates)


def _further(found: Results) -> list[float]:
    """The rates on either side of the best that were not tried yet; a lower one if none is good."""
    tried = {trial.point["learning_rate"] for trial in found.trials}
    try:
        place = RATES.index(found.best())
    except ValueError:  # at each of them some training diverged
        place = RATES.index(min(tried))
        if not place:
            raise ValueError(
                f"{found.name}: training diverges at every rate from {min(tried)} to {max(tried)}; see that "
                "its equations keep the state within bounds"
            ) from None
    return [rate for rate in RATES[max(place - 1, 0) : place + 2] if rate not in tried]


def _trial(cell: Cell, task: Task, units: int, rate: float, updates: int, seed: int) -> dict[str, float]:
    """Loss on validation data, accuracy on test data, milliseconds an update; NaN where training diverged."""
    model = Model(cell, task, units, rng=seed)
    adam, cosine = optim.Adam(rate), optim.Cosine(updates)
    try:
        history = fit(
            model, updates, batch_size=BATCH, optimizer=adam, schedule=cosine, seed=seed, progress=False
        )
        loss = model.evaluate("validation", batches=TESTED, batch_size=BATCH).loss
        right = model.evaluate("test", batches=TESTED, batch_size=BATCH).accuracy
    except NotFiniteError:
        return dict.fromkeys(("validation", "accuracy", "time"), math.nan)
    seconds = np.diff([record.seconds for record in history.records], prepend=0.0)
    return {"validation": loss, "accuracy": right, "time": 1e3 * float(np.median(seconds))}


def _in_a_test() -> bool:
    return bool(os.environ.get("LSTMCOURSE_REGRESSION"))


def _places(folder: Any) -> tuple[Path, Path]:
    """Where the board of a folder lies, and where it lay up to version 0.2."""
    if folder is None and _in_a_test():
        folder = cache_folder() / "tests"
    kept = cache_folder() if folder is None else expand(folder, "folder")
    course = Path() if folder is None else kept
    return course / NOTES / "leaderboard.json", kept / "leaderboard.json"


def _noted(path: Path, earlier: Path) -> list[Entry]:
    """The entries of a board, wherever it lies."""
    path = next((p for p in (path, earlier) if p.exists()), path)
    if not path.exists():
        return []
    try:
        return [Entry.parse(entry) for entry in files.read_json(path)]
    except FileError:
        raise
    except (TypeError, ValueError, KeyError) as problem:
        raise FileError(
            f"{path} is damaged: it holds no leaderboard ({problem!r}); remove it, and a new one is begun"
        ) from problem


def _note(path: Path, earlier: Path, entry: Entry) -> None:
    """Put an entry on the board."""
    with files.alone(path.with_suffix(".lock"), patience=60.0):
        every = _with(_noted(path, earlier), entry)
        files.replace(path, json.dumps([asdict(e) for e in every], indent=1).encode())
        with contextlib.suppress(OSError):
            earlier.unlink()  # what it held is on the new one


def _with(entries: list[Entry], entry: Entry) -> list[Entry]:
    """Entries, and one more in the place of one with the same equations and settings."""
    same = entry.digest, entry.settings
    return [*(e for e in entries if (e.digest, e.settings) != same), entry]
