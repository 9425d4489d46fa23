"""Small tasks for the tests of training: numbers with padding and gaps, and symbols that go on and on."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstmcourse.tasks.base import Batch, Task


@dataclass(frozen=True)
class Averages(Task):
    """Two numbers a step in; out, what their running means are (mse), or whether above 0 (bernoulli)."""

    name: ClassVar[str] = "averages"
    loss: str = "mse"
    steps: int = 5
    padded: bool = True
    chance: ClassVar[float] = 1.0
    input_size: ClassVar[int] = 2
    output_size: ClassVar[int] = 2

    def _draw(self, rng, split, batch_size, length, dtype):
        T, B = length or self.steps, batch_size
        x = rng.normal(size=(T, B, 2)).astype(dtype)
        y = (np.cumsum(x, axis=0) / np.arange(1, T + 1)[:, None, None]).astype(dtype)
        y = y if self.loss == "mse" else (y > 0).astype(dtype)
        lengths = rng.integers(1, T + 1, size=B) if self.padded else None
        valid = np.arange(T)[:, None] < (lengths if self.padded else T)
        mask = valid & (rng.random((T, B)) < 0.7)
        mask[0] = True
        x[~np.broadcast_to(valid, (T, B))] = np.nan
        y[~mask] = np.nan
        return Batch(x, y, mask, lengths)

    def _check(self, split, length):
        pass

    def correct(self, prediction, batch):
        return (np.abs(prediction - batch.y) < 0.25).all(axis=-1)


@dataclass(frozen=True)
class Cycle(Task):
    """a b c d a b c d ..., each row from its own start, now and then with a step left out; next symbol."""

    name: ClassVar[str] = "cycle"
    count: int = 4
    steps: int = 6
    padded: bool = False
    carried: bool = True

    @property
    def symbols(self):
        return tuple("abcdefgh"[: self.count])

    @property
    def chance(self):
        return float(np.log(self.count))

    def _stream(self, split, batch_size, seed, length, dtype, start):
        def batches():
            at = np.random.default_rng(seed).integers(self.count, size=batch_size)
            number = 0
            while True:
                rng = self._rng(seed, split, number)
                jumps = 1 + (rng.random(((length or self.steps), batch_size)) < 0.1)
                path = (np.vstack([at, at + np.cumsum(jumps, axis=0)])) % self.count
                at = path[-1]
                if number >= start:
                    yield self._batch(path, rng)
                number += 1

        return batches()

    def _batch(self, path, rng):
        x, y = path[:-1], path[1:].copy()
        lengths = rng.integers(1, len(x) + 1, size=x.shape[1]) if self.padded else None
        mask = np.arange(len(x))[:, None] < lengths if self.padded else np.ones(x.shape, bool)
        y[~mask] = -1
        return Batch(x, y, mask, lengths, carries=self.carried)
