"""Numbers far out: nets of thousands, in every cell, both back-ends, both dtypes.

What has a value in mathematics has it in floats, and the back-ends agree. The oracle is the papers' plain
formulas in decimal arithmetic, whose exponents have no end where it matters, differentiated by differences.
"""

import decimal
import math
from decimal import Decimal

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.engine import numeric as runtime

SIZES = (1.0, 30.0, 1e2, 1e4)
DTYPES = (np.float32, np.float64)
EXP = [lc.cells.get(name).with_options(forget="exp") for name in ("slstm", "mlstm")]
CELLS = [*map(lc.cells.get, lc.cells.names()), *EXP]

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


BACKENDS = [
    pytest.param(("numpy",), id="numpy"),
    pytest.param(lc.backends(), id="both", marks=pytest.mark.long),  # each cell is compiled twice, both ways
]


@pytest.mark.parametrize("backends", BACKENDS)
@pytest.mark.parametrize("cell", CELLS, ids=lambda c: c.name + ("_exp" if c in EXP else ""))
def test_every_cell_is_defined_far_out_and_alike_in_both_back_ends(cell, backends):
    free = cell.name in UNBOUNDED
    for dtype in DTYPES:
        rng = np.random.default_rng(0)
        for size in SIZES:
            for p in far_params(cell, size, dtype, rng):
                p = {k: v.astype(dtype) for k, v in p.items()}
                x = rng.standard_normal((6, 2, 3)).astype(dtype)
                found = []
                for backend in backends:
                    with np.errstate(over="ignore" if free else "warn", invalid="ignore" if free else "warn"):
                        run = lc.unroll(cell, p, x, backend=backend)
                        grads = run.backward({cell.output: np.ones_like(run.output)})
                    finite = all(np.all(np.isfinite(a)) for a in (run.output, *grads.values()))
                    assert finite or (free and size > 1), (backend, dtype.__name__, size)
                    found.append((run.output, grads))
                if free and size > 1:
                    continue
                (y, a), *others = found
                scale = max(np.max(np.abs(g)) for g in a.values())
                near = 2e4 * np.finfo(dtype).eps
                for other, b in others:
                    assert np.max(np.abs(y - other)) <= near * max(1.0, np.max(np.abs(y))), (dtype, size)
                    for k in a:
                        assert np.max(np.abs(a[k] - b[k])) <= near * max(1.0, scale), (k, dtype, size)


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


NETS = [-1e4, -800.0, -100.0, -30.0, -1.0, 0.0, 30.0, 100.0, 1e4]
PLAIN = [
    ("min_lstm", plain_min_lstm, {}),
    *(("slstm", plain_slstm, {"forget": k}) for k in ("sigmoid", "exp")),
    *(("mlstm", plain_mlstm, {"forget": k}) for k in ("sigmoid", "exp")),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("name", "plain", "options"), PLAIN, ids=lambda v: str(v) if type(v) is dict else "")
def test_quotients_of_numbers_that_floats_do_not_have(name, plain, options, dtype):
    cell, rng, forget = (
        lc.cells.get(name).with_options(**options),
        np.random.default_rng(1),
        options.get("forget"),
    )
    near = 100 * np.finfo(dtype).eps
    x = rng.standard_normal((3, 1, 1)).astype(dtype)
    with decimal.localcontext() as context:
        context.prec, context.Emax, context.Emin = 80, decimal.MAX_EMAX, decimal.MIN_EMIN
        numbers = [Decimal(float(v)) for v in x[:, 0, 0]]
        for b_f in NETS:
            for b_i in NETS:
                p = {
                    k: rng.uniform(0.3, 1.0, s).astype(dtype) for k, s in cell.parameter_shapes(1, 1).items()
                }
                p["b_f"][:], p["b_i"][:] = b_f, b_i
                exact = {k: Decimal(float(v.flat[0])) for k, v in p.items()}
                want = [float(h) for h in plain(exact, numbers, forget)]
                slopes, step = {}, Decimal("1e-25")
                for k in exact:
                    ends = [sum(plain(exact | {k: exact[k] + d}, numbers, forget)) for d in (step, -step)]
                    slopes[k] = float((ends[0] - ends[1]) / (2 * step))
                for backend in lc.backends():
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
