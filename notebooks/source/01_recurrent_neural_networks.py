# %% [markdown]
# # Recurrent neural networks
#
# You do not start to think afresh at every word of this sentence. What you read a moment ago decides what the next word means. This page is about networks that can do the same.
#
# After it you can
#
# - say what a recurrent network is, as a picture, as one equation and as a program,
# - unroll it through time, and see that the copies are the same network,
# - show by experiment that its state is of use: for a film, for sequences of any length, for one word in two contexts.
#
# {minutes} It follows the first section of [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots

# %% [markdown]
# ## A film that you cannot understand frame by frame
#
# Suppose you have to name what is happening at every point of a film. Two people sit at a table. Is it a dinner or an interrogation? One frame does not tell. What came before does: after a proposal it is a dinner, after a heist an interrogation.
#
# Our film is a small one. A frame is five numbers. Each says how strongly the picture looks like one kind of scene, with noise. Eight events share these five scenes. Below, each row is a frame, and the event to be named stands at the end. Cover that last column: from which rows alone could you have told the event?

# %%
film = lc.tasks.Film()
batch = film.batch(batch_size=1, length=14, seed=0)
print("scenes:  ", ", ".join(film.scenes))
for t in range(14):
    seen = "  ".join(f"{value:5.1f}" for value in batch.x[t, 0])
    print(f"frame {t:2d}: {seen}   {film.events[batch.y[t, 0]]}")

# %% [markdown]
# Only from the rows where the safe or the ring is in view: an open safe means a heist, a ring means a proposal. Each of the other scenes belongs to two events. Which of the two it is depends on whether a safe or a ring came last. Here a proposal turns a crime story into a romance: the same two people at a table are first an interrogation, then a dinner.
#
# How well can an observer do? We know how the films are made, so we can compute it exactly:

# %%
print(f"guess the most frequent event: {film.chance_accuracy:.2f}")
print(f"best from one frame:           {film.memoryless_accuracy:.2f}")
print(f"best from all frames so far:   {film.limits().accuracy:.2f}")

# %% [markdown]
# ## The loop
#
# To use earlier frames, a network needs a place where something stays. A **recurrent** network has one, and a loop. In the picture, $A$ is a piece of neural network. It looks at an input $x_t$ and puts out a value $h_t$, its **state**. The loop hands the state on to the next step.

# %% claims=["C06"]
rnn = lc.cells.rnn
rnn.folded()

# %% [markdown]
# Written out step by step, the loop is a chain: copies of the same network $A$, each handing a message to the next. ($h_0$ is the state at the start, so steps count from 1 here; the essay counts from 0.)

# %%
rnn.unrolled(steps=4)

# %% [markdown]
# What happens inside $A$? It makes the new state $h_t$, a row of numbers, out of the input $x_t$ and the state before, $h_{t-1}$:
#
# - multiply the input by a matrix $W_h$ and the old state by a matrix $U_h$, the **recurrent weights**,
# - add both and a bias $b_h$,
# - squash each number into $(-1, 1)$ with $\tanh$:
#
# $$h_t = \tanh(x_t W_h + h_{t-1} U_h + b_h).$$
#
# That is all. Write the loop yourself before you go on: it takes four lines.

# %% [markdown] tags=["exercise"] exercise="01.1"
# Write the loop with NumPy. You get `W` (D, H), `U` (H, H), `b` (H,) and an input `x` (T, D), one row for each step. Start from a state of zeros. Return all states, an array (T, H).


# %% tags=["exercise"]
def loop(W, U, b, x):
    # solution:
    h, states = np.zeros(len(b)), []
    for x_t in x:
        h = np.tanh(x_t @ W + h @ U + b)
        states.append(h)
    return np.array(states)
    # end


lc.check("01.1", loop)

# %% [markdown]
# ## Equations, written once
#
# In this course you write such an equation once, as a Python function:


# %% claims=["C06"]
@lc.cell
def elman(x, h):
    """A plain recurrent network."""
    h = lc.tanh(lc.affine("h", h, x))
    return h


elman

# %% [markdown]
# `affine("h", h, x)` stands for $h_{t-1} U_h + x_t W_h + b_h$. The decorator `@lc.cell` has run the function once, not on numbers but on symbols, and now knows what it does. It derives everything else from these two lines: the equation above, and a picture of what is inside $A$. A line carries a whole row of numbers. The box is a layer with weights. Where lines merge, rows are laid side by side (times one tall matrix, that is the same as $h U + x W$). Where a line forks, it is copied.

# %% claims=["C06"]
elman.diagram()

# %% [markdown]
# And the program that runs it over a whole sequence. Nobody wrote this text. What does not depend on the state, here $x_t W_h + b_h$, is computed for all steps at once, before the loop. There are T steps, B sequences, D inputs and H units; `dot` multiplies matrices, `empty` reserves storage, and `h[0]` is the state at the start.

# %%
print(elman.source())

# %% [markdown]
# Run it. `init` draws weights, `unroll` runs the loop. Shapes are always (time, batch, numbers). Does the new state depend on both, the input and the state before? Change one at a time, at the first step:

# %% claims=["C01"] seeds="0 to 9: 0.16 to 1.55"
rng = np.random.default_rng(0)
params = elman.init(input_size=5, hidden_size=4, rng=rng, dtype=np.float64)
x = rng.standard_normal((6, 1, 5))
run = lc.unroll(elman, params, x)
other_input = lc.unroll(elman, params, x + 1.0)
other_state = lc.unroll(elman, params, x, state={"h": np.ones((1, 4))})
print("shape of all states:", run["h"].shape)
for name, other in (("input", other_input), ("state", other_state)):
    change = np.abs(other["h"][0] - run["h"][0]).max()
    print(f"another {name} changes h by up to {change:.2f}")

# %% [markdown]
# ### Feel it
#
# Here is one unit over five steps, with an input of 1 at the first step only. Predict before you move anything:
#
# - What remains of the first input at step 5 when $U_h = 0$?
# - And with $U_h = 1$? With $U_h = 2$? With $U_h = -1$?

# %%
lc.widgets.state_panel(rnn, x=[1.0, 0.0, 0.0, 0.0, 0.0])

# %% [markdown]
# <details><summary>Answers</summary>
#
# With $U_h = 0$ there is no loop, and nothing remains. With $U_h = 1$ the trace fades slowly, because $\tanh$ takes a little at each step. With $U_h = 2$ it stays for good: it reaches a value $h = \tanh(2h) \approx 0.96$ that reproduces itself. With $-1$ it flips its sign at every step, and fades as with $1$.
#
# </details>

# %% [markdown]
# ## Unrolling: many copies of one network
#
# The picture above shows the loop as a deep feed-forward network, with one copy of $A$ for each step. If that is true, both must give the same numbers. So build the copies by hand, in plain NumPy: six layers, each with *its own* arrays, which merely start out equal. Let the loss be the sum of all states. Going back through the copies, each gets a gradient *of its own*:

# %%
copies = [{name: p.copy() for name, p in params.items()} for _ in range(6)]
h, states = np.zeros((1, 4)), []
for t, own in enumerate(copies):
    h = np.tanh(x[t] @ own["W_h"] + h @ own["U_h"] + own["b_h"])
    states.append(h)

d_copies, d_h = [], np.zeros((1, 4))
for t in reversed(range(6)):
    before = states[t - 1] if t else np.zeros((1, 4))
    d_a = (d_h + 1.0) * (1 - states[t] ** 2)  # d_h: from later copies
    d_own = {"W_h": x[t].T @ d_a, "U_h": before.T @ d_a, "b_h": d_a[0]}
    d_copies.append(d_own)
    d_h = d_a @ copies[t]["U_h"].T

# %% [markdown]
# The loop has one set of weights and uses it six times. Its gradient is the **sum** over the copies:

# %% claims=["C07"]
grads = run.backward({"h": np.ones_like(run["h"])})
apart = [
    np.abs(sum(d[name] for d in d_copies) - grads[name]).max()
    for name in params
]
lc.claim(
    "C07",
    "loop and copies agree; a shared weight's gradient is the sum over the "
    "copies",
    [*apart, np.abs(run["h"] - states).max()],
    below=1e-12,
)

# %% [markdown]
# So there is nothing new to learn about training. Back-propagation through the unrolled network, known as *back-propagation through time*, is ordinary back-propagation. One thing is new: the network is as deep as the sequence is long. [Notebook 02](02_long_term_dependencies.ipynb) shows what comes of that.

# %% [markdown]
# ## Does the state help? The film again
#
# Train the network on films of 50 frames. As a control, train another in which the loop is cut: the same layer without $h_{t-1} U_h$ sees one frame at a time. (`affine("h", W=x)` is $x_t W + b$ alone.) `Model` adds a read-out, $\mathrm{softmax}(h_t V + d)$: a probability for each event. `fit` lowers the cross-entropy, which is small where the right event gets a high probability.


# %%
@lc.cell
def frame_by_frame(x, h):
    """The same layer without the loop."""
    h = lc.tanh(lc.affine("h", W=x))
    return h


def trained(cell, task, seed, steps=600):
    """A model with 32 units, after some training."""
    model = lc.Model(cell, task, hidden_size=32, rng=seed)
    adam = lc.optim.Adam(3e-3)
    lc.fit(model, steps, optimizer=adam, seed=seed, progress=False)
    return model


with_loop = [trained(rnn, film, seed) for seed in range(3)]
without = [trained(frame_by_frame, film, seed) for seed in range(3)]

# %%
accuracy = {
    "without the loop": [m.evaluate().accuracy for m in without],
    "with the loop": [m.evaluate().accuracy for m in with_loop],
}
bounds = {
    "best from one frame": [film.memoryless_accuracy],
    "best from all frames": [film.limits().accuracy],
}
fig = plots.dots(accuracy | bounds, xlabel="share of frames named right")
plots.show(fig, "01-1")

# %% claims=["C05"] seeds="0 to 9: 0.76 to 0.83 with the loop, 0.57 to 0.59 without"
lc.claim(
    "C05",
    "with its loop the network names more frames than any observer of single "
    "frames can",
    accuracy["with the loop"],
    above=0.7,
)
lc.claim(
    "C05",
    "without the loop it does not",
    accuracy["without the loop"],
    below=0.62,
)

# %% [markdown]
# Earlier frames help to name later ones, and the network found out how by itself. (On a finite number of films, chance adds or takes a hundredth or so.)

# %% [markdown]
# ## One word in two contexts
#
# The film's frames differ through noise. Words are cleaner: the very same word, twice. In *the clouds are in the* … and *the fish are in the* … the last word is *the* both times. What comes next depends on what was read before it. We train on a small language with eight such pairs. A word enters as a row of zeros with a single 1.

# %%
language = lc.tasks.Clouds(kind="clouds", score="all", lead=(0, 6))
readers = [trained(rnn, language, seed, steps=800) for seed in range(3)]
for sentence in (". the clouds are in the", ". the fish are in the"):
    p = readers[0].predict(language.encode(sentence)[:, None])[-1, 0]
    print(f"{sentence} …  {language.symbols[p.argmax()]}")

# %% [markdown]
# The right words come out. But do they come out *because of the state*? Different states alone prove nothing. So take the state away: the control gets the last word, *the*, and a state of zeros. To be fair to it, both choose among the eight places only, so guessing gives 1/8.

# %%
answers = lc.tasks.Clouds(kind="clouds", score="answer", lead=(0, 6))
batch = next(answers.stream("test", batch_size=256))
last, rows = batch.mask.argmax(axis=0), np.arange(256)
places = language.place_words


def hits(model, reset):
    """Share of right answers, with the state as it is or set to zero."""
    if reset:
        p = model.predict(batch.x[last, rows][None])[0]
    else:
        p = model.predict(batch.x, lengths=batch.lengths)[last, rows]
    said = places[p[:, places].argmax(axis=1)]
    return np.mean(said == batch.y[last, rows])


guessed = [hits(m, reset=True) for m in readers]
print("without the state:", *(f"{share:.1f}" for share in guessed))

# %% claims=["C04"] seeds="0 to 9: 1.00 with the state, 0.12 to 0.14 without"
lc.claim(
    "C04",
    "with its state, the network says what comes after 'the'; with the state "
    "reset it guesses",
    [hits(m, reset=False) for m in readers],
    above=0.95,
)

# %% [markdown]
# Where does the difference live? In $h$. Here is how far apart the states of a reader are, unit by unit, along the two sentences. Only the third word differs (the full stop counts as one). Predict: does the difference fade?

# %%
states = [
    readers[0].unroll(language.encode(f". the {thing} are in the")[:, None])
    for thing in ("clouds", "fish")
]
difference = np.abs(states[0]["h"][:, 0] - states[1]["h"][:, 0])
order = np.argsort(-difference[-1])[:12]  # those that differ most at the end
words = [".", "the", "clouds or fish", "are", "in", "the"]
units = [f"unit {k}" for k in order]
fig = plots.heatmap(difference[:, order].T, rows=units, columns=words)
plots.show(fig, "01-2")

# %% [markdown]
# The states go on differing until the end: less at first, most at the last *the*, where it matters, and in changing units.

# %% [markdown]
# ## Sequences of any length
#
# The same weights serve every step, so one network serves films of every length. Compare it with a network that has a fixed window: it reads the last three frames at once. (In the cell below, `x1` and `x2` keep the last two frames: `lc.state("D")` declares a state as wide as the input, and `lc.identity(x)` hands `x` on as it is.) Train both on films of 50 frames and test them on lengths from 10 to 400.


# %%
@lc.cell
def window(x, h, x1=lc.state("D"), x2=lc.state("D")):
    """A layer that sees this frame and the two before, and nothing else."""
    h = lc.tanh(lc.affine("h", W=lc.concat(x, x1, x2)))
    return h, lc.identity(x), lc.identity(x1)


windows = [trained(window, film, seed) for seed in range(3)]

# %%
lengths = [10, 25, 50, 100, 200, 400]
curves = {
    name: [[m.evaluate(length=n).accuracy for m in models] for n in lengths]
    for name, models in (
        ("recurrent", with_loop),
        ("window of three", windows),
    )
}
limit = [film.limits(window=3, length=n).accuracy for n in lengths]
curves["best from three frames"] = np.tile(limit, (3, 1)).T
texts = {
    "xlabel": "frames of a film (trained on 50)",
    "ylabel": "share named right",
}
fig = plots.over_seeds(lengths, curves, log="x", **texts)
plots.show(fig, "01-3")

# %% claims=["C08"] seeds="0 to 9: 0.80 to 0.86 for films of 400 frames, 0.64 to 0.65 for the window"
lc.claim(
    "C08",
    "trained on 50 frames, the recurrent network beats the bound for three "
    "frames on 400",
    curves["recurrent"][-1],
    above=0.72,
)
for n in (3, 10, 20, None):
    best = film.limits(window=n, length=400).accuracy
    print(f"best from {n or 'all'} frames: {best:.2f}")

# %% [markdown]
# Longer films score higher because their first frames, which have no past, weigh less. From 25 frames on the window is within about 0.01 of its limit: no network could do better from three frames.
#
# **What this shows, and what not.** The loop suits sequences: one set of weights, any length, and what matters may lie outside any fixed window. The essay calls it the *natural* architecture for them. We can measure that it suits them. That it is the natural one, or the only one, does not follow: a wider window could catch up on this film (see the bound for twenty frames), and attention does without a loop altogether.

# %% [markdown] claims=["C02", "C09"]
# ## What it has been good for
#
# In 1997 Hochreiter and Schmidhuber named three prospects: speech processing, control where the state of the world is hidden, and music composition ([*Long Short-Term Memory*](https://doi.org/10.1162/neco.1997.9.8.1735), Neural Computation 9(8), section 1). By 2015 recurrent networks had succeeded in
#
# - speech recognition: Graves, Mohamed & Hinton, [*Speech recognition with deep recurrent neural networks*](https://arxiv.org/abs/1303.5778), ICASSP 2013;
# - language modelling: Mikolov et al., [*Recurrent neural network based language model*](https://doi.org/10.21437/Interspeech.2010-343), Interspeech 2010;
# - translation: Sutskever, Vinyals & Le, [*Sequence to sequence learning with neural networks*](https://arxiv.org/abs/1409.3215), NIPS 2014;
# - image captioning: Vinyals et al., [*Show and tell*](https://arxiv.org/abs/1411.4555), CVPR 2015.
#
# A. Karpathy, [*The Unreasonable Effectiveness of Recurrent Neural Networks*](https://karpathy.github.io/2015/05/21/rnn-effectiveness/) (2015), shows what such a network can write, after Shakespeare and the sources of Linux. His samples are from LSTMs. You did the same on a small scale in [notebook 00](00_start_here.ipynb), with a plain network and the sources of Python. Of the four papers above, all but Mikolov's used one kind of recurrent network, the LSTM. Why was the plain one not enough? That is the question of the next notebook.

# %% [markdown]
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="01.2"
# How many parameters does the network have, for D inputs and H units? Write the formula.


# %% tags=["exercise"]
def count(D, H):
    # solution:
    return D * H + H * H + H
    # end


lc.check("01.2", count)

# %% [markdown] tags=["exercise"] exercise="01.3"
# Write a cell whose state never fades: it is the running sum of its inputs. (Its input must be as wide as its state.)


# %% tags=["exercise"]
# solution: running_sum
@lc.cell
def running_sum(x, h):
    """The sum of all inputs so far."""
    h = h + x
    return h


# end
lc.check("01.3", running_sum)

# %% [markdown] tags=["exercise"] exercise="01.4"
# One unit reads a single 1, and then zeros. Its input weight is 1 and it has no bias. Find a recurrent weight with which the state is still above 0.5 at step 50, while a unit that never read anything stays at 0.

# %% tags=["exercise"]
# solution: weights
weights = {"W_h": 1.0, "U_h": 1.5, "b_h": 0.0}
# end
lc.check("01.4", weights)

# %% [markdown] tags=["solution"]
# From a weight of about 1.1 on: the state settles where $h = \tanh(U h)$ has a solution other than 0, and that has to lie above 0.5. Up to 1 there is none, and the pulse fades.

# %% [markdown] tags=["exercise"] exercise="01.5"
# Somebody wrote this loop. It runs without complaint, and its last row is right. Mend it.


# %% tags=["exercise"]
def mended(W, U, b, x):
    # solution:
    h, states = np.zeros(len(b)), []
    for x_t in x:
        h[:] = np.tanh(x_t @ W + h @ U + b)
        states.append(h.copy())
    return np.array(states)
    # given:
    # h, states = np.zeros(len(b)), []
    # for x_t in x:
    #     h[:] = np.tanh(x_t @ W + h @ U + b)
    #     states.append(h)
    # return np.array(states)
    # end


lc.check("01.5", mended)

# %% [markdown] tags=["exercise"] exercise="01.6"
# A trained network reads *a*, then *b*. Another copy, with the same weights, reads *b*, then *a*. Compare the last states: is it `"the same last state"`, `"another last state"`, `"the states in reverse"`, `"it depends on the length"`? Commit yourself before you try it.

# %% tags=["exercise"]
# solution: prediction
prediction = "another last state"
# end
lc.check("01.6", prediction)

# %% [markdown] tags=["exercise"]
# To keep: your loop and the course's, on the same numbers. If they agree, the two lines under `@lc.cell` above hold no secret from you.

# %% tags=["exercise"]
# solution: difference
cell, rng = lc.cells.rnn, np.random.default_rng(1)
p = cell.init(input_size=3, hidden_size=4, rng=rng, dtype=np.float64)
x = rng.standard_normal((9, 3))
theirs = lc.unroll(cell, p, x[:, None])["h"][:, 0]
mine = loop(p["W_h"], p["U_h"], p["b_h"], x)
difference = float(np.abs(mine - theirs).max())
# end
print("at most 1e-12 apart:", difference is not ... and difference < 1e-12)

# %% tags=["check"]
assert all(0.02 < share < 0.3 for share in guessed)
assert max(curves["window of three"][-1]) < 0.70

# %% [markdown]
# ## What you can do now
#
# You can write a recurrent network as one equation, and read it as a picture, a program, and a chain of copies. You have seen it use its state, with controls that show that it was the state. In the exercises a single weight kept a memory for 50 steps. Can training find such weights? [On to notebook 02.](02_long_term_dependencies.ipynb)
