"""What the engine's tests share: derivatives that know nothing of the engine's gradient rules.

`derivatives` differentiates any function of named arrays, element by element, by complex step (exact to
rounding, for programs that accept complex numbers) or by central differences. `check_gradients` compares
`Run.backward` with it, for every parameter, input and initial state of a cell.
"""

import numpy as np

import lstmcourse as lc


def derivatives(function, arrays, *, step="complex", only=None):
    """Differentiate a scalar function of a dict of arrays with respect to every element of each of them.

    `step` is "complex" or a number (central differences). `only` limits the names.
    """
    found = {}
    for name, array in arrays.items():
        if only is not None and name not in only:
            continue
        grad = np.zeros(array.shape)
        for at in np.ndindex(array.shape):
            if step == "complex":
                moved = {k: np.array(v, complex) for k, v in arrays.items()}
                moved[name][at] += 1e-30j
                grad[at] = np.imag(function(moved)) / 1e-30
            else:
                ends = []
                for sign in (1, -1):
                    moved = {k: np.array(v) for k, v in arrays.items()}
                    moved[name][at] += sign * step
                    ends.append(function(moved))
                grad[at] = (ends[0] - ends[1]) / (2 * step)
        found[name] = grad
    return found


def random_params(cell, rng, scale=0.5, *args, **sizes):
    """Parameters that are random throughout, biases too, in float64."""
    shapes = cell.parameter_shapes(*args, **sizes)
    return {k: scale * rng.standard_normal(s) for k, s in shapes.items()}


def check_gradients(
    cell, params, x=None, *, inputs=None, state=None, lengths=None, outputs=None, final=True, rng=None,
    step="complex", tolerance=1e-10, steps=None,
):  # fmt: skip
    """Compare every gradient of `Run.backward` with `derivatives` of a random linear function of the outputs.

    The gradient of the loss is random for each name in `outputs` (by default all states and emitted
    outputs) at every step and, with `final`, for the last states. Returns the run and its gradients.
    """
    rng = rng or np.random.default_rng(0)
    inputs, state = dict(inputs or {}), dict(state or {})
    clock = {k: state.pop(k) for k in list(state) if np.ndim(state[k]) == 0}
    outputs = list(dict.fromkeys([*cell.states, *cell.emits])) if outputs is None else outputs
    options = dict(lengths=lengths, steps=steps)
    run = lc.unroll(cell, params, x, state=state | clock, inputs=inputs, **options)
    weights = {k: rng.standard_normal(run[k].shape) for k in outputs}
    ends = {k: rng.standard_normal(run.final[k].shape) for k in cell.states} if final else {}
    grads = run.backward(weights, ends)
    first = cell.inputs[0].name
    arrays = {f"param {k}": v for k, v in params.items()} | {f"state {k}": v for k, v in state.items()}
    arrays |= {f"input {k}": v for k, v in inputs.items()}
    if x is not None:
        arrays[f"input {first}"] = x

    def loss(a):
        def part(kind):
            return {k.partition(" ")[2]: v for k, v in a.items() if k.startswith(kind)}

        r = lc.unroll(
            cell, part("param"), state=part("state") | clock, inputs=part("input"), grad=False, **options
        )
        return sum(np.sum(weights[k] * r[k]) for k in outputs) + sum(
            np.sum(ends[k] * r.final[k]) for k in ends
        )

    fixed = {f"param {p.name}" for p in cell.graph.params if "fixed" in p.attrs}
    for k in fixed:  # it matters, and is not trained
        assert not np.any(grads[k.partition(" ")[2]]), f"{cell.name}: {k} is fixed, and has a gradient"
    for name, expected in derivatives(loss, arrays, step=step, only=set(arrays) - fixed).items():
        kind, _, key = name.partition(" ")
        part = {"param": grads.params, "state": grads.states, "input": grads.inputs}[kind]
        got = part[key + "0" if kind == "state" else key]
        assert got.dtype == np.float64 and got.shape == expected.shape
        scale = max(1.0, np.max(np.abs(expected), initial=0.0))
        worst = np.max(np.abs(got - expected), initial=0.0) / scale
        assert worst <= tolerance, f"{cell.name}: gradient of {name} is off by {worst:.2e}"
    return run, grads
