"""Variants of the LSTM, each in a setting in which its difference can matter."""

from __future__ import annotations

from .comparison import RATES, at_equal_size
from .define import Interval, experiment, grid

__all__ = ["gru_at_equal_size"]


@experiment(
    points=grid(
        task=("adding", "copy", "temporal_order", "embedded_reber"), cell=("gru",), learning_rate=RATES
    ),
    seeds=range(5),
    agree={"accuracy": Interval(0.15)},
    uses=(
        "model", "train", "optim", "experiments.comparison", "cells.gated_units",
        "tasks.base", "tasks.adding", "tasks.copying", "tasks.temporal_order", "tasks.reber",
    ),
)  # fmt: skip
def gru_at_equal_size(task: str, cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a GRU on the four tasks of `plain_against_lstm`, by the same rules.

    Parameters
    ----------
    task, learning_rate
        As in `plain_against_lstm`.
    cell : str
        ``"gru"``.
    seed : int
        Of the parameters and the streams.

    Returns
    -------
    dict
        ``accuracy`` and ``loss`` on test rows; ``hidden``, the units.
    """
    return at_equal_size(task, cell, learning_rate, seed)
