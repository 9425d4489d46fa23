"""Pronunciation, dates, scenes, and the measures of what was written, each against a reader of its own."""

import datetime
import json
import re
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from lstmcourse.errors import ShapeError, UnknownNameError
from lstmcourse.tasks import Dates, MissingPackageError, Pronunciation, Scenes, bleu, error_rate, split_of
from lstmcourse.tasks.pairs import until_end

REFERENCE = json.loads((Path(__file__).parents[1] / "data" / "bleu.json").read_text(encoding="utf-8"))


def nats(p):
    p = np.asarray(p, float)
    p = p[p > 0] / p.sum()
    return float(-(p * np.log(p)).sum())


def counted(task, batch):
    return np.bincount(batch.target[batch.mask], minlength=task.output_size)


# Measures


@pytest.mark.parametrize("order", [2, 4])
@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["hypotheses"][0][:20])
def test_bleu_is_that_of_sacrebleu(case, order):
    sides = [[text.split() for text in case[side]] for side in ("hypotheses", "references")]
    assert bleu(*sides, order=order) == pytest.approx(case["bleu"][str(order)], abs=1e-9)


def test_error_rate_counts_the_fewest_edits():
    assert error_rate([list("kitten")], [list("sitting")]) == 3 / 7
    assert error_rate(["", "abc"], ["ab", "abc"]) == 2 / 5
    assert error_rate([[1, 2, 3, 4]], [[2]]) == 3.0

    def edits(a, b):  # by the definition, without a table
        if not a or not b:
            return len(a) + len(b)
        return min(edits(a[1:], b) + 1, edits(a, b[1:]) + 1, edits(a[1:], b[1:]) + (a[0] != b[0]))

    rng = np.random.default_rng(0)
    for _ in range(20):
        a, b = (rng.integers(3, size=rng.integers(1, 6)).tolist() for _ in range(2))
        assert error_rate([a], [b]) == edits(a, b) / len(b)


@pytest.mark.parametrize("measure", [bleu, error_rate])
@pytest.mark.parametrize("sides", [([], []), ([["a"]], []), ([["a"]], [["a"], ["b"]])])
def test_measures_refuse_what_does_not_match(measure, sides):
    with pytest.raises(ValueError, match=f"{len(sides[0])} hypotheses, {len(sides[1])} references"):
        measure(*sides)


def test_measures_refuse_what_gives_no_number():
    with pytest.raises(ValueError, match="references are empty"):
        error_rate([["a"]], [[]])
    with pytest.raises(ValueError, match="order=0"):
        bleu([["a"]], [["a"]], order=0)


# Pronunciation


def test_pronunciations_are_those_of_the_file_and_words_with_one_start_are_in_one_split():
    task, lines = Pronunciation(stress=True), {}
    path = Path(sys.modules["lstmcourse.tasks.data"].__file__).with_name("cmudict.txt")
    for line in path.read_text(encoding="ascii").splitlines():
        word, _, rest = line.partition(" ")
        lines[word] = rest
    starts = {}
    for split in ("train", "validation", "test"):
        words = set(task.words(split))
        for word in words:
            assert starts.setdefault(word[:4], split) == split
        for word, phonemes in task.texts(task.batch(split, batch_size=300)):
            assert lines[word] == phonemes and word in words
            assert Pronunciation().pronounce(word) == re.sub(r"\d", "", phonemes)
    assert sorted(sum((task.words(s) for s in ("train", "validation", "test")), ())) == sorted(lines)


@pytest.mark.parametrize("stress", [True, False])
def test_frequencies_of_phonemes(stress):
    task = Pronunciation(stress=stress)
    p = counted(task, task.batch("all", batch_size=20_000))
    assert nats(p) == pytest.approx(task.chance, abs=0.01)
    assert p.max() / p.sum() == pytest.approx(task.chance_accuracy, abs=0.003)
    assert p.argmax() == 0  # of all symbols the end is the most frequent


def test_words_that_are_not_there_are_refused():
    with pytest.raises(UnknownNameError, match=r"'olah' is not among the 19,617"):
        Pronunciation().pronounce("olah")
    with pytest.raises(UnknownNameError, match="did you mean 'train'"):
        Pronunciation().words("trian")
    with pytest.raises(TypeError, match="stress=1"):
        Pronunciation(stress=1)


# Dates


def test_dates_are_read_back_by_datetime():
    task = Dates(locales=("en_US", "en_GB"))
    formats = (
        "%A, %B %d, %Y",
        "%B %d, %Y",
        "%b %d, %Y",
        "%A %d %B %Y",
        "%A, %d %B %Y",
        "%d %B %Y",
        "%d %b %Y",
    )
    for text, iso in task.texts(task.batch(batch_size=300)):
        found = set()
        for form in formats:
            try:
                found.add(datetime.datetime.strptime(text.replace("Sept ", "Sep "), form).date())
            except ValueError:
                continue
        assert found == {datetime.date.fromisoformat(iso)}, text


def test_no_text_stands_for_two_dates():
    task, meant = Dates(), {}
    day = datetime.date(2011, 1, 1)
    while day.year == 2011:
        if day.day in (1, 2, 3, 11, 12, 28):
            for locale in task.locales:
                for style in ("full", "long", "medium"):
                    text = task.write(day, locale, style)
                    assert meant.setdefault(text, day) == day, text
                    assert set(text) <= set(task.alphabet)
        day += datetime.timedelta(1)
    assert len(meant) > 27 * 72


def test_a_date_is_in_one_split_in_all_languages():
    task = Dates()
    found = {s: {iso for _, iso in task.texts(task.batch(s, batch_size=300))} for s in ("train", "test")}
    assert not found["train"] & found["test"]
    assert all(split_of(iso.encode()) == split for split, dates in found.items() for iso in dates)
    assert {len(iso) for iso in found["test"]} == {10}


def test_chance_of_dates_by_counting():
    task = Dates(first=1999, last=2001, locales=("en_US",))
    days = [datetime.date(1999, 1, 1) + datetime.timedelta(k) for k in range(365 + 366 + 365)]
    places = [np.unique([d.isoformat()[k] for d in days], return_counts=True)[1] for k in range(10)]
    assert task.chance == pytest.approx(sum(map(nats, places)) / 11)
    assert task.chance_accuracy == pytest.approx((sum(p.max() / p.sum() for p in places) + 1) / 11)
    batch = task.batch("all", batch_size=4000)
    drawn = [np.bincount(row) for row in batch.target]
    assert np.mean([nats(p) for p in drawn]) == pytest.approx(task.chance, abs=0.01)


def test_dates_without_babel_say_what_to_do(monkeypatch):
    from lstmcourse.tasks import dates

    for cached in (dates._babel, dates._locale, dates._alphabet):
        cached.cache_clear()
    monkeypatch.setitem(sys.modules, "babel", None)
    with pytest.raises(MissingPackageError, match="pip install babel"):
        Dates()
    monkeypatch.undo()
    assert Dates(locales=("fr",)).write(datetime.date(2015, 8, 27), "fr") == "27 août 2015"


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"locales": ("klingon",)}, UnknownNameError, "no language 'klingon'"),
        ({"locales": "fr"}, TypeError, "locales='fr'"),
        ({"locales": ()}, TypeError, "a tuple of names"),
        ({"first": 999}, ValueError, "first=999"),
        ({"first": 2000, "last": 1999}, ValueError, "last=1999"),
    ],
)
def test_dates_refuse_by_name(options, error, says):
    with pytest.raises(error, match=says):
        Dates(**options)


def test_a_rebuilt_task_keeps_its_alphabet_whatever_babel_has():
    assert Dates(locales=("fr",), alphabet="abc").symbols == ("</s>", "a", "b", "c")


# Scenes

COLOURS = {"red": (255, 0, 0), "green": (0, 204, 0), "blue": (26, 51, 255), "yellow": (255, 255, 0)}
COLOURS |= {"pink": (255, 102, 204), "white": (255, 255, 255)}


def seen(picture):
    """What is in a picture: (row, column, colour, shape), read off its pixels in reading order."""
    found = []
    for row in range(4):
        for column in range(4):
            cell = np.rint(255 * picture[4 * row : 4 * row + 4, 4 * column : 4 * column + 4])
            lit = cell.any(-1)
            if not lit.any():
                continue
            (colour,) = {tuple(pixel) for pixel in cell[lit].astype(int).tolist()}
            eight = "cross" if lit[0, 0] else "bar" if lit[0].any() else "plank"
            shape = {16: "square", 12: "ring", 8: eight, 7: "corner"}[int(lit.sum())]
            found.append((row, column, [n for n, c in COLOURS.items() if c == colour][0], shape))
    return found


@pytest.mark.parametrize("objects", [1, (1, 3), 5])
def test_captions_are_true_of_the_pixels(objects):
    task = Scenes(objects=objects, noise=0)
    batch = task.batch("train", batch_size=200)
    for b, picture in enumerate(task.pictures(batch.source)):
        caption = task.decode_target(batch.target[:, b])
        parts = re.split(r" (above|left of) ", caption)
        things = seen(picture)
        assert [f"a {colour} {shape}" for _, _, colour, shape in things] == parts[::2]
        for (r0, c0, *_), (r1, c1, *_), relation in zip(things[:-1], things[1:], parts[1::2], strict=True):
            assert r1 > r0 if relation == "above" else (r1 == r0 and c1 > c0)


def test_alignment_of_captions_points_at_the_objects():
    task = Scenes(noise=0)
    batch = task.batch(batch_size=200)
    for b, picture in enumerate(task.pictures(batch.source)):
        places = [4 * row + column for row, column, *_ in seen(picture)]
        now = 0
        for t, word in enumerate(task.decode_target(batch.target[:, b]).split()):
            linked = np.flatnonzero(batch.alignment[t, b]).tolist()
            if word in ("above", "left"):
                now += 1
            assert linked == (places[now - 1 : now + 1] if word in ("above", "left", "of") else [places[now]])
        assert not batch.alignment[t + 1 :, b].any()


def test_noise_is_gaussian_of_the_stated_size_and_hides_nothing():
    clean, noisy = (Scenes(noise=n).batch(batch_size=300, dtype=np.float64) for n in (0, 0.05))
    assert np.array_equal(clean.target, noisy.target)
    rest = noisy.source - clean.source
    assert rest.std() == pytest.approx(0.05, rel=0.01) and abs(rest.mean()) < 1e-3
    assert Scenes().best is None and Scenes(noise=0).best == 0


@pytest.mark.parametrize("objects", [2, (1, 3), (3, 4)])
def test_frequencies_and_entropy_of_captions(objects):
    task = Scenes(objects=objects, noise=0)
    batch = task.batch("all", batch_size=20_000)
    p = counted(task, batch)
    assert nats(p) == pytest.approx(task.chance, abs=0.005)
    assert p.max() / p.sum() == pytest.approx(task.chance_accuracy, abs=0.004)
    # a predictor without picture: number, 36 things each, and relations, whose shares are counted here
    lo, hi = objects if isinstance(objects, tuple) else (objects, objects)
    total = words = 0
    for n in range(lo, hi + 1):
        patterns = {}
        for cells in combinations([(r, c) for r in range(4) for c in range(4)], n):
            key = tuple(a[0] == b[0] for a, b in zip(cells, cells[1:], strict=False))
            patterns[key] = patterns.get(key, 0) + 1
        total += nats(list(patterns.values())) + n * np.log(36) + np.log(hi - lo + 1)
        words += sum((1 + 3 * n + sum(1 + k for k in key)) * m for key, m in patterns.items()) / sum(
            patterns.values()
        )
    assert task.without_source == pytest.approx(total / words)
    assert batch.target_lengths.mean() == pytest.approx(words / (hi - lo + 1), rel=0.01)
    assert task.without_source < task.chance


def test_a_caption_is_in_one_split():
    task = Scenes(objects=2)
    found = [{tuple(r) for r in until_end(task.batch(s, batch_size=3000).target)} for s in ("train", "test")]
    assert not found[0] & found[1] and len(found[0]) > 1000


def test_scenes_refuse_by_name():
    for options, says in (
        ({"objects": 17}, "16 cells"),
        ({"objects": 0}, "objects=0"),
        ({"noise": -1}, "noise=-1"),
    ):
        with pytest.raises(ValueError, match=says):
            Scenes(**options)
    with pytest.raises(ShapeError, match=r"\(16, B, 48\)"):
        Scenes.pictures(np.zeros((15, 2, 48)))
    with pytest.raises(TypeError, match="no symbols"):
        Scenes().texts(Scenes().batch(batch_size=2))
