"""Do two means differ, are they alike, how sure is a share, and which hyperparameter decides?

What a reader can do here: compare two samples (`welch`), ask whether their means are as good as equal
(`alike`), say between which bounds a share lies of which k of n were seen (`exact_interval`), compare
successes in pairs (`mcnemar`), correct for many questions (`holm`), and share the variance of a random search
out among what was drawn (`importance`, `interplay`).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmcourse.checks import above_zero, array, finite, given, instance, mapping, real, whole

__all__ = [
    *("Difference", "alike", "exact_interval", "holm", "importance", "interplay", "mcnemar", "tail", "welch"),
]

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(200)


@dataclass(frozen=True)
class Difference:
    """Two samples, compared by their means; from `welch`.

    Attributes
    ----------
    mean : float
        The first sample's mean minus the second's.
    error : float
        Its standard error.
    freedom : float
        Degrees of freedom, after Welch and Satterthwaite.
    p : float
        How often a difference as large, of either sign, comes about by chance if the means are equal.
    """

    mean: float
    error: float
    freedom: float
    p: float

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """Return the interval in which the difference of the means lies, at a level of confidence.

        Examples
        --------
        >>> low, high = welch([1.0, 2.0, 3.0], [1.5, 2.0, 2.5]).interval()
        >>> round(low, 2), round(high, 2)
        (-2.09, 2.09)
        """
        if not 0 < real("level", level) < 1:
            raise ValueError(f"level={level} does not fit: give a share between 0 and 1, such as 0.95")
        low, high = 0.0, 1.0
        while tail(high, self.freedom) > (1 - level) / 2:
            low, high = high, 2 * high
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if tail(middle, self.freedom) > (1 - level) / 2 else (low, middle)
        return self.mean - high * self.error, self.mean + high * self.error


def a_sample(name: str, value: Any) -> np.ndarray:
    """At least two finite numbers."""
    numbers = finite(name, np.asarray(array(name, value, "iuf", ndim=1, axes="(n,)"), float))
    if len(numbers) < 2:
        raise ValueError(f"{name} has {len(numbers)} numbers: a mean and its error need two at least")
    return numbers


@given(t=real, freedom=above_zero)
def tail(t: float, freedom: float) -> float:
    """Return the probability that Student's t, with so many degrees of freedom, is above `t`.

    With t = sqrt(freedom) tan(a) the density is that of cos(a) to the power of freedom - 1.

    Examples
    --------
    >>> round(tail(2.228, 10), 4)
    0.025
    """
    if freedom < 1:
        raise ValueError(f"freedom={freedom} does not fit: two samples have one degree of freedom at least")

    def area(low: float, high: float) -> float:
        a = low + (high - low) * (_NODES + 1) / 2
        return (high - low) / 2 * float(_WEIGHTS @ np.cos(a) ** (freedom - 1))

    half = area(0.0, math.pi / 2)
    beyond = area(math.atan(abs(t) / math.sqrt(freedom)), math.pi / 2) / (2 * half)
    return beyond if t >= 0 else 1 - beyond


@given(a=a_sample, b=a_sample)
def welch(a: Iterable[float], b: Iterable[float]) -> Difference:
    """Compare the means of two samples whose variances may differ (Welch 1947).

    Parameters
    ----------
    a, b : sequence of float
        At least two numbers each.

    Raises
    ------
    ValueError
        A sample has fewer than two numbers, or none of them differs from another.

    Examples
    --------
    >>> found = welch([3.0, 4.0, 5.0, 4.0], [1.0, 2.0, 1.5, 1.0])
    >>> round(found.mean, 3), round(found.p, 4)
    (2.625, 0.0029)
    """
    parts = [float(np.var(s, ddof=1)) / len(s) for s in (a, b)]
    if not sum(parts):
        raise ValueError(f"a={a} and b={b}: no number differs from the others, so there is no error")
    freedom = sum(parts) ** 2 / sum(p**2 / (len(s) - 1) for p, s in zip(parts, (a, b), strict=True))
    mean, error = float(np.mean(a) - np.mean(b)), math.sqrt(sum(parts))
    return Difference(mean, error, freedom, min(1.0, 2 * tail(abs(mean) / error, freedom)))


def a_difference(name: str, value: Any) -> Difference:
    """A difference of two means."""
    return instance(name, value, Difference, "welch(a, b)")


@given(difference=a_difference, margin=above_zero)
def alike(difference: Difference, margin: float) -> float:
    """Return the p value of "the means differ by `margin` or more" (two one-sided tests, Schuirmann 1987).

    A small one says that they are as good as equal. A large p value of `welch` does not say so: two samples
    that are small enough never differ significantly.

    Examples
    --------
    >>> few = welch([3.0, 4.0], [3.1, 4.1])
    >>> round(few.p, 2), round(alike(few, margin=0.5), 2)
    (0.9, 0.31)
    """
    return max(tail((margin + s * difference.mean) / difference.error, difference.freedom) for s in (-1, 1))


def at_least(k: int, n: int, p: float) -> float:
    """The probability of k successes or more in n trials of probability p."""
    return sum(math.comb(n, j) * p**j * (1 - p) ** (n - j) for j in range(k, n + 1))


def a_count(name: str, value: Any) -> int:
    """How many trials there are: few enough for exact sums."""
    return whole(name, value, 0, 1000)


@given(successes=a_count, trials=a_count)
def exact_interval(successes: int, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Return the interval in which a probability lies, by k successes in n trials (Clopper & Pearson 1934).

    Its ends are the probabilities under which so many successes or more, or so many or fewer, are as rare as
    half of 1 - `level`. It covers the true one at least as often as `level` says, however few trials there
    are.

    Parameters
    ----------
    successes, trials : int
        k of n, from 0 of 1 to 1000 of 1000.
    level : float
        Of confidence.

    Returns
    -------
    (float, float)

    Raises
    ------
    ValueError
        There are more successes than trials, or no trial.

    Examples
    --------
    >>> [round(end, 2) for end in exact_interval(3, 5)]
    [0.15, 0.95]
    >>> [round(end, 2) for end in exact_interval(40, 40)]
    [0.91, 1.0]
    """
    if successes > trials or not trials:
        raise ValueError(f"successes={successes} of trials={trials} does not fit: give k of n, n at least 1")
    if not 0 < real("level", level) < 1:
        raise ValueError(f"level={level} does not fit: give a share between 0 and 1, such as 0.95")

    def low(k: int) -> float:
        below, above = 0.0, 1.0
        for _ in range(60 if k else 0):
            p = (below + above) / 2
            below, above = (p, above) if at_least(k, trials, p) < (1 - level) / 2 else (below, p)
        return below

    return low(successes), 1 - low(trials - successes)


@given(first=a_count, second=a_count)
def mcnemar(first: int, second: int) -> float:
    """Return the p value of "in a pair, either is as likely to succeed alone" (McNemar 1947, exact).

    Pairs in which both succeed, or both fail, tell nothing about a difference; each of the others is, if
    there is none, the toss of a coin.

    Parameters
    ----------
    first, second : int
        In how many pairs the first alone succeeds, and in how many the second alone.

    Examples
    --------
    >>> mcnemar(2, 0), mcnemar(6, 0), mcnemar(4, 3)
    (0.5, 0.03125, 1.0)
    """
    return min(1.0, 2 * at_least(max(first, second), first + second, 0.5))


def probabilities(name: str, value: Any) -> Mapping[Any, float]:
    """Probabilities, by whatever they are about."""
    instance(name, value, Mapping, "{'a': 0.01, 'b': 0.2}")
    for key, p in value.items():
        if not 0 <= real(f"{name}[{key!r}]", p) <= 1:
            raise ValueError(f"{name}[{key!r}]={p} is no probability: it lies between 0 and 1")
    return value


@given(p=probabilities)
def holm(p: Mapping[Any, float]) -> dict[Any, float]:
    """Return p values corrected for their number (Holm 1979).

    If those below 0.05 then count as findings, the probability that any finding is due to chance is 0.05 at
    most, however many questions were asked.

    Parameters
    ----------
    p : mapping
        Of anything to p values.

    Examples
    --------
    >>> holm({"a": 0.01, "b": 0.04, "c": 0.02})
    {'a': 0.03, 'b': 0.04, 'c': 0.04}
    """
    ranked = sorted(p, key=p.get)
    steps = [min(1.0, (len(p) - k) * p[key]) for k, key in enumerate(ranked)]
    corrected = dict(zip(ranked, itertools.accumulate(steps, max), strict=True))
    return {key: corrected[key] for key in p}


def importance(drawn: Mapping[str, Iterable], values: Iterable[float], *, bins: int = 8) -> dict[str, float]:
    """Return for each thing that was drawn the share of the variance of `values` that it explains by itself.

    Trials are sorted into bins, as many in each, by one coordinate (or by its values, where there are no more
    than bins, or they are text), and the variance between the bins' means is compared with all of it. What
    chance alone puts between the means is subtracted, so a share may be a little below 0. This is the first
    part of a functional analysis of variance (Hutter, Hoos & Leyton-Brown 2014); a forest there does what
    bins do here.

    Parameters
    ----------
    drawn : mapping of str to sequence
        Each coordinate of all trials.
    values : sequence of float
        What was measured, in the same order.
    bins : int
        How many.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.uniform(-1, 1, (2, 5000))
    >>> shares = importance({"x": x, "y": y}, 2 * x + y)
    >>> {name: round(share, 2) for name, share in shares.items()}
    {'x': 0.79, 'y': 0.19}
    """
    columns, values = _columns(drawn, values, bins)
    return {name: _explained(where, values) for name, where in columns.items()}


def interplay(
    drawn: Mapping[str, Iterable], values: Iterable[float], *, bins: int = 5
) -> dict[tuple[str, str], float]:
    """Return for each pair of coordinates the share of the variance that only both together explain.

    What `importance` finds for the two of them, sorted into cells, less what it finds for each. The arguments
    are those of `importance`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x, y = rng.uniform(-1, 1, (2, 5000))
    >>> {pair: round(share, 1) for pair, share in interplay({"x": x, "y": y}, x * y).items()}
    {('x', 'y'): 0.9}
    """
    columns, values = _columns(drawn, values, bins)
    alone = {name: _explained(where, values) for name, where in columns.items()}
    return {
        (a, b): _explained(columns[a] * (columns[b].max() + 1) + columns[b], values) - alone[a] - alone[b]
        for a, b in itertools.combinations(columns, 2)
    }


def _columns(drawn, values, bins) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The bin of each trial in each coordinate, and the values."""
    values, bins = a_sample("values", values), whole("bins", bins, 2)
    columns = {}
    for name, column in mapping("drawn", drawn, "of sequences by name").items():
        column = array(f"drawn[{name!r}]", column, "iufU", ndim=1, axes="(trials,)")
        if len(column) != len(values):
            raise ValueError(f"drawn[{name!r}] has {len(column)} trials, values has {len(values)}")
        kinds, columns[name] = np.unique(column, return_inverse=True)
        if column.dtype.kind != "U" and len(kinds) > bins:
            columns[name] = np.argsort(np.argsort(column, kind="stable"), kind="stable") * bins // len(column)
    return columns, values


def _explained(where: np.ndarray, values: np.ndarray) -> float:
    """The share of the variance that lies between groups, freed of chance (omega squared)."""
    groups = [values[where == k] for k in np.unique(where)]
    within = sum(float(((g - g.mean()) ** 2).sum()) for g in groups)
    total = float(((values - values.mean()) ** 2).sum())
    if len(groups) == len(values) or not total:
        raise ValueError(f"{len(values)} values in {len(groups)} groups: nothing to compare; give fewer bins")
    noise = within / (len(values) - len(groups))
    return (total - within - (len(groups) - 1) * noise) / (total + noise)
