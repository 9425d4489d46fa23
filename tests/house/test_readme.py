"""The README's tour runs, and so do the lines for those without make; its picture is the definition's."""

import doctest
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tools import picture

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tour_runs():
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False, encoding="utf-8")
    assert result.attempted >= 9 and result.failed == 0


def test_the_picture_is_current():
    assert picture.PICTURE.read_text(encoding="utf-8") == picture.text(), "run python -m tools.picture"


# without make


def commands():
    """The lines of the blocks that are typed into a terminal."""
    return [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()]


def one_liner(word):
    (code,) = [m[1] for line in commands() if (m := re.fullmatch(r'python -c "(.*)"', line)) and word in line]
    return code


def test_no_command_needs_a_shell_that_expands():
    for line in commands():
        assert line.isascii()
        if line.startswith(
            "python -c"
        ):  # what stands between the quotes is the same to cmd, PowerShell and sh
            assert line.count('"') == 2 and not set("$`%!^\\") & set(line)
        elif not line.startswith("make"):
            assert "*" not in line and "#" not in line


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the commands touch."""
    folder = tmp_path / "a folder"
    for name in ("notebooks", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_*"))
    return folder


def test_the_line_that_trusts_marks_every_notebook_with_the_solutions(checkout, tmp_path):
    env = {**os.environ, "JUPYTER_DATA_DIR": str(tmp_path / "data")}
    done = subprocess.run(
        [sys.executable, "-c", one_liner("Trust")], cwd=checkout, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    notebooks = {str(p.relative_to(checkout)) for p in (checkout / "notebooks").rglob("*.ipynb")}
    assert {line.partition(": ")[2] for line in done.stdout.splitlines()} == notebooks
    with closing(sqlite3.connect(tmp_path / "data" / "nbsignatures.db")) as db:
        (signed,) = db.execute("select count(*) from nbsignatures").fetchone()
    assert signed == len(notebooks) >= 6


def test_the_line_that_copies_settings_puts_them_where_make_lab_does(checkout, tmp_path, monkeypatch):
    monkeypatch.chdir(checkout)
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "env"))
    for _ in range(2):  # the second time the folder is there
        exec(one_liner("overrides"), {})
    (place,) = re.findall(r"cp tools/lab_overrides.json \$\(VENV\)/(\S+)", (ROOT / "Makefile").read_text())
    copied = tmp_path / "env" / place
    assert copied.read_bytes() == (ROOT / "tools" / "lab_overrides.json").read_bytes()
