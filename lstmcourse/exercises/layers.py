"""A cell's parameters as layers, W, U, b and a peephole each, whatever they are called.

Which parameters make one layer is said by the equations: they add up what it makes of the input, of the state
before, and a bias. `fill` is the entry.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..cell import Cell
from ..engine.graph import Node

__all__ = ["Part", "fill", "listed"]


@dataclass(frozen=True)
class Part:
    """A parameter as it is filled: the layers that stand side by side in it, and the kinds of its rows, D, H,
    the empty text for a bias, or p for a vector that multiplies, such as a peephole.

    ``affine("f", W=concat(h, x))`` makes a W_f of rows H, D; one layer of width 4 H is 4 layers. What is
    subtracted has a share of -1 in its layer; where several biases are added each has a part of 1. A matrix
    that is used as its transpose is `swapped`.
    """

    slots: tuple[str, ...]
    rows: tuple[str, ...]
    shares: tuple[float, ...]
    swapped: bool = False


@dataclass(frozen=True)
class _Place:
    """What the shape of a parameter allows: kinds of rows, number of layers side by side."""

    rows: tuple[str, ...]
    width: int
    swapped: bool


Slot = tuple[str, int]  # a parameter, and which of the layers side by side in it


def fill(parts: dict[str, Part], cell: Cell, *, peepholes: bool = True) -> str:
    """Sort the parameters into layers; return what does not fit.

    Parameters are of one layer if the equations add up what they make. Names say it only where no sum does.
    Vectors that multiply are refused without `peepholes`.
    """
    H = cell.inputs[1].shape[0] if cell.states else ""
    kinds = {cell.inputs[0].shape[0]: "D", H: "H"} if cell.states else {}
    order = sorted(cell.graph.params, key=lambda p: p.name.rpartition(".")[2][0] not in "WUb")
    places = {p.name: place for p in order if (place := _place(p, cell, kinds, peepholes))}
    sums = _sums(cell, places, H)
    layers = _named(sums, places)
    strange, biases = [], {}
    for node in order:
        name, place = node.name, places.get(node.name)
        slots = tuple(layers[name, k] for k in range(place.width)) if place else ()
        taken = {(s, r): q for q, part in parts.items() for s in part.slots for r in part.rows}
        added = {q for k in range(len(slots)) for q, _ in sums[name, k]}
        clash = place and any(
            taken[s, r] not in (added if not r else ()) for s in slots for r in place.rows if (s, r) in taken
        )
        if not place or clash:
            strange.append(name)
            slots, place = (name,), _Place((), 0, False)
        for s in slots if place.rows == ("",) else ():
            biases.setdefault(s, []).append(name)
        signs = tuple(float(sums[name, k][name, k]) for k in range(place.width))
        parts[name] = Part(slots, place.rows, signs, place.swapped)
    for name, part in parts.items():
        if part.rows == ("",):
            order = [(biases[s].index(name) + 1) / sum(range(len(biases[s]) + 1)) for s in part.slots]
            parts[name] = replace(part, shares=tuple(a * b for a, b in zip(part.shares, order, strict=True)))
    if not strange:
        return ""
    has = "has" if len(strange) == 1 else "have"
    return f"{listed(strange)} {has} no place in layers of one W, one U and one b each"


def _place(node: Node, cell: Cell, kinds: Mapping[Any, str], peepholes: bool) -> _Place | None:
    """What a parameter's symbolic shape allows; None for a shape that no layer has."""
    if len(node.shape) not in (1, 2):
        return None
    values = [n for n in cell.graph.nodes if _unsigned(n)[1] is n]
    readers = {n.op.name for n in values if any(_unsigned(a)[1] is node for a in n.args)}
    swapped = len(node.shape) == 2 and readers == {"swap"}
    factor = peepholes and len(node.shape) == 1 and readers == {"mul"}
    *above, columns = reversed(node.shape) if swapped else node.shape
    rows = above[0].terms if above else ()
    wide = columns.terms[0] if len(columns.terms) == 1 else ("", 0)
    if (
        kinds.get(wide[0]) != "H"
        or any(d.constant for d in node.shape)
        or any(kinds.get(n) is None or k != 1 for n, k in rows)
        or (above and not rows)
    ):
        return None
    return _Place(tuple(kinds[n] for n, _ in rows) or ("p" if factor else "",), wide[1], swapped)


def _unsigned(node: Node) -> tuple[int, Node]:
    """The sign that stands before a value, and the value."""
    sign = 1
    while True:
        minus = [a.op.name == "const" and not a.shape and a.attrs["value"] == -1.0 for a in node.args]
        if node.op.name == "neg":
            sign, node = -sign, node.args[0]
        elif node.op.name == "mul" and any(minus):
            sign, node = -sign, node.args[minus.index(False)]
        else:
            return sign, node


def _times(sign: int, terms: Iterable[tuple[Slot, int]]) -> list[tuple[Slot, int]]:
    return [(slot, sign * own) for slot, own in terms]


def _sums(cell: Cell, places: Mapping[str, _Place], H: str) -> dict[Slot, dict[Slot, int]]:
    """The sum that each layer in a parameter is in, by way of products, slices and concatenation: all of its
    terms and their signs.
    """
    sums: dict[Slot, dict[Slot, int]] = {
        (name, k): {(name, k): 1} for name, p in places.items() for k in range(p.width)
    }
    vectors = {name for name, p in places.items() if p.rows == ("p",)}
    found: dict[Node, list[tuple[Slot, int]]] = {}  # of a value's layers side by side: a slot in it, its sign

    def unite(*many: list[tuple[Slot, int]]) -> list[tuple[Slot, int]]:
        first, *others = [m for m in many if m] or [[]]
        for other in others:
            for (a, sign_a), (b, sign_b) in zip(first, other, strict=False):
                one, two = sums[a], sums[b]
                rows = [r for q, _ in one | two for r in places[q].rows if r]
                if one is not two and len(rows) == len(set(rows)):  # two W of one kind are two layers
                    both = _times(sign_a * one[a], one.items()) + _times(sign_b * two[b], two.items())
                    sums.update(dict.fromkeys(one | two, dict(both)))
        return first

    for node in cell.graph.nodes:
        signs, values = zip(*map(_unsigned, node.args), strict=True) if node.args else ((), ())
        given = [_times(sign, found.get(a, ())) for sign, a in zip(signs, values, strict=True)]
        match node.op.name:
            case "param" if node.name in places:
                found[node] = [((node.name, k), 1) for k in range(places[node.name].width)]
            case "dot":
                found[node] = _times(signs[0], given[1])
            case "affine":
                products = 2 * node.attrs["terms"]
                found[node] = unite(*map(_times, signs[:products:2], given[1:products:2]), *given[products:])
            case "add":
                found[node] = unite(*given)
            case "sub":
                found[node] = unite(given[0], _times(-1, given[1]))
            case "swap" | "copy":
                found[node] = given[0]
            case "mul" if node.args[1].op.name == "table":  # param(..., free=table)
                found[node] = given[0]
            case "mul" if factors := [k for k, a in enumerate(values) if a.name in vectors]:  # a peephole
                found[node] = _times(math.prod(signs), found[values[factors[0]]])
            case "slice" if node.attrs["axis"] == -1 and not (node.attrs["start"].constant):
                start, stop = (dict(node.attrs[k].terms).get(H, 0) for k in ("start", "stop"))
                found[node] = given[0][start:stop]
            case "concat" if node.attrs["axis"] == -1 and all(given):
                found[node] = [slot for part in given for slot in part]
    return sums


def _named(sums: Mapping[Slot, Iterable[Slot]], places: Mapping[str, _Place]) -> dict[Slot, str]:
    """A name for each layer: what the names of its parameters have in common."""
    named: dict[Slot, str] = {}
    for group in sorted({id(g): g for g in sums.values()}.values(), key=len, reverse=True):
        narrow = [q for q in sums if q in group and places[q[0]].width == 1]
        words = [
            _label(q) + (f"[{k}]" if not narrow else "") for q, k in narrow or [s for s in sums if s in group]
        ]
        name = _common(words)
        beside = {r for q, _ in named if named[q, _] == name for r in places[q].rows}
        if len(group) > 1 and any(r in beside for q, _ in group for r in places[q].rows):
            name = min(q for q, _ in group)  # another sum is called so
        named |= dict.fromkeys(group, name)
    return named


def _label(name: str) -> str:
    """The layer that a parameter's name speaks of: f for W_f."""
    scope, _, last = name.rpartition(".")
    label = last.partition("_")[2] or last[1:] or last
    return f"{scope}.{label}" if scope else label


def _common(words: Sequence[str]) -> str:
    """What the words have in common at their ends or beginnings, or the first.

    Examples
    --------
    >>> _common(["xf", "hf", "f"]), _common(["f_x", "f_h"]), _common(["f", "i"])
    ('f', 'f', 'f')
    """
    ends = os.path.commonprefix([w[::-1] for w in words])[::-1]
    return ends.lstrip("_.") or os.path.commonprefix(words).rstrip("_.") or words[0]


def listed(names: Iterable[str], word: str = "and") -> str:
    """Names in a sentence.

    Examples
    --------
    >>> listed(["f", "i", "g"]), listed(["h"]), listed([])
    ('f, i and g', 'h', '')
    """
    *rest, last = list(names) or [""]
    return f"{', '.join(rest)} {word} {last}" if rest else last
