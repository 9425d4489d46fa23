"""Notebook 04: the cell state."""

from __future__ import annotations

import numpy as np

from ..define import exercise
from ..judges import Function, Value

NOTEBOOK = "04_cell_state"


# 04.1


def _belt(C, f, i, g):
    states = []
    for f_t, i_t, g_t in zip(f, i, g, strict=True):
        C = f_t * C + i_t * g_t
        states.append(C)
    return np.array(states)


def _belt_draw(rng):
    T = int(rng.integers(3, 9))
    f, i = rng.uniform(0.1, 0.95, size=(2, T))
    return float(rng.normal()), f, i, rng.uniform(-1, 1, size=T)


def _carried(step, start=lambda C: C):
    """The belt with another line in the loop."""

    def belt(C, f, i, g):
        C, states = start(C), []
        for gates in zip(f, i, g, strict=True):
            C = step(C, *gates)
            states.append(C)
        return np.array(states)

    return belt


exercise(
    "04.1",
    "The belt, as a loop",
    notebook=NOTEBOOK,
    kind="write",
    minutes=6,
    difficulty=1,
    hints=(
        "One step is one line, the equation above with the numbers of step t in it.",
        "What the line gives is the old value of the next step: give it the same name, C.",
        "Go through t from 0 to len(f) - 1, renew C, and append it to a list; return the list.",
    ),
    judge=Function(
        _belt,
        _belt_draw,
        {
            "f and i exchanged": (
                _carried(lambda C, f, i, g: i * C + f * g),
                "The forget gate multiplies the candidate, and the input gate what was on the belt.",
            ),
            "nothing forgotten": (
                _carried(lambda C, f, i, g: C + i * g),
                "What was on the belt is carried on as it is: the forget gate has no part in it.",
            ),
            "all written": (
                _carried(lambda C, f, i, g: f * C + g),
                "The candidate is written in full: the input gate has no part in it.",
            ),
            "the gate alone written": (
                _carried(lambda C, f, i, g: f * C + i),
                "The input gate itself is written. It only says how much; of what?",
            ),
            "squashed": (
                _carried(lambda C, f, i, g: np.tanh(f * C + i * g)),
                "The cell state is squashed at each step. Nothing squashes on the belt.",
            ),
            "1 - f": (
                _carried(lambda C, f, i, g: (1 - f) * C + i * g),
                "The belt is multiplied by 1 - f. In the LSTM f = 1 means: keep.",
            ),
            "the wrong brackets": (
                _carried(lambda C, f, i, g: f * (C + i * g)),
                "The forget gate acts on what is written as well: look at the brackets.",
            ),
            "from the start each time": (
                lambda C, f, i, g: f * C + i * g,
                (
                    "Each step begins with the C of the start. It has to begin with what the step before "
                    "has left."
                ),
            ),
            "the start lost": (
                lambda C, f, i, g: _belt(0.0, f, i, g),
                "The belt begins empty. It begins with the C that is given.",
            ),
            "the last alone": (
                lambda C, f, i, g: _belt(C, f, i, g)[-1],
                "Only the last number is returned. One for each step is needed.",
            ),
            "the start as well": (
                lambda C, f, i, g: np.append(C, _belt(C, f, i, g)),
                "One number too many: the start is not the result of a step.",
            ),
            "one step early": (
                lambda C, f, i, g: np.append(C, _belt(C, f, i, g)[:-1]),
                "Each number is that before its step. Append C after it has been renewed.",
            ),
        },
        praise="A product and a sum, and nothing else. All of this notebook follows from that line.",
    ),
)


# 04.3


def _left(f):
    return np.array([np.prod(f[t:]) for t in range(len(f) + 1)])


exercise(
    "04.3",
    "What is left at the end",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=2,
    hints=(
        "Start at the end: how does C_T depend on C_T itself? And on C_(T-1)?",
        (
            "What lay on the belt after step t meets the forget gates of steps t + 1, t + 2, … to T, not "
            "its own."
        ),
        (
            "Go from the end to the front with one number: it starts at 1, and is multiplied by one gate "
            "at each step."
        ),
    ),
    judge=Function(
        _left,
        lambda rng: (rng.uniform(0.2, 0.98, size=int(rng.integers(3, 9))),),
        {
            "from the front": (
                lambda f: np.append(1.0, np.cumprod(f)),
                (
                    "That is what is left of C_0 after each step. What is asked goes the other way: always "
                    "to the end."
                ),
            ),
            "from the front, without the start": (
                lambda f: np.cumprod(f),
                (
                    "That is what is left of C_0 after each step. What is asked ends at T, and begins at "
                    "each step."
                ),
            ),
            "C_0 missing": (
                lambda f: _left(f)[1:],
                "C_0 is missing, the first of the T + 1 numbers: all gates lie on its way.",
            ),
            "C_T missing": (
                lambda f: _left(f)[:-1],
                "C_T is missing: how does it depend on itself?",
            ),
            "back to front": (
                lambda f: _left(f)[::-1],
                "The numbers are right and in the wrong order: the first belongs to C_0.",
            ),
            "from the front, turned round": (
                lambda f: np.append(np.cumprod(f)[::-1], 1.0),
                "Turned round at the end, it still is what is left of C_0. Turn f round before you multiply.",
            ),
            "the 1 in front": (
                lambda f: np.append(1.0, _left(f)[:-1]),
                "The products are right. The 1 belongs to C_T, which comes last.",
            ),
            "C_0 alone": (lambda f: np.prod(f), "That is right for C_0. The others are asked for, too."),
            "its own gate as well": (
                lambda f: np.append(f[0] * np.prod(f), [np.prod(f[t:]) for t in range(len(f))]),
                "One gate too many: what was written in step t does not meet the forget gate of step t.",
            ),
            "one gate": (
                lambda f: np.append(f, 1.0),
                "That is one step each. On the way to the end all later gates are met.",
            ),
            "a power": (
                lambda f: f[-1] ** np.arange(len(f), -1, -1),
                "One gate is taken for all. They differ from step to step.",
            ),
            "a sum": (
                lambda f: np.array([np.sum(f[t:]) for t in range(len(f) + 1)]),
                (
                    "The gates are added. Along the belt they are met one after the other: what does each "
                    "of them do?"
                ),
            ),
            "what is lost": (
                lambda f: 1 - _left(f),
                "That is the part that is lost. The part that is left is asked for.",
            ),
            "lost each time": (
                lambda f: np.array([np.prod(1 - f[t:]) for t in range(len(f) + 1)]),
                "f = 1 means that all is kept: look at what a step multiplies by.",
            ),
        },
        praise=(
            "Products of the gates that lie ahead: that is the belt's part of lc.xray. No matrix, no "
            "slope of tanh is among the factors."
        ),
    ),
)


# 04.5


def _shown(f, i, g, o, C):
    C = _belt_of_rows(C, f, i, g)
    return o * np.tanh(C)


def _belt_of_rows(C, f, i, g):
    return _carried(lambda C, f, i, g: f * C + i * g)(C, f, i, g)


def _before(C, f, i, g):
    """The cell states before each step."""
    return np.concatenate([[C], _belt_of_rows(C, f, i, g)[:-1]])


def _shown_draw(rng):
    T, H = int(rng.integers(3, 7)), int(rng.integers(2, 5))
    f, i, o = rng.uniform(0.1, 0.95, size=(3, T, H))
    return f, i, rng.uniform(-1, 1, size=(T, H)), o, rng.standard_normal(H)


exercise(
    "04.5",
    "One step behind",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=6,
    difficulty=2,
    hints=(
        "Run it for one step by hand, with C = 0, i = 1, g = 1 and o = 1. What should be shown, and what is?",
        "There are two cell states in the loop at each step: that before and that after. Which one is shown?",
        "Compare the line for h with the last equation of the LSTM, index by index.",
    ),
    judge=Function(
        _shown,
        _shown_draw,
        {
            "not mended": (
                lambda f, i, g, o, C: o * np.tanh(_before(C, f, i, g)),
                "h still shows the cell state from before the step.",
            ),
            "not carried on": (
                lambda f, i, g, o, C: o * np.tanh(f * C + i * g),
                "Now each step begins with the C of the start: what a step has made is not carried on.",
            ),
            "no squashing": (
                lambda f, i, g, o, C: o * _belt_of_rows(C, f, i, g),
                "The tanh got lost on the way from the cell state to h.",
            ),
            "no output gate": (
                lambda f, i, g, o, C: np.tanh(_belt_of_rows(C, f, i, g)),
                "The output gate got lost: all of the cell state is shown.",
            ),
            "a step further": (
                lambda f, i, g, o, C: o * np.tanh(f * _belt_of_rows(C, f, i, g) + i * g),
                "The line for the cell state is run twice in each step.",
            ),
            "the cell states": (
                lambda f, i, g, o, C: _belt_of_rows(C, f, i, g),
                "The cell states are returned, and they are right. The function is to return what is shown.",
            ),
            "squashed on the belt": (
                lambda f, i, g, o, C: o * _carried(lambda C, f, i, g: np.tanh(f * C + i * g))(C, f, i, g),
                "Now the squashed number is put back onto the belt, and is squashed anew at each step.",
            ),
            "the gate one step behind": (
                lambda f, i, g, o, C: np.concatenate([o[:1], o[:-1]]) * np.tanh(_belt_of_rows(C, f, i, g)),
                "The cell state is the new one now. The output gate is that of the step before.",
            ),
            "the last alone": (
                lambda f, i, g, o, C: _shown(f, i, g, o, C)[-1],
                "Only the last row is returned. One for each step is needed.",
            ),
        },
        praise=(
            "The belt was right all the time, only what was shown came a step late. Such a network "
            "trains, and answers late: nothing but a comparison finds it."
        ),
    ),
)


# 04.7


def _off(f, i=0.0):
    return 0.8 - 0.8 * f


exercise(
    "04.7",
    "A hundred steps on the belt",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=3,
    difficulty=1,
    hints=(
        "With the input gate shut there is one thing left that happens to the number. Which?",
        "Follow it for three steps of case (b). What has happened to the 0.8 by then?",
        "The error is how far the number is from 0.8 at the end, and not what is left of it.",
    ),
    judge=Value(
        lambda: [_off(1.0**100), _off(0.9**100)],
        {
            "what is left": (
                lambda: [0.8, 0.8 * 0.9**100],
                "That looks like what is left at the end. How far is it from 0.8?",
            ),
            "nothing lost": (
                lambda: [0.0, 0.0],
                "A gate at 0.9 keeps nearly everything of one step. How much do 100 of them keep?",
            ),
            "one step": (
                lambda: [0.0, _off(0.9)],
                "That is the error in (b) after one step. There are 100.",
            ),
            "what one step leaves": (
                lambda: [0.0, 0.8 * 0.9],
                "That is what the first step leaves in (b). How far from 0.8 is the number after 100?",
            ),
            "the same amount at each step": (
                lambda: [0.0, 100 * _off(0.9)],
                "You let (b) lose the same amount at each step. It loses a share of what is still there.",
            ),
            "the share that is lost": (
                lambda: [0.0, 1 - 0.9**100],
                "That is the share which is lost in (b). How far from 0.8 is what is left?",
            ),
            "both are lost": (
                lambda: [_off(0.9**100), _off(0.9**100)],
                "One of the two is right. In (a) the gate is open all the time: what does it take away?",
            ),
        },
        praise=(
            "Open means: nothing is lost. Nearly open means: nearly nothing of one step, and all of "
            "a hundred."
        ),
        tolerance=6e-3,
    ),
)


# 04.8


exercise(
    "04.8",
    "The mean on the belt",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=10,
    difficulty=3,
    hints=(
        "After the first step the belt has to hold the first candidate alone. What are both gates then?",
        "After two steps each of two candidates counts for a half. The second comes in through the input "
        "gate; what has to happen to the first?",
        "A mean of t numbers is made of the mean of t - 1 numbers, which counts t - 1 times, and one more.",
    ),
    judge=Function(
        lambda t: ((t - 1) / t, 1 / t),
        lambda rng: (int(rng.integers(2, 20)),),
        {
            "exchanged": (
                lambda t: (1 / t, (t - 1) / t),
                "The two gates have changed places: the new candidate counts more and more.",
            ),
            "the sum": (
                lambda t: (1.0, 1.0),
                "With both gates open the belt holds the sum of the candidates.",
            ),
            "nothing is made smaller": (
                lambda t: (1.0, 1 / t),
                "Each candidate comes in with the right share, and then keeps it. But the second one takes a "
                "half: what was there before has to make room.",
            ),
            "half and half": (
                lambda t: (0.5, 0.5),
                "Half and half at each step: the latest candidate counts as much as all before together.",
            ),
            "the start counts": (
                lambda t: (t / (t + 1), 1 / (t + 1)),
                (
                    "What lay on the belt at the start counts as one number more. Look at the first step: t "
                    "is 1."
                ),
            ),
            "written in full": (
                lambda t: ((t - 1) / t, 1.0),
                "What is kept is right. The new candidate comes in with its full size.",
            ),
            "the last alone": (
                lambda t: (0.0, 1.0),
                "The belt holds the last candidate alone: nothing before it is kept.",
            ),
            "both alike": (
                lambda t: (1 / t, 1 / t),
                "The input gate is right. What is kept has to grow with t: it stands for t - 1 candidates.",
            ),
            "over all again": (
                lambda t: (1 / t, 1.0),
                "At each step you divide what is on the belt by t. It has been divided before.",
            ),
            "wide open from the start": (
                lambda t: (1 - 1 / t**2, 1 / t**2),
                (
                    "The two gates add up to 1, and that is right. But a candidate's share is one of t, not "
                    "of t t."
                ),
            ),
        },
        praise=(
            "What is kept and what is written add up to 1 at each step. A cell whose gates are made that way "
            "is the subject of notebook 11."
        ),
    ),
)
