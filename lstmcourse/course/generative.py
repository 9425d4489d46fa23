"""The trained networks of notebook 18: a painter of digits, a copyist that looks through windows, a singer.

What a reader can do here: load them with `painter`, `copyist` and `singer`, as the notebook does; train them
again with `train_painter`, `train_copyist` and `train_singer`, from this or another seed. Two are DRAW
(`lstmcourse.cells.draw`): the painter sees whole pictures, as in the stored study `drawing`; the copyist sees
a small digit somewhere on a larger picture through windows. The singer is a VRNN. Their files are written by
``python -m lstmcourse.course.generative``; a test trains them again, for a part of the way, and compares.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np

from .. import cells, tasks
from ..checks import at_least, given
from ..run.backends import backends
from ..training import checkpoints, optim
from ..training.fit import fit
from ..training.latent import Latent

__all__ = [
    "COPYIST",
    "PAINTER",
    "SINGER",
    "copyist",
    "painter",
    "singer",
    "train_copyist",
    "train_painter",
    "train_singer",
]

PAINTER, COPYIST, SINGER = (
    Path(__file__).with_name("models") / f"{name}.safetensors" for name in ("painter", "copyist", "singer")
)
PAINTING = {"steps": 1500, "learning_rate": 5e-3}
COPYING = {"steps": 3000, "learning_rate": 5e-3}
SINGING = {"steps": 3000, "learning_rate": 1e-2}
SOON = 30  # steps after which the loss is noted in the file
LATENT, STROKES, PLACES = 12, 8, 5  # Z, how often DRAW draws, and the side of what a window shows
BATCH = 32


def untrained(task: Any, hidden: int, *, attention: bool, seed: int = 0, dtype: Any = np.float32) -> Latent:
    """A DRAW whose canvas starts from how often each pixel is white in training, its windows from 0.6 pixels.

    0.6 is the standard deviation of a window's filters.
    """
    cell = cells.draw.with_options(attention=attention, read=PLACES, write=PLACES)
    rng = np.random.default_rng(seed)
    model = Latent(cell, task, hidden, sizes={"Z": LATENT}, steps=STROKES, rng=rng, dtype=dtype)
    pictures = task.pictures(task.whole("train").x)
    white = (pictures.sum(0) + 1) / (len(pictures) + 2)
    model.params["canvas_0"][...] = np.log(white / (1 - white))
    for name in ("read.b_window", "write.b_window"):
        if attention:
            model.params[name][2] = -1.0  # the log of the filters' variance
    return model


def trained(model: Latent, steps: int, learning_rate: float, seed: int, stop: int | None = None) -> Latent:
    """Train a DRAW at a rate that falls to 0 along a cosine, or the first `stop` steps of that."""
    adam, cosine = optim.Adam(learning_rate), optim.Cosine(steps)
    how = {"batch_size": BATCH, "optimizer": adam, "schedule": cosine, "seed": seed, "progress": False}
    fit(model, steps if stop is None else stop, backend=backends()[-1], **how)
    return model


def _new_painter(seed: int = 0, dtype: Any = np.float32) -> Latent:
    return untrained(tasks.Handwriting(size=16), 48, attention=False, seed=seed, dtype=dtype)


def _new_copyist(seed: int = 0, dtype: Any = np.float32) -> Latent:
    model = untrained(tasks.Handwriting(canvas=16), 64, attention=True, seed=seed, dtype=dtype)
    model.warmup = COPYING["steps"] // 2  # without it, it learns where a digit is and little else
    return model


def _new_singer(seed: int = 0, dtype: Any = np.float32) -> Latent:
    task, sizes, rising = tasks.Tones(frames=20), {"Z": 4, "F": 48}, SINGING["steps"] // 4
    rng = np.random.default_rng(seed)
    return Latent("vrnn", task, 48, sizes=sizes, warmup=rising, rng=rng, dtype=dtype)


@given(seed=at_least(0), stop=at_least(1, PAINTING["steps"]))
def train_painter(seed: int = 0, *, stop: int = PAINTING["steps"]) -> Latent:
    """Train a DRAW on digits of 16 by 16 pixels, in about half a minute.

    Parameters
    ----------
    seed : int
        Of the first parameters, the pictures and the noise. The stored painter has 0.
    stop : int
        The step after which to stop, of 1,500.

    Returns
    -------
    Latent
    """
    return trained(_new_painter(seed), **PAINTING, seed=seed, stop=stop)


@given(seed=at_least(0), stop=at_least(1, COPYING["steps"]))
def train_copyist(seed: int = 0, *, stop: int = COPYING["steps"]) -> Latent:
    """Train a DRAW with windows on digits of 8 by 8 pixels, anywhere on 16 by 16, in about a minute.

    Parameters
    ----------
    seed : int
        Of the first parameters, the pictures and the noise. The stored copyist has 0.
    stop : int
        The step after which to stop, of 3,000.

    Returns
    -------
    Latent
    """
    return trained(_new_copyist(seed), **COPYING, seed=seed, stop=stop)


@given(seed=at_least(0), stop=at_least(1, SINGING["steps"]))
def train_singer(seed: int = 0, *, stop: int = SINGING["steps"]) -> Latent:
    """Train a VRNN on sums of two sines that jump, five times as long as notebook 18, in about a minute.

    The price of its messages rises over the first quarter.

    Parameters
    ----------
    seed : int
        Of the first parameters, the sounds and the noise. The stored singer has 0.
    stop : int
        The step after which to stop, of 3,000.

    Returns
    -------
    Latent
    """
    return trained(_new_singer(seed), **SINGING, seed=seed, stop=stop)


def painter() -> Latent:
    """Return the stored painter in float64: what it draws is then the same on every machine.

    Examples
    --------
    >>> painter().sample(3, rng=0).shape
    (8, 3, 16, 16)
    """
    return _stored(PAINTER, _new_painter(dtype=np.float64))


def copyist() -> Latent:
    """Return the stored copyist in float64.

    Examples
    --------
    >>> model = copyist()
    >>> run = model.run(model.task.batch("test", batch_size=3, dtype=model.dtype)).run
    >>> run["canvas"].shape, run["read.mu_x"].shape
    ((8, 3, 16, 16), (8, 3, 5))
    """
    return _stored(COPYIST, _new_copyist(dtype=np.float64))


def singer() -> Latent:
    """Return the stored singer in float64.

    Examples
    --------
    >>> singer().sample(3, rng=0).shape
    (20, 3, 8)
    """
    return _stored(SINGER, _new_singer(dtype=np.float64))


def _stored(path: Path, model: Latent) -> Latent:
    stored = checkpoints.load(path)
    return model.with_params({name: p.astype(np.float64) for name, p in stored.params.items()})


def main(names: list[str]) -> None:
    """Train the networks, all if none is named, and write their files."""
    networks = {
        "painter": (PAINTER, train_painter, PAINTING),
        "copyist": (COPYIST, train_copyist, COPYING),
        "singer": (SINGER, train_singer, SINGING),
    }
    for path, train, recipe in map(networks.__getitem__, names or networks):
        soon = train(stop=SOON).evaluate("validation").loss
        checkpoints.save(path, train(), facts=recipe | {"seed": 0, "loss soon": soon})


if __name__ == "__main__":
    main(sys.argv[1:])
