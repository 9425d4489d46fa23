r"""Print a cell's equations as LaTeX, in the author's order and the paper's letters.

`latex` is what `Cell.latex` gives: one aligned block, one line an equation. Products stand as in the
program, with rows on the left: :math:`x_t W_f + h_{t-1} U_f + b_f`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from .. import checks
from ..engine.expression import PLAIN, Syntax, equation_of, equations, links, unaccented, write
from ..engine.graph import Dim, Node
from ..engine.ops import OPS
from ..errors import UnknownNameError, nearest
from .names import GREEK

__all__ = ["LATEX", "Equations", "latex", "some"]


def letter(name: str, letters: Mapping[str, str]) -> str:
    """A name without its scope: a letter of the paper, a Greek one, or the name itself, upright if it is a
    word.
    """
    if name in letters:
        return letters[name]
    if name in GREEK:
        return "\\" + name
    return name if len(name) == 1 else rf"\mathrm{{{name}}}".replace("_", r"\_")


def layer(name: str, letters: Mapping[str, str]) -> str:
    """A layer's name as an index: what it computes, or a word; two letters are one gate reading another."""
    if name in letters:
        return unaccented(letters[name])
    head, _, index = name.partition("_")
    if head in GREEK or head in letters:
        return letter(head, letters) + (
            f"_{index}" if len(index) == 1 else rf"_{{\mathrm{{{index}}}}}" * bool(index)
        )
    return name if len(name) <= 2 else rf"\mathrm{{{name}}}".replace("_", r"\_")


def number(value: float) -> str:
    r"""A number as it is set: ``0.5``, ``10^{-8}``, ``2.5 \cdot 10^{-7}``, ``-\infty``."""
    head, power, exponent = f"{value:g}".partition("e")
    if not power:
        return head.replace("inf", r"\infty")
    ten = f"10^{{{int(exponent)}}}"
    return {"1": ten, "-1": f"-{ten}"}.get(head, rf"{head} \cdot {ten}")


def symbol(node: Node, when: str, letters: Mapping[str, str]) -> str:
    """A name with its index, scope and time: ``h_{t-1}``, ``W_f``, ``h^{(1)}_t``."""
    if node.op.name == "const":
        value = node.attrs["value"]
        if isinstance(value, Dim):
            return str(value)
        plain = isinstance(value, int | float) and not isinstance(value, bool)
        return number(value) if plain else r"\mathbf{k}"
    scope, _, last = node.name.rpartition(".")
    above = rf"^{{({scope})}}".replace("_", r"\_") if scope else ""
    head, _, index = last.partition("_")
    if node.op.name == "param" and index:
        # a layer is called after what it computes, without its accent: W_C for the candidate, as the paper
        # has it
        below = layer(index, letters)
        below = f"{{{below}}}" if len(below) > 1 else below
        return rf"{letter(head, {})}{above}_{below}"
    if index and last not in letters:
        # a name such as h_new: its end goes into the index, before the time
        below = rf"\mathrm{{{index}}}".replace("_", r"\_") if len(index) > 1 else index
        time = f",{when}" if when else ""
        return rf"{letter(head, letters)}{above}_{{{below}{time}}}"
    below = {"": "", "t": "_t"}.get(when, f"_{{{when}}}")
    text = letter(last, letters)
    twice = ("^" in text and above) or ("_" in re.sub(r"\\_", "", text) and below)
    return (f"{{{text}}}" if twice else text) + above + below


def along(form: str, axis: int) -> str:
    r"""An operation along another axis than the last says so: ``\sum_{\mathrm{axis}\,-2}``."""
    below = rf"_{{{{\mathrm{{{{axis}}}}\,{axis}}}}}"
    for head in (r"\sum", r"\mathrm{{softmax}}", r"\mathrm{{pad}}", "]"):
        form = form.replace(head, head + below)
    return form


LATEX = Syntax(
    formats={op.name: op.latex for op in OPS.values() if op.latex}
    | {"log_sigmoid": r"\log \sigma\left({0}\right)"},
    default=lambda node: rf"\mathrm{{{node.op.name}}}({{args}})",
    along=along,
    name=symbol,
    bracket=r"\left({0}\right)",
    product=r"{0}\, {1}",
    equals=r"{0} &= {1}",
)


def latex(cell, names: Collection[str] | None = None) -> str:
    r"""Equations of a cell.

    Parameters
    ----------
    cell : Cell
    names : collection of str, optional
        Only these, in the author's order; all if not given.

    Returns
    -------
    str
        An ``aligned`` block, without dollar signs.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> print(latex(lc.cells.rnn))
    \begin{aligned}
    h_t &= \tanh\left(h_{t-1}\, U_h + x_t\, W_h + b_h\right)
    \end{aligned}
    """
    lines = (LATEX.equals.format(*pair) for pair in _written(cell, LATEX, names))
    body = " \\\\\n".join(lines)
    return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"


@dataclass(frozen=True)
class Equations:
    """Some equations of a cell; displays itself as text and as LaTeX."""

    text: str
    latex: str

    def __repr__(self) -> str:
        return checks.encodable(self.text)

    def _repr_latex_(self) -> str:
        return f"$${self.latex}$$"


def some(cell, names: Collection[str]) -> Equations:
    """Choose equations of a cell by name; what `Cell.equations` gives."""
    known = [*equations(cell.graph), *links(cell.graph)]
    for name in names:
        if checks.text("names", name) not in known:
            raise UnknownNameError(
                f"names: {cell.name} has no equation named {name!r}: {nearest(name, known)}"
            )
    chosen = list(names) or list(known)
    text = "\n".join(" = ".join(pair) for pair in _written(cell, PLAIN, chosen))
    return Equations(text, latex(cell, chosen))


def _written(cell, syntax: Syntax, names: Collection[str] | None) -> list[tuple[str, str]]:
    """Left and right sides, in the author's order; then what states become, where that has another letter."""
    letters = cell.letters
    pairs = {
        name: equation_of(name, node, syntax, letters) for name, node in equations(cell.graph).items()
    } | {
        name: (syntax.name(s.prev, "t", letters), write(s.next, syntax, letters, False))
        for name, s in links(cell.graph).items()
    }
    chosen = [pair for name, pair in pairs.items() if names is None or name in names]
    said = {left for left, right in chosen if left != right}
    return [(left, right) for left, right in chosen if left != right or left not in said]
