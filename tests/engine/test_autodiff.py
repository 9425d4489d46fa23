"""Gradients as graphs: what `backward` builds, right where values meet, broadcast and are cut."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import numpy as np
import pytest
from checking import check_gradients, random_params

import lstmcourse as lc
from lstmcourse.engine.autodiff import backward, carried, gradient_name
from lstmcourse.engine.graph import walk
from lstmcourse.programs import passes
from lstmcourse.run.recipe import lower

rng = np.random.default_rng(21)


def gradients_of(cell, outputs, **options):
    graph = lower(cell.graph)
    return graph, backward(graph, outputs, passes.saved(graph), **options)


def test_gradient_names_keep_their_scope():
    assert gradient_name("c") == "d_c" and gradient_name("enc.0.c") == "enc.0.d_c"


def test_the_carried_state_of_an_lstm_cell():
    """before: c = f * c_prev + i * g; after: the gradient carried on is d_c * f, and d_f = d_c * c_prev."""
    _, g = gradients_of(lc.cells.lstm, ["h"])
    assert [s.name for s in g.states] == ["d_h", "d_c"]
    assert all(s.reverse for s in g.states), "gradients run against the direction of the loop"
    d_c = next(s for s in g.states if s.name == "d_c").next
    assert d_c.op.name == "mul" and "f" in {a.name for a in d_c.args}
    d_f = next(n for n in g.nodes if (n.name or n.hint) == "d_f")
    assert d_f.op.name == "mul" and any(
        a.op.name == "saved" and a.attrs.get("state") == "c" for a in d_f.args
    )
    names = {f"d_{m}_{k}" for m in "WUb" for k in "figo"}
    assert set(g.outputs) == names | {"d_x", "d_h0", "d_c0"}


def test_shapes_of_gradients_are_those_of_what_they_belong_to():
    graph, g = gradients_of(lc.cells.lstm, ["h", "c"])
    leaves = {n.name: n for n in graph.nodes if n.op.kind == "leaf"}
    for name, node in g.outputs.items():
        of = leaves[name.removeprefix("d_").removesuffix("0")]
        assert node.shape == of.shape
        assert node.timed == (of.op.name == "sequence") and node.batched == of.batched


def test_a_weight_gradient_is_a_product_over_all_steps():
    _, g = gradients_of(lc.cells.rnn, ["h"])
    assert g.outputs["d_W_h"].op.name == "outer" and not g.outputs["d_W_h"].timed
    assert g.outputs["d_b_h"].op.name == "total"


def test_only_what_is_asked_for_is_computed():
    _, g = gradients_of(lc.cells.rnn, ["h"], skip=["x"])
    assert "d_x" not in g.outputs
    live = set(walk(g.roots()))
    assert all(n in live or n.op.name == "prev" for n in g.nodes)
    assert not any(n.name == "W_h" for n in g.leaves("saved", "param")), (
        "W_h serves nothing but the gradient of x"
    )


def test_what_is_not_kept_is_computed_again():
    graph = lower(lc.cells.rnn.graph)
    kept = backward(graph, ["h"], passes.saved(graph))
    again = backward(graph, ["h"], set())
    assert not any(n.op.name == "tanh" for n in kept.nodes) and any(n.op.name == "tanh" for n in again.nodes)


def test_no_gradient_for_nothing():
    """What reaches no output has gradient 0, of its shape; so has everything if no gradient is given."""

    @lc.cell
    def idle(x, h):
        w = lc.param("w", "H")
        h = lc.stop_gradient(lc.tanh(lc.affine("h", h, x)) * w)
        return h

    p = random_params(idle, rng, input_size=2, hidden_size=3)
    run = lc.unroll(idle, p, rng.standard_normal((3, 2, 2)))
    grads = run.backward({"h": np.ones((3, 2, 3))})
    assert all(np.all(grads[k] == 0) and grads[k].shape == p[k].shape for k in p)
    assert np.all(grads["x"] == 0) and np.all(grads["h0"] == 0)
    nothing = lc.unroll(lc.cells.rnn, lc.cells.rnn.init(2, 3, 0), np.ones((3, 2, 2), np.float32)).backward()
    assert all(np.all(v == 0) for v in nothing.values()) and all(
        v.dtype == np.float32 for v in nothing.values()
    )


def test_stopped_parts_let_no_gradient_through_and_the_others_do():
    @lc.cell
    def half(x, h):
        a = lc.tanh(lc.affine("a", h, x))
        h = lc.stop_gradient(a) * a
        return h

    p = random_params(half, rng, input_size=2, hidden_size=3)
    x = rng.standard_normal((1, 2, 2))
    run = lc.unroll(half, p, x)
    got = run.backward({"h": np.ones((1, 2, 3))})["b_a"]
    a = np.tanh(x[0] @ p["W_a"] + p["b_a"])
    np.testing.assert_allclose(got, (a * (1 - a**2)).sum(0), rtol=1e-13)


# Each cell below has a way of sharing values that a gradient must undo. All are checked by complex step.


def many_uses(x, h):
    """One value read by several equations, and twice by one."""
    a = lc.affine("a", h, x)
    b = a * a + lc.tanh(a) * lc.sigmoid(a)
    h = b / (2.0 + lc.square(a)) - 0.1 * h * h
    return h


def broadcast_parameters(x, h, m=lc.state("H", 2)):
    """Rows, single numbers, and axes of size 1."""
    row, column = lc.param("row", 2), lc.param("column", "H", 1)
    one = lc.param("one", 1)
    m = 0.5 * m * column + row * lc.expand(lc.tanh(lc.affine("a", h, x))) * one
    h = lc.tanh(lc.sum(m)) * one + lc.param("full", "H")
    return h, m


def static_and_sequence(x, h, a=lc.static("H"), b=lc.static("H", 1), y=lc.sequence(1)):
    """What does not vary in time gets a sum over time."""
    p = lc.tanh(a) * lc.sum(lc.swap(b))
    h = lc.tanh(lc.affine("h", h, x) * a + p) * y
    return h


def parts_that_tile(x, h):
    """Slices side by side: their gradients are laid side by side."""
    a, b, c = lc.split(lc.affine("z", h, x, size=lc.engine.graph.Dim.of("H") * 3), 3)
    h = lc.sigmoid(a) * lc.tanh(b) + lc.sin(c) * a
    return h


def parts_that_overlap(x, h):
    """Slices of one array into different numbers of parts, and the whole as well."""
    z = lc.affine("z", h, x, size=lc.engine.graph.Dim.of("H") * 6)
    a, b = lc.split(z, 2)
    c, skipped, e = lc.split(z, 3)
    whole = lc.tanh(z)
    p, q, r, s, t, u = lc.split(whole, 6)
    k, left = lc.split(a, "H", lc.engine.graph.Dim.of("H") * 2)
    l, middle, m = lc.split(b, 3)
    n, right = lc.split(c, 2)
    first, o = lc.split(e, 2)
    h = k * l + m * n - lc.cos(o) + p * q * r * s * t + u
    return h


def one_part_only(x, h):
    """The rest of the array has gradient 0."""
    b = lc.split(lc.affine("z", h, x, size=lc.engine.graph.Dim.of("H") * 3), 3)[1]
    h = lc.tanh(b)
    return h


def joined(x, h, c):
    """concat, along each axis, and of one value twice."""
    both = lc.concat(h, x, h)
    pair = lc.concat(lc.expand(h, -2), lc.expand(c, -2), axis=-2)
    c = lc.sum(lc.tanh(pair * pair), -2)
    h = lc.tanh(lc.affine("h", W=both)) * c
    return h, c


def shared_matrix(x, h):
    """One matrix in two products, once turned over, and a product of parameters."""
    w = lc.param("U", "H", "H")
    v = lc.swap(w) * lc.param("s", 1)
    h = lc.tanh(h @ w) @ v + x @ lc.param("W", "D", "H")
    return h


def chosen(x, h, t=lc.clock):
    """where, by the clock and by value; maximum and minimum."""
    a = lc.affine("a", h, x)
    b = lc.where(a > 0.0, a, 0.3 * h)
    h = lc.where(t % 2 == 0, lc.maximum(b, -0.4), lc.minimum(h, 0.6) + 0.1 * b)
    return h


def delayed(x, a, b, c):
    """States that only hand on what another was."""
    return lc.tanh(lc.affine("a", U=c, W=x)), lc.identity(a), 1.0 * b


def emits_states(x, h):
    """What is emitted is a state, its square, its last value, and the input."""
    before = lc.identity(h)
    h = lc.tanh(lc.affine("h", h, x))
    return h, h, h * h, before, x


def matrix_state(x, h, M=lc.state("H", "H")):
    """A state that is a matrix for each sequence, read and written by products."""
    k = lc.affine("k", h, x)
    M = 0.9 * M + 0.1 * lc.matmul(lc.expand(k), lc.expand(lc.softmax(k), -2))
    h = lc.tanh(lc.sum(lc.matmul(M, lc.expand(k)), -1))
    return h, M


def handed_on(x, c, q):
    """The gradient carried to q is also a part of another sum, which must not be written over it."""
    v = lc.sin(c * lc.param("row", "H"))
    u = lc.square(v)
    s = v + q
    return lc.tanh(s), u


def one_result(x, h, e):
    """One value that is the next of two states, of which one needs it in its loop."""
    y = lc.tanh(lc.affine("y", h, x))
    return y, y


def still(x, h, k, a=lc.static("H")):
    """Next values that do not vary in time, or not even between sequences."""
    return lc.tanh(a * h), a * lc.param("w", "H")


def normalised(x, h):
    """mean, sqrt, logsumexp, softplus: layer normalisation and what goes with it."""
    a = lc.affine("a", h, x)
    centred = a - lc.expand(lc.mean(a))
    scale = lc.sqrt(lc.expand(lc.mean(centred * centred)) + 0.1)
    h = centred / scale * lc.softplus(lc.param("gain", "H", init=1.0)) - 0.1 * lc.expand(lc.logsumexp(a))
    return h


CELLS = [
    many_uses, broadcast_parameters, static_and_sequence, parts_that_tile, parts_that_overlap, one_part_only,
    joined, shared_matrix, chosen, delayed, emits_states, matrix_state, handed_on,
    one_result, still, normalised,
]  # fmt: skip


@pytest.mark.parametrize("lengths", [None, [0, 3, 2]], ids=["full", "lengths"])
@pytest.mark.parametrize("function", CELLS, ids=lambda f: f.__name__)
def test_gradients_by_complex_step(function, lengths):
    T, B, D, H = 3, 3, 2, 2
    local = np.random.default_rng(5)
    cell = lc.cell(function)
    params = random_params(cell, local, input_size=D, hidden_size=H)
    inputs, state = {}, {}
    for i in cell.inputs[1:]:
        shape = [{"H": H, "D": D}.get(n, n) for n in i.shape]
        if i.kind == "state":
            state[i.name] = local.standard_normal((B, *shape))
        elif i.kind != "clock":
            inputs[i.name] = local.standard_normal((*((T, B) if i.kind == "sequence" else (B,)), *shape))
    check_gradients(
        cell, params, local.standard_normal((T, B, D)), inputs=inputs, state=state, lengths=lengths
    )
    check_gradients(
        cell, params, local.standard_normal((T, B, D)), inputs=inputs, final=False, lengths=lengths
    )


def test_a_gradient_that_reaches_a_leaf_is_a_copy():
    """Writing into one gradient changes no other, and not what was given."""
    cell = lc.cell(delayed)
    p = random_params(cell, rng, input_size=2, hidden_size=2)
    run = lc.unroll(cell, p, rng.standard_normal((3, 2, 2)))
    given = {k: rng.standard_normal((3, 2, 2)) for k in "abc"}
    last = {k: rng.standard_normal((2, 2)) for k in "abc"}
    before = {k: v.copy() for k, v in (given | {f"{k} last": v for k, v in last.items()}).items()}
    grads = run.backward(given, last)
    copies = {k: v.copy() for k, v in grads.items()}
    for k in grads:
        grads[k][...] = 99.0
        for other in grads:
            if other != k:
                assert np.array_equal(grads[other], copies[other]), f"{k} and {other} share memory"
        grads[k][...] = copies[k]
    assert all(
        np.array_equal(given[k], before[k]) and np.array_equal(last[k], before[f"{k} last"]) for k in given
    )


def test_a_factor_that_is_a_state_is_the_state_itself():
    """Past the end a step reads a state as it began (`stop_at_lengths`); gradients, 0 there, take h."""

    @lc.cell
    def choosing(x, h, t=lc.clock):
        h = lc.where(t % 2 == 0, h, x)
        return h

    graph = passes.stop_at_lengths(choosing.graph)
    (s,), kept = graph.states, graph.states[0].next
    read = next(n for n in graph.nodes if n.op.name == "where" and n.args[1] is s.prev and n is not kept)
    assert read.args[0].op.name == "valid" and carried(read) is s.prev
    chosen = kept.args[1]
    assert chosen.args[1] is read and carried(chosen) is chosen, "a choice of the cell's own"
    assert carried(kept) is kept, "what is chosen is no state of the step before"
    (own,) = choosing.graph.states
    assert own.next.args[1] is own.prev and carried(own.next) is own.next, "as is one without lengths"
    assert carried(s.prev) is s.prev
