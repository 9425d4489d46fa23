"""What a picture says to who cannot see it: the equations in words."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from ...engine.expression import equations, written_size
from ..names import named
from .plan import MOST, through_merges
from .read import read

if TYPE_CHECKING:
    from ...engine.definition import Definition
    from .plan import Glyph

__all__ = ["describe", "describe_layers", "listed"]


def listed(words: list[str]) -> str:
    """Words in a row: ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


_SAID = {"+": "plus", "−": "minus", "×": "times", "÷": "divided by"}
_FUNCTIONS_SAID = {"σ": "sigmoid", "Σ": "the sum", "[ , ]": "the concatenation"}


def describe(cell: Definition, closed: Collection[str] = ()) -> str:
    """The equations in words; those of closed scopes by what enters."""
    found = read(cell.graph, cell.output, cell.letters, closed)
    glyphs, letters = found.glyphs, cell.letters

    def node_op(g: Glyph) -> str:
        return g.nodes[-1].op.name if g.nodes else ""

    def say(k: str, top: bool = False) -> str:
        g = glyphs[k]
        if g.kind == "enter":
            return named(g.name, "t-1", letters).spoken
        if g.kind == "input":
            return named(g.name, "t" if g.nodes[0].op.name in ("sequence", "noise") else "", letters).spoken
        if g.name and not top:
            return named(g.name, "t", letters).spoken
        args = [say(a) for a in through_merges(g.args, glyphs)]
        if g.kind == "layer":
            if g.text in closed:
                return f"what {g.text} makes of {listed(args)}"
            if not args and node_op(g) == "spread":
                return f"the constant {g.text}"
            if not args:
                return f"{_FUNCTIONS_SAID.get(g.text, g.text)} of a weight"
            if re.fullmatch(r"[A-Z](_\w+|_\{[^}]*\})?", g.text):
                return f"a linear layer of {listed(args)}"
            return f"a {_FUNCTIONS_SAID.get(g.text, g.text)} layer of {listed(args)}"
        if g.text in _SAID and len(args) == 2:
            text = f" {_SAID[g.text]} ".join(args)
            return text if top else f"({text})"
        if node_op(g) == "where" and len(args) == 3:
            return f"{args[1]} where {args[0]}, else {args[2]}"
        if g.text[:1] in "<≤>≥=≠" or g.text.startswith("mod "):
            return " ".join([*args, g.text]) if len(args) == 1 else f" {g.text} ".join(args)
        if len(args) == 1 and any(g.text.startswith(s) or g.text.endswith(s) for s in _SAID):
            sign = next((s for s in _SAID if s in g.text), "")
            before, _, after = g.text.partition(sign)
            text = f"{before or args[0]} {_SAID.get(sign, '')} {after or args[0]}"
            return text if top else f"({text})"
        return f"{_FUNCTIONS_SAID.get(g.text, g.text)} of {listed(args)}"

    inputs = [say(g.id) for g in glyphs.values() if g.kind == "input"]
    states = [say(g.id) for g in glyphs.values() if g.kind == "enter"]
    outs = [named(g.name, "t", letters).spoken for g in glyphs.values() if g.kind == "output"]
    reads = [f"{listed(inputs)} from below"] * bool(inputs) + [f"{listed(states)} from the left"] * bool(
        states
    )
    rows = [f"It reads {', and '.join(reads)}."] if reads else []
    leaves = f"{listed(outs)} {'leaves' if len(outs) == 1 else 'leave'} through the top."
    if any(written_size(n) > MOST for n in equations(cell.graph).values()):
        count = sum(n.op.kind != "leaf" for n in cell.graph.nodes)
        return " ".join([*rows, f"Its equations have {count} operations.", leaves])
    named_rows = [g for g in glyphs.values() if g.kind in ("layer", "point", "function") and g.name]
    rows += [f"{named(g.name, 't', letters).spoken} is {say(g.id, True)}." for g in named_rows]
    return " ".join([*rows, leaves])


def describe_layers(cell: Definition, layers: list[list[tuple[str, str, bool]]]) -> str:
    """The layers of a stack in words."""
    rows = []
    for k, row in enumerate(layers):
        what = f"{row[0][1]} in both directions, the results side by side" if len(row) == 2 else row[0][1]
        rows.append(f"layer {k}: {what}")
    return (
        f"From x_t at the bottom up to {cell.output}_t at the top, "
        f"{len(layers)} layer{'s' * (len(layers) > 1)}. " + "; ".join(rows) + "."
    )
