"""Every lesson, graded: the right is solved, the wrong has its name, the untouched is not answered."""

import pytest
from answers import load
from classroom import hand_in, lesson, solutions, worked

from lstmcourse import exercises
from lstmcourse.teaching import grade
from lstmcourse.teaching.lesson import lessons

NUMBERS = list(lessons())


@pytest.mark.long
def test_solutions_are_solved_and_open_lessons_are_not_answered(tmp_path):
    for number in NUMBERS:
        hand_in(tmp_path / "Right" / f"{number}.ipynb", worked(number, solutions(number)))
        hand_in(tmp_path / "Untouched" / f"{number}.ipynb", lesson(number))
    rows = grade(tmp_path).rows
    assert len(rows) == 2 * len(exercises.ids())
    for student, verdict in (("Right", "solved"), ("Untouched", "not answered")):
        assert [r for r in rows if r.student == student and r.verdict != verdict] == []


def is_text(answer):
    """Whether what is given can be typed as it is printed."""
    if isinstance(answer, dict):
        return all(is_text(v) for v in (*answer, *answer.values()))
    if isinstance(answer, (list, tuple)):
        return all(map(is_text, answer))
    return type(answer) in (str, bool, int, float)


@pytest.mark.long
def test_wrong_answers_that_can_be_typed_are_called_by_their_names(tmp_path):
    wanted = {}
    for id in exercises.ids():
        typed = {name: repr(answer) for name, answer in load(id).wrong.items() if is_text(answer)}
        for k, (name, text) in enumerate(typed.items()):
            wanted[f"student {k:02}", id] = (f"wrong: {name}", text)
    asked = {id: number for number, it in lessons().items() for id in it.asked}
    names = {id: it.asked[id].name for it in lessons().values() for id in it.asked}
    for student in sorted({student for student, _ in wanted}):
        for number in NUMBERS:
            mine = {
                id: f"{names[id]} = {text}"
                for (who, id), (_, text) in wanted.items()
                if who == student and asked[id] == number
            }
            if mine:
                hand_in(tmp_path / student / f"{number}.ipynb", worked(number, mine))
    given = {(row.student, row.exercise): row.verdict for row in grade(tmp_path).rows}
    assert len(wanted) > 200
    assert {key: given[key] for key in wanted} == {key: verdict for key, (verdict, _) in wanted.items()}
