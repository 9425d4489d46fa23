"""Sampling: which models can continue a text, and one symbol drawn from what a read-out says."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from .. import checks

if TYPE_CHECKING:
    from .network import Network

__all__ = ["check_can_sample", "draw"]


def check_can_sample(model: Network, temperature: float, length: int) -> None:
    """Refuse a model that cannot continue a text, and numbers that make no sense."""
    cell, task = model.cell, model.task
    if any(state.reverse for state in cell.graph.states):
        raise ValueError(
            f"{cell.name} reads from the end too, so it cannot continue a text: sample from a model "
            "whose cell runs forwards only"
        )
    if task.symbols is None or task.loss != "cross_entropy" or task.output_size != task.input_size:
        raise ValueError(
            f"sampling needs a task that predicts its own symbols; {task.name!r} takes {task.input_size} "
            f"{'numbers' if task.symbols is None else 'symbols'} and has {task.output_size} outputs"
        )
    checks.number("temperature", temperature, 0, math.inf, without=math.inf)
    checks.whole("length", length, 0)
    checks.memory(f"length={length}: the symbols", length)


def draw(z: np.ndarray, temperature: float, rng: np.random.Generator) -> int:
    """One index drawn with probability softmax(z / temperature); the largest at temperature 0."""
    if temperature == 0:
        return int(z.argmax())
    with np.errstate(over="ignore"):  # a tiny temperature: all but the largest go to -inf, which is right
        cumulative = np.cumsum(np.exp((z.astype(np.float64) - z.max()) / temperature))
    return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
