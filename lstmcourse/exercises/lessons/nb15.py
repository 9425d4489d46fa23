"""Notebook 15: which variant is best."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...cell import Cell
from ...run.unroll import unroll
from ..define import exercise
from ..judges import Behaviour, Choice, Function, Refused, Rule, Value, refuse_own

NOTEBOOK = "15_which_variant_is_best"
D, H = 12, 20


# 15.1


def _layers(count: int) -> int:
    return count * H * (D + H + 1)


exercise(
    "15.1",
    "What full gate recurrence costs",
    notebook=NOTEBOOK,
    kind="by hand",
    minutes=3,
    difficulty=1,
    hints=(
        "In FGR each of the three gates also sees all gates of the step before. In V none does.",
        "A gate has 20 units. How many weights lead from the 20 units of one gate to the 20 of another?",
        "From which gates into which? A gate sees itself, too.",
    ),
    judge=Value(
        9 * H**2,
        {
            "one weight a unit": (
                9 * H,
                (
                    "That would be peepholes: one weight for each unit. Here every unit sees all units of a "
                    "gate."
                ),
            ),
            "one matrix a gate": (
                3 * H**2,
                "That is one matrix for each gate. But each gate sees three gates.",
            ),
            "no gate sees itself": (6 * H**2, "A gate also sees what it was itself, a step before."),
            "with biases": (9 * (H**2 + H), "These connections have no biases of their own: a gate has one."),
            "from the inputs": (9 * D * H, "These weights lead from gates, of which each has 20 units."),
            "four layers see them": (12 * H**2, "The block input sees no gates."),
            "all of it": (_layers(4) + 3 * H + 9 * H**2, "That is all that FGR has. How many more than V?"),
            "those of V": (_layers(4) + 3 * H, "That is what V has. How many more has FGR?"),
        },
        "Nine matrices: more than all of V has here. So at equal hidden size FGR is the larger network.",
    ),
)


# 15.2


def _welch(a, b, ddof=1, pooled=False, squared=True, lengths=True):
    parts = [np.var(s, ddof=ddof) if squared else np.std(s, ddof=ddof) for s in (a, b)]
    n = [len(a), len(b)] if lengths else [1, 1]
    if pooled:
        freedom = n[0] + n[1] - 2
        common = sum((k - 1) * p for k, p in zip(n, parts, strict=True)) / freedom
        return (np.mean(a) - np.mean(b)) / np.sqrt(common * (1 / n[0] + 1 / n[1]))
    return (np.mean(a) - np.mean(b)) / np.sqrt(parts[0] / n[0] + parts[1] / n[1])


def _shared(a, b, n):
    return (np.mean(a) - np.mean(b)) / np.sqrt((np.var(a, ddof=1) + np.var(b, ddof=1)) / n)


exercise(
    "15.2",
    "Somebody's t",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=6,
    difficulty=2,
    hints=(
        "Repeat every number of both samples four times, and compare. What should become of t?",
        "The error of a mean falls with the number of trials. Where does that number occur?",
        "It is the variance that is divided by the number of trials, and of a sample: n - 1 below.",
    ),
    judge=Function(
        _welch,
        lambda rng: (rng.normal(0, 1, rng.integers(4, 9)), rng.normal(1, 3, rng.integers(3, 7))),
        {
            "not mended": (
                lambda a, b: _welch(a, b, lengths=False),
                "More trials still do not make it more certain: see what the variances are divided by.",
            ),
            "deviations": (
                lambda a, b: _welch(a, b, squared=False),
                "A deviation stands where a variance belongs.",
            ),
            "n below": (
                lambda a, b: _welch(a, b, ddof=0),
                "The variance is that of the numbers themselves. Estimated from a sample it is larger.",
            ),
            "deviations of all numbers": (
                lambda a, b: _welch(a, b, ddof=0, squared=False),
                "A deviation stands where a variance belongs, and it is that of the numbers themselves.",
            ),
            "one variance for both": (
                lambda a, b: _welch(a, b, pooled=True),
                "That is Student's t, for two variances that are equal. Welch's does not need that.",
            ),
            "no root": (
                lambda a, b: _welch(a, b) / np.sqrt(np.var(a, ddof=1) / len(a) + np.var(b, ddof=1) / len(b)),
                "A root is missing: what you divide by has to have the unit of the means.",
            ),
            "errors added": (
                lambda a, b: (
                    (np.mean(a) - np.mean(b))
                    / (np.std(a, ddof=1) / np.sqrt(len(a)) + np.std(b, ddof=1) / np.sqrt(len(b)))
                ),
                "Errors of independent means do not add up. Their squares do.",
            ),
            "one number for both": (
                lambda a, b: _shared(a, b, len(a)),
                "Both variances are divided by the first sample's number. The second one has its own.",
            ),
            "all numbers together": (
                lambda a, b: _shared(a, b, len(a) + len(b)),
                "The variances are divided by the number of all trials. Each mean rests on its own sample's.",
            ),
            "the other way round": (
                lambda a, b: _welch(b, a),
                "The sign is that of the second mean minus the first.",
            ),
            "its square": (
                lambda a, b: _welch(a, b) ** 2,
                "It is never below 0: the sign, which says who is worse, got lost.",
            ),
        },
        praise="This is Welch's t: two samples, each with its own error.",
    ),
)


# 15.3


def _holm(p):
    order = np.argsort(p)
    out = np.empty(len(p))
    out[order] = np.minimum(1, np.maximum.accumulate((len(p) - np.arange(len(p))) * np.asarray(p)[order]))
    return out


def _steps(p, factor, ordered=True, rising=True, least=1.0):
    order = np.argsort(p)
    sorted_p = np.asarray(p)[order]
    made = factor(np.arange(len(p)), len(p)) * sorted_p
    made = np.minimum(least, np.maximum.accumulate(made) if rising else made)
    if not ordered:
        return made
    out = np.empty(len(p))
    out[order] = made
    return out


def _falling(k, n):
    return n - k


def _some_p(rng):
    n = int(rng.integers(5, 9))
    p = 10 ** rng.uniform(-4, -0.1, n)
    p[:2] = 0.02, 0.021  # corrected without care, they change places
    p[2] = 0.9
    return (rng.permutation(p),)


exercise(
    "15.3",
    "Many questions",
    notebook=NOTEBOOK,
    kind="write",
    minutes=12,
    difficulty=3,
    hints=(
        "Sort them first (`np.argsort`). The smallest of n is multiplied by n, the next by n - 1, and so on.",
        "A larger p value must not become the smaller one: each is at least as large as the one before it.",
        "None exceeds 1. In the end each belongs to where it stood in `p`.",
    ),
    judge=Function(
        _holm,
        _some_p,
        {
            "Bonferroni": (
                lambda p: _steps(p, lambda k, n: n),
                "That is Bonferroni's: all are multiplied by n. Holm gives away less.",
            ),
            "they change places": (
                lambda p: _steps(p, _falling, rising=False),
                (
                    "A p value that was larger became the smaller one. Each has to be as large as the one "
                    "before."
                ),
            ),
            "order lost": (
                lambda p: _steps(p, _falling, ordered=False),
                "They come back sorted: the reader no longer knows which belongs to which question.",
            ),
            "above 1": (
                lambda p: _steps(p, _falling, least=np.inf),
                "One of them is above 1, and they are probabilities.",
            ),
            "above 1, and they change places": (
                lambda p: _steps(p, _falling, rising=False, least=np.inf),
                "There are two steps more: none may exceed 1, and none may be smaller than the one before.",
            ),
            "one too few": (
                lambda p: _steps(p, lambda k, n: n - k - 1),
                "The smallest is multiplied by n - 1, and the last one by 0: the count starts one too low.",
            ),
            "from the wrong end": (
                lambda p: _steps(p, lambda k, n: k + 1),
                "The smallest is left as it is, and the largest multiplied by n. It is the other way round.",
            ),
            "false discoveries": (
                lambda p: _steps(p, lambda k, n: n / (k + 1)),
                "The factor n / k is that of Benjamini and Hochberg, who bound another kind of error.",
            ),
            "as they were": (lambda p: np.asarray(p), "Nothing is corrected yet."),
        },
        praise="Holm's. It asks for nothing but the p values, and gives away less than Bonferroni's.",
    ),
)


# 15.4

exercise(
    "15.4",
    "What may be said",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=3,
    difficulty=2,
    hints=(
        "Draw the interval and the margin on one line.",
        "Does the interval hold 0? Does it reach beyond the margin, on either side?",
        "Two questions were asked, and both have an answer.",
    ),
    judge=Choice(
        "worse, but by less than the margin",
        {
            "worse, but by less than the margin": "Yes: the interval excludes 0, and lies within the margin. "
            "A difference may be significant and not matter.",
            "worse, and by more than the margin": "The interval ends before the margin begins.",
            "undecided": "The interval excludes 0, so one of the two questions has an answer at least.",
            "no difference": "0 lies outside the interval.",
            "better": "Errors are compared: which sign is worse?",
            "worse, and nobody knows by how much": "The interval says by how much. Compare its upper end.",
        },
    ),
)


# 15.5


def _takes(answer: Any) -> Cell:
    if not isinstance(answer, Cell):
        raise Refused("no cell", "A cell is needed: your function, under @lc.cell.")
    refuse_own(answer)
    states = [s.name for s in answer.graph.states]
    if states != ["h"]:
        raise Refused(
            "other states", f"Your cell has the states {', '.join(states)}. One is asked for, called h."
        )
    return answer


def _states(cell: Cell, bias: str, value: float, h0: float, x: float = 1.0) -> np.ndarray:
    """All states of 60 steps, one bias at a value, the other parameters small."""
    rng = np.random.default_rng(0)
    params = cell.init(input_size=3, hidden_size=8, rng=rng, dtype=np.float64)
    params = {k: 0.1 * rng.standard_normal(p.shape) for k, p in params.items()}
    if bias:
        params[bias] = np.full_like(params[bias], value)
    inputs = x * rng.standard_normal((60, 2, 3))
    start = h0 * np.linspace(-1, 1, 16).reshape(2, 8)
    return unroll(cell, params, inputs, state={"h": start}, backend="numpy")["h"]


def _settings(cell: Cell) -> list[tuple[str, float]]:
    names = [name for name in cell.parameter_shapes(3, 8) if name.startswith("b")]
    return [(name, value) for name in names for value in (-40.0, 40.0)]


def _bounded(cell: Cell) -> bool:
    return all(np.abs(_states(cell, *s, 1.0)).max() <= 1 + 1e-9 for s in [("", 0.0), *_settings(cell)])


def _keeps(cell: Cell) -> bool:
    start = np.linspace(-1, 1, 16).reshape(2, 8)
    return any(np.abs(_states(cell, *s, 1.0) - start).max() < 1e-6 for s in _settings(cell))


def _forgets(cell: Cell) -> bool:
    return any(
        np.abs(_states(cell, *s, 1.0)[-1] - _states(cell, *s, -1.0)[-1]).max() < 1e-6 for s in _settings(cell)
    )


def _listens(cell: Cell) -> bool:
    return bool(np.abs(_states(cell, "", 0.0, 1.0) - _states(cell, "", 0.0, 1.0, x=-1.0)).max() > 1e-6)


GRU_HAS = 3 * 8 * (3 + 8 + 1)

exercise(
    "15.5",
    "A cell of your own",
    notebook=NOTEBOOK,
    kind="design",
    minutes=20,
    difficulty=4,
    hints=(
        "What makes the GRU's state stay as it is? And what keeps it within [-1, 1]?",
        "A share of the old state, and the rest of a candidate: one gate is enough.",
        "Then you have parameters left. What could the candidate do without? What could be shared?",
    ),
    judge=Behaviour(
        _takes,
        (
            Rule(
                "too many parameters",
                "It has as many parameters as a GRU, or more. Leave something out.",
                lambda cell: cell.parameter_count(3, 8) < GRU_HAS,
            ),
            Rule("deaf", "What it reads changes nothing in its state.", _listens),
            Rule(
                "out of bounds",
                (
                    "Its state leaves [-1, 1], though it starts there. What is added, and what is taken "
                    "away for it?"
                ),
                _bounded,
            ),
            Rule(
                "cannot keep",
                "No bias makes it keep its state over 60 steps. A gate, wide open or shut, should.",
                _keeps,
            ),
            Rule(
                "cannot forget",
                (
                    "It keeps its state, and never gets rid of it: after 60 steps one still sees where it "
                    "started, wherever its biases are."
                ),
                _forgets,
            ),
        ),
        "It keeps, it forgets, it stays within bounds, and it is smaller than a GRU. Is it any good? Ask "
        "lc.design.",
    ),
)
