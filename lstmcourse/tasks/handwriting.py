"""`Handwriting`: pictures of handwritten digits in black and white, for models that draw."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from .. import checks
from ..checks import array, choice, whole
from ..errors import ShapeError
from .base import SPLITS, Batch, Task, entropy, split_of
from .data import digits


@dataclass(frozen=True)
class Handwriting(Task):
    """A picture of a handwritten digit, each pixel black or white: what a generative model is to give.

    The 1,797 optical digits that the package ships (`lstmcourse.tasks.data.digits`), 8 × 8 pixels from 0 to
    16, enlarged if asked for by linear interpolation, and white from half the greatest value on. On a
    `canvas` larger than the digit, each lies somewhere, drawn uniformly anew every time.

    Splits: by a hash of the black and white picture before it is placed, so that twins stay together.

    `chance` is the loss, in nats a picture, of the best model whose pixels are independent: the sum of the
    pixels' entropies, over all pictures and places. The least possible loss is not known.

    Parameters
    ----------
    size : {8, 16}
        Side of a digit.
    canvas : int, optional
        Side of the picture; by default that of the digit.

    Notes
    -----
    One step: x is ``(1, B, canvas ** 2)``, 0 or 1, and y is x. `pictures` folds either. `labels` says what
    each digit of a split is, `whole` gives all of them.

    Examples
    --------
    >>> task = Handwriting(canvas=12)
    >>> batch = task.batch(batch_size=4)
    >>> batch.x.shape, task.pictures(batch.x).shape, np.unique(batch.x).tolist()
    ((1, 4, 144), (4, 12, 12), [0.0, 1.0])
    >>> round(Handwriting(size=8).chance, 1)
    25.1
    """

    name: ClassVar[str] = "handwriting"
    loss: ClassVar[str] = "bernoulli"

    size: int = 8
    canvas: int | None = None

    def __post_init__(self):
        if whole("size", self.size, 1) not in (8, 16):
            raise ValueError(f"size={self.size} does not fit: a digit has a side of 8 or 16")
        object.__setattr__(self, "canvas", self.size if self.canvas is None else self.canvas)
        whole("canvas", self.canvas, self.size)

    @property
    def input_size(self) -> int:
        """The pixels."""
        return self.canvas**2

    @property
    def output_size(self) -> int:
        """The pixels."""
        return self.canvas**2

    @property
    def frequencies(self) -> np.ndarray:
        """How often each pixel is white, ``(canvas, canvas)``, over all digits and places."""
        return _frequencies(self.size, self.canvas).copy()

    @property
    def chance(self) -> float:
        """Sum of the pixels' entropies."""
        return float(sum(entropy([p, 1 - p]) for p in self.frequencies.ravel()))

    @property
    def chance_accuracy(self) -> float:
        """Share of pixels that are as they mostly are."""
        p = self.frequencies
        return float(np.maximum(p, 1 - p).mean())

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """Share of each picture's pixels ``(1, B)`` whose probability is on the right side of one half."""
        return ((self._fits(prediction, batch) > 0.5) == (batch.y > 0.5)).mean(-1)

    def pictures(self, pixels: np.ndarray) -> np.ndarray:
        """Fold ``(..., canvas ** 2)`` pixels of any number of pictures: ``(pictures, canvas, canvas)``."""
        pixels = array("pixels", pixels)
        if pixels.shape[-1:] != (self.input_size,):
            raise ShapeError(f"pixels have shape {pixels.shape}; pictures needs (..., {self.input_size})")
        return pixels.reshape(-1, self.canvas, self.canvas)

    def labels(self, split: str = "all") -> np.ndarray:
        """What the digits of a split are, ``(digits,)`` int64, in the order of `whole`."""
        return digits().labels[_members(self.size, choice("split", split, SPLITS))].astype(np.int64)

    def whole(self, split: str = "test", *, seed: int = 0, dtype: object = np.float32) -> Batch:
        """Every digit of a split once; on a larger canvas, at places that the seed decides.

        Examples
        --------
        >>> task = Handwriting()
        >>> [task.whole(split).x.shape[1] for split in ("train", "validation", "test")]
        [14..., 1..., 1...]
        """
        members = _members(self.size, choice("split", split, SPLITS))
        return self._placed(np.random.default_rng(whole("seed", seed, 0)), members, checks.dtype(dtype))

    def _draw(self, rng, split, batch_size, length, dtype):
        members = _members(self.size, split)
        return self._placed(rng, members[rng.integers(len(members), size=batch_size)], dtype)

    def _placed(self, rng, which, dtype):
        B, free = len(which), self.canvas - self.size + 1
        out = np.zeros((B, self.canvas, self.canvas), dtype)
        top, left = rng.integers(free, size=(2, B, 1, 1))
        reach = np.arange(self.size)
        out[np.arange(B)[:, None, None], top + reach[:, None], left + reach] = _binary(self.size)[which]
        x = out.reshape(1, B, -1)
        return Batch(x, x, np.ones((1, B), bool))


@lru_cache(maxsize=2)
def _binary(size: int) -> np.ndarray:
    """All digits, ``(1797, size, size)`` bool."""
    images = digits().images.astype(float)
    if size == 16:  # pixel centres of the fine grid, in steps of the coarse one
        at = np.clip((np.arange(16) - 0.5) / 2, 0, 7)
        low, part = np.minimum(at.astype(int), 6), at - np.minimum(at.astype(int), 6)
        for axis in (1, 2):
            shape = np.where(np.arange(3) == axis, 16, 1)
            w = part.reshape(shape)
            images = images.take(low, axis) * (1 - w) + images.take(low + 1, axis) * w
    return images >= 8


@lru_cache(maxsize=8)
def _members(size: int, split: str) -> np.ndarray:
    """Which digits belong to a split."""
    pictures = enumerate(_binary(size))
    return np.array([k for k, p in pictures if split == "all" or split_of(np.packbits(p).tobytes()) == split])


@lru_cache(maxsize=8)
def _frequencies(size: int, canvas: int) -> np.ndarray:
    """The mean digit, at every place alike."""
    mean, free = _binary(size).mean(0), canvas - size + 1
    out = np.zeros((canvas, canvas))
    for top in range(free):
        for left in range(free):
            out[top : top + size, left : left + size] += mean
    return out / free**2
