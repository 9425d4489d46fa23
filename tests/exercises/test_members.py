"""A set that is asked for: in any order and form, what is missing and what is too much is counted."""

import numpy as np
import pytest

from lstmcourse.exercises.judges import Members, Value

UNITS = Members({2, 3, 5}, {"even ones": (lambda: [0, 2, 4], "Those are the even ones.")})
WORDS = Members(("king", "Queen"))


def asked(judge, answer):
    return judge(answer, np.random.default_rng(0))


@pytest.mark.parametrize(
    "judge, answer",
    [
        *((UNITS, a) for a in ({5, 3, 2}, [3, 2, 5, 5], (5.0, 3.0, 2.0), {2: "a", 3: "b", 5: "c"})),
        *((UNITS, a) for a in (np.array([[5, 2, 3]]), np.isin(np.arange(8), [2, 3, 5]), lambda: [2, 3, 5])),
        *((WORDS, a) for a in ({"queen", "king"}, ["King", "queen"], "king, queen", ("king.", "queen"))),
    ],
)
def test_a_set_is_right_in_any_order_and_form(judge, answer):
    assert asked(judge, answer)


@pytest.mark.parametrize(
    "judge, answer, mistake, said",
    [
        (UNITS, [4, 2, 0], "even ones", "Those are the even ones."),
        (UNITS, [2], "some are missing", "All that you give belong to it, and the set has 2 more."),
        (UNITS, [2, 3, 5, 7], "some do not belong", "All are there, and 1 too many."),
        (UNITS, [2, 7], "another set", "1 of what you give belong to it, 1 do not, and 2 are missing."),
        (UNITS, [7], "none belongs", "None of what you give belongs to the set."),
        *(
            (UNITS, a, "no set", "A set of whole numbers is needed")
            for a in ("king", [0.5], np.nan, [np.inf])
        ),
        *((UNITS, a, "no set", "A set of whole numbers is needed") for a in (set(), object(), [object()])),
        (WORDS, [2, 3], "no set", "A set of words is needed"),
        (WORDS, "king", "some are missing", "All that you give belong to it, and the set has 1 more."),
        (UNITS, lambda: 1 / 0, "raises", "Your answer raised ZeroDivisionError"),
        (UNITS, [], "nothing yet", "There is no answer yet."),
    ],
)
def test_what_is_no_such_set_is_refused_and_named(judge, answer, mistake, said):
    verdict = asked(judge, answer)
    assert not verdict and verdict.mistake == mistake and verdict.message.startswith(said)


def test_numbers_that_agree_at_first_are_counted():
    verdict = asked(Value([1.0, 2.0, 3.0]), [1.0, 2.0, 4.0])
    assert verdict.mistake == "later ones" and "first 2 agree" in verdict.message
