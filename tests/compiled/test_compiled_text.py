"""The text of the compiled printer: loop nests that do what NumPy does, run as plain Python."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from corner_cells import CELLS as CORNERS

import lstmcourse as lc
from lstmcourse.compiled.calls import Calls
from lstmcourse.compiled.loops import Loops
from lstmcourse.compiled.memory import Memory, Ref
from lstmcourse.compiled.order import Order
from lstmcourse.compiled.printer import LONG, divided
from lstmcourse.compiled.program import CompiledProgram, NotCompiled
from lstmcourse.compiled.sizes import ONE, ZERO, Poly
from lstmcourse.programs.walk import Walk
from lstmcourse.run.recipe import compile_graph

CELLS = {name: lc.cells.get(name) for name in lc.cells.names()} | CORNERS
SIZES = {"T": 3, "B": 2, "H": 4, "K": 5}
B, H, K = map(Poly.of, ("B", "H", "K"))


class Pointer:
    """An address into a list of numbers, as compiled programs have them."""

    def __init__(self, cells, at=0):
        self.cells, self.at = cells, at

    def __add__(self, by):
        return Pointer(self.cells, self.at + by)

    def __getitem__(self, k):
        return self.cells[self.at + k]

    def __setitem__(self, k, value):
        self.cells[self.at + k] = value


def free_names():
    numbers = itertools.count()
    return lambda text: f"{text}_{next(numbers)}"


def run(lines, **arrays):
    space = {k: Pointer(a.reshape(-1)) for k, a in arrays.items()}
    exec("\n".join(lines), {**SIZES, **space, "F": float, "t": 1, "first": 0, "last": SIZES["B"]})


def whole(name, batched=True, timed=False, shape=(H,)):
    """All of an array in one piece."""
    strides, size = [], ONE
    for extent in reversed(shape):
        strides.insert(0, size)
        size = size * extent
    time, batch = size * B if timed else None, size if batched else None
    return Ref(name, shape, tuple(strides), time=time, batch=batch, label=name)


@pytest.mark.parametrize("inside", [False, True])
def test_a_nest_does_what_broadcasting_does(inside):
    rng = np.random.default_rng(0)
    a, row, out = rng.standard_normal((3, 2, 4)), rng.standard_normal(4), np.zeros((3, 2, 4))
    loops = Loops(free_names(), inside)
    refs = [whole("out", timed=True), whole("a", timed=True), whole("w", batched=False)]
    run(
        loops.nest(loops.axes(True, True, [H]), refs, lambda at, _: [f"{at[0]} = {at[1]} * {at[2]}"]),
        a=a, w=row, out=out,
    )  # fmt: skip
    expected = a * row
    if inside:  # the step at hand alone
        expected[[0, 2]] = 0
    np.testing.assert_array_equal(out, expected)


def test_as_few_loops_as_the_strides_allow():
    loops = Loops(free_names(), inside=False)
    axes = loops.axes(True, True, [H])
    one = loops.merged(axes, [whole("a", timed=True), whole("out", timed=True)])
    assert [str(size) for _, size, *_ in one] == ["B * H * T"]
    two = loops.merged(axes, [whole("a", timed=True), whole("w", batched=False)])
    assert [str(size) for _, size, *_ in two] == ["B * T", "H"]
    turned = replace(whole("a", shape=(H, K)), strides=(ONE, H))
    assert len(loops.merged(loops.axes(True, False, [H, K]), [turned, whole("b", shape=(H, K))])) == 3


def test_an_axis_of_length_one_is_repeated_and_other_sizes_must_be_equal():
    loops = Loops(free_names(), inside=False)
    narrow = replace(whole("a"), shape=(ONE,))
    assert loops.merged([("", H)], [narrow])[0][3] == [ZERO] and not loops.equal
    loops.merged([("", H)], [whole("a", shape=(K,))])
    assert loops.equal == {(K, H)}, "to be checked when the sizes are known"


def test_rows_that_threads_share_lie_between_first_and_last():
    refs = [whole("a", timed=True).drop(-1), whole("out", timed=True).drop(-1)]
    outside, inside = Loops(free_names(), False), Loops(free_names(), True)
    axes = outside.axes(True, True, [])
    assert str(outside.shareable(axes, refs)) == "B * T" and inside.shareable(axes, refs) is None
    (line,) = outside.rows(axes, refs, lambda m, p, steps: [f"{m}; {p}; {steps[0]}"], share=True)
    assert line == "last - first; ['a + (H * first)', 'out + (H * first)']; H"


def test_loops_are_called_after_what_they_count():
    """By themselves steps and rows have their names; elements, and what was merged, have numbers."""
    turned = replace(whole("a", timed=True, shape=(H, K)), strides=(ONE, H))
    apart = replace(turned, time=turned.time + 1, batch=turned.batch + 1)
    together = replace(turned, time=None, strides=(ZERO, ZERO), batch=None)
    write = lambda at, _: [f"{at[0]} = {at[1]}"]

    def heads(refs, inside=False, shape=(H, K), rows=False):
        loops = Loops(free_names(), inside)
        axes = loops.axes(True, True, shape)
        lines = loops.rows(axes, refs, lambda m, p, s: []) if rows else loops.nest(axes, refs, write)
        return [line.strip() for line in lines if "for " in line]

    out = whole("out", timed=True, shape=(H, K))
    apiece, last = ["for t in range(T):", "for row in range(B):", "for k3 in range(H):"], "for k in range(K):"
    assert heads([out, apart]) == [*apiece, last] and heads([out, apart], rows=True) == apiece
    assert heads([out, apart], inside=True) == ["for row in range(first, last):", "for k2 in range(H):", last]
    assert heads([out, turned]) == ["for k1 in range(B * T):", "for k2 in range(H):", last]
    assert heads([out, turned], rows=True) == ["for k1 in range(B * T):", "for k2 in range(H):"]
    assert heads([out, together]) == ["for k in range(B * H * K * T):"]


def test_what_is_read_once_is_written_where_it_is_read():
    def step(x, h):
        return lc.tanh((h + 1.0) * x + (h + 2.0) * x + (h + 2.0) + lc.square(h + 3.0))

    cell = lc.cell(step)
    text = compile_graph(cell.graph, gradients=False, dtype=np.dtype(np.float32)).forward.text
    lines = text.partition("for k in range(H):\n")[2].splitlines()
    assert [line.strip() for line in lines if line] == [
        "a_k = h_row[k] + F(2.0)",
        "a_k_2 = (h_row[k] + F(3.0))",
        "a_k_3 = ((((h_row[k] + F(1.0)) * x_row[k]) + (a_k * x_row[k])) + a_k) + (a_k_2 * a_k_2)",
        "tanh_a_k = tanh(a_k_3)",
        "h_row_2[k] = tanh_a_k",
    ], "what is squared is read twice; a long line ends"


def test_conditions_are_made_numbers_where_they_are_computed_with():
    def step(x, h):
        h = 0.5 * h + (h > 0.0) * x + lc.where(lc.where(h > 1.0, h > 2.0, h > 3.0), h, x)
        return h

    cell = lc.cell(step)
    text = compile_graph(cell.graph, gradients=False, dtype=np.dtype(np.float32)).forward.text
    assert "(F((h_row[k] > F(0.0))) * x_row[k])" in text
    assert "select(select((h_row[k] > F(1.0)), (h_row[k] > F(2.0)), (h_row[k] > F(3.0))), " in text


@pytest.mark.parametrize("name", CELLS)
def test_no_program_is_left_to_numpy(name):
    """Neither what is printed, nor sizes: none have to be equal by chance, as those of a wrong nest would."""
    cell = CELLS[name]
    made = cell.compiled(dtype=np.dtype(np.float64))
    for program in (made.forward, made.backward((*cell.states, *cell.emits))[0]):
        assert isinstance(program, CompiledProgram) and not program.equal


def calls_of(function, inside=True):
    graph = lc.cell(function).graph
    walk = Walk(graph, {}, {}, graph, {}, False)
    walk.leaves()
    order = Order(walk)
    memory = Memory(walk, order)
    return Calls(walk, order, memory, Loops(walk.free_name, inside), {}), graph


def test_a_matrix_is_packed_once_ahead_of_the_loop():
    def step(x, h, c):
        U = lc.param("U", "H", "H")
        h = lc.tanh(h @ U + x)
        c = lc.tanh(c @ U + x)
        return h, c

    calls, graph = calls_of(step)
    made = [calls.statements(n) for n in graph.nodes if n.op.name == "dot"]
    assert len(made) == 2 and len(calls.packing) == len(calls.packed) == 1
    (tiles,) = calls.packed.values()
    assert all(f", {tiles}" in "".join(m.lines) for m in made)
    assert {str(m.work) for m in made} == {"H * H"} and all(m.rows is None for m in made)


def test_what_cannot_be_written_is_left_to_numpy():
    calls, graph = calls_of(lc.cells.rnn.function)
    strange = replace(graph.nodes[-1].op, name="strange", kind="axis")
    node = graph.nodes[-1]
    node.op = strange
    with pytest.raises(NotCompiled, match="strange"):
        calls.statements(node)


def test_a_long_step_is_divided_where_nothing_but_memory_is_handed_on():
    lines = [str(k) for k in range(3 * LONG)]
    parts = divided(lines, list(range(0, 3 * LONG, 7)))
    assert sum(parts, []) == lines and [int(part[0]) % 7 for part in parts] == [0, 0, 0]
    assert all(LONG - 7 <= len(part) <= LONG + 7 for part in parts)
    assert divided(lines, [0]) == [lines]  # one loop nest is never torn apart

    text = lc.cells.draw.with_options(attention=True).source(backend="numba", backward=True)
    heads = [line for line in text.splitlines() if line.startswith("def ")]
    steps = [head[4:-1] for head in heads if "(sizes, at, t, " in head]
    assert len(steps) > 3 and all(text.count(f"\n        {step}\n") == 1 for step in steps)
    assert "_step(" not in lc.cells.lstm.source(backend="numba", backward=True)
