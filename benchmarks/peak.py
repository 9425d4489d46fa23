"""What a core can do, and what tiles of products make of it: ``python benchmarks/peak.py``.

The peak is a loop of independent fused multiply-adds that touch no memory. Beside it stand tiles of several
shapes, rows x vectors, with operands in the nearest cache: what `compiled/gemm.py` uses is marked. Each kind
of vectors has a process of its own. Times are those that the process has the processor for, the best of many
turns. At the end, what it takes to hand a piece of work to a second thread and to wait for it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

from bench import processor

AVX2 = {"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+sse2,+sse4.1,+sse4.2"}
"""What restricts Numba to vectors of 256 bits on a processor that has longer ones."""

SHAPES = {
    32: [(8, 2), (6, 2), (10, 2), (12, 2), (14, 2), (6, 3), (8, 3), (6, 4), (28, 1)],
    16: [(6, 2), (4, 2), (5, 2), (4, 3), (3, 4), (12, 1)],
}
"""Tiles by the number of registers."""

DEEP = 128
"""Length of the common axis."""


def measured(turns: int, seconds: float) -> None:
    """Print what this process reaches, in one dtype after the other."""
    import numpy as np
    from llvmlite import ir
    from numba import njit, types
    from numba.extending import intrinsic

    from lstmcourse.compiled import gemm, kernels, tiles
    from lstmcourse.compiled.kernels import pointer

    @intrinsic(prefer_literal=True)
    def independent(typing, chains, times, c):
        """Multiply and add into so many vectors, again and again; c holds the factors, and gets the sums."""
        count, dtype = chains.literal_value, c.dtype

        def make(context, builder, sig, args):
            emit = tiles._Tile(context, builder, dtype, count, 1, False)
            entry, size = builder.block, args[1].type
            body, end = (builder.function.append_basic_block(name) for name in ("along", "done"))
            factor = emit.load(args[2], 0, None)
            fused = emit.declared(f"llvm.fmuladd.{emit.name}", emit.kind, [emit.kind] * 3)
            builder.branch(body)
            builder.position_at_end(body)
            t = builder.phi(size)
            sums = [builder.phi(emit.kind) for _ in range(count)]
            more = [builder.call(fused, [factor, factor, s]) for s in sums]
            after = builder.add(t, size(1))
            builder.cbranch(builder.icmp_signed("<", after, args[1]), body, end)
            builder.position_at_end(end)
            t.add_incoming(size(0), entry)
            t.add_incoming(after, body)
            for k, (s, m) in enumerate(zip(sums, more, strict=True)):
                start = ir.Constant(emit.kind, [float(k)] * emit.lanes)  # no two are the same sum
                s.add_incoming(start, entry)
                s.add_incoming(m, body)
                emit.store(m, args[2], k, None)
            return context.get_dummy_value()

        return types.none(chains, types.intp, c), make

    def peak(dtype):
        chains, lanes = (16 if tiles.REGISTERS == 32 else 12), tiles.lanes(dtype)

        @njit(**kernels.OPTIONS)
        def run(at, times):
            independent(chains, times, pointer(at, 2, kind, 1, 2))

        return run, 2 * chains * lanes

    def tiled(dtype, rows, vectors):
        wide = vectors * tiles.lanes(dtype)

        @njit(**kernels.OPTIONS)
        def run(at, times):
            a, w, c = pointer(at, 0, kind, 0, 2), pointer(at, 1, kind, 0, 2), pointer(at, 2, kind, 1, 2)
            for _ in range(times):
                tiles.tile(rows, vectors, 0, wide, DEEP, a, DEEP, 1, w, wide, c, wide, c, wide, True)

        return run, 2 * rows * wide * DEEP

    for dtype in (types.float32, types.float64):
        kind = np.dtype(dtype.name).type
        arrays = [np.full(2**15, 1e-3, kind) for _ in range(3)]
        at = np.array([-(-a.ctypes.data // 64) * 64 for a in arrays], np.intp)
        ways = {"peak": peak(dtype)}
        ways |= {shape: tiled(dtype, *shape) for shape in SHAPES[tiles.REGISTERS]}
        rates = dict.fromkeys(ways, 0.0)
        times = {}
        for name, (run, work) in ways.items():
            run(at, 1)
            times[name] = max(1, int(seconds * 2e10 / work))
        for _ in range(turns):
            for name, (run, work) in ways.items():
                start = time.process_time()
                run(at, times[name])
                spent = time.process_time() - start
                rates[name] = max(rates[name], 1e-9 * work * times[name] / spent)
        bits, best = 8 * tiles.BYTES, rates.pop("peak")
        for (rows, vectors), rate in rates.items():
            used = " (in use)" * ((rows, vectors) == (gemm.ROWS, 2))
            shape = f"{rows} x {vectors}{used}"
            print(f"| {bits} | {dtype.name} | {best:.0f} | {shape} | {rate:.0f} | {rate / best:.2f} |")


def handed_over(turns: int = 2000) -> float:
    """Microseconds to give a second thread something to do, and to learn that it is done: the median."""
    from lstmcourse.compiled.native import _pool

    spent = []
    for _ in range(turns):
        start = time.perf_counter()
        _pool().submit(int).result()
        spent.append(time.perf_counter() - start)
    return 1e6 * sorted(spent)[turns // 2]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=0.02, help="for each turn of each shape, roughly")
    parser.add_argument("--here", action="store_true", help="in this process, with its vectors")
    options = parser.parse_args()
    from numba.core import codegen

    if options.here:
        measured(options.turns, options.seconds)
        return
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    print(f"{time.strftime('%Y-%m-%d')}, {processor()}, load {load:.1f}\n", flush=True)
    print(
        "| bits | dtype | peak, GFLOP/s | tile | GFLOP/s | of the peak |\n|---|---|---|---|---|---|",
        flush=True,
    )
    longer = "avx512f" in (codegen.get_host_cpu_features() or "").replace("-avx512f", "")
    for settings in [{}, AVX2] if longer else [{}]:
        command = [sys.executable, __file__, "--here", "--turns", str(options.turns)]
        subprocess.run([*command, "--seconds", str(options.seconds)], env=os.environ | settings, check=True)
    print(f"\nA piece of work handed to a second thread and back: {handed_over():.0f} us")


if __name__ == "__main__":
    main()
