"""The clockwork RNN: modules that tick at periods of their own (Koutník, Greff, Gomez & Schmidhuber 2014)."""

from __future__ import annotations

import numpy as np

from ..cell import cell, clock
from ..engine.layers import affine, param, table
from ..engine.ops import tanh, where


def module_sizes(hidden_size: int, periods: tuple[int, ...], sizes: tuple[int, ...] = ()) -> tuple[int, ...]:
    """Units in each module: as equal as can be, spare ones in the fast modules; or `sizes`.

    Examples
    --------
    >>> module_sizes(11, (1, 2, 4, 8))
    (3, 3, 3, 2)
    """
    if not isinstance(periods, tuple) or not periods or any(type(p) is not int or p < 1 for p in periods):
        raise ValueError(f"periods={periods!r}: it is a tuple of whole numbers from 1, such as (1, 2, 4, 8)")
    if not (isinstance(sizes, tuple) and not sizes):
        if (
            not isinstance(sizes, tuple)
            or len(sizes) != len(periods)
            or any(type(k) is not int or k < 1 for k in sizes)
        ):
            raise ValueError(
                f"sizes={sizes!r}: it says for each of {len(periods)} periods how many units it has, from 1"
            )
        if sum(sizes) != hidden_size:
            raise ValueError(
                f"sizes={sizes!r} add up to {sum(sizes)} units, and hidden_size is {hidden_size}"
            )
        return sizes
    whole, spare = divmod(hidden_size, len(periods))
    fast = sorted(range(len(periods)), key=lambda j: periods[j])[:spare]
    return tuple(whole + (j in fast) for j in range(len(periods)))


def unit_periods(hidden_size: int, periods: tuple[int, ...], sizes: tuple[int, ...] = ()) -> np.ndarray:
    """The period of each unit, module after module in the order of `periods`: (H,)."""
    return np.repeat(periods, module_sizes(hidden_size, periods, sizes))


def slow_to_fast(hidden_size: int, periods: tuple[int, ...], sizes: tuple[int, ...] = ()) -> np.ndarray:
    """1 where a unit may feed another, [from, to]: in a module, and from long periods to short ones."""
    T = unit_periods(hidden_size, periods, sizes)
    module = np.repeat(np.arange(len(periods)), module_sizes(hidden_size, periods, sizes))
    return (T[:, None] > T[None, :]) | (module[:, None] == module[None, :])


@cell(init={"W_h": ("normal", 0.1), "U_h": ("normal", 0.1)})
def clockwork(x, h, t=clock, periods=(1, 2, 4, 8), sizes=()):
    """Clockwork RNN (Koutnik et al. 2014): a unit of period T computes when T divides t.

    In between it keeps its value. Modules are fed by themselves and by slower ones. t counts from 0, where
    all modules compute. `sizes` says how many units each module has; by default equally many, spare ones in
    the fast modules.
    """
    module_sizes(sum(sizes) if isinstance(sizes, tuple) and sizes else 1, periods, sizes)
    T = table("T", lambda H: unit_periods(H, periods, sizes), "H")
    M = table("M", lambda H, _: slow_to_fast(H, periods, sizes), "H", "H")
    a = tanh(affine("h", W=x) + h @ param("U_h", "H", "H", free=M))
    h = where(t % T == 0.0, a, h)
    return h
