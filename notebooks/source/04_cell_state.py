# %% [markdown]
# # The cell state
#
# An LSTM has a second state beside $h$: the cell state $C$, the line along the top of the diagram. The essay compares it with a conveyor belt: what lies on it travels on, unless somebody takes it off. This page is about that belt, and about the gates that guard it.
#
# After it you can
#
# - show that the belt carries numbers, and gradients, over 1,000 steps without any loss,
# - say what a gate is, what its values mean, and what it costs to have one wide open or shut,
# - say how long an LSTM remembers *before* it has learnt anything, and what that depends on.
#
# It takes about 35 minutes to read, and the exercises three quarters of an hour more. It follows the section *The Core Idea Behind LSTMs* of [the essay](https://colah.github.io/posts/2015-08-Understanding-LSTMs/).

# %% tags=["setup"]
import math

import numpy as np

import lstmcourse as lc
from lstmcourse import plots

lstm = lc.cells.lstm

# %% [markdown]
# ## The belt
#
# Here is all that ever happens to the cell state, as equation, as code and as a picture:

# %%
lstm.equations("c")

# %%
print(lstm.definition("c"))

# %%
lstm.diagram(focus="c")

# %% [markdown]
# From left to right: $C_{t-1}$ arrives, a row of numbers. Each number is multiplied by the one of $f_t$ that belongs to it ($\odot$ is the product number by number). Then $i_t \odot \tilde C_t$ is added. That is $C_t$, and it goes on to the next step.
#
# You know the letters from [notebook 03](03_lstm_networks.ipynb): the forget gate $f_t$ and the input gate $i_t$ hold numbers between 0 and 1, the candidate $\tilde C_t$ numbers between $-1$ and 1. All three are layers that read $x_t$ and $h_{t-1}$. What matters here: **only a product and a sum touch the belt.** There is no matrix on it, and no squashing.

# %% [markdown] tags=["exercise"] exercise="04.1"
# Write the belt of one unit as a loop. Given are its number at the start, `C`, and for each step a forget gate, an input gate and a candidate: arrays `f`, `i` and `g` (T,). Return the T numbers on the belt, one after each step.


# %% tags=["exercise"]
def belt_states(C, f, i, g):
    # solution:
    states = []
    for t in range(len(f)):
        C = f[t] * C + i[t] * g[t]
        states.append(C)
    return np.array(states)
    # end


lc.check("04.1", belt_states)

# %% [markdown]
# ## Nothing is lost
#
# What if nobody touches it? `override` gives the same cell with some of its equations held at a number. We hold the forget gate open, $f = 1$, and the input gate shut, $i = 0$:

# %%
untouched = lstm.override(f=1.0, i=0.0)
untouched.equations("f", "i", "c", "h")

# %% [markdown]
# Now 1,000 steps of random input, and eight numbers between $-2$ and 2 on the belt at the start. Predict: after 1,000 products and 1,000 sums, how far is $C$ from where it was? And does $h$ stand still too?
#
# (The eight sequences of this batch are the same, and have the same input. We shall need all eight in a moment.)

# %%
rng = np.random.default_rng(0)
x = np.repeat(rng.standard_normal((1000, 1, 3)), 8, axis=1)
params = lstm.init(input_size=3, hidden_size=8, rng=rng, dtype=np.float64)
C_0 = np.tile(np.linspace(-2, 2, 8), (8, 1))
run = lc.unroll(untouched, params, x, state={"c": C_0})

# %%
two = {"cell state $C_t$": run["c"][:100, 0, 7], "hidden state $h_t$": run["h"][:100, 0, 7]}
fig = plots.lines(two, np.arange(1, 101), xlabel="step t", ylabel="unit 8", ylim=(0, 2.3))
plots.show(fig, alt="Over 100 steps the cell state is a level line at 2; the hidden state moves up and down.")

# %% [markdown]
# The cell state is a level line. The hidden state moves, since $h_t = o_t \odot \tanh(C_t)$ and the output gate $o_t$ goes on answering to the input: what is *shown* changes, what is *stored* does not. Over all units and all 1,000 steps:

# %% claims=["C21"]
lc.claim("C21", "with f = 1 and i = 0, every C_t equals C_0, to the last bit", bool((run["c"] == C_0).all()))
# seeds 0 to 9: in the unit that moves least, 0.11 to 0.25
moved = np.ptp(run["h"][:, 0], axis=0)
lc.claim("C21", "meanwhile h moves in each of the eight units", moved, above=0.03)

# %% [markdown]
# Not *nearly* equal: equal. A number times 1, plus 0, is that number, also in floating point.
#
# ### The gradient
#
# [Notebook 02](02_long_term_dependencies.ipynb) found the trouble of plain networks: over a long distance the gradient is gone. So we ask for the gradient of the last cell state $C_T$ with respect to the first, $C_0$. That is a table of 8 × 8 numbers: how much does unit $k$ at the end change with unit $j$ at the start? Sequence $k$ of our batch asks about unit $k$, and together they give the whole table:

# %%
table = run.backward(final={"c": np.eye(8)})["c0"]
print(table[:3, :3])

# %% claims=["C21"]
lc.claim(
    "C21",
    "over 1,000 steps, dC_T/dC_0 is exactly 1 for each unit onto itself, and 0 onto the others",
    bool((table == np.eye(8)).all()),
)

# %% [markdown]
# Why is it exactly the identity? On the belt, each step back multiplies by $f = 1$. There could be a second way: $C_t$ is shown in $h_t$, which the layers of the next step read. But these layers lead nowhere now. Two of the gates are held, so they do not read $h$. The candidate reads it, and is multiplied by $i = 0$. The output gate reads it, and acts on $h$ only, never on $C$.
#
# Now the same question to a plain network with a $\tanh$ layer, with the same inputs. Predict the order of magnitude.

# %%
plain = lc.cells.rnn.init(input_size=3, hidden_size=8, rng=rng, dtype=np.float64)
left = {}
for steps in (10, 100, 1000):
    d_h0 = lc.unroll(lc.cells.rnn, plain, x[:steps]).backward(final={"h": np.eye(8)})["h0"]
    left[steps] = np.abs(d_h0).max()

# %% claims=["C21"]
# seeds 0 to 9: 0.007 to 0.12; 3e-22 to 8e-15; 5e-200 to 6e-159
lc.claim("C21", "in a plain tanh network, after 10 steps there is some gradient left", left[10], above=0.001)
lc.claim("C21", "after 100 steps next to nothing", left[100], below=1e-10)
lc.claim("C21", "after 1,000 steps there are a hundred zeros behind the point", left[1000], below=1e-100)

# %% [markdown]
# (What is measured is the largest of the 64 entries.) The belt still has 1.
#
# In notebook 02 a plain network lost far less: a thousandth was left after 80 steps. The difference is the input. A word there is a single 1 among many inputs, and hardly moves a unit. Here three numbers of size 1 drive $\tanh$ to where it is flat, and each step back multiplies by its slope. Make the same inputs smaller, and the same network keeps more:

# %%
for scale in (1.0, 0.3, 0.1):
    run = lc.unroll(lc.cells.rnn, plain, scale * x[:100])
    d_h0 = run.backward(final={"h": np.eye(8)})["h0"]
    slope = np.mean(1 - run["h"] ** 2)
    print(f"inputs times {scale}: mean slope {slope:.2f}, left {np.abs(d_h0).max():.0e}")

# %% [markdown]
# ### With the gates left to themselves
#
# We held both gates. Take a step towards freedom: hold the forget gate alone.

# %% [markdown] tags=["exercise"] exercise="04.2"
# With $f = 1$ held and everything else left to itself, as in `lstm.override(f=1.0)`: what becomes of the table $dC_T/dC_0$? `"it is the identity"`, `"it vanishes"`, `"it is the identity, if the inputs are small"`, `"it is a diagonal, but not the identity"`, or `"the belt's part is the identity, the whole is not"`?

# %% tags=["exercise"]
# solution: prediction
prediction = "the belt's part is the identity, the whole is not"
# end
lc.check("04.2", prediction)

# %% [markdown] tags=["solution"]
# $C$ shows in $h$, the layers read $h$, and what they write comes onto the belt. Only for *given* gates and candidates is $C_T$ a linear function of $C_0$: that is what the essay's *minor linear interactions* means.

# %% [markdown]
# Committed? Here is the corner of the table after 50 steps:

# %%
start = {"c": C_0}
half_free = lc.unroll(lstm.override(f=1.0), params, x[:50], state=start)
print(half_free.backward(final={"c": np.eye(8)})["c0"][:3, :3].round(2))

# %% [markdown]
# Not the identity. Each step back on the belt multiplies by $f_t$, which is 1 here, and which moves between 0 and 1 if left alone. And there is a second way: from the belt into $h$, through the matrices that read $h$ into gates and candidate, and back onto the belt.
#
# `lc.xray` tells the two apart. It gives $\partial C_T / \partial C_t$ for every step $t$ of a run, and its two parts: `belt`, which met no matrix, and `through`, which did. Each is computed by itself. So we can check that they add up, and that the belt's part is the product of the forget gates:


# %%
def look_through(cell, seed=0, **start):
    """An untrained network of 32 units along 60 steps, and the x-ray of it."""
    rng = np.random.default_rng(seed)
    params = cell.init(8, 32, rng, np.float64, **start)
    run = lc.unroll(cell, params, rng.standard_normal((60, 1, 8)))
    return run, lc.xray(run)


# %% claims=["C21"]
run, seen = look_through(lstm, forget_bias=1.0)
belt, through, whole = (part["c", "c"] for part in (seen.belt, seen.through, seen))
products = np.cumprod(run["f"][::-1, 0], axis=0)[::-1]
difference = np.abs(np.diagonal(belt, axis1=1, axis2=2)[:-1] - products).max()
lc.claim("C21", "along the belt, dC_T/dC_t is the product of f", difference, below=1e-12)
lc.claim("C21", "belt and matrices add up to the whole", np.abs(belt + through - whole).max(), below=1e-12)

# %% [markdown]
# How large are they, against the distance? We compare untrained LSTMs whose forget gates start with a bias $b_f$ of 1 and of 5 (a bias of 5 puts the gate near $\sigma(5) \approx 0.993$), and a plain $\tanh$ network with as many units and the same inputs. At the last step each has size 1.

# %%
parts = {}
for bias in (5, 1):
    sizes = look_through(lstm, forget_bias=float(bias))[1].sizes("c", "c")
    parts[f"$b_f$ = {bias}, all ways"] = sizes["total"][::-1]
    parts[f"$b_f$ = {bias}, belt alone"] = sizes["belt"][::-1]
plain_sizes = look_through(lc.cells.rnn)[1].sizes("h", "h")["total"][::-1]

# %%
series = parts | {"plain tanh network": plain_sizes}
texts = {"xlabel": "distance k from the end", "ylabel": "size of the gradient"}
pairs = {f"$b_f$ = {bias}, belt alone": f"$b_f$ = {bias}, all ways" for bias in (5, 1)}
fig = plots.lines(series, log="y", ylim=(1e-10, 1e3), like=pairs, **texts)
plots.show(
    fig,
    alt="At forget bias 5 the belt alone keeps more than half of the gradient over 60 steps, and "
    "all ways together let it grow. At bias 1 the belt alone loses it about as fast as the "
    "plain network; all ways together lose it more slowly.",
)

# %% claims=["C21"]
open_, usual = (parts[f"$b_f$ = {bias}, belt alone"][60] for bias in (5, 1))
statement = (
    "untrained, with forget gates nearly open (bias 5), the belt alone keeps more than half over 60 steps"
)
lc.claim("C21", statement, open_, above=0.5)
lc.claim("C21", "with a bias of 1 it keeps next to nothing", usual, below=1e-6, verdict="qualified")

# %% [markdown]
# **What to notice.** The belt carries everything, *if the gates let it*. The scale is logarithmic. At a bias of 1, the usual start, an untrained LSTM's belt loses the gradient about as fast as the plain network does. The way through $h$ helps there: all ways together keep a good deal more than the belt alone. At a bias of 5 the belt loses little, and the way through $h$ lets the gradient even grow. This fits notebook 03, where a gap of 40 was learnt with a bias of 5 and not with 1. So the belt is an offer. Whether it is taken up is for the gates to say.

# %% [markdown]
# ## Feel it
#
# One number on the belt, over eight steps. You set where it starts ($C_0$), where the two gates stand, and what the candidate proposes at steps 2 and 5 ($\tilde C_2$ and $\tilde C_5$); at the other steps it proposes 0. Predict before you move:
#
# - $f = 1$ and $i = 0$: what happens to $C$ when you move the candidates?
# - $C_0 = 1$, $f = 0.5$ and $i = 0$: what is left at step 8?
# - $f = 1$ and $i = 1$: how large can you make $C$?
# - $C_0 = 0$, $f = 0.9$ and $i = 1$: you write 1 at step 2, or 1 at step 5. How much more is left of the later one?

# %%
lc.widgets.belt_panel()


# %%
def belt(C, f, i, candidates):
    """The number on the belt after eight steps."""
    for step in range(1, 9):
        C = f * C + i * candidates.get(step, 0.0)
    return round(C, 3)


print(belt(1, 1, 0, {2: 1, 5: 1}), belt(1, 0.5, 0, {}), belt(1, 1, 1, {2: 1, 5: 1}))
print(belt(0, 0.9, 1, {2: 1}), belt(0, 0.9, 1, {5: 1}))

# %% [markdown]
# Nothing happens: with $i = 0$ no candidate reaches the belt. Halved eight times, 0.004 is left. With both gates open candidates add up, here to 3, and $C$ leaves the range from $-1$ to 1. And of the two writings the earlier has lost three steps more: 0.531 against 0.729.
#
# In the cell, gates are not set by hand: they answer to $x$ and $h$. Here is all of it, with one unit and a number on every line; below, the same through time. Mark a span of a row to hold a gate there. Predict:
#
# - The forget gate is held at 1 from step 4 on, and the input gate at 0. What does the second pulse do to $C$, and to $h$?
# - Nothing is held. Which weights and biases make the cell hold its first input over 50 steps? (It is the first of the *challenges* at the bottom, which tell whether you have them.)

# %%
lc.lab(lstm)

# %% [markdown]
# $C$ stays, and $h$ moves with the output gate, which still sees the pulse. To hold a value, the forget gate has to be open whatever comes: a large bias $b_f$, and no weights that could shut it. And nothing may be written where nothing comes: no bias $b_g$, and no $U_g$, which would write what is shown. With $b_f = 9$, $W_g = 0.5$ and all other weights and biases at 0 the worst error is 0.02.

# %% [markdown]
# ## What a gate is
#
# Gates are the way to let something onto the belt or take something off. A gate is made of two things: a **layer with $\sigma$**, whose result is one number between 0 and 1 for each number on the belt, and a **product**, number by number. By hand, for one step with the input gate shut:

# %% claims=["C22"]
x_1, h_0, c_0 = (rng.standard_normal((1, size)) for size in (3, 8, 8))
layer = 1 / (1 + np.exp(-(h_0 @ params["U_f"] + x_1 @ params["W_f"] + params["b_f"])))
let_through = layer * c_0
step = lstm.override(i=0.0).step(params, x_1, {"h": h_0, "c": c_0})
difference = np.abs(step["c"] - let_through).max()
lc.claim("C22", "a layer with σ, then a product: that is what the cell does", difference, below=1e-12)

# %% [markdown]
# The number says how much is let through. Here four numbers come to a gate that stands at 0, at 1, and in between:

# %% claims=["C23"]
arriving = np.array([2.0, -3.0, 0.5, 4.0])
gate = np.array([0.0, 1.0, 0.5, 0.9])
print(gate * arriving)

# %% [markdown]
# 0 lets nothing through, 1 lets everything through, 0.5 one half. A gate knows no sign: it can make a number smaller, but never turn it round.

# %% [markdown]
# ### Wide open, and shut
#
# In exact arithmetic $\sigma(a) = 1/(1+e^{-a})$ never reaches 0 or 1: the interval is open. On a computer it does reach them, since numbers are rounded; our engine's $\sigma$ does so on both sides. To see where, take one step of an LSTM without weights, one unit for each bias below, so that each forget gate stands at $\sigma$ of its bias. We also ask for the gate's **slope**, the gradient of $f$ with respect to the number $a$ that $\sigma$ is applied to. It tells how far the gate moves when its weights and its bias do.

# %% tags=["setup"]
biases = np.array([-40.0, -20.0, -5.0, 0.0, 1.0, 2.0, 5.0, 20.0, 40.0])


def gates(biases, dtype=np.float64):
    """Forget gates at these biases, and their slopes, as the course's own engine computes them."""
    params = {name: np.zeros(shape, dtype) for name, shape in lstm.parameter_shapes(1, len(biases)).items()}
    params["b_f"][:] = biases
    ones = np.ones((1, len(biases)), dtype)
    run = lc.unroll(lstm, params, np.zeros((1, 1, 1), dtype), state={"c": ones})
    return run["f"][0, 0], run.backward(final={"c": ones})["b_f"]


# %%
f64, slope64 = gates(biases)
f32, slope32 = gates(biases, np.float32)
print("bias a        f     1 - f     slope   slope in float32")
for row in zip(biases, f64, 1 - f64, slope64, slope32, strict=True):
    print("{:6.0f}   {:6.4f}   {:7.1e}   {:7.1e}   {:7.1e}".format(*row))

# %%
a = np.linspace(-12, 12, 241)
sigma, slope = gates(a)
fig, axes = plots.figure(8.4, 3.1, columns=2)
plots.lines(sigma, a, xlabel="a", title="σ(a)", ax=axes[0])
plots.lines(slope, a, xlabel="a", title="its slope σ(a) (1 − σ(a))", log="y", ax=axes[1])
plots.show(
    fig,
    alt="The gate goes from 0 to 1 in an S. Its slope, on a logarithmic scale, is greatest in the "
    "middle and falls along straight lines to both sides.",
)

# %% claims=["C23"]
slopes = dict(zip(biases, slope64, strict=True))
lc.claim("C23", "half open, the gate has a slope of 1/4", abs(slopes[0] - 0.25), below=1e-12)
lc.claim("C23", "with a bias of 5 it has less than a hundredth", slopes[5], below=0.01)
single = f32[7] == 1 and slope32[7] == 0 and f64[7] < 1
double = f64[8] == 1 and slope64[8] == 0
lc.claim("C23", "in float32 it is exactly 1 at 20, in float64 at 40, with slope 0", bool(single and double))

# %% [markdown]
# **What to notice.** The slope is $f(1 - f)$. It is greatest where the gate is undecided, and falls off as an exponential to both sides: on the logarithmic scale, a straight line. When $1 - f$ has become too small for the computer beside 1 (from $a \approx 17$ in float32, $a \approx 37$ in float64), the gate stands at exactly 1, and no gradient comes through at all.
#
# What does that mean for learning? Let a gate start at some bias, and let the task be to forget: the belt holds 1 and should hold 0, so the loss is $\frac{1}{2} f^2$. Its gradient is $f$ times the slope. We count steps of gradient descent, with a learning rate of 1, until the gate lets less than a tenth through:


# %% tags=["setup"]
def steps_to_forget(bias):
    """Steps of gradient descent from this bias until the gate is below 0.1."""
    for steps in range(100_000):
        f = 1 / (1 + math.exp(-bias))
        if f < 0.1:
            return steps
        bias -= f * f * (1 - f)
    return None


# %%
print({bias: steps_to_forget(bias) for bias in (0, 1, 2, 5, 10)})

# %% [markdown]
# From a bias of 5 it takes three times as long as from 1, and from 10 more than 20,000 steps. A gate that is wide open keeps well, and *learns slowly to do otherwise*. The curve of slopes is the same on both sides, so it holds as well for a gate that is shut and should open.

# %% [markdown]
# ## Three of them, to protect and control
#
# An LSTM has three gates:

# %% claims=["C24"]
lstm.equations("f", "i", "o")

# %% [markdown]
# Two of them stand on the belt, $f$ where the product is and $i$ before the sum. The third, $o$, stands where the belt is read: $h_t = o_t \odot \tanh(C_t)$.
#
# What is there to protect? Take a network of eight units with random weights, and let its first unit hold a value, 0.8. Then come 100 steps of random input that has nothing to do with it. `hold` fixes gates of the first unit; the other seven units do as they like.


# %% tags=["setup"]
def hold(params, **gates):
    """The same weights, but for the first unit's gates: these stand at the given values."""
    held = {name: p.copy() for name, p in params.items()}
    for gate, value in gates.items():
        for name in (f"W_{gate}", f"U_{gate}"):
            held[name][:, 0] = 0.0
        # far enough for σ to be rounded to exactly 0 and 1
        held[f"b_{gate}"][0] = {0: -200.0, 1: 200.0}.get(value) or math.log(value / (1 - value))
    return held


# %% tags=["setup"]
def stored(value, seed, **gates):
    """A run of 100 random steps in 64 sequences, with a value in the first unit at the start."""
    rng = np.random.default_rng(seed)
    params = hold(lstm.init(3, 8, rng, np.float64), **gates)
    C_0 = np.zeros((64, 8))
    C_0[:, 0] = value
    return lc.unroll(lstm, params, rng.standard_normal((100, 64, 3)), state={"c": C_0})


# %% [markdown]
# Predict how far the first unit will be from 0.8 after 100 steps (a) with $f = 1$ and $i = 0$, (b) with $f = 1$ and $i = 1$, (c) with $f = 0.9$ and $i = 0$.

# %%
cases = {"f = 1, i = 0": (1, 0), "f = 1, i = 1": (1, 1), "f = 0.9, i = 0": (0.9, 0)}
errors = {
    name: [np.abs(stored(0.8, seed, f=f, i=i)["c"][-1, :, 0] - 0.8) for seed in range(5)]
    for name, (f, i) in cases.items()
}
one = {name: error[0] for name, error in errors.items()}

# %%
fig = plots.bars(
    {name: np.median(error) for name, error in one.items()},
    ranges={name: tuple(np.quantile(error, [0.25, 0.75])) for name, error in one.items()},
    reference={"the value, 0.8": 0.8},
    ylabel="error after 100 steps",
    note="bars: median of 64 sequences, lines: the middle half",
)
plots.show(
    fig,
    alt="With forget gate open and input gate shut there is no error. With the input gate open it "
    "is several times the value itself. With a forget gate of 0.9 it is as large as the "
    "value.",
)

# %% [markdown]
# The bars are medians over 64 sequences in one network, the lines reach over the middle half of them. Without an error there is no bar. With the input gate open, 100 candidates have been added, and they bury the 0.8. With a forget gate of 0.9 the value has become $0.9^{100} \cdot 0.8$, about 0.00002, and the error is the value itself.

# %% claims=["C24"]
_, buried, decayed = ([np.median(error) for error in errors[name]] for name in cases)
never_off = bool(max(error.max() for error in errors["f = 1, i = 0"]) == 0)
lc.claim("C24", "forget gate open and input gate shut: the value is kept, to the last bit", never_off)
# seeds 0 to 9, medians: 0.77 to 33
lc.claim("C24", "input gate open: the error is at least half of the value", buried, above=0.4)
lc.claim("C24", "forget gate at 0.9: less than a thousandth of the value is left", decayed, above=0.7992)

# %% [markdown]
# So forget and input gate protect the belt from the rest of the network. The output gate works the other way: it protects *the others from what is stored*. Store $0.8$ in the first unit, then $-0.8$, with the same inputs, and compare the other seven units. Do they feel the difference?

# %% claims=["C24"]
felt = {}
for o in (0, 1):
    pairs = [(stored(0.8, s, f=1, i=0, o=o), stored(-0.8, s, f=1, i=0, o=o)) for s in range(5)]
    felt[o] = [np.abs(up["c"] - down["c"])[..., 1:].max() for up, down in pairs]
lc.claim("C24", "output gate shut: the others are the same, to the last bit", bool(max(felt[0]) == 0))
# seeds 0 to 9: 2.4 to 3.7
lc.claim("C24", "output gate open: cell states of the others differ", felt[1], above=0.5)

# %% [markdown]
# With $o = 0$ the value is on the belt, kept for later, and nobody is troubled by it. With $o = 1$ it shows in $h$, all layers of all units read it, and their states go other ways. That is what the essay means by *protect and control*.

# %% [markdown]
# ## Is it the default?
#
# Remembering for long, the essay says, is practically the default behaviour of LSTMs. You have seen what it takes: a forget gate near 1. Does an LSTM start out so, before it has learnt anything?
#
# A first answer needs no network. Without weights the forget gate stands at $f = \sigma(b_f)$ at every step, and after $k$ steps $f^k$ is left of what was written. The **half-life** is the $k$ at which half is left: $\ln 0.5 / \ln \sigma(b_f)$.
#
# Then the measurement. Take untrained LSTMs of 32 units with random input. Write a pulse of 1 into one unit of $C_0$, run, and run again without the pulse. The difference of the two runs, in that unit, is what is left. Beside it, what the belt alone keeps: the product of $f$.


# %% tags=["setup"]
def survival(bias, seed, input_bias=0.0, steps=128):
    """What is left of a pulse, median over 64: on the belt, as difference of runs; and the size of C."""
    rng = np.random.default_rng(seed)
    params = lstm.init(8, 32, rng, np.float64, forget_bias=bias)
    params["b_i"][:] = input_bias
    x = rng.standard_normal((steps, 2, 8))  # two inputs, each for 32 pulses: one in each unit
    pulse = np.tile(np.eye(32), (2, 1))
    without = lc.unroll(lstm, params, x, grad=False)
    with_it = lc.unroll(lstm, params, np.repeat(x, 32, axis=1), state={"c": pulse}, grad=False)
    belt = np.cumprod(without["f"], axis=0).reshape(steps, 64)
    difference = np.abs(with_it["c"] - np.repeat(without["c"], 32, axis=1))[:, pulse == 1]
    both = [np.append(1.0, np.median(left, axis=1)) for left in (belt, difference)]
    return *both, np.sqrt(np.mean(without["c"][99] ** 2))


# %% tags=["setup"]
def half_life(left):
    """The step at which half is left, read between the steps."""
    return np.interp(math.log(2), -np.log(left), np.arange(len(left)))


# %%
measured = {bias: [survival(bias, seed) for seed in range(5)] for bias in (0, 1, 2, 5)}
print("bias   σ(bias)   half-life by formula   measured on the belt, five networks")
for bias, runs in measured.items():
    sigma = 1 / (1 + math.exp(-bias))
    lives = [half_life(belt) for belt, _, _ in runs]
    formula = math.log(0.5) / math.log(sigma)
    print(f"{bias:4}   {sigma:7.3f}   {formula:20.1f}   {min(lives):.1f} to {max(lives):.1f}")

# %% [markdown]
# From one step to a hundred, by the choice of one number. The formula, which ignores all weights, comes close. From bias 1 on it promises somewhat too much: a gate that sways to both sides loses more than one that stands still at the middle. Now both measurements, step by step:

# %%
fig, axes = plots.figure(9, 3.6, columns=2, sharey=True)
for k, title in enumerate(("on the belt: the product of f", "in that unit: the difference of two runs")):
    series = {f"$b_f$ = {bias}": np.transpose([run[k] for run in runs]) for bias, runs in measured.items()}
    texts = {"title": title, "xlabel": "steps since the pulse", "ylabel": "" if k else "left of the pulse"}
    plots.over_seeds(np.arange(129), series, log="y", ylim=(1e-4, 10), ax=axes[k], **texts)
plots.show(
    fig,
    alt="On a logarithmic scale, what the belt keeps falls along straight lines, steeply at bias "
    "0 and hardly at bias 5. The differences of two runs follow the belt at first; then they "
    "leave it: at bias 2 they level off, at bias 5 they rise.",
)

# %% [markdown]
# **What to notice.** Left, the straight lines of $f^k$. Right, the same at first; then the curves leave their lines. The pulse shows in $h$, this changes the gates and candidates of all units, and so what they write. This echo comes on top of the value that was stored. At bias 5 it outgrows it.

# %% claims=["C17"]
lives = {bias: [half_life(belt) for belt, _, _ in runs] for bias, runs in measured.items()}
# seeds 0 to 9: 0.9 to 1.1; 2.0 to 2.2; 76 to 86
lc.claim("C17", "bias 0: half is gone after about a step", lives[0], between=(0.7, 1.4), verdict="qualified")
lc.claim("C17", "bias 1, the usual start: after about two", lives[1], between=(1.6, 2.8), verdict="qualified")
statement = "bias 5: an untrained LSTM's belt keeps half of it over more than 50 steps"
lc.claim("C17", statement, lives[5], above=50, verdict="qualified")

# %% [markdown]
# ### Kept, but can it be found again?
#
# There is a catch. Half of the pulse may be left after 80 steps, but what else lies on the belt by then? The input gates of an untrained LSTM stand half open, and write at every step. For comparison we start them nearly shut, with a bias $b_i = -5$. How large is the cell state, without any pulse, after 100 steps? We take the root mean square over all units.

# %%
quiet = [survival(5, seed, input_bias=-5.0) for seed in range(5)]
for input_bias, runs in ((0, measured[5]), (-5, quiet)):
    print(f"b_i = {input_bias:2}: typical size of C {np.median([size for _, _, size in runs]):.2f}")

# %% claims=["C17"]
# seeds 0 to 9: 7.6 to 9.8
noise = [size for _, _, size in measured[5]]
statement = "b_f = 5, b_i = 0: after 100 steps the cell state is several times as large as the pulse was"
lc.claim("C17", statement, noise, above=4, verdict="qualified")
# seeds 0 to 9: 0.05 to 0.09
still = [size for _, _, size in quiet]
lc.claim("C17", "b_f = 5, b_i = -5: it is much smaller", still, below=0.2, verdict="qualified")
# seeds 0 to 9: 0.01 to 0.03
echo = [np.abs(difference / belt - 1)[:101].max() for belt, difference, _ in quiet]
statement = "and for 100 steps the two runs differ by what the belt keeps of the pulse, to within a tenth"
lc.claim("C17", statement, echo, below=0.1, verdict="qualified")

# %% [markdown]
# So the essay's sentence needs a qualification. Remembering is the default *if the gates start so that it is*: the forget gate open, or else half of everything is gone after a step or two; and the input gate nearly shut, or else what was stored is buried under what came later. The sentence fits best the first LSTM, of [Hochreiter & Schmidhuber (1997)](https://doi.org/10.1162/neco.1997.9.8.1735): it had no forget gate, so its belt kept everything by construction. And nothing is free: gates that start far open or far shut have little slope, and are slow to learn anything else. Whether remembering is *a struggle to learn* is the second half of the sentence; [notebook 05](05_forget_gate.ipynb) trains a network and sees.

# %% [markdown]
# ## What to remember
#
# - Only a product and a sum touch the belt. With $f = 1$ and $i = 0$ it carries numbers and gradients over any distance, exactly.
# - A gate is a layer with $\sigma$ and a product. 0 lets nothing through, 1 everything; near either end it has hardly any slope, and learns slowly.
# - Forget and input gate protect what is stored, the output gate protects the others from it. How long an untrained LSTM remembers is decided by where its gates start.
#
# ## Three questions to check yourself
#
# 1. The input gate is shut, the forget gate stands at 0.98. After how many steps is half of the value left?
# 2. With $f = 1$ and $i = 0$, how can $dC_T/dC_0$ be exactly 1 although $C$ shows in $h$, and $h$ is read by all layers?
# 3. A gate stands at 0.9999. How large is its slope, compared with that of a gate at 0.5?
#
# *Answers:* 1. $\ln 0.5 / \ln 0.98 \approx 34$. 2. What reads $h$ has no way back onto the belt: the held gates do not read it, the candidate is multiplied by 0, and the output gate acts on $h$ only. 3. $0.9999 \cdot 0.0001 \approx 0.0001$ against 0.25: 2,500 times smaller.
#
# ## Your turn

# %% [markdown] tags=["exercise"] exercise="04.3"
# Given are the forget gates of one unit, `f` (T,), $f_1$ to $f_T$. Along the belt alone, what is the derivative of $C_T$ with respect to $C_0$, to $C_1$, and so on to $C_T$? Return these T + 1 numbers, in this order.


# %% tags=["exercise"]
def left(f):
    # solution:
    ahead = np.cumprod(f[::-1])[::-1]
    return np.append(ahead, 1.0)
    # end


lc.check("04.3", left)

# %% [markdown] tags=["solution"]
# $dC_T/dC_t = f_{t+1} f_{t+2} \cdots f_T$, and 1 for $t = T$, where no gate is ahead. It is also what is left at the end of what was written in step $t$, since $dC_t/d(i_t \tilde C_t) = 1$.

# %% [markdown] tags=["exercise"] exercise="04.4"
# A gate that is wide open learns slowly. Put that into a formula: a forget gate stands where after `steps` steps one half of a value is left. How large is its slope there, the derivative of $\sigma$?


# %% tags=["exercise"]
def slope_of(steps):
    # solution:
    f = 0.5 ** (1 / steps)
    return f * (1 - f)
    # end


lc.check("04.4", slope_of)

# %% [markdown] tags=["solution"]
# From $f^k = 1/2$ follows $f = 2^{-1/k}$, and the slope is $f(1 - f)$. For long half-lives $1 - f \approx \ln 2 / k$, so the slope falls as $0.69/k$: ten times the memory costs a tenth of the slope.

# %% [markdown] tags=["exercise"] exercise="04.5"
# Somebody wrote this loop. It returns what an LSTM shows, the T rows of $h$, when gates and candidates `f`, `i`, `g`, `o` (T, H) and the first cell state `C` (H,) are given. It runs, and the network that was built with it even trained, to a loss that was a little too high. Mend it.


# %% tags=["exercise"]
def shown(f, i, g, o, C):
    # solution:
    h = []
    for t in range(len(f)):
        C = f[t] * C + i[t] * g[t]
        h.append(o[t] * np.tanh(C))
    return np.array(h)
    # given:
    # h = []
    # for t in range(len(f)):
    #     new = f[t] * C + i[t] * g[t]
    #     h.append(o[t] * np.tanh(C))
    #     C = new
    # return np.array(h)
    # end


lc.check("04.5", shown)

# %% [markdown] tags=["solution"]
# Two names for one quantity, and the older was shown. With a single name there is nothing to confuse: after its line, `C` is the new cell state.

# %% [markdown] tags=["exercise"] exercise="04.6"
# Design the start of an LSTM of 32 units. Its weights are drawn at random as usual, and you choose the biases of forget and input gate, `{"b_f": ..., "b_i": ...}`. Before it has learnt anything,
#
# - the belt is to keep more than a half over 100 steps of random input (the median over all units, in each of three networks),
# - the cell state, started at 0, is to stay small: after 100 steps a root mean square below 0.2,
# - both gates are still to learn: without weights, slopes of at least 0.001.

# %% tags=["exercise"]
# solution: start_biases
start_biases = {"b_f": 6.0, "b_i": -5.0}
# end
lc.check("04.6", start_biases)

# %% [markdown] tags=["solution"]
# By the formula a half-life of 100 takes a bias of 5.0. With weights the gate sways around its bias, and what it loses on one side is more than what it gains on the other, since it cannot be more open than 1: so it takes somewhat more. From about 6.9 on the slope $f(1 - f)$ falls below 0.001. In between there is room, for both gates. The belt is then as good a start as the network of notebook 03 that learnt a gap of 40, and quieter.

# %% [markdown] tags=["exercise"]
# To keep: what is left of a pulse in *your* untrained LSTM, on the belt and as the difference of two runs, beside that of the usual start.

# %% tags=["exercise"]
yours = {"b_f": 1.0, "b_i": 0.0} if start_biases is ... else start_biases
pairs = {"usual start": (1.0, 0.0), "your start": (yours["b_f"], yours["b_i"])}
for name, (b_f, b_i) in pairs.items():
    on_belt, difference, size = survival(b_f, seed=0, input_bias=b_i)
    print(f"{name}, after 100 steps: {on_belt[100]:.2f} on the belt, ", end="")
    print(f"difference {difference[100]:.2f}, size of C {size:.2f}")

# %% [markdown]
# ## What you can do now
#
# You can say what the belt keeps and why, read a gate's value and its slope, and judge what an LSTM will remember before it is trained. Next, the gates one by one, in a network that has learnt a language. First [the forget gate](05_forget_gate.ipynb).
