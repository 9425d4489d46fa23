"""Answers to the exercises of notebook 14."""

import numpy as np

import lstmcourse as lc
from lstmcourse.cells.clockwork_rnn import unit_periods
from lstmcourse.experiments.studies import waves

from . import right, wrong

# 14.1 Whose turn it is


def one_by_one(step, period, old, new):
    out = old.copy()
    for k in range(len(out)):
        if step % period[k] == 0:
            out[k] = new[k]
    return out


right("14.1", one_by_one, lambda t, T, h, a: a * (t % T < 1) + h * (t % T > 0))
wrong("14.1", "the other way round", lambda t, T, h, a: np.where(t % T, a, h))
wrong("14.1", "all compute", lambda t, T, h, a: a)
wrong("14.1", "none computes", lambda t, T, h, a: h)
wrong("14.1", "zero in place of holding", lambda t, T, h, a: a * (t % T == 0))
wrong("14.1", "t divides T", lambda t, T, h, a: np.where(T % t == 0, a, h))
wrong("14.1", "from its period on", lambda t, T, h, a: np.where(T <= t, a, h))
wrong("14.1", "both at once", lambda t, T, h, a: h + a * (t % T == 0))


# 14.2 Who hears whom


def by_two_loops(periods):
    n = len(periods)
    M = [[0] * n for _ in range(n)]
    for speaker in range(n):
        for hearer in range(n):
            if periods[hearer] <= periods[speaker]:
                M[speaker][hearer] = 1
    return M


right("14.2", by_two_loops, lambda p: np.greater_equal.outer(p, p))
wrong("14.2", "the slow hear the fast", lambda p: (p[:, None] <= p).astype(int))
wrong("14.2", "not one's own module", lambda p: p[:, None] > p)
wrong("14.2", "one's own module alone", lambda p: p[:, None] == p)
wrong("14.2", "everybody", lambda p: np.ones((p.size, p.size)))
wrong("14.2", "by number, not by period", lambda p: np.tril(np.ones((p.size, p.size))))
wrong("14.2", "the opposite", lambda p: p[:, None] < p)
wrong("14.2", "oneself alone", lambda p: np.identity(p.size))


# 14.3 Count what is free


def masked(sizes):
    module = np.repeat(np.arange(len(sizes)), sizes)
    return int((module[:, None] >= module).sum())


right("14.3", masked, lambda s: sum(s[i] * s[j] for i in range(len(s)) for j in range(i, len(s))))
wrong("14.3", "the full matrix", lambda s: sum(s) * sum(s))
wrong("14.3", "one's own alone", lambda s: np.dot(s, s))
wrong("14.3", "without one's own", lambda s: masked(s) - np.dot(s, s))
wrong("14.3", "with the biases", lambda s: masked(s) + sum(s))
wrong("14.3", "half of the matrix", lambda s: 0.5 * sum(s) ** 2)
wrong("14.3", "half, with the diagonal", lambda s: (sum(s) ** 2 + sum(s)) / 2)


# 14.4 What a step costs


def at_every_step(sizes, periods):
    module = np.repeat(np.arange(len(sizes)), sizes)
    hears = (module[:, None] >= module).sum(axis=0)
    T = np.repeat(periods, sizes)
    return np.mean([hears[t % T == 0].sum() for t in range(max(periods))])


right("14.4", at_every_step, lambda s, T: sum(s[j] / T[j] * sum(s[j:]) for j in range(len(s))))
wrong("14.4", "as if all computed", lambda s, T: masked(s))
wrong("14.4", "the full matrix, by the mean period", lambda s, T: sum(s) ** 2 * len(T) / sum(T))
wrong("14.4", "no mask", lambda s, T: sum(s) * sum(k / t for k, t in zip(s, T, strict=True)))
wrong(
    "14.4",
    "the speaker's period",
    lambda s, T: sum(s[i] * s[j] / T[j] for i in range(len(s)) for j in range(i, len(s))),
)
wrong("14.4", "times the period", lambda s, T: sum(s[j] * T[j] * sum(s[j:]) for j in range(len(s))))
wrong("14.4", "one's own module alone", lambda s, T: sum(k**2 / t for k, t in zip(s, T, strict=True)))
wrong("14.4", "units, not weights", lambda s, T: sum(np.array(s) / np.array(T)))


# 14.5 If the clock starts late


def wait(T, start):
    t = start
    while t % T:
        t += 1
    return t


right("14.5", wait, lambda period, first: -(-first // period) * period)
wrong("14.5", "at once", lambda T, start: start)
wrong("14.5", "at its period", lambda T, start: T)
wrong("14.5", "a period later", lambda T, start: T + start)
wrong("14.5", "the one before", lambda T, start: start - start % T)
wrong("14.5", "always the next", lambda T, start: start - start % T + T)
wrong("14.5", "never before its period", lambda T, start: wait(T, max(start, 1)))


# 14.6 Which clocks does a wave need?

right("14.6", "long periods help, on both waves", "Long periods help, on both waves.")
for word in (
    "they have to be powers of two",
    "long periods help on the slow wave alone",
    "short periods are enough",
    "the periods of the wave itself",
    "it makes no difference",
):
    wrong("14.6", word, word)
wrong("14.6", "none of the answers", "yes")


# 14.7 Told the time, and never holding


def periods():
    return lc.table("T", lambda H: unit_periods(H, waves.PERIODS), "H")


@lc.cell(init={"p_h": 1.0})
def told(x, h, t=lc.clock):
    news = lc.where(t % periods() == 0.0, lc.param("p_h", "H"), 0.0)
    h = lc.tanh(lc.affine("h", h, x) + news)
    return h


@lc.cell
def spelt_out(x, s, time=lc.clock):
    due = lc.where(time % periods() == 0.0, 1.0, 0.0)
    z = x @ lc.param("W_in", "D", "H") + s @ lc.param("U", "H", "H") + lc.param("b", "H")
    s = lc.tanh(z + due * lc.param("news", "H"))
    return s


right("14.7", told, spelt_out)


@lc.cell
def timeless(x, h):
    h = lc.tanh(lc.affine("h", h, x) + lc.param("p_h", "H"))
    return h


@lc.cell
def weightless(x, h, t=lc.clock):
    h = lc.tanh(lc.affine("h", h, x) + lc.where(t % periods() == 0.0, 1.0, 0.0))
    return h


@lc.cell
def holding(x, h, t=lc.clock):
    due = t % periods() == 0.0
    a = lc.tanh(lc.affine("h", h, x) + lc.where(due, lc.param("p_h", "H"), 0.0))
    h = lc.where(due, a, h)
    return h


@lc.cell
def untouched(x, h, t=lc.clock):
    news = lc.where(t % periods() == 0.0, lc.param("p_h", "H"), 0.0)
    h = lc.tanh(lc.affine("h", h, x) + 0.0 * news)
    return h


@lc.cell
def contrary(x, h, t=lc.clock):
    news = lc.where(t % periods() == 0.0, 0.0, lc.param("p_h", "H"))
    h = lc.tanh(lc.affine("h", h, x) + news)
    return h


@lc.cell
def squared(x, h, t=lc.clock):
    news = lc.where(t % periods() == 0.0, lc.square(lc.param("p_h", "H")), 0.0)
    h = lc.tanh(lc.affine("h", h, x) + news)
    return h


wrong("14.7", "no clock", timeless)
wrong("14.7", "no weight for the news", weightless)
wrong("14.7", "not plain without news", holding)
wrong("14.7", "the news changes nothing", untouched)
wrong("14.7", "at the wrong steps", contrary)
wrong("14.7", "not in proportion", squared)
wrong("14.7", "no cell", lambda x, h, t: h)
wrong("14.7", "the course's own", lc.cells.clockwork)
