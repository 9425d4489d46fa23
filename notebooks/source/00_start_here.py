# %% [markdown]
# # Start here
#
# This course takes you from one equation to trained recurrent networks. It follows C. Olah's essay [*Understanding LSTM Networks*](https://colah.github.io/posts/2015-08-Understanding-LSTMs/) section by section. What the essay says in words and pictures, you run and measure here.
#
# After this page you can
#
# - read a notebook of this course, and get the most out of it,
# - tell whether all that it needs is installed,
# - train a recurrent network on a text, and watch it learn to write.
#
# {minutes} You need some Python and NumPy, and should have met gradient descent and backpropagation. The course explains recurrent networks.

# %% [markdown]
# ## Is everything there?
#
# Click the grey cell below and press **Shift+Enter**: it runs, and the next one is selected.

# %% tags=["setup"]
import numpy as np

import lstmcourse as lc

lc.check_installation()

# %% [markdown]
# Each line that says *no* also says what to do. When all say *ok*, go on.

# %% [markdown]
# ## How to read a notebook here
#
# A notebook is a page that computes. The order is always the same: a question or a formula, a short cell, the value it gives, and what to notice about it.
#
# - **Predict first, then run.** Before a cell runs, say to yourself what it will show. Being wrong is the part that teaches.
# - **Change things.** Nothing here can break. *Kernel → Restart Kernel and Run All Cells* brings you back.
# - **Panels** have sliders. Drag them, or click one and use the arrow keys.
# - **Exercises** have a line that ends in `# your turn`. Where an answer can be right or wrong, `lc.check` below it says which, and where to look. `lc.progress()` shows what you have done. The solutions are in the folder `solutions/`, under the same names.
# - **This is your copy.** It lies in `my_notebooks/`; the course stays as it is. The README says how to update it.
#
# Boxes like the next one state results. A box says what is claimed and what that requires, and, where there is a number, what was measured just now on your machine. If the number does not support the sentence, the cell fails.

# %% claims=["C01"] seeds="0 to 9: 0.27 to 0.98"
rnn = lc.cells.rnn
params = rnn.init(input_size=3, hidden_size=2, rng=0, dtype=np.float64)


def step(x, h):
    """One step, with all inputs x, from a state of all h."""
    return rnn.step(params, np.full((1, 3), x), {"h": np.full((1, 2), h)})["h"]


before, by_x, by_h = step(0.0, 0.0), step(1.0, 0.0), step(0.0, 1.0)
changes = [np.abs(new - before).max() for new in (by_x, by_h)]
lc.claim(
    "C01",
    "a step depends on two things: the input, and the state before",
    changes,
    above=0.05,
)

# %% [markdown]
# The label (here C01) is the number of a statement of the essay. *Met* means that it holds as it stands, *qualified* that it holds with a reservation, *refuted* that it does not hold. All three can occur.

# %% [markdown]
# ## A first success: a network that learns to write
#
# Here is a text that you have on your disk: a dozen modules of Python's own standard library, as their authors wrote them. The network sees one character at a time, and has to guess the next.

# %% tags=["nbval-ignore-output"] why="the text differs a little between versions of Python"
text = lc.tasks.Text()
batch = text.batch(batch_size=1, length=300)
print(text.decode(batch.x[:, 0]))

# %% [markdown]
# The network is the simplest of this course. Its state `h` is 128 numbers, and at each character it makes a new state from the character and the state before. (A character enters as a row of zeros with a single 1.) This is its whole definition; [notebook 01](01_recurrent_neural_networks.ipynb) takes it apart:

# %%
lc.cells.rnn

# %% [markdown]
# A **model** adds a read-out, from the state to a probability for each possible next character. Before training, its guesses are noise. (A `temperature` below 1 makes it prefer likely characters; you will play with it at the end.)

# %% tags=["nbval-ignore-output"] why="sampled text differs between processors and versions of Python"
model = lc.Model(lc.cells.rnn, text, hidden_size=128, rng=0)
print(model.sample("def ", length=150, temperature=0.7, rng=1))

# %% [markdown]
# How good is a guess? We count in **bits per character**: the average of $-\log_2 p$, where $p$ is the probability that the model gave to the character that came. A blind guess among all characters costs $\log_2$ of their number. To know only how often each occurs costs less:


# %%
def bits(model):
    return model.evaluate("validation", batches=20, length=40).loss / np.log(2)


print(f"blind guess:           {np.log2(text.output_size):.1f} bits")
print(f"character frequencies: {text.chance / np.log(2):.1f} bits")

# %% [markdown]
# Now train it. The optimiser, Adam, is gradient descent with a step size for each weight. Two hundred steps take a second or two. (The loss is in nats: the same average with the natural logarithm. A bit is 0.69 nats.)

# %%
first = lc.fit(model, steps=200, length=40, optimizer=lc.optim.Adam(3e-3))

# %% tags=["nbval-ignore-output"] why="sampled text differs between processors and versions of Python"
print(model.sample("def ", length=300, temperature=0.7, rng=1))

# %% [markdown]
# **What to notice.** After a second or two it has spaces, line breaks, and groups of letters that look like words. It cannot spell yet. Give it more time:

# %%
adam = lc.optim.Adam(3e-3)
second = lc.fit(model, steps=2000, length=40, optimizer=adam, seed=1)
second.plot()

# %% [markdown]
# The loss falls fast, then slowly, and ends near 1.5 nats, about 2.2 bits per character. That is on the text from which the network learns. Text that it has not seen costs a little more; it is measured below.

# %% tags=["nbval-ignore-output"] why="sampled text differs between processors and versions of Python"
print(model.sample("def ", length=500, temperature=0.7, rng=1))

# %% [markdown]
# Look for indentation, line breaks, words, and for marks such as `#`, `_` and quotes; not every text has all of them. The network learnt all of it from one question: which character comes next? (Your text will differ from your neighbour's: samples depend on the last digits of the weights.)

# %% claims=["C09"] seeds="five seeds: 2.18 to 2.21 on the training text, 2.37 to 2.42 on other text"
lc.claim(
    "C09",
    "it needs fewer than 2.4 bits per character of its training text",
    second.loss[-500:].mean() / np.log(2),
    below=2.4,
)
lc.claim(
    "C09",
    "and after these seconds fewer than 2.6 of text that it has not seen",
    bits(model),
    below=2.6,
)

# %% [markdown]
# ## Your turn
#
# The argument `temperature` sharpens or flattens the probabilities before a character is drawn. Predict what happens at 0.2 and at 1.5. Then try it.

# %% tags=["solution"]
text = lc.tasks.Text()
model = lc.Model(lc.cells.rnn, text, hidden_size=128, rng=0)
_ = lc.fit(model, steps=300, length=40, optimizer=lc.optim.Adam(3e-3))

# %% tags=["exercise", "nbval-ignore-output"] why="sampled text differs between processors and versions of Python"
# solution:
for temperature in (0.2, 1.5):
    print(f"--- temperature {temperature}")
    print(model.sample("def ", length=200, temperature=temperature, rng=1))
# end

# %% [markdown] tags=["solution"]
# At 0.2 the model says only what it is surest of, and repeats itself. At 1.5 it takes chances, and misspells.

# %% [markdown]
# ## Where next
#
# You can now read a notebook of this course, your installation works, and you have trained a recurrent network that writes.
#
# The essay, section by section:
#
# - [01 Recurrent neural networks](01_recurrent_neural_networks.ipynb): what the loop is, and what its state is good for.
# - [02 Long-term dependencies](02_long_term_dependencies.ipynb): where this network fails, and why.
# - [03 LSTM networks](03_lstm_networks.ipynb): the picture that the course is about.
# - [04 The cell state](04_cell_state.ipynb) and [04b What an untrained LSTM remembers](04b_what_an_untrained_lstm_remembers.ipynb).
# - [05 The forget gate](05_forget_gate.ipynb), [06 The input gate](06_input_gate.ipynb), [07 The update](07_cell_update.ipynb), [08 The output gate](08_output_gate.ipynb): step by step, in a network that has learnt a language.
# - [09 The whole LSTM](09_the_whole_lstm.ipynb) and [09b What the LSTM is good for](09b_what_the_lstm_is_good_for.ipynb).
#
# Its variants, and what came after:
#
# - [10 Peephole connections](10_peephole_connections.ipynb), [11 Coupled gates](11_coupled_gates.ipynb), [12 The gated recurrent unit](12_gated_recurrent_unit.ipynb), [13 Gates between layers](13_depth_gated.ipynb), [14 The clockwork RNN](14_clockwork.ipynb).
# - [15 Which variant is best?](15_which_variant_is_best.ipynb), then what came next: [16 Attention](16_attention.ipynb), [17 Grid LSTM](17_grid_lstm.ipynb), [18 Networks that imagine](18_generative_rnns.ipynb).
# - [19 How long does a cell remember?](19_memory_span.ipynb), [20 A language model](20_language_model.ipynb), [21 Three uses](21_three_uses.ipynb), and [22 What holds](22_conclusion.ipynb): every statement of the essay, and its verdict.
# - An appendix, [14b One cell, three programs](14b_three_programs.ipynb): the programs that the course derives from the equations.
