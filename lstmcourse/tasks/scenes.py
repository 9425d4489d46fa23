"""`Scenes`: small pictures of coloured shapes, and captions that say what is where."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import ClassVar

import numpy as np

from ..checks import array, number
from ..errors import ShapeError
from .base import accept, entropy, span
from .pairs import END, Pairs, Transduction

COLOURS = {
    "red": (1.0, 0.0, 0.0),
    "green": (0.0, 0.8, 0.0),
    "blue": (0.1, 0.2, 1.0),
    "yellow": (1.0, 1.0, 0.0),
    "pink": (1.0, 0.4, 0.8),
    "white": (1.0, 1.0, 1.0),
}
SHAPES = {
    "square": "#### #### #### ####",
    "cross": "#..# .##. .##. #..#",
    "ring": "#### #..# #..# ####",
    "bar": ".##. .##. .##. .##.",
    "plank": ".... #### #### ....",
    "corner": "#... #... #... ####",
}
_MASKS = np.array([[[c == "#" for c in row] for row in s.split()] for s in SHAPES.values()], float)
_RGB = np.array(list(COLOURS.values()))
WORDS = (END, "a", "above", "left", "of", *COLOURS, *SHAPES)
_INDEX = {w: k for k, w in enumerate(WORDS)}
_COLOUR, _SHAPE = _INDEX["red"], _INDEX["square"]
_GRID = 4
_CELLS = _GRID * _GRID


@dataclass(frozen=True)
class Scenes(Transduction):
    """A caption for a picture of one to three coloured shapes.

    A picture has 16 × 16 pixels in red, green and blue, on black. A shape of six kinds in one of six colours
    fills one of its 4 × 4 cells. The caption names the objects as one reads, row by row from the left:
    "a red ring above a blue bar left of a pink cross". Of two that follow each other the first is "left of"
    the second if they are in one row, else it is "above" it: in a higher row, wherever in it. So there is one
    caption for a picture; what it leaves open is the places.

    The source are the 16 cells, each with its pixels: ``(16, B, 48)``. `Pairs.alignment` gives the cell of
    the object for its article, colour and shape, and for "above", "left" and "of" both objects' cells.

    Splits: by a hash of the caption: a caption for testing has not been seen in training, with any picture.

    `chance` is the entropy of the words' frequencies, `without_source` the loss of the best predictor that
    knows how captions are made but sees no picture; both are exact. Without noise the best loss is 0; with it
    no bound is given, but noise of the default size hides nothing.

    Parameters
    ----------
    objects : int or (int, int)
        Objects in a picture, 1 to 16; a pair is a range, uniform. Cells, colours and shapes are uniform.
    noise : float
        Standard deviation of the Gaussian noise that is added to each pixel's three values.

    Examples
    --------
    >>> task = Scenes(objects=2, noise=0)
    >>> batch = task.batch("test", batch_size=3)
    >>> batch.source.shape, task.decode_target(batch.target[:, 0])
    ((16, 3, 48), 'a ... a ...')
    >>> task.pictures(batch.source).shape
    (3, 16, 16, 3)
    """

    name: ClassVar[str] = "scenes"

    objects: int | tuple[int, int] = (1, 3)
    noise: float = 0.05

    def __post_init__(self):
        _, most = span(self, "objects", 1)
        if most > _CELLS:
            raise ValueError(f"objects={self.objects} does not fit: a picture has {_CELLS} cells")
        number("noise", self.noise, 0, float("inf"))

    @property
    def input_size(self) -> int:
        """48: the pixels of a cell."""
        return 3 * _GRID * _GRID

    @property
    def target_symbols(self) -> tuple[str, ...]:
        """Words, the end first."""
        return WORDS

    @staticmethod
    def pictures(source: np.ndarray) -> np.ndarray:
        """Put the cells ``(16, B, 48)`` together: ``(B, 16, 16, 3)`` red, green, blue."""
        source = array("source", source)
        if source.ndim != 3 or source.shape[::2] != (_CELLS, 48):
            raise ShapeError(f"source has shape {source.shape}; scenes have shape (16, B, 48)")
        cells = source.swapaxes(0, 1).reshape(-1, _GRID, _GRID, _GRID, _GRID, 3)
        return cells.transpose(0, 1, 3, 2, 4, 5).reshape(-1, _CELLS, _CELLS, 3)

    # What is known of it ------------------------------------------------------------------------------------

    @property
    def best(self) -> float | None:
        """0 without noise."""
        return 0.0 if self.noise == 0 else None

    @property
    def chance(self) -> float:
        """Entropy of the words' frequencies."""
        return entropy(self._frequencies())

    @property
    def chance_accuracy(self) -> float:
        """Share of the most frequent word."""
        p = self._frequencies()
        return float(p.max() / p.sum())

    @property
    def without_source(self) -> float:
        """Loss of a predictor that knows how captions are made and sees the words so far, but no picture."""
        lo, hi = span(self, "objects", 1)
        nats = math.log(hi - lo + 1)
        for n in range(lo, hi + 1):
            named = n * math.log(len(COLOURS) * len(SHAPES))
            nats += (named + entropy(list(_relations(n).values()))) / (hi - lo + 1)
        return nats / float(self._frequencies().sum())

    def _frequencies(self):
        """Expected number of each word in a caption, its end included."""
        lo, hi = span(self, "objects", 1)
        total = np.zeros(len(WORDS))
        for n in range(lo, hi + 1):
            p = _relations(n)
            left = sum(share * sum(beside) for beside, share in p.items()) / sum(p.values())
            total[_INDEX["a"]] += n
            total[_COLOUR : _COLOUR + len(COLOURS)] += n / len(COLOURS)
            total[_SHAPE : _SHAPE + len(SHAPES)] += n / len(SHAPES)
            total[[_INDEX["left"], _INDEX["of"]]] += left
            total[_INDEX["above"]] += n - 1 - left
        total /= hi - lo + 1
        total[0] = 1
        return total

    # Streams ------------------------------------------------------------------------------------------------

    def _draw(self, rng, split, batch_size, length, dtype):
        lo, hi = span(self, "objects", 1)

        def propose(rows):
            count = rng.integers(lo, hi + 1, rows)
            cells = rng.permuted(np.tile(np.arange(_CELLS), (rows, 1)), axis=1)[:, :hi]
            cells = np.sort(np.where(np.arange(hi) < count[:, None], cells, _CELLS), axis=1)
            kinds = rng.integers(len(COLOURS) * len(SHAPES), size=(rows, hi))
            words = _captions(cells, kinds)[0].astype(np.int8)
            return [cells, kinds], [row[row > 0].tobytes() for row in words]

        cells, kinds = accept(propose, split, batch_size, repr(self))
        words, where = _captions(cells, kinds)
        order = np.argsort(words == 0, axis=1, kind="stable")
        lengths = (words > 0).sum(1)
        target = np.take_along_axis(words, order, 1)[:, : lengths.max() + 1].T
        alignment = np.take_along_axis(where, order[..., None], 1)[:, : lengths.max() + 1].swapaxes(0, 1)
        source = np.zeros((batch_size, _CELLS + 1, _GRID, _GRID, 3))
        drawn = _MASKS[kinds % len(SHAPES)][..., None] * _RGB[kinds // len(SHAPES)][:, :, None, None]
        source[np.arange(batch_size)[:, None], cells] = drawn  # what is no object goes into a cell too many
        source = source[:, :_CELLS].reshape(batch_size, _CELLS, -1).swapaxes(0, 1)
        if self.noise:
            source = source + self.noise * rng.standard_normal(source.shape)
        sizes = np.full(batch_size, _CELLS, np.int64)
        return Pairs(
            np.ascontiguousarray(source, dtype), np.ascontiguousarray(target), sizes, lengths + 1, alignment
        )


def _captions(cells: np.ndarray, kinds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Words ``(B, 5 n + 1)`` of n objects, 0 where there is none, and whether they are about each cell.

    An object has two places for its relation to the one before, then its article, colour and shape. One more
    place is for the end.
    """
    rows, n = cells.shape
    there = cells < _CELLS
    beside = np.zeros_like(there)
    beside[:, 1:] = cells[:, 1:] // _GRID == cells[:, :-1] // _GRID
    follows = there & (np.arange(n) > 0)
    words = np.stack(
        [
            np.where(follows, np.where(beside, _INDEX["left"], _INDEX["above"]), 0),
            np.where(follows & beside, _INDEX["of"], 0),
            np.where(there, _INDEX["a"], 0),
            np.where(there, _COLOUR + kinds // len(SHAPES), 0),
            np.where(there, _SHAPE + kinds % len(SHAPES), 0),
        ],
        -1,
    )
    own = cells[..., None] == np.arange(_CELLS)
    both = own.copy()
    both[:, 1:] |= own[:, :-1]
    where = np.stack([both, both, own, own, own], 2) & (words > 0)[..., None]
    end = np.zeros((rows, 1), np.int64)
    words = np.concatenate([words.reshape(rows, -1), end], 1)
    return words, np.concatenate([where.reshape(rows, -1, _CELLS), np.zeros((rows, 1, _CELLS), bool)], 1)


@lru_cache(maxsize=16)
def _relations(objects: int) -> dict[tuple[bool, ...], int]:
    """How many sets of cells have each pattern: whether an object is left of the next, or above it."""
    counts: dict[tuple[bool, ...], int] = {}
    for cells in combinations(range(_CELLS), objects):
        pattern = tuple(a // _GRID == b // _GRID for a, b in zip(cells, cells[1:], strict=False))
        counts[pattern] = counts.get(pattern, 0) + 1
    return counts
