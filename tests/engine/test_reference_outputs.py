"""The engine gives the numbers that are stored for its revision, so that stored studies rest on them."""

import os
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.revision import ENGINE_REVISION

ROOT = Path(__file__).resolve().parents[2]
MADE = SimpleNamespace(**runpy.run_path(str(ROOT / "tests/data/make_reference_outputs.py")))
WHAT_TO_DO = "raise ENGINE_REVISION and run `python tests/data/make_reference_outputs.py`"


def test_the_stored_numbers_are_those_of_this_revision():
    assert MADE.stored()["revision"] == ENGINE_REVISION, (
        f"the engine's revision is {ENGINE_REVISION}, and reference outputs are stored for "
        f"{MADE.stored()['revision']}: run `python tests/data/make_reference_outputs.py`"
    )


def test_the_engine_gives_the_stored_numbers():
    now, stored = MADE.outputs(), MADE.stored()
    other = MADE.differences(stored, now)
    assert not other, f"numbers changed: {', '.join(other)}; {WHAT_TO_DO}"
    assert stored.keys() - {"revision"} == now.keys(), f"numbers were added; {WHAT_TO_DO}"


def test_every_cell_and_optimiser_has_stored_numbers_and_each_array_counts():
    stored = MADE.stored()
    assert {name.split("/")[1] for name in stored if name.startswith("cells/")} == set(lc.cells.names())
    assert {name.split("/")[2] for name in stored if name.startswith("fits/")} == set(lc.optim.names())
    assert all(np.isfinite(a).all() for a in stored.values())
    # nothing reads the h of an mLSTM and of self-attention, a stabiliser cancels, nothing flows into a choice
    silent = {"cells/mlstm/d h0", "cells/mlstm/d m0", "cells/slstm/d m0", "cells/self_attention/d h0"}
    silent |= {"cells/additive_attention/d n", "cells/density_rnn_sample/d u"}
    assert {name for name, a in stored.items() if np.abs(a).max() < 1e-6} == silent


@pytest.mark.parametrize("part", ["states", "gradients", "training"])
def test_a_change_is_noticed(part):
    """In one array of many, by a millionth of its largest number; what rounding does is not."""
    stored = MADE.stored()
    name = {"states": "cells/gru/h", "gradients": "cells/gru/d U_z", "training": "fits/mse/adam/cell.W_f"}[
        part
    ]
    a = stored[name]
    bump = np.abs(a).max() * (np.arange(a.size) == a.size // 2).reshape(a.shape)
    assert MADE.differences(stored, stored | {name: a + 1e-6 * bump}) == [name]
    assert MADE.differences(stored, stored | {name: a + 1e-9 * bump}) == []
    assert MADE.differences(stored, {k: v for k, v in stored.items() if k != name}) == [name]
    assert MADE.differences(stored, stored | {name: a[1:]}) == [name]
    assert MADE.differences(stored, stored | {name: np.where(bump, np.nan, a)}) == [name]


def test_a_changed_sign_in_a_cell_is_noticed():
    @lc.cell(init={"b_f": 1.0})
    def changed(x, h, c):
        f = lc.sigmoid(lc.affine("f", h, x))
        i = lc.sigmoid(lc.affine("i", h, x))
        g = lc.tanh(lc.affine("g", h, x))
        o = lc.sigmoid(lc.affine("o", h, x))
        c = f * c - i * g
        h = o * lc.tanh(c)
        return h, c

    stored = MADE.stored()
    now = {f"cells/lstm/{k}": a for k, a in MADE.ran(changed).items()}
    assert set(MADE.differences(stored, stored | now)) >= {"cells/lstm/h", "cells/lstm/c", "cells/lstm/d x"}


# The whole course, changed in a copy


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the package and of what the commands need."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(ROOT / "lstmcourse", copy / "lstmcourse", ignore=shutil.ignore_patterns("__pycache__"))
    (copy / "tests").mkdir()
    shutil.copytree(ROOT / "tests/data", copy / "tests/data")
    for name in ("training_toys.py", "corner_cells.py"):
        shutil.copy(ROOT / "tests" / name, copy / "tests")
    return copy


def said_by(copy, *command):
    done = subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert not done.stderr
    return done.stdout


STORED = sorted({p.stem for p in (ROOT / "lstmcourse/experiments/data").glob("*.json")} - {"times"})
MAKE, LIST = ("tests/data/make_reference_outputs.py",), ("-m", "lstmcourse.experiments", "--list", *STORED)


CHANGES = [
    ("engine/graph.py", "from __future__", "# a comment\nfrom __future__", None, set()),
    ("cells/lstm.py", "c = f * c + i * g", "c = f * c - i * g", "cells/lstm/", {"changed since: lstm"}),
    ("engine/ops.py", "g * (1.0 - y * y)", "g * (1.0 + y * y)", "cells/clockwork/d ", set()),
    ("training/optim.py", "np.sqrt", "np.cbrt", "fits/mse/rmsprop/loss", set()),
    ("tasks/waveform.py", "_TOLERANCE = 0.1", "_TOLERANCE = 0.2", None, {"changed since: Waveform"}),
    ("revision.py", "REVISION = ", "REVISION = 9", None, {"changed since: engine revision"}),
]


@pytest.mark.parametrize(("file", "old"), [row[:2] for row in CHANGES])
def test_what_is_to_be_changed_is_there(file, old):
    """So that a move is noticed before the long test runs."""
    assert old in (ROOT / "lstmcourse" / file).read_text()


@pytest.mark.long
@pytest.mark.parametrize(("file", "old", "new", "numbers", "stale"), CHANGES)
def test_what_a_change_does_to_numbers_and_studies(course, file, old, new, numbers, stale):
    path = course / "lstmcourse" / file
    text = path.read_text()
    path.write_text(text.replace(old, new))
    try:
        rows, made = said_by(course, *LIST).splitlines(), said_by(course, *MAKE)
    finally:
        path.write_text(text)
        shutil.copy(MADE.FILE, course / "tests/data")
    assert len(rows) == len(STORED)
    said = {row.partition(": stale, ")[2] for row in rows if "stale" in row}
    assert {why.partition("; skipped, ")[0] for why in said} == stale  # without what a study needs
    assert all(": current, " in row or ": stale, " in row for row in rows)
    assert made.startswith("numbers changed: " if numbers else str(course))
    assert not numbers or f" {numbers}" in made
