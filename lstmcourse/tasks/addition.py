"""`Addition`: add two numbers, digit by digit, as text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..checks import whole
from .base import Batch, Task, accept, entropy


@dataclass(frozen=True)
class Addition(Task):
    """Read ``12+99=`` and write ``111``, one digit a step.

    Two numbers of `digits` figures each, with leading zeros, uniform and independent; their sum has one
    figure more. Its first figure is asked for at the step of "=", the others at the blanks after it; so the
    first depends on all that was read. After [1]_, whose numbers have 15 figures.

    Chance: the mean entropy of the sum's figures, each by itself; exact. Best: 0. Splits: by a hash of the
    pair, so no pair for testing was seen in training, though its sum may have been.

    Parameters
    ----------
    digits : int
        Figures of each number, 1 to 5.

    References
    ----------
    .. [1] N. Kalchbrenner, I. Danihelka, A. Graves, "Grid Long Short-Term Memory", ICLR 2016,
       arXiv:1507.01526.

    Examples
    --------
    >>> task = Addition(digits=2)
    >>> batch = task.batch("all", batch_size=1)
    >>> text, total = task.decode(batch.x[:, 0]), "".join(map(str, batch.y[batch.mask]))
    >>> len(text), int(text[:2]) + int(text[3:5]) == int(total)
    (8, True)
    """

    name: ClassVar[str] = "addition"

    digits: int = 2

    def __post_init__(self):
        whole("digits", self.digits, 1, 5)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The figures, "+", "=", and the blank."""
        return (*"0123456789", "+", "=", " ")

    @property
    def output_size(self) -> int:
        """10 figures."""
        return 10

    @property
    def chance(self) -> float:
        """Mean entropy of the figures of the sum."""
        return float(np.mean([entropy(p) for p in _figures(self.digits)]))

    @property
    def chance_accuracy(self) -> float:
        """Mean share of the most frequent figure."""
        return float(np.mean([p.max() / p.sum() for p in _figures(self.digits)]))

    @property
    def best(self) -> float:
        """0: the sum is a function of the numbers."""
        return 0.0

    def _draw(self, rng, split, batch_size, length, dtype):
        n = self.digits

        def propose(rows):
            pairs = rng.integers(10**n, size=(rows, 2))
            return [pairs], [pair.astype("<i4").tobytes() for pair in pairs]

        (pairs,) = accept(propose, split, batch_size, repr(self))
        x = np.full((3 * n + 2, batch_size), 12)
        x[:n], x[n + 1 : 2 * n + 1] = (_split(side, n) for side in pairs.T)
        x[n], x[2 * n + 1] = 10, 11
        y, mask = np.zeros_like(x), np.zeros(x.shape, bool)
        y[2 * n + 1 :], mask[2 * n + 1 :] = _split(pairs.sum(1), n + 1), True
        return Batch(x, y, mask)


def _split(values: np.ndarray, figures: int) -> np.ndarray:
    """Figures ``(figures, B)`` of numbers, the highest first."""
    return values // 10 ** np.arange(figures - 1, -1, -1)[:, None] % 10


@lru_cache(maxsize=5)
def _figures(digits: int) -> np.ndarray:
    """How often each figure stands at each place of the sum, over all pairs: ``(digits + 1, 10)``."""
    total = np.arange(2 * 10**digits - 1)
    pairs = np.minimum(total, 2 * 10**digits - 2 - total) + 1.0
    return np.stack([np.bincount(place, pairs, 10) for place in _split(total, digits + 1)])
