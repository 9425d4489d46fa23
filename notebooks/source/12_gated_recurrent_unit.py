# %% [markdown]
# # The gated recurrent unit
#
# Three gates, a belt, and a hidden state beside it: do we need all of that? The GRU manages with two gates and one state. It is the variant that most libraries offer next to the LSTM.
#
# After it you can
#
# - say what the GRU merges, and what it does without,
# - translate between its conventions, which differ from paper to paper and from library to library,
# - say what its gates do in a trained network, and what it saves.
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
# <details><summary>Answers</summary>
#
# A bias of 5 opens $z$: nearly all of the 0.8 is written. With $-5$ it is next to nothing, and the old state stays. At $r_t = 0$ nothing of $h_{t-1}$ reaches the candidate.
#
# </details>
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
second = params | {"b_hg": np.zeros(5)}
ours = lc.unroll(gru, params, x)["h"]
apart = ours - lc.unroll(after, second, x)["h"]
statement = "r before the product and r after it give different states"
lc.claim("C39", statement, np.abs(apart).max(), above=1e-3)

# %% tags=["check"]
negated = params | {name: -params[name] for name in ("W_z", "U_z", "b_z")}
theirs = lc.unroll(lc.cells.gru_cho, negated, x)["h"]
assert np.abs(ours - theirs).max() < 1e-14
diagonal = {"U_g": np.diag(np.diag(params["U_g"]))}
both = ((gru, params | diagonal), (after, second | diagonal))
one, two = (lc.unroll(cell, p, x)["h"] for cell, p in both)
assert np.abs(one - two).max() < 1e-14

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
# These are your machine's ratios; they need not be 0.75. On ours both GRUs took about 0.8 of the LSTM's time. "Simpler" is a statement about equations.
#
# ## Does it learn as well?
#
# At the same number of *units* a GRU is the smaller network, so we compare at the same number of **parameters**: at most 4,000 in all. That makes 31 to 34 units for the GRU, where the LSTM has 27 or 30. Tasks, budget and seeds are those of [notebook 09b](09b_what_the_lstm_is_good_for.ipynb). The loss on the rows shown chooses the rate, which flatters both a little. It never chooses the lowest or the highest.

# %% tags=["setup"]
nine = lc.experiments.load("plain_against_lstm")
ours = lc.experiments.load("gru_at_equal_size")
shut = lc.experiments.load("gru_that_starts_shut")


def best(results, task, **which):
    """The five seeds' share right, at the rate with the lowest loss."""
    return results.chosen("accuracy", by="loss", task=task, **which)


tasks = {"adding": "adding", "copy": "copy", "order": "temporal_order"}

# %%
accuracy = {}
for name, task in tasks.items():
    accuracy[f"{name}: LSTM"] = best(nine, task, cell="lstm")
    accuracy[f"{name}: GRU"] = best(ours, task)
fig = plots.dots(accuracy, xlabel="share right")
plots.show(fig, "12-1")

# %% [markdown]
# **What to notice.** (Guessing gives 0.08, 0.25 and 0.25.) The GRU copies four symbols in five over 50 steps, where the LSTM has at best begun to learn it. Both learn to add, the GRU without a weak seed. Both learn the order in all five seeds. (With embedded Reber, the fourth task, both are at the top.)
#
# But look at what the learning rate does. Here is how many of five seeds learn the order, by the rate. Two starts of the GRU are tried: with a bias of 0 its update gate keeps one half of its state per step; with a bias of $-1$ it keeps 0.73, as the LSTM does with a forget bias of 1.

# %%
order = {
    "LSTM": (nine, {"cell": "lstm"}),
    "GRU": (ours, {}),
    "GRU, z starts at 0.27": (shut, {}),
}
for name, (study, which) in order.items():
    which["task"] = "temporal_order"
    rates, right = study.over("learning_rate", "accuracy", **which)
    learnt = (right > 0.9).sum(axis=1)
    pairs = (f"{r:g}: {k}" for r, k in zip(rates, learnt, strict=True))
    print(f"{name:22}", ", ".join(pairs))

# %% [markdown]
# Had we tried 0.003 and 0.01 alone, the story would be another: four LSTMs learn the order, no GRU does, and started at 0.27 it does. *It is the start*, one would say. That is what we said here, until we tried more rates. At 0.03 all five GRUs learn it from the usual start, and at 0.1 three. A start that keeps more widens the range of rates that work; it is not what decides. Before you say that one cell can and another cannot, try rates on both sides of the best.
#
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
# [Chung et al. (2014)](https://arxiv.org/abs/1412.3555) compared the two on music and speech and came to no clear winner. [Jozefowicz et al. (2015)](https://proceedings.mlr.press/v37/jozefowicz15.html) found the GRU ahead on all their tasks but language modelling, until the LSTM's forget gate started with a bias of 1, as ours does: that nearly closed the gap. On our few small tasks the GRU is ahead in one, and otherwise level.
#
# ## A trained GRU at work
#
# Now we open one. It has learnt the small language of [notebook 05](05_forget_gate.ipynb) by the recipe of the LSTM that we opened there: 38 units, and no more parameters than the LSTM's 32 need.

# %% claims=["C40"] seeds="0 to 4: 1.00"
reader, rows = lc.reader.load("gru"), lc.reader.rows(256, seed=1)
said = lc.reader.answers(reader.predict(rows.x), rows)
lc.claim(
    "C40",
    "a GRU with no more parameters reads as well as the LSTM: verb, "
    "number and gender",
    min(said.values()),
    above=0.97,
)

# %% [markdown]
# We watch the unit whose state before the second verb differs most between singular and plural subjects. Predict: where is $z$ high, and what does it do at *kings*, a plural that is not the subject?

# %%
run = reader.unroll(rows.x)
plural = reader.task.annotate(rows.x)["number"][18] == 1  # before the verb
h = run["h"][18]
apart = np.abs(h[plural].mean(axis=0) - h[~plural].mean(axis=0))
unit = int(apart.argmax())
text = (
    "the queen near the old kings is tired and seen by the boy she slept . "
    "the king behind"
)
along = reader.unroll(reader.task.encode(text)[:, None])
shown = {f"${k}_t$": along[k][:, 0, unit] for k in "zrh"}
fig = plots.by_word(text.split(), shown, marks={"subject": [1, 17]})
plots.show(fig, "12-2")

# %% [markdown]
# **What to notice.** At *queen* $z$ is nearly 1: the unit takes the candidate, about $-0.7$. From *near* to *kings* $z$ is below 0.1, and $h$ stays. So *kings* changes next to nothing. At *king* the unit is written again. One gate does what forget and input gate do in the LSTM.
#
# And $r$? It is low as long as the unit holds its value. With $r$ before the product, the reset gate of a unit does *not* wipe that unit. It hides it from the candidates of all units.
#
# ### Does it need its reset gate?
#
# Hold $r = 1$ in all units at all words, and nothing is hidden any more. What does the GRU say now? First one sentence: the probability of *she* after "... seen by the boy":

# %%
opened = reader.with_cell(reader.cell.override(r=1.0))
he, she, _ = reader.task.pronoun_words
for name, model in (("as trained", reader), ("r = 1", opened)):
    p = model.predict(reader.task.encode(text)[:, None])[12, 0]
    print(f"{name:10} she {p[she]:.2f}, he {p[he]:.2f}")

# %% [markdown]
# Holding *any* gate does damage. So we take five GRUs and hold their gates in three ways: $r = 1$; each unit's $r$ at its own mean over all words, which keeps the level and takes the choice away; each unit's $z$ at its mean. Shown is the least of the three shares (verb, number, gender), where guessing has one half:

# %% tags=["setup"]
reading = lc.experiments.load("gru_while_reading")
trained, untrained = (
    [t.values for t in reading.trials if t.point == {"trained": whether}]
    for whether in (True, False)
)
asked = ("verb", "number", "gender")
least = {
    name: np.array([min(v[f"{held}{k}"] for k in asked) for v in trained])
    for name, held in (
        ("as trained", ""),
        ("r at its mean", "mean_r_"),
        ("r = 1", "open_"),
        ("z at its mean", "mean_z_"),
    )
}

# %%
fig = plots.dots(least, xlabel="least share right")
plots.show(fig, "12-3")

# %% tags=["check"]
kinds = [k for k in trained[0] if k.startswith("at_")]
worst = {k: min(v[k] for v in trained) for k in kinds}
assert min(least["as trained"]) > 0.97 and max(least["r = 1"]) < 0.95
assert max(least["z at its mean"]) < 0.6
assert sorted(worst, key=worst.get)[:2] == ["at_the", "at_subject"]
assert sorted(worst.values())[2] > 0.97

# %% [markdown]
# All five need $z$: without its choice they guess. All five use $r$ too, but less. With $r$ at its mean two of the five still answer nearly everything, and the other three get gender wrong more often.
#
# *Where* do they need it? We held $r = 1$ at one kind of word only, eight kinds in turn. At the *the* that opens a sentence two networks of five lose answers (their least shares are 0.70 and 0.86), at the subject one (0.93). At the other six kinds all five keep at least 0.98. So where $r$ matters it is at the start of a sentence, when the old subject is out of date.
#
# ### Cho's account, put to the test
#
# Cho et al. expect a division of labour: units that follow *short-term* dependencies reset often; units that follow *long-term* ones are seldom updated. (In their sign, an update gate that is "active" keeps.) We need a unit's memory span, measured *without* its gates. So we disturb it. After a word, the unit's state is exchanged for its state in another row. How far is it from its old course one word later, two words later, and so on? We add up these shares over the next 12 words. A unit that forgets at once has 0, one that keeps all has 12. Then we rank the 38 units, by this span and by their gates:

# %%
ranks = {
    f"span and {gate}, {when}": np.array([v[key] for v in values])
    for gate, key in (("mean z", "by_update"), ("resets", "by_reset"))
    for when, values in (("trained", trained), ("untrained", untrained))
}
fig = plots.dots(ranks, xlabel="rank correlation over 38 units")
plots.show(fig, "12-4")

# %% tags=["check"]
assert max(v["by_update"] for v in trained) < -0.7
assert max(abs(v["by_reset"]) for v in trained) < 0.32

# %% [markdown]
# "Resets" is the share of words at which $r < 0.5$. Of 38 unrelated pairs of numbers, one rank correlation in twenty lies beyond $\pm 0.32$.
#
# **What to notice.** One half of the account holds, clearly: in all five networks units that remember long are seldom updated ($-0.79$ to $-0.91$), and before training there is little of this. The other half does not show: units that forget soon do not reset more often than others ($-0.24$ to 0.15). That fits the equations. The reset gate of a unit, in this form, decides what *others* see of it, not how long it remembers. (This is one small language, with short spans: 2.4 to 4.9 for the longest of a network.)
#
# ## What to remember
#
# - $h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t$: one gate forgets and writes, one state remembers and shows.
# - $r_t$ lets the candidate start afresh: it hides old states from it.
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
