"""Notebook 17: Grid LSTM."""

from __future__ import annotations

import numpy as np

from ..define import exercise
from ..judges import Choice, Function

NOTEBOOK = "17_grid_lstm"


exercise(
    "17.1",
    "Weights of a block",
    notebook=NOTEBOOK,
    kind="write",
    minutes=5,
    difficulty=1,
    hints=(
        (
            "Begin with one dimension: how many matrices has an LSTM, and of which shape? (It has one "
            "matrix for each gate here: all that it reads is the h.)"
        ),
        "With N dimensions each of them has an LSTM of its own.",
        "And each of these reads all the h, N H numbers.",
    ),
    judge=Function(
        lambda N, H: 4 * N * N * H * H,
        lambda rng: (int(rng.integers(2, 6)), int(rng.integers(2, 40))),
        {
            "one LSTM, or its own h": (
                lambda N, H: 4 * N * H * H,
                (
                    "Either one LSTM is counted, or each reads its own h alone. There are N of them, and "
                    "each reads the h of all."
                ),
            ),
            "one matrix": (
                lambda N, H: N * N * H * H,
                "An LSTM has three gates and a candidate, with a matrix each.",
            ),
            "three gates": (
                lambda N, H: 3 * N * N * H * H,
                "The three gates are counted, and the candidate is not.",
            ),
            "with the biases": (
                lambda N, H: 4 * N * N * H * H + 4 * N * H,
                "You count the biases too. Only the matrices are asked for.",
            ),
            "memory too": (
                lambda N, H: 8 * N * N * H * H,
                "The memories m go through no matrix: gates multiply them, unit by unit.",
            ),
            "one unit of output": (
                lambda N, H: 4 * N * N * H,
                "A matrix has N H rows and H columns: one column for each unit.",
            ),
        },
        praise="It grows with the square of the number of dimensions.",
    ),
)


exercise(
    "17.2",
    "Nothing written, nothing forgotten",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=5,
    difficulty=2,
    hints=(
        "What is m' = f m + i g with f = 1 and i = 0?",
        "Which of the layer's matrices does g need? Does g reach anything?",
        "What is shown of the memory, h = tanh(o m): which matrices does that depend on?",
    ),
    judge=Choice(
        "the memory comes out as it went in",
        {
            "the memory comes out as it went in": (
                "It passes through all 24 blocks untouched; g reaches nothing, so its matrix "
                "does not matter. What is shown of m depends on the output gates alone."
            ),
            "the memory is squashed 24 times": (
                "The tanh stands in h = tanh(o m), on the way out. The memory itself does not pass it."
            ),
            "nothing comes out": "The input gates are shut, but what was there stays: f = 1.",
            "the memory grows": "Nothing is added while the input gates are shut.",
            "the output depends on every matrix": (
                "The candidate is multiplied by i = 0. What is left of its matrix?"
            ),
            "the output is the same for all inputs": (
                "The input enters below the first block, and its memory is carried through."
            ),
        },
    ),
)


def _gate(z):
    return 1 / (1 + np.exp(-z))


def _block(squash=lambda o, m: np.tanh(o * m), g=np.tanh, read=None, order=False, swapped=False, m_new=None):
    """A block of two dimensions, with something else in its place."""

    def one(H, m, W):
        n = len(m)
        i, f, o, c = (H @ W[:, k * n : (k + 1) * n] for k in range(4))
        i, f, o, c = _gate(i), _gate(f), _gate(o), g(c)
        if swapped:
            i, f = f, i
        new = m_new(i, f, m, c) if m_new else f * m + i * c
        return squash(o, new), new

    def block(h1, m1, h2, m2, W1, W2):
        both = np.concatenate([h1, h2])
        first = one(read(h1, h2, 0) if read else both, m1, W1)
        if order:
            both = np.concatenate([first[0], h2])
        second = one(read(h1, h2, 1) if read else both, m2, W2)
        return (*first, *second)

    return block


def _block_draw(rng):
    h1, m1, h2, m2 = np.tanh(rng.standard_normal((4, 3)))
    return h1, 2 * m1, h2, 2 * m2, *rng.standard_normal((2, 6, 12))


exercise(
    "17.3",
    "A block of two dimensions",
    notebook=NOTEBOOK,
    kind="write",
    minutes=12,
    difficulty=3,
    hints=(
        "Write a function for one dimension first: it takes H, m and W, and returns the new h and m.",
        "`H @ W` has 4 parts side by side, for i, f, o and g: `np.split(H @ W, 4)`.",
        "Both dimensions read the same H, h1 and h2 side by side: neither sees what the other has just made.",
    ),
    judge=Function(
        _block(),
        _block_draw,
        {
            "one after the other": (
                _block(order=True),
                (
                    "The first dimension is right; the second one reads the h that the first has just made. "
                    "That is the paper's priority dimension. Here both read what came in."
                ),
            ),
            "tanh of m, times o": (
                _block(lambda o, m: o * np.tanh(m)),
                "You show o tanh(m), as in the LSTM. The Grid LSTM squashes what has gone through the gate.",
            ),
            "own h alone": (
                _block(read=lambda h1, h2, k: np.concatenate([(h1, h2)[k]] * 2)),
                "Each dimension reads its own h twice. It reads the two side by side.",
            ),
            "h in the other order": (
                _block(read=lambda h1, h2, k: np.concatenate([h2, h1])),
                "The two h stand in the other order. H is h1 and then h2, for both.",
            ),
            "each its own first": (
                _block(read=lambda h1, h2, k: np.concatenate([(h1, h2)[k], (h2, h1)[k]])),
                "The second dimension has its own h first. H is the same for both.",
            ),
            "i and f swapped": (_block(swapped=True), "The input and the forget gate have changed places."),
            "sigmoid on g": (_block(g=_gate), "The candidate g is squashed by tanh, so it can be negative."),
            "no forget gate": (
                _block(m_new=lambda i, f, m, c: m + i * c),
                "The old memory enters as it is: the forget gate is missing.",
            ),
        },
        praise="Two LSTMs that share what they read. A block of three dimensions has three.",
    ),
)


exercise(
    "17.4",
    "How long the water has to wait",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=5,
    difficulty=2,
    hints=(
        "The block at the top left can be computed first. Which ones can be computed next, at once?",
        "All blocks of one diagonal wait for the one before, and not for each other.",
        "Count the diagonals of a picture of 2 by 3.",
    ),
    judge=Function(
        lambda rows, columns: rows + columns - 1,
        lambda rng: (int(rng.integers(2, 40)), int(rng.integers(2, 40))),
        {
            "one block after the other": (
                lambda rows, columns: rows * columns,
                "That is the number of blocks. Those on one diagonal do not wait for each other.",
            ),
            "one too many": (
                lambda rows, columns: rows + columns,
                "The corner belongs to its row and its column: you count it twice.",
            ),
            "one too few": (
                lambda rows, columns: rows + columns - 2,
                "Those are the steps from corner to corner. The first diagonal takes one as well.",
            ),
            "the longer side": (
                lambda rows, columns: max(rows, columns),
                "A whole row cannot be computed at once: each block in it waits for its neighbour.",
            ),
            "the shorter side": (
                lambda rows, columns: min(rows, columns),
                "That is the length of the longest diagonal. How many diagonals are there?",
            ),
            "a square": (
                lambda rows, columns: 2 * max(rows, columns) - 1,
                "That is so for a square. Rows and columns may differ in number.",
            ),
        },
        praise="So a picture of 8 by 8 takes 15 steps, and 64 blocks: that is what laying it askew is for.",
    ),
)


def _flooded(picture, below=True, right=True, back=False, diagonal=False, walls=True, start=True):
    wet = np.zeros(picture.shape, bool)
    rows, columns = picture.shape
    changed = True
    while changed:
        old = wet.copy()
        for r in range(rows):
            for c in range(columns):
                near = (r == 0 and c == 0) and start
                near |= below and r > 0 and wet[r - 1, c]
                near |= right and c > 0 and wet[r, c - 1]
                near |= diagonal and r > 0 and c > 0 and wet[r - 1, c - 1]
                near |= back and ((r + 1 < rows and wet[r + 1, c]) or (c + 1 < columns and wet[r, c + 1]))
                wet[r, c] |= bool(near and (picture[r, c] or not walls))
        changed = (wet != old).any()
    return wet


def _around(picture):
    """With indices of -1 left as they are."""
    wet = np.zeros(picture.shape, bool)
    wet[0, 0] = True
    for _ in range(3):
        for r in range(picture.shape[0]):
            for c in range(picture.shape[1]):
                wet[r, c] |= bool(picture[r, c] and (wet[r - 1, c] or wet[r, c - 1]))
    return wet


def _picture(rng):
    picture = rng.random((6, 7)) < 0.75
    picture[0, 0] = picture[0, 1] = picture[1, 0] = True
    return (picture,)


def _inside(picture):
    wet = np.zeros(picture.shape, bool)
    wet[0, 0] = True
    for r, c in np.argwhere(picture):
        wet[r, c] |= r > 0 < c and (wet[r - 1, c] or wet[r, c - 1])
    return wet


exercise(
    "17.5",
    "Where the water runs",
    notebook=NOTEBOOK,
    kind="repair",
    minutes=8,
    difficulty=2,
    hints=(
        (
            "Go through the rows from the top, and through each row from the left: what a field needs to "
            "know is then known."
        ),
        "An open field is wet if the one above it is wet, or the one to its left.",
        (
            "In the first row there is none above, and in the first column none to the left: `wet[-1]` "
            "is the last row."
        ),
    ),
    judge=Function(
        _flooded,
        _picture,
        {
            "around the edge": (
                _around,
                "Water comes in over the edge: in the first row `r - 1` is -1, and that is the last row.",
            ),
            "the edges left out": (
                _inside,
                "Nothing runs along the first row, or down the first column. They are like the others.",
            ),
            "downwards alone": (lambda p: _flooded(p, right=False), "Water runs to the right as well."),
            "to the right alone": (lambda p: _flooded(p, below=False), "Water runs down as well."),
            "it runs back": (
                lambda p: _flooded(p, back=True),
                "Your water also runs up and to the left. Here it runs down and to the right alone.",
            ),
            "through corners": (
                lambda p: _flooded(p, diagonal=True),
                "Your water slips through from corner to corner.",
            ),
            "through walls": (lambda p: _flooded(p, walls=False), "Your water runs through closed fields."),
            "dry": (
                lambda p: _flooded(p, start=False),
                "Everything is dry: the field at the top left is where water comes in.",
            ),
            "all open fields": (lambda p: np.array(p), "Every open field is wet. Can water reach it?"),
        },
        praise="Six lines, and the rule that the lattice had to find in its weights.",
    ),
)
