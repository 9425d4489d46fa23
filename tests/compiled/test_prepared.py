"""A call that comes again is prepared: it gives the same bits, and whatever differs is found as before."""

import gc
import os
import pickle
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from corner_cells import drawn

import lstmcourse as lc
from lstmcourse.errors import NotFiniteError

pytest.importorskip("numba")

from lstmcourse.compiled import prepared  # noqa: E402 - it is for Numba

CELL, T, B, D, H = lc.cells.gru_cho, 6, 2, 3, 4
EVERY = {name: lc.cells.get(name) for name in lc.cells.names()}
SOON = "lstm gru rnn peephole mlstm slstm min_gru clockwork additive_attention draw vrnn".split()
"""The others take seconds to compile where the contract's tests have not done that yet."""


def fresh(cell):
    """Nothing of the cell's calls is prepared."""
    cell._cache.pop("repeated", None)


def was_prepared(run):
    return run._repeated is not None and "_call" not in vars(run)


def given(seed=0, dtype=np.float32, T=T):
    params, x, _ = drawn(CELL, dtype, T=T, B=B, seed=seed, D=D, H=H)
    return params, x, np.random.default_rng(seed).standard_normal((T, B, H)).astype(dtype)


def called(params, x, dh, backend="numba", **options):
    run = lc.unroll(CELL, params, x, backend=backend, **options)
    return run, run.backward({"h": dh})


def prepare(*arguments, **options):
    """Have this call prepared, forwards and backwards."""
    for _ in range(3):
        run, _ = called(*arguments, **options)
    assert run._repeated and was_prepared(lc.unroll(CELL, *arguments[:2], backend="numba", **options))


def numbers(run, grads):
    return [run[name] for name in run] + list(grads.values()) + list(run.final.values())


def same(found, right):
    for a, b in zip(numbers(*found), numbers(*right), strict=True):
        np.testing.assert_array_equal(a, b)


def as_before(params, x, dh, **options):
    """The call gives what it does where nothing is prepared, and what NumPy says but for rounding."""
    found = called(params, x, dh, **options)
    fresh(CELL)
    same(found, called(params, x, dh, **options))
    for a, b in zip(numbers(*found), numbers(*called(params, x, dh, "numpy", **options)), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in SOON else pytest.mark.long) for name in EVERY]
)
def test_every_cell_gives_the_same_bits(name):
    """And is prepared, unless it has a clock, or is told sizes that no array shows."""
    run, told = repeated(EVERY[name], ("all", "last"))
    timed = any(what[0] == "clock" for what in run._programs.forward.inputs.values())
    assert was_prepared(run) == (run.backend == "numba" and not told and not timed)


@pytest.mark.parametrize("name", ["lstm", "slstm", "storn"])
@pytest.mark.parametrize("way", [("output",), ("output", "no inputs"), ("last",), ("output", "no gradients")])
def test_every_way_gives_the_same_bits(name, way):
    """With states that are given, and gradients of some outputs."""
    run, _ = repeated(lc.cells.get(name), way, given=True)
    assert was_prepared(run)


def repeated(cell, way, given=False):
    """The last of several runs, which all gave the same; and which sizes had to be told."""
    params, x, options = drawn(cell, np.float32, given=given)
    right, grad, inputs = None, "no gradients" not in way, "no inputs" not in way
    fresh(cell)
    for _ in range(4):
        run = lc.unroll(cell, params, x, backend="numba", grad=grad, **options)
        found = [run[k].copy() for k in run] + [np.asarray(a) for a in run.final.values()]
        names = {"all": [*cell.states, *cell.emits], "output": [cell.output]}.get(way[0], [])
        rng = np.random.default_rng(1)
        dh = {k: rng.standard_normal(run[k].shape).astype("f4") for k in dict.fromkeys(names)}
        ends = {k: rng.standard_normal(run.final[k].shape).astype("f4") for k in cell.states}
        again = lc.unroll(cell, params, x, backend="numba", grad=grad, **options)  # untouched so far
        if grad:
            grads = again.backward(dh, ends if "last" in way else None, inputs=inputs)
            found += [*grads.values(), *grads.params.values()]
        right = right or found
        for a, b in zip(found, right, strict=True):
            np.testing.assert_array_equal(a, b)
    return again, {"steps", "batch_size", "sizes"} & options.keys()


CHANGES = {
    "nothing": lambda p, x, g: (p, x, g),
    "another T": lambda p, x, g: (p, x[1:].copy(), g[1:].copy()),
    "another B": lambda p, x, g: (p, x[:, :1].copy(), g[:, :1].copy()),
    "an x that lies otherwise": lambda p, x, g: (p, np.asfortranarray(x), g),
    "a gradient that lies otherwise": lambda p, x, g: (p, x, np.asfortranarray(g)),
    "an x from the end": lambda p, x, g: (p, x[::-1], g),
    "a parameter that lies otherwise": lambda p, x, g: (p | {"U_r": np.asfortranarray(p["U_r"])}, x, g),
    "a square parameter turned": lambda p, x, g: (p | {"U_r": p["U_r"].T}, x, g),
    "arrays that are read-only": lambda p, x, g: (
        {k: read_only(a) for k, a in p.items()}, *map(read_only, (x, g))
    ),
    "an odd address": lambda p, x, g: ({k: unaligned(a) for k, a in p.items()}, *map(unaligned, (x, g))),
    "float64": lambda p, x, g: ({k: a.astype(float) for k, a in p.items()}, x.astype(float), g.astype(float)),
    "parameters in another order": lambda p, x, g: (dict(reversed(p.items())), x, g),
    "a NaN among the parameters": lambda p, x, g: (p | {"b_g": p["b_g"] * np.nan}, x, g),
    "lists": lambda p, x, g: (p | {"b_g": [*p["b_g"]]}, x, g),
    "another hidden size": lambda p, x, g: (
        drawn(CELL, np.float32, B=B, D=D, H=H + 1)[0], x, np.ones((T, B, H + 1), np.float32)
    ),
}  # fmt: skip


def read_only(a):
    a = a.copy()
    a.flags.writeable = False
    return a


def unaligned(a):
    new = np.ndarray(a.shape, a.dtype, bytearray(a.nbytes + 1), 1)
    new[...] = a
    return new


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_what_differs_is_noticed(change):
    fresh(CELL)
    prepare(*given())
    as_before(*CHANGES[change](*given(1)))


def test_lengths_and_states_that_come_and_go():
    fresh(CELL)
    params, x, dh = given()
    h = np.random.default_rng(2).standard_normal((B, H)).astype(np.float32)
    prepare(params, x, dh)
    for options in ({"lengths": np.array([2, 6])}, {"state": {"h": h}}, {"lengths": np.array([0, 3])}, {}):
        for _ in range(3):
            found = called(params, x, dh, **options)
        same(found, (lambda: (fresh(CELL), called(params, x, dh, **options))[1])())


def test_gradients_that_come_and_go():
    """A run without them is prepared beside the one with them, and neither stands in for the other."""
    fresh(CELL)
    params, x, dh = given()
    right = called(params, x, dh)
    for _ in range(3):
        plain = lc.unroll(CELL, params, x, backend="numba", grad=False)
        with pytest.raises(ValueError, match="grad=False"):
            plain.backward({"h": dh})
        same(called(params, x, dh), right)
    assert was_prepared(lc.unroll(CELL, params, x, backend="numba", grad=False))


BAD = {
    "NaN in x": lambda p, x, g: (p, np.where(np.arange(D) == 1, np.nan, x).astype(x.dtype), g),
    "infinity in a gradient": lambda p, x, g: (p, x, np.where(np.arange(H) == 1, -np.inf, g).astype(g.dtype)),
    "x of another dtype": lambda p, x, g: (p, x.astype(np.float64), g),
    "x of whole numbers": lambda p, x, g: (p, x.astype(np.int32), g),
    "x with the bytes in the other order": lambda p, x, g: (p, x.astype(x.dtype.newbyteorder()), g),
    "a masked x": lambda p, x, g: (p, np.ma.masked_array(x), g),
    "a parameter of another dtype": lambda p, x, g: (p | {"U_r": p["U_r"].astype(np.float64)}, x, g),
    "a parameter of another shape": lambda p, x, g: (p | {"U_r": p["U_r"][:1]}, x, g),
    "a parameter with an axis more": lambda p, x, g: (p | {"U_r": p["U_r"][None]}, x, g),
    "a parameter with an axis more at its end": lambda p, x, g: (p | {"U_r": p["U_r"][..., None]}, x, g),
    "a parameter that is None": lambda p, x, g: (p | {"U_r": None}, x, g),
    "a parameter too many": lambda p, x, g: (p | {"more": x}, x, g),
    "a parameter missing": lambda p, x, g: ({k: a for k, a in p.items() if k != "U_r"}, x, g),
    "a parameter under another name": lambda p, x, g: (
        {("U_q" if k == "U_r" else k): a for k, a in p.items()}, x, g
    ),
    "a gradient of another shape": lambda p, x, g: (p, x, g[:1]),
    "a gradient of another dtype": lambda p, x, g: (p, x, g.astype(np.float64)),
}  # fmt: skip


@pytest.mark.parametrize("bad", BAD)
def test_what_is_wrong_is_said_as_before(bad):
    def error():
        with pytest.raises((ValueError, TypeError)) as found:
            called(*BAD[bad](*given()))
        return type(found.value), str(found.value)

    fresh(CELL)
    right = error()
    prepare(*given())
    assert error() == right
    as_before(*given())


def test_a_state_that_is_not_finite():
    fresh(CELL)
    params, x, dh = given()
    h = np.zeros((B, H), np.float32)
    prepare(params, x, dh, state={"h": h})
    h[1, 2] = np.inf
    with pytest.raises(NotFiniteError, match=r"h \(state\) is inf at \(1, 2\)"):
        lc.unroll(CELL, params, x, state={"h": h}, backend="numba")


def test_arrays_that_change_in_place_between_a_run_and_its_gradients():
    """Reshaped, they are refused or read as they are now, never beyond their end."""
    fresh(CELL)
    prepare(*given())
    params, x, dh = given()
    run = lc.unroll(CELL, params, x, backend="numba")
    right = run.backward({"h": dh})
    params["U_r"].resize((H, 100), refcheck=False)
    params["U_r"].resize((H, H), refcheck=False)
    params["U_r"][...] = given()[0]["U_r"]
    for a, b in zip(run.backward({"h": dh}).values(), right.values(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_what_is_kept_is_not_written_to():
    fresh(CELL)
    prepare(*given())
    kept = [called(*given(seed)) for seed in range(8)]
    copies = [[a.copy() for a in numbers(*found)] for found in kept]
    for seed in range(8, 16):
        called(*given(seed))
    for found, copied in zip(kept, copies, strict=True):
        for a, b in zip(numbers(*found), copied, strict=True):
            np.testing.assert_array_equal(a, b)
            assert not b.size or not any(np.shares_memory(a, c) for c in given(0)[0].values())


def test_no_array_is_kept():
    fresh(CELL)
    arguments = given()
    prepare(*arguments)
    run, grads = called(*arguments)
    known = [
        weakref.ref(a) for a in (*arguments[0].values(), *arguments[1:], run["h"], grads["W_g"], run, grads)
    ]
    del arguments, run, grads
    gc.collect()
    assert not any(a() is not None for a in known)


def test_threads_repeat_one_call():
    fresh(CELL)
    cases = [given(seed) for seed in range(4)]
    right = [called(*case) for case in cases]
    prepare(*cases[0])

    def work(k):
        return [called(*cases[k]) for _ in range(50)]

    with ThreadPoolExecutor(4) as pool:
        for found, wanted in zip(pool.map(work, range(4)), right, strict=True):
            for one in found:
                same(one, wanted)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_goes_on_with_what_is_prepared():
    fresh(CELL)
    arguments = given()
    prepare(*arguments)
    right = called(*arguments)
    child = os.fork()
    if not child:
        try:
            same(called(*arguments), right)
            os._exit(0)
        except BaseException:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    same(called(*arguments), right)


def test_where_arrays_look_otherwise_nothing_is_prepared(monkeypatch):
    """Python and NumPy may change how they keep arrays; it is tried out before it is relied on."""
    assert prepared.trusted()
    fresh(CELL)
    monkeypatch.setattr("lstmcourse.run.repeated.trusted", lambda: False)
    for _ in range(4):
        run, _ = called(*given())
        assert run._repeated is None
    as_before(*given())


@pytest.mark.parametrize("sees", ["nothing", "all as good"])
def test_another_layout_is_not_trusted(monkeypatch, sees):
    fit, found = prepared.native.caller().fit, []

    def other(table, objects):
        found.append(fit(table, objects))
        return found[0] if sees == "all as good" else 0

    monkeypatch.setattr(prepared.native, "caller", lambda: SimpleNamespace(fit=other))
    assert not prepared.trusted.__wrapped__()
    assert found[0]


def test_a_back_end_that_is_switched_off_is_not_used(monkeypatch):
    import numba

    fresh(CELL)
    prepare(*given())
    monkeypatch.setattr(numba.config, "DISABLE_JIT", True)
    with pytest.raises(lc.UnknownNameError, match="switched off"):
        called(*given())


def test_a_block_that_says_another_back_end_decides():
    fresh(CELL)
    params, x, dh = given()
    with lc.use("numba"):
        for _ in range(4):
            run = lc.unroll(CELL, params, x)
    assert run.backend == "numba" and was_prepared(run)
    assert lc.unroll(CELL, params, x).backend == "numpy"


def test_gradients_of_a_repeated_call_travel():
    fresh(CELL)
    prepare(*given())
    _, grads = called(*given())
    other = pickle.loads(pickle.dumps(grads))
    assert list(other) == list(grads)
    for name in grads:
        np.testing.assert_array_equal(other[name], grads[name])
    for name in grads.params:
        assert other.params[name] is other[name]
