"""Laboratories in what nbconvert makes of a notebook, opened from a file: no kernel, and no network."""

import re
import shutil

import nbformat
import pytest
from nbconvert import HTMLExporter, SlidesExporter
from test_end_to_end import CHROMIUM
from test_laboratory_page import browser  # noqa: F401

import lstmcourse as lc

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or shutil.which(CHROMIUM) is None, reason="there is no browser"
)

LABS = {
    "lc.lab(lc.cells.lstm)": lambda: lc.lab(lc.cells.lstm),
    "lc.lab(model)": lambda: lc.lab(lc.Model("lstm", "agreement", hidden_size=4, rng=0)),
    "lc.dilemma()": lc.dilemma,
    "lc.lab([lc.cells.rnn, lc.cells.lstm])": lambda: lc.lab([lc.cells.rnn, lc.cells.lstm]),
}
EXPORTERS = {"page": HTMLExporter, "slides": SlidesExporter}

# What nbconvert's own templates miss without a network, and say so: MathJax, and for slides reveal.js.
THEIRS = ["net::ERR_INTERNET_DISCONNECTED", "^require is not defined$"]


def a_notebook():
    """One laboratory a slide, as a notebook stores it."""
    cells = []
    for source, lab in LABS.items():
        data = {"text/html": lab()._html(), "text/plain": "a laboratory"}
        shown = nbformat.v4.new_output("execute_result", data=data, execution_count=1)
        slide = {"slideshow": {"slide_type": "slide"}}
        cells.append(nbformat.v4.new_code_cell(source, execution_count=1, outputs=[shown], metadata=slide))
    return nbformat.v4.new_notebook(cells=cells)


@pytest.mark.parametrize("kind", EXPORTERS)
def test_laboratories_live_in_what_nbconvert_makes(kind, browser, tmp_path):  # noqa: F811
    text, _ = EXPORTERS[kind]().from_notebook_node(a_notebook())
    path = tmp_path / f"{kind}.html"
    path.write_text(text, encoding="utf-8")
    context = browser.new_context(offline=True, viewport={"width": 1000, "height": 900})
    page, heard = context.new_page(), []
    page.on("pageerror", lambda error: heard.append(error.message))
    page.on("console", lambda said: heard.append(said.text))
    page.goto(path.as_uri())
    labs = page.locator(".lc-lab[data-alive=shown]")
    labs.nth(len(LABS) - 1).wait_for(timeout=20_000)
    assert labs.count() == len(LABS) == page.locator(".lc-lab").count()

    cell, reading, dilemma, unrolled = (labs.nth(k) for k in range(len(LABS)))
    f = cell.locator('[data-glyph="f"]')
    before = f.get_attribute("aria-valuenow")
    cell.get_by_role("spinbutton", name="b f, as a number").fill("-3")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert float(f.get_attribute("aria-valuenow")) < float(before) - 0.1
    field = reading.get_by_role("textbox", name="the sentence")
    field.fill("the boys are")
    field.press("Enter")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert reading.locator(".lc-word").all_text_contents() == ["the", "boys", "are"]
    dilemma.get_by_role("slider", name="weight w").press("End")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert dilemma.locator(".lc-told strong").first.text_content() == "0.99"
    unrolled.get_by_role("slider", name="unroll, then backward").press("End")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert "still feels of the start" in unrolled.locator("caption").text_content()
    assert [said for said in heard if not any(re.search(theirs, said) for theirs in THEIRS)] == []
    context.close()
