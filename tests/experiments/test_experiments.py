"""Experiments run anywhere, go on after a kill, repeat to the byte, and notice what no longer holds."""

import importlib
import json
import math
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import textwrap
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from types import SimpleNamespace

import numpy as np
import pytest
from runners import ROOT, Slow, results_in, until

import lstmcourse
from lstmcourse import cells, experiments
from lstmcourse.errors import FileError, UnknownNameError
from lstmcourse.experiments import Interval, Pair, Trial, basis, define, executors, experiment, grid, store
from lstmcourse.experiments.__main__ import main
from lstmcourse.experiments.basis import read_once
from lstmcourse.experiments.studies import winner

SLOPE = -0.1
CALLS = []


def fading(gap):
    return max(0.5, 1.1 + SLOPE * gap)


@experiment(
    points=grid(cell=("rnn", "lstm"), gap=(1, 2, 8)),
    seeds=range(3),
    agree={"accuracy": Interval(0.02, axis="gap"), "norm": Interval(factor=1.5)},
)
def toy(cell, gap, *, seed):
    """Accuracy fades with the gap.

    More about it.
    """
    CALLS.append((cell, gap, seed))
    noise = np.random.default_rng(seed).uniform(-0.01, 0.01)
    share = 1.0 if cell == "lstm" else fading(gap)
    return {"accuracy": share + noise, "norm": 10.0**-gap * (1 + noise), "threads": limit_of_threads()}


def limit_of_threads():
    return float(os.environ.get("OPENBLAS_NUM_THREADS", "0"))


@experiment(points=[{"x": 0}, {"x": 1}], seeds=[5], agree={"y": Interval(0.5)})
def failing(x, *, seed):
    if x:
        raise FloatingPointError("the loss is not finite")
    return {"y": 1.0}


@experiment(points=grid(x=range(12)), seeds=[0], agree={"y": Interval(0.5)})
def several(x, *, seed):
    if x in (3, 7):
        raise FloatingPointError("the loss is not finite")
    return {"y": 1.0}


@experiment(points=[{"x": 0}], seeds=[0], agree={"y": Interval(0.5)})
def forgetful(x, *, seed):
    return {"z": 1.0}


@experiment(points=grid(x=(0, 1)), seeds=[0, 1], agree={"y": Interval(0.5)})
def undefined(x, *, seed):
    return {"y": math.nan if x else 1.0}


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder for results, and one for journals."""
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "cache"))
    CALLS.clear()
    return tmp_path / "data"


@pytest.fixture
def measured(here):
    """The toy, measured once."""
    with ThreadPoolExecutor(2) as pool:
        experiments.run("toy", executor=pool, data=here, progress=False)
    CALLS.clear()
    return here


# Running


def test_every_trial_is_measured_once_and_stored_in_order(here):
    with ThreadPoolExecutor(3) as pool:
        results = experiments.run("toy", executor=pool, data=here, progress=False)
    assert len(CALLS) == len(set(CALLS)) == 18
    assert [(t.point["cell"], t.point["gap"], t.seed) for t in results.trials] == [
        (cell, gap, seed) for cell in ("rnn", "lstm") for gap in (1, 2, 8) for seed in (0, 1, 2)
    ]
    assert experiments.load("toy", data=here) == results
    assert not list((here.parent / "cache").rglob("*.jsonl"))


def test_processes_give_the_same_and_have_one_thread_each(here, measured, monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    before = experiments.load("toy", data=measured)
    results = experiments.run("toy", data=here / "again", progress=False)
    assert [t.values["threads"] for t in results.trials] == [1.0] * 18
    assert CALLS == []  # all of it in other processes
    for old, new in zip(before.trials, results.trials, strict=True):
        assert {**old.values, "threads": 0} == {**new.values, "threads": 0}
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"


def test_a_repetition_gives_the_same_bytes(measured):
    path = measured / "toy.json"
    first = path.read_bytes()
    path.unlink()
    with ThreadPoolExecutor(2) as pool:
        experiments.run("toy", executor=pool, data=measured, progress=False)
    assert CALLS and path.read_bytes() == first
    CALLS.clear()
    experiments.run("toy", data=measured, progress=False)
    assert not CALLS and path.read_bytes() == first


def test_what_is_in_the_journal_is_not_measured_again(here, caplog):
    e = experiments.get("toy")
    journal = experiments.journal_path(e)
    journal.parent.mkdir(parents=True)
    known = Trial({"cell": "rnn", "gap": 2}, 1, {"accuracy": 0.25, "norm": 1.0})
    cut = json.dumps(Trial({"cell": "rnn", "gap": 1}, 0, {"accuracy": 0.5, "norm": 1.0}).as_json())[:-9]
    journal.write_text(json.dumps(known.as_json()) + "\n" + cut)  # as it was written before there was Optuna
    with ThreadPoolExecutor(1) as pool:
        results = experiments.run("toy", executor=pool, data=here, progress=False)
    assert len(CALLS) == 17 and ("rnn", 2, 1) not in CALLS and ("rnn", 1, 0) in CALLS
    assert known in results.trials and not caplog.messages


@pytest.mark.skipif(os.name == "nt", reason="signals")
@pytest.mark.parametrize(
    "how", ["SIGKILL", *(pytest.param(s, marks=pytest.mark.long) for s in ("SIGTERM", "SIGINT"))]
)
def test_a_killed_run_leaves_no_worker_and_goes_on_where_it_was(here, tmp_path, how):
    slow = Slow(tmp_path)
    first = slow.start(stderr=subprocess.DEVNULL)
    until(lambda: len(slow.noted()) >= 2 and slow.workers())
    first.send_signal(getattr(signal, how))
    first.wait(240)
    until(lambda: not slow.workers(), 60)
    known, before = slow.noted(), slow.started()
    assert len(known) < slow.count and not (slow.data / "slow.json").exists()
    second = slow.start(stderr=subprocess.DEVNULL)
    assert second.wait(240) == 0
    again = [n for n, _ in slow.started()[len(before) :]]
    assert sorted(again) == sorted(set(range(slow.count)) - set(known))
    stored = json.loads((slow.data / "slow.json").read_text())
    assert [t["values"]["y"] for t in stored["trials"]] == [float(f"{n / 3:.6g}") for n in range(slow.count)]
    assert not slow.workers() and not slow.noted()


@pytest.mark.long
@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_no_kill_loses_or_repeats_a_finished_trial_or_leaves_a_worker(here, tmp_path):
    """Runners and workers are killed at random moments, until there have been forty kills."""
    rng = np.random.default_rng()
    slow = Slow(tmp_path, count=240, pause=0.2)  # more than can be done until then
    kills = 0
    while kills < 40:
        before, known = len(slow.started()), set(slow.noted())
        runner = slow.start(stderr=subprocess.DEVNULL)
        until(lambda: len(slow.started()) > before)  # noqa: B023
        for _ in range(rng.integers(3)):
            time.sleep(rng.uniform(0, 0.5))
            if workers := slow.workers(before):
                os.kill(rng.choice(sorted(workers)), signal.SIGKILL)
                kills += 1
                since = len(slow.started())
                until(lambda: len(slow.started()) > since or runner.poll() is not None)  # noqa: B023
        time.sleep(rng.uniform(0, 0.5))
        assert runner.poll() is None  # killed workers are replaced
        runner.send_signal(rng.choice([signal.SIGKILL, signal.SIGTERM]))
        runner.wait(240)
        kills += 1
        until(lambda: not slow.workers(), 60)
        noted = slow.noted()
        assert known <= set(noted) and len(noted) == len(set(noted))
        assert not known & {n for n, _ in slow.started()[before:]}
    assert len(slow.noted()) < slow.count
    assert slow.start(stderr=subprocess.DEVNULL).wait(600) == 0
    assert len(json.loads((slow.data / "slow.json").read_text())["trials"]) == slow.count


def test_a_worker_that_is_killed_is_replaced_and_its_trial_starts_again(here, tmp_path):
    slow = Slow(tmp_path)
    runner = slow.start(stderr=subprocess.PIPE)
    until(lambda: slow.noted() and slow.workers())
    os.kill(min(slow.workers()), getattr(signal, "SIGKILL", signal.SIGTERM))
    said = runner.communicate(timeout=240)[1]
    assert runner.returncode == 0 and "Traceback" not in said
    starts = [n for n, _ in slow.started()]
    assert set(starts) == set(range(slow.count)) and slow.count < len(starts) <= slow.count + 2
    until(lambda: not slow.workers(), 60)


@experiment(points=grid(x=range(4)), seeds=[0], agree={"y": Interval(0.5)})
def deadly(x, *, seed):
    if x == 2:
        os._exit(9)
    return {"y": 1.0}


def test_a_trial_that_kills_its_workers_is_named_and_the_others_are_kept(here):
    with pytest.raises(experiments.TrialError, match=r"deadly: x=2, seed=0: a worker was killed.*Finished"):
        experiments.run("deadly", workers=1, data=here, progress=False)
    kept = results_in(experiments.journal_path(experiments.get("deadly")))
    assert {0, 1} <= {r["point"]["x"] for r in kept} <= {0, 1, 3}


class Picky(Exception):
    """Cannot be made again of what it holds."""

    def __init__(self, size, limit):
        super().__init__(f"{size} is over {limit}")


@experiment(points=grid(x=range(3)), seeds=[0], agree={"y": Interval(0.5)})
def picky(x, *, seed):
    if x == 1:
        raise Picky(7, 5)
    return {"y": 1.0}


@experiment(points=grid(x=range(3)), seeds=[0], agree={"y": Interval(0.5)})
def closed(x, *, seed):
    return {"y": Picky(7, 5)} if x == 1 else {"y": 1.0}


@pytest.mark.parametrize(
    ("name", "said"),
    [("picky", r"Picky: 7 is over 5"), ("closed", r"TypeError: returned .*not a dict of numbers")],
)
def test_what_cannot_be_sent_to_another_process_is_said_all_the_same(here, name, said):
    with pytest.raises(experiments.TrialError, match=rf"{name}: x=1, seed=0: .*{said}"):
        experiments.run(name, workers=1, data=here, progress=False)


@pytest.mark.parametrize("ends", ["closed", "broken"])
def test_a_worker_watches_the_pipe(monkeypatch, ends):
    """Whether the system says that the other end is closed by an answer or, as Windows may, by an error."""
    theirs, ours = multiprocessing.Pipe(duplex=False)
    left = threading.Event()
    monkeypatch.setattr(executors.os, "_exit", lambda status: left.set())
    if ends == "broken":
        theirs = SimpleNamespace(poll=lambda timeout, pipe=theirs: pipe.poll(timeout) and None)
    executors._end_with(theirs)
    assert not left.wait(0.1)
    ours.close()
    assert left.wait(10)


def broken(timeout):
    raise BrokenPipeError


@pytest.mark.parametrize("poll", [lambda timeout: True, broken], ids=["closed", "broken"])
def test_a_worker_that_is_ready_after_its_runner_has_ended_takes_up_nothing(monkeypatch, poll):
    """It ends at once, in the thread that would ask for a trial next."""

    def leave(status):
        raise SystemExit(status)

    monkeypatch.setattr(executors.os, "_exit", leave)
    with pytest.raises(SystemExit):
        executors._end_with(SimpleNamespace(poll=poll))


# Several runners


@pytest.mark.long
def test_two_runners_share_the_work_and_what_a_killed_one_had_under_way_starts_again(here, tmp_path):
    slow = Slow(tmp_path, count=16, pause=0.5)
    runners = [slow.start(stderr=subprocess.PIPE) for _ in range(2)]
    until(lambda: len(slow.workers()) == 4)
    assert len({n for n, _ in slow.started()}) == len(slow.started())  # nothing twice
    runners[0].kill()
    runners[0].communicate()
    begun = len(slow.started())
    said = runners[1].communicate(timeout=240)[1]
    assert runners[1].returncode == 0 and "Traceback" not in said
    starts = [n for n, _ in slow.started()]
    assert set(starts) == set(range(slow.count)) and len(starts) <= slow.count + 2
    assert len(starts) > begun and not slow.workers()
    assert len(json.loads((slow.data / "slow.json").read_text())["trials"]) == slow.count
    assert not list(tmp_path.rglob("slow-*.jsonl")) and not list(tmp_path.rglob("runners/*.lock"))


def test_runners_of_one_process_share_the_work(here):
    with ThreadPoolExecutor(2) as runners, ThreadPoolExecutor(1) as pool:
        ask = lambda: experiments.run("toy", executor=pool, data=here, progress=False)
        one, two = [f.result(60) for f in [runners.submit(ask), runners.submit(ask)]]
    assert one == two and len(CALLS) == len(set(CALLS)) == 18


def test_confirming_does_not_undo_what_a_runner_stores_meanwhile(measured, monkeypatch):
    monkeypatch.setitem(globals(), "SLOPE", -0.1001)
    again = experiments.store.rerun

    def slowly(*args, **more):
        pairs = again(*args, **more)
        with ThreadPoolExecutor(1) as pool:
            experiments.run("toy", executor=pool, data=measured, progress=False)
        return pairs

    monkeypatch.setattr(sys.modules["lstmcourse.experiments.run"], "rerun", slowly)
    with pytest.raises(experiments.StudyInUseError, match="somebody else stored"):
        experiments.confirm("toy", 1, data=measured)
    assert "confirmed" not in experiments.load("toy", data=measured).provenance


def test_a_failure_names_the_trial_and_keeps_the_others(here):
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(
            experiments.TrialError, match=r"failing: x=1, seed=5: FloatingPointError.*Finished"
        ):
            experiments.run("failing", executor=pool, data=here, progress=False)
    kept = results_in(experiments.journal_path(experiments.get("failing")))
    assert [r["point"] for r in kept] == [{"x": 0}]
    with ThreadPoolExecutor(1) as pool, pytest.raises(experiments.TrialError, match=r"without \['y'\]"):
        experiments.run("forgetful", executor=pool, data=here, progress=False)


class AtOnce(ThreadPoolExecutor):
    """An executor that has finished everything, in no certain order, before anyone asks."""

    def submit(self, *args):
        future = super().submit(*args)
        wait([future])
        return future


def test_what_is_finished_is_kept_whatever_failed_beside_it(here):
    with AtOnce(12) as pool, pytest.raises(experiments.TrialError, match=r"several: x=(3|7), seed=0"):
        experiments.run("several", executor=pool, data=here, progress=False)
    kept = results_in(experiments.journal_path(experiments.get("several")))
    assert {r["point"]["x"] for r in kept} == set(range(12)) - {3, 7}


# Damage


@pytest.mark.parametrize(
    "line",
    [
        "5", "null", "[]", '"text"', "{}", "{", '{"point": {"n": ', "\x00\x00", "[" * 100_000,
        '{"point": {"x": 1}, "seed": 5, "origin": "", "values": {"y": NaN}}',
        '{"point": {"x": 1}, "seed": 5, "origin": "", "values": {"y": Infinity}}',
        '{"point": {"x": 1}, "seed": 5, "origin": "", "values": {"y": 1e999}}',
        '{"point": {"x": 1}, "seed": 5, "origin": "", "values": {"y": 1%s}}' % ("0" * 400),
        '{"point": {"x": 1}, "seed": 5, "origin": "", "values": {"y": "1.0"}}',
        '{"point": {"x": 1}, "seed": 5, "origin": "", "values": 5}',
        '{"point": {"x": [1]}, "seed": 5, "origin": "", "values": {"y": 1.0}}',
        '{"point": 5, "seed": 5, "origin": "", "values": {"y": 1.0}}',
        '{"point": {"x": 1}, "seed": "5", "origin": "", "values": {"y": 1.0}}',
        '{"point": {"x": 1}, "seed": 5, "values": {"y": 1.0}}',
    ],
)  # fmt: skip
def test_damage_is_named_and_the_rest_goes_on(here, caplog, line):
    """In the journal by file and line, in what is stored by file and trial; all else is used."""
    journal = experiments.journal_path(experiments.get("undefined"))
    journal.parent.mkdir(parents=True)
    good = [json.dumps(Trial({"x": x}, 0, {"y": 0.25}, "before").as_json()) for x in (0, 1)]
    journal.write_text("\n".join([good[0], line, good[1], ""]))
    with ThreadPoolExecutor(1) as pool:
        results = experiments.run("undefined", executor=pool, data=here, progress=False)
    assert [t.origin == "before" for t in results.trials] == [True, False, True, False]
    (said,) = caplog.messages
    assert f"{journal}, line 2, " in said and "measured again" in said and len(said) < 600

    path = here / "undefined.json"
    path.write_text(path.read_text().replace(good[0], line))
    with pytest.raises(FileError, match=r"undefined\.json") as raised:
        experiments.load("undefined", data=here)
    assert re.search("line|trial 1,|recursion|overflow", str(raised.value))
    caplog.clear()
    with ThreadPoolExecutor(1) as pool:
        results = experiments.run("undefined", executor=pool, data=here, progress=False)
    again = experiments.load("undefined", data=here)  # nan is not equal to nan
    assert len(again.trials) == 4 and [t.as_json() for t in again.trials] == [
        t.as_json() for t in results.trials
    ]
    assert str(path) in caplog.messages[0]


@pytest.mark.parametrize("how", ["cut", "gone", "nonsense", "other numbers", "zeros", "twice"])
def test_a_journal_of_optuna_s_that_is_damaged_gives_what_is_left_of_it(here, caplog, how):
    """Whatever becomes of one line, at most the trial that it speaks of is measured again."""
    rng = np.random.default_rng(0)
    change = {
        "cut": lambda line: line[: len(line) // 2],
        "gone": lambda line: "",
        "nonsense": lambda line: '{"op_code": 8, "worker_id": 5, "trial_id": 99}',
        "other numbers": lambda line: re.sub("_id.:[0-9]+", '_id":7', line),
        "zeros": lambda line: "\x00" * len(line),
        "twice": lambda line: f"{line}\n{line}",
    }[how]
    e = experiments.get("several")
    journal = experiments.journal_path(e)
    with AtOnce(12) as pool, pytest.raises(experiments.TrialError):
        experiments.run("several", executor=pool, data=here, progress=False)
    lines = journal.read_text().splitlines()
    for n in sorted({0, 1, 2, 3, len(lines) - 1, *rng.integers(len(lines), size=3).tolist()}):
        broken = [*lines[:n], change(lines[n]), *lines[n + 1 :]]
        journal.write_text("\n".join([*(line for line in broken if line), ""]))
        with ThreadPoolExecutor(1) as pool, pytest.raises(experiments.TrialError, match="x=(3|7)"):
            experiments.run("several", executor=pool, data=here, progress=False)
        kept = [r["point"]["x"] for r in results_in(journal)]
        assert len(set(kept) | {3, 7}) >= 11, (n, lines[n])


@pytest.mark.parametrize(
    "content", ["", "5", "null", "{}", '{"experiment": "toy", "provenance": 5, "trials": []}']
)
def test_a_file_that_is_no_study_is_named(measured, capsys, content):
    path = measured / "toy.json"
    path.write_text(content)
    with pytest.raises(FileError, match="toy.json is damaged"):
        experiments.load("toy", data=measured)
    assert main(["toy", "--list", "--data", str(measured)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("toy: stale, ") and said.count("\n") == 1 and str(path) in said


def test_a_study_under_another_name_is_refused(measured):
    (measured / "rated.json").write_bytes((measured / "toy.json").read_bytes())
    with pytest.raises(FileError, match="no results of 'rated'.*'toy'"):
        experiments.load("rated", data=measured)


def test_a_strangers_table_takes_no_memory_out_of_proportion(measured):
    """A place and a seed of its own for every trial would need a table of their product."""
    results = experiments.load("toy", data=measured)
    trials = tuple(Trial({"gap": n}, n, {"accuracy": 1.0}) for n in range(30_000))
    with pytest.raises(ValueError, match="30000 trials do not fill 30000 places with 30000 seeds"):
        experiments.Results("toy", trials, results.provenance).over("gap", "accuracy")


# Provenance


RATE = 1.0


@experiment(points=grid(x=(0, 1)), seeds=[0], agree={"y": Interval(0.5)})
def rated(x, *, seed):
    return {"y": RATE * x}


class Editing(ThreadPoolExecutor):
    """An executor under which the code changes as soon as there is work."""

    def submit(self, *args, **more):
        globals()["RATE"] += 1.0
        return super().submit(*args, **more)


def test_nothing_is_stored_if_the_code_changes_while_trials_run(here, monkeypatch):
    monkeypatch.setitem(globals(), "RATE", 1.0)
    with Editing(1) as pool, pytest.raises(experiments.TrialError, match="changed while the trials ran"):
        experiments.run("rated", executor=pool, data=here, progress=False)
    assert not (here / "rated.json").exists()


def test_provenance_says_what_the_results_rest_on(measured):
    stored = json.loads((measured / "toy.json").read_text())
    p = stored["provenance"]
    assert p["about"] == "Accuracy fades with the gap." and p["seeds"] == [0, 1, 2]
    assert p["code"].keys() == {"engine revision", "toy", "fading", "limit_of_threads", "rnn", "lstm"}
    assert not [key for key in p if "date" in key or "time" in key]
    for trial in stored["trials"]:
        assert f"NumPy {np.__version__}, lstmcourse {lstmcourse.__version__}" in trial["origin"]
        assert trial["origin"].startswith(f"Python {sys.version_info.major}.")


def test_a_trial_that_is_used_again_keeps_its_origin(measured, monkeypatch):
    """Stored by other versions, from the journal of others, and measured now: each says its own."""
    path = measured / "toy.json"
    stored = json.loads(path.read_text())
    here = stored["trials"][0]["origin"]
    stored["trials"] = [t | {"origin": "NumPy 1"} for t in stored["trials"][:4]]
    path.write_text(json.dumps(stored))
    journal = experiments.journal_path(experiments.get("toy"))
    known = Trial({"cell": "lstm", "gap": 8}, 2, {"accuracy": 0.25, "norm": 1.0}, "NumPy 3")
    journal.write_text(json.dumps(known.as_json()) + "\n")
    with ThreadPoolExecutor(1) as pool:
        results = experiments.run("toy", executor=pool, data=measured, progress=False)
    assert len(CALLS) == 18 - 5
    assert [t.origin for t in results.trials] == ["NumPy 1"] * 4 + [here] * 13 + ["NumPy 3"]
    assert experiments.load("toy", data=measured) == results


STUDY = """
    from pathlib import Path

    import numpy as np
    import lstmcourse as lc
    from lstmcourse import tasks
    from lstmcourse.experiments import Interval, experiment

    HERE = Path(__file__).parent  # the study is written to another folder each time
    RATE = 0.1
    SIZES = {"a": (1, 2)}
    MASK = np.array([1, 0])

    def helper(x):
        if x > 9:
            raise ValueError("too large")
        return x + 1

    def stranger(x):
        return x

    @experiment(points=[{"x": 1}], seeds=[0], agree={"y": Interval(0.1)}, name="study")
    def measure(x, *, seed):
        task = lc.tasks.Copy(delay=3)
        data = HERE / "some.npz"
        return {"y": [helper(v) for v in (x, 2)][0] * RATE * SIZES["a"][0] * MASK.sum()}
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("return x + 1", "return x + 1  # one more", True),
        ("return x + 1", "return (\n        x + 1\n    )", True),
        ("def helper(x):", "def helper(x: float) -> float:\n    'One more.'", True),
        ('"too large"', 'f"{x} is too large"', True),
        ("return x\n", "return x * 2\n", True),  # in the stranger
        ('[{"x": 1}]', '[{"x": 1}, {"x": 2}]', True),
        ("lc.tasks.Copy", "tasks.Copy", True),
        ("task = lc", "from lstmcourse.tasks import Copy\n    task = lc", True),
        ("return x + 1", "return x - 1", False),
        ("x > 9", "x > 8", False),
        ("RATE = 0.1", "RATE = 0.2", False),
        ("(1, 2)", "(2, 2)", False),
        ("([1, 0])", "([1, 1])", False),
        ("(x, 2)", "(x, 3)", False),
        ("delay=3", "delay=4", False),
        ("__file__).parent", "__file__).parent.parent", False),
        ("lc.tasks.Copy", "lc.tasks.Adding", False),
    ],
)
def test_the_code_is_what_is_computed_not_how_it_is_written(tmp_path, monkeypatch, old, new, same):
    text = textwrap.dedent(STUDY)
    assert text.count(old) == 1

    def code_of(text, folder):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "some_study.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path / folder)
        monkeypatch.delitem(sys.modules, "some_study", raising=False)
        measure = importlib.import_module("some_study").measure
        return basis.basis(measure, ["adding", "peephole", 3])

    before = code_of(text, "before")
    assert before.keys() >= {"measure", "helper", "Copy", "Task", "Adding", "peephole", "net"}
    assert not before.keys() & {"stranger", "experiment", "ValueError", "affine"}
    assert (code_of(text.replace(old, new), "after") == before) == same


def test_the_code_has_one_digest_on_every_python():
    """Compared with what is stored here: stored studies would be stale on another version otherwise."""
    assert basis.basis(fading, [])["fading"] == "f6f930b255b5b7ec"


def test_a_new_study_leaves_those_valid_that_read_what_others_stored(monkeypatch):
    """They rest on what they do with it, not on the list of all studies nor on how a file is read."""
    found = basis.basis(winner.finalists, [])
    assert {"ranked", "candidates"} <= found.keys() and not {"load", "names", "Results"} & found.keys()
    monkeypatch.setattr(define, "HOMES", (*define.HOMES, "lstmcourse.experiments.studies.none"))
    assert basis.basis(winner.finalists, []) == found


def other_sign(monkeypatch):
    """An LSTM whose candidate enters with the other sign."""

    @lstmcourse.cell(init={"b_f": 1.0})
    def lstm(x, h, c):
        f = lstmcourse.sigmoid(lstmcourse.affine("f", h, x))
        i = lstmcourse.sigmoid(lstmcourse.affine("i", h, x))
        g = lstmcourse.tanh(lstmcourse.affine("g", h, x))
        o = lstmcourse.sigmoid(lstmcourse.affine("o", h, x))
        c = f * c - i * g
        h = o * lstmcourse.tanh(c)
        return h, c

    monkeypatch.setattr(sys.modules["lstmcourse.cells.lstm"], "lstm", lstm)


def other_start(monkeypatch):
    started = cells.lstm.variant("lstm", "From other biases.", init={"b_f": 2.0})
    monkeypatch.setattr(sys.modules["lstmcourse.cells.lstm"], "lstm", started)


@pytest.mark.parametrize(
    ("change", "named", "stays"),
    [
        (lambda m: m.setattr(basis, "ENGINE_REVISION", 10**6), "engine revision", False),
        (other_sign, "lstm", False),
        (other_start, "lstm", False),
        (lambda m: m.setattr("lstmcourse.engine.trace.trace", lambda *a: None), "", True),
    ],
)
def test_a_change_of_engine_cell_or_task_is_seen(measured, monkeypatch, capsys, change, named, stays):
    change(monkeypatch)
    main(["toy", "--list", "--data", str(measured)])
    said = "current, 18 trials" if stays else f"stale, changed since: {named}"
    assert capsys.readouterr().out == f"toy: {said}\n"


def test_results_of_other_code_are_measured_again(measured, monkeypatch):
    monkeypatch.setitem(globals(), "SLOPE", -0.2)
    with ThreadPoolExecutor(2) as pool:
        results = experiments.run("toy", executor=pool, data=measured, progress=False)
    assert len(CALLS) == 18
    assert results.trials[3].values["accuracy"] == pytest.approx(0.7, abs=0.011)


# Reading


def test_over_gives_one_row_for_each_place_and_one_column_for_each_seed(measured):
    gaps, accuracy = experiments.load("toy", data=measured).over("gap", "accuracy", cell="rnn")
    noise = [np.random.default_rng(seed).uniform(-0.01, 0.01) for seed in range(3)]
    assert gaps.tolist() == [1, 2, 8]
    assert accuracy == pytest.approx(np.add.outer([1.0, 0.9, 0.5], noise), abs=1e-5)


def test_a_rate_is_chosen_by_another_number_and_only_where_every_seed_is_finite():
    losses = {0.1: (3.0, 1.0), 0.2: (1.0, 2.0), 0.3: (0.0, math.nan)}  # the best mean: at 0.2
    trials = tuple(
        Trial({"rate": rate, "cell": cell}, seed, {"loss": loss[seed], "right": 10 * rate + seed})
        for rate, loss in losses.items()
        for cell in ("rnn", "lstm")
        for seed in (0, 1)
    )
    results = experiments.Results("toy", trials, {})
    assert results.best("rate", by="loss", cell="rnn") == 0.2
    assert results.best("rate", by="loss", highest=True, cell="rnn") == 0.1
    assert results.best("rate", by="right", cell="rnn") == 0.1  # another number chooses another
    assert results.chosen("right", axis="rate", by="loss", cell="rnn") == pytest.approx([2.0, 3.0])
    assert results.chosen("right", axis="rate", by="loss", highest=True, cell="rnn") == pytest.approx([1, 2])
    with pytest.raises(ValueError, match="several trials"):
        results.chosen("right", axis="rate", by="loss")
    broken = experiments.Results("toy", trials[-4:], {})
    with pytest.raises(ValueError, match=r"loss is not finite for some seed at every rate of \[0.3\]"):
        broken.chosen("right", axis="rate", by="loss", cell="rnn")


def test_what_is_not_finite_is_stored_as_null_and_read_as_nan(here):
    with ThreadPoolExecutor(1) as pool:
        experiments.run("undefined", executor=pool, data=here, progress=False)
    text = (here / "undefined.json").read_text()
    assert "NaN" not in text and text.count("null") == 2
    _, y = experiments.load("undefined", data=here).over("x", "y")
    assert np.isnan(y).tolist() == [[False, False], [True, True]]
    pairs = experiments.rerun("undefined", 4, data=here)
    assert experiments.agree("undefined", pairs, data=here)
    bad = [Pair(p.point, p.seed, p.stored, {"y": math.nan}) for p in pairs]
    assert len(experiments.agree("undefined", bad, data=here).outside) == 2


# Agreement


def test_rerun_measures_a_random_part_and_agrees(measured):
    pairs = experiments.rerun("toy", 4, rng=np.random.default_rng(0), data=measured)
    assert len(pairs) == len(CALLS) == 4
    for p in pairs:
        assert p.measured == toy(**p.point, seed=p.seed) | {k: pytest.approx(v) for k, v in p.stored.items()}
    said = experiments.agree("toy", pairs, data=measured)
    assert said and said.share == 1.0
    assert repr(said) == (
        "8 of 8 agree: accuracy within the range over seeds and neighbouring gaps, +-0.02; norm within\n"
        "        the range over seeds, times 1.5"
    )
    others = {
        tuple((tuple(p.point.values()), p.seed) for p in experiments.rerun("toy", 4, data=measured))
        for _ in range(5)
    }
    assert len(others) > 1  # not the same part each time
    assert (
        len(experiments.rerun("toy", fraction=0.5, where={"cell": "rnn", "gap": [1, 2]}, data=measured)) == 3
    )


def test_a_result_that_changed_does_not_agree(measured, monkeypatch):
    monkeypatch.setitem(globals(), "SLOPE", -0.3)
    pairs = experiments.rerun("toy", 3, where={"cell": "rnn", "gap": 1}, data=measured)
    said = experiments.agree("toy", pairs, data=measured)
    assert not said and said.share == 0.5
    assert "accuracy at cell=rnn, gap=1, seed 0: 0.8" in repr(said)


def test_the_interval_is_narrow_on_a_plateau_and_wide_beside_a_step(measured):
    results = experiments.load("toy", data=measured)
    rule = Interval(0.02, axis="gap")
    _, rnn = results.over("gap", "accuracy", cell="rnn")
    _, lstm = results.over("gap", "accuracy", cell="lstm")
    at = lambda cell, gap, rule=rule: results.interval("accuracy", {"gap": gap, "cell": cell}, rule)
    assert at("lstm", 2) == pytest.approx((lstm.min() - 0.02, lstm.max() + 0.02))
    assert at("rnn", 2) == pytest.approx((rnn.min() - 0.02, rnn.max() + 0.02))
    assert at("rnn", 8) == pytest.approx((rnn[1:].min() - 0.02, rnn[1:].max() + 0.02))
    assert at("rnn", 8, Interval(0.02)) == pytest.approx((rnn[2].min() - 0.02, rnn[2].max() + 0.02))
    norms = results.over("gap", "norm", cell="rnn")[1][0]
    low, high = results.interval("norm", {"cell": "rnn", "gap": 1}, Interval(factor=1.5))
    assert (low, high) == pytest.approx((norms.min() / 1.5, norms.max() * 1.5))


def test_negative_numbers_are_widened_too():
    assert Interval(factor=2.0).of([-3.0, -2.0]) == (-6.0, -1.0)
    assert Interval(factor=2.0).of([-1.0, 2.0]) == (-2.0, 4.0)


# The command


def test_the_command_runs_lists_and_skips(here, capsys):
    assert main(["undefined", "--list", "--data", str(here)]) == 0
    assert capsys.readouterr().out == "undefined: stale, not run yet, 4 trials\n"
    assert main(["undefined", "--data", str(here), "--workers", "1"]) == 0
    assert (here / "undefined.json").exists()
    capsys.readouterr()
    assert main(["undefined", "--data", str(here)]) == 0
    assert capsys.readouterr().out == "undefined: current, 4 trials\n"
    assert main(["failing", "--data", str(here), "--workers", "1"]) == 1
    assert "x=1, seed=5" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["undefind"])
    assert "did you mean 'undefined'" in capsys.readouterr().err


def test_the_command_says_what_changed(measured, monkeypatch, capsys):
    monkeypatch.setitem(globals(), "SLOPE", -0.2)
    main(["toy", "--list", "--data", str(measured)])
    assert capsys.readouterr().out == "toy: stale, changed since: fading\n"


def test_confirming_a_part_makes_all_of_it_current(measured, monkeypatch, capsys):
    before = experiments.load("toy", data=measured)
    monkeypatch.setitem(globals(), "SLOPE", -0.1001)
    assert main(["toy", "--confirm", "4", "--data", str(measured)]) == 0
    assert len(CALLS) == 4 and "8 of 8 agree" in capsys.readouterr().out
    after = experiments.load("toy", data=measured)
    assert after.trials == before.trials and after.provenance["confirmed"]["trials measured again"] == 4
    main(["toy", "--confirm", "4", "--data", str(measured)])
    assert capsys.readouterr().out == "toy: current, 18 trials\n" and len(CALLS) == 4
    content = (measured / "toy.json").read_bytes()
    monkeypatch.setitem(globals(), "SLOPE", -0.3)
    assert main(["toy", "--confirm", "18", "--data", str(measured)]) == 1
    assert "outside: accuracy at cell=rnn" in capsys.readouterr().out
    assert (measured / "toy.json").read_bytes() == content


def test_stored_experiments_of_the_course_are_current(capsys):
    """What a notebook plots was measured by the code beside it, at all its points and no others."""
    data = ROOT / "lstmcourse/experiments/data"
    names = sorted({path.stem for path in data.glob("*.json")} - {"times"})
    main([*names, "--list"])
    said = dict(line.split(": ", 1) for line in capsys.readouterr().out.splitlines())
    for name in names:
        assert {t.key for t in experiments.load(name).trials} <= set(experiments.get(name).keys), name
        assert said[name] == f"current, {len(experiments.get(name).trials)} trials", (
            f"run python -m lstmcourse.experiments --confirm 3 {name}; if that fails, make experiments"
        )
    changed = importlib.import_module("lstmcourse.experiments.run").changed  # `run` is the function
    for path in data.glob("*.jsonl.gz"):
        part = store.read_part(path)
        assert changed(experiments.get(part.name), part) == [], f"{path.name} is of no use any more"


def test_code_that_is_read_once_has_the_same_digests():
    several = [experiments.get(name) for name in ("waves_from_memory", "gru_while_reading", "who_speaks")]
    apart = [e.code() for e in several]
    with read_once():
        together = [e.code() for e in several]
        assert [e.code() for e in several] == together
    assert together == apart


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda d: experiments.get("toyy"), UnknownNameError, "did you mean 'toy'"),
        (lambda d: experiments.load("toy", data=d), FileNotFoundError, "make experiments"),
        (lambda d: Interval(-1.0), ValueError, "margin -1.0"),
        (lambda d: Interval(factor=0.5), ValueError, "factor 0.5"),
        (lambda d: experiment(points=[], seeds=[0], agree={})(fading), ValueError, "0 trials"),
        (
            lambda d: experiment(points=[{"x": 1}], seeds=[0, 0], agree={})(fading),
            ValueError,
            "2 trials, 1 different",
        ),
        (
            lambda d: experiment(points=[{"x": 1}], seeds=[0], agree={}, name="toy")(fading),
            ValueError,
            "another name",
        ),
    ],
)
def test_bad_input_is_refused(here, call, error, words):
    with pytest.raises(error, match=words):
        call(here)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda d: experiments.rerun("toy", data=d), "give one of them"),
        (lambda d: experiments.rerun("toy", 2, fraction=0.1, data=d), "give one of them"),
        (lambda d: experiments.rerun("toy", 99, data=d), "99 of 18"),
        (lambda d: experiments.rerun("toy", 1, where={"gap": 3}, data=d), "1 of 0"),
        (lambda d: experiments.agree("toy", [], data=d), "nothing to compare"),
        (lambda d: experiments.load("toy", data=d).over("gap", "accuracy"), "several trials"),
        (lambda d: experiments.load("toy", data=d).over("gap", "loss"), "no trial has"),
    ],
)
def test_bad_questions_are_refused(measured, call, words):
    with pytest.raises(ValueError, match=words):
        call(measured)
