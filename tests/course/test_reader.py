"""The stored reader is what training gives, and what is asked of it is what it says."""

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse import reader

KINDS = "the subject gap gap gap verb mood and gap gap gap pronoun deed stop".split()


@pytest.fixture(scope="module")
def rows():
    return reader.rows(200, seed=3)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_training_again_gives_a_reader_as_good(rows, cell):
    """The file was made by this call; on another processor the weights differ, the quality does not."""
    file, hidden = reader.STORED[cell]
    again, stored = reader.train(seed=0, cell=cell, hidden_size=hidden), reader.load(cell)
    for model in (again, stored):
        said = reader.answers(model.predict(rows.x), rows)
        assert set(said) == {"verb", "number", "gender"} and min(said.values()) > 0.97, said
        assert 0 < model.evaluate(seed=1).loss - model.task.best < 0.06
    assert lc.checkpoints.load(file).facts == {
        "steps": list(reader.STEPS), "learning_rate": reader.RATE, "seed": 0
    }  # fmt: skip


def test_the_gru_has_as_many_units_as_make_no_more_parameters():
    sizes = [lc.Model("gru", reader.language(), hidden_size=n).parameter_count for n in (38, 39)]
    assert reader.STORED["gru"][1] == 38 and sizes[0] <= reader.load().parameter_count < sizes[1]


def test_the_unit_of_the_stored_reader_carries_gender():
    unit, told = reader.carrier(reader.load(), "gender")
    assert told > 0.75 and 0 <= unit < reader.HIDDEN


@pytest.mark.parametrize("gap", [0, 3])
def test_steps_say_where_a_kind_of_word_stands(gap):
    batch, task = reader.rows(50, gap=gap, seed=1), reader.language()
    notes = task.annotate(batch.x)
    said = {kind: reader.steps(batch, kind, gap=gap) for kind in ("subject", "verb", "pronoun", "stop")}
    assert (notes["is_subject"] == said["subject"][:, None]).all()
    assert (notes["is_verb"] == said["verb"][:, None]).all()
    assert (notes["is_pronoun"] == said["pronoun"][:, None]).all()
    assert ((batch.x == 0) == said["stop"][:, None]).all()  # the full stop is symbol 0
    held = reader.steps(batch, "held", gap=gap)
    assert np.flatnonzero(held)[: 2 * gap + 4].tolist() == list(range(1, 2 * gap + 5))
    assert not reader.steps(batch, "subject", gap=gap, first=1)[: 2 * gap + 8].any()
    with pytest.raises(lc.UnknownNameError, match="'noun'"):
        reader.steps(batch, "noun")


def test_answers_count_what_is_more_probable(rows):
    task = reader.language()
    sure = np.full((*rows.x.shape, task.output_size), 1e-6)
    np.put_along_axis(sure, rows.y[..., None], 1.0, axis=2)
    assert reader.answers(sure, rows) == {"verb": 1.0, "number": 1.0, "gender": 1.0}
    he, she, they = task.pronoun_words
    turned = sure.copy()
    turned[..., [he, she]] = sure[..., [she, he]]
    said = reader.answers(turned, rows)
    assert said == {"verb": 1.0, "number": 1.0, "gender": 0.0}
    assert repr(said) == "verb 1.00, number 1.00, gender 0.00"
    only_verbs = lc.tasks.Batch(rows.x, rows.y, rows.mask & np.isin(rows.y, task.verb_words))
    assert set(reader.answers(sure, only_verbs)) == {"verb"}


def test_a_carrier_is_found_where_it_was_planted(rows, monkeypatch):
    model = reader.load()
    notes = reader.language().annotate(rows.x)
    rng = np.random.default_rng(0)
    c = rng.standard_normal((*rows.x.shape, 32))
    c[..., 9] += 3.0 * notes["gender"]
    c[..., 4] -= 3.0 * notes["number"]
    monkeypatch.setattr(lc.Model, "unroll", lambda self, x: {"c": c})
    for what, unit in (("gender", 9), ("number", 4)):
        found, told = reader.carrier(model, what, rows)
        assert found == unit and told > 0.97
    with pytest.raises(lc.UnknownNameError, match="what='tense'"):
        reader.carrier(model, "tense", rows)


def test_a_flip_exchanges_the_mean_states_of_one_unit(rows):
    """Against the same run continued by hand from an exchanged state."""
    model = reader.load()
    step, unit = 7, 21
    said = reader.flip(model, rows, unit, step)
    run = model.unroll(rows.x[: step + 1])
    notes = reader.language().annotate(rows.x)
    feminine, one = notes["gender"][step] == 1, notes["number"][step] == -1
    c = run.final["c"].copy()
    she, he = (c[one & (feminine == female), unit].mean() for female in (True, False))
    c[:, unit] = [he if female else she for female in feminine]
    rest = model.predict(rows.x[step + 1 :], state={"h": run.final["h"], "c": c})
    assert np.allclose(said[step + 1 :], rest, rtol=0, atol=1e-12)
    assert np.array_equal(said[: step + 1], model.predict(rows.x)[: step + 1])
