"""Whatever an answer does, a check comes back with a verdict; and nothing but a right answer is accepted."""

import _thread
import builtins
import copy
import functools
import gc
import inspect
import os
import sys
import threading
import time
import types
import warnings
import weakref

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.exercises import judges
from lstmcourse.exercises.guard import run_apart


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(judges, "run_apart", functools.partial(run_apart, seconds=0.3))


def right(D, H):
    return D * H + H * H + H


class Slow:
    """Whatever ends an answer comes while Python collects one of these, where it cannot be raised."""

    def __del__(self):
        for _ in range(100):
            len("what calls is watched")


# what an answer may do


def endless(D, H):
    while True:
        D += 1


def endless_and_stubborn(D, H):
    while True:
        try:
            D += 1
        except BaseException:
            pass


def endless_collecting(D, H):
    known = weakref.WeakSet()
    while True:
        known.add(Slow())


def endless_generator(D, H):
    return sum(D for _ in iter(lambda: H, 0))


def endless_text(D, H):
    while True:
        print("still here")


def sleeping(D, H):
    time.sleep(1000)


def waiting(D, H):
    while True:
        time.sleep(0.01)


def recursive(D, H):
    return recursive(D, H)


def leaving(D, H):
    sys.exit()


def raising(D, H):
    raise KeyboardInterrupt


def warning(D, H):
    warnings.warn("old", DeprecationWarning, stacklevel=1)
    raise ValueError("after a warning")


class Odd(Exception):
    def __str__(self):
        raise RuntimeError


def raising_what_cannot_be_shown(D, H):
    raise Odd


class Equal:
    """Equals everything, and is as large as one likes."""

    def __eq__(self, other):
        return True

    __hash__ = None

    def __abs__(self):
        return 0.0

    def __sub__(self, other):
        return 0.0

    __rsub__ = __sub__


class EqualArray(np.ndarray):
    """Agrees with everything that it is compared with."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return np.bool_(True) if ufunc in (np.equal, np.less_equal) else np.float64(0.0)


def from_the_frames(D, H):
    frame = sys._getframe()
    while frame:
        for value in list(frame.f_locals.values()):
            for function in (value, getattr(value, "right", None), getattr(value, "judge", None)):
                if inspect.isfunction(function) and list(inspect.signature(function).parameters) == [
                    "D",
                    "H",
                ]:
                    if function is not from_the_frames:
                        return function(D, H)
        frame = frame.f_back
    return 0


def imported(D, H):
    from lstmcourse.exercises import get

    return get("01.2").judge.right(D, H)


REFERENCE = lc.exercises.get("01.2").judge.right


def kept(D, H):
    return REFERENCE(D, H)


def asked_of_a_cell(D, H):
    return lc.cells.rnn.parameter_count(input_size=D, hidden_size=H)


def unwatched(D, H):
    sys.setprofile(None)
    return REFERENCE(D, H)


def unwatched_for_a_moment(D, H):
    try:
        return REFERENCE(D, H)
    except BaseException:
        return REFERENCE(D, H)


def found_by_gc(D, H):
    return next(o for o in gc.get_objects() if o is REFERENCE)(D, H)


def found_among_referents(D, H):
    return gc.get_referents(lc.exercises.get)[0]


def found_in_another_thread(D, H):
    return [f for f in sys._current_frames().values()] and 0


def disguised(D, H):
    code = REFERENCE.__code__.replace(co_filename="mine.py")
    return types.FunctionType(code, REFERENCE.__globals__)(D, H)


def disguised_and_caught(D, H):
    try:
        return disguised(D, H)
    except BaseException:
        return right(D, H)


def asked_by_what_is_collected(D, H):
    class Asking:
        def __del__(self):
            lc.exercises.get("01.2")

    Asking()
    return 1


def asked_in_a_thread(D, H):
    found = []
    thread = threading.Thread(target=lambda: found.append(REFERENCE(D, H)))
    thread.start()
    thread.join()
    return found[0] if found else right(D, H)


def asked_in_a_raw_thread(D, H):
    found = []
    _thread.start_new_thread(lambda: found.append(REFERENCE(D, H)), ())
    while not found:
        time.sleep(0.001)
    return found[0]


def with_other_insides(D, H):
    REFERENCE.__code__ = (lambda D, H: 0).__code__
    return 0


def changing(change):
    """An answer that changes something, and returns what that would make right."""

    def answer(D, H):
        change()
        return 0

    answer.__name__ = change.__name__
    return answer


@changing
def another_cell():
    lc.cells.lstm = lc.cells.rnn


@changing
def another_comparison():
    judges.same = lambda *given: True


@changing
def no_comparison():
    del judges.same


@changing
def another_tolerance():
    lc.exercises.judges.SAME = 1e9


@changing
def another_judge():
    judges.Function._agree = lambda *given: True


@changing
def another_numpy():
    np.abs = lambda a: np.zeros(np.shape(a))


@changing
def another_random_numpy():
    np.random.default_rng = np.random.Generator


@changing
def another_python():
    builtins.all = lambda given: True


@changing
def another_copy():
    copy.deepcopy = lambda given: given


ANSWERS = {
    "changes the course": (
        another_cell,
        another_comparison,
        no_comparison,
        another_tolerance,
        another_judge,
        another_numpy,
        another_random_numpy,
        another_python,
        another_copy,
    ),
    "does not end": (
        endless,
        endless_and_stubborn,
        endless_collecting,
        endless_generator,
        endless_text,
        waiting,
        sleeping,
    ),
    "raises": (recursive, leaving, raising, warning, raising_what_cannot_be_shown),
    "no numbers": (
        lambda D, H: Equal(),
        lambda D, H: object,
        lambda D, H: 1j,
        lambda D, H: [[1], [1, 2]],
        lambda D, H: "a" * 10**7,
    ),
    "returns nothing": (lambda D, H: None, lambda D, H: ...),
    "asks the course": (
        imported,
        kept,
        asked_of_a_cell,
        unwatched,
        unwatched_for_a_moment,
        found_by_gc,
        found_among_referents,
        found_in_another_thread,
        disguised,
        disguised_and_caught,
        asked_by_what_is_collected,
        asked_in_a_thread,
        asked_in_a_raw_thread,
        with_other_insides,
    ),
    "no function": (Equal(), 3, np.zeros(3), Equal),
    "other arguments": (lambda D: 0, lambda: 0, lambda D, H, more: 0),
}


@pytest.mark.parametrize(
    ("name", "answer"),
    [(name, a) for name, group in ANSWERS.items() for a in group],
    ids=lambda v: v if isinstance(v, str) else getattr(v, "__name__", type(v).__name__),
)
def test_an_answer_that_is_none_is_refused_by_name(name, answer, capfd):
    verdict = lc.check("01.2", answer)
    assert (bool(verdict), verdict.mistake) == (False, name), verdict
    assert len(verdict.message) < 600
    assert len(capfd.readouterr().out) <= 2_000
    assert sys.stdout.write("") == 0  # it is ours again
    assert lc.check("01.2", right) and not lc.check("01.2", lambda D, H: 0)  # nothing was left changed


def test_an_exercise_that_an_answer_has_changed_judges_as_before():
    def other(D, H):
        judge = sys.modules["lstmcourse.exercises.define"]._ALL["01.2"].judge
        object.__setattr__(judge, "right", lambda D, H: 0)
        return 0

    judge = lc.exercises.get("01.2").judge
    try:
        assert not lc.check("01.2", other)
    finally:
        object.__setattr__(judge, "right", REFERENCE)


def test_an_answer_that_goes_elsewhere_is_noted_here(tmp_path):
    (tmp_path / "inner").mkdir()

    def going(D, H):
        os.chdir(tmp_path / "inner")
        return right(D, H)

    assert lc.check("01.2", going) and os.getcwd() == str(tmp_path)
    assert lc.progress().done == ["01.2"] and not list((tmp_path / "inner").iterdir())


def test_threads_of_its_own_are_an_answers_business():
    def shared(D, H):
        found = []
        threads = [threading.Thread(target=lambda a=a: found.append(a)) for a in (D * H, H * H, H)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return sum(found)

    assert lc.check("01.2", shared)


def test_the_frames_above_an_answer_hold_nothing_that_helps():
    assert not lc.check("01.2", from_the_frames)


def test_what_agrees_with_everything_is_compared_as_plain_numbers():
    assert not lc.check("01.2", lambda D, H: np.zeros(()).view(EqualArray))


def test_what_it_is_given_may_be_changed_and_returned():
    def greedy(W, U, b, x):
        h = np.zeros(len(b))
        states = np.zeros((len(x), len(b)))
        for t in range(len(x)):
            h[:] = np.tanh(x[t] @ W + h @ U + b)
            states[t] = h
        for a in (W, U, b, x):
            a[...] = np.nan
        return states[:]

    assert lc.check("01.1", greedy)
    for k in range(4):
        assert not lc.check("01.1", lambda *given, k=k: given[k])


def test_one_buffer_that_is_returned_again_and_again():
    buffer = np.zeros(1)

    def one(D, H):
        buffer[0] = right(D, H)
        return buffer

    assert lc.check("01.2", one)


def test_a_check_leaves_nothing_behind():
    before = (sys.getprofile(), sys.gettrace(), np.geterr(), warnings.filters[:], os.getcwd())
    for answer in (right, endless, raising, imported):
        lc.check("01.2", answer)
    assert before == (sys.getprofile(), sys.gettrace(), np.geterr(), warnings.filters[:], os.getcwd())
    assert not [t for t in threading.enumerate() if t.name == "an answer" and t.is_alive() and not t.daemon]


def test_an_answer_that_prints_is_heard(capsys):
    def chatty(D, H):
        print("D is", D)
        return right(D, H)

    assert lc.check("01.2", chatty)
    assert capsys.readouterr().out.startswith("D is ")


def test_what_comes_out_is_what_the_work_returns():
    assert run_apart(lambda: [1, 2]).value == [1, 2]
    assert run_apart(lambda: np.arange(3) / 0).problem == ""


# ids, and what is noted


def test_ids_are_forgiving_and_clear():
    assert lc.exercises.get("1.2") is lc.exercises.get(" 01.2 ")
    with pytest.raises(lc.UnknownNameError, match="there is no exercise '01.99': did you mean '01."):
        lc.check("01.99", right)
    with pytest.raises(TypeError, match=r"id=1\.2 does not fit: text"):
        lc.check(1.2, right)


def test_progress_is_what_was_right_once(tmp_path):
    assert lc.progress().done == []
    lc.check("01.2", lambda D, H: D * H)
    lc.check("01.2", right)
    lc.check("01.2", lambda D, H: D)
    lc.check("01.1", None)  # not begun
    lc.check("01.4", {"W_h": 1, "U_h": 0.5, "b_h": 0})
    done = lc.progress()
    rows = {row["id"]: row for row in done.rows}
    assert done.done == ["01.2"] and rows["01.2"]["tries"] == 3 and rows["01.2"]["mistake"] == ""
    assert rows["01.1"]["tries"] == 0
    assert (rows["01.4"]["tries"], rows["01.4"]["mistake"], rows["01.4"]["done"]) == (1, "fades", "")
    assert f"1 of {len(rows)} exercises are done" in str(done)
    import csv
    import io
    import json

    assert [r["id"] for r in csv.DictReader(io.StringIO(done.csv("out.csv")))] == list(rows)
    assert json.loads(done.json("out.json")) == done.rows
    assert (tmp_path / "out.csv").read_text() == done.csv()
    assert lc.progress(tmp_path).done == ["01.2"]


def test_progress_outlives_damage_and_many_writers(tmp_path):
    file = tmp_path / ".lstmcourse" / "answers.jsonl"
    threads = [threading.Thread(target=lc.check, args=("01.6", "an error")) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert {r["id"]: r["tries"] for r in lc.progress().rows}["01.6"] == 8
    with file.open("ab") as f:
        f.write(b'{"id": "01.6", "ri')  # cut off
    lc.check("01.6", "another last state")
    file.write_bytes(file.read_bytes() + b'\xff\xfe\n[]\n{"id": 1}\n')
    assert lc.progress().done == ["01.6"]


def test_a_folder_that_cannot_be_written(tmp_path, capsys):
    (tmp_path / ".lstmcourse").write_text("in the way")
    assert lc.check("01.2", right)
    assert "Your progress was not noted" in capsys.readouterr().out
    assert lc.progress().done == []


def test_a_test_of_the_notebooks_notes_nothing(tmp_path, monkeypatch):
    monkeypatch.setenv("LSTMCOURSE_REGRESSION", "1")
    lc.check("01.2", right)
    assert list(tmp_path.iterdir()) == []


def test_an_answer_that_waits_is_left_behind():
    assert lc.check("01.2", sleeping).mistake == "does not end"
    assert lc.check("01.2", right)


def test_an_answer_that_shares_the_processor_may_take_its_time():
    def slow(D, H):
        for _ in range(12 if D < 3 else 0):  # a tenth of the processor, as where nine others compute
            end = time.process_time() + 0.01
            while time.process_time() < end:
                pass
            time.sleep(0.09)
        return right(D, H)

    began = time.monotonic()
    assert slow(1, 1) and time.monotonic() - began > 0.8  # as long as one that only waits may take
    assert run_apart(lambda: slow(1, 1), seconds=0.3).value == 3


def test_an_answer_that_is_ended_says_nothing(capfd):
    for _ in range(10):
        assert run_apart(lambda: endless(1, 1), seconds=0.02).problem == "does not end"
    assert capfd.readouterr() == ("", "")
