"""`Percolation`: which fields of a picture does water reach that runs down and to the right?"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..checks import array, choice, number, whole
from .base import Batch, Task, accept


@dataclass(frozen=True)
class Percolation(Task):
    """A picture of open and closed fields; label each by whether water reaches it.

    Water enters at the top left field, which is always open, and runs from an open field to the open fields
    to its right and below it. So a field is wet if it is open and the field above it or to its left is wet: a
    rule for two dimensions. A recurrent network that reads the picture row by row has to carry a whole row
    and to run along it within a step; one in two dimensions looks at two neighbouring states.

    Chance: the sum over a row's fields of the entropy of wet against dry, as a mean over rows; exact, by
    adding up the probabilities of all rows. Best: 0. Splits: by a hash of the picture.

    The task is the course's own (directed site percolation; S. R. Broadbent, J. M. Hammersley, 1957).

    Parameters
    ----------
    rows, columns : int
        Size of a picture; at most 10 columns.
    density : float
        Probability that a field is open.
    given : {"by rows", "by diagonals"}
        What a step is.

    Notes
    -----
    By rows: x ``(rows, B, columns)``, 1 open, 0 closed; y alike, 1 wet, 0 dry. The loss is summed over a
    row's fields. By diagonals, for a lattice (`lstmcourse.cells.grid` in three dimensions): step t has the
    fields (t - j, j), x and y ``(rows + columns - 1, B, columns, 1)``; each field is scored by itself, and
    what lies outside the picture is not. The pictures are the same; `skewed` leads from one to the other.

    Examples
    --------
    >>> task = Percolation(rows=4, columns=5)
    >>> batch = task.batch(batch_size=2)
    >>> batch.x.shape, bool((batch.y <= batch.x).all()), bool((batch.y[0, :, 0] == 1).all())
    ((4, 2, 5), True, True)
    """

    name: ClassVar[str] = "percolation"
    loss: ClassVar[str] = "bernoulli"

    rows: int = 8
    columns: int = 8
    density: float = 0.75
    given: str = "by rows"

    def __post_init__(self):
        whole("rows", self.rows, 1)
        whole("columns", self.columns, 2, 10)
        number("density", self.density, 0, 1, open_ends=True)
        choice("given", self.given, ("by rows", "by diagonals"))

    @property
    def input_size(self) -> int:
        """A row's fields, or one."""
        return self.columns if self.given == "by rows" else 1

    @property
    def output_size(self) -> int:
        """A row's fields, or one."""
        return self.columns if self.given == "by rows" else 1

    @property
    def wet(self) -> np.ndarray:
        """Probability of each field to be wet, ``(rows, columns)``.

        Examples
        --------
        >>> Percolation(rows=2, columns=2, density=0.5).wet.tolist()
        [[1.0, 0.5], [0.5, 0.375]]
        """
        return self._known()[0].copy()

    @property
    def chance(self) -> float:
        """Entropy of a row's fields, each by itself; by diagonals, of a field."""
        p = np.clip(self.wet, 1e-300, 1)
        q = np.clip(1 - self.wet, 1e-300, 1)
        return float(-(p * np.log(p) + q * np.log(q)).sum(1).mean()) / self.columns * self.output_size

    @property
    def chance_accuracy(self) -> float:
        """Share of rows that are right in all fields if each is labelled with its most probable pattern; by
        diagonals, of fields that are right with their most probable label.
        """
        if self.given == "by diagonals":
            return float(np.maximum(self.wet, 1 - self.wet).mean())
        return float(self._known()[1].mean())

    def _known(self):
        return _wet(self.rows, self.columns, float(self.density))

    @property
    def best(self) -> float:
        """0: what is wet follows from the picture."""
        return 0.0

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """Say which rows ``(T, B)`` are right in all fields, for probabilities ``(T, B, columns)``; or which
        fields ``(T, B, columns)`` are, for ``(T, B, columns, 1)``.
        """
        return ((self._fits(prediction, batch) > 0.5) == (batch.y > 0.5)).all(-1)

    @staticmethod
    def skewed(picture: np.ndarray) -> np.ndarray:
        """Lay ``(rows, B, columns)`` out along anti-diagonals: ``(rows + columns - 1, B, columns)``.

        Row r, column c goes to step r + c, column c: all fields of a step can be computed at once, for what
        they need lies in the step before. What is left over is 0.

        Examples
        --------
        >>> Percolation.skewed(np.array([[[1, 2]], [[3, 4]]]))[:, 0].tolist()
        [[1, 0], [3, 2], [0, 4]]
        """
        picture = array("picture", picture, "biufc", ndim=3, axes="(rows, B, columns)")
        R, B, N = picture.shape
        out = np.zeros((R + N - 1, B, N), picture.dtype)
        for c in range(N):
            out[c : c + R, :, c] = picture[:, :, c]
        return out

    def _draw(self, rng, split, batch_size, length, dtype):
        def propose(rows):
            fields = rng.random((rows, self.rows, self.columns)) < self.density
            fields[:, 0, 0] = True
            return [fields], [np.packbits(picture).tobytes() for picture in fields]

        (fields,) = accept(propose, split, batch_size, repr(self))
        wet = np.zeros_like(fields)
        for r in range(self.rows):
            for c in range(self.columns):
                above = wet[:, r - 1, c] if r else c == 0
                wet[:, r, c] = fields[:, r, c] & (above | (wet[:, r, c - 1] if c else False))
        x, y = (a.swapaxes(0, 1).astype(dtype) for a in (fields, wet))
        if self.given == "by rows":
            return Batch(x, y, np.ones(x.shape[:2], bool))
        inside = self.skewed(np.ones(x.shape, bool))
        return Batch(self.skewed(x)[..., None], self.skewed(y)[..., None], inside)


@lru_cache(maxsize=8)
def _wet(rows: int, columns: int, share: float) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the fields ``(rows, columns)``, and of each row's most probable pattern ``(rows,)``.

    By a chain over rows, whose state is which fields of a row are wet, as the bits of a number.
    """
    states = np.arange(2**columns)
    bits = states[:, None] >> np.arange(columns) & 1
    p_open = np.prod(np.where(bits, share, 1 - share), axis=1)
    p = np.zeros(len(states))
    p[1] = 1.0  # above the first row water stands over its first field alone
    out, most = np.empty((rows, columns)), np.empty(rows)
    for r in range(rows):
        after = np.zeros_like(p)
        odds = np.where(bits[:, 0] == 1, p_open / share, 0) if r == 0 else p_open
        for before in np.flatnonzero(p):
            wet = np.zeros(len(states), np.int64)
            left = np.zeros(len(states), np.int64)
            for c in range(columns):
                left = bits[:, c] & ((before >> c & 1) | left)
                wet |= left << c
            np.add.at(after, wet, p[before] * odds)
        p = after
        out[r], most[r] = p @ bits, p.max()
    return out, most
