"""Three uses: who speaks, a cart with a pole whose speeds are hidden, and music by rules."""

from __future__ import annotations

import numpy as np

from ...course.music import NGram, compose
from ...course.uses import Driver
from ...run.backends import backends
from ...tasks import CartPole, Chords, Speakers
from ...training import optim
from ...training.fit import fit
from ...training.model import Model
from ..define import Interval, experiment, grid, hidden_size_for

__all__ = ["balancing", "composing", "counting_notes", "who_speaks"]

# Fixed before the runs: 4,000 parameters in all, 400 updates of 32 utterances, rates that fall to 0 along a
# cosine; five rates, the last one added since the GRU's best of four lay at the edge. Which counts is decided
# by the loss on the 54 utterances for validation.
SPEECH_PARAMETERS = 4000
SPEECH_UPDATES = 400
RATES = (1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
HEARD = (1, 2, 3, 5, 7, 10, 14)


@experiment(
    points=grid(cell=("rnn", "gru", "lstm"), learning_rate=RATES),
    seeds=range(5),
    agree={"accuracy": Interval(0.06)},
)
def who_speaks(cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a network to name the speaker of two vowels, and ask when in the utterance it knows.

    Parameters
    ----------
    cell : str
        ``"rnn"``, ``"gru"`` or ``"lstm"``.
    learning_rate : float
        Of Adam at the start.
    seed : int
        Of the parameters and the stream.

    Returns
    -------
    dict
        ``validation``, the loss; of the 370 test utterances ``accuracy``, the share named rightly at the end,
        ``shuffled``, the same with the frames of each in another order, and ``heard_k``, the share right
        after k frames (or at the end, if that comes before); ``settled``, the median share of an utterance
        after which the answer does not change any more; ``hidden``, the units.
    """
    task = Speakers()
    rng = np.random.default_rng(seed)
    model = Model(cell, task, hidden_size_for(cell, task, SPEECH_PARAMETERS), rng=rng)
    adam, cosine = optim.Adam(learning_rate), optim.Cosine(SPEECH_UPDATES)
    how = {"optimizer": adam, "schedule": cosine, "seed": seed, "progress": False}
    fit(model, SPEECH_UPDATES, backend=backends()[-1], **how)
    test = task.whole("test")
    end, each = test.lengths - 1, np.arange(len(test.lengths))
    right, settled = heard(model, test)
    shuffled = test.x.copy()
    for b, n in enumerate(test.lengths):
        shuffled[:n, b] = rng.permutation(shuffled[:n, b])
    there = model.predict(shuffled, lengths=test.lengths).argmax(-1)[end, each]
    return {
        "validation": model.loss(task.whole("validation")),
        "accuracy": float(right[end, each].mean()),
        "shuffled": float((there == test.y[end, each]).mean()),
        **{f"heard_{k}": float(right[np.minimum(k - 1, end), each].mean()) for k in HEARD},
        "settled": float(np.median(settled)),
        "hidden": float(model.hidden_size),
    }


def heard(model, batch) -> tuple[np.ndarray, np.ndarray]:
    """Whether the answer is right at each frame (T, B), and after which share each row is settled (B,)."""
    answers = model.predict(batch.x, lengths=batch.lengths).argmax(-1)
    end, each = batch.lengths - 1, np.arange(len(batch.lengths))
    final = answers[end, each]
    frames = np.arange(len(answers))[:, None]
    other = (answers != final) & (frames <= end)
    settled = np.where(other, frames + 1, 0).max(axis=0) + 1  # frames heard
    return answers == batch.y[end, each], settled / batch.lengths


# Fixed before the runs: the settings of `evolve`, 150 generations, and units such that all have 30 to 32
# weights.
DRIVERS = {
    "positions, memory": Driver(CartPole("positions"), 4),
    "positions, no memory": Driver(CartPole("positions"), 8, memory=False),
    "two frames, no memory": Driver(CartPole("two frames"), 5, memory=False),
    "all, no memory": Driver(CartPole("all"), 5, memory=False),
}


@experiment(points=grid(driver=tuple(DRIVERS)), seeds=range(5), agree={"kept": Interval(60.0)})
def balancing(driver: str, *, seed: int) -> dict[str, float]:
    """Evolve a network that keeps a pole upright, with more or less to see and to remember.

    Parameters
    ----------
    driver : str
        What it sees, and whether its state is carried on; one of `DRIVERS`.
    seed : int
        Of the first weights, the noise and the trials.

    Returns
    -------
    dict
        In 100 new trials of 500 steps: ``kept``, for how many steps the pole is kept up, in the mean, and
        ``always``, the share of trials in which it does not fall. ``weights``, how many there are.
    """
    made = DRIVERS[driver]
    weights = made.evolved(seed=seed)
    kept = made.drive(weights[None], made.cart.starts(100, 1000 + seed))
    return {
        "kept": float(kept.mean()),
        "always": float((kept == made.cart.steps).mean()),
        "weights": float(made.size),
    }


# Fixed before the runs: 10,000 parameters in all, 1,500 updates of 16 phrases, rates that fall to 0 along a
# cosine; the rates, from single runs with seed 100. The n-grams count as many phrases; 16 notes were added
# since 12 were best.
MUSIC = Chords()
MUSIC_PARAMETERS = 10_000
MUSIC_UPDATES = 1500
PHRASES = 16


def of_music(model, predict) -> dict[str, float]:
    """How well a model writes: what is measured is the same for networks and for counts."""
    rows = {split: MUSIC.batch(split, batch_size=1000, seed=1) for split in ("validation", "test")}
    losses = {}
    for split, batch in rows.items():
        p = np.take_along_axis(predict(batch.x), batch.y[..., None], -1)[..., 0]
        losses[split] = -np.log(p.astype(np.float64)).mean(axis=1)
    drawn = compose(model, 200, rng=1)
    faulty = [[bool(f) for f in MUSIC.faults(phrase)] for phrase in drawn.T]
    half = 2 * MUSIC.chords
    return {
        "validation": float(losses["validation"].mean()),
        "loss": float(losses["test"].mean()),
        "recalled": 4 * float(losses["test"][half : 2 * half - 8].mean()),
        "faults": float(np.mean(faulty)),
        "faultless": float(np.mean([not any(phrase) for phrase in faulty])),
    }


@experiment(
    points=(
        *grid(cell=("lstm",), learning_rate=(2e-2, 4e-2, 8e-2)),
        *grid(cell=("rnn",), learning_rate=(3e-3, 1e-2, 3e-2)),
    ),
    seeds=range(5),
    agree={"loss": Interval(0.05)},
)
def composing(cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a network on phrases for four voices, and let it compose.

    Parameters
    ----------
    cell : str
        ``"lstm"`` or ``"rnn"``.
    learning_rate : float
        Of Adam at the start.
    seed : int
        Of the parameters and the stream.

    Returns
    -------
    dict
        ``validation`` and ``loss``, in nats a note, on 1,000 phrases for validation and for testing;
        ``recalled``, in nats a chord, for the chords that repeat those of the first half. Of 200 phrases that
        it composes: ``faults``, the share of chords that break a rule, and ``faultless``, the share of
        phrases that keep all. ``hidden``, units.
    """
    hidden = hidden_size_for(cell, MUSIC, MUSIC_PARAMETERS)
    model = Model(cell, MUSIC, hidden, rng=np.random.default_rng(seed))
    adam, cosine = optim.Adam(learning_rate), optim.Cosine(MUSIC_UPDATES)
    how = {"batch_size": PHRASES, "optimizer": adam, "schedule": cosine, "seed": seed, "progress": False}
    fit(model, MUSIC_UPDATES, backend=backends()[-1], **how)
    return of_music(model, model.predict) | {"hidden": float(hidden)}


@experiment(
    points=grid(place=(False, True), order=(0, 4, 8, 12)) + [{"place": True, "order": 16}],
    seeds=range(5),
    agree={"loss": Interval(0.02)},
)
def counting_notes(place: bool, order: int, *, seed: int) -> dict[str, float]:
    """Count what follows the last notes in as many phrases as the networks are given.

    Parameters
    ----------
    place : bool
        Whether each place in the phrase is counted on its own.
    order : int
        How many notes back are looked at.
    seed : int
        Of the phrases.

    Returns
    -------
    dict
        As of `composing`.
    """
    given = MUSIC.batch(batch_size=PHRASES * MUSIC_UPDATES, seed=seed)
    counted = NGram(MUSIC, given, order, place=place)
    return of_music(counted, counted.predict)
