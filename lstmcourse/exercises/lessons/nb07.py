"""Notebook 07: the update of the cell state."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from ...cells import lstm
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Choice, Function, Rule, Value
from ..weights import weights_of

NOTEBOOK = "07_cell_update"


# 07.1

exercise(
    "07.1",
    "One number is exchanged",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=2,
    difficulty=1,
    hints=(
        "At that word, how far apart are the lines for feminine and masculine subjects in the picture above?",
        "Does any other unit tell the gender? That you cannot know yet: decide.",
        "If the answer follows this one number, it follows it to the other gender.",
    ),
    judge=Choice(
        "nearly all turn",
        {
            "nearly all turn": "The answer follows this one number. The next cell says how nearly.",
            "half of them turn": (
                "One half would come of a guess. But the number that is put in says something definite: what?"
            ),
            "none turns": (
                "So it would be if other units settled the gender. Run the next cell, and see whether "
                "they do."
            ),
            "they take the place of both": (
                "The mean of a singular subject is put in: look where the line for the plural lies."
            ),
            "the verbs turn as well": "When the state is exchanged, the verb has been said.",
            "only feminine ones turn": (
                "Why should one way be easier than the other? At this word the two lines lie on two "
                "sides of 0."
            ),
        },
    ),
)


# 07.2


def _count(p, xs):
    return unroll(lstm, p, np.reshape(np.asarray(xs, float), (-1, 1, 1)))["c"][-1, 0, 0]


_SEVEN = [1, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0]

exercise(
    "07.2",
    "Count the ones",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=7,
    difficulty=2,
    hints=(
        "The book must keep all it has: which gate has to be open, and for how long?",
        "A one must add nearly 1, and a zero nothing. What is $\\tanh(W x)$ for $x = 0$ and $x = 1$?",
        "Open the forget and the input gate by their biases, and give the candidate an input weight with a "
        "tanh of at least 0.99.",
    ),
    judge=Behaviour(
        weights_of(lstm, needed=("b_f",)),
        (
            Rule(
                "nothing is counted",
                "A single 1 leaves C near 0. Does the candidate see it, and is the input gate open?",
                lambda p: abs(_count(p, [1])) > 0.1,
            ),
            Rule(
                "down",
                "Each one takes something away from C. Look at the sign of what is proposed.",
                lambda p: _count(p, [1]) > 0,
            ),
            Rule(
                "zeros are counted",
                (
                    "C changes when only zeros are read. At x = 0 nothing may be written: what is proposed "
                    "there?"
                ),
                lambda p: abs(_count(p, [0] * 5)) < 0.05,
            ),
            Rule(
                "not kept",
                "A 1 is written, and 30 zeros later much of it is gone. That is the forget gate's work.",
                lambda p: _count(p, [1] + [0] * 30) > 0.9 * _count(p, [1]),
            ),
            Rule(
                "half of it",
                "Each 1 adds less than 0.9: proposal times gate. Which of the two is too low?",
                lambda p: _count(p, [1]) > 0.9,
            ),
            Rule(
                "not exact enough",
                "A single 1 is written well, but after seven of them C is not between 6.9 and 7: little "
                "losses add up. Does h interfere, or is something forgotten at each step?",
                lambda p: 6.9 < _count(p, _SEVEN) < 7,
            ),
        ),
        praise="One unit counts. Nothing squashes the belt, so there is no number at which it has to stop.",
    ),
)


# 07.3


def _belt(f, i, g, line=lambda c, f, i, g: f * c + i * g):
    c, states = np.zeros(f.shape[1]), []
    for t in range(len(f)):
        c = line(c, f[t], i[t], g[t])
        states.append(c)
    return np.array(states)


def _belt_with(line):
    return lambda f, i, g: _belt(f, i, g, line)


exercise(
    "07.3",
    "A book that does not add up",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=5,
    difficulty=2,
    hints=(
        "Take one step by hand, from c = 0 with f = 0, i = 1 and g = 0.5. What should be in the book, and "
        "what does the function say?",
        "What is multiplied by f? Compare it with the equation.",
        "Look at the brackets.",
    ),
    judge=Function(
        lambda f, i, g: _belt(f, i, g),
        lambda rng: (rng.uniform(size=(6, 3)), rng.uniform(size=(6, 3)), rng.uniform(-1, 1, size=(6, 3))),
        {
            "not mended": (
                _belt_with(lambda c, f, i, g: f * (c + i * g)),
                "What is new is still forgotten in part at the very step at which it is written.",
            ),
            "the other bracket": (
                _belt_with(lambda c, f, i, g: i * (f * c + g)),
                "Now the input gate multiplies what is kept as well.",
            ),
            "the input gate lost": (
                _belt_with(lambda c, f, i, g: f * c + g),
                "The whole proposal is entered: the input gate got lost.",
            ),
            "the forget gate lost": (
                _belt_with(lambda c, f, i, g: c + i * g),
                "Nothing is ever forgotten: the forget gate got lost.",
            ),
            "the gates exchanged": (
                _belt_with(lambda c, f, i, g: i * c + f * g),
                "The two gates have changed places.",
            ),
            "one gate for both": (
                _belt_with(lambda c, f, i, g: f * c + (1 - f) * g),
                "What the forget gate leaves free is entered. Here the input gate decides for itself.",
            ),
            "squashed": (
                _belt_with(lambda c, f, i, g: np.tanh(f * c + i * g)),
                "The new balance is squashed at each step. Nothing squashes the belt.",
            ),
            "nothing is carried on": (
                _belt_with(lambda c, f, i, g: i * g),
                "Each step starts an empty book: what was there before does not enter.",
            ),
            "the balances before": (
                lambda f, i, g: np.concatenate([0 * f[:1], _belt(f, i, g)[:-1]]),
                "Each row is the balance before its step: the state is noted too early.",
            ),
            "the last balance alone": (
                lambda f, i, g: _belt(f, i, g)[-1],
                "Only the last balance is returned. One row for each step is needed.",
            ),
        },
        praise=(
            "First keep a share of the old, then add the new. With the wrong bracket, a unit that "
            "deletes its old value could not write a new one at the same step."
        ),
    ),
)


# 07.4


def _shares_left(f, i, after=None):
    """i times the product of the forget gates that `after` takes for each step."""
    after = after or (lambda k: slice(k + 1, None))
    return np.array([i[k] * np.prod(f[after(k)]) for k in range(len(f))])


def _shares_of(after):
    return lambda f, i: _shares_left(f, i, after)


exercise(
    "07.4",
    "Where the balance comes from",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=10,
    difficulty=3,
    hints=(
        "Write out $C_3$ for three steps, from $C_0 = 0$, and multiply out.",
        "What is entered at step k passes the forget gates of all later steps. Does it pass its own?",
        (
            "The weight of candidate k is its input gate times the product of the forget gates k + 1, k "
            "+ 2, ..., T. For the last step the product is empty, which is 1."
        ),
    ),
    judge=Function(
        lambda f, i: _shares_left(f, i),
        lambda rng: tuple(rng.uniform(0.3, 1, size=(2, 6))),
        {
            "its own forget gate too": (
                _shares_of(lambda k: slice(k, None)),
                "Each entry passes the forget gate of its own step, too. What does that gate multiply?",
            ),
            "all forget gates": (
                _shares_of(lambda k: slice(None)),
                "Each entry passes the forget gates of all steps, those before it among them.",
            ),
            "what came before": (
                _shares_of(lambda k: slice(None, k)),
                "You take the forget gates before the entry. It was not there yet: take those after it.",
            ),
            "up to its own": (
                _shares_of(lambda k: slice(None, k + 1)),
                (
                    "You take the forget gates up to the entry's step, as np.cumprod gives them. Which of "
                    "the gates does the entry pass?"
                ),
            ),
            "the next step's alone": (
                _shares_of(lambda k: slice(k + 1, k + 2)),
                "One forget gate takes its part, that of the next step. There are more steps to come.",
            ),
            "the last forget gate missing": (
                _shares_of(lambda k: slice(k + 1, -1)),
                "The forget gate of the last step is missing from the products.",
            ),
            "no input gate": (
                lambda f, i: _shares_left(f, np.ones_like(i)),
                "That is how much of an entry is kept. How much of the candidate was entered?",
            ),
            "its own forget gate alone": (
                lambda f, i: i * f,
                "Each entry passes one forget gate, that of its own step. What does that gate multiply, and "
                "which gates come after it?",
            ),
            "no forget gates": (
                lambda f, i: i * np.ones_like(f),
                "That is what was entered. How much of it is left at the end?",
            ),
            "gates added": (
                lambda f, i: i * np.array([f[k + 1 :].sum() for k in range(len(f))]),
                "You add the forget gates up. Shares of shares multiply.",
            ),
            "the input gates after it": (
                lambda f, i: np.array([i[k:].prod() * f[k + 1 :].prod() for k in range(len(f))]),
                "The input gates of later steps multiply as well. They admit other candidates.",
            ),
            "the last step first": (
                lambda f, i: _shares_left(f, i)[::-1],
                "The weights are in the wrong order: the first is that of the first step.",
            ),
            "shares of the whole": (
                lambda f, i: _shares_left(f, i) / _shares_left(f, i).sum(),
                "You have divided them by their sum. They need not add up to 1.",
            ),
        },
        praise=(
            "So the cell state is a weighted sum of all candidates, with weights that the gates choose. With "
            "f = 0.9 and i = 0.1 always, it is a moving average."
        ),
    ),
)


# 07.5


@functools.cache
def _trained():
    """The reader, its rows, the units for gender and number, and which subjects are feminine (3, B)."""
    from ...course import reader

    model, rows = reader.load(), reader.rows(512)
    notes = reader.language().annotate(rows.x)
    feminine = notes["gender"][[5, 19, 33]] == 1
    return model, rows, *(reader.carrier(model, what, rows)[0] for what in ("gender", "number")), feminine


@functools.cache
def _turned(step=14 + 2, unit="gender", flipped=True, sentence=1):
    """Shares right when a unit's state is exchanged, where the subject is feminine, and where masculine."""
    from ...course import reader

    model, rows, gender, number, feminine = _trained()
    unit = gender if unit == "gender" else number
    said = reader.flip(model, rows, unit, step) if flipped else model.predict(rows.x)
    asked = np.arange(len(rows.x))[:, None] == 14 + 10
    kinds = (feminine[sentence], ~feminine[sentence])
    parts = [replace(rows, mask=rows.mask & asked & kind) for kind in kinds]
    return [reader.answers(said, part)["gender"] for part in parts]


exercise(
    "07.5",
    "One half, and no guess",
    notebook=NOTEBOOK,
    kind="measure",
    minutes=10,
    difficulty=3,
    hints=(
        '`notes["gender"][14 + 5] == 1` says in which rows the second subject is feminine.',
        "A mask for those rows alone: `asked.mask & feminine`. Put it into `replace(asked, mask=...)`.",
        '`lc.reader.answers(early, replace(asked, mask=asked.mask & feminine))["gender"]`, and again with '
        "`~feminine`.",
    ),
    judge=Value(
        lambda: _turned(),
        {
            "as trained": (
                lambda: _turned(flipped=False),
                "That is what the reader says when nothing is exchanged.",
            ),
            "masculine first": (
                lambda: _turned()[::-1],
                "The two are in the wrong order: feminine first.",
            ),
            "before the pronoun": (
                lambda: _turned(step=14 + 9),
                "That is the exchange one word before the pronoun is named. Exchange it after step 14 + 2.",
            ),
            "one word later": (
                lambda: _turned(step=14 + 3),
                "That is the exchange one word later: step 14 + 2 is the first word after the subject.",
            ),
            "the unit for number": (
                lambda: _turned(unit="number"),
                "There the state of the unit for number is exchanged.",
            ),
            "another sentence's subject": (
                lambda: _turned(sentence=0),
                (
                    "The rows are divided by the gender of the first sentence's subject. Divide them by the "
                    "second's."
                ),
            ),
            "what is wrong": (
                lambda: [1 - share for share in _turned()],
                "Those are the shares that are wrong. The shares that are right are asked for.",
            ),
            "their mean twice": (
                lambda: [float(np.average(_turned(), weights=_singular()))] * 2,
                "That is the share over both kinds of subjects, twice. Divide the rows by gender.",
            ),
        },
        praise=(
            "The reader does not guess: it says he to nearly everybody. One half right may be a guess or one "
            "answer for all, and the sum of both kinds cannot tell."
        ),
        tolerance=0.004,
    ),
)


def _singular():
    """How many feminine and masculine subjects the second sentences have."""
    from ...course import reader

    _, rows, _, _, feminine = _trained()
    one = reader.language().annotate(rows.x)["number"][19] == -1
    return [(feminine[1] & one).sum(), (~feminine[1] & one).sum()]


# 07.6


def _held(p, values, marks):
    """The cell state of a unit that reads values and marks."""
    x = np.stack([np.asarray(values, float), np.asarray(marks, float)], axis=-1)
    return unroll(lstm, p, x[:, None, :])["c"][:, 0, 0]


def _last_marked(p):
    """Whether a long sequence goes well."""
    rng = np.random.default_rng(1)
    values, marks = rng.choice([-1.0, 1.0], 60), (rng.random(60) < 0.2).astype(float)
    latest = np.maximum.accumulate(np.where(marks == 1, np.arange(60), -1))
    return np.abs(_held(p, values, marks) - np.where(latest < 0, 0, values[latest])).max() < 0.1


exercise(
    "07.6",
    "The last marked value",
    notebook=NOTEBOOK,
    kind="design",
    minutes=15,
    difficulty=4,
    hints=(
        "Without a mark nothing happens: one gate is open, the other shut. At a mark they change places.",
        "Both gates look at the mark alone, with weights of opposite signs; the candidate looks at the value "
        "alone.",
        (
            "The bias of each gate says how it stands without a mark. The mark's weight is about twice "
            "that, with the other sign."
        ),
    ),
    judge=Behaviour(
        weights_of(lstm, input_size=2, needed=("W_f", "b_f", "W_i", "b_i", "W_g")),
        (
            Rule(
                "nothing is written",
                (
                    "A marked 1 leaves no trace in C. Is the input gate open at a mark, and does the "
                    "candidate see the value?"
                ),
                lambda p: abs(_held(p, [1], [1])[-1]) > 0.1,
            ),
            Rule(
                "the wrong sign",
                "A marked 1 is written as a negative number. Look at the candidate's weight for the value.",
                lambda p: _held(p, [1], [1])[-1] > 0,
            ),
            Rule(
                "one way only",
                "A marked -1 is not written as -1: what does the candidate, or the gate, make of it?",
                lambda p: _held(p, [-1], [1])[-1] < -0.1,
            ),
            Rule(
                "written without a mark",
                "A value that is not marked gets in: without a mark the input gate has to be shut.",
                lambda p: np.abs(_held(p, [1, -1, -1, 1, 1], [0] * 5)).max() < 0.05,
            ),
            Rule(
                "not kept",
                (
                    "What was written is gone 30 steps later, although no mark came. How does the forget "
                    "gate stand without one?"
                ),
                lambda p: _held(p, [1] + [0] * 30, [1] + [0] * 30)[-1] > 0.9 * _held(p, [1], [1])[-1],
            ),
            Rule(
                "too little",
                "A marked 1 should leave more than 0.95 in C, and leaves less: gate or candidate is too low.",
                lambda p: _held(p, [1], [1])[-1] > 0.95,
            ),
            Rule(
                "added",
                "The second marked 1 is added to the first. What should the forget gate do at a mark?",
                lambda p: _held(p, [1, 1], [1, 1])[-1] < 1.5,
            ),
            Rule(
                "not all of the old is gone",
                "A new value comes, and part of the old one is still there: the forget gate does not shut "
                "enough at a mark.",
                lambda p: abs(_held(p, [1, 1], [1, 1])[-1] - _held(p, [1], [1])[-1]) < 0.05,
            ),
            Rule(
                "a long sequence",
                (
                    "Single values go well, and in a long sequence C strays from the last marked value by "
                    "more than 0.1. Is it what h adds, or little losses that add up?"
                ),
                _last_marked,
            ),
        ),
        praise=(
            "A latch: two gates that change places at a mark. In the trained reader, the full stop and the "
            "subject are such marks."
        ),
    ),
)
