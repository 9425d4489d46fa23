"""Training: the loop against one written out, interrupts, divergence, early stopping, history, progress."""

import dataclasses
import inspect
import os
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from training_toys import Averages, Cycle

import lstmcourse as lc
from lstmcourse import optim
from lstmcourse.errors import NotFiniteError, UnknownNameError
from lstmcourse.training.fit import fit
from lstmcourse.training.forward import Forward
from lstmcourse.training.history import History, Record, Validation
from lstmcourse.training.model import Metrics, Model
from lstmcourse.training.recipe import Recipe
from lstmcourse.training.steps import TrainingDiverged

LSTM, RNN = lc.cells.lstm, lc.cells.rnn


def cycle_model(cell=RNN, **options):
    return Model(cell, Cycle(), 6, **options)


def copies(model):
    return {name: p.copy() for name, p in model.params.items()}


def same(a, b):
    return all(np.array_equal(a[name], b[name]) for name in a)


def quiet(model, steps, **options):
    return fit(model, steps, **{"batch_size": 4, "progress": False} | options)


# the loop


def test_an_rnn_learns_the_cycle():
    task = Cycle()
    model = Model(RNN, task, 12)
    history = fit(model, 150, batch_size=16, optimizer=optim.Adam(2e-2), progress=False)
    metrics = model.evaluate(batches=4)
    assert history.loss[0] == pytest.approx(task.chance, abs=0.4)
    assert metrics.accuracy > 0.85 and metrics.loss < 0.5  # a jump in 10 cannot be foreseen: 0.325 nats
    assert model.sample("ab", 6, temperature=0) == "cdabcd"


def test_the_loop_written_out():
    """State carried, dropout seeded, clipped, scheduled, updated: as `fit` does, parameter by parameter."""
    model, twin = (Model(lc.stack([LSTM, RNN], dropout=True), Cycle(), 5, dropout=0.3) for _ in range(2))
    schedule, sgd = optim.Warmup(3, then=optim.Cosine(5)), optim.SGD(0.5, momentum=0.9)
    history = quiet(model, 6, optimizer=sgd, schedule=schedule, clip=0.1, seed=3)
    memory, state, losses, norms = sgd.init(twin.params), None, [], []
    stream = twin.task.stream("train", batch_size=4, seed=3)
    for step in range(6):
        rng = np.random.default_rng([3, step, 0xD120])
        forward = twin.run(next(stream), state, rng=rng, grad=True)
        grads = forward.backward()
        norms.append(optim.clip_by_global_norm(grads, 0.1))
        sgd.update(twin.params, grads, memory, schedule(step))
        state = forward.final
        losses.append(forward.loss)
    assert same(model.params, twin.params)
    assert history.loss.tolist() == losses and history.norm.tolist() == norms
    assert max(norms) > 0.1  # the bound was met


def test_state_is_carried_only_where_the_batches_carry_on():
    one, other = (Model(LSTM, Cycle(carried=c), 6) for c in (True, False))
    seen = []
    run = Model.run
    for model in (one, other):
        model.run = lambda batch, state=None, model=model, **k: (
            seen.append(state),
            run(model, batch, state, **k),
        )[1]
        quiet(model, 3)
    assert [state is None for state in seen] == [True, False, False, True, True, True]


def test_clip_none_leaves_gradients_alone_and_a_schedule_of_zero_stops_learning():
    model = cycle_model()
    before = copies(model)
    quiet(model, 3, schedule=lambda step: 0.0)
    assert same(before, model.params)
    one, other = cycle_model(), cycle_model()
    quiet(one, 3, clip=None, optimizer="sgd")
    quiet(other, 3, clip=1e9, optimizer=optim.SGD())
    assert same(one.params, other.params) and not same(before, one.params)


def test_seed_decides_the_run():
    models = [cycle_model(dropout=0.2) for _ in range(3)]
    losses = [quiet(m, 4, seed=s).loss.tolist() for m, s in zip(models, (0, 0, 1), strict=True)]
    assert losses[0] == losses[1] != losses[2]


def test_no_steps_and_the_callback_that_ends():
    model = cycle_model()
    before = copies(model)
    assert quiet(model, 0).steps == 0 and same(before, model.params)
    seen = []
    history = quiet(model, 9, callback=lambda m, h: (seen.append(h.steps), m is model and h.steps == 3)[1])
    assert seen == [1, 2, 3] and history.steps == 3 and not history.interrupted


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"optimizer": "adma"}, UnknownNameError, "did you mean 'adam'"),
        ({"optimizer": 0.1}, TypeError, "optimizer=0.1 does not fit: an Optimizer is needed"),
        ({"schedule": 0.5}, TypeError, "schedule=0.5 does not fit: it must be callable"),
        ({"clip": 0}, ValueError, "clip=0 does not fit: clip lies from 0 to inf, 0 excluded"),
        ({"batch_size": 0}, ValueError, "batch_size=0 does not fit: batch_size is at least 1"),
        ({"seed": -1}, ValueError, "seed=-1 does not fit: seed is at least 0"),
        ({"validate_every": -1}, ValueError, "validate_every=-1 does not fit"),
        ({"validation_batches": 0}, ValueError, "validation_batches=0 does not fit"),
        ({"patience": 3}, ValueError, "patience=3 counts validations, so it needs validate_every"),
        ({"patience": 0, "validate_every": 1}, ValueError, "patience=0 does not fit: patience is at least 1"),
        ({"resume": True}, ValueError, "need checkpoint="),
        ({"checkpoint_every": 5}, ValueError, "need checkpoint="),
        ({"checkpoint_every": -1}, ValueError, "checkpoint_every=-1 does not fit"),
        ({"checkpoint_every": 1.5}, TypeError, "checkpoint_every=1.5 does not fit: a whole number"),
        ({"steps": -1}, ValueError, "steps=-1 does not fit: steps is at least 0"),
        ({"steps": 2.5}, TypeError, "steps=2.5 does not fit: a whole number is needed"),
        ({"steps": "a"}, TypeError, "steps='a' does not fit: a whole number is needed"),
        ({"steps": None}, TypeError, "steps=None does not fit"),
        ({"batch_size": "a"}, TypeError, "batch_size='a' does not fit: a whole number is needed"),
        ({"length": 2.5}, TypeError, "length=2.5 does not fit"),
        ({"clip": "a"}, TypeError, "clip='a' does not fit: a number is needed"),
        ({"clip": float("nan")}, ValueError, "clip=nan does not fit"),
        ({"seed": None}, TypeError, "seed=None does not fit: a whole number is needed"),
        ({"validate_every": 1.5}, TypeError, "validate_every=1.5 does not fit"),
        ({"patience": 1.5, "validate_every": 1}, TypeError, "patience=1.5 does not fit"),
        ({"validation_batches": None}, TypeError, "validation_batches=None does not fit"),
        ({"callback": 3}, TypeError, "callback=3 does not fit: it must be callable, with model and history"),
        (
            {"schedule": lambda step: "low"},
            TypeError,
            r"schedule\(0\)='low' does not fit: a number is needed",
        ),
        ({"schedule": lambda step: None}, TypeError, r"schedule\(0\)=None does not fit"),
        ({"schedule": lambda step: float("nan")}, ValueError, r"schedule\(0\)=nan does not fit.*0 to inf"),
        ({"schedule": lambda step: -0.5}, ValueError, r"schedule\(0\)=-0.5 does not fit"),
    ],
)
def test_bad_settings(options, error, message):
    model = cycle_model()
    before = copies(model)
    with pytest.raises(error, match=message) as caught:
        quiet(model, **{"steps": 1} | options)
    assert same(before, model.params) and not isinstance(caught.value, TrainingDiverged)


def test_a_factor_that_is_no_number_undoes_the_step_that_it_was_for():
    model, twin = cycle_model(), cycle_model()
    with pytest.raises(ValueError, match=r"schedule\(2\)=nan does not fit"):
        quiet(model, 9, schedule=lambda step: 1.0 if step < 2 else float("nan"))
    quiet(twin, 2)
    assert same(model.params, twin.params)


@pytest.mark.parametrize("factor", [1, np.float32(1), np.int64(1), np.array(1.0)], ids=lambda f: str(type(f)))
def test_a_factor_may_be_any_kind_of_number(factor):
    model, twin = cycle_model(), cycle_model()
    quiet(model, 2, schedule=lambda step: factor)
    quiet(twin, 2)
    assert same(model.params, twin.params)


@pytest.mark.parametrize("what", [LSTM, "lstm", None])
def test_fit_takes_a_model(what):
    with pytest.raises(
        TypeError, match=r"model=.* does not fit: a Model is needed, such as lstmcourse.Model\(cell, task\)"
    ):
        fit(what, 3)


# interrupts


class Tripped(optim.SGD):
    """Raises in the middle of an update: after the first parameter of a given step has changed."""

    at: int

    def _rule(self, p, g, memory, lr, step, work):
        if step == Tripped.at and p.shape == Tripped.second:
            raise KeyboardInterrupt
        super()._rule(p, g, memory, lr, step, work)


def test_an_interrupt_within_an_update_undoes_it_and_returns_normally():
    model, twin = cycle_model(), cycle_model()
    Tripped.at, Tripped.second = 4, model.params["cell.U_h"].shape
    assert list(model.params)[1] == "cell.U_h"  # so the first one has changed by then
    training = []
    history = quiet(
        model, 9, optimizer=Tripped(0.5, momentum=0.9), callback=lambda m, h: training.append(h.steps)
    )
    quiet(twin, 3, optimizer=optim.SGD(0.5, momentum=0.9))
    assert history.interrupted and history.steps == 3 and training == [1, 2, 3]
    assert same(model.params, twin.params)
    assert repr(history) == "History(3 steps, 0 validations, interrupted)"


@pytest.mark.parametrize("where", ["run", "backward", "accuracy", "evaluate", "callback"])
def test_an_interrupt_anywhere_keeps_whole_steps(where, monkeypatch):
    model, twin = cycle_model(), cycle_model()
    calls = []

    def trip(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return original(*args, **kwargs)

    owner = {"run": Model, "evaluate": Model, "backward": Forward, "accuracy": Forward}.get(where)
    if where == "accuracy":
        original = Forward.accuracy.fget
        monkeypatch.setattr(Forward, "accuracy", property(trip))
    elif owner:
        original = getattr(owner, where)
        monkeypatch.setattr(owner, where, trip)
    else:
        original = len
    callback = (lambda m, h: trip([])) if where == "callback" else None
    history = quiet(model, 9, callback=callback, validate_every=int(where == "evaluate"))
    monkeypatch.undo()
    assert history.interrupted and history.steps == (3 if where in ("evaluate", "callback") else 2)
    quiet(twin, history.steps)
    assert same(model.params, twin.params)


@pytest.fixture
def interruptible():
    """SIGINT raises KeyboardInterrupt, also where these tests run in the background and it is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_where_interrupts_are_ignored_they_stay_so(interruptible):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    history = quiet(cycle_model(), 3, callback=lambda m, h: signal.raise_signal(signal.SIGINT))
    assert not history.interrupted and history.steps == 3
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_the_stop_button_waits_for_the_step_and_the_handler_is_put_back(interruptible):
    model, twin = cycle_model(), cycle_model()
    before = signal.getsignal(signal.SIGINT)
    after = []

    def press(m, h):
        if h.steps == 2:
            signal.raise_signal(signal.SIGINT)
            after.append("the callback went on")

    history = quiet(model, 9, callback=press)
    assert after and history.interrupted and history.steps == 2
    assert signal.getsignal(signal.SIGINT) is before
    quiet(twin, 2)
    assert same(model.params, twin.params)


def test_an_interrupt_in_the_last_step_is_not_lost(interruptible):
    history = quiet(
        cycle_model(), 2, callback=lambda m, h: signal.raise_signal(signal.SIGINT) if h.steps == 2 else None
    )
    assert history.interrupted and history.steps == 2


def test_a_second_press_does_not_wait(interruptible, monkeypatch):
    model = cycle_model()
    before = copies(model)
    run, after = Model.run, []

    def press_twice(*args, **kwargs):
        signal.raise_signal(signal.SIGINT)
        after.append("first")
        signal.raise_signal(signal.SIGINT)
        after.append("second")
        return run(*args, **kwargs)

    monkeypatch.setattr(Model, "run", press_twice)
    history = quiet(model, 9)
    assert after == ["first"] and history.interrupted and history.steps == 0
    assert same(before, model.params)


def test_training_in_a_thread():
    model, twin = cycle_model(), cycle_model()
    histories = []
    thread = threading.Thread(target=lambda: histories.append(quiet(model, 3)))
    thread.start()
    thread.join()
    quiet(twin, 3)
    assert histories[0].steps == 3 and same(model.params, twin.params)


# divergence


def test_divergence_says_when_and_goes_back_to_the_last_finite_loss():
    def make():
        return Model(lc.cells.rnn_relu, Averages(padded=False), 5)

    model, twin = make(), make()
    with pytest.raises(
        TrainingDiverged, match=r"(the loss|grads\['h'\]) is (inf|nan|NaN) .*at step"
    ) as caught:
        quiet(model, 500, optimizer=optim.SGD(3.0), clip=None)
    error = caught.value
    assert isinstance(error, ValueError)
    assert 3 < error.step < 500 and error.history.steps == error.step - 1
    assert np.isfinite(error.history.loss).all() and error.norm == error.history.norm[-1]
    assert f"at step {error.step}, after a gradient of norm {error.norm:.3g}" in str(error)
    for advice in ("lower learning rate than 3", "clip=1.0", "Warmup(100)"):
        assert advice in str(error)
    quiet(twin, error.step - 2, optimizer=optim.SGD(3.0), clip=None)
    assert same(model.params, twin.params)
    batch = next(model.task.stream("train", batch_size=4, start=error.step - 2))
    assert model.loss(batch) == error.history.loss[-1]


def test_divergence_at_the_first_step():
    class Bad(Averages):
        def _draw(self, *args):
            batch = super()._draw(*args)
            batch.y[batch.mask] = np.nan
            return batch

    model = Model(RNN, Bad(), 4)
    before = copies(model)
    with pytest.raises(
        TrainingDiverged,
        match=r"batch.y is NaN at \(\d+, 0, 0\); .* found at step 1, before any update: look for targets",
    ) as caught:
        quiet(model, 5)
    assert np.isnan(caught.value.norm) and same(before, model.params)


def test_a_gradient_that_is_not_finite_is_not_applied(monkeypatch):
    model, twin = cycle_model(), cycle_model()
    backward = Forward.backward

    def broken(self):
        grads = backward(self)
        if len(seen) == 2:
            grads["readout.d"][0] = np.inf
        seen.append(1)
        return grads

    seen = []
    monkeypatch.setattr(Forward, "backward", broken)
    with pytest.raises(TrainingDiverged, match="the gradient's norm is inf at step 3.*a lower clip than 1"):
        quiet(model, 5)
    monkeypatch.undo()
    quiet(twin, 1)  # where the loss before was measured
    assert same(model.params, twin.params)


@pytest.mark.parametrize(
    ("optimizer", "scale", "what"),
    [
        (optim.SGD(1e39), 1.0, "parameter 'cell.W_f' is -?inf at"),
        (optim.Adam(1e-2), 1e24, "the optimiser's 'v.cell.W_f' is inf at"),
        (optim.SGD(1e-30, momentum=0.9), 1e24, None),
    ],
)
@pytest.mark.parametrize("steps", [1, 9])
def test_an_update_that_overflows_is_undone(optimizer, scale, what, steps):
    """Also the last one, after which no loss would tell; what float32 can hold is trained on."""

    class Scaled(Averages):
        def _draw(self, *args):
            batch = super()._draw(*args)
            batch.y[...] *= np.float32(scale)
            return batch

    model = Model(lc.cells.lstm, Scaled(padded=False), 4)
    before = copies(model)
    if what is None:
        history = quiet(model, steps, optimizer=optimizer, clip=None)
        assert np.isfinite(history.loss).all() and history.loss[0] > 1e47  # more than float32 can hold
        return
    with pytest.raises(TrainingDiverged, match=f"{what}.*the update made it so.*at step 1, .*Try") as caught:
        quiet(model, steps, optimizer=optimizer, clip=None)
    assert caught.value.history.steps == 0 and np.isfinite(caught.value.norm)
    assert same(model.params, before)


def test_validation_that_is_not_finite_is_divergence():
    class Sudden(Averages):
        def _draw(self, rng, split, *args):
            batch = super()._draw(rng, split, *args)
            batch.y[...] *= 1e300 if split == "validation" and found else 1.0
            return batch

    found = []
    model, twin = (Model(lc.cells.lstm, Sudden(padded=False), 4, dtype=np.float64) for _ in range(2))
    told = r"the loss of validation batch 1 is inf.*in validation at step 5, after a gradient of norm"

    def callback(_, history):
        found.extend([1] * (history.steps == 2))

    with pytest.raises(TrainingDiverged, match=told) as caught:
        quiet(model, 9, validate_every=2, callback=callback)
    assert caught.value.history.steps == 4 and len(caught.value.history.validation) == 1
    quiet(twin, 3)
    assert same(model.params, twin.params)


@pytest.mark.parametrize("name", ["cell.U_h", "readout.V"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_evaluate_says_what_is_broken(name, value):
    model = cycle_model()
    model.params[name].flat[0] = value
    with pytest.raises(NotFiniteError, match=f"parameter '{name}' is (NaN|inf) at .*it has no loss"):
        model.evaluate(batches=1)


def test_evaluate_says_that_numbers_overflow():
    model = cycle_model()
    model.params["readout.V"][...] = 3e38
    model.params["readout.V"][::2] *= -1
    with pytest.raises(NotFiniteError, match="the loss of test batch 1 is (NaN|inf) at .*overflow on the"):
        model.evaluate(batches=1)


# validation and early stopping


def test_validation_at_its_steps_is_evaluate():
    model, twin = cycle_model(dropout=0.3), cycle_model(dropout=0.3)
    history = quiet(model, 7, validate_every=3, validation_batches=2, seed=4)
    assert [v.step for v in history.validation] == [3, 6]
    quiet(twin, 6, seed=4)
    metrics = twin.evaluate("validation", batches=2, batch_size=4, seed=4)
    assert history.validation[1] == Validation(6, metrics.loss, metrics.accuracy)
    assert history.loss.tolist()[:6] == quiet(cycle_model(dropout=0.3), 6, seed=4).loss.tolist()


def losses_of(monkeypatch, values):
    """Let evaluate return these losses, one after the other."""
    values = iter(values)
    monkeypatch.setattr(Model, "evaluate", lambda self, *a, **k: Metrics(next(values), 0.5, 1))


def test_early_stopping_counts_validations_without_a_fall_and_keeps_the_best(monkeypatch):
    model, twin = cycle_model(), cycle_model()
    losses_of(monkeypatch, [3.0, 2.0, 2.0, 2.5, 1.9, 1.8, 1.8, 2.0, 1.9, 0.1])
    history = quiet(model, 99, validate_every=2, patience=3)
    assert history.stopped_early and history.steps == 18 and history.best == Validation(12, 1.8, 0.5)
    assert repr(history) == "History(18 steps, 9 validations, stopped early)"
    quiet(twin, 12)
    assert same(model.params, twin.params)


def test_the_best_parameters_are_kept_at_the_last_step_too_but_not_after_an_interrupt(monkeypatch):
    for interrupt, kept in ((None, 2), (4, 4)):
        model, twin = cycle_model(), cycle_model()
        losses_of(monkeypatch, [float("nan"), 1.0, 2.0, 3.0])

        def callback(m, h, interrupt=interrupt):
            if h.steps == interrupt:
                raise KeyboardInterrupt

        history = quiet(model, 4, validate_every=1, patience=9, callback=callback)
        assert not history.stopped_early and history.steps == 4
        quiet(twin, kept)
        assert same(model.params, twin.params), interrupt


# history


def make_history(steps=100):
    records = [Record(1 / (k + 1), k / steps, 2.0, 0.1 * k) for k in range(steps)]
    return History(
        records, [Validation(50, 0.4, 0.6), Validation(100, 0.5, 0.5)], chance=1.4, chance_accuracy=0.3
    )


def test_history_gives_arrays_the_best_and_a_stable_text():
    history = make_history(4)
    assert history.steps == 4
    np.testing.assert_array_equal(history.loss, [1, 1 / 2, 1 / 3, 1 / 4])
    np.testing.assert_array_equal(history.accuracy, [0, 0.25, 0.5, 0.75])
    np.testing.assert_array_equal(history.norm, [2.0] * 4)
    np.testing.assert_allclose(history.seconds, [0, 0.1, 0.2, 0.3])
    assert history.best == Validation(50, 0.4, 0.6)
    assert repr(history) == "History(4 steps, 2 validations)"
    assert History().best is None and History().loss.shape == (0,)


@pytest.mark.parametrize("history", [make_history(7), History()])
def test_history_to_arrays_and_back(history):
    chance = {"chance": history.chance, "chance_accuracy": history.chance_accuracy}
    again = History.from_arrays(history.to_arrays(), **chance)
    assert again == history
    assert all(a.dtype == np.float64 for a in history.to_arrays().values())


def test_history_draws_what_it_holds(capsys):
    fig = make_history().figure(smooth=4)
    loss, accuracy = fig.axes
    drawn = {line.get_label(): line.get_xydata() for line in loss.lines}
    np.testing.assert_allclose(drawn["training"][0], [4, np.mean([1, 1 / 2, 1 / 3, 1 / 4])])
    assert len(drawn["training"]) == 97 and drawn["training"][-1][0] == 100
    np.testing.assert_allclose(drawn["validation"], [[50, 0.4], [100, 0.5]])
    assert any(set(line.get_ydata()) == {1.4} for line in loss.lines)
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert any(set(line.get_ydata()) == {0.3} for line in accuracy.lines)
    for short, smooth in ((1, 10), (3, 10), (3, 3)):
        loss, accuracy = make_history(short).figure(smooth=smooth).axes
        drawn = {line.get_label(): line.get_xydata() for line in loss.lines}
        np.testing.assert_allclose(drawn["training"], [[short, np.mean(make_history(short).loss)]])
    for smooth, error in ((0, ValueError), (-1, ValueError), (2.5, TypeError)):
        with pytest.raises(error, match=f"smooth={smooth} does not fit"):
            make_history().figure(smooth=smooth)
    make_history().plot()
    text = capsys.readouterr().out
    assert "Loss (left) and accuracy (right) over 100 training steps, on training and validation" in text
    with pytest.raises(ValueError, match="nothing to plot"):
        History().plot()


def test_seconds_grow():
    history = quiet(cycle_model(), 3)
    assert 0 < history.seconds[0] < history.seconds[1] < history.seconds[2] < 60


# progress


def test_bar_shows_loss_accuracy_and_time_left_on_stderr_only(capsys, monkeypatch):
    monkeypatch.delenv("LSTMCOURSE_REGRESSION", raising=False)
    history = fit(cycle_model(), 30, batch_size=4)
    shown = capsys.readouterr()
    assert shown.out == "" and "30/30" in shown.err
    assert f"loss {history.loss[-20:].mean():.4g}, accuracy {history.accuracy[-20:].mean():.0%}" in shown.err
    assert "<00:00" in shown.err


@pytest.mark.parametrize("how", ["argument", "environment"])
def test_silence(how, capsys, monkeypatch):
    monkeypatch.setenv("LSTMCOURSE_REGRESSION", "1" if how == "environment" else "")
    fit(cycle_model(), 3, batch_size=4, progress=how == "environment")
    assert capsys.readouterr() == ("", "")


# which back-end


@pytest.fixture
def computed(monkeypatch):
    """Which back-end ran each training step."""
    ran = []
    once = Model.run

    def run(self, *args, **options):
        forward = once(self, *args, **options)
        ran.append(forward.run.backend)
        return forward

    monkeypatch.setattr(Model, "run", run)
    return ran


def test_every_back_end_takes_the_same_steps(computed):
    best = lc.backends()[-1]
    models = [cycle_model(), cycle_model()]
    quiet(models[0], 4, backend=best)
    quiet(models[1], 4)
    assert computed == [best] * 4 + ["numpy"] * 4
    for name, p in models[0].params.items():
        np.testing.assert_allclose(p, models[1].params[name], rtol=2e-5, atol=2e-6)


def test_a_back_end_that_is_not_there_is_named(computed):
    with pytest.raises(UnknownNameError, match="numpy"):
        quiet(cycle_model(), 1, backend="nunpy")
    assert computed == []


def test_a_recipe_and_fit_start_from_the_same_numbers():
    given = {k: p.default for k, p in inspect.signature(fit).parameters.items()}
    plain = Recipe()
    assert all(getattr(plain, k) == given[k] for k in Recipe.__dataclass_fields__)
    assert (plain.validate_every, plain.validation_batches, plain.patience) == (0, 8, None)


# what would fail in the midst is refused at the beginning


def too_short(n):
    factors = [1.0] * n
    return lambda step: factors[step]


@dataclasses.dataclass(frozen=True)
class Unvalidated(Averages):
    """Fails where validation is asked for."""

    how: str = "stream"

    def _draw(self, rng, split, batch_size, length, dtype):
        if split == "validation" and self.how == "stream":
            raise ValueError("no sequence of this kind")
        batch = super()._draw(rng, split, batch_size, length, dtype)
        bad = split == "validation" and self.how == "batch"
        return dataclasses.replace(batch, mask=np.zeros_like(batch.mask)) if bad else batch


FORESEEN = {
    "validation too short": ("text", dict(validate_every=2, length=60), "has only 49"),
    "too few for a batch": ("text", dict(validate_every=2, batch_size=50, length=8), "has only 49"),
    "no validation": (Unvalidated(), dict(validate_every=2), "no sequence of this kind"),
    "nothing scored": (Unvalidated(how="batch"), dict(validate_every=2), "score at least one step"),
    "schedule too short": (Cycle(), dict(schedule=too_short(3)), "list index"),
    "patience for nothing": (Cycle(), dict(patience=2), "needs validate_every"),
    "checkpoint nowhere": (Cycle(), dict(checkpoint="in.txt/run"), "cannot be written"),
    "callback": (Cycle(), dict(callback=3), "callback"),
    "clip": (Cycle(), dict(clip=-1.0), "clip"),
}  # fmt: skip


@pytest.mark.parametrize("what", FORESEEN)
def test_what_would_fail_in_the_midst_is_refused_before_the_first_step(what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in.txt").write_text("hello world, this is a small text. " * 14)
    task, options, message = FORESEEN[what]
    model = lc.Model("rnn", lc.tasks.Text(files=("in.txt",)) if task == "text" else task, 4)
    before = {n: p.copy() for n, p in model.params.items()}
    with pytest.raises((ValueError, TypeError, IndexError), match=message):
        fit(model, 4, **{"batch_size": 2, "progress": False, **options})
    assert same(before, model.params) and os.listdir() == ["in.txt"]
    if "validate_every" in options:  # where none is due, none is asked for
        assert fit(model, 1, progress=False, **options).steps == 1
    if what == "schedule too short":
        assert fit(model, 3, batch_size=2, progress=False, **options).steps == 3
