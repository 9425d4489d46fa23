"""Whatever is read was computed before: layers, directions and cells of every kind, on top of each other."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lstmcourse as lc
from lstmcourse.compiled import printer as compiled
from lstmcourse.errors import ScheduleError
from lstmcourse.programs import numpy


@lc.cell
def forgetful(x, h):
    """No memory: the next state does not depend on any past."""
    h = lc.tanh(lc.affine("l", W=x))
    return h


@lc.cell
def delayed(x, h, d):
    """d has no past of its own, h reads d's past and its present."""
    d_new = lc.tanh(lc.affine("d", W=x))
    h_new = d_new + 0.5 * d
    return h_new, d_new


@lc.cell
def crossed(x, a, b):
    """Each of two states keeps what the other was; the first also reads what the second becomes."""
    b_new = lc.sin(lc.affine("b", a, x))
    a_new = 0.5 * b + b_new
    return a_new, b_new


@lc.cell
def feeding(x, h, c):
    """c is forgotten at each step, h remembers it."""
    c = lc.affine("c", W=x)
    h = 0.5 * h + c
    return h, c


@lc.cell
def learned(x, h=lc.state(init="learned")):
    """A start that is learned, and no more: it is kept where the sequence is empty."""
    h = lc.sigmoid(lc.affine("h", W=x))
    return h


@lc.cell
def timed(x, h=lc.state(init=lambda a: 0.1 * a), a=lc.static("H"), t=lc.clock):
    """A clock, a static input, and a start that is computed from it."""
    h = lc.where(t % 2 == 0, lc.affine("h", W=x) * a, h)
    return h


@lc.cell
def stateless(x):
    """No states at all."""
    y = lc.tanh(lc.affine("y", W=x))
    return y


@lc.cell
def copying(x, h, c):
    """The input is handed on as it is, and one value is the next of both states."""
    y = lc.tanh(lc.affine("y", W=x))
    return y, y


CELLS = [
    forgetful,
    delayed,
    crossed,
    feeding,
    learned,
    timed,
    stateless,
    copying,
    lc.cells.rnn,
    lc.cells.lstm,
]
LEAVES = st.sampled_from(CELLS)
ONE_WAY = st.recursive(LEAVES, lambda trees: st.lists(trees, min_size=1, max_size=3), max_leaves=4)
LAYERS = st.one_of(LEAVES, ONE_WAY.map(lambda tree: ("both", tree)))
STACKS = st.lists(st.one_of(LAYERS, st.lists(LAYERS, min_size=1, max_size=2)), min_size=1, max_size=3)
"""A cell; a list, which is a stack from the bottom up; or ("both", tree), in two directions."""


def built(tree):
    """The cell that a tree describes."""
    if isinstance(tree, list):
        return lc.stack([built(t) for t in tree])
    return lc.bidirectional(built(tree[1])) if isinstance(tree, tuple) else tree


def by_layers(tree, arrays, x, order):
    """What a tree reads out of one sequence (n, 1, D): each layer over all steps, before the next begins.

    Arrays are parameters and static inputs by name, as the layer calls them.
    """

    def part(k):
        return {name[len(f"{k}.") :]: v for name, v in arrays.items() if name.startswith(f"{k}.")}

    if isinstance(tree, list):
        for k, layer in enumerate(tree):
            x = by_layers(layer, part(k), x, order)
        return x
    if isinstance(tree, tuple):
        ways = {"fwd": order, "bwd": order[::-1]}
        return np.concatenate([by_layers(tree[1], part(k), x, way) for k, way in ways.items()], axis=-1)
    static = {i.name: arrays[i.name] for i in tree.inputs if i.kind == "static"}
    params = {p.name: arrays[p.name] for p in tree.graph.params}
    rows, state = {}, {}
    for t in order:
        clock = {i.name: t for i in tree.inputs if i.kind == "clock"}
        after = tree.step(params, x[t], state | clock, **static)
        rows[t], state = after[tree.output], {k: after[k] for k in tree.states}
    return np.stack([rows[t] for t in range(len(order))])


def compare(tree, T, B, lengths, seed, backend):
    """The program of the whole beside layer after layer: values, and gradients in a random direction."""
    cell, rng, D, H = built(tree), np.random.default_rng(seed), 2, 2
    shapes = cell.parameter_shapes(D, H)
    params = {k: rng.standard_normal(v) for k, v in shapes.items()}
    static = {i.name: rng.standard_normal((B, H)) for i in cell.inputs if i.kind == "static"}
    x = rng.standard_normal((T, B, D))
    run = lc.unroll(cell, params, x, inputs=static, lengths=lengths, backend=backend)
    assert run.backend == backend
    ends = [T] * B if lengths is None else list(lengths)
    g = rng.standard_normal(run.output.shape)
    for b, n in enumerate(ends):
        g[n:, b] = 0.0
    grads = run.backward({cell.output: g})
    way = {k: rng.standard_normal(v.shape) for k, v in (params | static | {"x": x}).items()}
    moved = {k: v + 1e-30j * way[k] for k, v in (params | static | {"x": x}).items()}
    slope = 0.0
    for b, n in enumerate(ends):
        one = {k: v[b : b + 1] if k in static else v for k, v in moved.items() if k != "x"}
        if n:
            wanted = by_layers(tree, one, moved["x"][:n, b : b + 1], list(range(n)))[:, 0]
            np.testing.assert_allclose(run.output[:n, b], wanted.real, atol=1e-12)
            slope += np.sum(g[:n, b] * wanted.imag) / 1e-30
    assert sum(np.sum(grads[k] * way[k]) for k in way) == pytest.approx(slope, rel=1e-9, abs=1e-9)
    return cell


@settings(max_examples=20, deadline=None, derandomize=True)
@given(
    tree=STACKS,
    lengths=st.none() | st.lists(st.integers(0, 3), min_size=2, max_size=2),
    seed=st.integers(0, 99),
)
def test_any_stack_is_its_layers_one_after_the_other(tree, lengths, seed):
    cell = compare(tree, 3, 2, lengths, seed, "numpy")
    # the compiled program is in order as well: its printer checks that, without the compiler's minute
    way = (frozenset(), lengths is not None, True, np.dtype(np.float64))
    assert cell.compiled(*way).backward((cell.output,))[0].functions


@pytest.mark.parametrize("backend", lc.backends())
def test_two_directions_without_a_past_below_a_network(backend):
    compare([("both", forgetful), lc.cells.rnn], 3, 2, None, 0, backend)


@pytest.mark.long
@pytest.mark.skipif("numba" not in lc.backends(), reason="needs numba")
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    tree=STACKS,
    lengths=st.none() | st.lists(st.integers(0, 3), min_size=2, max_size=2),
    seed=st.integers(0, 99),
)
def test_any_stack_compiled(tree, lengths, seed):
    compare(tree, 3, 2, lengths, seed, "numba")


def swapped(sections):
    """The loop before what it reads."""
    return [s for s in sections if s.loop] + [s for s in sections if not s.loop]


def late(sections):
    """The statements of a section the wrong way round."""
    return [replace(s, nodes=s.nodes[::-1]) for s in sections]


def lost(sections):
    """Without the loop."""
    return [s for s in sections if not s.loop]


def turned(sections):
    """Time the wrong way round."""
    return [replace(s, reverse=not s.reverse) for s in sections]


@pytest.mark.parametrize("broken", [swapped, late, lost, turned])
@pytest.mark.parametrize("dtype", [None, np.dtype(np.float64)], ids=["numpy", "compiled"])
def test_a_program_that_reads_too_early_is_not_printed(dtype, broken, monkeypatch):
    """Both printers look at the order in which they are about to print, whoever made it."""
    cell, printer = lc.stack([lc.cells.lstm, lc.cells.rnn]), (numpy if dtype is None else compiled)._Printer
    right = printer.scheduled
    monkeypatch.setattr(printer, "scheduled", lambda self: broken(right(self)))
    with pytest.raises(ScheduleError, match=r"stack\(lstm, rnn\): .*(before it is computed|order|never)"):
        cell.compiled(dtype=dtype)


def test_loops_that_need_each_other_in_both_directions_have_no_order():
    """What no composite can say is refused, not computed wrongly."""

    def knot(x, a, b):
        return lc.tanh(b + lc.affine("a", W=x)), lc.tanh(a)

    inputs = lc.cell(knot).inputs
    both = replace(lc.cell(knot), inputs=(*inputs[:2], replace(inputs[2], reverse=True)))
    with pytest.raises(ScheduleError, match="knot"):
        both.compiled()
