"""What two cells with everything in them do: beside the contract, what they are made for."""

import numpy as np
from corner_cells import attention, drawn, toy

import lstmcourse as lc

T, B, D, H = 4, 2, 2, 3


def given(cell):
    params, x, options = drawn(cell, T=T, B=B, D=D, H=H)
    return params, x, options["inputs"]


def test_starts_of_the_toy_cell_are_its_own():
    params, x, inputs = given(toy)
    none = lc.unroll(toy, params, x[:0], a=inputs["a"], eps=inputs["eps"][:0])
    np.testing.assert_allclose(none.final["s"], np.tile(params["s_0"], (B, 1)))
    q = np.tanh(inputs["a"].mean(1) @ params["W_q0"] + params["b_q0"])
    np.testing.assert_allclose(none.final["q"], q, atol=1e-15)
    assert np.all(none.final["h"] == 0) and none.final["t"] == 0 and np.any(none.final["s"])


def test_the_clock_decides_when_the_toy_cell_changes_s():
    params, x, inputs = given(toy)
    s = lc.unroll(toy, params, x, **inputs)["s"]
    assert np.all(s[1] == s[0]) and np.all(s[3] == s[2]) and np.all(s[2] != s[1])
    later = lc.unroll(toy, params, x, state={"t": 1}, **inputs)["s"]
    assert np.all(later[0] == params["s_0"]) and np.all(later[1] != later[0])


def test_attention_weights_are_weights():
    params, x, inputs = given(attention)
    run = lc.unroll(attention, params, x, **inputs)
    assert run["alpha"].shape == (T, B, 3) and np.all(run["alpha"] > 0)
    np.testing.assert_allclose(run["alpha"].sum(-1), 1, atol=1e-14)
    np.testing.assert_allclose(
        run["context"], np.einsum("tbl,bla->tba", run["alpha"], inputs["a"]), atol=1e-14
    )
    alike = inputs | {"a": np.repeat(inputs["a"][:, :1], 3, axis=1)}
    np.testing.assert_allclose(lc.unroll(attention, params, x, **alike)["alpha"], 1 / 3, atol=1e-14)
