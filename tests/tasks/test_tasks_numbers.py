"""Adding, copy, temporal order, Reber: definitions, chance and floors against independent reckoning."""

import math
import random
import re
from itertools import islice, product

import numpy as np
import pytest

from lstmcourse.tasks import (
    Adding,
    Copy,
    Counting,
    EmbeddedReber,
    Reber,
    SpikeDelays,
    TemporalOrder,
    split_of,
)

# Adding ---------------------------------------------------------------------------------------------------


def test_adding_1997_is_the_papers_definition():
    task = Adding(steps=60)
    batch = task.batch(batch_size=3000, dtype=np.float64)
    values, markers = batch.x[..., 0], batch.x[..., 1]
    assert set(batch.lengths) == set(range(60, 67))
    seen = {"first": set(), "second": set(), "alone": 0}
    for b, n in enumerate(batch.lengths):
        assert markers[n - 1, b] == -1 and markers[0, b] in (-1, 1)
        assert not batch.x[n:, b].any()
        ones = np.flatnonzero(markers[:, b] == 1)
        assert set(markers[1 : n - 1, b]) <= {0, 1}
        if len(ones) == 1:  # the first mark fell on the first pair, and X1 = 0
            assert markers[0, b] == -1
            seen["alone"] += 1
        else:
            assert len(ones) == 2 and ones[0] < 10
            seen["first"].add(ones[0])
        assert ones[-1] < 29  # T / 2 - 1 pairs
        seen["second"].add(ones[-1])
        assert batch.y[n - 1, b, 0] == pytest.approx(0.5 + values[ones, b].sum() / 4, abs=1e-12)
        assert batch.mask[:, b].nonzero()[0].tolist() == [n - 1]
    assert -1 <= values.min() < -0.99 and 0.99 < values.max() <= 1
    assert 0 in seen["first"] and max(seen["second"]) == 28
    assert 0.08 < seen["alone"] / 3000 < 0.12


def test_adding_modern_has_a_mark_in_each_half():
    batch = Adding(steps=31, variant="modern").batch(batch_size=2000, dtype=np.float64)
    values, markers = batch.x[..., 0], batch.x[..., 1]
    assert batch.lengths is None and 0 <= values.min() and values.max() <= 1
    assert set(np.unique(markers)) == {0, 1}
    assert (markers[:15].sum(0) == 1).all() and (markers[15:].sum(0) == 1).all()
    assert markers.any(1).all()  # every place is marked sometimes
    np.testing.assert_allclose(batch.y[-1, :, 0], (values * markers).sum(0), atol=1e-12)
    assert batch.mask[-1].all() and not batch.mask[:-1].any()


@pytest.mark.parametrize(("variant", "constant", "chance"), [("1997", 0.5, 0.0396), ("modern", 1.0, 0.1667)])
def test_adding_chance(variant, constant, chance):
    task = Adding(steps=22, variant=variant)
    batch = task.batch("all", batch_size=400_000)
    target = batch.y[batch.mask][:, 0].astype(float)
    error = ((target - constant) ** 2).mean()
    assert round(task.chance, 4) == chance
    assert error == pytest.approx(task.chance, abs=4 * ((target - constant) ** 2).std() / 400_000**0.5)
    assert (abs(target - constant) < 0.04).mean() == pytest.approx(task.chance_accuracy, abs=0.003)


# Copy -----------------------------------------------------------------------------------------------------


def test_copy_layout():
    task = Copy(delay=30)
    batch = task.batch(batch_size=50)
    x, y = batch.x, batch.y
    assert x.shape == (50, 50) and task.input_size == 10 and task.output_size == 9
    assert set(x[:10].ravel()) == set(range(8))
    assert (
        (x[10:39] == 8).all() and (x[39] == 9).all() and (x[40:] == 8).all()
    )  # T - 1 blanks, delimiter, 10 blanks
    assert (y[:40] == 8).all() and (y[40:] == x[:10]).all()
    assert batch.mask.all()
    recall = Copy(delay=30, score="recall").batch(batch_size=2)
    assert recall.mask[40:].all() and not recall.mask[:40].any()


@pytest.mark.parametrize(
    ("T", "nats"), [(100, 0.1733), (200, 0.0945), (300, 0.0650), (500, 0.0400), (1000, 0.0204)]
)
def test_copy_chance_is_the_literatures(T, nats):
    assert round(Copy(delay=T).chance, 4) == nats
    assert round(Copy(delay=T, score="recall").chance, 4) == 2.0794


def test_copy_chance_is_reached_by_the_predictor_without_memory():
    task = Copy(delay=15)
    batch = task.batch("test", batch_size=500)
    p = np.zeros((35, 9))
    p[:25, 8] = 1
    p[25:, :8] = 1 / 8
    loss = -np.log(p[np.arange(35)[:, None], batch.y])
    assert loss.mean() == pytest.approx(task.chance, rel=1e-12)
    hits = task.correct(np.broadcast_to(p[:, None], (35, 500, 9)), batch)
    assert hits.mean() == pytest.approx(task.chance_accuracy, abs=0.01)


# Temporal order -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marks", "ranges"), [(2, [(10, 20), (50, 60)]), (3, [(10, 20), (33, 43), (66, 76)])]
)
def test_temporal_order_is_the_papers_definition(marks, ranges):
    task = TemporalOrder(marks=marks)
    batch = task.batch(batch_size=3000)
    assert set(batch.lengths) == set(range(100, 111))
    places, classes = [], []
    for b, n in enumerate(batch.lengths):
        text = task.decode(batch.x[:n, b])
        assert re.fullmatch("E[abcdXY]*B", text)
        places.append([m.start() + 1 for m in re.finditer("[XY]", text)])
        classes.append(batch.y[n - 1, b])
        assert task.classes[batch.y[n - 1, b]] == "".join(re.findall("[XY]", text))
        assert batch.mask[:, b].nonzero()[0].tolist() == [n - 1]
    places = np.array(places)
    assert [(p.min(), p.max()) for p in places.T] == ranges
    counts = np.bincount(classes, minlength=2**marks) / 3000
    assert abs(counts - task.chance_accuracy).max() < 0.03
    assert task.chance == pytest.approx(marks * math.log(2))


def test_temporal_order_classes_are_as_frequent_in_a_small_split():
    task = TemporalOrder(steps=20)
    batch = task.batch("test", batch_size=4000)
    counts = np.bincount(batch.y[batch.mask], minlength=4) / 4000
    assert abs(counts - 0.25).max() < 0.03


# Reber ----------------------------------------------------------------------------------------------------

FROM_3 = "T*V(?:PXT*V)*(?:V|PS)"  # from the middle of the lower path to the last E
INNER = f"B(?:TS*X(?:S|X{FROM_3})|P{FROM_3})E"
PATTERN = {Reber: re.compile(INNER), EmbeddedReber: re.compile(f"BT{INNER}TE|BP{INNER}PE")}


def strings(task, split="all", n=3000, seed=0):
    batch = task.batch(split, batch_size=n, seed=seed)
    ends = batch.lengths
    return [task.decode([*batch.x[:k, b], batch.y[k - 1, b]]) for b, k in enumerate(ends)]


@pytest.mark.parametrize("cls", [Reber, EmbeddedReber])
def test_valid_strings_are_those_of_a_regular_expression(cls):
    task, rng = cls(), random.Random(0)
    for text in strings(task, n=300):
        assert PATTERN[cls].fullmatch(text) and task.is_valid(text)
        place = rng.randrange(len(text))
        changed = text[:place] + rng.choice("BEPSTVX") + text[place + 1 :]
        for other in (changed, text[:place], text + "E", text[:place] + text[place + 1 :]):
            assert task.is_valid(other) == bool(PATTERN[cls].fullmatch(other)), other
    assert not task.is_valid("B?E")


def test_all_short_reber_strings():
    found = {"".join(s) for s in product("EPSTVX", repeat=4) if Reber().is_valid("B" + "".join(s))}
    assert found == {s[1:] for s in ("BTXSE", "BPVVE")}
    assert found == {s for s in map("".join, product("EPSTVX", repeat=4)) if re.fullmatch(INNER, "B" + s)}


def test_the_two_strings_of_the_literature():
    task = EmbeddedReber()
    assert not task.is_valid("BPBTSSSSSSSXXTTVPXVPXTTTTTVVETE")
    assert task.is_valid("BPBTSSSSSSSXXTTVPXVPXTTTTTVVEPE")
    assert task.is_valid("BTBTXSETE") and len("BTBTXSETE") == min(map(len, strings(task)))


@pytest.mark.parametrize(("task", "length", "bits"), [(Reber(), 8, 6), (EmbeddedReber(), 12, 7)])
def test_expected_length_and_entropy(task, length, bits):
    found = strings(task, n=20_000)
    lengths = np.array([len(s) for s in found])
    # every choice is between two symbols, so the prefixes that leave a choice are the bits of a string
    choices = np.array(
        [sum(len(task.legal_next(s[:k])) == 2 for k in range(1, len(s))) for s in found[:2000]]
    )
    assert lengths.mean() == pytest.approx(length, abs=5 * lengths.std() / 20_000**0.5)
    assert choices.mean() == pytest.approx(bits, abs=5 * choices.std() / 2000**0.5)
    assert task.best == pytest.approx(bits * math.log(2) / (length - 1), rel=1e-12)
    batch = task.batch("all", batch_size=20_000, seed=1)
    scored = batch.legal.sum(-1)[batch.mask]
    assert np.log(scored).mean() == pytest.approx(task.best, abs=0.005)


def test_the_floor_of_embedded_reber_is_the_literatures():
    assert round(EmbeddedReber().best, 3) == 0.441
    assert EmbeddedReber(continual=True).best == pytest.approx(7 * math.log(2) / 12)


@pytest.mark.parametrize(
    "task", [Reber(), EmbeddedReber(), Reber(continual=True), EmbeddedReber(continual=True)]
)
def test_reber_chance(task):
    batch = next(
        islice(task.stream("all", batch_size=400, **({"length": 300} if task.continual else {})), 1, None)
    )
    counts = np.bincount(batch.y[batch.mask], minlength=7)
    p = counts / counts.sum()
    assert -(p[p > 0] * np.log(p[p > 0])).sum() == pytest.approx(task.chance, abs=0.01)
    best = max(
        task.correct(np.broadcast_to(np.eye(7)[a] * 2 + np.eye(7)[b], (*batch.y.shape, 7)), batch)[
            batch.mask
        ].mean()
        for a, b in product(range(7), repeat=2)
        if a != b
    )
    assert best == pytest.approx(task.chance_accuracy, abs=0.01)


def test_the_long_step_of_embedded_reber():
    task = EmbeddedReber(score="long")
    assert task.chance == pytest.approx(math.log(2)) and task.chance_accuracy == 0.5 and task.best == 0
    for split in ("train", "test"):
        batch = task.batch(split, batch_size=2000)
        assert (batch.mask.sum(0) == 1).all()
        assert (batch.mask.argmax(0) == batch.lengths - 2).all()
        assert (batch.y[batch.mask.argmax(0), np.arange(2000)] == batch.x[1]).all()
        assert np.mean(batch.x[1] == task.encode("T")) == pytest.approx(0.5, abs=0.05)


def test_the_state_of_the_grammar_follows_from_the_last_two_symbols():
    follow = {}
    for text in strings(Reber(), n=2000):
        for k in range(2, len(text)):
            follow.setdefault(text[k - 2 : k], set()).add(Reber().legal_next(text[:k]))
    assert all(len(nexts) == 1 for nexts in follow.values())


@pytest.mark.parametrize("cls", [Reber, EmbeddedReber])
def test_floors_of_the_splits(cls):
    task = cls()
    every = strings(Reber(), n=20_000, seed=5)
    share = np.mean([split_of(bytes("BEPSTVX".index(c) for c in s)) == "test" for s in every])
    batch = task.batch("test", batch_size=10_000, seed=6)
    predicted = batch.mask.sum()
    nats = np.log(batch.legal.sum(-1)[batch.mask]).sum()  # the grammar's own
    assert nats / predicted == pytest.approx(task.grammar_loss("test"), abs=0.01)
    assert (nats + 10_000 * np.log(share)) / predicted == pytest.approx(task.floor("test"), abs=0.01)
    assert task.floor("all") == task.grammar_loss("all") == task.best


@pytest.mark.parametrize("cls", [Reber, EmbeddedReber])
def test_continual_streams_are_strings_without_a_seam(cls):
    task = cls(continual=True)
    inner = {}
    for split in ("train", "validation", "test"):
        batches = list(islice(task.stream(split, batch_size=3, length=37), 40))
        assert all(b.carries and b.x.shape == (37, 3) and b.mask.all() for b in batches)
        x = np.concatenate([b.x for b in batches])
        y = np.concatenate([b.y for b in batches])
        legal = np.concatenate([b.legal for b in batches])
        assert (x[1:] == y[:-1]).all()
        assert np.take_along_axis(legal, y[..., None], -1).all()
        np.testing.assert_array_equal(legal, task.legal(x))
        inner[split] = set()
        for b in range(3):
            text = task.decode(x[:, b])
            whole = re.match(f"(?:{PATTERN[cls].pattern})*", text).group()
            assert len(text) - len(whole) < 60
            found = PATTERN[cls].findall(whole)
            assert len(found) > 50
            inner[split].update(s if cls is Reber else s[2:-2] for s in found)
    assert not (inner["train"] & inner["test"] or inner["train"] & inner["validation"])
    assert not inner["test"] & inner["validation"]


# Spike delays ---------------------------------------------------------------------------------------------


def test_measured_delays_are_told_at_the_spike_that_ends_them():
    F = 7
    batch = SpikeDelays(delay=F, steps=40).batch(batch_size=500)
    seen, first = set(), set()
    for b in range(500):
        at = np.flatnonzero(batch.x[:, b, 0])
        assert set(batch.x[:, b, 0]) == {0, 1} and set(np.diff(at)) <= {F, F + 1}
        assert at[0] <= F and 40 - at[-1] <= F + 1
        scored = [t for t in at[1:] if t > F]
        assert np.flatnonzero(batch.mask[:, b]).tolist() == scored
        assert batch.y[scored, b].tolist() == [int(t - at[list(at).index(t) - 1] - F) for t in scored]
        seen.update(np.diff(at).tolist())
        first.add(at[0])
    assert seen == {F, F + 1} and first == set(range(F + 1))


def test_generated_spikes_are_multiples_of_the_delay_after_the_one_that_came_in():
    F = 6
    batch = SpikeDelays(delay=F, kind="generate", steps=31).batch(batch_size=200)
    at = batch.x[..., 0].argmax(0)
    assert (batch.x.sum((0, 2)) == 1).all() and set(at) == set(range(F))
    since = np.arange(31)[:, None] - at
    assert np.array_equal(batch.mask, since > 0)
    assert np.array_equal(batch.y[batch.mask], (since[batch.mask] % F == 0).astype(int))


@pytest.mark.parametrize("kind", ["measure", "generate"])
def test_the_number_of_the_step_does_not_tell_delays(kind):
    """The best that a predictor which knows only the step can do, counted, is the stated chance."""
    task = SpikeDelays(delay=4, kind=kind, steps=23)
    batch = task.batch("all", batch_size=100_000, seed=2)
    scored = batch.mask.sum(1)
    share = (batch.y * batch.mask).sum(1)[scored > 0] / scored[scored > 0]
    weight = scored[scored > 0] / scored.sum()
    if kind == "measure":
        assert share == pytest.approx(0.5, abs=0.02)
    entropy = -sum(np.where(p > 0, p * np.log(np.maximum(p, 1e-300)), 0) for p in (share, 1 - share))
    assert weight @ entropy == pytest.approx(task.chance, abs=2e-3)
    assert weight @ np.maximum(share, 1 - share) == pytest.approx(task.chance_accuracy, abs=6e-3)


# Counting -------------------------------------------------------------------------------------------------


def test_the_count_of_marks_is_asked_for_at_the_last_step():
    task = Counting(steps=30)
    for length in (None, 45):
        batch = task.batch(batch_size=100, length=length, dtype=np.float64)
        assert set(np.unique(batch.x)) == {0, 1} and batch.mask[-1].all() and not batch.mask[:-1].any()
        np.testing.assert_allclose(batch.y[-1] * 30, batch.x.sum(0), atol=1e-12)


def test_counting_chance():
    task = Counting(steps=20)
    count = 20 * task.batch("all", batch_size=200_000).y[-1, :, 0].astype(float)
    assert ((count / 20 - 0.5) ** 2).mean() == pytest.approx(task.chance, rel=0.02)
    assert (np.round(count) == 10).mean() == pytest.approx(task.chance_accuracy, abs=0.005)
