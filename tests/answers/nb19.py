"""Answers to the exercises of notebook 19."""

import math

import numpy as np

from . import right, wrong

# 19.1 A bias for a lag


def by_halving(lag, left):
    low, high = -40.0, 40.0
    for _ in range(200):
        middle = (low + high) / 2
        f = 1 / (1 + math.exp(-middle))
        low, high = (middle, high) if f**lag < left else (low, middle)
    return middle


right("19.1", by_halving, lambda lag, left: -np.log(left ** (-1 / lag) - 1))
wrong("19.1", "the gate, not its bias", lambda lag, left: math.exp(math.log(left) / lag))
wrong("19.1", "one step alone", lambda lag, left: np.log(left) - np.log(1 - left))
wrong("19.1", "a share for each step", lambda lag, left: -np.log(lag / left - 1))
wrong("19.1", "the same loss at each step", lambda lag, left: np.log(lag / (1 - left) - 1))
wrong("19.1", "the other sign", lambda lag, left: np.log(left ** (-1 / lag) - 1))
wrong("19.1", "the logarithm of the gate", lambda lag, left: np.log(left ** (1 / lag)))
wrong("19.1", "what is lost", lambda lag, left: by_halving(lag, 1 - left))


# 19.2 Bisect


def halves(ladder, learnt):
    low, high = 0, len(ladder)
    while low < high:
        middle = (low + high) // 2
        if learnt(ladder[middle]):
            low = middle + 1
        else:
            high = middle
    return ladder[low - 1] if low else 0


def by_itself(ladder, learnt):
    if not ladder:
        return 0
    k = len(ladder) // 2
    if learnt(ladder[k]):
        return max(ladder[k], by_itself(ladder[k + 1 :], learnt))
    return by_itself(ladder[:k], learnt)


def one_by_one(ladder, learnt):
    span = 0
    for lag in ladder:
        if not learnt(lag):
            break
        span = lag
    return span


def middle_of_lags(ladder, learnt):
    low, high = 0, ladder[-1]
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if learnt(middle) else (low, middle)
    return low


def never_the_last(ladder, learnt):
    low, high = 0, len(ladder) - 1
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if learnt(ladder[middle]) else (low, middle)
    return ladder[low - 1] if low else 0


def next_one(ladder, learnt):
    k = sum(map(learnt, ladder))
    return ladder[k] if 0 < k < len(ladder) else halves(ladder, learnt)


def never_empty(ladder, learnt):
    return max(halves(ladder, learnt), ladder[0])


def not_the_first(ladder, learnt):
    found = halves(ladder, learnt)
    return 0 if found == ladder[0] else found


def again(ladder, learnt):
    learnt(ladder[len(ladder) // 2])
    return halves(ladder, learnt)


def nearly(ladder, learnt):
    found = halves(ladder, learnt)
    return ladder[1] if len(ladder) > 3 and found == ladder[2] else found


right("19.2", halves, by_itself)
wrong("19.2", "too many questions", one_by_one)
wrong("19.2", "asks off the ladder", middle_of_lags)
wrong("19.2", "a place, not a lag", lambda ladder, learnt: sum(learnt(lag) for lag in ladder))
wrong("19.2", "a place from 0", lambda ladder, learnt: sum(learnt(lag) for lag in ladder) - 1)
wrong("19.2", "the first that fails", next_one)
wrong("19.2", "0 for the shortest", not_the_first)
wrong("19.2", "something where nothing is", never_empty)
wrong("19.2", "not the longest", never_the_last)
wrong("19.2", "another lag", nearly)
wrong("19.2", "asks twice", again)
wrong("19.2", "returns nothing", lambda ladder, learnt: None)
wrong("19.2", "other arguments", lambda ladder: 10)


# 19.3 How sure are five seeds?

right("19.3", lambda n: 1 - 0.5**n - 0.5**n, lambda n: (2 ** (n - 1) - 1) / 2 ** (n - 1))
wrong("19.3", "one side alone", lambda n: 1 - 0.5**n)
wrong("19.3", "that it misses", lambda n: 2 * 0.5**n)
wrong("19.3", "one side, and that it misses", lambda n: 0.5**n)
wrong("19.3", "where the next seed lies", lambda n: 1 - 2 / (n + 1))
wrong("19.3", "one in n", lambda n: (n - 1) / n)
wrong("19.3", "always 95 %", lambda n: 0.95)
wrong("19.3", "one seed too many", lambda n: 1 - 4 * 0.5**n)


# 19.4 A thousand steps, by hand

GOOD = dict(
    W_f=[[0.0], [0.0]], b_f=[12.0], W_i=[[0.0], [40.0]], b_i=[-20.0], W_g=[[5.0], [0.0]], b_g=[0.0],
    W_o=[[0.0], [0.0]], b_o=[9.0],
)  # fmt: skip
OTHER = dict(
    W_xf=[0, 0], b_f=15, W_xi=[0, 60], b_i=-30, W_xc=[3, 0], b_c=0, W_xo=[0, -9], b_o=9, W_hf=0, W_hi=0,
    W_hc=0, W_ho=0,
)  # fmt: skip
right("19.4", GOOD, OTHER)
wrong("19.4", "nothing is written", GOOD | {"b_i": -60.0})
wrong("19.4", "not the value", GOOD | {"W_g": [0.0, 0.0], "b_g": 2.0})
wrong("19.4", "turned round", GOOD | {"W_g": [-5.0, 0.0]})
wrong("19.4", "forgotten", GOOD | {"b_f": 3.0})
wrong("19.4", "writes all the time", GOOD | {"W_i": [0.0, 0.0], "b_i": 3.0})
wrong("19.4", "the output gate is shut", GOOD | {"b_o": -5.0})
wrong("19.4", "too faint", GOOD | {"W_g": [0.3, 0.0]})
wrong("19.4", "incomplete", {"b_f": 12.0})
