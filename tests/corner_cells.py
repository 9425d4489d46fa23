"""Corner cells: together with those of the course, everything that a cell may hold. One contract binds all.

`CELLS` is the registry; a cell that is added there is checked by `test_contract.py` with no more code.
"""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import numpy as np

import lstmcourse as lc
from lstmcourse.engine.graph import Dim

SIZES = {"K": 2, "L": 3, "A": 4, "N": 5, "Y": 3, "M": 3, "Z": 2, "F": 5, "X": 4}
"""Numbers for sizes other than D and H."""


def first_q(a):
    """A state that starts from a static input."""
    return lc.tanh(lc.affine("q0", W=lc.mean(a, -2)))


@lc.cell
def toy(
    x,
    h,
    s=lc.state("K", init="learned"),
    m=lc.state("H", "K"),
    q=lc.state("H", init=first_q),
    a=lc.static("L", "A"),
    eps=lc.noise("K"),
    t=lc.clock,
):
    """Static input, noise, clock, outputs of other sizes, learned and computed starts, a nested cell."""
    h_new, q_new = lc.cells.lstm(lc.concat(x, eps), h, q, scope="enc")
    scored = lc.tanh(a @ lc.param("W_a", "A", "N") + lc.expand(lc.affine("e", U=h, size="N"), -2))
    e = lc.sum(scored * lc.param("v", "N", init="glorot"), -1)
    alpha = lc.softmax(e)
    context = lc.sum(lc.expand(alpha, -1) * a, -2)
    s = lc.where(t % 2 == 0, lc.sigmoid(lc.affine("s", U=s, W=context, V=h_new, size="K")), s)
    m = 0.5 * m + lc.expand(h_new, -1) * lc.expand(s, -2)
    y = lc.affine("y", U=h_new, V=s, size="Y") + lc.affine("y2", W=lc.sum(m, -2), size="Y")
    return h_new, s, m, q_new, y, alpha


@lc.cell
def attention(x, h, c, a=lc.static("L", "A")):
    """Soft attention over L annotations, scored by two layers (Bahdanau et al. 2015; Xu et al. 2015)."""
    first = lc.tanh(a @ lc.param("W_1", "A", "N") + lc.expand(lc.affine("q", U=h, size="N"), -2))
    second = lc.tanh(first @ lc.param("W_2", "N", "N") + lc.param("b_2", "N"))
    e = lc.sum(second * lc.param("v", "N", init="glorot"), -1)
    alpha = lc.softmax(e)
    context = lc.sum(lc.expand(alpha, -1) * a, -2)
    h, c = lc.cells.lstm(lc.concat(x, context), h, c, scope="dec")
    return h, c, alpha, context


@lc.cell
def mixed(x, h, m=lc.state("H", "K"), a=lc.static("L", "A"), t=lc.clock):
    """Every kind of storage: vectors, a matrix state, attention, a choice by the clock."""
    scored = lc.tanh(a @ lc.param("W_a", "A", "N") + lc.expand(lc.affine("q", U=h, size="N"), -2))
    alpha = lc.sum(scored * lc.param("v", "N", init="glorot"), -1)
    u = lc.tanh(lc.affine("u", h, x, C=lc.sum(lc.expand(alpha) * a, -2)))
    m = 0.5 * m + lc.expand(u) * lc.expand(lc.affine("k", W=x, size="K"), -2)
    h = lc.where(t % 2 == 0, u * lc.sum(m), h)
    return h, m, alpha


@lc.cell
def functions(x, h, t=lc.clock):
    """Every function of one and of two numbers, axes, parts and choices."""
    a = lc.affine("a", h, x)
    b = lc.exp(-lc.square(a)) + lc.log(1.5 + lc.sigmoid(a)) + lc.sin(a) * lc.cos(h) + lc.sqrt(1.0 + a * a)
    c = lc.softplus(a) + lc.maximum(a, h) - lc.minimum(a, 0.1) + lc.relu(a) / 3.0
    chosen = lc.where((a > 0.0) & ~(h > 0.5) | (t % 3 == 1), b, c - lc.stop_gradient(b))
    left, right = lc.split(lc.concat(chosen, h), 2)
    m = lc.expand(left, -1) * lc.expand(lc.softmax(right), -2)
    s = lc.logsumexp(m, -1) + lc.sum(lc.swap(m), -2) + lc.mean(m, -2)
    u = lc.softmax(m, -2)
    p = lc.matmul(u, lc.swap(m))
    h = lc.tanh(s + lc.sum(p, -1)) * (t + 1.0) / (t + 2.0)
    return h, left, p


@lc.cell
def alone(x=None, h=lc.state("H")):
    """No input."""
    h = lc.tanh(lc.affine("h", U=h))
    return h


@lc.cell
def started(x, h=lc.state("H", "K", init="learned"), c=lc.state("H", init="learned"), b=lc.static("H")):
    """Learned starts, of a vector and of a matrix."""
    c = lc.tanh(lc.affine("c", U=c, W=x) + b + lc.sum(h))
    h = 0.5 * h + lc.expand(c, -1) * lc.param("k", "K", init=1.0)
    return h, c


def from_static(a):
    """A start of two layers, one of them shared by all annotations."""
    return lc.affine("q1", W=lc.relu(lc.sum(a @ lc.param("S", "A", "M"), -2)), bias=0.5)


@lc.cell
def computed(x, h, q=lc.state("H", init=from_static), a=lc.static("L", "A")):
    """A start computed from an input that the steps read as well."""
    q = lc.tanh(q + lc.affine("q", h, W=lc.mean(a, -2)))
    h = lc.tanh(lc.affine("h", q, x))
    return h, q


@lc.cell
def twice(x, h, c, g, e=lc.noise("D"), t=lc.clock):
    """Two cells nested, one of them with a clock of its own; noise."""
    h_new, c_new = lc.cells.lstm(x + e, h, c, scope="low")
    g_new = lc.cells.clockwork(lc.concat(h_new, x), g, scope="high")
    return h_new, c_new, g_new


@lc.cell
def shared_next(x, h, k=lc.state("H", init="learned")):
    """Two states with one next value; outputs that are a state, and states side by side."""
    h_new = lc.tanh(lc.affine("h", U=h + k, W=x))
    both = lc.concat(h_new, h_new)
    return h_new, h_new, both, h_new * h


@lc.cell
def halved(x, h=lc.state(4), c=lc.state(2)):
    """Parts of a state with names of their own, of the step before and of this one."""
    before, last = lc.split(h, 2)
    new = lc.tanh(lc.affine("h", U=h, W=x, size=4))
    first, second = lc.split(new, 2)
    c = 0.5 * c + first * last + second * before
    return new, c


@lc.cell
def shifted(x, h, d=lc.state("D"), m=lc.state("H")):
    """States that only hand on what comes in: the input of the step before, the state before."""
    h_new = lc.tanh(lc.affine("h", U=h, W=x, V=d))
    return h_new, x, lc.identity(h)


@lc.cell
def timeless(x, h, a=lc.static("H"), t=lc.clock):
    """Outputs that know no state, no batch or no time; a condition with a name; a layer of the clock."""
    k = lc.param("k", "H")
    even = t % 2 == 0
    late = h > 0.1
    ramp = lc.affine("r", W=(t + 1.0) / 10.0)
    row = lc.tanh(k * lc.table("s", lambda H: 1.0 + np.arange(H), "H"))
    still = lc.tanh(a * k)
    h = lc.where(even | late, lc.tanh(lc.affine("h", h, x)) + ramp, h)
    return h, lc.identity(ramp), lc.identity(still), lc.identity(row)


@lc.cell
def masked(x, h):
    """Elements held at 0 by a table, one of the masked matrices used twice; weights that are fixed."""
    M = lc.table("M", lambda H, _: np.tri(H), "H", "H")
    U = lc.param("U", "H", "H", free=M)
    V = lc.param("V", "H", "H", free=M, fixed=True)
    h = lc.tanh(lc.tanh(h @ U + lc.affine("h", W=x)) @ U + h @ V)
    return h


@lc.cell
def idle(x, h, c, y=lc.sequence("K"), n=lc.noise("H"), s=lc.static("K")):
    """Inputs, parameters and states that nothing reads."""
    lc.param("W_idle", "D", "H")
    h = lc.tanh(lc.affine("h", W=y))
    c = lc.identity(c)
    return h, c


@lc.cell
def matrices(x, S=lc.state("H", "K"), n=lc.state("K")):
    """An outer product is written to a matrix and read back; products of two matrices of each sequence."""
    k = lc.softmax(lc.affine("k", W=x, size="K"))
    v = lc.affine("v", W=x)
    n = 0.9 * n + k
    S = 0.9 * S + lc.expand(v, -1) * lc.expand(k, -2)
    q = lc.affine("q", W=x, size="K")
    y = lc.sum(S * lc.expand(q, -2), -1) / (1.0 + lc.square(lc.expand(lc.sum(n * q, -1))))
    P = lc.matmul(S, lc.swap(S))
    return S, n, y, P, lc.reshape(S, "K", "H")


@lc.cell
def layer(x):
    """No states."""
    y = lc.tanh(lc.affine("y", W=x, size="K"))
    return y


@lc.cell
def stopped(x, h, c):
    """A gradient that is stopped on one of two ways."""
    g = lc.tanh(lc.affine("g", h, x))
    c = 0.5 * c + lc.stop_gradient(g) * lc.sigmoid(g)
    h = lc.tanh(c) * lc.stop_gradient(h)
    return h, c


@lc.cell
def belt(x, h, c, t=lc.clock):
    """Two states under one clock, both of them multiplied, and read element by element as well."""
    due = t % lc.table("T", lambda H: 1.0 + np.arange(H) // 2, "H") == 0.0
    i = lc.sigmoid(lc.affine("i", h, x))
    g = lc.tanh(lc.affine("g", U=c))
    c = lc.where(due, 0.9 * c + i * g, c)
    h = lc.where(due, lc.tanh(c) + 0.1 * h, h)
    return h, c


@lc.cell
def slow_reader(x, h, s, t=lc.clock):
    """A state with a clock, and one without that reads what was just computed."""
    T = lc.table("T", lambda H: 1.0 + np.arange(H) % 3, "H")
    h = lc.where(t % T == 0, lc.tanh(lc.affine("h", h, x, V=s)), h)
    s = lc.sigmoid(lc.affine("s", U=s, V=h))
    return h, s


@lc.cell
def two_clocks(x, h, s, t=lc.clock):
    """Two states that read each other, each with a clock of its own."""
    a = lc.tanh(lc.affine("h", h, x, V=s))
    b = lc.tanh(lc.affine("s", U=s, V=h))
    h = lc.where(t % lc.table("T", lambda H: 1.0 + np.arange(H), "H") == 0, a, h)
    s = lc.where(t % 2 == 0, b, s)
    return h, s


rnn, lstm, gru = lc.cells.rnn, lc.cells.lstm, lc.cells.gru

CELLS = {c.name: c for c in (
    toy, attention, mixed, functions, alone, started, computed, twice, shared_next, halved, shifted, timeless,
    masked, idle, matrices, layer, stopped, belt, slow_reader, two_clocks,
)} | {
    "held": lstm.override(f=1.0),
    "held beside a clock": lc.cells.clockwork.override(a=0.9),
    "held beside a clock, in a stack": lc.stack([lc.cells.clockwork.override(a=0.9), rnn]),
    "stack": lc.stack([lstm, gru]),
    "dropout": lc.stack([rnn, lstm], dropout=True),
    "bidirectional": lc.bidirectional(lstm),
    "stack of bidirectional": lc.stack([lc.bidirectional(rnn), lc.bidirectional(gru)]),
    "bidirectional stack": lc.bidirectional(lc.stack([rnn, gru])),
    "bidirectional, started": lc.bidirectional(started),
    "bidirectional, halved": lc.bidirectional(halved),
    "stack of stack": lc.stack([lc.stack([rnn, gru]), lc.bidirectional(rnn), lstm]),
    "toy on top": lc.stack([rnn, toy]),
    "clockwork in both directions": lc.stack([lc.bidirectional(lc.cells.rnn), lc.cells.clockwork]),
}  # fmt: skip


def sizes_of(cell, **more):
    """Sizes as `Cell.init` and its like take them: D and H, and those in SIZES that the cell has."""
    known = SIZES | {"D": 2, "H": 4} | more
    rest = {k: known[k] for k in cell.size_names() if k not in ("D", "H")}
    return {"input_size": known["D"], "hidden_size": known["H"]} | ({"sizes": rest} if rest else {})


def random_inputs(cell, rng, T=5, B=3, **sizes):
    """What a cell is given, by name, in float64: normal numbers, but for two that are something in their own
    right, how many there are, n, from 1 to L, and what is uniform between 0 and 1, u.
    """
    known, found = SIZES | {"D": 2, "H": 4} | sizes, {}
    lead = {"sequence": (T, B), "noise": (T, B), "static": (B,)}
    for i in cell.inputs:
        if i.kind in lead:
            shape = (*lead[i.kind], *(Dim.of(d).value(known) for d in i.shape))
            found[i.name] = rng.standard_normal(shape)
            if i.name == "u":
                found[i.name] = rng.uniform(size=shape)
            if i.name == "n" and i.kind == "static":
                found[i.name] = rng.integers(1, known["L"] + 1, shape).astype(float)
    return found


def not_shown(cell):
    """What `unroll` is told where no array shows it: the number of steps, of sequences, a memory's size."""
    kinds = {i.kind for i in cell.inputs}
    shapes = [p.shape for p in cell.graph.params] + [i.shape for i in cell.inputs if i.kind != "state"]
    shown = {name for shape in shapes for d in shape for name in Dim.of(d).names}
    memories = {name for s in cell.graph.states for d in s.prev.shape for name in d.names}
    wide = {name for s in cell.graph.states for d in s.next.shape for name in d.names}
    return {
        "steps": not kinds & {"sequence", "noise"},
        "batch_size": not kinds & {"sequence", "noise", "static"},
        "sizes": (memories & wide) - shown,
    }


def drawn(cell, dtype=np.float64, T=5, B=3, given=False, seed=0, parameters=True, **sizes):
    """Arguments of unroll for any cell: parameters, x, and the rest by name; with `given`, of all states."""
    rng = np.random.default_rng(seed)
    known = SIZES | {"D": 2, "H": 4} | sizes
    shapes = cell.parameter_shapes(**sizes_of(cell, **sizes)) if parameters else {}
    params = {k: (0.4 * rng.standard_normal(s)).astype(dtype) for k, s in shapes.items()}
    inputs = {k: a.astype(dtype) for k, a in random_inputs(cell, rng, T, B, **sizes).items()}
    x = inputs.pop(cell.inputs[0].name, None)
    state = None
    if given:
        state = {
            s.name: rng.standard_normal((B, *(d.value(known) for d in s.prev.shape))).astype(dtype)
            for s in cell.graph.states
        }
    told = {"steps": T, "batch_size": B} | {"sizes": {k: known[k] for k in sorted(not_shown(cell)["sizes"])}}
    more = {k: told[k] for k, needed in not_shown(cell).items() if needed and not (given and k == "sizes")}
    return params, x, dict(inputs=inputs, state=state, **more)
