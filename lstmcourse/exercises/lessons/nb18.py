"""Notebook 18: generative recurrent networks."""

from __future__ import annotations

import numpy as np

from ..define import exercise
from ..judges import Choice, Function

NOTEBOOK = "18_generative_rnns"


# 18.1


def _price(mu, log_sigma, sign=-1.0, half=0.5, variance=True, one=1.0):
    width = np.exp((2 if variance else 1) * log_sigma)
    return (half * (mu**2 + width - one) + sign * log_sigma).sum()


exercise(
    "18.1",
    "The price of a message",
    notebook=NOTEBOOK,
    kind="find the bug",
    minutes=6,
    difficulty=2,
    hints=(
        (
            "Try `mu = 0` and `log_sigma = 0`: the price has to be 0, and it is. So look at what "
            "`log_sigma` does."
        ),
        "Let the deviation become very small. Should a message without noise be cheap, or dear?",
        "The price must have its lowest point at the prior. On which side of 0 does the sum fall?",
    ),
    judge=Function(
        lambda mu, log_sigma: _price(mu, log_sigma),
        lambda rng: tuple(rng.standard_normal((2, int(rng.integers(2, 6))))),
        {
            "not mended": (
                lambda mu, log_sigma: _price(mu, log_sigma, 1.0),
                "A message without noise is still cheaper than one from the prior: look at the last sign.",
            ),
            "the logarithm got lost": (
                lambda mu, log_sigma: _price(mu, log_sigma, 0.0),
                "Without the logarithm there is no price for a small deviation.",
            ),
            "no half": (
                lambda mu, log_sigma: _price(mu, log_sigma, half=1.0),
                "The half got lost: then the lowest point is no longer at a deviation of 1.",
            ),
            "deviation in place of variance": (
                lambda mu, log_sigma: _price(mu, log_sigma, variance=False),
                "The deviation stands where its square belongs.",
            ),
            "everything turned round": (
                lambda mu, log_sigma: -_price(mu, log_sigma),
                "Now the price is negative: a message would be paid for.",
            ),
            "not 0 at the prior": (
                lambda mu, log_sigma: _price(mu, log_sigma, one=0.0),
                "At the prior the price is not 0: a constant is missing.",
            ),
            "one for each": (
                lambda mu, log_sigma: 0.5 * (mu**2 + np.exp(2 * log_sigma) - 1) - log_sigma,
                "That is a price for each number of the message. They are added up.",
            ),
        },
        praise="Never below 0, and 0 at the prior alone.",
    ),
)


# 18.2


def _kl(mu, s, mu0, s0):
    return (np.log(s0 / s) + (s**2 + (mu - mu0) ** 2) / (2 * s0**2) - 0.5).sum()


exercise(
    "18.2",
    "Against a prior that learns",
    notebook=NOTEBOOK,
    kind="derive",
    minutes=12,
    difficulty=3,
    hints=(
        "The price is the mean of log q(z) - log p(z), for z from q.",
        "For a normal distribution log q(z) is - log s - (z - mu)^2 / (2 s^2), and a constant. The mean of "
        "(z - mu)^2 is s^2.",
        "And the mean of (z - mu0)^2, for z from q, is s^2 + (mu - mu0)^2.",
    ),
    judge=Function(
        _kl,
        lambda rng: (
            rng.standard_normal(4),
            rng.uniform(0.3, 2, 4),
            rng.standard_normal(4),
            rng.uniform(0.3, 2, 4),
        ),
        {
            "the other direction": (
                lambda mu, s, mu0, s0: _kl(mu0, s0, mu, s),
                (
                    "That is the price of the prior against the posterior. The two do not play the same "
                    "part: the mean is taken over messages from q."
                ),
            ),
            "a standard prior": (
                lambda mu, s, mu0, s0: _kl(mu, s, 0.0 * mu0, 1 + 0 * s0),
                "The prior is not standard normal: it has a mean and a deviation of its own.",
            ),
            "the logarithm turned round": (
                lambda mu, s, mu0, s0: (np.log(s / s0) + (s**2 + (mu - mu0) ** 2) / (2 * s0**2) - 0.5).sum(),
                "The logarithm has the wrong sign: a narrow posterior is dear.",
            ),
            "no constant": (
                lambda mu, s, mu0, s0: _kl(mu, s, mu0, s0) + 0.5 * len(mu),
                "For equal distributions the price has to be 0: a constant is missing.",
            ),
            "deviations not squared": (
                lambda mu, s, mu0, s0: (np.log(s0 / s) + (s + (mu - mu0) ** 2) / (2 * s0) - 0.5).sum(),
                "The deviations have to be squared.",
            ),
            "no difference of the means": (
                lambda mu, s, mu0, s0: (np.log(s0 / s) + s**2 / (2 * s0**2) - 0.5).sum(),
                "The means do not enter.",
            ),
            "no width": (
                lambda mu, s, mu0, s0: (np.log(s0 / s) + (mu - mu0) ** 2 / (2 * s0**2)).sum(),
                "The posterior's own width is missing in the square: z scatters around mu.",
            ),
            "one for each": (
                lambda mu, s, mu0, s0: np.log(s0 / s) + (s**2 + (mu - mu0) ** 2) / (2 * s0**2) - 0.5,
                "That is a price for each number of the message. They are added up.",
            ),
        },
        praise="This is the price in the VRNN. If the past could foresee the message, it is low.",
    ),
)


# 18.3

exercise(
    "18.3",
    "More samples inside the logarithm",
    notebook=NOTEBOOK,
    kind="predict",
    minutes=4,
    difficulty=2,
    hints=(
        "With one sample it is the bound: where does it lie?",
        "With very many samples the average inside is p(x) itself.",
        "The logarithm is concave: the mean of logarithms lies below the logarithm of the mean.",
    ),
    judge=Choice(
        "it rises towards log p(x), from below",
        {
            "it rises towards log p(x), from below": (
                "With one sample it is the bound; with very many it is log p(x). It never comes "
                "from above, in the mean."
            ),
            "it falls towards log p(x), from above": (
                "One sample gives the bound, which lies below. Where does it go from there?"
            ),
            "it stays where it is": "An average inside a logarithm is not an average of logarithms.",
            "it rises without end": "With very many samples the average inside the logarithm is p(x).",
            "it swings around log p(x)": (
                "A single estimate may. In the mean it stays below: the logarithm is concave."
            ),
            "it falls without end": "More samples come closer to the average that is meant, p(x).",
        },
    ),
)


# 18.4


def _log_mean(w):
    top = w.max()
    return top + np.log(np.exp(w - top).mean())


exercise(
    "18.4",
    "An average of numbers too small to write",
    notebook=NOTEBOOK,
    kind="write",
    minutes=8,
    difficulty=3,
    hints=(
        "`np.log(np.exp(w).mean())` is it, on paper. What is exp(-2000) in float64?",
        "Take the largest out first: what is left is at most 0, and one of them is exactly 0.",
        "In one line: log mean exp(w) = top + log mean exp(w - top), with top = max(w).",
    ),
    judge=Function(
        _log_mean,
        lambda rng: (rng.uniform(-2, 2, size=7) - 2000 * int(rng.integers(0, 2)) - 900,),
        {
            "the bound": (
                lambda w: w.mean(),
                "That is the mean of the logarithms, the bound. The average is taken inside the logarithm.",
            ),
            "the sum": (
                lambda w: _log_mean(w) + np.log(len(w)),
                "That is the logarithm of the sum: it grows with the number of samples. The mean is needed.",
            ),
            "the largest": (lambda w: w.max(), "That is the largest alone: what of the others?"),
            "top is not put back": (
                lambda w: _log_mean(w - w.max()),
                "The largest was taken out, and it has to be put back.",
            ),
            "the smallest taken out": (
                lambda w: _log_mean(w) - w.max() + w.min(),
                "What is taken out and what is put back are not the same.",
            ),
            "no logarithm": (
                lambda w: w.max() + np.exp(w - w.max()).mean(),
                "The logarithm is missing after the mean.",
            ),
            "the wrong sign": (lambda w: -_log_mean(w), "The sign is wrong."),
        },
        praise="So the likelihood of a whole sequence can be estimated, thousands of nats below 0.",
    ),
)


# 18.5


def _filters(g, delta, variance, N, pixels, first=1, middle=None, normal=1, power=2.0):
    i = np.arange(1, N + 1)
    mu = g + (i - N / 2 - 0.5 if middle is None else i - middle(N)) * delta
    e = -((np.arange(first, pixels + first) - mu[:, None]) ** 2) / (power * variance)
    if normal is None:
        return np.exp(e)
    e = np.exp(e - e.max(normal, keepdims=True))
    return e / e.sum(normal, keepdims=True)


exercise(
    "18.5",
    "A window of filters",
    notebook=NOTEBOOK,
    kind="write",
    minutes=12,
    difficulty=3,
    hints=(
        "The N centres lie around g, delta apart: for N = 2 at g - delta / 2 and g + delta / 2.",
        "Each row is a bell: exp(-(a - mu)^2 / (2 variance)), for the pixels a = 1, 2, …",
        "Divide each row by its sum, after the largest exponent has been taken out.",
    ),
    judge=Function(
        lambda g, delta, variance, N, pixels: _filters(g, delta, variance, N, pixels),
        lambda rng: (
            float(rng.uniform(2, 9)),
            float(rng.uniform(0.5, 2)),
            float(rng.uniform(0.3, 2)),
            int(rng.integers(2, 5)),
            10,
        ),
        {
            "not normalised": (
                lambda g, delta, variance, N, pixels: _filters(g, delta, variance, N, pixels, normal=None),
                "The rows do not add up to 1: at the edge such a filter would see less.",
            ),
            "over the filters": (
                lambda g, delta, variance, N, pixels: _filters(g, delta, variance, N, pixels, normal=0),
                "The columns add up to 1. Each filter looks at pixels: each row has to.",
            ),
            "pixels from 0": (
                lambda g, delta, variance, N, pixels: _filters(g, delta, variance, N, pixels, first=0),
                "Your pixels are counted from 0. Here they are counted from 1, as in the paper.",
            ),
            "half a filter off": (
                lambda g, delta, variance, N, pixels: _filters(
                    g, delta, variance, N, pixels, middle=lambda n: n / 2
                ),
                "The window stands half a step too far to the right: its centre is not g.",
            ),
            "starting at g": (
                lambda g, delta, variance, N, pixels: _filters(
                    g, delta, variance, N, pixels, middle=lambda n: 1
                ),
                "The first filter stands at g. The middle of the window should.",
            ),
            "variance not doubled": (
                lambda g, delta, variance, N, pixels: _filters(g, delta, variance, N, pixels, power=1.0),
                "The bells are too narrow: the square is divided by twice the variance.",
            ),
            "a deviation": (
                lambda g, delta, variance, N, pixels: _filters(g, delta, variance**2, N, pixels),
                "You square the variance. It is a square already.",
            ),
        },
        praise=(
            "Two such matrices, one for the rows and one for the columns, and the network looks "
            "through a window that it can move and stretch."
        ),
    ),
)
