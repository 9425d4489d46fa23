"""Evolution strategies: improve weights by trying neighbours of them, where no gradient can be had.

What a reader can do here: `evolve` weights for anything that can be scored, here or on any executor of
`concurrent.futures`. It is the algorithm of Salimans et al., "Evolution Strategies as a Scalable Alternative
to Reinforcement Learning" (2017, arXiv:1703.03864), which goes back to Rechenberg and Schwefel.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..checks import above_zero, array, at_least, finite, function, given, instance, numbers
from ..errors import ShapeError

__all__ = ["Evolution", "evolve"]


@dataclass(frozen=True, eq=False)
class Evolution:
    """What `evolve` found.

    Attributes
    ----------
    weights : ndarray (n,)
        The weights in the end: the middle of the last population.
    means, bests : ndarray (generations,)
        Mean and highest score of each generation.
    """

    weights: np.ndarray
    means: np.ndarray = field(repr=False)
    bests: np.ndarray = field(repr=False)


def shares(scores: np.ndarray) -> np.ndarray:
    """Ranks from -1/2, the worst, to 1/2, the best; equal scores share theirs.

    >>> shares(np.array([3.0, 900.0, 3.0, 1.0]))
    array([ 0. ,  0.5,  0. , -0.5])
    """
    _, which, count = np.unique(scores, return_inverse=True, return_counts=True)
    rank = np.cumsum(count) - (count + 1) / 2
    return rank[which] / (len(scores) - 1) - 0.5


@given(
    weights=numbers(1, axes="(n,)"),
    generations=at_least(0, 1_000_000),
    population=at_least(2, 1_000_000),
    sigma=above_zero,
    learning_rate=above_zero,
    seed=at_least(0),
    pieces=at_least(1),
)
def evolve(
    score: Callable[[np.ndarray, np.random.Generator], Any],
    weights: Any,
    generations: int = 100,
    *,
    population: int = 64,
    sigma: float = 0.3,
    learning_rate: float = 0.36,
    seed: int = 0,
    executor: Executor | None = None,
    pieces: int = 8,
    callback: Callable[[np.ndarray, np.ndarray], Any] | None = None,
) -> Evolution:
    r"""Improve weights generation by generation, by scores alone.

    A generation are weights :math:`\theta + \sigma \epsilon_k`, in pairs with opposite noise. Their ranks
    :math:`u_k`, from -1/2 to 1/2, say how the middle moves:
    :math:`\theta \leftarrow \theta + \frac{\alpha}{P \sigma} \sum_k u_k \epsilon_k`.

    Parameters
    ----------
    score : callable
        ``score(candidates, rng)``, with candidates (p, n), gives p scores, the higher the better. What is
        drawn from `rng` is the same for all candidates of a generation, so that they are compared on the same
        trials. On an executor of processes it must be picklable.
    weights : array (n,)
        Where to begin.
    generations : int
        How many.
    population : int
        P, an even number.
    sigma : float
        How far the candidates lie from the middle.
    learning_rate : float
        :math:`\alpha`.
    seed : int
        Of the noise and of `rng`.
    executor : concurrent.futures.Executor, optional
        Scores the candidates of a generation in `pieces` parts; in this process if not given. The result is
        the same if a candidate's score does not depend on which others are scored with it.
    pieces : int
        In how many parts a generation is scored on an executor.
    callback : callable, optional
        Called after each generation with the weights and the scores; ends the evolution by returning True.

    Returns
    -------
    Evolution

    Raises
    ------
    ValueError, TypeError
        A setting is out of range, `score` does not give one number for each candidate, or one that is not a
        number.

    Examples
    --------
    >>> import numpy as np
    >>> def near(candidates, rng):
    ...     return -((candidates - [1.0, -2.0]) ** 2).sum(axis=1)
    >>> found = evolve(near, np.zeros(2), 200, sigma=0.1, learning_rate=0.02)
    >>> bool(np.abs(found.weights - [1, -2]).max() < 0.05)
    True
    """
    function("score", score, "from candidates (p, n) and a generator to p numbers")
    if population % 2:
        raise ValueError(f"population={population} is odd: candidates come in pairs, with opposite noise")
    if executor is not None:
        instance("executor", executor, Executor, "ProcessPoolExecutor()")
    if callback is not None:
        function("callback", callback, "with the weights and the scores of a generation")
    middle = finite("weights", np.array(weights, np.float64))
    means, bests = [], []
    for generation in range(generations):
        half = np.random.default_rng((seed, generation)).standard_normal((population // 2, len(middle)))
        noise = np.concatenate([half, -half])
        scores = _scores(score, middle + sigma * noise, (seed, generation, 1), executor, pieces)
        middle = middle + learning_rate / (population * sigma) * shares(scores) @ noise
        means.append(scores.mean())
        bests.append(scores.max())
        if callback is not None and callback(middle.copy(), scores) is True:
            break
    return Evolution(middle, np.array(means), np.array(bests))


def _scores(score, candidates, seed, executor, pieces) -> np.ndarray:
    """One number for each candidate, whoever computes it."""
    parts = np.array_split(candidates, min(pieces, len(candidates)) if executor else 1)
    found = (executor.map if executor else map)(partial(_score, score, seed), parts)
    scores = np.concatenate(list(found))
    if not np.isfinite(scores).all():
        raise ValueError("score gave a number that is not finite: a score is needed for every candidate")
    return scores


def _score(score, seed, candidates: np.ndarray) -> np.ndarray:
    """The scores of some candidates, with the generation's own generator."""
    found = array("what score returns", score(candidates, np.random.default_rng(seed)))
    if found.shape != (len(candidates),):
        raise ShapeError(
            f"score returned shape {found.shape} for {len(candidates)} candidates; "
            "one number for each is needed"
        )
    return found.astype(np.float64)
