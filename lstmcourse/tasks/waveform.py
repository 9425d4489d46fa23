"""`Waveform`: write one given wave from memory, with no input at all."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import number as a_number
from ..checks import whole
from .base import Batch, Task

_TOLERANCE = 0.1


@dataclass(frozen=True)
class Waveform(Task):
    """Sequence generation: there is no input, and the output is to follow one given wave.

    Section 4.1 of [1]_ took 320 samples of music, scaled to [-1, 1], five pieces, each of them learnt by a
    network of its own. Ours are synthesised: a sum of `parts` sinusoids, divided by its greatest absolute
    value. The range `cycles` is divided into as many bands as there are parts, each as wide as the next on
    a logarithmic scale; each part has a frequency drawn from its band, so that every wave has slow and fast
    parts, and a phase drawn from the circle. A part with f cycles in `steps` has the amplitude f^(-1/2).

    All batches are alike, in every split and for every seed: what is asked is memory, and there is nothing
    to generalise to. `number` says which wave; each is drawn anew.

    A prediction is correct if its absolute error is below 0.1. Best possible loss: 0.

    Parameters
    ----------
    number : int
        Which wave.
    steps : int
        Samples.
    parts : int
        Sinusoids in the sum.
    cycles : (float, float)
        How many cycles within `steps` the slowest and the fastest part have, at the least and at the most.

    Notes
    -----
    x is ``(T, B, 0)``, y ``(T, B, 1)``; every step is scored.

    References
    ----------
    .. [1] J. Koutník, K. Greff, F. Gomez, J. Schmidhuber, "A Clockwork RNN", arXiv:1402.3511, 2014.

    Examples
    --------
    >>> task = Waveform()
    >>> batch = task.batch(batch_size=1)
    >>> batch.x.shape, batch.y.shape, float(abs(batch.y).max())
    ((320, 1, 0), (320, 1, 1), 1.0)
    """

    name: ClassVar[str] = "waveform"
    loss: ClassVar[str] = "mse"

    number: int = 0
    steps: int = 320
    parts: int = 4
    cycles: tuple[float, float] = (1.0, 16.0)

    def __post_init__(self):
        whole("number", self.number, 0)
        whole("steps", self.steps, 2)
        whole("parts", self.parts, 1)
        if not isinstance(self.cycles, (tuple, list)) or len(self.cycles) != 2:
            raise ValueError(f"cycles={self.cycles!r} does not fit: it is a pair (slowest, fastest)")
        a_number("cycles[0]", self.cycles[0], 0, float("inf"), open_ends=True)
        a_number("cycles[1]", self.cycles[1], self.cycles[0], self.steps / 2)
        object.__setattr__(self, "cycles", tuple(map(float, self.cycles)))

    @property
    def input_size(self) -> int:
        """0: there is no input."""
        return 0

    @property
    def output_size(self) -> int:
        """1: a sample."""
        return 1

    @property
    def frequencies(self) -> np.ndarray:
        """Cycles within `steps` of each part, ascending.

        Examples
        --------
        >>> Waveform(parts=3, cycles=(2, 2)).frequencies.round(3).tolist()
        [2.0, 2.0, 2.0]
        """
        return self._drawn()[0]

    @property
    def wave(self) -> np.ndarray:
        """What is to be written, ``(steps,)`` float64.

        Examples
        --------
        >>> Waveform(steps=100).wave.shape
        (100,)
        """
        cycles, phases = self._drawn()
        t = np.arange(self.steps)[:, None] / self.steps
        y = (np.sin(2 * np.pi * (cycles * t + phases)) / np.sqrt(cycles)).sum(axis=1)
        return y / np.abs(y).max()

    def _drawn(self) -> tuple[np.ndarray, np.ndarray]:
        """Frequencies and phases, both ``(parts,)``; phases in turns."""
        key = (zlib.crc32(self.name.encode()),)
        rng = np.random.default_rng(np.random.SeedSequence(self.number, spawn_key=key))
        low, high = np.log(self.cycles)
        places = (np.arange(self.parts) + rng.random(self.parts)) / self.parts
        return np.exp(low + (high - low) * places), rng.random(self.parts)

    @property
    def chance(self) -> float:
        """Mean squared error of the constant that fits best: the wave's variance."""
        return float(self.wave.var())

    @property
    def chance_accuracy(self) -> float:
        """Share of samples within 0.1 of the wave's mean, the constant with the least squared error."""
        y = self.wave
        return float((np.abs(y - y.mean()) < _TOLERANCE).mean())

    @property
    def best(self) -> float:
        """0: the wave can be known by heart."""
        return 0.0

    def _draw(self, rng, split, batch_size, length, dtype):
        shape = (self.steps, batch_size)
        y = np.broadcast_to(self.wave[:, None, None], (*shape, 1)).astype(dtype)
        return Batch(np.zeros((*shape, 0), dtype), y, np.ones(shape, bool))

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """Say where the absolute error is below 0.1.

        Parameters
        ----------
        prediction : ndarray
            ``(T, B, 1)``.
        batch : Batch
            What was to be predicted.

        Returns
        -------
        ndarray
            ``(T, B)`` bool.

        Examples
        --------
        >>> task = Waveform()
        >>> batch = task.batch(batch_size=1)
        >>> [bool(task.correct(batch.y + error, batch).all()) for error in (0.09, -0.11)]
        [True, False]
        """
        return (np.abs(self._fits(prediction, batch) - batch.y) < _TOLERANCE).all(-1)
