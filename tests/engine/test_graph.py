"""Tracing: a cell's function becomes a graph; what cannot be traced is refused, by name and with the line."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import math
import random
import re
import sys
import threading
import time

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.engine.graph import Dim, walk

H = Dim.of("H")


def test_the_trace_of_a_cell_is_its_list_of_equations():
    @lc.cell
    def leaky(x, h):
        u = lc.tanh(lc.affine("u", W=x))
        h = 0.9 * h + u
        return h

    assert str(leaky.graph).splitlines() == [
        "%0 x = sequence()  (T, B, D)",
        "%1 h = prev(state=h)  (T, B, H)",
        "%2 W_u = param(init=glorot)  (D, H)",
        "%3 b_u = param(init=zeros)  (H)",
        "%4 = affine(%0, %2, %3, terms=1, label=u)  (T, B, H)",
        "%5 u = tanh(%4)  (T, B, H)",
        "%6 = const(value=0.9)  ()",
        "%7 = mul(%6, %1)  (T, B, H)",
        "%8 h = add(%7, %5)  (T, B, H)",
        "%9 = const(value=0.0)  ()",
        "next h = %8",
    ]


def test_names_come_from_the_function_without_its_source():
    """A function made from text, as in an interpreter, has no source file, and still names its equations."""
    space = {"lc": lc}
    exec(
        "def made(x, h):\n    gate = lc.sigmoid(lc.affine('z', h, x))\n    h = gate * h\n    return h", space
    )
    cell = lc.cell(space["made"])
    assert cell.names == ("h", "gate")


def test_a_name_bound_last_and_a_value_without_name():
    @lc.cell
    def plain(x, h, c):
        c_new = 0.5 * c + x @ lc.param("W", "D", "H")
        return lc.tanh(c_new), c_new

    assert set(plain.names) == {"h", "c", "c_new"}
    run = lc.unroll(plain, plain.init(2, 3, 0), np.ones((2, 1, 2), np.float32))
    assert np.array_equal(run["c"], run["c_new"])
    np.testing.assert_allclose(run["h"], np.tanh(run["c"]), rtol=1e-6)


def test_states_are_positional():
    """The k-th returned value is the next value of the k-th state, whatever it is called."""

    @lc.cell
    def swapped(x, a, b):
        up = 0.5 * a + 1.0
        down = 0.5 * b - 1.0
        return up, down

    run = lc.unroll(swapped, {}, np.zeros((1, 1, 2)), state={"a": np.zeros((1, 2)), "b": np.zeros((1, 2))})
    assert np.all(run["a"] == 1) and np.all(run["b"] == -1)


def test_the_function_runs_once():
    calls = []

    @lc.cell
    def counted(x, h):
        calls.append(1)
        return lc.tanh(lc.affine("h", h, x))

    p = counted.init(2, 3, 0)
    run = lc.unroll(counted, p, np.zeros((4, 1, 2), np.float32))
    run.backward({"h": np.ones((4, 1, 3), np.float32)})
    counted.step(p, np.zeros((1, 2), np.float32))
    assert calls == [1]


def test_kinds_of_arguments():
    @lc.cell
    def many(
        x,
        h,
        y=lc.sequence("K"),
        a=lc.static("L", "A"),
        e=lc.noise("H"),
        t=lc.clock,
        m=lc.state("H", 2),
        mode="on",
    ):
        h = lc.tanh(lc.affine("h", h, x, Y=y) + e) if mode == "on" else h + e
        m = lc.where(t < 2, 0.5 * m, m)
        out = lc.sum(lc.sum(a), -1)
        return h, m, lc.expand(out)

    kinds = {
        n.name: (n.op.name, *(str(d) for d in n.shape), n.batched, n.timed)
        for n in many.graph.leaves()
        if n.name
    }
    assert kinds == {
        "x": ("sequence", "D", True, True),
        "h": ("prev", "H", True, True),
        "y": ("sequence", "K", True, True),
        "a": ("static", "L", "A", True, False),
        "e": ("noise", "H", True, True),
        "t": ("clock", "1", False, True),
        "m": ("prev", "H", "2", True, True),
        "W_h": ("param", "D", "H", False, False),
        "U_h": ("param", "H", "H", False, False),
        "Y_h": ("param", "K", "H", False, False),
        "b_h": ("param", "H", False, False),
    }
    assert many.states == ("h", "m") and many.options == {"mode": "on"} and len(many.emits) == 1
    other = many.with_options(mode="off")
    assert other.options == {"mode": "off"} and not other.graph.params and many.graph.params


def test_a_nested_cell_lives_in_a_scope_of_its_own():
    @lc.cell
    def outer(x, h, c, q):
        h, c = lc.cells.lstm(x, h, c, scope="enc")
        q = lc.cells.rnn(h, q)
        return h, c, q

    names = [p.name for p in outer.graph.params]
    assert names == [f"enc.{m}_{k}" for k in "figo" for m in "WUb"] + ["rnn.W_h", "rnn.U_h", "rnn.b_h"]
    assert {"enc.f", "enc.i", "enc.g", "enc.o"} <= set(outer.names)
    shapes = outer.parameter_shapes(2, 3)
    assert shapes["enc.W_f"] == (2, 3) and shapes["rnn.W_h"] == (3, 3)
    assert np.all(outer.init(2, 3, 0)["enc.b_f"] == 1), "the nested cell keeps its own initial values"


def test_sizes_are_named_and_add_up():
    @lc.cell
    def wide(x, h, k=lc.sequence("K")):
        h = lc.tanh(lc.affine("h", h, lc.concat(x, k, h)))
        return h

    assert str(next(p for p in wide.graph.params if p.name == "W_h").shape[0]) == "D + K + H"
    assert wide.parameter_shapes(2, 3, {"K": 4})["W_h"] == (9, 3)
    assert wide.size_names() == ("D", "H", "K")


def test_dim():
    assert str(H * 4) == "4 * H" and str(H + "K" + 2) == "H + K + 2" and str(Dim()) == "0"
    assert (H * 4).parts(2) == H * 2 and (H + 3) * 2 == H * 2 + 6 and H + H * -1 == Dim()
    assert (H * 2 + "K" + 1).value({"H": 5, "K": 3}) == 14
    with pytest.raises(ValueError, match="3 . H.*2 equal parts"):
        (H * 3).parts(2)


def test_walk_gives_arguments_first_and_each_node_once():
    graph = lc.cells.lstm.graph
    seen = list(walk(graph.roots()))
    assert len(seen) == len(set(seen))
    at = {n: k for k, n in enumerate(seen)}
    assert all(at[a] < at[n] for n in seen for a in n.args)


def test_split_and_slices():
    @lc.cell
    def halves(x, h):
        a, b = lc.split(lc.affine("z", h, x, size=lc.engine.graph.Dim.of("H") * 2), 2)
        c, d = lc.split(lc.concat(a, x), "H", "D")
        h = a * lc.sigmoid(b) + 0.0 * c + lc.expand(lc.sum(d))
        return h

    p = halves.init(2, 3, 0, np.float64)
    x = np.random.default_rng(0).standard_normal((1, 2, 2))
    z = x[0] @ p["W_z"]
    expected = z[:, :3] / (1 + np.exp(-z[:, 3:])) + x[0].sum(1, keepdims=True)
    np.testing.assert_allclose(lc.unroll(halves, p, x)["h"][0], expected, atol=1e-14)


def test_a_constant_array_is_a_row_for_every_sequence():
    periods = np.array([1.0, 2.0, 4.0])

    @lc.cell
    def clockwork(x, h, t=lc.clock):
        h = lc.where(t % periods == 0, h + 1.0, h)
        return h

    run = lc.unroll(clockwork, {}, np.zeros((5, 2, 1)), state={"h": np.zeros((2, 3))})
    assert run["h"][:, 0].tolist() == [[1, 1, 1], [2, 1, 1], [3, 2, 1], [4, 2, 1], [5, 3, 2]]
    assert np.array_equal(run["h"][:, 0], run["h"][:, 1])


def test_conditions_combine():
    @lc.cell
    def between(x, h):
        a = (x > -1.0) & (x < 1.0)
        b = (x < -2.0) | ~(x <= 2.0)
        h = lc.where(a, 1.0, lc.where(b, 3.0, 2.0)) + 0.0 * h
        return h

    x = np.array([-2.5, -1.5, 0.0, 1.5, 2.5]).reshape(1, 1, 5)
    run = lc.unroll(between, {}, x, state={"h": np.zeros((1, 5))})
    assert run["h"].ravel().tolist() == [3, 2, 1, 2, 3]


def test_two_threads_trace_at_once():
    made, errors = {}, []

    def work(k):
        try:
            for _ in range(10):

                @lc.cell
                def one(x, h):
                    u = lc.affine("u", h, x)
                    h = lc.tanh(u) * float(k)
                    return h

                made[k] = one
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert all([n.attrs["value"] for n in c.graph.leaves("const")][0] == k for k, c in made.items())


# What is refused. Each function below is a cell with one fault, marked by a comment at the end of its line.


def branches(x, h):
    if h > 0:  # fault
        h = x
    return h


def loops(x, h):
    while x:  # fault
        h = h + x
    return h


def uses_and(x, h):
    h = lc.where(x > 0 and h > 0, x, h)  # fault
    return h


def iterates(x, h):
    for part in h:  # fault
        h = part
    return h


def numpy_ufunc(x, h):
    h = np.tanh(h)  # fault
    return h


def numpy_ufunc_without_its_like(x, h):
    h = np.arctan(h)  # fault
    return h


def array_times_a_matrix(x, h):
    h = np.ones((2, 2)) @ h  # fault
    return h


def a_condition_as_a_state(x, h):
    h = h > x  # fault
    return h


def a_condition_handed_on_as_a_state(x, h):
    return lc.where(x > 0.0, h > x, True)  # fault


def a_name_of_a_learned_start(x, h=lc.state(init="learned")):
    h = h + lc.param("h_0", "H")  # fault
    return h


def parts_that_do_not_add_up(x, h):
    a, b = lc.split(lc.affine("a", h, x, size=6), 3, 2)  # fault
    return h + lc.expand(lc.sum(a) + lc.sum(b))


def numpy_function(x, h):
    h = np.concatenate([x, h])  # fault
    return h


def numpy_asarray(x, h):
    h = np.asarray(h)  # fault
    return h


def math_function(x, h):
    h = math.tanh(h)  # fault
    return h


def length(x, h):
    n = len(h)  # fault
    return h * n


def builtin_max(x, h):
    h = max(x, h)  # fault
    return h


def subscript(x, h):
    h = h[0]  # fault
    return h


def method(x, h):
    h = h.sum()  # fault
    return h


def unknown_function(x, h):
    h = tahn(h)  # noqa: F821  # fault
    return h


def cube(x, h):
    h = h**3  # fault
    return h


def text(x, h):
    h = h * "2"  # fault
    return h


def two_meanings(x, h):
    a = lc.tanh(lc.affine("a", h, x))
    a = a * 2.0  # fault
    h = a + h
    return h


def two_meanings_at_the_end(x, h):
    a = lc.tanh(lc.affine("a", h, x))
    b = lc.sigmoid(a)
    a = b * 2.0  # fault
    return a


def state_rebound_twice(x, h):
    h = lc.tanh(h)
    h = h * 2.0  # fault
    return h


def input_rebound(x, h):
    x = lc.tanh(x)  # fault
    h = h + x
    return h


def in_a_loop(x, h):
    for _ in range(3):
        a = lc.tanh(h)  # fault
    return a


def one_label_twice(x, h):
    a = lc.affine("z", h, x)
    h = a + lc.affine("z", x, h)  # fault
    return h


def parameter_of_two_shapes(x, h):
    a = h @ lc.param("W", "H", "H")
    h = a + x @ lc.param("W", "D", "H")  # fault
    return h


def layer_of_a_number(x, h):
    h = lc.affine("z", h, 2.0)  # fault
    return h


def layer_of_nothing(x, h):
    h = lc.affine("z", bias=False) + h  # fault
    return h


def operand_given_twice(x, h):
    h = lc.affine("z", h, U=x)  # fault
    return h


def ranks(x, h, a=lc.static("L", "A")):
    h = h * a  # fault
    return h


def matrix_of_rank_one(x, h):
    h = h @ lc.param("p", "H")  # fault
    return h


def matrix_per_sequence(x, h, a=lc.static("H", "H")):
    h = h @ a  # fault
    return h


def axis_that_is_not_there(x, h):
    h = lc.expand(lc.sum(h, -2)) + h  # fault
    return h


def softmax_over_the_batch(x, h):
    h = lc.softmax(h, -2)  # fault
    return h


def matmul_of_two_ranks(x, h, a=lc.static(3, 2), b=lc.static(4, 2, 3)):
    y = lc.matmul(a, b)  # fault
    return 0.5 * h, y


def number_as_condition(x, h):
    h = lc.where(h, 0.5 * h, h)  # fault
    return h


def both_of_numbers(x, h):
    h = lc.where((h > 0) & h, 0.5 * h, h)  # fault
    return h


KEPT = []


@lc.cell
def keeps(x, h):
    KEPT.append(lc.tanh(x))
    return 0.5 * h


def node_of_another_cell(x, h):
    h = h + KEPT[0] @ lc.param("W", "D", "H")  # fault
    return h


def sizes_that_differ(x, h):
    h = h + x @ lc.param("W", "D", 3) * lc.param("q", 4)  # fault
    return h


def concat_along_the_batch(x, h):
    h = lc.concat(x, h, axis=0)  # fault
    return h


def half_of_an_odd_size(x, h):
    a, _ = lc.split(h, 2)  # fault
    return a


def too_many_for_a_nested_cell(x, h):
    h = lc.cells.rnn(x, h, h)  # fault
    return h


def too_few_for_a_nested_cell(x, h):
    h = lc.cells.rnn(x)  # fault
    return h


def unknown_argument_of_a_nested_cell(x, h):
    h = lc.cells.rnn(x, h, gate=h)  # fault
    return h


def scope_twice(x, h):
    a = lc.cells.rnn(x, h)
    h = lc.cells.rnn(a, h)  # fault
    return h


def list_of_words(x, h):
    h = h * np.array(["a", "b"])  # fault
    return h


# each with what its message says
REFUSED = {
    branches: "cannot branch on the value",
    loops: "cannot branch on the value of <x: sequence",
    uses_and: "cannot branch on the value",
    iterates: "cannot iterate over.*split",
    numpy_ufunc: r"np\.tanh was given <h: prev.*write lc\.tanh",
    numpy_ufunc_without_its_like: r"np\.arctan was given <h: prev.*use the functions of lstmcourse",
    array_times_a_matrix: r"np\.matmul was given <h: prev.*write lc\.dot",
    a_condition_as_a_state: r"next value of state 'h' is a condition.*where\(condition, 1.0, 0.0\)",
    a_condition_handed_on_as_a_state: r"next value of state 'h' is a condition",
    a_name_of_a_learned_start: r"parameter 'h_0' exists already \(start of h, which is learned\)",
    parts_that_do_not_add_up: r"parts of split add up to 5, and the axis that they divide has 6",
    numpy_function: r"concatenate is not known to the tracer",
    numpy_asarray: "a NumPy function wanted the values of <h: prev",
    math_function: "not one of lstmcourse wanted the value of <h: prev",
    length: r"cannot take len\(\) of",
    builtin_max: "cannot branch on the value",
    subscript: "subscriptable",
    method: "'sum'",
    unknown_function: "'tahn' is not defined",
    cube: r"only the square.*3",
    text: "wanted the value of <h: prev",
    two_meanings: "name 'a' already stands for another equation",
    two_meanings_at_the_end: "name 'a' already stands for another equation",
    state_rebound_twice: "name 'h' already stands for another equation",
    input_rebound: "name 'x' already stands for another equation",
    in_a_loop: "name 'a' already stands for another equation",
    one_label_twice: "layer 'z' exists already",
    parameter_of_two_shapes: r"parameter 'W' has shape \(H, H\) already.*asked for with \(D, H\)",
    layer_of_a_number: r"affine\('z'\): operand W is 2.0",
    layer_of_nothing: "neither operands nor a bias",
    operand_given_twice: r"affine\('z'\): operand U is given twice, as h and as U=; give it once",
    ranks: r"same number of axes.*expand",
    matrix_of_rank_one: r"matrix \(n, m\), and was given 1 axes",
    matrix_per_sequence: r"shared by all sequences.*matmul",
    axis_that_is_not_there: "axis -2 needs at least 2 axes",
    softmax_over_the_batch: "axis -2 needs at least 2 axes",
    matmul_of_two_ranks: "same number of axes",
    number_as_condition: r"where was given <h: prev.*a condition is a comparison",
    both_of_numbers: r"both was given <h: prev.*a condition is a comparison",
    node_of_another_cell: r"<tanh: tanh, shape \(T, B, D\)> was made in another cell",
    sizes_that_differ: "sizes 3 and 4 do not fit",
    concat_along_the_batch: "counted from the right",
    half_of_an_odd_size: "cannot be divided into 2 equal parts",
    too_many_for_a_nested_cell: "rnn takes x, h by position, and was given 3",
    too_few_for_a_nested_cell: "needs its state 'h'",
    unknown_argument_of_a_nested_cell: r"no argument 'gate'.*'x', 'h'",
    scope_twice: "scope 'rnn' is used already.*scope=",
    list_of_words: "neither a number nor an array",
}


def line_of_the_fault(function):
    code = function.__code__
    with open(code.co_filename) as file:
        lines = file.read().splitlines()
    return next(n for n in range(code.co_firstlineno, len(lines) + 1) if lines[n - 1].endswith("# fault"))


@pytest.mark.parametrize("function", REFUSED, ids=lambda f: f.__name__)
def test_what_cannot_be_traced_is_refused_with_its_line(function):
    with pytest.raises(lc.CellDefinitionError) as info:
        lc.cell(function)
    message = str(info.value)
    assert re.search(REFUSED[function], message, re.DOTALL), message
    assert f"test_graph.py, line {line_of_the_fault(function)}" in message, message


def test_two_meanings_name_both_lines():
    with pytest.raises(lc.CellDefinitionError) as info:
        lc.cell(two_meanings)
    first = two_meanings.__code__.co_firstlineno + 1
    assert [int(n) for n in re.findall(r"line (\d+)", str(info.value))] == [first + 1, first]


def test_what_is_returned_is_checked():
    def given(x, h, c):
        return RETURNS(x, h, c)  # noqa: F821

    cases = [
        (lambda x, h, c: (0.5 * h,), "has 2 states .h, c. and returned 1"),
        (lambda x, h, c: (), "has 2 states .h, c. and returned"),
        (lambda x, h, c: (c, h), "value of state 'c'.*in the place of state 'h'"),
        (lambda x, h, c: (0.5 * h, h), "value of state 'h'.*in the place of state 'c'"),
        (lambda x, h, c: (0.5 * h, 1.0), "returned 1.0, which is not a value"),
        (lambda x, h, c: None, "returned None"),
        (lambda x, h, c: [h, c], "returned .*which is not a value"),
        (lambda x, h, c: (lc.expand(h), c), "next value of state 'h'"),
    ]
    for returns, message in cases:
        space = {"RETURNS": returns}
        function = type(given)(given.__code__, space, "given")
        at = rf"^test_graph\.py, line {given.__code__.co_firstlineno}: cell 'given'.*"
        at = at if "next value of state" not in message else ""  # that one has the line of the equation
        with pytest.raises(lc.CellDefinitionError, match=at + message):
            lc.cell(function)


def test_a_state_under_another_name_in_the_wrong_place():
    with pytest.raises(lc.CellDefinitionError, match="value of state 'c'.*in the place of state 'h'"):

        @lc.cell
        def crossed(x, h, c):
            c = 0.5 * c + 0.5 * h
            h = lc.tanh(c)
            return c, h


def test_a_state_name_for_something_that_is_not_its_next_value():
    with pytest.raises(lc.CellDefinitionError, match="'h' was given a new meaning.*test_graph.py, line"):

        @lc.cell
        def lost(x, h):
            h = lc.tanh(lc.affine("h", h, x))
            other = 0.5 * h
            return other


def test_signatures_are_checked():
    def star(x, *states):
        return states

    def nothing():
        return 1

    def taken(x, h, lengths):
        return h, lengths

    def initial(x, h, h0):
        return h, h0

    def default(x, h, a=np.zeros(3)):
        return h

    for function, message in [
        (star, rf"test_graph\.py, line {star.__code__.co_firstlineno}: cell 'star': \*states says nothing"),
        (nothing, "has no arguments"),
        (taken, "cannot be called 'lengths'"),
        (initial, "cannot be called 'h0'"),
        (default, r"argument a=.*static\(...\), noise\(...\)"),
    ]:
        with pytest.raises(lc.CellDefinitionError, match=message):
            lc.cell(function)


def test_starts_of_states_are_checked():
    for start, message in [
        ("learnt", "'learned' nor a function"),
        (lambda b: b, "asks for 'b', which is not a static input.*'a'"),
        (lambda a: a, r"its start is .*needs shape \(H\)"),
        (lambda a: 1.0, "its start is 1.0"),
    ]:

        def started(x, h=lc.state("H", init=start), a=lc.static("L", "A")):
            return 0.5 * h

        with pytest.raises(lc.CellDefinitionError, match=message):
            lc.cell(started)


def test_a_nested_cell_that_reads_the_clock_needs_one():
    @lc.cell
    def due(x, h, t=lc.clock):
        return lc.where(t % 2 == 0, x @ lc.param("W", "D", "H"), h)

    with pytest.raises(lc.CellDefinitionError, match="reads the clock.*t=clock"):

        @lc.cell
        def outer(x, h):
            h = due(x, h)
            return h


def test_operations_outside_a_cell_are_refused():
    kept = []

    @lc.cell
    def leaking(x, h):
        kept.append(h)
        return 0.5 * h

    for use in (lambda: kept[0] + 1.0, lambda: lc.tanh(kept[0]), lambda: lc.param("W", 2, 3)):
        with pytest.raises(lc.CellDefinitionError, match="only while a cell is traced"):
            use()


def test_the_trace_leaves_nothing_behind():
    """After a refusal the next cell is traced as if nothing had been."""
    before = sys.getrefcount(branches)
    for _ in range(3):
        with pytest.raises(lc.CellDefinitionError):
            lc.cell(branches)
    assert lc.cell(lc.cells.rnn.function).graph.params
    with pytest.raises(lc.CellDefinitionError, match="only while a cell is traced"):
        lc.param("W", 1)
    assert sys.getrefcount(branches) <= before + 3


def test_comprehensions_are_read_alike_in_every_python():
    @lc.cell
    def parts(x, h):
        a = lc.concat(*[lc.tanh(p) * k for k, p in enumerate(lc.split(lc.affine("a", h, x, size=4), 4))])
        h = sum([lc.sin(p) for p in (a, h)][1:], 0.0) + lc.expand(lc.sum(a))
        return h

    assert parts.names == ("h", "a")


def test_a_cell_inside_another_keeps_its_options_and_what_is_held():
    open_gate = lc.cells.lstm.override(f=1.0)
    layers = lc.stack([open_gate])
    params = layers.init(input_size=2, hidden_size=3, rng=0, dtype=np.float64)
    x = np.random.default_rng(0).standard_normal((4, 2, 2))
    alone = lc.unroll(open_gate, {k.removeprefix("0."): p for k, p in params.items()}, x)
    assert np.array_equal(lc.unroll(layers, params, x)["h"], alone["h"])
    assert not np.allclose(
        lc.unroll(lc.cells.lstm, {k[2:]: p for k, p in params.items()}, x)["h"], alone["h"]
    )


def test_sizes_of_a_nested_cell_are_those_of_its_arguments():
    @lc.cell
    def outer(x, h, s=lc.state("K")):
        both = lc.concat(x, h)
        h, s = lc.cells.rnn(both, h, scope="a"), lc.cells.rnn(x, s, scope="b")
        return h, s

    shapes = outer.parameter_shapes(input_size=2, hidden_size=3, sizes={"K": 5})
    assert shapes["a.W_h"] == (5, 3) and shapes["b.W_h"] == (2, 5) and shapes["b.U_h"] == (5, 5)


RNG, LEGACY, STDLIB = np.random.default_rng(0), np.random.RandomState(0), random.Random(0)
HELD = {"rng": np.random.default_rng(0)}


def dropped(h):
    """A helper that draws."""
    return h * np.random.default_rng().random()


CHANCE = {
    "np.random, an array": lambda x, h: h + np.random.randn(3),
    "np.random, a coin": lambda x, h: h * np.random.choice([0.0, 1.0]),
    "np.random decides what is done": lambda x, h: lc.tanh(h) if np.random.random() < 0.5 else lc.sigmoid(h),
    "a generator": lambda x, h: h + RNG.standard_normal(3),
    "a generator, a coin": lambda x, h: h * float(RNG.integers(0, 2)),
    "a generator decides": lambda x, h: lc.tanh(h) if RNG.random() < 0.5 else lc.sigmoid(h),
    "a generator in a dict": lambda x, h: h + HELD["rng"].random(),
    "a generator of its own": lambda x, h: h + np.random.default_rng().random(),
    "the old kind": lambda x, h: h * LEGACY.rand(),
    "the standard library": lambda x, h: h * random.random(),
    "an object of the standard library": lambda x, h: h * STDLIB.choice([0.5, 1.0]),
    "the operating system": lambda x, h: h * random.SystemRandom().random(),
    "a helper": lambda x, h: dropped(h),
    "the time": lambda x, h: h * (time.perf_counter() % 1.0),
    "the start of a state": lambda x, h=lc.state(init=lambda a: a * random.random()), a=lc.static("H"): h + a,
    "a parameter's start": lambda x, h: h + lc.param("b", "H", init=RNG.random()),
    "an option's branch": lambda x, h, on=True: h * RNG.random() if on else h,
}


@pytest.mark.parametrize("road", CHANCE)
def test_chance_is_refused_in_a_cell(road):
    """What is drawn in a trace is drawn once for ever; noise is given by the caller."""
    with pytest.raises(lc.CellDefinitionError, match=r"test_graph.py, line \d+: .*draws at random.*e=noise"):
        lc.cell(CHANCE[road])


def test_chance_is_refused_by_an_option_and_in_a_table():
    family = lc.cell(lambda x, h, on=False: h * RNG.random() if on else lc.tanh(h))
    with pytest.raises(lc.CellDefinitionError, match="draws at random"):
        family.with_options(on=True)
    with pytest.raises(lc.CellDefinitionError, match="draws at random"):
        lc.cell(lambda x, h: family(h, h, on=True))
    drawn = lc.cell(lambda x, h: h * lc.table("k", lambda H: RNG.random(H), "H"))
    with pytest.raises(lc.CellDefinitionError, match="table 'k'.*other numbers each time.*e=noise"):
        lc.unroll(drawn, {}, np.zeros((1, 1, 2)), state={"h": np.zeros((1, 3))})


def test_numbers_that_are_the_same_each_time_are_welcome():
    """A reservoir drawn from a seed; a computed row; a draw that leads to nothing."""
    fixed = lc.cell(lambda x, h: h * np.random.default_rng(0).random(3) + np.arange(3.0) / 7)
    assert len(fixed.graph.leaves("const")) == 3
    idle = lc.cell(lambda x, h: lc.tanh(h) if np.random.random() < 2.0 else h)
    assert [n.op.name for n in idle.graph.nodes if n.args] == ["tanh"]
