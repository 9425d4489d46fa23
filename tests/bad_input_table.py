"""The table of `test_bad_input`: a valid call of every public callable, and what else a parameter may be given.

`VALID` has, by name, a function that gives what is called and its arguments, of the smallest sizes. `ALLOWED`
says what of the rubbish is no rubbish, and why.
"""

# ruff: noqa: E501 - one row is one call

import atexit
import concurrent.futures
import datetime
import functools
import importlib
import inspect
import shutil
import tempfile
import types
import typing
from pathlib import Path
from unittest import mock

import numpy as np

import lstmcourse as lc
from lstmcourse.tasks.base import Batch

T, B, D, H = 3, 2, 2, 2
FOLDER = Path(tempfile.mkdtemp(prefix="lstmcourse-rubbish-"))
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
LSTM, RNN = lc.cells.lstm, lc.cells.rnn
PARAMS = LSTM.init(D, H, rng=0, dtype=np.float64)
X = np.linspace(-1, 1, T * B * D).reshape(T, B, D)
A = np.array([[0.2, 0.4], [0.6, 0.8]])
KERAS = lc.interop.to_keras(LSTM, PARAMS)
TORCH = lc.interop.to_torch(LSTM, PARAMS)


@lc.cell
def ticking(x=None, h=lc.state("H")):
    h = 0.5 * h + lc.param("q", "H")
    return h


@functools.cache
def numbers() -> lc.Model:
    """A model of numbers."""
    return lc.Model(LSTM, lc.tasks.Adding(steps=22), H, dtype=np.float64)


@functools.cache
def words() -> lc.Model:
    """A model of symbols."""
    return lc.Model(LSTM, "reber", H, dtype=np.float64)


@functools.cache
def characters() -> lc.Model:
    """A model of the library's characters."""
    return lc.Model(LSTM, "library", H, dtype=np.float64)


@functools.cache
def frames() -> lc.Latent:
    """A model of frames."""
    return lc.Latent(
        "vrnn", lc.tasks.Tones(frames=2, size=2), H, sizes={"Z": 2, "F": 2}, warmup=2, dtype=np.float64
    )


@functools.cache
def pictures() -> lc.Latent:
    """A model of pictures."""
    return lc.Latent("draw", "handwriting", H, sizes={"Z": 2}, steps=2, dtype=np.float64)


def fresh() -> lc.Model:
    """A model that may be changed."""
    return lc.Model(LSTM, lc.tasks.Adding(steps=22), H)


@functools.cache
def translator() -> lc.Seq2Seq:
    """A model from words to words."""
    return lc.Seq2Seq(LSTM, "additive_attention", "translation", H, embedding=2, dtype=np.float64)


@functools.cache
def teller() -> lc.Captioner:
    """A model from pictures to words."""
    return lc.Captioner("attend_and_tell", "scenes", H, embedding=2, dtype=np.float64)


def batch(model: lc.Model) -> Batch:
    return model.task.batch(batch_size=B, dtype=np.float64)


def seen():
    return lc.xray(lc.unroll(RNN, RNN.init(D, H, 0), X.astype(np.float32)))


def run(**how) -> lc.Run:
    return lc.unroll(LSTM, PARAMS, X, **how)


@functools.cache
def checkpoint() -> Path:
    return lc.checkpoints.save(FOLDER / "model.safetensors", fresh())


@functools.cache
def files() -> tuple[Path, Path]:
    return lc.interop.save_torch(FOLDER / "torch.safetensors", LSTM, PARAMS), lc.interop.save_keras(
        FOLDER / "keras.safetensors", LSTM, PARAMS
    )


def experiment() -> str:
    """The name of a small one that is stored."""
    axes = {
        "points": [{"a": 1}],
        "seeds": [0],
        "agree": {"y": lc.experiments.Interval(0.1)},
        "name": "rubbish",
    }
    lc.experiments.experiment(**axes)(measured)
    lc.experiments.run("rubbish", executor=Now(), progress=False, data=FOLDER, journal=FOLDER / "j")
    return "rubbish"


def measured(a, *, seed):
    return {"y": a + seed}


class Now(concurrent.futures.Executor):
    """Runs at once."""

    def submit(self, function, /, *args, **kwargs):
        done = concurrent.futures.Future()
        done.set_result(function(*args, **kwargs))
        return done


def chords():
    return lc.tasks.Chords(chords=6)


def french():
    return lc.tasks.Translation(clauses=1)


def pairs():
    return [lc.experiments.Pair({"a": 1}, 0, {"y": 1.0}, {"y": 1.0})]


def results():
    experiment()
    return lc.experiments.load("rubbish", data=FOLDER)


def reading():
    return lc.reader.rows(4, seed=0)


@functools.cache
def reader():
    return lc.reader.load()


def star(function, name):
    """A function of ``*args`` as one of a list that has a name."""

    def call(**given):
        parts = given.pop(name)
        return function(*(parts if isinstance(parts, list) else [parts]), **given)

    return call


def uncompiled(train):
    """The training of a network of a notebook, without the seconds that its program takes to compile."""
    module = importlib.import_module(train.__module__)

    def call(**given):
        with mock.patch.object(module, "backends", lambda: ["numpy"]):
            return train(**given)

    return call


def used(backend):
    """`use` for no longer than the call, named as it is."""
    with lc.use(backend):
        return backend


def traced(use, /, **given):
    """A call inside a cell that is traced, on its state and input."""

    def call(**given):
        def equations(x, h):
            leaves = {"<h>": h, "<x>": x}
            return use(h, {k: leaves.get(v, v) if isinstance(v, str) else v for k, v in given.items()})

        return lc.cell(equations)

    return call, given


F32 = np.float32
PRIMITIVES = {
    f: functools.partial(lambda f: (getattr(lc, f), {"a": A}), f)
    for f in (
        "sigmoid",
        "tanh",
        "relu",
        "exp",
        "log",
        "sqrt",
        "square",
        "sin",
        "cos",
        "softplus",
        "identity",
        "stop_gradient",
        "swap",
    )
}
ALONG = {
    f: functools.partial(lambda f: (getattr(lc, f), {"a": A, "axis": -1}), f)
    for f in ("expand", "sum", "mean", "softmax", "logsumexp")
}
TWO = {
    f: functools.partial(lambda f: (getattr(lc, f), {"a": A, "b": A}), f)
    for f in ("maximum", "minimum", "matmul")
}

TASKS = {
    "Dates": {"locales": ("fr",), "first": 1999, "last": 2000, "alphabet": None},
    "Handwriting": {"size": 8, "canvas": 9},
    "Addition": {"digits": 2},
    "Parity": {"bits": 4, "given": "at once"},
    "Percolation": {"rows": 3, "columns": 3, "density": 0.5},
    "Pronunciation": {"stress": False},
    "Scenes": {"objects": 1, "noise": 0.05},
    "Tones": {"frames": 8, "size": 2, "jump": 0.1, "noise": 0.1},
    "Adding": {"steps": 22, "variant": "1997"},
    "CartPole": {"sees": "all", "steps": 3},
    "Chorales": {"path": "$LSTMCOURSE_CHORALES", "given": "before"},
    "Chords": {"chords": 6},
    "Agreement": {"gap": 1, "subjects": 1, "attractors": "any", "score": "agreement"},
    "Clouds": {"gap": 3, "lead": 4, "countries": 4, "kind": "france", "score": "answer"},
    "Copy": {"delay": 3, "payload": 2, "alphabet": 4, "score": "all"},
    "Counting": {"steps": 10},
    "EmbeddedReber": {"continual": False, "score": "all"},
    "Library": {"length": 8},
    "Film": {"length": 5, "noise": 0.3, "stay": 0.5, "turn": 0.2},
    "Reber": {"continual": False},
    "SpikeDelays": {"delay": 5, "kind": "measure", "steps": 30},
    "TemporalOrder": {"marks": 2, "steps": 100},
    "Text": {"modules": ("this",), "files": (), "alphabet": None, "length": 8},
    "Translation": {"clauses": 1},
    "Waveform": {"number": 0, "steps": 16, "parts": 2, "cycles": (1.0, 4.0)},
}

VALID = {
    **PRIMITIVES,
    **ALONG,
    **TWO,
    "dot": lambda: (lc.dot, {"a": A, "w": A}),
    "where": lambda: (lc.where, {"condition": A > 0.5, "a": A, "b": A}),
    "concat": lambda: (star(lc.concat, "parts"), {"parts": [A, A], "axis": -1}),
    "split": lambda: (lambda a, sizes, axis: lc.split(a, sizes, axis=axis), {"a": A, "sizes": 2, "axis": -1}),
    "reshape": lambda: (lambda a, shape: lc.reshape(a, shape), {"a": A, "shape": 4}),
    "sequence": lambda: (star(lc.sequence, "shape"), {"shape": ["K"]}),
    "static": lambda: (star(lc.static, "shape"), {"shape": ["K"]}),
    "noise": lambda: (star(lc.noise, "shape"), {"shape": ["K"]}),
    "state": lambda: (star(lc.state, "shape"), {"shape": ["K"], "init": "learned"}),
    "clock": lambda: (lc.clock, {}),
    "constant": lambda: traced(lambda h, g: h + lc.constant(**g), value=1.0),
    "affine": lambda: traced(lambda h, g: lc.affine(**g), label="f", h="<h>", x="<x>", size="H", bias=True),
    "peephole": lambda: traced(lambda h, g: lc.peephole(**g), label="f", c="<h>"),
    "param": lambda: traced(
        lambda h, g: h * lc.param(g.pop("name"), g.pop("shape"), **g),
        name="q",
        shape="H",
        init=None,
        free=None,
        fixed=False,
    ),
    "table": lambda: traced(
        lambda h, g: h * lc.table(g.pop("name"), g.pop("function"), g.pop("shape")),
        name="k",
        function=np.ones,
        shape="H",
    ),
    "backends": lambda: (lc.backends, {}),
    "use": lambda: (used, {"backend": "numpy"}),
    "bidirectional": lambda: (lc.bidirectional, {"child": LSTM}),
    "Architecture": lambda: (
        lc.Architecture,
        {"nodes": (("x",), ("h",), ("add", 0, 1)), "outputs": (2,)},
    ),
    "Architecture.gru": lambda: (lc.Architecture.gru, {}),
    "Architecture.lstm": lambda: (lc.Architecture.lstm, {}),
    "Architecture.source": lambda: (lc.Architecture.gru().source, {"name": "found"}),
    "Architecture.cell": lambda: (lc.Architecture.gru().cell, {"name": "found"}),
    "Architecture.mutate": lambda: (lc.Architecture.gru().mutate, {"rng": 0}),
    "stack": lambda: (lc.stack, {"cells": [LSTM, RNN], "dropout": False}),
    "cell": lambda: (
        lc.cell,
        {"function": RNN.function, "init": {"b_h": 1.0}, "letters": {"h": "H"}, "name": "mine"},
    ),
    "check_installation": lambda: (lc.check_installation, {}),
    "claim": lambda: (
        lc.claim,
        {"id": "C12", "statement": "it holds", "value": [0.9, 1.0], "above": 0.5, "verdict": "met"},
    ),
    "claim below": lambda: (lc.claim, {"id": "C12", "statement": "it holds", "value": 0.9, "below": 2.0}),
    "claim between": lambda: (
        lc.claim,
        {"id": "C12", "statement": "it holds", "value": 0.9, "between": (0.5, 2.0)},
    ),
    "diff": lambda: (lc.diff, {"a": LSTM, "b": RNN, "input_size": D, "hidden_size": H, "sizes": {}}),
    "unroll": lambda: (
        lc.unroll,
        {
            "cell": LSTM,
            "params": PARAMS,
            "x": X,
            "state": {"h": np.zeros((B, H))},
            "lengths": np.array([3, 2]),
            "backend": "numpy",
            "grad": True,
            "checkpoint_every": "auto",
            "memory_limit": 10**6,
            "inputs": {},
        },
    ),
    "unroll without input": lambda: (
        lc.unroll,
        {"cell": ticking, "params": {"q": np.ones(H)}, "steps": 2, "batch_size": 1},
    ),
    "lab": lambda: (
        lc.lab,
        {"cell": LSTM, "hidden_size": H, "params": LSTM.init(1, H, 0, dtype=np.float64), "x": X[:, 0, 0]},
    ),
    "lab of a model": lambda: (
        lc.lab,
        {"cell": lc.Model(LSTM, "agreement", H, rng=0), "x": np.array([1, 5, 3]), "units": [0, 1]},
    ),
    "lab of a translator": lambda: (
        lc.lab,
        {"cell": lc.Seq2Seq("gru", "additive_attention", "translation", H, rng=0), "x": "the red car"},
    ),
    "lab of cells": lambda: (
        lc.lab,
        {"cell": [RNN, LSTM], "hidden_size": H, "params": {"lstm.b_f": np.ones(H)}, "x": X[:, 0, 0]},
    ),
    "lab of an x-ray": lambda: (
        lc.lab,
        {"cell": lc.xray(lc.unroll(RNN, RNN.init(D, H, 0, dtype=np.float64), X))},
    ),
    "dilemma": lambda: (lc.dilemma, {"weight": 0.9, "steps": 20}),
    "xray": lambda: (
        lc.xray,
        {"run": lc.unroll(RNN, RNN.init(D, H, 0), X.astype(np.float32)), "sequence": 0},
    ),
    "Dilemma.over": lambda: (lc.dilemma().over, {"weights": np.array([0.5, 1.5])}),
    "XRay.__getitem__": lambda: (seen().__getitem__, {"pair": ("h", "h")}),
    "XRay.sizes": lambda: (seen().sizes, {"of": "h", "by": "h"}),
    "XRay.plot": lambda: (seen().plot, {"of": "h", "by": "h"}),
    "Lab.hold": lambda: (
        lc.lab(LSTM, hidden_size=H).hold,
        {"name": "f", "value": 0.5, "units": [0], "steps": [1]},
    ),
    "AttentionLab.save": lambda: (
        lc.lab(lc.Seq2Seq("gru", "additive_attention", "translation", H, rng=0)).save,
        {"path": FOLDER / "lab.html"},
    ),
    "SentenceLab.predict": lambda: (
        lc.lab(lc.Model(LSTM, "agreement", H, rng=0), units=[0]).predict,
        {"held": True},
    ),
    # Cell
    "Cell.size_names": lambda: (LSTM.size_names, {}),
    "Cell.sizes": lambda: (LSTM.sizes, {"input_size": D, "hidden_size": H, "sizes": {}, "needed": ("H",)}),
    "Cell.parameter_shapes": lambda: (
        LSTM.parameter_shapes,
        {"input_size": D, "hidden_size": H, "sizes": {}},
    ),
    "Cell.own": lambda: (RNN.own, {"params": RNN.init(D, H, 0)}),
    "Cell.parameter_count": lambda: (LSTM.parameter_count, {"input_size": D, "hidden_size": H, "sizes": {}}),
    "Cell.operations": lambda: (
        LSTM.operations,
        {"input_size": D, "hidden_size": H, "steps": 4, "sizes": {}},
    ),
    "Cell.output_size": lambda: (LSTM.output_size, {"hidden_size": H, "input_size": D, "sizes": {}}),
    "Cell.init": lambda: (
        LSTM.init,
        {"input_size": D, "hidden_size": H, "rng": 0, "dtype": F32, "sizes": {}, "forget_bias": 1.0},
    ),
    "Cell.with_options": lambda: (lc.cells.peephole.with_options, {"peepholes": "f", "full": False}),
    "Cell.with_options gru": lambda: (lc.cells.gru.with_options, {"reset": "after", "z_is": "old"}),
    "Cell.with_options clockwork": lambda: (
        lc.cells.clockwork.with_options,
        {"periods": (1, 2), "sizes": ()},
    ),
    "Cell.with_options depth_gated": lambda: (lc.cells.depth_gated.with_options, {"layers": 2}),
    "Cell.variant": lambda: (LSTM.variant, {"name": "mine", "doc": "Mine.", "init": {"b_f": 2.0}}),
    "Cell.override": lambda: (LSTM.override, {"f": 1.0}),
    "Cell.hold": lambda: (LSTM.hold, {"values": {"f": 1.0}}),
    "Cell.step": lambda: (LSTM.step, {"params": PARAMS, "x": X[0], "state": {"h": np.zeros((B, H))}}),
    "Cell.equations": lambda: (star(LSTM.equations, "names"), {"names": ["f"]}),
    "Cell.definition": lambda: (star(LSTM.definition, "names"), {"names": ["f"]}),
    "Cell.diagram": lambda: (RNN.diagram, {}),
    "Cell.folded": lambda: (RNN.folded, {}),
    "Cell.unrolled": lambda: (RNN.unrolled, {"steps": 2}),
    "Cell.source": lambda: (RNN.source, {"backend": "numpy", "backward": False}),
    "Cell.source in JavaScript": lambda: (
        RNN.source,
        {"backend": "javascript", "input_size": D, "hidden_size": H, "sizes": {}},
    ),
    "cells.get": lambda: (lc.cells.get, {"name": "lstm"}),
    "cells.names": lambda: (lc.cells.names, {}),
    # Run and Gradients
    "Run.backward": lambda: (
        run().backward,
        {"grads": {"h": np.ones((T, B, H))}, "final": {"c": np.ones((B, H))}, "inputs": True},
    ),
    "Run.__getitem__": lambda: (run().__getitem__, {"name": "h"}),
    "CheckpointedRun.__getitem__": lambda: (run(checkpoint_every=2).__getitem__, {"name": "h"}),
    "Gradients.__getitem__": lambda: (run().backward({}).__getitem__, {"name": "x"}),
    # Model
    "Model": lambda: (
        lc.Model,
        {
            "cell": LSTM,
            "task": "reber",
            "hidden_size": H,
            "embedding": 2,
            "dropout": 0.1,
            "rng": 0,
            "dtype": F32,
        },
    ),
    "Model.run": lambda: (
        numbers().run,
        {
            "batch": batch(numbers()),
            "state": {"h": np.zeros((B, H))},
            "rng": 0,
            "grad": True,
            "backend": "numpy",
            "step": 0,
        },
    ),
    "Model.loss": lambda: (numbers().loss, {"batch": batch(numbers()), "state": {"h": np.zeros((B, H))}}),
    "Model.loss_and_gradients": lambda: (
        numbers().loss_and_gradients,
        {"batch": batch(numbers()), "state": {"h": np.zeros((B, H))}, "rng": 0},
    ),
    "Model.predict": lambda: (
        numbers().predict,
        {"x": X, "lengths": np.array([3, 2]), "state": {"h": np.zeros((B, H))}},
    ),
    "Model.predict symbols": lambda: (words().predict, {"x": np.zeros((T, B), int)}),
    "Model.unroll": lambda: (
        numbers().unroll,
        {"x": X, "lengths": np.array([3, 2]), "state": {"h": np.zeros((B, H))}},
    ),
    "Model.read_out": lambda: (numbers().read_out, {"h": np.zeros((B, H))}),
    "Model.with_cell": lambda: (numbers().with_cell, {"cell": LSTM.override(f=1.0)}),
    "Model.with_task": lambda: (numbers().with_task, {"task": lc.tasks.Adding(steps=30)}),
    "Model.with_params": lambda: (numbers().with_params, {"params": {"cell.b_f": np.zeros(H)}}),
    "Model.evaluate": lambda: (
        words().evaluate,
        {"split": "test", "batches": 1, "batch_size": 2, "length": None, "seed": 0, "task": "reber"},
    ),
    "Model.sample": lambda: (words().sample, {"prompt": "BT", "length": 2, "temperature": 1.0, "rng": 0}),
    # Latent
    "Latent": lambda: (
        lc.Latent,
        {
            "cell": "vrnn",
            "task": lc.tasks.Tones(frames=2, size=2),
            "hidden_size": H,
            "sizes": {"Z": 2, "F": 2},
            "one_by_one": False,
            "warmup": 2,
            "sampler": lc.cells.vrnn_sample,
            "rng": 0,
            "dtype": F32,
        },
    ),
    "Latent that draws": lambda: (
        lc.Latent,
        {"cell": "draw", "task": "handwriting", "hidden_size": H, "sizes": {"Z": 2}, "steps": 2},
    ),
    "Latent.run": lambda: (
        frames().run,
        {
            "batch": batch(frames()),
            "state": {"h": np.zeros((B, H))},
            "rng": 0,
            "grad": True,
            "backend": "numpy",
            "step": 0,
        },
    ),
    "Latent.weight": lambda: (frames().weight, {"step": 1}),
    "Latent.bound": lambda: (frames().bound, {"batch": batch(frames()), "rng": 0}),
    "Latent.pictures": lambda: (pictures().pictures, {"batch": batch(pictures())}),
    "Latent.likelihood": lambda: (
        frames().likelihood,
        {"batch": batch(frames()), "samples": 2, "rng": 0, "backend": "numpy"},
    ),
    "Latent.sample": lambda: (frames().sample, {"n": 2, "length": 2, "rng": 0}),
    "Latent.loss": lambda: (frames().loss, {"batch": batch(frames())}),
    "Seq2Seq.with_params": lambda: (translator().with_params, {"params": translator().params}),
    "Captioner.loss": lambda: (teller().loss, {"batch": batch(teller())}),
    "Captioner.with_task": lambda: (teller().with_task, {"task": "scenes"}),
    "Seq2Seq": lambda: (
        lc.Seq2Seq,
        {
            "encoder": LSTM,
            "decoder": "additive_attention",
            "task": "translation",
            "hidden_size": H,
            "embedding": 2,
            "attention": True,
            "sizes": {"K": 2},
            "rng": 0,
            "dtype": F32,
        },
    ),
    "Seq2Seq.run": lambda: (
        translator().run,
        {"batch": batch(translator()), "state": {}, "rng": 0, "grad": True, "backend": "numpy", "step": 0},
    ),
    "Seq2Seq.write": lambda: (
        translator().write,
        {
            "source": np.ones((T, B), int),
            "lengths": np.array([3, 2]),
            "beam": 2,
            "length_penalty": 1.0,
            "most": 2,
            "rng": 0,
        },
    ),
    "Seq2Seq.translate": lambda: (
        translator().translate,
        {"text": ["the cat"], "beam": 2, "length_penalty": 1.0, "most": 2},
    ),
    "Captioner": lambda: (
        lc.Captioner,
        {
            "decoder": "attend_and_tell",
            "task": "scenes",
            "hidden_size": H,
            "embedding": 2,
            "grid": (4, 4),
            "attention": True,
            "penalty": 0.5,
            "entropy": 0.02,
            "entropy_halves": 10,
            "sizes": {"K": 2},
            "rng": 0,
            "dtype": F32,
        },
    ),
    "Captioner.describe": lambda: (
        teller().describe,
        {
            "pictures": batch(teller()).source,
            "beam": 2,
            "length_penalty": 1.0,
            "most": 2,
            "rng": 0,
        },
    ),
    "fit": lambda: (
        lc.fit,
        {
            "model": fresh(),
            "steps": 1,
            "batch_size": 2,
            "length": 22,
            "optimizer": "adam",
            "clip": 1.0,
            "schedule": lc.optim.Constant(),
            "seed": 0,
            "validate_every": 1,
            "validation_batches": 1,
            "patience": 1,
            "progress": False,
            "callback": lambda model, history: True,
            "backend": "numpy",
        },
    ),
    "fit with a checkpoint": lambda: (
        lc.fit,
        {
            "model": fresh(),
            "steps": 1,
            "batch_size": 2,
            "progress": False,
            "callback": lambda model, history: True,
            "checkpoint": FOLDER / "fit.safetensors",
            "checkpoint_every": 1,
            "resume": False,
        },
    ),
    "Model.parameter_shapes": lambda: (
        lc.Model.parameter_shapes,
        {"cell": LSTM, "task": "reber", "hidden_size": H, "embedding": 2},
    ),
    # optim
    "optim.SGD": lambda: (lc.optim.SGD, {"lr": 0.1, "momentum": 0.5, "nesterov": False}),
    "optim.Adam": lambda: (
        lc.optim.Adam,
        {"lr": 0.1, "beta1": 0.9, "beta2": 0.9, "eps": 1e-8, "weight_decay": 0.0},
    ),
    "optim.RMSProp": lambda: (lc.optim.RMSProp, {"lr": 0.1, "decay": 0.9, "eps": 1e-8}),
    "optim.Constant": lambda: (lc.optim.Constant, {}),
    "optim.Cosine": lambda: (lc.optim.Cosine, {"steps": 2, "floor": 0.1}),
    "optim.ExponentialDecay": lambda: (lc.optim.ExponentialDecay, {"half_life": 2.0}),
    "optim.StepDecay": lambda: (lc.optim.StepDecay, {"every": 2, "factor": 0.5}),
    "optim.Warmup": lambda: (lc.optim.Warmup, {"steps": 2, "then": lc.optim.Constant()}),
    **{
        f"optim.{s.__class__.__name__}.__call__": functools.partial(lambda s: (s, {"step": 1}), s)
        for s in (
            lc.optim.Constant(),
            lc.optim.Cosine(2),
            lc.optim.ExponentialDecay(2),
            lc.optim.StepDecay(2),
            lc.optim.Warmup(2),
        )
    },
    "optim.Optimizer.init": lambda: (lc.optim.SGD().init, {"params": {"W": A}}),
    "optim.Optimizer.update": lambda: (
        lc.optim.SGD().update,
        {"params": {"W": A.copy()}, "grads": {"W": A}, "state": lc.optim.SGD().init({"W": A}), "factor": 1.0},
    ),
    "optim.clip_by_global_norm": lambda: (
        lc.optim.clip_by_global_norm,
        {"grads": {"W": A.copy()}, "max_norm": 1.0},
    ),
    "optim.global_norm": lambda: (lc.optim.global_norm, {"grads": {"W": A}}),
    "optim.get": lambda: (lc.optim.get, {"name": "adam"}),
    "optim.names": lambda: (lc.optim.names, {}),
    # tasks
    **{
        f"tasks.{name}": functools.partial(
            lambda name, options: (getattr(lc.tasks, name), dict(options)), name, options
        )
        for name, options in TASKS.items()
    },
    "tasks.get": lambda: (lc.tasks.get, {"name": "adding"}),
    "tasks.names": lambda: (lc.tasks.names, {}),
    "tasks.from_config": lambda: (lc.tasks.from_config, {"config": {"name": "adding", "steps": 22}}),
    "tasks.split_of": lambda: (lc.tasks.split_of, {"content": b"sky"}),
    "tasks.Task.config": lambda: (lc.tasks.Reber().config, {}),
    "tasks.Task.stream": lambda: (
        lc.tasks.Adding(steps=22).stream,
        {"split": "test", "batch_size": 2, "seed": 0, "length": 22, "dtype": F32, "start": 0},
    ),
    "tasks.Task.batch": lambda: (
        lc.tasks.Adding(steps=22).batch,
        {"split": "test", "batch_size": 2, "seed": 0, "length": 22, "dtype": F32},
    ),
    "tasks.Task.encode": lambda: (lc.tasks.Reber().encode, {"text": "BT"}),
    "tasks.Task.decode": lambda: (lc.tasks.Reber().decode, {"symbols": np.array([0, 4])}),
    **{
        f"tasks.{c}.correct": functools.partial(
            lambda t: (
                t.correct,
                {
                    "prediction": np.zeros((*t.batch(batch_size=2).mask.shape, t.output_size)),
                    "batch": t.batch(batch_size=2),
                },
            ),
            t,
        )
        for c, t in (
            ("Task", lc.tasks.Copy(delay=2, payload=2)),
            ("Adding", lc.tasks.Adding(steps=22)),
            ("Counting", lc.tasks.Counting(10)),
            ("Reber", lc.tasks.Reber()),
            ("Chorales", lc.tasks.Chorales()),
            ("Chords", lc.tasks.Chords()),
            ("Waveform", lc.tasks.Waveform(steps=16, cycles=(1.0, 4.0))),
            ("Handwriting", lc.tasks.Handwriting()),
            ("Percolation", lc.tasks.Percolation(rows=3, columns=3)),
            ("Tones", lc.tasks.Tones(frames=3)),
        )
    },
    "tasks.Agreement.annotate": lambda: (
        lc.tasks.Agreement().annotate,
        {"x": lc.tasks.Agreement().batch(batch_size=2).x},
    ),
    "tasks.Film.filter": lambda: (
        lc.tasks.Film(5).filter,
        {"x": lc.tasks.Film(5).batch(batch_size=2).x, "window": 2},
    ),
    "tasks.Film.limits": lambda: (lc.tasks.Film(5).limits, {"window": 2, "length": 5}),
    "tasks.Reber.is_valid": lambda: (lc.tasks.Reber().is_valid, {"string": "BTXSE"}),
    "tasks.Reber.legal_next": lambda: (lc.tasks.Reber().legal_next, {"prefix": "BT"}),
    "tasks.Reber.legal": lambda: (lc.tasks.Reber().legal, {"x": lc.tasks.Reber().batch(batch_size=2).x}),
    "tasks.Reber.floor": lambda: (lc.tasks.Reber().floor, {"split": "all"}),
    "tasks.Reber.grammar_loss": lambda: (lc.tasks.Reber().grammar_loss, {"split": "all"}),
    "tasks.Text.region": lambda: (lc.tasks.Text(modules=("this",), length=8).region, {"split": "all"}),
    "tasks.Dates.write": lambda: (
        lc.tasks.Dates(("fr",)).write,
        {"date": datetime.date(1997, 11, 15), "locale": "fr", "style": "full"},
    ),
    "tasks.Handwriting.labels": lambda: (lc.tasks.Handwriting().labels, {"split": "test"}),
    "tasks.Handwriting.pictures": lambda: (lc.tasks.Handwriting().pictures, {"pixels": np.zeros((2, 64))}),
    **{
        f"tasks.{c}.whole": functools.partial(
            lambda t, more: (t.whole, {"split": "test", "dtype": F32} | more), t, more
        )
        for c, t, more in (
            ("Handwriting", lc.tasks.Handwriting(), {"seed": 0}),
            ("Speakers", lc.tasks.Speakers(), {}),
        )
    },
    "tasks.Percolation.skewed": lambda: (lc.tasks.Percolation.skewed, {"picture": np.zeros((3, 2, 3))}),
    "tasks.Pronunciation.pronounce": lambda: (lc.tasks.Pronunciation().pronounce, {"word": "thinking"}),
    "tasks.Pronunciation.words": lambda: (lc.tasks.Pronunciation().words, {"split": "test"}),
    "tasks.Scenes.pictures": lambda: (lc.tasks.Scenes.pictures, {"source": np.zeros((16, 2, 48))}),
    "tasks.bleu": lambda: (
        lc.tasks.bleu,
        {"hypotheses": [["a", "b"]], "references": [["a", "c"]], "order": 1},
    ),
    "tasks.error_rate": lambda: (
        lc.tasks.error_rate,
        {"hypotheses": [["a", "b"]], "references": [["a", "c"]]},
    ),
    "tasks.Transduction.encode_target": lambda: (french().encode_target, {"text": "le chat"}),
    "tasks.Transduction.decode_target": lambda: (french().decode_target, {"symbols": np.array([3, 4, 0])}),
    "tasks.Transduction.texts": lambda: (french().texts, {"batch": french().batch(batch_size=2)}),
    "tasks.Transduction.exact": lambda: (
        french().exact,
        {"symbols": np.array([[3, 4], [0, 0]]), "batch": french().batch(batch_size=2)},
    ),
    "tasks.Translation.translate": lambda: (french().translate, {"sentence": "these owls like the hotel"}),
    "tasks.Translation.alignment": lambda: (french().alignment, {"sentence": "these owls like the hotel"}),
    "tasks.Library.region": lambda: (lc.tasks.Library().region, {"split": "test"}),
    "tasks.Library.files": lambda: (lc.tasks.Library().files, {"split": "test"}),
    "tasks.Library.encode": lambda: (lc.tasks.Library().encode, {"text": "a"}),
    "tasks.Text.encode": lambda: (lc.tasks.Text(modules=("this",), length=8).encode, {"text": "a"}),
    # checkpoints, interop
    "checkpoints.save": lambda: (
        lc.checkpoints.save,
        {
            "path": FOLDER / "saved.safetensors",
            "model": fresh(),
            "arrays": {"more": {"a": A}},
            "facts": {"a": 1},
        },
    ),
    "checkpoints.load": lambda: (lc.checkpoints.load, {"path": checkpoint()}),
    "checkpoints.Checkpoint.restore": lambda: (lc.checkpoints.load(checkpoint()).restore, {"model": fresh()}),
    "checkpoints.Checkpoint.equations": lambda: (
        lc.checkpoints.load(checkpoint()).equations,
        {"model": fresh()},
    ),
    "checkpoints.Checkpoint.model": lambda: (
        lc.checkpoints.load(checkpoint()).model,
        {"cell": LSTM, "task": lc.tasks.Adding(steps=22)},
    ),
    "interop.to_torch": lambda: (lc.interop.to_torch, {"cell": LSTM, "params": PARAMS}),
    "interop.from_torch": lambda: (lc.interop.from_torch, {"cell": LSTM, "state_dict": TORCH}),
    "interop.to_keras": lambda: (lc.interop.to_keras, {"cell": LSTM, "params": PARAMS}),
    "interop.from_keras": lambda: (lc.interop.from_keras, {"cell": LSTM, "weights": KERAS}),
    "interop.save_torch": lambda: (
        lc.interop.save_torch,
        {"path": FOLDER / "a.safetensors", "cell": LSTM, "params": PARAMS},
    ),
    "interop.save_keras": lambda: (
        lc.interop.save_keras,
        {"path": FOLDER / "b.safetensors", "cell": LSTM, "params": PARAMS},
    ),
    "interop.load_torch": lambda: (lc.interop.load_torch, {"path": files()[0], "cell": LSTM, "part": ""}),
    "interop.load_keras": lambda: (lc.interop.load_keras, {"path": files()[1], "cell": LSTM}),
    # looking inside
    "inspection.probe": lambda: (
        lc.inspection.probe,
        {"values": np.arange(8.0).reshape(4, 2), "labels": np.array([True, False, True, False])},
    ),
    "inspection.Probe.score": lambda: (
        lc.inspection.probe(np.eye(2), np.array([True, False])).score,
        {"values": np.eye(2), "labels": np.array([True, False])},
    ),
    "inspection.silence": lambda: (
        lc.inspection.silence,
        {"model": words(), "units": [0], "names": ["readout.V"]},
    ),
    "inspection.pin": lambda: (
        lc.inspection.pin,
        {"model": words(), "gate": "f", "value": 0.5, "units": [0]},
    ),
    "inspection.patch": lambda: (
        lc.inspection.patch,
        {"model": numbers(), "other": numbers(), "x": X, "at": np.array([True, False, True])},
    ),
    "inspection.rewrite": lambda: (
        lc.inspection.rewrite,
        {"model": numbers(), "x": X, "step": 0, "change": lambda state: state},
    ),
    "baselines.ngram_bits": lambda: (
        lc.baselines.ngram_bits,
        {"train": "abab", "test": "ab", "order": 1, "alphabet": 2},
    ),
    "baselines.xz_bits": lambda: (lc.baselines.xz_bits, {"train": "abab", "test": "ab"}),
    "baselines.kneser_ney": lambda: (
        lc.baselines.kneser_ney,
        {"train": "abab", "test": "ab", "order": 1, "alphabet": 2},
    ),
    "baselines.compressor_bits": lambda: (lc.baselines.compressor_bits, {"train": "abab", "test": "ab"}),
    "attentive.translator": lambda: (lc.attentive.translator, {}),
    "attentive.captioner": lambda: (lc.attentive.captioner, {}),
    "attentive.train_translator": lambda: (lc.attentive.train_translator, {"seed": 0, "stop": 1}),
    "attentive.train_captioner": lambda: (lc.attentive.train_captioner, {"seed": 0, "stop": 1}),
    "coder.load": lambda: (lc.coder.load, {}),
    "coder.complete": lambda: (
        lc.coder.complete,
        {"prompt": "a", "length": 2, "temperature": 0.5, "beam": None, "rng": 0, "model": characters()},
    ),
    "coder.kinds": lambda: (lc.coder.kinds, {"source": "a = 1"}),
    "coder.marks": lambda: (lc.coder.marks, {"source": "a = 1"}),
    "coder.train": lambda: (
        uncompiled(lc.coder.train),
        {"seed": 0, "stop": 1, "checkpoint": None, "progress": False},
    ),
    "evolve": lambda: (
        lc.evolve,
        {
            "score": lambda candidates, rng: candidates.sum(axis=1),
            "weights": np.zeros(2),
            "generations": 1,
            "population": 2,
            "sigma": 0.1,
            "learning_rate": 0.1,
            "seed": 0,
            "executor": None,
            "pieces": 1,
            "callback": None,
        },
    ),
    "uses.Driver": lambda: (lc.uses.Driver, {"cart": lc.tasks.CartPole(), "units": 2, "memory": True}),
    "uses.Driver.params": lambda: (lc.uses.Driver().params, {"weights": np.zeros(32)}),
    "uses.Driver.drive": lambda: (
        lc.uses.Driver(lc.tasks.CartPole(steps=2)).drive,
        {"weights": np.zeros((1, 32)), "starts": np.zeros((4, 1))},
    ),
    "uses.Driver.score": lambda: (
        lc.uses.Driver(lc.tasks.CartPole(steps=2)).score,
        {"weights": np.zeros((1, 32)), "rng": np.random.default_rng(0)},
    ),
    "uses.Driver.evolved": lambda: (
        lc.uses.Driver(lc.tasks.CartPole(steps=2)).evolved,
        {"generations": 1, "seed": 0, "executor": None},
    ),
    "uses.NGram": lambda: (
        lc.uses.NGram,
        {"task": chords(), "batch": chords().batch(batch_size=1), "order": 1, "place": False},
    ),
    "uses.NGram.predict": lambda: (
        lc.uses.NGram(chords(), chords().batch(batch_size=1), 1).predict,
        {"x": np.zeros((2, 1), int)},
    ),
    "uses.balancer": lambda: (lc.uses.balancer, {"weights": np.zeros(32)}),
    "uses.compose": lambda: (
        lc.uses.compose,
        {"model": lc.Model(RNN, chords(), H), "count": 1, "rng": 0},
    ),
    "uses.composer": lambda: (lc.uses.composer, {}),
    "uses.driver": lambda: (lc.uses.driver, {}),
    "uses.over_four": lambda: (lc.uses.over_four, {"values": np.zeros((4, 1))}),
    "uses.pitches": lambda: (lc.uses.pitches, {"phrase": np.ones(4, int)}),
    "uses.sound": lambda: (lc.uses.sound, {"samples": np.ones(2), "rate": 8000, "label": "one"}),
    "uses.train_composer": lambda: (uncompiled(lc.uses.train_composer), {"seed": 0, "stop": 1}),
    "uses.trial": lambda: (
        lc.uses.trial,
        {
            "params": lc.uses.Driver().params(np.zeros(32)),
            "starts": np.zeros((4, 1)),
            "steps": 1,
            "push": 0.0,
        },
    ),
    "tasks.CartPole.starts": lambda: (lc.tasks.CartPole().starts, {"count": 1, "rng": 0}),
    "tasks.CartPole.move": lambda: (lc.tasks.CartPole().move, {"state": np.zeros(4), "force": 1.0}),
    "tasks.CartPole.upright": lambda: (lc.tasks.CartPole().upright, {"state": np.zeros(4)}),
    "tasks.CartPole.view": lambda: (
        lc.tasks.CartPole().view,
        {"state": np.zeros(4), "before": np.zeros(4)},
    ),
    "tasks.Chords.expected": lambda: (chords().expected, {"batch": chords().batch(batch_size=1)}),
    "tasks.Chords.faults": lambda: (chords().faults, {"phrase": chords().batch(batch_size=1).y[:, 0]}),
    "tasks.Chords.floors": lambda: (chords().floors, {"forgetful": True}),
    "generative.copyist": lambda: (lc.generative.copyist, {}),
    "generative.painter": lambda: (lc.generative.painter, {}),
    "generative.singer": lambda: (lc.generative.singer, {}),
    "generative.train_copyist": lambda: (uncompiled(lc.generative.train_copyist), {"seed": 0, "stop": 1}),
    "generative.train_painter": lambda: (uncompiled(lc.generative.train_painter), {"seed": 0, "stop": 1}),
    "generative.train_singer": lambda: (uncompiled(lc.generative.train_singer), {"seed": 0, "stop": 1}),
    "reader.language": lambda: (lc.reader.language, {"gap": 1}),
    "reader.load": lambda: (lc.reader.load, {}),
    "reader.rows": lambda: (lc.reader.rows, {"count": 2, "gap": 3, "subjects": 3, "seed": 0}),
    "reader.steps": lambda: (
        star(lambda *kinds, batch, gap, first: lc.reader.steps(batch, *kinds, gap=gap, first=first), "kinds"),
        {"batch": reading(), "kinds": ["verb"], "gap": 3, "first": 0},
    ),
    "reader.carrier": lambda: (
        lc.reader.carrier,
        {"model": reader(), "what": "number", "batch": reading(), "gap": 3},
    ),
    "reader.flip": lambda: (
        lc.reader.flip,
        {"model": reader(), "batch": lc.reader.rows(64, seed=0), "unit": 0, "step": 2},
    ),
    "reader.answers": lambda: (
        lc.reader.answers,
        {"prediction": np.ones((*reading().x.shape, 62)), "batch": reading()},
    ),
    "reader.train": lambda: (lc.reader.train, {"seed": 0, "cell": "rnn", "steps": (1, 1), "hidden_size": 2}),
    # exercises
    "exercises.check_cell": lambda: (
        lc.exercises.check_cell,
        {"cell": RNN, "reference": RNN, "mistakes": (), "rng": 0},
    ),
    "check": lambda: (lc.check, {"id": "01.2", "answer": None}),
    "exercises.check": lambda: (lc.exercises.check, {"id": "01.2", "answer": None}),
    "exercises.get": lambda: (lc.exercises.get, {"id": "01.2"}),
    "progress": lambda: (lc.progress, {"folder": FOLDER}),
    "exercises.progress": lambda: (lc.exercises.progress, {"folder": FOLDER}),
    "exercises.Progress.csv": lambda: (lc.progress(FOLDER).csv, {"path": FOLDER / "progress.csv"}),
    "exercises.Progress.json": lambda: (lc.progress(FOLDER).json, {"path": FOLDER / "progress.json"}),
    "exercises.check_lstm": lambda: (lc.exercises.check_lstm, {"my_cell": RNN, "rng": 0}),
    "ledger": lambda: (lc.ledger, {"folder": NOTEBOOKS}),
    "tasks.Chorales.whole": lambda: (lc.tasks.Chorales().whole, {"split": "test", "dtype": F32}),
    "Ledger.only": lambda: (lc.ledger(NOTEBOOKS).only, {"verdict": "met"}),
    "Ledger.table": lambda: (lc.ledger(NOTEBOOKS).table, {"place": "../"}),
    # experiments
    "design": lambda: (
        lc.design,
        {
            "cell": "rnn",
            "parameters": 300,
            "updates": 1,
            "seeds": 1,
            "progress": False,
            "folder": FOLDER / "board",
        },
    ),
    "Range.draw": lambda: (lc.experiments.uniform(0.0, 1.0).draw, {"rng": 0}),
    "Choice.draw": lambda: (lc.experiments.choice("a", "b").draw, {"rng": 0}),
    "experiments.Interval": lambda: (lc.experiments.Interval, {"margin": 0.1, "factor": 2.0, "axis": "a"}),
    "experiments.Interval.of": lambda: (lc.experiments.Interval(0.1).of, {"values": [1.0, 2.0]}),
    "experiments.Experiment.code": lambda: (lc.experiments.get(experiment()).code, {}),
    "experiments.experiment": lambda: (
        lambda full=None, needs=None, **given: lc.experiments.experiment(full=full, needs=needs, **given)(
            measured
        ),
        {
            "points": [{"a": 1}],
            "seeds": [0],
            "agree": {"y": lc.experiments.Interval(0.1)},
            "uses": (lc.reader,),
            "name": "rubbish2",
            "full": {"points": [{"a": 2}], "seeds": [0], "hours": 1.0},
            "needs": dict,
        },
    ),
    "experiments.get": lambda: (lc.experiments.get, {"name": experiment()}),
    "experiments.grid": lambda: (lc.experiments.grid, {"a": (1, 2)}),
    "experiments.search": lambda: (
        lc.experiments.search,
        {"trials": 2, "seed": 0, "at": [{"a": 1}], "b": lc.experiments.uniform(0.0, 1.0)},
    ),
    "experiments.uniform": lambda: (lc.experiments.uniform, {"low": 1.0, "high": 2.0, "whole": True}),
    "experiments.log_uniform": lambda: (lc.experiments.log_uniform, {"low": 1.0, "high": 2.0, "whole": True}),
    "experiments.choice": lambda: (
        lambda values: lc.experiments.choice("a", values),
        {"values": "b"},
    ),
    "experiments.journal_path": lambda: (
        lc.experiments.journal_path,
        {"e": lc.experiments.get(experiment())},
    ),
    "experiments.load": lambda: (lc.experiments.load, {"name": experiment(), "data": FOLDER}),
    "experiments.names": lambda: (lc.experiments.names, {"scale": "laptop"}),
    "experiments.export_trials": lambda: (
        lc.experiments.export_trials,
        {"name": experiment(), "path": FOLDER / "part.jsonl.gz", "data": FOLDER, "journal": FOLDER / "j"},
    ),
    "experiments.import_trials": lambda: (
        lc.experiments.import_trials,
        {
            "path": lc.experiments.export_trials(experiment(), FOLDER / "part.jsonl.gz", data=FOLDER),
            "data": FOLDER,
            "journal": FOLDER / "j",
        },
    ),
    "experiments.run": lambda: (
        lc.experiments.run,
        {
            "name": experiment(),
            "executor": Now(),
            "workers": 1,
            "progress": False,
            "data": FOLDER,
            "journal": FOLDER / "j",
        },
    ),
    "experiments.rerun": lambda: (
        lc.experiments.rerun,
        {"name": experiment(), "k": 1, "rng": np.random.default_rng(0), "where": {"a": 1}, "data": FOLDER},
    ),
    "experiments.rerun a part": lambda: (
        lc.experiments.rerun,
        {"name": experiment(), "fraction": 0.5, "data": FOLDER},
    ),
    "experiments.confirm": lambda: (
        lc.experiments.confirm,
        {"name": experiment(), "k": 1, "rng": np.random.default_rng(0), "data": FOLDER},
    ),
    "experiments.agree": lambda: (
        lc.experiments.agree,
        {"name": experiment(), "pairs": pairs(), "data": FOLDER},
    ),
    "experiments.Results.over": lambda: (results().over, {"axis": "a", "value": "y"}),
    "experiments.Results.best": lambda: (results().best, {"axis": "a", "by": "y", "highest": True}),
    "experiments.Results.chosen": lambda: (results().chosen, {"value": "y", "axis": "a", "by": "y"}),
    "experiments.Results.interval": lambda: (
        results().interval,
        {"value": "y", "point": {"a": 1}, "rule": lc.experiments.Interval(0.1)},
    ),
    "experiments.Trial.as_json": lambda: (lc.experiments.Trial({"a": 1}, 0, {"y": 1.0}).as_json, {}),
    # plots
    "plots.lines": lambda: (
        lc.plots.lines,
        {
            "series": {"a": np.arange(3.0)},
            "x": np.arange(3.0),
            "xlabel": "x",
            "ylabel": "y",
            "title": "t",
            "reference": {"chance": 0.5},
            "log": "",
            "ylim": (0, 1),
            "legend": "best",
            "like": {},
            "ax": None,
        },
    ),
    "plots.bands": lambda: (
        lc.plots.bands,
        {
            "x": np.arange(3.0),
            "median": np.ones(3),
            "low": np.zeros(3),
            "high": np.full(3, 2.0),
            "labels": ["a"],
            "reference": {"chance": 0.5},
        },
    ),
    "plots.over_seeds": lambda: (
        lc.plots.over_seeds,
        {"x": np.arange(2.0), "values": {"a": np.arange(4.0).reshape(2, 2)}},
    ),
    "plots.heatmap": lambda: (
        lc.plots.heatmap,
        {"matrix": A, "rows": ["a", "b"], "columns": ["c", "d"], "limit": 1.0, "numbers": True},
    ),
    "plots.by_word": lambda: (
        lc.plots.by_word,
        {"words": ["a", "b"], "series": {"f": np.array([0.1, 0.9])}, "marks": {"subject": [1]}, "title": "t"},
    ),
    "plots.bars": lambda: (
        lc.plots.bars,
        {"values": {"a": 0.5}, "reference": {"chance": 0.5}},
    ),
    "plots.word_by_word": lambda: (
        lc.plots.word_by_word,
        {"picture": np.ones((4, 4, 3)), "words": ["a", "red", "bar"], "shares": np.full((3, 4), 0.25)},
    ),
    "plots.dots": lambda: (lc.plots.dots, {"values": {"a": np.array([0.5, 0.6])}, "xlabel": "x", "of": "s"}),
    "plots.feeds": lambda: (lc.plots.feeds, {"mask": np.eye(3), "names": ["a", "b", "c"]}),
    "plots.intervals": lambda: (
        lc.plots.intervals,
        {"values": {"a": np.array([0.1, -0.2, 0.4])}, "margin": 0.5, "xlabel": "x"},
    ),
    "plots.gallery": lambda: (lc.plots.gallery, {"rows": {"a": np.zeros((2, 4, 4))}}),
    "plots.waves": lambda: (lc.plots.waves, {"columns": {"a": np.zeros((3, 2, 4))}}),
    "plots.css": lambda: (lc.plots.css, {"selector": ":root", "prefix": "--lc-"}),
    "plots.figure": lambda: (lc.plots.figure, {"width": 2.0, "height": 1.0, "rows": 1, "columns": 1}),
    "plots.film": lambda: (
        lc.plots.film,
        {"pictures": np.full((2, 1, 2, 3), 0.5), "windows": np.ones((2, 1, 4)), "alt": "two steps"},
    ),
    "plots.hue": lambda: (lc.plots.hue, {"name": "f"}),
    "plots.picture": lambda: (lc.plots.picture, {"fig": lc.plots.figure()[0], "alt": "a figure of nothing"}),
    "plots.show": lambda: (lc.plots.show, {"fig": lc.plots.figure()[0], "alt": "a figure of nothing"}),
    "train.History.figure": lambda: (
        lc.train.History([lc.train.Record(1.0, 0.5, 1.0, 0.1)]).figure,
        {"smooth": 1},
    ),
    "train.History.plot": lambda: (
        lc.train.History([lc.train.Record(1.0, 0.5, 1.0, 0.1)]).plot,
        {"smooth": 1},
    ),
    "train.Recipe": lambda: (
        lc.train.Recipe,
        {
            "optimizer": lc.optim.Adam(),
            "schedule": lc.optim.Constant(),
            "clip": 1.0,
            "batch_size": 2,
            "length": 22,
            "seed": 0,
            "validate_every": 1,
            "validation_batches": 1,
            "patience": 1,
        },
    ),
    # widgets
    "widgets.Slider": lambda: (
        lc.widgets.Slider,
        {
            "name": "a",
            "value": 0.0,
            "low": -1.0,
            "high": 1.0,
            "step": 0.1,
            "label": "a",
            "group": "g",
            "symbol": "A",
        },
    ),
    "widgets.Panel": lambda: (
        lc.widgets.Panel,
        {"sliders": [lc.widgets.Slider("a")], "render": lambda values: "<p></p>", "title": "t"},
    ),
    "widgets.Panel.__getitem__": lambda: (panel().__getitem__, {"name": "a"}),
    "widgets.Panel.set": lambda: (lambda values: panel().set(values), {"values": {"a": 0.5}}),
    "widgets.places": lambda: (lc.widgets.places, {"shapes": {"b_h": (1,), "x": (2, 1)}}),
    "widgets.arrays_of": lambda: (
        lc.widgets.arrays_of,
        {"values": {"b_h": 0.5, "x_1": 1.0, "x_2": -1.0}, "shapes": {"b_h": (1,), "x": (2, 1)}},
    ),
    "widgets.state_panel": lambda: (
        lc.widgets.state_panel,
        {
            "cell": RNN,
            "params": RNN.init(1, 1, 0, np.float64),
            "x": np.array([1.0, 0.0]),
            "show": ["h"],
            "hidden_size": 1,
            "weight": 3.0,
            "title": "t",
        },
    ),
    "widgets.series_of": lambda: (
        lc.widgets.series_of,
        {"cell": RNN, "params": RNN.init(1, 1, 0, np.float64), "x": np.array([[1.0], [0.0]]), "show": ["h"]},
    ),
    "widgets.strips": lambda: (lc.widgets.strips, {"series": {"h": np.array([0.1, 0.2])}, "names": ["h"]}),
    "widgets.table": lambda: (lc.widgets.table, {"series": {"h": np.array([0.1, 0.2])}}),
    "widgets.gate_panel": lambda: (
        lc.widgets.gate_panel,
        {"cell": LSTM, "gate": "f", "values": {"c": 1.0}, "weight": 6.0, "title": "t"},
    ),
    "widgets.gate_values": lambda: (
        lc.widgets.gate_values,
        {"cell": LSTM, "gate": "f", "values": {"c": 1.0}},
    ),
    "widgets.update_panel": lambda: (
        lc.widgets.update_panel,
        {"cell": LSTM, "show": ("c", "h"), "title": "t"},
    ),
    "widgets.update_values": lambda: (
        lc.widgets.update_values,
        {"cell": LSTM, "values": {"c": 0.5, "f": 0.5, "i": 0.5, "g": 0.5, "o": 0.5}},
    ),
    "widgets.belt_panel": lambda: (lc.widgets.belt_panel, {"cell": LSTM, "steps": 5, "title": "t"}),
    "widgets.belt_series": lambda: (
        lc.widgets.belt_series,
        {"cell": LSTM, "candidates": [0.0, 1.0], "start": 1.0, "f": 0.5, "i": 1.0},
    ),
    "widgets.clock_panel": lambda: (lc.widgets.clock_panel, {"periods": (1, 2), "longest": 4}),
    "widgets.clock_series": lambda: (
        lc.widgets.clock_series,
        {"values": {"T_1": 1, "T_2": 4, "W": 1.0, "U": 0.0}},
    ),
}


def panel():
    return lc.widgets.Panel([lc.widgets.Slider("a")], lambda values: "<p></p>", title="t")


# ------------------------------------------------------------------------------------------------------------ rubbish


class Unit(np.ndarray):
    """Like an array with a unit."""


def nothing():
    """A function of nothing."""


RUBBISH = {
    "None": None,
    "text": "rubbish",
    "empty text": "",
    "bytes": b"rubbish",
    "list of text": ["rubbish", "more"],
    "ragged": [[1.0], [1.0, 2.0]],
    "complex": 1j,
    "NaN": float("nan"),
    "inf": float("inf"),
    "negative": -1,
    "zero": 0,
    "fraction": 1.5,
    "huge": 10**12,
    "bool": True,
    "unhashable": {"rubbish": [1]},
    "function": nothing,
    "object": object(),
    "objects": np.array([None, "a"], object),
}


def _first(a, value):
    a = np.array(a, np.result_type(a, np.float32) if np.asarray(a).dtype.kind in "biu" else None)
    a.flat[0] = value
    return a


def _read_only(a):
    a = np.array(a)
    a.flags.writeable = False
    return a


OF_ARRAYS = {
    "wrong rank": lambda a: np.asarray(a)[None],
    "wrong axis": lambda a: np.repeat(a, 2, axis=-1),
    "wrong dtype": lambda a: np.asarray(a).astype(np.float16 if np.asarray(a).dtype.kind == "f" else float),
    "complex array": lambda a: np.asarray(a) + 0j,
    "NaN inside": lambda a: _first(a, np.nan),
    "inf inside": lambda a: _first(a, np.inf),
    "masked": lambda a: np.ma.masked_array(a, np.ones(np.shape(a), bool)),
    "subclass": lambda a: np.array(a).view(Unit),
    "read-only": _read_only,
    "object array": lambda a: np.asarray(a).astype(object),
    "text array": lambda a: np.asarray(a).astype(str),
}


def rubbish(valid):
    """What a parameter is given in the place of a value that fits: (kind, value)."""
    yield from RUBBISH.items()
    if isinstance(valid, np.ndarray):
        yield from ((kind, make(valid)) for kind, make in OF_ARRAYS.items())
    elif isinstance(valid, dict) and valid and isinstance(next(iter(valid.values())), np.ndarray):
        key = list(valid)[-1]
        yield from ((kind, valid | {key: make(valid[key])}) for kind, make in OF_ARRAYS.items())
        yield "values of text", dict.fromkeys(valid, "rubbish")
        yield "an unknown name", valid | {"rubbish": valid[key]}
    elif isinstance(valid, list) and valid and isinstance(valid[0], np.ndarray):
        yield from ((kind, [*valid[:-1], make(valid[-1])]) for kind, make in OF_ARRAYS.items())


CALLED = ("__getitem__", "__call__")


def public():
    """Every public callable, by name: functions, classes, and methods of their own; also of the classes that
    have no public name, and whose objects public functions return.
    """
    found = {}

    def add(name, what):
        if isinstance(what, types.ModuleType):
            inside = getattr(what, "__all__", None) or [k for k in vars(what) if not k.startswith("_")]
            for n in inside:
                member = getattr(what, n)
                if getattr(member, "__module__", "").startswith("lstmcourse") and not isinstance(
                    member, lc.Cell
                ):
                    add(f"{name}.{n}", member)
        elif inspect.isclass(what):
            if not issubclass(what, BaseException):
                found[name] = what
                found.update(
                    (f"{name}.{k}", f)
                    for k, f in vars(what).items()
                    if (not k.startswith("_") or k in CALLED)
                    and inspect.isfunction(f.__func__ if isinstance(f, staticmethod | classmethod) else f)
                )
        elif callable(what):
            found[name] = what

    for n in (*lc.__all__, "train"):
        add(n, getattr(lc, n))
    known, todo = {v for v in found.values() if inspect.isclass(v)}, list(found.values())
    while todo:
        for kind in sorted(returned(todo.pop()) - known, key=lambda kind: kind.__name__):
            known.add(kind)
            inside = {k: inspect.getattr_static(kind, k) for k in dir(kind) if k[0] != "_" or k in CALLED}
            methods = {k: f for k, f in inside.items() if inspect.isfunction(f)}
            ours = {
                k: f
                for k, f in methods.items()
                if f.__module__.startswith("lstmcourse") and f not in found.values()
            }
            found.update((f"{kind.__name__}.{k}", f) for k, f in ours.items())
            todo += ours.values()
    return found


def returned(function):
    """The classes of ours whose objects a function returns, by its annotation."""
    if inspect.isclass(function):
        return set()
    said = inspect.unwrap(function)
    try:
        said = eval(said.__annotations__.get("return") or "None", dict(getattr(said, "__globals__", {})))
    except NameError:  # imported for type checkers alone
        return set()
    return {
        kind
        for kind in (said, *typing.get_args(said))
        if inspect.isclass(kind) and kind.__module__.startswith("lstmcourse.")
    }


# --------------------------------------------------------------------------------------------- what is no rubbish

ELEMENTS = "wrong dtype, complex array, NaN inside, inf inside"
FINITE = "wrong dtype, NaN inside, inf inside"

# (parameters, kinds, reason): `name of the call(parameter)`, with wildcards; each kind is accepted somewhere
ANSWERS = (
    "None, NaN, bool, bytes, complex, empty text, fraction, function, huge, inf, list of text, negative, object, "
    "objects, ragged, text, unhashable, zero"
)
ALLOWED = [
    (
        "Cell.own(params)",
        "masked, subclass, object array, text array, values of text",
        "handed on as they are, to what looks at them",
    ),
    ("evolve(score)", "function", "a function is what is wanted"),
    ("*.draw(rng)", "None", "fresh numbers"),
    ("Lab.hold(value)", "None, negative, zero, fraction, huge", "any number, and None lets go"),
    ("Lab.hold(units)", "zero", "the first one"),
    ("Dilemma.over(weights)", "wrong axis, wrong dtype", "any number of weights, also whole ones"),
    ("evolve(weights)", "wrong axis, wrong dtype", "any number of weights, also whole ones"),
    ("*evolve*(generations)", "zero", "no generations: the weights as they are"),
    ("evolve(sigma)", "fraction, huge", "any width"),
    ("evolve(learning_rate)", "fraction, huge", "any step"),
    ("evolve(pieces)", "huge", "at most one part for each candidate"),
    ("uses.Driver.params(weights)", "wrong rank", "of one network, or of many"),
    ("uses.*(weights)", "wrong dtype", "the same numbers with fewer digits"),
    ("uses.*(starts)", "wrong axis, wrong dtype", "any number of states; the same numbers with fewer digits"),
    ("uses.trial(push)", "negative, zero, fraction, huge", "any force"),
    ("tasks.CartPole.move(force)", "negative, zero, fraction, huge", "any force, to either side"),
    ("uses.NGram.predict(x)", "wrong axis", "any length, any number of phrases"),
    ("uses.over_four(values)", "wrong axis, wrong dtype", "any length; the same numbers with fewer digits"),
    ("uses.NGram(order)", "zero", "how often each note comes"),
    ("uses.pitches(phrase)", "wrong axis", "any number of chords"),
    ("uses.sound(samples)", "wrong axis, wrong dtype", "any length; the same numbers with fewer digits"),
    ("*check(answer)", ANSWERS, "an answer is judged, whatever it is, and never an error"),
    # numbers that are numbers
    ("*(rng)", "zero, huge", "a seed"),
    ("*(seed)", "zero, huge", "a seed"),
    ("*(start)", "zero, huge", "the number of a batch"),
    ("*(axis)", "negative, zero", "an axis of both sides"),
    ("*(input_size)", "zero, huge", "a cell without input; sizes alone take no memory"),
    ("*(hidden_size)", "huge", "sizes alone take no memory"),
    ("*(steps)", "zero, huge", "a run of no steps; a count alone takes no memory"),
    ("*(every)", "huge", "a count"),
    ("unroll(memory_limit)", "huge", "more than a run takes"),
    ("*(checkpoint_every)", "zero, huge", "never; a part that is longer than the run"),
    ("*(validate_every)", "huge", "never"),
    ("*(patience)", "huge", "never"),
    ("*(batch_size)", "huge", "a recipe alone takes no memory"),
    ("train.Recipe(length)", "huge", "a recipe alone takes no memory"),
    ("*(clip)", "None, inf, fraction, huge", "no bound, or any bound"),
    ("*(max_norm)", "inf, fraction, huge", "any bound"),
    ("*(smooth)", "huge", "over all steps"),
    ("*(step)", "zero, fraction, huge", "a schedule is a function of any time; the width of a grid"),
    ("optim.*", "zero, fraction, huge", "rates"),
    ("optim.ExponentialDecay(half_life)", "inf", "no decay"),
    ("xray(sequence)", "zero", "the first one"),
    ("dilemma(weight)", "zero, fraction", "any weight from 0 to 3"),
    ("lab(x)", "wrong axis, wrong dtype", "a longer sequence; any floats"),
    ("lab of cells(x)", "wrong axis, wrong dtype", "a longer sequence; any floats"),
    ("lab of a model(x)", "wrong axis, wrong dtype", "a column; whole numbers of any kind"),
    ("lab of a model(units)", "zero", "the first one"),
    ("Model(dropout)", "zero", "no dropout"),
    ("Latent(warmup)", "zero, huge", "none, or one that is longer than the training"),
    ("Model.sample(length)", "zero", "nothing is drawn"),
    ("coder.complete(length)", "zero", "nothing is written"),
    ("coder.complete(temperature)", "zero, fraction, huge", "any temperature; 0 takes the likeliest"),
    ("coder.train(checkpoint)", "None", "none is written"),
    ("*(length_penalty)", "zero, fraction, huge", "any power of the length; 0 leaves it out"),
    ("Captioner(penalty)", "zero, fraction, huge", "any weight; 0 leaves it out"),
    ("Captioner(entropy)", "zero, fraction, huge", "any weight; 0 leaves it out"),
    ("Captioner(entropy_halves)", "huge", "after any number of steps"),
    ("Model.sample(temperature)", "zero, fraction, huge", "any temperature; 0 takes the likeliest"),
    ("Cell.init(forget_bias)", "negative, zero, fraction, huge", "any number"),
    ("Cell.override(f)", "negative, zero, fraction, huge", "an equation is held at any number"),
    ("affine(bias)", "negative, zero, fraction, huge", "where a bias starts"),
    ("*(size)", "huge", "a size alone takes no memory"),
    ("param(shape)", "huge", "a size alone takes no memory"),
    ("table(shape)", "huge", "a size alone takes no memory"),
    (
        "constant(value)",
        "NaN, inf, negative, zero, fraction, huge, bool",
        "any constant, -inf for a mask among them",
    ),
    ("tasks.*", "zero, huge", "options alone take no memory"),
    ("tasks.*(noise)", "inf, fraction", "any amount of noise"),
    ("reader.*", "zero, huge", "options alone take no memory"),
    ("claim*(*)", "negative, zero, fraction, huge", "any measured number, and any threshold that it meets"),
    ("inspection.*", "zero", "the first unit or step, and a gate that is shut"),
    ("baselines.*", "zero, huge", "contexts of no characters; an alphabet of any size"),
    ("experiments.Interval(*)", "zero, fraction, huge", "any width"),
    ("experiments.uniform(low)", "negative, zero", "any range"),
    (
        "experiments.choice(values)",
        "text, empty text, negative, zero, fraction, huge, bool",
        "texts and numbers are values",
    ),
    ("experiments.run(workers)", "huge", "with an executor of one's own they are not used"),
    ("plots.*(limit)", "fraction, huge", "any limit"),
    ("plots.figure(*)", "fraction, huge", "any size in inches"),
    ("widgets.Slider(*)", "negative, zero, fraction, huge", "any range that holds the value"),
    ("widgets.*(weight)", "fraction, huge", "any range"),
    ("widgets.belt_series(*)", "negative, zero, fraction, huge", "any numbers"),
    # arrays of any shape, and what is computed of what they hold
    *(
        (
            f"{f}(*)",
            f"complex, NaN, inf, negative, zero, fraction, huge, bool, wrong rank, wrong axis, {ELEMENTS}",
            "element by element",
        )
        for f in (*PRIMITIVES, *ALONG, *TWO, "dot", "where")
    ),
    (
        "concat(parts)",
        f"ragged, wrong axis, {ELEMENTS}",
        "parts of different lengths",
    ),
    ("split(a)", f"wrong rank, wrong axis, {ELEMENTS}", "of any shape"),
    ("reshape(a)", f"wrong rank, {ELEMENTS}", "of any shape with as many elements"),
    (
        "*(params)",
        "NaN inside, inf inside, wrong axis, complex array, wrong rank, wrong dtype, an unknown name",
        "parameters that have diverged can be looked at; those alone say the sizes",
    ),
    ("interop.*", "NaN inside, inf inside", "laid out as they are"),
    (
        "optim.*",
        f"wrong rank, wrong axis, {ELEMENTS}, an unknown name",
        "the caller looks at what is not finite",
    ),
    ("Model.read_out(h)", "wrong rank, NaN inside, inf inside", "any leading axes"),
    ("*(prediction)", FINITE, "what is not finite is not correct"),
    ("Model.predict symbols(x)", "wrong axis", "a larger batch"),
    ("tasks.*", "wrong axis, wrong dtype", "a larger batch"),
    ("tasks.*.pictures(*)", "wrong rank, NaN inside, inf inside", "laid out as they are"),
    ("tasks.Percolation.skewed(*)", "complex array, NaN inside, inf inside", "laid out as they are"),
    ("inspection.*", "wrong axis, wrong dtype", "more units; any numbers"),
    (
        "plots.*",
        f"wrong rank, wrong axis, {FINITE}, an unknown name, unhashable",
        "more series; what is not finite is a gap",
    ),
    ("widgets.*", f"wrong axis, {FINITE}, an unknown name, unhashable", "more series; more units"),
    # what may be left out, functions, names, and anything
    ("*(callback)", "function", "what it takes is seen when it is called"),
    ("experiments.experiment(needs)", "function", "what it takes is seen when it is called"),
    ("*(change)", "function", "what it takes is seen when it is called"),
    ("*(render)", "function", "what it takes is seen when it is called"),
    ("*(schedule)", "function", "what it takes is seen when it is called"),
    ("affine(*)", "None", "an operand that is left out"),
    ("param(free)", "None", "all of it is free"),
    ("state(init)", "None", "zeros"),
    ("Cell.*", "None", "left out"),
    ("tasks.Task.batch(length)", "None", "left out"),
    ("widgets.Panel.set(values)", "None", "left out"),
    ("*(data)", "text", "a path"),
    ("design(folder)", "text", "a path"),
    ("plots.intervals(margin)", "fraction, huge", "any width"),
    ("*(journal)", "text", "a path"),
    ("*(checkpoint)", "text", "a path"),
    ("optim.Warmup(then)", "function", "what a schedule gives is seen when it is called"),
    ("state(init)", "function", "what it gives is seen when the cell is traced"),
    ("table(function)", "function", "what it gives is seen when sizes are known"),
    ("Cell.variant(init)", "unhashable", "starts of parameters that options may leave out"),
    (
        "param(init)",
        "None, text, empty text, bytes, list of text, ragged, complex, NaN, inf, negative, zero, fraction, huge, bool, unhashable, function, object, objects",
        "seen when parameters are drawn",
    ),
    ("*(shape)", "text, list of text, huge", "names of sizes; a size alone takes no memory"),
    ("tasks.split_of(content)", "bytes", "bytes are what it takes"),
    ("checkpoints.save(facts)", "unhashable", "plain data"),
    ("experiments.grid(a)", "list of text, ragged, unhashable, objects", "several values of any kind"),
    ("plots.heatmap(*)", "list of text, ragged, objects", "anything that has a text names a row"),
    ("plots.by_word(words)", "list of text", "words"),
    ("exercises.check_*(*cell)", ", ".join(RUBBISH), "a learner's answer gets a verdict, whatever it is"),
    ("*(path)", "text", "a path"),
    ("exercises.*(rng)", "None", "fresh numbers"),
]

NOT_CALLED = {
    "made by what is in the table": (
        "Cell", "Run", "CheckpointedRun", "Gradients", "checkpoints.Checkpoint", "inspection.Probe", "plots.Picture", "plots.Film", "reader.Answers",
        "experiments.Agreement", "experiments.Experiment", "experiments.Pair", "experiments.Results", "experiments.Trial",
        "exercises.Exercise", "exercises.Mistake", "exercises.Progress", "exercises.Verdict", "tasks.Batch", "tasks.Pairs", "train.History", "train.Record", "train.Validation",
    ),
    "of files, by FileError": ("experiments.Trial.parse",),
    "abstract": (
        "optim.Optimizer", "tasks.Task", "tasks.Transduction", "train.Trainable", "train.Trainable.evaluate",
        "train.Trainable.run", "train.Trainable.work",
    ),
    "the engine's own": ("Bound.backward", "Compiled.backward", "Forward.backward", "Pass.backward", "Input.__call__", "Cell.__call__", "Cell.compiled", "Gradients.over", "Gradients.add"),
    "looked at where it is used, in fit": (
        "train.fit", "train.Recipe.batches", "train.Recipe.validation", "train.Recipe.factor", "train.Recipe.drawing", "train.History.to_arrays",
        "train.History.from_arrays", "Model.shapes_of", "Model.work",
        "Captioner.shapes_of", "Latent.shapes_of", "Latent.work",
    ),
    "without arguments": (
        "DrawingLab.run", "ImaginingLab.run", "Lab.run", "XRayLab.run", "XRayLab.xrays", "experiments.Experiment.provenance", "tasks.Task.data_digest", "tasks.Text.data_digest", "tasks.Library.data_digest",
        "tasks.Task.check_stranger",
        "tasks.Chorales.check_stranger", "tasks.Chorales.data_digest",
        "tasks.Text.check_stranger", "tasks.Speakers", "exercises.ids",
    ),
}  # fmt: skip
