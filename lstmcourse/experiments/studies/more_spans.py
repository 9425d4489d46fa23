"""Memory spans on three more tasks: temporal order, strings of Reber's grammar, and recorded speech."""

from __future__ import annotations

from ..define import Interval, experiment, grid
from .spans import RATES, TUNED_AT, TUNED_FOR, bisect, learn

__all__ = ["MORE", "MORE_RATE", "SHORT_LADDER", "SIX", "more_rates", "more_spans"]

# Fixed before the runs; the rest is as in `spans`, the choice of learning rates too. Six cells, lags to 300.
SHORT_LADDER = (20, 50, 100, 200, 300)
MORE = ("temporal_order", "long_reber", "delayed_speakers")
SIX = ("rnn", "lstm_1997", "lstm", "gru", "min_gru", "slstm")


@experiment(
    points=[
        *grid(task=MORE, cell=SIX, learning_rate=RATES),
        *grid(task=("temporal_order", "delayed_speakers"), cell=("rnn",), learning_rate=(1e-3,)),
        *grid(task=("temporal_order", "delayed_speakers"), cell=("min_gru",), learning_rate=(0.3,)),
        *grid(task=("temporal_order", "long_reber"), cell=("slstm",), learning_rate=(0.3,)),
        *grid(task=("long_reber",), cell=("gru",), learning_rate=(0.3,)),
        *grid(task=("delayed_speakers",), cell=("rnn",), learning_rate=(3e-4,)),
        *grid(task=("temporal_order",), cell=("min_gru",), learning_rate=(1.0,)),
        # with these cells none of the four learns strings at lag 20: one below, and above
        *grid(task=("long_reber",), cell=("rnn", "lstm", "min_gru"), learning_rate=(1e-3, 0.3)),
        *grid(task=("long_reber",), cell=("rnn",), learning_rate=(3e-4,)),
    ],
    seeds=(100, 101),
    agree={"updates": Interval(50, factor=1.5)},
)
def more_rates(task: str, cell: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train six cells at lag 20 with several learning rates, on seeds that are not used again.

    Parameters
    ----------
    task, cell, learning_rate, seed
        As in `spans.learn`.

    Returns
    -------
    dict
        As `spans.learn` does.
    """
    return learn(cell, task, TUNED_AT, learning_rate, seed, updates=TUNED_FOR)


MORE_RATE: dict[tuple[str, str], float] = {
    ("temporal_order", "rnn"): 0.003,
    ("temporal_order", "lstm_1997"): 0.01,
    ("temporal_order", "lstm"): 0.01,
    ("temporal_order", "gru"): 0.01,
    ("temporal_order", "min_gru"): 0.3,
    ("temporal_order", "slstm"): 0.1,
    ("long_reber", "rnn"): 0.001,
    ("long_reber", "lstm_1997"): 0.03,
    ("long_reber", "lstm"): 0.003,
    ("long_reber", "gru"): 0.1,
    ("long_reber", "min_gru"): 0.1,
    ("long_reber", "slstm"): 0.1,
    ("delayed_speakers", "rnn"): 0.001,
    ("delayed_speakers", "lstm_1997"): 0.03,
    ("delayed_speakers", "lstm"): 0.01,
    ("delayed_speakers", "gru"): 0.03,
    ("delayed_speakers", "min_gru"): 0.1,
    ("delayed_speakers", "slstm"): 0.03,
}
"""The best of these learning rates, by (task, cell). With rnn, lstm and min_gru none learns strings."""


@experiment(points=grid(task=MORE, cell=SIX), seeds=range(5), agree={"span": Interval(20, factor=2.5)})
def more_spans(task: str, cell: str, *, seed: int) -> dict[str, float]:
    """Find by bisection the longest lag, from 20 to 300, at which a cell learns each of three more tasks.

    Parameters
    ----------
    task, cell, seed
        As in `spans.learn`.

    Returns
    -------
    dict
        As `spans.bisect` does.
    """
    return bisect(SHORT_LADDER, lambda lag: learn(cell, task, lag, MORE_RATE[task, cell], seed))
