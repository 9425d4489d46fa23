"""The studies of seeds in pairs: rates that other seeds chose, and networks that start alike."""

from collections import defaultdict

import numpy as np
import pytest

from lstmcourse.experiments import load
from lstmcourse.experiments.studies import coupling, timing


def best(name, value):
    """For each point but its rate: the rates that were tried, and the one with the least mean."""
    found = defaultdict(lambda: defaultdict(list))
    for t in load(name).trials:
        point = dict(t.point)
        rate = point.pop("learning_rate")
        found[tuple(point.values())][rate].append(t.values[value])
    return {key: (sorted(at), min(at, key=lambda rate: np.mean(at[rate]))) for key, at in found.items()}


@pytest.mark.parametrize(
    ("study", "name", "value"),
    [(timing, "timing_rates", "updates"), (coupling, "coupling_rates", "loss")],
    ids=["timing", "coupling"],
)
def test_the_rates_are_those_that_other_seeds_chose_and_lie_within_the_grid(study, name, value):
    chosen = best(name, value)
    assert {key: rate for key, (_, rate) in chosen.items()} == study.CHOSEN
    for key, (tried, rate) in chosen.items():
        assert tried[0] < rate < tried[-1], key


def test_the_seeds_of_the_pairs_have_chosen_nothing():
    for pairs, rates in (("timing_in_pairs", "timing_rates"), ("coupled_in_pairs", "coupling_rates")):
        assert not {t.seed for t in load(pairs).trials} & {t.seed for t in load(rates).trials}


@pytest.mark.parametrize("kind", timing.TASKS)
def test_with_peepholes_and_without_a_seed_begins_as_the_same_network(kind):
    plain, peepholes = (timing._model(kind, cell, seed=3) for cell in timing.CELLS)
    assert plain.hidden_size == peepholes.hidden_size
    gained = {f"cell.p_{gate}" for gate in "fio"}
    assert set(peepholes.params) - set(plain.params) == gained
    for name, p in peepholes.params.items():
        np.testing.assert_array_equal(p, 0 if name in gained else plain.params[name], err_msg=name)


@pytest.mark.parametrize("start", coupling.STARTS, ids=str)
def test_gates_start_where_they_are_said_to(start):
    model = coupling._model("counting", **start, seed=0)
    gates = model.unroll(np.zeros((1, 1, 1), np.float32))
    assert gates["i"].mean() == pytest.approx(1 / (1 + np.exp(-start["b_i"])), abs=1e-6)


def test_counting_has_a_length_of_its_own_in_each_batch():
    task = coupling.TASKS["counting"]
    lengths = {len(task.batch(batch_size=2, seed=seed).x) for seed in range(200)}
    assert (min(lengths), max(lengths)) == (10, 40)
    assert len(task.batch(batch_size=2, length=80).x) == 80
