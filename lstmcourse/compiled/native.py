"""The compiled back-end: from a printed program to machine code, and from arrays to addresses and back.

`load` gives a `Native`: called like the NumPy program of the same graph, it returns the same dict of arrays.
When it is first called, the program's text is compiled, or taken from the folder where it was kept
(`cache.py`). Numba is imported then, or when it is asked whether it can be (`why_not`).
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.util
import math
import os
import re
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from ..programs import pool as buffers  # noqa: F401 - its lock may be taken inside ours, so it is registered first
from ..programs.threads import allowed, at_fork, held_at_fork
from .cache import module
from .printer import IMPORTS
from .program import Buffer, CompiledProgram, NotCompiled

__all__ = ["Native", "available", "load", "module_text", "why_not"]

_LOCK = threading.RLock()
held_at_fork(_LOCK)


@functools.cache
def _unusable() -> str:
    """Why Numba cannot be used, or nothing; it is imported where it is installed."""
    try:
        if importlib.util.find_spec("numba") is None:
            return "the package numba is not installed: pip install numba"
        from . import kernels  # noqa: F401 - its import registers what programs are linked with
    except Exception as error:  # a library that does not load, a setting that it does not take
        return f"the package numba cannot be imported ({type(error).__name__}: {error})"
    return ""


def why_not() -> str:
    """Why nothing can be compiled here, in words; nothing if it can."""
    with _LOCK:
        problem = _unusable()
    if not problem and sys.modules["numba"].config.DISABLE_JIT:
        return "Numba's compiler is switched off: unset NUMBA_DISABLE_JIT"
    return problem


def available() -> bool:
    """Whether programs can be compiled here."""
    return not why_not()


HEAD = '''"""Compiled from the graph of the cell {name}. Written by lstmcourse, which may delete it."""
import math

import numpy as np

from lstmcourse.compiled import lowering
from lstmcourse.compiled.kernels import {imports}

F = np.{dtype}
build = lowering.program(cache={cache})
build_step = lowering.step(cache={cache})
'''


def module_text(program: CompiledProgram, name: str, dtype: Any, cache: bool = True) -> str:
    """The module that is compiled: the program's functions, and what they call."""
    used = [word for word in IMPORTS if f"{word}(" in program.text]
    shown = re.sub(r"[^\w(), .-]", "_", name)  # it stands in a docstring
    head = HEAD.format(
        name=shown, imports=", ".join(used or ["OPTIONS"]), dtype=np.dtype(dtype).name, cache=cache
    )
    functions = re.sub(r"^(?=def )", "@build\n", program.text, flags=re.M)
    functions = re.sub(r"^@build\n(?=def \w+\(sizes, at, t,)", "@build_step\n", functions, flags=re.M)
    return f"{head}\n\n{functions}"


@functools.cache
def linked(dtype: str) -> dict[str, int]:
    """Have the functions of `gemm.py` compiled, and tell the linker where they are: addresses by name.

    Parameters
    ----------
    dtype : str
        "float32" or "float64".
    """
    import llvmlite.binding

    source = Path(__file__).with_name("gemm.py").read_text(encoding="utf-8")
    source = source.replace("REAL = types.float32", f"REAL = types.{dtype}")
    made = module(lambda cache: source.replace("CACHE = False", f"CACHE = {cache}"))
    names = ("product", "begun_product", "lay_tiles", "tiled_product", "copy_rows", "add_rows", "zero_rows")
    addresses = {name: getattr(made, name).address for name in names}
    for name, address in addresses.items():
        llvmlite.binding.add_symbol(f"lstmcourse_{name}_{dtype}", address)
    _KEPT.append(made)
    return addresses


_KEPT: list[ModuleType] = []


@functools.cache
def caller() -> ModuleType:
    """`caller.py`, compiled: what calls the functions of programs."""
    source = Path(__file__).with_name("caller.py").read_text(encoding="utf-8")
    return module(lambda cache: source.replace("CACHE = False", f"CACHE = {cache}"))


def load(program: CompiledProgram, name: str, dtype: Any) -> Native:
    """What runs a program; it is compiled, or taken from the cache, when it is first called."""
    return Native(program, name, np.dtype(dtype))


def _functions(program: CompiledProgram, name: str, dtype: np.dtype) -> list[Any]:
    """The functions of a program, compiled; NotCompiled where that cannot be done."""
    with _LOCK:
        if problem := why_not():
            raise NotCompiled(problem)
        try:
            linked(dtype.name)
            caller()
            made = module(lambda cache: module_text(program, name, dtype, cache))
        except Exception as error:
            warnings.warn(
                f"{name} could not be compiled, and runs on NumPy: {type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
            raise NotCompiled(str(error)) from error
        return [getattr(made, f.name) for f in program.functions]


# Calls

BYTES = np.dtype(np.uint8)

TOGETHER = 65536
"""Up to how many bytes returned arrays share one piece of memory: who keeps one of them keeps all."""


def _address(a: np.ndarray) -> int:
    """Where an array in one piece begins; the buffer protocol says it in a quarter of the time."""
    try:
        return ctypes.addressof(ctypes.c_char.from_buffer(a))
    except (TypeError, ValueError, BufferError):  # empty, or not to be written to
        return a.__array_interface__["data"][0]


class Plan:
    """What a program allocates for one set of sizes."""

    def __init__(self, program: CompiledProgram, sizes: Mapping[str, int], dtype: np.dtype):
        for a, b in program.equal:
            if a.value(sizes) != b.value(sizes):
                raise NotCompiled(f"sizes {a} = {a.value(sizes)} and {b} = {b.value(sizes)} differ")

        def shape(buffer: Buffer) -> tuple[int, ...]:
            return tuple(axis.value(sizes) for axis in buffer.axes)

        def kind(buffer: Buffer) -> np.dtype:
            return np.dtype(bool) if buffer.boolean else dtype

        self.sizes = np.array([sizes[k] for k in ("T", "B", *program.sizes.values())], np.intp)
        index = {k: n for n, k in enumerate(program.variables)}
        self.count = len(index)
        self.expected = [(k, index[k], shape(b), kind(b)) for k, b in program.expected.items()]
        self._zeros: dict[str, tuple[int, np.ndarray]] = {}
        returned = {v.variable for v in program.results.values()}
        self.rooms: list[int] = []
        self.scratch: list[tuple[str, int]] = []
        kept: dict[str, Buffer] = {}
        self.room = 0
        for k, b in program.buffers.items():
            size = math.prod(shape(b)) * kind(b).itemsize
            size = -(-size // 64) * 64
            if k in returned:
                kept[k] = b
                self.rooms.append(size)
            else:
                self.scratch.append((k, self.room))
                self.room += size
        self.kept_at = np.array([index[k] for k in kept], np.intp)
        self.kept_from = np.zeros(len(kept), np.intp)
        self.scratch_at = np.array([index[k] for k, _ in self.scratch], np.intp)
        self.scratch_from = np.array([offset for _, offset in self.scratch], np.intp)
        self.together = sum(self.rooms) <= TOGETHER
        if self.together:
            self.kept_from[1:] = np.cumsum(self.rooms[:-1])
            self.rooms = [sum(self.rooms)]
        lies = {k: (0, int(self.kept_from[n])) if self.together else (n, 0) for n, k in enumerate(kept)}
        self.parts: list[tuple[int, int, int]] = []
        self.most = 0
        for f in program.functions:  # rows, multiplications, and how many rows a thread should have
            rows = sizes["B"] if f.rows is None else f.rows.value(sizes)
            work = 0 if f.rows is None else f.work.value(sizes)
            self.parts.append((rows, work, SEQUENCES) if f.loop else (rows, SOONER * work, ROWS))
            self.most = max(self.most, work)
        self.sizes_at = _address(self.sizes)
        self.known = {at.variable for at in program.storage.values() if at.width is not None}
        self.results: dict[str, tuple] = {}
        for key, v in program.results.items():
            wanted = tuple(d.value(sizes) for d in v.shape)
            size = kind(kept[v.variable]).itemsize
            room, offset = lies[v.variable]
            strides = tuple(d.value(sizes) * size for d in v.strides)
            near = tuple(size * math.prod(wanted[n + 1 :]) for n in range(len(wanted)))
            offset += v.offset.value(sizes) * size
            self.results[key] = (
                room,
                offset,
                wanted,
                kind(kept[v.variable]),
                None if strides == near else strides,
            )

    def zero(self, name: str, shape: tuple[int, ...], kind: np.dtype) -> int:
        """Where zeros for an argument lie, which no program writes to."""
        found = self._zeros.get(name)
        if found is None:
            made = np.zeros(shape, kind)
            found = self._zeros.setdefault(name, (_address(made), made))  # another thread's may be in use
        return found[0]

    def lies(self, key: str) -> tuple[int, int] | None:
        """In which room what is returned under a key begins, and where; None where that is not enough."""
        room, offset, _, _, strides = self.results[key]
        return (room, offset) if strides is None or key in self.known else None


class Stored(dict):
    """What a program gives, by name: an array is made of it when it is first asked for."""

    def __init__(self, plan: Plan, rooms: list[np.ndarray]):
        self.plan, self.rooms = plan, rooms

    def __missing__(self, key: str) -> np.ndarray:
        room, offset, shape, kind, strides = self.plan.results[key]
        if 0 in shape:
            made = np.empty(shape, kind)
        else:
            made = np.ndarray(shape, kind, self.rooms[room], offset, strides)
        return self.setdefault(key, made)

    def __contains__(self, key: object) -> bool:
        return key in self.plan.results

    def place(self, key: str) -> Any:
        """What a program that reads it is given: where it begins, or an array where that is not enough."""
        at = self.plan.lies(key)
        return self[key] if at is None else _address(self.rooms[at[0]]) + at[1]


class Native:
    """A compiled program. Called with T, B, sizes, arrays and ``empty``, it returns a dict of arrays.

    Parameters
    ----------
    program : CompiledProgram
    name : str
        The cell's.
    dtype : dtype
    """

    def __init__(self, program: CompiledProgram, name: str, dtype: np.dtype):
        self.program, self.name, self.dtype = program, name, dtype
        self.names = ("T", "B", *program.sizes.values())
        self.plans: dict[tuple[int, ...], Plan] = {}
        self._functions: list[Any] | None = None

    @property
    def functions(self) -> list[Any]:
        """Machine code, in the order of calls: each takes sizes, addresses, and which rows."""
        if self._functions is None:
            with _LOCK:  # who waited for another thread finds them
                self._functions = self._functions or _functions(self.program, self.name, self.dtype)
        return self._functions

    def plan(self, sizes: tuple[int, ...]) -> Plan:
        """What is allocated, worked out once for each set of sizes."""
        plan = self.plans.get(sizes)
        if plan is None:
            if len(self.plans) > 64:
                self.plans.clear()
            plan = Plan(self.program, dict(zip(self.names, sizes, strict=True)), self.dtype)
            self.plans[sizes] = plan
        return plan

    def __call__(self, *, empty: Callable, **given: Any) -> Stored:
        """Run it: `empty` makes arrays, the other arguments are those of the NumPy program.

        An argument may also be the address of what another program stored, as `Stored.place` gives it.
        """
        plan = self.plan(tuple([given[k] for k in self.names]))
        addresses = np.empty(plan.count, np.intp)
        alive = []
        for name, at, shape, kind in plan.expected:
            a = given[name]
            if type(a) is int:
                addresses[at] = a
                continue
            if type(a) is float and a == 0.0:  # where nothing comes in
                addresses[at] = plan.zero(name, shape, kind)
                continue
            if not (
                isinstance(a, np.ndarray)
                and a.shape == shape
                and a.dtype == kind
                and a.flags.c_contiguous
                and a.flags.aligned
            ):
                a = fitted(a, shape, kind)
                alive.append(a)
            addresses[at] = _address(a)
        rooms = [empty(size, dtype=BYTES) for size in plan.rooms]
        begin = [_address(room) for room in rooms]
        addresses[plan.kept_at] = plan.kept_from + (begin[0] if plan.together else begin)
        if plan.scratch:
            room = empty(plan.room, dtype=BYTES)
            alive.append(room)
            addresses[plan.scratch_at] = plan.scratch_from + _address(room)
        self._run(plan, addresses, given["B"])
        return Stored(plan, rooms)

    def _run(self, plan: Plan, addresses: np.ndarray, batch: int) -> None:
        """Call the functions in order: what is worth it in several threads, each with some of the rows."""
        threads = allowed() if plan.most >= SHARED else 1
        functions = self.functions
        with _SHARING if threads > 1 else contextlib.nullcontext():
            self._share(functions, plan, addresses, threads)

    def _share(self, functions: list[Any], plan: Plan, addresses: np.ndarray, threads: int) -> None:
        where = plan.sizes_at, _address(addresses)
        for function, (rows, work, least) in zip(functions, plan.parts, strict=True):
            parts = min(threads, rows // least) if work >= SHARED else 1
            if parts < 2:
                _part(function, *where, 0, rows)
                continue
            bounds = [rows * k // parts for k in range(parts + 1)]
            others = [
                _pool().submit(_part, function, *where, first, last)
                for first, last in zip(bounds[1:-1], bounds[2:], strict=True)
            ]
            try:
                _part(function, *where, 0, bounds[1])
            finally:
                for other in others:
                    other.result()


def _part(function: Any, sizes: int, at: int, first: int, last: int) -> None:
    """Call one function of a program for some rows."""
    caller().part(function.address, sizes, at, first, last)


SHARED = 30_000_000
"""From how many multiplications threads share the rows of a product, or the sequences of a loop.

Waking a thread and waiting for it takes as long as some 5 million.
"""

SOONER = 4
"""Where one function is shared, products are from a fourth of that on: the other thread is awake by then."""

SEQUENCES, ROWS = 8, 32
"""How many sequences of a loop, or rows of a product, a thread should have at least."""


_SHARING = threading.RLock()
"""Held while work is shared out, so that no fork comes in between."""


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max(1, (os.cpu_count() or 1) - 1), thread_name_prefix="lstmcourse")


def _end_pool() -> None:
    """End the threads, which a forked process would not have: both processes start them anew when needed."""
    if _pool.cache_info().currsize:
        _pool().shutdown()
        _pool.cache_clear()


at_fork(before=_end_pool)
held_at_fork(_SHARING)  # last, so first at a fork


def fitted(a: Any, shape: tuple[int, ...], kind: np.dtype) -> np.ndarray:
    """An argument as the program reads it: in one piece, and as large as it should be."""
    if isinstance(a, float):
        return np.full(shape, a, kind)
    try:
        a = np.broadcast_to(np.asarray(a, kind), shape)
    except ValueError:
        raise NotCompiled(f"an argument of shape {np.shape(a)} where {shape} was expected") from None
    return np.require(a, kind, ["C", "A"])
