"""Other processes: forked, spawned, and what they are sent."""

import copy
import dataclasses
import importlib
import os
import pickle
import pickletools
import pkgutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from corner_cells import sizes_of

import lstmcourse as lc
from lstmcourse.exercises import judges
from lstmcourse.programs import threads

ROOT = Path(__file__).resolve().parents[2]
CAN_FORK = hasattr(os, "fork")


def ran(tmp_path, text, **environment):
    """What a script prints in a process of its own, where warnings are errors."""
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    own = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, str(path)], cwd=tmp_path, env=os.environ | own | environment, timeout=120,
        capture_output=True, text=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == "", done.stderr + done.stdout
    return done.stdout


SHARED_OUT = """
    import hashlib, os, sys, threading, time
    import numpy as np
    import lstmcourse as lc
    from lstmcourse.compiled import native as fast

    fast.SHARED, fast.SEQUENCES, fast.ROWS, fast.allowed = 0, 1, 1, lambda: 3  # everything is shared out

    def bits(backend="numba", H=40):
        cell = lc.cells.lstm
        params = cell.init(5, H, rng=0)
        x = np.random.default_rng(1).standard_normal((6, 16, 5), np.float32)
        run = lc.unroll(cell, params, x, backend=backend)
        assert run.backend == backend
        grads = run.backward({"h": run["h"]})
        return hashlib.sha256(b"".join(a.tobytes() for a in (run["h"], *grads.values()))).hexdigest()

    def child(work, seconds=60):
        '''Fork; the exit code of a child that does this work.'''
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                threading.Timer(seconds, os._exit, [7]).start()
                work()
                code = 0
            finally:
                sys.stderr.flush()
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
"""


@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_worker_processes_answer_with_the_parents_bits(tmp_path, how):
    pytest.importorskip("numba")
    text = (
        SHARED_OUT
        + f"""
    if __name__ == "__main__":
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor
        if {how!r} not in multiprocessing.get_all_start_methods():
            sys.exit()
        backends = ["numpy", "numba", "numba"]
        for again in (1, 2):  # the parent goes on after the fork, and is forked again
            wanted = [bits(b) for b in backends]
            assert fast._pool.cache_info().currsize == 1
            context = multiprocessing.get_context({how!r})
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                assert list(pool.map(bits, backends)) == wanted
            if {how!r} != "fork":
                break
            with context.Pool(1) as pool:
                assert pool.map_async(bits, backends).get(60) == wanted
    """
    )
    ran(tmp_path, text)


@pytest.mark.long
@pytest.mark.parametrize("how", ["fork", "spawn", "forkserver"])
def test_a_whole_study_runs_in_a_process_that_another_started(tmp_path, how):
    pytest.importorskip("numba")
    ran(
        tmp_path,
        f"""
        import multiprocessing
        import pathlib
        from concurrent.futures import ProcessPoolExecutor
        import lstmcourse as lc
        from lstmcourse.experiments import Interval, experiment, grid, run

        @experiment(points=grid(cell=("lstm", "gru")), seeds=range(2), agree={{"loss": Interval(0.5)}})
        def short(cell, *, seed):
            model = lc.Model(cell, lc.tasks.Adding(30), hidden_size=8, rng=seed)
            history = lc.fit(model, 20, batch_size=64, backend="numba", progress=False, seed=seed)
            return {{"loss": float(history.loss[-1])}}

        def measured(folder, workers):
            found = run("short", workers=workers, data=pathlib.Path(folder), progress=False)
            return sorted((t.point["cell"], t.seed, t.values["loss"]) for t in found.trials)

        if __name__ == "__main__":
            if {how!r} not in multiprocessing.get_all_start_methods():
                raise SystemExit
            wanted = measured("parent", 2)
            assert len(wanted) == 4
            with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context({how!r})) as pool:
                theirs = [pool.submit(measured, name, 1) for name in ("one", "other")]
                assert [f.result(100) for f in theirs] == [wanted, wanted]
            assert measured("again", 2) == wanted
        """,
    )


@pytest.mark.long
@pytest.mark.skipif(not CAN_FORK, reason="this system has no fork")
def test_a_fork_while_another_thread_holds_any_lock_of_ours(tmp_path):
    """All locks that there are, found in the package's modules: a new one is tried too."""
    pytest.importorskip("numba")
    text = (
        SHARED_OUT
        + """
    import importlib, pkgutil, types, warnings
    from lstmcourse.training import progress
    warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # it does have threads
    kinds = (type(threading.Lock()), type(threading.RLock()))
    locks = {"the bar's": progress._kind().get_lock()}
    for info in pkgutil.walk_packages(lc.__path__, "lstmcourse."):
        if not info.name.endswith("__main__"):
            for name, value in vars(importlib.import_module(info.name)).items():
                if isinstance(value, types.ModuleType):
                    continue
                own = {name: value, **{f"{name}.{k}": v for k, v in getattr(value, "__dict__", {}).items()}}
                locks |= {k: v for k, v in own.items() if isinstance(v, kinds)}
    assert {"_LOCK", "_SHARING", "POOL._lock"} <= set(locks), locks
    wanted = bits()

    def work():
        with progress.bar(3, 0, "child", "step", disable=True):
            pass
        lc.cells.lstm._cache.clear()
        assert bits() == wanted
        for name, lock in locks.items():
            assert lock.acquire(timeout=1), name
            lock.release()

    for name, lock in locks.items():
        held, leave = threading.Event(), threading.Event()
        def hold():
            with lock:
                held.set()
                leave.wait(60)
        other = threading.Thread(target=hold)
        other.start()
        held.wait()
        threading.Timer(0.1, leave.set).start()
        assert child(work) == 0, name
        other.join()
        assert bits() == wanted
    """
    )
    ran(tmp_path, text)


@pytest.mark.long
@pytest.mark.skipif(not CAN_FORK, reason="this system has no fork")
def test_a_thread_forks_while_the_main_one_works(tmp_path):
    pytest.importorskip("numba")
    text = (
        SHARED_OUT
        + """
    import warnings
    warnings.filterwarnings("ignore", "This process", DeprecationWarning)  # it does have threads
    wanted, codes, go_on = bits(), [], True
    plain = bits("numpy")

    def check():
        assert bits() == wanted and bits("numpy") == plain

    def fork():
        global go_on
        codes.extend(child(check) for _ in range(12))
        go_on = False

    forking = threading.Thread(target=fork)
    forking.start()
    rounds = 0
    while go_on:
        check()
        rounds += 1
    forking.join()
    assert codes == [0] * 12 and rounds, codes
    """
    )
    ran(tmp_path, text)


@pytest.mark.skipif(not CAN_FORK, reason="this system has no fork")
def test_a_child_gets_back_the_threads_that_the_parent_had_bounded(tmp_path):
    text = (
        SHARED_OUT
        + """
    import warnings
    warnings.filterwarnings("ignore", "This process", DeprecationWarning)
    from lstmcourse.programs import threads
    counts = lambda: [c.get_num_threads() for c in threads._numpy()]
    before, codes = counts(), []

    def check():
        assert counts() == before and threads._BEFORE == [], (counts(), before)

    forking = threading.Thread(target=lambda: codes.append(child(check)))
    with threads.threads_for(1):
        assert counts() == [1] * len(before)
        forking.start()
        forking.join()
    assert codes == [0] and counts() == before

    def inside():
        assert counts() == [1] * len(before)

    with threads.threads_for(1):
        assert child(inside) == 0
    assert counts() == before
    """
    )
    ran(tmp_path, text, OPENBLAS_NUM_THREADS="2")


def test_systems_without_fork_or_affinity(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "register_at_fork", raising=False)
    threads.at_fork(before=lambda: pytest.fail("there is no fork"))
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 5)
    assert threads._processors() == 5
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert threads._processors() == 1
    ran(tmp_path, """
    import os, concurrent.futures.thread, logging, numpy, random
    del os.register_at_fork
    import lstmcourse.compiled.native, lstmcourse.training.progress
    """)  # fmt: skip


# pickles


@lc.cell
def sharp(x, h, by=2.0):
    h = lc.tanh(by * lc.affine("h", h, x))
    return h


def cells():
    """Of every kind: of the library, as they are and changed; stacks, directions; one of this module."""
    get = lc.cells.get
    yield from ((name, get(name)) for name in lc.cells.names())
    yield "options", get("peephole").with_options(peepholes="o")
    yield "held", get("lstm").override(f=1.0)
    yield "variant", get("lstm").variant("late", "Forgets late.", init={"b_f": 3.0})
    yield "tuple", get("clockwork").with_options(periods=(1, 3))
    yield "maker", get("depth_gated").with_options(layers=3).hold({"0.f": 0.5})
    yield "stack", lc.stack([get("lstm"), get("gru").override(z=0.5)], dropout=True)
    yield "held stack", lc.stack([get("rnn"), get("rnn")]).hold({"1.h": 0.5})
    yield "bidirectional", lc.bidirectional(get("gru_cho"))
    yield "of bidirectional", lc.stack([lc.bidirectional(get("rnn")), get("lstm")])
    yield "own", sharp
    yield "own, options", sharp.with_options(by=0.5)
    yield "own, held, in a stack", lc.stack([sharp.override(h=0.25), sharp])


@pytest.mark.parametrize("cell", [pytest.param(c, id=name) for name, c in cells()])
def test_a_pickled_cell_is_the_same_cell(cell):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        text = pickle.dumps(cell, protocol)
        again = pickle.loads(text)
        if cell.name in lc.cells.names() and lc.cells.get(cell.name) is cell:
            assert again is cell
        fields = [f.name for f in dataclasses.fields(cell) if f.init and f.name not in ("function", "parts")]
        assert [getattr(again, k) for k in fields] == [getattr(cell, k) for k in fields]
        assert str(again.graph) == str(cell.graph) and again.latex == cell.latex and repr(again) == repr(cell)
    named = {
        word for _, word, _ in pickletools.genops(text) if isinstance(word, str) and "lstmcourse" in word
    }
    assert named == {"lstmcourse.cells"}, "modules may move; what pickles name may not"
    assert copy.copy(cell) is cell and copy.deepcopy([cell])[0] is cell
    first, second = (c.init(**sizes_of(cell, D=4), rng=1) for c in (cell, again))
    assert first.keys() == second.keys() and all(np.array_equal(first[k], second[k]) for k in first)


def test_a_cell_that_no_module_has_says_what_to_do():
    @lc.cell
    def local(x, h):
        h = lc.tanh(lc.affine("h", h, x))
        return h

    for cell in (local, lc.stack([local, local]), local.override(h=1.0)):
        with pytest.raises(
            pickle.PicklingError, match="'local' cannot be pickled: .* at the top level of a module"
        ):
            pickle.dumps(cell)
        assert copy.deepcopy(cell) is cell
    text = pickle.dumps(sharp).replace(b"sharp", b"sharq")
    with pytest.raises(lc.UnknownNameError, match="names the cell 'sharq' of the module 'test_processes'"):
        pickle.loads(text)


class OwnModel(lc.Model):
    pass


@pytest.mark.parametrize("kind", [lc.Model, OwnModel])
def test_a_pickled_model_says_the_same(kind):
    model = kind(lc.stack([lc.cells.lstm, sharp]), lc.tasks.get("copy", delay=3), hidden_size=5, rng=3)
    lc.fit(model, 2, batch_size=2, progress=False)
    batch = next(model.task.stream("test", batch_size=3))
    loss, grads = model.loss_and_gradients(batch)
    for again in (pickle.loads(pickle.dumps(model)), copy.deepcopy(model)):
        assert type(again) is kind and again.config == model.config
        loss2, grads2 = again.loss_and_gradients(batch)
        assert loss2 == loss and all(np.array_equal(grads2[k], grads[k]) for k in grads)
        again.params["readout.d"][0] += 1.0
        assert again.params["readout.d"][0] != model.params["readout.d"][0]
    assert copy.copy(model).params is model.params
    assert b"lstmcourse.model" not in pickle.dumps(model), "modules may move; what pickles name may not"


def test_an_exercise_is_sent_by_its_id():
    for id in lc.exercises.ids():
        exercise = lc.exercises.get(id)
        assert pickle.loads(pickle.dumps(exercise)) is exercise and copy.deepcopy(exercise) is exercise


def test_other_things_are_pickled_or_say_why_not():
    model = lc.Model("rnn", "adding", hidden_size=3)
    history = lc.fit(model, 2, batch_size=2, progress=False)
    run = lc.unroll(lc.cells.rnn, lc.cells.rnn.init(2, 3, rng=0), np.ones((4, 2, 2), np.float32))
    grads = run.backward({"h": run["h"]})
    for thing in (history, *map(lc.tasks.get, lc.tasks.names())):
        assert pickle.loads(pickle.dumps(thing)) == thing or repr(pickle.loads(pickle.dumps(thing))) == repr(
            thing
        )
    difference = lc.diff(lc.cells.lstm, lc.cells.gru, input_size=2, hidden_size=3)
    for shown in (difference, lc.cells.lstm.diagram()):
        again = pickle.loads(pickle.dumps(shown))
        assert repr(again) == repr(shown) and again._repr_mimebundle_() == shown._repr_mimebundle_()
    again = pickle.loads(pickle.dumps(grads))
    assert isinstance(again, lc.Gradients) and again.keys() == grads.keys()
    assert all(np.array_equal(again[k], grads[k]) for k in grads)
    with pytest.raises(TypeError, match=r"Send arrays of it, such as run\['h'\]"):
        pickle.dumps(run)


def diverged():
    model = lc.Model("rnn", lc.tasks.Clouds(gap=5), hidden_size=4, rng=0)
    model.params["cell.W_h"][:] = np.float32(np.nan)
    try:
        lc.fit(model, 2, progress=False)
    except lc.train.TrainingDiverged as error:
        return error


# what has an __init__ of its own; of all others an error is made with a message
MADE = {"TrainingDiverged": diverged, "Refused": lambda: judges.Refused("late", "It is too late.")}


def errors_of_ours():
    for module in pkgutil.walk_packages(lc.__path__, "lstmcourse."):
        if not module.name.endswith("__main__"):
            for kind in vars(importlib.import_module(module.name)).values():
                if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__ == module.name:
                    yield kind


def test_every_error_of_ours_can_be_sent_to_another_process():
    kinds = list(errors_of_ours())
    assert {kind.__name__ for kind in kinds} > MADE.keys() and len(kinds) > 15
    for kind in kinds:
        error = MADE.get(kind.__name__, lambda kind=kind: kind("said"))()
        sent = pickle.loads(pickle.dumps(error))
        assert type(sent) is kind is type(error) and str(sent) == str(error)
        assert vars(sent).keys() == vars(error).keys()
    sent = pickle.loads(pickle.dumps(diverged()))
    assert sent.step == 1 and sent.history.steps == 0 and isinstance(sent, lc.errors.NotFiniteError)
