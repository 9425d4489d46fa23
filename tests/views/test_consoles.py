"""What is printed on a console is ASCII, so that no encoding lacks a part of it."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from corner_cells import sizes_of

import lstmcourse as lc
from lstmcourse import experiments
from lstmcourse.experiments import design
from lstmcourse.views.film import film

ROOT = Path(__file__).resolve().parents[2]

CELLS = {name: lc.cells.get(name) for name in lc.cells.names()}
CELLS |= {
    "stack": lc.stack([lc.cells.lstm, lc.cells.gru], dropout=True),
    "bidirectional": lc.bidirectional(lc.cells.lstm),
    "held": lc.cells.lstm.override(f=1.0),
}


def texts_of_a_cell(cell):
    yield from (repr(cell), cell.latex, repr(cell.equations()), repr(cell.diagram()), str(cell.graph))
    yield from (cell.source(), cell.source(backward=True))
    yield repr(lc.diff(lc.cells.lstm, cell))
    yield repr(lc.diff(cell, lc.cells.mlstm, **sizes_of(cell)))
    try:
        yield cell.definition()
        yield str(cell.operations(4, 4, steps=4, sizes={}))
    except ValueError:  # of a stack there is none
        pass


def texts_of_a_task(task):
    yield from (repr(task), str(task), str(task.config()))
    model = lc.Model(lc.cells.lstm, task, hidden_size=3, **({"embedding": 2} if task.symbols else {}))
    yield repr(model)
    batch = next(task.stream("test", batch_size=2))
    yield from map(repr, (batch, model.loss(batch)))


@pytest.mark.parametrize("name", CELLS)
def test_cells(name):
    for text in texts_of_a_cell(CELLS[name]):
        assert text.isascii(), [line for line in text.splitlines() if not line.isascii()]


@pytest.mark.parametrize(
    "name", ["adding", "agreement", "clouds", "copy", "counting", "reber", "temporal_order"]
)
def test_tasks_and_models(name):
    for text in texts_of_a_task(lc.tasks.get(name)):
        assert text.isascii(), [line for line in text.splitlines() if not line.isascii()]


def test_runs_histories_verdicts_and_reports():
    cell = lc.cells.lstm
    run = lc.unroll(cell, cell.init(2, 3, rng=0), np.ones((3, 1, 2), np.float32))
    history = lc.fit(lc.Model("rnn", "adding", hidden_size=2), 2, batch_size=2, progress=False)
    verdict = lc.claim("C12", "Something holds.", 0.99, above=0.95)
    shown = [run, run.backward({"h": run["h"]}), run.final, history, verdict, lc.check_installation()]
    shown += [experiments.get(name) for name in experiments.names()]
    for thing in shown:
        for text in (repr(thing), str(thing)):
            assert text.isascii(), text


@lc.cell
def größe(x, α):
    """Letters of other alphabets."""
    β = lc.tanh(lc.affine("β", α, x))
    α = 0.5 * α + β
    return α


def entry(name):
    numbers = {task: 0.5 for task in design.TASKS}
    return design.Entry(name, "0", [300, 1, 1], numbers, numbers, numbers, numbers)


def shown_of_letters_of_other_alphabets():
    run = lc.unroll(größe, größe.init(2, 3, rng=0), np.ones((3, 1, 2), np.float32))
    yield from (größe, größe.equations(), größe.diagram(), lc.diff(lc.cells.rnn, größe), run, lc.xray(run))
    yield run.backward({"α": run["α"]})
    yield from (lc.Model(größe, "adding", hidden_size=2), lc.lab(größe), lc.lab([größe, lc.cells.rnn]))
    yield lc.Seq2Seq(größe, "additive_attention", "dates", 4)
    yield from (design.Board([entry("größe")]), film(np.zeros((2, 1, 2, 2)), alt="größe"))


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", None])
def test_letters_of_other_alphabets_are_escaped_where_the_console_lacks_them(monkeypatch, encoding):
    things = list(shown_of_letters_of_other_alphabets())
    monkeypatch.setattr(sys, "stdout", SimpleNamespace(encoding=encoding))
    for thing in things:
        text = repr(thing)
        text.encode(encoding or "utf-8")
        escaped = {"ascii": ("gr\\xf6\\xdfe", "\\u03b1"), "cp1252": ("größe", "\\u03b1")}
        assert any(word in text for word in escaped.get(encoding, ("größe", "α"))), text


PRINTS = """
import lstmcourse as lc
print(lc.Model("lstm", "adding", hidden_size=4))
print(lc.diff(lc.cells.lstm, lc.cells.peephole))
print(lc.fit(lc.Model("rnn", "adding", hidden_size=2), 2, batch_size=2))
"""
COMMANDS = {
    "prints": ["-c", PRINTS],
    "experiments": ["-m", "lstmcourse.experiments", "--list", "islands", "who_speaks"],
    "claims": ["-m", "tools.claims"],
}


@pytest.mark.parametrize(
    ("what", "encoding"), [("prints", "cp1252"), *((what, "ascii") for what in COMMANDS)]
)
def test_commands(what, encoding):
    """In a console that has no more than that; what ASCII can encode, cp1252 can."""
    own = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *COMMANDS[what]], env=os.environ | own, capture_output=True, cwd=ROOT
    )
    assert b"Error" not in done.stderr, done.stderr.decode(encoding)
    assert done.returncode == 0 or what == "claims"
