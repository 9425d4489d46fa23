# %% [markdown]
# # The cell state
#
# An LSTM has a second state beside $h$: the cell state $C$, the line along the top of its diagram. The essay compares it with a conveyor belt. What lies on the belt travels on unchanged, unless a gate acts on it.
#
# After this page you can
#
# - show that the belt carries numbers, and gradients, over 1,000 steps without any loss,
# - say what a gate is made of, and what its values mean,
# - say what each of the three gates protects.
#
# {minutes} It follows the section *The Core Idea Behind LSTMs* of [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import math

import numpy as np

import lstmcourse as lc
from lstmcourse import plots

lstm = lc.cells.lstm

# %% [markdown]
# ## The belt
#
# This is everything that ever happens to the cell state:

# %%
lstm.equations("c")

# %%
lstm.diagram(focus="c")

# %% [markdown]
# Read the picture from left to right. $C_{t-1}$ arrives, a row of numbers. Each number is multiplied by its own number in $f_t$ ($\odot$ is the product number by number). Then $i_t \odot \tilde C_t$ is added. The result is $C_t$, and it goes on to the next step.
#
# You met the letters in [notebook 03](03_lstm_networks.ipynb). The forget gate $f_t$ and the input gate $i_t$ hold numbers between 0 and 1, the candidate $\tilde C_t$ numbers between $-1$ and 1. All three are layers that read $x_t$ and $h_{t-1}$. What matters here: **only a product and a sum touch the belt.** There is no matrix on it, and nothing squashes it.

# %% [markdown] tags=["exercise"] exercise="04.1"
# Write the belt of one unit as a loop. You get its number at the start, `C`, and for each step a forget gate, an input gate and a candidate: arrays `f`, `i` and `g` (T,). Return the T numbers on the belt, one after each step.


# %% tags=["exercise"]
def belt_states(C, f, i, g):
    # solution:
    states = []
    for t in range(len(f)):
        C = f[t] * C + i[t] * g[t]
        states.append(C)
    return np.array(states)
    # end


lc.check("04.1", belt_states)

# %% [markdown]
# ## Nothing is lost
#
# Suppose no gate touches the belt. `override` gives the same cell with some of its equations held at a number. We hold the forget gate open, $f = 1$, and the input gate shut, $i = 0$:

# %%
untouched = lstm.override(f=1.0, i=0.0)
untouched.equations("f", "i", "c", "h")

# %% [markdown]
# Put eight numbers between $-2$ and 2 on the belt and run 1,000 steps of random input. Predict: after 1,000 products and 1,000 sums, how far is $C$ from where it was? And does $h$ stand still too?
#
# (The batch holds the same sequence eight times. We shall need all eight in a moment.)

# %%
rng = np.random.default_rng(0)
x = np.repeat(rng.standard_normal((1000, 1, 3)), 8, axis=1)
params = lstm.init(input_size=3, hidden_size=8, rng=rng, dtype=np.float64)
C_0 = np.tile(np.linspace(-2, 2, 8), (8, 1))
run = lc.unroll(untouched, params, x, state={"c": C_0})
two = {
    "cell state $C_t$": run["c"][:100, 0, 7],
    "hidden state $h_t$": run["h"][:100, 0, 7],
}
steps = np.arange(1, 101)
fig = plots.lines(two, steps, xlabel="step t", ylabel="unit 8", ylim=(0, 2.3))
plots.show(fig, "04-1")

# %% [markdown]
# The cell state is a level line. The hidden state moves, because $h_t = o_t \odot \tanh(C_t)$ and the output gate $o_t$ still answers to the input. What is *shown* changes; what is *stored* does not. The same holds for all units and all 1,000 steps. And $C$ is not *nearly* equal but equal: a number times 1, plus 0, is that number, also in floating point.
#
# ### The gradient
#
# [Notebook 02](02_long_term_dependencies.ipynb) found why plain networks fail: over a long distance the gradient is gone. So take the gradient of the last cell state $C_T$ with respect to the first, $C_0$. It is a table of 8 × 8 numbers. How much does unit $k$ at the end change with unit $j$ at the start? Sequence $k$ of our batch gives the row of unit $k$:

# %%
table = run.backward(final={"c": np.eye(8)})["c0"]
all_C = run["c"]
print(table[:3, :3])

# %% [markdown]
# On the belt, each step back multiplies by $f = 1$. There might have been a second way: $C_t$ shows in $h_t$, and the layers of the next step read $h_t$. But here these layers lead nowhere. Two of the gates are held, so they read nothing. The candidate is multiplied by $i = 0$. The output gate acts on $h$, never on $C$.
#
# Now put the same question to a plain $\tanh$ network with the same inputs. Predict the order of magnitude.

# %%
rnn = lc.cells.rnn
plain = rnn.init(input_size=3, hidden_size=8, rng=rng, dtype=np.float64)
left_over = {}
for steps in (10, 100, 1000):
    d_h0 = lc.unroll(rnn, plain, x[:steps]).backward(final={"h": np.eye(8)})
    left_over[steps] = np.abs(d_h0["h0"]).max()
    print(f"largest entry after {steps:4} steps: {left_over[steps]:.0e}")

# %% claims=["C21"] seeds="0 to 9: 0.007 to 0.12; 3e-22 to 8e-15; 5e-200 to 6e-159"
lc.claim(
    "C21",
    "with f = 1 and i = 0, every C_t equals C_0, to the last bit",
    bool((all_C == C_0).all()),
)
lc.claim(
    "C21",
    "dC_T/dC_0 over 1,000 steps of the belt is exactly the identity",
    bool((table == np.eye(8)).all()),
)
lc.claim(
    "C21",
    "in a plain tanh network hardly any gradient is left after 100 steps",
    left_over[100],
    below=1e-10,
)

# %% [markdown]
# In notebook 02 a plain network lost far less: a thousandth was left after 80 steps. The difference is the input. There a word is a single 1 among many inputs, and hardly moves a unit. Here three numbers of size 1 drive $\tanh$ to where it is flat, and each step back multiplies by its slope. With smaller inputs the same network keeps more:

# %%
for scale in (1.0, 0.3, 0.1):
    run = lc.unroll(rnn, plain, scale * x[:100])
    kept = np.abs(run.backward(final={"h": np.eye(8)})["h0"]).max()
    slope = np.mean(1 - run["h"] ** 2)
    print(f"inputs times {scale}: mean slope {slope:.2f}, left {kept:.0e}")

# %% [markdown]
# ### Feel it
#
# Here is one number on the belt, over eight steps. You set its start $C_0$, the two gates, and what the candidate proposes at steps 2 and 5; at all other steps it proposes 0. Predict before you move:
#
# - $f = 1$ and $i = 0$: what happens to $C$ when you move the candidates?
# - $C_0 = 1$, $f = 0.5$ and $i = 0$: what is left at step 8?
# - $f = 1$ and $i = 1$: how large can you make $C$?
# - $C_0 = 0$, $f = 0.9$ and $i = 1$: you write 1 at step 2, or 1 at step 5. How much more is left of the later one?

# %%
lc.widgets.belt_panel()

# %% [markdown]
# <details><summary>Answers</summary>
#
# Nothing happens: with $i = 0$ no candidate reaches the belt. Halved eight times, 0.004 is left. With both gates open candidates add up, and $C$ leaves the range from $-1$ to 1. Of the two writings the earlier loses three steps more: 0.531 is left of it, and 0.729 of the later one.
#
# </details>

# %% [markdown]
# ## What a gate is
#
# Gates let something onto the belt, or take something off it. A gate has two parts: a **layer with $\sigma$**, which gives one number between 0 and 1 for each number on the belt, and a **product**, number by number. As a cell of its own, with the input alone to read:


# %% claims=["C22"]
@lc.cell
def gate(x, c):
    """A layer with sigma, and a product."""
    f = lc.sigmoid(lc.affine("f", x))
    c = f * c
    return c


gate.diagram()

# %% [markdown]
# The number says how much gets through. Here four numbers meet a gate that stands at 0, at 1, and in between:

# %% claims=["C23"]
arriving = np.array([2.0, -3.0, 0.5, 4.0])
print(np.array([0.0, 1.0, 0.5, 0.9]) * arriving)

# %% [markdown]
# 0 lets nothing through, 1 lets everything through, 0.5 lets half through. A gate can make a number smaller. It can never change its sign.
#
# ### Open and shut gates learn slowly
#
# In exact arithmetic $\sigma(a) = 1/(1+e^{-a})$ never reaches 0 or 1. A computer rounds, and there it does. What counts for learning is the gate's **slope**, its derivative with respect to $a$. It tells how far the gate moves when its weights move.

# %%
a = np.linspace(-12, 12, 241)
f = 1 / (1 + np.exp(-a))
fig, axes = plots.figure(8.4, 3.1, columns=2)
plots.lines(f, a, xlabel="a", title="σ(a)", ax=axes[0])
slope = "its slope σ(a) (1 − σ(a))"
plots.lines(f * (1 - f), a, xlabel="a", title=slope, log="y", ax=axes[1])
plots.show(fig, "04-2")

# %% [markdown]
# **What to notice.** The slope is $f(1 - f)$. It is 1/4 where the gate is undecided, and falls off exponentially on both sides: on the logarithmic scale, along a straight line. At $a = 5$ it is below 0.01. Beyond $a \approx 17$ in float32, or $a \approx 37$ in float64, $f$ is rounded to 1, and no gradient gets through at all.
#
# Here is what that costs. A gate starts at some bias, and its task is to forget: the belt holds 1 and should hold 0, so the loss is $\frac{1}{2} f^2$. How many steps of gradient descent, at a learning rate of 1, until the gate lets less than a tenth through?


# %%
def steps_to_forget(bias):
    """Steps of gradient descent until the gate is below 0.1."""
    for steps in range(100_000):
        f = 1 / (1 + math.exp(-bias))
        if f < 0.1:
            return steps
        bias -= f * f * (1 - f)


print({bias: steps_to_forget(bias) for bias in (0, 1, 2, 5, 10)})

# %% [markdown]
# From a bias of 5 it takes three times as long as from 1; from 10, more than 20,000 steps. A gate that is wide open keeps well, and *learns slowly to do anything else*. A gate that is shut learns just as slowly to open.

# %% [markdown]
# ## Three gates, to protect and control
#
# Two of an LSTM's three gates stand on the belt: $f$ at the product, $i$ before the sum. The third, $o$, stands where the belt is read: $h_t = o_t \odot \tanh(C_t)$.
#
# What do they protect? Take a network of eight units with random weights, and store 0.8 in its first unit. Then run 100 steps of random input that has nothing to do with it. `hold` fixes the gates of the first unit; the other seven are free.


# %% tags=["setup"]
def hold(params, **gates):
    """The same weights, with the first unit's gates fixed."""
    held = {name: p.copy() for name, p in params.items()}
    for gate, value in gates.items():
        held[f"W_{gate}"][:, 0] = held[f"U_{gate}"][:, 0] = 0.0
        shut_or_open = {0: -200.0, 1: 200.0}  # where σ is exactly 0 or 1
        bias = shut_or_open.get(value) or math.log(value / (1 - value))
        held[f"b_{gate}"][0] = bias
    return held


def stored(value, seed, **gates):
    """100 random steps of 64 sequences, with a value in the first unit."""
    rng = np.random.default_rng(seed)
    params = hold(lstm.init(3, 8, rng, np.float64), **gates)
    C_0 = np.zeros((64, 8))
    C_0[:, 0] = value
    x = rng.standard_normal((100, 64, 3))
    return lc.unroll(lstm, params, x, state={"c": C_0})


# %% [markdown] tags=["exercise"] exercise="04.7"
# How far is the first unit from 0.8 after 100 steps, (a) with $f = 1$ and $i = 0$, (b) with $f = 0.9$ and $i = 0$? Predict, and give both numbers, to two decimals. Then guess for yourself: (c) with $f = 1$ and $i = 1$, is it more than in (b), or less?

# %% tags=["exercise"]
# solution: errors_ahead
errors_ahead = [0.0, 0.8]
# end
lc.check("04.7", errors_ahead)

# %%
cases = {
    "f = 1, i = 0": (1, 0),
    "f = 1, i = 1": (1, 1),
    "f = 0.9, i = 0": (0.9, 0),
}
errors = {}
for name, (f, i) in cases.items():
    runs = [stored(0.8, seed, f=f, i=i) for seed in range(5)]
    errors[name] = [np.median(abs(r["c"][-1, :, 0] - 0.8)) for r in runs]

fig = plots.dots(
    errors | {"the value, 0.8": [0.8]},
    xlabel="error after 100 steps (median of 64 sequences)",
)
plots.show(fig, "04-3")

# %% [markdown]
# With the belt protected there is no error at all. With the input gate open, 100 candidates have been added, and bury the 0.8. With a forget gate of 0.9 the value is down to $0.9^{100} \cdot 0.8$, about 0.00002, so the error is the value itself.
#
# So forget gate and input gate protect the belt from the rest of the network. The output gate works the other way: it protects *the others from what is stored*. Store $0.8$ in the first unit, then $-0.8$, with the same inputs. Do the other seven units feel the difference?

# %%
felt = {}
for o in (0, 1):
    felt[o] = []
    for seed in range(5):
        up, down = (stored(v, seed, f=1, i=0, o=o) for v in (0.8, -0.8))
        felt[o].append(np.abs(up["c"] - down["c"])[..., 1:].max())
    print(f"o = {o}: the others differ by", *(f"{d:.1f}" for d in felt[o]))

# %% claims=["C24"] seeds="0 to 9: input gate open 0.77 to 33; output gate open 2.4 to 3.7"
lc.claim(
    "C24",
    "input gate open: the stored value is buried, in each of five networks",
    errors["f = 1, i = 1"],
    above=0.4,
)
lc.claim(
    "C24",
    "output gate open: what one unit stores changes the other units",
    felt[1],
    above=0.5,
)

# %% [markdown]
# With $o = 0$ the value waits on the belt, and the others do not see it. With $o = 1$ it shows in $h$, all layers of all units read it, and their states change. That is what the essay means by *protect and control*.
#
# In a real cell gates are not set by hand. They answer to $x$ and $h$. Here is all of it: one unit with a number on every line, and below it the same unit through time. Mark a span of a row to hold a gate there. Predict:
#
# - Hold the forget gate at 1 from step 4 on, and the input gate at 0. What does the second pulse do to $C$, and to $h$?
# - Hold nothing. Which weights and biases make the cell keep its first input over 50 steps? (This is the first of the *challenges* at the bottom, which tell you when you have them.)

# %%
lc.lab(lstm)

# %% [markdown]
# <details><summary>Answers</summary>
#
# $C$ stays. $h$ moves with the output gate, which still sees the pulse. To hold a value, the forget gate has to be open whatever comes: a large bias $b_f$, and no weights that could shut it. And nothing may be written when nothing comes: no bias $b_g$, and no $U_g$, which would write what is shown. With $b_f = 9$, $W_g = 0.5$ and all else at 0 the worst error is 0.02.
#
# </details>

# %% [markdown]
# ## What to remember
#
# - Only a product and a sum touch the belt. With $f = 1$ and $i = 0$ it carries numbers and gradients over any distance, exactly.
# - A gate is a layer with $\sigma$ and a product. 0 lets nothing through, 1 everything. Near either end its slope is tiny, and it learns slowly.
# - Forget gate and input gate protect what is stored. The output gate protects the other units from it.
#
# ## Three questions to check yourself
#
# 1. The input gate is shut, the forget gate stands at 0.98. After how many steps is half of the value left?
# 2. With $f = 1$ and $i = 0$, how can $dC_T/dC_0$ be exactly 1 although $C$ shows in $h$, and all layers read $h$?
# 3. A gate stands at 0.9999. How large is its slope, compared with that of a gate at 0.5?
#
# <details><summary>Answers</summary>
#
# 1. $\ln 0.5 / \ln 0.98 \approx 34$. 2. What reads $h$ has no way back onto the belt: the held gates do not read it, the candidate is multiplied by 0, and the output gate acts on $h$ only. 3. $0.9999 \cdot 0.0001 \approx 0.0001$ against 0.25: 2,500 times smaller.
#
# </details>
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="04.3"
# You get the forget gates of one unit, `f` (T,), $f_1$ to $f_T$. Along the belt alone, what is the derivative of $C_T$ with respect to $C_0$, to $C_1$, and so on to $C_T$? Return these T + 1 numbers, in this order.


# %% tags=["exercise"]
def left(f):
    # solution:
    ahead = np.cumprod(f[::-1])[::-1]
    return np.append(ahead, 1.0)
    # end


lc.check("04.3", left)

# %% [markdown] tags=["solution"]
# $dC_T/dC_t = f_{t+1} f_{t+2} \cdots f_T$, and 1 for $t = T$, where no gate is ahead. The same product says how much of what step $t$ wrote is left at the end, since $dC_t/d(i_t \tilde C_t) = 1$.

# %% [markdown] tags=["exercise"] exercise="04.5"
# Somebody wrote this loop. It returns what an LSTM shows, the T rows of $h$, from gates and candidates `f`, `i`, `g`, `o` (T, H) and the first cell state `C` (H,). It runs, and the network built on it even trained, to a loss that was a little too high. Mend it.


# %% tags=["exercise"]
def shown(f, i, g, o, C):
    # solution:
    h = []
    for t in range(len(f)):
        C = f[t] * C + i[t] * g[t]
        h.append(o[t] * np.tanh(C))
    return np.array(h)
    # given:
    # h = []
    # for t in range(len(f)):
    #     new = f[t] * C + i[t] * g[t]
    #     h.append(o[t] * np.tanh(C))
    #     C = new
    # return np.array(h)
    # end


lc.check("04.5", shown)

# %% [markdown] tags=["solution"]
# Two names for one quantity, and the older was shown. With one name there is nothing to confuse: after its line, `C` is the new cell state.

# %% [markdown] tags=["exercise"] exercise="04.8"
# Set the gates by hand: at every step the belt of one unit is to hold the **mean** of all candidates so far, whatever they are, and whatever lay on it at the start. Steps count from 1. Which values must forget gate and input gate have at step `t`? Return the two, $f_t$ first. (As everywhere on this page a gate may stand at 0 or at 1.)


# %% tags=["exercise"]
def gates(t):
    # solution:
    return (t - 1) / t, 1 / t
    # end


lc.check("04.8", gates)

# %% [markdown] tags=["solution"]
# A mean of $t$ numbers is $\frac{t-1}{t}$ times the mean of those before, and $\frac{1}{t}$ times the last one. At the first step the forget gate is shut: what lay on the belt is gone.

# %% [markdown] tags=["exercise"]
# To keep: a belt of your own. Choose when something is written, and how long it stays. Then look at the numbers that your loop of exercise 04.1 gives.

# %% tags=["exercise"]
f = np.full(12, 0.8)
i = np.array([0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0.0])
mine = belt_states(0.0, f, i, np.ones(12))
mine if mine is None else np.round(mine, 2)

# %% tags=["check"]
assert (
    np.ptp(
        lc.unroll(untouched, params, x, state={"c": C_0})["h"][:, 0], axis=0
    ).min()
    > 0.03
)
assert left_over[10] > 0.001 and left_over[1000] < 1e-100
assert (
    errors["f = 1, i = 0"] == [0] * 5
    and min(errors["f = 0.9, i = 0"]) > 0.7992
)
assert felt[0] == [0] * 5

# %% [markdown]
# ## What you can do now
#
# You can say what the belt keeps and why, read a gate's value and its slope, and say what each gate protects. But who sets the gates before anything is learnt? [The next page](04b_what_an_untrained_lstm_remembers.ipynb) measures what an untrained LSTM remembers.
