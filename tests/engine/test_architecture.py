"""Cells as data: the seeds are the cells of that name, and whatever chance makes of them is a cell."""

import inspect

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.architecture import ACTIVATIONS, Architecture

SEEDS = {"lstm": Architecture.lstm(), "gru": Architecture.gru()}


def relatives(count, seed=0):
    """Architectures by chance, each a mutation of one before it."""
    rng = np.random.default_rng(seed)
    found = list(SEEDS.values())
    for _ in range(count):
        found.append(found[rng.integers(len(found))].mutate(rng))
    return found[2:]


def parameters(cell, D, H, seed, scale=0.5):
    rng = np.random.default_rng(seed)
    return {name: scale * rng.normal(size=p.shape) for name, p in cell.init(D, H, rng=0).items()}


@pytest.mark.parametrize(
    ("name", "layers"),
    [("lstm", {"o": "12", "f": "34", "i": "56", "g": "78"}), ("gru", {"z": "12", "r": "45", "g": "36"})],
)
def test_the_seeds_are_the_cells_of_that_name(name, layers):
    cell = SEEDS[name].cell("graph")
    params = parameters(cell, 3, 4, 0)
    given = {f"W_{layer}": params["P"] @ params[f"U_{x}"] for layer, (x, h) in layers.items()}
    given |= {f"U_{layer}": params[f"U_{h}"] for layer, (x, h) in layers.items()}
    given |= {f"b_{layer}": params[f"b_{x}"] + params[f"b_{h}"] for layer, (x, h) in layers.items()}
    x = np.random.default_rng(1).normal(size=(6, 2, 3))
    ours, known = lc.unroll(cell, params, x), lc.unroll(lc.cells.get(name), given, x)
    for state in cell.states:
        assert np.allclose(ours[state], known[state], rtol=0, atol=1e-13)


FUNCTIONS = {
    "tanh": np.tanh,
    "sigmoid": lambda v: 1 / (1 + np.exp(-v)),
    "relu": lambda v: np.maximum(v, 0),
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
}


def evaluated(a, params, x):
    """What an architecture computes, node by node, without the text that it is printed as."""
    states = [np.zeros((x.shape[1], params["P"].shape[1])) for _ in a.outputs]
    rows = []
    for step in x:
        values, layer = [], 0
        for kind, *arguments in a.nodes:
            v = [values[n] for n in arguments]
            if not arguments:
                values.append(step @ params["P"] if kind == "x" else states["hc".index(kind)])
            elif kind.startswith("linear"):
                layer += 1
                own = float(kind.split()[1]) * v[0]
                values.append(own + v[0] @ params[f"U_{layer}"] + params[f"b_{layer}"])
            else:
                values.append(FUNCTIONS[kind](*v))
        states = [values[k] for k in a.outputs]
        rows.append(states[0])
    return np.array(rows)


@pytest.mark.parametrize("k", range(24))
def test_the_program_computes_what_the_graph_says(k):
    a = relatives(24)[k]
    cell = a.cell()
    params, x = parameters(cell, 3, 4, k), np.random.default_rng(k).normal(size=(4, 2, 3))
    assert np.allclose(lc.unroll(cell, params, x)["h"], evaluated(a, params, x), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("k", range(0, 24, 6))
def test_gradients_are_those_of_finite_differences(k):
    cell, rng = relatives(24)[k].cell(), np.random.default_rng(k)
    params, x = parameters(cell, 2, 3, k, 0.3), rng.normal(size=(3, 2, 2))
    run = lc.unroll(cell, params, x, grad=True)
    weights = rng.normal(size=run["h"].shape)
    grads = run.backward({"h": weights})
    for name, p in params.items():
        at = tuple(int(rng.integers(n)) for n in p.shape)
        ends = []
        for step in (1e-6, -1e-6):
            moved = p.copy()
            moved[at] += step
            ends.append((weights * lc.unroll(cell, {**params, name: moved}, x)["h"]).sum())
        assert np.isclose((ends[0] - ends[1]) / 2e-6, grads[name][at], rtol=1e-5, atol=1e-7), name


def test_mutations_reach_every_kind_and_repeat():
    many = relatives(400)
    kinds = {node[0] for a in many for node in a.nodes}
    assert kinds == {*ACTIVATIONS, "add", "sub", "mul", "x", "h", "c"}
    assert {len(a.outputs) for a in many} == {1, 2} and max(len(a.nodes) for a in many) <= 40
    assert [a.digest for a in many] == [a.digest for a in relatives(400)]
    assert len(set(many)) > 350
    assert all(SEEDS["gru"].mutate(seed) != SEEDS["gru"] for seed in range(50))


def test_what_is_printed_is_the_definition():
    a = SEEDS["lstm"].mutate(1)
    cell = a.cell("kept")
    assert inspect.getsource(cell.function).strip() == a.source("kept")
    assert cell.name == "kept" and "<svg" in cell.diagram().html and "U_1" in cell.latex


def test_the_same_graph_in_another_order_is_the_same():
    a = Architecture((("x",), ("h",), ("linear 0", 1), ("add", 0, 2), ("tanh", 3)), (4,))
    b = Architecture((("h",), ("linear 0", 0), ("tanh", 5), ("x",), ("relu", 3), ("add", 3, 1)), (2,))
    assert a == b and a.digest == b.digest and hash(a) == hash(b)


@pytest.mark.parametrize(
    ("nodes", "outputs", "words"),
    [
        ((("x",), ("h",), ("tanh", 0)), (2,), "do not depend on h"),
        ((("x",), ("h",), ("tanh", 1)), (2,), "do not depend on x"),
        ((("x",), ("h",), ("add", 0, 1), ("add", 1, 0)), (3, 1), "do not depend on c"),
        ((("x",), ("h",), ("c",), ("add", 0, 1), ("add", 3, 2)), (4, 2), "is to be computed"),
        ((("x",), ("h",), ("c",), ("add", 0, 1), ("add", 3, 2)), (4, 4), "by a node of its own"),
        ((("x",), ("h",), ("sin", 0)), (2,), "one of"),
        ((("x",), ("h",), ("add", 0)), (2,), "one of"),
        ((("x",), ("s",), ("add", 0, 1)), (2,), "what is given"),
        ((("x",), ("h",), ("add", 0, 7)), (2,), "7"),
        ((("x",), ("h",), ("add", 0, 2)), (2,), "itself"),
        ((("x",), ("h",), ("add", 0, 1), *(("tanh", k) for k in range(2, 45))), (45,), "40 at most"),
        ((("x",), "h"), (0,), "nodes"),
        (7, (0,), "nodes"),
        ((("x",), ("h",), ("add", 0, 1)), 2, "outputs"),
    ],
)
def test_what_is_no_cell_is_refused(nodes, outputs, words):
    with pytest.raises((ValueError, TypeError), match=words):
        Architecture(nodes, outputs)
