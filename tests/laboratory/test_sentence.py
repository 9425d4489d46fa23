"""The laboratory of a sentence without a browser: what Python reads, sets and runs; what the page says."""

import json
import re
import subprocess

import numpy as np
import pytest
from test_javascript import NODE, needs_node
from test_laboratory import in_node

import lstmcourse as lc
from lstmcourse.errors import NotFiniteError, ShapeError, UnknownNameError
from lstmcourse.laboratory import SentenceLab

TEXT = "the queen near the old kings is tired and seen by the boy she slept ."


@pytest.fixture(scope="module")
def reader():
    return lc.reader.load()


@pytest.fixture
def lab(reader):
    return lc.lab(reader, x=TEXT, units=[21, 6])


def a_model(cell="lstm", task="agreement", **options):
    options = {"hidden_size": 5, "rng": 3, "dtype": np.float64} | options
    return lc.Model(cell, task, **options)


MODELS = {
    "float32": lambda: a_model(dtype=np.float32),
    "gru": lambda: a_model("gru"),
    "peephole": lambda: a_model("peephole"),
    "slstm": lambda: a_model("slstm"),
    "clockwork": lambda: a_model(lc.cells.get("clockwork"), hidden_size=8),
    "stack": lambda: a_model(lc.stack([lc.cells.lstm, lc.cells.gru])),
    "embedding": lambda: a_model(embedding=3),
    "letters": lambda: a_model(task="text"),
    "Reber": lambda: a_model(task="reber"),
    "classes": lambda: a_model(task="temporal_order"),
}


# what Python reads, sets and runs


def test_it_runs_as_unroll_and_the_model_do(reader, lab):
    words = reader.task.encode(TEXT)
    values = lab.values
    params = {k: values[k] for k in reader.cell.parameter_shapes(62, 32)}
    wanted = lc.unroll(reader.cell, params, values["x"], state={"h": values["h"], "c": values["c"]})
    own = reader.unroll(words[:, None])
    for name in ("h", "c", "f", "i", "g", "o"):
        np.testing.assert_array_equal(lab.run()[name], wanted[name])
        np.testing.assert_array_equal(lab.run()[name], own[name])
    np.testing.assert_allclose(lab.predict(), reader.predict(words[:, None]), rtol=1e-13)
    assert lab.sentence == TEXT and lab.shown == [21, 6]


@pytest.mark.parametrize("way", ["sentence", "text", "symbols", "column", "vectors", "all"])
def test_the_sentence_is_set_in_every_way(reader, lab, way):
    lab.hold("f", 0.0, units=3, steps=[1, 9])
    text = "the boys are sad"
    symbols = reader.task.encode(text)
    if way == "sentence":
        lab.sentence = text
    elif way == "text":
        lab.values["x"] = text
    elif way == "symbols":
        lab.values = {"x": symbols}
    elif way == "column":
        lab.values["x"] = symbols[:, None]
    else:
        other = lc.lab(reader, x=text).values
        lab.values = {"x": other["x"]} if way == "vectors" else {**other}
    assert lab.sentence == text and lab.steps == 4 and lab.values["x"].shape == (4, 1, 62)
    assert lab.run()["h"].shape == (4, 1, 32)
    assert np.argwhere(~np.isnan(lab.held["f"])).tolist() == [[1, 0, 3]]  # what is past the end is let go


@pytest.mark.parametrize("gate, value", [("f", 1.0), ("i", 0.0), ("o", 0.5)])
def test_what_is_held_is_what_patch_and_pin_say(reader, lab, gate, value):
    words, at = reader.task.encode(TEXT)[:, None], np.arange(16) % 5 == 2
    lab.hold(gate, value, steps=np.flatnonzero(at))
    other = reader.with_cell(reader.cell.override(**{gate: value}))
    np.testing.assert_allclose(lab.predict(), lc.inspection.patch(reader, other, words, at), atol=1e-13)
    np.testing.assert_allclose(lab.predict(held=False), reader.predict(words), atol=1e-13)
    lab.held = {}
    lab.hold(gate, value, units=[4, 21])
    pinned = lc.inspection.pin(reader, gate, value, [4, 21])
    np.testing.assert_allclose(lab.predict(), pinned.predict(words), atol=1e-13)
    lab.hold(gate, None)
    assert lab.held == {}


@pytest.mark.parametrize("units", [21, [6, 2]])
def test_a_unit_whose_output_is_held_at_0_is_silent(reader, lab, units):
    lab.hold("h", 0.0, units=units)
    quiet = lc.inspection.silence(reader, units)
    words = reader.task.encode(TEXT)[:, None]
    np.testing.assert_allclose(lab.predict(), quiet.predict(words), atol=1e-13)


def test_what_is_said_of_units(reader, lab):
    told = lab.units
    assert list(told) == ["gender", "number", "loss without it"]
    for what in ("gender", "number"):
        unit, share = lc.reader.carrier(reader, what)
        assert told[what][unit] == pytest.approx(share, abs=0.05)  # other sentences of the same language
        assert told[what].max() - told[what][unit] < 0.02 and np.median(told[what]) < 0.8
    batch = reader.task.batch("test", batch_size=32, seed=0)
    for unit in (0, 6, 21):
        rise = lc.inspection.silence(reader, unit).loss(batch) - reader.loss(batch)
        assert told["loss without it"][unit] == pytest.approx(rise, abs=1e-12)
    assert lc.lab(reader).shown[0] == lc.reader.carrier(reader, "gender")[0]


def test_where_the_task_tells_nothing_units_are_sorted_by_what_is_lost_without_them():
    lab = lc.lab(a_model(task="text"))
    assert list(lab.units) == ["loss without it"]
    order = np.argsort(-lab.units["loss without it"], kind="stable")
    assert lab.shown == order[:2].tolist()


def test_a_product_that_is_written_has_a_row(lab):
    keys = [row["key"] for row in lab._rows()]
    assert [k for k in keys if not k.startswith("~")] == ["f", "i", "g", "o", "c", "h"]
    (written,) = [k for k in keys if k.startswith("~")]
    assert keys.index(written) == keys.index("g") + 1
    assert re.sub("<[^>]*>", "", lab._spec()["words"][written]["whole"]) == "it × C̃t"


BAD = {
    "no model": (lambda m: lc.lab(m.params), TypeError, "a Cell is needed"),
    "the module": (lambda m: lc.lab(lc.reader), TypeError, "a Cell is needed"),
    "numbers": (lambda m: lc.lab(lc.Model("rnn", "adding", 4)), ValueError, "its inputs are numbers"),
    "backwards": (
        lambda m: lc.lab(a_model(lc.bidirectional(lc.cells.rnn))),
        ValueError,
        "reads backwards",
    ),
    "too large": (lambda m: lc.lab(a_model(hidden_size=300)), ValueError, "weights, and they all go into"),
    "NaN": (
        lambda m: lc.lab(m.with_params({"readout.d": np.full(62, np.nan)})),
        NotFiniteError,
        r"params\['readout.d'\] is NaN",
    ),
    "hidden_size": (lambda m: lc.lab(m, hidden_size=2), ValueError, "hidden_size: a model has its own"),
    "params": (lambda m: lc.lab(m, params={}), ValueError, "params: a model has its own"),
    "units of a cell": (lambda m: lc.lab(lc.cells.rnn, units=[0]), ValueError, "units: that is for a model"),
    "no such unit": (
        lambda m: lc.lab(m, units=[32]),
        ValueError,
        "units=.32.: they are counted from 0 to 31",
    ),
    "half a unit": (lambda m: lc.lab(m, units=[0.5]), TypeError, "units holds float64"),
    "a strange word": (lambda m: lc.lab(m, x="the kign"), UnknownNameError, "'kign'.*did you mean 'king'"),
    "no word": (lambda m: lc.lab(m, x=""), ValueError, "has 0 symbols; the laboratory reads 1 to 100"),
    "500 words": (lambda m: lc.lab(m, x="the " * 500), ValueError, "has 500 symbols"),
    "no such symbol": (lambda m: lc.lab(m, x=[0, 62]), ValueError, "symbols from 0 to 62"),
    "half a symbol": (lambda m: lc.lab(m, x=[0.5]), ValueError, "symbols are whole numbers"),
    "no symbol's vector": (lambda m: lc.lab(m, x=np.ones((2, 1, 62))), ValueError, "the vector of no symbol"),
    "a batch": (lambda m: lc.lab(m, x=np.zeros((2, 2))), ShapeError, r"has shape \(2, 2\); give text"),
    "other weights": (
        lambda m: setattr(lc.lab(m, x=[0]), "values", {"b_f": 0.0}),
        ValueError,
        "the weights are those of the model",
    ),
    "nothing to hold": (lambda m: lc.lab(m, x=[0]).hold("q", 1.0), UnknownNameError, "no equation 'q'"),
    "held at NaN": (lambda m: lc.lab(m, x=[0]).hold("f", np.nan), ValueError, "value=nan"),
    "held past the end": (lambda m: lc.lab(m, x=[0]).hold("f", 1, steps=1), ValueError, "steps=.1."),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_refused_by_name(what, reader):
    do, kind, message = BAD[what]
    with pytest.raises(kind, match=message):
        do(reader)


def test_what_is_refused_changes_nothing(lab):
    lab.hold("c", 0.25, units=1)
    for bad in ({"x": "the kign"}, {"x": ""}, {"x": "the queen", "b_f": 1.0}):
        with pytest.raises(ValueError):
            lab.values = bad
    assert lab.sentence == TEXT and lab.steps == 16 and (lab.held["c"][:, 0, 1] == 0.25).all()


# the page


def test_a_page_needs_nothing_else_and_is_small(reader, tmp_path):
    path = lc.lab(reader).save(tmp_path / "reader.html")
    text = path.read_text(encoding="utf-8")
    assert len(text.encode()) < 200_000
    outside = (
        r"""(?:src|href)=["']?(?!data:)[^"'\s>]+|url\(|https?://(?!www\.w3\.org/)|\bimport\b.*\bfrom\b"""
    )
    assert not re.findall(outside, text)
    script = text[text.index('<script type="module">') + 22 :]
    assert script.count("</") == script[script.index("</script>") :].count("</")  # nothing ends it early
    alt = re.search(r'<img alt="([^"]*)"', text)[1]
    assert alt.startswith("agreement, read by lstm of 32 units. It reads: the ") and "it expects" in alt


STORE = """
const store = newReading(cell, JSON.parse(readFileSync(process.argv[2])));
store.fresh();
const plain = (rows) => rows.map((p) => Array.from(p));
const list = ([k, a]) => [k, { shape: a.shape, data: Array.from(a.data) }];
const found = Object.fromEntries(Object.entries(store.found).map(list));
const [now, before] = [store.expected, store.expectedBefore].map(plain);
const [told, text, effects] = [store.told(), store.text(), store.effects()];
console.log(JSON.stringify({ found, now, before, told, text, effects }));
"""


@needs_node
@pytest.mark.parametrize("name", MODELS)
def test_the_page_computes_what_python_does(name, tmp_path):
    lab = lc.lab(MODELS[name]())
    rng = np.random.default_rng(0)
    for equation in lab._holdable:
        lab.hold(equation, 0.3, units=[0, 2], steps=rng.permutation(lab.steps)[:2])
    said, run = in_node(lab, tmp_path, STORE), lab.run()
    for key in lab.cell.names:
        got = np.reshape(said["found"][key]["data"], said["found"][key]["shape"])
        np.testing.assert_allclose(got, np.asarray(run[key], float), rtol=0, atol=1e-12, err_msg=key)
    np.testing.assert_allclose(said["now"], lab.predict()[:, 0], rtol=0, atol=1e-12)
    np.testing.assert_allclose(said["before"], lab.predict(held=False)[:, 0], rtol=0, atol=1e-12)
    assert said["text"] == lab.sentence
    before, held = lab.values, lab.held
    lab._heard(said["told"])
    assert all(np.array_equal(before[k], lab.values[k]) for k in before)
    assert all(np.array_equal(held[k], lab.held[k], equal_nan=True) for k in held)
    lab.held = {}
    if len(lab._holdable.get(lab.cell.output, ())) == 1:
        lab.hold(lab.cell.output, 0.0, units=1)
        moved = np.abs(lab.predict() - lab.predict(held=False)).sum(axis=(1, 2))
        share = 2 if lab.model.task.loss == "cross_entropy" else len(lab._answers)
        np.testing.assert_allclose(np.array(said["effects"])[1], moved / share, atol=1e-12)


PARSE = """
const store = newReading(cell, JSON.parse(readFileSync(process.argv[2])));
const texts = JSON.parse(process.argv[3]);
console.log(JSON.stringify(texts.map((t) => store.parse(t))));
"""


def parsed(lab, folder, texts):
    in_node(lab, folder, "console.log(1)")
    code = (folder / "lab.mjs").read_text(encoding="utf-8").replace("console.log(1)", PARSE)
    (folder / "parse.mjs").write_text(code, encoding="utf-8")
    command = [NODE, folder / "parse.mjs", folder / "spec.json", json.dumps(texts)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(said.stdout)


@needs_node
def test_the_page_reads_text_as_the_task_does(lab, tmp_path):
    good = [TEXT, "  the\tqueen \n"]
    kind = ["The Queen slept.", "the king is sad, and"]
    bad = ["", "   ", "the " * 500, "the kign sang", "xyzzy plugh the"]
    said = parsed(lab, tmp_path, good + kind[:1] + bad)
    for text, got in zip(good, said, strict=False):
        assert got["words"] == lab.model.task.encode(text).tolist()
    assert said[2]["words"] == lab.model.task.encode("the queen slept .").tolist()
    messages = [got["bad"] for got in said[3:]]
    assert messages[0] == messages[1] == "There is nothing to read: type at least one word."
    assert messages[2] == "500 words are too many: at most 100 fit here."
    assert "never seen “kign”: it knows 62 words, “king”" in messages[3]
    assert "“xyzzy” (and 1 more that it does not know)" in messages[4]


@needs_node
def test_letters_are_read_one_by_one(tmp_path):
    lab = lc.lab(a_model(task="text"))
    text = lab.sentence[:9] + "\u2603"
    (said,) = parsed(lab, tmp_path, [text])
    unknown = lab.model.task.unknown
    if unknown is None:
        assert "never seen" in said["bad"]
    else:
        assert said["words"] == [*lab.model.task.encode(text[:9]).tolist(), unknown]


def test_a_page_and_python_agree_through_the_bridge(lab):
    assert "text/html" in lab._repr_mimebundle_()
    bridge = lab._bridge
    assert len(json.dumps(bridge.told)) < 10_000  # the weights are not told: they do not change
    lab.sentence = "the boys are"
    assert bridge.told["values"]["x"] == {"shape": [3], "data": [1.0, 13.0, 4.0]} and bridge.heard == 0
    told = json.loads(json.dumps(bridge.told))
    told["values"]["x"] = {"shape": [2], "data": [1.0, 16.0]}
    told["held"] = {"f": {"shape": [2, 1, 32], "data": [None] * 63 + [0.5]}}
    bridge.told = told
    assert bridge.heard == 1 and lab.steps == 2
    assert lab.sentence == lab.model.task.decode([1, 16]) and lab.run()["f"][1, 0, 31] == 0.5
    assert isinstance(lab, SentenceLab) and repr(lab).startswith("<SentenceLab of Model(lstm: 62")
