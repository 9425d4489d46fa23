"""The laboratory in Chromium, from a file and without a network: with mouse, keys and fingers."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from test_end_to_end import CHROMIUM, FLAGS

import lstmcourse as lc

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no browser can be steered: pip install playwright"
)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or shutil.which(CHROMIUM) is None, reason="there is no browser"
)

TOLD = """() => globalThis[Symbol.for("lstmcourse.labs")].values().next().value.told()"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        yield browser
        browser.close()


class Page:
    """A laboratory in a page of its own, and the one in Python that has to show the same."""

    def __init__(self, browser, folder, cell=lc.cells.lstm, how=None, **options):
        self.lab = lc.lab(cell, **options)
        self.context = browser.new_context(
            **{"viewport": {"width": 1000, "height": 1500}, "offline": True} | (how or {})
        )
        self.page = self.context.new_page()
        self.heard = []
        self.page.on("pageerror", lambda error: self.heard.append(str(error)))
        self.page.on("console", lambda said: self.heard.append(said.text))
        self.page.goto(self.lab.save(folder / "lab.html").as_uri())
        self.page.locator(".lc-lab[data-alive=shown]").wait_for(timeout=20_000)

    def agreed(self):
        """Python, told what the page knows, and the numbers on the picture: they are the same."""
        self.page.evaluate("() => new Promise(requestAnimationFrame)")
        told = self.page.evaluate(TOLD)
        self.lab._heard(told)
        run, step = (
            self.lab.run(),
            int(self.page.get_by_role("slider", name="step", exact=True).input_value()) - 1,
        )
        shown = self.page.locator("[data-number]").evaluate_all(
            "all => all.map(g => [g.dataset.number, g.lastElementChild.textContent])"
        )
        for key, text in shown:
            if key in self.lab.cell.names:
                value = float(text.replace("−", "-"))
                assert abs(value - np.asarray(run[key])[step].flat[0]) < 0.006, (key, text)
        return self.lab, run

    def drag(self, target, x=0, y=0):
        box = target.bounding_box()
        start = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self.page.mouse.move(*start)
        self.page.mouse.down()
        self.page.mouse.move(start[0] + x, start[1] + y, steps=5)
        self.page.mouse.up()


@pytest.fixture
def opened(browser, tmp_path):
    made = []

    def open_(*args, **kwargs):
        made.append(Page(browser, tmp_path, *args, **kwargs))
        return made[-1]

    yield open_
    for one in made:
        assert one.heard == []
        one.context.close()


def test_numbers_are_dragged_on_the_picture(opened):
    on = opened()
    on.agreed()
    on.drag(on.page.locator('[data-number="x"]'), y=-60)
    lab, _ = on.agreed()
    assert lab.values["x"][2, 0, 0] == 1.0  # it was as high as it goes
    on.drag(on.page.locator('[data-number="x"]'), y=90)
    lab, _ = on.agreed()
    assert lab.values["x"][2, 0, 0] == pytest.approx(0.25)
    on.drag(on.page.locator('[data-number="f"]'), y=260)
    lab, run = on.agreed()
    assert run["f"][2, 0, 0] == 0 and lab.held["f"][2, 0, 0] == 0 and np.isnan(lab.held["f"]).sum() == 19
    assert on.page.locator('[data-number="f"].lc-held').count() == 1
    on.drag(on.page.locator('[data-number="c@prev"]'), y=-60)
    lab, run = on.agreed()
    assert run["c"][1, 0, 0] > 0.9 and list(lab.held) == ["f", "c"]
    on.page.get_by_role("button", name="reset").click()
    assert on.agreed()[0].held == {}


def test_what_one_points_at_is_explained_with_its_numbers(opened):
    on = opened()
    said = on.page.locator(".lc-explain")
    on.page.locator('[data-glyph="f"]').hover()
    rows = said.inner_text().split("\n")
    f = on.agreed()[1]["f"][2, 0, 0]
    assert rows[0].startswith("f") and "σ(" in rows[0] and f"= {f:.2f}" in rows[-1]
    numbers = [float(n.replace("−", "-")) for n in re.findall(r"−?\d+\.\d\d", rows[1])]
    h, u, x, w, b = numbers
    assert 1 / (1 + np.exp(-(h * u + x * w + b))) == pytest.approx(f, abs=0.01)
    bias = said.locator('[data-key="b_f"]')
    bias.hover()  # the explanation stays while one goes there
    on.drag(bias, x=60)
    lab, run = on.agreed()
    assert lab.values["b_f"] == pytest.approx(3.0) and said.inner_text().endswith(f"{run['f'][2, 0, 0]:.2f}")
    on.page.locator('[data-glyph="~23"]').click()
    on.page.locator(".lc-title").hover()
    on.page.wait_for_timeout(250)
    assert "a part of C" in said.inner_text()  # what was clicked stays
    on.page.keyboard.press("Escape")
    assert "Point at a part" in said.inner_text()


def test_the_input_is_drawn_and_typed_and_one_goes_through_time(opened):
    on = opened()
    frame = on.page.locator(".lc-frame[data-row=x]")
    box = frame.bounding_box()
    on.page.mouse.move(box["x"] + box["width"] * 0.26, box["y"] + 4)
    on.page.mouse.down()
    on.page.mouse.move(box["x"] + box["width"] * 0.49, box["y"] + 4, steps=12)
    on.page.mouse.up()
    lab, _ = on.agreed()
    assert (lab.values["x"][5:9, 0, 0] > 0.9).all() and lab.values["x"][11, 0, 0] == 0
    field = on.page.get_by_role("textbox", name="x t at every step")
    field.fill("1 0 −0.5, 0.25")
    field.press("Enter")
    lab, _ = on.agreed()
    assert lab.values["x"].ravel().tolist() == [1.0, 0.0, -0.5, 0.25]
    for text, message in [
        ("1 two", '"two" is no number'),
        ("", "at least one"),
        ("1 " * 101, "101 steps are too many"),
        ("NaN", '"NaN" is no number'),
    ]:
        field.fill(text)
        field.press("Enter")
        assert message in on.page.locator(".lc-say").inner_text()
        assert field.get_attribute("aria-invalid") == "true"
        assert on.agreed()[0].values["x"].size == 4
    on.page.get_by_role("slider", name="step", exact=True).press("End")
    on.agreed()
    assert on.page.locator('[data-number="x"] text').text_content() == "0.25"
    on.page.get_by_role("button", name="play").click()
    on.page.wait_for_function("document.querySelector('.lc-step').value === '3'", timeout=5000)
    on.agreed()


def test_a_brush_holds_a_gate_over_a_span(opened):
    on = opened()
    box = on.page.locator(".lc-frame[data-row=f]").bounding_box()
    on.page.mouse.move(box["x"] + box["width"] * 0.31, box["y"] + 12)
    on.page.mouse.down()
    on.page.mouse.move(box["x"] + box["width"] * 0.58, box["y"] + 12, steps=6)
    on.page.mouse.up()
    assert on.agreed()[0].held == {}  # only marked
    for button, value in [("open", 1.0), ("shut", 0.0)]:
        on.page.get_by_role("button", name=button, exact=True).click()
        lab, run = on.agreed()
        assert (run["f"][6:12] == value).all() and np.isnan(lab.held["f"]).sum() == 14
    on.page.get_by_role("spinbutton", name="at the value").fill("0.4")
    on.page.get_by_role("spinbutton", name="to step").fill("9")
    on.page.get_by_role("button", name="hold", exact=True).click()
    lab, run = on.agreed()
    assert (run["f"][6:9] == 0.4).all() and (run["f"][9:12] == 0).all()
    on.page.get_by_role("spinbutton", name="to step").fill("99")
    on.page.get_by_role("button", name="shut", exact=True).click()
    assert "Steps go from 1 to 20" in on.page.locator(".lc-say").inner_text()
    on.page.get_by_role("spinbutton", name="to step").fill("12")
    on.page.get_by_role("button", name="let go").click()
    assert on.agreed()[0].held == {}


def test_the_keyboard_does_it_all(opened):
    on = opened(hidden_size=2)
    keys = on.page.keyboard
    on.page.locator("[data-number=x]").focus()
    here = "() => document.activeElement.dataset.number ?? document.activeElement.dataset.glyph"
    keys.press("ArrowDown")
    assert on.agreed()[0].values["x"][2, 0, 0] == pytest.approx(0.95)
    # Or a notebook that hears keys before the page does, as Notebook 7, adds a cell at "a".
    left_alone = "document.activeElement.hasAttribute('data-lm-suppress-shortcuts')"
    order = []
    for _ in range(5):
        assert on.page.evaluate(left_alone)
        order.append(on.page.evaluate(here))
        keys.press("ArrowRight")
    assert order == ["x", "c@prev", "h@prev", "f", "i"]
    keys.press("Enter")
    assert "tanh" in on.page.locator(".lc-say").inner_text()
    keys.press("ArrowLeft")
    keys.press("ArrowUp")
    lab, _ = on.agreed()
    i = on.page.locator('[data-glyph="i"]')
    assert not np.isnan(lab.held["i"][2, 0, 0]) and "held" in i.get_attribute("aria-label")
    assert float(i.get_attribute("aria-valuenow")) == lab.held["i"][2, 0, 0]
    keys.press("Delete")
    assert on.agreed()[0].held == {}
    keys.press("Escape")
    keys.press("Escape")
    assert on.page.evaluate("document.activeElement === document.body")
    on.page.get_by_role("button", name="2", exact=True).press("Enter")
    on.page.locator("[data-number=x]").focus()
    keys.press("Tab")  # the picture is one stop
    assert on.page.evaluate("!document.activeElement.closest('svg')")
    on.page.locator(".lc-frame[data-row=x]").focus()
    keys.press("ArrowRight")
    keys.press("ArrowUp")
    told = on.page.evaluate(TOLD)
    assert told["values"]["x"]["data"][3] == pytest.approx(0.05)
    on.page.locator("summary").first.press("Enter")
    field = on.page.get_by_role("spinbutton", name="U f [1,2], as a number")
    field.fill("-1.25")
    assert on.page.evaluate(TOLD)["values"]["U_f"]["data"][1] == -1.25
    field.fill("")
    assert "a number is needed; it stays at −1.25" in on.page.locator(".lc-say").first.inner_text()
    assert on.page.evaluate(TOLD)["values"]["U_f"]["data"][1] == -1.25


def test_a_challenge_is_solved_in_the_page(opened):
    on = opened()
    heading = on.page.locator("summary", has_text="challenges")
    on.page.wait_for_function(
        "[...document.querySelectorAll('summary')].some(s => s.textContent.includes('0 of 6'))"
    )
    heading.click()
    weights = {"U_f": 0, "W_f": 0, "b_f": 9, "U_i": 0, "W_i": 0, "U_g": 0, "W_g": 0.5, "b_g": 0}
    for name, value in weights.items():
        on.page.get_by_role("spinbutton", name=f"{name.replace('_', ' ')}, as a number").fill(str(value))
    on.page.wait_for_function(
        "[...document.querySelectorAll('summary')].some(s => s.textContent.includes('2 of 6'))"
    )
    lab, _ = on.agreed()
    assert lab.solved == ("hold", "count")
    row = on.page.locator(".lc-challenges li").first
    assert "solved: worst error" in row.inner_text() and "✓" in row.inner_text()
    row.get_by_role("button").click()
    lab, _ = on.agreed()
    assert lab.steps == 51 and "Hold a value" in on.page.locator(".lc-say").inner_text()


FAULTS = Path(__file__).with_name("laboratory_page.js").read_text("utf-8").partition("\n")[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("name", ["lstm", "slstm"])
def test_everything_has_a_name_and_can_be_read(opened, name, theme):
    on = opened(lc.cells.get(name), {"color_scheme": theme, "reduced_motion": "reduce"})
    now = "document.querySelector('.lc-alt').textContent.includes('Step 3 of 20')"
    on.page.wait_for_function(now)  # when the hand rests, it says in words what it shows
    for faults in on.page.evaluate(FAULTS).values():
        assert faults == []


@pytest.mark.parametrize("width", [360, 800])
@pytest.mark.parametrize(
    "cell", [lc.cells.slstm, lc.stack([lc.cells.lstm, lc.cells.gru])], ids=lambda c: c.name
)
def test_narrow_windows_and_fingers(opened, cell, width):
    on = opened(cell, {"viewport": {"width": width, "height": 900}, "has_touch": True})
    assert on.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    on.page.locator("[data-glyph]").first.tap()
    assert "=" in on.page.locator(".lc-explain").inner_text()
    small = """() => [...document.querySelectorAll('[data-move] .lc-hit')].map(e => e.getBoundingClientRect())
        .filter(r => r.width < 24 || r.height < 16).length"""
    assert on.page.evaluate(small) == 0
    on.agreed()


def test_two_pictures_of_one_laboratory_move_together(browser, tmp_path):
    lab = lc.lab(lc.cells.rnn)
    from lstmcourse.laboratory import page

    path = tmp_path / "two.html"
    path.write_text(
        page.document("two", lab._html() + lab._html() + lc.lab(lc.cells.rnn)._html()), encoding="utf-8"
    )
    context = browser.new_context(offline=True)
    at = context.new_page()
    at.goto(path.as_uri())
    at.locator(".lc-lab[data-alive=shown]").nth(2).wait_for()
    at.get_by_role("spinbutton", name="b h, as a number").first.fill("2")
    at.wait_for_timeout(100)
    shown = at.locator('.lc-lab [data-number="h"]:not([data-in]) text').all_text_contents()
    third = at.locator(".lc-lab").nth(2).locator('[data-number="h"] text').all_text_contents()
    assert (
        len(set(shown[: len(third)])) == 1
        and shown[: len(third)] == shown[len(third) : 2 * len(third)] != third
    )
    context.close()


def test_without_scripts_there_is_a_picture(browser, tmp_path):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(lc.lab(lc.cells.gru).save(tmp_path / "still.html").as_uri())
    picture = page.get_by_role("img", name="One step of the cell gru")
    assert picture.bounding_box()["width"] > 300
    assert page.get_by_role("slider").count() == 0
    context.close()
