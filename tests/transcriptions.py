"""The papers' equations once more, away from the engine: PyTorch steps through them, autograd differentiates.

A cell is a text of equations as its paper prints them: columns, one sequence, one step. A matrix stands on
the left of what it multiplies, so it is the transpose of ours. ``h_`` is h of the step before. Variants
replace a line, or a term. Which parameters and states there are, and their shapes, is read off the text.
PyTorch is imported only when something is computed.
"""

import re

import numpy as np

RNN = "h = tanh(W_h @ x + U_h @ h_ + b_h)"

LSTM_1997 = """
i = sigmoid(W_i @ x + U_i @ h_ + b_i)
o = sigmoid(W_o @ x + U_o @ h_ + b_o)
g = 2 * tanh((W_g @ x + U_g @ h_ + b_g) / 2)
c = c_ + i * g
h = o * tanh(c / 2)
"""

LSTM = """
f = sigmoid(W_f @ x + U_f @ h_ + b_f)
i = sigmoid(W_i @ x + U_i @ h_ + b_i)
g = tanh(W_g @ x + U_g @ h_ + b_g)
c = f * c_ + i * g
o = sigmoid(W_o @ x + U_o @ h_ + b_o)
h = o * tanh(c)
"""

VANILLA = """
g = tanh(W_g @ x + U_g @ h_ + b_g)
i = sigmoid(W_i @ x + U_i @ h_ + p_i * c_ + b_i)
f = sigmoid(W_f @ x + U_f @ h_ + p_f * c_ + b_f)
c = i * g + f * c_
o = sigmoid(W_o @ x + U_o @ h_ + p_o * c + b_o)
h = o * tanh(c)
"""

GRU = """
r = sigmoid(W_r @ x + U_r @ h_ + b_r)
z = sigmoid(W_z @ x + U_z @ h_ + b_z)
g = tanh(W_g @ x + U_g @ (r * h_) + b_g)
h = z * h_ + (1 - z) * g
"""

MUT1 = """
z = sigmoid(W_z @ x + b_z)
r = sigmoid(W_r @ x + U_r @ h_ + b_r)
h = tanh(U_g @ (r * h_) + tanh(P @ x) + b_g) * z + h_ * (1 - z)
"""

MUT2 = """
z = sigmoid(W_z @ x + U_z @ h_ + b_z)
r = sigmoid(P @ x + U_r @ h_ + b_r)
h = tanh(U_g @ (r * h_) + W_g @ x + b_g) * z + h_ * (1 - z)
"""

MUT3 = """
z = sigmoid(W_z @ x + U_z @ tanh(h_) + b_z)
r = sigmoid(W_r @ x + U_r @ h_ + b_r)
h = tanh(U_g @ (r * h_) + W_g @ x + b_g) * z + h_ * (1 - z)
"""

# Block row i of the paper's matrix holds module i itself and the modules of longer periods; others are zero.
CLOCKWORK = """
rows = []
for here, T_here in modules:
    net = W_h[here] @ x + b_h[here]
    for there, T_there in modules:
        if here == there or T_there > T_here:
            net = net + U_h[here, there] @ h_[there]
    rows.append(tanh(net) if t % T_here == 0 else h_[here])
h = cat(rows)
"""

MIN_GRU = """
z = sigmoid(W_z @ x + b_z)
g = W_g @ x + b_g
h = (1 - z) * h_ + z * g
"""

MIN_LSTM = """
f = sigmoid(W_f @ x + b_f)
i = sigmoid(W_i @ x + b_i)
h = f / (f + i) * h_ + i / (f + i) * (W_g @ x + b_g)
"""

SLSTM = """
z = tanh(W_z @ x + U_z @ h_ + b_z)
o = sigmoid(W_o @ x + U_o @ h_ + b_o)
log_f = logsigmoid(W_f @ x + U_f @ h_ + b_f)
log_i = W_i @ x + U_i @ h_ + b_i
m = where(n_ > 0, maximum(log_f + m_, log_i), log_i)
c = exp(log_f + m_ - m) * c_ + exp(log_i - m) * z
n = exp(log_f + m_ - m) * n_ + exp(log_i - m)
h = o * c / n
"""

MLSTM = """
q = W_q @ x + b_q
k = (W_k @ x + b_k) / sqrt(H)
v = W_v @ x + b_v
o = sigmoid(W_o @ x + b_o)
log_f = logsigmoid(W_f @ x + b_f)
log_i = W_i @ x + b_i
m = maximum(log_f + m_, log_i)
c = exp(log_f + m_ - m) * c_ + exp(log_i - m) * outer(v, k)
n = exp(log_f + m_ - m) * n_ + exp(log_i - m) * k
h = o * (c @ q) / maximum(abs(n @ q), exp(-m))
"""


def lines(text, **new):
    """Replace whole equations, by the name that they give a value."""
    for name, right in new.items():
        text, count = re.subn(rf"^{name} = .*$", f"{name} = {right}", text, flags=re.MULTILINE)
        assert count == 1, f"{name}: {count} lines"
    return text


def terms(text, old, new):
    """Replace a term wherever it stands, and it does stand somewhere."""
    assert old in text, old
    return text.replace(old, new)


def peepholes(text, gates):
    """Keep the peepholes of these gates."""
    for k in "fio":
        if k not in gates:
            text = re.sub(rf" \+ p_{k} \* c_?", "", text)
    return text


def full(text):
    """Peepholes that are matrices."""
    return re.sub(r"p_(\w) \*", r"V_\1 @", text)


def gate_recurrence(text):
    """Each gate also sees all gates of the step before; R_if leads from i into f."""
    for k in "fio":
        text = terms(text, f" + b_{k})", f" + b_{k} + R_i{k} @ i_ + R_f{k} @ f_ + R_o{k} @ o_)")
    return text


def deep(layers):
    """Vanilla LSTMs on top of each other; a depth gate d lets the cell state below into the one above."""
    above = lines(VANILLA, c="d * below + f * c_ + i * g")
    above = "d = sigmoid(W_d @ x + p_d * c_ + p_l * below + b_d)" + above

    def layer(text, k):
        return re.sub(r"\b([WUbp]_[a-z]|[a-z])(_?)\b", rf"\g<1>{k}\2", text)

    found = "x0 = x\n" + layer(VANILLA, 0)
    for k in range(1, layers):
        found += f"x{k} = h{k - 1}\n" + terms(layer(above, k), "below", f"c{k - 1}")
    return found + f"h = h{layers - 1}\n"


NOT_PEEPING = peepholes(VANILLA, "")

EQUATIONS = {
    "rnn": RNN,
    "rnn_relu": terms(RNN, "tanh", "relu"),
    "lstm": LSTM,
    "lstm_1997": LSTM_1997,
    "peephole": VANILLA,
    "peephole_full": full(VANILLA),
    "coupled": lines(LSTM, i="1 - f"),
    "gru": lines(GRU, h="(1 - z) * h_ + z * g"),
    "gru_cho": GRU,
    "gru_reset_after": lines(GRU, g="tanh(W_g @ x + b_g + r * (U_g @ h_ + b_hg))"),
    "greff_v": VANILLA,
    "greff_nig": lines(VANILLA, i="1"),
    "greff_nfg": lines(VANILLA, f="1"),
    "greff_nog": lines(VANILLA, o="1"),
    "greff_niaf": lines(VANILLA, g="W_g @ x + U_g @ h_ + b_g"),
    "greff_noaf": lines(VANILLA, h="o * c"),
    "greff_cifg": lines(VANILLA, f="1 - i"),
    "greff_np": NOT_PEEPING,
    "greff_fgr": gate_recurrence(VANILLA),
    "mut1": MUT1,
    "mut2": MUT2,
    "mut3": MUT3,
    "lstm_f": lines(LSTM, f="1"),
    "lstm_i": lines(LSTM, i="1"),
    "lstm_o": lines(LSTM, o="1"),
    "lstm_b": LSTM,
    "depth_gated": deep(2),
    "clockwork": CLOCKWORK,
    "min_gru": MIN_GRU,
    "min_lstm": MIN_LSTM,
    "slstm": SLSTM,
    "mlstm": MLSTM,
}

_PARAMETER = re.compile(r"\b(P|[WUVRbp]_[a-z]{1,2}\d?)\b")
_STATE = re.compile(r"\b([a-z]\d?)_\b")


def ours(name):
    """What the engine calls it: a layer's number stands first."""
    return f"{name[-1]}.{name[:-1]}" if name[-1].isdigit() else name


def states(text):
    """Names of the states, as the equations call them."""
    found = set(_STATE.findall(text))
    return sorted(found if found & {"h", "h0"} else found | {"h"})  # mLSTM does not read its h


def state_shape(text, name, H):
    """The shape of a state beside the batch: mLSTM has a matrix and a number."""
    return {"c": (H, H), "m": (1,)}.get(name, (H,)) if "outer" in text else (H,)


def parameter_shapes(text, D, H):
    """Shape of every parameter, by our names, in the engine's orientation (rows)."""
    found = {}
    for name in sorted(set(_PARAMETER.findall(text))):
        rows = D if name[0] in "WP" and not (name[-1].isdigit() and name[-1] != "0") else H
        columns = 1 if "outer" in text and name[-1] in "fi" else H
        found[ours(name)] = (columns,) if name[0] in "bp" else (rows, columns)
    return found


def draw(text, seed, T=5, B=2, D=3, H=4):
    """Draw inputs, initial states, parameters and outer gradients: a dict of float64 arrays."""
    rng = np.random.default_rng(seed)
    a = {"x": rng.standard_normal((T, B, D))}
    for s in states(text):
        shape = state_shape(text, s, H)
        start = rng.standard_normal((B, *shape))
        positive = s == "n" and "outer" not in text  # sLSTM's normaliser
        a[f"{ours(s)}0"] = np.exp(start) if positive else start
        a[f"given.{ours(s)}"] = rng.standard_normal((T, B, *shape))
        a[f"given_last.{ours(s)}"] = rng.standard_normal((B, *shape))
    for name, shape in parameter_shapes(text, D, H).items():
        a[name] = 0.6 * rng.standard_normal(shape)
    return a


def differentiate(text, a, lengths=None, **known):
    """Values of all states at every step, and all gradients, by PyTorch from the equations.

    `known` is what equations read beside parameters and states, such as the modules of a clockwork.
    """
    import torch

    torch.set_num_threads(1)
    leaves = {k: torch.tensor(v, requires_grad="given" not in k) for k, v in a.items()}
    T, B, _ = a["x"].shape
    program = compile(text.strip(), "equations", "exec")
    every = {n: getattr(torch, n) for n in "sigmoid tanh relu where maximum exp outer cat abs".split()}
    every |= {"logsigmoid": torch.nn.functional.logsigmoid, "blocks": blocks, "sqrt": np.sqrt}
    every |= {
        n: leaves[ours(n)].T if a[ours(n)].ndim == 2 else leaves[ours(n)] for n in _PARAMETER.findall(text)
    }
    every["H"] = a[f"given.{ours(states(text)[0])}"].shape[-1]
    history = {s: [[None] * B for _ in range(T)] for s in states(text)}
    for b in range(B):
        now = {s: leaves[f"{ours(s)}0"][b] for s in states(text)}
        for t in range(T):
            if lengths is None or t < lengths[b]:
                space = (
                    every | {f"{s}_": v for s, v in now.items()} | {"x": leaves["x"][t, b], "t": t} | known
                )
                exec(program, space)
                now = {s: space[s] for s in now}
            for s, v in now.items():
                history[s][t][b] = v
    values = {s: torch.stack([torch.stack(row) for row in rows]) for s, rows in history.items()}
    loss = sum(
        (v * leaves[f"given.{ours(s)}"]).sum() + (v[-1] * leaves[f"given_last.{ours(s)}"]).sum()
        for s, v in values.items()
    )
    loss.backward()
    found = {f"value.{ours(s)}": v for s, v in values.items()}
    for k, v in leaves.items():
        if v.requires_grad:
            found[f"grad.{k}"] = torch.zeros_like(v) if v.grad is None else v.grad
    return {k: v.detach().numpy() for k, v in found.items()}


def blocks(matrix, heads):
    """The blocks on the diagonal, one for each head, and zeros."""
    import torch

    k = len(matrix) // heads
    return torch.block_diag(*(matrix[j * k : (j + 1) * k, j * k : (j + 1) * k] for j in range(heads)))


def modules(*parts):
    """Modules of a clockwork: (units, period) each, as slices."""
    found, start = [], 0
    for units, period in parts:
        found.append((slice(start, start + units), period))
        start += units
    return found


def known(name, H):
    """What equations read beside parameters and states: equal modules, spare units in the fast ones."""
    if name != "clockwork":
        return {}
    return {"modules": modules(*((H // 4 + (j < H % 4), period) for j, period in enumerate((1, 2, 4, 8))))}


def module(name, a):
    """The same from torch.nn, which gives the hidden state at every step and the last states only."""
    import torch

    torch.set_num_threads(1)
    D, H = a["x"].shape[-1], a["h0"].shape[-1]
    make, order = {
        "rnn": (torch.nn.RNN, "h"),
        "rnn_relu": (torch.nn.RNN, "h"),
        "lstm": (torch.nn.LSTM, "ifgo"),
        "gru_reset_after": (torch.nn.GRU, "rzg"),
    }[name]
    net = make(D, H, dtype=torch.float64, **({"nonlinearity": "relu"} if name == "rnn_relu" else {}))
    with torch.no_grad():
        net.weight_ih_l0.copy_(torch.tensor(np.concatenate([a[f"W_{k}"].T for k in order])))
        net.weight_hh_l0.copy_(torch.tensor(np.concatenate([a[f"U_{k}"].T for k in order])))
        net.bias_ih_l0.copy_(torch.tensor(np.concatenate([a[f"b_{k}"] for k in order])))
        net.bias_hh_l0.zero_()
        if make is torch.nn.GRU:
            net.bias_hh_l0[2 * H :] = torch.tensor(a["b_hg"])
    names = "hc" if make is torch.nn.LSTM else "h"
    leaves = {k: torch.tensor(a[k], requires_grad=True) for k in ["x", *(f"{s}0" for s in names)]}
    start = tuple(leaves[f"{s}0"][None] for s in names)
    y, last = net(leaves["x"], start if len(names) > 1 else start[0])
    last = last if len(names) > 1 else (last,)
    loss = (y * torch.tensor(a["given.h"])).sum()
    loss = loss + sum(
        (v[0] * torch.tensor(a[f"given_last.{s}"])).sum() for s, v in zip(names, last, strict=True)
    )
    loss.backward()
    found = {"value.h": y} | {f"last.{s}": v[0] for s, v in zip(names, last, strict=True)}
    found |= {f"grad.{k}": v.grad for k, v in leaves.items()}
    for j, k in enumerate(order):
        part = slice(j * H, (j + 1) * H)
        found[f"grad.W_{k}"] = net.weight_ih_l0.grad[part].T
        found[f"grad.U_{k}"] = net.weight_hh_l0.grad[part].T
        found[f"grad.b_{k}"] = net.bias_ih_l0.grad[part]
    if make is torch.nn.GRU:
        found["grad.b_hg"] = net.bias_hh_l0.grad[2 * H :]
    return {k: v.detach().numpy() for k, v in found.items()}
