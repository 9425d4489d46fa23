# %% [markdown]
# # What an untrained LSTM remembers
#
# Remembering for long, the essay says, is practically the default behaviour of LSTMs, not something they struggle to learn. [Notebook 04](04_cell_state.ipynb) showed what it takes: a forget gate near 1. Does an LSTM start out that way? This page measures it, before any training.
#
# After it you can
#
# - split a gradient into the part that stays on the belt and the part that passes through matrices,
# - predict how long an untrained LSTM remembers, from one number,
# - choose a start that remembers, and say what it costs.
#
# {minutes} It is an appendix to the essay's *Core Idea Behind LSTMs*.

# %% tags=["setup"]
import math

import numpy as np

import lstmcourse as lc
from lstmcourse import plots

lstm = lc.cells.lstm

# %% [markdown]
# ## One gate free, then all
#
# In notebook 04 we held both gates on the belt, $f = 1$ and $i = 0$, and $dC_T/dC_0$ was the identity. Now hold the forget gate alone.

# %% [markdown] tags=["exercise"] exercise="04.2"
# Hold $f = 1$ and leave everything else free, as in `lstm.override(f=1.0)`. What becomes of the table $dC_T/dC_0$? `"it is the identity"`, `"it vanishes"`, `"it is the identity, if the inputs are small"`, `"it is a diagonal, but not the identity"`, or `"the belt's part is the identity, the whole is not"`?

# %% tags=["exercise"]
# solution: prediction
prediction = "the belt's part is the identity, the whole is not"
# end
lc.check("04.2", prediction)

# %% [markdown] tags=["solution"]
# $C$ shows in $h$, the layers read $h$, and what they write lands on the belt. $C_T$ is a linear function of $C_0$ only for *given* gates and candidates: that is what the essay's *minor linear interactions* means.

# %% [markdown]
# Committed? Here is the corner of the table after 50 steps:

# %%
rng = np.random.default_rng(0)
params = lstm.init(input_size=3, hidden_size=8, rng=rng, dtype=np.float64)
x = np.repeat(rng.standard_normal((50, 1, 3)), 8, axis=1)
free = lc.unroll(lstm.override(f=1.0), params, x)
print(free.backward(final={"c": np.eye(8)})["c0"][:3, :3].round(2))

# %% [markdown]
# It is not the identity. Besides the belt there is a second way: from the belt into $h$, through the matrices that read $h$ into gates and candidate, and back onto the belt.
#
# `lc.xray` tells the two ways apart. It gives $\partial C_T / \partial C_t$ for every step $t$ of a run, in two parts: `belt` met no matrix, `through` did. It computes each by itself, and they add up to the whole. The belt's part is the product of the forget gates:


# %%
def look_through(cell, seed=0, **start):
    """An untrained network of 32 units along 60 steps, and its x-ray."""
    rng = np.random.default_rng(seed)
    params = cell.init(8, 32, rng, np.float64, **start)
    run = lc.unroll(cell, params, rng.standard_normal((60, 1, 8)))
    return run, lc.xray(run)


run, seen = look_through(lstm, forget_bias=1.0)
product = run["f"][30:, 0].prod(axis=0)
in_belt = np.diag(seen.belt["c", "c"][30])
for unit in range(3):
    print(f"unit {unit}: product of f over steps 31 to 60 ", end="")
    print(f"{product[unit]:.2e}, belt's part {in_belt[unit]:.2e}")

# %% [markdown]
# Both ways on one picture: an LSTM of one unit, unrolled over eight steps. Press *play*, and the gradient comes back: solid along the belt, hollow through the matrices. Predict first:
#
# 1. The forget bias is 1. Which part of $\partial C_8 / \partial C_0$ is larger?
# 2. You drag the bias from 1 to 5. The belt's part rises. Does the other fall?

# %%
lc.lab([lstm])

# %% [markdown]
# <details><summary>Answers</summary>
#
# 1. The part through the matrices: 0.31, against 0.09 along the belt. 2. No. It rises with the belt's, to 1.88 against 0.94. A gradient that has come back onto the belt through $h$ is kept there as well. So opening the gate does not choose between the two ways: it opens the one and helps the other.
#
# </details>

# %% tags=["check"]
one = lc.lab([lstm])
for bias, arrives in ((1.0, (0.09, 0.31)), (5.0, (0.94, 1.88))):
    one.forget_bias = bias
    (eight,) = one.xrays().values()
    ways = [way["c", "c"][0, 0, 0] for way in (eight.belt, eight.through)]
    assert np.abs(np.subtract(ways, arrives)).max() < 0.006

# %% [markdown]
# How large are the parts in 32 units, against the distance? Compare untrained LSTMs whose forget gates start with a bias $b_f$ of 1, the usual start, and of 5, which puts the gate near $\sigma(5) \approx 0.993$. Beside them a plain $\tanh$ network with as many units and the same inputs. At the last step each has size 1.

# %%
parts = {}
for bias in (5, 1):
    _, seen_too = look_through(lstm, forget_bias=float(bias))
    sizes = seen_too.sizes("c", "c")
    parts[f"$b_f$ = {bias}, all ways"] = sizes["total"][::-1]
    parts[f"$b_f$ = {bias}, belt alone"] = sizes["belt"][::-1]
_, plain = look_through(lc.cells.rnn)
parts["plain tanh network"] = plain.sizes("h", "h")["total"][::-1]

# %%
texts = {"xlabel": "distance k from the end", "ylabel": "size of the gradient"}
pairs = {
    f"$b_f$ = {bias}, belt alone": f"$b_f$ = {bias}, all ways"
    for bias in (5, 1)
}
fig = plots.lines(parts, log="y", ylim=(1e-10, 1e3), like=pairs, **texts)
plots.show(fig, "04b-1")

# %% claims=["C21"]
lc.claim(
    "C21",
    "untrained, with forget gates nearly open (bias 5), the belt alone keeps "
    "more than half of the gradient over 60 steps",
    parts["$b_f$ = 5, belt alone"][60],
    above=0.5,
)
lc.claim(
    "C21",
    "with the usual bias of 1 it keeps next to nothing",
    parts["$b_f$ = 1, belt alone"][60],
    below=1e-6,
    verdict="qualified",
)

# %% [markdown]
# **What to notice.** The scale is logarithmic. At a bias of 1 the belt loses the gradient about as fast as the plain network does. The way through $h$ helps: all ways together keep a good deal more. At a bias of 5 the belt loses little, and the way through $h$ even lets the gradient grow. The belt is an offer. The gates decide whether the network takes it.
#
# ### What the first updates do
#
# At a bias of 1, then, a good deal of the gradient arrives after 20 or 40 steps, by way of $h$. Why do so few LSTMs of [notebook 03](03_lstm_networks.ipynb) learn such a gap from there? Because this is the gradient of an *untrained* network. Train it on the sentence of that notebook, with 20 words between *France* and *French*, and measure two things after every update: the gradient of the score of *French* with respect to the cell state right after *France*, and the slope of $\tanh(C)$ at the end.


# %% tags=["setup"]
task = lc.tasks.Clouds(gap=20, lead=2)
words = np.eye(task.input_size, dtype=np.float32)[task.batch(batch_size=64).x]
french = task.language_words[0]


def arriving(model):
    """Gradient at the country, the eighth word; slope at the end."""
    p = {k[5:]: v for k, v in model.params.items() if k[:5] == "cell."}
    first = lc.unroll(lstm, p, words[:8], grad=False)
    run = lc.unroll(lstm, p, words[8:], state=first.final)
    score = model.params["readout.V"][:, french]
    score = np.tile(score / np.linalg.norm(score), (64, 1))
    gradient = run.backward(final={"h": score})["c0"]
    size = np.sqrt(np.mean(np.sum(gradient**2, axis=1)))
    return size, np.mean(1 - np.tanh(run["c"][-1]) ** 2)


# %% tags=["setup"]
def as_it_learns(bias, seed, updates=61):
    """Both after every update, and the loss."""
    seen = []

    def note(model, _):
        seen.append(arriving(model))

    model = lc.Model("lstm", task, hidden_size=32, rng=seed)
    model.params["cell.b_f"][:] = bias
    how = {"optimizer": lc.optim.Adam(0.003), "seed": seed, "progress": False}
    history = lc.fit(model, updates, callback=note, **how)
    return *np.transpose(seen), history.loss


# %%
early = {b: [as_it_learns(b, seed) for seed in range(3)] for b in (1, 5)}
loss = np.mean([run[2] for run in early[1]], axis=0)
print(f"b_f = 1: loss {loss[0]:.1f} at first, {loss[-1]:.1f} after 60 updates")
fig, axes = plots.figure(9, 3.4, columns=2)
titles = ("gradient at the country", "mean slope of tanh(C)")
for k, (ax, title) in enumerate(zip(axes, titles, strict=True)):
    series = {
        f"$b_f$ = {b}": np.transpose([run[k] for run in runs])
        for b, runs in early.items()
    }
    look = {"title": title, "xlabel": "updates", "log": "y", "ax": ax}
    plots.over_seeds(np.arange(61), series, **look)
plots.show(fig, "04b-3")

# %% [markdown]
# **What to notice.** In these updates the network learns that *some* language comes, and not which: the loss falls to about $\ln 8 = 2.1$, the guess among eight. Any constant will do for that, and growing cell states supply one. They leave the range in which $\tanh$ has a slope. The mean slope falls far, and the gradient at the country with it: at a bias of 1 by a factor of a thousand, at a bias of 5 less, and from a higher start. So the gradient is there while nobody needs it, and mostly gone when the network could use it. What is left then comes along the belt.

# %% [markdown]
# ## How long does a value last?
#
# A first answer needs no network. Without weights the forget gate stands at $f = \sigma(b_f)$ at every step, and after $k$ steps $f^k$ is left of what was written. The **half-life** is the $k$ at which half is left: $\ln 0.5 / \ln \sigma(b_f)$.
#
# Now measure. Take untrained LSTMs of 32 units with random input. Write a pulse of 1 into one unit of $C_0$ and run; then run again without the pulse. The difference of the two runs, in that unit, is what is left. Beside it stands what the belt alone keeps: the product of $f$.


# %% tags=["setup"]
def survival(bias, seed, input_bias=0.0, steps=128):
    """What is left of a pulse (on the belt, and between runs); size of C."""
    rng = np.random.default_rng(seed)
    params = lstm.init(8, 32, rng, np.float64, forget_bias=bias)
    params["b_i"][:] = input_bias
    x = rng.standard_normal((steps, 2, 8))
    pulse = np.tile(np.eye(32), (2, 1))  # for each input, one in each unit
    without = lc.unroll(lstm, params, x, grad=False)
    x = np.repeat(x, 32, axis=1)
    with_it = lc.unroll(lstm, params, x, state={"c": pulse}, grad=False)
    belt = np.cumprod(without["f"], axis=0).reshape(steps, 64)
    change = with_it["c"] - np.repeat(without["c"], 32, axis=1)
    ways = (belt, np.abs(change)[:, pulse == 1])
    left = [np.append(1.0, np.median(way, axis=1)) for way in ways]
    return *left, np.sqrt(np.mean(without["c"][99] ** 2))


def half_life(left):
    """The step at which half is left, read between the steps."""
    return np.interp(math.log(2), -np.log(left), np.arange(len(left)))


# %%
biases = (0, 1, 2, 5)
measured = {b: [survival(b, seed) for seed in range(5)] for b in biases}
lives = {b: [half_life(r[0]) for r in runs] for b, runs in measured.items()}
print("bias   σ(bias)   half-life by formula   on the belt, five networks")
for b in biases:
    sigma = 1 / (1 + math.exp(-b))
    found = f"{min(lives[b]):.1f} to {max(lives[b]):.1f}"
    formula = math.log(0.5) / math.log(sigma)
    print(f"{b:4}   {sigma:7.3f}   {formula:20.1f}   {found}")

# %% [markdown]
# One number takes us from one step to eighty. The formula ignores all weights, and still comes close. From bias 1 on it promises somewhat too much: a gate that swings to both sides loses more than one that stands still in the middle. Now both measurements, step by step:

# %%
fig, axes = plots.figure(9, 3.6, columns=2, sharey=True)
titles = (
    "on the belt: the product of f",
    "in that unit: the two runs differ by",
)
for k, (ax, title) in enumerate(zip(axes, titles, strict=True)):
    series = {
        f"$b_f$ = {b}": np.transpose([run[k] for run in runs])
        for b, runs in measured.items()
    }
    texts = {"title": title, "xlabel": "steps since the pulse", "ax": ax}
    look = {"log": "y", "ylim": (1e-4, 10)}
    plots.over_seeds(np.arange(129), series, **look, **texts)
axes[0].set(ylabel="left of the pulse")
plots.show(fig, "04b-2")

# %% [markdown]
# **What to notice.** On the left, the straight lines of $f^k$. On the right, the same at first; then the curves leave their lines. The pulse shows in $h$, this changes the gates and candidates of all units, and so changes what they write. This echo comes on top of the stored value. At bias 5 it outgrows it.

# %% claims=["C17"] seeds="0 to 9: 2.0 to 2.2; 76 to 86"
lc.claim(
    "C17",
    "with the usual bias of 1, half of a stored value is gone after two steps",
    lives[1],
    between=(1.6, 2.8),
    verdict="qualified",
)
lc.claim(
    "C17",
    "with a bias of 5 an untrained LSTM keeps half of it over 50 steps",
    lives[5],
    above=50,
    verdict="qualified",
)

# %% [markdown]
# ### Kept, but can it be found again?
#
# Half of the pulse may be left after 80 steps. But what else lies on the belt by then? The input gates of an untrained LSTM stand half open, and write at every step. For comparison, start them nearly shut, with a bias $b_i = -5$. How large is the cell state after 100 steps, without any pulse? We take the root mean square over all units.

# %%
quiet = [survival(5, seed, input_bias=-5.0) for seed in range(5)]
for input_bias, runs in ((0, measured[5]), (-5, quiet)):
    size = np.median([size for _, _, size in runs])
    print(f"b_i = {input_bias:2}: typical size of C {size:.2f}")

# %% claims=["C17"] seeds="0 to 9: 7.6 to 9.8"
lc.claim(
    "C17",
    "with b_f = 5 and b_i = 0, the cell state after 100 steps is several "
    "times as large as the pulse was",
    [size for _, _, size in measured[5]],
    above=4,
    verdict="qualified",
)

# %% [markdown]
# With the input gates nearly shut the cell state stays small, and for 100 steps the two runs differ by just what the belt keeps of the pulse, to within a tenth. So the stored value can be read. With half-open input gates it is still there, under eight times as much noise.
#
# So the essay's sentence needs a qualification. Remembering is the default *if the gates start that way*: the forget gate open, or else half of everything is gone after a step or two; and the input gate nearly shut, or else later writing buries what was stored. The sentence fits best the first LSTM, of [Hochreiter & Schmidhuber (1997)](https://doi.org/10.1162/neco.1997.9.8.1735). It had no forget gate, so its belt kept everything by construction. And nothing is free: gates that start far open or far shut have little slope, and learn slowly. The second half of the sentence says that remembering is no struggle to learn; [notebook 05](05_forget_gate.ipynb) trains a network and sees.

# %% [markdown]
# ## What to remember
#
# - A gradient travels along the belt, where each step multiplies it by $f$, and through $h$ and the matrices.
# - The forget bias sets how long an untrained LSTM remembers: two steps at a bias of 1, eighty at 5.
# - A value that is kept may still be buried. That depends on the input gate.
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="04b.1"
# Somebody measures what is left of a pulse. `with_it` and `without` are the cell states of two runs (T, H), the pulse was `size` (above 0), and it was written into unit `unit`. The function should return for each step how far the two runs are apart in that unit, as a share of the pulse. At some steps less than nothing is left, it says. Mend it.


# %% tags=["exercise"]
def left_of_pulse(with_it, without, unit, size):
    # solution:
    apart = np.abs(with_it[:, unit] - without[:, unit])
    return apart / size
    # given:
    # apart = np.abs(with_it[:, unit]) - np.abs(without[:, unit])
    # return apart / size
    # end


lc.check("04b.1", left_of_pulse)

# %% [markdown] tags=["solution"]
# A unit that holds $-1$ without the pulse and 1 with it differs by 2, and its sizes by nothing. Where both states have one sign the two lines agree, up to the sign of what they find: so it may go unnoticed for a long time.

# %% [markdown] tags=["exercise"] exercise="04.4"
# A gate that is wide open learns slowly. Put that into a formula: a forget gate stands where half of a value is left after `steps` steps. How large is its slope there, the derivative of $\sigma$?


# %% tags=["exercise"]
def slope_of(steps):
    # solution:
    f = 0.5 ** (1 / steps)
    return f * (1 - f)
    # end


lc.check("04.4", slope_of)

# %% [markdown] tags=["solution"]
# From $f^k = 1/2$ follows $f = 2^{-1/k}$, and the slope is $f(1 - f)$. For long half-lives $1 - f \approx \ln 2 / k$, so the slope falls as $0.69/k$: ten times the memory costs nine tenths of the slope.

# %% [markdown] tags=["exercise"] exercise="04b.2"
# A gate swings: at every other step it stands at $\sigma(b + s)$, at those between at $\sigma(b - s)$. After how many steps is half of a value left on the belt? Derive a formula that is right on average over many steps, and compare it with $\ln 0.5 / \ln \sigma(b)$, of a gate that stands still.


# %% tags=["exercise"]
def half_life_of(b, s):
    # solution:
    more = 1 / (1 + math.exp(-b - s))
    less = 1 / (1 + math.exp(-b + s))
    return 2 * math.log(0.5) / math.log(more * less)
    # end


lc.check("04b.2", half_life_of)

# %% [markdown] tags=["solution"]
# After two steps $\sigma(b+s)\,\sigma(b-s)$ is left, so a gate that stands still at the geometric mean of the two would do as much. $\ln \sigma$ is a concave function, so the mean of its values at $b + s$ and $b - s$ lies below its value at $b$, and the half-life is shorter. With $b = 5$ and $s = 1$ it is 67 steps, and 103 with $s = 0$.

# %% [markdown] tags=["exercise"] exercise="04.6"
# Design the start of an LSTM of 32 units. Its weights are drawn at random as usual, and you choose the biases of forget gate and input gate, `{"b_f": ..., "b_i": ...}`. Before it has learnt anything,
#
# - the belt must keep more than half over 100 steps of random input (the median over all units, in each of three networks),
# - the cell state, started at 0, must stay small: after 100 steps a root mean square below 0.2,
# - both gates must still be able to learn: without weights, slopes of at least 0.001.

# %% tags=["exercise"]
# solution: start_biases
start_biases = {"b_f": 6.0, "b_i": -5.0}
# end
lc.check("04.6", start_biases)

# %% [markdown] tags=["solution"]
# By the formula a half-life of 100 takes a bias of 5.0. With weights the gate swings around its bias, and loses more on one side than it gains on the other, since it cannot be more open than 1. So it takes somewhat more. From about 6.9 on the slope $f(1 - f)$ falls below 0.001. In between there is room, for both gates.

# %% [markdown] tags=["exercise"]
# To keep: what is left of a pulse in *your* untrained LSTM, on the belt and as the difference of two runs, beside the usual start.

# %% tags=["exercise"]
yours = {"b_f": 1.0, "b_i": 0.0} if start_biases is ... else start_biases
pairs = {"usual start": (1.0, 0.0), "your start": (yours["b_f"], yours["b_i"])}
for name, (b_f, b_i) in pairs.items():
    belt, change, size = survival(b_f, seed=0, input_bias=b_i)
    print(f"{name}, after 100 steps: {belt[100]:.2f} on the belt, ", end="")
    print(f"difference {change[100]:.2f}, size of C {size:.2f}")

# %% tags=["check"]
belt, through, whole = (
    part["c", "c"] for part in (seen.belt, seen.through, seen)
)
assert np.abs(np.diag(belt[30]) - product).max() < 1e-12
assert np.abs(belt + through - whole).max() < 1e-12
assert all(0.7 < life < 1.4 for life in lives[0])
left_at_1, left_at_5 = ([run[0][-1] for run in early[b]] for b in (1, 5))
assert max(left_at_1) < 1e-3 < 0.03 < min(run[0][0] for run in early[1])
assert np.median(left_at_5) > 3 * max(left_at_1)
assert max(size for _, _, size in quiet) < 0.2
assert max(np.abs(d / b - 1)[:101].max() for b, d, _ in quiet) < 0.1

# %% [markdown]
# ## What you can do now
#
# You can judge what an LSTM will remember before it is trained, and choose where it starts. Next come the gates, one by one, in a network that has learnt a language. First [the forget gate](05_forget_gate.ipynb).
