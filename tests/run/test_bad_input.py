"""Bad input of every kind, at every door: an error that names the argument, and nothing is computed."""

# ruff: noqa: E501 - one bad input is one row

import contextlib
import fnmatch
import functools
import inspect
import os
import re
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from bad_input_table import ALLOWED, NOT_CALLED, VALID, public, rubbish

import lstmcourse as lc
from lstmcourse.errors import NotFiniteError

T, B, D, H = 4, 2, 3, 5
LSTM = lc.cells.lstm
OPTIONAL = "PyTorch is optional"
PARAMS = LSTM.init(D, H, rng=0, dtype=np.float64)
X = np.linspace(-1, 1, T * B * D).reshape(T, B, D)


def masked(a):
    return np.ma.masked_array(a, np.ones(np.shape(a), bool))


class Labelled:
    """Like an array with named axes of another library."""

    def __init__(self, a):
        self.a = a

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.a)


class Unit(np.ndarray):
    """Like an array with a unit."""


MORE_THAN_NUMBERS = {
    "masked": masked,
    "labelled": Labelled,
    "unit": lambda a: np.asarray(a).view(Unit),
    "masked in a list": lambda a: [masked(part) for part in a],
}


def batch(model, **change):
    given = model.task.batch(batch_size=2, dtype=np.float64)
    return replace(given, **{name: f(getattr(given, name)) for name, f in change.items()})


ADDING = lc.Model(LSTM, lc.tasks.Adding(steps=22), 4, dtype=np.float64)
WORDS = lc.Model(LSTM, "reber", 4, dtype=np.float64)
NUMBERS, SYMBOLS = np.zeros((3, 2, 2)), np.zeros((3, 2), int)
LAID = {"torch": lc.interop.to_torch(LSTM, PARAMS), "keras": lc.interop.to_keras(LSTM, PARAMS)}

# every door by which arrays come in: its argument, and what is done with one that was made worse
DOORS = {
    "unroll(x)": ("x", lambda f: lc.unroll(LSTM, PARAMS, f(X))),
    "unroll(params)": ("b_f", lambda f: lc.unroll(LSTM, PARAMS | {"b_f": f(PARAMS["b_f"])}, X)),
    "unroll(state)": ("state", lambda f: lc.unroll(LSTM, PARAMS, X, state={"h": f(np.zeros((B, H)))})),
    "unroll(lengths)": ("lengths", lambda f: lc.unroll(LSTM, PARAMS, X, lengths=f(np.full(B, T)))),
    "backward(grads)": (
        "grads", lambda f: lc.unroll(LSTM, PARAMS, X).backward({"h": f(np.ones((T, B, H)))})),
    "backward(final)": ("final", lambda f: lc.unroll(LSTM, PARAMS, X).backward({}, {"c": f(np.ones((B, H)))})),
    "step(x)": ("x", lambda f: LSTM.step(PARAMS, f(X[0]))),
    "predict(x)": ("x", lambda f: ADDING.predict(f(NUMBERS))),
    "predict(symbols)": ("x", lambda f: WORDS.predict(f(SYMBOLS))),
    "Model.unroll(x)": ("x", lambda f: WORDS.unroll(f(SYMBOLS))),
    "read_out(h)": ("h", lambda f: ADDING.read_out(f(np.zeros((3, 4))))),
    "sample(prompt)": ("prompt", lambda f: WORDS.sample(f(np.zeros(2, int)), 3)),
    "with_params": ("params", lambda f: ADDING.with_params({"cell.b_f": f(np.zeros(4))})),
    "loss(batch.x)": ("batch", lambda f: ADDING.loss(batch(ADDING, x=f))),
    "loss(batch.y)": ("batch", lambda f: ADDING.loss(batch(ADDING, y=f))),
    "loss(batch.mask)": ("batch", lambda f: ADDING.loss(batch(ADDING, mask=f))),
    "to_torch": ("b_f", lambda f: lc.interop.to_torch(LSTM, PARAMS | {"b_f": f(PARAMS["b_f"])})),
    "from_torch": (
        "bias_ih_l0",
        lambda f: lc.interop.from_torch(LSTM, LAID["torch"] | {"bias_ih_l0": f(np.zeros(4 * H))})),
    "from_keras": ("weights", lambda f: lc.interop.from_keras(LSTM, [*LAID["keras"][:2], f(np.zeros(4 * H))])),
}  # fmt: skip


def names_it(argument, message):
    return re.search(rf"\b{re.escape(argument)}\b", message)


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("kind", MORE_THAN_NUMBERS)
def test_what_is_more_than_numbers_is_refused_at_every_door(door, kind):
    """Masks, units and labels would be dropped without a word."""
    argument, do = DOORS[door]
    do(np.array)  # what is given fits, but for its kind
    with pytest.raises(TypeError) as caught:
        do(MORE_THAN_NUMBERS[kind])
    assert names_it(argument, str(caught.value))


@pytest.mark.parametrize("door", DOORS)
def test_read_only_arrays_and_memory_maps_are_read(door, tmp_path):
    def stored(a):
        np.save(tmp_path / "a.npy", a)
        return np.load(tmp_path / "a.npy", mmap_mode="r")

    DOORS[door][1](stored)


def test_read_only_parameters_are_copied_or_refused_by_name_before_training():
    fixed = ADDING.params["cell.b_f"].copy()
    fixed.flags.writeable = False
    model = lc.Model(LSTM, lc.tasks.Adding(steps=22), 4, dtype=np.float64)
    lc.fit(model.with_params({"cell.b_f": fixed}), steps=1, batch_size=2, progress=False)
    model.params["cell.b_f"] = fixed
    with pytest.raises(ValueError, match=r"parameter 'cell.b_f' is read-only.*copy"):
        lc.fit(model, steps=1, progress=False)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(value):
    def broken(a):
        a = np.array(a)
        a.flat[0] = value
        return a

    doors = (
        "unroll(x)",
        "unroll(state)",
        "backward(grads)",
        "backward(final)",
        "step(x)",
        "predict(x)",
        "loss(batch.x)",
    )
    for door in doors:
        with pytest.raises(NotFiniteError, match="NaN|inf"):
            DOORS[door][1](broken)


@pytest.mark.parametrize("backend", lc.backends())
def test_padding_may_hold_infinity(backend):
    x = X.copy()
    x[2:, 0] = np.inf
    run = lc.unroll(LSTM, PARAMS, x, lengths=[2, T], backend=backend)
    assert all(np.isfinite(g).all() for g in run.backward({"h": np.ones((T, B, H))}).values())


@pytest.mark.parametrize(
    "change", [lambda y: y[..., 0], lambda y: y[:, :1], lambda y: y[:1], lambda y: y[..., None]]
)
def test_targets_are_not_broadcast(change):
    with pytest.raises(
        lc.ShapeError, match=r"batch.y has shape .* and the targets of this batch have \(\d+, 2, 1\)"
    ):
        ADDING.loss(batch(ADDING, y=change))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", ["readout.V", "readout.d", "cell.b_o", "cell.W_f"])
@pytest.mark.parametrize("temperature", [1.0, 0.0, 1e-300])
def test_a_broken_network_draws_no_symbol(value, name, temperature):
    p = WORDS.params[name].copy()
    p.flat[0] = value
    with pytest.raises(NotFiniteError, match=rf"parameter '{name}' is .*can draw no symbol"):
        WORDS.with_params({name: p}).sample("B", 3, temperature=temperature)


def test_a_network_that_overflows_draws_no_symbol():
    far = WORDS.with_params(
        {"readout.d": np.where(np.arange(7) < 3, 1.7e308, 0.0), "readout.V": np.full((4, 7), 1e308)}
    )
    far.params["cell.b_o"] = far.params["cell.b_f"] = far.params["cell.b_i"] = far.params["cell.b_g"] = (
        np.full(4, 9.0)
    )
    with pytest.raises(NotFiniteError, match="read-out is inf"):
        far.sample("B", 3)


def test_infinity_in_training_is_divergence_with_its_step():
    class Breaks(lc.tasks.Adding):
        def _draw(self, rng, split, *args):
            made = super()._draw(rng, split, *args)
            if rng.bit_generator.seed_seq.spawn_key[-1] == 2:  # the third batch
                made.x[0] = np.inf
            return made

    model = lc.Model(LSTM, Breaks(steps=22), 4)
    with pytest.raises(
        lc.train.TrainingDiverged, match=r"batch.x|x .* at step 3, .*Try a lower learning rate"
    ) as caught:
        lc.fit(model, steps=5, batch_size=2, progress=False)
    assert caught.value.step == 3


PARTS = {
    "an LSTMCell in a model": (
        {"conv.weight": (8, 9, 3), "body.weight_ih": (20, 3), "body.weight_hh": (20, 5)}, "part 'body' is an nn.LSTMCell"),
    "a GRUCell": ({"weight_ih": (15, 3), "weight_hh": (15, 5)}, "a name of an nn.GRUCell"),
    "an RNNCell in a model": ({"a.b.weight_hh": (5, 5), "out.bias": (3,)}, "part 'a.b' is an nn.RNNCell"),
    "weight norm": ({"weight_ih_l0_g": (20, 1), "weight_ih_l0_v": (20, 3)}, "module is weight-normed"),
    "weight norm in a model": (
        {"rnn.parametrizations.weight_hh_l0.original0": (20, 1), "out.bias": (3,)}, "model.rnn is weight-normed.*'weight_hh_l0'"),
    "a part": ({"conv.bias": (3,), "rnn.weight_ih_l0": (20, 3)}, "pass the part under 'rnn'"),
    "Keras": ({"kernel": (3, 20), "recurrent_kernel": (5, 20), "bias": (20,)}, "Keras' layout"),
}  # fmt: skip


@pytest.mark.parametrize("what", PARTS)
def test_a_hint_names_the_part_and_its_kind(what):
    shapes, words = PARTS[what]
    with pytest.raises(lc.UnknownNameError, match=words) as caught:
        lc.interop.from_torch(LSTM, {name: np.zeros(shape) for name, shape in shapes.items()})
    assert ("Keras" in words) == ("Keras" in str(caught.value))


def test_tensors_without_numbers_are_refused_by_what_they_are():
    torch = pytest.importorskip("torch", reason=OPTIONAL)
    given = {k: torch.from_numpy(a) for k, a in LAID["torch"].items()}
    kinds = {
        "on the device meta": lambda a: a.to("meta"),
        r"layout torch.sparse_coo; pass bias_ih_l0.to_dense": lambda a: a.to_sparse(),
        "BFloat16.*convert": lambda a: a.to(torch.bfloat16),
    }
    for words, change in kinds.items():
        with pytest.raises(TypeError, match=rf"bias_ih_l0.*{words}|{words}"):
            lc.interop.from_torch(LSTM, given | {"bias_ih_l0": change(given["bias_ih_l0"])})
    with pytest.raises(TypeError, match=r"x is a torch.Tensor, .* pass x.detach\(\).cpu\(\).numpy\(\)"):
        lc.unroll(LSTM, PARAMS, torch.from_numpy(X))


# The table: every public callable, each of its parameters, each kind of rubbish


def entries(name, parameter, kind):
    """Which rows of ALLOWED say that this is accepted on purpose."""
    place = f"{name}({parameter})"
    return {
        k
        for k, (pattern, kinds, _) in enumerate(ALLOWED)
        if fnmatch.fnmatchcase(place, pattern) and kind in kinds.split(", ")
    }


def fits(function, parameter, kind, valid):
    """Whether a kind is what the parameter takes: None for one that may be left out, text for text."""
    signature = inspect.signature(function).parameters
    optional = parameter in signature and signature[parameter].default is None
    return (
        kind == "read-only"
        or (kind == "None" and optional)
        or (kind == "bool" and isinstance(valid, bool))
        or (kind in ("text", "empty text") and isinstance(valid, str))
    )


@functools.cache
def outcome(name):
    """What of the rubbish is not refused by name; and which rows of ALLOWED were needed."""
    wrong, used = [], set()
    function, arguments = VALID[name]()
    with contextlib.ExitStack() as stack:
        stack.enter_context(np.errstate(all="ignore"))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        for module in ("run", "store"):  # experiments are stored, and declared, for this call alone
            stack.enter_context(mock.patch(f"lstmcourse.experiments.{module}.DATA", Path(folder)))
        stack.enter_context(mock.patch.dict("lstmcourse.experiments.define._ALL"))
        stack.enter_context(mock.patch.dict("os.environ", LSTMCOURSE_CACHE_DIR=folder))
        function(**arguments)
        for parameter in arguments:
            for k, (kind, value) in enumerate(rubbish(arguments[parameter])):
                function, given = VALID[name]()
                valid = given[parameter]
                os.mkdir(place := f"{folder}/{parameter}{k}")
                with contextlib.chdir(place):
                    said = call(function, given | {parameter: value})
                if said is None:
                    rows = entries(name, parameter, kind)
                    used.update((row, kind) for row in rows)
                    if not rows and not fits(function, parameter, kind, valid):
                        wrong.append(f"{parameter}: {kind} is accepted")
                    continue
                words = [parameter, *(valid if isinstance(valid, dict) else ())]
                words += ["rubbish"] if "text" in kind or kind == "unhashable" else []  # what was given
                if not any(names_it(word, said) for word in words):
                    wrong.append(f"{parameter}: {kind} is not named in {said!r}")
    return wrong, used


def call(function, arguments):
    """What the error says; None where there is none, or where only the caller's own function failed."""
    try:
        function(**arguments)
    except (ValueError, TypeError) as error:
        return None if str(error).startswith("nothing()") else str(error)
    except lc.claims.ClaimFailed:  # of a number
        return None
    return None


@pytest.mark.parametrize("name", VALID)
def test_rubbish_is_refused_by_name(name):
    wrong, _ = outcome(name)
    assert not wrong, "\n".join(wrong)


def test_every_exception_is_needed():
    used = {(ALLOWED[k][2], kind) for name in VALID for k, kind in outcome(name)[1]}
    every = {(reason, kind) for _, kinds, reason in ALLOWED for kind in kinds.split(", ")}
    assert not sorted(every - used)


def test_the_table_has_every_public_callable():
    known = TRIED | {name for names in NOT_CALLED.values() for name in names}
    assert not public().keys() - known
    assert not {n for names in NOT_CALLED.values() for n in names} - public().keys()


TRIED = {name.partition(" ")[0] for name in VALID}
BY_OTHERS = {"Seq2Seq.of", "Seq2Seq.shapes_of", "Seq2Seq.work"}  # called by fit, and by checkpoints


def test_the_table_has_what_public_classes_inherit():
    """A method of a class without a public name is tried in one of those that have it."""
    names = {}
    for name, kind in public().items():
        for k in [k for k in dir(kind) if k[0] != "_"] if inspect.isclass(kind) else ():
            member = inspect.getattr_static(kind, k)
            function = getattr(member, "__func__", member)
            if inspect.isfunction(function) and function.__module__.startswith("lstmcourse"):
                names.setdefault(function, set()).add(f"{name}.{k}")
    known = TRIED | BY_OTHERS | {name for listed in NOT_CALLED.values() for name in listed}
    assert not [sorted(same) for same in names.values() if not same & known]
