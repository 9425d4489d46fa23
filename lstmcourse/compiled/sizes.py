"""Sizes and strides as text that can be compared, before the sizes are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["ONE", "PART", "ZERO", "Poly", "contiguous", "count"]


@dataclass(frozen=True)
class Poly:
    """A sum of products of sizes, such as ``4 * B * H``: a stride or an extent, before sizes are known.

    Examples
    --------
    >>> str(Poly.of("B") * (Poly.of("H") * 4) + 2)
    '4 * B * H + 2'
    """

    terms: tuple[tuple[tuple[str, ...], int], ...] = ()

    @staticmethod
    def of(value: Poly | str | int) -> Poly:
        """A whole number or a name, as a polynomial."""
        if isinstance(value, Poly):
            return value
        if isinstance(value, str):
            return Poly((((value,), 1),))
        return Poly((((), value),)) if value else Poly()

    @staticmethod
    def _from(found: Mapping[tuple[str, ...], int]) -> Poly:
        return Poly(tuple(sorted((names, k) for names, k in found.items() if k)))

    def __add__(self, other: Poly | str | int) -> Poly:
        found = dict(self.terms)
        for names, k in Poly.of(other).terms:
            found[names] = found.get(names, 0) + k
        return Poly._from(found)

    def __mul__(self, other: Poly | str | int) -> Poly:
        found: dict[tuple[str, ...], int] = {}
        for names, k in self.terms:
            for more, m in Poly.of(other).terms:
                both = tuple(sorted(names + more))
                found[both] = found.get(both, 0) + k * m
        return Poly._from(found)

    def value(self, sizes: Mapping[str, int]) -> int:
        """The number, once every name has one."""
        total = 0
        for names, k in self.terms:
            for name in names:
                k *= sizes[name]
            total += k
        return total

    def names(self) -> set[str]:
        """The names in it."""
        return {name for names, _ in self.terms for name in names}

    def __str__(self) -> str:
        text = ""
        for names, k in sorted(self.terms, key=lambda term: (term[1] < 0, -len(term[0]), term)):
            factors = [str(abs(k))] if abs(k) != 1 or not names else []
            sign = ("-" if not text else " - ") if k < 0 else " + " if text else ""
            text += sign + " * ".join(factors + list(names))
        return text or "0"


ZERO, ONE = Poly(), Poly.of(1)


PART = Poly.of("last") + Poly.of("first") * -1
"""How many rows are handled by this call."""


def count(shape: Iterable[Poly]) -> Poly:
    """How many numbers an array of this shape holds."""
    size = ONE
    for extent in shape:
        size = size * extent
    return size


def contiguous(axes: tuple[Poly, ...]) -> tuple[Poly, ...]:
    """How far neighbours on each axis are apart in an array that lies in one piece."""
    return tuple(count(axes[k + 1 :]) for k in range(len(axes)))
