"""Whom the cells are timed beside: PyTorch's modules, loops in PyTorch, torchrecurrent, JAX, products alone.

Each function gives a call that makes a training step, or the forward pass alone, in float32, or None where
there is no such peer.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import numpy as np

MODULES = {"lstm": "LSTM", "gru_reset_after": "GRU", "rnn": "RNN"}
"""torch.nn has these cells."""

RECURRENT = {"peephole": "PeepholeLSTM", "mut1": "MUT1", "mut2": "MUT2", "mut3": "MUT3"}
"""torchrecurrent has these."""


def _step(torch, net, x, g, train: bool, threads: int) -> Callable[[], None]:
    """A training step of a PyTorch module that gives its outputs, (T, B, H), first."""
    x.requires_grad_(train)

    def run() -> None:
        torch.set_num_threads(threads)
        if not train:
            with torch.no_grad():
                net(x)
            return
        net.zero_grad()
        x.grad = None
        net(x)[0].backward(g)

    return run


def _arrays(torch, size):
    T, B, D, H = size
    torch.manual_seed(0)
    return torch.randn(T, B, D), torch.randn(T, B, H)


def by_torch(torch, name: str, size, train: bool, threads: int) -> Callable[[], None] | None:
    """PyTorch's own module."""
    if name not in MODULES:
        return None
    x, g = _arrays(torch, size)
    return _step(torch, getattr(torch.nn, MODULES[name])(*size[2:]), x, g, train, threads)


def by_torchrecurrent(
    torch, package, name: str, size, train: bool, threads: int
) -> Callable[[], None] | None:
    """The package torchrecurrent, which steps through time in Python."""
    if name not in RECURRENT:
        return None
    x, g = _arrays(torch, size)
    return _step(torch, getattr(package, RECURRENT[name])(*size[2:]), x, g, train, threads)


# Loops in PyTorch, as a careful user writes them: what x adds to the layers is one product for all steps, and
# the layers that see h are one product in a step.


def _lstm_like(torch, gates: int, rule):
    def step(a, state, U, p):
        h, c = state
        return rule(torch, (a + h @ U).chunk(gates, 1), c, p)

    return gates, step


def _lstm(torch, z, c, p):
    f, i, o, u = z
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(u)
    return torch.sigmoid(o) * torch.tanh(c), c


def _peephole(torch, z, c, p):
    f, i, o, u = z
    c = torch.sigmoid(f + p[0] * c) * c + torch.sigmoid(i + p[1] * c) * torch.tanh(u)
    return torch.sigmoid(o + p[2] * c) * torch.tanh(c), c


def _coupled(torch, z, c, p):
    f, o, u = z
    f = torch.sigmoid(f)
    c = f * c + (1 - f) * torch.tanh(u)
    return torch.sigmoid(o) * torch.tanh(c), c


def _reset(torch, seen_by_z):
    """GRU (and MUT2, MUT3, up to what their gates see): the candidate's product comes after the reset."""

    def step(a, state, U, p):
        (h,), H = state, U.shape[0]
        if seen_by_z == "tanh":
            z = torch.sigmoid(a[:, :H] + torch.tanh(h) @ U[:, :H])
            r = torch.sigmoid(a[:, H : 2 * H] + h @ U[:, H : 2 * H])
        elif seen_by_z == "nothing":
            z, r = torch.sigmoid(a[:, :H]), torch.sigmoid(a[:, H : 2 * H] + h @ U[:, H : 2 * H])
        else:
            z, r = torch.sigmoid(a[:, : 2 * H] + h @ U[:, : 2 * H]).chunk(2, 1)
        u = torch.tanh(a[:, 2 * H :] + (r * h) @ U[:, 2 * H :])
        return (h + z * (u - h),)

    return 3, step


LOOPS = {
    "lstm": lambda torch: _lstm_like(torch, 4, _lstm),
    "peephole": lambda torch: _lstm_like(torch, 4, _peephole),
    "coupled": lambda torch: _lstm_like(torch, 3, _coupled),
    "gru": lambda torch: _reset(torch, "h"),
    "mut1": lambda torch: _reset(torch, "nothing"),
    "mut2": lambda torch: _reset(torch, "h"),
    "mut3": lambda torch: _reset(torch, "tanh"),
}


def by_loop(torch, name: str, size, train: bool, threads: int, compiled: bool = False):
    """A loop over a step in PyTorch; with `compiled`, the step by torch.compile."""
    if name not in LOOPS:
        return None
    (x, g), (T, B, D, H) = _arrays(torch, size), size
    layers, step = LOOPS[name](torch)
    if compiled:
        step = torch.compile(step)

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.W = torch.nn.Parameter(torch.randn(D, layers * H) / D**0.5)
            self.U = torch.nn.Parameter(torch.randn(H, layers * H) / H**0.5)
            self.b = torch.nn.Parameter(torch.zeros(layers * H))
            self.p = torch.nn.Parameter(torch.zeros(3, H))

        def forward(self, x):
            a = x @ self.W + self.b
            state, out = (torch.zeros(B, H),) * (1 if layers == 3 and name != "coupled" else 2), []
            for t in range(T):
                state = step(a[t], state, self.U, self.p)
                out.append(state[0])
            return torch.stack(out), state

    return _step(torch, Net(), x, g, train, threads)


def by_jax(jax, name: str, size, train: bool) -> Callable[[], None] | None:
    """An LSTM by JAX: lax.scan under jit, with x W for all steps ahead of it."""
    if name != "lstm":
        return None
    jnp, (T, B, D, H) = jax.numpy, size
    rng = np.random.default_rng(0)
    shapes = [(D, 4 * H), (H, 4 * H), (4 * H,)]
    p = [jnp.asarray(0.1 * rng.standard_normal(s), jnp.float32) for s in shapes]
    x = jnp.asarray(rng.standard_normal((T, B, D)), jnp.float32)
    g = jnp.asarray(rng.standard_normal((T, B, H)), jnp.float32)

    def forward(p, x):
        W, U, b = p
        a = x @ W + b

        def step(state, a_t):
            h, c = state
            f, i, o, u = jnp.split(a_t + h @ U, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(u)
            h = jax.nn.sigmoid(o) * jnp.tanh(c)
            return (h, c), h

        zero = jnp.zeros((B, H), jnp.float32)
        return jax.lax.scan(step, (zero, zero), a)[1]

    if train:
        function = jax.jit(jax.grad(lambda p, x: jnp.sum(forward(p, x) * g), argnums=(0, 1)))
    else:
        function = jax.jit(forward)
    return lambda: jax.block_until_ready(function(p, x))


def _factors(cell, size):
    """What a cell multiplies whose layers see x and h: columns in all, matrices, arrays over all steps."""
    T, B, D, H = size
    layers = sum(name.rpartition(".")[2].startswith("U_") for name in cell.parameter_shapes(D, H))
    n = max(layers, 1) * H
    rng = np.random.default_rng(0)
    W, U = (rng.standard_normal((k, n)).astype(np.float32) for k in (D, H))
    x, h, d = (rng.standard_normal((T, B, k)).astype(np.float32) for k in (D, H, n))
    a, back = np.empty((B, n), np.float32), np.empty((B, H), np.float32)
    return n, W, U, x, h, d, a, back


def products(cell, size, train: bool) -> Callable[[], None]:
    """The products of a cell whose layers see x and h, and nothing else, by NumPy with one thread."""
    from threadpoolctl import threadpool_limits

    T, B, D, H = size
    n, W, U, x, h, d, a, back = _factors(cell, size)

    def run() -> None:
        with threadpool_limits(1, "blas"):
            x.reshape(-1, D) @ W
            for t in range(T):
                np.dot(h[t], U, out=a)
            if train:
                for t in range(T):
                    np.dot(d[t], U.T, out=back)
                rows = d.reshape(-1, n)
                x.reshape(-1, D).T @ rows
                h.reshape(-1, H).T @ rows
                rows @ W.T

    return run


def tiles(cell, size, train: bool) -> Callable[[], None] | None:
    """The same products by the functions that compiled programs call, with one thread: the floor."""
    try:
        from lstmcourse.compiled import native as fast
    except ImportError:
        return None
    if not fast.available():
        return None
    T, B, D, H = size
    n, W, U, x, h, d, a, back = _factors(cell, size)
    linked = fast.linked("float32")
    number, place, flag = ctypes.c_ssize_t, ctypes.c_void_p, ctypes.c_bool
    lay = ctypes.CFUNCTYPE(None, number, number, place, number, number, place)(linked["lay_tiles"])
    kinds = [number, number, number, place, number, number, place, place, number, flag]
    tiled = ctypes.CFUNCTYPE(None, *kinds)(linked["tiled_product"])
    kinds = [number, number, number, place, number, number, place, number, number, place, number, flag]
    product = ctypes.CFUNCTYPE(None, *kinds)(linked["product"])
    forward, backward = np.empty((H, n + 32), np.float32), np.empty((n, H + 32), np.float32)
    out, dW, dU, dx = (np.empty(s, np.float32) for s in ((T * B, n), (D, n), (H, n), (T * B, D)))
    arrays = dict(
        W=W,
        U=U,
        x=x,
        h=h,
        d=d,
        a=a,
        back=back,
        out=out,
        dW=dW,
        dU=dU,
        dx=dx,
        forward=forward,
        backward=backward,
    )
    at = {name: value.ctypes.data for name, value in arrays.items()}
    steps = [(at["h"] + 4 * B * H * t, at["d"] + 4 * B * n * t) for t in range(T)]

    def run() -> None:
        product(T * B, n, D, at["x"], D, 1, at["W"], n, 1, at["out"], n, False)
        lay(n, H, at["U"], n, 1, at["forward"])
        for h_t, _ in steps:
            tiled(B, n, H, h_t, H, 1, at["forward"], at["a"], n, False)
        if train:
            lay(H, n, at["U"], 1, n, at["backward"])
            for _, d_t in steps:
                tiled(B, H, n, d_t, n, 1, at["backward"], at["back"], H, False)
            product(D, n, T * B, at["x"], 1, D, at["d"], n, 1, at["dW"], n, False)
            product(H, n, T * B, at["h"], 1, H, at["d"], n, 1, at["dU"], n, False)
            product(T * B, D, n, at["d"], n, 1, at["W"], 1, n, at["dx"], D, False)

    run.arrays = arrays  # addresses alone keep nothing alive
    return run
