"""The trained networks of notebook 16: a translator that looks at words, a captioner that looks at places.

What a reader can do here: load them with `translator` and `captioner`, as the notebook does; train them again
with `train_translator` and `train_captioner`, from this or another seed. Their files are written by
``python -m lstmcourse.course.attentive``; a test trains them again, for a part of the way, and compares.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .. import cells, tasks
from ..checks import at_least, given
from ..compose import bidirectional
from ..training import checkpoints, optim
from ..training.captioner import Captioner
from ..training.fit import fit
from ..training.seq2seq import Seq2Seq

__all__ = ["CAPTIONER", "TRANSLATOR", "captioner", "train_captioner", "train_translator", "translator"]

TRANSLATOR, CAPTIONER = (
    Path(__file__).with_name("models") / f"{name}.safetensors" for name in ("translator", "captioner")
)
BATCH = 64


def _new_translator(seed: int = 0, dtype: Any = np.float32) -> Seq2Seq:
    task, sizes = tasks.Translation(clauses=(1, 2)), {"embedding": 32, "sizes": {"K": 32}}
    return Seq2Seq(bidirectional(cells.gru), "additive_attention", task, 48, rng=seed, dtype=dtype, **sizes)


def _new_captioner(seed: int = 0, dtype: Any = np.float32) -> Captioner:
    return Captioner("attend_and_tell", tasks.Scenes(), 48, sizes={"K": 32}, rng=seed, dtype=dtype)


@given(seed=at_least(0), steps=at_least(1))
def train_translator(seed: int = 0, *, steps: int = 1200) -> Seq2Seq:
    """Train a translator of sentences of one or two clauses, in about a minute; the stored one has seed 0."""
    model, schedule = _new_translator(seed), optim.Cosine(steps)
    adam = optim.Adam(4e-3)
    fit(model, steps, optimizer=adam, schedule=schedule, batch_size=BATCH, seed=seed, progress=False)
    return model


@given(seed=at_least(0), steps=at_least(1))
def train_captioner(seed: int = 0, *, steps: int = 2000) -> Captioner:
    """Train a captioner with soft attention, in about a minute; the stored one has seed 0."""
    model, schedule = _new_captioner(seed), optim.Cosine(steps)
    adam = optim.Adam(8e-3)
    fit(model, steps, optimizer=adam, schedule=schedule, batch_size=BATCH, seed=seed, progress=False)
    return model


def translator() -> Seq2Seq:
    """Return the stored translator in float64: what it says is then the same on every machine.

    Examples
    --------
    >>> translator().translate("the red car follows an old horse")
    'la voiture rouge suit un vieux cheval'
    """
    return _stored(TRANSLATOR, _new_translator(dtype=np.float64))


def captioner() -> Captioner:
    """Return the stored captioner in float64.

    Examples
    --------
    >>> captioner().task.name
    'scenes'
    """
    return _stored(CAPTIONER, _new_captioner(dtype=np.float64))


def _stored(path: Path, model: Any) -> Any:
    stored = checkpoints.load(path)
    return model.with_params({name: p.astype(np.float64) for name, p in stored.params.items()})


if __name__ == "__main__":
    for path, train in ((TRANSLATOR, train_translator), (CAPTIONER, train_captioner)):
        print(checkpoints.save(path, train()))
