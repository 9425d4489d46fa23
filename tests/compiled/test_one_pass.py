"""A state that enters element by element alone: gates, states and gradients are one pass over all steps."""

import numpy as np
import pytest

import lstmcourse as lc

pytest.importorskip("numba")


@lc.cell
def decayed(x, h, s=lc.state("H", init="learned"), a=lc.static("H"), t=lc.clock):
    """Two states, the second of which reads the first; one layer of a gate's, a clock, a static input."""
    f = lc.sigmoid(lc.affine("f", W=x))
    g = lc.tanh(lc.affine("g", W=x) + lc.param("W_2", "H", init="glorot"))
    h = f * h + (1.0 - f) * g * a
    s = lc.where(t % 2 == 0, lc.exp(-lc.softplus(lc.affine("d", W=x))) * s + h * g, s)
    return h, s


@lc.cell
def in_logs(x, h):
    """A decay given as a log, beside which 0 and 1 are too coarse; and a state that is not linear."""
    a = -lc.softplus(lc.affine("a", W=x))
    h = lc.tanh(lc.exp(a) * h + (1.0 - lc.exp(a)) * lc.affine("g", W=x))
    return h


CELLS = {c.name: c for c in (lc.cells.min_gru, lc.cells.min_lstm, decayed, in_logs)}
T, B, D, H = 7, 3, 2, 5


def given(cell, steps=T, size=1.0):
    rng = np.random.default_rng(0)
    params = cell.init(D, H, rng=rng, dtype=np.float64)
    params = {k: size * rng.standard_normal(v.shape) for k, v in params.items()}
    more = {"inputs": {"a": rng.standard_normal((B, H))}} if cell is decayed else {}
    return params, rng.standard_normal((steps, B, D)), more


def outcome(cell, params, x, backend, more):
    run = lc.unroll(cell, params, x, backend=backend, **more)
    assert run.backend == backend
    rng = np.random.default_rng(1)
    grads = run.backward(
        {s: rng.standard_normal((len(x), B, H)) for s in cell.states},
        {s: rng.standard_normal((B, H)) for s in cell.states},
    )
    return {name: run[name] for name in cell.names} | dict(grads)


@pytest.mark.parametrize("name", ["min_gru", "min_lstm", "in_logs"])
def test_all_that_is_done_element_by_element_is_in_one_loop(name):
    """Outside it are products, sums over steps, and copies of parameters."""
    made = CELLS[name].compiled(dtype=np.dtype(np.float64))
    for program, whole in ((made.forward, "once product loop"), (made.backward(("h",))[0], "loop all_steps")):
        kinds = [f.name.split("_", 1)[1] for f in program.functions]
        assert " ".join(kinds).startswith(whole) and sum(f.loop for f in program.functions) == 1
        parts = program.text.split("\ndef ")
        assert all("for k in" not in part for part in parts if "_loop(" not in part)


def test_what_the_loop_makes_for_one_product_lies_side_by_side():
    """The gradients of gate and candidate are made where the products read them, and nothing is copied."""
    program = lc.cells.min_gru.compiled(dtype=np.dtype(np.float64)).backward(("h",))[0]
    assert set(program.buffers) == {"d_h", "d_a", "d_b", "d_x", "d_W"}


def test_a_loop_that_holds_a_product_takes_in_nothing():
    def step(x, h):
        e = lc.tanh(lc.affine("e", W=x))
        h = lc.tanh(lc.affine("h", U=h) + e)
        return h

    program = lc.cell(step).compiled(dtype=np.dtype(np.float64)).forward
    outside = program.text.partition("def forward_loop")[0]
    assert "tanh(" in outside


@pytest.mark.parametrize("steps", [0, 1, T])
@pytest.mark.parametrize("name", CELLS)
def test_values_and_gradients_are_those_of_the_reference(name, steps):
    cell = CELLS[name]
    params, x, more = given(cell, steps)
    lengths = [None, np.array([steps, 0, steps // 2])]
    for size in lengths:
        found = outcome(cell, params, x, "numba", more | {"lengths": size})
        for k, right in outcome(cell, params, x, "reference", more | {"lengths": size}).items():
            np.testing.assert_allclose(
                found[k], right, rtol=0, atol=1e-13 * max(1, abs(right).max(initial=0))
            )


@pytest.mark.parametrize("size", [30.0, 1e4])
@pytest.mark.parametrize("name", ["min_gru", "min_lstm", "in_logs"])
def test_far_out_too(name, size):
    params, x, _ = given(CELLS[name], size=size)
    found, right = (outcome(CELLS[name], params, x, b, {}) for b in ("numba", "reference"))
    assert all(np.isfinite(v).all() for v in found.values())
    for k, v in right.items():
        np.testing.assert_allclose(found[k], v, rtol=1e-11, atol=1e-13 * abs(v).max(), err_msg=k)
