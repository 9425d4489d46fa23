"""`Pronunciation`: from the letters of an English word to its phonemes."""

from __future__ import annotations

import string
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..checks import choice, given, shown, text, truth
from ..errors import UnknownNameError
from .base import SPLITS, entropy, split_of
from .data import pronunciations
from .pairs import END, Pairs, Transduction, packed

_PREFIX = 4


@dataclass(frozen=True)
class Pronunciation(Transduction):
    """Spelling to sound: real English words of the CMU dictionary, in phonemes (ARPAbet).

    19,617 words with one pronunciation each (`lstmcourse.tasks.data.pronunciations`), drawn uniformly. The
    dictionary's "TH IH1 NG K" is one target of four symbols.

    Splits: by a hash of a word's first four letters, so that no word for testing shares them with one for
    training, and forms of one word (think, thinks, thinking) stay together. Words that differ in a prefix
    (thinking, rethinking) may still be in two.

    `chance` is the entropy of the phonemes' frequencies. Each word has one pronunciation, so the best loss is
    0 for who knows all words, but nobody can know the unseen ones for sure.

    Parameters
    ----------
    stress : bool
        Whether vowels carry their stress (0 none, 1 primary, 2 secondary), as in the dictionary.

    Examples
    --------
    >>> task = Pronunciation()
    >>> batch = task.batch(batch_size=32)
    >>> word, phonemes = task.texts(batch)[0]
    >>> task.pronounce(word) == phonemes
    True
    >>> task.pronounce("thinking"), Pronunciation(stress=True).pronounce("thinking")
    ('TH IH NG K IH NG', 'TH IH1 NG K IH0 NG')
    """

    name: ClassVar[str] = "pronunciation"

    stress: bool = False

    def __post_init__(self):
        truth("stress", self.stress)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Letters; the first symbol stands in padding."""
        return (END, *string.ascii_lowercase)

    @property
    def target_symbols(self) -> tuple[str, ...]:
        """Phonemes, the end first."""
        return _phonemes(self.stress)

    @given(word=text)
    def pronounce(self, word: str) -> str:
        """Return the phonemes of a word of the dictionary; for others an `UnknownNameError`."""
        spoken = _spoken(self.stress)
        if word not in spoken:
            raise UnknownNameError(
                f"word={shown(word)} is not among the {len(spoken):,} words: `words` lists them"
            )
        return " ".join(spoken[word])

    def words(self, split: str = "all") -> tuple[str, ...]:
        """Return the words of a split.

        Examples
        --------
        >>> task = Pronunciation()
        >>> [len(task.words(split)) for split in ("train", "validation", "test", "all")]
        [15..., ..., ..., 19617]
        """
        return _words(choice("split", split, SPLITS))

    @property
    def chance(self) -> float:
        """Entropy of the phonemes' frequencies, the end among them."""
        return entropy(self._frequencies())

    @property
    def chance_accuracy(self) -> float:
        """Share of the most frequent symbol."""
        p = self._frequencies()
        return float(p.max() / p.sum())

    def _frequencies(self):
        return np.bincount(np.concatenate(list(_coded(self)[1].values())), minlength=self.output_size)

    def _draw(self, rng, split, batch_size, length, dtype):
        words = _words(split)
        chosen = [words[k] for k in rng.integers(len(words), size=batch_size)]
        (source, source_lengths), (target, target_lengths) = (
            packed([side[w] for w in chosen]) for side in _coded(self)
        )
        return Pairs(source, target, source_lengths, target_lengths)


@lru_cache(maxsize=2)
def _spoken(stress: bool) -> dict[str, tuple[str, ...]]:
    found = pronunciations()
    return found if stress else {w: tuple(p.rstrip("012") for p in spoken) for w, spoken in found.items()}


@lru_cache(maxsize=2)
def _phonemes(stress: bool) -> tuple[str, ...]:
    return (END, *sorted({p for entry in _spoken(stress).values() for p in entry}))


@lru_cache(maxsize=4)
def _words(split: str) -> tuple[str, ...]:
    every = tuple(pronunciations())
    return every if split == "all" else tuple(w for w in every if split_of(w[:_PREFIX].encode()) == split)


@lru_cache(maxsize=2)
def _coded(task: Pronunciation) -> tuple[dict[str, list[int]], dict[str, list[int]]]:
    letters = {s: k for k, s in enumerate(task.symbols)}
    phonemes = {s: k for k, s in enumerate(task.target_symbols)}
    spoken = _spoken(task.stress)
    return {w: [letters[c] for c in w] for w in spoken}, {
        w: [*(phonemes[p] for p in entry), 0] for w, entry in spoken.items()
    }
