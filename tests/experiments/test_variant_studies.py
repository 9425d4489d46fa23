"""What the studies of variants measure with: a residual stack, and how long a unit remembers."""

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.cells.depth_gating import residual
from lstmcourse.experiments import load
from lstmcourse.experiments.studies import reading


def test_a_residual_stack_adds_what_each_upper_layer_shows_to_what_it_reads():
    cell, rng = residual(3), np.random.default_rng(0)
    params = cell.init(3, 4, rng=rng, dtype=np.float64)
    x = rng.standard_normal((5, 2, 3))
    h = x
    for k in range(3):
        layer = {n.removeprefix(f"{k}."): p for n, p in params.items() if n.startswith(f"{k}.")}
        shown = lc.unroll(lc.cells.peephole, layer, h)["h"]
        h = h + shown if k else shown
    assert np.abs(lc.unroll(cell, params, x)["h"] - h).max() < 1e-14


def test_a_unit_that_keeps_a_constant_share_has_the_span_of_a_geometric_series():
    model = reading.gru_reader(0, steps=(0, 0))
    bias = np.linspace(-3, 2, model.hidden_size)
    params = {name: p.copy() for name, p in model.params.items()}
    for name in ("cell.U_z", "cell.U_r", "cell.U_g", "cell.W_z"):
        params[name][:] = 0
    params["cell.b_z"][:] = bias
    found = reading.spans(model.with_params(params), lc.reader.rows(6).x)
    kept = 1 / (1 + np.exp(bias))  # 1 - z
    np.testing.assert_allclose(found, sum(kept**k for k in range(1, reading.AHEAD + 1)), atol=1e-4)


def test_ranks_decide_a_rank_correlation():
    a = np.array([0.1, 5.0, 2.0, 100.0])
    assert np.isclose(reading.rank_correlation(a, np.exp(a / 50)), 1)
    assert np.isclose(reading.rank_correlation(a, -a), -1)


@pytest.mark.parametrize(
    ("name", "cell"),
    [("plain_against_lstm", "rnn"), ("plain_against_lstm", "lstm"), ("gru_at_equal_size", "gru")],
)
@pytest.mark.parametrize("task", ["adding", "copy", "temporal_order", "embedded_reber"])
def test_at_equal_size_the_best_rate_lies_within_the_grid(name, cell, task):
    study, which = load(name), {"task": task, "cell": cell}
    rates, _ = study.over("learning_rate", "loss", **which)
    assert rates.min() < study.best(by="loss", **which) < rates.max()


def test_of_a_gru_that_starts_shut_too():
    study = load("gru_that_starts_shut")
    rates, _ = study.over("learning_rate", "loss", task="temporal_order")
    assert rates.min() < study.best(by="loss", task="temporal_order") < rates.max()
