"""Units that are not due are passed over: what comes out is the same, and the work is less.

The lowering is generic (`passes.due`), so it is tested on the clockwork RNN and on cells that no paper has:
several states, a state read element by element, a condition for all units at once.
"""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import functools
import re

import numpy as np
import pytest
from checking import check_gradients, random_params

import lstmcourse as lc
from lstmcourse import operations, runtime
from lstmcourse.cell import Cell
from lstmcourse.runtime import due_units, outer, outer_due

PERIODS = [(1, 2, 4, 8), (8, 4, 2, 1), (2, 3, 7), (6, 1, 4), (1,), (5,), (3, 2, 3, 1), (2, 2)]


def table_of(name):
    return lc.cells.clockwork.with_options(periods=name)


@lc.cell
def clockwork_lstm(x, h, c, t=lc.clock):
    """Two states under one clock; four products with one operand, which stay one product for all units."""
    T = lc.table("T", lambda H: 1.0 + np.arange(H) // 2, "H")
    due = t % T == 0.0
    f = lc.sigmoid(lc.affine("f", h, x))
    i = lc.sigmoid(lc.affine("i", h, x))
    o = lc.sigmoid(lc.affine("o", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    c = lc.where(due, f * c + i * g, c)
    h = lc.where(due, o * lc.tanh(c) + 0.1 * h, h)
    return h, c


@lc.cell
def belt(x, h, c, t=lc.clock):
    """Two states under one clock, both of them multiplied, and read element by element as well."""
    due = t % lc.table("T", lambda H: 1.0 + np.arange(H) // 2, "H") == 0.0
    i = lc.sigmoid(lc.affine("i", h, x))
    g = lc.tanh(lc.affine("g", U=c))
    c = lc.where(due, 0.9 * c + i * g, c)
    h = lc.where(due, lc.tanh(c) + 0.1 * h, h)
    return h, c


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


@lc.cell
def slow_reader(x, h, s, t=lc.clock):
    """A state with a clock, and one without that reads what was just computed."""
    T = lc.table("T", lambda H: 1.0 + np.arange(H) % 3, "H")
    h = lc.where(t % T == 0, lc.tanh(lc.affine("h", h, x, V=s)), h)
    s = lc.sigmoid(lc.affine("s", U=s, V=h))
    return h, s


@lc.cell
def two_clocks(x, h, s, t=lc.clock):
    """Two states that read each other, each with a clock of its own."""
    a = lc.tanh(lc.affine("h", h, x, V=s))
    b = lc.tanh(lc.affine("s", U=s, V=h))
    h = lc.where(t % lc.table("T", lambda H: 1.0 + np.arange(H), "H") == 0, a, h)
    s = lc.where(t % 2 == 0, b, s)
    return h, s


OWN = [clockwork_lstm, belt, every_third, linear, heard, slow_reader, two_clocks]
SEVERAL = {
    "stack": lc.stack([table_of((1, 2, 4)), lc.cells.rnn, table_of((2, 1))]),
    "bidirectional": lc.bidirectional(table_of((1, 2, 3))),
    **{c.name: c for c in OWN},
}


def compare(monkeypatch, cell, x, p, g=None, tolerance=1e-12, **more):
    """Run a cell with the lowering and without; everything that can be asked for is the same to rounding."""
    rng = np.random.default_rng(1)
    results, compiled = [], Cell.compiled
    monkeypatch.setattr(operations, "RUNS", 1e9)
    cell._cache.clear()
    for due in (True, False):
        monkeypatch.setattr(Cell, "compiled", functools.partialmethod(compiled, due=due))
        run = lc.unroll(cell, p, x, **more)
        assert bool(run._programs.forward.due) <= due
        g = g or {
            k: rng.standard_normal(run[k].shape).astype(run[k].dtype) for k in (*cell.states, *cell.emits)
        }
        ends = {k: np.full_like(run.final[k], 0.5) for k in cell.states}
        values = {k: np.array(run[k]) for k in cell.names} | {f"final {k}": run.final[k] for k in run.final}
        values |= {f"d {k}": v for k, v in run.backward(g, ends).items()}
        values |= {f"d {k}, the last only": v for k, v in run.backward({}, ends).items()}
        results.append(values)
        monkeypatch.setattr(Cell, "compiled", compiled)
    assert results[0].keys() == results[1].keys()
    for k, expected in results[1].items():
        np.testing.assert_allclose(results[0][k], expected, rtol=0, atol=tolerance, err_msg=k)
        assert np.asarray(results[0][k]).dtype == np.asarray(expected).dtype
    cell._cache.clear()
    return results[0]


@pytest.mark.parametrize("padded", [False, True], ids=["whole", "lengths"])
@pytest.mark.parametrize("seed", range(20))
def test_a_clockwork_run_is_that_of_the_plain_program(monkeypatch, seed, padded):
    """Periods and sizes at random, states and clock given, T from 0."""
    rng = np.random.default_rng(seed)
    m = int(rng.integers(1, 6))
    periods, sizes = (tuple(int(v) for v in rng.integers(1, high, m)) for high in (9, 4))
    cell = lc.cells.clockwork.with_options(periods=periods, sizes=sizes)
    T, B = (0 if seed == 3 else int(rng.integers(1, 20))), int(rng.integers(1, 4))
    p = random_params(cell, rng, 1.0, 2, sum(sizes))
    x, state = rng.standard_normal((T, B, 2)), {"h": rng.standard_normal((B, sum(sizes)))}
    more = {"lengths": rng.integers(0, T + 1, B)} if padded else {}
    if seed % 2:
        state["t"] = int(rng.integers(0, 9))
    if padded and T:
        x[np.arange(T)[:, None] >= more["lengths"]] = np.nan
    compare(monkeypatch, cell, x, p, state=state, **more)


@pytest.mark.parametrize("padded", [False, True], ids=["whole", "lengths"])
@pytest.mark.parametrize("name", SEVERAL)
def test_other_cells_too(monkeypatch, name, padded):
    cell, rng = SEVERAL[name], np.random.default_rng(7)
    p = random_params(cell, rng, 1.0, 2, 5)
    x = rng.standard_normal((9, 3, 2))
    compare(monkeypatch, cell, x, p, **({"lengths": np.array([9, 0, 5])} if padded else {}))
    compare(monkeypatch, cell, x[:, :1], p, **({"lengths": np.array([4])} if padded else {}))


def test_single_precision_stays_single(monkeypatch):
    rng = np.random.default_rng(0)
    cell = table_of((1, 2, 4, 8))
    p = {k: v.astype(np.float32) for k, v in random_params(cell, rng, 0.3, 3, 12).items()}
    compare(monkeypatch, cell, rng.standard_normal((20, 4, 3)).astype(np.float32), p, tolerance=1e-4)


@pytest.mark.parametrize("periods", PERIODS, ids=str)
def test_step_by_step(periods):
    """The author's equations, one step after another, as the reference does them."""
    rng, cell = np.random.default_rng(2), table_of(periods)
    p = random_params(cell, rng, 1.0, 2, 9)
    x = rng.standard_normal((13, 2, 2))
    run = lc.unroll(cell, p, x)
    plain = lc.unroll(cell, p, x, backend="reference")
    for k in ("h", "a"):
        np.testing.assert_allclose(run[k], plain[k], atol=1e-13)
    assert run.final["t"] == plain.final["t"] == 13
    # in two pieces, the clock carried on
    first = lc.unroll(cell, p, x[:5])
    second = lc.unroll(cell, p, x[5:], state=first.final)
    np.testing.assert_allclose(second["h"], run["h"][5:], atol=1e-13)


@pytest.mark.parametrize("periods", PERIODS, ids=str)
def test_gradients_of_clockwork(periods):
    """Against the complex step, which runs the same programs on complex numbers."""
    rng, cell = np.random.default_rng(3), table_of(periods)
    p = random_params(cell, rng, 0.5, 2, 5)
    state = {"h": rng.standard_normal((2, 5)), "t": 3}
    check_gradients(cell, p, rng.standard_normal((7, 2, 2)), state=state)
    check_gradients(cell, p, rng.standard_normal((7, 2, 2)), lengths=np.array([7, 4]))


@pytest.mark.parametrize("name", SEVERAL)
def test_gradients_of_other_cells(name):
    rng, cell = np.random.default_rng(4), SEVERAL[name]
    check_gradients(cell, random_params(cell, rng, 0.5, 2, 4), rng.standard_normal((6, 2, 2)))
    check_gradients(
        cell, random_params(cell, rng, 0.5, 2, 4), rng.standard_normal((6, 2, 2)), lengths=np.array([6, 2])
    )


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


# That work is left out


def inner_loops(text):
    return re.findall(r"for n, k in due\[t\]:\n((?: {12}.*\n)+)", text)


def test_the_text_says_what_is_left_out():
    forward, back = (lc.cells.clockwork.source(backward=b) for b in (False, True))
    (inner,) = inner_loops(forward)
    assert "np.matmul(h[t, :, n], U_h_M[n, k], out=h_k)" in inner and "np.tanh(h_k, out=h_k)" in inner
    outside = forward.replace(inner, "").split("for t in range(T):")[1]
    assert "matmul" not in outside and "dot" not in outside and "tanh(" not in outside.replace("= tanh(", "")
    first, second = inner_loops(back)
    assert "np.multiply(d_h_k, slope_a[t, :, k], out=d_a[t, :, k])" in first and "matmul" not in first
    assert "np.matmul(d_a[t, :, k], U_h_M_T_rows[k, n], out=a_n)" in second
    assert "d_a[...] = 0\n" in back.split("for t in reversed(range(T)):")[0]


@pytest.mark.parametrize("cell", [belt, every_third, linear], ids=lambda c: c.name)
def test_products_of_other_cells_are_in_the_inner_loop(cell):
    """No product is left outside, forwards or backwards."""
    for back in (False, True):
        text = cell.compiled().backward(tuple(cell.states))[0].text if back else cell.source()
        loop = re.search(r"\n    for t in .*\n((?: {8}.*\n)+)", text)[1]
        outside = re.sub(r"for n, k in due(?:_2)?\[t\]:\n(?: {12}.*\n)+", "", loop)
        assert "matmul(" in loop and "matmul(" not in outside and "dot(" not in outside


@pytest.mark.parametrize("cell", [lc.cells.rnn, lc.cells.lstm, heard, clockwork_lstm], ids=lambda c: c.name)
def test_programs_without_such_work_stay_as_they_are(cell):
    """No clock, a value that is wanted at every step, merged products: the forward text is the plain one."""
    assert cell.compiled().forward.text == cell.compiled(due=False).forward.text
    assert not cell.compiled().forward.due


def test_a_run_multiplies_what_operations_says(monkeypatch):
    """By counting the multiplications that NumPy is asked for in the loop."""
    cell, T, B = table_of((1, 2, 3, 6)), 24, 2
    p = cell.init(3, 11, 0)
    run = lc.unroll(cell, p, np.ones((T, B, 3), np.float32))
    done = []

    class Counting:
        def __getattr__(self, name):
            return getattr(np, name)

        @staticmethod
        def matmul(a, b, out):
            done.append(a.shape[0] * a.shape[1] * b.shape[1])
            return np.matmul(a, b, out=out)

    counted = cell.operations(3, 11, T)
    program = run._programs
    for function in (program.run, program.backward(("h",))[1]):
        monkeypatch.setitem(function.__globals__, "np", Counting())
    again = lc.unroll(cell, p, np.ones((T, B, 3), np.float32))
    assert sum(done) == B * counted.performed.sum() and counted.performed.min() < 11 * 11 / 2
    done.clear()
    again.backward({"h": np.ones((T, B, 11), np.float32)})
    assert sum(done) == B * counted.performed.sum()


@pytest.mark.parametrize("masked", [False, True])
def test_due_units_cover_what_is_due_and_what_feeds_it(masked):
    rng = np.random.default_rng(0)
    for width in (1, 2, 7):
        for T in (0, 1, 30):
            condition = rng.random((T, 1, width)) < 0.5
            mask = (rng.random((width, width)) < 0.4).astype(float) if masked else None
            found = due_units(condition, width, mask)
            assert len(found) == T
            for t, runs in enumerate(found):
                units = [j for _, k in runs for j in range(k.start, k.stop)]
                assert units == np.flatnonzero(condition[t, 0]).tolist()
                for n, k in runs:
                    feeding = np.flatnonzero(
                        np.ones(width) if mask is None else (mask[:, k] != 0).any(axis=1)
                    )
                    assert set(feeding) <= set(range(n.start, n.stop))


def test_outer_due_is_outer(monkeypatch):
    rng = np.random.default_rng(0)
    condition = np.arange(12)[:, None, None] % np.array([1, 1, 3, 2, 20, 3]) == 0
    condition[0, 0, 4] = False  # a unit that is never due
    a, b = rng.standard_normal((12, 3, 4)), rng.standard_normal((12, 3, 6)) * condition
    monkeypatch.setattr(runtime, "FEW", 0)
    for out in (None, np.full((4, 6), np.nan)):
        np.testing.assert_allclose(outer_due(a, b, due_units(condition, 6), out=out), outer(a, b), atol=1e-14)


def test_weight_gradients_without_the_steps_that_are_not_due(monkeypatch):
    monkeypatch.setattr(runtime, "FEW", 0)
    test_a_clockwork_run_is_that_of_the_plain_program(monkeypatch, 11, False)
    test_gradients_of_clockwork((2, 3, 7))


def test_scattered_units_are_all_computed():
    """Where runs would be many and short, the plain program is the faster one, and is taken."""

    @lc.cell
    def scattered(x, h, t=lc.clock):
        T = lc.table("T", lambda H: 1.0 + np.arange(H) % 2, "H")
        h = lc.where(t % T == 0, lc.tanh(lc.affine("h", h, x)), h)
        return h

    for H, few in ((2, True), (64, False)):
        run = lc.unroll(scattered, scattered.init(1, H, 0), np.ones((3, 1, 1), np.float32))
        assert bool(run._programs.forward.due) is few
        performed = scattered.operations(1, H, 4).performed.tolist()
        assert performed == ([4, 2, 4, 2] if few else [H * H] * 4)


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
    assert counted.total == counted.recurrent.sum() and (counted.recurrent <= counted.performed).all()
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
    with pytest.raises(ValueError, match="whole number"):
        lc.cells.rnn.operations(3, 5, -1)
    with pytest.raises(ValueError, match="hidden_size"):
        lc.cells.rnn.operations(3)
