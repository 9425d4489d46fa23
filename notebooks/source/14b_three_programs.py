# %% [markdown]
# # One cell, three programs
#
# You have written an LSTM as six equations, and trained networks of them. Between the equations and the machine stand programs that nobody wrote by hand. How are they made, and what does each step gain?
#
# After it you can
#
# - read the NumPy program and the compiled program that are derived from a cell's equations,
# - say what five rewritings do, and follow the first two by hand,
# - tell what a measurement of time can show and what it cannot.
#
# {minutes} It is an appendix: the rest of the course does not need it.

# %% tags=["setup"]
import time

import numpy as np
from threadpoolctl import threadpool_limits

import lstmcourse as lc
from lstmcourse import plots

lstm = lc.cells.lstm
T, B, D, H = 60, 16, 24, 32
rng = np.random.default_rng(0)
params = lstm.init(input_size=D, hidden_size=H, rng=rng)
x = rng.standard_normal((T, B, D)).astype(np.float32)
p = params  # a short name, for the programs below

# %% [markdown]
# ## The equations
#
# This is all that anybody wrote. It says what a step is. It does not say how many products there are, in which order things are computed, or where results are kept. We run it for $T = 60$ steps of $B = 16$ sequences, with $D = 24$ inputs and $H = 32$ units.

# %%
print(lstm.definition())

# %% [markdown]
# ## Five rewritings
#
# We begin with a program that does just what the equations say, step by step: eight products, four sums of three terms, and so on. $\sigma$ is written as $\tfrac12 (1 + \tanh \tfrac a2)$, which cannot overflow.


# %% tags=["setup"]
def sigmoid(a):
    return 0.5 * (1 + np.tanh(0.5 * a))


# %%
def as_it_is_said(x):
    h, c, out = np.zeros((B, H), "f4"), np.zeros((B, H), "f4"), []
    for x_t in x:
        f = sigmoid(h @ p["U_f"] + x_t @ p["W_f"] + p["b_f"])
        i = sigmoid(h @ p["U_i"] + x_t @ p["W_i"] + p["b_i"])
        g = np.tanh(h @ p["U_g"] + x_t @ p["W_g"] + p["b_g"])
        o = sigmoid(h @ p["U_o"] + x_t @ p["W_o"] + p["b_o"])
        c = f * c + i * g
        h = o * np.tanh(c)
        out.append(h)
    return np.stack(out)


# %% [markdown]
# **1. Merge products.** Four matrices multiply the same $h_{t-1}$. Written side by side they are one matrix $U = (U_f\; U_i\; U_o\; U_g)$ with $4H$ columns, and one product in place of four. The same with $W$ and $x_t$. The numbers are the same. One large product takes less time than four small ones: each call costs something, and a large product uses the processor better. The three gates stand side by side, so one call of $\sigma$ serves all three.

# %%
side_by_side = lambda kind: np.concatenate(
    [p[f"{kind}_{k}"] for k in "fiog"], axis=-1
)
W, U, b = (side_by_side(kind) for kind in "WUb")


def merged(x):
    h, c, out = np.zeros((B, H), "f4"), np.zeros((B, H), "f4"), []
    for x_t in x:
        a = h @ U + x_t @ W + b
        f, i, o = np.split(sigmoid(a[:, : 3 * H]), 3, axis=1)
        c = f * c + i * np.tanh(a[:, 3 * H :])
        h = o * np.tanh(c)
        out.append(h)
    return np.stack(out)


# %% [markdown]
# **2. Move out of the loop what does not depend on it.** $x_t W + b$ needs no state. All $T$ of them are one product of $T \cdot B$ rows. The loop keeps only what must be done in order: $h_{t-1} U$ and what follows.


# %%
def ahead(x):
    h, c, out = np.zeros((B, H), "f4"), np.zeros((B, H), "f4"), []
    for a_t in x @ W + b:
        a = a_t + h @ U
        f, i, o = np.split(sigmoid(a[:, : 3 * H]), 3, axis=1)
        c = f * c + i * np.tanh(a[:, 3 * H :])
        h = o * np.tanh(c)
        out.append(h)
    return np.stack(out)


# %% [markdown]
# **3. Allocate nothing inside the loop.** Each `+` and `*` above makes a new array. If every result has its place from the start (`out=`), the loop only computes. And it keeps the results of all steps, which the backward pass needs anyway.
#
# This is tedious by hand, and easy to get wrong. The derived program does it:

# %%
print(lstm.source())

# %% [markdown]
# Read it beside the equations, which stand in it as comments. All three rewritings are there: `U` is put together once, `a` holds $x_t W + b$ for all steps, and nothing in the loop makes an array.
#
# **4. One loop over the units.** NumPy goes over whole arrays: once for $\sigma$, once for $\tanh$, once for each product and sum. Each time it reads and writes memory. A compiled program can go over the units *once*, and do everything for unit $k$ while its numbers are at hand. The compiler even does this for four, eight or sixteen units at a time, because processors have instructions for that.
#
# **5. No Python between the steps.** A step makes some ten calls into NumPy, and each costs something before it computes anything. A compiled loop makes none.
#
# With Numba installed the same graph is printed once more, for the compiler. Here is its loop:

# %%
print(
    lstm.source("numba").partition("    for t in range(T):\n")[2].rstrip()
    or "Numba is not installed"
)

# %% [markdown]
# This is no longer meant for people, but you can read the middle: one product, then for each unit the six equations.
#
# The product is the course's own, and it goes *tile by tile*. A tile is a few rows of the result, in as many columns as two of the processor's vectors hold (8 rows of 32 where a vector holds 16 numbers). It stays in registers, the few places where a processor has numbers at hand, while the program goes through the rows of $U$ and adds what each contributes. Only then is it written to memory.
#
# So each tile reads a strip of $U$ from top to bottom. In `U` the rows of a strip lie apart; in `U_tiles` they follow one another. `lay_tiles` arranges them once, before the loop. Libraries do this too, but anew for each product: they cannot know that the same matrix will come again. Here it comes $T$ times. That is rewriting 2 once more: what does not depend on the step moves out of the loop.
#
# ## Is it still the same network?
#
# A faster program that computes something else is no gain. All of them should agree up to rounding: float32 carries seven digits, and sums in another order round differently.


# %%
def derived(backend):
    return lambda x: lc.unroll(lstm, params, x, backend=backend, grad=False)[
        "h"
    ]


programs = {
    "as said": as_it_is_said,
    "merged": merged,
    "ahead": ahead,
    "NumPy": derived("numpy"),
}
if "numba" in lc.backends():
    programs["compiled"] = derived("numba")

exact = lc.unroll(
    lstm,
    {k: v.astype(np.float64) for k, v in params.items()},
    x.astype(np.float64),
)["h"]
for name, program in programs.items():
    np.testing.assert_allclose(program(x), exact, rtol=0, atol=1e-5)
    print(f"{name}: the same")

# %% [markdown]
# ## What each of them gained
#
# Predict: which gains more at 32 units and 16 sequences, the first three rewritings together or the last two?
#
# To time programs on a machine that does other things too, let them take turns, many times, and compare the shortest times: what disturbs a program can only add to its time. A ratio within one run says more than a single time. All programs get one thread: work as small as this is not worth sharing out. The numbers below are from *your* machine, now.
#
# Two bars hold more than one rewriting. "NumPy" is the third, but it also runs through `lc.unroll`, which checks its arguments and keeps the gates of all steps. "compiled" is the last two, and the products tile by tile.


# %%
def shortest(programs, rounds=40):
    spent = {name: [] for name in programs}
    with threadpool_limits(1):
        for _ in range(rounds):
            for name, program in programs.items():
                start = time.perf_counter()
                program(x)
                spent[name].append(1e3 * (time.perf_counter() - start))
    return {name: min(times) for name, times in spent.items()}


def only_products(x):
    """As NumPy does them: a floor for its programs, not the compiled one."""
    x.reshape(-1, D) @ W
    h, a = np.zeros((B, H), "f4"), np.empty((B, 4 * H), "f4")
    for _ in range(T):
        np.dot(h, U, out=a)


spent = shortest(programs | {"NumPy's\nproducts": only_products})
fig = plots.bars(spent, ylabel="shortest time, ms")
plots.show(fig, "14b-1")

# %% [markdown]
# In our runs the first two saved a fifth of the plain program's time, most of it by merging. The third does not show: its bar holds the checks and the stored gates as well. The last two saved far more, about three quarters of what was left. The last bar is low: NumPy's products alone take about a tenth of the plain program's time. At this size an LSTM spends its time on $\sigma$ and $\tanh$, and on calls. So what helped most is what makes these cheaper.
#
# At other sizes the answer is different: the products grow with $H^2$, all else with $H$, and the cost of calls with neither. Measure at the size that you use. (`make bench` does, for every cell and six sizes, beside PyTorch and JAX; see `benchmarks/README.md`.)
#
# ## The way back
#
# Gradients come from the same graph, and are printed in the same two ways: `lstm.source(backward=True)`, `lstm.source("numba", backward=True)`. They gain from the same rewritings, and from one more. The gradient of $U$ is a sum over steps of $h_{t-1}^\top\, \delta a_t$, with the $\delta a_t$ of [notebook 09](09_the_whole_lstm.ipynb). A sum of products of thin matrices is *one* product of long ones, after the loop: `outer`, in the last line shown here.

# %%
print(
    "    for t"
    + lstm.source(backward=True)
    .partition("    for t")[2]
    .partition("    d_U_f")[0]
)

# %% [markdown]
# ## What to remember
#
# - The equations say what; passes decide how. Each pass keeps the numbers and changes the program.
# - Small networks pay for calls, large ones for products. What helps depends on which yours is.
# - Do once, ahead of the loop, what is the same at every step: a product, or laying out a matrix in the order in which it is read.
# - Check first that the results agree. Then compare ratios of times from one run, and say at which size.
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="14b.1"
# How many multiplications does a step of an LSTM take in its matrix products, for one sequence, D inputs and H units? Return two numbers: those that have to stay in the loop, and those that can be moved ahead of it.


# %% tags=["exercise"]
def multiplications(D, H):
    # solution:
    return 4 * H * H, 4 * H * D
    # end


lc.check("14b.1", multiplications)

# %% [markdown] tags=["solution"]
# Each of the four layers multiplies $h$ ($H \cdot H$ weights) and $x$ ($D \cdot H$ weights). The part with $x$ can be moved.

# %% [markdown] tags=["exercise"] exercise="14b.2"
# The program above keeps $f, i, o, g, C, \tanh C$ and $h$ for every step, for the way back. How many MB (millions of bytes) is that in float32, for T steps of B sequences?


# %% tags=["exercise"]
def megabytes(T, B, H):
    # solution:
    return 7 * T * B * H * 4 / 1e6
    # end


lc.check("14b.2", megabytes)

# %% [markdown] tags=["solution"]
# For 2,000 steps of 4 sequences, beside what Python's `tracemalloc` measures in a forward pass: once as it is, and once with `checkpoint_every=50`, which stores the states at every 50th step only and computes the rest again when it is needed.

# %% tags=["solution"]
import tracemalloc

long = np.zeros((2000, 4, D), "f4")
print(f"computed: {megabytes(2000, 4, H):.1f} MB for what is stored")
for every in (None, 50):
    # The program is made at the first call.
    lc.unroll(lstm, params, long[:4], checkpoint_every=every and 2)
    tracemalloc.start()
    run = lc.unroll(lstm, params, long, checkpoint_every=every)
    peak = tracemalloc.get_traced_memory()[1] / 1e6
    tracemalloc.stop()
    print(
        f"checkpoint_every={every}: less than {5 * np.ceil(peak / 5):.0f} MB"
    )

# %% [markdown] tags=["solution"]
# 7 MB are stored. The peak is higher, because $x_t W + b$, with its $4H$ columns, is there for all steps at once too. With checkpoints it is less than 5 MB, of which the output takes 1; the price is a second forward pass. Training needs this for sequences of ten thousand steps, not for those of this course.

# %% [markdown] tags=["exercise"] exercise="14b.3"
# A GRU ([notebook 12](12_gated_recurrent_unit.ipynb)) has three layers. Those of its two gates, $z$ and $r$, multiply $h_{t-1}$. The third, the candidate's, multiplies $r_t \odot h_{t-1}$. How many products with a state are left in its loop, when all have been merged that can be? Commit yourself before you look at `lc.cells.gru.source()`. The answers: `"one, for all three layers"`, `"two, at the same time"`, `"two, one after the other"`, `"three, one after the other"`, `"one, and one ahead of the loop"`, `"none, all ahead of the loop"`.

# %% tags=["exercise"]
# solution: prediction
prediction = "two, one after the other"
# end
lc.check("14b.3", prediction)

# %% tags=["solution"]
for cell in (lc.cells.gru, lc.cells.gru_reset_after):
    loop = cell.source().partition("for t in range(T):")[2]
    print(f"{cell.name:16} {loop.count('dot(')} product(s) in each step")

# %% [markdown] tags=["solution"]
# Where the reset comes after the product, one is enough. cuDNN and PyTorch use that variant.

# %% [markdown] tags=["exercise"] exercise="14b.4"
# Somebody put weights from PyTorch into `merged` from above, and got other numbers. In PyTorch the columns of `U` (H, 4H), `W` (D, 4H) and `b` lie in the order i, f, g, o. The input `x` is (T, B, D), and all states are returned, (T, B, H). Mend it.


# %% tags=["exercise"]
def mended(U, W, b, x):
    H = len(U)
    h, c, out = np.zeros((x.shape[1], H)), np.zeros((x.shape[1], H)), []
    for x_t in x:
        a = h @ U + x_t @ W + b
        # solution:
        i, f, g, o = np.split(a, 4, axis=1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        # given:
        # f, i, o = np.split(sigmoid(a[:, : 3 * H]), 3, axis=1)
        # c = f * c + i * np.tanh(a[:, 3 * H :])
        # h = o * np.tanh(c)
        # end
        out.append(h)
    return np.stack(out)


lc.check("14b.4", mended)

# %% [markdown] tags=["exercise"] exercise="14b.5"
# The gradient of `U` is a sum over steps. You get `before`, every $h_{t-1}$, (T, B, H), and `d_a`, the gradients of what the layers squash, (T, B, 4H). Return the gradient of `U`, (H, 4H), with *one* matrix product. The check counts products.


# %% tags=["exercise"]
def gradient_of_U(before, d_a):
    # solution:
    H = before.shape[-1]
    return before.reshape(-1, H).T @ d_a.reshape(-1, 4 * H)
    # end


lc.check("14b.5", gradient_of_U)

# %% [markdown] tags=["solution"]
# Every step of every sequence is a row. $h^\top \delta a$ of one step sums over its $B$ rows; with all $T B$ rows under one another, one product sums over all.

# %% [markdown] tags=["exercise"] exercise="14b.6"
# To keep: a lean program, written by hand, for the cell of [notebook 11](11_coupled_gates.ipynb), an LSTM without an input gate: $i_t = 1 - f_t$. Its three layers lie side by side in the order f, g, o: `U` (H, 3H), `W` (D, 3H), `b` (3H,). Start from zeros, and return all states, (T, B, H). The check looks at the numbers, then counts matrix products: one ahead of the loop, one in each step.


# %% tags=["exercise"]
def lean(U, W, b, x):
    # solution:
    h = c = np.zeros((x.shape[1], len(U)))
    out = []
    for a_t in x @ W + b:
        f, g, o = np.split(a_t + h @ U, 3, axis=1)
        f = sigmoid(f)
        c = f * c + (1 - f) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        out.append(h)
    return np.stack(out)
    # end


lc.check("14b.6", lean)

# %% tags=["check"]
assert "compiled" not in spent or spent["as said"] > 1.5 * spent["compiled"]

# %% [markdown]
# ## What you can do now
#
# You can read the two programs behind a cell, say what each rewriting gains at which size, and write a lean loop of your own. Back to the course: [what happens when variants are compared by the thousand](15_which_variant_is_best.ipynb).
