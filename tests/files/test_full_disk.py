"""A disk that is full: the old file stays whole, nothing is left beside it, and the error names the file.

The system itself says no: for the time of a call no file may become longer than some bytes.
"""

import ast
import concurrent.futures
import contextlib
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lstmcourse as lc
from lstmcourse import complete, experiments
from lstmcourse.errors import FileError
from lstmcourse.exercises.notes import record
from lstmcourse.exercises.verdict import Verdict
from lstmcourse.experiments import cost, define, design, store
from lstmcourse.files import tensors
from lstmcourse.files import whole as files

resource = pytest.importorskip("resource", reason="Windows has no such limits")

ROOM = 64  # bytes of a file
CELL = lc.cells.rnn
PARAMS = CELL.init(2, 3, rng=0)
TRIAL = store.Trial({"a": 1}, 0, {"y": 2.0})


@contextlib.contextmanager
def full():
    """No room: what is written beyond some bytes of a file is cut off, as by a disk that fills up."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def model():
    return lc.Model(CELL, "adding", hidden_size=3)


def fitted(path):
    lc.fit(model(), steps=1, batch_size=2, checkpoint=path, overwrite=True, progress=False)


def results():
    return store.Results("made", (TRIAL,), {"code": {}})


WRITERS = {
    "replace": lambda path: files.replace(path, b"new" * 100),
    "append": lambda path: files.append(path, b"new" * 100),
    "tensors": lambda path: tensors.write(path, PARAMS, {}),
    "checkpoint": lambda path: lc.checkpoints.save(path, model(), overwrite=True),
    "fit": fitted,
    "PyTorch's weights": lambda path: lc.interop.save_torch(path, CELL, PARAMS, overwrite=True),
    "Keras' weights": lambda path: lc.interop.save_keras(path, CELL, PARAMS, overwrite=True),
    "progress as CSV": lambda path: lc.progress().csv(path),
    "progress as JSON": lambda path: lc.progress().json(path),
    "a diagram": lambda path: CELL.diagram().save(path),
    "a laboratory": lambda path: lc.lab(CELL).save(path),
    "results": lambda path: store.save(results(), path.parent),
    "a part of a study": lambda path: store.save_part(results(), path),
}


@pytest.fixture
def place(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "folder").mkdir()
    return tmp_path / "folder"


@pytest.mark.parametrize("name", WRITERS)
def test_the_old_file_stays_and_the_error_names_it(place, name):
    path = place / "made.json"
    path.write_bytes(b"old\n")
    with full(), pytest.raises(OSError, match=r"made\.json"):
        WRITERS[name](path)
    # a line that was cut off stays alone: others may have written behind it
    assert path.read_bytes()[: None if name != "append" else 4] == b"old\n"
    assert os.listdir(place) == ["made.json"]


def test_a_training_goes_on_and_its_history_is_not_lost(place):
    path = place / "made.safetensors"
    with (
        full(),
        pytest.warns(RuntimeWarning, match=r"no checkpoint after . steps?.*made\.safetensors"),
        pytest.raises(OSError, match=r"made\.safetensors") as caught,
    ):
        lc.fit(model(), 2, batch_size=2, checkpoint=path, checkpoint_every=1, progress=False)
    assert caught.value.history.steps == 2 and os.listdir(place) == []


def test_what_is_noted_by_the_way_holds_up_nothing(place, monkeypatch, capsys):
    (place.parent / ".lstmcourse").mkdir()
    (place.parent / ".lstmcourse" / "answers.jsonl").write_bytes(b" " * ROOM + b"\n")
    with full():
        record("01.2", Verdict(False, "wrong", "Wrong."))
        cost.note_time(place, "a long name" * 10, [1.0])
    assert "Your progress was not noted" in capsys.readouterr().out
    assert os.listdir(place) == [] and cost.times(place) == {}
    (place / cost.TIMES).write_text('{"made": "long"}')
    assert cost.times(place) == {}

    monkeypatch.setattr(design, "_trial", lambda *how: {"validation": 1.0, "accuracy": 1.0, "time": 1.0})
    how = {"parameters": 400, "updates": 1, "seeds": 1, "progress": False, "folder": place}
    with full(), pytest.warns(RuntimeWarning, match=r"is on this board alone.*leaderboard\.json"):
        board = lc.design("rnn", **how)
    assert {entry.name for entry in board.entries} == {"rnn", "lstm", "gru"}
    assert lc.design(**how).entries == []


THIRD = []
"""What happens in the third trial of a study."""


def measured(a, *, seed):
    for happens in THIRD * (seed == 2):
        happens()
    return {"y": float(a + seed)}


class Now(concurrent.futures.Executor):
    """Runs at once, in this process."""

    def submit(self, function, /, *args, **kwargs):
        done = concurrent.futures.Future()
        done.set_result(function(*args, **kwargs))
        return done


@pytest.fixture
def study(place, monkeypatch):
    """A study of four trials, run in this process."""
    pytest.importorskip("optuna", reason="Optuna is optional")
    experiments.names()  # the others are declared before
    monkeypatch.setattr(define, "_ALL", dict(define._ALL))
    monkeypatch.setattr(sys.modules[__name__], "THIRD", [])
    experiments.experiment(name="made", points=[{"a": 1}], seeds=range(4), agree={})(measured)
    where = {"data": place / "data", "journal": place / "made.jsonl"}
    return functools.partial(experiments.run, "made", executor=Now(), progress=False, **where)


def test_a_study_whose_journal_is_full_goes_on_from_there(study, place):
    end = contextlib.ExitStack()
    THIRD.append(lambda: end.enter_context(full()))
    with end, pytest.raises(OSError, match=r"made\.jsonl"):
        study()
    assert all(json.loads(line) for line in (place / "made.jsonl").read_bytes().splitlines())
    tried = []
    THIRD[:] = [lambda: tried.append(2)]
    assert [t.values["y"] for t in study().trials] == [1, 2, 3, 4] and tried == [2]
    assert sorted(os.listdir(place)) == ["data", "made.door"]
    assert list((place.parent / "cache" / "runners").iterdir()) == []


def test_a_study_whose_journal_is_taken_away_says_so(study, place):
    THIRD.append((place / "made.jsonl").unlink)
    with pytest.raises(FileError, match=r"made\.jsonl was emptied or removed while"):
        study()
    THIRD.clear()
    assert len(study().trials) == 4


def test_a_journal_that_cannot_be_mended_stays(study, place):
    damaged = place / "made.jsonl"
    damaged.write_bytes(b"damaged\n" + b" " * ROOM)
    before = damaged.read_bytes()
    with full(), pytest.raises(OSError, match=r"made\.new"):
        study()
    assert damaged.read_bytes() == before[:8] and sorted(os.listdir(place)) == ["made.door", "made.jsonl"]


def test_a_study_runs_without_the_folder_of_locks(study, place, monkeypatch):
    (place / "file").touch()
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(place / "file"))
    assert len(study().trials) == 4


def test_a_program_that_cannot_be_kept_is_compiled_in_memory(place):
    pytest.importorskip("numba", reason="Numba is optional")
    from lstmcourse.compiled import cache

    text = "import numba\n\n@numba.njit('f8(f8)', cache={})\ndef twice(a):\n    return 2 * a\n"
    with full():
        assert cache.module(lambda kept: text.format(kept)).twice(2.0) == 4.0
    kept = place.parent / "cache"
    assert [p for p in kept.rglob("*") if p.is_file()] == []
    assert cache.module(lambda kept: text.format(kept)).twice(2.0) == 4.0
    assert {p.suffix for p in kept.rglob("*") if p.is_file()} == {".py", ".sums", ".nbi", ".nbc"}


@pytest.mark.parametrize(
    ("way", "words"),
    [("> /dev/full", b"standard output cannot be written"), ("| true", b""), ("<&-", b"input is closed")],
)
def test_the_program_that_completes(place, way, words):
    if not os.path.exists("/dev/full"):
        pytest.skip("no such device")
    (place / "mine.py").write_text("import os\n")
    name = "-" if "<" in way else "mine.py"
    command = f"{sys.executable} -m {complete.__name__} {name} --length 1 {way}"
    done = subprocess.run(command, shell=True, cwd=place, capture_output=True, timeout=60)
    assert words in done.stderr and b"Traceback" not in done.stderr and b"Exception" not in done.stderr


WRITE_THEMSELVES = {
    "files/whole.py",
    "compiled/cache.py",
    "course/music.py",
    "experiments/storages.py",
    "teaching/apart.py",
}
"""Modules that write by other means than `lstmcourse.files`: music into memory, answers nowhere."""


def test_all_others_write_by_these_means():
    found = set()
    root = Path(lc.__file__).parent
    for file in root.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                mode = next((a.value for a in node.args[1:] if isinstance(a, ast.Constant)), "")
                text = called == "write_text" and isinstance(node.func, ast.Attribute)
                if (
                    text
                    or called in ("write_bytes", "savez", "mkstemp", "copy2")
                    or (called == "open" and set(str(mode)) & set("wax+"))
                ):
                    found.add(file.relative_to(root).as_posix())
    assert found <= WRITE_THEMSELVES, sorted(found - WRITE_THEMSELVES)
