"""`TemporalOrder`: in which order did the few symbols that matter come, far apart among many that do not?"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from ..checks import whole
from .base import Batch, Task, accept


@dataclass(frozen=True)
class TemporalOrder(Task):
    """The temporal-order problem: X or Y at two or three places among distractors; name their order.

    Experiments 6a and 6b of [1]_. A sequence starts with E, ends with B, has length 100-110 (uniform), and
    otherwise holds symbols drawn uniformly from a, b, c, d, but for two places t1 in 10-20 and t2 in 50-60
    (6a), or three, t1 in 10-20, t2 in 33-43, t3 in 66-76 (6b), each uniform and holding X or Y with equal
    odds. The class is the order: XX, XY, YX, YY, or the eight of XXX ... YYY; it is asked for at the last
    step.

    *Reading chosen:* places count from 1, so E stands at place 1. For another `steps` all the numbers scale
    with it, rounded down.

    Chance: ln 4 = 1.386 nats and 25 %, or ln 8 = 2.079 and 12.5 %. Best possible loss: 0. Splits: by a hash
    of the sequence with its X and Y made alike, so no sequence occurs in two, and the classes are exactly as
    frequent in each split.

    Parameters
    ----------
    marks : {2, 3}
        2 for experiment 6a, 3 for 6b.
    steps : int
        The shortest length, at least 20; lengths are uniform on ``steps ... steps + steps // 10``.

    Notes
    -----
    x is ``(T, B)`` symbols, y ``(T, B)`` classes (`classes` names them). ``stream(length=n)`` makes every
    sequence n steps long, with ``steps=n``.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, section
       5.6.

    Examples
    --------
    >>> task = TemporalOrder(steps=20)
    >>> batch = task.batch(batch_size=3)
    >>> task.decode(batch.x[: batch.lengths[0], 0]), task.classes[batch.y[batch.lengths[0] - 1, 0]]
    ('EbYccddaabaXcbdaccdcB', 'YX')
    """

    name: ClassVar[str] = "temporal_order"

    marks: int = 2
    steps: int = 100

    def __post_init__(self):
        whole("marks", self.marks, 2, 3)
        whole("steps", self.steps, 20)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The eight symbols of the paper."""
        return tuple("EBabcdXY")

    @property
    def classes(self) -> tuple[str, ...]:
        """The orders, class by class."""
        return tuple(
            "".join("XY"[k >> m & 1] for m in reversed(range(self.marks))) for k in range(self.output_size)
        )

    @property
    def output_size(self) -> int:
        """4 or 8 orders."""
        return 2**self.marks

    @property
    def chance(self) -> float:
        """Every order alike."""
        return math.log(self.output_size)

    @property
    def chance_accuracy(self) -> float:
        """One order in 4 or 8."""
        return 1 / self.output_size

    @property
    def best(self) -> float:
        """0: the class is a function of the input."""
        return 0.0

    def _check(self, split, length):
        if length is not None:
            replace(self, steps=length)

    def _places(self, steps):
        """First and last place of each mark, counted from 0."""
        ends = ((10, 20), (50, 60)) if self.marks == 2 else ((10, 20), (33, 43), (66, 76))
        return [(a * steps // 100 - 1, b * steps // 100 - 1) for a, b in ends]

    def _draw(self, rng, split, batch_size, length, dtype):
        steps = self.steps if length is None else length
        vary = steps // 10 if length is None else 0
        T = steps + vary

        def propose(rows):
            r = np.arange(rows)
            x = rng.integers(2, 6, size=(rows, T), dtype=np.uint8)
            lengths = rng.integers(steps, T + 1, rows)
            order = rng.integers(2, size=(rows, self.marks), dtype=np.uint8)
            places = np.stack([rng.integers(a, b + 1, rows) for a, b in self._places(steps)], 1)
            x[:, 0] = 0
            x[r, lengths - 1] = 1
            x[r[:, None], places] = 6
            contents = [row[:n].tobytes() for row, n in zip(x, lengths, strict=True)]
            x[r[:, None], places] += order
            return [x, lengths, order], contents

        x, lengths, order = accept(propose, split, batch_size, repr(self))
        last, columns = lengths - 1, np.arange(batch_size)
        T = int(lengths.max())
        x = np.where(np.arange(T)[:, None] < lengths, x.T[:T], 0).astype(np.int64)
        y = np.zeros((T, batch_size), np.int64)
        mask = np.zeros((T, batch_size), bool)
        y[last, columns] = order @ (1 << np.arange(self.marks)[::-1])
        mask[last, columns] = True
        return Batch(x, y, mask, None if (lengths == T).all() else lengths.astype(np.int64))
