"""A condition decides, by whatever road it comes: views, choices, joins of conditions; forwards and back."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import numpy as np
import pytest
from checking import check_gradients, random_params

import lstmcourse as lc


@pytest.mark.parametrize("backend", lc.backends())
@pytest.mark.parametrize("lengths", [None, [4, 2]], ids=["full", "lengths"])
def test_a_condition_may_be_seen_through_what_hands_it_on(lengths, backend):
    @lc.cell
    def choosing(x, h, s=lc.static("K", "H")):
        p = lc.expand(h + lc.affine("p", W=x), -2) - s  # (B, K, H)
        c = p > 0.1
        whole = lc.where(lc.expand(h > 0.0, -2), p, 0.3 * s)
        turned = lc.where(lc.swap(c), lc.swap(p), 0.1)
        part = lc.where(lc.split(lc.concat(c, ~c), 2)[1], p, lc.square(p))
        chosen = lc.where(lc.where(p > 0.5, c, ~c), p, 2.0 * p)
        named = lc.identity(lc.stop_gradient(c))
        held = lc.where(named & ~lc.swap(lc.swap(~c)), 0.5 * p, p)
        h = lc.tanh(lc.sum(whole + part + chosen + held, axis=-2) + lc.sum(turned))
        return h

    rng, T, B, K, H = np.random.default_rng(0), 4, 2, 3, 2
    params = random_params(choosing, rng, input_size=2, hidden_size=H)
    x, s = rng.standard_normal((T, B, 2)), 0.5 * rng.standard_normal((B, K, H))
    run = lc.unroll(choosing, params, x, s=s, lengths=lengths, backend=backend)
    assert run.backend == backend
    h = np.zeros((B, H))
    for t in range(T):
        p = (h + x[t] @ params["W_p"] + params["b_p"])[:, None] - s
        c = p > 0.1
        total = np.where(h[:, None] > 0, p, 0.3 * s) + np.where(~c, p, p**2)
        total = total + np.where(np.where(p > 0.5, c, ~c), p, 2 * p) + np.where(c, 0.5 * p, p)
        after = np.tanh(total.sum(1) + np.where(c, p, 0.1).sum(1))
        h = after if lengths is None else np.where(t < np.array(lengths)[:, None], after, h)
        np.testing.assert_allclose(run["h"][t], h, atol=1e-13)
    if lengths is None:
        p = run["p"]
        assert run["named"].dtype == bool and np.array_equal(run["named"], p > 0.1)
    g = rng.standard_normal(run["h"].shape)
    slopes = run.backward({"h": g})
    _, expected = check_gradients(
        choosing, params, x, inputs={"s": s}, lengths=lengths, final=False, rng=Fixed(g)
    )
    for name in expected:
        np.testing.assert_allclose(slopes[name], expected[name], atol=1e-12, err_msg=name)


class Fixed:
    """Gives one array in place of random ones."""

    def __init__(self, value):
        self.value = value

    def standard_normal(self, shape):
        assert shape == self.value.shape
        return self.value


def test_a_view_of_a_condition_times_one_is_a_number():
    @lc.cell
    def counting(x, h):
        h = lc.sum(1.0 * lc.expand(x > 0.0, -1)) + 0.0 * h
        return h

    assert lc.unroll(counting, {}, np.array([0.5, -0.5]).reshape(2, 1, 1))["h"].ravel().tolist() == [1.0, 0.0]


def test_a_number_does_not_decide_through_a_view_either():
    with pytest.raises(lc.CellDefinitionError, match=r"as a condition; a condition is a comparison"):

        @lc.cell
        def wrong(x, h):
            return lc.sum(lc.where(lc.expand(h, -2), 1.0, lc.expand(h, -2)), -2)


ONE = [lc.sigmoid, lc.tanh, lc.relu, lc.exp, lc.log, lc.sqrt, lc.square, lc.sin, lc.cos, lc.softplus]
READ = {
    **{f.__name__: f for f in (*ONE, lc.softmax, lc.logsumexp)},
    "mod": lambda c: c % 2.0,
    "dot": lambda c: c @ lc.param("W", "H", "H"),
    "matmul": lambda c: lc.matmul(lc.expand(c), lc.expand(c, -2)),
    "affine": lambda c: lc.affine("a", W=c),
}


@pytest.mark.parametrize("name", READ)
def test_products_and_functions_are_not_given_conditions(name):
    """NumPy has exp(True) in half precision, and a compiled product would read truth values as floats."""
    with pytest.raises(lc.CellDefinitionError, match=rf"{name}.* is a condition; write where\("):

        @lc.cell
        def wrong(x, h):
            y = READ[name](h > 0.0)
            return 0.0 * h, y


@pytest.mark.parametrize("backend", lc.backends())
def test_in_arithmetic_a_condition_is_one_or_zero(backend):
    @lc.cell
    def counting(x, h):
        up, far = x > 0.0, lc.where(x > 0.0, x > 1.0, x < -1.0)
        y = lc.maximum(up, h) - lc.minimum(far, x) / 4.0 + up * far
        n = lc.sum(far) + lc.mean(up)
        h = 0.5 * h + up
        return h, y, n

    x = np.random.default_rng(0).standard_normal((5, 3, 4))
    run = lc.unroll(counting, {}, x, backend=backend)
    assert run.backend == backend
    h, up, far = np.zeros((3, 4)), 1.0 * (x > 0), 1.0 * (abs(x) > 1)
    for t in range(5):
        y = np.maximum(up[t], h) - np.minimum(far[t], x[t]) / 4 + up[t] * far[t]
        h = 0.5 * h + up[t]
        np.testing.assert_allclose(run["y"][t], y, atol=1e-15)
        np.testing.assert_allclose(run["h"][t], h, atol=1e-15)
    np.testing.assert_allclose(run["n"], far.sum(-1) + up.mean(-1), atol=1e-15)
