"""Further ways to cheat, to hang a check, or to leave something changed behind: none of them works."""

import _thread
import builtins
import collections.abc
import ctypes
import gc
import itertools
import os
import signal
import sys
import threading
import types

import numpy as np
import pytest
from test_guard import elsewhere, right  # noqa: F401

import lstmcourse as lc
from lstmcourse.exercises import judges
from lstmcourse.exercises.guard import run_apart
from lstmcourse.exercises.kept import SETTINGS

REFERENCE = lc.exercises.get("01.2").judge.right
INSIDE = next(m for name, m in list(sys.modules.items()) if name.endswith("core.fromnumeric"))
"""The module of NumPy that has the insides of `numpy.all` and its kin."""


def wrong(D, H):
    return 0


def after(does):
    """An answer that does something, and is right."""

    def answer(D, H):
        does()
        return right(D, H)

    return answer


def endless():
    while True:
        pass


def listening(D, H):
    sys.addaudithook(lambda *given: None)
    return right(D, H)


def through_c(D, H):
    ctypes.pythonapi.PyEval_SetProfile(None, None)
    return REFERENCE(D, H)


def never_giving_way():
    sys.setswitchinterval(1000)
    endless()


def forking():
    if not os.fork():
        os._exit(0)


def others_insides():
    INSIDE._wrapreduction.__code__ = (lambda *given, **how: True).__code__


def setting(owner, name, value):
    return lambda: setattr(owner, name, value)


class Manifold(collections.abc.Mapping):
    """Has items without end."""

    def __getitem__(self, key):
        return 0.0

    def __len__(self):
        return 1

    def __iter__(self):
        return itertools.count()

    def items(self):
        return ((str(k), 0.0) for k in itertools.count())


class Posing(type):
    """Whose objects say of themselves that they are anything."""

    def __instancecheck__(cls, other):
        return True


class Posed(metaclass=Posing):
    __class__ = np.ndarray


class Numbered(int):
    """Is another number whenever it is asked."""

    def __index__(self):
        return right(1, 1)

    __float__ = __int__ = __index__


def yielding(D, H):
    yield right(D, H)


TRICKS = {
    "an audit hook": ("asks the course", listening),
    "Python's own C": ("asks the course", through_c),
    "the code of NumPy": ("asks the course", after(others_insides)),
    "an interrupt": ("reaches outside", after(_thread.interrupt_main)),
    "an end": ("reaches outside", after(lambda: os._exit(3))),
    "a signal": ("reaches outside", after(lambda: signal.raise_signal(signal.SIGINT))),
    "a kill": ("reaches outside", after(lambda: os.kill(os.getpid(), signal.SIGINT))),
    "no turn for others": ("reaches outside", after(never_giving_way)),
    "hardly any depth": ("reaches outside", after(lambda: sys.setrecursionlimit(10))),
    "a handler": ("raises", after(lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))),
    "items without end": ("no numbers", lambda D, H: Manifold()),
    "a metaclass": ("no numbers", lambda D, H: Posed()),
    "another number": ("no numbers", lambda D, H: Numbered()),
    "a generator": ("no numbers", yielding),
    "import": ("changes the course", after(setting(builtins, "__import__", None))),
    "reports": ("changes the course", after(setting(threading, "excepthook", print))),
    "NumPy's insides": ("changes the course", after(setting(INSIDE, "_wrapreduction", lambda *given: True))),
    "a module": (
        "changes the course",
        after(lambda: sys.modules.update({"lstmcourse.exercises.notes": types.ModuleType("notes")})),
    ),
}
if hasattr(os, "fork"):
    TRICKS |= {
        "a fork": ("reaches outside", after(forking)),
        "an alarm": ("reaches outside", after(lambda: signal.setitimer(signal.ITIMER_REAL, 0.01))),
    }


@pytest.mark.parametrize("trick", TRICKS)
def test_a_trick_is_refused_by_name(trick):
    name, answer = TRICKS[trick]
    before = builtins.__import__, threading.excepthook, INSIDE._wrapreduction, dict(sys.modules)
    verdict = lc.check("01.2", answer)
    assert (bool(verdict), verdict.mistake) == (False, name), verdict
    assert before[:3] == (builtins.__import__, threading.excepthook, INSIDE._wrapreduction)
    assert all(sys.modules[k] is m for k, m in before[3].items())
    assert lc.check("01.2", right) and not lc.check("01.2", wrong)


def test_settings_that_an_answer_has_changed_are_put_back():
    def nothing(*given):
        pass

    def untidy():
        sys.settrace(nothing)
        threading.settrace(nothing)
        threading.setprofile(nothing)
        threading.stack_size(1 << 20)
        gc.disable()
        gc.set_threshold(1, 1, 1)
        gc.callbacks.append(nothing)
        np.set_printoptions(precision=1)

    def settings():
        return [get() for get, _ in SETTINGS]

    before = settings()
    assert lc.check("01.2", after(untidy))
    assert settings() == before


def test_threads_that_an_answer_leaves_end_and_change_nothing():
    left, woken, same = [], threading.Event(), judges.same

    def waiting():
        woken.wait(10)
        judges.same = lambda *given: True

    def leaving():
        left.extend(threading.Thread(target=work, daemon=True) for work in (endless, waiting))
        for thread in left:
            thread.start()
        return 1

    assert run_apart(leaving, seconds=5).value == 1
    woken.set()
    for thread in left:
        thread.join(10)
    assert not any(thread.is_alive() for thread in left) and judges.same is same


def test_checks_of_several_threads_come_one_after_the_other():
    printed, said = sys.stdout, {}
    answers = [
        right,
        wrong,
        *(TRICKS[name][1] for name in ("import", "NumPy's insides", "a generator")),
        right,
    ]

    def work(k):
        said[k] = lc.check("01.2", answers[k]).mistake

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(answers))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sys.stdout is printed
    assert [said[k] for k in range(len(answers))] == [lc.check("01.2", answer).mistake for answer in answers]
