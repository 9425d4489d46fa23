"""A compiled program that is called again reads what the arrays hold now, and arrays that are new."""

import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import lstmcourse as lc

pytest.importorskip("numba")

CELL, T, B, D, H = lc.cells.gru, 5, 2, 3, 3


def given(seed):
    rng = np.random.default_rng(seed)
    params = CELL.init(D, H, rng=rng, dtype=np.float64)
    return params, rng.standard_normal((T, B, D)), rng.standard_normal((T, B, H))


def results(params, x, dh, backend="numba"):
    run = lc.unroll(CELL, params, x, backend=backend)
    assert run.backend == backend
    return [run["h"], *run.backward({"h": dh}).values()]


def same(params, x, dh):
    for a, b in zip(results(params, x, dh), results(params, x, dh, "numpy"), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_arrays_that_change_in_place():
    params, x, dh = given(0)
    for _ in range(3):
        same(params, x, dh)
        for a in (*params.values(), x, dh):
            a *= 0.9


def test_new_arrays_at_each_call():
    for seed in range(20):  # one is often where the one before was
        same(*given(seed))


def test_arrays_that_come_to_lie_otherwise():
    params, x, dh = given(1)
    same(params, x, dh)
    params["U_z"] = params["U_z"].T  # square, so only its strides tell
    same(params, x, dh)
    turned = params["U_r"]
    params["U_r"] = np.asfortranarray(turned)
    same(params, x, dh)
    params["W_g"] = np.ndarray(
        (D, H), float, np.arange(D * H * 8 + 1).astype(np.uint8).data, 1
    )  # not aligned
    params["W_g"] = np.nan_to_num(params["W_g"]) * 0
    same(params, x[::1], dh[:, ::-1])


@pytest.mark.parametrize("away", [1, 100_000])
def test_an_array_that_was_resized_lies_elsewhere(away):
    """No weak reference is left behind, for which NumPy would refuse, nor an address."""
    params, x, dh = given(2)
    same(params, x, dh)
    for name in ("b_z", "U_r"):
        shape, room = params[name].shape, []
        for _ in range(20):
            params[name].resize(away, refcheck=False)
            room.append(np.full(shape, np.nan))  # where it was, perhaps
            params[name].resize(shape, refcheck=False)
        params[name][...] = 0.3
        same(params, x, dh)


def test_what_is_kept_of_a_run_outlives_it():
    """Arrays of a run are made when they are asked for, each over the memory that the program wrote."""
    params, x, dh = given(4)
    run = lc.unroll(CELL, params, x, backend="numba")
    grads = run.backward({"h": dh})
    once = {k: run[k].copy() for k in run} | {k: g.copy() for k, g in grads.items()}
    again = {k: run[k] for k in run} | dict(grads)
    del run, grads
    for seed in range(5):
        results(*given(seed))
    for k, a in once.items():
        np.testing.assert_array_equal(again[k], a, err_msg=k)


def test_no_array_is_kept():
    params, x, dh = given(3)
    same(params, x, dh)
    known = [weakref.ref(a) for a in (*params.values(), x, dh)]
    del params, x, dh
    assert not any(a() is not None for a in known)


def test_threads_do_not_take_each_others_arrays():
    cases = [given(seed) for seed in range(4)]
    wanted = [results(*case, "numpy") for case in cases]

    def work(k):
        return [results(*cases[k]) for _ in range(20)]

    with ThreadPoolExecutor(4) as pool:
        for found, right in zip(pool.map(work, range(4)), wanted, strict=True):
            for again in found:
                for a, b in zip(again, right, strict=True):
                    np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)
