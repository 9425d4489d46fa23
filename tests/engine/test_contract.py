"""The contract: whatever runs a cell gives what the reference gives, whose gradients are those of its values.

`lstmcourse.engine.reference` says what a run means. Every back-end is compared with it, value by value and
gradient by gradient, for the cells of the course and for the corner cells; and its gradients, which all
others have to give, with its own values, by complex step. What is added to `corner_cells.CELLS` or
`lc.backends()` is under the contract with no more code; so is a primitive, by `test_primitives.py`.
"""

import numpy as np
import pytest
from corner_cells import CELLS as CORNERS
from corner_cells import drawn
from hypothesis import given, settings
from hypothesis import strategies as st

import lstmcourse as lc

COURSE = {name: lc.cells.get(name) for name in lc.cells.names()}
CELLS = COURSE | CORNERS
BACKENDS = [b for b in lc.backends() if b != "numpy"]
ENDS = [5, 0, 3]


def padded(x, lengths):
    """x with NaN past the end."""
    x = x.copy()
    x[np.arange(len(x))[:, None] >= lengths] = np.nan
    return x


def static(cell):
    """Names of inputs that are the same at every step."""
    return {i.name for i in cell.inputs if i.kind == "static"}


def arguments(cell, lengths=None, offset=0, **how):
    """Drawn arguments; inputs are NaN past the end, and the clock has started if there is one."""
    params, x, options = drawn(cell, **how)
    clocks = [i.name for i in cell.inputs if i.kind == "clock"]
    if offset and clocks:
        options["state"] = (options["state"] or {}) | dict.fromkeys(clocks, offset)
    if lengths is not None:
        options["lengths"] = np.array(lengths)
        timed = {i.name for i in cell.inputs if i.kind in ("sequence", "noise")} & set(options["inputs"])
        options["inputs"] |= {k: padded(options["inputs"][k], options["lengths"]) for k in timed}
        if x is not None and cell.inputs[0].name not in static(cell):
            x = padded(x, options["lengths"])
    return params, x, options


def outside(run, outputs=None):
    """Gradients for outputs at every step, and for the last states: drawn, the same for equal shapes."""
    rng, cell = np.random.default_rng(1), run.cell
    names = dict.fromkeys([*cell.states, *cell.emits] if outputs is None else outputs)
    grads = {k: rng.standard_normal(run[k].shape).astype(run[k].dtype) for k in names}
    return grads, {k: rng.standard_normal(run.final[k].shape).astype(run.final[k].dtype) for k in cell.states}


def outcome(cell, given, backend, ran=None, outputs=None, ends=True, inputs=True, **how):
    """All that a run gives, by what it is: values, last states, gradients."""
    params, x, options = given
    run = lc.unroll(cell, params, x, backend=backend, **options, **how)
    assert run.backend == (ran or backend)
    grads, final = outside(run, outputs)
    back = run.backward(grads, final if ends else None, inputs=inputs)
    assert list(run) == list(cell.names)
    found = {k: run[k] for k in run} | {f"final {k}": np.asarray(v) for k, v in run.final.items()}
    return found | {f"gradient of {k}": v for k, v in back.items()}


def same(got, expected, tolerance):
    assert list(got) == list(expected)
    for what, a in expected.items():
        assert (got[what].shape, got[what].dtype) == (a.shape, a.dtype), what
        scale = max(1.0, np.max(np.abs(a), initial=0.0)) * (10 if what.startswith("gradient") else 1)
        np.testing.assert_allclose(got[what], a, rtol=0, atol=tolerance * scale, err_msg=what)


def agree(cell, backend="numpy", dtype=np.float64, how=None, **given):
    """A back-end's outcome beside the reference's."""
    asked, how = arguments(cell, dtype=dtype, **given), how or {}
    expected = outcome(cell, asked, "reference", **how)
    same(outcome(cell, asked, backend, **how), expected, 1e-13 if dtype == np.float64 else 1e-5)
    return expected


# Every back-end gives what the reference gives

FULL, PADDED = {}, {"lengths": ENDS, "given": True, "offset": 2}


@pytest.mark.parametrize("way", [FULL, PADDED, {"lengths": ENDS}], ids=["full", "given, padded", "padded"])
@pytest.mark.parametrize("name", CELLS)
def test_numpy(name, way):
    agree(CELLS[name], **way)


COMPILED = {"float32, full": (np.float32, FULL), "float64, padded": (np.float64, PADDED)}


def compilations():
    """Every cell, both ways. A compilation takes seconds, so that half of them are long.

    The others are the cells of the course as learners run them, one of those which differ by options alone;
    and the corner cells in the way that is hardest.
    """
    by_size = sorted(COURSE, key=lambda name: len(COURSE[name].graph.nodes))
    largest = {COURSE[name].function: name for name in by_size}.values()
    for name in CELLS:
        for way in COMPILED:
            soon = way == "float64, padded" if name in CORNERS else way == "float32, full" and name in largest
            yield pytest.param(name, way, marks=[] if soon else pytest.mark.long)


@pytest.mark.parametrize(("name", "way"), list(compilations()))
@pytest.mark.parametrize("backend", BACKENDS)
def test_compiled(backend, name, way):
    dtype, given = COMPILED[way]
    agree(CELLS[name], backend, dtype, **given)


@pytest.mark.parametrize("name", ["toy", "shared_next", "stack of stack", "slstm"])
def test_float32(name):
    agree(CELLS[name], dtype=np.float32)


@pytest.mark.parametrize("lengths", [None, [0, 0, 0]], ids=["full", "padded"])
@pytest.mark.parametrize("name", ["toy", "stack of stack", "bidirectional", "computed"])
def test_no_steps(name, lengths):
    agree(CELLS[name], T=0, lengths=lengths)
    agree(CELLS[name], T=0, lengths=lengths, given=True)
    if lengths is not None:
        agree(CELLS[name], lengths=lengths)


EDGES = [{"T": 1}, {"B": 1}, {"H": 1}, {"D": 1}, {"D": 0}, {"T": 1, "B": 1, "D": 1, "H": 1}]


@pytest.mark.parametrize("sizes", EDGES, ids=str)
@pytest.mark.parametrize("name", ["rnn", "lstm", "lstm_1997", "rnn_relu", "toy", "bidirectional"])
def test_small_sizes(name, sizes):
    agree(CELLS[name], **sizes, given=True)


def test_compiled_sizes():
    """No step, one sequence, columns that fill no tile: the programs are the same ones."""
    for backend in BACKENDS:
        for sizes in ({"T": 0}, {"B": 1}, {"T": 1, "B": 1, "H": 1}, {"D": 0}, {"H": 37, "B": 9}, {"H": 130}):
            agree(CELLS["lstm"], backend, np.float32, **sizes)


@pytest.mark.parametrize(("backend", "name"), [("numpy", "toy"), *((b, "lstm") for b in lc.backends())])
def test_any_subset_of_outputs(backend, name):
    cell = CELLS[name]
    for outputs in ([], *([k] for k in (*cell.states, *cell.emits))):
        agree(cell, backend, how={"outputs": outputs, "ends": not outputs})
    agree(cell, backend, how={"outputs": ["h"], "ends": False, "inputs": False})


# The values of the reference and its gradients are of one function


def differentiable(cell):
    """Whether no gradient is stopped, but for weights that are fixed."""
    return all(a.op.name in ("param", "mul") for n in cell.graph.nodes if n.op.name == "stop" for a in n.args)


@pytest.mark.parametrize("way", [FULL, PADDED, {"lengths": ENDS}], ids=["full", "given, padded", "padded"])
@pytest.mark.parametrize("name", [name for name in CELLS if differentiable(CELLS[name])])
def test_gradients_are_slopes(name, way):
    by_complex_step(CELLS[name], **way)


def by_complex_step(cell, **way):
    """Each gradient in a direction of its own: the slope of a sum of all outputs, by complex step."""
    params, x, options = arguments(
        cell, T=4, H=3, **way | ({"lengths": [4, 0, 2]} if "lengths" in way else {})
    )
    run = lc.unroll(cell, params, x, backend="reference", **options)
    grads, ends = outside(run)
    back = run.backward(grads, ends)
    first = {} if x is None else {cell.inputs[0].name: x}
    states = {k: v for k, v in (options["state"] or {}).items() if k in cell.states}
    clock = {k: v for k, v in (options["state"] or {}).items() if k not in cell.states}
    groups = {"param": params, "input": first | options["inputs"], "state": states}
    fixed = {p.name for p in cell.graph.params if "fixed" in p.attrs}
    rng = np.random.default_rng(2)

    def slope(kind, name, way):
        moved = {k: {n: a.astype(complex) for n, a in group.items()} for k, group in groups.items()}
        moved[kind][name] = moved[kind][name] + 1e-30j * way
        more = options | {"inputs": moved["input"], "state": moved["state"] | clock}
        r = lc.unroll(cell, moved["param"], backend="reference", grad=False, **more)
        assert all(r[k].dtype == complex for k in cell.states)
        total = sum(np.sum(g * r[k]) for k, g in grads.items())
        return (total + sum(np.sum(g * r.final[k]) for k, g in ends.items())).imag / 1e-30

    for kind, group in groups.items():
        for name, a in group.items():
            g = back[f"{name}0" if kind == "state" else name]
            assert (g.shape, g.dtype) == (a.shape, a.dtype)
            assert np.all(g[np.isnan(a)] == 0), "padding gets exactly no gradient"
            if name in fixed:
                assert not g.any(), f"{name} is fixed, and has a gradient"
                continue
            direction = rng.standard_normal(a.shape)
            expected = slope(kind, name, direction)
            assert np.sum(g * direction) == pytest.approx(expected, rel=1e-11, abs=1e-12), name


# Cells and shapes that nobody chose


def random_cell(seed):
    """A cell of a dozen random operations on a few states and inputs of every kind."""
    one = [lc.tanh, lc.sigmoid, lc.sin, lc.softplus, lc.softmax, lc.identity, lambda a: -a]
    two = [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: 0.5 * a * b, lc.maximum]
    two += [lambda a, b: a / (2.0 + lc.square(b))]

    @lc.cell
    def made(x, h, c, q, a=lc.static("H"), e=lc.noise("H"), t=lc.clock):
        rng = np.random.default_rng(seed)
        row = lc.param("row", "H")
        pool = [lc.affine("in", W=x), h, c, q, a, e, row + 0.0 * h]
        for k in range(12):
            pick = [pool[j] for j in rng.integers(0, len(pool), 3)]
            kind = rng.integers(0, 8)
            if kind < 2:
                pool.append(one[rng.integers(len(one))](pick[0]))
            elif kind < 5:
                pool.append(two[rng.integers(len(two))](pick[0], pick[1]))
            elif kind == 5:
                pool.append(0.3 * (pick[0] @ lc.param(f"U_{k}", "H", "H")))
            elif kind == 6:
                pool.extend(lc.split(lc.tanh(lc.concat(pick[0], pick[1])), 2))
            else:
                pool.append(lc.where(t % 2 == 0, pick[0], pick[1]))
        pool = [node for node in pool[4:] if node.timed]
        ends = [pool[j] for j in rng.integers(0, len(pool), 5)]
        return tuple(0.5 * lc.tanh(v) if rng.random() < 0.5 else lc.identity(v) for v in ends)

    return made


@settings(max_examples=20, deadline=None, derandomize=True)
@given(seed=st.integers(0, 10**6), lengths=st.sampled_from([None, [3, 0, 1]]), given=st.booleans())
def test_random_cells(seed, lengths, given):
    cell = random_cell(seed)
    agree(cell, T=3, H=2, lengths=lengths, given=given, seed=seed)
    by_complex_step(cell, lengths=lengths, given=given, seed=seed)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(
    name=st.sampled_from(["rnn", "lstm", "gru", "stack", "bidirectional", "toy"]),
    T=st.integers(0, 4),
    B=st.integers(1, 3),
    D=st.integers(0, 3),
    H=st.integers(1, 4),
    seed=st.integers(0, 1000),
    given=st.booleans(),
    cut=st.booleans(),
)
def test_random_shapes(name, T, B, D, H, seed, given, cut):
    lengths = np.random.default_rng(seed).integers(0, T + 1, B) if cut else None
    agree(CELLS[name], T=T, B=B, D=D, H=H, seed=seed, given=given, lengths=lengths)


# The other roads to the same numbers


@pytest.mark.parametrize("name", CELLS)
def test_checkpointed(name):
    cell = CELLS[name]
    if any(s.reverse for s in cell.graph.states):
        with pytest.raises(ValueError, match="both directions"):
            agree(cell, how={"checkpoint_every": 3})
        return
    for way in (PADDED, FULL):
        given = arguments(cell, **way)
        whole = outcome(cell, given, "reference")
        same(outcome(cell, given, "numpy", checkpoint_every=3), whole, 1e-13)


@pytest.mark.parametrize("name", CELLS)
def test_steps(name):
    """`Cell.step`, called again and again with the states that it gave, gives the rows of a run."""
    cell = CELLS[name]
    params, x, options = arguments(cell, given=True, offset=2)
    run = lc.unroll(cell, params, x, backend="reference", **options)
    timed = {i.name for i in cell.inputs if i.kind in ("sequence", "noise")}
    if any(s.reverse for s in cell.graph.states):
        with pytest.raises(ValueError, match="both directions"):
            cell.step(params, x[0])
        return
    now, still = options["state"], cell.inputs[0].name in static(cell)
    for t in range(run.T):
        here = {k: v[t] if k in timed else v for k, v in options["inputs"].items()}
        now = cell.step(params, x if x is None or still else x[t], now, **here)
        for k in cell.names:
            np.testing.assert_array_equal(now[k], run[k][t])
    for k, v in run.final.items():
        np.testing.assert_array_equal(now[k], v)


def test_the_reference_is_there_for_those_who_ask():
    """It runs by its name and is not offered; it prints nothing, and keeps to what all runs keep to."""
    cell, (params, x, _) = CELLS["lstm"], drawn(CELLS["lstm"])
    assert "reference" not in lc.backends()
    run = lc.unroll(cell, params, x, backend="reference", grad=False)
    with pytest.raises(ValueError, match="grad=False"):
        run.backward({"h": run["h"]})
    with pytest.raises(lc.UnknownNameError, match="no 'g2'"):
        run["g2"]
    with pytest.raises(ValueError, match=r"prints no program.*engine/reference\.py"):
        cell.source(backend="reference")
    run["h"][...] = 0.0
    run.final["h"][...] = 0.0
    assert run["h"].any() and run.final["h"].any(), "what is handed out is a copy"
    parts = lc.unroll(cell, params, x, backend="reference", checkpoint_every=2)
    assert parts.backend == "reference"
    grads, ends = outside(run)
    whole = lc.unroll(cell, params, x, backend="reference").backward(grads, ends)
    same(dict(parts.backward(grads, ends)), dict(whole), 1e-13)
