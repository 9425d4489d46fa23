"""Loops over elements, as text: as few as the strides allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from .memory import Ref
from .sizes import ONE, PART, ZERO, Poly

__all__ = ["Loops"]


class Loops:
    """Writes loop nests in one section of a program.

    Parameters
    ----------
    free_name : callable
        Gives a name that is not taken, like the one that it gets.
    inside : bool
        Whether the section is a loop through time, in which step ``t`` and rows `first` to `last` are given.

    Attributes
    ----------
    equal : set
        Sizes that must turn out equal, so that the nests mean what the equations do.

    Examples
    --------
    >>> from lstmcourse.compiled.memory import Ref
    >>> from lstmcourse.compiled.sizes import ONE, Poly
    >>> H = Poly.of("H")
    >>> places = [Ref(name, (H,), (ONE,), batch=H, label=name) for name in ("out", "a")]
    >>> loops = Loops(str, inside=False)
    >>> lines = loops.nest(loops.axes(True, False, [H]), places, lambda at, _: [f"{at[0]} = 2 * {at[1]}"])
    >>> for line in lines:
    ...     print(line)
    for k in range(B * H):
        out[k] = 2 * a[k]
    """

    def __init__(self, free_name: Callable[[str], str], inside: bool):
        self.free_name, self.inside = free_name, inside
        self.equal: set[tuple[Poly, Poly]] = set()

    def axes(self, batched: bool, timed: bool, shape: Iterable[Poly]) -> list[tuple[str, Poly]]:
        """The axes of a loop nest: which index, and how many; in a loop through time, t is given."""
        axes = [("t", Poly.of("T"))] if timed and not self.inside else []
        if batched:
            axes.append(("row", Poly.of("B")))
        return axes + [("", size) for size in shape]

    def _strides(self, ref: Ref, axes: list[tuple[str, Poly]]) -> list[Poly]:
        """How far a reference moves along each axis: 0 where it is repeated."""
        out: list[Poly] = []
        trailing = sum(1 for kind, _ in axes if not kind)
        for k, (kind, size) in enumerate(axes):
            if kind == "t":
                out.append(ref.time if ref.time is not None else ZERO)
            elif kind == "row":
                out.append(ref.batch if ref.batch is not None else ZERO)
            else:
                at = len(ref.shape) - trailing + (k - (len(axes) - trailing))
                if at < 0 or (ref.shape[at] == ONE and size != ONE):
                    out.append(ZERO)
                    continue
                if ref.shape[at] != size:
                    self.equal.add((ref.shape[at], size))
                out.append(ref.strides[at])
        return out

    def merged(self, axes: list[tuple[str, Poly]], refs: list[Ref], keep: int = 0) -> list[list]:
        """As few axes as strides allow, outermost first: index, extent, what one of it counts, strides."""
        strides = [self._strides(r, axes) for r in refs]
        merged: list[list] = []
        for k in range(len(axes) - keep):
            kind, size = axes[k]
            here = [s[k] for s in strides]
            if not kind and size == ONE:
                continue
            if merged and all(o == i * size for o, i in zip(merged[-1][3], here, strict=True)):
                last = merged[-1]
                merged[-1] = [last[0], last[1] * size, last[2] * size, here]
            else:
                merged.append([kind, size, ONE, here])
        return merged

    def nest(
        self,
        axes: list[tuple[str, Poly]],
        refs: list[Ref],
        body: Callable[[list[str], list[str]], list[str]],
        keep: int = 0,
        around: Callable[[list[str]], tuple[list[str], list[str]]] | None = None,
    ) -> list[str]:
        """Loops over axes, as few as the strides allow; `body` gets the text of each element and its address.

        The last `keep` axes are left out of the loops. `around` says what stands before the innermost one and
        after it.
        """
        merged = self.merged(axes, refs, keep)
        lines: list[str] = []
        offsets = [self.base(r) for r in refs]
        indent = ""
        for n, (kind, size, scale, moves) in enumerate(merged[:-1]):
            index = self._index(n, kind, scale)
            lines.append(f"{indent}for {index} in {self._range(kind, size, scale)}:")
            indent += "    "
            offsets = [o + m * index for o, m in zip(offsets, moves, strict=True)]
        bases: list[str] = []
        known: dict[tuple, str] = {}
        for ref, offset in zip(refs, offsets, strict=True):
            where = (ref.variable, offset)
            if where not in known:
                if offset == ZERO:
                    known[where] = ref.variable
                else:
                    known[where] = self.free_name(f"{ref.label}_{'t' if not merged[:-1] else 'row'}")
                    lines.append(f"{indent}{known[where]} = {ref.variable} + ({offset})")
            bases.append(known[where])
        moves = merged[-1][3] if merged else [ZERO] * len(refs)
        texts, places = [], []
        for base, move in zip(bases, moves, strict=True):
            index = "0" if move == ZERO else "k" if move == ONE else f"k * ({move})"
            texts.append(f"{base}[{index}]")
            places.append(base if move == ZERO else f"{base} + {index}")
        before, after = around(texts) if around else ([], [])
        made = body(texts, places)
        if merged:
            made = [f"for k in {self._range(*merged[-1][:3])}:", *(f"    {line}" for line in made)]
        return lines + [f"{indent}{line}" for line in (*before, *made, *after)]

    def rows(self, axes, refs: list[Ref], body: Callable, share: bool = False) -> list[str]:
        """Loops over all axes but the last that is left when axes are merged: the rows of a product.

        With `share`, they are those from `first` to `last`, of as many as `shareable` says.
        """
        merged = self.merged(axes, refs)
        offsets = [self.base(r) for r in refs]
        lines: list[str] = []
        indent = ""
        for n, (kind, size, scale, moves) in enumerate(merged[:-1]):
            index = self._index(n, kind, scale)
            lines.append(f"{indent}for {index} in {self._range(kind, size, scale)}:")
            indent += "    "
            offsets = [o + m * index for o, m in zip(offsets, moves, strict=True)]
        count, steps = ONE, [ONE] * len(refs)
        if merged:
            kind, count, scale, steps = merged[-1]
            if kind == "row" and self.inside:
                offsets = [o + s * (Poly.of("first") * scale) for o, s in zip(offsets, steps, strict=True)]
                count = PART * scale
            elif share:
                offsets = [o + s * "first" for o, s in zip(offsets, steps, strict=True)]
                count = PART
        places = [
            r.variable if o == ZERO else f"{r.variable} + ({o})" for r, o in zip(refs, offsets, strict=True)
        ]
        return lines + [f"{indent}{line}" for line in body(count, places, steps)]

    def shareable(self, axes, refs: list[Ref]) -> Poly | None:
        """How many rows threads can share: all that are outside a loop, if no loop encloses them."""
        merged = [] if self.inside else self.merged(axes, refs)
        return merged[0][1] if len(merged) == 1 else None

    def called_rows(
        self, name: str, axes: list[tuple[str, Poly]], refs: list[Ref], shared: Poly | None = None
    ) -> list[str] | None:
        """The text of a call that handles rows of numbers, where the axes come down to that.

        With `shared`, the call is for rows `first` to `last` of so many; None if they are not that many.
        """
        merged = self.merged(axes, refs)
        if any(r.boolean for r in refs) or not 1 <= len(merged) <= 2 or any(m != ONE for m in merged[-1][3]):
            return None
        offsets = [self.base(r) for r in refs]
        counts = []
        for kind, size, scale, moves in merged:
            if kind == "row" and self.inside:
                offsets = [o + m * (Poly.of("first") * scale) for o, m in zip(offsets, moves, strict=True)]
                size = PART * scale
            counts.append(size)
        if shared is not None:
            if len(merged) != 2 or counts[0] != shared:
                return None
            offsets = [o + m * "first" for o, m in zip(offsets, merged[0][3], strict=True)]
            counts[0] = PART
        rows = merged[0][3] if len(merged) == 2 else [ZERO] * len(refs)
        places = [
            f"{r.variable if o == ZERO else f'{r.variable} + ({o})'}, {step}"
            for r, o, step in zip(refs, offsets, rows, strict=True)
        ]
        return [f"{name}({counts[0] if len(counts) == 2 else 1}, {counts[-1]}, {', '.join(places)})"]

    def zero(self, axes: list[tuple[str, Poly]], out: Ref) -> list[str]:
        """Fill a place with 0."""
        call = self.called_rows("zero_rows", axes, [out])
        return call or self.nest(axes, [out], lambda texts, _: [f"{texts[0]} = F(0.0)"])

    def between(self, axes, out: Ref, source: Ref) -> list[str]:
        """Fill a place with the values of another, unless they are the same."""
        if replace(out, label="") == replace(source, label=""):
            return []
        call = self.called_rows("copy_rows", axes, [out, source])
        if call is not None:
            return call
        form = "F({})" if source.boolean and not out.boolean else "{}"
        return self.nest(axes, [out, source], lambda texts, _: [f"{texts[0]} = {form.format(texts[1])}"])

    @staticmethod
    def _index(n: int, kind: str, scale: Poly) -> str:
        """What the n-th loop from outside counts: steps, rows, or elements, merged or not."""
        return kind if kind and scale == ONE else f"k{n + 1}"

    def _range(self, kind: str, size: Poly, scale: Poly) -> str:
        if kind == "row" and self.inside:
            if scale == ONE:
                return "range(first, last)"
            return f"range({Poly.of('first') * scale}, {Poly.of('last') * scale})"
        return f"range({size})"

    def base(self, ref: Ref) -> Poly:
        """The first element, in the step at hand."""
        here = ref.time * "t" if self.inside and ref.time is not None else ZERO
        return ref.offset + here
