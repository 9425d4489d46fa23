"""Answers to the exercises of notebook 10."""

import numpy as np

import lstmcourse as lc

from . import right, wrong

S, T = lc.sigmoid, lc.tanh


# 10.1 Four broken clocks

A, B, C, D = "p_f is lost", "p_o is lost", "p_i is not 0", "o looks at the old state"
right("10.1", {"A": A, "B": B, "C": C, "D": D}, dict(zip("DCBA", (D, C, B, A), strict=True)))
wrong("10.1", "A and B exchanged", {"A": B, "B": A, "C": C, "D": D})
wrong("10.1", "A and C exchanged", {"A": C, "B": B, "C": A, "D": D})
wrong("10.1", "A and D exchanged", {"A": D, "B": B, "C": C, "D": A})
wrong("10.1", "B and C exchanged", {"A": A, "B": C, "C": B, "D": D})
wrong("10.1", "B and D exchanged", {"A": A, "B": D, "C": C, "D": B})
wrong("10.1", "C and D exchanged", {"A": A, "B": B, "C": D, "D": C})
wrong("10.1", "incomplete", {"A": A, "B": B})
wrong("10.1", "B another word", {"A": A, "B": "p_f is lost", "C": C, "D": D})


# 10.2 Peepholes, from memory


def mine(f="S(lc.affine('f', h, x) + lc.peephole('f', c))", i="S(lc.affine('i', h, x) + lc.peephole('i', c))",
         g="T(lc.affine('g', h, x))", c="f * c + i * g",
         o="S(lc.affine('o', h, x) + lc.peephole('o', new))", h="o * T(new)", give="h, new"):  # fmt: skip
    scope = {"lc": lc, "S": S, "T": T}
    exec(
        f"def mine(x, h, c):\n    f = {f}\n    i = {i}\n    g = {g}\n    new = {c}\n    o = {o}\n"
        f"    h = {h}\n    return {give}\n",
        scope,
    )
    return lc.cell(scope["mine"])


@lc.cell
def as_graves_prints_it(x, h, c):
    """Graves, Mohamed & Hinton (2013): diagonal W_ci, W_cf, W_co."""

    def gate(k, seen):
        z = x @ lc.param(f"W_x{k}", "D", "H") + h @ lc.param(f"W_h{k}", "H", "H")
        return S(z + lc.param(f"W_c{k}", "H") * seen + lc.param(f"b_{k}", "H"))

    i, f = gate("i", c), gate("f", c)
    c = f * c + i * T(lc.affine("c", h, x))
    o = gate("o", c)
    return o * T(c), c


right("10.2", mine(), as_graves_prints_it)
wrong("10.2", "o sees the old state", mine(o="S(lc.affine('o', h, x) + lc.peephole('o', c))"))
wrong("10.2", "no peephole of f", mine(f="S(lc.affine('f', h, x))"))
wrong("10.2", "no peephole of i", mine(i="S(lc.affine('i', h, x))"))
wrong("10.2", "no peephole of o", mine(o="S(lc.affine('o', h, x))"))
wrong(
    "10.2", "no peepholes", mine(*(f"S(lc.affine('{k}', h, x))" for k in "fi"), o="S(lc.affine('o', h, x))")
)
wrong("10.2", "a peephole of g", mine(g="T(lc.affine('g', h, x) + lc.peephole('g', c))"))
wrong(
    "10.2",
    "g sees the state, not i",
    mine(i="S(lc.affine('i', h, x))", g="T(lc.affine('g', h, x) + c * lc.param('p_g', 'H'))"),
)
wrong(
    "10.2",
    "a view of h",
    mine(*(f"S(lc.affine('{k}', h, x) + lc.peephole('{k}', h))" for k in "fi"),
         o="S(lc.affine('o', h, x) + lc.peephole('o', h))"),
)  # fmt: skip
wrong(
    "10.2",
    "outside the sigmoid",
    mine(*(f"S(lc.affine('{k}', h, x)) + lc.peephole('{k}', c)" for k in "fi"),
         o="S(lc.affine('o', h, x)) + lc.peephole('o', new)"),
)  # fmt: skip
wrong(
    "10.2",
    "a squashed view",
    mine(*(f"S(lc.affine('{k}', h, x) + lc.peephole('{k}', T(c)))" for k in "fi"),
         o="S(lc.affine('o', h, x) + lc.peephole('o', T(new)))"),
)  # fmt: skip
wrong("10.2", "no tanh in the line for h", mine(h="o * new"))
wrong("10.2", "f and i swapped", mine(c="i * c + f * g"))
wrong("10.2", "i is 1 - f", mine(c="f * c + (1 - f) * g"))
wrong("10.2", "old c returned", mine(give="h, c"))
wrong(
    "10.2",
    "full matrices",
    mine(*(f"S(lc.affine('{k}', U=h, W=x, V=c))" for k in "fi"), o="S(lc.affine('o', U=h, W=x, V=new))"),
)
wrong("10.2", "the course's own", lc.cells.peephole)


# 10.3 A clock that counts down


def down(period=7, sharp=300.0, threshold=None, **changed):
    level = 1 - 0.5 / period if threshold is None else threshold
    return {
        "b_g": -np.arctanh(1 / period),
        "b_i": 30.0,
        "p_o": -sharp,
        "b_o": -sharp * level,
        "p_f": sharp,
        "b_f": sharp * level,
    } | changed


right(
    "10.3",
    down(),
    {
        "b_c": np.arctanh(-1 / 7),
        "b_i": [40],
        "W_co": -2000,
        "b_o": -1860,
        "W_cf": 2000,
        "b_f": 1860,
        "W_i": 0,
    },
)
wrong("10.3", "counts up", {**down(), "b_g": np.arctanh(1 / 7), "p_o": 300, "p_f": -300})
wrong("10.3", "nothing is counted", down(b_i=-30.0))
wrong("10.3", "fades", down(p_f=0.0, b_f=0.0))
wrong("10.3", "never shown", down(b_o=-600.0))
wrong("10.3", "always open", down(p_f=0.0, b_f=30.0))
wrong("10.3", "one step early", down(6))
wrong("10.3", "one step late", down(8))
wrong("10.3", "another first step", down(10))
wrong("10.3", "loses time", down(p_f=300.0, b_f=299.0))
wrong("10.3", "never quite hidden", down(p_o=-20.0, b_o=-18.0))
wrong("10.3", "another parameter", down(q_f=1.0))


# 10.4 Back through the peepholes


def roads(d_c, f, i, g, c_before, p_f, p_i):
    return d_c * f + d_c * c_before * (f - f * f) * p_f + d_c * g * (i - i * i) * p_i


def by_differences(d_c, f, i, g, c_before, p_f, p_i):
    c = c_before + 1e-30j
    sigma = lambda a: 1 / (1 + np.exp(-a))  # noqa: E731
    a_f, a_i = (np.log(k / (1 - k)) + p * 1e-30j for k, p in ((f, p_f), (i, p_i)))
    return np.imag(d_c * (sigma(a_f) * c + sigma(a_i) * g)) / 1e-30


right("10.4", roads, by_differences)
wrong("10.4", "one road", lambda d_c, f, i, g, c_before, p_f, p_i: d_c * f)
wrong(
    "10.4",
    "the gates alone",
    lambda d_c, f, i, g, c, p_f, p_i: d_c * (c * f * (1 - f) * p_f + g * i * (1 - i) * p_i),
)
wrong("10.4", "no road through i", lambda d_c, f, i, g, c, p_f, p_i: d_c * f * (1 + c * (1 - f) * p_f))
wrong("10.4", "no road through f", lambda d_c, f, i, g, c, p_f, p_i: d_c * (f + g * i * (1 - i) * p_i))
wrong("10.4", "no slopes", lambda d_c, f, i, g, c, p_f, p_i: d_c * (f + p_f * c + p_i * g))
wrong(
    "10.4",
    "slopes of tanh",
    lambda d_c, f, i, g, c, p_f, p_i: d_c * f + d_c * (c * (1 - f * f) * p_f + g * (1 - i * i) * p_i),
)
wrong(
    "10.4",
    "the peepholes exchanged",
    lambda d_c, f, i, g, c, p_f, p_i: d_c * (f + c * f * (1 - f) * p_i + g * i * (1 - i) * p_f),
)
wrong(
    "10.4",
    "what the gates multiply, exchanged",
    lambda d_c, f, i, g, c, p_f, p_i: d_c * (f + g * f * (1 - f) * p_f + c * i * (1 - i) * p_i),
)
wrong(
    "10.4",
    "gates that multiply nothing",
    lambda d_c, f, i, g, c, p_f, p_i: d_c * (f + f * (1 - f) * p_f + i * (1 - i) * p_i),
)
wrong("10.4", "the sign", lambda d_c, f, i, g, c, p_f, p_i: -roads(d_c, f, i, g, c, p_f, p_i))


# 10.5 On your marks


def signalled(period=10, first=0.001, sharp=400.0, **changed):
    level = 1 - 0.5 / period
    return {
        "b_g": np.arctanh(1 / period),
        "W_g": np.arctanh(first) - np.arctanh(1 / period),
        "b_i": -50.0,
        "W_i": 100.0,
        "p_i": 1e5,
        "p_o": sharp,
        "b_o": -sharp * level,
        "p_f": -sharp,
        "b_f": sharp * level,
    } | changed


right("10.5", signalled(), signalled(first=0.002, W_i=200.0, p_i=5e4, sharp=1000.0))
wrong("10.5", "ticks by itself", signalled(b_i=50.0))
wrong("10.5", "nothing begins", signalled(W_i=0.0))
wrong("10.5", "never answers", signalled(b_o=-3e5))
wrong("10.5", "answers at once", signalled(W_g=50.0))
wrong("10.5", "one step early", signalled(W_g=0.0))
wrong("10.5", "one step late", signalled(11))
wrong("10.5", "another delay", signalled(7))
wrong("10.5", "never set back", signalled(p_f=0.0, b_f=50.0))
wrong("10.5", "does not keep time", signalled(p_f=-60.0, b_f=59.0))
wrong("10.5", "no weights", 10)


# 10.6 Which peepholes does it need?


def switched_off(params, gates):
    changed = dict(params)
    for gate in gates:
        changed[f"cell.p_{gate}"] = 0 * changed[f"cell.p_{gate}"]
    return changed


def zeros(params, gates):
    off = [f"cell.p_{gate}" for gate in gates]
    return {name: np.zeros(len(p)) if name in off else p.copy() for name, p in params.items()}


def touched(change, which):
    return lambda params, gates: {k: change(p) if which(k, gates) else p for k, p in params.items()}


def peeps(name, gates):
    return name in [f"cell.p_{gate}" for gate in gates]


right("10.6", switched_off, zeros)
wrong("10.6", "nothing is changed", lambda params, gates: params)
wrong("10.6", "the sign alone", touched(lambda p: -p, peeps))
wrong("10.6", "of all gates", touched(np.zeros_like, lambda name, gates: name.startswith("cell.p_")))
wrong("10.6", "of the first gate", touched(np.zeros_like, lambda name, gates: peeps(name, gates[0])))
wrong(
    "10.6",
    "of the other gates",
    touched(np.zeros_like, lambda name, gates: "p_" in name and not peeps(name, gates)),
)
wrong("10.6", "the bias too", touched(np.zeros_like, lambda n, gates: peeps(n.replace("b_", "p_"), gates)))
wrong(
    "10.6",
    "the whole layer",
    touched(np.zeros_like, lambda name, gates: name[-1] in gates and "cell" in name),
)
wrong("10.6", "incomplete", lambda params, gates: {k: p for k, p in params.items() if not peeps(k, gates)})
