# %% [markdown]
# # The problem of long-term dependencies
#
# In principle, a recurrent network can connect what it reads now with what it read long ago. How far apart may the two be? This page measures it, and ends with a surprise: the limit is not what such a network can do, but what it can *learn*.
#
# After it you can
#
# - measure how success depends on the gap between a word and what it decides,
# - say how fast a gradient fades with distance, and when theory bounds it,
# - separate three questions: can the network hold it, can training find it, and is there another network that can?
#
# {minutes} It follows the section *The Problem of Long-Term Dependencies* of [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots

# %% [markdown]
# ## When the link is short
#
# We hope that recurrent networks connect earlier information with the present task. Often that is easy. *The clouds are in the* … and the next word is *sky*: only three words lie between the two that belong together.

# %% claims=["C11"]
clouds = lc.tasks.Clouds(kind="clouds", lead=(0, 4))
batch = clouds.batch(batch_size=4)
for b in range(4):
    n = batch.lengths[b]
    read, next_word = batch.x[:n, b], batch.y[n - 1 : n, b]
    print(clouds.decode(read), "…", clouds.decode(next_word))

# %% [markdown]
# A row may open with some filler, and only the last word counts. A full stop is a word too, and every row starts with one. There are eight places, equally likely, so guessing gives 1/8. Train a plain network with 32 units; it takes seconds.


# %%
def train(task, seed, steps, learning_rate=3e-3):
    """A plain recurrent network for a task."""
    model = lc.Model(lc.cells.rnn, task, hidden_size=32, rng=seed)
    adam = lc.optim.Adam(learning_rate)
    lc.fit(model, steps, optimizer=adam, seed=seed, progress=False)
    return model


trained = [train(clouds, seed, steps=300) for seed in range(3)]
short = [model.evaluate().accuracy for model in trained]

# %% claims=["C12"] seeds="0 to 9: 1.00"
lc.claim(
    "C12",
    "over a gap of three words, the network learns what comes next",
    short,
    above=0.95,
)

# %% [markdown]
# ## When it is long
#
# *I grew up in France. … I speak fluent* … . The last words tell that a language comes. Only the country tells which, and it stands further back. Here is that sentence in the same small world. The **gap** is the number of words between country and language, and we choose it:

# %%
for gap in (3, 12):
    task = lc.tasks.Clouds(gap=gap, lead=2)
    batch = task.batch(batch_size=1, seed=gap)
    read, answer = task.decode(batch.x[:, 0]), task.decode(batch.y[-1:, 0])
    print(f"gap {gap}: {read} … {answer}")

# %% [markdown]
# There are eight countries. Train for 400 steps at a gap of 5, and at a gap of 60. Predict: how much probability goes to *some* language, and how much to the *right* one?


# %%
def trust(gap, seed):
    """Mean probability of any language, and of the right one."""
    task = lc.tasks.Clouds(gap=gap, lead=(0, 4))
    model = train(task, seed, steps=400)
    batch = next(task.stream("test", batch_size=128))
    p = model.run(batch).prediction
    some = p[:, task.language_words].sum(axis=1)
    right = p[np.arange(128), batch.y[batch.mask]]
    return some.mean(), right.mean()


near = np.array([trust(5, seed) for seed in range(3)])
far = np.array([trust(60, seed) for seed in range(3)])

# %%
found = {
    f"gap {gap}: {what}": probabilities[:, k]
    for k, what in enumerate(("some language", "the right one"))
    for gap, probabilities in ((5, near), (60, far))
}
guess = {"chance among eight": [1 / 8]}
fig = plots.dots(found | guess, xlabel="probability, mean over test rows")
plots.show(fig, "02-1")

# %% tags=["check"] seeds="0 to 9: some language 1.00; the right one 0.99 at a gap of 5, 0.12 to 0.13 at 60"
assert np.min([*near[:, 0], *far[:, 0]]) > 0.95
assert np.min(near[:, 1]) > 0.9
assert 0.05 <= np.min(far[:, 1]) and np.max(far[:, 1]) <= 0.25

# %% [markdown]
# At a gap of 60 the right language gets 1/8: a guess among eight. That is just what the essay says. Recent words tell that a language comes. Only old words tell which, and training did not find the link to them. The network has learnt everything that the nearby words can teach.

# %% [markdown]
# ### There is no longest gap
#
# Nothing in the language stops the filler. The grammar makes a gap of a thousand words as readily as one of ten, and the answer is just as certain.

# %% claims=["C14"]
endless = lc.tasks.Clouds(gap=1000, lead=2)
batch = endless.batch(batch_size=1)
words = endless.decode(batch.x[:, 0]).split()
answer = endless.decode(batch.y[-1:, 0])
print(len(words), "words:", *words[:9], "…", *words[-3:], "…", answer)

# %% [markdown]
# ## Success against the gap
#
# Two gaps are too few. We take nine gaps, three learning rates and five seeds each, all fixed before the runs. Every run has 32 units and 1,500 steps, and clips its gradients: one longer than 1 is shortened to length 1. That takes longer than a notebook should, so we ran it beforehand (`make experiments`) and stored it with the versions and a hash of the code. (Where the best of the three rates was the highest or the lowest, we later tried one beyond it. It never helped: at a gap of 40 it scored higher by 0.007, and there all rates guess. 170 of the trials are for this network, the others for two that come later.)

# %%
stored = lc.experiments.load("link_against_gap")
print(stored.provenance["about"])
print(len(stored.trials), "trials, seeds", *stored.provenance["seeds"])

# %% [markdown]
# Do not take stored results on trust. The next cell draws one of the trials at random and runs it again, now. Two of its numbers must lie within the range of the stored seeds, at that gap and its neighbours, or at most 0.12 outside. (Where the seeds disagree the range is wide, so we draw from gaps at which they agree.)

# %%
quick = {"cell": "rnn", "scale": 1.0, "learning_rate": 1e-2, "gap": [3, 6, 40]}
again = lc.experiments.rerun("link_against_gap", 1, where=quick)
agreement = lc.experiments.agree("link_against_gap", again)
agreement

# %%
by_rate = {}  # for each learning rate: (9 gaps, 5 seeds)
for rate in (1e-2, 3e-3, 1e-3):
    which = {"cell": "rnn", "scale": 1.0, "learning_rate": rate}
    gaps, by_rate[rate] = stored.over("gap", "accuracy", **which)

learnt = {
    f"learning rate {rate:g}": np.sum(found > 0.9, axis=1)
    for rate, found in by_rate.items()
}
look = {"ylabel": "runs of 5 that are right in 9 of 10", "log": "x"}
look |= {"xlabel": "gap: words between country and language"}
plots.show(plots.lines(learnt, gaps, **look), "02-2")

# %% [markdown]
# Up to a gap of ten, 43 of 45 runs succeed. At twenty some seeds find the link and others do not. From forty on, none of 45 runs does better than guessing, at any of the three learning rates. To be fair to the network, we take the learning rate with the highest mean at each gap. (The score shown chooses it, so it flatters the network a little.)


# %% claims=["C14"]
def at_best_rate(gaps, **which):
    """Five accuracies for each gap, at the rate that is best there."""
    which |= {"by": "accuracy", "highest": True}
    found = [stored.chosen("accuracy", gap=g, **which) for g in gaps.tolist()]
    return np.array(found)


best = at_best_rate(gaps, cell="rnn", scale=1.0)
lc.claim(
    "C14",
    "as the gap grows from 10 to 40, success falls",
    (best[gaps == 10] - best[gaps == 40])[0],
    above=0.5,
)

# %% tags=["check"]
assert np.min(best[gaps <= 10].min(axis=0)) > 0.95
assert max(found[gaps >= 40].max() for found in by_rate.values()) < 0.2

# %% [markdown]
# How much probability goes to *some* language, and to the *right* one, over all gaps?

# %% claims=["C13"]
one_rate = {"cell": "rnn", "scale": 1.0, "learning_rate": 1e-2}
asked = {"some language": "languages", "the right one": "right"}
trusts = {
    name: stored.over("gap", key, **one_rate)[1] for name, key in asked.items()
}
look = {"xlabel": "gap", "ylabel": "probability", "log": "x"}
look |= {"reference": {"chance": 1 / 8}}
plots.show(plots.over_seeds(gaps, trusts, **look), "02-3")
lc.claim(
    "C13",
    "at every gap the network is sure that a language comes",
    trusts["some language"].min(axis=0),
    above=0.95,
)

# %% [markdown]
# ## Why: the gradient fades
#
# To learn the link, the error at the last word must reach the step where the network read the country. How much of it arrives? We need the gradient with respect to the state at *every* step. A trick gives them all at once: add to each state a number that is always zero. Its gradient is the state's. (`lc.noise("H")` declares such an input: one number for each unit, at every step.)


# %% tags=["setup"]
@lc.cell
def probed(x, h, e=lc.noise("H")):
    """The plain network, with a place to measure at every step."""
    h = lc.tanh(lc.affine("h", h, x)) + e
    return h


def reach(cell, params, x):
    """Size of each sequence's gradient, by distance from the last state."""
    T, B, H = *x.shape[:2], params["U_h"].shape[0]
    run = lc.unroll(cell, params, x, e=np.zeros((T, B, H)))
    d_last = np.random.default_rng(0).standard_normal((B, H))
    d_last /= np.linalg.norm(d_last, axis=1, keepdims=True)
    d_states = run.backward(final={"h": d_last})["e"]
    return np.linalg.norm(d_states, axis=2)[::-1]  # (distance, sequence)


france = lc.tasks.Clouds(gap=80, lead=2)


# %% [markdown]
# Each step back multiplies the gradient by the slopes of $\tanh$, $D_t = \mathrm{diag}(1 - h_t^2)$, and by the matrix $U_h^\top$. After $k$ steps,
#
# $$\delta h_{T-k} = \delta h_T \; D_T U_h^\top \; D_{T-1} U_h^\top \cdots D_{T-k+1} U_h^\top.$$
#
# The slopes are at most 1. The largest singular value $\sigma$ of $U_h$ is the most by which it can stretch a row of numbers. So at most a share $\sigma^k$ of the gradient is left. An orthogonal matrix only turns rows, so its $\sigma$ is 1, and a factor makes $\sigma$ what we like. (In later notebooks $\sigma$ is the sigmoid.) Feed such networks sentences, and the one with $\sigma = 1$ also random numbers of size 1 ("noise").

# %% [markdown] tags=["exercise"] exercise="02.1"
# With $\sigma = 1.2$ the bound for 60 steps is $1.2^{60}$, about 56,000. What does that say about the gradient itself? `"it grows"`, `"it grows as 1.2 to the power of k"`, `"it fades"`, `"it stays as it is"`, or `"it may fade or grow"`?

# %% tags=["exercise"]
# solution: prediction
prediction = "it may fade or grow"
# end
lc.check("02.1", prediction)

# %%
x = np.eye(france.input_size)[france.batch(batch_size=16).x]
fresh = lc.cells.rnn.init(france.input_size, 32, rng=0, dtype=np.float64)
noise = np.random.default_rng(1).standard_normal(x.shape)
sizes = {"σ = 1, noise": reach(probed, fresh, noise)[:61]}
for f in (0.5, 0.9, 1.0, 1.2, 1.5):
    scaled = fresh | {"U_h": f * fresh["U_h"]}
    sizes[f"σ = {f:g}"] = reach(probed, scaled, x)[:61]
k = np.arange(61)
series = {name: np.median(size, axis=1) for name, size in sizes.items()}
series |= {"bound 0.5ᵏ": 0.5**k, "bound 0.9ᵏ": 0.9**k}
pairs = {"bound 0.5ᵏ": "σ = 0.5", "bound 0.9ᵏ": "σ = 0.9"}
pairs["σ = 1, noise"] = "σ = 1"
look = {"log": "y", "ylim": (1e-15, 1e3), "legend": "above", "like": pairs}
look |= {"xlabel": "distance k from the end", "ylabel": "size of the gradient"}
plots.show(plots.lines(series, **look), "02-4")

# %% [markdown]
# **What to notice.** The scale is logarithmic, so a straight line is an exponential. For $\sigma = 0.5$ and $0.9$ the bound holds, and the gradient is smaller than the bound, because the slopes are less than 1. For $\sigma = 1$ the bound says only *no more than 1*, and the gradient fades all the same. Above 1 the bound grows without limit and says nothing: at $1.2$ it would allow $1.2^{60} \approx 56{,}000$, and the gradient still fades; at $1.5$ it grows. The theory is one-sided: $\sigma < 1$ is *sufficient* for vanishing; $\sigma > 1$ is *necessary*, not sufficient, for exploding ([Pascanu, Mikolov & Bengio 2013](https://arxiv.org/abs/1211.5063)).
#
# The input counts as well. A word is a single 1 among 76 inputs, and hardly moves a unit: $\tanh$ stays where it is steep. Random numbers of size 1 drive it to where it is flat. The same network, with $\sigma = 1$, keeps 0.006 over 60 steps of a sentence, and $10^{-14}$ over 60 of these. ([Notebook 04](04_cell_state.ipynb) uses such inputs.)

# %% tags=["check"]
above = [
    np.max(sizes[f"σ = {f:g}"][1:].max(axis=1) / f ** k[1:])
    for f in (0.5, 0.9, 1.0)
]
assert np.max(above) < 1.0
assert np.max(sizes["σ = 0.9"][60]) < 0.01
assert 0.003 < series["σ = 1"][60] < 0.012
assert series["σ = 1, noise"][60] < 1e-13

# %% [markdown]
# ### A prediction, and its test
#
# If the fading gradient explains the failure, a start with $\sigma = 1.2$ should reach further: after 60 steps it has kept much more of its gradient than the usual start with $\sigma = 1$. The stored study has that start too, with the same learning rates and seeds. (We added it after the first results, to test this prediction.)

# %%
few = np.array([10, 20, 40, 80, 160])  # the gaps of this start
starts = {"σ = 1": best[np.isin(gaps, few)]}
starts["σ = 1.2"] = at_best_rate(few, cell="rnn", scale=1.2)


def by_gap(starts, far=(40, 80, 160)):
    """Five runs for each gap and start."""
    rows = [(gap, name) for gap in far for name in starts]
    return {f"gap {g}, {k}": starts[k][few == g][0] for g, k in rows}


fig = plots.dots(by_gap(starts), xlabel="share of right answers")
plots.show(fig, "02-5")

# %% [markdown]
# The prediction holds. From the larger start, at a gap of 40, five runs of five find the link at the best learning rate, where none did before. So the limit moves. It does not go away: over all four rates, at 80 only three of twenty runs get anywhere (0.58, 0.70 and 1.0), and at 160 one (0.77).

# %% tags=["check"]
usual, larger = starts.values()
assert np.min(larger[few == 40][0]) > 0.9

# %% claims=["C03"]
late = np.ravel([np.median(r, axis=1)[few >= 80] for r in starts.values()])
lc.claim(
    "C03",
    "from 80 on, the median run of either start does not learn the link",
    late,
    below=0.25,
    verdict="qualified",
)

# %% tags=["check"]
assert np.min([*usual[0], *larger[0]]) > 0.95

# %% [markdown]
# ## Is it impossible, then?
#
# No. You can *write down* weights that carry the country over any gap. Use one unit for each country, as a switch. With a weight of 3 onto itself, a unit settles near $+1$ or near $-1$ and stays there. The word *France* pushes its own unit up and all others down. No other word touches them. (`readout.V` and `readout.d` are the $V$ and $d$ of the read-out in [notebook 01](01_recurrent_neural_networks.ipynb).)

# %% tags=["setup"]
exact = {"rng": 0, "dtype": np.float64}
by_hand = lc.Model(lc.cells.rnn, france, hidden_size=8, **exact)
for p in by_hand.params.values():
    p[...] = 0.0
by_hand.params["cell.U_h"][...] = 3 * np.eye(8)
by_hand.params["cell.W_h"][france.country_words] = 12 * np.eye(8) - 6
by_hand.params["readout.V"][:, france.language_words] = 10 * np.eye(8)
by_hand.params["readout.d"][france.language_words] = 20

# %% tags=["check"]
accuracy = {
    gap: by_hand.evaluate(
        batches=2, task=lc.tasks.Clouds(gap=gap, lead=(0, 4))
    ).accuracy
    for gap in (3, 80, 1000)
}
assert np.min(list(accuracy.values())) > 0.999

# %% [markdown]
# These weights are right over gaps of 3, 80 and 1,000 words. Eight units succeed where 32 trained ones fail. So the network *can*. What about learning? Look at the gradient in this network that remembers so well:

# %%
weights = {k: by_hand.params[f"cell.{k}"] for k in ("W_h", "U_h", "b_h")}
remaining = np.median(reach(probed, weights, x), axis=1)[:21]
two = {"set by hand": remaining, "σ = 1, untrained": series["σ = 1"][:21]}
look = {"xlabel": "distance k", "ylabel": "size of the gradient", "log": "y"}
plots.show(plots.lines(two, **look), "02-6")

# %% tags=["check"]
assert np.max(remaining[10]) < 1e-10

# %% [markdown]
# This is the dilemma that [Bengio, Simard & Frasconi (1994)](https://doi.org/10.1109/72.279181) found. A switch is safe *because* small pushes die out. But the gradient is nothing but the effect of small pushes. Where the memory is safest, training sees least of it. Training starts elsewhere, where some gradient is left, and has to find its way to the switches without a signal that points there.
#
# Here is the dilemma with one unit and its weight $w$ onto itself. It reads $1$ or $-1$ at the first step, and then nothing. Predict:
#
# - Which weights make it still know, 50 steps later, which of the two it was?
# - For which of them does a gradient come back?
# - With fewer steps, is there a weight that gives both?

# %%
lc.dilemma(weight=0.9, steps=50)

# %% [markdown]
# <details><summary>Answers</summary>
#
# It knows from a little above 1 on. But there the gradient falls off steeply: the safer the switch, the smaller the gradient. Close to 1 it is largest, and small even there. Only over a few steps is there a weight that gives something of both.
#
# </details>

# %% [markdown]
# ## Is it true of every plain recurrent network?
#
# Here is a counter-example. Replace $\tanh$ by $\mathrm{relu}(a) = \max(a, 0)$, and start with $U_h$ equal to the identity matrix, as [Le, Jaitly & Hinton (2015)](https://arxiv.org/abs/1504.00941) proposed. Then the network starts as one that keeps its state, and hands back a good part of the gradient (units that are off pass nothing). The stored study has it too, with three learning rates of its own:

# %%
starts["relu"] = relu = at_best_rate(few, cell="rnn_relu")
fig = plots.dots(by_gap(starts, (80, 160)), xlabel="share of right answers")
plots.show(fig, "02-7")

# %% claims=["C15"] seeds="five seeds: 0.97 to 1.00 at a gap of 80, 0.91 to 1.00 at 160"
statement = (
    "a plain recurrent network can learn gaps of 80 and 160: with "
    "relu, started from the identity"
)
lc.claim(
    "C15",
    statement,
    relu[few >= 80].min(axis=0),
    above=0.85,
    verdict="qualified",
)

# %% [markdown]
# Is it the gradient again? Predict which of the three starts keeps most of it over 80 steps, then measure, for the five seeds of the study:


# %%
@lc.cell
def probed_relu(x, h, e=lc.noise("H")):
    """The relu network, with a place to measure at every step."""
    h = lc.relu(lc.affine("h", h, x)) + e
    return h


def left(seed, steps=80):
    """What is left of the gradient: tanh from σ = 1, from 1.2, relu."""
    size = (france.input_size, 32, seed, np.float64)
    one, identity = lc.cells.rnn.init(*size), lc.cells.rnn_relu.init(*size)
    more = one | {"U_h": 1.2 * one["U_h"]}
    starts = ((probed, one), (probed, more), (probed_relu, identity))
    return [np.median(reach(cell, p, x)[steps]) for cell, p in starts]


# %% seeds="five seeds: 0.34 to 0.47 from σ = 1.2, 0.43 to 0.63 with relu"
shares = np.array([left(seed) for seed in range(5)])
for name, share in zip(starts, np.median(shares, axis=0), strict=True):
    print(f"left after 80 steps, median of five starts: {share:.3f}  {name}")

# %% tags=["check"]
assert np.min(shares[:, 1:].min(axis=1)) > 0.2

# %% [markdown] claims=["C15"]
# The essay says that, as the gap grows, recurrent networks become unable to learn to connect the information. [Hochreiter (1991, in German)](https://people.idsia.ch/~juergen/SeppHochreiter1991ThesisAdvisorSchmidhuber.pdf) and [Bengio, Simard & Frasconi (1994)](https://doi.org/10.1109/72.279181) found that gradient descent fails over long gaps, and explored why. Our measurements fit, with a qualification: how long is *too* long depends on how the network starts. The reach of the gradient is part of the reason, not all: after 80 steps $\sigma = 1.2$ keeps nearly as much as relu (0.42 against 0.50), and still most of its runs fail at that gap.
#
# With relu and the identity, at the best learning rate, all five runs score 0.9 or more even at 160. That network pays in other ways: nothing bounds its state, and at other learning rates single runs fail, at 80 and at 160. But it shows the way: **let the state pass from step to step unchanged, unless there is a reason to change it.** The LSTM of the next notebooks makes that its principle.

# %% [markdown]
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="02.2"
# One unit, $h_t = \tanh(w h_{t-1} + x_t)$. You get its weight `w` and its states `h` after the steps, $h_1$ to $h_k$. Derive $dh_k/dh_0$ on paper, then write it.


# %% tags=["exercise"]
def gradient(w, h):
    # solution:
    return np.prod(w * (1 - h**2))
    # end


lc.check("02.2", gradient)

# %% [markdown] tags=["solution"]
# One step: $dh_t/dh_{t-1} = (1 - h_t^2)\, w$, since the slope of $\tanh$ where its result is $h_t$ is $1 - h_t^2$. The chain rule multiplies the steps. The inputs are in it only through the states.

# %% [markdown] tags=["exercise"] exercise="02.3"
# The same for many units, $h_t = \tanh(h_{t-1} U + x_t W + b)$. Somebody wrote the way back from the gradient at the last state, `d_last` (H,), to that at the state before the first step; `states` (T, H) are $h_1$ to $h_T$. What it returns has about the right size, and is wrong. Mend it.


# %% tags=["exercise"]
def back(U, states, d_last):
    # solution:
    d = d_last
    for h in reversed(states):
        d = (d * (1 - h**2)) @ U.T
    return d
    # given:
    # d = d_last
    # for h in reversed(states):
    #     d = (d @ U.T) * (1 - np.tanh(h) ** 2)
    # return d
    # end


lc.check("02.3", back)

# %% [markdown] tags=["solution"]
# Forwards the state goes through $U$ first and through $\tanh$ last, so the way back meets $\tanh$ first. And `h` is what $\tanh$ has made: its slope there is `1 - h**2`, without another `tanh`.

# %% [markdown] tags=["exercise"] exercise="02.4"
# A unit with $\tanh$ can be a switch if its weight onto itself exceeds 1. The LSTM of 1997 squashed with another function, $2\sigma(a) - 1$, which lies between $-1$ and 1 as well ($\sigma(a) = 1/(1 + e^{-a})$). Above which weight $w$ does $h = 2\sigma(w h) - 1$ have a solution other than 0? Think, or let a program find it.

# %% tags=["exercise"]
# solution: threshold
for w in (1.0, 1.9, 2.0, 2.1):
    h = 1.0
    for _ in range(10_000):
        h = 2 / (1 + np.exp(-w * h)) - 1
    print(f"w = {w}: after 10,000 steps at {h:.2f}")
threshold = 2.0
# end
lc.check("02.4", threshold)

# %% [markdown] tags=["solution"]
# The curve has to leave the origin more steeply than the diagonal: slope at 0 times $w$ above 1. The slope of $\sigma$ at 0 is $1/4$, that of $2\sigma - 1$ is $1/2$. (At 2 itself the state still creeps towards 0, like one over the square root of time.)

# %% [markdown] tags=["exercise"] exercise="02.5"
# In the network set by hand the *last* country wins: *I grew up in France. I grew up in Japan. I speak fluent* … Japanese. Build one unit in which the **first** wins. It reads three words as one-hot rows: *France*, *Japan*, and *any other* word. Set `W_h` (3, 1), `U_h` (1, 1) and `b_h` (1,) so that
#
# - before any country the unit stays where it starts, at 0,
# - 100 other words after *France* it stands above 0.9, after *Japan* below $-0.9$,
# - a second country does not turn it any more, even if it is read again and again.

# %% tags=["exercise"]
# solution: weights
weights = {"W_h": [[1.0], [-1.0], [0.0]], "U_h": [[3.0]], "b_h": [0.0]}
# end
lc.check("02.5", weights)

# %% [markdown] tags=["solution"]
# A push of 1 sets a unit that stands at 0: whatever is above 0 grows to $+1$. A set unit pushes itself with about 3, and 1 against it leaves 2. Read again and again, a push $p$ turns it if $h = \tanh(3h - p)$ has no solution above 0 any more. That happens from $p \approx 1.3$ on, where the curve only just touches the diagonal.

# %% [markdown] tags=["exercise"] exercise="02.6"
# A switch remembers, and its gradient is gone. Is there a unit that has both? Design one: a cell of `x` and `h`, without weights to be learned (numbers may stand in the equation). It starts at 0.
#
# - Without input it stays within 0.1 of 0.
# - It reads a 1 and then 99 zeros: the state is above 0.5 right away, and at the end.
# - Over these 99 zeros the gradient, $dh_{100}/dh_1$, keeps a size between 0.1 and 10.
# - It reads a thousand ones: the state stays within 10 of 0.
#
# Here is a first try: a $\tanh$ unit with a weight just above 1.


# %% tags=["exercise"]
# solution:
@lc.cell
def keeper(x, h):
    """Keeps its state while the input is 0, and is written over where it is 1."""
    h = (1 - x) * h + x
    return h


# given:
# @lc.cell
# def keeper(x, h):
#     """A unit that keeps a pulse."""
#     h = lc.tanh(1.05 * h + x)
#     return h
#
#
# end
lc.check("02.6", keeper)

# %% [markdown] tags=["solution"]
# No $\tanh$ unit can do it, with any weight. Below 1 both fade. Above 1 the state finds a place to rest, and there each step back multiplies by $w(1 - h^2) < 1$. Just above 1 the state rests at a small value, and the gradient dies slowly: neither is enough. Here the input decides: where it is 0 the state passes unchanged, $h_t = h_{t-1}$, with a slope of exactly 1. Other ways: $\max(h, x)$, or a sum that is cut off at $\pm 1$.

# %% [markdown] tags=["exercise"]
# To keep: the picture of your cell. Look at the line along which the state passes. You will see it again in the next notebook.

# %% tags=["exercise"]
keeper.diagram()

# %% [markdown]
# ## What you can do now
#
# You can measure success against the gap. You know how fast gradients fade, and what the bound says and does not say. And you can separate what a network can hold from what training can make it hold. [Next](03_lstm_networks.ipynb) comes a network whose state passes through time unchanged unless its gates decide otherwise: the LSTM.
