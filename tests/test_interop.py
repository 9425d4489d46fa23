"""PyTorch's layout: values and gradients against live modules, round trips bit for bit, and what is refused.

Where PyTorch is not installed the comparison is with arrays frozen by tests/data/make_interop.py, and with
small ones written out by hand.
"""

import re
import runpy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from checking import random_params

import lstmcourse as lc
from lstmcourse import interop

DATA = Path(__file__).parent / "data"
NAMES = ["rnn", "rnn_relu", "lstm"]
SHAPES = [(1, False), (1, True), (2, False), (2, True), (3, True)]  # layers, both directions
ORDER = {"rnn": "h", "rnn_relu": "h", "lstm": "ifgo"}  # torch.nn.LSTM: W_ii|W_if|W_ig|W_io
OPTIONAL = "PyTorch is optional; the frozen arrays are compared instead"


def build(name, layers=1, both=False):
    cell = lc.cells.get(name)
    cell = lc.bidirectional(cell) if both else cell
    return cell if layers == 1 else lc.stack([cell] * layers)


def module(name, D, H, layers=1, both=False, **more):
    torch = pytest.importorskip("torch", reason=OPTIONAL)
    torch.set_num_threads(1)
    torch.manual_seed(layers + 10 * both)
    more = {"dtype": torch.float64, "num_layers": layers, "bidirectional": both} | more
    if name == "lstm":
        return torch.nn.LSTM(D, H, **more)
    return torch.nn.RNN(D, H, nonlinearity={"rnn": "tanh", "rnn_relu": "relu"}[name], **more)


def prefixes(layers, both):
    """Our prefixes, in the order of PyTorch's h_n: layers, in each of them directions."""
    ways = ["fwd.", "bwd."] if both else [""]
    return [(f"{k}." if layers > 1 else "") + way for k in range(layers) for way in ways]


def states(name):
    return "hc" if name == "lstm" else "h"


def same_bits(a, b):
    assert list(a) == list(b)
    for k in a:
        assert a[k].dtype == b[k].dtype and a[k].shape == b[k].shape, k
        assert a[k].tobytes() == b[k].tobytes(), k


def close(ours, theirs, tolerance, what):
    theirs = theirs.detach().numpy()
    assert ours.shape == theirs.shape, what
    assert np.max(np.abs(theirs)) > 1e-3, f"{what} is all but zero: it would test nothing"
    assert np.max(np.abs(ours - theirs)) <= tolerance * max(1.0, np.max(np.abs(theirs))), what


def compare(cell, params, net, name, layers, both, D, H, T=6, B=3):
    """Hold our run, from and to random states, and all its gradients, against the module's."""
    import torch

    rng = np.random.default_rng(7)
    x, start = rng.standard_normal((T, B, D)), rng.standard_normal((2, layers * (1 + both), B, H))
    parts, kinds = prefixes(layers, both), states(name)
    run = lc.unroll(
        cell, params, x, state={p + s: a for s, ps in zip(kinds, start, strict=False)
                                for p, a in zip(parts, ps, strict=True)}
    )  # fmt: skip
    tx = torch.tensor(x, requires_grad=True)
    t0 = [torch.tensor(a, requires_grad=True) for a in start[: len(kinds)]]
    y, last = net(tx, tuple(t0) if len(kinds) == 2 else t0[0])
    last = last if isinstance(last, tuple) else (last,)
    close(run["h"], y, 1e-12, "h")
    for s, t in zip(kinds, last, strict=True):
        close(np.stack([run.final[p + s] for p in parts]), t, 1e-12, f"last {s}")

    dh, ends = rng.standard_normal(run["h"].shape), rng.standard_normal(start.shape)
    grads = run.backward(
        {"h": dh}, {p + s: ends[j, k] for j, s in enumerate(kinds) for k, p in enumerate(parts)}
    )
    loss = (y * torch.tensor(dh)).sum()
    loss = loss + sum((t * torch.tensor(e)).sum() for t, e in zip(last, ends, strict=False))
    net.zero_grad()
    loss.backward()
    close(grads["x"], tx.grad, 1e-10, "gradient of x")
    for s, t in zip(kinds, t0, strict=True):
        close(np.stack([grads[f"{p}{s}0"] for p in parts]), t.grad, 1e-10, f"gradient of the first {s}")
    theirs = dict(net.named_parameters())
    for ours, g in grads.params.items():
        *where, last_part = ours.split(".")
        kind, gate = last_part.split("_")
        layer = next((w for w in where if w.isdecimal()), "0")
        key = {"W": "weight_ih_l", "U": "weight_hh_l", "b": "bias_ih_l"}[kind] + layer
        j = ORDER[name].index(gate)
        block = theirs[key + "_reverse" * ("bwd" in where)].grad[j * H : (j + 1) * H]
        close(g, block.T if kind != "b" else block, 1e-10, f"gradient of {ours}")


# Against live modules.


@pytest.mark.parametrize("layers, both", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_module_with_our_weights_gives_our_values_and_gradients(name, layers, both):
    net = module(name, 4, 5, layers, both)
    cell = build(name, layers, both)
    params = random_params(cell, np.random.default_rng(1), input_size=4, hidden_size=5)
    import torch

    laid = lc.interop.to_torch(cell, params)
    assert list(laid) == list(net.state_dict())
    net.load_state_dict({k: torch.from_numpy(a) for k, a in laid.items()}, strict=True)
    compare(cell, params, net, name, layers, both, 4, 5)


@pytest.mark.parametrize("layers, both", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_our_run_with_a_modules_weights_gives_its_values_and_gradients(name, layers, both):
    net = module(name, 3, 4, layers, both)
    cell = build(name, layers, both)
    params = lc.interop.from_torch(cell, net.state_dict())
    assert {k: a.shape for k, a in params.items()} == cell.parameter_shapes(3, 4)
    assert list(params) == list(cell.parameter_shapes(3, 4))
    compare(cell, params, net, name, layers, both, 3, 4)


def test_a_module_without_biases_has_biases_of_zero():
    net = module("lstm", 3, 4, 2, True, bias=False)
    cell = build("lstm", 2, True)
    params = lc.interop.from_torch(cell, net.state_dict())
    assert all((a == 0).all() for k, a in params.items() if ".b_" in k)
    x = np.random.default_rng(0).standard_normal((5, 2, 3))
    import torch

    close(lc.unroll(cell, params, x)["h"], net(torch.from_numpy(x))[0], 1e-12, "h")


def test_tensors_with_gradients_are_read_and_float32_stays():
    torch = pytest.importorskip("torch", reason=OPTIONAL)
    net = module("lstm", 2, 3, dtype=torch.float32)
    params = lc.interop.from_torch(lc.cells.lstm, dict(net.named_parameters()))
    assert {a.dtype for a in params.values()} == {np.dtype(np.float32)}
    before = params["W_i"].copy()
    with torch.no_grad():
        net.weight_ih_l0.zero_()
    assert (params["W_i"] == before).all(), "the parameters share the module's memory"
    with pytest.raises(lc.DtypeError, match="weight_ih_l0: .*BFloat16; convert it to float32"):
        lc.interop.from_torch(lc.cells.lstm, net.bfloat16().state_dict())
    with pytest.raises(lc.DtypeError, match="weight_ih_l0 is float16: use float32"):
        lc.interop.from_torch(lc.cells.lstm, net.half().state_dict())


def test_modules_that_do_not_fit_are_refused():
    torch = pytest.importorskip("torch", reason=OPTIONAL)
    with pytest.raises(ValueError, match="proj_size=0"):
        lc.interop.from_torch(lc.cells.lstm, torch.nn.LSTM(3, 5, proj_size=2).state_dict())
    with pytest.raises(lc.ShapeError, match=r"\(15, 5\), as in an nn.GRU; .*4 x H rows.*\(20, 5\)"):
        lc.interop.from_torch(lc.cells.lstm, torch.nn.GRU(3, 5).state_dict())
    with pytest.raises(lc.ShapeError, match=r"as in an nn.LSTM; nn.RNN, as rnn needs it"):
        lc.interop.from_torch(lc.cells.rnn, torch.nn.LSTM(3, 5).state_dict())
    with pytest.raises(lc.UnknownNameError, match="nn.LSTMCell; rename it 'weight_ih_l0'"):
        lc.interop.from_torch(lc.cells.lstm, torch.nn.LSTMCell(3, 5).state_dict())
    with pytest.raises(TypeError, match=r"is a LSTM, .*\.state_dict\(\)"):
        lc.interop.from_torch(lc.cells.lstm, torch.nn.LSTM(3, 5))


def test_a_gru_would_be_one_row(monkeypatch):
    """With a bias inside the reset gate, and an update gate that is one minus PyTorch's."""
    torch = pytest.importorskip("torch", reason=OPTIONAL)

    @lc.cell
    def gru(x, h):
        r = lc.sigmoid(lc.affine("r", h, x))
        z = lc.sigmoid(lc.affine("z", h, x))
        m = lc.affine("m", U=h)
        g = lc.tanh(lc.affine("g", W=x) + r * m)
        h = (1.0 - z) * h + z * g
        return h

    cell = lc.stack([lc.bidirectional(gru)] * 2)
    params = random_params(cell, np.random.default_rng(2), input_size=3, hidden_size=4)
    with pytest.raises(ValueError, match="what fits"):
        lc.interop.to_torch(cell, params)
    reset, update = interop._gates("rz")
    update = interop._Gate(update.W, update.U, update.b, negated=True)
    row = interop._Row(gru, "nn.GRU", (reset, update, interop._Gate("W_g", "U_m", "b_g", second="b_m")))
    monkeypatch.setattr(interop, "_PYTORCH", (*interop._PYTORCH, row))
    net = torch.nn.GRU(3, 4, num_layers=2, bidirectional=True, dtype=torch.float64)
    laid = lc.interop.to_torch(cell, params)
    net.load_state_dict({k: torch.from_numpy(a) for k, a in laid.items()})
    x = np.random.default_rng(0).standard_normal((5, 2, 3))
    close(lc.unroll(cell, params, x)["h"], net(torch.from_numpy(x))[0], 1e-12, "h")
    same_bits(lc.interop.from_torch(cell, net.state_dict()), params)


# Against arrays that need no PyTorch.


def test_a_frozen_module_gives_its_values():
    with np.load(DATA / "interop.npz") as file:
        frozen = dict(file)
    cell = build("lstm", 2, True)
    state_dict = {k.removeprefix("module."): a for k, a in frozen.items() if k.startswith("module.")}
    run = lc.unroll(cell, lc.interop.from_torch(cell, state_dict), frozen["x"])
    assert np.max(np.abs(run["h"] - frozen["y"])) <= 1e-12
    for s in "hc":
        last = np.stack([run.final[p + s] for p in prefixes(2, True)])
        assert np.max(np.abs(last - frozen[f"{s}_n"])) <= 1e-12
    assert np.min(np.max(np.abs(frozen["y"]), axis=(0, 1))) > 0.01


def test_the_frozen_arrays_are_what_their_script_makes():
    pytest.importorskip("torch", reason=OPTIONAL)
    made = runpy.run_path(str(DATA / "make_interop.py"))["make"]()
    with np.load(DATA / "interop.npz") as frozen:
        assert set(frozen) == set(made)
        for k in made:
            assert np.max(np.abs(frozen[k] - made[k])) <= 1e-12, k


def test_the_layout_written_out():
    rnn = {"W_h": [[1.0, 2.0]], "U_h": [[3.0, 4.0], [5.0, 6.0]], "b_h": [7.0, 8.0]}
    got = {k: a.tolist() for k, a in lc.interop.to_torch(lc.cells.rnn, rnn).items()}
    assert got == {
        "weight_ih_l0": [[1.0], [2.0]],
        "weight_hh_l0": [[3.0, 5.0], [4.0, 6.0]],
        "bias_ih_l0": [7.0, 8.0],
        "bias_hh_l0": [0.0, 0.0],
    }
    lstm = {
        f"{kind}_{gate}": np.array([[10.0 * j + k]]) if kind != "b" else np.array([10.0 * j + k])
        for j, gate in enumerate("ifgo", 1)
        for k, kind in enumerate("WUb", 1)
    }
    got = {k: a.ravel().tolist() for k, a in lc.interop.to_torch(lc.cells.lstm, lstm).items()}
    assert got == {
        "weight_ih_l0": [11, 21, 31, 41],
        "weight_hh_l0": [12, 22, 32, 42],
        "bias_ih_l0": [13, 23, 33, 43],
        "bias_hh_l0": [0, 0, 0, 0],
    }


def test_two_biases_are_summed_and_lists_are_read():
    laid = {"weight_ih_l0": [[1.0]], "weight_hh_l0": [[2.0]], "bias_ih_l0": [3.0], "bias_hh_l0": [0.5]}
    params = lc.interop.from_torch(lc.cells.rnn_relu, laid)
    assert {k: a.tolist() for k, a in params.items()} == {"W_h": [[1.0]], "U_h": [[2.0]], "b_h": [3.5]}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("layers, both", SHAPES)
@pytest.mark.parametrize("name", NAMES)
def test_a_round_trip_loses_no_bit(name, layers, both, dtype):
    cell = build(name, layers, both)
    for D, H in [(3, 4), (1, 1), (0, 2), (4, 1)]:
        params = random_params(cell, np.random.default_rng(3), input_size=D, hidden_size=H)
        params = {k: a.astype(dtype) for k, a in params.items()}
        odd = [-0.0, 0.0, np.inf, -np.inf, np.nan, np.finfo(dtype).smallest_subnormal]
        for k, a in enumerate(params.values()):  # W, U, b of a gate alike; -0.0 first in the first gate
            half = (a.size + 1) // 2
            a.ravel()[:half] = np.resize(np.roll(odd, k // 3), half)
        before = {k: a.copy() for k, a in params.items()}
        laid = lc.interop.to_torch(cell, params)
        again = lc.interop.from_torch(cell, laid)
        same_bits(again, before)
        same_bits(params, before)
        same_bits(lc.interop.to_torch(cell, again), laid)
        for a in [*laid.values(), *again.values()]:
            assert a.flags.c_contiguous and a.flags.writeable
            a[...] = 9
        same_bits(params, before)


@pytest.mark.parametrize("name", NAMES)
def test_a_new_array_shares_no_memory(name):
    cell = build(name)
    laid = lc.interop.to_torch(cell, cell.init(input_size=1, hidden_size=1, rng=0))
    before = {k: a.copy() for k, a in laid.items()}
    for a in lc.interop.from_torch(cell, laid).values():
        a[...] = 9
    same_bits(laid, before)


def test_a_stack_of_one_layer_and_one_with_dropout_fit():
    one = lc.stack([lc.cells.lstm])
    params = one.init(input_size=2, hidden_size=3, rng=0)
    bare = {k.removeprefix("0."): a for k, a in params.items()}
    same_bits(lc.interop.to_torch(one, params), lc.interop.to_torch(lc.cells.lstm, bare))
    same_bits(lc.interop.from_torch(one, lc.interop.to_torch(one, params)), params)
    dropping, plain = (lc.stack([lc.cells.lstm] * 2, dropout=d) for d in (True, False))
    params = plain.init(input_size=2, hidden_size=3, rng=0)
    same_bits(lc.interop.to_torch(dropping, params), lc.interop.to_torch(plain, params))


def test_a_cell_of_ones_own_fits_by_its_equations():
    @lc.cell
    def mine(x, h, c):
        o = lc.sigmoid(lc.affine("o", h, x))
        g = lc.tanh(lc.affine("g", h, x))
        i = lc.sigmoid(lc.affine("i", h, x))
        f = lc.sigmoid(lc.affine("f", h, x))
        c = g * i + c * f
        h = lc.tanh(c) * o
        return h, c, f

    params = lc.cells.lstm.init(input_size=2, hidden_size=3, rng=0)
    laid = lc.interop.to_torch(mine, params)
    same_bits(laid, lc.interop.to_torch(lc.cells.lstm, params))
    assert list(lc.interop.from_torch(lc.stack([mine]), laid))[0] == "0.W_o"


# What is refused.


def lookalike():
    @lc.cell
    def lstm(x, h, c):
        f = lc.sigmoid(lc.affine("f", h, x))
        i = lc.sigmoid(lc.affine("i", h, x))
        g = lc.tanh(lc.affine("g", h, x))
        o = lc.sigmoid(lc.affine("o", h, x))
        c = i * c + f * g
        h = o * lc.tanh(c)
        return h, c

    return lstm


def both_forwards():
    cell = lc.bidirectional(lc.cells.rnn)
    return replace(cell, inputs=tuple(replace(i, reverse=False) for i in cell.inputs))


@pytest.mark.parametrize(
    "cell, words",
    [
        (lc.cells.lstm_1997, "cell 'lstm_1997' is none of those"),
        (lc.stack([lc.cells.rnn, lc.cells.lstm]), "cell 'stack(rnn, lstm)' is none of those"),
        (lc.stack([lc.cells.rnn, lc.cells.rnn_relu]), "cell 'stack(rnn, rnn_relu)' is none of those"),
        (
            lc.stack([lc.bidirectional(lc.cells.rnn), lc.cells.rnn]),
            "'stack(bidirectional(rnn), rnn)' is none",
        ),
        (lc.stack([lc.stack([lc.cells.rnn]), lc.cells.rnn]), "is none of those"),
        (lc.bidirectional(lc.stack([lc.cells.lstm] * 2)), "joins its two directions above all layers"),
        (lc.cells.lstm.override(f=1.0), "cell 'lstm' holds f at 1, which no module does"),
        (lc.stack([lc.cells.lstm] * 2).hold({"1.f": 1.0}), "holds 1.f at 1"),
        (lookalike(), "cell 'lstm' has the name of lc.cells.lstm, and other equations"),
        (lc.stack([lookalike()] * 2), "is none of those"),
        (both_forwards(), "cell 'bidirectional(rnn)' is none of those"),
    ],
    ids=lambda v: v.name if isinstance(v, lc.Cell) else "",
)
def test_cells_without_a_module_are_refused_by_name_with_what_fits(cell, words):
    params = cell.init(input_size=2, hidden_size=3, rng=0)
    for call in (lc.interop.to_torch, lc.interop.from_torch):
        with pytest.raises(ValueError, match=re.escape(words)) as error:
            call(cell, params)
        for fits in ("lc.cells.rnn (nn.RNN)", "rnn_relu", "lc.cells.lstm (nn.LSTM)", "lc.stack", "bidirect"):
            assert fits in str(error.value)


def test_what_is_no_cell_and_no_mapping_is_refused():
    params = lc.cells.rnn.init(input_size=2, hidden_size=3, rng=0)
    for call in (lc.interop.to_torch, lc.interop.from_torch):
        with pytest.raises(TypeError, match="cell='rnn'.*takes a Cell"):
            call("rnn", params)
        with pytest.raises(TypeError, match="is a list"):
            call(lc.cells.rnn, list(params.values()))


@pytest.mark.parametrize(
    "change, kind, words",
    [
        ({"W_x": np.zeros(3)}, lc.UnknownNameError, "'W_x', which is not a parameter of rnn"),
        ({"b_h": None}, ValueError, "params lacks 'b_h'; rnn has parameters W_h, U_h, b_h"),
        ({"W_h": np.zeros(3)}, lc.ShapeError, "W_h has shape (3,), 1 axes; it needs (D, H)"),
        ({"W_h": np.zeros((2, 4))}, lc.ShapeError, "W_h has shape (2, 4); it needs (2, 3), because"),
        ({"U_h": np.zeros((3, 4))}, lc.ShapeError, "U_h has shape (3, 4); it needs (3, 3), because"),
        ({"b_h": np.zeros((1, 3))}, lc.ShapeError, "b_h has shape (1, 3); it needs (3,)"),
        ({"b_h": np.zeros(3, np.float32)}, lc.DtypeError, "b_h is float32, and W_h is float64"),
        ({"b_h": np.zeros(3, int)}, lc.DtypeError, "b_h is int64: use float32"),
        ({"b_h": [[1.0], [2.0, 3.0]]}, lc.ShapeError, "b_h cannot be read as an array"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(change, kind, words):
    params = lc.cells.rnn.init(input_size=2, hidden_size=3, rng=0, dtype=np.float64) | change
    with pytest.raises(kind, match=re.escape(words)):
        lc.interop.to_torch(lc.cells.rnn, {k: v for k, v in params.items() if v is not None})


@pytest.mark.parametrize(
    "change, kind, words",
    [
        ({"weight_ih_l3": np.zeros(1)}, ValueError, "has 4 layers in one direction"),
        ({"weight_ih_l0_reverse": np.zeros(1)}, ValueError, "has 2 layers in both directions"),
        ({"weight_hr_l0": np.zeros((5, 5))}, ValueError, "projection"),
        ({"weight_ih_10": np.zeros(1)}, lc.UnknownNameError, "'weight_ih_10', which nn.LSTM with 2 layers"),
        ({"wait_ih_l0": np.zeros(1)}, lc.UnknownNameError, "did you mean 'weight_ih_l0'?"),
        ({3: np.zeros(1)}, lc.UnknownNameError, "state_dict has 3, which"),
        ({"weight_hh_l1": None}, ValueError, "state_dict lacks 'weight_hh_l1'; nn.LSTM with 2 layers in one"),
        ({"bias_hh_l1": None}, ValueError, "lacks 'bias_hh_l1'"),
        ({"bias_ih_l0": None, "bias_hh_l0": None}, ValueError, "lacks 'bias_ih_l0', 'bias_hh_l0'"),
        ({"weight_ih_l0": np.zeros(20)}, lc.ShapeError, "_ih_l0 has shape (20,), 1 axes; it needs (4 H, D)"),
        ({"weight_hh_l0": np.zeros((21, 5))}, lc.ShapeError, "weight_hh_l0 has shape (21, 5); nn.LSTM, as "),
        ({"weight_hh_l0": np.zeros((5, 20))}, lc.ShapeError, "4 x H rows for H columns: (80, 20)"),
        ({"weight_hh_l0": np.zeros((5, 5))}, lc.ShapeError, "(5, 5), as in an nn.RNN; nn.LSTM, as"),
        ({"weight_ih_l0": np.zeros((16, 3))}, lc.ShapeError, "_ih_l0 has shape (16, 3); it needs (20, 3)"),
        ({"weight_ih_l1": np.zeros((20, 10))}, lc.ShapeError, "_ih_l1 has shape (20, 10); it needs (20, 5)"),
        ({"bias_hh_l1": np.zeros(5)}, lc.ShapeError, "bias_hh_l1 has shape (5,); it needs (20,)"),
        ({"bias_hh_l1": np.zeros(20, np.float32)}, lc.DtypeError, "bias_hh_l1 is float32, and weight"),
        ({"bias_hh_l1": ["a"] * 20}, lc.DtypeError, "bias_hh_l1 is <U1"),
    ],
)  # fmt: skip
def test_a_state_dict_that_does_not_fit_is_refused(change, kind, words):
    cell = build("lstm", 2)
    state_dict = lc.interop.to_torch(cell, cell.init(input_size=3, hidden_size=5, rng=0, dtype=np.float64))
    state_dict |= change
    with pytest.raises(kind, match=re.escape(words)):
        lc.interop.from_torch(cell, {k: v for k, v in state_dict.items() if v is not None})


@pytest.mark.parametrize("layers, both", SHAPES)
def test_other_layers_or_directions_are_refused_with_the_cell_that_fits(layers, both):
    cell = build("lstm", layers, both)
    state_dict = lc.interop.to_torch(cell, cell.init(input_size=3, hidden_size=5, rng=0))
    for other in SHAPES:
        if other != (layers, both):
            with pytest.raises(ValueError, match="the cell that fits is") as error:
                lc.interop.from_torch(build("lstm", *other), state_dict)
            code = str(error.value).partition("the cell that fits is ")[2]
            assert eval(code, {"lc": lc}).name == cell.name


def test_the_part_of_a_larger_model_is_pointed_out():
    cell = lc.cells.lstm
    part = lc.interop.to_torch(cell, cell.init(input_size=3, hidden_size=5, rng=0))
    whole = {"head.weight": np.zeros((2, 5))} | {f"body.rnn.{k}": a for k, a in part.items()}
    with pytest.raises(lc.UnknownNameError, match=r"under 'body.rnn', model.body.rnn.state_dict\(\)"):
        lc.interop.from_torch(cell, whole)
    with pytest.raises(ValueError, match="lacks 'weight_ih_l0', 'weight_hh_l0'; nn.LSTM with 1 layer in one"):
        lc.interop.from_torch(cell, {})


def test_pytorch_is_not_imported():
    code = (
        "import sys, lstmcourse as lc; c = lc.cells.lstm; p = c.init(2, 3, 0); "
        "lc.interop.from_torch(c, lc.interop.to_torch(c, p)); assert 'torch' not in sys.modules"
    )
    root = Path(__file__).resolve().parent.parent
    subprocess.run([sys.executable, "-c", code], check=True, cwd=root)
