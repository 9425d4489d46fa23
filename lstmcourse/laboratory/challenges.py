"""Challenges for a cell laboratory: tasks that its weights solve or do not, whatever is held at the moment.

A challenge is some inputs, and a number that is wanted at some of their steps. It is solved if one number of
the cell's states tells it, read out by a straight line: the worst error over all inputs and steps is the
measure. The line may be no steeper than `STEEPEST`, or what is too faint to be of use would count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["CHALLENGES", "STEEPEST", "Challenge", "Verdict", "worst"]

STEEPEST = 10.0


@dataclass(frozen=True, eq=False)
class Challenge:
    """Inputs x (T, B), what is wanted (T, B), NaN where nothing is, and the error that passes."""

    name: str
    title: str
    about: str
    passes: float
    x: np.ndarray
    wanted: np.ndarray


@dataclass(frozen=True)
class Verdict:
    """How a challenge stands: its worst error now, and the number below which it is solved."""

    title: str
    error: float
    passes: float

    @property
    def solved(self) -> bool:
        """Whether the worst error is small enough."""
        return self.error < self.passes


def worst(states: Mapping[str, np.ndarray], wanted: np.ndarray) -> float:
    """The worst error of the best read-out: over every number of the states, each (T, B, ...)."""
    asked = ~np.isnan(wanted)
    target, errors = wanted[asked], []
    for a in states.values():
        for v in np.asarray(a)[asked].reshape(len(target), -1).T:
            off = v - v.mean()
            spread = off @ off
            slope = np.clip(off @ target / spread, -STEEPEST, STEEPEST) if spread else 0.0
            errors.append(np.abs(slope * off + target.mean() - target).max())
    return float(min(e if np.isfinite(e) else np.inf for e in errors))


def _asked(target: np.ndarray, steps: Any) -> np.ndarray:
    wanted = np.full(target.shape, np.nan)
    wanted[steps] = target[steps]
    return wanted


def _all() -> Iterator[Challenge]:
    rng = np.random.default_rng(0)

    x = np.zeros((51, 4))
    x[0] = -1, -0.5, 0.5, 1
    wanted = _asked(np.tile(x[0], (51, 1)), [1, 10, 25, 50])
    yield Challenge("hold", "Hold a value for 50 steps", "what came at the first step", 0.1, x, wanted)

    x = np.zeros((20, 6))
    for n in range(6):
        x[np.sort(rng.choice(18, n, replace=False)), n] = 1
    wanted = _asked(np.cumsum(x, axis=0), [4, 9, 14, 19])
    yield Challenge("count", "Count to five", "how many pulses have come", 0.25, x, wanted)

    x = np.round(rng.uniform(0, 1, (12, 8)), 2)
    total = np.zeros(8)
    for b in range(8):
        marked = rng.choice(11, 2, replace=False)
        total[b] = x[marked, b].sum()
        x[marked, b] += 2
    about = "the sum of the two that are marked, by 2 on top; all others are to be ignored"
    yield Challenge("add", "Add two marked numbers", about, 0.15, x, _asked(np.tile(total, (12, 1)), [11]))

    x = np.round(rng.uniform(-0.4, 0.4, (31, 6)), 2)
    x[0] = 1, -1, 1, -1, 1, -1
    wanted = _asked(np.tile(x[0] > 0, (31, 1)).astype(float), [5, 15, 30])
    about = "1 or 0, as the first input was 1 or \N{MINUS SIGN}1; noise of up to 0.4 follows"
    yield Challenge("noise", "Ignore noise", about, 0.2, x, wanted)

    x = (rng.random((24, 3)) < 0.25).astype(float)
    about = "0 or 1, which changes with every pulse"
    yield Challenge("toggle", "Toggle on a pulse", about, 0.25, x, np.cumsum(x, axis=0) % 2)

    x = np.zeros((36, 1))
    wanted = (np.arange(36)[:, None] % 7 == 6).astype(float)
    about = "1 at every seventh step, else 0, with no input at all; peepholes help"
    yield Challenge("fire", "Fire every seventh step", about, 0.25, x, wanted)


CHALLENGES = {challenge.name: challenge for challenge in _all()}
