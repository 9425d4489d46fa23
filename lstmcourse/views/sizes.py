"""How many numbers a parameter has, as a formula in the sizes: ``4 H (D + H + 1)``."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from ..engine.dims import TIMES
from ..engine.layers import table_values

if TYPE_CHECKING:
    from ..engine.graph import Node


# Parameters

Terms = Counter  # a sum of products of sizes: {("D", "H"): 2} is 2 D H


def free_terms(p: Node) -> Terms:
    """How many free numbers a parameter has."""
    if "fixed" in p.attrs:
        return Counter()
    if "free" in p.attrs:
        return Counter({(f"|{p.attrs['free'].name}|",): 1})
    total = Counter({(): 1})
    for d in p.shape:
        grown: Terms = Counter()
        for names, n in total.items():
            for product, k in [*d.terms, *([("", d.constant)] if d.constant else [])]:
                more = product.split(TIMES) if product else []
                grown[tuple(sorted((*names, *more)))] += n * k
        total = grown
    return total


def formula(terms: Mapping[tuple[str, ...], int]) -> str:
    """Write a sum of products of sizes, what all terms share in front.

    Examples
    --------
    >>> formula({("D", "H"): 4, ("H", "H"): 4, ("H",): 4})
    '4 H (D + H + 1)'
    >>> formula({("H", "H"): 1, ("H",): 2})
    'H (H + 2)'
    >>> formula({("D", "H"): 1}), formula({("H", "H"): 3}), formula({})
    ('D H', '3 H²', '0')
    """
    terms = {k: n for k, n in terms.items() if n}
    if not terms:
        return "0"
    each = math.gcd(*terms.values())
    shared = Counter(next(iter(terms)))
    for names in terms:
        shared &= Counter(names)
    inner = {tuple(sorted((Counter(k) - shared).elements())): n // each for k, n in terms.items()}
    front = _product(each, sorted(shared.elements()))
    if len(inner) == 1:
        return front
    rows = sorted(inner.items(), key=lambda row: (-len(row[0]), row[0]))
    total = " + ".join(_product(n, names) for names, n in rows)
    return f"{front} ({total})" if front != "1" else total


def _product(n: int, names: Iterable[str]) -> str:
    powers = [k + {1: "", 2: "²", 3: "³"}.get(e, f"^{e}") for k, e in Counter(names).items()]
    return " ".join([str(n)] * (n != 1 or not powers) + powers)


def shape_of(p: Node) -> str:
    """A parameter's shape as text, and what of it is not free."""
    note = (
        ", fixed"
        if "fixed" in p.attrs
        else f", free where {p.attrs['free'].name}"
        if "free" in p.attrs
        else ""
    )
    return f"({', '.join(map(str, p.shape))}){note}"


def count_of(p: Node, sizes: Mapping[str, int]) -> int:
    """How many free numbers a parameter has, for given sizes."""
    if "free" in p.attrs:
        return int((table_values(p.attrs["free"], sizes) != 0).sum())
    return 0 if "fixed" in p.attrs else math.prod(d.value(sizes) for d in p.shape)
