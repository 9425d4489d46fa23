# %% [markdown]
# # How long does a cell remember?
#
# You have read of many cells how long they are said to remember. Here fourteen of them get the same tasks, the same number of parameters and the same time to learn. Only the **lag** changes: the number of steps between what has to be remembered and the moment when it is needed.
#
# After it you can
#
# - measure the longest lag at which a network still learns, and say how sure you are of it,
# - tell apart what a cell keeps before training from what it learns to keep,
# - say where an LSTM beats a plain network, and where it does not.
#
# {minutes}

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots
from lstmcourse.experiments.define import hidden_size_for
from lstmcourse.experiments.studies import beside_spans, more_spans, spans

# %% [markdown]
# ## Two tasks with a lag
#
# **Copy.** One of eight letters comes in. After a number of blanks the mark `|` asks for it:

# %%
task = spans.span_task("copy", lag=20)
batch = task.batch("all", batch_size=3, seed=0)
for k in range(3):
    print(task.decode(batch.x[:, k]), "->", task.decode(batch.y[-1:, k]))

# %% [markdown]
# **Adding.** In a long sequence of numbers two are marked, one in each half. At the end the network gives their sum. It has to carry the first number past many others that look just like it. Here the lag is the length of the sequence.
#
# ## A span, and how to find it
#
# We train a network at a lag and test it on fresh sequences. The lag is **learnt** if the loss is at most a tenth of chance, the loss of the best guess that ignores the input. The longest lag that is learnt is the network's **span**.
#
# Each try is a training, and at long lags that is slow. So we do not try every lag, but take a ladder of seven: 10, 20, 50, 100, 200, 500 and 1,000. The first try is the middle, 100. If it is learnt, only longer lags matter; if not, only shorter ones. Three trainings find the span. Here is a live search on a shorter ladder:


# %% tags=["nbval-ignore-output"] why="training in float32, in which the last digits follow the processor"
def train(lag):
    found = spans.learn("coupled", "copy", lag, rate=0.03, seed=7)
    print(f"lag {lag}: {found['updates']:.0f} updates,", end=" ")
    print(f"loss {found['loss']:.2f} of chance")
    return found


print("span:", spans.bisect((10, 20, 30), train)["span"])

# %% [markdown]
# ## The study
#
# The rules were fixed before any span was measured:
#
# - Each cell has 1,500 parameters at most, however many units that makes, and starts as this course usually starts it: the LSTM with a forget bias of 1.
# - Five seeds, 0 to 4. Batches of 8 sequences, Adam, gradients clipped at norm 1, at most 600 updates for a lag. That is a small budget: 4,800 sequences. Training stops early when the training loss is at a twentieth of chance.
# - Each cell has a learning rate of its own for each task, the one that was quickest at lag 20 on two other seeds. The best rate lies inside the grid. The exception is the clockwork network on adding: no rate led anywhere.
#
# By the same rules two more were measured later: the **mLSTM** of 2024, whose cell state is a matrix, and **self-attention** ([notebook 16](16_attention.ipynb)), which is not told where anything stands. Equal parameters are not equal memory: when copying, the LSTM carries 26 numbers from step to step and the mLSTM 757; self-attention keeps 76 of *each* step.
#
# **Predict.** Which cell reaches the longest lag when copying? Where does the LSTM stand, and where the plain network?

# %%
study = lc.experiments.load("memory_spans")
beside = lc.experiments.load("beside_spans")
rungs = [0, *spans.LADDER]


# %%
def reached(task):
    """The spans of five seeds, by cell."""
    origin = dict.fromkeys(spans.CELLS, study)
    origin |= dict.fromkeys(beside_spans.TWO, beside)
    return {
        cell: stored.over("task", "span", task=task, cell=cell)[1][0]
        for cell, stored in origin.items()
    }


# %%
def picture(found, what):
    """A dot for each seed, on the ladder."""
    places = {k: [rungs.index(s) for s in v] for k, v in found.items()}
    fig = plots.dots(places, xlabel=what)
    fig.axes[0].set_xticks(range(8), ["none", *rungs[1:]])
    return fig


# %%
copying = reached("copy")
fig = picture(copying, "span when copying, steps")
plots.show(fig, "19-1")

# %% [markdown]
# **What to notice.** The LSTM, started as usual, reaches 20 steps: no further than the plain network. GRU, minGRU and clockwork network reach hundreds. The clockwork network has units that compute only every 64, 128 or 256 steps, and between the letter and the mark they miss nothing.
#
# Self-attention reaches 1,000 steps with three seeds of five: it has kept everything, and looks back at the letter directly. It does not seem to be the distance that stops the other two: a third seed needs 600 updates at lag 500, and 43 at lag 1,000. The mLSTM's matrix does not help here.
#
# Cells that look like twins on paper are far apart: LSTM and coupled gates, minGRU and minLSTM.

# %%
adding = reached("adding")
fig = picture(adding, "span when adding, steps")
plots.show(fig, "19-2")

# %% [markdown]
# **What to notice.** The plain network and the clockwork network do not learn to add at any lag of the ladder. A unit that sleeps misses marks that may come at any step. The LSTM learns, to 20 steps or so, and so do its close relatives. Five cells go much further: coupled gates, GRU, minGRU, minLSTM and sLSTM; and so does self-attention.
#
# These six have something in common: what they show is a weighted mean of what was written, so it cannot drift away. In four of them what is kept and what is written add up to 1; the sLSTM divides by the sum of its weights, and self-attention has a softmax. None of the other eight does that. (The mLSTM divides too, but its weights may be negative.) It may be the reason; this study does not test it.

# %% tags=["check"]
where = {"cell": ["rnn", "rnn_relu"], "task": "copy"}
again = lc.experiments.rerun("memory_spans", 1, where=where)
agreement = lc.experiments.agree("memory_spans", again)
assert agreement, agreement
where = {"cell": "self_attention", "task": "copy"}
again = lc.experiments.rerun("beside_spans", 1, where=where)
agreement = lc.experiments.agree("beside_spans", again)
assert agreement, agreement

# %% [markdown]
# ## Is a shorter lag always easier?
#
# Bisection takes that for granted. It need not be so: a learning rate that suits lag 500 may not suit lag 10, and chance plays a part in each training. So for one cell, the GRU, we tried all lags up to 500 when copying. 1 means learnt:

# %%
ladder = lc.experiments.load("whole_ladders")
lags, learnt = ladder.over("lag", "learnt")
fig = plots.heatmap(
    learnt,
    rows=[f"lag {lag}" for lag in lags],
    columns=[f"seed {seed}" for seed in range(5)],
)
plots.show(fig, "19-3")

# %% [markdown]
# Here it is always easier: no seed fails at a lag and succeeds at a longer one. (That is one cell and one task. At lag 500 two trainings diverged to infinity: a rate of 0.3, chosen at lag 20, is too bold there.)
#
# ## What is there before training
#
# In notebooks [02](02_long_term_dependencies.ipynb) and [04b](04b_what_an_untrained_lstm_remembers.ipynb) you saw how fast the gradient decays in an untrained network. Does that decide the span? We feed a letter and then blanks to untrained cells, and take the derivative of the last $h$ with respect to the input $k$ steps before: a product of Jacobians, $k$ of them. Its size, relative to that at $k = 0$, is the **influence**:


# %%
def influence(model, lag=100):
    """Size of dh_T/dx_{T-k} for k = 0 to lag, over its size at 0."""
    H = model.hidden_size
    x = np.eye(10)[[0] + [8] * lag]  # a letter, then blanks
    x = np.repeat(x[:, None], H, axis=1)
    names = model.cell.parameter_shapes(10, H)
    params = {n: model.params[f"cell.{n}"].astype(float) for n in names}
    run = lc.unroll(model.cell, params, x, grad=True)
    last = np.zeros_like(run["h"])
    last[-1] = np.eye(H)  # in each row of the batch, one unit of h_T
    gradient = run.backward({"h": last})["x"]
    size = np.linalg.norm(gradient, axis=(1, 2))[::-1]
    return size / size[0]


# %%
def fresh(cell):
    """An untrained model of the study's size."""
    size = hidden_size_for(cell, task, spans.PARAMETERS)
    return lc.Model(cell, task, hidden_size=size, rng=0)


shown = ("rnn_relu", "rnn", "lstm", "slstm", "gru")
before = {cell: influence(fresh(cell)) for cell in shown}
fig = plots.lines(before, log="y", xlabel="k, steps back", ylabel="influence")
plots.show(fig, "19-4")

# %% [markdown]
# **What to notice.** It does *not* decide the span. The ReLU network keeps everything at the start, and reaches 20 to 100 steps. The GRU keeps least, and reaches hundreds. LSTM and sLSTM keep about the same, and their spans differ up to tenfold.
#
# So what happens in training? An sLSTM and an LSTM each get 200 updates on copying at lag 100, at learning rates of their own:

# %% tags=["nbval-ignore-output"] why="training in float32, in which the last digits follow the processor"
task = spans.span_task("copy", lag=100)
curves = {}
for cell in ("slstm", "lstm"):
    model = fresh(cell)
    adam = lc.optim.Adam(spans.RATE["copy", cell])
    history = lc.fit(model, 200, batch_size=8, optimizer=adam, progress=False)
    loss = history.loss[-20:].mean() / task.chance
    print(f"{cell}: loss {loss:.2f} of chance")
    curves[f"{cell}, before"] = before[cell]
    curves[f"{cell}, after"] = influence(model)
fig = plots.lines(curves, log="y", xlabel="k, steps back", ylabel="influence")
plots.show(fig, "19-5")

# %% [markdown]
# **What to notice.** The way back to the letter is not there at the start. Training builds it in the sLSTM, and in this time not in the LSTM. One difference is the learning rate: the best rate of the sLSTM is 0.1, that of the LSTM 0.003. (At 0.1 the LSTM did not learn lag 20.) We did not find out why the LSTM tolerates only small rates here.
#
# ## The start of the forget gate
#
# With a forget bias of 1 an LSTM keeps half of a value for about two steps. What if it starts open? With $b_f = 5$ half is left after 100 steps. **Chrono** initialisation ([Tallec & Ollivier 2018](https://arxiv.org/abs/1804.11188)) goes by the lag: it draws $b_f$ such that units forget in 2 to `lag` steps, and sets $b_i = -b_f$, so that they write as slowly. Each start has its own learning rate, chosen as before:

# %%
others = lc.experiments.load("span_starts")
names = {"0": "$b_f$ = 0", "5": "$b_f$ = 5", "chrono": "chrono"}
starts = {"$b_f$ = 1": copying["lstm"]}
for how, name in names.items():
    starts[name] = others.over("how", "span", how=how)[1][0]
fig = picture(dict(sorted(starts.items())), "span of the LSTM when copying")
plots.show(fig, "19-6")

# %% claims=["C17"]
statement = "started as usual, no LSTM copies over 50 steps"
lc.claim("C17", statement, copying["lstm"], below=50, verdict="qualified")

# %% [markdown]
# **What to notice.** Chrono takes three seeds of five to 1,000 steps. A bias of 5 alone does no more than a bias of 1, though half of every value is left after 100 steps. So it is not enough to keep the state. Our guess: at bias 5 the input gate stands half open all the time, and what it writes at the blanks buries the letter. Chrono also starts with input gates nearly shut. ([Notebook 04b](04b_what_an_untrained_lstm_remembers.ipynb) measures that for untrained networks.) An LSTM *can* remember for long by default. As it usually starts, it does not.
#
# ## All of it in one table
#
# The table gives the median of five seeds, and in brackets the least and the greatest. That range holds the true median in at least 15 of 16 cases, whatever the distribution of the spans (exercise 19.3). Six cells have three more tasks, at lags from 20 to 300:
#
# - **order**: two marks, each X or Y, lie among other letters; at the end the network names their order,
# - **strings**: T or P, then strings of Reber's grammar ([notebook 09b](09b_what_the_lstm_is_good_for.ipynb)), in which T and P occur too; at the end, which was it?
# - **speech**: real recordings, of nine men who say two vowels; the question who it was comes a lag after the end. A lag counts if 80 % of the test recordings are named.
#
# **Predict:** will the cells that lead when copying lead here too?

# %%
more = lc.experiments.load("more_spans")
tables = {"copying": copying, "adding": adding}
for name, task in zip(
    ("order", "strings", "speech"), more_spans.MORE, strict=True
):
    tables[name] = {
        cell: more.over("task", "span", task=task, cell=cell)[1][0]
        for cell in more_spans.SIX
    }


def entry(found):
    """The median, and the range."""
    low, mid, high = np.quantile(found, (0, 0.5, 1))
    return f"{mid:.0f} ({low:.0f}-{high:.0f})"


print(f"{'':14}", *(f"{name:>15}" for name in tables))
for cell in copying:
    row = [entry(t[cell]) if cell in t else "" for t in tables.values()]
    print(f"{cell:14}", *(f"{text:>15}" for text in row))

# %% [markdown]
# **What to notice.** No cell leads everywhere. The minGRU holds two marks over 300 steps and loses its letter among strings at every lag. The GRU is the other way round. On speech the cell of 1997, which cannot forget, is ahead of all that came after it; perhaps because there is nothing to forget while nothing is said. Of strings the LSTM learns 20 steps with two seeds of five; at lag 20 no rate of its grid was any better. In notebook [09b](09b_what_the_lstm_is_good_for.ipynb) it learnt strings well, with more updates and shorter ones.
#
# ## What was published
#
# | who | what they report | here | what differs |
# |---|---|---|---|
# | Hochreiter & Schmidhuber 1997, experiment 4 | adding with the cell of 1997: lag 100 after 74,000 sequences, lag 1,000 after 853,000 | `lstm_1997`, adding: 20 (20 to 50), after at most 4,800 | they train 15 times as long and more, by truncated gradients, one sequence at a time; gates shut at first; values from −1 to 1 |
# | the same, experiment 2 | a plain network trained by real-time recurrent learning finds a lag of 4, and none of 10 | `rnn`, copy: 20 (20 to 50) | another task, logistic units, plain gradient descent; ours starts with an orthogonal matrix and has Adam |
# | [Koutník et al. 2014](https://arxiv.org/abs/1402.3511) | their LSTM needs a forget bias of 5 | copy, bias 5: 20 in all seeds; bias 1: 20 (10 to 20) | they write waves from memory |
# | [Le, Jaitly & Hinton 2015](https://arxiv.org/abs/1504.00941) | the ReLU network learns to add over hundreds of steps | `rnn_relu`, adding: none (none to 10) | they train very much longer, at a small rate |
#
# We read the numbers of 1997 in the paper, the others at second hand.
#
# ## "They really work a lot better for most tasks"
#
# So [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/) says of LSTMs: nearly all successes are theirs, and they do far better than the plain network. What do our five tasks say?

# %% claims=["C16", "C45"]
longer = adding["lstm"] - adding["rnn"]
statement = "when adding, the LSTM's span is longer, seed by seed"
lc.claim("C16", statement, longer, above=5)
ratio = np.median(copying["lstm"]) / np.median(copying["rnn"])
statement = "ahead when adding, but no longer a median span when copying"
lc.claim("C45", statement, ratio, below=1.5, verdict="qualified")

# %% [markdown]
# (The plain network did not learn to add at lag 10 either, at rates of 0.001, 0.003 and 0.01, three seeds each.)
#
# So it depends on the task. To find two things amid distraction, in adding and in order, and to remember who spoke, the LSTM's median is ahead of the plain network's. To hold one letter while nothing happens, an LSTM that starts as usual is not ahead at all, and the start decides; on strings both have a median of none. The essay's *nearly all successes* are of 2015, when the rival was the plain network. Here other gated cells went further than both: on most of the tasks the GRU of 2014, the sLSTM of 2024, or the minGRU of 2024, which has no recurrent matrices at all; on speech the LSTM's own ancestor. Self-attention, which carries no state, copies and adds over 1,000 steps in the median.
#
# This says nothing of larger networks, longer training or language. Five tasks are not "most tasks", 4,800 sequences are few, and the rates were chosen at a short lag.
#
# ## What to remember
#
# - No cell of ours leads on every task.
# - A span belongs to a cell, a task, a start, a learning rate and a budget. Name all five.
# - The influence at the start does not decide the span. Some cells build the way back within a hundred updates, others do not.
# - In 600 updates the LSTM adds over 20 steps and the plain network does not add at all. Five cells whose state is a weighted mean reach hundreds of steps, and so does self-attention.
#
# ## Three questions to check yourself
#
# 1. Bisection finds a span of 200. Which lags of the ladder were tried?
# 2. Why does a ReLU network that starts from the identity not copy over 1,000 steps, though nothing of the gradient is lost at the start?
# 3. Two cells have spans of 20 (10 to 50) and 50 (20 to 50) in five seeds each. Which is better?
#
# <details><summary>Answers</summary>
#
# 1. 100, 500 and 200: learnt, not learnt, learnt.
# 2. The gradient reaches the letter at the start, but the weights must change to use it. A small change of a matrix close to the identity, raised to the power 1,000, is a large one.
# 3. Nobody knows: the ranges overlap almost wholly. More seeds would tell.
#
# </details>
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="19.1"
# A forget gate stands at $\sigma(b)$ at every step. Which bias $b$ leaves the share `left` of a value after `lag` steps?


# %% tags=["exercise"]
def bias(lag, left):
    # solution:
    f = left ** (1 / lag)
    return np.log(f / (1 - f))
    # end


lc.check("19.1", bias)

# %% [markdown] tags=["exercise"] exercise="19.2"
# Write the search. Given are a `ladder` of rising lags, and `learnt`, a function that trains at a lag of the ladder and says True or False. Return the longest lag that is learnt, or 0 if none is. Each call is a training: make as few as you can.


# %% tags=["exercise"]
def span(ladder, learnt):
    # solution:
    low, high = 0, len(ladder)
    while low < high:
        middle = (low + high) // 2
        if learnt(ladder[middle]):
            low = middle + 1
        else:
            high = middle
    return ladder[low - 1] if low else 0
    # end


lc.check("19.2", span)

# %% [markdown] tags=["exercise"] exercise="19.3"
# Spans differ from seed to seed. Suppose that each of `n` seeds lies above the true median half of the time, and below it otherwise. How probable is it that the median lies between the least and the greatest of them?


# %% tags=["exercise"]
def sure(n):
    # solution:
    return 1 - 2 * 0.5**n
    # end


lc.check("19.3", sure)

# %% [markdown] tags=["solution"]
# The range misses the median only if all $n$ lie above it, or all below: $2 \cdot 0.5^n$. For five seeds that is 1 in 16.

# %% [markdown] tags=["exercise"] exercise="19.4"
# Three LSTMs of the study, with the chrono start, learnt to copy over 1,000 steps. Do it without learning: set the weights by hand. The input has two numbers: a value, 1 or −1, and a mark. At the first step the mark is 1 and the value is to be kept; at 999 further steps the mark is 0 and the values are distraction. After them $h$ must have the sign of the first value, and be at least 0.5 in size. The network has one unit. Give the weights by name: `W_f`, `b_f`, `W_i`, `b_i`, `W_g`, `b_g`, `W_o`, `b_o`, where each `W` is a list of two numbers. (The recurrent ones are 0.)

# %% tags=["exercise"]
# solution: weights
weights = {
    **{"W_f": [0, 0], "b_f": 12},  # keep
    **{"W_i": [0, 40], "b_i": -20},  # write when the mark is there
    **{"W_g": [5, 0], "b_g": 0},  # the value's sign
    **{"W_o": [0, 0], "b_o": 9},  # show
}
# end
lc.check("19.4", weights)

# %% [markdown] tags=["exercise"]
# To keep: a cell of your own. Write one, `mine`, with at most 1,500 parameters (`hidden_size_for` finds the size), and train it on copying at lag 20 in at most 600 updates. Then find its span with your own search. Does it beat the 50 steps of the coupled gates?


# %% tags=["exercise", "nbval-ignore-output"] why="training in float32, in which the last digits follow the processor"
# solution:
@lc.cell(init={"b_f": 1.0})
def mine(x, h, c):
    """An LSTM with one gate for both decisions that shows all it has."""
    f = lc.sigmoid(lc.affine("f", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    c = f * c + (1.0 - f) * g
    h = lc.tanh(c)
    return h, c


task = spans.span_task("copy", lag=20)
size = hidden_size_for(mine, task, spans.PARAMETERS)
model = lc.Model(mine, task, hidden_size=size, rng=0)
adam = lc.optim.Adam(0.03)
history = lc.fit(model, 600, batch_size=8, optimizer=adam, progress=False)
loss = history.loss[-20:].mean() / task.chance
print(f"loss {loss:.2f} of chance")
# end

# %% [markdown]
# ## What you can do now
#
# You can measure how long a cell remembers, under rules that you state. You know that "remembers for long" is not a property of the equations alone. And when somebody says that one cell is better than another, you know which five things to ask for. Next: [a language model](20_language_model.ipynb).
