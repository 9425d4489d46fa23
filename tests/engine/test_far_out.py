"""Numbers far out: nets of thousands, in every cell, both back-ends, both dtypes.

What has a value in mathematics has it in floats, and the back-ends agree. The oracle is the papers' plain
formulas in decimal arithmetic, whose exponents have no end where it matters, differentiated by differences.
"""

import decimal
import math
from decimal import Decimal

import numpy as np
import pytest
from systems import SYSTEMS
from test_contract import arguments

import lstmcourse as lc
from lstmcourse.engine import numeric as runtime

SIZES = (1.0, 30.0, 1e2, 1e4)
DTYPES = (np.float32, np.float64)
EXP = [lc.cells.get(name).with_options(forget="exp") for name in ("slstm", "mlstm")]
CELLS = [*(lc.cells.get(name) for name in lc.cells.names() if name not in SYSTEMS), *EXP]

# Cells whose values or gradients have no bound, and grow out of float32 within a few steps: the reason
UNBOUNDED = {
    "rnn_relu": "max(a, 0) hands on what it is given: h grows as U^t",
}


def last(name):
    return name.rpartition(".")[2]


def far_params(cell, size, dtype, rng):
    """First biases of plus and minus `size`, then weights of about that size."""
    p = cell.init(3, 4, rng=rng, dtype=dtype)
    yield {k: size * rng.choice([-1, 1], v.shape) if last(k)[0] == "b" else v for k, v in p.items()}
    yield {k: size * rng.standard_normal(v.shape) for k, v in p.items()}


def ran(cell, p, x, backend="numpy"):
    """The output, and the gradients of its sum."""
    free = cell.name in UNBOUNDED
    with np.errstate(over="ignore" if free else "warn", invalid="ignore" if free else "warn"):
        run = lc.unroll(cell, p, x, backend=backend)
        return {"": run.output, **run.backward({cell.output: np.ones_like(run.output)})}


def reference(cell, p, x, dtype):
    """Each array, computed in float64, and how far off it may be in `dtype`, by the analysis of errors.

    A computed sum of n products is that of factors which are off by n eps (Higham 2002, 3.1), so results are
    off by n eps times what they move if every parameter and input moves by a share. That is measured, with
    shares that leave room above float64's own rounding. Values add n eps of the largest, which is a gate's 1
    or more; so a slope f (1 - f) that should vanish is off by eps, and gradients, which are 1 at first, by
    n eps of the largest times the largest factor that hands them on. Float64 is off as well.
    """
    rng, share = np.random.default_rng(2), 1e-9
    p, x = {k: v.astype(float) for k, v in p.items()}, x.astype(float)
    here = ran(cell, p, x)

    def moved(v):
        return v * (1 + share * rng.choice([-1, 1], v.shape))

    there = [ran(cell, {k: moved(v) for k, v in p.items()}, moved(x)) for _ in range(4)]
    moves = {k: max(np.max(np.abs(a[k] - here[k])) for a in there) / share for k in here}
    value, *gradients = (max(1.0, np.max(np.abs(a))) for a in here.values())
    factor = max(1.0, *(np.max(np.abs(v)) for k, v in p.items() if last(k)[0] != "b"), np.max(np.abs(x)))
    n = x.shape[-1] + here[""].shape[-1] + 1 + x.shape[0] * x.shape[1]  # terms of a net, and of dW
    eps = n * (np.finfo(dtype).eps + np.finfo(float).eps)
    return here, {k: eps * (moves[k] + (factor * max(gradients) if k else value)) for k in here}


BACKENDS = [
    pytest.param(("numpy",), id="numpy"),
    pytest.param(lc.backends(), id="both", marks=pytest.mark.long),  # each cell is compiled twice, both ways
]


@pytest.mark.parametrize("backends", BACKENDS)
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.name + ("_exp" if c in EXP else ""))
def test_every_cell_is_defined_far_out_and_alike_in_both_back_ends(cell, backends):
    for dtype in DTYPES:
        rng = np.random.default_rng(0)
        for size in SIZES:
            for p in far_params(cell, size, dtype, rng):
                p = {k: v.astype(dtype) for k, v in p.items()}
                x = rng.standard_normal((6, 2, 3)).astype(dtype)
                found = [ran(cell, p, x, backend) for backend in backends]
                if cell.name in UNBOUNDED and size > 1:
                    continue
                want, off = reference(cell, p, x, dtype)
                for backend, arrays in zip(backends, found, strict=True):
                    for k, a in arrays.items():
                        assert np.max(np.abs(a - want[k])) <= off[k], (backend, k, dtype.__name__, size)


@pytest.mark.parametrize("backends", BACKENDS)
@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize("name", [name for name in lc.cells.names() if name in SYSTEMS])
def test_systems_that_are_given_large_numbers_are_those_of_the_reference(name, size, backends):
    cell = lc.cells.get(name)
    params, x, options = arguments(cell)
    x = x if x is None else size * np.abs(x)

    def ran(backend):
        run = lc.unroll(cell, params, x, backend=backend, **options)
        return {k: run[k] for k in run} | dict(run.backward({cell.output: np.ones_like(run.output)}))

    want = ran("reference")
    for backend in backends:
        found = ran(backend)
        for k, a in want.items():
            assert np.isfinite(a).all(), k
            np.testing.assert_allclose(found[k], a, rtol=0, atol=1e-11 * max(1.0, np.abs(a).max(initial=0.0)))


# The papers' formulas, unstabilised, for one unit, one sequence


def sigma(a):
    return 1 / (1 + (-a).exp())


def tanh(a):
    return 2 * sigma(2 * a) - 1


def plain_min_lstm(p, x, forget):
    h = Decimal(0)
    for t in range(len(x)):
        f, i = (sigma(x[t] * p[f"W_{k}"] + p[f"b_{k}"]) for k in "fi")
        h = f / (f + i) * h + i / (f + i) * (x[t] * p["W_g"] + p["b_g"])
        yield h


def plain_slstm(p, x, forget):
    h = c = n = Decimal(0)
    for t in range(len(x)):
        f, i, z, o = (x[t] * p[f"W_{k}"] + h * p[f"U_{k}"] + p[f"b_{k}"] for k in "fizo")
        f, i = sigma(f) if forget == "sigmoid" else f.exp(), i.exp()
        c, n = f * c + i * tanh(z), f * n + i
        h = sigma(o) * c / n
        yield h


def plain_mlstm(p, x, forget):
    c = n = Decimal(0)
    for t in range(len(x)):
        q, k, v, f, i, o = (x[t] * p[f"W_{k}"] + p[f"b_{k}"] for k in "qkvfio")
        f, i = sigma(f) if forget == "sigmoid" else f.exp(), i.exp()
        c, n = f * c + i * v * k, f * n + i * k
        yield sigma(o) * c * q / max(abs(n * q), Decimal(1))


NETS = [-1e4, -800.0, -100.0, 0.0, 1e4]  # float64's exp ends at -745, float32's at -103
PLAIN = [
    ("min_lstm", plain_min_lstm, {}),
    *(("slstm", plain_slstm, {"forget": k}) for k in ("sigmoid", "exp")),
    *(("mlstm", plain_mlstm, {"forget": k}) for k in ("sigmoid", "exp")),
]


@pytest.mark.parametrize("backends", BACKENDS)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "plain", "options"), PLAIN, ids=lambda v: str(v) if type(v) is dict else "")
def test_quotients_of_numbers_that_floats_do_not_have(name, plain, options, dtype, backends):
    cell, rng, forget = (
        lc.cells.get(name).with_options(**options),
        np.random.default_rng(1),
        options.get("forget"),
    )
    near = 100 * np.finfo(dtype).eps
    x = rng.standard_normal((3, 1, 1)).astype(dtype)
    with decimal.localcontext() as context:
        context.prec, context.Emax, context.Emin = 50, decimal.MAX_EMAX, decimal.MIN_EMIN
        numbers = [Decimal(float(v)) for v in x[:, 0, 0]]
        for b_f in NETS:
            for b_i in NETS:
                p = {
                    k: rng.uniform(0.3, 1.0, s).astype(dtype) for k, s in cell.parameter_shapes(1, 1).items()
                }
                p["b_f"][:], p["b_i"][:] = b_f, b_i
                exact = {k: Decimal(float(v.flat[0])) for k, v in p.items()}
                want = [float(h) for h in plain(exact, numbers, forget)]
                slopes, step = {}, Decimal("1e-15")
                for k in exact:
                    ends = [sum(plain(exact | {k: exact[k] + d}, numbers, forget)) for d in (step, -step)]
                    slopes[k] = float((ends[0] - ends[1]) / (2 * step))
                for backend in backends:
                    run = lc.unroll(cell, p, x, backend=backend)
                    np.testing.assert_allclose(
                        run.output[:, 0, 0],
                        want,
                        rtol=near * max(1, abs(b_f), abs(b_i)),
                        atol=near,
                        err_msg=f"{b_f} {b_i}",
                    )
                    grads = run.backward({"h": np.ones_like(run.output)})
                    for k, slope in slopes.items():
                        assert abs(grads[k].item() - slope) <= near * max(1, abs(b_f), abs(b_i)) * max(
                            1, *map(abs, slopes.values())
                        ), (b_f, b_i, k, grads[k], slope)


@pytest.mark.parametrize("dtype", DTYPES)
def test_sigmoid_keeps_its_digits_however_small(dtype):
    """So that log(sigmoid(a)) is a, and quotients of gates have a meaning, in both back-ends."""
    a = np.array([-80.0, -40.0, -17.0, -3.0, 0.0, 5.0, 80.0], dtype)
    want = [math.exp(v) / (1 + math.exp(v)) for v in a.tolist()]

    @lc.cell
    def gate(x):
        y = lc.sigmoid(x)
        return y

    rtol = 4 * np.finfo(dtype).eps
    np.testing.assert_allclose(runtime.sigmoid(a), want, rtol=rtol)
    np.testing.assert_allclose(runtime.sigmoid(a.astype(complex)), want, rtol=1e-13)
    for backend in lc.backends():
        run = lc.unroll(gate, {}, a[:, None, None], backend=backend)
        np.testing.assert_allclose(run.output[:, 0, 0], want, rtol=rtol, err_msg=backend)
