"""Files that version 0.1 wrote stay good: they open, and their runs go on as they went on then.

`tests/data/checkpoints_0_1` was written by this file, run with that version (commit 59732e3) on the path: the
checkpoints after 3 steps, what parameters and losses were after 6, and the digests of all cells' equations.
"""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from training_toys import Averages, Cycle

import lstmcourse as lc
from lstmcourse.training.checkpoints import load

try:
    from lstmcourse.training import equations as meaning
except ImportError:  # in version 0.1, which writes the files
    meaning = None

DATA = Path(__file__).parents[1] / "data" / "checkpoints_0_1"
CELLS = lc.cells


def model(cell, task, **options):
    return lc.Model(cell, task, 4, dtype=np.float64, **options)


RUNS = {
    "lstm": lambda: model(CELLS.lstm, Cycle()),
    "gru": lambda: model(CELLS.gru, Averages(), dropout=0.2),
    "min_lstm": lambda: model(CELLS.min_lstm, "adding"),
    "slstm": lambda: model(CELLS.slstm.with_options(heads=2), lc.tasks.get("copy", delay=4, payload=2)),
    "clockwork": lambda: model(CELLS.clockwork, Averages(padded=False)),
    "stack": lambda: model(
        lc.stack([CELLS.lstm, CELLS.min_lstm], dropout=True), Cycle(), embedding=3, dropout=0.3
    ),
}
OPTIONS = {
    "batch_size": 2, "optimizer": "adam", "schedule": lc.optim.Warmup(2, then=lc.optim.Cosine(9)), "seed": 3,
    "validate_every": 2, "validation_batches": 1, "patience": 9, "progress": False, "backend": "numpy",
}  # fmt: skip
SIZES = {"D": 2, "H": 8}


def write():
    """Write the files, with version 0.1."""
    DATA.mkdir(exist_ok=True)
    later = {}
    for name, make in RUNS.items():
        lc.fit(make(), 3, checkpoint=DATA / f"{name}.safetensors", **OPTIONS)
        straight = make()
        later[f"{name}/loss"] = lc.fit(straight, 6, **OPTIONS | {"patience": None}).loss
        later |= {f"{name}/{k}": p for k, p in straight.params.items()}
    np.savez_compressed(DATA / "later.npz", **later)
    made = {n: lc.Model(n, Averages(), SIZES["H"]) for n in CELLS.names()}
    digests = {n: m.config["equations"] for n, m in made.items()}
    (DATA / "digests.json").write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")


@pytest.fixture(scope="module")
def later():
    return dict(np.load(DATA / "later.npz"))


@pytest.mark.parametrize("name", RUNS)
def test_a_file_opens_and_its_run_goes_on_as_it_did(name, later, tmp_path):
    path = shutil.copy(DATA / f"{name}.safetensors", tmp_path)
    stored, made, resumed = load(path), RUNS[name](), RUNS[name]()
    assert stored.written == (1, "0.1")
    stored.restore(made)
    assert made.params.keys() == stored.params.keys()
    assert all((made.params[k] == p).all() for k, p in stored.params.items())  # bit for bit
    history = lc.fit(resumed, 6, checkpoint=path, resume=True, **OPTIONS)
    again = load(path)
    assert again.written == (lc.checkpoints.VERSION, lc.__version__)
    assert (history.loss[:3] == stored.arrays["history"]["loss"]).all()
    # Sums in another order, on other processors and in equations written otherwise, differ by rounding.
    np.testing.assert_allclose(history.loss, later[f"{name}/loss"], rtol=1e-10, atol=0)
    for key, p in (again.arrays.get("last") or again.params).items():
        np.testing.assert_allclose(p, later[f"{name}/{key}"], rtol=1e-9, atol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", ["min_lstm", "slstm"])
def test_a_model_is_made_from_a_file_alone(name):
    made = load(DATA / f"{name}.safetensors").model()
    assert made.config == RUNS[name]().config


@pytest.mark.parametrize("name", json.loads((DATA / "digests.json").read_text(encoding="utf-8")))
def test_every_cell_is_known_again(name):
    """Where this fails, a cell has other equations. If they compute the same, the old go into FORMER."""
    stored = json.loads((DATA / "digests.json").read_text(encoding="utf-8"))[name]
    assert stored in [meaning.text_digest(form, SIZES) for form in meaning.forms(CELLS.get(name))]


if __name__ == "__main__":
    write()
