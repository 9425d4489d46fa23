"""Chorales: read from a file that was made up, and counted by other means."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.errors import FileError
from lstmcourse.tasks import Chorales, MissingSourceError

MADE_UP = json.loads(Path(os.environ["LSTMCOURSE_CHORALES"]).read_text(encoding="utf-8"))
FILES = {"train": "train", "validation": "valid", "test": "test"}


@pytest.mark.parametrize("split", FILES)
def test_every_chord_is_the_file_s_and_what_is_read_is_the_one_before(split):
    batch = Chorales().whole(split)
    for b, piece in enumerate(MADE_UP[FILES[split]]):
        n = len(piece)
        assert [set(np.flatnonzero(row) + 21) for row in batch.y[:n, b]] == [set(chord) for chord in piece]
        assert not batch.x[0, b].any() and (batch.x[1:n, b] == batch.y[: n - 1, b]).all()
        assert batch.mask[:n, b].all() and not batch.mask[n:, b].any() and batch.lengths[b] == n
        assert not batch.y[n:, b].any() and not batch.x[n:, b].any()
    now = Chorales(given="now").whole(split)
    assert (now.x == now.y).all() and (now.y == batch.y).all()


def test_a_stream_draws_pieces_of_its_split_and_in_the_end_all_of_them():
    task = Chorales()
    for split, part in FILES.items():
        batch = task.batch(split, batch_size=200)
        drawn = {
            json.dumps([(np.flatnonzero(row) + 21).tolist() for row in batch.y[:n, b]])
            for b, n in enumerate(batch.lengths)
        }
        assert drawn == {json.dumps(piece) for piece in MADE_UP[part]}


def test_chance_is_the_loss_of_coins_with_the_file_s_frequencies():
    steps = [chord for part in MADE_UP.values() for piece in part for chord in piece]
    often = np.array([np.mean([note in chord for chord in steps]) for note in range(21, 109)])
    nats = [
        -sum(np.log(p if note in chord else 1 - p) for note, p in enumerate(often, 21) if 0 < p < 1)
        for chord in steps
    ]
    np.testing.assert_allclose(Chorales().chance, np.mean(nats), rtol=1e-12)


def test_the_loss_of_a_model_is_summed_over_the_notes_and_averaged_over_the_chords():
    task = Chorales()
    model = lc.Model("rnn", task, 2, dtype=np.float64)
    for array in model.params.values():
        array[...] = 0  # so each note is a fair coin
    np.testing.assert_allclose(model.loss(task.whole(dtype=np.float64)), 88 * np.log(2), rtol=1e-12)


def test_what_is_right_is_a_share_of_what_sounds_or_is_said():
    batch = Chorales().whole("test")
    said = np.zeros_like(batch.y)
    said[0, 0, np.array(MADE_UP["test"][0][0][:2]) - 21] = 0.9  # two of its notes, and one more
    said[0, 0, 0] = 0.6
    assert Chorales().correct(said, batch)[0, 0] == 2 / (len(set(MADE_UP["test"][0][0])) + 1)


def test_a_file_that_changes_is_read_again(tmp_path):
    file = tmp_path / "chorales.json"
    file.write_text(json.dumps(MADE_UP), encoding="utf-8")
    task = Chorales(file)
    before = task.data_digest(), task.whole("test").x.shape[1]
    file.write_text(json.dumps(MADE_UP | {"test": MADE_UP["test"][:2]}), encoding="utf-8")
    assert task.data_digest() != before[0] and (before[1], task.whole("test").x.shape[1]) == (5, 2)


ONE = [[60, 64]]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ([ONE], "no object with 'train', 'valid' and 'test'. Fetch jsb-chorales-quarter.json"),
        ({"train": [ONE], "test": [ONE]}, "no object with 'train', 'valid' and 'test'"),
        ({"train": [], "valid": [ONE], "test": [ONE]}, r"train is \[\]: a list is needed"),
        ({"train": [[]], "valid": [ONE], "test": [ONE]}, r"train\[0\] is \[\]: a list is needed"),
        ({"train": [ONE], "valid": [60], "test": [ONE]}, r"valid\[0\] is 60: a list is needed"),
        ({"train": [ONE], "valid": [ONE], "test": [ONE, [60]]}, r"test\[1\]\[0\] is 60: a step is a list"),
        ({"train": [ONE], "valid": [ONE], "test": [[[60], [20]]]}, r"test\[0\]\[1\] has 20: .* 21 to 108"),
        ({"train": [[[109]]], "valid": [ONE], "test": [ONE]}, r"train\[0\]\[0\] has 109"),
        ({"train": [[[60.0]]], "valid": [ONE], "test": [ONE]}, r"has 60.0: a note is a MIDI number"),
        ({"train": [[[True]]], "valid": [ONE], "test": [ONE]}, "has True"),
        ({"train": [[None]], "valid": [ONE], "test": [ONE]}, "is None: a step"),
    ],
)
def test_another_form_is_refused_at_its_place(tmp_path, content, says):
    file = tmp_path / "chorales.json"
    file.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(FileError, match=says) as problem:
        Chorales(file)
    assert str(file) in str(problem.value)


def test_a_file_that_is_not_there_or_not_json_is_refused(tmp_path, monkeypatch):
    with pytest.raises(MissingSourceError, match=r"there is no such file. Fetch jsb-chorales-quarter.json"):
        Chorales(tmp_path / "none.json")
    (tmp_path / "cut.json").write_text('{"train": [[[60', encoding="utf-8")
    with pytest.raises(FileError, match=r"cut.json is damaged: it is not JSON"):
        Chorales(tmp_path / "cut.json")
    monkeypatch.delenv("LSTMCOURSE_CHORALES")
    with pytest.raises(MissingSourceError, match="variable LSTMCOURSE_CHORALES; .*Fetch"):
        Chorales()


def test_somebody_else_s_file_does_not_say_what_is_read():
    with pytest.raises(ValueError, match="names a file, '/etc/passwd'; what is read you must say yourself"):
        lc.tasks.from_config({"name": "chorales", "path": "/etc/passwd"}, trusted=False)
    assert lc.tasks.from_config({"name": "chorales"}, trusted=False) == Chorales()
