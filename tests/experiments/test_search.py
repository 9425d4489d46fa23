"""Random searches: a draw rests on the search's seed and its own number, and on nothing else."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import optuna
import pytest

from lstmcourse import experiments
from lstmcourse.experiments import Interval, choice, experiment, grid, log_uniform, search, uniform

AXES = {
    "rate": log_uniform(1e-4, 1e-1),
    "noise": uniform(0.0, 1.0),
    "units": log_uniform(20, 200, whole=True),
    "batch": uniform(1, 4, whole=True),
    "rule": choice("sgd", "adam"),
}


def test_draws_have_the_distribution_that_is_said():
    points = search(trials=4000, seed=1, **AXES)
    x = {name: np.array([p[name] for p in points]) for name in AXES}
    shares = {
        "noise": x["noise"],
        "rate": np.log(x["rate"] / 1e-4) / np.log(1e3),
        "units": np.log(x["units"] / 19.5) / np.log(200.5 / 19.5),
    }
    for name, share in shares.items():  # Kolmogorov's bound: 1.63 / sqrt(4000) at one in a hundred
        gaps = np.sort(share) - np.arange(4000) / 4000
        assert np.abs(gaps).max() < 0.03, name
    assert np.bincount(x["batch"]).tolist()[1:] == pytest.approx([1000] * 4, abs=100)
    assert (x["rule"] == "adam").mean() == pytest.approx(0.5, abs=0.03)
    assert x["units"].min() == 20 and x["units"].max() == 200
    assert abs(np.corrcoef(np.log(x["rate"]), x["noise"])[0, 1]) < 0.05
    assert len(set(points.seeds)) > 3990


@pytest.mark.parametrize("extra", [{}, {"at": grid(cell=("a", "b", "c"))}])
def test_a_draw_depends_on_the_seed_and_its_number_alone(extra):
    points = search(trials=5, seed=3, **AXES, **extra)
    assert search(trials=9, seed=3, **AXES, **extra)[: len(points)] == points
    fewer = search(trials=5, seed=3, noise=AXES["noise"], rate=AXES["rate"], **extra)
    assert [p["rate"] for p in fewer] == [p["rate"] for p in points]
    other = search(trials=5, seed=4, **AXES, **extra)
    assert not {p["rate"] for p in other} & {p["rate"] for p in points}
    assert not set(other.seeds) & set(points.seeds)


def test_a_draw_stays_what_it_is():
    """Studies are stored by what was drawn: another draw would make all of them stale."""
    points = search(trials=2, seed=0, **AXES)
    assert points[1] == {"rate": 0.00173782, "noise": 0.614017, "units": 121, "batch": 2, "rule": "adam"}
    assert points.seeds == [2968811710, 3964924996]


CALLS = []


@experiment(
    points=search(trials=12, at=grid(cell=("rnn", "lstm")), rate=AXES["rate"], rule=AXES["rule"]),
    agree={"loss": Interval(0.1)},
)
def searched(cell, rate, rule, *, seed):
    """The loss is least at a rate of 0.01, whatever the rule."""
    CALLS.append((cell, rate, rule, seed))
    if len(CALLS) == 9:
        raise FloatingPointError("once")
    return {"loss": np.log10(rate / 0.01) ** 2}


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_a_search_that_was_stopped_goes_on_with_what_it_would_have_drawn(tmp_path, monkeypatch, kind):
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "cache"))
    e = experiments.get("searched")
    CALLS.clear()
    more = {"storage": f"sqlite:///{tmp_path}/studies.db"} if kind == "sqlite" else {}
    with ThreadPoolExecutor(1) as pool:
        how = {"executor": pool, "data": tmp_path, "progress": False, **more}
        with pytest.raises(experiments.TrialError, match="FloatingPointError: once"):
            experiments.run("searched", **how)
        results = experiments.run("searched", **how)
    assert len(CALLS) == 25 and CALLS[8] == CALLS[9]
    assert [(t.point, t.seed) for t in results.trials] == e.trials
    assert CALLS[:8] + CALLS[9:] == [(*p.values(), s) for p, s in e.trials]
    assert results.provenance["search"] == {
        "rate": "0.0001 to 0.1, log-uniform",
        "rule": "one of 'sgd', 'adam'",
    }
    assert experiments.load("searched", data=tmp_path) == results
    assert experiments.agree("searched", experiments.rerun("searched", 5, data=tmp_path), data=tmp_path)


def test_optuna_finds_in_a_database_what_it_needs_for_its_measures(tmp_path, monkeypatch):
    """Parameters with their distributions, one number, and on which machine a trial was measured."""
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "cache"))
    CALLS[:] = [()] * 9
    url = f"sqlite:///{tmp_path}/studies.db"
    with ThreadPoolExecutor(1) as pool:
        experiments.run("searched", executor=pool, data=tmp_path, progress=False, storage=url)
    storage = optuna.storages.RDBStorage(url)
    (name,) = optuna.get_all_study_names(storage)
    study = optuna.load_study(study_name=name, storage=storage)
    trials = study.get_trials()
    assert {t.state.name for t in trials} == {"COMPLETE"} and len(trials) == 24
    assert trials[0].distributions["rate"] == optuna.distributions.FloatDistribution(1e-4, 1e-1, log=True)
    machine = trials[0].user_attrs["result"]["machine"]
    assert machine.keys() == {"host", "process", "system", "cores", "seconds"}
    assert abs(np.log10(study.best_params["rate"] / 0.01)) < 0.3
    storage.remove_session()
    storage.engine.dispose()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: search(trials=3), ValueError, "what is to be drawn"),
        (lambda: search(trials=3, at=[], a=uniform(0, 1)), ValueError, "give a place"),
        (lambda: search(trials=0, a=uniform(0, 1)), ValueError, "trials=0"),
        (lambda: search(trials=3, a=(1, 2)), TypeError, r"a=\(1, 2\).*uniform"),
        (lambda: search(trials=3, at=[{"a": 1}], a=uniform(0, 1)), ValueError, "do one of them"),
        (lambda: uniform(1, 1), ValueError, "low is below high"),
        (lambda: log_uniform(0, 1), ValueError, "low=0"),
        (lambda: uniform(0.5, 2, whole=True), ValueError, "whole numbers"),
        (lambda: choice("a"), ValueError, "at least two"),
        (lambda: choice("a", "a"), ValueError, "all different"),
        (lambda: choice("a", [1]), TypeError, r"values\[1\]"),
        (lambda: choice(1.0, float("nan")), ValueError, r"values\[1\]"),
        (lambda: experiment(points=[{"x": 1}], agree={})(searched), ValueError, "0 trials"),
    ],
)
def test_bad_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
