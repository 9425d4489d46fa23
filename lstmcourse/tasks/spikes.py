"""`SpikeDelays`: tell two delays that differ by one step, or produce spikes at an exact delay."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import choice, whole
from .base import Batch, Task


@dataclass(frozen=True)
class SpikeDelays(Task):
    """Exact timing: was the delay F steps or F + 1? Or: spike every F steps, with nothing to go by.

    After two of the tasks of [1]_. The input is one number a step: 1 at a spike, 0 otherwise.

    ``kind="measure"`` (*measuring spike delays*): spikes follow one another after F or F + 1 steps, each with
    odds of one half, independently. At a spike the class is 0 if it came after F steps, 1 if after F + 1. The
    first spike of a sequence is not scored, nor is any before step F + 1, since before it only the shorter
    delay could have been seen whole. The train of spikes is stationary (the first one falls on each of the
    steps 0 ... F - 1 with the same odds, on step F with half of them), so that the number of the step tells
    nothing: the chance of ln 2 nats and 50 % is exact.

    ``kind="generate"`` (*generating timed spikes*): one spike comes in, at a step uniform on 0 ... F - 1, and
    then nothing more. At every step after it the class is 1 if a multiple of F steps has passed since, else
    0. All of these steps are scored, and none before. *Reading chosen:* the paper's delays are F or F + I
    as told by an input; here there is one delay, so that the network has to time it without any input.

    Best possible loss: 0, as the class is a function of the input. Splits: independent random keys; there are
    few different sequences, so the same one occurs in several splits. What is tested is whether a network can
    time, not whether it generalises.

    Parameters
    ----------
    delay : int
        F, at least 2.
    kind : {"measure", "generate"}
        Which of the two.
    steps : int
        Length of a sequence, at least ``2 * delay + 2``.

    Notes
    -----
    x is ``(T, B, 1)``, y ``(T, B)``. ``stream(length=n)`` makes every sequence n steps long.

    References
    ----------
    .. [1] F. A. Gers, N. N. Schraudolph, J. Schmidhuber, "Learning Precise Timing with LSTM Recurrent
       Networks", Journal of Machine Learning Research 3, 2002, 115-143.

    Examples
    --------
    >>> task = SpikeDelays(delay=5, steps=24)
    >>> batch = task.batch(batch_size=1, seed=1)
    >>> "".join(".|"[int(spike)] for spike in batch.x[:, 0, 0])
    '.|....|.....|....|.....|'
    >>> batch.y[batch.mask].tolist()
    [0, 1, 0, 1]
    """

    name: ClassVar[str] = "spike_delays"

    delay: int = 20
    kind: str = "measure"
    steps: int = 100

    def __post_init__(self):
        whole("delay", self.delay, 2, 10**6)
        choice("kind", self.kind, ("measure", "generate"))
        self._long_enough("steps", self.steps)

    def _long_enough(self, name, steps):
        whole(name, steps, 2 * self.delay + 2)

    @property
    def input_size(self) -> int:
        """1: whether a spike comes in."""
        return 1

    @property
    def output_size(self) -> int:
        """2: shorter or longer delay; no spike, or a spike."""
        return 2

    @property
    def chance(self) -> float:
        """Both delays alike; for ``"generate"``, a spike in one of F steps, whichever step it is."""
        return math.log(2) if self.kind == "measure" else sum(w * _entropy(p) for w, p in self._odds())

    @property
    def chance_accuracy(self) -> float:
        """One half; for ``"generate"``, the share of steps without a spike."""
        return 0.5 if self.kind == "measure" else sum(w * max(p, 1 - p) for w, p in self._odds())

    def _odds(self):
        """For each step: the share of the scored steps that fall on it, and the odds of a spike there."""
        scored = [min(t, self.delay) for t in range(self.steps)]  # of F places for the input's spike
        return [(s / sum(scored), (t >= self.delay) / self.delay) for t, s in enumerate(scored) if s]

    @property
    def best(self) -> float:
        """0: the class is a function of the input."""
        return 0.0

    def _check(self, split, length):
        if length is not None:
            self._long_enough("length", length)

    def _draw(self, rng, split, batch_size, length, dtype):
        T, F = self.steps if length is None else length, self.delay
        step = np.arange(T)[:, None]
        if self.kind == "generate":
            first = rng.integers(F, size=batch_size)
            x = (step == first).astype(dtype)[..., None]
            mask = step > first
            return Batch(x, (mask & ((step - first) % F == 0)).astype(np.int64), mask)
        first = rng.integers(2 * F + 1, size=batch_size) // 2  # F + 1 steps, the last half as likely
        longer = rng.integers(2, size=(T // F + 1, batch_size))
        at = np.cumsum(np.concatenate([first[None], F + longer]), axis=0)
        x, y, mask = np.zeros((T, batch_size, 1), dtype), *np.zeros((2, T, batch_size), np.int64)
        row, column = np.nonzero(at < T)
        x[at[row, column], column] = 1
        row, column = np.nonzero((at[1:] < T) & (at[1:] > F))
        y[at[row + 1, column], column] = longer[row, column]
        mask[at[row + 1, column], column] = 1
        return Batch(x, y, mask.astype(bool))


def _entropy(p: float) -> float:
    """Entropy in nats of an event of probability p."""
    return -sum(q * math.log(q) for q in (p, 1 - p) if q)
