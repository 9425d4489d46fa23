"""Answers to the exercises of notebook 09."""

import numpy as np

import lstmcourse as lc

from . import right, wrong

S, T = lc.sigmoid, lc.tanh


def mine(
    f="S(lc.affine('f', h, x))",
    i="S(lc.affine('i', h, x))",
    g="T(lc.affine('g', h, x))",
    o="S(lc.affine('o', h, x))",
    c="f * c + i * g",
    h="o * T(c)",
    give="h, c",
    **options,
):
    """An LSTM with other lines in their places, as a reader would type them."""
    scope = {"lc": lc, "S": S, "T": T}
    exec(
        f"def mine(x, h, c):\n    f = {f}\n    i = {i}\n    g = {g}\n    o = {o}\n    c = {c}\n    h = {h}\n"
        f"    return {give}\n",
        scope,
    )
    return lc.cell(scope["mine"], **options)


# 09.1 The LSTM, unaided


@lc.cell
def textbook(x, h, c):
    def layer(k):
        return (
            x @ lc.param(f"W_x{k}", "D", "H") + lc.param(f"b_x{k}", "H")
            + h @ lc.param(f"W_h{k}", "H", "H") + lc.param(f"b_h{k}", "H")
        )  # fmt: skip

    forget, write = 1 / (1 + lc.exp(-layer("f"))), 1 / (1 + lc.exp(-layer("i")))
    c = write * T(layer("c")) + forget * c
    return T(c) * S(layer("o")), c


@lc.cell
def side_by_side(x, h, C):
    both = lc.concat(h, x)
    f, i, o = (S(lc.affine(k, W=both)) for k in "fio")
    C = f * C + i * T(lc.affine("C", W=both))
    return o * T(C), C


@lc.cell
def words(x, hidden, memory):
    keep = S(lc.affine("forget", hidden, x))
    write = S(lc.affine("input", hidden, x))
    new = T(lc.affine("cell", hidden, x))
    show = S(lc.affine("output", hidden, x))
    memory = keep * memory + write * new
    hidden = show * T(memory)
    return hidden, memory


right("09.1", mine(), textbook, side_by_side, words)

wrong("09.1", "f and i swapped", mine(c="i * c + f * g"))
wrong("09.1", "no tanh in the line for h", mine(h="o * c"))
wrong("09.1", "no forget gate", mine(c="c + i * g"))
wrong("09.1", "sigmoid on g", mine(g="S(lc.affine('g', h, x))"))
wrong("09.1", "tanh on o", mine(o="T(lc.affine('o', h, x))"))
wrong("09.1", "h is c", mine(h="f * 0 + c"))
wrong("09.1", "i is 1 - f", mine(c="f * c + (1 - f) * g"))
wrong("09.1", "c squashed", mine(c="T(f * c + i * g)", h="o * c"))
wrong("09.1", "f without x", mine(f="S(lc.affine('f', U=h))"))
wrong("09.1", "f and i shared", mine(i="f"))
wrong("09.1", "peepholes", mine(f="S(lc.affine('f', h, x) + lc.peephole('f', c))"))
wrong("09.1", "the course's own", lc.cells.lstm)
wrong("09.1", "no such cell", lambda x, h, c: (h, c))


# 09.2 A gate that starts open

right(
    "09.2",
    mine(init={"b_f": 1.0}),
    mine(f="S(lc.affine('keep', h, x, bias=2.0))"),
    mine(f="S(lc.affine('f', h, x) + lc.param('b_hf', 'H', init=1.0))"),
)
wrong("09.2", "half open", mine())
wrong("09.2", "shut at the start", mine(init={"b_f": -1.0}))
wrong("09.2", "every bias", mine(init={f"b_{k}": 1.0 for k in "figo"}))
wrong("09.2", "all three gates", mine(init={f"b_{k}": 1.0 for k in "fio"}))
wrong("09.2", "the input gate", mine(i="S(lc.affine('i', h, x, bias=1.0))"))
wrong("09.2", "the output gate", mine(init={"b_o": 1.0}))
wrong("09.2", "the candidate", mine(init={"b_f": 1.0, "b_g": 1.0}))
wrong("09.2", "not open enough", mine(init={"b_f": 0.5}))
wrong("09.2", "too far open", mine(init={"b_f": 50.0}))
wrong("09.2", "a constant in the equation", mine(f="S(lc.affine('f', h, x) + 1)"))
wrong("09.2", "1 - f in place of f", mine(c="(1 - f) * c + i * g", init={"b_f": 1.0}))


# 09.3 Back through the forget gate


def sigma(a):
    return 1 / (1 + np.exp(-a))


def by_the_book(d_h, d_c, f, o, c, c_before):
    d_tanh = d_h * o
    d_c_all = d_c + d_tanh / np.cosh(c) ** 2
    return (f - f**2) * d_c_all * c_before


def by_differences(d_h, d_c, f, o, c, c_before):
    """The loss as a function of a, and a complex step."""
    a, rest = np.log(f / (1 - f)), c - f * c_before
    new = sigma(a + 1e-30j) * c_before + rest
    return np.imag(d_h * o * np.tanh(new) + d_c * new) / 1e-30


right("09.3", by_the_book, by_differences)


def to_f(line):
    scope = {"np": np}
    exec(f"def to_f(d_h, d_c, f, o, c, c_before):\n    t = np.tanh(c)\n    {line}\n", scope)
    return scope["to_f"]


ALL = "d_c += d_h * o * (1 - t * t); "
wrong("09.3", "what comes later alone", to_f("return d_c * c_before * f * (1 - f)"))
wrong("09.3", "what shows in h alone", to_f("return d_h * o * (1 - t**2) * c_before * f * (1 - f)"))
wrong("09.3", "up to the gate", to_f(ALL + "return d_c * c_before"))
wrong("09.3", "the slope of another squashing", to_f(ALL + "return d_c * c_before * (1 - f * f)"))
wrong("09.3", "half of the slope", to_f(ALL + "return d_c * c_before * f"))
wrong("09.3", "no slope of tanh", to_f("d_c += d_h * o; return d_c * c_before * f * (1 - f)"))
wrong(
    "09.3",
    "the slope at the wrong place",
    to_f("d_c += d_h * o * (1 - c * c); return d_c * c_before * f * (1 - f)"),
)
wrong("09.3", "tanh in place of its slope", to_f("d_c += d_h * o * t; return d_c * c_before * f * (1 - f)"))
wrong("09.3", "no output gate", to_f("d_c += d_h * (1 - t**2); return d_c * c_before * f * (1 - f)"))
wrong("09.3", "the new cell state", to_f(ALL + "return d_c * c * f * (1 - f)"))
wrong("09.3", "on to the step before", to_f(ALL + "return d_c * f"))
wrong("09.3", "the sign", to_f(ALL + "return -d_c * c_before * f * (1 - f)"))


# 09.4 Right for one step


def way_back(end="d_c = d_c * f[t]", begin="pass", steps="reversed(range(len(c)))", middle="pass"):
    scope = {"np": np}
    exec(
        "def way_back(f, i, g, o, c, d_out):\n"
        "    d_c, d_a = np.zeros_like(c[0]), np.zeros_like(c)\n"
        f"    for t in {steps}:\n"
        f"        {begin}\n"
        "        d_c = d_c + d_out[t] * o[t] * (1 - np.tanh(c[t]) ** 2)\n"
        f"        {middle}\n"
        "        d_a[t] = d_c * i[t] * (1 - g[t] ** 2)\n"
        f"        {end}\n"
        "    return d_a\n",
        scope,
    )
    return scope["way_back"]


def all_at_once(f, i, g, o, c, d_out):
    """Every pair of steps, with the product of the gates between them."""
    here = d_out * o / np.cosh(c) ** 2
    steps = range(len(c))
    whole = [sum(here[s] * np.prod(f[t + 1 : s + 1], axis=0) for s in steps if s >= t) for t in steps]
    return np.array(whole) * i * (1 - g * g)


right(
    "09.4", way_back(), all_at_once, way_back("pass", begin="d_c = d_c * f[t + 1] if t + 1 < len(f) else d_c")
)
wrong("09.4", "not mended", way_back("pass"))
wrong("09.4", "the gate of the step before", way_back("d_c = d_c * f[t - 1]"))
wrong("09.4", "on the own step too", way_back("pass", middle="d_c *= f[t]"))
wrong("09.4", "in the row alone", way_back("d_a[t] = d_a[t] * f[t]"))
wrong("09.4", "the cell state", way_back("d_c = d_c * c[t - 1]"))
wrong("09.4", "each step alone", way_back("pass", begin="d_c = np.zeros_like(c[0])"))
wrong("09.4", "the input gate", way_back("d_c = d_c * i[t]"))
wrong("09.4", "what is forgotten", way_back("d_c = d_c * (1 - f[t])"))
wrong("09.4", "divided", way_back("d_c = d_c / f[t]"))
wrong("09.4", "forwards", way_back(steps="range(len(c))"))
wrong("09.4", "another shape", way_back("return d_a[-1]"))


# 09.5 One learning rate for all?

STUDY = lc.experiments.load("plain_against_lstm")
TASKS = ("adding", "copy", "temporal_order", "embedded_reber")


def runs(task, cell="lstm"):
    """Accuracies of five seeds, at 0.003 and at 0.01, looked up one by one."""
    return [
        [
            t.values["accuracy"]
            for t in STUDY.trials
            if t.point == {"task": task, "cell": cell, "learning_rate": rate}
        ]
        for rate in (3e-3, 1e-2)
    ]


def gains(measure, cell="lstm"):
    return {task: measure(*map(np.array, runs(task, cell))) for task in TASKS}


right(
    "09.5",
    gains(lambda low, high: np.mean(high - low)),
    {task: round(float(gain), 2) for task, gain in gains(lambda a, b: b.mean() - a.mean()).items()},
)
wrong("09.5", "the other way round", gains(lambda low, high: low.mean() - high.mean()))
wrong("09.5", "the plain network", gains(lambda low, high: high.mean() - low.mean(), "rnn"))
wrong("09.5", "medians", gains(lambda low, high: np.median(high) - np.median(low)))
wrong("09.5", "the best seeds", gains(lambda low, high: high.max() - low.max()))
wrong("09.5", "the worst seeds", gains(lambda low, high: high.min() - low.min()))
wrong("09.5", "one seed", gains(lambda low, high: high[0] - low[0]))
wrong("09.5", "the sum", gains(lambda low, high: high.sum() - low.sum()))
wrong("09.5", "a ratio", gains(lambda low, high: high.mean() / low.mean()))
wrong("09.5", "incomplete", {"adding": 0.55})
wrong("09.5", "no dict", 0.55)


# 09.6 Yours, trained

STORED = lc.reader.load().params


def trained(cell, names=None, task=None, size=32, **changed):
    """A model of a cell with the weights of the stored reader, in their places."""
    model = lc.Model(cell, task or lc.reader.language(gap=0), hidden_size=size, dtype=np.float64)
    names = names or {}
    weights = {names.get(k, k): np.asarray(changed.get(k.replace(".", "_"), v)) for k, v in STORED.items()}
    return model.with_params(weights)


OTHER = {
    f"cell.{kind}_{ours}": f"cell.{kind}_{theirs}"
    for kind in "WUb"
    for ours, theirs in (("f", "forget"), ("i", "input"), ("g", "cell"), ("o", "output"))
}
right("09.6", trained(mine(init={"b_f": 1.0})), trained(words, OTHER))
wrong("09.6", "not trained", lc.Model(mine(), lc.reader.language(gap=0), hidden_size=32, rng=0))
wrong("09.6", "a cell alone", mine())
wrong("09.6", "no model", STORED)
wrong("09.6", "the course's own", lc.reader.load())
wrong("09.6", "no LSTM", trained(mine(h="o * c")))
wrong("09.6", "another task", lc.Model(mine(), lc.tasks.get("adding"), hidden_size=8))
