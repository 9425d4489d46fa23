"""Optimisers against PyTorch's and against their formulas; clipping and schedules against hand values."""

import math

import numpy as np
import pytest

from lstmcourse import optim
from lstmcourse.errors import DtypeError, UnknownNameError

SHAPES = {"W": (3, 4), "b": (4,), "s": ()}


def params_and_gradients(steps, dtype=np.float64):
    """Random parameters, and a gradient for each step, of sizes from 1e-6 to 1e2 so that eps matters."""
    rng = np.random.default_rng(0)
    params = {name: np.asarray(rng.normal(size=shape), dtype) for name, shape in SHAPES.items()}
    scale = 10.0 ** rng.uniform(-6, 2, steps)
    grads = [{n: np.asarray(k * rng.normal(size=s), dtype) for n, s in SHAPES.items()} for k in scale]
    return params, grads


PAIRS = {
    "sgd": (optim.SGD(0.1), lambda t, p: t.optim.SGD(p, lr=0.1)),
    "momentum": (optim.SGD(0.1, momentum=0.9), lambda t, p: t.optim.SGD(p, lr=0.1, momentum=0.9)),
    "nesterov": (
        optim.SGD(0.1, momentum=0.8, nesterov=True),
        lambda t, p: t.optim.SGD(p, lr=0.1, momentum=0.8, nesterov=True),
    ),
    "rmsprop": (
        optim.RMSProp(1e-2, decay=0.95, eps=1e-4),
        lambda t, p: t.optim.RMSprop(p, lr=1e-2, alpha=0.95, eps=1e-4),
    ),
    "adam": (
        optim.Adam(1e-2, beta1=0.8, beta2=0.98, eps=1e-4),
        lambda t, p: t.optim.Adam(p, lr=1e-2, betas=(0.8, 0.98), eps=1e-4),
    ),
    "adamw": (
        optim.Adam(1e-2, weight_decay=0.1),
        lambda t, p: t.optim.AdamW(p, lr=1e-2, weight_decay=0.1),
    ),
}


def layouts():
    """Parameters that are small, large, empty, turned, part of another, or one under two names."""
    rng = np.random.default_rng(1)
    wide = rng.normal(size=(2, 6))
    own = {
        "W": rng.normal(size=(3, 4)),
        "b": rng.normal(size=4),
        "s": np.array(0.3),
        "none": np.zeros((0, 3)),
    }
    turned = {"T": np.asfortranarray(rng.normal(size=(3, 2))), "large": rng.normal(size=(70, 60))}
    one = rng.normal(size=3)
    return {
        "own": own | turned,
        "parts": own | {"a": wide[0], "all": wide},
        "one": own | {"x": one, "y": one},
    }


@pytest.mark.parametrize("way", layouts())
@pytest.mark.parametrize("name", PAIRS)
def test_end_to_end_small_parameters_take_the_same_step(name, way, monkeypatch):
    """Bit for bit, the rule being applied once, or to each parameter in turn."""
    ours, rng = PAIRS[name][0], np.random.default_rng(2)
    both = []
    for elementwise in (True, False):
        monkeypatch.setattr(type(ours), "elementwise", elementwise)
        params = layouts()[way]
        state = ours.init(params)
        rng = np.random.default_rng(2)
        for _ in range(4):
            ours.update(params, {k: np.asarray(rng.normal(size=p.shape)) for k, p in params.items()}, state)
        both.append(params | state)
    for k, a in both[0].items():
        np.testing.assert_array_equal(a, both[1][k], err_msg=k)


def test_a_rule_of_ones_own_sees_parameters_one_by_one():
    class ByNorm(optim.Optimizer):
        def _rule(self, p, g, memory, lr, step, work):
            p -= lr * g / np.linalg.norm(g)

    params = {"a": np.zeros(2), "b": np.zeros(1)}
    ByNorm(1.0).update(params, {"a": np.array([3.0, 4.0]), "b": np.array([9.0])}, {"step": np.zeros((), int)})
    assert params["a"].tolist() == [-0.6, -0.8] and params["b"].tolist() == [-1.0]


@pytest.mark.parametrize("name", PAIRS)
def test_every_step_equals_pytorch(name):
    torch = pytest.importorskip("torch")
    ours, theirs = PAIRS[name]
    params, gradients = params_and_gradients(30)
    twins = {n: torch.tensor(p, requires_grad=True) for n, p in params.items()}
    peer = theirs(torch, list(twins.values()))
    schedule = optim.Warmup(5, then=optim.Cosine(20, floor=0.1))
    rate = torch.optim.lr_scheduler.LambdaLR(peer, schedule)
    state = ours.init(params)
    for step, grads in enumerate(gradients):
        ours.update(params, grads, state, schedule(step))
        for n, twin in twins.items():
            twin.grad = torch.tensor(grads[n])
        peer.step()
        rate.step()
        for n, twin in twins.items():
            np.testing.assert_allclose(params[n], twin.detach().numpy(), rtol=1e-11, atol=1e-13)


def by_formula(optimizer, p, gradients):
    """The formulas of the papers for one number, with the sums written out instead of carried."""
    for t in range(1, len(gradients) + 1):
        seen = gradients[:t]
        if isinstance(optimizer, optim.SGD):
            u = sum(g * optimizer.momentum ** (t - 1 - k) for k, g in enumerate(seen))
            p -= optimizer.lr * (seen[-1] + optimizer.momentum * u if optimizer.nesterov else u)
        elif isinstance(optimizer, optim.RMSProp):
            v = sum(
                (1 - optimizer.decay) * optimizer.decay ** (t - 1 - k) * g * g for k, g in enumerate(seen)
            )
            p -= optimizer.lr * seen[-1] / (math.sqrt(v) + optimizer.eps)
        else:
            b1, b2 = optimizer.beta1, optimizer.beta2
            m = sum((1 - b1) * b1 ** (t - 1 - k) * g for k, g in enumerate(seen)) / (1 - b1**t)
            v = sum((1 - b2) * b2 ** (t - 1 - k) * g * g for k, g in enumerate(seen)) / (1 - b2**t)
            p -= optimizer.lr * (optimizer.weight_decay * p + m / (math.sqrt(v) + optimizer.eps))
    return p


@pytest.mark.parametrize("name", PAIRS)
def test_ten_steps_equal_the_formula(name):
    optimizer = PAIRS[name][0]
    params, gradients = params_and_gradients(10)
    start = float(params["s"])
    state = optimizer.init(params)
    for grads in gradients:
        optimizer.update(params, grads, state)
    expected = by_formula(optimizer, start, [float(g["s"]) for g in gradients])
    assert params["s"] == pytest.approx(expected, rel=1e-12)
    assert state["step"] == 10


@pytest.mark.parametrize("name", PAIRS)
def test_update_is_in_place_reads_gradients_only_and_keeps_float32(name):
    optimizer = PAIRS[name][0]
    params, (grads,) = params_and_gradients(1, np.float32)
    state = optimizer.init(params)
    arrays = [*params.values(), *state.values()]
    before = {n: g.copy() for n, g in grads.items()}
    start = params["W"].copy()
    optimizer.update(params, grads, state)
    assert all(a is b for a, b in zip(arrays, [*params.values(), *state.values()], strict=True))
    assert all(np.array_equal(before[n], grads[n]) for n in grads)
    assert {a.dtype for a in arrays} == {np.dtype(np.float32), np.dtype(np.int64)}
    assert not np.array_equal(start, params["W"])


def test_gradients_that_do_not_fit_are_refused():
    params, (grads,) = params_and_gradients(1)
    sgd, state = optim.SGD(0.1), optim.SGD(0.1).init(params)
    with pytest.raises(ValueError, match="missing: b; not in params: c"):
        sgd.update(params, {"W": grads["W"], "c": grads["b"], "s": grads["s"]}, state)
    with pytest.raises(ValueError, match=r"grads\['W'\] has shape \(4, 3\); its parameter has \(3, 4\)"):
        sgd.update(params, grads | {"W": grads["W"].T}, state)
    with pytest.raises(DtypeError, match="float32"):
        sgd.update(params, {n: g.astype(np.float32) for n, g in grads.items()}, state)
    assert state["step"] == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.SGD(0.0), "lr=0.0 does not fit: lr lies between 0 and inf, ends excluded"),
        (lambda: optim.SGD(float("nan")), "lr=nan does not fit"),
        (
            lambda: optim.SGD(0.1, momentum=1.0),
            "momentum=1.0 does not fit: momentum lies from 0 to 1, 1 excluded",
        ),
        (lambda: optim.SGD(0.1, nesterov=True), "nesterov=True needs momentum; got momentum=0"),
        (lambda: optim.RMSProp(decay=1.0), "decay=1.0 does not fit"),
        (lambda: optim.RMSProp(eps=0.0), "eps=0.0 does not fit"),
        (lambda: optim.Adam(beta1=-0.1), "beta1=-0.1 does not fit"),
        (lambda: optim.Adam(beta2=1), "beta2=1 does not fit"),
        (lambda: optim.Adam(weight_decay=-1), "weight_decay=-1 does not fit"),
        (lambda: optim.StepDecay(0), "every=0 does not fit: every is at least 1"),
        (lambda: optim.StepDecay(5, factor=0), "factor=0 does not fit: factor lies from 0 to 1, 0 excluded"),
        (lambda: optim.ExponentialDecay(0), "half_life=0 does not fit"),
        (lambda: optim.Cosine(0), "steps=0 does not fit"),
        (lambda: optim.Cosine(5, floor=2), "floor=2 does not fit: floor lies from 0 to 1"),
        (lambda: optim.Warmup(0), "steps=0 does not fit"),
        (lambda: optim.clip_by_global_norm({}, 0), "max_norm=0 does not fit"),
    ],
)
def test_settings_out_of_range_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: optim.Adam(lr="a"), "lr='a' does not fit: a number is needed"),
        (lambda: optim.SGD(True), "lr=True does not fit: a number is needed"),
        (lambda: optim.SGD(0.1, momentum="a"), "momentum='a' does not fit"),
        (lambda: optim.RMSProp(decay=None), "decay=None does not fit"),
        (lambda: optim.RMSProp(eps="a"), "eps='a' does not fit"),
        (lambda: optim.Adam(beta1="a"), "beta1='a' does not fit"),
        (lambda: optim.Adam(weight_decay=1j), "weight_decay=1j does not fit"),
        (lambda: optim.StepDecay(1.5), "every=1.5 does not fit: a whole number is needed"),
        (lambda: optim.Cosine("a"), "steps='a' does not fit"),
        (lambda: optim.Warmup(5, then=0.5), "then=0.5 does not fit: a schedule is needed"),
        (lambda: optim.clip_by_global_norm({}, "a"), "max_norm='a' does not fit"),
    ],
)
def test_settings_of_another_kind_are_refused(make, message):
    with pytest.raises(TypeError, match=message):
        make()


def test_names_get_and_suggestion():
    assert [type(optim.get(name)) for name in optim.names()] == [optim.SGD, optim.RMSProp, optim.Adam]
    assert optim.get("adam", lr=0.5) == optim.Adam(0.5)
    with pytest.raises(UnknownNameError, match="'adma'.*did you mean 'adam'"):
        optim.get("adma")


def test_clipping_scales_all_by_one_factor_and_returns_the_norm_before():
    grads = {"a": np.array([[3.0, 0.0]]), "b": np.array(4.0), "c": np.array([12.0])}
    assert optim.clip_by_global_norm(grads, 6.5) == 13.0
    np.testing.assert_allclose(np.hstack([g.ravel() for g in grads.values()]), [1.5, 0, 2, 6], rtol=1e-15)
    assert optim.clip_by_global_norm(grads, 6.6) == pytest.approx(6.5)
    assert grads["c"] == 6.0  # below the bound: left alone


def test_clipping_leaves_what_is_not_finite_and_does_not_overflow():
    for bad in (np.nan, np.inf):
        grads = {"a": np.array([1.0, bad])}
        assert not math.isfinite(optim.clip_by_global_norm(grads, 1.0))
        np.testing.assert_array_equal(grads["a"], [1.0, bad])
    large = {"a": np.full(4, 1e30, np.float32)}
    assert optim.clip_by_global_norm(large, 2.0) == pytest.approx(2e30)
    np.testing.assert_allclose(large["a"], 1.0, rtol=1e-6)
    assert large["a"].dtype == np.float32


def test_schedules_by_hand():
    assert optim.Constant()(7) == 1.0
    assert [optim.StepDecay(3, 0.1)(s) for s in (0, 2, 3, 6)] == pytest.approx([1, 1, 0.1, 0.01])
    assert optim.ExponentialDecay(10)(5) == pytest.approx(math.sqrt(0.5))
    assert [optim.Cosine(60, floor=0.2)(s) for s in (0, 20, 30, 60, 99)] == pytest.approx(
        [1, 0.8, 0.6, 0.2, 0.2]
    )
    warm = optim.Warmup(4, then=optim.Cosine(10))
    assert [warm(s) for s in (0, 1, 2, 3, 4, 9, 14)] == pytest.approx(
        [0.25, 0.5, 0.75, 1, 1, 0.5, 0], abs=1e-15
    )
    assert repr(warm) == "Warmup(steps=4, then=Cosine(steps=10, floor=0.0))"


@pytest.mark.parametrize(
    "bad", [{"eps": 0.0}, {"eps": np.inf}, {"weight_decay": np.inf}, {"beta1": 1.0}, {"beta2": 1.0}]
)
def test_the_ends_of_the_ranges_of_adam(bad):
    """Divisors above 0, decays below their limits; 0 and all up to the limits fit."""
    (name,) = bad
    with pytest.raises(ValueError, match=f"{name}=.* does not fit"):
        optim.Adam(**bad)
    assert optim.Adam(eps=1e300, weight_decay=1e300, beta1=0.0, beta2=0.0).eps == 1e300
    assert optim.Adam(weight_decay=0.0, beta1=1 - 1e-12, beta2=1 - 1e-12, eps=1e-300).weight_decay == 0.0


class NormalizedSGD(optim.SGD):
    """A step as long as the parameter: the rule looks at all of its numbers."""

    def _rule(self, p, g, memory, lr, step, work):
        p -= lr * np.linalg.norm(p) / np.linalg.norm(g) * g


def test_a_rule_of_ones_own_is_given_one_parameter_at_a_time():
    rng = np.random.default_rng(0)
    params = {name: rng.standard_normal(shape) for name, shape in (("W", (2, 3)), ("b", 3))}
    grads = {name: rng.standard_normal(p.shape) for name, p in params.items()}
    lengths = {name: np.linalg.norm(p) for name, p in params.items()}
    before = {name: p.copy() for name, p in params.items()}
    optimizer = NormalizedSGD(0.1)
    optimizer.update(params, grads, optimizer.init(params))
    for name, p in params.items():
        assert np.linalg.norm(p - before[name]) == pytest.approx(0.1 * lengths[name])
    assert optim.SGD.elementwise and not NormalizedSGD.elementwise
