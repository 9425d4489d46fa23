"""Grid LSTMs of one dimension: how deep a line trains, and parity at length."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...cell import Cell, cell
from ...engine.layers import affine, param
from ...engine.ops import relu, sigmoid, tanh
from ...tasks import Parity
from ...tasks.base import Batch
from ...training import optim
from ...training.fit import fit
from ...training.model import Model
from ...training.steps import TrainingDiverged
from ..define import Interval, experiment, hidden_size_for

__all__ = ["Line", "depth_of_a_line", "line_lstm", "line_rates", "line_relu", "line_residual", "line_tanh"]

BATCH = 32


# A line whose blocks share their weights is a recurrent network that runs along depth: a step is a layer, and
# the input comes in at the first of them. So one compiled loop runs it, whatever its length. It equals
# cells.grid(dims=1, tied=True), with no biases at the border; tests/test_grid_studies.py compares them.


@cell(init={"b_f": 1.0})
def line_lstm(x, h, m):
    """A block of a line of LSTMs over depth: what comes in at the border is added to h and to m."""
    H = h + x @ param("W_h", "D", "H")
    M = m + x @ param("W_m", "D", "H")
    i = sigmoid(affine("i", W=H))
    f = sigmoid(affine("f", W=H))
    o = sigmoid(affine("o", W=H))
    g = tanh(affine("g", W=H))
    m = f * M + i * g
    h = tanh(o * m)
    return h, m


@cell
def line_tanh(x, h):
    """A layer of a deep network with tanh."""
    H = h + x @ param("W_h", "D", "H")
    h = tanh(affine("d", W=H))
    return h


@cell
def line_relu(x, h):
    """A layer of a deep network with ReLU."""
    H = h + x @ param("W_h", "D", "H")
    h = relu(affine("d", W=H))
    return h


@cell
def line_residual(x, h):
    """A layer of a deep network that adds to what comes in, without any gate."""
    H = h + x @ param("W_h", "D", "H")
    h = H + tanh(affine("d", W=H))
    return h


LINES: dict[str, Cell] = {
    "lstm": line_lstm,
    "tanh": line_tanh,
    "relu": line_relu,
    "residual": line_residual,
}


@dataclass(frozen=True)
class Line(Parity):
    """Parity for a line: the bits come in at the first of `layers` steps, and the last is read out."""

    layers: int = 8

    def _draw(self, *how):
        batch = super()._draw(*how)
        x, y, mask = (np.zeros((self.layers, *a.shape[1:]), a.dtype) for a in (batch.x, batch.y, batch.mask))
        x[0], y[-1], mask[-1] = batch.x[0], batch.y[0], True
        return Batch(x, y, mask)


LEARNT, OVER = 0.99, 100  # share of right answers in training, mean over so many updates


def train_a_line(kind, bits, layers, parameters, updates, learning_rate, seed):
    """Train a line on parity until it is right on what it is trained on, or for so many updates at most.

    Returns
    -------
    dict
        ``accuracy``: share right in the last 100 batches of training; ``updates`` until it is above 0.99 (not
        a number if it never is); ``held_out``: share right of rows that were not trained on; ``hidden``.
    """
    task = Line(bits=bits, layers=layers)
    hidden = hidden_size_for(LINES[kind], task, parameters)
    model = Model(LINES[kind], task, hidden_size=hidden, rng=np.random.default_rng(seed))
    if kind == "relu":  # He et al. 2015: half of the units are silent
        model.params["cell.W_d"] *= math.sqrt(2)

    def learnt(_, history):
        return bool(history.steps >= OVER and np.mean(history.accuracy[-OVER:]) > LEARNT)

    adam = optim.Adam(learning_rate)
    try:
        history = fit(
            model, updates, batch_size=BATCH, optimizer=adam, seed=seed, callback=learnt, progress=False
        )
    except TrainingDiverged as diverged:
        history = diverged.history
    held_out = model.evaluate("test", batches=1, batch_size=512, seed=seed)
    return {
        "accuracy": float(np.mean(history.accuracy[-OVER:])),
        "updates": float(history.steps) if learnt(model, history) else math.nan,
        "held_out": held_out.accuracy,
        "hidden": float(hidden),
    }


# Fixed before the runs: 6 bits, two depths, 1,314 parameters in all (16 units of an LSTM, 32 of the others),
# at most 1,000 updates, five seeds; and for each kind four learning rates about the one that did best in
# pilot runs with another seed. Where the best, or one as good, lay at an edge, rates beyond it were added.
DEPTH_PARAMETERS = 1314
DEPTH_UPDATES = 1000
DEPTH_RATES = {
    "lstm": (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1),
    "tanh": (1e-4, 3e-4, 1e-3, 3e-3),
    "relu": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2),
    "residual": (3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 3e-2),
}


@experiment(
    points=[
        {"kind": kind, "layers": layers, "learning_rate": rate}
        for layers in (24, 48)
        for kind, rates in DEPTH_RATES.items()
        for rate in rates
    ],
    seeds=range(5),
    agree={"accuracy": Interval(0.15, axis="learning_rate")},
)
def depth_of_a_line(kind: str, layers: int, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train a line of 24 or 48 layers on the parity of 6 bits, at equal numbers of parameters.

    Parameters
    ----------
    kind : str
        ``"lstm"``, ``"tanh"``, ``"relu"`` (from the start of He et al. 2015), or ``"residual"``.
    layers : int
        Length of the line.
    learning_rate : float
        Of Adam.
    seed : int
        Of the parameters and the batches.

    Returns
    -------
    dict
        As `train_a_line`. Of 64 rows there are few that are held out; what counts is ``accuracy``.
    """
    return train_a_line(kind, 6, layers, DEPTH_PARAMETERS, DEPTH_UPDATES, learning_rate, seed)


# Fixed before the runs: 8 layers, as many parameters as an LSTM of 32 units has, at most 2,500 updates, five
# seeds; for each kind the learning rate that `line_rates` finds, with seeds that occur nowhere else.
LENGTHS = (8, 10, 12)
LENGTH_LAYERS = 8
LENGTH_UPDATES = 2500
LENGTH_RATES = {"lstm": 1e-2, "tanh": 1e-3, "relu": 3e-3}
LINE_RATES = {
    "lstm": (3e-3, 1e-2, 3e-2, 1e-1),
    "tanh": (3e-4, 1e-3, 3e-3, 1e-2),
    "relu": (3e-4, 1e-3, 3e-3, 1e-2),
}


def length_parameters(bits):
    """How many parameters 32 units of an LSTM have, 64 of the others."""
    return 4290 + 64 * bits


@experiment(
    points=[{"kind": kind, "learning_rate": rate} for kind, rates in LINE_RATES.items() for rate in rates],
    seeds=range(100, 103),
    agree={"accuracy": Interval(0.15, axis="learning_rate")},
)
def line_rates(kind: str, learning_rate: float, *, seed: int) -> dict[str, float]:
    """Train two lines of 8 layers on the parity of 10 and of 12 bits, to choose a learning rate.

    Parameters
    ----------
    kind, learning_rate, seed
        As `depth_of_a_line` takes them.

    Returns
    -------
    dict
        ``spent``: updates until the rows in training are right, all 2,500 if they never are; ``accuracy``:
        their share in the last 100 batches. Both are means over the two lengths.
    """
    found = [
        train_a_line(kind, bits, LENGTH_LAYERS, length_parameters(bits), LENGTH_UPDATES, learning_rate, seed)
        for bits in (10, 12)
    ]
    return {
        "spent": float(
            np.mean([LENGTH_UPDATES if math.isnan(f["updates"]) else f["updates"] for f in found])
        ),
        "accuracy": float(np.mean([f["accuracy"] for f in found])),
    }


@experiment(
    points=[{"kind": kind, "bits": bits} for bits in LENGTHS for kind in LENGTH_RATES],
    seeds=range(5),
    agree={"accuracy": Interval(0.15, axis="bits"), "held_out": Interval(0.15, axis="bits")},
)
def parity_at_length(kind: str, bits: int, *, seed: int) -> dict[str, float]:
    """Train a line of 8 layers on the parity of 8 to 12 bits, at equal numbers of parameters.

    Parameters
    ----------
    kind : str
        ``"lstm"``, ``"tanh"`` or ``"relu"``.
    bits : int
        How many come in at once.
    seed : int
        Of the parameters and the batches.

    Returns
    -------
    dict
        As `train_a_line`.
    """
    rate = LENGTH_RATES[kind]
    return train_a_line(kind, bits, LENGTH_LAYERS, length_parameters(bits), LENGTH_UPDATES, rate, seed)
