"""Each pass does what its docstring says: the same before -> after pair, on a graph of its own."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import inspect

import numpy as np
import pytest
from checking import random_params

import lstmcourse as lc
from lstmcourse.engine.clock import ask_the_clock
from lstmcourse.engine.graph import Dim
from lstmcourse.programs import passes
from lstmcourse.programs.passes import schedule, start_from
from lstmcourse.run.recipe import lower, lower_backward


def text(node, top=True):
    """A node as nested calls, down to leaves and to named equations."""
    if node.op.name == "prev":
        return f"{node.name}_prev"
    if node.op.name == "const":
        return str(node.attrs["value"])
    if node.op.name == "valid":
        return "valid"
    if node.op.kind == "leaf":
        return node.name
    if node.name and not top:
        return node.name
    if node.op.name == "slice":
        return f"{text(node.args[0], False)}[{node.attrs['start']}:{node.attrs['stop']}]"
    return f"{node.op.name}({', '.join(text(a, False) for a in node.args)})"


def named(graph, name):
    return text(graph.names[name])


def ops(graph):
    return [n.op.name for n in graph.nodes if n.op.kind != "leaf"]


def gates(x, h):
    f = lc.sigmoid(lc.affine("f", h, x))
    i = lc.sigmoid(lc.affine("i", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    h = f * h + i * g
    return h


def graph_of(function):
    return lc.cell(function).graph


def test_divide_layers():
    def layer(x, h):
        f = lc.sigmoid(lc.affine("f", h, x))
        return f * h

    before = graph_of(layer)
    assert named(before, "f") == "sigmoid(affine(x, W_f, h_prev, U_f, b_f))"
    after = passes.divide_layers(before)
    # x W + b, which is known for all steps, first: so it leaves the loop
    assert named(after, "f") == "sigmoid(add(add(dot(x, W_f), b_f), dot(h_prev, U_f)))"
    where = {text(n): s.loop for s in schedule(after) for n in s.nodes}
    assert where["dot(x, W_f)"] is False and where["add(dot(x, W_f), b_f)"] is False
    assert where["dot(h_prev, U_f)"] is True


def test_divide_layers_multiplies_once_what_is_the_same_at_every_step():
    def reader(x, h, picture=lc.static("N"), e=lc.noise("Z")):
        row = lc.concat(lc.concat(picture, e), x, h)
        return lc.tanh(lc.affine("f", h, V=row)) * lc.sigmoid(lc.affine("g", W=lc.concat(x, h)))

    before = graph_of(reader)
    after = passes.divide_layers(before)
    assert {text(n) for n in after.nodes if n.op.name == "dot"} == {
        "dot(h_prev, U_f)",
        "dot(picture, V_f[0:N])",
        "dot(concat(e, x, h_prev), V_f[N:N + Z + D + H])",
        "dot(concat(x, h_prev), W_g)",  # nothing in it is the same at every step
    }
    where = {text(n): s.loop for s in schedule(after) for n in s.nodes}
    assert where["dot(picture, V_f[0:N])"] is False
    params, rng = lc.cell(reader).init(2, 3, sizes={"N": 4, "Z": 5}), np.random.default_rng(0)
    given = {"x": (6, 2, 2), "picture": (2, 4), "e": (6, 2, 5)}
    inputs = {k: rng.standard_normal(shape).astype(np.float32) for k, shape in given.items()}
    found = [
        lc.unroll(lc.cell(reader), params, inputs=inputs, backend=b) for b in ("reference", "numpy", "numba")
    ]
    for run in found[1:]:
        grads = run.backward({"h": np.ones_like(run["h"])})
        wanted = found[0].backward({"h": np.ones_like(run["h"])})
        np.testing.assert_allclose(run["h"], found[0]["h"], rtol=0, atol=1e-6)
        for name in params:
            np.testing.assert_allclose(grads.params[name], wanted.params[name], rtol=1e-5, atol=1e-5)


def test_layers_that_read_one_row_still_share_its_parts():
    def pair(x, h, picture=lc.static("N")):
        row = lc.concat(picture, h)
        return lc.sigmoid(lc.affine("f", W=x, U=row)) * lc.tanh(lc.affine("g", W=x, U=row))

    after = passes.merge_products(passes.divide_layers(graph_of(pair)))
    assert [n.op.name for n in after.nodes].count("dot") == 3, "of x, of the picture, of the state"


def test_merge_products():
    before = passes.divide_layers(graph_of(gates))
    assert ops(before).count("dot") == 6
    after = passes.merge_products(before)
    assert ops(after).count("dot") == 2
    products = {text(n) for n in after.nodes if n.op.name == "dot"}
    assert products == {"dot(x, concat(W_f, W_i, W_g))", "dot(h_prev, concat(U_f, U_i, U_g))"}
    parts = [n for n in after.nodes if n.op.name == "slice" and n.args[0].args[0].name == "h"]
    assert [(str(n.attrs["start"]), str(n.attrs["stop"])) for n in parts] == [
        ("0", "H"),
        ("H", "2 * H"),
        ("2 * H", "3 * H"),
    ]


def test_merge_products_puts_the_same_squashing_side_by_side():
    def mixed(x, h):
        a = lc.sigmoid(lc.affine("a", h, x))
        b = lc.tanh(lc.affine("b", h, x))
        c = lc.sigmoid(lc.affine("c", h, x))
        return a * b + c

    after = passes.merge_products(passes.divide_layers(graph_of(mixed)))
    assert "dot(h_prev, concat(U_a, U_c, U_b))" in {text(n) for n in after.nodes}


def test_merge_elementwise():
    def slices(x, h):
        z = lc.affine("z", h, x, size=Dim.of("H") * 3)
        a, b, c = lc.split(z, 3)
        f = lc.sigmoid(a)
        i = lc.sigmoid(b)
        h = f * i + lc.tanh(c)
        return h

    before = graph_of(slices)
    assert named(before, "f") == "sigmoid(a)" and ops(before).count("sigmoid") == 2
    after = passes.merge_elementwise(before)
    assert ops(after).count("sigmoid") == 1
    whole = next(n for n in after.nodes if n.op.name == "sigmoid")
    assert text(whole) == "sigmoid(z[0:2 * H])"
    for name, start, stop in [("f", "0", "H"), ("i", "H", "2 * H")]:
        part = after.names[name]
        assert (part.op.name, part.args[0], str(part.attrs["start"]), str(part.attrs["stop"])) == (
            "slice",
            whole,
            start,
            stop,
        )


def test_merge_elementwise_leaves_other_functions_and_distant_slices_alone():
    def apart(x, h):
        a, b, c = lc.split(lc.affine("z", h, x, size=Dim.of("H") * 3), 3)
        h = lc.sigmoid(a) + lc.tanh(b) + lc.sigmoid(c)
        return h

    assert ops(passes.merge_elementwise(graph_of(apart))).count("sigmoid") == 2


def test_all_gates_of_an_lstm_cell_take_one_sigmoid_and_one_product():
    after = lower(lc.cells.lstm.graph)
    inside = next(s for s in schedule(after) if s.loop)
    assert [n.op.name for n in inside.nodes if n.op.kind == "product"] == ["dot"]
    assert [n.op.name for n in inside.nodes].count("sigmoid") == 1
    assert [n.op.name for n in inside.nodes].count("tanh") == 2


def test_simplify():
    def repeated(x, h):
        y = lc.tanh(lc.affine("y", h, x))
        a = y * y
        b = y * y
        d = lc.sin(y)
        c = 1.0 * d
        h = a + b * c
        return h

    before = graph_of(repeated)
    after = passes.simplify(before)
    assert ops(before).count("mul") == 4 and ops(after).count("mul") == 2
    assert after.names["a"] is after.names["b"] and after.names["c"] is after.names["d"]
    assert named(after, "h") == "add(a, mul(a, d))"


@pytest.mark.parametrize("fold", [
    lambda y: 1.0 * y, lambda y: y * 1, lambda y: y / 1.0, lambda y: y + 0.0, lambda y: 0 + y,
    lambda y: y - 0, lambda y: -(-y), lambda y: lc.sum(lc.expand(y)),  # noqa: B002
])  # fmt: skip
def test_simplify_does_arithmetic_on_constants(fold):
    def trivial(x, h):
        y = lc.tanh(lc.affine("y", h, x))
        h = lc.sin(fold(y))
        return h

    assert named(passes.simplify(graph_of(trivial)), "h") == "sin(y)"


def test_ask_the_clock():
    def timed(x, h, t=lc.clock):  # noqa: B008
        rate = 1.0 / lc.table("T", lambda H: np.ones(H), "H")
        phase = lc.sin(t * rate)
        due = t % 4 == 0
        h = lc.where(due, lc.tanh(lc.affine("h", h, x, V=t)) * phase, h * rate)
        return h

    before = graph_of(timed)
    after = ask_the_clock(before)
    asked = {n.name: n.attrs["of"] for n in after.leaves("clock") if "of" in n.attrs and n.name}
    assert asked == {"phase": before.names["phase"], "due": before.names["due"]}
    assert not set(ops(after)) & {"sin", "mod", "equal"}
    assert ops(after).count("div") == 1 and named(after, "h").startswith("where(due, mul(tanh(affine(")
    assert named(after, "rate") == named(before, "rate")  # no clock in it
    assert ask_the_clock(graph_of(lc.cells.lstm.function)).leaves("clock") == []


def test_simplify_keeps_what_only_looks_alike():
    def alike(x, h, a=lc.static(1)):
        y = lc.tanh(lc.affine("y", h, x))
        p = 1.0 - y
        q = 0.0 - y
        r = lc.sum(lc.expand(y, -2), -1)
        s = lc.expand(a * 1.0, -1)
        u = 2.0 / y
        v = y / 2.0
        h = p * q + r + lc.sum(s) + u - v
        return h

    before = graph_of(alike)
    after = passes.simplify(before)
    for name in "pqruv":
        assert named(after, name) == named(before, name)
    constants = np.array([1.0, 2.0]), np.array([1.0, 3.0])

    def rows(x, h):
        a = h * constants[0]
        b = h * constants[1]
        return a + b

    after = passes.simplify(graph_of(rows))
    assert after.names["a"] is not after.names["b"]


def test_stop_at_lengths():
    def step(x, h):
        y = lc.affine("y", h, x)
        h = lc.tanh(y)
        return h, y

    before = graph_of(step)
    after = passes.stop_at_lengths(before)
    state = after.states[0]
    assert text(state.next) == "where(valid, h, h_prev)"
    inner = state.next.args[1]
    assert text(inner) == "tanh(y)"
    layer = inner.args[0]
    assert text(layer) == "affine(x, W_y, where(valid, h_prev, 0.0), U_y, b_y)"
    assert text(after.outputs["y"]) == "where(valid, y, 0.0)" and after.outputs["y"].args[1] is layer
    assert after.names["h"] is state.next and after.names["y"] is after.outputs["y"]
    top = passes.stop_at_lengths(lc.stack([lc.cells.rnn]).graph)
    assert top.outputs["h"].op.name == "copy" and top.outputs["h"].args[0] is top.states[0].next


def test_mask_padding():
    from lstmcourse.engine.autodiff import backward

    def step(x, h):
        h = lc.tanh(lc.dot(x, lc.param("W", "D", "H")) + h)
        return h

    padded = passes.stop_at_lengths(graph_of(step))
    before = backward(padded, ["h"], passes.saved(padded))
    after = passes.mask_padding(before)
    assert after.outputs["d_W"].op.name == "outer"
    x, d_a = after.outputs["d_W"].args
    assert x.name == "x" and d_a.op.name == "where"
    assert [a.op.name for a in d_a.args] == ["opposite", "const", "mul"] and d_a.args[1].attrs["value"] == 0.0
    assert after.outputs["d_x"].op.name == "dot" and after.outputs["d_x"].args[0] is d_a, "once for both"
    plain = graph_of(step)
    whole = backward(plain, ["h"], passes.saved(plain))
    assert passes.mask_padding(whole) is whole, "without lengths nothing changes"


def first_of_outer(function):
    """The first of the two factors of d_W, past the end masked or not."""
    graph = lower(lc.cell(function).graph, padded=True)
    return lower_backward(graph, ["h"], passes.saved(graph)).outputs["d_W"].args[0]


def test_mask_padding_leaves_what_is_finite():
    def given(x, h, s=lc.static("D"), n=lc.noise("D")):
        return lc.tanh(lc.concat(x, s, n, h) @ lc.param("W", Dim.of("D") * 3 + Dim.of("H"), "H"))

    def made(x, h):
        return lc.tanh(lc.concat(x, lc.exp(h)) @ lc.param("W", Dim.of("D") + Dim.of("H"), "H"))

    def of_static(x, h, s=lc.static("D")):
        return lc.tanh(lc.concat(x, lc.exp(s)) @ lc.param("W", Dim.of("D") * 2, "H"))

    assert first_of_outer(given).op.name == "saved"
    for function in (made, of_static):
        masked = first_of_outer(function)
        assert masked.op.name == "where" and masked.args[0].hint == "padded", function


@pytest.mark.parametrize("backend", lc.backends())
def test_mask_padding_where_a_factor_is_computed_again(backend):
    """It is infinite at a clock that no sequence reaches; gradients are those of each sequence alone."""

    @lc.cell
    def late(x, h, a=lc.static("L", "A"), t=lc.clock):
        first = lc.exp(a @ lc.param("V", "A", "N") / (2.0 - t))
        h = lc.tanh(h + lc.affine("h", W=x) + lc.sum(first @ lc.param("W", "N", "H"), -2))
        return h

    rng, lengths = np.random.default_rng(0), np.array([2, 0, 1])
    params = random_params(late, rng, 0.3, 2, 3, {"A": 2, "N": 2})
    x, a, g = (rng.standard_normal(s) for s in ((4, 3, 2), (3, 5, 2), (4, 3, 3)))
    g[np.arange(4)[:, None] >= lengths] = 0.0
    with np.errstate(divide="ignore", invalid="ignore"):
        found = lc.unroll(late, params, x, a=a, lengths=lengths, backend=backend).backward({"h": g})
    right = dict.fromkeys(params, 0.0)
    for k, T in enumerate(lengths):
        alone = lc.unroll(late, params, x[:T, k : k + 1], a=a[k : k + 1], backend="reference")
        alone = alone.backward({"h": g[:T, k : k + 1]})
        right = {name: v + alone[name] for name, v in right.items()}
    for name, v in right.items():
        np.testing.assert_allclose(found[name], v, atol=1e-13, err_msg=name)


def test_materialise_states():
    def shared(x, h, d, e):
        y = lc.tanh(lc.affine("y", h, x))
        return y, lc.identity(h), y, y

    def one_result(x, h, e):
        y = lc.tanh(lc.affine("y", lc.sin(h) * e, x))
        return y, y

    before = graph_of(one_result)
    assert before.states[0].next is before.states[1].next
    after = passes.materialise_states(before)
    first, second = (s.next for s in after.states)
    assert first.op.name == "tanh"
    assert text(second) == "copy(y)" and second.args[0] is first
    assert after.names["h"] is first and after.names["e"] is second
    several = passes.materialise_states(graph_of(shared))
    assert len({id(s.next) for s in several.states}) == 3

    @lc.cell
    def window(x, d=lc.state("D")):
        return x

    assert text(passes.materialise_states(window.graph).states[0].next) == "copy(x)"


def test_materialise_outputs():
    def two_biases(x, h):
        h = lc.tanh(lc.affine("a", W=x) + lc.param("b2", "H") + h)
        return h

    after = lower_backward(lower(graph_of(two_biases)), ["h"], passes.saved(lower(graph_of(two_biases))))
    b, b2 = after.outputs["d_b_a"], after.outputs["d_b2"]
    assert b is not b2 and {b.op.name, b2.op.name} == {"total", "copy"}

    def through(x, h=lc.state("D")):
        h = 0.5 * h + x
        return h

    ends = [n.op.name for n in lower_backward(lower(graph_of(through)), ["h"], set()).outputs.values()]
    assert not set(ends) & {"sequence", "prev", "grad", "saved"}


def test_give_hints():
    graph = passes.give_hints(graph_of(lc.cells.lstm.function))
    hints = {text(n): n.hint for n in graph.nodes if n.op.kind != "leaf" and not n.name}
    assert hints["tanh(c)"] == "tanh_c" and hints["mul(i, g)"] == "i_g"


def attend(x, h, a=lc.static("L", "A")):
    """Attention in small: scores are (B, L) and what is scored is (B, L, A) at every step."""
    u = lc.tanh(lc.expand(lc.affine("u", h, size="A"), -2) + a)
    s = lc.softmax(lc.sum(u))
    w = lc.sum(lc.expand(s) * a, -2)
    h = lc.tanh(lc.affine("h", h, w))
    return h, s


def test_saved():
    """Vectors and states are stored, larger values computed again; views and leaves cost nothing."""
    graph = lower(graph_of(attend))
    keep = passes.saved(graph)
    assert graph.names["u"] not in keep and graph.names["s"] in keep and graph.names["w"] in keep
    assert graph.states[0].next in keep
    assert not any(n.op.kind in ("view", "leaf") for n in keep)
    assert all(len(n.shape) <= 1 or not n.timed or n is graph.states[0].next for n in keep)

    def memory(x, M=lc.state("H", "H")):
        M = 0.5 * M + lc.matmul(lc.expand(lc.affine("k", W=x)), lc.expand(lc.affine("v", W=x), -2))
        return M

    graph = lower(graph_of(memory))
    assert graph.states[0].next in passes.saved(graph), "a state is stored whatever its size"


def test_schedule_of_a_plain_network():
    """Before the loop, in it, and, backwards, after it."""
    graph = lower(lc.cells.rnn.graph)
    sections = schedule(graph, [graph.states[0].next])
    assert [(s.loop, [n.op.name for n in s.nodes]) for s in sections] == [
        (False, ["dot", "add"]),
        (True, ["dot", "add", "tanh"]),
    ]
    step = lower_backward(graph, ["h"], passes.saved(graph))
    sections = schedule(step, list(step.outputs.values()))
    assert [s.loop for s in sections][-2:] == [True, False]
    inside = next(s for s in sections if s.loop)
    assert inside.reverse and [n.op.name for n in inside.nodes].count("dot") == 1
    assert {n.op.name for n in sections[-1].nodes} == {"outer", "total", "dot"}, (
        "weight gradients, once for all steps"
    )


def test_schedule_of_layers_and_directions():
    """Two layers have two loops: the upper layer's products with its input are done at once."""
    two = lower(lc.stack([lc.cells.rnn, lc.cells.rnn]).graph)
    kinds = [(s.loop, s.level, [n.op.name for n in s.nodes].count("dot")) for s in schedule(two)]
    assert [k for k in kinds if k[0]] == [(True, 1, 1), (True, 2, 1)]
    assert (False, 1, 1) in kinds, "x W of the upper layer stands between the loops"
    both = lower(lc.bidirectional(lc.cells.rnn).graph)
    assert [(s.loop, s.reverse) for s in schedule(both) if s.loop] == [(True, False), (True, True)]


def test_schedule_keeps_large_values_in_their_loop():
    graph = lower(graph_of(attend))
    place = {n: s for s in schedule(graph) for n in s.nodes}
    assert place[graph.names["u"]].loop and place[graph.names["w"]].loop
    step = lower_backward(graph, ["h", "s"], passes.saved(graph))
    sections = schedule(step, list(step.outputs.values()))
    outside = [n for s in sections if not s.loop for n in s.nodes if n.timed and len(n.shape) > 1]
    assert not outside, f"{outside} would be stored for every step"


def test_states_that_need_each_other_share_a_loop():
    def coupled(x, a, b):
        na = lc.tanh(lc.affine("a", b, x))
        nb = lc.tanh(lc.affine("b", a, x))
        return na, nb

    order = passes.levels(lower(graph_of(coupled)))
    assert order.of_state == {"a": 1, "b": 1}
    order = passes.levels(lower(lc.stack([lc.cells.lstm, lc.cells.rnn]).graph))
    assert order.of_state == {"0.h": 1, "0.c": 1, "1.h": 2}


def test_start_from():
    before = lc.cells.rnn.graph
    assert text(before.states[0].start) == "0.0"
    after = start_from(before, ["h"])
    assert after.states[0].start.op.name == "initial" and before.states[0].start.op.name == "const"


def test_hold():
    """before: f = sigmoid(...); after: f = 1.0 of its shape, and the parameters stay."""
    held = lc.cells.lstm.override(f=1.0)
    f = held.graph.names["f"]
    assert text(f) == "spread(1.0)" and f.shape == lc.cells.lstm.graph.names["f"].shape
    assert [p.name for p in held.graph.params] == [p.name for p in lc.cells.lstm.graph.params]
    assert text(held.graph.states[1].next) == "add(mul(f, c_prev), mul(i, g))"


def test_passes_are_pure():
    """No pass changes the graph that it is given; give_hints changes hints alone."""
    for cell in (
        lc.cells.lstm,
        lc.cell(attend),
        lc.stack([lc.cells.lstm, lc.cells.rnn]),
        lc.bidirectional(lc.cells.rnn),
    ):
        graph = cell.graph
        before = str(graph)
        for step in [passes.stop_at_lengths, passes.mask_padding, *PIPELINE, passes.materialise_outputs,
                     passes.give_hints]:  # fmt: skip
            after = step(graph)
            assert str(graph) == before, f"{step.__name__} changed its argument"
            graph = after
            before = str(graph)


PIPELINE = [
    passes.divide_layers,
    passes.merge_products,
    passes.merge_elementwise,
    passes.simplify,
    passes.materialise_states,
]


@pytest.mark.parametrize("passes_done", range(len(PIPELINE) + 1))
@pytest.mark.parametrize("function", [gates, attend, lc.cells.lstm.function], ids=lambda f: f.__name__)
def test_no_pass_changes_values(function, passes_done):
    """The plain evaluation of the graph after each pass gives what the author's graph gives."""
    from lstmcourse.engine.reference import evaluate

    rng = np.random.default_rng(4)
    cell = lc.cell(function)
    sizes = {"L": 3, "A": 2}
    sizes = {k: v for k, v in sizes.items() if k in cell.size_names()}
    params = random_params(cell, rng, input_size=2, hidden_size=3, sizes=sizes)
    known = {"D": 2, "H": 3} | sizes
    draws = {}

    def leaf(node):
        key = (node.op.name, node.name)
        if node.op.name == "param":
            return params[node.name]
        if key not in draws:
            draws[key] = rng.standard_normal((4, *(d.value(known) for d in node.shape)))
        return draws[key]

    expected = evaluate([s.next for s in cell.graph.states], leaf, known)
    graph = cell.graph
    for step in PIPELINE[:passes_done]:
        graph = step(graph)
    got = evaluate([s.next for s in graph.states], leaf, known)
    for s, t in zip(cell.graph.states, graph.states, strict=True):
        np.testing.assert_allclose(got[t.next], expected[s.next], atol=1e-14)


def test_every_pass_that_promises_a_before_and_an_after_is_tested():
    own = {
        k: f
        for k, f in vars(passes).items()
        if inspect.isfunction(f) and f.__module__.startswith(passes.__name__)
    }
    promised = {k for k, f in own.items() if "before:" in (f.__doc__ or "")}
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    tested.add("schedule")  # several tests
    assert promised <= tested, promised - tested
    assert len(promised) >= 7
