"""What every task has in common: its batches, its streams, and how splits are kept apart.

A `Task` is a frozen set of options. `Task.stream` gives endless seeded batches, `Task.batch` one of them;
`Task.chance` and `Task.best` say what a loss is to be compared with; `Task.config` and `repr` rebuild the
task.

Batch number n of a stream depends on the seed, the split and n alone, so a stream can be taken up at any
batch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import numpy as np

from .. import checks
from ..checks import array, choice, instance, memory, whole
from ..errors import ShapeError, UnknownNameError, nearest

SPLITS = ("train", "validation", "test", "all")
SHARES = {"train": 0.8, "validation": 0.1, "test": 0.1, "all": 1.0}
MOST = 100_000
"""The greatest number, and length of a text, in a task's options in a file of unknown origin."""
_BUCKETS = 10
_PERSON = b"lstmcourse.tasks"
_PATIENCE = 10_000  # proposals without one acceptance before a split is called empty


@dataclass(frozen=True, eq=False)
class Batch:
    """Inputs, targets, and which steps are scored; time first.

    Attributes
    ----------
    x : ndarray
        ``(T, B, D)`` floats in the dtype asked for, or ``(T, B)`` symbols (int64).
    y : ndarray
        Targets: ``(T, B)`` int64 classes, or ``(T, B, K)`` floats. Read only where `mask` is True.
    mask : ndarray
        ``(T, B)`` bool: the steps that are scored.
    lengths : ndarray or None
        ``(B,)`` int64 where the sequences differ in length (padding follows the end), else None.
    carries : bool
        Row b continues row b of the batch before, so the state is to be carried over.
    legal : ndarray or None
        ``(T, B, K)`` bool, where the task knows it: the outcomes that may come at each step.

    Examples
    --------
    >>> from lstmcourse.tasks import Copy
    >>> batch = Copy(delay=3, payload=2).batch(batch_size=4)
    >>> batch.x.shape, batch.y.shape, batch.lengths, batch.carries
    ((7, 4), (7, 4), None, False)
    """

    x: np.ndarray
    y: np.ndarray
    mask: np.ndarray
    lengths: np.ndarray | None = None
    carries: bool = False
    legal: np.ndarray | None = None


@dataclass(frozen=True)
class Task:
    """Base of all tasks: options as fields, streams of batches, and the numbers that a loss is compared with.

    Attributes
    ----------
    name : str
        The name that `lstmcourse.tasks.get` knows it by.
    loss : {"cross_entropy", "mse", "bernoulli"}
        Mean over scored steps, in nats for the first.
    symbols : tuple of str or None
        The vocabulary where x holds symbols; symbol k is ``symbols[k]``.
    input_size, output_size : int
        D or the size of the vocabulary; K.
    chance : float
        The loss of the best predictor that ignores the input (it may know which step it is).
    chance_accuracy : float or None
        The share of scored steps that such a predictor gets right.
    best : float or None
        The lowest expected loss that any predictor can have, where it is known.
    """

    name: ClassVar[str]
    loss: ClassVar[str] = "cross_entropy"
    joiner: ClassVar[str] = ""  # what stands between two symbols in text

    # What a task says of itself -----------------------------------------------------------------------------

    @property
    def symbols(self) -> tuple[str, ...] | None:
        """The vocabulary, or None where x holds floats."""
        return None

    @property
    def input_size(self) -> int:
        """Features of a step, or the size of the vocabulary."""
        return len(self._vocabulary())

    @property
    def output_size(self) -> int:
        """Classes, or numbers to be predicted, at a step."""
        return len(self._vocabulary())

    @property
    def chance(self) -> float:
        """Loss of the best predictor that ignores the input."""
        raise NotImplementedError

    @property
    def chance_accuracy(self) -> float | None:
        """Share of scored steps that the best predictor that ignores the input gets right."""
        return None

    @property
    def best(self) -> float | None:
        """Lowest expected loss of any predictor, or None where it is not known."""
        return None

    def config(self) -> dict[str, object]:
        """Return the name and the options, from which `lstmcourse.tasks.from_config` rebuilds the task.

        Examples
        --------
        >>> from lstmcourse.tasks import Copy
        >>> Copy(delay=50).config()
        {'name': 'copy', 'delay': 50, 'payload': 10, 'alphabet': 8, 'score': 'all'}
        """
        return {"name": self.name} | {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    @property
    def unknown(self) -> int | None:
        """The symbol of whatever has none of its own; it is read, and never drawn in sampling."""
        return None

    def data_digest(self) -> str | None:
        """Return a digest of what the task reads from the disk; None where it makes its data itself."""
        return None

    @classmethod
    def check_stranger(cls, config: Mapping[str, object]) -> None:
        """Refuse a config from a file of unknown origin where the task would read or take what it should not.

        Raises
        ------
        ValueError
            An option is out of proportion: a number above `MOST`, or a text of more characters.
        """
        for option, value in config.items():
            for part in value if isinstance(value, list | tuple) else (value,):
                size = len(part) if isinstance(part, str) else part
                if isinstance(size, int | float) and not -MOST <= size <= MOST:
                    raise ValueError(f"{option} is out of proportion, {size}: pass the task as task=")

    # Streams ------------------------------------------------------------------------------------------------

    def stream(
        self,
        split: str = "train",
        *,
        batch_size: int,
        seed: int = 0,
        length: int | None = None,
        dtype: object = np.float32,
        start: int = 0,
    ) -> Iterator[Batch]:
        """Batches without end.

        Parameters
        ----------
        split : {"train", "validation", "test", "all"}
            The first three never overlap; "all" is the undivided distribution, which includes them.
        batch_size : int
            B.
        seed : int
            The same seed gives the same batches.
        length : int, optional
            Steps of each sequence, for tasks that can be had at any length; by default the task's own.
        dtype : dtype, optional
            Of x, and of y where it is not classes: float32 or float64.
        start : int, optional
            Number of the first batch: ``stream(start=3)`` is ``stream()`` without its first three batches.

        Returns
        -------
        iterator of Batch

        Raises
        ------
        UnknownNameError
            For a split that does not exist.
        ValueError, TypeError
            For a size that does not fit, and where a split has no sequence of this kind.

        Examples
        --------
        >>> from itertools import islice
        >>> from lstmcourse.tasks import TemporalOrder
        >>> stream = TemporalOrder().stream("validation", batch_size=8, seed=1)
        >>> [batch.x.shape[1] for batch in islice(stream, 3)]
        [8, 8, 8]
        """
        choice("split", split, SPLITS)
        whole("batch_size", batch_size, 1)
        whole("seed", seed, 0)
        whole("start", start, 0)
        if length is not None:
            whole("length", length, 1)
        dtype = checks.dtype(dtype)
        if dtype not in (np.float32, np.float64):
            raise TypeError(f"dtype={dtype} does not fit: batches come in float32 or float64")
        options = (getattr(self, f.name) for f in dataclasses.fields(self))
        longest = max((k for k in (length, *options) if isinstance(k, int)), default=1) or 1
        memory(
            f"batch_size={batch_size}, length={length}, {self!r}: a batch",
            batch_size * longest,
        )
        return self._stream(split, int(batch_size), int(seed), length, dtype, int(start))

    def batch(self, split: str = "train", *, batch_size: int, seed: int = 0, **options) -> Batch:
        """Return the first batch of a `stream` with the same arguments.

        Examples
        --------
        >>> from lstmcourse.tasks import Adding
        >>> Adding(steps=50).batch(batch_size=2, length=30).x.shape
        (30, 2, 2)
        """
        return next(self.stream(split, batch_size=batch_size, seed=seed, **options))

    def _stream(self, split, batch_size, seed, length, dtype, start) -> Iterator[Batch]:
        """Independent batches; tasks whose rows go on have a stream of their own."""
        self._check(split, length)

        def batches():
            for number in count(start):
                yield self._draw(self._rng(seed, split, number), split, batch_size, length, dtype)

        return batches()

    def _rng(self, seed: int, split: str, number: int) -> np.random.Generator:
        """A generator of its own for every (task, seed, split, number of the batch)."""
        key = (zlib.crc32(self.name.encode()), SPLITS.index(split), number)
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=key))

    def _check(self, split: str, length: int | None) -> None:
        """Refuse, before the first batch is asked for, a length that the task cannot be had at."""
        if length is not None:
            raise ValueError(f"length={length} was given, but {self!r} has its own lengths: leave it out")

    def _draw(self, rng: np.random.Generator, split: str, batch_size: int, length, dtype: np.dtype) -> Batch:
        raise NotImplementedError

    # Scores -------------------------------------------------------------------------------------------------

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """Say where the prediction hits: the most probable class is the target.

        Parameters
        ----------
        prediction : ndarray
            ``(T, B, K)``: scores, logits or probabilities of the classes.
        batch : Batch
            What was to be predicted.

        Returns
        -------
        ndarray
            ``(T, B)`` bool; of meaning where ``batch.mask`` is True.

        Examples
        --------
        >>> import numpy as np
        >>> from lstmcourse.tasks import Copy
        >>> task = Copy(delay=3, payload=2)
        >>> batch = task.batch(batch_size=4)
        >>> bool(task.correct(np.eye(task.output_size)[batch.y], batch).all())
        True
        """
        prediction = self._fits(prediction, batch)
        return prediction.argmax(-1) == batch.y

    def _fits(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        if not isinstance(getattr(batch, "mask", None), np.ndarray):  # of Pairs, too
            instance("batch", batch, Batch, "task.batch(batch_size=4)")
        prediction = array("prediction", prediction)
        expected = (*batch.mask.shape, self.output_size)
        if prediction.shape != expected:
            raise ShapeError(
                f"prediction has shape {prediction.shape}; this batch needs (T, B, K) = {expected}"
            )
        return prediction

    # Symbols and text ---------------------------------------------------------------------------------------

    def _vocabulary(self) -> tuple[str, ...]:
        if self.symbols is None:
            raise TypeError(f"{type(self).__name__} has no symbols: its inputs are numbers")
        return self.symbols

    def encode(self, text: str) -> np.ndarray:
        """Return the symbols of a text, ``(T,)`` int64.

        Raises
        ------
        UnknownNameError
            For what is not in the vocabulary, with the nearest symbol.

        Examples
        --------
        >>> from lstmcourse.tasks import Reber
        >>> Reber().encode("BTXSE")
        array([0, 4, 6, 3, 1])
        """
        index = {s: k for k, s in enumerate(self._vocabulary())}
        checks.text("text", text)
        pieces = text.split() if self.joiner else list(text)
        for piece in pieces:
            if piece not in index:
                raise UnknownNameError(
                    f"text has {piece!r}, and {self.name} has no symbol {piece!r}: {nearest(piece, index)}"
                )
        return np.array([index[p] for p in pieces], np.int64)

    def decode(self, symbols: np.ndarray) -> str:
        """Return the text of ``(T,)`` symbols.

        Examples
        --------
        >>> from lstmcourse.tasks import Reber
        >>> Reber().decode([0, 4, 6, 3, 1])
        'BTXSE'
        """
        vocabulary = self._vocabulary()
        symbols = array("symbols", symbols)
        if symbols.ndim != 1 or (symbols.size and symbols.dtype.kind not in "iu"):
            raise ShapeError(
                f"decode: symbols must be of shape (T,), integers; got {symbols.dtype} of {symbols.shape}: "
                "for row b of a batch give batch.x[:, b]"
            )
        if symbols.size and not 0 <= symbols.min() <= symbols.max() < len(vocabulary):
            raise ValueError(
                f"symbols {symbols.min()} to {symbols.max()} do not fit: they go to {len(vocabulary) - 1}"
            )
        return self.joiner.join(vocabulary[k] for k in symbols)


# Options ----------------------------------------------------------------------------------------------------


def span(task: Task, name: str, least: int) -> tuple[int, int]:
    """Check an option that is a whole number or a pair (lowest, highest), and return the pair."""
    value = getattr(task, name)
    if isinstance(value, (list, tuple)):
        if len(value) != 2:
            raise ValueError(f"{name}={value!r} does not fit: one number, or a pair (lowest, highest)")
        whole(f"{name}[0]", value[0], least)
        whole(f"{name}[1]", value[1], value[0])
        object.__setattr__(task, name, (int(value[0]), int(value[1])))
        return int(value[0]), int(value[1])
    whole(name, value, least)
    return int(value), int(value)


# Splits -----------------------------------------------------------------------------------------------------


def split_of(content: bytes) -> str:
    """Return the split that a content belongs to: train in 8 cases of 10, validation and test in 1 each.

    It is decided by a BLAKE2b hash of the content alone, so it is the same on every machine and for every
    seed.

    Examples
    --------
    >>> [split_of(word) for word in (b"sky", b"cloud", b"France", b"French")]
    ['validation', 'validation', 'train', 'train']
    """
    instance("content", content, bytes, "b'sky'")
    digest = hashlib.blake2b(content, digest_size=8, person=_PERSON).digest()
    bucket = int.from_bytes(digest, "big") % _BUCKETS
    return {8: "validation", 9: "test"}.get(bucket, "train")


def accept(
    propose: Callable[[int], tuple[list[np.ndarray], list[bytes]]], split: str, wanted: int, what: str
) -> list[np.ndarray]:
    """Draw `wanted` rows that belong to a split, by rejection.

    Parameters
    ----------
    propose : callable
        ``propose(n)`` gives n rows: arrays whose first axis is n, and the content of each row that decides
        its split.
    split : str
        Where the rows are to belong.
    wanted : int
        How many.
    what : str
        What the rows are, for the error.

    Returns
    -------
    list of ndarray
        The arrays of `propose` with `wanted` rows.

    Raises
    ------
    ValueError
        Where so few different rows exist that none belongs to the split.
    """
    if split == "all":
        return propose(wanted)[0]
    kept: list[list[np.ndarray]] = []
    have = tried = 0
    while have < wanted:
        n = int((wanted - have) / SHARES[split] * 1.1) + 8
        arrays, contents = propose(n)
        rows = np.flatnonzero([split_of(c) == split for c in contents])
        kept.append([a[rows] for a in arrays])
        have, tried = have + len(rows), tried + n
        if not have and tried > _PATIENCE:
            raise ValueError(
                f"{what} has too few different sequences: none of {tried} drawn belongs to split {split!r}. "
                "Choose options with more variety, or split='all'"
            )
    return [_stack(pieces)[:wanted] for pieces in zip(*kept, strict=True)]


def _stack(pieces: tuple[np.ndarray, ...]) -> np.ndarray:
    """Rows of different widths, one under another, padded with zeros to the widest."""
    if len(pieces) == 1:
        return pieces[0]
    if pieces[0].ndim > 1:
        width = max(p.shape[1] for p in pieces)
        pieces = tuple(np.pad(p, [(0, 0), (0, width - p.shape[1]), *[(0, 0)] * (p.ndim - 2)]) for p in pieces)
    return np.concatenate(pieces)


def entropy(p: np.ndarray) -> float:
    """Entropy in nats of a distribution, or of counts.

    Examples
    --------
    >>> round(entropy([1, 1, 2]), 4)
    1.0397
    """
    p = np.asarray(p, float)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log(p)).sum())
