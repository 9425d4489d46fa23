"""`Translation`: English into French by a grammar, with the words that each French word stands for."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..checks import given, text
from .base import accept, entropy, span
from .pairs import END, Pairs, Transduction

# The lexicon: English, plural; French, plural; gender.
_NOUNS = """
house houses maison maisons f | cat cats chat chats m | dog dogs chien chiens m | car cars voiture voitures f
book books livre livres m | table tables table tables f | garden gardens jardin jardins m
cow cows vache vaches f | duck ducks canard canards m | hen hens poule poules f | hotel hotels hôtel hôtels m
city cities ville villes f | tree trees arbre arbres m | school schools école écoles f
bird birds oiseau oiseaux m | owl owls hibou hiboux m | star stars étoile étoiles f
horse horses cheval chevaux m | apple apples pomme pommes f | wolf wolves loup loups m
island islands île îles f | church churches église églises f
"""
# Adjectives before the noun: masculine, before a vowel, feminine; their plurals. Those after it need no form
# for vowels.
_BEFORE = """
small petit petit petite petits petites | big grand grand grande grands grandes
bad mauvais mauvais mauvaise mauvais mauvaises | pretty joli joli jolie jolis jolies
old vieux vieil vieille vieux vieilles
"""
_AFTER = """
red rouge rouge rouges rouges | black noir noire noirs noires | green vert verte verts vertes
blue bleu bleue bleus bleues | white blanc blanche blancs blanches | heavy lourd lourde lourds lourdes
famous célèbre célèbre célèbres célèbres | round rond ronde ronds rondes
"""
# English, plural; French masculine, feminine, both before a vowel, plural, plural before a vowel. The last
# row stands for "a", "some" and "any" where French has de: see `_noun_phrase`.
_DETERMINERS = """
the the le la l' l' les les | a some un une un une des des | this these ce cette cet cette ces ces
my my mon ma mon mon mes mes | a any de de d' d' de d'
"""
_VERBS = """
sees see voit voient | eats eat mange mangent | likes like aime aiment | looks_for look_for cherche cherchent
takes take prend prennent | follows follow suit suivent | hears hear entend entendent
"""
_PREPOSITIONS = "in dans | under sous | behind derrière | in_front_of devant | on sur"
_CONJUNCTIONS = "and et | but mais | because parce_que"
_ASPIRATED = ("hibou", "hiboux")  # an h that is a consonant

_PLURAL, _BEFORE_SHARE, _AFTER_SHARE, _PLACE, _NOT = 0.4, 0.35, 0.5, 0.25, 0.3


def _table(text: str) -> list[list[str]]:
    """Rows of a lexicon."""
    return [row.split() for line in text.strip().splitlines() for row in line.split("|")]


def _words_of(*columns) -> tuple[str, ...]:
    """The vocabulary of these words, the end first."""
    return (END, *dict.fromkeys(w for column in columns for words in column for w in words.split("_")))


def _columns(text: str, *columns: int) -> list[str]:
    return [row[c] for row in _table(text) for c in columns]


ENGLISH = _words_of(
    _columns(_DETERMINERS, 0, 1),
    ["an", "do", "does", "not"],
    *(_columns(t, 0) for t in (_BEFORE, _AFTER, _CONJUNCTIONS, _PREPOSITIONS)),
    *(_columns(t, 0, 1) for t in (_VERBS, _NOUNS)),
)
FRENCH = _words_of(
    _columns(_DETERMINERS, *range(2, 8)),
    ["ne", "n'", "pas", "qu'"],
    _columns(_CONJUNCTIONS, 1),
    _columns(_BEFORE, 1, 2, 3, 4, 5),
    _columns(_AFTER, 1, 2, 3, 4),
    _columns(_PREPOSITIONS, 1),
    *(_columns(t, 2, 3) for t in (_VERBS, _NOUNS)),
)
_EN, _FR = ({w: k for k, w in enumerate(words)} for words in (ENGLISH, FRENCH))
_ABSENT = -1


def _codes(text: str, index: dict[str, int], columns: range, width: int = 1) -> np.ndarray:
    """Symbols ``(rows, columns, width)`` of a lexicon; a form of fewer words is filled with -1."""
    forms = [[[index[w] for w in row[c].split("_")] for c in columns] for row in _table(text)]
    filled = [[form + [_ABSENT] * (width - len(form)) for form in row] for row in forms]
    return np.array(filled) if width > 1 else np.array(filled)[..., 0]


_NOUN_EN, _NOUN_FR = _codes(_NOUNS, _EN, range(2)), _codes(_NOUNS, _FR, range(2, 4))
_FEMININE = np.array([row[4] == "f" for row in _table(_NOUNS)], np.int64)
_BEFORE_EN, _BEFORE_FR = _codes(_BEFORE, _EN, range(1))[:, 0], _codes(_BEFORE, _FR, range(1, 6))
_AFTER_EN, _AFTER_FR = _codes(_AFTER, _EN, range(1))[:, 0], _codes(_AFTER, _FR, range(1, 5))
_DET_EN, _DET_FR = _codes(_DETERMINERS, _EN, range(2)), _codes(_DETERMINERS, _FR, range(2, 8))
_VERB_EN, _VERB_FR = _codes(_VERBS, _EN, range(2), 2), _codes(_VERBS, _FR, range(2, 4))
_PLACE_EN, _PLACE_FR = (
    _codes(_PREPOSITIONS, _EN, range(1), 3)[:, 0],
    _codes(_PREPOSITIONS, _FR, range(1, 2))[:, 0],
)
_JOIN_EN, _JOIN_FR = (
    _codes(_CONJUNCTIONS, _EN, range(1))[:, 0],
    _codes(_CONJUNCTIONS, _FR, range(1, 2), 2)[:, 0],
)
_OPEN_EN = np.array([w[0] in "aeiou" for w in ENGLISH])  # words that a stands as an before
_OPEN_FR = np.array(
    [w[0] in "aeiouéîh" and w not in _ASPIRATED for w in FRENCH]
)  # that words are elided before
_A, _DE = 1, 4  # rows of the determiners


@dataclass(frozen=True)
class Translation(Transduction):
    """English sentences and their French translations, word by word and in French order.

    A clause is ``SUBJECT [preposition PLACE] [does not] VERB OBJECT``; up to `clauses` of them are joined by
    and, but, because. A noun phrase is a determiner, at most one adjective of each of two kinds, and a noun.
    French asks for more than a word for each word:

    - determiners and adjectives agree with the noun in gender and number, verbs with the head of the subject
      and not with the noun beside them ("the wolf behind the houses sees");
    - adjectives of one kind follow the noun: a small red house, une petite maison rouge;
    - before a vowel, and before the mute h of hôtel but not the h of hibou, le and la, ne, que and de are
      elided (l', n', qu', d'), and ce, ma and vieux become cet, mon and vieil;
    - not is ne ... pas; under it the object's "a" and "any" are de: does not see a cat, ne voit pas de chat;
    - "some" is des, but de before an adjective: some old owls, de vieux hiboux;
    - one word may stand for several and several for one: looks for, cherche; because, parce que.

    The grammar is the course's own. What the sentences say is nonsense. Words are separated by spaces, also
    after an apostrophe.

    `chance` is the entropy of the French words' frequencies, `without_source` the loss of the best decoder
    that knows the grammar but sees no English; both are computed from the grammar. English determines the
    French, so the best loss is 0. Splits: by a hash of the English sentence, so that none occurs in two.

    Parameters
    ----------
    clauses : int or (int, int)
        Clauses of a sentence; a pair is a range, uniform. Sentences with more clauses than a model was
        trained on are another task with the same vocabularies.

    Notes
    -----
    In `Pairs.alignment` every word but the end is aligned; "do" and "does" with the verb, "not" with ne and
    pas.

    Examples
    --------
    >>> task = Translation(clauses=(1, 3))
    >>> len(task.symbols), len(task.target_symbols), round(task.chance, 3), round(task.without_source, 3)
    (93, 135, 4.6..., 2.4...)
    >>> task.translate("an old owl does not see any trees because the white horses follow a hen")
    "un vieux hibou ne voit pas d' arbres parce que les chevaux blancs suivent une poule"
    """

    name: ClassVar[str] = "translation"
    joiner: ClassVar[str] = " "

    clauses: int | tuple[int, int] = (1, 2)

    def __post_init__(self):
        span(self, "clauses", 1)

    @property
    def symbols(self) -> tuple[str, ...]:
        """English words; the first is no word, and stands in padding."""
        return ENGLISH

    @property
    def target_symbols(self) -> tuple[str, ...]:
        """French words, the end first."""
        return FRENCH

    # One sentence -------------------------------------------------------------------------------------------

    @given(sentence=text)
    def translate(self, sentence: str) -> str:
        """Return the French of an English sentence of this grammar, with any number of clauses.

        Raises
        ------
        ValueError
            For a sentence that the grammar does not have, with the nearest one that it has where only
            agreement fails.

        Examples
        --------
        >>> task = Translation()
        >>> task.translate("this owls like the hotel")
        Traceback (most recent call last):
            ...
        ValueError: 'this owls like the hotel' is no sentence of this grammar: write 'these owls like ...'
        >>> task.translate("these owls like the hotel")
        "ces hiboux aiment l' hôtel"
        """
        _, target = _sentences(*_parsed(sentence))
        return self.decode_target(target.words[:, 0])

    @given(sentence=text)
    def alignment(self, sentence: str) -> np.ndarray:
        """Say which English words each word of the translation stands for.

        Returns
        -------
        ndarray
            ``(French words, English words)`` bool.

        Examples
        --------
        >>> Translation().alignment("a hen does not look for the red car").astype(int)
        array([[1, 0, 0, 0, 0, 0, 0, 0, 0],
               [0, 1, 0, 0, 0, 0, 0, 0, 0],
               [0, 0, 0, 1, 0, 0, 0, 0, 0],
               [0, 0, 1, 0, 1, 1, 0, 0, 0],
               [0, 0, 0, 1, 0, 0, 0, 0, 0],
               [0, 0, 0, 0, 0, 0, 1, 0, 0],
               [0, 0, 0, 0, 0, 0, 0, 0, 1],
               [0, 0, 0, 0, 0, 0, 0, 1, 0]])
        """
        source, target = _sentences(*_parsed(sentence))
        return _aligned(source, target)[:-1, :, 0]

    # What is known of it ------------------------------------------------------------------------------------

    @property
    def chance(self) -> float:
        """Entropy of the French words' frequencies."""
        return entropy(self._frequencies())

    @property
    def chance_accuracy(self) -> float:
        """Share of the most frequent French word."""
        p = self._frequencies()
        return float(p.max() / p.sum())

    @property
    def without_source(self) -> float:
        """Loss of a decoder that knows the grammar and the French so far, but sees no English.

        Every choice can be read off the French sentence, so this is the entropy of the choices for each word
        that is predicted.
        """
        lo, hi = span(self, "clauses", 1)
        noun = math.log(len(_NOUN_EN)) + entropy([_PLURAL, 1 - _PLURAL]) + math.log(_DE)
        noun += _entropy_of(_BEFORE_SHARE, len(_BEFORE_EN)) + _entropy_of(_AFTER_SHARE, len(_AFTER_EN))
        clause = (2 + _PLACE) * noun + _entropy_of(_PLACE, len(_PLACE_EN)) + math.log(len(_VERB_EN))
        clause += entropy([_NOT, 1 - _NOT])
        mean = (lo + hi) / 2
        nats = math.log(hi - lo + 1) + mean * clause + (mean - 1) * math.log(len(_JOIN_EN))
        return nats / float(self._frequencies().sum())

    def _frequencies(self) -> np.ndarray:
        """Expected number of each French word in a sentence, its end included."""
        lo, hi = span(self, "clauses", 1)
        mean = (lo + hi) / 2
        affirmed, opens = _expected_phrase(negated=False)
        denied, _ = _expected_phrase(negated=True)
        clause = (1 + _PLACE + 1 - _NOT) * affirmed + _NOT * denied
        np.add.at(clause, _PLACE_FR, _PLACE / len(_PLACE_FR))
        for number, share in enumerate((1 - _PLURAL, _PLURAL)):
            verbs = _VERB_FR[:, number]
            np.add.at(clause, verbs, share / len(verbs))
            np.add.at(clause, np.where(_OPEN_FR[verbs], _FR["n'"], _FR["ne"]), _NOT * share / len(verbs))
        clause[_FR["pas"]] += _NOT
        join = np.zeros(len(FRENCH))
        np.add.at(join, _JOIN_FR[_JOIN_FR >= 0], 1 / len(_JOIN_FR))
        join[_FR["qu'"]] = join[_FR["que"]] * opens
        join[_FR["que"]] *= 1 - opens
        total = mean * clause + (mean - 1) * join
        total[0] = 1
        return total

    # Streams ------------------------------------------------------------------------------------------------

    def _draw(self, rng, split, batch_size, length, dtype):
        lo, hi = span(self, "clauses", 1)

        def propose(rows):
            choices, clauses = _drawn(rng, rows, lo, hi)
            used = choices.astype(np.int8)
            return [choices, clauses], [row[:n].tobytes() for row, n in zip(used, clauses, strict=True)]

        source, target = _sentences(*accept(propose, split, batch_size, repr(self)))
        aligned = _aligned(source, target)
        return Pairs(source.words, target.words, source.lengths, target.lengths, aligned.swapaxes(1, 2))


# Choices ----------------------------------------------------------------------------------------------------

# What is chosen for a clause: a conjunction; three noun phrases (subject, place, object) of noun, plural,
# determiner, adjective before and after (0: none); a preposition (0: no place), a verb, whether negated.
_PHRASE = 5


def _drawn(rng: np.random.Generator, rows: int, lo: int, hi: int) -> tuple[np.ndarray, np.ndarray]:
    """Choices ``(rows, hi, 19)``, all independent, 0 where they are of no use, and numbers of clauses."""

    def some(share, kinds, *shape):  # 1 ... kinds with this probability in all, else 0
        u = rng.random((rows, hi, *shape))
        return np.where(u < share, 1 + (u / share * kinds).astype(np.int64), 0)

    one = lambda kinds, *shape: rng.integers(kinds, size=(rows, hi, *shape))
    nouns, plural, determiner = one(len(_NOUN_EN), 3), some(_PLURAL, 1, 3), one(_DE, 3)
    before, after = some(_BEFORE_SHARE, len(_BEFORE_EN), 3), some(_AFTER_SHARE, len(_AFTER_EN), 3)
    phrases = np.stack([nouns, plural, determiner, before, after], -1)
    join, place = one(len(_JOIN_EN)), some(_PLACE, len(_PLACE_EN))
    join[:, 0] = 0
    phrases[:, :, 1][place == 0] = 0
    rest = [place, one(len(_VERB_EN)), some(_NOT, 1)]
    choices = np.concatenate([join[..., None], phrases.reshape(rows, hi, -1), np.stack(rest, -1)], -1)
    clauses = rng.integers(lo, hi + 1, rows)
    choices[np.arange(hi) >= clauses[:, None]] = 0
    return choices, clauses


def _entropy_of(share: float, kinds: int) -> float:
    """Entropy of something that is there with a probability, and then one of some kinds alike."""
    return entropy([share, 1 - share]) + share * math.log(kinds)


def _expected_phrase(negated: bool) -> tuple[np.ndarray, float]:
    """Expected number of each French word in a noun phrase, and how often its first one is elided before."""
    sizes = (len(_NOUN_EN), 2, _DE, 1 + len(_BEFORE_EN), 1 + len(_AFTER_EN))
    every = np.indices(sizes).reshape(len(sizes), -1)
    p = np.full(every.shape[1], 1 / len(_NOUN_EN) / _DE)
    p *= np.where(every[1] == 1, _PLURAL, 1 - _PLURAL)
    for k, share in ((3, _BEFORE_SHARE), (4, _AFTER_SHARE)):
        p *= np.where(every[k] > 0, share / (sizes[k] - 1), 1 - share)
    _, columns = _noun_phrase(every.T, np.full(every.shape[1], negated))
    words = np.stack([words for words, _ in columns])
    counts = np.zeros(len(FRENCH))
    np.add.at(counts, words[words >= 0], np.broadcast_to(p, words.shape)[words >= 0])
    return counts, float(p[_OPEN_FR[words[0]]].sum())


# From choices to words --------------------------------------------------------------------------------------

# A sentence is built from columns: the words of all rows at one place of the grammar, -1 where a row has
# none, and the number of the idea that they stand for. Words of the two languages with one idea are aligned.


@dataclass(frozen=True)
class _Side:
    words: np.ndarray  # (T, B), padded with 0
    ideas: np.ndarray  # (T, B)
    lengths: np.ndarray  # (B,)


def _noun_phrase(choice: np.ndarray, negated: np.ndarray):
    """Columns of both languages, for choices ``(B, 5)`` and whether this is the object of a negated verb."""
    noun, plural, determiner, before, after = choice.T
    de_en = (determiner == _A) & negated
    de_fr = de_en | (determiner == _A) & (plural == 1) & (before > 0)
    feminine = _FEMININE[noun]
    nouns = _NOUN_FR[noun, plural]
    form = np.where(plural == 1, 3 + feminine, np.where(feminine == 1, 2, _OPEN_FR[nouns]))
    before_fr = np.where(before > 0, _BEFORE_FR[before - 1, form], _ABSENT)
    after_fr = np.where(after > 0, _AFTER_FR[after - 1, 2 * plural + feminine], _ABSENT)
    opens = _OPEN_FR[np.where(before > 0, before_fr, nouns)]
    form = np.where(plural == 1, 4 + opens, 2 * opens + feminine)
    french = [_DET_FR[np.where(de_fr, _DE, determiner), form], before_fr, nouns, after_fr]
    before_en = np.where(before > 0, _BEFORE_EN[before - 1], _ABSENT)
    after_en = np.where(after > 0, _AFTER_EN[after - 1], _ABSENT)
    english = [before_en, after_en, _NOUN_EN[noun, plural]]
    first = np.where(before > 0, before_en, np.where(after > 0, after_en, english[2]))
    article = _DET_EN[np.where(de_en, _DE, determiner), plural]
    article = np.where((article == _EN["a"]) & _OPEN_EN[first], _EN["an"], article)
    return [*zip([article, *english], (0, 1, 2, 3), strict=True)], [*zip(french, (0, 1, 3, 2), strict=True)]


def _clause(choice: np.ndarray):
    """Columns of both languages for the choices ``(B, 19)`` of a clause, without its conjunction."""
    phrases = choice[:, 1 : 1 + 3 * _PHRASE].reshape(-1, 3, _PHRASE)
    place, verb, negated = choice[:, -3:].T
    english, french = [], []

    def add(idea, en, fr):
        english.extend((words, idea + k) for words, k in en)
        french.extend((words, idea + k) for words, k in fr)

    def only(where, columns):
        return [(np.where(where, words, _ABSENT), k) for words, k in columns]

    affirmed = np.zeros(len(choice), bool)
    add(0, *_noun_phrase(phrases[:, 0], affirmed))
    prepositions = [(_PLACE_EN[place - 1, k], 0) for k in range(_PLACE_EN.shape[1])]
    add(4, only(place > 0, prepositions), only(place > 0, [(_PLACE_FR[place - 1], 0)]))
    add(5, *(only(place > 0, columns) for columns in _noun_phrase(phrases[:, 1], affirmed)))
    plural, no = phrases[:, 0, 1], negated == 1
    conjugated = _VERB_FR[verb, plural]
    ne = np.where(_OPEN_FR[conjugated], _FR["n'"], _FR["ne"])
    do = np.where(plural == 1, _EN["do"], _EN["does"])
    verb_en = _VERB_EN[verb, np.where(no, 1, plural)]
    auxiliary = only(no, [(do, 0), (np.full(len(do), _EN["not"]), 1)])
    add(
        9,
        [*auxiliary, (verb_en[:, 0], 0), (verb_en[:, 1], 0)],
        [*only(no, [(ne, 1)]), (conjugated, 0), *only(no, [(np.full(len(do), _FR["pas"]), 1)])],
    )
    add(11, *_noun_phrase(phrases[:, 2], no))
    return english, french


def _sentences(choices: np.ndarray, clauses: np.ndarray) -> tuple[_Side, _Side]:
    """English and French of choices ``(B, clauses, 19)``, as many clauses of each row as asked for."""
    english, french = [], []
    for k in range(choices.shape[1]):
        there = k < clauses
        pieces = _clause(choices[:, k])
        if k:
            join = choices[:, k, 0]
            but_last = [(_JOIN_EN[join], 15)], [(_JOIN_FR[join, 0], 15)]
            que, opens = _JOIN_FR[join, 1], _OPEN_FR[pieces[1][0][0]]
            but_last[1].append((np.where((que >= 0) & opens, _FR["qu'"], que), 15))
            pieces = tuple(joined + piece for joined, piece in zip(but_last, pieces, strict=True))
        for side, piece in zip((english, french), pieces, strict=True):
            side.extend((np.where(there, words, _ABSENT), 16 * k + idea) for words, idea in piece)
    french.append((np.zeros(len(clauses), np.int64), 16 * choices.shape[1]))
    return _side(english), _side(french)


def _side(columns) -> _Side:
    """Close up the columns, row by row."""
    words = np.stack([words for words, _ in columns])
    ideas = np.broadcast_to(np.array([idea for _, idea in columns])[:, None], words.shape)
    order = np.argsort(words < 0, axis=0, kind="stable")
    lengths = (words >= 0).sum(0)
    words, ideas = (np.take_along_axis(a, order, 0)[: lengths.max()] for a in (words, ideas))
    return _Side(np.maximum(words, 0), np.where(words >= 0, ideas, _ABSENT), lengths)


def _aligned(source: _Side, target: _Side) -> np.ndarray:
    """Which words have one idea: ``(T, S, B)``."""
    return (target.ideas[:, None] == source.ideas) & (source.ideas >= 0)


# From words to choices --------------------------------------------------------------------------------------


def _any(words, group: str) -> str:
    return f"(?P<{group}>{'|'.join(words)})"


def _phrase_pattern(k: int) -> str:
    """What a noun phrase looks like, whether it agrees or not."""
    determiners = dict.fromkeys(["an", *_columns(_DETERMINERS, 0, 1)])
    before, after, nouns = _columns(_BEFORE, 0), _columns(_AFTER, 0), _columns(_NOUNS, 0, 1)
    return f"{_any(determiners, f'd{k}')} (?:{_any(before, f'b{k}')} )?(?:{_any(after, f'a{k}')} )?" + _any(
        nouns, f"n{k}"
    )


_JOINS, _PLACES, _ACTS = (
    [w.replace("_", " ") for w in words]
    for words in (_columns(_CONJUNCTIONS, 0), _columns(_PREPOSITIONS, 0), _columns(_VERBS, 0, 1))
)
_CLAUSE = re.compile(
    f"(?:{_any(_JOINS, 'join')} )?{_phrase_pattern(0)} (?:{_any(_PLACES, 'place')} {_phrase_pattern(1)} )?"
    f"(?P<not>do not |does not )?{_any(_ACTS, 'verb')} {_phrase_pattern(2)}(?: |$)"
)


def _parsed(sentence: str) -> tuple[np.ndarray, np.ndarray]:
    """Choices and the number of clauses of one English sentence."""
    text, at, rows = " ".join(sentence.split()), 0, []
    wrong = f"{sentence!r} is no sentence of this grammar: "
    while at < len(text) or not rows:
        found = _CLAUSE.match(text, at)
        if found is None or (found["join"] is None) != (not rows):
            rest = text[at:].split() or [""]
            raise ValueError(
                f"{wrong}{rest[0]!r} does not begin a clause, which is [and|but|because] "
                "DET [adjective] [adjective] NOUN [preposition DET NOUN] [do|does not] VERB DET NOUN"
            )
        rows.append(_chosen(found))
        at = found.end()
    choices, clauses = np.array([rows]), np.array([len(rows)])
    source, _ = _sentences(choices, clauses)
    meant = " ".join(ENGLISH[k] for k in source.words[:, 0])
    if meant != text:
        raise ValueError(f"{wrong}write {meant!r}")
    return choices, clauses


def _chosen(found: re.Match) -> list[int]:
    """Choices of a clause."""
    place = lambda words, name: words.index(found[name]) if found[name] else -1
    row = [max(place(_JOINS, "join"), 0)]
    before, after, nouns = _columns(_BEFORE, 0), _columns(_AFTER, 0), _columns(_NOUNS, 0, 1)
    determiners = _table(_DETERMINERS)
    for k in range(3):
        if found[f"n{k}"] is None:
            row += [0] * _PHRASE
            continue
        noun = nouns.index(found[f"n{k}"])
        word = {"an": "a"}.get(found[f"d{k}"], found[f"d{k}"])
        determiner = next(i for i, r in enumerate(determiners) if word in r[:2])
        determiner = _A if determiner == _DE else determiner  # any is what some becomes
        row += [noun // 2, noun % 2, determiner, place(before, f"b{k}") + 1, place(after, f"a{k}") + 1]
    return [*row, place(_PLACES, "place") + 1, place(_ACTS, "verb") // 2, int(found["not"] is not None)]
