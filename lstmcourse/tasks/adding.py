"""`Adding`: keep two marked numbers of a long sequence, and give their sum at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import choice, whole
from .base import Batch, Task

_TOLERANCE = 0.04


@dataclass(frozen=True)
class Adding(Task):
    """The adding problem: two marked numbers, and their sum at the last step.

    ``variant="1997"`` is experiment 5.4 of [1]_. Each step is a pair (value, marker), values uniform on [-1,
    1]. The length is uniform on ``steps ... steps + steps // 10``. First and last marker are -1. One pair
    among the first ten has marker 1, and so has one other among the first ``steps / 2 - 1``; all others have
    0. Target at the last step: ``0.5 + (X1 + X2) / 4``, X1 and X2 the marked values. If the first mark falls
    on the first pair, X1 := 0. *Reading chosen:* in that case the marker of the first pair stays -1; if the
    second mark falls there, it shows 1 and X2 counts, since the paper zeroes only X1. Predicting 0.5 always
    has mean squared error 19/480 = 0.0396 (with the clause; 1/24 without).

    ``variant="modern"`` follows [2]_ and [3]_: values uniform on [0, 1], `steps` pairs, one marker 1 in each
    half, all others 0; target the sum. Predicting 1 always has mean squared error 1/6 = 0.1667.

    In both, a prediction is correct if its absolute error is below 0.04: [1]_'s criterion (in "modern"
    borrowed for comparison). This 0.04 is no mean squared error, although chance in "1997" happens to lie
    near it.

    Best possible loss: 0. Splits: independent random keys; values are continuous, so no sequence occurs in
    two.

    Parameters
    ----------
    steps : int
        The paper's T: the shortest length in "1997" (at least 22), the length in "modern" (at least 2).
    variant : {"1997", "modern"}
        Which of the two.

    Notes
    -----
    x is ``(T, B, 2)``, y ``(T, B, 1)``; only the last step is scored. ``stream(length=n)`` makes every
    sequence n steps long, with T = n.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, section
       5.4.
    .. [2] Q. V. Le, N. Jaitly, G. E. Hinton, "A Simple Way to Initialize Recurrent Networks of Rectified
       Linear
       Units", arXiv:1504.00941, 2015.
    .. [3] M. Arjovsky, A. Shah, Y. Bengio, "Unitary Evolution Recurrent Neural Networks", ICML 2016,
       arXiv:1511.06464.

    Examples
    --------
    >>> task = Adding(steps=100, variant="modern")
    >>> batch = task.batch(batch_size=4)
    >>> batch.x.shape, batch.x[..., 1].sum(axis=0).tolist(), batch.mask.sum(axis=0).tolist()
    ((100, 4, 2), [2.0, 2.0, 2.0, 2.0], [1, 1, 1, 1])
    >>> round(task.chance, 4), round(Adding().chance, 4), task.best
    (0.1667, 0.0396, 0.0)
    """

    name: ClassVar[str] = "adding"
    loss: ClassVar[str] = "mse"

    steps: int = 100
    variant: str = "1997"

    def __post_init__(self):
        choice("variant", self.variant, ("1997", "modern"))
        self._long_enough("steps", self.steps)

    def _long_enough(self, name, steps):
        whole(name, steps, 22 if self.variant == "1997" else 2)

    @property
    def input_size(self) -> int:
        """2: value and marker."""
        return 2

    @property
    def output_size(self) -> int:
        """1: the sum."""
        return 1

    @property
    def chance(self) -> float:
        """Mean squared error of the constant that fits best: the target's variance."""
        return 19 / 480 if self.variant == "1997" else 1 / 6

    @property
    def chance_accuracy(self) -> float:
        """Share of targets within 0.04 of that constant."""
        if self.variant == "modern":  # the sum of two uniforms has a triangular density
            return 1 - (1 - _TOLERANCE) ** 2
        a = 4 * _TOLERANCE  # |X1 + X2| < a; one time in ten X1 = 0
        return 0.9 * (a - a * a / 4) + 0.1 * a

    @property
    def best(self) -> float:
        """0: the target is a function of the input."""
        return 0.0

    def _check(self, split, length):
        if length is not None:
            self._long_enough("length", length)

    def _draw(self, rng, split, batch_size, length, dtype):
        steps = self.steps if length is None else length
        old = self.variant == "1997"
        vary = steps // 10 if old and length is None else 0
        rows, lengths = np.arange(batch_size), rng.integers(steps, steps + vary + 1, batch_size)
        T = int(lengths.max())
        x = np.zeros((T, batch_size, 2), dtype)
        x[..., 0] = rng.uniform(-1.0 if old else 0.0, 1.0, (T, batch_size))
        if old:
            first = rng.integers(10, size=batch_size)
            second = rng.integers(steps // 2 - 2, size=batch_size)
            second += second >= first  # one of the others
            x[0, :, 1] = x[lengths - 1, rows, 1] = -1
            x[first, rows, 1] = np.where(first == 0, -1, 1)
            x[second, rows, 1] = 1
            x1 = np.where(first == 0, 0, x[first, rows, 0])
            target = 0.5 + (x1 + x[second, rows, 0]) / 4
            x[np.arange(T)[:, None] >= lengths] = 0
        else:
            half = steps // 2
            first, second = rng.integers(half, size=batch_size), rng.integers(half, steps, batch_size)
            x[first, rows, 1] = x[second, rows, 1] = 1
            target = x[first, rows, 0] + x[second, rows, 0]
        y = np.zeros((T, batch_size, 1), dtype)
        mask = np.zeros((T, batch_size), bool)
        y[lengths - 1, rows, 0] = target
        mask[lengths - 1, rows] = True
        return Batch(x, y, mask, None if (lengths == T).all() else lengths.astype(np.int64))

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """Say where the absolute error is below 0.04.

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
        >>> task = Adding()
        >>> batch = task.batch(batch_size=3)
        >>> [bool(task.correct(batch.y + error, batch).all()) for error in (0.039, -0.041)]
        [True, False]
        """
        return (np.abs(self._fits(prediction, batch) - batch.y) < _TOLERANCE).all(-1)
