"""Evolution strategies: they find a known optimum, follow the gradient, and do so on any executor."""

import concurrent.futures

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.training.evolution import shares

TARGET = np.array([1.0, -2.0, 0.5])


def near(candidates, rng):
    return -((candidates - TARGET) ** 2).sum(axis=1)


def noisy(candidates, rng):
    return near(candidates, rng) + rng.normal()  # the same for all candidates of a generation


def test_a_known_optimum_is_found():
    found = lc.evolve(near, np.zeros(3), 300, sigma=0.1, learning_rate=0.02)
    assert np.abs(found.weights - TARGET).max() < 0.05
    assert found.means.shape == found.bests.shape == (300,) and (found.bests >= found.means).all()
    assert found.means[-1] > found.means[0]


def test_what_is_drawn_is_shared_by_a_generation():
    plain, shifted = (lc.evolve(f, np.zeros(3), 20) for f in (near, noisy))
    assert np.array_equal(plain.weights, shifted.weights)


@pytest.mark.parametrize("pieces", [1, 3, 8])
def test_an_executor_changes_nothing(pieces):
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        there = lc.evolve(near, np.zeros(3), 10, executor=pool, pieces=pieces)
    assert np.array_equal(there.weights, lc.evolve(near, np.zeros(3), 10).weights)


def test_one_step_is_the_formula_and_climbs():
    slope = np.array([3.0, -1.0])
    found = lc.evolve(lambda c, rng: c @ slope, np.zeros(2), 1, population=2000, sigma=0.5, learning_rate=0.1)
    half = np.random.default_rng((0, 0)).standard_normal((1000, 2))
    noise = np.concatenate([half, -half])
    rank = (noise @ slope).argsort().argsort() / 1999 - 0.5
    assert found.weights == pytest.approx(0.1 / (2000 * 0.5) * sum(rank[k] * noise[k] for k in range(2000)))
    direction = found.weights / np.linalg.norm(found.weights)
    assert direction @ slope / np.linalg.norm(slope) > 0.99


def test_equal_scores_share_their_rank_and_move_nothing():
    assert np.array_equal(shares(np.full(6, 500.0)), np.zeros(6))
    assert shares(np.array([2.0, 1.0, 2.0, 9.0])) == pytest.approx([0, -0.5, 0, 0.5])
    start = np.array([0.3, 0.4])
    assert np.array_equal(lc.evolve(lambda c, rng: np.zeros(len(c)), start, 5).weights, start)


def test_it_stops_when_told_and_leaves_the_start_alone():
    start, seen = np.zeros(3), []

    def callback(weights, scores):
        seen.append(scores.mean())
        return len(seen) == 4

    found = lc.evolve(near, start, 50, callback=callback)
    assert len(seen) == len(found.means) == 4 and not start.any() and found.weights.any()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: lc.evolve(near, np.zeros(3), population=7), "population=7 is odd"),
        (lambda: lc.evolve(near, np.zeros(3), sigma=0.0), "sigma"),
        (lambda: lc.evolve(lambda c, rng: 1.0, np.zeros(3), 1), r"score returned shape \(\)"),
        (lambda: lc.evolve(lambda c, rng: c[:, 0] * np.nan, np.zeros(3), 1), "not finite"),
        (lambda: lc.evolve(near, np.zeros((3, 1)), 1), "weights"),
    ],
)
def test_what_does_not_fit_is_said(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize("what", [{"score": 3}, {"executor": 3}, {"callback": 3}])
def test_what_is_of_another_kind_is_said(what):
    given = {"score": near, "weights": np.zeros(3)} | what
    with pytest.raises(TypeError, match=f"{next(iter(what))}=3"):
        lc.evolve(**given)
