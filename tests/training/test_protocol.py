"""`fit` and checkpoints with what is no `Model`: a network of this file, without a cell."""

import math
import pickle
from types import SimpleNamespace

import numpy as np
import pytest
from training_toys import Cycle

import lstmcourse as lc
from lstmcourse import optim
from lstmcourse.training.checkpoints import CheckpointError, load, save
from lstmcourse.training.fit import fit
from lstmcourse.training.history import History, Record
from lstmcourse.training.protocol import Metrics
from lstmcourse.training.steps import TrainingDiverged


class Trace:
    """Predicts the next symbol from a noisy, fading trace of those before; the trace is carried on.

    Its loss grows with the number of the step, and there is no accuracy.
    """

    carried_shapes = {"trace": (4,)}
    equations = "0" * 16

    def __init__(self, task=None, fades=0.5):
        self.task, self.fades, self.dtype = task or Cycle(), fades, np.dtype(np.float64)
        self.params = {"V": np.zeros((4, 4)), "d": np.zeros(4)}
        self.steps = []

    @property
    def config(self):
        cells = {"memory": {"cell": "trace", "options": {}}}
        return {
            "kind": "Trace", "cells": cells, "equations": {"memory": self.equations},
            "sizes": {"symbols": 4}, "training": {"fades": self.fades}, "dtype": "float64",
            "task": self.task.config(),
        }  # fmt: skip

    def work(self, batch_size):
        return 0

    def run(self, batch, state=None, *, rng=None, grad=False, backend=None, step=None):
        trace = np.zeros((batch.x.shape[1], 4)) if state is None else state["trace"]
        features = []
        for x in batch.x:
            trace = self.fades * trace + np.eye(4)[x]
            features.append(trace if rng is None else trace + 0.1 * rng.normal(size=trace.shape))
        p = np.exp(np.stack(features) @ self.params["V"] + self.params["d"])
        p /= p.sum(-1, keepdims=True)
        at = np.indices(batch.y.shape)
        weight = 1 if step is None else 1 + 0.1 * step
        self.steps.append(step)
        dz = p.copy()
        dz[*at, batch.y] -= 1
        dz *= weight / batch.y.size
        return SimpleNamespace(
            loss=-weight * float(np.log(p[*at, batch.y]).mean()),
            accuracy=None,
            final={"trace": trace},
            backend="numpy",
            backward=lambda: {"V": np.einsum("tbf,tbk->fk", np.stack(features), dz), "d": dz.sum((0, 1))},
        )

    def evaluate(self, split="test", *, batches=8, batch_size=32, length=None, seed=0):
        stream = self.task.stream(split, batch_size=batch_size, length=length, seed=seed, dtype=self.dtype)
        losses, state = [], None
        for _, batch in zip(range(batches), stream, strict=False):
            ran = self.run(batch, state)
            losses.append(ran.loss)
            state = ran.final
        return Metrics(float(np.mean(losses)), math.nan, batches * batch.y.size)


HOW = {
    "batch_size": 4, "progress": False, "optimizer": optim.Adam(0.05), "schedule": optim.Warmup(3),
    "validate_every": 2, "validation_batches": 2, "patience": 50, "seed": 3,
}  # fmt: skip


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) for n in a)


def test_it_learns_and_sees_the_number_of_each_step():
    model = Trace()
    history = fit(model, 60, batch_size=16, progress=False, optimizer=optim.Adam(0.1))
    assert [s for s in model.steps if s is not None] == list(range(60))
    assert model.evaluate().loss < 0.6 < history.chance
    assert np.isnan(history.accuracy).all() and history.backend == "numpy"


@pytest.mark.parametrize("stop", [1, 5, 8])
def test_a_run_in_two_parts_is_the_run_in_one(tmp_path, stop):
    path, whole, half = tmp_path / "trace.safetensors", Trace(), Trace()
    history = fit(whole, 9, **HOW)
    fit(half, stop, checkpoint=path, **HOW)
    again = Trace()
    resumed = fit(again, 9, checkpoint=path, resume=True, **HOW)
    assert resumed.loss.tolist() == history.loss.tolist() and resumed.norm.tolist() == history.norm.tolist()
    assert [v.loss for v in resumed.validation] == [v.loss for v in history.validation]
    assert same(again.params, whole.params)


def test_what_is_drawn_in_a_step_is_decided_by_seed_and_step():
    losses = [fit(Trace(), 5, **HOW | {"seed": seed}).loss.tolist() for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]


def test_an_interrupt_keeps_whole_steps():
    model, twin = Trace(), Trace()

    def stop(m, history):
        if history.steps == 4:
            raise KeyboardInterrupt

    history = fit(model, 9, callback=stop, **HOW | {"patience": None})
    fit(twin, 4, **HOW | {"patience": None})
    assert history.interrupted and history.steps == 4 and same(model.params, twin.params)


def test_divergence_goes_back_and_says_when():
    model = Trace()
    run = model.run

    def broken(*args, step=None, **how):
        ran = run(*args, step=step, **how)
        if step == 3:
            ran.loss = math.inf
        return ran

    model.run = broken
    with pytest.raises(TrainingDiverged, match="the loss is inf at step 4") as caught:
        fit(model, 9, **HOW)
    twin = Trace()
    fit(twin, 2, **HOW)  # the last finite loss was that of these parameters
    assert same(model.params, twin.params) and caught.value.history.steps == 3


def test_the_bar_and_the_picture_leave_out_an_accuracy_that_is_none(capsys, monkeypatch):
    monkeypatch.delenv("LSTMCOURSE_REGRESSION", raising=False)
    history = fit(Trace(), 3, **HOW | {"progress": True})
    shown = capsys.readouterr().err
    assert "loss" in shown and "accuracy" not in shown and "nan" not in shown
    assert [ax.get_ylabel() for ax in history.figure().axes] == ["loss"]
    one = History([Record(1.0, 0.5, 1.0, 0.1)])
    assert [ax.get_ylabel() for ax in one.figure().axes] == ["loss", "accuracy"]


def test_a_checkpoint_is_restored_and_compared_with_what_the_model_is(tmp_path):
    path, model = tmp_path / "trace.safetensors", Trace()
    fit(model, 3, checkpoint=path, **HOW)
    file, other = load(path), Trace(fades=0.9)
    file.restore(other)
    assert same(model.params, other.params)
    assert repr(file).startswith("Checkpoint(trace.safetensors: trace, hidden size None, task cycle")
    with pytest.raises(CheckpointError, match="fades': 0.5} in the file.*'fades': 0.9} in this run"):
        fit(other, 9, checkpoint=path, resume=True, **HOW)
    for kind, equations in ((Trace, "1" * 16), (lambda: lc.Model("rnn", Cycle(), 4), None)):
        another = kind()
        if equations:
            another.equations = equations
        for way in (
            lambda m: load(path).restore(m),
            lambda m: fit(m, 9, checkpoint=path, resume=True, **HOW),
        ):
            with pytest.raises(CheckpointError, match="does not fit|another cell"):
                way(another)
    with pytest.raises(CheckpointError, match="holds a Trace, which lstmcourse does not have: make one"):
        load(path).model(task=Cycle())
    save(path, lc.Model("rnn", Cycle(), 4))
    with pytest.raises(CheckpointError, match="kind: None in the file, 'Trace' in this model"):
        load(path).restore(model)


@pytest.mark.parametrize("name", ["fit", "__class__", "optim", "unpickled"])
def test_a_file_names_no_class_but_a_models(tmp_path, name):
    model = Trace()
    config = model.config | {"kind": name}
    model = SimpleNamespace(**{n: getattr(model, n) for n in ("params", "dtype", "task", "work", "run")},
                            evaluate=model.evaluate, carried_shapes={}, config=config)  # fmt: skip
    path = save(tmp_path / "odd.safetensors", model)
    with pytest.raises(CheckpointError, match=f"holds a {name}, which lstmcourse does not have"):
        load(path).model(task=Cycle())


def test_what_is_missing_is_named(tmp_path):
    class Half:
        params = {"W": np.zeros(2)}
        task = SimpleNamespace(stream=None, chance=1.0, chance_accuracy=None)

        def run(self, batch):
            """As any."""

    message = (
        r"model=.* does not fit: a Model is needed.* it has no dtype, config, carried_shapes, work, eval"
    )
    for way in (lambda: fit(Half(), 3), lambda: save(tmp_path / "half.safetensors", Half())):
        with pytest.raises(TypeError, match=message):
            way()
    model = Trace()
    model.task = Half.task
    with pytest.raises(TypeError, match=r"it has no task\.name, task\.data_digest$"):
        fit(model, 3)
    with pytest.raises(TypeError, match="it has no params, dtype, task"):
        fit(lc.Model, 3)
    odd = SimpleNamespace(**{n: getattr(Trace(), n) for n in ("params", "dtype", "task", "work", "run")},
                          evaluate=len, carried_shapes={}, config={"kind": "Odd", "cells": []})  # fmt: skip
    with pytest.raises(TypeError, match="config=.* lacks cells, equations, sizes, training, dtype, task, or"):
        save(tmp_path / "odd.safetensors", odd)
    assert not list(tmp_path.iterdir())


def test_models_are_pickled_by_their_public_name():
    model = lc.Model("rnn", "adding", 4)
    assert b"lstmcourse.training" not in pickle.dumps(model).split(b"tasks")[0]
    assert same(pickle.loads(pickle.dumps(model)).params, model.params)
