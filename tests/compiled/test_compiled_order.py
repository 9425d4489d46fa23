"""What the compiled printer puts into one loop nest, and in which order; Numba is not needed."""

import pytest

import lstmcourse as lc
from lstmcourse.compiled.order import Group, Order, wait_for_loops
from lstmcourse.engine.graph import Dim
from lstmcourse.programs.passes import schedule
from lstmcourse.programs.walk import Walk
from lstmcourse.run.recipe import lower


def order_of(function):
    cell = function if isinstance(function, lc.Cell) else lc.cell(function)
    graph = lower(cell.graph, merged=("add",))
    walk = Walk(graph, {}, {}, graph, {}, False)
    return Order(walk)


def steps(order, loop=True):
    """The loop's steps: a set of operations for what is fused, a name for a call."""
    (k,) = [k for k, s in enumerate(order.sections) if s.loop == loop]
    return [{n.op.name for n in s.nodes} if isinstance(s, Group) else s.op.name for s in order.steps[k]]


def test_work_between_two_products_is_one_group():
    def step(x, h):
        h = lc.sigmoid(lc.affine("h", U=h)) * x
        return h

    assert steps(order_of(step)) == ["dot", {"add", "sigmoid", "mul"}]


def test_the_gates_of_an_lstm_are_one_group_after_one_product():
    found = steps(order_of(lc.cells.lstm))
    assert [s for s in found if isinstance(s, str)] == ["add"], "the product adds to what the input gave"
    (group,) = [s for s in found if isinstance(s, set)]
    assert {"sigmoid", "tanh", "mul", "add"} <= group


def test_a_product_adds_to_the_other_summand():
    order = order_of(lc.cells.lstm)
    (total,) = [n for n in order.product if order.sections[order.where[n]].loop]
    assert order.product[total].op.name == "dot" and order.product[total] in order.absorbed
    assert order.addend[total] in total.args and order.addend[total] is not order.product[total]


def test_a_sum_takes_no_storage_that_is_read_again():
    """Nor that of a value which a run shows, nor that of parts which are laid side by side."""

    def once(x, h):
        return lc.tanh(lc.exp(h) + h @ lc.param("U", "H", "H"))

    def twice(x, h):
        return (lambda e: lc.tanh(e + h @ lc.param("U", "H", "H")) * e)(lc.exp(h))

    def beside(x, h):
        U = lc.param("U", "H", Dim.of("H") * 2)
        return (lambda e: h * lc.expand(lc.sum(lc.concat(e, h) + h @ U)) * e)(lc.exp(h))

    def may_take(function, shown=False):
        graph = lower(lc.cell(function).graph)
        (total,) = [n for n in graph.nodes if n.op.name == "add"]
        (other,) = [a for a in total.args if a.op.name != "dot"]
        return Order(Walk(graph, {"e": other} if shown else {}, {}, graph, {}, False)).may_take(other, total)

    assert may_take(once)
    assert not may_take(twice) and not may_take(once, shown=True) and not may_take(beside)


def test_what_the_c_library_computes_has_a_loop_of_its_own():
    def step(x, h):
        h = lc.tanh(h) + lc.sin(h) * x
        return h

    groups = [s for s in steps(order_of(step)) if isinstance(s, set)]
    assert {"sin"} in groups and all(g == {"sin"} or "sin" not in g for g in groups)


def test_nothing_is_done_before_what_it_needs():
    for name in lc.cells.names():
        order = order_of(lc.cells.get(name))
        for k, section in enumerate(order.sections):
            at = order.position(k)
            for n in section.nodes:
                needs = [a for a in n.args if a in at and n in at]
                assert all(at[a] <= at[n] for a in needs), (name, n)


@pytest.mark.parametrize("shown", [False, True])
def test_work_for_all_steps_waits_for_the_loop_that_alone_reads_it(shown):
    def step(x, h):
        e = lc.exp(lc.affine("e", W=x))
        h = lc.tanh(lc.affine("h", U=h)) * e
        return h

    graph = lower(lc.cell(step).graph)

    def in_the_loop(sections):
        return any(graph.names["e"] in set(s.nodes) for s in sections if s.loop)

    walk = Walk(graph, {"e": graph.names["e"]} if shown else {}, {}, graph, {}, False)
    before = schedule(graph, list(walk.store.values()))
    assert not in_the_loop(before)
    count = sum(len(s.nodes) for s in before)
    after = wait_for_loops(walk, before)
    assert in_the_loop(after) is not shown
    assert sum(len(s.nodes) for s in after) == count, "nothing is lost, and nothing done twice"
