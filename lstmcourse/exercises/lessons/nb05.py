"""Notebook 05: the forget gate."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np

from ...cells import lstm
from ..define import exercise
from ..judges import Behaviour, Choice, Function, Rule, Value
from ..weights import weights_of

NOTEBOOK = "05_forget_gate"


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


# 05.1


def _left(x, h, C, W, U, b):
    return _sigmoid(x @ W + h @ U + b) * C


def _left_draw(rng):
    B, D, H = 3, 2, 4
    return tuple(rng.standard_normal(s) for s in ((B, D), (B, H), (B, H), (D, H), (H, H), (H,)))


exercise(
    "05.1",
    "What is left of the state",
    notebook=NOTEBOOK,
    kind="write",
    minutes=5,
    difficulty=1,
    hints=(
        "First the sum that the gate's layer makes, of x, h and b: two products with `@`.",
        "Then the sigmoid: `1 / (1 + np.exp(-z))`. It gives one number for each number of the state.",
        "Each number of the gate multiplies its own number of `C`: that is `*`, not `@`.",
    ),
    judge=Function(
        _left,
        _left_draw,
        {
            "no sigmoid": (
                lambda x, h, C, W, U, b: (x @ W + h @ U + b) * C,
                "The sum itself multiplies the state. A gate lies between 0 and 1: what makes it so?",
            ),
            "tanh in place of the sigmoid": (
                lambda x, h, C, W, U, b: np.tanh(x @ W + h @ U + b) * C,
                "Your gate lies between -1 and 1, so it can turn the sign of what is stored. Look at the "
                "function that squashes.",
            ),
            "what goes in place of what stays": (
                lambda x, h, C, W, U, b: (1 - _sigmoid(x @ W + h @ U + b)) * C,
                "That is what goes. In spite of its name, the forget gate says how much stays.",
            ),
            "the gate alone": (
                lambda x, h, C, W, U, b: _sigmoid(x @ W + h @ U + b),
                "That is the gate. What is asked for is what it leaves of C.",
            ),
            "no bias": (
                lambda x, h, C, W, U, b: _sigmoid(x @ W + h @ U) * C,
                "The bias is missing from the sum.",
            ),
            "no hidden state": (
                lambda x, h, C, W, U, b: _sigmoid(x @ W + b) * C,
                "The gate looks at x alone. It sees the hidden state as well.",
            ),
            "no input": (
                lambda x, h, C, W, U, b: _sigmoid(h @ U + b) * C,
                "The gate does not see the input x.",
            ),
            "the cell state in place of h": (
                lambda x, h, C, W, U, b: _sigmoid(x @ W + C @ U + b) * C,
                "Your gate looks at C. In this cell it sees h, what was shown of C.",
            ),
            "added": (
                lambda x, h, C, W, U, b: _sigmoid(x @ W + h @ U + b) + C,
                "The gate is added to the state. In the picture there is another sign in the circle.",
            ),
            "the product inside": (
                lambda x, h, C, W, U, b: _sigmoid((x @ W + h @ U + b) * C),
                "The state is multiplied before the sigmoid, and comes out squashed. The belt itself goes "
                "through no layer.",
            ),
            "open or shut": (
                lambda x, h, C, W, U, b: np.round(_sigmoid(x @ W + h @ U + b)) * C,
                "Your gate is either open or shut. This one can stand anywhere in between.",
            ),
            "the transpose of U": (
                lambda x, h, C, W, U, b: _sigmoid(x @ W + h @ U.T + b) * C,
                "U stands the wrong way round: h has its units along the last axis, as x has its inputs.",
            ),
        },
        praise="One layer, one product: a share of each number is kept.",
    ),
)


# 05.2

exercise(
    "05.2",
    "Nothing may be forgotten",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=2,
    difficulty=1,
    hints=(
        "What stands in the cell state when the new subject is read, if nothing was deleted?",
        "Whatever is written is added to what is there. Look at the picture above: how large is what the "
        "old subject left?",
        "Not gender alone is stored for the length of a sentence. What else does an answer need?",
    ),
    judge=Choice(
        "all three suffer",
        {
            "all three suffer": (
                "Number and gender are both stored on the belt, and neither is deleted now. See by how much."
            ),
            "nothing changes": (
                "The cell state only ever gains something from a kept number, you might say. But the old "
                "subject is still there when the new one is added to it."
            ),
            "gender alone suffers": (
                "The picture shows the unit for gender. Is that all that the belt carries for a sentence?"
            ),
            "the verb alone suffers": (
                "The verb needs the number of the subject, and is not the only one: what does he, she "
                "or they need?"
            ),
            "the answers turn round": (
                "They would turn if the old subject always were the opposite of the new one. How often is it?"
            ),
            "the first sentence suffers": (
                "The gates are held open from the first full stop on. What comes before it is read as always."
            ),
        },
    ),
)


# 05.3


def _gate(p, x, h=0.0):
    one = np.ones((1, 1))
    return float(lstm.step(p, x * one, {"h": h * one, "c": 0 * one})["f"][0, 0])


exercise(
    "05.3",
    "Open at 0, shut at 1",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=5,
    difficulty=2,
    hints=(
        "At $x = 0$ and $h = 0$ the gate is $\\sigma(b_f)$. Which bias makes that more than 0.99?",
        "At $x = 1$ the sum is $b_f + W_f$. It has to be as far below 0 as $b_f$ lies above.",
        "$\\sigma(4.6)$ is about 0.99. What does $h$, anywhere between -1 and 1, add to the sum?",
    ),
    judge=Behaviour(
        weights_of(lstm, needed=("W_f", "b_f")),
        (
            Rule(
                "no bias",
                "At x = 0 and h = 0 the gate stands at one half: only the bias speaks there, and it is 0.",
                lambda p: p["b_f"] != 0,
            ),
            Rule(
                "the wrong way round",
                "Your gate is shut at x = 0 and open at x = 1. Look at the two signs.",
                lambda p: not _gate(p, 0) < 0.5 < _gate(p, 1),
            ),
            Rule(
                "always shut",
                "Your gate is shut at x = 0 already. What holds it open when nothing comes in?",
                lambda p: _gate(p, 0) > 0.5,
            ),
            Rule(
                "the input is not heard",
                "With an input weight of 0 the gate is the same at x = 0 and at x = 1.",
                lambda p: p["W_f"] != 0,
            ),
            Rule(
                "always open",
                "Your gate is open at x = 1 as well. There the sum is the bias and the input weight.",
                lambda p: _gate(p, 1) < 0.5,
            ),
            Rule(
                "not open enough",
                (
                    "It opens and shuts, but at x = 0 it stands at 0.99 or lower: after 100 steps little is "
                    "left."
                ),
                lambda p: _gate(p, 0) > 0.99,
            ),
            Rule(
                "not shut enough",
                "It opens and shuts, but at x = 1 it still lets 0.01 or more of the state through.",
                lambda p: _gate(p, 1) < 0.01,
            ),
            Rule(
                "h moves it",
                "At h = 0 all is well, and at h = 1 or h = -1 it is not: what h adds to the sum spoils it.",
                lambda p: all(_gate(p, 0, h) > 0.99 and _gate(p, 1, h) < 0.01 for h in (-1, 1)),
            ),
        ),
        praise="Open by default, shut by a signal: two numbers are enough.",
    ),
)


# 05.4


def _logit(f):
    return np.log(f / (1 - f))


exercise(
    "05.4",
    "A bias for a half-life",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=7,
    difficulty=2,
    hints=(
        "If the gate stands at $f$ at every step, how much is left after n steps?",
        "So $f^n = 1/2$. Solve that for $f$ first.",
        "Then $f = \\sigma(b)$. Solve it for b: what is $f / (1 - f)$?",
    ),
    judge=Function(
        lambda n: _logit(0.5 ** (1 / n)),
        lambda rng: (int(rng.integers(2, 200)),),
        {
            "the gate, not its bias": (
                lambda n: 0.5 ** (1 / n),
                "That is where the gate has to stand. Which bias puts it there?",
            ),
            "the sign": (
                lambda n: -_logit(0.5 ** (1 / n)),
                "The sign is wrong: a gate that is more than half open has a bias above 0.",
            ),
            "the logarithm alone": (
                lambda n: np.log(0.5) / n,
                "You undo an exponential function. The gate is a sigmoid of the bias.",
            ),
            "a time constant": (
                lambda n: _logit(np.exp(-1 / n)),
                "After n steps 1/e is left, about 0.37: a time constant. One half is asked for.",
            ),
            "one part in n": (
                lambda n: _logit(1 - 1 / n),
                "You take 1/n away at each step. Then about 0.37 is left after n steps, not one half.",
            ),
            "shares added": (
                lambda n: _logit(1 - 0.5 / n),
                "You share the half out evenly. But each step takes its part of what is left, not of the "
                "whole: shares multiply.",
            ),
            "halved at each step": (
                lambda n: _logit(0.5**n),
                "There the gate stands at one half to the power n. Which number gives one half, when it is "
                "taken to the power n?",
            ),
            "the logarithm to base 2": (
                lambda n: _logit(0.5 ** (1 / n)) / np.log(2),
                "The sigmoid has an exponential function of base e in it; your logarithm has base 2.",
            ),
            "one step more": (
                lambda n: _logit(0.5 ** (1 / (n + 1))),
                "The half is reached one step late.",
            ),
            "one step less": (
                lambda n: _logit(0.5 ** (1 / (n - 1))),
                "The half is reached one step early.",
            ),
        },
        praise=(
            "That is -log(2^(1/n) - 1), about log(n / 0.69) for a large n. So a bias of 1 means a half-life "
            "of 2 steps, and a hundred steps need a bias near 5."
        ),
    ),
)


# 05.5


def _mean_gate(f, mask):
    return f[mask].mean(axis=0)


def _mean_gate_draw(rng):
    T, B, H = 7, 4, 3
    lengths = np.append(rng.integers(1, T, size=B - 1), T)
    return rng.uniform(size=(T, B, H)), np.arange(T)[:, None] < rng.permutation(lengths)


def _summed(f, mask):
    return (f * mask[..., None]).sum(axis=(0, 1))


def _by(axis):
    def means(f, mask):
        each = (f * mask[..., None]).sum(axis=axis) / mask.sum(axis=axis)[:, None]
        return each.mean(axis=0)

    return means


exercise(
    "05.5",
    "The mean over words that are not there",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=6,
    difficulty=2,
    hints=(
        (
            "Give it two rows, one of them much shorter, and a gate that is 1 everywhere. What should "
            "the mean be?"
        ),
        "The sum leaves the padding out. Does the count?",
        "How many steps are there? The mask knows.",
    ),
    judge=Function(
        _mean_gate,
        _mean_gate_draw,
        {
            "not mended": (
                lambda f, mask: _summed(f, mask) / mask.size,
                "The sum leaves the padding out, and is still divided by a number that counts it.",
            ),
            "the mask forgotten": (
                lambda f, mask: f.mean(axis=(0, 1)),
                "Now the padding is in the sum as well: the mean is one of real words and of nothing.",
            ),
            "the padding alone": (
                lambda f, mask: f[~mask].mean(axis=0),
                "The mask is the wrong way round: you take the mean over the padding.",
            ),
            "a mean of rows' means": (
                _by(0),
                "Each row has the same weight, so a word of a short sentence counts more than one of a long "
                "sentence. All words should count alike.",
            ),
            "a mean of steps' means": (
                _by(1),
                (
                    "Each step has the same weight, although few rows are left at the last ones. All words "
                    "should count alike."
                ),
            ),
            "divided by rows": (
                lambda f, mask: _summed(f, mask) / mask.shape[1],
                "You divide by the number of rows: that is a sum for each row, above 1 in most cases.",
            ),
            "divided by the longest": (
                lambda f, mask: _summed(f, mask) / len(mask),
                "You divide by the number of steps of the longest row. There are many rows.",
            ),
            "the sum": (_summed, "That is the sum. By what is it to be divided?"),
            "one number for all units": (
                lambda f, mask: f[mask].mean(),
                "There is one number for all units. Each unit has a gate of its own: keep the last axis.",
            ),
        },
        praise=(
            "The padding is out of the sum and out of the count. Masking the sum alone is easily done, and "
            "nothing fails: the number is only too small."
        ),
    ),
)


# 05.6


@functools.cache
def _trained():
    """The reader, its rows, and the units that carry gender and number."""
    from ...course import reader

    model, rows = reader.load(), reader.rows(512)
    return model, rows, *(reader.carrier(model, what, rows)[0] for what in ("gender", "number"))


def _changed(name):
    """The reader with a change made to it."""
    from ...training import inspection

    model, _, gender, number = _trained()
    match name:
        case "as trained":
            return model
        case "all gates":
            return model.with_cell(lstm.override(f=1.0))
        case "silenced":
            return inspection.silence(model, gender)
        case _:
            gate, value, unit = name.split()
            return inspection.pin(model, gate, float(value), number if unit == "number" else gender)


@functools.cache
def _shares(name, what="gender"):
    """Shares right in each sentence of a row, of a reader that was changed."""
    from ...course import reader

    _, rows, _, _ = _trained()
    said = _changed(name).predict(rows.x)
    sentence = np.arange(len(rows.x))[:, None] // 14
    parts = [replace(rows, mask=rows.mask & (sentence == k)) for k in range(3)]
    return [reader.answers(said, part)[what] for part in parts]


HELD = "f 1 gender"


exercise(
    "05.6",
    "One gate held open",
    notebook=NOTEBOOK,
    kind="measure",
    minutes=10,
    difficulty=3,
    hints=(
        '`lc.inspection.pin(reader, "f", 1.0, gender)` is the reader with that one gate held open.',
        "The sentence of a step is `np.arange(len(rows.x)) // 14`. A mask that is False elsewhere, "
        "`rows.mask & ...[:, None]`, leaves that sentence's answers.",
        '`lc.reader.answers(pinned.predict(rows.x), replace(rows, mask=...))["gender"]`, once for each '
        "sentence.",
    ),
    judge=Value(
        lambda: _shares(HELD),
        {
            "as trained": (
                lambda: _shares("as trained"),
                "That is the reader as it was trained: nothing is held open in it.",
            ),
            "all gates": (
                lambda: _shares("all gates"),
                "There the forget gates of all units are held open. Hold that of one unit.",
            ),
            "held shut": (
                lambda: _shares("f 0 gender"),
                "There the gate is held shut: even the first sentence suffers.",
            ),
            "another gate": (
                lambda: _shares("i 1 gender"),
                "There the input gate is held open: look at the letter.",
            ),
            "the unit for number": (
                lambda: _shares("f 1 number"),
                "There the gate of the unit for number is held open.",
            ),
            "silenced": (
                lambda: _shares("silenced"),
                "There the unit is silenced. It should be heard, and never forget.",
            ),
            "the verb": (
                lambda: _shares(HELD, "verb"),
                "Those are the verbs. Look at gender.",
            ),
            "what is wrong": (
                lambda: [1 - share for share in _shares(HELD)],
                "Those are the shares that are wrong. The shares that are right are asked for.",
            ),
            "the last sentence first": (
                lambda: _shares(HELD)[::-1],
                "The three are in the wrong order.",
            ),
        },
        praise=(
            "The first sentence has nothing to forget. From the second on the old gender stands in the way, "
            "and the answers are little better than guesses: this gate has to shut."
        ),
        tolerance=0.004,
    ),
)
