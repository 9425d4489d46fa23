"""The report in Chromium: accessible in both themes; marks say what they mean, by mouse and by keys."""

import shutil

import pytest
from test_end_to_end import CHROMIUM, FLAGS
from test_reports import GRADES

from lstmcourse.teaching import page

playwright = pytest.importorskip(
    "playwright.sync_api", reason="no browser can be steered: pip install playwright"
)
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="pip install axe-playwright-python")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None or shutil.which(CHROMIUM) is None, reason="there is no browser"
)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_report(tmp_path, theme):
    path = tmp_path / "report.html"
    path.write_text(page(GRADES), encoding="utf-8")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, headless=True, args=FLAGS)
        context = browser.new_context(
            color_scheme=theme, offline=True, viewport={"width": 500, "height": 700}
        )
        shown = context.new_page()
        shown.goto(path.as_uri())
        assert axe.Axe().run(shown).response["violations"] == []
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")  # it fits a telephone
        tips = shown.locator(".tip")
        seen = lambda k: tips.nth(k).evaluate("it => getComputedStyle(it).opacity") == "1"
        assert [seen(k) for k in range(4)] == [False] * 4
        shown.locator(".mark").nth(1).focus()
        assert [seen(k) for k in range(4)] == [False, True, False, False]
        shown.locator(".mark").nth(3).hover()
        assert seen(3)
        shown.locator('a[href="#m-05.2"]').click()
        shown.locator('[id="m-05.2"]').wait_for()
        browser.close()
