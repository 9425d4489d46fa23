# %% [markdown]
# # The output gate
#
# The cell state is the network's book. What the rest of the network gets to see of it is decided last.
#
# After it you can
#
# - say what is stored, $C_t$, and what is shown, $h_t$, and how one becomes the other,
# - see in a trained network when a stored property is shown, and when it is held back,
# - hide a state without deleting it, and find out what hiding costs.
#
# It takes about 30 minutes. It follows the last of the four steps in [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

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
# The gate sees $x_t$ and $h_{t-1}$, like the others. And note where the line to $h_t$ begins: behind the update. What is shown is the *new* state.
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
# At most $\tanh(2) \approx 0.96$, since $\tanh$ comes first. A shut output gate takes $h_t$ to 0 and leaves $C_t$ as it is: hidden is not forgotten.

# %% claims=["C33"]
rng = np.random.default_rng(0)
params = {name: 5 * rng.standard_normal(s) for name, s in lstm.parameter_shapes(3, 8).items()}
run = lc.unroll(lstm, params, rng.standard_normal((200, 4, 3)))
lc.claim("C33", "whatever the weights, h stays within -1 and 1", bool((np.abs(run["h"]) <= 1).all()))
print("and C goes beyond it:", bool((np.abs(run["c"]) > 1).any()))

# %% [markdown]
# ## Stored and shown, in the trained network
#
# Take the unit of [notebook 07](07_cell_update.ipynb), which holds number up to the verb and gender after it. What is shown of it, word by word, for feminine, masculine and plural subjects? And how open is the gate?

# %% tags=["setup"]
KINDS = "the SUBJECT gap gap gap VERB mood and gap gap gap PRONOUN deed .".split()
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
fig = plots.by_word(KINDS, series, marks={"verb next": [4], "pronoun next": [10]})
plots.show(
    fig,
    alt="The output gate is low at the first words of the gap, and near 1 just before the "
    "verb, at the mood and just before the pronoun. Shown before the verb: plural near 0.9, "
    "both singular kinds near -0.7 and -0.95. Before the pronoun: feminine near 0.9, "
    "masculine near -0.9.",
)

# %%
before_verb, before_pronoun = 4, 10
for word, at in {"verb": before_verb, "pronoun": before_pronoun}.items():
    told = ", ".join(f"{k} {values[at]:.2f}" for k, values in shown.items())
    print(f"shown just before the {word}: {told}")

# %% [markdown]
# **What to notice.** At the first words of the gap the gate is low, and little is shown. Just before the verb it opens, and what it shows is **number**: plural on one side, both singular kinds on the other. Just before the pronoun it opens again, and now it shows **gender**: *she* on one side, *he* on the other. (Whether it must be *they* instead is told by another unit.) That is the essay's story, twice: shown is what the next word needs. The gate is open at the mood, too, where nothing is asked. So *shown when needed* is true here; *only when needed* would say too much.
#
# The essay's example is the verb: as it may come next, the cell shows whether the subject is singular or plural. In ten networks, how open is the output gate of the unit that carries number best at the word before the verb, and at the other words since the subject? And for gender, before the pronoun? (The ten networks are those of [notebook 05](05_forget_gate.ipynb), which trains one of them anew each time it is run.)

# %%
study = lc.experiments.load("gates_while_reading")
shown = {
    what: {
        "word before": study.over("trained", f"{what}_show_before")[1][1],
        "other words": study.over("trained", f"{what}_show_within")[1][1],
    }
    for what in ("number", "gender")
}

# %%
fig = plots.bars_over_seeds(shown, ylabel="output gate, mean", ylim=(0, 1), legend="above")
plots.show(
    fig,
    alt="The median output gate is more open at the word before the answer, 0.88 for both "
    "properties, than at the other words, 0.63 and 0.57. The ranges overlap.",
)

# %% claims=["C34"]
more = {what: s["word before"] - s["other words"] for what, s in shown.items()}
for what, difference in more.items():
    print(f"{what}: more open just before the answer in {np.sum(difference > 0.05)} of 10 networks")
statement = (
    "in most of ten networks the output gate of number's unit is more open at the word before the verb"
)
lc.claim("C34", statement, int(np.sum(more["number"] > 0.05)), between=(5, 8), verdict="qualified")

# %% [markdown]
# In most of them, as the essay has it; in some the gate is open all the time. Before training there is no such difference:

# %% claims=["C34"]
before, within = (study.over("trained", f"number_show_{k}")[1][0] for k in ("before", "within"))
lc.claim("C34", "before training the gate does not care what comes next", np.abs(before - within), below=0.05)

# %% [markdown]
# ## Hide it for a while
#
# If $h$ only *shows* what $C$ stores, then hiding should do no harm as long as nobody has to answer. Try it on one sentence: here are two units of the network at each word, and, beside them, the words that it expects next. Choose *king* to see what it expects after the last word. Predict:
#
# - The output gate of unit 21, which carries gender, is shut from *queens* to *old*. Does the network still expect *are*?
# - All output gates are shut there, and open again at *king*. And now?
#
# (Below the table: hold $o$ of *all units* from step 2 to 5, and *shut*. *let all go* undoes it.)

# %%
lc.lab(reader, x="the queens near the old king", units=[number, gender])

# %% [markdown]
# With one unit hidden, hardly anything changes. With all of them hidden *are* is gone, though they are open when it is asked for.
#
# Is that so in general? We do it in 512 rows: all output gates are shut at the subject and at the words after it, and open again at the last word before the verb. The number is still in the book.

# %%
hidden = reader.with_cell(lstm.override(o=0.0))
waiting = lc.reader.steps(rows, "subject", "gap") & (np.arange(len(rows.x)) % 14 != 4)
lc.reader.answers(lc.inspection.patch(reader, hidden, rows.x, waiting), rows)

# %% claims=["C34"]
lc.claim(
    "C34",
    "hidden while nobody asks, the verb is little better than a guess, in each of ten networks",
    study.over("trained", "hidden_verb")[1][1],
    below=0.7,
    verdict="qualified",
)

# %% [markdown]
# The verb is little better than a guess. The pronoun's number is often right (0.72 to 1.00 over the ten networks), so the number was not lost, but it could not be used in time. The view that $h$ is *output* is too narrow. $h_{t-1}$ is also what the gates look at; with $h = 0$ they see the present word, and nothing of what came before it. Hide the state of an LSTM and you blind its gates. (Peephole connections, [notebook 10](10_peephole_connections.ipynb), let the gates see $C$ itself.)
#
# How long may one hide?

# %%
for at in ([4], [3, 4], [2, 3, 4]):
    some = np.isin(np.arange(len(rows.x)) % 14, [k - 1 for k in at])
    said = lc.reader.answers(lc.inspection.patch(reader, hidden, rows.x, some), rows)
    print(f"{len(at)} word{'s' * (len(at) > 1)} hidden: verb right in {said['verb']:.2f}")

# %% [markdown]
# Not even for one word, the one before the last: 0.79. Two do as much harm as three. And the opposite, all output gates open at every word? Then everything is shown always, and that disturbs as well:

# %%
open_always = reader.with_cell(lstm.override(o=1.0))
lc.reader.answers(open_always.predict(rows.x), rows)

# %% [markdown]
# ## What to remember
#
# - $h_t = o_t \odot \tanh(C_t)$: a filtered view of the state, within $-1$ and 1.
# - Hidden is not forgotten: $C$ goes on. But the gates of the next step see only what is shown.
# - In most trained networks the gate of a unit is more open just before its content is needed.
#
# ## Three questions to check yourself
#
# 1. $o_t = 0$ at every step. Can the network ever answer?
# 2. Two networks have the same $C_t$ and different $h_t$. Is that possible?
# 3. Why is there a $\tanh$ between $C_t$ and $h_t$?
#
# *Answers:* 1. No: the read-out sees $h_t = 0$ always. 2. Yes, with different output gates. 3. $C_t$ has no bounds; the layers of the next step would saturate if they saw it as it is. (That it is needed is a finding of Greff et al. 2015, notebook 15, and not of this page.)
#
# ## Your turn
#
# **1.** By hand: one unit that is set by $x = 1$ and holds its value, and shows it only at steps at which a second input is 1. Check that $h$ is 0 (nearly) at the other steps.

# %% tags=["exercise"]
# solution:
by_hand = {name: np.zeros(s) for name, s in lstm.parameter_shapes(2, 1).items()}
by_hand["b_f"][:], by_hand["b_i"][:], by_hand["b_o"][:] = 10.0, 10.0, -10.0
by_hand["W_g"][0], by_hand["W_o"][1] = 5.0, 20.0
x = np.zeros((6, 1, 2))
x[0, 0, 0] = 1.0
x[[2, 5], 0, 1] = 1.0
shows = lc.unroll(lstm, by_hand, x)["h"].ravel()
assert (shows[[2, 5]] > 0.7).all() and (np.abs(shows[[0, 1, 3, 4]]) < 1e-3).all()
# end

# %% [markdown] tags=["exercise"]
# **2.** In the trained network, hold the output gate of the gender unit *alone* shut, at all words. What breaks, and how does that compare with silencing it (`lc.inspection.silence`)? Why must the two agree?

# %% tags=["exercise"]
# solution:
shut = lc.inspection.pin(reader, "o", 0.0, gender).predict(rows.x)
silent = lc.inspection.silence(reader, gender).predict(rows.x)
print(lc.reader.answers(shut, rows))
assert np.abs(shut - silent).max() < 1e-9
# end

# %% [markdown] tags=["solution"]
# Gender breaks. They agree because a unit acts on the others, and on the read-out, through its $h$ alone: $h = 0$ and weights of 0 behind it come to the same.

# %% [markdown] tags=["exercise"]
# **3.** Hold the gender unit's output gate shut at the *one* word before the pronoun. Predict first. What does the result say about where else gender is known by then?

# %% tags=["exercise"]
# solution:
last = np.arange(len(rows.x)) % 14 == 10
shut_there = lc.inspection.pin(reader, "o", 0.0, gender)
print(lc.reader.answers(lc.inspection.patch(reader, shut_there, rows.x, last), rows))
# end

# %% [markdown] tags=["solution"]
# Nothing breaks. This unit carries gender to the end of the sentence, but by the last word others know it too, through $h$, and without its voice they decide. "A unit that carries it" and "the units that are read" need not be the same.

# %% [markdown]
# ## What you can do now
#
# You know all six equations, what each does in a trained network, and where the essay's story needs a footnote. [The next notebook](09_the_whole_lstm.ipynb) puts them together, and asks you to write the whole cell yourself.
