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

__all__ = [
    "captions",
    "dates",
    "pronunciation",
    "rates_of_attention",
    "translation",
    "translation_for_longer",
]

# Fixed before the runs: sizes, and one budget of steps for all kinds of network that are compared. In
# `translation` and `dates`, the rate of each kind is the one with the lowest loss on validation data in
# `rates_of_attention`, by a seed that occurs nowhere else; where that lay at an edge, a rate beyond it was
# tried. TESTED pairs of each kind are written, greedily.
TESTED = 256
BATCH = 64
HIDDEN, SPEAKING, EMBEDDING, COMPARED = 48, 64, 32, 32
LONGEST, CLAUSES = 3, (1, 2, 3, 4, 5)
PENALTY = 1.0
STEPS = {"translation": 800, "dates": 400, "pronunciation": 1200, "scenes": 800}
LONGER = 3  # times the steps: "one vector, longer", and "hard", whose gradient is an estimate
KINDS = {
    "translation": ("attention", "one vector"),
    "dates": ("attention", "one vector"),
    "pronunciation": ("attention", "one vector"),
    "scenes": ("soft", "hard", "mean", "soft, with penalty"),
}


def _network(task: str, kind: str, seed: int) -> Seq2Seq | Captioner:
    """A network before training. Its parameters are the same with attention and without."""
    if task == "scenes":
        cell = cells.attend_and_tell.with_options(attention="hard" if kind == "hard" else "soft")
        how = {"attention": kind != "mean", "penalty": PENALTY * kind.endswith("penalty")}
        return Captioner(cell, tasks.Scenes(), HIDDEN, sizes={"K": COMPARED}, rng=seed, **how)
    sources = {
        "translation": lambda: tasks.Translation(clauses=(1, LONGEST)),
        "dates": tasks.Dates,
        "pronunciation": tasks.Pronunciation,
    }
    hidden = SPEAKING if task == "pronunciation" else HIDDEN
    how = {"embedding": EMBEDDING, "sizes": {"K": COMPARED}, "attention": kind == "attention"}
    encoder = compose.bidirectional(cells.gru)
    return Seq2Seq(encoder, "additive_attention", sources[task](), hidden, rng=seed, **how)


def _trained(task: str, kind: str, rate: float, seed: int) -> Seq2Seq | Captioner:
    """A network after training, in which the rate of Adam falls to 0."""
    model = _network(task, kind, seed)
    steps = STEPS[task] * (LONGER if kind in ("one vector, longer", "hard") else 1)
    how = {"optimizer": optim.Adam(rate), "schedule": optim.Cosine(steps), "batch_size": BATCH}
    fit(model, steps, seed=seed, progress=False, backend="numba", **how)
    return model


def _validation(model: Seq2Seq | Captioner, seed: int) -> float:
    """What a word of validation data costs, given the right ones before; without a penalty."""
    batch = model.task.batch("validation", batch_size=TESTED, seed=seed)
    seen = model.run(batch)
    p = np.take_along_axis(seen.at_each_step, batch.target[..., None], -1)[..., 0]
    return float(-np.log(np.maximum(p[batch.mask], 1e-30)).mean())


def _exact(model: Seq2Seq | Captioner, batch: tasks.Pairs) -> float:
    """The share of targets that are written without a mistake."""
    written = model.write(batch.source, batch.source_lengths)
    return float(model.task.exact(written.symbols, batch).mean())


def _aligned(model: Seq2Seq, batch: tasks.Pairs) -> float:
    """How often the decoder, given the right words, looks most at a part that the word stands for."""
    shares, right = model.run(batch).alignment, batch.alignment
    most = np.take_along_axis(right, shares.argmax(-1)[..., None], -1)[..., 0]
    return float(most[right.any(-1)].mean())


@experiment(
    points=[
        *grid(task=("translation",), kind=("attention",), learning_rate=(4e-3, 8e-3, 16e-3)),
        *grid(task=("translation",), kind=("one vector",), learning_rate=(8e-3, 16e-3, 32e-3, 64e-3)),
        *grid(task=("dates",), kind=("attention",), learning_rate=(4e-3, 8e-3, 16e-3, 32e-3)),
        *grid(task=("dates",), kind=("one vector",), learning_rate=(8e-3, 16e-3, 32e-3, 64e-3)),
    ],
    seeds=(100,),
    agree={"validation": Interval(0.1, factor=1.5)},
)
def rates_of_attention(task: str, kind: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Which rate of learning suits each network of the studies of attention.

    Parameters
    ----------
    task : str
        What it learns.
    kind : str
        Of `KINDS`.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the data.

    Returns
    -------
    dict
        ``validation``, what a word of validation data costs.
    """
    return {"validation": _validation(_trained(task, kind, learning_rate, seed), seed)}


# By `rates_of_attention`.
TRANSLATION_RATES = {"attention": 8e-3, "one vector": 32e-3}
DATES_RATES = {"attention": 16e-3, "one vector": 32e-3}


def _translated(kind: str, rate: float, seed: int) -> dict[str, float]:
    """What a translator has learnt, by the number of clauses."""
    model = _trained("translation", kind, rate, seed)
    found = {"validation": _validation(model, seed)}
    for n in CLAUSES:
        batch = tasks.Translation(clauses=n).batch("test", batch_size=TESTED, seed=seed)
        written = model.write(batch.source, batch.source_lengths)
        found[f"bleu_{n}"] = tasks.bleu(written.rows, until_end(batch.target))
        found[f"exact_{n}"] = float(model.task.exact(written.symbols, batch).mean())
        if model.attention:
            found[f"aligned_{n}"] = _aligned(model, batch)
    return found


@experiment(
    points=grid(kind=KINDS["translation"]),
    seeds=range(3),
    agree={f"bleu_{n}": Interval(15.0) for n in (1, 2, 3)},
)
def translation(kind: str, *, seed: int) -> dict[str, float]:
    """Translate English into French by a grammar, with attention or through one vector.

    Parameters
    ----------
    kind : str
        Whether the decoder sees all words of the source, or the encoder's last states alone.
    seed : int
        Of the parameters and the sentences.

    Returns
    -------
    dict
        ``validation``, what a word of validation sentences costs, of one to three clauses as in training;
        ``bleu_1`` to ``bleu_5`` and ``exact_1`` to ``exact_5``, of test sentences with so many clauses, BLEU
        and the share without a mistake; with attention ``aligned_1`` to ``aligned_5``, the share of French
        words for which the decoder looks most at an English word that it stands for.
    """
    return _translated(kind, TRANSLATION_RATES[kind], seed)


@experiment(
    points=grid(learning_rate=(16e-3, 32e-3, 64e-3)),
    seeds=range(3),
    agree={f"bleu_{n}": Interval(15.0) for n in (1, 2, 3)},
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
    return _translated("one vector, longer", learning_rate, seed)


@experiment(points=grid(kind=KINDS["dates"]), seeds=range(3), agree={"exact": Interval(0.1)})
def dates(kind: str, *, seed: int) -> dict[str, float]:
    """Read dates as 26 languages write them.

    Parameters
    ----------
    kind : str
        Whether the decoder sees all characters of the source, or the encoder's last states alone.
    seed : int
        Of the parameters and the dates.

    Returns
    -------
    dict
        ``exact``, the share of test dates without a mistake; ``validation``, the loss.
    """
    model = _trained("dates", kind, DATES_RATES[kind], seed)
    batch = model.task.batch("test", batch_size=TESTED, seed=seed)
    return {"exact": _exact(model, batch), "validation": _validation(model, seed)}


@experiment(
    points=grid(kind=KINDS["pronunciation"], learning_rate=(4e-3, 8e-3, 16e-3)),
    seeds=range(3),
    agree={"exact": Interval(0.06), "errors": Interval(0.03)},
)
def pronunciation(kind: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """From letters to phonemes, by the CMU dictionary.

    Parameters
    ----------
    kind : str
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
    model = _trained("pronunciation", kind, learning_rate, seed)
    batch = model.task.batch("test", batch_size=1024, seed=seed)
    written = model.write(batch.source, batch.source_lengths)
    return {
        "exact": float(model.task.exact(written.symbols, batch).mean()),
        "errors": tasks.error_rate(written.rows, until_end(batch.target)),
        "validation": _validation(model, seed),
    }


@experiment(
    points=[
        *grid(kind=KINDS["scenes"], learning_rate=(4e-3, 8e-3, 16e-3)),
        *grid(kind=("soft", "mean", "soft, with penalty"), learning_rate=(32e-3,)),
        *grid(kind=("mean",), learning_rate=(64e-3,)),
    ],
    seeds=range(3),
    agree={"exact": Interval(0.15)},
)
def captions(kind: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Say what is in a picture, and look at it meanwhile.

    Parameters
    ----------
    kind : str
        ``"soft"`` or ``"hard"`` attention, the latter with three times the steps; ``"mean"``: the decoder is
        given the mean of all places; ``"soft, with penalty"``, of places that are not looked at for as long
        as a word.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the pictures.

    Returns
    -------
    dict
        ``exact``, the share of test captions without a mistake; ``validation``, what a word of a validation
        caption costs, without the penalty; unless ``"mean"``, ``there``, the share of colour words at which
        the decoder looks most at the object; what becomes of a colour's probability, ``seen``, where the
        place that is looked at most is made black (``own``), another object's (``other``), or an empty one
        (``empty``).
    """
    model = _trained("scenes", kind, learning_rate, seed)
    batch = model.task.batch("test", batch_size=TESTED, seed=seed)
    found = {"exact": _exact(model, batch), "validation": _validation(model, seed)}
    return found if kind == "mean" else found | _occluded(model, seed)


def _occluded(model: Captioner, seed: int) -> dict[str, float]:
    """What the first object's colour is worth, of pictures with two objects, where a place is made black."""
    batch = tasks.Scenes(objects=2).batch("test", batch_size=TESTED, seed=seed)
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
