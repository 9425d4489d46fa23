"""Answers to the exercises of notebook 17."""

import numpy as np

from . import right, wrong

# 17.1 Weights of a block

right(
    "17.1",
    lambda N, H: (2 * N * H) ** 2,
    lambda dims, units: sum(4 * dims * units * units for _ in range(dims)),
)
wrong("17.1", "one LSTM, or its own h", lambda N, H: 4 * H * H * N)
wrong("17.1", "one matrix", lambda N, H: (N * H) ** 2)
wrong("17.1", "three gates", lambda N, H: 3 * (N * H) ** 2)
wrong("17.1", "with the biases", lambda N, H: N * 4 * H * (N * H + 1))
wrong("17.1", "memory too", lambda N, H: N * 4 * H * (2 * N * H))
wrong("17.1", "one unit of output", lambda N, H: N * 4 * (N * H))
wrong("17.1", "too small", lambda N, H: 4 * H * H)


# 17.2 Nothing written, nothing forgotten

right("17.2", "the memory comes out as it went in", "The memory comes out as it went in.")
for word in (
    "the memory is squashed 24 times",
    "nothing comes out",
    "the memory grows",
    "the output depends on every matrix",
    "the output is the same for all inputs",
):
    wrong("17.2", word, word)
wrong("17.2", "none of the answers", "zero")


# 17.3 A block of two dimensions


def sigmoid(z):
    return 0.5 * (1 + np.tanh(z / 2))


def block(h1, m1, h2, m2, W1, W2):
    H = np.hstack([h1, h2])
    out = []
    for m, W in ((m1, W1), (m2, W2)):
        i, f, o, g = np.split(H @ W, 4)
        m = sigmoid(f) * m + sigmoid(i) * np.tanh(g)
        out += [np.tanh(sigmoid(o) * m), m]
    return out


def block_by_hand(a, p, b, q, V, W):
    def lstm(weights, memory):
        z = np.array([sum(x * w for x, w in zip([*a, *b], column, strict=True)) for column in weights.T])
        z = z.reshape(4, 3)
        i, f, o = 1 / (1 + np.exp(-z[:3]))
        memory = f * memory + i * np.tanh(z[3])
        return np.tanh(o * memory), memory

    return (*lstm(V, p), *lstm(W, q))


right("17.3", block, block_by_hand)


def typed(
    H1="H", H2="np.concatenate([h1, h2])", i="i", f="f", g="np.tanh(g)", h="np.tanh(o * m)", keep="f * m"
):
    """The block as a reader types it, with other words in their places."""
    scope = {"np": np, "s": sigmoid}
    exec(
        "def block(h1, m1, h2, m2, W1, W2):\n"
        "    H = np.concatenate([h1, h2])\n"
        "    def one(H, m, W):\n"
        "        i, f, o, g = np.split(H @ W, 4)\n"
        f"        i, f, o, g = s({i}), s({f}), s(o), {g}\n"
        f"        m = {keep} + i * g\n"
        f"        return {h}, m\n"
        f"    a, m1 = one({H1}, m1, W1)\n"
        f"    b, m2 = one({H2}, m2, W2)\n"
        "    return a, m1, b, m2\n",
        scope,
    )
    return scope["block"]


wrong("17.3", "one after the other", typed(H2="np.concatenate([a, h2])"))
wrong("17.3", "tanh of m, times o", typed(h="o * np.tanh(m)"))
wrong("17.3", "own h alone", typed("np.concatenate([h1, h1])", "np.concatenate([h2, h2])"))
wrong("17.3", "h in the other order", typed("np.concatenate([h2, h1])", "np.concatenate([h2, h1])"))
wrong("17.3", "each its own first", typed(H2="np.concatenate([h2, h1])"))
wrong("17.3", "i and f swapped", typed(i="f", f="i"))
wrong("17.3", "sigmoid on g", typed(g="s(g)"))
wrong("17.3", "no forget gate", typed(keep="m"))
wrong("17.3", "raises", typed("h1", "h2"))
wrong("17.3", "another number of results", lambda *given: block(*given)[:2])


# 17.4 How long the water has to wait

right(
    "17.4",
    lambda r, c: r + c - 1,
    lambda rows, columns: len({i + j for i in range(rows) for j in range(columns)}),
)
wrong("17.4", "one block after the other", lambda r, c: r * c)
wrong("17.4", "one too many", lambda r, c: r + c)
wrong("17.4", "one too few", lambda r, c: r - 1 + c - 1)
wrong("17.4", "the longer side", lambda r, c: max(r, c))
wrong("17.4", "the shorter side", lambda r, c: min(r, c))
wrong("17.4", "a square", lambda r, c: 2 * max(r, c) - 1)
wrong("17.4", "no function", 15)


# 17.5 Where the water runs


def down_and_right(picture):
    wet = np.zeros_like(picture)
    for r, row in enumerate(picture):
        for c, is_open in enumerate(row):
            above = r > 0 and wet[r - 1, c]
            left = c > 0 and wet[r, c - 1]
            wet[r, c] = is_open and (above or left or r == c == 0)
    return wet


def by_search(picture):
    wet, todo = set(), [(0, 0)]
    while todo:
        r, c = todo.pop()
        inside = r < len(picture) and c < len(picture[0])
        if inside and picture[r][c] and (r, c) not in wet:
            wet.add((r, c))
            todo += [(r + 1, c), (r, c + 1)]
    return [[float((r, c) in wet) for c in range(len(picture[0]))] for r in range(len(picture))]


right("17.5", down_and_right, by_search)


def searched(steps, through=False):
    def wet(picture):
        found, todo = np.zeros(picture.shape, bool), [(0, 0)]
        while todo:
            r, c = todo.pop()
            inside = 0 <= r < picture.shape[0] and 0 <= c < picture.shape[1]
            if inside and (picture[r, c] or through) and not found[r, c]:
                found[r, c] = True
                todo += [(r + a, c + b) for a, b in steps]
        return found

    return wet


def over_the_edge(picture):
    wet = np.zeros(picture.shape, bool)
    wet[0, 0] = True
    for _ in range(3):
        for r in range(picture.shape[0]):
            for c in range(picture.shape[1]):
                if picture[r, c] and (wet[r - 1, c] or wet[r, c - 1]):
                    wet[r, c] = True
    return wet


wrong("17.5", "around the edge", over_the_edge)


def from_the_second(picture):
    wet = np.zeros(picture.shape, bool)
    wet[0, 0] = True
    for r in range(1, picture.shape[0]):
        for c in range(1, picture.shape[1]):
            if picture[r, c] and (wet[r - 1, c] or wet[r, c - 1]):
                wet[r, c] = True
    return wet


wrong("17.5", "the edges left out", from_the_second)
wrong("17.5", "downwards alone", searched([(1, 0)]))
wrong("17.5", "to the right alone", searched([(0, 1)]))
wrong("17.5", "it runs back", searched([(1, 0), (0, 1), (-1, 0), (0, -1)]))
wrong("17.5", "through corners", searched([(1, 0), (0, 1), (1, 1)]))
wrong("17.5", "through walls", searched([(1, 0), (0, 1)], through=True))
wrong("17.5", "dry", lambda picture: np.zeros(picture.shape))
wrong("17.5", "all open fields", lambda picture: picture)
