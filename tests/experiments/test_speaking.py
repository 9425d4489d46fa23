"""Who spoke first: what the rows hold, and that rates are chosen as it is said."""

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.experiments.studies import speaking
from lstmcourse.tasks.data import vowels
from lstmcourse.tasks.speakers import _members, _scaled


@pytest.mark.parametrize("split", ["train", "validation", "test"])
def test_two_different_men_speak_and_the_first_is_asked_for_at_the_end(split):
    task = speaking.FirstOfTwo()
    batch = task.whole(split)
    members = _members(split)
    utterances = [_scaled()[k].astype(np.float32) for k in members]
    for b in range(0, len(batch.lengths), 53):
        row = batch.x[: batch.lengths[b], b]
        first = utterances[b // speaking.OTHERS]
        assert (row[: len(first)] == first).all() and not batch.x[batch.lengths[b] :, b].any()
        rest = row[len(first) :]
        (second,) = (
            k for k, u in zip(members, utterances, strict=True) if len(u) == len(rest) and (u == rest).all()
        )
        who = vowels().speakers[members[b // speaking.OTHERS]]
        assert batch.mask[:, b].sum() == 1 and batch.mask[batch.lengths[b] - 1, b]
        assert batch.y[batch.lengths[b] - 1, b] == who != vowels().speakers[second]


def test_a_stream_draws_all_pairs_of_speakers_alike():
    batch = speaking.FirstOfTwo().batch(batch_size=7200, seed=1)
    first = np.bincount(batch.y[batch.mask], minlength=9)
    assert abs(first / 800 - 1).max() < 0.15
    rng, members = np.random.default_rng(0), _members("train")
    second = vowels().speakers[speaking.followed(rng, members.repeat(30), "train")]
    counts = np.zeros((9, 9), int)
    np.add.at(counts, (vowels().speakers[members.repeat(30)], second), 1)
    expected = 24 * 30 / 8
    assert not np.diag(counts).any()
    assert abs(counts[~np.eye(9, dtype=bool)] / expected - 1).max() < 0.4


@pytest.mark.parametrize(("question", "network"), speaking.RATE)
def test_each_network_has_the_best_of_its_rates_and_it_lies_inside_the_grid(question, network):
    before = {"plain": "rnn", "LSTM": "lstm"}
    if question == "who speaks" and network in before:
        results, point = lc.experiments.load("who_speaks"), {"cell": before[network]}
    else:
        results = lc.experiments.load("rates_of_speaking")
        point = {"question": question, "network": network}
    rates, _ = results.over("learning_rate", "validation", **point)
    assert speaking.RATE[question, network] == results.best(**point)
    assert rates.min() < results.best(**point) < rates.max()


def test_networks_differ_in_their_cells_and_have_no_more_parameters_than_is_said():
    models = {n: speaking.speech_model(n, "who spoke first", 0) for n in speaking.NETWORKS}
    assert all(0.9 * speaking.PARAMETERS < m.parameter_count <= speaking.PARAMETERS for m in models.values())
    assert {n: float(m.params["cell.b_f"][0]) for n, m in models.items() if "LSTM" in n} == {
        "LSTM": 1.0,
        "LSTM, bias 5": 5.0,
    }
