"""What the studies of generative networks rest on: equal sizes, where DRAW starts, rates inside the grid."""

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.course import generative as trained_networks
from lstmcourse.experiments.studies import generative


@pytest.fixture
def quick(monkeypatch):
    """Few steps, short sounds, and nothing to be compiled for them."""
    monkeypatch.setattr(generative, "UPDATES", 4)
    monkeypatch.setattr(generative, "SOUND", lc.tasks.Tones(frames=3))
    monkeypatch.setitem(trained_networks.PAINTING, "steps", 1)
    for module in (generative, trained_networks):
        monkeypatch.setattr(module, "backends", lambda: ["numpy"])


@pytest.mark.parametrize("name", generative.MODELS)
def test_models_of_sound_are_as_wide_as_the_vrnn_has_parameters(name):
    model = generative.model_of_sound(name, 0)
    most = generative.model_of_sound("VRNN", 0).parameter_count
    wider = lc.Latent(
        model.cell, model.task, model.hidden_size + 1, one_by_one=model.one_by_one,
        sizes={k: v for k, v in generative.SIZES.items() if k in model.cell.size_names()},
    )  # fmt: skip
    assert sum(p.size for p in model.params.values()) <= most < wider.parameter_count


@pytest.mark.usefixtures("quick")
def test_a_trial_of_sound_gives_bound_price_and_likelihood():
    found = generative.sound(generative.RISING, 1e-2, seed=0)
    made = generative.train_on_sound(generative.model_of_sound(generative.RISING, 0), 1e-2, 0)
    assert made.warmup == 1 and generative.model_of_sound("VRNN", 0).warmup == 0
    tested = made.run(made.task.batch("test", batch_size=128))
    assert found["bound"] == pytest.approx((tested.nll + tested.kl).mean() / 3)
    assert found["price"] == pytest.approx(tested.kl.mean() / 3) and found["price"] > 0
    assert found["likelihood"] < found["bound"] and found["parameters"] == 41_744
    plain = generative.sound("one Gaussian", 1e-2, seed=0)
    assert plain["price"] == 0 and plain["likelihood"] == pytest.approx(plain["bound"])


@pytest.mark.parametrize("attention", [False, True])
def test_draw_starts_from_the_average_picture_and_narrow_filters(attention):
    model = generative.model_of_digits(attention, 0)
    seen = model.task.pictures(model.task.whole("train").x)
    start = 1 / (1 + np.exp(-model.params["canvas_0"].astype(float)))
    assert start == pytest.approx((seen.sum(0) + 1) / (len(seen) + 2), abs=1e-6)
    most = generative.model_of_digits(False, 0).parameter_count
    assert 0.97 * most < model.parameter_count <= most
    if attention:
        run = model.run(model.task.batch("test", batch_size=3)).run
        assert np.exp(run["read.log_var"]) == pytest.approx(np.exp(-1), rel=0.5)


@pytest.mark.usefixtures("quick")
def test_a_trial_of_drawing_gives_nats_a_picture():
    found = generative.drawing(True, 1e-3, seed=0)
    assert found["likelihood"] < found["bound"] and abs(found["training"] - found["bound"]) < 5
    chance = lc.tasks.Handwriting(size=16).chance
    assert 0.9 * chance < found["likelihood"] < 1.5 * chance


@pytest.mark.parametrize(
    ("study", "points"),
    [
        ("sound", [{"model": name} for name in generative.MODELS[:4]]),  # the others have one rate
        ("drawing", [{"attention": kind} for kind in (False, True)]),
    ],
)
def test_the_best_rate_lies_inside_what_was_tried(study, points):
    results = lc.experiments.load(study)
    for point in points:
        rates, losses = results.over("learning_rate", "validation", **point)
        means = np.where(np.isfinite(losses).all(axis=1), losses.mean(axis=1), np.inf)
        assert 0 < means.argmin() < len(rates) - 1, (point, dict(zip(rates, means, strict=True)))
