"""Characters of the standard library: counts, compressors, every cell at equal parameters, min-char-rnn."""

from __future__ import annotations

import math
from itertools import islice

import numpy as np

from ...run.backends import backends
from ...tasks import Library
from ...tasks.ngrams import compressor_bits, kneser_ney
from ...training import optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, grid, hidden_size_for

__all__ = ["cells_on_characters", "counts_on_characters", "min_char_rnn", "rates_on_characters"]

CELLS = ("rnn", "lstm", "lstm_f", "coupled", "peephole", "gru", "mut1", "min_lstm", "slstm")
# Fixed before the runs: 60,000 parameters and 512,000 characters for every cell. One run at each of four
# rates, with a seed of its own and judged on validation files, chooses the rate for the three seeds tested.
PARAMETERS, STEPS, BATCH, LENGTH = 60_000, 500, 16, 64
CHARACTERS = STEPS * BATCH * LENGTH
TRIED = (3e-3, 1e-2, 3e-2, 1e-1)  # and 0.3 for the LSTM, whose best was at the edge


def learnt(cell: str, learning_rate: float, seed: int) -> Model:
    """Train a cell of at most 60,000 parameters, at a rate that falls to 0 along a cosine."""
    task = Library()
    hidden = hidden_size_for(cell, task, PARAMETERS)
    model = Model(cell, task, hidden, rng=np.random.default_rng(seed))
    adam, cosine = optim.Adam(learning_rate), optim.Cosine(STEPS)
    how = {"batch_size": BATCH, "length": LENGTH, "optimizer": adam, "schedule": cosine, "seed": seed}
    fit(model, STEPS, progress=False, backend=backends()[-1], **how)
    return model


def bits(model: Model, split: str) -> float:
    """Bits per character on 64,000 characters of files that are held out."""
    return model.evaluate(split, batches=20, batch_size=32, length=100).loss / math.log(2)


@experiment(
    points=grid(cell=CELLS, learning_rate=TRIED) + [{"cell": "lstm", "learning_rate": 0.3}],
    seeds=(3,),
    agree={"bits": Interval(0.1)},
)
def rates_on_characters(cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a cell once at a learning rate, and judge it on validation files.

    Parameters
    ----------
    cell : str
        Name of the cell; it gets at most 60,000 parameters.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the place at which reading starts.

    Returns
    -------
    dict
        ``bits`` per character on validation files; infinite if training diverged.
    """
    try:
        return {"bits": bits(learnt(cell, learning_rate, seed), "validation")}
    except ValueError:  # it diverged
        return {"bits": math.inf}


CHOSEN = dict.fromkeys(CELLS, 3e-2) | {"rnn": 1e-2, "lstm": 1e-1}  # by `rates_on_characters`


@experiment(
    points=[{"cell": cell, "learning_rate": rate} for cell, rate in CHOSEN.items()],
    seeds=range(3),
    agree={"bits": Interval(0.1)},
)
def cells_on_characters(cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a cell at the rate that was chosen for it, and test it on files of which it has seen nothing.

    Parameters
    ----------
    cell, learning_rate, seed
        As in `rates_on_characters`.

    Returns
    -------
    dict
        ``bits`` per character on test files; ``hidden``, the units.
    """
    model = learnt(cell, learning_rate, seed)
    return {"bits": bits(model, "test"), "hidden": float(model.hidden_size)}


@experiment(points=grid(characters=(CHARACTERS,)), seeds=range(3), agree={"bits": Interval(0.15)})
def min_char_rnn(characters: int, *, seed: int) -> dict[str, float]:
    """Train A. Karpathy's min-char-rnn as he did: one row, 25 characters an update, Adagrad, entries clipped.

    Parameters
    ----------
    characters : int
        How many it reads.
    seed : int
        Of the parameters and the place at which reading starts.

    Returns
    -------
    dict
        ``bits`` per character on test files.
    """
    rng, length, rate = np.random.default_rng(seed), 25, 0.1
    model = Model("rnn", Library(), 100, rng=rng)
    for name, p in model.params.items():
        p[...] = 0 if name.split(".")[1].startswith(("b", "d")) else 0.01 * rng.standard_normal(p.shape)
    squares, state = {name: np.zeros_like(p) for name, p in model.params.items()}, None
    stream = model.task.stream(batch_size=1, length=length, seed=seed)
    for batch in islice(stream, characters // length):
        forward = model.run(batch, state, grad=True, backend=backends()[-1])
        state = forward.final
        for name, g in forward.backward().items():
            g = np.clip(length * g, -5, 5)  # he adds losses up, and does not average them
            squares[name] += g * g
            model.params[name] -= rate * g / np.sqrt(squares[name] + 1e-8)
    return {"bits": bits(model, "test")}


def pieces() -> str:
    """32,000 characters of test files: 32 pieces from places that lie equally far apart."""
    batch = Library().batch("test", batch_size=32, length=1000)
    return Library().decode(batch.y.T.ravel())


@experiment(points=grid(way=("compressors", "counts")), seeds=(0,), agree={})
def counts_on_characters(way: str, *, seed: int) -> dict[str, float]:
    """Predict test files without a network, from the text of all training files.

    Parameters
    ----------
    way : str
        ``"compressors"``, or ``"counts"``: modified Kneser-Ney models, with contexts of up to 20 characters.
    seed : int
        Plays no part.

    Returns
    -------
    dict
        Bits per character of each compressor, or of each longest context, ``"0"`` to ``"20"``.
    """
    train, test = Library().region("train"), pieces()
    if way == "compressors":
        return compressor_bits(train, test)
    bits = kneser_ney(train, test, 20, alphabet=97).mean(axis=1)
    return {str(k): float(b) for k, b in enumerate(bits)}
