"""`Chords`: music for four voices by a few rules, so that the best possible loss is known exactly."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, product
from typing import ClassVar

import numpy as np

from ..checks import array, instance, truth, whole
from ..errors import ShapeError
from .base import Batch, Task, accept, entropy

VOICES = {"bass": (41, 60), "tenor": (48, 67), "alto": (55, 72), "soprano": (60, 79)}
"""The lowest and the highest note of each voice, as MIDI numbers; 60 is middle C."""

CHORDS = {"I": (0, 4, 7), "ii": (2, 5, 9), "IV": (5, 9, 0), "V": (7, 11, 2), "vi": (9, 0, 4)}
"""Root, third and fifth of each chord, as semitones above C."""

AFTER = {
    "I": ("ii", "IV", "V", "vi"),
    "ii": ("IV", "V", "vi"),
    "IV": ("I", "ii", "V"),
    "V": ("I", "vi"),
    "vi": ("ii", "IV", "V"),
}
"""Which chords may follow each."""

OPENINGS = ("I", "vi")
"""With which chords a phrase may begin."""

PITCHES = tuple(p for p in range(41, 80) if p % 12 in (0, 2, 4, 5, 7, 9, 11))
START = "|"
_LETTERS = dict(zip((0, 2, 4, 5, 7, 9, 11), "CDEFGAB", strict=True))
_SYMBOLS = (START, *(f"{_LETTERS[p % 12]}{p // 12 - 1}" for p in PITCHES))
_LEAP, _BASS_LEAP, _SPREAD = 5, 7, 12  # semitones


def chord_of(notes: Sequence[int]) -> str | None:
    """The chord that four notes make, bass first: complete, the root twice, no fifth in the bass; or None.

    >>> chord_of((48, 55, 64, 72)), chord_of((52, 60, 67, 72)), chord_of((48, 57, 64, 72))
    ('I', 'I', None)
    """
    for name, (root, third, fifth) in CHORDS.items():
        if notes[0] % 12 != fifth and sorted(n % 12 for n in notes) == sorted((root, root, third, fifth)):
            return name
    return None


def _faults_alone(notes: Sequence[int]) -> list[str]:
    """Rules that a chord breaks whatever stands before it."""
    inside = all(low <= n <= high for n, (low, high) in zip(notes, VOICES.values(), strict=True))
    rising = all(a < b for a, b in zip(notes, notes[1:], strict=False))
    near = all(b - a <= _SPREAD for a, b in zip(notes[1:], notes[2:], strict=False))
    kept = {"chord": chord_of(notes) is not None, "range": inside, "crossing": rising, "spread": near}
    return [rule for rule, holds in kept.items() if not holds]


def parallel(before: Sequence[int], now: Sequence[int]) -> bool:
    """Whether two voices, a fifth or an octave apart, both move and are as far apart again.

    >>> parallel((48, 55, 64, 72), (50, 57, 65, 74)), parallel((48, 55, 64, 72), (53, 57, 65, 72))
    (True, False)
    """
    for a, b in combinations(range(4), 2):
        apart = (before[b] - before[a]) % 12, (now[b] - now[a]) % 12
        if apart[0] == apart[1] and apart[0] in (0, 7) and before[a] != now[a] and before[b] != now[b]:
            return True
    return False


def _faults_between(before: Sequence[int], now: Sequence[int]) -> list[str]:
    """Rules that a chord breaks because of what stands before it."""
    first, second = chord_of(before), chord_of(now)
    goes_on = first is None or second is None or second in AFTER[first]
    leaps = [abs(b - a) for a, b in zip(before, now, strict=True)]
    small = leaps[0] <= _BASS_LEAP and max(leaps[1:]) <= _LEAP
    kept = {"progression": goes_on, "leap": small, "parallels": not parallel(before, now)}
    return [rule for rule, holds in kept.items() if not holds]


@dataclass(frozen=True, eq=False)
class _Voicings:
    """All chords with their notes, and which may follow which."""

    notes: np.ndarray  # (V, 4), bass first: symbols
    chord: np.ndarray  # (V,), number in CHORDS
    follows: np.ndarray  # (V, V) bool


@lru_cache(maxsize=1)
def _voicings() -> _Voicings:
    ranges = [[p for p in PITCHES if low <= p <= high] for low, high in VOICES.values()]
    found = [notes for notes in product(*ranges) if not _faults_alone(notes)]
    follows = np.array([[not _faults_between(a, b) for b in found] for a in found])
    names = list(CHORDS)
    chord = np.array([names.index(chord_of(notes)) for notes in found])
    symbols = np.array([[1 + PITCHES.index(p) for p in notes] for notes in found])
    return _Voicings(symbols, chord, follows)


@dataclass(frozen=True, eq=False)
class _Table:
    """What is counted of phrases of one length."""

    count: int  # of phrases
    ways: np.ndarray  # (chords, V, themes): in how many ways a harmony goes on from a chord at a place
    fits: np.ndarray  # (chords, V, themes) bool: the chord is the one that the harmony has there


def _harmonies(chords: int) -> list[tuple[str, ...]]:
    """Every succession of chords that a phrase may have: c_1 ... c_n V, then c_1 ... c_{n-1} V I."""
    n = chords // 2 - 1
    halves = [(name,) for name in OPENINGS]
    for _ in range(n - 1):
        halves = [(*half, name) for half in halves for name in AFTER[half[-1]]]
    whole_ones = [(*half, "V", *half[:-1], "V", "I") for half in halves]
    return [h for h in whole_ones if all(b in AFTER[a] for a, b in zip(h, h[1:], strict=False))]


@lru_cache(maxsize=4)
def _table(chords: int) -> _Table:
    """Count, from the end, in how many ways each place of each harmony can be gone on from."""
    v, harmonies = _voicings(), _harmonies(chords)
    numbers = np.array([[list(CHORDS).index(name) for name in h] for h in harmonies]).T  # (chords, themes)
    fits = v.chord[None, :, None] == numbers[:, None, :]  # (chords, V, themes)
    exact = [fits[-1].astype(object)]
    for place in reversed(range(chords - 1)):
        exact.insert(0, fits[place] * (v.follows.astype(object) @ exact[0]))
    return _Table(int(exact[0].sum()), np.array(exact).astype(np.float64), fits)


@dataclass(frozen=True)
class Chords(Task):
    """Write a phrase for four voices note by note: bass, tenor, alto, soprano of a chord, then of the next.

    The rules are a small part of what harmony books teach:

    - Chords are I, ii, IV, V and vi of C major, complete, with the root twice and no fifth in the bass;
      `AFTER` says which may follow which.
    - Each voice stays within its range (`VOICES`) and below the next; the upper three are at most an octave
      from their neighbours.
    - From chord to chord the bass moves by at most a fifth, the others by at most a fourth.
    - No two voices move in parallel fifths or octaves.
    - A phrase opens with I or vi. Its first half ends with V. The second has the same chords as the first, in
      whatever voices, up to the last two, which are V and I: "vi ii IV V, vi ii V I".

    **All phrases that keep the rules are equally likely.** With N of them (`count`) the entropy of a phrase
    is ln N, and the best possible loss ``ln N / (4 chords)`` nats a note. Nearly all of it follows from the
    place in the phrase and the chord before. But which chords the second half has was decided in the first:
    `forgetful` is the best loss without that knowledge. `chance` knows the place alone. All three are
    computed by counting, and exact.

    Splits: by a hash of the phrase. `correct` asks whether the likeliest note is one that may come.

    Parameters
    ----------
    chords : int
        Of a phrase: 6, 8, 10 or 12.

    Notes
    -----
    x is ``(4 chords, B)``: symbol 0, "|", then all notes but the last. y is x one step on.

    Examples
    --------
    >>> task = Chords()
    >>> batch = task.batch(batch_size=3)
    >>> batch.x.shape, task.decode(batch.y[:4, 0])
    ((32, 3), 'C4 E4 G4 C5')
    >>> task.count
    612551
    >>> round(task.best, 3), round(task.forgetful, 3), round(task.chance, 3)
    (0.416, 0.463, 1.489)
    """

    name: ClassVar[str] = "chords"
    joiner: ClassVar[str] = " "

    chords: int = 8

    def __post_init__(self):
        if whole("chords", self.chords, 6, 12) % 2:
            raise ValueError(f"chords={self.chords} is odd: a phrase has two halves, 6, 8, 10 or 12 chords")

    @property
    def symbols(self) -> tuple[str, ...]:
        """The sign that a phrase begins, then the notes from F2 to G5."""
        return _SYMBOLS

    @property
    def count(self) -> int:
        """How many phrases keep the rules."""
        return _table(self.chords).count

    @property
    def best(self) -> float:
        """All phrases are equally likely."""
        return math.log(self.count) / (4 * self.chords)

    @property
    def forgetful(self) -> float:
        """The best loss of whoever knows the place and the chord before, and nothing else."""
        return float(self.floors(forgetful=True).sum()) / (4 * self.chords)

    @property
    def chance(self) -> float:
        """Which notes are how frequent at each place."""
        notes, total = _voicings().notes, 0.0
        for step in _steps(self.chords):
            for voice in range(4):
                total += entropy(np.bincount(notes[:, voice], weights=step.sum((0, 2))))
        return total / (4 * self.chords)

    def floors(self, *, forgetful: bool = False) -> np.ndarray:
        """Return the best expected loss for each chord of a phrase, (chords,) nats, four notes together.

        Parameters
        ----------
        forgetful : bool
            Whether nothing is known but the place and the chord before.

        Examples
        --------
        >>> task = Chords()
        >>> bool(np.isclose(task.floors().sum(), math.log(task.count)))
        True
        """
        truth("forgetful", forgetful)
        floors = []
        for place, step in enumerate(_steps(self.chords)):
            known = step.sum(2, keepdims=True) if forgetful else self._as_known(step, place)
            floors.append(entropy(known) - entropy(known.sum(1)))
        return np.array(floors)

    def _as_known(self, step: np.ndarray, place: int) -> np.ndarray:
        """Add up themes that nobody can tell apart before this place."""
        names = _harmonies(self.chords)
        heard = [h[:place] for h in names]
        kinds = sorted(set(heard))
        alike = np.array([[h == kind for kind in kinds] for h in heard], np.float64)  # (themes, kinds)
        return step @ alike

    def faults(self, phrase: str | np.ndarray) -> list[list[str]]:
        """Return, for each chord of a phrase, the rules that it breaks.

        Parameters
        ----------
        phrase : str or ndarray (4 chords,)
            Notes, bass first: text such as "C3 G3 E4 C5 ...", or symbols.

        Returns
        -------
        list of list of str
            Out of "chord", "range", "crossing", "spread"; "progression", "leap", "parallels" with regard to
            the chord before; "opening", "half", "repeat", "ending". A note that is no note breaks "chord".

        Raises
        ------
        ShapeError
            There are more or fewer notes than four for each chord.
        UnknownNameError
            A note is none of `symbols`.

        Examples
        --------
        >>> task = Chords()
        >>> phrase = task.batch(batch_size=1).y[:, 0]
        >>> task.faults(phrase)
        [[], [], [], [], [], [], [], []]
        >>> phrase[4:8] = phrase[:4] + 1  # each voice a step higher
        >>> task.faults(phrase)[:3]
        [[], ['parallels'], ['progression', 'parallels']]
        """
        symbols = self.encode(phrase) if isinstance(phrase, str) else array("phrase", phrase)
        if symbols.shape != (4 * self.chords,) or symbols.dtype.kind not in "iu":
            raise ShapeError(
                f"phrase has {symbols.dtype} of shape {symbols.shape}; {4 * self.chords} notes are needed, "
                f"four for each of {self.chords} chords"
            )
        self.decode(symbols)  # refuses symbols that there are not
        pitches = np.array((0, *PITCHES))[symbols].reshape(self.chords, 4).tolist()
        found = [_faults_alone(notes) for notes in pitches]
        for k in range(1, self.chords):
            found[k] += _faults_between(pitches[k - 1], pitches[k])
        names, half = [chord_of(notes) for notes in pitches], self.chords // 2
        wanted = {0: ("opening", OPENINGS), half - 1: ("half", ("V",))}
        wanted |= {half + k: ("repeat", (names[k],)) for k in range(half - 2)}
        wanted |= {self.chords - 2: ("ending", ("V",)), self.chords - 1: ("ending", ("I",))}
        for place, (rule, may_be) in wanted.items():
            if names[place] not in may_be:
                found[place].append(rule)
        return found

    def expected(self, batch: Batch) -> np.ndarray:
        """Return what the best predictor says at every step, (T, B, K): the exact probabilities.

        Raises
        ------
        ValueError
            A phrase of the batch breaks a rule.

        Examples
        --------
        >>> import numpy as np
        >>> task = Chords()
        >>> batch = task.batch(batch_size=5)
        >>> p = np.take_along_axis(task.expected(batch), batch.y[..., None], -1)
        >>> bool(np.allclose(p.prod(axis=0), 1 / task.count))  # of each phrase
        True
        """
        y = instance("batch", batch, Batch, "task.batch(batch_size=4)").y
        if y.shape[0] != 4 * self.chords:
            raise ShapeError(f"batch.y has shape {y.shape}; {self!r} has {4 * self.chords} steps")
        v, table = _voicings(), _table(self.chords)
        shows = np.eye(len(_SYMBOLS))[v.notes]  # (V, 4, K)
        p = np.zeros((*y.shape, len(_SYMBOLS)))
        themes = np.ones((y.shape[1], table.ways.shape[-1]))  # those that are still possible
        weights = themes @ table.ways[0].T  # (B, V)
        for t, notes in enumerate(y):
            place, voice = divmod(t, 4)
            p[t] = weights @ shows[:, voice]
            p[t] /= p[t].sum(-1, keepdims=True)
            weights = weights * (v.notes[:, voice] == notes[:, None])
            if not (weights.sum(-1) > 0).all():
                raise ValueError(f"batch has a phrase that breaks a rule at step {t}: there it has no odds")
            if voice == 3 and place + 1 < self.chords:
                now = weights.argmax(-1)
                themes = themes * table.fits[place, now]
                weights = v.follows[now] * (themes @ table.ways[place + 1].T)
        return p

    def correct(self, prediction, batch):
        """Say where the likeliest note is one that may come."""
        chosen = self._fits(prediction, batch).argmax(-1)
        return np.take_along_axis(self.expected(batch) > 0, chosen[..., None], -1)[..., 0]

    def _draw(self, rng, split, batch_size, length, dtype):
        v, (theme_upto, first, upto) = _voicings(), _cumulative(self.chords)

        def propose(rows):
            u = rng.random((self.chords + 1, rows, 1))
            theme = (theme_upto <= u[0]).sum(-1)
            places = [(first[theme] <= u[1]).sum(-1)]
            for place in range(1, self.chords):
                places.append((upto[place - 1, theme, places[-1]] <= u[place + 1]).sum(-1))
            drawn = np.stack(places, 1).astype(np.uint16)
            return [drawn], [row.tobytes() for row in drawn]

        (drawn,) = accept(propose, split, batch_size, repr(self))
        y = v.notes[drawn].reshape(batch_size, -1).T.astype(np.int64)
        x = np.concatenate([np.zeros((1, batch_size), np.int64), y[:-1]])
        return Batch(x, y, np.ones(y.shape, bool))


@lru_cache(maxsize=4)
def _cumulative(chords: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities summed up, to draw from: of themes (themes,); of the first chord by theme (themes, V);
    of the others by place, theme and the chord before (chords - 1, themes, V, V).
    """
    ways, follows = _table(chords).ways, _voicings().follows
    onward = np.stack([follows * w.T[:, None] for w in ways[1:]]).cumsum(-1)
    themes, first = ways[0].sum(0).cumsum(), ways[0].T.cumsum(-1)
    with np.errstate(invalid="ignore"):  # 0 / 0: from there nothing leads to the end
        return themes / themes[-1], first / first[:, -1:], onward / onward[..., -1:]


@lru_cache(maxsize=4)
def _steps(chords: int) -> list[np.ndarray]:
    """For each place the probability of (chord before, chord, theme); before the first there is one chord."""
    table, follows = _table(chords), _voicings().follows
    steps = [table.ways[0][None] / table.count]
    led = table.fits[0].astype(np.float64)  # in how many ways one gets here, (V, themes)
    for place in range(1, chords):
        steps.append(led[:, None] * follows[..., None] * table.ways[place] / table.count)
        led = (follows.T @ led) * table.fits[place]
    return steps
