"""A reader's own cell beside the LSTM and the GRU, and the leaderboard."""

import json
import math
from pathlib import Path

import pytest

import lstmcourse as lc
from lstmcourse.errors import FileError
from lstmcourse.experiments import design as module

FEW = {"parameters": 400, "updates": 2, "seeds": 1, "progress": False}


@lc.cell
def leaky(x, h):
    a = lc.sigmoid(lc.affine("a", h, x))
    h = a * h + (1.0 - a) * lc.tanh(lc.affine("h", W=x))
    return h


def noted(losses, tried):
    """What a trial gives where the loss on validation data is what `losses` says of each rate."""

    def trial(cell, task, units, rate, updates, seed):
        tried.append(rate)
        return {"validation": losses(rate), "accuracy": 1 - rate, "time": 1.0}

    return trial


def test_a_cell_takes_its_place_beside_the_lstm_and_the_gru(tmp_path):
    board = lc.design(leaky, folder=tmp_path, **FEW)
    assert {e.name for e in board.entries} == {"lstm", "gru", "leaky"}
    assert [e.score for e in board.entries] == sorted((e.score for e in board.entries), reverse=True)
    for entry in board.entries:
        cell = leaky if entry.name == "leaky" else lc.cells.get(entry.name)
        for name, task in module.TASKS.items():
            units = entry.units[name]
            counts = [lc.Model(cell, task, int(u)).parameter_count for u in (units, units + 1)]
            assert counts[0] <= 400 < counts[1]  # as many as it may have
            assert 0 <= entry.accuracy[name] <= 1 and entry.time[name] > 0
            assert entry.rate[name] in module.RATES
    text = repr(board)
    assert text.isascii() and len(text.splitlines()) == 4 and "leaky" in text
    assert board._repr_html_().count("<tr>") == 4


def test_peers_are_measured_once_and_a_cell_again(tmp_path, monkeypatch):
    trained = []
    measured = module._measured
    monkeypatch.setattr(module, "_trial", noted(float, []))

    def noting(cell, *how):
        trained.append(cell.name)
        return measured(cell, *how)

    monkeypatch.setattr(module, "_measured", noting)
    lc.design(leaky, folder=tmp_path, **FEW)
    lc.design(leaky, folder=tmp_path, **FEW)
    lc.design("lstm", folder=tmp_path, **FEW)
    assert trained == ["lstm", "gru", "leaky", "leaky", "lstm"]
    assert len(lc.design(folder=tmp_path, **FEW).entries) == 3  # each of them once; and nothing is trained
    assert len(trained) == 5


def test_cells_with_other_settings_are_not_compared(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_trial", noted(float, []))
    lc.design(leaky, folder=tmp_path, **FEW)
    empty = lc.design(folder=tmp_path)
    assert empty.entries == [] and empty._repr_html_() == f"<p>{empty}</p>"
    says = "No cell has been measured with these settings."
    assert str(empty) == f"{says} Other boards are lc.design(parameters=400, updates=2, seeds=1)."
    assert str(lc.design(folder=tmp_path / "new")) == says
    lc.design("rnn", folder=tmp_path, **FEW | {"updates": 1})
    assert "rnn" not in {e.name for e in lc.design(folder=tmp_path, **FEW).entries}


LOSSES = {
    "inside": (lambda rate: abs(rate - 0.03), 3e-2, [1e-2, 3e-2, 1e-1]),
    "at the lower end": (lambda rate: abs(rate - 0.01), 1e-2, [1e-2, 3e-2, 1e-1, 3e-3]),
    "the lower, the better": (lambda rate: rate, 1e-3, [1e-2, 3e-2, 1e-1, 3e-3, 1e-3]),
    "the higher, the better": (lambda rate: -rate, 1.0, [1e-2, 3e-2, 1e-1, 3e-1, 1.0]),
    "high ones diverge": (lambda rate: math.nan if rate > 0.01 else -rate, 1e-2, [1e-2, 3e-2, 1e-1, 3e-3]),
    "nearly all diverge": (
        lambda rate: math.nan if rate > 0.001 else 1.0, 1e-3, [1e-2, 3e-2, 1e-1, 3e-3, 1e-3]
    ),
}  # fmt: skip


@pytest.mark.parametrize("how", LOSSES)
def test_the_rate_is_the_best_on_validation_data_and_lies_between_others(tmp_path, monkeypatch, how):
    losses, chosen, order = LOSSES[how]
    tried = []
    monkeypatch.setattr(module, "_trial", noted(losses, tried))
    best = lc.design("rnn", folder=tmp_path, **FEW).entries[0]
    assert tried[: len(order)] == order and len(tried) == len(order) * len(module.TASKS) * 3
    assert set(best.rate.values()) == {chosen} and best.score == pytest.approx(1 - chosen)


def test_it_is_the_rule_of_all_studies(tmp_path, monkeypatch):
    """The lowest mean over seeds of a loss, among the rates at which no seed diverged."""
    losses = {1e-2: (4.0, 0.0), 3e-2: (1.9, 1.9), 1e-1: (0.0, math.nan), 3e-3: (9.0, 9.0)}
    values = {
        (rate, seed): {"validation": loss, "accuracy": loss / 10, "time": 1.0}
        for rate, of_seeds in losses.items()
        for seed, loss in enumerate(of_seeds)
    }
    monkeypatch.setattr(module, "_trial", lambda cell, task, units, rate, updates, seed: values[rate, seed])
    best = lc.design("rnn", folder=tmp_path, **FEW | {"seeds": 2}).entries[0]
    assert set(best.rate.values()) == {3e-2} and best.score == pytest.approx(0.19)


def test_a_cell_that_diverges_at_every_rate_is_refused_and_the_others_stay(tmp_path, monkeypatch):
    trial = module._trial

    def diverging(cell, *how):
        return (
            dict.fromkeys(("validation", "accuracy", "time"), math.nan)
            if cell is leaky
            else trial(cell, *how)
        )

    monkeypatch.setattr(module, "_trial", diverging)
    says = r"leaky on speakers: training diverges at every rate from 0\.001 to 0\.1; see that its equations"
    with pytest.raises(ValueError, match=says):
        lc.design(leaky, folder=tmp_path, **FEW)
    assert {e.name for e in lc.design(folder=tmp_path, **FEW).entries} == {"lstm", "gru"}


def test_training_that_diverges_counts_for_nothing(monkeypatch):
    @lc.cell
    def exploding(x, h):
        h = lc.exp(h + lc.affine("h", h, x))
        return h

    found = module._trial(exploding, module.TASKS["order"], 4, 1.0, 3, 0)
    assert all(map(math.isnan, found.values()))


def test_what_does_not_fit_is_refused_before_anything_is_trained(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_measured", None)
    with pytest.raises(ValueError, match=r"parameters=10: a model of lstm for speakers has \d+ parameters"):
        lc.design(leaky, folder=tmp_path, parameters=10)


def test_each_course_folder_has_a_board_and_the_first_takes_over_what_the_machine_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_trial", lambda *how: {"validation": 0.1, "accuracy": 0.5, "time": 1.0})
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "cache"))
    for name in ("mine", "yours"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "mine")
    board, kept = Path(".lstmcourse", "leaderboard.json"), tmp_path / "cache" / "leaderboard.json"

    def names():
        return sorted(entry.name for entry in lc.design(**FEW).entries)

    lc.design("rnn", **FEW)
    kept.parent.mkdir(exist_ok=True)
    board.rename(kept)
    assert names() == ["gru", "lstm", "rnn"] and kept.exists()  # it is looked at, and stays
    lc.design(leaky, **FEW)
    assert names() == ["gru", "leaky", "lstm", "rnn"] and board.exists() and not kept.exists()
    monkeypatch.chdir(tmp_path / "yours")
    assert names() == []
    monkeypatch.setenv("LSTMCOURSE_REGRESSION", "1")
    lc.design("rnn", **FEW)
    assert list(Path().iterdir()) == [] and not kept.exists()


NUMBERS = dict.fromkeys(module.TASKS, 0.5)
ENTRY = dict.fromkeys(("accuracy", "time", "units", "rate"), NUMBERS)
ENTRY |= {"name": "leaky", "digest": "1", "settings": [400, 2, 1]}
DAMAGES = {
    "cut off": '[{"name": "lea',
    "a number": "5",
    "no list": '{"a": 1}',
    "numbers": "[5]",
    "incomplete": '[{"name": "leaky"}]',
    **{
        f"{what} {value!r:.20}": json.dumps([ENTRY | {what: value}])
        for what, value in [
            ("more", 1), ("name", 5), ("name", "\x1b[31m"), ("name", "a\nb"), ("digest", [1]),
            ("settings", "abc"),
            ("settings", [1, 2]), ("settings", [[1], 2, 3]), ("settings", [1, 2, 0]), ("settings", None),
            ("accuracy", [0.5, 0.5]), ("accuracy", {"speakers": 0.5}), ("time", NUMBERS | {"order": "fast"}),
            ("time", NUMBERS | {"order": None}), ("units", NUMBERS | {"order": 10**400}),
            ("accuracy", NUMBERS | {"order": math.nan}), ("rate", NUMBERS | {"order": [0.5]}),
        ]
    },
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_board_is_refused_and_left_as_it_is(tmp_path, monkeypatch, damage):
    monkeypatch.setattr(module, "_measured", None)
    path = tmp_path / ".lstmcourse" / "leaderboard.json"
    path.parent.mkdir()
    path.write_text(json.dumps([ENTRY]))
    assert lc.design(folder=tmp_path, **FEW).entries[0].name == "leaky"
    path.write_text(DAMAGES[damage])
    for given in ((), (leaky,)):
        with pytest.raises(FileError, match=r"leaderboard\.json is damaged") as caught:
            lc.design(*given, folder=tmp_path, **FEW)
        assert str(caught.value).isprintable()
    assert path.read_text() == DAMAGES[damage]
