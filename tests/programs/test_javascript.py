"""JavaScript modules of cells: what they give is what the reference gives, forward and backward."""

import base64
import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from corner_cells import CELLS, SIZES
from test_contract import ENDS, arguments, outside
from test_exact_clock import ticking

import lstmcourse as lc
from lstmcourse.engine.ops import OPS
from lstmcourse.programs import javascript

CELLS = {name: lc.cells.get(name) for name in lc.cells.names()} | CELLS
NODE = shutil.which("node") or shutil.which("nodejs")
needs_node = pytest.mark.skipif(NODE is None, reason="no Node.js")

WAYS = {
    "as the cell starts": {},
    "given states, lengths, late": {"given": True, "lengths": ENDS, "offset": 3},
    "one step": {"T": 1},
    "far out": {"scale": 300.0},
}


def encoded(value):
    """Arrays as bytes; the rest as it is."""
    if isinstance(value, dict):
        return {k: encoded(v) for k, v in value.items()}
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return {
            "shape": value.shape,
            "base64": base64.b64encode(np.ascontiguousarray(value).tobytes()).decode(),
        }
    return value.tolist() if isinstance(value, np.ndarray) else value


def decoded(found):
    """What a module gave, as arrays by name."""
    return {k: np.frombuffer(base64.b64decode(a["base64"])).reshape(a["shape"]) for k, a in found.items()}


def sizes(cell):
    known = SIZES | {"D": 2, "H": 4}
    rest = {k: known[k] for k in cell.size_names() if k not in ("D", "H")}
    return {"input_size": known["D"], "hidden_size": known["H"], "sizes": rest}


def case(cell, file, **how):
    """Arguments for a module, and the run that says what it should give."""
    scale = how.pop("scale", 1.0)
    params, x, options = arguments(cell, **how)
    x = x if x is None else scale * x
    run = lc.unroll(cell, params, x, backend="reference", **options)
    grads, final = outside(run)
    options = {k: v for k, v in options.items() if v is not None and k != "sizes"}
    given = {"params": params} | options.pop("inputs", {}) | options
    if x is not None:
        given[cell.inputs[0].name] = x
    told = {"file": file, "given": given, "grads": grads, "final": final}
    return {k: encoded(v) for k, v in told.items()}, run, run.backward(grads, final)


def in_node(folder, cases):
    """What modules give, all in one process."""
    (folder / "cases.json").write_text(json.dumps(cases))
    runner = Path(__file__).with_name("javascript.mjs")
    subprocess.run([NODE, runner, folder], check=True, timeout=300)
    return json.loads((folder / "results.json").read_text())


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Every cell in every way: what its module gives, and what it should."""
    folder = tmp_path_factory.mktemp("modules")
    cases, wanted = [], {}
    for n, (name, cell) in enumerate(CELLS.items()):
        (folder / f"{n}.mjs").write_text(cell.source(backend="javascript", **sizes(cell)), encoding="utf-8")
        for way, how in WAYS.items():
            told, run, back = case(cell, f"{n}.mjs", **dict(how))
            wanted[name, way] = (len(cases), run, back)
            cases.append(told)
    results = in_node(folder, cases)
    return {key: (results[k], run, back) for key, (k, run, back) in wanted.items()}


@needs_node
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CELLS)
def test_modules_give_what_the_reference_gives(found, name, way):
    result, run, back = found[name, way]
    assert "error" not in result, result["error"]
    for got, want in [(decoded(result["run"]), run), (decoded(result["backward"]), back)]:
        assert set(got) == set(want)
        largest = max((float(np.abs(want[key]).max(initial=0.0)) for key in want), default=0.0)
        for key in want:
            assert got[key].shape == want[key].shape, key
            scale = max(1.0, float(np.abs(want[key]).max(initial=0.0)))
            if way == "far out":  # what cancels is as large as the largest
                scale = WAYS[way]["scale"] * max(1.0, largest)
            np.testing.assert_allclose(got[key], want[key], rtol=0, atol=1e-12 * scale, err_msg=key)


def test_each_primitive_has_its_text():
    functions = javascript._functions()
    shown = {"stop", "copy", "over_time"}  # written as their argument is
    assert {n for n, op in OPS.items() if op.kind != "leaf"} <= set(functions) | shown


def with_one(value, *shape):
    """Zeros with another value at (1, 2, 0, ...)."""
    a = np.zeros(shape)
    a[1, 2, *[0] * (len(shape) - 2)] = value
    return a


REFUSED = {
    "no input": ({"x": None}, {}, "toy needs its input 'x'"),
    "another input": ({"z": 1}, {}, "toy has no input 'z'; it has x, eps, a"),
    "a shape": ({"a": np.zeros((3, 2, 4))}, {}, r"a has shape \(3,2,4\) and 24 numbers; it needs \(3,3,4\)"),
    "no array": ({"eps": [[0.0]]}, {}, r"eps must be { shape: \[5,3,2\], data: Float64Array }"),
    "a state": ({"state": {"c": np.zeros((3, 4))}}, {}, "toy has no state 'c'; it has h, s, m, q"),
    "lengths": ({"lengths": [1, 2, 6]}, {}, "lengths needs 3 whole numbers from 0 to 5; got 1,2,6"),
    "a gradient": ({}, {"f": np.zeros((5, 3, 4))}, "grads: toy has no 'f'; it has h, s, m, q, y, alpha"),
    "infinity": ({"x": with_one(math.inf, 5, 3, 2)}, {}, r"x is Infinity at \(1,2,0\); every number must be"),
    "padding alone": (
        {"x": with_one(math.nan, 5, 3, 2), "lengths": [5, 5, 2]}, {}, r"x is NaN at \(1,2,0\).* lengths marks"
    ),
    "noise": ({"eps": with_one(-math.inf, 5, 3, 2)}, {}, r"eps is -Infinity at \(1,2,0\)"),
    "what stands still": ({"a": with_one(math.nan, 3, 3, 4)}, {}, r"a is NaN at \(1,2,0\)"),
    "an infinite state": ({"state": {"h": with_one(math.inf, 3, 4)}}, {}, r"state\.h is Infinity at \(1,2\)"),
    "an infinite gradient": ({}, {"h": with_one(math.inf, 5, 3, 4)}, r"grads\.h is Infinity at \(1,2,0\)"),
}  # fmt: skip


@needs_node
def test_what_does_not_fit_is_refused_by_name(tmp_path):
    cell = CELLS["toy"]
    (tmp_path / "toy.mjs").write_text(cell.source(backend="javascript", **sizes(cell)), encoding="utf-8")
    told, *_ = case(cell, "toy.mjs")
    cases = []
    for given, grads, _ in REFUSED.values():
        changed = told["given"] | encoded(given)
        changed = {k: v for k, v in changed.items() if v is not None}
        cases.append(told | {"given": changed, "grads": encoded(grads)})
    for result, (_, _, message) in zip(in_node(tmp_path, cases), REFUSED.values(), strict=True):
        assert re.search(message, result["error"]), result["error"]


@needs_node
def test_infinite_gradients_of_last_states_are_refused_too(tmp_path):
    cell = CELLS["toy"]
    (tmp_path / "toy.mjs").write_text(cell.source(backend="javascript", **sizes(cell)), encoding="utf-8")
    told, *_ = case(cell, "toy.mjs")
    (result,) = in_node(tmp_path, [told | {"final": encoded({"h": with_one(math.nan, 3, 4)})}])
    assert "final.h is NaN at (1,2)" in result["error"]


@needs_node
@pytest.mark.parametrize("rubbish", [math.nan, math.inf])
def test_padding_may_hold_anything(tmp_path, rubbish):
    cell = CELLS["toy"]
    (tmp_path / "toy.mjs").write_text(cell.source(backend="javascript", **sizes(cell)), encoding="utf-8")
    lengths = [5, 2, 0]
    clean, *_ = case(cell, "toy.mjs", given=True, lengths=lengths)
    given = dict(clean["given"])
    for name in ("x", "eps"):
        a = decoded({name: given[name]})[name].copy()
        for b, n in enumerate(lengths):
            a[n:, b] = rubbish
        given[name] = encoded(a)
    one, other = in_node(tmp_path, [clean, clean | {"given": given}])
    assert one == other and one.keys() == {"run", "backward"}


def test_sizes_are_asked_for_where_they_count():
    with pytest.raises(ValueError, match="needs the size H: pass hidden_size="):
        lc.cells.lstm.source(backend="javascript", input_size=3)
    with pytest.raises(ValueError, match=r"sizes=\{'L': ...\}"):
        lc.cells.self_attention.source(backend="javascript", input_size=3, hidden_size=2)
    with pytest.raises(ValueError, match="backward=True.*both passes"):
        lc.cells.lstm.source(backend="javascript", backward=True, input_size=3, hidden_size=2)
    with pytest.raises(ValueError, match="input_size=3: only backend='javascript'"):
        lc.cells.lstm.source(input_size=3)


def test_modules_need_nothing_else_and_are_read_by_equation():
    text = lc.cells.lstm.source(backend="javascript", input_size=3, hidden_size=2)
    assert not re.search(r"\b(import|require|eval|fetch|document|window)\b|new Function", text)
    assert re.findall(r"^export function (\w+)", text, re.M) == ["run", "backward"]
    above = "    // c_t = f_t * c_{t-1} + i_t * g_t\n    c[t + 1] = add(mul(f[t], c[t]), mul(i[t], g[t]));\n"
    assert above in text
    defined = re.findall(r"^(?:export )?function (\w+)", text, re.M)
    assert all(
        len(re.findall(rf"(?<![.\w]){name}\b", text)) > 1 for name in set(defined) - {"run", "backward"}
    )


@needs_node
def test_the_clock_is_exact_and_is_refused_where_it_would_not_be(tmp_path):
    text = ticking.source(backend="javascript", input_size=2, hidden_size=4)
    (tmp_path / "ticking.mjs").write_text(text, encoding="utf-8")
    params, x = ticking.init(2, 4, rng=0, dtype=np.float64), np.ones((7, 2, 2))
    inside, beyond = [0, 2**24, 2**31 - 2, 2**53 - 9], [-1, 0.5, 2**53 - 3, 2**60]
    ends = np.array([3, 7])
    cases = [
        {"file": "ticking.mjs", "given": encoded({"params": params, "x": x, "lengths": lengths})}
        for lengths in (None, ends)
        for _ in inside + beyond
    ]
    for told, start in zip(cases, 2 * (inside + beyond), strict=True):
        told["given"] = {k: v for k, v in told["given"].items() if v is not None} | {"state": {"t": start}}
    for told, result in zip(cases, in_node(tmp_path, cases), strict=True):
        start, lengths = told["given"]["state"]["t"], told["given"].get("lengths")
        if start in beyond:
            assert "state t is" in result["error"] and "the clock is a whole number from 0" in result["error"]
            continue
        lengths = None if lengths is None else ends
        run = lc.unroll(ticking, params, x, state={"t": start}, lengths=lengths, backend="reference")
        for name, a in decoded(result["run"]).items():
            np.testing.assert_allclose(a, run[name], rtol=0, atol=1e-15, err_msg=name)
