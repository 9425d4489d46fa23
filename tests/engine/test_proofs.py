"""Five proofs for every cell, and for the options of every family.

1. gradients: of everything, by complex step (for the cells themselves in test_contract.py).
2. reference: values and every gradient against the paper's equations in PyTorch (tests/transcriptions.py),
   frozen by tests/data/make_reference.py, and where PyTorch is installed live, also against its own modules.
3. reductions: what the cell becomes exactly under given parameters.
4. counts: a formula against the elements that can change something.
5. properties, for sizes and numbers that hypothesis chooses.

A new cell needs its equations in `transcriptions`, at least one reduction, and a formula for its count.
Cells of other forms, such as those that read annotations, are proved in test_systems.py.
"""

import functools
import itertools
import re
import runpy
from pathlib import Path

import numpy as np
import pytest
import transcriptions
from checking import check_gradients, random_params
from hypothesis import given, settings
from hypothesis import strategies as st
from systems import SYSTEMS
from transcriptions import EQUATIONS, full, gate_recurrence, known, lines, modules, peepholes, terms

import lstmcourse as lc

DATA = Path(__file__).parents[1] / "data"
NAMES = [name for name in lc.cells.names() if name not in SYSTEMS]
QUICK = settings(deadline=None, derandomize=True)


def option(name, text="", given=None, **options):
    """A cell with options, its equations, and what these read beside parameters and states."""
    cell = lc.cells.get(name).with_options(**options)
    label = ", ".join(f"{k}={v}" for k, v in options.items())
    return pytest.param(cell, text or EQUATIONS[name], given or {}, id=f"{name}({label})")


SUBSETS = ["".join(s) for n in range(4) for s in itertools.combinations("fio", n)]
V = transcriptions.VANILLA
OPTIONS = [
    *(option("peephole", peepholes(V, s), peepholes=s) for s in SUBSETS),
    *(option("peephole", full(peepholes(V, s)), peepholes=s, full=True) for s in SUBSETS),
    *(option("greff_v", peepholes(V, s), peepholes=s) for s in SUBSETS),
    option("greff_v", lines(V, i="1", o="1"), without="io"),
    option("greff_v", lines(V, i="1", o="1", f="1"), without="ofi"),
    option("greff_v", lines(V, g="W_g @ x + U_g @ h_ + b_g", h="o * c"), linear="gh"),
    option("greff_v", peepholes(lines(V, f="1 - i"), "i"), coupled=True, peepholes="i"),
    option("greff_v", lines(V, f="1 - i", o="1"), coupled=True, without="o"),
    option("coupled", lines(transcriptions.NOT_PEEPING, f="1 - i"), learned="i"),
    option("gru", lines(EQUATIONS["gru_reset_after"], h="(1 - z) * h_ + z * g"), reset="after"),
    option("gru", EQUATIONS["gru_cho"], z_is="old"),
    option("mut1", project="fixed"),
    option("mut2", project="fixed"),
    option("mut1", terms(transcriptions.MUT1, "P @ x", "x"), project="none"),
    option("mut2", terms(transcriptions.MUT2, "P @ x", "x"), project="none"),
    option("depth_gated", transcriptions.deep(1), layers=1),
    option("depth_gated", transcriptions.deep(3), layers=3),
    option("clockwork", given={"modules": modules((4, 1))}, periods=(1,)),
    option("clockwork", given={"modules": modules((2, 3), (2, 2))}, periods=(3, 2)),
    option("clockwork", given={"modules": modules((1, 4), (2, 1), (1, 2))}, periods=(4, 1, 2)),
    option("clockwork", given={"modules": modules((1, 2), (1, 2), (2, 1))}, periods=(2, 2, 1),
           sizes=(1, 1, 2)),
    option("clockwork", given={"modules": modules((1, 5), (3, 7))}, periods=(5, 7), sizes=(1, 3)),
    option("slstm", terms(transcriptions.SLSTM, "logsigmoid", ""), forget="exp"),
    option("slstm", re.sub(r"(U_\w) @", r"blocks(\1, 2) @", transcriptions.SLSTM), heads=2),
    option("slstm", re.sub(r"(U_\w) @", r"blocks(\1, 4) @", transcriptions.SLSTM), heads=4),
    option("mlstm", terms(transcriptions.MLSTM, "logsigmoid", ""), forget="exp"),
]  # fmt: skip


def start(cell, rng, B, H, near=False):
    """Random initial states; sLSTM's normaliser is positive. `near`: within [-1, 1]."""
    found = {}
    for s in cell.graph.states:
        shape = (B, *(d.value({"H": H}) for d in s.prev.shape))
        found[s.name] = rng.uniform(-1, 1, shape) if near else rng.standard_normal(shape)
    if cell.name == "slstm":
        found["n"] = np.exp(found["n"])
        found["c"] = found["c"] * found["n"] if near else found["c"]
    return found


# 1. Gradients


def prove_gradients(cell, D=2, H=3, lengths=(None, (4, 2))):
    for k, ends in enumerate(lengths):
        rng = np.random.default_rng(k)
        params = random_params(cell, rng, input_size=D, hidden_size=H)
        x = rng.standard_normal((4, 2, D))
        ends = None if ends is None else np.array(ends)
        _, grads = check_gradients(cell, params, x, state=start(cell, rng, 2, H), lengths=ends)
        assert set(grads) == {*params, "x", *(f"{s}0" for s in cell.states)}
        for name, g in grads.params.items():
            fixed = any(p.name == name and "fixed" in p.attrs for p in cell.graph.params)
            assert np.any(g != 0) or fixed, f"{name} takes no part, which would test nothing"


# 2. Reference


def compare(cell, a, expected, only_h=False):
    """Run our cell on the arrays `a`, and hold all values and gradients against `expected`."""
    names = [p.name for p in cell.graph.params]
    assert set(names) == {k for k in a if k != "x" and not k.endswith("0") and not k.startswith("given")}
    run = lc.unroll(cell, {k: a[k] for k in names}, a["x"], state={s: a[f"{s}0"] for s in cell.states})
    outer = {s: a[f"given.{s}"] for s in (("h",) if only_h else cell.states)}
    grads = run.backward(outer, final={s: a[f"given_last.{s}"] for s in cell.states})
    found = {f"value.{s}": run[s] for s in cell.states} | {f"last.{s}": run.final[s] for s in cell.states}
    found |= {f"grad.{k}": g for k, g in grads.items()}
    assert {f"grad.{k}" for k in grads} == {k for k in expected if k.startswith("grad.")}
    assert {k for k in expected if k.startswith("value.")} == {f"value.{s}" for s in outer}
    for p in cell.graph.params:
        if "fixed" in p.attrs:
            assert np.all(grads[p.name] == 0) and np.any(expected[f"grad.{p.name}"])
            del found[f"grad.{p.name}"]
    for k in set(found) & set(expected):
        want, scale = expected[k], np.max(np.abs(expected[k]))
        assert found[k].shape == want.shape, k
        if k == "grad.h0" and cell.name == "mlstm":  # its h is read by nobody
            assert scale == 0 and np.all(found[k] == 0)
            continue
        assert scale > 1e-3, f"{k} of the reference is all but zero: it would test nothing"
        assert np.max(np.abs(found[k] - want)) <= 1e-10 * scale, k


@functools.cache
def frozen():
    with np.load(DATA / "cells.npz") as file:
        return dict(file)


def torch_or_skip():
    pytest.importorskip("torch", reason="PyTorch is optional; the frozen arrays are compared instead")


def prove_reference(cell):
    every = {k.partition("/")[2]: v for k, v in frozen().items() if k.startswith(f"{cell.name}/")}
    expected = {k: v for k, v in every.items() if k.startswith(("value.", "grad."))}
    compare(cell, {k: v for k, v in every.items() if k not in expected}, expected)


LIVE = [(5, 2, 3, 4), (1, 2, 1, 8), (10, 1, 2, 6)]


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_against_the_papers_equations(name):
    torch_or_skip()
    for seed, (T, B, D, H) in enumerate(LIVE):
        a = transcriptions.draw(EQUATIONS[name], seed, T, B, D, H)
        compare(lc.cells.get(name), a, transcriptions.differentiate(EQUATIONS[name], a, **known(name, H)))


@pytest.mark.parametrize("name", ["rnn", "rnn_relu", "lstm", "gru_reset_after"])
def test_values_and_gradients_against_pytorch_modules(name):
    torch_or_skip()
    for seed, (T, B, D, H) in enumerate([(5, 2, 3, 4), (12, 3, 4, 6)]):
        a = transcriptions.draw(EQUATIONS[name], seed, T, B, D, H)
        compare(lc.cells.get(name), a, transcriptions.module(name, a), only_h=True)


@pytest.mark.parametrize("cell, text, more", OPTIONS)
def test_options_against_the_papers_equations(cell, text, more):
    torch_or_skip()
    bare = dict(cell.options).get("project") == "none"
    a = transcriptions.draw(text, 1, 9 if cell.name == "clockwork" else 5, 2, 4 if bare else 3, 4)
    compare(cell, a, transcriptions.differentiate(text, a, **more))


@pytest.mark.parametrize("cell, text, more", OPTIONS)
def test_options_by_complex_step(cell, text, more):
    bare = dict(cell.options).get("project") == "none"
    prove_gradients(cell, 4 if bare else 2, 4, lengths=[(4, 2)])


def test_frozen_arrays_are_what_their_script_makes():
    torch_or_skip()
    made = runpy.run_path(str(DATA / "make_reference.py"))["reference"]
    now = {f"{name}/{k}": v for name in NAMES for k, v in made(name).items()}
    assert set(frozen()) == set(now)
    for k, v in frozen().items():
        np.testing.assert_allclose(v, now[k], rtol=1e-12, atol=1e-12, err_msg=k)


@pytest.mark.parametrize("name", NAMES)
def test_lengths_against_the_papers_equations(name):
    """A sequence that ends early keeps its last states; a gradient given after its end reaches them."""
    torch_or_skip()
    a = transcriptions.draw(EQUATIONS[name], 9)
    want = transcriptions.differentiate(EQUATIONS[name], a, lengths=[5, 2], **known(name, 4))
    cell = lc.cells.get(name)
    params = {p.name: a[p.name] for p in cell.graph.params}
    run = lc.unroll(
        cell, params, a["x"], state={s: a[f"{s}0"] for s in cell.states}, lengths=np.array([5, 2])
    )
    grads = run.backward(
        {s: a[f"given.{s}"] for s in cell.states}, final={s: a[f"given_last.{s}"] for s in cell.states}
    )
    for k, v in [(f"value.{s}", run[s]) for s in cell.states] + [(f"grad.{k}", g) for k, g in grads.items()]:
        assert np.max(np.abs(v - want[k])) <= 1e-10 * np.max(np.abs(want[k])), k


# 3. Reductions

REDUCTIONS = {}


def reduces(*names):
    """Register a function as an exact special case of these cells; it is called with each name it takes."""

    def register(function):
        for name in names:
            REDUCTIONS.setdefault(name, []).append(function)
        return function

    return register


def drawn(cell, D=3, H=4, seed=0, scale=0.7):
    return random_params(cell, np.random.default_rng(seed), scale, input_size=D, hidden_size=H)


def agree(one, p, other, q, names=None, *, tolerance=1e-13, D=3, H=4, state=None):
    """Two cells do the same: the states that both have, and the gradients of x and of these.

    A state that only one of them has starts at 0.
    """
    rng = np.random.default_rng(42)
    x = rng.standard_normal((6, 2, D))
    names = [s for s in one.states if s in other.states] if names is None else names
    begin = start(one, rng, 2, H) if state is None else state
    begin = {s: v for s, v in begin.items() if s in names}
    runs = [lc.unroll(cell, r, x, state=begin) for cell, r in ((one, p), (other, q))]
    outer = {s: rng.standard_normal(runs[0][s].shape) for s in names}
    grads = [run.backward(outer) for run in runs]
    for s in names:
        np.testing.assert_allclose(runs[0][s], runs[1][s], rtol=0, atol=tolerance, err_msg=s)
    for k in ["x", *(f"{s}0" for s in names)]:
        scale = max(1.0, np.max(np.abs(grads[0][k])))
        np.testing.assert_allclose(grads[0][k], grads[1][k], rtol=0, atol=10 * tolerance * scale, err_msg=k)
    return runs


def differ(one, p, other, q, D=3, H=4):
    x = np.random.default_rng(43).standard_normal((4, 2, D))
    a, b = (lc.unroll(cell, r, x)["h"] for cell, r in ((one, p), (other, q)))
    assert np.max(np.abs(a - b)) > 1e-3


def some(p, *letters):
    """The parameters whose names start so."""
    return {k: v for k, v in p.items() if k.startswith(letters)}


def fitting(cell, p):
    return {q.name: p[q.name] for q in cell.graph.params}


@reduces("rnn")
def rnn_without_recurrence_is_a_layer(name):
    p = drawn(lc.cells.rnn)
    p["U_h"][:] = 0
    x = np.random.default_rng(1).standard_normal((5, 2, 3))
    np.testing.assert_allclose(
        lc.unroll(lc.cells.rnn, p, x)["h"], np.tanh(x @ p["W_h"] + p["b_h"]), atol=1e-15
    )


@reduces("rnn_relu")
def irnn_holds_what_is_positive_and_adds_what_it_is_given(name):
    cell = lc.cells.rnn_relu
    p = cell.init(input_size=3, hidden_size=3, rng=0, dtype=np.float64) | {"W_h": np.eye(3)}
    rng = np.random.default_rng(1)
    x, h = rng.uniform(0, 1, (7, 2, 3)), rng.uniform(0, 1, (2, 3))
    np.testing.assert_allclose(lc.unroll(cell, p, x, state={"h": h})["h"], h + np.cumsum(x, 0), atol=1e-14)
    assert np.all(lc.unroll(cell, p, -x, state={"h": np.zeros((2, 3))})["h"] == 0)


@reduces("lstm", "lstm_1997")
def lstm_1997_is_lstm_with_an_open_forget_gate_and_steeper_squashing(name):
    """4 s(a) - 2 = 2 tanh(a / 2), so with half the block input's weights the state is half as large."""
    p = drawn(lc.cells.lstm_1997)
    q = p | {k: p[k] / 2 for k in ("W_g", "U_g", "b_g")}
    q |= {"W_f": np.zeros((3, 4)), "U_f": np.zeros((4, 4)), "b_f": np.full(4, 1e3)}
    x = np.random.default_rng(2).standard_normal((6, 2, 3))
    old, new = lc.unroll(lc.cells.lstm_1997, p, x), lc.unroll(lc.cells.lstm, q, x)
    np.testing.assert_allclose(new["c"], old["c"] / 2, atol=1e-14)
    np.testing.assert_allclose(new["h"], old["h"], atol=1e-14)


@reduces("peephole", "peephole_full", "greff_v", "lstm")
def without_peepholes_it_is_the_lstm(name):
    cell = lc.cells.get(name)
    p = drawn(cell)
    agree(
        cell, p | {k: 0 * v for k, v in some(p, "p_", "V_").items()}, lc.cells.lstm, fitting(lc.cells.lstm, p)
    )
    if some(p, "p_", "V_"):
        differ(cell, p, lc.cells.lstm, fitting(lc.cells.lstm, p))
        bare = cell.with_options(peepholes="")
        agree(bare, fitting(bare, p), lc.cells.lstm, fitting(lc.cells.lstm, p))


@reduces("peephole", "peephole_full")
def matrices_that_are_diagonal_are_peepholes(name):
    p = drawn(lc.cells.peephole)
    q = {k.replace("p_", "V_"): np.diag(v) if k[0] == "p" else v for k, v in p.items()}
    agree(lc.cells.peephole, p, lc.cells.peephole_full, q)
    agree(lc.cells.peephole.with_options(full=True), q, lc.cells.peephole_full, q)


@reduces("peephole", "greff_v")
def v_of_greff_is_the_peephole_lstm(name):
    p = drawn(lc.cells.peephole)
    agree(lc.cells.peephole, p, lc.cells.greff_v, p, tolerance=0)


@reduces("peephole")
def without_input_and_recurrence_the_gates_see_the_cell_alone(name):
    """With a closed output gate an LSTM's gates do not see what it holds, and a peephole LSTM's do."""
    p = drawn(lc.cells.peephole)
    p |= {k: 0 * v for k, v in some(p, "W_", "U_").items()} | {"b_o": np.full(4, -1e3), "p_o": np.zeros(4)}
    x, rng = np.zeros((3, 2, 3)), np.random.default_rng(0)
    c = rng.standard_normal((2, 2, 4))
    a, b = (lc.unroll(lc.cells.peephole, p, x, state={"c": c[k]}) for k in (0, 1))
    assert np.all(a["h"] == 0) and np.all(a["f"][0] != b["f"][0])
    np.testing.assert_allclose(a["f"][0], 1 / (1 + np.exp(-(p["p_f"] * c[0] + p["b_f"]))), atol=1e-15)
    q = fitting(lc.cells.lstm, p)
    a, b = (lc.unroll(lc.cells.lstm, q, x, state={"c": c[k]}) for k in (0, 1))
    assert np.all(a["f"] == b["f"])


GONE = {"greff_nig": "i", "greff_nfg": "f", "greff_nog": "o", "lstm_i": "i", "lstm_f": "f", "lstm_o": "o"}


@reduces(*GONE)
def a_gate_that_is_gone_is_one_whose_bias_is_large(name):
    cell, k = lc.cells.get(name), GONE[name]
    whole = lc.cells.greff_v if name.startswith("greff") else lc.cells.lstm
    p = drawn(whole, scale=0.3)
    assert set(p) - set(fitting(cell, p)) == set(p) & {f"{letter}_{k}" for letter in "WUbp"}
    agree(cell, fitting(cell, p), whole, p | {f"b_{k}": np.full(4, 45.0)}, tolerance=1e-15)
    agree(cell, fitting(cell, p), whole.override(**{k: 1.0}), p)
    differ(cell, fitting(cell, p), whole, p)


@reduces("greff_np", "lstm_b", "lstm")
def plain_ones_are_the_lstm(name):
    p = drawn(lc.cells.lstm)
    agree(lc.cells.get(name), p, lc.cells.lstm, p)


@reduces("greff_cifg")
def cifg_is_v_with_tied_negated_weights(name):
    p = drawn(lc.cells.greff_cifg)
    q = p | {k.replace("_i", "_f"): -v for k, v in p.items() if k.endswith("_i")}
    agree(lc.cells.greff_cifg, p, lc.cells.greff_v, q)


@reduces("greff_cifg", "coupled")
def coupled_gates_are_one_cell_by_two_parameters(name):
    """The essay learns f, Greff et al. i; with no peepholes, and weights negated, they agree."""
    p = drawn(lc.cells.coupled)
    q = {k.replace("_f", "_i"): -v if k.endswith("_f") else v for k, v in p.items()}
    learned_i = lc.cells.coupled.with_options(learned="i")
    agree(lc.cells.coupled, p, learned_i, q)
    bare = lc.cells.greff_cifg.with_options(peepholes="")
    agree(bare, q, learned_i, q)
    differ(lc.cells.coupled, p, learned_i, {k.replace("_f", "_i"): v for k, v in p.items()})
    first = [c.init(3, 4, rng=0) for c in (lc.cells.coupled, learned_i, bare)]
    assert [float(p["b_f" if "b_f" in p else "b_i"][0]) for p in first] == [1, -1, -1]


@reduces("coupled")
def coupled_is_lstm_with_tied_negated_weights(name):
    p = drawn(lc.cells.coupled)
    q = p | {k.replace("_f", "_i"): -v for k, v in p.items() if k.endswith("_f")}
    agree(lc.cells.coupled, p, lc.cells.lstm, q)


@reduces("greff_niaf")
def where_the_block_input_is_a_bias_its_squashing_is_a_number(name):
    p = drawn(lc.cells.greff_v)
    p["W_g"][:], p["U_g"][:] = 0, 0
    agree(lc.cells.greff_niaf, p | {"b_g": np.tanh(p["b_g"])}, lc.cells.greff_v, p)


@reduces("greff_noaf")
def where_h_is_not_fed_back_the_cell_states_are_those_of_v(name):
    p = drawn(lc.cells.greff_v)
    p |= {k: 0 * v for k, v in some(p, "U_").items()}
    linear, v = agree(lc.cells.greff_noaf, p, lc.cells.greff_v, p, ["c"])
    np.testing.assert_allclose(v["h"], v["o"] * np.tanh(linear["h"] / linear["o"]), atol=1e-14)


@reduces("greff_niaf", "greff_noaf")
def small_states_are_not_squashed(name):
    """V with states a millionth in size: both functions left out."""
    linear = lc.cells.greff_v.with_options(linear="gh")
    p, s = drawn(linear, scale=0.3), 1e-6
    q = {k: v * s if k in ("W_g", "b_g") else v for k, v in p.items()}
    q |= {k: v / s if k[0] in "Up" and k != "U_g" else v for k, v in q.items()}
    x = np.random.default_rng(3).standard_normal((5, 2, 3))
    a, b = lc.unroll(linear, p, x), lc.unroll(lc.cells.greff_v, q, x)
    np.testing.assert_allclose(b["h"] / s, a["h"], rtol=1e-9, atol=1e-10)


@reduces("greff_fgr")
def fgr_without_its_matrices_is_v(name):
    p = drawn(lc.cells.greff_v)
    zero = {f"R_{a}{b}": np.zeros((4, 4)) for a in "fio" for b in "fio"}
    agree(lc.cells.greff_fgr, p | zero, lc.cells.greff_v, p, ["h", "c"])


@reduces("greff_fgr")
def gates_of_fgr_see_the_gates_before_and_its_block_input_does_not(name):
    """R_if leads from i into f, in the next step; h and c of the first step are V's, all gates being 0."""
    cell = lc.cells.greff_fgr
    p = drawn(cell) | {"p_o": np.zeros(4)}  # through which o would see what f and i did
    x = np.random.default_rng(5).standard_normal((2, 2, 3))
    first = lc.unroll(cell, p, x[:1])
    for a, b in itertools.product("fio", "fio"):
        q = p | {f"R_{a}{b}": p[f"R_{a}{b}"] + 1.0}
        assert np.all(lc.unroll(cell, q, x[:1])["h"] == first["h"])
        state = {a: np.ones((2, 4))}
        one, two = (lc.unroll(cell, r, x[:1], state=state) for r in (p, q))
        assert [k for k in "figo" if np.any(one[k] != two[k])] == [b]


def negated_z(p):
    return {k: -v if k.endswith("_z") else v for k, v in p.items()}


@reduces("gru", "gru_cho", "gru_reset_after")
def the_two_meanings_of_z_differ_by_a_sign(name):
    cell = lc.cells.get(name)
    other = cell.with_options(z_is="old" if name == "gru" else "new")
    p = drawn(cell)
    agree(cell, p, other, negated_z(p))
    differ(cell, p, other, p)


@reduces("gru", "gru_cho", "gru_reset_after")
def resetting_before_is_resetting_after_where_r_is_uniform_or_u_diagonal(name):
    before, after = lc.cells.gru_cho, lc.cells.gru_reset_after
    p = drawn(before)
    none = {"b_hg": np.zeros(4)}
    differ(before, p, after, p | none)
    diagonal = p | {"U_g": np.diag(np.diag(p["U_g"]))}
    agree(before, diagonal, after, diagonal | none)
    uniform = p | {"W_r": np.repeat(p["W_r"][:, :1], 4, 1), "U_r": np.repeat(p["U_r"][:, :1], 4, 1)}
    uniform["b_r"] = np.full(4, 0.3)
    agree(before, uniform, after, uniform | none)
    differ(before, diagonal, after, diagonal | {"b_hg": np.full(4, 0.5)})


@reduces("gru", "gru_cho", "gru_reset_after", "mut1", "mut2", "mut3", "min_gru")
def where_the_old_state_has_the_whole_share_it_is_copied(name):
    cell = lc.cells.get(name)
    p = drawn(cell)
    p["b_z"][:] = 1e3 if name in ("gru_cho", "gru_reset_after") else -1e3
    rng = np.random.default_rng(6)
    h0 = rng.standard_normal((2, 4))
    run = lc.unroll(cell, p, rng.standard_normal((5, 2, 3)), state={"h": h0})
    assert np.all(run["h"] == h0)
    assert np.all(run.backward(final={"h": h0})["h0"] == h0)


@reduces("gru", "gru_cho", "gru_reset_after", "rnn")
def with_open_gates_it_is_the_plain_network(name):
    cell = lc.cells.gru if name == "rnn" else lc.cells.get(name)
    p = drawn(cell)
    p["b_z"][:] = 1e3 if name in ("gru", "rnn") else -1e3
    p["b_r"][:] = 1e3
    q = {"W_h": p["W_g"], "U_h": p["U_g"], "b_h": p["b_g"] + p.get("b_hg", 0.0)}
    agree(cell, p, lc.cells.rnn, q)


@reduces("gru", "gru_cho")
def without_reset_the_candidate_forgets(name):
    """One step by hand: h = .9, W x = .5, U = 1, z = .2 (of the old state); r = 1 gives .888, r = 0 .550."""
    one = {k: np.zeros(s) for k, s in lc.cells.gru_cho.parameter_shapes(0, 1).items()}
    one |= {"U_g": np.ones((1, 1)), "b_g": np.array([0.5]), "b_z": np.array([np.log(0.25)])}
    for r, h in [(1e3, 0.888), (-1e3, 0.550)]:
        p = one | {"b_r": np.array([r])}
        p = p if name == "gru_cho" else negated_z(p)
        found = lc.unroll(lc.cells.get(name), p, np.zeros((1, 1, 0)), state={"h": np.array([[0.9]])})["h"]
        assert found.item() == pytest.approx(h, abs=5e-4)


@lc.cell
def gru_with_squashed_input(x, h):
    z = lc.sigmoid(lc.affine("z", h, x))
    r = lc.sigmoid(lc.affine("r", h, x))
    g = lc.tanh((r * h) @ lc.param("U_g", "H", "H") + lc.tanh(x) + lc.param("b_g", "H"))
    h = (1.0 - z) * h + z * g
    return h


@reduces("mut1")
def mut1_is_a_gru_with_a_blind_update_gate_and_squashed_input(name):
    cell = lc.cells.mut1.with_options(project="none")
    p = drawn(cell, D=4)
    agree(cell, p, gru_with_squashed_input, p | {"U_z": np.zeros((4, 4))}, D=4)
    agree(cell, p, lc.cells.mut1, p | {"P": np.eye(4)}, D=4)


@reduces("mut2")
def mut2_is_a_gru_whose_reset_gate_takes_the_input_as_it_is(name):
    cell = lc.cells.mut2.with_options(project="none")
    p = drawn(cell, D=4)
    agree(cell, p, lc.cells.gru, p | {"W_r": np.eye(4)}, D=4)
    learned = drawn(lc.cells.mut2)
    agree(lc.cells.mut2, learned, lc.cells.gru, fitting(lc.cells.gru, learned | {"W_r": learned["P"]}))


@reduces("mut3")
def mut3_is_a_gru_if_its_update_gate_does_not_see_h(name):
    p = drawn(lc.cells.mut3)
    differ(lc.cells.mut3, p, lc.cells.gru, p)
    p["U_z"][:] = 0
    agree(lc.cells.mut3, p, lc.cells.gru, p)


@reduces("mut1", "mut2")
def a_fixed_projection_is_stored_and_not_trained(name):
    cell, learned = lc.cells.get(name).with_options(project="fixed"), lc.cells.get(name)
    p = cell.init(3, 4, rng=0, dtype=np.float64)
    assert set(np.unique(np.abs(p["P"]))) == {1 / np.sqrt(3)} and np.any(p["P"] < 0) and np.any(p["P"] > 0)
    assert cell.parameter_count(3, 4) == learned.parameter_count(3, 4) - 3 * 4
    p = drawn(cell)
    agree(cell, p, learned, p)
    x = np.random.default_rng(8).standard_normal((4, 2, 3))
    moved, optimizer = {k: v.copy() for k, v in p.items()}, lc.optim.Adam(lr=0.1)
    memory = optimizer.init(moved)
    for _ in range(3):
        run = lc.unroll(cell, moved, x)
        grads = run.backward({"h": np.ones((4, 2, 4))})
        assert np.all(grads["P"] == 0) and not np.any(np.isnan(grads["P"]))
        optimizer.update(moved, grads.params, memory)
    for k in p:
        assert np.all(moved[k] == p[k]) == (k == "P"), k


@reduces("clockwork", "rnn")
def a_clockwork_of_one_fast_module_is_the_plain_network(name):
    one = lc.cells.clockwork.with_options(periods=(1,))
    p = drawn(one)
    agree(one, p, lc.cells.rnn, p)


@reduces("clockwork")
def a_clockwork_of_fast_modules_is_a_plain_network_of_blocks(name):
    """Modules of equal periods do not feed each other: only themselves, and longer periods."""
    fast = lc.cells.clockwork.with_options(periods=(1, 1))
    p = drawn(fast)
    agree(fast, p, lc.cells.rnn, p | {"U_h": p["U_h"] * np.kron(np.eye(2), np.ones((2, 2)))})


@reduces("clockwork")
def a_clockwork_at_a_step_when_all_are_due_is_a_plain_network_with_a_triangle(name):
    """Sorted from short to long periods, rows times U: units feed those that stand before them, by blocks."""
    p = drawn(lc.cells.clockwork, H=8)
    x = np.random.default_rng(9).standard_normal((1, 2, 3))
    state = {"h": np.random.default_rng(10).standard_normal((2, 8))}
    U = p["U_h"] * np.kron(np.tril(np.ones((4, 4))), np.ones((2, 2)))
    due = lc.unroll(lc.cells.clockwork, p, x, state=state | {"t": 16})["h"]
    np.testing.assert_allclose(due, lc.unroll(lc.cells.rnn, p | {"U_h": U}, x, state=state)["h"], atol=1e-14)


@reduces("clockwork")
def the_order_of_modules_is_a_matter_of_writing(name):
    cell = lc.cells.clockwork
    p, order = drawn(cell, H=8), [3, 0, 2, 1]
    units = np.concatenate([np.arange(2 * k, 2 * k + 2) for k in order])
    other = cell.with_options(periods=tuple(2**k for k in order))
    q = {"W_h": p["W_h"][:, units], "U_h": p["U_h"][np.ix_(units, units)], "b_h": p["b_h"][units]}
    x = np.random.default_rng(11).standard_normal((11, 2, 3))
    np.testing.assert_allclose(
        lc.unroll(other, q, x)["h"], lc.unroll(cell, p, x)["h"][..., units], atol=1e-14
    )


@reduces("clockwork")
def slow_modules_feed_fast_ones_and_not_the_other_way_round(name):
    cell, T = lc.cells.clockwork, 5
    p = drawn(cell, H=8)
    run = lc.unroll(cell, p, np.random.default_rng(12).standard_normal((T, 1, 3)))
    J = np.concatenate([run.backward(final={"h": e[None]})["h0"] for e in np.eye(8)])  # [of, by]
    module = np.arange(8) // 2
    above = module[:, None] < module[None, :]  # of a faster one by a slower one
    assert np.all(J[above] != 0) and np.all(J[module[:, None] > module[None, :]] == 0)


@reduces("clockwork")
def masked_elements_do_not_matter(name):
    cell = lc.cells.clockwork.with_options(periods=(2, 1, 4), sizes=(3, 2, 3))
    p, x = drawn(cell, H=8), np.random.default_rng(13).standard_normal((6, 2, 3))
    T, module = np.repeat([2, 1, 4], [3, 2, 3]), np.repeat([0, 1, 2], [3, 2, 3])
    masked = (T[:, None] < T[None, :]) | ((T[:, None] == T[None, :]) & (module[:, None] != module[None, :]))
    run, dh = lc.unroll(cell, p, x), np.random.default_rng(14).standard_normal((6, 2, 8))
    assert np.array_equal(run.backward({"h": dh})["U_h"] == 0, masked)
    q = p | {"U_h": np.where(masked, 1e6, p["U_h"])}
    assert np.array_equal(lc.unroll(cell, q, x)["h"], run["h"])
    assert np.all(cell.init(3, 8, rng=0)["U_h"][masked] == 0)


@reduces("clockwork")
def as_many_units_change_as_are_due(name):
    cell, k = lc.cells.clockwork, 3
    p = drawn(cell, H=4 * k)
    h = lc.unroll(cell, p, np.random.default_rng(15).standard_normal((17, 1, 3)))["h"][:, 0]
    changed = np.count_nonzero(np.diff(np.concatenate([np.zeros_like(h[:1]), h]), axis=0), axis=1)
    assert changed.tolist() == [k * sum(t % T == 0 for T in (1, 2, 4, 8)) for t in range(17)]
    assert h.shape == (17, 12)


@reduces("depth_gated", "peephole")
def a_shut_depth_gate_leaves_a_stack(name):
    for layers in (2, 3):
        cell, stack = lc.cells.depth_gated.with_options(layers=layers), lc.stack([lc.cells.peephole] * layers)
        p = drawn(cell)
        q = fitting(stack, p)
        differ(cell, p, stack, q)
        p |= {f"{k}.b_d": np.full(4, -1e3) for k in range(1, layers)}
        agree(cell, p, stack, q)


@reduces("depth_gated")
def one_layer_is_the_peephole_lstm(name):
    cell = lc.cells.depth_gated.with_options(layers=1)
    p = drawn(lc.cells.peephole)
    x = np.random.default_rng(16).standard_normal((6, 2, 3))
    q = {f"0.{k}": v for k, v in p.items()}
    a, b = lc.unroll(cell, q, x), lc.unroll(lc.cells.peephole, p, x)
    assert np.all(a["h"] == b["h"]) and np.all(a["0.c"] == b["c"])
    assert cell.parameter_count(3, 4) == lc.cells.peephole.parameter_count(3, 4)


@reduces("depth_gated")
def an_open_depth_gate_passes_the_cell_state_up(name):
    """d = 1, f = 0, i = 0: all layers have one cell state, and gradients pass through them unchanged."""
    cell = lc.cells.depth_gated.with_options(layers=3)
    p = drawn(cell)
    for k in (1, 2):
        p |= {f"{k}.b_d": np.full(4, 1e3), f"{k}.b_f": np.full(4, -1e3), f"{k}.b_i": np.full(4, -1e3)}
    x = np.random.default_rng(17).standard_normal((6, 2, 3))
    run = lc.unroll(cell, p, x)
    assert np.array_equal(run["1.c"], run["0.c"]) and np.array_equal(run["2.c"], run["0.c"])
    dc = np.random.default_rng(18).standard_normal((6, 2, 4))
    top, bottom = run.backward({"2.c": dc}), run.backward({"0.c": dc})
    np.testing.assert_allclose(top["x"], bottom["x"], atol=1e-14)


@lc.cell
def textbook_slstm(x, h, c, n):
    """As the paper has it before it is stabilised."""
    z = lc.tanh(lc.affine("z", h, x))
    i = lc.exp(lc.affine("i", h, x))
    f = lc.sigmoid(lc.affine("f", h, x))
    o = lc.sigmoid(lc.affine("o", h, x))
    c = f * c + i * z
    n = f * n + i
    h = o * c / n
    return h, c, n


@reduces("slstm")
def slstm_is_its_textbook_form(name):
    """From nothing stored, and from states with m = 0; c and n are those of the textbook times exp(-m)."""
    cell = lc.cells.slstm
    p = drawn(cell)
    a, b = agree(cell, p, textbook_slstm, p, ["h"], state={})
    for k in "cn":
        np.testing.assert_allclose(a[k] * np.exp(a["m"]), b[k], rtol=1e-12)
    rng = np.random.default_rng(19)
    state = {"h": rng.standard_normal((2, 4)), "c": rng.standard_normal((2, 4)), "n": np.ones((2, 4))}
    x = rng.standard_normal((6, 2, 3))
    a, b = (lc.unroll(q, p, x, state=state) for q in (cell, textbook_slstm))
    dh = rng.standard_normal((6, 2, 4))
    np.testing.assert_allclose(a["h"], b["h"], atol=1e-13)
    one, two = (run.backward({"h": dh}) for run in (a, b))
    for k in two:
        np.testing.assert_allclose(one[k], two[k], atol=1e-12, err_msg=k)


@reduces("slstm", "mlstm")
def exponents_beyond_the_range_of_floats_do_no_harm(name):
    """Net inputs of hundreds, of either sign, also in the very first step."""
    for dtype, size in [(np.float32, 300.0), (np.float64, 2000.0)]:
        for signs in [(1, 1), (1, -1), (-1, 1)] + ([(-1, -1)] if name == "slstm" else []):
            # mLSTM cannot start with a forget gate of exp(size): it would keep nothing at that scale, 0 / 0
            for forget in ("sigmoid", "exp") if name == "slstm" or signs[1] < 0 else ("sigmoid",):
                cell = lc.cells.get(name).with_options(forget=forget)
                p = cell.init(3, 4, rng=0, dtype=dtype)
                p["b_i"][:], p["b_f"][:] = signs[0] * size, signs[1] * size
                run = lc.unroll(cell, p, np.ones((4, 2, 3), dtype))
                assert np.all(np.isfinite(run["h"]))
                assert np.any(run["h"] != 0) or (name == "mlstm" and signs[0] < 0)  # that writes exp(-size)
                grads = run.backward({"h": np.ones_like(run["h"])})
                assert all(np.all(np.isfinite(g)) for g in grads.values())


@reduces("slstm")
def heads_are_cells_side_by_side(name):
    """Two heads of two units: each does what a cell of its own would."""
    cell, alone = lc.cells.slstm.with_options(heads=2), lc.cells.slstm
    p = drawn(cell)
    x = np.random.default_rng(20).standard_normal((5, 2, 3))
    whole = lc.unroll(cell, p, x)["h"]
    for units in (slice(0, 2), slice(2, 4)):
        q = {k: v[units, units] if k[0] == "U" else v[..., units] for k, v in p.items()}
        np.testing.assert_allclose(lc.unroll(alone, q, x)["h"], whole[..., units], atol=1e-14)
    one = alone.with_options(heads=1)
    agree(one, p, alone, p, tolerance=0)


def mlstm_at_once(p, x, forget):
    """All steps at once, as attention: what was written at s is found at t with a weight."""
    H = p["b_v"].size
    q, v, o = (x @ p[f"W_{k}"] + p[f"b_{k}"] for k in "qvo")
    k = (x @ p["W_k"] + p["b_k"]) / np.sqrt(H)
    a_f, a_i = ((x @ p[f"W_{k}"] + p[f"b_{k}"])[..., 0] for k in "fi")
    kept = np.cumsum(-np.log1p(np.exp(-a_f)) if forget == "sigmoid" else a_f, axis=0)
    weight = np.tril(np.ones((len(x), len(x))))[..., None] * np.exp(kept[:, None] - kept[None] + a_i[None])
    weight = weight * np.einsum("tbh,sbh->tsb", q, k)
    least = np.maximum(np.abs(weight.sum(1)), 1.0)
    return np.einsum("tsb,sbh->tbh", weight, v) / least[..., None] / (1 + np.exp(-o))


@reduces("mlstm")
def mlstm_step_by_step_is_mlstm_at_once(name):
    for forget in ("sigmoid", "exp"):
        cell = lc.cells.mlstm.with_options(forget=forget)
        p = drawn(cell)
        x = np.random.default_rng(21).standard_normal((9, 2, 3))
        np.testing.assert_allclose(
            lc.unroll(cell, p, x)["h"], mlstm_at_once(p, x, forget), rtol=0, atol=1e-12
        )


@reduces("min_lstm", "min_gru")
def min_lstm_with_opposed_gates_is_min_gru(name):
    """s(a) / (s(a) + s(-a)) = s(a)."""
    p = drawn(lc.cells.min_gru)
    q = {k.replace("_z", "_i"): v for k, v in p.items()} | {"W_f": -p["W_z"], "b_f": -p["b_z"]}
    agree(lc.cells.min_gru, p, lc.cells.min_lstm, q)


@reduces("min_gru")
def min_gru_is_a_blind_gru_with_a_linear_candidate(name):
    p = drawn(lc.cells.min_gru)
    q = p | {f"U_{k}": np.zeros((4, 4)) for k in "zrg"} | {"W_r": np.ones((3, 4)), "b_r": np.ones(4)}
    x = np.random.default_rng(22).standard_normal((6, 2, 3))
    p |= {"W_g": 0 * p["W_g"], "b_g": np.tanh(p["b_g"])}
    q |= {"W_g": 0 * q["W_g"]}
    np.testing.assert_allclose(
        lc.unroll(lc.cells.min_gru, p, x)["h"], lc.unroll(lc.cells.gru, q, x)["h"], atol=1e-14
    )


def prove_reductions(cell):
    assert REDUCTIONS.get(cell.name), f"{cell.name} has no reduction"
    for function in REDUCTIONS[cell.name]:
        try:
            function(cell.name)
        except BaseException as error:
            error.add_note(f"of {cell.name}: {function.__name__}")
            raise


# 4. Counts


def A(D, H):
    return H * (D + H + 1)


def clockwork_free(H, parts=4):
    sizes = [H // parts + (j < H % parts) for j in range(parts)]
    return sum(k * sum(sizes[j:]) for j, k in enumerate(sizes))  # to a module, from itself and slower ones


COUNTS = {
    "rnn": A,
    "rnn_relu": A,
    "lstm": lambda D, H: 4 * A(D, H),
    "lstm_1997": lambda D, H: 3 * A(D, H),
    "peephole": lambda D, H: 4 * A(D, H) + 3 * H,
    "peephole_full": lambda D, H: 4 * A(D, H) + 3 * H**2,
    "coupled": lambda D, H: 3 * A(D, H),
    "gru": lambda D, H: 3 * A(D, H),
    "gru_cho": lambda D, H: 3 * A(D, H),
    "gru_reset_after": lambda D, H: 3 * A(D, H) + H,
    "greff_v": lambda D, H: 4 * A(D, H) + 3 * H,
    **{f"greff_n{k}g": lambda D, H: 3 * A(D, H) + 2 * H for k in "ifo"},
    "greff_niaf": lambda D, H: 4 * A(D, H) + 3 * H,
    "greff_noaf": lambda D, H: 4 * A(D, H) + 3 * H,
    "greff_cifg": lambda D, H: 3 * A(D, H) + 2 * H,
    "greff_np": lambda D, H: 4 * A(D, H),
    "greff_fgr": lambda D, H: 4 * A(D, H) + 3 * H + 9 * H**2,
    "mut1": lambda D, H: 2 * D * H + 2 * H**2 + 3 * H + D * H,
    "mut2": lambda D, H: 2 * D * H + 3 * H**2 + 3 * H + D * H,
    "mut3": lambda D, H: 3 * A(D, H),
    **{f"lstm_{k}": lambda D, H: 3 * A(D, H) for k in "fio"},
    "lstm_b": lambda D, H: 4 * A(D, H),
    "depth_gated": lambda D, H: 4 * A(D, H) + 3 * H + 4 * A(H, H) + 3 * H + H**2 + 3 * H,
    "clockwork": lambda D, H: D * H + H + clockwork_free(H),
    "min_gru": lambda D, H: 2 * (D * H + H),
    "min_lstm": lambda D, H: 3 * (D * H + H),
    "slstm": lambda D, H: 4 * A(D, H),
    "mlstm": lambda D, H: 4 * (D * H + H) + 2 * (D + 1),
}


def prove_counts(cell):
    for D, H in [(3, 8), (0, 4), (1, 1), (7, 5)]:
        count = COUNTS[cell.name](D, H)
        assert cell.parameter_count(input_size=D, hidden_size=H) == count
        shapes = cell.parameter_shapes(input_size=D, hidden_size=H)
        assert shapes == transcriptions.parameter_shapes(EQUATIONS[cell.name], D, H)
        params = cell.init(input_size=D, hidden_size=H, rng=0)
        assert {k: v.shape for k, v in params.items()} == shapes
        if cell.name != "clockwork":
            assert sum(v.size for v in params.values()) == count
    # what is counted is what can change something
    rng = np.random.default_rng(3)
    params = random_params(cell, rng, input_size=3, hidden_size=8)
    run = lc.unroll(cell, params, rng.standard_normal((9, 8, 3)), state=start(cell, rng, 8, 8))
    grads = run.backward({s: rng.standard_normal(run[s].shape) for s in cell.states})
    assert sum(np.count_nonzero(g) for g in grads.params.values()) == COUNTS[cell.name](3, 8)


def test_counts_of_options():
    def count(name, D, H, **options):
        return lc.cells.get(name).with_options(**options).parameter_count(D, H)

    for s in SUBSETS:
        assert count("peephole", 3, 5, peepholes=s) == 4 * A(3, 5) + 5 * len(s)
        assert count("peephole", 3, 5, peepholes=s, full=True) == 4 * A(3, 5) + 25 * len(s)
    n, k = 12, 3
    assert count("clockwork", 2, n) == 2 * n + n**2 // 2 + n * k // 2 + n
    assert count("clockwork", 2, n, periods=(1,)) == A(2, n)
    assert count("clockwork", 0, 6, periods=(1, 2), sizes=(1, 5)) == 6 + 1 + 5 * 6
    assert count("slstm", 3, 8, heads=4) == 4 * (3 * 8 + 8 + 8 * 2)
    for name, whole in [("mut1", 2 * 16 + 2 * 16 + 12), ("mut2", 2 * 16 + 3 * 16 + 12)]:
        assert count(name, 4, 4, project="none") == count(name, 4, 4, project="fixed") == whole
    for layers in (1, 2, 5):
        upper = 4 * 5 * 11 + 3 * 5 + 5**2 + 3 * 5
        assert count("depth_gated", 3, 5, layers=layers) == 4 * A(3, 5) + 15 + (layers - 1) * upper


# 5. Properties


def at_most(name, bound=1.0):
    return lambda run: np.max(np.abs(run[name])) <= bound + 1e-14


BOUNDS = {
    **dict.fromkeys(
        ["rnn", "clockwork", "gru", "gru_cho", "gru_reset_after", "mut1", "mut2", "mut3"], at_most("h")
    ),
    **dict.fromkeys(["coupled", "greff_cifg"], at_most("c")),
    "slstm": at_most("h"),
    "rnn_relu": lambda run: np.all(run["h"] >= 0),
}
for _name in ("lstm", "lstm_1997", "peephole", "peephole_full", "depth_gated"):
    BOUNDS[_name] = at_most("h")
for _name in ("v", "nig", "nfg", "nog", "niaf", "np", "fgr"):
    BOUNDS[f"greff_{_name}"] = at_most("h")
for _name in ("f", "i", "o", "b"):
    BOUNDS[f"lstm_{_name}"] = at_most("h")


def prove_properties(cell):
    """A run may be cut where one will, the clock too; what is bounded stays within its bound."""

    @settings(QUICK, max_examples=8)
    @given(
        seed=st.integers(0, 2**32 - 1), T=st.integers(0, 9), cut=st.integers(0, 9), B=st.integers(1, 3),
        D=st.integers(0, 3), H=st.integers(1, 6), scale=st.sampled_from([0.1, 1.0, 4.0]),
    )  # fmt: skip
    def holds(seed, T, cut, B, D, H, scale):
        rng, cut = np.random.default_rng(seed), min(cut, T)
        params = random_params(cell, rng, scale, input_size=D, hidden_size=H)
        x, state = rng.standard_normal((T, B, D)), start(cell, rng, B, H, near=True)
        whole = lc.unroll(cell, params, x, state=state)
        first = lc.unroll(cell, params, x[:cut], state=state)
        second = lc.unroll(cell, params, x[cut:], state=first.final)
        for s in cell.states:
            size = max(1.0, np.max(np.abs(whole[s]), initial=0.0))
            both = np.concatenate([first[s], second[s]])
            np.testing.assert_allclose(both, whole[s], rtol=0, atol=1e-12 * size)
            np.testing.assert_allclose(second.final[s], whole.final[s], rtol=0, atol=1e-12 * size)
        assert T == 0 or cell.name not in BOUNDS or BOUNDS[cell.name](whole)

    holds()


@settings(QUICK, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1), name=st.sampled_from(["coupled", "greff_cifg"]), scale=st.floats(0.1, 30)
)
def test_coupled_gates_keep_what_starts_within_one(seed, name, scale):
    rng, cell = np.random.default_rng(seed), lc.cells.get(name)
    params = random_params(cell, rng, scale, input_size=2, hidden_size=5)
    state = {"c": rng.choice([-1.0, 1.0, 0.3], (3, 5))}
    assert (
        np.max(np.abs(lc.unroll(cell, params, rng.standard_normal((20, 3, 2)), state=state)["c"]))
        <= 1 + 1e-15
    )


@settings(QUICK, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1),
    parts=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 9)), min_size=1, max_size=4),
    offset=st.integers(0, 20),
    cut=st.integers(0, 12),
)
def test_units_of_a_clockwork_change_at_their_ticks_alone(seed, parts, offset, cut):
    """Of any sizes and periods, from any step, and across the end of a chunk."""
    sizes, periods = zip(*parts, strict=True)
    cell, rng = lc.cells.clockwork.with_options(periods=periods, sizes=sizes), np.random.default_rng(seed)
    H = sum(sizes)
    params = random_params(cell, rng, input_size=2, hidden_size=H)
    x, h0 = rng.standard_normal((12, 1, 2)), rng.standard_normal((1, H))
    first = lc.unroll(cell, params, x[:cut], state={"h": h0, "t": offset})
    h = np.concatenate([h0[None], first["h"], lc.unroll(cell, params, x[cut:], state=first.final)["h"]])[:, 0]
    ticks = (offset + np.arange(12))[:, None] % np.repeat(periods, sizes) == 0
    assert np.array_equal(h[1:] != h[:-1], ticks)


@settings(QUICK, max_examples=25)
@given(
    seed=st.integers(0, 2**32 - 1), shift=st.floats(-40, 40), name=st.sampled_from(["slstm", "mlstm"]),
    forget=st.sampled_from(["sigmoid", "exp"]),
)  # fmt: skip
def test_the_stabiliser_does_not_matter(seed, shift, name, forget):
    """(c, n, m) and (c e^-s, n e^-s, m + s) are one state: h is the same, and so are c e^m and n e^m."""
    cell, rng = lc.cells.get(name).with_options(forget=forget), np.random.default_rng(seed)
    params = random_params(cell, rng, input_size=2, hidden_size=3)
    x, state, dh = rng.standard_normal((6, 2, 2)), start(cell, rng, 2, 3), rng.standard_normal((6, 2, 3))
    moved = state | {
        "c": state["c"] * np.exp(-shift),
        "n": state["n"] * np.exp(-shift),
        "m": state["m"] + shift,
    }
    a, b = (lc.unroll(cell, params, x, state=s) for s in (state, moved))
    np.testing.assert_allclose(a["h"], b["h"], rtol=1e-9, atol=1e-10)
    for k in "cn":
        m = [r.final["m"][..., None] if k == "c" and name == "mlstm" else r.final["m"] for r in (a, b)]
        np.testing.assert_allclose(
            a.final[k] * np.exp(m[0]), b.final[k] * np.exp(m[1]), rtol=1e-9, atol=1e-10
        )
    one, two = (r.backward({"h": dh}) for r in (a, b))
    for k in ("x", *params):
        np.testing.assert_allclose(one[k], two[k], rtol=1e-8, atol=1e-8, err_msg=k)


def scan(a, b):
    """All steps of h = a h + b, composed by doubling: (a2, b2) after (a1, b1) is (a2 a1, a2 b1 + b2)."""
    step = 1
    while step < len(a):
        after, before = slice(step, None), slice(None, -step)
        b = np.concatenate([b[:step], a[after] * b[before] + b[after]])
        a = np.concatenate([a[:step], a[after] * a[before]])
        step *= 2
    return a, b


@settings(QUICK, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), T=st.integers(1, 70), name=st.sampled_from(["min_gru", "min_lstm"]))
def test_minimal_cells_at_once_are_step_by_step(seed, T, name):
    cell, rng = lc.cells.get(name), np.random.default_rng(seed)
    p = random_params(cell, rng, input_size=3, hidden_size=4)
    x, h0 = rng.standard_normal((T, 2, 3)), rng.standard_normal((2, 4))
    gate = {k[2:]: 1 / (1 + np.exp(-(x @ p[k] + p["b" + k[1:]]))) for k in p if k[0] == "W" and k != "W_g"}
    g = x @ p["W_g"] + p["b_g"]
    if name == "min_gru":
        a, b = 1 - gate["z"], gate["z"] * g
    else:
        a, b = (gate[k] / (gate["f"] + gate["i"]) for k in "fi")
        b = b * g
    a, b = scan(a, b)
    np.testing.assert_allclose(lc.unroll(cell, p, x, state={"h": h0})["h"], a * h0 + b, rtol=0, atol=1e-12)


# All together

PROOFS = {
    "reference": prove_reference,
    "reductions": prove_reductions,
    "counts": prove_counts,
    "properties": prove_properties,
}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("proof", PROOFS)
def test_proof(proof, name):
    PROOFS[proof](lc.cells.get(name))


def test_nothing_is_proved_of_cells_that_do_not_exist():
    for names in (EQUATIONS, COUNTS, REDUCTIONS):
        assert set(names) == set(NAMES)
    assert gate_recurrence(V) == EQUATIONS["greff_fgr"] and set(BOUNDS) <= set(NAMES)


# Options are checked

BAD = [
    ("peephole", {"peepholes": "fx"}, r"peepholes='fx'.*some of 'fio'"),
    ("peephole", {"peepholes": "ff"}, r"peepholes='ff'"),
    ("peephole", {"peepholes": None}, r"peepholes=None"),
    ("peephole", {"full": "no"}, r"full='no'.*True or False"),
    ("greff_v", {"without": "g"}, r"without='g'.*'fio'"),
    ("greff_v", {"linear": "c"}, r"linear='c'.*'gh'"),
    ("greff_v", {"coupled": 2}, r"coupled=2.*True or False"),
    ("greff_v", {"coupled": True, "without": "f"}, r"without='f'.*coupled"),
    ("coupled", {"learned": "o"}, r"learned='o'.*'f', 'i'"),
    ("coupled", {"learned": ""}, r"learned=''.*'f', 'i'"),
    ("coupled", {"learned": "fi"}, r"learned='fi'.*'f', 'i'"),
    ("coupled", {"learned": 1}, r"learned=1.*'f', 'i'"),
    ("gru", {"z_is": "share"}, r"z_is='share'.*'new', 'old'"),
    ("gru", {"reset": "never"}, r"reset='never'.*'before', 'after'"),
    ("mut1", {"project": "random"}, r"project='random'.*'learned', 'fixed', 'none'"),
    ("mut2", {"project": True}, r"project=True.*'learned', 'fixed', 'none'"),
    ("depth_gated", {"layers": 0}, r"layers=0.*from 1"),
    ("depth_gated", {"layers": 2.0}, r"layers=2.0.*whole number"),
    ("slstm", {"forget": "tanh"}, r"forget='tanh'.*'sigmoid', 'exp'"),
    ("mlstm", {"forget": "tanh"}, r"forget='tanh'.*'sigmoid', 'exp'"),
]


@pytest.mark.parametrize("name, options, message", BAD, ids=lambda v: str(v) if isinstance(v, dict) else None)
def test_options_that_are_not_there_are_refused(name, options, message):
    kind = TypeError if any(isinstance(v, float) for v in options.values()) else ValueError
    with pytest.raises(kind, match=message):
        lc.cells.get(name).with_options(**options)


USED = [
    ("clockwork", {"periods": ()}, r"periods=\(\).*whole numbers from 1"),
    ("clockwork", {"periods": (0, 1)}, r"periods=\(0, 1\)"),
    ("clockwork", {"periods": (1.5,)}, r"periods=\(1.5,\)"),
    ("clockwork", {"periods": (True,)}, r"periods=\(True,\)"),
    ("clockwork", {"periods": 4}, r"periods=4.*such as"),
    ("clockwork", {"sizes": (2, 2)}, r"sizes=\(2, 2\).*each of 4 periods"),
    ("clockwork", {"sizes": (1, 1, 1, 2)}, r"sizes=\(1, 1, 1, 2\) add up to 5.*hidden_size is 4"),
    ("clockwork", {"sizes": (0, 1, 1, 2)}, r"sizes=\(0, 1, 1, 2\)"),
    ("slstm", {"heads": 3}, r"heads=3.*divides 4"),
    ("slstm", {"heads": 0}, r"heads=0"),
    ("slstm", {"heads": "two"}, r"heads='two'"),
    ("mut1", {"project": "none"}, r"mut1: g_t = .* sizes 4 and 3 do not fit"),
    ("mut2", {"project": "none"}, r"mut2: r_t = .* sizes 4 and 3 do not fit"),
]


@pytest.mark.parametrize(
    "name, options, message", USED, ids=lambda v: str(v) if isinstance(v, dict) else None
)
def test_options_that_do_not_fit_the_sizes_are_refused_when_the_cell_is_used(name, options, message):
    """At the first use at the latest: by `init`, and by a run with arrays from elsewhere."""
    kind = TypeError if any(isinstance(v, float) for v in options.values()) else ValueError
    with pytest.raises(kind, match=message):
        lc.cells.get(name).with_options(**options).init(3, 4, rng=0)
    params = {k: np.ones(s) for k, s in lc.cells.get(name).parameter_shapes(3, 4).items() if k != "P"}
    with pytest.raises(ValueError, match=message):
        lc.unroll(lc.cells.get(name).with_options(**options), params, np.ones((2, 1, 3)))
