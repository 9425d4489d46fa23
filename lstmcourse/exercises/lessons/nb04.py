"""Notebook 04: the cell state."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...cells import lstm
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Choice, Function, Rule
from ..weights import weights_of

NOTEBOOK, UNTRAINED = "04_cell_state", "04b_what_an_untrained_lstm_remembers"


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


# 04.2

exercise(
    "04.2",
    "The forget gate alone held open",
    notebook=UNTRAINED,
    kind="predict",
    minutes=4,
    difficulty=2,
    hints=(
        "Above, the table was the identity. Which of the reasons given there needed i = 0?",
        (
            "A change of C shows in h, and the layers of the next step read h. What do they do with it, "
            "if i is not 0?"
        ),
        (
            "There are two ways from C_0 to C_T: along the belt, and through h and the matrices. Which "
            "one did f = 1 fix?"
        ),
    ),
    judge=Choice(
        "the belt's part is the identity, the whole is not",
        {
            "the belt's part is the identity, the whole is not": (
                "Along the belt each step multiplies by 1. But C shows in h, h moves gates and "
                "candidate, and they write onto the belt: a second way, which adds to the first."
            ),
            "it is the identity": (
                "Along the belt, yes. With the input gate at work there is a second way, through h."
            ),
            "it vanishes": "Along the belt each step multiplies by 1: that part does not shrink.",
            "it is the identity, if the inputs are small": (
                "Small inputs leave the input gate half open all the same. What does it let in?"
            ),
            "it is a diagonal, but not the identity": (
                "Off the diagonal are the ways from one unit to another. Do the layers that read h keep "
                "the units apart?"
            ),
            "it grows by one at each step": (
                "The cell state may grow so. Its derivative does not add up in this way."
            ),
        },
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


# 04.4


def _sigmoid(a):
    return 1 / (1 + math.exp(-a))


def _gate(steps):
    """What stays of a number at each step, if a half of it is left after so many."""
    return 0.5 ** (1 / steps)


def _slope(steps):
    return _gate(steps) * (1 - _gate(steps))


exercise(
    "04.4",
    "What a long memory costs",
    notebook=UNTRAINED,
    kind="derive",
    minutes=8,
    difficulty=2,
    hints=(
        "First the gate: which f gives f multiplied by itself `steps` times = 0.5?",
        "Then the slope of σ where its result is f. The text has it: it needs no bias, only f.",
        (
            "The gate is 0.5 to the power of 1/steps. The slope has two factors: what is kept, and what "
            "is let go."
        ),
    ),
    judge=Function(
        _slope,
        lambda rng: (float(np.round(rng.uniform(1.5, 12), 1)),),
        {
            "the gate": (_gate, "That is the gate itself. How steep is σ there?"),
            "what is let go": (
                lambda steps: 1 - _gate(steps),
                "That is what the gate lets go at each step, one of the two factors of the slope.",
            ),
            "the bias": (
                lambda steps: math.log(_gate(steps) / (1 - _gate(steps))),
                "That is the bias with this half-life. How steep is σ there?",
            ),
            "the slope at the gate": (
                lambda steps: _sigmoid(_gate(steps)) * (1 - _sigmoid(_gate(steps))),
                "σ is applied to the gate once more: f is a result of σ already.",
            ),
            "the slope at the half-life": (
                lambda steps: _sigmoid(steps) * (1 - _sigmoid(steps)),
                "That is the slope at a bias of `steps`. Which gate has a half-life of `steps`?",
            ),
            "the slope of tanh": (
                lambda steps: 1 - _gate(steps) ** 2,
                "1 - f^2 is the slope of tanh. A gate is made by σ.",
            ),
            "a time constant": (
                lambda steps: math.exp(-1 / steps) * (1 - math.exp(-1 / steps)),
                "With this gate 1/e is left after so many steps, about 37 %, not a half.",
            ),
            "the same amount at each step": (
                lambda steps: (1 - 0.5 / steps) * 0.5 / steps,
                "You let the same amount go at each step. A gate takes the same share of what is left.",
            ),
            "the slope of all steps": (
                lambda steps: 0.25,
                (
                    "1/4 is the slope at f = 0.5, and 0.5 is what is left after all the steps. The gate of "
                    "one step is asked for."
                ),
            ),
            "the derivative of what is left": (
                lambda steps: steps * _gate(steps) ** (steps - 1) * _slope(steps),
                (
                    "That is how much what is left at the end changes with the bias. The slope of the gate "
                    "is asked for."
                ),
            ),
            "approximately": (
                lambda steps: math.log(2) / steps,
                "That is near for long half-lives, and a good rule. Write the exact slope.",
            ),
            "one step too few": (
                lambda steps: _slope(steps - 1),
                "One step is not counted: after so many steps less than a half is left.",
            ),
        },
        praise=(
            "About ln 2 / steps: a gate that holds ten times as long moves a tenth as far for the same "
            "change of its bias."
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


# 04.6

STEPS, NETWORKS = 100, 3


def _untrained(answer: Any) -> dict[str, Any]:
    """What three untrained LSTMs do that start with these biases."""
    given = weights_of(lstm, 8, 32, needed=("b_f", "b_i"))(answer)
    runs = []
    for seed in range(NETWORKS):
        rng = np.random.default_rng(seed)
        params = lstm.init(8, 32, rng, np.float64)
        params |= {name: b for name, b in given.items() if name.startswith("b_")}
        runs.append(unroll(lstm, params, rng.standard_normal((STEPS, 2, 8)), grad=False))
    with np.errstate(over="ignore"):
        f, i = (1 / (1 + np.exp(-given[b])) for b in ("b_f", "b_i"))
    return {
        "weights": max(np.abs(a).max() for name, a in given.items() if not name.startswith("b_")),
        "f": f.mean(),
        "i": i.mean(),
        "slope f": (f * (1 - f)).min(),
        "slope i": (i * (1 - i)).min(),
        "left": min(np.median(np.prod(run["f"], axis=0)) for run in runs),
        "size": max(np.sqrt(np.mean(run["c"][-1] ** 2)) for run in runs),
    }


exercise(
    "04.6",
    "A start that remembers",
    notebook=UNTRAINED,
    kind="design",
    minutes=15,
    difficulty=4,
    hints=(
        (
            "Take the two demands for the forget gate first. The half-life of a bias is ln 0.5 / ln "
            "σ(b): see above."
        ),
        (
            "In a network the gate sways, so the half-life is shorter than the formula says: aim at more "
            "than 100."
        ),
        (
            "What else lies on the belt comes in through the input gate. Let it stand nearly shut, as "
            "above; and how far from 0 may a bias be for a slope of 0.001?"
        ),
    ),
    judge=Behaviour(
        _untrained,
        (
            Rule(
                "weights as well",
                "Give biases alone: the weights are drawn at random.",
                lambda m: m["weights"] == 0,
            ),
            Rule(
                "the wrong way round",
                "The forget gate is shut and the input gate open: everything is written, and nothing kept.",
                lambda m: not (m["f"] < 0.5 < m["i"]),
            ),
            Rule(
                "forgets",
                (
                    "Along the belt less than a half is left after 100 steps: the forget gate has to be "
                    "more open."
                ),
                lambda m: m["left"] >= 0.5,
            ),
            Rule(
                "buried",
                (
                    "More than a half is kept, but after 100 steps other things lie on the belt, of a "
                    "size above 0.2: which gate lets them in?"
                ),
                lambda m: m["size"] < 0.2,
            ),
            Rule(
                "cannot learn to forget",
                (
                    "It remembers, but the slope of the forget gate is below 0.001: it would hardly learn "
                    "to close."
                ),
                lambda m: m["slope f"] >= 0.001,
            ),
            Rule(
                "cannot learn to write",
                (
                    "It remembers, but the slope of the input gate is below 0.001: it would hardly learn to "
                    "open."
                ),
                lambda m: m["slope i"] >= 0.001,
            ),
        ),
        praise=(
            "An LSTM that remembers for 100 steps before it has learnt anything, and can still learn "
            "otherwise. Between memory and slope there is a range of biases, and you have found it."
        ),
    ),
)
