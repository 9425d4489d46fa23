"""A cell's equations as HTML in which every name says what it stands for; a page puts numbers there.

<span class="lc-v" data-v="f">...</span>    a value, by its key
<span class="lc-dot">a · b</span>           a product of a row and a matrix, or of a number and something
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from html import escape, unescape
from typing import TYPE_CHECKING, Any

from ..engine.expression import DRAWN, PLAIN, SHOWS, equations, write
from ..engine.graph import Node
from ..views.names import named
from .graphs import before, keys

if TYPE_CHECKING:
    from ..cell import Cell

__all__ = ["label", "sentences"]


def label(name: str, when: str, letters: Mapping[str, str]) -> str:
    """A name as HTML.

    Examples
    --------
    >>> label("W_f", "", {})
    '<i>W</i><sub>f</sub>'
    """
    n = named(name, when, letters)
    above, below = (f"<{t}>{escape(s)}</{t}>" if s else "" for t, s in (("sup", n.above), ("sub", n.below)))
    index = f'<span class="lc-index">{above}{below}</span>' if above and below else above + below
    return f"<i>{escape(n.letter)}</i>{index}"


def _aloud(name: str, when: str, letters: Mapping[str, str]) -> str:
    return named(name, when, letters).spoken.replace("_", " ").replace("^", " ")


class _Words:
    """The equations of one cell."""

    def __init__(self, cell: Cell):
        self.cell, self.keys = cell, keys(cell.graph)
        formats = {k: escape(v) for k, v in DRAWN.formats.items()}
        formats |= {"mul": "{0} × {1}", "dot": DOT, "square": "{0}<sup>2</sup>", "swap": "{0}<sup>⊤</sup>"}
        self.syntax = replace(DRAWN, formats=formats, product=DOT, name=self.name)

    def variable(self, node: Node, text: str) -> str:
        return f'<span class="lc-v" data-v="{escape(self.keys[node])}">{text}</span>'

    def name(self, node: Node, when: str, letters: Mapping[str, str]) -> str:
        if node.op.name == "const":
            return escape(PLAIN.name(node, when, letters))
        return self.variable(node, label(node.name or self.keys[node], when, letters))

    def whole(self, node: Node) -> str:
        """An operation, written out down to names."""
        return _minus(write(node, self.syntax, self.cell.letters))

    def last(self, node: Node) -> str:
        """An operation on values: what goes into its last part has been computed."""

        def mark(text: str, part: Node, k: int) -> str:
            inner = part.args[k] if part is node and k >= 0 else None
            while inner is not None and not inner.name and inner.op.name in SHOWS:
                inner = inner.args[0]
            if inner is None or inner.name or inner.op.kind == "leaf":
                return text
            return self.variable(inner, "")

        return _minus(write(node, replace(self.syntax, mark=mark), self.cell.letters))


DOT = '<span class="lc-dot">{0} · {1}</span>'


def _minus(html: str) -> str:
    """Hyphens as minus signs, but for those of tags."""
    return re.sub(r"-(?![^<>]*>)", "−", html)


def sentences(cell: Cell) -> dict[str, dict[str, Any]]:
    """What is said of each value, by its key.

    Returns
    -------
    dict of dict
        ``left``: its name; ``whole``: its equation, written out; ``last``: its last operation, on
        numbers that are known; ``home``: the key of the equation that it is part of; ``said``: its name
        in plain words.
    """
    words, found = _Words(cell), {}
    known = equations(cell.graph)
    for name, node in known.items():
        left = label(name, "t" if node.timed else "", cell.letters)
        said = _aloud(name, "t", cell.letters)
        found[name] = {"left": left, "said": said, "whole": words.whole(node), "last": words.last(node)}
    for node in cell.graph.nodes:
        key = words.keys.get(node, "")
        if node.op.kind != "leaf" and key not in found:
            home = next((o for o in node.origin or () if o in known), "")
            plain = re.sub("<[^>]*>", "", words.whole(node).replace("<sub>", " "))
            found[key] = {
                "home": home,
                "said": unescape(plain),
                "whole": words.whole(node),
                "last": words.last(node),
            }
    for s in cell.graph.states:
        past = "t+1" if s.reverse else "t-1"
        found[before(s.name)] = {
            "left": label(s.name, past, cell.letters),
            "said": _aloud(s.name, past, cell.letters),
        }
    for n in cell.graph.leaves("sequence", "clock", "table"):
        when = "t" if n.op.name == "sequence" else ""
        said = _aloud(n.name, when, cell.letters)
        found[n.name] = {"left": label(n.name, when, cell.letters), "said": said}
    for n in cell.graph.params:
        found[n.name] = {"left": label(n.name, "", cell.letters), "said": _aloud(n.name, "", cell.letters)}
    return found
