"""Where the compiled printer puts values: in buffers, in parts of them, in each other's place."""

from dataclasses import replace

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.compiled.memory import Memory
from lstmcourse.compiled.order import Order
from lstmcourse.compiled.sizes import ONE, Poly, contiguous, count
from lstmcourse.programs.walk import Walk
from lstmcourse.run.recipe import lower, lower_backward

SIZES = {"T": 3, "B": 2, "D": 4, "H": 5, "t": 1}


def memory_of(graph):
    walk = Walk(graph, {}, {}, graph, {}, False)
    walk.leaves()
    return Memory(walk, Order(walk))


def backward_memory(cell, keep=()):
    """Of the program for the gradients of h, in which some states' gradients are kept for every step."""
    forward = cell.compiled(dtype=np.dtype(np.float32))
    graph = lower_backward(forward.graph, ["h"], set(forward.saved))
    store = graph.outputs | {s.name: s.next for s in graph.states if s.name in keep}
    walk = Walk(graph, store, forward.saved, graph, {}, True)
    walk.leaves()
    return Memory(walk, Order(walk))


def lowered(function, **options):
    return lower(lc.cell(function).graph, merged=("add",), **options)


def numbers(ref, sizes=SIZES):
    """The places of a value's elements in its variable, at one step, for all sequences."""
    at = ref.offset + (ref.time * "t" if ref.time is not None else 0)
    index = np.full((1,) * (len(ref.shape) + 1), at.value(sizes))
    axes = [("B" if ref.batch is not None else 1, ref.batch or 0), *zip(ref.shape, ref.strides, strict=True)]
    for k, (extent, stride) in enumerate(axes):
        steps = np.arange(Poly.of(extent).value(sizes)) * Poly.of(stride).value(sizes)
        index = index + steps.reshape([-1 if j == k else 1 for j in range(len(axes))])
    return index


def test_polynomials_are_numbers_whose_sizes_come_later():
    a, b = Poly.of("B") * (Poly.of("H") * 4) + 2, Poly.of("H") + Poly.of("D") * -3
    for sizes in (SIZES, {"B": 7, "H": 11, "D": 13}):
        left, right = 4 * sizes["B"] * sizes["H"] + 2, sizes["H"] - 3 * sizes["D"]
        assert (a.value(sizes), b.value(sizes)) == (left, right)
        assert (a + b).value(sizes) == left + right and (a * b).value(sizes) == left * right
        assert eval(str(a * b), dict(sizes)) == left * right, "its text says the same"
    assert a * b == b * a and a + b * 0 == a


def test_strides_are_those_of_an_array_in_one_piece():
    axes = tuple(map(Poly.of, ("T", "B", "H")))
    there = np.empty([a.value(SIZES) for a in axes])
    assert [s.value(SIZES) * there.itemsize for s in contiguous(axes)] == list(there.strides)
    assert count(axes).value(SIZES) == there.size


def test_a_state_has_a_row_more_than_steps_and_is_read_one_row_before_it_is_written():
    memory = memory_of(lowered(lc.cells.rnn.function))
    (s,) = memory.graph.states
    before, after = memory.ref(s.prev), memory.ref(s.next)
    assert memory.buffers[before.variable].axes == (Poly.of("T") + 1, Poly.of("B"), Poly.of("H"))
    assert replace(before, offset=after.offset) == after
    assert np.array_equal(numbers(after) - numbers(before), np.full((2, 5), 2 * 5))


def test_a_state_that_runs_backwards_is_read_one_row_after():
    memory = memory_of(lower(lc.bidirectional(lc.cells.rnn).graph, merged=("add",)))
    (s,) = [s for s in memory.graph.states if s.reverse]
    assert np.all(numbers(memory.ref(s.prev)) - numbers(memory.ref(s.next)) == 2 * 5)


def test_parts_side_by_side_are_computed_in_place():
    """The gradients of the gates: one buffer, no two of them overlap, and none is copied."""
    memory = backward_memory(lc.cells.lstm)
    assert len(memory.home) >= 4
    for whole in set(memory.home.values()):
        parts = [a for a in whole.args if memory.home.get(a) is whole]
        places = [numbers(memory.ref(a)).ravel() for a in parts]
        assert {memory.ref(a).variable for a in parts} == {memory.ref(whole).variable}
        assert len(np.unique(np.concatenate(places))) == sum(map(len, places)), "no two overlap"
        assert set(np.concatenate(places)) <= set(numbers(memory.ref(whole)).ravel())


def test_a_sum_lies_where_its_summand_lay():
    memory = memory_of(lowered(lc.cells.lstm.function))
    sums = [n for n in memory.order.addend if memory.order.may_take(memory.order.addend[n], n)]
    assert sums
    for n in sums:
        there, here = memory.ref(memory.order.addend[n]), memory.ref(n)
        assert there.variable == here.variable and np.array_equal(numbers(there), numbers(here))


@pytest.mark.parametrize("keep", [False, True])
def test_a_gradient_that_nobody_asks_for_is_written_over(keep):
    names = [s.name for s in backward_memory(lc.cells.lstm).graph.states]
    memory = backward_memory(lc.cells.lstm, names if keep else ())
    over = [memory.ref(s.next) == memory.ref(s.prev) for s in memory.graph.states]
    assert any(over) is not keep


def test_views_take_no_memory():
    def step(x, h):
        a = lc.affine("a", h, x)
        h = lc.tanh(a)
        return h

    memory = memory_of(lowered(step))
    graph = memory.graph
    for node in graph.nodes:
        if node.op.name == "slice":
            whole, part = memory.ref(node.args[0]), memory.ref(node)
            assert part.variable == whole.variable and part.strides[-1] == ONE
            assert set(numbers(part).ravel()) <= set(numbers(whole).ravel())


def test_an_outer_product_that_a_later_loop_reads_is_not_stored_for_all_steps():
    """A memory of H x H numbers is stored once for each step, in the forward program, and its gradient once.

    What is summed up as it is made is not stored at all.
    """
    made = lc.cells.mlstm.compiled(dtype=np.dtype(np.float32))
    large = {
        name: axes
        for program in (made.forward, made.backward(("h",))[0])
        for name, buffer in program.buffers.items()
        if (axes := tuple(map(str, buffer.axes)))[-2:] == ("H", "H")
    }
    assert large == {"c": ("T + 1", "B", "H", "H"), "d_c": ("B", "H", "H")}
