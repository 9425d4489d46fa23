"""Writing a target word by word: beam search, of which the greedy way is the case of one hypothesis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..tasks.pairs import until_end

__all__ = ["Written", "search"]

State = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Written:
    """What a decoder wrote, one column for each source.

    Attributes
    ----------
    symbols : ndarray (N, B)
        int64; each column up to its end, symbol 0, which also fills what follows.
    log_p : ndarray (B,)
        Log of the probability that the model gives to each column, its end included.
    alignment : ndarray (N, B, S)
        Where the decoder looked for each symbol; 0 after the end.
    """

    symbols: np.ndarray
    log_p: np.ndarray
    alignment: np.ndarray

    @property
    def rows(self) -> list[list[int]]:
        """The symbols of each column up to its end, as `lstmcourse.tasks.bleu` takes them."""
        return until_end(self.symbols)


def search(
    step: Callable[[np.ndarray, State | None], tuple[np.ndarray, np.ndarray, State]],
    rows: int,
    beam: int,
    length_penalty: float,
    most: int,
) -> Written:
    """Write `rows` targets, keeping the `beam` best hypotheses of each.

    Hypotheses are ranked by log p / n ** length_penalty, where n counts their symbols and their end. One that
    has ended stays as it is, and is kept as long as it is among the best.

    Parameters
    ----------
    step : callable
        From the symbols (rows · beam,) written last and the state after them to log p (rows · beam, V) of
        the next, where the decoder looked (rows · beam, S), and the next state; from None at the beginning.
    """
    total = np.full((rows, beam), -np.inf)  # log p of each hypothesis; at first there is only one
    total[:, 0] = 0.0
    symbol = np.zeros((rows, beam), np.int64)  # the end comes before the first
    count, ended, state = np.zeros_like(symbol), np.zeros(symbol.shape, bool), None
    symbols, parents, looked = [], [], []
    row = np.arange(rows)[:, None]
    while len(symbols) < most and not ended.all():
        log_p, look, state = step(symbol.ravel(), state)
        stays = np.where(np.arange(log_p.shape[1]) == 0, 0.0, -np.inf)
        log_p = np.where(ended[..., None], stays, log_p.reshape(rows, beam, -1))
        every, count = total[..., None] + log_p, count + ~ended
        ranked = (every / count[..., None] ** length_penalty).reshape(rows, -1)
        best = np.argsort(-ranked, axis=1, kind="stable")[:, :beam]
        parent, symbol = np.divmod(best, log_p.shape[-1])
        total, count = every[row, parent, symbol], count[row, parent]
        symbols.append(symbol), parents.append(parent)
        looked.append(np.where(ended[..., None], 0, look.reshape(rows, beam, -1))[row, parent])
        ended = ended[row, parent] | (symbol == 0)
        flat = (row * beam + parent).ravel()
        state = {name: a[flat] if np.ndim(a) else a for name, a in state.items()}
    return Written(*_traced_back(symbols, parents, looked, total))


def _traced_back(symbols, parents, looked, total) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best hypothesis of each row, from its last symbol back to its first."""
    rows = np.arange(len(total))
    at = np.zeros(len(total), np.int64)  # hypotheses are in order, the best first
    path, look = [], []
    for symbol, parent, where in zip(symbols[::-1], parents[::-1], looked[::-1], strict=True):
        path.append(symbol[rows, at])
        look.append(where[rows, at])
        at = parent[rows, at]
    return np.array(path[::-1]), total[:, 0], np.array(look[::-1])
