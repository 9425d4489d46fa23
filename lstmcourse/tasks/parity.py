"""`Parity`: is the number of ones odd? All bits at once, or one after another."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import choice, whole
from .base import Batch, Task, accept


@dataclass(frozen=True)
class Parity(Task):
    """The parity of k bits, which no subset of them tells anything about.

    ``given="at once"``: one step with all k bits, as in [1]_, where the depth of the network has to do the
    counting. ``given="in turn"``: k steps with a bit each, where time can. A bit is -1 or 1; the target, at
    the last step, is 1 if the number of ones is odd.

    Chance: ln 2, for whoever does not see all k bits. Best: 0. Splits: by a hash of the bits; of the 2^k rows
    each split has its share, in which, with few bits, odd ones need not be exactly half.

    Parameters
    ----------
    bits : int
        k, at least 4.
    given : {"at once", "in turn"}
        How they come.

    Notes
    -----
    x is ``(1, B, k)`` or ``(k, B, 1)``. ``stream(length=n)`` gives n bits, in turn.

    References
    ----------
    .. [1] N. Kalchbrenner, I. Danihelka, A. Graves, "Grid Long Short-Term Memory", ICLR 2016,
       arXiv:1507.01526.

    Examples
    --------
    >>> batch = Parity(bits=6).batch(batch_size=3)
    >>> batch.x.shape, bool((((batch.x > 0).sum(-1) % 2) == batch.y).all())
    ((1, 3, 6), True)
    >>> Parity(bits=6, given="in turn").batch(batch_size=3).x.shape
    (6, 3, 1)
    """

    name: ClassVar[str] = "parity"

    bits: int = 8
    given: str = "at once"

    def __post_init__(self):
        whole("bits", self.bits, 4)
        choice("given", self.given, ("at once", "in turn"))

    @property
    def input_size(self) -> int:
        """The bits of a step: k, or 1."""
        return self.bits if self.given == "at once" else 1

    @property
    def output_size(self) -> int:
        """2: even, odd."""
        return 2

    @property
    def chance(self) -> float:
        """Half of all rows are odd."""
        return math.log(2)

    @property
    def chance_accuracy(self) -> float:
        """One half."""
        return 0.5

    @property
    def best(self) -> float:
        """0: the parity is a function of the bits."""
        return 0.0

    def _check(self, split, length):
        if length is not None and self.given == "at once":
            super()._check(split, length)
        if length is not None:
            whole("length", length, 4)

    def _draw(self, rng, split, batch_size, length, dtype):
        k = self.bits if length is None else length

        def propose(rows):
            bits = rng.integers(2, size=(rows, k), dtype=np.int8)
            return [bits], [row.tobytes() for row in bits]

        (bits,) = accept(propose, split, batch_size, repr(self))
        signs = (2 * bits - 1).astype(dtype)
        x = signs[None] if self.given == "at once" else signs.T[..., None]
        y, mask = np.zeros(x.shape[:2], np.int64), np.zeros(x.shape[:2], bool)
        y[-1], mask[-1] = bits.sum(1) % 2, True
        return Batch(x, y, mask)
