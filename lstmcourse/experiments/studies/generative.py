"""Generative networks: what sound is probable, by frames and by samples; and digits that DRAW draws."""

from __future__ import annotations

import numpy as np

from ... import cells
from ...cell import Cell
from ...course import generative
from ...course.generative import PAINTING, trained, untrained
from ...run.backends import backends
from ...tasks import Handwriting, Tones
from ...training import optim
from ...training.fit import fit
from ...training.latent import Latent
from ..define import Interval, experiment, grid

__all__ = ["drawing", "sound"]

# Fixed before the runs: the sound, Z, F and the VRNN's H, from which the others' H follow by the number of
# parameters; 600 updates at rates that fall to 0 along a cosine, over the first 150 of which the price of
# messages rises where it is said to; the rates, from single runs with seed 100.
SOUND = Tones(frames=20)
SIZES = {"Z": 4, "F": 48}
HIDDEN = 48
UPDATES = 600
BATCH = 32
RISING = "VRNN, rising price"
MODELS = ("one Gaussian", "mixture of 20", "STORN", "VRNN", "sample by sample", RISING)


def widest(cell: Cell, most: int, sizes: dict[str, int]) -> int:
    """The greatest H with which a cell has at most so many parameters."""
    hidden = 1
    while cell.parameter_count(sizes=sizes | {"H": hidden + 1}) <= most:
        hidden += 1
    return hidden


def model_of_sound(name: str, seed: int) -> Latent:
    """An untrained model of the sound, as wide as the VRNN's number of parameters lets it be."""
    cell = {
        "one Gaussian": cells.density_rnn,
        "mixture of 20": cells.density_rnn.with_options(components=20),
        "STORN": cells.storn,
        "VRNN": cells.vrnn,
        RISING: cells.vrnn,
        "sample by sample": cells.density_rnn,
    }[name]
    one_by_one = name == "sample by sample"
    sizes = {k: v for k, v in SIZES.items() if k in cell.size_names()}
    most = cells.vrnn.parameter_count(SOUND.size, HIDDEN, SIZES)
    hidden = widest(cell, most, sizes | {"D": 1 if one_by_one else SOUND.size})
    warmup = UPDATES // 4 if name == RISING else 0
    rng = np.random.default_rng(seed)
    return Latent(cell, SOUND, hidden, sizes=sizes, one_by_one=one_by_one, warmup=warmup, rng=rng)


def train_on_sound(model: Latent, learning_rate: float, seed: int) -> Latent:
    """Train it as all are trained."""
    adam, cosine = optim.Adam(learning_rate), optim.Cosine(UPDATES)
    how = {"batch_size": BATCH, "optimizer": adam, "schedule": cosine, "seed": seed, "progress": False}
    fit(model, UPDATES, backend=backends()[-1], **how)
    return model


@experiment(
    points=(
        *grid(model=("sample by sample",), learning_rate=(1e-2,)),
        *grid(model=(RISING,), learning_rate=(2e-2,)),
        *grid(model=("one Gaussian", "mixture of 20"), learning_rate=(5e-3, 1e-2, 2e-2, 4e-2)),
        *grid(model=("STORN",), learning_rate=(5e-3, 1e-2, 2e-2)),
        *grid(model=("VRNN",), learning_rate=(2.5e-3, 5e-3, 1e-2, 2e-2)),
    ),
    seeds=range(5),
    agree={"bound": Interval(0.4), "likelihood": Interval(0.4)},
)
def sound(model: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a model of sound at one of some rates; its best is the one with the lowest mean ``validation``.

    Parameters
    ----------
    model : str
        ``"one Gaussian"``, a ``"mixture of 20"``, ``"STORN"``, ``"VRNN"``, also with a ``"rising price"``;
        ``"sample by sample"`` is a Gaussian for each sample that has read the one before.
    learning_rate : float
        Of Adam at the start; it falls to 0 along a cosine.
    seed : int
        Of the parameters, the stream and the noise.

    Returns
    -------
    dict
        In nats a frame: ``validation`` and ``bound``, the bound on validation and test rows; ``price``, the
        divergence in the latter; ``likelihood``, minus the log likelihood of the test rows by 50 samples (the
        bound, where there is no latent variable). ``hidden``, the units, and ``parameters``.
    """
    made = train_on_sound(model_of_sound(model, seed), learning_rate, seed)
    rows = {split: made.task.batch(split, batch_size=128) for split in ("validation", "test")}
    tested = made.run(rows["test"])
    likelihood = made.likelihood(rows["test"], 50, backend=backends()[-1])
    return {
        "validation": made.bound(rows["validation"]),
        "bound": tested.bound,
        "price": float(tested.kl.sum()) / tested.scored,
        "likelihood": -float(likelihood.mean()) / SOUND.frames,
        "hidden": float(made.hidden_size),
        "parameters": float(made.parameter_count),
    }


# Fixed before the runs: size of pictures, H without windows, from which H with windows follows by the number
# of parameters, the painter's 1500 updates; the rates, from single runs with seed 100.
DIGITS = Handwriting(size=16)
UNITS = 48


def model_of_digits(attention: bool, seed: int) -> Latent:
    """An untrained DRAW, as wide as the number of parameters without windows lets it be."""
    cell = cells.draw.with_options(attention=attention, read=generative.PLACES, write=generative.PLACES)
    sizes = {"Z": generative.LATENT, "Y": DIGITS.canvas, "X": DIGITS.canvas}
    hidden = widest(cell, cells.draw.parameter_count(sizes=sizes | {"H": UNITS}), sizes)
    return untrained(DIGITS, hidden, attention=attention, seed=seed)


@experiment(
    points=(
        *grid(attention=(False, True), learning_rate=(5e-3,)),
        *grid(attention=(True,), learning_rate=(2.5e-3, 1e-2)),
        *grid(attention=(False,), learning_rate=(2.5e-3, 1e-2)),
    ),
    seeds=range(3),
    agree={"bound": Interval(3.0), "likelihood": Interval(3.0)},
    uses=(generative,),
)
def drawing(attention: bool, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train DRAW, with windows or without, on digits of 16 by 16 pixels.

    Parameters
    ----------
    attention : bool
        Whether it reads and writes 5 by 5 places, or all pixels.
    learning_rate : float
        Of Adam at the start; it falls to 0 along a cosine.
    seed : int
        Of the parameters, the stream and the noise.

    Returns
    -------
    dict
        In nats a picture: ``training``, ``validation`` and ``bound``, the bound on training, validation and
        test pictures, and ``likelihood``, minus the log likelihood of the test pictures by 64 samples each.
        ``hidden``, the units, and ``parameters``.
    """
    model = trained(model_of_digits(attention, seed), PAINTING["steps"], learning_rate, seed)
    whole = {split: DIGITS.whole(split) for split in ("train", "validation", "test")}
    likelihood = model.likelihood(whole["test"], backend=backends()[-1])
    return {
        "training": model.bound(whole["train"]),
        "validation": model.bound(whole["validation"]),
        "bound": model.bound(whole["test"]),
        "likelihood": -float(likelihood.mean()),
        "hidden": float(model.hidden_size),
        "parameters": float(model.parameter_count),
    }
