"""Plain network against LSTM, at equal numbers of parameters: four tasks, and real text."""

from __future__ import annotations

import math

import numpy as np

from ... import tasks
from ...tasks import Adding, Copy, EmbeddedReber, TemporalOrder
from ...training import optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, grid, hidden_size_for

__all__ = ["bits_per_character", "plain_against_lstm"]

# Fixed before the runs: sizes of the tasks, 4,000 parameters in all, 1,500 steps, the same learning rates for
# each cell, five seeds. Adding and temporal order have the papers' length of 100. At first there were two
# rates, and the best was always at an edge; the one above and the one below were added, and where the best
# was at an edge again, one more. Later, for what is compared with the GRU: the plain network's rates beyond
# its lowest loss on adding and temporal order, though it learns neither, and on temporal order the LSTM at
# the rate at which every GRU is asked.
PARAMETERS = 4000
STEPS = 1500
BATCH = 32
RATES = (3e-2, 1e-2, 3e-3, 1e-3)
HIGHER, LOWER, LOWEST = 1e-1, 3e-4, 1e-4


@experiment(
    points=grid(
        task=("adding", "copy", "temporal_order", "embedded_reber"),
        cell=("rnn", "lstm"),
        learning_rate=RATES,
    )
    + grid(task=("adding",), cell=("rnn", "lstm"), learning_rate=(HIGHER,))
    + grid(task=("copy", "temporal_order"), cell=("rnn", "lstm"), learning_rate=(LOWER,))
    + grid(task=("adding",), cell=("rnn",), learning_rate=(LOWER,))
    + grid(task=("temporal_order",), cell=("rnn",), learning_rate=(LOWEST,))
    + grid(task=("temporal_order",), cell=("lstm",), learning_rate=(HIGHER,)),
    seeds=range(5),
    agree={"accuracy": Interval(0.15)},
)
def plain_against_lstm(task: str, cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a plain network, or an LSTM with no more parameters, on one of four tasks, and test it.

    Parameters
    ----------
    task : str
        ``"adding"`` (values from 0 to 1, 100 steps), ``"copy"`` (5 symbols of 4, after 50 steps, scored where
        they are recalled), ``"temporal_order"`` (two marks, 100 to 110 steps), ``"embedded_reber"`` (scored
        at the step that needs the memory).
    cell : str
        ``"rnn"`` or ``"lstm"``.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the streams.

    Returns
    -------
    dict
        ``accuracy`` and ``loss`` on test rows; ``hidden``, the units.
    """
    trained, tested = _tasks(task)
    hidden = hidden_size_for(cell, trained, PARAMETERS)
    model = Model(cell, trained, hidden_size=hidden, rng=np.random.default_rng(seed))
    adam = optim.Adam(learning_rate)
    fit(model, STEPS, batch_size=BATCH, optimizer=adam, seed=seed, progress=False)
    measured = model.evaluate(seed=seed, task=tested, batches=16)
    return {"accuracy": measured.accuracy, "loss": measured.loss, "hidden": float(hidden)}


def at_equal_size(task: str, cell: str, learning_rate: float, seed: int) -> dict[str, float]:
    """One trial by the rules of this study, for any cell."""
    return plain_against_lstm(task, cell, learning_rate, seed=seed)


def _tasks(name: str):
    """What is trained, and what is tested."""
    if name == "embedded_reber":
        return EmbeddedReber(), EmbeddedReber(score="long")
    task = {
        "adding": Adding(steps=100, variant="modern"),
        "copy": Copy(delay=50, payload=5, alphabet=4, score="recall"),
        "temporal_order": TemporalOrder(steps=100),
    }[name]
    return task, task


TEXT_PARAMETERS = 60_000
# Fixed before the runs: 2,000 steps, three seeds; two learning rates, then two above them, since 0.01 was
# best. Added after their results, to see if the budget decides: 500 and 5,000 steps, the plain network at
# 0.01 and the LSTM at 0.03, which were best with 2,000; before we knew of 0.03, both at 0.01.
TEXT_RATES = (1e-1, 3e-2, 1e-2, 3e-3)
SHORT = grid(cell=("rnn", "lstm"), steps=(2000,), learning_rate=TEXT_RATES)
OTHER = grid(cell=("rnn", "lstm"), steps=(500, 5000), learning_rate=(1e-2,))
OTHER += grid(cell=("lstm",), steps=(500, 5000), learning_rate=(3e-2,))


@experiment(
    points=SHORT + OTHER,
    seeds=range(3),
    agree={"bits": Interval(0.1)},
)
def bits_per_character(cell: str, steps: int, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a plain network, or an LSTM with no more parameters, on the text of Python's standard library.

    Parameters
    ----------
    cell : str
        ``"rnn"`` or ``"lstm"``.
    steps : int
        Updates, of 32 pieces of 64 characters each.
    learning_rate : float
        Of Adam; it falls to 0 along a cosine.
    seed : int
        Of the parameters and the place at which reading starts.

    Returns
    -------
    dict
        ``bits`` per character on the test text; ``hidden``, the units.
    """
    task = tasks.Text()
    hidden = hidden_size_for(cell, task, TEXT_PARAMETERS)
    model = Model(cell, task, hidden_size=hidden, rng=np.random.default_rng(seed))
    adam, cosine = optim.Adam(learning_rate), optim.Cosine(steps)
    fit(model, steps, batch_size=BATCH, optimizer=adam, schedule=cosine, seed=seed, progress=False)
    measured = model.evaluate("test", batch_size=8, batches=80)
    return {"bits": measured.loss / math.log(2), "hidden": float(hidden)}
