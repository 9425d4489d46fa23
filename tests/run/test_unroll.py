"""Through time: chunks, lengths, edges, composites, storage; the loop is what copies of the cell give."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import gc
import inspect
import threading
import tracemalloc

import numpy as np
import pytest
from checking import check_gradients, random_params
from hypothesis import settings

import lstmcourse as lc
from lstmcourse.programs.pool import POOL, Pool

QUICK = settings(max_examples=25, deadline=None, derandomize=True)
NAMES = ["rnn", "lstm", "lstm_1997", "rnn_relu"]


def setting(cell, T=5, B=3, D=2, H=4, seed=0, dtype=np.float64):
    """Random parameters, input, states, and gradients for every state at every step and at the end."""
    rng = np.random.default_rng(seed)
    params = {k: v.astype(dtype) for k, v in random_params(cell, rng, input_size=D, hidden_size=H).items()}
    x = rng.standard_normal((T, B, D)).astype(dtype)
    width = {s.name: s.prev.shape[-1].value({"D": D, "H": H}) for s in cell.graph.states}
    state = {k: rng.standard_normal((B, n)).astype(dtype) for k, n in width.items()}
    g = {k: rng.standard_normal((T, B, n)).astype(dtype) for k, n in width.items()}
    end = {k: rng.standard_normal((B, n)).astype(dtype) for k, n in width.items()}
    return params, x, state, g, end


def same(a, b, atol=1e-13):
    assert set(a) == set(b)
    for k in a:
        assert a[k].dtype == b[k].dtype
        np.testing.assert_allclose(a[k], b[k], rtol=0, atol=atol, err_msg=k)


# C07: an unrolled network is copies of the cell, each handing its state to the next


@pytest.mark.parametrize("name", NAMES)
def test_the_loop_is_copies_of_the_cell(name):
    """A network without any loop: T copies with weights of their own stand side by side."""
    child, T = lc.cells.get(name), 4

    def copies(x=None, **leaves):
        states, emitted = [leaves[f"s_{s}"] for s in child.states], []
        for t in range(T):
            after = [child(leaves[f"at_{t}"], *states, scope=f"copy{t}")]
            states = list(after[0]) if isinstance(after[0], tuple) else after
            emitted += states
        return tuple(emitted)

    kinds = (
        {"x": None}
        | {f"at_{t}": lc.static("D") for t in range(T)}
        | {f"s_{s}": lc.static("H") for s in child.states}
    )
    copies.__signature__ = inspect.Signature(
        [inspect.Parameter(k, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=v) for k, v in kinds.items()]
    )
    network = lc.cell(copies)
    params, x, state, g, _ = setting(child, T=T)
    given_ = {f"at_{t}": x[t] for t in range(T)} | {f"s_{s}": v for s, v in state.items()}
    apart = lc.unroll(
        network, {f"copy{t}.{k}": v for t in range(T) for k, v in params.items()}, inputs=given_, steps=1
    )
    outputs = [(t, s) for t in range(T) for s in child.states]
    loop = lc.unroll(child, params, x, state=state)
    for (t, s), name_ in zip(outputs, network.emits, strict=True):
        np.testing.assert_allclose(apart[name_][0], loop[s][t], atol=1e-14)
    one = apart.backward({n: g[s][t][None] for (t, s), n in zip(outputs, network.emits, strict=True)})
    all_ = loop.backward(g)
    for k in params:
        each = [one[f"copy{t}.{k}"] for t in range(T)]
        np.testing.assert_allclose(sum(each), all_[k], atol=1e-13)
        assert np.max(np.abs(each[0] - each[1])) > 1e-6, "each copy has a part of its own in the sum"
    np.testing.assert_allclose(np.stack([one[f"at_{t}"] for t in range(T)]), all_["x"], atol=1e-13)
    for s in child.states:
        np.testing.assert_allclose(one[f"s_{s}"], all_[f"{s}0"], atol=1e-13)


# Chunks of a sequence


@pytest.mark.parametrize("name", NAMES)
def test_two_chunks_with_the_state_handed_on_are_one_run(name):
    cell = lc.cells.get(name)
    params, x, state, g, end = setting(cell)
    whole = lc.unroll(cell, params, x, state=state)
    first = lc.unroll(cell, params, x[:2], state=state)
    second = lc.unroll(cell, params, x[2:], state=first.final)
    for k in cell.names:
        np.testing.assert_allclose(np.concatenate([first[k], second[k]]), whole[k], atol=1e-14)
    same(second.final, whole.final, 1e-14)
    expected = whole.backward(g, end)
    late = second.backward({k: v[2:] for k, v in g.items()}, end)
    early = first.backward({k: v[:2] for k, v in g.items()}, {k: late[f"{k}0"] for k in cell.states})
    same({k: early[k] + late[k] for k in params}, expected.params)
    same(early.states, expected.states)
    np.testing.assert_allclose(np.concatenate([early["x"], late["x"]]), expected["x"], atol=1e-13)


def test_truncation_lets_no_gradient_cross():
    cell = lc.cells.rnn
    params, x, state, g, _ = setting(cell)
    first = lc.unroll(cell, params, x[:3], state=state)
    alone = first.backward({"h": g["h"][:3]})
    second = lc.unroll(cell, params, x[3:], state=first.final)
    second.backward({"h": g["h"][3:]})
    same(dict(first.backward({"h": g["h"][:3]})), dict(alone), 0)


def test_final_can_be_kept_and_changed():
    """The last states are copies: a caller may write into them."""
    params, x, state, g, _ = setting(lc.cells.lstm)
    run = lc.unroll(lc.cells.lstm, params, x, state=state)
    before = run["h"].copy()
    run.final["h"][...] = 99.0
    assert np.array_equal(run["h"], before) and np.all(run.final["h"] != 99)


# Lengths


@pytest.mark.parametrize("make", [
    lambda: lc.cells.lstm, lambda: lc.stack([lc.cells.lstm, lc.cells.rnn]),
    lambda: lc.bidirectional(lc.cells.lstm),
    lambda: lc.stack([lc.bidirectional(lc.cells.rnn), lc.cells.lstm]),
], ids=["lstm", "stack", "bidirectional", "both"])  # fmt: skip
@pytest.mark.parametrize("padding", [0.0, np.nan, np.inf])
def test_padded_sequences_are_as_if_each_ran_alone(make, padding):
    cell = make()
    lengths = np.array([5, 0, 3, 1])
    params, x, state, g, end = setting(cell, B=4)
    x[np.arange(5)[:, None] >= lengths] = padding
    run = lc.unroll(cell, params, x, state=state, lengths=lengths)
    out = np.random.default_rng(1).standard_normal(run.output.shape)
    out[np.arange(5)[:, None] >= lengths] = 0.0
    grads = run.backward({cell.output: out} if cell.output not in cell.states else g, end)
    total = {k: np.zeros_like(v) for k, v in params.items()}
    for b, n in enumerate(lengths):
        one = lc.unroll(cell, params, x[:n, b : b + 1], state={k: v[b : b + 1] for k, v in state.items()})
        for k in cell.states:
            np.testing.assert_allclose(run.final[k][b], one.final[k][0], atol=1e-14)
        np.testing.assert_allclose(run.output[:n, b], one.output[:, 0], atol=1e-14)
        ends = {k: v[b : b + 1].copy() for k, v in end.items()}
        if cell.output in cell.states:
            given_ = {k: v[:n, b : b + 1] for k, v in g.items()}
            for k in cell.states:  # a gradient at a padded step is one for the last valid state
                ends[k] += g[k][n:, b : b + 1].sum(0)
        else:
            given_ = {cell.output: out[:n, b : b + 1]}
        alone = one.backward(given_, ends)
        np.testing.assert_allclose(grads["x"][:n, b], alone["x"][:, 0], atol=1e-13)
        for k in cell.states:
            np.testing.assert_allclose(grads[f"{k}0"][b], alone[f"{k}0"][0], atol=1e-13)
        for k in params:
            total[k] += alone[k]
    same(total, grads.params)


def test_padding_gets_exactly_no_gradient_and_keeps_the_state():
    params, x, state, g, end = setting(lc.cells.lstm)
    lengths = np.array([2, 0, 5])
    x[2:, 0], x[:, 1] = np.nan, np.nan
    run = lc.unroll(lc.cells.lstm, params, x, state=state, lengths=lengths)
    grads = run.backward(g, end)
    assert np.all(grads["x"][2:, 0] == 0) and np.all(grads["x"][:, 1] == 0) and np.all(grads["x"][:, 2] != 0)
    for k in "hc":
        assert np.all(run[k][2:, 0] == run[k][1, 0]) and np.all(run[k][:, 1] == state[k][1])
        np.testing.assert_allclose(grads[f"{k}0"][1], g[k][:, 1].sum(0) + end[k][1], atol=1e-14)
    assert all(np.all(np.isfinite(v)) for v in grads.values())
    assert np.all(run["f"][2:, 0] == 0), "equations that are not states read as 0 in padding"


def test_the_top_of_a_stack_carries_its_state_past_the_end():
    params, x, _, g, _ = setting(lc.cells.rnn)
    lengths = np.array([2, 0, 5])
    alone = lc.unroll(lc.cells.rnn, params, x, lengths=lengths)
    layers = lc.unroll(lc.stack([lc.cells.rnn]), {f"0.{k}": p for k, p in params.items()}, x, lengths=lengths)
    assert np.array_equal(layers["h"], alone["h"])
    up, down = layers.backward({"h": g["h"]}), alone.backward({"h": g["h"]})
    np.testing.assert_allclose(up["0.W_h"], down["W_h"], atol=1e-14)


def test_padding_is_not_computed_on():
    """What would be 0 / 0 for an input of zeros is never reached."""

    @lc.cell
    def normed(x, h):
        u = lc.affine("u", W=x, bias=False)
        h = 0.5 * h + u / lc.sqrt(lc.expand(lc.sum(lc.square(u))))
        return h

    params, x, _, g, _ = setting(normed)
    x[2:, 0], x[:, 1] = np.nan, np.nan
    grads = lc.unroll(normed, params, x, lengths=[2, 0, 5]).backward({"h": g["h"]})
    assert np.all(np.isfinite(grads["W_u"])) and np.all(grads["x"][2:, 0] == 0)


def exploding(x, h):
    h = lc.exp(h) + x @ lc.param("W", "D", "H")
    return h


def logarithmic(x, h):
    y = h / lc.log(x @ lc.param("W", "D", "H"))
    return h + lc.log(x) @ lc.param("V", "D", "H"), y


def deep(x, h):
    """A hidden layer that overflows meets a weight of its own: both sides of an outer product."""
    u = lc.exp(lc.exp(h) + x @ lc.param("W", "D", "H"))
    h = lc.exp(u @ lc.param("V", "H", "H") + 1.0)
    return h, u


def clocked(x, h, t=lc.clock):
    h = lc.exp(200.0 * t * x) * lc.param("p", "H") + lc.exp(x @ lc.param("W", "D", "H")) / (3.0 - t) + h
    return h


def chosen(x, h):
    """The author's own opposite of a condition is not the end of a sequence."""
    m = x @ lc.param("W", "D", "H") > 100.0
    h = lc.where(~m, lc.exp(h) * (x @ lc.param("V", "D", "H")), h)
    return h


def from_static(x, h=lc.state("H", init=lambda s: 1.0 / s), s=lc.static("H")):
    h = lc.exp(h) / s + x @ lc.param("W", "D", "H")
    return h


def learned(x, h=lc.state("H", init="learned"), m=lc.state("H", "D")):
    m = m + lc.exp(lc.expand(h)) * lc.expand(x, -2)
    h = lc.exp(h) + lc.sum(m) @ lc.param("W", "H", "H")
    return h, m


OVERFLOWING = {
    "exploding": lambda: lc.cell(exploding),
    "logarithmic": lambda: lc.cell(logarithmic),
    "deep": lambda: lc.cell(deep),
    "clock": lambda: lc.cell(clocked),
    "static": lambda: lc.cell(from_static),
    "chosen": lambda: lc.cell(chosen),
    "learned": lambda: lc.cell(learned),
    "stack": lambda: lc.stack([lc.cell(exploding), lc.cell(exploding)]),
    "bidirectional": lambda: lc.bidirectional(lc.cell(exploding)),
    "both": lambda: lc.stack([lc.bidirectional(lc.cell(exploding)), lc.cell(exploding)]),
}
WITHOUT_WARNINGS = {"exploding", "logarithmic", "deep", "stack"}  # their own first step is done past the end


@pytest.mark.parametrize("padding", [0.0, np.nan, 1e300])
@pytest.mark.parametrize("lengths", [[2, 0, 1], [0, 0, 0]], ids=str)
@pytest.mark.parametrize("name", OVERFLOWING)
def test_what_overflows_past_the_end_reaches_no_gradient(name, lengths, padding):
    """All valid steps are finite; going on from them would be infinite, and 0 times infinity NaN."""
    cell, rng, T, H = OVERFLOWING[name](), np.random.default_rng(0), 9, 2
    params = {k: rng.uniform(0.5, 1.0, s) for k, s in cell.parameter_shapes(2, H).items()}
    params = {k: -1.0 * v if k in ("V", "p") else v for k, v in params.items()}
    x = rng.uniform(0.1, 0.2, (T, 3, 2))
    x[np.arange(T)[:, None] >= np.array(lengths)] = padding
    statics = {i.name: rng.uniform(1.0, 2.0, (3, H)) for i in cell.inputs if i.kind == "static"}
    high = 2.0 if name in ("exploding", "stack", "bidirectional") else None  # 2, 7.6, 2000, infinity
    state = {k: np.full((3, H), high) for k in cell.states} if high else {}
    loud = {} if name in WITHOUT_WARNINGS and max(lengths) else {"all": "ignore"}
    with np.errstate(**loud):
        run = lc.unroll(cell, params, x, lengths=lengths, inputs=statics, state=state)
        valid = (np.arange(T)[:, None] < np.array(lengths))[..., None]
        outputs = [*cell.states, *cell.emits]
        given = {k: np.zeros_like(run[k]) for k in outputs}
        for g in given.values():
            g[...] = valid.reshape(T, 3, *[1] * (g.ndim - 2))
        grads = run.backward(given, {k: np.ones_like(v) for k, v in run.final.items() if k in cell.states})
    expected = {k: np.zeros_like(v) for k, v in params.items()}
    for b, n in enumerate(lengths):
        own = {k: v[b : b + 1] for k, v in statics.items()}
        start = {k: v[b : b + 1] for k, v in state.items()}
        one = lc.unroll(cell, params, x[:n, b : b + 1], inputs=own, state=start)
        ends = {k: np.ones_like(one.final[k]) for k in cell.states}
        alone = one.backward({k: np.ones_like(one[k]) for k in outputs}, ends)
        for k in params:
            expected[k] += alone[k]
        np.testing.assert_allclose(grads["x"][:n, b], alone["x"][:, 0], rtol=1e-12)
        assert np.all(grads["x"][n:, b] == 0)
        for k in statics:
            np.testing.assert_allclose(grads[k][b], alone[k][0], rtol=1e-12)
    assert all(np.all(np.isfinite(v)) for v in expected.values())
    for k in params:
        np.testing.assert_allclose(grads[k], expected[k], rtol=1e-12, err_msg=k)


def test_a_sequence_cut_at_its_length_has_the_same_gradients():
    p, x = {"W": np.ones((1, 1))}, np.zeros((6, 1, 1))
    cell = lc.cell(exploding)
    padded = lc.unroll(cell, p, x, lengths=[4]).backward({"h": np.ones((6, 1, 1))})
    cut = lc.unroll(cell, p, x[:4]).backward({"h": np.ones((4, 1, 1))}, {"h": np.full((1, 1), 2.0)})
    assert padded["W"] == cut["W"] == 0.0 and np.array_equal(padded["x"][:4], cut["x"])
    assert np.all(padded["x"][4:] == 0)


def test_a_gradient_at_a_padded_step_reaches_the_last_valid_state():
    params, x, _, _, _ = setting(lc.cells.rnn, B=1)
    late = np.zeros((5, 1, 4))
    late[4] = 1.0
    at_end = np.zeros((5, 1, 4))
    at_end[1] = 1.0
    run = lc.unroll(lc.cells.rnn, params, x, lengths=[2])
    same(dict(run.backward({"h": late})), dict(run.backward({"h": at_end})), 0)
    assert np.any(run.backward({"h": late})["W_h"] != 0)


def test_full_lengths_change_nothing():
    params, x, state, g, end = setting(lc.cells.lstm)
    full = lc.unroll(lc.cells.lstm, params, x, state=state, lengths=[5, 5, 5])
    plain = lc.unroll(lc.cells.lstm, params, x, state=state)
    assert all(np.array_equal(full[k], plain[k]) for k in lc.cells.lstm.names)
    same(dict(full.backward(g, end)), dict(plain.backward(g, end)), 1e-15)


# Edges


@pytest.mark.parametrize("lengths", [None, [0, 0, 0]])
@pytest.mark.parametrize(
    "make",
    [
        lambda: lc.cells.lstm,
        lambda: lc.stack([lc.cells.rnn, lc.cells.lstm]),
        lambda: lc.bidirectional(lc.cells.lstm),
    ],
)
def test_no_steps(make, lengths):
    """T = 0 gives (0, B, H), last states as the first, and no gradient but that of the last states."""
    cell = make()
    params, x, state, g, end = setting(cell, T=0)
    run = lc.unroll(cell, params, x, state=state, lengths=lengths)
    assert run.output.shape == (0, 3, cell.output_size(4)) and run.T == 0
    same(run.final, state, 0)
    grads = run.backward({cell.output: run.output}, end)
    assert all(np.all(v == 0) for v in grads.params.values()) and grads["x"].shape == (0, 3, 2)
    same(grads.states, {f"{k}0": v for k, v in end.items()}, 0)
    assert all(np.all(v == 0) for v in lc.unroll(cell, params, x).final.values())


def test_an_empty_batch_is_refused():
    params, x, _, _, _ = setting(lc.cells.lstm)
    with pytest.raises(ValueError, match="B = 0"):
        lc.unroll(lc.cells.lstm, params, x[:, :0])


def test_a_cell_without_input():
    @lc.cell
    def free(x=None, h=lc.state("H")):
        h = lc.tanh(lc.affine("h", h, x))
        return h

    p = random_params(free, np.random.default_rng(0), hidden_size=3)
    assert set(p) == {"U_h", "b_h"}
    assert lc.unroll(free, p, steps=4)["h"].shape == (4, 1, 3)
    assert lc.unroll(free, p, steps=4, batch_size=5)["h"].shape == (4, 5, 3)
    assert lc.unroll(free, p, steps=0)["h"].shape == (0, 1, 3)


def test_a_cell_without_states():
    @lc.cell
    def layer(x):
        y = lc.tanh(lc.affine("y", W=x, size="K"))
        return y

    assert layer.output == "y" and layer.states == ()
    p = random_params(layer, np.random.default_rng(0), input_size=2, sizes={"K": 3})
    assert set(lc.unroll(layer, p, np.ones((4, 2, 2))).backward({"y": np.ones((4, 2, 3))})) == {*p, "x"}


# The same again


def test_backward_twice_gives_the_same():
    for cell in (lc.cells.lstm, lc.stack([lc.cells.lstm, lc.cells.rnn]), lc.bidirectional(lc.cells.rnn)):
        params, x, state, _, end = setting(cell)
        run = lc.unroll(cell, params, x, state=state)
        out = np.random.default_rng(0).standard_normal(run.output.shape)
        values = {k: run[k].copy() for k in cell.names}
        first = {k: v.copy() for k, v in run.backward({cell.output: out}, end).items()}
        other = run.backward({cell.output: 2 * out})
        second = run.backward({cell.output: out}, end)
        assert all(np.array_equal(first[k], second[k]) for k in first)
        assert any(not np.array_equal(first[k], other[k]) for k in first)
        assert all(np.array_equal(run[k], values[k]) for k in cell.names), (
            "backward changes no value of the run"
        )


def test_gradients_are_linear_in_what_is_given():
    """Several outputs at once are the sum of each alone; none is zero."""
    cell = lc.cells.lstm
    params, x, state, g, end = setting(cell)
    run = lc.unroll(cell, params, x, state=state)
    parts = [run.backward({"h": g["h"]}), run.backward({"c": g["c"]}), run.backward(final=end)]
    same({k: sum(p[k] for p in parts) for k in parts[0]}, dict(run.backward(g, end)))
    none = run.backward()
    assert all(np.all(v == 0) for v in none.values()) and set(none) == set(parts[0])


def test_gradients_without_those_of_inputs():
    params, x, state, g, end = setting(lc.cells.lstm)
    run = lc.unroll(lc.cells.lstm, params, x, state=state)
    less, all_ = run.backward(g, end, inputs=False), run.backward(g, end)
    assert set(less) == set(all_) - {"x"} and less.inputs == {}
    same(less.params, all_.params, 0)


def test_the_three_parts_of_gradients():
    params, x, state, g, end = setting(lc.cells.lstm)
    grads = lc.unroll(lc.cells.lstm, params, x, state=state).backward(g, end)
    assert (
        list(grads.params) == list(params)
        and set(grads.inputs) == {"x"}
        and set(grads.states) == {"h0", "c0"}
    )
    assert len(grads) == len(params) + 3 and dict(grads) == grads.params | grads.inputs | grads.states


def test_a_run_in_float32_stays_in_float32():
    """Also through constants, the clock, lengths and rows of numbers."""

    @lc.cell
    def mixed(x, h, t=lc.clock):
        u = lc.affine("u", h, x) * 2 + 0.5
        h = lc.where(t % np.array([1.0, 2.0]) == 0, lc.tanh(u) / 3 + t, h)
        return h, lc.mean(h)

    p = mixed.init(3, 2, rng=0)
    run = lc.unroll(mixed, p, np.ones((4, 2, 3), np.float32), lengths=[4, 2])
    assert all(run[k].dtype == np.float32 for k in run)
    assert run.final["h"].dtype == np.float32
    grads = run.backward({"h": np.ones((4, 2, 2), np.float32)})
    assert all(v.dtype == np.float32 for v in grads.values())
    assert mixed.step(p, np.ones((2, 3), np.float32))["h"].dtype == np.float32


# Composites, against the parts composed by hand


def sub(params, prefix):
    return {k[len(prefix) + 1 :]: v for k, v in params.items() if k.startswith(prefix + ".")}


def test_stack_is_one_cell_on_the_output_of_another():
    bottom, top = lc.cells.lstm, lc.cells.rnn
    both = lc.stack([bottom, top])
    assert both.states == ("0.h", "0.c", "1.h") and both.output == "h"
    params, x, state, _, end = setting(both)
    run = lc.unroll(both, params, x, state=state)
    low = lc.unroll(bottom, sub(params, "0"), x, state=sub(state, "0"))
    high = lc.unroll(top, sub(params, "1"), low["h"], state=sub(state, "1"))
    np.testing.assert_allclose(run["h"], high["h"], atol=1e-14)
    for k in bottom.names:
        np.testing.assert_allclose(run[f"0.{k}"], low[k], atol=1e-14)
    assert np.array_equal(run["1.h"], run["h"]) and np.array_equal(run.output, run["h"])
    g = np.random.default_rng(2).standard_normal(high["h"].shape)
    grads = run.backward({"h": g}, end)
    up = high.backward({"h": g}, sub(end, "1"))
    down = low.backward({"h": up["x"]}, sub(end, "0"))
    same(sub(grads.params, "1"), up.params)
    same(sub(grads.params, "0"), down.params)
    np.testing.assert_allclose(grads["x"], down["x"], atol=1e-13)
    np.testing.assert_allclose(grads["0.c0"], down["c0"], atol=1e-13)


@pytest.mark.parametrize("lengths", [None, [5, 0, 2]], ids=["full", "lengths"])
def test_bidirectional_is_two_runs_one_of_them_reversed(lengths):
    child = lc.cells.lstm
    both = lc.bidirectional(child)
    assert both.states == ("fwd.h", "fwd.c", "bwd.h", "bwd.c") and both.output_size(4) == 8
    params, x, state, _, end = setting(both)
    run = lc.unroll(both, params, x, state=state, lengths=lengths)
    g = np.random.default_rng(2).standard_normal(run["h"].shape)
    if lengths is not None:
        g[np.arange(5)[:, None] >= np.array(lengths)] = 0.0
    grads = run.backward({"h": g}, end)
    total = {k: np.zeros_like(v) for k, v in params.items()}
    for b, n in enumerate([5, 5, 5] if lengths is None else lengths):
        one = np.s_[b : b + 1]
        there = lc.unroll(
            child, sub(params, "fwd"), x[:n, one], state={k: v[one] for k, v in sub(state, "fwd").items()}
        )
        back = lc.unroll(
            child,
            sub(params, "bwd"),
            x[:n, one][::-1],
            state={k: v[one] for k, v in sub(state, "bwd").items()},
        )
        expected = np.concatenate([there["h"], back["h"][::-1]], -1)
        np.testing.assert_allclose(run["h"][:n, b], expected[:, 0], atol=1e-14)
        past = np.concatenate([there.final["h"], state["bwd.h"][one]], -1)  # the last, and not begun
        np.testing.assert_allclose(run["h"][n:, b], np.repeat(past, 5 - n, axis=0), atol=1e-14)
        for k in ("h", "c"):
            np.testing.assert_allclose(run.final[f"bwd.{k}"][b], back.final[k][0], atol=1e-14)
        up = there.backward({"h": g[:n, one, :4]}, {k: v[one] for k, v in sub(end, "fwd").items()})
        down = back.backward({"h": g[:n, one, 4:][::-1]}, {k: v[one] for k, v in sub(end, "bwd").items()})
        np.testing.assert_allclose(grads["x"][:n, b], (up["x"] + down["x"][::-1])[:, 0], atol=1e-13)
        np.testing.assert_allclose(grads["bwd.c0"][b], down["c0"][0], atol=1e-13)
        for k in up.params:
            total[f"fwd.{k}"] += up[k]
            total[f"bwd.{k}"] += down[k]
    same(total, grads.params)


def test_dropout_between_layers_is_a_noise_input():
    deep = lc.stack([lc.cells.rnn, lc.cells.lstm], dropout=True)
    plain = lc.stack([lc.cells.rnn, lc.cells.lstm])
    params, x, _, _, _ = setting(plain)
    ones = np.ones((5, 3, 4))
    mask = np.random.default_rng(0).integers(0, 2, (5, 3, 4)) * 2.0
    expected = lc.unroll(plain, params, x)
    np.testing.assert_array_equal(lc.unroll(deep, params, x, inputs={"1.mask": ones})["h"], expected["h"])
    np.testing.assert_array_equal(lc.unroll(deep, params, x, inputs={"1.mask": mask})["0.h"], expected["0.h"])
    above = lc.unroll(lc.cells.lstm, sub(params, "1"), expected["0.h"] * mask)
    np.testing.assert_allclose(
        lc.unroll(deep, params, x, inputs={"1.mask": mask})["h"], above["h"], atol=1e-14
    )


# Variants of a cell


def test_override_holds_an_equation_and_keeps_the_parameters():
    params, x, state, g, end = setting(lc.cells.lstm)
    held = lc.cells.lstm.override(f=0.25)
    run = lc.unroll(held, params, x, state=state)
    assert np.all(run["f"] == 0.25) and run["f"].shape == (5, 3, 4)
    grads = run.backward(g, end)
    assert all(np.all(grads[f"{m}_f"] == 0) for m in "WUb") and np.any(grads["W_i"] != 0)
    assert np.any(lc.unroll(lc.cells.lstm, params, x)["f"] != 0.25), "the cell itself is as it was"
    both = lc.stack([lc.cells.lstm, lc.cells.lstm]).hold({"1.f": 1.0})
    p = both.init(2, 4, 0, np.float64)
    run = lc.unroll(both, p, x)
    assert np.all(run["1.f"] == 1) and np.any(run["0.f"] != 1)
    assert np.all(lc.unroll(held.override(i=0.0), params, x)["c"] == 0), "two held at once"


def test_options_choose_within_a_family():
    @lc.cell
    def family(x, h, squash="tanh", bias=True):
        a = lc.affine("h", h, x, bias=bias)
        h = {"tanh": lc.tanh, "relu": lc.relu}[squash](a)
        return h

    other = family.with_options(squash="relu", bias=False)
    assert set(family.init(2, 3)) == {"W_h", "U_h", "b_h"} and set(other.init(2, 3)) == {"W_h", "U_h"}
    params, x, _, _, _ = setting(other, D=2, H=3)
    run = lc.unroll(other, params, x)
    assert np.min(run["h"]) == 0
    twin = lc.unroll(lc.cells.rnn_relu, params | {"b_h": np.zeros(3)}, x)
    np.testing.assert_allclose(run["h"], twin["h"], atol=1e-14)
    assert family.options == {"squash": "tanh", "bias": True}


def test_initial_states_by_default_are_zero_and_some_may_be_given():
    params, x, state, _, _ = setting(lc.cells.lstm)
    zero = np.zeros((3, 4))
    none = lc.unroll(lc.cells.lstm, params, x)["h"]
    np.testing.assert_array_equal(
        none, lc.unroll(lc.cells.lstm, params, x, state={"h": zero, "c": zero})["h"]
    )
    some = lc.unroll(lc.cells.lstm, params, x, state={"c": state["c"]})["h"]
    np.testing.assert_array_equal(
        some, lc.unroll(lc.cells.lstm, params, x, state={"h": zero, "c": state["c"]})["h"]
    )
    assert np.any(some != none)


# Storage


def test_what_was_returned_is_never_overwritten():
    """Large enough for the pool, and in every order of letting go."""
    cell = lc.cells.lstm
    params, x, state, g, end = setting(cell, T=20, B=8, D=8, H=32)
    run = lc.unroll(cell, params, x, state=state)
    grads = run.backward(g, end)
    kept = (
        {k: run[k] for k in cell.names}
        | {f"d {k}": v for k, v in grads.items()}
        | {f"last {k}": v for k, v in run.final.items()}
    )
    before = {k: v.copy() for k, v in kept.items()}
    assert max(v.nbytes for v in kept.values()) > 16384

    def again(times=3):
        for k in range(times):
            other = setting(cell, T=20, B=8, D=8, H=32, seed=k + 1)
            lc.unroll(cell, other[0], other[1], state=other[2]).backward(other[3], other[4])

    again()
    assert all(np.array_equal(kept[k], before[k]) for k in kept)
    part = run["f"][3:5, 1]
    copy = part.copy()
    del run, grads, kept
    gc.collect()
    again()
    assert np.array_equal(part, copy), "a view keeps its storage"


def test_a_run_can_go_on_backwards_after_others():
    params, x, state, g, end = setting(lc.cells.lstm, T=20, B=8, D=8, H=32)
    expected = dict(lc.unroll(lc.cells.lstm, params, x, state=state).backward(g, end))
    expected = {k: v.copy() for k, v in expected.items()}
    run = lc.unroll(lc.cells.lstm, params, x, state=state)
    for k in range(3):
        lc.unroll(lc.cells.lstm, params, x + k)
    same(dict(run.backward(g, end)), expected, 0)


def test_nothing_that_is_given_is_written_to():
    params, x, state, g, end = setting(lc.cells.lstm)
    everything = {**params, "x": x} | {f"{k} 0": v for k, v in state.items()}
    everything |= {f"{k} g": v for k, v in g.items()} | {f"{k} end": v for k, v in end.items()}
    for v in everything.values():
        v.setflags(write=False)
    run = lc.unroll(lc.cells.lstm, params, x, state=state)
    run.backward(g, end)
    assert all(np.all(np.isfinite(v)) for v in everything.values())


def test_arrays_that_are_not_contiguous_are_read_right():
    params, x, state, g, end = setting(lc.cells.lstm)
    expected = lc.unroll(lc.cells.lstm, params, x, state=state)
    odd = {k: np.asfortranarray(v) for k, v in params.items()}
    wide = np.repeat(x, 2, axis=2)[..., ::2]
    run = lc.unroll(
        lc.cells.lstm, odd, np.asfortranarray(wide), state={k: v.T.copy().T for k, v in state.items()}
    )
    np.testing.assert_allclose(run["h"], expected["h"], atol=1e-14)
    turned = {k: np.ascontiguousarray(v.transpose(2, 1, 0)).transpose(2, 1, 0) for k, v in g.items()}
    same(dict(run.backward(turned, end)), dict(expected.backward(g, end)))


def test_pool_gives_blocks_back_and_keeps_to_its_limit():
    pool = Pool(limit=1_000_000)
    a = pool.empty((1000, 100), np.float32)
    assert a.shape == (1000, 100) and a.dtype == np.float32 and a.flags.writeable and pool.idle == 0
    address, view = a.ctypes.data, a[3:]
    del a
    gc.collect()
    assert pool.idle == 0, "a view holds it"
    del view
    gc.collect()
    assert pool.idle == 400_000
    b = pool.empty((500, 100), np.float64)
    assert b.ctypes.data == address and pool.idle == 0, "the same block serves another shape"
    many = [pool.empty((1000, 100), np.float32) for _ in range(4)]
    assert len({m.ctypes.data for m in many} | {address}) == 5
    del b, many
    gc.collect()
    assert pool.idle <= 1_000_000
    pool.clear()
    assert pool.idle == 0
    small = pool.empty((10, 100), np.float32)
    del small
    gc.collect()
    assert pool.idle == 0, "small arrays are fresh: that takes less time than a block"


def test_pool_frees_idle_memory_while_all_blocks_of_another_size_are_on_loan():
    pool = Pool(limit=1_000_000)
    first = pool.empty((200_000,), np.uint8)
    del first
    gc.collect()
    held = pool.empty((200_000,), np.uint8)  # the list of this size, the oldest, is empty now
    assert pool.idle == 0
    others = [pool.empty((600_000,), np.uint8) for _ in range(2)]
    del others
    gc.collect()
    assert pool.idle == 600_000 and held.size == 200_000


def peak(cell, T, L):
    """Most memory in use during one forward and backward pass, in bytes."""
    sizes = {"L": L, "A": 16, "N": 16}
    rng = np.random.default_rng(0)
    params = {
        k: v.astype(np.float32)
        for k, v in random_params(cell, rng, input_size=2, hidden_size=4, sizes=sizes).items()
    }
    x = np.ones((T, 4, 2), np.float32)
    a = np.ones((4, L, 16), np.float32)
    g = np.ones((T, 4, 4), np.float32)
    lc.unroll(cell, params, x[:1], a=a).backward({"h": g[:1]})  # programs are made at the first call
    gc.collect()
    POOL.clear()
    tracemalloc.start()
    lc.unroll(cell, params, x, a=a).backward({"h": g})
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    POOL.clear()
    return most


def test_large_values_are_not_stored_for_every_step():
    """Attention scores are (B, L, N) at a step: memory does not grow by that with T, either way."""

    @lc.cell
    def attend(x, h, a=lc.static("L", "A")):
        scored = lc.tanh(a @ lc.param("W_a", "A", "N") + lc.expand(lc.affine("q", U=h, size="N"), -2))
        alpha = lc.softmax(lc.sum(scored * lc.param("v", "N", init="glorot"), -1))
        h = lc.tanh(lc.affine("h", h, x, C=lc.sum(lc.expand(alpha) * a, -2)))
        return h

    for text in (attend.source(), attend.source(backward=True)):
        stored = [line for line in text.splitlines() if "empty(T, B, L, " in line]
        assert not stored, stored
    one_step = 4 * 200 * 16 * 4  # B * L * N in float32
    growth = (peak(attend, 40, 200) - peak(attend, 20, 200)) / 20
    assert growth < 0.5 * one_step, f"{growth:.0f} bytes a step, beside {one_step} for one (B, L, N)"
    np.testing.assert_array_less(0, growth)  # what is stored for each step: vectors


def test_a_matrix_state_is_stored_and_what_is_made_of_it_is_not():
    @lc.cell
    def memory(x, M=lc.state("H", "H")):
        k, v = lc.affine("k", W=x), lc.affine("v", W=x)
        change = lc.matmul(lc.expand(k), lc.expand(v, -2))
        M = 0.9 * M + lc.tanh(change)
        return M, lc.sum(M)

    text = memory.source()
    assert "M = empty(T + 1, B, H, H)" in text and "empty(T, B, H, H)" not in text
    assert "empty(T, B, H, H)" not in memory.compiled().backward((memory.emits[0],))[0].text


def test_values_that_were_not_stored_can_still_be_read():
    @lc.cell
    def attend(x, h, a=lc.static("L", "A")):
        scored = lc.tanh(lc.expand(lc.affine("q", U=h, size="A"), -2) + a)
        h = lc.tanh(lc.affine("h", h, x) + lc.expand(lc.mean(lc.sum(scored))))
        return h

    rng = np.random.default_rng(0)
    p = random_params(attend, rng, input_size=2, hidden_size=3, sizes={"L": 4, "A": 2})
    x, a = rng.standard_normal((5, 2, 2)), rng.standard_normal((2, 4, 2))
    run = lc.unroll(attend, p, x, a=a)
    assert "empty(T, B, L, A)" not in attend.source() and run["scored"].shape == (5, 2, 4, 2)
    plain = lc.unroll(attend, p, x, a=a, backend="reference")
    np.testing.assert_allclose(run["scored"], plain["scored"], atol=1e-14)


def test_a_run_without_gradients_stores_less():
    cell = lc.cells.lstm
    assert len(cell.compiled(gradients=False).forward.outputs) < len(cell.compiled().forward.outputs)
    params, x, state, _, _ = setting(cell)
    a, b = (lc.unroll(cell, params, x, state=state, grad=k) for k in (True, False))
    assert all(np.array_equal(a[k], b[k]) for k in cell.names)


def test_threads_may_run_at_once():
    params, x, state, g, end = setting(lc.cells.lstm, T=20, B=8, D=8, H=32)
    expected = dict(lc.unroll(lc.cells.lstm, params, x, state=state).backward(g, end))
    wrong = []

    def work():
        for _ in range(5):
            got = lc.unroll(lc.cells.lstm, params, x, state=state).backward(g, end)
            wrong.extend(k for k in expected if not np.array_equal(got[k], expected[k]))

    threads = [threading.Thread(target=work) for _ in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.parametrize("backend", lc.backends())
@pytest.mark.parametrize("lengths", [None, [4, 2]], ids=["full", "lengths"])
def test_equations_that_join_what_varies_with_what_does_not(lengths, backend):
    """Beside static values, the clock, a table: (T, B, ...) all the same, and a step agrees."""

    @lc.cell
    def mixed(x, h, s=lc.static("H", "L"), e=lc.noise("H", "L"), t=lc.clock):
        k = lc.table("k", lambda H: 1.0 + np.arange(H), "H")
        column = lc.expand(h, -1)
        left = lc.concat(column, s)
        right = lc.concat(s, column)
        above = lc.concat(lc.swap(s), lc.swap(column), axis=-2)
        chosen = lc.where(t % 2 == 0, column, s)
        before = lc.where(t % 2 == 0, e, s)
        grown = t * lc.param("V", "H", "L")
        product = lc.matmul(lc.swap(s), column)
        weights = lc.softmax(column + s, axis=-2)
        ticks = lc.concat(t, k)
        still = lc.concat(s, s)
        total = lc.sum(left) + lc.sum(right) + lc.sum(lc.swap(above)) + lc.sum(chosen + before + grown)
        rest = lc.sum(lc.sum(product)) + lc.sum(ticks)
        h = lc.tanh(lc.affine("h", total + lc.sum(weights) + lc.sum(still), x) + 0.1 * lc.expand(rest))
        return h

    rng, T, B, H, L = np.random.default_rng(0), 4, 2, 3, 2
    params = random_params(mixed, rng, input_size=2, hidden_size=H, sizes={"L": L})
    x, s, e = (rng.standard_normal(k) for k in ((T, B, 2), (B, H, L), (T, B, H, L)))
    run = lc.unroll(mixed, params, x, s=s, e=e, lengths=lengths, backend=backend)
    column = np.concatenate([np.zeros((1, B, H)), run["h"][:-1]])[..., None]
    every, ticks = np.broadcast_to(s, (T, B, H, L)), np.arange(T).reshape(T, 1, 1)
    weights = np.exp(column + s)
    expected = {
        "column": column,
        "left": np.concatenate([column, every], -1),
        "right": np.concatenate([every, column], -1),
        "above": np.concatenate([every, column], -1).swapaxes(-1, -2),
        "chosen": np.where(ticks[..., None] % 2 == 0, column, every),
        "before": np.where(ticks[..., None] % 2 == 0, e, every),
        "grown": np.broadcast_to(ticks[..., None] * params["V"], (T, B, H, L)),
        "product": np.einsum("bhl,tbhk->tblk", s, column),
        "weights": weights / weights.sum(-2, keepdims=True),
        "ticks": np.concatenate([np.broadcast_to(ticks, (T, B, 1)), np.ones((T, B, H)) * [1, 2, 3]], -1),
        "still": np.concatenate([every, every], -1),
    }
    valid = run._call.valid() if lengths is not None else np.ones((T, B), bool)
    for name, value in expected.items():
        value = np.where(valid.reshape(T, B, *[1] * (value.ndim - 2)), value, 0.0)
        assert run[name].shape == value.shape, name
        np.testing.assert_allclose(run[name], value, atol=1e-14, err_msg=name)
    if lengths is None:
        after = mixed.step(params, x[1], {"h": run["h"][0], "t": 1}, s=s, e=e[1])
        for name in expected:
            np.testing.assert_allclose(after[name], run[name][1], atol=1e-14, err_msg=name)
    if backend == "numpy":
        check_gradients(mixed, params, x, inputs={"s": s, "e": e}, lengths=lengths)
