"""The memory span of a cell: the longest lag at which it still learns, found by bisection."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ... import cells
from ...errors import NotFiniteError
from ...run.backends import backends
from ...tasks import Adding, Batch, Copy, Reber, Speakers, Task, TemporalOrder
from ...training import optim
from ...training.model import Model
from ...training.optim import clip_by_global_norm
from ..define import Interval, experiment, grid, hidden_size_for

__all__ = [
    "LADDER",
    "DelayedSpeakers",
    "LongReber",
    "bisect",
    "learn",
    "memory_spans",
    "span_cell",
    "span_rates",
    "span_starts",
    "span_task",
    "start_rates",
    "whole_ladders",
]

# Fixed before the runs, after pilots on seed 900 (rnn, lstm and gru at lags 20 and 100), which are not shown:
# - At most 1,500 parameters in all, batches of 8, float32, Adam, gradients clipped at norm 1, the package's
#   own first weights. 600 updates for a lag (800 at first; changed before any span was measured, since time
#   is short); training ends before that once the mean of its last 20 losses is a twentieth of chance's.
# - A lag counts as learnt if the loss on 256 fresh sequences is at most a tenth of chance's. Of the recorded
#   speech, which no network of this size knows so well: if 80 % of the test utterances are right.
# - A trial is a cell, a task and a seed. It bisects a ladder of lags: the middle first, then longer ones
#   after a success and shorter ones after a failure. Each lag starts from the same first weights. A span is
#   the longest lag learnt, 0 if none was. Bisection takes for granted that what is learnt at a lag is learnt
#   at all shorter ones; `whole_ladders` asks if that is so.
# - Learning rates: for each cell and task the one of RATES with which two seeds of their own (100 and 101)
#   need the fewest updates at lag 20, of 500; a seed that does not get there counts 500 plus 500 times its
#   loss over chance's (1 at most). Were the best at an end of the grid, the grid would go on until it is not.
# - Copy and adding for all CELLS, and starts of the LSTM's forget gate on copy, five seeds each. Three more
#   tasks for six cells: `more_spans`.
PARAMETERS = 1500
BATCH = 8
UPDATES = 600
LADDER = (10, 20, 50, 100, 200, 500, 1000)
NEWER = ("min_gru", "min_lstm", "slstm")
CELLS = (
    *("rnn", "rnn_relu", "clockwork", "lstm_1997", "lstm", "peephole", "coupled", "depth_gated", "gru"),
    *NEWER,
)
PERIODS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
RATES = (3e-3, 1e-2, 3e-2, 1e-1)
TUNED_AT, TUNED_FOR = 20, 500
STARTS = ("0", "5", "chrono")
RIGHT = 0.8


# Tasks with a lag -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class LongReber(Reber):
    """An embedded Reber string that is as long as one likes, asked only for what needs the memory.

    B, then T or P, then `lag` symbols of Reber strings one after another (the last is cut off), then E: was
    it T or P? Both letters also occur on the way.

    Examples
    --------
    >>> task = LongReber(lag=12)
    >>> batch = task.batch(batch_size=2)
    >>> batch.x.shape, task.decode(batch.x[:, 0])[0], task.decode(batch.y[-1:, 0]) in "TP"
    ((15, 2), 'B', True)
    """

    name: ClassVar[str] = "long_reber"
    lag: int = 20

    @property
    def chance(self) -> float:
        """T and P have equal odds."""
        return math.log(2)

    def _draw(self, rng, split, batch_size, length, dtype):
        within = Reber(continual=True).batch(
            "all", batch_size=batch_size, length=self.lag, seed=int(rng.integers(2**31))
        )
        first, last = self.encode("B"), self.encode("E")
        which = self.encode("TP")[rng.integers(2, size=batch_size)]
        ends = [np.full((1, batch_size), symbol) for symbol in (first, last)]
        x = np.concatenate([ends[0], which[None], within.x, ends[1]])
        y, mask = np.zeros_like(x), np.zeros(x.shape, bool)
        y[-1], mask[-1] = which, True
        return Batch(x, y, mask)


@dataclass(frozen=True)
class DelayedSpeakers(Speakers):
    """`Speakers`, but the question comes `lag` empty frames after the end of the utterance.

    Examples
    --------
    >>> batch = DelayedSpeakers(lag=50).batch(batch_size=4)
    >>> bool(batch.x.shape[0] == batch.lengths.max()), bool((batch.lengths > 50).all())
    (True, True)
    """

    name: ClassVar[str] = "delayed_speakers"
    lag: int = 20

    def _draw(self, rng, split, batch_size, length, dtype):
        return self._later(super()._draw(rng, split, batch_size, length, dtype))

    def whole(self, split: str = "test", *, dtype: object = np.float32) -> Batch:
        """Every utterance of a split once."""
        return self._later(super().whole(split, dtype=dtype))

    def _later(self, batch: Batch) -> Batch:
        empty = ((0, self.lag), (0, 0))
        later = [np.roll(np.pad(a, empty), self.lag, axis=0) for a in (batch.y, batch.mask)]
        spoken = np.full(batch.mask.shape[1], len(batch.mask)) if batch.lengths is None else batch.lengths
        return Batch(np.pad(batch.x, (*empty, (0, 0))), *later, spoken + self.lag)


def span_task(name: str, lag: int) -> Task:
    """Return a task at a lag.

    Parameters
    ----------
    name : str
        ``"copy"``: one of eight symbols, `lag` steps before it is to be said. ``"adding"``,
        ``"temporal_order"``: sequences of `lag` steps (the latter up to a tenth longer). ``"long_reber"``,
        ``"delayed_speakers"``: see there.
    lag : int
        Steps.
    """
    return {
        "copy": lambda: Copy(delay=lag, payload=1, alphabet=8, score="recall"),
        "adding": lambda: Adding(steps=lag, variant="modern"),
        "temporal_order": lambda: TemporalOrder(steps=lag),
        "long_reber": lambda: LongReber(lag=lag),
        "delayed_speakers": lambda: DelayedSpeakers(lag=lag),
    }[name]()


def span_cell(name: str) -> Any:
    """Return a cell by name; of the clockwork network that with the paper's nine modules."""
    cell = cells.get(name)
    return cell.with_options(periods=PERIODS) if name == "clockwork" else cell


# One training, and a bisection of many ----------------------------------------------------------------------


def _batches(task: Task, seed: int) -> Iterator[Batch]:
    """Batches of 8, drawn by the hundred: to draw each by itself takes longer than to learn from it."""
    split = "train" if isinstance(task, Speakers) else "all"
    for many in task.stream(split, batch_size=20 * BATCH, seed=seed):
        for k in range(0, 20 * BATCH, BATCH):
            some = slice(k, k + BATCH)
            lengths = None if many.lengths is None else many.lengths[some]
            T = len(many.mask) if lengths is None else lengths.max()
            x, y, mask = (np.ascontiguousarray(a[:T, some]) for a in (many.x, many.y, many.mask))
            yield Batch(x, y, mask, lengths)


def start(model: Model, how: str, lag: int, rng: np.random.Generator) -> None:
    """Set the LSTM's first biases: a number for all forget gates, or chrono (Tallec & Ollivier 2018)."""
    if how == "chrono":
        model.params["cell.b_f"][:] = np.log(rng.uniform(1, max(lag - 1, 2), model.hidden_size))
        model.params["cell.b_i"][:] = -model.params["cell.b_f"]
    elif how:
        model.params["cell.b_f"][:] = float(how)


def learn(
    cell: str, task: str, lag: int, rate: float, seed: int, *, how: str = "", updates: int = UPDATES
) -> dict[str, float]:
    """Train a cell on a task at a lag until it is learnt, or the budget is at its end, and test it.

    Parameters
    ----------
    cell, task : str
        As `span_cell` and `span_task` take them.
    lag : int
        Steps.
    rate : float
        Adam's learning rate.
    seed : int
        Of the first weights and of the sequences.
    how : str
        The LSTM's start, as `start` takes it; the usual one if empty.
    updates : int
        The budget.

    Returns
    -------
    dict
        ``loss``, the test loss over that of chance (not a number if training left the finite numbers);
        ``learnt``, 1 or 0; ``updates``, how many there were; ``hidden``, the units.
    """
    work = span_task(task, lag)
    kind = span_cell(cell)
    rng = np.random.default_rng(seed)
    model = Model(kind, work, hidden_size=hidden_size_for(kind, work, PARAMETERS), rng=rng)
    start(model, how, lag, rng)
    names, shapes = list(model.params), [p.shape for p in model.params.values()]
    ends = np.cumsum([p.size for p in model.params.values()])[:-1]
    whole = {"all": np.concatenate([p.ravel() for p in model.params.values()])}  # one array: one quick update
    for name, part, shape in zip(names, np.split(whole["all"], ends), shapes, strict=True):
        model.params[name] = part.reshape(shape)
    adam, backend = optim.Adam(rate), backends()[-1]  # compiled, where Numba is installed
    memory, losses = adam.init(whole), []
    found = {"loss": math.nan, "learnt": 0.0, "hidden": float(model.hidden_size)}
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            for batch in _batches(work, seed):
                forward = model.run(batch, grad=True, backend=backend)
                losses.append(forward.loss)
                if not math.isfinite(forward.loss):
                    return found | {"updates": float(len(losses))}
                grads = forward.backward()
                grads = {"all": np.concatenate([grads[name].ravel() for name in names])}
                clip_by_global_norm(grads, 1.0)
                adam.update(whole, grads, memory)
                if len(losses) >= updates or np.mean(losses[-20:]) < work.chance / 20 and len(losses) >= 20:
                    break
            real = isinstance(work, Speakers)
            fresh = work.whole("test") if real else work.batch("all", batch_size=256, seed=10_000 + seed)
            tested = model.run(fresh, backend=backend)
    except NotFiniteError:
        return found | {"updates": float(len(losses))}
    ratio = tested.loss / work.chance
    learnt = tested.accuracy >= RIGHT if real else ratio <= 0.1
    return found | {"loss": ratio, "learnt": float(learnt), "updates": float(len(losses))}


def bisect(ladder: tuple[int, ...], trial: Callable[[int], dict[str, float]]) -> dict[str, float]:
    """Find the longest lag of a ladder that is learnt, taking for granted that all shorter ones are.

    Parameters
    ----------
    ladder : tuple of int
        Lags, rising.
    trial : callable
        From a lag to what `learn` returns.

    Returns
    -------
    dict
        ``span``, and for each lag that was tried ``loss_<lag>`` and ``updates_<lag>``.

    Examples
    --------
    >>> found = bisect(LADDER, lambda lag: {"learnt": float(lag <= 70), "loss": 0.0, "updates": 1.0})
    >>> found["span"], sorted(int(k[5:]) for k in found if k.startswith("loss"))
    (50.0, [20, 50, 100])
    """
    low, high, found = 0, len(ladder), {}
    while low < high:  # ladder[:low] is learnt, ladder[high:] is not
        middle = (low + high) // 2
        result = trial(ladder[middle])
        found |= {f"{what}_{ladder[middle]}": result[what] for what in ("loss", "updates")}
        low, high = (middle + 1, high) if result["learnt"] else (low, middle)
    return {"span": float(ladder[low - 1]) if low else 0.0} | found


# The studies ------------------------------------------------------------------------------------------------


@experiment(
    points=[
        *grid(task=("copy", "adding"), cell=CELLS, learning_rate=RATES),
        *grid(
            task=("copy",), cell=("rnn", "rnn_relu", "lstm", "peephole", "depth_gated"), learning_rate=(1e-3,)
        ),
        *grid(task=("copy",), cell=("clockwork", "gru", *NEWER), learning_rate=(0.3,)),
        *grid(task=("adding",), cell=("coupled", *NEWER), learning_rate=(0.3,)),
        *grid(task=("copy",), cell=("rnn_relu",), learning_rate=(3e-4,)),
        *grid(task=("copy",), cell=("gru", "min_gru"), learning_rate=(1.0,)),
        *grid(task=("adding",), cell=("min_lstm",), learning_rate=(1.0,)),
        *grid(task=("adding",), cell=("clockwork",), learning_rate=(3e-4, 1e-3, 0.3)),  # as none learns
    ],
    seeds=(100, 101),
    agree={"updates": Interval(50, factor=1.5)},
)
def span_rates(task: str, cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train every cell at lag 20 with several learning rates, on seeds that are not used again.

    Parameters
    ----------
    task, cell, learning_rate, seed
        As in `learn`.

    Returns
    -------
    dict
        As `learn` does.
    """
    return learn(cell, task, TUNED_AT, learning_rate, seed, updates=TUNED_FOR)


@experiment(
    points=[*grid(how=STARTS, learning_rate=RATES), {"how": "0", "learning_rate": 1e-3}],
    seeds=(100, 101),
    agree={"updates": Interval(50, factor=1.5)},
)
def start_rates(how: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Do the same for three starts of the LSTM's forget gate, on copy.

    Parameters
    ----------
    how, learning_rate, seed
        As in `learn`.

    Returns
    -------
    dict
        As `learn` does.
    """
    return learn("lstm", "copy", TUNED_AT, learning_rate, seed, how=how, updates=TUNED_FOR)


RATE: dict[tuple[str, str], float] = {
    ("copy", "rnn"): 0.003,
    ("copy", "rnn_relu"): 0.001,
    ("copy", "clockwork"): 0.1,
    ("copy", "lstm_1997"): 0.01,
    ("copy", "lstm"): 0.003,
    ("copy", "peephole"): 0.003,
    ("copy", "coupled"): 0.03,
    ("copy", "depth_gated"): 0.003,
    ("copy", "gru"): 0.3,
    ("copy", "min_gru"): 0.3,
    ("copy", "min_lstm"): 0.1,
    ("copy", "slstm"): 0.1,
    ("adding", "rnn"): 0.03,
    ("adding", "rnn_relu"): 0.01,
    ("adding", "clockwork"): 0.001,
    ("adding", "lstm_1997"): 0.03,
    ("adding", "lstm"): 0.03,
    ("adding", "peephole"): 0.03,
    ("adding", "coupled"): 0.1,
    ("adding", "depth_gated"): 0.03,
    ("adding", "gru"): 0.03,
    ("adding", "min_gru"): 0.1,
    ("adding", "min_lstm"): 0.3,
    ("adding", "slstm"): 0.1,
    ("copy", "lstm, 0"): 0.003,
    ("copy", "lstm, 5"): 0.01,
    ("copy", "lstm, chrono"): 0.01,
}
"""The best learning rates of the two studies above, by (task, cell) or ("copy", "lstm, start")."""


@experiment(
    points=grid(task=("copy", "adding"), cell=CELLS),
    seeds=range(5),
    agree={"span": Interval(10, factor=2.5)},
)
def memory_spans(task: str, cell: str, *, seed: int) -> dict[str, float]:
    """Find by bisection the longest lag, from 10 to 1,000, at which a cell learns to copy, or to add.

    Parameters
    ----------
    task, cell, seed
        As in `learn`.

    Returns
    -------
    dict
        As `bisect` does.
    """
    return bisect(LADDER, lambda lag: learn(cell, task, lag, RATE[task, cell], seed))


@experiment(points=grid(how=STARTS), seeds=range(5), agree={"span": Interval(10, factor=2.5)})
def span_starts(how: str, *, seed: int) -> dict[str, float]:
    """Do the same for other starts of the LSTM's forget gate, on copy.

    Parameters
    ----------
    how, seed
        As in `learn`.

    Returns
    -------
    dict
        As `bisect` does.
    """
    rate = RATE["copy", f"lstm, {how}"]
    return bisect(LADDER, lambda lag: learn("lstm", "copy", lag, rate, seed, how=how))


@experiment(
    points=grid(cell=("gru",), lag=LADDER[:-1]), seeds=range(5), agree={"loss": Interval(0.1, axis="lag")}
)
def whole_ladders(cell: str, lag: int, *, seed: int) -> dict[str, float]:
    """Train at every lag up to 500, on copy: is what is learnt at a lag learnt at all shorter ones?

    Parameters
    ----------
    cell, lag, seed
        As in `learn`.

    Returns
    -------
    dict
        As `learn` does.
    """
    return learn(cell, "copy", lag, RATE["copy", cell], seed)
