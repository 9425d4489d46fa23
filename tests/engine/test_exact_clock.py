"""The clock is a whole number, and exact at any step: float32 alone would lose it from 2**24 on."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import math

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.run.backends import backends

STARTS = [0, 2**24 - 3, 2**24, 2**24 + 1, 2**31 - 2, 2**53 - 9]
BACKENDS = [*backends(), "reference"]


@lc.cell
def ticking(x, h, t=lc.clock):
    """Conditions by remainder and by comparison, a phase, tables in a condition; each with a gradient."""
    due = t % 3 == 1
    late = (t > 2**24) & ~(t == 2**31)
    turn = t % lc.table("T", lambda H: 1.0 + np.arange(H), "H") == 0.0
    phase = lc.sin(t * 0.001)
    third = lc.where(due, 1.0, 0.0)
    after = lc.where(late, 1.0, 0.0)
    h = lc.where(turn, lc.tanh(lc.affine("h", h, x)) * phase, h + third + after * lc.param("w", "H"))
    return h, third, after, phase


def given(steps, dtype, width=4):
    params = ticking.init(input_size=2, hidden_size=width, rng=0, dtype=dtype)
    return params, np.random.default_rng(1).normal(size=(steps, 2, 2)).astype(dtype)


def check(values, start, dtype):
    """Against Python's whole numbers, and its sine of the true product."""
    ticks = [start + k for k in range(len(values["third"]))]
    assert values["third"].ravel().tolist() == [t % 3 == 1 for t in ticks for _ in range(2)]
    assert values["after"].ravel().tolist() == [t > 2**24 and t != 2**31 for t in ticks for _ in range(2)]
    if "turn" in values:
        expected = [[[t % n == 0 for n in range(1, 5)]] * 2 for t in ticks]
        assert values["turn"].tolist() == expected
    phases = np.array([math.sin(t * 0.001) for t in ticks])
    room = float(np.finfo(dtype).eps)
    np.testing.assert_allclose(values["phase"][:, 0, 0], phases, rtol=0, atol=room)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("every", [None, 2])
def test_conditions_and_phases_are_exact_at_any_step(start, backend, dtype, every):
    params, x = given(7, dtype)
    run = lc.unroll(ticking, params, x, state={"t": start}, backend=backend, checkpoint_every=every)
    assert run.backend == backend and run.final["t"] == start + 7 and type(run.final["t"]) is int
    check({k: run[k] for k in ("third", "after", "turn", "phase")}, start, dtype)
    grads = run.backward({"h": np.ones_like(run["h"])})
    for k in range(1, 5):  # w counts where its unit only adds up, until the unit computes anew
        adds = [start + n > 2**24 and start + n != 2**31 and (start + n) % k != 0 for n in range(7)]
        assert (grads["w"][k - 1] != 0) == any(adds)


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_the_clock_alone_decides_ends_with_each_sequence(backend):
    params, x = given(7, np.float64)
    ends = np.array([3, 7])
    run = lc.unroll(ticking, params, x, state={"t": 2**24}, lengths=ends, backend=backend)
    alone = [lc.unroll(ticking, params, x[:n, [b]], state={"t": 2**24}) for b, n in enumerate(ends)]
    for name in ("third", "after", "turn", "phase", "h"):
        for b, n in enumerate(ends):
            np.testing.assert_allclose(run[name][:n, b], alone[b][name][:, 0], rtol=1e-12)
        if name != "h":  # a state stays
            assert not run[name][3:, 0].any()
    grads = run.backward({"h": np.ones((7, 2, 4)), "phase": np.ones((7, 2, 1))})
    inside = [r.backward({"h": np.ones_like(r["h"])}) for r in alone]
    stays = [r.backward(final={"h": np.full((1, 4), 7.0 - n)}) for r, n in zip(alone, ends, strict=True)]
    for name in ("W_h", "U_h", "b_h", "w"):
        want = sum(a[name] for a in (*inside, *stays))
        np.testing.assert_allclose(grads[name], want, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("start", STARTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_runs_that_go_on_and_single_steps_are_the_whole_run(start, dtype):
    params, x = given(7, dtype)
    whole = lc.unroll(ticking, params, x, state={"t": start})
    first = lc.unroll(ticking, params, x[:3], state={"t": start})
    second = lc.unroll(ticking, params, x[3:], state=first.final)
    np.testing.assert_array_equal(np.concatenate([first["third"], second["third"]]), whole["third"])
    np.testing.assert_allclose(second["h"], whole["h"][3:], rtol=1e-5)
    state, found = {"t": start}, []
    for x_t in x:
        step = ticking.step(params, x_t, state)
        found.append({k: step[k] for k in ("third", "after", "turn", "phase")})
        state = {k: step[k] for k in ("h", "t")}
    assert state["t"] == start + 7
    check({k: np.stack([f[k] for f in found]) for k in found[0]}, start, dtype)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_clockwork_network_computes_what_is_due(backend):
    """Beyond 2**24 every second tick would be taken for the one before it."""
    cell = lc.cells.clockwork.with_options(periods=(1, 2, 3, 5))
    params = cell.init(input_size=2, hidden_size=4, rng=0, dtype=np.float32)
    start = 2**24 + 7
    h = lc.unroll(cell, params, given(9, np.float32)[1], state={"t": start}, backend=backend)["h"]
    changed = (np.diff(h, axis=0) != 0).all(axis=1)
    assert changed.tolist() == [[(start + n) % T == 0 for T in (1, 2, 3, 5)] for n in range(1, 9)]


def test_the_clock_ends_where_it_would_not_be_exact():
    params, x = given(3, np.float32)
    assert lc.unroll(ticking, params, x, state={"t": 2**53 - 3}).final["t"] == 2**53
    with pytest.raises(ValueError, match=r"state 't' is 9007199254740990 and goes on for T = 3 steps"):
        lc.unroll(ticking, params, x, state={"t": 2**53 - 2})
    with pytest.raises(ValueError, match="exact up to"):
        ticking.step(params, x[0], {"t": 10**30})
