"""`Counting`: how many marks have there been?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import whole
from .base import Batch, Task, accept


@dataclass(frozen=True)
class Counting(Task):
    """At each step there is a mark or none, with odds of one half; say at the end how many there were.

    The target is the number of marks, divided by `steps`. A prediction is correct if the nearest whole number
    of marks is the right one: if it is off by less than half a mark.

    Chance: the variance of the target, ``1 / (4 steps)``, and the odds of the most frequent number. Best
    possible loss: 0. Splits: by a hash of the sequence, so no sequence occurs in two.

    This task is the course's own.

    Parameters
    ----------
    steps : int
        Length of a sequence, at least 10.

    Notes
    -----
    x is ``(T, B, 1)`` of 0 and 1, y ``(T, B, 1)``; only the last step is scored. ``stream(length=n)`` makes
    sequences of n steps, in which the target is still a number of marks divided by `steps`: a count that has
    been learnt on short sequences can be tried on longer ones.

    Examples
    --------
    >>> task = Counting(steps=20)
    >>> batch = task.batch(batch_size=2)
    >>> batch.x[..., 0].sum(axis=0).tolist(), (20 * batch.y[-1, :, 0]).tolist()
    ([8.0, 12.0], [8.0, 12.0])
    >>> task.chance, round(task.chance_accuracy, 3)
    (0.0125, 0.176)
    """

    name: ClassVar[str] = "counting"
    loss: ClassVar[str] = "mse"

    steps: int = 40

    def __post_init__(self):
        whole("steps", self.steps, 10)

    @property
    def input_size(self) -> int:
        """1: mark or none."""
        return 1

    @property
    def output_size(self) -> int:
        """1: the count, divided by `steps`."""
        return 1

    @property
    def chance(self) -> float:
        """Variance of the target."""
        return 1 / (4 * self.steps)

    @property
    def chance_accuracy(self) -> float:
        """Odds of the most frequent number of marks."""
        return math.comb(self.steps, self.steps // 2) / 2**self.steps

    @property
    def best(self) -> float:
        """0: the target is a function of the input."""
        return 0.0

    def _check(self, split, length):
        if length is not None:
            whole("length", length, 10)

    def _draw(self, rng, split, batch_size, length, dtype):
        T = self.steps if length is None else length

        def propose(rows):
            marks = rng.integers(2, size=(rows, T), dtype=np.uint8)
            return [marks], [row.tobytes() for row in marks]

        [marks] = accept(propose, split, batch_size, repr(self))
        x = np.ascontiguousarray(marks.T[..., None], dtype)
        y, mask = np.zeros_like(x), np.zeros((T, batch_size), bool)
        y[-1, :, 0] = marks.sum(axis=1, dtype=np.int64) / self.steps
        mask[-1] = True
        return Batch(x, y, mask)

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """Say where the prediction is off by less than half a mark.

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
        >>> task = Counting(steps=20)
        >>> batch = task.batch(batch_size=3)
        >>> [bool(task.correct(batch.y + error / 20, batch).all()) for error in (0.49, -0.51)]
        [True, False]
        """
        return (np.abs(self._fits(prediction, batch) - batch.y) < 0.5 / self.steps).all(-1)
