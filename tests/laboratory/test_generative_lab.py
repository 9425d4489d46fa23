"""Laboratories of networks that draw and that make up sound: the page has the numbers of `unroll`."""

import json
import re
import subprocess

import numpy as np
import pytest
from test_javascript import NODE, needs_node
from test_laboratory_page import CHROMIUM, FAULTS, TOLD, browser  # noqa: F401

import lstmcourse as lc
from lstmcourse.errors import NotFiniteError, ShapeError
from lstmcourse.laboratory import DrawingLab, ImaginingLab

TONES, DIGITS = lc.tasks.Tones(frames=5), lc.tasks.Handwriting(size=8)


def a_drawer(**options):
    return lc.Latent(lc.cells.draw.with_options(**options), DIGITS, 6, sizes={"Z": 3}, steps=4, rng=1)


def a_teller(cell="vrnn", **options):
    sizes = {"Z": 3} if "storn" in str(getattr(cell, "name", cell)) else {"Z": 3, "F": 5}
    return lc.Latent(cell, TONES, 6, sizes=sizes, rng=1, **options)


MODELS = {
    "the copyist": lc.generative.copyist,
    "whole pictures": a_drawer,
    "windows": lambda: a_drawer(attention=True, read=3, write=2),
    "the singer": lc.generative.singer,
    "vrnn": a_teller,
    "storn": lambda: a_teller("storn"),
}


def test_python_has_the_copy_and_the_sound():
    model = lc.generative.copyist()
    lab = lc.lab(model)
    assert isinstance(lab, DrawingLab) and lab.copies.shape == (8, 16, 16)
    lab.picture = np.roll(lab.picture, 3, axis=1)
    run = lc.unroll(
        model.cell, model.params, inputs={"x": lab.picture[None], "e": np.zeros((8, 1, 12))}, steps=8
    )
    np.testing.assert_allclose(lab.copies, 1 / (1 + np.exp(-run["canvas"][:, 0])), rtol=0, atol=1e-14)

    model = lc.generative.singer()
    lab = lc.lab(model, x=0.5)
    assert isinstance(lab, ImaginingLab) and lab.deviations.shape == (20, 4)
    cell = lc.cells.vrnn_sample
    given = {"e": np.full((20, 1, 4), 0.5), "e_x": np.zeros((20, 1, 8))}
    run = lc.unroll(cell, cell.own(model.params), inputs=given)
    np.testing.assert_array_equal(lab.sound, run["x"][:, 0])


def test_a_page_and_python_agree_through_the_bridge():
    for lab, name, value in [
        (lc.lab(a_drawer()), "picture", np.eye(8)),
        (lc.lab(a_teller()), "deviations", np.ones((5, 3))),
    ]:
        assert "text/html" in lab._repr_mimebundle_()
        setattr(lab, name, value)
        assert lab._bridge.told == {name: value.tolist()} and lab._bridge.heard == 0
        lab._bridge.told = json.loads(json.dumps({name: (value / 2).tolist()}))
        np.testing.assert_array_equal(getattr(lab, name), value / 2)
        assert lab._bridge.heard == 1


BAD = {
    "a picture of another size": (
        lambda: lc.lab(a_drawer(), x=np.eye(3)),
        ShapeError,
        r"x has shape \(3, 3\); .*\(8, 8\)",
    ),
    "no ink": (lambda: lc.lab(a_drawer(), x=np.full((8, 8), 2.0)), ValueError, "x holds 2 to 2; 0 is paper"),
    "a picture with NaN": (lambda: lc.lab(a_drawer(), x=np.full((8, 8), np.nan)), NotFiniteError, "x is NaN"),
    "a sentence": (lambda: lc.lab(a_drawer(), x="the cat"), TypeError, "x holds <U7; .* are needed"),
    "messages of another size": (
        lambda: lc.lab(a_teller(), x=np.ones((4, 3))),
        ShapeError,
        r"x has shape \(4, 3\); .*\(5, 3\)",
    ),
    "far out": (lambda: lc.lab(a_teller(), x=4.0), ValueError, "x holds 4 to 4; a dial goes from -3 to 3"),
    "units": (lambda: lc.lab(a_teller(), units=[1]), ValueError, "units: this laboratory shows none"),
    "a size": (lambda: lc.lab(a_drawer(), hidden_size=2), ValueError, "hidden_size: a model has its own"),
    "no message": (
        lambda: lc.lab(lc.Latent("density_rnn", TONES, 6, sizes={"F": 5})),
        ValueError,
        "density_rnn_sample",
    ),
    "one by one": (lambda: lc.lab(a_teller("storn", one_by_one=True)), ValueError, "draw a message"),
    "coins": (
        lambda: lc.lab(a_teller(lc.cells.vrnn.with_options(output="bernoulli"))),
        ValueError,
        "are coins",
    ),
    "too many dials": (
        lambda: lc.lab(lc.Latent("storn", TONES, 6, sizes={"Z": 9})),
        ValueError,
        "there are dials for 8",
    ),
    "too many weights": (
        lambda: lc.lab(lc.Latent("storn", TONES, 500, sizes={"Z": 2})),
        ValueError,
        "up to 200,000",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_by_name(what):
    do, kind, message = BAD[what]
    with pytest.raises(kind, match=message):
        do()


def test_a_weight_that_is_not_finite_is_refused():
    model = a_teller()
    name = next(iter(model.params))
    model.params[name].flat[0] = np.nan
    with pytest.raises(NotFiniteError, match=re.escape(f"cell.params[{name!r}]")):
        lc.lab(model)


RUN = """
globalThis.document = { querySelectorAll: () => [], dispatchEvent() {} };
const made = SPEC.picture
  ? (given) => {
      const store = newDrawing(cell, SPEC);
      store.set(given.flat());
      return Array.from({ length: SPEC.steps }, (_, t) => {
        store.look(t);
        return [store.copy(), SPEC.windows.map(store.window)];
      });
    }
  : (given) => {
      const store = newImagining(cell, SPEC);
      store.take({ deviations: given });
      const messages = given.map((row, t) => row.map((_, k) => Object.values(store.message(t, k))));
      return [Array.from(store.sound()), messages];
    };
console.log(JSON.stringify(JSON.parse(process.argv[2]).map(made)));
"""


@needs_node
@pytest.mark.parametrize("kind", MODELS)
def test_the_page_computes_what_python_does(kind, tmp_path):
    lab = lc.lab(MODELS[kind]())
    draws, rng = isinstance(lab, DrawingLab), np.random.default_rng(0)
    shape = (lab.picture if draws else lab.deviations).shape
    given = rng.integers(0, 2, (3, *shape)).astype(float) if draws else rng.uniform(-3, 3, (3, *shape))
    script = re.search(r'<script type="module">\n(.*)\n</script>', lab._html(), re.S)[1]
    code, _, call = script.rpartition("begin(")
    spec = f"const SPEC = {call.partition(', cell, ')[2].removesuffix(');')};"
    (tmp_path / "lab.mjs").write_text(f"{code}\n{spec}\n{RUN}", "utf-8")
    command = [NODE, tmp_path / "lab.mjs", json.dumps(given.tolist())]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    for value, found in zip(given, json.loads(said.stdout), strict=True):
        if draws:
            lab.picture = value
            copies, run = lab.copies, lab.run()
            for t, (copy, windows) in enumerate(found):
                np.testing.assert_allclose(copy, copies[t].ravel(), rtol=0, atol=1e-12)
                for name, centres in zip(lab._windows(), windows, strict=True):
                    wanted = [run[f"{name}.mu_{axis}"][t, 0] - 0.5 for axis in "xy"]
                    np.testing.assert_allclose(centres, wanted, rtol=0, atol=1e-11)
            assert (len(lab._windows()) == 2) == (kind != "whole pictures")
        else:
            lab.deviations = value
            run = lab.run()
            np.testing.assert_allclose(found[0], lab.sound.ravel(), rtol=0, atol=1e-12)
            mu, sigma, z = np.moveaxis(np.array(found[1]), -1, 0)
            if "storn" in kind:
                assert np.all(mu == 0) and np.all(sigma == 1) and np.array_equal(z, value)
            else:
                for a, name in ((mu, "mu_0"), (sigma, "sigma_0"), (z, "z")):
                    np.testing.assert_allclose(a, run[name][:, 0], rtol=0, atol=1e-12)


def opened(browser, lab, folder, theme="light"):  # noqa: F811
    context = browser.new_context(
        offline=True, color_scheme=theme, reduced_motion="reduce", viewport={"width": 800, "height": 900}
    )
    page, heard = context.new_page(), []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda said: heard.append(said.text))
    page.goto(lab.save(folder / "lab.html").as_uri())
    page.locator(".lc-lab[data-alive=shown]").wait_for(timeout=60_000)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    return context, page, heard


def agreed(page, lab):
    page.evaluate("() => new Promise(requestAnimationFrame)")
    lab._heard(page.evaluate(TOLD))
    return lab


needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="there is no browser")


@needs_browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_picture_is_drawn_and_the_window_is_where_python_says(theme, browser, tmp_path):  # noqa: F811
    lab = lc.lab(lc.generative.copyist())
    context, page, heard = opened(browser, lab, tmp_path, theme)
    first, step = lab.picture, page.get_by_role("slider", name="step")
    pixel = lambda r, c: page.get_by_role("gridcell", name=f"row {r + 1}, column {c + 1}", exact=True)
    pixel(1, 12).click()
    assert agreed(page, lab).picture[1, 12] == 1 and (lab.picture != first).sum() == 1
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    assert agreed(page, lab).picture[1, 12:14].tolist() == [1, 1]
    page.keyboard.press("Enter")
    assert agreed(page, lab).picture[1, 12:14].tolist() == [1, 0]
    page.get_by_role("button", name="move the picture up").click()
    page.get_by_role("button", name="move the picture left").click()
    assert agreed(page, lab).picture[0, 11] == 1
    step.press("Home")
    step.press("ArrowRight")
    run = agreed(page, lab).run()
    x = run["read.mu_x"][1, 0] - 0.5
    frame = page.locator(".lc-sheet[role=grid] .lc-window")
    left, right = np.clip(x[[0, -1]], -1, 17)
    assert float(frame.get_attribute("x")) == pytest.approx(left, abs=0.006)
    assert float(frame.get_attribute("width")) == pytest.approx(right - left, abs=0.011)
    shown = page.locator(".lc-sheet[role=img] g rect").evaluate_all(
        "all => all.map(r => +r.getAttribute('fill-opacity'))"
    )
    np.testing.assert_allclose(shown[:256], lab.copies[1].ravel(), atol=0.0051)
    apart = ((lab.copies[1] > 0.5) != (lab.picture > 0.5)).sum()
    said = page.locator(".lc-looks").inner_text()
    assert said.startswith("At step 2 of 8 it looks at columns") and f"in {apart} of 256 pixels" in said
    assert step.get_attribute("aria-valuetext") == said
    page.get_by_role("combobox", name="pick a picture").select_option("2")
    assert np.array_equal(agreed(page, lab).picture, lab._examples[2])
    page.get_by_role("button", name="clear the picture").click()
    assert agreed(page, lab).picture.sum() == 0
    box = page.locator(".lc-sheet[role=grid]").bounding_box()
    at = lambda c: (box["x"] + box["width"] * (c + 2) / 19, box["y"] + box["height"] * 7 / 19)
    page.mouse.move(*at(2))
    page.mouse.down()
    page.mouse.move(*at(6), steps=12)
    page.mouse.up()
    assert agreed(page, lab).picture[5].tolist() == [0, 0, 1, 1, 1, 1, 1, *[0] * 9]
    page.get_by_role("button", name="reset").click()
    assert np.array_equal(agreed(page, lab).picture, first)
    for faults in page.evaluate(FAULTS).values():
        assert faults == []
    assert heard == []
    context.close()


@needs_browser
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_dial_is_turned_and_the_sound_is_what_python_makes(theme, browser, tmp_path):  # noqa: F811
    lab = lc.lab(lc.generative.singer())
    first, before = lab.deviations, lab.sound
    context, page, heard = opened(browser, lab, tmp_path, theme)
    said, status = page.locator(".lc-looks"), page.locator(".lc-say")
    frame = page.get_by_role("slider", name="frame")
    frame.press("ArrowLeft")
    dial = page.get_by_role("slider", name="z2, in deviations")
    dial.press("End")
    assert agreed(page, lab).deviations[9, 1] == 3 and (lab.deviations != first).sum() == 1
    assert "the first of them frame 10." in said.inner_text()
    assert np.array_equal(lab.sound[:9], before[:9]) and np.abs(lab.sound[9] - before[9]).max() > 0.05
    run = lab.run()
    told = page.locator(".lc-dial .lc-told").nth(1).inner_text().replace("−", "-")
    numbers = [float(n) for n in re.findall(r"-?\d+\.\d+", told)]
    np.testing.assert_allclose(numbers, [run[n][9, 0, 1] for n in ("mu_0", "sigma_0", "z")], atol=0.0051)
    assert told in dial.get_attribute("aria-valuetext").replace("−", "-")
    field = page.get_by_role("spinbutton", name="z1, as a number")
    field.fill("-1.25")
    assert agreed(page, lab).deviations[9, 0] == -1.25
    field.fill("7")
    assert "a number from −3.00 to 3.00 is needed; it stays at −1.25" in status.inner_text()
    assert agreed(page, lab).deviations[9, 0] == -1.25
    page.get_by_role("button", name="as expected from here on").click()
    assert not agreed(page, lab).deviations[9:].any() and lab.deviations[:9].all()
    page.get_by_role("button", name="all as expected").click()
    assert not agreed(page, lab).deviations.any()
    page.get_by_role("button", name="undo").click()
    assert np.array_equal(agreed(page, lab).deviations, first)
    page.get_by_role("button", name="new messages").click()
    assert (agreed(page, lab).deviations != first).mean() > 0.9 and np.abs(lab.deviations).max() <= 3
    assert said.inner_text().endswith("All frames sound as before.")
    box = page.locator(".lc-waves").bounding_box()
    page.mouse.click(box["x"] + box["width"] * (34 + 600 * 0.125) / 640, box["y"] + 40)
    assert agreed(page, lab) and said.inner_text().startswith("Frame 3 of 20")
    page.wait_for_function(
        "document.querySelector('.lc-alt').textContent.startsWith('A wave of 20 frames. Frame 3')"
    )
    page.get_by_role("button", name="reset").click()
    assert np.array_equal(agreed(page, lab).deviations, first)
    for faults in page.evaluate(FAULTS).values():
        assert faults == []
    assert heard == []
    context.close()
