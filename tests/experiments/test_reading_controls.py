"""Controls of what a reader's gates do: what other units do, and the same intervention at other words."""

import numpy as np
import pytest

from lstmcourse.course import reader
from lstmcourse.experiments.studies import reading


@pytest.fixture(scope="module")
def model():
    return reader.load()


@pytest.fixture(scope="module")
def rows():
    return reader.rows(64, seed=1)


def test_what_each_unit_does_is_what_its_gates_say(model, rows):
    f, i = (model.unroll(rows.x)[gate] for gate in "fi")
    across = (f[13] * f[14] * f[15] + f[27] * f[28] * f[29]).mean(axis=0) / 2  # subjects stand at 15 and 29
    within = (f[16] * f[17] * f[18] + f[30] * f[31] * f[32]).mean(axis=0) / 2
    shut = np.minimum(f[27].mean(axis=0), (f[14] + f[28]).mean(axis=0) / 2) < 0.1  # the stop, and "the"
    distractor = reader.language().annotate(rows.x)["is_attractor"]
    admits = (i[15] + i[29]).mean(axis=0) / 2 - i[distractor].mean(axis=0) > 0.05
    found = reading._of_each_unit(model, rows, "gender")
    for name, holds in {
        "forget": across < 0.25,
        "both": (across < 0.25) & (within > 0.5),
        "early": shut,
        "admit_gender": admits,
    }.items():
        assert 0 < holds.sum() < 32
        assert (found[name] == holds).all(), name


def test_with_nothing_shown_the_read_out_answers_from_its_bias(model, rows, monkeypatch):
    monkeypatch.setattr(reading, "SWEPT", {"o1": ("o", 0.0, 1)})
    found = reading._other_words(model, rows)
    is_, are = model.task.verb_words
    bias = model.params["readout.d"]
    answer = are if bias[are] > bias[is_] else is_
    at = reading.VERB_ASKED
    assert found[f"o1_{at}_verb"] == pytest.approx(np.mean(rows.y[at] == answer))
    assert found[f"o1_{at + 1}_verb"] == 1.0  # the verb has been said
