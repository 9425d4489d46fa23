"""Weights used more than once in a step; sizes that are products or that no array shows; parts of a cell."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import re

import numpy as np
import pytest
from checking import check_gradients, random_params

import lstmcourse as lc
from lstmcourse.engine.graph import Dim

rng = np.random.default_rng(0)
X = rng.standard_normal((4, 2, 3))


# Weights


@lc.cell
def twice(x, h, c):
    """One layer on two operands, one cell on two inputs, with weights of their own only once."""
    a = lc.tanh(lc.affine("a", h, x))
    b = lc.tanh(lc.affine("a", a, x, shared=True))
    h_1, c_1 = lc.cells.lstm(b, h, c, scope="first")
    h_2, c_2 = lc.cells.lstm(a, h_1, c_1, scope="second", weights="first")
    return h_2, c_2


@lc.cell
def by_hand(x, h, c):
    def layer(h, x):
        return h @ lc.param("U_a", "H", "H") + x @ lc.param("W_a", "D", "H") + lc.param("b_a", "H")

    a = lc.tanh(layer(h, x))
    b = lc.tanh(layer(a, x))
    h_1, c_1 = lc.cells.lstm(b, h, c, scope="first")
    h_2, c_2 = lc.cells.lstm(a, h_1, c_1, scope="other")
    return h_2, c_2


def test_shared_weights_are_those_of_the_first_use_and_their_gradient_is_the_sum():
    p = random_params(twice, np.random.default_rng(1), input_size=3, hidden_size=4)
    assert not any(name.startswith("second.") for name in p)
    assert twice.parameter_count(3, 4) == 4 * (3 + 4 + 1) + 4 * 4 * (4 + 4 + 1)
    q = p | {name.replace("first", "other"): v for name, v in p.items()}
    one, two = lc.unroll(twice, p, X), lc.unroll(by_hand, q, X)
    g = np.random.default_rng(2).standard_normal(one["h"].shape)
    grads, apart = one.backward({"h": g}), two.backward({"h": g})
    np.testing.assert_allclose(one["h"], two["h"], rtol=0, atol=1e-14)
    assert {"first.f", "second.f"} <= set(one.cell.names) and np.any(one["first.f"] != one["second.f"])
    for name in p:
        both = apart[name] + (apart[name.replace("first", "other")] if "first" in name else 0)
        np.testing.assert_allclose(grads[name], both, rtol=0, atol=1e-13)
    check_gradients(twice, p, X)
    assert r"W^{(first)}_f" in twice.latex and r"W^{(second)}_f" not in twice.latex


def test_a_cell_whose_parts_share_can_itself_be_shared():
    @lc.cell
    def outer(x, h, c):
        h_1, c_1 = twice(x, h, c, scope="low")
        h_2, c_2 = twice(x, h_1, c_1, scope="high", weights="low")
        return h_2, c_2

    p = random_params(outer, np.random.default_rng(1), input_size=3, hidden_size=4)
    assert {name.partition(".")[0] for name in p} == {"low"} and "low.first.W_f" in p
    check_gradients(outer, p, X)


def refused(function, message):
    with pytest.raises(lc.CellDefinitionError, match=message):
        lc.cell(function)


def test_sharing_what_is_not_there_is_refused():
    def layer(x, h):
        return lc.affine("a", h, x, shared=True)

    def operands(x, h):
        return lc.affine("a", W=x) + lc.affine("a", U=h, shared=True)

    def unseen(x, h):
        return lc.affine("a", W=x) + lc.affine("a", W=x)

    def scope(x, h):
        return lc.cells.rnn(x, h, scope="b", weights="a")

    def again(x, h):
        a = lc.cells.rnn(x, h, scope="a")
        return lc.cells.rnn(x, a, scope="a", weights="a")

    def another(x, h):
        a = lc.cells.rnn(x, h, scope="a")
        return lc.cells.gru(x, a, scope="b", weights="a")

    def width(x, h):
        a = lc.cells.rnn(x, h, scope="a")
        return lc.cells.rnn(lc.concat(x, a), h, scope="b", weights="a")

    refused(layer, r"line \d+: affine\('a', shared=True\) repeats a layer: there are none")
    refused(operands, r"the layer has no U_a .*operands that it has there")
    refused(unseen, r"layer 'a' exists already .*shared=True to share on purpose")
    refused(scope, r"share the weights of 'a': there are none")
    refused(again, r"scope 'a' is used already")
    refused(another, r"gru shares the weights of 'a' and needs 'a.W_z' of shape \(D, H\); there is none")
    refused(width, r"needs 'a.W_h' of shape \(D \+ H, H\); there is one of shape \(D, H\)")


# Sizes


def test_sizes_are_multiplied():
    n, m = Dim.of("N"), Dim.of("M")
    product = (n * 2 + 1) * (m + -3)
    for N in range(4):
        for M in range(4):
            assert product.value({"N": N, "M": M}) == (2 * N + 1) * (M - 3)
            assert (n * n * m).value({"N": N, "M": M}) == N * N * M
    assert set(product.names) == {"N", "M"}
    assert n * m == m * n and (n * m).within({"N": m + 1, "M": n}) == (m + 1) * n
    assert (n * m * 4).parts(2) == n * m * 2 and n * Dim.of(0) == Dim.of(0)
    assert str(n + -1) == "N - 1"


@lc.cell
def flattened(x, m=lc.state("N", "M"), h=lc.state("H")):
    """A matrix as a row, and a layer as a matrix."""
    rows, columns = m.shape
    h = lc.tanh(lc.affine("h", W=lc.reshape(m, rows * columns), U=h))
    m = m + lc.reshape(lc.affine("m", W=x, U=h, size=rows * columns), "N", "M")
    return m, h


@pytest.mark.parametrize("backend", lc.backends())
def test_products_of_sizes_in_cells(backend):
    sizes = {"N": 2, "M": 3}
    p = random_params(flattened, np.random.default_rng(1), input_size=3, hidden_size=4, sizes=sizes)
    assert p["W_h"].shape == (6, 4) and p["W_m"].shape == (3, 6) and p["b_m"].shape == (6,)
    assert flattened.parameter_count(3, 4, sizes) == 4 * (6 + 4 + 1) + 6 * (3 + 4 + 1)
    assert "M N" in lc.diff(lc.cells.rnn, flattened).counts[1]
    state = {"m": np.ones((2, 2, 3)), "h": np.ones((2, 4))}
    check_gradients(flattened, p, X, state=state)
    a, b = (lc.unroll(flattened, p, X, state=state, backend=how) for how in ("reference", backend))
    assert b.backend == backend
    np.testing.assert_allclose(a["m"], b["m"], rtol=0, atol=1e-14)
    with pytest.raises(lc.ShapeError, match=r"'W_h' has shape \(6, 4\).*M \* N = 4"):
        lc.unroll(flattened, p, X, state={"m": np.ones((2, 2, 2))})


@lc.cell
def remembering(x, m=lc.state("L", "D"), t=lc.clock):
    """A memory whose length no array shows."""
    here = lc.table("l", np.arange, "L") == t % lc.constant(Dim.of("L"))
    m = lc.where(lc.expand(here), lc.expand(x, -2), m)
    return m


def test_a_size_that_no_array_shows_is_told():
    run = lc.unroll(remembering, {}, X, sizes={"L": 2})
    assert run["m"].shape == (4, 2, 2, 3)
    np.testing.assert_array_equal(run.final["m"], X[2:].swapaxes(0, 1))
    again = lc.unroll(remembering, {}, X, sizes={"L": 2}, checkpoint_every=3)
    np.testing.assert_array_equal(again.final["m"], run.final["m"])
    three = lc.unroll(remembering, {}, X, sizes={"L": 3})  # not what is remembered of the run before
    assert three["m"].shape == (4, 2, 3, 3)
    after = remembering.step({}, X[0], sizes={"L": 2})
    np.testing.assert_array_equal(after["m"][:, 0], X[0])
    lc.unroll(remembering, {}, X, state=run.final, sizes={"L": 2, "D": 3})


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({}, ValueError, r"shows the size L; give sizes=\{'L': ...\}, or state="),
        (
            {"sizes": {"L": 2, "D": 4}},
            lc.ShapeError,
            r"sizes=\{'D': 4\}, and x has shape \(4, 2, 3\).*D is 3",
        ),
        ({"sizes": {"L": 0}}, ValueError, r"size L = 0; a size is a whole number from 1"),
        ({"sizes": {"L": 2.0}}, ValueError, r"size L = 2.0"),
        ({"sizes": {"K": 2}}, lc.UnknownNameError, r"no size 'K'"),
        ({"sizes": 2}, TypeError, r"sizes=2"),
        ({"size": {"L": 2}}, lc.UnknownNameError, r"did you mean sizes="),
    ],
    ids=str,
)
def test_sizes_that_do_not_fit_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        lc.unroll(remembering, {}, X, **options)


def test_an_argument_called_sizes_would_not_be_heard():
    def told(x, h, sizes=lc.static(1)):
        return h + x

    refused(told, r"cannot be called 'sizes'")


# Parts


def test_a_part_takes_its_own_of_a_larger_cells_parameters():
    sizes = {"Z": 2, "F": 5}
    p = lc.cells.vrnn.init(3, 4, rng=0, sizes=sizes)
    part = lc.cells.vrnn_sample
    own = part.own(p)
    assert {k: v.shape for k, v in own.items()} == part.parameter_shapes(3, 4, sizes)
    assert all(own[k] is p[k] for k in own) and len(own) < len(p)
    noise = {"e": np.zeros((2, 1, 2), np.float32), "e_x": np.zeros((2, 1, 3), np.float32)}
    with pytest.raises(lc.UnknownNameError, match=r"not a parameter of vrnn_sample: .*cell\.own\(params\)"):
        lc.unroll(part, p, **noise)
    assert lc.unroll(part, own, **noise)["x"].shape == (2, 1, 3)
    with pytest.raises(ValueError, match=r"params lacks: 'U_prior', 'b_prior'.*same options"):
        part.own({k: v for k, v in p.items() if "prior" not in k})
    with pytest.raises(TypeError, match="params"):
        part.own(None)


# How it is printed


@pytest.mark.parametrize(
    "cell",
    [*map(lc.cells.get, lc.cells.names()), lc.cells.draw.with_options(attention=True)],
    ids=lambda c: c.name,
)
def test_no_letter_has_two_superscripts_or_two_indices(cell):
    """TeX refuses them: x^2^{(read)}, g_X_t."""
    group = r"(?:\\[a-zA-Z]+(?:\{[^{}]*\})*|\{(?:[^{}]|\{[^{}]*\})*\}|[^\s\\{}])"
    scripts = rf"{group}(?:[_^]{group})+"
    for line in cell.latex.splitlines():
        for found in re.findall(scripts, line.replace(r"\_", "-")):
            bare = re.sub(r"\{(?:[^{}]|\{[^{}]*\})*\}", "", found)
            assert bare.count("^") <= 1 and bare.count("_") <= 1, found
