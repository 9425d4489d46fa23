"""Diagrams: every operation is drawn once and wired to its arguments, and the geometry keeps its rules."""

import base64
import functools
import hashlib
import itertools
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from colours import contrast, mixed
from corner_cells import sizes_of

import lstmcourse as lc
from lstmcourse.engine.expression import equations
from lstmcourse.errors import UnknownNameError
from lstmcourse.views.diagram import block, diagram, folded, lattice, legend, unrolled
from lstmcourse.views.diagram.layout import layout
from lstmcourse.views.diagram.picture import Diagram, css
from lstmcourse.views.diagram.plan import UNIT, crossings, segments, through_merges
from lstmcourse.views.diagram.read import ALIASES
from lstmcourse.views.diagram.sheet import FADED, FADED_WORDS, TONES
from lstmcourse.views.diagram.step import Open, covered, half_size, labels, peepholes
from lstmcourse.views.names import GREEK, named

ROOT = Path(__file__).resolve().parents[2]
SVG = "{http://www.w3.org/2000/svg}"
PAPER = {"c": "C", "g": r"\tilde{C}"}


@lc.cell(letters={"g": r"\tilde{h}"})
def gru(x, h):
    z = lc.sigmoid(lc.affine("z", h, x))
    r = lc.sigmoid(lc.affine("r", h, x))
    g = lc.tanh(lc.affine("g", r * h, x))
    h = (1 - z) * h + z * g
    return h


@lc.cell(letters={"g": r"\tilde{h}"})
def gru_after(x, h):
    r = lc.sigmoid(lc.affine("r", h, x))
    z = lc.sigmoid(lc.affine("z", h, x))
    g = lc.tanh(lc.affine("gx", x=x) + r * lc.affine("gh", h))
    h = (1 - z) * g + z * h
    return h


@lc.cell(letters=PAPER)
def coupled(x, h, c):
    f = lc.sigmoid(lc.affine("f", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    o = lc.sigmoid(lc.affine("o", h, x))
    c = f * c + (1 - f) * g
    h = o * lc.tanh(c)
    return h, c


@lc.cell(letters=PAPER)
def peephole(x, h, c):
    f = lc.sigmoid(lc.affine("f", h, x) + lc.peephole("f", c))
    i = lc.sigmoid(lc.affine("i", h, x) + lc.peephole("i", c))
    g = lc.tanh(lc.affine("g", h, x))
    c = f * c + i * g
    o = lc.sigmoid(lc.affine("o", h, x) + lc.peephole("o", c))
    h = o * lc.tanh(c)
    return h, c


@lc.cell(letters={"g": r"\tilde{h}"})
def mingru(x, h):
    z = lc.sigmoid(lc.affine("z", x=x))
    g = lc.affine("g", x=x)
    h = (1 - z) * h + z * g
    return h


@lc.cell
def attend(x, h, a=lc.static("L", "A")):
    q = lc.affine("q", h, size="A")
    s = lc.softmax(lc.sum(a * lc.expand(q, -2)))
    v = lc.sum(lc.expand(s, -1) * a, -2)
    h = lc.tanh(lc.affine("h", U=h, W=x, V=v))
    y = lc.sigmoid(lc.affine("y", h, size="K"))
    return h, y


@lc.cell
def clockwork(x, h, t=lc.clock):
    n = lc.tanh(lc.affine("n", h, x))
    h = lc.where(t % 4 == 0, n, h)
    return h


@lc.cell
def two_belts(x, h, c, m):
    f = lc.sigmoid(lc.affine("f", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    c = f * c + g
    m = 0.9 * m + 0.1 * c
    h = lc.tanh(c - m)
    return h, c, m


@lc.cell
def nested(x, h, k):
    below = lc.cells.rnn(x, k, scope="low")
    h = lc.tanh(lc.affine("h", h, below))
    return h, below


@lc.cell
def alone(x=None, h=lc.state("H")):
    h = lc.tanh(lc.affine("h", h))
    return h


def _deep(a, x):
    for _ in range(40):
        a = lc.tanh(a * x) + a
    return a


@lc.cell
def deep(x, h):
    h = _deep(h, x)
    return h


DRAWN = {
    c.name: c
    for c in (
        lc.cells.rnn, lc.cells.rnn_relu, lc.cells.lstm, lc.cells.lstm_1997, gru, gru_after, coupled, peephole,
        mingru, attend, clockwork, two_belts, nested, alone,
    )
}  # fmt: skip
DRAWN["lstm, f held"] = lc.cells.lstm.override(f=1.0)
COMPOSITES = {
    "stack": lc.stack([lc.cells.rnn, lc.cells.lstm]),
    "bidirectional": lc.bidirectional(lc.cells.lstm),
    "both": lc.stack([lc.bidirectional(lc.cells.rnn), lc.cells.lstm]),
}
EVERY = DRAWN | {
    f"cells.{n}": lc.cells.get(n) for n in lc.cells.names() if lc.cells.get(n) not in DRAWN.values()
}
OPEN = pytest.mark.parametrize("cell", EVERY.values(), ids=EVERY.keys())


@functools.cache
def plan_of(cell):
    plan = layout(cell)
    assert plan is not None
    return plan


def shape_ids(plan):
    return [g for g in plan.glyphs.values() if g.kind in ("layer", "point", "function")]


def texts(picture):
    return ["".join(t.itertext()) for t in ET.fromstring(picture.svg).iter(f"{SVG}text")]


def stretches(wire):
    """Unit steps of a line, without direction."""
    for (x0, y0), (x1, y1) in segments(wire):
        assert x0 == x1 or y0 == y1, f"{wire} has a slanting stretch"
        n = abs(x1 - x0) + abs(y1 - y0)
        dx, dy = (x1 - x0) // n, (y1 - y0) // n
        for k in range(n):
            a, b = (x0 + k * dx, y0 + k * dy), (x0 + (k + 1) * dx, y0 + (k + 1) * dy)
            yield (min(a, b), max(a, b))


# From the graph to glyphs


def needed(graph):
    """What next states and outputs depend on; the second argument of a spread only lends its shape."""
    seen, stack = {}, [s.next for s in graph.states] + list(graph.outputs.values())
    while stack:
        node = stack.pop()
        if node not in seen:
            seen[node] = None
            stack += node.args[:1] if node.op.name == "spread" else node.args
    return [n for n in graph.nodes if n in seen]


@OPEN
def test_every_operation_is_drawn_exactly_once(cell):
    drawn = [n for g in plan_of(cell).glyphs.values() for n in g.nodes if n.op.kind != "leaf"]
    # an operation on constants is part of what uses it; one that only lends its shape is not needed
    wanted = [n for n in needed(cell.graph) if n.op.kind != "leaf" and n.op.name not in ALIASES]
    assert len({id(n) for n in drawn}) == len(drawn)
    assert {id(n) for n in drawn} == {id(n) for n in wanted}


@OPEN
def test_every_glyph_is_wired_to_the_arguments_of_its_operations(cell):
    plan = plan_of(cell)
    owner = {id(n): g.id for g in plan.glyphs.values() for n in g.nodes}
    incoming = {}
    for w in plan.wires:
        incoming.setdefault(w.sink, []).append(w.source)

    def sources(k):
        for a in incoming.get(k, ()):
            yield from sources(a) if plan.glyphs[a].kind == "merge" else [a]

    def real(node):
        return real(node.args[0]) if node.op.name in ALIASES else node

    for g in shape_ids(plan):
        inside = {id(n) for n in g.nodes}
        wanted = set()
        for n in g.nodes:
            for a in n.args[:1] if n.op.name == "spread" else n.args:
                a = real(a)
                if id(a) not in inside and a.op.name not in ("param", "const", "table"):
                    wanted.add(owner[id(a)])
        assert set(sources(g.id)) == wanted, g
        assert len(list(sources(g.id))) == len(wanted), f"{g} is given something twice"
    for s in cell.graph.states:
        assert list(sources(f"{s.name}@next")) == [owner[id(real(s.next))]]
    for name, node in cell.graph.outputs.items():
        assert list(sources(f"{name}@out")) == [owner[id(real(node))]]


def test_lines_end_where_their_glyphs_are():
    for cell in EVERY.values():
        plan = plan_of(cell)
        for w in plan.wires:
            a, b = plan.glyphs[w.source], plan.glyphs[w.sink]
            assert w.points[0] == (a.x, a.y)
            x, y = w.points[-1]
            assert (x == b.x and y == b.y) or (y == b.y and abs(x - b.x) <= b.a)


def test_what_the_lstm_is_drawn_of():
    plan = plan_of(lc.cells.lstm)
    shapes = [(g.kind, g.text, g.name) for g in shape_ids(plan)]
    assert shapes == [
        ("layer", "σ", "f"),
        ("layer", "σ", "i"),
        ("layer", "tanh", "g"),
        ("layer", "σ", "o"),
        ("point", "×", ""),
        ("point", "×", ""),
        ("point", "+", "c"),
        ("function", "tanh", ""),
        ("point", "×", "h"),
    ]
    assert plan.belts == ("c",)
    assert [g.text for g in sorted((g for g in shape_ids(plan) if g.role == "belt"), key=lambda g: g.x)] == [
        "×",
        "+",
    ]


def test_a_scaled_squashing_function_is_one_box():
    found = {g.name or g.text: g for g in shape_ids(plan_of(lc.cells.lstm_1997))}
    assert found["g"].text == "4σ−2" and found["g"].kind == "layer"
    assert found["2σ−1"].kind == "function"


def test_peepholes_join_the_lines_into_their_boxes():
    plan = plan_of(peephole)
    for gate, state in (("f", "c@prev"), ("i", "c@prev"), ("o", "c")):
        (joint,) = plan.glyphs[gate].args
        assert plan.glyphs[joint].kind == "merge" and plan.glyphs[joint].args[1] == state
    assert (
        plan.glyphs["g"].args == plan.glyphs[plan.glyphs["f"].args[0]].args[:1]
    )  # the candidate: the bus alone


def box_of(cell, name):
    (box,) = [g for g in shape_ids(plan_of(cell)) if g.name == name]
    return box


def test_a_row_of_peepholes_and_a_matrix_are_told_apart():
    row, full = lc.cells.peephole, lc.cells.peephole_full
    marks = {cell: [(p.parameter, p.pointwise) for p in peepholes(plan_of(cell))] for cell in (row, full)}
    assert marks[row] == [(f"p_{g}", True) for g in "fio"]
    assert marks[full] == [(f"V_{g}", False) for g in "fio"]
    assert {"pf", "pi", "po"} <= set(texts(row.diagram())) and "Vo" in texts(full.diagram())
    assert texts(row.diagram()).count("×") == texts(full.diagram()).count("×") + 3
    depth = peepholes(plan_of(lc.cells.depth_gated))
    assert [p.parameter for p in depth if p.wire.sink.startswith("1.d")] == ["1.p_d", "1.p_l"]
    assert peepholes(plan_of(lc.cells.lstm)) == []


@pytest.mark.parametrize("name", lc.cells.names())
def test_every_peephole_is_marked_clear_of_boxes_and_each_other(name):
    cell = getattr(lc.cells, name)
    plan = layout(cell)
    if plan is None:
        return
    marks = peepholes(plan)
    boxes = [(p.at[0] - 9, p.at[1] - 9, p.at[0] + 9, p.at[1] + 24) for p in marks]
    for g in plan.glyphs.values():
        w, h = half_size(g)
        boxes += [(g.x * UNIT - w, g.y * UNIT - h, g.x * UNIT + w, g.y * UNIT + h)] * bool(w)
    for k, (x0, y0, x1, y1) in enumerate(boxes[: len(marks)]):
        assert all(x1 <= a or c <= x0 or y1 <= b or d <= y0 for a, b, c, d in boxes[k + 1 :])
    own = {n for n in cell.parameter_shapes(**sizes_of(cell)) if n.rpartition(".")[2][:2] in ("p_", "V_")}
    assert {p.parameter for p in marks} == own


def test_a_masked_product_is_part_of_its_layer():
    assert box_of(lc.cells.clockwork, "a").kind == "layer" and box_of(lc.cells.clockwork, "a").text == "tanh"
    texts_ = [g.text for g in shape_ids(plan_of(lc.cells.slstm)) if g.kind == "layer"]
    assert texts_ == ["log σ", "W_i", "tanh", "σ"]


def test_a_linear_layer_carries_the_papers_letter():
    assert box_of(lc.cells.greff_niaf, "g").text == "W_C"
    assert box_of(lc.cells.min_gru, "g").text == "W_h"
    assert "U_h" in [g.text for g in shape_ids(plan_of(lc.cells.mut1))]
    assert "C tilde_t is a linear layer of h_t-1 and x_t." in diagram(lc.cells.greff_niaf).desc


def test_a_function_of_a_weight_alone_is_a_box_that_reads_nothing():
    @lc.cell
    def slow(x, h):
        rate = lc.sigmoid(lc.param("r", "H"))
        h = rate * h + lc.affine("h", W=x)
        return h

    plan = layout(slow)
    assert plan.glyphs["rate"].kind == "layer" and plan.glyphs["rate"].text == "σ"
    assert plan.glyphs["rate"].args == [] and ("rate", "mul") in {(w.source, w.sink) for w in plan.wires}
    assert "rate_t is sigmoid of a weight." in diagram(slow).desc


def test_an_operation_on_constants_is_part_of_what_uses_it():
    assert "÷√H" in [g.text for g in shape_ids(plan_of(lc.cells.mlstm))]


def test_the_output_gate_of_a_peephole_cell_looks_at_the_new_state():
    for name in ("peephole", "peephole_full", "greff_v"):
        plan = plan_of(lc.cells.get(name))
        for gate, state in (("f", "c@prev"), ("i", "c@prev"), ("o", "c")):
            assert state in through_merges(plan.glyphs[gate].args, plan.glyphs)
        (wire,) = [w for w in plan.wires if w.source == "c" and plan.glyphs[w.sink].role == "below"]
        assert wire.points[0] == (plan.glyphs["c"].x, plan.heights["c"])


def test_a_gate_that_goes_straight_up_to_the_belt_has_its_column_for_itself():
    plan = plan_of(lc.cells.coupled)
    forget = next(g for g in shape_ids(plan) if g.role == "belt" and g.text == "×")
    assert forget.x == plan.glyphs["f"].x < plan.glyphs["i"].x < plan.glyphs["g"].x


def test_each_layer_of_a_depth_gated_cell_has_its_bus():
    plan = plan_of(lc.cells.depth_gated)
    assert plan.belts == ("0.c", "1.c")
    (second,) = [g for g in plan.glyphs.values() if g.role == "bus" and g.level]
    assert second.args == ["1.h@prev", "0.h"] and second.y == plan.heights["1.h"]
    joined = plan.glyphs["1.d"]
    assert set(through_merges(joined.args, plan.glyphs)) == {"0.h", "1.c@prev", "0.c"}
    assert plan.glyphs["1.g"].args == [second.id]


def test_a_box_taps_the_bus_where_enough_has_joined():
    plan = plan_of(lc.cells.greff_fgr)
    (tap,) = plan.glyphs["g"].args
    assert plan.glyphs[tap].role == "bus" and plan.glyphs[tap].args == ["h@prev", "x"]
    assert {"ft", "it", "ot"} <= set(texts(diagram(lc.cells.greff_fgr)))


def test_a_dotless_letter_under_a_tilde():
    assert named("a_i", "t", lc.cells.slstm.letters).plain == "ı\u0303_t"
    assert "i tilde_t" in diagram(lc.cells.slstm).desc


@OPEN
def test_names_stand_clear_of_boxes_lines_and_each_other(cell):
    plan = plan_of(cell)
    placed = labels(plan, cell.letters)
    for a, b in itertools.combinations(placed, 2):
        assert covered(a.box, [b.box]) == 0, (a, b)
    shapes = []
    for g in shape_ids(plan):
        w, h = half_size(g)
        x, y = g.x * UNIT, g.y * UNIT
        shapes.append((x - w, y - h, x + w, y + h))
    for a in placed:
        assert covered(a.box, shapes) == 0, a


def test_the_belt_is_the_state_that_changes_pointwise_only():
    belts = {name: plan_of(c).belts for name, c in DRAWN.items()}
    assert belts["rnn"] == belts["nested"] == belts["attend"] == ()
    assert belts["gru"] == belts["mingru"] == belts["clockwork"] == ("h",)
    assert belts["coupled"] == belts["peephole"] == belts["lstm_1997"] == ("c",)
    assert belts["two_belts"] == ("c", "m")


# Geometry


@OPEN
def test_boxes_and_circles_do_not_overlap(cell):
    for g, o in itertools.combinations(shape_ids(plan_of(cell)), 2):
        apart_x = abs(g.x - o.x) - (g.a + o.a)
        apart_y = abs(g.y - o.y) - (g.b + o.b)
        assert apart_x >= 1 or apart_y >= 1, (g, o)


@OPEN
def test_no_line_runs_through_a_box_or_circle(cell):
    plan = plan_of(cell)
    for w in plan.wires:
        points = {p for stretch in stretches(w) for p in stretch}
        for g in shape_ids(plan):
            hit = [p for p in points if abs(p[0] - g.x) <= g.a and abs(p[1] - g.y) <= g.b]
            assert not hit or g.id in (w.source, w.sink), (w, g)


@OPEN
def test_no_two_lines_of_different_values_share_a_segment(cell):
    taken = {}
    for w in plan_of(cell).wires:
        for stretch in stretches(w):
            assert taken.setdefault(stretch, w.source) == w.source, (w, taken[stretch])


@OPEN
def test_lines_meet_others_only_at_right_angles_and_the_upright_one_is_broken(cell):
    plan = plan_of(cell)
    across, upright, corners = {}, {}, {}
    for w in plan.wires:
        for (x0, y0), (x1, y1) in segments(w):
            if y0 == y1:
                for x in range(min(x0, x1) + 1, max(x0, x1)):
                    across.setdefault((x, y0), set()).add(w.source)
            else:
                for y in range(min(y0, y1) + 1, max(y0, y1)):
                    upright.setdefault((x0, y), set()).add(w.source)
        for p in w.points[1:-1]:
            corners.setdefault(p, set()).add(w.source)
    broken = crossings(plan)
    for p, lines in upright.items():
        assert len(lines) == 1
        for line in lines:
            assert (p in broken.get(line, ())) == bool(across.get(p, set()) - {line})
    for p, lines in corners.items():
        assert len(lines | across.get(p, set()) | upright.get(p, set())) == 1, (
            f"a corner on another line at {p}"
        )


@OPEN
def test_boxes_stand_in_one_row_in_the_order_of_the_equations(cell):
    boxes = [g for g in shape_ids(plan_of(cell)) if g.role == "box"]
    assert len({g.y for g in boxes}) <= 1
    assert [g.x for g in boxes] == sorted({g.x for g in boxes})


@OPEN
def test_belts_on_top_then_boxes_then_the_bus(cell):
    plan = plan_of(cell)
    for g in shape_ids(plan):
        for belt in plan.belts:
            if g.role != "belt":
                assert plan.heights[belt] < g.y < plan.bus
        if g.role in ("up", "after", "feed"):
            assert all(g.y < o.y for o in shape_ids(plan) if o.role == "box")
    for s in cell.graph.states:
        ends = [plan.glyphs[f"{s.name}@{end}"] for end in ("prev", "next")]
        assert [e.y for e in ends] == [plan.heights[s.name]] * 2
        assert (ends[0].x, ends[1].x) == (0, plan.width)


def test_a_belt_is_straight():
    plan = plan_of(lc.cells.lstm)
    on_belt = {g.id for g in shape_ids(plan) if g.role == "belt"} | {"c@prev", "c@next"}
    for w in plan.wires:
        if w.source in on_belt and w.sink in on_belt:
            assert w.points == ((plan.glyphs[w.source].x, 0), (plan.glyphs[w.sink].x, 0))


def test_the_classic_picture():
    """What everyone knows: where each part of the LSTM stands to the others."""
    plan = plan_of(lc.cells.lstm)
    at = {g.name or g.id: g for g in shape_ids(plan)}
    forget, write, squash = at["mul"], at["mul~2"], at["tanh"]
    assert forget.x == at["f"].x and forget.y == at["c"].y == plan.heights["c"]
    assert write.x == at["g"].x == at["c"].x and write.y > at["c"].y
    assert squash.x == at["h"].x > at["o"].x and plan.heights["c"] < squash.y < at["h"].y
    assert plan.glyphs["x"].x < at["f"].x and plan.glyphs["h@out"].x > at["h"].x
    assert plan.heights["h"] == plan.bus


# The picture as text


# As few crossings as on the day when a person looked at each picture and found it good.
MOST_CROSSINGS = {
    "clockwork": 0, "coupled": 1, "depth_gated": 22, "greff_cifg": 1, "greff_fgr": 15, "greff_nfg": 1,
    "greff_niaf": 2, "greff_nig": 1, "greff_noaf": 2, "greff_nog": 2, "greff_np": 1, "greff_v": 2,
    "gru": 3, "gru_cho": 2, "gru_reset_after": 4, "lstm": 1, "lstm_1997": 1, "lstm_b": 1, "lstm_f": 1,
    "lstm_i": 1, "lstm_o": 1, "min_gru": 0, "min_lstm": 1, "mlstm": 31, "mut1": 3, "mut2": 3, "mut3": 4,
    "peephole": 2, "peephole_full": 2, "rnn": 0, "rnn_relu": 0, "slstm": 20,
    "additive_attention": 23, "attend_and_tell": 29, "draw": 30, "draw_sample": 5, "grid": 58,
    "self_attention": 15, "self_attention_at_once": 1, "storn": 15, "storn_sample": 4, "vrnn": 33,
    "vrnn_sample": 13, "density_rnn": 10, "density_rnn_sample": 9,
}  # fmt: skip


@pytest.mark.parametrize("name", lc.cells.names())
def test_pictures_do_not_get_tangled(name):
    crossed = sum(map(len, crossings(plan_of(lc.cells.get(name))).values()))
    assert crossed <= MOST_CROSSINGS[name]


@OPEN
def test_every_equation_and_state_appears(cell):
    picture = diagram(cell)
    shown = texts(picture)
    for name in equations(cell.graph):
        if cell.graph.names[name].op.name != "copy":
            plain = named(name, "t", cell.letters)
            assert f"{plain.letter}{plain.above}{plain.below}" in shown
    for s in cell.states:
        for when in ("t", "t-1"):
            plain = named(s, when, cell.letters)
            assert f"{plain.letter}{plain.above}{plain.below}" in shown


ALL = {
    **{k: lambda c=c: diagram(c) for k, c in (EVERY | COMPOSITES).items()},
    "deep": lambda: diagram(deep),
    "chain": lambda: diagram(lc.cells.lstm, chain=True),
    "chain of equations": lambda: diagram(deep, chain=True),
    "focus": lambda: diagram(lc.cells.lstm, focus={"f", "i"}),
    "folded": lambda: folded(lc.cells.rnn),
    "unrolled": lambda: unrolled(lc.cells.rnn),
    "unrolled lstm": lambda: unrolled(lc.cells.lstm, steps=3),
    "unrolled stack": lambda: unrolled(COMPOSITES["stack"]),
    "legend": legend,
    "lattice": lambda: lattice(3, 2),
    "line": lambda: lattice(4, 1, memory=["time"]),
    "block of a grid": block,
}


@pytest.mark.parametrize("draw", ALL.values(), ids=ALL.keys())
def test_well_formed_named_and_the_same_each_time(draw):
    picture = draw()
    root = ET.fromstring(picture.svg)
    assert root.get("role") == "img"
    title, desc = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert root.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    assert title.text == picture.title and desc.text == picture.desc and len(desc.text) > 40
    assert picture.svg == draw().svg
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert len(ids) == len(set(ids)) == 2
    assert "nan" not in picture.svg and "inf" not in picture.svg


@pytest.mark.parametrize("draw", ALL.values(), ids=ALL.keys())
def test_everything_lies_within_the_picture(draw):
    root = ET.fromstring(draw().svg)
    left, top, width, height = map(float, root.get("viewBox").split())
    for e in root.iter():
        if e.tag == f"{SVG}text":
            assert left < float(e.get("x")) < left + width and top < float(e.get("y")) < top + height
        if e.tag in (f"{SVG}circle", f"{SVG}ellipse"):
            rx, ry = float(e.get("rx", e.get("r"))), float(e.get("ry", e.get("r")))
            x, y = float(e.get("cx")), float(e.get("cy"))
            assert left < x - rx and x + rx < left + width and top < y - ry and y + ry < top + height


def test_the_same_bytes_in_a_fresh_process():
    code = (
        "import hashlib, lstmcourse as lc\n"
        "from lstmcourse.views.diagram import unrolled\n"
        "lc.cells.rnn_relu.diagram()\n"
        "cells = [lc.cells.lstm, lc.cells.rnn, lc.cells.lstm_1997, lc.stack([lc.cells.rnn, lc.cells.lstm])]\n"
        "text = ''.join(c.diagram().svg for c in cells) + unrolled(lc.cells.lstm).svg\n"
        "text += lc.cells.lstm.diagram(focus={'f', 'i', 'g', 'o'}).svg\n"
        "print(hashlib.sha256(text.encode()).hexdigest())\n"
    )
    cells = [lc.cells.lstm, lc.cells.rnn, lc.cells.lstm_1997, COMPOSITES["stack"]]
    text = "".join(c.diagram().svg for c in cells) + unrolled(lc.cells.lstm).svg
    text += lc.cells.lstm.diagram(focus={"f", "i", "g", "o"}).svg
    wanted = hashlib.sha256(text.encode()).hexdigest()
    for seed in ("1", "77"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == wanted


def test_the_description_is_the_equations_in_words():
    desc = diagram(lc.cells.lstm).desc
    assert "f_t is a sigmoid layer of h_t-1 and x_t." in desc
    assert "C tilde_t is a tanh layer of h_t-1 and x_t." in desc
    assert "C_t is (f_t times C_t-1) plus (i_t times C tilde_t)." in desc
    assert "h_t is o_t times tanh of C_t." in desc
    assert "h_t is n_t where t mod 4 = 0, else h_t-1." in diagram(clockwork).desc
    assert "((1 minus z_t) times h_t-1) plus (z_t times h tilde_t)" in diagram(gru).desc


def test_which_operand_is_subtracted_is_marked():
    shown = texts(diagram(two_belts))
    assert shown.count("−") == 2  # in the circle, and where m enters it


# Focus


def split(picture):
    """Texts and numbers of lines in the faded and in the full part."""
    root = ET.fromstring(picture.svg)
    _, lines, words = root.iter(f"{SVG}g")
    assert (lines.get("class"), words.get("class")) == ("lines", "words")
    assert {e.tag for e in words} == {f"{SVG}text"} and not list(lines.iter(f"{SVG}text"))
    inside = set(words.iter())
    names = lambda keep: ["".join(t.itertext()) for t in root.iter(f"{SVG}text") if (t in inside) == keep]
    return names(True), names(False), (lines, words)


def test_focus_fades_the_rest_to_a_third():
    faded, full, (lines, words) = split(diagram(lc.cells.lstm, focus={"f"}))
    assert float(lines.get("opacity")) == pytest.approx(1 / 3, abs=0.01) == FADED
    assert float(words.get("opacity")) == FADED_WORDS
    assert sorted(full) == sorted(["σ", "ft", "xt", "ht−1"])
    assert {"it", "ot", "Ct", "Ct−1", "ht", "tanh"} <= set(faded)


def test_focus_on_the_cell_state_shows_the_belt():
    faded, full, _ = split(diagram(lc.cells.lstm, focus="c"))
    assert sorted(full) == sorted(["×", "×", "+", "ft", "it", "C\u0303t", "Ct−1", "Ct"])
    assert "ot" in faded and "xt" in faded


@pytest.mark.parametrize("name", ["f", "i", "g", "o", "c", "h"])
def test_focus_shows_every_line_that_the_equation_reads(name):
    plan = plan_of(lc.cells.lstm)
    lit, bright = Open(lc.cells.lstm, plan, {name}).lit, Open(lc.cells.lstm, plan, {name}).bright
    for g in shape_ids(plan):
        mine = g.name == name or any(name in (n.origin or ()) for n in g.nodes)
        assert (g.id in lit) == mine
        if mine:
            assert all((a, g.id) in bright for a in g.args)


def test_no_focus_fades_nothing():
    assert 'class="faded"' not in diagram(lc.cells.lstm).svg


def test_an_unknown_focus_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="focus='ff'.*did you mean 'f'"):
        diagram(lc.cells.lstm, focus={"ff"})


# Other pictures


def test_a_chain_has_closed_modules_on_both_sides():
    picture = diagram(lc.cells.lstm, chain=True)
    shown = texts(picture)
    assert shown.count("A") == 2
    assert {"xt−1", "xt", "xt+1", "ht−1", "ht", "ht+1", "Ct−1", "Ct"} <= set(shown)
    modules = [r for r in ET.fromstring(picture.svg).iter(f"{SVG}rect") if r.get("class") == "module"]
    assert len(modules) == 3 and len({r.get("height") for r in modules}) == 1
    assert "B" in texts(diagram(lc.cells.rnn, chain=True, label="B"))


def test_unrolled_shows_the_loop_and_its_copies():
    shown = texts(unrolled(lc.cells.rnn, steps=4))
    assert shown.count("A") == 5
    assert [t for t in shown if t.startswith("x")] == ["xt", "x1", "x2", "x3", "xt"]
    assert texts(unrolled(lc.cells.rnn, steps=6)).count("A") == 7
    assert texts(folded(lc.cells.lstm)).count("A") == 1
    for steps in (1, 0):
        with pytest.raises(ValueError, match="at least 2"):
            unrolled(lc.cells.rnn, steps=steps)
    with pytest.raises(TypeError, match="steps=2.5 does not fit: a whole number"):
        unrolled(lc.cells.rnn, steps=2.5)


def test_the_legend_says_what_each_mark_is():
    shown = " ".join(texts(legend()))
    for word in ("learned layer", "pointwise operation", "vector", "concatenation", "copies"):
        assert word in shown


@pytest.mark.parametrize(("memory", "time", "depth"), [("time", 2, 1), (["depth", "time"], 2, 2), ([], 1, 1)])
def test_a_lattice_has_a_line_for_each_h_and_each_m(memory, time, depth):
    picture = lattice(4, 3, memory=memory)
    root = ET.fromstring(picture.svg)
    lines = [e.get("d") for e in root.iter(f"{SVG}path") if e.get("class") == "w"]
    assert sum("H" in d for d in lines) == 3 * 5 * time and sum("V" in d for d in lines) == 4 * 4 * depth
    assert sum(e.get("class") == "module" for e in root.iter(f"{SVG}rect")) == 12
    shown = texts(picture)
    assert shown.count("m") == 3 * (time - 1) + 4 * (depth - 1) and shown.count("h") == 3 + 4
    assert [t for t in shown if t[0] == "x"] == ["x1", "x2", "x3", "x4"]
    for wrong, error in (({"memory": ["width"]}, UnknownNameError), ({"layers": 7}, ValueError)):
        with pytest.raises(error, match=r"width|layers=7"):
            lattice(**wrong)


def test_both_lstms_of_a_block_read_every_h():
    shown = texts(block())
    assert {"LSTMtime", "LSTMdepth", "H"} <= set(shown)
    for way in ("time", "depth"):
        assert {f"{letter}{dash}{way}" for letter in "mh" for dash in ("", "′")} <= set(shown)


@pytest.mark.parametrize("cell", COMPOSITES.values(), ids=COMPOSITES.keys())
def test_stacks_are_drawn_as_layers(cell):
    picture = diagram(cell)
    modules = [r for r in ET.fromstring(picture.svg).iter(f"{SVG}rect") if r.get("class") == "module"]
    assert len(modules) == len({s.rpartition(".")[0] for s in cell.states})
    for option in ({"chain": True}, {"focus": set(cell.graph.names)}):
        with pytest.raises(ValueError, match="draw the cells"):
            diagram(cell, **option)


def test_two_directions_carry_their_states_both_ways():
    shown = texts(diagram(COMPOSITES["bidirectional"]))
    assert {"ht−1", "ht+1", "Ct−1", "Ct+1"} <= set(shown) and shown.count("ht") == 3


def test_a_cell_that_does_not_fit_is_written_as_equations():
    assert layout(deep) is None
    assert any("120 operations" in t for t in texts(diagram(deep)))
    several = lc.stack([lc.cells.rnn, lc.cells.rnn])
    both_ways = lc.bidirectional(several)  # directions inside a layer's scope: not a picture of layers
    shown = texts(diagram(both_ways))
    assert any("tanh(" in t and "=" in t for t in shown)


# How it displays


def test_it_displays_as_inline_svg_beside_the_file(tmp_path):
    picture = lc.cells.rnn.diagram(title="A plain network")
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/svg+xml", "text/plain"}
    assert picture.svg in bundle["text/html"] and bundle["image/svg+xml"] == picture.svg
    assert repr(picture) == bundle["text/plain"] == "<Diagram: A plain network>"
    path = picture.save(tmp_path / "rnn.svg")
    assert ET.parse(path).getroot().tag == f"{SVG}svg"


def test_an_untrusted_notebook_still_has_a_picture():
    """JupyterLab drops inline SVG and styles from outputs that it does not trust; an image remains."""
    picture = lc.cells.lstm.diagram()
    (image,) = re.findall(r"<img [^>]*>", picture.html)
    assert f'alt="{picture.title}. {picture.desc}"' in image
    data = re.search(r'src="data:image/svg\+xml;base64,([^"]+)"', image)[1]
    assert base64.b64decode(data).decode() == picture.svg
    assert ".lc-diagram-still{display:none}" in picture.svg  # while the styles are there, it is hidden


def test_titles_are_escaped():
    picture = diagram(lc.cells.rnn, title="a < b & c")
    assert ET.fromstring(picture.svg).find(f"{SVG}title").text == "a < b & c"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_stand_out_in_both_themes(theme):
    from lstmcourse.views.style import PALETTE

    style = css()
    for name, (fill, edge) in TONES[theme].items():
        assert contrast(PALETTE[theme]["ink"], fill) >= 4.5, f"text on {name}"
        if name != "module":
            assert contrast(edge, TONES[theme]["module"][0]) >= 3, f"outline of {name}"
        assert f"--lcd-{name}:{fill};" in style
    for rule in ('data-jp-theme-light="false"', "prefers-color-scheme:dark", "@media print"):
        assert rule in style
    assert set(re.findall(r"var\((--lcd-[\w-]+)\)", style)) <= set(re.findall(r"(--lcd-[\w-]+):", style))


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_faded_words_can_be_read(theme):
    from lstmcourse.views.style import PALETTE

    ink, paper = PALETTE[theme]["ink"], PALETTE[theme]["paper"]
    module = TONES[theme]["module"][0]
    grounds = [paper, module] + [
        mixed(fill, ground, FADED)
        for name, (fill, _) in TONES[theme].items()
        for ground in ([module] if name in ("layer", "point") else [paper])
    ]
    for ground in grounds:
        assert contrast(mixed(ink, ground, FADED_WORDS), ground) >= 3.2
    style = css()
    assert f".lines{{opacity:{FADED}}}" in style and f".words{{opacity:{FADED_WORDS}}}" in style


def test_indices_of_layers_are_set_apart():
    """Greek letters as such, parts divided, and such a layer is said to be linear."""
    texts = {g.text for g in layout(lc.cells.vrnn).glyphs.values() if g.kind == "layer"}
    assert {"W_{μ,0}", "W_{μ,z}", "W_{μ,x}"} <= texts
    assert ">μ,x</tspan>" in lc.cells.vrnn.diagram().svg
    assert "a linear layer of enc" in lc.cells.vrnn.diagram().desc
    for name in lc.cells.names():
        cell = lc.cells.get(name)
        for param in cell.graph.params:
            below = named(param.name, "", cell.letters).below
            assert "_" not in below and not {*below.split(",")} & {*GREEK}, (name, param.name)


def test_a_cell_used_inside_is_a_box_that_opens():
    cell = lc.cells.draw_sample
    flat, closed, opened = cell.diagram(), cell.diagram(open=()), cell.diagram(open="dec")
    assert flat.svg == opened.svg and ">dec</text>" in closed.svg and ">dec</text>" not in flat.svg
    boxes = {g.text for g in layout(cell, ()).glyphs.values() if g.kind == "layer"}
    assert boxes == {"dec", "W_w"}
    assert "what dec makes of h^dec_t-1, m^dec_t-1 and z_t" in closed.desc
    with pytest.raises(lc.UnknownNameError, match="open='encoder': draw_sample uses no cell .* 'dec'"):
        cell.diagram(open="encoder")
    with pytest.raises(TypeError, match="open=3 is of type int; it is a scope, or several"):
        cell.diagram(open=3)


BARRED = {"escape": "\x1b[31m", "nought": "\0", "half a pair": "\ud800", "none": "\uffff", "a bell": "a\x07b"}


@pytest.mark.parametrize("text", BARRED.values(), ids=BARRED)
def test_what_no_xml_may_hold_is_replaced_in_every_picture(text, tmp_path):
    """A symbol of a text may be anything; one of these in a picture, and no browser shows it."""
    (tmp_path / "odd.txt").write_bytes(f"ab {text} </title> ".encode(errors="surrogatepass") * 40)
    if text != "\ud800":  # which no file in UTF-8 has
        model = lc.Model("rnn", lc.tasks.Text(files=(str(tmp_path / "odd.txt"),), length=8), 2, rng=0)
        lab = lc.lab(model, x=text)
        page = lab._html()
        inside = re.search('src="data:image/svg[^,]*,([^"]+)"', page)[1]
        seen = ET.fromstring(base64.b64decode(inside))
        assert "\ufffd" in "".join(seen.itertext())
    drawn = Diagram(f'<svg xmlns="http://www.w3.org/2000/svg"><title>{text}</title></svg>', text, text)
    assert "\ufffd" in "".join(ET.fromstring(drawn.svg).itertext()) and "\ufffd" in drawn.title
    ET.parse(drawn.save(tmp_path / "odd.svg"))
