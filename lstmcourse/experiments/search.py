"""Random searches: points that are drawn, each from the search's seed and its own number alone."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lstmcourse.checks import above_zero, generator, instance, mapping, real, shown, truth, whole

__all__ = ["Choice", "Range", "Search", "choice", "log_uniform", "search", "uniform"]


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, both included; made by `uniform` and `log_uniform`."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def draw(self, rng: np.random.Generator) -> float | int:
        """Return one number, with the six digits that are stored: further ones differ between processors."""
        rng = generator("rng", rng)
        edge = 0.5 if self.whole else 0.0  # every whole number has the same room, the outer ones too
        low, high = self.low - edge, self.high + edge
        value = math.exp(rng.uniform(math.log(low), math.log(high))) if self.log else rng.uniform(low, high)
        value = min(max(float(f"{value:.6g}"), self.low), self.high)
        return round(value) if self.whole else value

    def __str__(self) -> str:
        kind = f"{'whole, ' if self.whole else ''}{'log-uniform' if self.log else 'uniform'}"
        return f"{self.low:g} to {self.high:g}, {kind}"


@dataclass(frozen=True)
class Choice:
    """One of several values, each with the same probability; made by `choice`."""

    values: tuple[Any, ...]

    def draw(self, rng: np.random.Generator) -> Any:
        """Return one of the values."""
        return self.values[generator("rng", rng).integers(len(self.values))]

    def __str__(self) -> str:
        return f"one of {', '.join(map(repr, self.values))}"


class Search(list):
    """The points of a random search, a list of dicts as `grid` gives it; made by `search`.

    Attributes
    ----------
    axes : dict of str to Range or Choice
        What each coordinate is drawn from.
    seeds : list of int
        One for each point.
    """

    def __init__(self, points: Iterable[Mapping[str, Any]], axes: Mapping[str, Any], seeds: Iterable[int]):
        super().__init__(dict(p) for p in points)
        self.axes, self.seeds = dict(axes), list(seeds)


def uniform(low: float, high: float, *, whole: bool = False) -> Range:
    """Return the range from `low` to `high`, all of it with the same probability.

    Parameters
    ----------
    low, high : float
        Both included.
    whole : bool
        Whether only whole numbers are drawn.

    Raises
    ------
    ValueError
        `low` is not below `high`, or whole numbers are wanted and these are not.

    Examples
    --------
    >>> print(uniform(0.0, 0.5))
    0 to 0.5, uniform
    """
    return _range(real("low", low), real("high", high), False, whole)


def log_uniform(low: float, high: float, *, whole: bool = False) -> Range:
    """Return the range from `low` to `high`, in which each factor has the same probability.

    Parameters
    ----------
    low, high : float
        Both included, and above 0.
    whole : bool
        Whether only whole numbers are drawn.

    Raises
    ------
    ValueError
        `low` is not above 0, not below `high`, or whole numbers are wanted and these are not.

    Examples
    --------
    >>> print(log_uniform(20, 200, whole=True))
    20 to 200, whole, log-uniform
    """
    return _range(above_zero("low", low), above_zero("high", high), True, whole)


def _range(low: float, high: float, log: bool, whole: bool) -> Range:
    truth("whole", whole)
    if not low < high:
        raise ValueError(f"low={low!r} and high={high!r} hold no range: low is below high")
    if whole and not (low.is_integer() and high.is_integer() and max(abs(low), abs(high)) < 1e6):
        raise ValueError(
            f"low={low!r} and high={high!r} with whole=True: give whole numbers, of six digits at most"
        )
    return Range(int(low), int(high), log, True) if whole else Range(low, high, log)


def choice(*values: Any) -> Choice:
    """Return one of several values, each with the same probability.

    Parameters
    ----------
    *values : str, int, float or bool
        At least two, all different.

    Examples
    --------
    >>> print(choice("sgd", "adam"))
    one of 'sgd', 'adam'
    """
    for k, value in enumerate(values):
        instance(f"values[{k}]", value, (str, int, float), "'adam'", "text or number")
        real(f"values[{k}]", value) if isinstance(value, float) else None
    if len(set(values)) < max(2, len(values)):
        raise ValueError(f"values={shown(values)}: give at least two values, all different")
    return Choice(values)


def search(
    *, trials: int, seed: int = 0, at: Iterable[Mapping[str, Any]] = ({},), **axes: Range | Choice
) -> Search:
    """Return the points of a random search, for `experiment`.

    What is drawn for trial number n depends on `seed` and n alone: neither on the trials before it, nor on
    who measures it, nor on the other coordinates. So a search that was stopped goes on with what it would
    have drawn, and more trials, added later, leave those that are there as they are.

    Parameters
    ----------
    trials : int
        How many points, at each place of `at`; a million at most.
    seed : int
        The search's.
    at : iterable of mapping
        Coordinates that are not drawn: every place gets as many trials, in turn. See `grid`.
    **axes : Range or Choice
        What the other coordinates are drawn from: `uniform`, `log_uniform`, `choice`.

    Returns
    -------
    Search
        A list of points, with a seed for each: the function that is measured gets it as ``seed=``.

    Raises
    ------
    ValueError
        Nothing is drawn, or a coordinate is both drawn and given.

    Examples
    --------
    >>> points = search(trials=2, at=[{"cell": "lstm"}, {"cell": "gru"}], rate=log_uniform(1e-4, 1e-1))
    >>> [p["cell"] for p in points]
    ['lstm', 'gru', 'lstm', 'gru']
    >>> more = search(trials=9, at=[{"cell": "lstm"}, {"cell": "gru"}], rate=log_uniform(1e-4, 1e-1))
    >>> more[:4] == points
    True
    """
    trials, seed = whole("trials", trials, 1, 1_000_000), whole("seed", seed, 0)
    if isinstance(at, (str, bytes, Mapping)) or not isinstance(at, Iterable):
        raise TypeError(f"at={shown(at)} does not fit: it is a list of dicts, as grid gives it")
    places = [mapping("at", place, "of values by name") for place in at]
    for name, axis in axes.items():
        instance(name, axis, (Range, Choice), f"{name}=uniform(0, 1)")
        if any(name in place for place in places):
            raise ValueError(f"{name}={axis} is drawn, and at= gives it too: do one of them")
    if not axes or not places:
        raise ValueError(f"at={shown(places)} and {len(axes)} ranges: give a place, and what is to be drawn")

    def drawn(n: int) -> dict[str, Any]:
        streams = {name: np.random.default_rng([seed, n, *name.encode()]) for name in axes}
        return {**places[n % len(places)], **{name: axes[name].draw(rng) for name, rng in streams.items()}}

    numbers = range(trials * len(places))
    seeds = (int(np.random.SeedSequence([seed, n]).generate_state(1)[0]) for n in numbers)
    return Search(map(drawn, numbers), axes, seeds)
