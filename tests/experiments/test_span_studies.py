"""The studies of memory spans: tasks with a lag, bisection, starts, and the best rates of their grids."""

from __future__ import annotations

import math

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse import tasks
from lstmcourse.experiments.store import load
from lstmcourse.experiments.studies import beside_spans, more_spans, spans


@pytest.mark.parametrize("ladder", [spans.LADDER, (20, 50, 100, 200, 300), (3,)])
def test_bisection_finds_what_trying_all_lags_finds(ladder):
    for n in range(len(ladder) + 1):
        asked = []

        def trial(lag, n=n, asked=asked):
            asked.append(lag)
            return {"learnt": float(lag in ladder[:n]), "loss": lag / 10, "updates": 7.0}

        found = spans.bisect(ladder, trial)
        assert found["span"] == ([0, *ladder])[n]
        assert len(asked) == len({*asked}) <= math.ceil(math.log2(len(ladder) + 1))
        assert {k: v for k, v in found.items() if k.startswith("loss")} == {
            f"loss_{lag}": lag / 10 for lag in asked
        }


def test_a_long_reber_string_asks_for_its_second_symbol():
    task = spans.LongReber(lag=60)
    batch = task.batch(batch_size=64, seed=3)
    assert batch.x.shape == (63, 64) and batch.mask.sum() == 64 and batch.mask[-1].all()
    assert (batch.y[-1] == batch.x[1]).all()
    assert {*task.decode(batch.x[1])} == {*"TP"} and {*task.decode(batch.x[-1])} == {"E"}
    one = tasks.Reber(continual=True)
    between = batch.x[2:-1]
    legal = one.legal(between)[:-1]
    assert np.take_along_axis(legal, between[1:, :, None], -1).all()  # whole strings, one after another
    again = task.batch(batch_size=64, seed=4)
    assert (again.x[2:-1] != between).any()
    assert task.chance == pytest.approx(math.log(2))


def test_delayed_speakers_are_asked_later_and_say_the_same():
    plain, late = tasks.Speakers().whole("test"), spans.DelayedSpeakers(lag=17).whole("test")
    assert (late.lengths == plain.lengths + 17).all()
    columns = np.arange(370)
    assert late.mask.sum() == 370 and late.mask[late.lengths - 1, columns].all()
    assert (late.y[late.lengths - 1, columns] == plain.y[plain.lengths - 1, columns]).all()
    assert (late.x[: len(plain.x)] == plain.x).all() and (late.x[len(plain.x) :] == 0).all()


def test_the_first_biases_are_those_asked_for():
    rng = np.random.default_rng(0)
    model = lc.Model("lstm", spans.span_task("copy", 50), hidden_size=400, rng=rng)
    usual = model.params["cell.b_f"].copy()
    spans.start(model, "", 50, rng)
    assert (model.params["cell.b_f"] == usual).all() and (usual == 1).all()
    spans.start(model, "5", 50, rng)
    assert (model.params["cell.b_f"] == 5).all() and (model.params["cell.b_i"] == 0).all()
    spans.start(model, "chrono", 50, rng)
    f, i = (model.params[f"cell.b_{gate}"] for gate in "fi")
    lasts = 1 / (1 - 1 / (1 + np.exp(-f.astype(float))))  # steps: a gate of 1 - 1/T forgets in about T
    assert (i == -f).all() and 1.9 < lasts.min() < 4 and 45 < lasts.max() <= 50.01
    assert abs(lasts.mean() - 26) < 2  # uniform


def test_one_array_for_all_parameters_trains_as_fit_does():
    """The loop of `learn` against `lc.fit`, on the same batches."""

    class Same(tasks.Copy):
        def _stream(self, split, *rest):
            return spans._batches(tasks.Copy(delay=8, payload=1, alphabet=8, score="recall"), 5)

    rng = np.random.default_rng(5)
    model = lc.Model("gru", Same(delay=8, payload=1, alphabet=8, score="recall"), hidden_size=16, rng=rng)
    lc.fit(model, 30, batch_size=8, optimizer=lc.optim.Adam(0.01), clip=1.0, progress=False)
    fresh = tasks.Copy(delay=8, payload=1, alphabet=8, score="recall").batch(
        "all", batch_size=256, seed=10_005
    )
    found = spans.learn("gru", "copy", 8, 0.01, 5, updates=30)
    assert found["updates"] == 30 and found["hidden"] == 16
    assert found["loss"] == pytest.approx(model.run(fresh).loss / math.log(8), rel=1e-4)


def test_training_that_leaves_the_finite_numbers_is_not_learnt():
    found = spans.learn("rnn_relu", "adding", 200, 30.0, 0, updates=40)
    assert not found["learnt"] and not found["loss"] <= 0.1


@pytest.mark.parametrize("name", ["span_rates", "start_rates", "more_rates", "beside_rates"])
def test_rates_are_the_best_of_their_grids(name):
    spent: dict[tuple, dict[float, list[float]]] = {}
    for trial in load(name).trials:
        p, v = trial.point, trial.values
        key = p.get("task", "copy"), p.get("cell") or f"lstm, {p['how']}"
        worth = (
            v["updates"] if v["learnt"] else spans.TUNED_FOR * (1 + min(1, np.nan_to_num(v["loss"], nan=1)))
        )
        spent.setdefault(key, {}).setdefault(p["learning_rate"], []).append(worth)
    for key, by_rate in spent.items():
        mean = {rate: np.mean(values) for rate, values in by_rate.items()}
        best = min(mean, key=mean.__getitem__)
        assert (spans.RATE | more_spans.MORE_RATE | beside_spans.BESIDE_RATE)[key] == best, key
        nothing = min(mean.values()) > 0.9 * 2 * spans.TUNED_FOR  # with no rate is anything learnt
        assert nothing or min(mean) < best < max(mean), key


@pytest.mark.parametrize("name", ["copy", "adding"])
def test_looking_back_is_self_attention_as_the_last_step_sees_it(name):
    task, rng = spans.span_task(name, 30), np.random.default_rng(2)
    params = {k: p.astype(float) for k, p in beside_spans.first(task, rng).items()}
    assert 1400 < sum(p.size for p in params.values()) <= spans.PARAMETERS
    x = rng.normal(size=(4, 32, task.input_size))
    last = lc.unroll(beside_spans.looking_back, params, x, steps=1)
    own = {k: params[k] for k in ("W_q", "W_k", "W_v")}
    whole = lc.unroll(lc.cells.self_attention_at_once, own, x, steps=1)
    np.testing.assert_allclose(last["h"][0], whole["h"][0, :, -1], rtol=1e-10)
    np.testing.assert_allclose(last["alpha"][0, :, 0], whole["alpha"][0, :, -1], rtol=1e-10)
    y = whole["h"][0, :, -1] @ params["W_y"] + params["b_y"]
    np.testing.assert_allclose(last["y"][0], y, rtol=1e-10)


@pytest.mark.parametrize("name", ["copy", "adding"])
def test_its_loss_is_a_mean_over_the_batch_and_has_its_gradient(name):
    task, rng = spans.span_task(name, 12), np.random.default_rng(4)
    params = beside_spans.first(task, rng)
    batch = task.batch("all", batch_size=64, seed=3)
    loss, grads = beside_spans.passed(task, params, batch, grad=True)
    parts = [
        beside_spans.passed(
            task, params, lc.tasks.Batch(batch.x[:, h], batch.y[:, h], batch.mask[:, h]), grad=False
        )
        for h in (slice(32), slice(32, 64))
    ]
    assert loss == pytest.approx(np.mean([part for part, _ in parts]), rel=1e-5)
    way = {k: g / np.sqrt(sum((g**2).sum() for g in grads.values())) for k, g in grads.items()}
    ends = [
        beside_spans.passed(task, {k: p + s * way[k] for k, p in params.items()}, batch, grad=False)[0]
        for s in (0.02, -0.02)
    ]
    slope = sum((grads[k] * way[k]).sum() for k in grads)
    assert (ends[0] - ends[1]) / 0.04 == pytest.approx(slope, rel=0.01)


def test_the_matrix_lstm_is_trained_as_the_others():
    how = ("copy", 8, 0.01, 5)
    assert beside_spans.learn_beside("mlstm", *how, updates=4) == spans.learn("mlstm", *how, updates=4)
