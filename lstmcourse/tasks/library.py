"""`Library`: predict the next character of Python's standard library, with whole files held out."""

from __future__ import annotations

import hashlib
import sys
import sysconfig
from dataclasses import dataclass
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import ClassVar

import numpy as np

from ..checks import choice, given, text, whole
from .base import SPLITS, Batch, Task, entropy
from .text import ASCII, RARE, MissingSourceError, _encode, _plain

GENERATED = ("encodings", "pydoc_data", "idlelib", "lib2to3", "turtledemo", "test", "tests", "_sysconfigdata")
"""What is left out: tables written by programs, and what some Pythons come without."""


@dataclass(frozen=True)
class Library(Task):
    """Characters of all sources of Python's standard library, nine million of them, in splits of whole files.

    A file is in one split, which a digest of its name decides: about one file in ten is for validation, one
    in ten for test, the others for training. So a network is tested on programs of which it has seen no
    line, unless somebody copied it. The files of a split follow one another in the order of their digests,
    each ended by a newline, and the split is read as a ring, as `Text` reads its own (``carries=True``): row
    b starts b / B of the way round, from a place that the seed decides. The sources differ a little between
    versions of Python; `data_digest` says whether they are the same.

    Symbols are newline, the 95 printable ASCII characters, and one for all others.

    Chance: the entropy of the characters' frequencies. The best possible loss is not known.

    Parameters
    ----------
    length : int
        Steps of a batch, unless ``stream(length=)`` says otherwise.

    Raises
    ------
    MissingSourceError
        Where Python was installed without its sources, when they are first needed.

    Examples
    --------
    >>> task = Library()
    >>> batch = task.batch("test", batch_size=2, length=20)
    >>> batch.x.shape, batch.carries, bool((batch.x[1:] == batch.y[:-1]).all())
    ((20, 2), True, True)
    >>> sum(name in task.files("train") for name in ("csv.py", "json/decoder.py", "textwrap.py"))
    3
    """

    name: ClassVar[str] = "library"

    length: int = 64

    def __post_init__(self):
        whole("length", self.length, 1)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Newline, printable ASCII, and U+FFFD for all other characters."""
        return (*ASCII, RARE)

    @property
    def unknown(self) -> int:
        """The symbol for all other characters."""
        return len(ASCII)

    @given(text=text)
    def encode(self, text: str) -> np.ndarray:
        """Return the symbols of a text, ``(T,)`` int64; what is not in the alphabet gets the last one.

        Examples
        --------
        >>> Library().decode(Library().encode("café"))
        'caf\ufffd'
        """
        return _encode(_plain(text), ASCII)

    def files(self, split: str = "all") -> list[str]:
        """Return the names of a split's files, relative to the library's folder.

        Examples
        --------
        >>> task = Library()
        >>> parts = [set(task.files(split)) for split in ("train", "validation", "test")]
        >>> set.union(*parts) == set(task.files()), sum(map(len, parts)) == len(task.files())
        (True, True)
        """
        choice("split", split, SPLITS)
        return [name for name in _names() if split in ("all", _split(name))]

    def region(self, split: str = "all") -> str:
        """Return the text of a split.

        Examples
        --------
        >>> task = Library()
        >>> len(task.region("test")) < len(task.region("train")) / 4
        True
        """
        return self.decode(_ring(choice("split", split, SPLITS)))

    def data_digest(self) -> str:
        """Return a digest of the sources as they are now."""
        return hashlib.blake2b(_ring("all").tobytes(), digest_size=16).hexdigest()

    @property
    def _frequencies(self):
        return np.bincount(_ring("all"), minlength=self.input_size)

    @property
    def chance(self) -> float:
        """Entropy of the characters' frequencies."""
        return entropy(self._frequencies)

    @property
    def chance_accuracy(self) -> float:
        """Share of the most frequent character."""
        return float(self._frequencies.max() / self._frequencies.sum())

    def _stream(self, split, batch_size, seed, length, dtype, start):
        T = self.length if length is None else length
        ring = _ring(split)
        N = len(ring)
        if batch_size > N or T >= N:
            raise ValueError(
                f"batch_size={batch_size} and length={T} do not fit: the {split} text has only {N} characters"
            )
        first = self._rng(seed, split, 0).integers(N)
        offsets = first + np.arange(batch_size) * N // batch_size + np.arange(T + 1)[:, None]

        def batches():
            for number in count(start):
                piece = ring[(offsets + number * T) % N].astype(np.int64)
                yield Batch(piece[:-1], piece[1:], np.ones((T, batch_size), bool), None, carries=True)

        return batches()


def _digest(name: str) -> bytes:
    return hashlib.blake2b(name.encode(), digest_size=8).digest()


def _split(name: str) -> str:
    return {0: "test", 1: "validation"}.get(int.from_bytes(_digest(name)) % 10, "train")


def _folder() -> Path:
    return Path(sysconfig.get_path("stdlib"))


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    """Files of the library itself, not of what is installed beside it, in the order of their digests."""
    root = _folder()
    tops = [path for path in root.glob("*") if path.name.removesuffix(".py") in sys.stdlib_module_names]
    files = [file for top in tops for file in ([top] if top.suffix else top.rglob("*.py"))]
    parts = (file.relative_to(root).parts for file in files)
    own = ["/".join(p) for p in parts if not any(part.startswith(GENERATED) for part in p)]
    if not own:
        raise MissingSourceError(
            f"this Python was installed without the sources of its standard library ({str(root)!r} has "
            "none): install them, or use lstmcourse.tasks.Text(files=...)"
        )
    return tuple(sorted(own, key=_digest))


@lru_cache(maxsize=4)
def _ring(split: str) -> np.ndarray:
    """The symbols of a split, one byte each."""
    texts = [
        _plain((_folder() / name).read_bytes().decode("utf-8", "replace"))
        for name in _names()
        if split in ("all", _split(name))
    ]
    symbols = _encode("".join(t + "\n" * (not t.endswith("\n")) for t in texts if t), ASCII).astype(np.uint8)
    symbols.flags.writeable = False
    return symbols
