"""The engine's corners: where passes meet, who owns which memory, what is refused."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import gc
import linecache
import threading

import numpy as np
import pytest
from checking import check_gradients, random_params

import lstmcourse as lc
from lstmcourse.programs import passes
from lstmcourse.programs.pool import Pool
from lstmcourse.programs.threads import threads_for


def steps(cell, params, x, **inputs):
    """The cell, step by step, as its author wrote it."""
    state, rows = None, []
    for x_t in x:
        state = cell.step(params, x_t, state, **inputs)
        rows.append(state)
    return rows


def test_two_directions_that_do_not_use_their_past_have_gradients():
    @lc.cell
    def forgetful(x, h):
        h = lc.tanh(lc.affine("h", W=x))
        return h

    cell = lc.bidirectional(forgetful)
    params = random_params(cell, np.random.default_rng(0), input_size=2, hidden_size=3)
    check_gradients(cell, params, np.random.default_rng(1).standard_normal((3, 2, 2)))


def test_functions_of_different_shared_numbers_are_not_merged():
    @lc.cell
    def scaled(x, h):
        f = lc.sigmoid(lc.affine("f", h, x)) * lc.param("s_f")
        i = lc.sigmoid(lc.affine("i", h, x)) * lc.param("s_i")
        h = f * h + i
        return h

    params = scaled.init(2, 3, 0, np.float64) | {"s_f": np.array(0.3), "s_i": np.array(0.9)}
    x = np.random.default_rng(0).standard_normal((4, 2, 2))
    expected = steps(scaled, params, x)[-1]["h"]
    np.testing.assert_allclose(lc.unroll(scaled, params, x)["h"][-1], expected, atol=1e-14)


def test_a_condition_times_one_is_a_number():
    @lc.cell
    def counting(x, h):
        h = 1.0 * (x > 0.0) + 1.0 * (x > -1.0) + 0.0 * h
        return h

    x = np.array([0.5, -0.5, -2.0]).reshape(3, 1, 1)
    assert lc.unroll(counting, {}, x)["h"].ravel().tolist() == [2.0, 1.0, 0.0]
    with pytest.raises(lc.CellDefinitionError, match="of conditions"):

        @lc.cell
        def added(x, h):
            h = (x > 0.0) + (x > -1.0) + 0.0 * h
            return h


def test_a_mask_of_minus_infinity():
    @lc.cell
    def masked(x, h):
        h = lc.softmax(lc.where(x > 0.0, x, -np.inf)) + 0.0 * h
        return h

    h = lc.unroll(masked, {}, np.array([[[1.0, -1.0, 1.0]]]))["h"]
    assert h.ravel().tolist() == [0.5, 0.0, 0.5]


def test_a_step_keeps_float32():
    cell = lc.cells.lstm.override(f=1.0)
    params = cell.init(2, 3, 0, np.float32)
    rows = steps(cell, params, np.ones((3, 1, 2), np.float32))
    assert all(v.dtype == np.float32 for v in rows[-1].values())


def test_no_two_gradients_share_memory():
    @lc.cell
    def sharing(x, h, e=lc.state("H")):
        both = lc.param("A", "H", "H", init="glorot") + lc.swap(lc.param("B", "H", "H", init="glorot"))
        return lc.identity(e), h @ both, lc.concat(x, h)

    params = random_params(sharing, np.random.default_rng(0), input_size=2, hidden_size=3)
    run = lc.unroll(sharing, params, np.ones((3, 2, 2)))
    given = np.ones((3, 2, 5))
    grads = run.backward({sharing.emits[0]: given})
    arrays = [given, *grads.values()]
    for k, a in enumerate(arrays):
        for b in arrays[k + 1 :]:
            assert not np.shares_memory(a, b)


def test_a_whole_and_its_part_are_not_both_handed_out():
    @lc.cell
    def halves(x, h):
        z = lc.tanh(lc.affine("z", h, x, size=4))
        a, b = lc.split(z, 2)
        h = h + 0.0 * lc.expand(lc.sum(z))
        return h, a, z

    after = passes.materialise_outputs(halves.graph).outputs
    assert after["a"].op.name == "slice" and after["z"].op.name == "copy"


def test_what_is_refused():
    with pytest.raises(lc.CellDefinitionError, match="'h0'"):

        @lc.cell
        def clash(x, h):
            h = h + lc.param("h0", "H")
            return h

    with pytest.raises(lc.CellDefinitionError, match="backwards in time"):
        both = lc.bidirectional(lc.cells.rnn)

        @lc.cell
        def outer(x, h, g):
            h, g, y = both(x, **{"fwd.h": h, "bwd.h": g})
            return h, g, y

    with pytest.raises(lc.CellDefinitionError, match="from the right"):

        @lc.cell
        def over_time(x, h):
            h = lc.softmax(x, axis=0) + 0.0 * h
            return h

    with pytest.raises(lc.UnknownNameError, match="'b_g'.*b_h"):

        @lc.cell(init={"b_g": 1.0})
        def unheard(x, h):
            h = lc.tanh(lc.affine("h", h, x))
            return h

    with pytest.raises(ValueError, match="finite number"):
        lc.cells.lstm.override(f=np.ones(3))


def test_constants_are_the_cells_own():
    row = np.array([1.0, 2.0])

    @lc.cell
    def scaled(x, h):
        h = row * x + 0.0 * h
        return h

    row[:] = 0.0
    assert lc.unroll(scaled, {}, np.ones((1, 1, 2)))["h"].ravel().tolist() == [1.0, 2.0]


def test_threads_are_given_back_whatever_overlaps():
    threadpoolctl = pytest.importorskip("threadpoolctl")

    def count():
        infos = [i for i in threadpoolctl.threadpool_info() if i["user_api"] == "blas"]
        return [i["num_threads"] for i in infos if "numpy" in i["filepath"]] or [
            i["num_threads"] for i in infos
        ]

    before = count()
    inside, leave = threading.Event(), threading.Event()

    def other():
        with threads_for(1):
            inside.set()
            leave.wait(10)

    with threads_for(1):
        thread = threading.Thread(target=other)
        thread.start()
        inside.wait(10)
        assert set(count()) <= {1}
    leave.set()
    thread.join()
    assert count() == before


def test_programs_of_cells_that_are_gone_leave_no_source_behind():
    def once():
        cell = lc.cells.rnn.override(h=0.5)
        lc.unroll(cell, cell.init(1, 1, 0), np.zeros((1, 1, 1), np.float32))

    gc.collect()
    before = sum("program of rnn" in name for name in linecache.cache)
    once()
    gc.collect()
    assert sum("program of rnn" in name for name in linecache.cache) <= before


def test_the_pool_lets_go_of_what_came_first():
    pool = Pool(limit=1_000_000)
    first, second = pool.empty((500_000,), np.uint8), pool.empty((600_000,), np.uint8)
    del first
    del second
    assert pool.idle == 600_000


def test_functions_take_numbers_lists_and_arrays():
    assert lc.sigmoid(0.0) == 0.5 and lc.tanh(0) == 0.0
    assert lc.relu([1.0, -1.0]).tolist() == [1.0, 0.0]
    assert lc.sigmoid(np.array([0, 0])).tolist() == [0.5, 0.5]


def test_an_output_is_emitted_once():
    with pytest.raises(lc.CellDefinitionError, match="emits 'y' twice"):

        @lc.cell
        def twice(x, h):
            y = lc.tanh(x)
            return 0.5 * h, y, y


def delay(x, h):
    return x


def named_delay(x, h):
    h = x
    return h


def still(x, h):
    return h


@pytest.mark.parametrize("function", [delay, named_delay, still], ids=lambda f: f.__name__)
def test_an_argument_may_be_the_next_value_of_a_state(function):
    cell, x = lc.cell(function), np.arange(12.0).reshape(2, 2, 3)
    start = {"h": np.full((2, 3), 7.0)}
    run = lc.unroll(cell, {}, x, state=start)
    expected = x if function is not still else np.broadcast_to(start["h"], x.shape)
    assert np.array_equal(run["h"], expected) and np.array_equal(cell.step({}, x[0], start)["h"], expected[0])
    grads = run.backward({"h": np.ones_like(x)})
    assert np.all(grads["x"] == (function is not still)) and np.all(grads["h0"] == 2 * (function is still))
    assert cell.names == ("h",) and cell.output_size(3) == 3
    assert cell.latex.splitlines()[1] == ("h_t &= h_{t-1}" if function is still else "h_t &= x_t")
    held = cell.override(h=0.5)
    assert np.all(lc.unroll(held, {}, x, state=start)["h"] == 0.5)
    assert "<svg" in cell.diagram()._repr_mimebundle_()["text/html"]
    layers = lc.stack([cell, lc.cells.rnn, cell])
    params = random_params(layers, np.random.default_rng(0), input_size=3, hidden_size=3)
    assert set(params) == {"1.W_h", "1.U_h", "1.b_h"} and params["1.W_h"].shape == (3, 3)
    check_gradients(layers, params, x, lengths=[2, 1])


def test_a_state_that_is_handed_its_input_is_as_wide():
    run = lc.unroll(lc.cell(delay), {}, np.ones((2, 1, 3)))
    assert run["h"].shape == (2, 1, 3) and np.all(run["h"] == 1.0)
    with pytest.raises(lc.ShapeError, match=r"has shape \(4\) beside the batch, its next \(3\)"):
        lc.unroll(lc.cell(delay), {}, np.ones((2, 1, 3)), state={"h": np.ones((1, 4))})


def test_one_argument_for_two_states_and_an_output():
    @lc.cell
    def thrice(x, h=lc.state("D"), g=lc.state("D")):
        return x, x, x

    x = np.arange(4.0).reshape(2, 1, 2)
    run = lc.unroll(thrice, {}, x)
    assert all(np.array_equal(run[k], x) for k in ("h", "g", *thrice.emits)) and len(thrice.emits) == 1
    grads = run.backward({k: np.ones_like(x) for k in ("h", "g", *thrice.emits)})
    assert np.all(grads["x"] == 3.0)


def test_parts_of_a_split_add_up():
    @lc.cell
    def parted(x, h):
        a, b = lc.split(lc.affine("a", h, x, size=6), "H", "K")
        h = lc.tanh(a + lc.expand(lc.sum(b)))
        return h

    with pytest.raises(lc.ShapeError, match=r"a_t = .*test_edges.py, line.*add up to 5, and the .* 6"):
        parted.init(2, 3, 0, sizes={"K": 2})
    params = random_params(parted, np.random.default_rng(0), input_size=2, hidden_size=3, sizes={"K": 3})
    with pytest.raises(ValueError, match="add up to 5"):
        lc.split(np.ones(6), 3, 2)
    assert [len(a) for a in lc.split(np.ones(6), 4, 2)] == [4, 2]

    @lc.cell
    def known(x, h, y=lc.sequence("K")):
        a, b = lc.split(lc.affine("a", h, x, size=6), "H", "K")
        h = lc.tanh(a + lc.expand(lc.sum(b * y)))
        return h

    x = np.ones((2, 1, 2))
    check_gradients(known, params, x, inputs={"y": np.ones((2, 1, 3))})
    with pytest.raises(lc.ShapeError, match="add up to 5"):
        lc.unroll(known, params, x, y=np.ones((2, 1, 2)))


def test_a_stack_takes_anything_that_yields_cells():
    made = [lc.stack(c) for c in ([lc.cells.rnn] * 2, (lc.cells.rnn,) * 2, (lc.cells.rnn for _ in range(2)))]
    assert {c.states for c in made} == {("0.h", "1.h")}


def test_numpy_arithmetic_with_an_array_in_front_is_recorded():
    row = np.array([1.0, 2.0])

    @lc.cell
    def fronted(x, h):
        h = lc.where(row > x, row * x + (row - x) / (row + 1.0), np.float64(2.0) * x) + 0.0 * h
        return h

    x = np.array([[[0.5, 3.0]]])
    expected = np.where(row > x, row * x + (row - x) / (row + 1.0), 2.0 * x)
    assert np.array_equal(lc.unroll(fronted, {}, x)["h"], expected)


def test_a_state_as_wide_as_the_input_is_as_wide_as_the_layer_below():
    @lc.cell
    def buffered(x, h, last=lc.state("D")):
        h = lc.tanh(lc.affine("h", U=h, W=x, V=last))
        return h, lc.identity(x)

    layers = lc.stack([buffered, buffered])
    params = random_params(layers, np.random.default_rng(0), input_size=2, hidden_size=3)
    assert params["0.V_h"].shape == (2, 3) and params["1.V_h"].shape == (3, 3)
    check_gradients(layers, params, np.random.default_rng(1).standard_normal((3, 2, 2)))


def test_a_split_by_numbers_meets_the_size_in_a_run():
    cell = lc.cell(lambda x, h: lc.concat(*lc.split(h, 1, 2)[::-1]) + lc.affine("h", W=x))
    params = {"W_h": np.zeros((1, 3)), "b_h": np.zeros(3)}
    run = lc.unroll(cell, params, np.zeros((1, 1, 1)), state={"h": np.array([[1.0, 2.0, 3.0]])})
    assert run["h"].ravel().tolist() == [2.0, 3.0, 1.0]
    for H in (2, 4):
        wide = {"W_h": np.zeros((1, H)), "b_h": np.zeros(H)}
        with pytest.raises(lc.ShapeError, match=f"add up to 3, and the axis that they divide has {H}"):
            lc.unroll(cell, wide, np.zeros((1, 1, 1)))


def test_a_nested_cell_without_input_is_called_with_none_or_with_its_states():
    inner = lc.cell(lambda x=None, h=lc.state(), c=lc.state(): (0.5 * h - c, h + c))
    p = {"h": np.array([[1.0, 2.0]]), "c": np.array([[3.0, 4.0]])}
    for call in (lambda h, c: inner(h, c), lambda h, c: inner(None, h, c), lambda h, c: inner(h, c=c)):
        outer = lc.cell(_calling(call))
        after = outer.step({}, np.zeros((1, 1)), p)
        assert after["h"].tolist() == [[-2.5, -3.0]] and after["c"].tolist() == [[4.0, 6.0]]
    with pytest.raises(lc.CellDefinitionError, match="by position, and was given 4 values"):
        lc.cell(_calling(lambda h, c: inner(None, h, c, c)))


def _calling(call):
    def outer(x, h, c):
        h_new, c_new = call(h, c)
        return h_new, c_new

    return outer


def test_what_a_parameter_may_be_called():
    """An initial state's gradient is h0; an input has no such thing, so x0 is free."""
    free = lc.cell(lambda x, h: lc.tanh(lc.affine("h", W=x) + lc.param("x0", "H") * h))
    run = lc.unroll(free, free.init(1, 2, rng=0, dtype=np.float64), np.ones((2, 1, 1)))
    assert run.backward({"h": np.ones((2, 1, 2))})["x0"].shape == (2,)
    for name in ("h0", "h", "x"):
        with pytest.raises(lc.CellDefinitionError, match=f"a parameter cannot be called '{name}'"):
            lc.cell(lambda x, h, name=name: lc.tanh(lc.affine("h", W=x) + lc.param(name, "H") * h))


def test_the_bound_of_glorot_is_that_of_its_first_and_last_axis():
    shapes = {"W_row": ("N",), "W_plane": ("N", 2), "W_cube": (3, "N", 2)}
    cell = lc.cell(lambda x, h: _with_params(h, shapes))
    drawn = cell.init(1, 1, rng=0, sizes={"N": 5000})
    for name, fans in {"W_row": 5001, "W_plane": 5002, "W_cube": 5}.items():
        bound = np.sqrt(6.0 / fans)
        assert 0.995 * bound < np.abs(drawn[name]).max() <= bound, name


def _with_params(h, shapes):
    for name, shape in shapes.items():
        lc.param(name, *shape)
    return 0.5 * h
