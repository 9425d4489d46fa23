"""The trained networks of notebook 16: a translator that looks at words, a captioner that looks at places.

What a reader can do here: load them with `translator` and `captioner`, as the notebook does; train them again
with `train_translator` and `train_captioner`, from this or another seed. The translator is the network with
attention and seed 0 of the stored study `translation`; the captioner has more steps than those of `captions`,
so that it makes next to no mistake. Their files are written by
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
TRANSLATING = {"steps": 800, "learning_rate": 8e-3}
TELLING = {"steps": 2000, "learning_rate": 8e-3}
SOON = 20  # steps after which the loss is noted in the file


def _new_translator(seed: int = 0, dtype: Any = np.float32) -> Seq2Seq:
    task, sizes = tasks.Translation(clauses=(1, 3)), {"embedding": 32, "sizes": {"K": 32}}
    return Seq2Seq(bidirectional(cells.gru), "additive_attention", task, 48, rng=seed, dtype=dtype, **sizes)


def _new_captioner(seed: int = 0, dtype: Any = np.float32) -> Captioner:
    return Captioner("attend_and_tell", tasks.Scenes(), 48, sizes={"K": 32}, rng=seed, dtype=dtype)


def _trained(model: Any, recipe: dict[str, Any], seed: int, stop: int) -> Any:
    adam, schedule = optim.Adam(recipe["learning_rate"]), optim.Cosine(recipe["steps"])
    fit(model, stop, optimizer=adam, schedule=schedule, batch_size=64, seed=seed, progress=False)
    return model


@given(seed=at_least(0), stop=at_least(1, TRANSLATING["steps"]))
def train_translator(seed: int = 0, *, stop: int = TRANSLATING["steps"]) -> Seq2Seq:
    """Train a translator of sentences of one to three clauses, in about half a minute.

    Parameters
    ----------
    seed : int
        Of the first parameters and of the sentences. The stored translator has 0.
    stop : int
        The step after which to stop, of 800.

    Returns
    -------
    Seq2Seq
    """
    return _trained(_new_translator(seed), TRANSLATING, seed, stop)


@given(seed=at_least(0), stop=at_least(1, TELLING["steps"]))
def train_captioner(seed: int = 0, *, stop: int = TELLING["steps"]) -> Captioner:
    """Train a captioner with soft attention, in less than a minute.

    Parameters
    ----------
    seed : int
        Of the first parameters and of the pictures. The stored captioner has 0.
    stop : int
        The step after which to stop, of 2,000.

    Returns
    -------
    Captioner
    """
    return _trained(_new_captioner(seed), TELLING, seed, stop)


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
    >>> model = captioner()
    >>> picture = model.task.batch("test", batch_size=1, dtype=model.dtype)
    >>> model.describe(picture.source) == [model.task.decode_target(picture.target[:, 0])]
    True
    """
    return _stored(CAPTIONER, _new_captioner(dtype=np.float64))


def _stored(path: Path, model: Any) -> Any:
    stored = checkpoints.load(path)
    return model.with_params({name: p.astype(np.float64) for name, p in stored.params.items()})


def main() -> None:
    """Train both networks and write their files."""
    for path, train, recipe in (
        (TRANSLATOR, train_translator, TRANSLATING),
        (CAPTIONER, train_captioner, TELLING),
    ):
        soon = train(stop=SOON).evaluate("validation").loss
        checkpoints.save(path, train(), facts=recipe | {"seed": 0, "loss soon": soon})


if __name__ == "__main__":
    main()
