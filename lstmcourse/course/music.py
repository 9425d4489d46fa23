"""Music for notebook 21: counts of notes to compare a network with, phrases drawn from them, their sound."""

from __future__ import annotations

import io
import wave
from typing import Any

import numpy as np

from ..checks import array, at_least, generator, given, instance, numbers, text, truth
from ..errors import ShapeError
from ..tasks import Batch, Chords
from ..tasks.chords import PITCHES
from ..training.model import Model

__all__ = ["NGram", "compose", "pitches", "sound"]


class NGram:
    """What follows the last k notes, counted; shorter contexts help where longer ones were not seen.

    Contexts are interpolated as by Witten & Bell, as in `lstmcourse.baselines.ngram_bits`: after a context
    seen N times, with T different notes, a note seen n times has probability (n + T q) / (N + T), where q is
    its probability after the context that is one note shorter.

    Parameters
    ----------
    task : Chords
        Whose notes they are.
    batch : Batch
        What is counted.
    order : int
        k, from 0 to the notes of a phrase. Before the first note stand signs that a phrase begins.
    place : bool
        Whether it counts for each of the places in the phrase on its own.

    Examples
    --------
    >>> task = Chords()
    >>> counted = NGram(task, task.batch(batch_size=500), order=4)
    >>> p = counted.predict(task.batch("test", batch_size=3).x)
    >>> p.shape, bool(np.allclose(p.sum(-1), 1))
    ((32, 3, 24), True)
    """

    def __init__(self, task: Chords, batch: Any, order: int, *, place: bool = False) -> None:
        self.task = instance("task", task, Chords, "Chords()")
        self.order = at_least(0, 4 * task.chords)("order", order)
        self.place = truth("place", place)
        instance("batch", batch, Batch, "task.batch()")
        x, y, K = array("batch.x", batch.x), array("batch.y", batch.y), self.task.output_size
        self._tables: list[tuple[np.ndarray, ...]] = []
        code = self._no_notes(x)
        for k in range(self.order + 1):
            contexts, where = np.unique(code, return_inverse=True)
            where = where.reshape(x.shape)
            pairs, seen = np.unique(where * K + y, return_counts=True)
            totals, kinds = np.bincount(pairs // K, seen), np.bincount(pairs // K)
            self._tables.append((contexts, pairs, seen, totals, kinds))
            code = where * K + _back(x, k)

    def _no_notes(self, x: np.ndarray) -> np.ndarray:
        """A number for each context of no notes, (T, B): the place, where it counts."""
        return np.arange(len(x))[:, None] * self.place + np.zeros_like(x)

    def predict(self, x: Any) -> np.ndarray:
        """Return the probability of each note after each of x (T, B), as `Model.predict` does: (T, B, K)."""
        x, K = array("x", x, "iu", ndim=2, axes="(T, B)"), self.task.output_size
        if x.size and not 0 <= x.min() <= x.max() < self.task.input_size:
            raise ValueError(
                f"x has symbols {x.min()} to {x.max()}; they go from 0 to {self.task.input_size - 1}"
            )
        x, p, code = x.astype(np.int64), np.full((*x.shape, K), 1 / K), self._no_notes(x)
        for k, (contexts, pairs, seen, totals, kinds) in enumerate(self._tables):
            where = _found(contexts, np.arange(len(contexts)), code, -1)
            n = _found(pairs, seen, where[..., None] * K + np.arange(K), 0)
            N, T = (np.where(where < 0, 0, counts[where])[..., None] for counts in (totals, kinds))
            p = np.where(N > 0, (n + T * p) / np.maximum(N + T, 1), p)
            code = np.where(where < 0, -1, where * K + _back(x, k))  # no longer context was seen either
        return p


def _back(x: np.ndarray, k: int) -> np.ndarray:
    """What stands k notes before each of x, (T, B); 0, the sign of a beginning, before the first."""
    back = np.zeros_like(x)
    back[k:] = x[: max(len(x) - k, 0)]
    return back


def _found(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray, missing: int) -> np.ndarray:
    """The values of the wanted keys; `missing` for those that there are not."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], missing)


@given(count=at_least(1, 100_000))
def compose(model: Any, count: int, rng: np.random.Generator | int | None = None) -> np.ndarray:
    """Draw phrases note by note from what a model says, (4 chords, count) symbols.

    Parameters
    ----------
    model : Model or NGram
        Of the task `Chords`.
    count : int
        How many phrases.
    rng : numpy.random.Generator or int, optional
        0 if not given.

    Examples
    --------
    >>> task = Chords()
    >>> counted = NGram(task, task.batch(batch_size=500), order=4)
    >>> compose(counted, 3, rng=0).shape
    (32, 3)
    """
    instance("model", model, (Model, NGram), 'Model("lstm", "chords")')
    task = instance("model.task", model.task, Chords, "Chords()")
    rng = generator("rng", rng, default=0)
    x, state = np.zeros((1, count), np.int64), None
    while True:
        if isinstance(model, NGram):
            p = model.predict(x)[-1]
        else:
            run = model.unroll(x[-1:], state=state)
            p, state = model.read_out(run[model.cell.output])[-1], run.final
        upto = p.astype(np.float64).cumsum(-1)
        drawn = (upto <= rng.random((count, 1)) * upto[:, -1:]).sum(-1)
        x = np.concatenate([x, drawn[None]])
        if len(x) == 4 * task.chords + 1:
            return x[1:]


def pitches(phrase: Any) -> np.ndarray:
    """Return the notes of a phrase as MIDI numbers, (chords, 4), bass first; the sign "|" is silent, 0.

    Parameters
    ----------
    phrase : array (4 chords,)
        Symbols, as `Chords` has them.

    Examples
    --------
    >>> pitches(Chords(chords=6).batch(batch_size=1).y[:, 0]).shape
    (6, 4)
    """
    phrase = array("phrase", phrase)
    if phrase.ndim != 1 or len(phrase) % 4 or phrase.dtype.kind not in "iu":
        raise ShapeError(
            f"phrase has {phrase.dtype} of shape {phrase.shape}; "
            "symbols (4 chords,) are needed, of one phrase"
        )
    if len(phrase) and not 0 <= phrase.min() <= phrase.max() <= len(PITCHES):
        raise ValueError(
            f"phrase has symbols {phrase.min()} to {phrase.max()}; they go from 0 to {len(PITCHES)}"
        )
    return np.array((0, *PITCHES))[phrase].reshape(-1, 4)


@given(samples=numbers(1, axes="(N,)"), rate=at_least(1, 192_000), label=text)
def sound(samples: Any, *, rate: int = 8000, label: str = "") -> Any:
    """Return a player for a sound, small enough for a notebook: one channel, 8 bits a sample.

    Parameters
    ----------
    samples : array (N,)
        The sound; its loudest sample is set to full loudness.
    rate : int
        Samples a second.
    label : str
        What it is, written above.

    Returns
    -------
    Sound
        Displays itself.

    Examples
    --------
    >>> sound(np.sin(np.arange(800)), label="a tone")
    Sound of 0.1 s: a tone
    """
    if not len(samples) or not np.isfinite(samples).all():
        raise ValueError(f"samples has {len(samples)} numbers; finite ones are needed, at least one")
    loud = np.asarray(samples, np.float64) / (np.abs(samples).max() or 1)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(1)
        out.setframerate(rate)
        out.writeframes(np.round(127.5 + 127 * loud).astype(np.uint8).tobytes())
    return Sound(file.getvalue(), len(samples) / rate, label)


class Sound:
    """A sound that displays itself as a player; `wav` are the bytes of its file."""

    def __init__(self, wav: bytes, seconds: float, label: str) -> None:
        self.wav, self.seconds, self.label = wav, seconds, label

    def __repr__(self) -> str:
        return f"Sound of {self.seconds:.1f} s: {self.label}"

    def _repr_html_(self) -> str:
        from html import escape

        from IPython.display import Audio

        label = f"<figcaption>{escape(self.label)}</figcaption>" if self.label else ""
        return f"<figure>{label}{Audio(data=self.wav)._repr_html_()}</figure>"
