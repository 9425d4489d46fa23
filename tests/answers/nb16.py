"""Answers to the exercises of notebook 16."""

import numpy as np

from . import right, wrong


def softmax(z):
    e = np.exp(z)
    return e / e.sum(-1, keepdims=True)


# 16.1 When all scores are equal

right("16.1", "the mean of all annotations", "The mean of all annotations")
for word in (
    "nothing",
    "the first annotation",
    "the last annotation",
    "the sum of all annotations",
    "one at random",
):
    wrong("16.1", word, word)
wrong("16.1", "none of the answers", "everything")


# 16.2 Attention in three lines


def word_by_word(state, annotations, W, U, v):
    weights = []
    for a in annotations:
        weights.append(np.exp(np.tanh(W.T @ state + U.T @ a) @ v))
    seen = np.zeros(annotations.shape[1])
    for w, a in zip(weights, annotations, strict=True):
        seen += w / sum(weights) * a
    return seen


right("16.2", word_by_word, lambda h, a, W, U, v: softmax(np.tanh(a @ U + h @ W) @ v) @ a)
wrong("16.2", "no squashing", lambda h, a, W, U, v: softmax((h @ W + a @ U) @ v) @ a)
wrong("16.2", "the state is not asked", lambda h, a, W, U, v: softmax(np.tanh(a @ U) @ v) @ a)
wrong("16.2", "the annotations are not asked", lambda h, a, W, U, v: softmax(0 * a[:, 0]) @ a)
wrong("16.2", "scores as shares", lambda h, a, W, U, v: a.T @ (np.tanh(h @ W + a @ U) @ v))
wrong("16.2", "not divided by the sum", lambda h, a, W, U, v: np.exp(np.tanh(h @ W + a @ U) @ v) @ a)
wrong("16.2", "the shares", lambda h, a, W, U, v: softmax(np.tanh(h @ W + a @ U) @ v))
wrong("16.2", "the largest alone", lambda h, a, W, U, v: a[np.argmax(np.tanh(h @ W + a @ U) @ v)])
wrong("16.2", "sigmoid for softmax", lambda h, a, W, U, v: 1 / (1 + np.exp(-np.tanh(h @ W + a @ U) @ v)) @ a)
wrong("16.2", "raises", lambda h, a, W, U, v: softmax(np.tanh(a @ W + h @ U) @ v) @ a)


# 16.3 Padding gets nothing


def row_by_row(e, n):
    out = np.zeros_like(e)
    for b, length in enumerate(n):
        out[b, :length] = softmax(e[b, :length])
    return out


def hidden(e, n, with_=-1e9, axis=1):
    e = np.where(np.arange(e.shape[1])[None] < n[:, None], e, with_)
    e = e - e.max(axis=axis, keepdims=True)
    return np.exp(e) / np.exp(e).sum(axis=axis, keepdims=True)


right("16.3", row_by_row, hidden)
wrong("16.3", "no mask", lambda e, n: softmax(e))
wrong("16.3", "masked afterwards", lambda e, n: softmax(e) * (np.arange(6) < n[:, None]))
wrong("16.3", "scores of 0", lambda e, n: hidden(e, n, 0.0))
wrong("16.3", "over the batch", lambda e, n: hidden(e, n, axis=0))
wrong("16.3", "one too many", lambda e, n: row_by_row(e, n + 1))
wrong("16.3", "the padding", lambda e, n: hidden(e[:, ::-1], 6 - n)[:, ::-1])
wrong("16.3", "cut for all", lambda e, n: row_by_row(e, [min(n)] * len(n)))


# 16.4 It runs without a complaint


def typed(axis, out=".sum(axis=1)"):
    scope = {"np": np}
    exec(
        "def context(e, a):\n"
        f"    p = np.exp(e) / np.exp(e).sum({axis})\n"
        f"    return (p[..., None] * a){out}\n",
        scope,
    )
    return scope["context"]


right("16.4", typed("axis=1, keepdims=True"), lambda e, a: np.einsum("bl,bla->ba", softmax(e), a))
wrong("16.4", "not mended", typed("axis=0"))
wrong("16.4", "over everything", typed(""))
wrong("16.4", "not shared out", lambda e, a: np.einsum("bl,bla->ba", np.exp(e), a))
wrong("16.4", "summed over the batch", typed("axis=-1, keepdims=True", ".sum(axis=0)"))
wrong("16.4", "the mean", typed("axis=1, keepdims=True", ".mean(axis=1)"))
wrong("16.4", "not summed", typed("axis=1, keepdims=True", ""))
wrong("16.4", "scores alone", lambda e, a: (e[..., None] * a).sum(axis=1))


# 16.5 Each word looks back


def step_by_step(q, k, v):
    rows = []
    for t in range(len(q)):
        scores = np.array([q[t] @ k[s] for s in range(t + 1)]) / len(q[t]) ** 0.5
        rows.append(softmax(scores) @ v[: t + 1])
    return rows


def at_once(q, k, v, visible=np.tril, scale=None):
    z = np.exp(q @ k.T / (scale or np.sqrt(q.shape[-1])))
    z = visible(z)
    return (z / z.sum(axis=1, keepdims=True)) @ v


def columns(q, k, v):
    z = np.tril(np.exp(q @ k.T / np.sqrt(q.shape[-1])))
    return (z / z.sum(axis=0)) @ v


def strictly(q, k, v):
    z = np.tril(np.exp(q @ k.T / np.sqrt(q.shape[-1])), -1)
    z[0] = 1
    return (z / z.sum(axis=1, keepdims=True)) @ v


right("16.5", step_by_step, at_once)
wrong("16.5", "looks ahead", lambda q, k, v: at_once(q, k, v, np.positive))
wrong("16.5", "looks ahead alone", lambda q, k, v: at_once(q, k, v, np.triu))
wrong("16.5", "not scaled", lambda q, k, v: at_once(q, k, v, scale=1.0))
wrong("16.5", "divided by the length", lambda q, k, v: at_once(q, k, v, scale=q.shape[1]))
wrong("16.5", "not itself", strictly)
wrong("16.5", "over the other axis", columns)
wrong("16.5", "q and k swapped", lambda q, k, v: at_once(k, q, v))
wrong("16.5", "a mean of what came before", lambda q, k, v: at_once(0 * q, k, v))


# 16.6 Which draw was a good one?


def one_hot_minus_share(e, k):
    d = -softmax(e)
    d[k] += 1
    return d


def by_differences(e, k):
    step = 1e-20j
    return [np.imag(np.log(softmax(e + step * (np.arange(len(e)) == j))[k])) / 1e-20 for j in range(len(e))]


right("16.6", one_hot_minus_share, by_differences)
wrong("16.6", "the wrong sign", lambda e, k: -one_hot_minus_share(e, k))
wrong("16.6", "the shares", lambda e, k: softmax(e))
wrong("16.6", "the place alone", lambda e, k: (np.arange(len(e)) == k) * 1.0)
wrong("16.6", "of the probability", lambda e, k: softmax(e)[k] * one_hot_minus_share(e, k))
wrong("16.6", "one number", lambda e, k: 1 - softmax(e)[k])
wrong("16.6", "only where it was drawn", lambda e, k: (np.arange(len(e)) == k) * (1 - softmax(e)[k]))


def by_small_steps(e, k):
    return [(np.log(softmax(e + 1e-5 * d)[k]) - np.log(softmax(e)[k])) / 1e-5 for d in np.eye(len(e))]


wrong("16.6", "nearly right", by_small_steps)
wrong("16.6", "the logarithms", lambda e, k: np.log(softmax(e)))
