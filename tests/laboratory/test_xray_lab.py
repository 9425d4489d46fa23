"""Cells unrolled side by side: the page computes what `xray` gives, and what `unroll` feels of a push."""

import json
import re
import subprocess

import numpy as np
import pytest
from corner_cells import CELLS
from test_end_to_end import CHROMIUM
from test_javascript import NODE, needs_node
from test_laboratory_page import FAULTS, TOLD, browser  # noqa: F401

import lstmcourse as lc
from lstmcourse.errors import NotFiniteError, ShapeError, UnknownNameError
from lstmcourse.laboratory import XRayLab, page
from lstmcourse.laboratory.chain import belts
from lstmcourse.programs import javascript
from lstmcourse.training.xray import parted

THREE = [lc.cells.rnn, lc.cells.lstm, lc.cells.gru]


def a_run(cell, T=5, H=3, dtype=float, **options):
    rng = np.random.default_rng(4)
    params = {name: p.astype(dtype) for name, p in cell.init(2, H, rng, np.float64).items()}
    state = {s: rng.standard_normal((2, H)).astype(dtype) for s in cell.states}
    state |= {n.name: 2 for n in cell.graph.leaves("clock")}
    return lc.unroll(cell, params, rng.standard_normal((T, 2, 2)).astype(dtype), state=state, **options)


def labs():
    """What is computed in Node, all at once."""
    found = {"three": lc.lab(THREE), "of two units": lc.lab(THREE, hidden_size=2, x=np.ones(4))}
    found["another bias"] = lc.lab(THREE)
    found["another bias"].forget_bias = 4.5
    for name in ("slstm", "mlstm", "clockwork", "mut1", "peephole"):
        found[name] = lc.lab([lc.cells.get(name)], hidden_size=4)
    found["a learned start"] = lc.lab([CELLS["shared_next"]], hidden_size=2)
    found["a stack"] = lc.lab([lc.stack([lc.cells.lstm, lc.cells.gru])], hidden_size=2)
    found["a run"] = lc.lab(lc.xray(a_run(lc.cells.lstm), 1))
    found["a run that began later"] = lc.lab(lc.xray(a_run(lc.cells.clockwork, H=4), 1))
    found["a run that ended"] = lc.lab(lc.xray(a_run(lc.cells.gru, lengths=[5, 2]), 1))
    return found


LABS = """three, of two units, another bias, slstm, mlstm, clockwork, mut1, peephole, a learned start,
a stack, a run, a run that began later, a run that ended""".replace("\n", " ").split(", ")

SEE = """
const store = newXray(cell, SPEC);
store.see();
const cells = SPEC.cells.map((about, k) => ({
  seen: Object.fromEntries(PARTS.map((part) => [part, store.seen[k][part].map((a) => Array.from(a))])),
  left: Object.keys(about.states).map((s) =>
    Array.from({ length: SPEC.steps + 1 }, (_, t) => store.left(k, s, t)),
  ),
  states: Object.keys(about.states).map((s) =>
    Array.from({ length: SPEC.steps }, (_, t) => store.state(k, s, t + 1)),
  ),
}));
console.log(JSON.stringify({ cells, bias: store.bias() }));
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder, said = tmp_path_factory.mktemp("xrays"), {}
    for k, (name, lab) in enumerate(labs().items()):
        body = re.search(r'<script type="module">\n(.*)\n</script>', lab._html(), re.S)[1]
        head, begin = body.rsplit("\nbegin(", 1)
        spec = begin.split(", cell, ", 1)[1].rsplit(");", 1)[0]
        path = folder / f"{k}.mjs"
        path.write_text(f"{head}\nconst SPEC = {spec};\n{SEE}", encoding="utf-8")
        done = subprocess.run([NODE, path], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, f"{name}: {done.stderr[-2000:]}"
        said[name] = lab, json.loads(done.stdout)
    assert list(said) == LABS
    return said


@needs_node
@pytest.mark.parametrize("name", LABS)
def test_the_page_sees_what_xray_sees(found, name):
    lab, said = found[name]
    for seen, got in zip(lab.xrays().values(), said["cells"], strict=True):
        n = int(np.sqrt(len(got["seen"]["total"][0])))
        whole, belt, through = (
            np.array(got["seen"][part]).reshape(-1, n, n) for part in ("total", "belt", "through")
        )
        scale = max(1.0, np.abs(whole).max())
        for part, a in (("total", whole), ("belt", belt), ("through", through)):
            blocks = getattr(seen, part)
            want = np.concatenate(
                [np.concatenate([blocks[of, by] for by in seen.states], axis=2) for of in seen.states], axis=1
            )
            np.testing.assert_allclose(a, want, rtol=0, atol=1e-12 * scale, err_msg=part)
        np.testing.assert_allclose(belt + through, whole, rtol=0, atol=1e-12 * scale)
        for s, left in zip(seen.states, got["left"], strict=True):
            want = [a[s, s][:, 0, 0] for a in (seen.total, seen.belt, seen.through)]
            if lab.unit is None:
                want = list(seen.sizes(s, s).values())
            np.testing.assert_allclose(np.array(left).T, want, rtol=0, atol=1e-12 * scale)
    for run, got in zip(lab.run().values(), said["cells"], strict=True):
        for s, values in zip(run.cell.states, got["states"], strict=True):
            a = run[s][:, 0].reshape(run.T, -1)
            want = a[:, 0] if lab.unit is not None else np.sqrt(np.mean(a * a, axis=1))
            np.testing.assert_allclose(values, want, rtol=0, atol=1e-13)
    assert said["bias"] == (lab.forget_bias if lab.forget_bias is None else pytest.approx(lab.forget_bias))


def pushed(cell, params, x, run, state, t):
    """What a push of one state after t steps does to the last one: by a complex step."""
    push = {s: (run[s][t - 1] if t else 0 * run[s][0]).astype(complex) for s in cell.states}
    push[state] = push[state] + 1e-30j
    params = {name: p.astype(complex) for name, p in params.items()}
    end = lc.unroll(cell, params, x[t:].astype(complex), state=push, grad=False)
    return end[state][-1, 0, 0].imag / 1e-30


def test_the_whole_is_what_a_push_does_at_the_end():
    lab = lc.lab(THREE)
    lab.forget_bias = 2.0
    for (name, seen), run in zip(lab.xrays().items(), lab.run().values(), strict=True):
        own = {k.partition(".")[2]: v for k, v in lab.values.items() if k.startswith(f"{name}.")}
        for s in seen.states:
            for t in range(lab.steps):
                want = pushed(lab.cells[name], own, lab.values["x"], run, s, t)
                whole = seen.belt[s, s][t, 0, 0] + seen.through[s, s][t, 0, 0]
                assert whole == pytest.approx(want, rel=1e-10, abs=1e-300)


def test_the_forget_bias_is_set_where_there_is_one():
    lab = lc.lab([*THREE, lc.cells.gru_cho])
    assert lab.forget_bias == 1.0 and "rnn.b_h" in lab.values
    lab.forget_bias = 3
    biases = {name: float(a[0]) for name, a in lab.values.items() if name[-3:] in ("b_f", "b_z")}
    assert biases == {"lstm.b_f": 3.0, "gru.b_z": -3.0, "gru_cho.b_z": 3.0}
    kept = lab.run()
    np.testing.assert_allclose(
        1 - kept["gru"]["z"][0, 0, 0] > 0.9, kept["gru_cho"]["z"][0, 0, 0] > 0.9, strict=True
    )
    plain = lc.lab([lc.cells.rnn])
    assert plain.forget_bias is None
    with pytest.raises(ValueError, match="forget_bias: none of rnn has a bias b_f or b_z"):
        plain.forget_bias = 1.0


def test_belts_are_the_states_that_meet_no_matrix():
    known = {c.name: belts(c) for c in [*THREE, lc.cells.peephole, lc.cells.lstm_1997]}
    assert known == {"rnn": (), "lstm": ("c",), "gru": ("h",), "peephole": ("c",), "lstm_1997": ("c",)}
    for name, cell in ((n, lc.cells.get(n)) for n in ("slstm", "mut1")):
        seen = lc.lab([cell]).xrays()[name]
        flowing = tuple(s for s in seen.states if np.abs(seen.belt[s, s][-2]).max() > 0)
        assert belts(cell) == flowing


def test_values_are_set_by_cell_and_name():
    lab = lc.lab(THREE, params={"lstm.U_f": 0.25}, x=[0, 1, 0])
    assert isinstance(lab, XRayLab) and repr(lab) == "<XRayLab of rnn, lstm, gru: 1 unit, 3 steps>"
    lab.values["x"] = [1, 0, -1]
    lab.values["rnn.U_h"] = 0.5
    assert lab.run()["rnn"]["h"].shape == (3, 1, 1) and lab.values["lstm.U_f"][0, 0] == 0.25
    seen = lab.xrays()["rnn"]["h", "h"][-2, 0, 0]
    assert seen == pytest.approx(0.5 * (1 - lab.run()["rnn"]["h"][-1, 0, 0] ** 2))
    with pytest.raises(TypeError, match="a laboratory has all of its values"):
        lab.values.pop("x")


def test_a_page_and_python_agree_through_the_bridge():
    lab = lc.lab(THREE)
    assert "text/html" in lab._repr_mimebundle_()
    lab.forget_bias = 2.0
    assert lab._bridge.told["values"]["gru.b_z"] == {"shape": [1], "data": [-2.0]} and lab._bridge.heard == 0
    told = json.loads(json.dumps(lab._bridge.told))
    told["values"]["lstm.b_f"]["data"] = [-1.5]
    lab._bridge.told = told
    assert lab.values["lstm.b_f"][0] == -1.5 and lab._bridge.heard == 1


BAD = {
    "no cell": (lambda: lc.lab([]), ValueError, "cell: there are 0 cells; 1 to 4"),
    "five": (lambda: lc.lab([lc.cells.rnn] * 5), ValueError, "there are 5 cells"),
    "a name twice": (lambda: lc.lab([lc.cells.rnn] * 2), ValueError, "two cells are called rnn"),
    "no cells": (lambda: lc.lab(["rnn", "lstm"]), TypeError, r"cell\[0\]='rnn'"),
    "both ways": (lambda: lc.lab([lc.bidirectional(lc.cells.rnn)]), ValueError, "reads backwards"),
    "static": (lambda: lc.lab([lc.cells.additive_attention]), ValueError, r"cell\[0\]=additive_attention"),
    "units": (lambda: lc.lab(THREE, hidden_size=33), ValueError, "hidden_size=33"),
    "units of a model": (lambda: lc.lab(THREE, units=[1]), ValueError, "units: that is for a model"),
    "no steps": (lambda: lc.lab(THREE, x=[]), ValueError, "x has 0 steps; 1 to 30"),
    "many steps": (lambda: lc.lab(THREE, x=np.ones(31)), ValueError, "x has 31 steps"),
    "NaN": (lambda: lc.lab(THREE, x=[np.nan]), NotFiniteError, "x is NaN"),
    "text": (lambda: lc.lab(THREE, x="one"), TypeError, "x holds <U3"),
    "a weight": (lambda: lc.lab(THREE, params={"b_f": 1.0}), UnknownNameError, "there is no 'b_f'"),
    "a shape": (lambda: lc.lab(THREE, params={"rnn.b_h": np.ones(2)}), ShapeError, r"values\['rnn.b_h'\]"),
    "another length": (lambda: setattr(lc.lab(THREE), "values", {"x": [1.0]}), ShapeError, "8 copies"),
    "no bias": (lambda: setattr(lc.lab(THREE), "forget_bias", "wide"), TypeError, "forget_bias='wide'"),
    "long": (lambda: lc.lab(lc.xray(a_run(lc.cells.rnn, T=31))), ValueError, "cell has 31 steps"),
    "wide": (lambda: lc.lab(lc.xray(a_run(lc.cells.rnn, H=33))), ValueError, "33 units or inputs"),
    "complex": (lambda: lc.lab(lc.xray(a_run(lc.cells.rnn, dtype=complex))), ValueError, "of complex128"),
    "ended": (
        lambda: lc.lab(lc.xray(a_run(lc.cells.rnn, lengths=[5, 0]), 1)),
        ValueError,
        "cell has 0 steps",
    ),
    "x": (lambda: lc.lab(lc.xray(a_run(lc.cells.rnn)), x=[1]), ValueError, "x: an x-ray has its own"),
    "a size": (
        lambda: lc.lab(lc.xray(a_run(lc.cells.rnn)), hidden_size=2),
        ValueError,
        "an x-ray has its own",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_by_name(what):
    do, kind, message = BAD[what]
    with pytest.raises(kind, match=message):
        do()


def test_programs_share_their_arithmetic():
    sizes = {"D": 1, "H": 1}
    programs = {str(k): (cell, sizes) for k, cell in enumerate(parted(lc.cells.lstm))}
    text = javascript.modules(programs, gradients="states")
    assert text.count("function dot(") == 1 and text.count("function backward(") == 3 and "d_W" not in text
    assert text.count("return { whole, backward };") == 3
    assert "function backward(" not in javascript.modules(programs, gradients=False)


# In the page


@pytest.fixture
def opened(browser, tmp_path):  # noqa: F811
    made = []

    def open_(lab, **how):
        context = browser.new_context(
            **{"offline": True, "viewport": {"width": 1000, "height": 900}, "reduced_motion": "reduce"} | how
        )
        at, heard = context.new_page(), []
        at.on("pageerror", lambda error: heard.append(str(error)))
        at.on("console", lambda said: heard.append(said.text))
        at.goto(lab.save(tmp_path / "lab.html").as_uri())
        if how.get("java_script_enabled", True):
            at.locator(".lc-lab[data-alive=shown]").wait_for(timeout=30_000)
        made.append((context, heard))
        return at

    yield open_
    for context, heard in made:
        assert heard == []
        context.close()


needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="there is no browser")


def number(text):
    return float(text.replace("−", "-"))


BUSY = "document.querySelector('.lc-chain').getAttribute('aria-busy')"


def agreed(at, lab, t):
    """Python, told what the page knows, and the table of the page: they are the same."""
    at.evaluate("() => new Promise(requestAnimationFrame)")
    at.wait_for_function(f"{BUSY} === 'false'")  # on a slow machine an x-ray waits for the hand to rest
    lab._heard(at.evaluate(TOLD))
    seen = lab.xrays()
    want = [[a[s, s][t, 0, 0] for a in (x.total, x.belt, x.through)] for x in seen.values() for s in x.states]
    cells = at.locator(".lc-numbers tbody td").all_text_contents()
    got = np.array([number(text) for text in cells]).reshape(-1, 3)
    np.testing.assert_allclose(got, want, rtol=0.5, atol=0.0051)
    return seen


@needs_chromium
def test_loops_unroll_and_the_gradient_comes_back(opened):
    lab = lc.lab(THREE)
    at = opened(lab)
    visible = (
        "s => [...document.querySelectorAll(s)].filter(e => e.getAttribute('visibility') !== 'hidden').length"
    )
    assert [at.evaluate(visible, s) for s in ("[data-copy]", "[data-loop]", "[data-joint]")] == [3, 3, 0]
    time = at.get_by_role("slider", name="unroll, then backward")
    time.focus()
    for _ in range(3):
        at.keyboard.press("ArrowRight")
    at.evaluate("() => new Promise(requestAnimationFrame)")
    assert [at.evaluate(visible, s) for s in ("[data-copy]", "[data-loop]", "[data-joint]")] == [9, 0, 12]
    assert time.get_attribute("aria-valuetext") == "unrolled: step 3 of 8"
    run = lab.run()["lstm"]
    texts = at.locator("[data-row='1'] [data-joint='3'] text").all_text_contents()
    assert [number(text) for text in texts] == [pytest.approx(run[s][2, 0, 0], abs=0.0051) for s in "ch"]
    assert at.locator(".lc-numbers tbody td").first.text_content() == ""
    at.keyboard.press("End")
    seen = agreed(at, lab, 0)
    for k, (name, x) in enumerate(seen.items()):
        for s in x.states:
            bars = at.locator(f"[data-row='{k}'] [data-joint='5'] rect[data-of={s}]")
            heights = [float(h) for h in bars.evaluate_all("all => all.map(e => e.getAttribute('height'))")]
            want = [40 * abs(a[s, s][5, 0, 0]) for a in (x.total, x.belt, x.through)]
            assert heights == pytest.approx(want, abs=0.006), (name, s)
    at.locator("[data-row='2'] [data-joint='6'] .hit").hover()
    agreed(at, lab, 6)
    assert "still feels of step 6" in at.locator(".lc-numbers caption").inner_text()
    at.get_by_role("button", name="play").click()
    at.wait_for_function("document.querySelector('.lc-now').textContent === 'unrolled: step 2 of 8'")
    at.get_by_role("button", name="stop").click()
    at.get_by_role("button", name="reset").click()
    assert at.evaluate("() => new Promise(requestAnimationFrame)") is not None
    assert at.locator(".lc-now").inner_text() == "each cell a loop"


@needs_chromium
def test_the_forget_bias_and_the_inputs_are_dragged(opened):
    lab = lc.lab(THREE)
    at = opened(lab)
    at.get_by_role("slider", name="unroll, then backward").press("End")
    before = agreed(at, lab, 0)
    slider = at.get_by_role("slider", name="forget bias")
    box = slider.bounding_box()
    at.mouse.move(box["x"] + box["width"] * 0.42, box["y"] + box["height"] / 2)
    at.mouse.down()
    at.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2, steps=6)
    at.mouse.up()
    at.mouse.move(5, 5)
    after = agreed(at, lab, 0)
    assert 4.3 < lab.forget_bias < 5.7 and lab.values["gru.b_z"][0] == -lab.forget_bias
    assert after["lstm"].belt["c", "c"][0, 0, 0] > 5 * before["lstm"].belt["c", "c"][0, 0, 0]
    assert after["rnn"]["h", "h"][0, 0, 0] == before["rnn"]["h", "h"][0, 0, 0]
    field = at.get_by_role("spinbutton", name="forget bias, as a number")
    field.fill("-2")
    agreed(at, lab, 0)
    assert lab.forget_bias == -2
    field.fill("")
    assert "forget bias: a number is needed; it stays at −2.00" in at.locator(".lc-say").inner_text()
    pill = at.locator("[data-row='1'] [data-x='4']")
    box = pill.bounding_box()
    at.mouse.move(box["x"] + 10, box["y"] + 8)
    at.mouse.down()
    at.mouse.move(box["x"] + 10, box["y"] - 42, steps=5)
    at.mouse.up()
    at.mouse.move(5, 5)
    agreed(at, lab, 0)
    assert lab.values["x"][3, 0, 0] > 0
    pill.press("ArrowRight")
    assert at.evaluate("document.activeElement.dataset.x") == "5"
    at.keyboard.press("ArrowDown")
    agreed(at, lab, 0)
    assert lab.values["x"][4, 0, 0] < 0.8


@needs_chromium
def test_what_takes_long_waits_for_the_hand_to_rest(opened):
    lab = lc.lab(THREE, hidden_size=32)
    at = opened(lab)
    at.get_by_role("slider", name="unroll, then backward").press("End")
    at.get_by_role("spinbutton", name="forget bias, as a number").fill("4")
    assert at.evaluate(f"() => new Promise(requestAnimationFrame).then(() => {BUSY})") == "true"
    at.wait_for_function(f"{BUSY} === 'false'")
    lab.forget_bias = 4.0
    want = [a[0] for x in lab.xrays().values() for s in x.states for a in x.sizes(s, s).values()]
    got = [number(text) for text in at.locator(".lc-numbers tbody td").all_text_contents()]
    np.testing.assert_allclose(got, want, rtol=0.5, atol=0.0051)


@needs_chromium
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_has_a_name_and_can_be_read(opened, theme):
    at = opened(lc.lab(THREE, hidden_size=2), color_scheme=theme)
    at.get_by_role("slider", name="unroll, then backward").press("End")
    now = "document.querySelector('.lc-alt').textContent.includes('gradient back at the start')"
    at.wait_for_function(now)
    assert "along the belt and" in at.locator(".lc-alt").inner_text()
    for faults in at.evaluate(FAULTS).values():
        assert faults == []
    at.get_by_role("combobox", name="unit in view").select_option("1")
    at.evaluate("() => new Promise(requestAnimationFrame)")
    assert "sizes" not in at.locator(".lc-numbers caption").inner_text()


@needs_chromium
def test_narrow_windows_go_along(opened):
    at = opened(lc.lab(THREE), viewport={"width": 360, "height": 800}, has_touch=True)
    sizes = "all => all.map(g => g.getBoundingClientRect()).map(r => [r.width, r.height])"
    assert all(min(size) >= 24 for size in at.locator("[data-in]").evaluate_all(sizes))
    assert at.evaluate("document.documentElement.scrollWidth <= innerWidth")
    left = "document.querySelector('.lc-scroll').scrollLeft"
    at.get_by_role("slider", name="unroll, then backward").evaluate(
        "e => { e.value = 8; e.dispatchEvent(new Event('input')); }"
    )
    at.wait_for_function(f"{left} > 100")
    small = """() => [...document.querySelectorAll('.lc-lab button, .lc-lab input')]
        .filter(e => e.getBoundingClientRect().height < 24).length"""
    assert at.evaluate(small) == 0


@needs_chromium
def test_without_scripts_there_is_the_whole_picture(opened):
    at = opened(lc.lab(THREE), java_script_enabled=False)
    picture = at.get_by_role("img", name="rnn, lstm, gru, unrolled over 8 steps")
    assert picture.bounding_box()["width"] > 300 and at.get_by_role("slider").count() == 0
    assert "lstm: of C_0 0.40 is left in C_8, 0.09 along the belt" in picture.get_attribute("alt")
    assert page.XRAY[-1] == "unrolled.js"
