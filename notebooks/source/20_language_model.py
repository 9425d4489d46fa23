# %% [markdown]
# # A language model
#
# A network of a million weights has read programs, character by character, and learnt to say what comes next. This is the recipe of [Karpathy (2015)](https://karpathy.github.io/2015/05/21/rnn-effectiveness/), to which the essay points at its start. You test the network on programs that it has never seen, let it write, and look for units that keep track of quotes and brackets.
#
# After it you can
#
# - say what *bits per character* are, and compare a network fairly with counts and compressors,
# - sample at a temperature, search with a beam, and say what each is good for,
# - test whether a unit that follows quotation marks is also needed for them.
#
# {minutes}

# %% tags=["setup"]
import contextlib
import fractions
import inspect
import shutil
import uuid

import numpy as np

import lstmcourse as lc
from lstmcourse import plots

library = lc.tasks.Library()
coder = lc.coder.load(np.float32)
coder

# %% [markdown]
# ## What is held out
#
# The text is Python's own standard library, which is on your disk. A hash of its name decides where a file goes: one in ten is for testing, another one for validation. So the network is tested on whole programs of which it has seen no line.

# %% tags=["nbval-ignore-output"] why="the library differs between versions of Python"
for split in ("train", "validation", "test"):
    files, text = library.files(split), library.region(split)
    print(f"{split:10} {len(files):4} files, {len(text):9,} characters")

# %% [markdown]
# A model gives every character a probability before it comes. A character with probability $p$ costs $\log_2 1/p$ bits. The mean over a text is what each character would take up if the text were stored with the model's help. So a compressor is a language model too.

# %% [markdown] tags=["exercise"] exercise="20.1"
# A model gave the four characters that came next the probabilities 1/2, 1/4, 1/8 and 1/8. How many bits per character is that?

# %% tags=["exercise"]
# solution: bits
bits = (1 + 2 + 3 + 3) / 4
# end
lc.check("20.1", bits)

# %% [markdown] tags=["exercise"] exercise="20.2"
# Now in general. `p` (T, K) holds the probabilities that a model gave before each of T characters; `y` (T,) holds the characters that came. Return the bits per character.


# %% tags=["exercise"]
def bits_per_character(p, y):
    # solution:
    return -np.log2(p[np.arange(len(y)), y]).mean()
    # end


lc.check("20.2", bits_per_character)

# %% [markdown]
# ## A network, counts, and compressors
#
# **Predict.** Who predicts unseen programs best? A network of a million weights; a table that counts which character followed the last 1, 2, ... 20; or a compressor?
#
# The table is no straw man: *modified Kneser–Ney* ([Chen & Goodman 1998](https://dash.harvard.edu/handle/1/25104739)) falls back from long contexts to short ones with care. Table and compressors have read all of the training text. The network has read as much once, and a little of it twice. All are judged on the same 32 pieces of the test files, 1,000 characters each.

# %% tags=["nbval-ignore-output"] why="the library differs between versions of Python"
pieces = library.batch("test", batch_size=32, length=1000)
p = coder.predict(pieces.x)
came = np.take_along_axis(p, pieces.y[..., None], axis=2)[..., 0]
cost = -np.log2(came)
print(f"the coder: {cost.mean():.2f} bits per character")

# %% tags=["nbval-ignore-output"] why="the library differs between versions of Python"
counts = lc.experiments.load("counts_on_characters")
found = {trial.point["way"]: trial.values for trial in counts.trials}
reach = {int(k): b for k, b in found["counts"].items()}
back = sorted(reach)
needed = np.array([reach[k] for k in back])
levels = found["compressors"] | {"the coder": float(cost.mean())}
look = {"ylabel": "bits per character", "reference": levels}
look |= {"xlabel": "characters that the counts look back"}
fig = plots.lines({"counts": (np.array(back), needed)}, **look)
plots.show(fig, "20-1")

# %% claims=["C09"]
ahead = min(found["compressors"].values()) - cost.mean()
statement = "the network needs fewer bits than the best of four compressors"
lc.claim("C09", statement, ahead, above=0.02, verdict="qualified")

# %% [markdown]
# **What to notice.** The network, which read 7.7 million characters in ten minutes of computing, is ahead of all four compressors, and just behind the best counts: 1.72 bits against 1.66, on the library of Python 3.11. That table holds millions of contexts, the network a million numbers. But be fair to the compressors. They learn from the file at hand, which our network and our table do not, and 1,000 characters give them little time for it. Given the whole test text in one piece after the training text, `xz` needs 1.42 bits, fewer than either.
#
# Karpathy, Johnson & Fei-Fei ([2015](https://arxiv.org/abs/1506.02078)) trained larger networks, in many passes over their texts, and those beat counts of 20 characters.
#
# ## Where the bits go
#
# **Predict.** What kind of character costs most? Put in order: indentation, the first letter of a word, its later letters, signs.

# %% tags=["nbval-ignore-output"] why="the library differs between versions of Python"
texts = [library.decode(row) for row in pieces.y.T]
kind = np.array([lc.coder.kinds(text) for text in texts]).T
print(f"{'kind':14} {'share':>6} {'bits':>6}")
names = "first letter, digit, sign, later letter, line end, space, indent"
for name in names.split(", "):
    here = kind == name
    print(f"{name:14} {here.mean():6.2f} {cost[here].mean():6.2f}")

# %% [markdown]
# Digits are rare, and cost most. Then comes the first letter of a word: there something is decided. And how far back does the network look? Each piece begins with an empty state. If only the last few characters mattered, the cost would level off at once.

# %% tags=["nbval-ignore-output"] why="the library differs between versions of Python"
edges = [0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000]
spans = [cost[a:b].mean() for a, b in zip(edges[:-1], edges[1:], strict=True)]
fig = plots.lines(
    {"the coder": (np.array(edges[1:]), np.array(spans))},
    xlabel="characters read so far",
    ylabel="bits per character",
    log="x",
)
plots.show(fig, "20-2")

# %% [markdown]
# The first characters cost much, since nothing is known of the file. After some 50 characters the cost has levelled off near 1.7 bits: what the network knows of a file it mostly knows from the last line or two. (The first points rest on 64 characters each, the later ones on more.)
#
# ## Does the cell matter?
#
# Nine cells have at most 60,000 parameters each and 512,000 characters to read, a fraction of what the coder had. One run at each of four learning rates chose the rate on validation files. (The LSTM got a fifth, since its best was at the edge.) Then three seeds were tested. Beside them stands *min-char-rnn*, Karpathy's program of 112 lines, with its own recipe: 100 units, one row, 25 characters an update, Adagrad at 0.1.

# %%
cells = lc.experiments.load("cells_on_characters")
baseline = lc.experiments.load("min_char_rnn")
names = {"rnn": "plain network", "lstm": "LSTM", "lstm_f": "LSTM, f = 1"}
names |= {"peephole": "with peepholes", "coupled": "coupled gates"}
names |= {"gru": "GRU", "mut1": "MUT1"}
names |= {"slstm": "sLSTM", "min_lstm": "minLSTM"}

# %%
rows = {}
for trial in cells.trials:
    name = names[trial.point["cell"]]
    rows.setdefault(name, []).append(trial.values["bits"])
rows["min-char-rnn"] = [trial.values["bits"] for trial in baseline.trials]

rows = dict(sorted(rows.items(), key=lambda row: np.median(row[1])))

# %%
fig = plots.dots(rows, xlabel="bits per character on test files", log=True)
plots.show(fig, "20-3")
for name, values in rows.items():
    print(f"{name:14}", *(f"{v:6.2f}" for v in values))

# %% [markdown]
# **What to notice.** GRU, MUT1 and sLSTM come first; the plain network and the LSTM with peepholes come last of the nine. But one run of the LSTM and one of MUT1 lie far behind the other two, and with three seeds the order of neighbours means little. The budget is short, too: read this as who learns *fast*. One run of min-char-rnn broke down. Its rate does not fall, and nothing bounds its gradient as a whole; whether that is why, we have not tested.
#
# And the LSTM against the plain network, as the essay puts it? In the median it is ahead. But its worst run is worse than all three plain ones.

# %% claims=["C10"]
ahead = np.median(rows["plain network"]) - np.median(rows["LSTM"])
statement = "the median LSTM needs fewer bits than the median plain network"
lc.claim("C10", statement, ahead, above=0.1, verdict="qualified")

# %% [markdown]
# ## Let it write
#
# `sample` draws each character with the probabilities that the network gives, then feeds it in. A temperature divides the numbers of the read-out first, before the softmax.

# %% [markdown] tags=["exercise"] exercise="20.3"
# You have only the probabilities `p`, not the numbers of the read-out. Write what the temperature makes of them.


# %% tags=["exercise"]
def tempered(p, temperature):
    # solution:
    q = p ** (1 / temperature)
    return q / q.sum()
    # end


lc.check("20.3", tempered)

# %%
writer = lc.coder.load()
start = "class Stack:\n    def __init__(self"
for temperature in (0.0, 0.5, 1.0):
    text = writer.sample(start, 160, temperature=temperature, rng=0)
    print(f"---- {temperature}\n{start}{text}\n")

# %% [markdown]
# At 0 it repeats itself: the likeliest character, again and again, leads into a loop. At 1 it writes as it was taught, with all its doubts. In between the text looks most like a program, and still means nothing.
#
# **Beam search** keeps the likeliest few beginnings of a line instead of one. Is a likelier line a better one?

# %%
for beam in (1, 4):
    text = lc.coder.complete(start, 120, beam=beam, model=writer)
    print(f"---- beam of {beam}\n{start}{text}\n")

# %% [markdown]
# Likely is not the same as interesting. A beam finds what is said most often. That suits translations ([notebook 16](16_attention.ipynb)); to write freely, draw.
#
# ## Units that follow quotes
#
# Karpathy and others found units that are on inside quotation marks. Is there one here? Python's own tokenizer says where quotes, comments and brackets are, and which lines are *deep*, indented by eight blanks or more. We set a threshold on each unit's cell state with two programs, and judge it on two others.

# %% tags=["nbval-ignore-output"] why="the library differs between versions of Python"
sources = [inspect.getsource(m) for m in (contextlib, shutil, fractions, uuid)]
part = slice(2000, 4500)
marks = [lc.coder.marks(source) for source in sources]
x = np.stack([library.encode(source)[part] for source in sources], axis=1)
c = coder.unroll(x)["c"]
asked = {
    "quotes": np.stack([m["quotes"][part] for m in marks], axis=1),
    "comment": np.stack([m["comment"][part] for m in marks], axis=1),
    "brackets": np.stack([m["brackets"][part] > 0 for m in marks], axis=1),
    "deep": np.stack([m["indent"][part] >= 8 for m in marks], axis=1),
}

# %% tags=["nbval-ignore-output"] why="the library differs between versions of Python"
best_unit = {}
print("          best unit  right there   median unit   units above 0.8")
for what, label in asked.items():
    two, others = (c[:, k].reshape(-1, 480) for k in (slice(2), slice(2, 4)))
    fitted = lc.inspection.probe(two, label[:, :2].ravel())
    right = fitted.score(others, label[:, 2:].ravel())
    best_unit[what] = best = int(fitted.order[0])
    line = f"{what:9} {best:9} {right[best]:13.2f} {np.median(right):13.2f}"
    print(f"{line} {(right > 0.8).sum():17}")

# %% [markdown]
# Both classes weigh alike, so 0.5 is chance. The first two programs chose the best unit; the share right is that of the other two. The last columns are the base rate: what *any* unit tells.
#
# That a unit tells does not mean that it is needed. Silence the unit that tells quotes best, and as a control eight others whose cell states vary about as much. **Predict:** what does each silence cost, per character, inside quotes and outside?

# %%
unit = best_unit["quotes"]
spread = c.std(axis=(0, 1))
near = np.argsort(abs(spread - spread[unit]))
others = [int(k) for k in near if k != unit][:8]
x_, y_ = x[:-1, 2:][:1200], x[1:, 2:][:1200]
inside = asked["quotes"][:, 2:][:1200]


# %%
def costs(model):
    """Bits of each character of two programs."""
    p = model.predict(x_)
    return -np.log2(np.take_along_axis(p, y_[..., None], axis=2)[..., 0])


whole = costs(coder)
extra = {
    k: costs(lc.inspection.silence(coder, k)) - whole for k in [unit, *others]
}

# %% tags=["nbval-ignore-output"] why="the library differs between versions of Python"
for k, e in extra.items():
    name = f"unit {k}" + (", told quotes best" if k == unit else "")
    more, less = e[inside].mean(), e[~inside].mean()
    print(f"{name:28} inside {more:6.3f}   outside {less:6.3f}")

# %% [markdown]
# The unit is needed, more than any control. But its silence costs about as much outside quotes as inside. So it is not a unit *for* quotes: it carries something that matters everywhere, and tells quotes along the way, none too well. Deep indentation has units that tell nearly all of it, and quotes have none: a network may spread what it keeps track of over many units. Pictures of units on well-chosen lines show what they tell there. They do not show what they are for.
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="20.4"
# Write beam search yourself, for a model to which only the last character matters. `log_p[a, b]` is the log-probability that b follows a. Begin with `start`, keep the `width` likeliest paths at each step, and return the best path of `length` characters after the start, as a list of indices.


# %% tags=["exercise"]
def beam_search(log_p, start, width, length):
    # solution:
    kept = [(0.0, [start])]
    for _ in range(length):
        grown = []
        for score, path in kept:
            for k, more in enumerate(log_p[path[-1]]):
                grown.append((score + more, [*path, k]))
        kept = sorted(grown, key=lambda found: -found[0])[:width]
    return kept[0][1][1:]
    # end


lc.check("20.4", beam_search)

# %% [markdown]
# ## To keep
#
# The network goes on with *your* programs, from the terminal:
#
# ```
# python -m lstmcourse.complete mine.py --temperature 0.4 --length 300
# python -m lstmcourse.complete mine.py --beam 4
# echo "def read(path):" | python -m lstmcourse.complete -
# ```
#
# And how well does it predict a text of yours? Read your own file in place of this one.

# %% tags=["nbval-ignore-output"] why="it is the reader's file"
mine = inspect.getsource(lc.Model)[:3000]
symbols = library.encode(mine)
p = coder.predict(symbols[:-1, None])[:, 0]
yours = -np.log2(p[np.arange(len(p)), symbols[1:]])
print(f"{yours.mean():.2f} bits per character")
print("costliest:", repr(mine[yours.argmax() - 30 : yours.argmax() + 2]))

# %% [markdown]
# `make train` trains it again from scratch, and resumes where it was stopped.
#
# ## What you can do now
#
# You can measure a language model in bits, set it beside what is no network, and have it write. A network of a million weights came close to a table of millions of contexts. And you know that what a unit tells is one question, and what the network needs another. Next: [speech, control and music](21_three_uses.ipynb).
