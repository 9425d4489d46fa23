"""What docs/teaching.md says will be seen in front of a class, where no lesson says it."""

import contextlib
import io
import re
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from answers import load

import lstmcourse as lc

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "teaching.md").read_text(encoding="utf-8")
BLOCKS = [
    re.sub(r"^  ", "", b, flags=re.M) if b.startswith("  ") else b
    for b in re.findall(r"```python\n(.*?)```", GUIDE, re.S)
]


def run(block, folder, monkeypatch):
    monkeypatch.chdir(folder)
    with contextlib.redirect_stdout(io.StringIO()) as said:
        exec(compile(block, "docs/teaching.md", "exec"), {})
    return said.getvalue()


@cache
def reader():
    return lc.reader.load()


def expected(bench, at, *words):
    p = bench.predict()[at, 0]
    return [float(p[bench.model.task.symbols.index(word)]) for word in words]


TWO = (
    "the queen near the old kings is tired and seen by the boy she slept . "
    "the king behind the nuns is happy and near the girl he left ."
)


def test_there_are_three_programs():
    assert len(BLOCKS) == 3


def test_each_page_is_saved_and_asks_nothing_of_the_network(tmp_path, monkeypatch):
    run(BLOCKS[0], tmp_path, monkeypatch)
    pages = {p.name: p.read_text(encoding="utf-8") for p in tmp_path.iterdir()}
    assert len(pages) == BLOCKS[0].count(".save(")
    for text in pages.values():
        assert 30_000 < len(text) < 550_000
        assert not re.search(r"""(?:src|href)=["']https?:""", text)


def test_01_five_steps_of_one_unit():
    def after(weight):
        h = 0.0
        for x in (1, 0, 0, 0, 0):
            h = np.tanh(weight * h + x)
        return h

    assert after(0) == 0 and 0.4 < after(1) < 0.5 and round(after(2), 2) == 0.96
    assert after(-1) == pytest.approx(after(1))


def test_02_no_weight_gives_both_over_50_steps():
    unit = lc.dilemma(0.9, steps=50)
    assert (round(unit.knows, 3), round(unit.gradient, 3)) == (0.002, 0.001)
    unit.weight = 1.05
    assert round(unit.knows, 2) == 0.37 and round(unit.gradient, 4) == 0.0008
    unit.weight = 1.5
    assert round(unit.knows, 2) == 0.86 and f"{unit.gradient:.0e}" == "1e-20"
    knows, gradient = unit.over(np.linspace(0, 3, 301))
    assert not ((knows > 0.3) & (gradient > 0.01)).any()
    unit.steps, unit.weight = 5, 1.05
    assert round(unit.knows, 1) == 0.5 and round(unit.gradient, 2) == 0.17


@pytest.mark.long
def test_03_the_bias_decides(tmp_path, monkeypatch):
    usual, opened = (float(line.split()[1]) for line in run(BLOCKS[1], tmp_path, monkeypatch).splitlines())
    assert abs(usual - 0.12) < 0.06 and abs(opened - 0.99) < 0.06


def test_04_held_from_step_4_on():
    bench = lc.lab(lc.cells.lstm)
    for gate, value in {"f": 1.0, "i": 0.0}.items():
        bench.hold(gate, value, steps=range(3, 20))
    held = bench.run()
    assert (held["c"][2:, 0, 0].round(2) == 0.65).all()
    assert held["h"][8:10, 0, 0].round(2).tolist() == [0.33, 0.55]
    hold = lc.lab(lc.cells.lstm).challenges["hold"]
    assert (round(hold.error, 2), hold.passes) == (0.48, 0.1)
    bench.held = {}
    bench.values.update(
        {k: 0.0 for k in bench.values if k[:2] in ("W_", "U_", "b_")} | {"b_f": 9.0, "W_g": 0.5}
    )
    assert bench.solved == ("hold", "count")


def test_05_one_word_alone_changes_nothing_in_this_sentence():
    bench = lc.lab(reader(), x=TWO)
    girl = TWO.split().index("girl")
    for held, (least, most) in {
        (15, 16, 17): ("he", "she"),
        (15,): ("she", "he"),
        (16,): ("she", "he"),
        (17,): ("she", "he"),
    }.items():
        bench.held = {}
        bench.hold("f", 1.0, steps=list(held))
        low, high = expected(bench, girl, least, most)
        assert low < 0.05 and round(high, 1) == 0.7


def test_07_she_overtakes_he_between_0_and_1():
    sentence = "the king behind the nuns is happy and near the girl"
    unit, _ = lc.reader.carrier(reader(), "gender")
    bench = lc.lab(reader(), x=sentence)
    bench.hold("c", 4.0, units=unit, steps=2)
    he, she = expected(bench, 10, "he", "she")
    (is_,) = expected(bench, 4, "is")
    assert he < she and round(is_, 2) == 0.10


def test_08_it_waits_for_another_noun():
    bench = lc.lab(reader(), x="the queens near the old king")
    bench.hold("o", 0.0, steps=range(1, 5))
    p, symbols = bench.predict()[5, 0], np.array(reader().task.symbols)
    assert {"girl", "nun", "boys"} <= set(symbols[np.argsort(-p)[:4]])


def test_09_the_slip():
    @lc.cell
    def slipped(x, h, c):
        """Nearly an LSTM."""
        f, i, o = (lc.sigmoid(lc.affine(k, h, x)) for k in "fio")
        c = f * c + i * lc.tanh(lc.affine("g", h, x))
        h = o * c
        return h, c

    assert "lacks the squashing of the cell state" in str(lc.check("09.1", slipped))


def test_10_a_clock_without_one_of_its_peepholes():
    def ticks(lost=None):
        shapes = lc.cells.peephole.parameter_shapes(1, 1)
        weights = {name: np.zeros(shape) for name, shape in shapes.items()}
        weights["b_g"][:], weights["b_i"][:] = np.arctanh(0.1), 50.0
        weights["p_o"][:], weights["b_o"][:] = 400.0, -380.0
        weights["p_f"][:], weights["b_f"][:] = -400.0, 380.0
        if lost:
            weights[lost][:] = 0.0
        ran = lc.unroll(lc.cells.peephole, weights, np.zeros((40, 1, 1)))
        return (ran["h"][:, 0, 0] > 0.5).nonzero()[0] + 1, ran["c"][:, 0, 0]

    assert ticks()[0].tolist() == [10, 20, 30, 40]
    assert ticks("p_f")[0].tolist() == list(range(10, 41))
    spikes, state = ticks("p_o")
    assert spikes.size == 0 and state[9] > 0.99 and state[10] < 0.11


def test_12_the_reset_gates_of_a_gru():
    bench = lc.lab(lc.reader.load("gru"), x="the queen near the old kings is tired and seen by the boy")
    before = expected(bench, -1, "she")
    bench.hold("r", 1.0)
    assert [round(p, 2) for p in (*before, *expected(bench, -1, "she"))] == [0.99, 0.11]


def test_16_what_is_typed_agrees():
    model = lc.attentive.translator()
    said = {w: model.translate(f"the black {w} does not follow a small red car") for w in ("cat", "cow")}
    assert said["cow"].startswith("la vache noire ")
    assert "petit cheval" in model.translate("the black cat does not follow a small red horse")
    assert "petite voiture" in said["cat"]


def test_16_five_clauses(tmp_path, monkeypatch):
    source, right, said = run(BLOCKS[2], tmp_path, monkeypatch).splitlines()
    clauses = lambda text: re.split(r" et | mais | parce que ", text)  # noqa: E731
    assert clauses(said)[:2] == clauses(right)[:2]
    assert len(clauses(said)) == 3 and len(clauses(right)) == 5
    assert set(clauses(said)[2].split()) <= {word.replace("grands", "grand") for word in right.split()}


@pytest.mark.long
def test_16_five_clauses_a_hundred_times():
    model, task = lc.attentive.translator(), lc.tasks.Translation(clauses=5)
    batch = task.batch("test", batch_size=100, dtype=model.dtype)
    found = model.write(batch.source, batch.source_lengths)
    said = [model.task.decode_target(row).split() for row in found.symbols.T]
    many = Counter(1 + sum(w in ("et", "mais", "parce") for w in words) for words in said)
    assert 25 < many[3] < 43 and 20 < many[4] < 40
    assert sum(n for clauses, n in many.items() if clauses > 5) > 25


def test_18_as_expected_is_next_to_nothing():
    dials = lc.lab(lc.generative.singer())
    loud = np.sqrt(np.mean(dials.sound**2))
    dials.deviations = 0 * dials.deviations
    assert np.sqrt(np.mean(dials.sound**2)) < 0.1 * loud


def test_21_a_driver_whose_memory_is_cut():
    driver, stored = lc.uses.Driver(lc.tasks.CartPole(), units=4), lc.uses.driver()
    cut = stored.copy()
    cut[8:24] = 0.0
    kept, fallen = driver.drive(np.stack([stored, cut]), lc.tasks.CartPole().starts(100, rng=1)).mean(axis=1)
    assert kept == 500 and 45 < fallen < 55


def test_a_mistake_that_is_named_is_one_that_the_check_names():
    named = re.findall(r"(\d\d[a-z]?\.\d): \*(.+?)\*", re.sub(r"\s+", " ", GUIDE))
    assert len(named) > 60
    assert [(id, name) for id, name in named if name not in load(id).wrong] == []
