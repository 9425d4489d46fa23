"""Answers to the exercises of notebook 12."""

import numpy as np

import lstmcourse as lc

from . import right, wrong

S, T = lc.sigmoid, lc.tanh


# 12.1 The GRU, from memory


def mine(z="S(lc.affine('z', h, x))", r="S(lc.affine('r', h, x))", g="T(lc.affine('g', r * h, x))",
         h="(1 - z) * h + z * g"):  # fmt: skip
    scope = {"lc": lc, "S": S, "T": T}
    exec(f"def mine(x, h):\n    z = {z}\n    r = {r}\n    g = {g}\n    return {h}\n", scope)
    return lc.cell(scope["mine"])


@lc.cell
def letters(x, h):
    def both(k, seen):
        both = x @ lc.param(f"W_{k}", "D", "H") + seen @ lc.param(f"U_{k}", "H", "H")
        return both + lc.param(f"b_{k}", "H")

    update, reset = 1 / (1 + lc.exp(-both("u", h))), S(both("r", h))
    new = T(both("h", h * reset))
    return h + update * (new - h)


@lc.cell
def side_by_side(x, h):
    z = S(lc.affine("update", W=lc.concat(h, x)))
    r = S(lc.affine("reset", W=lc.concat(h, x)))
    return (1 - z) * h + z * T(lc.affine("candidate", W=lc.concat(r * h, x)))


right("12.1", mine(), letters, side_by_side)
wrong("12.1", "the other convention", mine(h="z * h + (1 - z) * g"))
wrong(
    "12.1",
    "the reset comes after",
    mine(g="T(x @ lc.param('W_g', 'D', 'H') + lc.param('b_g', 'H') + r * (h @ lc.param('U_g', 'H', 'H')))"),
)
wrong(
    "12.1",
    "PyTorch's GRU",
    mine(
        g="T(x @ lc.param('W_n', 'D', 'H') + lc.param('b_n', 'H') + r * (h @ lc.param('U_n', 'H', 'H')))",
        h="(1 - z) * g + z * h",
    ),
)
wrong("12.1", "no reset", mine(r="0", g="T(lc.affine('g', h, x))"))
wrong("12.1", "z resets", mine(r="z"))
wrong("12.1", "the candidate is reset", mine(g="r * T(lc.affine('g', h, x))"))
wrong("12.1", "the old state is reset", mine(h="(1 - z) * (r * h) + z * g"))
wrong("12.1", "nothing is kept", mine(h="z * g"))
wrong("12.1", "everything is kept", mine(h="h + z * g"))
wrong("12.1", "everything is written", mine(h="(1 - z) * h + g"))
wrong("12.1", "z for both", mine(h="z * (h + g)"))
wrong("12.1", "squashed again", mine(h="T((1 - z) * h + z * g)"))
wrong("12.1", "the candidate is not squashed", mine(g="lc.affine('g', r * h, x)"))
wrong("12.1", "sigmoid on the candidate", mine(g="S(lc.affine('g', r * h, x))"))
wrong("12.1", "tanh on z", mine(z="T(lc.affine('z', h, x))"))
wrong("12.1", "tanh on r", mine(r="T(lc.affine('r', h, x))"))
wrong("12.1", "the course's own", lc.cells.gru)
wrong(
    "12.1",
    "a second bias",
    mine(g="T(lc.affine('g', W=x) + r * (h @ lc.param('U_g', 'H', 'H') + lc.param('b_hg', 'H')))"),
)


@lc.cell
def two(x, h, c):
    z = S(lc.affine("z", h, x))
    c = (1 - z) * c + z * T(lc.affine("g", S(lc.affine("r", h, x)) * h, x))
    return 1 * c, c


wrong("12.1", "a cell state", two)


# 12.2 The last sign


def sign(**changed):
    return {"W_z": [0, 20], "b_z": -10, "W_g": [5, 0]} | changed


right("12.2", sign(), {"W_xz": [[0.0], [30.0]], "b_xz": -9, "b_hz": -6, "W_xh": [[4.0], [0.0]], "b_r": 1.0})
wrong("12.2", "nothing is stored", sign(W_g=[0, 0]))
wrong("12.2", "begins by itself", sign(b_g=1.0, b_z=-4.0))
wrong("12.2", "the other sign", sign(W_g=[-5, 0]))
wrong("12.2", "forgets", sign(b_z=0))
wrong("12.2", "one sign alone", sign(W_z=[20, 0]))
wrong("12.2", "adds up", sign(b_z=-21))
wrong("12.2", "not far enough", sign(W_g=[1, 0]))
wrong("12.2", "another shape", sign(W_g=[5, 0, 0]))
wrong("12.2", "another parameter", sign(W_o=[1, 1]))


# 12.3 How long does it remember?

right(
    "12.3",
    lambda b: np.log(0.5) / np.log(1 - 1 / (1 + np.exp(-b))),
    lambda bias: 1 / np.log2(1 + np.exp(bias)),
)
wrong("12.3", "the gate", lambda b: 1 / (1 + np.exp(-b)))
wrong("12.3", "the other convention", lambda b: np.log(0.5) / np.log(1 / (1 + np.exp(-b))))
wrong("12.3", "the sign", lambda b: np.log(2) / np.log(1 - 1 / (1 + np.exp(-b))))
wrong("12.3", "1 over z", lambda b: 1 / (1 / (1 + np.exp(-b))))
wrong("12.3", "half of 1 over z", lambda b: (1 + np.exp(-b)) / 2)
wrong("12.3", "ln 2 over z", lambda b: 0.6931471805599453 * (1 + np.exp(-b)))
wrong("12.3", "down to 1/e", lambda b: -1 / np.log(1 - 1 / (1 + np.exp(-b))))
wrong("12.3", "b is z", lambda b: np.log(0.5) / np.log(abs(1 - b)))
wrong("12.3", "whole steps", lambda b: np.ceil(1 / np.log2(1 + np.exp(b))))


# 12.4 From the LSTM to the GRU


def left(z="S(lc.affine('z', h, x))", g="T(lc.affine('g', h, x))", h="(1 - z) * h + z * g"):
    scope = {"lc": lc, "S": S, "T": T}
    exec(f"def left(x, h):\n    z = {z}\n    g = {g}\n    return {h}\n", scope)
    return lc.cell(scope["left"])


@lc.cell
def by_forget(x, h):
    """The gate that stays has kept the name of the forget gate: another sign inside."""
    i = S(lc.affine("i", h, x))
    f = 1 - i
    g = T(lc.affine("g", h, x))
    h = f * h + i * g
    return h


@lc.cell
def still_two(x, h, c):
    i = S(lc.affine("i", h, x))
    c = (1 - i) * c + i * T(lc.affine("g", h, x))
    h = T(c)
    return h, c


right("12.4", left(), by_forget)
wrong("12.4", "two states", still_two)
wrong("12.4", "a layer too many", left(h="S(lc.affine('o', h, x)) * ((1 - z) * h + z * g)"))
wrong("12.4", "the output is squashed", left(h="T((1 - z) * h + z * g)"))
wrong("12.4", "the candidate is not squashed", left(g="lc.affine('g', h, x)"))
wrong("12.4", "sigmoid on the candidate", left(g="S(lc.affine('g', h, x))"))
wrong("12.4", "the other convention", left(h="z * h + (1 - z) * g"))
wrong("12.4", "everything is kept", left(h="h + z * g"))
wrong("12.4", "everything is written", left(h="(1 - z) * h + g"))
wrong("12.4", "nothing is kept", left(h="z * g"))
wrong("12.4", "z for both", left(h="z * (h + g)"))
wrong("12.4", "no such cell", lambda x, h: h)


# 12.5 Before or after

right(
    "12.5",
    {"r": [0, 1], "h": [0, 1], "U": [[0, 0], [1, 0]]} | {"h": [1, 1]},
    {"r": np.array([1.0, 0.0]), "h": (0.0, -1.0), "U": np.array([[0.3, 0.7], [1.0, -0.2]])},
)


def pair(**changed):
    return {"r": [0, 1], "h": [1, 1], "U": [[0, 0], [1, 0]]} | changed


wrong("12.5", "r out of range", pair(r=[-1, 1]))
wrong("12.5", "h out of range", pair(h=[1, 2]))
wrong("12.5", "U out of range", pair(U=[[0, 0], [5, 0]]))
wrong("12.5", "equal gates", pair(r=[0.5, 0.5]))
wrong("12.5", "nothing from the other unit", pair(U=[[1, 0], [0, 1]]))
wrong("12.5", "an empty state", pair(h=[1, 0]))
wrong("12.5", "too little", pair(r=[0.2, 0.9]))
wrong("12.5", "both units", pair(U=[[0, 1], [1, 0]]))
wrong("12.5", "incomplete", {"r": [0, 1], "h": [1, 1]})
wrong("12.5", "another shape", pair(U=[0, 1]))
wrong("12.5", "no dict", [0, 1])


# 12.6 Weights from PyTorch


def sigma(a):
    return 0.5 + 0.5 * np.tanh(0.5 * a)


def by_split(x, h, weight_ih, weight_hh, bias_ih, bias_hh):
    i_r, i_z, i_n = np.split(weight_ih @ x + bias_ih, 3)
    h_r, h_z, h_n = np.split(weight_hh @ h + bias_hh, 3)
    r, z = sigma(i_r + h_r), sigma(i_z + h_z)
    n = np.tanh(i_n + r * h_n)
    return n + z * (h - n)


def block_by_block(x, h, weight_ih, weight_hh, bias_ih, bias_hh):
    H = len(h)
    W, U = weight_ih.reshape(3, H, -1), weight_hh.reshape(3, H, H)
    b, d = bias_ih.reshape(3, H), bias_hh.reshape(3, H)
    r, z = (sigma(W[k].dot(x) + U[k].dot(h) + b[k] + d[k]) for k in (0, 1))
    n = np.tanh(W[2].dot(x) + b[2] + r * (U[2].dot(h) + d[2]))
    return (1 - z) * n + z * h


def torch_step(gates="r, z, n", n="np.tanh(i[2] + r * k[2])", new="(1 - z) * n + z * h", order=(0, 1, 2)):
    scope = {"np": np, "sigma": sigma, "order": order}
    exec(
        "def step(x, h, weight_ih, weight_hh, bias_ih, bias_hh):\n"
        "    H = len(h)\n"
        "    i, k = np.split(weight_ih @ x + bias_ih, 3), np.split(weight_hh @ h + bias_hh, 3)\n"
        "    i, k = [i[o] for o in order], [k[o] for o in order]\n"
        "    last = slice(order[2] * H, (order[2] + 1) * H)\n"
        "    U, b = weight_hh[last], bias_hh[last]\n"
        "    r, z = sigma(i[0] + k[0]), sigma(i[1] + k[1])\n"
        f"    n = {n}\n"
        f"    return {new}\n",
        scope,
    )
    return scope["step"]


right("12.6", by_split, block_by_block)
BEFORE = "np.tanh(i[2] + U @ (r * h) + b)"
wrong("12.6", "z of the new", torch_step(new="(1 - z) * h + z * n"))
wrong("12.6", "the reset comes before", torch_step(n=BEFORE))
wrong("12.6", "before, and z of the new", torch_step(n=BEFORE, new="(1 - z) * h + z * n"))
wrong("12.6", "z before r", torch_step(order=(1, 0, 2)))
wrong("12.6", "n first", torch_step(order=(1, 2, 0)))
wrong("12.6", "a bias outside", torch_step(n="np.tanh(i[2] + r * (U @ h) + b)"))
wrong(
    "12.6",
    "one bias",
    lambda x, h, weight_ih, weight_hh, bias_ih, bias_hh: by_split(
        x, h, weight_ih, weight_hh, bias_ih, np.zeros_like(bias_hh)
    ),
)
wrong("12.6", "no reset", torch_step(n="np.tanh(i[2] + k[2])"))
wrong("12.6", "sigmoid on n", torch_step(n="sigma(i[2] + r * k[2])"))
wrong("12.6", "other arguments", lambda x, h, weights: h)
