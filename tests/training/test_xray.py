"""X-rays of runs: the two ways add up to the whole, which is the run's own gradient."""

import numpy as np
import pytest
from corner_cells import CELLS
from test_contract import arguments

import lstmcourse as lc

CELLS = {name: lc.cells.get(name) for name in lc.cells.names()} | CELLS
CHAINS = {n: c for n, c in CELLS.items() if c.states and not any(s.reverse for s in c.graph.states)}


def seen(cell, sequence=1, **how):
    params, x, options = arguments(cell, **how)
    run = lc.unroll(cell, params, x, **options)
    return run, lc.xray(run, sequence)


def flat(a):
    return a.reshape(len(a), -1)


@pytest.mark.parametrize("name", CHAINS)
def test_both_ways_add_up_to_the_gradient_of_the_run(name):
    run, found = seen(CHAINS[name], T=4, offset=3, given=True)
    scale = max(1.0, *(np.abs(a).max(initial=0.0) for a in found.total.values()))
    for pair, whole in found.total.items():
        np.testing.assert_allclose(found.belt[pair] + found.through[pair], whole, rtol=0, atol=1e-13 * scale)
    for of in found.states:
        shape = run.final[of].shape
        for j in range(flat(run.final[of]).shape[1]):
            seed = np.zeros((shape[0], flat(run.final[of]).shape[1]))
            seed[1, j] = 1.0
            back = run.backward(final={of: seed.reshape(shape)})
            for by in found.states:
                want = flat(back[f"{by}0"])[1]
                np.testing.assert_allclose(found[of, by][0, j], want, rtol=0, atol=1e-12 * scale)


def running(factors):
    """Products of the factors (T, H) from each step to the end, on diagonals (T + 1, H, H)."""
    ends = np.cumprod(np.vstack([np.ones_like(factors[:1]), factors[::-1]]), axis=0)[::-1]
    return np.stack([np.diag(row) for row in ends])


def test_the_belt_is_what_the_papers_say():
    run, found = seen(lc.cells.lstm)
    np.testing.assert_allclose(found.belt["c", "c"], running(run["f"][:, 1]), rtol=1e-13)
    h = np.zeros((5, 4))
    c = run["c"][-1, 1]
    h = running(run["f"][:, 1])[:-1] * (run["o"][-1, 1] * (1 - np.tanh(c) ** 2))[:, None]
    np.testing.assert_allclose(found.belt["h", "c"][:-1], h, rtol=1e-13)
    run, found = seen(lc.cells.gru)
    np.testing.assert_allclose(found.belt["h", "h"], running(1 - run["z"][:, 1]), rtol=1e-13)
    run, found = seen(lc.cells.rnn)
    assert not found.belt["h", "h"][:-1].any() and found.through["h", "h"][:-1].all()


def test_peepholes_are_on_the_belt():
    """They multiply element by element: the derivative of c_t to c_{t-1}, written out for one step."""
    cell = lc.cells.peephole
    params, x, options = arguments(cell, T=1, given=True)
    run = lc.unroll(cell, params, x, **options)
    f, i, g, c = (run[k][0, 0] for k in "figc")
    before = options["state"]["c"][0]
    slope = f + before * f * (1 - f) * params["p_f"] + g * i * (1 - i) * params["p_i"]
    np.testing.assert_allclose(lc.xray(run).belt["c", "c"][0], np.diag(slope), rtol=1e-12)
    assert c.shape == before.shape


def test_a_sequence_that_has_ended_is_seen_up_to_its_end():
    params, x, options = arguments(lc.cells.lstm)
    short = lc.unroll(lc.cells.lstm, params, x[:3], **options)
    run = lc.unroll(lc.cells.lstm, params, x, **options, lengths=np.array([5, 3, 0]))
    np.testing.assert_array_equal(lc.xray(run, 1)["c", "h"], lc.xray(short, 1)["c", "h"])
    assert lc.xray(run, 2)["c", "c"].shape == (1, 4, 4)


def test_sizes_are_one_for_the_identity_and_a_plot_shows_all_three():
    _, found = seen(lc.cells.lstm)
    sizes = found.sizes("c", "c")
    assert sizes["total"][-1] == sizes["belt"][-1] == 1.0 and sizes["through"][-1] == 0.0
    want = np.sqrt((found["c", "c"][2] ** 2).sum() / 4)
    assert sizes["total"][2] == pytest.approx(want, rel=1e-14)
    (axes,) = found.plot().axes
    assert len(axes.lines) == 3 and axes.get_yscale() == "log"
    for line, part in zip(axes.lines, ("total", "belt", "through"), strict=True):
        drawn = np.where(sizes[part] > 0, sizes[part], np.nan)  # a logarithm has no place for 0
        np.testing.assert_array_equal(line.get_ydata(), drawn, err_msg=part)


def test_what_has_no_chain_is_refused():
    params, x, options = arguments(lc.bidirectional(lc.cells.rnn))
    run = lc.unroll(lc.bidirectional(lc.cells.rnn), params, x, **options)
    with pytest.raises(ValueError, match="run: .* reads sequences backwards"):
        lc.xray(run)
    with pytest.raises(ValueError, match="sequence=3"):
        lc.xray(seen(lc.cells.rnn)[0], 3)
    with pytest.raises(TypeError, match="run='lstm'"):
        lc.xray("lstm")
    with pytest.raises(lc.UnknownNameError, match="pair='x' does not fit"):
        seen(lc.cells.rnn)[1]["h", "x"]
    with pytest.raises(TypeError, match="pair='h'"):
        seen(lc.cells.rnn)[1]["h"]


def test_complex_numbers_stay_complex():
    params = {k: p.astype(np.complex128) for k, p in lc.cells.rnn.init(2, 3, rng=0, dtype=np.float64).items()}
    x = np.random.default_rng(0).standard_normal((4, 1, 2, 2)) @ [1, 1j]
    run = lc.unroll(lc.cells.rnn, params, x)
    want, found = np.eye(3), lc.xray(run)
    for t in reversed(range(4)):
        want = want @ ((1 - run["h"][t, 0] ** 2)[:, None] * params["U_h"].T)
        np.testing.assert_allclose(found["h", "h"][t], want, rtol=1e-12)
    assert found.sizes("h", "h")["total"].dtype == np.float64 and abs(want.imag).max() > 0.01
