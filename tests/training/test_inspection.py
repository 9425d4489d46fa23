"""Probes find what was planted, and interventions change what they say and nothing else."""

import itertools

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.training.inspection import patch, pin, probe, rewrite, silence


@pytest.fixture(scope="module")
def model():
    return lc.Model(lc.cells.lstm, lc.tasks.Agreement(), hidden_size=6, rng=1, dtype=np.float64)


@pytest.fixture(scope="module")
def x(model):
    return model.task.batch(batch_size=3, seed=2).x


# ----------------------------------------------------------------------------------------------------- probes


def best_by_trying(values, labels):
    """The best balanced accuracy of any threshold, by trying all of them, in both directions."""
    cuts = [-np.inf, *((a + b) / 2 for a, b in itertools.pairwise(np.unique(values)))]
    shares = []
    for cut in cuts:
        said = values > cut
        share = (np.mean(said[labels]) + np.mean(~said[~labels])) / 2
        shares += [share, 1 - share]
    return max(shares)


@pytest.mark.parametrize("seed", range(20))
def test_a_probe_finds_the_best_threshold_there_is(seed):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((15, 5))
    values[:, 3] = rng.integers(0, 3, 15)  # with equals
    values[:, 4] = 1.0  # all equal
    labels = rng.random(15) < 0.4
    labels[:2] = True, False
    found = probe(values, labels)
    for k in range(5):
        assert found.accuracy[k] == pytest.approx(best_by_trying(values[:, k], labels))
    assert found.score(values, labels) == pytest.approx(found.accuracy)


def test_a_probe_finds_the_unit_in_which_a_property_was_planted():
    rng = np.random.default_rng(0)
    labels = rng.random(400) < 0.3
    values = rng.standard_normal((400, 8))
    values[:, 5] = np.where(labels, -1.0, 2.0) + 0.3 * values[:, 5]
    found = probe(values[:200], labels[:200])
    assert found.order[0] == 5 and not found.above[5] and 0 < found.threshold[5] < 1
    new = found.score(values[200:], labels[200:])
    assert new[5] > 0.97 and np.all(np.abs(np.delete(new, 5) - 0.5) < 0.15)


@pytest.mark.parametrize(
    ("values", "labels", "words"),
    [
        (np.ones(3), np.array([True, False, True]), "give (N, H)"),
        (np.ones((3, 2)), np.array([1, 0, 1]), "labels is int64"),
        (np.ones((3, 2)), np.ones(3, bool), "of 3 labels 3 are True"),
    ],
)
def test_a_probe_refuses_what_it_cannot_use(values, labels, words):
    with pytest.raises(ValueError) as said:
        probe(values, labels)
    assert words in str(said.value)


# --------------------------------------------------------------------------------------------- interventions


def by_hand(params, x, gates=None, changes=None):
    """An LSTM in plain NumPy; gates[t] says what to do to (f, i, o), changes[t] to the state after step t."""
    sigmoid = lambda a: 1 / (1 + np.exp(-a))
    p = {k.removeprefix("cell."): v for k, v in params.items()}
    h, c = np.zeros((2, x.shape[1], len(p["U_f"])))
    said = []
    for t, words in enumerate(x):
        v = np.eye(len(p["W_f"]))[words]
        f, i, o = (sigmoid(v @ p[f"W_{k}"] + h @ p[f"U_{k}"] + p[f"b_{k}"]) for k in "fio")
        g = np.tanh(v @ p["W_g"] + h @ p["U_g"] + p["b_g"])
        if gates and t in gates:
            gates[t](f, i, o)
        c = f * c + i * g
        h = o * np.tanh(c)
        z = h @ p["readout.V"] + p["readout.d"]
        said.append(np.exp(z) / np.exp(z).sum(axis=-1, keepdims=True))
        if changes and t in changes:
            h, c = changes[t](h, c)
    return np.array(said)


def test_the_plain_program_agrees_where_nothing_is_changed(model, x):
    assert model.predict(x) == pytest.approx(by_hand(model.params, x), abs=1e-12)


def test_pinned_gates_stand_still_and_all_else_goes_on(model, x):
    pinned = pin(pin(model, "f", 1.0, [1, 4]), "i", 0.25, 2)

    def hold(f, i, o):
        f[:, [1, 4]] = 1.0
        i[:, 2] = 0.25

    assert pinned.predict(x) == pytest.approx(
        by_hand(model.params, x, gates=dict.fromkeys(range(len(x)), hold)), abs=1e-12
    )
    assert np.all(pin(model, "o", 0.0, 3).unroll(x)["o"][..., 3] < 1e-80)


def test_other_weights_at_some_steps_only(model, x):
    at = np.zeros(len(x), bool)
    at[[0, 3, 4, len(x) - 1]] = True

    def hold(f, i, o):
        f[:, 2] = 0.0

    said = patch(model, pin(model, "f", 0.0, 2), x, at)
    assert said == pytest.approx(
        by_hand(model.params, x, gates=dict.fromkeys(np.flatnonzero(at), hold)), abs=1e-12
    )
    whole = patch(model, model.with_cell(model.cell.override(f=1.0)), x, np.ones(len(x), bool))
    assert whole == pytest.approx(model.with_cell(model.cell.override(f=1.0)).predict(x), abs=1e-12)


def test_a_state_that_is_rewritten(model, x):
    def flip(state):
        state["c"][:, 1] *= -1
        return state

    def flipped(h, c):
        c = c.copy()
        c[:, 1] *= -1
        return h, c

    said = rewrite(model, x, 5, flip)
    assert said == pytest.approx(by_hand(model.params, x, changes={5: flipped}), abs=1e-12)
    assert said[:6] == pytest.approx(model.predict(x)[:6], abs=1e-12)
    assert np.abs(said[6:] - model.predict(x)[6:]).max() > 1e-3


def test_a_silenced_unit_has_no_effect_whatever_its_state(model, x):
    quiet = silence(model, [0, 3])

    def disturb(state):
        for name in ("h", "c"):
            state[name][:, [0, 3]] = 9.0
        return state

    assert rewrite(quiet, x, 4, disturb) == pytest.approx(quiet.predict(x), abs=1e-12)
    assert np.abs(quiet.predict(x) - model.predict(x)).max() > 1e-3
    only = silence(model, 0, ["readout.V"])
    assert np.array_equal(only.unroll(x)["h"], model.unroll(x)["h"])


def test_nothing_changes_the_model_itself(model, x):
    before = {name: p.copy() for name, p in model.params.items()}
    silence(model, 1), pin(model, "f", 0.5, 1), patch(model, silence(model, 1), x, np.ones(len(x), bool))
    assert all(np.array_equal(before[name], p) for name, p in model.params.items())


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda m, x: pin(m, "z", 1.0, 0), "the model has no cell.W_z"),
        (lambda m, x: pin(m, "f", 1.5, 0), "between 0, shut, and 1, open"),
        (lambda m, x: pin(m, "f", 1.0, 6), "units 0 to 5"),
        (lambda m, x: pin(m, "f", 1.0, 0.5), "whole numbers"),
        (lambda m, x: silence(m, 0, ["readout.d"]), "no row for each"),
        (lambda m, x: patch(m, m, x, np.ones(2, bool)), "of shape (2,)"),
        (lambda m, x: rewrite(m, x, len(x) - 1, dict), "a later step has to read"),
        (lambda m, x: m.with_cell(lc.cells.rnn), "differ"),
        (lambda m, x: m.with_params({"cell.W_z": x}), "the model has no 'cell.W_z'"),
        (lambda m, x: m.with_params({"cell.b_f": np.zeros(3)}), "of shape (3,)"),
    ],
)
def test_what_does_not_fit_is_refused(model, x, wrong, words):
    with pytest.raises(ValueError) as said:
        wrong(model, x)
    assert words in str(said.value)


def test_a_state_may_be_changed_in_place_or_in_part():
    """None is what a function returns that changes its argument: nothing starts anew from zero."""
    model = lc.Model(lc.cells.lstm, lc.tasks.get("agreement"), hidden_size=4, rng=0)
    x = model.task.encode("the queen is tired")[:, None]

    def in_place(states):
        states["c"] *= 2.0

    whole = lc.inspection.rewrite(model, x, 1, lambda s: {"h": s["h"], "c": 2.0 * s["c"]})
    assert np.abs(whole[2:] - model.predict(x)[2:]).max() > 1e-6
    for change in (in_place, lambda s: {"c": 2.0 * s["c"]}):
        np.testing.assert_allclose(lc.inspection.rewrite(model, x, 1, change), whole, atol=1e-6)
    same = lc.inspection.rewrite(model, x, 1, lambda s: None)
    np.testing.assert_allclose(same, model.predict(x), atol=1e-6)
    with pytest.raises(TypeError, match=r"change\(states\)=3 .*dict of the states to go on with, or None"):
        lc.inspection.rewrite(model, x, 1, lambda s: 3)
    other = lc.Model(lc.cells.rnn, model.task, hidden_size=4, rng=0)
    at = np.array([False, True, False, False])
    for one, two in ((model, other), (other, model)):
        with pytest.raises(ValueError, match="goes on from the same states"):
            lc.inspection.patch(one, two, x, at)
