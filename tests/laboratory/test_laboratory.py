"""The laboratory without a browser: what Python reads, sets and runs; what the page's script computes."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from test_javascript import NODE, needs_node

import lstmcourse as lc
from lstmcourse.errors import DtypeError, NotFiniteError, ShapeError, UnknownNameError
from lstmcourse.laboratory import Lab, page
from lstmcourse.laboratory.challenges import worst
from lstmcourse.laboratory.graphs import FREE, HOLD, held_equations, holdable, keys
from lstmcourse.laboratory.lab import a_cell
from lstmcourse.laboratory.picture import number


@lc.cell
def leaky(x, h):
    """Defined just now."""
    d = lc.sigmoid(lc.affine("d", W=x))
    h = d * h + (1.0 - d) * lc.tanh(lc.affine("h", h, x))
    return h


@lc.cell
def ticking(x=None, h=lc.state("H"), t=lc.clock):
    """Without an input."""
    h = lc.where(t % 3 == 0, 0.5 * h + lc.param("q", "H"), h)
    return h


@lc.cell
def learned(x, h=lc.state("H", init="learned")):
    """A state whose start is a weight."""
    h = lc.tanh(lc.affine("h", h, x))
    return h


def shown(name):
    """Whether the laboratory shows a cell of the course."""
    try:
        a_cell("cell", lc.cells.get(name))
    except ValueError:
        return False
    return True


OWN = {
    "leaky": leaky,
    "ticking": ticking,
    "learned": learned,
    "stack": lc.stack([lc.cells.lstm, lc.cells.gru]),
    "held": lc.cells.lstm.override(o=0.5),
}
CELLS = {name: lc.cells.get(name) for name in lc.cells.names() if shown(name)} | OWN


def drawn(lab, seed=0):
    """Values for a laboratory, some of its equations held at some steps."""
    rng = np.random.default_rng(seed)
    lab.values = {
        name: a + rng.normal(size=a.shape) * ("fixed" not in name) for name, a in lab.values.items()
    }
    held = {}
    for name, shape in lab._holdable.items():
        a = rng.uniform(0.1, 0.9, (lab.steps, 1, *shape))
        a[rng.random(a.shape) < 0.8] = np.nan
        held[name] = a
    lab.held = held
    return lab


# what Python reads, sets and runs


def test_it_runs_as_unroll_does():
    lab = lc.lab(lc.cells.lstm, hidden_size=2)
    values = lab.values
    assert isinstance(values, dict) and values["x"].shape == (20, 1, 1) and values["U_f"].shape == (2, 2)
    params = {k: values[k] for k in lc.cells.lstm.parameter_shapes(1, 2)}
    state = {"h": values["h"], "c": values["c"]}
    lab.values["c"] = state["c"] = np.array([[0.3, -0.7]])
    wanted = lc.unroll(lc.cells.lstm, params, values["x"], state=state)
    for name in ("h", "c", "f", "g"):
        np.testing.assert_array_equal(lab.run()[name], wanted[name])
    assert set(lab.run().backward({"h": np.ones((20, 1, 2))}).params) == set(params)


@pytest.mark.parametrize("way", ["item", "update", "or", "some", "copy"])
def test_values_are_set_in_every_way(way):
    lab = lc.lab(lc.cells.lstm)
    if way == "item":
        lab.values["b_f"] = 2.5
    elif way == "update":
        lab.values.update(b_f=[2.5])
    elif way == "or":
        lab.values |= {"b_f": np.float64(2.5)}
    elif way == "some":
        lab.values = {"b_f": 2.5}
    else:
        lab.values = {**lab.values, "b_f": 2.5}
    assert lab.values["b_f"] == 2.5
    np.testing.assert_allclose(lab.run()["f"][0], 1 / (1 + np.exp(-2.5)), rtol=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        lab.values["b_f"][0] = 3.0
    with pytest.raises(TypeError, match="all of its values"):
        del lab.values["b_f"]


def test_another_input_has_as_many_steps_as_it_has():
    lab = lc.lab(lc.cells.rnn, x=[1.0, 0.0, -1.0])
    assert lab.steps == 3 and lab.run()["h"].shape == (3, 1, 1)
    lab.held = {"h": [np.nan, 0.25, np.nan]}
    assert lab.run()["h"][1, 0, 0] == 0.25
    lab.values["x"] = np.ones(5)
    assert np.isnan(lab.held["h"][3:]).all() and lab.held["h"][1] == 0.25
    lab.values["x"] = [1.0]
    assert lab.held == {} and lab.run()["h"].shape == (1, 1, 1)


@pytest.mark.parametrize("name", ["lstm", "gru", "slstm", "peephole", "stack"])
def test_what_is_held_is_what_override_holds(name):
    cell = CELLS[name]
    lab = Lab(cell, 2, None)
    for equation, shape in lab._holdable.items():
        lab.held = {equation: 0.6}
        wanted = lc.unroll(
            cell.hold({equation: 0.6}), {k: lab.values[k] for k in lab._params}, lab.values["x"]
        )
        run = lab.run()
        for state in cell.states:
            np.testing.assert_allclose(run[state], wanted[state], rtol=1e-13, atol=1e-13, err_msg=equation)
        assert shape == run[equation].shape[2:]


def test_an_equation_that_is_free_everywhere_is_as_it_was():
    lab = drawn(lc.lab(lc.cells.gru, hidden_size=3))
    wide = holdable(lc.cells.gru)
    free = {FREE + k: np.ones((20, 1, 3)) for k in lab._holdable}
    free |= {HOLD + k: np.zeros((20, 1, 3)) for k in lab._holdable}
    params = {k: lab.values[k] for k in lab._params}
    run = lc.unroll(wide, params, lab.values["x"], state={"h": lab.values["h"]}, inputs=free)
    lab.held = {}
    np.testing.assert_array_equal(run["h"], lab.run()["h"])


def test_conditions_and_constants_are_not_held():
    assert "h" in held_equations(ticking.graph)

    @lc.cell
    def choosing(x, h):
        due = h > 0.0
        rate = lc.sigmoid(lc.param("r", "H"))
        h = lc.where(due, rate * h, lc.affine("h", W=x))
        return h

    assert set(held_equations(choosing.graph)) == {"h"}
    assert lc.lab(choosing).run()["h"].shape == (20, 1, 1)


def test_every_value_has_a_key_of_its_own():
    for cell in CELLS.values():
        found = keys(cell.graph)
        timed = [k for n, k in found.items() if n.op.kind != "leaf"]
        assert len(set(timed)) == len(timed)


BAD = {
    "no cell": (lambda: lc.lab("lstm"), TypeError, "cell='lstm'.*a Cell is needed"),
    "four units": (lambda: lc.lab(leaky, hidden_size=4), ValueError, "hidden_size=4.*from 1 to 3"),
    "a static": (
        lambda: lc.lab(lc.cells.self_attention_at_once),
        ValueError,
        "is static; the laboratory shows",
    ),
    "noise": (lambda: lc.lab(lc.stack([leaky, leaky], dropout=True)), ValueError, "'1.mask' is noise"),
    "another size": (lambda: lc.lab(lc.cells.self_attention), ValueError, "the size 'L'"),
    "both directions": (lambda: lc.lab(lc.bidirectional(leaky)), ValueError, "reads backwards"),
    "too large": (lambda: lc.lab(lc.stack([lc.cells.lstm] * 5)), ValueError, "more than 60 operations"),
    "NaN": (lambda: lc.lab(leaky, x=[0.0, np.nan]), NotFiniteError, r"values\['x'\] is NaN at \(1,\)"),
    "no steps": (lambda: lc.lab(leaky, x=[]), ValueError, r"values\['x'\] has 0 steps.*1 to 100"),
    "too long": (lambda: lc.lab(leaky, x=np.zeros(101)), ValueError, "has 101 steps"),
    "no input": (lambda: lc.lab(ticking, x=[1.0]), ValueError, "x: ticking has no input"),
    "two columns": (
        lambda: lc.lab(leaky, x=np.zeros((5, 2))),
        ShapeError,
        r"shape \(5, 2\); it needs \(5, 1, 1\)",
    ),
    "a weight's shape": (
        lambda: lc.lab(leaky, params={"b_d": [1.0, 2.0]}),
        ShapeError,
        r"values\['b_d'\] has shape",
    ),
    "no such weight": (lambda: lc.lab(leaky, params={"b_q": 0.0}), UnknownNameError, "leaky has no 'b_q'"),
    "a held infinity": (
        lambda: setattr(lc.lab(leaky), "held", {"d": np.inf}),
        NotFiniteError,
        r"held\['d'\] is inf",
    ),
    "nothing to hold": (
        lambda: setattr(lc.lab(leaky), "held", {"q": 1.0}),
        UnknownNameError,
        "no equation 'q'",
    ),
    "held text": (lambda: setattr(lc.lab(leaky), "held", {"d": "open"}), DtypeError, r"held\['d'\] holds"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_by_name(what):
    do, kind, message = BAD[what]
    with pytest.raises(kind, match=message):
        do()


def test_what_is_refused_changes_nothing():
    lab = drawn(lc.lab(leaky))
    values, held = lab.values, lab.held
    for bad in ({"b_d": np.nan}, {"b_d": 1.0, "q": 2.0}, {"b_d": 1.0, "x": []}):
        with pytest.raises(ValueError):
            lab.values = bad
    with pytest.raises(ValueError):
        lab.held = {"d": 1.0, "q": 1.0}
    assert all(np.array_equal(values[k], lab.values[k]) for k in values)
    assert all(np.array_equal(held[k], lab.held[k], equal_nan=True) for k in held)


# challenges

LSTM, PEEPHOLE = lc.cells.lstm, lc.cells.peephole
SOLUTIONS = {
    "hold": (LSTM, {"b_f": 9, "W_g": 0.5}),
    "count": (LSTM, {"b_f": 9, "W_g": 1}),
    "add": (LSTM, {"b_f": 9, "W_i": 20, "b_i": -30, "W_g": 0.2}),
    "noise": (LSTM, {"b_f": 9, "W_i": 20, "b_i": -14, "b_g": 3}),
    "toggle": (LSTM, {"b_f": 9, "W_f": -20, "W_i": 20, "U_i": -25, "b_i": -10, "b_g": 3, "b_o": 9}),
    "fire": (PEEPHOLE, {"b_i": 9, "b_g": 3, "p_f": -20, "b_f": 130, "p_o": 20, "b_o": -130}),
}


def solved_by_hand(name, cell=None):
    own, weights = SOLUTIONS[name]
    lab = lc.lab(cell or own)
    lab.values |= dict.fromkeys(lab._params, 0.0) | weights
    return lab


@pytest.mark.parametrize("name", SOLUTIONS)
def test_every_challenge_can_be_solved_by_one_unit(name):
    lab = solved_by_hand(name)
    assert list(lab.challenges) == list(SOLUTIONS) and name in lab.solved
    verdict = lab.challenges[name]
    assert verdict.error < 0.6 * verdict.passes and verdict.solved
    for weight, value in SOLUTIONS[name][1].items():  # each of them is needed, or nearly so
        lab.values[weight] = 0.0
        assert lab.challenges[name].error > verdict.error, weight
        lab.values[weight] = value


@pytest.mark.parametrize("name", CELLS)
def test_no_challenge_is_solved_at_the_start_or_by_what_is_held(name):
    lab = Lab(CELLS[name], 1, None)
    assert lab.solved == ()
    before = {k: v.error for k, v in lab.challenges.items()}
    lab.held = {equation: 0.5 for equation in lab._holdable}
    assert {k: v.error for k, v in lab.challenges.items()} == before


def test_the_worst_error_is_that_of_the_best_line():
    rng = np.random.default_rng(0)
    a, wanted = rng.normal(size=(2, 9, 3))
    wanted[rng.random(wanted.shape) < 0.5] = np.nan
    asked = ~np.isnan(wanted)
    line = np.poly1d(np.polyfit(a[asked], wanted[asked], 1))
    error = np.abs(line(a[asked]) - wanted[asked]).max()
    assert worst({"h": a[..., None]}, wanted) == pytest.approx(error)
    assert worst({"h": a[..., None], "c": 3 - 2 * wanted[..., None]}, wanted) < 1e-12
    assert worst({"h": 0.01 * wanted[..., None]}, wanted) > 0.5  # too faint
    assert worst({"h": np.ones((9, 3, 1))}, wanted) == np.abs(wanted[asked] - wanted[asked].mean()).max()


VERDICTS = """
const store = newStore(cell, JSON.parse(readFileSync(process.argv[2])));
store.compute();
console.log(JSON.stringify(verdicts(store, cell)));
"""


@needs_node
@pytest.mark.parametrize("name", [*SOLUTIONS, "gru", "slstm", "stack", "ticking"])
def test_the_page_judges_as_python_does(name, tmp_path):
    lab = solved_by_hand(name) if name in SOLUTIONS else drawn(Lab(CELLS[name], 2, None))
    said = in_node(lab, tmp_path, VERDICTS)
    wanted = [v.error for v in lab.challenges.values()]
    np.testing.assert_allclose(said, wanted, rtol=1e-9, atol=1e-12)


# the page


def test_a_page_needs_nothing_else(tmp_path):
    lab = lc.lab(lc.cells.lstm)
    path = lab.save(tmp_path / "lstm.html")
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 200_000
    assert not re.findall(
        r"""(?:src|href)=["']?(?!data:)[^"'\s>]+|url\(|https?://(?!www\.w3\.org/)|\bimport\b.*\bfrom\b""",
        text,
    )
    script = text[text.index('<script type="module">') + 22 :]
    assert script.count("</") == script[script.index("</script>") :].count("</")  # nothing ends it early
    assert "new Function" not in text and "eval(" not in text
    again = lc.lab(lc.cells.lstm)._html()  # the same, but for how many there are
    assert again.replace(re.search(r"lab-\w+-\d+", again)[0], lab._key) == lab._html()


def test_a_name_cannot_leave_the_script():
    script = page.script(
        page.CELL, "const cell = 1;", {"text": "</script><script>alert(1)</script><!--"}, "k"
    )
    assert "</" not in script and "<!--" not in script


def test_in_notebooks_scripts_and_drawings_are_not_compared():
    lines = (ROOT / "tools/nbval_sanitize.cfg").read_text(encoding="utf-8").splitlines()
    rules = [line.partition(": ")[2] for line in lines if re.match("regex: |replace: ", line)]

    def compared(html):
        for pattern, to in zip(rules[::2], rules[1::2], strict=True):
            html = re.sub(pattern, to, html)
        return html

    html = lc.lab(lc.cells.lstm)._html()
    other = html.replace("function newStore", "function anotherStore").replace("lc-lab button{", "lc-lab b{")
    assert html != other and compared(html) == compared(other) and len(compared(html)) < 2_000
    assert "One step of the cell lstm" in compared(html) and 'data-key="lab-' in compared(html)
    assert compared(lc.lab(lc.cells.lstm, params={"b_f": 2.0})._html()) != compared(html)


def test_the_still_picture_says_what_it_shows_and_has_the_numbers():
    html = lc.lab(lc.cells.lstm)._html()
    assert re.search(r'<img alt="One step of the cell lstm\. It reads x_t from below', html)
    assert "<svg" not in html.partition("<script")[0] and "<input" not in html.partition("<script")[0]


@pytest.mark.parametrize(
    "value", [0.0, 0.005, -0.0049, 0.815, -12.3456, 99.994, 99.999, -1234.56, 99999.4, 1e5, -3.2e12]
)
def test_numbers_are_written_alike(value):
    if NODE is None:
        pytest.skip("no Node.js")
    text = f"{page._read('parts.js')}\nconsole.log(shown({value!r}));"
    found = subprocess.run([NODE, "-e", text], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.strip() == number(value)


ROOT = Path(__file__).resolve().parents[2]

STORE = """
const store = newStore(cell, JSON.parse(readFileSync(process.argv[2])));
store.compute();
const told = store.told();
const plain = ([k, a]) => [k, { shape: a.shape, data: Array.from(a.data) }];
const found = Object.fromEntries(Object.entries(store.found).map(plain));
const there = { step: 4, unit: store.units - 1 };
const read = Object.fromEntries(Object.keys(found).map((k) => [k, store.read(k, there)]));
console.log(JSON.stringify({ told, found, read }));
"""


def in_node(lab, folder, after=STORE):
    """What the page's script says, without a page."""
    head = 'import { readFileSync } from "node:fs";'
    code = page.arithmetic(lab.cell, lab.sizes)
    parts = [
        page._read(name)
        for name in (
            "parts.js",
            "store.js",
            "hand.js",
            "challenges.js",
            "weights.js",
            "text.js",
            "reading.js",
        )
    ]
    (folder / "lab.mjs").write_text("\n".join([head, code, *parts, after]), encoding="utf-8")
    (folder / "spec.json").write_text(json.dumps(lab._spec()), encoding="utf-8")
    command = [NODE, folder / "lab.mjs", folder / "spec.json"]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout)


@needs_node
@pytest.mark.parametrize("name", CELLS)
def test_the_page_computes_what_unroll_gives(name, tmp_path):
    units = 2 if name in ("clockwork", "mlstm") else 3
    lab = drawn(Lab(CELLS[name], units, None))
    said, run = in_node(lab, tmp_path), lab.run()
    for key in lab.cell.names:
        want = np.asarray(run[key], float)
        got = np.reshape(said["found"][key]["data"], said["found"][key]["shape"])
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * max(1.0, np.abs(want).max()), err_msg=key)
        if want.ndim == 3:  # what stands on the picture is the unit's element
            last = want[4, 0, units - 1 if want.shape[2] == units else 0]
            assert abs(said["read"][key] - last) < 1e-9
    before = lab.held
    lab._heard(said["told"])
    assert all(np.array_equal(before[k], lab.held[k], equal_nan=True) for k in before)


MOVES = """
const store = newStore(cell, JSON.parse(readFileSync(process.argv[2])));
const heard = [];
store.listen(() => heard.push(1));
store.compute();
store.look({ step: 0 });
store.move("c@prev", 0.7, { unit: 1 });
store.look({ step: 5 });
store.move("x", -0.4);
store.move("U_f", 1.5, { unit: 1, row: 0 });
store.move("f", 0.25, { unit: 0 });
store.move("c@prev", 0.9, { unit: 1 });
store.move("~23", 3);
store.move("b_f", NaN);
store.hold("i", 10, 30, 1, 1);
store.hold("o", 2, 4, 0, 0);
store.hold("o", 2, 4, NaN, 0);
store.flush();
const [own, f] = ["own:f", "f"].map((key) => store.read(key));
console.log(JSON.stringify({ told: store.told(), heard: heard.length, own, f }));
"""


@needs_node
def test_what_is_moved_in_the_page_is_what_python_hears(tmp_path):
    lab = Lab(lc.cells.lstm, 2, None)
    said = in_node(lab, tmp_path, MOVES)
    assert said["heard"] == 8
    before, free = lab.values, lab.run()["f"][5, 0, 0]
    lab._heard(said["told"])
    values, held = lab.values, lab.held
    assert values["c"].tolist() == [[0.0, 0.7]] and values["x"][5, 0, 0] == -0.4
    assert values["U_f"][0, 1] == 1.5 and values["U_f"][1, 0] == before["U_f"][1, 0]
    assert set(held) == {"f", "c", "i"}
    assert held["f"][5, 0, 0] == 0.25 and np.isnan(held["f"]).sum() == 39
    assert held["c"][4, 0, 1] == 0.9 and np.isnan(held["c"]).sum() == 39
    assert (held["i"][10:, 0, 1] == 1).all() and np.isnan(held["i"]).sum() == 30
    assert said["f"] == 0.25 and said["own"] != free


def test_a_page_and_python_agree_through_the_bridge():
    lab = lc.lab(lc.cells.rnn)
    assert "text/html" in lab._repr_mimebundle_()
    bridge = lab._bridge
    lab.values["b_h"] = 0.5
    assert bridge.told["values"]["b_h"]["data"] == [0.5] and bridge.heard == 0
    told = json.loads(json.dumps(bridge.told))
    told["values"]["b_h"]["data"], told["held"]["h"] = (
        [-1.5],
        {"shape": [20, 1, 1], "data": [None] * 19 + [0.25]},
    )
    bridge.told = told
    assert bridge.heard == 1 and lab.values["b_h"] == -1.5 and lab.run()["h"][-1, 0, 0] == 0.25
    assert isinstance(lab, Lab) and repr(lab) == "<Lab of rnn: 1 unit, 20 steps>"
