"""Variants of the LSTM, each in a setting in which its difference can matter."""

from __future__ import annotations

from ... import cells, tasks
from ...compose import stack
from ...training import optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, grid, hidden_size_for
from .comparison import BATCH, PARAMETERS, RATES, at_equal_size

__all__ = ["depth_with_and_without_gates", "gru_at_equal_size"]


@experiment(
    points=grid(
        task=("adding", "copy", "temporal_order", "embedded_reber"), cell=("gru",), learning_rate=RATES
    ),
    seeds=range(5),
    agree={"accuracy": Interval(0.15)},
)
def gru_at_equal_size(task: str, cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a GRU on the four tasks of `plain_against_lstm`, by the same rules.

    Parameters
    ----------
    task, learning_rate
        As in `plain_against_lstm`.
    cell : str
        ``"gru"``.
    seed : int
        Of the parameters and the streams.

    Returns
    -------
    dict
        ``accuracy`` and ``loss`` on test rows; ``hidden``, the units.
    """
    return at_equal_size(task, cell, learning_rate, seed)


# Fixed before the runs, after a look at one seed and 300 steps at depths 1, 3 and 6: 4,000 parameters in
# all, 600 steps, two learning rates, five seeds.
DEPTH_STEPS = 600


@experiment(
    points=grid(layers=(1, 2, 3, 4, 5, 6), gated=(False, True), learning_rate=RATES),
    seeds=range(5),
    agree={"long": Interval(0.15, axis="layers")},
)
def depth_with_and_without_gates(
    layers: int, gated: bool, learning_rate: float, *, seed: int
) -> dict[str, float]:
    """Train peephole LSTMs of several layers, with depth gates or without, on embedded Reber strings.

    Parameters
    ----------
    layers : int
        From 1; with one layer there is nothing to gate, and the two are one network.
    gated : bool
        ``lc.cells.depth_gated``, otherwise a stack of ``lc.cells.peephole``.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the streams.

    Returns
    -------
    dict
        On test strings: ``long``, the share right at the step that needs the memory (chance about 1/2);
        ``loss``, in nats a symbol; ``hidden``, the units in a layer.
    """
    import numpy as np

    task, last = tasks.EmbeddedReber(), tasks.EmbeddedReber(score="long")
    upper = cells.depth_gated.with_options(layers=layers)
    cell = upper if gated else stack([cells.peephole] * layers)
    hidden = hidden_size_for(cell, task, PARAMETERS)
    model = Model(cell, task, hidden_size=hidden, rng=np.random.default_rng(seed))
    adam = optim.Adam(learning_rate)
    fit(model, DEPTH_STEPS, batch_size=BATCH, optimizer=adam, seed=seed, progress=False)
    plain, long = (model.evaluate(seed=seed, task=t, batches=16) for t in (task, last))
    return {"long": long.accuracy, "loss": plain.loss, "hidden": float(hidden)}
