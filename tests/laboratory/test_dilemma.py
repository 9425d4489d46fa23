"""The dilemma of one tanh unit: the numbers are those of `unroll`, and the page has the same."""

import json

import numpy as np
import pytest
from test_laboratory_page import CHROMIUM, TOLD, browser  # noqa: F401

import lstmcourse as lc


@pytest.mark.parametrize("weight, steps", [(0.0, 3), (0.9, 20), (1.0, 100), (1.01, 100), (1.5, 30), (3.0, 8)])
def test_what_is_known_and_what_comes_back_are_those_of_unroll(weight, steps):
    params = {"W_h": np.ones((1, 1)), "U_h": np.full((1, 1), weight), "b_h": np.zeros(1)}
    x = np.zeros((steps + 1, 2, 1))
    x[0, :, 0] = 1, -1
    run = lc.unroll(lc.cells.rnn, params, x)
    first, last = run["h"][0], run["h"][-1, :, 0]
    back = run.backward(final={"h": np.ones((2, 1))})["x"][0, 0, 0] / (1 - first[0, 0] ** 2)
    lab = lc.dilemma(weight, steps)
    assert lab.knows == pytest.approx((last[0] - last[1]) / 2, abs=1e-14)
    assert lab.gradient == pytest.approx(back, rel=1e-10, abs=1e-300)


def test_no_weight_keeps_both():
    """Over 50 steps: where more than half is known, next to nothing comes back."""
    knows, gradient = lc.dilemma(1.0, 50).over(np.linspace(0, 3, 301))
    assert gradient[knows > 0.5].max() < 1e-3 and knows[gradient > 0.05].size == 0
    assert (knows > 0.5).sum() > 150


@pytest.mark.parametrize(
    "given, kind, message",
    [
        ({"weight": 3.5}, ValueError, "weight=3.5: the picture goes from 0 to 3"),
        ({"weight": -1}, ValueError, "weight=-1"),
        ({"weight": np.nan}, ValueError, "weight=nan"),
        ({"weight": "one"}, TypeError, "weight='one'"),
        ({"steps": 0}, ValueError, "steps=0"),
        ({"steps": 1001}, ValueError, "steps=1001"),
    ],
)
def test_bad_input_is_refused_by_name(given, kind, message):
    with pytest.raises(kind, match=message):
        lc.dilemma(**given)
    lab = lc.dilemma()
    ((name, value),) = given.items()
    with pytest.raises(kind, match=message):
        setattr(lab, name, value)
    assert (lab.weight, lab.steps) == (1.0, 50)


def test_a_page_and_python_agree_through_the_bridge():
    lab = lc.dilemma(2.0, 10)
    assert "text/html" in lab._repr_mimebundle_()
    lab.weight = 1.5
    assert lab._bridge.told == {"weight": 1.5, "steps": 10} and lab._bridge.heard == 0
    lab._bridge.told = json.loads('{"weight": 0.5, "steps": 7}')
    assert (lab.weight, lab.steps) == (0.5, 7) and lab._bridge.heard == 1
    assert repr(lab) == "<Dilemma: a tanh unit with weight 0.5, 7 steps>"


@pytest.mark.skipif(CHROMIUM is None, reason="there is no browser")
def test_the_page_has_the_same_numbers(browser, tmp_path):  # noqa: F811
    lab = lc.dilemma(1.01, 100)
    context = browser.new_context(offline=True, viewport={"width": 900, "height": 700})
    page, heard = context.new_page(), []
    page.on("pageerror", lambda error: heard.append(str(error)))
    page.on("console", lambda said: heard.append(said.text))
    page.goto(lab.save(tmp_path / "dilemma.html").as_uri())
    page.locator(".lc-lab[data-alive=shown]").wait_for(timeout=20_000)

    def agreed():
        page.evaluate("() => new Promise(requestAnimationFrame)")
        lab._heard(page.evaluate(TOLD))
        knows, gradient = (
            float(n.replace("−", "-")) for n in page.locator(".lc-told strong").all_text_contents()
        )
        assert knows == pytest.approx(lab.knows, abs=0.006) and gradient == pytest.approx(
            lab.gradient, rel=0.6, abs=0.006
        )
        return lab.weight, lab.steps

    assert agreed() == (1.01, 100)
    page.get_by_role("slider", name="weight w").press("ArrowRight")
    assert agreed() == (pytest.approx(1.02), 100)
    page.get_by_role("spinbutton", name="steps, as a number").fill("30")
    assert agreed() == (pytest.approx(1.02), 30)
    page.get_by_role("spinbutton", name="steps, as a number").fill("3000")
    assert "a number from 1 to 1000 is needed" in page.locator(".lc-say").inner_text()
    assert agreed() == (pytest.approx(1.02), 30)
    box = page.locator(".lc-dilemma").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.9, box["y"] + 50)
    weight, _ = agreed()
    assert weight > 2.3 and lab.knows > 0.9 and lab.gradient < 1e-6
    page.get_by_role("button", name="reset").click()
    assert agreed() == (1.01, 100)
    assert heard == []
    context.close()
