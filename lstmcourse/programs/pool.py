"""Storage that is used again: arrays from a pool, given back when nobody holds them any more.

Fresh memory costs page faults, which for a training step can exceed the arithmetic. `Pool.empty` hands out
arrays over blocks kept by size; when the last array (or view of it) over a block is gone, the block
returns. So an array that a caller holds is never written to by a later run.
"""

from __future__ import annotations

import math
import threading

import numpy as np

from .threads import held_at_fork

__all__ = ["POOL", "Pool"]

BYTES = np.dtype(np.uint8)

SMALL = 65536
"""Bytes below which fresh memory is had in less time than a block."""


class _Block:
    """Memory on loan: the arrays made from it keep it alive, and its end returns the memory."""

    __slots__ = ("__array_interface__", "memory", "pool")

    def __init__(self, pool: Pool, memory: np.ndarray, shape: tuple[int, ...], dtype: np.dtype):
        self.pool, self.memory = pool, memory
        self.__array_interface__ = {
            "shape": shape, "typestr": dtype.str, "data": (memory.ctypes.data, False), "version": 3,
        }  # fmt: skip

    def __del__(self):
        self.pool._give_back(self.memory)


class Pool:
    """Blocks of memory by size.

    Parameters
    ----------
    limit : int
        Bytes that may lie idle; beyond it, blocks of the sizes known longest are freed.
    """

    def __init__(self, limit: int = 512 * 2**20):
        self.limit, self.idle = limit, 0
        self._free: dict[int, list[np.ndarray]] = {}
        self._lock = threading.RLock()

    def empty(self, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """An array with whatever is in memory."""
        dtype = np.dtype(dtype)
        count = math.prod(shape) * dtype.itemsize
        if count < SMALL:
            return np.empty(shape, dtype)
        with self._lock:
            blocks = self._free.get(count)
            memory = blocks.pop() if blocks else None
            if memory is not None:
                self.idle -= count
        if memory is None:
            memory = np.empty(count, np.uint8)
        return np.asarray(_Block(self, memory, tuple(shape), dtype))

    def room(self, count: int) -> np.ndarray:
        """That many bytes, with whatever is in memory."""
        return np.empty(count, BYTES) if count < SMALL else self.empty((count,), BYTES)

    def _give_back(self, memory: np.ndarray) -> None:
        with self._lock:
            if memory.nbytes > self.limit:
                return
            self.idle += memory.nbytes
            self._free.setdefault(memory.nbytes, []).append(memory)
            while self.idle > self.limit:  # sizes that came first are the likeliest to be out of use
                size, blocks = next(iter(self._free.items()))
                if blocks:  # all blocks of a size may be on loan
                    blocks.pop()
                    self.idle -= size
                else:
                    del self._free[size]

    def clear(self) -> None:
        """Free what lies idle."""
        with self._lock:
            self._free.clear()
            self.idle = 0


POOL = Pool()
held_at_fork(POOL._lock)
