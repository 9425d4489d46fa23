"""Other processes: forked, spawned, and what they are sent."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from lstmcourse import threads

ROOT = Path(__file__).resolve().parent.parent
CAN_FORK = hasattr(os, "fork")


@pytest.fixture(scope="module")
def compiled(request):
    return str(request.config.cache.mkdir("compiled"))


def ran(tmp_path, text, compiled, **environment):
    """What a script prints in a process of its own, where warnings are errors."""
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    own = {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error", "LSTMCOURSE_CACHE_DIR": compiled}
    done = subprocess.run(
        [sys.executable, str(path)], env=os.environ | own | environment, capture_output=True, text=True,
        timeout=120, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0 and done.stderr == "", done.stderr + done.stdout
    return done.stdout


SHARED_OUT = """
    import hashlib, os, sys, threading, time
    import numpy as np
    import lstmcourse as lc
    from lstmcourse import buffers, fast

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
def test_worker_processes_answer_with_the_parents_bits(tmp_path, compiled, how):
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
    ran(tmp_path, text, compiled)


@pytest.mark.long
@pytest.mark.skipif(not CAN_FORK, reason="this system has no fork")
def test_a_fork_while_another_thread_holds_any_lock_of_ours(tmp_path, compiled):
    """All locks that there are, found in the package's modules: a new one is tried too."""
    pytest.importorskip("numba")
    text = (
        SHARED_OUT
        + """
    import importlib, pkgutil, types, warnings
    from lstmcourse import progress
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
    ran(tmp_path, text, compiled)


@pytest.mark.long
@pytest.mark.skipif(not CAN_FORK, reason="this system has no fork")
def test_a_thread_forks_while_the_main_one_works(tmp_path, compiled):
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
    ran(tmp_path, text, compiled)


@pytest.mark.skipif(not CAN_FORK, reason="this system has no fork")
def test_a_child_gets_back_the_threads_that_the_parent_had_bounded(tmp_path, compiled):
    text = (
        SHARED_OUT
        + """
    import warnings
    warnings.filterwarnings("ignore", "This process", DeprecationWarning)
    from lstmcourse import threads
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
    ran(tmp_path, text, compiled, OPENBLAS_NUM_THREADS="2")


def test_systems_without_fork_or_affinity(tmp_path, compiled, monkeypatch):
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
    import lstmcourse.fast, lstmcourse.progress
    """, compiled)  # fmt: skip
