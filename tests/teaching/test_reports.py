"""What a class has solved, as text, as CSV and as a page; and the command that writes them."""

import csv
import html.parser
import io
import re
import subprocess
import sys
from pathlib import Path

import pytest
from classroom import hand_in, worked
from colours import contrast

from lstmcourse import UnknownNameError
from lstmcourse.teaching import Grades, Row, page, sheet, table
from lstmcourse.teaching.__main__ import main

LESSON = "05_forget_gate"
BAD = '<script>alert(1)</script><!-- notes --> "\x1b[31m'


def row(student, id, verdict, message="", file="05.ipynb"):
    return Row(student, LESSON, id, f"Title of {id}", verdict, 5, 2, message, file)


GRADES = Grades(
    (
        row("Ada", "05.1", "solved", "That is it."),
        row("Ada", "05.2", "wrong: no bias", "The bias is missing."),
        row("Kurt", "05.1", "error: NameError: x", BAD),
        row("Kurt", "05.2", "wrong: no bias", "The bias is missing."),
        row("=1+1", "05.1", "time ran out", "It took more than 3 s."),
        row("=1+1", "05.2", "wrong: the sign", "The sign is turned."),
        row(BAD, "05.1", "not answered"),
        row(BAD, "05.2", "solved"),
    ),
    ("Kurt: a.ipynb: left out",),
)


def test_table():
    grades = Grades(tuple(r for r in GRADES.rows if r.student != BAD), GRADES.notes)
    text = table(grades).replace(BAD.replace("\x1b", "?"), "it failed")
    assert text == (
        "05_forget_gate                05.1  05.2  solved\n"
        "Ada                              +     x  1 of 2\n"
        "Kurt                             !     x  0 of 2\n"
        "=1+1                             t     x  0 of 2\n"
        "solved                           1     0\n"
        "\n"
        "+ solved, x wrong, ! error, t time ran out, . not answered\n"
        "\n"
        "05.1 Title of 05.1\n"
        "   1  error: NameError: x\n"
        "      it failed\n"
        "   1  time ran out\n"
        "      It took more than 3 s.\n"
        "\n"
        "05.2 Title of 05.2\n"
        "   2  wrong: no bias\n"
        "      The bias is missing.\n"
        "   1  wrong: the sign\n"
        "      The sign is turned.\n"
        "\n"
        "Kurt: a.ipynb: left out"
    )


def test_a_terminal_is_given_nothing_to_obey():
    assert "\x1b" not in table(GRADES)


def test_sheet():
    rows = list(csv.reader(io.StringIO(sheet(GRADES))))
    assert rows[0] == ("student lesson exercise title verdict minutes difficulty message file".split())
    first = ["Ada", LESSON, "05.2", "Title of 05.2", "wrong: no bias", "5", "2"]
    assert rows[2] == [*first, "The bias is missing.", "05.ipynb"]
    assert len(rows) == 9 and {len(r) for r in rows} == {9}
    assert rows[5][0] == "'=1+1"  # a text, not a formula


def test_no_field_of_the_sheet_is_a_formula_however_it_is_divided():
    hostile = ("x;=1+1; -2", " @a", "\uff1d1", "a = b; c - d")
    made = sheet(Grades((row("Ada", "05.1", *hostile[:2]), row("Kurt", "05.1", *hostile[2:]))))
    fields = [field for line in csv.reader(io.StringIO(made)) for field in line]
    for field in ("x;'=1+1; '-2", " '@a", "'\uff1d1", "a = b; c - d"):
        assert field in fields


class Read(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.open, self.cells, self.table = [], [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in ("meta", "link"):
            self.open.append(tag)
        if tag == "tr":
            self.cells.append([])
        if tag in ("td", "th"):
            self.cells[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if {"td", "th"} & set(self.open):
            self.cells[-1][-1] += data


def test_page_is_whole_and_escaped():
    text = page(GRADES, BAD)
    read = Read(text)
    assert read.open == [] and "script" not in read.tags
    assert not re.search(r"https?:|src=|@import|url\(", text)  # it needs nothing else
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&lt;!-- notes --&gt;" in text
    assert text.count("<!--") == 0
    heads, ids, *rows = read.cells[:7]
    assert heads == ["Student", "Solved", LESSON] and ids == ["05.1", "05.2"]
    assert [r[1] for r in rows] == ["1", "0", "0", "1", "2"] and rows[-1][2:] == ["1", "1"]
    assert rows[0][2] == "\u2713"
    assert rows[0][3] == "\u2717Ada, 05.2 Title of 05.2: wrong: no bias. The bias is missing."
    made = [r for r in read.cells[7:] if r[0].isdigit()]
    assert [(r[0], r[1], r[3]) for r in made] == [
        ("1", "error: NameError: x", "Kurt"),
        ("1", "time ran out", "=1+1"),
        ("2", "wrong: no bias", "Ada, Kurt"),
        ("1", "wrong: the sign", "=1+1"),
    ]


def test_every_mark_differs_without_its_colour():
    from lstmcourse.teaching.report import MARKS, SIGNS

    assert len(set(MARKS.values())) == len(set(SIGNS.values())) == len(MARKS) == 5
    assert all(mark.isascii() for mark in MARKS.values())


def test_words_stand_out_in_both_themes():
    text = page(GRADES)
    for theme in (text, text[text.index("prefers-color-scheme") :]):
        colour = {name: re.search(rf"--{name}: (#\w+)", theme)[1] for name in COLOURS}
        for on in ("page", "solved", "wrong", "stopped"):
            assert contrast(colour["ink"], colour[on]) >= 7, on
        assert contrast(colour["quiet"], colour["page"]) >= 4.5
        assert contrast(colour["link"], colour["page"]) >= 4.5
        assert contrast(colour["tip"], colour["tip-ink"]) >= 7


COLOURS = "ink page quiet solved wrong stopped tip tip-ink link".split()


def test_a_class_without_mistakes_has_none():
    text = page(Grades((row("Ada", "05.1", "solved"),)))
    assert "<p>There are none.</p>" in text and "Left out" not in text
    assert "1 students" not in text


# The command


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hand_in(tmp_path / "class" / "Ada" / "05.ipynb", worked("05", {"05.2": "prediction = 'nothing changes'"}))
    return tmp_path


def test_the_command_prints_a_table_and_writes_two_files(place, capsys):
    assert main(["grade", "class", "--lessons", "5", "--out", "out/week 2", "--workers", "1"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines()[:2] == [
        "05_forget_gate                05.1  05.2  05.3  05.4  05.5  05.6  solved",
        "Ada                              .     x     .     .     .     .  0 of 6",
    ]
    assert said.err == ""
    text = (place / "out" / "week 2.csv").read_text(encoding="utf-8-sig")
    rows = list(csv.reader(text.splitlines()))
    assert rows[2][:5] == ["Ada", LESSON, "05.2", "Nothing may be forgotten", "wrong: nothing changes"]
    assert "<title>Grades: class</title>" in (place / "out" / "week 2.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "given, said",
    [
        (["no such"], "folder='{}no such': there is none; give the folder that holds one folder, or one zip"),
        (["a file"], "folder='{}a file': it is no folder; give"),
        (["empty"], "folder='{}empty': it holds no folder and no zip; give"),
        (
            ["class", "--lessons", "99"],
            "lessons='99': no lesson with exercises has this number: there are: '01'",
        ),
        (
            ["class", "--lessons", "04bb"],
            "lessons='04bb': no lesson with exercises has this number: did you mean '04b'?",
        ),
        (
            ["class", "--seconds", "0"],
            "--workers 0 --seconds 0 --memory 2048: workers are 0 or more, the others",
        ),
        (
            ["class", "--seconds", "nan"],
            "--workers 0 --seconds nan --memory 2048: workers are 0 or more, the",
        ),
        (
            ["class", "--course", "empty"],
            "course='{}empty': the course's lessons are not there; give the folder",
        ),
        (["class", "--out", "a file/report"], "a file"),
    ],
)
def test_bad_input_is_said_with_the_rule_and_what_to_do(place, capsys, given, said):
    (place / "a file").write_text("")
    (place / "empty").mkdir()
    with pytest.raises(SystemExit) as end:
        main(["grade", *given])
    assert end.value.code == 2
    err = " ".join(capsys.readouterr().err.split())
    assert re.search(re.escape(said).replace(r"\{\}", "[^']*"), err), err
    assert "Traceback" not in err


def test_it_runs_as_a_program(place):
    root, command = Path(__file__).resolve().parents[2], [sys.executable, "-m", "lstmcourse.teaching"]
    given = ["grade", str(place / "class"), "--out", str(place / "r")]
    done = subprocess.run([*command, *given], capture_output=True, text=True, cwd=root)
    assert (done.returncode, done.stderr) == (0, "")
    assert "wrong: nothing changes" in done.stdout and (place / "r.html").is_file()
    assert done.stdout.isascii()


def test_who_was_not_graded_is_said():
    with pytest.raises(UnknownNameError, match="student='Adam': it was not graded: did you mean 'Ada'?"):
        GRADES.row("Adam", "05.1")
    with pytest.raises(UnknownNameError, match="exercise='05.3': it was not graded: did you mean '05.2'?"):
        GRADES.row("Ada", "05.3")
