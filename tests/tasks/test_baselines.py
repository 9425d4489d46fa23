"""The n-gram model is a probability model, and agrees with a plain recursion; xz is lzma's own."""

import math
from functools import cache

import numpy as np
import pytest

from lstmcourse.tasks.ngrams import ngram_bits, xz_bits


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
