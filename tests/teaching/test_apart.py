"""An answer runs in a process of its own, and whatever it does, a verdict comes back."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from classroom import hand_in, worked

from lstmcourse.teaching import Limits
from lstmcourse.teaching.apart import judged
from lstmcourse.teaching.lesson import Answer

RIGHT = "prediction = 'all three suffer'"
FORK = "forkserver" in multiprocessing.get_all_start_methods()


def verdict(source, before=(), seconds=30, megabytes=1024):
    return judged(Answer(tuple(before), source, "prediction"), "05.2", Limits(seconds, megabytes))[0]


@pytest.mark.parametrize(
    "source, said",
    [
        (RIGHT, "solved"),
        ("prediction = 'nothing changes'", "wrong: nothing changes"),
        ("prediction = ...", "not answered"),
        ("", "error: NameError: prediction"),
        ("raise KeyboardInterrupt", "error: KeyboardInterrupt"),
        ("class A(BaseException):\n    def __str__(self):\n        raise self\nraise A", "error: A"),
        ("def f():\n    f()\nf()", "error: RecursionError"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGTERM)", "error: the process ended"),
        ("import ctypes\nctypes.string_at(0)", "error: the process ended"),
        ("open('/dev/tty').read()", "error: OSError"),
        (f"open('large', 'wb').write(bytes(1 << 29))\n{RIGHT}", "error: OSError"),
        (f"%matplotlib inline\nimport matplotlib.pyplot as plt\nplt.show()\n{RIGHT}", "solved"),
        (f"import asyncio\nawait asyncio.sleep(0)\n{RIGHT}", "solved"),
        (f"import os\nos.chmod('.', 0)\n{RIGHT}", "solved"),
        (f"import os\nos.rmdir(os.getcwd())\n{RIGHT}", "solved"),
        (f"import builtins, json\nbuiltins.eval = json.dumps = print\n{RIGHT}", "solved"),
        ("prediction = '\ud800'", "error: UnicodeEncodeError"),
    ],
    ids=lambda text: ascii(text[:24]),
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="signals, limits and devices are Linux's")
def test_verdict(source, said):
    assert verdict(source) == said


def test_time_runs_out_whatever_is_done_against_it():
    deaf = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    pass"
    began = time.monotonic()
    assert verdict(deaf, seconds=2) == "time ran out"
    assert time.monotonic() - began < 10


def test_what_fails_before_the_answer_does_not_stop_it():
    assert verdict(RIGHT, before=["1 / 0", "prediction = ("]) == "solved"


@pytest.mark.skipif(not FORK, reason="there is no server to end")
def test_an_answer_that_ends_the_server_ends_only_itself():
    ending = "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nprediction = 'nothing changes'"
    assert verdict(ending) == "wrong: nothing changes"
    assert verdict(RIGHT) == "solved"


@pytest.mark.skipif(not FORK, reason="fork is needed")
def test_half_a_message_is_none():
    half = (
        "import gc, os\nfrom multiprocessing.connection import Connection\n"
        "for it in gc.get_objects():\n    if isinstance(it, Connection):\n"
        "        os.write(it.fileno(), bytes([0, 0, 1, 0]) + b'abc')\nimport time\ntime.sleep(60)"
    )
    assert verdict(half) == "error: the process ended"


@pytest.mark.skipif(not FORK, reason="it looks for what its process was given")
@pytest.mark.parametrize("message", ['["good", ""]', '["solved"]', "[" * 60_000])
def test_a_message_of_its_own_costs_that_answer_alone(message):
    sent = (
        "import gc, os\nfrom multiprocessing.connection import Connection\n"
        "for it in gc.get_objects():\n    if isinstance(it, Connection):\n"
        f"        it.send_bytes({message!r}.encode())\nos._exit(0)"
    )
    assert verdict(sent) == "error: the process ended"


def test_whatever_letters_an_answer_prints():
    assert verdict(f"print('\u03c3')\n{RIGHT}") == "solved"


@pytest.mark.skipif(not FORK, reason="signals differ")
def test_the_environment_stays_as_it_is():
    before = dict(os.environ)
    verdict(RIGHT)
    assert dict(os.environ) == before


@pytest.mark.long
@pytest.mark.skipif(not FORK, reason="signals differ")
def test_the_keyboard_stops_it_at_once(tmp_path):
    for name in ("Ada", "Kurt", "Grace"):
        hang = {"05.1": "while True: pass", "05.2": "while True: pass"}
        hand_in(tmp_path / "class" / name / "05.ipynb", worked("05", hang))
    # SIGINT is ignored in what a shell starts in the background, and in what that starts
    start = (
        "import signal, sys\nfrom lstmcourse.teaching.__main__ import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\nsys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", start, "grade", str(tmp_path / "class"), "--workers", "2"]
    root = Path(__file__).resolve().parents[2]
    out = ["--out", str(tmp_path / "report")]
    running = subprocess.Popen([*command, *out], cwd=root, start_new_session=True)
    time.sleep(12)  # till the first ones hang
    assert running.poll() is None
    began = time.monotonic()
    os.killpg(running.pid, signal.SIGINT)
    assert running.wait(30) == 130
    assert time.monotonic() - began < 10
    assert not list(tmp_path.glob("report*"))
