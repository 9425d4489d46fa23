# %% [markdown]
# # Peephole connections
#
# From here on each notebook changes a few lines of the LSTM, as many papers have done. The first change: the gates get to see the cell state that they rule over. This page says what that adds, why its authors wanted it, and whether it pays.
#
# After it you can
#
# - say what a peephole is, and which cell state each gate looks at,
# - build a clock out of one unit, by hand,
# - say what peepholes did for us on two tasks of exact timing, at equal numbers of parameters.
#
# It takes about 35 minutes. It follows the first of the variants in [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots

lstm, peephole = lc.cells.lstm, lc.cells.peephole

# %% [markdown]
# ## The question: what does a gate know?
#
# A gate of the LSTM decides about the cell state $C_{t-1}$ without seeing it. It sees the input $x_t$ and the hidden state $h_{t-1} = o_{t-1} \odot \tanh(C_{t-1})$, which is what the output gate let through. And if the output gate is shut? Then $h_{t-1} = 0$, and the gates know nothing of what they keep or delete.
#
# We hold the output gate shut and start from two quite different cell states, with the same inputs. Do the forget gates notice?

# %% tags=["setup"]
rng = np.random.default_rng(0)
x = rng.standard_normal((20, 1, 3))
starts = [{"h": np.zeros((1, 4)), "c": np.full((1, 4), level)} for level in (-1.0, 1.0)]


def noticed(cell):
    """How far apart the gates f and i are, at most, for two different cell states at the start."""
    params = cell.init(input_size=3, hidden_size=4, rng=np.random.default_rng(1), dtype=np.float64)
    one, two = (lc.unroll(cell.override(o=0.0), params, x, state=start) for start in starts)
    return max(np.abs(one[gate] - two[gate]).max() for gate in "fi")


# %% claims=["C36"]
lc.claim(
    "C36",
    "with the output gate shut, a plain LSTM's gates see nothing of the cell state",
    noticed(lstm),
    below=1e-15,
)
lc.claim("C36", "with peepholes they do", noticed(peephole), above=0.05)

# %% [markdown] claims=["C36"]
# ## One term more
#
# That was the reason of Gers and Schmidhuber ([2000](https://doi.org/10.1109/IJCNN.2000.861302)) for *peephole connections*: each gate also looks at the cell state itself. Three lines change, each by one term:

# %% claims=["C36"]
lc.diff(lstm, peephole, input_size=3, hidden_size=4)

# %% [markdown]
# **What to notice.** $p_f$ is a row of weights, one for each unit, and $\odot$ multiplies number by number: the gate of unit 1 looks at the cell state of unit 1, and at no other. That makes $3H$ numbers more for $H$ units, next to nothing.
#
# And which cell state? The forget gate and the input gate look at the **old** one, $C_{t-1}$: they are needed to make the new one. The output gate looks at the **new** one, $C_t$, which by then is there. In the picture its line leaves the belt after the update.
#
# With all of these weights at 0 nothing is left of the change:

# %% claims=["C36"]
params = peephole.init(input_size=3, hidden_size=4, rng=rng, dtype=np.float64)
for gate in "fio":
    params[f"p_{gate}"][:] = 0.0
plain = {name: value for name, value in params.items() if name[0] != "p"}
with_zeros, without = lc.unroll(peephole, params, x), lc.unroll(lstm, plain, x)
difference = np.abs(with_zeros["h"] - without["h"]).max()
lc.claim("C36", "with peepholes of weight 0 it is the LSTM", difference, below=1e-15)

# %% [markdown]
# ### As the essay draws it
#
# The essay writes $f_t = \sigma(W_f \cdot [C_{t-1}, h_{t-1}, x_t] + b_f)$: the whole cell state joins the inputs. Taken at its word, that is a full matrix from every unit's cell state into every unit's gate. The papers have the row of weights. Both are here:

# %%
lc.diff(peephole, lc.cells.peephole_full, input_size=3, hidden_size=4)

# %% [markdown]
# The papers' form is the special case in which the matrix $V_f$ has $p_f$ along its diagonal, and zeros elsewhere:

# %% claims=["C36"]
params = peephole.init(input_size=3, hidden_size=4, rng=rng, dtype=np.float64)
params |= {f"p_{gate}": rng.standard_normal(4) for gate in "fio"}
matrices = {k.replace("p_", "V_"): np.diag(v) if k[0] == "p" else v for k, v in params.items()}
row, full = lc.unroll(peephole, params, x), lc.unroll(lc.cells.peephole_full, matrices, x)
difference = np.abs(row["h"] - full["h"]).max()
lc.claim("C36", "a matrix that is zero off its diagonal is a row of peepholes", difference, below=1e-12)

# %% [markdown] claims=["C37"]
# ### Some gates and not others
#
# "Many papers will give some peepholes and not others", says the essay. Graves, Mohamed and Hinton ([2013](https://arxiv.org/abs/1303.5778)) give all three gates one. Zaremba, Sutskever and Vinyals ([2014](https://arxiv.org/abs/1409.2329)) print an LSTM without any. The coupled variant in Greff and others' comparison ([2015](https://arxiv.org/abs/1503.04069)) has two, as it has two gates only.
#
# All eight choices come from one definition; an option says which gates look:

# %% claims=["C37"]
for gates in ("", "f", "i", "o", "fi", "fo", "io", "fio"):
    variant = peephole.with_options(peepholes=gates)
    gained = lc.diff(lstm, variant).gained
    count = variant.parameter_count(input_size=3, hidden_size=4)
    print(f"{gates or 'none':5} {count} parameters, gained: {', '.join(gained) or '-'}")
    assert count == lstm.parameter_count(input_size=3, hidden_size=4) + 4 * len(gates)

# %% [markdown]
# ## Feel it
#
# One unit's output gate. It starts with the weights of $x_t$ and $h_{t-1}$ at 0, so that it looks at the cell state only. Predict, then move $C_t$ through its whole range:
#
# - At which cell state does the gate open?
# - What must change so that it opens at $C_t = -1$ already? And so that it *shuts* when the cell state grows?

# %%
lc.widgets.gate_panel(peephole, "o", values={"W_o": 0, "U_o": 0, "p_o": 6, "b_o": -6})

# %% [markdown]
# It opens where $p_o C_t + b_o = 0$, that is at $C_t = 1$. With $b_o = 6$ it opens at $-1$. With a negative $p_o$ it shuts as the cell state grows. A gate with a peephole is a *threshold* on what the unit has stored.
#
# ## A clock, made by hand
#
# A unit that counts, and a threshold that says when: together that is a clock. One unit, no input, no weights on $h$. The input gate stands open, the candidate is always 0.1, so the cell state grows by 0.1 a step. The output gate opens above 0.95, and above 0.95 the forget gate shuts, so that the count starts again.


# %% tags=["setup"]
def clock(period, sharp=400.0):
    """Weights of one unit that spikes every `period` steps."""
    weights = {name: np.zeros(shape) for name, shape in peephole.parameter_shapes(1, 1).items()}
    level = 1 - 0.5 / period  # between the last count and the one before
    weights["b_g"][:], weights["b_i"][:] = np.arctanh(1 / period), 50.0
    weights["p_o"][:], weights["b_o"][:] = sharp, -sharp * level
    weights["p_f"][:], weights["b_f"][:] = -sharp, sharp * level
    return weights


# %%
nothing = np.zeros((200, 1, 1))
run = lc.unroll(peephole, clock(10), nothing)
shown = {"$C_t$": run["c"][:40, 0, 0], "$o_t$": run["o"][:40, 0, 0], "$h_t$": run["h"][:40, 0, 0]}
ticks = [str(t) if t % 10 == 0 else "" for t in range(1, 41)]
plots.show(
    plots.by_word(ticks, shown),
    alt="Over 40 steps the cell state climbs like a staircase to 1 and falls back, four times. The output gate and the hidden state are 0, but at steps 10, 20, 30 and 40.",
)

# %% claims=["C37"]
spikes = np.flatnonzero(run["h"][:, 0, 0] > 0.5) + 1
lc.claim(
    "C37",
    "one unit with peepholes, fed nothing, spikes at steps 10, 20, ... 200 and at no other",
    np.array_equal(spikes, np.arange(10, 201, 10)),
)

# %% [markdown]
# Two peepholes of three are used: that of the output gate reads the clock, that of the forget gate sets it back. A plain LSTM has to do the same by way of $h$: its gates can only see what the output gate shows, and an output gate that shows the count all the time is no spike. So it needs more than one unit, one to show and others to count.
#
# It *can* be done, then, in either cell. The question is what training finds.
