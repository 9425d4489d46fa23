"""Notebook 14: the clockwork RNN."""

from __future__ import annotations

import math

import numpy as np

from ...cell import Cell
from ...cells import rnn
from ...cells.clockwork_rnn import unit_periods
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Choice, Function, Refused, Rule, refuse_own

NOTEBOOK = "14_clockwork"


# 14.1


def _due(rng):
    T = 2 ** rng.integers(0, 4, size=6)
    return int(rng.integers(1, 17)), T, *rng.standard_normal((2, 6))


exercise(
    "14.1",
    "Whose turn it is",
    notebook=NOTEBOOK,
    kind="write",
    minutes=5,
    difficulty=1,
    hints=(
        "`t % T` is what is left when T divides t. When is a unit due?",
        "`np.where(condition, a, b)` takes from a where the condition holds, and from b elsewhere.",
        "A unit that is not due keeps its old value.",
    ),
    judge=Function(
        lambda t, T, h, a: np.where(t % T == 0, a, h),
        _due,
        {
            "the other way round": (
                lambda t, T, h, a: np.where(t % T == 0, h, a),
                "The units that are due hold, and the others compute: it is the other way round.",
            ),
            "all compute": (lambda t, T, h, a: a, "Every unit takes its proposal, at every step."),
            "none computes": (lambda t, T, h, a: h, "No unit ever takes its proposal."),
            "zero in place of holding": (
                lambda t, T, h, a: np.where(t % T == 0, a, 0.0),
                "A unit that is not due falls to 0. It is to hold what it has.",
            ),
            "t divides T": (
                lambda t, T, h, a: np.where(T % t == 0, a, h),
                "You ask whether t divides T. A unit is due when T divides t.",
            ),
            "from its period on": (
                lambda t, T, h, a: np.where(t >= T, a, h),
                "From step T on your unit computes at every step.",
            ),
            "both at once": (
                lambda t, T, h, a: np.where(t % T == 0, h + a, h),
                (
                    "A unit that is due adds its proposal to the old value. It is to take the proposal in "
                    "its place."
                ),
            ),
        },
        praise="That line is all the clockwork there is; what remains is who hears whom.",
    ),
)


# 14.2


def _mask(periods):
    return (periods[:, None] >= periods[None, :]).astype(float)


exercise(
    "14.2",
    "Who hears whom",
    notebook=NOTEBOOK,
    kind="write",
    minutes=7,
    difficulty=2,
    hints=(
        "Begin with two units, periods 1 and 8. Which of the four weights stays?",
        (
            "The fast hear the slow, and each module hears itself: the weight from unit j to unit k "
            "stays where j is as slow as k, or slower."
        ),
        "In `h @ U`, row j of U belongs to the unit that speaks, and column k to the one that hears. "
        "`periods[:, None]` and `periods[None, :]` compare all with all.",
    ),
    judge=Function(
        _mask,
        lambda rng: (2 ** np.sort(rng.integers(0, 4, size=7)),),
        {
            "the slow hear the fast": (
                lambda p: _mask(p).T,
                (
                    "In your mask the slow units hear the fast ones. Either the comparison is turned round, "
                    "or rows and columns have changed places: `h @ U` has the speaker in the row."
                ),
            ),
            "not one's own module": (
                lambda p: (p[:, None] > p[None, :]).astype(float),
                "A unit does not hear its own module: equal periods are to stay.",
            ),
            "one's own module alone": (
                lambda p: (p[:, None] == p[None, :]).astype(float),
                "Only units of one period hear each other. The fast hear the slower ones as well.",
            ),
            "everybody": (lambda p: np.ones((len(p), len(p))), "Every weight stays: that is no mask."),
            "by number, not by period": (
                lambda p: np.tril(np.ones((len(p), len(p)))),
                (
                    "You compare the units' numbers. Units of one period hear each other, whatever their "
                    "numbers."
                ),
            ),
            "the opposite": (
                lambda p: 1 - _mask(p),
                "Zeros and ones have changed places.",
            ),
            "oneself alone": (lambda p: np.eye(len(p)), "Each unit hears itself alone."),
        },
        praise="Sorted by period it is a staircase, the picture in the paper.",
    ),
)


# 14.3


def _free(sizes):
    return sum(k * sum(sizes[j:]) for j, k in enumerate(sizes))


exercise(
    "14.3",
    "Count what is free",
    notebook=NOTEBOOK,
    kind="write",
    minutes=6,
    difficulty=2,
    hints=(
        "Take sizes (4, 4, 4) and draw the mask: how many blocks of 4 by 4 stay?",
        "Each module hears itself and all slower ones.",
        "Module j with k units has k times as many weights as there are units from j on.",
    ),
    judge=Function(
        _free,
        lambda rng: (tuple(int(n) for n in rng.integers(1, 9, size=int(rng.integers(2, 6)))),),
        {
            ("the full matrix"): (
                lambda s: sum(s) ** 2,
                ("That is the plain network's matrix: nothing is masked."),
            ),
            "one's own alone": (
                lambda s: sum(k * k for k in s),
                "You count each module's weights to itself. It hears the slower modules as well.",
            ),
            "without one's own": (
                lambda s: _free(s) - sum(k * k for k in s),
                "A module's weights to itself are missing.",
            ),
            "with the biases": (
                lambda s: _free(s) + sum(s),
                "You count the biases too. Only the recurrent weights are asked for.",
            ),
            "half of the matrix": (
                lambda s: sum(s) ** 2 / 2,
                "Half of the matrix is not it: the blocks on the diagonal stay whole.",
            ),
            "half, with the diagonal": (
                lambda s: sum(s) * (sum(s) + 1) / 2,
                "You count by single units. Units of one module all hear each other.",
            ),
        },
        praise=(
            "It is half of H H plus the squares of the sizes. So the order of the modules does not "
            "matter, and equal ones cost least."
        ),
    ),
)


# 14.4


def _saved(sizes, periods):
    return sum(k * sum(sizes[j:]) / T for j, (k, T) in enumerate(zip(sizes, periods, strict=True)))


def _modules(rng):
    n = int(rng.integers(2, 6))
    return tuple(int(k) for k in rng.integers(1, 9, size=n)), tuple(2**j for j in range(n))


exercise(
    "14.4",
    "What a step costs",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=3,
    hints=(
        "A module costs nothing while it holds.",
        "At a step at which it computes, it costs its weights: those of exercise 14.3, module by module.",
        "A module of period T computes at one step of T. Add up what the modules cost on average.",
    ),
    judge=Function(
        _saved,
        _modules,
        {
            "as if all computed": (
                lambda s, T: _free(s),
                "That is the cost of a step at which all modules compute, step 0 for one.",
            ),
            "the full matrix, by the mean period": (
                lambda s, T: sum(s) ** 2 / np.mean(T),
                (
                    "You divide all weights by one mean period. Each module has its own number of weights "
                    "and its own period."
                ),
            ),
            "no mask": (
                lambda s, T: sum(k * sum(s) / t for k, t in zip(s, T, strict=True)),
                "You let each module hear everybody.",
            ),
            "the speaker's period": (
                lambda s, T: sum(
                    k * sum(n / t for n, t in zip(s[j:], T[j:], strict=True)) for j, k in enumerate(s)
                ),
                (
                    "You divide by the period of the module that is heard. What counts is when the one that "
                    "hears computes."
                ),
            ),
            "times the period": (
                lambda s, T: sum(k * sum(s[j:]) * t for j, (k, t) in enumerate(zip(s, T, strict=True))),
                "You multiply by the periods: slow modules would cost most.",
            ),
            "one's own module alone": (
                lambda s, T: sum(k * k / t for k, t in zip(s, T, strict=True)),
                "The slower modules that a module hears are missing.",
            ),
            "units, not weights": (
                lambda s, T: sum(k / t for k, t in zip(s, T, strict=True)),
                "That is how many units compute. Each of them takes one product for each unit that it hears.",
            ),
        },
        praise=(
            "With many modules the sum is ruled by the fastest. (The course's programs compute all "
            "units and choose: on these processors that was faster)."
        ),
    ),
)


# 14.5


def _next(T, start):
    return math.ceil(start / T) * T


exercise(
    "14.5",
    "If the clock starts late",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=5,
    difficulty=2,
    hints=(
        "At t = 0 every unit is due, since every period divides 0.",
        "If the first step is t = 5, when is a unit of period 4 due for the first time?",
        "The smallest multiple of T that is not below the start.",
    ),
    judge=Function(
        _next,
        lambda rng: (int(2 ** rng.integers(0, 6)), int(rng.integers(0, 60))),
        {
            ("at once"): (
                lambda T, start: start,
                ("At the first step only those are due whose period divides it."),
            ),
            "at its period": (
                lambda T, start: T,
                "If the clock starts later than that, its first turn is a later multiple.",
            ),
            "a period later": (
                lambda T, start: start + T,
                "The clock does not start anew: a unit is due where its period divides t.",
            ),
            "the one before": (
                lambda T, start: start // T * T,
                "That is the last multiple before the start, which has gone by.",
            ),
            "always the next": (
                lambda T, start: (start // T + 1) * T,
                "If the start itself is a multiple, the unit is due right then.",
            ),
            "never before its period": (
                lambda T, start: max(T, _next(T, start)),
                "At t = 0 every unit is due: every period divides 0.",
            ),
        },
        praise=(
            "With a period of 256 and a start at 1, the slowest module sleeps through most of a wave "
            "of 320 samples."
        ),
    ),
)


# 14.6

exercise(
    "14.6",
    "Which clocks does a wave need?",
    notebook=NOTEBOOK,
    kind="measure",
    minutes=10,
    difficulty=3,
    hints=(
        "Run `error_with` for the periods 1, 3, 9, 27, 81, 243 and for 1, 2, 4, 8.",
        "Compare both with the error of the nine periods of the lesson.",
        "Then the fast wave: which of the two sets does better on a wave without slow parts?",
    ),
    judge=Choice(
        "long periods help, on both waves",
        {
            ("long periods help, on both waves"): (
                "The periods need not be powers of two. And slow modules help on a wave without "
                "slow parts too: they may tell one stretch of it from another."
            ),
            "they have to be powers of two": "Try 1, 3, 9, 27, 81, 243: what is the error?",
            ("long periods help on the slow wave alone"): (
                "Try the fast wave with the nine periods, and with 1, 2, 4, 8: which is lower?"
            ),
            "short periods are enough": "Compare 1, 2, 4, 8 with the nine periods, on both waves.",
            ("the periods of the wave itself"): (
                "The wave repeats its parts every 187, 99, 50 and 31 samples. None of the sets "
                "was chosen for that."
            ),
            "it makes no difference": "Compare the errors: they differ by more than a factor of two.",
        },
    ),
)


# 14.7


def _a_told_cell(answer):
    if not isinstance(answer, Cell):
        raise Refused("no cell", "A cell is needed, a function under @lc.cell.")
    refuse_own(answer)
    if not any(i.kind == "clock" for i in answer.inputs):
        raise Refused("no clock", f"{answer.name} is not told the time: give it t=lc.clock.")
    shapes = answer.parameter_shapes(2, 9)
    told = [name for name, shape in shapes.items() if shape == (9,) and not name.startswith("b")]
    if len(told) != 1:
        raise Refused(
            ("no weight for the news"), ("One weight a unit is needed beside the bias: lc.param('p_h', 'H').")
        )
    return answer, told[0]


def _told_run(taken, news, seed=0):
    cell, name = taken
    rng = np.random.default_rng(seed)
    params = {k: rng.standard_normal(s) for k, s in cell.parameter_shapes(2, 9).items()}
    params[name] = np.full(9, news)
    x = rng.standard_normal((20, 2, 2))
    return params, x, unroll(cell, params, x)[cell.output]


def _plain(taken, params, x, news):
    """What the plain network gives whose sum has the news added, at the steps at which a unit is due."""
    from ...experiments.studies.waves import PERIODS

    cell, name = taken
    W = next(p for p in params.values() if p.shape == (2, 9))
    U = next(p for p in params.values() if p.shape == (9, 9))
    b = next(p for k, p in params.items() if p.shape == (9,) and k != name)
    T = np.asarray(unit_periods(9, PERIODS))
    h, states = np.zeros((2, 9)), []
    for t, x_t in enumerate(x):
        h = np.tanh(x_t @ W + h @ U + b + news * (t % T == 0))
        states.append(h)
    return np.array(states)


def _agrees(taken, news):
    params, x, states = _told_run(taken, news)
    return np.allclose(states, _plain(taken, params, x, news), atol=1e-9)


def _is_plain(taken):
    params, x, states = _told_run(taken, 0.0)
    names = {"W_h": (2, 9), "U_h": (9, 9), "b_h": (9,)}
    ours = {k: next(p for n, p in params.items() if p.shape == s and n != taken[1]) for k, s in names.items()}
    return np.allclose(states, unroll(rnn, ours, x)["h"], atol=1e-9)


exercise(
    "14.7",
    "Told the time, and never holding",
    notebook=NOTEBOOK,
    kind="design",
    minutes=15,
    difficulty=4,
    hints=(
        "Begin with the plain network, and give its function the argument `t=lc.clock`.",
        "`lc.table('T', lambda H: unit_periods(H, waves.PERIODS), 'H')` is a period for each unit; "
        "`t % T == 0.0` says who is due.",
        (
            "Where a unit is due, its weight `lc.param('p_h', 'H')` is added to the sum inside the tanh; "
            "elsewhere 0 is. `lc.where` chooses."
        ),
    ),
    judge=Behaviour(
        _a_told_cell,
        (
            Rule(
                "not plain without news",
                (
                    "With its weight p_h at 0 the cell should be the plain network, and it is not. Does "
                    "every unit compute at every step?"
                ),
                _is_plain,
            ),
            Rule(
                "the news changes nothing",
                "The weight p_h makes no difference: the news does not reach the sum.",
                lambda c: np.abs(_told_run(c, 1.0)[2] - _told_run(c, 0.0)[2]).max() > 1e-6,
            ),
            Rule(
                "at the wrong steps",
                "The news comes, but not at the steps at which a unit's period divides t.",
                lambda c: _agrees(c, 1.0),
            ),
            Rule(
                "not in proportion",
                "Twice the weight should add twice as much inside the tanh.",
                lambda c: _agrees(c, 2.0),
            ),
        ),
        praise=(
            "It is told the time, and it holds nothing. Train it on the wave, and see what of the "
            "clockwork's success is left."
        ),
    ),
)
