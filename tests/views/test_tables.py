"""Numbers that follow from sizes (`table`), parameters with elements held at 0 (`free=`), and fixed ones.

Alone, inside other cells, in stacks and in both directions, in training, and in files.
"""

import inspect

import numpy as np
import pytest
from checking import check_gradients, random_params
from training_toys import Averages

import lstmcourse as lc
from lstmcourse.training.checkpoints import CheckpointError, load, save

CLOCKWORK = lc.cells.clockwork.with_options(periods=(1, 2, 3))
FIXED = lc.cells.mut2.with_options(project="fixed")


@lc.cell
def leaky(x, h):
    rate = lc.table("k", lambda H: 1.0 / (1.0 + np.arange(H)), "H")
    h = h + rate * (lc.affine("h", W=x) - h)
    return h


@lc.cell
def triangular(x, h):
    M = lc.table("M", lambda D, H: np.tri(D, H), "D", "H")
    h = lc.tanh(h + x @ lc.param("W", "D", "H", free=M))
    return h


def inside(child, name):
    """The part of parameters that is one child's."""
    return lambda params: {
        k.removeprefix(f"{name}."): v for k, v in params.items() if k.startswith(f"{name}.")
    }


def drawn(cell, seed=0, T=7, B=2, D=2, H=5, **sizes):
    rng = np.random.default_rng(seed)
    return random_params(cell, rng, input_size=D, hidden_size=H, **sizes), rng.standard_normal((T, B, D))


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.complex128])
def test_a_table_is_an_array_of_the_runs_dtype(dtype):
    params, x = drawn(leaky)
    params, x = {k: v.astype(dtype) for k, v in params.items()}, x.astype(dtype)
    h, rate = np.zeros((2, 5)), 1 / np.arange(1.0, 6.0)
    run = lc.unroll(leaky, params, x)
    for t in range(len(x)):
        h = h + rate * (x[t] @ params["W_h"] + params["b_h"] - h)
        np.testing.assert_allclose(run["h"][t], h, atol=1e-6)
    assert run["h"].dtype == dtype and set(params) == {"W_h", "b_h"}


def test_a_table_follows_the_sizes_of_each_run():
    for H in (1, 4, 9):
        params, x = drawn(leaky, H=H)
        check_gradients(leaky, params, x[:3])
        plain = lc.unroll(leaky, params, x, backend="reference")
        np.testing.assert_allclose(lc.unroll(leaky, params, x)["h"], plain["h"], atol=1e-14)


def test_free_elements_are_counted_drawn_and_trained_and_no_others():
    params, x = drawn(triangular, D=3, H=5)
    assert triangular.parameter_count(3, 5) == 6 and triangular.parameter_shapes(3, 5) == {"W": (3, 5)}
    mask = np.tri(3, 5) == 1
    assert np.array_equal(triangular.init(3, 5, rng=0)["W"] != 0, mask)
    _, grads = check_gradients(triangular, params, np.random.default_rng(1).standard_normal((4, 2, 3)))
    assert np.array_equal(grads["W"] != 0, mask)
    h = lc.unroll(triangular, params, x[:1, :, :1] * np.ones((1, 1, 3)))["h"][0]
    np.testing.assert_allclose(h, np.tanh(x[0, :, :1] * (params["W"] * mask).sum(0)), atol=1e-15)


def wrong_shape(x, h):
    k = lc.table("k", lambda H: np.ones(H + 1), "H")  # fault
    h = k * h + lc.affine("h", W=x)
    return h


def wrong_rank(x, h):
    M = lc.table("M", lambda H, _: np.ones(H), "H", "H")  # fault
    h = lc.tanh(h @ lc.param("U", "H", "H", free=M) + lc.affine("h", W=x))
    return h


def line_of_the_fault(function):
    lines, first = inspect.getsourcelines(function)
    return first + next(k for k, line in enumerate(lines) if line.endswith("# fault\n"))


@pytest.mark.parametrize("function", [wrong_shape, wrong_rank])
def test_a_function_that_gives_another_shape_is_refused_with_its_line(function):
    cell = lc.cell(function)
    params = {k: np.ones(s) for k, s in cell.parameter_shapes(2, 3).items()}
    message = rf"test_tables\.py, line {line_of_the_fault(function)}.*gave shape \(.*; declared is \(3"
    with pytest.raises(lc.ShapeError, match=message):
        lc.unroll(cell, params, np.ones((4, 1, 2)))
    with pytest.raises(lc.ShapeError, match=message):
        cell.step(params, np.ones((1, 2)))
    if function is wrong_rank:
        for use in (lambda: cell.init(2, 3, rng=0), lambda: cell.parameter_count(2, 3)):
            with pytest.raises(lc.ShapeError, match=message):
                use()


def eye(H, _):
    return np.eye(H)


def not_a_function(x, h):
    h = lc.table("k", np.ones(3), "H") * h  # fault
    return h


def two_of_one_name(x, h):
    a = lc.table("k", lambda H: np.ones(H), "H")
    h = a * h + lc.table("k", lambda H: np.zeros(H), "H")  # fault
    return h


def free_is_an_array(x, h):
    h = h @ lc.param("U", "H", "H", free=np.eye(3))  # fault
    return h


def free_is_a_state(x, h):
    h = h * lc.param("v", "H", free=h)  # fault
    return h


def free_is_of_another_shape(x, h):
    k = lc.table("k", lambda H: np.ones(H), "H")
    h = h @ lc.param("U", "H", "H", free=k)  # fault
    return h


def masked_and_not(x, h):
    U = lc.param("U", "H", "H", free=lc.table("M", eye, "H", "H"))
    h = h @ U + h @ lc.param("U", "H", "H")  # fault
    return h


def fixed_and_not(x, h):
    U = lc.param("U", "H", "H")
    h = h @ U + h @ lc.param("U", "H", "H", fixed=True)  # fault
    return h


REFUSED = {
    not_a_function: r"table 'k'.*takes a function of its sizes",
    two_of_one_name: r"there is a table 'k' already \(test_tables\.py, line",
    free_is_an_array: r"(?s)'U' of shape \(H, H\) has free=.*a table of ones and zeros",
    free_is_a_state: r"'v' of shape \(H\) has free=.*a table of ones and zeros",
    free_is_of_another_shape: r"'U' of shape \(H, H\) has free=.*of the same shape",
    masked_and_not: r"'U' is there already.*free= and fixed= are not the same",
    fixed_and_not: r"'U' is there already.*free= and fixed= are not the same",
}


@pytest.mark.parametrize("function", REFUSED, ids=lambda f: f.__name__)
def test_what_would_mean_two_things_is_refused_with_its_line(function):
    with pytest.raises(lc.CellDefinitionError, match=REFUSED[function]) as info:
        lc.cell(function)
    assert str(info.value).startswith(f"test_tables.py, line {line_of_the_fault(function)}:")


def test_one_masked_parameter_may_be_used_twice():
    @lc.cell
    def shared(x, h):
        M = lc.table("M", eye, "H", "H")
        a = lc.tanh(h @ lc.param("U", "H", "H", free=M) + lc.affine("a", W=x))
        h = lc.tanh(a @ lc.param("U", "H", "H", free=M))
        return h

    params, x = drawn(shared, H=3)
    check_gradients(shared, params, x)
    assert shared.parameter_count(2, 3) == 3 + 2 * 3 + 3


def test_what_is_fixed_is_not_counted_even_if_it_is_masked():
    @lc.cell
    def reservoir(x, h):
        M = lc.table("M", eye, "H", "H")
        h = lc.tanh(h @ lc.param("U", "H", "H", free=M, fixed=True) + lc.affine("h", W=x))
        return h

    assert reservoir.parameter_count(2, 3) == 2 * 3 + 3
    params, x = drawn(reservoir, H=3)
    _, grads = check_gradients(reservoir, params, x)
    assert np.all(grads["U"] == 0)
    assert np.array_equal(reservoir.init(2, 3, rng=0)["U"] != 0, np.eye(3) == 1)


# Inside other cells


@lc.cell
def both(x, h, s=lc.state("K"), t=lc.clock):
    h = CLOCKWORK(x, h, scope="a")
    s = CLOCKWORK(h, s, scope="b")
    return h, s


def test_cells_inside_another_have_tables_of_their_own_sizes():
    """Under a scope each, of the sizes of what they are given: five units of 1, 2, 3; and seven."""
    params, x = drawn(both, T=7, H=5, sizes={"K": 7})
    assert {n.name for n in both.graph.leaves("table")} == {"a.T", "a.M", "b.T", "b.M"}
    run = lc.unroll(both, params, x, state={"s": np.zeros((2, 7)), "t": 4})
    a = lc.unroll(CLOCKWORK, inside(CLOCKWORK, "a")(params), x, state={"t": 4})
    b = lc.unroll(CLOCKWORK, inside(CLOCKWORK, "b")(params), a["h"], state={"t": 4})
    np.testing.assert_allclose(run["h"], a["h"], atol=1e-14)
    np.testing.assert_allclose(run["s"], b["h"], atol=1e-14)
    rng = np.random.default_rng(2)
    state = {"h": rng.standard_normal((2, 5)), "s": rng.standard_normal((2, 7)), "t": 1}
    check_gradients(both, params, x[:4], state=state)
    alone = CLOCKWORK.parameter_count(2, 5) + CLOCKWORK.parameter_count(5, 7)
    assert both.parameter_count(2, 5, {"K": 7}) == alone
    first = both.init(2, 5, rng=0, sizes={"K": 7})
    assert sum(np.count_nonzero(v) for k, v in first.items() if ".b_" not in k) == alone - 5 - 7


def test_a_fixed_parameter_inside_another_cell_stays_fixed():
    @lc.cell
    def outer(x, h):
        h = FIXED(lc.tanh(lc.affine("in", W=x, size=3)), h, scope="cell")
        return h

    params, x = drawn(outer, T=3, D=2, H=4)
    _, grads = check_gradients(outer, params, x)
    assert np.all(grads["cell.P"] == 0) and np.any(grads["W_in"])
    assert np.all(np.abs(outer.init(2, 4, rng=0, dtype=np.float64)["cell.P"]) == 1 / np.sqrt(3))
    assert outer.parameter_count(2, 4) == 2 * 3 + 3 + FIXED.parameter_count(3, 4)


@pytest.mark.parametrize(
    "child", [CLOCKWORK, FIXED, lc.cells.slstm.with_options(heads=2)], ids=lambda c: c.name
)
def test_stacks_and_both_directions(child):
    """Layer upon layer, and each direction as its cell alone would."""
    H, D = 4, 3
    for lengths in (None, np.array([5, 2])):
        deep = lc.stack([child, lc.cells.rnn, child])
        params, x = drawn(deep, T=5, D=D, H=H)
        run = lc.unroll(deep, params, x, lengths=lengths)
        below = x
        for k, cell in enumerate([child, lc.cells.rnn, child]):
            below = lc.unroll(cell, inside(cell, str(k))(params), below, lengths=lengths)["h"]
        np.testing.assert_allclose(run["h"], below, atol=1e-14)
    check_gradients(deep, params, x[:3], lengths=[3, 1])
    two = lc.bidirectional(child)
    params, x = drawn(two, T=4, D=D, H=H)
    run = lc.unroll(two, params, x)
    forward = lc.unroll(child, inside(child, "fwd")(params), x)["h"]
    np.testing.assert_allclose(run["h"][..., :H], forward, atol=1e-14)
    check_gradients(two, params, x, lengths=[4, 2])
    if child is not CLOCKWORK:
        backward = lc.unroll(child, inside(child, "bwd")(params), x[::-1])["h"][::-1]
        np.testing.assert_allclose(run["h"][..., H:], backward, atol=1e-14)


def test_backwards_the_clock_runs_backwards():
    """A unit ticks at the same steps in both directions: the clock says where one is, not how far."""
    two = lc.bidirectional(lc.cells.clockwork.with_options(periods=(1, 3)))
    params, x = drawn(two, T=8, B=1, H=4)
    h = lc.unroll(two, params, x)["h"][:, 0, 4:]
    later = np.concatenate([h[1:], np.zeros((1, 4))])
    ticks = np.arange(8)[:, None] % np.array([1, 1, 3, 3]) == 0
    assert np.array_equal(h != later, ticks)


def test_a_run_in_chunks_of_a_stack_of_clockworks():
    deep = lc.stack([CLOCKWORK, CLOCKWORK])
    params, x = drawn(deep, T=8)
    whole = lc.unroll(deep, params, x)
    first = lc.unroll(deep, params, x[:3])
    assert first.final["0.t"] == first.final["1.t"] == 3
    second = lc.unroll(deep, params, x[3:], state=first.final)
    np.testing.assert_allclose(np.concatenate([first["h"], second["h"]]), whole["h"], atol=1e-14)
    plain = lc.unroll(deep, params, x, backend="reference")
    np.testing.assert_allclose(plain["1.h"], whole["h"], atol=1e-14)


# In training, and in files


def trained(cell, steps=30, **options):
    model = lc.Model(cell, Averages(steps=10), hidden_size=7, rng=1, dtype=np.float64)
    before = {k: v.copy() for k, v in model.params.items()}
    history = lc.fit(
        model, steps=steps, batch_size=4, optimizer=lc.optim.Adam(0.01), progress=False, **options
    )
    return model, before, history


def test_training_a_clockwork_leaves_its_zeros_alone():
    model, before, history = trained(lc.cells.clockwork)
    masked = before["cell.U_h"] == 0
    assert np.count_nonzero(masked) == 7 * 7 - (2 * 7 + 2 * 5 + 2 * 3 + 1 * 1)
    assert np.all(model.params["cell.U_h"][masked] == 0)
    assert np.all(model.params["cell.U_h"][~masked] != before["cell.U_h"][~masked])
    assert all(np.all(np.isfinite(v)) for v in model.params.values())
    assert model.parameter_count == lc.cells.clockwork.parameter_count(2, 7) + 7 * 2 + 2


def test_training_leaves_a_fixed_projection_alone():
    model, before, _ = trained(FIXED)
    for k in before:
        assert np.array_equal(model.params[k], before[k]) == (k == "cell.P"), k


@pytest.mark.parametrize(
    "cell", [CLOCKWORK, FIXED, lc.cells.slstm.with_options(heads=7)], ids=lambda c: c.name
)
def test_a_file_brings_all_of_it_back(cell, tmp_path):
    model, _, _ = trained(cell, steps=2)
    path = save(tmp_path / "a.safetensors", model)
    again = load(path).model(task=Averages())
    assert dict(again.cell.options) == dict(cell.options)
    other = lc.Model(cell, Averages(), hidden_size=7, rng=5, dtype=np.float64)
    load(path).restore(other)
    for k, v in model.params.items():
        assert np.array_equal(again.params[k], v) and np.array_equal(other.params[k], v)


def test_training_goes_on_from_a_file_bit_for_bit(tmp_path):
    for k, cell in enumerate([CLOCKWORK, FIXED]):
        path = tmp_path / f"{k}.safetensors"
        whole, _, _ = trained(cell, steps=6)
        trained(cell, steps=3, checkpoint=path, checkpoint_every=3)
        model = lc.Model(cell, Averages(steps=10), hidden_size=7, rng=1, dtype=np.float64)
        lc.fit(
            model, steps=6, batch_size=4, optimizer=lc.optim.Adam(0.01), progress=False,
            checkpoint=path, checkpoint_every=3, resume=True,
        )  # fmt: skip
        for name, v in whole.params.items():
            assert np.array_equal(model.params[name], v), name


def test_other_tables_make_another_cell(tmp_path):
    """Also where nothing else tells: in a stack, by numbers alone."""

    def model(cell):
        return lc.Model(cell, Averages(), hidden_size=4)

    def clockworks(*periods):
        return lc.stack([lc.cells.clockwork.with_options(periods=periods)])

    path = save(tmp_path / "a.safetensors", model(clockworks(1, 2)))
    load(path).restore(model(clockworks(1, 2)))
    with pytest.raises(CheckpointError, match="other equations"):
        load(path).restore(model(clockworks(1, 4)))
    path = save(tmp_path / "b.safetensors", model(lc.cells.clockwork))
    with pytest.raises(CheckpointError, match="periods"):
        load(path).restore(model(CLOCKWORK))


def test_the_list_of_equations_is_the_same_each_time():
    """It goes into a file's digest: no addresses."""
    again = lc.cells.clockwork.with_options(periods=(1, 2, 4, 8))
    assert str(again.graph) == str(lc.cells.clockwork.graph) and "0x" not in str(again.graph)
