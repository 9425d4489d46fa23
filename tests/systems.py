"""Systems of attention, grids and latent variables once more, away from the engine: PyTorch differentiates.

A system is a function that makes one step of one sequence, as its paper prints it: columns, a matrix stands
on the left of what it multiplies, so it is the transpose of ours. It is given the parameters by name, the
states of the step before, the inputs of this step with its number t, and the options. It returns the states
and all that is emitted. PyTorch is imported only when something is computed.
"""

import math

import numpy as np


def torch():
    import torch

    torch.set_num_threads(1)
    return torch


def sigmoid(a):
    return 1 / (1 + torch().exp(-a))


def tanh(a):
    return torch().tanh(a)


def exp(a):
    return torch().exp(a)


def log(a):
    return torch().log(a)


def cat(*parts):
    return torch().cat(parts)


def softplus(a):
    return torch().logaddexp(a, torch().zeros_like(a))


def share(scores):
    weights = exp(scores - scores.max())
    return weights / weights.sum()


def layer(p, label, **operands):
    total = p[f"b_{label}"]
    for letter, a in operands.items():
        total = total + p[f"{letter}_{label}"] @ a
    return total


def lstm(p, scope, x, h, c):
    f, i, o = (
        sigmoid(p[f"{scope}.W_{k}"] @ x + p[f"{scope}.U_{k}"] @ h + p[f"{scope}.b_{k}"]) for k in "fio"
    )
    g = tanh(p[f"{scope}.W_g"] @ x + p[f"{scope}.U_g"] @ h + p[f"{scope}.b_g"])
    c = f * c + i * g
    return o * tanh(c), c


# Attention


def additive_attention(p, s, g, options):
    count = int(g["n"][0])
    here = g["a"][:count]
    e = torch().stack([p["v_a"] @ tanh(p["W_a"] @ s["h"] + p["U_a"] @ one) for one in here])
    alpha = share(e)
    c = sum(alpha[j] * here[j] for j in range(count))
    y, h = g["y"], s["h"]
    z = sigmoid(layer(p, "z", W=y, U=h, C=c))
    r = sigmoid(layer(p, "r", W=y, U=h, C=c))
    new = tanh(layer(p, "g", W=y, U=r * h, C=c))
    rest = torch().zeros(len(g["a"]) - count, dtype=torch().float64)
    return {"h": (1 - z) * h + z * new, "c": c, "alpha": cat(alpha, rest)}


def additive_attention_start(p, g, options):
    return {"h": tanh(layer(p, "init", W=g["a"][0]))}


def attend_and_tell(p, s, g, options):
    a, y, h = g["a"], g["y"], s["h"]
    alpha = share(torch().stack([p["v"] @ tanh(layer(p, "a", W=one, U=h)) for one in a]))
    if options["attention"] == "soft":
        beta = sigmoid(layer(p, "beta", U=h))
        z = beta * (alpha[:, None] * a).sum(0)
        more = {"alpha": alpha, "beta": beta}
    else:
        place = min(
            int(np.searchsorted(np.cumsum(alpha.detach().numpy()), g["u"].item(), "right")), len(a) - 1
        )
        z = a[place]
        chosen = torch().nn.functional.one_hot(torch().tensor(place), len(a)).double()
        more = {
            "alpha": alpha,
            "s": chosen,
            "log_p": log(alpha[place]),
            "entropy": -(alpha * log(alpha)).sum(),
        }
    i, f, o = (sigmoid(layer(p, k, W=y, U=h, Z=z)) for k in "ifo")
    c = f * s["c"] + i * tanh(layer(p, "g", W=y, U=h, Z=z))
    return {"h": o * tanh(c), "c": c, "z": z} | more


def attend_and_tell_start(p, g, options):
    return {k: tanh(layer(p, f"init_{k}", W=g["a"].mean(0))) for k in "hc"}


def self_attention(p, s, g, options):
    """The memory is written in turn; what was not written yet is not looked at."""
    t, size = g["t"], len(s["K"])
    K, V = list(s["K"]), list(s["V"])
    K[t % size], V[t % size] = p["W_k"] @ g["x"], p["W_v"] @ g["x"]
    seen = range(min(t + 1, size))
    q = p["W_q"] @ g["x"]
    alpha = share(torch().stack([q @ K[j] / math.sqrt(len(q)) for j in seen]))
    rest = torch().zeros(size - len(seen), dtype=torch().float64)
    h = sum(alpha[j] * V[j] for j in seen)
    return {"h": h, "K": torch().stack(K), "V": torch().stack(V), "alpha": cat(alpha, rest)}


def self_attention_at_once(p, s, g, options):
    q, k, v = ([p[f"W_{name}"] @ x for x in g["x"]] for name in "qkv")
    rows, values = [], []
    for i in range(len(q)):
        seen = range(i + 1 if options["causal"] else len(q))
        alpha = share(torch().stack([q[i] @ k[j] / math.sqrt(len(q[i])) for j in seen]))
        values.append(sum(alpha[j] * v[j] for j in seen))
        rows.append(cat(alpha, torch().zeros(len(q) - len(seen), dtype=torch().float64)))
    return {"h": torch().stack(values), "alpha": torch().stack(rows)}


# Grid LSTM


def grid(p, s, g, options):
    """Rows: a place of the lattice for each of the columns; in one and two dimensions there is one."""
    sides = {1: [], 2: ["time"], 3: ["down", "right"], 4: ["down", "right", "back"]}[options["dims"]]
    names = [*sides, "depth"]
    columns = g["x"].shape[:-1]
    new = {k: torch().zeros_like(v) for k, v in s.items()}
    top = torch().zeros(*columns, len(p["b_h"]), dtype=torch().float64)
    for place in np.ndindex(*columns):
        if sum(place) > g["t"] and columns:
            top[place] = at_place(p, s, g, options, place, sides, names)[0]  # computed, and not kept
            continue
        top[place], states = at_place(p, s, g, options, place, sides, names)
        for k, v in states.items():
            new[k] = new[k].clone()
            new[k][place] = v
    return new | {"h": top}


def at_place(p, s, g, options, place, sides, names):
    h_in, m_in = layer(p, "h", W=g["x"][place]), None
    if options["depth"] == "lstm":
        m_in = layer(p, "m", W=g["x"][place])
    found = {}
    for k in range(options["layers"]):
        who = 0 if options["tied"] else k
        h, m = {"depth": h_in}, {"depth": m_in}
        for axis, d in enumerate(sides):
            from_ = list(place)
            outside = False
            if axis:
                from_[axis - 1] -= 1
                outside = from_[axis - 1] < 0
            for which, into in (("h", h), ("m", m)):
                state = s[f"{k}.{which}_{d}"]
                into[d] = torch().zeros_like(state[place]) if outside else state[tuple(from_)]
        new_h, new_m = {}, {}
        for d in sorted(names, key=lambda d: d == options["priority"]):
            seen = cat(*((new_h if d == options["priority"] and e != d else h)[e] for e in names))
            if d == "depth" and options["depth"] != "lstm":
                net = p[f"{who}.W_depth"] @ seen + p[f"{who}.b_depth"]
                new_h[d] = {"linear": lambda a: a, "tanh": tanh, "relu": torch().relu}[options["depth"]](net)
                new_m[d] = None
                continue
            i, f, o, u = (p[f"{who}.{d}.W_{n}"] @ seen + p[f"{who}.{d}.b_{n}"] for n in "ifog")
            new_m[d] = sigmoid(f) * m[d] + sigmoid(i) * tanh(u)
            if options["output"] == "tanh(o * m)":
                new_h[d] = tanh(sigmoid(o) * new_m[d])
            else:
                new_h[d] = sigmoid(o) * tanh(new_m[d])
        found |= {f"{k}.h_{d}": new_h[d] for d in sides} | {f"{k}.m_{d}": new_m[d] for d in sides}
        h_in, m_in = new_h["depth"], new_m["depth"]
    return h_in, found


# DRAW


def filters(p, scope, h, N, Y, X):
    """F_X (N, X), F_Y (N, Y) and gamma, pixels and filters counted from 1."""
    g_x, g_y, log_var, log_delta, log_gamma = p[f"{scope}.W_window"] @ h + p[f"{scope}.b_window"]
    centre_x, centre_y = (X + 1) / 2 * (g_x + 1), (Y + 1) / 2 * (g_y + 1)
    delta = (max(X, Y) - 1) / (N - 1) * exp(log_delta) if N > 1 else 0.0

    def rows(centre, pixels):
        found = []
        for i in range(1, N + 1):
            mu = centre + (i - N / 2 - 0.5) * delta
            row = torch().stack([exp(-((a - mu) ** 2) / (2 * exp(log_var))) for a in range(1, pixels + 1)])
            found.append(row / row.sum())
        return torch().stack(found)

    return rows(centre_x, X), rows(centre_y, Y), exp(log_gamma)


def draw_write(p, h, canvas, options):
    Y, X = canvas.shape
    w = layer(p, "w", W=h)
    if not options["attention"]:
        return canvas + w.reshape(Y, X)
    N = options["write"]
    F_X, F_Y, gamma = filters(p, "write", h, N, Y, X)
    return canvas + F_Y.T @ w.reshape(N, N) @ F_X / gamma


def draw(p, s, g, options):
    x = g["x"]
    error = x - sigmoid(s["canvas"])
    if options["attention"]:
        F_X, F_Y, gamma = filters(p, "read", s["h_dec"], options["read"], *x.shape)
        r = cat(*(gamma * (F_Y @ image @ F_X.T).reshape(-1) for image in (x, error)))
    else:
        r = cat(x.reshape(-1), error.reshape(-1))
    h_enc, c_enc = lstm(p, "enc", cat(r, s["h_dec"]), s["h_enc"], s["c_enc"])
    mu, sigma = layer(p, "mu", W=h_enc), exp(layer(p, "sigma", W=h_enc))
    z = mu + sigma * g["e"]
    kl = 0.5 * (mu**2 + sigma**2 - log(sigma**2)).sum() - len(z) / 2
    h_dec, c_dec = lstm(p, "dec", z, s["h_dec"], s["c_dec"])
    canvas = draw_write(p, h_dec, s["canvas"], options)
    return {"canvas": canvas, "h_enc": h_enc, "c_enc": c_enc, "h_dec": h_dec, "c_dec": c_dec, "kl": kl}


def draw_start(p, g, options):
    return {k: p[f"{k}_0"] for k in ("canvas", "h_enc", "h_dec") if f"{k}_0" in p}


def draw_sample(p, s, g, options):
    h_dec, c_dec = lstm(p, "dec", g["z"], s["h_dec"], s["c_dec"])
    return {"canvas": draw_write(p, h_dec, s["canvas"], options), "h_dec": h_dec, "c_dec": c_dec}


# VRNN and STORN


def normal(p, label, a):
    """The distribution that two layers make of a."""
    scale = softplus(layer(p, f"sigma_{label}", W=a)) + 1e-4
    return torch().distributions.Normal(layer(p, f"mu_{label}", W=a), scale)


def odds(p, a):
    return torch().distributions.Bernoulli(logits=layer(p, "x", W=a))


def given_x(p, a, x, options):
    """The negative log likelihood of x."""
    of = odds(p, a) if options["output"] == "bernoulli" else normal(p, "x", a)
    return -of.log_prob(x).sum() if options["output"] == "gaussian" else coins(of, x)


def coins(of, x):
    """The likelihood of independent coins, also between 0 and 1, where tests differentiate."""
    return -(x * log(of.probs) + (1 - x) * log(1 - of.probs)).sum()


def drawn_x(p, a, e, options):
    if options["output"] == "bernoulli":
        return (e < odds(p, a).probs).double()
    of = normal(p, "x", a)
    return of.mean + of.stddev * e


def kl(q, p):
    return torch().distributions.kl_divergence(q, p).sum()


def hidden(p, label, **operands):
    return torch().relu(layer(p, label, **operands))


def vrnn(p, s, g, options):
    x, h = g["x"], s["h"]
    phi_x = hidden(p, "phi_x", W=x)
    prior = normal(p, "0", hidden(p, "prior", U=h))
    posterior = normal(p, "z", hidden(p, "enc", W=phi_x, U=h))
    z = posterior.mean + posterior.stddev * g["e"]
    phi_z = hidden(p, "phi_z", W=z)
    nll = given_x(p, hidden(p, "dec", W=phi_z, U=h), x, options)
    h, c = lstm(p, "lstm", cat(phi_x, phi_z), h, s["c"])
    return {"h": h, "c": c, "nll": nll, "kl": kl(posterior, prior)}


def vrnn_sample(p, s, g, options):
    h = s["h"]
    prior = normal(p, "0", hidden(p, "prior", U=h))
    phi_z = hidden(p, "phi_z", W=prior.mean + prior.stddev * g["e"])
    x = drawn_x(p, hidden(p, "dec", W=phi_z, U=h), g["e_x"], options)
    h, c = lstm(p, "lstm", cat(hidden(p, "phi_x", W=x), phi_z), h, s["c"])
    return {"h": h, "c": c, "x": x}


def storn(p, s, g, options):
    x = g["x"]
    r = tanh(layer(p, "r", W=x, U=s["r"]))
    posterior = normal(p, "z", r)
    z = posterior.mean + posterior.stddev * g["e"]
    h = tanh(layer(p, "h", U=s["h"], W=s["x_past"], Z=z))
    standard = torch().distributions.Normal(torch().zeros_like(z), torch().ones_like(z))
    return {"h": h, "r": r, "x_past": x, "nll": given_x(p, h, x, options), "kl": kl(posterior, standard)}


def storn_sample(p, s, g, options):
    h = tanh(layer(p, "h", U=s["h"], W=s["x"], Z=g["z"]))
    return {"h": h, "x": drawn_x(p, h, g["e_x"], options)}


# Densities without a latent variable


def expected_x(p, h, options):
    """Weights (K,), and Gaussians (K, D)."""
    dec, K = hidden(p, "dec", U=h), options["components"]
    scale = softplus(layer(p, "sigma_x", W=dec)) + 1e-4
    of = torch().distributions.Normal(layer(p, "mu_x", W=dec).reshape(K, -1), scale.reshape(K, -1))
    return (torch().ones(1, dtype=h.dtype) if K == 1 else torch().softmax(layer(p, "w", W=dec), -1)), of


def density_rnn(p, s, g, options):
    x, h = g["x"], s["h"]
    w, of = expected_x(p, h, options)
    nll = -log(sum(w[k] * exp(part) for k, part in enumerate(of.log_prob(x).sum(-1))))
    h, c = lstm(p, "lstm", hidden(p, "phi_x", W=x), h, s["c"])
    return {"h": h, "c": c, "nll": nll}


def density_rnn_sample(p, s, g, options):
    w, of = expected_x(p, s["h"], options)
    k = next((k for k in range(len(w)) if g["u"] < w[: k + 1].sum()), len(w) - 1)
    x = of.mean[k] + of.stddev[k] * g["e_x"]
    h, c = lstm(p, "lstm", hidden(p, "phi_x", W=x), s["h"], s["c"])
    return {"h": h, "c": c, "x": x}


SYSTEMS = {
    f.__name__: f
    for f in (
        *(additive_attention, attend_and_tell, self_attention, self_attention_at_once, grid),
        *(draw, draw_sample, vrnn, vrnn_sample, storn, storn_sample, density_rnn, density_rnn_sample),
    )
}
STARTS = {
    "additive_attention": additive_attention_start,
    "attend_and_tell": attend_and_tell_start,
    "draw": draw_start,
    "draw_sample": draw_start,
}


def differentiate(name, options, arrays, shapes, lengths=None):
    """Values of all states and emitted outputs at every step, and all gradients, by PyTorch.

    `arrays` has names that begin with their kinds: "param", "timed" (T, B, ...), "static" (B, ...), "state"
    (where one starts), "given" (a gradient at every step), "last" (of a last state); T comes from "given".
    `shapes` are those of the states, beside the batch, which start at 0 unless something says otherwise.
    """
    step, start = SYSTEMS[name], STARTS.get(name, lambda *_: {})
    leaves = {k: torch().tensor(v, requires_grad=k[:4] not in ("give", "last")) for k, v in arrays.items()}

    def of(kind):
        return {k.partition(" ")[2]: v for k, v in leaves.items() if k.startswith(f"{kind} ")}

    params = {k: v.T if v.ndim == 2 and k != "canvas_0" else v for k, v in of("param").items()}
    timed, static, given, last = of("timed"), of("static"), of("given"), of("last")
    T, B = next(iter(given.values())).shape[:2]
    history = {k: [[None] * B for _ in range(T)] for k in given}
    for b in range(B):
        fixed = {k: v[b] for k, v in static.items()}
        now = {k: torch().zeros(*n, dtype=torch().float64) for k, n in shapes.items()}
        now |= start(params, fixed, options) | {k: v[b] for k, v in of("state").items()}
        for t in range(T):
            ended = lengths is not None and t >= lengths[b]
            found = (
                {}
                if ended
                else step(params, now, fixed | {k: v[t, b] for k, v in timed.items()} | {"t": t}, options)
            )
            now = {k: found.get(k, v) for k, v in now.items()}
            for k in given:
                zero = torch().zeros(given[k].shape[2:], dtype=torch().float64)
                history[k][t][b] = now[k] if k in now else found.get(k, zero)
    values = {k: torch().stack([torch().stack(row) for row in rows]) for k, rows in history.items()}
    loss = sum((v * given[k]).sum() for k, v in values.items())
    loss = loss + sum((values[k][-1] * v).sum() for k, v in last.items())
    loss.backward()
    found = {f"value {k}": v for k, v in values.items()}
    for k, v in leaves.items():
        if v.requires_grad:
            found[f"grad {k}"] = torch().zeros_like(v) if v.grad is None else v.grad
    return {k: v.detach().numpy() for k, v in found.items()}
