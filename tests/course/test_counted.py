"""Arrays that count their matrix products: a product is noted however it is written, and nothing changes."""

import numpy as np
import pytest

from lstmcourse.course.counted import counted

WRITTEN = {
    "@": lambda a, b: a @ b,
    "matmul": np.matmul,
    "dot": np.dot,
    "a method": lambda a, b: a.dot(b),
    "einsum": lambda a, b: np.einsum("ij,jk->ik", a, b),
    "tensordot": lambda a, b: np.tensordot(a, b, axes=1),
    "into a place": lambda a, b: np.matmul(a, b, out=np.empty((4, 5))),
    "transposed": lambda a, b: np.matmul(b.T, a.T).T,
}


CASES = [(w, side) for w in WRITTEN for side in ("left", "right", "both")]
CASES.remove(("a method", "right"))  # a plain array's own


@pytest.mark.parametrize(("written", "which"), CASES)
def test_a_product_is_noted_once_however_it_is_written(written, which):
    rng, tally = np.random.default_rng(0), []
    a, b = rng.standard_normal((4, 3)), rng.standard_normal((3, 5))
    noted = [counted(m, tally) if which in (side, "both") else m for m, side in ((a, "left"), (b, "right"))]
    made = WRITTEN[written](*noted)
    np.testing.assert_allclose(np.asarray(made), a @ b, rtol=1e-13)
    assert tally == [5 if written == "transposed" else 4]


def test_what_is_computed_from_a_counted_array_goes_on_counting():
    tally = []
    x, W = counted(np.ones((6, 2, 3)), tally), np.ones((3, 8))
    h = np.zeros((2, 8))
    for a in np.tanh(x) @ W + 1.0:
        left, right = np.split(a + h, 2, axis=1)
        h = np.concatenate([left * right, right], axis=1)
        h[:] = np.stack([h, h])[0]
    h += 1.0
    assert (h @ np.ones((8, 1))).shape == (2, 1) and tally == [12, 2]
