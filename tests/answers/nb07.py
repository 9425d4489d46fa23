"""Answers to the exercises of notebook 07."""

from dataclasses import replace

import numpy as np

import lstmcourse as lc

from . import right, wrong

# 07.1 One number is exchanged

right("07.1", "nearly all turn", "Nearly all turn")
for word in (
    "half of them turn",
    "none turns",
    "they take the place of both",
    "the verbs turn as well",
    "only feminine ones turn",
):
    wrong("07.1", word, word)
wrong("07.1", "none of the answers", "90 %")
wrong("07.1", "no word", 0.98)


# 07.2 Count the ones

right(
    "07.2",
    {"b_f": 20, "b_i": 20, "W_g": 3},
    {"b_f": 15.0, "b_xi": -5.0, "b_hi": -5.0, "W_xi": [[20.0]], "b_c": 3.0},
    {"W_xf": 0, "W_hf": 0, "b_f": [30], "W_xi": 0, "b_i": [30], "W_xc": [[4]], "W_ho": [[2]], "b_o": [-3]},
)
wrong("07.2", "nothing is counted", {"b_f": 20, "b_i": 20})
wrong("07.2", "down", {"b_f": 20, "b_i": 20, "W_g": -3})
wrong("07.2", "zeros are counted", {"b_f": 20, "b_i": 20, "b_g": 3})
wrong("07.2", "not kept", {"b_f": 0, "b_i": 20, "W_g": 3})
wrong("07.2", "half of it", {"b_f": 20, "W_g": 3})
wrong("07.2", "not exact enough", {"b_f": 6, "b_i": 20, "W_g": 3})
wrong("07.2", "incomplete", {"b_i": 20, "W_g": 3})
wrong("07.2", "another shape", {"b_f": 20, "b_i": 20, "W_g": [3, 0]})


# 07.3 A book that does not add up


def belt(text, start="np.zeros_like(f[0])", note="c", early="", give="np.array(states)"):
    scope = {"np": np}
    exec(
        f"def belt(f, i, g):\n    c, states = {start}, []\n    for t in range(len(f)):\n"
        f"        {early or 'pass'}\n        c = {text}\n        {'pass' if early else 'states.append(c)'}\n"
        f"    return {give}\n",
        scope,
    )
    return scope["belt"]


def from_the_end(f, i, g):
    states = []
    for t in range(len(f)):
        left, total = np.ones(f.shape[1]), np.zeros(f.shape[1])
        for k in range(t, -1, -1):
            total = total + left * i[k] * g[k]
            left = left * f[k]
        states.append(total.tolist())
    return states


right("07.3", belt("f[t] * c + i[t] * g[t]"), from_the_end)
wrong("07.3", "not mended", belt("f[t] * (c + i[t] * g[t])"))
wrong("07.3", "the other bracket", belt("(f[t] * c + g[t]) * i[t]"))
wrong("07.3", "the input gate lost", belt("f[t] * c + g[t]"))
wrong("07.3", "the forget gate lost", belt("c + i[t] * g[t]"))
wrong("07.3", "the gates exchanged", belt("i[t] * c + f[t] * g[t]"))
wrong("07.3", "one gate for both", belt("f[t] * c + (1 - f[t]) * g[t]"))
wrong("07.3", "squashed", belt("np.tanh(f[t] * c + i[t] * g[t])"))
wrong("07.3", "nothing is carried on", belt("f[t] * 0 + i[t] * g[t]"))
wrong("07.3", "the balances before", belt("f[t] * c + i[t] * g[t]", early="states.append(c)"))
wrong("07.3", "the last balance alone", belt("f[t] * c + i[t] * g[t]", give="states[-1]"))
wrong("07.3", "later ones", belt("f[t] * (c + i[t] * g[t]) if t else i[t] * g[t]"))


# 07.4 Where the balance comes from


def by_one_at_a_time(f, i):
    weights = []
    for k in range(len(f)):
        c = 0.0
        for t in range(len(f)):
            c = f[t] * c + (i[t] if t == k else 0.0)
        weights.append(c)
    return weights


def by_products(f, i):
    return i * np.append(np.cumprod(f[:0:-1])[::-1], 1.0)


def product(of):
    scope = {"np": np}
    exec(f"def weights(f, i):\n    return np.array([{of} for k in range(len(f))])\n", scope)
    return scope["weights"]


right("07.4", by_one_at_a_time, by_products, product("i[k] * np.exp(np.log(f[k + 1 :]).sum())"))
wrong("07.4", "its own forget gate too", product("i[k] * f[k:].prod()"))
wrong("07.4", "all forget gates", lambda f, i: i * np.prod(f))
wrong("07.4", "what came before", product("i[k] * f[:k].prod()"))
wrong("07.4", "up to its own", lambda f, i: i * np.cumprod(f))
wrong("07.4", "the next step's alone", lambda f, i: i * np.append(f[1:], 1.0))
wrong("07.4", "the last forget gate missing", product("i[k] * f[k + 1 : -1].prod()"))
wrong("07.4", "no input gate", product("f[k + 1 :].prod()"))
wrong("07.4", "its own forget gate alone", lambda f, i: f * i)
wrong("07.4", "no forget gates", lambda f, i: i)
wrong("07.4", "gates added", product("i[k] * sum(f[k + 1 :])"))
wrong("07.4", "the input gates after it", product("np.prod(i[k:]) * np.prod(f[k + 1 :])"))
wrong("07.4", "the last step first", lambda f, i: by_products(f, i)[::-1])
wrong("07.4", "shares of the whole", lambda f, i: by_products(f, i) / np.sum(by_products(f, i)))
wrong("07.4", "another shape", lambda f, i: by_products(f, i).sum())


# 07.5 One half, and no guess

READER, ROWS = lc.reader.load(), lc.reader.rows(512)
GENDER, NUMBER = (lc.reader.carrier(READER, what)[0] for what in ("gender", "number"))
NOTES = READER.task.annotate(ROWS.x)
FEMININE = [NOTES["gender"][14 * k + 1] == 1 for k in range(3)]


def halves(said, sentence=1):
    asked = ROWS.mask & (np.arange(len(ROWS.x)) == 24)[:, None]
    rows = (replace(ROWS, mask=asked & kind) for kind in (FEMININE[sentence], ~FEMININE[sentence]))
    return [lc.reader.answers(said, part)["gender"] for part in rows]


def exchanged(step, unit=GENDER):
    return lc.reader.flip(READER, ROWS, unit, step)


EARLY = halves(exchanged(16))
right("07.5", EARLY, tuple(EARLY), np.round(EARLY, 3))
wrong("07.5", "as trained", [1.0, 1.0])
wrong("07.5", "masculine first", EARLY[::-1])
wrong("07.5", "before the pronoun", halves(exchanged(23)))
wrong("07.5", "one word later", halves(exchanged(17)))
wrong("07.5", "another sentence's subject", halves(exchanged(16), sentence=0))
wrong("07.5", "what is wrong", [1 - share for share in EARLY])
ASKED = replace(ROWS, mask=ROWS.mask & (np.arange(len(ROWS.x)) == 24)[:, None])
wrong("07.5", "their mean twice", [lc.reader.answers(exchanged(16), ASKED)["gender"]] * 2)
wrong("07.5", "another shape", lc.reader.answers(exchanged(16), ASKED)["gender"])
wrong("07.5", "another result", [0.5, 0.5 - 0.1])


# 07.6 The last marked value

LATCH = {"W_f": [0, -20], "b_f": 10, "W_i": [0, 20], "b_i": -10, "W_g": [5, 0]}
right(
    "07.6",
    LATCH,
    {"W_xf": [[0], [-24]], "b_f": 12, "W_xi": [[0], [18]], "b_i": -9, "W_xc": [[2], [0]]}
    | {"W_hf": 0, "W_hi": 0, "W_hc": [[0]], "b_c": 0, "W_xo": 0, "b_o": -10},
)
wrong("07.6", "nothing is written", LATCH | {"W_g": 0})
wrong("07.6", "the wrong sign", LATCH | {"W_g": [-5, 0]})
wrong("07.6", "one way only", LATCH | {"W_g": [5, 10]})
wrong("07.6", "written without a mark", LATCH | {"b_i": 0})
wrong("07.6", "not kept", LATCH | {"b_f": 2})
wrong("07.6", "too little", LATCH | {"W_g": [1, 0]})
wrong("07.6", "added", LATCH | {"W_f": 0})
wrong("07.6", "not all of the old is gone", LATCH | {"W_f": [0, -11]})
wrong("07.6", "a long sequence", LATCH | {"U_g": 10})
wrong("07.6", "incomplete", {"b_f": 10, "W_i": [0, 20], "b_i": -10, "W_g": [5, 0]})
