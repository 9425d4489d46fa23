"""`Agreement`: a small language whose verbs and pronouns follow the current subject's number and gender."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import array, choice, whole
from ..errors import ShapeError
from .base import Batch, Task, accept, entropy, span
from .phrases import Phrases, join, nats_of, spread

# Nouns in groups of four: gender (masculine, feminine) and number (singular, plural) are read off the place.
_NOUNS = (
    ("king", "boy", "uncle", "monk"),
    ("kings", "boys", "uncles", "monks"),
    ("queen", "girl", "aunt", "nun"),
    ("queens", "girls", "aunts", "nuns"),
)
_VERBS = ("is", "are")
_PRONOUNS = ("he", "she", "they")
_THINGS = ("tower", "river", "garden", "bridge")
_MOODS = ("happy", "tired", "calm", "angry", "hungry", "proud", "busy", "sad")
_DEEDS = ("sang", "slept", "smiled", "left", "danced", "waited", "wept", "spoke")
_PREPOSITIONS = ("near", "behind", "beside", "above")
_ADJECTIVES = ("old", "tall", "young", "quiet")
_ADVERBS = ("often", "again", "today", "maybe")
_PARTICIPLES = ("seen by", "known to", "led by", "dear to")
_VOCABULARY = tuple(
    dict.fromkeys(
        (".", "the", "and", *_VERBS, *_PRONOUNS, *(n for group in _NOUNS for n in group))
        + _THINGS
        + _MOODS
        + _DEEDS
        + _PREPOSITIONS
        + _ADJECTIVES
        + _ADVERBS
        + tuple(w for p in _PARTICIPLES for w in p.split())
    )
)
_INDEX = {w: k for k, w in enumerate(_VOCABULARY)}
_NOUN = np.array([_INDEX[n] for group in _NOUNS for n in group])
_GENDER, _NUMBER = np.zeros((2, len(_VOCABULARY)), np.int64)
_GENDER[_NOUN] = np.repeat([-1, -1, 1, 1], 4)
_NUMBER[_NOUN] = np.repeat([-1, 1, -1, 1], 4)
_ATTRACTOR, _SUBJECT, _VERB, _PRONOUN = -1, -2, -3, -4  # stand in a row until its subjects are drawn
_SLOT = "*"
_FILLER = Phrases(
    (
        (1, _ADVERBS),
        (4, [f"{p} the {_SLOT}" for p in _PREPOSITIONS]),
        (3, [f"{p} the {a} {_SLOT}" for p in _PREPOSITIONS for a in _ADJECTIVES]),
        (3, [f"{p} the {_SLOT}" for p in _PARTICIPLES]),
    ),
    _INDEX,
    _SLOT,
)


def _words(words) -> np.ndarray:
    return np.array([_INDEX[w] for w in words])


@dataclass(frozen=True)
class Agreement(Task):
    """Predict the next word where verbs and pronouns must fit a subject that other nouns have followed.

    A row has `subjects` sentences, each about a new subject, of the form ::

        the SUBJECT [distractors] is|are MOOD and [distractors] he|she|they DEED .
        the queen near the old kings is tired and seen by the boy she slept .

    The verb follows the subject's number, the pronoun its number and, in the singular, its gender (as in
    English, "they" has none). Every sentence calls for the old subject's gender and number to be forgotten
    and the new one's to be stored. There are 16 subjects, 4 of each gender and number, drawn uniformly and
    independently. Distractors are phrases with nouns of their own (`attractors`) and adverbs; each of the two
    slots has `gap` words, so `gap` words stand between a subject and its verb, and ``2 gap + 3``
    between it and its pronoun. Everything else is drawn uniformly. The grammar is the course's
    own; the question is that of [1]_ (agreement across attractors, as in [2]_).

    =============== ============================== ====================== ================ =========
    score           steps scored, by what comes    chance                 class_chance     best
    =============== ============================== ====================== ================ =========
    ``"agreement"`` is, are, he, she, they         9/4 ln 2 = 1.560       5/4 ln 2 = 0.866 0
    ``"verb"``      is, are                        ln 2                   ln 2             0
    ``"pronoun"``   he, she, they                  3/2 ln 2 = 1.040       3/2 ln 2 = 1.040 0
    ``"all"``       every word                     entropy of frequencies None             see below
    =============== ============================== ====================== ================ =========

    `class_chance` is the loss of a predictor that knows whether a verb or a pronoun comes, but nothing of the
    subject. The best for "all" is the entropy of a row over its predicted words (all but the first, which is
    always "the"): every choice can be read off the text, so a row's entropy is that of its choices.

    Splits: by a hash of the row with nouns, verbs and pronouns left out, so no row occurs in two, and gender
    and number are distributed alike in each. A single sentence may well occur in several.

    Parameters
    ----------
    gap : int or (int, int)
        Words in each slot; a pair is a range, uniform and independent for each slot.
    subjects : int
        Sentences of a row.
    attractors : {"any", "opposite", "none"}
        The nouns in distractors: any of the 16, independent of the subject, so that they tell nothing; only
        those of the other gender and the other number, which trips up whoever follows the last noun, and can
        be exploited by who learns to turn it round, so it is for testing; or things without gender ("tower").
    score : {"agreement", "verb", "pronoun", "all"}
        The steps that are scored.

    Attributes
    ----------
    noun_words, verb_words, pronoun_words : ndarray
        Symbols: the 16 nouns that can be subjects; is, are; he, she, they.

    Notes
    -----
    x and y are ``(T, B)`` words, y the next word. With one gap every row has the same length, ``subjects * (2
    gap + 8) - 1``; with a range rows are padded. ``stream(length=n)`` gives rows of as many sentences as are
    needed, cut to n steps; the numbers above are for whole rows. The vocabulary is the same for all options.

    References
    ----------
    .. [1] C. Olah, "Understanding LSTM Networks", 2015.
    .. [2] T. Linzen, E. Dupoux, Y. Goldberg, "Assessing the Ability of LSTMs to Learn Syntax-Sensitive
       Dependencies", TACL 4, 2016.

    Examples
    --------
    >>> task = Agreement(gap=4, subjects=1)
    >>> batch = task.batch(batch_size=2)
    >>> task.decode(batch.x[:, 0]), task.decode(batch.y[batch.mask[:, 0], 0])
    ('the nun behind the kings maybe is proud and beside the monk today she sang', 'is she')
    >>> round(task.chance, 3), round(task.class_chance, 3), task.best
    (1.56, 0.866, 0.0)
    """

    name: ClassVar[str] = "agreement"
    joiner: ClassVar[str] = " "

    gap: int | tuple[int, int] = 3
    subjects: int = 3
    attractors: str = "any"
    score: str = "agreement"

    def __post_init__(self):
        span(self, "gap", 0)
        whole("subjects", self.subjects, 1)
        choice("attractors", self.attractors, ("any", "opposite", "none"))
        choice("score", self.score, ("agreement", "verb", "pronoun", "all"))

    @property
    def symbols(self) -> tuple[str, ...]:
        """All words, "." first."""
        return _VOCABULARY

    @property
    def noun_words(self) -> np.ndarray:
        """Symbols of the nouns that can be subjects."""
        return _NOUN.copy()

    @property
    def verb_words(self) -> np.ndarray:
        """Symbols of is and are."""
        return _words(_VERBS)

    @property
    def pronoun_words(self) -> np.ndarray:
        """Symbols of he, she and they."""
        return _words(_PRONOUNS)

    def annotate(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Say of every word what it is and whom the sentence is about: for probes.

        Parameters
        ----------
        x : ndarray
            ``(T, B)`` words, each row from the start of a sentence on. In padding the values have no meaning.

        Returns
        -------
        dict of str to ndarray
            Each ``(T, B)``. ``gender``: of the current subject, -1 masculine, 1 feminine, 0 before the first;
            ``number``: -1 singular, 1 plural, 0 before the first; both change at the subject's own word. Then
            booleans: ``is_subject``, ``is_attractor`` (another noun with a gender), ``is_verb``,
            ``is_pronoun``.

        Examples
        --------
        >>> task = Agreement()
        >>> words = task.encode("the queens near the boy are calm and they left . the king is sad")
        >>> notes = task.annotate(words[:, None])
        >>> notes["gender"][:, 0]
        array([ 0,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1, -1, -1, -1])
        >>> notes["number"][:, 0]
        array([ 0,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1,  1, -1, -1, -1])
        >>> notes["is_subject"][:, 0].nonzero()[0], notes["is_attractor"][:, 0].nonzero()[0]
        (array([ 1, 12]), array([4]))
        """
        x = array("x", x)
        if x.ndim != 2 or x.dtype.kind not in "iu":
            raise ShapeError(
                f"x is {x.dtype} of shape {x.shape}; annotate needs words (integers) of shape (T, B)"
            )
        noun = np.isin(x, _NOUN)
        opens = np.ones(x.shape, bool)  # the word two places back closed a sentence, or there was none
        opens[2:] = x[:-2] == _INDEX["."]
        opens[:1] = False
        subject = noun & opens
        latest = np.maximum.accumulate(np.where(subject, np.arange(len(x))[:, None], -1), 0)
        latest_word = np.take_along_axis(x, np.maximum(latest, 0), 0)
        return {
            "gender": np.where(latest >= 0, _GENDER[latest_word], 0),
            "number": np.where(latest >= 0, _NUMBER[latest_word], 0),
            "is_subject": subject,
            "is_attractor": noun & ~subject,
            "is_verb": np.isin(x, self.verb_words),
            "is_pronoun": np.isin(x, self.pronoun_words),
        }

    # What is known of it ------------------------------------------------------------------------------------

    @property
    def chance(self) -> float:
        """Loss of the best predictor that ignores the input."""
        return entropy(self._frequencies())

    @property
    def chance_accuracy(self) -> float:
        """Share of the most frequent answer."""
        p = self._frequencies()
        return float(p.max() / p.sum())

    @property
    def class_chance(self) -> float | None:
        """Loss of the best predictor that knows what kind of word comes, but not whom it is about."""
        bits = {"verb": 1.0, "pronoun": 1.5, "agreement": 1.25}.get(self.score)
        return None if bits is None else bits * math.log(2)

    @property
    def best(self) -> float:
        """0 where the answer follows from the subject; for "all", a row's entropy per predicted word."""
        if self.score != "all":
            return 0.0
        lo, hi = span(self, "gap", 0)
        slot = nats_of(lo, hi) + sum(
            p * _FILLER.nats(n, math.log(self._attractor_words.shape[1])) for n, p in spread(lo, hi)
        )
        sentence = math.log(len(_NOUN)) + math.log(len(_MOODS)) + math.log(len(_DEEDS)) + 2 * slot
        return self.subjects * sentence / (self.subjects * (lo + hi + 8) - 1)

    def _frequencies(self):
        """Expected number of each word in a row's scored targets."""
        n = self.subjects
        total = np.zeros(len(_VOCABULARY))
        if self.score != "pronoun":
            total[_words(_VERBS)] = n / 2
        if self.score != "verb":
            total[_words(_PRONOUNS)] = n / 4, n / 4, n / 2
        if self.score == "all":
            for size, p in spread(*span(self, "gap", 0)):
                words = 2 * n * p * _FILLER.words(size, len(_VOCABULARY))
                total += words[:-1]
                nouns = _words(_THINGS) if self.attractors == "none" else _NOUN
                total[nouns] += words[-1] / len(nouns)
            total[_NOUN] += n / len(_NOUN)
            total[_words(_MOODS)] += n / len(_MOODS)
            total[_words(_DEEDS)] += n / len(_DEEDS)
            total[_words([".", "and"])] += n
            total[_INDEX["the"]] += n - 1
        return total

    # Streams ------------------------------------------------------------------------------------------------

    @property
    def _attractor_words(self) -> np.ndarray:
        """Nouns that may distract from each of the 16 subjects, (16, nouns)."""
        if self.attractors == "opposite":
            return _NOUN.reshape(4, 4)[3 - np.arange(16) // 4]
        return np.tile(_words(_THINGS) if self.attractors == "none" else _NOUN, (16, 1))

    def _check(self, split, length):
        pass

    def _draw(self, rng, split, batch_size, length, dtype):
        lo, hi = span(self, "gap", 0)
        subjects = self.subjects if length is None else math.ceil((length + 1) / (2 * lo + 8))

        def propose(rows):
            n = rows * subjects
            sizes = rng.integers(lo, hi + 1, (2, n))
            first, second = _FILLER.fill(rng, sizes.ravel()).reshape(2, n, -1)
            opening = np.tile([_INDEX["the"], _SUBJECT], (n, 1))
            middle = np.tile([_VERB, 0, _INDEX["and"]], (n, 1))
            close = np.tile([_PRONOUN, 0, _INDEX["."]], (n, 1))
            middle[:, 1] = _words(_MOODS)[rng.integers(len(_MOODS), size=n)]
            close[:, 1] = _words(_DEEDS)[rng.integers(len(_DEEDS), size=n)]
            sentences, ends = join(
                [(opening, 2), (first, sizes[0]), (middle, 3), (second, sizes[1]), (close, 3)]
            )
            sentences, ends = sentences.reshape(rows, subjects, -1), ends.reshape(rows, subjects)
            words, sizes = join([(sentences[:, k], ends[:, k]) for k in range(subjects)])
            if length is not None:
                sizes = np.minimum(sizes, length + 1)
            contents = [row[: k - 1].astype(np.int8).tobytes() for row, k in zip(words, sizes, strict=True)]
            return [words, sizes], contents

        words, sizes = accept(propose, split, batch_size, repr(self))
        words = self._inflect(rng, words, subjects)
        lengths = sizes - 1
        T = int(lengths.max())
        inside = np.arange(T)[:, None] < lengths
        x, y = np.where(inside, words.T[:T], 0), words.T[1 : T + 1].copy()
        scored = {"verb": _VERBS, "pronoun": _PRONOUNS, "agreement": _VERBS + _PRONOUNS}.get(self.score)
        mask = inside if scored is None else inside & np.isin(y, _words(scored))
        return Batch(x, y, mask, None if inside.all() else lengths)

    def _inflect(self, rng, words, subjects):
        """Draw the subjects and their attractors, and give verbs and pronouns the forms that follow."""
        drawn = rng.integers(len(_NOUN), size=(len(words), subjects))
        sentence = np.maximum(np.cumsum(words == _SUBJECT, 1) - 1, 0)
        subject = np.take_along_axis(drawn, sentence, 1)
        plural, feminine = subject // 4 % 2, subject // 8
        nouns = self._attractor_words
        attractor = nouns[subject, rng.integers(nouns.shape[1], size=words.shape)]
        verb = self.verb_words[plural]
        pronoun = self.pronoun_words[np.where(plural == 1, 2, feminine)]
        forms = {_ATTRACTOR: attractor, _SUBJECT: _NOUN[subject], _VERB: verb, _PRONOUN: pronoun}
        for code, form in forms.items():
            words = np.where(words == code, form, words)
        return words
