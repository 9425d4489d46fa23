"""Every exercise: right answers pass, however they are written; each wrong one is refused, and named.

So every message that an exercise has for a mistake is seen here, and what is refused is refused for its own
reason. `tests/answers` has the answers; how many there have to be, tools/teaching.py says.
"""

from collections import Counter

import pytest
from answers import load

import lstmcourse as lc
from lstmcourse import exercises
from lstmcourse.exercises.judges import UNJUDGED

IDS = exercises.ids()
CROSSED = 0.02  # of right answers to other exercises, at most this share is accepted


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """What is noted is noted in a folder that goes."""
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("id", IDS)
def test_right_answers_pass(id):
    answers = load(id).right
    for answer in answers:
        verdict = lc.check(id, answer)
        assert verdict, verdict
        assert verdict.mistake == ""
        assert verdict.message[0].isupper() and verdict.message.endswith(".")


@pytest.mark.parametrize("id", IDS)
def test_each_wrong_answer_is_refused_for_its_own_reason(id):
    answers = load(id).wrong
    messages = Counter()
    for name, answer in answers.items():
        verdict = lc.check(id, answer)
        assert not verdict, name
        assert verdict.mistake == name, verdict
        messages[verdict.message] += 1
    assert max(messages.values()) == 1, messages.most_common(1)


@pytest.mark.parametrize("id", IDS)
def test_what_is_no_answer_is_refused_without_an_error(id):
    for nothing in (None, ..., "", [], {}):
        assert lc.check(id, nothing).mistake == "nothing yet"
    for constant in (0, 1.0, "yes", [0.0], lambda *given: 0.0, lambda: 1, object(), int, exercises, load):
        verdict = lc.check(id, constant)
        assert not verdict, constant
        assert verdict.mistake not in ("", UNJUDGED) and verdict.message
    for cell in (lc.cells.lstm, lc.cells.rnn, lc.cells.gru):
        assert not lc.check(id, cell)


@pytest.mark.long
def test_answers_to_other_exercises_are_seldom_accepted():
    pairs, accepted = 0, []
    for id in IDS:
        for other in IDS:
            if id != other and not may_share(exercises.get(id), exercises.get(other)):
                answers = load(other).right
                pairs += len(answers)
                verdicts = [lc.check(id, answer) for answer in answers]
                assert UNJUDGED not in [v.mistake for v in verdicts], (id, other)
                accepted += [(id, other)] * sum(map(bool, verdicts))
    assert len(accepted) <= CROSSED * pairs, accepted


def may_share(a, b):
    """Whether two exercises may have one answer: write it, and mend somebody's."""
    mended = {"repair", "find the bug"}
    return a.notebook == b.notebook and mended & {a.kind, b.kind} and "write" in (a.kind, b.kind)
