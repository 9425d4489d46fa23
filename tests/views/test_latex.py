"""Equations as LaTeX: the exact text for the cells of the essay, and the rules behind it."""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import linecache
import re

import numpy as np
import pytest

import lstmcourse as lc

RNN = r"""
\begin{aligned}
h_t &= \tanh\left(h_{t-1}\, U_h + x_t\, W_h + b_h\right)
\end{aligned}
"""

LSTM = r"""
\begin{aligned}
f_t &= \sigma\left(h_{t-1}\, U_f + x_t\, W_f + b_f\right) \\
i_t &= \sigma\left(h_{t-1}\, U_i + x_t\, W_i + b_i\right) \\
\tilde{C}_t &= \tanh\left(h_{t-1}\, U_C + x_t\, W_C + b_C\right) \\
o_t &= \sigma\left(h_{t-1}\, U_o + x_t\, W_o + b_o\right) \\
C_t &= f_t \odot C_{t-1} + i_t \odot \tilde{C}_t \\
h_t &= o_t \odot \tanh\left(C_t\right)
\end{aligned}
"""

LSTM_1997 = r"""
\begin{aligned}
i_t &= \sigma\left(h_{t-1}\, U_i + x_t\, W_i + b_i\right) \\
g_t &= 4\, \sigma\left(h_{t-1}\, U_g + x_t\, W_g + b_g\right) - 2 \\
o_t &= \sigma\left(h_{t-1}\, U_o + x_t\, W_o + b_o\right) \\
s_t &= s_{t-1} + i_t \odot g_t \\
h_t &= o_t \odot \left(2\, \sigma\left(s_t\right) - 1\right)
\end{aligned}
"""


@pytest.mark.parametrize("name, text", [("rnn", RNN), ("lstm", LSTM), ("lstm_1997", LSTM_1997)])
def test_exact_text(name, text):
    assert lc.cells.get(name).latex == text.strip()


# The line, or lines, by which each variant differs: name of the cell, name of the equation, its text.
VARIANTS = [
    ("peephole", "f", r"f_t &= \sigma\left(h_{t-1}\, U_f + x_t\, W_f + b_f + p_f \odot C_{t-1}\right)"),
    ("peephole", "i", r"i_t &= \sigma\left(h_{t-1}\, U_i + x_t\, W_i + b_i + p_i \odot C_{t-1}\right)"),
    ("peephole", "o", r"o_t &= \sigma\left(h_{t-1}\, U_o + x_t\, W_o + b_o + p_o \odot C_t\right)"),
    ("peephole_full", "f", r"f_t &= \sigma\left(h_{t-1}\, U_f + x_t\, W_f + C_{t-1}\, V_f + b_f\right)"),
    ("peephole_full", "o", r"o_t &= \sigma\left(h_{t-1}\, U_o + x_t\, W_o + C_t\, V_o + b_o\right)"),
    ("coupled", "i", r"i_t &= 1 - f_t"),
    ("greff_cifg", "f", r"f_t &= 1 - i_t"),
    ("greff_nfg", "f", r"f_t &= 1"),
    ("greff_niaf", "g", r"\tilde{C}_t &= h_{t-1}\, U_C + x_t\, W_C + b_C"),
    ("greff_noaf", "h", r"h_t &= o_t \odot C_t"),
    (
        "greff_fgr",
        "o",
        r"o_t &= \sigma\left(h_{t-1}\, U_o + x_t\, W_o + b_o + p_o \odot C_t + f_{t-1}\, R_{fo} "
        r"+ i_{t-1}\, R_{io} + o_{t-1}\, R_{oo}\right)",
    ),
    ("gru", "g", r"\tilde{h}_t &= \tanh\left(\left(r_t \odot h_{t-1}\right)\, U_h + x_t\, W_h + b_h\right)"),
    ("gru", "h", r"h_t &= \left(1 - z_t\right) \odot h_{t-1} + z_t \odot \tilde{h}_t"),
    ("gru_cho", "h", r"h_t &= z_t \odot h_{t-1} + \left(1 - z_t\right) \odot \tilde{h}_t"),
    (
        "gru_reset_after",
        "g",
        r"\tilde{h}_t &= \tanh\left(x_t\, W_h + b_h + r_t \odot \left(h_{t-1}\, U_h + b_{hg}\right)\right)",
    ),
    ("mut3", "z", r"z_t &= \sigma\left(\tanh\left(h_{t-1}\right)\, U_z + x_t\, W_z + b_z\right)"),
    (
        "depth_gated",
        "1.d",
        r"d^{(1)}_t &= \sigma\left(h^{(0)}_t\, W^{(1)}_d + b^{(1)}_d + p^{(1)}_d \odot C^{(1)}_{t-1} "
        r"+ p^{(1)}_l \odot C^{(0)}_t\right)",
    ),
    (
        "depth_gated",
        "1.c",
        r"C^{(1)}_t &= d^{(1)}_t \odot C^{(0)}_t + f^{(1)}_t \odot C^{(1)}_{t-1} "
        r"+ i^{(1)}_t \odot \tilde{C}^{(1)}_t",
    ),
    (
        "clockwork",
        "a",
        r"a_t &= \tanh\left(x_t\, W_h + b_h + h_{t-1}\, \left(U_h \odot M\right)\right)",
    ),
    ("clockwork", "h", r"h_t &= \mathrm{where}\left(t \bmod T = 0, a_t, h_{t-1}\right)"),
    ("min_gru", "g", r"\tilde{h}_t &= x_t\, W_h + b_h"),
    ("slstm", "i", r"i_t &= \exp\left(\tilde{\imath}_t - m_t\right)"),
    ("slstm", "f", r"f_t &= \exp\left(\mathrm{past}_t - m_t\right)"),
    ("mlstm", "a_f", r"\tilde{f}_t &= \log \sigma\left(x_t\, W_f + b_f\right)"),
    ("mlstm", "k", r"k_t &= \left(x_t\, W_k + b_k\right) / \sqrt{H}"),
]


@pytest.mark.parametrize("name, equation, text", VARIANTS, ids=[f"{n}-{e}" for n, e, _ in VARIANTS])
def test_the_lines_that_make_a_variant(name, equation, text):
    cell = lc.cells.get(name)
    assert lines_of(cell.equations(equation).latex) == [text]
    assert text in [row.removesuffix(r" \\") for row in lines(cell)]


def lines_of(text):
    return text.split("\n")[1:-1]


def lines(cell):
    return cell.latex.split("\n")[1:-1]


def test_a_notebook_displays_the_equations():
    assert lc.cells.rnn._repr_latex_() == f"$${RNN.strip()}$$"
    assert len(lines(lc.cells.lstm)) == 6


def test_brackets_stand_where_the_value_would_change_without_them():
    @lc.cell
    def terms(x, h):
        a = (h + 1.0) * h
        b = h - (a - 1.0)
        c = h / (a * b)
        d = -(a + b)
        e = a + b * c
        f = lc.square(a + b)
        return a + b + c + d + e + f

    assert [line.removesuffix(r" \\") for line in lines(terms)][:6] == [
        r"a_t &= \left(h_{t-1} + 1\right) \odot h_{t-1}",
        r"b_t &= h_{t-1} - \left(a_t - 1\right)",
        r"c_t &= h_{t-1} / \left(a_t \odot b_t\right)",
        r"d_t &= -\left(a_t + b_t\right)",
        r"e_t &= a_t + b_t \odot c_t",
        r"f_t &= \left(a_t + b_t\right)^2",
    ]


def test_names_scopes_and_time():
    @lc.cell
    def named(x, h, a=lc.static("L", "A"), t=lc.clock):
        alpha = lc.softmax(lc.sum(a))
        h_new = lc.where(t % 2 == 0, lc.tanh(lc.affine("h", h, x)), h)
        inner = lc.cells.rnn(x, h_new, scope="enc")
        return inner, alpha

    text = named.latex
    assert r"\alpha" in text, "Greek letters by their names"
    assert r"\alpha_t" not in text, "what is the same at every step has no time"
    assert r"h_{\mathrm{new},t} &= " in text
    assert r"h^{(enc)}_t" in text or r"\mathrm{inner}_t" in text
    assert r"U^{(enc)}_h" in text and "W_h" in text


def test_layers_of_a_stack_have_their_number_above():
    text = lc.stack([lc.cells.rnn, lc.cells.rnn]).latex
    assert r"h^{(0)}_t &= \tanh\left(h^{(0)}_{t-1}\, U^{(0)}_h + x_t\, W^{(0)}_h + b^{(0)}_h\right)" in text
    assert (
        r"h^{(1)}_t &= \tanh\left(h^{(1)}_{t-1}\, U^{(1)}_h + h^{(0)}_t\, W^{(1)}_h + b^{(1)}_h\right)"
        in text
    )


def test_the_backward_direction_reads_what_comes_after():
    text = lc.bidirectional(lc.cells.rnn).latex
    assert r"h^{(bwd)}_{t+1}\, U^{(bwd)}_h" in text and r"h^{(fwd)}_{t-1}\, U^{(fwd)}_h" in text
    assert r"h^{(bwd)}_{t-1}" not in text and r"h^{(fwd)}_{t+1}" not in text


def test_a_held_equation_shows_its_value():
    held = lines(lc.cells.lstm.override(f=1.0))
    assert held[0] == r"f_t &= 1 \\" and len(held) == 6


def test_braces_and_delimiters_are_balanced():
    cells = [lc.cells.get(n) for n in lc.cells.names()]
    cells += [lc.stack([lc.cells.lstm, lc.cells.rnn]), lc.bidirectional(lc.cells.lstm)]
    for cell in cells:
        text = cell.latex
        assert text.count("{") == text.count("}") and text.count(r"\left") == text.count(r"\right")
        assert "None" not in text and "<" not in text.replace(" < ", "")
        assert len(lines(cell)) >= len(cell.states)


def test_small_and_infinite_numbers_are_set_as_powers_and_signs():
    @lc.cell
    def small(x, h):
        a = lc.exp(lc.square(h) + 1e-8) + 2.5e-7 * x
        h = lc.where(x > -np.inf, a, -1e-8 * h)
        return h

    a, h = lines(small)
    assert a == r"a_t &= \exp\left(h_{t-1}^2 + 10^{-8}\right) + 2.5 \cdot 10^{-7}\, x_t \\"
    assert h == r"h_t &= \mathrm{where}\left(x_t > \left(-\infty\right), a_t, -10^{-8}\, h_{t-1}\right)"


def test_a_sign_after_an_operator_stands_in_brackets():
    @lc.cell
    def signs(x, h):
        a = h - (-x)
        b = h + (-1.0)
        c = -h + x * -2.0
        h = lc.maximum(a, -b) / -c
        return h

    assert [row.removesuffix(r" \\") for row in lines(signs)] == [
        r"a_t &= h_{t-1} - \left(-x_t\right)",
        r"b_t &= h_{t-1} + \left(-1\right)",
        r"c_t &= -h_{t-1} + x_t\, \left(-2\right)",
        r"h_t &= \max\left(a_t, -b_t\right) / \left(-c_t\right)",
    ]
    assert repr(signs.equations("a")) == "a_t = h_{t-1} - (-x_t)"


def test_the_logarithm_of_a_gate_is_written_as_such():
    @lc.cell
    def gate(x, h):
        a = lc.affine("a", W=x)
        b = -lc.softplus(-a)
        c = -lc.softplus(a) + lc.softplus(-a)
        h = lc.exp(b) * h + c
        return h

    assert [row.removesuffix(r" \\") for row in lines(gate)][1:3] == [
        r"b_t &= \log \sigma\left(a_t\right)",
        r"c_t &= -\mathrm{softplus}\left(a_t\right) + \mathrm{softplus}\left(-a_t\right)",
    ]


def test_a_row_of_numbers_is_a_letter():
    @lc.cell
    def rows(x, h, t=lc.clock):
        h = lc.where(t % np.array([1.0, 2.0]) == 0, h + 1.0, h)
        return h

    assert r"t \bmod \mathbf{k} = 0" in rows.latex


def test_some_equations_are_lines_of_all_of_them():
    lstm = lc.cells.lstm
    every = LSTM.strip().splitlines()
    some = lstm.equations("c", "f")
    assert some.latex.splitlines()[1:-1] == [every[1], every[5].removesuffix(r" \\")]
    assert some._repr_latex_() == f"$${some.latex}$$"
    assert repr(some) == "f_t = sigmoid(h_{t-1} U_f + x_t W_f + b_f)\nc_t = f_t * c_{t-1} + i_t * g_t"
    assert lstm.equations().latex == lstm.latex
    with pytest.raises(lc.UnknownNameError, match="no equation named 'q'"):
        lstm.equations("q")


def test_the_definition_is_the_authors_text(monkeypatch):
    lstm = lc.cells.lstm
    assert lstm.definition("h") == "h = o * tanh(c)"
    assert lstm.definition().startswith('@cell(init={"b_f": 1.0}')
    assert lstm.definition("i", "o").count("\n") == 1
    with pytest.raises(lc.UnknownNameError, match="no equation named 'q'"):
        lstm.definition("q")
    scope = {"lc": lc}
    exec("@lc.cell\ndef typed(x, h):\n    h = lc.tanh(lc.affine('h', h, x))\n    return h\n", scope)
    with pytest.raises(ValueError, match="not at hand"):
        scope["typed"].definition()
    other = ["import sys\n", "def elsewhere():\n", "    return sys\n"]  # as `python -c` leaves it behind
    monkeypatch.setitem(linecache.cache, "<string>", (60, None, other, "<string>"))
    with pytest.raises(ValueError, match="not at hand"):
        scope["typed"].definition()


@lc.cell
def hard_to_write(x, h, c, s=lc.static("K", "H")):
    """What views hide, parts of one layer, sums along another axis, a nested cell."""
    i, f = lc.split(lc.affine("a", h, x, size="N"), "H", "H")
    p = lc.expand(i, -2) - lc.expand(h + c, -2)
    q = lc.expand(h + c, -2) * p / lc.swap(lc.swap(s - 1.0))
    r = lc.sum(q - lc.reshape(s + q, "K", "H"), axis=-2) * lc.identity(f + 1.0)
    w = lc.concat(s, lc.softmax(s, axis=-2), axis=-2)
    top, rest = lc.split(w, "K", "K", axis=-2)
    m = lc.mean(top, axis=-2) - lc.logsumexp(rest, axis=-2) - lc.expand(lc.mean(lc.sum(s)))
    k = lc.where(~((h > 0.0) & (c > 0.0)), lc.square(lc.square(h)), m)
    h_new, c = lc.cells.rnn(x, r + k, scope="enc"), lc.stop_gradient(r - c)
    return h_new, c


def test_brackets_parts_axes_and_links():
    """Read what is printed, and it is what is computed."""
    assert str(hard_to_write.equations()).splitlines() == [
        "i_t = (h_{t-1} U_a + x_t W_a + b_a)[0:H]",
        "f_t = (h_{t-1} U_a + x_t W_a + b_a)[H:2 H]",
        "p_t = i_t - (h_{t-1} + c_{t-1})",
        "q_t = (h_{t-1} + c_{t-1}) * p_t / ((s - 1)^T)^T",
        "r_t = sum(q_t - (s + q_t), axis=-2) * (f_t + 1)",
        "w = concat(s, softmax(s, axis=-2), axis=-2)",
        "top = w[0:K, :]",
        "rest = w[K:2 K, :]",
        "m = sum(top, axis=-2) / K - logsumexp(rest, axis=-2) - sum(sum(s)) / K",
        "k_t = where(not (h_{t-1} > 0 and c_{t-1} > 0), (h_{t-1}^2)^2, m)",
        "enc.h_t = tanh((r_t + k_t) enc.U_h + x_t enc.W_h + enc.b_h)",
        "c_t = r_t - c_{t-1}",
        "h_t = enc.h_t",
    ]
    written = hard_to_write.latex.splitlines()
    assert written[2].rstrip("\\ ") == r"f_t &= \left(h_{t-1}\, U_a + x_t\, W_a + b_a\right)[H:2 H]"
    assert written[5].rstrip("\\ ") == (
        r"r_t &= \left(\textstyle\sum_{\mathrm{axis}\,-2} \left(q_t - \left(s + q_t\right)\right)\right) "
        r"\odot \left(f_t + 1\right)"
    )
    assert (
        written[6].rstrip("\\ ")
        == r"w &= [s, \mathrm{softmax}_{\mathrm{axis}\,-2}\left(s\right)]_{\mathrm{axis}\,-2}"
    )
    assert written[-2] == r"h_t &= h^{(enc)}_t"
    assert str(hard_to_write.equations("h")) == "h_t = enc.h_t"


def test_no_letter_is_said_to_be_itself():
    """The paper's m is `shift` in the program, whose last line would read m = m."""
    lines = lc.cells.slstm.equations()._repr_latex_().splitlines()
    assert sum(line.startswith("m_t &= ") for line in lines) == 1 and lines[-2].startswith("h_t &= ")
    assert "m_t &= m_t" in lc.cells.slstm.equations("m")._repr_latex_()  # rather than nothing
    assert repr(lc.cells.slstm.equations("m")) == "m_t = shift_t"


def test_a_power_of_what_has_a_scope_above_it():
    """TeX refuses two superscripts at one letter."""

    @lc.cell
    def squared(x, h):
        h_new = lc.square(lc.cells.rnn(x, h, scope="enc"))
        return h_new

    assert r"\left(h^{(enc)}_t\right)^2" in squared.latex and "h_new_t = enc.h_t^2" in str(
        squared.equations()
    )


def test_programs_are_commented_with_the_same_brackets():
    for program in (hard_to_write.source(), hard_to_write.source(backward=True)):
        assert "p_t = i_t - (h_{t-1} + c_{t-1})" in program
        assert "r_t = sum(q_t - (s + q_t), axis=-2) * (f_t + 1)" in program


def test_what_is_printed_is_what_is_computed():
    """The text of each equation, read by Python's own rules, gives the values of a step."""
    rng = np.random.default_rng(0)
    values = {k: rng.standard_normal((2, 3)) for k in ("h", "c")} | {"x": rng.standard_normal((2, 2))}

    @lc.cell
    def nested(x, h, c):
        a = lc.expand(h + c) - lc.expand(h - c)
        b = lc.expand(c - h) * lc.expand(lc.identity(h - c)) / lc.expand(2.0 - h)
        d = lc.square(lc.identity(-lc.square(h))) - (c - lc.identity(h - c))
        e = -(lc.identity(h) - c) % lc.identity(c % 0.7)
        h = lc.sum(a) + lc.sum(b) + d - (-e)
        c = c - lc.identity(c - 0.5 * lc.identity(h - 1.0))
        return h, c

    after = nested.step({}, values["x"], {k: values[k] for k in ("h", "c")})
    known = {f"{k}_before": v for k, v in values.items()}
    for line in str(nested.equations()).splitlines():
        left, _, right = line.partition(" = ")
        right = re.sub(r"(\w+)_\{t-1\}", r"\1_before", right).replace("^", "**").replace(" mod ", " % ")
        right = re.sub(r"(\d) \(", r"\1 * (", right)
        known[left] = eval(right, {"sum": lambda a: a}, known)
        np.testing.assert_allclose(known[left], after[left[:-2]].reshape(2, 3), atol=1e-12, err_msg=line)
