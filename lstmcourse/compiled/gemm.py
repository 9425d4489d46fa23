"""Products of matrices and copies: what every compiled program calls, compiled once for all of them.

`native.linked` has this file compiled for each dtype, and registers the addresses of its functions, so that a
program is linked with them and need not compile them again.
"""

from __future__ import annotations

from numba import cfunc, types

from lstmcourse.compiled import kernels, tiles
from lstmcourse.compiled.kernels import promised, zero
from lstmcourse.compiled.tiles import BLOCK, stack, tile

REAL = types.float32
CACHE = False

P, N, FLAG = types.CPointer(REAL), types.intp, types.boolean

LANES = tiles.lanes(REAL)
WIDTH = 2 * LANES
"""Columns of a panel: what a tile covers."""

ROWS = 8 if tiles.REGISTERS == 32 else 6
"""Rows of a tile: as many as the processor's registers hold."""

REPEATED = 4 * ROWS
"""Rows from which it pays to lay a panel of the right factor in one piece first."""

ROOM = BLOCK * WIDTH


@kernels.compiled()
def panel(m, n, k, a, a_row, a_col, w, w_row, c, c_row, b, b_row, keep):
    """All rows of a panel of at most WIDTH columns, tile after tile: c = a w, or c = b + a w."""
    if n == WIDTH:
        while m >= ROWS:
            tile(ROWS, 2, 0, n, k, a, a_row, a_col, w, w_row, c, c_row, b, b_row, keep)
            m, a, b, c = m - ROWS, a + ROWS * a_row, b + ROWS * b_row, c + ROWS * c_row
        if m >= 4:
            tile(4, 2, 0, n, k, a, a_row, a_col, w, w_row, c, c_row, b, b_row, keep)
            m, a, b, c = m - 4, a + 4 * a_row, b + 4 * b_row, c + 4 * c_row
        if m >= 2:
            tile(2, 2, 0, n, k, a, a_row, a_col, w, w_row, c, c_row, b, b_row, keep)
            m, a, b, c = m - 2, a + 2 * a_row, b + 2 * b_row, c + 2 * c_row
        if m >= 1:
            tile(1, 2, 0, n, k, a, a_row, a_col, w, w_row, c, c_row, b, b_row, keep)
    elif n > LANES:
        n -= LANES
        while m >= ROWS:
            tile(ROWS, 2, 1, n, k, a, a_row, a_col, w, w_row, c, c_row, b, b_row, keep)
            m, a, b, c = m - ROWS, a + ROWS * a_row, b + ROWS * b_row, c + ROWS * c_row
        while m >= 1:
            tile(1, 2, 1, n, k, a, a_row, a_col, w, w_row, c, c_row, b, b_row, keep)
            m, a, b, c = m - 1, a + a_row, b + b_row, c + c_row
    else:
        while m >= ROWS:
            tile(ROWS, 1, 1, n, k, a, a_row, a_col, w, w_row, c, c_row, b, b_row, keep)
            m, a, b, c = m - ROWS, a + ROWS * a_row, b + ROWS * b_row, c + ROWS * c_row
        while m >= 1:
            tile(1, 1, 1, n, k, a, a_row, a_col, w, w_row, c, c_row, b, b_row, keep)
            m, a, b, c = m - 1, a + a_row, b + b_row, c + c_row


@kernels.compiled()
def lay(n, k, w, w_row, w_col, out):
    """Lay k rows and n columns of w in one piece, WIDTH columns wide."""
    out, w = promised(out, 0, 2), promised(w, 1, 2)
    if w_col == 1:
        for p in range(k):
            to, there = out + p * WIDTH, w + p * w_row
            for j in range(n):
                to[j] = there[j]
    else:
        for p in range(k):
            to, there = out + p * WIDTH, w + p * w_row
            for j in range(n):
                to[j] = there[j * w_col]


@kernels.compiled()
def multiply(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, b, b_row, keep):
    """Make c (m, n) = a (m, k) w (k, n), or c = b + a w."""
    room = stack(c, ROOM)
    direct = w_col == 1 and m < REPEATED
    for p in range(0, max(k, 1), BLOCK):
        deep = min(BLOCK, k - p)
        for j in range(0, n, WIDTH):
            wide = min(WIDTH, n - j)
            here, there, at = a + p * a_col, w + (p * w_row + j * w_col), c + j
            begin, begin_row = (b + j, b_row) if p == 0 else (at, c_row)
            more = keep or p > 0
            if direct:
                panel(m, wide, deep, here, a_row, a_col, there, w_row, at, c_row, begin, begin_row, more)
            else:
                lay(wide, deep, there, w_row, w_col, room)
                panel(m, wide, deep, here, a_row, a_col, room, WIDTH, at, c_row, begin, begin_row, more)


@cfunc(types.void(N, N, N, P, N, N, P, N, N, P, N, FLAG), cache=CACHE, **kernels.CALLED)
def product(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, keep):
    """Make c (m, n) = a (m, k) w (k, n), or c += a w; a and w may lie anyhow, each row of c in one piece."""
    a, w, c = promised(a, 0, 0), promised(w, 0, 0), promised(c, 0, 0)
    multiply(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, c, c_row, keep)


@cfunc(types.void(N, N, N, P, N, N, P, N, N, P, N, P, N), cache=CACHE, **kernels.CALLED)
def begun_product(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, b, b_row):
    """Make c = b + a w; with b_row = 0, one row of b is added to each row."""
    a, w, c, b = promised(a, 0, 0), promised(w, 0, 0), promised(c, 0, 0), promised(b, 0, 0)
    multiply(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, b, b_row, True)


@cfunc(types.void(N, N, P, N, N, P), cache=CACHE, **kernels.CALLED)
def lay_tiles(n, k, w, w_row, w_col, out):
    """Bring w (k, n) into the order in which `tiled_product` reads it: panel by panel, each in one piece."""
    w, out = promised(w, 0, 0), promised(out, 0, 0)
    for j in range(0, n, WIDTH):
        lay(min(WIDTH, n - j), k, w + j * w_col, w_row, w_col, out + j * k)


@cfunc(types.void(N, N, N, P, N, N, P, P, N, FLAG), cache=CACHE, **kernels.CALLED)
def tiled_product(m, n, k, a, a_row, a_col, w, c, c_row, keep):
    """Make c = a w, or c += a w, where w was laid by `lay_tiles`."""
    a, w, c = promised(a, 0, 0), promised(w, 0, 0), promised(c, 0, 0)
    for p in range(0, max(k, 1), BLOCK):
        deep = min(BLOCK, k - p)
        for j in range(0, n, WIDTH):
            there = w + (j * k + p * WIDTH)
            wide = min(WIDTH, n - j)
            here, at = a + p * a_col, c + j
            panel(m, wide, deep, here, a_row, a_col, there, WIDTH, at, c_row, at, c_row, keep or p > 0)


@cfunc(types.void(N, N, P, N, P, N), cache=CACHE, **kernels.CALLED)
def copy_rows(m, n, out, out_row, a, a_row):
    """Copy m rows of n numbers."""
    out, a = promised(out, 0, 2), promised(a, 1, 2)
    for r in range(m):
        out_r, a_r = out + r * out_row, a + r * a_row
        for k in range(n):
            out_r[k] = a_r[k]


@cfunc(types.void(N, N, P, N, P, N), cache=CACHE, **kernels.CALLED)
def add_rows(m, n, out, out_row, a, a_row):
    """Add m rows of n numbers to others; with out_row = 0 all to one."""
    out, a = promised(out, 0, 2), promised(a, 1, 2)
    for r in range(m):
        out_r, a_r = out + r * out_row, a + r * a_row
        for k in range(n):
            out_r[k] = out_r[k] + a_r[k]


@cfunc(types.void(N, N, P, N), cache=CACHE, **kernels.CALLED)
def zero_rows(m, n, out, out_row):
    """Fill m rows of n numbers with 0."""
    out = promised(out, 0, 1)
    for r in range(m):
        out_r = out + r * out_row
        for k in range(n):
            out_r[k] = zero(out)
