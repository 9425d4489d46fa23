"""Studies go from machine to machine as files, resume from what a repository holds, and say their time."""

import gzip
import json
import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import pytest

from lstmcourse import experiments
from lstmcourse.errors import FileError
from lstmcourse.experiments import (
    Interval,
    TrialError,
    cost,
    experiment,
    export_trials,
    grid,
    import_trials,
    log_uniform,
    search,
    store,
)
from lstmcourse.experiments.__main__ import main
from lstmcourse.experiments.run import known

CALLS, BROKEN = [], set()


@experiment(
    points=grid(x=range(5)),
    seeds=[0, 1],
    agree={"y": Interval(0.5)},
    full={"points": grid(x=range(50)), "seeds": [0], "hours": 4000.0},
)
def travelling(x, *, seed):
    """A number for every x."""
    CALLS.append((x, seed))
    if x in BROKEN:
        raise ArithmeticError("not here")
    return {"y": x + seed / 3}


@experiment(points=search(trials=4, rate=log_uniform(1e-4, 1.0)), agree={"y": Interval(0.5)})
def searching(rate, *, seed):
    """A number for every rate."""
    CALLS.append((rate, seed))
    return {"y": rate}


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """Go to another machine: with another cache, and an empty folder of results."""

    def go(name):
        monkeypatch.setenv("LSTMCOURSE_CACHE_DIR", str(tmp_path / name / "cache"))
        CALLS.clear()
        return tmp_path / name / "data"

    BROKEN.clear()
    return go


def run(name, data, **more):
    with ThreadPoolExecutor(1) as pool:
        return experiments.run(name, executor=pool, data=data, progress=False, **more)


def begun(data, last=3):
    """Run a part of the study: what is at x = last fails."""
    BROKEN.add(last)
    with pytest.raises(TrialError):
        run("travelling", data)
    BROKEN.clear()
    return len(CALLS) - 1


def test_another_machine_goes_on_where_the_first_was_stopped(machine):
    here = machine("here")
    count = begun(here)
    path = export_trials("travelling", data=here)
    assert (
        path == here / "travelling.jsonl.gz"
        and path.read_bytes()
        == export_trials("travelling", path.with_name("again.jsonl.gz"), data=here).read_bytes()
    )
    there = machine("there")
    assert import_trials(path, data=there) == count > 0 == import_trials(path, data=there)
    results = run("travelling", there)
    assert len(CALLS) == 10 - count and len(results.trials) == 10
    machine("alone")
    whole = run("travelling", here.parent.parent / "alone" / "data")
    assert [(t.point, t.seed, t.values) for t in results.trials] == [
        (t.point, t.seed, t.values) for t in whole.trials
    ]


def test_who_runs_a_study_begins_with_what_the_repository_holds(machine):
    here = machine("here")
    count = begun(here)
    export_trials("travelling", data=here)
    (here.parent / "cache").rename(here.parent / "lost")
    CALLS.clear()
    assert len(run("travelling", here).trials) == 10 and len(CALLS) == 10 - count
    assert not list(here.glob("*.gz")), "what is complete needs no part"
    assert export_trials("travelling", data=here).exists(), "a complete study can be taken along too"


def test_a_search_keeps_what_was_drawn_for_those_who_read_the_storage(machine):
    import optuna

    here = machine("here")
    run("searching", here)
    path = export_trials("searching", data=here)
    there = machine("there")
    url = f"sqlite:///{there.parent.parent}/studies.db"
    assert import_trials(path, data=there, storage=url) == 4
    (study,) = optuna.get_all_study_names(url)
    drawn = [t.params["rate"] for t in optuna.load_study(study_name=study, storage=url).trials]
    assert drawn == [t.point["rate"] for t in experiments.load("searching", data=here).trials]
    assert len(run("searching", there, storage=url).trials) == 4 and CALLS == []


def test_what_other_code_has_measured_is_not_mixed_in(machine, monkeypatch):
    here = machine("here")
    begun(here)
    path = export_trials("travelling", data=here)
    part = store.read_part(path)
    part.provenance["code"]["travelling"] = "another"
    store.save_part(part, path)
    with pytest.raises(ValueError, match=r"other code: travelling") as raised:
        import_trials(path, data=here)
    assert str(path) in str(raised.value)
    assert known(experiments.get("travelling"), here) == {}


def test_nothing_measured_is_nothing_to_export(machine):
    with pytest.raises(ValueError, match=r"'travelling'.* none of 10 trials"):
        export_trials("travelling", data=machine("here"))


HEAD = json.dumps({"experiment": "travelling", "provenance": {"code": {}}}).encode()
HOSTILE = {
    "no gzip": b"{}",
    "cut short": gzip.compress(HEAD + b"\n" * 999)[:-20],
    "a wrong sum": gzip.compress(HEAD)[:-8] + bytes(8),
    "empty": b"",
    "no JSON": gzip.compress(b"hello\n"),
    "no study": gzip.compress(b'{"a": 1}\n'),
    "a list": gzip.compress(b"[]\n"),
    "a study without a name": gzip.compress(HEAD.replace(b'"travelling"', b"7")),
    "code that is a text": gzip.compress(HEAD.replace(b"{}", b'"x"')),
    "no trial": gzip.compress(HEAD + b'\n{"point": 1}\n'),
    "an infinite number": gzip.compress(
        HEAD + b'\n{"point": {"x": 0}, "seed": 0, "origin": "", "values": {"y": 1e999}}\n'
    ),
    "an endless line": gzip.compress(HEAD + b"\n" + bytes(1 << 26)),
    "endless lines": gzip.compress(HEAD + b"\n" * (1 << 21)),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_named_and_takes_no_memory(machine, kind):
    here = machine("here")
    here.mkdir(parents=True)
    path = here / "travelling.jsonl.gz"
    path.write_bytes(HOSTILE[kind])
    tracemalloc.start()
    with pytest.raises(FileError, match=r"travelling\.jsonl\.gz(, line 2,)? is damaged"):
        import_trials(path, data=here)
    assert tracemalloc.get_traced_memory()[1] < 40e6
    tracemalloc.stop()
    assert len(run("travelling", here).trials) == 10, "a run goes on without it"


# The command, and how long it takes


def test_the_command_exports_imports_and_says_how_long_it_takes(machine, capsys):
    here = machine("here")
    begun(here)
    cost.note_time(here, "travelling", [30.0, 50.0])
    assert main(["travelling", "--export", "--data", str(here)]) == 0
    assert "travelling.jsonl.gz" in capsys.readouterr().out
    there = machine("there")
    assert main(["--import", str(here / "travelling.jsonl.gz"), "--data", str(there)]) == 0
    assert "6 trials taken up" in capsys.readouterr().out
    assert main(["travelling", "--status", "--data", str(there)]) == 0
    assert "6 of 10 trials are measured" in capsys.readouterr().out
    machine("third")
    assert main(["travelling", "--data", str(here)]) == 0
    said = capsys.readouterr().out
    assert said.startswith("4 trials to be measured, about 2 min on 2 processes\n"), said
    assert main(["travelling", "--export", "--data", str(here)]) == 0
    assert "nothing to export" in capsys.readouterr().out


def test_a_run_notes_how_long_its_trials_took(machine):
    here = machine("here")
    cost.note_time(here, "other", [2.0])
    run("travelling", here)
    assert cost.times(here).keys() == {"other", "travelling"} and cost.times(here)["other"] == 2.0
    before = (here / cost.TIMES).read_bytes()
    run("travelling", here)
    assert (here / cost.TIMES).read_bytes() == before


def test_a_study_has_the_size_of_its_paper_too(machine, capsys):
    here = machine("here")
    assert "travelling" in experiments.names() and "travelling_full" not in experiments.names()
    assert "travelling_full" in experiments.names("full") and "travelling" not in experiments.names("full")
    assert "searching" in experiments.names("full"), "what has one size only"
    assert len(experiments.get("travelling_full").trials) == 50
    assert main(["travelling_full", "--data", str(here)]) == 0
    said = capsys.readouterr().out
    assert "travelling_full: 50 trials, about 4,000 hours of a core in all" in said
    assert len(experiments.load("travelling_full", data=here).trials) == 50


@pytest.mark.parametrize("full", [{}, {"points": [{"x": 1}]}, {"points": [{"x": 1}], "hours": 1.0, "z": 2}])
def test_the_size_of_the_paper_says_what_it_costs(full):
    with pytest.raises(ValueError, match="points and hours"):
        experiment(points=[{"x": 1}], seeds=[0], agree={}, full=full)


def test_a_small_file_does_not_unpack_to_a_large_one(machine, monkeypatch):
    here = machine("here")
    here.mkdir(parents=True)
    path = here / "travelling.jsonl.gz"
    monkeypatch.setattr(store, "UNPACKED", 1 << 20)
    trial = {"point": {"x": 0}, "seed": 0, "origin": " " * 100_000, "values": {}}
    path.write_bytes(gzip.compress(HEAD + b"\n" + (json.dumps(trial).encode() + b"\n") * 20))
    with pytest.raises(FileError, match=r"travelling.*unpacks to more than 1048576 bytes"):
        store.read_part(path)
