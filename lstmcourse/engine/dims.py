"""Sizes before they are known: a `Dim` is ``H`` or ``4 * H`` until the cell meets data."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["TIMES", "Dim"]

TIMES = " * "  # in the name of a term that is a product


@dataclass(frozen=True)
class Dim:
    """A size: a whole number plus multiples of named sizes and of their products, such as ``2 * H + 1``.

    Examples
    --------
    >>> str(Dim.of("H") * 3 + Dim.of("K"))
    '3 * H + K'
    >>> (Dim.of("H") * 3 + 1).value({"H": 5})
    16
    >>> str((Dim.of("N") + 1) * Dim.of("M"))
    'M + M * N'
    """

    terms: tuple[tuple[str, int], ...] = ()
    constant: int = 0

    @staticmethod
    def of(size: Dim | int | str) -> Dim:
        """A `Dim` from a whole number or the name of a size."""
        if isinstance(size, Dim):
            return size
        return Dim(((size, 1),)) if isinstance(size, str) else Dim((), int(size))

    def __add__(self, other: Dim | int | str) -> Dim:
        other = Dim.of(other)
        counts = dict(self.terms)
        for name, k in other.terms:
            counts[name] = counts.get(name, 0) + k
        return Dim(tuple((n, k) for n, k in counts.items() if k), self.constant + other.constant)

    def __mul__(self, other: Dim | int) -> Dim:
        if not isinstance(other, Dim):
            return Dim(tuple((n, m * other) for n, m in self.terms if other), self.constant * other)
        total = self * other.constant
        for n, m in other.terms:
            total = total + Dim(((n, m * self.constant),))
            for name, k in self.terms:
                product = TIMES.join(sorted(name.split(TIMES) + n.split(TIMES)))
                total = total + Dim(((product, k * m),))
        return total

    @property
    def names(self) -> tuple[str, ...]:
        """The named sizes in it, each once."""
        return tuple(dict.fromkeys(n for product, _ in self.terms for n in product.split(TIMES)))

    def value(self, sizes: Mapping[str, int]) -> int:
        """The number, once every name has one."""
        return self.constant + sum(
            k * math.prod(sizes[name] for name in product.split(TIMES)) for product, k in self.terms
        )

    def within(self, sizes: Mapping[str, Dim]) -> Dim:
        """The same size in other names: ``2 * H`` with H = D + K is ``2 * D + 2 * K``."""
        total = Dim((), self.constant)
        for product, k in self.terms:
            part = Dim((), k)
            for name in product.split(TIMES):
                part = part * sizes.get(name, Dim.of(name))
            total = total + part
        return total

    def parts(self, n: int) -> Dim:
        """One n-th of the size; ValueError where that is not whole."""
        if self.constant % n or any(k % n for _, k in self.terms):
            raise ValueError(f"a size of {self} cannot be divided into {n} equal parts by name alone")
        return Dim(tuple((name, k // n) for name, k in self.terms), self.constant // n)

    def __str__(self) -> str:
        words = [name if k == 1 else f"{k} * {name}" for name, k in self.terms]
        words += [str(self.constant)] if self.constant or not words else []
        return " + ".join(words).replace("+ -", "- ")
