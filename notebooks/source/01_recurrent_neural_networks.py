# %% [markdown]
# # Recurrent neural networks
#
# You do not start to think afresh at every word of this sentence. What you read a moment ago decides what the next word means. This page is about networks that can do the same.
#
# After it you can
#
# - say what a recurrent network is, as one equation, as a picture and as a program,
# - unroll it through time, and see that the copies are the same network,
# - show by experiment that its state is of use: for a film, for sequences of any length, for one word in two contexts.
#
# It takes about 40 minutes. It follows the first section of [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots

# %% [markdown]
# ## A film that cannot be understood frame by frame
#
# Suppose you are to name what is happening at every point of a film. Two people sit at a table. Is it a dinner or an interrogation? One frame does not tell. What came before does: after a proposal it is a dinner, after a heist an interrogation.
#
# Our film is a small one. A frame is five numbers, each of which says how strongly the picture looks like one kind of scene, with noise. Eight events share these five scenes.

# %%
film = lc.tasks.Film()
batch = film.batch(batch_size=1, length=14, seed=0)
print("scenes:", ", ".join(film.scenes))
print("events:", ", ".join(film.events))

# %% [markdown]
# Here are the first frames of one film. Each row is a frame; its five columns are the scenes, in the order printed above. The event that is to be named stands at the end. Cover that last column: from which rows alone could you have told the event?

# %%
for t in range(14):
    seen = "  ".join(f"{value:5.1f}" for value in batch.x[t, 0])
    print(f"frame {t:2d}: {seen}   {film.events[batch.y[t, 0]]}")

# %% [markdown]
# Only from the rows where the safe or the ring is in view: an open safe means a heist, a ring given means a proposal. Each of the other scenes belongs to two events, and which one it is depends on whether a safe or a ring came last. Here a proposal turns a crime story into a romance: the same two people at a table are first an interrogation, then a dinner.
#
# An observer who looks at single frames can be right in about 58 % of them and no more, however clever. That bound is exact, because we know how the films are made. An observer who remembers can reach about 87 %.

# %%
print(f"guess the most frequent event: {film.chance_accuracy:.2f}")
print(f"best from one frame:           {film.memoryless_accuracy:.2f}")
print(f"best from all frames so far:   {film.limits().accuracy:.2f}")

# %% [markdown]
# ## The loop
#
# To remember, a network needs a place where something stays. A **recurrent** network has a **state** $h$, a row of numbers. At each step $t$ it makes the new state $h_t$ out of the input $x_t$ and the state before, $h_{t-1}$:
#
# - multiply the input by a matrix $W_h$ and the old state by a matrix $U_h$,
# - add both and a bias $b_h$,
# - squash each number into $(-1, 1)$ with $\tanh$:
#
# $$h_t = \tanh(x_t W_h + h_{t-1} U_h + b_h).$$
#
# That is all of it. Write the loop yourself before you go on: it takes four lines.

# %% [markdown] tags=["exercise"] exercise="01.1"
# Write the loop with NumPy. Given are `W` (D, H), `U` (H, H), `b` (H,) and an input `x` (T, D), one row for each step. Start from a state of zeros. Return all states, an array (T, H).


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
# In this course such an equation is written once, as a Python function. Here it is:


# %%
@lc.cell
def elman(x, h):
    """A plain recurrent network."""
    h = lc.tanh(lc.affine("h", h, x))
    return h


# %% [markdown]
# `affine("h", h, x)` stands for $h_{t-1} U_h + x_t W_h + b_h$. The decorator `@lc.cell` has run the function once, not on numbers but on symbols, and knows now what it does. All that follows is derived from these two lines. The equation:

# %% claims=["C06"]
elman

# %% [markdown]
# The picture. A line carries a whole row of numbers. The box is a layer with weights; where lines merge, rows are laid side by side (the two laid side by side, times one tall matrix, is the same as $h U + x W$); where a line forks, it is copied. The state enters on the left and leaves on the right, for the next step.

# %% claims=["C06"]
elman.diagram()

# %% [markdown]
# Seen from outside it is a module with a loop: it reads $x_t$, gives $h_t$, and hands its state to the next step.

# %% claims=["C06"]
elman.folded()

# %% [markdown]
# And the program that runs it over a whole sequence. Nobody wrote this text: it is printed from the definition. What does not depend on the state, here $x_t W_h + b_h$, is computed for all steps at once, before the loop. There are T steps, B sequences, D inputs and H units; `dot` multiplies matrices, `empty` reserves storage. `h[0]` is the state at the start.

# %%
print(elman.source())

# %% [markdown]
# Try it. `init` draws weights, `unroll` runs the loop. Shapes are always (time, batch, numbers).

# %%
rng = np.random.default_rng(0)
params = elman.init(input_size=5, hidden_size=4, rng=rng, dtype=np.float64)
x = rng.standard_normal((6, 1, 5))
run = lc.unroll(elman, params, x)
run["h"].shape

# %% [markdown]
# Six steps, one sequence, four numbers each. Do both matter, the input and the state before? Change one at a time, at the first step:

# %% claims=["C01"]
# seeds 0 to 9: 0.16 to 1.55
other_input = lc.unroll(elman, params, x + 1.0)
other_state = lc.unroll(elman, params, x, state={"h": np.ones((1, 4))})
changes = [np.abs(other["h"][0] - run["h"][0]).max() for other in (other_input, other_state)]
lc.claim("C01", "another input, or another state before, gives another state", changes, above=0.05)

# %% [markdown]
# They do. The states as a picture, with one column for each step:

# %%
fig = plots.heatmap(run["h"][:, 0].T, rows=["h1", "h2", "h3", "h4"], columns=range(1, 7), xlabel="step t")
plots.show(fig, alt="The four numbers of the state at each of six steps, between -1 and 1.")

# %% [markdown]
# Each column is made from the one before and the input. The numbers mean nothing yet: the weights are random.
#
# ### Feel it
#
# One unit, five steps, an input of 1 at the first step only. Predict before you move anything:
#
# - What remains of the first input at step 5 when $U_h = 0$? Try it.
# - And with $U_h = 1$? With $U_h = 2$? With $U_h = -1$?

# %%
lc.widgets.state_panel(lc.cells.rnn, x=[1.0, 0.0, 0.0, 0.0, 0.0])

# %% [markdown]
# With $U_h = 0$ there is no loop, and nothing remains. With $U_h = 1$ the trace fades slowly, because $\tanh$ takes a little at each step. With $U_h = 2$ it stays for good: it reaches a value $h = \tanh(2h) \approx 0.96$ that reproduces itself. With $-1$ it flips its sign at every step, and fades as with $1$.

# %%
kept = {}
for weight in (0.0, 1.0, 2.0, -1.0):
    one = {"W_h": np.ones((1, 1)), "U_h": np.full((1, 1), weight), "b_h": np.zeros(1)}
    kept[weight] = lc.unroll(lc.cells.rnn, one, np.eye(5)[0].reshape(5, 1, 1))["h"][-1, 0, 0]
{weight: round(float(h), 3) for weight, h in kept.items()}

# %% [markdown]
# ## Unrolling: many copies of one network
#
# A loop is easier to understand when it is written out. Put down what happens at each step, side by side, and it is a deep feed-forward network: one copy of the module for each step, all with the same weights, each handing a message to the next. (Steps count from 1 here, since $h_0$ is the state at the start; the essay counts from 0.)

# %%
elman.unrolled(steps=4)

# %% [markdown]
# If that is true, both must give the same numbers, up to rounding. So we build the copies by hand, in plain NumPy: six layers, each with *its own* arrays, which merely start out equal. First the values:

# %%
copies = [{name: p.copy() for name, p in params.items()} for _ in range(6)]
h, states = np.zeros((1, 4)), []
for t, own in enumerate(copies):
    h = np.tanh(x[t] @ own["W_h"] + h @ own["U_h"] + own["b_h"])
    states.append(h)

np.allclose(run["h"], states, rtol=0, atol=1e-14)

# %% [markdown]
# Then the gradients. Let the loss be the sum of all states. Going back through the copies, each of them gets a gradient *of its own*:

# %%
d_copies, d_h = [], np.zeros((1, 4))
for t in reversed(range(6)):
    before = states[t - 1] if t else np.zeros((1, 4))
    d_a = (d_h + 1.0) * (1 - states[t] ** 2)  # 1.0: the loss; d_h: what the later copies send back
    d_copies.append({"W_h": x[t].T @ d_a, "U_h": before.T @ d_a, "b_h": d_a.sum(axis=0)})
    d_h = d_a @ copies[t]["U_h"].T

# %% [markdown]
# The loop has one set of weights, used six times. Its gradient is the **sum** over the copies:

# %% claims=["C07"]
grads = run.backward({"h": np.ones_like(run["h"])})
differences = [np.abs(sum(d[name] for d in d_copies) - grads[name]).max() for name in params]
differences.append(np.abs(run["h"] - states).max())
lc.claim(
    "C07",
    "loop and copies agree; a shared weight's gradient is the sum over the copies",
    differences,
    below=1e-12,
)

# %% [markdown]
# So there is nothing new to learn about training: back-propagation through the unrolled network, known as *back-propagation through time*, is ordinary back-propagation. The one thing that is new is that the network is as deep as the sequence is long. [Notebook 02](02_long_term_dependencies.ipynb) is about what comes of that.

# %% [markdown]
# ## Does the state help? The film again
#
# Train the network on films of 50 frames. As a control, train another in which the loop is cut: the same layer without $h_{t-1} U_h$, so that it sees one frame at a time. (`affine("h", W=x)` is $x_t W + b$ alone; `0.0 * h` keeps the state in the signature and takes away its effect.) `Model` adds a read-out, $\mathrm{softmax}(h_t V + d)$: a probability for each event. `fit` lowers the cross-entropy, which is small where the right event gets a high probability. Then compare both with the bounds.

# %%
film = lc.tasks.Film()


@lc.cell
def frame_by_frame(x, h):
    """The same layer without the loop."""
    h = lc.tanh(lc.affine("h", W=x)) + 0.0 * h
    return h


def trained(cell, seed, steps=600):
    """A model of the film with 32 units, after some training."""
    model = lc.Model(cell, film, hidden_size=32, rng=seed)
    lc.fit(model, steps, optimizer=lc.optim.Adam(3e-3), seed=seed, progress=False)
    return model


# %%
seeds = range(3)
with_loop = [trained(lc.cells.rnn, seed) for seed in seeds]
without = [trained(frame_by_frame, seed) for seed in seeds]
accuracy = {
    "without the loop": [m.evaluate().accuracy for m in without],
    "with the loop": [m.evaluate().accuracy for m in with_loop],
}

# %%
fig = plots.bars_over_seeds(
    accuracy,
    reference={
        "best from one frame": film.memoryless_accuracy,
        "best from all frames": film.limits().accuracy,
    },
    ylabel="share of frames named right",
    ylim=(0, 1),
)
plots.show(
    fig,
    alt="Without the loop: the bound for single frames. With it: most of the way to the bound for "
    "all frames.",
)

# %% claims=["C05"]
# seeds 0 to 9: 0.76 to 0.83 with the loop, 0.57 to 0.59 without
lc.claim(
    "C05",
    "with its loop the network names more frames than any observer of single frames",
    accuracy["with the loop"],
    above=0.7,
)
lc.claim("C05", "without the loop it does not", accuracy["without the loop"], below=0.62)

# %% [markdown]
# Earlier frames help to name later ones, and the network found out how by itself. (On a finite number of films, chance adds or takes a hundredth or so, also at the bound.)

# %% [markdown]
# ## One word in two contexts
#
# The film's frames differ through noise. Words are cleaner: the very same word, twice. In *the clouds are in the* … and *the fish are in the* … the last word read is *the* both times. What comes next depends on what was read before it. We train on a small language with eight such pairs. A word enters as a row of zeros with a single 1.

# %%
language = lc.tasks.Clouds(kind="clouds", score="all", lead=(0, 6))


def reader(seed, steps=800):
    """A model of the small language with 32 units."""
    model = lc.Model(lc.cells.rnn, language, hidden_size=32, rng=seed)
    lc.fit(model, steps, optimizer=lc.optim.Adam(3e-3), seed=seed, progress=False)
    return model


# %%
readers = [reader(seed) for seed in range(3)]
for sentence in (". the clouds are in the", ". the fish are in the"):
    p = readers[0].predict(language.encode(sentence)[:, None])[-1, 0]
    print(f"{sentence} …  {language.symbols[p.argmax()]}")

# %% [markdown]
# The right words come out. But do they come out *because of the state*? That the states differ proves nothing by itself. So we take the state away: the control gets the last word, *the*, and a state of zeros. To be fair to it, both choose among the eight places only, so guessing gives 1/8.

# %%
answers = lc.tasks.Clouds(kind="clouds", score="answer", lead=(0, 6))
batch = next(answers.stream("test", batch_size=256))


def hits(model, reset):
    """Share of right answers, with the state as it is or reset before the last word."""
    last = batch.mask.argmax(axis=0)
    columns = np.arange(256)
    if reset:
        p = model.predict(batch.x[last, columns][None])[0]
    else:
        p = model.predict(batch.x, lengths=batch.lengths)[last, columns]
    places = language.place_words
    return np.mean(places[p[:, places].argmax(axis=1)] == batch.y[last, columns])


# %% claims=["C04"]
# seeds 0 to 9: 1.00 with the state, 0.12 to 0.14 without
lc.claim(
    "C04",
    "with its state, the network says what comes after 'the'",
    [hits(m, reset=False) for m in readers],
    above=0.95,
)
lc.claim(
    "C04",
    "with its state reset before that word, it guesses among the eight",
    [hits(m, reset=True) for m in readers],
    between=(0.02, 0.3),
)

# %% [markdown]
# Where does the difference live? In $h$. Below is how far apart the states of a reader are, unit by unit, along the two sentences. Only the third word differs (the full stop counts as one). The states go on differing until the end: less at first, most at the last *the*, where it matters, and in changing units. (Shown are the twelve that differ most at the end.)

# %%
runs = {}
for thing in ("clouds", "fish"):
    x_words = language.encode(f". the {thing} are in the")
    one = lc.tasks.Batch(x_words[:, None], x_words[:, None], np.ones((len(x_words), 1), bool), None)
    runs[thing] = readers[0].run(one).run["h"][:, 0]

# %%
difference = np.abs(runs["clouds"] - runs["fish"])
order = np.argsort(-difference[-1])[:12]
words = [".", "the", "clouds or fish", "are", "in", "the"]
fig = plots.heatmap(difference[:, order].T, rows=[f"unit {k}" for k in order], columns=words)
plots.show(
    fig,
    alt="How far the states are apart: zero before the word that differs, then several units "
    "differ, most of all at the end.",
)

# %% [markdown]
# ## Sequences of any length
#
# The same weights are used at every step, so one network serves films of every length. A network with a fixed window manages without a memory of its own making: it reads the last three frames at once. (In the cell below, `x1` and `x2` are no more than a buffer for the last two frames: `lc.state("D")` declares a state as wide as the input, `lc.identity(x)` hands `x` on as it is.) We train both on films of 50 frames and test them on lengths from 10 to 400.


# %%
@lc.cell
def window(x, h, x1=lc.state("D"), x2=lc.state("D")):
    """A layer that sees this frame and the two before, and nothing else."""
    h = lc.tanh(lc.affine("h", W=lc.concat(x, x1, x2))) + 0.0 * h
    return h, lc.identity(x), lc.identity(x1)


lengths = [10, 25, 50, 100, 200, 400]
windows = [trained(window, seed) for seed in seeds]
curves = {
    "recurrent": [[m.evaluate(length=n).accuracy for n in lengths] for m in with_loop],
    "window of three": [[m.evaluate(length=n).accuracy for n in lengths] for m in windows],
}

# %%
by_length = {network: np.transpose(values) for network, values in curves.items()}  # (6 lengths, 3 seeds)
limit = [film.limits(window=3, length=n).accuracy for n in lengths]
by_length["best from three frames"] = np.tile(limit, (3, 1)).T
texts = {"xlabel": "frames of a film (trained on 50)", "ylabel": "share named right"}
fig = plots.over_seeds(lengths, by_length, log="x", **texts)
plots.show(
    fig,
    alt="The recurrent network gains with length. The window gains little, and stays just below "
    "the best that three frames allow.",
)

# %% claims=["C08"]
# seeds 0 to 9: 0.80 to 0.86 for films of 400 frames, 0.64 to 0.65 for the window
lc.claim(
    "C08",
    "trained on 50 frames, the recurrent network beats the bound for three frames on 400",
    [c[-1] for c in curves["recurrent"]],
    above=0.72,
)
lc.claim(
    "C08",
    "a window of three, with equal training, stays behind",
    [c[-1] for c in curves["window of three"]],
    below=0.70,
)

# %%
for n in (3, 10, 20):
    print(f"best from {n:2d} frames:  {film.limits(window=n, length=400).accuracy:.2f}")
print(f"best from all frames: {film.limits(length=400).accuracy:.2f}")

# %% [markdown]
# Longer films score higher because their first frames, which have no past, weigh less. From 25 frames on the window is within about 0.01 of its limit: no network could do better from three frames.
#
# **What this shows, and what not.** The loop fits sequences: one set of weights, any length, and what matters may lie outside any window that one would have thought of. The essay calls it the *natural* architecture for them. Fitness is what we can measure; that it is the natural one, or the only one, does not follow. A wider window could catch up on this film (see the bound for twenty frames), and attention does without a loop altogether.

# %% [markdown] claims=["C02", "C09"]
# ## What it has been good for
#
# In 1997 Hochreiter and Schmidhuber named speech processing, control where the state of the world is hidden, and music composition as prospects ([*Long Short-Term Memory*](https://doi.org/10.1162/neco.1997.9.8.1735), Neural Computation 9(8), section 1). By 2015 recurrent networks had succeeded in
#
# - speech recognition: Graves, Mohamed & Hinton, [*Speech recognition with deep recurrent neural networks*](https://arxiv.org/abs/1303.5778), ICASSP 2013;
# - language modelling: Mikolov et al., [*Recurrent neural network based language model*](https://doi.org/10.21437/Interspeech.2010-343), Interspeech 2010;
# - translation: Sutskever, Vinyals & Le, [*Sequence to sequence learning with neural networks*](https://arxiv.org/abs/1409.3215), NIPS 2014;
# - image captioning: Vinyals et al., [*Show and tell*](https://arxiv.org/abs/1411.4555), CVPR 2015.
#
# A. Karpathy, [*The Unreasonable Effectiveness of Recurrent Neural Networks*](https://karpathy.github.io/2015/05/21/rnn-effectiveness/) (2015), shows what such a network can write, on Shakespeare and on the sources of Linux. His samples are from LSTMs. You did so on a small scale, with a plain network and the sources of Python, in [notebook 00](00_start_here.ipynb). Of the four papers above, all but Mikolov's used one kind of recurrent network, the LSTM. Why the plain one was not enough is the question of the next notebook.

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

# %% [markdown]
# ## What you can do now
#
# You can write a recurrent network as one equation, and read it as a picture, a program, and a chain of copies. You have seen it use its state, with controls that show that it was the state. In the exercises a single weight kept a memory for 50 steps. Can training find such weights? [On to notebook 02.](02_long_term_dependencies.ipynb)
