# %% [markdown]
# # The output gate
#
# The cell state is the network's ledger. One last gate decides what the rest of the network sees of it.
#
# After it you can
#
# - say what is stored, $C_t$, and what is shown, $h_t$, and how one becomes the other,
# - see in a trained network when a stored property is shown, and when it is held back,
# - hide a state without deleting it, and find out what hiding costs.
#
# {minutes} It follows the last of the four steps in [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc
from lstmcourse import plots

lstm = lc.cells.lstm
reader = lc.reader.load()
rows = lc.reader.rows(512)
gender, _ = lc.reader.carrier(reader, "gender")
number, _ = lc.reader.carrier(reader, "number")

# %% [markdown]
# ## The question: what should be shown?
#
# The hidden state $h_t$ is what leaves the cell upwards, and what the gates of the next step look at. It is a filtered view of the cell state: squeezed by $\tanh$ into $(-1, 1)$, then multiplied by the **output gate** $o_t$, one number between 0 and 1 for each.

# %% claims=["C32", "C33"]
lstm.equations("o", "h")

# %%
print(lstm.definition("o", "h"))

# %% claims=["C32", "C33"]
lstm.diagram(focus={"o", "h"})

# %% [markdown]
# The gate sees $x_t$ and $h_{t-1}$, like the others. Note where the line to $h_t$ begins: after the update. The cell shows its *new* state.
#
# ### Feel it
#
# - $C_t = 2$. What is the largest $h_t$ that you can get? Why not 2?
# - Shut the gate. What is left of $h_t$, and what of $C_t$?

# %%
lc.widgets.gate_panel(lstm, "o")

# %%
lc.widgets.update_panel(lstm)

# %% [markdown]
# <details><summary>Answers</summary>
#
# At most $\tanh(2) \approx 0.96$, since $\tanh$ comes first. A shut output gate takes $h_t$ to 0 and leaves $C_t$ as it is.
#
# </details>
#
# Hidden is not forgotten. And $h_t$ has bounds, where $C_t$ has none:

# %% claims=["C33"]
rng = np.random.default_rng(0)
params = {
    name: 5 * rng.standard_normal(s)
    for name, s in lstm.parameter_shapes(3, 8).items()
}
run = lc.unroll(lstm, params, rng.standard_normal((200, 4, 3)))
lc.claim(
    "C33",
    "whatever the weights, h stays within -1 and 1",
    bool((np.abs(run["h"]) <= 1).all()),
)
print("and C goes beyond it:", bool((np.abs(run["c"]) > 1).any()))

# %% [markdown] tags=["exercise"] exercise="08.1"
# Write in NumPy what is shown: $h_t$, from the new state `C` (B, H), the input `x` (B, D) and the hidden state `h` (B, H) of the step before. `W`, `U` and `b` are those of the output gate.


# %% tags=["exercise"]
def shown_of(x, h, C, W, U, b):
    # solution:
    o = 1 / (1 + np.exp(-(x @ W + h @ U + b)))
    return o * np.tanh(C)
    # end


lc.check("08.1", shown_of)

# %% [markdown]
# ## Stored and shown, in the trained network
#
# Take the unit of [notebook 07](07_cell_update.ipynb), which holds number up to the verb and gender after it. What is shown of it, word by word, for feminine, masculine and plural subjects? And how open is the gate?

# %% tags=["setup"]
KINDS = (
    "the SUBJECT gap gap gap VERB mood and gap gap gap PRONOUN deed .".split()
)
run = reader.unroll(rows.x)
notes = reader.task.annotate(rows.x)
plural = notes["number"][19] == 1  # step 19: the second subject has been read
feminine = notes["gender"][19] == 1
kinds = {"feminine": feminine & ~plural, "masculine": ~feminine & ~plural}
kinds["plural"] = plural
h, o = (run[name][14:28, :, gender] for name in ("h", "o"))
shown = {k: h[:, rows].mean(axis=1).round(6) for k, rows in kinds.items()}

# %%
series = {"$o_t$": o.mean(axis=1).round(6)} | shown
fig = plots.by_word(
    KINDS, series, marks={"verb next": [4], "pronoun next": [10]}
)
plots.show(fig, "08-1")

# %% claims=["C34"]
before_verb, before_pronoun = 4, 10
for word, at in {"verb": before_verb, "pronoun": before_pronoun}.items():
    told = ", ".join(f"{k} {values[at]:.2f}" for k, values in shown.items())
    print(f"shown just before the {word}: {told}")
apart = [shown["plural"][before_verb] - shown["feminine"][before_verb]]
apart += [shown["feminine"][10] - shown["masculine"][10]]
statement = "it shows number before the verb, gender before the pronoun"
lc.claim("C34", statement, apart, above=1.0)

# %% [markdown]
# **What to notice.** At the first words of the gap the gate is low, and little is shown. Just before the verb it opens, and what it shows is **number**: plural on one side, both singular kinds on the other. Just before the pronoun it opens again, and now it shows **gender**: *she* on one side, *he* on the other. (Another unit tells whether it must be *they*.) That is the essay's story, twice: the unit shows what the next word needs. The gate is open at the mood, too, where nothing is asked. So *shown when needed* is true here; *only when needed* would say too much.
#
# The essay's example is the verb: as it may come next, the cell shows whether the subject is singular or plural. In ten networks, how open is the output gate of the unit that carries number best at the word before the verb, and at the other words since the subject? And for gender, before the pronoun? (The ten networks are those of [notebook 05](05_forget_gate.ipynb).)

# %%
study = lc.experiments.load("gates_while_reading")
opened = {
    f"{what}, {word}": study.over("trained", f"{what}_show_{key}")[1][1]
    for what in ("number", "gender")
    for word, key in {"word before": "before", "others": "within"}.items()
}
plots.show(plots.dots(opened, xlabel="output gate, mean"), "08-2")

# %%
ten = lc.experiments.load("controls_while_reading")
of = {key: ten.over("cell", key)[1][0] for key in ten.trials[0].values}
for what in ("number", "gender"):
    carriers = of[f"carrier_show_{what}"].sum()
    others = of[f"others_show_{what}"].mean()
    print(f"{what}: {carriers:.0f} of 10 carriers, {others:.0%} of others")

# %% [markdown]
# In seven of ten the gate is more open just before the answer. That seems to be the essay's story, but the base rate takes it away: one half of *all* units open more at these words, whatever they hold. Of ten coins, seven or more show heads in one throw of six. So these gates do not show that carriers wait for the answer. What does show it is what our unit shows, above, and what hiding does, below.
#
# Before training no such difference is seen:

# %% claims=["C34"]
before, within = (
    study.over("trained", f"number_show_{k}")[1][0]
    for k in ("before", "within")
)
lc.claim(
    "C34",
    "before training the gate does not care what comes next",
    np.abs(before - within),
    below=0.05,
)

# %% [markdown]
# ## Hide it for a while
#
# If $h$ only *shows* what $C$ stores, hiding should do no harm while no answer is asked for. So shut all output gates at the subject and at the words after it, and open them again at the last word before the verb. The number is still in the ledger.

# %% [markdown] tags=["exercise"] exercise="08.2"
# How often is the verb right, in 512 rows? One of `"as right as before"`, `"hardly better than a guess"`, `"the other verb"`, `"right for the plural alone"`, `"right in the first sentence alone"`, `"wrong at the pronoun alone"`.

# %% tags=["exercise"]
# solution: prediction
prediction = "hardly better than a guess"
# end
lc.check("08.2", prediction)

# %% [markdown]
# Try it on one sentence first: here are two units of the network at each word, and, beside them, the words that it expects next. Choose *king* to see what it expects after the last word. Predict:
#
# - The output gate of unit 21, which carries gender, is shut from *queens* to *old*. Does the network still expect *are*?
# - All output gates are shut there, and open again at *king*. And now?
#
# (Choose a number in the rows of unit 21. Then hold, below the table, $o$ of *unit 21* from step 2 to 5, and *shut*. *let all go* undoes it; then the same for *all units*.)

# %%
lc.lab(reader, x="the queens near the old king", units=[number, gender])

# %% [markdown]
# <details><summary>Answers</summary>
#
# With one unit hidden, hardly anything changes: *are* falls from 0.99 to 0.97. With all of them hidden *are* is gone (below 0.001, and *is* at 0.02), though they are open when it is asked for. The network expects another noun.
#
# </details>
#
# Does that hold in general? Here are the 512 rows:

# %%
hidden = reader.with_cell(lstm.override(o=0.0))
place = np.arange(len(rows.x)) % 14  # 0: the word "the" of each sentence
places = {"subject and gap": (1, 2, 3), "verb, mood, and": (5, 6, 7)}
places |= {"deed, stop, the": (12, 13, 0)}
for name, words in places.items():
    at = np.isin(place, words)
    said = lc.inspection.patch(reader, hidden, rows.x, at)
    print(f"hidden at {name:16}", lc.reader.answers(said, rows))

# %% claims=["C34"]
lc.claim(
    "C34",
    "hidden while nobody asks, the verb is little better than a guess, in "
    "each of ten networks",
    study.over("trained", "hidden_verb")[1][1],
    below=0.7,
    verdict="qualified",
)
print(
    "hidden around the first pronoun:",
    *(f"{share:.2f}" for share in of["o3_9_verb"]),
)

# %% [markdown]
# The verb is little better than a guess, though nothing was deleted. Hidden for as many words elsewhere, as a control, it is right or nearly so: after the verb, at the end of a sentence, and, in the ten networks, over three words around the *first* pronoun (0.84 in one, 1.00 in nine). So it is not hiding as such that does the harm. The pronoun's number is often right (0.72 to 1.00 over the ten networks). So the number was not lost, but the network could not use it in time. $h$ is more than *output*: the gates look at $h_{t-1}$ too. With $h = 0$ they see the present word, and nothing that came before it. Hide the state of an LSTM and you blind its gates. (Peephole connections, [notebook 10](10_peephole_connections.ipynb), let the gates see $C$ itself.)
#
# How long may one hide?

# %%
for words in ([3], [2, 3], [1, 2, 3]):
    at = np.isin(place, words)
    said = lc.inspection.patch(reader, hidden, rows.x, at)
    right = lc.reader.answers(said, rows)["verb"]
    print(f"words hidden: {len(words)}, verb right in {right:.2f}")

# %% [markdown]
# Not even for one word: hidden at the word before the last, the verb falls to 0.79. Two do as much harm as three. And the opposite, all output gates open at every word? That does harm too:

# %%
open_always = reader.with_cell(lstm.override(o=1.0))
lc.reader.answers(open_always.predict(rows.x), rows)

# %% [markdown]
# ## What to remember
#
# - $h_t = o_t \odot \tanh(C_t)$: a filtered view of the state, within $-1$ and 1.
# - Hidden is not forgotten: $C$ goes on. But the gates of the next step see only what is shown.
# - Our unit shows what the next word needs. That its gate opens there is no sign of it: half of all gates do.
#
# ## Three questions to check yourself
#
# 1. $o_t = 0$ at every step. Can the network ever answer?
# 2. Two networks have the same $C_t$ and different $h_t$. Is that possible?
# 3. Why is there a $\tanh$ between $C_t$ and $h_t$?
#
# <details><summary>Answers</summary>
#
# 1. No: the read-out sees $h_t = 0$ always. 2. Yes, with different output gates. 3. $C_t$ has no bounds; the layers of the next step would saturate if they saw it as it is. (That it is needed was found by Greff et al. 2015, notebook 15. This page does not test it.)
#
# </details>

# %% [markdown]
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="08.3"
# Somebody wrote a whole step of the LSTM, with joined weights in the order i, f, g, o. It returns `h` and `c`. What it shows lags behind. Mend it.


# %% tags=["exercise"]
def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def step(x, h, c, W, U, b):
    # solution:
    i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
    c = f * c + i * np.tanh(g)
    h = o * np.tanh(c)
    return h, c
    # given:
    # i, f, g, o = np.split(x @ W + h @ U + b, 4, axis=1)
    # i, f, o = sigmoid(i), sigmoid(f), sigmoid(o)
    # h = o * np.tanh(c)
    # c = f * c + i * np.tanh(g)
    # return h, c
    # end


lc.check("08.3", step)

# %% [markdown] tags=["solution"]
# In NumPy a name means what it was last given: the line for $h$ saw the old `c`. In an equation, $C_t$ and $C_{t-1}$ have different names.

# %% [markdown] tags=["exercise"] exercise="08.4"
# By hand: one unit with two inputs. It is set by a 1 in the first and holds that; and it shows it, $h > 0.7$, only at steps at which the second input is 1. At all other steps $h$ stays within 0.05 of 0. The two inputs are never 1 at once. Give the weights by name; what you leave out is 0.

# %% tags=["exercise"]
# solution: weights
weights = {
    "b_f": 10.0,
    "b_i": 10.0,
    "W_g": [5.0, 0.0],
    "W_o": [0.0, 20.0],
    "b_o": -10.0,
}
# end
lc.check("08.4", weights)

# %% tags=["setup"]
few = lc.reader.rows(64)

# %% [markdown] tags=["exercise"] exercise="08.6"
# The probe found *one* unit that carries gender. Which units does the reader *need* for it? Silence each of the 32 units in turn (`lc.inspection.silence`) and read the 64 rows `few`. Hand in the set of those units without which less than 0.8 of the genders are right.

# %% tags=["exercise"]
# solution: needed
needed = set()
for unit in range(reader.hidden_size):
    quiet = lc.inspection.silence(reader, unit)
    said = lc.reader.answers(quiet.predict(few.x), few)
    if said["gender"] < 0.8:
        needed.add(unit)
        print(f"without unit {unit}: gender {said['gender']:.2f}")
# end
lc.check("08.6", needed)

# %% [markdown] tags=["solution"]
# The carrier is among them, and it is not alone. To hold its output gate shut at every word (`lc.inspection.pin(reader, "o", 0.0, gender)`) comes to the same as to silence it: a unit acts on the others, and on the read-out, through its $h$ alone. A probe finds where gender can be read; silencing finds what the answers rest on.

# %% [markdown] tags=["exercise"] exercise="08.7"
# To keep: a sentence of your own that leads the reader astray. It was right in every test row. Write a sentence of the language, correct in itself, that ends with its pronoun and has at most 20 words. The reader must prefer the wrong verb or the wrong pronoun. The words that there are: `reader.task.symbols`.

# %% tags=["exercise"]
# solution:
sentence = (
    "the king is sad and near the queens near the nuns near the girls he"
)
# given:
# sentence = "the king near the queens is sad and near the nuns he"
# end
lc.check("08.7", sentence)

# %% [markdown] tags=["exercise"]
# What the reader expects where your pronoun stands:

# %% tags=["exercise"]
x = reader.task.encode(sentence)[:, None]
said = reader.predict(x)[-2, 0, reader.task.pronoun_words]
print(dict(zip(("he", "she", "they"), said.round(3).tolist(), strict=True)))

# %% [markdown] tags=["solution"]
# Three plural nouns in a row are enough. In training, the pronoun came after four words at the latest, and the reader no longer expects one here: all three probabilities are small, and the largest is the wrong one. In rows with longer distances it goes wrong by itself, number first:

# %% tags=["solution"]
for gap in (4, 8, 12):
    longer = lc.reader.rows(128, gap=gap)
    print(f"gap {gap}:", lc.reader.answers(reader.predict(longer.x), longer))

# %% [markdown]
# ## What you can do now
#
# You know all six equations, what each does in a trained network, and where the essay's story needs a footnote. [The next notebook](09_the_whole_lstm.ipynb) puts them together, and asks you to write the whole cell yourself.
