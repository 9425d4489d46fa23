"""The model: gradients by differences, losses by hand, padding, sampling against unroll, dropout, errors."""

from dataclasses import replace

import numpy as np
import pytest
from training_toys import Averages, Cycle

import lstmcourse as lc
from lstmcourse.errors import ShapeError, UnknownNameError
from lstmcourse.tasks import Parity, Percolation
from lstmcourse.tasks.base import Batch
from lstmcourse.training.forward import sum_rows
from lstmcourse.training.losses import LOSSES
from lstmcourse.training.model import Metrics, Model

LSTM, RNN, GRID = lc.cells.lstm, lc.cells.rnn, lc.cells.grid


def randomised(model, seed=3):
    """No parameter at 0, so that a gradient that is wrong by a factor of one shows."""
    rng = np.random.default_rng(seed)
    for p in model.params.values():
        p[...] = rng.normal(scale=0.5, size=p.shape)
    return model


def by_differences(f, a, step=1e-6):
    """The gradient of f() in the array a, element by element, by central differences."""
    g = np.zeros_like(a)
    for k in np.ndindex(a.shape):
        old = a[k]
        a[k] = old + step
        up = f()
        a[k] = old - step
        down = f()
        a[k] = old
        g[k] = (up - down) / (2 * step)
    return g


# losses


@pytest.mark.parametrize("name", LOSSES)
def test_gradient_of_each_loss_by_differences(name):
    rng = np.random.default_rng(0)
    z = rng.normal(scale=3, size=(4, 3))
    y = {
        "cross_entropy": np.array([0, 2, 1, 2]),
        "bernoulli": rng.random((4, 3)),
        "mse": rng.normal(size=(4, 3)),
    }[name]
    row = LOSSES[name]
    expected = by_differences(lambda: row.value(z, y).sum(), z)
    np.testing.assert_allclose(row.gradient(row.predict(z), y), expected, rtol=1e-7, atol=1e-9)


def test_losses_by_hand():
    z = np.log([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]]) + [[5.0], [-7.0]]
    np.testing.assert_allclose(LOSSES["cross_entropy"].value(z, np.array([1, 2])), -np.log([0.5, 0.3]))
    p, y = np.array([[0.2, 0.9], [0.5, 0.6]]), np.array([[0, 1], [1, 0]])
    expected = [-np.log(0.8) - np.log(0.9), -np.log(0.5) - np.log(0.4)]
    np.testing.assert_allclose(LOSSES["bernoulli"].value(np.log(p / (1 - p)), y), expected)
    np.testing.assert_allclose(LOSSES["mse"].value(np.array([[1.0, 2.0]]), np.array([[0.0, 5.0]])), [5.0])


@pytest.mark.parametrize("name", ["cross_entropy", "bernoulli"])
def test_huge_log_odds_neither_overflow_nor_lose_the_loss(name):
    z = np.array([[1e4, -1e4, 0.0]], np.float32)
    y = np.array([1]) if name == "cross_entropy" else np.array([[0, 1, 0]], np.float32)
    value = LOSSES[name].value(z, y)
    assert value.dtype == np.float32
    np.testing.assert_allclose(value, 2e4, rtol=1e-4)
    assert np.isfinite(LOSSES[name].predict(z)).all()


# the whole model

CASES = {
    "mse, lengths, gaps in the mask": (RNN, Averages(), {}, 0.0),
    "bernoulli, bidirectional, lengths": (lc.bidirectional(RNN), Averages("bernoulli"), {}, 0.0),
    "cross entropy, one-hot": (LSTM, Cycle(), {}, 0.0),
    "cross entropy, embedding, stack, lengths": (
        lc.stack([LSTM, RNN]), Cycle(padded=True), {"embedding": 3}, 0.0,
    ),
    "dropout between layers and before the read-out": (
        lc.stack([RNN, LSTM], dropout=True), Cycle(padded=True), {"embedding": 2}, 0.4,
    ),
    "a line over depth, without states": (
        GRID.with_options(dims=1, layers=3, tied=True), Parity(bits=4), {}, 0.0,
    ),
    "a lattice, places outside it, dropout": (
        GRID.with_options(dims=3, layers=1), Percolation(rows=3, columns=2, given="by diagonals"), {}, 0.4,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_every_gradient_of_the_model_by_differences(case):
    cell, task, more, dropout = CASES[case]
    model = randomised(Model(cell, task, 3, dropout=dropout, dtype=np.float64, **more))
    batch = task.batch(batch_size=4, dtype=np.float64)
    state = {name: a + 0.1 for name, a in model.run(batch).final.items()} if batch.carries else None

    def forward():
        return model.run(batch, state, rng=np.random.default_rng(5) if dropout else None, grad=True)

    grads = forward().backward()
    assert list(grads) == list(model.params)
    for name, p in model.params.items():
        expected = by_differences(lambda: forward().loss, p)
        np.testing.assert_allclose(grads[name], expected, rtol=1e-6, atol=1e-8, err_msg=name)
    loss, again = model.loss_and_gradients(batch, state, rng=np.random.default_rng(5) if dropout else None)
    assert loss == forward().loss and all(np.array_equal(again[n], grads[n]) for n in grads)


def test_loss_is_the_mean_over_scored_steps_written_out():
    task = Averages()
    model = randomised(Model(LSTM, task, 3, dtype=np.float64))
    batch = task.batch(batch_size=4, dtype=np.float64)
    errors = []
    for b, n in enumerate(batch.lengths):
        run = lc.unroll(LSTM, model._cell_params(), batch.x[:n, b : b + 1])
        for t in range(n):
            if batch.mask[t, b]:
                z = run["h"][t, 0] @ model.params["readout.V"] + model.params["readout.d"]
                errors.append(((z - batch.y[t, b]) ** 2).mean())
    assert 0 < len(errors) < batch.mask.size  # some steps are left out
    assert model.loss(batch) == pytest.approx(np.mean(errors), rel=1e-12)
    assert model.run(batch).scored == len(errors)


def test_a_lattice_is_scored_field_by_field_and_only_within_the_picture():
    task = Percolation(rows=3, columns=2, given="by diagonals")
    model = randomised(Model(GRID.with_options(dims=3, layers=1), task, 3, dtype=np.float64))
    batch = task.batch(batch_size=4, dtype=np.float64)
    p, losses, right = model.predict(batch.x), [], []
    for r, b, c in np.ndindex(3, 4, 2):
        said, wet = p[r + c, b, c, 0], batch.y[r + c, b, c, 0]
        losses.append(-np.log(said if wet else 1 - said))
        right.append((said > 0.5) == wet)
    forward = model.run(batch)
    assert forward.scored == 24 and forward.loss == pytest.approx(np.mean(losses), rel=1e-12)
    assert forward.accuracy == pytest.approx(np.mean(right))
    for mask in (batch.mask[..., 0], batch.mask[1:], batch.mask.astype(int)):
        with pytest.raises(ValueError, match=r"\(T, B, N\) = \(4, 4, 2\)"):
            model.run(replace(batch, mask=mask))


def test_one_hot_is_an_embedding_by_the_identity():
    task = Cycle()
    plain, embedded = (Model(LSTM, task, 5, embedding=e, dtype=np.float64) for e in (None, 4))
    for name, p in plain.params.items():
        embedded.params[name][...] = p
    embedded.params["embedding.E"][...] = np.eye(4)
    batch = task.batch(batch_size=3)
    assert plain.loss(batch) == pytest.approx(embedded.loss(batch), rel=1e-14)
    mine, theirs = (m.loss_and_gradients(batch)[1]["cell.W_f"] for m in (plain, embedded))
    np.testing.assert_allclose(mine, theirs, rtol=1e-12)


@pytest.mark.parametrize("shape", [(7, 3), (1, 1), (0, 4)])
def testsum_rows_equals_add_at(shape):
    rng = np.random.default_rng(0)
    rows, values = rng.integers(0, 5, size=shape), rng.normal(size=(*shape, 2))
    expected = np.zeros((6, 2))
    np.add.at(expected, rows, values)
    np.testing.assert_allclose(sum_rows(rows, values, (6, 2)), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", ["mse", "bernoulli"])
def test_predict_agrees_with_run_and_float32_stays(loss):
    task = Averages(loss)
    model = Model(LSTM, task, 4)
    batch = task.batch(batch_size=3)
    everywhere = model.predict(batch.x, lengths=batch.lengths)
    forward = model.run(batch, grad=True)
    assert everywhere.shape == (5, 3, 2) and everywhere.dtype == np.float32
    np.testing.assert_allclose(forward.prediction, everywhere[batch.mask], rtol=1e-6)
    assert {g.dtype for g in forward.backward().values()} == {np.dtype(np.float32)}
    assert forward.accuracy == pytest.approx(task.correct(everywhere, batch)[batch.mask].mean())


def test_predictions_of_classes_are_probabilities():
    model = Model(RNN, Cycle(), 4, dtype=np.float64)
    np.testing.assert_allclose(model.predict(np.array([[0], [3]])).sum(axis=-1), 1, rtol=1e-14)


# evaluation


def test_evaluate_weighs_batches_by_what_is_scored():
    task = Averages()
    model = randomised(Model(RNN, task, 4, dtype=np.float64))
    metrics = model.evaluate("validation", batches=3, batch_size=5, seed=7)
    stream = task.stream("validation", batch_size=5, seed=7, dtype=np.float64)
    parts = [model.run(next(stream)) for _ in range(3)]
    scored = [p.scored for p in parts]
    assert len(set(scored)) > 1
    assert metrics == Metrics(
        pytest.approx(np.average([p.loss for p in parts], weights=scored)),
        pytest.approx(np.average([p.accuracy for p in parts], weights=scored)),
        sum(scored),
    )
    assert metrics != model.evaluate("train", batches=3, batch_size=5, seed=7)


def test_evaluate_carries_the_state_and_drops_nothing():
    task = Cycle(steps=3)
    model = randomised(Model(LSTM, task, 4, dropout=0.5, dtype=np.float64))
    pieces = [b for b, _ in zip(task.stream("test", batch_size=5), range(4), strict=False)]
    whole = Batch(*(np.concatenate([getattr(p, n) for p in pieces]) for n in ("x", "y", "mask")))
    metrics = model.evaluate(batches=4, batch_size=5)
    assert metrics.loss == pytest.approx(model.loss(whole), rel=1e-12)
    apart = np.mean([model.loss(p) for p in pieces])
    assert abs(apart - metrics.loss) > 1e-3  # the state made a difference


def test_evaluate_on_another_task_needs_the_same_interface():
    model = Model(RNN, Cycle(), 4)
    assert model.evaluate(task=Cycle(steps=20), batches=1, batch_size=2).scored == 40
    with pytest.raises(
        ValueError, match="'cycle' does not fit a model of 'cycle': its input_size is 5, not 4"
    ):
        model.evaluate(task=Cycle(count=5))
    with pytest.raises(ValueError, match="'averages' does not fit"):
        model.evaluate(task=Averages())
    with pytest.raises(ValueError, match="batches=0 does not fit: batches is from 1"):
        model.evaluate(batches=0)
    with pytest.raises(ValueError, match="batches=-1 does not fit: batches is from 1"):
        model.evaluate(batches=-1)
    with pytest.raises(TypeError, match="batches=2.5 does not fit: a whole number is needed"):
        model.evaluate(batches=2.5)
    for task in ("clouds", "adding"):
        with pytest.raises(ValueError, match=f"task '{task}' does not fit a model of 'cycle'"):
            model.evaluate(task=task)
    with pytest.raises(UnknownNameError, match="no task is named 'cloud': did you mean 'clouds'"):
        model.evaluate(task="cloud")
    with pytest.raises(TypeError, match="task=3 does not fit: a Task is needed"):
        model.with_task(3)


def test_a_task_may_be_named():
    model = Model("rnn", "clouds", 4)
    assert model.task == lc.tasks.get("clouds") and model.cell is RNN
    expected = model.evaluate(task=lc.tasks.get("clouds"), batches=1, batch_size=4)
    assert model.evaluate(task="clouds", batches=1, batch_size=4) == expected
    assert model.with_task("clouds").task == model.task
    assert model.with_cell("rnn").params is model.params


# sampling


@pytest.mark.parametrize("cell", [LSTM, lc.stack([RNN, LSTM], dropout=True)], ids=["lstm", "stack"])
@pytest.mark.parametrize("embedding", [None, 3])
def test_sampling_follows_the_predictions_of_unroll(cell, embedding):
    task = Cycle()
    model = randomised(Model(cell, task, 5, embedding=embedding, dropout=0.5, dtype=np.float64))
    prompt, temperature = [0, 2, 1], 0.7
    drawn = model.sample(prompt, 12, temperature=temperature, rng=4)
    rng, text = np.random.default_rng(4), list(prompt)
    for _ in range(12):
        p = model.predict(np.array(text)[:, None])[-1, 0] ** (1 / temperature)
        text.append(int(np.searchsorted(np.cumsum(p / p.sum()), rng.random(), side="right")))
    assert drawn.tolist() == text[3:]
    assert len(set(text)) > 1


def test_temperature_0_takes_the_likeliest_and_small_ones_come_close():
    model = randomised(Model(RNN, Cycle(), 5, dtype=np.float64))
    text = [3]
    for _ in range(8):
        text.append(int(model.predict(np.array(text)[:, None])[-1, 0].argmax()))
    assert model.sample([3], 8, temperature=0).tolist() == text[1:]
    assert model.sample([3], 8, temperature=1e-300, rng=1).tolist() == text[1:]


def test_draws_follow_the_distribution():
    model = randomised(Model(RNN, Cycle(), 5, dtype=np.float64))
    rng = np.random.default_rng(0)
    counts = np.bincount([model.sample([1], 1, rng=rng)[0] for _ in range(1500)], minlength=4)
    p = model.predict(np.array([[1]]))[0, 0]
    assert ((counts - 1500 * p) ** 2 / (1500 * p)).sum() < 16.3  # chi square, 3 degrees of freedom, 0.1 %


def test_text_in_text_out():
    model = Model(RNN, Cycle(), 5)
    text = model.sample("abc", 6)
    assert isinstance(text, str) and len(text) == 6 and set(text) <= set("abcd")
    assert text == model.sample("abc", 6) == model.task.decode(model.sample([0, 1, 2], 6))
    assert model.sample("abc", 0) == ""


def test_sampling_that_cannot_be_is_refused():
    model = Model(RNN, Cycle(), 4)
    with pytest.raises(ValueError, match="prompt must be one or more symbols"):
        model.sample(np.array([], int), 3)
    with pytest.raises(ValueError, match="prompt must hold symbols 0 to 3; got values from 0 to 4"):
        model.sample([0, 4], 3)
    with pytest.raises(UnknownNameError, match="no symbol 'z'"):
        model.sample("az", 3)
    with pytest.raises(ValueError, match="temperature=-1 does not fit"):
        model.sample("a", 3, temperature=-1)
    with pytest.raises(ValueError, match="length=-3 does not fit: length is at least 0"):
        model.sample("a", -3)
    with pytest.raises(TypeError, match="length=2.5 does not fit: a whole number is needed"):
        model.sample("a", 2.5)
    with pytest.raises(TypeError, match="temperature='hot' does not fit: a number is needed"):
        model.sample("a", 2, temperature="hot")
    with pytest.raises(ValueError, match="temperature=nan does not fit"):
        model.sample("a", 2, temperature=float("nan"))
    with pytest.raises(ValueError, match=r"bidirectional\(rnn\) reads from the end too"):
        Model(lc.bidirectional(RNN), Cycle(), 4).sample("a", 3)
    with pytest.raises(ValueError, match="'averages' takes 2 numbers"):
        Model(RNN, Averages(), 4).sample([0], 3)


# dropout


def test_dropout_keeps_the_mean_and_the_share_and_is_seeded():
    model = Model(RNN, Cycle(), 4, dropout=0.25)
    keep = model._kept((200, 100), np.random.default_rng(1))
    assert keep.dtype == np.float32
    assert set(np.unique(keep)) == {0, np.float32(1 / 0.75)}
    assert (keep == 0).mean() == pytest.approx(0.25, abs=0.01)
    assert np.array_equal(keep, model._kept((200, 100), np.random.default_rng(1)))
    assert model._kept((2, 2), None) is None


def test_dropout_acts_between_layers_and_before_the_read_out_only_when_asked():
    task = Cycle()
    cell = lc.stack([LSTM, RNN], dropout=True)
    model = Model(cell, task, 6, dropout=0.5)
    batch = task.batch(batch_size=4)
    on, off = model.run(batch, rng=np.random.default_rng(0)), model.run(batch)
    assert np.array_equal(on.run["0.h"], off.run["0.h"])  # nothing is dropped inside a layer or before it
    assert not np.array_equal(on.run["1.h"], off.run["1.h"])
    assert off.loss == Model(cell, task, 6).run(batch, rng=np.random.default_rng(0)).loss
    undropped = off.run["h"].reshape(-1, 6) @ model.params["readout.V"] + model.params["readout.d"]
    np.testing.assert_allclose(LOSSES["cross_entropy"].predict(undropped), off.prediction, rtol=1e-5)


def test_mask_over_a_bidirectional_layer_has_its_width():
    model = Model(lc.stack([lc.bidirectional(RNN), RNN], dropout=True), Cycle(), 3, dropout=0.5)
    assert model._masks((2, 1), np.random.default_rng(0))["1.mask"].shape == (2, 1, 6)


# what a model is, and what it is not


def test_sizes_names_and_text():
    model = Model("lstm", Cycle(), 8, embedding=3)
    assert {n: p.shape for n, p in model.params.items() if not n.startswith("cell.")} == {
        "embedding.E": (4, 3), "readout.V": (8, 4), "readout.d": (4,),
    }  # fmt: skip
    assert model.parameter_count == LSTM.parameter_count(input_size=3, hidden_size=8) + 12 + 32 + 4
    expected = "Model(lstm: 4 symbols -> 3 -> 8 -> 4 for cycle, cross_entropy; 432 parameters, float32)"
    assert repr(model) == expected
    assert Model(lc.bidirectional(RNN), Averages(), 5).params["readout.V"].shape == (10, 2)


def test_first_parameters_follow_the_seed_and_the_rules():
    models = [
        Model(LSTM, Cycle(), 50, embedding=9, rng=np.random.default_rng(s), dtype=np.float64)
        for s in (0, 0, 1)
    ]
    a, b, c = (m.params for m in models)
    assert all(np.array_equal(a[n], b[n]) for n in a) and not np.array_equal(a["readout.V"], c["readout.V"])
    assert np.abs(a["readout.V"]).max() <= 1 / np.sqrt(50) and np.abs(a["readout.V"]).max() > 0.9 / np.sqrt(
        50
    )
    assert (a["cell.b_f"] == 1).all() and not a["readout.d"].any()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Model("lstn", Cycle(), 4), UnknownNameError, "no cell 'lstn'.*did you mean 'lstm'"),
        (lambda: Model(RNN, Cycle(), 0), ValueError, "hidden_size=0 does not fit: hidden_size is at least 1"),
        (
            lambda: Model(RNN, Cycle(), 4, embedding=0),
            ValueError,
            "embedding=0 does not fit: embedding is at least 1",
        ),
        (
            lambda: Model(RNN, Averages(), 4, embedding=3),
            ValueError,
            "embedding=3 needs symbols; task 'averages'",
        ),
        (lambda: Model(RNN, Cycle(), 4, dropout=1.0), ValueError, "dropout=1.0 does not fit.*1, 1 excluded"),
        (lambda: Model(RNN, Cycle(), 4, dropout="a"), TypeError, "dropout='a' does not fit: a number"),
        (lambda: Model(RNN, Cycle(), "a"), TypeError, "hidden_size='a' does not fit: a whole number"),
        (lambda: Model(RNN, Cycle(), 4.0), TypeError, "hidden_size=4.0 does not fit"),
        (lambda: Model(RNN, Cycle(), 4, embedding="a"), TypeError, "embedding='a' does not fit"),
        (lambda: Model(3, Cycle(), 4), TypeError, "cell=3 does not fit: a Cell is needed, such as"),
        (lambda: Model(RNN, 3, 4), TypeError, "task=3 does not fit: a Task is needed, such as"),
        (lambda: Model(RNN, Cycle, 4), TypeError, "task=<class .*Cycle'> does not fit: a Task is needed"),
        (lambda: Model(RNN, "cloud", 4), UnknownNameError, "no task is named 'cloud': did you mean 'clouds'"),
        (lambda: Model(RNN, Cycle(), 4).with_cell(3), TypeError, "cell=3 does not fit"),
        (
            lambda: Model(RNN, Averages("msee"), 4),
            UnknownNameError,
            "unknown loss 'msee': did you mean 'mse'",
        ),
    ],
)
def test_bad_settings(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_cells_that_need_more_than_a_sequence_are_refused():
    static = lc.static("A")

    @lc.cell
    def attends(x, h, a=static):
        h = lc.tanh(lc.affine("h", h, x, V=a))
        return h

    with pytest.raises(ValueError, match=r"one sequence.*attends takes x \(sequence\), a \(static\)"):
        Model(attends, Cycle(), 4)


def changed(batch, **fields):
    return Batch(**{n: fields.get(n, getattr(batch, n)) for n in Batch.__dataclass_fields__})


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"x": np.full((6, 2), 4)}, ValueError, "x must hold symbols 0 to 3; got values from 4 to 4"),
        ({"x": np.full((6, 2), -1)}, ValueError, "x must hold symbols 0 to 3"),
        ({"x": np.zeros((6, 2))}, TypeError, "x must hold symbols as integers 0 to 3; got float64"),
        ({"y": np.full((6, 2), 9)}, ValueError, "y must hold classes 0 to 3; got values from 9 to 9"),
        ({"mask": np.zeros((6, 2), bool)}, ValueError, "mask is False at every step"),
        (
            {"mask": np.ones((6, 3), bool)},
            ValueError,
            r"mask must be bool, \(T, B\) = \(6, 2\); got bool of shape",
        ),
        ({"mask": np.ones((6, 2))}, ValueError, "mask must be bool.*got float64"),
        ({"lengths": np.array([9, 1])}, ValueError, "lengths holds 9"),
        ({"lengths": np.array([1, 1, 1])}, ShapeError, "lengths has shape"),
    ],
)
def test_batches_that_do_not_fit_are_refused(fields, error, message):
    task = Cycle()
    with pytest.raises(error, match=message):
        Model(RNN, task, 4).run(changed(task.batch(batch_size=2), **fields))
