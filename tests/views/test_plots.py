"""Figures carry their text alternative, wear the palette in both themes, and give the same bytes again."""

import base64
import io
import itertools
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from lstmcourse import plots
from lstmcourse.course.plots import LABELS
from lstmcourse.views import figures

ROOT = Path(__file__).resolve().parents[2]
HUES = ["blue", "orange", "green", "purple", "ochre"]


# Colours, by the formulas of WCAG 2.1 (contrast) and of Machado, Oliveira & Fernandes (2009, severity 1)


def linear(colour):
    c = np.array([int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)])
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast(a, b):
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (a, b))
    return (high + 0.05) / (low + 0.05)


SIGHT = {
    "common": np.eye(3),
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    "tritanopia": [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
}
XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])


def lab(colour, sight):
    seen = np.clip(np.array(SIGHT[sight]) @ linear(colour), 0, 1)
    t = XYZ @ seen / [0.9505, 1.0, 1.0888]
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_palette_is_legible(theme):
    c = plots.PALETTE[theme]
    assert contrast(c["ink"], c["paper"]) >= 12
    assert contrast(c["muted"], c["paper"]) >= 4.5
    assert min(contrast(c[h], c["paper"]) for h in HUES) >= 3
    assert min(contrast(c["ink"], c[end]) for end in ("low", "high")) >= 4.5


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_hues_stay_apart(theme, sight):
    c = [lab(plots.PALETTE[theme][h], sight) for h in HUES]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(c, 2)) > 15


def test_palette_has_the_same_names_in_both_themes_and_no_colour_twice():
    light, dark = plots.PALETTE.values()
    assert list(light) == list(dark)
    assert len(set(light.values())) == len(light)  # a colour stands for one name in a drawing
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in [*light.values(), *dark.values()])


def test_css_defines_every_name_in_both_themes():
    text = plots.css(".x", prefix="--q-")
    for theme, host in (("light", "true"), ("dark", "false")):
        rule = re.search(rf'\[data-jp-theme-light="{host}"\][^{{]* \.x{{([^}}]*)}}', text)[1]
        assert rule == "".join(f"--q-{k}:{v};" for k, v in plots.PALETTE[theme].items())


# What a page receives


def inside(picture):
    """The HTML of a picture: its tag's attributes, and the drawing."""
    page = picture._repr_html_()
    assert page.count("<img ") == 1
    attributes = dict(re.findall(r'([\w-]+)="([^"]*)"', page[page.index("<img ") :]))
    kind, data = attributes["src"].split(";base64,")
    assert kind == "data:image/svg+xml"
    return attributes, base64.b64decode(data).decode()


def gallery():
    """One figure for each verb."""
    rng = np.random.default_rng(0)
    t = np.arange(200)
    return {
        "lines": plots.lines({"a": rng.normal(size=200), "b": (t, t / 9.0)}, reference={"chance": 0.5}),
        "bands": plots.bands([1, 2, 4], [0.9, 0.8, 0.5], [0.8, 0.5, 0.4], [1, 0.9, 0.6], log="x"),
        "numbers": plots.heatmap(rng.normal(size=(3, 4)), "abc", ["the", "clouds", "are", "white"]),
        "shades": plots.heatmap(rng.normal(size=(12, 30))),
        "bars": plots.bars({"x": {"p": 1.0, "q": 2.0}, "y": {"p": 2.0, "q": 1.0}}),
    }


@pytest.mark.parametrize("verb", list(gallery()))
def test_picture_is_small_well_formed_and_named(verb):
    picture = plots.picture(gallery()[verb], alt='what "it" shows & says')
    attributes, svg = inside(picture)
    assert attributes["alt"] == "what &quot;it&quot; shows &amp; says"
    assert repr(picture) == 'Figure: what "it" shows & says'
    assert len(picture._repr_html_()) < 60_000
    ElementTree.fromstring(svg)
    used = set(re.findall(r'(?:xlink:href="#|url\(#)([\w-]+)', svg))
    assert used and used <= set(re.findall(r'id="([\w-]+)"', svg))


@pytest.mark.parametrize("verb", list(gallery()))
def test_every_colour_follows_the_theme(verb):
    _, svg = inside(plots.picture(gallery()[verb], alt="x"))
    drawing = svg[svg.index("</style>") :]
    assert not re.findall(r"#[0-9a-f]{6}\b", re.sub('xlink:href="[^"]*"', "", drawing))
    assert "black" not in drawing
    assert drawing.count('class="lc-light"') == drawing.count('class="lc-dark"')


def test_black_follows_the_theme_as_well():
    """A legend, a line or words that are added outside the verbs are black, which is not seen in the dark."""
    fig, ax = plots.figure()
    ax.plot([1, 2], color="black", label="a line")
    ax.text(0, 1, "words")
    ax.add_patch(Rectangle((0, 0), 1, 1, color="black"))
    ax.legend()
    _, svg = inside(plots.picture(fig, alt="x"))
    drawing = ElementTree.fromstring(svg)
    assert "fill:var(--lc-ink)" in drawing[0].text and drawing[0].text.startswith("svg{")
    assert "#000000" not in svg and "stroke:var(--lc-ink)" in svg
    unfilled = [e for e in drawing.iter() if e.tag.endswith("}g") and "scale(0.1" in e.get("transform", "")]
    assert any("fill" not in e.get("style", "") for e in unfilled)  # these take what the root says


def test_picture_gives_the_same_bytes_again():
    first, second = (plots.picture(gallery()["bars"], alt="x")._repr_html_() for _ in range(2))
    assert first == second
    assert "Date" not in inside(plots.picture(gallery()["bars"], alt="x"))[1]


def test_nothing_of_the_drawing_is_compared_in_notebooks():
    rules = (ROOT / "tools/nbval_sanitize.cfg").read_text().splitlines()
    pairs = [
        (rules[k][len("regex: ") :], rules[k + 1][len("replace: ") :])
        for k in range(len(rules))
        if rules[k].startswith("regex: ")
    ]
    pages = [
        plots.picture(
            plots.lines(y),
            alt="x",
        )._repr_html_()
        for y in ([1, 2, 3], [1, 2, 3.5])
    ]
    assert pages[0] != pages[1]
    for pattern, to in pairs:
        pages = [re.sub(pattern, to, page) for page in pages]
    assert pages[0] == pages[1] and 'alt="x"' in pages[0]


def test_heatmap_shades_in_both_themes():
    from PIL import Image

    m = np.array([[-1.0, 0.0, 1.0]])
    _, svg = inside(plots.picture(plots.heatmap(m, limit=1), alt="x"))
    for theme in plots.PALETTE:
        tags = re.findall(rf'<image class="lc-{theme}"[^>]*>', svg)
        assert len(tags) == 2  # cells and scale
        data = re.search('base64,([^"]*)', tags[0])[1]
        pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))
        assert pixels.shape == (1, 3, 3)
        shown = ["#" + bytes(p).hex() for p in pixels[0]]
        assert shown == [plots.PALETTE[theme][name] for name in ("low", "paper", "high")]


def test_another_image_is_left_as_it_is():
    fig, ax = plots.figure()
    ax.imshow(np.random.default_rng(0).random((4, 4, 3)), interpolation="none")
    _, svg = inside(plots.picture(fig, alt="x"))
    assert svg.count("<image ") == 1 and 'lc-dark"' not in svg


def test_heatmap_marks_negative_and_missing_cells_without_colour():
    m = np.full((20, 10), 0.5)
    m[3, 4], m[5, 6] = -0.5, np.nan
    ax = plots.heatmap(m).axes[0]
    dash, cross = (patch.get_path().vertices for patch in ax.patches)
    assert np.allclose(dash.mean(0), (4, 3)) and np.ptp(dash[:, 1]) == 0
    assert np.allclose(cross.mean(0), (6, 5)) and len(cross) == 4


def test_lines_differ_without_colour():
    fig = plots.lines({str(k): [k, k + 1] for k in range(6)})
    looks = {
        (str(line.get_linestyle()), line._dash_pattern[1] and tuple(line._dash_pattern[1]))
        for line in fig.axes[0].lines
    }
    assert len(looks) == 6
    assert len({line.get_marker() for line in fig.axes[0].lines}) == 6


def test_lines_draw_the_data():
    fig = plots.lines({"a": [3.0, 2.0], "b": ([5, 6, 7], [1.0, 4.0, 9.0])}, x=[10, 20])
    a, b = fig.axes[0].lines
    assert a.get_xydata().tolist() == [[10, 3], [20, 2]]
    assert b.get_xydata().tolist() == [[5, 1], [6, 4], [7, 9]]


def test_bands_draw_the_data_and_label_each_gap():
    fig = plots.bands([1, 2, 4], [0.9, 0.8, 0.5], [0.8, 0.5, 0.4], [1, 0.9, 0.6], log="x")
    ax = fig.axes[0]
    assert ax.lines[0].get_xydata().tolist() == [[1, 0.9], [2, 0.8], [4, 0.5]]
    corners = {tuple(v) for v in ax.collections[0].get_paths()[0].vertices.tolist()}
    assert {(1, 0.8), (1, 1.0), (2, 0.5), (2, 0.9), (4, 0.4), (4, 0.6)} == corners
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "2", "4"]


def test_bars_draw_the_data():
    fig = plots.bars({"x": {"p": 1.0, "q": 2.0}, "y": {"p": 3.0, "q": 4.0}})
    ax = fig.axes[0]
    assert [bar.get_height() for bar in ax.patches] == [1, 2, 3, 4]
    assert len({bar.get_hatch() for bar in ax.patches}) == 2


def test_rows_along_a_sentence_share_a_scale():
    words, gate = ["a", "b"], [0.2, 0.4]
    fig = plots.by_word(words, {"old": [0.1, -0.14], "$o_t$": gate, "new": [5.19, 0.0], "h": [0.1, -0.1]})
    assert [ax.get_ylim() for ax in fig.axes] == [(-6, 6), (0, 1), (-6, 6), (-1, 1)]
    fig = plots.by_word(words, {"stored": [1.2, 0.0], "shown": [0.3, 0.1]})  # nothing negative: from 0
    assert [ax.get_ylim() for ax in fig.axes] == [(0, 1.5)] * 2


def test_names_of_lines_that_are_close_do_not_overlap():
    fig = plots.lines({"a": [0, 1]}, reference={"low": 0.1, "xz": 0.801, "zstd": 0.8, "bz": 0.809})
    ax = fig.axes[0]
    fig.canvas.draw()
    boxes = sorted(t.get_window_extent().extents[[1, 3]].tolist() for t in ax.texts)
    assert all(above > below for (_, below), (above, _) in itertools.pairwise(boxes))
    assert next(t for t in ax.texts if t.get_text() == "low").xyann == (4, 0)  # what has room stays


@pytest.mark.parametrize("seed", range(5))
def test_places_move_as_little_as_they_must(seed):
    """Against all ways to let some of the neighbours touch."""
    at = np.random.default_rng(seed).uniform(0, 50, size=6)
    order, steps = np.argsort(at), 10.0 * np.arange(6)
    found = []
    for touching in itertools.product((False, True), repeat=5):
        group = np.cumsum([0, *(not t for t in touching)])
        placed = steps + [np.mean((at[order] - steps)[group == g]) for g in group]
        if np.diff(placed).min() > 10 - 1e-9:
            found.append((np.sum((placed - at[order]) ** 2), *placed))
    assert np.allclose(figures.apart(at, 10.0)[order], min(found)[1:], atol=1e-9)


def test_a_name_has_one_hue_wherever_it_stands():
    c = plots.PALETTE["light"]
    fig = plots.lines({"other": [1, 2], "LSTM": [1, 2], "plain network": [1, 2]})
    assert [line.get_color() for line in fig.axes[0].lines] == [c["green"], c["orange"], c["blue"]]
    from matplotlib.colors import to_hex

    fig = plots.bars({"LSTM": {"a": 1}, "plain network": {"a": 1}})
    assert [to_hex(bar.get_facecolor()) for bar in fig.axes[0].patches] == [c["orange"], c["blue"]]
    fig = plots.lines({"LSTM": [1, 2], "bound": [2, 3]}, like={"bound": "LSTM"})
    one, bound = fig.axes[0].lines
    assert one.get_color() == bound.get_color() and one._dash_pattern != bound._dash_pattern
    assert {plots.hue(name) for name in LABELS} == {None}
    names = [name for labels in LABELS.values() for name in labels]
    assert len(names) == len(set(names)) and set(LABELS) == {*HUES, "ink"}


def test_medians_say_over_how_many_seeds():
    assert "5 seeds" in plots.over_seeds([1, 2], {"a": np.ones((2, 5))}).get_supxlabel()


def test_nothing_negative_has_a_scale_from_zero():
    one, two = (plots.heatmap(m).axes[0].child_axes[0] for m in ([[0.0, 2.0]], [[-1.0, 2.0]]))
    assert [t.get_text() for t in one.get_yticklabels()] == ["0", "2"] and one.get_ylim() == (0, 2)
    assert [t.get_text() for t in two.get_yticklabels()] == ["−2", "0", "2"]


def test_the_callers_settings_change_nothing():
    import matplotlib

    plain = plots.picture(plots.lines({"a": [1, 2]}, title="t"), alt="x")
    with matplotlib.rc_context({"axes.titlelocation": "center", "lines.linewidth": 9, "text.color": "red"}):
        assert plots.picture(plots.lines({"a": [1, 2]}, title="t"), alt="x") == plain


def test_a_pyplot_figure_is_closed():
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    fig, ax = plt.subplots()
    ax.plot([1, 2], color=plots.PALETTE["light"]["blue"])
    assert "var(--lc-blue)" in plots.picture(fig, alt="x").svg
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: plots.picture(plots.lines([1, 2]), alt=" "), ValueError, "say in a sentence"),
        (lambda: plots.picture([1, 2], alt="x"), TypeError, "fig=.*Figure is needed"),
        (lambda: plots.lines({}), ValueError, "empty"),
        (lambda: plots.lines({"a": [1, 2]}, like={"a": "b"}), ValueError, r"like names \['b'\]"),
        (lambda: plots.lines({"a": [1, 2, 3]}, x=[1, 2]), ValueError, "positions of 'a'.*3 numbers"),
        (lambda: plots.lines({"a": [[1, 2]]}), ValueError, r"series 'a': shape \(1, 2\)"),
        (lambda: plots.lines([1, 2], log="z"), ValueError, "log='z' does not fit"),
        (lambda: plots.bands([1, 2], [1, 2, 3], [1, 2], [1, 2]), ValueError, "median has shape"),
        (lambda: plots.bands([1, 2], [1, 2], [1, 2], [1, 2, 3]), ValueError, "high has shape"),
        (lambda: plots.bands([1], [[1], [2]], [[1], [2]], [[1], [2]]), ValueError, "name each"),
        (lambda: plots.bands([1], [1], [2], [3]), ValueError, "outside its band"),
        (lambda: plots.heatmap([1, 2]), ValueError, "rows and columns"),
        (lambda: plots.heatmap([[1, 2]], rows="ab"), ValueError, "rows names 2.* has 1"),
        (lambda: plots.heatmap([[1, 2]], limit=0), ValueError, "limit=0 does not fit"),
        (lambda: plots.bars({}), ValueError, "empty"),
        (lambda: plots.bars({"a": {"x": 1}, "b": {"y": 1}}), ValueError, r"\['y'\], not \['x'\]"),
    ],
)
def test_bad_input_is_refused(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_importing_loads_no_matplotlib():
    code = "import sys, lstmcourse.plots; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_unit_along_a_sentence():
    words = ["the", "queen", "is"]
    fig = plots.by_word(words, {"f": [0.9, 0.1, 1.0], "C": [0.0, -2.0, 1.4]}, marks={"subject": [1]})
    gate, state = fig.axes
    assert [bar.get_height() for bar in gate.containers[0]] == [0.9, 0.1, 1.0]
    assert [bar.get_height() for bar in state.containers[0]] == [0.0, -2.0, 1.4]
    assert gate.get_ylim() == (0, 1) and state.get_ylim() == (-2, 2)
    assert [t.get_text() for t in state.get_yticklabels()] == ["−2", "0", "2"]
    assert [t.get_text() for t in state.get_xticklabels()] == words
    assert [t.get_text() for t in gate.texts] == ["subject"] and gate.texts[0].xy[0] == 1


@pytest.mark.parametrize(
    ("words", "series", "marks", "said"),
    [
        (["a"], {}, {}, "1 words and 0 series"),
        (["a", "b"], {"f": [1.0]}, {}, "series 'f'"),
        (["a", "b"], {"f": [1.0, 0.0]}, {"subject": [2]}, "counted 0 to 1"),
    ],
)
def test_what_does_not_fit_a_sentence_is_refused(words, series, marks, said):
    with pytest.raises(ValueError, match=said):
        plots.by_word(words, series, marks=marks)


def test_a_picture_is_lit_where_it_is_looked_at_and_framed_where_most():
    shares = np.array([[0.1, 0.2, 0.6, 0.1], [0.25, 0.25, 0.25, 0.25]])
    fig = plots.word_by_word(np.full((4, 6, 3), 0.5), ["a", "wall"], shares)
    first, second = fig.axes
    assert [ax.get_title(loc="left") for ax in fig.axes] == ["a\n0.6", "wall\n0.25"]
    lit = np.asarray(first.images[0].get_array())
    assert lit.shape == (4, 6, 3) and np.allclose(lit[2:, :3], 0.5)
    assert np.allclose(lit[0, 0], 0.5 * (0.3 + 0.7 * 0.1 / 0.6))
    assert np.allclose(second.images[0].get_array(), 0.5)
    x, y = first.lines[0].get_data()
    assert (min(x), max(x), min(y), max(y)) == (-0.5, 2.5, 1.5, 3.5)  # the third of four places
    assert len(plots.word_by_word(np.zeros((2, 2, 3)), ["a"] * 8, np.ones((8, 1))).axes) == 8
    for picture, words, wrong in (
        (np.zeros((5, 4, 3)), ["a", "wall"], shares),  # two rows of places in five of pixels
        (np.zeros((4, 4, 3)), ["a"], shares),
        (np.zeros((4, 4, 1)), ["a", "wall"], shares),
        (np.zeros((4, 4, 3)), ["a", "wall"], shares[:, :3]),
        (np.zeros((4, 4, 3)), [], np.zeros((0, 4))),
    ):
        with pytest.raises(ValueError, match="places lie in as many rows as columns"):
            plots.word_by_word(picture, words, wrong)


def test_rows_of_dots_that_end_alike_after_a_colon_have_one_colour():
    fig = plots.dots({"adding: LSTM": [0.9, 1.0], "copy: plain": [0.2, 0.3], "copy: LSTM": [0.4, 0.5]})
    adding, plain, copy = (line.get_color() for line in fig.axes[0].lines[::2])
    assert adding == copy != plain
    assert adding == plots.dots({"LSTM": [0.9, 1.0]}).axes[0].lines[0].get_color()


def test_a_logarithmic_scale_names_the_positions_of_every_line():
    ax = plots.lines({"wide": ([1, 3, 30], [0, 1, 2]), "narrow": ([3, 10], [1, 1])}, log="x").axes[0]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "3", "10", "30"]


def test_dots_on_a_logarithmic_scale_have_round_numbers_at_it():
    for numbers, ticks in (
        ([12, 900, 1000], ["10", "20", "50", "100", "200", "500", "1000"]),
        ([2.4, 3, 11], ["3", "4", "6", "8", "10"]),
    ):
        ax = plots.dots({"ours": numbers}, log=True).axes[0]
        assert ax.get_xscale() == "log" and [t.get_text() for t in ax.get_xticklabels()] == ticks
