"""From one sequence to another: what translation, captions and the like have in common.

`Pairs` is their batch; `Transduction` is the base of these tasks: a `Task` with a second vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .. import checks
from ..checks import array, instance
from ..errors import DtypeError, ShapeError, UnknownNameError, nearest
from .base import Task

END = "</s>"


@dataclass(frozen=True, eq=False)
class Pairs:
    """Sources, targets, and which part of the source each step of the target stands for; time first.

    Symbol 0 of either vocabulary is the end. It closes every target; what follows it is padding, also 0.
    A decoder that is given the word before, and the end before the first (Sutskever et al. 2014, figure 1),
    reads `previous`. A source has no end of its own.

    Attributes
    ----------
    source : ndarray
        ``(S, B)`` symbols (int64), or ``(S, B, D)`` floats in the dtype asked for.
    target : ndarray
        ``(T, B)`` int64 symbols, each row with its end.
    source_lengths, target_lengths : ndarray
        ``(B,)`` int64; the target's counts its end.
    alignment : ndarray or None
        ``(T, B, S)`` bool, as attention weights are shaped: the parts of the source that each step of the
        target stands for. At the end and in padding there are none. None where the task does not know them.

    Examples
    --------
    >>> from lstmcourse.tasks import Translation
    >>> batch = Translation(clauses=1).batch(batch_size=4)
    >>> batch.source.shape[1], batch.previous[0].tolist(), batch.target.shape == batch.mask.shape
    (4, [0, 0, 0, 0], True)
    """

    source: np.ndarray
    target: np.ndarray
    source_lengths: np.ndarray
    target_lengths: np.ndarray
    alignment: np.ndarray | None = None

    @property
    def previous(self) -> np.ndarray:
        """``(T, B)`` int64: the target's symbol one step before, and at the first step the end."""
        return np.concatenate([np.zeros_like(self.target[:1]), self.target[:-1]])

    @property
    def mask(self) -> np.ndarray:
        """``(T, B)`` bool: the steps that are scored, those of the target and its end."""
        return np.arange(len(self.target))[:, None] < self.target_lengths

    @property
    def y(self) -> np.ndarray:
        """The target, by the name that it has in a `Batch`."""
        return self.target


@dataclass(frozen=True)
class Transduction(Task):
    """Base of tasks whose batches are `Pairs`.

    `symbols`, `input_size`, `encode` and `decode` are the source's; `target_symbols`, `output_size`,
    `encode_target` and `decode_target` the target's. Symbol 0 of each vocabulary is the end.
    """

    target_joiner = " "

    @property
    def target_symbols(self) -> tuple[str, ...]:
        """The target's vocabulary, the end first."""
        raise NotImplementedError

    @property
    def output_size(self) -> int:
        """The size of the target's vocabulary."""
        return len(self.target_symbols)

    @property
    def best(self) -> float:
        """0: the target is a function of the source."""
        return 0.0

    def encode_target(self, text: str) -> np.ndarray:
        """Return the symbols of a target and its end, ``(T,)`` int64.

        Raises
        ------
        UnknownNameError
            For what is not in the vocabulary, with the nearest symbol.

        Examples
        --------
        >>> from lstmcourse.tasks import Translation
        >>> task = Translation()
        >>> task.decode_target(task.encode_target("le chat voit un arbre"))
        'le chat voit un arbre'
        """
        checks.text("text", text)
        index = {s: k for k, s in enumerate(self.target_symbols)}
        pieces = text.split() if self.target_joiner else list(text)
        for piece in pieces:
            if piece not in index:
                raise UnknownNameError(
                    f"text has {piece!r}, and the targets of {self.name} have no symbol {piece!r}: "
                    f"{nearest(piece, index)}"
                )
        return np.array([*(index[p] for p in pieces), 0], np.int64)

    def decode_target(self, symbols: np.ndarray) -> str:
        """Return the text of ``(T,)`` symbols up to the first end."""
        symbols = self._known(symbols, 1, "(T,): for row b of a batch give batch.target[:, b]")
        words = self.target_symbols
        return self.target_joiner.join(words[k] for k in until_end(symbols[:, None])[0])

    def texts(self, batch: Pairs) -> list[tuple[str, str]]:
        """Return the rows of a batch as text: source and target.

        Examples
        --------
        >>> from lstmcourse.tasks import Translation
        >>> task = Translation(clauses=1)
        >>> [(english, french)] = task.texts(task.batch("test", batch_size=1, seed=4))
        >>> task.translate(english) == french
        True
        """
        self._vocabulary()
        instance("batch", batch, Pairs, "task.batch(batch_size=4)")
        sources = [
            self.decode(column[:n]) for column, n in zip(batch.source.T, batch.source_lengths, strict=True)
        ]
        return list(zip(sources, map(self.decode_target, batch.target.T), strict=True))

    def exact(self, symbols: np.ndarray, batch: Pairs) -> np.ndarray:
        """Say which rows are right as a whole, up to their end.

        Parameters
        ----------
        symbols : ndarray
            ``(N, B)`` integers that a model wrote; N need not be the batch's T.
        batch : Pairs
            What was to be written.

        Returns
        -------
        ndarray
            ``(B,)`` bool. A row without an end is right if it is the target without its end.

        Examples
        --------
        >>> from lstmcourse.tasks import Translation
        >>> task = Translation()
        >>> batch = task.batch(batch_size=3)
        >>> task.exact(batch.target, batch).tolist(), task.exact(batch.target[1:], batch).tolist()
        ([True, True, True], [False, False, False])
        """
        instance("batch", batch, Pairs, "task.batch(batch_size=4)")
        symbols = self._known(symbols, 2, "(N, B)")
        B = batch.target.shape[1]
        if symbols.shape[1] != B:
            raise ShapeError(f"symbols have shape {symbols.shape}; this batch needs (N, B) with B = {B}")
        pairs = zip(until_end(symbols), until_end(batch.target), strict=True)
        return np.array([a == b for a, b in pairs], bool)

    def _known(self, symbols: np.ndarray, ndim: int, axes: str) -> np.ndarray:
        """Refuse what are no symbols of the target."""
        symbols = array("symbols", symbols, ndim=ndim, axes=axes)
        if symbols.size and symbols.dtype.kind not in "iu":
            raise DtypeError(f"symbols holds {symbols.dtype}; whole numbers are needed")
        if symbols.size and not 0 <= symbols.min() <= symbols.max() < self.output_size:
            raise ValueError(
                f"symbols {symbols.min()} to {symbols.max()} do not fit: they go to {self.output_size - 1}"
            )
        return symbols


def until_end(symbols: np.ndarray) -> list[list[int]]:
    """Return the columns of ``(T, B)`` symbols, each up to its first end.

    Examples
    --------
    >>> import numpy as np
    >>> until_end(np.array([[3, 0], [0, 2], [5, 1]]))
    [[3], []]
    """
    rows = np.asarray(symbols).T.tolist()
    return [row[: row.index(0)] if 0 in row else row for row in rows]


def packed(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Lay rows of symbols side by side: ``(longest, B)`` int64 padded with 0, and their lengths ``(B,)``.

    Examples
    --------
    >>> packed([[1, 2, 3], [4]])
    (array([[1, 4],
           [2, 0],
           [3, 0]]), array([3, 1]))
    """
    lengths = np.array([len(row) for row in rows], np.int64)
    out = np.zeros((int(lengths.max(initial=0)), len(rows)), np.int64)
    for b, row in enumerate(rows):
        out[: len(row), b] = row
    return out, lengths
