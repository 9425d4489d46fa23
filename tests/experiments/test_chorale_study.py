"""The study of Bach's chorales, on chords that were made up; and of a study without its file."""

import importlib
import shutil

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse import experiments
from lstmcourse.experiments import Interval, experiment, grid
from lstmcourse.experiments.__main__ import main
from lstmcourse.experiments.studies import chorales
from lstmcourse.tasks import Chorales, MissingSourceError

SETTINGS = importlib.import_module("lstmcourse.experiments.__main__")


@pytest.fixture
def made_up(monkeypatch):
    """The file of the tests stands for Bach's."""
    monkeypatch.setattr(chorales, "DIGEST", Chorales().data_digest())


@pytest.fixture
def quick(monkeypatch, made_up):
    """Few updates, and nothing to be compiled for them."""
    monkeypatch.setattr(chorales, "UPDATES", 3)
    monkeypatch.setattr(chorales, "backends", lambda: ["numpy"])


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_a_row_of_notes_says_the_same_as_its_chords(split):
    rows, chords = chorales.NoteByNote().whole(split), Chorales().whole(split)
    assert (rows.x[0] == chorales.END).all() and np.array_equal(
        rows.x[1:][rows.mask[1:]], rows.y[:-1][rows.mask[1:]]
    )
    for b, (length, steps) in enumerate(zip(rows.lengths, chords.mask.sum(0), strict=True)):
        row, rebuilt = rows.y[:length, b], np.zeros((steps, 88))
        step = np.concatenate([[0], np.cumsum(row == chorales.END)[:-1]])  # of each symbol
        note = row != chorales.END
        rebuilt[step[note], row[note]] = 1
        assert np.array_equal(rebuilt, chords.y[:steps, b])
        assert all((np.diff(row[(step == t) & note]) > 0).all() for t in range(steps)), "from below"


def test_symbols_by_chance_cost_their_entropy():
    task = chorales.NoteByNote()
    batch = task.whole("all")
    share = np.bincount(batch.y[batch.mask]) / batch.mask.sum()
    assert task.chance == pytest.approx(-np.log(share[batch.y[batch.mask]]).mean())
    right = np.eye(89)[batch.y]
    assert task.correct(right, batch).all() and task.symbols[60 - 21] == "60"


@pytest.mark.usefixtures("made_up")
@pytest.mark.parametrize("name", chorales.MODELS)
def test_models_have_as_many_parameters(name):
    model = chorales.model_of_chorales(name, 0)
    assert 0.97 * chorales.PARAMETERS < model.parameter_count <= chorales.PARAMETERS


@pytest.mark.usefixtures("quick")
def test_a_trial_gives_nats_a_chord():
    found = chorales.chorales(chorales.BY_NOTES, 1e-2, seed=0)
    made = chorales.trained(chorales.model_of_chorales(chorales.BY_NOTES, 0), 1e-2, 0)
    rows, chords = made.task.whole("test"), Chorales().whole("test")
    p = np.take_along_axis(made.predict(rows.x, lengths=rows.lengths), rows.y[..., None], -1)[..., 0]
    assert found["loss"] == pytest.approx(-np.log(p[rows.mask]).sum() / chords.mask.sum(), rel=1e-5)
    assert found["likelihood"] == found["loss"]
    coins = chorales.chorales("GRU", 1e-2, seed=0)
    made = chorales.trained(chorales.model_of_chorales("GRU", 0), 1e-2, 0)
    p = made.predict(chords.x, lengths=chords.lengths)
    odds = np.where(chords.y > 0.5, p, 1 - p)[chords.mask]
    assert coins["loss"] == pytest.approx(-np.log(odds).sum(-1).mean(), rel=1e-4)
    latent = chorales.chorales("STORN", 1e-2, seed=0)
    assert latent["likelihood"] < latent["loss"] and latent["parameters"] == 39_960


@pytest.mark.parametrize("model", chorales.MODELS)
def test_the_best_rate_lies_inside_what_was_tried(model):
    study = lc.experiments.load("chorales")
    rates, _ = study.over("learning_rate", "validation", model=model)
    assert rates[0] < study.best(model=model) < rates[-1]


# Without the file


def test_another_file_is_not_taken_for_bachs(monkeypatch):
    with pytest.raises(MissingSourceError, match=r"not the file of 382 chorales .* docs/data.md"):
        chorales.bach()
    monkeypatch.delenv("LSTMCOURSE_CHORALES")
    with pytest.raises(MissingSourceError, match="variable LSTMCOURSE_CHORALES; .*Fetch"):
        chorales.model_of_chorales("GRU", 0)


HERE = {"file": False}


def the_file():
    if not HERE["file"]:
        raise MissingSourceError("path='bach.json': there is no such file. Fetch it")


@experiment(points=grid(x=(1, 2)), seeds=[0], agree={"y": Interval(0.5)}, needs=the_file)
def needy(x, *, seed):
    the_file()
    return {"y": float(x)}


def test_a_study_without_its_file_is_passed_over_and_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(SETTINGS, "names", lambda scale: ("needy",))
    data = ["--data", str(tmp_path / "data")]
    lacks = (
        "needy: stale, not run yet, 2 trials; skipped, path='bach.json': there is no such file. Fetch it\n"
    )
    assert main(["--list", *data]) == 0 and capsys.readouterr().out == lacks
    assert main(data) == 0 and capsys.readouterr().out.endswith(lacks)
    assert main(["needy", *data]) == 1, "it was asked for"
    assert "there is no such file" in capsys.readouterr().err
    monkeypatch.setitem(HERE, "file", True)
    experiments.run("needy", executor=_threads(), data=tmp_path / "data", progress=False)
    monkeypatch.setitem(HERE, "file", False)
    for asked in (["--list", *data], data, ["needy", *data]):
        assert main(asked) == 0 and capsys.readouterr().out.endswith("needy: current, 2 trials\n")
    assert [t.values["y"] for t in experiments.load("needy", data=tmp_path / "data").trials] == [1.0, 2.0]
    shutil.rmtree(tmp_path / "data")
    with pytest.raises(MissingSourceError):
        experiments.run("needy", executor=_threads(), data=tmp_path / "data", progress=False)
    with pytest.raises(TypeError, match=r"needs='a file' does not fit: it must be callable"):
        experiment(points=[{"x": 1}], seeds=[0], agree={}, needs="a file")


def test_the_list_wants_no_file(monkeypatch, capsys):
    monkeypatch.delenv("LSTMCOURSE_CHORALES")
    assert main(["chorales", "--list"]) == 0
    assert capsys.readouterr().out.startswith("chorales: current, ")


def _threads():
    from concurrent.futures import ThreadPoolExecutor

    return ThreadPoolExecutor(1)
