"""Text to LLVM's instructions: the same machine's results as where Numba compiles the text itself."""

from types import SimpleNamespace

import numpy as np
import pytest
from corner_cells import drawn

import lstmcourse as lc
from lstmcourse.compiled import cache
from lstmcourse.compiled import native as fast

numba = pytest.importorskip("numba")

from lstmcourse.compiled import kernels, lowering  # noqa: E402 - they import Numba

FORMS = '''\
def part(sizes, at, t, first, last):
    T = sizes[0]
    y = pointer(at, 1, F, 0, 0)
    for k in range(first, last):
        y[k + 4 * t] += F(T) * F(0.1)


def forms(sizes, at, first, last):
    """Every form in which programs are printed."""
    T = sizes[0]
    x = pointer(at, 0, F, 0, 3)
    y = pointer(at, 1, F, 1, 3)
    on = pointer(at, 2, np.bool_, 2, 3)
    # a comment
    pass
    for t in range(T - 1, -1, -1):
        row = y + (4 * t)
        total, many = F(0.0), F(T) - F(0.5)
        for k in range(4):
            a_k = x[k + 4 * t]
            total = plus(total, F(a_k > F(0.5)))
            on[4 * t + k] = (a_k >= F(-1.0)) & (a_k != F(0.25)) | (not (a_k < F(-2.0)))
            row[k] = select(on[4 * t + k], maximum(a_k, F(2.0)) / many, -tanh(a_k)) * a_k + math.sqrt(F(2))
        row[0] = total
        for k1 in range(2):
            for k in range(2):
                total = total + row[k1 * (2) + k]
        row[1] = -total
        part(sizes, at, t, first, last)
    for k in range(first, last):
        y[k] = logsumexp(loose(x + k), 2, T) + sum_along(loose(x + k), 1, 3) - F(1e-3)
    for k in range(T, T):
        y[k] = F(math.inf)
    zero_rows(1, 2, y + (2), 0)
'''.replace("total, many = F(0.0), F(T) - F(0.5)", "total = F(0.0)\n        many = F(T) - F(0.5)")


def by_numba(kinds, cache, function):
    """Have Numba compile a function of a program, all by itself."""
    return numba.cfunc(numba.types.void(*kinds), cache=False, **kernels.CALLED)(function)


def compiled(text, dtype):
    """The module of a program with this text, compiled in memory."""
    return cache._in_memory(fast.module_text(SimpleNamespace(text=text), "forms", dtype, False))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_form_means_what_numba_says(dtype, monkeypatch):
    fast.linked(np.dtype(dtype).name)
    x = np.random.default_rng(0).normal(size=(6, 4)).astype(dtype)
    x[2, 2], sizes, found = 0.25, np.array([6], np.intp), []
    for way in (lowering._compiled, by_numba):
        monkeypatch.setattr(lowering, "_compiled", way)
        module = compiled(FORMS, dtype)
        y, on = np.full((6, 4), 7, dtype), np.zeros((6, 4), bool)
        at = np.array([a.ctypes.data for a in (x, y, on)], np.intp)
        fast.caller().part(module.forms.address, sizes.ctypes.data, at.ctypes.data, 1, 3)
        found.append((y, on))
    assert np.array_equal(found[0][1], found[1][1]) and 0 < found[0][1].sum() < 24
    assert found[0][0].tobytes() == found[1][0].tobytes()
    assert (found[0][0][0, 2:] == 0).all() and np.isfinite(found[0][0]).all()
    shares = (x[5] > 0.5).sum(dtype=dtype)
    assert found[0][0][5, 0] == shares


def test_a_cell_means_what_numba_says(monkeypatch, tmp_path):
    params, x, options = drawn(lc.cells.lstm, np.float32, B=5, D=3)
    found = []
    for way in (lowering._compiled, by_numba):
        monkeypatch.setattr(lowering, "_compiled", way)
        monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / way.__name__))
        cell = lc.cell(lc.cells.lstm.function)
        run = lc.unroll(cell, params, x, backend="numba", **options)
        grads = run.backward({"h": np.ones_like(run["h"])})
        assert run.backend == "numba"
        found.append([run["h"].tobytes(), *(grads.params[k].tobytes() for k in sorted(params))])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "line",
    ["while T:\n        pass", "k = T // 2", "y = [T]", "T = undefined", "a = x[F(1.0)]", "x + F(1.0)"],
)
def test_a_form_that_is_not_printed_is_an_error(line):
    text = (
        f"def forms(sizes, at, first, last):\n    T = sizes[0]\n    x = pointer(at, 0, F, 0, 0)\n    {line}\n"
    )
    with pytest.raises((AttributeError, KeyError, TypeError, numba.core.errors.NumbaError)):
        compiled(text, np.float32)


def test_a_variable_ends_with_its_loop():
    text = "def forms(sizes, at, first, last):\n    for k in range(first):\n        a = k\n    b = a\n"
    with pytest.raises((KeyError, numba.core.errors.NumbaError), match="a"):
        compiled(text, np.float32)
