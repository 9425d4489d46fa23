"""Clouds and agreement: rows are parsed with rules written here, and the numbers are counted."""

import math
import re
from collections import Counter

import numpy as np
import pytest

from lstmcourse.tasks import Agreement, Clouds
from lstmcourse.tasks import clouds as grammar
from lstmcourse.tasks.phrases import Phrases


def texts(task, batch):
    """Rows as lists of words, the last target included."""
    ends = [len(batch.x)] * batch.x.shape[1] if batch.lengths is None else batch.lengths
    return [task.decode([*batch.x[:n, b], batch.y[n - 1, b]]).split() for b, n in enumerate(ends)]


def counted(task, batch):
    counts = np.bincount(batch.y[batch.mask], minlength=task.output_size)
    return counts / counts.sum()


def nats(p):
    p = np.asarray(p)
    return float(-(p[p > 0] * np.log(p[p > 0])).sum())


# Filler -----------------------------------------------------------------------------------------------------


def every_filling(groups, size):
    """All ways to fill a slot, as (words, probability), from the rule alone."""
    if size == 0:
        yield (), 1.0
        return
    fits = [(w, phrases) for w, phrases in groups if len(phrases[0].split()) <= size]
    total = sum(w for w, _ in fits)
    for w, phrases in fits:
        for phrase in phrases:
            words = tuple(phrase.split())
            for rest, p in every_filling(groups, size - len(words)):
                yield words + rest, w / total / len(phrases) * p


SMALL = ((1, ["a", "b"]), (2, ["c d", "d c", "d d"]), (3, ["e * f"]))


@pytest.mark.parametrize(("groups", "size"), [(SMALL, 0), (SMALL, 1), (SMALL, 5), (grammar._GROUPS, 5)])
def test_filler_has_the_stated_entropy_words_and_distribution(groups, size):
    vocabulary = sorted({w for _, phrases in groups for p in phrases for w in p.split()} - {"*"})
    phrases = Phrases(groups, {w: k for k, w in enumerate(vocabulary)}, "*" if groups is SMALL else "")
    found = list(every_filling(groups, size))
    assert len({words for words, _ in found}) == len(found)  # every text can be parsed in one way only
    p = np.array([p for _, p in found])
    assert p.sum() == pytest.approx(1)
    stars = sum(q * words.count("*") for words, q in found)
    assert phrases.nats(size, slot=2.0) == pytest.approx(nats(p) + 2.0 * stars)
    expected = Counter()
    for words, q in found:
        for w in words:
            expected[w] += q
    counts = phrases.words(size, len(vocabulary))
    assert counts[:-1] == pytest.approx([expected[w] for w in vocabulary]) and counts[-1] == pytest.approx(
        stars
    )
    drawn = phrases.fill(np.random.default_rng(0), np.full(20_000, size))
    assert drawn.shape == (20_000, size)
    names = dict(enumerate(vocabulary)) | {-1: "*"}
    seen = Counter(tuple(names[k] for k in row) for row in drawn.tolist())
    table = dict(found)
    assert set(seen) <= set(table)
    for words, n in seen.most_common(5):
        assert n / 20_000 == pytest.approx(table[words], abs=0.015)


# Clouds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [3, 4, 5, 6, 11, 40, (3, 12)])
def test_the_gap_is_the_number_of_words_between_country_and_language(gap):
    task, language = Clouds(gap=gap), dict(grammar.LANGUAGES)
    batch = task.batch(batch_size=300)
    gaps = set()
    for words in texts(task, batch):
        (country,) = [k for k, w in enumerate(words) if w in language]
        assert words[country - 4 : country] == "I grew up in".split() and country == 1 + 8 + 4
        assert words[-1] == language[words[country]]
        assert words[-4:-1] == "I speak fluent".split()
        between = words[country + 1 : -1]
        gaps.add(len(between))
        assert len(between) == 3 or between[0] == "."
        assert not set(between) & set(language.values())
    assert gaps == (set(range(3, 13)) if gap == (3, 12) else {gap})
    assert (batch.lengths is None) == isinstance(gap, int)


def test_the_answer_is_scored_and_nothing_else():
    task = Clouds(gap=(3, 9))
    batch = task.batch(batch_size=100)
    assert (batch.mask.argmax(0) == batch.lengths - 1).all() and (batch.mask.sum(0) == 1).all()
    assert np.isin(batch.y[batch.mask], task.language_words).all()


@pytest.mark.parametrize("split", ["train", "test"])
def test_countries_are_uniform_in_every_split_and_the_filler_gives_no_hint(split):
    task = Clouds(gap=8, countries=5)
    batch = task.batch(split, batch_size=6000)
    p = counted(task, batch)[task.language_words]
    assert abs(p - 0.2).max() < 0.025 and p.sum() == pytest.approx(1)
    assert nats(p) == pytest.approx(task.chance, abs=0.005) and task.chance == pytest.approx(math.log(5))
    for last in ("laughed", "right", "then"):  # what a word of the gap says of the answer
        has = (batch.x[-7:] == task.encode(last)[0]).any(0)
        q = np.bincount(batch.y[-1, has], minlength=task.output_size)[task.language_words]
        assert has.sum() > 100 and abs(q / q.sum() - 0.2).max() < 5 * (0.16 / has.sum()) ** 0.5


def test_countries_and_languages_are_in_one_order():
    task = Clouds(countries=12)
    pairs = zip(
        task.decode(task.country_words).split(), task.decode(task.language_words).split(), strict=True
    )
    assert tuple(pairs) == grammar.LANGUAGES
    words = task.thing_words, task.place_words
    pairs = zip(*(task.decode(w).split() for w in words), strict=True)
    assert tuple(pairs) == grammar.PLACES


def test_near_words_decide_the_sky():
    task, where = Clouds(kind="clouds"), dict(grammar.PLACES)
    batch = task.batch("test", batch_size=2000)
    for words in texts(task, batch):
        assert words[-6] == "the" and words[-4:-1] == "are in the".split() and words[-1] == where[words[-5]]
    assert batch.mask[-1].all() and batch.mask.sum() == 2000
    assert nats(counted(task, batch)) == pytest.approx(task.chance, abs=0.02) and task.chance == math.log(8)
    places = Clouds(gap=15, score="place")
    batch = places.batch("all", batch_size=3000)
    assert set(batch.y[batch.mask]) == set(places.place_words)
    assert batch.mask.sum() == np.isin(batch.y, places.place_words).sum() > 1000
    assert nats(counted(places, batch)) == pytest.approx(places.chance, abs=0.01)


@pytest.mark.parametrize(
    "task",
    [
        Clouds(gap=12, score="all"),
        Clouds(gap=(3, 9), lead=(0, 4), countries=3, score="all"),
        Clouds(kind="clouds", score="all"),
        Clouds(lead=1, score="all"),
    ],
    ids=repr,
)
def test_chance_of_all_words(task):
    batch = task.batch("all", batch_size=8000)
    assert batch.mask.sum() == (len(batch.x) * 8000 if batch.lengths is None else batch.lengths.sum())
    p = counted(task, batch)
    assert nats(p) == pytest.approx(task.chance, abs=0.01)
    assert p.max() == pytest.approx(task.chance_accuracy, abs=0.005)


def test_best_of_all_words_in_cases_reckoned_by_hand():
    # ". M I grew up in C . I speak fluent L": six markers, and of the rest only C is not determined
    assert Clouds(gap=4, lead=1, score="all").best == pytest.approx((math.log(6) + math.log(8)) / 11)
    # without lead and with gap 3 or 4: what is drawn is the country and the gap; rows have 9 or 10 targets
    task = Clouds(gap=(3, 4), lead=0, countries=4, score="all")
    assert task.best == pytest.approx((math.log(4) + math.log(2)) / 9.5)
    found = Counter(" ".join(words) for words in texts(task, task.batch("all", batch_size=4000)))
    assert len(found) == 8
    assert nats(np.array(list(found.values())) / 4000) / 9.5 == pytest.approx(task.best, abs=0.01)


def test_one_vocabulary_for_all_gaps_and_scores():
    assert Clouds().symbols == Clouds(gap=50, score="all").symbols == Clouds(kind="clouds").symbols
    assert len(set(Clouds().symbols)) == len(Clouds().symbols)


# Agreement --------------------------------------------------------------------------------------------------

LEXICON = {
    "king boy uncle monk": (-1, -1),
    "kings boys uncles monks": (-1, 1),
    "queen girl aunt nun": (1, -1),
    "queens girls aunts nuns": (1, 1),
}
FEATURES = {noun: features for nouns, features in LEXICON.items() for noun in nouns.split()}
SENTENCE = re.compile(r"the (\w+)((?: \w+)*?) (is|are) (\w+) and((?: \w+)*?) (he|she|they) (\w+) \.")


@pytest.mark.parametrize(
    "task",
    [
        Agreement(),
        Agreement(gap=0, subjects=1),
        Agreement(gap=(0, 7), subjects=2),
        Agreement(gap=6, attractors="opposite"),
        Agreement(gap=6, attractors="none"),
    ],
    ids=repr,
)
def test_verbs_and_pronouns_agree_with_their_subject(task):
    batch = task.batch(batch_size=150)
    gaps, attractors = set(), Counter()
    for words in texts(task, batch):
        found = SENTENCE.findall(" ".join(words))
        assert len(found) == task.subjects and len(re.sub(SENTENCE, "", " ".join(words)).strip()) == 0
        for subject, first, verb, _, second, pronoun, _ in found:
            gender, number = FEATURES[subject]
            assert verb == ("are" if number > 0 else "is")
            assert pronoun == ("they" if number > 0 else "she" if gender > 0 else "he")
            gaps |= {len(first.split()), len(second.split())}
            for noun in set((first + second).split()) & set(FEATURES):
                attractors[(FEATURES[noun][0] == gender, FEATURES[noun][1] == number)] += 1
    assert gaps == (set(range(8)) if task.gap == (0, 7) else {task.gap})
    kinds = {
        "any": {(a, b) for a in (True, False) for b in (True, False)},
        "opposite": {(False, False)},
        "none": set(),
    }
    assert set(attractors) == (kinds[task.attractors] if task.gap else set())


def test_annotations_are_those_of_a_plain_reading():
    task = Agreement(gap=(0, 7))
    batch = task.batch(batch_size=60)
    notes = task.annotate(batch.x)
    assert all(v.shape == batch.x.shape for v in notes.values())
    for b, n in enumerate(batch.lengths):
        gender = number = 0
        fresh = True
        for t, word in enumerate(task.decode(batch.x[:n, b]).split()):
            noun = word in FEATURES
            subject = noun and fresh
            if subject:
                gender, number = FEATURES[word]
            fresh = (fresh and not noun) or word == "."
            assert (notes["gender"][t, b], notes["number"][t, b]) == (gender, number)
            assert notes["is_subject"][t, b] == subject
            assert notes["is_attractor"][t, b] == (noun and not subject)
            assert notes["is_verb"][t, b] == (word in ("is", "are"))
            assert notes["is_pronoun"][t, b] == (word in ("he", "she", "they"))


def test_annotations_do_not_look_ahead():
    task = Agreement()
    x = task.batch(batch_size=8).x
    whole, part = task.annotate(x), task.annotate(x[:17])
    assert all(np.array_equal(whole[k][:17], part[k]) for k in whole)


@pytest.mark.parametrize("split", ["all", "test"])
@pytest.mark.parametrize("score", ["agreement", "verb", "pronoun", "all"])
def test_agreement_chance(split, score):
    task = Agreement(gap=4, score=score)
    batch = task.batch(split, batch_size=3000)
    p = counted(task, batch)
    assert nats(p) == pytest.approx(task.chance, abs=0.02)
    assert p.max() == pytest.approx(task.chance_accuracy, abs=0.015)
    assert batch.mask.sum() == {"agreement": 6, "verb": 3, "pronoun": 3, "all": 47}[score] * 3000


def test_attractors_tell_nothing_so_class_chance_is_the_floor_without_the_subject():
    task = Agreement(gap=7)
    batch = task.batch("all", batch_size=4000)
    notes = task.annotate(batch.x)
    last = np.zeros(batch.x.shape[1], int)  # the latest attractor, 0 before the first
    joint = {"verb": Counter(), "pronoun": Counter()}
    for t in range(len(batch.x)):
        last = np.where(notes["is_subject"][t], 0, np.where(notes["is_attractor"][t], batch.x[t], last))
        for kind, words in (("verb", task.verb_words), ("pronoun", task.pronoun_words)):
            hit = batch.mask[t] & np.isin(batch.y[t], words)
            joint[kind].update(zip(last[hit].tolist(), batch.y[t, hit].tolist(), strict=True))
    for kind, counts in joint.items():
        total = sum(counts.values())
        seen = Counter()
        for (attractor, _), n in counts.items():
            seen[attractor] += n
        given = nats(np.array(list(counts.values())) / total) - nats(np.array(list(seen.values())) / total)
        assert given == pytest.approx(Agreement(score=kind).class_chance, abs=0.01)
    assert task.class_chance == pytest.approx((math.log(2) + 1.5 * math.log(2)) / 2)
    assert Agreement(score="all").class_chance is None


def test_agreement_best_of_all_words_in_cases_reckoned_by_hand():
    ln = math.log
    # the SUBJECT is MOOD and he DEED . : 16 subjects, 8 moods, 8 deeds, seven targets
    assert Agreement(gap=0, subjects=1, score="all").best == pytest.approx((ln(16) + 2 * ln(8)) / 7)
    # one word in each slot: four adverbs
    assert Agreement(gap=1, subjects=1, score="all").best == pytest.approx(
        (ln(16) + 2 * ln(8) + 2 * ln(4)) / 9
    )
    # three words: three adverbs, or "near the N" with weight 4 to 1; "near the old N" does not fit
    slot = nats([0.2, 0.8]) + 0.2 * 3 * ln(4) + 0.8 * (ln(4) + ln(16))
    assert Agreement(gap=3, subjects=1, score="all").best == pytest.approx(
        (ln(16) + 2 * ln(8) + 2 * slot) / 13
    )
    drawn = {
        a: Agreement(gap=3, subjects=1, attractors=a, score="all").best for a in ("any", "opposite", "none")
    }
    assert drawn["any"] - drawn["none"] == pytest.approx(2 * 0.8 * ln(4) / 13)
    assert drawn["opposite"] == drawn["none"]


def test_rows_of_agreement_can_be_cut_at_any_length():
    task = Agreement(gap=(0, 3), score="all")
    batch = task.batch(batch_size=20, length=101)
    assert batch.x.shape == (101, 20) and batch.lengths is None and batch.mask.all()
    assert (batch.x[1:] == batch.y[:-1]).all()
