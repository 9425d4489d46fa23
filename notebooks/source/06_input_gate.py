# %% [markdown]
# # The input gate and the candidate
#
# The cell has forgotten something. Now it may write something new. Two layers do that together: one proposes, the other admits.
#
# After it you can
#
# - say what the candidate is, and what the input gate adds to it,
# - watch both at a subject and at a noun that only distracts, in a trained network,
# - take the writing away, and see what the network no longer knows.
#
# {minutes} It follows the second of the four steps in [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
from dataclasses import replace

import numpy as np

import lstmcourse as lc
from lstmcourse import plots

lstm = lc.cells.lstm
reader = lc.reader.load()
rows = lc.reader.rows(512)

# %% [markdown]
# ## The question: what is new, and where does it go?
#
# Two layers look at the same $x_t$ and $h_{t-1}$:
#
# - the **candidate** $\tilde C_t$ proposes a new value for each number of the cell state, between $-1$ and $1$ ($\tanh$),
# - the **input gate** $i_t$ says how much of each proposal is admitted, between 0 and 1 ($\sigma$).
#
# What is written is their product, $i_t \odot \tilde C_t$, number by number.

# %% claims=["C27", "C28"]
lstm.equations("i", "g")

# %%
print(lstm.definition("i", "g"))

# %% claims=["C27", "C28"]
lstm.diagram(focus={"i", "g"})

# %% [markdown]
# In the program the candidate is called `g`, as in most of today's code, and its weights `W_g`; in formulas, pictures and panels they have the essay's letters, $\tilde C_t$ and $W_C$. (The sliders of a laboratory, as in [notebook 04](04_cell_state.ipynb), keep the program's.)
#
# Why two layers, when one could say "write 0.3" by itself? With two, the network learns *when* to write and *what* to write separately, each with its own weights. Exercise 06.6 comes back to this.
#
# ### Feel it
#
# First the gate, then the candidate. Predict:
#
# - The candidate proposes 0.8, and the gate stands at 0.5. What is written?
# - Which of the two decides the *sign* of what is written? Try to make the gate do it.

# %%
lc.widgets.gate_panel(lstm, "i")

# %%
lc.widgets.gate_panel(lstm, "g")

# %% [markdown]
# <details><summary>Answers</summary>
#
# 0.4 is written: half of what is proposed. The gate is never negative, so the sign is the candidate's alone.
#
# </details>
#
# So the candidate says *which way*, and the gate says *whether*.

# %% claims=["C27", "C28"]
rng = np.random.default_rng(0)
params = lstm.init(input_size=3, hidden_size=4, rng=rng, dtype=np.float64)
state = {name: rng.standard_normal((1, 4)) for name in ("h", "c")}
step = lstm.step(params, rng.standard_normal((1, 3)), state)
written = step["c"] - step["f"] * state["c"]
difference = np.abs(written - step["i"] * step["g"]).max()
lc.claim(
    "C27",
    "what a step adds to the kept state is i times the candidate",
    difference,
    below=1e-12,
)

# %% [markdown] tags=["exercise"] exercise="06.1"
# Write in NumPy what one step adds to the cell state. You get `x` (B, D), `h` (B, H), and the weights of the two layers, the gate's and the candidate's.


# %% tags=["exercise"]
def written(x, h, W_i, U_i, b_i, W_C, U_C, b_C):
    # solution:
    i = 1 / (1 + np.exp(-(x @ W_i + h @ U_i + b_i)))
    g = np.tanh(x @ W_C + h @ U_C + b_C)
    return i * g
    # end


lc.check("06.1", written)

# %% [markdown]
# ## At a subject, and at a noun that only distracts
#
# The trained network of [notebook 05](05_forget_gate.ipynb) reads *the queen near the old kings is* … . Two nouns have a gender, but only the first counts. If the network works as the essay tells it, it writes the gender of *queen* and keeps the gate shut at *kings*. Here is the unit that carries the subject's **number** (the essay's later example) at each word of two sentences. Look at $i_t$, $\tilde C_t$ and $C_t$, and predict:
#
# - Where does the gate open? Is it shut at *kings* in the first sentence, and at *nun* in the second?
# - The candidate proposes at every word. What happens to its proposals while the gate is shut?

# %% tags=["setup"]
number, _ = lc.reader.carrier(reader, "number")
gender, _ = lc.reader.carrier(reader, "gender")
text = (
    "the queen near the old kings is tired and seen by the boy she slept . "
    "the kings behind the nun "
    "are happy and near the girl they left ."
)

# %%
lc.lab(reader, x=text, units=[number])

# %% [markdown]
# <details><summary>Answers</summary>
#
# The gate opens wide at the two subjects and stands low at most words between subject and verb, so that what was written stays. At *kings*, in the first sentence, it opens as well (0.71), but there the candidate is about 0, so nothing is written. The candidate goes on proposing at every word; while the gate is shut, that has no effect. After the verb the gate opens again here and there, and the cell state changes.
#
# </details>
#
# The same words, read as a subject and as a distractor, make a clean comparison: only the place in the sentence differs. Over many rows, for both units:

# %%
notes = reader.task.annotate(rows.x)
run = reader.unroll(rows.x)
subject = lc.reader.steps(rows, "subject", first=1)
gap = lc.reader.steps(rows, "gap")[:, None] & notes["is_attractor"]
print("mean of i   subjects   distractors before the verb")
for name, unit in (("number", number), ("gender", gender)):
    i = run["i"][..., unit]
    print(f"{name:9} {i[subject].mean():8.2f} {i[gap].mean():13.2f}")

# %% [markdown]
# In this network the unit for number admits a subject and turns a distractor away. The unit for gender is less strict: it admits some of the distractors, and still ends on the right side. In all ten networks:

# %%
study = lc.experiments.load("gates_while_reading")
words = {"subject": "subject", "distractor": "attractor"}
admitted = {
    f"{what}, {word}": study.over("trained", f"{what}_admit_{key}")[1][1]
    for what in ("gender", "number")
    for word, key in words.items()
}
plots.show(plots.dots(admitted, xlabel="input gate, mean"), "06-2")

# %% [markdown]
# (The ten networks are those of [notebook 05](05_forget_gate.ipynb), which trains one of them again each time you run it.) In most of them the gate is clearly more open at a subject, by 0.05 or more. Again we need the base rate: how many of the *other* 31 units are?

# %% claims=["C29"]
ten = lc.experiments.load("controls_while_reading")
of = {key: ten.over("cell", key)[1][0] for key in ten.trials[0].values}
for what in ("gender", "number"):
    carriers = of[f"carrier_admit_{what}"].sum()
    others = of[f"others_admit_{what}"].mean()
    print(f"{what}: {carriers:.0f} of 10 carriers, {others:.0%} of others")
more = of["carrier_admit_gender"].mean() - of["others_admit_gender"].mean()
statement = (
    "gender's unit is more open at a subject than at a distractor more often "
    "than other units are"
)
lc.claim("C29", statement, more, above=0.2, verdict="qualified")

# %% [markdown]
# Six and seven of ten, where three would be expected of units that carry nothing. That is more, but ten networks are few. In the others the gate does not separate the two nouns, although these networks get every answer right too. One gate does not show what a network has learnt. So, as before, intervene.

# %% [markdown]
# ## Shut the gate at the subject
#
# `override(i=0.0)` holds all input gates shut. We do it at one word only, the subject of the second and third sentence.

# %% [markdown] tags=["exercise"] exercise="06.2"
# What does the network then say about verbs and pronouns of these sentences? One of `"it answers as before"`, `"it answers for the old subject"`, `"it answers for the distractor"`, `"it knows the number and not the gender"`, `"it guesses"`, `"it is always wrong"`.

# %% tags=["exercise"]
# solution: prediction
prediction = "it guesses"
# end
lc.check("06.2", prediction)

# %% [markdown]
# Try it in the laboratory above: below the table hold $i$ of *all units* at step 18, the second *kings*, *shut*, and choose *nun*. The network then expects *is* (0.62) where it expected *are* (0.70). Is that the verb of the old subject, of the distractor, or of nobody? Both were singular, so this sentence cannot tell. 512 rows can:

# %%
step = np.arange(len(rows.x))
later = replace(rows, mask=rows.mask & (step >= 14)[:, None])
shut = reader.with_cell(lstm.override(i=0.0))
for word in ("stop", "the", "subject", "verb", "mood"):
    at = lc.reader.steps(rows, word) & (step >= 13)
    said = lc.inspection.patch(reader, shut, rows.x, at)
    print(f"shut at the {word:8}", lc.reader.answers(said, later))

# %% [markdown]
# Shut at the subject, it knows nothing about the new one: all three are right about as often as guesses would be. (It does not toss a coin. At both verbs it says *is* in every row, and half of the subjects are singular.) Shut at another word, as a control, it says nearly everything as before (but for gender after the full stop). And in the ten networks, over the second sentence?

# %%
shut_at = {
    f"{what}, {word}": of[f"i1_{step}_{what}"]
    for what in ("verb", "gender")
    for word, step in {"the": 14, "subject": 15, "word after it": 16}.items()
}
plots.show(plots.dots(shut_at, xlabel="share right"), "06-3")

# %% claims=["C29"]
statement = (
    "shut at the subject, at least six of ten networks lose a fifth or more "
    "of the genders"
)
lost = int(np.sum(of["i1_15_gender"] < 0.8))
lc.claim("C29", statement, lost, above=5, verdict="qualified")
statement = "shut one word later, none does"
lc.claim("C29", statement, np.sum(of["i1_16_gender"] < 0.8), below=1)

# %% [markdown]
# The subject is the word at which it matters: eight networks of ten lose a fifth of the genders there, or more. But not all do, and verbs suffer less: in four networks they stay right. (At *the*, two networks lose a fifth or more: seed 6, which falls to 0.49, and seed 2, with 0.79.)
#
# How can a network know a subject that it could not write? The equations leave two ways. With the input gates shut, $C_t = f_t \odot C_{t-1}$: the *forget* gates still see the word, and can mark a unit by deleting what stood in it. And $h_t = o_t \odot \tanh(C_t)$ still changes with the *output* gates, so that the next word's gates can see what kind of noun it was, and write one word later. (Which of the two a network uses we have not measured.) The essay's division of labour is the simplest reading of the equations; the equations do not enforce it.
#
# And held open, everywhere? Then every proposal is written, the distractors' too:

# %%
open_always = reader.with_cell(lstm.override(i=1.0))
lc.reader.answers(open_always.predict(rows.x), rows)

# %% [markdown]
# ## What to remember
#
# - $\tilde C_t = \tanh(\ldots)$ proposes, $i_t = \sigma(\ldots)$ admits; $i_t \odot \tilde C_t$ is written.
# - The candidate says which way and how far, the gate says whether.
# - In trained networks the gate often opens at what matters and shuts at what distracts; where it does not, something else must sort them.
#
# ## Three questions to check yourself
#
# 1. With $i_t = 0$, is $C_t$ sure to equal $C_{t-1}$?
# 2. What are the largest and the smallest value that one step can add to a number of the cell state?
# 3. Why is the candidate squashed by $\tanh$ and the gate by $\sigma$, and not the other way round?
#
# <details><summary>Answers</summary>
#
# 1. No: the forget gate still acts. Only with $f_t = 1$ as well. 2. Just below 1 and just above $-1$. 3. A proposal needs both signs; a gate is a share, between nothing and everything.
#
# </details>

# %% [markdown]
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="06.3"
# Set the weights of a one-unit LSTM by hand. It has two inputs: a value, $-1$, 0 or 1, and a mark, 0 or 1. When the mark is 1, the value is added to $C$; when it is 0, nothing is written. All that was written stays. Give the weights by name; `W_i` and `W_g` have two numbers each, for the value and for the mark, in this order. What you leave out is 0.

# %% tags=["exercise"]
# solution: weights
weights = {"b_f": 10.0, "W_g": [5.0, 0.0], "W_i": [0.0, 20.0], "b_i": -10.0}
# end
lc.check("06.3", weights)

# %% [markdown] tags=["solution"]
# The candidate looks at the value alone, the input gate at the mark alone, and the forget gate at nothing: it is always open.

# %% [markdown] tags=["exercise"] exercise="06.4"
# This function is modelled on one that was published. It computes the input gate, the forget gate, the candidate and the output gate from joined weights, in the order i, f, g, o. It runs without complaint. Mend it.


# %% tags=["exercise"]
def gates(x, h, W, U, b):
    # solution:
    z_i, z_f, z_g, z_o = np.split(x @ W + h @ U, 4, axis=1)
    b_i, b_f, b_g, b_o = np.split(b, 4)
    i = 1 / (1 + np.exp(-(z_i + b_i)))
    f = 1 / (1 + np.exp(-(z_f + b_f)))
    g = np.tanh(z_g + b_g)
    o = 1 / (1 + np.exp(-(z_o + b_o)))
    return i, f, g, o
    # given:
    # z_i, z_f, z_g, z_o = np.split(x @ W + h @ U, 4, axis=1)
    # b_i, b_f, b_g, b_o = np.split(b, 4)
    # i, f = 1 / (1 + np.exp(-(np.stack([z_i, z_f]) + b_f)))
    # g = np.tanh(z_g + b_g)
    # o = 1 / (1 + np.exp(-(z_o + b_o)))
    # return i, f, g, o
    # end


lc.check("06.4", gates)

# %% [markdown] tags=["solution"]
# The stacked sums of both gates got one bias. NumPy adds it to each without complaint.

# %% [markdown] tags=["exercise"] exercise="06.5"
# What is written is $\sigma(a) \tanh(u)$, with the sums $a$ and $u$ of the two layers. Derive how it changes with each: return its derivative with respect to `a` and that with respect to `u`, for arrays `a` and `u`.


# %% tags=["exercise"]
def slopes(a, u):
    # solution:
    i, g = 1 / (1 + np.exp(-a)), np.tanh(u)
    return i * (1 - i) * g, i * (1 - g**2)
    # end


lc.check("06.5", slopes)

# %% [markdown] tags=["solution"]
# The bias of a layer is added to its sum, so these are the derivatives with respect to the two biases as well. Where the gate is shut, $i \approx 0$, both are near 0: a network that never writes has a hard time finding out what writing would be good for.

# %% [markdown] tags=["exercise"] exercise="06.6"
# Why not do without the gate? Write a cell whose update is $C_t = f_t \odot C_{t-1} + \tilde C_t$, and which is an LSTM in everything else.


# %% tags=["exercise"]
# solution: ungated
@lc.cell(init={"b_f": 1.0})
def ungated(x, h, c):
    """An LSTM without an input gate."""
    f = lc.sigmoid(lc.affine("f", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    o = lc.sigmoid(lc.affine("o", h, x))
    c = f * c + g
    h = o * lc.tanh(c)
    return h, c


# end
lc.check("06.6", ungated)

# %% [markdown] tags=["exercise"]
# To keep: your cell, trained on the short sentences, `lc.reader.train(0, ungated, steps=(300, 0))`. How does it do on those, `lc.reader.rows(512, gap=0)`?

# %% tags=["exercise"]
# solution: shares
trained, short = (
    lc.reader.train(0, ungated, steps=(300, 0)),
    lc.reader.rows(512, gap=0),
)
shares = lc.reader.answers(trained.predict(short.x), short)
# end
print(shares)

# %% [markdown] tags=["solution"]
# It learns these too (seeds 0 to 4: 1.00 for all three): the candidate can propose nothing by staying near 0. Greff et al. (2015), who took away one part at a time, found likewise that a missing input gate hurts on some tasks and hardly on others (notebook 15).

# %% tags=["check"]
bench = lc.lab(reader, x=text)
is_, are = bench.model.task.verb_words
assert bench.predict()[20, 0, are] > 0.6
bench.hold("i", 0.0, steps=17)
assert bench.predict()[20, 0, is_] > 0.5 and bench.predict()[20, 0, are] < 0.05
at = lc.reader.steps(rows, "subject") & (step >= 13)
said = lc.inspection.patch(reader, shut, rows.x, at)[[18, 32]]
assert (said[..., is_] > said[..., are]).all()

# %% [markdown]
# ## What you can do now
#
# You can say what a step proposes, what it admits, and how to find out what a network does with the two. Next: [the update itself](07_cell_update.ipynb), one line of bookkeeping.
