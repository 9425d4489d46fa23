"""Checkpoints: what comes back is what was saved, resuming equals not stopping, and unfit files say so."""

import dataclasses
import json
import os

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file
from training_toys import Averages, Cycle

import lstmcourse as lc
from lstmcourse import optim
from lstmcourse.training.checkpoints import VERSION, CheckpointError, load, save
from lstmcourse.training.fit import fit
from lstmcourse.training.model import Model

LSTM, RNN = lc.cells.lstm, lc.cells.rnn


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.safetensors"


def cycle_model(cell=LSTM, size=5, **options):
    return Model(cell, Cycle(), size, **options)


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) and a[n].dtype == b[n].dtype for n in a)


# saving and loading


def test_what_comes_back_is_what_was_saved(path):
    model = cycle_model(embedding=3, dtype=np.float64)
    turned = np.arange(6.0).reshape(2, 3).T  # not contiguous
    arrays = {
        "extra": {"a/b": turned, "slice": np.arange(8)[::2], "number": np.array(7), "none": np.empty((0, 2))}
    }
    assert save(path, model, arrays=arrays, facts={"note": "å", "sizes": [1, 2]}) == path
    file = load(path)
    assert same(file.params, model.params) and same(file.arrays["extra"], arrays["extra"])
    assert file.facts == {"note": "å", "sizes": [1, 2]}
    assert file.config == model.config
    assert repr(file) == "Checkpoint(run.safetensors: lstm, hidden size 5, task cycle; also extra)"


def test_the_file_is_safetensors_and_the_same_bytes_each_time(path):
    model = cycle_model()
    save(path, model)
    first = path.read_bytes()
    save(path, model)
    assert path.read_bytes() == first
    with safe_open(path, "np") as f:
        about = json.loads(f.metadata()["lstmcourse"])
        assert np.array_equal(f.get_tensor("params/cell.W_f"), model.params["cell.W_f"])
    assert about["version"] == VERSION
    assert about["model"]["cell"] == "lstm" and about["model"]["hidden_size"] == 5
    assert about["model"]["task"] == {
        "name": "cycle",
        "count": 4,
        "steps": 6,
        "padded": False,
        "carried": True,
    }


def test_restore_copies_into_the_arrays_that_are_there(path):
    model, other = cycle_model(), cycle_model(rng=1)
    save(path, model)
    arrays = list(other.params.values())
    load(path).restore(other)
    assert same(model.params, other.params)
    assert all(a is b for a, b in zip(arrays, other.params.values(), strict=True))


def test_a_model_can_be_built_from_the_file_alone(path):
    model = Model(LSTM, lc.tasks.get("copy", delay=7), 5, embedding=3, dropout=0.25, dtype=np.float64)
    save(path, model)
    again = load(path).model()
    assert same(model.params, again.params) and again.config == model.config and again.task == model.task


def test_a_stack_and_a_task_of_your_own_are_passed_in(path):
    cell = lc.stack([LSTM, RNN])
    model = cycle_model(cell)
    save(path, model)
    with pytest.raises(CheckpointError, match=r"cell 'stack\(lstm, rnn\)'.*pass that cell as cell="):
        load(path).model()
    assert same(load(path).model(cell=cell, task=Cycle()).params, model.params)


def another_lstm():
    """A cell with the name and the parameters of the LSTM, and other equations."""

    @lc.cell(name="lstm")
    def other(x, h, c):
        f = lc.sigmoid(lc.affine("f", h, x))
        i = lc.sigmoid(lc.affine("i", h, x))
        g = lc.sin(lc.affine("g", h, x))
        o = lc.sigmoid(lc.affine("o", h, x))
        c = f * c + i * g
        h = o * c
        return h, c

    return other


def test_a_checkpoint_of_another_cell_is_refused_where_names_and_shapes_agree(path):
    other = another_lstm()
    save(path, cycle_model())
    model = cycle_model(other, rng=1)
    assert {n: p.shape for n, p in model.params.items()} == {n: p.shape for n, p in load(path).params.items()}
    before = {n: p.copy() for n, p in model.params.items()}
    for attempt in (
        lambda: load(path).restore(model),
        lambda: load(path).model(cell=other, task=Cycle()),
        lambda: fit(model, 1, checkpoint=path, resume=True, progress=False),
    ):
        with pytest.raises(CheckpointError, match="checkpoint of another cell|no run to resume"):
            attempt()
    assert same(before, model.params)
    save(path, model)
    with pytest.raises(CheckpointError, match="whose equations are not those"):
        load(path).model(task=Cycle())
    assert load(path).model(cell=other, task=Cycle()).cell is other


def test_a_gate_held_is_another_cell_and_with_cell_is_the_way_to_it(path):
    held, trained = LSTM.override(f=1.0), cycle_model(rng=3)
    save(path, trained)
    with pytest.raises(CheckpointError, match=r"another cell.*Restore it with the cell.*with_cell\(other\)"):
        load(path).restore(cycle_model(held))
    model = load(path).model(task=Cycle()).with_cell(held)
    assert model.cell is held and same(model.params, trained.params)
    save(path, model)
    with pytest.raises(CheckpointError, match="another cell"):
        load(path).restore(cycle_model())
    with pytest.raises(CheckpointError, match="whose equations are not those"):
        load(path).model(task=Cycle())
    assert load(path).model(cell=held, task=Cycle()).cell is held


def test_folders_are_made_and_permissions_are_the_usual_ones(tmp_path):
    path = save(tmp_path / "a" / "b" / "m.safetensors", cycle_model())
    (tmp_path / "plain").write_text("")
    assert path.stat().st_mode == (tmp_path / "plain").stat().st_mode
    assert os.listdir(path.parent) == ["m.safetensors"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_while_writing_leaves_the_old_file(path, step, monkeypatch):
    save(path, cycle_model())
    before = path.read_bytes()

    def full(*args):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, step, full)
    with pytest.raises(OSError, match="no space left"):
        save(path, cycle_model(rng=1))
    assert path.read_bytes() == before and os.listdir(path.parent) == [path.name]


# what is not replaced, and what is not lost


OTHERS = {
    "a text": lambda path: path.write_text("my only copy"),
    "arrays": lambda path: path.write_bytes(b"PK\3\4" + bytes(200)),
    "weights": lambda path: save_file({"a": np.ones(3)}, path),
    "half a checkpoint": lambda path: path.write_bytes(
        save(path, cycle_model(), overwrite=True).read_bytes()[:-1]
    ),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_a_file_that_is_no_checkpoint_is_not_replaced_unasked(path, kind):
    OTHERS[kind](path)
    content, model = path.read_bytes(), cycle_model()
    before = {n: p.copy() for n, p in model.params.items()}
    ways = [
        lambda **how: save(path, model, **how),
        lambda **how: fit(model, 2, batch_size=2, checkpoint=path, progress=False, **how),
    ]
    if kind != "weights":
        params = LSTM.init(input_size=2, hidden_size=3)
        ways += [lambda **how: lc.interop.save_torch(path, LSTM, params, **how)]
        ways += [lambda **how: lc.interop.save_keras(path, LSTM, params, **how)]
    for way in ways:
        with pytest.raises(lc.errors.FileError, match="run.safetensors exists and is no .*overwrite=True"):
            way()
        assert path.read_bytes() == content and same(before, model.params)
    for way in ways:
        OTHERS[kind](path)
        way(overwrite=True)
        assert path.read_bytes() != content


def test_our_own_files_and_empty_ones_are_replaced(path):
    path.touch()
    for rng in range(2):
        assert same(load(save(path, cycle_model(rng=rng))).params, cycle_model(rng=rng).params)
    params = LSTM.init(input_size=2, hidden_size=3)
    with pytest.raises(lc.errors.FileError, match="is no file of such weights"):
        lc.interop.save_torch(path, LSTM, params)
    path.unlink()
    for write in (lc.interop.save_torch, lc.interop.save_keras):
        for cell in (LSTM, lc.stack([lc.bidirectional(LSTM)] * 2), LSTM):
            write(path, cell, cell.init(input_size=2, hidden_size=3))


def test_groups_have_any_name_but_that_of_the_parameters(path):
    model = cycle_model()
    groups = {
        name: {"x/y": np.array([k])} for k, name in enumerate(["a/b", "a", "", "%2F", "a%2Fb", "å", "/"])
    }
    save(path, model, arrays=groups)
    found = load(path)
    assert found.arrays.keys() == groups.keys() and all(same(found.arrays[n], groups[n]) for n in groups)
    assert same(found.params, model.params)
    content = path.read_bytes()
    for arrays, error in (
        ({"params": {}}, ValueError),
        ({3: {}}, TypeError),
        ({"a": {3: np.ones(1)}}, TypeError),
    ):
        with pytest.raises(error, match="does not fit|keys are names"):
            save(path, model, arrays=arrays)
    with pytest.raises(lc.errors.DtypeError, match=r"arrays\['extra'\]\['a'\] holds complex128"):
        save(path, model, arrays={"extra": {"a": np.ones(2, complex)}})
    assert path.read_bytes() == content


def full(*args):
    raise OSError(28, "No space left on device")


def test_a_full_disk_on_the_way_is_a_warning_and_at_the_end_an_error_with_the_history(path, monkeypatch):
    straight, model = cycle_model(), cycle_model()
    options = {"batch_size": 2, "progress": False, "checkpoint": path}
    fit(straight, 6, **options)

    def back(model, history):
        if history.steps == 4:
            monkeypatch.undo()

    monkeypatch.setattr(os, "fsync", full)
    with pytest.warns(
        RuntimeWarning, match="no checkpoint after [24] steps, training goes on: .*No space left.*/b"
    ):
        fit(model, 6, checkpoint_every=2, callback=back, **options | {"checkpoint": path.with_name("b")})
    assert same(straight.params, model.params) and load(path.with_name("b")).facts["steps"] == 6
    content, model = path.read_bytes(), cycle_model()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left.*run.safetensors") as caught:
        fit(model, 6, **options)
    assert caught.value.history.steps == 6 and same(straight.params, model.params)
    assert path.read_bytes() == content and sorted(os.listdir(path.parent)) == ["b", path.name]


@pytest.mark.parametrize("where", ["callback", "evaluate", "accuracy"])
def test_what_fails_on_the_way_loses_nothing(path, monkeypatch, where):
    straight, model, resumed = (RUNS["numbers with lengths, float64"]() for _ in range(3))
    expected = fit(straight, 6, **OPTIONS)

    def fail(*args, **kwargs):
        raise Crash("in the midst")

    def callback(model, history):
        if history.steps == 3 and where == "callback":
            fail()
        if history.steps == 3:
            monkeypatch.setattr(
                *((Model, "evaluate", fail) if where == "evaluate" else (Averages, "correct", fail))
            )

    with pytest.raises(Crash, match="in the midst") as caught:
        fit(model, 6, checkpoint=path, callback=callback, **OPTIONS)
    steps = caught.value.history.steps
    assert steps == load(path).facts["steps"] == {"callback": 3, "evaluate": 4, "accuracy": 3}[where]
    assert caught.value.__notes__ == [f"after {steps} steps: the model has what it learnt"]
    monkeypatch.undo()
    history = fit(resumed, 6, checkpoint=path, resume=True, **OPTIONS)
    assert (history.loss == expected.loss).all() and history.validation == expected.validation
    assert same(straight.params, resumed.params)


# other data


@pytest.fixture
def text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "in.txt"
    path.write_text("abcd" * 100)
    return path


def test_a_run_does_not_go_on_with_other_data_unasked(path, text):
    options = {"batch_size": 2, "length": 8, "progress": False, "checkpoint": path}

    def again(steps, **how):
        task = lc.tasks.Text(files=("in.txt",), alphabet="abcd")
        return fit(Model(RNN, task, 4), steps, **options | how)

    again(2)
    text.write_bytes(text.read_bytes())
    again(3, resume=True)
    stat = text.stat()
    text.write_text("abdc" * 100)
    os.utime(text, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(CheckpointError, match="trained on other data than 'text' reads.*other_data=True"):
        again(4, resume=True)
    assert again(4, resume=True, other_data=True).steps == 4
    assert again(5, resume=True).steps == 5  # these are its data now
    text.unlink()
    with pytest.raises(lc.tasks.MissingSourceError, match=r"in\.txt"):
        again(6, resume=True)


# files that do not fit


def test_a_file_cut_short_anywhere_is_refused(path):
    save(path, cycle_model(RNN, 2))
    whole = path.read_bytes()
    for n in range(len(whole)):
        path.write_bytes(whole[:n])
        with pytest.raises(CheckpointError, match="cut short|not a safetensors file"):
            load(path)
    path.write_bytes(whole[:-5])
    with pytest.raises(CheckpointError, match=rf"cut short: {len(whole) - 5} bytes of {len(whole)}"):
        load(path)


def test_damage_is_refused(path):
    save(path, cycle_model(RNN, 2))
    whole = path.read_bytes()
    path.write_bytes(whole[:8] + whole[8:].replace(b'"shape"', b'"shabe"', 1))
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)
    path.write_bytes(whole[:9] + b"\xff" + whole[10:])
    with pytest.raises(CheckpointError, match="damaged: its header is not JSON"):
        load(path)
    path.write_bytes(whole + b"more")
    with pytest.raises(CheckpointError, match="damaged"):
        load(path)


RUN = dict(
    batch_size=2,
    optimizer=optim.SGD(0.1),
    validate_every=1,
    validation_batches=1,
    patience=3,
    progress=False,
)


def test_no_byte_of_the_header_can_change_and_raise_anything_but_a_checkpoint_error(path):
    """A sample of them, each by a random bit or byte: refused, or still what a model or a run can be."""
    fit(cycle_model(RNN, 2), 2, checkpoint=path, **RUN)
    whole, rng, outcomes = path.read_bytes(), np.random.default_rng(0), {"refused": 0, "read": 0}
    size = 8 + int.from_bytes(whole[:8], "little")
    places = rng.choice(size, 600, replace=False)
    for k in places:
        damaged = bytearray(whole)
        damaged[k] ^= int(rng.integers(1, 256)) if rng.random() < 0.5 else 1 << int(rng.integers(5))
        path.write_bytes(damaged)
        try:
            repr(load(path))
            outcomes["read"] += 1
            load(path).model(task=Cycle())
            fit(cycle_model(RNN, 2), 2, checkpoint=path, resume=True, **RUN)
        except CheckpointError:
            outcomes["refused"] += 1
    assert outcomes["refused"] > 0.97 * len(places) and outcomes["read"] > 0.05 * len(places)


def rewritten(path, change):
    """Change the JSON text of a checkpoint, its arrays, or both."""
    file, arrays = {}, {}
    with safe_open(path, "np") as f:
        file = json.loads(f.metadata()["lstmcourse"])
        arrays = {name: f.get_tensor(name) for name in f.keys()}  # noqa: SIM118
    about = change(file, arrays)
    save_file(arrays, path, metadata={"lstmcourse": json.dumps(file if about is None else about)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda about, arrays: {}, "its metadata must hold version, model, facts; missing.*: version, model"),
        (lambda about, arrays: [], "its metadata must hold"),
        (lambda about, arrays: 3, "its metadata must hold"),
        (lambda about, arrays: about | {"version": "1"}, "missing or unfit: version"),
        (lambda about, arrays: about | {"facts": None}, "missing or unfit: facts"),
        (lambda about, arrays: about | {"model": {}}, "its model must hold cell, .*unfit: cell, options"),
        (lambda about, arrays: about["model"].update(hidden_size="5"), "missing or unfit: hidden_size"),
        (lambda about, arrays: about["model"].pop("equations") and None, "missing or unfit: equations"),
    ],
)
def test_metadata_that_are_not_a_checkpoints_are_refused(path, change, message):
    save(path, cycle_model())
    rewritten(path, change)
    with pytest.raises(CheckpointError, match=f"run.safetensors is damaged: .*{message}"):
        load(path)


def test_metadata_that_are_no_json_and_a_model_that_cannot_be_are_refused(path):
    save_file({}, path, metadata={"lstmcourse": "{"})
    with pytest.raises(CheckpointError, match="damaged: its metadata are not JSON"):
        load(path)
    for field, value in {"dropout": 2.0, "dtype": "float", "task": {"name": "adding", "steps": "a"}}.items():
        save(path, Model(LSTM, "adding", 5))
        rewritten(path, lambda about, arrays, field=field, value=value: about["model"].update({field: value}))
        with pytest.raises(CheckpointError, match="describes a model that cannot be made|does not fit"):
            load(path).model()


def drop(group):
    def change(about, arrays):
        for name in [name for name in arrays if name.startswith(f"{group}/")]:
            del arrays[name]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop("optimizer"), "does not fit this run's optimizer.\n  step: 'absent' in the file"),
        (drop("history"), "damaged: a history has the arrays .*; missing: accuracy, loss"),
        (drop("carried"), r"damaged: it carries the states \[\] of \['c', 'h'\]"),
        (drop("best"), "damaged: the best parameters are missing"),
        (drop("params"), "does not fit this model"),
        (lambda about, arrays: arrays.update({"history/loss": np.zeros(1)}), "columns of one length"),
        (
            lambda about, arrays: arrays.update({"optimizer/u.readout.d": np.zeros(1)}),
            "u.readout.d: 'float64",
        ),
        (lambda about, arrays: arrays.update({"best/readout.d": np.zeros(1)}), "readout.d: 'float64"),
        (lambda about, arrays: arrays.update({"bess/readout.d": np.zeros(1)}), "no run has bess"),
        (lambda about, arrays: about["facts"].update(steps=9), "its history has 2 steps, of 9"),
        (lambda about, arrays: about["facts"].update(recipe=[1]), "no run to resume"),
    ],
)
def test_a_run_of_which_a_part_is_missing_is_refused_and_changes_nothing(path, change, message):
    fit(cycle_model(), 2, checkpoint=path, **RUN)
    rewritten(path, change)
    model, content = cycle_model(rng=1), path.read_bytes()
    before = {n: p.copy() for n, p in model.params.items()}
    with pytest.raises(CheckpointError, match=message):
        fit(model, 4, checkpoint=path, resume=True, **RUN)
    assert same(before, model.params) and path.read_bytes() == content


@pytest.mark.parametrize("kind", ["text", "npz", "empty"])
def test_another_format_is_refused(path, kind):
    with path.open("wb") as f:
        if kind == "npz":
            np.savez(f, a=np.ones(3))
        elif kind == "text":
            f.write(b"loss 0.1, accuracy 0.9")
    with pytest.raises(
        CheckpointError, match="run.safetensors is not a safetensors file: its .* bytes start with"
    ):
        load(path)


def test_safetensors_of_somebody_else_newer_ones_and_no_file_are_refused(path):
    save_file({"weight": np.ones(3)}, path, metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"no checkpoint of this package.*only \['format'\]"):
        load(path)
    save_file({"weight": np.ones(3)}, path)
    with pytest.raises(CheckpointError, match="only nothing"):
        load(path)
    save_file({}, path, metadata={"lstmcourse": json.dumps({"version": VERSION + 1})})
    with pytest.raises(
        CheckpointError, match=f"format version {VERSION + 1}; this package reads up to {VERSION}"
    ):
        load(path)
    with pytest.raises(CheckpointError, match="none.safetensors cannot be read: No such file"):
        load(path.with_name("none.safetensors"))
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(path.parent)


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (lambda: cycle_model(RNN), "cell: 'lstm' in the file, 'rnn' in this model"),
        (lambda: cycle_model(size=6), "hidden_size: 5 in the file, 6 in this model"),
        (lambda: cycle_model(embedding=4), "embedding: None in the file, 4 in this model"),
        (lambda: cycle_model(dtype=np.float64), "dtype: 'float32' in the file, 'float64' in this model"),
        (
            lambda: Model(LSTM, Cycle(count=5), 5),
            r"readout.V: 'float32 \(5, 4\)' in the file, 'float32 \(5, 5\)'",
        ),
    ],
)
def test_a_checkpoint_of_another_model_is_refused_and_changes_nothing(path, other, message):
    save(path, cycle_model())
    model = other()
    before = {n: p.copy() for n, p in model.params.items()}
    with pytest.raises(
        CheckpointError, match=f"run.safetensors does not fit this model.\n(.*\n)*.*{message}"
    ):
        load(path).restore(model)
    assert same(before, model.params)


# resuming


OPTIONS = dict(
    batch_size=3,
    optimizer=optim.Adam(2e-2, weight_decay=0.01),
    schedule=optim.Warmup(4, then=optim.Cosine(10)),
    seed=5,
    validate_every=2,
    validation_batches=1,
    patience=9,
    progress=False,
)
CLOCK, LEARNED = lc.clock, lc.state("H", init="learned")


@lc.cell
def slows(x, h=LEARNED, t=CLOCK):
    h = lc.tanh(lc.affine("h", h, x) + lc.sin(t))
    return h


RUNS = {
    "symbols, state carried, dropout between layers": lambda: Model(
        lc.stack([LSTM, RNN], dropout=True), Cycle(), 4, embedding=3, dropout=0.3
    ),
    "numbers with lengths, float64": lambda: Model(LSTM, Averages(), 4, dropout=0.3, dtype=np.float64),
    "a clock and a learned start": lambda: Model(slows, Cycle(), 4),
    "text": lambda: Model(RNN, lc.tasks.get("text"), 4, embedding=3),
    "a lattice, whose columns only a batch knows": lambda: Model(
        lc.cells.grid.with_options(dims=3, layers=1), lc.tasks.Percolation(given="by diagonals"), 4
    ),
}


def same_files(a, b):
    """Everything in two checkpoints, but for the seconds."""
    a, b = load(a), load(b)
    assert same(a.params, b.params) and a.config == b.config and a.facts == b.facts
    assert a.arrays.keys() == b.arrays.keys()
    for group in a.arrays:
        for file in (a, b):
            file.arrays[group].pop("seconds", None)
        assert same(a.arrays[group], b.arrays[group]), group


class Crash(Exception):
    pass


def stop_at(step, error):
    def callback(model, history):
        if history.steps == step:
            raise error

    return callback


@pytest.mark.parametrize("run", RUNS)
@pytest.mark.parametrize("how", ["fewer steps", "interrupt", "crash"])
def test_resuming_equals_not_stopping_bit_for_bit(run, how, tmp_path):
    straight, stopped, resumed = RUNS[run](), RUNS[run](), RUNS[run]()
    a, b = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    expected = fit(straight, 9, checkpoint=a, **OPTIONS)
    if how == "fewer steps":
        fit(stopped, 5, checkpoint=b, **OPTIONS)
    elif how == "interrupt":
        assert fit(stopped, 9, checkpoint=b, callback=stop_at(5, KeyboardInterrupt), **OPTIONS).interrupted
    else:
        with pytest.raises(Crash):
            fit(stopped, 9, checkpoint=b, checkpoint_every=3, callback=stop_at(5, Crash), **OPTIONS)
    steps = load(b).facts["steps"]
    assert steps == (3 if how == "crash" else 5)
    for p in resumed.params.values():
        p += 1  # nothing of the new model may remain
    seen = []
    history = fit(
        resumed, 9, checkpoint=b, resume=True, callback=lambda m, h: seen.append(h.steps), **OPTIONS
    )
    assert seen == list(range(steps + 1, 10))
    assert same(straight.params, resumed.params)
    for name in ("loss", "accuracy", "norm"):
        assert np.array_equal(getattr(expected, name), getattr(history, name))
    assert history.validation == expected.validation and len(history.validation) == 4
    assert not history.interrupted and (np.diff(history.seconds) > 0).all()
    same_files(a, b)


def test_an_interrupt_in_the_validation_is_made_good_on_resuming(path, monkeypatch):
    straight, model = RUNS["numbers with lengths, float64"](), RUNS["numbers with lengths, float64"]()
    expected = fit(straight, 6, **OPTIONS)

    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Model, "evaluate", stop)
        assert fit(model, 6, checkpoint=path, **OPTIONS).steps == 2
    history = fit(model, 6, checkpoint=path, resume=True, **OPTIONS)
    assert history.validation == expected.validation and same(model.params, straight.params)


def test_a_finished_run_with_patience_goes_on_from_its_last_step_not_from_its_best(path):
    make = RUNS["numbers with lengths, float64"]
    options = OPTIONS | {"optimizer": optim.SGD(0.5), "schedule": None}
    straight, model = make(), make()
    histories = [fit(straight, 12, **options), fit(model, 6, checkpoint=path, **options)]
    best = histories[1].best.step
    assert best != 6, "choose other settings: here the last step must not be the best one"
    assert same(load(path).params, model.params)  # the file holds what the model has: the best
    history = fit(model, 12, checkpoint=path, resume=True, **options)
    assert np.array_equal(history.loss, histories[0].loss)
    assert same(model.params, straight.params)


def test_a_run_that_stopped_early_stays_stopped(path):
    options = OPTIONS | {"validate_every": 1, "patience": 1, "optimizer": optim.SGD(2.0), "schedule": None}
    model = RUNS["numbers with lengths, float64"]()
    history = fit(model, 50, checkpoint=path, **options)
    assert history.stopped_early and history.steps < 50
    params = {n: p.copy() for n, p in model.params.items()}
    again = fit(model, 50, checkpoint=path, resume=True, **options)
    assert again.stopped_early and again.steps == history.steps and same(params, model.params)


def test_resuming_without_a_file_begins(path):
    one, other = cycle_model(), cycle_model()
    fit(one, 3, batch_size=2, progress=False)
    fit(other, 3, batch_size=2, progress=False, checkpoint=path, resume=True)
    assert same(one.params, other.params) and load(path).facts["steps"] == 3


@pytest.mark.parametrize(
    ("other", "options", "message"),
    [
        (lambda: cycle_model(RNN), {}, "cell: 'lstm' in the file, 'rnn' in this run"),
        (lambda: cycle_model(LSTM.override(f=1.0)), {}, "equations: .* in the file, .* in this run"),
        (lambda: cycle_model(dropout=0.1), {}, "dropout: 0.0 in the file, 0.1 in this run"),
        (
            lambda: Model(LSTM, Cycle(steps=7), 5),
            {},
            "task: .*'steps': 6.* in the file, .*'steps': 7.* in this run",
        ),
        (cycle_model, {"batch_size": 9}, "batch_size: 3 in the file, 9 in this run"),
        (cycle_model, {"seed": 1}, "seed: 0 in the file, 1 in this run"),
        (
            cycle_model,
            {"optimizer": optim.Adam(1e-3)},
            "optimizer: .*0.01.* in the file, .*0.001.* in this run",
        ),
        (cycle_model, {"schedule": optim.Cosine(9)}, "schedule: None in the file, .*Cosine.* in this run"),
    ],
)
def test_resuming_another_run_is_refused_and_changes_nothing(path, other, options, message):
    fit(cycle_model(), 2, batch_size=3, progress=False, checkpoint=path)
    model, content = other(), path.read_bytes()
    before = {n: p.copy() for n, p in model.params.items()}
    with pytest.raises(CheckpointError, match=f"does not fit this run.\n(.*\n)*.*{message}"):
        fit(model, 4, checkpoint=path, resume=True, **{"batch_size": 3, "progress": False, **options})
    assert same(before, model.params) and path.read_bytes() == content


def test_a_file_without_a_run_cannot_be_resumed(path):
    model = cycle_model()
    save(path, model)
    with pytest.raises(CheckpointError, match="holds a model but no run to resume.*restore"):
        fit(model, 4, checkpoint=path, resume=True, progress=False)


def test_files_written_on_the_way(path):
    steps = []
    fit(
        cycle_model(), 7, batch_size=2, progress=False, checkpoint=path, checkpoint_every=3,
        callback=lambda m, h: steps.append(load(path).facts["steps"] if path.exists() else 0),
    )  # fmt: skip
    assert steps == [0, 0, 3, 3, 3, 6, 6] and load(path).facts["steps"] == 7


# what would keep a run from being stored is found before it is trained


@dataclasses.dataclass(frozen=True)
class Sawtooth:
    """A schedule of the reader's own."""

    period: int

    def __call__(self, step):
        return 1 - step % self.period / self.period


class Falling:
    def __call__(self, step):
        return 0.5


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize(
    "schedule",
    [lambda step: 0.5, Falling(), optim.Warmup(2, then=lambda step: 0.5)],
    ids=["function", "object", "within a schedule"],
)
def test_a_schedule_that_cannot_be_compared_is_refused_with_a_checkpoint(path, schedule, resume):
    model = cycle_model()
    before = {n: p.copy() for n, p in model.params.items()}
    with pytest.raises(TypeError, match=r"schedule=.* cannot be stored.*dataclass of your own.*save"):
        fit(model, 3, schedule=schedule, checkpoint=path, resume=resume, progress=False)
    assert same(before, model.params) and not path.exists()
    assert fit(model, 3, batch_size=2, schedule=schedule, progress=False).steps == 3


def test_a_schedule_of_your_own_is_known_again_by_its_fields(path):
    straight, model = cycle_model(), cycle_model()
    options = {"batch_size": 2, "progress": False}
    fit(straight, 6, schedule=Sawtooth(4), **options)
    fit(model, 3, schedule=Sawtooth(4), checkpoint=path, **options)
    with pytest.raises(CheckpointError, match="'period': 4.* in the file, .*'period': 5.* in this run"):
        fit(model, 6, schedule=Sawtooth(5), checkpoint=path, resume=True, **options)
    fit(model, 6, schedule=Sawtooth(4), checkpoint=path, resume=True, **options)
    assert same(straight.params, model.params)


@pytest.mark.parametrize(
    ("place", "error", "message"),
    [
        (lambda folder: folder, CheckpointError, "is a folder: give a file, such as .*run.safetensors"),
        (lambda folder: str(folder), CheckpointError, "is a folder"),
        (lambda folder: folder / "file" / "run", CheckpointError, "cannot be written: .*give another path"),
        (lambda folder: folder / ("n" * 300), CheckpointError, "cannot be written: File name too long"),
        (lambda folder: f"{folder}/a\0b", CheckpointError, "cannot be written: .*null"),
        (lambda folder: 3, TypeError, "checkpoint=3 does not fit: the path of a file is needed"),
        (lambda folder: b"run", TypeError, "checkpoint=b'run' does not fit"),
    ],
)
@pytest.mark.parametrize("resume", [False, True])
def test_a_path_where_nothing_can_be_written_is_refused_before_the_training(
    tmp_path, place, error, message, resume
):
    (tmp_path / "file").write_text("")
    model = cycle_model()
    before = {n: p.copy() for n, p in model.params.items()}
    with pytest.raises(error, match=message):
        fit(model, 2, batch_size=2, checkpoint=place(tmp_path), resume=resume, progress=False)
    assert same(before, model.params) and os.listdir(tmp_path) == ["file"]
