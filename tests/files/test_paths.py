"""Paths: home folders and variables, wherever a path is taken; where the cache is."""

import importlib
import inspect
import os
import pkgutil
import sys
import warnings
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import lstmcourse as lc
import tools.claims
from lstmcourse import checkpoints, experiments, interop
from lstmcourse.experiments import store
from lstmcourse.experiments.__main__ import main as experiments_command
from lstmcourse.files import paths
from lstmcourse.files import tensors as tensorfiles
from lstmcourse.files import whole as files
from lstmcourse.files.paths import cache_folder, expand
from lstmcourse.teaching.grade import grade
from lstmcourse.teaching.handed_in import students
from lstmcourse.teaching.slides import command as slides
from lstmcourse.teaching.slides.lesson import find, read


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home folder, and a working folder in which nothing may appear."""
    for name in ("home", "elsewhere"):
        (tmp_path / name).mkdir()
    for variable in ("HOME", "USERPROFILE", "PLACE"):
        monkeypatch.setenv(variable, str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "elsewhere")
    yield tmp_path / "home"
    assert list((tmp_path / "elsewhere").iterdir()) == [], "a folder called '~' or '$PLACE' was made"


def test_what_a_path_means(home, tmp_path, monkeypatch):
    for given in ("~/a", "$PLACE/a", "${PLACE}/a", Path("~/a"), Path("$PLACE") / "a", home / "a"):
        assert expand(given) == home / "a"
    assert expand("~") == home
    for given in ("a~b", "a/~", "cost$5.json", "$5.json"[1:], "./~name"):
        assert expand(given) == Path(given)
    with pytest.raises(ValueError, match=r"data='~nobody-here/x': there is no home folder ~nobody-here;"):
        expand("~nobody-here/x", "data")
    for given in ("$NOWHERE/x", "${NOWHERE}", "a/$NOWHERE/x"):
        with pytest.raises(ValueError, match="no environment variable NOWHERE"):
            expand(given)
    (tmp_path / "$NOWHERE").mkdir()
    assert expand(tmp_path / "$NOWHERE" / "x") == tmp_path / "$NOWHERE" / "x"  # it is there
    for given in (3, None, b"x", ["x"]):
        with pytest.raises(TypeError, match="data=.* does not fit: the path of a file is needed"):
            expand(given, "data")
    with pytest.raises(ValueError, match="path='' is empty"):
        expand("")
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # a system that knows of no home folder
    with pytest.raises(ValueError, match="there is no home folder ~;"):
        expand("~/x")


cell = lc.cells.rnn
params = cell.init(2, 3, rng=0)


def model():
    return lc.Model(cell, "adding", hidden_size=3)


def fitted(path):
    lc.fit(model(), steps=1, batch_size=2, checkpoint=path, progress=False)
    assert lc.fit(model(), steps=1, batch_size=2, checkpoint=path, resume=True, progress=False).steps == 1


def written(path, text="a line of text\n" * 30):
    expand(path).parent.mkdir(exist_ok=True)
    expand(path).write_text(text, encoding="utf-8")
    return path


def results(path):
    (trial,) = [store.Trial({"a": 1}, 0, {"y": 2.0})]
    made = store.Results("made", (trial,), {"code": {}})
    store.save(made, path)
    assert experiments.load("made", data=path).trials == (trial,)


def part(path):
    made = store.Results("made", (store.Trial({"a": 1}, 0, {"y": 2.0}),), {"code": {}})
    assert store.read_part(store.save_part(made, path)) == made


def noted(path):
    expand(path).mkdir()
    (expand(path) / "01_empty.ipynb").write_text('{"cells": []}', encoding="utf-8")


def command(path):
    expand(path).mkdir()
    assert experiments_command(["--list", "--data", str(path)]) == 0


def handed_in(path):
    (expand(path) / "Ada").mkdir(parents=True)
    return path


def lesson(path):
    text = '{"cells": [{"cell_type": "markdown", "metadata": {}, "source": "# A lesson"}]}'
    expand(path).mkdir(parents=True)
    (expand(path) / "05_a.ipynb").write_text(text, encoding="utf-8")
    return path


def deck(path):
    made, count = slides.write(f"{lesson(f'{path}/lessons')}/05_a.ipynb", f"{path}/slides")
    assert made == expand(path) / "slides" / "05_a.html" and made.exists() and count == 1


def trained(path):
    with mock.patch.object(lc.coder, "backends", lambda: ["numpy"]):
        lc.coder.train(stop=1, checkpoint=path)


WAYS = {
    "training.fit.fit": fitted,
    "training.checkpoints.save": lambda p: checkpoints.load(checkpoints.save(p, model())),
    "training.checkpoints.load": lambda p: (checkpoints.save(p, model()), checkpoints.load(p)),
    "training.checkpoints.check_writable": checkpoints.check_writable,
    "files.whole.check_replaceable": files.check_replaceable,
    "files.whole.opened": lambda p: files.opened(written(p)).__enter__().close(),
    "files.whole.append": lambda p: files.append(p, b"a line"),
    "files.whole.alone": lambda p: files.alone(p).__enter__(),
    "files.whole.held": lambda p: (files.replace(p, b""), files.held(p)),
    "files.whole.read_json": lambda p: files.read_json(written(p, "{}")),
    "files.whole.replace": lambda p: files.replace(p, b""),
    "files.tensors.read": lambda p: (tensorfiles.write(p, {"a": np.ones(2)}, {}), tensorfiles.read(p)),
    "files.tensors.read_header": lambda p: (
        tensorfiles.write(p, {"a": np.ones(2)}, {}),
        tensorfiles.read_header(p),
    ),
    "files.tensors.refuse_to_replace": lambda p: (
        tensorfiles.write(p, {"a": np.ones(2)}, {}),
        tensorfiles.refuse_to_replace(p, lambda header: True, "file"),
    ),
    "files.tensors.write": lambda p: tensorfiles.write(p, {"a": np.ones(2)}, {}),
    "interop.torch.save_torch": lambda p: interop.save_torch(p, cell, params),
    "interop.torch.load_torch": lambda p: (interop.save_torch(p, cell, params), interop.load_torch(p, cell)),
    "interop.keras.save_keras": lambda p: interop.save_keras(p, cell, params),
    "interop.keras.load_keras": lambda p: (interop.save_keras(p, cell, params), interop.load_keras(p, cell)),
    "tools.claims.evidence": lambda p: (expand(p).mkdir(), tools.claims.evidence(p)),
    "experiments.store.save": results,
    "experiments.store.load": results,
    "experiments.store.agree": None,  # by load
    "experiments.store.rerun": None,  # by load
    "experiments.run.confirm": None,  # by load and save
    "experiments.run.run": None,  # by load and save; the journal by expand, as data
    "experiments.run.status": None,  # as run
    "experiments.run.ask_to_stop": None,  # as run
    "experiments.run.known": None,  # as run
    "experiments.run.place": None,  # as run
    "experiments.run.joined": None,  # as run
    "experiments.run.seen": None,  # as run
    "experiments.store.save_part": part,
    "experiments.store.read_part": part,
    "experiments.exchange.export_trials": None,  # by save_part
    "experiments.exchange.import_trials": None,  # by read_part
    "experiments.cost.times": None,  # as run
    "experiments.cost.note_time": None,  # as run
    "experiments.cost.estimate": None,  # as run
    "experiments command": command,
    "course.ledger.ledger": lambda p: (noted(p), lc.ledger(p)),
    "claims command": lambda p: (expand(p).mkdir(), tools.claims.main(["--unmet", "--folder", str(p)])),
    "experiments.design.design": lambda p: (expand(p).mkdir(), lc.design(folder=p)),
    "exercises.progress.progress": lambda p: (expand(p).mkdir(), lc.progress(p)),
    "exercises.progress.Progress.csv": lambda p: lc.progress().csv(p),
    "exercises.progress.Progress.json": lambda p: lc.progress().json(p),
    "views.diagram.picture.Diagram.save": lambda p: cell.diagram().save(p),
    "laboratory.shown.Shown.save": lambda p: lc.lab(cell).save(p),
    "tasks.chorales.Chorales": lambda p: lc.tasks.Chorales(
        written(p, Path(os.environ["LSTMCOURSE_CHORALES"]).read_text(encoding="utf-8"))
    ),
    "tasks.text.Text": lambda p: lc.tasks.Text(files=(written(p),)),
    "course.coder.train": trained,
    "teaching.grade.grade": lambda p: grade(handed_in(p), ["05"]),
    "teaching.handed_in.students": lambda p: students(handed_in(p)),
    "teaching.slides.command.write": deck,
    "teaching.slides.lesson.find": lambda p: find(lesson(p), ["05"]),
    "teaching.slides.lesson.read": lambda p: read(f"{lesson(p)}/05_a.ipynb"),
    "files.paths.expand": expand,
}
TAKES_A_PATH = {"path", "folder", "data", "journal", "checkpoint", "file", "files", "filename"}


@pytest.mark.parametrize("start", ["~", "$PLACE"])
@pytest.mark.parametrize("way", [name for name, call in WAYS.items() if call])
def test_home_folders_and_variables_are_expanded(home, way, start, capsys):
    WAYS[way](f"{start}/there")
    if way not in (
        "training.checkpoints.check_writable",
        "files.whole.check_replaceable",
        "files.paths.expand",
    ):
        assert (home / "there").exists()


def test_every_public_function_that_takes_a_path_is_tried():
    found = set()
    for info in pkgutil.walk_packages(lc.__path__, "lstmcourse."):
        if info.name.endswith("__main__"):
            continue
        try:
            module = importlib.import_module(info.name)
        except ImportError:  # those for Numba
            continue
        for name, value in vars(module).items():
            if name.startswith("_") or getattr(value, "__module__", "") != info.name:
                continue
            members = {"": value}
            if inspect.isclass(value):
                members |= {f".{k}": v for k, v in vars(value).items() if not k.startswith("_")}
            for member, function in members.items():
                if not callable(function):
                    continue
                try:
                    parameters = inspect.signature(function).parameters
                except ValueError:
                    continue
                if set(parameters) & TAKES_A_PATH:
                    found.add(f"{info.name.removeprefix('lstmcourse.')}.{name}{member}")
    # of paths that the doors above have read
    inside = {"training.checkpoints.Checkpoint", "training.checkpoints.refuse_differences"}
    inside |= {"exercises.notes.noted", "teaching.grade.Row"}
    inside |= {name for name in found if name.startswith(("interop.arrays.", "training.resume."))}
    inside |= {name for name in found if name.startswith("experiments.") and "data" in name.split(".")[-1]}
    inside |= {name for name in found if name.startswith("experiments.studies.")}  # coordinates of studies
    untried = sorted(found - inside - set(WAYS))
    assert not untried, "say above how these are tried"


def test_where_the_cache_is(home, monkeypatch):
    monkeypatch.setattr(paths, "_told", set())
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", "somewhere")
    assert str(cache_folder()) == "somewhere"
    monkeypatch.setenv("LSTMCOURSE_CACHE", "the old name")
    assert str(cache_folder()) == "somewhere"
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", "~/somewhere")
    assert cache_folder() == home / "somewhere"
    monkeypatch.delenv("LSTMCOURSE_CACHE_DIR")
    with pytest.warns(
        FutureWarning, match="LSTMCOURSE_CACHE is now called LSTMCOURSE_CACHE_DIR: set that to"
    ):
        assert str(cache_folder()) == "the old name"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert str(cache_folder()) == "the old name"  # said once
    monkeypatch.delenv("LSTMCOURSE_CACHE")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", "$PLACE/caches")
    assert cache_folder() == home / "caches" / "lstmcourse"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == home / ".cache" / "lstmcourse"
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setenv("LOCALAPPDATA", str(home / "local"))
    assert cache_folder() == home / "local" / "lstmcourse"
    monkeypatch.delenv("LOCALAPPDATA")
    assert cache_folder() == home / "AppData" / "Local" / "lstmcourse"
