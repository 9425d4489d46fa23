"""The gates' panels show what the LSTM's equations give, written here in plain NumPy."""

import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest
from colours import contrast

import lstmcourse as lc
from lstmcourse.errors import UnknownNameError
from lstmcourse.views.names import indexed, spoken
from lstmcourse.views.style import HUES
from lstmcourse.widgets import (
    Slider,
    belt_panel,
    belt_series,
    gate_panel,
    gate_values,
    update_panel,
    update_values,
)

LSTM = lc.cells.lstm
PANELS = {
    **{gate: lambda gate=gate: gate_panel(LSTM, gate) for gate in "figo"},
    "update of c": lambda: update_panel(show=("c",)),
    "update": update_panel,
    "belt": belt_panel,
    **{f"{gate} with peephole": lambda gate=gate: gate_panel(lc.cells.peephole, gate) for gate in "fio"},
    "o with matrix": lambda: gate_panel(lc.cells.peephole_full, "o"),
    "coupled update": lambda: update_panel(lc.cells.coupled),
}


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


class Rows(HTMLParser):
    """The rows of the table in a view: texts of their cells."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.inside = [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data):
        if self.inside:
            self.rows[-1][-1] += data


def number(text):
    return float(text.replace("−", "-"))


def numbers(panel):
    """What the table says: word -> (letters, number)."""
    return {word: (letters, number(text)) for word, letters, text in Rows(panel.view).rows}


def values(panel):
    return [value for _, value in numbers(panel).values()]


def drawing(panel):
    return ElementTree.fromstring(re.search(r"<svg.*?</svg>", panel.view, re.S)[0])


def bars(panel):
    """The signed lengths of the bars: upwards from the line on which they stand is positive."""
    found = []
    for bar in drawing(panel).iter("rect"):
        if bar.get("class") == "lc-bar":
            found.append((float(bar.get("y")), float(bar.get("height"))))
    return found


def said(panel):
    return ["".join(text.itertext()) for text in drawing(panel).iter("text")]


# One layer


SEEN = {"x": -0.7, "h": 0.4}
WEIGHTS = {"W": 1.3, "U": -2.1, "b": 0.9}
A = -0.7 * 1.3 + 0.4 * -2.1 + 0.9
EXPECTED = {
    "f": ({"c": -1.5}, {"a": A, "ft": sigmoid(A), "Ct−1": -1.5, "ft · Ct−1": sigmoid(A) * -1.5}),
    "i": ({"g": 0.6}, {"a": A, "it": sigmoid(A), "C̃t": 0.6, "it · C̃t": sigmoid(A) * 0.6}),
    "o": ({"c": 1.7}, {"a": A, "ot": sigmoid(A), "tanh(Ct)": np.tanh(1.7), "ht": sigmoid(A) * np.tanh(1.7)}),
    "g": ({}, {"a": A, "C̃t": np.tanh(A)}),
}


def moved(gate, more):
    panel = gate_panel(LSTM, gate)
    panel.set(SEEN | more | {f"{k}_{gate}": v for k, v in WEIGHTS.items()})
    return panel


@pytest.mark.parametrize("gate", EXPECTED)
def test_a_gate_shows_what_its_equation_gives(gate):
    more, expected = EXPECTED[gate]
    panel = moved(gate, more)
    assert list(gate_values(LSTM, gate, panel.values).values()) == pytest.approx(list(expected.values()))
    shown = dict(numbers(panel).values())
    assert shown == pytest.approx(expected, abs=6e-4)
    words = drawing(panel).findtext("desc")
    assert all(f"{v:.3f}".replace("-", "−") in words for v in expected.values())


@pytest.mark.parametrize("gate", EXPECTED)
def test_a_gates_panel_shows_what_a_step_gives(gate):
    """The whole LSTM at the same place, its other layers random: the same gate."""
    more, _ = EXPECTED[gate]
    panel = moved(gate, more)
    rng = np.random.default_rng(0)
    params = {name: rng.standard_normal(s) for name, s in LSTM.parameter_shapes(1, 1).items()}
    for name in params:
        params[name][...] = panel.values.get(name, params[name])
    state = {"h": np.full((1, 1), 0.4), "c": np.full((1, 1), panel.values.get("c", 0.0))}
    step = LSTM.step(params, np.full((1, 1), -0.7), state)
    assert values(panel)[1] == pytest.approx(step[gate].item(), abs=6e-4)


def test_words_and_equation_of_a_gate():
    panel = gate_panel(LSTM, "f")
    assert [*numbers(panel)] == ["pre-activation", "forget gate", "before", "after"]
    assert ">f<sub>t</sub> = σ(h<sub>t−1</sub> U<sub>f</sub> + x<sub>t</sub> W<sub>f</sub>" in panel.view


@pytest.mark.parametrize("gate", "fio")
def test_bars_before_and_after_have_one_scale(gate):
    more, expected = EXPECTED[gate]
    *_, before, after = expected.values()
    panel = moved(gate, more)
    (y, high), (y2, high2) = bars(panel)
    unit = 29 if gate == "f" else 58  # the cell state goes to 2, all else to 1
    assert [high, high2] == pytest.approx([unit * abs(before), unit * abs(after)], abs=0.06)
    zero = 26 + 150 / 2
    assert [y, y2] == pytest.approx([zero - unit * max(v, 0) for v in (before, after)], abs=0.06)


def test_the_candidate_has_a_curve_alone():
    panel = gate_panel(LSTM, "g")
    assert not bars(panel) and list(panel.values) == ["x", "h", "W_g", "U_g", "b_g"]
    assert "tanh(a)" in said(panel) and "σ(a)" not in said(panel)


@pytest.mark.parametrize(("gate", "curve", "low"), [("f", sigmoid, 0), ("g", np.tanh, -1)])
def test_the_dot_stands_on_the_curve(gate, curve, low):
    panel = gate_panel(LSTM, gate)
    line = drawing(panel).find("polyline").get("points")
    points = np.array([p.split(",") for p in line.split()], float)
    a, value = (points[:, 0] - 62) / 210 * 16 - 8, 1 - (points[:, 1] - 26) / 150 * (1 - low)
    assert value == pytest.approx(curve(a), abs=4e-3)
    for b in (-6.0, -0.7, 0.0, 6.0):
        panel.set({"x": 0.0, "h": 0.0, f"b_{gate}": b})
        dot = next(drawing(panel).iter("circle"))
        assert (float(dot.get("cx")) - 62) / 210 * 16 - 8 == pytest.approx(b, abs=5e-3)
        assert 1 - (float(dot.get("cy")) - 26) / 150 * (1 - low) == pytest.approx(curve(b), abs=1e-3)


def test_beyond_the_axis_the_dot_stays_and_an_arrow_says_so():
    panel = gate_panel(LSTM, "f")
    panel.set(x=1, h=0, W_f=6, b_f=6)
    assert "12.000 →" in said(panel) and float(next(drawing(panel).iter("circle")).get("cx")) == 62 + 210
    panel.set(W_f=-6, b_f=-6)
    assert "← −12.000" in said(panel) and float(next(drawing(panel).iter("circle")).get("cx")) == 62


def test_another_cells_layers_and_letters():
    """Letters, what is multiplied, and the curve come from the graph."""
    shown = gate_values(lc.cells.lstm_1997, "o", {"c": 1.2})
    assert list(shown) == ["a", "o_t", "2 σ(s_t) − 1", "h_t"]
    assert shown["h_t"] == pytest.approx(sigmoid(1.0) * (2 * sigmoid(1.2) - 1))

    @lc.cell(letters={"g": r"\tilde{h}"})
    def gru(x, h):
        z = lc.sigmoid(lc.affine("z", h, x))
        r = lc.sigmoid(lc.affine("r", h, x))
        g = lc.tanh(lc.affine("g", U=r * h, W=x))
        h = (1.0 - z) * h + z * g
        return h

    assert list(gate_values(gru, "r", {})) == ["a", "r_t", "h_{t-1}", "r_t · h_{t-1}"]
    shown = gate_values(gru, "g", {"x": 0.3, "h": -0.5, "r": 0.4, "W_g": 2.0, "U_g": 3.0, "b_g": 0.1})
    assert shown["h̃_t"] == pytest.approx(np.tanh(0.6 - 0.5 * 0.4 * 3 + 0.1))
    assert repr(gate_panel(gru, "z")) == "Panel: the layer z, for one unit (6 sliders)"


@pytest.mark.parametrize("gate", "fio")
@pytest.mark.parametrize(("cell", "kind"), [(lc.cells.peephole, "p"), (lc.cells.peephole_full, "V")])
def test_a_gate_with_a_peephole_shows_what_a_step_gives(gate, cell, kind):
    """One slider for the cell state, which a forget gate both looks at and multiplies."""
    panel = gate_panel(cell, gate)
    panel.set({"x": -0.7, "h": 0.4, "c": -1.5, f"{kind}_{gate}": 2.0, f"b_{gate}": 1.2})
    rng = np.random.default_rng(1)
    params = {name: rng.standard_normal(s) for name, s in cell.parameter_shapes(1, 1).items()}
    for name in params:
        params[name][...] = panel.values.get(name, params[name])
    state = {"h": np.full((1, 1), 0.4), "c": np.full((1, 1), -1.5)}
    if gate == "o":  # looks at the new cell state, which the panel holds
        cell, state["c"] = cell.override(c=-1.5), np.zeros((1, 1))
    step = cell.step(params, np.full((1, 1), -0.7), state)
    assert values(panel)[1] == pytest.approx(step[gate].item(), abs=6e-4)
    assert values(panel)[0] == pytest.approx(-0.7 + 0.4 + 1.2 - 3.0, abs=6e-4)
    assert panel[f"{kind}_{gate}"].tooltip == f"{kind} {gate}, weight of the cell state"


# One update


UPDATES = [
    (1.0, 0.5, 1.0, 0.5, 1.0),
    (-2.0, 0.9, 0.3, -0.7, 0.25),
    (0.3, 0.0, 0.0, 1.0, 0.0),
    (2, 1, 1, 1, 1),
]


@pytest.mark.parametrize(("c", "f", "i", "g", "o"), UPDATES)
def test_an_update_adds_up(c, f, i, g, o):
    panel = update_panel()
    panel.set(c=c, f=f, i=i, g=g, o=o)
    new = f * c + i * g
    expected = [c, f * c, g, i * g, new, np.tanh(new), o * np.tanh(new)]
    assert list(update_values(LSTM, panel.values).values()) == pytest.approx(expected)
    assert values(panel) == pytest.approx(expected, abs=6e-4)
    short = update_panel(show=("c",))
    short.set(c=c, f=f, i=i, g=g)
    assert values(short) == pytest.approx(expected[:5], abs=6e-4)
    for each, count in ((panel, 7), (short, 5)):
        drawn = [high for _, high in bars(each)]
        order = [0, 1, 2, 3, 4, 5, 6][:count]
        assert drawn == pytest.approx([27 * abs(expected[k]) for k in order], abs=0.06)
        for y, high in bars(each):  # on the belt or on the line below, up or down
            assert min(abs(edge - line) for edge in (y, y + high) for line in (104, 262)) < 0.11


@pytest.mark.parametrize(("learned", "bound"), [("f", "i"), ("i", "f")])
def test_a_coupled_update_has_one_slider_for_both_gates(learned, bound):
    cell = lc.cells.coupled.with_options(learned=learned)
    panel = update_panel(cell)
    assert list(panel.values) == ["c", "g", learned, "o"]
    panel.set({"c": 1.5, "g": -0.4, learned: 0.3, "o": 0.5})
    f, i = (0.3, 0.7) if learned == "f" else (0.7, 0.3)
    new = f * 1.5 + i * -0.4
    expected = [1.5, f * 1.5, -0.4, i * -0.4, new, np.tanh(new), 0.5 * np.tanh(new)]
    assert values(panel) == pytest.approx(expected, abs=6e-4)
    assert {"0.300", "0.700"} <= set(said(panel))
    assert f">{bound}<sub>t</sub> = 1 − {learned}<sub>t</sub><br>" in panel.view
    with pytest.raises(UnknownNameError, match=f"takes no '{bound}': {bound}_t = 1 − {learned}_t"):
        update_values(cell, {"c": 1.0, "f": 0.5, "i": 0.5, "g": 0.0})
    with pytest.raises(ValueError, match=f"'{learned}' is missing; give c, {learned}, g, and o for h"):
        update_values(cell, {"c": 1.0, "g": 0.0})


def test_signs_of_bars():
    panel = update_panel(show=("c",))
    panel.set(c=-2.0, f=1.0, i=0.5, g=1.0)
    tops = [y for y, _ in bars(panel)]
    assert tops == pytest.approx([104, 104, 262 - 27, 262 - 13.5, 104])  # down, down, up, up, down


def test_words_and_equations_of_an_update():
    panel = update_panel()
    assert {word: letters for word, (letters, _) in numbers(panel).items()} == {
        "before": "Ct−1",
        "kept": "ft · Ct−1",
        "candidate": "C̃t",
        "written": "it · C̃t",
        "after": "Ct",
        "squashed": "tanh(Ct)",
        "shown": "ht",
    }
    caption = (
        "C<sub>t</sub> = f<sub>t</sub> · C<sub>t−1</sub> + i<sub>t</sub> · C̃<sub>t</sub><br>h<sub>t</sub> = "
    )
    assert caption in panel.view
    assert "<br>" not in update_panel(show=("c",)).view


# Colours and places


def fills(panel):
    """The colour of each bar, in the order in which they are drawn."""
    found = [bar.get("fill") for bar in drawing(panel).iter("rect") if bar.get("class") == "lc-bar"]
    return [re.fullmatch(r"var\(--lc-(\w+)\)", fill)[1] for fill in found]


def test_a_quantity_has_one_hue_in_every_panel():
    c, g, h = HUES["c"], HUES["g"], HUES["h"]
    assert len({HUES[name] for name in "figochx"}) == 7
    pairs = {"f": [c, c], "i": [g, g], "o": [c, h], "g": []}
    assert {gate: fills(gate_panel(LSTM, gate)) for gate in pairs} == pairs
    assert fills(update_panel()) == [c, c, g, g, c, c, h]
    assert fills(belt_panel()) == [g] * 8 + [c] * 8
    assert fills(gate_panel(lc.cells.gru, "r")) == [h, h]
    for gate in "figo":
        assert drawing(gate_panel(LSTM, gate)).find("polyline").get("stroke") == f"var(--lc-{HUES[gate]})"
    lines = ElementTree.tostring(drawing(update_panel())).decode()
    assert all(f'stroke="var(--lc-{HUES[gate]})" stroke-width="3"' in lines for gate in "fio")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hues_stand_out_and_words_more_so(theme):
    colours = lc.plots.PALETTE[theme]
    assert all(contrast(colours[name], colours["paper"]) >= 3 for name in HUES.values())
    words = {
        re.search(r"--lc-(\w+)", text.get("style"))[1]
        for make in PANELS.values()
        for text in drawing(make()).iter("text")
        if text.get("style")
    }
    assert words == {"ink", "muted"} and all(contrast(colours[w], colours["paper"]) >= 4.5 for w in words)


@pytest.mark.parametrize("c", [-2.0, -0.3, 0.0, 0.4, 2.0])
@pytest.mark.parametrize("b", [-6.0, -1.0, 0.0, 1.0, 3.0])
def test_a_number_does_not_lie_on_an_outline(c, b):
    panel = gate_panel(LSTM, "f")
    panel.set(c=c, b_f=b, x=0, h=0)
    svg = drawing(panel)
    boxes = [r for r in svg.iter("rect") if r.get("class") in ("lc-bar", "lc-ghost")]
    edges = [float(r.get("y")) + k * float(r.get("height")) for r in boxes for k in (0, 1)]
    for text in svg.iter("text"):
        if float(text.get("x")) > 320 and text.get("font-size") == "12":  # the numbers of the bars
            foot = float(text.get("y"))
            if foot != 26 + 75 + 59:  # that of the gate stands below it
                assert not any(foot - 9 < edge < foot + 1 for edge in edges)


# Several updates


def test_a_number_travels_along_the_belt():
    panel = belt_panel(steps=7)
    panel.set({"C_0": -0.6, "g_2": 0.5, "g_5": -1.0, "f": 0.9, "i": 0.25})
    c, expected, candidates = -0.6, [], [0, 0.5, 0, 0, -1, 0, 0]
    for g in candidates:
        c = 0.9 * c + 0.25 * g
        expected.append(c)
    assert belt_series(LSTM, candidates, start=-0.6, f=0.9, i=0.25) == pytest.approx(expected)
    head, *rows = Rows(panel.view).rows
    assert head == ["step", "1", "2", "3", "4", "5", "6", "7"]
    assert [name for name, *_ in rows] == ["C̃", "C"]
    assert [[number(v) for v in row] for _, *row in rows] == [candidates, pytest.approx(expected, abs=6e-4)]


def test_the_belt_is_a_run_of_the_lstm_whose_candidate_comes_in():
    """Fed through the candidate's own layer, the same states: x = artanh(g), W_g = 1."""
    candidates = np.array([0.0, 0.5, 0.0, -0.8])
    held = LSTM.override(f=0.7, i=0.6)
    params = {name: np.zeros(shape) for name, shape in LSTM.parameter_shapes(1, 1).items()}
    params["W_g"] += 1.0
    start = {"h": np.zeros((1, 1)), "c": np.full((1, 1), 0.9)}
    run = lc.unroll(held, params, np.arctanh(candidates)[:, None, None], state=start)
    series = belt_series(LSTM, candidates, start=0.9, f=0.7, i=0.6)
    assert series == pytest.approx(run["c"][:, 0, 0], rel=1e-12)


# All of them


@pytest.mark.parametrize("name", PANELS)
def test_every_slider_moves_numbers_or_picture(name):
    panel = PANELS[name]()
    if name == "belt":
        panel.set(g_2=0.3)
    for slider, value in panel.values.items():
        before = drawing(panel), Rows(panel.view).rows
        panel.set({slider: value + 0.1 if value < 0.9 else value - 0.1})
        assert Rows(panel.view).rows != before[1], slider
        assert ElementTree.tostring(drawing(panel)) != ElementTree.tostring(before[0]), slider


@pytest.mark.parametrize("name", PANELS)
def test_the_picture_says_what_it_shows_and_shares_nothing_with_the_page(name):
    panel = PANELS[name]()
    svg = drawing(panel)
    assert svg.get("role") == "img" and svg[0].tag == "title" and svg[1].tag == "desc"
    assert svg[0].text and re.search(r"\d\.\d\d\d", svg[1].text)
    assert not re.search(r'\bid="|url\(|#[0-9a-fA-F]{3}', panel.view)  # no ids, colours by variables only
    assert set(re.findall(r"var\(--lc-(\w+)\)", panel.view)) <= set(lc.plots.PALETTE["light"])


@pytest.mark.parametrize("name", PANELS)
def test_every_bar_is_told_by_its_name_and_its_number(name):
    panel = PANELS[name]()
    words = said(panel)
    if name != "belt":
        for letters, value in numbers(panel).values():
            assert letters in words and f"{value:.3f}".replace("-", "−") in words


@pytest.mark.parametrize("name", PANELS)
def test_the_same_text_again_and_nothing_below_three_decimals(name):
    one, two = PANELS[name](), PANELS[name]()
    assert one.view == two.view
    first, second = (
        {k: v for k, v in p._repr_mimebundle_().items() if "widget" not in k} for p in (one, two)
    )
    assert first == second
    assert "-0.000" not in one.view and "−0.000" not in one.view and not re.search(r"\d\.\d{4}", one.view)


def test_no_minus_before_zero():
    panel = update_panel()
    panel.set(c=-1.0, f=0.0, g=-1.0, i=0.0)
    assert "−0.000" not in panel.view and values(panel)[1] == 0.0


def test_reprs():
    assert {name: repr(make()) for name, make in PANELS.items()} == {
        "f": "Panel: the forget gate, for one unit (6 sliders)",
        "i": "Panel: the input gate, for one unit (6 sliders)",
        "g": "Panel: the candidate, for one unit (5 sliders)",
        "o": "Panel: the output gate, for one unit (6 sliders)",
        "update of c": "Panel: one update of the cell state (4 sliders)",
        "update": "Panel: one update, and what is shown of it (5 sliders)",
        "belt": "Panel: the belt, step by step (5 sliders)",
        "f with peephole": "Panel: the forget gate, for one unit (7 sliders)",
        "i with peephole": "Panel: the input gate, for one unit (8 sliders)",
        "o with peephole": "Panel: the output gate, for one unit (7 sliders)",
        "o with matrix": "Panel: the output gate, for one unit (7 sliders)",
        "coupled update": "Panel: one update, and what is shown of it (4 sliders)",
    }


def beside(panel):
    """What stands beside the sliders, indices in brackets."""
    texts = [panel[name].description for name in panel.values]
    return [re.sub(r'<span class="lc-low">(.*?)</span>', r"(\1)", text) for text in texts]


def test_sliders_have_the_papers_letters_and_names_for_everyone():
    panel = gate_panel(LSTM, "f")
    assert list(panel.values) == ["x", "h", "c", "W_f", "U_f", "b_f"]
    assert beside(panel) == ["x(t)", "h(t−1)", "C(t−1)", "W(f)", "U(f)", "b(f)"]
    assert beside(gate_panel(LSTM, "g")) == ["x(t)", "h(t−1)", "W(C)", "U(C)", "b(C)"]  # as in the equation
    assert "tanh(h<sub>t−1</sub> U<sub>C</sub> + x<sub>t</sub> W<sub>C</sub>" in gate_panel(LSTM, "g").view
    assert beside(gate_panel(lc.cells.lstm_1997, "i"))[-3:] == ["W(i)", "U(i)", "b(i)"]
    assert panel["c"].tooltip == "C t−1, the cell state before the step"
    assert panel["W_f"].tooltip == "W f, weight of the input"
    assert gate_panel(LSTM, "o")["c"].tooltip == "C t, the cell state"
    assert beside(gate_panel(LSTM, "i"))[2] == "C̃(t)"
    assert beside(belt_panel())[:3] == ["C(0)", "C̃(2)", "C̃(5)"]
    ranges = {name: (s.min, s.max) for name in panel.values for s in [panel[name]]}
    assert ranges == {
        **dict.fromkeys(("x", "h"), (-1, 1)),
        "c": (-2, 2),
        **dict.fromkeys(("W_f", "U_f", "b_f"), (-6, 6)),
    }
    for make in PANELS.values():
        tips = [make()[name].tooltip for name in make().values]
        assert len(set(tips)) == len(tips) and all(tips)


def test_a_slider_without_symbol_shows_its_name_as_it_is():
    panel = lc.widgets.Panel([Slider("x_t"), Slider("c", symbol="C_t")], lambda v: "", title="t")
    assert beside(panel) == ["x_t", "C(t)"]


def test_labels():
    assert indexed("f_t · C_{t-1} < b_f") == "f<sub>t</sub> · C<sub>t−1</sub> &lt; b<sub>f</sub>"
    assert spoken("f_t · C_{t-1}") == "f t · C t−1"


def test_sliders_start_where_they_are_told():
    panel = gate_panel(
        LSTM, "f", values={"x": 1.0, "h": 0, "b_f": 5, "W_f": -10}, weight=10.0, title="closing"
    )
    assert values(panel)[:2] == pytest.approx([-5.0, sigmoid(-5.0)], abs=6e-4)
    assert repr(panel) == "Panel: closing (6 sliders)"


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda: gate_panel(LSTM, "ff"), UnknownNameError, "no equation named 'ff': did you mean 'f'"),
        (lambda: gate_panel(LSTM, "c"), ValueError, "C_t = f_t · C_{t-1} + i_t · C̃_t is not sigmoid or tanh"),
        (lambda: gate_panel(lc.cells.lstm_1997, "g"), ValueError, "not sigmoid or tanh of an affine layer"),
        (lambda: gate_panel(LSTM.override(f=1.0), "f"), ValueError, "f_t = 1 is not"),
        (
            lambda: gate_panel(LSTM, "f", values={"W_i": 1}),
            UnknownNameError,
            "no slider 'W_i': did you mean 'W_f'",
        ),
        (lambda: gate_panel(LSTM, "f", values={"b_f": 7}), ValueError, "range -6 to 6"),
        (lambda: gate_values(LSTM, "g", {"c": 1}), UnknownNameError, "no slider 'c'"),
        (lambda: update_panel(show=("h",)), ValueError, "give ('c',), or ('c', 'h')"),
        (lambda: update_panel(lc.cells.rnn), UnknownNameError, "no equation named 'f'"),
        (
            lambda: update_panel(LSTM.override(f=1.0, c=1.0)),
            ValueError,
            "lstm: C_t = 1; h_t = o_t · tanh(C_t): the",
        ),
        (lambda: update_values(LSTM, {"C": 1.0}), UnknownNameError, "an update has no 'C'"),
        (lambda: update_values(LSTM, {"c": 1.0}), ValueError, "'f' is missing"),
        (lambda: belt_panel(steps=2), ValueError, "at least 5"),
        (lambda: belt_panel(lc.cells.rnn), UnknownNameError, "no equation named 'f'"),
    ],
)
def test_what_no_panel_can_show_is_refused(wrong, error, words):
    with pytest.raises(error, match=re.escape(words)):
        wrong()
