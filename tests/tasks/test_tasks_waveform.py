"""The wave that is to be written from memory: what it is made of, and that it is one and the same."""

from itertools import islice

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.tasks import Waveform


def test_every_batch_holds_the_one_wave():
    task = Waveform(number=2)
    for split in ("train", "test"):
        for batch in islice(task.stream(split, batch_size=3, seed=5, dtype=np.float64), 2):
            assert batch.x.shape == (320, 3, 0) and batch.mask.all() and not batch.carries
            assert np.array_equal(batch.y, np.repeat(task.wave[:, None, None], 3, axis=1))


def test_numbers_are_different_waves_and_the_same_again():
    waves = np.array([Waveform(number=n).wave for n in range(20)])
    assert np.abs(np.corrcoef(waves) - np.eye(20)).max() < 0.9
    assert np.array_equal(waves[3], Waveform(number=3).wave)


@pytest.mark.parametrize("number", range(8))
def test_a_wave_is_a_sum_of_sinusoids_one_in_each_band(number):
    task = Waveform(number=number, parts=4, cycles=(1, 16))
    f, y = task.frequencies, task.wave
    assert all(low <= value <= 2 * low for value, low in zip(f, (1, 2, 4, 8), strict=True))
    turns = 2 * np.pi * np.outer(np.arange(320) / 320, f)
    basis = np.concatenate([np.sin(turns), np.cos(turns)], axis=1)
    weights, *_ = np.linalg.lstsq(basis, y, rcond=None)
    assert basis @ weights == pytest.approx(y, abs=1e-10)
    amplitudes = np.hypot(weights[:4], weights[4:])
    assert amplitudes * np.sqrt(f) == pytest.approx(np.full(4, amplitudes[0] * np.sqrt(f[0])), rel=1e-6)
    assert np.abs(y).max() == pytest.approx(1.0, rel=1e-12)


def test_chance_is_what_the_mean_gets():
    task = Waveform(number=4)
    batch = task.batch(batch_size=1, dtype=np.float64)
    mean = np.full_like(batch.y, task.wave.mean())
    assert np.square(mean - batch.y).mean() == pytest.approx(task.chance, rel=1e-12)
    assert task.correct(mean, batch).mean() == task.chance_accuracy


def test_a_model_without_input_has_the_parameters_of_the_paper():
    task = Waveform()
    counts = [lc.Model(lc.cells.rnn, task, hidden_size=n).parameter_count for n in (9, 15, 22, 31)]
    assert counts == [n * n + 2 * n + 1 for n in (9, 15, 22, 31)]
    assert lc.Model(lc.cells.rnn, task, hidden_size=4).params["cell.W_h"].shape == (0, 4)


def test_a_clockwork_network_learns_a_short_wave():
    task = Waveform(steps=40, parts=2, cycles=(1, 4))
    model = lc.Model(lc.cells.clockwork, task, hidden_size=12, rng=0)
    lc.fit(model, 150, batch_size=1, optimizer=lc.optim.Adam(1e-2), progress=False)
    assert model.evaluate(batches=1, batch_size=1).loss < 0.3 * task.chance
