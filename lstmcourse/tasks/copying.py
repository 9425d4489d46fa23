"""`Copy`: hold ten symbols while nothing happens, then say them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import choice, whole
from .base import Batch, Task, accept


@dataclass(frozen=True)
class Copy(Task):
    r"""The copy-memory problem: ten symbols, a long wait, a delimiter, then the ten symbols.

    In the form of [2]_, where it is said to follow [1]_. With T = `delay` the input is 10 symbols drawn
    uniformly from 8, T - 1 blanks, one delimiter, 10 blanks: T + 20 steps. The output is blank for T + 10
    steps, then the 10 symbols in their order. There are 10 input symbols (``a``-``h``, blank ``_``, delimiter
    ``|``) and 9 output classes (no delimiter); class k is symbol k.

    Chance, with every step scored: blank for T + 10 steps, then all 8 alike, costs ``10 ln 8 / (T + 20)``
    nats a step: 0.1733 for T = 100, 0.0204 for T = 1000. With ``score="recall"`` only the last 10 steps are
    scored, chance is ln 8. Best possible loss: 0.

    Splits: by a hash of the ten symbols, so no sequence occurs in two. With very few different payloads (say
    2 symbols of 2) the payloads of a split are not uniform, and "all" is the split that the chance level is
    exact for.

    Parameters
    ----------
    delay : int
        The paper's T: steps from the last symbol of the payload to the delimiter.
    payload : int
        How many symbols are to be held; 10 in the paper.
    alphabet : int
        How many there are to choose from, 2 to 26; 8 in the paper.
    score : {"all", "recall"}
        The steps that are scored.

    Notes
    -----
    x and y are ``(T, B)`` symbols. ``stream(length=n)`` changes the delay to ``n - 2 * payload``.

    References
    ----------
    .. [1] S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997.
    .. [2] M. Arjovsky, A. Shah, Y. Bengio, "Unitary Evolution Recurrent Neural Networks", ICML 2016,
       arXiv:1511.06464.

    Examples
    --------
    >>> task = Copy(delay=5, payload=3, alphabet=4)
    >>> batch = task.batch(batch_size=2)
    >>> print(task.decode(batch.x[:, 0]), task.decode(batch.y[:, 0]), sep="\n")
    bbb____|___
    ________bbb
    >>> round(Copy(delay=100).chance, 4), Copy().input_size, Copy().output_size
    (0.1733, 10, 9)
    """

    name: ClassVar[str] = "copy"

    delay: int = 100
    payload: int = 10
    alphabet: int = 8
    score: str = "all"

    def __post_init__(self):
        whole("delay", self.delay, 1)
        whole("payload", self.payload, 1)
        whole("alphabet", self.alphabet, 2, 26)
        choice("score", self.score, ("all", "recall"))

    @property
    def symbols(self) -> tuple[str, ...]:
        """The letters, the blank, the delimiter."""
        return tuple(chr(ord("a") + k) for k in range(self.alphabet)) + ("_", "|")

    @property
    def output_size(self) -> int:
        """The letters and the blank."""
        return self.alphabet + 1

    @property
    def _share(self):
        """Share of scored steps at which a letter is wanted."""
        return 1.0 if self.score == "recall" else self.payload / (self.delay + 2 * self.payload)

    @property
    def chance(self) -> float:
        """10 ln 8 / (T + 20) for the paper's numbers."""
        return self._share * math.log(self.alphabet)

    @property
    def chance_accuracy(self) -> float:
        """All blanks, and one letter in `alphabet`."""
        return 1 - self._share * (1 - 1 / self.alphabet)

    @property
    def best(self) -> float:
        """0: the output is a function of the input."""
        return 0.0

    def _check(self, split, length):
        if length is not None:
            if length <= 2 * self.payload:
                raise ValueError(
                    f"length={length} does not fit: {self.payload} symbols in and out need at least "
                    f"{2 * self.payload + 1} steps"
                )

    def _draw(self, rng, split, batch_size, length, dtype):
        n = self.payload
        delay = self.delay if length is None else length - 2 * n

        def propose(rows):
            letters = rng.integers(self.alphabet, size=(rows, n), dtype=np.uint8)
            return [letters], [row.tobytes() for row in letters]

        (letters,) = accept(propose, split, batch_size, repr(self))
        blank, T = self.alphabet, delay + 2 * n
        x = np.full((T, batch_size), blank, np.int64)
        y = np.full((T, batch_size), blank, np.int64)
        x[:n] = y[-n:] = letters.T
        x[n + delay - 1] = blank + 1
        mask = np.ones((T, batch_size), bool)
        if self.score == "recall":
            mask[:-n] = False
        return Batch(x, y, mask)
