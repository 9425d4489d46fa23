"""Products of matrices and copies: what every compiled program calls, compiled once for all of them.

`fast.py` puts a copy of this file into the cache folder for each dtype, and registers the addresses of its
functions, so that a program is linked with them and need not compile them again.
"""

from __future__ import annotations

from numba import cfunc, types

from lstmcourse import kernels
from lstmcourse.kernels import SMALL, gemm, promised, zero

REAL = types.float32
CACHE = False

P, N, FLAG = types.CPointer(REAL), types.intp, types.boolean


@kernels.compiled(fastmath={"contract", "reassoc"})
def loops(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, keep):
    """A product of any strides; where rows of w are contiguous, it is vectorised along them."""
    a, w, c = promised(a, 0, 3), promised(w, 1, 3), promised(c, 2, 3)
    for r in range(m):
        a_r, c_r = a + r * a_row, c + r * c_row
        if w_col == 1:
            if not keep:
                for j in range(n):
                    c_r[j] = zero(c)
            for p in range(k):
                v, w_p = a_r[p * a_col], w + p * w_row
                for j in range(n):
                    c_r[j] = c_r[j] + v * w_p[j]
        elif w_row == 1 and a_col == 1:
            for j in range(n):
                total, w_j = zero(c), w + j * w_col
                for p in range(k):
                    total += a_r[p] * w_j[p]
                c_r[j] = c_r[j] + total if keep else total
        else:
            for j in range(n):
                total = zero(c)
                for p in range(k):
                    total += a_r[p * a_col] * w[p * w_row + j * w_col]
                c_r[j] = c_r[j] + total if keep else total


@cfunc(types.void(N, N, N, P, N, N, P, N, N, P, N, FLAG), cache=CACHE, **kernels.CALLED)
def product(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, keep):
    """Make c (m, n) = a (m, k) w (k, n), or c += a w; a and w may lie anyhow, each row of c in one piece."""
    if m <= 0 or n <= 0:
        return
    plain_a, turned_a = a_col == 1 and a_row >= k, a_row == 1 and a_col >= m
    plain_w, turned_w = w_col == 1 and w_row >= n, w_row == 1 and w_col >= k
    if m == 1 and a_col == 1:
        plain_a, a_row = True, max(a_row, k)
    regular = k > 0 and (plain_a or turned_a) and (plain_w or turned_w) and (c_row >= n or m == 1)
    if not regular or m * n * k <= SMALL:
        loops(m, n, k, a, a_row, a_col, w, w_row, w_col, c, c_row, keep)
        return
    # BLAS counts by columns: what it sees of a matrix that lies in rows is its transpose
    w_lead = w_row if plain_w else w_col
    a_lead = a_row if plain_a else a_col
    gemm(not plain_w, not plain_a, n, m, k, w, w_lead, a, a_lead, keep, c, max(c_row, n))


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
