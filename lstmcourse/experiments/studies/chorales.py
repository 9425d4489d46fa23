"""Bach's chorales: networks whose 88 notes are independent coins, latent variables, and reading note by note.

The file is not part of the course (docs/data.md): without it the stored results can be read, not measured
again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ... import cells
from ...run.backends import backends
from ...tasks import Chorales, MissingSourceError, Task
from ...tasks.base import Batch, entropy
from ...tasks.chorales import LOWEST, NOTES
from ...training import optim
from ...training.fit import fit
from ...training.latent import Latent
from ...training.model import Model
from ..define import Interval, experiment, hidden_size_for
from .generative import widest

__all__ = ["chorales"]

DIGEST = "315f26fca5b358fb822a7df9ee11f595"  # of jsb-chorales-quarter.json
END = NOTES  # the symbol that ends a chord


def bach(kind: type[Chorales] = Chorales, **options: Any) -> Any:
    """Return the chorales, as one of the tasks that read them.

    Raises
    ------
    MissingSourceError
        The file is not here, or it is another one.
    """
    task = kind(**options)
    if task.data_digest() != DIGEST:
        raise MissingSourceError(
            f"path={task.path!r} is not the file of 382 chorales on which the stored results rest; "
            "docs/data.md says where it is, and its digest"
        )
    return task


@dataclass(frozen=True)
class NoteByNote(Chorales):
    """The chorales as one row of symbols: the notes of each chord from below, then the sign that it ends.

    A chord and its row say the same, so nats a chord can be compared with those of `Chorales`.
    """

    name: ClassVar[str] = "chorales note by note"
    loss: ClassVar[str] = "cross_entropy"
    joiner: ClassVar[str] = " "

    @property
    def symbols(self) -> tuple[str, ...]:
        """88 notes, as MIDI numbers, and "|"."""
        return (*map(str, range(LOWEST, LOWEST + NOTES)), "|")

    @property
    def input_size(self) -> int:
        """89 symbols."""
        return NOTES + 1

    @property
    def output_size(self) -> int:
        """89 symbols."""
        return NOTES + 1

    @property
    def chance(self) -> float:
        """Entropy of the symbols over all pieces."""
        batch = self.whole("all")
        return entropy(np.bincount(batch.y[batch.mask]) / batch.mask.sum())

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """Whether the likeliest symbol comes, (T, B)."""
        return Task.correct(self, prediction, batch)

    def _batch(self, pieces, dtype):
        rows = [np.concatenate([[*np.flatnonzero(chord), END] for chord in piece]) for piece in pieces]
        lengths = np.array([len(row) for row in rows], np.int64)
        y = np.zeros((lengths.max(), len(rows)), np.int64)
        for b, row in enumerate(rows):
            y[: len(row), b] = row
        mask = np.arange(len(y))[:, None] < lengths
        x = np.concatenate([np.full_like(y[:1], END), y[:-1]]) * mask
        return Batch(x, y, mask, lengths)


# Fixed before the runs: 40,000 parameters in all, 300 updates of 8 pieces at rates that fall to 0 along a
# cosine, 16 latent variables, whose price rises over the first 75 updates, hidden layers of 48 units; for
# each model three rates, after a few single runs, and one more where the best was the lowest of them or the
# highest. Which counts is decided by the loss on the 76 pieces for validation.
PARAMETERS = 40_000
UPDATES, BATCH = 300, 8
RISING = 75
SIZES = {"Z": 16, "F": 48}
SAMPLES = 20
COINS = {"RNN": "rnn", "GRU": "gru", "LSTM": "lstm"}
LATENT = {"STORN": "storn", "VRNN": "vrnn"}
BY_NOTES = "LSTM, note by note"
MODELS = (*COINS, *LATENT, BY_NOTES)
RATES = {name: (1e-2, 3e-2, 1e-1) for name in MODELS} | {
    "RNN": (3e-3, 1e-2, 3e-2),
    "STORN": (3e-3, 1e-2, 3e-2, 1e-1),
    BY_NOTES: (1e-2, 3e-2, 1e-1, 3e-1),
}


def trained(model: Any, learning_rate: float, seed: int, stop: int | None = None) -> Any:
    """Train a model at a rate that falls to 0 along a cosine, or for the first `stop` updates of that."""
    adam, cosine = optim.Adam(learning_rate), optim.Cosine(UPDATES)
    how = {"batch_size": BATCH, "optimizer": adam, "schedule": cosine, "seed": seed, "progress": False}
    fit(model, UPDATES if stop is None else stop, backend=backends()[-1], **how)
    return model


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
    chords = (batch.y[batch.mask] == END).sum() if batch.y.ndim == 2 else batch.mask.sum()
    return model.loss(batch) * float(batch.mask.sum() / chords)


@experiment(
    points=[{"model": name, "learning_rate": rate} for name, rates in RATES.items() for rate in rates],
    seeds=range(5),
    agree={"loss": Interval(0.15), "likelihood": Interval(0.15)},
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
