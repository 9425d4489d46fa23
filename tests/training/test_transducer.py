"""Networks that write while they look: `Seq2Seq`, `Captioner`, their gradients, decoding, training."""

import itertools
import math
import pickle
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import systems

import lstmcourse as lc
from lstmcourse import optim
from lstmcourse.tasks.pairs import END, Pairs, Transduction, packed
from lstmcourse.training.checkpoints import CheckpointError, load, save
from lstmcourse.training.decoding import search
from lstmcourse.training.fit import fit

GRU, ATTEND = lc.cells.gru, lc.cells.additive_attention
SOFT = lc.cells.attend_and_tell
HARD = SOFT.with_options(attention="hard")
BOTH = lc.bidirectional(GRU)


@dataclass(frozen=True)
class Backwards(Transduction):
    """Letters, to be written from the last to the first."""

    name: ClassVar[str] = "backwards"
    longest: int = 4
    chance: ClassVar[float] = math.log(5)

    symbols = target_symbols = (END, *"abcd")

    def _draw(self, rng, split, batch_size, length, dtype):
        rows = [rng.integers(1, 5, size=n) for n in rng.integers(1, self.longest + 1, size=batch_size)]
        (source, lengths), (target, ends) = packed(rows), packed([[*row[::-1], 0] for row in rows])
        return Pairs(source, target, lengths, ends)


@dataclass(frozen=True)
class Lamps(Transduction):
    """Four places, of which one is lit, in a colour, which is to be named; then its side, if it is right."""

    name: ClassVar[str] = "lamps"
    chance: ClassVar[float] = math.log(4)
    target_symbols = (END, "red", "green", "blue", "right")
    input_size = 3

    def _draw(self, rng, split, batch_size, length, dtype):
        place, colour = rng.integers(4, size=batch_size), rng.integers(3, size=batch_size)
        source = np.zeros((4, batch_size, 3), dtype)
        source[place, np.arange(batch_size), colour] = 1
        target, ends = packed([[1 + c, *[4] * (p % 2), 0] for c, p in zip(colour, place, strict=True)])
        return Pairs(source, target, np.full(batch_size, 4), ends)


def shaken(model, scale=0.5):
    """The model with parameters that are nowhere 0."""
    for k, p in enumerate(model.params.values()):
        p += (scale * np.random.default_rng(k).standard_normal(p.shape)).astype(p.dtype)
    return model


def seq2seq(encoder=BOTH, task=None, size=3, **options):
    options = {"embedding": 2, "dtype": np.float64, "sizes": {"K": 4}} | options
    return shaken(lc.Seq2Seq(encoder, ATTEND, task or Backwards(), size, **options))


def captioner(decoder=SOFT, task=None, size=3, **options):
    options = {"embedding": 2, "dtype": np.float64, "grid": (2, 2)} | options
    return shaken(lc.Captioner(decoder, task or Lamps(), size, **options))


def batch_of(model, size=3, **how):
    return model.task.batch(batch_size=size, dtype=model.dtype, **how)


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) for n in a)


# Gradients


def by_differences(model, value, names=None, step=1e-6):
    """The slope of a value along a random direction of each parameter, and the directions."""
    rng, slopes, directions = np.random.default_rng(1), {}, {}
    for name in names or model.params:
        p = model.params[name]
        d = directions[name] = rng.standard_normal(p.shape)
        kept, ends = p.copy(), []
        for sign in (1, -1):
            p[...] = kept + sign * step * d
            ends.append(value())
        p[...] = kept
        slopes[name] = (ends[0] - ends[1]) / (2 * step)
    return slopes, directions


def agree(grads, slopes, directions, tolerance=1e-8):
    for name, slope in slopes.items():
        assert (grads[name] * directions[name]).sum() == pytest.approx(slope, rel=1e-6, abs=tolerance), name


MODELS = {
    "attention": seq2seq,
    "one vector": lambda: seq2seq(attention=False),
    "one vector of a stack": lambda: seq2seq(lc.stack([lc.cells.lstm, GRU]), attention=False),
    "one vector under both directions": lambda: seq2seq(lc.stack([GRU, BOTH]), attention=False),
    "numbers in": lambda: seq2seq(task=lc.tasks.Scenes(objects=1)),
    "captions": captioner,
    "captions of the mean": lambda: captioner(attention=False),
    "captions with a penalty": lambda: captioner(penalty=0.7),
    "captions by the other decoder": lambda: captioner(ATTEND, penalty=0.7),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
def test_the_whole_gradient_is_the_slope_of_the_loss(make):
    model = make()
    batch = batch_of(model)
    loss, grads = model.loss_and_gradients(batch)
    assert loss == model.loss(batch) and list(grads) == list(model.params)
    agree(grads, *by_differences(model, lambda: model.loss(batch)))


def torch_loss(p, batch):
    """The loss of a `Seq2Seq` of both directions, written out: one pair after another, columns."""
    torch = systems.torch()

    def gru(scope, x, h):
        W, U, b = ({k: p[f"encoder.{scope}.{letter}_{k}"] for k in "zrg"} for letter in "WUb")
        z, r = (systems.sigmoid(x @ W[k] + h @ U[k] + b[k]) for k in "zr")
        return (1 - z) * h + z * systems.tanh(x @ W["g"] + (r * h) @ U["g"] + b["g"])

    decoder = {
        k.removeprefix("decoder."): a.T if a.ndim == 2 else a
        for k, a in p.items()
        if k.startswith("decoder.")
    }
    total, count = 0, 0
    for b, (n, m) in enumerate(zip(batch.source_lengths, batch.target_lengths, strict=True)):
        words = [p["source.E"][k] for k in batch.source[:n, b]]
        zero = torch.zeros(p["encoder.fwd.b_z"].shape, dtype=torch.float64)
        forwards, backwards, h = [], [], zero
        for x in words:
            forwards.append(h := gru("fwd", x, h))
        h = zero
        for x in reversed(words):
            backwards.insert(0, h := gru("bwd", x, h))
        given = {"a": torch.stack([systems.cat(*both) for both in zip(forwards, backwards, strict=True)])}
        given["n"] = torch.tensor([float(n)])
        state, before = systems.additive_attention_start(decoder, given, {}), 0
        for word in batch.target[:m, b]:
            y = p["target.E"][before]
            state = systems.additive_attention(decoder, state, given | {"y": y}, {})
            z = systems.cat(state["h"], state["c"], y) @ p["readout.V"] + p["readout.d"]
            total, before = total + torch.logsumexp(z, 0) - z[word], word
        count += m
    return total / int(count)


def test_a_translation_is_that_of_pytorch():
    torch, model = systems.torch(), seq2seq()
    batch = batch_of(model, 4)
    p = {k: torch.tensor(a, requires_grad=True) for k, a in model.params.items()}
    loss = torch_loss(p, batch)
    loss.backward()
    ours, grads = model.loss_and_gradients(batch)
    assert ours == pytest.approx(loss.item(), rel=1e-12)
    for name, g in grads.items():
        np.testing.assert_allclose(g, p[name].grad.numpy(), rtol=1e-9, atol=1e-13, err_msg=name)


@pytest.mark.parametrize("make", [seq2seq, captioner], ids=["translation", "captions"])
def test_a_target_of_its_end_alone_costs_what_its_first_step_says(make):
    model = make()
    batch = batch_of(model, 4)
    ends = Pairs(batch.source, np.zeros((1, 4), int), batch.source_lengths, np.ones(4, int))
    ran = model.run(ends)
    assert ran.loss == pytest.approx(-np.log(ran.prediction[:, 0]).mean(), rel=1e-12)


def test_what_is_padded_changes_nothing():
    """A batch's loss is the mean over its pairs alone, each word weighing alike, whatever stands behind."""
    model = seq2seq()
    batch = batch_of(model, 5)
    assert len(set(batch.source_lengths.tolist())) > 2
    loss, grads = model.loss_and_gradients(batch)
    alone = []
    for b, (n, m) in enumerate(zip(batch.source_lengths, batch.target_lengths, strict=True)):
        one = Pairs(batch.source[:n, [b]], batch.target[:m, [b]], np.array([n]), np.array([m]))
        alone.append((m / batch.target_lengths.sum(), *model.loss_and_gradients(one)))
    assert loss == pytest.approx(sum(w * value for w, value, _ in alone), rel=1e-13)
    for name, g in grads.items():
        np.testing.assert_allclose(g, sum(w * one[name] for w, _, one in alone), atol=1e-15, err_msg=name)
    source = np.where(np.arange(len(batch.source))[:, None] < batch.source_lengths, batch.source, 3)
    target = np.where(batch.mask, batch.target, 2)
    other = Pairs(source, target, batch.source_lengths, batch.target_lengths)
    assert not np.array_equal(target, batch.target)
    assert model.loss(other) == loss and same(model.loss_and_gradients(other)[1], grads)


@pytest.mark.parametrize("encoder", [BOTH, lc.cells.lstm, lc.stack([GRU, BOTH])], ids=lambda c: c.name)
def test_one_vector_is_what_the_encoder_ends_with(encoder):
    one, many = (seq2seq(encoder, attention=a) for a in (False, True))
    batch = batch_of(one)
    assert same(one.params, many.params) and one.parameter_count == many.parameter_count
    ran = one.run(batch)
    final = ran.encoded.run.final
    ends = [final[s] for s in encoder.states if s.endswith("h") and s != "0.h"]
    np.testing.assert_array_equal(ran.encoded.a[:, 0], np.concatenate(ends, axis=-1))
    assert ran.alignment.shape == (*batch.target.shape, 1) and (ran.alignment == 1).all()
    shares = many.run(batch).alignment
    there = np.arange(len(batch.source)) < batch.source_lengths[:, None]
    np.testing.assert_allclose(shares.sum(-1), 1, rtol=1e-12)
    assert (shares[:, ~there] == 0).all() and (shares[:, there] > 0).all()


def test_the_penalty_is_that_of_the_paper():
    model, plain = captioner(penalty=0.7), captioner()
    batch = batch_of(model)
    assert len(set(batch.target_lengths.tolist())) > 1
    shares = plain.run(batch).alignment
    rows = [shares[:n, b].sum(0) for b, n in enumerate(batch.target_lengths)]
    expected = 0.7 * sum(((1 - total) ** 2).sum() for total in rows) / batch.target_lengths.sum()
    assert model.loss(batch) - plain.loss(batch) == pytest.approx(expected, rel=1e-10)


# Hard attention


def paths(model, batch):
    """For each way to look, of all rows together: its probability, and a pass that looks so."""
    T, B = batch.target.shape
    places = math.prod(model.grid)
    for path in itertools.product(range(places), repeat=T * B):
        path = np.array(path).reshape(T, B)
        u = np.zeros((T, B, 1))
        for t in range(T):
            ran = looking(model, batch, u)
            upto = ran.run["alpha"][t].cumsum(-1)
            below = np.where(path[t] > 0, np.take_along_axis(upto, path[t][:, None] - 1, -1)[:, 0], 0)
            u[t, :, 0] = (below + np.take_along_axis(upto, path[t][:, None], -1)[:, 0]) / 2
        ran = looking(model, batch, u)
        assert (ran.run["s"].argmax(-1) == path).all()
        yield math.exp(ran.run["log_p"].sum()), ran


def looking(model, batch, u):
    """A pass whose draws are given."""

    class Given(np.random.Generator):
        def random(self, shape):
            assert shape == u.shape
            return u

    return model.run(batch, rng=Given(np.random.PCG64(0)), grad=True)


@pytest.mark.parametrize("rows", [1, 2], ids=["no baseline", "a baseline"])
def test_reinforce_averaged_over_all_paths_is_the_slope_of_the_mean_loss(rows):
    model = captioner(HARD, size=2, grid=(1, 2), entropy=0.0)
    target, ends = np.array([[1, 2], [4, 0]])[:, :rows], np.array([2, 1])[:rows]
    source = np.random.default_rng(0).standard_normal((2, rows, 3))
    batch = Pairs(source, target, np.full(rows, 2), ends)
    ways = list(paths(model, batch))
    assert len(ways) == 4**rows and sum(p for p, _ in ways) == pytest.approx(1, rel=1e-12)
    assert np.ptp([ran.loss for _, ran in ways]) > 0.03
    gradients = [(p, ran.backward()) for p, ran in ways]
    mean = {name: sum(p * g[name] for p, g in gradients) for name in model.params}
    names = ("encoder.W_h", "decoder.v", "decoder.U_a", "decoder.Z_f", "decoder.W_init_c", "readout.V")
    agree(mean, *by_differences(model, lambda: sum(p * ran.loss for p, ran in paths(model, batch)), names))


def test_the_bonus_is_the_slope_of_the_entropy_and_fades():
    model = captioner(HARD, entropy=0.3, entropy_halves=10)
    batch = batch_of(model)
    bare = captioner(HARD, entropy=0.0)
    bare.params = model.params

    def bonus(step):
        grads, others = (m.run(batch, grad=True, step=step).backward() for m in (model, bare))
        return {name: grads[name] - others[name] for name in grads}

    def entropy():  # the same draws each time
        ran = bare.run(batch)
        return -0.3 * (ran.run["entropy"] * batch.mask).sum() / batch.mask.sum()

    slopes, directions = by_differences(bare, entropy)
    agree(bonus(None), slopes, directions)
    agree(bonus(20), {k: s / 4 for k, s in slopes.items()}, directions)
    assert max(map(abs, slopes.values())) > 1e-3


def test_without_a_generator_hard_attention_looks_alike_each_time():
    model = captioner(HARD)
    batch = batch_of(model, 8)
    one, two, three = (model.run(batch, rng=rng).run["s"] for rng in (None, None, np.random.default_rng(7)))
    assert np.array_equal(one, two) and not np.array_equal(one, three)
    assert model.evaluate(batches=2) == model.evaluate(batches=2)


# Decoding


def markov(table, beam, rows=1):
    """A step of `search` whose next word depends on the one before, and on nothing else."""

    def step(symbols, state):
        count = np.zeros(rows * beam, int) if state is None else state["count"]
        assert len(symbols) == rows * beam
        return table[count, symbols], np.eye(3)[symbols % 3], {"count": count + 1}

    return step


@pytest.mark.parametrize("penalty", [0.0, 0.6, 1.0])
def test_a_beam_that_holds_everything_finds_the_best_of_all(penalty):
    V, most = 3, 4
    for seed in range(5):
        table = np.log(np.random.default_rng(seed).dirichlet(np.ones(V), size=(most, V)))
        every = {}
        for row in itertools.product(range(V), repeat=most):
            row = row[: row.index(0) + 1] if 0 in row else row
            log_p = sum(
                table[t, before, word] for t, (before, word) in enumerate(zip((0, *row), row, strict=False))
            )
            every[row] = (log_p / len(row) ** penalty, log_p)
        best = max(every, key=lambda row: every[row])
        written = search(markov(table, 60), 1, 60, penalty, most)
        assert (
            written.symbols[: len(best), 0].tolist() == list(best) and not written.symbols[len(best) :].any()
        )
        assert written.log_p[0] == pytest.approx(every[best][1], rel=1e-12)
        looked = written.alignment[: len(best), 0].argmax(-1)
        assert looked.tolist() == [0, *best[:-1]] and not written.alignment[len(best) :].any()


def test_one_hypothesis_takes_the_likeliest_word_each_time():
    table = np.log(np.random.default_rng(3).dirichlet(np.ones(4), size=(9, 4)))
    for penalty in (0.0, 1.0):
        written = search(markov(table, 1), 1, 1, penalty, 9)
        word, greedy = 0, []
        for t in range(len(written.symbols)):
            word = int(table[t, word].argmax())
            greedy.append(word)
        assert written.symbols[:, 0].tolist() == greedy


WRITERS = {"translation": seq2seq, "one vector": lambda: seq2seq(attention=False), "captions": captioner}


@pytest.mark.parametrize("beam", [1, 3])
@pytest.mark.parametrize("make", WRITERS.values(), ids=WRITERS)
def test_what_is_written_has_the_probability_that_the_loss_says(make, beam):
    """Decoding and teacher forcing are one model: the same numbers, and the same places looked at."""
    model = make()
    batch = batch_of(model, 5)
    written = model.write(batch.source, batch.source_lengths, beam=beam, most=6)
    ends = [min(len(row) + 1, len(written.symbols)) for row in written.rows]
    target = Pairs(batch.source, written.symbols, batch.source_lengths, np.array(ends))
    ran = model.run(target)
    assert -written.log_p.sum() / sum(ends) == pytest.approx(ran.loss, rel=1e-10)
    there = target.mask[..., None]
    np.testing.assert_allclose(written.alignment, ran.alignment * there, atol=1e-12)
    if beam == 1:
        every = model.run(
            Pairs(batch.source, written.symbols, batch.source_lengths, np.full(5, len(target.mask)))
        )
        said = every.prediction.reshape(*target.mask.shape, -1).argmax(-1)
        assert (said == written.symbols)[target.mask].all()


def test_more_hypotheses_find_likelier_texts():
    model = seq2seq(task=lc.tasks.Translation(clauses=1))
    batch = batch_of(model, 20)
    found = [
        model.write(batch.source, batch.source_lengths, beam=beam, length_penalty=0.0, most=5).log_p.mean()
        for beam in (1, 2, 8)
    ]
    assert found[0] < found[1] < found[2]


@pytest.mark.parametrize("make", [seq2seq, captioner], ids=["translation", "captions"])
def test_who_asks_for_no_beam_gets_the_likeliest_word_each_time(make):
    model, rng = make(), np.random.default_rng(0)
    if make is captioner:  # as it stands it has one caption for all
        for name, p in model.params.items():
            p[...] = 0 if name == "readout.d" else 3 * rng.standard_normal(p.shape)
    batch = batch_of(model, 40)

    def written(**how):
        if make is captioner:
            return model.describe(batch.source, **how)
        return model.write(batch.source, batch.source_lengths, **how).rows

    assert written() == written(beam=1) != written(beam=2)


def test_a_text_alone_is_translated_as_among_others():
    model = seq2seq()
    texts = ["abca", "d", "cc"]
    assert model.translate(texts, most=6) == [model.translate(text, most=6) for text in texts]


# Training


def test_a_network_learns_to_write_backwards_and_looks_where_it_should():
    model = lc.Seq2Seq(BOTH, ATTEND, Backwards(), 16, embedding=8)
    fit(model, 250, batch_size=32, optimizer=optim.Adam(1e-2), progress=False, backend="numpy")
    batch = model.task.batch("test", batch_size=100, seed=1)
    written = model.write(batch.source, batch.source_lengths, beam=2)
    assert model.task.exact(written.symbols, batch).mean() > 0.9
    assert model.evaluate(batches=2).accuracy > 0.95


@pytest.mark.parametrize("decoder", [SOFT, HARD], ids=["soft", "hard"])
def test_a_captioner_learns_to_name_what_it_sees(decoder):
    model = lc.Captioner(decoder, Lamps(), 12, embedding=4, grid=(2, 2))
    fit(model, 250, batch_size=32, optimizer=optim.Adam(1e-2), progress=False, backend="numpy")
    batch = model.task.batch("test", batch_size=100, seed=1)
    assert model.task.exact(model.write(batch.source).symbols, batch).mean() > 0.9


TRAINED = {
    "attention": (lambda: seq2seq(dtype=np.float32), {"encoder": BOTH}),
    "one vector": (lambda: seq2seq(GRU, attention=False, dtype=np.float32), None),
    "penalty": (lambda: captioner(penalty=0.5, dtype=np.float32), None),
    "hard": (lambda: captioner(HARD, entropy_halves=3, dtype=np.float32), None),
}
HOW = {"batch_size": 4, "progress": False, "validate_every": 2, "validation_batches": 2, "patience": 50}


@pytest.mark.parametrize("make, cells", TRAINED.values(), ids=TRAINED)
def test_a_run_in_two_parts_is_the_run_in_one_and_a_file_makes_the_model(tmp_path, make, cells):
    path, whole, half, again = tmp_path / "run.safetensors", make(), make(), make()
    history = fit(whole, 5, **HOW)
    fit(half, 2, checkpoint=path, **HOW)
    resumed = fit(again, 5, checkpoint=path, resume=True, **HOW)
    assert resumed.loss.tolist() == history.loss.tolist() and same(again.params, whole.params)
    assert [v.loss for v in resumed.validation] == [v.loss for v in history.validation]
    made = load(path).model(task=again.task, cell=cells)
    assert same(made.params, again.params) and made.config == again.config and repr(made) == repr(again)
    copy = pickle.loads(pickle.dumps(again))
    assert same(copy.params, again.params) and copy.config == again.config
    batch = batch_of(again)
    assert copy.loss(batch) == made.loss(batch) == again.loss(batch)


def test_a_file_is_of_one_model(tmp_path):
    path, model = tmp_path / "model.safetensors", seq2seq()
    save(path, model)
    file = load(path)
    for other in (
        seq2seq(attention=False),
        seq2seq(size=4),
        seq2seq(lc.bidirectional(GRU.with_options(z_is="old"))),
        captioner(),
        lc.Model("gru", "reber", 3),
    ):
        before = {name: p.copy() for name, p in other.params.items()}
        with pytest.raises(CheckpointError, match="does not fit this model|another cell"):
            file.restore(other)
        with pytest.raises(CheckpointError, match="no run to resume"):
            fit(other, 3, checkpoint=path, resume=True, progress=False)
        assert same(before, other.params)
    with pytest.raises(
        CheckpointError, match=r"'bidirectional\(gru\)', which lstmcourse.cells does not have"
    ):
        file.model(task=Backwards())
    with pytest.raises(CheckpointError, match="another cell"):
        file.model(task=Backwards(), cell={"encoder": lc.bidirectional(GRU.with_options(z_is="old"))})
    with pytest.raises(lc.UnknownNameError, match="cell has 'reader', which is no part"):
        file.model(task=Backwards(), cell={"reader": BOTH})
    soft, hard = captioner(), captioner(HARD)
    save(path, soft)
    with pytest.raises(CheckpointError, match="does not fit"):
        load(path).restore(hard)
    penalised = captioner(penalty=1.0)
    load(path).restore(penalised)  # how it is trained is no part of what it is
    assert same(penalised.params, soft.params)


def test_a_file_that_asks_for_too_much_is_refused_before_memory_is_taken(tmp_path):
    path, model = tmp_path / "huge.safetensors", seq2seq(GRU)
    sizes = model.config["sizes"] | {"hidden_size": 10**6, "sizes": {"K": 10**6}}
    model = type("Seq2Seq", (), dict(vars(model), config=model.config | {"sizes": sizes}))()
    for name in ("run", "evaluate", "work", "carried_shapes"):
        setattr(model, name, getattr(seq2seq(GRU), name))
    save(path, model)
    with pytest.raises(CheckpointError, match="does not fit this model"):
        load(path).model(task=Backwards())


def test_other_tasks_of_the_same_words():
    model = lc.Seq2Seq(GRU, ATTEND, "translation", 8, embedding=4)
    longer = model.with_task(lc.tasks.Translation(clauses=3))
    assert longer.params is model.params and longer.evaluate(batches=1).scored > 1
    assert model.evaluate(batches=1, task=lc.tasks.Translation(clauses=3)) == longer.evaluate(batches=1)
    with pytest.raises(ValueError, match="its output_size|its input_size"):
        model.with_task("dates")


# Bad input


@lc.cell
def looks_twice(y, h, a=lc.static("L", "A"), b=lc.static("L", "A")):
    h = lc.tanh(lc.affine("h", y, h)) + lc.expand(lc.sum(lc.sum(a * b, -2)))
    return h


def run(model, batch=None, *state):
    return model.run(batch or batch_of(model), *state)


def ones(*shape):
    return np.ones(shape, int)


UNEVEN = Pairs(ones(3, 2), ones(2, 1), np.array([3, 3]), np.array([2]))
REFUSED = {
    "decoder=gru does not fit": lambda: lc.Seq2Seq("gru", "gru", "translation"),
    "decoder=looks_twice does not fit": lambda: lc.Seq2Seq("gru", looks_twice, "translation"),
    "gives its encoder one sequence": lambda: lc.Seq2Seq(ATTEND, ATTEND, "translation"),
    "takes 1.mask, and nothing is dropped": lambda: seq2seq(lc.stack([GRU, GRU], dropout=True)),
    "task=.* does not fit: a Transduction": lambda: lc.Seq2Seq("gru", ATTEND, "adding"),
    "draws where it looks, by its noise 'u'": lambda: lc.Seq2Seq("gru", HARD, "translation"),
    "sizes={'A': ...} does not fit: additive_attention leaves open K": lambda: seq2seq(sizes={"A": 3}),
    r"sizes\['K'\]=0 does not fit": lambda: seq2seq(sizes={"K": 0}),
    "has words as its sources": lambda: lc.Captioner(SOFT, "translation"),
    "grid=.* it is .rows, columns.": lambda: captioner(grid=(2, 2, 1)),
    "batch.source has 4 places, and the model a grid of 2 x 4": lambda: run(captioner(grid=(2, 4))),
    "take lstmcourse.Seq2Seq": lambda: lc.Model("gru", "translation"),
    "batch=.* does not fit: a Pairs": lambda: run(seq2seq(), lc.tasks.get("adding").batch(batch_size=2)),
    "state=.* do not carry on": lambda: run(seq2seq(), None, {"h": 1}),
    "batch.source has sources of 1 to 4 parts, and attend_and_tell is not told": lambda: run(
        lc.Seq2Seq("gru", SOFT, Backwards(), 3)
    ),
    "are from 0 to 3; they go from 1": lambda: seq2seq().write(ones(3, 2), np.array([3, 0])),
    "source has shape .0, 2., and its": lambda: seq2seq().write(ones(0, 2)),
    "source must hold symbols 0 to 4; got values from 5": lambda: seq2seq().write(5 * ones(3, 2)),
    "batch.target has shape .1,., and the source has .2,.": lambda: run(seq2seq(), UNEVEN),
    r"text\[1\]='' has no symbols": lambda: seq2seq().translate(["ab", ""]),
    "is empty: give at least one text": lambda: seq2seq().translate([]),
    r"text\[0\]: text has 'x'": lambda: seq2seq().translate("xa"),
    "beam=6 does not fit": lambda: seq2seq().write(ones(2, 1), beam=6),
}


@pytest.mark.parametrize("message", REFUSED)
def test_bad_input_is_named(message):
    with pytest.raises((ValueError, TypeError), match=message):
        REFUSED[message]()


def test_a_broken_network_writes_nothing():
    model = seq2seq()
    model.params["decoder.U_z"][0, 0] = np.nan
    with pytest.raises(
        lc.errors.NotFiniteError, match="parameter 'decoder.U_z' is NaN .* it can write nothing"
    ):
        model.write(np.ones((2, 1), int))
