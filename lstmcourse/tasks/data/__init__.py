"""The real data that the package ships: handwritten digits, spoken vowels, pronunciations.

`docs/data.md` says where each comes from and on what terms; the terms lie beside the files. Arrays cannot be
written to.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

HERE = Path(__file__).resolve().parent

__all__ = ["Digits", "Vowels", "digits", "pronunciations", "vowels"]


class Digits(NamedTuple):
    """``(1797, 8, 8)`` uint8 pixels from 0 to 16, and ``(1797,)`` uint8: what they show."""

    images: np.ndarray
    labels: np.ndarray


class Vowels(NamedTuple):
    """Utterances of /ae/: for each its ``(frames, 12)`` float64 cepstrum coefficients, and its speaker.

    The first 270 are the published training set, 30 of each speaker; the other 370 the test set.
    """

    utterances: tuple[np.ndarray, ...]
    speakers: np.ndarray
    train: int


@lru_cache(maxsize=1)
def digits() -> Digits:
    """Return the optical digits of E. Alpaydin and C. Kaynak: those of the test set's 13 writers.

    Examples
    --------
    >>> images, labels = digits()
    >>> images.shape, int(images.max()), labels[:5].tolist()
    ((1797, 8, 8), 16, [0, 1, 2, 3, 4])
    """
    return Digits(**_arrays("digits"))


@lru_cache(maxsize=1)
def vowels() -> Vowels:
    """Return the Japanese vowels of M. Kudo, J. Toyama and M. Shimbo.

    Examples
    --------
    >>> utterances, speakers, train = vowels()
    >>> len(utterances), utterances[0].shape, float(utterances[0][0, 0]), train
    (640, (20, 12), 1.860936, 270)
    """
    stored = _arrays("vowels")
    frames = stored["frames"] / 1e6
    frames.flags.writeable = False
    utterances = np.split(frames, np.cumsum(stored["lengths"], dtype=int)[:-1])
    return Vowels(tuple(utterances), stored["speakers"], int(stored["train"]))


@lru_cache(maxsize=1)
def pronunciations() -> dict[str, tuple[str, ...]]:
    """Return 19,617 English words of 3 to 12 letters and their phonemes, vowels with their stress.

    Examples
    --------
    >>> pronunciations()["thinking"]
    ('TH', 'IH1', 'NG', 'K', 'IH0', 'NG')
    """
    lines = (HERE / "cmudict.txt").read_text(encoding="ascii").splitlines()
    return {word: tuple(phonemes) for word, *phonemes in map(str.split, lines)}


def _arrays(name: str) -> dict[str, np.ndarray]:
    with np.load(HERE / f"{name}.npz", allow_pickle=False) as stored:
        found = {key: stored[key] for key in stored.files}
    for array in found.values():
        array.flags.writeable = False
    return found
