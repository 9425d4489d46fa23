"""`Reber` and `EmbeddedReber`: predict the next symbol of strings from a small grammar."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import count, permutations
from typing import ClassVar

import numpy as np

from ..checks import array, choice, given, text
from ..errors import UnknownNameError
from .base import SHARES, SPLITS, Batch, Task, accept, entropy, split_of

ALPHABET = tuple("BEPSTVX")
_CODE = {s: k for k, s in enumerate(ALPHABET)}
_B, _E, _P, _S, _T, _V, _X = range(7)

# The grammar: state -> (symbol, next state), uniform where there are two. State 7 is the end.
GRAMMAR: dict[int, tuple[tuple[str, int], ...]] = {
    0: (("B", 1),),
    1: (("T", 2), ("P", 3)),
    2: (("S", 2), ("X", 4)),
    3: (("T", 3), ("V", 5)),
    4: (("X", 3), ("S", 6)),
    5: (("P", 4), ("V", 6)),
    6: (("E", 7),),
}
_END = 7
_SYMBOL = np.array([[_CODE[GRAMMAR[s][b % len(GRAMMAR[s])][0]] for b in (0, 1)] for s in range(7)], np.uint8)
_NEXT = np.array([[GRAMMAR[s][b % len(GRAMMAR[s])][1] for b in (0, 1)] for s in range(7)])
_DEPTH = 20  # decisions up to which strings are listed one by one for the floor of a split


def _walk(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw n Reber strings: (n, longest) symbols padded with zeros, and their lengths."""
    state = np.zeros(n, np.int64)
    lengths = np.zeros(n, np.int64)
    columns = []
    while (going := state < _END).any():
        at = np.where(going, state, 0)
        bit = rng.integers(2, size=n)
        columns.append(np.where(going, _SYMBOL[at, bit], 0))
        state = np.where(going, _NEXT[at, bit], _END)
        lengths += going
    return np.stack(columns, 1).astype(np.uint8), lengths


@lru_cache(maxsize=1)
def _visits() -> dict[int, float]:
    """Expected visits of each state in one string."""
    A = np.zeros((7, 7))
    for s, arcs in GRAMMAR.items():
        for _, t in arcs:
            if t < _END:
                A[s, t] += 1 / len(arcs)
    return dict(enumerate(np.linalg.solve(np.eye(7) - A.T, np.eye(7)[0])))


@lru_cache(maxsize=1)
def _masses() -> dict[str, tuple[float, float, float, float]]:
    """For each split: probability of its strings, sum of -p ln p, sum of p * length; and what is not listed.

    Strings with up to `_DEPTH` decisions are listed; what lies beyond is shared out in the proportions of the
    splits.
    """
    total = {s: np.zeros(3) for s in ("train", "validation", "test")}
    todo = [(0, b"", 0)]
    while todo:
        state, text, decisions = todo.pop()
        if state == _END:
            p = 0.5**decisions
            total[split_of(text)] += (p, p * decisions * math.log(2), p * len(text))
            continue
        arcs = GRAMMAR[state]
        decisions += len(arcs) > 1
        if decisions <= _DEPTH:
            todo += [(t, text + bytes([_CODE[s]]), decisions) for s, t in arcs]
    rest = np.array([1, 6 * math.log(2), 8]) - sum(total.values())
    return {s: (*(m + SHARES[s] * rest), rest[0]) for s, m in total.items()}


@dataclass(frozen=True, eq=False)
class _Machine:
    """The automaton that reads strings: state 0 is the start, the last one follows an illegal symbol."""

    step: np.ndarray  # (states, 7): the next state
    legal: np.ndarray  # (states, 7) bool
    repeats: np.ndarray  # (states,) bool: the symbol that repeats the second one comes next
    done: int  # the state after a whole string; without a legal symbol unless strings go on

    def read(self, x: np.ndarray, state: int | np.ndarray = 0) -> np.ndarray:
        """States (T, B) after each step of (T, B) symbols."""
        states = np.zeros(x.shape, np.int64)
        for t, symbols in enumerate(x):
            states[t] = state = self.step[state, symbols]
        return states


@lru_cache(maxsize=4)
def _machine(embedded: bool, continual: bool) -> _Machine:
    """Build the automaton; a state is (place, the second symbol, state of the inner string)."""
    start, done, dead = (
        ("outer", None, 0) if embedded else ("inner", None, 0),
        ("done", None, 0),
        ("dead", None, 0),
    )

    def arcs(state):
        place, second, inner = state
        if place == "outer":
            return {_B: ("second", None, 0)}
        if place == "second":
            return {k: ("inner", k, 0) for k in (_T, _P)}
        if place == "inner":
            end = ("repeat", second, 0) if embedded else done
            return {_CODE[s]: ("inner", second, t) if t < _END else end for s, t in GRAMMAR[inner]}
        if place == "repeat":
            return {second: ("last", None, 0)}
        if place == "last":
            return {_E: done}
        return arcs(start) if continual and place == "done" else {}

    states = [start]
    for state in states:  # grows while it is read
        states += [s for s in dict.fromkeys(arcs(state).values()) if s not in states]
    states.append(dead)
    index = {s: k for k, s in enumerate(states)}
    step = np.full((len(states), 7), index[dead])
    for state in states:
        for symbol, after in arcs(state).items():
            step[index[state], symbol] = index[after]
    repeats = np.array([s[0] == "repeat" for s in states])
    return _Machine(step, step != index[dead], repeats, index[done])


@dataclass(frozen=True)
class Reber(Task):
    """The Reber grammar: read a string symbol by symbol, and predict which symbol comes next.

    The grammar [1]_ has seven symbols, B E P S T V X, and where two go on they are equally likely (`GRAMMAR`
    holds it)::

        0: B -> 1           2: S -> 2, X -> 4   4: X -> 3, S -> 6   6: E -> end
        1: T -> 2, P -> 3   3: T -> 3, V -> 5   5: P -> 4, V -> 6

    A string has 8 symbols on average (at least 5) and 6 binary choices, so its entropy is 6 ln 2, and the
    best possible loss is ``6 ln 2 / 7`` = 0.594 nats per predicted symbol (every symbol but the first is
    predicted; each counts alike, so long strings count more). The state of the grammar follows from the last
    two symbols: no long memory is needed. Chance: the entropy of the predicted symbols' frequencies.

    `correct` follows [2]_: a prediction is right when every symbol that may come ranks above every symbol
    that may not.

    Splits: by a hash of the string, so no string occurs in two. Strings are few: seven hold half of the
    probability, so the three splits are different distributions, and their floors differ from that of "all",
    which `chance` and `best` are stated for. `floor` gives the floor of each split, and `grammar_loss` what a
    predictor that knows the grammar alone gets there.

    Parameters
    ----------
    continual : bool
        False: a row is one string, padded to the longest of the batch. True: a row is strings without end,
        one after the other with no sign but B and E, and batches carry on from each other; their length is
        100, or ``stream(length=)``. Then B after E is predicted too, at no cost: the floor is ``6 ln 2 / 8``
        = 0.520.

    References
    ----------
    .. [1] A. S. Reber, "Implicit learning of artificial grammars", J. Verbal Learning and Verbal Behavior 6,
       1967.
    .. [2] S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, section
       5.1.
    .. [3] F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to Forget: Continual Prediction with LSTM",
       Neural Computation 12(10), 2000.

    Examples
    --------
    >>> task = Reber()
    >>> batch = task.batch(batch_size=4)
    >>> [task.decode(batch.x[:n, b]) for b, n in enumerate(batch.lengths)]
    ['BPTTVPS', 'BPTVV', 'BPVPS', 'BTSSSSSXS']
    >>> task.is_valid("BTSSXXTVVE"), task.is_valid("BTSSXXTVTE")
    (True, False)
    >>> task.legal_next("BTS")
    ('S', 'X')
    >>> round(task.best, 4)
    0.5941
    """

    name: ClassVar[str] = "reber"
    _embedded: ClassVar[bool] = False

    continual: bool = False

    def __post_init__(self):
        if not isinstance(self.continual, bool):
            raise TypeError(f"continual={self.continual!r} does not fit: True or False")

    @property
    def symbols(self) -> tuple[str, ...]:
        """B E P S T V X."""
        return ALPHABET

    # The grammar --------------------------------------------------------------------------------------------

    @property
    def _reader(self) -> _Machine:
        return _machine(self._embedded, self.continual)

    @given(string=text)
    def is_valid(self, string: str) -> bool:
        """Say whether the string is one whole string of the grammar.

        Examples
        --------
        >>> Reber().is_valid("BTXSE"), Reber().is_valid("BTXS"), Reber().is_valid("")
        (True, False, False)
        """
        if not string or not set(string) <= set(ALPHABET):
            return False
        machine = _machine(self._embedded, False)
        return bool(machine.read(self.encode(string)[:, None])[-1, 0] == machine.done)

    @given(prefix=text)
    def legal_next(self, prefix: str) -> tuple[str, ...]:
        """Return the symbols that may follow; none after a whole string or an illegal prefix.

        Examples
        --------
        >>> [Reber().legal_next(prefix) for prefix in ("", "BT", "BTXSE", "BX")]
        [('B',), ('S', 'X'), (), ()]
        """
        machine = self._reader
        try:
            symbols = self.encode(prefix)
        except UnknownNameError as error:
            raise UnknownNameError(f"prefix: {error}") from None
        state = machine.read(symbols[:, None])[-1, 0] if prefix else 0
        return tuple(s for s, may in zip(ALPHABET, machine.legal[state], strict=True) if may)

    def legal(self, x: np.ndarray) -> np.ndarray:
        """Return which symbols may follow each step.

        Parameters
        ----------
        x : ndarray
            ``(T, B)`` symbols, each column from the start of a string on.

        Returns
        -------
        ndarray
            ``(T, B, 7)`` bool; after the end of a string, and after an illegal symbol, all False.

        Examples
        --------
        >>> task = Reber()
        >>> task.legal(task.encode("BTXSE")[:, None])[:, 0].sum(axis=-1)
        array([2, 2, 2, 1, 0])
        """
        x = array("x", x, "iu", ndim=2, axes="(T, B), symbols")
        return self._reader.legal[self._reader.read(x)]

    # What is known of it ------------------------------------------------------------------------------------

    def _situations(self) -> list[tuple[float, dict[int, float]]]:
        """Situations: expected predictions per string, and the distribution of what comes."""
        out = []
        for state, visits in _visits().items():
            arcs = GRAMMAR[state]
            if state or self._embedded or self.continual:
                out.append((visits, {_CODE[s]: 1 / len(arcs) for s, _ in arcs}))
        if self._embedded:
            out += [(1.0, {_T: 0.5, _P: 0.5}), (0.5, {_T: 1.0}), (0.5, {_P: 1.0}), (1.0, {_E: 1.0})]
            if self.continual:
                out.append((1.0, {_B: 1.0}))
        return out

    def _frequencies(self) -> np.ndarray:
        p = np.zeros(7)
        for weight, nexts in self._situations():
            for k, q in nexts.items():
                p[k] += weight * q
        return p / p.sum()

    @property
    def chance(self) -> float:
        """Entropy of the predicted symbols."""
        return entropy(self._frequencies())

    @property
    def chance_accuracy(self) -> float:
        """Share of steps at which the best fixed ranking has all legal symbols before all others."""
        sets: dict[frozenset, float] = {}
        for weight, nexts in self._situations():
            sets[frozenset(nexts)] = sets.get(frozenset(nexts), 0) + weight
        hits = max(
            sum(w for s, w in sets.items() if set(r[: len(s)]) == s) for r in permutations(range(7), 2)
        )
        return hits / sum(sets.values())

    @property
    def best(self) -> float:
        """Entropy of a string over the number of its symbols that are predicted."""
        return self.floor("all")

    @property
    def _extra(self) -> tuple[float, float]:
        """Entropy and predicted symbols that do not belong to the inner Reber string's own."""
        if self._embedded:
            return math.log(2), 4.0 - (not self.continual)
        return 0.0, -1.0 + self.continual

    def floor(self, split: str = "all") -> float:
        """Return the lowest possible loss on a split, nats per predicted symbol.

        It takes a predictor that knows which strings the split has. The strings with up to 20
        choices, 99.6 % of the probability, are listed one by one; what is beyond is shared in proportion.

        Examples
        --------
        >>> task = Reber()
        >>> round(task.floor("all"), 4), round(task.floor("train"), 2), round(task.floor("test"), 2)
        (0.5941, 0.57, 0.30)
        """
        return self._per_symbol(split, knows_split=True)

    def grammar_loss(self, split: str = "all") -> float:
        """Return the loss on a split of a predictor that knows the grammar and nothing of splits.

        This is what a network that has learnt the grammar, and no strings by heart, is to be compared with.

        Examples
        --------
        >>> task = Reber()
        >>> round(task.grammar_loss("all"), 4), round(task.grammar_loss("test"), 2)
        (0.5941, 0.61)
        """
        return self._per_symbol(split, knows_split=False)

    def _per_symbol(self, split, knows_split):
        choice("split", split, SPLITS)
        nats, symbols = self._extra
        if split == "all":
            return (6 * math.log(2) + nats) / (8 + symbols)
        p, h, n, _ = _masses()[split]
        return float((h / p + math.log(p) * knows_split + nats) / (n / p + symbols))

    # Streams ------------------------------------------------------------------------------------------------

    def _strings(self, rng, split, n):
        """Draw whole strings, padded with zeros, and their lengths."""

        def propose(rows):
            x, lengths = _walk(rng, rows)
            return [x, lengths], [row[:k].tobytes() for row, k in zip(x, lengths, strict=True)]

        x, lengths = accept(propose, split, n, repr(self))
        if self._embedded:
            rows = np.arange(n)
            branch = np.where(rng.integers(2, size=n) == 1, _T, _P)
            x = np.pad(x, [(0, 0), (2, 2)])
            x[:, 0], x[:, 1] = _B, branch
            x[rows, lengths + 2], x[rows, lengths + 3] = branch, _E
            lengths = lengths + 4
        return x.astype(np.int64), lengths.astype(np.int64)

    def _mask(self, states):
        """The steps after which a symbol is to be predicted."""
        return self._reader.legal[states].any(-1)

    def _check(self, split, length):
        if not self.continual:
            super()._check(split, length)

    def _draw(self, rng, split, batch_size, length, dtype):
        strings, lengths = self._strings(rng, split, batch_size)
        lengths = lengths - 1  # the last symbol is only a target
        T = int(lengths.max())
        inside = np.arange(T)[:, None] < lengths
        x = np.where(inside, strings.T[:T], 0)
        states = np.where(inside, self._reader.read(x), len(self._reader.step) - 1)
        return Batch(
            x, strings.T[1 : T + 1].copy(), self._mask(states), lengths, legal=self._reader.legal[states]
        )

    def _stream(self, split, batch_size, seed, length, dtype, start):
        if not self.continual:
            return super()._stream(split, batch_size, seed, length, dtype, start)
        T = 100 if length is None else length

        def batches():
            rows = [np.zeros(0, np.int64)] * batch_size
            state = np.zeros(batch_size, np.int64)
            for number in count():
                rng = self._rng(seed, split, number)
                while short := [b for b, row in enumerate(rows) if len(row) <= T]:
                    each = T // 8 + 1
                    strings, lengths = self._strings(rng, split, each * len(short))
                    for k, b in enumerate(short):
                        new = [strings[i, : lengths[i]] for i in range(k * each, (k + 1) * each)]
                        rows[b] = np.concatenate([rows[b], *new])
                block = np.stack([row[: T + 1] for row in rows], 1)
                rows = [row[T:] for row in rows]
                states = self._reader.read(block[:T], state)
                state = states[-1]
                if number >= start:
                    legal = self._reader.legal[states]
                    yield Batch(block[:T], block[1:], self._mask(states), None, carries=True, legal=legal)

        return batches()

    def correct(self, prediction: np.ndarray, batch: Batch) -> np.ndarray:
        """Say where every legal symbol ranks above every other.

        Parameters
        ----------
        prediction : ndarray
            ``(T, B, 7)`` scores.
        batch : Batch
            What was to be predicted; ``batch.legal`` is used.

        Returns
        -------
        ndarray
            ``(T, B)`` bool.

        Examples
        --------
        >>> task = Reber()
        >>> batch = task.batch(batch_size=8)
        >>> bool(task.correct(batch.legal + 0.0, batch)[batch.mask].all())
        True
        """
        prediction = self._fits(prediction, batch)
        legal = self.legal(batch.x) if batch.legal is None else batch.legal
        lowest = np.where(legal, prediction, np.inf).min(-1)
        highest = np.where(legal, -np.inf, prediction).max(-1)
        return legal.any(-1) & (lowest > highest)


@dataclass(frozen=True)
class EmbeddedReber(Reber):
    """The embedded Reber grammar: the last symbol but one repeats the second, across a whole Reber string.

    B, then T or P with equal odds, then a whole Reber string, then the same T or P again, then E [1]_, [2]_.
    A string has 12 symbols on average (at least 9) and entropy 7 ln 2, so the best possible loss is ``7 ln 2
    / 11`` = 0.441 nats per predicted symbol (all but the first are predicted, each counting alike; averaged
    string by string it would be 0.423). Only the last symbol but one needs memory: without it, 50 %. With
    ``score="long"`` that step alone is scored: chance ln 2, best 0.

    `correct` and the streams are as in `Reber`. Splits: by a hash of the inner Reber string, so no string
    occurs in two, and T and P have equal odds in each; the inner strings being few, the floors of the splits
    differ (`floor`).

    Parameters
    ----------
    continual : bool
        As in `Reber`: strings without end and without resets [3]_; floor ``7 ln 2 / 12`` = 0.404. There,
        success is an error-free run of a million symbols.
    score : {"all", "long"}
        The steps that are scored.

    References
    ----------
    .. [1] A. Cleeremans, D. Servan-Schreiber, J. L. McClelland, "Finite State Automata and Simple Recurrent
       Networks",
       Neural Computation 1(3), 1989.
    .. [2] S. Hochreiter, J. Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, section
       5.1.
    .. [3] F. A. Gers, J. Schmidhuber, F. Cummins, "Learning to Forget: Continual Prediction with LSTM",
       Neural Computation 12(10), 2000.

    Examples
    --------
    >>> task = EmbeddedReber()
    >>> task.is_valid("BPBTSSSSSSSXXTTVPXVPXTTTTTVVETE"), task.is_valid("BPBTSSSSSSSXXTTVPXVPXTTTTTVVEPE")
    (False, True)
    >>> task.legal_next("BPBTXSE"), round(task.best, 4)
    (('P',), 0.4411)
    >>> batch = EmbeddedReber(score="long").batch(batch_size=16)
    >>> int(batch.mask.sum(axis=0).max()), set(task.decode(batch.y[batch.mask])) == {"T", "P"}
    (1, True)
    """

    name: ClassVar[str] = "embedded_reber"
    _embedded: ClassVar[bool] = True

    score: str = "all"

    def __post_init__(self):
        super().__post_init__()
        choice("score", self.score, ("all", "long"))

    def _situations(self):
        if self.score == "long":
            return [(0.5, {_T: 1.0}), (0.5, {_P: 1.0})]
        return super()._situations()

    def _per_symbol(self, split, knows_split):
        choice("split", split, SPLITS)
        return 0.0 if self.score == "long" else super()._per_symbol(split, knows_split)

    def _mask(self, states):
        return self._reader.repeats[states] if self.score == "long" else super()._mask(states)
