# %% [markdown]
# # Networks that imagine
#
# The networks so far answered questions. These say how probable a sound or a picture is, and make new ones. The essay ends with three of them: DRAW, VRNN and STORN. They share one idea, a **latent variable**: something drawn at each step that nobody observes.
#
# After it you can
#
# - say what a latent variable is for, what it costs, and how to train with it,
# - say what a comparison of VRNN with other networks shows, and what it does not,
# - watch DRAW draw, see where it looks, and test whether it only repeats what it has seen.
#
# {minutes} It belongs to the last section of [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots

sound = lc.tasks.Tones(frames=20)
painter = lc.generative.painter()
copyist = lc.generative.copyist()
singer = lc.generative.singer()

# %% [markdown]
# ## What nobody can foresee
#
# Here are two sounds. Each is a sum of two sines, cut into frames of 8 samples. Now and then both sines jump to another pitch, loudness and phase. A network reads the frames so far and forecasts the next. It cannot know *whether* the sound will jump, nor *where* to.

# %%
heard = sound.batch("test", batch_size=2, seed=3).x[:10]
fig = plots.waves({"two sounds": heard})
plots.show(fig, "18-1")

# %% [markdown]
# Suppose that the forecast is a mean and a standard deviation for each of the 8 samples.
#
# **Predict.** For a frame after a jump the best forecast has 8 means of 0, and 8 equal deviations. The frame that comes is a piece of a wave. Shuffle its 8 samples: which of the two does the forecast find more probable?
#
# Here is how the samples of a frame go together, over 4,000 frames right after a jump:

# %%
first = sound.batch("train", batch_size=4000, seed=1).x[0]
samples = range(1, 9)
fig = plots.heatmap(np.corrcoef(first.T), samples, samples, xlabel="sample")
plots.show(fig, "18-2")

# %% [markdown]
# **What to notice.** Neighbours go up and down together; samples three apart mostly go in opposite directions. Eight separate Gaussians cannot say so. To them, the wave and the shuffled wave are equally probable, and whatever they make up after a jump is hiss.
#
# Now suppose a friend whispers the new pitch, loudness and phase. Given those, the frame is known up to the noise, and eight separate Gaussians are all it takes. The friend's message is a latent variable, $z$. The network has no friend, so it averages over all messages that there might have been:
#
# $$p(x) = \int p(x \mid z)\, p(z)\, dz .$$
#
# Both pieces, $p(z)$ and $p(x \mid z)$, are simple: Gaussians, without correlations. Their mixture $p(x)$ is not. It has one catch, the integral.
#
# ## A bound, from nothing
#
# The integral is an average over messages from the *prior* $p(z)$, and hardly any of those fit the $x$ at hand. So a second network guesses: it looks at $x$ and proposes messages from a distribution $q(z \mid x)$, which approximates the true *posterior* $p(z \mid x)$. Then
#
# $$\log p(x) = \log \mathbb{E}_{z \sim q}\!\left[\frac{p(x \mid z)\, p(z)}{q(z \mid x)}\right] \;\ge\; \mathbb{E}_{z \sim q}\!\left[\log \frac{p(x \mid z)\, p(z)}{q(z \mid x)}\right] = \mathbb{E}_{z \sim q}\big[\log p(x \mid z)\big] - \mathrm{KL}\big(q(z \mid x) \,\|\, p(z)\big).$$
#
# The inequality holds because the logarithm is concave (Jensen). The right side is the *evidence lower bound*. Its first term asks whether the messages explain $x$. Its second is the price of a message: how far the guess departs from what one would have guessed without $x$. Training minimises the negative of the right side, `nll` plus `kl`, in nats.
#
# We test it where the integral is known. Let $z \sim \mathcal{N}(0, 1)$ and $x \mid z \sim \mathcal{N}(z, \tfrac14)$. Then $x \sim \mathcal{N}(0, \tfrac54)$ and, given $x$, $z \sim \mathcal{N}(\tfrac45 x, \tfrac15)$.
#
# **Predict.** For $x = 1$ we try posteriors with the right width and various means. Where does the bound touch $\log p(x)$? And what happens if we average over 5 or 50 samples *inside* the logarithm?


# %%
def log_normal(x, mean, variance):
    return -0.5 * ((x - mean) ** 2 / variance + np.log(2 * np.pi * variance))


def estimate(mean, samples, x=1.0, trials=4000):
    """The mean of log(average weight), over many trials."""
    e = np.random.default_rng(0).standard_normal((trials, samples))
    z = mean + np.sqrt(0.2) * e
    weight = log_normal(x, z, 0.25) + log_normal(z, 0, 1)
    weight -= log_normal(z, mean, 0.2)
    return np.log(np.exp(weight).mean(axis=1)).mean()


means = np.linspace(-0.4, 2, 25)
curves = {"1 sample": [estimate(m, 1) for m in means]}
for k in (5, 50):
    curves[f"{k} samples"] = [estimate(m, k) for m in means]

# %% claims=["C50"]
log_p = log_normal(1.0, 0, 1.25)
look = {"xlabel": "mean of the posterior", "ylabel": "nats"}
fig = plots.lines(curves, means, reference={"log p(x)": log_p}, **look)
plots.show(fig, "18-3")
exact = [estimate(0.8, 1, trials=n) - log_p for n in (1, 7)]
lc.claim(
    "C50",
    "with the right posterior every single sample gives log p(x)",
    np.abs(exact),
    below=1e-12,
)

# %% [markdown] claims=["C50"]
# **What to notice.** One sample gives the bound. It touches $\log p(x)$ where the posterior is the right one, at 0.8, and falls off on both sides. With more samples inside the logarithm it stays below and comes closer ([Burda et al. 2015](https://arxiv.org/abs/1509.00519)). We train with one sample and measure with many, which is *importance sampling*.
#
# ## A message at every step: STORN and VRNN
#
# A recurrent network that draws a $z_t$ at every step is a generative recurrent network. Two of them came in the year before the essay.
#
# [STORN](https://arxiv.org/abs/1411.7610) (Bayer & Osendorfer 2014) is a plain network with one more input, $z_t$. Its prior is always the standard normal. A second network, $r_t$, reads $x_t$ and proposes $z_t$.

# %% claims=["C50"]
lc.cells.storn.equations("r", "mu", "sigma", "z", "h", "mu_x", "nll", "kl")

# %% [markdown] claims=["C50"]
# Read them in two halves. $r$, $\mu$, $\sigma$, $z$ are the guess. $h$ and what follows are the story, told from $z_t$ and the past alone, without a look at $x_t$. $\mathcal{L}^x$ is `nll` (0.918939 is $\tfrac12 \log 2\pi$), and $\mathcal{L}^z$ is `kl`. To imagine, we leave out the guess and draw $z_t$ from the prior.
#
# In the [VRNN](https://arxiv.org/abs/1506.02216) (Chung et al. 2015) an LSTM tells the story, and the prior depends on the past: from $h_{t-1}$ it expects a $z_t$ with mean $\mu_{0,t}$ and deviation $\sigma_{0,t}$. A message that could be expected is cheap. Here is a VRNN that imagines, from left to right: a message from the prior, a frame from the message, and an LSTM that remembers both.

# %% claims=["C50"]
lc.cells.vrnn_sample.diagram(open=())

# %% [markdown]
# For training there is also a guess: $\mathrm{enc}_t$ reads $x_t$ and the past, and $z_t$ is drawn from what it proposes.
#
# `lc.Latent` trains such a cell on the bound. 600 steps take ten to thirty seconds:

# %%
sizes = {"Z": 4, "F": 48}
model = lc.Latent("vrnn", sound, 48, sizes=sizes)
adam, cosine = lc.optim.Adam(5e-3), lc.optim.Cosine(600)
history = lc.fit(model, 600, optimizer=adam, schedule=cosine)
history.plot()

# %% [markdown]
# Here are real sounds, and beside them what it imagines. Does it know how samples go together? The correlation of neighbours, the fourth and the fifth sample, was about 0.5 in frames right after a jump. The first frame that a network imagines is its guess without any past:

# %% claims=["C50"] seeds="0 to 4: 0.33 to 0.46"
heard = sound.batch("test", batch_size=3, seed=5).x[:10]
imagined = model.sample(3, 10, rng=0)
fig = plots.waves({"sounds": heard, "imagined": imagined})
plots.show(fig, "18-4")
opening = model.sample(4000, 1, rng=0)[0]
lc.claim(
    "C50",
    "neighbours in an imagined first frame go together",
    np.corrcoef(opening.T)[3, 4],
    above=0.1,
)

# %% [markdown]
# **What to notice.** Waves, not hiss. But they are rougher than the real ones, and lose their pitch too soon. The correlation is above 0. With one Gaussian for each sample, and no message, it would be 0.
#
# ### A dial for the message
#
# `singer` is the same network after 3,000 steps (`lc.generative.train_singer()`). Here it makes up 20 frames, each at its mean. Choose one: its message has four numbers, each with a dial. At 0 is what the network expects, at 1 one standard deviation more.
#
# **Predict.** Turn one dial of frame 10 as far as it goes. Which frames change? And what does it make up when you press *all as expected*?

# %%
lc.lab(singer)

# %% [markdown]
# <details><summary>Answer</summary>
#
# Frame 10 and those after it: the LSTM remembers what it has sent. With every message as expected there is next to nothing. At first any pitch and phase may come, and the mean of these waves is silence; after silence it expects silence. What is expected is not what is typical. But a tone that it has heard, it expects to go on.
#
# </details>
#
# The same from Python:

# %%
dials = lc.lab(singer)
drawn = dials.deviations
stopped = drawn.copy()
stopped[9:] = 0
messages = {
    "as drawn": drawn,
    "all as expected": 0 * drawn,
    "as expected from frame 10 on": stopped,
}
sounds = {}
for name, deviations in messages.items():
    dials.deviations = deviations
    sounds[name] = dials.sound
fig = plots.waves({name: s[:, None] for name, s in sounds.items()})
plots.show(fig, "18-9")

# %% tags=["check"]
loud = {name: np.sqrt(np.square(s[9:12]).mean()) for name, s in sounds.items()}
silence = loud["all as expected"]
assert silence < 0.1 * loud["as drawn"]
assert loud["as expected from frame 10 on"] > 3 * silence
drawn[9, 0] = 3
dials.deviations = drawn
same = (dials.sound == sounds["as drawn"]).all(axis=1)
assert same[:9].all() and not same[9:].any()

# %% [markdown]
# ## Is it the message that helps?
#
# Chung et al. compared the VRNN with an LSTM that forecasts a frame by one Gaussian for each sample, and with one whose forecast is a mixture of 20 such Gaussians. On speech, in frames of 200 samples, the VRNN beat both. We do the same with our sound: at most 41,744 parameters each, 600 updates, five seeds. Each of the first four networks has the learning rate, of three or four, with the lowest mean bound on validation data.
#
# Two more are not in the paper. One is a VRNN whose price rises slowly, from 0 to 1, over the first quarter of the training; you will see why. The other is the control that [Lai, Dai, Yang & Yoo (2019)](https://arxiv.org/abs/1902.01388) asked for: an LSTM with one Gaussian and no message that reads the sound *sample by sample*. So what it expects of the fifth sample may depend on the fourth. These two got a single learning rate each, so tuning could only help them.
#
# **Predict.** Put the six in order.

# %%
study = lc.experiments.load("sound")
networks = ["one Gaussian", "mixture of 20", "STORN", "VRNN"]
networks += ["VRNN, rising price", "sample by sample"]
nats = {n: study.chosen("likelihood", model=n) for n in networks}
fig = plots.dots(nats, xlabel="nats a frame (less is better)")
plots.show(fig, "18-5")

# %% [markdown]
# **What to notice.**
#
# - A message gains a network of separate Gaussians three to four nats a frame: VRNN and STORN against *one Gaussian*. That agrees with the paper.
# - The mixture of 20, without a message, is ahead of the VRNN. That does not agree with the paper. But its frames have 200 samples, and ours 8. Our guess: a choice of twenty shapes goes a long way with 8 samples, and not with 200.
# - STORN is a little ahead of the VRNN, although its prior expects nothing. (They differ in more: STORN has 133 plain units, the VRNN an LSTM of 48 and more networks around it.) With a rising price the VRNN is mostly ahead of STORN, and still behind the mixture.
# - The control is ahead of all.
#
# So what does the first point show? The samples of a frame hang together, and a network that cannot say so pays for it. A message is *one* way to say it. Reading the samples one after the other is another, and here the better one. Lai and others found the same on speech, and Bach's chorales, read note by note, agree ([notebook 21](21_three_uses.ipynb)).
#
# (For STORN and VRNN by importance sampling, with 50 samples.)

# %% tags=["check"]
where = {"model": ["one Gaussian", "STORN"]}
again = lc.experiments.rerun("sound", 1, where=where)
agreement = lc.experiments.agree("sound", again)
assert agreement, agreement

# %% [markdown]
# ### A network that stops sending
#
# The VRNN depends strongly on its learning rate. Here are the bound, and the price, which is a part of it:

# %%
parts = {}
for part in ("bound", "price"):
    rates, parts[part] = study.over("learning_rate", part, model="VRNN")
look = {"log": "x", "xlabel": "learning rate", "ylabel": "nats a frame"}
fig = plots.over_seeds(rates, parts, **look)
plots.show(fig, "18-6")
rising = study.chosen("price", model="VRNN, rising price")
print("price at 0.02, if it rises slowly:", rising.round(1))

# %% [markdown]
# **What to notice.** At the highest rate the price is 0 in all seeds. The posterior is the prior, no message passes, and what is left is a network with one Gaussian, at its 5 nats. This is *posterior collapse*. The usual explanation: early messages are noise, so the story learns to do without them, and then no message is the cheapest. A usual cure is a price that rises slowly at first, here over 150 of the 600 steps. At the same rate all five seeds then keep sending, and in the mean do better than the VRNN at any rate.
#
# ## DRAW: a picture in steps
#
# [DRAW](https://arxiv.org/abs/1502.04623) (Gregor et al. 2015) uses the steps of a recurrent network not for time but for *strokes*. It keeps a canvas, $c$. At each step one LSTM, the encoder, looks at the picture and at what the canvas still lacks, and proposes a message $z_t$. Another LSTM, the decoder, hears it and adds to the canvas.

# %% claims=["C50"]
lc.cells.draw.diagram(open=())

# %%
lc.cells.draw.equations("error", "r", "mu", "z", "canvas", "kl")

# %% [markdown]
# The loss has two parts again: the price of all messages, and how improbable the picture is if the last canvas holds the log odds of its pixels. With a single step DRAW is a *variational autoencoder*: one message, one picture.
#
# `painter` trained on 16 by 16 pixels, black and white, for 1,500 steps (`lc.generative.train_painter()`, half a minute). Its canvas starts from how often each pixel is ink. Now we leave out the encoder and draw the messages from the prior. Press *play*, or use the arrow keys:

# %%
drawn = painter.sample(10, rng=1)
plots.film(drawn, "18-7")

# %% [markdown]
# **What to notice.** All start from one canvas, the average digit. Each stroke changes less than the last: the first settle what it will be, the later ones sharpen it.
#
# ### Does it only repeat what it has seen?
#
# A network that had stored its training pictures would draw fine digits as well. So we look for the training picture nearest to each drawing, the one that differs in the fewest pixels:

# %%
digits = painter.task
seen = digits.pictures(digits.whole("train").x)
new = digits.pictures(digits.whole("test").x)


def nearest(pictures):
    """The nearest training pictures, and how many pixels differ."""
    apart = [np.abs(seen - p).sum(axis=(1, 2)) for p in pictures]
    return seen[np.argmin(apart, axis=1)], np.min(apart, axis=1)


drawing = drawn[-1] > 0.5
fig = plots.gallery({"drawn": drawing, "nearest": nearest(drawing)[0]})
plots.show(fig, "18-8")

# %% [markdown]
# Are they too much alike? One control is digits that training did not use. The other shows what repeating would look like: the painter's copies of training pictures.
#
# **Predict.** In how many of 256 pixels does a new digit differ from the nearest training picture? And a drawing? And a copy?

# %%
shown = painter.run(digits.whole("train", dtype=np.float64)).run
kinds = {"drawings": painter.sample(176, rng=2)[-1] > 0.5}
kinds |= {"new digits": new, "copies": shown["canvas"][-1, :176] > 0}
for name, pictures in kinds.items():
    print(f"{name}: {np.median(nearest(pictures)[1]):.0f} pixels")

# %% [markdown]
# **What to notice.** The drawings lie farther from the training pictures than new digits do, 19 pixels against 15 in the median, and much farther than copies, with 8. So, by pixels, the painter does not repeat what it has seen.
#
# ### Where it looks
#
# DRAW is known for its *attention*. With it the encoder sees the picture through a grid of $N$ by $N$ Gaussian filters that it moves and stretches, and the decoder adds a patch of $N$ by $N$ through another such grid. All of it is differentiable, so gradient descent learns where to look.
#
# `copyist` is such a network, with 5 by 5 filters (`lc.generative.train_copyist()`, a minute). Its pictures are small digits somewhere on a larger sheet. Here it copies one that it has not seen: left the window through which it looks, right the one through which it draws.
#
# **Predict.** Where does it look at the first step? And at the last? And if you move the digit to another corner, from which step on does the window follow?

# %%
lc.lab(copyist)

# %% [markdown]
# <details><summary>Answer</summary>
#
# The first window is wide, and the same for all pictures, since nothing has been seen yet. One look is enough: from the second step on, the window lies around the digit, wherever you put it. The window for drawing stays wide, and the copies are crude. In 3,000 steps this small network has learnt well *where* the digit is, and poorly *which* it is.
#
# </details>
#
# Over all test pictures, how far is the window's middle from the ink's at the last step? The control is *another* picture's ink.

# %% claims=["C50"]
batch = copyist.task.whole("test", dtype=np.float64)
x, run = copyist.pictures(batch), copyist.run(batch).run
pixels = np.arange(1, 17)
ink = x.sum(axis=(1, 2))
middle = np.stack([x.sum(1) @ pixels / ink, x.sum(2) @ pixels / ink])
centre = np.stack([run[f"read.mu_{a}"][-1].mean(axis=-1) for a in "xy"])
own = np.linalg.norm(centre - middle, axis=0).mean()
others = np.roll(middle, 1, axis=1)
other = np.linalg.norm(centre - others, axis=0).mean()
lc.claim(
    "C50",
    "at the last step the window is nearer to its digit than to others",
    own / other,
    below=0.5,
)

# %% [markdown]
# Are windows of use? A study has both kinds on the painter's digits: at most 142,712 parameters, 1,500 updates, the best of three rates by validation pictures. (Three seeds only.)

# %%
study = lc.experiments.load("drawing")
kinds = {"whole pictures": False, "windows": True}
nats = {}
for name, attention in kinds.items():
    nats[name] = study.chosen("likelihood", attention=attention)
fig = plots.dots(nats, xlabel="nats a picture (less is better)")
plots.show(fig, "18-11")

# %% [markdown]
# **What to notice.** Here they are of no use: 42 nats without, 42 to 46 with windows. In the paper they help, with digits of 28 by 28 pixels and many more steps. Ours fill the whole sheet, which may leave a window nothing to find. And windows are delicate: at the highest of the three rates all seeds stay at 93 nats, hardly better than independent pixels. We opened one such run: the windows had left the picture, and from there no gradient brings them back.
#
# ## What to remember
#
# - A latent variable lets simple pieces make a distribution that is not simple. It costs an integral.
# - The bound avoids the integral: a guess $q(z \mid x)$, and a price, $\mathrm{KL}(q \,\|\, p)$.
# - STORN: messages that do not depend on the past. VRNN: messages that the past expects. DRAW: messages that add to a canvas.
# - A comparison shows only what it compares: a message beats a forecast by separate Gaussians, and reading the samples one by one beats both.
#
# ## Three questions to check yourself
#
# 1. The price is 0. What does the posterior know about $x$?
# 2. Why can one train on the bound but not on $\log \int p(x \mid z)\, p(z)\, dz$ with a few samples from the prior?
# 3. A network without a message reads the sound sample by sample, and forecasts each by one Gaussian. Why can it make waves after a jump nevertheless?
#
# <details><summary>Answers</summary>
#
# 1. Nothing: it is the prior, whatever $x$ is.
# 2. Hardly any sample from the prior fits $x$, so the average rests on very few of them. It varies hugely, and its logarithm is mostly far below $\log p(x)$.
# 3. It draws the first sample, reads it, and expects the second accordingly. What is uncertain is settled bit by bit; no message is needed.
#
# </details>
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="18.1"
# Somebody wrote the price of a message, for a posterior with mean `mu` and deviation `exp(log_sigma)` against a standard normal prior. At the prior it is 0, as it should be. Mend it.


# %% tags=["exercise"]
def price(mu, log_sigma):
    # solution:
    return (0.5 * (mu**2 + np.exp(2 * log_sigma) - 1) - log_sigma).sum()
    # given:
    # return (0.5 * (mu**2 + np.exp(2 * log_sigma) - 1) + log_sigma).sum()
    # end


lc.check("18.1", price)

# %% [markdown] tags=["solution"]
# With `+ log_sigma` the price has no lower bound. The network would make $\sigma$ as small as it can, send messages without noise, and be paid for it.

# %% [markdown] tags=["exercise"] exercise="18.2"
# In the VRNN the prior has a mean and a deviation of its own, `mu0` and `s0`. Write the price of a posterior with mean `mu` and deviation `s`, summed over the numbers of the message.


# %% tags=["exercise"]
def price_against(mu, s, mu0, s0):
    # solution:
    width = (s**2 + (mu - mu0) ** 2) / (2 * s0**2)
    return (np.log(s0 / s) + width - 0.5).sum()
    # end


lc.check("18.2", price_against)

# %% [markdown] tags=["exercise"] exercise="18.3"
# The bound is estimated with more and more samples inside the logarithm. What becomes of it, in the mean? `"it stays where it is"`, `"it falls towards log p(x), from above"`, `"it rises towards log p(x), from below"`, `"it swings around log p(x)"`, `"it rises without end"`, or `"it falls without end"`?

# %% tags=["exercise"]
# solution: prediction
prediction = "it rises towards log p(x), from below"
# end
lc.check("18.3", prediction)

# %% [markdown] tags=["exercise"] exercise="18.4"
# Write that estimate. Given are logarithms of weights, `w` (samples,), and they may lie thousands of nats below 0. Return the logarithm of the mean of the weights.


# %% tags=["exercise"]
def log_mean(w):
    # solution:
    top = w.max()
    return top + np.log(np.exp(w - top).mean())
    # end


lc.check("18.4", log_mean)

# %% [markdown] tags=["exercise"] exercise="18.5"
# Write the filters of a window, (N, pixels): `N` bells around `g`, `delta` apart, with the given `variance`; pixels are counted from 1. Each row adds up to 1.


# %% tags=["exercise"]
def filters(g, delta, variance, N, pixels):
    # solution:
    centres = g + (np.arange(N) - (N - 1) / 2) * delta
    away = np.arange(1, pixels + 1) - centres[:, None]
    e = -(away**2) / (2 * variance)
    F = np.exp(e - e.max(axis=1, keepdims=True))
    return F / F.sum(axis=1, keepdims=True)
    # end


lc.check("18.5", filters)

# %% [markdown] tags=["solution"]
# The largest exponent is taken out first: else a filter far outside would be 0 / 0. As it is, it sees the pixel on the edge and nothing else, and the gradient cannot tell it where to go.

# %% [markdown] tags=["exercise"]
# Two open questions. How much does the bound give away? For the first 64 test pictures, compare the painter's `likelihood` with 1, 10 and 100 samples, each averaged over the pictures.

# %% tags=["exercise"]
# solution:
pages = painter.task.batch("test", batch_size=64, dtype=np.float64)
for samples in (1, 10, 100):
    nats = painter.likelihood(pages, samples).mean()
    print(f"{samples} samples: {nats:.1f}")
# end

# %% [markdown] tags=["solution"]
# From 46.5 nats with one sample, which is the bound, down to 42.2 with 100 (minus the log likelihood). So the bound gives away 4 nats at least. More samples would bring it down a little further.

# %% [markdown] tags=["exercise"]
# The second: cut the message. In the copyist, hold $z$ at 0 (`copyist.cell.hold({"z": 0.0})`, run with `lc.unroll`), and show its last canvases for four pictures. Predict what they show.

# %% tags=["exercise"]
# solution:
deaf = copyist.cell.hold({"z": 0.0})
batch = copyist.task.batch("test", batch_size=4, dtype=np.float64)
given = {"x": copyist.pictures(batch), "e": np.zeros((8, 4, 12))}
last = lc.unroll(deaf, copyist.params, inputs=given, steps=8)["canvas"][-1]
copies = {"pictures": given["x"], "copies": 1 / (1 + np.exp(-last))}
plots.show(plots.gallery(copies), "18-12")
# end

# %% [markdown] tags=["solution"]
# All four are the same. The decoder sees the message and nothing else, so without one it draws the same blot in the same place, whatever the picture.

# %% [markdown] tags=["exercise"]
# To keep: a film in which one drawing turns into another. `lc.cells.draw_sample` is the painter's decoder, `draw_sample.own(painter.params)` are its weights, and its input `z` has shape (8, n, 12). Draw two sets of messages and mix them, `cos(a) * first + sin(a) * second` with $a$ from 0 to $\pi / 2$, so that the mixture is as probable under the prior as either. Take the last canvas of each mixture as a step of `plots.film`.

# %% tags=["exercise"]
# solution:
decoder = lc.cells.draw_sample
first, second = np.random.default_rng(3).standard_normal((2, 8, 6, 12))
walk = []
for a in np.linspace(0, np.pi / 2, 9):
    z = {"z": np.cos(a) * first + np.sin(a) * second}
    run = lc.unroll(decoder, decoder.own(painter.params), inputs=z)
    walk.append(1 / (1 + np.exp(-run["canvas"][-1])))
plots.film(np.stack(walk), "18-13")
# end

# %% [markdown] tags=["solution"]
# A 1 turns into a 7 by way of a 2, an S into a 6, a 5 into a 9. Between two digits there are mostly other digits, or shapes that might be one: the decoder has made the space of messages a space of digits.

# %% [markdown]
# ## What you can do now
#
# You can build a network that imagines, say how good it is, and say what that number is a bound on. You have now seen all that the essay's last section points to. Next: [how long a cell remembers](19_memory_span.ipynb).
