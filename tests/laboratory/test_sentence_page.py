"""The laboratory of a sentence in Chromium, from a file, without a network: with mouse, keys and fingers."""

import re
import shutil

import numpy as np
import pytest
from test_end_to_end import CHROMIUM
from test_laboratory_page import FAULTS, TOLD, browser  # noqa: F401

import lstmcourse as lc

pytest.importorskip("playwright.sync_api", reason="no browser can be steered: pip install playwright")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or shutil.which(CHROMIUM) is None, reason="there is no browser"
)

TEXT = "the queen near the old kings is tired and seen by the boy she slept ."
GENDER = 21
UNITS: dict = {}


@pytest.fixture(scope="module")
def reader():
    return lc.reader.load()


class Page:
    """A sentence in a page of its own, and the laboratory in Python that has to show the same."""

    def __init__(self, browser, folder, model, how=None, **options):  # noqa: F811
        self.lab = lc.lab(model, **options)
        if repr(model) in UNITS:  # which take a second to find
            self.lab.__dict__["units"] = UNITS[repr(model)]
        UNITS[repr(model)] = self.lab.units
        self.context = browser.new_context(
            **{"viewport": {"width": 1000, "height": 1300}, "offline": True} | (how or {})
        )
        self.page = self.context.new_page()
        self.heard = []
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("console", lambda said: self.heard.append(said.text))
        self.page.goto(self.lab.save(folder / "lab.html").as_uri())
        self.page.locator(".lc-lab[data-alive=shown]").wait_for(timeout=20_000)
        self.field = self.page.get_by_role("textbox", name="the sentence")
        self.said = self.page.locator(".lc-say")

    def cell(self, name, word, unit=GENDER):
        return self.page.locator(f'[data-unit="{unit}"][data-row="{name}"] .lc-td').nth(word)

    def agreed(self):
        """Python, told what the page knows: words, numbers in the table and what is expected are the same."""
        self.page.evaluate("() => new Promise(requestAnimationFrame)")
        self.lab._heard(self.page.evaluate(TOLD))
        lab, run = self.lab, self.lab.run()
        words = self.page.locator(".lc-word").all_text_contents()
        assert " ".join(words) == lab.sentence
        table = self.page.locator("[data-row]").evaluate_all(
            "all => all.map(r => [r.dataset.row, +r.dataset.unit, "
            "[...r.querySelectorAll('.lc-td')].map(c => c.textContent)])"
        )
        assert table
        for key, unit, texts in table:
            if key in lab.cell.names:
                numbers = [float(text.replace("−", "-")) for text in texts]
                np.testing.assert_allclose(numbers, run[key][:, 0, unit], atol=0.006)
        step = int(self.page.locator(".lc-word.lc-here").get_attribute("data-t"))
        before, now = lab.predict(held=False)[step, 0], lab.predict()[step, 0]
        for text in self.page.locator(".lc-answer:visible").all_text_contents():
            word = text.rstrip("0123456789.−→ ")
            numbers = [float(n) for n in text[len(word) :].split(" → ")]
            wanted = [before, now][: len(numbers)]
            symbol = lab.model.task.symbols.index(word)
            np.testing.assert_allclose(numbers, [p[symbol] for p in wanted], atol=0.006)
            assert len(numbers) == (2 if lab.held else 1)
        return lab


@pytest.fixture
def opened(browser, tmp_path, reader):  # noqa: F811
    made = []

    def open_(model=reader, **options):
        made.append(Page(browser, tmp_path, model, **options))
        return made[-1]

    yield open_
    for one in made:
        assert one.heard == []
        one.context.close()


def test_a_sentence_is_typed_and_picked(opened):
    on = opened(x=TEXT)
    assert on.agreed().sentence == TEXT
    on.field.fill("The boys behind the nun are")
    on.field.press("Enter")
    assert on.agreed().sentence == "the boys behind the nun are"
    on.page.get_by_role("combobox", name="pick").select_option(index=2)
    assert on.agreed().sentence == on.lab._examples[1] == on.field.input_value()


def test_what_cannot_be_read_is_said_and_nothing_is_lost(opened):
    on = opened(x=TEXT)
    on.cell("f", 3).click()
    on.page.keyboard.press("0")
    for text, message in [
        ("the kign sang", "The network has never seen “kign”"),
        ("", "There is nothing to read"),
        ("the " * 500, "500 words are too many: at most 100 fit here."),
    ]:
        on.field.fill(text)
        on.field.press("Enter")
        assert message in on.said.inner_text() and "stays as it was" in on.said.inner_text()
        assert on.field.get_attribute("aria-invalid") == "true" and on.field.input_value() == text
        lab = on.agreed()
        assert lab.sentence == TEXT and lab.held["f"][3, 0, GENDER] == 0
    on.field.fill("the king")
    on.field.press("Enter")
    assert "has been let go" in on.said.inner_text() and on.agreed().held == {}


def test_numbers_are_dragged_and_spans_are_held(opened):
    on = opened(x=TEXT, units=[GENDER, 6])
    box = on.cell("c", 8).bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + 10
    on.page.mouse.move(*middle)
    on.page.mouse.down()
    on.page.mouse.move(middle[0], middle[1] + 100, steps=6)
    on.page.mouse.up()
    lab = on.agreed()
    assert lab.held["c"][8, 0, GENDER] == pytest.approx(-0.1, abs=0.05) and list(lab.held) == ["c"]
    assert "lc-held" in on.cell("c", 8).get_attribute("class")
    box, last = on.cell("f", 9).bounding_box(), on.cell("f", 12).bounding_box()
    on.page.mouse.move(box["x"] + 8, box["y"] + 10)
    on.page.mouse.down()
    on.page.mouse.move(last["x"] + 8, box["y"] + 12, steps=6)
    on.page.mouse.up()
    on.page.get_by_role("button", name="shut", exact=True).click()
    held = on.agreed().held["f"]
    assert np.argwhere(held == 0).tolist() == [[t, 0, GENDER] for t in range(9, 13)]
    on.page.get_by_role("combobox", name="of which units").select_option("all")
    on.page.get_by_role("button", name="open", exact=True).click()
    assert (on.agreed().held["f"][9:13] == 1).all()
    on.page.get_by_role("button", name="let all go").click()
    assert on.agreed().held == {}


def test_before_and_now_stand_side_by_side(opened):
    on = opened(x=TEXT)
    lab = on.agreed()
    silence = on.page.get_by_role("button", name="silence unit 21", exact=True)
    silence.first.click()
    lab = on.agreed()
    assert (lab.held["h"][:, 0, GENDER] == 0).all() and silence.first.get_attribute("aria-pressed") == "true"
    quiet = lc.inspection.silence(lab.model, GENDER).predict(lab.model.task.encode(TEXT)[:, None])
    np.testing.assert_allclose(lab.predict(), quiet, atol=1e-12)
    assert " → " in on.page.locator(".lc-answer").first.inner_text()
    silence.last.click()
    assert on.agreed().held == {}


def test_units_are_sorted_and_shown(opened):
    on = opened(x=TEXT, units=[GENDER])
    on.page.wait_for_timeout(700)
    rows = on.page.locator(".lc-units-scroll tbody tr")

    def column(k):
        texts = rows.evaluate_all(f"all => all.map(r => r.children[{k}].textContent)")
        return [float(t.replace("−", "-")) for t in texts]

    for k, name in enumerate(["gender", "number", "loss without it", "effect here"], 1):
        on.page.get_by_role("button", name=name, exact=True).click()
        on.page.locator("h1, body").first.click(position={"x": 1, "y": 1})
        values = column(k)
        assert values == sorted(values, reverse=True) and values[0] > values[-1]
    best = on.page.locator(".lc-units-scroll tbody input").first
    unit = int(best.get_attribute("aria-label").split()[-1])
    best.check()
    on.page.evaluate("() => new Promise(requestAnimationFrame)")
    assert on.page.locator("[data-row=f]").evaluate_all("a => a.map(r => +r.dataset.unit)") == [GENDER, unit]
    on.agreed()
    on.page.get_by_role("button", name="hide unit 21").click()
    on.page.evaluate("() => new Promise(requestAnimationFrame)")
    assert on.page.locator("[data-row=f]").count() == 1


def test_the_keyboard_does_it_all(opened):
    on = opened(x=TEXT, units=[GENDER, 6])
    keys, here = on.page.keyboard, "document.activeElement.parentElement.dataset.row"
    on.field.focus()
    keys.press("Tab")
    keys.press("Tab")
    assert on.page.evaluate("document.activeElement.className").startswith("lc-td lc-word")
    keys.press("Home")
    for _ in range(8):
        keys.press("ArrowRight")
    rows = []
    for _ in range(9):
        keys.press("ArrowDown")
        rows.append(on.page.evaluate(here))
    assert rows[1:5] == ["f", "i", "g", rows[4]] and rows[4].startswith("~") and rows[5:8] == ["o", "c", "h"]
    keys.press("ArrowUp")
    keys.press("ArrowUp")  # C of the first unit, at the ninth word
    value = on.lab.run()["c"][8, 0, GENDER]
    for _ in range(3):
        keys.press("PageDown")
    assert on.agreed().held["c"][8, 0, GENDER] == pytest.approx(value - 1.5, abs=0.011)
    keys.press("Delete")
    assert on.agreed().held == {}
    for _ in range(5):
        keys.press("ArrowUp")
    assert on.page.evaluate(here) == "f"
    keys.press("0")
    assert on.agreed().held["f"][8, 0, GENDER] == 0
    keys.press("1")
    assert on.agreed().held["f"][8, 0, GENDER] == 1
    keys.press("Enter")
    assert "σ(" in on.said.inner_text() and "held at 1.00" in on.page.locator(".lc-explain").inner_text()
    keys.press("Escape")
    assert "Choose a number" in on.page.locator(".lc-explain").inner_text()
    keys.press("Tab")  # the table is one stop
    assert on.page.evaluate("!document.activeElement.matches('.lc-td')")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_has_a_name_and_can_be_read(opened, theme):
    on = opened(x=TEXT, how={"color_scheme": theme, "reduced_motion": "reduce"})
    on.cell("c", 8).click()
    on.page.keyboard.press("PageDown")
    on.page.wait_for_function("document.querySelector('.lc-alt').textContent.includes('After word 9, and:')")
    for faults in on.page.evaluate(FAULTS).values():
        assert faults == []


@pytest.mark.parametrize("width", [390, 800])
def test_narrow_windows_and_fingers(opened, width):
    on = opened(x=TEXT, how={"viewport": {"width": width, "height": 900}, "has_touch": True})
    assert on.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    on.cell("i", 5).tap()
    assert "=" in on.page.locator(".lc-explain").inner_text()
    small = """() => [...document.querySelectorAll('.lc-td')].map(e => e.getBoundingClientRect())
        .filter(r => r.width < 40 || r.height < 24).length"""
    assert on.page.evaluate(small) == 0
    for name in ("silence unit 21", "hide unit 21"):
        box = on.page.get_by_role("button", name=name, exact=True).first.bounding_box()
        assert 0 <= box["x"] and box["x"] + box["width"] <= width, name
    on.agreed()


def test_letters_are_symbols_too(opened):
    on = opened(lc.Model("gru", "text", hidden_size=6, rng=0))
    text = on.lab.sentence
    assert on.page.locator(".lc-word").count() == len(text)
    on.field.fill(text[:4])
    on.field.press("Enter")
    on.page.evaluate("() => new Promise(requestAnimationFrame)")
    on.lab._heard(on.page.evaluate(TOLD))
    assert on.lab.sentence == text[:4] and on.page.locator(".lc-word").count() == 4


COVERED = """() => {
    const range = new Range();
    const box = (node) => (range.selectNodeContents(node), range.getBoundingClientRect());
    const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
    const found = [];
    const numbers = (row) => [...row.querySelectorAll('.lc-lane, .lc-meter > span')];
    for (const row of document.querySelectorAll('.lc-tr, .lc-units-scroll tbody tr')) {
        const bars = [...row.querySelectorAll('.lc-bars-now, .lc-bars-before, .lc-meter > i')];
        for (const bar of bars) for (const number of numbers(row))
            if (meet(bar.getBoundingClientRect(), box(number))) found.push(number.textContent);
    }
    return [document.querySelectorAll('.lc-bars-now').length, found];
}"""


def test_no_bar_lies_under_a_number(opened):
    on = opened(x=TEXT)
    on.cell("c", 8).click()
    on.page.keyboard.press("PageDown")
    on.page.wait_for_timeout(700)
    bars, covered = on.page.evaluate(COVERED)
    assert bars > 10 and covered == []


def test_bars_say_what_numbers_say(opened):
    """The end of each bar, in its lane, is the number below it; a line says where it was before."""
    on = opened(x=TEXT)
    for _ in range(2):
        on.page.evaluate("() => new Promise(requestAnimationFrame)")
        lab = on.agreed()
        now, before = lab.run()["f"][:, 0, GENDER], lab._run(lab.cell, {})["f"][:, 0, GENDER]
        row = on.page.locator(f'[data-unit="{GENDER}"][data-row="f"]')
        ends = row.locator(".lc-bars-now").get_attribute("d")
        shown = [float(v) for v in re.findall(r"V([\d.]+)H", ends)]
        np.testing.assert_allclose(shown, 100 * (1 - now[now > 0.005]), atol=0.5)
        lines = re.findall(r"M[\d.]+ ([\d.]+)H", row.locator(".lc-bars-before").get_attribute("d"))
        np.testing.assert_allclose([float(v) for v in lines], 100 * (1 - before[now != before]), atol=0.5)
        on.cell("f", 3).click()
        on.page.keyboard.press("0")
