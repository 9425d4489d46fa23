# %% [markdown]
# # The gated recurrent unit
#
# Three gates, a belt, and a hidden state beside it: do we need all of that? The GRU manages with two gates and one state. It is the variant that most libraries offer next to the LSTM.
#
# After it you can
#
# - say what the GRU merges, and what it does without,
# - translate between its conventions, which differ from paper to paper and from library to library,
# - say what it saves, and what that was worth in our measurements.
#
# {minutes} It follows the third of the variants in [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import time

import numpy as np

import lstmcourse as lc
from lstmcourse import plots

lstm, gru = lc.cells.lstm, lc.cells.gru
rng = np.random.default_rng(0)
params = gru.init(input_size=3, hidden_size=5, rng=rng, dtype=np.float64)
x, h0 = rng.standard_normal((50, 2, 3)), rng.standard_normal((2, 5))

# %% [markdown]
# ## One gate for two decisions, one state for two purposes
#
# The GRU was proposed by [Cho et al. (2014)](https://arxiv.org/abs/1406.1078) for translating phrases. They wanted a unit that remembers and forgets as an LSTM does, and is "much simpler to compute and implement". What changes, seen from the LSTM:

# %% claims=["C39"]
lc.diff(lstm, gru)

# %% [markdown]
# Read it from the bottom line up.
#
# - There is **no cell state**. $h_t$ is memory and output at once: the unit shows what it remembers. So there is no output gate either.
# - The **update gate** $z_t$ decides twice. $z_t$ is the share of the new value, $1 - z_t$ the share of the old one: what is forgotten makes room for what is written, as with the coupled gates of [notebook 11](11_coupled_gates.ipynb).
# - The **reset gate** $r_t$ is new. It decides how much of the past the *candidate* sees. With $r_t = 0$ the candidate $\tilde h_t$ is made of the input alone, as if the sequence started here.
#
# (The paper prints no biases; like every library we have them. In the programs the candidate is `g`, as in all our cells: what the formulas print as $W_h$, $U_h$, $b_h$ is `W_g`, `U_g`, `b_g` there.)

# %% claims=["C39"]
gru.diagram()

# %% [markdown]
# ### Two extremes
#
# With $z_t = 0$ nothing happens: $h_t = h_{t-1}$, for as long as you like. With $z_t = 1$ and $r_t = 1$ the update is $h_t = \tanh(h_{t-1} U_h + x_t W_h + b_h)$. That is a network we know:

# %% claims=["C39"]
kept = lc.unroll(gru.override(z=0.0), params, x, state={"h": h0})["h"]
plain = {
    name: params[name.replace("_h", "_g")] for name in ("W_h", "U_h", "b_h")
}
apart = (
    lc.unroll(gru.override(z=1.0, r=1.0), params, x)["h"]
    - lc.unroll(lc.cells.rnn, plain, x)["h"]
)
lc.claim(
    "C39",
    "z = 1 and r = 1 give the plain network",
    np.abs(apart).max(),
    below=1e-14,
)

# %% tags=["check"]
assert np.max(np.abs(kept - h0).max()) < 1e-15

# %% [markdown]
# So a GRU can be a plain network, a memory that changes nothing, and everything between, unit by unit and step by step.
#
# ### Feel it
#
# Predict before you move anything:
#
# - The candidate proposes $0.8$. Which bias of $z$ writes nearly all of it? Which writes next to nothing?
# - The reset gate's panel multiplies $h_{t-1}$, not the candidate. At which value of $r_t$ does the candidate not know what came before?

# %%
lc.widgets.gate_panel(gru, "z")

# %%
lc.widgets.gate_panel(gru, "r")

# %% [markdown]
# A bias of 5 opens $z$: nearly all of the 0.8 is written. With $-5$ it is next to nothing, and the old state stays. At $r_t = 0$ nothing of $h_{t-1}$ reaches the candidate.
#
# ## The same unit under other signs
#
# If you compare formulas in papers and libraries, look at two things.
#
# **Which share is $z$?** In the essay (and in [Bahdanau et al.](https://arxiv.org/abs/1409.0473)) $z$ is the share of the new value, in Cho et al. and in PyTorch and Keras the share of the old one:

# %%
lc.diff(gru, lc.cells.gru_cho)

# %% [markdown]
# That is only a name: since $1 - \sigma(a) = \sigma(-a)$, negating the weights of $z$ turns one into the other.
#
# **Where does $r$ multiply?** Before the matrix product, $(r_t \odot h_{t-1})\, U_h$, as in the final version of the paper; or after it, $r_t \odot (h_{t-1} U_h + b_{hg})$, with a second bias beside $b_h$, as in its first version, in PyTorch, in cuDNN, and in Keras unless one asks for the other:

# %%
after = gru.with_options(reset="after")
lc.diff(gru, after)

# %% [markdown]
# That is *not* only a name. In the first, $r$ of unit $j$ decides how much every candidate sees of unit $j$; in the second, how much the candidate of unit $j$ sees of all units. With the second bias at 0, the two agree when $r$ is the same for all units, or when $U_h$ is diagonal. In general they do not:

# %% claims=["C39"]
negated = params | {name: -params[name] for name in ("W_z", "U_z", "b_z")}
apart = (
    lc.unroll(gru, params, x)["h"]
    - lc.unroll(lc.cells.gru_cho, negated, x)["h"]
)
second = params | {"b_hg": np.zeros(5)}
apart = lc.unroll(gru, params, x)["h"] - lc.unroll(after, second, x)["h"]
lc.claim(
    "C39",
    "the two places of r are not, in general",
    np.abs(apart).max(),
    above=1e-3,
)
diagonal = np.diag(np.diag(params["U_g"]))
apart = (
    lc.unroll(gru, params | {"U_g": diagonal}, x)["h"]
    - lc.unroll(after, second | {"U_g": diagonal}, x)["h"]
)

# %% tags=["check"]
assert np.max(np.abs(apart).max()) < 1e-14
assert np.max(np.abs(apart).max()) < 1e-14

# %% [markdown]
# Why prefer "after"? Look at what has to wait. With "before", the product with $U_h$ can start only when $r_t$ is known: two products, one after the other. With "after" all three can be one. Here is that difference in the programs that the course derives from the two definitions:

# %%
for cell in (lstm, gru, after):
    loop = cell.source().partition("for t in range(T):")[2]
    print(
        f"{cell.name:5} reset={cell.options.get('reset', '-'):7}",
        loop.count("dot("),
        "product(s) inside the loop",
    )

# %% [markdown]
# Weights trained in PyTorch can be used here, and the other way round; `to_torch` knows its names, its order of gates and its two biases. `gru_reset_after` has both of PyTorch's conventions: $z$ is the share of the old state, and $r$ multiplies after the product.

# %%
torch_cell = lc.cells.gru_reset_after
torch_params = torch_cell.init(input_size=3, hidden_size=5, rng=0)
{
    name: array.shape
    for name, array in lc.interop.to_torch(torch_cell, torch_params).items()
}

# %% [markdown]
# ## Simpler, and popular
#
# It is popular: it comes with [PyTorch](https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html), [Keras](https://keras.io/api/layers/recurrent_layers/gru/) and cuDNN, unlike any other variant in these notebooks. Simpler in which sense? It has three learned layers instead of four, so at the same number of units it has three quarters of the weights, and of the multiplications in its matrix products:

# %% claims=["C40"]
sizes = dict(input_size=64, hidden_size=128)
share = gru.parameter_count(**sizes) / lstm.parameter_count(**sizes)
lc.claim(
    "C40",
    "a GRU has three quarters of the weights of an LSTM",
    abs(share - 3 / 4),
    below=1e-12,
)


# %% [markdown]
# And the time? That depends on the program, not on the equations alone. Time a training step of each (forward and backward), three times in turn after one to warm up, with the programs of this course:


# %% tags=["nbval-ignore-output"] why="times differ from machine to machine"
def seconds(cell, T=50, B=32, D=64, H=128):
    """A training step: forward and backward."""
    params = cell.init(input_size=D, hidden_size=H, rng=0)
    x = np.ones((T, B, D), np.float32)
    start = time.perf_counter()
    run = lc.unroll(cell, params, x)
    run.backward({"h": run["h"]})
    return time.perf_counter() - start


cells = {"lstm": lstm, "gru": gru, "gru, reset after": after}
times = [
    {name: seconds(cell) for name, cell in cells.items()} for _ in range(4)
][1:]
for name in cells:
    print(
        f"{name:17} {np.median([t[name] / t['lstm'] for t in times]):.2f} of "
        f"the LSTM's time"
    )

# %% [markdown]
# You see your machine's ratios; they need not be 0.75. On ours both GRUs took about 0.8 of the LSTM's time: "after", with one product less in the loop, gained nothing there. "Simpler" is a statement about equations.
#
# ## Does it learn as well?
#
# At the same number of *units* a GRU is the smaller network, so we compare at the same number of **parameters**: at most 4,000 in all. That makes 31 to 34 units for the GRU, where the LSTM has 27 or 30. Tasks, budget, learning rates and seeds are those of [notebook 09](09_the_whole_lstm.ipynb), where plain network and LSTM were compared (its table says what each task asks); we fixed them before running the GRU. Here too the score shown chooses the better rate, which flatters all a little.

# %% tags=["setup"]
nine = lc.experiments.load("plain_against_lstm")
study = lc.experiments.load("gru_at_equal_size")
tasks = ("adding", "copy", "temporal_order", "embedded_reber")


def better(results, rates=(1e-2, 3e-3), **point):
    """The five seeds' accuracy, at the learning rate with the better mean."""
    found = [
        [
            t.values["accuracy"]
            for t in results.trials
            if t.point == {**point, "learning_rate": rate}
        ]
        for rate in rates
    ]
    return np.array(max(found, key=np.mean))


# %%
accuracy = {
    name: {
        task.replace("_", " ").replace("reber", "Reber"): better(
            results, task=task, cell=cell
        )
        for task in tasks
    }
    for name, results, cell in (
        ("plain network", nine, "rnn"),
        ("LSTM", nine, "lstm"),
        ("GRU", study, "gru"),
    )
}

# %%
chance = dict(
    zip(accuracy["GRU"], ([0.078], [0.25], [0.25], [0.5]), strict=True)
)
fig = plots.bars_over_seeds(
    accuracy | {"guessing": chance},
    ylabel="share right",
    ylim=(0, 1),
    legend="above",
)
plots.show(fig, "12-1")

# %% [markdown]
# **What to notice.** Each of the two gated cells wins something. The GRU adds better than the LSTM, in every seed, and it copies four symbols in five over 50 steps (0.77 to 0.85), where plain network and LSTM have at best begun to learn it (0.48 in their best runs, a guess in others). The LSTM is the only one that learns temporal order, where the GRU guesses (0.23 to 0.30, with a chance of 0.25) at both learning rates. That is four seeds of five against none, the least certain of the three differences. All three solve embedded Reber, so no difference can show there.
#
# With so few tasks, and one budget, this says nothing about which cell is *better*. Nor is their start the same: the LSTM's forget gate starts with a bias of 1, which keeps about 0.73 of the cell state per step; the GRU's update gate starts with 0, which keeps one half. We have not tried another start of $z$. So neither was better everywhere, in this setting, and the difference between them was not always small.

# %% claims=["C35", "C40"]
ahead = np.min(accuracy["GRU"]["adding"]) - np.max(accuracy["LSTM"]["adding"])
copies = np.min(accuracy["GRU"]["copy"]) - np.max(accuracy["LSTM"]["copy"])
statement = "temporal order: the GRU guesses where most LSTMs are right"
lc.claim(
    "C40",
    statement,
    np.max(accuracy["GRU"]["temporal order"]),
    below=0.4,
    verdict="qualified",
)
apart = [
    abs(np.median(accuracy["GRU"][t]) - np.median(accuracy["LSTM"][t]))
    for t in accuracy["GRU"]
]
statement = (
    "between LSTM and GRU the differences are not all minor: on three "
    "tasks of four"
)
lc.claim(
    "C35",
    statement,
    int(np.sum(np.array(apart) > 0.1)),
    between=(2, 3),
    verdict="qualified",
)

# %% tags=["check"]
assert np.min(ahead) > 0.0
assert np.min(copies) > 0.1

# %% [markdown]
# Run one of the stored trials again, now:

# %%
again = lc.experiments.rerun(
    "gru_at_equal_size",
    1,
    where={"task": "embedded_reber", "learning_rate": 3e-3},
)
agreement = lc.experiments.agree("gru_at_equal_size", again)
agreement

# %% [markdown] claims=["C35", "C39", "C40"]
# [Chung et al. (2014)](https://arxiv.org/abs/1412.3555) compared the two on music and speech and came to no clear winner; [Jozefowicz et al. (2015)](https://proceedings.mlr.press/v37/jozefowicz15.html) found the GRU ahead on all their tasks but language modelling, until the LSTM's forget gate started with a bias of 1, as ours does: that nearly closed the gap. "No clear winner" is also all that four small tasks can show.
#
# ## What to remember
#
# - $h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t$: one gate forgets and writes, one state remembers and shows.
# - $r_t$ lets the candidate start afresh.
# - Papers differ in which share $z$ is; that is a sign only. Where $r$ multiplies makes another network. Check both before you load weights.
# - It has three quarters of the weights. Whether that makes it faster depends on the program; whether it is better depends on the task.
#
# ## Three questions to check yourself
#
# 1. Can a GRU count, adding 1 to a number in its state at every step, up to 10?
# 2. $z_t$ is 0.01 at every step. After how many steps is half of a stored value gone?
# 3. A plain LSTM can store a number and not show it. Can a GRU?
#
# <details><summary>Answers</summary>
#
# 1. No: $h_t$ is a weighted mean of $h_{t-1}$ and a number within $\pm 1$, so it never leaves $[-1, 1]$. (It can move a small share of the way towards 1 at each step, as in notebook 11, and the read-out can make a count of that.) 2. $0.99^n = 0.5$ at $n = 69$. 3. Not from the read-out: that sees all of $h_t$. It can hide it from its own candidate, by $r_t$, but not from its own gates.
#
# </details>
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="12.1"
# Write the GRU from memory, in the convention of this page: $z_t$ is the share of the new state, and $r_t$ multiplies before the matrix product.


# %% tags=["exercise"]
# solution: my_gru
@lc.cell
def my_gru(x, h):
    """A gated recurrent unit."""
    z = lc.sigmoid(lc.affine("z", h, x))
    r = lc.sigmoid(lc.affine("r", h, x))
    g = lc.tanh(lc.affine("g", r * h, x))
    h = (1 - z) * h + z * g
    return h


# end
lc.check("12.1", my_gru)

# %% [markdown] tags=["exercise"] exercise="12.2"
# One unit is to remember the sign of the *last nonzero* input. Its inputs are two numbers: $s$, which is $-1$, $0$ or $1$, and $|s|$ (a gate of $s$ alone cannot be open for both signs). After a nonzero input the state is that sign, within 0.05, until the next one comes; before the first it is 0. Give a dict of the weights that are not 0.

# %% tags=["exercise"]
# solution: last_sign
last_sign = {"W_z": [0.0, 20.0], "b_z": -10.0}  # open where something comes
last_sign |= {"W_g": [5.0, 0.0]}
# end
lc.check("12.2", last_sign)

# %% [markdown] tags=["solution"]
# $z_t$ is the second input, squashed hard; the candidate is the sign.

# %% [markdown] tags=["exercise"] exercise="12.3"
# All weights of $z$ are 0, and its bias is $b$. A value is stored, and all candidates are 0. After how many steps is half of it gone? Give the number of steps, not rounded, as a function of `b`.


# %% tags=["exercise"]
def half_life(b):
    # solution:
    return np.log(2) / np.log(1 + np.exp(b))
    # end


lc.check("12.3", half_life)

# %% [markdown] tags=["solution"]
# $1 - \sigma(b) = 1 / (1 + e^b)$, so $n \ln(1 + e^b) = \ln 2$. At $b = 0$ that is one step:

# %% tags=["solution"]
print(*(f"b = {b}: {half_life(b):.1f}" for b in (0, -1, -2, -5)), sep=", ")

# %% [markdown] tags=["exercise"] exercise="12.4"
# Change this LSTM into a GRU whose reset gate is always open ($r_t = 1$), line by line: hold the output gate open, couple the other two, and leave out the one thing that still keeps it from being a GRU.


# %% tags=["exercise"]
# solution: turned
@lc.cell
def turned(x, h):
    """What is left of an LSTM."""
    z = lc.sigmoid(lc.affine("z", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    h = (1 - z) * h + z * g
    return h


# given:
# @lc.cell
# def turned(x, h, c):
#     f = lc.sigmoid(lc.affine("f", h, x))
#     i = lc.sigmoid(lc.affine("i", h, x))
#     g = lc.tanh(lc.affine("g", h, x))
#     o = lc.sigmoid(lc.affine("o", h, x))
#     c = f * c + i * g
#     h = o * lc.tanh(c)
#     return h, c
#
#
# end
lc.check("12.4", turned)

# %% [markdown] tags=["solution"]
# With $o_t = 1$ and $f_t = 1 - z_t$, what is left is $h_t = \tanh(C_t)$. Without that tanh the two states are one, and the cell is `gru.override(r=1.0)`.

# %% [markdown] tags=["exercise"] exercise="12.5"
# Where are "before" and "after" different? Find `r`, `h` and `U` for two units, gates within 0 and 1 and the rest within $-1$ and 1, so that $(r \odot h)\, U$ and $r \odot (h\, U)$ differ by 1 for the first unit, and agree for the second. Give a dict.

# %% tags=["exercise"]
# solution: example
example = {"r": [0, 1], "h": [1, 1], "U": [[0, 0], [1, 0]]}
# end
lc.check("12.5", example)

# %% [markdown] tags=["solution"]
# For the first unit, the term $h_1 U_{11}$ has $r_1$ in both. The term $h_2 U_{21}$ has $r_2$ before and $r_1$ after: they differ by $(r_2 - r_1)\, h_2 U_{21}$, at most 1. With weights of a usual size the two cells differ by the order of a tenth, at all steps but the first:

# %% tags=["solution"]
second = params | {"b_hg": np.zeros(5)}
apart = (
    lc.unroll(gru, params, x)["h"]
    - lc.unroll(gru.with_options(reset="after"), second, x)["h"]
)
print(
    "largest difference, steps 1 to 8:",
    *(f"{d:.2f}" for d in np.abs(apart).max(axis=(1, 2))[:8]),
)

# %% [markdown] tags=["exercise"] exercise="12.6"
# To keep: one step of PyTorch's GRU, so that you can run its weights without PyTorch. You get `x` (D,), `h` (H,), `weight_ih` (3 H, D), `weight_hh` (3 H, H), `bias_ih` and `bias_hh` (3 H,). Their rows are three blocks, for $r$, $z$ and the candidate $n$, in this order, and matrices stand on the left: `weight_ih @ x`. Return the new state.


# %% tags=["exercise"]
def torch_step(x, h, weight_ih, weight_hh, bias_ih, bias_hh):
    # solution:
    x_r, x_z, x_n = np.split(weight_ih @ x + bias_ih, 3)
    h_r, h_z, h_n = np.split(weight_hh @ h + bias_hh, 3)
    r, z = (1 / (1 + np.exp(-a)) for a in (x_r + h_r, x_z + h_z))
    n = np.tanh(x_n + r * h_n)
    return (1 - z) * n + z * h
    # end


lc.check("12.6", torch_step)

# %% [markdown]
# ## What you can do now
#
# You can read a GRU in any paper or library. Next: [gates between layers](13_depth_gated.ipynb).
