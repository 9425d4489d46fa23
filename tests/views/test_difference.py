"""Differences of two cells: by meaning, in rows, marks, pictures and numbers of parameters."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import html
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from corner_cells import sizes_of

import lstmcourse as lc
from lstmcourse.views.difference import Difference
from lstmcourse.views.sizes import formula

ROOT = Path(__file__).resolve().parents[2]
cells = lc.cells
I = cells.coupled.with_options(learned="i")


def statuses(d):
    return {e.name: e.status for e in d.equations}


def marked(d, name):
    """The marked parts of one row, as plain text: on the left, on the right."""
    (row,) = [e for e in d.equations if e.name == name]
    plain = lambda text: re.sub(r"<[^>]*>", "", text).replace("\u202f", " ")
    return tuple(
        [plain(m) for m in re.findall(f"<{tag}>(.*?)</{tag}>", html)]
        for tag, html in zip(("del", "ins"), row.html, strict=True)
    )


# What differs


def test_peepholes_change_three_gates_and_add_a_weight_for_each_unit():
    d = lc.diff(cells.lstm, cells.peephole)
    assert isinstance(d, Difference) and not d.same
    assert d.changed == ("f", "i", "o") and d.added == d.removed == ()
    assert d.gained == ("p_f", "p_i", "p_o") and d.lost == ()
    assert [(p.shape, p.count, p.number) for p in d.parameters] == [("(H)", "H", None)] * 3
    assert d.counts == ("4 H (D + H + 1)", "H (4 D + 4 H + 7)")
    assert marked(d, "f") == ([], ["pf ⊙ Ct−1"])
    assert marked(d, "o") == ([], ["po ⊙ Ct"]), "the output gate looks at the new state"


def test_coupled_gates_change_one_line_and_lose_a_gate():
    d = lc.diff(cells.lstm, cells.coupled, input_size=3, hidden_size=5)
    assert d.changed == ("i",) and d.lost == ("W_i", "U_i", "b_i") and d.gained == ()
    assert marked(d, "i") == (["σ(ht−1 Ui + xt Wi + bi)"], ["1 − ft"])
    assert [p.number for p in d.parameters] == [15, 25, 5]
    assert d.numbers == (180, 135)


@pytest.mark.parametrize(
    ("a", "b", "left", "right"),
    [
        (cells.lstm, cells.coupled, "lstm", "coupled"),
        (cells.coupled, I, "coupled (learned = 'f')", "coupled (learned = 'i')"),
        (cells.lstm, cells.lstm.override(f=1.0), "lstm", "lstm (f = 1)"),
        (cells.lstm.override(o=0.5), cells.lstm.override(f=1.0), "lstm (o = 0.5)", "lstm (f = 1)"),
        (cells.lstm, cells.lstm, "lstm", "lstm"),
    ],
)
def test_cells_of_one_name_are_headed_by_what_tells_them_apart(a, b, left, right):
    d = lc.diff(a, b)
    assert d.names == (left, right)
    assert repr(d).startswith(f"{left} -> {right}: ")
    heads = re.findall("<th scope='col'>(.*?)</th>", d.html)
    assert [html.unescape(head) for head in heads[:2]] == [left, right]
    if not d.same:
        assert f"One step of the cell {right}; in full ink what {left} does not" in html.unescape(d.html)


def test_the_two_conventions_of_the_gru_are_one_line():
    d = lc.diff(cells.gru, cells.gru_cho)
    assert d.changed == ("h",) and d.parameters == [] and d.starts == {}
    assert marked(d, "h") == (["(1 − zt)", "zt"], ["zt", "(1 − zt)"])


def test_reset_before_and_after():
    d = lc.diff(cells.gru_cho, cells.gru_reset_after)
    assert d.changed == ("g",) and d.gained == ("b_hg",)
    left, right = marked(d, "g")
    assert left == ["(rt ⊙ ht−1) Uh"] and right == ["rt ⊙ (ht−1 Uh + bhg)"]


def test_from_lstm_to_gru():
    d = lc.diff(cells.lstm, cells.gru)
    assert d.changed == ("g", "h") and d.added == ("z", "r") and d.removed == ("f", "i", "o", "c")
    assert marked(d, "g") == ([], ["rt"])
    assert "states: h, c -> h" in repr(d)


def test_other_variants():
    d = lc.diff(cells.greff_v, cells.greff_niaf)
    assert d.changed == ("g",) and d.parameters == []
    assert marked(d, "g") == (["tanh(ht−1 UC + xt WC + bC)"], [])
    d = lc.diff(cells.greff_v, cells.greff_cifg)
    assert d.changed == ("f",) and d.starts == {"b_i": (0.0, -1.0)} and "b_i starts at 0 -> at -1" in repr(d)
    d = lc.diff(cells.greff_v, cells.greff_fgr)
    assert d.changed == ("f", "i", "o") and len(d.gained) == 9 and "h, c -> h, c, f, i, o" in repr(d)
    d = lc.diff(cells.rnn, cells.clockwork, input_size=2, hidden_size=4)
    assert d.added == ("a",) and [(p.name, p.status, p.number) for p in d.parameters] == [
        ("U_h", "changed", 10)
    ]
    assert "inputs: x -> x, t" in repr(d)


# What does not


@pytest.mark.parametrize("name", cells.names())
def test_a_cell_and_itself(name):
    cell = cells.get(name)
    again = cell.with_options(**cell.options) if cell.options else cell
    for d in (lc.diff(cell, cell), lc.diff(cell, again)):
        assert d.same and repr(d) == f"{name} -> {name}: no difference"
        assert d.changed == d.gained == d.lost == () and not d.starts
        assert set(statuses(d).values()) == {"same"}
        assert "no difference" in d.html and "<svg" not in d.html


def test_the_order_of_operands_and_equations_is_no_difference():
    @lc.cell(init={"b_f": 1.0})
    def turned(x, h, c):
        o = lc.sigmoid(lc.affine("o", h, x))
        g = lc.tanh(lc.affine("g", W=x, U=h))
        i = lc.sigmoid(x @ lc.param("W_i", "D", "H") + lc.param("b_i", "H") + h @ lc.param("U_i", "H", "H"))
        f = lc.sigmoid(lc.affine("f", h, x))
        c = g * i + c * f
        h = lc.tanh(c) * o
        return h, c

    assert lc.diff(cells.lstm, turned).same and lc.diff(turned, cells.lstm).same


def test_what_has_no_name_is_the_same_value_all_the_same():
    @lc.cell(letters={"c": "C", "g": r"\tilde{C}"})
    def inline(x, h, c):
        f = lc.sigmoid(lc.affine("f", h, x, bias=1.0))
        g = lc.tanh(lc.affine("g", h, x))
        o = lc.sigmoid(lc.affine("o", h, x))
        c = f * c + (1 - f) * g
        h = o * lc.tanh(c)
        return h, c

    d = lc.diff(cells.coupled, inline)
    assert d.same and statuses(d)["c"] == "same" and d.removed == ("i",)


def test_other_names_for_the_same_equations():
    @lc.cell(init={"b_f": 1.0})
    def renamed(x, h, c):
        forget = lc.sigmoid(lc.affine("f", h, x))
        write = lc.sigmoid(lc.affine("i", h, x))
        new = lc.tanh(lc.affine("g", h, x))
        read = lc.sigmoid(lc.affine("o", h, x))
        c = forget * c + write * new
        h = read * lc.tanh(c)
        return h, c

    d = lc.diff(cells.lstm, renamed)
    assert d.same and list(statuses(d)) == ["forget", "write", "new", "read", "c", "h"]


def test_signs_and_differences():
    @lc.cell
    def minus(x, h):
        h = lc.tanh(lc.affine("h", h, x)) - (x @ lc.param("P", "D", "H"))
        return h

    @lc.cell
    def plus_minus(x, h):
        h = -(x @ lc.param("P", "D", "H")) + lc.tanh(lc.affine("h", h, x))
        return h

    @lc.cell
    def the_other_way(x, h):
        h = (x @ lc.param("P", "D", "H")) - lc.tanh(lc.affine("h", h, x))
        return h

    assert lc.diff(minus, plus_minus).same
    assert lc.diff(minus, the_other_way).changed == ("h",)

    @lc.cell
    def less_one(x, h):
        h = lc.tanh(lc.affine("h", h, x)) - 1.0
        return h

    @lc.cell
    def minus_one_more(x, h):
        h = -1.0 + lc.tanh(lc.affine("h", h, x))
        return h

    assert lc.diff(less_one, minus_one_more).same
    assert lc.diff(less_one, lc.cell(lambda x, h: lc.tanh(lc.affine("h", h, x)) + 1.0)).changed == ("h",)


# Small differences are seen


def test_options_that_no_equation_shows():
    slow = cells.clockwork.with_options(periods=(1, 4))
    d = lc.diff(cells.clockwork, slow)
    assert not d.same and d.gained == d.lost == () and d.parameters[0].status == "changed"
    assert lc.diff(cells.slstm, cells.slstm.with_options(heads=2)).parameters[0].status == "changed"


def test_where_a_parameter_starts():
    d = lc.diff(cells.lstm, cells.lstm_b)
    assert d.same
    zero = cells.lstm_b.variant("zero", "", init={"b_f": 0.0})
    d = lc.diff(cells.lstm, zero)
    assert not d.same and d.changed == () and d.starts == {"b_f": (1.0, 0.0)}
    assert "the same equations" in repr(d) and "b_f starts at 1 -> at 0" in repr(d)


def test_where_a_state_starts():
    @lc.cell
    def rnn(x, h=lc.state("H", init="learned")):
        h = lc.tanh(lc.affine("h", h, x))
        return h

    d = lc.diff(cells.rnn, rnn)
    assert not d.same and d.gained == ("h_0",) and d.changed == () and "h" in d.starts


def test_a_held_gate_is_a_changed_equation():
    d = lc.diff(cells.lstm, cells.lstm.override(f=1.0))
    assert d.changed == ("f",) and d.parameters == []
    assert marked(d, "f") == (["σ(ht−1 Uf + xt Wf + bf)"], ["1"])


def test_a_factor_more():
    @lc.cell(letters={"g": "g", "c": "s"})
    def forgetful(x, h, c):
        i = lc.sigmoid(lc.affine("i", h, x))
        g = 4.0 * lc.sigmoid(lc.affine("g", h, x)) - 2.0
        f = lc.sigmoid(lc.affine("f", h, x))
        o = lc.sigmoid(lc.affine("o", h, x))
        c = f * c + i * g
        h = o * (2.0 * lc.sigmoid(c) - 1.0)
        return h, c

    d = lc.diff(cells.lstm_1997, forgetful)
    assert d.changed == ("c",) and d.added == ("f",)
    assert marked(d, "c") == (["st−1"], ["ft ⊙ st−1"])


# Stacks


def test_a_depth_gate_is_a_difference_between_two_stacks():
    plain = lc.stack([cells.peephole, cells.peephole])
    d = lc.diff(plain, cells.depth_gated)
    assert d.changed == ("1.c",) and d.added == ("1.d",) and d.lost == ()
    assert d.gained == ("1.W_d", "1.b_d", "1.p_d", "1.p_l")
    assert marked(d, "1.c") == ([], ["d(1)t ⊙ C(0)t"])
    left, right = d.pictures
    assert left.layout is None and right.layout is not None


def test_of_two_stacks_the_layers_that_differ_are_lit():
    d = lc.diff(lc.stack([cells.lstm, cells.lstm]), lc.stack([cells.lstm, cells.peephole]))
    assert d.changed == ("1.f", "1.i", "1.o")
    for picture in d.pictures:
        root = ET.fromstring(picture.svg)
        (faded,) = [e for e in root.iter() if e.get("class") == "faded"]
        inside = ["".join(t.itertext()) for t in faded.iter() if t.tag.endswith("}text")]
        assert "lstm" in inside and "peephole" not in inside


def test_layers_in_two_directions():
    d = lc.diff(lc.bidirectional(cells.lstm), lc.bidirectional(cells.peephole))
    assert d.changed == ("fwd.f", "fwd.i", "fwd.o", "bwd.f", "bwd.i", "bwd.o") and "<svg" in d.html


# Pictures


def lit(picture):
    """Words in full ink."""
    root = ET.fromstring(picture.svg)
    faded = {t for g in root.iter() if g.get("class") == "faded" for t in g.iter()}
    return sorted("".join(t.itertext()) for t in root.iter() if t.tag.endswith("}text") and t not in faded)


def test_in_full_ink_is_what_the_other_does_not_have():
    left, right = lc.diff(cells.lstm, cells.peephole).pictures
    assert lit(left) == sorted(["σ", "σ", "σ", "ft", "it", "ot"])
    added = ["×", "×", "×", "pf", "pi", "po"]
    assert lit(right) == sorted(["σ", "σ", "σ", "ft", "it", "ot", "Ct−1", *added])
    row, full = lc.diff(cells.peephole, cells.peephole_full).pictures
    assert set(added) <= set(lit(row)) and {"Vf", "Vi", "Vo"} <= set(lit(full)) and "×" not in lit(full)
    left, right = lc.diff(cells.lstm, cells.coupled).pictures
    assert lit(left) == sorted(["σ", "it", "xt", "ht−1"])
    assert lit(right) == sorted(["1−", "it", "ft"])
    left, right = lc.diff(cells.gru, cells.gru_cho).pictures
    assert lit(right) == sorted(["×", "×", "+", "zt", "h\u0303t", "ht−1"])


def test_the_line_of_a_peephole_is_lit_and_the_bus_is_not():
    from lstmcourse.views.compare import lit_parts
    from lstmcourse.views.diagram.layout import layout

    d = lc.diff(cells.lstm, cells.peephole)
    plan = layout(cells.peephole)
    glyphs, lines = lit_parts(cells.peephole, cells.lstm, d._meaning, {}, plan)
    assert glyphs == {"f", "i", "o", "c@prev"}
    assert lines == {
        ("c@prev", "f@in"),
        ("f@in", "f"),
        ("c@prev", "i@in"),
        ("i@in", "i"),
        ("c", "o@in"),
        ("o@in", "o"),
    }


def test_a_cell_that_does_not_fit_on_a_picture_has_rows_only():
    @lc.cell
    def deep(x, h):
        h = _deep(h, x)
        return h

    d = lc.diff(cells.rnn, deep)
    assert d.pictures[1] is None and d.html.count("<figure>") == 1 and d.changed == ("h",)


def _deep(a, x):
    for _ in range(40):
        a = lc.tanh(a * x) + a
    return a


# How it displays


@pytest.mark.parametrize("name", [n for n in cells.names() if n not in ("lstm", "lstm_b")])
def test_it_displays(name):
    d = lc.diff(cells.lstm, cells.get(name), **sizes_of(cells.get(name), D=4, H=8))
    bundle = d._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"} and bundle["text/plain"] == repr(d)
    root = ET.fromstring(bundle["text/html"])
    assert root.get("role") == "group" and root.get("aria-label") == f"lstm and {name}: what differs"
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids))
    for image in root.iter("img"):
        assert len(image.get("alt")) > 40
    assert [t.text for t in root.iter("caption")][0] == "Equations"
    assert "\\" not in re.sub(r"<style>.*?</style>", "", bundle["text/html"], flags=re.S)
    assert all(e.status in ("same", "changed", "added", "removed") for e in d.equations)
    changed = [e for e in d.equations if e.status == "changed"]
    assert all("<ins>" in e.html[1] or "<del>" in e.html[0] for e in changed), "every change is marked"
    if d.same:
        return
    back = lc.diff(cells.get(name), cells.lstm)
    assert (back.gained, back.lost) == (d.lost, d.gained) or set(back.gained) == set(d.lost)
    assert set(back.changed) == set(d.changed) and set(back.added) == set(d.removed)


def test_the_text_is_the_same_in_every_process():
    code = (
        "import lstmcourse as lc, hashlib\n"
        "d = lc.diff(lc.cells.lstm, lc.cells.gru)\n"
        "e = lc.diff(lc.cells.rnn, lc.cells.clockwork, input_size=2, hidden_size=4)\n"
        "print(hashlib.sha256((d.html + repr(d) + e.html + repr(e)).encode()).hexdigest())\n"
    )
    found = set()
    for seed in ("1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1


def test_colours_are_those_of_the_course():
    html = lc.diff(cells.lstm, cells.peephole).html
    used = set(re.findall(r"var\((--lcf-\w+)\)", html))
    assert used <= set(re.findall(r"(--lcf-\w+):", html))
    assert "prefers-color-scheme:dark" in html and "data-jp-theme-light" in html and "@container" in html


def test_names_are_escaped():
    odd = cells.lstm.variant("a<b", "", init={"b_f": 3.0})
    html = lc.diff(cells.lstm, odd).html
    assert "a<b" not in html and "a&lt;b" in html


# What is refused


@pytest.mark.parametrize("a, b, which", [("lstm", None, "second"), (lc, cells.lstm, "first")])
def test_only_cells(a, b, which):
    first = cells.lstm if a == "lstm" else a
    with pytest.raises(TypeError, match=f"the {which} argument .* takes two cells, such as lc.cells.lstm"):
        lc.diff(first, b)


def test_sizes_that_are_missing():
    with pytest.raises(ValueError, match="needs the size H: pass hidden_size="):
        lc.diff(cells.lstm, cells.gru, input_size=3)


def test_formulas():
    assert formula({("D", "H"): 4, ("H", "H"): 4, ("H",): 4}) == "4 H (D + H + 1)"
    assert formula({(): 3}) == "3" and formula({("D",): 1, (): 1}) == "D + 1"
    assert formula({("H", "H", "H", "H"): 2}) == "2 H^4"
    assert formula({("D", "H"): 1, ("|M|",): 1}) == "D H + |M|"
