r"""Set the LaTeX that the course prints as HTML, for views that no MathJax reaches.

    \tilde{C}_t = f_t \odot C_{t-1}      becomes      <i>C̃</i><sub><i>t</i></sub> = <i>f</i>...

One function, `html`. It knows what `latex` prints and no more; a command that it does not know stays as it is
written. ``\del{...}`` and ``\ins{...}`` mark a part.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from .names import ACCENTS, GREEK, SCRIPT

__all__ = ["html"]

_SIGNS = {
    r"\odot": "⊙", r"\cdot": "·", r"\,": "\u202f", r"\bmod": "mod", r"\textstyle": "", r"\sum": "Σ",
    r"\top": "⊤", r"\le": "≤", r"\ge": "≥", r"\ne": "≠", r"\land": "∧", r"\lor": "∨", r"\lnot": "¬",
    r"\infty": "∞", r"\left": "", r"\right": "", r"\_": "_", r"\tanh": "tanh", r"\exp": "exp",
    r"\log": "log", r"\max": "max", r"\min": "min", r"\sin": "sin", r"\cos": "cos", "-": "−",
    r"\imath": "<i>ı</i>",
}  # fmt: skip
_LETTERS = {f"\\{name}": letter for name, letter in GREEK.items()}
_LETTERS |= {rf"\mathcal{{{name}}}": letter for name, letter in SCRIPT.items()}
_ACCENTS = {f"\\{name}": mark for name, mark in ACCENTS.items()}
_AROUND = {
    r"\mathrm": ("", ""), r"\mathbf": ("<b>", "</b>"), r"\sqrt": ("√(", ")"), "_": ("<sub>", "</sub>"),
    "^": ("<sup>", "</sup>"), r"\del": ("<del>", "</del>"), r"\ins": ("<ins>", "</ins>"),
}  # fmt: skip


def html(latex: str) -> str:
    r"""Set a formula as HTML.

    Parameters
    ----------
    latex : str
        Without dollar signs.

    Returns
    -------
    str

    Examples
    --------
    >>> html(r"f_t \odot C_{t-1}")
    '<i>f</i><sub><i>t</i></sub> ⊙ <i>C</i><sub><i>t</i>−1</sub>'
    >>> html(r"\sigma\left(x_t\, W_f\right)").startswith("σ(<i>x</i>")
    True
    """
    return _group(iter(re.findall(r"\\mathcal\{\w\}|\\[A-Za-z]+|\\, ?|\\.|.", latex)), False)


def _group(tokens: Iterator[str], upright: bool) -> str:
    """Up to the brace that closes the group, or to the end."""
    out = []
    for token in tokens:
        if token == "}":
            break
        out.append(_one(token, tokens, upright))
    return "".join(out)


def _one(token: str, tokens: Iterator[str], upright: bool) -> str:
    if token == "{":
        return _group(tokens, upright)
    if token in _AROUND:
        before, after = _AROUND[token]
        inside = _one(next(tokens), tokens, upright or token in (r"\mathrm", r"\mathbf"))
        return before + inside + after
    if token in _ACCENTS:
        inside = _one(next(tokens), tokens, True)
        inside = re.sub(r"</?i>", "", inside)
        return f"<i>{inside}{_ACCENTS[token]}</i>"
    if token.strip() in _SIGNS:
        return _SIGNS[token.strip()]
    if token in _LETTERS:
        return _LETTERS[token]
    return f"<i>{token}</i>" if token.isalpha() and not upright else escape(token)
