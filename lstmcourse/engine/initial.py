"""How parameters start: drawn in the way that is usual for each kind, unless the cell says otherwise."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import checks
from .concrete import concrete
from .definition import Definition
from .layers import table_values

__all__ = ["draw"]


def draw(
    cell: Definition,
    rng: Any,
    dtype: Any,
    forget_bias: float | None,
    *given: Any,
) -> dict[str, np.ndarray]:
    """An array for each parameter; see `Cell.init`. `given` are sizes, as `Definition.sizes` takes them."""
    dtype = checks.dtype(dtype)
    rng = checks.generator("rng", rng)
    shapes = cell.parameter_shapes(*given)
    known = cell.sizes(*given)
    if set(cell.size_names()) <= set(known):
        concrete(cell.graph, known)
    if forget_bias is not None:
        checks.real("forget_bias", forget_bias)
    numbers = sum(map(math.prod, shapes.values()))
    checks.memory(f"input_size, hidden_size = {given[:2]}: the parameters of {cell.name}", numbers, 16)
    forget = [p for p in shapes if p.rpartition(".")[2] == "b_f"]
    if forget_bias is not None and not forget:
        raise ValueError(
            f"forget_bias={forget_bias}: {cell.name} has no parameter b_f; its parameters are "
            f"{', '.join(shapes)}"
        )
    params = {}
    for node in cell.graph.params:
        how = cell.initial.get(node.name, node.attrs["init"])
        if forget_bias is not None and node.name in forget:
            how = float(forget_bias)
        drawn = _draw(how, shapes[node.name], rng)
        if "free" in node.attrs:
            drawn = drawn * table_values(node.attrs["free"], known)
        params[node.name] = np.ascontiguousarray(drawn.astype(dtype))
    return params


def _draw(how: Any, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """One parameter, in float64."""
    if isinstance(how, int | float):
        return np.full(shape, float(how))
    if how == "zeros":
        return np.zeros(shape)
    if how == "identity":
        return np.eye(*shape)
    if how == "glorot":
        fan_in, fan_out = (shape[0], shape[-1]) if len(shape) > 1 else (1, shape[0])
        bound = np.sqrt(6.0 / max(1, fan_in + fan_out))
        return rng.uniform(-bound, bound, shape)
    if how == "signs":
        return rng.choice([-1.0, 1.0], shape) / np.sqrt(max(1, shape[0]))
    if how == "orthogonal":
        n, m = shape
        q, r = np.linalg.qr(rng.standard_normal((max(n, m), min(n, m))))
        q = q * np.where(np.diag(r) < 0, -1.0, 1.0)
        return q if n >= m else q.T
    if isinstance(how, tuple) and len(how) == 2 and how[0] == "normal":
        return rng.normal(0.0, how[1], shape)
    if isinstance(how, tuple) and len(how) == 2 and how[0] == "uniform":
        return rng.uniform(-how[1], how[1], shape)
    raise ValueError(
        f"init={how!r}: use 'glorot', 'orthogonal', 'zeros', 'identity', 'signs', ('normal', std), "
        "('uniform', bound) or a number"
    )
