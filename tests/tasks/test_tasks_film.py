"""The film: its script, and the observers that nobody can beat."""

from itertools import product

import numpy as np
import pytest

from lstmcourse.tasks import Film


def density(task, frame, scene):
    """Of a frame, given the scene; written from the definition."""
    return np.prod(np.exp(-((frame - np.eye(5)[scene]) ** 2) / (2 * task.noise**2)))


SCENE_OF = {
    "heist": "an open safe",
    "proposal": "a ring given",
    "interrogation": "two people at a table",
    "dinner": "two people at a table",
    "chase": "someone running",
    "race": "someone running",
    "duel": "two people face to face",
    "dance": "two people face to face",
}


def scene(task, event):
    return task.scenes.index(SCENE_OF[task.events[event]])


def by_brute_force(task, frames, window=None):
    """Posterior of the last event, by adding up every possible script."""
    frames = frames[-window:] if window else frames
    total = np.zeros(8)
    for script in product(range(8), repeat=len(frames)):
        p = task.frequencies[script[0]]
        for a, b in zip(script, script[1:], strict=False):
            p *= task.transition[a, b]
        for frame, event in zip(frames, script, strict=True):
            p *= density(task, frame, scene(task, event))
        total[script[-1]] += p
    return total / total.sum()


def test_the_script_is_a_stationary_chain():
    task = Film(stay=0.4, turn=0.3)
    np.testing.assert_allclose(task.transition.sum(1), 1)
    np.testing.assert_allclose(task.frequencies @ task.transition, task.frequencies, atol=1e-12)
    y = task.batch("all", batch_size=4000, length=30).y
    for t in (0, 29):
        np.testing.assert_allclose(np.bincount(y[t], minlength=8) / 4000, task.frequencies, atol=0.025)
    pairs = np.zeros((8, 8))
    np.add.at(pairs, (y[:-1], y[1:]), 1)
    np.testing.assert_allclose(pairs / pairs.sum(1, keepdims=True), task.transition, atol=0.02)
    p = np.bincount(y.ravel(), minlength=8) / y.size
    assert -(p * np.log(p)).sum() == pytest.approx(task.chance, abs=0.005)
    assert p.max() == pytest.approx(task.chance_accuracy, abs=0.005)


def test_a_scene_means_what_the_last_opening_scene_says():
    task = Film(noise=0)
    batch = task.batch(batch_size=50, length=80)
    crime = {"heist", "interrogation", "chase", "duel"}
    for b in range(50):
        story = None
        for frame, event in zip(batch.x[:, b], batch.y[:, b], strict=True):
            name, view = task.events[event], task.scenes[frame.argmax()]
            assert frame.sum() == 1 and SCENE_OF[name] == view
            story = {"an open safe": True, "a ring given": False}.get(view, story)
            assert story is None or (name in crime) == story


def test_noise_is_gaussian_of_the_stated_size():
    task = Film(noise=0.7)
    batch = task.batch(batch_size=300, dtype=np.float64)
    rest = batch.x - np.eye(5)[[scene(task, k) for k in range(8)]][batch.y]
    assert rest.std() == pytest.approx(0.7, abs=0.01) and rest.mean() == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("window", [None, 1, 2, 9])
def test_the_filter_equals_the_sum_over_all_scripts(window):
    task = Film(noise=0.6, stay=0.3, turn=0.4)
    x = task.batch(batch_size=2, length=3, dtype=np.float64).x
    p = task.filter(x, window)
    for t in range(3):
        for b in range(2):
            np.testing.assert_allclose(p[t, b], by_brute_force(task, x[: t + 1, b], window), atol=1e-10)


@pytest.mark.parametrize("noise", [0.3, 0.8])
def test_memoryless_accuracy_agrees_with_counting(noise):
    task = Film(noise=noise, turn=0.35)
    counted = task.limits(window=1, length=100).accuracy
    assert task.memoryless_accuracy == pytest.approx(
        counted, abs=0.006
    )  # 200,000 frames, many of them related


def test_without_noise_the_limits_are_known():
    task = Film(noise=0)
    pi, everyday = task.frequencies, [k for k in range(8) if scene(task, k) > 1]
    assert task.memoryless_accuracy == pytest.approx(pi[[0, 4]].sum() + pi[everyday].sum() / 2)
    # the story is unknown, at ln 2 and one half, until the first opening scene
    p, unknown = pi[everyday], []
    for _ in range(task.length):
        unknown.append(p.sum())
        p = p @ task.transition[np.ix_(everyday, everyday)]
    assert task.best == pytest.approx(np.mean(unknown) * np.log(2), abs=0.006)
    assert task.limits().accuracy == pytest.approx(1 - np.mean(unknown) / 2, abs=0.006)
    assert task.limits(window=1).loss == pytest.approx(unknown[0] * np.log(2), abs=0.01)


def test_more_memory_sees_more():
    task = Film()
    seen = [task.limits(window=w) for w in (1, 2, 5, 20)] + [task.limits()]
    losses, accuracies = zip(*seen, strict=True)
    assert sorted(losses, reverse=True) == list(losses) and sorted(accuracies) == list(accuracies)
    assert losses[-1] == task.best < losses[0] < task.chance
    assert accuracies[-1] > task.memoryless_accuracy + 0.25


@pytest.mark.parametrize("window", [None, 1, 4])
def test_limits_are_what_the_filter_gets_on_other_films(window):
    task = Film()
    batch = task.batch("test", batch_size=2000, seed=9, dtype=np.float64)
    p = task.filter(batch.x, window)
    loss = -np.log(np.take_along_axis(p, batch.y[..., None], -1)).mean()
    accuracy = task.correct(p, batch).mean()
    assert task.limits(window) == pytest.approx((loss, accuracy), abs=0.02)


def test_an_observer_who_does_not_know_the_noise_is_worse():
    task, other = Film(), Film(noise=0.6)
    batch = task.batch("test", batch_size=300, dtype=np.float64)
    loss = [
        -np.log(np.take_along_axis(t.filter(batch.x), batch.y[..., None], -1)).mean() for t in (task, other)
    ]
    assert loss[0] < loss[1] - 0.01
