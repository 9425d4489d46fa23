"""The gates' panels show what the LSTM's equations give, written here in plain NumPy."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.widgets import belt_panel, gate_panel, gate_values, update_panel, update_values

LSTM = lc.cells.lstm


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def drawn(panel):
    """The panel's picture: title, description, lengths of bars, and the place of the dot."""
    root = ElementTree.fromstring(re.search(r"<svg.*?</svg>", panel.view, re.S)[0])
    assert root.get("role") == "img"
    title, desc = (root.findtext(k) for k in ("title", "desc"))
    bars = [float(r.get("height")) for r in root.iter("rect")]
    dots = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter("circle")]
    return title, desc, bars, dots


def numbers(panel):
    cells = re.findall(r"<td>([^<]*)</td>", panel.view)
    return [float(text.replace("−", "-")) for text in cells]


SEEN = {"x": -0.7, "h": 0.4, "W": 1.3, "U": -2.1, "b": 0.9}
A = -0.7 * 1.3 + 0.4 * -2.1 + 0.9


@pytest.mark.parametrize(
    ("gate", "more", "expected"),
    [
        ("f", {"C": -1.5}, [A, sigmoid(A), -1.5, sigmoid(A) * -1.5]),
        ("i", {"g": 0.6}, [A, sigmoid(A), 0.6, sigmoid(A) * 0.6]),
        ("o", {"C": 1.7}, [A, sigmoid(A), np.tanh(1.7), sigmoid(A) * np.tanh(1.7)]),
        ("g", {}, [A, np.tanh(A)]),
    ],
)
def test_a_gate_shows_what_its_equation_gives(gate, more, expected):
    panel = gate_panel(LSTM, gate)
    panel.set(SEEN | more)
    assert list(gate_values(LSTM, gate, panel.values).values()) == pytest.approx(expected, abs=1e-12)
    assert numbers(panel) == pytest.approx(expected, abs=6e-4)
    title, desc, bars, dots = drawn(panel)
    assert title and all(f"{v:.3f}".replace("-", "−") in desc for v in expected)
    assert len(dots) == 1 and len(bars) == len(expected) - 2
    if bars:  # one scale for both
        assert bars[1] / bars[0] == pytest.approx(abs(expected[3] / expected[2]), abs=0.03)


@pytest.mark.parametrize("gate", "figo")
def test_every_slider_of_a_gate_moves_what_is_shown(gate):
    panel = gate_panel(LSTM, gate)
    panel.set(SEEN)
    for name, value in panel.values.items():
        before = panel.view
        panel.set({name: value + 0.1 if value < 0.9 else value - 0.1})
        assert panel.view != before, name


def test_the_dot_stands_on_the_curve():
    panel = gate_panel(LSTM, "f")
    for b in (-6.0, 0.0, 6.0):
        panel.set(x=0.0, b=b)
        ((x, y),) = drawn(panel)[3]
        assert (x - 46) / 300 == pytest.approx((b + 8) / 16, abs=1e-3)
        assert 1 - (y - 16) / 150 == pytest.approx(sigmoid(b), abs=1e-3)


@pytest.mark.parametrize(
    ("c", "f", "i", "g", "o"),
    [(1.0, 0.5, 1.0, 0.5, 1.0), (-2.0, 0.9, 0.3, -0.7, 0.25), (0.3, 0.0, 0.0, 1.0, 0.0)],
)
def test_an_update_adds_up(c, f, i, g, o):
    panel = update_panel()
    panel.set(C=c, f=f, i=i, g=g, o=o)
    new = f * c + i * g
    expected = [c, f * c, i * g, new, np.tanh(new), o * np.tanh(new)]
    assert list(update_values(LSTM, panel.values).values()) == pytest.approx(expected, abs=1e-12)
    assert numbers(panel) == pytest.approx(expected, abs=6e-4)
    assert len(drawn(panel)[2]) == 6
    short = update_panel(show=("c",))
    short.set(C=c, f=f, i=i, g=g)
    assert numbers(short) == pytest.approx(expected[:4], abs=6e-4)


def test_a_number_travels_along_the_belt():
    panel = belt_panel(steps=7)
    panel.set({"C_0": -0.6, "g_2": 0.5, "g_5": -1.0, "f": 0.9, "i": 0.25})
    c, expected = -0.6, []
    for g in (0, 0.5, 0, 0, -1, 0, 0):
        c = 0.9 * c + 0.25 * g
        expected.append(c)
    assert numbers(panel)[7:] == pytest.approx(expected, abs=6e-4)


def test_panels_are_the_same_text_again_and_have_names():
    for make in (lambda: gate_panel(LSTM, "f"), update_panel, belt_panel):
        one, two = make(), make()
        assert one.view == two.view and "-0.000" not in one.view
        assert re.fullmatch(r"Panel: .+ \(\d sliders\)", repr(one))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda: gate_panel(LSTM, "q"), "no equation named 'q'"),
        (lambda: gate_panel(LSTM, "c"), "it is no layer"),
        (lambda: update_panel(show=("h",)), "give ('c',), or ('c', 'h')"),
        (lambda: belt_panel(steps=2), "at least 5"),
    ],
)
def test_what_no_panel_can_show_is_refused(wrong, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        wrong()
