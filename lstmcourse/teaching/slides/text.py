"""A lesson's Markdown as HTML that needs nothing from elsewhere, and its sentences one by one.

`blocks` divides a Markdown cell into paragraphs, lists, formulas and what is folded away; `html` sets one of
them, equations as MathML; `sentences` divides a paragraph. `code` colours a program.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape

from markdown_it import MarkdownIt
from math_core import LatexToMathML
from mdit_py_plugins.dollarmath import dollarmath_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

__all__ = ["Block", "blocks", "code", "html", "math", "sentences"]

_TEX = LatexToMathML()
_KINDS = {
    "paragraph_open": "paragraph",
    "heading_open": "heading",
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "math_block": "formula",
    "table_open": "table",
    "fence": "listing",
    "code_block": "listing",
}
_FOLDED = re.compile(r"^<details>.*?^</details>[ \t]*$", re.M | re.S)
_WHOLE = re.compile(
    r"`[^`]+`|\$\$.+?\$\$|\$[^$\n]+\$|\[[^\]]*\]\([^)]*\)|\([^()]*\)|\*\*[^*]+\*\*|(?<!\*)\*[^*\s][^*]*\*(?!\*)|\"[^\"]*\"",
    re.S,
)
_ABBREVIATED = "".join(rf"(?<!{word})" for word in (r"et al\.", r"e\.g\.", r"i\.e\.", r"vs\.", r"\b[A-Z]\."))
_END = re.compile(rf"(?<=[.?!\x02]){_ABBREVIATED}[*\"”)]*\s+(?=[A-Z0-9\"“*`$\[(\x00])")

_MARKED = re.compile(
    r'(<span class="math inline">(?:(?!</span>).)*</span>|<code>[^<]{1,30}</code>)([.,;:?!)]+)', re.S
)


@dataclass(frozen=True)
class Block:
    """A part of a Markdown cell.

    Attributes
    ----------
    kind : str
        paragraph, heading, list, formula, table, listing, folded (what stands in ``<details>``), or other.
    source : str
        As it is written.
    level : int
        Of a heading; else 0.
    """

    kind: str
    source: str
    level: int = 0


@functools.cache
def _reader() -> MarkdownIt:
    reader = MarkdownIt("commonmark", {"html": True}).enable("table")
    reader.use(dollarmath_plugin, allow_labels=False, double_inline=True, renderer=_set)
    reader.add_render_rule("link_open", _link)
    reader.add_render_rule("link_close", lambda self, tokens, at, options, env: env["closes"].pop())
    return reader


def _set(latex: str, options: dict) -> str:
    return math(latex, display=options["display_mode"])


def _link(self, tokens, at, options, env) -> str:
    """Of links only those that lead out: other notebooks do not lie beside the deck."""
    target = str(tokens[at].attrs["href"])
    out = re.match(r"https?://", target)
    env.setdefault("closes", []).append("</a>" if out else "")
    return f'<a href="{escape(target)}" target="_blank" rel="noopener">' if out else ""


def math(latex: str, *, display: bool = False) -> str:
    r"""Set a formula as MathML, which browsers render without help.

    Parameters
    ----------
    latex : str
        With or without its dollar signs.
    display : bool
        Whether it stands on a line of its own.

    Returns
    -------
    str

    Examples
    --------
    >>> math(r"$f_t$")
    '<math><msub><mi>f</mi><mi>t</mi></msub></math>'
    """
    return _TEX.convert_with_local_state(latex.strip().strip("$").strip(), displaystyle=display)


def blocks(source: str) -> Iterator[Block]:
    r"""Divide a Markdown cell into its blocks, in order; nothing is lost.

    Examples
    --------
    >>> [b.kind for b in blocks("# A\n\nSo:\n\n- one\n- two\n\n<details>no</details>")]
    ['heading', 'paragraph', 'list', 'folded']
    """
    end = 0
    for folded in _FOLDED.finditer(source):
        yield from _blocks(source[end : folded.start()])
        yield Block("folded", folded.group())
        end = folded.end()
    yield from _blocks(source[end:])


def _blocks(source: str) -> Iterator[Block]:
    lines = source.splitlines()
    for token in _reader().parse(source):
        if token.level == 0 and token.map:
            text = "\n".join(lines[token.map[0] : token.map[1]]).strip()
            kind = _KINDS.get(token.type, "other")
            if kind == "paragraph" and re.fullmatch(r"\$\$.+\$\$[.,]?", text, re.S) and text.count("$$") == 2:
                kind = "formula"
            if token.type == "html_block" and text.startswith("<details"):
                kind = "folded"
            yield Block(kind, text, int(token.tag[1]) if kind == "heading" else 0)


def html(source: str, *, inline: bool = False) -> str:
    """Set Markdown as HTML.

    Parameters
    ----------
    source : str
    inline : bool
        Whether it is part of a line: no paragraph is put around it.

    Returns
    -------
    str

    Examples
    --------
    >>> html("the state $h$ [here](02.ipynb)", inline=True)
    'the state <span class="math inline"><math><mi>h</mi></math></span> here'
    """
    reader = _reader()
    shown = reader.renderInline(source) if inline else reader.render(source)
    return _MARKED.sub(r'<span class="together">\1\2</span>', shown)


def sentences(paragraph: str) -> list[str]:
    """Divide a paragraph into sentences; formulas, code and what is in brackets stay whole.

    Examples
    --------
    >>> sentences("It keeps $C_t$. (So they say.) **Now:** what goes? `a. B` stays.")
    ['It keeps $C_t$.', '(So they say.)', '**Now:** what goes?', '`a. B` stays.']
    """
    kept: list[str] = []

    def hide(match: re.Match) -> str:
        kept.append(match.group())
        return f"\x00{len(kept) - 1}\x01"

    def show(text: str) -> str:
        while "\x00" in text:
            text = re.sub(r"\x00(\d+)\x01", lambda m: kept[int(m[1])], text)
        return text

    masked = _WHOLE.sub(hide, " ".join(paragraph.split()))
    while "(" in masked and (further := _WHOLE.sub(hide, masked)) != masked:  # brackets around brackets
        masked = further
    # what is hidden may end a sentence: a bold lead, a bracket
    masked = re.sub(
        r"\x00(\d+)\x01",
        lambda m: m[0] + ("\x02" if re.search(r"[.?!](\)|(?<!\*)\*)$", kept[int(m[1])]) else ""),
        masked,
    )
    found = [part for part in _END.split(masked) if part.strip()]
    return [show(part.replace("\x02", "")).strip() for part in found]


def code(source: str) -> str:
    """Colour a program: HTML with pygments' short classes, without a frame.

    Examples
    --------
    >>> code("x = 1").startswith('<span class="n">x</span>')
    True
    """
    return highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n")
