"""Means compared, many questions corrected for, and shares of variance."""

import numpy as np
import pytest

from lstmcourse.experiments.significance import (
    alike,
    at_least,
    exact_interval,
    holm,
    importance,
    interplay,
    mcnemar,
    tail,
    welch,
)

A = [0.031, 0.045, 0.027, 0.052, 0.039, 0.041]
B = [0.060, 0.048, 0.091, 0.055]

# scipy.stats 1.17.1: t.sf(t, freedom)
TAILS = [
    (0.3, 1.0, 0.407226420922),
    (2.228, 10.0, 0.0250058859086),
    (4.0, 3.7, 0.00939445500939),
    (1.96, 900.0, 0.0251520098029),
    (9.0, 14.2, 1.5154210231e-07),
]


@pytest.mark.parametrize(("t", "freedom", "p"), TAILS)
def test_the_tail_of_students_t(t, freedom, p):
    assert tail(t, freedom) == pytest.approx(p, rel=1e-9)
    assert tail(-t, freedom) == pytest.approx(1 - p, rel=1e-12)


def test_welch_agrees_with_scipy():
    # scipy.stats.ttest_ind(A, B, equal_var=False): pvalue, df, confidence_interval(0.9)
    found = welch(A, B)
    assert (found.p, found.freedom) == pytest.approx((0.0764403892, 3.9405618))
    assert found.interval(0.9) == pytest.approx((-0.0461662211, -0.00250044554))
    back = welch(B, A)
    assert (back.mean, back.p) == pytest.approx((-found.mean, found.p))


def test_two_means_are_alike_where_the_interval_lies_within_the_margin():
    # two one-sided tests at 5 % say the same as the interval at 90 %
    found = welch(A, [a + 0.002 for a in A])
    reach = max(abs(end) for end in found.interval(0.9))
    assert alike(found, reach * 1.001) < 0.05 < alike(found, reach * 0.999)
    assert alike(found, 0.001) > 0.5  # the margin is smaller than the difference


def test_rates_of_error_are_what_they_are_said_to_be():
    rng = np.random.default_rng(0)
    pairs = [(rng.normal(0, 1, 10), rng.normal(0, 3, 6)) for _ in range(2000)]
    assert np.mean([welch(a, b).p < 0.05 for a, b in pairs]) == pytest.approx(0.05, abs=0.012)
    edge = [(rng.normal(0, 1, 10), rng.normal(1, 1, 10)) for _ in range(2000)]  # they differ by the margin
    assert np.mean([alike(welch(a, b), 1.0) < 0.05 for a, b in edge]) == pytest.approx(0.05, abs=0.012)


def test_holm_takes_the_smallest_times_all_and_the_next_times_the_rest():
    p = {"a": 0.02, "b": 0.001, "c": 0.5, "d": 0.011}
    assert holm(p) == pytest.approx({"a": 0.04, "b": 0.004, "c": 0.5, "d": 0.033})
    assert list(holm(p)) == list(p)
    assert holm({"a": 0.4, "b": 0.41, "c": 0.9}) == pytest.approx({"a": 1.0, "b": 1.0, "c": 1.0})


def test_shares_of_variance_are_those_that_can_be_computed_by_hand():
    # x uniform on [-1, 1]: x + 2 y^2 + x z has the variances 1/3, 16/45 and 1/9; w does nothing
    rng = np.random.default_rng(1)
    x, y, z, w = rng.uniform(-1, 1, (4, 20_000))
    kind = np.where(rng.random(20_000) < 0.5, "plain", "gated")
    values = x + 2 * y**2 + x * z + (kind == "gated")
    total = 1 / 3 + 16 / 45 + 1 / 9 + 1 / 4
    drawn = {"x": x, "y": y, "z": z, "w": w, "kind": kind}
    shares = importance(drawn, values, bins=30)
    expected = {"x": 1 / 3, "y": 16 / 45, "z": 0, "w": 0, "kind": 1 / 4}
    assert shares == pytest.approx({k: v / total for k, v in expected.items()}, abs=0.012)
    pairs = interplay(drawn, values, bins=12)
    assert pairs.pop(("x", "z")) == pytest.approx(1 / 9 / total, abs=0.012)
    assert pairs == pytest.approx(dict.fromkeys(pairs, 0), abs=0.012)


def test_few_trials_of_nothing_explain_nothing():
    rng = np.random.default_rng(2)
    found = [importance({"a": rng.random(80)}, rng.random(80))["a"] for _ in range(300)]
    assert np.mean(found) == pytest.approx(0, abs=0.01)  # bins' means differ, as they would by chance


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: welch([1.0], [1.0, 2.0]), "a has 1 numbers"),
        (lambda: welch([1.0, 1.0], [2.0, 2.0]), "no number differs"),
        (lambda: welch([1.0, np.nan], [2.0, 3.0]), r"a is NaN at \(1,\)"),
        (lambda: holm({"a": 1.5}), r"p\['a'\]=1.5 is no probability"),
        (lambda: tail(1.0, 0.5), "freedom=0.5 does not fit"),
        (lambda: welch(A, B).interval(1.0), "level=1.0 does not fit"),
        (lambda: importance({"a": [1, 2, 3]}, [1.0, 2.0]), r"drawn\['a'\] has 3 trials, values has 2"),
        (lambda: importance({"a": [1, 2]}, [1.0, 2.0]), "2 values in 2 groups"),
    ],
)
def test_what_cannot_be_compared_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# scipy.stats 1.17.1: binomtest(k, n).proportion_ci(0.95, method="exact")
INTERVALS = [
    (0, 5, 0.0, 0.521823750105),
    (3, 5, 0.146632799635, 0.947255049474),
    (17, 40, 0.270429031269, 0.591099419573),
    (40, 40, 0.911902697121, 1.0),
    (999, 1000, 0.994441075720, 0.999974682513),
]


@pytest.mark.parametrize(("k", "n", "low", "high"), INTERVALS)
def test_exact_intervals_are_those_of_scipy(k, n, low, high):
    assert exact_interval(k, n) == pytest.approx((low, high), abs=1e-11)


@pytest.mark.parametrize("p", [0.02, 0.3, 0.5, 0.85])
def test_an_exact_interval_covers_the_probability_at_least_as_often_as_it_says(p):
    n = 17
    odds = [at_least(k, n, p) - at_least(k + 1, n, p) for k in range(n + 1)]
    for level in (0.8, 0.95):
        ends = [exact_interval(k, n, level) for k in range(n + 1)]
        covered = [o for o, (low, high) in zip(odds, ends, strict=True) if low <= p <= high]
        assert level <= sum(covered) < 1


def test_pairs_in_which_one_succeeds_alone_are_tosses_of_a_coin():
    # by counting: all ways in which nine coins can fall
    coins = np.array(np.meshgrid(*[[0, 1]] * 9)).reshape(9, -1).sum(axis=0)
    for first in range(10):
        apart = np.abs(2 * coins - 9) >= abs(2 * first - 9)
        assert mcnemar(first, 9 - first) == pytest.approx(apart.mean())
    assert mcnemar(0, 0) == 1.0
