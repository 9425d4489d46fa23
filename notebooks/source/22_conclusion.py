# %% [markdown]
# # What holds
#
# You have built every network that [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/) names, trained it and measured it. Now we go over the whole text again. What holds, what holds with a reservation, and what does not? Then we look at what came after it.
#
# After it you can
#
# - say how we tested each of the essay's statements and what came out,
# - say for which tasks an LSTM is worth its gates, and for which it is not,
# - name the people who made it what it is,
# - say what the networks of the last ten years took from it, and what they left out.
#
# {minutes}

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots

# %% [markdown]
# ## Every statement, one by one
#
# We took 51 statements from the essay. The table below is made from your notebooks, the ones in this folder, as they were last saved. If you have changed a lesson and run it again, it shows your own numbers. Each result links to the cell that shows it. A click on a heading sorts the table.
#
# **Predict.** How many of the 51 did we have to qualify, and how many did not hold at all?

# %% tags=["nbval-ignore-output"] why="it repeats what the other notebooks say"
lc.ledger()

# %% [markdown]
# The interesting verdicts are those that are not plainly *met*. Here are those with a reservation:

# %% tags=["nbval-ignore-output"] why="it repeats what the other notebooks say"
lc.ledger().only("qualified")

# %% [markdown]
# **What to notice.** We had to qualify one statement in three, and refuted none. Where the essay explains the mechanism it is right: every equation, every path of information, every role of a gate. Where it generalises we had to qualify. *Cannot*, *easily*, *essentially all*, *a lot better*: such words depend on a task, a size and a budget, and the essay names none. We do, and so our verdicts hold for small networks that train for minutes.
#
# ## A lot better, for most tasks?
#
# The boldest thing that the essay says of LSTMs comes last: for most tasks they work a lot better than plain recurrent networks. In the course we trained both on five tasks, with equally many parameters, five seeds, and each at its own best learning rate: adding two marked numbers, copying letters after a pause, telling the order of two marks, going on with Reber's strings ([notebook 09b](09b_what_the_lstm_is_good_for.ipynb)), and naming the speaker of recorded vowels ([notebook 21](21_three_uses.ipynb)).
#
# **Predict.** On how many of the five is the worst of the LSTMs ahead of the best of the plain networks?

# %%
tasks = ("adding", "copy", "temporal_order", "embedded_reber")
study = lc.experiments.load("plain_against_lstm")
voices = lc.experiments.load("who_speaks")


def right(task, cell):
    """The shares of right answers, one for each seed."""
    if task == "speakers":
        return voices.chosen("accuracy", cell=cell)
    return study.chosen("accuracy", by="loss", task=task, cell=cell)


# %%
rows = {}
for task in (*tasks, "speakers"):
    name = task.replace("_", " ")
    rows[f"{name}: plain network"] = right(task, "rnn")
    rows[f"{name}: LSTM"] = right(task, "lstm")
fig = plots.dots(rows, xlabel="share of right answers")
plots.show(fig, "22-1")

# %% [markdown]
# **What to notice.** Where it wins, it wins outright, with all five seeds: on *adding* and on *temporal order*. Both tasks ask for something that lies dozens of steps back. On the other three the two overlap. Reber's strings are short, and so are vowels. The pause in copying is long, but within the budget neither network learnt it.

# %% claims=["C45"]
ahead = [
    min(right(task, "lstm")) > max(right(task, "rnn"))
    for task in (*tasks, "speakers")
]
lc.claim(
    "C45",
    "on less than half of the tasks every LSTM beats every plain network",
    sum(ahead) / len(ahead),
    below=0.5,
    verdict="qualified",
)

# %% [markdown]
# So we would put it differently: *over a long gap, gates can decide whether a network learns at all; over a short one they matter little.* And how wide the forget gate stands open at the start can matter as much ([notebook 04b](04b_what_an_untrained_lstm_remembers.ipynb)). In [notebook 19](19_memory_span.ipynb) the LSTM with its usual start copies over no longer a lag than the plain network. What a cell can represent is one question, and what it learns in a given time another.
#
# ## What the last ten years said
#
# The essay is from 2015. Three things have changed since.
#
# **Attention alone.** The essay ends with attention as the next big step. [It was](https://arxiv.org/abs/1706.03762): since 2017 language models have come to do without recurrence. Each step of a text looks at all steps before it at once, so no loop holds up training, and there is no gap to bridge. The price: the work grows with the square of the length, and all that has been read must be kept.
#
# **Less in the gates.** The [minGRU and the minLSTM](https://arxiv.org/abs/2410.01201) (2024) strike $h_{t-1}$ out of every gate. What is left is linear in the state, and a linear recurrence need not be computed step by step. State-space models rest on the same idea. (The search of [notebook 15](15_which_variant_is_best.ipynb) hit on it as well: four of its twenty fittest cells have a linear $h$.) Here is the whole minGRU:

# %%
lc.cells.min_gru.equations()

# %% [markdown]
# **More in the gates.** The [xLSTM](https://arxiv.org/abs/2405.04517) (2024), by a team around one of the LSTM's inventors, gives gates an exponential, so that one step can overwrite what was stored. In one variant the cell state is a matrix. This is the other one, the sLSTM:

# %%
lc.cells.slstm.equations()

# %% [markdown]
# **Predict.** Which holds a letter longest, with 1,500 parameters and after 600 updates: plain network, LSTM, GRU, minGRU, minLSTM, sLSTM, its sister with the matrix (mLSTM), or self-attention? Remember that the minGRU decides what to keep without a look at what it has.

# %%
spans = lc.experiments.load("memory_spans")
beside = lc.experiments.load("beside_spans")
cells = {"plain network": "rnn", "LSTM": "lstm", "GRU": "gru"}
cells |= {"minGRU": "min_gru", "minLSTM": "min_lstm", "sLSTM": "slstm"}
others = {"mLSTM": "mlstm", "self-attention": "self_attention"}
longest = {}
for study, named in ((spans, cells), (beside, others)):
    for name, cell in named.items():
        which = {"task": "copy", "cell": cell}
        _, (longest[name],) = study.over("task", "span", **which)
fig = plots.dots(longest, xlabel="longest lag copied, in steps", log=True)
plots.show(fig, "22-2")

# %% [markdown]
# **What to notice.** The minGRU, with the least in its gates, holds a letter across 500 to 1,000 steps, as long as the GRU or longer. The minLSTM, its twin by name, gives up after 20. A common name says little about two cells, and one task says little about a cell: here the minLSTM copies no farther than the plain network, and on [real text](20_language_model.ipynb) it is ahead of it in all three runs. Self-attention copies over 1,000 steps with three seeds of five. It carries nothing across the gap: it has kept all the steps, 76,000 numbers in the end where the LSTM has 26.
#
# ## Whose work it is
#
# The essay thanks those who made the LSTM what it is. Here is what each of them did.

# %% [markdown] claims=["C51"]
# | who | what |
# |---|---|
# | Sepp Hochreiter, Jürgen Schmidhuber | the [LSTM](https://doi.org/10.1162/neco.1997.9.8.1735) itself, 1997: the cell state, the input gate and the output gate |
# | Felix Gers, Jürgen Schmidhuber, Fred Cummins | the [forget gate](https://doi.org/10.1162/089976600300015015), 2000 |
# | Felix Gers, Nicol Schraudolph, Jürgen Schmidhuber | [peephole connections](https://www.jmlr.org/papers/v3/gers02a.html), 2002 |
# | Alex Graves, Jürgen Schmidhuber | full backpropagation through time, and [both directions](https://doi.org/10.1016/j.neunet.2005.06.042), 2005 |
# | Alex Graves, Santiago Fernández, Faustino Gomez, Jürgen Schmidhuber | [connectionist temporal classification](https://doi.org/10.1145/1143844.1143891), 2006: speech without a segmentation |
# | Jürgen Schmidhuber, Daan Wierstra, Matteo Gagliolo, Faustino Gomez | [Evolino](https://doi.org/10.1162/neco.2007.19.3.757), 2007: LSTMs that evolve |
# | Justin Bayer, Daan Wierstra, Julian Togelius, Jürgen Schmidhuber | [evolving memory cells](https://doi.org/10.1007/978-3-642-04277-5_76), 2009: a search over architectures, six years before the one of [notebook 15](15_which_variant_is_best.ipynb) |
# | Alex Graves | [generating sequences](https://arxiv.org/abs/1308.0850), 2013: handwriting and text, symbol by symbol |
#
# And the essay's author, [Christopher Olah](https://colah.github.io/about.html), drew the pictures by which many of us understood it.
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="22.1"
# "Every LSTM beats every plain network" looks at the worst and the best run alone. Use all of them. Given are the shares of right answers of two kinds of network, `lstm` (m,) and `plain` (n,). Draw one run of each at random: how probable is it that the LSTM is ahead? A tie counts half.


# %% tags=["exercise"]
def ahead_of(lstm, plain):
    # solution:
    apart = lstm[:, None] - plain
    return np.mean((apart > 0) + 0.5 * (apart == 0))
    # end


lc.check("22.1", ahead_of)

# %% [markdown] tags=["solution"]
# For *copy* this gives 0.76, though neither network has learnt to copy. The number says who is ahead, and nothing of how far. (It is Mann and Whitney's statistic, divided by the number of pairs.)

# %% [markdown] tags=["exercise"] exercise="22.2"
# A cell without $h$ in its gates takes a linear step: $h_t = a_t h_{t-1} + b_t$. Two such steps, one after the other, are again one. Write `both(a1, b1, a2, b2)`: the $a$ and the $b$ of the first step followed by the second. (You may join neighbours in any order, so a sequence of $T$ steps takes $\log_2 T$ rounds instead of $T$.)


# %% tags=["exercise"]
def both(a1, b1, a2, b2):
    # solution:
    return a2 * a1, a2 * b1 + b2
    # end


lc.check("22.2", both)

# %% [markdown] tags=["solution"]
# Put the first step into the second: $a_2 (a_1 h + b_1) + b_2 = (a_2 a_1)\, h + (a_2 b_1 + b_2)$.

# %% [markdown] tags=["exercise"] exercise="22.3"
# Somebody wrote all steps at once: $h_1$ to $h_T$ for `a` and `b` (T,), where every $a_t$ lies between 0 and 1 and $h_0 = 0$. It is fast, and wrong. Mend it.


# %% tags=["exercise"]
def at_once(a, b):
    # solution:
    kept = np.cumprod(a)
    return kept * np.cumsum(b / kept)
    # given:
    # kept = np.cumprod(a)
    # return kept * np.cumsum(b)
    # end


lc.check("22.3", at_once)

# %% [markdown] tags=["solution"]
# What step $s$ wrote is multiplied by $a_{s+1} \cdots a_t$ alone, which is `kept[t] / kept[s]`. Over hundreds of steps `kept` becomes 0 in floating point, and the quotient breaks down. That is why such cells are computed by joining neighbours, or in logarithms.

# %% [markdown] tags=["exercise"] exercise="22.4"
# An LSTM and a layer of self-attention are both $d = 64$ wide, inputs too. Count multiplications: the LSTM has eight $d \times d$ products at each of $T$ steps. Attention has four (queries, keys, values, output), and then $T^2$ scores and $T^2$ averages of $d$ multiplications each. From which length $T$ on does attention need as many as the LSTM?

# %% tags=["exercise"]
# solution: length
length = 2 * 64
# end
lc.check("22.4", length)

# %% [markdown] tags=["solution"]
# $8 d^2 T = 4 d^2 T + 2 d T^2$ gives $T = 2d = 128$. By this count attention is cheaper below that length, and more expensive above it. The count says nothing of time: attention's products are independent of one another, and a loop's steps are not.

# %% [markdown] tags=["exercise"]
# To keep: your own verdict. Choose a statement whose verdict surprised you, and open the cell that the table links to. Change one thing in it that you think unfair (a budget, a size, a start), and run it. Then come back and look at the table.

# %% tags=["exercise", "nbval-ignore-output"] why="it repeats what the other notebooks say"
# solution:
print(lc.ledger())
# end

# %% [markdown]
# ## What you can do now
#
# You can read a sentence about a network, say what would have to be measured for it to hold, and measure it. That is how the essay fared here: its mechanism holds in every part, and its general words hold where a task, a size and a budget are named.
