"""Make the frozen arrays that the cells are compared with where PyTorch is not installed.

    python tests/data/make_reference.py

Needs PyTorch (float64, one thread). Each file holds the input, initial states and parameters of one cell,
drawn from a seed, the gradients given at every step and for the last states, and what PyTorch makes of
them: all states at every step, and every gradient. The equations below are written out by hand, away from
the engine; for rnn, rnn_relu and lstm `module` gives the same from torch.nn.
"""

from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
SIZES = {"T": 6, "B": 3, "D": 4, "H": 5}
LAYERS = {"rnn": "h", "rnn_relu": "h", "lstm": "figo", "lstm_1997": "igo"}
STATES = {"rnn": "h", "rnn_relu": "h", "lstm": "hc", "lstm_1997": "hc"}


def draw(name, seed=0, T=6, B=3, D=4, H=5):
    """Draw inputs, parameters and outer gradients: a dict of float64 arrays."""
    rng = np.random.default_rng([seed, *map(ord, name)])
    a = {"x": rng.standard_normal((T, B, D))}
    for s in STATES[name]:
        a[f"{s}0"] = rng.standard_normal((B, H))
        a[f"given.{s}"] = rng.standard_normal((T, B, H))
        a[f"given_last.{s}"] = rng.standard_normal((B, H))
    for k in LAYERS[name]:
        a[f"W_{k}"] = 0.6 * rng.standard_normal((D, H))
        a[f"U_{k}"] = 0.6 * rng.standard_normal((H, H))
        a[f"b_{k}"] = 0.6 * rng.standard_normal(H)
    return a


def step(name, torch, a, x, s):
    """One step of a cell as its paper has it, on PyTorch tensors: the next states."""
    sigma, tanh = torch.sigmoid, torch.tanh

    def net(k):
        return x @ a[f"W_{k}"] + s["h"] @ a[f"U_{k}"] + a[f"b_{k}"]

    if name == "rnn":
        return {"h": tanh(net("h"))}
    if name == "rnn_relu":
        return {"h": torch.relu(net("h"))}
    if name == "lstm":
        f, i, g, o = sigma(net("f")), sigma(net("i")), tanh(net("g")), sigma(net("o"))
        c = f * s["c"] + i * g
        return {"h": o * tanh(c), "c": c}
    if name == "lstm_1997":  # 4 sigma(a) - 2 = 2 tanh(a / 2), and 2 sigma(a) - 1 = tanh(a / 2)
        i, g, o = sigma(net("i")), 2 * tanh(net("g") / 2), sigma(net("o"))
        c = s["c"] + i * g
        return {"h": o * tanh(c / 2), "c": c}
    raise ValueError(name)


def by_hand(name, a):
    """Values at every step and all gradients by PyTorch's autograd from the equations in `step`."""
    import torch

    torch.set_num_threads(1)
    leaves = {k: torch.tensor(v, requires_grad="given" not in k) for k, v in a.items()}
    s, rows = {k: leaves[f"{k}0"] for k in STATES[name]}, []
    for x in leaves["x"]:
        s = step(name, torch, leaves, x, s)
        rows.append(s)
    history = {k: torch.stack([row[k] for row in rows]) for k in s}
    loss = sum(
        (history[k] * leaves[f"given.{k}"]).sum() + (s[k] * leaves[f"given_last.{k}"]).sum() for k in s
    )
    loss.backward()
    return _numpy(
        {f"value.{k}": v for k, v in history.items()}
        | {f"grad.{k}": v.grad for k, v in leaves.items() if v.requires_grad}
    )


def module(name, a):
    """The same from torch.nn, which gives the hidden state at every step and the last states only."""
    import torch

    torch.set_num_threads(1)
    D, H = a["x"].shape[-1], a["h0"].shape[-1]
    if name == "lstm":
        net, order = torch.nn.LSTM(D, H, dtype=torch.float64), "ifgo"
    else:
        net, order = (
            torch.nn.RNN(D, H, nonlinearity="relu" if name == "rnn_relu" else "tanh", dtype=torch.float64),
            "h",
        )
    with torch.no_grad():
        net.weight_ih_l0.copy_(torch.tensor(np.concatenate([a[f"W_{k}"].T for k in order])))
        net.weight_hh_l0.copy_(torch.tensor(np.concatenate([a[f"U_{k}"].T for k in order])))
        net.bias_ih_l0.copy_(torch.tensor(np.concatenate([a[f"b_{k}"] for k in order])))
        net.bias_hh_l0.zero_()
    leaves = {k: torch.tensor(a[k], requires_grad=True) for k in ["x", *(f"{s}0" for s in STATES[name])]}
    start = tuple(leaves[f"{s}0"][None] for s in STATES[name])
    y, last = net(leaves["x"], start if name == "lstm" else start[0])
    last = last if name == "lstm" else (last,)
    loss = (y * torch.tensor(a["given.h"])).sum()
    loss = loss + sum(
        (v[0] * torch.tensor(a[f"given_last.{s}"])).sum() for s, v in zip(STATES[name], last, strict=True)
    )
    loss.backward()
    found = {"value.h": y} | {f"last.{s}": v[0] for s, v in zip(STATES[name], last, strict=True)}
    found |= {f"grad.{k}": v.grad for k, v in leaves.items()}
    for j, k in enumerate(order):
        part = slice(j * H, (j + 1) * H)
        found[f"grad.W_{k}"] = net.weight_ih_l0.grad[part].T
        found[f"grad.U_{k}"] = net.weight_hh_l0.grad[part].T
        found[f"grad.b_{k}"] = net.bias_ih_l0.grad[part]
    return _numpy(found)


def _numpy(tensors):
    return {k: v.detach().numpy() for k, v in tensors.items()}


if __name__ == "__main__":
    for cell in LAYERS:
        arrays = draw(cell, **SIZES)
        np.savez(HERE / f"{cell}.npz", **arrays, **by_hand(cell, arrays))
        print(HERE / f"{cell}.npz")
