"""Where functions have kinks, poles and ends: values and gradients are PyTorch's, in every back-end."""

import numpy as np
import pytest

import lstmcourse as lc

torch = pytest.importorskip("torch", reason="PyTorch is optional")
INF = float("inf")


def masked(x, where):
    """What attention does with what it must not see: minus infinity in place of a score."""
    return where(x > 0.0, x, -INF)


def itself(x):
    return 1.0 * x


def opposite(x):
    return -x


def twice(x):
    return 2.0 * x


# name: (of x (..., 3) in this package, in PyTorch, rows of x)
EDGES = {
    "logsumexp": (
        lambda x: lc.logsumexp(masked(x, lc.where)),
        lambda x: torch.logsumexp(masked(x, torch.where), -1),
        [[1, 2, 3], [-1, 2, 3], [-1, -1, 3], [1e3, 900, -1]],
    ),
    "logsumexp_far": (  # shifted, without which PyTorch's gradient has 8 digits at 1e9
        lambda x: lc.logsumexp(x),
        lambda x: torch.logsumexp(x - x.detach().amax(-1, True), -1) + x.detach().amax(-1),
        [[-1e9] * 3, [1e9] * 3, [-1e9, 0, 1e9], [-1e300, 1e300, 0], [709.0, 710.0, 711.0]],
    ),
    "softmax": (
        lambda x: lc.sum(lc.softmax(masked(x, lc.where)) * np.arange(1.0, 4.0)),
        lambda x: (torch.softmax(masked(x, torch.where), -1) * torch.arange(1.0, 4.0)).sum(-1),
        [[1, 2, 3], [-1, 2, 3], [-1, -1, 3], [1e3, 900, -1]],
    ),
    "softmax_far": (
        lambda x: lc.sum(lc.softmax(x) * np.arange(1.0, 4.0)),
        lambda x: (torch.softmax(x, -1) * torch.arange(1.0, 4.0)).sum(-1),
        [[-1e9] * 3, [1e9] * 3, [-1e9, 0, 1e9], [-1e300, 1e300, 0]],
    ),
    "nothing_is_seen": (  # the log of 0 is -inf, and 0 / 0 has no value
        lambda x: lc.logsumexp(masked(x, lc.where)),
        lambda x: torch.logsumexp(masked(x, torch.where), -1),
        [[-1, -2, -3]],
    ),
    "softmax_of_nothing": (
        lambda x: lc.sum(lc.softmax(masked(x, lc.where))),
        lambda x: torch.softmax(masked(x, torch.where), -1).sum(-1),
        [[-1, -2, -3]],
    ),
    "sqrt": (lambda x: lc.sum(lc.sqrt(x)), lambda x: x.sqrt().sum(-1), [[0, 1e-300, 4], [-0.0, 1e300, 1]]),
    "log": (lambda x: lc.sum(lc.log(x)), lambda x: x.log().sum(-1), [[5e-324, 1, 1e308]]),
    "log_of_0": (lambda x: lc.sum(lc.log(x)), lambda x: x.log().sum(-1), [[0, 1, 2]]),
    "division": (
        lambda x: lc.sum(1.0 / x), lambda x: (1.0 / x).sum(-1), [[1e-300, -1e300, 3], [-0.5, 2, 1e-150]],
    ),
    "division_by_0": (lambda x: lc.sum(2.0 / x), lambda x: (2.0 / x).sum(-1), [[0, 1, 2]]),
    "zero_by_0": (lambda x: lc.sum(x / x), lambda x: (x / x).sum(-1), [[0, 1, 2]]),
    "exp": (lambda x: lc.sum(lc.exp(x)), lambda x: x.exp().sum(-1), [[-800, 0, 700], [710, 0, 1]]),
    "relu": (lambda x: lc.sum(lc.relu(x)), lambda x: x.relu().sum(-1), [[0, -0.0, 1e-320], [-1, 2, 1e300]]),
    "softplus": (
        lambda x: lc.sum(lc.softplus(x)), lambda x: torch.logaddexp(x, torch.zeros(())).sum(-1),
        [[-800, 0, 800], [-40, 40, -1e9]],
    ),
    "sigmoid": (
        lambda x: lc.sum(lc.sigmoid(x)), lambda x: x.sigmoid().sum(-1), [[-800, 0, 800], [-700, 37, 1]],
    ),
    "tanh": (lambda x: lc.sum(lc.tanh(x)), lambda x: x.tanh().sum(-1), [[-800, 0, 800], [1e-320, 20, -1]]),
    **{
        f"{name}_of_{other.__name__}": (
            lambda x, f=name, b=other: lc.sum(getattr(lc, f)(x, b(x))),
            lambda x, f=name, b=other: getattr(torch, f)(x, b(x)).sum(-1),
            [[0, -0.0, 1], [2, -3, 1e300]],
        )
        for name in ("maximum", "minimum")
        for other in (itself, opposite, twice)
    },
    "where_not_taken": (  # a pole in the branch that is not taken: its gradient is 0 / 0 there, as everywhere
        lambda x: lc.sum(lc.where(x > 0.0, lc.log(x), 0.0)),
        lambda x: torch.where(x > 0.0, x.log(), 0.0).sum(-1),
        [[0, 1, 2], [-1, 1, 2]],
    ),
    "where_guarded": (  # what to write instead
        lambda x: lc.sum(lc.where(x > 0.0, lc.log(lc.where(x > 0.0, x, 1.0)), 0.0)),
        lambda x: torch.where(x > 0.0, torch.where(x > 0.0, x, 1.0).log(), 0.0).sum(-1),
        [[0, 1, 2], [-1, 1, 2]],
    ),
    "where_overflows": (
        lambda x: lc.sum(lc.where(x < 700.0, lc.exp(x), x)),
        lambda x: torch.where(x < 700.0, x.exp(), x).sum(-1),
        [[0, 1, 800], [699, 700, 1]],
    ),
}  # fmt: skip


def expected(name):
    """PyTorch's values and gradients, a row of each."""
    _, theirs, rows = EDGES[name]
    given = torch.tensor(rows, dtype=torch.float64, requires_grad=True)
    values = theirs(given)
    values.backward(torch.ones_like(values))
    return values.detach().numpy(), given.grad.numpy()


def ran(functions, x, backend):
    """Values (B, N) and gradients (B, 3 N) of N functions, each of three columns of its own, in one cell."""

    @lc.cell
    def edge(x=lc.sequence(3 * len(functions))):  # noqa: B008
        parts = lc.split(x, len(functions))
        y = lc.concat(*[lc.expand(f(part), -1) for f, part in zip(functions, parts, strict=True)])
        return y

    with np.errstate(all="ignore"):
        run = lc.unroll(edge, {}, x[None], backend=backend)
        grads = run.backward({"y": np.ones_like(run["y"])})
    assert run.backend == backend
    return run["y"][0], grads["x"][0]


def same(name, values, slopes):
    wanted, gradients = expected(name)
    np.testing.assert_allclose(values, wanted, rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(slopes, gradients, rtol=1e-12, atol=1e-320, err_msg=name)


@pytest.mark.parametrize("backend", ["numpy", "reference"])
@pytest.mark.parametrize("name", EDGES)
def test_values_and_gradients_at_the_edges(name, backend):
    function, _, rows = EDGES[name]
    values, slopes = ran([function], np.array(rows, float), backend)
    same(name, values[:, 0], slopes)


@pytest.mark.skipif("numba" not in lc.backends(), reason="needs numba")
def test_values_and_gradients_at_the_edges_compiled():
    """All in one program, because each takes seconds to compile."""
    most = max(len(rows) for *_, rows in EDGES.values())
    x = np.hstack([np.resize(np.array(rows, float), (most, 3)) for *_, rows in EDGES.values()])
    values, slopes = ran([function for function, *_ in EDGES.values()], x, "numba")
    for k, (name, (*_, rows)) in enumerate(EDGES.items()):
        same(name, values[: len(rows), k], slopes[: len(rows), 3 * k : 3 * k + 3])
