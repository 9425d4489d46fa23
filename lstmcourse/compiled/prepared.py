"""A call of a compiled program, prepared: for arrays that lie anywhere, but are made as those once were.

What a call needs beside them, where each array that is returned begins, which rows there are, is worked out
once and written into a table, which `caller.fit` and `caller.run` read.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from ..programs.pool import Pool
from . import native
from .native import Native, Plan, Stored

__all__ = ["Prepared", "trusted"]

WORD = np.dtype(np.intp).itemsize


class Prepared:
    """A program, with sizes, and arrays of which one knows the shape.

    Parameters
    ----------
    function : Native
    plan : Plan
        For the sizes.
    arrays : sequence of (shape, bool)
        What is given, in order; and whether it must be finite.
    rooms : int
        How many pieces of memory are given after them, in which other things lie.
    sources : mapping
        Where each argument lies: ``(which of all that, how many bytes in)``; or an array, or 0.0, that stays.
    """

    def __init__(
        self,
        function: Native,
        plan: Plan,
        arrays: Sequence[tuple[tuple[int, ...], bool]],
        rooms: int,
        sources: Mapping[str, Any],
    ):
        self.function, self.plan = function, plan
        self._kept: list[np.ndarray] = []
        own = len(arrays) + rooms
        last = own + len(plan.rooms)  # the addresses come first there, then what nobody asks for afterwards
        first = -(-plan.count * WORD // 64) * 64
        self._room = first + plan.room
        lies = [(-1, 0)] * plan.count
        for name, at, shape, kind in plan.expected:
            lies[at] = self._source(sources[name], name, shape, kind)
        for n, (at, offset) in enumerate(zip(plan.kept_at, plan.kept_from, strict=True)):
            lies[at] = (own if plan.together else own + n, offset)
        for at, offset in zip(plan.scratch_at, plan.scratch_from, strict=True):
            lies[at] = (last, first + offset)
        width = function.dtype.itemsize
        names = [f.name for f in function.program.functions]
        calls = [
            (name in function.program.lasting, f.address, rows)
            for name, f, (rows, _, _) in zip(names, function.functions, plan.parts, strict=True)
        ]
        checks = [[len(shape), width * finite, *shape] for shape, finite in arrays]
        body = list(chain(*checks, *lies))

        def table(calls: list) -> np.ndarray:
            head = [len(checks), len(lies), len(calls), id(np.ndarray), id(function.dtype), last]
            words = [*head, len(head) + 1 + len(body), *body, *chain(*calls), *plan.sizes]
            return np.array(words, np.intp)

        self._tables = table([call for _, *call in calls]), table([call for same, *call in calls if not same])
        self._every, self._rest = (t.ctypes.data for t in self._tables)
        self._fit, self._run = native.caller().fit, native.caller().run

    def _source(self, source: Any, name: str, shape: tuple[int, ...], kind: np.dtype) -> tuple[int, int]:
        if isinstance(source, tuple):
            return source
        if isinstance(source, float) and source == 0.0:
            return -1, self.plan.zero(name, shape, kind)
        self._kept.append(native.fitted(source, shape, kind))
        return -1, self._kept[-1].ctypes.data

    def __call__(
        self, objects: Sequence[Any], pool: Pool, kept: dict[Prepared, np.ndarray] | None = None
    ) -> Stored | None:
        """Call it, if all are as they should be; else nothing has happened.

        It is not called where the work is worth sharing out: threads are another matter. What it makes of
        parameters and static inputs alone lies in `kept`, if that is given, and is not made again.
        """
        if self.plan.most >= native.SHARED:
            return None
        rooms, table = [*map(pool.room, self.plan.rooms)], self._every
        if kept is None or (room := kept.get(self)) is None:
            room = pool.room(self._room)
        else:
            table = self._rest
        whole = (*objects, *rooms, room)
        at = self._fit(table, id(whole))
        if not at:
            return None
        self._run(table, at)
        if kept is not None:
            kept[self] = room
        return Stored(self.plan, rooms)


@functools.cache
def trusted() -> bool:
    """Whether `caller.fit` sees arrays here as NumPy does: tried out on some, once."""
    good = np.arange(6.0).reshape(2, 3)
    room = np.zeros(2, np.intp)
    head = [1, 1, 0, id(np.ndarray), id(good.dtype), 1, 13]
    table = np.array([*head, 2, 8, 2, 3, 0, 16], np.intp)

    def seen(a: Any) -> bool:
        both = a, room
        return native.caller().fit(table.ctypes.data, id(both)) == room.ctypes.data

    kind = type("Kind", (np.ndarray,), {})
    bad = [
        None, 1.0, good.view(kind), good[None], good.T, good.T.copy().T, good[:, ::-1],
        good.astype("f4"), good.astype("i8"), good.astype(good.dtype.newbyteorder()),
        good * np.nan, np.full((2, 3), -np.inf), np.ndarray((2, 3), good.dtype, bytearray(64), 1),
    ]  # fmt: skip
    return seen(good) and int(room[0]) == good.ctypes.data + 16 and not any(map(seen, bad))
