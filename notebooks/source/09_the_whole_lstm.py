# %% [markdown]
# # The whole LSTM
#
# You have met six equations, one at a time. This page puts them together and asks you to write them down yourself. Then you take the way back: the gradients, derived by hand and by the engine. At the end stands a cell of your own that has learnt to read.
#
# After it you can
#
# - write an LSTM unaided, and check it,
# - read its backward pass as a program, and derive it by hand,
# - say which part of a gradient comes along the belt, and which through $h$,
# - tell which unit *carries* a property from which unit an answer *depends on*.
#
# {minutes} It ends the essay's *Step-by-Step LSTM Walk Through*.

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc

lstm = lc.cells.lstm
reader = lc.reader.load()
rows = lc.reader.rows(512)

# %% [markdown]
# ## All of it

# %%
lstm.diagram()

# %%
lstm

# %% [markdown]
# Forget a share of the old, admit a share of the new, show a share of the result. Say it aloud while you follow the lines.
#
# ## Write it yourself
#
# Six equations are easy to remember once each has its reason. Try it before you read on.

# %% [markdown] tags=["exercise"] exercise="09.1"
# Scroll until the equations are out of sight. Then write the LSTM as a function of `x, h, c` under `@lc.cell`, with `lc.sigmoid`, `lc.tanh`, and a layer made by `lc.affine("f", h, x)` for each of `f`, `i`, `g`, `o`. It returns the next `h` and the next `c`. The check runs your cell and the course's on the same random numbers. If they differ, it tries to say what you have mixed up.


# %% tags=["exercise"]
# solution: my_lstm
@lc.cell
def my_lstm(x, h, c):
    """Long short-term memory, from memory."""
    f = lc.sigmoid(lc.affine("f", h, x))
    i = lc.sigmoid(lc.affine("i", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    o = lc.sigmoid(lc.affine("o", h, x))
    c = f * c + i * g
    h = o * lc.tanh(c)
    return h, c


# end
lc.check("09.1", my_lstm)

# %% [markdown]
# A wrong cell would give the same numbers only by luck. The check knows many usual slips by name. Here is one:


# %%
@lc.cell
def slipped(x, h, c):
    """Nearly an LSTM."""
    f = lc.sigmoid(lc.affine("f", h, x))
    i = lc.sigmoid(lc.affine("i", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    o = lc.sigmoid(lc.affine("o", h, x))
    c = i * c + f * g
    h = o * lc.tanh(c)
    return h, c


lc.exercises.check_lstm(slipped)

# %% claims=["C46"]
verdicts = [bool(lc.exercises.check_lstm(cell)) for cell in (lstm, slipped)]
lc.claim(
    "C46",
    "the check passes for the six equations and not for the slip",
    verdicts == [True, False],
    verdict="qualified",
)

# %% [markdown]
# The essay hopes that, walked through step by step, the equations have become less intimidating. We cannot measure that for you. If you wrote them without help, you can tell.

# %% [markdown] tags=["exercise"] exercise="09.2"
# What a cell computes is one thing, where its training begins is another. Write the LSTM once more, so that its forget gate starts open: its bias starts at 1, all others at 0. The check looks at equations and start.


# %% tags=["exercise"]
# solution: starts_open
@lc.cell(init={"b_f": 1.0})
def starts_open(x, h, c):
    """The LSTM, with a forget gate that starts open."""
    f = lc.sigmoid(lc.affine("f", h, x))
    i = lc.sigmoid(lc.affine("i", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    o = lc.sigmoid(lc.affine("o", h, x))
    c = f * c + i * g
    h = o * lc.tanh(c)
    return h, c


# end
lc.check("09.2", starts_open)

# %% [markdown] tags=["solution"]
# At a bias of 0 the gate starts at one half: after ten steps a thousandth is left of what was stored, and of its gradient along the belt. At 1 it is $0.73^{10}$, about 4 %. `lc.affine("f", h, x, bias=1.0)` says the same.

# %% [markdown]
# ## The way back
#
# Training needs the gradient of every weight. Before you see it, take one piece of it yourself.

# %% [markdown] tags=["exercise"] exercise="09.3"
# Derive it on paper, then write it with NumPy. Let $a_t$ be the sum that the forget gate squashes, $f_t = \sigma(a_t)$. What is the derivative of the loss with respect to $a_t$? You get `d_h`, the loss's derivative with respect to $h_t$; `d_c`, the part of its derivative with respect to $C_t$ that comes from *later* steps; and the values `f`, `o`, `c` ($C_t$) and `c_before` ($C_{t-1}$). All are arrays of one shape.


# %% tags=["exercise"]
def to_forget_gate(d_h, d_c, f, o, c, c_before):
    # solution:
    d_c = d_c + d_h * o * (1 - np.tanh(c) ** 2)
    return d_c * c_before * f * (1 - f)
    # end


lc.check("09.3", to_forget_gate)

# %% [markdown]
# Now derive the rest. Write $\delta h_t$, $\delta C_t$, … for the derivative of the loss with respect to each quantity. *Later* marks the part that comes from step $t + 1$, *here* the part that comes from what reads $h_t$ at once:
#
# $$\delta h_t = \delta h_t^{\text{here}} + \delta h_t^{\text{later}}.$$
#
# From $h_t = o_t \odot \tanh(C_t)$:
#
# $$\delta o_t = \delta h_t \odot \tanh(C_t), \qquad \delta C_t = \delta C_t^{\text{later}} + \delta h_t \odot o_t \odot (1 - \tanh^2 C_t).$$
#
# From $C_t = f_t \odot C_{t-1} + i_t \odot \tilde C_t$:
#
# $$\delta f_t = \delta C_t \odot C_{t-1}, \quad \delta i_t = \delta C_t \odot \tilde C_t, \quad \delta \tilde C_t = \delta C_t \odot i_t, \quad \delta C_{t-1}^{\text{later}} = \delta C_t \odot f_t.$$
#
# The last one matters most: along the belt the gradient is multiplied by $f_t$ and by nothing else.
#
# Call $a_{k,t} = h_{t-1} U_k + x_t W_k + b_k$ what a layer has before it is squashed, for $k$ one of $f$, $i$, $C$, $o$. With $\sigma' = \sigma (1 - \sigma)$ and $\tanh' = 1 - \tanh^2$,
#
# $$\delta a_{k,t} = \delta k_t \odot k_t \odot (1 - k_t) \ \text{ for } k = f, i, o, \qquad \delta a_{C,t} = \delta \tilde C_t \odot (1 - \tilde C_t^2).$$
#
# And from the layers to the step before, and to the weights:
#
# $$\delta h_{t-1}^{\text{later}} = \sum_k \delta a_{k,t}\, U_k^\top, \quad \delta W_k = \sum_t x_t^\top\, \delta a_{k,t}, \quad \delta U_k = \sum_t h_{t-1}^\top\, \delta a_{k,t}, \quad \delta b_k = \sum_t \delta a_{k,t}.$$
#
# In NumPy, one step first (the program writes `g` for $\tilde C$, and for the index $C$), then all steps from the last to the first:


# %% tags=["setup"]
def back(d_h, d_c, step, before, params):
    """Gradients of one step, by hand: of the state before, of the layers."""
    f, i, g, o, t = (step[k] for k in ("f", "i", "g", "o", "t"))
    d_c = d_c + d_h * o * (1 - t**2)
    d_a = {
        "f": d_c * before * f * (1 - f),
        "i": d_c * g * i * (1 - i),
        "g": d_c * i * (1 - g**2),
        "o": d_h * t * o * (1 - o),
    }
    return sum(d_a[k] @ params[f"U_{k}"].T for k in d_a), d_c * f, d_a


# %% tags=["setup"]
def earlier(states):
    """Each state one step later, zeros first."""
    return np.concatenate([np.zeros_like(states[:1]), states[:-1]])


def through_time(back, run, x, d_out, params):
    """Gradients of all weights, step by step from the last to the first."""
    values = {k: run[k] for k in "figo"} | {"t": np.tanh(run["c"])}
    h_before, c_before = earlier(run["h"]), earlier(run["c"])
    grads = {name: np.zeros_like(p) for name, p in params.items()}
    d_h = d_c = np.zeros_like(c_before[0])
    for t in reversed(range(len(x))):
        step = {k: v[t] for k, v in values.items()}
        d_h, d_c, d_a = back(d_h + d_out[t], d_c, step, c_before[t], params)
        for k in "figo":
            grads[f"W_{k}"] += x[t].T @ d_a[k]
            grads[f"U_{k}"] += h_before[t].T @ d_a[k]
            grads[f"b_{k}"] += d_a[k].sum(axis=0)
    return grads


# %% tags=["setup"]
rng = np.random.default_rng(0)
params = lstm.init(input_size=3, hidden_size=4, rng=rng, dtype=np.float64)
x = rng.standard_normal((20, 2, 3))
d_out = rng.standard_normal((20, 2, 4))
run = lc.unroll(lstm, params, x)
derived = run.backward({"h": d_out})

# %% [markdown]
# The engine derives the same gradients from the six equations. Do the two agree?

# %%
by_hand = through_time(back, run, x, d_out, params)
apart = [np.abs(by_hand[name] - derived[name]).max() for name in params]
print(f"{len(params)} gradients agree to 12 decimals:", max(apart) < 1e-12)

# %% [markdown]
# Its derivation is a program too. Here is the loop, from the last step to the first. Find each of your formulas in it:

# %%
program = lstm.source(backward=True).partition("    for t in reversed")[2]
print(
    "    for t in reversed" + program.partition("    # --- for all steps")[0]
)

# %% [markdown]
# How to read it. `d_` is the gradient of what follows. `g_h[t]` comes from what reads $h_t$; `d_h` and `d_c` come from the step after. With both parts added they are called `d_h_2` and `d_c_2`. `slope_…` are derivatives of squashing functions, computed before the loop. `c` is stored with $C_0$ in front, so `c[t]` is $C_{t-1}$. `d_a` holds the four layers side by side, and `d_f`, `d_i`, `d_o`, `d_a_g` are its parts. So $f$, $i$ and $o$ share one line, and one product gives `d_h`.

# %% [markdown]
# ### Two ways back
#
# So the loop hands on two gradients. `d_c` is multiplied by $f_t$ and goes on along the belt. `d_h` goes through the matrices into the step before, and from there it may get onto the belt again. How much arrives, and by which way?
#
# Let a plain network, an LSTM and a GRU of one unit each read the same eight numbers, with weights drawn at random. The forget bias is 1. (A GRU has no $f$: its $z$ writes where $f$ keeps, so there the bias is that of $z$, with a minus sign. A plain network has none.) Predict first:
#
# 1. The gradient of the last state goes back eight steps, to the start. In which of the three is most of it left?
# 2. Does it come along the belt or through the matrices?
# 3. The forget bias rises from 1 to 5. What becomes of the belt's part, and what of the whole?
#
# Then press *play*: each loop unrolls, and the gradient comes back. Drag the forget bias at the end.

# %%
lc.lab([lc.cells.rnn, lstm, lc.cells.gru])

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. In the cell state of the LSTM: 0.40, where the GRU has 0.12 and the plain network 0.002. 2. Only 0.09 of it came along the belt. That is the product of the forget gates. The rest, 0.31, took the way through $h$. A plain network has no belt at all. 3. The belt's part rises to 0.94. But the whole rises to 2.83: the gates that are now open carry on what comes in through $h$ too, and the gradient grows. In the GRU it stays near 1 (0.98), for the same $z$ that keeps also shuts what is written.
#
# Other weights give other numbers: the part through $h$ may also be negative, and take away from the belt's. [Notebook 04b](04b_what_an_untrained_lstm_remembers.ipynb) measures both parts in 32 units over 60 steps. `lc.lab(lc.xray(run))` shows them for a run of your own.
#
# </details>

# %% [markdown]
# ## Who carries what?
#
# Back to the trained reader, to put together what notebooks 05 to 08 found about its units. We ask two questions of each unit. How well does its cell state *tell* a property? (A probe: one threshold for all places, set on half of the rows and judged on the other half.) And how many answers are *lost* when the unit is silenced?


# %%
notes, state = reader.task.annotate(rows.x), reader.unroll(rows.x)["c"]
place = (np.arange(len(rows.x)) % 14)[:, None]  # the subject stands at 1
singular = notes["number"] == -1
between = {
    "gender": singular & (place >= 1) & (place <= 10),
    "number": np.ones_like(singular) & (place >= 1) & (place <= 4),
}


def tells(what):
    """For each unit, the share of places at which it tells a property."""
    here = between[what]
    fit = np.arange(here.shape[1]) < here.shape[1] // 2
    data = [(state[w], notes[what][w] == 1) for w in (here & fit, here & ~fit)]
    return lc.inspection.probe(*data[0]).score(*data[1])


told = {what: tells(what) for what in between}

# %%
whole = lc.reader.answers(reader.predict(rows.x), rows)
loss = {key: np.zeros(32) for key in whole}
for unit in range(32):
    quiet = lc.inspection.silence(reader, unit)
    for key, right in lc.reader.answers(quiet.predict(rows.x), rows).items():
        loss[key][unit] = whole[key] - right


# %%
def top(values, count):
    """The units with the largest values, in words."""
    units = np.argsort(-values.round(2), kind="stable")[:count]
    shown = [f"unit {k} ({values[k]:.2f})" for k in units if values[k] > 0.005]
    return ", ".join(shown)


for what, shares in told.items():
    print(f"{what:7} told best by ", top(shares, 3))
for key, lost in loss.items():
    print(f"{key:7} lost most without", top(lost, 4))
print(f"unit 15 tells the gender in {told['gender'][15]:.2f} of all places")

# %% [markdown]
# In brackets: the share of places at which the unit tells the property, and the share of right answers that is lost without it. A loss of 0.5 means down to a guess.
#
# Unit 21 tells the gender best, and the answers about gender need it. But they need unit 15 just as much, and its state hardly tells the gender by our probe. (One threshold for all places is a crude probe: a finer one may find more.) They need unit 6 too, whose state tells the number. For the verb no single unit is needed: units 6 and 21 both tell the number. Only without both does the verb suffer:

# %%
both = lc.inspection.silence(lc.inspection.silence(reader, 6), 21)
left = lc.reader.answers(both.predict(rows.x), rows)
print(f"without units 6 and 21 the verb is right in {left['verb']:.2f}")

# %% [markdown]
# So a unit that *carries* a property and a unit that an answer *depends on* are two findings, and need two experiments.
#
# ### Ten networks
#
# How much of the essay's story about gender and number holds over the ten networks of notebook 05?

# %%
ten = lc.experiments.load("gates_while_reading")
value = {k: ten.over("trained", k)[1][1] for k in ten.trials[0].values}
admits = value["gender_admit_subject"] - value["gender_admit_attractor"]
shows = value["number_show_before"] - value["number_show_within"]
forgets = value["gender_kept_across"] < 0.25
all_three = forgets & (admits > 0.05) & (shows > 0.05)
print("forget, admit and show as in the essay:", np.sum(all_three), "of ten")
right = min(value[key].min() for key in ("verb", "number", "gender"))
print(f"right answers, in the worst of the ten: {right:.2f}")

# %% claims=["C26", "C29"]
lc.claim(
    "C26",
    "networks of ten that forget three quarters of the old gender by the "
    "time they have read the new subject",
    int(np.sum(forgets)),
    above=5,
    verdict="qualified",
)
lc.claim(
    "C29",
    "networks of ten that admit a subject's gender more than a distractor's",
    int(np.sum(admits > 0.05)),
    above=5,
    verdict="qualified",
)

# %% claims=["C31", "C34"]
lc.claim(
    "C31",
    "networks of ten whose pronoun follows the state of one unit",
    int(np.sum(value["flipped"] > 0.8)),
    above=5,
    verdict="qualified",
)
lc.claim(
    "C34",
    "networks of ten that open number's output gate wider before the verb",
    int(np.sum(shows > 0.05)),
    above=5,
    verdict="qualified",
)

# %% [markdown]
# Each of these holds in most of the networks; forgetting, admitting and showing together in four. Notebooks 05 to 08 compared them with the *other* units of the same networks. Forgetting alone and showing alone do not survive that: three other units of five forget as much, and half of them show as much. Admitting, keeping *and* forgetting, and above all the answers that follow one unit do survive. And all ten networks answer everything right. The essay tells one way to do it. Gradient descent finds that way in some networks, and other ways in the rest.
#
# ## What to remember
#
# - Six equations: three gates, a candidate, an update, a view.
# - The backward pass follows from them line by line. Along the belt the gradient is multiplied by $f_t$ alone.
# - What a network *can* do with its gates, and what a trained one does, are two questions. Only measuring answers the second.
#
# ## Two questions to check yourself
#
# 1. Which formulas of the backward pass change if the $\tanh$ in $h_t$ is left out?
# 2. A unit tells the number in 97 % of all places, and silencing it changes no answer. Is that a contradiction?
#
# <details><summary>Answers</summary>
#
# 1. Two: $\delta o_t = \delta h_t \odot C_t$, and in $\delta C_t$ the factor $1 - \tanh^2 C_t$ goes. 2. No: other units may carry the number too.
#
# </details>
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="09.4"
# In somebody's cell the four layers see the input alone, not $h_{t-1}$. So the cell state is the only way from step to step. This is their way back to the sums that the candidates squash, `d_a`. You get the gates, candidates and cell states of all steps, each (T, H), and `d_out`, the loss's derivative with respect to each $h_t$. On sequences of one step it is right. Mend it.


# %% tags=["exercise"]
def to_candidates(f, i, g, o, c, d_out):
    # solution:
    d_c, d_a = np.zeros_like(c[0]), np.zeros_like(c)
    for t in reversed(range(len(c))):
        d_c = d_c + d_out[t] * o[t] * (1 - np.tanh(c[t]) ** 2)
        d_a[t] = d_c * i[t] * (1 - g[t] ** 2)
        d_c = d_c * f[t]
    return d_a
    # given:
    # d_c, d_a = np.zeros_like(c[0]), np.zeros_like(c)
    # for t in reversed(range(len(c))):
    #     d_c = d_c + d_out[t] * o[t] * (1 - np.tanh(c[t]) ** 2)
    #     d_a[t] = d_c * i[t] * (1 - g[t] ** 2)
    # return d_a
    # end


lc.check("09.4", to_candidates)

# %% [markdown] tags=["solution"]
# How much does it matter? Here is the same factor forgotten in `back`, for sequences of 1, 2 and 20 steps:


# %% tags=["solution"]
def careless(d_h, d_c, step, before, params):
    """As `back`, with one factor forgotten."""
    d_h, d_c, d_a = back(d_h, d_c, step, before, params)
    return d_h, d_c / step["f"], d_a


for steps in (1, 2, 20):
    part = lc.unroll(lstm, params, x[:steps])
    true, wrong = (
        through_time(b, part, x[:steps], d_out[:steps], params)["W_g"]
        for b in (back, careless)
    )
    off = np.abs(wrong - true).max() / np.abs(true).max()
    print(f"{steps:2d} steps: off by {off:.0%}")

# %% [markdown] tags=["solution"]
# With one step nothing is wrong: the forgotten factor changes only the gradient of $C_0$, which no weight needs. With two the gradient is off by a tenth, with twenty by more than its own size.

# %% [markdown] tags=["exercise"] exercise="09.6"
# To keep: train *your* LSTM to read. Make a model of your cell with `lc.reader.language(gap=0)`, short sentences without distractors, and train it until verbs and pronouns are right in nine of ten cases. Then let it go on by itself after "the boy". (`lc.checkpoints.save("mine.safetensors", model)` keeps it on your disk.)

# %% tags=["exercise", "nbval-ignore-output"] why="training in float32, in which the last digits follow the processor"
# solution: model
model = lc.Model(starts_open, lc.reader.language(gap=0), hidden_size=32, rng=0)
adam = lc.optim.Adam(2e-2)
lc.fit(model, 200, optimizer=adam, seed=0, progress=False)
print("the boy", model.sample("the boy", 60, rng=1))
# end
lc.check("09.6", model)

# %% [markdown] tags=["solution"]
# Some 200 updates are enough, a few seconds. Number comes first, gender last: after 100 updates the pronoun's gender is still a guess in our runs.

# %% tags=["check"]
assert max(apart) < 1e-12
three = lc.lab([lc.cells.rnn, lstm, lc.cells.gru])
for bias, arrives in ((1.0, (0.40, 0.09, 0.12)), (5.0, (2.83, 0.94, 0.98))):
    three.forget_bias = bias
    rnn_seen, lstm_seen, gru_seen = three.xrays().values()
    memory = lstm_seen["c", "c"], lstm_seen.belt["c", "c"]
    found = [a[0, 0, 0] for a in (*memory, gru_seen["h", "h"])]
    assert np.abs(np.subtract(found, arrives)).max() < 0.006
    assert rnn_seen["h", "h"][0, 0, 0] < 0.003
assert np.sum(value["without_gender"] < 0.6) >= 8
assert value["without_another"].min() > 0.8

# %% [markdown]
# ## What you can do now
#
# You can write the LSTM, derive its gradients, and look inside a trained one. What was it before it had a forget gate, and what is it good for? [The next page](09b_what_the_lstm_is_good_for.ipynb) measures.
