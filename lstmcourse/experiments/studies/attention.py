"""Attention against one vector: in translation, in dates, in pronunciation; and what a captioner looks at."""

from __future__ import annotations

import numpy as np

from ... import cells, compose, tasks
from ...tasks.pairs import until_end
from ...training import optim
from ...training.captioner import Captioner
from ...training.fit import fit
from ...training.seq2seq import Seq2Seq
from ..define import Interval, experiment, grid

__all__ = ["captions", "dates", "pronunciation", "translation", "translation_for_longer"]

# Fixed before the runs that are stored: one budget for both kinds of network, and rates of learning, of which
# the best is taken by the loss on validation data. A grid whose best lies at its edge gets one more rate
# there. TESTED pairs of each kind are written, greedily.
TESTED = 256
BATCH = 64
HIDDEN, SPEAKING, EMBEDDING, COMPARED = 48, 64, 32, 32
TRANSLATING, LONGER, DATING, PRONOUNCING, TELLING, DRAWING = 800, 2400, 400, 1200, 800, 2400
LONGEST, CLAUSES = 3, (1, 2, 3, 4, 5)


def _translator(task: tasks.Task, attention: bool, seed: int, hidden: int = HIDDEN) -> Seq2Seq:
    """A network with a bidirectional encoder; its parameters are the same with attention and without."""
    sizes = {"embedding": EMBEDDING, "sizes": {"K": COMPARED}, "attention": attention}
    return Seq2Seq(compose.bidirectional(cells.gru), "additive_attention", task, hidden, rng=seed, **sizes)


def _trained(model, steps: int, rate: float, seed: int):
    """The model after `steps` steps, the rate of Adam falling to 0."""
    how = {"optimizer": optim.Adam(rate), "schedule": optim.Cosine(steps), "batch_size": BATCH}
    fit(model, steps, seed=seed, progress=False, backend="numba", **how)
    return model


def _aligned(model, batch) -> float:
    """How often the decoder, given the right words, looks most at a part that the word stands for."""
    shares, right = model.run(batch).alignment, batch.alignment
    most = np.take_along_axis(right, shares.argmax(-1)[..., None], -1)[..., 0]
    return float(most[right.any(-1)].mean())


def _translated(attention: bool, steps: int, learning_rate: float, seed: int) -> dict[str, float]:
    """What a translator has learnt after so many steps."""
    model = _translator(tasks.Translation(clauses=(1, LONGEST)), attention, seed)
    _trained(model, steps, learning_rate, seed)
    found = {"validation": model.evaluate("validation", batches=4, batch_size=BATCH).loss}
    for n in CLAUSES:
        batch = tasks.Translation(clauses=n).batch("test", batch_size=TESTED, seed=seed)
        written = model.write(batch.source, batch.source_lengths)
        found[f"bleu_{n}"] = tasks.bleu(written.rows, until_end(batch.target))
        found[f"exact_{n}"] = float(model.task.exact(written.symbols, batch).mean())
        if attention:
            found[f"aligned_{n}"] = _aligned(model, batch)
    return found


@experiment(
    points=[
        *grid(attention=(True,), learning_rate=(4e-3, 8e-3, 16e-3)),
        *grid(attention=(False,), learning_rate=(8e-3, 16e-3, 32e-3)),
    ],
    seeds=range(5),
    agree={f"bleu_{n}": Interval(15.0) for n in (1, 2, 3)} | {"validation": Interval(0.1)},
)
def translation(attention: bool, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Translate English into French by a grammar, with attention or through one vector.

    Parameters
    ----------
    attention : bool
        Whether the decoder sees all words of the source, or the encoder's last states alone.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the sentences.

    Returns
    -------
    dict
        ``validation``, the loss on validation sentences as in training, of one to three clauses;
        ``bleu_1`` to ``bleu_5`` and ``exact_1`` to ``exact_5``, of test sentences with so many clauses, BLEU
        and the share without a mistake; with attention ``aligned_1`` to ``aligned_5``, the share of French
        words for which the decoder looks most at an English word that it stands for.
    """
    return _translated(attention, TRANSLATING, learning_rate, seed)


@experiment(
    points=grid(learning_rate=(8e-3, 16e-3, 32e-3)),
    seeds=range(3),
    agree={f"bleu_{n}": Interval(15.0) for n in (1, 2, 3)} | {"validation": Interval(0.1)},
)
def translation_for_longer(learning_rate: float, *, seed: int) -> dict[str, float]:
    """Translate through one vector, with three times as many steps.

    Parameters
    ----------
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the sentences.

    Returns
    -------
    dict
        As in `translation`.
    """
    return _translated(False, LONGER, learning_rate, seed)


@experiment(
    points=[
        *grid(attention=(True,), learning_rate=(4e-3, 8e-3, 16e-3)),
        *grid(attention=(False,), learning_rate=(8e-3, 16e-3, 32e-3)),
    ],
    seeds=range(5),
    agree={"exact": Interval(0.1), "validation": Interval(0.05)},
)
def dates(attention: bool, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Read dates as 26 languages write them.

    Parameters
    ----------
    attention : bool
        Whether the decoder sees all characters of the source, or the encoder's last states alone.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the dates.

    Returns
    -------
    dict
        ``exact``, the share of test dates without a mistake; ``validation``, the loss.
    """
    model = _trained(_translator(tasks.Dates(), attention, seed), DATING, learning_rate, seed)
    batch = model.task.batch("test", batch_size=TESTED, seed=seed)
    written = model.write(batch.source, batch.source_lengths)
    exact = float(model.task.exact(written.symbols, batch).mean())
    loss = model.evaluate("validation", batches=4, batch_size=BATCH).loss
    return {"exact": exact, "validation": loss}


@experiment(
    points=grid(attention=(True, False), learning_rate=(4e-3, 8e-3, 16e-3)),
    seeds=range(3),
    agree={"exact": Interval(0.06), "errors": Interval(0.02), "validation": Interval(0.05)},
)
def pronunciation(attention: bool, learning_rate: float, *, seed: int) -> dict[str, float]:
    """From letters to phonemes, by the CMU dictionary.

    Parameters
    ----------
    attention : bool
        Whether the decoder sees all letters of the word, or the encoder's last states alone.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the words.

    Returns
    -------
    dict
        ``exact``, the share of test words without a mistake; ``errors``, wrong phonemes for each right one;
        ``validation``, the loss.
    """
    model = _trained(
        _translator(tasks.Pronunciation(), attention, seed, SPEAKING), PRONOUNCING, learning_rate, seed
    )
    batch = model.task.batch("test", batch_size=1024, seed=seed)
    written = model.write(batch.source, batch.source_lengths)
    return {
        "exact": float(model.task.exact(written.symbols, batch).mean()),
        "errors": tasks.error_rate(written.rows, until_end(batch.target)),
        "validation": model.evaluate("validation", batches=8, batch_size=BATCH).loss,
    }


@experiment(
    points=[
        *grid(kind=("soft",), penalty=(0.0, 1.0), learning_rate=(4e-3, 8e-3, 16e-3)),
        *grid(kind=("hard", "mean"), penalty=(0.0,), learning_rate=(4e-3, 8e-3, 16e-3)),
    ],
    seeds=range(5),
    agree={"exact": Interval(0.15), "validation": Interval(0.1)},
)
def captions(kind: str, penalty: float, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Say what is in a picture, and look at it meanwhile.

    Parameters
    ----------
    kind : str
        ``"soft"`` or ``"hard"`` attention, the latter with three times the steps; ``"mean"``: the decoder is
        given the mean of all places.
    penalty : float
        Of places that are not looked at for as long as a word.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the pictures.

    Returns
    -------
    dict
        ``exact``, the share of test captions without a mistake; ``validation``, what a word of a validation
        caption costs, given those before, without the penalty; unless ``"mean"``, ``there``, the share of
        colour words at which the decoder looks most at the object; what becomes of a colour's probability,
        ``seen``, where the place that is looked at most is made black (``own``), another object's
        (``other``), or an empty one (``empty``).
    """
    cell = cells.attend_and_tell.with_options(attention="hard" if kind == "hard" else "soft")
    sizes = {"sizes": {"K": COMPARED}, "attention": kind != "mean", "penalty": penalty}
    model = Captioner(cell, tasks.Scenes(), HIDDEN, rng=seed, **sizes)
    _trained(model, DRAWING if kind == "hard" else TELLING, learning_rate, seed)
    held_out, batch = (model.task.batch(s, batch_size=TESTED, seed=seed) for s in ("validation", "test"))
    found = {
        "exact": float(model.task.exact(model.write(batch.source).symbols, batch).mean()),
        "validation": float(model.run(held_out).nats.sum() / held_out.mask.sum()),
    }
    return found if kind == "mean" else found | _occluded(model, seed)


def _occluded(model: Captioner, seed: int) -> dict[str, float]:
    """What the first object's colour is worth, of pictures with two objects, where a place is made black."""
    batch = tasks.Scenes(objects=2).batch("test", batch_size=TESTED, seed=seed + 100)
    rows = np.arange(TESTED)
    objects = batch.alignment.any(0)  # (B, places)
    first = batch.alignment[1].argmax(-1)  # "a COLOUR ..."
    other = (objects & (np.arange(16) != first[:, None])).argmax(-1)
    empty = np.where(objects, 0, np.random.default_rng(seed).random(objects.shape)).argmax(-1)
    looks = model.run(batch).alignment[1].argmax(-1)

    def colour(place: np.ndarray | None) -> float:
        source = batch.source.copy()
        if place is not None:
            source[place, rows] = 0
        seen = tasks.Pairs(source, batch.target, batch.source_lengths, batch.target_lengths)
        return float(model.run(seen).at_each_step[1, rows, batch.target[1]].mean())

    return {
        "there": float((looks == first).mean()),
        "seen": colour(None),
        "own": colour(looks),
        "other": colour(other),
        "empty": colour(empty),
    }
