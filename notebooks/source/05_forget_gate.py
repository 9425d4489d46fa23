# %% [markdown]
# # The forget gate
#
# The cell state keeps everything, unless something is taken away. This page is about the layer that takes away: what it is, and what it does in a network that has learnt a language.
#
# After it you can
#
# - say what the forget gate computes, and what each of its numbers means,
# - watch it in a trained network, word by word, and say when it forgets,
# - test with an intervention whether the forgetting is needed.
#
# {minutes} It follows the first of the four steps in [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import textwrap
from dataclasses import replace

import numpy as np

import lstmcourse as lc
from lstmcourse import plots

lstm = lc.cells.lstm

# %% [markdown]
# ## The question: what should go?
#
# At each step the cell state $C_{t-1}$ arrives, a row of numbers. Before anything new is written, the LSTM decides **how much of each number to keep**. It looks at the input $x_t$ and at the hidden state $h_{t-1}$, and gives one number between 0 and 1 for each number of $C_{t-1}$: 1 keeps it, 0 deletes it, 0.5 halves it.
#
# Equation, code and picture, all three from the one definition:

# %% claims=["C25"]
lstm.equations("f")

# %%
print(lstm.definition("f"))

# %% claims=["C25"]
lstm.diagram(focus="f")

# %% [markdown]
# Read it from below: $x_t$ joins $h_{t-1}$, both go through a layer with weights, $\sigma$ squeezes each result into $(0, 1)$. The result $f_t$ goes up to the belt, and multiplies there. The essay writes $W_f \cdot [h_{t-1}, x_t] + b_f$, one tall matrix times the two laid side by side. We keep its two parts apart, $U_f$ for $h$ and $W_f$ for $x$; the numbers are the same.

# %% tags=["check"]
rng = np.random.default_rng(0)
params = lstm.init(input_size=3, hidden_size=4, rng=rng, dtype=np.float64)
x, h, c = (rng.standard_normal((1, n)) for n in (3, 4, 4))
f = lstm.step(params, x, {"h": h, "c": c})["f"]
tall = np.concatenate([params["U_f"], params["W_f"]])
sums = np.concatenate([h, x], axis=1) @ tall + params["b_f"]
essay = 1 / (1 + np.exp(-sums))
assert np.max(np.abs(f - essay).max()) < 1e-12

# %% [markdown] tags=["exercise"] exercise="05.1"
# Write the gate and what it does, in NumPy: return what is left of the cell state `C` (B, H) before anything new is added. You get `x` (B, D), `h` (B, H), `W` (D, H), `U` (H, H) and `b` (H,).


# %% tags=["exercise"]
def left(x, h, C, W, U, b):
    # solution:
    f = 1 / (1 + np.exp(-(x @ W + h @ U + b)))
    return f * C
    # end


lc.check("05.1", left)

# %% [markdown]
# ### Feel it
#
# One unit. Predict, then move:
#
# - With the bias $b_f$ at 0 and no weights, what does the gate do to $C$?
# - Make the gate close when $x = 1$ and stay open when $x = 0$. Which two sliders do you need?

# %%
lc.widgets.gate_panel(lstm, "f")

# %% [markdown]
# <details><summary>Answers</summary>
#
# A bias of 0 halves the state at every step. To close at $x = 1$ only, give the bias a large positive value (open by default) and $W_f$ a larger negative one: with $b_f = 3$, $W_f = -6$ and $U_f = 0$ the gate stands at 0.953 for $x = 0$ and at 0.047 for $x = 1$.
#
# </details>

# %% [markdown]
# ## A network that has learnt a language
#
# Now a real one. In our small language each sentence has one subject. The verb must fit the subject's **number** (is, are), and later a pronoun must fit its number and **gender** (he, she, they). Other nouns come in between, to distract. The next sentence has a new subject, and then the old one's gender and number are useless. That is the essay's own example.

# %%
language = lc.reader.language()
batch = language.batch(batch_size=2, seed=4)
for b in range(2):
    row = language.decode(batch.x[: batch.lengths[b], b])
    print(textwrap.fill(f"{row} .", 79), "\n")

# %% [markdown]
# Train an LSTM of 32 units to predict every next word, as a language model does. It takes about 20 seconds. (It sees short sentences first. Without that, two of five seeds never learnt gender.)

# %%
fresh = lc.reader.train(seed=0)
rows = lc.reader.rows(512)
answers = lc.reader.answers(fresh.predict(rows.x), rows)

# %% claims=["C17"] seeds="0 to 9: 1.00; loss 0.01 to 0.03 above the best"
statement = (
    "after 1,100 steps it is right about the verb, the pronoun's "
    "number, and he or she"
)
lc.claim("C17", statement, list(answers.values()), above=0.95)
excess = fresh.evaluate().loss - language.best

# %% tags=["check"]
assert np.max(excess) < 0.1

# %% [markdown]
# Each of the three would be 0.5 by guessing. The best possible loss is known, because we know how the sentences are made. So remembering gender over ten words was learnt in seconds, with short sentences first. How *far* a network can learn to remember depends on where the gate starts, as [notebook 03](03_lstm_networks.ipynb) showed.
#
# The following notebooks load this network from a file, made by the same call. We go on with it here too, so that you see the very numbers that the text talks about.

# %%
reader = lc.reader.load()
lc.reader.answers(reader.predict(rows.x), rows)

# %% [markdown]
# ## Which unit carries gender?
#
# For each unit we ask: is there one threshold on its cell state that tells *masculine* from *feminine*, at every word from the subject to the pronoun? The best unit is found on one half of the rows and judged on the other.

# %%
gender, told = lc.reader.carrier(reader, "gender")
print(f"unit {gender} tells a single subject's gender in {told:.0%} of places")
untrained = lc.reader.train(seed=0, steps=(0, 0))
_, told_before = lc.reader.carrier(untrained, "gender")
print(f"before training, the best unit did so in {told_before:.0%}")

# %% [markdown]
# Here is this unit at each word of two sentences, alive; beside it stand the words that the network expects next. Look at $f_t$ and $C_t$, and predict before you look:
#
# - The essay forgets the old gender *when the new subject is seen*, here at *king*. Where does this gate shut?
# - Does it stay open at *kings* and *boy*, the nouns that distract?
# - From which word on does the sign of $C_t$ tell *she* from *he*?
#
# (Choose a number to see its equation. Type another sentence above: the table follows.)

# %% tags=["setup"]
text = (
    "the queen near the old kings is tired and seen by the boy she slept . "
    "the king behind the nuns is happy and near the girl he left ."
)

# %%
lc.lab(reader, x=text, units=[gender])

# %% [markdown]
# <details><summary>Answers</summary>
#
# Within the sentence the gate stays near 1, also at *kings* and *boy*. Then it shuts, but not where the essay would have it. This network does not wait for the new subject: it deletes at the full stop, and again at *the*. In this language that is the better moment, as every sentence brings a new subject.
#
# Towards the pronoun, the sign of $C$ tells the gender. Before the verb it does not: *queen* and *king* start out on the same side. Up to the verb this unit tells singular from plural, which the verb needs. Only after it does it tell *she* from *he*. [Notebook 07](07_cell_update.ipynb) follows it through many sentences.
#
# </details>
#
# But these are two sentences, read by one network. How general is it?

# %% [markdown]
# ## Ten networks
#
# We trained ten, from ten seeds, and measured each (`make experiments`). First: how much of its value does the unit that carries gender keep? Over the three words after the subject, and over the full stop, *the* and the next subject. Both are products of three forget gates.

# %%
study = lc.experiments.load("gates_while_reading")
kept = {}
for where in ("within", "across"):
    _, shares = study.over("trained", f"gender_kept_{where}")
    kept[f"untrained, {where}"], kept[f"trained, {where}"] = shares
fig = plots.dots(kept, xlabel="share of C kept over three words")
plots.show(fig, "05-2")

# %% [markdown]
# Untrained, it makes no difference where the words stand. Trained, the median unit keeps most within a sentence and next to nothing across its end. But the networks differ widely: not every one does it with this gate.
#
# And is it special? Units that carry no gender may forget at the same place. So here is the base rate. We ask the same of the *other* 31 units. (The ten networks were trained again for this, on another version of the programs. Training is sensitive to the last digits: one, seed 4, became another network.)

# %% claims=["C26"]
ten = lc.experiments.load("controls_while_reading")
of = {key: ten.over("cell", key)[1][0] for key in ten.trials[0].values}
asked = {
    "forgets three quarters across the end": "forget",
    "shuts below 0.1 at the stop or at 'the'": "early",
    "forgets so, and keeps a half within": "both",
}
for what, key in asked.items():
    carriers, others = of[f"carrier_{key}"].sum(), of[f"others_{key}"].mean()
    print(f"{what:40}{carriers:.0f} of 10, other units {others:.0%}")
more = of["carrier_both"].mean() - of["others_both"].mean()
statement = (
    "more often than other units, gender's unit both keeps within a sentence "
    "and forgets across its end"
)
lc.claim("C26", statement, more, above=0.3, verdict="qualified")

# %% [markdown]
# **What to notice.** That the carrier *forgets* at the border says little about gender: three of five units do, whatever they hold. The same goes for *when*. What sets carriers apart is that they do both. Six of ten keep more than half within a sentence and lose three quarters across its end; of the other units, one in twenty. The other four networks carry gender in a way that this gate does not show: their unit is rewritten within the sentence too.
#
# So the essay's story holds for many of these networks, with a correction: *the old gender is forgotten between the end of its sentence and the next subject*. In seven of ten networks the gate shuts before the new subject is read.
#
# Do not take a stored study on trust. This cell trains one of the networks of the figure again and compares.

# %%
again = lc.experiments.rerun("gates_while_reading", 1, where={"trained": True})
agreement = lc.experiments.agree("gates_while_reading", again)
agreement

# %% [markdown]
# ## Is the forgetting needed? An intervention
#
# That a gate shuts does not show that it has to. So we hold it open: `cell.override(f=1.0)` is the same cell with the forget gate fixed at 1. We use it at three words only, the full stop, *the* and the subject, from the first full stop on.

# %% [markdown] tags=["exercise"] exercise="05.2"
# Which answers in the following sentences go wrong then? Commit yourself before you run the next cell: `"nothing changes"`, `"gender alone suffers"`, `"the verb alone suffers"`, `"all three suffer"` (verb, the pronoun's number, and gender), `"the answers turn round"`, or `"the first sentence suffers"`.

# %% tags=["exercise"]
# solution: prediction
prediction = "all three suffer"
# end
lc.check("05.2", prediction)

# %% [markdown]
# Try it on the two sentences first. Below the table hold $f$ of *all units* from step 16 to 18, *open*, and choose *girl* to see what is expected next. As a control, *let all go*, and hold three words open that end no sentence, from step 6 to 8.

# %%
lc.lab(reader, x=text, units=[gender])

# %% [markdown]
# <details><summary>Answers</summary>
#
# Open at the full stop, *the* and *king*, the network expects *she* (0.70) where it expected *he* (0.70): the old queen's pronoun. Open at *kings is tired*, nothing changes.
#
# </details>
#
# Two sentences are an anecdote. Here are 512 rows, and their second and third sentences. As controls the gates are held at as many words inside a sentence:

# %% claims=["C26"]
held_open = reader.with_cell(lstm.override(f=1.0))
step = np.arange(len(rows.x))
later = replace(rows, mask=rows.mask & (step >= 14)[:, None])
found = {}
for kinds in (("stop", "the", "subject"), ("gap",), ("verb", "mood", "and")):
    at = lc.reader.steps(rows, *kinds) & (step >= 13)
    said = lc.inspection.patch(reader, held_open, rows.x, at)
    found[kinds[0]] = lc.reader.answers(said, later)
    print(f"{' '.join(kinds):17} {found[kinds[0]]}")
harm = [found["gap"][k] - found["stop"][k] for k in ("verb", "gender")]
statement = "held open between subjects: more harm than inside a sentence"
lc.claim("C26", statement, harm, above=0.08)

# %% [markdown]
# Between the subjects all three fall to a half or little more: guessing. The network now reads about the new subject with the old one still in its state. Right after the subject the same intervention leaves verb and number as they were. Gender suffers there too, though less. After the verb next to nothing happens.
#
# And in the ten networks? Each row holds the gates open over three words of the second sentence:

# %%
places = {
    "stop, the, subject": 13,
    "three words after it": 16,
    "verb, mood, and": 19,
    "three words after that": 22,
}
right = {name: of[f"f3_{step}_gender"] for name, step in places.items()}
plots.show(plots.dots(right, xlabel="gender right"), "05-3")

# %% claims=["C26"]
lc.claim(
    "C26",
    "with the forget gates held open between two subjects, gender is lost in "
    "each of ten networks",
    right["stop, the, subject"],
    below=0.8,
)

# %% [markdown]
# So it is not just any three words. Inside the sentence the median network still gets everything right. Two networks lose one answer in six right after the subject, and one (seed 2) loses gender at the verb.
#
# What if we open the gates at one word alone? The essay's moment is the subject:

# %%
for word, at in {
    "full stop": 13,
    "the": 14,
    "subject": 15,
    "next": 16,
}.items():
    print(f"{word:10}", *(f"{share:.2f}" for share in of[f"f1_{at}_gender"]))

# %% [markdown]
# Here the essay is right after all: in seven of ten networks the subject is the one word at which an open gate does most harm. Ours (seed 0, the first column) is not among them: it forgets at the full stop.
#
# And the opposite? Hold the gate shut, everywhere and always. Then the cell state carries nothing on, and what is left must pass through $h$. Or hold it open, always: then nothing is ever deleted.

# %%
for value in (0.0, 1.0):
    other = reader.with_cell(lstm.override(f=value))
    print(
        f"f = {value:g} everywhere:",
        lc.reader.answers(other.predict(rows.x), rows),
    )

# %% [markdown]
# Either way most is lost. The network needs both, each at its time.
#
# ## What to remember
#
# - $f_t = \sigma(\ldots)$: one number for each number of the cell state, between 0, *delete*, and 1, *keep*.
# - The forget gate does not know what is stored in its number. It sees $x_t$ and $h_{t-1}$, and has learnt when what is stored is of no more use.
# - A trained network forgets at a moment of its own choosing. To know it, look; to know whether it matters, intervene.
#
# ## Three questions to check yourself
#
# 1. A unit's forget gate stands at 0.9 at every step. How much of its state is left after 20 steps?
# 2. Why does the picture of the gate have no line from $C_{t-1}$ into the box?
# 3. A probe finds that a unit's cell state tells the gender. Why is that not enough to say that the network *uses* it?
#
# <details><summary>Answers</summary>
#
# 1. $0.9^{20} \approx 0.12$. 2. In this cell a gate sees $x_t$ and $h_{t-1}$ only; notebook 10 adds that line. 3. The network may read gender elsewhere; only a change of that unit shows whether the answers follow it.
#
# </details>

# %% [markdown]
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="05.3"
# Set a forget gate by hand, in an LSTM of one unit with one input. It must stay above 0.99 as long as $x = 0$ and fall below 0.01 when $x = 1$, whatever $h$ is. Give the weights by name: `W_f`, `b_f`, and `U_f` if you need it.

# %% tags=["exercise"]
# solution: weights
weights = {"b_f": 5.0, "W_f": -10.0}
# end
lc.check("05.3", weights)

# %% [markdown] tags=["solution"]
# $\sigma(5) = 0.993$ and $\sigma(-5) = 0.007$. With $U_f = 0$ the hidden state has no say; a small $U_f$ does no harm if the other two leave room for it.

# %% [markdown] tags=["exercise"] exercise="05.4"
# The bias alone decides how long a unit remembers when nothing comes in. With which bias is just one half of a value left after `n` steps? Derive it from $\sigma(b)^n = 1/2$, and write it as a function.


# %% tags=["exercise"]
def bias(n):
    # solution:
    f = 0.5 ** (1 / n)
    return np.log(f / (1 - f))
    # end


lc.check("05.4", bias)

# %% [markdown] tags=["solution"]
# From $f^n = 1/2$ follows $f = 2^{-1/n}$, and from $f = \sigma(b)$ follows $b = \log \frac{f}{1 - f} = -\log(2^{1/n} - 1)$. For a large $n$ that is about $\log(n / 0.69)$: to remember ten times as long, the bias has to grow by 2.3. This is why a forget bias of 1 does not reach far, and one of 5 does.

# %% [markdown] tags=["exercise"] exercise="05.5"
# Somebody measures how open each unit's forget gate is, on average over all words of a batch. The rows have different lengths; `mask` (T, B) is True where there is a word, and `f` is (T, B, H). The result is too low. Mend it.


# %% tags=["exercise"]
def mean_gate(f, mask):
    # solution:
    total = (f * mask[..., None]).sum(axis=(0, 1))
    return total / mask.sum()
    # given:
    # total = (f * mask[..., None]).sum(axis=(0, 1))
    # steps, rows = mask.shape
    # return total / (steps * rows)
    # end


lc.check("05.5", mean_gate)

# %% [markdown] tags=["solution"]
# The sum leaves the padding out; the count did not. `f[mask].mean(axis=0)` says the same in one line.

# %% tags=["solution"]
reader, rows = lc.reader.load(), lc.reader.rows(512)
language = lc.reader.language()
gender, _ = lc.reader.carrier(reader, "gender")

# %% [markdown] tags=["exercise"] exercise="05.6"
# Hold the forget gate of the carrier *alone* open, at every word (`lc.inspection.pin`), and read the 512 `rows` again. Which share of the genders is right in the first, the second and the third sentence? Predict first. Hand in the three shares, in a list.

# %% tags=["exercise"]
# solution: shares
pinned = lc.inspection.pin(reader, "f", 1.0, gender).predict(rows.x)
shares = []
for sentence in range(3):
    inside = np.arange(len(rows.x)) // 14 == sentence
    part = replace(rows, mask=rows.mask & inside[:, None])
    shares.append(lc.reader.answers(pinned, part)["gender"])
print(np.round(shares, 2))
# end
lc.check("05.6", shares)

# %% [markdown] tags=["solution"]
# The first sentence has nothing to forget, so it goes well. From the second on the old gender is still there, and the answers are little better than guesses.

# %% [markdown] tags=["exercise"]
# To keep: a sentence of your own, as the forget gate reads it. Change the text, here or in the laboratory, within the language (`language.symbols` lists its words). Can you make the gate shut where no sentence ends, or stay open where one does?

# %% tags=["exercise"]
# solution:
mine = (
    "the boy behind the old queens is calm and often near the nuns he wept "
    ". the aunt"
)
# given:
# mine = "the king is happy and he sang . the queen is"
# end
lc.lab(reader, x=mine, units=[gender])

# %% tags=["check"]
bench = lc.lab(lc.reader.load(), x=text)
he, she = (bench.model.task.symbols.index(word) for word in ("he", "she"))
for steps, (least, most) in {(15, 18): (she, he), (5, 8): (he, she)}.items():
    bench.held = {}
    bench.hold("f", 1.0, steps=range(*steps))
    expected = bench.predict()[text.split().index("girl"), 0]
    assert expected[least] > 0.6 and expected[most] < 0.05

# %% [markdown]
# ## What you can do now
#
# You can read the forget gate as equation, picture and code. You can find a unit that carries a property, watch its gate, and test by intervention what it does. Next: [how something new gets in](06_input_gate.ipynb).
