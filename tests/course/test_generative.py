"""The stored painter and copyist are what training gives, and do what notebook 18 says of them."""

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse import generative

NETWORKS = {
    "painter": (generative.PAINTER, generative.painter, generative.train_painter, generative.PAINTING),
    "copyist": (generative.COPYIST, generative.copyist, generative.train_copyist, generative.COPYING),
    "singer": (generative.SINGER, generative.singer, generative.train_singer, generative.SINGING),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_first_steps_of_training_lead_where_the_files_say(name, monkeypatch):
    monkeypatch.setattr(generative, "backends", lambda: ["numpy"])  # nothing is compiled for so few steps
    file, load, train, recipe = NETWORKS[name]
    facts = lc.checkpoints.load(file).facts
    assert {k: facts[k] for k in recipe} == recipe and facts["seed"] == 0
    assert train(stop=generative.SOON).evaluate("validation").loss == pytest.approx(
        facts["loss soon"], rel=0.02
    )
    model = load()
    assert model.dtype == np.float64 and file.stat().st_size < 1e6
    assert model.evaluate("validation").loss < 0.8 * facts["loss soon"]
