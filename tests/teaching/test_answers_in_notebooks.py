"""What of a notebook answers an exercise, and what has to run for it."""

import json

import pytest
from classroom import asked, code, lesson, solutions, worked

from lstmcourse import exercises
from lstmcourse.errors import FileError
from lstmcourse.teaching.handed_in import read
from lstmcourse.teaching.lesson import Answer, answer, as_handed_out, lessons, recognise
from lstmcourse.teaching.names import names
from tools.notebooks import _id

COURSE = lessons()


def notebook(made):
    return read(json.dumps(made).encode(), "05.ipynb")


def found(made, id, number="05"):
    return answer(notebook(made), COURSE[number], id)


@pytest.mark.parametrize(
    "source, gives, needs, changes",
    [
        ("x = y", "x", "y", ""),
        ("x = x + 1", "x", "x", ""),
        ("x += 1", "x", "x", "x"),
        ("x[0] = y", "", "x y", "x"),
        ("x.part.z = 1", "", "x", "x"),
        ("del x[0]", "", "x", "x"),
        ("x.append(1)", "", "x", "x"),
        ("y = x.mean()", "y", "x", ""),
        ("found = lc.fit(model, task)", "found", "lc model task", "model"),
        ("a, (b, *c) = d", "a b c", "d", ""),
        ("import a.b, c as d\nfrom e import f as g\nfrom h import *", "a d g *", "", ""),
        ("for k in rows:\n    total = k", "k total", "rows", ""),
        ("with open_(f) as g:\n    h = g", "g h", "open_ f", ""),
        ("try:\n    a = b\nexcept E as e:\n    c = e", "a c e", "b E", ""),
        ("y = (z := w)", "y z", "w", ""),
        ("x: int = y", "x", "int y", ""),
        ("x: int", "", "int", ""),
        ("def f(n: A, *m: B, k: C = d) -> D:\n    return n", "f", "A B C d D", ""),
        ("if a:\n    b = 1\nelse:\n    c = 2", "b c", "a", ""),
        ("def f(n=m):\n    return f(n - 1) + g(later)\nlater = 1", "f later", "m g", ""),
        ("f = lambda n: n + a", "f", "a", ""),
        ("y = [k * a for k in rows if k]", "y", "a rows", ""),
        ("z = [z * k for k in rows]", "z", "rows z", ""),
        ("y = {k: (lambda: later) for k in rows}\nlater = 1", "y later", "rows", ""),
        ("y = [(k, j) for k in k for j in range(k) if (z := j)]\nk", "y z", "k range", ""),
        ("y = {a: lambda b=a: a + b + c for a in d}", "y", "d c", ""),
        ("f = lambda n=m, *, k=j: [n for n in rows]", "f", "m j rows", ""),
        (
            "match x:\n    case [a, *b]:\n        c = a\n    case {'k': d} as e:\n        c = d",
            "a b c d e",
            "x",
            "",
        ),
        ("class A(B):\n    c = d\n    def e(self):\n        return g", "A", "B d g", ""),
        ("@lc.cell\ndef mine(x, h):\n    return lc.tanh(x) + own(h)", "mine", "lc own", ""),
        ("def f():\n    global total\n    total = 1", "f total", "", ""),
        ("print(f'{a:{b}}')", "", "print a b", ""),
        ("x = 1\nx[0] = 2\nx.append(3)", "x", "", ""),
    ],
)
def test_names(source, gives, needs, changes):
    found = names(source)
    given = [sorted(part) for part in (found.gives, found.needs, found.changes)]
    assert given == [sorted(text.split()) for text in (gives, needs, changes)]


@pytest.mark.parametrize(
    "source, imports, maybe, handed",
    [
        ("import a.b\nfrom c import d as e\nf = 1", "a e", "", ""),
        ("if a:\n    b = c = 1\nb = 2", "", "c", ""),
        ("try:\n    import a\nexcept ImportError:\n    b = 1\nfor k in c:\n    d = k", "a", "a b", ""),
        ("train(model, data[0].x, rate=r)\nprint(shown)\nkept = g(free)", "", "", "model data r"),
    ],
)
def test_what_names_are_like(source, imports, maybe, handed):
    found = names(source)
    given = [sorted(part) for part in (found.imports, found.maybe, found.handed)]
    assert given == [sorted(text.split()) for text in (imports, maybe, handed)]


def test_an_answer_runs_with_what_it_names_and_no_more():
    answered = found(worked("05", solutions("05")), "05.6")
    assert answered.before == (
        "from dataclasses import replace",
        "import numpy as np",
        "import lstmcourse as lc",
        "rows = lc.reader.rows(512)",  # and not the statement above it, which trains for half a minute
        "reader = lc.reader.load()",
        "gender, told = lc.reader.carrier(reader, 'gender')",
    )
    assert answered.given == "shares" and "lc.check" not in answered.source
    assert found(worked("05", {"05.3": "weights = {}"}), "05.3").before == ()


def test_a_lesson_is_known_by_its_exercises():
    for number, it in COURSE.items():
        assert recognise(notebook(lesson(number)), COURSE) == [it]
        bare = lesson(number)
        for cell in bare["cells"]:
            cell["metadata"] = {}
            cell.pop("id")
        assert recognise(notebook(bare), COURSE) == [it]
    assert recognise(notebook({"cells": [code("lc.check('99.1', x)"), code("x = ")]}), COURSE) == []
    both = {"cells": lesson("05")["cells"] + lesson("06")["cells"]}
    assert [it.number for it in recognise(notebook(both), COURSE)] == ["05", "06"]
    assert sum(len(it.asked) for it in COURSE.values()) == len(exercises.ids())


@pytest.mark.parametrize("number", COURSE)
def test_what_was_not_touched_is_not_answered(number):
    for edit in (str, lambda s: s + "\n", lambda s: f"# hm\n\n{s}", lambda s: s.replace("lc.check", "#")):
        made = lesson(number)
        for cell in asked(made).values():
            cell["source"] = edit("".join(cell["source"]))
        assert {found(made, id, number) for id in COURSE[number].asked} == {None}


def test_a_cell_that_is_gone_or_empty_is_not_answered():
    made = lesson("05")
    cells = asked(made)
    cells["05.2"]["source"] = "  \n"
    cells["05.3"]["source"] = '# weights = 1\nlc.check("05.3", weights)'
    made["cells"].remove(cells["05.4"])
    assert [found(made, id) for id in ("05.2", "05.3", "05.4")] == [None] * 3


def test_the_last_cell_that_asks_the_check_is_the_answer():
    made = worked("05", {"05.2": "prediction = 'one'"})
    made["cells"] += [
        code("lc.check('05.2', 'two')\nlc.check('05.2', 'three')"),
        code("lc.check('05.3', 'x')"),
    ]
    assert (found(made, "05.2").source, found(made, "05.2").given) == ("", "'three'")


def test_the_lessons_own_cells_are_the_courses():
    made = worked("05", {"05.2": "prediction = words[rows]\nlc.check('05.2', prediction)"})
    setup = next(c for c in made["cells"] if "setup" in c["metadata"].get("tags", []))
    setup["source"] = "".join(setup["source"]) + "\nnp = None\nwords = ['one']\nimport scipy"
    made["cells"] = [c for c in made["cells"] if "rows = lc" not in "".join(c["source"])]
    before = found(made, "05.2").before
    assert before == ("import lstmcourse as lc", "words = ['one']", "rows = lc.reader.rows(512)")


def test_what_a_cell_of_the_students_own_changes_is_changed():
    made = worked("05", {"05.2": "prediction = mine"})
    own = ["mine = ['a']", "other = 1", "mine.append('b')", "mine = ", "lc.use('numpy')"]
    made["cells"][1:1] = map(code, own)
    assert found(made, "05.2").before == ("mine = ['a']", "mine.append('b')")
    made["cells"][1:2] = [
        code("import math\nmine = ['a']"),
        code("math.tau(mine[0])"),
        code("math.nothing()"),
    ]
    before = found(made, "05.2").before
    assert before == ("import math\nmine = ['a']", "math.tau(mine[0])", "mine.append('b')")


def test_what_a_branch_may_give_is_sought_above_as_well_and_not_below():
    made = worked("05", {"05.2": "prediction = eps, free"})
    made["cells"][1:1] = [code("eps = 1"), code("if small:\n    eps = 2\n    free = 3")]
    made["cells"] += [code("eps = 4"), code("free = 5"), code("small = False")]
    assert found(made, "05.2").before == ("eps = 1", "if small:\n    eps = 2\n    free = 3", "small = False")


def test_a_name_of_python_that_is_used_below_for_something_else_is_not_taken_from_there():
    made = worked("05", {"05.2": "prediction = sum([helper])"})
    made["cells"] += [code("sum = 0"), code("helper = max([1])"), code("max = 2")]
    assert found(made, "05.2").before == ("helper = max([1])",)


def test_a_magic_that_is_a_comment_leaves_the_line_below_it():
    for text in ("# %%time\nprediction = 'one'", "x = 5  # by %%time\nprediction = 'one'"):
        assert found(worked("05", {"05.2": text}), "05.2").source == text
    assert found(worked("05", {"05.2": " %%time\nprediction = 'one'"}), "05.2").source == "prediction = 'one'"


def test_of_checks_in_a_cell_the_last_is_meant_however_deep_the_others_are():
    text = "for guess in 'ab':\n    print(lc.check('05.2', guess))\nlc.check('05.2', 'c')"
    assert found(worked("05", {"05.2": text}, drop_check=True), "05.2").given == "'c'"


@pytest.mark.filterwarnings("error")
def test_what_python_warns_of_in_a_cell_is_no_matter():
    made = worked("05", {"05.2": "prediction = '\\sigma'"})
    made["cells"].insert(1, code("title = '\\d' is 3"))
    assert found(made, "05.2").source == "prediction = '\\sigma'"


def test_a_course_that_is_damaged_says_where(tmp_path):
    (tmp_path / "05_forget_gate.ipynb").write_text(json.dumps(lesson("05")), encoding="utf-8")
    (tmp_path / "05_mine.ipynb").write_text(json.dumps(lesson("05")), encoding="utf-8")
    with pytest.raises(FileError, match="05_forget_gate and 05_mine both ask the exercises of lesson 05"):
        lessons(tmp_path)
    (tmp_path / "05_mine.ipynb").write_text("<<<<<<< HEAD", encoding="utf-8")
    with pytest.raises(FileError, match=r"the course's own '.*05_mine.ipynb': it cannot be read"):
        lessons(tmp_path)


def test_what_stands_below_is_found_where_nothing_above_gives_it():
    made = worked("05", {"05.2": "prediction = helper(1)"})
    made["cells"] += [code("base = 2"), code("def helper(n):\n    return base"), code("base = 3")]
    assert found(made, "05.2").before == ("base = 2", "def helper(n):\n    return base")


def test_names_by_star_are_taken_where_one_is_missing():
    made = worked("05", {"05.2": "prediction = sqrt(4)", "05.3": "weights = sum([1])"})
    made["cells"][1:1] = [code("from math import *")]
    assert found(made, "05.2").before == ("from math import *",)
    assert found(made, "05.3").before == ()


def test_what_is_no_python_is_said():
    assert found(worked("05", {"05.2": "prediction = ("}), "05.2").startswith("SyntaxError: ")
    deep = "(" * 5000 + ")" * 5000
    assert found(worked("05", {"05.2": f"prediction = {deep}"}), "05.2").startswith("SyntaxError: ")
    nul = found(worked("05", {"05.2": "prediction = '\0'"}), "05.2")
    assert nul.startswith(("ValueError: ", "SyntaxError: "))


def test_what_is_tried_below_an_answer_is_not_the_answer():
    made = worked("05", {"05.2": "prediction = 'one'"})
    at = made["cells"].index(asked(made)["05.2"])
    made["cells"][at + 1 : at + 1] = [code("prediction = 'two'"), code("prediction = (")]
    assert found(made, "05.2").source == "prediction = 'one'"
    made["cells"][at] = asked(lesson("05"))["05.2"]
    assert found(made, "05.2").source == "prediction = 'two'"


DEEP, LONG = "x = " + "1 + " * 5000 + "1", "y = 1\n" * 50_000
ODD = [
    "\ufeff",
    "\x0c x",
    "%%",
    "%",
    "!",
    "?",
    "x\\",
    '"""',
    "\ud800",
    "%%time",
    "lc.check(",
    DEEP,
    LONG,
    "  y",
]


def test_nothing_that_stands_in_a_cell_stops_the_others():
    text = "prediction = 'a\x0cb\u2028c'"
    made = worked("05", {"05.2": text})
    made["cells"][1:1] = map(code, ODD)
    assert found(made, "05.2").source == text


@pytest.mark.parametrize("source", ODD, ids=lambda s: ascii(s[:8]))
def test_whatever_stands_in_an_answer_is_run_or_refused(source):
    answered = found(worked("05", {"05.2": source}), "05.2")
    assert answered is None or isinstance(answered, Answer) or ": " in answered


def test_an_earlier_version_of_the_course_is_known_as_well():
    cell = lambda source: code(source, id=made_of("05_forget_gate", source), metadata={"tags": ["exercise"]})
    made = worked("05", {"05.2": "prediction = reader"})
    cells = asked(made)
    cells["05.4"].clear()
    cells["05.4"].update(cell('def biases(n):\n    pass  # your turn\n\n\nlc.check("05.4", biases)'))
    made["cells"].insert(0, cell("reader = lc.reader.train(seed=0)"))
    assert found(made, "05.4") is None
    assert found(made, "05.2").before == ("import lstmcourse as lc", "reader = lc.reader.load()")
    cells["05.4"]["source"] = cells["05.4"]["source"].replace("pass", "return n")
    assert found(made, "05.4").given == "biases"


def made_of(lesson, source):
    return _id(lesson, "code", source, 0)


@pytest.mark.parametrize("number", COURSE)
def test_every_cell_of_the_course_is_as_it_was_handed_out(number):
    assert all(as_handed_out(cell, COURSE[number].name) for cell in notebook(lesson(number)).cells)
