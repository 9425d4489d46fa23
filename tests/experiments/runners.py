"""A study of slow trials, runners of it in other processes, and what can be known of them."""

import json
import os
import subprocess
import sys
import textwrap
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def results_in(journal):
    """The trials whose results a journal holds."""
    ops = [json.loads(line) for line in journal.read_text().splitlines() if line.endswith("}")]
    held = [op[name] for op in ops for name in ("user_attr", "user_attrs") if name in op]
    return [attributes["result"] for attributes in held if "result" in attributes]


SLOW = """
    import os, pathlib, time
    from lstmcourse.experiments import Interval, experiment, grid

    def say(*words):
        with open(pathlib.Path(__file__).with_name("said"), "a") as f:
            print(*words, file=f)

    @experiment(points=grid(n=range({count})), seeds=[0], agree={{"y": Interval(0.1)}})
    def slow(n, *, seed):
        say("start", n, os.getpid())
        time.sleep({pause})
        return {{"y": n / 3}}
"""
START = """
import signal, sys
import slow_study
from lstmcourse.experiments.__main__ import main

if __name__ == "__main__":
    # SIGINT is ignored in what a shell starts in the background, and in what that starts
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(["slow", *sys.argv[1:]]))
"""


class Slow:
    """A study in a file, runners of it in other processes, and what is known of their trials and workers."""

    def __init__(self, folder, count=10, pause=0.3):
        self.folder, self.data, self.count = folder, folder / "data", count
        text = textwrap.dedent(SLOW).format(count=count, pause=pause)
        (folder / "slow_study.py").write_text(text)
        (folder / "start.py").write_text(START)
        (folder / "said").touch()

    def start(self, *arguments, by=(sys.executable,), **more):
        """Start a runner; with `by` in another way than as a process of Python's."""
        paths = os.pathsep.join([str(ROOT), str(self.folder), os.environ.get("PYTHONPATH", "")])
        return subprocess.Popen(
            [*by, str(self.folder / "start.py"), "--data", str(self.data), *arguments],
            cwd=ROOT,
            text=True,
            env=os.environ | {"PYTHONPATH": paths},
            **more,
        )

    def noted(self):
        """Trials in the journal."""
        return [r["point"]["n"] for p in self.folder.rglob("slow-*.jsonl") for r in results_in(p)]

    def started(self):
        """(Trial, process) of every start."""
        return [tuple(map(int, line.split()[1:])) for line in (self.folder / "said").read_text().splitlines()]

    def workers(self, since=0):
        """Processes that measured a trial, from one of the starts on, and are there."""
        return {pid for _, pid in self.started()[since:] if is_there(pid)}


def is_there(pid):
    try:
        os.kill(pid, 0)
        return f"{pid} (" not in (text := Path(f"/proc/{pid}/stat").read_text()) or " Z " not in text
    except (ProcessLookupError, FileNotFoundError):
        return False


def until(condition, seconds=240):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
