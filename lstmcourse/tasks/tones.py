"""`Tones`: frames of a sound whose pitch, loudness and phase jump, for models of what cannot be foreseen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import number, whole
from .base import Batch, Task

_TOLERANCE = 0.1
_QUIET, _LOUD = 0.3, 1.0
_LOW, _HIGH = 0.05, 0.25  # cycles a sample


@dataclass(frozen=True)
class Tones(Task):
    """Two sines with noise, cut into frames; predict the next frame, or say how probable each is.

    Each sine has a frequency, uniform from 0.05 to 0.25 cycles a sample, an amplitude, uniform from 0.3 to 1,
    and a phase. At every frame but the first, with probability `jump`, all six are drawn anew; else the waves
    go on. So the samples of a frame hang together, and of a whole frame it is uncertain how it starts: what a
    Gaussian with independent samples cannot say, and a variable drawn once for a frame can (the task is ours,
    in the manner of the speech in [1]_).

    `chance` is the variance of a sample, what predicting 0 costs; exact. `gaussian` is the loss, in nats a
    frame, of the best model whose samples are independent Gaussians. Splits: independent random keys.

    Parameters
    ----------
    frames : int
        Frames to be predicted.
    size : int
        Samples of a frame.
    jump : float
        Probability that the sound changes between two frames.
    noise : float
        Standard deviation of the Gaussian noise on each sample.

    Notes
    -----
    x and y are ``(frames, B, size)``; y is x one frame on. A prediction is correct if each sample is within
    0.1.

    References
    ----------
    .. [1] J. Chung, K. Kastner, L. Dinh, K. Goel, A. Courville, Y. Bengio, "A Recurrent Latent Variable Model
       for Sequential Data", NeurIPS 2015, arXiv:1506.02216.

    Examples
    --------
    >>> task = Tones()
    >>> batch = task.batch(batch_size=3)
    >>> batch.x.shape, bool((batch.x[1:] == batch.y[:-1]).all())
    ((40, 3, 8), True)
    >>> round(task.chance, 4), round(task.gaussian, 2)
    (0.4658, 8.3)
    """

    name: ClassVar[str] = "tones"
    loss: ClassVar[str] = "mse"

    frames: int = 40
    size: int = 8
    jump: float = 0.15
    noise: float = 0.05

    def __post_init__(self):
        whole("frames", self.frames, 1)
        whole("size", self.size, 1)
        number("jump", self.jump, 0, 1)
        number("noise", self.noise, 0, float("inf"))

    @property
    def input_size(self) -> int:
        """The samples of a frame."""
        return self.size

    @property
    def output_size(self) -> int:
        """The samples of a frame."""
        return self.size

    @property
    def chance(self) -> float:
        """Variance of a sample: for each sine half its squared amplitude, and that of the noise."""
        square = (_LOUD**3 - _QUIET**3) / (3 * (_LOUD - _QUIET))
        return square + float(self.noise) ** 2

    @property
    def gaussian(self) -> float:
        """Nats a frame of independent Gaussians with that variance."""
        return self.size / 2 * math.log(2 * math.pi * math.e * self.chance)

    def _check(self, split, length):
        pass

    def _draw(self, rng, split, batch_size, length, dtype):
        T, B, D = (self.frames if length is None else length) + 1, batch_size, self.size
        jumps = rng.random((T, B)) < self.jump
        pitch = rng.uniform(_LOW, _HIGH, (T, 2, B))
        loud, turn = rng.uniform(_QUIET, _LOUD, (T, 2, B)), rng.random((T, 2, B))
        jumps[0] = True
        start = np.maximum.accumulate(
            np.where(jumps, np.arange(T)[:, None], 0), 0
        )  # the frame of the last jump
        pitch, loud, turn = (np.take_along_axis(v, start[:, None], 0) for v in (pitch, loud, turn))
        samples = np.arange(T * D).reshape(T, 1, 1, D)  # a new phase is uniform, wherever it is counted from
        waves = loud[..., None] * np.sin(2 * np.pi * (turn[..., None] + pitch[..., None] * samples))
        sound = (waves.sum(1) + self.noise * rng.standard_normal((T, B, D))).astype(dtype)
        return Batch(sound[:-1], sound[1:], np.ones((T - 1, B), bool))

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """Say which frames ``(T, B)`` are within 0.1 in every sample."""
        return (np.abs(self._fits(prediction, batch) - batch.y) < _TOLERANCE).all(-1)
