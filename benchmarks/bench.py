"""Time every cell beside PyTorch, JAX and the products alone: ``make bench``.

Prints the machine, the versions, and a table in Markdown: medians of interleaved runs in milliseconds, and
ratios of them within one run. What is not installed is left out. ``--help`` lists the options.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import itertools
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Mapping

import numpy as np
from peers import by_jax, by_loop, by_torch, by_torchrecurrent, products, tiles

import lstmcourse as lc

SIZES = [
    (100, 1, 8, 16),
    (100, 16, 8, 32),
    (50, 32, 32, 64),
    (100, 32, 64, 128),
    (64, 32, 128, 256),
    (50, 64, 128, 512),
]


TURNS, PAUSE = 3, 0.25
"""How often each way takes its turn, and the seconds of rest ahead of each."""


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
    for name in ("numpy", "numba", "torch", "torchrecurrent", "jax"):
        module = optional(name)
        if module is not None:
            found.append(f"{name} {importlib.metadata.version(name)}")
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


def interleaved(ways: dict[str, Callable[[], None]], seconds: float) -> dict[str, float]:
    """Median time of each way in milliseconds; they take turns, so that a busy moment meets all of them.

    A turn begins with a pause, in which the threads of the way before it go to sleep (for a while they wait
    for more work, and take time from others), and with a run that does not count.
    """
    for run in ways.values():
        run()
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(TURNS):
        for name, run in ways.items():
            time.sleep(PAUSE)
            run()
            end = time.perf_counter() + seconds / TURNS / len(ways)
            for k in itertools.count():
                start = time.perf_counter()
                if k >= 2 and start > end:
                    break
                run()
                times[name].append(1e3 * (time.perf_counter() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def first_and_cached(name: str) -> tuple[float, float]:
    """Seconds until a cell's first training step is done, compiled afresh, and in a second process."""
    code = f"""
        import time, numpy as np, numba, lstmcourse as lc
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


def measured(name: str, size, options, peers: Mapping[str, object]) -> dict[str, float]:
    """Median times of one cell at one size, by way."""
    cell, train, cores = lc.cells.get(name), not options.forward, os.cpu_count() or 1
    ways: dict[str, Callable[[], None] | None] = {b: ours(cell, size, b, train) for b in lc.backends()}
    if name != "lstm" and "numba" in ways:
        ways["our lstm"] = ours(lc.cells.lstm, size, "numba", train)
    torch, package, jax = (peers[k] for k in ("torch", "torchrecurrent", "jax"))
    if torch is not None:
        for n in sorted({1, cores}):
            ways[f"torch {n}"] = by_torch(torch, name, size, train, n)
        ways["loop"] = by_loop(torch, name, size, train, 1)
        if options.compile:
            ways["compiled loop"] = by_loop(torch, name, size, train, 1, compiled=True)
        if package is not None:
            ways["torchrecurrent"] = by_torchrecurrent(torch, package, name, size, train, 1)
    if jax is not None:
        ways["jax"] = by_jax(jax, name, size, train)
    ways["products"] = products(cell, size, train)
    ways["tiles"] = tiles(cell, size, train)
    return interleaved({k: run for k, run in ways.items() if run is not None}, options.seconds)


RATIOS = {
    "numba / torch": ("numba", ("torch ",)),
    "numba / loop": ("numba", ("loop", "compiled loop", "torchrecurrent")),
    "numba / jax": ("numba", ("jax",)),
    "numba / products": ("numba", ("products",)),
    "numba / tiles": ("numba", ("tiles",)),
    "numba / our lstm": ("numba", ("our lstm",)),
    "numpy / torch": ("numpy", ("torch ",)),
}
"""Ours over the best of those whose names begin so."""


def ratio(found: Mapping[str, float], own: str, others: tuple[str, ...]) -> float | None:
    """One ratio of `RATIOS`, if both sides were measured."""
    best = min((v for k, v in found.items() if k.startswith(others)), default=None)
    return None if best is None or own not in found else found[own] / best


def table(results: Mapping[tuple, Mapping[str, float]]) -> str:
    """What was measured, in Markdown: milliseconds, and ratios."""
    columns = list(dict.fromkeys(way for found in results.values() for way in found if way != "our lstm"))
    ratios = [
        r
        for r, sides in RATIOS.items()
        if any(ratio(found, *sides) is not None for found in results.values())
    ]
    lines = [
        " | ".join(["cell", "T, B, D, H", *columns, *ratios]),
        " | ".join(["---"] * (2 + len(columns) + len(ratios))),
    ]
    for (name, size), found in results.items():
        cells = [f"{found[c]:.2f}" if c in found else "" for c in columns]
        shown = [ratio(found, *RATIOS[r]) for r in ratios]
        cells += ["" if v is None else f"{v:.2f}" for v in shown]
        lines.append(" | ".join([name, ", ".join(map(str, size)), *cells]))
    return "\n".join(f"| {line} |" for line in lines)


def plot(results: Mapping[tuple, Mapping[str, float]], path: str) -> None:
    """How much faster or slower than the best peer each cell is, at each size, as a picture."""
    import matplotlib.pyplot as plt

    from lstmcourse import plots

    names = list(dict.fromkeys(name for name, _ in results))
    sizes = list(dict.fromkeys(size for _, size in results))
    peers = ("torch ", "loop", "compiled loop", "torchrecurrent", "jax")
    fig, ax = plots.figure(8.0, 3.6)
    for number, name in enumerate(names):
        points = [(k, ratio(results[name, size], "numba", peers)) for k, size in enumerate(sizes)]
        points = [(k, v) for k, v in points if v is not None]
        if points:
            ax.plot(*zip(*points, strict=True), marker="osD^v"[number // 6 % 5], label=name)
    ax.axhline(1, linestyle=":", color="gray")
    ax.set(yscale="log", ylabel="time, ours / best peer", xlabel="T, B, D, H")
    ax.set_xticks(range(len(sizes)), [", ".join(map(str, size)) for size in sizes])
    ax.legend(ncols=4, fontsize="small")
    fig.savefig(path, metadata={"Date": None} if path.endswith(".svg") else None)
    plt.close(fig)


def import_times() -> str:
    """Median seconds that imports take in a process of their own."""
    rows = []
    for text in ("numpy", "lstmcourse", "numba", "lstmcourse, lstmcourse.compiled.gemm"):
        code = f"import time; start = time.perf_counter(); import {text}; print(time.perf_counter() - start)"
        spent = [
            float(
                subprocess.run(
                    [sys.executable, "-c", code], capture_output=True, text=True, check=True
                ).stdout
            )
            for _ in range(5)
        ]
        rows.append(f"| import {text} | {statistics.median(spent):.2f} |")
    return "\n".join(["| | seconds |", "|---|---|", *rows])


def memory(T: int = 10_000, B: int = 4, H: int = 64) -> str:
    """Peak memory of a training step of a long sequence, stored whole and with checkpoints."""
    import tracemalloc

    from lstmcourse.programs.pool import POOL

    rows = []
    for name in ("rnn", "lstm", "gru"):
        cell = lc.cells.get(name)
        params, x = cell.init(input_size=1, hidden_size=H, rng=0), np.zeros((T, B, 1), np.float32)
        dh, peaks = np.ones((T, B, H), np.float32), []
        for every in (None, 100):
            lc.unroll(cell, params, x[:2], checkpoint_every=every and 1).backward({"h": dh[:2]})
            POOL.clear()
            tracemalloc.start()
            lc.unroll(cell, params, x, checkpoint_every=every).backward({"h": dh}, inputs=False)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        numbers = peaks[0] / (4 * T * B * H)
        rows.append(f"| {name} | {peaks[0] / 1e6:.0f} | {numbers:.1f} | {peaks[1] / 1e6:.0f} |")
    head = "| cell | stored (MB) | numbers per step, sequence and unit | checkpoint_every=100 (MB) |"
    return "\n".join([head, "|---|---|---|---|", *rows])


def main() -> None:
    """Print the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cells", nargs="*", default=lc.cells.names())
    parser.add_argument(
        "--sizes", nargs="*", type=int, default=range(len(SIZES)), help="0 to 5, from the smallest"
    )
    parser.add_argument("--seconds", type=float, default=5.0, help="for each row of the table")
    parser.add_argument("--forward", action="store_true", help="the forward pass alone")
    parser.add_argument("--compile", action="store_true", help="loops by torch.compile too (takes minutes)")
    parser.add_argument("--plot", metavar="FILE", help="draw the ratios")
    parser.add_argument("--no-compile-times", action="store_true")
    options = parser.parse_args()
    peers = {name: optional(name) for name in ("torch", "torchrecurrent", "jax")}
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(
        f"{time.strftime('%Y-%m-%d')}, {processor()}, {os.cpu_count()} cores, load {load:.1f}; {versions()}\n"
    )
    kind = "forward" if options.forward else "a training step"
    print(f"Median milliseconds of interleaved runs, float32, {kind}.\n")
    results: dict[tuple, dict[str, float]] = {}
    for name in options.cells:
        for size in (SIZES[k] for k in options.sizes):
            results[name, size] = measured(name, size, options, peers)
            print(f"{name} {size} done", file=sys.stderr, flush=True)
    print(table(results))
    if options.plot:
        plot(results, options.plot)
    if not options.no_compile_times:
        print(f"\n{import_times()}\n\n{memory()}")
        if "numba" in lc.backends():
            print("\n| cell | first step, compiled afresh (s) | in a second process (s) |\n|---|---|---|")
            for name in options.cells:
                first, cached = first_and_cached(name)
                print(f"| {name} | {first:.1f} | {cached:.2f} |", flush=True)


if __name__ == "__main__":
    main()
