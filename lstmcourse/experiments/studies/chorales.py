"""Bach's chorales: networks whose 88 notes are independent coins, latent variables, and reading note by note.

The file is not part of the course (docs/data.md): without it the stored results can be read, not measured
again.
"""

from __future__ import annotations

import numpy as np

from ... import cells
from ...course import choir
from ...course.choir import NoteByNote, bach, trained
from ...run.backends import backends
from ...tasks import Chorales
from ...training.latent import Latent
from ...training.model import Model
from ..define import Interval, experiment, hidden_size_for
from .generative import widest

__all__ = ["chorales"]

# Fixed before the runs: 40,000 parameters in all, 300 updates of 8 pieces at rates that fall to 0 along a
# cosine, 16 latent variables, whose price rises over the first 75 updates, hidden layers of 48 units; for
# each model three rates, after a few single runs, and another where the best of three lies at the edge. Which
# counts is decided by the loss on the 76 pieces for validation.
PARAMETERS = 40_000
RISING = 75
SIZES = {"Z": 16, "F": 48}
SAMPLES = 20
COINS = {"RNN": "rnn", "GRU": "gru", "LSTM": "lstm"}
LATENT = {"STORN": "storn", "VRNN": "vrnn"}
BY_NOTES = "LSTM, note by note"
MODELS = (*COINS, *LATENT, BY_NOTES)
RATES = {name: (1e-2, 3e-2, 1e-1) for name in (*COINS, *LATENT)} | {
    "RNN": (3e-3, 1e-2, 3e-2),
    "STORN": (3e-3, 1e-2, 3e-2, 1e-1),
}


def model_of_chorales(name: str, seed: int) -> Latent | Model:
    """An untrained model of the chorales, as wide as the number of parameters lets it be."""
    rng = np.random.default_rng(seed)
    if name in LATENT:
        task = bach(Chorales, given="now")
        cell = cells.get(LATENT[name]).with_options(output="bernoulli")
        sizes = {k: v for k, v in SIZES.items() if k in cell.size_names()}
        hidden = widest(cell, PARAMETERS, sizes | {"D": task.input_size})
        return Latent(cell, task, hidden, sizes=sizes, warmup=RISING, rng=rng)
    task = bach(NoteByNote if name == BY_NOTES else Chorales)
    cell = COINS.get(name, "lstm")
    return Model(cell, task, hidden_size_for(cell, task, PARAMETERS), rng=rng)


def nats_a_chord(model: Latent | Model, split: str) -> float:
    """The loss of a split, or the bound on it, over all its pieces."""
    batch = model.task.whole(split)
    if isinstance(model, Latent):
        return model.bound(batch)
    chords = (batch.y[batch.mask] == choir.END).sum() if batch.y.ndim == 2 else batch.mask.sum()
    return model.loss(batch) * float(batch.mask.sum() / chords)


@experiment(
    points=[{"model": name, "learning_rate": rate} for name, rates in RATES.items() for rate in rates],
    seeds=range(5),
    agree={"loss": Interval(0.15), "likelihood": Interval(0.15)},
    uses=(choir,),
    needs=bach,
)
def chorales(model: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a model of Bach's chorales, a chord a quarter, in the splits that papers use.

    Parameters
    ----------
    model : str
        ``"RNN"``, ``"GRU"`` and ``"LSTM"`` expect each of 88 notes by itself; ``"STORN"`` and ``"VRNN"`` do
        so once their latent variables are known; ``"LSTM, note by note"`` reads each chord from below.
    learning_rate : float
        Of Adam at the start; it falls to 0 along a cosine.
    seed : int
        Of the parameters, the stream and the noise.

    Returns
    -------
    dict
        In nats a chord, over all chords of a split: ``validation`` and ``loss``, of the pieces for
        validation and for testing (of latent variables, the bound by one sample); ``likelihood``,
        minus the log likelihood of the test pieces, by 20 samples (the loss, where there is no latent
        variable). ``hidden``, the units, and ``parameters``.
    """
    made = trained(model_of_chorales(model, seed), learning_rate, seed)
    losses = {split: nats_a_chord(made, split) for split in ("validation", "test")}
    likelihood = losses["test"]
    if isinstance(made, Latent):
        test = made.task.whole("test")
        found = made.likelihood(test, SAMPLES, backend=backends()[-1])
        likelihood = -float(found.sum() / test.mask.sum())
    return {
        "validation": losses["validation"],
        "loss": losses["test"],
        "likelihood": likelihood,
        "hidden": float(made.hidden_size),
        "parameters": float(made.parameter_count),
    }
