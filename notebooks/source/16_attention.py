# %% [markdown] claims=["C47"]
# # Attention: what to look at, word by word
#
# An LSTM carries all that it has read in one state. A translator built that way reads a whole sentence, packs it into one vector, and writes from that. [Bahdanau, Cho and Bengio (2014)](https://arxiv.org/abs/1409.0473) let the writer look back: before each word, it picks what to look at in the sentence. The [essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/) calls this the next step.
#
# After it you can
#
# - compute attention by hand: scores, shares, and what is seen,
# - say what one vector costs as sentences grow longer,
# - read a map of attention, and test whether the network uses what it looks at.
#
# {minutes}

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots
from lstmcourse.tasks import bleu
from lstmcourse.tasks.pairs import until_end
from lstmcourse.tasks.scenes import COLOURS, SHAPES

model = lc.attentive.translator()
teller = lc.attentive.captioner()
scenes = teller.task.batch("test", batch_size=200, dtype=teller.dtype)

# %% [markdown]
# ## Through one vector
#
# Our translator reads English and writes French, in a small grammar of our own. Some adjectives move behind the noun, articles and verbs agree, *not* becomes *ne … pas*. An **encoder** reads the English, forwards and backwards. A **decoder** writes the French, one word at a time. Here are three sentences of one clause:

# %%
task = lc.tasks.Translation(clauses=1)
for pair in task.texts(task.batch("test", batch_size=3, seed=4)):
    print(*pair, sep="\n    ")

# %% [markdown]
# We compare two kinds of network with equally many parameters. In one, the decoder sees what the encoder made of *every* word. In the other it sees one vector: the states in which the encoder ends. Each kind trained for 800 steps on sentences of one to three clauses, at the learning rate with the lowest loss on validation sentences. A third group has one vector, too, and three times as many steps. (A run takes over a minute, so there are three networks of each kind.)
#
# BLEU counts the words and phrases that a translation shares with the right one; 100 is perfect. **Predict:** how do they do on one clause? On three? And on five, more than they have ever seen?


# %%
def runs(study, kind, value):
    """One number for each seed of a stored study."""
    trials = lc.experiments.load(study).trials
    return [t.values[value] for t in trials if t.point["kind"] == kind]


clauses = [1, 2, 3, 4, 5]
score = {}
for kind in ("attention", "one vector"):
    score[kind] = [runs("translation", kind, f"bleu_{n}") for n in clauses]
longer = lc.experiments.load("translation_for_longer")
longer = [longer.chosen(f"bleu_{n}") for n in clauses]
score["one vector, longer"] = longer
look = {"xlabel": "clauses", "ylabel": "BLEU", "ylim": (0, 104)}
look |= {"legend": "above"}
fig = plots.over_seeds(clauses, score, **look)
plots.show(fig, "16-1")

# %% [markdown]
# **What to notice.** On one clause, one vector gets some two thirds of what there is to get. On two it gets 26 to 28, and on three 16 to 17: the longer the sentence, the less of it comes through. Attention has a vector for every word. It translates one and two clauses almost without a mistake; on three clauses two of the three networks do, and the third gets 81. With three times as many steps one vector does much better on one clause, 87 or so, and little better on three, 28. (In the paper, which trains for days on real sentences, one vector gets 17.8 BLEU and attention 26.8.)
#
# Now the right half. No sentence in training had more than three clauses, and there attention **fails** too: 55 to 80 on four clauses, 42 to 61 on five. What it has learnt fits the lengths that it knows. It is not a rule for all lengths.
#
# ## The score, by hand
#
# Three words have been read. Each has left a vector, its **annotation**; ours have two numbers. The decoder is in state $s$. A small network compares $s$ with each annotation $a_j$ and gives a **score**, $e_j = v \cdot \tanh(s W + a_j U)$. A softmax turns the scores into **shares** $\alpha_j$, which add up to 1. What the decoder sees is the sum of the annotations, weighted by the shares. With the identity for $W$ and $U$, and $v = (2, 2)$: which of the three words gets the largest share?

# %%
words = ["the", "black", "cat"]
a = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
s = np.array([0.5, -1.0])
W, U, v = np.eye(2), np.eye(2), np.array([2.0, 2.0])

e = np.tanh(s @ W + a @ U) @ v
alpha = np.exp(e) / np.exp(e).sum()
print(dict(zip(words, alpha.round(2).tolist(), strict=True)))
print("seen:", (alpha @ a).round(2))

# %% [markdown]
# All of it has a gradient. So the network learns where to look as it learns the rest, from the loss of the translation alone. Nobody tells it which word belongs to which. Here are the same lines in the course's cell, and the cell as a picture:

# %% claims=["C47"]
cell = lc.cells.additive_attention
cell.equations("k", "e", "alpha", "c", "h")

# %%
cell.diagram()

# %% [markdown]
# The annotations $a$ come from the side, the same at every step; $n$ says how many are *there*; padding scores $-10^9$, and so gets no share. The state decides what is taken from them. What is taken, $c_t$, goes into a gated unit ([notebook 12](12_gated_recurrent_unit.ipynb)) together with $y_t$, the last word that was written. A single annotation has the share 1: that is the decoder with one vector. (A folded cell checks that it gives our words the same shares.)

# %% tags=["check"]
p = cell.init(input_size=1, hidden_size=2, sizes={"A": 2, "K": 2}, rng=0)
p = {name: value.astype(float) for name, value in p.items()}
p |= {"W_a": W, "U_a": U, "v_a": v}
ours = {"a": a[None], "n": np.array([[3.0]])}
step = cell.step(p, np.zeros((1, 1)), {"h": s[None]}, **ours)
assert np.allclose(step["alpha"], alpha)

# %% [markdown]
# ## Where it looks
#
# The first of the three networks with attention comes with the course. It does well on sentences that it has never seen:

# %% claims=["C09"]
batch = model.task.batch("test", batch_size=200, dtype=model.dtype)
found = model.write(batch.source, batch.source_lengths)
exact = model.task.exact(found.symbols, batch)
lc.claim(
    "C09",
    "more than nine of ten sentences are translated without a mistake",
    exact.mean(),
    above=0.9,
)

# %% [markdown]
# Here is its map for one sentence: a row for each French word, a column for each English one. Point at a word, and what it looks at stands out. **Predict:** which rows will not follow the order of the English words?

# %%
sentence = "the black cat does not follow a small red car"
lc.lab(model, x=sentence)

# %% [markdown]
# **What to notice.** *chat noir* crosses *black cat*, and *voiture rouge* crosses *red car*. *ne* looks at *does*, not at *not*: in this grammar *does* always comes before *not*, so it says enough. *pas* is undecided between *not* and *follow*. It has nothing to find out: after *ne suit* it must come.
#
# The grammar knows which English words each French word stands for, so the map can be scored. How often is the largest share at one of them? (For *ne* and *pas* that is *not*; *does* belongs to the verb.)

# %% claims=["C47"]
shares, right = model.run(batch).alignment, batch.alignment
aligned = right.any(-1)
largest = shares.argmax(-1)[..., None]
hits = np.take_along_axis(right, largest, -1)[aligned]
guess = (right.sum(-1) / batch.source_lengths)[aligned]
print(f"by guessing: {guess.mean():.2f}")
lc.claim(
    "C47",
    "it looks most at a word that the French word stands for",
    hits.mean(),
    above=0.8,
)

# %% [markdown]
# On three clauses the networks of the study reach 0.87, 0.80 and 0.73; on five, although given the right French so far, 0.71, 0.75 and 0.69. What is missing is not always a mistake: *ne* at *does* counts as wrong here. A map of attention is not a dictionary. It shows what helped to lower the loss.
#
# Nor does it say that the network *uses* what it sees there. So exchange one English word at a time, in the map above. **Predict**, then type: which French words change with *car* to *horse*, with *cat* to *cow*, with *red* to *round*?
#
# <details><summary>Answers</summary>
#
# *Cheval* is masculine, and *vache* feminine. The word itself changes, and so does what has to agree with it: *petit*, *la*, *noire*. With *round* it is *ronde* in place of *rouge*. All else stays. So here each French word depends on the English words that it should depend on.
#
# </details>
#
# ## Other texts
#
# Nothing in the network knows English. Give it dates as 26 languages write them, letter by letter, and it learns to write digits: *Montag, 9. Februar 1998* becomes *1998-02-09*. Again both kinds have equally many parameters and steps, 400 here, and each its own learning rate. **Predict:** how much does it cost to have one vector here?

# %%
for kind in ("attention", "one vector"):
    exact = runs("dates", kind, "exact")
    shares = ", ".join(f"{share:.2f}" for share in sorted(exact))
    print(f"{kind:12}dates without a mistake: {shares}")

# %% [markdown]
# Less than in translation. A date is short and says only three things, so one vector can hold most of it. Still, one date in ten goes wrong. (A folded cell trains one of them again.)
#
# Dates are made. English spelling is real, and full of exceptions. Here networks read the letters of a word and write its sounds, by the dictionary of Carnegie Mellon University: *thinking* becomes *TH IH NG K IH NG*. No word for testing shares its first four letters with one for training.

# %%
spelling = lc.experiments.load("pronunciation")
rows = {}
for kind in ("attention", "one vector"):
    rows[kind] = spelling.chosen("exact", kind=kind)
    wrong = spelling.chosen("errors", kind=kind).mean()
    print(f"{kind:12}{wrong:.2f} wrong sounds for each right one")
fig = plots.dots(rows, xlabel="unseen words without a mistake")
plots.show(fig, "16-2")

# %% [markdown]
# With attention 59 to 60 % of the words are right, through one vector 43 to 45 %, with more than twice as many wrong sounds. On real words, too, it pays to look back.

# %% tags=["check"]
where = {"kind": "one vector"}
again = lc.experiments.rerun("dates", 1, where=where)
agreement = lc.experiments.agree("dates", again)
assert agreement, agreement
for old, new, french in (
    ("car", "horse", "le chat noir ne suit pas de petit cheval rouge"),
    ("cat", "cow", "la vache noire ne suit pas de petite voiture rouge"),
    ("red", "round", "le chat noir ne suit pas de petite voiture ronde"),
):
    assert model.translate(sentence.replace(old, new)) == french

# %% [markdown] claims=["C48"]
# ## Looking at a picture
#
# Annotations need not be words. [Xu and others (2015)](https://arxiv.org/abs/1502.03044) give a decoder the places of a picture and let it describe what it sees. The essay names this paper as a start. Our pictures are small: one to three shapes in 4 × 4 places. The decoder is an LSTM. A gate $\beta_t$ says how much it looks at all, and $\hat{z}_t$ is what it sees:

# %% claims=["C48"]
tell = lc.cells.attend_and_tell
tell.equations("k", "e", "alpha", "beta", "z")

# %% [markdown]
# Here are three of its captions, and for a fourth one the picture at each word. The frame marks the largest share, which stands above; places with less are darker. **Predict:** where does it look at the word for a colour? And at *above*?


# %%
def look(k):
    """The caption of picture k, and the picture at each of its words."""
    ran = teller.write(scenes.source[:, [k]])
    words = teller.task.decode_target(ran.symbols[:, 0]).split()
    picture = teller.task.pictures(scenes.source[:, [k]])[0]
    shares = ran.alignment[: len(words), 0]
    return plots.word_by_word(picture, words, shares)


print(*teller.describe(scenes.source[:, :3]), sep="\n")
plots.show(look(33), "16-3")

# %% [markdown]
# **What to notice.** At the colour and at the shape, the frame is on the object, with a share of 0.74 or more. At *above* it is still on the ring, which has just been named; at *left* it is on the plank already, which is yet to come. At *a* the eye wanders: there is little to read there.
#
# We know where the objects are, so this map can be scored too. How often is the largest share at a place that the word is about? (*above*, *left* and *of* are about two objects; either counts. By chance it would be one time in sixteen, or two for these.)

# %%
shares, right = teller.run(scenes).alignment, scenes.alignment
largest = shares.argmax(-1)[..., None]
hit = np.take_along_axis(right, largest, -1)[..., 0]
vocabulary = np.array(teller.task.target_symbols)[scenes.target]
kinds = {"a": ["a"], "colour": COLOURS, "shape": SHAPES}
kinds |= {name: [name] for name in ("above", "left", "of")}
for name, members in kinds.items():
    there = np.isin(vocabulary, list(members))
    print(f"{name:8}{hit[there].mean():.2f}")

# %% [markdown]
# ### What it looks at, and what it uses
#
# The map looks like an explanation. To be one, it has to stand a test: what the network looks at must be what it uses. So we cover places. In pictures with two objects we ask for the colour of the first, and paint black (a) the place with the largest share, (b) the place of the other object, (c) an empty place. The captioner never saw a covered picture in training. **Predict:** what happens to the probability of the right colour?


# %%
def probability(scenes, cover=None):
    """Of the first object's right colour, with a place painted black."""
    rows = np.arange(scenes.source.shape[1])
    source = scenes.source.copy()
    if cover is not None:
        source[cover, rows] = 0
    lengths = scenes.source_lengths, scenes.target_lengths
    covered = lc.tasks.Pairs(source, scenes.target, *lengths)
    return teller.run(covered).at_each_step[1, rows, scenes.target[1]]


# %%
pairs = lc.tasks.Scenes(objects=2)
two = pairs.batch("test", batch_size=200, dtype=teller.dtype)
objects = two.alignment.any(0)
first = two.alignment[1]
looks = teller.run(two).alignment[1].argmax(-1)
cover = {
    "nothing": None,
    "where it looks": looks,
    "the other object": (objects & ~first).argmax(-1),
    "an empty place": (~objects).argmax(-1),
}
p = {what: probability(two, place) for what, place in cover.items()}
for what in p:
    print(f"{what:18}{p[what].mean():.2f}")

# %% claims=["C48"]
lc.claim(
    "C48",
    "at the colour it looks at the object",
    first[np.arange(200), looks].mean(),
    above=0.95,
)
lc.claim(
    "C48",
    "the colour is lost with that place, and not with the other object",
    p["the other object"].mean() - p["where it looks"].mean(),
    above=0.6,
)

# %% [markdown]
# With its place covered, the right colour gets 0.21; a guess among six would give it 0.17. With another place covered, nothing changes. So here map and use agree. They need not: the LSTM has a state, and could have noted the colour at an earlier word.
#
# ### Looking at one place only
#
# **Soft** attention mixes all places. **Hard** attention draws one of them, with the shares as probabilities. No gradient passes through a draw, so the network learns by trial and error: a draw after which the caption became likely is made more likely (REINFORCE, [Williams 1992](https://doi.org/10.1007/BF00992696)). The control is a decoder that cannot look: it sees the *mean* of all places. Three networks of each were trained, at the best of three to five rates by validation data. Those with hard attention had three times as many steps, since their gradient is an estimate. **Predict:** in what order do the three do?

# %%
tellers = lc.experiments.load("captions")
rows = {
    kind: tellers.chosen("exact", kind=kind)
    for kind in ("soft", "hard", "mean")
}
fig = plots.dots(rows, xlabel="captions without a mistake")
plots.show(fig, "16-4")

# %% [markdown]
# **What to notice.** Looking is what counts: without it one caption in four is right. Hard attention comes behind soft, in spite of its steps. Where it looks is hardly the trouble: at the colour it is on the object 95 to 99 times in 100. The paper finds hard attention a little ahead; at our size and budget it is not.
#
# ### A penalty that asks too much
#
# The paper adds a penalty to soft attention, $\sum_j (1 - \sum_t \alpha_{tj})^2$. It wants the shares of each place to add up to 1 over all words. **Predict:** our captions have 3 to 13 words, and there are 16 places. What will the penalty do to the share of the object at the word for its colour? We take the trained captioner and go on training, with the penalty and, as a control, without.


# %%
def carry_on(penalty, steps=100):
    """Go on training the captioner, with another penalty."""
    sizes = {"sizes": {"K": 32}, "dtype": np.float64}
    new = lc.Captioner(tell, teller.task, 48, penalty=penalty, **sizes)
    new = new.with_params(teller.params)
    fit = {"optimizer": lc.optim.Adam(4e-3), "batch_size": 64, "seed": 1}
    lc.fit(new, steps, progress=False, **fit)
    return new


def faultless(teller):
    """The share of captions without a mistake."""
    symbols = teller.write(scenes.source).symbols
    return teller.task.exact(symbols, scenes).mean()


# %% claims=["C48"] seeds="1 to 5: 0.43 to 0.57"
share = {}
for penalty in (0.0, 1.0):
    new = carry_on(penalty)
    share[penalty] = new.run(two).alignment[1][first].mean()
    numbers = f"share {share[penalty]:.2f}, right {faultless(new):.2f}"
    print(f"penalty {penalty}: {numbers}")
lc.claim(
    "C48",
    "with the penalty the eye leaves the object; without, it stays",
    share[0.0] - share[1.0],
    above=0.2,
    verdict="qualified",
)

# %% [markdown]
# **What to notice.** The shares of one word add up to 1. With fewer words than places they cannot go round, so the penalty can never be satisfied. What it can do is spread the shares, away from where they are needed. The paper's captions are short as well, about ten words for 196 places. It reports that the penalty helps; here it does harm, and not only in this one run. Three networks with the penalty from the start get 0.41, 0.82 and 0.87 of their captions right, the three without it 0.98 to 0.99. The worst of them is a warning: at the colour its eye is *never* on the object. Cover what it looks at, and the colour stays as likely as before (0.49 both times). It has a map, and the map does not explain the colour.
#
# ## The door to what came after
#
# So far a decoder looked at something else. Now let a sequence look at *itself*: every word compares itself with the words before it and takes what it needs ([Vaswani and others 2017](https://arxiv.org/abs/1706.03762)). The moves are the same: score, softmax, weighted sum. Only the score is simpler, the product of a *query* and a *key* in place of the small network. Five lines do it:

# %%
L, H = 6, 4
rng = np.random.default_rng(0)
x = rng.standard_normal((L, 3))
W_q, W_k, W_v = rng.standard_normal((3, 3, H))

q, k, v = x @ W_q, x @ W_k, x @ W_v
e = q @ k.T / np.sqrt(H)
e[np.triu_indices(L, 1)] = -np.inf
alpha = np.exp(e) / np.exp(e).sum(axis=1, keepdims=True)
h = alpha @ v
print(alpha.round(2))

# %% [markdown]
# The third of them makes it **causal**: what comes later has the score $-\infty$, and so the share 0. (Otherwise a network that learns to predict the next word could simply look at it.) The mask is all that these lines know of the order of words; the paper adds a code for the position. The course has them as a cell, `lc.cells.self_attention_at_once`; a folded cell compares the two.

# %% tags=["check"]
cell = lc.cells.self_attention_at_once
p = {"W_q": W_q, "W_k": W_k, "W_v": W_v}
run = lc.unroll(cell, p, inputs={"x": x[None]}, steps=1)
assert np.allclose(run["h"][0, 0], h)

# %% [markdown]
# Nothing here waits for the step before: no state is carried, and all words are computed at once. That is why it is fast on hardware that does much in parallel. What does it cost? A gated unit with $H$ inputs multiplies by six matrices of $H \times H$ at each of $L$ steps. Self-attention multiplies by three, and then compares every word with every word.

# %%
L, H = 2 ** np.arange(3, 14), 128
products = {
    "gated unit": 6 * L * H**2,
    "self-attention": 3 * L * H**2 + 2 * L**2 * H,
}
waits = {"gated unit": L, "self-attention": np.ones_like(L)}
fig, axes = plots.figure(9, 3.2, columns=2)
axis = {"log": "xy", "xlabel": "length of the sequence"}
plots.lines(products, L, ylabel="multiplications", ax=axes[0], **axis)
plots.lines(waits, L, ylabel="steps that wait", ax=axes[1], **axis)
plots.show(fig, "16-5")

# %% [markdown]
# **What to notice.** Up to a length of $1.5\,H$ self-attention even does less work. Beyond that the part in $L^2$ takes over. In the end ten times the text is eighty times the work, and a hundred times the shares to keep for the backward pass. On the right is what that buys: the gated unit has $L$ steps that wait for one another, self-attention has one.
#
# ## What to remember
#
# - Score, softmax, weighted sum. Where to look is learnt from the loss, like the rest.
# - One vector is a bottleneck, and long sentences suffer more from it than short ones.
# - A map says where a network looks. What it uses, only an intervention can say.
# - Attention does not by itself go beyond the lengths of the training.
# - Self-attention needs no state and no waiting; it pays with $L^2$.
#
# ## Three questions to check yourself
#
# 1. At two words the decoder is in the same state. Can its shares differ?
# 2. Why must padding be hidden *before* the softmax, and not after it?
# 3. Hard attention in a picture of one place: what is the gradient of the log-probability of its draw?
#
# <details><summary>Answers</summary>
#
# 1. No: the scores depend on the state and the annotations alone.
# 2. If it is hidden afterwards, the shares of the rest no longer add up to 1.
# 3. Zero. The place has the probability 1, whatever its score.
#
# </details>
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="16.1"
# All scores are equal. What does the decoder see? `"nothing"`, `"the first annotation"`, `"the last annotation"`, `"the mean of all annotations"`, `"the sum of all annotations"`, or `"one at random"`?

# %% tags=["exercise"]
# solution: prediction
prediction = "the mean of all annotations"
# end
lc.check("16.1", prediction)

# %% [markdown] tags=["exercise"] exercise="16.2"
# Write attention for one sentence. Given are the decoder's state `h` (H,), the annotations `a` (L, A), and `W` (H, K), `U` (A, K), `v` (K,). Return what the decoder sees, (A,).


# %% tags=["exercise"]
def attend(h, a, W, U, v):
    # solution:
    e = np.tanh(h @ W + a @ U) @ v
    p = np.exp(e - e.max())
    return (p / p.sum()) @ a
    # end


lc.check("16.2", attend)

# %% [markdown] tags=["exercise"] exercise="16.3"
# Write the shares of a whole batch: scores `e` (B, L), and the number `n` (B,) of words in each source. Padding gets 0, and each row adds up to 1.


# %% tags=["exercise"]
def shares_of(e, n):
    # solution:
    there = np.arange(e.shape[1]) < n[:, None]
    e = np.where(there, e, -np.inf)
    p = np.exp(e - e.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)
    # end


lc.check("16.3", shares_of)

# %% [markdown] tags=["exercise"] exercise="16.4"
# Somebody wrote what the decoder sees, from scores `e` (B, L) and annotations `a` (B, L, A). It runs without a complaint. Mend it.


# %% tags=["exercise"]
def context(e, a):
    # solution:
    p = np.exp(e) / np.exp(e).sum(axis=1, keepdims=True)
    return (p[..., None] * a).sum(axis=1)
    # given:
    # p = np.exp(e) / np.exp(e).sum(axis=0)
    # return (p[..., None] * a).sum(axis=1)
    # end


lc.check("16.4", context)

# %% [markdown] tags=["exercise"] exercise="16.5"
# Write self-attention that looks back. Given are `q`, `k` (T, d) and `v` (T, A). Word $t$ compares its `q` with the `k` of all words up to $t$, itself among them: products, divided by $\sqrt d$. Return the mixtures of `v`, (T, A).


# %% tags=["exercise"]
def look_back(q, k, v):
    # solution:
    e = q @ k.T / np.sqrt(q.shape[1])
    e = np.where(np.tril(np.ones(e.shape, bool)), e, -np.inf)
    p = np.exp(e - e.max(axis=1, keepdims=True))
    return (p / p.sum(axis=1, keepdims=True)) @ v
    # end


lc.check("16.5", look_back)

# %% [markdown] tags=["exercise"] exercise="16.6"
# Hard attention has drawn place `k`, by the shares that follow from the scores `e` (L,). REINFORCE needs the derivative of $\log p_k$ with respect to each score. Give it, (L,).


# %% tags=["exercise"]
def score_gradient(e, k):
    # solution:
    p = np.exp(e - e.max())
    p /= p.sum()
    return (np.arange(len(e)) == k) - p
    # end


lc.check("16.6", score_gradient)

# %% [markdown] tags=["exercise"]
# Two open questions. Sentences of five clauses are too long for the translator. Does it help if it keeps three hypotheses while it writes (`model.write(..., beam=3)`)? Compare BLEU on 20 of them.

# %% tags=["exercise"]
# solution:
five = lc.tasks.Translation(clauses=5)
long = five.batch("test", batch_size=20, dtype=model.dtype)
for beam in (1, 3):
    found = model.write(long.source, long.source_lengths, beam=beam)
    print(beam, f"{bleu(found.rows, until_end(long.target)):.0f}")
# end

# %% [markdown] tags=["solution"]
# A little. The search finds texts that the model thinks likelier, and on these twenty sentences they are a few points better. It does not find what the model has not learnt.

# %% [markdown] tags=["exercise"]
# The second: write an English sentence that the grammar does not have, with a noun where an adjective should be: *a small horse car*. Predict the French. Then translate it, and find out for each French word what the translator looks at most.

# %% tags=["exercise"]
# solution:
wrong = "the black cat does not follow a small horse car"
ran = model.write(model.task.encode(wrong)[:, None])
said = model.task.decode_target(ran.symbols[:, 0]).split()
most = ran.alignment[: len(said), 0].argmax(-1)
for word, at in zip(said, most, strict=True):
    print(f"{word:8} looks at {wrong.split()[at]}")
# end

# %% [markdown] tags=["exercise"]
# To keep: make a picture of your own. Choose shapes, colours and places. Let the captioner describe it. Then make one that it gets wrong. (More objects than in training? The same shape twice? A colour that has no name?)


# %% tags=["exercise"]
# solution:
def drawn(*things):
    """A picture of (place, colour, shape), with places from 0 to 15."""
    source = np.zeros((16, 1, 48))
    for place, colour, shape in things:
        rows = SHAPES[shape].split()
        filled = np.array([[[c == "#"] for c in row] for row in rows])
        source[place, 0] = (filled * np.array(COLOURS[colour])).ravel()
    return source


print(*teller.describe(drawn((1, "pink", "ring"), (10, "blue", "bar"))))
bars = [(place, "red", "bar") for place in (0, 1, 6, 15)]
print(*teller.describe(drawn(*bars)))
# end

# %% [markdown] tags=["solution"]
# Four bars are more than it ever saw. It tells of three, the most that a caption in training had.

# %% [markdown]
# ## What you can do now
#
# You can let a network look where it wants, and find out whether it uses what it sees. Next: [belts in all directions](17_grid_lstm.ipynb).
