"""Weights go into a page as text, to the last bit; and pages stay small enough to be mailed."""

import json
import subprocess

import numpy as np
import pytest
from test_javascript import NODE, needs_node

import lstmcourse as lc
from lstmcourse.laboratory import page, weights

RNG = np.random.default_rng(0)
TINY, HUGE = np.float32(1e-45), np.finfo(np.float32).max
ARRAYS = {
    "float32": {"W": RNG.standard_normal((7, 5)).astype("f4"), "b": np.float32([0, -0.0, TINY, HUGE, -HUGE])},
    "an odd number": {"b": RNG.standard_normal(3).astype("f4")},
    "every exponent": {"W": np.float32(2) ** np.arange(-149, 128, dtype="f4").reshape(1, -1)},
    "float64": {"W": RNG.standard_normal((2, 3)), "b": np.zeros(0)},
}
UNPACK = """
const found = unpacked(JSON.parse(process.argv[2]));
const bits = ({ shape, data }) => [shape, Array.from(new BigUint64Array(data.buffer), String)];
console.log(JSON.stringify(Object.entries(found).map(([name, a]) => [name, bits(a)])));
"""


@needs_node
@pytest.mark.parametrize("kind", ARRAYS)
def test_a_page_reads_the_weights_that_python_wrote(kind, tmp_path):
    arrays = {name: a.astype(np.float64) for name, a in ARRAYS[kind].items()}
    text = weights.as_text(arrays)
    assert ("doubles" in text) == (kind == "float64")
    script = "\n".join([page._read("parts.js"), page._read("weights.js"), UNPACK])
    (tmp_path / "weights.mjs").write_text(script, encoding="utf-8")
    command = [NODE, tmp_path / "weights.mjs", json.dumps(text)]
    said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    found = dict(json.loads(said.stdout))
    assert found.keys() == arrays.keys()
    for name, a in arrays.items():
        shape, bits = found[name]
        assert tuple(shape) == a.shape
        assert [int(b) for b in bits] == a.ravel().view(np.uint64).tolist()


@pytest.mark.parametrize(
    "model, most",
    [
        (lc.reader.load, 200_000),
        (lc.attentive.translator, 500_000),
        (lc.generative.copyist, 500_000),
        (lc.generative.singer, 500_000),
    ],
    ids=["reader", "translator", "copyist", "singer"],
)
def test_a_page_is_small_enough_to_be_mailed(model, most, tmp_path):
    path = lc.lab(model()).save(tmp_path / "lab.html")
    assert path.stat().st_size < most
