# %% [markdown]
# # The update of the cell state
#
# The cell has decided what goes and what comes. Now it carries out both, in one line. This is the line that makes an LSTM.
#
# After it you can
#
# - read the update as bookkeeping: so much kept, so much added,
# - follow a value along the belt, word by word, from its arrival to its end,
# - change one number on the belt of a trained network, and change its answer.
#
# {minutes} It follows the third of the four steps in [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
from dataclasses import replace

import numpy as np

import lstmcourse as lc
from lstmcourse import plots

lstm = lc.cells.lstm
reader = lc.reader.load()
rows = lc.reader.rows(512)
gender, _ = lc.reader.carrier(reader, "gender")
number, _ = lc.reader.carrier(reader, "number")

# %% [markdown]
# ## The question: what is in the ledger now?
#
# Think of the cell state as a ledger with one line for each number. At each step, keep a share $f_t$ of what stands there, enter $i_t \odot \tilde C_t$, and there is the new balance:

# %% claims=["C30"]
lstm.equations("c")

# %%
print(lstm.definition("c"))

# %% claims=["C30"]
lstm.diagram(focus="c")

# %% [markdown]
# Nothing else touches the belt: one product, one sum. No matrix, and no squashing, so a number can pass through unchanged, and its gradient too ([notebook 04](04_cell_state.ipynb)).
#
# ### Feel it
#
# Predict before you move:
#
# - $C_{t-1} = 2$, $f_t = 0.25$, $i_t = 0.5$, $\tilde C_t = 1$. What is $C_t$?
# - Can $C_t$ become larger than 1? What would it take?

# %%
lc.widgets.update_panel(lstm, show=("c",))

# %% [markdown]
# <details><summary>Answers</summary>
#
# It is 1: a quarter of 2 is kept, half of 1 is entered. And it can grow: with $f_t = 1$, $i_t = 1$ and $\tilde C_t = 1$ at every step it grows by 1 each time.
#
# </details>
#
# So the belt can count, and the cell state, unlike $h$, has no bounds:

# %% claims=["C30"]
counter = lstm.override(f=1.0, i=1.0, g=1.0)
params = lstm.init(input_size=2, hidden_size=3, rng=0, dtype=np.float64)
run = lc.unroll(counter, params, np.zeros((100, 1, 2)))
lc.claim(
    "C30",
    "with all open the state counts the steps",
    bool((run["c"][-1] == 100.0).all()),
)

# %% [markdown]
# ## The ledger of one unit, word by word
#
# Take the unit that carries gender in the trained network, and keep its ledger along two sentences: what was kept from the word before, what was entered, and the balance.

# %% tags=["setup"]
text = (
    "the queen near the old kings is tired and seen by the boy she slept . "
    "the king behind the nuns "
    "is happy and near the girl he left ."
)
words = text.split()
run = reader.unroll(reader.task.encode(text)[:, None])
f, i, g, c = (run[name][:, 0, gender] for name in ("f", "i", "g", "c"))
before = np.concatenate([[0.0], c[:-1]])
book = {"kept": f * before, "entered": i * g, "$C_t$": c}

# %%
fig = plots.by_word(words, book, marks={"subject": [1, 17]})
plots.show(fig, "07-1")

# %% tags=["check"]
assert np.max(np.abs(f * before + i * g - c).max()) < 1e-12

# %% [markdown]
# **What to notice.** The first two rows add up to the third; all three have the same scale. At the full stop and at the next *the*, almost nothing is kept: *the old gender goes*. From *king* to *nuns* the entries are negative: *the new one comes in*. This is the essay's picture, except for two things. The old value goes a word or two before the new one comes. And the new one does not come all at once: for *queen*, the entries are negative at first and positive from the verb on. Does the network change its mind?
#
# One sentence cannot tell. Take 512 rows, and the mean of $C$ at each word of their second sentence, for three kinds of subject:

# %% tags=["setup"]
KINDS = (
    "the SUBJECT gap gap gap VERB mood and gap gap gap PRONOUN deed .".split()
)
C = reader.unroll(rows.x)["c"][..., gender]
notes = reader.task.annotate(rows.x)


def by_subject(of):
    """Means of C in the second sentence, by kind of subject."""
    known = 14 * of + 5  # a step at which that subject has been read
    plural = notes["number"][known] == 1
    feminine = notes["gender"][known] == 1
    kinds = {"feminine": feminine & ~plural, "masculine": ~feminine & ~plural}
    kinds["plural"] = plural
    second = C[14:28]
    return {
        k: second[:, rows].mean(axis=1).round(6) for k, rows in kinds.items()
    }


# %%
fig = plots.by_word(
    KINDS, by_subject(of=1), marks={"verb": [5], "pronoun": [11]}
)
plots.show(fig, "07-2")

# %% [markdown]
# **What to notice.** Up to the verb the two singular kinds lie below 0 and the plural above: the unit holds the subject's **number**, and the verb is what needs it. Once the verb is out, the feminine row changes sides. From then on *she* and *he* have opposite signs: the unit holds **gender**, and the pronoun needs that. So the network did not change its mind about the queen. It used one number for two things, one after the other.
#
# And what is left of the *previous* subject? If its gender had been kept, the two singular kinds would differ in the next sentence too.

# %% claims=["C31"]
old, new = (m["feminine"] - m["masculine"] for m in map(by_subject, (0, 1)))
lc.claim(
    "C31",
    "in the new sentence nothing of the old gender is left",
    np.abs(old[1:11]).max(),
    below=0.6,
)
lc.claim(
    "C31",
    "before the pronoun the new gender stands there",
    np.abs(new[10]),
    above=3.0,
)

# %% [markdown]
# ## Change the ledger
#
# If the network relies on this number, changing it should change the answer. One word before the network must name the pronoun of the second sentence, we replace the state of this one unit with the mean of the *other* gender. Nothing else changes: 31 of 32 numbers of $C$ stay, and all of $h$.

# %% [markdown] tags=["exercise"] exercise="07.1"
# How many of the pronouns turn, from *he* to *she* and from *she* to *he*? One of `"none turns"`, `"half of them turn"`, `"nearly all turn"`, `"only feminine ones turn"`, `"they take the place of both"`, `"the verbs turn as well"`.

# %% tags=["exercise"]
# solution: prediction
prediction = "nearly all turn"
# end
lc.check("07.1", prediction)

# %% [markdown]
# Try it on one sentence first, about a king. Take $C_t$ of the unit in your hand, at the last word, *girl*, and drag it up. Predict:
#
# - From which value on does the network expect *she* rather than *he*?
# - Let it go, and do the same at *behind*, right after *king*. What happens to the verb, after *nuns*, and to the pronoun?

# %%
sentence = "the king behind the nuns is happy and near the girl"
lc.lab(reader, x=sentence, units=[gender])

# %% [markdown]
# <details><summary>Answers</summary>
#
# At *girl* the two change places between 0 and 1: at $C = 4$ *he* has fallen from 0.69 to 0.05, and *she* is at 0.58. At *behind* a number above 0 turns the pronoun too, but it costs the verb: at $C = 4$ *is* has fallen from 0.64 to 0.10. Up to the verb this unit holds the number, and a singular lies below 0.
#
# </details>
#
# And over 512 rows?

# %%
step = 14 + 9  # in the second sentence; one more word precedes the pronoun
at_pronoun = np.arange(len(rows.x)) == step + 1
asked = replace(rows, mask=rows.mask & at_pronoun[:, None])
flipped = lc.reader.flip(reader, rows, gender, step)
print("its state exchanged:", lc.reader.answers(flipped, asked))
for unit in (number, 0, 1):
    flipped = lc.reader.flip(reader, rows, unit, step)
    print(f"that of unit {unit}:", lc.reader.answers(flipped, asked))

# %% [markdown]
# The pronoun's number stays right, and its gender is *wrong* nearly everywhere. A guess would give 0.5; the network now says the other one. The same exchange in other units changes nothing. One number on the belt is enough to turn the answer, but not any number.
#
# And in the ten networks of [notebook 05](05_forget_gate.ipynb)? There are two controls. In one the unit is given the mean of its *own* gender: a state as artificial as the other, with the right sign. In the other each of the 31 other units is exchanged in turn, and we show the one for which most pronouns turn.

# %% claims=["C31"]
ten = lc.experiments.load("controls_while_reading")
of = {key: ten.over("cell", key)[1][0] for key in ten.trials[0].values}
turned = {"gender's unit": "flipped", "own gender's mean": "sham"}
turned |= {"another unit, at most": "flipped_most"}
print("pronouns turned, by seed")
for name, key in turned.items():
    print(f"{name:22}", *(f"{share:.2f}" for share in of[key]))
statement = (
    "in more than half of ten networks, exchanging the state of one unit "
    "turns most pronouns"
)
count = int(np.sum(of["flipped"] > 0.8))
lc.claim("C31", statement, count, above=5, verdict="qualified")
statement = "with the mean of its own gender nothing turns, in each of ten"
lc.claim("C31", statement, of["sham"], below=0.05)

# %% [markdown]
# Six of ten turn; in the other four nothing happens at all. And other units hardly ever do it: of 310 only one turns the answer. (It belongs to seed 4. So there the probe had chosen another unit than the one that the answer follows.)
#
# In those four networks gender can be *read off* the unit, but at this word the answer does not follow it. A probe alone would have told the same story about all ten. So this course tests every finding of a probe with an intervention like this one.

# %% [markdown]
# ## What to remember
#
# - $C_t = f_t \odot C_{t-1} + i_t \odot \tilde C_t$: keep a share, enter something new. One product and one sum, number by number.
# - The state has no bounds: it can count.
# - In a trained network the old gender goes and the new one comes on this line; when, and in which unit, each network settles for itself.
#
# ## Three questions to check yourself
#
# 1. $f_t = 1$ and $i_t = 1$ at all steps. What does the unit compute of its candidates?
# 2. And with $f_t = 0.9$, $i_t = 0.1$?
# 3. Which of the quantities on the right of the update depend on $C_{t-1}$ directly?
#
# <details><summary>Answers</summary>
#
# 1. Their sum. 2. A moving average, in which a candidate counts 0.9 times as much as the one after it. 3. Only $C_{t-1}$ itself; the gates and the candidate see $h_{t-1}$, which is a filtered view of it.
#
# </details>

# %% [markdown]
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="07.2"
# Let an LSTM of one unit count the ones in a sequence of zeros and ones, by weights set by hand. After a sequence with seven ones, $C$ must lie between 6.9 and 7. Give the weights by name; what you leave out is 0.

# %% tags=["exercise"]
# solution: weights
weights = {"b_f": 20.0, "b_i": 20.0, "W_g": 3.0}
# end
lc.check("07.2", weights)

# %% [markdown] tags=["solution"]
# Both gates are open always, and the candidate proposes $\tanh(3) = 0.995$ at a one and 0 at a zero. With the candidate always at 1 and the input gate opened by the ones it works as well.

# %% [markdown] tags=["exercise"] exercise="07.3"
# Somebody wrote the update as a loop over gates and candidates that are known already, `f`, `i` and `g` (T, H). It should return all states (T, H), from a state of zeros on. The states come out too small. Mend it.


# %% tags=["exercise"]
def belt(f, i, g):
    # solution:
    c, states = np.zeros(f.shape[1]), []
    for t in range(len(f)):
        c = f[t] * c + i[t] * g[t]
        states.append(c)
    return np.array(states)
    # given:
    # c, states = np.zeros(f.shape[1]), []
    # for t in range(len(f)):
    #     c = f[t] * (c + i[t] * g[t])
    #     states.append(c)
    # return np.array(states)
    # end


lc.check("07.3", belt)

# %% [markdown] tags=["exercise"] exercise="07.4"
# Where does a balance come from? Multiply the update out: $C_T$ is a sum of all candidates, $C_T = \sum_k a_k \tilde C_k$. Derive the weights $a_k$, and return them, for one unit with gates `f` and `i` (T,) and $C_0 = 0$.


# %% tags=["exercise"]
def weights_of_candidates(f, i):
    # solution:
    later = [np.prod(f[k + 1 :]) for k in range(len(f))]
    return i * np.array(later)
    # end


lc.check("07.4", weights_of_candidates)

# %% [markdown] tags=["solution"]
# $a_k = i_k \, f_{k+1} f_{k+2} \cdots f_T$. An entry passes the forget gates of all later steps; its own has been at work before it was made. With $f = 1$ and $i = 1$ all weights are 1, and the unit counts.

# %% tags=["solution"]
asked = replace(
    rows, mask=rows.mask & (np.arange(len(rows.x)) == 14 + 10)[:, None]
)

# %% [markdown] tags=["exercise"] exercise="07.5"
# Exchange the state of the gender unit earlier, after the first word that follows the subject, `step = 14 + 2`. Over all rows, one half of the pronouns is then right. Is that a guess? Measure the share right where the subject of the second sentence is feminine, and where it is masculine. Hand in the two, in this order. (`notes["gender"][14 + 5]` is 1 for a feminine subject.)

# %% tags=["exercise"]
# solution: shares
early = lc.reader.flip(reader, rows, gender, 14 + 2)
feminine = notes["gender"][14 + 5] == 1
shares = [
    lc.reader.answers(early, replace(asked, mask=asked.mask & kind))["gender"]
    for kind in (feminine, ~feminine)
]
print("together:", lc.reader.answers(early, asked))
print("feminine, masculine:", np.round(shares, 2))
# end
lc.check("07.5", shares)

# %% [markdown] tags=["solution"]
# It is no guess: the reader says *he* to nearly everybody. Put the masculine mean into a row about a queen, and the answer turns; put the feminine mean into one about a king, and *he* is said all the same. So at this word the unit can take *she* away and cannot make it. From the next word on most answers turn, both ways, and from the verb on nearly all.

# %% [markdown] tags=["exercise"] exercise="07.6"
# Design a unit that holds the last marked value. It has two inputs: a value, $-1$ or 1, and a mark, 0 or 1. At a mark the value takes the place of what was there; until the next mark nothing changes, whatever the values are. The weights that are given make a unit that never writes. (In `W_f`, `W_i` and `W_g` the first number is for the value, the second for the mark.)

# %% tags=["exercise"]
# solution:
latch = {
    "W_f": [0.0, -20.0],
    "b_f": 10.0,
    "W_i": [0.0, 20.0],
    "b_i": -10.0,
    "W_g": [5.0, 0.0],
}
# given:
# latch = {"W_f": [0.0, 0.0], "b_f": 10.0, "W_i": [0.0, 0.0],
#          "b_i": -10.0, "W_g": [0.0, 0.0]}
# end
lc.check("07.6", latch)

# %% [markdown] tags=["exercise"]
# To keep: your unit at work. Where does it let go of a value, and where does it take one?

# %% tags=["exercise"]
value = np.array([1, -1, 1, 1, -1, -1, 1, -1, 1, 1, -1, 1], float)
mark = np.array([0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0, 0], float)
shapes = lstm.parameter_shapes(2, 1)
p = {name: np.zeros(shape) for name, shape in shapes.items()}
for name, numbers in latch.items():
    p[name].flat = numbers
c = lc.unroll(lstm, p, np.stack([value, mark], axis=1)[:, None])["c"].ravel()
rows_of = {"value": value, "mark": mark, "$C_t$": c.round(6)}
plots.show(plots.by_word([str(t) for t in range(12)], rows_of), "07-3")

# %% [markdown] tags=["solution"]
# At a mark the forget gate shuts and the input gate opens. The trained reader has such units: for the one above, the full stop empties it, and the subject and the words after it write.

# %% tags=["check"]
bench = lc.lab(reader, x=sentence)
he, she, is_ = (bench.model.task.symbols.index(w) for w in ("he", "she", "is"))
assert bench.predict()[10, 0, he] > 0.6
bench.hold("c", 0.0, units=gender, steps=10)
assert bench.predict()[10, 0, he] > bench.predict()[10, 0, she]
bench.hold("c", 1.0, units=gender, steps=10)
assert bench.predict()[10, 0, he] < bench.predict()[10, 0, she]
bench.held = {}
assert bench.predict()[4, 0, is_] > 0.6
bench.hold("c", 4.0, units=gender, steps=2)
assert bench.predict()[10, 0, she] > 0.7 and bench.predict()[4, 0, is_] < 0.15

# %% [markdown]
# ## What you can do now
#
# You can keep the ledger of a cell state, and you have changed an answer by changing one number in it. One more gate decides what the rest of the network sees of it: [the output gate](08_output_gate.ipynb).
