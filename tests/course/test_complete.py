"""The program that completes code: what it writes, and what it says of what it cannot read."""

import io
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from lstmcourse import coder, complete
from lstmcourse.complete import main

PROGRAM = "import os\n\n\ndef read(path):\n    "


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PROGRAM)
    return str(path)


def test_it_writes_what_the_coder_writes(file, capsys):
    for arguments, options in (
        ([], {"temperature": 0.5}),
        (["--temperature", "1", "--seed", "3"], {"temperature": 1, "rng": 3}),
        (["--beam", "2"], {"beam": 2}),
    ):
        assert main([file, "--length", "30", *arguments]) == 0
        assert capsys.readouterr().out == coder.complete(PROGRAM, 30, **options) + "\n"


def test_standard_input_is_read_and_line_ends_and_marks_are_plain(monkeypatch, capsys):
    content = b"\xef\xbb\xbf" + PROGRAM.replace("\n", "\r\n").encode()
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    assert main(["-", "--length", "20"]) == 0
    assert capsys.readouterr().out == coder.complete(PROGRAM, 20) + "\n"


@pytest.mark.parametrize(
    ("content", "arguments", "words"),
    [
        (None, [], "cannot be read: No such file"),
        (b"", [], "is empty"),
        (b" \n\n", [], "is empty"),
        (b"\x7fELF\x00\x01", [], "is no text in UTF-8"),
        (b"caf\xe9 = 1", [], "is no text in UTF-8"),
        (b"a = 1", ["--length", "-1"], "length=-1"),
        (b"a = 1", ["--length", "many"], "invalid int value"),
        (b"a = 1", ["--beam", "0"], "beam=0"),
        (b"a = 1", ["--temperature", "-1"], "temperature=-1"),
        (b"a = 1", ["--temperature", "nan"], "temperature=nan"),
        (b"a = 1", ["--seed", "-1"], "rng=-1"),
        (b"a = 1", ["--beam", "2", "--temperature", "1"], "not allowed with"),
    ],
)
def test_what_cannot_be_completed_is_told(content, arguments, words, tmp_path, capsys):
    path = tmp_path / "mine.py"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SystemExit) as ended:
        main([str(path), *arguments])
    said = capsys.readouterr()
    assert ended.value.code == 2 and words in said.err and not said.out and "Traceback" not in said.err


def test_a_folder_is_no_program(tmp_path, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path)])
    assert "cannot be read: Is a directory" in capsys.readouterr().err


def test_it_runs_from_the_terminal(file):
    command = [sys.executable, "-m", "lstmcourse.complete"]
    done = subprocess.run([*command, file, "--length", "20"], capture_output=True, text=True, check=True)
    assert done.stdout == coder.complete(PROGRAM, 20) + "\n" and not done.stderr
    said = subprocess.run([*command, "nothing.py"], capture_output=True, text=True)
    assert said.returncode == 2 and "nothing.py" in said.stderr and "Traceback" not in said.stderr


def test_what_has_no_end_is_not_read_to_it(capsys, monkeypatch):
    monkeypatch.setattr(complete, "MOST", 1000)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b"\xe2\x82\xac" * 400)))
    for name in ("/dev/zero", "-") if os.path.exists("/dev/zero") else ("-",):
        with pytest.raises(SystemExit):
            main([name])
        assert "has more than 1,000 bytes" in capsys.readouterr().err
