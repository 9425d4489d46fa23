"""Answers to the exercises of notebook 18."""

import math

import numpy as np

from . import right, wrong

# 18.1 The price of a message


def in_a_loop(mu, log_sigma):
    total = 0.0
    for m, s in zip(mu, log_sigma, strict=True):
        total += (m * m + math.exp(s) ** 2 - 1 - math.log(math.exp(s) ** 2)) / 2
    return total


def typed(line):
    scope = {"np": np}
    exec(f"def price(mu, log_sigma):\n    return {line}\n", scope)
    return scope["price"]


right("18.1", in_a_loop, typed("(0.5 * (mu**2 + np.exp(2 * log_sigma) - 1) - log_sigma).sum()"))
wrong("18.1", "not mended", typed("(0.5 * (mu**2 + np.exp(2 * log_sigma) - 1) + log_sigma).sum()"))
wrong("18.1", "the logarithm got lost", typed("(0.5 * (mu**2 + np.exp(2 * log_sigma) - 1)).sum()"))
wrong("18.1", "no half", typed("(mu**2 + np.exp(2 * log_sigma) - 1 - log_sigma).sum()"))
wrong(
    "18.1",
    "deviation in place of variance",
    typed("(0.5 * (mu**2 + np.exp(log_sigma) - 1) - log_sigma).sum()"),
)
wrong(
    "18.1", "everything turned round", typed("(log_sigma + 0.5 * (1 - mu**2 - np.exp(2 * log_sigma))).sum()")
)
wrong("18.1", "not 0 at the prior", typed("(0.5 * (mu**2 + np.exp(2 * log_sigma)) - log_sigma).sum()"))
wrong("18.1", "one for each", typed("0.5 * (mu**2 + np.exp(2 * log_sigma) - 1) - log_sigma"))


# 18.2 Against a prior that learns


def kl(mu, s, mu0, s0):
    return 0.5 * np.sum((s / s0) ** 2 + ((mu - mu0) / s0) ** 2 - 1 - 2 * np.log(s / s0))


def by_quadrature(mu, s, mu0, s0):
    total = 0.0
    for m, d, m0, d0 in zip(mu, s, mu0, s0, strict=True):
        z = np.linspace(m - 12 * d, m + 12 * d, 4001)
        log_q = -0.5 * ((z - m) / d) ** 2 - np.log(d)
        log_p = -0.5 * ((z - m0) / d0) ** 2 - np.log(d0)
        q = np.exp(log_q)
        total += (q * (log_q - log_p)).sum() / q.sum()
    return total


right("18.2", kl, by_quadrature)
wrong("18.2", "the other direction", lambda mu, s, mu0, s0: kl(mu0, s0, mu, s))
wrong("18.2", "a standard prior", lambda mu, s, mu0, s0: in_a_loop(mu, np.log(s)))
wrong(
    "18.2", "the logarithm turned round", lambda mu, s, mu0, s0: kl(mu, s, mu0, s0) + 2 * np.log(s / s0).sum()
)
wrong("18.2", "no constant", lambda mu, s, mu0, s0: kl(mu, s, mu0, s0) + len(mu) / 2)
wrong(
    "18.2",
    "deviations not squared",
    lambda mu, s, mu0, s0: 0.5 * np.sum(s / s0 + (mu - mu0) ** 2 / s0 - 1 - 2 * np.log(s / s0)),
)
wrong("18.2", "no difference of the means", lambda mu, s, mu0, s0: kl(mu, s, mu, s0))
wrong(
    "18.2",
    "no width",
    lambda mu, s, mu0, s0: 0.5 * np.sum(((mu - mu0) / s0) ** 2 - 2 * np.log(s / s0)),
)
wrong(
    "18.2",
    "one for each",
    lambda mu, s, mu0, s0: 0.5 * ((s / s0) ** 2 + ((mu - mu0) / s0) ** 2 - 1) - np.log(s / s0),
)


# 18.3 More samples inside the logarithm

right("18.3", "it rises towards log p(x), from below", "It rises towards log p(x), from below.")
for word in (
    "it falls towards log p(x), from above",
    "it stays where it is",
    "it rises without end",
    "it swings around log p(x)",
    "it falls without end",
):
    wrong("18.3", word, word)
wrong("18.3", "none of the answers", "up")


# 18.4 An average of numbers too small to write


def stable(w):
    biggest = max(w)
    return biggest + math.log(sum(math.exp(v - biggest) for v in w) / len(w))


right("18.4", stable, lambda w: np.logaddexp.reduce(w) - np.log(len(w)))
wrong("18.4", "the bound", lambda w: np.mean(w))
wrong("18.4", "the sum", lambda w: np.logaddexp.reduce(w))
wrong("18.4", "the largest", lambda w: max(w))
wrong("18.4", "top is not put back", lambda w: np.log(np.exp(w - max(w)).mean()))
wrong("18.4", "the smallest taken out", lambda w: stable(w) - max(w) + min(w))
wrong("18.4", "no logarithm", lambda w: max(w) + np.exp(w - max(w)).mean())
wrong("18.4", "not finite", lambda w: np.log(np.exp(w).mean()))
wrong("18.4", "the wrong sign", lambda w: -stable(w))


# 18.5 A window of filters


def rows(g, delta, variance, N, pixels, from_=1, twice=2):
    F = []
    for k in range(N):
        mu = g + (k - (N - 1) / 2) * delta
        bell = [math.exp(-((a - mu) ** 2) / (twice * variance)) for a in range(from_, pixels + from_)]
        F.append([b / sum(bell) for b in bell])
    return F


def bells(g, delta, variance, N, pixels):
    mu = g + (np.arange(N) - (N - 1) / 2) * delta
    return np.exp(-((np.arange(1, pixels + 1) - mu[:, None]) ** 2) / (2 * variance))


def normalised(*given, axis=1):
    F = bells(*given)
    return F / F.sum(axis=axis, keepdims=True)


right("18.5", rows, lambda *given: normalised(*given))
wrong("18.5", "not normalised", bells)
wrong("18.5", "over the filters", lambda g, d, v, N, pixels: normalised(g, d, v, N, pixels, axis=0))
wrong("18.5", "pixels from 0", lambda g, d, v, N, pixels: rows(g, d, v, N, pixels, from_=0))
wrong("18.5", "half a filter off", lambda g, d, v, N, pixels: rows(g + d / 2, d, v, N, pixels))
wrong("18.5", "starting at g", lambda g, d, v, N, pixels: rows(g + (N - 1) / 2 * d, d, v, N, pixels))
wrong("18.5", "variance not doubled", lambda g, d, v, N, pixels: rows(g, d, v, N, pixels, twice=1))
wrong("18.5", "a deviation", lambda g, d, v, N, pixels: rows(g, d, v**2, N, pixels))
