"""Coupled gates: two tasks at equal numbers of parameters, and how far an LSTM couples its own gates."""

from __future__ import annotations

import numpy as np

from ... import tasks
from ...course import reader
from ...training import inspection, optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, grid, hidden_size_for

__all__ = ["coupled_gates", "coupling_by_itself"]

# Fixed before the runs: tasks, 1,000 parameters in all, 800 updates, two learning rates that fall to 0 along
# a cosine, five seeds. A few single runs with another seed had shown that the tasks can be learnt within
# about such a budget.
PARAMETERS = 1000
UPDATES = 800
BATCH = 32
RATES = (1e-2, 3e-2)
STEPS = 40


@experiment(
    points=grid(task=("counting", "adding"), cell=("lstm", "coupled"), learning_rate=RATES),
    seeds=range(5),
    agree={"accuracy": Interval(0.2)},
)
def coupled_gates(task: str, cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train an LSTM, or one whose gates are coupled and which has no more parameters, on one of two tasks.

    Parameters
    ----------
    task : str
        Of 40 steps each: ``"counting"`` (how many marks), ``"adding"`` (two marked numbers).
    cell : str
        ``"lstm"`` or ``"coupled"``.
    learning_rate : float
        Of Adam at the start; it falls to 0 along a cosine.
    seed : int
        Of the parameters and the streams.

    Returns
    -------
    dict
        ``accuracy`` and ``loss`` on test rows; ``error``, the root of the loss;
        ``longer``, the accuracy on sequences of 48 steps; ``state``, the largest cell state on the test rows;
        ``hidden``, the units.
    """
    options = {"variant": "modern"} if task == "adding" else {}
    made = tasks.get(task, steps=STEPS, **options)
    hidden = hidden_size_for(cell, made, PARAMETERS)
    model = Model(cell, made, hidden_size=hidden, rng=np.random.default_rng(seed))
    adam, cosine = optim.Adam(learning_rate), optim.Cosine(UPDATES)
    fit(model, UPDATES, batch_size=BATCH, optimizer=adam, schedule=cosine, seed=seed, progress=False)
    batch = made.batch("test", batch_size=512, seed=seed)
    forward = model.run(batch)
    run = model.unroll(batch.x, lengths=batch.lengths)
    longer = made.batch("test", batch_size=512, seed=seed, length=48)
    return {
        "accuracy": forward.accuracy,
        "loss": forward.loss,
        "error": forward.loss**0.5,
        "longer": model.run(longer).accuracy,
        "state": float(np.abs(run["c"]).max()),
        "hidden": float(hidden),
    }


ROWS = 256


@experiment(
    points=grid(cell=("lstm", "coupled")),
    seeds=range(5),
    agree={"verb": Interval(0.15), "gender": Interval(0.15), "together": Interval(0.2)},
    uses=(reader, inspection),
)
def coupling_by_itself(cell: str, *, seed: int) -> dict[str, float]:
    """Train a reader, or one whose gates are coupled, and see how far the gates of each go together.

    Parameters
    ----------
    cell : str
        ``"lstm"`` (32 units), or ``"coupled"`` (with no more parameters).
    seed : int
        Of the parameters and the training; the rows that it is tested on are always the same.

    Returns
    -------
    dict
        ``verb``, ``number``, ``gender``: shares of right answers; ``excess``, the loss above the best
        possible, in nats a word; ``hidden``, the units. ``together``: the correlation of i with 1 - f over
        all words of the test rows, median over units; ``strongly``, the share of units in which it is above
        0.5; ``away``, the mean of |i + f - 1|; the same before training under ``untrained_*``. For the LSTM,
        what it answers once i := 1 - f is imposed on it, its other weights as they are (``imposed_*``).
    """
    task = reader.language()
    hidden = hidden_size_for(cell, task, Model("lstm", task, hidden_size=reader.HIDDEN).parameter_count)
    model = reader.train(seed, cell, hidden_size=hidden)
    batch = reader.rows(ROWS, seed=1)
    found = {"hidden": float(hidden), "excess": model.evaluate().loss - task.best}
    found |= reader.answers(model.predict(batch.x), batch) | _coupling(model, batch.x)
    before = reader.train(seed, cell, steps=(0, 0), hidden_size=hidden)
    found |= {f"untrained_{key}": value for key, value in _coupling(before, batch.x).items()}
    if cell == "lstm":
        params = dict(model.params)
        params |= {f"cell.{k}_i": -params[f"cell.{k}_f"] for k in "WUb"}  # 1 - sigmoid(a) = sigmoid(-a)
        said = reader.answers(model.with_params(params).predict(batch.x), batch)
        found |= {f"imposed_{key}": value for key, value in said.items()}
    return found


def _coupling(model, x: np.ndarray) -> dict[str, float]:
    """How far input and forget gate go together, unit by unit, over all words of all rows."""
    run = model.unroll(x)
    f, i = (run[gate].reshape(-1, run[gate].shape[-1]).astype(np.float64) for gate in "fi")
    centred = [a - a.mean(axis=0) for a in (1 - f, i)]
    spread = np.prod([np.sqrt((a**2).mean(axis=0)) for a in centred], axis=0)
    each = (centred[0] * centred[1]).mean(axis=0) / np.maximum(spread, 1e-12)
    return {
        "together": float(np.median(each)),
        "strongly": float((each > 0.5).mean()),
        "away": float(np.abs(i + f - 1).mean()),
    }
