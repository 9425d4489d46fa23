"""Time attention, Grid LSTM, DRAW, VRNN and STORN beside the same loops in PyTorch, one thread each.

Prints medians of interleaved training steps in float32, their ratio, and how far the two losses are apart;
with ``--compile``, the processor's seconds until a first step is done, compiled afresh. A busy machine makes
other programs' times longer too, so it is ratios that count, and processor time where something is compiled.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
from bench import interleaved, optional, processor, versions
from threadpoolctl import threadpool_limits

import lstmcourse as lc

Loop = Callable[..., object]


# Loops in PyTorch, as a careful user writes them: what does not wait for the state is done for all steps at
# once, layers that read the same are one product, and every weight is joined to its neighbours once a run.


def joined(torch, P, letter: str, labels: str):
    """Weights of several layers side by side."""
    return torch.cat([P[f"{letter}_{label}"] for label in labels], -1)


def lstm(torch, P, scope: str = ""):
    """A step of an LSTM that is given what x adds to its layers, and the function that says what x adds."""
    W, U, b = (joined(torch, P, scope + letter, "fiog") for letter in "WUb")

    def step(a, h, c):
        f, i, o, g = (a + h @ U).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        return torch.sigmoid(o) * torch.tanh(c), c

    return step, lambda x: torch.addmm(b, x, W) if x.ndim == 2 else x @ W + b


def additive_attention(torch, P, y, a, n):
    """A decoder that reads annotations; the sum of its states."""
    k, L = a @ P["U_a"], a.shape[1]
    there = torch.arange(L) < n
    W, C, b = (joined(torch, P, letter, "zrg") for letter in "WCb")
    U, x = joined(torch, P, "U", "zr"), y @ W + b
    h, out = torch.tanh(a[:, 0] @ P["W_init"] + P["b_init"]), 0.0
    H = h.shape[1]
    for t in range(len(y)):
        e = torch.tanh(k + (h @ P["W_a"])[:, None]) @ P["v_a"]
        alpha = torch.softmax(e.masked_fill(~there, -1e9), 1)
        s = x[t] + torch.bmm(alpha[:, None], a)[:, 0] @ C
        z, r = torch.sigmoid(s[:, : 2 * H] + h @ U).chunk(2, 1)
        g = torch.tanh(s[:, 2 * H :] + (r * h) @ P["U_g"])
        h = h + z * (g - h)
        out = out + h.sum()
    return out


def attend_and_tell(torch, P, y, a):
    """Soft attention; the sum of its states."""
    k, mean = a @ P["W_a"] + P["b_a"], a.mean(1)
    W, Z, b = (joined(torch, P, letter, "ifog") for letter in "WZb")
    U = torch.cat([joined(torch, P, "U", "ifog"), P["U_a"], P["U_beta"]], 1)
    h, c = (torch.tanh(mean @ P[f"W_init_{s}"] + P[f"b_init_{s}"]) for s in "hc")
    x, out, H = y @ W + b, 0.0, h.shape[1]
    for t in range(len(y)):
        seen, query, beta = (h @ U).split([4 * H, k.shape[2], 1], 1)
        alpha = torch.softmax(torch.tanh(k + query[:, None]) @ P["v"], 1)
        z = torch.sigmoid(beta + P["b_beta"]) * torch.bmm(alpha[:, None], a)[:, 0]
        i, f, o, g = (x[t] + seen + z @ Z).chunk(4, 1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        out = out + h.sum()
    return out


def self_attention(torch, P, x):
    """Causal, a step at a time; the sum of its outputs."""
    q, k, v = (x @ torch.cat([P[f"W_{s}"] for s in "qkv"], 1)).chunk(3, 2)
    keys, values, out = k.transpose(0, 1), v.transpose(0, 1), 0.0
    for t in range(len(x)):
        e = torch.bmm(keys[:, : t + 1], q[t][:, :, None])[..., 0] / q.shape[2] ** 0.5
        out = out + torch.bmm(torch.softmax(e, 1)[:, None], values[:, : t + 1]).sum()
    return out


def grid(torch, P, x):
    """Time and depth, two layers; the sum of what comes out."""
    scopes = [[f"{k}.{d}." for d in ("time", "depth")] for k in (0, 1)]
    W, b = ([torch.cat([joined(torch, P, s + l, "ifog") for s in row], -1) for row in scopes] for l in "Wb")
    h_in, m_in = (x @ torch.cat([P["W_h"], P["W_m"]], 1) + torch.cat([P["b_h"], P["b_m"]])).chunk(2, 2)
    h, m, out = [h_in.new_zeros(h_in.shape[1:])] * 2, [h_in.new_zeros(h_in.shape[1:])] * 2, 0.0

    def direction(z, m):
        i, f, o, g = z.chunk(4, 1)
        m = torch.sigmoid(f) * m + torch.sigmoid(i) * torch.tanh(g)
        return torch.tanh(torch.sigmoid(o) * m), m

    for t in range(len(x)):
        up, memory = h_in[t], m_in[t]
        for k in (0, 1):
            along, above = torch.addmm(b[k], torch.cat([h[k], up], 1), W[k]).chunk(2, 1)
            (h[k], m[k]), (up, memory) = direction(along, m[k]), direction(above, memory)
        out = out + up.sum()
    return out


def draw(torch, P, x, e, attention, read, write):
    """The divergence, and the sum of the last canvas."""
    B, Y, X = x.shape
    (enc, to_enc), (dec, to_dec) = lstm(torch, P, "enc."), lstm(torch, P, "dec.")
    W, b = (torch.cat([P[f"{s}_mu"], P[f"{s}_sigma"]], -1) for s in "Wb")
    across, down = torch.arange(X) + 1.0, torch.arange(Y) + 1.0

    def window(h, scope, N):
        made = torch.addmm(P[f"{scope}.b_window"], h, P[f"{scope}.W_window"])
        g_x, g_y, log_var, log_delta, log_gamma = made.chunk(5, 1)
        k = (torch.arange(N) - N / 2 + 0.5) * (max(X, Y) - 1) / max(N - 1, 1) * torch.exp(log_delta)
        width = 2 * torch.exp(log_var)[..., None]
        mu_x, mu_y = (X + 1) / 2 * (g_x + 1) + k, (Y + 1) / 2 * (g_y + 1) + k
        F_x = torch.softmax(-((across - mu_x[..., None]) ** 2) / width, 2)
        F_y = torch.softmax(-((down - mu_y[..., None]) ** 2) / width, 2)
        return F_x, F_y, torch.exp(log_gamma)

    canvas, h, h_dec = (P[f"{s}_0"].expand(B, *P[f"{s}_0"].shape) for s in ("canvas", "h_enc", "h_dec"))
    c, c_dec, kl = torch.zeros_like(h), torch.zeros_like(h), 0.0
    for t in range(len(e)):
        both = torch.stack([x, x - torch.sigmoid(canvas)], 1)
        if attention:
            F_x, F_y, gamma = window(h_dec, "read", read)
            both = gamma[:, None, None] * (F_y[:, None] @ both @ F_x[:, None].transpose(2, 3))
        h, c = enc(to_enc(torch.cat([both.reshape(B, -1), h_dec], 1)), h, c)
        mu, log_sigma = torch.addmm(b, h, W).chunk(2, 1)
        kl = kl + (0.5 * (mu**2 + torch.exp(2 * log_sigma) - 1) - log_sigma).sum()
        h_dec, c_dec = dec(to_dec(mu + torch.exp(log_sigma) * e[t]), h_dec, c_dec)
        w = torch.addmm(P["b_w"], h_dec, P["W_w"])
        if attention:
            F_x, F_y, gamma = window(h_dec, "write", write)
            w = F_y.transpose(1, 2) @ w.reshape(B, write, write) @ F_x / gamma[..., None]
        canvas = canvas + w.reshape(B, Y, X)
    return kl + canvas.sum()


def spread(torch, P, label: str):
    """Mean and standard deviation from one product."""
    W, b = (torch.cat([P[f"{s}_mu_{label}"], P[f"{s}_sigma_{label}"]], -1) for s in "Wb")

    def of(a):
        mu, s = (a @ W + b).chunk(2, -1)
        return mu, torch.nn.functional.softplus(s) + 1e-4

    return of


def surprise(torch, x, mu, sigma):
    """Of x under Gaussians, without the constant."""
    return (0.5 * ((x - mu) / sigma) ** 2 + torch.log(sigma)).sum()


def vrnn(torch, P, x, e):
    """The bound."""
    step, given = lstm(torch, P, "lstm.")
    prior, posterior, expected = (spread(torch, P, label) for label in "0zx")
    U = torch.cat([P["U_prior"], P["U_enc"], P["U_dec"]], 1)
    phi = torch.relu(x @ P["W_phi_x"] + P["b_phi_x"])
    enc, loss = phi @ P["W_enc"] + P["b_enc"], 0.0
    h = c = x.new_zeros(x.shape[1], len(P["lstm.b_f"]))
    for t in range(len(x)):
        of_prior, of_enc, of_dec = (h @ U).chunk(3, 1)
        mu_0, sigma_0 = prior(torch.relu(of_prior + P["b_prior"]))
        mu, sigma = posterior(torch.relu(enc[t] + of_enc))
        phi_z = torch.relu(torch.addmm(P["b_phi_z"], mu + sigma * e[t], P["W_phi_z"]))
        loss = loss + surprise(
            torch, x[t], *expected(torch.relu(torch.addmm(P["b_dec"], phi_z, P["W_dec"]) + of_dec))
        )
        apart = (sigma**2 + (mu - mu_0) ** 2) / (2 * sigma_0**2) - 0.5
        loss = loss + (torch.log(sigma_0) - torch.log(sigma) + apart).sum()
        h, c = step(given(torch.cat([phi[t], phi_z], 1)), h, c)
    return loss + 0.5 * np.log(2 * np.pi) * x.numel()


def storn(torch, P, x, e):
    """The bound; only its two recurrences are loops."""
    posterior, expected = spread(torch, P, "z"), spread(torch, P, "x")
    read, past = x @ P["W_r"] + P["b_r"], torch.cat([torch.zeros_like(x[:1]), x[:-1]]) @ P["W_h"] + P["b_h"]
    r = h = x.new_zeros(x.shape[1], len(P["b_h"]))
    rs, hs = [], []
    for t in range(len(x)):
        r = torch.tanh(read[t] + r @ P["U_r"])
        rs.append(r)
    mu, sigma = posterior(torch.stack(rs))
    given = past + (mu + sigma * e) @ P["Z_h"]
    for t in range(len(x)):
        h = torch.tanh(given[t] + h @ P["U_h"])
        hs.append(h)
    kl = (0.5 * (mu**2 + sigma**2 - 1) - torch.log(sigma)).sum()
    return kl + surprise(torch, x, *expected(torch.stack(hs))) + 0.5 * np.log(2 * np.pi) * x.numel()


# What is measured: options of the cell; T, B and the sizes by name; what the loss adds up.
SYSTEMS = {
    "attention": ("additive_attention", {}, (12, 64), dict(L=24, D=32, H=64, K=32, A=64), ("h",)),
    "captions": ("attend_and_tell", {}, (8, 64), dict(L=16, D=24, H=64, K=32, A=32), ("h",)),
    "self-attention": ("self_attention", {}, (32, 32), dict(D=64, H=64, L=32), ("h",)),
    "grid": ("grid", {}, (40, 32), dict(D=16, H=64), ("h",)),
    "DRAW, 8 x 8": (
        "draw",
        dict(attention=True, read=3, write=3),
        (8, 64),
        dict(Y=8, X=8, H=64, Z=8),
        ("kl",),
    ),
    "DRAW, 28 x 28": (
        *("draw", dict(attention=True, read=5, write=5), (10, 64)),
        *(dict(Y=28, X=28, H=128, Z=10), ("kl",)),
    ),
    "DRAW, all pixels": ("draw", {}, (10, 64), dict(Y=28, X=28, H=128, Z=10), ("kl",)),
    "VRNN": ("vrnn", {}, (40, 64), dict(D=3, H=64, Z=4, F=32), ("nll", "kl")),
    "STORN": ("storn", {}, (40, 64), dict(D=3, H=64, Z=4), ("nll", "kl")),
}
LOOPS: dict[str, Loop] = {
    f.__name__: f for f in (additive_attention, attend_and_tell, self_attention, grid, draw, vrnn, storn)
}


def given(cell, T: int, B: int, sizes) -> tuple[dict, dict[str, np.ndarray]]:
    """Parameters, and inputs by name."""
    rng = np.random.default_rng(0)
    D, H = sizes.get("D"), sizes["H"]
    needed = {k: v for k, v in sizes.items() if k in cell.size_names() and k not in "DH"}
    params = cell.init(input_size=D, hidden_size=H, rng=rng, sizes=needed)
    shapes = {"x": (T, B, D), "y": (T, B, D), "a": (B, sizes.get("L"), sizes.get("A"))}
    shapes |= {"x": (B, sizes["Y"], sizes["X"])} if "Y" in sizes else {}
    shapes |= {"e": (T, B, sizes.get("Z"))}
    names = [i.name for i in cell.inputs if i.kind in ("sequence", "static", "noise")]
    arrays = {
        name: np.full((B, 1), sizes["L"], np.float32)
        if name == "n"
        else rng.random(shapes[name]).astype(np.float32)
        for name in names
    }
    return params, arrays


def ours(cell, params, arrays, sizes, outputs, backend: str) -> Callable[[], float]:
    """A training step by this package; returns the loss."""
    extra = {"sizes": {"L": sizes["L"]}} if cell.name == "self_attention" else {}

    def run() -> float:
        result = lc.unroll(cell, params, inputs=arrays, backend=backend, **extra)
        ends = {"canvas": np.ones_like(result.final["canvas"])} if cell.name == "draw" else {}
        result.backward({name: np.ones_like(result[name]) for name in outputs}, ends, inputs=False)
        total = sum(result[name].sum(dtype=np.float64) for name in outputs)
        return float(total + sum(result.final[name].sum(dtype=np.float64) for name in ends))

    return run


def in_torch(torch, cell, params, arrays) -> Callable[[], float]:
    """The same training step by a loop in PyTorch, one thread; returns the loss."""
    torch.set_num_threads(1)
    P = {name: torch.tensor(value, requires_grad=True) for name, value in params.items()}
    tensors = {name: torch.tensor(value) for name, value in arrays.items()}
    options = cell.options if cell.name == "draw" else {}

    def run() -> float:
        for value in P.values():
            value.grad = None
        loss = LOOPS[cell.name](torch, P, **tensors, **options)
        loss.backward()
        return loss.item()

    return run


def first_step(name: str) -> float:
    """Processor seconds of a first training step, compiled afresh, in a process of its own."""
    code = f"""
import time, systems, lstmcourse as lc
name, options, (T, B), sizes, outputs = systems.SYSTEMS[{name!r}]
cell = lc.cells.get(name).with_options(**options) if options else lc.cells.get(name)
run = systems.ours(cell, *systems.given(cell, T, B, sizes), sizes, outputs, "numba")
from lstmcourse.compiled import native
native.linked("float32")
start = time.process_time()
run()
print(time.process_time() - start)
"""
    with tempfile.TemporaryDirectory() as folder:
        settings = os.environ | {"LSTMCOURSE_CACHE_DIR": folder}
        settings["PYTHONPATH"] = os.pathsep.join(
            [os.path.dirname(__file__), os.environ.get("PYTHONPATH", "")]
        )
        done = subprocess.run(
            [sys.executable, "-c", code], env=settings, capture_output=True, text=True, check=True
        )
    return float(done.stdout)


@threadpool_limits.wrap(1, "blas")
def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--systems", nargs="*", default=list(SYSTEMS), choices=list(SYSTEMS))
    parser.add_argument("--seconds", type=float, default=5.0, help="for each row of the table")
    parser.add_argument("--compile", action="store_true", help="the first compilation too")
    options = parser.parse_args()
    torch = optional("torch")
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"{time.strftime('%Y-%m-%d')}, {processor()}, {os.cpu_count()} cores, load {load:.1f}; {versions()}\n"
    )
    ways = [*lc.backends(), *["loop"] * (torch is not None)]
    columns = [*ways, "numba / loop", "losses apart", *["first step (s)"] * options.compile]
    print(f"| | {' | '.join(columns)} |\n|{'---|' * (1 + len(columns))}")
    for name in options.systems:
        kind, chosen, (T, B), sizes, outputs = SYSTEMS[name]
        cell = lc.cells.get(kind).with_options(**chosen) if chosen else lc.cells.get(kind)
        params, arrays = given(cell, T, B, sizes)
        runs = {b: ours(cell, params, arrays, sizes, outputs, b) for b in lc.backends()}
        if torch is not None:
            runs["loop"] = in_torch(torch, cell, params, arrays)
        losses = [run() for run in runs.values()]
        apart = (max(losses) - min(losses)) / max(map(abs, losses))
        found = interleaved(runs, options.seconds)
        ratio = found["numba"] / found["loop"] if {"numba", "loop"} <= found.keys() else float("nan")
        row = [f"{found[way]:.1f}" for way in ways] + [f"{ratio:.2f}", f"{apart:.0e}"]
        row += [f"{first_step(name):.1f}"] if options.compile else []
        print(f"| {name} | " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
