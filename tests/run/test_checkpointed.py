"""A run that stores states at every k-th step gives what the ordinary run gives, for less memory."""

import tracemalloc

import numpy as np
import pytest
from corner_cells import drawn

import lstmcourse as lc
from lstmcourse.programs.pool import POOL


def both(cell, every, backend="numpy", lengths=None, given=True, T=7):
    """(run, gradients) of the ordinary run and of the other."""
    params, x, options = drawn(cell, T=T, given=given)
    found = []
    for more in ({}, {"checkpoint_every": every}):
        run = lc.unroll(cell, params, x, lengths=lengths, backend=backend, **options, **more)
        rng = np.random.default_rng(1)
        names = dict.fromkeys([*cell.states, *cell.emits])
        g = {k: rng.standard_normal(run[k].shape) for k in names}
        ends = {k: rng.standard_normal(run.final[k].shape) for k in cell.states}
        found.append((run, run.backward(g, ends)))
    assert type(found[1][0]) is lc.CheckpointedRun
    return found


def same(found):
    (a, grads), (b, again) = found
    assert list(a) == list(b) and (a.T, a.B) == (b.T, b.B) and list(grads) == list(again)
    for k in a.cell.names:
        np.testing.assert_allclose(b[k], a[k], rtol=1e-12, atol=1e-12, err_msg=k)
    np.testing.assert_array_equal(b.output, b[b.cell.output])
    assert a.final.keys() == b.final.keys()
    for k in a.final:
        np.testing.assert_allclose(b.final[k], a.final[k], rtol=1e-12, atol=1e-12, err_msg=k)
    for k in grads:
        assert again[k].dtype == grads[k].dtype
        scale = max(1.0, np.abs(grads[k]).max(initial=0))
        np.testing.assert_allclose(again[k], grads[k], rtol=0, atol=1e-12 * scale, err_msg=k)


@pytest.mark.parametrize("every", [1, 2, 6])
@pytest.mark.parametrize("lengths", [None, [7, 0, 2], [3, 3, 1]], ids=str)
@pytest.mark.parametrize("given", [True, False], ids=["given", "zero"])
def test_every_step(every, lengths, given):
    same(both(lc.cells.lstm, every, lengths=lengths and np.array(lengths), given=given))


def test_the_compiled_back_end_too():
    pytest.importorskip("numba")
    found = both(lc.cells.lstm, 3, backend="numba")
    assert {run.backend for run, _ in found} == {"numba"}
    same(found)


def test_what_overflows_does_so_in_the_same_way():
    cell, (params, x, _) = lc.cells.rnn_relu, drawn(lc.cells.rnn_relu, T=9)
    params = {k: v * 1e120 for k, v in params.items()}
    with np.errstate(over="ignore", invalid="ignore"):
        a, b = (lc.unroll(cell, params, x, **k) for k in ({}, {"checkpoint_every": 4}))
        assert np.isnan(a["h"]).any() and np.isfinite(a["h"][0]).all()
        np.testing.assert_array_equal(b["h"], a["h"])
        ga, gb = (run.backward({"h": np.ones((9, 3, 4))}) for run in (a, b))
    for k in ga:
        np.testing.assert_array_equal(np.isfinite(gb[k]), np.isfinite(ga[k]))
    x[0, 0, 0] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        lc.unroll(cell, params, x, checkpoint_every=4)


def test_the_clock_goes_on():
    cell, (params, x, _) = lc.cells.clockwork, drawn(lc.cells.clockwork, T=9)
    start = lc.unroll(cell, params, x[:3]).final
    a, b = (lc.unroll(cell, params, x[3:], state=start, **k) for k in ({}, {"checkpoint_every": 4}))
    np.testing.assert_allclose(b["h"], a["h"], atol=1e-14)
    assert a.final["t"] == b.final["t"] == 9


def test_memory_is_what_the_documentation_says():
    """Numbers a step and sequence: m for an ordinary run and its backward pass, d for the output."""
    T, B, D, H, k = 1600, 4, 1, 64, 40
    params, x, _ = drawn(lc.cells.lstm, T=T, B=B, D=D, H=H)
    dh = np.ones((T, B, H))

    def peak(**how):
        POOL.clear()
        tracemalloc.start()
        lc.unroll(lc.cells.lstm, params, x, **how).backward({"h": dh}, inputs=False)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used / 8 / (T * B * H)

    lc.unroll(lc.cells.lstm, params, x[:2], checkpoint_every=1).backward({"h": dh[:2]}, inputs=False)
    ordinary, checkpointed = peak(), peak(checkpoint_every=k)
    assert ordinary > 10 and checkpointed < 2, (ordinary, checkpointed)


def test_no_gradients_where_none_were_wanted():
    params, x, _ = drawn(lc.cells.rnn, T=7)
    run = lc.unroll(lc.cells.rnn, params, x, checkpoint_every=2, grad=False)
    with pytest.raises(ValueError, match="grad=False"):
        run.backward({"h": np.ones((7, 3, 4))})


def test_what_is_refused():
    params, x, _ = drawn(lc.cells.rnn, T=7)
    for every in (0, -1, 2.0, True, "3"):
        with pytest.raises((TypeError, ValueError), match="checkpoint_every="):
            lc.unroll(lc.cells.rnn, params, x, checkpoint_every=every)
    both_ways = lc.bidirectional(lc.cells.rnn)
    params, x, _ = drawn(both_ways, T=7)
    with pytest.raises(ValueError, match="both directions"):
        lc.unroll(both_ways, params, x, checkpoint_every=2)
    params, x, _ = drawn(lc.cells.rnn, T=3)
    assert type(lc.unroll(lc.cells.rnn, params, x, checkpoint_every=3)) is lc.Run
    assert lc.unroll(lc.cells.rnn, params, x[:0], checkpoint_every=3)["h"].shape == (0, 3, 4)
    with pytest.raises(lc.UnknownNameError, match="no 'q'"):
        lc.unroll(lc.cells.rnn, params, x, checkpoint_every=1)["q"]
