"""Answers to the exercises of notebook 04b."""

import math

import numpy as np

from . import right, wrong

# 04b.1 Less than nothing is left


def left(line):
    """The line, as a reader would type it."""
    scope = {"np": np}
    exec(f"def left(with_it, without, unit, size):\n    return {line}\n", scope)
    return scope["left"]


def step_by_step(a, b, k, pulse):
    return [abs(float(p[k]) - float(q[k])) / pulse for p, q in zip(a, b, strict=True)]


right(
    "04b.1",
    left("np.abs(with_it - without)[:, unit] / size"),
    left("np.sqrt(((without - with_it) / size)[:, unit] ** 2)"),
    step_by_step,
)
wrong("04b.1", "not mended", left("(np.abs(with_it[:, unit]) - np.abs(without[:, unit])) / size"))
wrong("04b.1", "the sign kept", left("(with_it - without)[:, unit] / size"))
wrong("04b.1", "made positive at the end", left("abs(abs(with_it[:, unit]) - abs(without[:, unit])) / size"))
wrong("04b.1", "not as a share", left("abs(with_it[:, unit] - without[:, unit])"))
wrong("04b.1", "a share of the other run", left("abs(with_it / without - 1)[:, unit]"))
wrong("04b.1", "the run with the pulse alone", left("abs(with_it[:, unit]) / size"))
wrong("04b.1", "all units", left("abs(with_it - without).sum(axis=-1) / size"))
wrong("04b.1", "every unit for itself", left("abs(with_it - without) / size"))
wrong("04b.1", "at the end alone", left("abs(with_it[-1, unit] - without[-1, unit]) / size"))
wrong("04b.1", "multiplied", left("abs(with_it - without)[:, unit] * size"))
wrong("04b.1", "squared", left("(with_it - without)[:, unit] ** 2 / size"))
wrong("04b.1", "raises", left("abs(with_it[:, unit] - without[:, unit]) / size[unit]"))


# 04b.2 A gate that swings


def sigma(a):
    return 1 / (1 + math.exp(-a))


def geometric_mean(b, s):
    return math.log(0.5) / math.log(math.sqrt(sigma(b + s) * sigma(b - s)))


def by_base_two(b, s):
    return 2 / -math.log2(sigma(b + s) * sigma(b - s))


right("04b.2", geometric_mean, by_base_two)
wrong("04b.2", "the swing forgotten", lambda b, s: math.log(0.5) / math.log(sigma(b)))
wrong("04b.2", "the mean gate", lambda b, s: math.log(0.5) / math.log((sigma(b + s) + sigma(b - s)) / 2))
wrong("04b.2", "counted in pairs", lambda b, s: math.log(0.5) / math.log(sigma(b + s) * sigma(b - s)))
wrong("04b.2", "counted twice", lambda b, s: 2 * geometric_mean(b, s))


def life(a):
    return math.log(0.5) / math.log(sigma(a))


wrong("04b.2", "the mean of two half-lives", lambda b, s: (life(b + s) + life(b - s)) / 2)
wrong("04b.2", "always more open", lambda b, s: life(b + s))
wrong("04b.2", "always more shut", lambda b, s: life(b - s))
wrong("04b.2", "a time constant", lambda b, s: -2 / math.log(sigma(b + s) * sigma(b - s)))
wrong(
    "04b.2",
    "the logarithm to base 2",
    lambda b, s: 2 * math.log2(0.5) / math.log(sigma(b + s) * sigma(b - s)) / math.log(2),
)
wrong(
    "04b.2", "what is let go", lambda b, s: math.log(0.25) / math.log((1 - sigma(b + s)) * (1 - sigma(b - s)))
)
wrong("04b.2", "the sign", lambda b, s: -geometric_mean(b, s))
wrong("04b.2", "no function", 2.8)
