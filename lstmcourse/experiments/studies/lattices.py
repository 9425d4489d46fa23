"""A Grid LSTM of three dimensions on pictures: where does water reach?"""

from __future__ import annotations

import numpy as np

from ... import cells
from ...run.backends import backends
from ...tasks import Percolation
from ...training import optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, hidden_size_for

__all__ = ["train_on_water", "water_in_pictures", "whole_pictures"]

BATCH = 32

# Fixed before the runs: pictures of 8 by 8 fields, 400 updates of 32 pictures, Adam whose rate falls to 0
# along a cosine, 1,400 parameters at most, or ten times as many. The rates that did best in pilot runs with
# another seed: of 0.01, 0.03, 0.1 and 0.3 for the lattice and the rows, of 0.003, 0.01, 0.03 and 0.1 for ten
# times as many.
WATER = 8
WATER_UPDATES = 400
WATER_PARAMETERS = 1400
WATER_RATES = {"lattice": 1e-1, "rows": 1e-1, "rows, ten times": 3e-2}


def train_on_water(kind: str, learning_rate: float, seed: int, updates: int = WATER_UPDATES) -> Model:
    """A model trained to say where water reaches: a lattice over the fields, or an LSTM over the rows."""
    how = "by diagonals" if kind == "lattice" else "by rows"
    cell = cells.grid.with_options(dims=3, layers=1) if kind == "lattice" else cells.lstm
    task = Percolation(rows=WATER, columns=WATER, given=how)
    parameters = WATER_PARAMETERS * (10 if kind.endswith("ten times") else 1)
    hidden = hidden_size_for(cell, task, parameters)
    model = Model(cell, task, hidden_size=hidden, rng=np.random.default_rng(seed))
    adam, cosine = optim.Adam(learning_rate), optim.Cosine(updates)
    how = {"batch_size": BATCH, "optimizer": adam, "schedule": cosine, "seed": seed, "progress": False}
    fit(model, updates, backend="numba" if "numba" in backends() else None, **how)
    return model


def whole_pictures(model: Model, rows: int = WATER, columns: int = WATER, seed: int = 0) -> float:
    """Share of 500 test pictures of this size that are right in all fields."""
    task = Percolation(rows=rows, columns=columns, given=model.task.given)
    batch = task.batch("test", batch_size=500, seed=seed)
    wrong = ((model.predict(batch.x) > 0.5) != (batch.y > 0.5)) & batch.mask[..., None]
    return float(1 - wrong.any(axis=(0, *range(2, wrong.ndim))).mean())


@experiment(
    points=[{"kind": kind, "learning_rate": rate} for kind, rate in WATER_RATES.items()],
    seeds=range(5),
    agree={"whole": Interval(0.15)},
)
def water_in_pictures(kind: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a lattice, or an LSTM that reads row by row, to say which fields of a picture water reaches.

    Parameters
    ----------
    kind : str
        ``"lattice"``, a Grid LSTM down, right and one block deep; ``"rows"``, an LSTM with no more
        parameters that reads a row at a step; ``"rows, ten times"``, with ten times as many.
    learning_rate : float
        Of Adam at the start.
    seed : int
        Of the parameters and the pictures.

    Returns
    -------
    dict
        Shares of test pictures that are right in all fields: ``whole``, of 8 by 8, the size trained on;
        ``taller``, of 16 rows of 8; ``wider``, of 8 rows of 10, where the network can read them. ``hidden``,
        the units.
    """
    model = train_on_water(kind, learning_rate, seed)
    found = {
        "whole": whole_pictures(model, seed=seed),
        "taller": whole_pictures(model, rows=2 * WATER, seed=seed),
        "hidden": float(model.hidden_size),
    }
    return found | ({"wider": whole_pictures(model, columns=10, seed=seed)} if kind == "lattice" else {})
