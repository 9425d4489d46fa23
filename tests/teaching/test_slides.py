"""Slides: what becomes of a lesson, and whether each fits a screen, in Chromium, from a file."""

import hashlib
import json
import re
import shutil
from html import unescape
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

pytest.importorskip("math_core", reason="slides need the extra teach: pip install 'lstmcourse[teach]'")

from lstmcourse.errors import FileError
from lstmcourse.teaching import __main__ as program
from lstmcourse.teaching.slides import command, lesson, page, rules, text, write
from tools import notebooks

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = Path(page.__file__).with_name("shipped")
LESSONS = lesson.find(ROOT / "notebooks", [])
NAMES = [path.stem for path in LESSONS]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SMALLEST = 0.75  # what text of 26 pixels, on a screen of 720, may shrink to


@pytest.fixture(scope="module")
def decks():
    """Each lesson, and its slides."""
    read = {path.stem: lesson.read(path) for path in LESSONS}
    return {name: (it, rules.slides(it)) for name, it in read.items()}


def made(cells):
    """The slides of a lesson of these cells, under a title."""
    return rules.slides(lesson.Lesson("01_x", (lesson.Cell("markdown", "# Title\n\nFirst."), *cells)))


def prose(source, **said):
    return lesson.Cell("markdown", source, **said)


def code(source, *shown, **said):
    return lesson.Cell("code", source, outputs=tuple(lesson.Output("text", it) for it in shown), **said)


def kinds(slide):
    return [part.kind for part in slide.parts]


# Text


@pytest.mark.parametrize(
    ("paragraph", "parts"),
    [
        ("One. Two? Three!", ["One.", "Two?", "Three!"]),
        ("Of $x. Y$ and `a. B` it says no more. So.", ["Of $x. Y$ and `a. B` it says no more.", "So."]),
        ("See Cho et al. (2014). It is so.", ["See Cho et al. (2014).", "It is so."]),
        ("**What to notice.** It fades. It does.", ["**What to notice.** It fades.", "It does."]),
        ("(So they say.) We do not.", ["(So they say.)", "We do not."]),
        ("(One. Two (2), `x(3)`. Four.) Five.", ["(One. Two (2), `x(3)`. Four.)", "Five."]),
        ("*One. Two* is *so*. Three.", ["*One. Two* is *so*.", "Three."]),
        ("*It is so.* Is it?", ["*It is so.*", "Is it?"]),
        ("[Here. There](x.ipynb) it is: go on.", ["[Here. There](x.ipynb) it is: go on."]),
        ("It is 0.5 on\naverage.", ["It is 0.5 on average."]),
    ],
)
def test_sentences(paragraph, parts):
    assert text.sentences(paragraph) == parts


def test_what_is_folded_away_is_a_block_of_its_own():
    source = "One.\n\n<details><summary>Answers</summary>\n\nTwo.\n\n- three\n\n</details>\n\nFour."
    assert [block.kind for block in text.blocks(source)] == ["paragraph", "folded", "paragraph"]


def test_every_formula_of_the_lessons_is_set_and_its_letters_are_in_the_font(decks):
    has = TTFont(SHIPPED / "math.woff").getBestCmap()
    formulas = set()
    for read, deck in decks.values():
        shown = "".join(part.html for slide in deck for part in slide.parts)
        shown += "".join(note for slide in deck for note in slide.notes)
        formulas |= set(re.findall(r"<math.*?</math>", shown, re.S))
        outputs = [output for cell in read.cells for output in cell.outputs]
        for kind in ("pre", "code", "script", "style"):
            shown = re.sub(rf"<{kind}\b.*?</{kind}>", "", shown, flags=re.S)
        assert "$" not in shown
        assert all(output.kind != "formula" or "\\" not in text.math(output.content) for output in outputs)
    assert len(formulas) > 400
    for formula in formulas:
        letters = set(unescape(re.sub(r"<[^>]+>", "", formula))) - set("\u2061\ufe00\xa0\n")  # no ink
        assert not [letter for letter in letters if ord(letter) not in has], formula


# What becomes a slide


@pytest.mark.parametrize("name", NAMES)
def test_all_that_a_lesson_says_is_in_the_notes(decks, name):
    read, deck = decks[name]
    notes = "".join(note for slide in deck for note in slide.notes)
    for number, cell in enumerate(read.cells):
        if cell.kind != "markdown" or "check" in cell.tags or (number and "exercise" in cell.tags):
            continue
        for block in text.blocks(cell.source):
            if block.kind == "folded":
                inside = block.source.partition("</summary>")[2].partition("</details>")[0]
                assert text.html(inside.strip()) in notes, block.source
            elif block.kind != "heading":
                assert text.html(block.source) in notes, block.source


@pytest.mark.parametrize("name", NAMES)
def test_solutions_and_hints_are_in_the_notes_alone(decks, name):
    read, deck = decks[name]
    shown = "".join(part.html for slide in deck for part in slide.parts)
    notes = "".join(note for slide in deck for note in slide.notes)
    asked = [cell for cell in read.cells if cell.question]
    assert {cell.question for cell in asked} == set(read.solutions)
    sources = {cell.source for cell in read.cells}
    for cell in asked:
        assert (
            any(s.kind == "exercise" and s.title.startswith(f"{cell.exercise} ") for s in deck)
            or not cell.exercise
        )
        for block in text.blocks(cell.source):
            if block.kind == "folded":
                hint = block.source.partition("</summary>")[2].partition("</details>")[0].strip()
                assert text.html(hint) in notes and text.html(hint) not in shown
        for solution in read.solutions[cell.question]:
            set_in = text.code(solution.source) if solution.kind == "code" else text.html(solution.source)
            assert set_in in notes and (set_in not in shown or solution.source in sources)
    handout = page.document(read.title, deck, notes=False)
    assert "<aside" not in handout and "Solution</strong>" not in handout and "Hint 1" not in handout


@pytest.mark.parametrize("name", NAMES)
def test_a_deck_begins_with_what_one_will_be_able_to_do_and_ends_with_what_holds(decks, name):
    read, deck = decks[name]
    assert (deck[0].kind, deck[0].title) == ("title", read.title)
    assert "list" in kinds(deck[0]) or name[:2] in ("00", "22")
    stated = [part for slide in deck if slide.kind == "end" for part in slide.parts]
    assert len(stated) == len(read.claims)
    for part, claim in zip(stated, read.claims, strict=True):
        assert claim.id in part.html and claim.verdict in part.kind
    assert {claim.verdict for claim in read.claims} <= {"met", "qualified", "refuted"}
    assert 15 <= len(deck) <= 50


@pytest.mark.parametrize("name", NAMES)
def test_a_deck_needs_nothing_from_elsewhere(decks, name):
    read, deck = decks[name]
    whole = page.document(read.title, deck)
    shown = re.sub(r"<script.*?</script>", "", whole, flags=re.S)
    assert not re.search(r"<link|<iframe|@import|\burl\((?!\s*[\"']?(data:|#))", shown)
    assert not re.search(r"""\bhref=["'](?!https?:|#|data:)""", shown)
    assert not re.search(r"""\b(?:src|poster)=["'](?!data:)""", shown)
    assert not re.search(r"<script[^>]+src=", whole) and str(ROOT) not in whole


def test_a_figure_stands_between_what_leads_to_it_and_what_is_to_be_noticed():
    deck = made(
        [
            prose("## Fading\n\nThe gradient fades on its way. More of it.\n\nHow fast does it fade?"),
            code("fade()", "1.0 0.5"),
            prose("**What to notice.** It halves. Much more is said."),
            code("again()", "0.2"),
        ]
    )
    first, second = deck[1:3]
    assert kinds(first) == ["lead", "lead", "code", "text", "comment"]
    leads = [part.html for part in first.parts]
    assert leads[0] == "<p>The gradient fades on its way.</p>" and leads[1] == "<p>How fast does it fade?</p>"
    assert leads[-1] == "<p><strong>What to notice.</strong> It halves.</p>"
    assert kinds(second) == ["code", "text"] and second.title == "Fading"


def test_a_long_program_and_a_long_table_go_on_on_the_next_slide():
    program = "\n".join(f"a{k} = {k}" for k in range(40))
    rows = "\n".join(f"| {k} | b |" for k in range(20))
    deck = made([prose("## Long"), code(program), prose(f"| x | y |\n|---|---|\n{rows}")])
    programs = [part for slide in deck for part in slide.parts if part.kind == "code"]
    assert len(programs) == 3 and all(f">a{k}<" in programs[k // 16].html for k in (0, 16, 39))
    tables = [part.html for slide in deck for part in slide.parts if part.kind == "table"]
    assert len(tables) == 3 and all("<th>x</th>" in table for table in tables)


def test_a_marker_overrides_the_rule():
    cells = [prose("## A"), code("one()", "1"), code("two()", "2")]
    assert [len(slide.parts) for slide in made(cells)] == [1, 4]
    cells[2] = code("two()", "2", slide="new")
    assert [len(slide.parts) for slide in made(cells)] == [1, 2, 2]
    cells[2] = code("two()", "2", slide="skip")
    skipped = made(cells)
    assert [len(slide.parts) for slide in skipped] == [1, 2] and "two" in skipped[1].notes[-1]
    claim = lesson.Output("claim", '<div class="lc-claim">it is so</div>', "C01 met: it is so")
    said = lesson.Cell("code", "claim()", outputs=(claim,))
    assert kinds(made([prose("## A"), said])[1]) == ["claim"]
    said = lesson.Cell("code", "claim()", outputs=(claim,), slide="code")
    assert kinds(made([prose("## A"), said])[1]) == ["code", "claim"]


def test_a_program_is_shown_without_its_imports():
    (_, slide) = made([prose("## A"), code("import numpy as np\n\n\nprint(np.pi)", "3.14")])
    assert "import" not in slide.parts[0].html and "import" in slide.notes[0]


def test_sources_say_only_what_there_is_to_say():
    said = re.findall(
        r'^# %%.*\bslide="([^"]*)"',
        "".join(p.read_text() for p in (ROOT / "notebooks/source").glob("*.py")),
        re.M,
    )
    assert set(said) <= set(rules.SAID) == {"", *notebooks.SLIDE}


# The command


def test_lessons_are_found_by_number_or_name():
    folder = ROOT / "notebooks"
    assert [p.stem for p in lesson.find(folder, ["04"])] == ["04_cell_state"]
    assert [p.stem[:3] for p in lesson.find(folder, ["04b", "05_forget"])] == ["04b", "05_"]
    with pytest.raises(FileError, match="no lesson begins with '77'"):
        lesson.find(folder, ["77"])
    with pytest.raises(FileError, match="holds no lessons"):
        lesson.find(ROOT / "docs", [])


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"cells": []}', "{}", '{"cells": [3]}', '{"cells": [{"metadata": {}}]}', "\xff", "[" * 9999],
)
def test_a_notebook_that_is_none(tmp_path, text):
    (tmp_path / "05_a.ipynb").write_text(text, encoding="latin-1")
    with pytest.raises(
        FileError, match=r"05_a.ipynb (is no notebook that can be read|does not begin with a title)"
    ):
        lesson.read(tmp_path / "05_a.ipynb")


def test_the_program_writes_a_page_a_lesson(tmp_path, capsys):
    folder = str(ROOT / "notebooks")
    assert program.main(["slides", "05", "22", "--out", str(tmp_path), "--course", folder, "--handout"]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["05_forget_gate.html", "22_conclusion.html"]
    assert re.search(r"05_forget_gate.html: \d\d slides, \d+ kB", capsys.readouterr().out)
    with pytest.raises(SystemExit):
        program.main(["slides", "77", "--out", str(tmp_path), "--course", folder])
    assert "no lesson begins with '77'" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(command, "NEEDED", ("markdown_it", "not_there_at_all"))
    with pytest.raises(FileError, match=r"need not_there_at_all: run `make slides`"):
        write(LESSONS[0], tmp_path)


def test_what_is_shipped_is_what_is_stated_and_has_its_terms_beside_it():
    stated = re.findall(
        r"\| `([\w.]+)` \| ([\d,]+) \| `(\w{64})` \|", (ROOT / "docs/slides.md").read_text(encoding="utf-8")
    )
    assert {name for name, *_ in stated} == {p.name for p in SHIPPED.iterdir() if p.suffix != ".LICENSE"}
    for name, size, digest in stated:
        content = (SHIPPED / name).read_bytes()
        assert len(content) == int(size.replace(",", "")) and hashlib.sha256(content).hexdigest() == digest
    assert "Permission is hereby granted, free of charge" in (SHIPPED / "reveal.LICENSE").read_text()
    assert "GUST Font License" in (SHIPPED / "math.LICENSE").read_text()


# In a browser

FITTED = "html[data-fitted]"
MEASURE = """() => [...document.querySelectorAll(".slides > section")].map(section => {
    const frame = section.querySelector(".frame"), body = frame.querySelector(".body");
    const bottom = e => e.offsetTop + e.offsetHeight;
    return {
        title: frame.querySelector("h2").textContent,
        k: +frame.style.getPropertyValue("--k"),
        below: Math.max(...[...body.children].map(bottom)) - bottom(body),
        frame: frame.scrollHeight - frame.clientHeight,
        wide: [body, ...body.children, ...frame.querySelectorAll("pre, h2")]
            .filter(e => e.scrollWidth > e.clientWidth + 1).length,
        narrow: Math.min(1, ...[...frame.querySelectorAll(".code pre, .text pre, .formula")]
            .map(e => +e.style.getPropertyValue("--w") || 1)),
        picture: Math.min(720, ...[...frame.querySelectorAll(".picture")].map(e => e.offsetHeight)),
    };
})"""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api", reason="no browser can be steered: no Playwright")
    if CHROMIUM is None:
        pytest.skip("there is no browser: install chromium")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


class Deck:
    """A deck in a page of its own, which hears what the console says and what leaves the machine."""

    def __init__(self, browser, folder, name, hash="", **how):
        (path,) = lesson.find(ROOT / "notebooks", [name])
        self.path, self.slides = write(path, folder)
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 720}, "offline": True} | how
        )
        self.heard = []
        self.page = self.context.new_page()
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("console", lambda said: self.heard.append(said.text))
        self.page.on(
            "request",
            lambda asked: asked.url.startswith(("file:", "data:", "blob:")) or self.heard.append(asked.url),
        )
        self.page.goto(self.path.as_uri() + hash)
        self.page.locator(FITTED).wait_for(state="attached", timeout=30_000)

    @property
    def at(self):
        """The number of the slide that is shown."""
        return self.page.evaluate("Reveal.getIndices().h + 1")

    def close(self):
        assert self.heard == []
        self.context.close()


def fits(browser, folder, name, **how):
    deck = Deck(browser, folder, name, **how)
    frame = deck.page.locator(".slides > section.present .frame")
    assert frame.bounding_box() == {"x": 0, "y": 0, **how["viewport"]}  # and it is there to be seen
    assert frame.evaluate(
        "e => !!document.elementFromPoint(innerWidth / 2, innerHeight / 2).closest('.frame')"
    )
    found = deck.page.evaluate(MEASURE)
    assert len(found) == deck.slides
    for number, it in enumerate(found, start=1):
        where = f"{name}, slide {number}: {it}"
        assert it["below"] <= 1 and it["frame"] <= 1 and it["wide"] == 0, where
        assert it["k"] >= SMALLEST and it["narrow"] >= 0.6 and it["picture"] >= 199, where
    deck.close()


@pytest.mark.parametrize(("name", "width", "height"), [("05", 1280, 720), ("12", 1920, 1080)])
def test_each_slide_fits_the_screen(browser, tmp_path, name, width, height):
    fits(browser, tmp_path, name, viewport={"width": width, "height": height})


@pytest.mark.long
@pytest.mark.parametrize(("width", "height"), [(1280, 720), (1920, 1080)])
@pytest.mark.parametrize("name", NAMES)
def test_each_slide_of_each_lesson_fits_the_screen(browser, tmp_path, name, width, height):
    fits(browser, tmp_path, name, viewport={"width": width, "height": height})


def test_keys(browser, tmp_path):
    deck = Deck(browser, tmp_path, "05", hash="#/5")
    page = deck.page
    assert deck.at == 5
    page.keyboard.press("ArrowRight")
    assert deck.at == 6
    page.keyboard.press("PageUp")
    assert deck.at == 5
    page.keyboard.press("PageDown")
    page.keyboard.press("Space")
    assert deck.at == 7
    page.wait_for_function("location.hash === '#/7'")
    page.keyboard.press("End")
    assert deck.at == deck.slides
    page.keyboard.press("Home")
    assert deck.at == 1
    page.keyboard.press("b")
    assert page.evaluate("Reveal.isPaused()")
    page.keyboard.press("b")
    page.keyboard.press("o")
    assert page.evaluate("Reveal.isOverview()")
    tops = page.evaluate(
        "[...document.querySelectorAll('.slides > section')].map(e => e.getBoundingClientRect().top)"
    )
    assert len(tops) == deck.slides and tops[0] == tops[1] < tops[-1]
    page.keyboard.press("o")
    theme = "document.documentElement.dataset.theme"
    assert page.evaluate(theme) == "light"
    page.keyboard.press("d")
    assert page.evaluate(theme) == "dark"
    deck.close()


def test_a_finger_turns_the_page(browser, tmp_path):
    deck = Deck(browser, tmp_path, "22", has_touch=True)
    hand = deck.context.new_cdp_session(deck.page)

    def swipe(*across):
        for kind, x in zip(("touchStart", "touchMove", "touchMove", "touchEnd"), across, strict=True):
            points = [] if kind == "touchEnd" else [{"x": x, "y": 300}]
            hand.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    swipe(900, 600, 300, 300)
    assert deck.at == 2
    swipe(300, 600, 900, 900)
    assert deck.at == 1
    deck.close()


def test_what_is_to_be_noticed_comes_with_the_next_key(browser, tmp_path):
    deck = Deck(browser, tmp_path, "05")
    number = deck.page.evaluate(
        "[...document.querySelectorAll('.slides > section')].findIndex(s => s.querySelector('.comment'))"
    )
    deck.page.evaluate(f"Reveal.slide({number})")
    comment = deck.page.locator(".slides > section.present .comment")
    assert comment.evaluate("e => getComputedStyle(e).visibility") == "hidden"
    deck.page.keyboard.press("ArrowRight")
    assert deck.at == number + 1 and comment.evaluate("e => e.classList.contains('visible')")
    deck.close()


def test_the_speaker_sees_notes_and_the_next_slide(browser, tmp_path):
    deck = Deck(browser, tmp_path, "05", hash="#/4")
    with deck.context.expect_page() as opened:
        deck.page.keyboard.press("s")
    view = opened.value
    view.locator("#current-slide iframe").wait_for(timeout=20_000)
    view.locator(".speaker-controls-notes .value", has_text="Solution").wait_for(timeout=20_000)
    assert view.locator("#upcoming-slide iframe").count() == 1 and view.locator(".clock-value").is_visible()
    assert deck.at == 4
    deck.page.keyboard.press("Home")
    view.locator(".speaker-controls-notes .value", has_text="minutes to read").wait_for(timeout=20_000)
    assert "Solution" not in deck.page.locator("main").inner_text()
    deck.close()


def test_laboratories_are_alive_and_keep_their_keys(browser, tmp_path):
    deck = Deck(browser, tmp_path, "05")
    number = deck.page.evaluate(
        "[...document.querySelectorAll('.slides > section')].findIndex(s => s.querySelector('.lc-lab'))"
    )
    deck.page.evaluate(f"Reveal.slide({number})")
    lab = deck.page.locator(".slides > section.present .lc-lab[data-alive=shown]")
    lab.wait_for(timeout=20_000)
    field = lab.get_by_role("textbox").first
    field.fill("the king is happy and he sang .")
    field.press("Enter")
    field.press("ArrowRight")
    field.press("Space")
    assert deck.at == number + 1
    lab.get_by_text("sang", exact=True).first.wait_for(timeout=20_000)
    field.press("Escape")
    deck.page.keyboard.press("PageUp")
    assert deck.at == number
    deck.close()


def test_a_page_a_slide_in_print(browser, tmp_path):
    deck = Deck(browser, tmp_path, "05", color_scheme="dark")
    printed = deck.page.pdf(prefer_css_page_size=True, print_background=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == deck.slides
    assert set(re.findall(rb"/MediaBox\s*\[([^\]]*)\]", printed)) == {b"0 0 960 540"}
    deck.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_accessible(browser, tmp_path, theme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    deck = Deck(browser, tmp_path, "05", color_scheme=theme, reduced_motion="reduce")
    assert deck.page.evaluate("Reveal.getConfig().transition") == "none"
    assert deck.page.locator("h1").count() == 1
    assert deck.page.evaluate("[...document.images].every(image => image.alt)")
    for number in (0, 2, 3, 5, 11, 12, 13, deck.slides - 1):
        deck.page.evaluate(f"Reveal.slide({number}, 0, 9)")
        found = axe.Axe().run(deck.page).response["violations"]
        assert found == [], json.dumps([(v["id"], [n["html"][:200] for n in v["nodes"]]) for v in found])
    deck.close()
