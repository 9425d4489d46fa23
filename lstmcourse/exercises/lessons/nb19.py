"""Notebook 19: how long a cell remembers."""

from __future__ import annotations

import functools
import inspect
import math
import operator
from collections.abc import Callable
from typing import Any
from unittest.mock import Mock

import numpy as np

from ...cell import Cell
from ...cells import lstm
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Function, Refused, Rule, of_the_course
from ..weights import weights_of

NOTEBOOK = "19_memory_span"


# 19.1


def _bias(lag, left):
    f = left ** (1 / lag)
    return math.log(f / (1 - f))


exercise(
    "19.1",
    "A bias for a lag",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=6,
    difficulty=1,
    hints=(
        "A gate that stays at f leaves f times f of a value after two steps. And after `lag` steps?",
        "So f to the power `lag` is `left`: take the root. Then ask which bias makes a sigmoid say f.",
        "The sigmoid's inverse is log(f / (1 - f)).",
    ),
    judge=Function(
        _bias,
        lambda rng: (int(rng.integers(3, 1000)), float(rng.uniform(0.05, 0.95))),
        {
            "the gate, not its bias": (
                lambda lag, left: left ** (1 / lag),
                "That is the gate's value. Which bias makes a sigmoid say it?",
            ),
            "one step alone": (
                lambda lag, left: math.log(left / (1 - left)),
                "With this bias so much is left after one step. It has to last for `lag` steps.",
            ),
            "a share for each step": (
                lambda lag, left: math.log((left / lag) / (1 - left / lag)),
                "You divide `left` by the steps. The gate multiplies at each step: what undoes a power?",
            ),
            "the same loss at each step": (
                lambda lag, left: math.log((1 - (1 - left) / lag) / ((1 - left) / lag)),
                (
                    "You take away the same amount at each step. The gate takes away the same share of what "
                    "is still there."
                ),
            ),
            "the other sign": (
                lambda lag, left: -_bias(lag, left),
                "With that bias the gate is as far closed as it should be open.",
            ),
            "the logarithm of the gate": (
                lambda lag, left: math.log(left) / lag,
                "That is the logarithm of the gate's value. The sigmoid's inverse has a second part.",
            ),
            "what is lost": (
                lambda lag, left: _bias(lag, 1 - left),
                "With this bias so much is lost in `lag` steps. `left` is what stays.",
            ),
        },
        praise="To keep half over 100 steps takes a bias of 5. The usual start, 1, keeps half over two.",
    ),
)


# 19.2


def _asked(function: Callable, ladder: tuple[int, ...], reach: float) -> tuple[Any, list]:
    """What a reader's search finds, and the lags that it asks for."""
    # it is not written in Python here: then the guard would take it for the course's own, which none may call
    learnt = Mock(side_effect=functools.partial(operator.ge, reach))
    return function(ladder, learnt), [call.args[0] for call in learnt.call_args_list]


_LADDERS = ((10, 20, 50, 100, 200, 500, 1000), (5, 15, 45), (8,), (1, 2, 3, 4, 5, 6, 7, 8, 9, 10))


def _searches(answer: Any) -> list[tuple[tuple, int, Any, list]]:
    """Every outcome on every ladder: the ladder, how many lags are learnt, what is found, what was asked."""
    if not callable(answer) or isinstance(answer, (type, Cell)):
        raise Refused("no function", "A function of ladder and learnt is needed.")
    if of_the_course(answer):
        raise Refused("the course's own", "That is the course's own: write yours.")
    try:
        inspect.signature(answer).bind((), None)
    except TypeError:
        raise Refused("other arguments", "Your function is called with ladder and learnt.") from None
    out = []
    for ladder in _LADDERS:
        for n in range(len(ladder) + 1):
            found, tried = _asked(answer, ladder, ladder[n - 1] if n else 0)
            if found is None or found is Ellipsis:
                raise Refused("returns nothing", "Your function returns nothing yet: it needs a return.")
            if not isinstance(found, (int, float, np.number)):
                raise Refused("no numbers", "Your function has to return a lag, one number.")
            out.append((ladder, n, found, tried))
    return out


def _always(wrong: Callable[[tuple, int], Any]) -> Callable[[list], bool]:
    """Whether what is found is not, everywhere, what that mistake would make of it."""
    return lambda searches: not all(found == wrong(ladder, n) for ladder, n, found, _ in searches)


def _right(ladder: tuple, n: int) -> int:
    return ladder[n - 1] if n else 0


exercise(
    "19.2",
    "Bisect",
    notebook=NOTEBOOK,
    kind="write",
    minutes=12,
    difficulty=2,
    hints=(
        "Keep two numbers: below `low` all is learnt, from `high` on nothing is. How do they start?",
        "Ask for the lag in the middle. If it is learnt, `low` is one beyond it; if not, `high` is there.",
        "Stop when `low` and `high` meet. Then `ladder[low - 1]` is the longest that is learnt, if any is.",
    ),
    judge=Behaviour(
        _searches,
        (
            Rule(
                "asks off the ladder",
                "You ask for a lag that is not on the ladder. Take the middle of places, not of lags.",
                lambda s: all(set(tried) <= set(ladder) for ladder, _, _, tried in s),
            ),
            Rule(
                "a place, not a lag",
                "You return a place on the ladder. The lag that stands there is asked for.",
                _always(lambda ladder, n: n),
            ),
            Rule(
                "a place from 0",
                "You return a place, counted from 0, and -1 where nothing is learnt. Return the lag.",
                _always(lambda ladder, n: n - 1),
            ),
            Rule(
                "the first that fails",
                "You return the first lag that is not learnt.",
                lambda s: (
                    not all(found == ladder[n] for ladder, n, found, _ in s if n < len(ladder) and n > 0)
                ),
            ),
            Rule(
                "0 for the shortest",
                "You say 0 though the shortest lag is learnt.",
                lambda s: not any(n == 1 < len(ladder) and found == 0 for ladder, n, found, _ in s),
            ),
            Rule(
                "something where nothing is",
                "Where no lag is learnt, the span is 0.",
                lambda s: all(found == 0 for _, n, found, _ in s if n == 0),
            ),
            Rule(
                "not the longest",
                "Where all lags are learnt, you stop before the longest.",
                lambda s: all(found == ladder[-1] for ladder, n, found, _ in s if n == len(ladder)),
            ),
            Rule(
                "another lag",
                "For some ladders and spans it returns another lag. Try a ladder of three on paper.",
                lambda s: all(found == _right(ladder, n) for ladder, n, found, _ in s),
            ),
            Rule(
                "asks twice",
                "It is right, but it asks for the same lag twice, and each question is a training.",
                lambda s: all(len(set(tried)) == len(tried) for *_, tried in s),
            ),
            Rule(
                "too many questions",
                "It is right, but it asks too often: each question is a training. Seven lags take three.",
                lambda s: all(len(tried) <= math.ceil(math.log2(len(ladder) + 1)) for ladder, *_, tried in s),
            ),
        ),
        praise="Three trainings tell apart the eight outcomes of seven lags: no search could do with fewer.",
    ),
)


# 19.3

exercise(
    "19.3",
    "How sure are five seeds?",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=7,
    difficulty=3,
    hints=(
        "A seed's span lies above the true median half of the time, and below it the other half.",
        "The range of n seeds misses the median in two cases only. Which?",
        "All n above, or all n below: how probable is each?",
    ),
    judge=Function(
        lambda n: 1 - 2.0 ** (1 - n),
        lambda rng: (int(rng.integers(2, 30)),),
        {
            "one side alone": (
                lambda n: 1 - 2.0**-n,
                "You count one of the two ways to miss it: all above, or all below.",
            ),
            "that it misses": (
                lambda n: 2.0 ** (1 - n),
                "That is how often the range misses the median.",
            ),
            "one side, and that it misses": (
                lambda n: 2.0**-n,
                "That is how often all seeds lie on one given side of the median.",
            ),
            "where the next seed lies": (
                lambda n: (n - 1) / (n + 1),
                "That is how often one more seed would fall into the range. The median is asked for.",
            ),
            "one in n": (
                lambda n: 1 - 1 / n,
                "It grows much faster with n than that: think of n coins.",
            ),
            "always 95 %": (
                lambda n: 0.95,
                "The range of n seeds is what it is; how sure it makes one depends on n.",
            ),
            "one seed too many": (
                lambda n: 1 - 2.0 ** (2 - n),
                "With two seeds, how often do they lie on different sides of the median?",
            ),
        },
        praise=(
            "Five seeds: 15 times in 16. No assumption about the spans is needed, save that none lies on the "
            "median itself; where some do, the range is surer still."
        ),
    ),
)


# 19.4

_STEPS = 1000


def _carried(answer: Any) -> dict[str, Any]:
    """Runs of the reader's LSTM: with a value of 1 or -1 at the first step, without and with distraction."""
    params = weights_of(lstm, input_size=2, needed=("W_f", "b_f", "W_i", "b_i", "W_g", "b_g", "W_o", "b_o"))(
        answer
    )
    x = np.zeros((_STEPS, 12, 2))
    x[0, :, 0] = np.tile((1.0, -1.0), 6)
    x[0, :, 1] = 1.0
    noise = np.random.default_rng(0).choice((-1.0, 1.0), size=(_STEPS - 1, 12))
    noise[:, :4], noise[:, 4:6] = np.array((1.0, -1.0, -1.0, 1.0)), 0.0  # the worst, and none at all
    x[1:, :, 0] = noise
    run = unroll(lstm, params, x)
    sign = x[0, :, 0]
    return {"c": run["c"][..., 0] * sign, "h": run["h"][..., 0] * sign, "o": run["o"][..., 0]}


exercise(
    "19.4",
    "A thousand steps, by hand",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=12,
    difficulty=3,
    hints=(
        "Which gate must know of the mark? Which may stay as it is, at all steps?",
        "The input gate: shut by its bias, opened by the mark. The forget gate: 0.99 to the power 1,000 is "
        "nearly nothing, so its bias has to be large.",
        "The candidate takes the value's sign. All recurrent weights may be 0. For the forget gate, solve "
        "exercise 19.1 with a lag of 1,000.",
    ),
    judge=Behaviour(
        _carried,
        (
            Rule(
                "nothing is written",
                "After the first step the cell state is nearly 0: the marked value does not come in.",
                lambda r: (np.abs(r["c"][0]) > 0.1).all(),
            ),
            Rule(
                "not the value",
                "After the first step the cell state has the same sign, whatever the value was.",
                lambda r: len({*np.sign(r["c"][0])}) == 1,
            ),
            Rule(
                "turned round",
                "What is written has the opposite sign of the value.",
                lambda r: (r["c"][0] > 0).all(),
            ),
            Rule(
                "forgotten",
                "Even if nothing more comes in, hardly anything of the value is left after 1,000 steps: the "
                "forget gate leaks.",
                lambda r: (r["c"][-1, 4:6] > 0.2 * r["c"][0, 4:6]).all(),
            ),
            Rule(
                "writes all the time",
                "Values without a mark are written as well, and in 1,000 steps they bury the first.",
                lambda r: (r["c"][-1] > 0.1).all(),
            ),
            Rule(
                "the output gate is shut",
                "The cell state holds the value, and the output gate does not let it out.",
                lambda r: (r["o"][-1] > 0.5).all(),
            ),
            Rule(
                "too faint",
                "h has the right sign after 1,000 steps, but is below 0.5: write more, or keep more.",
                lambda r: (r["h"][-1] > 0.5).all(),
            ),
        ),
        praise="So the cell can. Whether learning finds such weights is another question.",
    ),
)
