"""What of a lesson becomes a slide: a rule for each kind of thing, so that there is no second text.

`slides` turns a lesson into slides. A section has one slide or several, each of which shows one thing (a
figure, a program with what it prints, a formula, a list) under a sentence that leads to it; the sentence that
says what is to be noticed appears below it, at the next key. The whole prose goes into the speaker's notes.
A cell's marker may say otherwise: ``slide="skip"``, notes alone; ``slide="new"``, begin a slide here;
``slide="code"``, show the program of a figure too.
"""

from __future__ import annotations

import ast
import itertools
import re
import textwrap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from html import escape

from ... import exercises
from . import text
from .lesson import Cell, Lesson, Output
from .text import Block

__all__ = ["SAID", "Part", "Slide", "slides"]

SAID = ("", "skip", "new", "code")
ROOM = 548  # pixels for what is under the title, of a slide that is 720 high
SLACK = 50  # for a program and what it prints, which shrink a little rather than part
LINES = 16  # of a program or of text on one slide
COLUMNS = 79
LONGEST = 110  # characters of a line that may shrink to fit
SHORT = 2  # lines of code that may stand above a figure
LEAST, MOST = 230, 360  # pixels that a picture needs, by its own height
EQUATIONS = 8
ROWS = 7
STATEMENTS = 5
OPEN = "pass  # your turn"  # all that stands in a cell that is the reader's alone
BRIEF = 30  # characters of a sentence that does not stand alone


_LEADS = re.compile(
    r"\*\*(?!What to notice|How to read)"
    r"|(And|But (?:does|is|can)|Here|Now|Next|First|Run|Train|Try|Take|Let|Look|Do|What|How|Which|Is|Can)\b"
)


@dataclass(frozen=True)
class Part:
    """Something on a slide.

    Attributes
    ----------
    kind : str
        lead, comment, list, formula, code, text, picture, claim, live or table; the class in the page.
    html : str
    height : int
        That it takes, about, in pixels.
    """

    kind: str
    html: str
    height: int


@dataclass
class Slide:
    """A slide: what it shows, and what the speaker reads."""

    title: str
    kind: str = "plain"
    over: str = ""
    parts: list[Part] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def shows(self) -> bool:
        """Whether there is something on it that more can be said of."""
        return self.kind == "plain" and any(part.kind not in ("lead", "comment") for part in self.parts)

    def fits(self, parts: Iterable[Part], room: int = ROOM) -> bool:
        """Whether these fit below what is there."""
        return sum(part.height + 16 for part in (*self.parts, *parts)) <= room


def slides(lesson: Lesson) -> list[Slide]:
    """Turn a lesson into its slides, the first with what one will be able to do, the last with what holds."""
    deck = [_opening(lesson)]
    for title, cells in _sections(lesson.cells):
        deck += _Section(title, deck[-1], lesson).of(cells)
    return [*deck, *_closing(lesson)]


def _sections(cells: Iterable[Cell]) -> Iterator[tuple[str, list[Cell]]]:
    """Divide the cells at the headings of second order; what stands before the first belongs to the title."""
    title, inside = "", []
    for number, cell in enumerate(cells):
        source = cell.source
        if number == 0 or "check" in cell.tags:
            continue
        if cell.kind != "markdown" or cell.exercise:
            inside.append(cell)
            continue
        pieces = re.split(r"^## (.+)$", source, flags=re.M)
        if pieces[0].strip():
            inside.append(_with(cell, pieces[0]))
        for heading, rest in zip(pieces[1::2], pieces[2::2], strict=True):
            if inside:
                yield title, inside
            title, inside = heading.strip(), [_with(cell, rest)]
    if inside:
        yield title, inside


def _with(cell: Cell, source: str) -> Cell:
    return Cell(cell.kind, source.strip(), cell.tags, cell.exercise, cell.slide, cell.outputs)


# The first slide and the last


def _opening(lesson: Lesson) -> Slide:
    first = Slide(lesson.title, "title")
    found = [b for b in text.blocks(lesson.cells[0].source) if b.kind != "heading"]
    for k, block in enumerate(found):
        first.notes.append(_noted(block))
        if block.kind == "list":
            first.parts += [_lead(found[k - 1].source), *_list(block)]
        elif k == 0 and block.kind == "paragraph":
            first.parts.append(_lead(_opens(block.source)))
    return first


def _closing(lesson: Lesson) -> Iterator[Slide]:
    claims = lesson.claims
    each = [
        Part(
            f"claim {claim.verdict}",
            f"<p><strong>{claim.id} · {claim.verdict}</strong> {escape(claim.statement)}</p>",
            16 + 32 * _lines(f"{claim.id} {claim.verdict} {claim.statement}", 26),
        )
        for claim in claims
    ]
    last = Slide("What holds", "end")
    for part in each:
        if not last.fits([part]):
            yield last
            last = Slide("What holds", "end")
        last.parts.append(part)
    if each:
        last.notes.append(
            "<p>What this lesson states of the essay, each with its verdict: met, qualified or refuted. "
            "The tests verify them on every machine.</p>"
        )
        yield last


# Between them


class _Section:
    """The slides of one section, which come about block by block."""

    def __init__(self, title: str, before: Slide, lesson: Lesson):
        self.title, self.lesson = title, lesson
        self.made: list[Slide] = []
        self.before = before  # takes the notes of what comes before anything is shown
        self.waiting: list[Block | Cell] = []  # what has been read, and is to be said

    def of(self, cells: list[Cell]) -> list[Slide]:
        """Return the slides of these cells."""
        if self.title:
            self.made.append(Slide(self.title))
        cells = list(cells)
        while cells:
            cell = cells.pop(0)
            if cell.slide == "new" and self.made and self.made[-1].parts:
                self._end()
                self.made.append(Slide(self.title))
            if cell.slide == "skip":
                self.waiting += text.blocks(cell.source) if cell.kind == "markdown" else [cell]
            elif cell.question:
                self._end()
                answered = []
                while cells and cells[0].kind == "code" and "exercise" in cells[0].tags:
                    answered.append(cells.pop(0))
                self.made += _exercise(cell, answered, self.lesson)
            elif cell.kind == "markdown":
                self._read(cell)
            else:
                self._run(cell)
        self._end()
        return [slide for slide in self.made if slide.parts]

    def _read(self, cell: Cell) -> None:
        for block in text.blocks(cell.source):
            if block.kind == "heading":
                self._end()
                self.title = block.source.lstrip("# ")
                self.made.append(Slide(self.title))
            elif block.kind in ("list", "formula", "table"):
                for part in _SHOWN[block.kind](block):
                    self._show([part])
                self.made[-1].notes.append(_noted(block))
            else:
                self.waiting.append(block)

    def _run(self, cell: Cell) -> None:
        outputs = [o for o in cell.outputs if o.kind != "verdict"]
        shown = [part for output in outputs for part in _outputs(output)]
        said = [] if cell.source == OPEN or _hidden(cell, outputs) else _programs(cell.source)
        whole = [*said, *shown]
        self.waiting.append(cell)
        if whole and Slide("").fits(whole, ROOM + SLACK):
            self._show(whole)
        else:
            for part in whole:
                self._show([part])

    def _show(self, parts: list[Part]) -> None:
        """Put something on a slide: this one if it fits, else the next; with what leads to it."""
        comment, lead = self._divide()
        if not self.made:
            self.made.append(Slide(self.title or self.lesson.title))
        slide = self.made[-1]
        if slide.kind != "plain":
            self.made.append(slide := Slide(self.title or self.lesson.title))
        elif slide.shows:
            self._comment(comment)
            if lead or not slide.fits(parts) or any(part.kind == "comment" for part in slide.parts):
                slide = Slide(self.title or self.lesson.title)
                self.made.append(slide)
        slide.parts += [*lead, *parts]
        slide.notes += [_noted(said) for said in self.waiting]
        self.waiting = []

    def _divide(self) -> tuple[list[Block], list[Part]]:
        """Of what waits: which paragraphs say something of the thing before; what leads to the next."""
        prose = [b for b in self.waiting if isinstance(b, Block) and b.kind == "paragraph"]
        if not prose:
            return [], []
        last = text.sentences(prose[-1].source)
        points = last[-1].endswith((":", "?"))
        if self.made and self.made[-1].shows and not _leads(prose[0].source):
            if len(prose) > 1:
                return prose[:1], [_lead(last[-1] if points else _opens(prose[-1].source))]
            if not points:
                return prose, []
        first = _opens(prose[0].source)
        if not points or first.endswith(last[-1]):
            return [], [_lead(first)]
        return [], [_lead(first), _lead(last[-1])]

    def _comment(self, paragraphs: list[Block]) -> None:
        """Say below the last thing what is to be noticed, and note the paragraphs there."""
        for block in paragraphs:
            slide = self.made[-1]
            slide.notes.append(_noted(block))
            self.waiting.remove(block)
            if slide.fits([part := _lead(_opens(block.source), "comment")]):
                slide.parts.append(part)

    def _end(self) -> None:
        """Nothing more is shown in this section: what waits is said of what was shown, or is stated."""
        prose = [b for b in self.waiting if isinstance(b, Block) and b.kind == "paragraph"]
        slide = self.made[-1] if self.made else self.before
        if self.made and slide.shows:
            self._comment(prose[:1])
        elif self.made and slide.kind == "plain":
            each = {1: 4, 2: 2}.get(len(prose), 1)
            for block in prose[:STATEMENTS]:
                for sentence in text.sentences(block.source)[:each]:
                    if slide.fits([part := _lead(sentence)]):
                        slide.parts.append(part)
        slide.notes += [_noted(said) for said in self.waiting]
        if self.made and not slide.parts:
            self.before.notes += slide.notes
        self.waiting = []


def _exercise(asked: Cell, answered: list[Cell], lesson: Lesson) -> Iterator[Slide]:
    """The question, and the open program; hints and solution in the notes."""
    if asked.exercise:
        e = exercises.get(asked.exercise)
        slide = Slide(
            f"{e.id} {e.title}", "exercise", f"Exercise: {e.kind}, {e.how}, about {e.minutes} minutes"
        )
    else:
        title = "To keep" if asked.source.startswith("To keep") else "An open question"
        slide = Slide(title, "exercise", "Exercise")
    for block in text.blocks(asked.source):
        if block.kind == "heading" or (
            block.kind == "paragraph" and re.fullmatch(r"\*[^*]+\*", block.source)
        ):
            continue
        if block.kind == "folded":
            slide.notes.append(_noted(block))
        else:
            slide.parts += _SHOWN.get(block.kind, _whole)(block)
    if solution := lesson.solutions.get(asked.question):
        slide.notes.append("<p><strong>Solution</strong></p>")
        slide.notes += [_noted(cell) for cell in solution]
    programs = [cell.source for cell in answered if cell.source != OPEN]
    yield from _continued(slide, [part for program in programs for part in _programs(program)])


def _continued(slide: Slide, parts: Iterable[Part]) -> Iterator[Slide]:
    """A slide with these below what is there, and further ones where they do not fit."""
    for part in parts:
        if slide.parts and not slide.fits([part]):
            yield slide
            slide = Slide(slide.title, slide.kind, slide.over)
        slide.parts.append(part)
    yield slide


# Parts


def _lines(source: str, size: int, width: int = 1152) -> int:
    """Lines that a text takes, about."""
    shown = re.sub(r"\\[A-Za-z]+|[$`*{}_^\\]|\]\([^)]*\)", "", source)
    return max(1, -(-len(shown) * size * 0.6 // width).__trunc__())


def _opens(paragraph: str) -> str:
    """What a paragraph begins with: a sentence, two if it is short; not what is in brackets."""
    every = text.sentences(paragraph)
    said = [sentence for sentence in every if not re.match(r"(\*\*[^*]+\*\* )?\(", sentence)] or every
    return " ".join(said[: 2 if len(said[0]) < BRIEF else 1])


def _leads(paragraph: str) -> bool:
    """Whether a paragraph leads to what comes, rather than says something of what was."""
    opens = _opens(paragraph)
    return opens.endswith((":", "?", "**")) or bool(_LEADS.match(opens))


def _lead(source: str, kind: str = "lead") -> Part:
    return Part(kind, f"<p>{text.html(source, inline=True)}</p>", 38 * _lines(source, 28))


def _whole(block: Block) -> list[Part]:
    return [Part("lead", text.html(block.source), 36 * _lines(block.source, 26))]


def _list(block: Block) -> list[Part]:
    items = re.split(r"^\s*(?:[-*]|\d+\.)\s", block.source, flags=re.M)[1:]
    high = sum(10 + 36 * _lines(item, 26, 1100) for item in items)
    return [Part("list", text.html(block.source), high)]


def _table(block: Block) -> list[Part]:
    """A long table goes on several slides, each with the table's head."""
    head, line, *rows = block.source.splitlines()
    each = -(-len(rows) // -(-max(len(rows), 1) // ROWS)) or 1
    groups = ("\n".join([head, line, *rows[k : k + each]]) for k in range(0, max(len(rows), 1), each))
    return [Part("table", text.html(group), 50 + 56 * min(each, len(rows))) for group in groups]


def _formula(block: Block) -> list[Part]:
    return [Part("formula", text.html(block.source), 60 * (1 + block.source.count(r"\\")))]


_SHOWN = {"list": _list, "formula": _formula, "table": _table, "paragraph": _whole}


def _outputs(output: Output) -> list[Part]:
    if output.kind == "formula":
        return [
            Part("formula", text.math(rows, display=True), 24 + 56 * (1 + rows.count(r"\\")))
            for rows in _rows(output.content)
        ]
    if output.kind == "text":
        return [_printed(chunk) for chunk in _chunks(_wrapped(output.content.strip("\n")))]
    if output.kind == "claim":
        return [Part("claim", output.content, 44 + 34 * _lines(output.plain.partition("\n")[0], 26))]
    if output.kind == "picture":
        drawn = re.search(r'\bheight="([\d.]+)"', output.content)
        high = 0.7 * float(drawn[1]) if drawn else LEAST
        return [Part("picture", output.content, round(min(MOST, max(LEAST, high))))]
    return [Part("live", piece, ROOM - 150) for piece in _pieces(output.content)]


def _pieces(shown: str) -> list[str]:
    """What differs between two cells: equations, pictures and numbers, each by itself. All else is whole."""
    whole = re.fullmatch(r'(<div class="lc-diff".*?</style>)(.*)</div>', shown, re.S)
    if not whole:
        return [shown]
    pieces = re.split(r'(?=<div class="pictures|<table class="numbers")', whole[2])
    return [f"{whole[1]}{piece}</div>" for piece in pieces]


def _rows(latex: str) -> list[str]:
    """Divide many aligned equations: so many go on one slide."""
    inside = re.fullmatch(r"\$*\\begin\{aligned\}(.*)\\end\{aligned\}\$*", latex, re.S)
    rows = inside[1].strip().split(r"\\") if inside else [latex]
    count = -(-len(rows) // EQUATIONS)
    each = -(-len(rows) // count)
    if count == 1:
        return [latex]
    groups = (r"\\".join(rows[k : k + each]) for k in range(0, len(rows), each))
    return [rf"\begin{{aligned}}{group}\end{{aligned}}" for group in groups]


def _printed(lines: str) -> Part:
    return Part("text", f"<pre>{escape(lines)}</pre>", _high(lines))


def _wrapped(printed: str) -> str:
    """Long lines, of what was not made for a screen, go on below."""
    lines = printed.split("\n")
    return "\n".join(
        line if len(line) <= LONGEST else "\n".join(textwrap.wrap(line, COLUMNS, drop_whitespace=False))
        for line in lines
    )


def _high(lines: str) -> int:
    return 30 + 30 * (1 + lines.count("\n"))


def _parsed(source: str) -> ast.Module | None:
    """Python, or nothing: magics, which a lesson of somebody else's may have, are none."""
    try:
        return ast.parse(source)
    except SyntaxError:
        return None


def _programs(source: str) -> list[Part]:
    """A program, without the imports that it begins with."""
    tree = _parsed(source)
    imports = itertools.takewhile(
        lambda node: isinstance(node, ast.Import | ast.ImportFrom), tree.body if tree else []
    )
    last = max((node.end_lineno for node in imports), default=0)
    source = "\n".join(source.splitlines()[last:])
    return [
        Part("code", f"<pre><code>{text.code(c)}</code></pre>", _high(c))
        for c in _chunks(re.sub(r"\n{3,}", "\n\n", source.strip("\n")))
    ]


def _chunks(source: str) -> list[str]:
    """Divide a long program or print-out, at blank lines where there are some."""
    lines, chunks = source.split("\n"), []
    while len(lines) > LINES:
        blank = [k for k in range(LINES // 2, LINES + 1) if not lines[k].strip()]
        cut = blank[-1] if blank else LINES
        if len(lines) - cut < 4:  # a few lines more beat a slide of their own
            cut = min(cut, len(lines) // 2)
        chunks.append("\n".join(lines[:cut]).rstrip())
        lines = lines[cut:]
        while lines and not lines[0].strip():
            lines = lines[1:]
    return [*chunks, "\n".join(lines)] if lines else chunks


def _hidden(cell: Cell, outputs: list[Output]) -> bool:
    """Whether the notes alone have the program: what it shows says more."""
    if cell.slide == "code":
        return False
    tree = _parsed(cell.source)
    if tree is None:
        return True
    if all(isinstance(node, ast.Import | ast.ImportFrom) for node in tree.body):
        return True
    defined = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    lines = sum(bool(line.strip()) for line in cell.source.splitlines())
    kinds = {output.kind for output in outputs}
    if not kinds:
        return "setup" in cell.tags and not defined
    if kinds & {"claim", "live"}:
        return True
    plotted = any(isinstance(node, ast.Name) and node.id == "plots" for node in ast.walk(tree))
    return (
        kinds != {"text"} and (plotted or lines > SHORT) and not any(node.decorator_list for node in defined)
    )


# Notes


def _noted(said: Block | Cell) -> str:
    """What the speaker reads: all of it, with nothing folded away."""
    if isinstance(said, Cell) and said.kind == "code":
        return f"<pre><code>{text.code(said.source)}</code></pre>"
    source = said.source
    if isinstance(said, Block) and said.kind == "folded":
        source = re.sub(r"^<details>\s*<summary>(.*?)</summary>", r"**\1.**\n\n", source, flags=re.S)
        source = source.replace("</details>", "")
    return text.html(source)
