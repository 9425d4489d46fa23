"""Coupled gates: two tasks, with starts that match, and how far an LSTM couples its own gates."""

from __future__ import annotations

import numpy as np

from ...course import reader
from ...tasks import Adding, Counting
from ...training import inspection, optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, grid, hidden_size_for

__all__ = ["coupled_in_pairs", "coupling_by_itself", "coupling_rates", "trained"]

# Fixed before the runs: tasks, 1,000 parameters in all, 800 updates, the rates (each falls to 0 along a
# cosine), where the input gate starts, the seeds. The rates are those of an earlier study, of which the
# highest did best, and one above.
PARAMETERS = 1000
UPDATES = 800
BATCH, ROWS_OF_EACH = 32, 256
RATES = (1e-2, 3e-2, 1e-1)
# Added where the best of these was at an edge.
FURTHER = {("counting", "lstm"): (3e-3,), ("adding", "coupled"): (3e-1,)}
SHORTEST, LONGEST = 10, 40
TRIED = (10, 20, 30, 40, 45, 50, 60, 80)  # steps in a test of counting
# Where the input gate starts: an LSTM's at sigmoid(0) = 0.5, that of coupled gates at sigmoid(-1) = 0.27; so
# between the two stands an LSTM that starts as these do.
STARTS = [{"cell": "lstm", "b_i": 0.0}, {"cell": "lstm", "b_i": -1.0}, {"cell": "coupled", "b_i": -1.0}]


class CountingAnyLength(Counting):
    """Counting, of which each batch has another length."""

    def _draw(self, rng, split, batch_size, length, dtype):
        drawn = int(rng.integers(SHORTEST, self.steps + 1))
        return super()._draw(rng, split, batch_size, length or drawn, dtype)


TASKS = {"counting": CountingAnyLength(steps=LONGEST), "adding": Adding(steps=LONGEST, variant="modern")}


@experiment(
    points=[
        {"task": task} | start | {"learning_rate": rate}
        for task in TASKS
        for start in STARTS
        for rate in RATES + FURTHER.get((task, start["cell"]), ())
    ],
    seeds=range(100, 102),
    agree={"loss": Interval(factor=3.0)},
)
def coupling_rates(task: str, cell: str, b_i: float, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train an LSTM, and one whose gates are coupled, at three rates each: which does best?

    Parameters
    ----------
    task : str
        ``"counting"``: how many marks were there, in 10 to 40 steps; ``"adding"``: two marked numbers of 40
        steps.
    cell : str
        ``"lstm"`` or ``"coupled"``, with at most 1,000 parameters.
    b_i : float
        Where the input gate's bias starts; that of coupled gates is minus the bias of f.
    learning_rate : float
        Of Adam at the start; it falls to 0 along a cosine.
    seed : int
        Of the parameters and the rows.

    Returns
    -------
    dict
        ``loss`` on validation rows.
    """
    model = trained(task, cell, b_i, learning_rate, seed)
    lengths = (10, 20, 30, 40) if task == "counting" else (LONGEST,)
    rows = [model.task.batch("validation", batch_size=ROWS_OF_EACH, seed=seed, length=n) for n in lengths]
    return {"loss": float(np.mean([model.run(batch).loss for batch in rows]))}


# The rate with the least validation loss, mean over the seeds of `coupling_rates`;
# tests/experiments/test_pairs.py derives it from the stored trials.
CHOSEN = {
    ("counting", "lstm", 0.0): 0.01,
    ("counting", "lstm", -1.0): 0.01,
    ("counting", "coupled", -1.0): 0.03,
    ("adding", "lstm", 0.0): 0.03,
    ("adding", "lstm", -1.0): 0.03,
    ("adding", "coupled", -1.0): 0.1,
}


@experiment(
    points=[{"task": task} | start for task in TASKS for start in STARTS],
    seeds=range(8),
    agree={"accuracy": Interval(0.2)},
)
def coupled_in_pairs(task: str, cell: str, b_i: float, *, seed: int) -> dict[str, float]:
    """Train an LSTM, and one whose gates are coupled, from eight seeds, each at the rate that suits it best.

    Parameters
    ----------
    task, cell, b_i, seed
        As in `coupling_rates`.

    Returns
    -------
    dict
        ``accuracy`` on test rows; ``state``, the largest cell state on those of 40 steps; ``hidden``, the
        units. Of counting, ``accuracy`` is the mean over 10, 20, 30 and 40 steps, and there is the accuracy
        at each of eight lengths, ``at_10`` to ``at_80``; no row had more than 40 steps in training.
    """
    model = trained(task, cell, b_i, CHOSEN[task, cell, b_i], seed)
    tried = TRIED if task == "counting" else (LONGEST,)
    rows = {n: model.task.batch("test", batch_size=2 * ROWS_OF_EACH, seed=seed, length=n) for n in tried}
    right = {n: model.run(batch).accuracy for n, batch in rows.items()}
    run = model.unroll(rows[LONGEST].x)
    found = {
        "accuracy": float(np.mean([share for n, share in right.items() if n <= LONGEST])),
        "state": float(np.abs(run["c"]).max()),
        "hidden": float(model.hidden_size),
    }
    return found | {f"at_{n}": share for n, share in right.items() if task == "counting"}


def _model(task: str, cell: str, b_i: float, seed: int) -> Model:
    """A network of at most 1,000 parameters, before training."""
    hidden = hidden_size_for(cell, TASKS[task], PARAMETERS)
    model = Model(cell, TASKS[task], hidden_size=hidden, rng=np.random.default_rng(seed))
    gate, bias = ("cell.b_i", b_i) if cell == "lstm" else ("cell.b_f", -b_i)
    model.params[gate][:] = bias
    return model


def trained(task: str, cell: str, b_i: float, rate: float, seed: int) -> Model:
    """A network after training; the arguments are those of `coupling_rates`."""
    model = _model(task, cell, b_i, seed)
    adam, cosine = optim.Adam(rate), optim.Cosine(UPDATES)
    fit(
        model, UPDATES, batch_size=BATCH, optimizer=adam, schedule=cosine, seed=seed, progress=False,
        backend="numba",
    )  # fmt: skip
    return model


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
