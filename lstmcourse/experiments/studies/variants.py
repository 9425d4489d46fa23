"""Variants of the LSTM, each in a setting in which its difference can matter."""

from __future__ import annotations

import math

from ... import cells, tasks
from ...cells.depth_gating import residual
from ...compose import stack
from ...training import optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, grid, hidden_size_for
from .comparison import BATCH, HIGHER, LOWER, PARAMETERS, RATES, at_equal_size

__all__ = ["depth_with_and_without_gates", "gru_at_equal_size", "gru_that_starts_shut", "paths_through_depth"]


# At first there were the four rates that the LSTM has on every task. By the loss the GRU was best at the
# highest on three of the tasks; there the one above was added, and where that is best, one more. On temporal
# order the rate below was added too, as the LSTM has it there.
@experiment(
    points=grid(
        task=("adding", "copy", "temporal_order", "embedded_reber"), cell=("gru",), learning_rate=RATES
    )
    + grid(task=("adding", "temporal_order", "embedded_reber"), cell=("gru",), learning_rate=(HIGHER,))
    + grid(task=("temporal_order",), cell=("gru",), learning_rate=(LOWER,)),
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


# Added after the results of gru_at_equal_size, in which the GRU learnt no temporal order and most LSTMs did.
# Is it the start? This one keeps 0.73 of its state a step, as the LSTM does with its forget bias; not 0.5.
# All seeds are right at the highest rate and at the lowest: the one above and the one below were added.
@experiment(
    points=grid(task=("temporal_order",), learning_rate=(HIGHER, *RATES, LOWER)),
    seeds=range(5),
    agree={"accuracy": Interval(0.15)},
)
def gru_that_starts_shut(task: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a GRU whose update gate starts with a bias of -1, by the rules of `gru_at_equal_size`.

    Parameters
    ----------
    task, learning_rate
        As in `plain_against_lstm`.
    seed : int
        Of the parameters and the streams.

    Returns
    -------
    dict
        As `gru_at_equal_size`.
    """
    cell = cells.gru.variant("gru_shut", "GRU whose update gate starts nearly shut.", init={"b_z": -1.0})
    return at_equal_size(task, cell, learning_rate, seed)


# Fixed before the runs, after a look at one seed and 300 steps at depths 1, 3 and 6: 4,000 parameters in
# all, 600 steps, five seeds; two learning rates, then the one above; and one more where
# plain stacks begin to fail.
DEPTH_STEPS = 600
DEPTH_RATES = (3e-2, 1e-2, 3e-3)


@experiment(
    points=grid(layers=(1, 2, 3, 4, 5, 6), gated=(False, True), learning_rate=DEPTH_RATES)
    + grid(layers=(4, 5, 6), gated=(False, True), learning_rate=(1e-1,)),
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


# Fixed before the runs, after a look at one seed: four layers of 10 units, the fewest with which plain stacks
# fail in the study above; up to 1,000 updates, its better learning rate and a higher one, then one above
# these, all shown.
LAYERS = 4
SOLVED, EVERY, LIMIT = 0.95, 25, 1000


def until_solved(model: Model, tested: tasks.Task, adam: optim.Adam, seed: int) -> dict[str, float]:
    """Train a model until it is right, or for 1,000 updates.

    Returns
    -------
    dict
        ``updates``, after how many the model was first right in 95 % of 256 validation rows, looked at every
        25 updates; not a number if it never was. ``accuracy`` on test rows then.
    """
    looked = tested.batch("validation", batch_size=256, seed=seed)
    solved = []

    def look(model: Model, history) -> bool:
        if history.steps % EVERY == 0 and model.run(looked).accuracy >= SOLVED:
            solved.append(history.steps)
        return bool(solved)

    fit(model, LIMIT, batch_size=BATCH, optimizer=adam, seed=seed, progress=False, callback=look)
    accuracy = model.evaluate(seed=seed, task=tested, batches=16).accuracy
    return {"updates": float(solved[0]) if solved else math.nan, "accuracy": accuracy}


@experiment(
    points=grid(path=("learned", "half", "residual", "none"), learning_rate=(1e-2, 3e-2, 1e-1)),
    seeds=range(5),
    agree={"accuracy": Interval(0.15)},
)
def paths_through_depth(path: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train four layers on embedded Reber strings until they keep the letter, with or without a path upwards.

    All four networks of a seed start from the same weights and read the same strings.

    Parameters
    ----------
    path : str
        ``"learned"``, depth gates; ``"half"``, the same held at 0.5, where they start; ``"none"``, held at 0:
        a plain stack. ``"residual"``: a plain stack whose upper layers add what they show to what they read.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the streams.

    Returns
    -------
    dict
        What `until_solved` says of the letter to be kept (chance about 1/2); ``loss`` on test strings, in
        nats a symbol; ``hidden``, the units in a layer.
    """
    import numpy as np

    task, last = tasks.EmbeddedReber(), tasks.EmbeddedReber(score="long")
    gated = cells.depth_gated.with_options(layers=LAYERS)
    hidden = hidden_size_for(gated, task, PARAMETERS)
    model = Model(gated, task, hidden_size=hidden, rng=np.random.default_rng(seed))
    if path == "residual":
        start = model.params
        model = Model(residual(LAYERS), task, hidden_size=hidden)
        model = model.with_params({name: start[name] for name in model.params})
    elif path != "learned":
        share = {"half": 0.5, "none": 0.0}[path]
        model = model.with_cell(gated.hold({f"{k}.d": share for k in range(1, LAYERS)}))
    adam = optim.Adam(learning_rate)
    found = until_solved(model, last, adam, seed)
    return found | {"loss": model.evaluate(seed=seed, batches=16).loss, "hidden": float(hidden)}
