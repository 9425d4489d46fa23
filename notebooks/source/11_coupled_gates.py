# %% [markdown]
# # Coupled gates
#
# The LSTM decides separately what to forget and what to write. This page makes that one decision: deleting the old makes room for the new. A quarter of the parameters goes, and with it something that the LSTM can do. Does the network miss it?
#
# After it you can
#
# - say what coupling changes, allows and forbids,
# - show that the essay's form and the one in the papers are the same functions,
# - say how far a trained LSTM couples its gates by itself, and how coupled gates did on two tasks.
#
# {minutes} It follows the second of the variants in [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots

lstm, coupled = lc.cells.lstm, lc.cells.coupled

# %% [markdown]
# ## One gate for two decisions
#
# In the LSTM, a forget gate $f_t$ says what share of the old cell state stays, and an input gate $i_t$ what share of the candidate $\tilde C_t$ is written. The essay's variant has no input gate of its own:

# %% claims=["C38"]
lc.diff(lstm, coupled, input_size=3, hidden_size=4)

# %% [markdown]
# **What to notice.** One line changes. The layer for $i$ is gone, with a quarter of the parameters; $i_t$ is what $f_t$ leaves over. "We only forget when we're going to input something in its place. We only input new values to the state when we forget something older", says the essay. It names no paper for this; the GRU of the [next notebook](12_gated_recurrent_unit.ipynb) has the same idea.
#
# ### Feel it
#
# One slider for both gates. Predict, then move:
#
# - Keep all of $C_{t-1}$. How much of the candidate can you write?
# - Try to bring the new cell state above both $C_{t-1}$ and $\tilde C_t$.

# %%
lc.widgets.update_panel(coupled, show=("c",))

# %% [markdown]
# Keep all, and you write nothing. And the new state always lies *between* the old one and the candidate: $C_t = f_t \odot C_{t-1} + (1 - f_t) \odot \tilde C_t$ is a weighted mean of the two.
#
# ## What it forbids
#
# The candidate lies between $-1$ and $1$. A mean of numbers between $-1$ and $1$ lies there too. So a cell state that starts at 0 never leaves these bounds. The LSTM's does. Here are both with large random weights, over 200 steps:

# %% tags=["setup"]
rng = np.random.default_rng(0)
x = rng.standard_normal((200, 8, 3))


def largest(cell, scale=3.0):
    """The largest cell state under random weights."""
    shapes = cell.parameter_shapes(3, 16)
    params = {
        name: scale * np.random.default_rng(1).standard_normal(shape)
        for name, shape in shapes.items()
    }
    return np.abs(lc.unroll(cell, params, x)["c"]).max()


# %% claims=["C38"]
lc.claim(
    "C38",
    "coupled gates: how far the cell state goes beyond 1",
    largest(coupled) - 1,
    below=1e-12,
)

# %% tags=["check"]
assert np.min(largest(lstm) - 1) > 10

# %% [markdown]
# One thing that an LSTM does with ease is to **count**: keep all ($f = 1$) and add 1 ($i = 1$, $\tilde C = 1$) at every mark. With coupled gates, what adds must delete. They can move a share $a$ of the way towards 1 at every mark, which gives $1 - (1 - a)^n$ after $n$ marks. Both set by hand, one unit each, $a = 0.1$, with a mark at every second step:

# %%
marks = np.zeros((40, 1, 1))
marks[1::2] = 1.0
counter = {
    name: np.zeros(shape)
    for name, shape in lstm.parameter_shapes(1, 1).items()
}
counter["b_f"][:], counter["b_i"][:], counter["W_g"][:] = 50.0, 50.0, 50.0
share = {
    name: np.zeros(shape)
    for name, shape in coupled.parameter_shapes(1, 1).items()
}
share["b_f"][:], share["W_f"][:], share["b_g"][:] = (
    50.0,
    np.log(0.9 / 0.1) - 50.0,
    50.0,
)
added, mixed = (
    lc.unroll(cell, params, marks)["c"][:, 0, 0]
    for cell, params in ((lstm, counter), (coupled, share))
)

# %%
fig, (left, right) = plots.figure(8, 3, columns=2)
plots.lines(added, xlabel="step", ylabel="cell state", title="LSTM", ax=left)
plots.lines(mixed, xlabel="step", title="coupled", ylim=(0, 1.05), ax=right)
plots.show(fig, "11-1")

# %% tags=["check"]
n = np.cumsum(marks[:, 0, 0])
assert np.max(np.abs(added - n).max()) < 1e-9
assert np.max(np.abs(mixed - (1 - 0.9**n)).max()) < 1e-9

# %% [markdown]
# So coupled gates *can* tell twenty marks from nineteen, but on a scale on which late marks lie ever closer together. Does that matter? An experiment has to say.
#
# ## The same functions, written another way
#
# Greff and others ([2015](https://arxiv.org/abs/1503.04069)), who compared eight variants of the LSTM, coupled the gates the other way round: they kept the input gate, and $f_t = 1 - i_t$. (They call it CIFG, for coupled input and forget gate. Theirs has peepholes too; we leave them out here.) Is that another cell? Since $1 - \sigma(a) = \sigma(-a)$, it is the same cell with the signs of the gate's weights changed. On the left the essay's form, on the right theirs:

# %%
lc.diff(coupled, coupled.with_options(learned="i"))

# %% claims=["C38"]
params = coupled.init(input_size=3, hidden_size=4, rng=rng, dtype=np.float64)
negated = {
    k.replace("_f", "_i"): -v if k.endswith("_f") else v
    for k, v in params.items()
}
ours, theirs = (
    lc.unroll(coupled, params, x),
    lc.unroll(coupled.with_options(learned="i"), negated, x),
)
difference = np.abs(ours["h"] - theirs["h"]).max()
lc.claim(
    "C38",
    "with negated weights f = 1 - i gives the same numbers as i = 1 - f",
    difference,
    below=1e-12,
)

# %% [markdown]
# For the same reason a coupled cell is an LSTM whose input gate has the negated weights of its forget gate. Whatever coupled gates compute, an LSTM with as many units can compute too.

# %% tags=["check"]
tied = params | {f"{k}_i": -params[f"{k}_f"] for k in "WUb"}
difference = np.abs(lc.unroll(lstm, tied, x)["h"] - ours["h"]).max()
assert np.max(difference) < 1e-12

# %% [markdown]
# (Watch the start. A forget gate that starts open has $b_f = 1$; written with the input gate, that is $b_i = -1$.)
#
# ## Does an LSTM couple its gates by itself?
#
# If it were good to write where something is forgotten, an LSTM might learn to. We look at the trained reader of [notebook 05](05_forget_gate.ipynb). For each unit: the correlation of $i$ with $1 - f$ over all words of 512 rows. Coupled gates have 1; gates that have nothing to do with one another have 0.

# %%
reader, rows = lc.reader.load(), lc.reader.rows(512)
run = reader.unroll(rows.x)
f, i = (run[gate].reshape(-1, 32) for gate in "fi")
each = np.array(
    [np.corrcoef(1 - f[:, unit], i[:, unit])[0, 1] for unit in range(32)]
)
print(
    "correlation of i with 1 - f, all 32 units:",
    *(f"{value:.2f}" for value in np.sort(each)),
)
print(f"largest cell state: {np.abs(run['c']).max():.0f}")

# %% [markdown]
# **What to notice.** No unit comes near 1. In twelve of the 32 the correlation is below $-0.3$: there the two gates tend to open together and to shut together. And the cell states grow to 34, where coupled gates would end at 1. This network uses the freedom that coupling takes away.
#
# Here is the unit for number along a sentence and a half:

# %%
text = (
    "the queen near the old kings is tired and seen by the boy she slept . "
    "the king behind"
)
number, _ = lc.reader.carrier(reader, "number")
along = reader.unroll(reader.task.encode(text)[:, None])
shown = {
    "$1 - f_t$": 1 - along["f"][:, 0, number],
    "$i_t$": along["i"][:, 0, number],
}
plots.show(
    plots.by_word(text.split(), shown, marks={"subject": [1, 17]}), "11-2"
)

# %% [markdown]
# This unit empties itself at the full stop and at the *the* after it, and writes at the subject that follows: at *king*, $i$ is high and $1 - f$ is low. (At *queen* the two overlap. The unit also empties itself at *and* and at the *the* before *boy*, and its input gate opens at *kings*, *boy*, *she* and *slept*. How much is written there depends on the candidate, which is not shown: at *kings* it is 0, and nothing is.) Gates that are coupled do both at the same word: where they delete, they write whatever the candidate says.
#
# One network proves little. Here are five, from five seeds, before and after training:

# %%
study = lc.experiments.load("coupling_by_itself")
lstms, others = (
    {
        key: np.array(
            [t.values[key] for t in study.trials if t.point == {"cell": cell}]
        )
        for key in keys
    }
    for cell, keys in (
        ("lstm", study.trials[0].values),
        ("coupled", ("verb", "number", "gender", "excess")),
    )
)
together = {
    "before training": lstms["untrained_together"],
    "after training": lstms["together"],
}
fig = plots.bars_over_seeds(
    together,
    reference={"coupled gates": 1.0},
    ylabel="correlation of i with 1 - f",
    ylim=(-0.5, 1),
)
plots.show(fig, "11-3")

# %% tags=["check"]

assert -0.4 <= np.min(lstms["together"]) and np.max(lstms["together"]) <= 0.4
assert np.max(lstms["strongly"]) < 0.2

# %% [markdown]
# **What to notice.** A median near 0 says that about as many units tend to open both gates together as to open one when the other shuts. It is near 0 before training and after. (That is the median; single units do move.) In each of the five networks at most three of the 32 units have a correlation above 0.5. Left alone, these LSTMs show no tendency to couple.
#
# Does the network *depend* on gates that differ? We impose the coupling on the trained LSTMs, $i := 1 - f$, by giving the input gate the negated weights of the forget gate; nothing else is changed. Beside them stand five readers whose gates were coupled from the start. They have 38 units instead of 32, which makes about as many parameters and not more. Seeds and recipe are the same, and we fixed them beforehand.

# %%
asked = ("verb", "number", "gender")
right = {
    "LSTM": {key: lstms[key] for key in asked},
    "coupling imposed on it": {key: lstms[f"imposed_{key}"] for key in asked},
    "trained with coupled gates": {key: others[key] for key in asked},
}
fig = plots.bars_over_seeds(
    right,
    reference={"chance": 0.5},
    ylabel="share right",
    ylim=(0, 1),
    legend="above",
)
plots.show(fig, "11-4")

# %% claims=["C38"]
imposed = np.min([lstms[f"imposed_{key}"] for key in asked], axis=0)
lc.claim(
    "C38",
    "a trained LSTM whose gates are coupled afterwards fails at something",
    imposed,
    below=0.85,
)
alone = np.min([lstms[key] for key in asked], axis=0)
learnt = int(np.sum(np.min([others[key] for key in asked], axis=0) > 0.95))

# %% tags=["check"]
assert np.min(alone) > 0.95
assert 4 <= np.min(learnt) and np.max(learnt) <= 5

# %% [markdown]
# So an LSTM uses two separate gates if it has them. But it does not *need* them for this language: four of the five networks that never had more than one learnt all of it. In the fifth, gender stayed a guess. (All five LSTMs learnt it. Four and five of five are too few to tell apart, as notebook 10 has shown.)
#
# ## Two tasks, at equal numbers of parameters
#
# The reader does not need to count. So, two tasks of 40 steps each:
#
# | task | what has to be done | guessing |
# |---|---|---|
# | counting | at each step there is a mark or none, with even odds: how many were there? right if the answer, rounded to a whole number, is | 0.13 |
# | adding | two marked numbers, to be added; right if off by less than 0.04 | 0.08 |
#
# In the first, the network must add to what it has stored without deleting it: coupled gates should do worse. In the second, it must keep two numbers. At most 1,000 parameters, which makes 14 units for the LSTM, and 17 and 16 for coupled gates. 800 updates, two learning rates of which the better counts, five seeds; fixed before the runs. (The rate is chosen by the score shown, which flatters both a little.) What do you expect?

# %%
tasks = lc.experiments.load("coupled_gates")
names = {"counting": {}, "adding": {"variant": "modern"}}


def better(task, cell, value):
    """The five seeds at the learning rate with the better mean accuracy."""
    runs = [
        [
            t.values
            for t in tasks.trials
            if t.point == {"task": task, "cell": cell, "learning_rate": rate}
        ]
        for rate in (1e-2, 3e-2)
    ]
    best = max(runs, key=lambda run: np.mean([v["accuracy"] for v in run]))
    return np.array([v[value] for v in best])


# %%
shares = {
    name: {task: better(task, cell, "accuracy") for task in names}
    for name, cell in (("LSTM", "lstm"), ("coupled gates", "coupled"))
}
guess = {
    "guessing": {
        task: [lc.tasks.get(task, steps=40, **options).chance_accuracy]
        for task, options in names.items()
    }
}

# %%
fig = plots.bars_over_seeds(
    shares | guess, ylabel="share right", ylim=(0, 1), legend="above"
)
plots.show(fig, "11-5")

# %% claims=["C35", "C38"]
counting = np.median(shares["coupled gates"]["counting"]) - np.median(
    shares["LSTM"]["counting"]
)
ahead = (
    shares["coupled gates"]["adding"].min() - shares["LSTM"]["adding"].max()
)
lc.claim(
    "C35",
    "adding: the worst run with coupled gates is ahead of the best LSTM",
    ahead,
    above=0.1,
    verdict="qualified",
)

# %% tags=["check"]
assert -0.05 <= np.min(counting) and np.max(counting) <= 0.05
assert np.min(shares["coupled gates"]["counting"]) > 0.9

# %% [markdown]
# Surprising? Coupled gates *count* as well as the LSTM. A state without bounds, which they lack, is not needed to tell some ten to thirty marks apart. (The LSTM does not profit from it either: it shows $o \odot \tanh(C)$, which hardly changes beyond $C \approx 3$.) And at *adding* they are ahead after 800 updates, in every run. That is a matter of training and of size (16 units against 14), for an LSTM with as many units can compute all that they can. The two also start differently: a coupled input gate starts at 0.27, the LSTM's at 0.5. We have not tested which of these is the reason.
#
# How do the two store the counts? And do they still count right on sequences of 48 steps instead of 40?

# %% claims=["C38"]
for name, cell in (("LSTM", "lstm"), ("coupled gates", "coupled")):
    print(
        f"{name:14} largest cell state:",
        *(f"{v:.1f}" for v in better("counting", cell, "state")),
    )
longer = np.concatenate(
    [better("counting", cell, "longer") for cell in ("lstm", "coupled")]
)
lc.claim(
    "C38",
    "neither cell counts on sequences longer than those it was trained on",
    longer,
    below=0.1,
)

# %% tags=["check"]
assert np.max(better("counting", "coupled", "state")) < 1

# %% [markdown]
# The LSTMs do let their states grow, to 6 and beyond, and gain nothing by it here. And neither has learnt to count as we do: with eight steps more than in training they are nearly always wrong, though most of these numbers of marks (24 or so) occurred in training too. Their answers must depend on the sequence being 40 steps long, so this test on one length says little about counting in general. (Weiss, Goldberg and Yahav, [2018](https://arxiv.org/abs/1805.04908), show that LSTMs can learn to count, and GRUs, whose states are bounded as here, hardly.)

# %% [markdown] claims=["C35"]
# These are two tasks, at one size and one length of training. Greff and others ([2015](https://arxiv.org/abs/1503.04069)) compared coupled gates with the LSTM on speech, handwriting and music, with thousands of runs, and found no significant difference on any of the three.
#
# One of the stored runs, again:

# %%
again = lc.experiments.rerun(
    "coupled_gates", 1, where={"task": "counting", "cell": "coupled"}
)
agreement = lc.experiments.agree("coupled_gates", again)
agreement

# %% [markdown]
# ## What to remember
#
# - Coupled gates: $i_t = 1 - f_t$, one decision instead of two, three quarters of the parameters.
# - The new state is a weighted mean of the old one and the candidate. So a cell state that starts at 0 stays within $[-1, 1]$: nothing can be added up without end.
# - $f = 1 - i$ is the same cell, with the signs of the gate's weights changed.
# - A trained LSTM does not couple its gates by itself. Networks trained with coupled gates did about as well here, and better at adding two numbers.
#
# ## Three questions to check yourself
#
# 1. A coupled unit holds 0.6 and must hold exactly 0.6 at the next step too. What must the gate be, if the candidate is 1? And if the candidate is 0.6?
# 2. Where does the LSTM put the parameters that coupling saves?
# 3. A cell state starts at $C_0 = 5$. Can it be above 1 after 100 steps with coupled gates?
#
# <details><summary>Answers</summary>
#
# 1. $f = 1$; if the candidate is 0.6, any. 2. Into the layer of the input gate, $W_i$, $U_i$ and $b_i$: a quarter of all. 3. Yes, as long as the gate stays open; but it can never rise.
#
# </details>
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="11.1"
# Write the essay's coupled cell from memory.


# %% tags=["exercise"]
# solution: my_coupled
@lc.cell
def my_coupled(x, h, c):
    """An LSTM with one gate for keeping and writing."""
    f = lc.sigmoid(lc.affine("f", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    o = lc.sigmoid(lc.affine("o", h, x))
    c = f * c + (1 - f) * g
    h = o * lc.tanh(c)
    return h, c


# end
lc.check("11.1", my_coupled)

# %% [markdown] tags=["exercise"] exercise="11.2"
# A coupled unit starts at $C_0 > 1$, and its gates are $f_1, \ldots, f_T$. Whatever its candidates are, its state cannot be larger than some number after these steps. Give the smallest such bound, as a function of `c0` and the array `f`, (T,).


# %% tags=["exercise"]
def at_most(c0, f):
    # solution:
    return 1 + (c0 - 1) * np.prod(f)
    # end


lc.check("11.2", at_most)

# %% [markdown] tags=["solution"]
# With a candidate of 1 the distance to 1 becomes $C_t - 1 = f_t (C_{t-1} - 1)$. From $C_0 = 5$, with gates of 0.9:

# %% tags=["solution"]
print(
    *(f"{at_most(5.0, np.full(steps, 0.9)):.2f}" for steps in (0, 1, 10, 50))
)

# %% [markdown] tags=["exercise"] exercise="11.3"
# The input is two numbers, a value $v$ and a mark $m$. Set the weights of one coupled unit by hand so that its cell state becomes $\tanh(v)$ where $m = 1$, and stays as it is where $m = 0$. Give a dict of the weights that are not 0: `W_f` and `W_g` have two numbers each, first for $v$, then for $m$.

# %% tags=["exercise"]
# solution: hold
hold = {"b_f": 20.0, "W_f": [0.0, -40.0], "W_g": [1.0, 0.0]}
# end
lc.check("11.3", hold)

# %% [markdown] tags=["exercise"] exercise="11.4"
# Here is an LSTM with peepholes. Greff and others learn the input gate, and the forget gate follows from it; so two peepholes are left. Change the LSTM into their cell, line by line. As many lines as possible stay as they are.


# %% tags=["exercise"]
@lc.cell
def papers(x, h, c):
    # solution:
    i = lc.sigmoid(lc.affine("i", h, x) + lc.peephole("i", c))
    f = 1 - i
    g = lc.tanh(lc.affine("g", h, x))
    c = f * c + i * g
    o = lc.sigmoid(lc.affine("o", h, x) + lc.peephole("o", c))
    h = o * lc.tanh(c)
    return h, c
    # given:
    # f = lc.sigmoid(lc.affine("f", h, x) + lc.peephole("f", c))
    # i = lc.sigmoid(lc.affine("i", h, x) + lc.peephole("i", c))
    # g = lc.tanh(lc.affine("g", h, x))
    # c = f * c + i * g
    # o = lc.sigmoid(lc.affine("o", h, x) + lc.peephole("o", c))
    # h = o * lc.tanh(c)
    # return h, c
    # end


lc.check("11.4", papers)

# %% tags=["solution"]
reader, rows = lc.reader.load(), lc.reader.rows(256)

# %% [markdown] tags=["exercise"] exercise="11.5"
# Does *one* unit of a trained LSTM need two gates? First a tool: a function that takes the parameters of a model and the number of a unit, and returns parameters in which that unit's input gate is 1 minus its forget gate. Nothing else changes. A model's parameters are called `cell.W_f` and so on.


# %% tags=["exercise"]
def couple(params, unit):
    # solution:
    changed = {name: p.copy() for name, p in params.items()}
    for k in "WUb":
        changed[f"cell.{k}_i"][..., unit] = -params[f"cell.{k}_f"][..., unit]
    return changed
    # end


lc.check("11.5", couple)

# %% [markdown] tags=["exercise"]
# Now ask the trained reader: in how many of its 32 units does the coupling break an answer? Call an answer broken if it is right in less than 0.9. (`reader.with_params(changed)` makes the changed reader, and `lc.reader.answers` says what it gets right.) The tool is yours to keep.

# %% tags=["exercise"]
# solution:
broken = []
for unit in range(32):
    changed = reader.with_params(couple(reader.params, unit))
    said = lc.reader.answers(changed.predict(rows.x), rows)
    if min(said.values()) < 0.9:
        broken.append(unit)
print("an answer breaks with unit", *broken)
# end

# %% [markdown] tags=["solution"]
# Only in a few, the unit that carries gender among them. One at a time, most units manage with one gate. All of them at once do not: they were not trained that way.

# %% [markdown]
# ## What you can do now
#
# You can say what a coupled cell can and cannot do, turn one form into the other, and check whether a trained network has coupled its gates. Next: [a cell that goes further](12_gated_recurrent_unit.ipynb) and gives up the separate cell state too.
