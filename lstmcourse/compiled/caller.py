"""Calls into compiled programs: what is compiled once for all of them, and called from Python.

`part` calls one function of a program. `fit` and `run` make a whole call that was prepared (`prepared.py`).
`fit` looks at arrays where CPython and NumPy keep them, so that a dozen are checked, and their addresses
taken, in the time in which Python would look at one. It relies on what extensions are compiled against: the
fields of ``PyArrayObject``, in their order, after the head that every object has. It changes none of them,
and looks into nothing but plain arrays. `prepared.trusted` tries it out before it is used.
"""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from lstmcourse.compiled import kernels
from lstmcourse.compiled.kernels import Pointer

CACHE = False

HEAD = object.__basicsize__
"""Bytes of an object ahead of its own fields; the last of them say its type."""

ITEMS = tuple.__basicsize__
"""Where a tuple's items begin."""

WORD = types.intp.bitwidth // 8

TYPE, DATA, NDIM, SHAPE, DTYPE, FLAGS = (HEAD + k * WORD for k in (-1, 0, 1, 2, 5, 6))
"""Where a plain array says these: its class, where its numbers lie, how many axes, their lengths, ..."""

CLEAN = 0x101
"""The flags of an array in one piece, at an address that suits its dtype."""

EXPONENT_32, EXPONENT_64 = 0x7F800000, 0x7FF0000000000000
"""The bits that are all 1 in infinities and NaN, and in no other number."""


@intrinsic
def _at(typing, address, dtype):
    """What lies at an address, as numbers of a kind."""
    kind = Pointer(dtype.dtype, 0, 0)

    def make(context, builder, sig, args):
        return builder.inttoptr(args[0], context.get_value_type(sig.return_type))

    return kind(types.intp, dtype), make


@intrinsic
def _invoke(typing, function, sizes, at, first, last):
    """Call what lies at an address: a function of a program."""

    def make(context, builder, sig, args):
        word = context.get_value_type(types.intp)
        kind = ir.FunctionType(ir.VoidType(), [word.as_pointer()] * 2 + [word] * 2)
        places = [builder.inttoptr(a, word.as_pointer()) for a in args[1:3]]
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), [*places, *args[3:]])
        return context.get_dummy_value()

    return types.none(*[types.intp] * 5), make


@kernels.compiled()
def _finite(numbers, n, exponent):
    """Whether none of n numbers, given by their bits, is infinite or NaN."""
    found = 0
    for k in range(n):
        found |= (numbers[k] & exponent) == exponent
    return found == 0


@kernels.compiled()
def _fits(array, wanted, plain, dtype):
    """Whether this is a plain array in one piece, of a dtype and a shape; where asked, of finite numbers."""
    if _at(array + TYPE, types.intp)[0] != plain or _at(array + DTYPE, types.intp)[0] != dtype:
        return False
    axes = _at(wanted, types.intp)
    ndim, width = axes[0], axes[1]
    if _at(array + NDIM, types.int32)[0] != ndim or _at(array + FLAGS, types.int32)[0] & CLEAN != CLEAN:
        return False
    shape, count = _at(_at(array + SHAPE, types.intp)[0], types.intp), 1
    for k in range(ndim):
        if shape[k] != axes[2 + k]:
            return False
        count *= shape[k]
    data = _at(array + DATA, types.intp)[0]
    if width == 4:
        return _finite(_at(data, types.uint32), count, types.uint32(EXPONENT_32))
    if width == 8:
        return _finite(_at(data, types.uint64), count, types.uint64(EXPONENT_64))
    return True


@njit(types.void(*[types.intp] * 5), cache=CACHE, **kernels.OPTIONS)
def part(function, sizes, at, first, last):
    """Call one function of a program: its address, those of two arrays, and which rows."""
    _invoke(function, sizes, at, first, last)


@njit(types.intp(types.intp, types.intp), cache=CACHE, **kernels.CALLED)
def fit(table, objects):
    """Where the addresses of a call stand, if the arrays of a tuple are as they should be; 0 if not.

    It reads Python's objects, so it keeps hold of the interpreter. The table says (`prepared.Prepared` writes
    it): how many arrays, addresses and functions there are, the class and the dtype of arrays, which of the
    objects has room for the addresses, and where in the table the functions are. Then for each array how many
    axes, how wide its numbers are if they must be finite (else 0), and its shape; for each address, which
    object's numbers it lies in (-1: in none) and how far. What `run` reads follows.
    """
    words, items = _at(table, types.intp), _at(objects + ITEMS, types.intp)
    plain, dtype, row = words[3], words[4], 7
    for k in range(words[0]):
        if not _fits(items[k], table + row * WORD, plain, dtype):
            return 0
        row += 2 + words[row]
    at = _at(items[words[5]] + DATA, types.intp)[0]
    to = _at(at, types.intp)
    for k in range(words[1]):
        which = words[row]
        begin = 0 if which < 0 else _at(items[which] + DATA, types.intp)[0]
        to[k] = begin + words[row + 1]
        row += 2
    return at


@njit(types.void(types.intp, types.intp), cache=CACHE, **kernels.OPTIONS)
def run(table, at):
    """Call all functions of a program in turn: the table has the address and the rows of each, then sizes."""
    words = _at(table, types.intp)
    count, row = words[2], words[6]
    sizes = table + (row + 2 * count) * WORD
    for _ in range(count):
        _invoke(words[row], sizes, at, 0, words[row + 1])
        row += 2
