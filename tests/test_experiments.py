"""Experiments run anywhere, go on after a kill, repeat to the byte, and notice what no longer holds."""

import ast
import importlib.util
import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import lstmcourse
from lstmcourse import experiments
from lstmcourse.errors import UnknownNameError
from lstmcourse.experiments import Interval, Pair, Trial, experiment, grid
from lstmcourse.experiments.__main__ import main
from lstmcourse.experiments.define import ENGINE

ROOT = Path(__file__).parents[1]
SLOPE = -0.1
CALLS = []


def fading(gap):
    return max(0.5, 1.1 + SLOPE * gap)


@experiment(
    points=grid(cell=("rnn", "lstm"), gap=(1, 2, 8)),
    seeds=range(3),
    agree={"accuracy": Interval(0.02, axis="gap"), "norm": Interval(factor=1.5)},
    uses=("train",),
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


def test_what_is_in_the_journal_is_not_measured_again(here):
    e = experiments.get("toy")
    journal = experiments.journal_path(e)
    journal.parent.mkdir(parents=True)
    known = Trial({"cell": "rnn", "gap": 2}, 1, {"accuracy": 0.25, "norm": 1.0})
    cut = json.dumps(Trial({"cell": "rnn", "gap": 1}, 0, {"accuracy": 0.5, "norm": 1.0}).as_json())[:-9]
    journal.write_text(json.dumps(known.as_json()) + "\n" + cut)
    with ThreadPoolExecutor(1) as pool:
        results = experiments.run("toy", executor=pool, data=here, progress=False)
    assert len(CALLS) == 17 and ("rnn", 2, 1) not in CALLS and ("rnn", 1, 0) in CALLS
    assert known in results.trials


def test_a_killed_run_goes_on_where_it_was(here, tmp_path):
    (tmp_path / "slow_experiment.py").write_text(
        textwrap.dedent("""
            import pathlib, time
            from lstmcourse.experiments import Interval, experiment, grid

            @experiment(points=grid(n=range(8)), seeds=[0], agree={"y": Interval(0.1)})
            def slow(n, *, seed):
                with open(pathlib.Path(__file__).with_name("calls"), "a") as f:
                    f.write(f"{n}\\n")
                time.sleep(0.15)
                return {"y": n / 3}
        """)
    )
    script = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2]); import slow_experiment; "
        "from lstmcourse import experiments; "
        "experiments.run('slow', workers=1, data=Path(sys.argv[1]), progress=False)"
    )
    command = [sys.executable, "-c", script, str(here), str(tmp_path)]
    calls = tmp_path / "calls"

    def noted():
        lines = [line for p in here.parent.rglob("slow-*.jsonl") for line in p.read_text().splitlines()]
        return {str(json.loads(line)["point"]["n"]) for line in lines if line.endswith("}}")}

    first = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 60
    while len(noted()) < 3:
        assert time.monotonic() < deadline and first.poll() is None
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    known, started = noted(), calls.read_text().splitlines()
    assert known <= set(started) and not (here / "slow.json").exists()
    subprocess.run(command, cwd=ROOT, check=True, timeout=60)
    again = calls.read_text().splitlines()[len(started) :]
    assert sorted(again) == sorted({str(n) for n in range(8)} - known)
    stored = json.loads((here / "slow.json").read_text())
    assert [t["values"]["y"] for t in stored["trials"]] == [float(f"{n / 3:.6g}") for n in range(8)]


def test_a_failure_names_the_trial_and_keeps_the_others(here):
    with ThreadPoolExecutor(1) as pool:
        with pytest.raises(
            experiments.TrialError, match=r"failing: x=1, seed=5: FloatingPointError.*Finished"
        ):
            experiments.run("failing", executor=pool, data=here, progress=False)
    lines = experiments.journal_path(experiments.get("failing")).read_text().splitlines()
    assert [json.loads(line)["point"] for line in lines if line] == [{"x": 0}]
    with ThreadPoolExecutor(1) as pool, pytest.raises(experiments.TrialError, match=r"without \['y'\]"):
        experiments.run("forgetful", executor=pool, data=here, progress=False)


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
    assert p["about"] == "Accuracy fades with the gap."
    assert p["numpy"] == np.__version__ and p["python"].startswith(f"{sys.version_info.major}.")
    assert p["seeds"] == [0, 1, 2]
    assert {"toy", "lstmcourse.train", "lstmcourse.unroll", "lstmcourse.ops"} <= set(p["code"])
    assert p["lstmcourse"] == lstmcourse.__version__
    assert not [key for key in p if "date" in key or "time" in key]


def imported_with(module, seen):
    """The package's modules that one imports when it is loaded, and those that they import."""
    if module in seen:
        return seen
    seen.add(module)
    found = importlib.util.find_spec(module)
    for node in ast.parse(Path(found.origin).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            above = module.split(".")[: -node.level]
            home = ".".join([*above, node.module] if node.module else above)
            names = [home] if node.module else [f"{home}.{alias.name}" for alias in node.names]
            for name in names:
                inner = [f"{name}.{alias.name}" for alias in node.names]
                imported_with(name, seen)
                for one in filter(lambda n: importlib.util.find_spec(name).submodule_search_locations, inner):
                    if importlib.util.find_spec(one):
                        imported_with(one, seen)
    return seen


def test_the_engine_is_all_that_running_a_cell_imports_but_for_the_texts_of_errors():
    needed = set()
    for module in ("lstmcourse.unroll", "lstmcourse.compose"):
        imported_with(module, needed)
    assert "lstmcourse.cell" in needed and "lstmcourse.printers.numpy" in needed
    needed |= {f"lstmcourse.{name}" for name in ("kernels", "tiles", "products")}  # once something compiles
    assert needed - {"lstmcourse.errors"} == {f"lstmcourse.{module}" for module in ENGINE}
    assert {f"lstmcourse.{module}" for module in ENGINE} <= experiments.get("toy").code().keys()


def test_the_hash_follows_function_helpers_and_constants_but_not_the_grid(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    template = textwrap.dedent("""
        from lstmcourse.experiments import Interval, experiment
        RATE = {rate}

        def helper(x):
            return {helper}

        def stranger(x):
            return {stranger}

        @experiment(points={points}, seeds=[0], agree={{"y": Interval(0.1)}}, name="{module}")
        def measure(x, *, seed):
            return {{"y": [helper(v) for v in (x, {value})][0] * RATE}}
    """)
    plain = {"rate": "0.1", "helper": "x + 1", "stranger": "x", "points": '[{"x": 1}]', "value": "2"}

    def hash_of(module, **changes):
        (tmp_path / f"{module}.py").write_text(template.format(**{**plain, **changes}, module=module))
        __import__(module)
        return experiments.get(module).code()[module]

    first = hash_of("variant_a")
    assert hash_of("variant_b") == first
    assert hash_of("variant_c", points='[{"x": 1}, {"x": 2}]', stranger="x * 2") == first
    others = {
        hash_of(f"variant_{k}", **{k: v}) for k, v in {"rate": "0.2", "helper": "x", "value": "3"}.items()
    }
    assert len(others | {first}) == 4


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
        "8 of 8 agree: accuracy within the range over seeds and neighbouring gaps, +- 0.02; norm within\n"
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
    assert capsys.readouterr().out == "undefined: 4 trials to run\n"
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
    assert capsys.readouterr().out == "toy: changed since: toy\n"


def test_stored_experiments_of_the_course_are_those_that_are_defined():
    """What a notebook plots was measured by the function that stands beside it, at all its points."""
    for path in sorted((ROOT / "lstmcourse/experiments/data").glob("*.json")):
        e, stored = experiments.get(path.stem), experiments.load(path.stem)
        assert stored.provenance["code"][e.name] == e.code()[e.name], f"{e.name}: run make experiments"
        assert {t.key for t in stored.trials} == {Trial(p, s, {}).key for p, s in e.trials}


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
