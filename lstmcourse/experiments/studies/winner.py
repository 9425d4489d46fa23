"""What the search over architectures found: tried again, tuned, and tested where it was not searched."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ... import architecture, cells
from ...architecture import Architecture
from ...cell import Cell
from ...errors import NotFiniteError
from ...tasks import Film, TemporalOrder
from ...tasks.base import Task
from ...training import optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, grid, hidden_size_for
from ..store import load
from . import evolution

__all__ = ["COMPARED", "TASKS", "finalists", "found", "ranked", "searched_against_known", "search_rates"]

# Fixed before the runs, after single runs of the LSTM and the GRU on the two further tasks: all that follows.
# The FINALISTS best of the search, by its one run of each, are judged by five further runs as in the search.
# The one that is fittest then, by its mean shares over the GRU's, is what the search found. It and five known
# cells get the best of four rates on each task, by validation data and seeds that are not used again, and
# are compared by 20 seeds on test data: on the two tasks of the search, and on two others. All have 3,000
# parameters at most, and the search's updates; the other two tasks have UPDATES.
FINALISTS, AGAIN = 20, 50_000
COMPARED = ("found", "lstm, b_f = 1", "gru", "mut1", "mut2", "mut3")
RATES = (0.003, 0.01, 0.03, 0.1)
UPDATES = 300
TASKS: dict[str, tuple[Task, int]] = {
    **evolution.TASKS,
    "order": (TemporalOrder(steps=30), UPDATES),
    "film": (Film(), UPDATES),
}


@lru_cache(maxsize=1)
def ranked() -> tuple[tuple[float, Architecture], ...]:
    """All candidates of the search that were not given up, with their fitness there, the fittest first.

    What several islands found counts once, at its best.
    """
    best: dict[Architecture, float] = {}
    for trial in load("islands").trials:
        values, gru = trial.values, {}

        def stored(a: Architecture, number: int, values=values) -> dict[str, float] | None:
            said = {task: values[f"{task} of {number}"] for task in evolution.TASKS}
            return said if np.isfinite(list(said.values())).all() else None

        for number, candidate, said in evolution.candidates(trial.seed, stored):
            gru = gru or said
            if said and number >= 0:
                best[candidate] = max(best.get(candidate, 0.0), evolution.fitness(said, gru))
    return tuple((fit, a) for a, fit in sorted(best.items(), key=lambda entry: (-entry[1], entry[0].digest)))


@experiment(
    points=grid(rank=range(-2, FINALISTS)),
    seeds=range(5),
    agree={"speakers": Interval(0.05), "copy": Interval(0.1)},
    uses=[architecture, evolution],
)
def finalists(rank: int, *, seed: int) -> dict[str, float]:
    """Train the best of the search again, with other seeds than there.

    Parameters
    ----------
    rank : int
        Of the search's candidates, from 0 on; -2 is the LSTM, -1 the GRU.
    seed : int
        Of the parameters and the data.

    Returns
    -------
    dict
        The share that is right of each task of the search, on validation data.
    """
    given = {-2: Architecture.lstm, -1: Architecture.gru}
    a = given[rank]() if rank in given else ranked()[rank][1]
    return {task: evolution.share(a, *how, AGAIN + seed) for task, how in evolution.TASKS.items()}


def found() -> Architecture:
    """What the search found: the finalist that is fittest in the runs that did not choose the finalists."""
    again = load("finalists")

    def shares(rank: int) -> dict[str, float]:
        return {task: float(again.over("rank", task, rank=rank)[1].mean()) for task in evolution.TASKS}

    gru = shares(-1)
    return ranked()[max(range(FINALISTS), key=lambda rank: evolution.fitness(shares(rank), gru))][1]


@lru_cache(maxsize=len(COMPARED))
def _cell(name: str) -> Cell:
    """One of those that are compared."""
    return found().cell() if name == "found" else cells.get(name.partition(",")[0])


def _trained(name: str, task: str, learning_rate: float, seed: int, split: str) -> dict[str, float]:
    """The share that a cell gets right, at its rate, which falls to 0; 0 if its training diverges."""
    cell, (learnt, updates) = _cell(name), TASKS[task]
    model = Model(cell, learnt, hidden_size_for(cell, learnt, evolution.PARAMETERS), rng=seed)
    if name == "lstm, b_f = 1":
        model.params["cell.b_f"][:] = 1.0
    how = {"optimizer": optim.Adam(learning_rate), "schedule": optim.Cosine(updates), "progress": False}
    try:
        with np.errstate(all="ignore"):
            fit(model, updates, batch_size=evolution.BATCH, seed=seed, **how)
            right = model.evaluate(split, batches=2, batch_size=100).accuracy
    except NotFiniteError:
        right = 0.0
    return {"right": float(right), "units": float(model.hidden_size)}


@experiment(
    points=[
        *grid(task=TASKS, cell=COMPARED, learning_rate=RATES),
        # where the best of the four lay at an edge
        *grid(task=("copy",), cell=("lstm, b_f = 1", "mut1", "mut2", "mut3"), learning_rate=(0.3,)),
        *grid(task=("speakers",), cell=("mut2",), learning_rate=(0.3,)),
        *grid(task=("film",), cell=("mut3",), learning_rate=(0.3,)),
    ],
    seeds=(100, 101),
    agree={"right": Interval(0.15, axis="learning_rate")},
    uses=[architecture, evolution],
)
def search_rates(task: str, cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Which rate suits what the search found, and the cells that it is compared with.

    Parameters
    ----------
    task : str
        What is learnt.
    cell : str
        Of `COMPARED`.
    learning_rate : float
        Of Adam, at first.
    seed : int
        Of the parameters and the data.

    Returns
    -------
    dict
        ``right``, the share of validation data that is right; ``units``, the hidden size.
    """
    return _trained(cell, task, learning_rate, seed, "validation")


@experiment(
    points=grid(task=TASKS, cell=COMPARED),
    seeds=range(200, 220),
    agree={"right": Interval(0.1)},
    uses=[architecture, evolution],
)
def searched_against_known(task: str, cell: str, *, seed: int) -> dict[str, float]:
    """Compare what the search found with known cells, each at its best rate.

    Parameters
    ----------
    task, cell : str
        As in `search_rates`.
    seed : int
        Of the parameters and the data.

    Returns
    -------
    dict
        ``right``, the share of test data that is right; ``units``, the hidden size.
    """
    rate = load("search_rates").best(by="right", highest=True, task=task, cell=cell)
    return _trained(cell, task, float(rate), seed, "test")
