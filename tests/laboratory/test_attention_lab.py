"""The laboratory of a translator: what the page writes, and where it looks, is what `write` gives."""

import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from test_end_to_end import CHROMIUM
from test_javascript import NODE, needs_node
from test_laboratory_page import FAULTS, TOLD, browser  # noqa: F401

import lstmcourse as lc
from lstmcourse.errors import NotFiniteError, UnknownNameError
from lstmcourse.laboratory import AttentionLab

TEXT = "the black cat does not follow a small red car"


@pytest.fixture(scope="module")
def translator():
    return lc.attentive.translator()


def a_translator(encoder="gru", **options):
    return lc.Seq2Seq(encoder, "additive_attention", "translation", 8, embedding=4, rng=1, **options)


def test_python_has_what_is_written_and_where_it_looks(translator):
    lab = lc.lab(translator, x=TEXT)
    assert isinstance(lab, AttentionLab) and lab.sentence == TEXT
    assert lab.translation == translator.translate(TEXT) == "le chat noir ne suit pas de petite voiture rouge"
    own = translator.write(translator.task.encode(TEXT)[:, None])
    np.testing.assert_array_equal(lab.shares, own.alignment[:10, 0])
    lab.sentence = "the black cow"
    assert lab.translation == translator.translate("the black cow")


def test_a_page_and_python_agree_through_the_bridge(translator):
    lab = lc.lab(translator, x=TEXT)
    assert "text/html" in lab._repr_mimebundle_()
    lab.sentence = "the cat"
    words = translator.task.encode("the cat").tolist()
    assert lab._bridge.told == {"words": words} and lab._bridge.heard == 0
    lab._bridge.told = json.loads(json.dumps({"words": words[:1]}))
    assert lab.sentence == "the" and lab._bridge.heard == 1


BAD = {
    "a word it does not know": (lambda: lc.lab(a_translator(), x="the kat"), UnknownNameError, "kat"),
    "nothing": (lambda: lc.lab(a_translator(), x=""), ValueError, "x has 0 symbols.*1 to 30"),
    "500 words": (lambda: lc.lab(a_translator(), x="the " * 500), ValueError, "x has 500 symbols"),
    "numbers": (lambda: lc.lab(a_translator(), x=[1, 2]), TypeError, r"x=\[1, 2\]"),
    "units": (lambda: lc.lab(a_translator(), units=[1]), ValueError, "units: this laboratory shows none"),
    "a size": (lambda: lc.lab(a_translator(), hidden_size=2), ValueError, "hidden_size: a model has its own"),
    "one vector": (lambda: lc.lab(a_translator(attention=False)), ValueError, "there is no map"),
    "NaN": (lambda: lc.lab(broken()), NotFiniteError, r"cell.params\['readout.V'\]"),
}


def broken():
    model = a_translator()
    model.params["readout.V"][0, 0] = np.nan
    return model


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_by_name(what):
    do, kind, message = BAD[what]
    with pytest.raises(kind, match=message):
        do()


WRITE = """
document = { querySelectorAll: () => [], dispatchEvent() {} };
const said = JSON.parse(process.argv[2]).map((words) => {
  const store = newAttention(cell, { ...SPEC, words });
  return [store.written, store.shares.map((row) => Array.from(row))];
});
console.log(JSON.stringify(said));
"""


@needs_node
@pytest.mark.parametrize("kind", ["the course's", "gru", "bidirectional lstm", "stack"])
def test_the_page_writes_what_python_writes(kind, translator, tmp_path):
    made = {
        "the course's": lambda: translator,
        "gru": a_translator,
        "bidirectional lstm": lambda: a_translator(lc.bidirectional(lc.cells.lstm)),
        "stack": lambda: a_translator(lc.stack([lc.cells.gru, lc.cells.lstm])),
    }
    lab = lc.lab(made[kind]())
    sentences = [TEXT, *lab._examples, "the"]
    words = [lab.model.task.encode(text).tolist() for text in sentences]
    script = re.search(r'<script type="module">\n(.*)\n</script>', lab._html(), re.S)[1]
    code, _, call = script.rpartition("begin(")
    spec = f"const SPEC = {call.partition(', cell, ')[2].removesuffix(');')};"
    (tmp_path / "lab.mjs").write_text(f"globalThis.document = {{}};\n{code}\n{spec}\n{WRITE}", "utf-8")
    command = [NODE, tmp_path / "lab.mjs", json.dumps(words)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    for text, (written, shares) in zip(sentences, json.loads(said.stdout), strict=True):
        lab.sentence = text
        assert lab.translation == " ".join(lab.model.task.target_symbols[k] for k in written)
        wanted = lab.shares
        np.testing.assert_allclose(np.reshape(shares, wanted.shape), wanted, rtol=0, atol=1e-12)


@pytest.mark.skipif(CHROMIUM is None or shutil.which(CHROMIUM) is None, reason="there is no browser")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_map_under_the_mouse_and_the_keys(theme, translator, browser, tmp_path):  # noqa: F811
    lab = lc.lab(translator, x=TEXT)
    context = browser.new_context(
        offline=True, color_scheme=theme, reduced_motion="reduce", viewport={"width": 800, "height": 700}
    )
    page, heard = context.new_page(), []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda said: heard.append(said.text))
    page.goto(lab.save(tmp_path / "lab.html").as_uri())
    page.locator(".lc-lab[data-alive=shown]").wait_for(timeout=20_000)
    looks, field = page.locator(".lc-looks"), page.get_by_role("textbox", name="the sentence to translate")

    def agreed():
        page.evaluate("() => new Promise(requestAnimationFrame)")
        lab._heard(page.evaluate(TOLD))
        rows = page.locator(".lc-map [role=rowheader]").all_text_contents()
        assert " ".join(rows) == lab.translation
        cells = page.locator(".lc-map [role=gridcell]").all_text_contents()
        shown = np.reshape([float(text or 0) for text in cells], lab.shares.shape)
        np.testing.assert_allclose(shown, lab.shares, atol=0.0051)
        return lab.shares

    shares = agreed()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator('[data-r="2"][data-c="-1"]').hover()  # noir
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert looks.inner_text() == f"“noir” looks at: black {shares[2, 1]:.2f}."
    above = page.locator('[data-r="-1"]').evaluate_all(
        "all => all.map(c => +c.style.getPropertyValue('--lc-share'))"
    )
    np.testing.assert_allclose(above, shares[2], atol=6e-4)
    page.locator('[data-r="-1"][data-c="9"]').click()  # car
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert looks.inner_text().startswith(f"“car” is looked at by: voiture {shares[8, 9]:.2f}")
    field.hover()
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert looks.inner_text().startswith("“car”")  # what was chosen stays
    field.fill("The black cow does not follow a small red car")
    field.press("Enter")
    agreed()
    assert lab.sentence == TEXT.replace("cat", "cow")
    for text, message in [
        ("the blakc cat", "The network has never seen “blakc”"),
        ("", "There is nothing to read"),
        ("the " * 500, "500 words are too many: at most 30 fit here."),
    ]:
        field.fill(text)
        field.press("Enter")
        assert message in page.locator(".lc-say").inner_text()
        assert field.get_attribute("aria-invalid") == "true"
        agreed()
        assert lab.sentence == TEXT.replace("cat", "cow")
    page.get_by_role("button", name="reset").click()
    agreed()
    assert lab.sentence == TEXT
    page.locator('.lc-map [tabindex="0"]').focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    here = "[document.activeElement.dataset.r, document.activeElement.dataset.c]"
    assert page.evaluate(here) == ["2", "1"]
    page.keyboard.press("Enter")
    assert "“noir” looks at: black" in page.locator(".lc-say").inner_text()
    page.wait_for_function("document.querySelector('.lc-alt').textContent.includes('“noir” looks at')")
    for faults in page.evaluate(FAULTS).values():
        assert faults == []
    page.keyboard.press("Escape")
    page.evaluate("() => new Promise(requestAnimationFrame)")
    assert "Point at a word" in looks.inner_text()
    assert heard == []
    context.close()
