"""The first cells: exact special cases, initial parameters, counts. What is proved of all: test_proofs.py."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import numpy as np
import pytest
from checking import random_params
from corner_cells import SIZES

import lstmcourse as lc

LAYERS = {"rnn": "h", "rnn_relu": "h", "lstm": "figo", "lstm_1997": "igo"}
NAMES = list(LAYERS)


@pytest.fixture
def x():
    return np.random.default_rng(11).standard_normal((6, 3, 4))


def drawn(cell, seed=0, H=5):
    return random_params(cell, np.random.default_rng(seed), input_size=4, hidden_size=H)


# Exact special cases


def test_rnn_without_recurrence_is_a_layer_at_each_step(x):
    p = drawn(lc.cells.rnn)
    p["U_h"][:] = 0
    np.testing.assert_allclose(
        lc.unroll(lc.cells.rnn, p, x)["h"], np.tanh(x @ p["W_h"] + p["b_h"]), atol=1e-15
    )


def test_rnn_without_input_and_bias_stays_at_zero(x):
    p = drawn(lc.cells.rnn)
    p["W_h"][:], p["b_h"][:] = 0, 0
    assert np.all(lc.unroll(lc.cells.rnn, p, x)["h"] == 0)


@pytest.mark.parametrize("U", ["orthogonal", "scaled"])
def test_linear_rnn_has_the_jacobian_of_its_matrix(U):
    """Orthogonal U keeps the norm of d h_T / d h_0 at 1; U = rho I gives rho ** T."""

    @lc.cell
    def linear(x, h):
        h = lc.affine("h", h, x)
        return h

    rng, T, H = np.random.default_rng(5), 40, 4
    p = drawn(linear, H=H)
    p["U_h"] = np.linalg.qr(rng.standard_normal((H, H)))[0] if U == "orthogonal" else 0.9 * np.eye(H)
    run = lc.unroll(linear, p, rng.standard_normal((T, 1, 4)), state={"h": rng.standard_normal((1, H))})
    rows = np.concatenate([run.backward(final={"h": e[None]})["h0"] for e in np.eye(H)])
    expected = np.linalg.matrix_power(p["U_h"], T).T
    np.testing.assert_allclose(rows, expected, rtol=1e-12, atol=1e-14)
    assert np.linalg.norm(rows, 2) == pytest.approx(1.0 if U == "orthogonal" else 0.9**T, rel=1e-12)


def test_rnn_gradient_obeys_the_recursion_of_back_propagation_through_time(x):
    """delta_t = (g_t + delta_{t+1} U^T) (1 - h_t^2), written out."""
    rng, p = np.random.default_rng(6), drawn(lc.cells.rnn)
    run = lc.unroll(lc.cells.rnn, p, x)
    h, g = run["h"], rng.standard_normal(run["h"].shape)
    delta, after = np.zeros_like(h), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        delta[t] = (g[t] + after @ p["U_h"].T) * (1 - h[t] ** 2)
        after = delta[t]
    before = np.concatenate([np.zeros_like(h[:1]), h[:-1]])
    grads = run.backward({"h": g})
    np.testing.assert_allclose(grads["W_h"], np.einsum("tbd,tbh->dh", x, delta), atol=1e-13)
    np.testing.assert_allclose(grads["U_h"], np.einsum("tbk,tbh->kh", before, delta), atol=1e-13)
    np.testing.assert_allclose(grads["b_h"], delta.sum((0, 1)), atol=1e-13)
    np.testing.assert_allclose(grads["x"], delta @ p["W_h"].T, atol=1e-13)
    np.testing.assert_allclose(grads["h0"], delta[0] @ p["U_h"].T, atol=1e-13)


def test_lstm_1997_keeps_its_state_when_the_input_gate_is_closed(x):
    """The constant error carousel holds the value, and passes the gradient with weight 1."""
    cell = lc.cells.lstm_1997
    p = drawn(cell)
    p["b_i"][:], p["W_i"][:], p["U_i"][:] = -1e3, 0, 0
    rng = np.random.default_rng(8)
    c0, end = rng.standard_normal((2, 3, 5))
    run = lc.unroll(cell, p, np.concatenate([x] * 20), state={"c": c0})
    assert np.all(run["c"] == c0)
    assert np.all(run.backward(final={"c": end})["c0"] == end)


def test_lstm_1997_worked_step():
    """s0 = 0, net_in = 2, net_c = 1, net_out = 0 give i = .881, g = .924, s = .814, y = .193."""
    p = {k: np.zeros(s) for k, s in lc.cells.lstm_1997.parameter_shapes(0, 1).items()}
    p["b_i"][:], p["b_g"][:], p["b_o"][:] = 2, 1, 0
    run = lc.unroll(lc.cells.lstm_1997, p, np.zeros((1, 1, 0)))
    for name, value in [("i", 0.881), ("g", 0.924), ("c", 0.814), ("h", 0.193)]:
        assert run[name].item() == pytest.approx(value, abs=5e-4)


def test_lstm_1997_is_lstm_with_an_open_forget_gate_and_other_squashing(x):
    old, p = lc.cells.lstm_1997, drawn(lc.cells.lstm_1997)
    run = lc.unroll(old, p, x)
    assert np.all(np.abs(run["g"]) < 2) and np.max(np.abs(run["g"])) > 1

    @lc.cell
    def twin(x, h, c):
        f = 1.0
        i = lc.sigmoid(lc.affine("i", h, x))
        g = 2.0 * lc.tanh(0.5 * lc.affine("g", h, x))
        o = lc.sigmoid(lc.affine("o", h, x))
        c = f * c + i * g
        h = o * lc.tanh(0.5 * c)
        return h, c

    np.testing.assert_allclose(run["h"], lc.unroll(twin, p, x)["h"], atol=1e-14)


@pytest.mark.parametrize("how", ["bias", "override"])
def test_lstm_with_an_open_forget_gate_accumulates(x, how):
    cell, p = lc.cells.lstm, drawn(lc.cells.lstm)
    if how == "bias":
        p["b_f"][:] = 1e3
    else:
        cell = cell.override(f=1.0)
    run = lc.unroll(cell, p, x)
    assert np.all(run["f"] == 1)
    np.testing.assert_allclose(run["c"], np.cumsum(run["i"] * run["g"], axis=0), atol=1e-14)


def test_lstm_with_gates_at_one_zero_one_is_tanh_of_tanh(x):
    """i = 1, f = 0, o = 1: the plain network but for the second squashing."""
    p = drawn(lc.cells.lstm)
    run = lc.unroll(lc.cells.lstm.override(i=1.0, f=0.0, o=1.0), p, x)
    h = np.zeros((3, 5))
    for t in range(len(x)):
        h = np.tanh(np.tanh(x[t] @ p["W_g"] + h @ p["U_g"] + p["b_g"]))
        np.testing.assert_allclose(run["h"][t], h, atol=1e-14)


def test_lstm_cell_path_has_the_product_of_forget_gates_as_jacobian(x):
    """With U = 0 nothing else carries a gradient from c_T to c_0."""
    p = drawn(lc.cells.lstm)
    for k in "figo":
        p[f"U_{k}"][:] = 0
    run = lc.unroll(lc.cells.lstm, p, x)
    got = run.backward(final={"c": np.ones((3, 5))})["c0"]
    np.testing.assert_allclose(got, np.prod(run["f"], axis=0), rtol=1e-13)


@pytest.mark.parametrize(
    "b, f20, f100", [(0, 9.5e-7, 7.9e-31), (1, 1.9e-3, 2.5e-14), (2, 7.9e-2, 3.1e-6), (5, 0.874, 0.511)]
)
def test_what_the_forget_bias_keeps(b, f20, f100):
    """The table of decay with the forget gate's bias: f ** 20 and f ** 100."""
    p = lc.cells.lstm.init(input_size=0, hidden_size=1, rng=0, dtype=np.float64, forget_bias=b)
    for k in "fgio":
        p[f"U_{k}"][:] = 0
    run = lc.unroll(lc.cells.lstm, p, np.zeros((100, 1, 0)), state={"c": np.ones((1, 1))})
    assert run["c"][19].item() == pytest.approx(f20, rel=0.06)
    assert run["c"][99].item() == pytest.approx(f100, rel=0.06)


# Parameters


@pytest.mark.parametrize("D, H", [(3, 5), (0, 1), (1, 1), (7, 2)])
def test_parameter_counts(D, H):
    A = H * (D + H + 1)
    for name, expected in [("rnn", A), ("rnn_relu", A), ("lstm", 4 * A), ("lstm_1997", 3 * A)]:
        cell = lc.cells.get(name)
        assert cell.parameter_count(input_size=D, hidden_size=H) == expected
        params = cell.init(input_size=D, hidden_size=H, rng=0)
        assert sum(v.size for v in params.values()) == expected
        assert {k: v.shape for k, v in params.items()} == cell.parameter_shapes(input_size=D, hidden_size=H)
        for layer in LAYERS[name]:
            shapes = [params[f"{k}_{layer}"].shape for k in "WUb"]
            assert shapes == [(D, H), (H, H), (H,)]


@pytest.mark.parametrize("name", NAMES)
def test_initial_parameters(name):
    D, H = 30, 40
    p = lc.cells.get(name).init(input_size=D, hidden_size=H, rng=np.random.default_rng(3), dtype=np.float64)
    for k in LAYERS[name]:
        W, U, b = p[f"W_{k}"], p[f"U_{k}"], p[f"b_{k}"]
        assert np.all(b == (1.0 if k == "f" else 0.0))
        if name == "rnn_relu":
            assert np.all(U == np.eye(H))
            assert np.std(W) == pytest.approx(0.001, rel=0.1)
            continue
        np.testing.assert_allclose(U @ U.T, np.eye(H), atol=1e-12)
        bound = np.sqrt(6 / (D + H))
        assert np.max(np.abs(W)) <= bound
        assert np.max(np.abs(W)) > 0.98 * bound and np.std(W) == pytest.approx(bound / np.sqrt(3), rel=0.05)
    layers = LAYERS[name]
    assert all(np.any(p[f"{m}_{a}"] != p[f"{m}_{b}"]) for m in "WU" for a in layers for b in layers if a < b)


def test_orthogonal_matrices_are_drawn_from_all_of_them():
    """QR alone would favour one sign: the trace of a Haar matrix averages 0, and both determinants occur."""
    traces, signs = [], set()
    for seed in range(200):
        U = lc.cells.rnn.init(input_size=1, hidden_size=3, rng=seed, dtype=np.float64)["U_h"]
        traces.append(np.trace(U))
        signs.add(round(float(np.linalg.det(U))))
    assert signs == {-1, 1}
    assert abs(np.mean(traces)) < 4 / np.sqrt(200)  # the variance of the trace is 1


def test_initial_parameters_are_reproducible_and_of_the_dtype_asked_for():
    cell = lc.cells.lstm
    a, b = (cell.init(3, 4, rng=np.random.default_rng(5)) for _ in range(2))
    wide = cell.init(3, 4, rng=5, dtype=np.float64)
    other = cell.init(3, 4, rng=6)
    for k in a:
        assert a[k].dtype == np.float32 and wide[k].dtype == np.float64
        assert np.array_equal(a[k], b[k])
        assert np.array_equal(a[k], wide[k].astype(np.float32))
    assert np.any(a["W_f"] != other["W_f"])


def test_forget_bias_is_an_argument_in_every_layer():
    deep = lc.stack([lc.cells.lstm, lc.bidirectional(lc.cells.lstm)])
    biases = ("0.b_f", "1.fwd.b_f", "1.bwd.b_f")
    for bias, params in [(1.0, deep.init(3, 4, rng=0)), (5.0, deep.init(3, 4, rng=0, forget_bias=5.0))]:
        for k, v in params.items():
            if k.rpartition(".")[2].startswith("b_"):
                assert np.all(v == (bias if k in biases else 0.0)), k
    with pytest.raises(ValueError, match=r"forget_bias.*rnn.*W_h, U_h, b_h"):
        lc.cells.rnn.init(3, 4, forget_bias=1.0)


def test_every_way_to_start_a_parameter():
    @lc.cell
    def many(x, h):
        w = lc.param("q", "H", init=0.25)
        e = lc.param("E", "H", "H", init="identity")
        n = lc.param("N", 400, "H", init=("normal", 0.5))
        u = lc.param("R", 400, "H", init=("uniform", 0.5))
        z = lc.param("Z", "H", "H", init="zeros")
        o = lc.param("O", 9, "H", init="orthogonal")
        s = lc.param("S", 400, "H", init="signs")
        rows = lc.sum(lc.sum(n * u * s)) + lc.sum(lc.sum(o))
        h = lc.tanh(h @ e + h @ z + w + rows + lc.peephole("h", h) + lc.affine("h", W=x))
        return h

    p = many.init(2, 5, rng=0, dtype=np.float64)
    assert (
        np.all(p["q"] == 0.25)
        and np.all(p["E"] == np.eye(5))
        and np.all(p["Z"] == 0)
        and np.all(p["p_h"] == 0)
    )
    assert np.std(p["N"]) == pytest.approx(0.5, rel=0.1) and np.max(np.abs(p["N"])) > 0.6
    assert 0.45 < np.max(np.abs(p["R"])) <= 0.5
    np.testing.assert_allclose(p["O"].T @ p["O"], np.eye(5), atol=1e-13)
    assert set(np.unique(p["S"])) == {-0.05, 0.05} and abs(np.mean(p["S"] > 0) - 0.5) < 4 * 0.5 / 2000**0.5


def test_only_the_sizes_of_parameters_are_needed():
    """Annotations may differ in number from batch to batch."""

    @lc.cell
    def attend(x, h, a=lc.static("L", "A")):
        h = lc.tanh(lc.affine("h", h, x, C=lc.mean(a, -2)))
        return h

    p = attend.init(2, 3, 0, np.float64, sizes={"A": 4})
    assert p["C_h"].shape == (4, 3) and attend.parameter_count(2, 3, {"A": 4}) == 3 * (2 + 3 + 4 + 1)
    for L in (1, 6):
        assert lc.unroll(attend, p, np.ones((5, 2, 2)), a=np.ones((2, L, 4)))["h"].shape == (5, 2, 3)


def test_every_cell_is_listed_and_found_by_name():
    for name in lc.cells.names():
        cell = lc.cells.get(name)
        assert isinstance(cell, lc.Cell) and cell.name == name and getattr(lc.cells, name) is cell
        assert cell.__doc__ and cell.output == ("canvas" if "draw" in name else "h")
        assert cell.output == "canvas" or cell.output_size(7) == 7
    assert {"rnn", "rnn_relu", "lstm", "lstm_1997"} <= set(lc.cells.names())
    assert lc.cells.lstm.states == ("h", "c")
    assert repr(lc.cells.lstm) == (
        "<cell lstm: states h, c; parameters W_f, U_f, b_f, W_i, U_i, b_i, W_g, U_g, b_g, W_o, U_o, b_o>"
    )


@pytest.mark.parametrize("around", [lambda c: lc.stack([c, c]), lc.bidirectional], ids=["stack", "both"])
@pytest.mark.parametrize("name", lc.cells.names())
def test_inside_others_a_cell_starts_as_it_does_alone(name, around):
    """Also one whose options leave out a parameter that has a start."""
    cell = lc.cells.get(name)
    try:
        whole = around(cell)
        whole.graph  # noqa: B018 a cell is traced when it is asked for
    except (ValueError, lc.CellDefinitionError) as error:
        assert "init" not in str(error)  # its input is no vector, or it runs both ways already
        return
    alone, starts = (
        c.init(2, 4, sizes={k: SIZES[k] for k in c.size_names() if k in SIZES}, rng=0) for c in (cell, whole)
    )
    for k, a in alone.items():
        same = [v for full, v in starts.items() if full.partition(".")[2] == k]
        assert len(same) == 2
        if np.ptp(a) == 0:  # it is not drawn
            assert all(np.all(v == a.flat[0]) for v in same), k
