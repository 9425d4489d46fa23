"""Notebook 14b: one cell, three programs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...course.counted import counted
from ..define import exercise
from ..judges import Behaviour, Choice, Each, Function, Rule

NOTEBOOK = "14b_three_programs"


# 14b.1

exercise(
    "14b.1",
    "Multiplications of a step",
    notebook=NOTEBOOK,
    kind="write",
    minutes=5,
    difficulty=1,
    hints=(
        "A row of D numbers times a matrix of D rows and H columns: how many multiplications is that?",
        "Each of the four layers multiplies h, and each multiplies x.",
        "Of x all steps are known from the start. Of h only the step before is.",
    ),
    judge=Function(
        lambda D, H: (4 * H * H, 4 * H * D),
        lambda rng: tuple(int(n) for n in rng.integers(2, 90, size=2)),
        {
            "exchanged": (
                lambda D, H: (4 * H * D, 4 * H * H),
                "Both numbers are right, in the wrong places: which of the two products waits for a state?",
            ),
            "one layer": (
                lambda D, H: (H * H, H * D),
                "That is what one layer takes. The LSTM has more of them.",
            ),
            "three layers": (
                lambda D, H: (3 * H * H, 3 * H * D),
                "You count three layers, the gates. The candidate has one too.",
            ),
            "nothing can be moved": (
                lambda D, H: (4 * H * (H + D), 0),
                "Their sum is right. But the products with x wait for no state: they can be moved.",
            ),
            "everything can be moved": (
                lambda D, H: (0, 4 * H * (H + D)),
                "Their sum is right. But h of the step before has to be there first.",
            ),
            "biases too": (
                lambda D, H: (4 * H * H, 4 * H * D + 4 * H),
                "Biases are added, not multiplied.",
            ),
            "additions too": (
                lambda D, H: (8 * H * H, 8 * H * D),
                "You count the additions as well. Multiplications alone are asked for.",
            ),
            "the gates' products too": (
                lambda D, H: (4 * H * H + 3 * H, 4 * H * D),
                (
                    "You count the multiplications of the gates, too. Only those in matrix products are "
                    "asked for."
                ),
            ),
        },
        praise=(
            "The part in the loop grows with the square of H; that with x can be done for all steps at once."
        ),
    ),
)


# 14b.2


def _megabytes(arrays: int, per: float = 4 / 1e6) -> Callable:
    return lambda T, B, H: arrays * T * B * H * per


exercise(
    "14b.2",
    "What is kept for the way back",
    notebook=NOTEBOOK,
    kind="write",
    minutes=5,
    difficulty=1,
    hints=(
        "Seven arrays are kept, one row for each step and sequence, H wide.",
        "A number in float32 takes 4 bytes.",
        "A MB is a million bytes.",
    ),
    judge=Function(
        _megabytes(7),
        lambda rng: tuple(int(n) for n in rng.integers(5, 500, size=3)),
        {
            "float64": (_megabytes(7, 8 / 1e6), "That is for float64. A number in float32 takes half of it."),
            "no bytes": (_megabytes(7, 1 / 1e6), "You count numbers. Each takes some bytes."),
            "bits": (
                _megabytes(7, 32 / 1e6),
                "You count 32 for each number: those are bits. Eight of them are a byte.",
            ),
            "bytes": (_megabytes(7, 4), "These are bytes. MB are asked for."),
            "kilobytes": (_megabytes(7, 4 / 1e3), "These are kB. MB are asked for."),
            "another million": (
                _megabytes(7, 4 / 2**20),
                "You divide by 1024 twice, which gives MiB. A MB is a million bytes.",
            ),
            "the gates alone": (
                _megabytes(3),
                ("Three arrays are counted. Seven are kept: read the list again."),
            ),
            "the layers alone": (
                _megabytes(4),
                ("Four arrays are counted. Seven are kept: read the list again."),
            ),
            "the states alone": (
                _megabytes(2),
                ("You count the states. Gates and candidates are kept as well."),
            ),
            "one step": (lambda T, B, H: 7 * B * H * 4 / 1e6, "That is for one step. All T are kept."),
            "one sequence": (lambda T, B, H: 7 * T * H * 4 / 1e6, "That is for one sequence. There are B."),
        },
        praise="It grows with the length: that is why checkpoints exist.",
    ),
)


# 14b.3

exercise(
    "14b.3",
    "Which products merge?",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=4,
    difficulty=2,
    hints=(
        "Write the three products with a state down. Which of them have the same left factor?",
        "The candidate's layer multiplies $r_t \\odot h_{t-1}$. When is that known?",
        "Two products share $h_{t-1}$. The third has to wait for one of the gates.",
    ),
    judge=Choice(
        "two, one after the other",
        {
            "two, one after the other": (
                "The products of both gates are one. The candidate's has to wait until the reset gate "
                "is known."
            ),
            "one, for all three layers": (
                "That would need the same left factor in all three. The candidate's layer multiplies "
                "something else."
            ),
            "two, at the same time": (
                "Two they are. But what does the second one multiply, and when is that known?"
            ),
            "three, one after the other": "Two of the three share their left factor. Those can be merged.",
            "one, and one ahead of the loop": (
                "Ahead of the loop no state is known, and the candidate's product needs one."
            ),
            "none, all ahead of the loop": "All three wait for the state of the step before.",
        },
    ),
)


# 14b.4


def _sigmoid(a):
    return 1 / (1 + np.exp(-a))


def _merged(order="ifgo", f=_sigmoid, g=np.tanh, end=np.tanh):
    """An LSTM whose layers lie side by side in some order."""

    def run(U, W, b, x):
        H = len(U)
        h, c, out = np.zeros((x.shape[1], H)), np.zeros((x.shape[1], H)), []
        for x_t in x:
            a = h @ U + x_t @ W + b
            part = {k: a[:, n * H : (n + 1) * H] for n, k in enumerate(order)}
            c = f(part["f"]) * c + f(part["i"]) * g(part["g"])
            h = f(part["o"]) * end(c)
            out.append(h)
        return np.array(out)

    return run


def _draw(layers: int) -> Callable:
    def draw(rng):
        T, B, D, H = (int(n) for n in rng.integers(2, 5, size=4))
        wide = layers * H
        return tuple(rng.standard_normal(s) for s in ((H, wide), (D, wide), (wide,), (T + 1, B, D)))

    return draw


exercise(
    "14b.4",
    "Weights from elsewhere",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=8,
    difficulty=2,
    hints=(
        "Nothing fails, since all blocks have the same size. Which columns are whose?",
        "The gates no longer stand next to one another: the candidate lies between them.",
        "`np.split(a, 4, axis=1)` gives the four blocks in the order in which they lie: i, f, g, o.",
    ),
    judge=Function(
        _merged(),
        _draw(4),
        {
            "not mended": (
                _merged("fiog"),
                "It still reads the columns in the course's order, f, i, o, g. These lie as i, f, g, o.",
            ),
            "f and i exchanged": (
                _merged("figo"),
                "g and o are right. The first two blocks are read in the course's order.",
            ),
            "o and g exchanged": (
                _merged("ifog"),
                "f and i are right. The last two blocks are read in the course's order.",
            ),
            "another order": (_merged("iofg"), "The order is i, f, g, o, and one block is read as another."),
            "i and o exchanged": (
                _merged("ofgi"),
                "f and g are right. i and o have changed places.",
            ),
            "sigmoid of the candidate": (
                _merged(g=_sigmoid),
                "The blocks are right. But the sigmoid is taken of the candidate as well.",
            ),
            "tanh of the gates": (
                _merged(f=np.tanh),
                "The blocks are right. But tanh is taken of the gates as well.",
            ),
            "no tanh for h": (_merged(end=np.positive), "The tanh of the cell state got lost on the way."),
        },
        praise=(
            "That is PyTorch's order. A wrong one is found by comparing numbers, and by nothing else: every "
            "shape fits."
        ),
    ),
)


# 14b.5


def _products(*shapes: tuple[int, ...]) -> Callable[[Any], tuple[list[int], int, int]]:
    """Make of a function the rows of each of its matrix products, for arrays of these shapes."""

    def take(answer: Any) -> list[int]:
        tally: list[int] = []
        rng = np.random.default_rng(0)
        answer(*(counted(rng.standard_normal(shape), tally) for shape in shapes))
        return tally

    return take


def _gradient(before, d_a):
    return np.einsum("tbh,tbk->hk", before, d_a)


def _gradient_draw(rng):
    T, B, H = (int(n) for n in rng.integers(2, 6, size=3))
    return rng.standard_normal((T + 1, B, H)), rng.standard_normal((T + 1, B, 4 * H))


exercise(
    "14b.5",
    "Many thin products, one long one",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=8,
    difficulty=3,
    hints=(
        (
            "For one step it is `before[t].T @ d_a[t]`, a sum over the sequences. The sum over steps is "
            "the same kind."
        ),
        "A step of a sequence is a row, whichever of the two it is: there are T B rows.",
        (
            "`before.reshape(-1, H)` has them all under one another; transposed, it takes the product "
            "with `d_a` in the same form."
        ),
    ),
    judge=Each(
        (
            Function(
                _gradient,
                _gradient_draw,
                {
                    "the last step": (
                        lambda before, d_a: before[-1].T @ d_a[-1],
                        "That is the last step's part alone. All steps add to it.",
                    ),
                    "the first step": (
                        lambda before, d_a: before[0].T @ d_a[0],
                        "That is the first step's part alone. All steps add to it.",
                    ),
                    "a mean over steps": (
                        lambda before, d_a: _gradient(before, d_a) / len(before),
                        "It is divided by the number of steps. The loss's gradient is a sum.",
                    ),
                    "a mean over rows": (
                        lambda before, d_a: _gradient(before, d_a) / before.shape[0] / before.shape[1],
                        "It is divided by the number of rows. The loss's gradient is a sum.",
                    ),
                    "each step apart": (
                        lambda before, d_a: np.einsum("tbh,tbk->thk", before, d_a),
                        "There is a gradient for each step. The weights are the same at all steps: add up.",
                    ),
                    "each sequence apart": (
                        lambda before, d_a: np.einsum("tbh,tbk->bhk", before, d_a),
                        "There is a gradient for each sequence. The weights are the same for all: add up.",
                    ),
                    "one step off": (
                        lambda before, d_a: _gradient(before[1:], d_a[:-1]),
                        "Each state meets the gradient of the step before. `before` is h[t-1] already.",
                    ),
                },
            ),
            Behaviour(
                _products((7, 3, 4), (7, 3, 16)),
                (
                    Rule(
                        "a product for each step",
                        (
                            "The numbers are right. But there is a product for each step: can all rows be "
                            "put under one another first?"
                        ),
                        lambda tally: len(tally) <= 2,
                    ),
                    Rule(
                        "no product",
                        "The numbers are right, but no matrix product makes them: those are what is fast.",
                        lambda tally: len(tally) == 1,
                    ),
                ),
                praise=(
                    "One product, with T times as many terms in each sum. That is `outer` in the "
                    "last line above."
                ),
            ),
        )
    ),
)


# 14b.6


def _coupled(order="fgo", old=lambda f: f, new=lambda f: 1 - f, end=np.tanh, gate=_sigmoid, give=np.array):
    """Coupled gates, layers side by side."""

    def run(U, W, b, x):
        H = len(U)
        h, c, out = np.zeros((x.shape[1], H)), np.zeros((x.shape[1], H)), []
        for a_t in x @ W + b:
            a = a_t + h @ U
            part = {k: a[:, n * H : (n + 1) * H] for n, k in enumerate(order)}
            f, o = gate(part["f"]), gate(part["o"])
            c = old(f) * c + new(f) * np.tanh(part["g"])
            h = o * end(c)
            out.append(h)
        return give(out)

    return run


exercise(
    "14b.6",
    "A lean loop of your own",
    notebook=NOTEBOOK,
    kind="design",
    minutes=15,
    difficulty=4,
    hints=(
        "Start from `ahead` above. There are three blocks now, and `i` is no layer.",
        "One product before the loop, `x @ W + b`, for all steps; one product in the loop, `h @ U`.",
        "The blocks are f, g and o: take f and o through the sigmoid, g through tanh, and $i = 1 - f$.",
    ),
    judge=Each(
        (
            Function(
                _coupled(),
                _draw(3),
                {
                    "1 - f keeps": (
                        _coupled(old=lambda f: 1 - f, new=lambda f: f),
                        "f and 1 - f have changed places: f says what is kept.",
                    ),
                    "f writes too": (
                        _coupled(new=lambda f: f),
                        "The candidate's share is f as well. It is what f leaves over.",
                    ),
                    "all is written": (
                        _coupled(new=np.ones_like),
                        "The candidate is written whole. Its share is what f leaves over.",
                    ),
                    "g and o exchanged": (
                        _coupled("fog"),
                        "The last two blocks have changed places: they lie as f, g, o.",
                    ),
                    "f and g exchanged": (
                        _coupled("gfo"),
                        "The first two blocks have changed places: they lie as f, g, o.",
                    ),
                    "no tanh for h": (_coupled(end=np.positive), "The tanh of the cell state is missing."),
                    "the last state": (
                        _coupled(give=lambda out: out[-1]),
                        "Only the last state is returned. All are needed, (T, B, H).",
                    ),
                },
            ),
            Behaviour(
                _products((4, 12), (3, 12), (12,), (7, 2, 3)),
                (
                    Rule(
                        "no products",
                        "The numbers are right, but no matrix product makes them: those are what is fast.",
                        lambda tally: len(tally) >= 7,
                    ),
                    Rule(
                        "a product for each layer",
                        (
                            "The numbers are right. But there are several products in a step: which of them "
                            "merge?"
                        ),
                        lambda tally: len(tally) <= 2 * 7 + 3,
                    ),
                    Rule(
                        "the input in the loop",
                        (
                            "The numbers are right, and products are merged. But what x makes is computed "
                            "step by step: it waits for no state."
                        ),
                        lambda tally: max(tally) >= 7 * 2,
                    ),
                    Rule(
                        "more products than needed",
                        "The numbers are right. One product for all steps, and one a step, would do.",
                        lambda tally: len(tally) <= 7 + 1,
                    ),
                ),
                praise=(
                    "The same numbers, with one product before the loop and one in it. That is what the "
                    "course's passes do to every cell."
                ),
            ),
        )
    ),
)
