"""A class is graded: what each wrote is run, and what it claims is not believed."""

import json
import os
import tempfile
import time
from functools import partial
from pathlib import Path

import pytest
from classroom import NOTEBOOKS, asked, code, hand_in, lesson, solutions, worked

from lstmcourse.teaching import Limits, grade

SECONDS = 20
NAME = "=Zoe & 'co'"
SOLVED = solutions("05")

WRONG = {
    "05.1": "def left(x, h, C, W, U, b):\n    return C / (1 + np.exp(-(x @ W + h @ U)))",
    "05.2": "prediction = 'gender alone suffers'",
    "05.3": "weights = dict(b_f=-5, W_f=-10)",
    "05.4": "def bias(n):\n    return np.log(2 ** (1 / n) - 1)",
    "05.5": "def mean_gate(f, mask):\n    return f.mean((0, 1))",
    "05.6": "shares = [1.0, 1.0, 1.0]",
}
NAMED = {
    "05.1": "wrong: no bias",
    "05.2": "wrong: gender alone suffers",
    "05.3": "wrong: always shut",
    "05.4": "wrong: the sign",
    "05.5": "wrong: the mask forgotten",
    "05.6": "wrong: as trained",
}

HOSTILE = {
    "05.1": "while True:\n    pass",
    "05.2": "prediction = input('which?')",
    "05.3": "import sys\nsys.exit(0)",
    "05.4": "held = []\nwhile True:\n    held.append(np.ones(10**7))",
    "05.5": f"print('all of it' * 10**6)\n{SOLVED['05.5']}",
    "05.6": "import os\nos._exit(0)",
}
STOPPED = {
    "05.1": "time ran out",
    "05.2": "error: EOFError",
    "05.3": "error: SystemExit",
    "05.4": "error: MemoryError",
    "05.5": "solved",
    "05.6": "error: the process ended",
}

PATCHED = """import lstmcourse as lc
from lstmcourse.exercises import define, judges
from lstmcourse.exercises.verdict import Verdict
right = Verdict(True, "Right.")
lc.check = define.check = lambda *given: right
judges.Judge.__call__ = lambda *given: right
judges.Function.judged = judges.Choice.judged = judges.Behaviour.judged = lambda *given: right
object.__setattr__(define.get("05.2").judge, "right", "gender alone suffers")
"""

OUTWARDS = """import os, subprocess, sys, threading, time, webbrowser
import matplotlib.pyplot as plt
for number in range(10):
    open(f"{number}.txt", "w").write("mine")
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)  # of a student's"])
threading.Thread(target=time.sleep, args=(600,)).start()
plt.plot([1, 2]); plt.show()
webbrowser.open("http://localhost:1/")
os.chdir("/")
"""


def cheater():
    """Changes the course, and hands in outputs and a progress file that say that all is right."""
    notebook = worked("05", {id: f"{PATCHED}{source}" for id, source in WRONG.items()})
    for cell in asked(notebook).values():
        cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "Right"}, "metadata": {}}]
    return notebook


def unusual():
    """As JupyterLab would not save it: no ids, no metadata; with cells of the student's own."""
    notebook = worked("05", {})
    cells = notebook["cells"]
    by_id = asked(notebook)

    def above(id, *sources):
        at = next(k for k, cell in enumerate(cells) if cell is by_id[id])
        cells[at:at] = map(code, sources)

    helper = "from math import exp, tau as circle\n\ndef gate(z):\n    return 1 / (1 + np.exp(-z))"
    above("05.1", helper, "def left(x, h, C, W, U, b):\n    return gate(x @ W + h @ U + b) * C")
    by_id["05.1"]["source"] = 'lc.check("05.1", left)'
    by_id["05.2"]["source"] = 'lc.check("05.2", "all three suffer")'
    by_id["05.3"]["source"] = (
        '%%time\nmy = {"b_f": open_, "W_f": -2 * open_}\n\nverdict = lc.check("5.3", my)'
    )
    above("05.6", "open_ = 5.0", "raise SystemExit", "while True: pass")
    by_id["05.4"]["source"] = 'def bias(n):\n    pass\n\nlc.check("05.4", bias)\n'
    cells.append(code(SOLVED["05.4"]))
    by_id["05.5"]["source"] = "# I do not know\n" + "".join(by_id["05.5"]["source"])
    by_id["05.6"]["source"] = 'values = [1.0] * three\nlc.check("05.6", values)'
    for cell in cells:
        cell.pop("id", None)
        cell["metadata"] = {}
    return notebook


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    hand_in(folder / "Ada" / "week 2" / "homework.ipynb", worked("05", SOLVED))
    hand_in(folder / "Kurt.zip" / "handed in" / "05_forget_gate.ipynb", worked("05", WRONG))
    hand_in(folder / "Grace" / "05_forget_gate.ipynb", worked("05", HOSTILE))
    hand_in(folder / "Edsger" / "05_forget_gate.ipynb", cheater())
    (folder / "Edsger" / ".lstmcourse").mkdir()
    note = {"id": "05.1", "right": True, "mistake": "", "at": "2026-11-29T12:00:00+00:00"}
    (folder / "Edsger" / ".lstmcourse" / "answers.jsonl").write_text(json.dumps(note) + "\n")
    first = {"05.1": "def left(x", "05.2": WRONG["05.2"], "05.3": "weights = undefined", "05.4": "1 / 0"}
    again = {"05.2": SOLVED["05.2"], "05.3": WRONG["05.3"]}
    hand_in(folder / "Barbara" / "05_forget_gate.ipynb", worked("05", first))
    hand_in(folder / "Barbara" / "05_forget_gate-Copy1.ipynb", worked("05", again))
    hand_in(folder / "Barbara" / ".ipynb_checkpoints" / "05-checkpoint.ipynb", worked("05", SOLVED))
    hand_in(folder / "Alan" / "05_forget_gate.ipynb", lesson("05"))
    hand_in(folder / "Alan" / "solutions" / "05_forget_gate.ipynb", worked("05", SOLVED))
    hand_in(folder / "Alan" / "mine.ipynb", lesson("05", NOTEBOOKS / "solutions"))
    hand_in(folder / "Alan" / "broken.ipynb", '{"cells": [')
    hand_in(folder / "Alan" / "other.ipynb", {"cells": [code("x = 1")]})
    hand_in(folder / "Donald" / "Untitled.ipynb", unusual())
    hand_in(folder / NAME / "05.ipynb", worked("05", {id: OUTWARDS + SOLVED[id] for id in ("05.1", "05.2")}))
    (folder / "Nobody.zip").write_bytes(b"no zip")
    hand_in(folder / "loose.ipynb", lesson("05"))
    return folder


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """Where the answers get their folders."""
    return tmp_path_factory.mktemp("own")


@pytest.fixture(scope="module")
def grades(place, own):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "TemporaryDirectory", partial(tempfile.TemporaryDirectory, dir=own))
        return grade(place, workers=2, limits=Limits(SECONDS, 1024))


def verdicts(grades, student):
    return {row.exercise: row.verdict for row in grades.rows if row.student == student}


def test_each_student_has_a_row_for_each_exercise(grades):
    names = [NAME, "Ada", "Alan", "Barbara", "Donald", "Edsger", "Grace", "Kurt", "Nobody"]
    assert grades.students == names
    assert [(r.student, r.exercise) for r in grades.rows] == [(n, id) for n in names for id in SOLVED]
    row = grades.row("Kurt", "05.4")
    assert (row.lesson, row.title, row.minutes, row.difficulty, row.file) == (
        "05_forget_gate",
        "A bias for a half-life",
        7,
        2,
        "handed in/05_forget_gate.ipynb",
    )


def test_right_answers_are_solved_wherever_the_notebook_lies(grades):
    assert verdicts(grades, "Ada") == dict.fromkeys(SOLVED, "solved")


def test_wrong_answers_are_called_by_their_mistake(grades):
    assert verdicts(grades, "Kurt") == NAMED


def test_what_an_answer_does_costs_that_exercise_alone(grades):
    assert verdicts(grades, "Grace") == STOPPED


def test_what_a_notebook_says_of_itself_is_not_believed(grades):
    assert verdicts(grades, "Edsger") == NAMED


def test_of_several_copies_the_best_answer_counts(grades):
    assert verdicts(grades, "Barbara") == {
        "05.1": "error: SyntaxError",
        "05.2": "solved",
        "05.3": "wrong: always shut",
        "05.4": "error: ZeroDivisionError",
        "05.5": "not answered",
        "05.6": "not answered",
    }
    assert grades.row("Barbara", "05.2").file == "05_forget_gate-Copy1.ipynb"


def test_an_untouched_lesson_is_not_answered(grades):
    assert verdicts(grades, "Alan") == dict.fromkeys(SOLVED, "not answered")


def test_cells_of_ones_own_are_found_where_they_are_needed(grades):
    assert verdicts(grades, "Donald") == {
        "05.1": "solved",
        "05.2": "solved",
        "05.3": "solved",
        "05.4": "solved",
        "05.5": "not answered",
        "05.6": "error: NameError: three",
    }


def test_what_an_answer_starts_and_writes_goes_with_it(grades, place, own):
    assert verdicts(grades, NAME) == {id: "solved" if id < "05.3" else "not answered" for id in SOLVED}
    assert not list(place.rglob("*.txt")) and not list(Path.cwd().glob("[0-9]*.txt"))
    assert not list(own.iterdir())
    if os.path.isdir("/proc"):
        time.sleep(0.5)
        assert not [p for p in os.listdir("/proc") if p.isdigit() and "of a student's" in arguments(p)]


def arguments(process):
    try:
        with open(f"/proc/{process}/cmdline", encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def test_what_is_left_out_is_said(grades):
    assert grades.notes == (
        "loose.ipynb is no student's folder or zip, and is left out",
        "Alan: broken.ipynb: it cannot be read as a notebook (JSONDecodeError): left out",
        "Alan: mine.ipynb: these are the course's solutions: left out",
        "Alan: other.ipynb: it is no lesson with exercises: left out",
        "Nobody: Nobody.zip: it cannot be opened as a zip (BadZipFile): left out",
    )


def test_mistakes_are_counted_the_most_frequent_first(grades):
    made = [(m.exercise, m.verdict, m.students) for m in grades.mistakes()]
    assert made[:3] == [
        ("05.1", "wrong: no bias", ("Edsger", "Kurt")),
        ("05.1", "error: SyntaxError", ("Barbara",)),
        ("05.1", "time ran out", ("Grace",)),
    ]
    assert ("05.3", "wrong: always shut", ("Barbara", "Edsger", "Kurt")) in made
    assert [m[0] for m in made] == sorted(m[0] for m in made)
    assert grades.solved("05.2") == 4
