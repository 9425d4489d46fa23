"""Every row of the table of primitives: its gradient rule and its NumPy text.

One parametrised test goes over the registry `lstmcourse.engine.ops.OPS`. Inputs are drawn from what a row
says: the number of its arguments and settings from its NumPy text, their shapes by asking its shape rule.
So a new row is checked with no new code; one whose needs cannot be worked out fails, and says which table
below wants a line.
"""

import inspect
import itertools
import math
import re
import string

import numpy as np
import pytest
from checking import check_gradients
from test_contract import outcome, same

import lstmcourse as lc
from lstmcourse.engine import numeric as runtime
from lstmcourse.engine import ops
from lstmcourse.engine.graph import Dim
from lstmcourse.engine.ops import OPS, apply
from lstmcourse.errors import ShapeError

T, B = 3, 2


def d(*shape):
    return tuple(Dim.of(n) for n in shape)


# What cannot be read off a row. All are exceptions: a row that is not named here has defaults.

# where the numbers must lie (by default anywhere), for each argument or for all
POSITIVE = lambda a: 0.5 + np.abs(a)
RANGES = {"log": POSITIVE, "sqrt": POSITIVE, "div": (None, POSITIVE), "mod": (None, POSITIVE)}

# settings beside an axis, with the shapes that go with them
SETTINGS = {
    "spread": [({"shape": d(2, 3)}, [(1, 3)]), ({"shape": d(2, 3)}, [(2, 1)])],
    "pad": [
        ({"start": Dim.of(1), "stop": Dim.of(3), "size": Dim.of(4), "axis": -1}, [(2,)]),
        ({"start": Dim.of(0), "stop": Dim.of(2), "size": Dim.of(3), "axis": -2}, [(2, 3)]),
    ],
    "slice": [
        ({"start": Dim.of(1), "stop": Dim.of(3), "axis": -1}, [(4,)]),
        ({"start": Dim.of(0), "stop": Dim.of(2), "axis": -2}, [(3, 2)]),
    ],
    "reshape": [({"rank": 1, "shape": d(2, 3)}, [(6,)]), ({"rank": 2, "shape": d(6)}, [(2, 3)])],
    "affine": [
        ({"terms": 1, "label": "l"}, [(3,), (3, 2), (2,)]),
        ({"terms": 2, "label": "l"}, [(3,), (3, 2), (2,), (2, 2), (2,)]),
    ],
}
# arguments that all sequences and steps share: they are parameters
SHARED = {"dot": {1}, "affine": {1, 2, 3, 4}}
SHARED_IF = {"affine": lambda k, attrs: k % 2 == 1 or k == 2 * attrs["terms"]}
# arguments that are conditions
CONDITIONS = {"where": {0}, "both": {0, 1}, "either": {0, 1}, "opposite": {0}}
# rows that by their meaning stop the gradient, whatever their slope
STOPS = {"stop"}


def fields(op):
    """The names in a row's NumPy text: numbers of arguments, and settings."""
    named = {f for _, f, _, _ in string.Formatter().parse(op.numpy) if f is not None}
    numbers = {int(f) for f in named if f.isdigit()}
    count = 2 if "args" in named else max(numbers, default=-1) + 1
    return count, named - {str(k) for k in numbers} - {"out", "args", "rest"}


def cases(op):
    """(settings, shapes of the arguments) for which the row's shape rule holds."""
    if op.name in SETTINGS:
        return SETTINGS[op.name]
    count, settings = fields(op)
    if not count or settings - {"axis"}:
        pytest.fail(f"row {op.name!r}: its settings {sorted(settings)} need a line in SETTINGS of this test")
    if op.kind == "elementwise":
        same = [(3,)] * count
        shapes = [same, [(2, 3)] * count]
        if count > 1:  # one that is broadcast, at either end
            shapes += [
                [(1,), *same[1:]],
                [*same[:-1], (1,)],
                [(2, 1), *[(1, 3)] * (count - 1)],
                [*[(2, 3)] * (count - 1), (2, 1)],
            ]
        return [({}, s) for s in shapes]
    found = []
    for axis in (-1, -2) if "axis" in settings else (None,):
        attrs = {} if axis is None else {"axis": axis}
        for shapes in itertools.product([(3,), (2, 3), (3, 2), (4, 2, 3)], repeat=count):
            try:
                op.shape([d(*s) for s in shapes], attrs)
            except (ShapeError, IndexError):
                continue
            ranks = {len(s) for k, s in enumerate(shapes) if k not in SHARED.get(op.name, ())}
            if len(ranks) > 1 or min(ranks) < -attrs.get("axis", 0):
                continue  # operands that differ for each sequence have the same axes
            found.append((attrs, list(shapes)))
    if not found:
        pytest.fail(
            f"row {op.name!r}: its shape rule takes none of the shapes tried; give it a line in SETTINGS"
        )
    return found[:: max(1, len(found) // 4)]


def shared(op, k, attrs):
    """Whether argument k has neither time nor batch."""
    return SHARED_IF[op.name](k, attrs) if op.name in SHARED_IF else k in SHARED.get(op.name, ())


def draw(op, k, shape, rng):
    """Numbers for argument k, within its range."""
    numbers = rng.standard_normal(shape)
    limit = RANGES.get(op.name)
    limit = limit[k] if isinstance(limit, tuple) else limit
    return limit(numbers) if limit else numbers


def to_rank(y, rank):
    """The sum of all elements, with axes of size 1."""
    while y.shape:
        y = lc.sum(y)
    for _ in range(rank):
        y = lc.expand(y)
    return y


def result(op, args, attrs):
    """A number that the row gives; for a condition, one of two."""
    conditions = CONDITIONS.get(op.name, ())
    args = [a > 0.1 if k in conditions else a for k, a in enumerate(args)]
    made = apply(op.name, *args, **attrs)
    return lc.where(made, 3.0, 4.5) * 1.0 if op.boolean else made


def cell_around(op, attrs, shapes, placement):
    """A cell that emits this row's result, its arguments being inputs or parameters.

    placement: "all at once" (the arguments are known for every step), "once" (they are the same at every
    step), "in the loop" (the first argument is a state, whose next value needs the result).
    """
    makers = {"all at once": lc.sequence, "once": lc.static, "in the loop": lc.sequence}
    kinds = {}
    for k, shape in enumerate(shapes):
        if k == 0 and placement == "in the loop":
            continue
        if not shared(op, k, attrs):
            kinds[f"a{k}"] = makers[placement](*shape)

    def function(**leaves):
        args = [argument(k, leaves) for k in range(len(shapes))]
        if placement == "in the loop":
            args[0] = leaves["s"]
        y = result(op, args, attrs)
        if placement != "in the loop":
            return y
        return leaves["s"] * (1.0 + 0.05 * lc.tanh(to_rank(y, len(shapes[0])))), y

    def argument(k, leaves):
        return (
            leaves[f"a{k}"]
            if f"a{k}" in leaves
            else lc.param(f"w{k}", *shapes[k])
            if shared(op, k, attrs)
            else None
        )

    kinds = {"x": None} | kinds | ({"s": lc.state(*shapes[0])} if placement == "in the loop" else {})
    function.__signature__ = inspect.Signature(
        [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=v) for n, v in kinds.items()]
    )
    return lc.cell(function, name=f"{op.name} {placement}")


ROWS = [op for op in OPS.values() if op.grad is not None]


@pytest.mark.parametrize("placement", ["all at once", "in the loop", "once"])
@pytest.mark.parametrize("op", ROWS, ids=lambda op: op.name)
def test_gradient_of_every_primitive(op, placement):
    rng = np.random.default_rng(sum(map(ord, op.name)))
    for attrs, shapes in cases(op):
        cell = cell_around(op, attrs, shapes, placement)
        params = {f"w{k}": draw(op, k, s, rng) for k, s in enumerate(shapes) if shared(op, k, attrs)}
        inputs, state = {}, {}
        for i in cell.inputs:
            if i.kind in ("sequence", "static"):
                lead = (T, B) if i.kind == "sequence" else (B,)
                inputs[i.name] = draw(op, int(i.name[1:]), (*lead, *i.shape), rng)
            if i.kind == "state":
                state["s"] = draw(op, 0, (B, *shapes[0]), rng)
        steps = None if any(i.kind == "sequence" for i in cell.inputs) else T
        run = lc.unroll(cell, params, inputs=inputs, state=state, steps=steps)
        given = (params, None, dict(inputs=inputs, state=state, steps=steps))
        same(outcome(cell, given, "numpy"), outcome(cell, given, "reference"), 1e-13)
        if op.name in STOPS:
            if placement != "in the loop":
                grads = run.backward({cell.output: rng.standard_normal(run.output.shape)})
                assert all(np.all(g == 0) for g in grads.values())
            continue
        # complex step is sharp, and central differences do not depend on how a row treats complex numbers
        options = dict(inputs=inputs, state=state, steps=steps, rng=rng)
        check_gradients(cell, params, **options, tolerance=1e-12)
        check_gradients(cell, params, **options, step=1e-6, tolerance=1e-7)


# Values, against plain NumPy.

PLAIN = {
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "neg": np.negative,
    "sigmoid": lambda a: 1 / (1 + np.exp(-a)),
    "relu": lambda a: a * (a > 0),
    "softplus": lambda a: np.log(1 + np.exp(a)),
    "stop": lambda a: a,
    "both": np.logical_and,
    "either": np.logical_or,
    "opposite": np.logical_not,
    "softmax": lambda a, axis: np.exp(a) / np.exp(a).sum(axis, keepdims=True),
    "logsumexp": lambda a, axis: np.log(np.exp(a).sum(axis)),
    "spread": lambda a, shape: np.broadcast_to(a, shape),
    "pad": lambda a, start, stop, size, axis: np.pad(
        a, [(start, size - stop) if k == a.ndim + axis else (0, 0) for k in range(a.ndim)]
    ),
    "reshape": lambda a, rank, shape: np.reshape(a, shape),
    "dot": np.matmul,
    "affine": lambda a, w, *rest, terms, label: a @ w + (rest[0] @ rest[1] if terms == 2 else 0) + rest[-1],
    "slice": lambda a, start, stop, axis: np.take(a, range(start, stop), axis),
    "expand": np.expand_dims,
    "swap": lambda a: np.moveaxis(a, -1, -2),
    "concat": lambda *parts, axis: np.concatenate(parts, axis),
    "outer": lambda a, b: np.einsum("tbn,tbm->nm", a, b),
    "total": lambda a, rank: np.einsum("tbn->n" if rank == 1 else "tbn->tbn", a) if rank == 1 else a.sum(),
    "over_time": lambda a: np.einsum("tbn->bn", a),
}
REDUCTIONS = {
    "outer": ({}, [(T, B, 3), (T, B, 2)]),
    "total": ({"rank": 1}, [(T, B, 3)]),
    "over_time": ({}, [(T, B, 3)]),
}
NAMES = {"copy": "identity", "stop": "stop_gradient"}


def plain(op):
    found = PLAIN.get(op.name) or getattr(np, {"mod": "remainder"}.get(op.name, op.name), None)
    assert found is not None, (
        f"row {op.name!r}: NumPy has no function of that name; say in PLAIN of this test what it computes"
    )
    return found


@pytest.mark.parametrize("op", [op for op in OPS.values() if op.kind != "leaf"], ids=lambda op: op.name)
def test_value_of_every_primitive(op):
    rng = np.random.default_rng(1)
    for attrs, shapes in [REDUCTIONS[op.name]] if op.kind == "reduction" else cases(op):
        args = [draw(op, k, s, rng) for k, s in enumerate(shapes)]
        args = [a > 0.1 if k in CONDITIONS.get(op.name, ()) else a for k, a in enumerate(args)]
        numbers = {
            k: tuple(n.constant for n in v) if isinstance(v, tuple) else getattr(v, "constant", v)
            for k, v in attrs.items()
        }
        expected = plain(op)(*args, **numbers)
        # in a program, where results have storage that was made before: the only text that affine has
        if op.kind != "reduction":
            cell = cell_around(op, attrs, shapes, "all at once")
            params = {f"w{k}": args[k] for k in range(len(args)) if shared(op, k, attrs)}
            inputs = {
                f"a{k}": np.broadcast_to(args[k], (T, B, *np.shape(args[k]))).astype(float)
                for k in range(len(args))
                if not shared(op, k, attrs)
            }
            run = lc.unroll(cell, params, inputs=inputs)
            want = np.where(expected, 3.0, 4.5) if op.boolean else expected
            np.testing.assert_allclose(
                run.output, np.broadcast_to(want, (T, B, *want.shape)), rtol=1e-14, atol=1e-14
            )
        if op.name == "affine":
            continue
        # on arrays, at once
        got = apply(
            op.name,
            *args,
            **{k: v if isinstance(v, tuple) else getattr(v, "constant", v) for k, v in attrs.items()},
        )
        np.testing.assert_allclose(got, expected, rtol=1e-14, atol=1e-14)
        assert (
            np.shape(got) == tuple(n.value({}) for n in op.shape([d(*np.shape(a)) for a in args], attrs))
            or op.kind == "reduction"
        )


def test_every_function_for_authors_computes_on_arrays():
    rng = np.random.default_rng(2)
    a, b = rng.standard_normal((2, 4, 3))
    pairs = [
        (lc.sigmoid(a), 1 / (1 + np.exp(-a))),
        (lc.tanh(a), np.tanh(a)),
        (lc.relu(a), np.clip(a, 0, None)),
        (lc.exp(a), np.exp(a)),
        (lc.log(np.abs(a)), np.log(np.abs(a))),
        (lc.sqrt(np.abs(a)), np.abs(a) ** 0.5),
        (lc.square(a), a * a),
        (lc.sin(a), np.sin(a)),
        (lc.cos(a), np.cos(a)),
        (lc.softplus(a), np.logaddexp(a, 0)),
        (lc.identity(a), a),
        (lc.stop_gradient(a), a),
        (lc.maximum(a, b), np.where(a > b, a, b)),
        (lc.minimum(a, b), np.where(a < b, a, b)),
        (lc.where(a > 0, a, 0.0), np.clip(a, 0, None)),
        (lc.concat(a, b), np.hstack([a, b])),
        (lc.concat(a, b, axis=-2), np.vstack([a, b])),
        (lc.expand(a, -2), a[:, None, :]),
        (lc.swap(a), a.T),
        (lc.sum(a), a.sum(1)),
        (lc.sum(a, -2), a.sum(0)),
        (lc.mean(a), a.mean(1)),
        (lc.mean(a, -2), a.mean(0)),
        (lc.softmax(a), np.exp(a) / np.exp(a).sum(1, keepdims=True)),
        (lc.logsumexp(a, -2), np.log(np.exp(a).sum(0))),
        (lc.dot(a, b.T), a @ b.T),
        (lc.matmul(a[None], b.T[None]), (a @ b.T)[None]),
    ]
    parts = [(p, a[:, k : k + 1]) for k, p in enumerate(lc.split(a, 3))]
    for got, expected in [*pairs, *parts, (lc.reshape(a, 2, 6), a.reshape(2, 6))]:
        np.testing.assert_allclose(got, expected, rtol=1e-14)
        assert got.shape == expected.shape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extreme_arguments_overflow_nowhere(dtype):
    """Warnings are errors, so an overflow on the way fails as well."""
    a = np.array([-1e4, -50.0, 0.0, 50.0, 1e4], dtype)
    np.testing.assert_allclose(runtime.sigmoid(a), np.array([0, 0, 0.5, 1, 1]), atol=1e-7)
    np.testing.assert_allclose(runtime.softplus(a), np.array([0, 0, math.log(2), 50, 1e4]), atol=1e-6)
    np.testing.assert_allclose(runtime.softmax(a, -1), np.array([0, 0, 0, 0, 1]), atol=1e-7)
    np.testing.assert_allclose(runtime.logsumexp(a, -1), dtype(1e4))
    for f in (runtime.sigmoid, runtime.softplus, runtime.relu):
        assert f(a).dtype == dtype


def test_table_is_complete_and_consistent():
    """Each row says what it is: texts whose fields exist, and a known kind."""
    for op in OPS.values():
        assert OPS[op.name] is op
        assert op.kind in ("elementwise", "axis", "product", "reduction", "view", "leaf")
        count, _ = fields(op)
        assert all(k < count for k in op.inplace)
        used = {int(k) for k in re.findall(r"\{(\d)\}", op.latex)}
        assert (
            op.kind == "leaf" or op.name == "affine" or "{args}" in op.latex or used == set(range(count))
        ), op.name
    assert set(ops.__all__) <= set(vars(ops))
    assert all(hasattr(lc, NAMES.get(n, n)) for n in ops.__all__ if n != "OPS")


def test_arrays_are_split_into_any_number_of_parts_of_any_size():
    a = np.arange(12.0).reshape(2, 6)
    (whole,) = lc.split(a, 1)
    np.testing.assert_array_equal(whole, a)
    one, four, last = lc.split(a, 1, 4, 1)
    np.testing.assert_array_equal(np.concatenate([one, four, last], axis=-1), a)
    assert (one.shape, four.shape, last.shape) == ((2, 1), (2, 4), (2, 1))
    with pytest.raises(ValueError, match="sizes=0"):
        lc.split(a, 0)
