"""Answers to the exercises of notebook 11."""

import numpy as np

import lstmcourse as lc

from . import right, wrong

S, T = lc.sigmoid, lc.tanh


# 11.1 One gate less


def mine(f="S(lc.affine('f', h, x))", i="1 - f", g="T(lc.affine('g', h, x))", o="S(lc.affine('o', h, x))",
         c="f * c + i * g", h="o * T(new)", give="h, new"):  # fmt: skip
    scope = {"lc": lc, "S": S, "T": T}
    exec(
        f"def mine(x, h, c):\n    f = {f}\n    i = {i}\n    g = {g}\n    o = {o}\n    new = {c}\n"
        f"    h = {h}\n    return {give}\n",
        scope,
    )
    return lc.cell(scope["mine"])


@lc.cell
def mixes(x, h, memory):
    z = x @ lc.param("W_xf", "D", "H") + lc.param("b_f", "H") + h @ lc.param("W_hf", "H", "H")
    new = T(lc.affine("candidate", h, x))
    memory = new + (memory - new) / (1 + lc.exp(-z))
    return S(lc.affine("out", h, x)) * T(memory), memory


right("11.1", mine(), mixes)
wrong("11.1", "two learned gates", mine(i="S(lc.affine('i', h, x))"))
wrong("11.1", "the other way round", mine(f="S(lc.affine('f', h, x))", c="(1 - f) * c + f * g"))
wrong("11.1", "f for both", mine(c="f * (c + g)"))
wrong("11.1", "1 - f for both", mine(c="i * c + i * g"))
wrong("11.1", "everything is written", mine(c="f * c + g"))
wrong("11.1", "nothing is forgotten", mine(c="c + i * g"))
wrong("11.1", "no tanh in the line for h", mine(h="o * new"))
wrong("11.1", "no output gate", mine(o="0", h="T(new)"))
wrong("11.1", "sigmoid on g", mine(g="S(lc.affine('g', h, x))"))
wrong("11.1", "h from the old c", mine(h="o * T(c)"))
wrong("11.1", "old c returned", mine(give="h, c"))
wrong("11.1", "o coupled too", mine(o="0", h="i * T(new)"))
wrong("11.1", "the course's own", lc.cells.coupled)
wrong("11.1", "no such cell", mine)


# 11.2 What becomes of 5?


def by_steps(c0, f):
    c = c0
    for gate in f:
        c = gate * c + (1 - gate) * 1.0
    return c


right("11.2", by_steps, lambda start, gates: 1 + np.exp(np.log(gates).sum()) * (start - 1))
wrong("11.2", "what is left of the start", lambda c0, f: c0 * np.prod(f))
wrong("11.2", "the least", lambda c0, f: np.prod(f) * c0 - (1 - np.prod(f)))
wrong("11.2", "the last gate alone", lambda c0, f: f[-1] * c0 + 1 - f[-1])
wrong("11.2", "all written in full", lambda c0, f: c0 * np.prod(f) + 1)
wrong("11.2", "nothing is lost", lambda c0, f: c0)
wrong("11.2", "no more than 1", lambda c0, f: 1.0)
wrong("11.2", "what the gates forget", lambda c0, f: 1 + (c0 - 1) * np.prod(1 - f))
wrong("11.2", "gates added up", lambda c0, f: 1 + (c0 - 1) * sum(f))


def unbounded(c0, f):
    for gate in f:
        c0 = gate * c0 + 1
    return c0


wrong("11.2", "as in the LSTM", unbounded)
wrong("11.2", "another shape", lambda c0, f: 1 + (c0 - 1) * np.cumprod(f))


# 11.3 Sample and hold


def hold(**changed):
    return {"W_f": [0, -60], "b_f": 30, "W_g": [1, 0]} | changed


right("11.3", hold(), {"W_xf": [[0.0], [-40.0]], "b_f": 20.0, "W_xc": np.array([[1.0], [0.0]]), "b_hf": 0.0})
wrong("11.3", "nothing is stored", hold(W_g=[0, 0]))
wrong("11.3", "the marks exchanged", hold(W_f=[0, 60], b_f=-30))
wrong("11.3", "every step writes", hold(W_f=[0, 0], b_f=-30))
wrong("11.3", "leaks", hold(W_f=[0, -6], b_f=3))
wrong("11.3", "the mark is stored", hold(W_g=[1, 1]))
wrong("11.3", "another scale", hold(W_g=[2, 0]))
wrong("11.3", "a mixture", hold(W_f=[0, -32]))
wrong("11.3", "another shape", hold(W_g=[1, 0, 0]))
wrong("11.3", "no weights", [0, -60, 30, 1])


# 11.4 From the LSTM to the paper's form


def papers(i="S(lc.affine('i', h, x) + lc.peephole('i', c))", f="1 - i", c="f * c + i * g",
           o="S(lc.affine('o', h, x) + lc.peephole('o', new))", h="o * T(new)"):  # fmt: skip
    scope = {"lc": lc, "S": S, "T": T}
    exec(
        f"def papers(x, h, c):\n    i = {i}\n    f = {f}\n    g = T(lc.affine('g', h, x))\n    new = {c}\n"
        f"    o = {o}\n    h = {h}\n    return h, new\n",
        scope,
    )
    return lc.cell(scope["papers"])


@lc.cell
def block_input(x, y, c):
    """In the paper's letters: block input z, output y."""
    z = T(lc.affine("z", y, x))
    i = S(lc.affine("i", y, x) + c * lc.param("p_i", "H"))
    c = c + i * (z - c)
    o = S(lc.affine("o", y, x) + c * lc.param("p_o", "H"))
    return T(c) * o, c


right("11.4", papers(), block_input)
wrong("11.4", "two gates still", papers(f="S(lc.affine('f', h, x) + lc.peephole('f', c))"))
wrong("11.4", "the essay's form", papers(c="i * c + (1 - i) * g"))
wrong("11.4", "no peephole of i", papers(i="S(lc.affine('i', h, x))"))
wrong("11.4", "no peephole of o", papers(o="S(lc.affine('o', h, x))"))
wrong("11.4", "no peepholes", papers(i="S(lc.affine('i', h, x))", o="S(lc.affine('o', h, x))"))
wrong("11.4", "o sees the old state", papers(o="S(lc.affine('o', h, x) + lc.peephole('o', c))"))
wrong("11.4", "f for both", papers(c="f * (c + g)"))
wrong("11.4", "i for both", papers(f="i"))
wrong("11.4", "everything is written", papers(c="f * c + g"))
wrong("11.4", "nothing is forgotten", papers(f="1"))
wrong("11.4", "no tanh in the line for h", papers(h="o * new"))


# 11.5 One unit at a time


def one_unit(params, unit):
    made = {name: np.array(p) for name, p in params.items()}
    made["cell.W_i"][:, unit] = -made["cell.W_f"][:, unit]
    made["cell.U_i"][:, unit] = -made["cell.U_f"][:, unit]
    made["cell.b_i"][unit] = -made["cell.b_f"][unit]
    return made


def by_mask(params, unit):
    chosen = np.arange(params["cell.b_f"].size) == unit
    new = {f"cell.{k}_i": np.where(chosen, -params[f"cell.{k}_f"], params[f"cell.{k}_i"]) for k in "WUb"}
    return {**params, **new}


def coupled(change=lambda f: -f, kinds="WUb", place=lambda unit: (..., unit), gates="if"):
    def couple(params, unit):
        made = {k: v.copy() for k, v in params.items()}
        to, of = gates
        for k in kinds:
            made[f"cell.{k}_{to}"][place(unit)] = change(params[f"cell.{k}_{of}"][place(unit)])
        return made

    return couple


def both_negated(params, unit):
    made = one_unit(params, unit)
    for k in "WUb":
        made[f"cell.{k}_f"][..., unit] *= -1
    return made


right("11.5", one_unit, by_mask)
wrong("11.5", "not negated", coupled(lambda f: f))
wrong("11.5", "one minus the weights", coupled(lambda f: 1 - f))
wrong("11.5", "the bias forgotten", coupled(kinds="WU"))
wrong("11.5", "U forgotten", coupled(kinds="Wb"))
wrong("11.5", "W forgotten", coupled(kinds="Ub"))
wrong("11.5", "all units", coupled(place=lambda unit: ...))
wrong("11.5", "rows in place of columns", coupled(place=lambda unit: unit))
wrong("11.5", "the other gate", coupled(gates="fi"))
wrong("11.5", "both gates", both_negated)
wrong("11.5", "nothing is changed", lambda params, unit: params)
wrong("11.5", "incomplete", lambda params, unit: {"cell.W_i": params["cell.W_i"]})
