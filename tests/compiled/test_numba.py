"""The compiled back-end, beside the contract: what it leaves to NumPy, fast code, a cache that is safe."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import ctypes
import os
import platform
import re
import shutil
import subprocess
import sys
import textwrap
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from checking import random_params
from corner_cells import drawn

import lstmcourse as lc
from lstmcourse.compiled import cache
from lstmcourse.compiled import native as fast
from lstmcourse.compiled.calls import MOST_COLUMNS
from lstmcourse.compiled.program import NotCompiled
from lstmcourse.programs import threads

numba = pytest.importorskip("numba")

from lstmcourse.compiled import kernels, tiles  # noqa: E402 - they import Numba


def both(cell, params, x, options, outputs=None, ends=True, inputs=True, ran="numba"):
    """Run forwards and backwards on both back-ends; return the two (run, gradients)."""
    found = []
    for backend in ("numpy", "numba"):
        run = lc.unroll(cell, params, x, backend=backend, **options)
        assert run.backend == (ran if backend == "numba" else "numpy")
        rng = np.random.default_rng(1)
        names = list(dict.fromkeys([*cell.states, *cell.emits])) if outputs is None else outputs
        given = {k: rng.standard_normal(run[k].shape).astype(run[k].dtype) for k in names}
        last = {k: rng.standard_normal(run.final[k].shape).astype(run[k].dtype) for k in cell.states}
        found.append((run, run.backward(given, last if ends else None, inputs=inputs)))
    return found


# Which of them runs


def test_both_backends_are_offered_and_numpy_runs_by_default():
    assert lc.backends() == ("numpy", "numba")
    params, x, options = drawn(lc.cells.rnn)
    assert lc.unroll(lc.cells.rnn, params, x, **options).backend == "numpy"


def test_without_gradients_and_in_chunks():
    cell = lc.cells.lstm
    params, x, _ = drawn(cell, np.float32)
    whole = lc.unroll(cell, params, x, backend="numba", grad=False)
    np.testing.assert_allclose(whole["h"], lc.unroll(cell, params, x)["h"], atol=1e-6)
    first = lc.unroll(cell, params, x[:2], backend="numba")
    second = lc.unroll(cell, params, x[2:], state=first.final, backend="numba")
    np.testing.assert_allclose(np.concatenate([first["h"], second["h"]]), whole["h"], atol=1e-6)
    with pytest.raises(ValueError, match="grad=False"):
        whole.backward()


def test_arguments_need_not_lie_in_one_piece_and_are_not_written_to():
    cell = lc.cells.rnn
    params, x, options = drawn(cell, np.float32, B=4, D=4)
    turned = np.ascontiguousarray(x.swapaxes(0, 1)).swapaxes(0, 1)
    turned.flags.writeable = False
    before = turned.copy()
    a = lc.unroll(cell, params, turned, backend="numba")
    b = lc.unroll(cell, params, x, backend="numba")
    assert np.array_equal(a["h"], b["h"]) and np.array_equal(turned, before)
    kept = b["h"].copy()
    for _ in range(3):
        lc.unroll(cell, params, 2 * x, backend="numba").backward({"h": np.ones_like(kept)})
    assert np.array_equal(b["h"], kept), "a returned array is never overwritten"


# What is left to NumPy


def test_where_no_gradient_comes_in_nothing_is_made_for_it(monkeypatch):
    """The zeros of last states are the program's own, made once for each set of sizes."""
    params, x, _ = drawn(lc.cells.lstm, np.float32)
    run = lc.unroll(lc.cells.lstm, params, x, backend="numba")
    monkeypatch.setattr(fast, "fitted", lambda *_: pytest.fail("an argument was made anew"))
    run.backward({"h": np.ones_like(run["h"])})


def test_complex_numbers_are_left_to_numpy():
    cell = lc.cells.rnn
    params, x, options = drawn(cell)
    params = {k: v.astype(complex) for k, v in params.items()}
    both(cell, params, x.astype(complex), options, ran="numpy")


@lc.cell
def widths(x, h, k=lc.state("K")):
    """Two sizes that fit if one of them is 1."""
    h = lc.tanh(lc.affine("h", h, x)) * (1.0 + k)
    k = 0.5 * k
    return h, k


def test_sizes_that_only_broadcast_are_left_to_numpy():
    rng = np.random.default_rng(0)
    for K, ran in ((1, "numpy"), (4, "numba")):
        params = random_params(widths, rng, input_size=2, hidden_size=4, sizes={"K": K})
        state = {"k": rng.standard_normal((3, K))}
        try:
            plain = lc.unroll(widths, params, rng.standard_normal((5, 3, 2)), state=state)
        except lc.ShapeError:
            continue  # refused by both
        run = lc.unroll(widths, params, plain._call.values["sequence", "x"], state=state, backend="numba")
        assert run.backend == ran
        np.testing.assert_allclose(run["h"], plain["h"], atol=1e-14)


def test_what_cannot_be_printed_runs_on_numpy(monkeypatch):
    from lstmcourse.run import recipe

    real = recipe.compiled
    cell = lc.cell(lambda x, h: lc.tanh(lc.affine("h", h, x)), name="fresh")
    params, x, options = drawn(cell)

    def refuse(graph, name, **more):
        if name == refused:
            raise NotCompiled("refused")
        return real(graph, name, **more)

    monkeypatch.setattr(recipe, "compiled", refuse)
    refused = "forward"
    both(cell, params, x, options, ran="numpy")
    refused = "backward"
    cell = lc.cell(lambda x, h: lc.tanh(lc.affine("h", h, x)), name="fresh")
    (_, plain), (run, grads) = both(cell, params, x, options)
    for k in plain:
        np.testing.assert_allclose(grads[k], plain[k], atol=1e-13)


# Functions


def apply(function, dtype):
    """A function of kernels.py, over arrays."""

    @numba.njit("void(intp[::1], intp)", **kernels.OPTIONS)
    def loop(at, n):
        x, y = kernels.pointer(at, 0, dtype, 0, 2), kernels.pointer(at, 1, dtype, 1, 2)
        for k in range(n):
            y[k] = function(x[k])

    def call(x):
        x = np.ascontiguousarray(x, dtype)
        y = np.empty_like(x)
        loop(np.array([x.ctypes.data, y.ctypes.data], np.intp), x.size)
        return y

    call.code = loop.inspect_asm(loop.signatures[0])
    return call


SPECIAL = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 1e-39, 88.0, -88.0, 3e38, -3e38, 9.01, -9.02]


@pytest.mark.parametrize("every", [61, pytest.param(1, marks=pytest.mark.long)])
def test_tanh_of_float32(every):
    """At most 4 units in the last place: small numbers, where it is x, large ones, and all between."""
    tanh = apply(kernels.tanh, np.float32)
    small, large, infinite = 0x39800000, 0x41102CB4, 0x7F800000  # 2^-12, 9.0109..., infinity
    worst = 0.0
    for first, end in ((0, small), (small, large), (large, infinite + 1)):
        for start in range(first, end, every << 22):
            x = np.arange(start, min(start + (every << 22), end), every, dtype=np.int32).view(np.float32)
            y = tanh(x)
            if first < small:
                assert np.all(np.abs(y - x) <= np.spacing(x))
            elif first == large:
                assert np.all(y == 1.0)
            else:
                exact = np.tanh(x.astype(np.float64))
                ulps = np.abs(y - exact) / np.spacing(np.minimum(np.abs(y), np.float32(1 - 2**-24)))
                worst = max(worst, ulps.max())
                assert y.max() <= 1.0
            assert np.array_equal(tanh(-x[::7]), -y[::7])
    assert worst <= 4.0
    special = tanh(np.array(SPECIAL))
    assert special[2] == 1 and special[3] == -1 and np.isnan(special[4])
    assert np.array_equal(np.signbit(special[:2]), [False, True])


def test_sigmoid_and_exp_in_float32():
    sigmoid, exp = apply(kernels.sigmoid, np.float32), apply(kernels.exp, np.float32)
    x = np.concatenate([np.linspace(-110, 110, 3_000_001), np.linspace(-1, 1, 300_001), SPECIAL]).astype(
        np.float32
    )
    wide = x.astype(np.float64)
    with np.errstate(over="ignore"):
        exact, grown = 1 / (1 + np.exp(-wide)), np.exp(wide)
    y, finite = sigmoid(x), ~np.isnan(x)
    assert np.nanmax(np.abs(y - exact)) <= 1.2e-7
    assert y[finite].min() == 0.0 and y[finite].max() == 1.0 and np.array_equal(np.isnan(y), np.isnan(x))
    e = exp(x)
    inside = (wide > -103) & (wide < 88.7)
    with np.errstate(over="ignore"):
        spacing = np.spacing(grown[inside].astype(np.float32))
    assert np.max(np.abs(e[inside] - grown[inside]) / spacing) <= 2
    assert np.array_equal(exp(np.array([-np.inf, np.inf, -110.0, 89.0])), [0, np.inf, 0, np.inf])
    assert np.isnan(exp(np.array([np.nan]))[0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softplus(dtype):
    """Its relative error: far below 0, too, where it is as small as exp(x)."""
    softplus = apply(kernels.softplus, dtype)
    x = np.concatenate(
        [np.linspace(-80, 80, 500_001), np.linspace(-1, 1, 100_001), -np.geomspace(1e-30, 80, 9999)]
    )
    x = x.astype(dtype)
    exact = np.logaddexp(x.astype(np.longdouble), 0)
    assert np.max(np.abs(softplus(x) - exact) / np.spacing(exact.astype(dtype))) <= 4
    special = softplus(np.array([0.0, np.inf, -np.inf, np.nan, 1e30, -1e30]))
    assert np.array_equal(special[1:3], [np.inf, 0]) and np.isnan(special[3])
    assert np.array_equal(special[4:], [dtype(1e30), 0])


def test_float64_is_as_accurate_as_numpy():
    tanh, sigmoid = apply(kernels.tanh, np.float64), apply(kernels.sigmoid, np.float64)
    x = np.concatenate([np.linspace(-25, 25, 400_001), np.geomspace(1e-300, 1, 10_001)])
    if np.finfo(np.longdouble).eps < 1e-18:
        exact = np.tanh(x.astype(np.longdouble))
        ulps = np.abs(tanh(x) - exact) / np.spacing(np.abs(x) * 0 + np.abs(exact).astype(float))
        assert ulps[x != 0].max() <= 2
    np.testing.assert_allclose(sigmoid(x), 0.5 + 0.5 * np.tanh(x / 2), rtol=0, atol=3e-16)
    y = tanh(np.array([np.inf, -np.inf, np.nan, -0.0, 1e-320, 1e300]))
    assert np.array_equal(y[[0, 1, 3, 4, 5]], [1, -1, 0, 1e-320, 1]) and np.isnan(y[2]) and np.signbit(y[3])


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="the names of registers are Intel's"
)
def test_element_wise_loops_are_vectorised():
    """The machine code of an LSTM's loop, all of it in one: divisions of eight float32 at once."""
    if "avx" not in numba.core.codegen.get_host_cpu_features():
        pytest.skip("this processor has no wide registers")
    programs = lc.cells.lstm.compiled(dtype=np.dtype(np.float32))
    text = fast.module_text(programs.forward, "lstm", np.float32, cache=False)
    fast.linked("float32")
    code = cache._in_memory(text).forward_loop._library.get_asm_str()
    assert len(re.findall(r"vdivps.*[yz]mm", code)) >= 5, "one for each gate, candidate and tanh(c)"
    for name in ("tanh", "sigmoid", "exp"):
        assert re.search(r"v(div|mul)ps.*[yz]mm", apply(getattr(kernels, name), np.float32).code)


def test_the_program_can_be_read():
    """One loop for all gates, and the equations above it."""
    text = lc.cells.lstm.source("numba")
    assert "f_k = sigmoid(a_f_row[k])" in text and "# c_t = f_t * c_{t-1} + i_t * g_t" in text
    loop = text.partition("for t in range(T):")[2]
    assert loop.count("product(") == 1 and loop.count("for k in range(H):") == 1
    back = lc.cells.lstm.source("numba", backward=True)
    assert "for t in range(T - 1, -1, -1):" in back
    assert max(map(len, text.splitlines())) <= 110


# Products of matrices, tile by tile


def linked(name, dtype):
    """A function of gemm.py, called with places in memory and with strides in elements."""
    number, place, flag = ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_bool
    kinds = {
        "product": [number] * 3 + [place, number, number] * 2 + [place, number, flag],
        "begun_product": [number] * 3 + [place, number, number] * 2 + [place, number] * 2,
        "lay_tiles": [number] * 2 + [place, number, number, place],
        "tiled_product": [number] * 3 + [place, number, number, place, place, number, flag],
    }
    return ctypes.CFUNCTYPE(None, *kinds[name])(fast.linked(dtype)[name])


def check_products(dtype, draws):
    """Random sizes and strides, all edges of tiles among them, beside NumPy in a longer format."""
    names = "product", "lay_tiles", "tiled_product", "begun_product"
    product, lay, tiled, begun = (linked(name, dtype) for name in names)
    rng, size = np.random.default_rng(0), np.dtype(dtype).itemsize
    for draw in range(draws):
        most = [40, 90, 20] if draw % 4 else [9, 9, 900]  # the common axis beyond one block, too
        m, n, k = (int(v) for v in rng.integers(0, most))
        a, w = rng.standard_normal((m, k)).astype(dtype), rng.standard_normal((k, n)).astype(dtype)
        if rng.random() < 0.5:
            a = np.asfortranarray(a)
        if rng.random() < 0.5:
            w = np.asfortranarray(w)
        keep = bool(rng.random() < 0.5)
        before = rng.standard_normal((m, n + 3)).astype(dtype)
        after, tiles = before.copy(), np.full(k * (n + MOST_COLUMNS) + 1, np.nan, dtype)
        strides = [max(s // size, 1) for s in (*a.strides, *w.strides)]
        product(
            m, n, k, a.ctypes.data, *strides[:2], w.ctypes.data, *strides[2:], after.ctypes.data, n + 3, keep
        )
        wanted = before.astype(np.longdouble)
        wanted[:, :n] = (wanted[:, :n] if keep else 0) + a.astype(np.longdouble) @ w.astype(np.longdouble)
        room = np.abs(a).astype(np.longdouble) @ np.abs(w) + np.abs(before[:, :n])
        bound = (k + 2) * np.finfo(dtype).eps * room  # what summing in any order is known to keep to
        assert (np.abs(after - wanted)[:, :n] <= bound).all(), (m, n, k, keep)
        assert np.array_equal(after[:, n:], before[:, n:]), "columns beside the result are as they were"
        lay(n, k, w.ctypes.data, *strides[2:], tiles.ctypes.data)
        assert np.isnan(tiles[-1]), "no more room is taken than the program gives"
        again = before.copy()
        tiled(m, n, k, a.ctypes.data, *strides[:2], tiles.ctypes.data, again.ctypes.data, n + 3, keep)
        assert np.array_equal(again, after), "the same bits either way"
        wide, alone = np.full((m, n + 5), np.nan, dtype), np.full((m + 1, n + 3), np.nan, dtype)
        wide[:, :n], alone[: min(m, 1)] = before[:, :n], before[:1]
        for begin, row, first in ((wide, n + 5, before), (alone, 0, np.tile(before[:1], (m, 1)))):
            there, wanted = np.full_like(before, np.nan), first.copy()
            factors = a.ctypes.data, *strides[:2], w.ctypes.data, *strides[2:]
            product(m, n, k, *factors, wanted.ctypes.data, n + 3, True)
            begun(m, n, k, *factors, there.ctypes.data, n + 3, begin.ctypes.data, row)
            assert np.array_equal(there[:, :n], wanted[:, :n]), "the same bits from other rows, or from one"
            assert np.isnan(there[:, n:]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products(dtype):
    check_products(dtype, 400)


def test_products_by_rows_are_the_same_bits():
    """Whatever rows a thread is given, and however wide: each element is summed in one order."""
    product = linked("product", "float32")
    rng = np.random.default_rng(0)
    a, w = rng.standard_normal((37, 300)).astype("f4"), rng.standard_normal((300, 70)).astype("f4")
    whole, rows = np.empty((37, 70), "f4"), np.empty((37, 70), "f4")
    product(37, 70, 300, a.ctypes.data, 300, 1, w.ctypes.data, 70, 1, whole.ctypes.data, 70, False)
    for r in range(37):
        product(1, 70, 300, a[r:].ctypes.data, 300, 1, w.ctypes.data, 70, 1, rows[r:].ctypes.data, 70, False)
    assert np.array_equal(whole, rows)
    for j in range(70):
        part = np.ascontiguousarray(w[:, j : j + 1])
        product(37, 1, 300, a.ctypes.data, 300, 1, part.ctypes.data, 1, 1, rows[:, j:].ctypes.data, 70, False)
    assert np.array_equal(whole, rows)


OTHER = """
import test_contract
import test_numba
from lstmcourse.compiled import tiles
assert (tiles.BYTES, tiles.REGISTERS) == (16, 16), "the features are those of another processor"
for dtype in ("float32", "float64"):
    test_numba.check_products(dtype, 60)
test_contract.agree(test_numba.lc.cells.lstm, "numba", test_numba.np.float32)
"""


@pytest.mark.long
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="it names a processor of Intel's")
def test_products_on_a_processor_without_long_vectors(tmp_path):
    """Compiled as for the first processors with 64 bits: four numbers to a vector, nothing fused."""
    env = os.environ | {
        "NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "+sse2", "LSTMCOURSE_CACHE_DIR": str(tmp_path),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }  # fmt: skip
    done = subprocess.run([sys.executable, "-c", OTHER], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(
    platform.machine() not in ("x86_64", "AMD64"), reason="the names of registers are Intel's"
)
def test_tiles_stay_in_registers():
    """The machine code of a tile: no vector of numbers is put aside while the common axis is walked along.

    What masks the last columns is no number (vmovdqu). With 64 bytes to a vector it has registers of its own;
    with 32 it takes one of the sixteen, and is read from memory.
    """
    if "fma" not in tiles.FEATURES:
        pytest.skip("this processor does not fuse products with sums")
    source = Path(fast.__file__).with_name("gemm.py").read_text(encoding="utf-8")
    space = {}
    exec(compile(source, "products", "exec"), space)
    code = space["tiled_product"]._library.get_asm_str()
    vector = {16: "xmm", 32: "ymm", 64: "zmm"}[tiles.BYTES]
    blocks = re.split(r"^\.?\w+:.*$", code, flags=re.MULTILINE)
    full = [b for b in blocks if len(re.findall(rf"vfmadd\w+ps.*{vector}", b)) >= 2 * space["ROWS"]]
    assert full, "a tile has as many rows as registers allow, and two vectors of columns"
    for block in full:
        moves = r"vmov(?!dqu)\w+" if tiles.BYTES == 32 else r"vmov\w+"
        assert not re.findall(rf"{moves}\s.*{vector}.*\(%rsp\)|{moves}\s.*\(%rsp\).*{vector}", block)


# Threads


def test_work_that_is_shared_out_gives_the_same_bits(monkeypatch):
    """Every function that may be shared is, by three threads; nothing depends on who computed which rows."""
    shared = []
    submit = ThreadPoolExecutor.submit

    def noted(self, function, *args):
        shared.append(args[0].__name__)
        return submit(self, function, *args)

    monkeypatch.setattr(ThreadPoolExecutor, "submit", noted)
    for name in ("lstm", "gru_reset_after", "slstm", "depth_gated"):
        cell = lc.cells.get(name)
        params, x, _ = drawn(cell, np.float32, T=5, B=17, H=12)
        g = np.random.default_rng(0).standard_normal((5, 17, 12)).astype("f4")
        found = []
        for least in (10**15, 0):
            monkeypatch.setattr(fast, "SHARED", least)
            with monkeypatch.context() as few:
                few.setattr(fast, "SEQUENCES", 3)
                few.setattr(fast, "ROWS", 2)
                few.setattr(fast, "allowed", lambda: 3)
                cell = replace(cell)  # plans are kept by program, and these say how many rows at least
                run = lc.unroll(cell, params, x, backend="numba")
                found.append((run, run.backward({cell.output: g})))
            assert bool(shared) == (least == 0)
        (one, one_back), (three, three_back) = found
        for key in one:
            assert np.array_equal(one[key], three[key]), (name, key)
        for key in one_back:
            assert np.array_equal(one_back[key], three_back[key]), (name, key)
        assert {"forward_loop", "backward_loop", "forward_product", "backward_product"} <= set(shared)
        shared.clear()


THREADS = """
import threading
import numpy as np, threadpoolctl
import lstmcourse as lc
from lstmcourse.programs.threads import allowed

def counts():
    infos = threadpoolctl.threadpool_info()
    return {i["num_threads"] for i in infos if i["user_api"] == "blas" and "numpy" in i["filepath"]}

assert allowed() == 2, allowed()
with threadpoolctl.threadpool_limits(1):
    assert allowed() == 1
found = []
other = threading.Thread(target=lambda: found.append(allowed()))
other.start()
other.join()
assert found == [1], "whoever runs several threads has shared the work out"

model = lc.Model(lc.cells.rnn, lc.tasks.Clouds(gap=5), hidden_size=4, rng=0)
inside = []
for backend in ("numpy", "numba"):
    note = lambda *_: inside.append((counts(), allowed()))
    lc.fit(model, 2, backend=backend, progress=False, callback=note)
assert inside == [({1}, 2)] * 4, inside
assert counts() == {2}, counts()
"""


@pytest.mark.skipif(threads._processors() < 2, reason="one processor has one thread")
def test_threads_are_bounded_in_the_first_run_of_a_process_too():
    """In a process of its own: what the library is told before anything else has run."""
    env = os.environ | {"OPENBLAS_NUM_THREADS": "2", "MKL_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", THREADS], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_runs_in_several_threads_at_once():
    cell = lc.cells.rnn
    params, x, options = drawn(cell, np.float32, T=30, B=8, H=16)
    wanted = lc.unroll(cell, params, x, backend="numba")["h"]
    wrong = []

    def work():
        for _ in range(20):
            if not np.array_equal(lc.unroll(cell, params, x, backend="numba")["h"], wanted):
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(4)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    assert not wrong


# The cache


SCRIPT = """
    import sys, time
    import numpy as np, numba
    import lstmcourse as lc
    cell = lc.cells.rnn
    params = cell.init(input_size=2, hidden_size=3, rng=0)
    start = time.perf_counter()
    run = lc.unroll(cell, params, np.ones((4, 2, 2), np.float32), backend="numba", grad=False)
    spent = time.perf_counter() - start
    assert run.backend == "numba"
    plain = lc.unroll(cell, params, np.ones((4, 2, 2), np.float32))
    np.testing.assert_allclose(run["h"], plain["h"], atol=1e-6)
    compiled = sum(not f.cache_hits for f in run._programs.run.functions)
    print(compiled, spent)
"""


def start(path):
    settings = os.environ | {"LSTMCOURSE_CACHE_DIR": str(path)}
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(SCRIPT)],
        env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


def finish(process):
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0 and err == "", err
    compiled, spent = out.split()
    return int(compiled), float(spent)


@pytest.mark.long
def test_two_processes_at_once_and_a_third_that_compiles_nothing(tmp_path):
    for process in [start(tmp_path), start(tmp_path)]:
        finish(process)
    assert not list(tmp_path.glob(".*"))
    compiled, spent = finish(start(tmp_path))
    assert compiled == 0 and spent < 10  # 0.2 s on a quiet machine


@pytest.mark.long
def test_a_damaged_cache_is_survived_and_mended(tmp_path):
    finish(start(tmp_path))
    for path in (tmp_path / "__pycache__").iterdir():
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] + b"damage")
    finish(start(tmp_path))
    assert finish(start(tmp_path))[0] == 0
    for path in tmp_path.glob("*.py"):
        path.write_text("raise SystemExit('not ours')\n", encoding="utf-8")
    finish(start(tmp_path))


def test_each_way_of_damage_to_the_cache_is_mended(tmp_path, monkeypatch):
    """Files that are empty, cut short, not readable, gone, of another kind; and said is what is done."""
    text = "from numba import njit\n\n@njit('intp(intp)', cache=True)\ndef more(x):\n    return x + 1\n"
    kept = tmp_path / "own" / "__pycache__"
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "own"))
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "numba's"))
    said, announced = [], cache.announced
    monkeypatch.setattr(cache, "announced", lambda text: said.append(1) or announced(text))

    def compiled():
        said.clear()
        more = cache.from_cache(text).more
        assert more(1) == 2
        misses = len(more.stats.cache_misses)
        assert bool(said) == bool(misses), "that it compiles is said when it does, and only then"
        return misses

    def unreadable(path):
        path.unlink()
        path.mkdir()

    def dangling(path):
        path.unlink()
        path.symlink_to(tmp_path / "nowhere")

    assert compiled() > 0 and compiled() == 0
    assert not (tmp_path / "numba's").exists() and str(numba.config.CACHE_DIR) == str(tmp_path / "numba's")
    damages = {
        "empty": lambda p: p.write_bytes(b""),
        "cut short": lambda p: p.write_bytes(p.read_bytes()[:-9]),
        "changed": lambda p: p.write_bytes(p.read_bytes()[:-1] + b"?"),
        "gone": lambda p: p.unlink(),
        "unreadable": unreadable,
        "dangling": dangling,
    }
    own = kept.parent
    for where, pattern in ((kept, "*.nbi"), (kept, "*.nbc"), (own, "*.sums"), (own, "*.py")):
        for name, damage in damages.items():
            if where is kept or name in ("empty", "unreadable"):
                damage(next(where.glob(pattern)))
                assert compiled() > 0, (pattern, name)
                assert compiled() == 0, (pattern, name)
    shutil.rmtree(kept)
    kept.write_text("a file in the folder's place", encoding="utf-8")
    assert compiled() > 0 and compiled() == 0

    def in_memory():
        said.clear()
        assert cache.module(lambda cache: text.replace("True", str(cache))).more(1) == 2
        assert said == [1]

    def refused(**_):
        raise PermissionError("read-only")

    (tmp_path / "file").write_text("", encoding="utf-8")
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "file"))
    in_memory()
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(own))
    monkeypatch.setattr(cache.tempfile, "TemporaryFile", refused)
    in_memory()


def test_the_cache_of_another_processor_is_another(monkeypatch):
    before = cache.environment.__wrapped__()
    monkeypatch.setattr("llvmlite.binding.get_host_cpu_name", lambda: "another")
    assert cache.environment.__wrapped__() != before
    monkeypatch.undo()
    monkeypatch.setenv("NUMBA_OPT", "0")
    assert cache.environment.__wrapped__() != before


BROKEN = """
    import lstmcourse as lc
    model = lc.Model("rnn", "adding", hidden_size=4)
    assert lc.fit(model, steps=1, progress=False).backend == "numpy"  # of itself, at 100 steps
    lc.train.COMPILED = 1
    assert lc.fit(model, steps=1, progress=False).backend == "numpy"
    assert lc.backends() == ("numpy",)
    try:
        lc.fit(model, steps=1, backend="numba", progress=False)
    except lc.UnknownNameError as error:
        print(error)
"""


@pytest.mark.parametrize(
    "setting, said",
    [
        ({"NUMBA_DISABLE_JIT": "1"}, "because Numba's compiler is switched off: unset NUMBA_DISABLE_JIT;"),
        (
            {"NUMBA_NUM_THREADS": "0"},
            "because the package numba cannot be imported (ValueError: Number of threads",
        ),
        ({"PYTHONPATH": "broken"}, "because the package numba cannot be imported (OSError: no such library)"),
        ({"PYTHONPATH": "absent"}, "because the package numba is not installed: pip install numba; or"),
    ],
)
def test_where_numba_cannot_be_used_numpy_runs(tmp_path, setting, said):
    place = tmp_path / "place"
    place.mkdir()
    code = textwrap.dedent(BROKEN)
    if setting.get("PYTHONPATH") == "broken":
        (place / "llvmlite.py").write_text("raise OSError('no such library')", encoding="utf-8")
    if setting.get("PYTHONPATH") == "absent":
        code = "import sys\nsys.modules['numba'] = None\n" + code
    env = (
        os.environ
        | setting
        | {"PYTHONPATH": os.pathsep.join([str(place), str(Path(lc.__file__).parents[1])])}
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=env, capture_output=True, text=True
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    assert said in done.stdout


def test_without_numba_the_course_works(monkeypatch):
    monkeypatch.setattr(fast, "why_not", lambda: "the package numba is not installed: pip install numba")
    assert lc.backends() == ("numpy",)
    params, x, options = drawn(lc.cells.rnn)
    with pytest.raises(lc.UnknownNameError, match="pip install numba;"):
        lc.unroll(lc.cells.rnn, params, x, backend="numba")


def test_fit_compiles_where_that_repays_itself(monkeypatch, tmp_path):
    task = lc.tasks.Copy(delay=3, payload=2)

    def ran(steps=3, **options):
        model = lc.Model(lc.cells.rnn, task, hidden_size=3, rng=0)
        return lc.fit(model, steps, batch_size=2, progress=False, **options).backend

    assert ran() == "numpy"  # 21 steps through time
    assert ran(backend="numba") == "numba"
    monkeypatch.setattr(lc.train, "COMPILED", 21)
    assert ran() == "numba"
    assert ran(steps=2) == "numpy"
    assert (
        ran(checkpoint=tmp_path / "run.safetensors", callback=lambda *_: True) == "numba"
    )  # stopped at once
    assert ran(checkpoint=tmp_path / "run.safetensors", resume=True) == "numba"
    monkeypatch.setattr(fast, "why_not", lambda: "it is switched off")
    assert ran() == "numpy"
