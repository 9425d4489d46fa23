"""The compiled back-end: the one room that needs Numba; see README.md."""
