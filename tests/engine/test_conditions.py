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
