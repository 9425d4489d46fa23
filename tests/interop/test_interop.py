"""PyTorch's and Keras' layouts: values and gradients against theirs, round trips bit for bit, refusals.

With PyTorch the comparison is live; where it is not installed, with arrays frozen by
tests/data/make_interop.py, and with small ones written out by hand. With Keras it is with arrays frozen by
tests/data/make_keras_reference.py, which are made anew where Keras is installed.
"""

import doctest
import functools
import importlib.util
import os
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

DATA = Path(__file__).parents[1] / "data"
ROOT = Path(__file__).resolve().parents[2]
NAMES = ["rnn", "rnn_relu", "lstm", "gru_reset_after", "gru_after"]
KERAS_NAMES = [*NAMES, "gru_cho", "gru"]
SHAPES = [(1, False), (1, True), (2, False), (2, True), (3, True)]  # layers, both directions
GRU = ["r", "z", "g"]  # torch.nn.GRU: W_ir|W_iz|W_in
ORDER = {
    "rnn": "h",
    "rnn_relu": "h",
    "lstm": "ifgo",
    "gru_reset_after": GRU,
    "gru_after": GRU,
}  # W_ii|W_if|W_ig|W_io
OPTIONAL = "PyTorch is optional; the frozen arrays are compared instead"


@functools.cache
def build(name, layers=1, both=False):
    cell = lc.cells.gru.with_options(reset="after") if name == "gru_after" else lc.cells.get(name)
    cell = lc.bidirectional(cell) if both else cell
    return cell if layers == 1 else lc.stack([cell] * layers)


def module(name, D, H, layers=1, both=False, **more):
    torch = pytest.importorskip("torch", reason=OPTIONAL)
    torch.set_num_threads(1)
    torch.manual_seed(layers + 10 * both)
    more = {"dtype": torch.float64, "num_layers": layers, "bidirectional": both} | more
    if name == "lstm":
        return torch.nn.LSTM(D, H, **more)
    if name.startswith("gru"):
        return torch.nn.GRU(D, H, **more)
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


def named(laid):
    """Arrays by name; those of a list by their place."""
    return laid if isinstance(laid, dict) else dict(enumerate(laid))


def close(ours, theirs, tolerance, what):
    theirs = theirs.detach().numpy() if hasattr(theirs, "detach") else theirs
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
        if gate == "hg":  # the bias of h U alone
            key, gate = "bias_hh_l" + layer, "g"
        j = ORDER[name].index(gate)
        block = theirs[key + "_reverse" * ("bwd" in where)].grad[j * H : (j + 1) * H]
        sign = -1 if (name, gate) == ("gru_after", "z") else 1
        close(g, sign * (block.T if kind != "b" else block), 1e-10, f"gradient of {ours}")


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
    with pytest.raises(lc.UnknownNameError, match="nn.LSTMCell, .*; rename 'weight_ih' to 'weight_ih_l0'"):
        lc.interop.from_torch(lc.cells.lstm, torch.nn.LSTMCell(3, 5).state_dict())
    with pytest.raises(TypeError, match=r"is of type LSTM; .*\.state_dict\(\)"):
        lc.interop.from_torch(lc.cells.lstm, torch.nn.LSTM(3, 5))
    gru = lc.cells.gru_reset_after
    with pytest.raises(
        lc.ShapeError, match=r"as in an nn.LSTM; nn.GRU, as gru_reset_after needs it, has 3 x H"
    ):
        lc.interop.from_torch(gru, torch.nn.LSTM(3, 5).state_dict())
    with pytest.raises(lc.ShapeError, match="as in an nn.RNN; nn.GRU"):
        lc.interop.from_torch(gru, torch.nn.RNN(3, 5).state_dict())
    with pytest.raises(ValueError, match="2 layers in one direction, and cell 'gru_reset_after' has 1 layer"):
        lc.interop.from_torch(gru, torch.nn.GRU(3, 5, num_layers=2).state_dict())
    with pytest.raises(lc.UnknownNameError, match="nn.GRUCell, .*; rename 'weight_ih'"):
        lc.interop.from_torch(gru, torch.nn.GRUCell(3, 5).state_dict())


def test_of_two_biases_of_a_gru_those_of_r_and_z_are_summed_and_those_of_n_are_kept():
    net = module("gru_reset_after", 3, 4)
    laid = lc.interop.to_torch(
        lc.cells.gru_reset_after, lc.interop.from_torch(lc.cells.gru_reset_after, net.state_dict())
    )
    theirs = {k: a.numpy() for k, a in net.state_dict().items()}
    for k in ("weight_ih_l0", "weight_hh_l0"):
        assert laid[k].tobytes() == theirs[k].tobytes()
    ih, hh = theirs["bias_ih_l0"], theirs["bias_hh_l0"]
    assert laid["bias_ih_l0"].tolist() == [*(ih + hh)[:8], *ih[8:]]
    assert laid["bias_hh_l0"].tolist() == [0.0] * 8 + hh[8:].tolist()


def test_the_two_signs_of_z_are_one_function():
    net = module("gru_reset_after", 3, 4)
    old = lc.interop.from_torch(build("gru_reset_after"), net.state_dict())
    new = lc.interop.from_torch(build("gru_after"), net.state_dict())
    for k in old:
        assert (new[k] == (-old[k] if k.endswith("_z") else old[k])).all()


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


def test_the_layout_of_a_gru_written_out():
    names = {"r": 1, "z": 2, "g": 3}
    params = {
        f"{kind}_{g}": np.full((1,) if kind == "b" else (1, 1), 10.0 * j + k)
        for g, j in names.items()
        for k, kind in enumerate("WUb", 1)
    }
    params["b_hg"] = np.array([34.0])
    laid = {
        name: {k: a.ravel().tolist() for k, a in lc.interop.to_torch(build(name), params).items()}
        for name in ("gru_reset_after", "gru_after")
    }
    assert laid["gru_reset_after"] == {
        "weight_ih_l0": [11, 21, 31],
        "weight_hh_l0": [12, 22, 32],
        "bias_ih_l0": [13, 23, 33],
        "bias_hh_l0": [0, 0, 34],
    }
    assert laid["gru_after"] == {
        "weight_ih_l0": [11, -21, 31],
        "weight_hh_l0": [12, -22, 32],
        "bias_ih_l0": [13, -23, 33],
        "bias_hh_l0": [0, 0, 34],
    }
    keras = {name: [a.tolist() for a in lc.interop.to_keras(build(name), params)] for name in laid}
    assert keras["gru_reset_after"] == [[[21, 11, 31]], [[22, 12, 32]], [[23, 13, 33], [0, 0, 34]]]
    assert keras["gru_after"] == [[[-21, 11, 31]], [[-22, 12, 32]], [[-23, 13, 33], [0, 0, 34]]]
    del params["b_hg"]
    keras = {
        name: [a.tolist() for a in lc.interop.to_keras(build(name), params)] for name in ("gru", "gru_cho")
    }
    assert keras["gru_cho"] == [[[21, 11, 31]], [[22, 12, 32]], [23, 13, 33]]
    assert keras["gru"] == [[[-21, 11, 31]], [[-22, 12, 32]], [-23, 13, 33]]


def test_two_biases_are_summed_and_lists_are_read():
    laid = {"weight_ih_l0": [[1.0]], "weight_hh_l0": [[2.0]], "bias_ih_l0": [3.0], "bias_hh_l0": [0.5]}
    params = lc.interop.from_torch(lc.cells.rnn_relu, laid)
    assert {k: a.tolist() for k, a in params.items()} == {"W_h": [[1.0]], "U_h": [[2.0]], "b_h": [3.5]}


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
@pytest.mark.parametrize("layers, both", SHAPES)
@pytest.mark.parametrize("library, name", [("torch", n) for n in NAMES] + [("keras", n) for n in KERAS_NAMES])
def test_a_round_trip_loses_no_bit(library, name, layers, both, dtype):
    to, back = getattr(lc.interop, f"to_{library}"), getattr(lc.interop, f"from_{library}")
    cell = build(name, layers, both)
    for D, H in [(3, 4), (1, 1), (0, 2), (4, 1)]:
        params = random_params(cell, np.random.default_rng(3), input_size=D, hidden_size=H)
        params = {k: a.astype(dtype) for k, a in params.items()}
        odd = [-0.0, 0.0, np.inf, -np.inf, np.nan, np.finfo(dtype).smallest_subnormal]
        for k, a in enumerate(params.values()):  # W, U, b of a gate alike; -0.0 first in the first gate
            half = (a.size + 1) // 2
            a.ravel()[:half] = np.resize(np.roll(odd, k // 3), half)
        before = {k: a.copy() for k, a in params.items()}
        laid = to(cell, params)
        again = back(cell, laid)
        same_bits(again, before)
        same_bits(params, before)
        same_bits(named(to(cell, again)), named(laid))
        for a in [*named(laid).values(), *again.values()]:
            assert a.flags.c_contiguous and a.flags.writeable
            a[...] = 9
        same_bits(params, before)


@pytest.mark.parametrize("name", NAMES)
def test_a_new_array_shares_no_memory(name):
    cell = build(name)
    params = cell.init(input_size=1, hidden_size=1, rng=0)
    for to, back in [
        (lc.interop.to_torch, lc.interop.from_torch),
        (lc.interop.to_keras, lc.interop.from_keras),
    ]:
        laid = to(cell, params)
        before = {k: a.copy() for k, a in named(laid).items()}
        for a in back(cell, laid).values():
            a[...] = 9
        same_bits(named(laid), before)


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


def test_a_gru_of_ones_own_fits_by_its_equations():
    @lc.cell
    def mine(x, h):
        r = lc.sigmoid(lc.affine("r", h, x))
        z = lc.sigmoid(lc.affine("z", h, x))
        m = h @ lc.param("U_g", "H", "H") + lc.param("b_hg", "H")
        g = lc.tanh(m * r + lc.affine("g", W=x))
        h = (1.0 - z) * g + z * h
        return h

    params = lc.cells.gru_reset_after.init(input_size=2, hidden_size=3, rng=0)
    for to in (lc.interop.to_torch, lc.interop.to_keras):
        same_bits(named(to(mine, params)), named(to(lc.cells.gru_reset_after, params)))


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
        (lc.cells.mut1, "cell 'mut1' is none of those"),
        (lc.stack([lc.cells.gru, lc.cells.gru_cho]), "cell 'stack(gru, gru_cho)' is none of those"),
    ],
    ids=lambda v: v.name if isinstance(v, lc.Cell) else "",
)
def test_cells_without_a_module_are_refused_by_name_with_what_fits(cell, words):
    params = cell.init(input_size=2, hidden_size=3, rng=0)
    fits = {
        "torch": ("lc.cells.rnn (nn.RNN)", "lc.cells.gru.with_options(reset='after') (nn.GRU)"),
        "keras": ("lc.cells.lstm (keras.layers.LSTM)", "lc.cells.gru (keras.layers.GRU(reset_after=False))"),
    }
    for library, some in fits.items():
        for way in ("to", "from"):
            with pytest.raises(ValueError, match=re.escape(words)) as error:
                getattr(lc.interop, f"{way}_{library}")(cell, params)
            for part in (*some, "rnn_relu", "lc.stack", "bidirect"):
                assert part in str(error.value)


@pytest.mark.parametrize("name", ["gru", "gru_cho"])
def test_a_reset_before_the_product_is_refused_for_pytorch_with_the_reason(name):
    for cell in (build(name), build(name, 2, True)):
        params = cell.init(input_size=2, hidden_size=3, rng=0)
        for call in (lc.interop.to_torch, lc.interop.from_torch):
            with pytest.raises(
                ValueError, match=r"before the product with U_g.*diagonal.*reset='after'"
            ) as error:
                call(cell, params)
            assert "fit keras.layers.GRU(reset_after=False), by to_keras" in str(error.value)


def test_what_is_no_cell_and_no_mapping_is_refused():
    params = lc.cells.rnn.init(input_size=2, hidden_size=3, rng=0)
    for call in (lc.interop.to_torch, lc.interop.from_torch, lc.interop.to_keras, lc.interop.from_keras):
        with pytest.raises(TypeError, match="cell='rnn' does not fit: a Cell is needed"):
            call("rnn", params)
        with pytest.raises(TypeError, match="is of type set; it is a dict|is a set, not a list of arrays"):
            call(lc.cells.rnn, set(params))


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
        ({"b_h": [[1.0], [2.0, 3.0]]}, TypeError, "b_h is a list of lists of unequal lengths"),
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
        ({3: np.zeros(1)}, TypeError, "state_dict has the key 3; its keys are names"),
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


def test_layers_of_different_widths_are_refused():
    wide, narrow = (
        lc.interop.to_torch(build("lstm", 2), build("lstm", 2).init(input_size=3, hidden_size=H, rng=0))
        for H in (5, 4)
    )
    mixed = {k: (wide if "l0" in k else narrow)[k] for k in wide}
    with pytest.raises(lc.ShapeError, match=r"weight_ih_l1 has shape \(16, 4\).*\(20, 5\).*D = 3, H = 5"):
        lc.interop.from_torch(build("lstm", 2), mixed)


@pytest.mark.parametrize("name", ["lstm", "gru_after"])
@pytest.mark.parametrize("layers, both", SHAPES)
def test_other_layers_or_directions_are_refused_with_the_cell_that_fits(layers, both, name):
    cell = build(name, layers, both)
    state_dict = lc.interop.to_torch(cell, cell.init(input_size=3, hidden_size=5, rng=0))
    for other in SHAPES:
        if other != (layers, both):
            with pytest.raises(ValueError, match="the cell that fits is") as error:
                lc.interop.from_torch(build(name, *other), state_dict)
            code = str(error.value).partition("the cell that fits is ")[2]
            same_bits(eval(code, {"lc": lc}).init(2, 3, 0), cell.init(2, 3, 0))


def test_the_part_of_a_larger_model_is_pointed_out():
    cell = lc.cells.lstm
    part = lc.interop.to_torch(cell, cell.init(input_size=3, hidden_size=5, rng=0))
    whole = {"head.weight": np.zeros((2, 5))} | {f"body.rnn.{k}": a for k, a in part.items()}
    with pytest.raises(lc.UnknownNameError, match=r"under 'body.rnn', model.body.rnn.state_dict\(\)"):
        lc.interop.from_torch(cell, whole)
    with pytest.raises(ValueError, match="lacks 'weight_ih_l0', 'weight_hh_l0'; nn.LSTM with 1 layer in one"):
        lc.interop.from_torch(cell, {})


def test_neither_library_is_imported(tmp_path):
    code = """
import sys, lstmcourse as lc
c = lc.cells.lstm
p = c.init(2, 3, 0)
lc.interop.from_torch(c, lc.interop.to_torch(c, p))
lc.interop.from_keras(c, lc.interop.to_keras(c, p))
assert "safetensors" not in sys.modules
lc.interop.load_torch(lc.interop.save_torch(sys.argv[1], c, p), c)
lc.interop.load_keras(lc.interop.save_keras(sys.argv[1], c, p), c)
assert not {"torch", "keras", "tensorflow"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.safetensors")], check=True, cwd=ROOT)


# Keras.

CASES = {  # of tests/data/make_keras_reference.py, and the cells that have the same equations
    "rnn": [build("rnn")],
    "rnn_relu": [build("rnn_relu")],
    "lstm": [build("lstm")],
    "lstm_no_bias": [build("lstm")],
    "gru_after": [build("gru_reset_after"), build("gru_after")],
    "gru_before": [build("gru_cho"), build("gru")],
    "lstm_both": [build("lstm", 2, True)],
    "gru_after_both": [build("gru_reset_after", 2, True), build("gru_after", 2, True)],
    "gru_before_two": [build("gru_cho", 2), build("gru", 2)],
}
PAIRS = [(case, k) for case, fitting in CASES.items() for k in range(len(fitting))]


@pytest.fixture(scope="module")
def frozen():
    with np.load(DATA / "keras.npz") as file:
        return dict(file)


def keras_case(frozen, case):
    """The arrays of one case, and its weights as ``get_weights()`` gave them."""
    arrays = {k.removeprefix(f"{case}/"): a for k, a in frozen.items() if k.startswith(f"{case}/")}
    return arrays, [arrays[f"weight.{k}"] for k in range(len(arrays)) if f"weight.{k}" in arrays]


@pytest.mark.parametrize("case, k", PAIRS)
def test_weights_of_a_keras_model_give_its_values_and_gradients(case, k, frozen):
    cell = CASES[case][k]
    theirs, weights = keras_case(frozen, case)
    run = lc.unroll(cell, lc.interop.from_keras(cell, weights), theirs["x"].swapaxes(0, 1))
    close(run["h"].swapaxes(0, 1), theirs["y"], 1e-12, "h")
    for s, last in zip(cell.states, (k for k in theirs if k.startswith("last.")), strict=False):
        close(run.final[s], theirs[last], 1e-12, f"last {s}")

    grads = run.backward({"h": theirs["given"].swapaxes(0, 1)})
    close(grads["x"].swapaxes(0, 1), theirs["grad.x"], 1e-10, "gradient of x")
    ours = lc.interop.to_keras(cell, grads.params)
    if case == "lstm_no_bias":
        ours = ours[:2]
    H = weights[1].shape[0]
    for j, g in enumerate(ours):
        expected = theirs[f"grad.{j}"].copy()
        if g.ndim == 2 and len(g) == 2 and j % 3 == 2:  # two biases: of z and r, the sum alone is ours
            close(expected[1, : 2 * H], expected[0, : 2 * H], 1e-12, "gradient of the second bias")
            expected[1, : 2 * H] = 0
        close(g, expected, 1e-10, f"gradient of weights[{j}]")


@pytest.mark.parametrize("case, k", PAIRS)
def test_keras_weights_come_back_but_for_the_sum_of_two_biases(case, k, frozen):
    cell = CASES[case][k]
    _, weights = keras_case(frozen, case)
    again = lc.interop.to_keras(cell, lc.interop.from_keras(cell, weights))
    if case == "lstm_no_bias":
        assert (again.pop() == 0).all()
    H = weights[1].shape[0]
    for j, (a, b) in enumerate(zip(again, weights, strict=True)):
        if j % 3 == 2 and b.ndim == 2:
            b = np.stack([b[0], b[1]])
            b[0, : 2 * H], b[1, : 2 * H] = b[0, : 2 * H] + b[1, : 2 * H], 0
        assert (a == b).all() and a.dtype == b.dtype and a.shape == b.shape


def test_the_frozen_keras_arrays_are_what_their_script_makes(tmp_path, frozen):
    for library in ("keras", "torch"):
        if importlib.util.find_spec(library) is None:
            pytest.skip(f"{library} is optional; the frozen arrays are compared instead")
    file = tmp_path / "keras.npz"
    done = subprocess.run(  # in a process of its own, which Keras configures by the environment
        [sys.executable, str(DATA / "make_keras_reference.py"), str(file)],
        env=os.environ | {"KERAS_HOME": str(tmp_path)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    with np.load(file) as made:
        assert set(frozen) == set(made)
        for k in set(made) - {"made_by"}:
            assert np.max(np.abs(frozen[k] - made[k])) <= 1e-12, k


def test_the_keras_layout_of_an_lstm_written_out():
    params = {
        f"{kind}_{gate}": np.array([[10.0 * j + k]]) if kind != "b" else np.array([10.0 * j + k])
        for j, gate in enumerate("ifgo", 1)
        for k, kind in enumerate("WUb", 1)
    }
    got = [a.tolist() for a in lc.interop.to_keras(lc.cells.lstm, params)]
    assert got == [[[11, 21, 31, 41]], [[12, 22, 32, 42]], [13, 23, 33, 43]]


@pytest.mark.parametrize(
    "change, kind, words",
    [
        (lambda w: w[:5], ValueError, "has 5 arrays; keras.layers.LSTM with 2 layers in one"),
        (lambda w: w[:3], ValueError, "so many are of 1 layer in one direction"),
        (lambda w: w + w, ValueError, "are of 4 layers in one direction or 2 layers in both directions"),
        (lambda w: [], ValueError, "weights has 0 arrays"),
        (lambda w: dict(enumerate(w)), TypeError, "weights is a dict, not a list of arrays"),
        (lambda w: [w[0][0], *w[1:]], lc.ShapeError, "weights[0] (0.kernel) has shape (20,), 1 axes"),
        (lambda w: [w[0][:, 1:], *w[1:]], lc.ShapeError, "(0.kernel) has shape (3, 19); it needs (3, 20)"),
        (lambda w: [w[0].T, w[1].T, *w[2:]], lc.ShapeError, "has 4 x H columns for H rows: (20, 80)"),
        (lambda w: [w[0], w[1][:, :15], *w[2:]], lc.ShapeError, "(5, 15), as of a GRU; keras.layers.LSTM"),
        (lambda w: [w[0], w[1][:, :5], *w[2:]], lc.ShapeError, "(5, 5), as of a SimpleRNN; keras.layers"),
        (lambda w: [w[0], w[1], w[2][:5], *w[3:]], lc.ShapeError, "weights[2] (0.bias) has shape (5,)"),
        (lambda w: [*w[:3], w[0], *w[4:]], lc.ShapeError, "(1.kernel) has shape (3, 20); it needs (5, 20)"),
        (lambda w: [*w[:5], w[5].astype(np.float32)], lc.DtypeError, "(1.bias) is float32, and weights[0]"),
    ],
)  # fmt: skip
def test_keras_weights_that_do_not_fit_are_refused(change, kind, words):
    cell = build("lstm", 2)
    weights = lc.interop.to_keras(cell, cell.init(input_size=3, hidden_size=5, rng=0, dtype=np.float64))
    with pytest.raises(kind, match=re.escape(words)):
        lc.interop.from_keras(cell, change(weights))


def test_a_gru_of_the_other_reset_is_refused_with_the_cells_that_fit():
    before, after = lc.cells.gru, lc.cells.gru_reset_after
    laid = {c: lc.interop.to_keras(c, c.init(input_size=3, hidden_size=5, rng=0)) for c in (before, after)}
    with pytest.raises(
        lc.ShapeError, match=r"as of keras.layers.GRU\(reset_after=False\).*gru_cho or lc.cells.gru$"
    ):
        lc.interop.from_keras(after, laid[before])
    with pytest.raises(
        lc.ShapeError, match=r"as of keras.layers.GRU, .*gru_reset_after or .*reset='after'\)$"
    ):
        lc.interop.from_keras(before, laid[after])


def test_a_layer_instead_of_its_weights_is_pointed_out():
    class Layer:
        def get_weights(self):
            return []

    with pytest.raises(TypeError, match=r"weights is a Layer, .*pass its .get_weights\(\)"):
        lc.interop.from_keras(lc.cells.lstm, Layer())


# The table of conventions.


def test_the_code_beside_the_table_runs():
    found = doctest.testfile(
        str(ROOT / "docs" / "conventions.md"),
        module_relative=False,
        encoding="utf-8",
        optionflags=doctest.ELLIPSIS,
    )
    assert found.attempted >= 6 and found.failed == 0


@pytest.mark.parametrize("kind, name, ours", [("LSTM", "lstm", "figo"), ("GRU", "gru_reset_after", "zrg")])
def test_the_table_has_the_orders_that_are_used(kind, name, ours):
    (row,) = [
        line.split("|")[3:6]
        for line in (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| order of the gates, {kind} ")
    ]
    cell = build(name)
    params = {k: np.zeros((1,) * len(s)) for k, s in cell.parameter_shapes(1, 1).items()}
    params |= {f"b_{gate}": np.array([float(j)]) for j, gate in enumerate(ours)}
    for text, b in zip(
        row,
        [range(len(ours)), lc.interop.to_torch(cell, params)["bias_ih_l0"],
         np.atleast_2d(lc.interop.to_keras(cell, params)[2])[0]],
        strict=True,
    ):  # fmt: skip
        letters = re.sub("[cnh]", "g", text).replace(",", "").split()  # their letters of the candidate
        assert letters == [ours[int(j)] for j in b]


# Files.


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("layers, both", SHAPES)
@pytest.mark.parametrize("library, name", [("torch", n) for n in NAMES] + [("keras", n) for n in KERAS_NAMES])
def test_a_file_loses_no_bit(library, name, layers, both, dtype, tmp_path):
    cell = build(name, layers, both)
    params = {
        k: a.astype(dtype)
        for k, a in random_params(cell, np.random.default_rng(3), input_size=3, hidden_size=4).items()
    }
    save, load = getattr(lc.interop, f"save_{library}"), getattr(lc.interop, f"load_{library}")
    path = save(tmp_path / "new" / "a.safetensors", cell, params)
    assert path == tmp_path / "new" / "a.safetensors" and [*path.parent.iterdir()] == [path]
    same_bits(load(str(path), cell), params)


def test_pytorch_reads_our_files_and_we_read_its(tmp_path):
    torch = pytest.importorskip("torch", reason=OPTIONAL)
    from safetensors.torch import load_file, save_file

    cell = build("gru_after", 2, True)
    params = random_params(cell, np.random.default_rng(3), input_size=3, hidden_size=4)
    net = module("gru_after", 3, 4, 2, True)
    net.load_state_dict(
        load_file(lc.interop.save_torch(tmp_path / "a.safetensors", cell, params)), strict=True
    )
    x = np.random.default_rng(0).standard_normal((5, 2, 3))
    close(lc.unroll(cell, params, x)["h"], net(torch.from_numpy(x))[0], 1e-12, "h")
    save_file(torch.nn.ModuleDict({"body": net, "head": torch.nn.Linear(8, 2)}).state_dict(), tmp_path / "b")
    same_bits(lc.interop.load_torch(tmp_path / "b", cell, part="body"), params)
    with pytest.raises(lc.UnknownNameError, match=r"larger model; .*load_torch\(..., part='body'\)"):
        lc.interop.load_torch(tmp_path / "b", cell)
    with pytest.raises(lc.UnknownNameError, match="no part 'bodi': did you mean 'body'"):
        lc.interop.load_torch(tmp_path / "b", cell, part="bodi")
    save_file(net.bfloat16().state_dict(), tmp_path / "c")
    with pytest.raises(lc.FileError, match="holds arrays of BF16, which NumPy does not have"):
        lc.interop.load_torch(tmp_path / "c", cell)


@pytest.mark.parametrize("library", ["torch", "keras"])
def test_a_damaged_file_is_refused(library, tmp_path):
    cell = lc.cells.lstm
    save, load = getattr(lc.interop, f"save_{library}"), getattr(lc.interop, f"load_{library}")
    path = save(tmp_path / "a.safetensors", cell, cell.init(input_size=1, hidden_size=1, rng=0))
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(
            lc.FileError, match=r"a\.safetensors is (cut short|not a safetensors file|damaged)"
        ):
            load(path, cell)
    header = 8 + int.from_bytes(whole[:8], "little")
    for at in range(header):  # a changed name or number is found, or changes no value
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            load(path, cell)
        except (ValueError, TypeError) as error:
            assert str(error)
    path.write_bytes(b"PK\3\4 a pickle of PyTorch")
    with pytest.raises(lc.FileError, match=r"not a safetensors file.*first read by torch.load"):
        load(path, cell)
    with pytest.raises(lc.FileError, match="none cannot be read: No such file"):
        load(tmp_path / "none", cell)
    with pytest.raises(lc.FileError, match="cannot be read"):
        load(tmp_path, cell)


def test_files_of_another_layout_or_model_are_refused(tmp_path):
    cell, two = lc.cells.lstm, build("lstm", 2)
    params = cell.init(input_size=2, hidden_size=3, rng=0)
    torch = lc.interop.save_torch(tmp_path / "torch", cell, params)
    keras = lc.interop.save_keras(tmp_path / "keras", cell, params)
    with pytest.raises(lc.UnknownNameError, match="Keras' layout, which from_keras and load_keras read"):
        lc.interop.load_torch(keras, cell)
    with pytest.raises(lc.UnknownNameError, match="PyTorch's layout, which load_torch reads"):
        lc.interop.load_keras(torch, cell)
    with pytest.raises(ValueError, match="1 layer in one direction, and cell 'stack"):
        lc.interop.load_torch(torch, two)
    with pytest.raises(
        lc.UnknownNameError, match="'bias', which keras.layers.LSTM with 2 layers in one direction"
    ):
        lc.interop.load_keras(keras, two)
    with pytest.raises(lc.ShapeError, match="as in an nn.LSTM; nn.GRU") as error:
        lc.interop.load_torch(torch, lc.cells.gru_reset_after)
    assert error.value.__notes__ == [f"read from {torch}"]
    with pytest.raises(ValueError, match="what fits"):
        lc.interop.load_torch(torch, lc.cells.gru)
    model = lc.Model(cell, lc.tasks.get("adding"), hidden_size=3)
    checkpoint = lc.checkpoints.save(tmp_path / "checkpoint", model)
    for load in (lc.interop.load_torch, lc.interop.load_keras):
        with pytest.raises(lc.FileError, match="a checkpoint of this package; lstmcourse.checkpoints.load"):
            load(checkpoint, cell)
    with pytest.raises(
        lc.checkpoints.CheckpointError, match="no checkpoint of this package.*interop.load_torch"
    ):
        lc.checkpoints.load(torch)


def test_a_keras_file_that_lacks_an_array_is_refused_and_one_without_biases_has_zeros(tmp_path):
    from safetensors.numpy import load_file, save_file

    cell = build("lstm", 1, True)
    params = cell.init(input_size=2, hidden_size=3, rng=0)
    path = lc.interop.save_keras(tmp_path / "a", cell, params)
    arrays = load_file(path)
    save_file({k: a for k, a in arrays.items() if k != "bwd.bias"}, path)
    with pytest.raises(
        ValueError, match="a lacks 'bwd.bias'; keras.layers.LSTM with 1 layer in both directions"
    ):
        lc.interop.load_keras(path, cell)
    save_file({k: a for k, a in arrays.items() if not k.endswith("bias")}, path)
    same_bits(lc.interop.load_keras(path, cell), {k: a * 0 if ".b_" in k else a for k, a in params.items()})


def test_complex_parameters_are_refused_before_the_file_is_touched(tmp_path):
    cell = lc.cells.lstm
    params = {k: a.astype(complex) for k, a in cell.init(input_size=1, hidden_size=1, rng=0).items()}
    for save in (lc.interop.save_torch, lc.interop.save_keras):
        with pytest.raises(lc.DtypeError, match="is complex128, which a safetensors file cannot hold"):
            save(tmp_path / "a", cell, params)
    assert not [*tmp_path.iterdir()]
