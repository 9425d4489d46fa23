"""Time every cell beside PyTorch, JAX and the products alone: ``make bench``.

Prints the machine, the versions, and a table in Markdown: medians of interleaved runs in milliseconds, and
ratios of them within one run. What is not installed is left out. ``--help`` lists the options.
"""

from __future__ import annotations

import argparse
import importlib
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

import lstmcourse as lc

SIZES = [
    (100, 1, 8, 16),
    (100, 16, 8, 32),
    (50, 32, 32, 64),
    (100, 32, 64, 128),
    (64, 32, 128, 256),
    (50, 64, 128, 512),
]
PEERS = {"lstm": "LSTM", "gru": "GRU", "rnn": "RNN"}


def optional(name: str):
    """A module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def processor() -> str:
    """What the operating system calls the processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def versions() -> str:
    """Versions of what takes part."""
    found = [f"Python {platform.python_version()}"]
    for name in ("numpy", "scipy", "numba", "torch", "jax"):
        module = optional(name)
        if module is not None:
            found.append(f"{name} {module.__version__}")
    return ", ".join(found)


def ours(cell, size, backend: str, train: bool) -> Callable[[], None]:
    """A training step, or the forward pass alone, by this package."""
    T, B, D, H = size
    rng = np.random.default_rng(0)
    params = cell.init(input_size=D, hidden_size=H, rng=rng)
    x = rng.standard_normal((T, B, D)).astype(np.float32)
    g = rng.standard_normal((T, B, H)).astype(np.float32)

    def run() -> None:
        result = lc.unroll(cell, params, x, backend=backend, grad=train)
        if train:
            result.backward({cell.output: g})

    return run


def by_torch(torch, name: str, size, train: bool, threads: int) -> Callable[[], None]:
    """The same by PyTorch's own module."""
    T, B, D, H = size
    torch.manual_seed(0)
    net = getattr(torch.nn, PEERS[name])(D, H)
    x, g = torch.randn(T, B, D), torch.randn(T, B, H)
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


def by_jax(jax, size, train: bool) -> Callable[[], None]:
    """An LSTM by JAX: lax.scan under jit, with x W for all steps ahead of it."""
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


def products(cell, size, train: bool) -> Callable[[], None]:
    """The products of a cell whose layers see x and h, and nothing else, with one thread: the floor."""
    from threadpoolctl import threadpool_limits

    T, B, D, H = size
    layers = sum(name.rpartition(".")[2].startswith("U_") for name in cell.parameter_shapes(D, H))
    n = max(layers, 1) * H
    rng = np.random.default_rng(0)
    W, U = (rng.standard_normal((k, n)).astype(np.float32) for k in (D, H))
    x, h, d = (rng.standard_normal((T, B, k)).astype(np.float32) for k in (D, H, n))
    a, back = np.empty((B, n), np.float32), np.empty((B, H), np.float32)

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


def interleaved(ways: dict[str, Callable[[], None]], seconds: float) -> dict[str, float]:
    """Median time of each way in milliseconds; they take turns, so that a busy moment meets all of them."""
    for run in ways.values():
        run()
        run()
    times: dict[str, list[float]] = {name: [] for name in ways}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times[next(iter(ways))]) < 5:
        for name, run in ways.items():
            start = time.perf_counter()
            run()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def first_and_cached(name: str) -> tuple[float, float]:
    """Seconds until a cell's first training step is done, compiled afresh, and in a second process."""
    import subprocess
    import tempfile
    import textwrap

    code = f"""
        import time, numpy as np, numba, scipy.linalg.cython_blas, lstmcourse as lc
        cell = lc.cells.get({name!r})
        p = cell.init(input_size=2, hidden_size=3, rng=0)
        start = time.perf_counter()
        run = lc.unroll(cell, p, np.ones((2, 2, 2), np.float32), backend="numba")
        run.backward({{cell.output: np.ones((2, 2, 3), np.float32)}})
        print(time.perf_counter() - start)
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = os.environ | {"LSTMCOURSE_CACHE_DIR": folder}
        command = [sys.executable, "-c", textwrap.dedent(code)]
        spent = [
            float(subprocess.run(command, env=settings, capture_output=True, text=True, check=True).stdout)
            for _ in range(2)
        ]
    return spent[0], spent[1]


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cells", nargs="*", default=lc.cells.names())
    parser.add_argument(
        "--sizes", nargs="*", type=int, default=range(len(SIZES)), help="0 to 5, from the smallest"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="for each row of the table")
    parser.add_argument("--forward", action="store_true", help="the forward pass alone")
    parser.add_argument("--no-compile-times", action="store_true")
    options = parser.parse_args()
    torch, jax, cores = optional("torch"), optional("jax"), os.cpu_count() or 1
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}, {cores} cores, load {load:.1f}; {versions()}\n")
    print("Median ms of interleaved runs, float32, " + ("forward" if options.forward else "a training step"))
    names = ["numpy", "numba", "torch, 1 thread", f"torch, {cores} threads", "jax", "products"]
    print(f"\n| cell | T, B, D, H | {' | '.join(names)} | numba / best torch | numba / products |")
    print("|---|---|" + "---|" * (len(names) + 2))
    train = not options.forward
    for name in options.cells:
        cell = lc.cells.get(name)
        for size in (SIZES[k] for k in options.sizes):
            ways = {b: ours(cell, size, b, train) for b in lc.backends()}
            if torch is not None and name in PEERS:
                for n in sorted({1, cores}):
                    key = "torch, 1 thread" if n == 1 else f"torch, {n} threads"
                    ways[key] = by_torch(torch, name, size, train, n)
            if jax is not None and name == "lstm":
                ways["jax"] = by_jax(jax, size, train)
            ways["products"] = products(cell, size, train)
            found = interleaved(ways, options.seconds)
            best = min((v for k, v in found.items() if k.startswith("torch")), default=float("nan"))
            fast = found.get("numba", float("nan"))
            row = [f"{found[k]:.2f}" if k in found else "" for k in names]
            ratios = [f"{fast / best:.2f}", f"{fast / found['products']:.2f}"]
            text = " | ".join([name, ", ".join(map(str, size)), *row, *ratios]).replace("nan", "")
            print(f"| {text} |", flush=True)
    if "numba" in lc.backends() and not options.no_compile_times:
        print("\n| cell | first step, compiled afresh (s) | in a second process (s) |\n|---|---|---|")
        for name in options.cells:
            first, cached = first_and_cached(name)
            print(f"| {name} | {first:.1f} | {cached:.2f} |", flush=True)


if __name__ == "__main__":
    main()
