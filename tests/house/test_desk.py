"""A learner's notebooks are copies: theirs to change, brought up to date, never lost, not seen by git."""

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import nbformat
import pytest

from tools import desk

ROOT = Path(__file__).resolve().parents[2]


def notebook(path, *sources):
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [nbformat.v4.new_code_cell(s, id=f"c{k}") for k, s in enumerate(sources)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


@pytest.fixture
def course(tmp_path):
    folder = tmp_path / "notebooks"
    notebook(folder / "00_start.ipynb", "1 + 1", "pass  # your turn")
    notebook(folder / "01_next.ipynb", "2 + 2")
    notebook(folder / "solutions" / "00_start.ipynb", "1 + 1", "3")
    return folder


def saved_by_lab(path):
    """As JupyterLab saves a notebook that was run: other metadata, outputs, one empty cell more."""
    read = nbformat.read(path, as_version=4)
    read.metadata["language_info"] = {"name": "python", "version": "3.12.1", "mimetype": "text/x-python"}
    for number, cell in enumerate(read.cells, start=1):
        cell.execution_count = number
        cell.outputs = [nbformat.v4.new_output("stream", text="2\n")]
    read.cells.append(nbformat.v4.new_code_cell("", id="last"))
    nbformat.write(read, path)


def answer(path, text="return 3"):
    read = nbformat.read(path, as_version=4)
    read.cells[-1].source = text
    nbformat.write(read, path)


def sources(path):
    return [
        c["source"] if isinstance(c["source"], str) else "".join(c["source"])
        for c in json.loads(path.read_text())["cells"]
    ]


def test_everything_is_copied_once(course, tmp_path):
    mine = tmp_path / "mine"
    assert desk.lay_out(course, mine) == ["3 notebooks laid out in mine/"]
    for path in course.rglob("*.ipynb"):
        assert (mine / path.relative_to(course)).read_bytes() == path.read_bytes()
    assert desk.lay_out(course, mine) == []


def test_what_was_only_run_is_brought_up_to_date(course, tmp_path):
    mine = tmp_path / "mine"
    desk.lay_out(course, mine)
    saved_by_lab(mine / "01_next.ipynb")
    run = (mine / "01_next.ipynb").read_bytes()
    assert desk.lay_out(course, mine) == [] and (mine / "01_next.ipynb").read_bytes() == run
    notebook(course / "01_next.ipynb", "2 + 3")
    assert desk.lay_out(course, mine) == ["1 notebooks laid out in mine/"]
    assert sources(mine / "01_next.ipynb") == ["2 + 3"]


def test_what_was_changed_is_kept_and_the_new_one_laid_beside_it(course, tmp_path):
    mine = tmp_path / "mine"
    desk.lay_out(course, mine)
    answer(mine / "00_start.ipynb")
    kept = (mine / "00_start.ipynb").read_bytes()
    assert desk.lay_out(course, mine) == []
    notebook(course / "00_start.ipynb", "1 + 2", "pass  # your turn")
    said = "00_start.ipynb has changed here and in the course: the new one is 00_start.new.ipynb"
    assert desk.lay_out(course, mine) == [said]
    assert (mine / "00_start.ipynb").read_bytes() == kept
    assert sources(mine / "00_start.new.ipynb") == ["1 + 2", "pass  # your turn"]
    assert desk.lay_out(course, mine) == []  # it is said once
    answer(mine / "00_start.new.ipynb", "return 4")
    notebook(course / "00_start.ipynb", "1 + 3", "pass  # your turn")
    assert desk.lay_out(course, mine) == [said.replace("start.new.", "start.new2.")]
    assert sources(mine / "00_start.new.ipynb")[-1] == "return 4"


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"00_start.ipynb": 3}'])
def test_without_a_record_nothing_is_overwritten(course, tmp_path, damage):
    mine = tmp_path / "mine"
    desk.lay_out(course, mine)
    answer(mine / "00_start.ipynb")
    (mine / desk.RECORD).write_text(damage)
    notebook(course / "00_start.ipynb", "new")
    desk.lay_out(course, mine)
    assert sources(mine / "00_start.ipynb")[-1] == "return 3"


@pytest.mark.parametrize("damage", [b"", b"\xff", b"{}", b"[]", b'{"cells": [1]}'])
def test_a_copy_that_cannot_be_read_is_the_learners(course, tmp_path, damage):
    mine = tmp_path / "mine"
    desk.lay_out(course, mine)
    (mine / "00_start.ipynb").write_bytes(damage)
    notebook(course / "00_start.ipynb", "new")
    desk.lay_out(course, mine)
    assert (mine / "00_start.ipynb").read_bytes() == damage


def test_copies_are_trusted_and_lab_asks_nothing(course, tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(desk.sys, "prefix", str(tmp_path / "env"))
    for _ in range(2):
        assert desk.main(["--course", str(course), "--folder", str(tmp_path / "mine")]) == 0
    with closing(sqlite3.connect(tmp_path / "data" / "nbsignatures.db")) as db:
        (signed,) = db.execute("select count(*) from nbsignatures").fetchone()
    assert signed == 3
    stored = tmp_path / "env" / "share" / "jupyter" / "lab" / "settings" / "overrides.json"
    assert json.loads(stored.read_text()) == json.loads((ROOT / "tools" / "lab_overrides.json").read_text())


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_git_sees_nothing_of_what_a_learner_does(tmp_path, course):
    git = lambda *words: (
        subprocess.run(  # noqa: E731
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words],
            cwd=tmp_path,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    )
    shutil.copy(ROOT / ".gitignore", tmp_path)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "the course")
    desk.lay_out(course, tmp_path / desk.FOLDER)
    saved_by_lab(tmp_path / desk.FOLDER / "00_start.ipynb")
    answer(tmp_path / desk.FOLDER / "01_next.ipynb")
    (tmp_path / desk.FOLDER / "my own.ipynb").write_text("{}")
    assert git("status", "--porcelain") == ""
