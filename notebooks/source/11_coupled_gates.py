# %% [markdown]
# # Coupled gates
#
# The LSTM decides separately what to forget and what to write. Here it becomes one decision: deleting the old makes room for the new. A quarter of the parameters goes, and with it something that the LSTM can do. Does the network miss it?
#
# After it you can
#
# - say what coupling changes, allows and forbids,
# - show that the essay's form and the one in the papers are the same functions,
# - say whether a trained LSTM couples its gates by itself, and how coupled gates did on two tasks.
#
# {minutes} It follows the second of the variants in [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots
from lstmcourse.experiments.significance import exact_interval, mcnemar
from lstmcourse.experiments.studies import coupling

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
# <details><summary>Answers</summary>
#
# Keep all, and you write nothing. And you cannot bring the new state above both: it lies between the two.
#
# </details>
#
# $C_t = f_t \odot C_{t-1} + (1 - f_t) \odot \tilde C_t$ is a weighted mean of the old state and the candidate.
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
beyond = largest(coupled) - 1
lc.claim("C38", "coupled gates: how far C goes beyond 1", beyond, below=1e-12)

# %% tags=["check"]
assert largest(lstm) > 10

# %% [markdown]
# One thing that an LSTM does with ease is to **count**: keep all ($f = 1$) and add 1 ($i = 1$, $\tilde C = 1$) at every mark. With coupled gates, what adds must delete. They can move a share $a$ of the way towards 1 at every mark, which gives $1 - (1 - a)^n$ after $n$ marks. Both set by hand, one unit each, $a = 0.1$, with a mark at every second step:

# %%
marks = np.zeros((40, 1, 1))
marks[1::2] = 1.0


def counted(cell, **weights):
    """The cell state of one unit; weights that are not named are 0."""
    shapes = cell.parameter_shapes(1, 1)
    params = {k: np.zeros(v) + weights.get(k, 0) for k, v in shapes.items()}
    return lc.unroll(cell, params, marks)["c"][:, 0, 0]


added = counted(lstm, b_f=50, b_i=50, W_g=50)
mixed = counted(coupled, b_f=50, W_f=np.log(9) - 50, b_g=50)

# %%
fig, (left, right) = plots.figure(8, 3, columns=2)
plots.lines(added, xlabel="step", ylabel="cell state", title="LSTM", ax=left)
plots.lines(mixed, xlabel="step", title="coupled", ylim=(0, 1.05), ax=right)
plots.show(fig, "11-1")

# %% tags=["check"]
n = np.cumsum(marks[:, 0, 0])
assert np.abs(added - n).max() < 1e-9
assert np.abs(mixed - (1 - 0.9**n)).max() < 1e-9

# %% [markdown]
# So coupled gates *can* tell twenty marks from nineteen, but on a scale on which late marks lie ever closer together.
#
# But what does the LSTM *show* of its count? $h_t = o_t \odot \tanh(C_t)$, and $\tanh$ squashes too: $\tanh(2) = 0.96$, $\tanh(3) = 0.995$. Seen from outside, an LSTM that counts in whole steps stops at 3. It has to count in small steps as well, or to compare its count with 0, where $\tanh$ is steep. So which of the two counts better? An experiment has to say.
#
# ## The same functions, written another way
#
# In the literature this cell is called **CIFG**, *coupled input and forget gate*. The name is from Greff and others ([2015](https://arxiv.org/abs/1503.04069)), who compared eight variants of the LSTM. They couple the other way round: they keep the input gate, and $f_t = 1 - i_t$. (Theirs has peepholes too; we leave them out here.) Is that another cell? Since $1 - \sigma(a) = \sigma(-a)$, it is the same cell with the signs of the gate's weights changed. On the left the essay's form, on the right theirs:

# %%
lc.diff(coupled, coupled.with_options(learned="i"))

# %% claims=["C38"]
params = coupled.init(input_size=3, hidden_size=4, rng=rng, dtype=np.float64)
negated = {f"{k}_i": -params[f"{k}_f"] for k in "WUb"}
negated |= {name: p for name, p in params.items() if name[-1] != "f"}
ours = lc.unroll(coupled, params, x)
theirs = lc.unroll(coupled.with_options(learned="i"), negated, x)
difference = np.abs(ours["h"] - theirs["h"]).max()
statement = "with negated weights, f = 1 - i computes what i = 1 - f does"
lc.claim("C38", statement, difference, below=1e-12)

# %% [markdown]
# For the same reason a coupled cell is an LSTM whose input gate has the negated weights of its forget gate. Whatever coupled gates compute, an LSTM with as many units can compute too.

# %% tags=["check"]
tied = params | {f"{k}_i": -params[f"{k}_f"] for k in "WUb"}
assert np.abs(lc.unroll(lstm, tied, x)["h"] - ours["h"]).max() < 1e-12

# %% [markdown]
# (One trap: a forget gate that starts open has $b_f = 1$; written with the input gate, that is $b_i = -1$.)
#
# ## Does an LSTM couple its gates by itself?
#
# If it were good to write where something is forgotten, an LSTM might learn to. We look at the trained reader of [notebook 05](05_forget_gate.ipynb), unit by unit: the correlation of $i$ with $1 - f$ over all words of 512 rows. Coupled gates have 1; gates that have nothing to do with one another have 0.
#
# Large correlations can come about by the text alone: at a full stop, say, many gates move at once. So there is a base rate: $i$ of one unit with $1 - f$ of *another*. And there is the same network before its training. What do you expect?

# %%
reader, rows = lc.reader.load(), lc.reader.rows(512)


def together(model, shift=0):
    """Correlation of i with 1 - f of the unit that stands so far off."""
    run = model.unroll(rows.x)
    f, i = (run[gate].reshape(-1, 32).T for gate in "fi")
    f = np.roll(f, shift, axis=0)
    return np.array([np.corrcoef(1 - f[u], i[u])[0, 1] for u in range(32)])


# %%
found = {
    "before training": together(lc.reader.train(0, steps=(0, 0))),
    "after training": together(reader),
    "i and f of two units": together(reader, shift=1),
}
fig = plots.dots(found, xlabel="correlation of i with 1 - f", of="units")
plots.show(fig, "11-3")

# %% tags=["check"]
spread = {name: values.std() for name, values in found.items()}
assert spread["after training"] > 1.5 * spread["before training"]
assert found["after training"].max() < 0.7
assert np.sum(found["after training"] < -0.3) >= 10

# %% [markdown]
# **What to notice.** The median hardly moves, and that hides what happens: training pulls the units far apart. After it, 12 of 32 have a correlation below $-0.3$. In these, the two gates open together and shut together: the *opposite* of coupling. Only two lie above 0.3, and none comes near 1. Gates of two different units are correlated in either direction about equally often (over all shifts, 17 % lie below $-0.3$ and 15 % above 0.3). So this network tends to open both gates of a unit at once.
#
# Here is its unit for number along a sentence and a half:

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
fig = plots.by_word(text.split(), shown, marks={"subject": [1, 17]})
plots.show(fig, "11-2")

# %% [markdown]
# This unit empties itself at the full stop and at the *the* after it, and writes at the subject that follows: at *king*, $i$ is high and $1 - f$ is low. (At *queen* the two overlap. The unit also empties itself at *and* and at the *the* before *boy*, and its input gate opens at *kings*, *boy*, *she* and *slept*. How much is written there depends on the candidate, which is not shown: at *kings* it is 0, and nothing is.) Coupled gates do both at the same word: where they delete, they write whatever the candidate says.
#
# ### Does the network need gates that differ?
#
# We can impose the coupling on the trained reader, $i := 1 - f$: the input gate gets the negated weights of the forget gate, and nothing else changes. If the network then fails, is that due to the coupling? Any damage to the input gate might do as much. So we damage it in three more ways: $i := f$; $1 - f$ of another unit; and $i$ held at its own mean.


# %%
def imposed(source, sign=1, shift=0):
    """The reader, with the input gate of another gate's weights."""
    params = dict(reader.params)
    for k in "WUb":
        weights = np.roll(params[f"cell.{k}_{source}"], shift, axis=-1)
        params[f"cell.{k}_i"] = sign * weights
    return reader.with_params(params)


mean = reader.unroll(rows.x)["i"].mean(axis=(0, 1))
flat = {f"cell.{k}_i": 0 * reader.params[f"cell.{k}_i"] for k in "WU"}
flat["cell.b_i"] = np.log(mean / (1 - mean))

# %%
networks = {
    "as trained": reader,
    "i := 1 - f": imposed("f", -1),
    "i := f": imposed("f"),
    "i := 1 - f of another unit": imposed("f", -1, shift=1),
    "i := its mean": reader.with_params(reader.params | flat),
}
for name, network in networks.items():
    said = lc.reader.answers(network.predict(rows.x), rows)
    print(f"{name:27}", *(f"{k} {share:.2f}  " for k, share in said.items()))
he, she, _ = reader.task.pronoun_words
words = reader.task.encode(text)[:, None]
for name in ("as trained", "i := 1 - f"):
    p = networks[name].predict(words)[12, 0]
    print(f"{name}, after 'by the boy': she {p[she]:.2f}, he {p[he]:.2f}")

# %% [markdown]
# **What to notice.** With the coupling imposed, gender is a guess, and more than one verb in four is wrong. After *the queen ... seen by the boy* the network was sure of *she* (0.98); now *she* has 0.05, and *he*, with 0.11, is ahead. But each of the other three breaks all three answers. So the failure says nothing about coupling: this network needs *its* input gate, and no other will do. (In four more readers, from other seeds, the imposed coupling also broke at least one of the three.)
#
# Whether a network needs two gates can only be seen by training one without. Five LSTMs and five coupled networks with no more parameters (32 and 38 units), by the same recipe from seeds 0 to 4:

# %%
study = lc.experiments.load("coupling_by_itself")
for cell in ("lstm", "coupled"):
    runs = [t.values for t in study.trials if t.point == {"cell": cell}]
    for asked in ("verb", "number", "gender"):
        shares = np.array([run[asked] for run in runs])
        learnt = int(np.sum(shares > 0.95))
        low, high = exact_interval(learnt, 5)
        each = " ".join(f"{share:.2f}" for share in shares)
        print(f"{cell:8} {asked:7} {each}  {learnt} of 5", end=" ")
        print(f"({low:.2f} to {high:.2f})")

# %% [markdown]
# Four of the five networks that never had an input gate of their own learnt all of the language; in the fifth, gender stayed a guess. In brackets after the counts stand exact 95 % intervals, and they overlap almost entirely: five of five and four of five cannot be told apart. So the second gate is not *needed* here.
#
# ## Two tasks, with starts that match
#
# | task | what has to be done | right if |
# |---|---|---|
# | counting | at each of 10 to 40 steps there is a mark or none, with even odds: how many were there? | the answer rounds to the right number |
# | adding | of 40 numbers two are marked: what is their sum? | it is off by less than 0.04 |
#
# Counting is trained on *all* lengths from 10 to 40, for a network that always reads 40 steps need not count: it may rely on the number of steps. Then it is tested beyond 40 as well.
#
# At most 1,000 parameters make 14 units for the LSTM, and 17 or 16 for coupled gates. One more thing differs if one just swaps the cells: an LSTM's input gate starts at 0.5, the coupled one at $1 - \sigma(1) = 0.27$. So there is a third network, an LSTM with $b_i = -1$, whose gates start as the coupled ones do. There are 800 updates; the learning rate is for each network and task the one of three that did best on validation rows with two other seeds; eight seeds each, which give all three networks the same rows. All this was fixed before the runs. What do you expect?

# %%
pairs = lc.experiments.load("coupled_in_pairs")
networks = {
    "LSTM": {"cell": "lstm", "b_i": 0.0},
    "LSTM, i from 0.27": {"cell": "lstm", "b_i": -1.0},
    "coupled gates": {"cell": "coupled", "b_i": -1.0},
}


def of(task, network, value="accuracy"):
    """What the eight seeds give."""
    at = {"task": task} | networks[network]
    return np.array([t.values[value] for t in pairs.trials if t.point == at])


# %%
for number, task in (("11-4", "counting"), ("11-5", "adding")):
    shares = {name: of(task, name) for name in networks}
    fig = plots.dots(shares, xlabel=f"{task}: share right")
    plots.show(fig, number)

# %%
for task in ("counting", "adding"):
    ours = of(task, "coupled gates")
    for name in ("LSTM", "LSTM, i from 0.27"):
        theirs = of(task, name)
        more, fewer = int(np.sum(ours > theirs)), int(np.sum(theirs > ours))
        print(
            f"{task:8}  coupled gates ahead of {name:17} in {more} of 8 "
            f"pairs, p = {mcnemar(more, fewer):.3f}"
        )

# %% [markdown]
# Surprising? Coupled gates *count* better, in all eight pairs, against either LSTM. And they *add* better, in all eight pairs too. Where the input gate starts explains a part of it at most: from 0.27 the LSTM adds better than from 0.5 in six pairs of eight, and counts no better (four of eight). What is left is the coupling itself, and the two or three extra units that it pays for; these runs do not separate the two. An LSTM with as many units *can* compute all that coupled gates can. So this is about what training finds in 800 updates.
#
# And beyond the lengths of training? Medians over the eight seeds:

# %%
tried = (10, 20, 30, 40, 45, 50, 60, 80)
print(f"{'steps':18}", *(f"{n:5}" for n in tried))
for name in networks:
    shares = [np.median(of("counting", name, f"at_{n}")) for n in tried]
    print(f"{name:18}", *(f"{share:5.2f}" for share in shares))

# %% [markdown]
# Beyond 40 steps all three become wrong, and at 60 nearly every answer is. None has learnt to count as we do, without an end.
#
# ### How do they store the count?
#
# We train two of the networks again, here. Each reads 80 steps with a mark at every second one. On the left, what it answers at each step, and the true count. On the right, the cell state of the one unit that moves the answer most, and its $\tanh$: what the output gate has to show.

# %%
trained = {
    name: coupling.trained("counting", **networks[name], rate=rate, seed=0)
    for name, rate in (("LSTM", 0.01), ("coupled gates", 0.03))
}
marks = np.zeros((80, 1, 1), np.float32)
marks[1::2] = 1.0


def carries(network):
    """The unit whose h moves the answer most, as the count grows."""
    h = network.unroll(marks)["h"][:, 0]
    moves = np.ptp(h, axis=0) * np.abs(network.params["readout.V"][:, 0])
    return int(np.argmax(moves))


# %%
fig, axes = plots.figure(8, 5.6, rows=2, columns=2)
for (name, network), (left, right) in zip(trained.items(), axes, strict=True):
    said = 40 * network.predict(marks)[:, 0, 0]
    c = network.unroll(marks)["c"][:, 0, carries(network)]
    counts = {"answer": said, "marks so far": marks.cumsum()}
    plots.lines(counts, ylabel="count", title=name, ax=left)
    state = {"$C_t$": c, "$\\tanh(C_t)$": np.tanh(c)}
    plots.lines(state, title="its unit that moves most", ax=right)
for ax in axes[-1]:
    ax.set_xlabel("step")
plots.show(fig, "11-6")

# %% tags=["check"]
assert np.abs(trained["coupled gates"].unroll(marks)["c"]).max() <= 1

# %% [markdown] claims=["C35"]
# **What to notice.** Neither uses the cell state as a counter that goes on and on. The coupled one cannot. The LSTM could, but what it shows is $\tanh(C)$, and that hardly changes beyond 2: over the eight seeds its states reach 2.1 to 3.3 on rows of 40 steps, and no more (with the other start, 1.9 to 4.4). So both spread the count over a bounded range, and both answers stay behind where the count leaves the range of training.
#
# Weiss, Goldberg and Yahav ([2018](https://arxiv.org/abs/1805.04908)) show that LSTMs learn to count without bound where it pays: to accept $a^n b^n$ a network has to count up, count down, and see whether it is back at 0. There $\tanh(C)$ is steep where it matters, and what lies far from 0 need not be told apart. GRUs, whose states are bounded as here, hardly learn it. Our task asks for the number itself, and that is another thing.
#
# These are two tasks, at one size and one length of training. Greff and others ([2015](https://arxiv.org/abs/1503.04069)) compared coupled gates with the LSTM on speech, handwriting and music, with thousands of runs, and found no significant difference on any of the three.
#
# One of the stored runs, again:

# %%
again = lc.experiments.rerun("coupled_in_pairs", 1, where={"task": "counting"})
agreement = lc.experiments.agree("coupled_in_pairs", again)
agreement

# %% [markdown]
# ## What to remember
#
# - Coupled gates: $i_t = 1 - f_t$, one decision instead of two, three quarters of the parameters.
# - The new state is a weighted mean of the old one and the candidate. So a cell state that starts at 0 stays within $[-1, 1]$: nothing can be added up without end.
# - $f = 1 - i$ is the same cell, with the signs of the gate's weights changed.
# - A trained LSTM did not couple its gates by itself: in many units both gates open together. Impose the coupling afterwards, and it fails; but so it does with any other input gate.
# - Trained with coupled gates, networks counted and added *better* than LSTMs of the same number of parameters, also with starts that match. A state without bounds is no help where only its $\tanh$ is shown.
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
