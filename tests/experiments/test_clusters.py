"""Studies on Dask, on MPI and in PostgreSQL, and what becomes of them when a part is killed."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from runners import Slow, until

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(os.name == "nt", reason="signals"),
]


@pytest.fixture
def slow(tmp_path, monkeypatch):
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "cache"))
    return Slow(tmp_path, count=24, pause=0.4)


def finish(slow, *arguments, **more):
    """Run what is left, and look at all of it: nothing that was finished has started again."""
    known, before = set(slow.noted()), len(slow.started())
    runner = slow.start(*arguments, stderr=subprocess.PIPE, **more)
    said = runner.communicate(timeout=240)[1]
    assert runner.returncode == 0, said
    again = [n for n, _ in slow.started()[before:]]
    assert sorted(again) == sorted(set(range(slow.count)) - known)
    assert stored(slow) == list(range(slow.count))


def stored(slow):
    trials = json.loads((slow.data / "slow.json").read_text())["trials"]
    assert all(t["values"]["y"] == float(f"{t['point']['n'] / 3:.6g}") for t in trials)
    return [t["point"]["n"] for t in trials]


# Dask


class Cluster:
    """A scheduler and three workers, each a process of its own, on this machine's loopback."""

    def __init__(self, stack, slow):
        self.stack, self.file = stack, slow.folder / "scheduler.json"
        paths = os.pathsep.join([str(Path(__file__).parents[2]), str(slow.folder)])
        self.more = {"env": os.environ | {"PYTHONPATH": paths}, "stderr": subprocess.DEVNULL}
        self.scheduler = self.start("scheduler", "--port", "0", "--host", "127.0.0.1")
        until(self.file.exists)
        self.workers = [self.start("worker", "--nthreads", "1", "--no-nanny") for _ in range(3)]
        self.address = json.loads(self.file.read_text())["address"]

    def start(self, what, *arguments):
        module = [sys.executable, "-m", f"distributed.cli.dask_{what}", "--no-dashboard"]
        process = subprocess.Popen([*module, "--scheduler-file", str(self.file), *arguments], **self.more)
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        return process


@pytest.fixture
def cluster(slow):
    with contextlib.ExitStack() as stack:
        yield Cluster(stack, slow)


def test_a_worker_of_dask_s_that_dies_is_done_without(slow, cluster):
    runner = slow.start("--dask", cluster.address, stderr=subprocess.PIPE)
    until(lambda: len({pid for _, pid in slow.started()}) == 3 and len(slow.noted()) >= 3)
    cluster.workers[0].kill()
    said = runner.communicate(timeout=240)[1]
    assert runner.returncode == 0, said
    starts = Counter(n for n, _ in slow.started())
    assert starts.keys() == set(range(slow.count)) and starts.total() <= slow.count + 1
    assert stored(slow) == list(range(slow.count))


@pytest.mark.parametrize("who", ["the scheduler", "the runner"])
def test_the_study_goes_on_when_dask_s_scheduler_or_its_runner_was_killed(slow, cluster, who):
    runner = slow.start("--dask", cluster.address, stderr=subprocess.PIPE)
    until(lambda: len(slow.noted()) >= 3)
    (cluster.scheduler if who == "the scheduler" else runner).kill()
    said = runner.communicate(timeout=240)[1]
    if who == "the scheduler":
        assert runner.returncode == 1 and "Finished trials are kept: run again" in said
        for worker in cluster.workers:
            worker.wait(60)  # they end by themselves
        finish(slow)
    else:
        finish(slow, "--dask", cluster.address)


# MPI


def mpi(slow, **more):
    """What starts a runner and two workers on MPI; skips where there is none."""
    if not shutil.which("mpiexec"):
        pytest.skip("mpiexec is not installed (Debian: openmpi-bin)")
    pytest.importorskip("mpi4py")
    ranks = ["mpiexec", "-n", "3", sys.executable, "-m", "mpi4py.futures"]
    allowed = {"OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM"}  # in a container
    more_slots = {
        "OMPI_MCA_rmaps_base_oversubscribe": "1",
        "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    }
    os.environ.update(dict.fromkeys(allowed, "1") | more_slots)
    return ranks


@pytest.fixture
def environment():
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


def test_three_ranks_of_mpi_share_the_work(slow, environment):
    finish(slow, "--mpi", by=mpi(slow))
    ranks = Counter(pid for _, pid in slow.started())
    assert len(ranks) == 2 and min(ranks.values()) >= 6


@pytest.mark.parametrize("who", ["a rank", "mpiexec"])
def test_the_study_goes_on_when_a_part_of_mpi_was_killed(slow, environment, who):
    runner = slow.start("--mpi", by=mpi(slow), stderr=subprocess.DEVNULL)
    until(lambda: len(slow.noted()) >= 3)
    os.kill(min(slow.workers()) if who == "a rank" else runner.pid, signal.SIGKILL)
    assert runner.wait(60) != 0
    until(lambda: not slow.workers(), 60)
    finish(slow, "--mpi", by=mpi(slow))


# PostgreSQL


class Server:
    """A PostgreSQL server of our own on the loopback, which anybody there may use."""

    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.as_user = {}
        if os.geteuid() == 0:  # as root it refuses to run
            user = pwd.getpwnam("postgres")
            os.chown(folder, user.pw_uid, user.pw_gid)
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        self.call("initdb", "--username", "course", "--auth", "trust")
        self.start()

    def call(self, program, *arguments):
        command = [str(self.programs / program), "-D", str(self.folder / "data"), *arguments]
        log = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": self.folder}
        subprocess.run(command, check=True, timeout=120, **log, **self.as_user)

    def start(self):
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self.folder}"
        last = time.monotonic() + 60
        while True:  # as long as a killed server's children live, a new one refuses to start
            try:
                return self.call("pg_ctl", "-w", "-o", options, "start")
            except subprocess.CalledProcessError:
                if time.monotonic() > last:
                    raise
                time.sleep(0.5)

    def kill(self):
        os.kill(int((self.folder / "data/postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    @property
    def url(self):
        return f"postgresql://course@127.0.0.1:{self.port}/postgres"


@pytest.fixture
def server():
    found = shutil.which("initdb") or max(Path("/usr/lib/postgresql").glob("*/bin/initdb"), default=None)
    if found is None:
        pytest.skip("PostgreSQL's server is not installed (Debian: postgresql)")
    pytest.importorskip("psycopg")
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    server = Server(Path(found).parent, folder)
    yield server
    with contextlib.suppress(subprocess.CalledProcessError):
        server.call("pg_ctl", "-m", "immediate", "stop")
    shutil.rmtree(folder, ignore_errors=True)


def test_runners_share_a_study_in_postgresql_and_take_over_what_a_killed_one_had(slow, server):
    runners = [slow.start("--storage", server.url, stderr=subprocess.PIPE) for _ in range(2)]
    until(lambda: len(slow.workers()) == 4)
    os.kill(np.random.default_rng().choice(sorted(slow.workers())), signal.SIGKILL)
    until(lambda: len(slow.started()) >= 8)
    runners[0].kill()
    runners[0].communicate()
    said = runners[1].communicate(timeout=240)[1]
    assert runners[1].returncode == 0, said
    starts = Counter(n for n, _ in slow.started())
    # two when the worker died (its pool is lost), two when the runner did
    assert starts.keys() == set(range(slow.count)) and starts.total() <= slow.count + 4
    assert stored(slow) == list(range(slow.count))
    (slow.data / "slow.json").unlink()
    assert slow.start("--storage", server.url, stderr=subprocess.DEVNULL).wait(240) == 0
    assert len(slow.started()) == starts.total() and stored(slow) == list(range(slow.count))


def test_a_study_in_postgresql_survives_its_server(slow, server):
    runner = slow.start("--storage", server.url, stderr=subprocess.PIPE)
    until(lambda: len(slow.started()) >= 6)
    server.kill()
    said = runner.communicate(timeout=240)[1]
    assert runner.returncode == 1 and "the database does not answer" in said, said
    assert "Traceback" not in said
    until(lambda: not slow.workers(), 60)
    server.start()
    before = len(slow.started())
    again = slow.start("--storage", server.url, stderr=subprocess.PIPE)
    said = again.communicate(timeout=240)[1]
    assert again.returncode == 0, said
    assert len(slow.started()) <= slow.count + 3  # the two under way, and one that was just finished
    assert before < len(slow.started()) and stored(slow) == list(range(slow.count))
