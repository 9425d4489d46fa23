"""What exercises compare with, where it was derived by hand, against complex steps and against PyTorch."""

import numpy as np

from lstmcourse.exercises.lessons import nb09, nb10

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
