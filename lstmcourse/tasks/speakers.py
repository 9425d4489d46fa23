"""`Speakers`: who of nine men said these two vowels? Real data, of different lengths."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from .. import checks
from ..checks import choice
from .base import SPLITS, Batch, Task
from .data import vowels

_VALIDATION = 6  # of each speaker's 30 utterances for training


@dataclass(frozen=True)
class Speakers(Task):
    """Name the speaker of an utterance: 640 recordings of /ae/ by nine men, 7 to 29 frames each [1]_.

    A frame has 12 LPC cepstrum coefficients; each is shifted and scaled so that the frames for training have
    mean 0 and variance 1. The question is asked at an utterance's last frame.

    Splits are the published ones: 370 recordings for testing; of the 270 for training, 30 of each speaker,
    the last 6 of each are for validation. A stream draws a speaker uniformly, then one of his utterances, so
    chance is ln 9 in every split; `whole` gives each utterance of a split once, as published results are
    measured (of the test set the most frequent speaker has 88 / 370 = 23.8 %).

    Notes
    -----
    x is ``(T, B, 12)``, y ``(T, B)``; scored is each row's last frame.

    References
    ----------
    .. [1] M. Kudo, J. Toyama, M. Shimbo, "Multidimensional curve classification using passing-through
       regions", Pattern Recognition Letters 20, 1999; UCI Machine Learning Repository,
       https://doi.org/10.24432/C5NS47 (CC BY 4.0).

    Examples
    --------
    >>> task = Speakers()
    >>> batch = task.whole("test")
    >>> batch.x.shape, int(batch.lengths.min()), int(batch.mask.sum())
    ((29, 370, 12), 7, 370)
    """

    name: ClassVar[str] = "speakers"

    @property
    def input_size(self) -> int:
        """12 coefficients."""
        return 12

    @property
    def output_size(self) -> int:
        """9 speakers."""
        return 9

    @property
    def chance(self) -> float:
        """All speakers are drawn alike."""
        return math.log(9)

    @property
    def chance_accuracy(self) -> float:
        """One in nine."""
        return 1 / 9

    def whole(self, split: str = "test", *, dtype: object = np.float32) -> Batch:
        """Every utterance of a split once, in the published order."""
        return _batch(_members(choice("split", split, SPLITS)), checks.dtype(dtype))

    def _draw(self, rng, split, batch_size, length, dtype):
        members = _members(split)
        who, which = rng.integers(9, size=batch_size), rng.random(batch_size)
        own = [members[vowels().speakers[members] == k] for k in range(9)]
        return _batch(
            np.array([own[k][int(u * len(own[k]))] for k, u in zip(who, which, strict=True)]), dtype
        )


def _batch(which: np.ndarray, dtype: np.dtype) -> Batch:
    rows = [_scaled()[k] for k in which]
    lengths = np.array([len(row) for row in rows], np.int64)
    T, B = int(lengths.max()), len(rows)
    x, y, mask = np.zeros((T, B, 12), dtype), np.zeros((T, B), np.int64), np.zeros((T, B), bool)
    for b, row in enumerate(rows):
        x[: len(row), b] = row
    y[lengths - 1, np.arange(B)] = vowels().speakers[which]
    mask[lengths - 1, np.arange(B)] = True
    return Batch(x, y, mask, None if (lengths == T).all() else lengths)


@lru_cache(maxsize=4)
def _members(split: str) -> np.ndarray:
    """Which utterances belong to a split."""
    _, speakers, train = vowels()
    number = np.zeros(len(speakers), int)  # of an utterance among its speaker's, in the training set
    for k in range(9):
        own = np.flatnonzero(speakers[:train] == k)
        number[own] = np.arange(len(own))
    published = np.arange(len(speakers)) < train
    held = published & (number >= 30 - _VALIDATION)
    return np.flatnonzero(
        {"train": published & ~held, "validation": held, "test": ~published, "all": published | True}[split]
    )


@lru_cache(maxsize=1)
def _scaled() -> list[np.ndarray]:
    utterances = vowels().utterances
    seen = np.concatenate([utterances[k] for k in _members("train")])
    return [(u - seen.mean(0)) / seen.std(0) for u in utterances]
