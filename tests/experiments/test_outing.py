"""The link at equal units: its batches are those of the task, and what is stored is all or nothing."""

from itertools import islice

import numpy as np

import lstmcourse as lc
from lstmcourse.experiments.studies import outing


def test_batches_that_were_drawn_beforehand_are_those_of_the_task(monkeypatch):
    monkeypatch.setattr(outing, "STEPS", 3)  # quick, and another seed than a study's in the cache
    made, plain = (
        outing._task(20, kind).stream(batch_size=outing.BATCH, seed=900)
        for kind in (outing.Drawn, lc.tasks.Clouds)
    )
    for ours, theirs in islice(zip(made, plain, strict=False), 3):
        for name in ("x", "y", "mask", "lengths"):
            a, b = getattr(ours, name), getattr(theirs, name)
            assert a.dtype == b.dtype and np.array_equal(a, b), name
    made, plain = (
        outing._task(20, kind).batch("test", batch_size=8, seed=3) for kind in (outing.Drawn, lc.tasks.Clouds)
    )
    assert np.array_equal(made.x, plain.x)


def test_training_ends_early_where_the_link_is_learnt_and_only_there():
    for trial in lc.experiments.load("link_at_equal_units").trials:
        learnt = trial.values["updates"] < outing.STEPS
        assert trial.values["accuracy"] > 0.9 if learnt else trial.values["accuracy"] < 0.2
