"""What a panel shows is what the engine computes; what goes wrong in it is not swallowed."""

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse import widgets
from lstmcourse.errors import UnknownNameError
from lstmcourse.widgets import Panel, Slider

SVG = "{http://www.w3.org/2000/svg}"


class Cells(HTMLParser):
    """The rows of the table in a view."""

    def __init__(self, page):
        super().__init__()
        self.rows, self.inside = [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.inside = tag in ("td", "th")
        if tag == "tr":
            self.rows.append([])

    def handle_data(self, data):
        if self.inside:
            self.rows[-1].append(data)


def table(panel):
    """The numbers that a panel shows: name -> values."""
    _, *rows = Cells(panel.view).rows
    return {name: [float(v.replace("−", "-")) for v in values] for name, *values in rows}


def drawing(panel):
    return ElementTree.fromstring(re.search("<svg.*</svg>", panel.view, re.S)[0])


def by_hand(w, u, b, x):
    """h_t = tanh(w x_t + u h_(t-1) + b), in plain Python."""
    h, states = 0.0, []
    for value in x:
        h = float(np.tanh(w * value + u * h + b))
        states.append(h)
    return states


def test_numbers_are_the_engines_and_follow_the_sliders():
    panel = widgets.state_panel(lc.cells.rnn)
    assert table(panel)["h"] == pytest.approx(by_hand(1, 0.5, 0, [1, 0, 0, 0, 0]), abs=5e-4)
    moved = {"W_h": -1.5, "U_h": 2.0, "b_h": 0.3, "x_1": 0.4, "x_3": -0.8, "x_5": 1.0}
    panel.set(moved)
    x = [0.4, 0, -0.8, 0, 1.0]
    assert table(panel) == {"x": x, "h": pytest.approx(by_hand(-1.5, 2.0, 0.3, x), abs=5e-4)}


def test_two_units_show_what_unroll_gives():
    panel = widgets.state_panel(lc.cells.rnn, hidden_size=2, x=[1.0, -0.5, 0.2])
    rng = np.random.default_rng(3)
    moved = {name: round(float(rng.uniform(-1, 1)), 1) for name in panel.values}
    panel.set(moved)
    params = {
        "W_h": np.array([[moved["W_h[1]"], moved["W_h[2]"]]]),
        "U_h": np.array([[moved[f"U_h[{r},{c}]"] for c in (1, 2)] for r in (1, 2)]),
        "b_h": np.array([moved["b_h[1]"], moved["b_h[2]"]]),
    }
    x = np.array([moved[f"x_{t}"] for t in (1, 2, 3)])
    h = lc.unroll(lc.cells.rnn, params, x[:, None, None])["h"][:, 0]
    assert table(panel)["h[1]"] == pytest.approx(h[:, 0], abs=5e-4)
    assert table(panel)["h[2]"] == pytest.approx(h[:, 1], abs=5e-4)


def test_gates_of_an_lstm_can_be_shown():
    panel = widgets.state_panel(lc.cells.lstm, show=["f", "c", "h"], x=[1.0, 0.0])
    shown = table(panel)
    assert list(shown) == ["x", "f", "c", "h"]
    assert panel.values["b_f"] == 1.0
    assert shown["f"][0] == pytest.approx(1 / (1 + np.exp(-2)), abs=5e-4)  # W 1, x 1, bias 1
    panel.set(b_f=-3.0, W_f=0.0, U_f=0.0)
    assert table(panel)["f"] == pytest.approx([1 / (1 + np.exp(3))] * 2, abs=5e-4)


def test_given_parameters_and_several_inputs():
    params = {"W_h": np.array([[0.4], [-0.7]]), "U_h": np.array([[1.1]]), "b_h": np.array([0.2])}
    x = np.array([[1.0, -1.0], [0.0, 0.5]])
    panel = widgets.state_panel(lc.cells.rnn, params, x=x)
    assert panel.values == {
        **{"W_h[1]": 0.4, "W_h[2]": -0.7, "U_h": 1.1, "b_h": 0.2},
        **{"x_1[1]": 1.0, "x_1[2]": -1.0, "x_2[1]": 0.0, "x_2[2]": 0.5},
    }
    first = np.tanh(0.4 + 0.7 + 0.2)
    assert table(panel)["h"] == pytest.approx([first, np.tanh(-0.35 + 1.1 * first + 0.2)], abs=5e-4)


def test_the_picture_shows_the_same_numbers():
    panel = widgets.state_panel(lc.cells.rnn)
    for move in ({}, {"W_h": -2.0}):
        panel.set(move)
        bars = [b for b in drawing(panel).iter("rect") if b.get("class") == "lc-bar"]
        lengths = [float(b.get("height")) / 32 for b in bars]
        shown = table(panel)
        assert lengths == pytest.approx(np.abs(shown["x"] + shown["h"]), abs=0.002)
        circles = [float(c.get("cy")) for c in drawing(panel).iter("circle")][5:]
        zero = circles[0] + 32 * shown["h"][0]
        assert [(zero - y) / 32 for y in circles] == pytest.approx(shown["h"], abs=0.005)  # with their signs


def test_the_picture_says_what_it_shows():
    svg = drawing(widgets.state_panel(lc.cells.rnn, x=[1.0, 0.0]))
    assert svg.get("role") == "img"
    assert svg.find("title").text == "Step by step: x, h"
    assert "h: 0.762, 0.363" in svg.find("desc").text


def test_a_strip_grows_with_its_values():
    svg = ElementTree.fromstring(widgets.strips({"c": np.array([3.0, -12.0])}))
    assert [t.text for t in svg.iter("text")][:3] == ["c", "20", "−20"]
    heights = [float(b.get("height")) for b in svg.iter("rect")]
    assert heights == pytest.approx([32 * 3 / 20, 32 * 12 / 20], abs=0.06)


def test_the_ends_of_a_scale_are_named_where_they_are():
    svg = ElementTree.fromstring(widgets.strips({"c": np.array([1.0, -1.0])}))
    top, foot = (float(t.get("y")) - 0.36 * float(t.get("font-size")) for t in list(svg.iter("text"))[1:3])
    bars = [(float(b.get("y")), float(b.get("height"))) for b in svg.iter("rect")]
    assert [top, foot] == pytest.approx([bars[0][0], sum(bars[1])], abs=0.06)


def test_what_is_not_finite_can_be_shown():
    page = widgets.strips({"c": np.array([np.nan, 1.0])}) + widgets.table({"c": np.array([np.nan, 1.0])})
    assert "<td>nan</td>" in page and 'y="nan' not in page


def test_sliders_are_named_for_everyone():
    panel = widgets.state_panel(lc.cells.rnn)
    assert panel["U_h"].tooltip == "U h, weight of the previous state"
    assert panel["x_2"].tooltip == "x 2, input"
    low = 'U<span class="lc-low">h</span>'
    assert panel["U_h"].description == low and panel["U_h"].description_allow_html
    long = widgets.state_panel(lc.cells.rnn, x=np.zeros((12, 2)))
    assert long["x_12[2]"].description == 'x<span class="lc-low">12</span>[2]'


def test_an_error_reaches_who_moved_the_slider_and_is_shown():
    def render(values):
        if values["a"] > 0:
            raise ZeroDivisionError("no <view>")
        return "fine"

    panel = Panel([Slider("a", 0.0)], render, title="t")
    with pytest.raises(ZeroDivisionError):
        panel["a"].value = 0.5
    assert 'role="alert"' in panel.view and "no &lt;view&gt;" in panel.view
    panel["a"].value = -0.5
    assert panel.view == "fine"


def test_an_error_at_once_is_raised_at_once():
    with pytest.raises(KeyError):
        Panel([Slider("a")], lambda v: v["b"], title="t")


def test_display_is_stable_and_has_a_view_without_sliders():
    first, second = (widgets.state_panel(lc.cells.rnn)._repr_mimebundle_() for _ in range(2))
    key = "application/vnd.jupyter.widget-view+json"
    assert first.pop(key)["model_id"] != second.pop(key)["model_id"]
    assert first == second
    assert first["text/plain"] == "Panel: the state of rnn, step by step (8 sliders)"
    assert "<td>0.762</td>" in first["text/html"]


@pytest.mark.parametrize(
    "make",
    [
        lambda: widgets.state_panel(lc.cells.rnn),
        lambda: widgets.gate_panel(lc.cells.lstm, "f"),
        widgets.update_panel,
        widgets.belt_panel,
        widgets.clock_panel,
    ],
)
def test_without_sliders_the_picture_is_an_image(make):
    """JupyterLab drops inline SVG and styles from outputs that it does not trust; an image remains."""
    panel = make()
    page, drawn = panel._repr_mimebundle_()["text/html"], drawing(panel)
    assert "<svg" in panel.view and "<svg" not in page
    image = ElementTree.fromstring(re.search(r"<img [^>]*/>", page)[0])
    assert image.get("alt") == f"{drawn.findtext('title')}. {drawn.findtext('desc')}"
    assert (image.get("width"), image.get("height")) == (drawn.get("width"), drawn.get("height"))
    data = image.get("src").removeprefix("data:image/svg+xml;base64,")
    alone = ElementTree.fromstring(base64.b64decode(data).decode())
    inside = {e.tag: e for e in alone}[f"{SVG}style"].text
    used = set(re.findall(r"var\((--lc-\w+)\)", ElementTree.tostring(alone).decode()))
    assert used <= set(re.findall(r"(--lc-\w+):", inside)) and "prefers-color-scheme:dark" in inside
    tags = [e.tag.removeprefix(SVG) for e in alone.iter()]
    assert [tag for tag in tags if tag != "style"] == [e.tag for e in drawn.iter()]


def test_the_panel_keeps_to_the_range_of_a_slider():
    panel = widgets.state_panel(lc.cells.rnn, weight=2.0)
    panel.set(W_h=7.0)
    assert panel.values["W_h"] == 2.0


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Slider(""), ValueError, "without a name"),
        (lambda: Slider("a", 2, -1, 1), ValueError, "value 2, range -1 to 1"),
        (lambda: Slider("a", 0, 0, 0), ValueError, "low < high"),
        (lambda: Slider("a", step=0), ValueError, "step"),
        (lambda: Slider("a", float("nan")), ValueError, "finite"),
        (lambda: Panel([], str, title="t"), ValueError, "at least one"),
        (lambda: Panel([Slider("a"), Slider("a")], str, title="t"), ValueError, "its own name"),
        (lambda: widgets.state_panel(lc.cells.rnn)["U_g"], UnknownNameError, "did you mean"),
        (lambda: widgets.state_panel(lc.cells.rnn, hidden_size=8), ValueError, "at most 40"),
        (lambda: widgets.state_panel(lc.cells.rnn, x=[]), ValueError, "x has shape"),
        (lambda: widgets.state_panel(lc.cells.rnn, x=[5.0]), ValueError, "'x_1'"),
    ],
)
def test_bad_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()
