"""A fair outing for the LSTM on the gap of notebook 02: equal units or parameters, three forget biases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from itertools import islice

import numpy as np

from ... import tasks
from ...run.backends import backends
from ...tasks import Batch
from ...training import optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, grid
from .gaps import BATCH, HIDDEN, RATES, STEPS, TESTED

__all__ = ["link_rates"]

# Fixed before the runs: task, budget and rates of `link_against_gap`. An LSTM has as many units as the plain
# network there, 32, or no more parameters than it, which are 13 units; its forget gate starts at a bias of 1,
# 3 or 5. Training ends before its 1,500 updates once a network has learnt the link: OVER batches of training
# in a row of which it answers LEARNT. The rate of each LSTM is the one with the lowest `slowness` at a gap of
# 20, over seeds 100 and 101; were it at an end of the grid, the grid would go on. Then ten seeds.
FEWER = 13
BIASES = (1.0, 3.0, 5.0)
LEARNT, OVER = 0.98, 50
SEEDS = 10


@lru_cache(maxsize=SEEDS)
def training_batches(gap: int, seed: int) -> list[Batch]:
    """The batches of all updates, small: networks of one seed read the same, so it is drawn once."""
    stream = islice(_task(gap).stream(batch_size=BATCH, seed=seed), STEPS)
    return [replace(b, x=b.x.astype(np.uint8), y=b.y.astype(np.uint8)) for b in stream]


class Drawn(tasks.Clouds):
    """`Clouds`, its batches for training drawn beforehand."""

    def _stream(self, split, batch_size, seed, length, dtype, start) -> Iterator[Batch]:
        if split != "train":
            return super()._stream(split, batch_size, seed, length, dtype, start)
        drawn = training_batches(self.gap, seed)[start:]
        return (replace(b, x=b.x.astype(np.int64), y=b.y.astype(np.int64)) for b in drawn)


def _task(gap: int, kind: type[tasks.Clouds] = tasks.Clouds) -> tasks.Clouds:
    return kind(gap=gap, lead=(0, 4), countries=8)


def link(
    cell: str, units: int, forget_bias: float, gap: int, learning_rate: float, seed: int
) -> dict[str, float]:
    """Train a network on the link, until it is learnt or the budget is spent, and test it."""
    task = _task(gap, Drawn)
    model = Model(cell, task, hidden_size=units, rng=np.random.default_rng(seed))
    if cell == "lstm":
        model.params["cell.b_f"][:] = forget_bias

    def learnt(_, history) -> bool:
        last = history.records[-OVER:]
        return len(last) == OVER and float(np.mean([record.accuracy for record in last])) >= LEARNT

    history = fit(
        model,
        STEPS,
        batch_size=BATCH,
        optimizer=optim.Adam(learning_rate),
        seed=seed,
        progress=False,
        callback=learnt,
        backend=backends()[-1],
    )
    forward = model.run(next(task.stream("test", batch_size=TESTED, seed=seed)))
    spent = len(history.records)
    return {
        "accuracy": forward.accuracy,
        "updates": float(spent),
        "slowness": spent / STEPS if spent < STEPS else 1 + forward.loss / task.chance,
    }


@experiment(
    points=grid(units=(FEWER, HIDDEN), forget_bias=BIASES, learning_rate=RATES),
    seeds=(100, 101),
    agree={"accuracy": Interval(0.12)},
)
def link_rates(units: int, forget_bias: float, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Find the learning rate of each LSTM for the link across 20 words.

    Parameters
    ----------
    units : int
        Of the LSTM.
    forget_bias : float
        Where the bias of the forget gate starts.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters, the training stream and the test stream.

    Returns
    -------
    dict
        ``accuracy`` on test rows; ``updates``, after how many training ended; ``slowness``, the same as a
        share of the budget, and if that was spent, 1 and the loss as a share of chance's.
    """
    return link("lstm", units, forget_bias, 20, learning_rate, seed)
