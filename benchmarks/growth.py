"""How time and memory of a training step of an LSTM grow with T: ``python benchmarks/growth.py --plot FILE``.

Each way at each length is a process of its own: it makes a training step of a few steps, then three of T, and
tells the best of their times (of the processor, in one thread) and by how much its memory grew at most. It
prints a table, and asserts nothing. ``--small`` ends at T = 1,000, for machines that only see that it runs.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from bench import optional, processor, versions

LENGTHS = [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000]
B, D, H = 4, 8, 64
LIMIT = 192 * 2**20
"""Bytes, for the run that is bound to them."""


def ours(T: int, backend: str, bound: bool) -> Callable[[], None]:
    """A training step by this package."""
    import lstmcourse as lc

    cell, rng = lc.cells.lstm, np.random.default_rng(0)
    params = cell.init(D, H, rng=rng)
    x = rng.standard_normal((T, B, D)).astype(np.float32)
    dh = np.ones((T, B, H), np.float32)
    how = {"checkpoint_every": "auto", "memory_limit": LIMIT} if bound else {}
    return lambda: lc.unroll(cell, params, x, backend=backend, **how).backward({"h": dh}) and None


def by_torch(T: int) -> Callable[[], None]:
    """A training step by PyTorch's module."""
    import torch
    from peers import by_torch

    return by_torch(torch, "lstm", (T, B, D, H), True, 1)


WAYS = {
    "NumPy": lambda T: ours(T, "numpy", False),
    "compiled": lambda T: ours(T, "numba", False),
    f"compiled, within {LIMIT // 2**20} MiB": lambda T: ours(T, "numba", True),
    "PyTorch": by_torch,
}


def in_use() -> float:
    """The most memory that this process had so far, in MB."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


def measured(name: str, T: int) -> dict[str, float]:
    """Milliseconds and MB of one way, in this process."""
    WAYS[name](10)()
    step, before, times = WAYS[name](T), in_use(), []
    for _ in range(3):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
    return {"ms": 1e3 * min(times), "MB": in_use() - before}


def plot(found: dict[str, dict[int, dict[str, float]]], path: str) -> None:
    """Draw both against T, on logarithmic axes."""
    import matplotlib.pyplot as plt

    fig, axes = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for ax, what in zip(axes, ("ms", "MB"), strict=True):
        for marker, (name, by_length) in zip("osD^", found.items(), strict=False):
            ax.plot(
                list(by_length), [max(v[what], 0.1) for v in by_length.values()], marker=marker, label=name
            )
        ax.set(xscale="log", yscale="log", xlabel="T", ylabel=what)
    axes[0].legend(fontsize="small")
    fig.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)
    plt.close(fig)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="no more than 1,000 steps")
    parser.add_argument("--plot", metavar="FILE")
    parser.add_argument("--one", nargs=2, metavar=("WAY", "T"), help="in this process: print it as JSON")
    options = parser.parse_args()
    if options.one:
        print(json.dumps(measured(options.one[0], int(options.one[1]))))
        return
    missing = {"PyTorch": optional("torch"), "compiled": optional("numba")}
    names = [n for n in WAYS if missing.get(n.partition(",")[0], True) is not None]
    lengths = [T for T in LENGTHS if T <= 1000 or not options.small]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}, load {load:.1f}; {versions()}\n")
    print(f"An LSTM, B = {B}, D = {D}, H = {H}, float32, one thread: milliseconds, MB\n")
    print("| T | " + " | ".join(names) + " |\n|---|" + "---|" * len(names), flush=True)
    found: dict[str, dict[int, dict[str, float]]] = {name: {} for name in names}
    settings = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    for T in lengths:
        for name in names:
            done = subprocess.run(
                [sys.executable, __file__, "--one", name, str(T)],
                env=settings, capture_output=True, text=True, check=True,
            )  # fmt: skip
            found[name][T] = json.loads(done.stdout)
        cells = [f"{found[name][T]['ms']:.1f}, {found[name][T]['MB']:.0f}" for name in names]
        print(f"| {T:,} | " + " | ".join(cells) + " |", flush=True)
    if options.plot:
        plot(found, options.plot)


if __name__ == "__main__":
    main()
