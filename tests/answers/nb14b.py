"""Answers to the exercises of notebook 14b."""

import numpy as np

from . import right, wrong


def sigma(a):
    return 0.5 * (1 + np.tanh(0.5 * a))


# 14b.1 Multiplications of a step

right(
    "14b.1",
    lambda D, H: (4 * H**2, 4 * D * H),
    lambda inputs, units: [units * 4 * n for n in (units, inputs)],
)
wrong("14b.1", "exchanged", lambda D, H: (4 * D * H, 4 * H * H))
wrong("14b.1", "one layer", lambda D, H: (H * H, D * H))
wrong("14b.1", "three layers", lambda D, H: (3 * H * H, 3 * D * H))
wrong("14b.1", "nothing can be moved", lambda D, H: (4 * H * (D + H), 0))
wrong("14b.1", "everything can be moved", lambda D, H: (0, 4 * H * (D + H)))
wrong("14b.1", "biases too", lambda D, H: (4 * H * H, 4 * H * (D + 1)))
wrong("14b.1", "additions too", lambda D, H: (2 * 4 * H * H, 2 * 4 * D * H))
wrong("14b.1", "the gates' products too", lambda D, H: (4 * H * H + 3 * H, 4 * D * H))
wrong("14b.1", "another shape", lambda D, H: 4 * H * (D + H))


# 14b.2 What is kept for the way back

right("14b.2", lambda T, B, H: 7 * T * B * H * 4 / 1e6, lambda T, B, H: 28e-6 * H * B * T)
wrong("14b.2", "float64", lambda T, B, H: 7 * T * B * H * 8 / 1e6)
wrong("14b.2", "no bytes", lambda T, B, H: 7 * T * B * H / 1e6)
wrong("14b.2", "bits", lambda T, B, H: 7 * T * B * H * 32 / 1e6)
wrong("14b.2", "bytes", lambda T, B, H: 7 * T * B * H * 4)
wrong("14b.2", "kilobytes", lambda T, B, H: 7 * T * B * H * 4 / 1000)
wrong("14b.2", "another million", lambda T, B, H: 7 * T * B * H * 4 / 1024 / 1024)
wrong("14b.2", "the gates alone", lambda T, B, H: 3 * T * B * H * 4 / 1e6)
wrong("14b.2", "the layers alone", lambda T, B, H: 4 * T * B * H * 4 / 1e6)
wrong("14b.2", "the states alone", lambda T, B, H: 2 * T * B * H * 4 / 1e6)
wrong("14b.2", "one step", lambda T, B, H: 7 * B * H * 4 / 1e6)
wrong("14b.2", "one sequence", lambda T, B, H: 7 * T * H * 4 / 1e6)
wrong("14b.2", "no function", 7.168)


# 14b.3 Which products merge?

right("14b.3", "two, one after the other", "Two, one after the other.")
wrong("14b.3", "one, for all three layers", "one, for all three layers")
wrong("14b.3", "two, at the same time", "two, at the same time")
wrong("14b.3", "three, one after the other", "Three, one after the other")
wrong("14b.3", "one, and one ahead of the loop", "one, and one ahead of the loop")
wrong("14b.3", "none, all ahead of the loop", "none, all ahead of the loop")
wrong("14b.3", "none of the answers", "two")
wrong("14b.3", "no word", 2)


# 14b.4 Weights from elsewhere


def mended(blocks="i, f, g, o", squash="sigma(i), sigma(f), np.tanh(g), sigma(o)", end="np.tanh(c)"):
    scope = {"np": np, "sigma": sigma}
    exec(
        "def mended(U, W, b, x):\n"
        "    h = c = np.zeros((x.shape[1], len(U)))\n"
        "    out = []\n"
        "    for x_t in x:\n"
        f"        {blocks} = np.split(h @ U + x_t @ W + b, 4, axis=1)\n"
        f"        i, f, g, o = {squash}\n"
        "        c = f * c + i * g\n"
        f"        h = o * {end}\n"
        "        out.append(h)\n"
        "    return np.stack(out)\n",
        scope,
    )
    return scope["mended"]


def put_in_order(U, W, b, x):
    """The columns first brought into the course's order."""
    H = len(U)
    order = np.concatenate([np.arange(k * H, (k + 1) * H) for k in (1, 0, 3, 2)])
    U, W, b = U[:, order], W[:, order], b[order]
    h, c, out = np.zeros((x.shape[1], H)), np.zeros((x.shape[1], H)), []
    for x_t in x:
        a = h @ U + x_t @ W + b
        f, i, o = np.split(sigma(a[:, : 3 * H]), 3, axis=1)
        c = f * c + i * np.tanh(a[:, 3 * H :])
        h = o * np.tanh(c)
        out.append(h)
    return out


right("14b.4", mended(), put_in_order)
wrong("14b.4", "not mended", mended("f, i, o, g"))
wrong("14b.4", "f and i exchanged", mended("f, i, g, o"))
wrong("14b.4", "o and g exchanged", mended("i, f, o, g"))
wrong("14b.4", "another order", mended("i, o, f, g"))
wrong("14b.4", "i and o exchanged", mended("o, f, g, i"))
wrong("14b.4", "sigmoid of the candidate", mended(squash="sigma(i), sigma(f), sigma(g), sigma(o)"))
wrong("14b.4", "tanh of the gates", mended(squash="np.tanh(i), np.tanh(f), np.tanh(g), np.tanh(o)"))
wrong("14b.4", "no tanh for h", mended(end="c"))


# 14b.5 Many thin products, one long one


def one_long(before, d_a):
    H = before.shape[-1]
    return before.reshape(-1, H).T @ d_a.reshape(-1, 4 * H)


def step_by_step(before, d_a):
    return sum(h.T @ d for h, d in zip(before, d_a, strict=True))


def one_by_one(before, d_a):
    return (before[..., :, None] * d_a[..., None, :]).sum(axis=(0, 1))


right("14b.5", one_long, lambda before, d_a: np.tensordot(before, d_a, axes=((0, 1), (0, 1))))
wrong("14b.5", "a product for each step", step_by_step)
wrong("14b.5", "no product", one_by_one)
wrong("14b.5", "the last step", lambda before, d_a: before[-1].T @ d_a[-1])
wrong("14b.5", "the first step", lambda before, d_a: before[0].T @ d_a[0])
wrong("14b.5", "a mean over steps", lambda before, d_a: step_by_step(before, d_a) / len(before))
wrong("14b.5", "a mean over rows", lambda before, d_a: one_long(before, d_a) / before[..., 0].size)
wrong("14b.5", "each step apart", lambda before, d_a: np.swapaxes(before, 1, 2) @ d_a)
wrong(
    "14b.5",
    "each sequence apart",
    lambda before, d_a: before.transpose(1, 2, 0) @ d_a.transpose(1, 0, 2),
)
wrong("14b.5", "one step off", lambda before, d_a: one_long(before[1:], d_a[:-1]))
wrong("14b.5", "transposed", lambda before, d_a: one_long(before, d_a).T)


# 14b.6 A lean loop of your own


def lean(ahead="x @ W + b", a="a_t + h @ U", blocks="f, g, o", c="f * c + (1 - f) * g", end="np.tanh(c)",
         give="np.stack(out)", steps="ahead"):  # fmt: skip
    scope = {"np": np, "sigma": sigma}
    exec(
        "def lean(U, W, b, x):\n"
        "    B, H, out = x.shape[1], len(U), []\n"
        "    h, c = np.zeros((B, H)), np.zeros((B, H))\n"
        f"    ahead = {ahead}\n"
        f"    for a_t in {steps}:\n"
        f"        {blocks} = np.split({a}, 3, axis=1)\n"
        "        f, g, o = sigma(f), np.tanh(g), sigma(o)\n"
        f"        c = {c}\n"
        f"        h = o * {end}\n"
        "        out.append(h)\n"
        f"    return {give}\n",
        scope,
    )
    return scope["lean"]


def in_place(U, W, b, x):
    T, B, D = x.shape
    H = U.shape[0]
    a = (x.reshape(-1, D).dot(W) + b).reshape(T, B, 3 * H)
    h, c = np.zeros((T, B, H)), np.zeros((B, H))
    for t in range(T):
        if t:
            a[t] += np.dot(h[t - 1], U)
        f = sigma(a[t, :, :H])
        g = np.tanh(a[t, :, H : 2 * H])
        c -= g
        c *= f
        c += g
        np.tanh(c, out=h[t])
        h[t] *= sigma(a[t, :, 2 * H :])
    return h


right("14b.6", lean(), in_place)
wrong("14b.6", "1 - f keeps", lean(c="(1 - f) * c + f * g"))
wrong("14b.6", "f writes too", lean(c="f * c + f * g"))
wrong("14b.6", "all is written", lean(c="f * c + g"))
wrong("14b.6", "g and o exchanged", lean(blocks="f, o, g"))
wrong("14b.6", "f and g exchanged", lean(blocks="g, f, o"))
wrong("14b.6", "no tanh for h", lean(end="c"))
wrong("14b.6", "the last state", lean(give="h"))
wrong("14b.6", "the input in the loop", lean(ahead="x", a="a_t @ W + b + h @ U"))
wrong(
    "14b.6",
    "a product for each layer",
    lean(a="a_t + np.concatenate([h @ u for u in np.split(U, 3, axis=1)], axis=1)"),
)
wrong(
    "14b.6",
    "no products",
    lean(ahead="(x[..., None] * W).sum(axis=2) + b", a="a_t + (h[..., None] * U).sum(axis=1)"),
)
wrong(
    "14b.6",
    "more products than needed",
    lean(a="a_t + np.concatenate([h @ U[:, :H], h @ U[:, H:]], axis=1)"),
)
