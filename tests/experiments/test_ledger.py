"""Runners share a study by what Optuna keeps: who takes up what, who is still there, and who should stop."""

import contextlib
import json
import math
import platform
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext

import pytest
from runners import ROOT, results_in, until

from lstmcourse import experiments
from lstmcourse.errors import FileError
from lstmcourse.experiments import Interval, Trial, executors, experiment, grid, ledger, storages
from lstmcourse.experiments.__main__ import main
from lstmcourse.experiments.run import _study, status

GATE = threading.Event()


@experiment(points=grid(x=range(6)), seeds=[0], agree={"y": Interval(0.5)})
def gated(x, *, seed):
    assert GATE.wait(60)
    return {"y": 1.0}


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(ledger, "BEAT", 0.1)
    GATE.clear()
    return tmp_path


@contextmanager
def joined(here, kind="journal"):
    e = experiments.get("gated")
    where = here / "journal.jsonl" if kind == "journal" else f"sqlite:///{here}/studies.db"
    with storages.joined(e, "gated", where, {}) as one:
        yield one


def measured(claim):
    return Trial(claim.point, claim.seed, {"y": 1.0}), {"host": "here"}


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_of_two_who_take_up_a_trial_at_once_the_first_has_it(here, kind):
    with joined(here, kind=kind) as one, joined(here, kind=kind) as two:
        # none has seen what the other did
        claims = [c for r in (two, one, one, two) for c in r.claim(1)] + one.claim(9)
        assert sorted(c.point["x"] for c in claims) == list(range(6))
        assert claims[0].point["x"] == 0 and claims[1].point["x"] == 1
        assert not one.claim(1) and not two.claim(2)
        one.give_up(claims[1], "no reason")
        two.look()
        (again,) = two.claim(2)
        assert again.key == claims[1].key
        assert two.finish(again, *measured(again)) and not one.finish(claims[1], *measured(again))
        one.look()
        assert one.count == two.count == 1 and one.done == two.done


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_a_runner_elsewhere_that_is_not_seen_any_more_loses_its_trials(here, monkeypatch, kind):
    """Its lock cannot be looked at from here; its beat can, and clocks need not agree."""
    monkeypatch.setattr(ledger, "LEASE", 0.5)
    with ExitStack() as stack:
        with monkeypatch.context() as elsewhere:
            elsewhere.setattr(ledger.platform, "node", lambda: "elsewhere")
            far = stack.enter_context(joined(here, kind=kind))
            (held,) = far.claim(1)
        near = stack.enter_context(joined(here, kind=kind))
        for _ in range(4):  # twice the lease, in which it beats
            time.sleep(0.25)
            with monkeypatch.context() as elsewhere:
                elsewhere.setattr(ledger.platform, "node", lambda: "elsewhere")
                far.beat()
            near.free()
            assert held.key in near.running
        time.sleep(0.6)
        near.free()
        assert held.key not in near.running
        (mine,) = near.claim(1)
        assert mine.key == held.key
        assert not far.finish(held, *measured(held))  # it wakes up too late
        assert near.finish(mine, *measured(mine))


def test_a_result_that_was_noted_counts_though_its_runner_ended_before_it_said_so(here):
    with joined(here) as one, joined(here) as two:
        (claim,) = two.claim(1)
        two.storage.set_trial_user_attr(claim.id, ledger.RESULT, measured(claim)[0].as_json())
        one.storage.set_study_user_attr(one.study, f"runner {two._me}", None)  # as one that has left
        one.free()
        assert one.done[claim.key] == measured(claim)[0]
        assert not two.finish(claim, *measured(claim))


def test_a_line_that_was_cut_short_is_removed_by_whoever_writes_next(here, caplog):
    """Optuna alone would write on in that line, and then read neither of the two."""
    journal = here / "journal.jsonl"
    with joined(here) as one:
        first, second = one.claim(2)
        one.finish(first, *measured(first))
        with open(journal, "ab") as f:
            f.write(b'{"op_code":6,"worker_id":"somebody", "tri')
        one.finish(second, *measured(second))
        with joined(here) as two:
            assert two.count == 2
    assert len(results_in(journal)) == 2 and not caplog.messages


@pytest.fixture
def running(here):
    """A runner with two trials under way, and the future of its results."""
    with ThreadPoolExecutor(2) as pool, ThreadPoolExecutor(1) as runner:
        ask = lambda: experiments.run("gated", executor=pool, data=here, progress=False)
        future = runner.submit(ask)
        journal = experiments.journal_path(experiments.get("gated"))
        until(lambda: journal.exists() and journal.read_text().count('"op_code":4') == 2)
        yield future
        GATE.set()


def test_the_command_says_how_far_a_study_is_and_who_is_at_it(here, running, capsys):
    main(["gated", "--status", "--data", str(here)])
    first, who = capsys.readouterr().out.splitlines()
    assert first == "gated: 0 of 6 trials are measured, 2 under way"
    assert who.split(", ")[1].startswith("process ") and "seen 0 s ago" in who
    GATE.set()
    assert len(running.result(60).trials) == 6
    main(["gated", "--status", "--data", str(here)])
    assert capsys.readouterr().out == "gated: current, 6 trials; nobody is at it\n"


@pytest.fixture
def threads(monkeypatch):
    """The command's workers are threads of this process."""
    with ThreadPoolExecutor(1) as pool:
        monkeypatch.setattr(executors, "processes", lambda workers: nullcontext(lambda: pool))
        yield


def test_the_command_stops_a_runner_elsewhere_after_what_is_under_way(here, running, threads, capsys):
    assert main(["gated", "--stop", "--data", str(here)]) == 0
    said = "gated: asked 1 to stop; what is under way (2 trials) is finished first\n"
    assert capsys.readouterr().out == said
    time.sleep(0.3)
    GATE.set()
    with pytest.raises(experiments.StudyStoppedError, match="gated: stopped on request.*run again"):
        running.result(60)
    journal = experiments.journal_path(experiments.get("gated"))
    assert len(results_in(journal)) == 2
    main(["gated", "--status", "--data", str(here)])
    assert capsys.readouterr().out == "gated: 2 of 6 trials are measured; nobody is at it\n"
    assert main(["gated", "--stop", "--data", str(here)]) == 0
    assert capsys.readouterr().out == "gated: nobody is at it\n"
    assert main(["gated", "--data", str(here)]) == 0  # the request was for those of then


def test_a_shared_folder_keeps_the_journals(here, threads):
    GATE.set()
    folder = here / "shared"
    arguments = ["gated", "--data", str(here), "--storage", str(folder)]
    assert main(arguments) == 0 and (here / "gated.json").exists()
    assert [p.suffix for p in folder.iterdir()] == [".door"]
    assert not (here / "cache/experiments").exists()
    with pytest.raises(ValueError, match="journal=.*storage=.*give one of them"):
        experiments.run("gated", journal=folder / "a", storage="sqlite:///a.db", data=here)


def test_runners_may_open_a_new_database_at_the_same_moment(here):
    GATE.set()
    how = {"data": here, "progress": False, "storage": f"sqlite:///{here}/studies.db"}
    with ThreadPoolExecutor(4) as runners, ThreadPoolExecutor(2) as pool:
        asked = [runners.submit(experiments.run, "gated", executor=pool, **how) for _ in range(4)]
        assert {len(f.result(120).trials) for f in asked} == {6}


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://someone:secret@127.0.0.1:9/none", "is the server there"),
        ("nonsense://x", "cannot be opened"),
        ("rubbish", "is no URL"),
        ("postgresql:someone:secret@host/none", "is no URL"),
        ("postgresql://someone:secret@host:port/none", "is no URL"),
        ("sqlite:///a\0b", "cannot be opened"),
    ],
)
def test_a_database_that_cannot_be_opened_is_named_without_its_password(here, url, words):
    with pytest.raises(ValueError, match=words) as caught:
        experiments.run("gated", storage=url, data=here, progress=False)
    assert "storage=" in str(caught.value) and "secret" not in str(caught.value)


# Journals and databases from strangers

TOLD = {"host": "elsewhere", "process": 1, "beat": 1, "at": 1.0}
TRIAL = {"point": {"x": 0}, "seed": 0, "origin": "", "values": {"y": 1.0}}


def runner(says):
    return {"op_code": 2, "worker_id": "w", "study_id": 0, "user_attr": {f"runner {'0' * 16}": says}}


def trial(state=0, **attributes):
    """A line of Optuna's journal that adds a trial, under way or (1) complete."""
    line = {"op_code": 4, "worker_id": "w", "study_id": 0, "state": state, "user_attrs": attributes}
    when = {f"datetime_{k}": "2026-01-01T00:00:00.000000" for k in ("start", "complete")}
    return line | when | {"value": 1.0} if state else line | {"datetime_start": when["datetime_start"]}


STRANGE = {
    **{f"a runner that is {says!r}": [runner(says)] for says in (5, "x", [1], {}, {"host": "h"})},
    **{
        f"a runner's {k} is {v!r}": [runner(TOLD | {k: v})]
        for k, v in {
            "host": "\x1b[31m", "process": [1], "beat": "x", "at": math.nan, "lock": "precious",
        }.items()
    },
    "a lock that is ours": [runner(TOLD | {"host": platform.node(), "lock": "precious"})],
    "a runner whose name is a path": [
        {"op_code": 2, "worker_id": "w", "study_id": 0, "user_attr": {"runner ../precious": TOLD}}
    ],
    **{f"a point that is {p!r}": [trial(point=p, seed=0)] for p in (5, None, {"x": [1]}, {"x": {}}, [1])},
    **{f"a seed that is {s!r}": [trial(point={"x": 0}, seed=s)] for s in ([0], None, "x")},
    "a trial of nobody's": [trial(point={"x": 0}, seed=0, runner=[1])],
    "many trials of nobody's": [trial(point={"x": 0}, seed=0)] * 300,
    **{f"a result that is {r!r}": [trial(1, result=r)] for r in (5, [5], None)},
    **{
        f"a machine that is {m!r}": [trial(1, result=TRIAL | {"machine": m})]
        for m in (5, [1], {"seconds": "x"}, {"seconds": math.inf})
    },
    "attributes that are a list": [trial() | {"user_attrs": [1]}],
    **{f"an operation {op!r}": [{"op_code": op}] for op in (99, -1, [1], "x", True, None)},
    "a study twice": [{"op_code": 0, "worker_id": "w", "study_name": "gated", "directions": [1]}],
    "a state that there is not": [trial(17)],
    "no date": [trial(1, result=TRIAL) | {"datetime_complete": "x"}],
    "a distribution": [trial(1) | {"params": {"x": 1}, "distributions": {"x": '{"name": "os.system"}'}}],
}  # fmt: skip


@pytest.mark.parametrize("what", STRANGE)
def test_a_journal_from_a_stranger_is_measured_on_and_no_file_is_touched(here, monkeypatch, what):
    monkeypatch.setattr(ledger, "LEASE", 0.05)
    monkeypatch.chdir(here)
    e, precious = experiments.get("gated"), here / "precious"
    precious.write_text("precious")
    (here / "precious.lock").write_text("precious")
    journal = here / "journal.jsonl"
    GATE.set()
    head = {"op_code": 0, "worker_id": "w", "study_name": _study(e), "directions": [1]}
    journal.write_text("".join(json.dumps(line) + "\n" for line in [head, *STRANGE[what]]))
    assert "\x1b" not in status(e, data=here, journal=journal)
    with ThreadPoolExecutor(2) as pool:
        how = {"executor": pool, "data": here, "progress": False, "journal": journal}
        assert len(experiments.run("gated", **how).trials) == 6
    assert precious.read_text() == (here / "precious.lock").read_text() == "precious"


def test_a_journal_that_is_a_link_stays_one_and_links_beside_it_lead_nowhere(here):
    (here / "there").mkdir()
    real, link, precious = here / "there" / "real.jsonl", here / "journal.jsonl", here / "precious"
    real.write_text("5\n")
    precious.write_text("precious")
    try:
        link.symlink_to(real)
        for name in ("real.new", "real.damaged"):
            (here / "there" / name).symlink_to(precious)
    except OSError:
        pytest.skip("links are not for all here")
    assert "0 of 6 trials" in status(experiments.get("gated"), data=here, journal=link)
    assert link.is_symlink() and precious.read_text() == "precious"
    assert (here / "there" / "real.damaged").read_text() == "5\n" != real.read_text()


DAMAGE = {
    "an attribute": "update trial_user_attributes set value_json = '['",
    "a state": "update trials set state = 'X'",
    "a date": "update trials set datetime_complete = 'x'",
    "a runner": "insert into study_user_attributes (study_id, key, value_json) values (1, 'runner x', '[')",
    "a step of its making": "update alembic_version set version_num = 'x'",
}


@pytest.mark.parametrize("what", DAMAGE)
def test_a_damaged_database_is_said_to_be_one(here, what):
    with joined(here, "sqlite") as one:
        (claim,) = one.claim(1)
        one.finish(claim, *measured(claim))
    with contextlib.closing(sqlite3.connect(here / "studies.db")) as database:
        database.execute(DAMAGE[what])
        database.commit()
    with pytest.raises((FileError, ConnectionError, ValueError), match=r"^gated: |^storage='sqlite"):  # noqa: SIM117
        with joined(here, "sqlite"):
            pass


def test_stored_results_are_read_without_optuna_and_running_says_what_is_missing():
    code = """
import sys
sys.modules |= dict.fromkeys(("optuna", "sqlalchemy", "distributed", "mpi4py"))
import lstmcourse as lc
print(len(lc.experiments.load("plain_against_lstm").trials) > 0)
lc.experiments.run("plain_against_lstm", journal="nowhere")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "True\n" and done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("is not installed: pip install 'lstmcourse[studies]'")
