"""The stored translator and captioner are what training gives."""

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.course import attentive
from lstmcourse.tasks.pairs import until_end

NETWORKS = {
    "translator": (
        attentive.TRANSLATOR, attentive.train_translator, attentive.translator, attentive.TRANSLATING
    ),
    "captioner": (attentive.CAPTIONER, attentive.train_captioner, attentive.captioner, attentive.TELLING),
}  # fmt: skip


def well(model):
    """The share of test targets that are written without a mistake."""
    batch = model.task.batch("test", batch_size=100, seed=5, dtype=model.dtype)
    written = model.write(batch.source, batch.source_lengths)
    return model.task.exact(written.symbols, batch).mean()


@pytest.mark.parametrize("name", NETWORKS)
def test_training_begins_as_it_did_for_the_file(name):
    path, train, load, recipe = NETWORKS[name]
    stored = lc.checkpoints.load(path)
    assert stored.facts == recipe | {"seed": 0, "loss soon": stored.facts["loss soon"]}
    begun = train(seed=0, stop=attentive.SOON)
    assert begun.evaluate("validation").loss == pytest.approx(stored.facts["loss soon"], rel=1e-3)
    model = load()
    assert model.config | {"dtype": "float32"} == begun.config and model.dtype == np.float64
    assert well(model) > 0.9


def test_the_translator_is_a_network_of_the_study():
    """Up to rounding: the study ran in float32."""
    trials = {
        t.seed: t.values for t in lc.experiments.load("translation").trials if t.point["kind"] == "attention"
    }
    model = attentive.translator()
    batch = lc.tasks.Translation(clauses=3).batch("test", batch_size=256, seed=0)
    written = model.write(batch.source, batch.source_lengths)
    assert lc.tasks.bleu(written.rows, until_end(batch.target)) == pytest.approx(trials[0]["bleu_3"], abs=0.5)
    assert min(abs(trials[0]["bleu_3"] - trials[seed]["bleu_3"]) for seed in (1, 2)) > 0.5


@pytest.mark.long
@pytest.mark.parametrize("name", NETWORKS)
def test_training_again_gives_a_network_as_good(name):
    """On another processor the weights differ, the quality does not."""
    _, train, load, _ = NETWORKS[name]
    assert well(train(seed=0)) > 0.9 and well(load()) > 0.9
