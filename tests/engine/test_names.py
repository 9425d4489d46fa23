"""Names go into programs, equations, pages and terminals: they are words, or refused, or escaped."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import unicodedata

import numpy as np
import pytest

import lstmcourse as lc

WORDS = ["a b", "a\nimport os", 'n"""', "<b>", "$x", "a.b", "\x1b[31m", "{", "\\", "%", "", 3]
PLACES = {
    "a layer": lambda name: lambda x, h: lc.tanh(lc.affine(name, h, x)),
    "a parameter": lambda name: lambda x, h: h * lc.param(name, "H"),
    "a table": lambda name: lambda x, h: h * lc.table(name, np.ones, "H"),
    "a scope": lambda name: lambda x, h: lc.cells.rnn(x, h, scope=name),
    "a size": lambda name: (
        lambda x, h: h + lc.sum(lc.param("V", "H", name)) if name != 3 else lc.param("V", 1.5)
    ),
}


@pytest.mark.parametrize("name", WORDS, ids=map(repr, WORDS))
@pytest.mark.parametrize("place", list(PLACES)[:4])
def test_a_name_is_a_word(place, name):
    with pytest.raises(
        lc.CellDefinitionError, match=f"test_names.py, line .*{place} is called .* letters, digits"
    ):
        lc.cell(PLACES[place](name))


@pytest.mark.parametrize("name", WORDS[:-1], ids=map(repr, WORDS[:-1]))
def test_a_size_is_a_word(name):
    with pytest.raises(lc.CellDefinitionError, match="the size of a shape is called"):
        lc.cell(PLACES["a size"](name))


FORMS = {"\ufb01": "fi", "e\u0301": "\xe9", "\u212a": "K", "\u03d0": "\u03b2"}


@pytest.mark.parametrize("name", FORMS, ids=ascii)
@pytest.mark.parametrize("place", PLACES)
def test_a_name_has_the_form_that_python_gives_it(place, name):
    """To Python `\ufb01` and `fi` are one name; so they are here, and a program finds what it is given."""
    cell = lc.cell(PLACES[place](name))
    sizes = dict.fromkeys(cell.size_names(), 2)
    params = cell.init(2, 2, rng=0, dtype=np.float64, sizes={k: 2 for k in sizes if k not in ("D", "H")})
    assert all(unicodedata.is_normalized("NFKC", k) for k in (*params, *sizes))
    assert FORMS[name] in " ".join((*params, *sizes, *(n.name for n in cell.graph.leaves("table"))))
    x, state = np.ones((2, 1, 2)), {"h": np.ones((1, 2))}
    runs = [lc.unroll(cell, params, x, state=state, backend=b)["h"] for b in (*lc.backends(), "reference")]
    assert all(np.allclose(run, runs[0]) for run in runs)


def test_two_forms_of_a_name_are_one_parameter():
    cell = lc.cell(lambda x, h: lc.tanh(lc.affine("h", h, x) + lc.param("\ufb01", "H") + lc.param("fi", "H")))
    assert list(cell.init(1, 1, rng=0)) == ["W_h", "U_h", "b_h", "fi"]


@pytest.mark.parametrize("name", ['n"""; print("X"); """', "a\nb", "\x1b[31mred", "back\\slash", "", 3])
def test_the_name_of_a_cell_is_one_line_without_quotes(name):
    with pytest.raises(lc.CellDefinitionError, match="name=.*one line"):
        lc.cell(lambda x, h: lc.tanh(lc.affine("h", h, x)), name=name)
    with pytest.raises(lc.CellDefinitionError, match="name=.*one line"):
        lc.cells.rnn.variant(name, "")


@pytest.mark.parametrize("letter", ["</text><script>", "$x", "\x1b[31m", "a & b", "", 3])
def test_letters_are_latex_without_signs_that_leave_it(letter):
    with pytest.raises(lc.CellDefinitionError, match="letters.'h'.=.*one line"):
        lc.cell(lambda x, h: lc.tanh(lc.affine("h", h, x)), letters={"h": letter})


def test_what_may_stand_in_a_name_is_escaped():
    """A cell may be called anything else; pages escape it, and TeX sees no double subscript."""

    @lc.cell(name="<b>bold & $x_1$ {")
    def bold(x, h, mode="\x1b[31m"):
        h = lc.tanh(lc.affine("a_b_c", h, x))
        return h

    both = lc.cell(lambda x, h: bold(x, h, scope="in_the_scope"))
    assert "<b>" not in str(bold.diagram().svg) and "&lt;b&gt;" in bold.diagram().svg
    assert "\x1b" not in repr(bold)
    assert r"W_{\mathrm{a\_b\_c}}" in bold.latex and r"^{(in\_the\_scope)}" in both.latex
    assert lc.cell(lambda x, h: bold(x, h)).parameter_shapes(1, 1).keys() == {
        f"_b_bold_x_1_.{p}_a_b_c" for p in "WUb"
    }
    for backward in (False, True):
        compile(bold.source(backward=backward), "program", "exec")
