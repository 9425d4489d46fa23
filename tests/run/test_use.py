"""`use` chooses the back-end of runs that name none, for a process or a block; everything that runs obeys."""

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.compiled import native
from lstmcourse.errors import UnknownNameError
from lstmcourse.exercises.guard import run_apart
from lstmcourse.experiments.run import _measured
from lstmcourse.run import backends

RNN = lc.cells.rnn
PARAMS = RNN.init(input_size=1, hidden_size=2, rng=0)
X = np.ones((3, 1, 1), np.float32)
OTHER = "numba" if "numba" in lc.backends() else "reference"


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Calls in a test end with it."""
    monkeypatch.setattr(backends, "_CALLS", [])


def ran(**more):
    return lc.unroll(RNN, PARAMS, X, **more).backend


def in_a_thread(do):
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(do).result()


def test_a_bare_run_stays_on_numpy_until_someone_says_otherwise():
    assert ran() == "numpy"
    lc.use(OTHER)
    assert ran() == in_a_thread(ran) == OTHER
    assert ran(backend="numpy") == "numpy"
    assert ran(checkpoint_every=2) == OTHER
    lc.use("numpy")
    assert ran() == in_a_thread(ran) == "numpy"


def test_a_block_is_for_its_thread_and_nests():
    lc.use("reference")
    with lc.use(OTHER) as said:
        assert ran() == OTHER == said.backend
        assert in_a_thread(ran) == "reference"  # what the process was told before
        with pytest.raises(ZeroDivisionError), lc.use("numpy"):
            assert ran() == "numpy"
            _ = 1 / 0
        assert ran() == OTHER
        with said, said:  # again, inside itself
            assert ran() == OTHER
        lc.use("numpy")  # for the process; in here the block decides
        assert (ran(), in_a_thread(ran)) == (OTHER, "numpy")
    assert ran() == "numpy"


def test_threads_with_blocks_of_their_own_do_not_meet():
    start = threading.Barrier(4)

    def work(name):
        start.wait()
        found = set()
        for _ in range(200):
            with lc.use(name):
                found.add(backends.check_backend(None))
        return found

    names = ["numpy", "reference", OTHER, "numpy"]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, names)) == [{name} for name in names]
    assert backends._CALLS == [] and ran() == "numpy"


def test_tasks_with_blocks_of_their_own_do_not_meet():
    async def work(name):
        with lc.use(name):
            await asyncio.sleep(0)
            return ran()

    async def all_of_them():
        return await asyncio.gather(*map(work, ["reference", "numpy", OTHER]))

    assert asyncio.run(all_of_them()) == ["reference", "numpy", OTHER]


def test_calls_do_not_pile_up():
    for _ in range(1000):
        lc.use("numpy")
    assert len(backends._CALLS) == backends.MOST


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_goes_on_with_what_held():
    lc.use("reference")
    with lc.use("numpy"):
        child = os.fork()
        if not child:
            inside = ran() == "numpy" and in_a_thread(ran) == "reference"
            lc.use("numpy")
            os._exit(0 if inside and in_a_thread(ran) == "numpy" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert ran() == "reference"


@pytest.mark.parametrize("bad", ["nunpy", "javascript", None, 3, ["numpy"]])
def test_a_bad_name_is_named_and_what_held_holds(bad):
    lc.use("reference")
    with pytest.raises(UnknownNameError, match="backend=.*numpy"):
        lc.use(bad)
    assert ran() == "reference"


def test_a_missing_compiler_is_said_at_once(monkeypatch):
    monkeypatch.setattr(native, "_unusable", lambda: "the package numba is not installed: pip install numba")
    with pytest.raises(UnknownNameError, match="backend='numba' cannot run here.*pip install numba"):
        lc.use("numba")
    assert ran() == "numpy"


def trainables():
    """A model of each kind, and how its batches are asked for."""
    return {
        "Model": lc.Model(RNN, lc.tasks.Adding(steps=22), 2),
        "Seq2Seq": lc.Seq2Seq(RNN, "additive_attention", "translation", 2, embedding=2),
        "Latent": lc.Latent("vrnn", lc.tasks.Tones(frames=2, size=2), 2, sizes={"Z": 2, "F": 2}),
    }


@pytest.mark.parametrize("name", ["Model", "Seq2Seq", "Latent"])
def test_every_model_and_its_training_obey(name):
    model = trainables()[name]

    def both():
        batch = model.task.batch(batch_size=2)
        forward = model.run(batch, rng=np.random.default_rng(0), grad=True)
        return forward.backend, lc.fit(model, 1, batch_size=2, progress=False).backend

    assert both() == ("numpy", "numpy")
    with lc.use("reference"):
        assert both() == ("reference", "reference")
    lc.use("reference")
    assert both() == ("reference", "reference")


def test_fit_decides_by_length_where_nobody_says():
    def trained(steps):
        model = lc.Model(RNN, lc.tasks.Adding(steps=100), 2)
        return lc.fit(model, steps, batch_size=1, progress=False).backend

    assert trained(2) == "numpy"
    if "numba" in lc.backends():
        assert trained(200) == "numba"
        with lc.use("numpy"):
            assert trained(200) == "numpy"


def test_studies_and_the_checks_of_exercises_do_not_depend_on_it():
    def measure(seed):
        return {"numpy": ran() == "numpy"}

    lc.use("reference")
    with lc.use("reference"):
        assert _measured(measure, {}, 0)[0] == {"numpy": True}
        assert run_apart(ran, course=True).value == "numpy"
        assert ran() == "reference"
