"""What the studies of grids rest on: a line run through time is the grid, and pictures are counted right."""

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.cells import grids
from lstmcourse.experiments.define import hidden_size_for
from lstmcourse.experiments.studies import sums
from lstmcourse.experiments.studies.grids import DEPTH_RATES, LENGTH_RATES, LINE_RATES, LINES, Line
from lstmcourse.experiments.studies.lattices import whole_pictures
from lstmcourse.tasks import Parity, Percolation


@pytest.mark.parametrize("kind", ["lstm", "tanh", "relu"])
def test_a_line_is_the_tied_grid_of_one_dimension(kind):
    line, rng = LINES[kind], np.random.default_rng(0)
    whole = lc.cells.grid.with_options(dims=1, layers=5, tied=True, depth=kind)
    p = {n: rng.normal(size=a.shape) for n, a in line.init(4, 3, rng=0, dtype=np.float64).items()}
    inside = {n: a for n, a in p.items() if n not in ("W_h", "W_m")}
    own = {("0.depth." + n if kind == "lstm" else f"0.{n[0]}_depth"): a for n, a in inside.items()}
    own |= {n: p[n] for n in ("W_h", "W_m") if n in p}
    own |= {n.replace("W", "b"): np.zeros(3) for n in ("W_h", "W_m") if n in p}
    x = np.zeros((5, 2, 4))
    x[0] = rng.normal(size=(2, 4))
    expected = lc.unroll(whole, own, x[:1])["h"][0]
    np.testing.assert_allclose(lc.unroll(line, p, x)["h"][-1], expected, rtol=1e-12)


def test_a_residual_line_adds_to_what_comes_in():
    rng = np.random.default_rng(0)
    p = {n: rng.normal(size=a.shape) for n, a in LINES["residual"].init(2, 3, rng=0).items()}
    x = np.zeros((4, 1, 2))
    x[0] = rng.normal(size=(1, 2))
    h = x[0] @ p["W_h"]
    for _ in range(4):
        h = h + np.tanh(h @ p["W_d"] + p["b_d"])
    np.testing.assert_allclose(lc.unroll(LINES["residual"], p, x)["h"][-1], h, rtol=1e-12)


def test_the_bits_of_a_line_come_in_at_the_border_and_the_end_is_read_out():
    plain, line = (t.batch("test", batch_size=20, seed=3) for t in (Parity(bits=6), Line(bits=6, layers=4)))
    assert np.array_equal(line.x[0], plain.x[0]) and not line.x[1:].any()
    assert np.array_equal(line.y[-1], plain.y[0]) and line.mask.sum() == line.mask[-1].sum() == 20


@pytest.mark.parametrize("layers", [24, 48])
@pytest.mark.parametrize("kind", LINES)
def test_no_better_rate_of_a_line_lies_outside(kind, layers):
    stored = lc.experiments.load("depth_of_a_line")
    rates, updates = stored.over("learning_rate", "updates", kind=kind, layers=layers)
    assert tuple(rates) == DEPTH_RATES[kind]
    learnt = np.isfinite(updates).sum(axis=1)
    assert max(learnt[0], learnt[-1]) < learnt.max()


@pytest.mark.parametrize("kind", LENGTH_RATES)
def test_the_rate_of_a_line_is_the_one_that_was_found(kind):
    best = lc.experiments.load("line_rates").best(by="spent", kind=kind)
    assert best == LENGTH_RATES[kind]
    assert LINE_RATES[kind][0] < best < LINE_RATES[kind][-1]


@pytest.mark.parametrize("given", ["by rows", "by diagonals"])
def test_a_picture_counts_where_every_field_is_right(given, monkeypatch):
    task = Percolation(rows=3, columns=4, given=given)
    cell = lc.cells.grid.with_options(dims=3, layers=1) if given == "by diagonals" else lc.cells.rnn
    model = lc.Model(cell, task, 2)
    said = Percolation(rows=5, columns=4).batch("test", batch_size=500, seed=1).y
    said[2, :60, 3] = 1 - said[2, :60, 3]  # one field of sixty pictures
    if given == "by diagonals":
        laid = grids.skewed(said)[..., None]
        laid[~grids.skewed(np.ones(said.shape, bool))] = 0.7  # what is said outside the picture
    monkeypatch.setattr(model, "predict", lambda x: laid if given == "by diagonals" else said)
    assert whole_pictures(model, rows=5, columns=4, seed=1) == pytest.approx(440 / 500)


@pytest.mark.parametrize("kind", sums.KINDS)
def test_networks_that_add_have_as_many_parameters(kind):
    cell = sums.network(kind)
    hidden = hidden_size_for(cell, sums.TASK, sums.PARAMETERS)
    assert 0.95 < lc.Model(cell, sums.TASK, hidden).parameter_count / sums.PARAMETERS <= 1


@pytest.mark.parametrize("kind", sums.KINDS)
def test_networks_that_add_have_the_same_rates_and_the_best_inside(kind):
    study = lc.experiments.load("adding_numbers")
    rates, _ = study.over("learning_rate", "validation", kind=kind)
    assert tuple(rates) == sums.RATES
    assert rates[0] < study.best(by="validation", highest=True, kind=kind) < rates[-1]


def test_a_sum_counts_that_is_right_in_every_figure():
    class Adder:
        def predict(self, x):
            """Right, but the last figure of each even sum is taken for a 0."""
            a, b = (10 * x[k] + x[k + 1] for k in (0, 3))
            y = np.zeros((len(x), x.shape[1], 10))
            for place, power in enumerate((100, 10, 1), start=5):
                figure = (a + b) // power % 10
                figure = np.where((place == 7) & ((a + b) % 2 == 0), 0, figure)
                y[place, np.arange(x.shape[1]), figure] = 1
            return y

    x = sums.TASK.batch("test", batch_size=1000, seed=1).x
    total = 10 * (x[0] + x[3]) + x[1] + x[4]
    assert sums.exact(Adder(), "test") == np.mean((total % 2 == 1) | (total % 10 == 0))
