"""How a training step of an LSTM grows in time and memory: ``python benchmarks/growth.py --plot FILE``.

T, B and H grow, one at a time. Each way at each size is a process of its own, forked from this one (so not on
Windows): it makes a training step of a small size, then up to three of its own, and tells the best of their
times (of the processor, in one thread) and by how much its memory grew at most. It prints tables, and asserts
nothing. ``--small`` takes two sizes of T, for machines that only see that it runs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Callable

import numpy as np
from bench import optional, processor, versions

from lstmcourse.views.style import styled

D = 8
SWEEPS: dict[str, tuple[dict[str, int], list[int]]] = {
    "T": ({"B": 4, "H": 64}, [100, 300, 1_000, 3_000, 10_000, 30_000, 100_000]),
    "B": ({"T": 100, "H": 64}, [1, 4, 16, 64, 256, 1_024]),
    "H": ({"T": 100, "B": 4}, [16, 32, 64, 128, 256, 512, 1_024]),
}
"""What stays as it is, and what the size takes on."""

LIMIT = 192 * 2**20
"""Bytes, for the run that is bound to them."""

ENOUGH = 5.0
"""Seconds after which a way is not measured once more."""


def ours(T: int, B: int, H: int, backend: str, bound: bool) -> Callable[[], None]:
    """A training step by this package."""
    import lstmcourse as lc

    cell, rng = lc.cells.lstm, np.random.default_rng(0)
    params = cell.init(D, H, rng=rng)
    x = rng.standard_normal((T, B, D)).astype(np.float32)
    dh = np.ones((T, B, H), np.float32)
    how = {"checkpoint_every": "auto", "memory_limit": LIMIT} if bound else {}
    return lambda: lc.unroll(cell, params, x, backend=backend, **how).backward({"h": dh}) and None


def by_torch(T: int, B: int, H: int) -> Callable[[], None]:
    """A training step by PyTorch's module."""
    import torch
    from peers import by_torch

    return by_torch(torch, "lstm", (T, B, D, H), True, 1)


WAYS = {
    "NumPy": lambda *size: ours(*size, "numpy", False),
    "compiled": lambda *size: ours(*size, "numba", False),
    f"compiled, within {LIMIT // 2**20} MiB": lambda *size: ours(*size, "numba", True),
    "PyTorch": by_torch,
}


def in_use() -> float:
    """The most memory that this process had so far, in MB."""
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1e6 if sys.platform == "darwin" else 1e3)


ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def measured(name: str, T: int, B: int, H: int) -> dict[str, float]:
    """Milliseconds and MB of one way, in this process."""
    WAYS[name](3, 1, 2)()
    step, before, times = WAYS[name](T, B, H), in_use(), []
    for _ in range(3):
        start = time.process_time()
        step()
        times.append(time.process_time() - start)
        if sum(times) > ENOUGH:
            break
    return {"ms": 1e3 * min(times), "MB": in_use() - before}


Found = dict[str, dict[int, dict[str, float]]]
"""What was measured, by way and by size."""


@styled
def plot(found: dict[str, Found], path: str) -> None:
    """Draw time and memory against T, B and H, on logarithmic axes, for light and for dark pages."""
    from lstmcourse import plots

    fig, axes = plots.figure(9, 5.6, rows=2, columns=len(found), sharex="col", sharey="row")
    for column, (size, by_way) in zip(axes.T, found.items(), strict=True):
        fixed = ", ".join(f"{k} = {v}" for k, v in SWEEPS[size][0].items())
        for ax, what in zip(column, ("ms", "MB"), strict=True):
            for name, by_size in by_way.items():
                ax.plot(list(by_size), [max(v[what], 0.1) for v in by_size.values()], label=name)
            ax.set(xscale="log", yscale="log")
        column[0].set_title(fixed)
        column[-1].set_xlabel(size)
    axes[0, 0].set_ylabel("milliseconds")
    axes[1, 0].set_ylabel("MB")
    axes[0, 0].legend(fontsize="small")
    alt = "Time and memory of a training step of an LSTM against T, B and H, by way, on logarithmic axes."
    with open(path, "w", encoding="utf-8") as file:
        file.write(plots.picture(fig, alt=alt).svg + "\n")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="two small sizes of T alone")
    parser.add_argument("--plot", metavar="FILE", help="an SVG")
    options = parser.parse_args()
    if os.environ.get("OPENBLAS_NUM_THREADS") != "1":  # which is read when NumPy is loaded
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | ONE_THREAD)
    missing = {"PyTorch": optional("torch"), "compiled": optional("numba")}
    names = [n for n in WAYS if missing.get(n.partition(",")[0], True) is not None]
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}, load {load:.1f}; {versions()}")
    for name in names:
        if name != "PyTorch":  # whose gradients cannot be had on both sides of a fork
            WAYS[name](3, 1, 2)()
    alone = multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1)
    found: dict[str, Found] = {}
    for size, (fixed, values) in SWEEPS.items():
        if options.small and size != "T":
            continue
        given = ", ".join(f"{k} = {v}" for k, v in (fixed | {"D": D}).items())
        print(f"\nAn LSTM, {given}, float32, one thread: milliseconds, MB\n")
        print(f"| {size} | " + " | ".join(names) + " |\n|---|" + "---|" * len(names), flush=True)
        found[size] = {name: {} for name in names}
        for value in values[:2] if options.small else values:
            where = [(fixed | {size: value})[k] for k in "TBH"]
            for name in names:
                found[size][name][value] = alone.apply(measured, (name, *where))
            cells = [f"{v[value]['ms']:.1f}, {v[value]['MB']:.0f}" for v in found[size].values()]
            print(f"| {value:,} | " + " | ".join(cells) + " |", flush=True)
    if options.plot:
        plot(found, options.plot)


if __name__ == "__main__":
    main()
