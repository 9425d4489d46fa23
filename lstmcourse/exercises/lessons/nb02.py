"""Notebook 02: long-term dependencies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...cell import Cell
from ...cells import rnn
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Choice, Function, Refused, Rule, Value, refuse_own
from ..weights import weights_of

NOTEBOOK = "02_long_term_dependencies"


# 02.1

exercise(
    "02.1",
    "What the largest singular value tells",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=3,
    difficulty=1,
    hints=(
        "A bound from above says how large something can be at most. Does it say how small?",
        (
            "Two things multiply the gradient at each step: the matrix, and the slopes of tanh. How "
            "large is a slope?"
        ),
        "At a slope of 0.5 and σ = 1.2, what becomes of the gradient in one step? And at a slope of 1?",
    ),
    judge=Choice(
        "it may fade or grow",
        {
            "it may fade or grow": (
                "The matrix stretches by at most 1.2, the slopes of tanh shrink: σ alone does not say "
                "which of them wins. The figure shows what happens here."
            ),
            "it grows": (
                "The bound grows. What lies below a bound may do as it likes: look at what the slopes "
                "of tanh do."
            ),
            "it grows as 1.2 to the power of k": (
                "That would be so if every slope were 1, that is, if every unit stood at 0."
            ),
            "it fades": (
                "It can, if the slopes are small. But near 0 the slope of tanh is 1, and then 1.2 wins."
            ),
            "it stays as it is": "Two factors would have to cancel at every step. Nothing sees to that.",
            "it depends on the learning rate": (
                "A gradient is taken at the weights as they are. The learning rate comes after it."
            ),
        },
    ),
)


# 02.2


def _gradient(w, h):
    return np.prod(w * (1 - h**2))


def _gradient_draw(rng):
    return float(rng.uniform(0.4, 2.0) * rng.choice([-1, 1])), rng.uniform(-0.9, 0.9, size=rng.integers(3, 9))


exercise(
    "02.2",
    "The gradient through k steps",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=2,
    hints=(
        "Begin with one step: $h_1 = \\tanh(w h_0 + x_1)$. What is $dh_1/dh_0$?",
        (
            "The derivative of $\\tanh(a)$ is $1 - \\tanh^2(a)$. Which of the given numbers is $\\tanh(a)$ "
            "already?"
        ),
        "The chain rule multiplies the steps: one factor for each, each with a weight and a slope in it.",
    ),
    judge=Function(
        _gradient,
        _gradient_draw,
        {
            "no slopes": (
                lambda w, h: w ** len(h),
                (
                    "The weight is there k times, and the slopes of tanh are missing: that would be a "
                    "linear unit."
                ),
            ),
            "no weight": (
                lambda w, h: np.prod(1 - h**2),
                "The slopes are right. At each step the state is multiplied by w as well, before tanh.",
            ),
            "the weight once": (
                lambda w, h: w * np.prod(1 - h**2),
                "The weight is there once. How often does the state pass through it on its way to step k?",
            ),
            "the slope at h": (
                lambda w, h: np.prod(w * (1 - np.tanh(h) ** 2)),
                "tanh is taken once too often: h has been through it already.",
            ),
            "the slope of a sigmoid": (
                lambda w, h: np.prod(w * h * (1 - h)),
                "h (1 - h) is the slope of a sigmoid. This unit has a tanh.",
            ),
            "no square": (
                lambda w, h: np.prod(w * (1 - h)),
                "Look at the slope once more: at h and at -h tanh is equally steep.",
            ),
            "the last step alone": (
                lambda w, h: w * (1 - h[-1] ** 2),
                "That is one step, from h_(k-1) to h_k. There are k of them.",
            ),
            "the last slope for all": (
                lambda w, h: (w * (1 - h[-1] ** 2)) ** len(h),
                (
                    "The slope of the last step is taken for every step. Each has a state, and a slope, of "
                    "its own."
                ),
            ),
            "the slope at w h": (
                lambda w, h: np.prod(w * (1 - np.tanh(w * h) ** 2)),
                "tanh(w h) belongs to the next step, and its input is missing. What is h the result of?",
            ),
            "a sum": (
                lambda w, h: np.sum(w * (1 - h**2)),
                "The factors of the steps are added. The chain rule does something else with them.",
            ),
            "a factor for each step": (
                lambda w, h: w * (1 - h**2),
                "These are the factors of the single steps. What do they make together?",
            ),
            "without the last step": (
                lambda w, h: np.prod(w * (1 - h[:-1] ** 2)),
                "One step is missing: h holds the states after the steps, k of them, so there are k factors.",
            ),
            "without the first step": (
                lambda w, h: np.prod(w * (1 - h[1:] ** 2)),
                "The first step is missing: its slope is that at h_1, the first number of h.",
            ),
            "all the ways on": (
                lambda w, h: np.cumprod(w * (1 - h**2)),
                "That is the derivative of every state. Only that of the last is asked for.",
            ),
        },
        praise=(
            "There are k factors w (1 - h^2). If they stay below 1 in size, the product fades as an "
            "exponential does; no state can make a slope larger than 1."
        ),
    ),
)


# 02.3


def _back(U, states, d_last):
    d = d_last
    for h in states[::-1]:
        d = (d * (1 - h**2)) @ U.T
    return d


def _back_draw(rng):
    H, T = rng.integers(3, 6), rng.integers(2, 7)
    return (
        rng.standard_normal((H, H)),
        rng.uniform(-0.9, 0.9, size=(T, H)),
        rng.standard_normal(H),
    )


def _backwards(**parts):
    """The loop with something else in its place."""

    def loop(U, states, d_last):
        d = d_last
        for h in parts.get("order", lambda s: s[::-1])(states):
            slope = parts.get("slope", lambda h: 1 - h**2)(h)
            d = parts.get("step", lambda d, slope, U: (d * slope) @ U.T)(d, slope, U)
        return d

    return loop


def _squashed_again(h):
    return 1 - np.tanh(h) ** 2


def _matrix_first(d, slope, U):
    return (d @ U.T) * slope


exercise(
    "02.3",
    "A gradient that almost fits",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=10,
    difficulty=2,
    hints=(
        "There are two mistakes, both in the line that multiplies. Check each factor by itself.",
        (
            "Forwards, the state goes through the matrix first, then through tanh. In which order does "
            "the way back meet them?"
        ),
        "The numbers in `states` are results of tanh. Which function of them is the slope of tanh?",
    ),
    judge=Function(
        _back,
        _back_draw,
        {
            "not mended": (
                _backwards(slope=_squashed_again, step=_matrix_first),
                "Both mistakes are still there. Write down one step of the chain rule and compare.",
            ),
            "the order of the factors": (
                _backwards(step=_matrix_first),
                (
                    "The slope is right now. The matrix and the slopes still come in the order of the way "
                    "forwards."
                ),
            ),
            "the slope": (
                _backwards(slope=_squashed_again),
                (
                    "The order is right now. The slope is taken at the wrong place: h is a result of tanh "
                    "already."
                ),
            ),
            "from the front": (
                _backwards(order=lambda s: s),
                (
                    "The line is right now. But the gradient comes from the last step, and the loop "
                    "begins at the first."
                ),
            ),
            "the matrix, not its transpose": (
                _backwards(step=lambda d, slope, U: (d * slope) @ U),
                "Forwards it is h @ U. On the way back the matrix stands the other way round.",
            ),
            "the order, and the matrix": (
                _backwards(step=lambda d, slope, U: (d @ U) * slope),
                "The slope is right now. The matrix stands the wrong way round, and comes too early as well.",
            ),
            "the square": (
                _backwards(slope=lambda h: (1 - h) ** 2),
                "The order is right now. Look at what is squared in the slope of tanh.",
            ),
            "no slopes": (
                _backwards(step=lambda d, slope, U: d @ U.T),
                "The slopes of tanh got lost on the way.",
            ),
            "no matrix": (
                _backwards(step=lambda d, slope, U: d * slope),
                "The matrix got lost on the way.",
            ),
            "one step too few": (
                _backwards(order=lambda s: s[:0:-1]),
                (
                    "The way ends before it reaches the state at the start: the first step is not gone back "
                    "through."
                ),
            ),
            "one step alone": (
                _backwards(order=lambda s: s[-1:]),
                "Only one step is gone back. Does each turn of the loop use what the one before has left?",
            ),
        },
        praise=(
            "Back through tanh first, then through the matrix. A gradient with the factors in the wrong "
            "order has about the right size, so training still does something: only a check by small "
            "steps finds it."
        ),
    ),
)


# 02.4

exercise(
    "02.4",
    "Where another switch begins",
    notebook=NOTEBOOK,
    kind="measure",
    minutes=8,
    difficulty=2,
    hints=(
        "For tanh: the curve tanh(w h) leaves the origin with slope w, and the diagonal has slope 1.",
        "Let a program find it: start at h = 1, take 10,000 steps, and see for which w anything is left.",
        "How steep is 2σ(a) - 1 at a = 0? Draw it beside tanh.",
    ),
    judge=Value(
        2.0,
        {
            "that of tanh": (
                1.0,
                "That is the weight for tanh. How steep is this function at 0, compared with tanh?",
            ),
            "the slope of the function": (
                0.5,
                "That is how steep 2σ(a) - 1 is at 0. Which weight makes up for it?",
            ),
            "that of σ alone": (
                4.0,
                "The slope of σ at 0 is 1/4. Here σ is stretched to lie between -1 and 1.",
            ),
            "the slope of σ": (0.25, "That is how steep σ is at 0. A weight is asked for."),
            "none": (0.0, "With a weight of 0 nothing of the state comes back."),
            "the notebook's weight": (
                3.0,
                "With this weight it is a switch, as in the text. It is one with smaller weights as well.",
            ),
        },
        praise=(
            "The slope at 0 times the weight has to exceed 1. And 2σ(a) - 1 is tanh(a/2): the same "
            "curve, drawn twice as wide."
        ),
        tolerance=0.01,
    ),
)


# 02.5

FRANCE, JAPAN, OTHER = 0, 1, 2


def _read(p, *words, then=100):
    """The state after these words, and as many others."""
    x = np.eye(3)[[*words, *[OTHER] * then]]
    return unroll(rnn, p, x[:, None])["h"][-1, 0, 0]


def _both(p, *words, then=100):
    """For France the state and for Japan its negative; the words are those after France."""
    swapped = [{FRANCE: JAPAN, JAPAN: FRANCE}.get(w, w) for w in words]
    return _read(p, FRANCE, *words, then=then), -_read(p, JAPAN, *swapped, then=then)


exercise(
    "02.5",
    "The first country wins",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=15,
    difficulty=3,
    hints=(
        (
            "Let *France* push the unit up, *Japan* push it down, and any other word not at all. The "
            "weight of the unit onto itself has to hold it there for 100 words: the text has one that "
            "does."
        ),
        (
            "A set unit gives itself a push of about U_h at each step. To turn it, a word has to push "
            "harder. To set one that stands at 0, how hard does a word have to push?"
        ),
        (
            "Read *Japan* again and again: the unit then follows h = tanh(U_h h - push). As long as "
            "that has a solution with h above 0, it holds. Draw the two sides for a push of 2, and of 1."
        ),
    ),
    judge=Behaviour(
        weights_of(rnn, input_size=3),
        (
            Rule(
                "leans to one side",
                (
                    "Before any country was read, 100 other words move the unit: nothing but a country may "
                    "push it."
                ),
                lambda p: abs(_read(p)) < 0.1,
            ),
            Rule(
                "no recurrence",
                "The unit does not hear itself: with U_h = 0 it has forgotten everything one word later.",
                lambda p: p["U_h"] != 0,
            ),
            Rule(
                "the wrong sign",
                "With a negative U_h the state changes its sign at each step.",
                lambda p: p["U_h"] > 0,
            ),
            Rule(
                "a country without a push",
                "One of the countries does not move the unit at all.",
                lambda p: p["W_h"][FRANCE] != 0 and p["W_h"][JAPAN] != 0,
            ),
            Rule(
                "France and Japan alike",
                "Both countries push the unit to the same side, so it cannot tell them apart.",
                lambda p: p["W_h"][FRANCE] * p["W_h"][JAPAN] < 0,
            ),
            Rule(
                "the wrong way round",
                "After *France* the unit is to stand above 0, and after *Japan* below.",
                lambda p: p["W_h"][FRANCE] > 0,
            ),
            Rule(
                "fades",
                "After a country and 100 other words nothing is left: is U_h that of a switch?",
                lambda p: min(_both(p)) > 0.25,
            ),
            Rule(
                "not far enough",
                (
                    "The unit holds, but closer to 0 than 0.9: which weight onto itself makes it settle "
                    "further out?"
                ),
                lambda p: min(_both(p)) > 0.9,
            ),
            Rule(
                "the last country wins",
                (
                    "The country is kept for 100 words, but a second country turns the unit. Compare "
                    "the push of a word with the push that the unit gives itself."
                ),
                lambda p: min(min(_both(p, JAPAN)), min(_both(p, *[OTHER] * 10, JAPAN))) > 0.9,
            ),
            Rule(
                "turned by the third",
                "It holds against the other country once, but not against three times in a row: push less.",
                lambda p: min(_both(p, *[OTHER] * 10, *[JAPAN] * 3)) > 0.9,
            ),
            Rule(
                "turned in the long run",
                "It holds against three in a row, but not against 100: push less still.",
                lambda p: min(_both(p, *[OTHER] * 10, *[JAPAN] * 100)) > 0.9,
            ),
        ),
        praise=(
            "Below a certain push the set unit has a place to rest whatever is read: nothing but the first "
            "country counts, for ever. A plain network can hold it; what it lacks is a way to learn it."
        ),
    ),
)


# 02.6


def _runner(answer: Any) -> Callable[[np.ndarray, float], np.ndarray]:
    """What runs a cell without parameters, or a function of x and h, over a sequence (T,)."""
    if isinstance(answer, Cell):
        refuse_own(answer)
        if len(answer.states) != 1:
            raise Refused("another number of states", f"One state is needed, and {answer.name} has others.")
        if answer.parameter_shapes(1, 1):
            raise Refused(
                "weights",
                f"{answer.name} has weights to be learned. Here every number stands in the equation itself.",
            )
        (state,) = answer.states
        return lambda x, h: unroll(answer, {}, x[:, None, None], state={state: np.full((1, 1), h)})[state][
            :, 0, 0
        ]
    if not callable(answer) or isinstance(answer, type):
        raise Refused("no cell", "A cell of x and h is needed, under @lc.cell, or a function of x and h.")

    def run(x, h):
        states = []
        for x_t in x:
            h = float(answer(float(x_t), h))
            states.append(h)
        return np.array(states)

    return run


def _measure(answer: Any) -> dict[str, Any]:
    """What a unit does with nothing, with a pulse, with small changes of its state, and with ones."""
    run = _runner(answer)
    still, pulse, ones, small = np.zeros(100), np.eye(100)[0], np.ones(1000), 1e-5
    after = run(pulse, 0.0)
    up, down = (run(still[1:], after[0] + d)[-1] for d in (small, -small))
    return {
        "still": run(still, 0.0),
        "pulse": after,
        "gradient": abs(up - down) / (2 * small),
        "ones": run(ones, 0.0),
    }


exercise(
    "02.6",
    "A unit that remembers, and can be taught",
    notebook=NOTEBOOK,
    kind="design",
    minutes=20,
    difficulty=4,
    hints=(
        "Take tanh away first: which equation passes the state on unchanged while the input is 0?",
        (
            "That one keeps the pulse and the whole gradient. What happens to it when 1 is read a "
            "thousand times? The new state may depend on the old in another way where the input is not "
            "0."
        ),
        (
            "Let the input decide how much of the old state stays: with an input of 0 all of it, with "
            "an input of 1 none. (The course has `lc.maximum`, `lc.minimum`, `lc.relu` and others, too: "
            "there is more than one way.)"
        ),
    ),
    judge=Behaviour(
        _measure,
        (
            Rule(
                "not finite",
                "The state becomes infinite, or no number at all.",
                lambda m: all(np.isfinite(v).all() for v in m.values()),
            ),
            Rule(
                "not at rest",
                "Without any input the state leaves 0: it would remember what was never read.",
                lambda m: np.abs(m["still"]).max() < 0.1,
            ),
            Rule(
                "reads nothing",
                "Right after the pulse the state is not above 0.5: the input hardly gets in.",
                lambda m: m["pulse"][0] > 0.5,
            ),
            Rule(
                "fades",
                "The pulse gets in, and 100 steps later the state is below 0.5.",
                lambda m: m["pulse"][-1] > 0.5,
            ),
            Rule(
                "a switch",
                (
                    "The pulse is kept, but of the gradient less than a tenth is left: small changes of "
                    "the state die out. It is a switch, as in the text."
                ),
                lambda m: m["gradient"] > 0.1,
            ),
            Rule(
                "the gradient grows",
                "The gradient has grown to more than tenfold over 100 steps: it explodes.",
                lambda m: m["gradient"] < 10,
            ),
            Rule(
                "the state grows",
                "Pulse and gradient are kept, but after a thousand ones the state has left the range to 10.",
                lambda m: np.abs(m["ones"]).max() < 10,
            ),
        ),
        praise=(
            "It passes its state on unchanged as long as nothing is read, and is kept within bounds where "
            "something is. That is the idea of the cell state, and of the gates that guard it."
        ),
    ),
)
