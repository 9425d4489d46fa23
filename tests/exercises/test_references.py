"""What exercises compare with, where it was derived by hand, against complex steps and against PyTorch."""

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.exercises.lessons import nb09, nb10, nb12

STEP = 1e-30


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def test_the_way_back_through_the_forget_gate_is_a_complex_steps():
    d_h, d_c, f, o, c, before = nb09._step_draw(np.random.default_rng(1))
    a, rest = np.log(f / (1 - f)), c - f * before
    new = sigmoid(a + STEP * 1j) * before + rest
    loss = d_h * o * np.tanh(new) + d_c * new
    np.testing.assert_allclose(nb09._to_f(d_h, d_c, f, o, c, before), loss.imag / STEP, rtol=1e-10)


def test_the_way_back_along_the_belt_is_a_complex_steps():
    f, i, g, o, c, d_out = nb09._run_draw(np.random.default_rng(2))

    def loss(a):
        state, total = 0.0, 0.0
        for t in range(len(c)):
            state = f[t] * state + i[t] * np.tanh(a[t])
            total = total + (d_out[t] * o[t] * np.tanh(state)).sum()
        return total

    a, found = np.arctanh(g), np.zeros_like(g)
    for place in np.ndindex(g.shape):
        moved = a.astype(complex)
        moved[place] += STEP * 1j
        found[place] = loss(moved).imag / STEP
    np.testing.assert_allclose(nb09._along()(f, i, g, o, c, d_out), found, rtol=1e-9)


def test_the_way_back_through_peepholes_is_a_complex_steps():
    d_c, f, i, g, before, p_f, p_i = nb10._before_draw(np.random.default_rng(3))
    rest_f, rest_i = np.log(f / (1 - f)) - p_f * before, np.log(i / (1 - i)) - p_i * before
    moved = before + STEP * 1j
    c = sigmoid(rest_f + p_f * moved) * moved + sigmoid(rest_i + p_i * moved) * g
    np.testing.assert_allclose(nb10._before(d_c, f, i, g, before, p_f, p_i), (d_c * c).imag / STEP, rtol=1e-9)


def test_a_step_with_pytorchs_weights_is_pytorchs():
    torch = pytest.importorskip("torch")
    x, h, *weights = nb12._torch_draw(np.random.default_rng(4))
    theirs = torch.nn.GRUCell(len(x), len(h), dtype=torch.float64)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    theirs.load_state_dict({name: torch.from_numpy(w) for name, w in zip(names, weights, strict=True)})
    expected = theirs(torch.from_numpy(x)[None], torch.from_numpy(h)[None])[0].detach().numpy()
    np.testing.assert_allclose(nb12._torch()(x, h, *weights), expected, rtol=1e-12)


@pytest.mark.parametrize("b", [-4.0, -1.0, 0.5])
def test_half_of_what_a_gru_stores_is_gone_after_its_half_life(b):
    params = {name: np.zeros(shape) for name, shape in lc.cells.gru.parameter_shapes(1, 1).items()}
    params["b_z"][:] = b
    left = lc.unroll(lc.cells.gru, params, np.zeros((20, 1, 1)), state={"h": np.ones((1, 1))})["h"].ravel()
    np.testing.assert_allclose(left, 0.5 ** (np.arange(1, 21) / nb12._half_life(b)), rtol=1e-12)
