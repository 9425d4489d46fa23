"""The companion of a course on recurrent networks: a cell is written once, as equations; all else is derived.

    import lstmcourse as lc

    cell = lc.cells.lstm
    params = cell.init(input_size=3, hidden_size=8, rng=0)
    run = lc.unroll(cell, params, x)      # x (T, B, D); run["h"], run["f"], run.final
    grads = run.backward({"h": dh})       # grads["W_f"], grads["x"], grads["h0"]

`cell` defines a cell, `cells` holds those of the course, `tasks`, `Model` and `fit` train them. Read on in
`cells/lstm.py`, `graph.py`, `ops.py`, `autodiff.py`, then `unroll.py`.
"""

from __future__ import annotations

import importlib

from . import cells
from .cell import Cell, cell, clock, noise, sequence, state, static
from .compose import bidirectional, stack
from .errors import CellDefinitionError, DtypeError, FileError, ShapeError, UnknownNameError
from .ops import (
    affine,
    concat,
    constant,
    cos,
    dot,
    exp,
    expand,
    identity,
    log,
    logsumexp,
    matmul,
    maximum,
    mean,
    minimum,
    param,
    peephole,
    relu,
    reshape,
    sigmoid,
    sin,
    softmax,
    softplus,
    split,
    sqrt,
    square,
    stop_gradient,
    sum,
    swap,
    table,
    tanh,
    where,
)
from .unroll import CheckpointedRun, Gradients, Run, backends, unroll

__version__ = "0.1.0"

# Loaded when first used, so that importing the package costs little beyond NumPy.
_LAZY_MODULES = (
    "checkpoints",
    "baselines",
    "claims",
    "exercises",
    "experiments",
    "inspection",
    "interop",
    "optim",
    "plots",
    "reader",
    "tasks",
    "train",
    "widgets",
)
_LAZY_NAMES = {
    "Model": "model",
    "fit": "train",
    "claim": "claims",
    "check_installation": "selfcheck",
    "diff": "difference",
}


def _unpickled(name: str, state: dict):
    """An object of a public class, as it was; pickles name this function, so it stays here."""
    kind = globals().get(name) or __getattr__(name)
    made = object.__new__(kind)
    made.__dict__.update(state)
    return made


def __getattr__(name: str):
    if name in _LAZY_MODULES:
        return importlib.import_module(f"{__name__}.{name}")
    if name in _LAZY_NAMES:
        value = getattr(importlib.import_module(f"{__name__}.{_LAZY_NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY_MODULES, *_LAZY_NAMES})


__all__ = [
    "Cell",
    "CheckpointedRun",
    "CellDefinitionError",
    "DtypeError",
    "FileError",
    "Gradients",
    "Model",
    "Run",
    "ShapeError",
    "UnknownNameError",
    "affine",
    "backends",
    "bidirectional",
    "cell",
    "cells",
    "check_installation",
    "checkpoints",
    "claim",
    "clock",
    "concat",
    "constant",
    "cos",
    "diff",
    "dot",
    "exercises",
    "exp",
    "expand",
    "experiments",
    "fit",
    "identity",
    "inspection",
    "interop",
    "log",
    "logsumexp",
    "matmul",
    "maximum",
    "mean",
    "minimum",
    "noise",
    "optim",
    "param",
    "peephole",
    "plots",
    "reader",
    "relu",
    "reshape",
    "sequence",
    "sigmoid",
    "sin",
    "softmax",
    "softplus",
    "split",
    "sqrt",
    "square",
    "stack",
    "state",
    "static",
    "stop_gradient",
    "sum",
    "swap",
    "table",
    "tanh",
    "tasks",
    "unroll",
    "where",
    "widgets",
]
