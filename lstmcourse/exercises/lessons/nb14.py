"""Notebook 14: the clockwork RNN."""

from __future__ import annotations

from collections import Counter

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


def _ticking(
    mask=lambda T: T[:, None] >= T[None, :],
    due=lambda t, T: t % T == 0,
    squash=np.tanh,
    step=lambda due, a, h: np.where(due, a, h),
    give=lambda states, h: np.array(states[1:]),
    b_of=lambda b: b,
):
    """A clockwork network with something else in its place."""

    def states_of(x, h, T, W, U, b):
        states = [h]
        for t, x_t in enumerate(x):
            a = squash(x_t @ W + states[-1] @ (U * mask(T)) + b_of(b))
            states.append(step(due(t, T), a, states[-1]))
        return give(states, h)

    return states_of


def _clockwork(x, h, T, W, U, b):
    return _ticking()(x, h, T, W, U, b)


def _clockwork_draw(rng):
    D, H, steps = 3, 4 * int(rng.integers(2, 4)), int(rng.integers(10, 20))
    shapes = ((steps, D), (H,), (D, H), (H, H), (H,))
    x, h, W, U, b = (rng.standard_normal(s) for s in shapes)
    return x, h, unit_periods(H, (1, 2, 4, 8)), W, U, b


def _run_cell(answer, x, h, T, W, U, b):
    """The same of a cell of the reader's, whose periods are 1, 2, 4 and 8."""
    if len(answer.states) != 1:
        raise Refused("other states", f"{answer.name} needs one state, h, from step to step.")
    shapes = answer.parameter_shapes(len(W), len(h))
    given = {a.shape: a for a in (W, U, b)}
    several = Counter(shapes.values())
    if set(several) != set(given) or any(n > 1 for shape, n in several.items() if shape != b.shape):
        have = ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "none"
        raise Refused(
            "other parameters",
            f"{answer.name} has other parameters ({have}) than a matrix for the input, one for the state, "
            "and a bias.",
        )
    params = {name: given[shape] / several[shape] for name, shape in shapes.items()}  # two biases add up
    (state,) = answer.states
    return unroll(answer, params, x[:, None], state={state: h[None]}, grad=False)[state][:, 0]


exercise(
    "14.3",
    "The clockwork, from memory",
    notebook=NOTEBOOK,
    kind="write",
    minutes=12,
    difficulty=3,
    hints=(
        "Begin with the plain network's loop of notebook 01. What it makes is a proposal now.",
        "Two things are new: the mask of 14.2 on the recurrent weights, and the line of 14.1 after the tanh.",
        "Count the steps from 0 (`enumerate`), multiply `U` by the mask once, before the loop, and put every "
        "new state into a list.",
    ),
    judge=Function(
        _clockwork,
        _clockwork_draw,
        {
            "the mask forgotten": (
                _ticking(mask=lambda T: np.ones((len(T), len(T)))),
                "Who computes when is right. But every unit hears every other: the mask is missing.",
            ),
            "the mask the wrong way round": (
                _ticking(mask=lambda T: T[:, None] <= T[None, :]),
                "In your network the slow units hear the fast ones. Rows speak, columns hear: see 14.2.",
            ),
            "not one's own module": (
                _ticking(mask=lambda T: T[:, None] > T[None, :]),
                "A unit does not hear its own module. Units of one period hear each other.",
            ),
            "one's own module alone": (
                _ticking(mask=lambda T: T[:, None] == T[None, :]),
                "Every module hears itself alone. Where do the fast units get what the slow ones hold?",
            ),
            "by number, not by period": (
                _ticking(mask=lambda T: np.tril(np.ones((len(T), len(T))))),
                "The mask goes by the units' numbers, and cuts through the modules. It goes by periods.",
            ),
            "a plain network": (
                _ticking(lambda T: np.ones((len(T), len(T))), lambda t, T: T > 0),
                "That is the plain network: no mask, no clock.",
            ),
            "no clock": (
                _ticking(due=lambda t, T: T > 0),
                "The mask is right. But every unit computes at every step: nothing is held.",
            ),
            "counted from 1": (
                _ticking(due=lambda t, T: (t + 1) % T == 0),
                "Your first step is number 1. Ours is number 0, at which all units are due.",
            ),
            "the other way round": (
                _ticking(due=lambda t, T: t % T != 0),
                "The units that are due hold, and the others compute.",
            ),
            "zero in place of holding": (
                _ticking(step=lambda due, a, h: np.where(due, a, 0.0)),
                "A unit that is not due falls to 0. It is to hold what it has.",
            ),
            "back to the start": (
                lambda x, h, T, W, U, b: _ticking(step=lambda due, a, _: np.where(due, a, h))(
                    x, h, T, W, U, b
                ),
                "A unit that is not due goes back to the state of the start. It holds what it had one step "
                "before.",
            ),
            "both at once": (
                _ticking(step=lambda due, a, h: h + due * a),
                "A unit that is due adds its proposal to what it holds. It takes it in its place.",
            ),
            "not squashed": (
                _ticking(squash=lambda a: a),
                "The proposal is not squashed: the tanh is missing.",
            ),
            "squashed while held": (
                _ticking(squash=lambda a: a, step=lambda due, a, h: np.tanh(np.where(due, a, h))),
                "What is held is squashed again at every step. The tanh belongs to the proposal.",
            ),
            "no bias": (_ticking(b_of=lambda b: 0 * b), "The bias is missing from the sum."),
            "the last alone": (
                _ticking(give=lambda states, h: states[-1]),
                "Only the last state is returned. One for each step is needed.",
            ),
            "the start as well": (
                _ticking(give=lambda states, h: np.array(states)),
                "One state too many: the start is not the result of a step.",
            ),
        },
        praise=(
            "A plain network with a mask and a clock: three lines more, and it writes a wave that the plain "
            "one cannot."
        ),
        run=_run_cell,
    ),
)


# 14.4


def _free(sizes):
    return sum(k * sum(sizes[j:]) for j, k in enumerate(sizes))


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
        (
            "At a step at which it computes, it costs its weights: a module of k units has k weights for "
            "each unit that it hears."
        ),
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
