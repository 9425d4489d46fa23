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


# 14.3 The clockwork, from memory


def unit_by_unit(x, h, periods, W, U, b):
    """Nothing but numbers."""
    h, states = list(h), []
    for t in range(len(x)):
        new = list(h)
        for k in range(len(h)):
            if t % periods[k] == 0:
                heard = [j for j in range(len(h)) if periods[j] >= periods[k]]
                z = b[k] + sum(x[t, d] * W[d, k] for d in range(x.shape[1]))
                new[k] = np.tanh(z + sum(h[j] * U[j, k] for j in heard))
        h = new
        states.append(h)
    return states


def module_by_module(x, h, T, W, U, b):
    """Only those that are due, from columns of U."""
    out = np.empty((len(x), len(h)))
    h = h.copy()
    for t, x_t in enumerate(x):
        before = h.copy()
        for period in np.unique(T):
            if t % period == 0:
                mine, slow = period == T, period <= T
                h[mine] = np.tanh(x_t @ W[:, mine] + before[slow] @ U[slow][:, mine] + b[mine])
        out[t] = h
    return out


CLOCKS = (1, 2, 4, 8)


@lc.cell
def as_in_the_lesson(x, h, t=lc.clock):
    T = lc.table("T", lambda H: unit_periods(H, CLOCKS), "H")
    M = lc.table("M", lambda H, _: np.greater_equal.outer(*[unit_periods(H, CLOCKS)] * 2), "H", "H")
    a = lc.tanh(lc.affine("h", W=x) + h @ lc.param("U_h", "H", "H", free=M))
    h = lc.where(t % T == 0.0, a, h)
    return h


@lc.cell
def with_two_biases(x, s, step=lc.clock):
    T = lc.table("T", lambda H: np.repeat(CLOCKS, H // 4), "H")
    M = lc.table("M", lambda H, _: np.kron(np.tril(np.ones((4, 4))), np.ones((H // 4, H // 4))), "H", "H")
    z = x @ lc.param("W_ih", "D", "H") + lc.param("b_ih", "H")
    both = z + s @ (lc.param("W_hh", "H", "H") * M) + lc.param("b_hh", "H")
    due = lc.where(step % T == 0.0, 1.0, 0.0)
    s = due * lc.tanh(both) + (1.0 - due) * s
    return s


right("14.3", unit_by_unit, module_by_module, as_in_the_lesson, with_two_biases)


def ticking(
    mask="T[:, None] >= T",
    step="np.where(t % T == 0, a, h)",
    b="b",
    squash="np.tanh",
    give="np.array(states)",
):
    """The loop, as a reader would type it."""
    scope = {"np": np}
    exec(
        f"def ticking(x, h, T, W, U, b):\n    states, first, start = [], [], h\n    U = U * ({mask})\n"
        f"    for t in range(len(x)):\n        a = {squash}(x[t] @ W + h @ U + {b})\n"
        f"        first.append(h)\n        h = {step}\n        states.append(h)\n    return {give}\n",
        scope,
    )
    return scope["ticking"]


wrong("14.3", "the mask forgotten", ticking("1"))
wrong("14.3", "the mask the wrong way round", ticking("T[:, None] <= T"))
wrong("14.3", "not one's own module", ticking("T[:, None] > T"))
wrong("14.3", "one's own module alone", ticking("T[:, None] == T"))
wrong("14.3", "by number, not by period", ticking("np.tri(len(T))"))
wrong("14.3", "a plain network", ticking("1", step="a"))
wrong("14.3", "no clock", ticking(step="a"))
wrong("14.3", "counted from 1", ticking(step="np.where((t + 1) % T == 0, a, h)"))
wrong("14.3", "the other way round", ticking(step="np.where(t % T, a, h)"))
wrong("14.3", "zero in place of holding", ticking(step="a * (t % T == 0)"))
wrong("14.3", "back to the start", ticking(step="np.where(t % T == 0, a, start)"))
wrong("14.3", "both at once", ticking(step="h + a * (t % T == 0)"))
wrong("14.3", "not squashed", ticking(squash=""))
wrong("14.3", "squashed while held", ticking(step="np.tanh(np.where(t % T == 0, a, h))", squash=""))
wrong("14.3", "no bias", ticking(b="0"))
wrong("14.3", "the last alone", ticking(give="h"))
wrong("14.3", "the start as well", ticking(give="np.array([start, *states])"))
wrong("14.3", "raises", ticking("T >= T[None, :]", b="b[t]"))
wrong("14.3", "other arguments", lambda x, h: h)
wrong("14.3", "the course's own", lc.cells.clockwork)


@lc.cell
def two_states(x, h, c, t=lc.clock):
    a = lc.tanh(lc.affine("h", h, x))
    return lc.where(t % 2 == 0.0, a, h), c


wrong("14.3", "other states", two_states)


@lc.cell
def gated(x, h, t=lc.clock):
    a = lc.tanh(lc.affine("h", h, x))
    h = lc.sigmoid(lc.affine("z", h, x)) * a
    return h


wrong("14.3", "other parameters", gated)


# 14.4 What a step costs


def at_every_step(sizes, periods):
    module = np.repeat(np.arange(len(sizes)), sizes)
    hears = (module[:, None] >= module).sum(axis=0)
    T = np.repeat(periods, sizes)
    return np.mean([hears[t % T == 0].sum() for t in range(max(periods))])


right("14.4", at_every_step, lambda s, T: sum(s[j] / T[j] * sum(s[j:]) for j in range(len(s))))
wrong(
    "14.4",
    "as if all computed",
    lambda s, T: sum(s[i] * s[j] for i in range(len(s)) for j in range(i, len(s))),
)
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
