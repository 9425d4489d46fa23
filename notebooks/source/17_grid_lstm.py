# %% [markdown]
# # Grid LSTM: from a line to a lattice
#
# An LSTM has a belt along time. [Notebook 13](13_depth_gated.ipynb) laid a second one, from layer to layer. The Grid LSTM puts an LSTM along *every* direction of a network: time, depth, the rows and the columns of a picture.
#
# After it you can
#
# - say what a block of a Grid LSTM takes, computes and hands on,
# - compare networks of equal size fairly, and say what an LSTM along depth gained in our measurements,
# - run a lattice over a picture, and draw a picture for it yourself.
#
# {minutes} The last section of [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/) calls Grid LSTMs extremely promising.

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots
from lstmcourse.cells import grids
from lstmcourse.experiments.studies import lattices
from lstmcourse.views import diagram
from lstmcourse.views.figures import hues_of, look_of

grid = lc.cells.grid
rng = np.random.default_rng(0)

# %% [markdown]
# ## Three ways to join blocks
#
# Here is an LSTM, laid out in time. Two lines run from block to block: $h$, what is shown, and $m$, the memory. (The essay calls the memory $C$; here it is $m$, as in the paper.)

# %%
diagram.lattice(4, 1, memory=["time"], title="An LSTM, laid out in time")

# %% [markdown]
# And here are two LSTMs, one on top of the other. Time runs to the right, depth upwards. **Predict:** what runs along time that does not run along depth?

# %%
diagram.lattice(3, 2, memory=["time"], title="A stack of two LSTMs")

# %% [markdown]
# Only $h$ runs upwards. A tall stack is a deep network like any other: what a low layer tells a high one passes through every layer in between, and so does the gradient on its way back. The Grid LSTM treats both directions alike:

# %%
diagram.lattice(3, 2, title="A Grid LSTM in two dimensions")

# %% [markdown] claims=["C49"]
# [Kalchbrenner, Danihelka & Graves (2015)](https://arxiv.org/abs/1507.01526) proposed it in July 2015, a few weeks before the essay. They report that it learns the parity of 250 bits, adds numbers of 15 digits, models text, classifies images and translates. Here we try parity, addition and pictures, at a size that two cores train in seconds.
#
# ## One block
#
# Follow $m$ and $h$ of one direction through the block. Which parts of the block does $h_\text{depth}$ reach?

# %%
diagram.block()

# %% [markdown]
# Both LSTMs. The two $h$ are laid side by side, $H = [h_\text{time}, h_\text{depth}]$, and each direction has an LSTM of its own that reads all of $H$:
#
# $$i = \sigma(H W_i + b_i) \quad f = \sigma(H W_f + b_f) \quad o = \sigma(H W_o + b_o) \quad g = \tanh(H W_g + b_g)$$
# $$m' = f \odot m + i \odot g \qquad h' = \tanh(o \odot m')$$
#
# A memory $m$ never leaves its direction. (The paper prints $\tanh(o \odot m')$ where an LSTM has $o \odot \tanh(m')$; the option `output=` chooses.) The block has no input $x$. The input enters at the border, as the first $h$ and $m$ of depth, through a linear layer for each. Here is one layer in two dimensions, as the course defines it:

# %% claims=["C49"]
grid.with_options(dims=2, layers=1)

# %% [markdown]
# ## A line over depth
#
# Take time away. What is left is a line of blocks over depth: a deep network without recurrence, whose layers happen to be LSTMs. If all layers share their weights, the grid is *tied*. **Predict:** a tied line of 12 blocks computes the same function as something that you know well. What is it?

# %%
line = grid.with_options(dims=1, layers=12, tied=True, output="o * tanh(m)")
p = line.init(input_size=6, hidden_size=5, rng=0, dtype=np.float64)
bits = rng.choice([-1.0, 1.0], size=(1, 3, 6))
top = lc.unroll(line, p, bits)["h"][0]

# %% claims=["C49"]
lstm = {f"U_{gate}": p[f"0.depth.W_{gate}"] for gate in "fiog"}
lstm |= {f"b_{gate}": p[f"0.depth.b_{gate}"] for gate in "fiog"}
lstm |= {f"W_{gate}": np.zeros((0, 5)) for gate in "fiog"}
start = {
    "h": bits[0] @ p["W_h"] + p["b_h"],
    "c": bits[0] @ p["W_m"] + p["b_m"],
}
nothing = np.zeros((12, 3, 0))
steps = lc.unroll(lc.cells.lstm, lstm, nothing, state=start)["h"]
lc.claim(
    "C49",
    "a tied line of 12 blocks is an LSTM that runs 12 steps without input",
    np.abs(top - steps[-1]).max(),
    below=1e-14,
)

# %% [markdown]
# Depth is time under another name. So the question of [notebook 02](02_long_term_dependencies.ipynb) comes back, turned on its side.
#
# ## How deep can one train?
#
# The task is parity: six bits come in at once, and the network says whether the number of ones is odd. Five of the bits alone tell nothing about it. The paper compares an LSTM over depth with plain layers of tanh or ReLU. We take a tied line of 24 layers, each kind with about 1,300 weights. **Predict:** which of the three learn it?


# %% tags=["setup"]
def learning(depth, hidden, rate, updates=350):
    """Loss of a tied line of 24 layers on the parity of 6 bits."""
    cell = grid.with_options(dims=1, layers=24, tied=True, depth=depth)
    model = lc.Model(cell, lc.tasks.Parity(bits=6), hidden, rng=0)
    if depth == "relu":  # half of its units are silent: He et al. 2015
        model.params["cell.0.W_depth"] *= np.sqrt(2)
    adam = lc.optim.Adam(rate)
    return lc.fit(model, updates, optimizer=adam, progress=False).loss


def smooth(losses):
    """Each loss as a mean over 25 updates."""
    window = np.ones(25) / 25
    each = losses.items()
    return {name: np.convolve(a, window, "valid") for name, a in each}


# %% seeds="0 to 5: LSTM 0.00 to 0.45, tanh 0.19 to 0.72, ReLU 0.69"
kinds = {"LSTM": ("lstm", 16), "tanh": ("tanh", 32), "ReLU": ("relu", 32)}
at_once = {name: learning(*kind, rate=0.01) for name, kind in kinds.items()}
look = {"xlabel": "update", "ylabel": "loss", "ylim": (0, 1.1)}
look |= {"reference": {"guessing": np.log(2)}, "legend": "above"}
fig = plots.lines(smooth(at_once), **look)
plots.show(fig, "17-1")

# %% [markdown]
# **What to notice.** The LSTM has learnt it after 150 updates. The ReLU line guesses to the end, and the tanh line does not get there either. It looks like a clear case for a belt along depth. But all three trained at one learning rate, 0.01, and we chose one that suits the LSTM. **Predict:** what do the others do at a tenth of it?

# %% claims=["C49"] seeds="0 to 5: 0.00"
tenth = {name: learning(*kinds[name], rate=0.001) for name in ("tanh", "ReLU")}
fig = plots.lines(smooth(tenth), **look)
plots.show(fig, "17-2")
lc.claim(
    "C49",
    "24 layers of ReLU learn it too, at a rate of their own",
    tenth["ReLU"][-50:].mean(),
    below=0.1,
    verdict="qualified",
)

# %% [markdown]
# The ReLU line, started as [He et al. (2015)](https://arxiv.org/abs/1502.01852) advise, learns as fast as the LSTM. So each network needs a rate of its own, and its best rate should lie *inside* the range that was tried. The study below has 24 and 48 layers, four to seven rates for each kind, five starts each, and at most 1,000 updates. A fourth kind serves as a control, a *residual* line: $h' = h + \tanh(h W + b)$. It adds to what comes in, as a belt does, and has no gates.


# %% tags=["setup"]
def learnt(study, kind, layers):
    """The rates, and how many of five starts were learnt at each."""
    where = {"kind": kind, "layers": layers}
    rates, updates = study.over("learning_rate", "updates", **where)
    return rates, np.isfinite(updates).sum(axis=1)


# %%
study = lc.experiments.load("depth_of_a_line")
names = {"LSTM": "lstm", "tanh": "tanh", "ReLU": "relu"}
every = names | {"residual": "residual"}
fig, axes = plots.figure(9, 3.2, columns=2, sharey=True)
for ax, layers in zip(axes, (24, 48), strict=True):
    counts = {n: learnt(study, kind, layers) for n, kind in every.items()}
    texts = {"title": f"{layers} layers", "ylim": (-0.3, 5.3)}
    texts |= {"xlabel": "learning rate", "ylabel": "learnt, of 5 starts"}
    plots.lines(counts, log="x", ax=ax, **texts)
plots.show(fig, "17-3")

# %% [markdown]
# **What to notice.**
#
# - At 24 layers every kind learns, each at rates of its own. What the first figure showed was a choice of rate.
# - At 48 layers tanh falls behind: two starts of five. LSTM and ReLU are even, with four of five at their best. So here an LSTM along depth is better than tanh, and no better than ReLU with a good start.
# - At 48 layers the residual line learns from all five starts at four rates, and it has no gates. So gates are not what it takes: a line that *adds* is enough. The LSTM has one. So have [highway networks](https://arxiv.org/abs/1505.00387), which came out two months before, and [residual networks](https://arxiv.org/abs/1512.03385), five months after.
# - Each kind learns from fewer starts at its lowest rate and at its highest than in between: no better rate lies outside the range. (Where one did at first, we added rates beyond it.)
#
# (A folded cell trains one of these networks again and compares.)

# %% tags=["check"]
where = {"kind": "relu", "layers": 24}
again = lc.experiments.rerun("depth_of_a_line", 1, where=where)
agreement = lc.experiments.agree("depth_of_a_line", again)
assert agreement, agreement

# %% [markdown]
# ## Parity at length
#
# With 6 bits there are only 64 rows, so a network can learn them by heart. Ours did: on the few rows that we held out they are mostly *worse* than a guess. (Change one bit, and the answer changes: the most similar rows that were seen all have the other answer.) To see whether a network learns the rule takes more bits, and rows that were held out.
#
# The paper trains LSTMs over depth on up to 250 bits and reports that layers of tanh or ReLU fail earlier. Ours is a small version: 8 layers, about 5,000 weights, at most 2,500 updates, 8 to 12 bits. Runs with three other seeds chose the rate of each kind, of four, by how soon it learns; the best lies inside. Training ends when the network is right on 99 % of what it sees. **Predict:** where does each of the three end?


# %% tags=["setup"]
def dots(ax, groups, places, title="", ylabel=""):
    """One dot for each seed: groups in their colours, places in a row."""
    looks = [look_of(hue, 1) for hue in hues_of(list(groups))]
    for k, (name, rows) in enumerate(groups.items()):
        beside = 0.24 * (k - (len(groups) - 1) / 2)
        beside += np.linspace(-0.07, 0.07, np.shape(rows)[-1])
        at = (np.arange(len(places))[:, None] + beside).ravel()
        look = looks[k] | {"linestyle": "", "label": name}
        ax.plot(at, np.ravel(rows), **look)
    ax.set(xticks=range(len(places)), xlim=(-0.6, len(places) - 0.4))
    ax.set(xticklabels=places, ylabel=ylabel, ylim=(-0.04, 1.04))
    ax.set_title(title, loc="left")


# %%
study = lc.experiments.load("parity_at_length")
titles = {"accuracy": "rows trained on", "held_out": "rows held out"}
lengths = [f"{n} bits" for n in (8, 10, 12)]
fig, axes = plots.figure(9, 3.2, columns=2, sharey=True)
for ax, value in zip(axes, titles, strict=True):
    found = {
        name: study.over("bits", value, kind=kind)[1]
        for name, kind in names.items()
    }
    dots(ax, found, lengths, titles[value], "share right")
axes[0].legend(frameon=False)
plots.show(fig, "17-4")

# %% [markdown]
# **What to notice.**
#
# - With 8 bits all three are right on what they were shown. The ReLU line has learnt it by heart: on held-out rows it is right less than three times in ten. The tanh line has found the rule, the LSTM in part.
# - With 10 bits LSTM and ReLU have the rule from all five starts, tanh from three.
# - With 12 bits the LSTM has it from all five starts, after 1,300 to 1,700 updates. ReLU has it from four, and takes longer: only two finish within the 2,500. tanh does no better than guessing.
#
# So with 10 and 12 bits the LSTM over depth is the steadiest of the three, as the paper says. ReLU is not far behind at this length: one start of five, and some updates. We have not measured what lies between 12 bits and the paper's 250.
#
# ## Addition
#
# Now time comes back. The network reads `12+99=`, a figure a step, and then writes `111`. The paper reports sums of 15 figures; ours have two. A tenth of all pairs is held out for testing. Two networks of three layers have 19,000 weights each:
#
# - a *grid* over time and depth, tied, so every layer has the same weights;
# - a *stack* of LSTMs. Its layers have weights of their own, and no belt runs upwards.
#
# **Predict:** which one adds better? And if it is the grid, what made the difference: the belt along depth, or the tied weights? A third network helps to tell: a tied grid of as many weights, with a layer of tanh along depth in place of the LSTM.

# %%
study = lc.experiments.load("adding_numbers")
labels = {"grid": "grid", "no belt upwards": "no memory", "stack": "stack"}
by = {"by": "validation", "highest": True}
sums = {n: study.chosen("exact", **by, kind=k) for n, k in labels.items()}
fig = plots.dots(sums, xlabel="sums right in every figure, of pairs held out")
plots.show(fig, "17-5")

# %% [markdown]
# (1,000 updates of 32 pairs, five starts. Of three learning rates, the same for all, the best counts, judged by pairs that are not reported. For each network it is the one in the middle, 0.01.)
#
# **What to notice.**
#
# - The grid adds from two starts of five: 93 and 96 of 100 sums are right in every figure. Its other starts, and all of the stack, stay near 10.
# - Without the belt upwards all five starts add, 97 to 99 of 100 sums. At a rate of 0.003 it is ahead too, with 36 to 82 against 8 or 9. So what helps here is not the memory along depth. (Without its weights there is room for wider layers, 42 units in place of 33: at equal weights that is the better use of them.)
# - What the two grids share, and the stack lacks, is tied weights: each is used three times. So at equal weights a grid also *computes* three times as much. What the stack does with as much work we have not measured.
# - 1,000 updates are few. The figure shows who learns soon, not who never will.
#
# ## A lattice over a picture
#
# Now a task in two dimensions. Water enters a picture at the top left. It runs down and to the right, through open fields. Which fields does it reach?

# %%
rows = lc.tasks.Percolation(rows=8, columns=8)
example = rows.batch(batch_size=1)
picture, wet = example.x[:, 0], example.y[:, 0]
fig = plots.heatmap(np.where(picture == 1, wet, np.nan), numbers=False)
plots.show(fig, "17-6")

# %% [markdown]
# (Closed fields are crossed out; shaded ones are wet.) A field is wet if it is open and the field above it, or the one to its left, is wet. So the rule looks one field back in *two* directions. A Grid LSTM in three dimensions does just that: one LSTM runs down, one runs to the right, and the third, along depth, brings the field in and takes the answer out.
#
# In which order can the fields be computed? Each field needs the one above and the one to its left. So all fields of a diagonal can be done at once, and a picture of 8 by 8 takes 15 steps. The task lays its pictures out like that, and the cell shifts the states by a column:

# %%
task = lc.tasks.Percolation(given="by diagonals")
batch = task.batch(batch_size=1)
print("steps, pictures, places, inputs:", batch.x.shape)
print("fields scored:", batch.mask.sum())

# %% [markdown]
# We train one with 1,400 weights. Nothing is new: a model for a cell and a task, and `fit`.

# %% claims=["C49"]
model = lattices.train_on_water("lattice", 0.1, seed=0)
whole = lattices.whole_pictures(model)
lc.claim(
    "C49",
    "a lattice gets more than nine pictures of ten right in every field",
    whole,
    above=0.9,
)

# %% [markdown]
# It has only ever seen pictures of 8 by 8. The weights of a block are the same everywhere, so the same network runs on a lattice of any size. **Predict:** how does it do on pictures of 16 rows, or of 10 columns? And which of the two can an LSTM read at all that takes a row at a step?

# %%
study = lc.experiments.load("water_in_pictures")
labels = {"lattice": "lattice", "rows": "rows", "ten times": "rows, ten times"}
values = {"8 by 8": "whole", "16 by 8": "taller"}
groups = {
    name: [
        study.over("learning_rate", value, kind=kind)[1]
        for value in values.values()
    ]
    for name, kind in labels.items()
}
fig, ax = plots.figure(6.4, 3.0)
dots(ax, groups, list(values), ylabel="pictures right in every field")
ax.legend(loc="center right", frameon=False)
plots.show(fig, "17-7")

# %% [markdown]
# (*Rows* is an LSTM of the same size that reads a row of fields at a step; *ten times* has ten times as many weights. All see 400 batches of 32 pictures, at the rate that did best in runs with other starts and pictures.)
#
# **What to notice.** The lattice is all but perfect, also on pictures of a height that it never saw. With 10 columns it gets 0.998 to 1.0 of them right. The LSTM over rows cannot read those at all, since its input has 8 numbers. Ten times the weights double what it gets right and do not bring it near.
#
# This is the lattice's home ground: the rule looks up and to the left, one field at a time, and so does the network. It shows what it is worth if a network's wiring fits its task. It does not say which network is better on another one.
#
# ## What we found
#
# | the paper's claim, in short | here |
# |---|---|
# | an LSTM along depth makes deep networks trainable | better than tanh; no better than ReLU with a good start, and worse than a residual line |
# | it learns longer parities than tanh and ReLU | longer than tanh, yes; at 12 bits ReLU with a good start is close behind |
# | it learns to add | two figures, from two starts of five; from all five without the belt along depth |
# | it extends to more dimensions | yes: one definition, run over pictures |
#
# The lattice is a good idea: one block, any number of directions. The worth of its belt along depth depends on the rival: a lot against tanh, little against ReLU with a good start, nothing against a line that simply adds. Our networks are small: tens of units where the paper has hundreds, seconds of training where it has hours. A result at this size cannot refute one at that size. It says what to measure before one believes the explanation.
#
# ## What to remember
#
# - A block takes $h$ and $m$ from each direction, lays all $h$ side by side, and has an LSTM for each direction. $m$ stays in its direction.
# - A tied line over depth is an LSTM that runs without input. Depth is time under another name.
# - Compare networks each at its own best learning rate. One rate for all decides the comparison.
# - Look at rows that were held out. A network that has learnt by heart is right on what it has seen.
# - Take away one part at a time, and see whether you miss it.
#
# ## Three questions to check yourself
#
# 1. A grid in $N$ dimensions, with $H$ units in each direction: how many weights has a block, without biases?
# 2. A stack of LSTMs passes $h$ upwards. Which parts of a 2-LSTM would you have to take away to get a stack?
# 3. Why can the lattice compute all fields of a diagonal at once, but not all fields of a row?
#
# <details><summary>Answers</summary>
#
# 1. Each of $N$ LSTMs has four matrices from $N H$ numbers to $H$: $4 N^2 H^2$ in all.
# 2. The LSTM along depth with its $m$; what goes up is the new $h_\text{time}$ of the block.
# 3. A field needs its left neighbour, which lies in the same row. The fields of a diagonal do not need each other.
#
# </details>
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="17.1"
# How many weights has a block of `N` dimensions with `H` units in each? Count the matrices alone, not the biases.


# %% tags=["exercise"]
def weights(N, H):
    # solution:
    return 4 * N**2 * H**2
    # end


lc.check("17.1", weights)

# %% [markdown] tags=["exercise"] exercise="17.2"
# In a line of 24 blocks all forget gates are held at 1 and all input gates at 0. What comes out at the other end? `"the memory comes out as it went in"`, `"the memory is squashed 24 times"`, `"nothing comes out"`, `"the memory grows"`, `"the output depends on every matrix"`, `"the output is the same for all inputs"`?

# %% tags=["exercise"]
# solution: prediction
prediction = "the memory comes out as it went in"
# end
lc.check("17.2", prediction)

# %% [markdown] tags=["exercise"]
# Test it: hold the gates of such a line (`line.hold({"0.depth.f": 1.0, ...})`), run it, exchange the rows of every `W_g`, and run it again.

# %% tags=["exercise"]
# solution:
line = grid.with_options(dims=1, layers=24)
held = {f"{k}.depth.f": 1.0 for k in range(24)}
held |= {f"{k}.depth.i": 0.0 for k in range(24)}
p = line.init(input_size=6, hidden_size=5, rng=1, dtype=np.float64)
q = p | {n: a[::-1] for n, a in p.items() if n.endswith("W_g")}
x = rng.choice([-1.0, 1.0], size=(1, 3, 6))
first, second = (lc.unroll(line.hold(held), w, x)["h"] for w in (p, q))
print("the same, whatever W_g:", np.array_equal(first, second))
# end

# %% [markdown] tags=["solution"]
# With $f = 1$ and $i = 0$ the memory comes out as it went in: $m' = m$, through all 24 blocks. What is shown of it, $h = \tanh(o \odot m)$, depends on the output gates alone.

# %% [markdown] tags=["exercise"] exercise="17.3"
# Write a block of two dimensions with NumPy, without biases. Given are `h1`, `m1`, `h2`, `m2` (H,) and two matrices (2 H, 4 H), with the columns of i, f, o and g side by side, in this order. Both dimensions read $H = [h_1, h_2]$. Return the new `h1`, `m1`, `h2`, `m2`.


# %% tags=["exercise"]
def block(h1, m1, h2, m2, W1, W2):
    # solution:
    H, out = np.concatenate([h1, h2]), []
    for m, W in ((m1, W1), (m2, W2)):
        i, f, o, g = np.split(H @ W, 4)
        i, f, o = (1 / (1 + np.exp(-z)) for z in (i, f, o))
        m = f * m + i * np.tanh(g)
        out += [np.tanh(o * m), m]
    return out
    # end


lc.check("17.3", block)

# %% [markdown] tags=["exercise"] exercise="17.4"
# A block waits for the one above it and for the one to its left. How many rounds does a picture take, if all blocks that wait for nothing are computed at once?


# %% tags=["exercise"]
def rounds(rows, columns):
    # solution:
    return rows + columns - 1
    # end


lc.check("17.4", rounds)

# %% [markdown] tags=["exercise"] exercise="17.5"
# Here is the rule of the water: it comes in at the top left and runs down and to the right, through open fields. Somebody wrote it down, and something is wrong at the edges. Mend it. (`picture` is an array of True and False, and True is open.)


# %% tags=["exercise"]
def flood(picture):
    # solution:
    wet = np.zeros(picture.shape, bool)
    for r, c in np.ndindex(picture.shape):
        above = r > 0 and wet[r - 1, c]
        left = c > 0 and wet[r, c - 1]
        wet[r, c] = picture[r, c] and (above or left or r == c == 0)
    return wet
    # given:
    # wet = np.zeros(picture.shape, bool)
    # wet[0, 0] = True
    # for _ in range(3):
    #     for r, c in np.ndindex(picture.shape):
    #         if picture[r, c] and (wet[r - 1, c] or wet[r, c - 1]):
    #             wet[r, c] = True
    # return wet
    # end


lc.check("17.5", flood)

# %% [markdown] tags=["exercise"]
# Two open questions. First: find the fair rate. The tanh line of 24 layers had its two rates in the lesson, 0.01 and 0.001. Try 0.003 and 0.0003 with `learning(...)`. Which would you take, and what would you have to do before you say so in a paper?

# %% tags=["exercise", "nbval-ignore-output"] why="training in float32, whose last digits follow the processor"
# solution:
for rate in (0.003, 0.0003):
    loss = learning("tanh", 32, rate)
    print(f"{rate}: {loss[-50:].mean():.2f}")
# end

# %% [markdown] tags=["solution"]
# One start says little: the five starts of the study do best at 0.001. A paper would need several starts at each rate, a rate on either side of the best, and a choice by other rows than those that it reports.

# %% [markdown] tags=["exercise"]
# And to keep: draw a picture for the lattice. `#` is closed, `.` is open, of any size. Where does it say that the water goes? Try to draw one that it gets wrong. (A long winding way? A large hall? Few open fields, where it has seen many?)


# %% tags=["exercise", "nbval-ignore-output"] why="training in float32, whose last digits follow the processor"
# solution:
def flooded(model, drawing):
    """Where the model says that water reaches in a drawing of # and ."""
    rows = drawing.split()
    picture = np.array([[field == "." for field in row] for row in rows])
    picture = picture.astype(np.float32)
    laid = grids.skewed(picture[:, None])[..., None]
    return grids.straightened(model.predict(laid))[:, 0, :, 0], picture


model = lattices.train_on_water("lattice", 0.1, seed=0)
mine = """
.....#######
####.....###
.#.#####....
...########.
....#####...
"""
said, picture = flooded(model, mine)
fig = plots.heatmap(np.where(picture == 1, said > 0.5, np.nan), numbers=False)
plots.show(fig, "17-8")
# end

# %% [markdown] tags=["solution"]
# The corridor is wet as far as it leads down or to the right. The open fields at the left of the lower rows stay dry, and so do the two to the left of the corridor's end: water does not run back.

# %% [markdown]
# ## What you can do now
#
# You can join blocks in as many directions as a task has, and you can say of a comparison what it shows. Next: [recurrent networks that imagine](18_generative_rnns.ipynb).
