"""Memory spans of two more cells, beside those of `spans`: the matrix LSTM, and self-attention."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

from __future__ import annotations

import math

import numpy as np

from ...cell import cell, static
from ...engine.graph import Dim
from ...engine.layers import affine, split
from ...engine.ops import constant, matmul, reshape, softmax, sqrt, swap
from ...run.backends import backends
from ...run.unroll import unroll
from ...tasks import Task
from ...training import optim
from ...training.losses import LOSSES
from ...training.optim import Arrays, clip_by_global_norm
from ..define import Interval, experiment, grid
from . import spans
from .spans import LADDER, PARAMETERS, RATES, TUNED_AT, TUNED_FOR, UPDATES, bisect, span_task

__all__ = ["BESIDE_RATE", "TWO", "beside_rates", "beside_spans", "learn_beside", "looking_back"]

# Fixed before the runs, after pilots of self-attention on seed 900, which are not shown. All is as in
# `spans`: tasks, parameters, batches, budget, ladder, seeds, and how rates are chosen.
# - The mLSTM is trained by the same function. Its matrix has no parameters, so it may be large.
# - Self-attention carries no state from step to step. It gets the whole sequence, without its places: both
#   tasks can be solved without them. Only the last step is asked, so only its query is computed.
TWO = ("mlstm", "self_attention")


@cell(letters={"alpha": r"\alpha"})
def looking_back(x=static("L", "D")):
    """What the last step of `lstmcourse.cells.self_attention_at_once` gives, and a read-out of K numbers."""
    _, last = split(x, Dim.of("L") + -1, 1, axis=-2)
    q = affine("q", W=reshape(last, 1, "D"), bias=False)  # query
    k = affine("k", W=x, bias=False)  # keys
    v = affine("v", W=x, bias=False)  # values
    e = matmul(q, swap(k)) / sqrt(constant(Dim.of("H")))  # scores
    alpha = softmax(e)
    h = reshape(matmul(alpha, v), "H")
    y = affine("y", W=h, size="K")
    return y, h, alpha


def first(task: Task, rng: np.random.Generator) -> Arrays:
    """The first weights for a task: as many as a network of the study may have, drawn as a `Model` does."""
    sizes, hidden = {"K": task.output_size, "L": 2}, 1
    count = {"input_size": task.input_size, "sizes": sizes}
    while looking_back.parameter_count(hidden_size=hidden + 1, **count) <= PARAMETERS:
        hidden += 1
    params = looking_back.init(hidden_size=hidden, rng=rng, **count)
    bound = 1 / math.sqrt(hidden)
    params["W_y"] = rng.uniform(-bound, bound, size=params["W_y"].shape).astype(np.float32)
    return params


def passed(task: Task, params: Arrays, batch, *, grad: bool):
    """The loss of the last step of a batch, and its gradients."""
    x = batch.x if task.symbols is None else np.eye(task.input_size, dtype=np.float32)[batch.x]
    x, y, loss = np.ascontiguousarray(np.swapaxes(x, 0, 1)), batch.y[-1], LOSSES[task.loss]
    run = unroll(looking_back, params, x, steps=1, backend=backends()[-1], grad=grad)
    value, prediction = loss.judge(run["y"][0], y)
    if not grad:
        return float(value.mean()), {}
    dy = loss.gradient(prediction, y).astype(np.float32) / len(value)
    return float(value.mean()), run.backward({"y": dy[None]}).params


def learn_beside(
    cell: str, task: str, lag: int, rate: float, seed: int, *, updates: int = UPDATES
) -> dict[str, float]:
    """Do as `spans.learn`, also with self-attention.

    Parameters
    ----------
    cell : str
        ``"mlstm"`` or ``"self_attention"``.
    task, lag, rate, seed, updates
        As in `spans.learn`.

    Returns
    -------
    dict
        As `spans.learn` does.
    """
    if cell != "self_attention":
        return spans.learn(cell, task, lag, rate, seed, updates=updates)
    work = span_task(task, lag)
    params = first(work, np.random.default_rng(seed))
    adam, losses = optim.Adam(rate), []
    memory, found = adam.init(params), {"loss": math.nan, "learnt": 0.0, "hidden": float(len(params["W_y"]))}
    for batch in spans._batches(work, seed):
        loss, grads = passed(work, params, batch, grad=True)
        losses.append(loss)
        if not math.isfinite(loss):
            return found | {"updates": float(len(losses))}
        clip_by_global_norm(grads, 1.0)
        adam.update(params, grads, memory)
        if len(losses) >= updates or np.mean(losses[-20:]) < work.chance / 20 and len(losses) >= 20:
            break
    loss, _ = passed(work, params, work.batch("all", batch_size=256, seed=10_000 + seed), grad=False)
    ratio = loss / work.chance
    return found | {"loss": ratio, "learnt": float(ratio <= 0.1), "updates": float(len(losses))}


@experiment(
    points=[
        *grid(task=("copy", "adding"), cell=TWO, learning_rate=RATES),
        *grid(task=("copy",), cell=("self_attention",), learning_rate=(0.3, 1.0)),
    ],
    seeds=(100, 101),
    agree={"updates": Interval(50, factor=1.5)},
)
def beside_rates(task: str, cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train mLSTM and self-attention at lag 20 with several learning rates, on seeds that are not used again.

    Parameters
    ----------
    task, cell, learning_rate, seed
        As in `learn_beside`.

    Returns
    -------
    dict
        As `spans.learn` does.
    """
    return learn_beside(cell, task, TUNED_AT, learning_rate, seed, updates=TUNED_FOR)


BESIDE_RATE: dict[tuple[str, str], float] = {
    ("copy", "mlstm"): 0.03,
    ("copy", "self_attention"): 0.3,
    ("adding", "mlstm"): 0.03,
    ("adding", "self_attention"): 0.03,
}
"""The best of these learning rates, by (task, cell)."""


@experiment(
    points=grid(task=("copy", "adding"), cell=TWO), seeds=range(5), agree={"span": Interval(10, factor=2.5)}
)
def beside_spans(task: str, cell: str, *, seed: int) -> dict[str, float]:
    """Find by bisection the longest lag, from 10 to 1,000, at which mLSTM and self-attention still learn.

    Parameters
    ----------
    task, cell, seed
        As in `learn_beside`.

    Returns
    -------
    dict
        As `spans.bisect` does.
    """
    rate = BESIDE_RATE[task, cell]
    return bisect(LADDER, lambda lag: learn_beside(cell, task, lag, rate, seed))
