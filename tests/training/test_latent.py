"""`Latent`: what is trained is the bound, its gradient is exact, and the likelihood lies above it."""

import math
import pickle
from dataclasses import replace

import numpy as np
import pytest
import systems
from hypothesis import given, settings
from hypothesis import strategies as st

import lstmcourse as lc
from lstmcourse.training.checkpoints import CheckpointError, load, save

TONES = lc.tasks.Tones(frames=4, size=3)
SPEAKERS = lc.tasks.Speakers()
DIGITS = lc.tasks.Handwriting()
SMALL = {"Z": 2, "F": 5}
MIXTURE = lc.cells.density_rnn.with_options(components=3)

MODELS = {
    "vrnn": lambda **how: lc.Latent("vrnn", TONES, 4, sizes=SMALL, **how),
    "vrnn, lengths": lambda **how: lc.Latent("vrnn", SPEAKERS, 4, sizes=SMALL, **how),
    "vrnn, coins": lambda **how: lc.Latent(
        lc.cells.vrnn.with_options(output="bernoulli"), DIGITS, 4, sizes=SMALL, **how
    ),
    "storn": lambda **how: lc.Latent("storn", TONES, 4, sizes={"Z": 2}, **how),
    "density": lambda **how: lc.Latent("density_rnn", TONES, 4, sizes={"F": 5}, **how),
    "mixture": lambda **how: lc.Latent(MIXTURE, TONES, 4, sizes={"F": 5}, **how),
    "one by one": lambda **how: lc.Latent("density_rnn", SPEAKERS, 4, sizes={"F": 5}, one_by_one=True, **how),
    "draw": lambda **how: lc.Latent("draw", DIGITS, 4, sizes={"Z": 2}, steps=3, **how),
    "draw, attention": lambda **how: lc.Latent(
        lc.cells.draw.with_options(attention=True, write=3), DIGITS, 4, sizes={"Z": 2}, steps=3, **how
    ),
}
EACH = pytest.mark.parametrize("name", MODELS)
LATENT = pytest.mark.parametrize("name", [n for n in MODELS if n not in ("density", "mixture", "one by one")])


def made(name, **how):
    """A model in float64, of which no parameter is 0, and a batch."""
    model = MODELS[name](dtype=np.float64, **how)
    rng = np.random.default_rng(1)
    for p in model.params.values():
        p += 0.2 * rng.standard_normal(p.shape)
    return model, model.task.batch(batch_size=3, dtype=np.float64)


# The loss and its gradient


@pytest.mark.parametrize("step", [None, 3])
@EACH
def test_the_gradient_is_that_of_the_loss(name, step):
    """By central differences in a random direction of all parameters, with the same noise."""
    model, batch = made(name, warmup=10)
    grads = model.run(batch, rng=5, grad=True, step=step).backward()
    assert grads.keys() == model.params.keys()
    rng = np.random.default_rng(2)
    way = {k: rng.standard_normal(p.shape) for k, p in model.params.items()}

    def loss(size):
        moved = model.with_params({k: p + size * way[k] for k, p in model.params.items()})
        return moved.run(batch, rng=5, step=step).loss

    want = sum(np.sum(g * way[k]) for k, g in grads.items())
    h = 1e-6  # small, since relu has a kink
    assert (loss(h) - loss(-h)) / (2 * h) == pytest.approx(want, rel=1e-6, abs=1e-6)


def noise_of(model, batch, seed):
    T = model.steps or len(batch.x)
    return np.random.default_rng(seed).standard_normal((T, batch.x.shape[1], 2))


@pytest.mark.parametrize("name", ["vrnn", "vrnn, lengths", "vrnn, coins", "storn", "draw", "draw, attention"])
def test_the_bound_and_its_gradient_against_pytorch(name):
    """Written as in the papers, for one sequence at a time, with the same noise."""
    torch = pytest.importorskip("torch", reason="PyTorch is optional")
    model, batch = made(name)
    ran = model.run(batch, rng=7, grad=True)
    e, cell = torch.tensor(noise_of(model, batch, 7)), model.cell
    params = {k: torch.tensor(p, requires_grad=True) for k, p in model.params.items()}
    laid = {k: p.T if p.ndim == 2 and k != "canvas_0" else p for k, p in params.items()}
    step, total, count = systems.SYSTEMS[cell.name], 0.0, 0
    start = systems.STARTS.get(cell.name, lambda *_: {})
    for b in range(batch.x.shape[1]):
        shapes = {s.name: [d.value(model.sizes) for d in s.prev.shape] for s in cell.graph.states}
        now = {k: torch.zeros(*n, dtype=torch.float64) for k, n in shapes.items()} | start(
            laid, {}, cell.options
        )
        T = len(e) if batch.lengths is None else batch.lengths[b]
        x = torch.tensor(batch.x[:, b])
        for t in range(T):
            seen = x.reshape(8, 8) if model.draws else x[t]
            now = now | step(laid, now, {"x": seen, "e": e[t, b]}, cell.options)
            total = total + now["kl"] + (0 if model.draws else now["nll"])
        if model.draws:
            of = torch.distributions.Bernoulli(logits=now["canvas"])
            total = total - of.log_prob(x.reshape(8, 8)).sum()
        count += 1 if model.draws else T
    (total / count).backward()
    assert ran.scored == count
    assert ran.loss == ran.bound == pytest.approx(float(total.detach()) / count, rel=1e-12)
    for key, g in ran.backward().items():
        want = np.zeros_like(g) if params[key].grad is None else params[key].grad.numpy()
        assert np.max(np.abs(g - want)) <= 1e-10 * max(1.0, np.max(np.abs(want))), key


@EACH
def test_losses_add_up(name):
    model, batch = made(name, warmup=4)
    ran = model.run(batch, rng=1, step=1)
    assert ran.weight == 0.25 and model.weight(9) == model.weight() == 1.0
    assert ran.loss == pytest.approx((ran.nll + 0.25 * ran.kl).sum() / ran.scored, rel=1e-14)
    assert ran.bound == pytest.approx((ran.nll + ran.kl).sum() / ran.scored, rel=1e-14)
    assert model.loss(batch) == model.bound(batch) and math.isnan(ran.accuracy)
    frames = batch.x.shape[:2] if batch.lengths is None else (int(batch.lengths.sum()),)
    assert ran.scored == math.prod(frames)
    parts = [
        replace(
            batch, x=batch.x[:, b : b + 1], y=batch.y[:, b : b + 1], mask=batch.mask[:, b : b + 1],
            lengths=None if batch.lengths is None else batch.lengths[b : b + 1],
        )
        for b in range(3)
    ]  # fmt: skip
    if not model.latent:  # and so no noise
        assert [model.run(part).nll[0] for part in parts] == pytest.approx(list(ran.nll), rel=1e-12)


@pytest.mark.parametrize("name", ["vrnn, lengths", "one by one"])
def test_padding_is_no_matter(name):
    model, batch = made(name)
    past = np.arange(len(batch.x))[:, None] >= batch.lengths
    assert past.any()
    other = replace(batch, x=np.where(past[..., None], np.nan, batch.x))
    a, b = model.run(batch, rng=1, grad=True), model.run(other, rng=1, grad=True)
    assert a.loss == b.loss
    assert all(np.array_equal(g, b.backward()[k]) for k, g in a.backward().items())
    assert np.array_equal(model.likelihood(batch, 3), model.likelihood(other, 3))


def test_one_number_at_a_time_is_the_frame_as_a_sequence():
    model, batch = made("one by one")
    x = np.stack([batch.x[t, :, d] for t in range(len(batch.x)) for d in range(12)])[..., None]
    run = lc.unroll(model.cell, model.params, x, lengths=12 * batch.lengths)
    assert model.run(batch).nll == pytest.approx(run["nll"].sum(0), rel=1e-14)


# The likelihood


def line_whose_divergence_counts(weight):
    @lc.cell
    def line(x, h, e=lc.noise("Z")):
        """z is standard normal, and x a line through it with noise: all is Gaussian. h counts."""
        log_sigma = lc.param("s", "Z") + 0.0 * lc.affine("zero", W=x, size="Z")
        mu = lc.affine("mu", W=x, size="Z")
        z = mu + lc.exp(log_sigma) * e
        spread = lc.param("r", "D")
        error = (x - lc.affine("x", W=z, size="D")) * lc.exp(-spread)
        nll = lc.sum(0.5 * lc.square(error) + spread + 0.5 * math.log(2 * math.pi))
        kl = weight * lc.sum(0.5 * (lc.square(mu) + lc.exp(2.0 * log_sigma) - 1.0) - log_sigma)
        h = h + lc.affine("h", W=x, bias=False)
        return h, nll, kl

    return line


line = line_whose_divergence_counts(1.0)


def linear(seed=0, exact=True):
    """A model of `line` with the exact posterior, if it is to be; a batch; its log likelihood."""
    model = lc.Latent(line, TONES, 1, sizes={"Z": 1}, dtype=np.float64)
    rng = np.random.default_rng(seed)
    w, b, r = rng.standard_normal((1, 3)), rng.standard_normal(3), 0.3 * rng.standard_normal(3)
    precision = 1 + np.sum(w**2 * np.exp(-2 * r))
    way = (w * np.exp(-2 * r)).T / precision
    p = {"W_x": w, "b_x": b, "r": r, "W_mu": way, "b_mu": -b @ way, "s": [-0.5 * np.log(precision)]}
    p["W_zero"], p["b_zero"] = np.zeros((3, 1)), np.zeros(1)
    if not exact:
        p["b_mu"], p["s"] = p["b_mu"] + 0.3, [p["s"][0] + 0.2]
    model = model.with_params({k: np.array(v) for k, v in p.items()})
    batch = TONES.batch(batch_size=5, dtype=np.float64, seed=seed)
    covariance = w.T @ w + np.diag(np.exp(2 * r))
    away = batch.x - b
    far = np.einsum("tbi,ij,tbj->tb", away, np.linalg.inv(covariance), away)
    log_p = -0.5 * (far + np.linalg.slogdet(2 * np.pi * covariance)[1])
    return model, batch, log_p.sum(0)


@pytest.mark.parametrize("samples", [1, 7])
def test_with_the_exact_posterior_every_sample_has_the_likelihood(samples):
    model, batch, want = linear()
    assert model.likelihood(batch, samples, rng=3) == pytest.approx(want, rel=1e-12)
    bounds = [model.run(batch, rng=k) for k in range(2000)]
    bound = np.mean([ran.nll + ran.kl for ran in bounds], axis=0)
    assert bound == pytest.approx(-want, rel=0.02)


def test_with_another_posterior_it_rises_from_the_bound_to_the_likelihood():
    model, batch, want = linear(exact=False)
    bound = -np.mean([model.run(batch, rng=k).nll + model.run(batch, rng=k).kl for k in range(500)], axis=0)
    few, many = (np.mean([model.likelihood(batch, n, rng=k) for k in range(200)], axis=0) for n in (1, 10))
    assert few == pytest.approx(bound, abs=0.15) and np.all(bound < want - 0.2)
    assert np.all(few < many) and np.all(many < want + 0.03)
    assert model.likelihood(batch, 50_000) == pytest.approx(want, abs=0.01)


@LATENT
def test_in_the_mean_the_likelihood_is_not_below_the_bound(name):
    """Of the same samples: by Jensen's inequality for the logarithm, if the two are one in the mean."""
    model, batch = made(name)
    one = np.mean([model.likelihood(batch, 1, rng=k) for k in range(100)], axis=0)
    bound = -np.mean([(r := model.run(batch, rng=k)).nll + r.kl for k in range(100)], axis=0)
    scale = np.std([model.likelihood(batch, 1, rng=k) for k in range(100)], axis=0) / math.sqrt(100)
    assert np.all(np.abs(one - bound) < 5 * scale + 1e-9)
    assert np.all(model.likelihood(batch, 100, rng=0) > bound - 5 * scale)


@pytest.mark.parametrize("at_once", [1, 200, 10**6])
def test_the_likelihood_does_not_depend_on_how_many_run_at_once(monkeypatch, at_once):
    model, batch = made("vrnn, lengths")
    monkeypatch.setattr("lstmcourse.training.latent.AT_ONCE", at_once)
    monkeypatch.setattr(type(model), "_noise", lambda self, cell, T, B, rng: {"e": np.full((T, B, 2), 0.3)})
    ran = model.run(batch)
    z, mu, sigma = (ran.run[k] for k in ("z", "mu", "sigma"))
    prior = ((z - ran.run["mu_0"]) / np.where(ran.run["sigma_0"], ran.run["sigma_0"], 1)) ** 2
    ratio = 0.5 * (0.3**2 - prior) + np.log(
        np.where(sigma, sigma / np.where(sigma, ran.run["sigma_0"], 1), 1)
    )
    valid = np.arange(len(z))[:, None, None] < batch.lengths[:, None]
    want = -ran.nll + np.where(valid, ratio, 0).sum((0, 2))
    assert model.likelihood(batch, 5) == pytest.approx(want, rel=1e-12)
    assert np.allclose(np.where(valid, z - mu, 0), np.where(valid, 0.3 * sigma, 0))


def test_without_a_latent_variable_the_likelihood_is_exact():
    model, batch = made("mixture")
    assert np.array_equal(model.likelihood(batch, 9), -model.run(batch).nll)


def test_a_vrnn_whose_posterior_is_its_prior_has_no_divergence():
    model, batch = made("vrnn")
    p = model.params
    q = {"W_enc": 0 * p["W_enc"], "U_enc": p["U_prior"], "b_enc": p["b_prior"]}
    q |= {f"{s}_{k}_z": p[f"{s}_{k}_0"] for s in "Wb" for k in ("mu", "sigma")}
    ran = model.with_params(q).run(batch)
    assert np.max(np.abs(ran.kl)) < 1e-13 and np.min(model.run(batch).kl) > 0.01
    assert model.with_params(q).likelihood(batch, 1) == pytest.approx(-ran.nll, rel=1e-12)


def test_draw_in_one_step_is_a_variational_autoencoder():
    """Its likelihood is the integral over z, here by the trapezium rule in one dimension."""
    model = lc.Latent("draw", DIGITS, 3, sizes={"Z": 1}, steps=1, dtype=np.float64)
    batch = DIGITS.batch(batch_size=2, dtype=np.float64)
    model.params["W_w"] += np.random.default_rng(0).standard_normal((3, 64))
    z = np.linspace(-9, 9, 2001)
    draws = lc.cells.draw_sample
    canvas = lc.unroll(draws, draws.own(model.params), z[None, :, None]).final["canvas"]
    x = DIGITS.pictures(batch.x)[:, None]
    log_p = (x * canvas - np.logaddexp(0, canvas)).sum((-2, -1)) - 0.5 * z**2 - 0.5 * math.log(2 * math.pi)
    want = np.log(np.trapezoid(np.exp(log_p), z, axis=1))
    assert model.likelihood(batch, 20_000) == pytest.approx(want, abs=0.02)
    assert np.all(-want < np.mean([(r := model.run(batch, rng=k)).nll + r.kl for k in range(200)], axis=0))


# Samples


@EACH
def test_samples_have_the_shape_of_data_and_their_seed(name):
    model, batch = made(name)
    x = model.sample(5, rng=3)
    assert np.array_equal(x, model.sample(5, rng=3)) and not np.array_equal(x, model.sample(5, rng=4))
    if model.draws:
        assert x.shape == (3, 5, 8, 8) and np.all((x > 0) & (x < 1))
    else:
        assert x.shape[1:] == (5, model.task.input_size)
        assert model.sample(2, 7).shape == (7, 2, model.task.input_size)
    if "coins" in name:
        assert set(np.unique(x)) == {0.0, 1.0}


def test_one_number_at_a_time_comes_back_as_frames():
    model, _ = made("one by one")
    x, rng = model.sample(2, 3, rng=0), np.random.default_rng(0)
    e, u = rng.standard_normal((36, 2, 1)), rng.random((36, 2, 1))
    drawing = lc.cells.density_rnn_sample
    run = lc.unroll(drawing, drawing.own(model.params), inputs={"e_x": e, "u": u})
    assert x[1, 0, 2] == run["x"][14, 0, 0] and x[2, 1, 11] == run["x"][35, 1, 0]


@pytest.mark.parametrize("cell, sizes", [("vrnn", SMALL), ("storn", {"Z": 2}), (MIXTURE, {"F": 5})])
def test_samples_are_distributed_as_the_likelihood_says(cell, sizes):
    """Of one number: the likelihood over a grid has the integral 1, and that of the samples' distribution."""
    model = lc.Latent(cell, lc.tasks.Tones(frames=1, size=1), 4, sizes=sizes, dtype=np.float64)
    rng = np.random.default_rng(1)
    for p in model.params.values():
        p += 0.3 * rng.standard_normal(p.shape)
    for name in {"W_mu_z", "W_sigma_z"} & model.params.keys():  # a posterior that covers what the prior does
        model.params[name] *= 0.1
        model.params["b_sigma_z"] += 0.5
    x = model.sample(4000, 1, rng=0).ravel()
    grid = np.linspace(x.mean() - 8 * x.std(), x.mean() + 8 * x.std(), 401)
    batch = lc.tasks.Batch(grid[None, :, None], grid[None, :, None], np.ones((1, 401), bool))
    density = np.exp(model.likelihood(batch, 1000))
    upto = np.concatenate([[0], np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(grid))])
    assert upto[-1] == pytest.approx(1, abs=0.02)
    assert np.max(np.abs(np.searchsorted(np.sort(x), grid) / 4000 - upto)) < 0.03


# In training


def small(**how):
    return lc.Latent("vrnn", TONES, 4, sizes=SMALL, **how)


HOW = {"batch_size": 4, "progress": False, "optimizer": lc.optim.Adam(0.01), "schedule": lc.optim.Warmup(3),
       "validate_every": 2, "validation_batches": 2, "patience": 50, "seed": 3}  # fmt: skip


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) for n in a)


@pytest.mark.parametrize("stop", [1, 5])
def test_a_run_in_two_parts_is_the_run_in_one(tmp_path, stop):
    path, whole, half, again = tmp_path / "a.safetensors", small(warmup=6), small(warmup=6), small(warmup=6)
    history = lc.fit(whole, 8, **HOW)
    lc.fit(half, stop, checkpoint=path, **HOW)
    resumed = lc.fit(again, 8, checkpoint=path, resume=True, **HOW)
    assert resumed.loss.tolist() == history.loss.tolist() and same(again.params, whole.params)
    assert [v.loss for v in resumed.validation] == [v.loss for v in history.validation]
    assert np.isnan(history.accuracy).all() and history.chance is None


def test_noise_is_decided_by_seed_and_step():
    losses = [lc.fit(small(), 3, **HOW | {"seed": seed}).loss.tolist() for seed in (0, 0, 1)]
    assert losses[0] == losses[1] != losses[2]
    task = lc.tasks.Handwriting()
    model = lc.Latent("draw", task, 4, sizes={"Z": 2}, steps=2)
    assert lc.fit(model, 1, batch_size=2, progress=False).chance == task.chance


def test_training_lowers_the_bound():
    model = lc.Latent("vrnn", TONES, 16, sizes={"Z": 3, "F": 12})
    before = model.evaluate(batches=2)
    lc.fit(model, 80, batch_size=16, progress=False)
    after = model.evaluate(batches=2)
    assert after.loss < before.loss - 0.5 and after.scored == 2 * 32 * 4 and math.isnan(after.accuracy)
    assert model.evaluate(batches=2).loss == after.loss


@EACH
def test_checkpoints_and_pickles_bring_it_back(tmp_path, name):
    model = MODELS[name](rng=5, warmup=3)
    path = save(tmp_path / "model.safetensors", model)
    batch = model.task.batch(batch_size=2)
    for other in (load(path).model(), pickle.loads(pickle.dumps(model))):
        assert other.config == model.config and repr(other) == repr(model)
        assert same(other.params, model.params) and other.loss(batch) == model.loss(batch)
        assert np.array_equal(other.sample(2), model.sample(2))
    other = MODELS[name](rng=6)
    load(path).restore(other)
    assert same(other.params, model.params)
    assert b"lstmcourse.training" not in pickle.dumps(model)


def test_a_cell_whose_losses_are_others_is_another(tmp_path):
    """The digest of its equations has the losses in it, which no state depends on."""

    doubled = line_whose_divergence_counts(2.0)
    model = lc.Latent(line, TONES, 2, sizes={"Z": 1})
    path = save(tmp_path / "line.safetensors", model)
    other = lc.Latent(doubled, TONES, 2, sizes={"Z": 1})
    assert other.params.keys() == model.params.keys()
    with pytest.raises(CheckpointError, match="another cell"):
        load(path).restore(other)
    with pytest.raises(CheckpointError, match="line.*cell="):
        load(path).model()
    assert load(path).model(cell={"cell": line}).loss(TONES.batch(batch_size=2)) == pytest.approx(
        model.loss(TONES.batch(batch_size=2))
    )


def test_a_sampler_of_ones_own_goes_with_it(tmp_path):
    drawing = lc.cells.storn_sample.with_options(output="bernoulli")
    model = lc.Latent("storn", TONES, 4, sizes={"Z": 2}, sampler=drawing)
    with pytest.raises(ValueError, match="W_mu_x|W_x"):
        model.sample(1)
    model = lc.Latent("storn", TONES, 4, sizes={"Z": 2}, sampler=lc.cells.storn_sample)
    again = load(save(tmp_path / "a.safetensors", model)).model()
    assert again.sampler.name == "storn_sample" and np.array_equal(again.sample(2), model.sample(2))


def test_the_back_ends_agree():
    model, batch = made("density")
    a, b = (model.run(batch, rng=1, grad=True, backend=name) for name in ("numpy", lc.backends()[-1]))
    assert a.loss == pytest.approx(b.loss, rel=1e-12) and b.backend == lc.backends()[-1]
    assert all(np.allclose(g, b.backward()[k], rtol=1e-9, atol=1e-12) for k, g in a.backward().items())


@settings(deadline=None, derandomize=True, max_examples=10)
@given(seed=st.integers(0, 2**32 - 1), size=st.integers(1, 4), frames=st.integers(1, 5))
def test_divergences_are_not_negative(seed, size, frames):
    task = lc.tasks.Tones(frames=frames, size=size)
    model = lc.Latent("vrnn", task, 3, sizes={"Z": 2, "F": 3}, rng=seed, dtype=np.float64)
    ran = model.run(task.batch(batch_size=2, seed=seed, dtype=np.float64), rng=seed)
    assert np.all(ran.kl >= 0) and ran.bound >= ran.nll.sum() / ran.scored


# What does not fit

BAD = [
    (lambda: lc.Latent("lstm", TONES), r"cell=lstm: a Latent needs a cell that reads x and emits nll"),
    (lambda: lc.Latent("draw_sample", DIGITS), r"cell=draw_sample: a Latent needs"),
    (lambda: lc.Latent("attend_and_tell", TONES), r"cell=attend_and_tell: .*a \(static\)"),
    (lambda: lc.Latent("vrn", TONES), r"vrnn"),
    (lambda: lc.Latent("vrnn", TONES), r"needs the size Z: pass sizes=\{'Z': ...\}"),
    (lambda: lc.Latent("vrnn", TONES, sizes={"Z": 2, "F": 3, "D": 4}), r"sizes=\{'D': 4\} .*shows 3"),
    (lambda: lc.Latent("vrnn", TONES, sizes={"Z": 2, "F": 3, "Q": 4}), r"no size 'Q'"),
    (lambda: lc.Latent("vrnn", "reber", sizes=SMALL), r"task='reber' gives symbols"),
    (lambda: lc.Latent("draw", "scenes", sizes={"Z": 2}, steps=3), r"task='scenes' gives pairs"),
    (lambda: lc.Latent("vrnn", TONES, sizes=SMALL, steps=3), r"steps=3 is for a cell that draws"),
    (lambda: lc.Latent("draw", DIGITS, sizes={"Z": 2}), r"steps=None: say how often draw adds"),
    (lambda: lc.Latent("draw", TONES, sizes={"Z": 2}, steps=3), r"task='tones' has no pictures"),
    (lambda: lc.Latent("draw", DIGITS, sizes={"Z": 2}, steps=3, one_by_one=True), r"one_by_one=True is for"),
    (lambda: lc.Latent("vrnn", TONES, sizes=SMALL, warmup=-1), r"warmup=-1"),
    (lambda: MODELS["draw"]().sample(2, 5), r"length=5 is for sequences"),
    (lambda: MODELS["vrnn"]().sample(0), r"n=0"),
    (lambda: lc.Latent(line, TONES, 2, sizes={"Z": 1}).sample(2), r"no 'line_sample'.*sampler="),
    (lambda: MODELS["vrnn"]().likelihood(TONES.batch(batch_size=2), 0), r"samples=0"),
    (lambda: MODELS["vrnn"]().run(SPEAKERS.batch(batch_size=2)), r"batch.x has shape .*12\); tones has"),
    (lambda: MODELS["draw"]().run(TONES.batch(batch_size=2)), r"batch.x has shape \(4, 2, 3\); pict"),
    (lambda: MODELS["draw"]().run(replace(DIGITS.batch(batch_size=2), x=np.full((1, 2, 64), 2.0))),
     r"batch.x must hold 0 and 1, .* from 2.0 to 2.0"),
    (lambda: MODELS["vrnn"]().run(TONES.batch(batch_size=2), step=-1), r"step=-1"),
    (lambda: MODELS["vrnn"]().run(replace(TONES.batch(batch_size=2), lengths=np.array([0, 0]))),
     r"batch has no frame: x has shape \(4, 2, 3\), lengths are \[0 0\]"),
]  # fmt: skip


@pytest.mark.parametrize("call, message", BAD, ids=[m for _, m in BAD])
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises((ValueError, TypeError), match=message):
        call()


def test_a_posterior_without_names_has_no_likelihood():
    @lc.cell
    def nameless(x, h, e=lc.noise("D")):
        z = e + h
        kl = lc.sum(lc.square(z))
        nll = lc.sum(lc.square(x - z))
        h = h + lc.affine("h", W=x)
        return h, nll, kl

    model = lc.Latent(nameless, lc.tasks.Tones(frames=3, size=4), 4)
    with pytest.raises(ValueError, match="cell=nameless: it has no equation named mu, sigma; importance"):
        model.likelihood(model.task.batch(batch_size=2))
