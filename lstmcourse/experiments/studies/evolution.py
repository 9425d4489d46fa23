"""A search over architectures, as Jozefowicz, Zaremba & Sutskever (2015) made one, scaled down."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

from ... import architecture
from ...architecture import Architecture
from ...errors import NotFiniteError
from ...tasks import Copy, Speakers
from ...tasks.base import Task
from ...training import optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, hidden_size_for

__all__ = ["CANDIDATES", "FILTER", "TASKS", "candidates", "fitness", "islands", "share"]

# Fixed before the runs, after single runs of the LSTM, the GRU and three mutants: all that follows. 40
# islands of 25 candidates each are 1,000. On an island a parent is drawn from the POOL best so far, at
# first the LSTM and the GRU; the paper has one pool of 100. A candidate that cannot hold one symbol over
# three steps, as the LSTM and the GRU can after so few updates, is given up. All others learn two tasks, at
# 3,000 parameters, with Adam at one rate, which falls from 0.03 to 0, where the paper tries many settings.
# Fitness is the paper's: the share that is right over the GRU's, here on the same island, on the task where
# that is least.
ISLANDS, CANDIDATES, POOL = 40, 25, 5
PARAMETERS, BATCH, RATE = 3000, 16, 0.03
FILTER, HELD = (Copy(delay=3, payload=1, score="recall"), 150), 0.95
TASKS: dict[str, tuple[Task, int]] = {
    "copy": (Copy(delay=2, payload=3, score="recall"), 300),
    "speakers": (Speakers(), 60),
}


def share(a: Architecture, task: Task, updates: int, seed: int, split: str = "validation") -> float:
    """What share of its answers is right after so many updates; 0 if its training diverges."""
    cell = a.cell()
    try:
        with np.errstate(all="ignore"):
            model = Model(
                cell, task, hidden_size_for(cell, task, PARAMETERS), rng=np.random.default_rng(seed)
            )
            falls = optim.Cosine(updates)
            how = {"optimizer": optim.Adam(RATE), "schedule": falls, "seed": seed, "progress": False}
            fit(model, updates, batch_size=BATCH, **how)
            found = model.evaluate(split, batches=2, batch_size=100).accuracy
    except NotFiniteError:
        return 0.0
    return float(f"{found:.6g}")


def fitness(shares: Mapping[str, float], gru: Mapping[str, float]) -> float:
    """How much of what the GRU gets right a cell does, on its worst task."""
    return min(shares[task] / max(gru[task], 1e-9) for task in TASKS)


def candidates(
    seed: int, judge: Callable[[Architecture, int], Mapping[str, float] | None]
) -> Iterator[tuple[int, Architecture, Mapping[str, float] | None]]:
    """Let an island evolve: for each candidate its number, what it is, and what the judge says of it.

    Numbers -2 and -1 are the LSTM and the GRU. With a judge that repeats what is stored, these are the cells
    that were found.

    Parameters
    ----------
    seed : int
        The island's.
    judge : callable
        Is given an architecture and its number, and says which share of each task it gets right, or None for
        one that is given up.
    """
    rng, seen = np.random.default_rng(seed), set()
    pool: list[tuple[float, Architecture]] = []
    gru: Mapping[str, float] = {}
    for number, seeded in ((-1, Architecture.gru()), (-2, Architecture.lstm())):
        said = judge(seeded, number)
        gru = gru or said
        pool.append((fitness(said, gru), seeded))
        seen.add(seeded)
        yield number, seeded, said
    for number in range(CANDIDATES):
        found = None
        while found is None or found in seen:
            found = pool[rng.integers(len(pool))][1].mutate(rng)
        seen.add(found)
        said = judge(found, number)
        yield number, found, said
        if said is not None:
            pool = sorted([*pool, (fitness(said, gru), found)], key=lambda entry: -entry[0])[:POOL]


@experiment(
    points=[{"tasks": " ".join(TASKS)}],
    seeds=range(ISLANDS),
    agree={"copy of -1": Interval(0.1), "speakers of -1": Interval(0.1), "best": Interval(0.1)},
    uses=[architecture],
    full={"points": [{"tasks": " ".join(TASKS)}], "seeds": range(10 * ISLANDS), "hours": 6.0},
)
def islands(tasks: str, *, seed: int) -> dict[str, float]:
    """Let an island evolve, and note how well each candidate does.

    Parameters
    ----------
    tasks : str
        What the candidates are judged by.
    seed : int
        Of the island; a candidate's data and parameters start from it and from the candidate's number.

    Returns
    -------
    dict
        The share that each candidate gets right of each task, as ``copy of 7``, nan for those that are given
        up; ``passed``, how many of the candidates are not; ``best``, the greatest fitness on the island.
    """

    def judge(a: Architecture, number: int) -> dict[str, float] | None:
        own = 1000 * seed + number + 2
        if share(a, *FILTER, own, "train") < HELD and number >= 0:
            return None
        return {task: share(a, *TASKS[task], own) for task in TASKS}

    values: dict[str, float] = {}
    best, gru = 0.0, {}
    for number, _, said in candidates(seed, judge):
        gru = gru or said
        values |= {f"{task} of {number}": said[task] if said else np.nan for task in TASKS}
        best = max(best, fitness(said, gru)) if said else best
    passed = sum(np.isfinite(values[f"copy of {k}"]) for k in range(CANDIDATES))
    return {"best": best, "passed": float(passed), **values}
