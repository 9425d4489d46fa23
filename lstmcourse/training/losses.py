"""Losses: from a read-out and targets to a value, a prediction and a gradient; one row of `LOSSES` each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from ..engine import numeric as runtime

__all__ = ["LOSSES", "Loss"]


@dataclass(frozen=True)
class Loss:
    """A loss of N scored steps: from the read-out z (N, K) and the targets y.

    Attributes
    ----------
    predict : z -> prediction (N, K)
        What the model says: probabilities, or values.
    judge : z, y -> value (N,), prediction (N, K)
        The loss of each step, in nats, or squared error averaged over K; and `predict`, on the way.
    gradient : prediction, y -> (N, K)
        The gradient of `value` in z, which for each of these is prediction minus target, times a constant.
    """

    predict: Callable[[np.ndarray], np.ndarray]
    judge: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
    gradient: Callable[[np.ndarray, np.ndarray], np.ndarray]

    def value(self, z: np.ndarray, y: np.ndarray) -> np.ndarray:
        """The loss of each step, (N,)."""
        return self.judge(z, y)[0]


def _surprise(z: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Minus the log of what softmax gives the target, from z shifted by its maximum: finite however sure.

    Workspace is taken here, outside any loop over time, for speed: `runtime.logsumexp` needs none, and is
    several times slower.
    """
    p = z - z.max(axis=-1, keepdims=True)
    right = p[np.arange(len(y)), y]
    total = np.exp(p, out=p).sum(axis=-1, keepdims=True)
    p /= total
    return np.log(total[:, 0]) - right, p


def _minus_one_hot(prediction: np.ndarray, y: np.ndarray) -> np.ndarray:
    dz = prediction.copy()
    dz[np.arange(len(y)), y] -= 1
    return dz


LOSSES: Mapping[str, Loss] = {
    "cross_entropy": Loss(
        predict=lambda z: runtime.softmax(z, -1),
        judge=_surprise,
        gradient=_minus_one_hot,
    ),
    "bernoulli": Loss(
        predict=runtime.sigmoid,
        judge=lambda z, y: ((runtime.softplus(z) - y * z).sum(axis=-1), runtime.sigmoid(z)),
        gradient=lambda p, y: p - y,
    ),
    "mse": Loss(
        predict=lambda z: z,
        judge=lambda z, y: (np.square(z - y, dtype=np.float64).mean(axis=-1), z),
        gradient=lambda p, y: (p - y) * (2 / p.shape[-1]),
    ),
}
