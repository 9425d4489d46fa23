"""Filler of an exact number of words, drawn from a small grammar whose entropy is known.

`Phrases.fill` strings random phrases together until a slot is exactly full; `join` puts pieces of different
lengths one after another. Both work on all rows at once. `Phrases.nats` and `Phrases.words` give the entropy
and the expected words of a slot, from which the floor and the chance level of a language are computed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np


class Phrases:
    """Phrases in groups; phrases of a group have one length and are equally likely.

    Parameters
    ----------
    groups : sequence of (weight, phrases)
        Of the groups that still fit into a slot, one is drawn by weight. One of them must have phrases of one
        word.
    index : mapping of str to int
        The vocabulary.
    slot : str, optional
        A word that the caller will replace by others, whose code is -1.

    Examples
    --------
    >>> import numpy as np
    >>> words = ["a", "b", "c"]
    >>> phrases = Phrases([(1, ["a"]), (2, ["b b", "b c"])], {w: k for k, w in enumerate(words)})
    >>> phrases.fill(np.random.default_rng(0), np.array([3, 0, 2])).shape
    (3, 3)
    """

    def __init__(
        self, groups: Sequence[tuple[float, Sequence[str]]], index: Mapping[str, int], slot: str = ""
    ):
        code = dict(index) | ({slot: -1} if slot else {})
        coded = [[[code[w] for w in phrase.split()] for phrase in phrases] for _, phrases in groups]
        self.size = np.array([len(g[0]) for g in coded])
        self.count = np.array([len(g) for g in coded])
        self.first = np.cumsum(self.count) - self.count
        self.longest = int(self.size.max())
        self.pool = np.zeros((self.count.sum(), self.longest), np.int64)
        self.pool[:] = [p + [0] * (self.longest - len(p)) for g in coded for p in g]
        weights = np.array([w for w, _ in groups], float)
        fits = self.size <= np.arange(1, self.longest + 1)[:, None]
        self.p = np.where(fits, weights, 0)
        self.p /= self.p.sum(
            1, keepdims=True
        )  # row n - 1: probabilities of the groups where n words are left
        self._steps = np.cumsum(self.p, 1)[:, :-1]

    def fill(self, rng: np.random.Generator, sizes: np.ndarray) -> np.ndarray:
        """Fill slots of `sizes` words, ``(R,)``; gives codes ``(R, longest slot)``, padded with zeros."""
        left = np.array(sizes, np.int64)
        width = int(left.max(initial=0))
        out = np.zeros((len(left), width + self.longest), np.int64)
        flat, reach, usual = out.reshape(-1), np.arange(self.longest), self._steps[-1]
        at = np.flatnonzero(left > 0) * out.shape[1]  # where the next phrase of each row goes
        left = left[left > 0]
        while left.size:
            which, one = rng.random((2, left.size))
            group = np.searchsorted(usual, which, side="right")
            short = left < self.longest
            if short.any():
                group[short] = (which[short, None] >= self._steps[left[short] - 1]).sum(1)
            phrase = self.first[group] + (one * self.count[group]).astype(np.int64)
            flat[at[:, None] + reach] = self.pool[phrase]  # the next phrase covers the padding
            size = self.size[group]
            at += size
            left -= size
            if left.min() <= 0:
                more = left > 0
                at, left = at[more], left[more]
        return out[:, :width]

    def _mean(self, size: int, own: np.ndarray) -> np.ndarray:
        """Expected sum over a slot's phrases; one of group g counts own[n - 1, g] with n words left."""
        total = [np.zeros(own.shape[2:])]
        for n in range(1, size + 1):
            p, o = self.p[min(n, self.longest) - 1], own[min(n, self.longest) - 1]
            rest = [total[n - s] if s <= n else total[0] for s in self.size]
            total.append(sum(p[g] * (o[g] + rest[g]) for g in range(len(p))))
        return total[size]

    def nats(self, size: int, slot: float = 0.0) -> float:
        """Entropy of a slot of `size` words; each -1 in it adds `slot`."""
        choose = -np.log(np.where(self.p > 0, self.p, 1)) + np.log(self.count)
        slots = [
            (self.pool[a : a + n] == -1).sum(1).mean() for a, n in zip(self.first, self.count, strict=True)
        ]
        return float(self._mean(size, choose + slot * np.array(slots)))

    def words(self, size: int, vocabulary: int) -> np.ndarray:
        """Expected number of each word in a slot; ``(vocabulary + 1,)``, the last for the slot's code."""
        counts = np.zeros((len(self.size), vocabulary + 1))
        for g, (a, n, s) in enumerate(zip(self.first, self.count, self.size, strict=True)):
            np.add.at(counts[g], self.pool[a : a + n, :s].ravel(), 1 / n)
        return self._mean(size, np.broadcast_to(counts, (self.longest, *counts.shape)))


def join(pieces: Sequence[tuple[np.ndarray, np.ndarray | int]]) -> tuple[np.ndarray, np.ndarray]:
    """Put pieces one after another, row by row.

    Parameters
    ----------
    pieces : sequence of (words, sizes)
        ``(R, n)`` codes, and how many of them each row has: ``(R,)``, or one number.

    Returns
    -------
    words, sizes : ndarray
        ``(R, longest)`` codes padded with zeros, and ``(R,)``.

    Examples
    --------
    >>> import numpy as np
    >>> join([(np.array([[1, 0], [2, 3]]), np.array([1, 2])), (np.array([[7], [8]]), 1)])
    (array([[1, 7, 0],
           [2, 3, 8]]), array([2, 3]))
    """
    rows = len(pieces[0][0])
    sizes = [np.broadcast_to(size, rows) for _, size in pieces]
    total = np.sum(sizes, axis=0)
    out = np.zeros((rows, int(sum(words.shape[1] for words, _ in pieces))), np.int64)
    place = np.zeros(rows, np.int64)
    for (words, _), size in zip(pieces, sizes, strict=True):
        out[np.arange(rows)[:, None], place[:, None] + np.arange(words.shape[1])] = words
        place += size
    longest = int(total.max(initial=0))
    return np.where(np.arange(longest) < total[:, None], out[:, :longest], 0), total


def spread(lo: int, hi: int) -> list[tuple[int, float]]:
    """Return the whole numbers from lo to hi with their equal probabilities."""
    return [(n, 1 / (hi - lo + 1)) for n in range(lo, hi + 1)]


def nats_of(lo: int, hi: int) -> float:
    """Entropy of a whole number that is uniform on lo ... hi."""
    return math.log(hi - lo + 1)
