"""Judges of what is given: sets in any order, several results, words; what is needed is said in words."""

import functools

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.exercises import judges
from lstmcourse.exercises.guard import run_apart
from lstmcourse.exercises.judges import Behaviour, Choice, Function, Members, Value


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """What is noted is noted in a folder that goes."""
    monkeypatch.chdir(tmp_path)


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


@pytest.mark.parametrize(
    "answer, said",
    [
        (lambda a: a, "2 results are needed for a of shape (2, 3)."),
        (lambda a: (a, a, a), "2 results are needed for a of shape (2, 3)."),
        (lambda a: {"a": a, "b": -a}, "2 results are needed for a of shape (2, 3)."),
        (
            lambda a: (a, a),
            "Result 2 of 2: The sign is wrong for a of shape (2, 3); everything else is right.",
        ),
        (
            lambda a: (a[:, 0], -a[:, 0]),
            "Result 1 of 2: An array of shape (2, 3) is needed for a of shape (2, 3), and yours is an array "
            "of shape (2,).",
        ),
    ],
)
def test_several_results_are_told_apart(answer, said):
    judge = Function(lambda a: (a, -a), lambda rng: (rng.standard_normal((2, 3)),))
    assert asked(judge, lambda a: np.stack([a, -a])) and asked(judge, lambda a: [a.tolist(), (-a).tolist()])
    assert asked(judge, answer).message == said


@pytest.mark.parametrize(
    "right, answer, said",
    [
        (3.0, [1.0, 2.0], "A single number is needed, and yours is an array of shape (2,)."),
        ([1.0, 2.0], 3.0, "An array of shape (2,) is needed, and yours is a single number."),
        ([1.0, 2.0], {"a": 1}, "Numbers are needed, and a dict was given."),
        ([1.0, 2.0], ([1.0], [1.0, 2.0]), "Numbers are needed, and a nest of several results was given."),
        (3.0, "king", "Numbers are needed, and 'king' was given."),
    ],
)
def test_what_is_needed_and_what_was_given_are_said_in_words(right, answer, said):
    assert asked(Value(right), answer).message == said


@pytest.mark.parametrize("judge", [Value(lambda: [1.0]), Members(lambda: [1])])
def test_what_the_judge_is_made_of_is_no_answer(judge):
    made = lc.exercises.get("09.5").judge.right
    assert asked(judge, lambda: [1]) and asked(judge, made).mistake == "the course's own"


def test_what_is_left_out_of_weights_is_said():
    assert lc.check("06.3", {"W_g": [1, 0], "W_i": [0, 1], "b_i": 0}).message == (
        "b_f is missing: left out, it is 0, and that will not do."
    )


class Endless:
    """Asked for any attribute, or for its arguments, it does not come back."""

    def __call__(self, *given):
        return 0

    def __getattr__(self, name):
        while True:
            pass

    __signature__ = property(lambda self: self.missing)


@pytest.mark.parametrize(
    "judge",
    [
        Value(1.0),
        UNITS,
        Function(lambda a: a, lambda rng: (1.0,)),
        Behaviour(lambda answer: answer.shape, ()),
        Choice("yes", {"yes": "", "no": ""}),
    ],
    ids=lambda judge: type(judge).__name__,
)
def test_attributes_of_an_answer_are_asked_apart(judge, monkeypatch):
    monkeypatch.setattr(judges, "run_apart", functools.partial(run_apart, seconds=0.1))
    assert not asked(judge, Endless())


def test_a_word_of_numpys_is_a_word():
    assert asked(Choice("yes", {"yes": "It is.", "no": "It is not."}), np.array(["yes"])[0])
