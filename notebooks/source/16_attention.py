# %% [markdown] claims=["C47"]
# # Attention: what to look at, word by word
#
# An LSTM carries what it has read in one state. A translator that works this way reads a whole sentence, packs it into one vector, and writes the translation from that. [Bahdanau, Cho and Bengio (2014)](https://arxiv.org/abs/1409.0473) let it look back instead: at each word that it writes, the network picks what to look at. The essay calls this the next big step after LSTMs.
#
# After it you can
#
# - compute attention by hand: scores, shares, and what comes out,
# - say what one vector costs, measured against the length of a sentence,
# - read a map of attention, and test whether the network uses what it looks at.
#
# It takes about 40 minutes.

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots
from lstmcourse.course import attentive
from lstmcourse.tasks import bleu
from lstmcourse.tasks.pairs import until_end

# %% [markdown]
# ## Through one vector
#
# Our translator goes from English to French, in a small grammar of our own: adjectives change places, words agree, *not* becomes *ne … pas*. An encoder reads the English in both directions. A decoder writes the French, one word at a time.

# %%
task = lc.tasks.Translation(clauses=(1, 2))
for english, french in task.texts(task.batch("test", batch_size=3, seed=4)):
    print(english, "\n   ", french)

# %% [markdown]
# We train two networks with the same parameters, number for number. One decoder sees the encoder's state at every word. The other sees one vector: the states in which the encoder ends. Both had the same 1,200 steps and the same three learning rates, and we show the rate with the lower loss on validation sentences.
#
# **Predict:** on sentences of one clause, how far behind is the one vector? And on two?

# %% tags=["setup"]
study = lc.experiments.load("translation")


def chosen(name, **point):
    """A value by seed, at the learning rate with the lowest validation loss."""
    rates = sorted({t.point["learning_rate"] for t in study.trials})
    runs = {
        rate: [t.values for t in study.trials if t.point == point | {"learning_rate": rate}] for rate in rates
    }
    best = min(runs.values(), key=lambda r: np.mean([v["validation"] for v in r]))
    return [v[name] for v in best]


clauses = [1, 2, 3, 4]
score = {
    name: np.array([chosen(f"bleu_{n}", attention=a, longest=2) for n in clauses])
    for name, a in (("attention", True), ("one vector", False))
}

# %%
plots.show(
    plots.over_seeds(clauses, score, xlabel="clauses", ylabel="BLEU"),
    alt="BLEU against the number of clauses, for attention and for one vector.",
)

# %% claims=["C47"]
lc.claim(
    "C47",
    "two clauses: attention is ahead of one vector by 20 BLEU, in each of five seeds",
    score["attention"][1] - score["one vector"][1],
    above=20,
)

# %% [markdown]
# **What to notice.** BLEU counts the words and phrases that a translation shares with the right one; 100 is perfect. One vector has room for a short sentence, and too little for a long one. Attention does not care: it has a vector for each word.
#
# Now the small print, to the right of 2. No sentence in training had three clauses, and here **both fail**. Attention has learnt where to look in sentences of the length it knows. It has not learnt a rule for all lengths.
#
# ## The score, by hand
#
# Three words have been read. Each has left a vector, its **annotation**; ours have two numbers. The decoder is in the state `h`. A small network compares `h` with each annotation and gives a **score**. A softmax makes shares of the scores. What the decoder sees is the sum of the annotations, by these shares.

# %%
a = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])  # the, black, cat
h = np.array([0.5, -1.0])
W = U = np.eye(2)
v = np.array([2.0, 2.0])

e = np.tanh(h @ W + a @ U) @ v  # scores
alpha = np.exp(e) / np.exp(e).sum()  # shares
print(alpha.round(2), (alpha @ a).round(2))

# %% [markdown]
# Everything is differentiable, so where to look is learnt like the rest, from the loss of the translation alone. Nobody tells the network which word belongs to which. As a cell:

# %% claims=["C47"]
lc.cells.additive_attention.equations("e", "alpha", "c", "h")

# %%
lc.cells.additive_attention.diagram()

# %% [markdown]
# The annotations $a$ come from the side, the same at each step. The state $s_{t-1}$ decides what is taken from them. What is taken, $c_t$, joins the input of a gated unit ([notebook 12](12_gated_recurrent_unit.ipynb)). With a single annotation there is nothing to choose: the share is 1, and this is the decoder with one vector.
#
# ## Where it looks
#
# A trained translator comes with the course (1,200 steps, a minute of training). Its map for one sentence: a row for each French word, a column for each English one.

# %%
model = attentive.translator()
sentence = "the black cat does not follow a small red car"
source = model.task.encode(sentence)[:, None]
written = model.write(source)
french = model.task.decode_target(written.symbols[:, 0]).split()
plots.show(
    plots.heatmap(written.alignment[: len(french), 0], french, sentence.split(), limit=1),
    alt="A map of attention: a row for each French word; most rows have one dark cell.",
)

# %% [markdown]
# **What to notice.** *chat noir* crosses *black cat*, *voiture rouge* crosses *red car*. *ne* looks at *not*. *pas* looks at the verb: once *ne* is written, no English word needs to say that *pas* will come. The grammar knows which English words each French word stands for, so the map can be scored. Over 200 test sentences, how often is the darkest cell one of those? A decoder that looks anywhere would hit about one time in twelve:

# %%
batch = model.task.batch("test", batch_size=200, dtype=model.dtype)
shares, right = model.run(batch).alignment, batch.alignment
words = right.any(-1)
most = np.take_along_axis(right, shares.argmax(-1)[..., None], -1)[..., 0]
anywhere = (right.sum(-1) / batch.source_lengths)[words]
print("right:", most[words].mean().round(2), " by chance:", anywhere.mean().round(2))

# %% claims=["C47"]
lc.claim(
    "C47",
    "nine times in ten it looks most at a word that the French word stands for",
    most[words].mean(),
    above=0.85,
)

# %% [markdown]
# Does it *use* what it sees? Exchange one English word, and see which French words change.

# %%
for english in (
    "the black cat does not follow a small red car",
    "the black cat does not follow a small red horse",
    "the black cow does not follow a small red car",
):
    print(model.translate(english))

# %% [markdown]
# One word in, and only what stands for it changes, with what has to agree with it.
#
# ## Dates, and real words
#
# The same network, with other data: dates as 28 languages write them, to be turned into digits; and English words, to be turned into the sounds of a pronouncing dictionary. (Five seeds for dates; three for words, where one run takes minutes.)

# %% tags=["setup"]
tables = {}
for name in ("dates", "pronunciation"):
    study = lc.experiments.load(name)
    tables[name] = {
        label: np.array(chosen("exact", attention=a))
        for label, a in (("attention", True), ("one vector", False))
    }

# %%
for name, exact in tables.items():
    for label, share in exact.items():
        print(f"{name:15}{label:12}{np.mean(share):.2f}")

# %% [markdown]
# ## Looking at pictures
#
# The annotations need not be words. [Xu et al. (2015)](https://arxiv.org/abs/1502.03044) give a decoder the places of a picture, and let it describe what it sees. Our pictures are small: one to three shapes in 4 × 4 places.

# %% claims=["C48"]
teller = attentive.captioner()
scenes = teller.task.batch("test", batch_size=200, dtype=teller.dtype)
told = teller.describe(scenes.source)
for text in told[:3]:
    print(text)

# %% [markdown]
# **Predict:** at the word for a colour, where does it look? And at *above*?

# %% tags=["setup"]
from matplotlib.patches import Rectangle


def laid_over(k):
    """Picture k, once for each word, with the place that is looked at most framed, and its share."""
    ran = teller.write(scenes.source[:, [k]])
    caption = teller.task.decode_target(ran.symbols[:, 0]).split()
    picture = np.clip(teller.task.pictures(scenes.source[:, [k]])[0], 0, 1)
    fig, axes = plots.figure(1.5 * len(caption), 1.9, columns=len(caption))
    for ax, word, share in zip(axes, caption, ran.alignment[:, 0], strict=False):
        ax.imshow(picture)
        place = int(share.argmax())
        corner = (4 * (place % 4) - 0.5, 4 * (place // 4) - 0.5)
        frame = dict(fill=False, edgecolor="white", linewidth=1 + 2 * share.max())
        ax.add_patch(Rectangle(corner, 4, 4, **frame))
        ax.set_title(f"{word}\n{share.max():.2f}", fontsize=9)
        ax.set_axis_off()
    return fig


# %%
plots.show(
    laid_over(1),
    alt="A picture, once for each word of its caption; a frame marks the place looked at most.",
)

# %% [markdown]
# The map looks like an explanation. It is not yet one: the network might look at a place and use something else. So we cover places. Take pictures with two objects, and the colour of the first. We make black (a) the place that the network looks at most, (b) the place of the other object, (c) an empty place, and ask for the probability of the right colour.

# %%
two = lc.tasks.Scenes(objects=2).batch("test", batch_size=200, dtype=teller.dtype)
rows, colour = np.arange(200), two.target[1]
looks = teller.run(two).alignment[1].argmax(-1)
first = two.alignment[1].argmax(-1)
objects = two.alignment.any(0)


def probability(place=None):
    """Of the right colour, with one place of each picture made black."""
    source = two.source.copy()
    if place is not None:
        source[place, rows] = 0
    ends = two.source_lengths, two.target_lengths
    seen = lc.tasks.Pairs(source, two.target, *ends)
    return teller.run(seen).at_each_step[1, rows, colour].mean()


other = (objects & (np.arange(16) != first[:, None])).argmax(-1)
covered = {
    "nothing": probability(),
    "where it looks": probability(looks),
    "the other object": probability(other),
    "an empty place": probability((~objects).argmax(-1)),
}
for what, p in covered.items():
    print(f"{what:18}{p:.2f}")

# %% claims=["C48"]
lc.claim("C48", "at the colour it looks at the object", (looks == first).mean(), above=0.95)
lc.claim(
    "C48",
    "covering that place takes the colour away; covering another does not",
    covered["the other object"] - covered["where it looks"],
    above=0.6,
)

# %% [markdown]
# Here the map and the use agree. With the place covered, the right colour is about as likely as any of the six.
#
# ### Looking at one place only
#
# Soft attention mixes all places. **Hard** attention draws one, by the same shares. No gradient flows through a draw, so the network learns by trial: draws after which the caption became likely are made more likely (REINFORCE, [Williams 1992](https://doi.org/10.1007/BF00992696)). The paper also has a *penalty* that wants each place looked at for one word's time in all.
#
# **Predict:** a caption here has 4 to 15 words, and there are 16 places. What does the penalty do?

# %% tags=["setup"]
study = lc.experiments.load("captions")
captions = {
    "soft": chosen("exact", kind="soft", penalty=0.0),
    "hard": chosen("exact", kind="hard", penalty=0.0),
    "mean of all places": chosen("exact", kind="mean", penalty=0.0),
    "soft, penalty 1": chosen("exact", kind="soft", penalty=1.0),
}

# %%
plots.show(
    plots.bars_over_seeds(captions),
    alt="Share of captions without a mistake, by kind of attention, five seeds each.",
)

# %% [markdown]
# The penalty asks for what cannot be: 16 places can have a word's time each only if there are 16 words. So it pulls the eye away from the objects.
#
# ## The door to what came after
#
# Let a sequence look at itself: each word compares itself with all words before it, and takes what it needs. No state is carried from step to step, so all steps can be computed at once. Scores are products here, not the little network from above ([Vaswani et al. 2017](https://arxiv.org/abs/1706.03762)):

# %%
print(lc.cells.self_attention_at_once.definition("q", "k", "v", "e", "h"))

# %% [markdown]
# What it costs: every place looks at every other. A recurrent network does work in proportion to the length $L$; this does $L^2$.
#
# ## What to remember
#
# - Score, softmax, weighted sum: where to look is a layer like any other.
# - One vector is a bottleneck; the longer the sentence, the more.
# - A map says where the network looks. Only an intervention says what it uses.
# - Longer than trained, both fail.
#
# ## Three questions to check yourself
#
# 1. All scores are equal. What does the decoder see?
# 2. Why must padding be hidden before the softmax, and not after it?
# 3. Hard attention with one place: what is the gradient of its log-probability?
#
# *Answers:* 1. The mean of all annotations. 2. Afterwards the shares no longer add up to 1. 3. Zero: its probability is 1, whatever the score.
#
# ## Your turn
#
# **1.** Write the shares of a batch: scores `e` (B, L) and the number `n` (B,) of words of each source; what is padding gets 0, and each row adds up to 1.


# %% tags=["exercise"]
# solution:
def shares_of(e, n):
    """Softmax over the words that are there."""
    there = np.arange(e.shape[1]) < n[:, None]
    e = np.where(there, e, -np.inf)
    p = np.exp(e - e.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)


print(shares_of(np.zeros((2, 4)), np.array([4, 2])))
# end

# %% [markdown] tags=["exercise"]
# **2.** Find the bug. This is meant to give the context of a batch, annotations `a` (B, L, A), scores `e` (B, L). It runs without a complaint.
#
# ```python
# def context(e, a):
#     p = np.exp(e) / np.exp(e).sum(axis=0)
#     return (p[..., None] * a).sum(axis=1)
# ```


# %% tags=["exercise"]
# solution:
def context(e, a):
    """Shares over the words of one sentence, not over the sentences of a batch."""
    p = np.exp(e) / np.exp(e).sum(axis=1, keepdims=True)
    return (p[..., None] * a).sum(axis=1)


print(context(np.zeros((2, 4)), np.ones((2, 4, 1))).ravel())
# end

# %% [markdown] tags=["exercise"]
# **3.** Write three hypotheses at once (`model.write(..., beam=3)`) for sentences of three clauses, which are too long for the model. Does the search mend what the network has not learnt? Compare BLEU.

# %% tags=["exercise"]
# solution:
long = lc.tasks.Translation(clauses=3).batch("test", batch_size=40, dtype=model.dtype)
for beam in (1, 3):
    found = model.write(long.source, long.source_lengths, beam=beam)
    print(beam, round(bleu(found.rows, until_end(long.target)), 0))
# end

# %% [markdown] tags=["solution"]
# It does not: likelier texts are found, and they are not better.

# %% [markdown] tags=["exercise"]
# **4.** Make something: sentences of your own, from the words of the grammar (`model.task.symbols`). Translate them, and draw the map of the one that surprises you most.

# %% tags=["exercise"]
# solution:
mine = "an old owl hears the small white wolf"
print(model.translate(mine))
seen = model.write(model.task.encode(mine)[:, None]).alignment[:, 0]
print(np.array(mine.split())[seen.argmax(-1)])
# end

# %% [markdown]
# ## What you can do now
#
# You can let a network look where it wants, and find out whether it uses what it sees. Next: [belts in all directions](17_grid_lstm.ipynb).
