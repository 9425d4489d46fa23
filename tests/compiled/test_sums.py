"""Sums along an axis, made in the loop that makes what is summed up."""

import numpy as np
import pytest

import lstmcourse as lc

pytest.importorskip("numba")

from lstmcourse.compiled.order import Group, Order  # noqa: E402 - it is of no use without Numba
from lstmcourse.compiled.printer import _Printer  # noqa: E402
from lstmcourse.run.recipe import lower  # noqa: E402

T, B, D, H, K, L = 4, 3, 2, 5, 3, 2


@lc.cell
def summed(x, h, m=lc.state("H", "K"), n=lc.state(1), a=lc.static("L", "H")):
    """Along the last axis, the one before it, both, an axis of one; in a loop, ahead of it, for no batch."""
    w = lc.param("w", "H", "K", init="glorot")
    m = 0.5 * m + lc.expand(lc.tanh(lc.affine("v", h, x))) * lc.expand(lc.affine("k", W=x, size="K"), -2)
    n = 0.9 * n + lc.affine("n", W=x, size=1)
    r = lc.sum(m * w)
    k = lc.sum(lc.square(m), -2)
    p = lc.sum(lc.sum(lc.exp(-lc.square(m)))) + lc.sum(n * n) + lc.sum(lc.where(x > 0.0, x, 0.0))
    q = lc.sum(lc.expand(h, -2) * a) - lc.sum(lc.square(a))
    y = lc.affine("y", W=k, size="K") * lc.sum(w * w, -2)
    h = lc.tanh(r + lc.affine("q", W=q) + lc.affine("k2", W=y) + 0.1 * lc.expand(p))
    return h, m, n, y


@lc.cell
def unstored(x, h, c=lc.state("H", "H")):
    """A gradient that a sum hands to all that it adds up, each of which changes it."""
    v = lc.affine("v", W=x)
    c = 0.9 * c + lc.expand(v) * lc.expand(v, -2)
    h = lc.tanh(lc.sum(-c, -2) + lc.sum(lc.exp(-c)))
    return h, c


def outcome(cell, backend, dtype):
    rng = np.random.default_rng(0)
    sizes = {"K": K, "L": L} if cell is summed else {}
    params = {
        k: 0.4 * rng.standard_normal(v.shape).astype(dtype)
        for k, v in cell.init(D, H, rng=rng, dtype=dtype, sizes=sizes).items()
    }
    more = {"inputs": {"a": rng.standard_normal((B, L, H)).astype(dtype)}} if cell is summed else {}
    run = lc.unroll(cell, params, rng.standard_normal((T, B, D)).astype(dtype), backend=backend, **more)
    assert run.backend == backend
    outputs = dict.fromkeys([*cell.states, *cell.emits])
    grads = run.backward({k: rng.standard_normal(run[k].shape).astype(dtype) for k in outputs})
    return {k: run[k] for k in outputs} | dict(grads)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-5)])
@pytest.mark.parametrize("cell", [summed, unstored], ids=lambda cell: cell.name)
def test_values_and_gradients_are_those_of_the_reference(cell, dtype, tolerance):
    found, right = (outcome(cell, backend, dtype) for backend in ("numba", "reference"))
    for k, v in right.items():
        np.testing.assert_allclose(
            found[k], v, rtol=tolerance, atol=tolerance * max(1, abs(v).max()), err_msg=k
        )


def test_they_are_part_of_the_group_that_makes_what_they_add_up():
    graph = lower(summed.graph, merged=("add",))
    walk = _Printer(graph, {}, {}, graph, {}, False)
    walk.leaves()
    order = Order(walk)
    axes = set()
    for steps in order.steps:
        groups = [s for s in steps if isinstance(s, Group)]
        made = {n for g in groups for n in g.nodes}
        for g in groups:
            assert {n.args[0] for n in g.sums} <= set(g.nodes)
            axes |= {n.attrs["axis"] for n in g.sums}
        alone = [s for s in steps if not isinstance(s, Group) and s.op.name == "sum"]
        assert not {n.args[0] for n in alone} & made
    assert axes == {-1, -2}
