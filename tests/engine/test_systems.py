"""Five proofs for each cell of `systems`: attention, Grid LSTM, DRAW, VRNN, STORN; as in test_proofs.py.

1. gradients: of everything, by complex step, in a random direction for each array.
2. reference: values and every gradient against the papers' equations in PyTorch (tests/systems.py).
3. reductions: what the cell becomes exactly under given parameters.
4. counts: a formula.
5. properties: a run is a loop of steps, cut where one will; shares sum to 1, divergences are not negative.
"""

import itertools
import math
from functools import partial

import numpy as np
import pytest
import systems
from corner_cells import SIZES, drawn, sizes_of
from hypothesis import given, settings
from hypothesis import strategies as st

import lstmcourse as lc
from lstmcourse.cells.grids import skewed, straightened

OPTIONS = [
    ("attend_and_tell", {"attention": "hard"}),
    ("self_attention_at_once", {"causal": False}),
    *(("grid", {"dims": dims, "tied": True}) for dims in (1, 2, 3, 4)),
    *(("grid", {"dims": dims, "priority": "depth", "depth": "tanh"}) for dims in (1, 2, 3)),
    ("grid", {"priority": "time", "output": "o * tanh(m)", "layers": 1}),
    ("grid", {"dims": 3, "priority": "right", "layers": 1}),
    ("grid", {"dims": 4, "depth": "relu", "output": "o * tanh(m)", "layers": 1}),
    ("draw", {"attention": True}),
    ("draw", {"attention": True, "read": 1, "write": 3}),
    ("draw_sample", {"attention": True, "write": 2}),
    *((name, {"output": "bernoulli"}) for name in ("vrnn", "vrnn_sample", "storn", "storn_sample")),
    *((name, {"components": 3}) for name in ("density_rnn", "density_rnn_sample")),
]
CASES = [
    pytest.param(name, options, id=f"{name}({', '.join(f'{k}={v}' for k, v in options.items())})")
    for name, options in [*((name, {}) for name in systems.SYSTEMS), *OPTIONS]
]
EACH = pytest.mark.parametrize("name, options", CASES)
DECIDES = {"n", "u"}  # inputs that decide where something is read: nothing flows into them
CHOOSES = {("density_rnn_sample", "W_w"), ("density_rnn_sample", "b_w")}  # nor into these weights


def made(name, options, given=False, seed=0, T=4, B=2, **sizes):
    """A cell, and arguments of `unroll` for it."""
    cell = lc.cells.get(name).with_options(**options) if options else lc.cells.get(name)
    params, x, more = drawn(
        cell, T=T, B=B, given=given, seed=seed, **{"D": 3, "X": 5, "Y": 4, "N": 3, "M": 2} | sizes
    )
    if x is not None:
        more["inputs"] = {cell.inputs[0].name: x} | more["inputs"]
    return cell, params, more


def outer(run, seed=1):
    """Gradients of all that is given back at every step, and of the last states."""
    rng = np.random.default_rng(seed)
    names = dict.fromkeys([*run.cell.states, *run.cell.emits])
    every = {k: rng.standard_normal(run[k].shape) for k in names}
    return every, {k: rng.standard_normal(run.final[k].shape) for k in run.cell.states}


def of_array(grads, kind, name):
    """One gradient of a run, by kind of array."""
    if kind == "param":
        return grads.params[name]
    return grads.states[f"{name}0"] if kind == "state" else grads.inputs[name]


def arrays_of(cell, params, more):
    kinds = {i.name: "static" if i.kind == "static" else "timed" for i in cell.inputs}
    found = {f"param {k}": v for k, v in params.items()}
    found |= {f"{kinds[k]} {k}": v for k, v in more["inputs"].items()}
    return found | {f"state {k}": v for k, v in (more["state"] or {}).items()}


# 1. Gradients


@pytest.mark.parametrize("start, lengths", [(True, [4, 2]), (False, None)], ids=["given, lengths", "own"])
@EACH
def test_gradients_by_complex_step(name, options, start, lengths):
    cell, params, more = made(name, options, start)
    lengths = None if lengths is None else np.array(lengths)
    run = lc.unroll(cell, params, lengths=lengths, **more)
    every, ends = outer(run)
    grads = run.backward(every, ends)
    rng = np.random.default_rng(2)
    arrays = arrays_of(cell, params, more)
    for key, array in arrays.items():
        kind, name_ = key.split(" ")
        got = of_array(grads, kind, name_)
        assert got.shape == array.shape
        coins = "sample" in name and options.get("output") == "bernoulli"
        if name_ in DECIDES or (coins and name_ == "e_x") or (name, name_) in CHOOSES:
            assert not np.any(got)
            continue
        way = rng.standard_normal(array.shape)
        moved = {k: v.astype(complex) for k, v in arrays.items()} | {key: array + 1e-30j * way}

        def part(kind, moved=moved):
            return {k.partition(" ")[2]: v for k, v in moved.items() if k.startswith(f"{kind} ")}

        again = more | {"inputs": part("timed") | part("static"), "state": part("state")}
        r = lc.unroll(cell, part("param"), lengths=lengths, grad=False, **again)
        loss = sum(np.sum(r[k] * g) for k, g in every.items())
        loss += sum(np.sum(r.final[k] * g) for k, g in ends.items())
        want, scale = np.imag(loss) / 1e-30, max(1.0, np.max(np.abs(got), initial=0.0))
        assert abs(np.sum(got * way) - want) <= 1e-11 * scale * max(1, array.size), key
        assert np.any(got) or start or coins, f"{key} takes no part, which would test nothing"


# 2. Reference


@pytest.mark.parametrize("start, lengths", [(True, None), (False, [4, 2])], ids=["given", "own, lengths"])
@EACH
def test_values_and_gradients_against_the_papers_equations(name, options, start, lengths):
    pytest.importorskip("torch", reason="PyTorch is optional")
    cell, params, more = made(name, options, start, seed=3)
    run = lc.unroll(cell, params, lengths=None if lengths is None else np.array(lengths), **more)
    every, ends = outer(run)
    grads = run.backward(every, ends)
    arrays = arrays_of(cell, params, more)
    arrays |= {f"given {k}": v for k, v in every.items()} | {f"last {k}": v for k, v in ends.items()}
    shapes = {k: run[k].shape[2:] for k in cell.states}
    want = systems.differentiate(name, dict(cell.options), arrays, shapes, lengths)
    for key, value in want.items():
        what, kind, *rest = key.split(" ")
        got = run[kind] if what == "value" else of_array(grads, kind, *rest)
        assert got.shape == value.shape, key
        scale = np.max(np.abs(value), initial=0.0)
        assert np.max(np.abs(got - value), initial=0.0) <= 1e-11 * max(scale, 1e-3), key


# 3. Reductions


def close(a, b, tolerance=1e-13):
    np.testing.assert_allclose(a, b, rtol=0, atol=tolerance)


def test_attention_to_one_annotation_is_a_plain_decoder():
    cell, p, more = made("additive_attention", {}, L=1)
    run = lc.unroll(cell, p, **more)
    a, y = more["inputs"]["a"][:, 0], more["inputs"]["y"]
    close(run["alpha"], 1.0)
    close(run["c"], np.broadcast_to(a, run["c"].shape))
    q = {f"W_{k}": np.concatenate([p[f"W_{k}"], p[f"C_{k}"]]) for k in "zrg"}
    q |= {f"{s}_{k}": p[f"{s}_{k}"] for k in "zrg" for s in "Ub"}
    both = np.concatenate([y, np.broadcast_to(a, (*y.shape[:2], 4))], -1)
    close(
        run["h"], lc.unroll(lc.cells.gru, q, both, state={"h": np.tanh(a @ p["W_init"] + p["b_init"])})["h"]
    )


def test_attention_without_weights_of_the_score_is_uniform():
    cell, p, more = made("additive_attention", {}, L=4)
    n = more["inputs"]["n"] = np.array([[4.0], [2.0]])
    p["v_a"][:] = 0
    run = lc.unroll(cell, p, **more)
    close(run["alpha"], np.broadcast_to((np.arange(4) < n) / n, run["alpha"].shape))
    cell, p, more = made("attend_and_tell", {}, L=4)
    p["v"][:] = 0
    run = lc.unroll(cell, p, **more)
    close(run["alpha"], 0.25)
    close(run["z"], run["beta"] * more["inputs"]["a"].mean(1))


def test_what_lies_past_the_last_annotation_does_not_matter():
    cell, p, more = made("additive_attention", {}, L=4)
    more["inputs"]["n"] = np.array([[1.0], [3.0]])
    a = lc.unroll(cell, p, **more)
    grads = a.backward({"h": np.ones_like(a["h"])})
    past = np.arange(4)[:, None] >= more["inputs"]["n"][:, None]
    assert not np.any(grads["a"] * past) and np.all(np.any(grads["a"], -1) == ~past[..., 0])
    more["inputs"]["a"] = np.where(past, 1e3, more["inputs"]["a"])
    b = lc.unroll(cell, p, **more)
    assert np.array_equal(a["h"], b["h"]) and not np.any(a["alpha"][:, past[..., 0]])


def test_a_captioner_that_does_not_look_is_an_lstm():
    for options in ({}, {"attention": "hard"}):
        cell, p, more = made("attend_and_tell", options)
        p |= {k: 0 * v for k, v in p.items() if k[0] == "Z"}
        run = lc.unroll(cell, p, **more)
        mean = more["inputs"]["a"].mean(1)
        state = {k: np.tanh(mean @ p[f"W_init_{k}"] + p[f"b_init_{k}"]) for k in "hc"}
        q = {f"{s}_{k}": p[f"{s}_{k}"] for k in "fiog" for s in "WUb"}
        plain = lc.unroll(lc.cells.lstm, q, more["inputs"]["y"], state=state)
        close(run["h"], plain["h"])
        close(run["c"], plain["c"])


def test_of_one_annotation_hard_attention_is_soft_attention_without_its_gate():
    cell, p, more = made("attend_and_tell", {"attention": "hard"}, L=1)
    soft = lc.cells.attend_and_tell
    hard = lc.unroll(cell, p, **more)
    q = p | {"U_beta": np.zeros((4, 1)), "b_beta": np.full(1, 1e3)}
    more["inputs"] = {k: more["inputs"][k] for k in "ya"}
    close(hard["h"], lc.unroll(soft, q, **more)["h"])
    close(hard["log_p"], 0.0)
    close(hard["entropy"], 0.0)


def test_hard_attention_draws_by_its_distribution():
    cell, p, more = made("attend_and_tell", {"attention": "hard"}, T=1, B=2000, L=4)
    for name in "ya":
        more["inputs"][name] = np.broadcast_to(
            more["inputs"][name][..., :1, :, :], more["inputs"][name].shape
        )
    more["inputs"]["a"] = np.broadcast_to(more["inputs"]["a"][:1], more["inputs"]["a"].shape)
    more["inputs"]["u"] = ((np.arange(2000) + 0.5) / 2000).reshape(1, 2000, 1)
    run = lc.unroll(cell, p, **more)
    assert np.all(run["s"].sum(-1) == 1) and np.all(np.isin(run["s"], [0, 1]))
    close(run["s"].mean(1), run["alpha"][:, 0], 1e-3)
    close(run["log_p"], np.log((run["s"] * run["alpha"]).sum(-1)))
    more["inputs"]["u"] = np.full((1, 2000, 1), 1 - 2**-53)  # beyond what rounding may leave of the sum
    assert np.all(lc.unroll(cell, p, **more)["s"][..., -1] == 1)


def test_the_score_function_estimator_averages_to_the_gradient():
    """Over all 9 paths of 2 steps and 3 annotations, REINFORCE with a baseline is its gradient."""
    cell, p, more = made("attend_and_tell", {"attention": "hard"}, T=2, B=1, L=3)
    w, baseline = np.random.default_rng(5).standard_normal((2, 1, 4)), 0.3
    paths = list(itertools.product(range(3), repeat=2))

    def runs(p):
        """Each path, by its u: whatever the distribution is, the middle of the place's interval."""
        for path in paths:
            u = np.full((2, 1, 1), 0.5)
            for t, place in enumerate(path):
                alpha = lc.unroll(cell, p, **more | {"inputs": more["inputs"] | {"u": u}})["alpha"][t, 0]
                upto = np.cumsum(alpha)
                u[t] = upto[place] - alpha[place] / 2
            run = lc.unroll(cell, p, **more | {"inputs": more["inputs"] | {"u": u}})
            assert tuple(run["s"][:, 0].argmax(-1)) == path
            yield run

    def expected(p):
        return sum(np.exp(run["log_p"].sum()) * np.sum(run["h"] * w) for run in runs(p))

    total = {k: np.zeros_like(v) for k, v in p.items()}
    for run in runs(p):
        loss, share = np.sum(run["h"] * w), np.exp(run["log_p"].sum())
        grads = run.backward({"h": w, "log_p": np.full((2, 1), loss - baseline)})
        for k in total:
            total[k] += share * grads[k]
    for k in ("v", "W_a", "U_a", "W_init_h", "Z_f", "b_o"):
        way = np.random.default_rng(6).standard_normal(p[k].shape)
        ends = [expected(p | {k: p[k] + sign * 1e-5 * way}) for sign in (1, -1)]
        assert abs((ends[0] - ends[1]) / 2e-5 - np.sum(total[k] * way)) < 1e-8, k
    assert np.any(total["v"])


def test_a_tied_grid_over_depth_is_an_lstm_without_input():
    cell, p, more = made("grid", {"dims": 1, "layers": 5, "tied": True, "output": "o * tanh(m)"}, T=1)
    x = more["inputs"]["x"]
    q = {f"U_{k}": p[f"0.depth.W_{k}"] for k in "fiog"} | {f"b_{k}": p[f"0.depth.b_{k}"] for k in "fiog"}
    q |= {f"W_{k}": np.zeros((0, 4)) for k in "fiog"}
    state = {"h": x[0] @ p["W_h"] + p["b_h"], "c": x[0] @ p["W_m"] + p["b_m"]}
    deep = lc.unroll(lc.cells.lstm, q, np.zeros((5, 2, 0)), state=state)
    close(lc.unroll(cell, p, **more)["h"][0], deep["h"][-1])
    printed = cell.with_options(output="tanh(o * m)")
    assert np.max(np.abs(lc.unroll(printed, p, **more)["h"][0] - deep["h"][-1])) > 1e-3


def test_tied_layers_are_layers_with_equal_weights():
    cell, p, more = made("grid", {"layers": 3, "tied": True})
    apart_ = cell.with_options(tied=False)
    q = {name: p[f"0{name[1:]}" if name[0].isdigit() else name] for name in apart_.parameter_shapes(3, 4)}
    a, b = (lc.unroll(c, r, **more) for c, r in ((cell, p), (apart_, q)))
    close(a["h"], b["h"])
    g = np.random.default_rng(1).standard_normal(a["h"].shape)
    one, three = a.backward({"h": g}), b.backward({"h": g})
    for name in p:
        rest = [f"{k}{name[1:]}" for k in range(3)] if name[0].isdigit() else [name]
        close(one[name], sum(three[k] for k in rest))


def test_a_grid_whose_depth_hands_on_is_a_stack_of_lstms():
    options = {"depth": "linear", "priority": "depth", "output": "o * tanh(m)", "layers": 3}
    cell, p, more = made("grid", options, D=4)
    p |= {"W_h": np.eye(4), "b_h": np.zeros(4)}
    stack, q = lc.stack([lc.cells.lstm] * 3), {}
    for k in range(3):
        p |= {f"{k}.W_depth": np.concatenate([np.eye(4), np.zeros((4, 4))]), f"{k}.b_depth": np.zeros(4)}
        for g in "fiog":
            q |= {f"{k}.U_{g}": p[f"{k}.time.W_{g}"][:4], f"{k}.W_{g}": p[f"{k}.time.W_{g}"][4:]}
            q |= {f"{k}.b_{g}": p[f"{k}.time.b_{g}"]}
    a, b = lc.unroll(cell, p, **more), lc.unroll(stack, q, more["inputs"]["x"])
    close(a["h"], b["h"])
    for k in range(3):
        close(a.final[f"{k}.m_time"], b.final[f"{k}.c"])


@pytest.mark.parametrize("priority", ["", "depth", "right"])
def test_the_diagonals_of_a_lattice_are_a_double_loop(priority):
    """Rows within columns, with h and m from the left and from above, for both orders of the loops."""
    cell, p, _ = made("grid", {"dims": 3, "priority": priority, "layers": 2})
    rng = np.random.default_rng(4)
    image = rng.standard_normal((4, 2, 3, 3))  # rows, batch, columns, D
    run = lc.unroll(cell, p, skewed(image))
    got, zero, done = straightened(run["h"]), np.zeros((2, 4)), {}

    def sigma(a):
        return 1 / (1 + np.exp(-a))

    for i in range(4):
        for j in range(3):
            h_in, m_in = (image[i, :, j] @ p[f"W_{s}"] + p[f"b_{s}"] for s in "hm")
            for k in range(2):
                up, left = done.get((k, i - 1, j), {}), done.get((k, i, j - 1), {})
                h = {"down": up.get("h_down", zero), "right": left.get("h_right", zero), "depth": h_in}
                m = {"down": up.get("m_down", zero), "right": left.get("m_right", zero), "depth": m_in}
                new = {}
                for d in sorted(h, key=lambda d: d == priority):
                    every = [new[f"h_{e}"] if d == priority and e != d else h[e] for e in h]
                    H = np.concatenate(every, -1)
                    a = {g: H @ p[f"{k}.{d}.W_{g}"] + p[f"{k}.{d}.b_{g}"] for g in "ifog"}
                    new[f"m_{d}"] = sigma(a["f"]) * m[d] + sigma(a["i"]) * np.tanh(a["g"])
                    new[f"h_{d}"] = np.tanh(sigma(a["o"]) * new[f"m_{d}"])
                done[k, i, j] = new
                h_in, m_in = new["h_depth"], new["m_depth"]
            close(got[i, :, j], h_in)


def test_skewing_is_undone_and_its_gradient_is_the_other_way_round():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((4, 2, 3, 5)), rng.standard_normal((6, 2, 3, 5))
    assert np.array_equal(straightened(skewed(a)), a)
    assert np.sum(skewed(a) * b) == pytest.approx(np.sum(a * straightened(b)), rel=1e-14)


def test_a_lattice_of_one_column_is_a_grid_of_one_dimension_less():
    """Nothing comes from the left, so its block of the weights does not matter."""
    cell, p, more = made("grid", {"dims": 3}, N=1)
    plain = lc.cells.grid
    keep = [*range(4), *range(8, 12)]  # of (down, right, depth) the first and the last
    q = {
        name: p[name.replace("time", "down")][keep] if ".W_" in name else p[name.replace("time", "down")]
        for name in plain.parameter_shapes(3, 4)
    }
    a, b = lc.unroll(cell, p, **more), lc.unroll(plain, q, more["inputs"]["x"][:, :, 0])
    close(a["h"][:, :, 0], b["h"])


def draw_like(name, options, **sizes):
    cell, p, more = made(name, options, **sizes)
    more["inputs"] = {
        k: 1 / (1 + np.exp(-v)) if k == "x" else v for k, v in more["inputs"].items()
    }  # a picture's probabilities
    return cell, p, more


def test_draw_in_one_step_is_a_variational_autoencoder():
    cell, p, more = draw_like("draw", {}, T=1)
    run = lc.unroll(cell, p, **more)
    x, e = more["inputs"]["x"].reshape(2, -1), more["inputs"]["e"][0]

    def sigma(a):
        return 1 / (1 + np.exp(-a))

    def first(scope, x, h):
        """An LSTM's first step from h and an empty cell."""
        a = {k: x @ p[f"{scope}.W_{k}"] + h @ p[f"{scope}.U_{k}"] + p[f"{scope}.b_{k}"] for k in "iog"}
        return sigma(a["o"]) * np.tanh(sigma(a["i"]) * np.tanh(a["g"]))

    missing = x - sigma(p["canvas_0"].reshape(-1))
    h_dec = np.broadcast_to(p["h_dec_0"], (2, 4))
    code = first("enc", np.concatenate([x, missing, h_dec], -1), np.broadcast_to(p["h_enc_0"], (2, 4)))
    mu, scale = code @ p["W_mu"] + p["b_mu"], np.exp(code @ p["W_sigma"] + p["b_sigma"])
    picture = first("dec", mu + scale * e, h_dec) @ p["W_w"] + p["b_w"]
    close(run["canvas"][0], p["canvas_0"] + picture.reshape(2, 4, 5))
    close(run["kl"][0], 0.5 * np.sum(mu**2 + scale**2 - 1 - 2 * np.log(scale), -1))


def test_draw_looks_at_everything_through_filters_as_narrow_as_pixels():
    """N = X = Y, centred, a distance of one pixel, no width: reading and writing are as without attention."""
    plain, p, more = draw_like("draw", {}, X=4, Y=4)
    looking = plain.with_options(attention=True, read=4, write=4)
    window = {f"{s}.W_window": np.zeros((4, 5)) for s in ("read", "write")}
    window |= {f"{s}.b_window": np.array([0, 0, -20.0, 0, 0]) for s in ("read", "write")}
    a, b = lc.unroll(plain, p, **more), lc.unroll(looking, p | window, **more)
    assert np.array_equal(b["read.F_x"], np.broadcast_to(np.eye(4), b["read.F_x"].shape))
    close(a["canvas"], b["canvas"])
    close(a["kl"], b["kl"])


def test_filters_are_centred_where_the_paper_says():
    """With g = 0 they are symmetrical, in a picture of any size; each sums to 1, also far outside of it."""
    cell, p, more = draw_like("draw", {"attention": True, "read": 4, "write": 3})
    p |= {"read.W_window": np.zeros((4, 5)), "read.b_window": np.array([0, 0, 0.3, -0.2, 0.1])}
    run = lc.unroll(cell, p, **more)
    for name in ("read.F_x", "read.F_y", "write.F_x", "write.F_y"):
        close(run[name].sum(-1), 1.0)
    close(run["read.F_x"], run["read.F_x"][..., ::-1, ::-1])
    close(run["read.F_y"], run["read.F_y"][..., ::-1, ::-1])
    close(run["read.mu_x"][0, 0], 3.0 + (np.arange(1, 5) - 2.5) * 4 / 3 * np.exp(-0.2))
    close(run["read.mu_y"][0, 0], 2.5 + (np.arange(1, 5) - 2.5) * 4 / 3 * np.exp(-0.2))
    p["read.b_window"][:3] = 50.0, -50.0, -9.0
    close(lc.unroll(cell, p, **more)["read.F_x"].sum(-1), 1.0)


@pytest.mark.parametrize("options", [{}, {"attention": True}], ids=str)
def test_what_draw_draws_of_a_code_it_draws_without_an_encoder(options):
    cell, p, more = draw_like("draw", options)
    run = lc.unroll(cell, p, **more)
    dreaming = lc.cells.draw_sample.with_options(**options)
    shape = {k: v.shape for k, v in dreaming.own(p).items()}
    assert shape == dreaming.parameter_shapes(None, 4, {"X": 5, "Y": 4, "Z": 2})
    close(lc.unroll(dreaming, dreaming.own(p), run["z"])["canvas"], run["canvas"])


def prior_as_posterior(p):
    """A VRNN's parameters, whose posterior does not look at x and is the prior."""
    q = p | {"W_enc": 0 * p["W_enc"], "U_enc": p["U_prior"], "b_enc": p["b_prior"]}
    return q | {f"{s}_{k}_z": p[f"{s}_{k}_0"] for s in "Wb" for k in ("mu", "sigma")}


@pytest.mark.parametrize("output", ["gaussian", "bernoulli"])
def test_a_vrnn_whose_posterior_is_its_prior(output):
    """has no divergence, and what it draws of the prior it finds again; without z, noise does not matter."""
    cell, p, more = made("vrnn", {"output": output})
    q = prior_as_posterior(p)
    drawing = lc.cells.vrnn_sample.with_options(output=output)
    e_x = np.random.default_rng(3).uniform(size=more["inputs"]["x"].shape)
    sample = lc.unroll(drawing, drawing.own(q), more["inputs"]["e"], e_x=e_x)
    again = lc.unroll(cell, q, sample["x"], e=more["inputs"]["e"])
    close(again["kl"], 0.0)
    close(again["h"], sample["h"])
    assert np.max(np.abs(lc.unroll(cell, p, **more)["kl"])) > 0.01
    q["W_phi_z"] = 0 * q["W_phi_z"]
    quiet = [lc.unroll(cell, q, more["inputs"]["x"], e=s * more["inputs"]["e"]) for s in (0.0, 3.0)]
    assert np.array_equal(quiet[0]["nll"], quiet[1]["nll"])


def test_a_storn_without_z_is_an_elman_network():
    cell, p, more = made("storn", {})
    p["Z_h"][:] = 0
    x = more["inputs"]["x"]
    before = np.concatenate([np.zeros_like(x[:1]), x[:-1]])
    plain = lc.unroll(lc.cells.rnn, {k: p[k] for k in ("W_h", "U_h", "b_h")}, before)
    run = lc.unroll(cell, p, **more)
    close(run["h"], plain["h"])
    mu = plain["h"] @ p["W_mu_x"] + p["b_mu_x"]
    sigma = np.log1p(np.exp(plain["h"] @ p["W_sigma_x"] + p["b_sigma_x"])) + 1e-4
    close(run["nll"], np.sum(0.5 * ((x - mu) / sigma) ** 2 + np.log(sigma * math.sqrt(2 * math.pi)), -1))


@pytest.mark.parametrize("output", ["gaussian", "bernoulli"])
def test_what_a_storn_draws_it_reads_with_the_same_states(output):
    cell, p, more = made("storn", {"output": output})
    p |= {"W_mu_z": np.zeros((4, 2)), "b_mu_z": np.zeros(2), "W_sigma_z": np.zeros((4, 2))}
    p["b_sigma_z"] = np.full(2, np.log(np.expm1(1 - 1e-4)))  # the posterior is standard normal
    drawing = lc.cells.storn_sample.with_options(output=output)
    e_x = np.random.default_rng(3).uniform(size=more["inputs"]["x"].shape)
    sample = lc.unroll(drawing, drawing.own(p), more["inputs"]["e"], e_x=e_x)
    run = lc.unroll(cell, p, sample["x"], e=more["inputs"]["e"])
    close(run["h"], sample["h"])
    close(run["kl"], 0.0)


def one_component(p, K):
    """Parameters of a mixture whose K components are one."""
    wide = [f"{s}_{k}_x" for s in "Wb" for k in ("mu", "sigma")]
    return p | {k: np.concatenate([p[k]] * K, -1) for k in wide}


def test_a_mixture_of_equal_gaussians_is_one():
    cell, p, more = made("density_rnn", {})
    mixed, q, _ = made("density_rnn", {"components": 3})
    q = one_component(q | p, 3)
    a, b = lc.unroll(cell, p, **more), lc.unroll(mixed, q, **more)
    close(a["nll"], b["nll"])
    close(a["h"], b["h"])


def test_the_density_of_a_mixture_has_the_integral_1():
    """Over x, by the trapezium rule: at the second step, given the first."""
    cell, p, more = made("density_rnn", {"components": 3}, T=2, B=2001, D=1)
    x = np.stack([np.full((2001, 1), 0.3), np.linspace(-40, 40, 2001)[:, None]])
    density = np.exp(-lc.unroll(cell, p, x)["nll"][1])
    assert np.trapezoid(density, x[1, :, 0]) == pytest.approx(1.0, abs=1e-6)


def test_a_mixture_draws_its_components_by_their_weights():
    cell, p, _ = made("density_rnn_sample", {"components": 3})
    u = ((np.arange(2000) + 0.5) / 2000).reshape(1, 2000, 1)
    run = lc.unroll(cell, p, inputs={"e_x": np.zeros((1, 2000, 3)), "u": u})
    w = np.exp(run["log_w"][0, 0]) / np.exp(run["log_w"][0, 0]).sum()
    close(run["chosen"][0, :, :, 0].mean(0), w, 1e-3)
    close(run["x"][0], run["mu"][0, 0].reshape(3, 3)[run["chosen"][0, :, :, 0].argmax(-1)])
    u = np.full((1, 2000, 1), 1 - 2**-53)  # beyond what rounding may leave of the sum
    assert np.all(
        lc.unroll(cell, p, inputs={"e_x": np.zeros((1, 2000, 3)), "u": u})["chosen"][..., -1, 0] == 1
    )


@pytest.mark.parametrize("options", [{}, {"components": 3}], ids=str)
def test_what_a_density_draws_it_reads_with_the_same_states(options):
    cell, p, more = made("density_rnn", options)
    drawing = lc.cells.density_rnn_sample.with_options(**options)
    rng = np.random.default_rng(3)
    sample = lc.unroll(
        drawing, drawing.own(p), inputs={"e_x": rng.standard_normal((4, 2, 3)), "u": rng.random((4, 2, 1))}
    )
    close(lc.unroll(cell, p, sample["x"])["h"], sample["h"])


@pytest.mark.parametrize("name", ["vrnn", "storn", "density_rnn"])
def test_losses_are_0_past_the_end(name):
    cell, p, more = made(name, {})
    whole, run = lc.unroll(cell, p, **more), lc.unroll(cell, p, lengths=np.array([4, 2]), **more)
    for loss in {"nll", "kl"} & set(cell.emits):
        assert not np.any(run[loss][2:, 1]) and np.any(whole[loss][2:, 1])
        assert np.array_equal(run[loss][:2], whole[loss][:2])


def test_causal_attention_does_not_see_what_comes_later():
    cell, p, more = made("self_attention", {}, T=5, L=5)
    a = lc.unroll(cell, p, **more)
    later = more["inputs"]["x"].copy()
    later[3:] += 1.0
    b = lc.unroll(cell, p, later, sizes={"L": 5})
    assert np.array_equal(a["h"][:3], b["h"][:3]) and np.all(a["h"][3:] != b["h"][3:])
    grads = a.backward({"h": np.eye(5)[2][:, None, None] * np.ones_like(a["h"])})
    assert not np.any(grads["x"][3:]) and np.all(grads["x"][:3] != 0)


@pytest.mark.parametrize("L", [3, 5, 7])
def test_step_by_step_and_at_once_are_one_attention(L):
    """With a memory for all steps; one that is smaller looks at the last L of them."""
    cell, p, more = made("self_attention", {}, T=5, L=L)
    x = more["inputs"]["x"]
    steps = lc.unroll(cell, p, **more)
    once = lc.unroll(lc.cells.self_attention_at_once, p, x.swapaxes(0, 1), steps=1)
    if L >= 5:
        close(steps["h"], once["h"][0].swapaxes(0, 1))
        close(steps["alpha"][..., :5], once["alpha"][0].swapaxes(0, 1))
        return
    q, k, v = (x @ p[f"W_{s}"] for s in "qkv")
    for t in range(5):
        seen = slice(max(0, t - L + 1), t + 1)
        weights = np.exp(np.einsum("bh,sbh->sb", q[t], k[seen]) / 2)
        close(steps["h"][t], np.einsum("sb,sbh->bh", weights / weights.sum(0), v[seen]))


def test_attention_at_once_does_not_see_an_order():
    cell, p, more = made("self_attention_at_once", {"causal": False}, T=1, L=5)
    x, order = more["inputs"]["x"], np.random.default_rng(0).permutation(5)
    a, b = lc.unroll(cell, p, **more), lc.unroll(cell, p, x[:, order], steps=1)
    close(a["h"][:, :, order], b["h"])
    one = lc.unroll(cell, p, x[:, :1], steps=1)
    close(one["h"][0], x[:, :1] @ p["W_v"])


# 4. Counts


def dense(rows, columns):
    return (rows + 1) * columns


def lstm(D, H):
    return 4 * dense(D + H, H)


def count_grid(s, dims, layers, tied, priority, depth, output):
    D, H = s["D"], s["H"]
    recurrent = 4 * dense(dims * H, H)
    last = recurrent if depth == "lstm" else dense(dims * H, H)
    border = dense(D, H) * (2 if depth == "lstm" else 1)
    return border + ((dims - 1) * recurrent + last) * (1 if tied else layers)


def count_draw(s, attention, read, write, encoder=True):
    H, Z, pixels = s["H"], s["Z"], s["X"] * s["Y"]
    seen, drawn_ = (2 * read**2, write**2) if attention else (2 * pixels, pixels)
    total = lstm(Z, H) + dense(H, drawn_) + attention * dense(H, 5) + pixels + H
    if encoder:
        total += lstm(seen + H, H) + 2 * dense(H, Z) + attention * dense(H, 5) + H
    return total


def count_vrnn(s, output, posterior=True):
    D, H, Z, F = (s[k] for k in "DHZF")
    total = dense(D, F) + dense(H, F) + 2 * dense(F, Z) + dense(Z, F) + dense(F + H, F) + lstm(2 * F, H)
    total += (dense(F, D)) * (2 if output == "gaussian" else 1)
    return total + posterior * (dense(F + H, F) + 2 * dense(F, Z))


def count_storn(s, output, posterior=True):
    D, H, Z = (s[k] for k in "DHZ")
    total = dense(H + D + Z, H) + dense(H, D) * (2 if output == "gaussian" else 1)
    return total + posterior * (dense(D + H, H) + 2 * dense(H, Z))


def count_density(s, components):
    D, H, F = (s[k] for k in "DHF")
    mixture = dense(F, components) if components > 1 else 0
    return dense(H, F) + 2 * dense(F, components * D) + mixture + dense(D, F) + lstm(F, H)


COUNTS = {
    "additive_attention": lambda s: (
        s["K"] * (s["H"] + s["A"] + 1) + 3 * dense(s["D"] + s["H"] + s["A"], s["H"]) + dense(s["A"], s["H"])
    ),
    "attend_and_tell": lambda s, attention: (
        dense(s["A"] + s["H"], s["K"]) + s["K"] + (attention == "soft") * dense(s["H"], 1)
        + 4 * dense(s["D"] + s["H"] + s["A"], s["H"]) + 2 * dense(s["A"], s["H"])
    ),
    "self_attention": lambda s: 3 * s["D"] * s["H"],
    "self_attention_at_once": lambda s, causal: 3 * s["D"] * s["H"],
    "grid": count_grid,
    "draw": count_draw,
    "draw_sample": lambda s, attention, write: count_draw(s, attention, 0, write, encoder=False),
    "vrnn": count_vrnn,
    "vrnn_sample": partial(count_vrnn, posterior=False),
    "storn": count_storn,
    "storn_sample": partial(count_storn, posterior=False),
    "density_rnn": count_density,
    "density_rnn_sample": count_density,
}  # fmt: skip


@EACH
def test_parameters_are_as_many_as_the_formula_says(name, options):
    cell = lc.cells.get(name).with_options(**options) if options else lc.cells.get(name)
    for D, H, F in [(3, 8, 2), (1, 1, 1), (7, 5, 4)]:
        sizes = {"D": D, "H": H, "F": F}
        p = cell.init(rng=0, **sizes_of(cell, **sizes))
        assert sum(v.size for v in p.values()) == cell.parameter_count(**sizes_of(cell, **sizes))
        assert sum(v.size for v in p.values()) == COUNTS[name](SIZES | sizes, **cell.options)


# 5. Properties


@settings(deadline=None, derandomize=True, max_examples=3)
@given(
    seed=st.integers(0, 2**32 - 1), T=st.integers(0, 5), cut=st.integers(0, 5), B=st.integers(1, 3),
    H=st.integers(1, 4), L=st.integers(1, 4), scale=st.sampled_from([0.1, 1.0, 4.0]),
)  # fmt: skip
@EACH
def test_a_run_is_a_loop_of_steps(name, options, seed, T, cut, B, H, L, scale):
    cell, p, more = made(name, options, given=True, seed=seed, T=T, B=B, H=H, L=L, X=3, Y=2, N=2)
    p = {k: scale / 0.4 * v for k, v in p.items()}
    run = lc.unroll(cell, p, **more)
    cut = min(cut, T)
    timed = {i.name for i in cell.inputs if i.kind in ("sequence", "noise")}
    if timed and cell.states:
        parts, state = [], more["state"]
        for part in (slice(0, cut), slice(cut, T)):
            inputs = {k: v[part] if k in timed else v for k, v in more["inputs"].items()}
            parts.append(lc.unroll(cell, p, **more | {"inputs": inputs, "state": state}))
            state = parts[-1].final
        for k in [*cell.states, *cell.emits]:
            close(
                np.concatenate([r[k] for r in parts]), run[k], 1e-12 * max(1, np.abs(run[k]).max(initial=0))
            )
    loop = lc.unroll(cell, p, backend="reference", **more)
    for k in [*cell.states, *cell.emits]:
        close(loop[k], run[k], 1e-12 * max(1, np.abs(run[k]).max(initial=0)))
    for k in {"alpha", "s"} & set(cell.emits):
        close(run[k].sum(-1), 1.0, 1e-12)
        assert np.all(run[k] >= 0)
    if "kl" in cell.emits:
        assert np.all(run["kl"] >= -1e-12)
    if "entropy" in cell.emits:
        assert np.all((run["entropy"] >= -1e-12) & (run["entropy"] <= math.log(L) + 1e-12))
        assert np.all(run["log_p"] <= 1e-12)
    if (
        name in ("grid", "storn", "storn_sample", "attend_and_tell")
        and options.get("depth", "lstm") == "lstm"
    ):
        assert T == 0 or np.all(np.abs(run["h"]) <= 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", ["additive_attention", "attend_and_tell", "self_attention", "grid"])
def test_values_and_gradients_are_defined_far_out(name, dtype):
    """For nets of thousands; the others hand on squares and exponentials, which have no bound."""
    cell, p, more = made(name, {}, dtype=dtype, T=6)
    for scale in (1.0, 30.0, 1e2, 1e4):
        run = lc.unroll(cell, {k: dtype(scale) * v for k, v in p.items()}, **more)
        grads = run.backward({"h": np.ones_like(run["h"])})
        assert all(np.all(np.isfinite(a)) for a in (run["h"], *grads.values()))


# Options are checked

BAD = [
    ("attend_and_tell", {"attention": "firm"}, r"attention='firm'.*'soft', 'hard'"),
    ("self_attention_at_once", {"causal": 1}, r"causal=1.*True or False"),
    ("grid", {"dims": 0}, r"dims=0.*1 to 4"),
    ("grid", {"dims": 2.0}, r"dims=2.0.*1 to 4"),
    ("grid", {"layers": 0}, r"layers=0.*from 1"),
    ("grid", {"tied": "yes"}, r"tied='yes'.*True or False"),
    ("grid", {"priority": "down"}, r"priority='down'.*'', 'time', 'depth'"),
    ("grid", {"depth": "gru"}, r"depth='gru'.*'lstm', 'linear', 'tanh', 'relu'"),
    ("grid", {"output": "tanh"}, r"output='tanh'.*'tanh\(o \* m\)', 'o \* tanh\(m\)'"),
    ("draw", {"attention": "yes"}, r"attention='yes'.*True or False"),
    ("draw", {"attention": True, "read": 0}, r"read=0.*from 1"),
    ("draw", {"attention": True, "write": 2.0}, r"write=2.0.*from 1"),
    ("draw_sample", {"write": True}, r"write=True.*from 1"),
    ("vrnn", {"output": "mixture"}, r"output='mixture'.*'gaussian', 'bernoulli'"),
    ("storn_sample", {"output": ""}, r"output=''.*'gaussian', 'bernoulli'"),
    ("density_rnn", {"components": 0}, r"components=0.*from 1"),
]


@pytest.mark.parametrize("name, options, message", BAD, ids=str)
def test_options_that_are_not_there_are_refused(name, options, message):
    with pytest.raises((ValueError, TypeError), match=message):
        lc.cells.get(name).with_options(**options)


def test_each_system_is_proved():
    assert set(COUNTS) == set(systems.SYSTEMS) and all(name in lc.cells.names() for name in COUNTS)
