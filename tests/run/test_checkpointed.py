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


WITHIN = {
    "lstm": (lc.cells.lstm, "numpy", False),
    "padded": (lc.stack([lc.cells.gru, lc.cells.rnn]), "numpy", True),
    "a matrix": (lc.cells.mlstm, "numpy", False),
    "compiled": (lc.cells.lstm, "numba", True),
}


@pytest.mark.parametrize("name", WITHIN)
def test_a_run_stays_within_the_memory_that_is_stated(name):
    cell, backend, padded = WITHIN[name]
    if backend == "numba":
        pytest.importorskip("numba")
    T, B, H = 300, 4, 16
    params, x, options = drawn(cell, T=T, B=B, D=2, H=H)
    options |= {"backend": backend} | {"lengths": np.array([T, T // 3, 0, T - 1])} if padded else {}
    rng = np.random.default_rng(0)

    def measured(**how):
        """(steps between checkpoints, gradients, most bytes in use)."""
        POOL.clear()
        tracemalloc.start()
        run = lc.unroll(cell, params, x, **options, **how)
        grads = run.backward({cell.output: dh})
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return getattr(run, "_every", T), grads, used

    dh = rng.standard_normal(lc.unroll(cell, params, x, **options).output.shape)
    with pytest.raises(ValueError, match="memory_limit=1: .* needs [0-9]+ bytes") as caught:
        lc.unroll(cell, params, x, checkpoint_every="auto", memory_limit=1, **options)
    least = int(str(caught.value).partition("needs ")[2].split()[0])
    lc.unroll(cell, params, x, checkpoint_every=7, **options).backward({cell.output: dh})  # programs are made
    _, plain, full = measured()
    for limit in (least, 2 * full):
        every, grads, used = measured(checkpoint_every="auto", memory_limit=limit)
        assert used <= limit, (used, limit, every)
        assert limit < 2 * full or every == T, every
        for key in plain:
            scale = max(1.0, np.abs(plain[key]).max())
            np.testing.assert_allclose(grads[key], plain[key], rtol=0, atol=1e-11 * scale)
    assert least < full


def test_what_is_asked_for_badly():
    params, x, _ = drawn(lc.cells.rnn, T=7)
    for bad, words in {
        ("auto", None): "needs memory_limit=",
        ("auto", 0): "memory_limit=0 does not fit",
        ("auto", "1 GB"): "memory_limit='1 GB' does not fit",
        (3, 10**6): "goes with checkpoint_every='auto'",
        (None, 10**6): "goes with checkpoint_every='auto'",
        ("often", None): "checkpoint_every='often'",
    }.items():
        every, limit = bad
        with pytest.raises((TypeError, ValueError), match=words):
            lc.unroll(lc.cells.rnn, params, x, checkpoint_every=every, memory_limit=limit)
    with pytest.raises(ValueError, match="'reference'"):
        lc.unroll(lc.cells.rnn, params, x, checkpoint_every="auto", memory_limit=10**6, backend="reference")


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
