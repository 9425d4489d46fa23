"""What attention and DRAW keep for each step: as their docstrings say, by the plan of what is allocated."""

import re
import tracemalloc

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.compiled.sizes import Poly, count
from lstmcourse.programs.pool import POOL
from lstmcourse.run.recipe import programs

STATED = re.compile(r"(?:keeps|`attention`) ((?:\d+ )?[A-Z](?: [A-Z])*(?: \+ [\dA-Z]+(?: [A-Z])*)*)")


def stated(cell, number):
    """The number-th formula of a docstring: factors of each term, with how often."""
    doc = " ".join(cell.__doc__.split())
    terms = [term.split() for term in STATED.findall(doc)[number].split(" + ")]
    return {
        tuple(sorted(f for f in term if f.isalpha())): next((int(f) for f in term if f.isdigit()), 1)
        for term in terms
    }


def kept(cell, outputs):
    """What a compiled run and its gradients keep for each step and sequence, in the same form."""
    made = programs(cell, dtype=np.dtype(np.float32))
    total = Poly()
    for program in (made.forward, made.backward(outputs)[0]):
        for buffer in program.buffers.values():
            total = total + count(buffer.axes)
    timed = {names: k for names, k in total.terms if "T" in names}
    assert all(names.count("T") == names.count("B") == 1 for names in timed)
    return {tuple(sorted(set(names) - {"T", "B"})): k for names, k in timed.items()}


@pytest.mark.parametrize(
    ("name", "options", "outputs", "number"),
    [
        ("additive_attention", {}, ["h"], 0),
        ("attend_and_tell", {}, ["h"], 0),
        ("self_attention", {}, ["h"], 0),
        ("draw", {}, ["kl"], 0),
        ("draw", {"attention": True}, ["kl"], 1),
        ("draw", {"attention": True, "read": 7, "write": 3}, ["kl"], 1),
    ],
)
def test_what_is_kept_is_what_the_docstring_says(name, options, outputs, number):
    cell = lc.cells.get(name).with_options(**options) if options else lc.cells.get(name)
    found, said = kept(cell, outputs), stated(cell, number)
    if "attention" in options:
        assert found.pop(()) < 12 * (options.get("read", 2) + options.get("write", 5)) ** 2
    assert found == said


def peak(T, K, B=3, H=16, L=32, A=24, D=8):
    """Bytes that a training step by NumPy takes."""
    cell, rng = lc.cells.additive_attention, np.random.default_rng(0)
    params = cell.init(D, H, rng=0, sizes={"A": A, "K": K})
    x, a = (rng.random(shape, dtype=np.float32) for shape in ((T, B, D), (B, L, A)))
    n, g = np.full((B, 1), L, np.float32), np.ones((T, B, H), np.float32)
    POOL.clear()
    tracemalloc.start()
    lc.unroll(cell, params, x, inputs={"a": a, "n": n}, backend="numpy").backward({"h": g}, inputs=False)
    found = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    POOL.clear()
    return found


def test_of_the_scores_nothing_of_size_k_is_kept_for_all_steps():
    peak(2, 8)
    slopes = [(peak(200, K) - peak(100, K)) / (100 * 3 * 4) for K in (8, 64)]
    assert abs(slopes[1] - slopes[0]) < 1  # L K would add 1,792
    assert 0.9 < slopes[0] / (16 * 16 + 2 * 32 + 24) <= 1  # 16 H + 2 L + A
