"""The protocol: what holds for every task."""

import dataclasses
import json
from itertools import islice

import numpy as np
import pytest

from lstmcourse import tasks
from lstmcourse.errors import ShapeError, UnknownNameError
from lstmcourse.tasks import (
    Adding,
    Addition,
    Agreement,
    Chorales,
    Chords,
    Clouds,
    Copy,
    Counting,
    Dates,
    EmbeddedReber,
    Film,
    Handwriting,
    Library,
    Pairs,
    Parity,
    Percolation,
    Pronunciation,
    Reber,
    Scenes,
    Speakers,
    SpikeDelays,
    TemporalOrder,
    Text,
    Tones,
    Translation,
    Waveform,
)

INDEPENDENT = [
    Adding(),
    Adding(steps=30, variant="modern"),
    Copy(delay=20),
    Copy(delay=20, payload=4, score="recall"),
    Counting(),
    Counting(steps=61),
    TemporalOrder(),
    TemporalOrder(marks=3, steps=40),
    Reber(),
    EmbeddedReber(),
    EmbeddedReber(score="long"),
    Film(),
    Clouds(),
    Clouds(gap=(3, 30), lead=(2, 9), score="all"),
    Clouds(gap=20, countries=3, score="place"),
    Clouds(kind="clouds"),
    Agreement(),
    Agreement(gap=(0, 9), subjects=2, score="all"),
    Agreement(gap=5, attractors="opposite", score="verb"),
    Agreement(attractors="none", score="pronoun"),
    *(Parity(bits=16), Parity(bits=20, given="in turn")),
    *(Addition(), Addition(digits=4)),
    *(Percolation(), Percolation(rows=9, columns=5, density=0.6)),
    Percolation(rows=6, columns=5, given="by diagonals"),
    *(Chords(), Chords(chords=6)),
    *(Chorales(), Chorales(given="now")),
    *(Tones(), Tones(frames=9, size=5, jump=0.5, noise=0)),
    *(Handwriting(), Handwriting(size=16), Speakers()),
]
CARRYING = [
    Reber(continual=True),
    EmbeddedReber(continual=True, score="long"),
    Text(modules=("textwrap", "heapq")),
    Library(),
    Library(length=9),
]
FEW = [
    SpikeDelays(delay=9),
    SpikeDelays(delay=5, kind="generate", steps=40),
]  # so few rows that splits share them
ALIKE = [Waveform(), Waveform(number=3, steps=50, parts=2, cycles=(2, 9))]  # one sequence in all batches
EVERY = INDEPENDENT + CARRYING + FEW + ALIKE
PAIRS = [
    *(Translation(), Translation(clauses=1), Translation(clauses=(2, 4))),
    *(Scenes(), Scenes(objects=4, noise=0)),
    *(Dates(), Dates(locales=("fr", "de"), first=1990, last=2015)),
    *(Pronunciation(), Pronunciation(stress=True)),
]
OWN_LENGTH = (Chorales, Chords, Clouds, Addition, Percolation, Handwriting, Speakers)
ANY_LENGTH = [
    t
    for t in INDEPENDENT + CARRYING + FEW
    if type(t) not in OWN_LENGTH and getattr(t, "continual", True) and t != Parity(bits=16)
]


def rows(batch):
    """What each row holds, without its padding."""
    if isinstance(batch, Pairs):
        return [batch.source[:n, b].tobytes() for b, n in enumerate(batch.source_lengths)]
    ends = [len(batch.x)] * batch.x.shape[1] if batch.lengths is None else batch.lengths
    return [batch.x[:n, b].tobytes() for b, n in enumerate(ends)]


def equal(a, b):
    return all(
        (v is None and w is None) or np.array_equal(v, w)
        for v, w in ((getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a))
    )


def test_names_and_classes_agree():
    assert tasks.names() == tuple(sorted({t.name for t in EVERY + PAIRS}))
    for name in tasks.names():
        assert tasks.get(name).name == name


@pytest.mark.parametrize("task", EVERY + PAIRS, ids=repr)
def test_a_task_is_rebuilt_from_its_repr_and_its_config(task):
    assert eval(repr(task), vars(tasks)) == task
    assert tasks.from_config(json.loads(json.dumps(task.config()))) == task
    with pytest.raises(dataclasses.FrozenInstanceError):
        task.steps = 3


@pytest.mark.parametrize("task", EVERY, ids=repr)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_batches_have_the_stated_shapes_and_dtypes(task, dtype):
    for batch_size in (1, 5):
        batch = task.batch("all", batch_size=batch_size, seed=3, dtype=dtype)
        T, *places = len(batch.x), *batch.mask.shape[2:]  # of a lattice
        assert batch.mask.shape == (T, batch_size, *places) and batch.mask.dtype == bool
        if task.symbols is None:
            assert batch.x.shape == (T, batch_size, *places, task.input_size) and batch.x.dtype == dtype
        else:
            assert batch.x.shape == (T, batch_size) and batch.x.dtype == np.int64
            assert 0 <= batch.x.min() and batch.x.max() < task.input_size == len(task.symbols)
        if task.loss == "cross_entropy":
            assert batch.y.shape == (T, batch_size) and batch.y.dtype == np.int64
            assert 0 <= batch.y.min() and batch.y.max() < task.output_size
        else:
            assert batch.y.shape == (T, batch_size, *places, task.output_size) and batch.y.dtype == dtype
        if batch.lengths is not None:
            assert batch.lengths.shape == (batch_size,) and batch.lengths.dtype == np.int64
            assert batch.lengths.max() == T and batch.lengths.min() >= 1
            assert not (batch.mask & (np.arange(T)[:, None] >= batch.lengths)).any()
        assert batch.carries == (task in CARRYING)
    assert task.batch("all", batch_size=64).mask.any()


@pytest.mark.parametrize("task", PAIRS, ids=repr)
def test_pairs_have_the_stated_shapes_and_dtypes(task):
    for batch_size in (1, 5):
        batch = task.batch("all", batch_size=batch_size, seed=3)
        (S, T), lengths = (len(batch.source), len(batch.target)), (batch.source_lengths, batch.target_lengths)
        assert batch.target.shape == (T, batch_size) and batch.target.dtype == np.int64
        assert all(n.shape == (batch_size,) and n.dtype == np.int64 and n.min() >= 1 for n in lengths)
        assert (lengths[0].max(), lengths[1].max()) == (S, T)
        assert ((batch.target == 0) == (np.arange(T)[:, None] >= lengths[1] - 1)).all()
        assert 0 <= batch.target.min() and batch.target.max() < task.output_size == len(task.target_symbols)
        if task.symbols is None:
            assert batch.source.shape == (S, batch_size, task.input_size) and batch.source.dtype == np.float32
        else:
            assert batch.source.shape == (S, batch_size) and batch.source.dtype == np.int64
            assert ((batch.source == 0) == (np.arange(S)[:, None] >= lengths[0])).all()
            assert batch.source.max() < task.input_size == len(task.symbols)
            assert task.symbols[0] == task.target_symbols[0] == "</s>"
        if batch.alignment is not None:
            assert batch.alignment.shape == (T, batch_size, S) and batch.alignment.dtype == bool
        assert (batch.previous[1:] == batch.target[:-1]).all() and not batch.previous[0].any()
        assert (batch.mask.sum(0) == lengths[1]).all() and batch.y is batch.target
        assert task.correct(np.eye(task.output_size)[batch.target], batch).all()
        other = (batch.target + 1) % task.output_size
        assert task.exact(batch.target, batch).all() and not task.exact(other, batch).any()
        for column in batch.target.T:
            assert (
                task.encode_target(task.decode_target(column)).tolist()
                == column[: (column > 0).sum() + 1].tolist()
            )


@pytest.mark.parametrize("task", INDEPENDENT + CARRYING + PAIRS, ids=repr)
def test_seeds_reproduce_and_differ_and_a_stream_can_be_taken_up(task):
    first = list(islice(task.stream(batch_size=4, seed=7), 4))
    again = list(islice(task.stream(batch_size=4, seed=7), 4))
    assert all(map(equal, first, again))
    assert all(map(equal, first[2:], task.stream(batch_size=4, seed=7, start=2)))
    assert not equal(first[0], first[1])
    assert not equal(first[0], task.batch(batch_size=4, seed=8))
    assert not equal(first[0], task.batch("test", batch_size=4, seed=7))


@pytest.mark.parametrize("task", INDEPENDENT + PAIRS, ids=repr)
def test_no_row_occurs_in_two_splits(task):
    found = {}
    for split in ("train", "validation", "test"):
        found[split] = set()
        for seed in (0, 1):
            for batch in islice(task.stream(split, batch_size=200, seed=seed), 2):
                found[split].update(rows(batch))
    assert not found["train"] & found["validation"]
    assert not found["train"] & found["test"]
    assert not found["validation"] & found["test"]


def test_rows_of_the_undivided_distribution_belong_to_all_three_splits():
    every = set(rows(Reber().batch("all", batch_size=2000)))
    for split in ("train", "validation", "test"):
        assert every & set(rows(Reber().batch(split, batch_size=100)))


@pytest.mark.parametrize("task", [Agreement(gap=2), Reber(), Copy(payload=3), Clouds(gap=6)], ids=repr)
def test_rows_cut_or_short_do_not_overlap_either(task):
    options = {"length": 9} if task in ANY_LENGTH else {}
    found = [set(rows(task.batch(s, batch_size=400, **options))) for s in ("train", "validation", "test")]
    assert not (found[0] & found[1] or found[0] & found[2] or found[1] & found[2])


@pytest.mark.parametrize("task", ANY_LENGTH, ids=repr)
@pytest.mark.parametrize("length", [41, 64])
def test_any_length_can_be_asked_for(task, length):
    batch = task.batch(batch_size=3, length=length)
    assert len(batch.x) == length and batch.lengths is None


@pytest.mark.parametrize("task", [Clouds(), Reber(), EmbeddedReber(), Waveform(), *PAIRS], ids=repr)
def test_a_task_with_lengths_of_its_own_says_so(task):
    with pytest.raises(ValueError, match="length=40 .* own lengths"):
        task.stream(batch_size=2, length=40)


@pytest.mark.parametrize("task", EVERY, ids=repr)
def test_the_right_answer_is_correct_and_a_wrong_one_is_not(task):
    batch = task.batch(batch_size=20)
    if task.loss == "mse":
        right, wrong = batch.y, batch.y + 0.11
    elif task.loss == "bernoulli" and batch.y.dtype.kind == "f":
        right, wrong = batch.y, 1 - batch.y
    else:
        target = np.eye(task.output_size)[batch.y] if batch.legal is None else batch.legal.astype(float)
        right, wrong = target, -target
    assert task.correct(right, batch)[batch.mask].all()
    assert not task.correct(wrong, batch)[batch.mask].any()
    with pytest.raises(ShapeError, match="prediction has shape"):
        task.correct(right[:-1], batch)


@pytest.mark.parametrize("task", EVERY + PAIRS, ids=repr)
def test_the_floor_lies_below_chance(task):
    assert task.best is None or 0 <= task.best < task.chance
    assert task.chance_accuracy is None or 0 < task.chance_accuracy < 1


@pytest.mark.parametrize("task", [t for t in EVERY + PAIRS if t.symbols], ids=repr)
def test_text_and_symbols(task):
    symbols = np.arange(task.input_size)
    if type(task) is Text:
        symbols = symbols[:-1]
    if task in PAIRS:
        symbols = symbols[1:]
    assert np.array_equal(task.encode(task.decode(symbols)), symbols)
    assert task.encode("").shape == (0,) and task.decode([]) == ""


# Bad input ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "error", "says"),
    [
        (lambda: tasks.get("fillm"), UnknownNameError, "no task is named 'fillm': did you mean 'film'"),
        (lambda: tasks.get("adding", step=3), UnknownNameError, "no option 'step': did you mean 'steps'"),
        (lambda: tasks.from_config({"gap": 3}), ValueError, "needs a 'name'"),
        (lambda: tasks.from_config("film"), ValueError, "no task's config"),
        (lambda: Adding(variant="1998"), UnknownNameError, "variant='1998' .* did you mean '1997'"),
        (lambda: Adding(steps=21), ValueError, "steps=21 .* at least 22"),
        (lambda: Adding(steps=50.0), TypeError, "steps=50.0 .* whole number"),
        (lambda: Copy(delay=0), ValueError, "delay=0"),
        (lambda: Copy(alphabet=27), ValueError, "alphabet=27 .* from 2 to 26"),
        (lambda: Copy(score="al"), UnknownNameError, "did you mean 'all'"),
        (lambda: TemporalOrder(marks=4), ValueError, "marks=4 .* from 2 to 3"),
        (lambda: TemporalOrder(steps=True), TypeError, "steps=True"),
        (lambda: Reber(continual=1), TypeError, "continual=1"),
        (lambda: EmbeddedReber(score="short"), UnknownNameError, "score='short'"),
        (lambda: Counting(steps=9), ValueError, "steps=9 .* at least 10"),
        (lambda: Counting().stream(batch_size=2, length=9), ValueError, "length=9 .* at least 10"),
        (lambda: SpikeDelays(delay=1), ValueError, "delay=1 .* from 2 to"),
        (lambda: SpikeDelays(kind="measured"), UnknownNameError, "did you mean 'measure'"),
        (lambda: SpikeDelays(steps=41), ValueError, "steps=41 .* at least 42"),
        (lambda: SpikeDelays().stream(batch_size=2, length=41), ValueError, "length=41 .* at least 42"),
        (lambda: Film(noise=-0.1), ValueError, "noise=-0.1"),
        (lambda: Film(noise=float("nan")), ValueError, "noise=nan"),
        (lambda: Film(turn=0), ValueError, "turn=0 .* ends excluded"),
        (lambda: Film(stay=1), ValueError, "stay=1"),
        (lambda: Film(stay="long"), TypeError, "stay='long'"),
        (lambda: Clouds(gap=2), ValueError, "gap=2 .* at least 3"),
        (lambda: Clouds(gap=(9, 5)), ValueError, r"gap\[1\]=5 .* at least 9"),
        (lambda: Clouds(gap=(3, 5, 7)), ValueError, "a pair"),
        (lambda: Clouds(kind="clouds", gap=5), ValueError, "only gap=3"),
        (lambda: Clouds(lead=6, score="place"), ValueError, "needs? 7|7 words"),
        (lambda: Agreement(gap="long"), TypeError, "gap='long'"),
        (lambda: Agreement(attractors="all"), UnknownNameError, "attractors='all'"),
        (lambda: Waveform(number=-1), ValueError, "number=-1"),
        (lambda: Waveform(cycles=3), ValueError, "cycles=3 .* a pair"),
        (lambda: Waveform(cycles=(0, 3)), ValueError, r"cycles\[0\]=0 .* ends excluded"),
        (lambda: Waveform(cycles=(3, 2)), ValueError, r"cycles\[1\]=2"),
        (lambda: Waveform(steps=20, cycles=(3, 11)), ValueError, r"cycles\[1\]=11 .* 10"),
        (lambda: Translation(clauses=0), ValueError, "clauses=0 .* at least 1"),
        (lambda: Translation(clauses=(2, 1)), ValueError, r"clauses\[1\]=1 .* at least 2"),
        (lambda: Adding().stream("trian", batch_size=2), UnknownNameError, "did you mean 'train'"),
        (lambda: Adding().stream(batch_size=0), ValueError, "batch_size=0"),
        (lambda: Adding().stream(batch_size=2, seed=-1), ValueError, "seed=-1"),
        (lambda: Adding().stream(batch_size=2, length=0), ValueError, "length=0"),
        (lambda: Adding().stream(batch_size=2, length=10), ValueError, "length=10 .*: length is at least 22"),
        (lambda: Copy().stream(batch_size=2, length=20), ValueError, "length=20 .* at least 21"),
        (lambda: Adding().stream(batch_size=2, dtype=np.int64), TypeError, "dtype is int64"),
        (lambda: Adding().encode("a"), TypeError, "no symbols"),
        (lambda: Reber().encode("BTQ"), UnknownNameError, "no symbol 'Q'"),
        (lambda: Clouds().encode("the cloud"), UnknownNameError, "did you mean 'clouds'"),
        (lambda: Reber().decode([7]), ValueError, "7 to 7"),
        (lambda: Reber().decode([[1]]), ShapeError, "batch.x"),
        (lambda: Film().filter(np.zeros((3, 5))), ShapeError, "T, B, 5"),
        (lambda: Film().filter(np.zeros((3, 1, 5)), window=0), ValueError, "window=0"),
        (lambda: Agreement().annotate(np.zeros(3, int)), ShapeError, "annotate needs"),
        (
            lambda: Reber().legal(np.zeros(3, int)),
            ShapeError,
            r"x has shape \(3,\), 1 axes; it needs \(T, B\), symbols",
        ),
        (lambda: Reber().floor("trian"), UnknownNameError, "did you mean 'train'"),
    ],
)
def test_bad_input_is_refused_by_name(make, error, says):
    with pytest.raises(error, match=says):
        make()


@pytest.mark.parametrize("task", [Clouds(gap=3, lead=0), Copy(payload=1, alphabet=2)], ids=repr)
def test_a_split_without_a_sequence_is_an_error_and_no_endless_search(task):
    empty = 0
    for split in ("train", "validation", "test"):
        try:
            task.batch(split, batch_size=2)
        except ValueError as error:
            assert "too few different sequences" in str(error) and f"{split!r}" in str(error)
            empty += 1
    assert empty >= 1
    task.batch("all", batch_size=2)
