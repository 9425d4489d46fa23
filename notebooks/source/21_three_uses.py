# %% [markdown]
# # Three uses
#
# Early on, recurrent networks were wanted for three things: speech, control where part of the state is hidden, and music. Here is each of the three on a small scale, with the question: what is the memory good for?
#
# After it you can
#
# - say when in an utterance a network knows who is speaking,
# - balance a pole without seeing how fast it falls, and say where the missing speed is kept,
# - write music by rules, and say how far a network is from the best possible.
#
# {minutes} [Hochreiter and Schmidhuber (1997)](https://doi.org/10.1162/neco.1997.9.8.1735) name all three uses in their first section.

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots

speakers = lc.tasks.Speakers()
cart = lc.tasks.CartPole()
music = lc.tasks.Chords()
composer = lc.uses.composer()

# %% [markdown]
# ## Speech: who is it?
#
# Nine men said the vowels /ae/, 640 times in all. Each utterance is a row of 7 to 29 frames, and each frame is 12 numbers that describe its spectrum. Here is one; time runs to the right.

# %%
test = speakers.whole("test")
first = test.x[: test.lengths[0], 0]
fig = plots.heatmap(first.T, xlabel="frame", ylabel="coefficient")
plots.show(fig, "21-1")

# %% [markdown]
# Does that take a network? First we try two readers without memory: one sees the last frame, the other the average of all frames. Both are linear, fitted by least squares.


# %%
def last(b):
    return b.x[b.lengths - 1, np.arange(len(b.lengths))]


def average(b):
    return b.x.sum(axis=0) / b.lengths[:, None]


def named_right(see):
    """Share of the test utterances that a linear reader names rightly."""
    train = speakers.whole("train")
    x, new = (np.c_[see(b), np.ones(b.x.shape[1])] for b in (train, test))
    who = train.y.max(axis=0)
    W = np.linalg.lstsq(x, np.eye(9)[who], rcond=None)[0]
    return np.mean((new @ W).argmax(axis=1) == test.y.max(axis=0))


for see in (last, average):
    print(f"{see.__name__} frame: {named_right(see):.2f}")

# %% [markdown]
# By chance one in nine would be right. The last frame *alone* names nearly all, without any memory.
#
# **Predict.** How much is left for a recurrent network to gain? And does it have to be an LSTM?

# %%
cells = {"plain": "rnn", "GRU": "gru", "LSTM": "lstm"}
speech = lc.experiments.load("who_speaks")
right = {k: speech.chosen("accuracy", cell=c) for k, c in cells.items()}
fig = plots.dots(right, xlabel="share of speakers named rightly")
plots.show(fig, "21-2")

# %% [markdown]
# (All have at most 4,000 parameters. The validation utterances chose the best of five learning rates; there are only 54 of them, so the choice is rough.)
#
# **What to notice.** All three name the speaker of about 19 utterances in 20. That is better than the last frame alone, 0.93, but not by much. The cells differ little: an utterance has 16 frames on average, which is within reach of a plain network. Without the two simple readers we would have given the networks too much credit.
#
# ### When does it know?
#
# The network answers at the end. But it has an answer at every frame. We train one and listen in.

# %% claims=["C09"]
gru = lc.Model("gru", speakers, hidden_size=29)
how = {"optimizer": lc.optim.Adam(0.03), "schedule": lc.optim.Cosine(400)}
lc.fit(gru, 400, progress=False, **how)
answers = gru.predict(test.x, lengths=test.lengths).argmax(-1)
end, each = test.lengths - 1, np.arange(len(test.lengths))
correct = answers == test.y[end, each]
lc.claim(
    "C09",
    "a GRU of 29 units names the speaker of nine new utterances in ten",
    correct[end, each].mean(),
    above=0.9,
)

# %%
frames = np.arange(1, 21)
heard = [correct[np.minimum(k - 1, end), each].mean() for k in frames]
look = {"xlabel": "frames heard", "ylabel": "share right", "ylim": (0, 1)}
fig = plots.lines(
    {"right": heard}, frames, reference={"chance": 1 / 9}, **look
)
plots.show(fig, "21-3")

# %% [markdown]
# **What to notice.** The first frame is enough for a third of the utterances. But there is no moment of recognition: the share rises nearly to the end. In the study, the answer to the median utterance does not change after the first quarter to half of its frames, depending on cell and seed. So half of the utterances are settled early, and the other half later. (The network was trained to answer only at the end. One that is trained to answer early may well do so.)
#
# Does the *order* count? As a control, here are the same frames, shuffled:

# %%
shuffled = {k: speech.chosen("shuffled", cell=c) for k, c in cells.items()}
rows = {
    f"{k}, {what}": v[k]
    for k in cells
    for what, v in (("in order", right), ("shuffled", shuffled))
}
fig = plots.dots(rows, xlabel="share of speakers named rightly")
plots.show(fig, "21-4")

# %% [markdown]
# Shuffled, they lose 7 to 14 points. One reason we have seen: the last frame tells much, and now another stands at the end. Still, most are named rightly: much lies in *which* sounds occur. (A shuffled utterance is also unlike all that training showed. This measures what these networks use, not what there is to use.)
#
# ## Control: what cannot be seen
#
# A pole stands on a cart. Left alone it falls; pushed at the right time, the cart keeps it up. The physics takes ten lines:


# %%
def move(state, force):
    x, v, angle, spin = state
    sin, cos = np.sin(angle), np.cos(angle)
    push = (force + 0.05 * spin**2 * sin) / 1.1
    turn = (9.8 * sin - cos * push) / (2 / 3 - 0.05 * cos**2 / 1.1)
    gain = push - 0.05 * turn * cos / 1.1
    rate = np.stack([v, gain, spin, turn])
    return state + 0.02 * rate


start = cart.starts(3, rng=0)
np.allclose(move(start, 5.0), cart.move(start, 5.0))

# %% [markdown]
# A step is 0.02 seconds. A trial fails when the pole leans more than 12 degrees, or the cart is 2.4 m from the middle. The state is four numbers: position, speed, angle and angular speed. Who sees all four needs no memory: they determine what comes next.
#
# **Now hide the two speeds.** The pole leans a little to the right. Is it falling, or coming back? The right push depends on it, and the picture does not say.
#
# Nobody tells the network which push is right, either. So there is no loss whose gradient we could take, unless we know the physics. **Evolution strategies** do without one: try 64 networks near the present one, see how long each keeps the pole up, and move towards those that did better.
#
# $$\theta \leftarrow \theta + \frac{\alpha}{P \sigma} \sum_k u_k\, \epsilon_k,$$
#
# where $\epsilon_k$ is the noise that made network $k$, and $u_k$ its rank, from −½ for the worst to ½ for the best. Each network here is a plain one: four units, 32 weights.

# %%
driver = lc.uses.Driver(cart, units=4)
weights = 0.1 * np.random.default_rng(0).standard_normal(driver.size)
found = lc.evolve(driver.score, weights, generations=30)
look = {"xlabel": "generation", "ylabel": "steps kept up"}
fig = plots.lines({"mean": found.means, "best of 64": found.bests}, **look)
plots.show(fig, "21-5")

# %% [markdown]
# The trials are independent, so any number of processors can share them: `evolve` hands them to an `executor`, local or of a cluster. In 150 generations it gets much further.
#
# **Predict.** The study has four kinds of drivers, all with 30 to 32 weights. Which of them keep the pole up for 500 steps?

# %%
study = lc.experiments.load("balancing")
kinds = (
    "all, no memory",
    "positions, no memory",
    "positions, memory",
    "two frames, no memory",
)
kept = {
    k: [t.values["kept"] for t in study.trials if t.point["driver"] == k]
    for k in kinds
}
fig = plots.dots(kept, xlabel="steps kept up, mean of 100 new trials")
plots.show(fig, "21-6")

# %% [markdown]
# **What to notice.** With all four numbers no memory is needed. With the positions alone and no memory, all five seeds fall after 120 to 150 steps. With memory, and as many weights, none falls within 500. **Memory stands in for what cannot be seen.** Very little is enough, though: a network without memory that sees two frames does as well, since two positions give a speed.
#
# ### Watch it, and push it
#
# The driver of seed 0 runs here in your page. Push it with the arrow keys or the buttons: a push is 7 newtons for a tenth of a second. Then take its memory away.

# %%
lc.uses.balancer()

# %% [markdown]
# It does not stand still: it trembles. Its pushes swing to and fro with a period of four steps, and it steers the pole by small changes of that swing.
#
# Does it need its memory, or is the memory only there? We cut it in the trained driver by setting its recurrent weights to 0:

# %% claims=["C02"]
stored = lc.uses.driver()
cut = stored.copy()
cut[8:24] = 0.0  # U, the recurrent weights
steps = driver.drive(np.stack([stored, cut]), cart.starts(100, rng=1))
lc.claim(
    "C02",
    "a driver that sees no speeds falls early once its memory is cut",
    steps[1].mean() / steps[0].mean(),
    below=0.2,
)

# %% [markdown]
# ### Where is the speed?
#
# If memory stands in for the speed, the speed should be in the state. A **linear probe** looks for it: the best linear reading of the angular speed from the four units, fitted on half of the trials and judged on the others. Because of the trembling we average over four steps. The control reads what the driver sees.

# %%
run = lc.uses.trial(driver.params(stored), cart.starts(100, rng=1), steps=200)
seen = np.concatenate([run["position"], run["angle"]], axis=-1)
spin = lc.uses.over_four(run["spin"])


def read(values):
    """The share of the spin's variance that is read, in new trials."""
    x = lc.uses.over_four(values)
    x = np.concatenate([x, np.ones_like(spin)], axis=-1)
    flat = [a.reshape(-1, a.shape[-1]) for a in (x[:, :50], x[:, 50:])]
    old, new = spin[:, :50].ravel(), spin[:, 50:].ravel()
    w = np.linalg.lstsq(flat[0], old, rcond=None)[0]
    return 1 - np.mean((new - flat[1] @ w) ** 2) / new.var()


print(f"from what it sees: {read(seen):.2f}")
print(f"from its state: {read(run['h']):.2f}")

# %% [markdown]
# What it sees tells nothing, and its state over half of the variance. But take care: a probe finds what *is there*, not what is *used*. Networks with random weights that see the same film are another control:

# %%
film = seen / [2.4, np.pi / 15]
plain = lc.cells.rnn
for seed in range(3):
    random = driver.params(np.random.default_rng(seed).standard_normal(32))
    del random["v"]
    h = lc.unroll(plain, random, film)["h"]
    print(f"random weights, seed {seed}: {read(h):.2f}")

# %% [markdown]
# One of three does as well as the trained driver: a state that mixes old and new positions may hold the speed by accident. So a probe alone shows little. What shows that the driver *uses* its memory is the cut.
#
# ## Music: how good is good?
#
# A network that composes is easy to admire and hard to judge. So we make the rules ourselves. A phrase has eight chords for four voices, written note by note: bass, tenor, alto, soprano, then the next chord.
#
# - The chords are I, ii, IV, V and vi of C major. Some may follow each other, some may not.
# - Each voice has its range, moves by small steps, and never crosses the next.
# - No two voices move in parallel fifths or octaves.
# - The second half has **the same chords as the first**, in other voices, up to the close: *vi ii IV V, vi ii V I*.
#
# All $N$ phrases that keep the rules are equally likely. We can count them, and the count gives the best possible loss: $\ln N$ nats a phrase.

# %%
print(f"{music.count:,} phrases")
print(f"best possible: {music.best:.3f} nats a note")
print(f"knowing only place and last chord: {music.forgetful:.3f}")
print(f"knowing only the place: {music.chance:.3f}")

# %% [markdown]
# The third line minus the second is the price of forgetting. Nearly all rules are about neighbours; only the last one asks for memory, over 16 notes. How do phrases sound? A tone is a few sines that die away:


# %%
def tone(pitch, seconds=0.45, rate=8000):
    t = np.arange(int(seconds * rate)) / rate
    f = 440 * 2 ** ((pitch - 69) / 12)
    waves = [np.sin(2 * np.pi * k * f * t) / k**2 for k in (1, 2, 3)]
    return sum(waves) * np.exp(-3 * t) * (pitch > 0)


def play(phrase, label):
    chords = lc.uses.pitches(phrase)
    sound = [sum(tone(p) for p in notes) for notes in chords]
    return lc.uses.sound(np.concatenate(sound), label=label)


by_rules = music.batch("test", batch_size=1000)
play(by_rules.y[:, 0], "by the rules")

# %% [markdown]
# **Predict.** One may also count what came after the last 12 notes. Is an LSTM better, given as many phrases?

# %%
study = lc.experiments.load("composing")
kinds = {"LSTM": "lstm", "plain": "rnn"}
losses = {k: study.chosen("loss", cell=c) for k, c in kinds.items()}
counted = lc.experiments.load("counting_notes")
for n, loss in zip(*counted.over("order", "loss", place=True), strict=True):
    if n > 0:
        losses[f"last {n} notes"] = loss
fig = plots.dots(losses, xlabel=f"nats a note (best {music.best:.3f})")
plots.show(fig, "21-7")

# %% [markdown]
# (At most 10,000 parameters, 24,000 phrases for each; the counts also know the place in the phrase.)
#
# **What to notice.** It is a tie: counting 12 notes is as good as either network, and the plain network is as good as the LSTM. Two things may explain it. Counts are good at just such rules about neighbours. And a gap of 16 notes is short enough for a plain network, which has twice as many units for its parameters. Looking back further does not help the counts: most contexts of 16 notes were seen once, and what followed them then gets half of the probability. The loss rises, and what they compose is recited.
#
# Does a network remember the first half? We look at the chords that repeat, where memory is worth most. `composer` is an LSTM that trained twice as long (`lc.uses.train_composer()`). We compare its loss there with the *forgetful floor*: the best loss of one who has forgotten the first half.

# %% claims=["C02"]
p = composer.predict(by_rules.x)
chosen = np.take_along_axis(p, by_rules.y[..., None], axis=-1)
nats = -np.log(chosen).mean(axis=(1, 2)).reshape(8, 4).sum(axis=1)
floors = {"composer": nats, "forgetful": music.floors(forgetful=True)}
floors["best possible"] = music.floors()
lc.claim(
    "C02",
    "where the first half returns, an LSTM beats the forgetful floor",
    (nats / floors["forgetful"])[4:6].mean(),
    below=0.9,
)

# %%
look = {"xlabel": "chord", "ylabel": "nats a chord", "ylim": (0, None)}
fig = plots.lines(floors, np.arange(1, 9), **look)
plots.show(fig, "21-8")

# %% [markdown]
# At the fifth and sixth chord it lies well below the forgetful floor, and somewhat above the best. No skill with neighbours leads below that floor: it remembers.
#
# Now let it compose. Each note is drawn with its probabilities, then fed in.

# %%
phrases = lc.uses.compose(composer, 200, rng=0)
play(phrases[:, 0], "by the network")

# %% [markdown]
# How often does it break a rule? Beside it stand 200 phrases by counts of 24,000 phrases, half of what the composer read, and, at the other end, chords by the rules in random order.

# %%
given = music.batch(batch_size=24_000)
ngram = lc.uses.NGram(music, given, order=12, place=True)
rng = np.random.default_rng(0)
order = rng.permuted(np.tile(np.arange(8), (200, 1)), axis=1)
mixed = by_rules.y[:, :200].reshape(8, 4, 200)
mixed = np.take_along_axis(mixed, order.T[:, None], axis=0).reshape(32, 200)
authors = {"composer": phrases, "counts": lc.uses.compose(ngram, 200, rng=0)}
authors["random order"] = mixed
for name, drawn in authors.items():
    faulty = [[bool(f) for f in music.faults(row)] for row in drawn.T]
    print(f"{name}: {np.mean(faulty):.2f} of the chords break a rule")

# %% [markdown]
# Network and counts break a rule in about one chord of 20, random order in most. A single fault may spoil a phrase, though: about a quarter of the composer's phrases have one somewhere.
#
# ### Bach's own chorales
#
# These rules are a toy. Here is real music in four voices: 382 chorales by Bach, a chord each quarter. The course does not have the file (its [page on data](../docs/data.md) says where it is); what follows was measured once and stored.
#
# RNN, GRU and LSTM expect each of 88 notes *by itself*, so they cannot say "C or E, but not both". STORN and VRNN can, by their latent variables ([notebook 18](18_generative_rnns.ipynb)). A sixth network has none: an LSTM that reads a chord *note by note*, from below. What it expects of a note may depend on the notes below it. **Predict:** which of the six is best?

# %%
study = lc.experiments.load("chorales")
models = dict.fromkeys(t.point["model"] for t in study.trials)
nats = {m: study.chosen("likelihood", model=m) for m in models}
fig = plots.dots(nats, xlabel="nats a chord, in pieces held out")
plots.show(fig, "21-9")

# %% [markdown]
# (At most 40,000 parameters, 300 updates of 8 pieces, five starts; the pieces for validation chose among three or four learning rates, and neither the lowest nor the highest was best for any network. For STORN and VRNN it is an estimate by 20 samples, from above in the mean.)
#
# **What to notice.**
#
# - Of the five that read chord by chord, the two with latent variables are ahead: the VRNN by about 0.7 nats of the GRU.
# - The LSTM that reads note by note is ahead of the VRNN by two nats more.
#
# So the notes of a chord should depend on each other, and that takes no random draw inside the network. Notebook 18 has the same control for sound, and there it wins as well. (Is the comparison fair? A row of notes, each chord closed by a sign, says the same as the chords. So both may be asked for nats a chord, and all six have equally many parameters. But note by note there are about five steps a chord.)
#
# For networks that read chord by chord, the published figures are 8.71 for a plain network and at most 6.91 for STORN ([Krishnan et al. 2017](https://arxiv.org/abs/1609.09869) list them). Ours of these kinds lie well above: they saw each piece ten times, and are small. So compare them with each other only.

# %% tags=["check"]
if not lc.experiments.get("chorales").lacks:  # the file is here
    again = lc.experiments.rerun("chorales", 1, where={"model": "GRU"})
    agreement = lc.experiments.agree("chorales", again)
    assert agreement, agreement

# %% [markdown]
# ## What to remember
#
# - Speech: the answer builds up over the utterance. But the last frame alone tells nearly as much: always try the simple reader first.
# - Control: memory stands in for what cannot be seen. The cut showed that, not the probe.
# - Music: with rules of your own you know the best possible loss, and the price of forgetting. Compare with both.
# - Neither in speech nor in the music by rules did the LSTM beat simpler things. The gaps were short, and it was made for long ones.
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="21.1"
# A driver sees all four numbers of the cart at every step. It gets a memory as well, so it has *more* weights to find. What is the memory good for? `"nothing: the present state says all"`, `"without it the pole falls"`, `"it holds the speeds"`, `"it makes the cart faster"`, or `"it stores the best push for each trial"`?

# %% tags=["exercise"]
# solution: prediction
prediction = "nothing: the present state says all"
# end
lc.check("21.1", prediction)

# %% [markdown] tags=["exercise"] exercise="21.2"
# Write the step of evolution: from `noise` (P, n), the `ranks` (P,) of the candidates, and `sigma` and `alpha`, how far the weights move, (n,).


# %% tags=["exercise"]
def step(noise, ranks, sigma, alpha):
    # solution:
    return alpha / (len(noise) * sigma) * ranks @ noise
    # end


lc.check("21.2", step)

# %% [markdown] tags=["exercise"] exercise="21.3"
# Write a function that looks for parallel fifths and octaves. `before` and `now` are two chords, four MIDI numbers each, bass first. Return how many *pairs of voices* are a fifth (7 semitones) or an octave (12) apart, both move, and are so again. An octave more does not count: 19 semitones are a fifth as well, 24 are an octave.


# %% tags=["exercise"]
def parallels(before, now):
    # solution:
    count = 0
    for a in range(4):
        for b in range(a + 1, 4):
            first, second = before[b] - before[a], now[b] - now[a]
            same = first % 12 == second % 12 and first % 12 in (0, 7)
            moved = before[a] != now[a] and before[b] != now[b]
            count += same and moved
    return count
    # end


lc.check("21.3", parallels)

# %% [markdown] tags=["exercise"] exercise="21.4"
# Make a floor of your own. There are `V` symbols, and `A[i, j]` is 1 where symbol j may follow symbol i. All sequences of `T` symbols that keep to that are equally likely; any symbol may come first. Return the best possible loss in nats a symbol.


# %% tags=["exercise"]
def floor(A, T):
    # solution:
    ways = np.ones(len(A))  # to go on from each symbol
    for _ in range(T - 1):
        ways = A @ ways
    return np.log(ways.sum()) / T
    # end


lc.check("21.4", floor)

# %% [markdown] tags=["solution"]
# For long sequences this tends to the logarithm of the largest eigenvalue of `A`, which Shannon called the capacity of a channel with such rules.

# %% [markdown] tags=["exercise"]
# To keep: a phrase of your own. Choose the first four notes, a chord I or vi, and let `composer` go on from there: `composer.sample("| C3 G3 E4 C5", 28, rng=1)` draws the other 28 notes. Try ten values of `rng`, keep one without a fault, and play it.

# %% tags=["exercise"]
# solution:
opening = "C3 G3 E4 C5"
for seed in range(10):
    rest = composer.sample(f"| {opening}", 28, rng=seed)
    mine = music.encode(f"{opening} {rest}")
    if not any(music.faults(mine)):
        break
print(music.decode(mine))
# end

# %% [markdown]
# ## What you can do now
#
# You can take a task, say what a memory could be good for in it, and find out whether the network uses one: by a floor, a control, or a cut. Next and last: [what holds](22_conclusion.ipynb) of all that the essay says.
