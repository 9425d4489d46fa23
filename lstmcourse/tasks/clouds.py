"""`Clouds`: "the clouds are in the sky", and "I grew up in France … French" with a gap you choose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from ..checks import choice, whole
from .base import Batch, Task, accept, entropy, span
from .phrases import Phrases, join, nats_of, spread

LANGUAGES = (
    ("France", "French"),
    ("Spain", "Spanish"),
    ("Italy", "Italian"),
    ("Germany", "German"),
    ("Japan", "Japanese"),
    ("Russia", "Russian"),
    ("Greece", "Greek"),
    ("Poland", "Polish"),
    ("Turkey", "Turkish"),
    ("China", "Chinese"),
    ("Sweden", "Swedish"),
    ("Norway", "Norwegian"),
)
PLACES = (
    ("clouds", "sky"),
    ("fish", "river"),
    ("sheep", "meadow"),
    ("books", "library"),
    ("plates", "kitchen"),
    ("cars", "garage"),
    ("trees", "forest"),
    ("actors", "theatre"),
)
_MARKERS = ("then", "well", "now", "so", "still", "anyway")
_ANSWERS = ("yes", "no", "right", "good")
_WEATHER = ("rained", "snowed", "dawned", "thundered")
_NOUNS = ("dog", "uncle", "baker", "garden", "train", "window", "teacher", "cat")
_VERBS = ("slept", "waited", "laughed", "vanished", "returned", "stopped", "shone", "moved")
_ADJECTIVES = ("old", "quiet", "small", "strange")
_FIXED = (".", "I", "grew", "up", "in", "speak", "fluent", "the", "it", "are")


def _many(pattern: str, *lists) -> list[str]:
    """Every way to fill the pattern."""
    found = [pattern]
    for words in lists:
        found = [p.replace("*", w, 1) for p in found for w in words]
    return found


_GROUPS = (
    (1, _many("*", _MARKERS)),
    (1, _many("* .", _ANSWERS)),
    (2, _many("it * .", _WEATHER)),
    (3, _many("the * * .", _NOUNS, _VERBS)),
    (3, _many("the * * * .", _ADJECTIVES, _NOUNS, _VERBS)),
    (3, [f"the {who} are in the {where} ." for who, where in PLACES]),
    (2, [f"the {adj} {who} are in the {where} ." for adj in _ADJECTIVES for who, where in PLACES]),
)


@dataclass(frozen=True)
class Clouds(Task):
    """Predict the next word where near words decide it, and where only a word far back does.

    The two examples of C. Olah, "Understanding LSTM Networks", 2015, as a small language; the grammar is the
    course's own.

    ``kind="france"``: a row reads ``. <lead> I grew up in France <gap> French``. The gap is the number of
    words between the country and its language. Its last three are "I speak fluent": they tell that a language
    comes, and nothing of which. With more than three, the first is "." and the words between are filler:
    short sentences that know nothing of countries ("the old baker laughed .", "it snowed .", "the clouds are
    in the sky ."). The country is drawn uniformly. The grammar sets no limit to the gap.

    ``kind="clouds"``: a row reads ``. <lead> the clouds are in the sky``, with one of eight such pairs, drawn
    uniformly; the gap between the two words that belong together is always 3.

    The lead is filler as well. It makes rows differ, and keeps the place of a word from giving it away where
    `lead` or `gap` is a range.

    ============ ======================================== ====================== ==================
    score        steps scored, by the word that comes     chance                 best
    ============ ======================================== ====================== ==================
    ``"answer"`` the last word: language, or place        ln(countries), or ln 8 0
    ``"place"``  every place ("sky"), in filler too       ln 8                   0
    ``"all"``    every word                               entropy of frequencies entropy of a row
                                                                                 per predicted word
    ============ ======================================== ====================== ==================

    Chance for a language is also what remains for a predictor that knows that a language comes, but not the
    country. Every phrase can be told apart in the text, so the entropy of a row is exactly that of the
    choices that made it. Where rows differ in length, numbers are per scored step, long rows counting more.

    Splits: by a hash of the filler and the lengths alone, so no row occurs in two, and countries are exactly
    uniform in each. Very short fillers are few: a split may then be empty, which is an error, and `best` for
    "all" is exact for ``split="all"`` only.

    Parameters
    ----------
    gap : int or (int, int)
        Words between country and language, at least 3; a pair is a range, uniform.
    lead : int or (int, int)
        Words before the sentence that matters.
    countries : int
        How many, from 2 to 12.
    kind : {"france", "clouds"}
        Which sentence ends a row.
    score : {"answer", "place", "all"}
        The steps that are scored.

    Attributes
    ----------
    country_words, language_words, place_words, thing_words : ndarray
        Symbols: country k goes with language k, thing k ("clouds") with place k ("sky").

    Notes
    -----
    x and y are ``(T, B)`` words; y is the next word. The vocabulary depends on `countries` alone, so a model
    trained with one gap or score can be evaluated with another. A model's trust in languages as a class is
    its mass on ``language_words``; in the right one, its mass on y.

    Examples
    --------
    >>> task = Clouds(gap=9, lead=3)
    >>> batch = task.batch(batch_size=8)
    >>> task.decode(batch.x[:, 0]), task.decode(batch.y[-1:, 0])
    ('. now good . I grew up in Russia . the old garden returned . I speak fluent', 'Russian')
    >>> batch.mask.sum(axis=0).tolist(), round(task.chance, 3), task.best
    ([1, 1, 1, 1, 1, 1, 1, 1], 2.079, 0.0)
    >>> task.decode(task.language_words[:3]), task.decode(task.country_words[:3])
    ('French Spanish Italian', 'France Spain Italy')
    >>> clouds = Clouds(kind="clouds", lead=0)
    >>> clouds.decode(clouds.batch("all", batch_size=1).x[:, 0])
    '. the sheep are in the'
    """

    name: ClassVar[str] = "clouds"
    joiner: ClassVar[str] = " "

    gap: int | tuple[int, int] = 3
    lead: int | tuple[int, int] = 8
    countries: int = 8
    kind: str = "france"
    score: str = "answer"

    def __post_init__(self):
        gap, lead = span(self, "gap", 3), span(self, "lead", 0)
        whole("countries", self.countries, 2, len(LANGUAGES))
        choice("kind", self.kind, ("france", "clouds"))
        choice("score", self.score, ("answer", "place", "all"))
        if self.kind == "clouds" and gap != (3, 3):
            raise ValueError(
                f"gap={self.gap} does not fit: with kind='clouds' the gap is 'are in the', only gap=3"
            )
        if self.score == "place" and self.kind == "france" and max(lead[1], gap[1] - 4) < 7:
            raise ValueError(
                f"score='place' does not fit lead={self.lead} and gap={self.gap}: "
                "a sentence with a place has 7 words. "
                "Choose lead=7 or gap=11, or more"
            )

    @property
    def symbols(self) -> tuple[str, ...]:
        """All words, "." first."""
        return _vocabulary(self.countries)

    def _indices(self, words):
        return np.array([self.symbols.index(w) for w in words])

    @property
    def country_words(self) -> np.ndarray:
        """Symbols of the countries."""
        return self._indices(c for c, _ in LANGUAGES[: self.countries])

    @property
    def language_words(self) -> np.ndarray:
        """Symbols of the languages, in the order of `country_words`."""
        return self._indices(c for _, c in LANGUAGES[: self.countries])

    @property
    def thing_words(self) -> np.ndarray:
        """Symbols of "clouds" and its like."""
        return self._indices(c for c, _ in PLACES)

    @property
    def place_words(self) -> np.ndarray:
        """Symbols of "sky" and its like, in the order of `thing_words`."""
        return self._indices(c for _, c in PLACES)

    # What is known of it ------------------------------------------------------------------------------------

    @property
    def chance(self) -> float:
        """Loss of the best predictor that ignores the input."""
        if self.score == "answer":
            return math.log(self.countries if self.kind == "france" else len(PLACES))
        return math.log(len(PLACES)) if self.score == "place" else entropy(self._frequencies())

    @property
    def chance_accuracy(self) -> float:
        """Share of the most frequent answer."""
        if self.score == "all":
            p = self._frequencies()
            return float(p.max() / p.sum())
        return 1 / (self.countries if self.score == "answer" and self.kind == "france" else len(PLACES))

    @property
    def best(self) -> float:
        """0 where the answer follows from the words before; for all words, the entropy of a row per word."""
        if self.score != "all":
            return 0.0
        return self._nats() / float(self._frequencies().sum())

    def _ranges(self):
        """Lowest and highest size of the two fillers; the gap's is None where there is no gap to fill."""
        return span(self, "lead", 0), span(self, "gap", 3) if self.kind == "france" else None

    def _nats(self):
        filler = _filler(self.countries)
        lead, gap = self._ranges()
        total = nats_of(*lead) + sum(p * filler.nats(n) for n, p in spread(*lead))
        if gap is None:
            return total + math.log(len(PLACES))
        return (
            total
            + math.log(self.countries)
            + nats_of(*gap)
            + sum(p * filler.nats(max(n - 4, 0)) for n, p in spread(*gap))
        )

    def _frequencies(self):
        """Expected number of each word in a row's targets."""
        filler, size = _filler(self.countries), self.input_size
        lead, gap = self._ranges()
        total = sum(p * filler.words(n, size) for n, p in spread(*lead))[:-1]
        if gap is None:
            np.add.at(total, self._indices("the are in the".split()), 1)
            total[[*self.thing_words, *self.place_words]] += 1 / len(PLACES)
            return total
        total = total + sum(p * filler.words(max(n - 4, 0), size) for n, p in spread(*gap))[:-1]
        np.add.at(total, self._indices("I grew up in I speak fluent".split()), 1)
        total[[*self.country_words, *self.language_words]] += 1 / self.countries
        total[0] += sum(p for n, p in spread(*gap) if n > 3)
        return total

    # Streams ------------------------------------------------------------------------------------------------

    def _draw(self, rng, split, batch_size, length, dtype):
        filler = _filler(self.countries)
        lead, gap = self._ranges()

        def propose(rows):
            n = rng.integers(lead[0], lead[1] + 1, rows)
            before = filler.fill(rng, n)
            if gap is None:
                contents = [row[:k].astype(np.uint8).tobytes() for row, k in zip(before, n, strict=True)]
                return [before, n], contents
            m = rng.integers(gap[0], gap[1] + 1, rows)
            after = filler.fill(rng, np.maximum(m - 4, 0))
            words, sizes = join([(before, n), (after, np.maximum(m - 4, 0))])
            text, width = words.astype(np.uint8).tobytes(), words.shape[1]
            contents = [
                f"{i} {j} ".encode() + text[k * width : k * width + size]
                for k, (i, j, size) in enumerate(zip(n.tolist(), m.tolist(), sizes.tolist(), strict=True))
            ]
            return [before, n, after, m], contents

        fixed = lambda text: np.tile(self.encode(text), (batch_size, 1))
        start = (fixed("."), 1)
        if gap is None:
            before, n = accept(propose, split, batch_size, repr(self))
            which = rng.integers(len(PLACES), size=batch_size)
            things, places = self.thing_words[which][:, None], self.place_words[which][:, None]
            pieces = [
                start,
                (before, n),
                (fixed("the"), 1),
                (things, 1),
                (fixed("are in the"), 3),
                (places, 1),
            ]
        else:
            before, n, after, m = accept(propose, split, batch_size, repr(self))
            which = rng.integers(self.countries, size=batch_size)
            countries, languages = self.country_words[which][:, None], self.language_words[which][:, None]
            pieces = [
                start,
                (before, n),
                (fixed("I grew up in"), 4),
                (countries, 1),
                (fixed("."), (m > 3).astype(int)),
            ]
            pieces += [(after, np.maximum(m - 4, 0)), (fixed("I speak fluent"), 3), (languages, 1)]
        words, sizes = join(pieces)
        lengths = sizes - 1
        T = int(lengths.max())
        inside = np.arange(T)[:, None] < lengths
        x, y = np.where(inside, words.T[:T], 0), words.T[1 : T + 1].copy()
        if self.score == "answer":
            mask = np.arange(T)[:, None] == lengths - 1
        else:
            mask = inside if self.score == "all" else inside & np.isin(y, self.place_words)
        return Batch(x, y, mask, None if inside.all() else lengths)


@lru_cache(maxsize=16)
def _vocabulary(countries: int) -> tuple[str, ...]:
    pairs = LANGUAGES[:countries] + PLACES
    words = (*_FIXED, *(w for group in zip(*pairs, strict=True) for w in group))
    return tuple(dict.fromkeys(words + _MARKERS + _ANSWERS + _WEATHER + _NOUNS + _VERBS + _ADJECTIVES))


@lru_cache(maxsize=16)
def _filler(countries: int) -> Phrases:
    return Phrases(_GROUPS, {w: k for k, w in enumerate(_vocabulary(countries))})
