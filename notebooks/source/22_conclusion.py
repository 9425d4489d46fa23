# %% [markdown]
# # What holds
#
# You have built every network that [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/) names, trained it and measured it. Now we go back over the whole text. What holds, what holds with a reservation, and what does not? Then we look at what came after it.
#
# After it you can
#
# - say of each of the essay's statements how we tested it and what came out,
# - say for which tasks an LSTM is worth its gates, and for which it is not,
# - name the people who made it what it is,
# - say what the networks of the last ten years took from it, and what they left out.
#
# {minutes}

# %% tags=["setup"]
import lstmcourse as lc
from lstmcourse import plots

# %% [markdown]
# ## Every statement, one by one
#
# We took 51 statements from the essay. This table is made from your notebooks, the ones in this folder, as they were last saved. If you have changed a lesson and run it again, your own numbers stand here. Each result links to the cell that shows it. A click on a heading sorts the table.
#
# **Predict.** How many of the 51 did we have to qualify, and how many did not hold at all?

# %% tags=["nbval-ignore-output"] why="it repeats what the other notebooks say"
lc.ledger()

# %% [markdown]
# The verdicts that are not plainly *met* are the interesting ones. Here are those with a reservation:

# %% tags=["nbval-ignore-output"] why="it repeats what the other notebooks say"
lc.ledger().only("qualified")

# %% [markdown]
# **What to notice.** We had to qualify two statements in five, and to strike out none. The essay explains a mechanism, and where it does, it is right: every equation, every path on which information goes, every role of a gate. Where we had to qualify, it generalises. *Cannot*, *easily*, *essentially all*, *a lot better*: words like these depend on a task, a size and a budget, and the essay names none. We do, and so our verdicts hold for small networks that are trained for minutes.
#
# ## A lot better, for most tasks?
#
# The last thing that the essay says about the LSTM is the boldest: LSTMs "really work a lot better for most tasks" than plain recurrent networks. Across the course we trained both on five tasks, with equal numbers of parameters, five seeds, and each at its own best learning rate: adding two marked numbers, copying letters after a pause, telling in which order two marks came, spelling out Reber's strings ([notebook 03](03_lstm_networks.ipynb)), and naming the speaker of a recorded vowel ([notebook 21](21_three_uses.ipynb)).
#
# **Predict.** On how many of the five is the worst of the LSTMs ahead of the best of the plain networks?

# %%
tasks = ("adding", "copy", "temporal_order", "embedded_reber")
study = lc.experiments.load("plain_against_lstm")
voices = lc.experiments.load("who_speaks")
right = {}
for cell in ("rnn", "lstm"):
    right[cell] = {
        task: study.chosen("accuracy", by="loss", task=task, cell=cell)
        for task in tasks
    }
    right[cell]["speakers"] = voices.chosen("accuracy", cell=cell)
rows = {}
for task in right["rnn"]:
    rows[f"{task}: plain"] = right["rnn"][task]
    rows[f"{task}: LSTM"] = right["lstm"][task]
fig = plots.dots(rows, xlabel="share of right answers")
plots.show(
    fig,
    alt="Dots for five tasks. On adding and temporal order the LSTM is far ahead, on the others the two overlap.",
)

# %% [markdown]
# **What to notice.** Where it wins, it wins outright: on *adding* with all five seeds, on *temporal order* with four of five. The fifth is at chance, where all plain networks are, and ahead of them by a hair. Both ask for something that lies dozens of steps back. On the other three the two overlap. Reber's strings are short, and so is a vowel; and copying after a pause, which is long, neither of the two had learnt when the budget was spent.

# %% claims=["C45"]
ahead = [
    min(right["lstm"][task]) > max(right["rnn"][task]) for task in right["rnn"]
]
lc.claim(
    "C45",
    "the share of tasks on which each LSTM is ahead of each plain network",
    sum(ahead) / len(ahead),
    below=0.5,
    verdict="qualified",
)

# %% [markdown]
# So we would put it differently: *where the gap is long, gates can make the difference between learning and not learning; where it is short, they make none.* And they make it only if the forget gate starts open wide enough ([notebook 04b](04b_what_an_untrained_lstm_remembers.ipynb)). In [notebook 19](19_memory_span.ipynb) the LSTM with its usual start copies across no longer a lag than the plain network. What it can represent and what it learns in a given time are two questions.
#
# ## What the last ten years said
#
# The essay is of 2015. Three things have changed since.
#
# **Attention alone.** The essay ends with the hope that attention will be the next big step. [It was](https://arxiv.org/abs/1706.03762): since 2017 most language models have had no recurrence at all. All steps of a text look at all others at once, so training is not held up by a loop, and there is no gap to be bridged. The price grows with the square of the length, and what has been read must be kept whole.
#
# **Less in the gates.** The [minGRU and the minLSTM](https://arxiv.org/abs/2410.01201) (2024) strike $h_{t-1}$ out of every gate. What is left is linear in the state, and a linear recurrence need not be computed step by step. State-space models rest on the same idea. Here is the minGRU, whole:

# %%
lc.cells.min_gru.equations()

# %% [markdown]
# **More in the gates.** The [xLSTM](https://arxiv.org/abs/2405.04517) (2024), by a team around one of the LSTM's inventors, gives the gates an exponential, so that what was stored can be written over in one step, and in one variant makes a matrix of the cell state. Its sLSTM:

# %%
lc.cells.slstm.equations()

# %% [markdown]
# **Predict.** Which of them holds a letter longest, at 1,500 parameters and after 600 updates: plain network, LSTM, GRU, minGRU, minLSTM, or sLSTM? Remember that the minGRU decides what to keep without a look at what it has.

# %%
spans = lc.experiments.load("memory_spans")
cells = ("rnn", "lstm", "gru", "min_gru", "min_lstm", "slstm")
longest = {
    cell: spans.over("task", "span", task="copy", cell=cell)[1][0]
    for cell in cells
}
fig = plots.dots(longest, xlabel="longest lag at which it copies, in steps")
plots.show(
    fig,
    alt="Dots for six cells: plain network, LSTM and minLSTM near 20 steps, sLSTM 50 to 200, GRU 200 to 1,000, minGRU 500 to 1,000.",
)

# %% [markdown]
# **What to notice.** The minGRU, with the least in its gates, holds a letter across 500 to 1,000 steps, as long as the GRU or longer. The minLSTM, its twin, gives up after 20. One name in common says little about two cells, and one task says little about a cell: [a test on real text](20_language_model.ipynb) sorts them differently.
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
# And the essay's author, [Christopher Olah](https://colah.github.io/about.html), drew the picture by which most of us have understood it.
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="22.1"
# A cell without $h$ in its gates is a line at each step: $h_t = a_t h_{t-1} + b_t$. Two such steps, one after the other, are again a line. Write `both(a1, b1, a2, b2)`: the $a$ and the $b$ of the first step followed by the second. (Pairs can be grouped in any way, as long as they keep their order. So a sequence of $T$ steps takes $\log_2 T$ rounds in place of $T$.)


# %% tags=["exercise"]
def both(a1, b1, a2, b2):
    # solution:
    return a2 * a1, a2 * b1 + b2
    # end


lc.check("22.1", both)

# %% [markdown] tags=["solution"]
# Put the first line into the second: $a_2 (a_1 h + b_1) + b_2 = (a_2 a_1)\, h + (a_2 b_1 + b_2)$.

# %% [markdown] tags=["exercise"] exercise="22.2"
# An LSTM and a layer of self-attention are both $d = 64$ wide, inputs too. Count multiplications: the LSTM has eight $d \times d$ products at each of $T$ steps. Attention has four (queries, keys, values, output), and then $T^2$ scores and $T^2$ averages of $d$ multiplications each. From which length $T$ on does attention need as many as the LSTM?

# %% tags=["exercise"]
# solution: length
length = 2 * 64
# end
lc.check("22.2", length)

# %% [markdown] tags=["solution"]
# $8 d^2 T = 4 d^2 T + 2 d T^2$ gives $T = 2d = 128$. Below that attention is the cheaper one, and above it the dearer one, by this count. It says nothing of time: attention's products are independent of one another, and a loop's steps are not.

# %% [markdown] tags=["exercise"]
# To keep: your own verdict. Take a claim whose verdict surprised you, open the cell that the ledger links to, change one thing in it that you think unfair (a budget, a size, a start), and run it. Then come back and look at the ledger.

# %% tags=["exercise", "nbval-ignore-output"] why="it repeats what the other notebooks say"
# solution:
print(lc.ledger())
# end
