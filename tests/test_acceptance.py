"""Acceptance: what the engine must carry. A toy cell with everything in it, and a two-layer soft attention.

For both: complex-step gradients for everything, and `unroll` equals a plain loop over `Cell.step`.
"""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import numpy as np
import pytest
from checking import check_gradients, plain_loop, random_params

import lstmcourse as lc


def first_q(a):
    """A state that starts from a static input."""
    return lc.tanh(lc.affine("q0", W=lc.mean(a, -2)))


@lc.cell
def toy(
    x,
    h,
    s=lc.state("K", init="learned"),
    m=lc.state("H", "K"),
    q=lc.state("H", init=first_q),
    a=lc.static("L", "A"),
    eps=lc.noise("K"),
    t=lc.clock,
):
    """Static input, noise, clock, outputs of other sizes, learned and computed starts, a nested cell."""
    h_new, q_new = lc.cells.lstm(lc.concat(x, eps), h, q, scope="enc")
    scored = lc.tanh(a @ lc.param("W_a", "A", "N") + lc.expand(lc.affine("e", U=h, size="N"), -2))
    e = lc.sum(scored * lc.param("v", "N", init="glorot"), -1)
    alpha = lc.softmax(e)
    context = lc.sum(lc.expand(alpha, -1) * a, -2)
    s = lc.where(t % 2 == 0, lc.sigmoid(lc.affine("s", U=s, W=context, V=h_new, size="K")), s)
    m = 0.5 * m + lc.expand(h_new, -1) * lc.expand(s, -2)
    y = lc.affine("y", U=h_new, V=s, size="Y") + lc.affine("y2", W=lc.sum(m, -2), size="Y")
    return h_new, s, m, q_new, y, alpha


@lc.cell
def attention(x, h, c, a=lc.static("L", "A")):
    """Soft attention over L annotations, scored by two layers (Bahdanau et al. 2015; Xu et al. 2015)."""
    first = lc.tanh(a @ lc.param("W_1", "A", "N") + lc.expand(lc.affine("q", U=h, size="N"), -2))
    second = lc.tanh(first @ lc.param("W_2", "N", "N") + lc.param("b_2", "N"))
    e = lc.sum(second * lc.param("v", "N", init="glorot"), -1)
    alpha = lc.softmax(e)
    context = lc.sum(lc.expand(alpha, -1) * a, -2)
    h, c = lc.cells.lstm(lc.concat(x, context), h, c, scope="dec")
    return h, c, alpha, context


SIZES = {"toy": {"K": 2, "L": 3, "A": 4, "N": 5, "Y": 3}, "attention": {"L": 3, "A": 4, "N": 3}}
T, B, D, H = 4, 2, 2, 3


def drawn(cell, seed=0):
    rng = np.random.default_rng(seed)
    sizes = SIZES[cell.name]
    params = random_params(cell, rng, 0.4, input_size=D, hidden_size=H, sizes=sizes)
    inputs = {"a": rng.standard_normal((B, sizes["L"], sizes["A"]))}
    if cell is toy:
        inputs["eps"] = rng.standard_normal((T, B, sizes["K"]))
    known = {"H": H} | sizes
    state = {
        s.name: rng.standard_normal((B, *(d.value(known) for d in s.prev.shape))) for s in cell.graph.states
    }
    return params, rng.standard_normal((T, B, D)), inputs, state


BOTH = pytest.mark.parametrize("cell", [toy, attention], ids=lambda c: c.name)


@BOTH
def test_unroll_equals_a_plain_loop_over_steps(cell):
    params, x, inputs, state = drawn(cell)
    starts = [None, state] + ([state | {"t": 5}] if cell is toy else [])
    for start in starts:
        run = lc.unroll(cell, params, x, state=start, **inputs)
        values, last = plain_loop(cell, params, x, inputs=inputs, state=start)
        for name in cell.names:
            np.testing.assert_allclose(run[name], values[name], atol=1e-14, err_msg=name)
        assert set(run.final) == set(last)
        for name in last:
            np.testing.assert_allclose(run.final[name], last[name], atol=1e-14, err_msg=name)


def test_starts_of_the_toy_cell_are_its_own():
    params, x, inputs, _ = drawn(toy)
    none = lc.unroll(toy, params, x[:0], a=inputs["a"], eps=inputs["eps"][:0])
    np.testing.assert_allclose(none.final["s"], np.tile(params["s_0"], (B, 1)))
    q = np.tanh(inputs["a"].mean(1) @ params["W_q0"] + params["b_q0"])
    np.testing.assert_allclose(none.final["q"], q, atol=1e-15)
    assert np.all(none.final["h"] == 0) and none.final["t"] == 0 and np.any(none.final["s"])


def test_the_clock_decides_when_the_toy_cell_changes_s():
    params, x, inputs, _ = drawn(toy)
    s = lc.unroll(toy, params, x, **inputs)["s"]
    assert np.all(s[1] == s[0]) and np.all(s[3] == s[2]) and np.all(s[2] != s[1])
    later = lc.unroll(toy, params, x, state={"t": 1}, **inputs)["s"]
    assert np.all(later[0] == params["s_0"]) and np.all(later[1] != later[0])


@BOTH
@pytest.mark.parametrize("lengths", [None, [0, 3]], ids=["full", "lengths"])
@pytest.mark.parametrize("given", [False, True], ids=["own start", "given start"])
def test_gradients_of_everything_by_complex_step(cell, lengths, given):
    params, x, inputs, state = drawn(cell)
    lengths = None if lengths is None else np.array(lengths)
    run, grads = check_gradients(
        cell, params, x, inputs=inputs, state=state if given else None, lengths=lengths
    )
    names = {*params, "x", "a", *(f"{s}0" for s in cell.states)} | ({"eps"} if cell is toy else set())
    assert set(grads) == names
    assert set(grads.params) == set(params) and set(grads.states) == {f"{s}0" for s in cell.states}
    if not given:
        assert all(np.any(grads[k] != 0) for k in params), "every parameter takes part"


@BOTH
def test_gradient_of_one_output_alone(cell):
    params, x, inputs, _ = drawn(cell, 1)
    for name in cell.emits:
        check_gradients(cell, params, x, inputs=inputs, outputs=[name], final=False)
    check_gradients(cell, params, x, inputs=inputs, outputs=[], final=True)


@BOTH
def test_two_chunks_are_one_run(cell):
    """Also the clock goes on, and states that start in their own way do so once."""
    params, x, inputs, _ = drawn(cell, 2)
    parts = [{k: v[t] if k == "eps" else v for k, v in inputs.items()} for t in (slice(0, 3), slice(3, None))]
    whole = lc.unroll(cell, params, x, **inputs)
    first = lc.unroll(cell, params, x[:3], **parts[0])
    second = lc.unroll(cell, params, x[3:], state=first.final, **parts[1])
    for name in cell.names:
        np.testing.assert_allclose(np.concatenate([first[name], second[name]]), whole[name], atol=1e-14)
    ends = {s: np.random.default_rng(0).standard_normal(whole.final[s].shape) for s in cell.states}
    late = second.backward(final=ends)
    early = first.backward(final={s: late[f"{s}0"] for s in cell.states})
    all_at_once = whole.backward(final=ends)
    for k in (*params, "a"):
        np.testing.assert_allclose(early[k] + late[k], all_at_once[k], atol=1e-13)
    np.testing.assert_allclose(np.concatenate([early["x"], late["x"]]), all_at_once["x"], atol=1e-13)


def test_attention_weights_are_weights():
    params, x, inputs, _ = drawn(attention)
    run = lc.unroll(attention, params, x, **inputs)
    assert run["alpha"].shape == (T, B, 3) and np.all(run["alpha"] > 0)
    np.testing.assert_allclose(run["alpha"].sum(-1), 1, atol=1e-14)
    np.testing.assert_allclose(
        run["context"], np.einsum("tbl,bla->tba", run["alpha"], inputs["a"]), atol=1e-14
    )
    alike = inputs | {"a": np.repeat(inputs["a"][:, :1], 3, axis=1)}
    np.testing.assert_allclose(lc.unroll(attention, params, x, **alike)["alpha"], 1 / 3, atol=1e-14)


@BOTH
def test_composites_of_the_acceptance_cells(cell):
    """On top of another cell, and under one; what the inner cell is given keeps its name under a prefix."""
    params, x, inputs, _ = drawn(cell)
    deep = lc.stack([lc.cells.rnn, cell])
    rng = np.random.default_rng(3)
    sizes = SIZES[cell.name]
    p = random_params(deep, rng, 0.4, input_size=D, hidden_size=H, sizes=sizes)
    given = {f"1.{k}": v for k, v in inputs.items()}
    run = lc.unroll(deep, p, x, inputs=given)
    below = lc.unroll(lc.cells.rnn, {k[2:]: v for k, v in p.items() if k.startswith("0.")}, x)
    above = lc.unroll(cell, {k[2:]: v for k, v in p.items() if k.startswith("1.")}, below["h"], **inputs)
    np.testing.assert_allclose(run["h"], above["h"], atol=1e-14)
    check_gradients(deep, p, x, inputs=given, outputs=["h"])
