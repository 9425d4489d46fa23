"""How names are set in a picture, and what it says to who cannot see it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...engine.expression import equations, written_size
from .plan import MOST, through_merges
from .read import read

if TYPE_CHECKING:
    from ...cell import Cell
    from .plan import Glyph

__all__ = ["Name", "named"]


_GREEK = dict(
    zip(
        "alpha beta gamma delta epsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau phi chi psi "
        "omega".split(),
        "αβγδεζηθκλμνξπρστφχψω",
        strict=True,
    )
)
_ACCENTS = {"tilde": "\u0303", "hat": "\u0302", "bar": "\u0304", "dot": "\u0307", "vec": "\u20d7"}


@dataclass(frozen=True)
class Name:
    """A variable as it is set: letter, index below, index above."""

    letter: str
    below: str = ""
    above: str = ""

    @property
    def width(self) -> float:
        """About how wide it is, in multiples of the size of the type."""
        plain = len(self.letter.translate(_NO_ACCENTS))
        return 0.62 * plain + 0.4 * max(len(self.below), len(self.above))

    @property
    def plain(self) -> str:
        """As text: ``C_t``."""
        return (
            self.letter + (f"^{self.above}" if self.above else "") + (f"_{self.below}" if self.below else "")
        )


_NO_ACCENTS = {ord(a): None for a in _ACCENTS.values()}


def named(name: str, when: str = "t", letters: Mapping[str, str] | None = None) -> Name:
    r"""Set a name of the graph in the paper's letters.

    Examples
    --------
    >>> named("g", "t", {"g": r"\tilde{C}"}).plain == "C\u0303_t"
    True
    >>> named("enc.k2", "t-1").plain
    'k^enc_2,t−1'
    """
    scope, _, local = name.rpartition(".")
    letter = (letters or {}).get(local, (letters or {}).get(name, local))
    letter = letter.replace(r"\imath", "ı")
    match = re.fullmatch(r"\\(\w+)\{(\w+)\}", letter)
    if match and match[1] in _ACCENTS:
        letter = match[2] + _ACCENTS[match[1]]
    letter = letter.replace("\\", "").replace("{", "").replace("}", "")
    head, _, tail = letter.partition("_")
    numbered = re.fullmatch(r"([^\W\d]+)(\d+)", head)
    if numbered and not tail:
        head, tail = numbered.groups()
    head = _GREEK.get(head, head)
    return Name(head, ",".join(p for p in (tail, when.replace("-", "−")) if p), scope)


# The text alternative


def spoken(name: str, when: str, letters: Mapping[str, str]) -> str:
    """A name in plain letters: ``C tilde_t``."""
    text = named(name, when, letters).plain.replace("−", "-").replace("ı", "i")
    for word, mark in _ACCENTS.items():
        text = text.replace(mark, f" {word}")
    return text


def listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


_SAID = {"+": "plus", "−": "minus", "×": "times", "÷": "divided by"}
_FUNCTIONS_SAID = {"σ": "sigmoid", "Σ": "the sum", "[ , ]": "the concatenation"}


def describe(cell: Cell) -> str:
    """The equations in words."""
    found = read(cell.graph, cell.output, cell.letters)
    glyphs, letters = found.glyphs, cell.letters

    def node_op(g: Glyph) -> str:
        return g.nodes[-1].op.name if g.nodes else ""

    def say(k: str, top: bool = False) -> str:
        g = glyphs[k]
        if g.kind == "enter":
            return spoken(g.name, "t-1", letters)
        if g.kind == "input":
            return spoken(g.name, "t" if g.nodes[0].op.name in ("sequence", "noise") else "", letters)
        if g.name and not top:
            return spoken(g.name, "t", letters)
        args = [say(a) for a in through_merges(g.args, glyphs)]
        if g.kind == "layer":
            if not args:
                return f"the constant {g.text}"
            if re.fullmatch(r"[A-Z](_\w+)?", g.text):
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
    outs = [spoken(g.name, "t", letters) for g in glyphs.values() if g.kind == "output"]
    reads = [f"{listed(inputs)} from below"] * bool(inputs) + [f"{listed(states)} from the left"] * bool(
        states
    )
    rows = [f"It reads {', and '.join(reads)}."] if reads else []
    leaves = f"{listed(outs)} {'leaves' if len(outs) == 1 else 'leave'} through the top."
    if any(written_size(n) > MOST for n in equations(cell.graph).values()):
        count = sum(n.op.kind != "leaf" for n in cell.graph.nodes)
        return " ".join([*rows, f"Its equations have {count} operations.", leaves])
    named_rows = [g for g in glyphs.values() if g.kind in ("layer", "point", "function") and g.name]
    rows += [f"{spoken(g.name, 't', letters)} is {say(g.id, True)}." for g in named_rows]
    return " ".join([*rows, leaves])


def describe_layers(cell: Cell, layers: list[list[tuple[str, str, bool]]]) -> str:
    rows = []
    for k, row in enumerate(layers):
        what = f"{row[0][1]} in both directions, the results side by side" if len(row) == 2 else row[0][1]
        rows.append(f"layer {k}: {what}")
    return (
        f"From x_t at the bottom up to {cell.output}_t at the top, "
        f"{len(layers)} layer{'s' * (len(layers) > 1)}. " + "; ".join(rows) + "."
    )
