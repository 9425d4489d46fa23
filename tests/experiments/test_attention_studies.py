"""What the studies of attention rest on: fair pairs, rates that were found, and counting that is right."""

from types import SimpleNamespace

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.experiments.studies import attention as studies

RATES = {"translation": studies.TRANSLATION_RATES, "dates": studies.DATES_RATES}


@pytest.mark.parametrize(("task", "kind"), [(task, kind) for task, rates in RATES.items() for kind in rates])
def test_each_network_has_the_best_of_its_rates_and_it_lies_inside(task, kind):
    rates, loss = lc.experiments.load("rates_of_attention").over(
        "learning_rate", "validation", task=task, kind=kind
    )
    best = int(loss[:, 0].argmin())
    assert rates[best] == RATES[task][kind] and 0 < best < len(rates) - 1


@pytest.mark.parametrize(
    ("study", "fixed"),
    [
        *(("captions", {"kind": kind}) for kind in studies.KINDS["scenes"]),
        *(("pronunciation", {"kind": kind}) for kind in studies.KINDS["pronunciation"]),
        ("translation_for_longer", {}),
    ],
)
def test_the_rate_that_validation_chooses_lies_inside_the_grid(study, fixed):
    results = lc.experiments.load(study)
    rates, _ = results.over("learning_rate", "validation", **fixed)
    assert rates[0] < results.best(**fixed) < rates[-1]


@pytest.mark.parametrize("task", studies.KINDS)
def test_networks_that_are_compared_have_the_same_parameters(task, monkeypatch):
    steps = {}
    monkeypatch.setattr(studies, "fit", lambda model, count, **_: steps.update({kind: count}))
    shapes = []
    kinds = (*studies.KINDS[task], *["one vector, longer"] * (task == "translation"))
    for kind in kinds:
        model = studies._trained(task, kind, 1e-3, 0)
        # the gate of soft attention is all that hard attention lacks
        shapes.append({n: p.shape for n, p in model.params.items() if "beta" not in n})
        assert model.attention == (kind not in ("mean", "one vector", "one vector, longer"))
    assert all(s == shapes[0] for s in shapes)
    longer = {kind: count / studies.STEPS[task] for kind, count in steps.items()}
    assert longer == {k: 3 if k in ("hard", "one vector, longer") else 1 for k in kinds}


def test_an_alignment_counts_where_the_largest_share_is_right():
    batch = lc.tasks.Translation(clauses=1).batch("test", batch_size=6, seed=2)
    right = batch.alignment
    shares = 0.4 * right + 0.1 * np.random.default_rng(0).random(right.shape)
    model = SimpleNamespace(run=lambda batch: SimpleNamespace(alignment=shares))
    assert studies._aligned(model, batch) == 1
    wrong = shares.copy()
    wrong[0] = 1 - right[0]
    model = SimpleNamespace(run=lambda batch: SimpleNamespace(alignment=wrong))
    assert studies._aligned(model, batch) == pytest.approx(1 - 6 / right.any(-1).sum())


def test_what_is_covered_is_what_counts():
    """A captioner that knows the colour from the place of the first object, and looks there."""
    task = lc.tasks.Scenes(objects=2)
    truth = task.batch("test", batch_size=studies.TESTED, seed=3)
    first = truth.alignment[1].argmax(-1)
    rows = np.arange(studies.TESTED)

    def run(batch):
        seen = batch.source[first, rows].any(-1)
        p = np.full((*batch.target.shape, task.output_size), 0.25)
        p[1, rows, batch.target[1]] = np.where(seen, 0.75, 0.25)
        return SimpleNamespace(alignment=truth.alignment.astype(float), at_each_step=p)

    found = studies._occluded(SimpleNamespace(run=run), seed=3)
    assert found == {"there": 1.0, "seen": 0.75, "own": 0.25, "other": 0.75, "empty": 0.75}


def test_validation_is_what_a_word_costs():
    model = studies._network("dates", "attention", 0)
    batch = model.task.batch("validation", batch_size=studies.TESTED, seed=1)
    assert studies._validation(model, 1) == pytest.approx(model.run(batch).loss, rel=1e-5)
