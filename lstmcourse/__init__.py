"""The companion of a course on recurrent networks: a cell is written once, as equations; all else is derived.

    import lstmcourse as lc

    cell = lc.cells.lstm
    params = cell.init(input_size=3, hidden_size=8, rng=0)
    run = lc.unroll(cell, params, x)      # x (T, B, D); run["h"], run["f"], run.final
    grads = run.backward({"h": dh})       # grads["W_f"], grads["x"], grads["h0"]

`cell` defines a cell, `cells` holds those of the course, `tasks`, `Model` and `fit` train them. Read on in
`cells/lstm.py`, then in `engine`.
"""

from __future__ import annotations

import importlib

from . import aliases, cells
from .cell import Cell, cell, clock, noise, sequence, state, static
from .compose import bidirectional, stack
from .engine.layers import affine, concat, mean, param, peephole, split, table
from .engine.ops import (
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
    minimum,
    relu,
    reshape,
    sigmoid,
    sin,
    softmax,
    softplus,
    sqrt,
    square,
    stop_gradient,
    sum,
    swap,
    tanh,
    where,
)
from .errors import CellDefinitionError, DtypeError, FileError, ShapeError, UnknownNameError
from .revision import __version__ as __version__
from .run.backends import backends, use
from .run.checkpointed import CheckpointedRun
from .run.gradients import Gradients
from .run.run import Run
from .run.unroll import unroll

_unpickled = aliases.unpickled  # earlier pickles name it


def __getattr__(name: str):
    """Load what is public but seldom needed at once: importing the package costs little beyond NumPy."""
    if name in aliases.MODULES:
        return aliases.module(name)
    if name in aliases.NAMES:
        value = getattr(importlib.import_module(f"{__name__}.{aliases.NAMES[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *aliases.MODULES, *aliases.NAMES})


__all__ = [
    "Architecture",
    "Captioner",
    "Cell",
    "CheckpointedRun",
    "CellDefinitionError",
    "DtypeError",
    "FileError",
    "Gradients",
    "Latent",
    "Model",
    "Run",
    "Seq2Seq",
    "ShapeError",
    "UnknownNameError",
    "affine",
    "attentive",
    "backends",
    "bidirectional",
    "cell",
    "cells",
    "check",
    "check_installation",
    "checkpoints",
    "claim",
    "clock",
    "coder",
    "concat",
    "constant",
    "cos",
    "design",
    "diff",
    "dilemma",
    "dot",
    "exercises",
    "exp",
    "expand",
    "experiments",
    "fit",
    "generative",
    "identity",
    "inspection",
    "interop",
    "lab",
    "ledger",
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
    "progress",
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
    "use",
    "uses",
    "where",
    "widgets",
    "xray",
]
