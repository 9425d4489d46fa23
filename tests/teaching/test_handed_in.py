"""What a class has handed in is read: folders and zips, whatever is in them."""

import json
import os
import struct
import zipfile

import pytest
from classroom import code, hand_in

from lstmcourse import FileError
from lstmcourse.teaching import handed_in
from lstmcourse.teaching.handed_in import plain, read, students

SMALL = {"cells": [code("x = 1")]}


def only(folder):
    (student,), beside = students(folder)
    assert beside == []
    return [n.name for n in student.notebooks], list(student.left_out)


def test_notebooks_are_found_in_all_folders_but_those_that_are_not_theirs(tmp_path):
    for archive in ("Ada", "Kurt.zip"):
        for place in (
            "b.ipynb", "a/c.IPYNB", "a/b/d.ipynb", "a/.ipynb_checkpoints/e.ipynb", ".venv/f.ipynb",
            "__MACOSX/g.ipynb", "solutions/h.ipynb", ".i.ipynb", "j.txt",
        ):  # fmt: skip
            hand_in(tmp_path / archive / place, SMALL)
    (tmp_path / ".git").mkdir()
    (tmp_path / "__MACOSX").mkdir()
    ada, kurt = students(tmp_path)[0]
    assert (ada.name, kurt.name) == ("Ada", "Kurt")
    assert sorted(n.name for n in ada.notebooks) == ["a/b/d.ipynb", "a/c.IPYNB", "b.ipynb"]
    assert sorted(n.name for n in kurt.notebooks) == ["a/b/d.ipynb", "a/c.IPYNB", "b.ipynb"]


def test_a_folder_and_a_zip_of_one_name_are_told_apart(tmp_path):
    hand_in(tmp_path / "Ada" / "a.ipynb", SMALL)
    hand_in(tmp_path / "Ada.zip" / "a.ipynb", SMALL)
    assert [s.name for s in students(tmp_path)[0]] == ["Ada", "Ada (2)"]
    hand_in(tmp_path / "Ada (2)" / "a.ipynb", SMALL)
    assert [s.name for s in students(tmp_path)[0]] == ["Ada", "Ada (2)", "Ada (3)"]


def test_a_zip_in_a_folder_is_read_as_learning_platforms_hand_them_out(tmp_path):
    hand_in(tmp_path / "Ada_1234_file_" / "homework.zip" / "week 1" / "a.ipynb", SMALL)
    assert only(tmp_path) == (["homework.zip/week 1/a.ipynb"], [])


def test_what_is_not_read_is_named(tmp_path):
    (tmp_path / "Ada").mkdir()
    (tmp_path / "Kurt.7z").write_bytes(b"7z")
    (student,), beside = students(tmp_path)
    assert student.left_out == ("no notebook was found",)
    assert beside == ["Kurt.7z is no student's folder or zip, and is left out"]


@pytest.mark.parametrize("packed", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_what_unpacks_without_a_limit_is_not_unpacked(tmp_path, packed):
    with zipfile.ZipFile(tmp_path / "Ada.zip", "w", packed) as file:
        file.writestr("a.ipynb", json.dumps(SMALL))
        file.writestr("b.ipynb", json.dumps(SMALL), zipfile.ZIP_DEFLATED)
    assert only(tmp_path) == (["b.ipynb"], ["a.ipynb: it cannot be unpacked (BadZipFile): left out"])


def test_a_zip_is_not_unpacked(tmp_path):
    names = ["../../out.ipynb", "/absolute.ipynb", "a\\b.ipynb"]
    for name in names:
        with zipfile.ZipFile(tmp_path / "Ada.zip", "a") as file:
            file.writestr(name, json.dumps(SMALL))
    assert sorted(only(tmp_path)[0]) == sorted(n for n in names if not n.startswith(".."))
    assert os.listdir(tmp_path) == ["Ada.zip"]


@pytest.mark.parametrize(
    "content, said",
    [
        (b"", "it cannot be read as a notebook (JSONDecodeError)"),
        (b"[]", "it cannot be read as a notebook (TypeError)"),
        (b"{}", "it cannot be read as a notebook (KeyError)"),
        (b'{"cells": 3}', "it cannot be read as a notebook (TypeError)"),
        (b'{"cells": [3]}', "it cannot be read as a notebook (AttributeError)"),
        (b'{"cells": [{"cell_type": "code"}]}', "it cannot be read as a notebook (KeyError)"),
        (b'{"cells": [{"cell_type": "code", "source": [1]}]}', "it cannot be read as a notebook (TypeError)"),
        (b"\xff\xfe\xff", "it cannot be read as a notebook (UnicodeDecodeError)"),
        (b'{"cells":' + b"[" * 100_000, "it cannot be read as a notebook (RecursionError)"),
        (json.dumps({"cells": [code("x" * (1 << 20) + "y")]}).encode(), "its cells hold more than 1,048,576"),
    ],
)
def test_what_is_no_notebook_is_refused(content, said):
    with pytest.raises(FileError) as error:
        read(content, "a.ipynb")
    assert str(error.value).startswith(said)


def test_odd_metadata_does_no_harm():
    odd = code("x", metadata={"tags": "exercise", "exercise": 5}, id=7)
    (cell,) = read(json.dumps({"cells": [odd]}).encode(), "a").cells
    assert (cell.tags, cell.exercise, cell.id) == (frozenset(), "", "7")
    (cell,) = read(json.dumps({"cells": [code("x", metadata=None)]}).encode(), "a").cells
    assert cell.source == "x"


def test_one_bad_file_costs_itself_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(handed_in, "LARGEST", 1000)
    for archive in ("Ada", "Kurt.zip"):
        hand_in(tmp_path / archive / "a.ipynb", SMALL)
        hand_in(tmp_path / archive / "b.ipynb", {"cells": [code("x" * 2000)]})
        hand_in(tmp_path / archive / "c.ipynb", "{")
    for student in students(tmp_path)[0]:
        assert [n.name for n in student.notebooks] == ["a.ipynb"]
        assert student.left_out == (
            "b.ipynb: it has more than 0 MB: left out",
            "c.ipynb: it cannot be read as a notebook (JSONDecodeError): left out",
        )


def test_there_is_a_most(tmp_path, monkeypatch):
    monkeypatch.setattr(handed_in, "MOST", 2)
    for archive in ("Ada", "Kurt.zip"):
        for name in "abc":
            hand_in(tmp_path / archive / f"{name}.ipynb", SMALL)
    for student in students(tmp_path)[0]:
        assert [n.name for n in student.notebooks] == ["a.ipynb", "b.ipynb"]
        (said,) = student.left_out
        assert "there are more than 2 notebooks" in said


def test_a_damaged_or_encrypted_zip(tmp_path):
    hand_in(tmp_path / "Ada.zip" / "a.ipynb", SMALL)
    hand_in(tmp_path / "Ada.zip" / "b.ipynb", SMALL)
    path = tmp_path / "Ada.zip"
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 8 : at + 10] = struct.pack("<H", 1)  # the first file is marked as encrypted
    path.write_bytes(content)
    names, left_out = only(tmp_path)
    assert names == ["b.ipynb"] and left_out == ["a.ipynb: it cannot be unpacked (RuntimeError): left out"]
    path.write_bytes(content[:-30])
    assert only(tmp_path) == ([], ["Ada.zip: it cannot be opened as a zip (BadZipFile): left out"])


@pytest.mark.skipif(not hasattr(os, "symlink") or os.name == "nt", reason="links need rights there")
def test_links_lead_nowhere(tmp_path):
    secret = tmp_path / "elsewhere.ipynb"
    secret.write_text(json.dumps(SMALL))
    ada = tmp_path / "class" / "Ada"
    ada.mkdir(parents=True)
    (ada / "a.ipynb").symlink_to(secret)
    (ada / "round").symlink_to(ada)
    assert only(tmp_path / "class") == ([], ["a.ipynb: it is a link, or no file: left out"])
    os.mkfifo(ada / "b.ipynb")  # to open it would wait for ever
    assert len(only(tmp_path / "class")[1]) == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_closed_folder_is_said(tmp_path):
    (tmp_path / "Ada" / "closed").mkdir(parents=True)
    (tmp_path / "Ada" / "closed").chmod(0)
    assert only(tmp_path) == ([], ["closed: it cannot be read (Permission denied): left out"])


def test_names_are_made_plain():
    assert plain("A\x1b[2J\nda\u202eb\udcff") == "A?[2J?da?b?"
    assert plain("Zo\u00eb \u674e") == "Zo\u00eb \u674e"
