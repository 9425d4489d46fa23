# %% [markdown]
# # Gates between layers: the depth-gated LSTM
#
# So far the belt ran through *time*. Networks are also deep: layer upon layer, each reading what the one below shows. What if a gate joined the belts of two layers?
#
# After it you can
#
# - say what a stack of LSTMs passes upwards, and what the depth gate adds,
# - recover the plain stack from the depth-gated one, exactly,
# - tell what the path through depth does from what the gate on it does.
#
# {minutes} It follows one of the variants that [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/) names and does not show.

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots
from lstmcourse.experiments.significance import exact_interval
from lstmcourse.views import diagram

gated = lc.cells.depth_gated
stack = lc.stack([lc.cells.peephole] * 2)
rng = np.random.default_rng(0)
params = gated.init(input_size=3, hidden_size=4, rng=rng, dtype=np.float64)
for name in params:  # nothing left at zero, so that a check means something
    params[name] = params[name] + 0.3 * rng.standard_normal(params[name].shape)
x = rng.standard_normal((20, 2, 3))

# %% [markdown]
# ## What a stack passes upwards
#
# In a stack of two layers the second one reads the first one's hidden state $h^{(0)}_t$ as its input. (We write the layer's number above, from 0.) The first layer's *cell state* $C^{(0)}_t$ never gets there as it is: it passes through $\tanh$ and the output gate, then through a matrix, then through the upper layer's own gates. The gradient takes the same path down: each layer is one more set of squashing functions. That is the long-term problem again, along another axis: along time the LSTM has a belt, along depth it has none.
#
# [Yao et al. (2015)](https://arxiv.org/abs/1508.03790) gave it one: a linear path between the cell states of
# neighbouring layers, with a gate on it. They report better translation and better language models with it. They start from a stack of peephole LSTMs ([notebook 10](10_peephole_connections.ipynb)) and add, in
# every layer but the lowest, a **depth gate** $d_t$:

# %% claims=["C41"]
lc.diff(stack, gated, input_size=3, hidden_size=4)

# %% [markdown] claims=["C35", "C41"]
# One equation is new and one has a new term: $C^{(1)}_t = d^{(1)}_t \odot C^{(0)}_t + \ldots$ The lower cell state flows straight into the upper one, as much of it as the gate lets through. The gate looks at the layer's input $h^{(0)}_t$ (through the matrix $W_d$), at the layer's own past $C^{(1)}_{t-1}$ and at the lower layer's present $C^{(0)}_t$ (each through one weight a unit, $p_d$ and $p_l$). It does not look at $h^{(1)}_{t-1}$. Each upper layer pays $H^2 + 3H$ weights for it.
#
# The essay calls these "Depth Gated RNNs", as [the version of the paper](https://arxiv.org/abs/1508.03790v2) that
# it links seems to have done.

# %% [markdown]
# Here are two layers over three steps, time to the right and depth upwards; $m$ stands for the cell state. In a plain stack only $h$ goes up:

# %%
diagram.lattice(3, 2, memory=["time"], title="A plain stack of two LSTMs")

# %% [markdown]
# With depth gates the cell state goes up as well:

# %% claims=["C41"]
diagram.lattice(3, 2, title="Two LSTMs with a depth gate between them")

# %% [markdown]
# And one step of it, open:

# %% claims=["C41"]
gated.diagram()

# %% [markdown]
# In this picture, which lays out equations from left to right, both belts run along the top, and that of the lower layer, $C^{(0)}$, is the upper line. Find the line that
# leaves it after its addition, is multiplied by $d^{(1)}_t$, and is added to the other belt: that is the new term.
# The rest is two peephole LSTMs, side by side; the second one reads the $h^{(0)}_t$ of the first.
#
# ## Three identities
#
# - With the depth gate shut we have the plain stack again.
# - With one layer there is nothing to gate: it is the peephole LSTM.
# - With $d = 1$, $f = 0$ and $i = 0$ the upper cell state *is* the lower one. That is the belt in the direction of depth.

# %% claims=["C41"]
shared = {
    name: p
    for name, p in params.items()
    if name in stack.parameter_shapes(3, 4)
}
shut = lc.unroll(gated.hold({"1.d": 0.0}), params, x)["h"]
apart = np.abs(shut - lc.unroll(stack, shared, x)["h"]).max()
lc.claim("C41", "with the depth gate shut it is the stack", apart, below=1e-14)

# %% tags=["check"]
lowest = {name: p for name, p in params.items() if name[0] == "0"}
one = lc.unroll(gated.with_options(layers=1), lowest, x)["h"]
bottom = {name.removeprefix("0."): p for name, p in lowest.items()}
assert np.abs(one - lc.unroll(lc.cells.peephole, bottom, x)["h"]).max() < 1e-14
upwards = gated.hold({"1.d": 1.0, "1.f": 0.0, "1.i": 0.0})
through = lc.unroll(upwards, params, x)
assert np.abs(through["1.c"] - through["0.c"]).max() < 1e-15

# %% [markdown]
# ### Feel it
#
# The gate of one unit, at one step. Predict: its bias starts at 0. How much of the lower cell state comes through,
# if nothing else speaks? (Set the three weights to 0 to see the bias alone. In the panel *below* is the lower cell
# state $C^{(0)}_t$, and $x_t$ is what the lower layer shows.)

# %%
lc.widgets.gate_panel(lc.cells.depth_gating.depth_gated_layer, "d")

# %% [markdown]
# <details><summary>Answer</summary>
#
# Half, as long as the weights are small.
#
# </details>
#
# So from the first step of training there is a path through depth that no $\tanh$ bends. But a constant of one half would open it just as far. To see what the *gate* is good for we need controls.
#
# ## The gradient on its way down
#
# We build towers of 1 to 6 layers, untrained. How much of the gradient at the top arrives at the bottom? The loss is a random sum of the top layer's $h_t$, and we look at the gradient of the input. Four kinds of towers:
#
# - with depth gates,
# - the same with all depth gates held at 0.5,
# - a **residual** stack, whose upper layers add what they show to what they read: $h^{(\ell-1)}_t + h^{(\ell)}_t$ goes up,
# - the plain stack.
#
# Which of them lose the gradient, and which do not? Ten towers each, width 16, ten steps:


# %%
def arriving(cell, seed, H=16):
    """Norm of the input's gradient, for a random gradient at the top."""
    rng = np.random.default_rng(seed)
    params = cell.init(input_size=H, hidden_size=H, rng=rng, dtype=np.float64)
    run = lc.unroll(cell, params, rng.standard_normal((10, 4, H)))
    return np.linalg.norm(
        run.backward({"h": rng.standard_normal(run["h"].shape)})["x"]
    )


def held(layers, d):
    """All depth gates at one value."""
    tower = gated.with_options(layers=layers)
    return tower.hold({f"{k}.d": d for k in range(1, layers)})


# %%
heights = [1, 2, 4, 6]
kinds = {
    "with depth gates": lambda n: gated.with_options(layers=n),
    "gates held at 0.5": lambda n: held(n, 0.5),
    "residual stack": lc.cells.depth_gating.residual,
    "plain stack": lambda n: lc.stack([lc.cells.peephole] * n),
}
norms = {
    name: np.array(
        [[arriving(c, seed) for seed in range(10)] for c in map(of, heights)]
    )
    for name, of in kinds.items()
}

# %%
fig = plots.over_seeds(
    heights,
    norms,
    xlabel="layers",
    ylabel="norm of the input's gradient",
    log="y",
)
plots.show(fig, "13-1")

# %% claims=["C41"] seeds="0 to 9: plain 0.05 to 0.1; held at 0.5 against learned 0.99"
six = {name: np.median(rows[-1]) for name, rows in norms.items()}
one = np.median(norms["plain stack"][0])
lc.claim(
    "C41",
    "six layers: less than a fifth of one layer's gradient arrives "
    "through a plain stack",
    six["plain stack"] / one,
    below=0.2,
)
lc.claim(
    "C41",
    "as much arrives through gates held at 0.5 as through learnable ones, "
    "within a fifth",
    six["gates held at 0.5"] / six["with depth gates"],
    between=(0.8, 1.25),
)

# %% tags=["check"]
assert min(six["with depth gates"], six["residual stack"]) > one

# %% [markdown]
# **What to notice.** Each further layer of the plain stack takes about 40 % of what is left. The three others lose nothing; the gradient even grows a little, because the straight path adds to the old one. (Bands reach from the lowest to the highest of ten towers.) Before training, then, the gate has no part in this: any open path does it. What remains to be seen is whether a gate that *learns* helps afterwards.
#
# ## What training does with it
#
# Now trained: strings of the embedded Reber grammar ([notebook 09b](09b_what_the_lstm_is_good_for.ipynb)), with one letter to be remembered across the string. At most 4,000 parameters, so more layers are narrower ones (26 units in one layer, 8 in six). First a short budget: 600 updates, five seeds, three learning rates (0.003, 0.01, 0.03; from four layers on also 0.1), of which the best counts. How many of the five end with nine letters of ten right?

# %% tags=["setup"]
study = lc.experiments.load("depth_with_and_without_gates")
layers = range(1, 7)


def solved(gated):
    """How many of five seeds, for each number of layers, at the best rate."""
    return [
        (study.over("learning_rate", "long", layers=n, gated=gated)[1] > 0.9)
        .sum(axis=1)
        .max()
        for n in layers
    ]


# %%
print("layers             ", *layers)
print("with depth gates   ", *solved(True), "of 5")
print("plain stack        ", *solved(False), "of 5")

# %% [markdown]
# Up to three layers nearly all learn it. From four on plain stacks begin to fail *within this budget*, and at five none is right, at any of the rates. (Nor does this task need depth: one layer is enough. From four layers on, 0.1 is never the best rate.)
#
# So we go to four layers, and change two things. Training goes on until 95 % of the letters in validation strings are right, up to 1,000 updates; and the controls take part. All four kinds have 10 units in a layer. For one seed they start from the same weights and read the same strings. Five seeds, three learning rates (0.01, 0.03 and 0.1), all of which are shown. What do you expect of the gates held at 0.5?

# %% tags=["setup"]
paths = lc.experiments.load("paths_through_depth")
called = {
    "with depth gates": "learned",
    "gates held at 0.5": "half",
    "residual stack": "residual",
    "plain stack": "none",
}
updates = {
    name: np.array(
        [t.values["updates"] for t in paths.trials if t.point["path"] == path]
    )
    for name, path in called.items()
}

# %%
shown = {name: np.nan_to_num(u, nan=1000) for name, u in updates.items()}
fig = plots.dots(shown, xlabel="updates until right (1,000: never)", of="runs")
plots.show(fig, "13-2")

# %%
for name, u in updates.items():
    k = int(np.isfinite(u).sum())
    low, high = exact_interval(k, len(u))
    print(f"{name:17} {k} of {len(u)} ({low:.2f} to {high:.2f})")

# %% [markdown]
# In brackets stands the exact 95 % interval of the share. Now pair by pair, at the same seed and the same rate:

# %%
half = shown["gates held at 0.5"]
for name, u in shown.items():
    if u is not half:
        print(
            f"{name:16} against gates held at 0.5:",
            f"sooner in {np.sum(u < half)}, later in {np.sum(u > half)},",
            f"alike in {np.sum(u == half)}",
        )

# %% tags=["check"]
assert np.isfinite(updates["gates held at 0.5"]).all()
assert np.sum(shown["plain stack"] > half) >= 8

# %% [markdown]
# ## What we found
#
# A path helps. The plain stack is later than the gates held at 0.5 in fourteen pairs of fifteen, and never sooner; five of its fifteen runs do not get there at all, three of them at the largest rate. But ten do, so that four layers of a plain stack *can* learn this: with 600 updates they had too little time.
#
# That the gate *learns* does not help here. Gates that learn are sooner than gates held at 0.5 in four pairs and later in eight; at the largest rate two of five never get there. The residual stack, which has no gate on its path and fewer weights, is sooner in eleven and later in two. (One of its runs stops after 50 updates, when the validation strings happen to be right, and has 0.76 on test strings.) In this task, at this size, the credit goes to the open path, not to the gate. (The gate can still pay where a layer has to shut out what lies below. We have not looked for such a task. Nor have we trained six layers with the controls.)
#
# "These differences are minor", says the essay of its variants. Between plain and gated stacks the difference was not minor. Between three ways to open the path it was.
#
# Run one of the stored trials again, now:

# %%
again = lc.experiments.rerun(
    "paths_through_depth",
    1,
    where={"path": "residual", "learning_rate": 3e-2},
)
agreement = lc.experiments.agree("paths_through_depth", again)
agreement

# %% [markdown]
# ## What to remember
#
# - A stack passes up what a layer *shows*; the depth gate also passes up what it *stores*.
# - $C^{(\ell)}_t = d^{(\ell)}_t \odot C^{(\ell-1)}_t + f^{(\ell)}_t \odot C^{(\ell)}_{t-1} + i^{(\ell)}_t \odot \tilde C^{(\ell)}_t$
#   for layer $\ell$, from 1: a belt along depth beside the belt along time.
# - Shut, it is the plain stack. The gate costs $H^2 + 3H$ weights for each upper layer.
# - In our runs an open path through depth made training quicker. A constant gate and a residual path did that as well as a learnt gate.
#
# ## Three questions to check yourself
#
# 1. What is $\partial C^{(1)}_t / \partial C^{(0)}_t$ along the direct path? (Leave out what goes through $h^{(0)}_t$ and through the gates.)
# 2. The cell state of an LSTM with coupled gates stays within $\pm 1$. Does the upper cell state of a depth-gated LSTM, if its $f$ and $i$ are coupled?
# 3. Residual connections, $y = x + F(x)$ around a layer $F$, came a few months later. In what are they like the
#    depth gate, in what not?
#
# <details><summary>Answers</summary>
#
# 1. $d^{(1)}_t$. 2. Not any more: $d^{(1)}_t \odot C^{(0)}_t$ comes on top; with both within $\pm 1$ it
# stays within $\pm 2$ after one step, and can grow with $f$ near 1. 3. Both give the gradient a way down that no
# squashing bends. The residual path is always fully open; the depth gate is learnt, and can shut.
#
# </details>
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="13.1"
# Three layers: both depth gates are held open, and all forget and input gates of the two upper layers shut. A loss looks at the top cell state. What becomes of its gradient on the way down to the lowest one? Is it: `"it arrives unchanged"`, `"it shrinks by half at each layer"`, `"it goes through tanh"`, `"it vanishes"`, `"it doubles"`, or `"it depends on the weights"`?

# %% tags=["exercise"]
# solution: prediction
prediction = "it arrives unchanged"
# end
lc.check("13.1", prediction)

# %% tags=["exercise"]
# solution:
three = gated.with_options(layers=3)
gates = {"d": 1.0, "f": 0.0, "i": 0.0}
held = three.hold({f"{k}.{n}": v for k in (1, 2) for n, v in gates.items()})
weights = three.init(input_size=3, hidden_size=4, rng=1, dtype=np.float64)
run = lc.unroll(held, weights, x)
print(all(np.array_equal(run[f"{k}.c"], run["0.c"]) for k in (1, 2)))
# end

# %% [markdown] tags=["solution"]
# All three cell states are the same, so the derivative is $1 \cdot 1$. (Along time the lowest layer's forget gates act as ever.)

# %% [markdown] tags=["exercise"] exercise="13.2"
# Write the upper layer's cell state with NumPy. You get the depth gate `d`, the cell state `below`, the forget gate `f`, the layer's own cell state `before`, the input gate `i` and the candidate `g`.


# %% tags=["exercise"]
def upper(d, below, f, before, i, g):
    # solution:
    return d * below + f * before + i * g
    # end


lc.check("13.2", upper)

# %% [markdown] tags=["exercise"] exercise="13.3"
# How many weights, biases included, does the depth gate add to a layer of H units? The layer below has H units too.


# %% tags=["exercise"]
def cost(H):
    # solution:
    return H * H + 3 * H
    # end


lc.check("13.3", cost)

# %% [markdown] tags=["solution"]
# The matrix $W_d$, the two vectors $p_d$ and $p_l$, and the bias. It is about a seventh of the $8H^2 + 7H$ that an upper layer has anyway (an eighth, for large $H$).

# %% [markdown] tags=["exercise"] exercise="13.4"
# Give the derivative of the top cell state with respect to the lowest one, on the way through the depth gates alone. You get the gates `d` (layers, units), from the lowest to the highest; the result has one number for each unit.


# %% tags=["exercise"]
def arriving_by_gates(d):
    # solution:
    return np.prod(d, axis=0)
    # end


lc.check("13.4", arriving_by_gates)

# %% [markdown] tags=["exercise"] exercise="13.5"
# A tower has `L` depth gates in a row, all equal and decided by their bias alone. Which bias lets the given `share` of the gradient arrive, say one half?


# %% tags=["exercise"]
def bias_for(share, L):
    # solution:
    gate = share ** (1 / L)
    return np.log(gate / (1 - gate))
    # end


lc.check("13.5", bias_for)

# %% [markdown] tags=["exercise"]
# To keep: build that tower. Six layers, untrained, with the depth gates' biases (`1.b_d` to `5.b_d`) at −4, at 0, and at what you found for a share of one half; and the size of the input's gradient in each.


# %% tags=["exercise"]
# solution:
def arriving_from(bias, seed, H=16):
    """As in the lesson: six layers, all depth gates from this bias."""
    rng = np.random.default_rng(seed)
    tower = gated.with_options(layers=6)
    params = tower.init(H, H, rng=rng, dtype=np.float64)
    for k in range(1, 6):
        params[f"{k}.b_d"][:] = bias
    run = lc.unroll(tower, params, rng.standard_normal((10, 4, H)))
    grads = run.backward({"h": rng.standard_normal(run["h"].shape)})
    return np.linalg.norm(grads["x"])


biases = (-4, 0, bias_for(0.5, 5))
medians = [np.median([arriving_from(b, s) for s in range(5)]) for b in biases]
print("grows with the bias:", medians[0] < medians[1] < medians[2])
# end

# %% [markdown] tags=["solution"]
# The more open, the more arrives. An open start is what a large forget bias is along time. (What training makes of it is another question.)

# %% [markdown]
# ## What you can do now
#
# You can join belts in two directions. [Notebook 17](17_grid_lstm.ipynb), on the Grid LSTM, takes that idea to its end. Next: [a network with clocks](14_clockwork.ipynb).
