"""N-gram models are probability models, and agree with plain recursions; compressors are what they are."""

import bz2
import gzip
import lzma
import math
import shutil
import subprocess
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from lstmcourse.tasks import ngrams
from lstmcourse.tasks.ngrams import compressor_bits, kneser_ney, ngram_bits, xz_bits


def by_recursion(train, alphabet):
    """Witten and Bell's formula as it is printed."""

    @cache
    def p(character, context):
        below = p(character, context[1:]) if context else 1 / alphabet
        places = [
            end for end in range(len(context), len(train)) if train[end - len(context) : end] == context
        ]
        followers = [train[end] for end in places]
        if not followers:
            return below
        kinds = len(set(followers))
        return (followers.count(character) + kinds * below) / (len(followers) + kinds)

    return p


@pytest.mark.parametrize("seed", range(3))
def test_bits_are_those_of_the_formula_and_probabilities_sum_to_one(seed):
    rng = np.random.default_rng(seed)
    train, test = ("".join(rng.choice(list("abc"), size, p=[0.6, 0.3, 0.1])) for size in (40, 12))
    p = by_recursion(train, 4)
    for context in ("", "a", "ba", "ccc"):
        assert sum(p(c, context) for c in "abcd") == pytest.approx(1)
    bits = ngram_bits(train, test, 3, alphabet=4)
    for k in range(4):
        expected = -sum(math.log2(p(c, test[max(0, end - k) : end])) for end, c in enumerate(test)) / len(
            test
        )
        assert bits[k] == pytest.approx(expected)


def test_random_text_costs_its_entropy():
    rng = np.random.default_rng(0)
    train, test = ("".join(rng.choice(list("abcd"), size)) for size in (20_000, 5_000))
    assert ngram_bits(train, test, 1, alphabet=4) == pytest.approx([2, 2], abs=0.01)


def test_what_was_seen_costs_nearly_nothing():
    text = "the queen near the old kings is tired. "
    assert ngram_bits(text * 50, text * 5, 12)[-1] < 0.2 < ngram_bits(text * 50, text * 5, 0)[0]
    assert xz_bits(text * 50, text * 50) < 0.2
    noise = "".join(np.random.default_rng(0).choice(list("abcd"), 20_000))
    assert 1.9 < xz_bits(text, noise) < 2.6


@pytest.mark.parametrize(("train", "test", "order"), [("", "a", 1), ("a", "", 1), ("a", "a", -1)])
def test_there_must_be_something_to_count(train, test, order):
    with pytest.raises(ValueError, match="give two texts|order=-1"):
        ngram_bits(train, test, order)
    with pytest.raises(ValueError, match="nothing to predict"):
        xz_bits("a", "")


def by_definition(train, alphabet):
    """Modified Kneser-Ney as Chen and Goodman define it, counted in tables; None is an unknown character."""

    @cache
    def counts(k, top):
        found = defaultdict(Counter)
        if top:
            for end in range(k, len(train)):
                found[train[end - k : end]][train[end]] += 1
        else:  # in how many different contexts of one character more
            for gram in {train[end - k - 1 : end + 1] for end in range(k + 1, len(train))}:
                found[gram[1:-1]][gram[-1]] += 1
        n = Counter(v for followers in found.values() for v in followers.values())
        D = [0, 0.5, 1, 1.5]
        if all(n[c] for c in (1, 2, 3, 4)):
            Y = n[1] / (n[1] + 2 * n[2])
            own = [c - (c + 1) * Y * n[c + 1] / n[c] for c in (1, 2, 3)]
            D = [0, *(d if 0 < d < c else c / 2 for c, d in zip((1, 2, 3), own, strict=True))]
        return found, D

    def p(character, context, k, top=True):
        below = p(character, context, k - 1, False) if k else 1 / alphabet
        found, D = counts(k, top)
        followers = found.get(context[len(context) - k :])
        if not followers:
            return below
        saved = sum(D[min(v, 3)] for v in followers.values())
        own = followers[character]
        return (own - D[min(own, 3)] + saved * below) / followers.total()

    return p


@pytest.mark.parametrize("seed", range(4))
def test_kneser_ney_is_as_it_is_defined_and_probabilities_sum_to_one(seed):
    rng = np.random.default_rng(seed)
    train = "".join(rng.choice(list("abcd"), 30 + 300 * (seed % 2), p=[0.5, 0.25, 0.2, 0.05]))
    test = "".join(rng.choice(list("abcde"), 25))
    p, full = by_definition(train, 6), train + test
    for context in ("", "a", "ba", "ccc", "ddd"):
        assert sum(p(c, context, len(context)) for c in "abcd?!") == pytest.approx(1)
    bits = kneser_ney(train, test, 3, alphabet=6)
    assert bits.shape == (4, 25)
    for k in range(4):
        places = range(len(train), len(full))
        assert bits[k] == pytest.approx([-math.log2(p(full[end], full[:end], k)) for end in places])


def test_kneser_ney_beats_witten_and_bell_on_a_program():
    text = Path(ngrams.__file__).read_text(encoding="utf-8")
    train, test = text[:8000], text[8000:]
    assert min(kneser_ney(train, test, 5, alphabet=97).mean(axis=1)) < min(
        ngram_bits(train, test, 5, alphabet=97)
    )


def test_compressors_are_those_of_the_files_they_make():
    text = Path(ngrams.__file__).read_text(encoding="utf-8")
    train, test = text[:6000], text[6000:]
    found = compressor_bits(train, test)
    for name, compress, slack in (("gzip", gzip.compress, 1e-9), ("bzip2", bz2.compress, 1e-9)):
        more = len(compress(text.encode())) - len(compress(train.encode()))
        assert found[name] == pytest.approx(8 * more / len(test), abs=slack)
    assert found["xz"] <= 8 * (len(lzma.compress(text.encode())) - len(lzma.compress(train.encode()))) / len(
        test
    ) + 8 * 4 / len(test)  # its files are filled up to four bytes
    assert sorted(found)[:2] == ["bzip2", "gzip"] and all(1 < bits < 3 for bits in found.values())


@pytest.mark.skipif(not shutil.which("zstd"), reason="there is no program zstd")
def test_zstd_has_its_highest_level():
    text = (Path(ngrams.__file__).read_text(encoding="utf-8") * 2).encode()
    assert (
        subprocess.run(["zstd", "-dc", "--long=27"], input=ngrams._zstd(text), capture_output=True).stdout
        == text
    )
    quick = subprocess.run(["zstd", "-1", "-c"], input=text, capture_output=True).stdout
    assert len(ngrams._zstd(text)) < len(quick)


def test_without_zstd_it_is_left_out(monkeypatch):
    monkeypatch.setattr(ngrams, "_zstd", lambda data: None)
    assert sorted(compressor_bits("abc" * 30, "abc")) == ["bzip2", "gzip", "xz"]


def test_new_models_need_texts_too():
    for call in (
        lambda: kneser_ney("", "a", 1),
        lambda: kneser_ney("a", "", 1),
        lambda: compressor_bits("a", ""),
    ):
        with pytest.raises(ValueError, match="give two texts|nothing to predict"):
            call()
