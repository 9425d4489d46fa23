"""The clockwork RNN: units keep their values between their ticks, and what is due is counted.

That its programs and gradients are right is a matter of the contract (test_contract.py).
"""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import numpy as np
import pytest
from checking import random_params
from corner_cells import CELLS

import lstmcourse as lc

PERIODS = [(1, 2, 4, 8), (8, 4, 2, 1), (2, 3, 7), (6, 1, 4), (1,), (5,), (3, 2, 3, 1), (2, 2)]


def table_of(name):
    return lc.cells.clockwork.with_options(periods=name)


def test_units_between_ticks_keep_their_value_exactly():
    rng, cell = np.random.default_rng(5), table_of((1, 3, 4))
    run = lc.unroll(cell, random_params(cell, rng, 1.0, 2, 6), rng.standard_normal((12, 2, 2)))
    for t in range(1, 12):
        same = (run["h"][t] == run["h"][t - 1]).all(axis=0)
        np.testing.assert_array_equal(same, t % np.repeat([1, 3, 4], 2) != 0)


def test_a_named_equation_is_there_for_units_that_are_not_due():
    rng, cell = np.random.default_rng(6), table_of((1, 2))
    p = random_params(cell, rng, 1.0, 2, 4)
    x = rng.standard_normal((5, 3, 2))
    run = lc.unroll(cell, p, x)
    before = np.concatenate([np.zeros((1, 3, 4)), run["h"][:-1]])
    M = np.kron(np.tril(np.ones((2, 2))), np.ones((2, 2)))
    np.testing.assert_allclose(
        run["a"], np.tanh(x @ p["W_h"] + before @ (p["U_h"] * M) + p["b_h"]), atol=1e-14
    )


@pytest.mark.parametrize("periods", PERIODS, ids=str)
def test_any_periods(periods):
    """Sorted or not, one that divides all others or not; the clock in two pieces."""
    rng, cell = np.random.default_rng(2), table_of(periods)
    p = random_params(cell, rng, 1.0, 2, 9)
    x = rng.standard_normal((13, 2, 2))
    run = lc.unroll(cell, p, x)
    due = np.arange(13)[:, None] % lc.cells.clockwork_rnn.unit_periods(9, periods) == 0
    before = np.concatenate([np.zeros((1, 2, 9)), run["h"][:-1]])
    M = lc.cells.clockwork_rnn.slow_to_fast(9, periods)
    a = np.tanh(x @ p["W_h"] + before @ (p["U_h"] * M) + p["b_h"])
    np.testing.assert_allclose(run["h"], np.where(due[:, None], a, before), atol=1e-13)
    first = lc.unroll(cell, p, x[:5])
    second = lc.unroll(cell, p, x[5:], state=first.final)
    np.testing.assert_allclose(second["h"], run["h"][5:], atol=1e-13)
    assert second.final["t"] == 13


# Counts


@pytest.mark.parametrize("g", [1, 2, 4, 7])
@pytest.mark.parametrize("k", [1, 3])
def test_operations_of_powers_of_two(g, k):
    """k² Σ (g - i) / 2^i, exactly k² (2 g - 2 + 2^(1-g)): a little over the bound that the paper prints."""
    cell = table_of(tuple(2**i for i in range(g)))
    counted = cell.operations(5, g * k, 2 ** (g - 1))
    assert (
        counted.mean == k * k * sum((g - i) / 2**i for i in range(g)) == k * k * (2 * g - 2 + 2.0 ** (1 - g))
    )
    assert counted.mean > k * k * (2 * g - 2)
    assert counted.every == k * k * g * (g + 1) // 2 and counted.input == 5 * g * k
    assert counted.total == counted.recurrent.sum()
    assert counted.share == counted.mean / counted.every


def test_operations_of_other_cells():
    lstm = lc.cells.lstm.operations(3, 5, 7)
    assert lstm.mean == lstm.every == 4 * 5 * 5 and lstm.input == 4 * 3 * 5 and lstm.total == 7 * 100
    assert lc.cells.rnn.operations(3, 5, 0).total == 0 and lc.cells.rnn.operations(3, 5, 0).share == 1.0
    both = lc.bidirectional(table_of((1, 2))).operations(3, 4, 2)
    one = table_of((1, 2)).operations(3, 4, 2)
    assert both.total == 2 * one.total and both.input == 2 * one.input
    deep = lc.stack([table_of((1, 2)), lc.cells.lstm]).operations(3, 4, 2)
    assert deep.total == one.total + 2 * 64 and deep.input == one.input + 64
    with pytest.raises(ValueError, match="steps=-1 does not fit"):
        lc.cells.rnn.operations(3, 5, -1)
    with pytest.raises(ValueError, match="hidden_size"):
        lc.cells.rnn.operations(3)


@lc.cell
def every_third(x, h, t=lc.clock):
    """All units at once, by a condition without an axis for units."""
    a = lc.tanh(lc.affine("h", h, x))
    h = lc.where(t % 3 == 0, 0.5 * h + 0.5 * a, h)
    return h


@lc.cell
def linear(x, h, t=lc.clock):
    """No slope between the choice and the product."""
    h = lc.where(t % lc.table("T", lambda H: 1.0 + np.arange(H), "H") == 0, lc.affine("h", h, x), h)
    return h


@lc.cell
def heard(x, h, t=lc.clock):
    """What is computed is emitted too, and so is wanted at every step."""
    a = lc.tanh(lc.affine("h", h, x))
    h = lc.where(t % lc.table("T", lambda H: 1.0 + np.arange(H), "H") == 0, a, h)
    return h, a


def test_what_is_due_is_found_in_any_equations():
    """By whatever a value is chosen, if the clock alone decides; not where it is read elsewhere too."""
    third = every_third.operations(2, 5, 7)
    assert third.recurrent.tolist() == [25, 0, 0, 25, 0, 0, 25]
    ticks = np.arange(12)[:, None] % np.arange(1, 6) == 0
    assert linear.operations(2, 5, 12).recurrent.tolist() == (5 * ticks.sum(1)).tolist()
    assert heard.operations(2, 5, 12).mean == 25, "what is emitted is wanted at every step"
    pairs = np.arange(12)[:, None] % (1 + np.arange(5) // 2) == 0
    belt = CELLS["belt"].operations(2, 5, 12)
    assert belt.recurrent.tolist() == (2 * 5 * pairs.sum(1)).tolist() and belt.every == 50
    thirds = np.arange(12)[:, None] % (1 + np.arange(5) % 3) == 0
    slow = CELLS["slow_reader"].operations(2, 5, 12)
    assert slow.recurrent.tolist() == (2 * 5 * thirds.sum(1) + 2 * 25).tolist() and slow.every == 100
    two = CELLS["two_clocks"].operations(2, 5, 12)
    assert two.recurrent.tolist() == (2 * 5 * ticks.sum(1) + 50 * (np.arange(12) % 2 == 0)).tolist()
