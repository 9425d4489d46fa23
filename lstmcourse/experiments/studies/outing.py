"""A fairer outing for the LSTM on the gap of notebook 02: equal units, three forget biases, ten seeds."""

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
from .gaps import BATCH, HIDDEN, STEPS, TESTED

__all__ = ["link_at_equal_units"]

# Fixed before the runs, after pilots of biases 1 and 5 on seeds 3 and 100: task and budget of
# `link_against_gap`, as many units as its plain network, the middle one of its three rates, ten seeds. The
# forget gate starts at a bias of 1, 3 or 5. Training ends before its 1,500 updates once the link is learnt:
# of OVER batches in a row LEARNT is answered rightly.
BIASES = (1.0, 3.0, 5.0)
RATE = 3e-3
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


@experiment(
    points=grid(forget_bias=BIASES, gap=(20,)),
    seeds=range(SEEDS),
    agree={"accuracy": Interval(0.12)},
)
def link_at_equal_units(forget_bias: float, gap: int, *, seed: int) -> dict[str, float]:
    """Train an LSTM with as many units as the plain network to name the language of a country.

    Parameters
    ----------
    forget_bias : float
        Where the bias of the forget gate starts.
    gap : int
        Words between the country and its language.
    seed : int
        Of the parameters, the training stream and the test stream.

    Returns
    -------
    dict
        ``accuracy`` on test rows; ``updates``, after how many training ended.
    """
    task = _task(gap, Drawn)
    model = Model("lstm", task, hidden_size=HIDDEN, rng=np.random.default_rng(seed))
    model.params["cell.b_f"][:] = forget_bias

    def learnt(_, history) -> bool:
        last = history.records[-OVER:]
        return len(last) == OVER and float(np.mean([record.accuracy for record in last])) >= LEARNT

    how = {"batch_size": BATCH, "optimizer": optim.Adam(RATE), "seed": seed, "progress": False}
    history = fit(model, STEPS, callback=learnt, backend=backends()[-1], **how)
    forward = model.run(next(task.stream("test", batch_size=TESTED, seed=seed)))
    return {"accuracy": forward.accuracy, "updates": float(len(history.records))}
