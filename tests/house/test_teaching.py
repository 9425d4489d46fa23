"""The lessons keep the rules of tools/teaching.py; each rule finds what breaks it."""

import json
import re
from dataclasses import replace
from types import SimpleNamespace

import nbformat
import pytest

from tools import guide, notebooks, teaching


@pytest.fixture(scope="module")
def lessons():
    return [teaching.lesson(source) for source in notebooks.sources(notebooks.FOLDER)]


@pytest.mark.parametrize("rule", [*teaching.LESSON, *teaching.COURSE])
def test_the_course_keeps(rule, lessons):
    found = list(teaching.problems(lessons, [rule]))
    assert not found, "\n".join(found)


@pytest.mark.parametrize("rule", teaching.EXEMPT)
def test_who_is_exempted_needs_it(rule, lessons):
    needless = [
        lesson.number
        for lesson in lessons
        if lesson.number in teaching.EXEMPT[rule]
        and rule in teaching.LESSON
        and not list(teaching.LESSON[rule](lesson))
    ]
    assert not needless, f"these keep the rule {rule}: take them out of EXEMPT in tools/teaching.py"


# A lesson that keeps every rule, and what breaks one.

TITLE = "# Small\n\n{} It takes about 10 minutes to read, and the exercises about 15 more."
TEXT = TITLE.format("word " * 90)


def markdown(text, **metadata):
    return nbformat.v4.new_markdown_cell(text, metadata=metadata)


def code(text, *html, tags=()):
    cell = nbformat.v4.new_code_cell(text, metadata={"tags": list(tags)})
    cell.outputs = [nbformat.v4.new_output("display_data", data={"text/html": h}) for h in html]
    return cell


def small(tmp_path, *more, first=TEXT, stem="01_small", solutions=()):
    cells = [markdown(first), *[code(f"{k}\n" * 4) for k in range(6)]]
    cells += [markdown(f"## {id}", exercise=id, tags=["exercise"]) for id in ("01.2", "01.1")]
    path = tmp_path / "notebooks" / f"{stem}.ipynb"
    return teaching.Lesson(stem, [*cells, *more], list(solutions), {path: [*cells, *more]})


def found(rule, *arguments, **options):
    return list(teaching.LESSON[rule](small(*arguments, **options)))


def test_a_small_lesson_keeps_every_rule(tmp_path, monkeypatch):
    monkeypatch.setattr(teaching, "LONGER", {})
    monkeypatch.setattr(teaching, "ASKED", (2, 6))
    assert list(teaching.problems([small(tmp_path)], teaching.LESSON)) == []


@pytest.mark.parametrize(
    ("rule", "cells", "says"),
    [
        ("reader", [code("x" * 80)], "cell 10 has a line of more than 79 characters: xxx"),
        ("reader", [code("  assert x")], "cell 10 asserts something: that stands in a cell tagged check"),
        ("reader", [code("show(alt='a')")], "cell 10 tells a figure in words: they stand in"),
        ("reader", [code("# seeds 0 to 4")], "cell 10 has what only the course's tests need"),
        ("reader", [code("lc.claim()\n" * 6)], "it has 6 boxes of claim, and 5 is the most"),
        ("length", [code("x\n" * 16)], r"1 cells have more than 15 lines of code, and 0 may: .*cell 10.*16"),
        ("headings", [markdown("# Another")], "cell 10: 'Another' is a second title"),
        ("headings", [markdown("#### Deep")], "cell 10: 'Deep' is of level 4, after one of level 2"),
        ("prose", [markdown("word " * 500)], r"\d+ words for 24 lines of code, and 4 to 20"),
        ("prose", [code("x\n" * 15)] * 2, r"\d+ words for 54 lines of code, and 4 to 20"),
        ("minutes", [markdown("word " * 1000)], "reading: 1[45] minutes by the formula, and 10 are stated"),
        ("minutes", [markdown("", exercise="02.6")], "the exercises: 32 minutes by the formula, and 15"),
        ("alts", [code("x", '<img src="a.png">')], "01_small.ipynb, cell 10: a picture has no alt text"),
        ("alts", [code("x", '<img alt=" " src="a.png">')], "a picture has no alt text"),
        ("alts", [code("x", "<p><svg viewBox='0'><path/></svg>")], "a drawing has no words"),
        ("alts", [code("x", '<svg aria-labelledby="t"><title id="t"></title></svg>')], "told by 't', which"),
        ("asked", [markdown("", exercise="01.4"), markdown("", exercise="01.2")], ""),
        ("asked", [markdown("", exercise="01.4")], "it asks 3 exercises, and 4 to 6 are right"),
        ("asked", [markdown("", exercise="01.4")] * 5, "it asks 7 exercises, and 4 to 6 are right"),
        ("asked", [markdown("", exercise="02.6"), *[markdown("", exercise="01.2")] * 4], "later .* easier"),
    ],
)  # fmt: skip
def test_a_rule_finds(tmp_path, monkeypatch, rule, cells, says):
    monkeypatch.setattr(teaching, "LONGER", {})
    problems = found(rule, tmp_path, *cells)
    assert bool(problems) == bool(says)
    assert re.search(says, "\n".join(problems)), problems


def test_rules_look_at_titles_and_first_exercises_and_solutions(tmp_path):
    silent = replace(small(tmp_path), cells=[markdown("Text."), markdown("", exercise="02.6")])
    silent.cells.append(markdown("", exercise="01.2"))
    assert list(teaching.headings(silent)) == ["it has no title"]
    assert list(teaching.minutes(silent)) == [
        "its first cell does not say how long it takes: write {minutes} there"
    ]
    assert list(teaching.asked(silent))[0] == "its first exercise is not the easiest: difficulties [4, 1]"
    deep = [markdown("# Solutions"), markdown("### 01.2")]
    assert found("headings", tmp_path, solutions=deep)[0].startswith("its solutions, cell 2: '01.2' is of")
    assert list(teaching.length(small(tmp_path, stem="04_small")))[0].startswith("only 0 cells are long now")


@pytest.mark.parametrize(
    "html",
    [
        '<img alt="a line" src="a.png">',
        '<svg role="img" aria-labelledby="t d"><title id="t">A</title><desc id="d">B</desc></svg>',
        '<div role="img" aria-label="A"><br><svg><path/></svg></div>',
        '<button><svg aria-hidden="true"/></button>',
    ],
)
def test_a_picture_that_is_told_is_left_alone(tmp_path, html):
    assert found("alts", tmp_path, code("x", html)) == []


def test_a_picture_beside_one_that_is_told_is_found(tmp_path):
    html = '<div role="img" aria-label="A"><img src="a"><svg/></div><img src="b">'
    assert len(found("alts", tmp_path, code("x", html))) == 1
    bare = code("x")
    bare.outputs = [nbformat.v4.new_output("display_data", data={"image/png": "", "text/plain": "Figure"})]
    assert "a picture without words" in found("alts", tmp_path, bare)[0]


@pytest.mark.parametrize(
    ("target", "says"),
    [
        ("next.ipynb", None),
        ("next.ipynb#cell-id=ab12", None),
        ("next.ipynb#Your-turn", None),
        ("page.md", None),
        ("page.md#how-c-grows", None),
        ("#Here", None),
        ("https://nowhere.example/x", None),
        ("mailto:a@b", None),
        ("gone.ipynb", "leads to no file"),
        ("next.ipynb#cell-id=zz", "leads to no place in next.ipynb"),
        ("page.md#how", "leads to no place in page.md"),
        ("#There", "leads to no place in here.ipynb"),
    ],
)
@pytest.mark.parametrize("form", ["see [it]({}).", "<a href='{}'>it</a>"])
def test_links(tmp_path, target, says, form):
    book = lambda head: json.dumps({"cells": [{"id": "ab12", "source": [f"## {head}"]}]})  # noqa: E731
    (tmp_path / "next.ipynb").write_text(book("Your turn"))
    (tmp_path / "here.ipynb").write_text(book("Here"))
    (tmp_path / "page.md").write_text("# Page\n\n```\n# how\n```\n\n## How `C` grows\n")
    problems = list(teaching.broken(form.format(target), tmp_path / "here.ipynb"))
    assert problems == ([f"the link to {target!r} {says}"] if says else [])


def test_a_link_in_code_is_none(tmp_path):
    assert list(teaching.broken("`a[k](gone)`\n```\n[a](gone)\n```", tmp_path / "a.md")) == []


def test_rules_of_the_whole_course(tmp_path, monkeypatch):
    shows = code('plots.show(\n    fig,\n    "01-9"\n)')
    lesson = small(tmp_path, shows, shows, markdown("[x](gone.md)"))
    monkeypatch.setattr(teaching, "ALTS", {"02-1": "A line."})
    assert list(teaching.numbered([lesson])) == [
        "01_small: figure 01-9 has no words in lstmcourse/course/alts.py",
        "01_small: figure 01-9 is shown twice: give each a number of its own",
        "lstmcourse/course/alts.py: no lesson shows figure 02-1",
    ]
    assert "01_small.ipynb, cell 12: the link to 'gone.md' leads to no file" in teaching.links([lesson])


def test_no_hint_holds_a_line_of_the_solutions(tmp_path):
    hint = teaching.exercises.get("01.2").hints[0]
    for line, number in ((hint[:40], 1), (f"    {hint[:20]}", 1), (f"# {hint[:40]}", 0), (hint[:8], 0)):
        made = small(tmp_path, solutions=[code(f"x = 1\n{line}", tags=["exercise"])])
        problems = list(teaching.LESSON["hints"](made))
        assert len(problems) == number and all("hint 1 of exercise 01.2 holds" in p for p in problems)


def test_numbers_of_exercises_and_answers(monkeypatch):
    asked = SimpleNamespace(id="01.1", minutes=50, hints=("A", "A", "b"))
    monkeypatch.setattr(teaching, "exercises", SimpleNamespace(ids=lambda: ["01.1"], get=lambda id: asked))
    monkeypatch.setattr(teaching, "RIGHT", 99)
    problems = list(teaching.answered([]))
    says = [
        "01.1 takes 50 minutes",
        "its hints are sentences",
        "and 99 and 6 are",
    ]
    assert len(problems) == 3 and all(s in p for s, p in zip(says, problems, strict=True)), problems


def test_words_of_the_glossary(tmp_path, monkeypatch):
    (tmp_path / "docs").mkdir()
    rows = "| **cell**, box | x | 01 |\n| **to clip** | x | 01, 02 |\n| **gate** | x | 01 |\n"
    (tmp_path / "docs" / "glossary.md").write_text(rows)
    monkeypatch.setattr(teaching, "ROOT", tmp_path)
    problems = list(teaching.words([small(tmp_path, markdown("The box clips."))]))
    assert problems == [
        "docs/glossary.md, **to clip**: there is no notebook '02'",
        "docs/glossary.md, **gate**: notebook 01 does not use the word",
    ]


@pytest.mark.parametrize(
    ("was", "made", "says"),
    [
        ("05.2 (2)", "05.2 (3)", "exercise 05.2 takes 2 minutes, not 3"),
        ("05.2 (2)", "05.9 (2)", "there is no exercise 05.9"),
        ("gate.ipynb) (40)", "gate.ipynb) (35)", "lesson 05 takes 40 minutes to read, not 35"),
        ("(../notebooks/05_forget_gate.ipynb)", "(../notebooks/06_input_gate.ipynb)", "is not lesson 05"),
        ("wrap up (7)", "wrap up (9)", "these parts are 92 minutes, not 90: installations"),
        ("02.5 (15) in pairs", "02.5 in pairs (15)", "exercise 02.5 stands without its minutes: 01.6"),
        ("| **180** |", "| **170** |", "a table's rows are 180 minutes, not 170"),
        ("| 10 | A dinner", "| 2 | A dinner", "its exercises take 3 minutes, more than the row"),
        ("- **Discuss.** Has it learnt", "- **Talk.** Has it learnt", "00: its parts are"),
        ("### 22 What", "### 23 What", "its sections are"),
        ("**Set.** 01.1 (8)", "**Set.** 02.2 (8)", "01: exercise 02.2 is not asked there"),
        (
            "it has 0.838 on 400",
            "it has 0.938 on 400",
            "01: no lesson that is linked there has the number 0.938",
        ),
        ("79.2 to 85.6", "79.2 to 85.7", "question 5: no lesson that is linked there has the number 85.7"),
        ("| 05, 09b, 11 |", "| 05, 11 |", "its table is not what the lessons say"),
    ],
)
def test_the_guide_for_teachers_is_compared_with_the_lessons(was, made, says):
    text = guide.GUIDE.read_text(encoding="utf-8")
    assert was in text
    assert any(says in problem for problem in guide.problems(text.replace(was, made)))


def test_what_a_lesson_needs_comes_before_it(monkeypatch):
    monkeypatch.setitem(guide.NEEDS, "03", ("04", ""))
    assert "what 03 needs comes before it: 04" in list(
        guide.problems(guide.GUIDE.read_text(encoding="utf-8"))
    )


def test_the_command_says_what_it_found(capsys, monkeypatch):
    monkeypatch.setattr(teaching, "WORDS", (400, 500))
    assert teaching.main(["03"]) == 1
    assert capsys.readouterr().out.startswith("prose: 03_lstm_networks, ")
