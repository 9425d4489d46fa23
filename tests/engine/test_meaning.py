"""Digests of equations: the same however they are written, another where something else is computed.

python tests/engine/test_meaning.py        # stores the digests of cells that are new, and changes no other
"""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.training import equations as meaning

sys.path.append(str(Path(__file__).parents[1]))  # as a script it finds what lies in the folder above
import corner_cells  # noqa: E402

SIZES = {"D": 3, "H": 4}
KNOWN = Path(__file__).parents[1] / "data" / "digests.json"


def digest(function, **sizes):
    made = function if isinstance(function, lc.Cell) else lc.cell(function)
    return meaning.digest(made, SIZES | sizes)


def test_cells_of_one_function_have_one_digest_and_others_have_others():
    found = {}
    for name in lc.cells.names():
        found.setdefault(
            meaning.digest(lc.cells.get(name), corner_cells.SIZES | {"D": 3, "H": 8}), set()
        ).add(name)
    assert {frozenset(names) for names in found.values() if len(names) > 1} == {
        frozenset({"lstm", "lstm_b", "greff_np"}), frozenset({"peephole", "greff_v"}),
    }  # fmt: skip


def test_digests_are_what_files_have():
    """Where this fails, files of today are not known again: undo the change, or bring in a version 3."""
    stored = json.loads(KNOWN.read_text(encoding="utf-8"))
    for name, known in stored.items():
        assert known in [
            meaning.digest(form, corner_cells.SIZES | {"D": 2, "H": 8})
            for form in meaning.forms(lc.cells.get(name))
        ], name
    assert stored.keys() == set(lc.cells.names())


def plain(x, h):
    a = lc.affine("a", h, x)
    b = lc.affine("b", W=x)
    h = lc.tanh(a) * h + b - lc.maximum(a, h)
    return h


def rewritten(x, h):
    U, W, d = lc.param("U_a", "H", "H"), lc.param("W_a", "D", "H"), lc.param("b_a", "H", init=3.0)
    other = lc.affine("b", W=x)
    z = (d + x @ W) + h @ U
    h = -lc.maximum(h, z) + (h * lc.tanh(z) + other)
    return h


def emitting(x, h):
    a = lc.affine("a", h, x)
    b = lc.affine("b", W=x)
    h = lc.tanh(a) * h + b - lc.maximum(a, h)
    return h, b


def test_how_it_is_written_does_not_count():
    assert digest(plain) == digest(rewritten) == digest(emitting)
    assert digest(lc.stack([plain_cell, lc.cells.rnn])) == digest(lc.stack([rewritten_cell, lc.cells.rnn]))


plain_cell, rewritten_cell = lc.cell(name="a")(plain), lc.cell(name="b")(rewritten)


def other_sign(x, h):
    a = lc.affine("a", h, x)
    b = lc.affine("b", W=x)
    h = lc.tanh(a) * h - b - lc.maximum(a, h)
    return h


def other_function(x, h):
    a = lc.affine("a", h, x)
    b = lc.affine("b", W=x)
    h = lc.sigmoid(a) * h + b - lc.maximum(a, h)
    return h


def other_parameter(x, h):
    a = lc.affine("q", h, x)
    b = lc.affine("b", W=x)
    h = lc.tanh(a) * h + b - lc.maximum(a, h)
    return h


def other_number(x, h):
    a = lc.affine("a", h, x)
    b = lc.affine("b", W=x)
    h = lc.tanh(a) * h + b - lc.maximum(a, h) + 1.0
    return h


def twice(x, h):
    a = lc.affine("a", h, x)
    b = lc.affine("b", W=x)
    h = lc.tanh(a) * h + b + b - lc.maximum(a, h)
    return h


def stopped(x, h):
    a = lc.affine("a", h, x)
    b = lc.affine("b", W=x)
    h = lc.stop_gradient(lc.tanh(a)) * h + b - lc.maximum(a, h)
    return h


def learned(x, h=lc.state("H", init="learned")):
    a = lc.affine("a", h, x)
    b = lc.affine("b", W=x)
    h = lc.tanh(a) * h + b - lc.maximum(a, h)
    return h


def test_what_is_computed_counts():
    others = [other_sign, other_function, other_parameter, other_number, twice, stopped, learned]
    others += [plain_cell.override(a=1.0), lc.bidirectional(plain_cell), lc.stack([plain_cell])]
    found = [digest(c) for c in (plain, *others)]
    assert len(set(found)) == len(found)


def test_tables_count_by_their_numbers():
    clockwork = lc.cells.clockwork
    assert digest(clockwork, H=8) == digest(clockwork.with_options(sizes=(2, 2, 2, 2)), H=8)
    assert digest(clockwork, H=8) != digest(clockwork.with_options(sizes=(5, 1, 1, 1)), H=8)
    assert digest(clockwork, H=8) != digest(clockwork.with_options(periods=(1, 2, 4, 9)), H=8)


# Cells in the form that they had earlier.


@pytest.mark.parametrize(
    ("name", "options"),
    [("min_lstm", {}), ("mlstm", {"forget": "sigmoid"}), ("mlstm", {"forget": "exp"})],
)
def test_the_former_form_computes_the_same(name, options):
    """Outputs and all gradients, in float64: what is known to be equal in meaning is equal in numbers."""
    now, then = lc.cells.get(name).with_options(**options), meaning.FORMER[name].with_options(**options)
    assert [digest(c) for c in meaning.forms(now)] == [digest(now), digest(then)] and digest(now) != digest(
        then
    )
    rng = np.random.default_rng(0)
    params = now.init(input_size=3, hidden_size=4, rng=rng, dtype=np.float64)
    x, dh = rng.normal(size=(6, 2, 3)), rng.normal(size=(6, 2, 4))
    runs = [lc.unroll(c, params, x, grad=True) for c in (now, then)]
    np.testing.assert_allclose(runs[0]["h"], runs[1]["h"], rtol=1e-12, atol=1e-14)
    a, b = (run.backward({"h": dh}) for run in runs)
    for key in (*params, "x"):
        np.testing.assert_allclose(a[key], b[key], rtol=1e-11, atol=1e-13, err_msg=key)


def test_forms_of_what_is_made_of_cells(monkeypatch):
    @lc.cell(name="rnn")
    def earlier(x, h):
        h = lc.tanh(2.0 * lc.affine("h", h, x) / 2.0)
        return h

    monkeypatch.setitem(meaning.FORMER, "rnn", earlier)
    rnn, lstm = lc.cells.rnn, lc.cells.lstm

    def made(c):
        return lc.stack([lstm, lc.bidirectional(c)], dropout=True)

    assert [digest(c) for c in meaning.forms(made(rnn))] == [digest(made(rnn)), digest(made(earlier))]
    assert len(list(meaning.forms(rnn))) == 2
    for other in (rnn.override(h=0.5), lstm, lc.cell(name="rnn")(plain), lc.cell(name="rnn(h)")(plain)):
        assert list(meaning.forms(other)) == [other]


if __name__ == "__main__":
    stored = json.loads(KNOWN.read_text(encoding="utf-8"))
    now = {
        name: meaning.digest(lc.cells.get(name), corner_cells.SIZES | {"D": 2, "H": 8})
        for name in lc.cells.names()
    }
    KNOWN.write_text(json.dumps(now | stored, indent=1) + "\n", encoding="utf-8")
    print(KNOWN)
