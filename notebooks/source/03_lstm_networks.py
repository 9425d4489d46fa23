# %% [markdown]
# # LSTM networks
#
# A plain recurrent network has one layer in each of its modules, and does not learn to look far back. This page shows the network that was invented because of that: four layers instead of one, and a second state. It also asks, with the experiment of the last notebook, whether the invention keeps its promise.
#
# After it you can
#
# - read the diagram of an LSTM, line by line and box by box,
# - say what it adds to a plain network: layers, states, parameters,
# - say how far an LSTM really learns to look back, and on what that depends.
#
# {minutes} It follows the section *LSTM Networks* of [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots
from lstmcourse.experiments.significance import exact_interval
from lstmcourse.views import diagram

rnn, lstm = lc.cells.rnn, lc.cells.lstm

# %% [markdown] claims=["C16"]
# ## Where it comes from
#
# S. Hochreiter and J. Schmidhuber introduced *long short-term memory* in 1997 ([Neural Computation 9(8)](https://doi.org/10.1162/neco.1997.9.8.1735)), as a remedy for the fading gradient of notebook 02. Many others refined it. F. Gers, J. Schmidhuber and F. Cummins added the forget gate, which belongs to the cell as everybody draws it today ([Neural Computation 12(10), 2000](https://doi.org/10.1162/089976600300015015)). A. Graves and J. Schmidhuber trained it with the full gradient through time, as everybody does now ([Neural Networks 18, 2005](https://doi.org/10.1016/j.neunet.2005.06.042)).

# %% [markdown]
# ## One layer
#
# Every recurrent network is a chain of modules that repeat. In a plain network the module is simple. Here are three steps, with the middle one open:

# %% claims=["C18"]
rnn.diagram(chain=True)

# %%
rnn

# %% [markdown]
# One box: a layer with weights, followed by $\tanh$. The input $x_t$ and the hidden state $h_{t-1}$ go in together. $h_t$ comes out twice: upwards to be read, and to the right for the next step.
#
# ## Four layers
#
# The LSTM is the same kind of chain, with another module:

# %% claims=["C19"]
lstm.diagram(chain=True)

# %% [markdown]
# Four boxes, and a second line along the top. That line is the **cell state** $C$. Do not try to understand all of it now: the next notebooks take it apart, line by line. For the moment, learn to read the signs.

# %% claims=["C20"]
diagram.legend()

# %% [markdown]
# - A **line** carries a whole row of numbers, from where it starts to where its arrow points.
# - A yellow **box** is a learned layer: it has weights. $\sigma$ squeezes each number into $(0, 1)$, $\tanh$ into $(-1, 1)$.
# - A **circle** works on each number by itself: $\times$ multiplies two rows number by number, $+$ adds them. The $\tanh$ in an ellipse has no weights.
# - Where lines **join**, rows are laid side by side; where a line **forks**, its row is copied.
#
# Nobody drew these pictures by hand: they come from the cells' definitions, as the equations do. So ask the definition instead of counting boxes.


# %% claims=["C18", "C19"]
def layers(cell):
    """The activation of each layer that has weights, in the author's order."""
    affine = [node for node in cell.graph.nodes if node.op.name == "affine"]
    return [
        user.op.name
        for a in affine
        for user in cell.graph.nodes
        if any(n is a for n in user.args)
    ]


print("plain:", *layers(rnn))
print("LSTM: ", *layers(lstm))
lc.claim(
    "C19", "the module of an LSTM has four layers", len(layers(lstm)) == 4
)

# %% tags=["check"]
assert layers(rnn) == ["tanh"]

# %% [markdown]
# Three of the four are $\sigma$ layers: the **gates**. In the equations each has a letter, in the order of the picture from left to right:

# %% claims=["C19"]
lstm

# %% [markdown]
# - $f_t$, the forget gate: how much of each number of $C_{t-1}$ is kept ([notebook 05](05_forget_gate.ipynb)),
# - $i_t$, the input gate, and $\tilde C_t$, the candidate: what is written, and where ([06](06_input_gate.ipynb)),
# - $C_t$, the update: the line along the top ([04](04_cell_state.ipynb) and [07](07_cell_update.ipynb)),
# - $o_t$, the output gate, and $h_t$: what the cell shows of it ([08](08_output_gate.ipynb)).
#
# $\odot$ is the product number by number: the $\times$ in a circle. And here is the definition that all of this comes from:

# %%
print(lstm.definition())

# %% [markdown]
# ## What it costs
#
# Each layer has a matrix for the input, one for the hidden state, and a bias. How many numbers is that in all? Write the formula before you read on.

# %% [markdown] tags=["exercise"] exercise="03.1"
# An LSTM has D inputs and H units. How many parameters has it?


# %% tags=["exercise"]
def count(D, H):
    # solution:
    return 4 * H * (D + H + 1)
    # end


lc.check("03.1", count)

# %% [markdown]
# A layer has $H(D + H + 1)$, and there are four: $4H(D + H + 1)$ in all.

# %% tags=["check"]
D, H = 10, 32
counts = {
    cell.name: cell.parameter_count(input_size=D, hidden_size=H)
    for cell in (rnn, lstm)
}
assert counts["lstm"] == 4 * H * (D + H + 1)

# %% [markdown]
# From outside little changes. The same calls initialise, run and train it, and it has one state more:

# %%
params = lstm.init(input_size=D, hidden_size=H, rng=0, dtype=np.float64)
run = lc.unroll(
    lstm, params, np.random.default_rng(0).standard_normal((7, 1, D))
)
{name: run[name].shape for name in ("h", "c", "f")}

# %% [markdown]
# ## Does it keep its promise?
#
# The promise: long-term dependencies are a problem for plain networks, says the essay, and LSTMs do not have it. Notebook 02 measured the first half, on *I grew up in France … I speak fluent …* with a gap that we chose. Across 20 words the plain network learnt the link in two runs of five, at its best learning rate.
#
# The measurement: LSTMs on equal terms. They get 32 units, as the plain network had, its 1,500 updates, and 0.003, the middle one of its three learning rates. We vary one thing, the bias $b_f$ with which the forget gate starts. At 1, the usual start, $f = \sigma(1) \approx 0.73$, and the state loses a quarter at each step. At 3, $f \approx 0.95$; at 5, $f \approx 0.993$. Training may change all of them. Ten seeds each. Predict: which of them learns the link?

# %%
equal = lc.experiments.load("link_at_equal_units")
biases, updates = equal.over("forget_bias", "updates", gap=20)
_, accuracy = equal.over("forget_bias", "accuracy", gap=20)
names = [f"LSTM, forget bias {b:g}" for b in biases]
fig = plots.dots(
    dict(zip(names, updates, strict=True)),
    xlabel="updates until the link is learnt (1,500: not learnt)",
)
plots.show(fig, "03-2")
for name, row in zip(names, accuracy, strict=True):
    k = int(np.sum(row > 0.9))
    low, high = exact_interval(k, len(row))
    print(f"{name}: {k} of {len(row)} learn it ({low:.2f} to {high:.2f})")

# %% claims=["C16"]
lc.claim(
    "C16",
    "with 32 units and a forget gate that starts open (bias 3 or 5), every "
    "LSTM of twenty learns the link across 20 words",
    accuracy[1:].ravel(),
    above=0.9,
)
statement = "from the usual bias of 1, most of ten do not"
learnt = int(np.sum(accuracy[0] > 0.9))
lc.claim("C16", statement, learnt, below=5, verdict="qualified")

# %% [markdown]
# **What to notice.** It is all or nothing. From the usual start two LSTMs of ten learn the link, no better than the plain network. From an open forget gate all do, in a few hundred updates. (In brackets: between which bounds the share lies, with 95 % confidence.)
#
# So the promise has small print: **if** the forget gate starts open. Along the cell state alone the gradient shrinks by $f$ at each step: $0.73^{20}$ is 0.002, while $0.993^{20}$ is 0.87. There is another way for it, through $h$. At the start that way lets a good deal pass; [notebook 04b](04b_what_an_untrained_lstm_remembers.ipynb) shows how the first updates close it.
#
# ## How far?
#
# And with longer gaps? In another study the LSTM gets no more **parameters** than the plain network, read-out included. That leaves it 13 units. Both are shown at a learning rate of 0.01. For the plain network that is the best rate at every gap that it learns. The LSTM has had no such choice; below it gets one.

# %%
plain = lc.experiments.load("link_against_gap")
gated = lc.experiments.load("link_against_gap_lstm")
gaps = gated.over("gap", "accuracy", forget_bias=1.0)[0]
which = {"cell": "rnn", "scale": 1.0, "learning_rate": 1e-2}
every, accuracy = plain.over("gap", "accuracy", **which)
found = {"plain network": accuracy[np.isin(every, gaps)]}
for bias in (0, 1, 5):
    accuracy = gated.over("gap", "accuracy", forget_bias=float(bias))[1]
    found[f"LSTM, forget bias {bias}"] = accuracy
found = {name: np.array(rows) for name, rows in found.items()}

# %%
fig = plots.lines(
    {name: rows.mean(axis=1) for name, rows in found.items()},
    gaps,
    xlabel="gap: words between country and language",
    ylabel="right answers, mean of 5 seeds",
    reference={"chance": 1 / 8},
    log="x",
)
plots.show(fig, "03-1")
print("runs of 5 that learn it, gap: ", *(f"{gap:>4}" for gap in gaps))
for name, rows in found.items():
    print(f"{name:30}", *(f"{k:>4}" for k in np.sum(rows > 0.9, axis=1)))

# %% claims=["C16"]
opened = found["LSTM, forget bias 5"]
lc.claim(
    "C16",
    "an LSTM of 13 units whose forget gate starts open learns a gap of 40, in "
    "five runs of five; from the usual start no plain network does",
    opened[gaps == 40][0],
    above=0.9,
)
statement = "and a gap of 160 none of them learns"
far = opened[gaps == 160][0]
lc.claim("C16", statement, far, below=0.2, verdict="qualified")

# %% tags=["check"]
assert np.max(found["plain network"][gaps == 40]) < 0.2
for gap, row in zip(gaps.tolist(), found["plain network"], strict=True):
    how = {"by": "accuracy", "highest": True, "cell": "rnn", "scale": 1.0}
    best = plain.chosen("accuracy", gap=gap, **how)
    assert np.mean(best) - np.mean(row) < 0.01  # 0.01 is the best

# %% [markdown]
# With few units, too, the open gate decides. It carries a country across 40 words every time, and across 80 in some runs; LSTMs from a bias of 0 or 1 fail beyond 10.
#
# Would another learning rate do better? We tried a lower and a higher one, at three gaps:

# %%
others = lc.experiments.load("link_at_other_rates")
print("runs of 5 that learn it, gap: ", *(f"{gap:>4}" for gap in (20, 40, 80)))
for bias in (1, 5):
    for rate in (0.003, 0.03):
        which = {"forget_bias": bias, "learning_rate": rate}
        rows = others.over("gap", "accuracy", **which)[1]
        name = f"LSTM, bias {bias}, rate {rate}"
        print(f"{name:30}", *(f"{k:>4}" for k in np.sum(rows > 0.9, axis=1)))

# %% [markdown]
# No: from a bias of 5 neither reaches further than 0.01, and from the usual start one run of thirty learns a gap of 20. (At 20 and a rate of 0.01 the open gate does worse than at 40, three runs of five. At both other rates it is four. So that is likely to be chance.)
#
# An open gate is not the only way. In notebook 02 a plain network with larger first weights learned a gap of 40 too, and one with relu and the identity learned 80 and 160. But the LSTM has a gate that can be *told* to stay open, and that can learn when not to. More units or more steps would move all of these limits.
#
# Run one of the stored runs again, here and now:

# %%
where = {"forget_bias": 3.0}
again = lc.experiments.rerun("link_at_equal_units", 1, where=where)
lc.experiments.agree("link_at_equal_units", again)

# %% [markdown]
# ## What to remember
#
# - A plain module has one layer; an LSTM's has four, three of them gates, and a second state that runs along the top.
# - Box: learned layer. Circle: number by number. Joining lines: side by side. Forking line: copies.
# - LSTMs can learn longer gaps, not any gap. In our runs the first value of the forget gate's bias decided.
#
# ## Three questions to check yourself
#
# 1. Which of the signs in the diagram of the LSTM stand for something with weights?
# 2. Through how many learned layers must a number pass on its way from $C_{t-1}$ to $C_t$?
# 3. Why does the second study give the LSTM fewer units than the plain network?
#
# <details><summary>Answers</summary>
#
# 1. The four boxes, nothing else. 2. None: a product and a sum, no box. 3. Four layers cost four times the parameters of one; at equal numbers of units it would be unclear whether the structure helps or the size.
#
# </details>
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="03.2"
# A plain network has D inputs and H units. How many units may an LSTM have at most, if it is to have no more parameters? (The read-out is left out of account.)


# %% tags=["exercise"]
def units(D, H):
    # solution:
    budget = H * (D + H + 1)
    return max(n for n in range(H) if 4 * n * (D + n + 1) <= budget)
    # end


lc.check("03.2", units)

# %% [markdown] tags=["solution"]
# For $D = 20$ and $H = 64$ there are 27. More than a quarter, since the matrix that acts on the state grows as the square of the units: at half as many it is a quarter as large.

# %% [markdown] tags=["exercise"] exercise="03.3"
# Hold all three gates at 1: `lstm.override(f=1.0, i=1.0, o=1.0)`. What is the cell state then, if it starts at 0? `"the latest candidate"`, `"the sum of the candidates so far"`, `"the mean of the candidates so far"`, `"the sum of the inputs so far"`, `"its value at the start"`, or `"a plain network's state"`?

# %% tags=["exercise"]
# solution: prediction
prediction = "the sum of the candidates so far"
# end
lc.check("03.3", prediction)

# %% [markdown] tags=["exercise"]
# Committed? Then see for yourself: here are candidate and cell state of one unit.

# %% tags=["exercise"]
opened = lstm.override(f=1.0, i=1.0, o=1.0)
some = lstm.init(input_size=2, hidden_size=3, rng=1, dtype=np.float64)
x = np.random.default_rng(1).standard_normal((6, 1, 2))
run = lc.unroll(opened, some, x)
print("candidate: ", run["g"][:, 0, 0].round(2))
print("cell state:", run["c"][:, 0, 0].round(2))

# %% [markdown] tags=["exercise"] exercise="03.4"
# Do not scroll up any more. You get the gates `f`, `i` and `o`, the candidate `g`, and the old cell state `C`, all arrays of one shape. Return the new hidden state and the new cell state, `h, C`.


# %% tags=["exercise"]
def update(f, i, g, o, C):
    # solution:
    C = f * C + i * g
    h = o * np.tanh(C)
    return h, C
    # end


lc.check("03.4", update)

# %% [markdown] tags=["exercise"] exercise="03.5"
# Write a cell that is half way between the plain network and the LSTM: one state, and one gate $u_t = \sigma(\ldots)$, a layer that reads $h_{t-1}$ and $x_t$. It keeps a share $u_t$ of the old state. The rest is what a plain network would have for its state, from a layer of its own:
#
# $$h_t = u_t \odot h_{t-1} + (1 - u_t) \odot \tanh(\ldots)$$


# %% tags=["exercise"]
# solution:
@lc.cell
def one_gate(x, h):
    """A plain network that can keep its state."""
    u = lc.sigmoid(lc.affine("u", h, x))
    h = u * h + (1 - u) * lc.tanh(lc.affine("h", h, x))
    return h


# given:
# @lc.cell
# def one_gate(x, h):
#     """A plain network, so far."""
#     h = lc.tanh(lc.affine("h", h, x))
#     return h
#
#
# end
lc.check("03.5", one_gate)

# %% [markdown] tags=["solution"]
# It has a line along which the state passes with a product and a sum, as the cell state does. It has no second state: what it stores it also shows. Of this kind is the GRU (notebook 12). It has twice the parameters of a plain network.

# %% [markdown] tags=["exercise"] exercise="03.6"
# Now the whole LSTM, by hand, on the sentence of notebook 02. It has one unit, and reads three words as one-hot rows: *France*, *Japan*, and *any other* word. Design weights with which
#
# - the cell state stays near 0 before any country was read,
# - it stands near $+1$ after *France* and near $-1$ after *Japan*, and still does 1,000 other words later,
# - a new country takes the place of the old one,
# - and the gradient is kept, which no switch of notebook 02 could do: $dC/dC$ over these 1,000 words is above one half.
#
# `W_f`, `W_i`, `W_g` and `W_o` have three numbers each, one for each word. There are `U_f` and `b_f`, too, and the same for `i`, `g` and `o`. What you do not name is 0.

# %% tags=["exercise"]
# solution: keeper
keeper = {"W_f": [-20, -20, 20], "W_i": [20, 20, -20], "W_g": [20, -20, 0]}
# end
lc.check("03.6", keeper)

# %% [markdown] tags=["solution"]
# At a country the forget gate shuts and the input gate opens: the old one goes, and the candidate, $+1$ or $-1$, comes. At any other word it is the other way round, and the belt passes unchanged, with a slope of $\sigma(20) \approx 1$ at each step. Memory and gradient no longer stand in each other's way, since it is not the state itself that decides whether it stays.

# %% [markdown] tags=["exercise"]
# To keep: the picture of your cell with one gate. What does it share with that of the LSTM, and what is missing?

# %% tags=["exercise"]
one_gate.diagram()

# %% [markdown]
# ## What you can do now
#
# You can read the picture that the rest of this course is about. You know what the LSTM promises, and when it kept the promise here. Next: [the line along the top](04_cell_state.ipynb).
