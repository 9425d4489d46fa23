"""The exercise's check: right however it is spelt, each known mistake by its name, and never an exception.

Every mistake of the table is written here anew, with explicit parameters and products, other names and
another order, so that a row of the table is not compared with itself.
"""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import html
from itertools import combinations

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse import exercises
from lstmcourse.engine.graph import Dim
from lstmcourse.exercises import LSTM_MISTAKES, Mistake, Verdict, check_cell, check_lstm
from lstmcourse.exercises import cells as engine

S, T = lc.sigmoid, lc.tanh


def layer(k, h=None, x=None, bias=True):
    """A layer without `affine`: the products written out."""
    z = [lc.param(f"b_{k}", "H")] if bias else []
    z += [h @ lc.param(f"U_{k}", "H", "H")] if h is not None else []
    z += [x @ lc.param(f"W_{k}", "D", "H")] if x is not None else []
    total = z[0]
    for part in z[1:]:
        total = part + total
    return total


def four(h, x, **given):
    """show, new, keep, write: the layers o, g, f, i, in an order that the course does not use."""
    return [given[k] if k in given else (T if k == "g" else S)(layer(k, h, x)) for k in "ogfi"]


# The reader's mistakes

WRONG = {}


def wrong(name):
    def add(function):
        assert name not in WRONG, name
        WRONG[name] = lc.cell(function, name="mine")

    return add


@wrong("f and i swapped")
def _(x, h, c):
    out = lc.sigmoid(lc.affine("o", W=x, U=h))
    candidate = lc.tanh(lc.affine("g", W=x, U=h))
    gate_i = lc.sigmoid(lc.affine("i", W=x, U=h))
    gate_f = lc.sigmoid(lc.affine("f", W=x, U=h))
    cell = candidate * gate_f + c * gate_i
    return lc.tanh(cell) * out, cell


@wrong("f and o swapped")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + c * show
    shown = T(memory) * keep
    return shown, memory


@wrong("i and o swapped")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * show + c * keep
    return T(memory) * write, memory


@wrong("i and g swapped")
def _(x, h, c):
    o = S(layer("o", h, x))
    product = S(layer("g", h, x)) * T(layer("i", h, x))
    c = product + c * S(layer("f", h, x))
    h = T(c) * o
    return h, c


@wrong("states swapped")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + c * keep
    return memory, T(memory) * show


@wrong("old c returned")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    return show * T(c * keep + new * write), c


@wrong("old h returned")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = c * keep + write * new
    unused = T(memory) * show  # noqa: F841 - that it is unused is the mistake
    return h, memory


@wrong("no forget gate")
def _(x, h, c):
    o, g, i = (f(layer(k, h, x)) for f, k in ((S, "o"), (T, "g"), (S, "i")))
    c = g * i + c
    h = T(c) * o
    return h, c


@wrong("no input gate")
def _(x, h, c):
    o, g, f = (a(layer(k, h, x)) for a, k in ((S, "o"), (T, "g"), (S, "f")))
    c = g + c * f
    h = T(c) * o
    return h, c


@wrong("no forget gate, no input gate")
def _(x, h, c):
    memory = T(layer("g", h, x)) + c
    return T(memory) * S(layer("o", h, x)), memory


@wrong("no candidate")
def _(x, h, c):
    memory = S(layer("i", h, x)) + c * S(layer("f", h, x))
    return T(memory) * S(layer("o", h, x)), memory


@wrong("no old cell state")
def _(x, h, c):
    show, new, _, write = four(h, x)
    memory = new * write
    return T(memory) * show, memory


@wrong("h in place of c")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + h * keep
    return T(memory) * show, memory


@wrong("f on the whole sum")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = keep * (new * write) + c * keep
    return T(memory) * show, memory


@wrong("i on the whole sum")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + (c * write) * keep
    return T(memory) * show, memory


@wrong("g on the whole sum")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + c * keep * new
    return T(memory) * show, memory


@wrong("f on a sum of c and i")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = (write + c) * new * keep
    return T(memory) * show, memory


@wrong("+ and * mixed up")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = (new + write) * (c + keep)
    return T(memory) * show, memory


@wrong("f added")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + c + keep
    return T(memory) * show, memory


@wrong("i added")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new + write + c * keep
    return T(memory) * show, memory


@wrong("old and new multiplied")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = write * c * new * keep
    return T(memory) * show, memory


@wrong("new subtracted")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = -(new * write) + c * keep
    return T(memory) * show, memory


@wrong("1 - f in place of f")
def _(x, h, c):
    show, new, forget, write = four(h, x)
    memory = new * write + (c - c * forget)
    return T(memory) * show, memory


@wrong("1 - i in place of i")
def _(x, h, c):
    show, new, keep, block = four(h, x)
    memory = (new - new * block) + c * keep
    return T(memory) * show, memory


@wrong("i is 1 - f")
def _(x, h, c):
    o, g, f = S(layer("o", h, x)), T(layer("g", h, x)), S(layer("f", h, x))
    c = g + f * (c - g)
    h = T(c) * o
    return h, c


@wrong("f is 1 - i")
def _(x, h, c):
    o, g, i = S(layer("o", h, x)), T(layer("g", h, x)), S(layer("i", h, x))
    c = c + i * (g - c)
    h = T(c) * o
    return h, c


@wrong("c squashed")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = T(new * write + c * keep)
    return memory * show, memory


@wrong("c squashed twice")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = T(new * write + c * keep)
    return T(memory) * show, memory


@wrong("o in the line for c")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = show * new * write + show * c * keep
    return T(memory), memory


@wrong("o in both lines")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = show * new * write + show * c * keep
    return T(memory) * show, memory


@wrong("no output gate")
def _(x, h, c):
    _, new, keep, write = four(h, x)
    memory = new * write + c * keep
    return T(memory), memory


@wrong("no tanh in the line for h")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + c * keep
    return memory * show, memory


@wrong("h is c")
def _(x, h, c):
    keep, write, new = S(layer("f", h, x)), S(layer("i", h, x)), T(layer("g", h, x))
    return new * write + c * keep, write * new + keep * c


@wrong("sigmoid in the line for h")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + c * keep
    return S(memory) * show, memory


@wrong("o inside tanh")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + c * keep
    return T(memory * show), memory


@wrong("o added")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + c * keep
    return T(memory) + show, memory


@wrong("1 - o in place of o")
def _(x, h, c):
    hide, new, keep, write = four(h, x)
    memory = new * write + c * keep
    return T(memory) - T(memory) * hide, memory


@wrong("h from the old c")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    memory = new * write + c * keep
    return T(c) * show, memory


@wrong("h from the candidate")
def _(x, h, c):
    show, new, keep, write = four(h, x)
    return new * show, new * write + c * keep


@wrong("sigmoid on g")
def _(x, h, c):
    show, new, keep, write = four(h, x, g=S(layer("g", h, x)))
    memory = new * write + c * keep
    return T(memory) * show, memory


@wrong("g without tanh")
def _(x, h, c):
    show, new, keep, write = four(h, x, g=layer("g", h, x))
    memory = new * write + c * keep
    return T(memory) * show, memory


def of_layers(name, change):
    """A cell that is right but for the layers in `change(x, h, c)`."""

    @wrong(name)
    def _(x, h, c):
        show, new, keep, write = four(h, x, **change(x, h, c))
        memory = new * write + c * keep
        return T(memory) * show, memory


def squash(k):
    return T if k == "g" else S


of_layers("tanh on every gate", lambda x, h, c: {k: T(layer(k, h, x)) for k in "oif"})
of_layers("gates without sigmoid", lambda x, h, c: {k: layer(k, h, x) for k in "oif"})
for k in "oif":
    of_layers(f"tanh on {k}", lambda x, h, c, k=k: {k: T(layer(k, h, x))})
    of_layers(f"{k} without sigmoid", lambda x, h, c, k=k: {k: layer(k, h, x)})
for name, ks in [("o", "o"), ("g", "g"), ("i", "i"), ("f", "f"), ("gates", "oif"), ("layers", "ogif")]:
    of_layers(f"{name} without h", lambda x, h, c, ks=ks: {k: squash(k)(layer(k, x=x)) for k in ks})
    of_layers(f"{name} without x", lambda x, h, c, ks=ks: {k: squash(k)(layer(k, h)) for k in ks})
    of_layers(
        f"{name} without bias", lambda x, h, c, ks=ks: {k: squash(k)(layer(k, h, x, False)) for k in ks}
    )
    of_layers(f"{name} from c", lambda x, h, c, ks=ks: {k: squash(k)(layer(k, c, x)) for k in ks})
for pair in combinations("figo", 2):
    # the second name's parameters, where the table has the first's: sharing is the same either way
    of_layers(
        "{} and {} shared".format(*pair),
        lambda x, h, c, pair=pair: {k: squash(k)(layer(pair[1], h, x)) for k in pair},
    )
of_layers("gates shared", lambda x, h, c: {k: S(layer("gate", h, x)) for k in "oif"})
of_layers("layers shared", lambda x, h, c: {k: squash(k)(layer("o", h, x)) for k in "ogif"})


@pytest.mark.parametrize("row", [m.name for m in LSTM_MISTAKES])
def test_every_mistake_of_the_table_is_named(row):
    verdict = check_lstm(WRONG[row])
    assert verdict.mistake == row, verdict
    assert not verdict and not verdict.right
    assert verdict.message == next(m.message for m in LSTM_MISTAKES if m.name == row)


def test_every_mistake_written_here_is_in_the_table():
    names = [m.name for m in LSTM_MISTAKES]
    assert len(set(names)) == len(names) and set(WRONG) == set(names)
    assert len({m.message for m in LSTM_MISTAKES}) == len(names)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_no_two_mistakes_and_no_mistake_and_the_reference_can_be_confused(seed):
    """They are far apart on the check's own numbers: below, there is room for rounding."""
    _, numbers, table = engine._prepare(lc.cells.lstm, LSTM_MISTAKES, seed)
    outputs = [("lstm", numbers.outputs)] + [(row.name, made()) for row, made in table]
    for (a, one), (b, other) in combinations(outputs, 2):
        apart = max(np.max(np.abs(one[s] - other[s])) for s in ("h", "c"))
        assert apart > 1e5 * engine.SAME, (a, b)


def test_the_numbers_are_random_throughout():
    _, numbers, _ = engine._prepare(lc.cells.lstm, (), 0)
    arrays = [numbers.x, *numbers.states.values(), *numbers.blocks.values()]
    assert all(a.dtype == np.float64 and np.all(a != 0) for a in arrays)
    assert len({a.shape for a in arrays}) == 5 and numbers.outputs["h"].shape == (4, 2, 5)
    assert len({a.ravel()[0] for a in arrays}) == len(arrays)


# The reader is right


def right_in_reverse(x, h, c):
    o = lc.sigmoid(lc.affine("o", h, x))
    g = lc.tanh(lc.affine("g", h, x))
    i = lc.sigmoid(lc.affine("i", h, x))
    f = lc.sigmoid(lc.affine("f", h, x))
    new_c = g * i + c * f
    new_h = lc.tanh(new_c) * o
    return new_h, new_c


def right_in_two_lines(x, h, c):
    c = S(lc.affine("f", h, x)) * c + S(lc.affine("i", h, x)) * T(lc.affine("g", h, x))
    return S(lc.affine("o", h, x)) * T(c), c


def right_with_products(x, h, c):
    show, new, keep, write = four(h, x)
    c = keep * c + write * new
    h = show * T(c)
    return h, c


def right_as_in_the_essay(x, h, c):
    both = lc.concat(h, x)
    f, i, o = (S(lc.affine(k, W=both)) for k in "fio")
    c = f * c + i * T(lc.affine("g", W=lc.concat(x, h)))
    h = o * T(c)
    return h, c


def right_with_options_and_more_output(u, h, c, squash="tanh"):
    f, i, o = (S(lc.affine(k, h, u)) for k in "fio")
    c = f * c + i * getattr(lc, squash)(lc.affine("g", h, u))
    h = o * T(c)
    return h, c, o


@pytest.mark.parametrize(
    "function",
    [
        right_in_reverse,
        right_in_two_lines,
        right_with_products,
        right_as_in_the_essay,
        right_with_options_and_more_output,
    ],
)
def test_right_however_it_is_spelt(function):
    verdict = check_lstm(lc.cell(function))
    assert verdict and verdict.right, verdict
    assert (
        verdict.message
        == f"{function.__name__} computes the same h and c as the course's lstm, step after step."
    )


@pytest.mark.parametrize("seed", range(5))
def test_the_reference_is_right_on_any_numbers(seed):
    assert check_lstm(lc.cells.lstm, rng=seed)
    assert check_lstm(lc.stack([lc.cells.lstm]), rng=np.random.default_rng(seed))


def with_layers(f, i, g, o):
    @lc.cell
    def mine(x, h, c):
        a, b, d, e = (lc.affine(k, h, x) for k in (f, i, g, o))
        c = S(a) * c + S(b) * T(d)
        h = S(e) * T(c)
        return h, c

    return mine


@pytest.mark.parametrize(
    "names",
    [
        ("forget", "input", "candidate", "output"),
        ("forget_gate", "input_gate", "C", "output_gate"),
        ("f", "i", "c", "o"),
        ("f", "u", "c", "o"),
        ("i2", "f2", "o2", "g2"),
        ("4", "3", "2", "1"),
    ],
)
def test_layers_may_have_other_names(names):
    verdict = check_lstm(with_layers(*names))
    assert verdict.right, verdict
    assert verdict.message.endswith("in the course.")
    assert all(n in verdict.message for n in names if n not in "fio")


def test_all_layers_may_be_one():
    @lc.cell
    def mine(x, h, c):
        z = lc.affine("z", h, x, size=h.shape[-1] * 4)
        o, g, i, f = lc.split(z, 4)
        c = S(f) * c + S(i) * T(g)
        h = S(o) * T(c)
        return h, c

    assert "z[0], z[1], z[2] and z[3] are called o, g, i and f" in check_lstm(mine).message


def test_states_are_compared_by_name():
    @lc.cell
    def other_order(x, c, h):
        f, i, o = (S(lc.affine(k, h, x)) for k in "fio")
        c = f * c + i * T(lc.affine("g", h, x))
        h = o * T(c)
        return c, h

    verdict = check_lstm(other_order)
    assert verdict.right and "reads out the first state, here c" in verdict.message

    @lc.cell
    def other_names(x, a, memory):
        f, i, o = (S(lc.affine(k, a, x)) for k in "fio")
        memory = f * memory + i * T(lc.affine("g", a, x))
        a = o * T(memory)
        return a, memory

    verdict = check_lstm(other_names)
    assert verdict.right and "Your a and memory are called h and c" in verdict.message


def test_matrices_that_have_changed_letters_are_right_and_remarked():
    @lc.cell
    def mine(x, h, c):
        f, i, o = (S(lc.affine(k, x, h)) for k in "fio")
        c = f * c + i * T(lc.affine("g", h, x))
        h = o * T(c)
        return h, c

    verdict = check_lstm(mine)
    assert verdict.right
    assert "Look at W_f, U_f, W_i, U_i, W_o and U_o: in the course W acts on the input" in verdict.message
    assert "W_g" not in verdict.message


# Names and mistakes together


def test_names_that_say_what_they_mean_are_held_to_it():
    """Under free names there is no telling; `forget` and `input` are not free."""
    verdict = check_lstm(with_layers("input", "forget", "candidate", "output"))
    assert verdict.mistake == "f and i swapped"
    verdict = check_lstm(with_layers("i", "o", "g", "f"))
    assert verdict.mistake == "names exchanged" and not verdict
    assert "i does the work of f, o does the work of i and f does the work of o" in verdict.message

    @lc.cell
    def states(x, c, h):  # c is used as the hidden state, h as the cell's, and both returned so
        f, i, o = (S(lc.affine(k, c, x)) for k in "fio")
        h = f * h + i * T(lc.affine("g", c, x))
        c = o * T(h)
        return c, h

    verdict = check_lstm(states)
    assert verdict.mistake == "names exchanged"
    assert "c does the work of h and h does the work of c" in verdict.message


@pytest.mark.parametrize("names", [("forget", "input", "C", "output"), ("p", "q", "r", "s")])
def test_mistakes_are_named_under_other_names_too(names):
    f, i, g, o = names

    @lc.cell
    def mine(x, h, c):
        c = S(lc.affine(f, h, x)) * c + S(lc.affine(i, h, x)) * T(lc.affine(g, h, x))
        h = S(lc.affine(o, h, x)) * c
        return h, c

    assert check_lstm(mine).mistake == "no tanh in the line for h"


def test_a_second_mistake_does_not_hide_exchanged_names():
    @lc.cell
    def mine(x, h, c):  # f and i exchanged, and no tanh: the one is named, and then the other
        f, i, o = (S(lc.affine(k, h, x)) for k in "fio")
        c = i * c + f * T(lc.affine("g", h, x))
        h = o * c
        return h, c

    assert check_lstm(mine).mistake == "no tanh in the line for h"


# A mistake that no table has


def test_the_first_equation_that_departs_is_named():
    @lc.cell
    def mine(x, h, c):
        f = S(lc.affine("f", h, x))
        i = S(lc.affine("i", h, x))
        g = T(2.0 * lc.affine("g", h, x))
        o = S(lc.affine("o", h, x))
        c = f * c + i * g
        h = o * T(c)
        return h, c

    verdict = check_lstm(mine)
    assert (verdict.right, verdict.mistake, verdict.equation) == (False, "", "g")
    assert verdict.message == (
        "The equation for g is the first that departs from the course's lstm; f, i and o agree. Compare it "
        "with its formula, term by term."
    )


@pytest.mark.parametrize("k", "figoch")
def test_it_is_the_equation_in_which_the_mistake_is(k):
    @lc.cell
    def mine(x, h, c):
        shift = {name: 0.25 if name == k else 0.0 for name in "figoch"}
        h_new = shift["h"]
        o = S(lc.affine("o", h, x)) + shift["o"]
        g = T(lc.affine("g", h, x)) + shift["g"]
        i = S(lc.affine("i", h, x)) + shift["i"]
        f = S(lc.affine("f", h, x)) + shift["f"]
        c = f * c + i * g + shift["c"]
        h = o * T(c) + h_new
        return h, c

    verdict = check_lstm(mine)
    assert verdict.equation == k and verdict.mistake == ""
    agree = [n for n in "figoch" if n != k and not (n == "c" and k in "fig") and n != "h"]
    *rest, last = agree
    assert f"; {', '.join(rest)} and {last} agree." in verdict.message


def test_a_state_that_is_spoilt_only_where_it_is_stored_departs():
    @lc.cell
    def mine(x, h, c):
        f, i, o = (S(lc.affine(k, h, x)) for k in "fio")
        g = T(lc.affine("g", h, x))
        fresh = f * c + i * g
        h = o * T(fresh)
        return h, 0.9 * fresh

    verdict = check_lstm(mine)
    assert verdict.equation == "c" and "; f, i, g, o and h agree." in verdict.message


def test_without_names_the_states_are_compared_and_names_asked_for():
    @lc.cell
    def mine(x, h, c):
        c = S(lc.affine("f", h, x)) * c + S(lc.affine("i", h, x)) * T(lc.affine("g", h, x))
        return S(lc.affine("o", h, x)) * T(0.5 * c), c

    verdict = check_lstm(mine)
    assert verdict.equation == "h" and "; c agrees." in verdict.message
    assert "Nothing is named f, i, g or o" in verdict.message


def test_equations_are_found_under_names_that_say_what_they_are():
    @lc.cell
    def mine(x, h, c):
        forget = S(lc.affine("forget", h, x))
        i_t = S(lc.affine("input", h, x))
        candidate = T(lc.affine("C", h, x)) ** 2
        output_gate = S(lc.affine("output", h, x))
        C = forget * c + i_t * candidate
        return output_gate * T(C), C

    verdict = check_lstm(mine)
    assert verdict.equation == "g" and "f, i and o agree" in verdict.message


def test_a_name_for_something_else_is_no_mistake():
    """Here f, i and g are the sums before squashing; only the line for h is wrong."""

    @lc.cell
    def mine(x, h, c):
        f, i, g = (lc.affine(k, h, x) for k in "fig")
        o = S(lc.affine("o", h, x))
        c = S(f) * c + S(i) * T(g)
        h = o * T(T(c))
        return h, c

    verdict = check_lstm(mine)
    assert verdict.equation == "h" and "; o and c agree." in verdict.message


# What cannot be compared


def test_the_open_exercise_gets_a_verdict():
    def my_lstm(x, h, c):
        pass  # your turn

    verdict = check_lstm(None)
    assert not verdict and "no cell to check yet, None was given" in verdict.message
    assert check_lstm(my_lstm).message.startswith(
        "my_lstm has no equations yet. Write them, and put @lc.cell"
    )
    assert check_lstm(right_in_reverse).message == (
        "right_in_reverse is a function, not yet a cell. Put @lc.cell in the line above its def."
    )


@pytest.mark.parametrize(
    "given, what",
    [
        (3, "of type int"),
        ("lstm", "of type str"),
        (lc.Cell, "of type type"),
        (lc.cells.lstm.graph, "of type Graph"),
        (np.zeros((2, 2)), "of type ndarray"),
        ([], "of type list"),
        (lambda x: None, "<lambda> has no equations yet"),
        (lc.tanh, "tanh is a function, not yet a cell"),
    ],
)
def test_what_is_no_cell_is_named(given, what):
    verdict = check_lstm(given)
    assert not verdict and "@lc.cell" in verdict.message and what in verdict.message


def build(signature, body):
    """A cell of source text: `mine`, with one-line names for what it is written with."""
    names = {k: getattr(lc, k) for k in ("affine", "param", "peephole", "log", "clock", "noise", "state")}
    names |= {"S": S, "T": T, "static": lc.static}
    exec(f"def mine({signature}):\n    " + body.replace("; ", "\n    "), names)
    return lc.cell(names["mine"])


LSTM = (
    "f, i, g, o = (a(affine(k, h, x)) for k, a in zip('figo', (S, S, T, S))); c = f * c + i * g; h = o * T(c)"
)
MANY = "state('H', 'H')"


@pytest.mark.parametrize(
    "signature, body, expected",
    [
        ("x, h", "return T(affine('h', h, x))", "mine carries h from step to step, and lstm carries h and c"),
        ("x, c", "return T(affine('f', c, x))", "mine carries c from step to step, and lstm carries h and c"),
        ("x", "return T(affine('h', x=x))", "mine carries nothing from step to step"),
        (
            "x, h, c, m",
            f"{LSTM}; return h, c, 0.5 * m",
            "carries h, c and m from step to step, and lstm only h",
        ),
        ("x, h, c, t=clock", f"{LSTM}; return h, c", "mine is given t beside its input and its states"),
        ("x, h, c, a=static('A'), n=noise('H')", f"{LSTM}; return h, c", "mine is given a and n beside"),
        ("x=None, h=state(), c=state()", "return T(affine('h', h)), c", "has to be its input, such as x"),
        (f"x, h={MANY}, c={MANY}", "return h + 1.0, c + 1.0", "vectors of one size"),
        ("x, h, c=state('K')", "return h + affine('f', h, x), c + 1.0", "vectors of one size"),
        ("x, h, c", f"{LSTM}; u = affine('k', h, x); return h, c", "it has 5 layers where 4 are needed"),
        ("x, h, c", f"{LSTM}; u = peephole('o', c); return h, c", "p_o has no place in layers of one W"),
        ("x, h, c", f"{LSTM}; u = affine('k', V=h, W=x, U=c); return h, c", ": V_k has no place in layers"),
        ("x, h, c", f"{LSTM}; u = param('E', 7, 'H'); return h, c", "E has no place in layers of one W"),
        (
            "x, h, c",
            f"{LSTM}; u = param('E', 'K'); v = param('F', 'D'); return h, c",
            "E and F have no place",
        ),
        ("x, h, c", f"{LSTM}; u = param('E', 'H', 'H', 'H'); return h, c", "E has no place in layers"),
    ],
)
def test_what_does_not_fit_is_said(signature, body, expected):
    verdict = check_lstm(build(signature, body))
    assert not verdict and expected in verdict.message, verdict


def test_parameters_that_are_missing_are_listed_with_those_expected():
    mine = build("x, h, c", "c = S(affine('f', h, x)) * c + 3.0; h = T(c); return h, c")
    assert "mine has W_f, U_f and b_f, where lstm has W_f, U_f, b_f, W_i, " in check_lstm(mine).message
    mine = build("x, h, c", "return 0.5 * h, 0.5 * c")
    assert "mine has no parameters, where lstm has W_f, " in check_lstm(mine).message


def test_a_cell_that_cannot_run_gets_a_verdict():
    verdict = check_lstm(build("x, h, c", "return h + x, c + 1.0"))  # it runs only where D is H
    assert not verdict and verdict.message.startswith("mine does not run: ")


def test_numbers_that_are_not_finite_are_no_mistake_of_the_check():
    assert check_lstm(build("x, h, c", "return log(h), c / (c - c)")).equation == "c"


def test_a_cell_that_reads_backwards_gets_a_verdict():
    assert "both directions" in check_lstm(lc.bidirectional(lc.cells.rnn)).message


# Display, and any reference


def test_a_verdict_displays_itself_the_same_each_time():
    for cell in (lc.cells.lstm, WRONG["f from c"], lc.cells.lstm_1997, None):
        one, other = check_lstm(cell), check_lstm(cell)
        assert one == other and repr(one) == str(one) == repr(other)
        assert one._repr_html_() == other._repr_html_()
        assert html.escape(one.message) in one._repr_html_()
    assert repr(check_lstm(lc.cells.lstm)).startswith("Right: ")
    assert repr(check_lstm(None)).startswith("Not yet: ")
    assert "a &lt; b" in Verdict(False, "a < b")._repr_html_()
    assert "<code>a &lt; b</code> holds" in Verdict(False, "`a < b` holds")._repr_html_()
    with pytest.raises(AttributeError):
        Verdict(True, "").right = False


@pytest.mark.parametrize("row", ["f and i swapped", "o inside tanh", "layers shared"])
def test_the_verdict_does_not_depend_on_the_numbers(row):
    assert {check_lstm(WRONG[row], rng=seed) for seed in range(4)} == {check_lstm(WRONG[row])}


def test_any_cell_of_affine_layers_can_be_the_reference():
    @lc.cell
    def linear(x, h):
        h = lc.affine("h", h, x)
        return h

    table = [Mistake("no tanh", linear, "The state is not squashed.")]
    assert check_cell(lc.cells.rnn, lc.cells.rnn, table)
    assert check_cell(linear, lc.cells.rnn, table).mistake == "no tanh"
    assert check_cell(lc.cells.rnn_relu, lc.cells.rnn, table).equation == "h"
    assert check_cell(lc.cells.lstm_1997, lc.cells.lstm).equation == "g"
    message = check_cell(lc.cells.lstm, lc.cells.lstm_1997).message
    assert "it has 4 layers where 3 are needed" in message


def test_what_the_check_itself_is_given_wrongly_is_refused():
    with pytest.raises(TypeError, match="reference='lstm' does not fit: a Cell is needed"):
        check_cell(lc.cells.lstm, "lstm")
    with pytest.raises(ValueError, match="the mistake 'rnn' has states h and layers h; give them the names"):
        check_cell(lc.cells.lstm, lc.cells.lstm, [Mistake("rnn", lc.cells.rnn, "")])
    with pytest.raises(ValueError, match=r"the reference, mine, cannot be compared: .*V_f"):
        check_cell(None, build("x, h", "return T(affine('f', U=h, W=x, V=h))"))
    with pytest.raises(ValueError, match="the reference mine has 5 layers; four can be matched"):
        check_cell(None, build("x, h", "a, b, c, d, e = (affine(k, h, x) for k in 'abcde'); return a"))


def test_the_package_gives_the_check_by_name():
    assert exercises.check_lstm is check_lstm and set(exercises.__all__) <= set(dir(exercises))
    assert lc.exercises is exercises


def textbook(W, U, *biases, swapped=False, minus=False):
    """The LSTM with parameters of these names; with `swapped`, matrices stand on the left of columns."""

    def product(a, name, rows):
        return a @ (lc.swap(lc.param(name, "H", rows)) if swapped else lc.param(name, rows, "H"))

    def mine(x, h, c):
        def net(k):
            total = product(x, W.format(k), "D") + product(h, U.format(k), "H")
            for b in biases:
                bias = lc.param(b.format(k), "H")
                total = total - bias if minus else total + bias
            return total

        f, i, o = S(net("f")), S(net("i")), S(net("o"))
        c = f * c + i * T(net("g"))
        h = o * T(c)
        return h, c

    return lc.cell(mine)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(
    "names", [("W_x{}", "W_h{}", "b_{}"), ("W_i{}", "W_h{}", "b_i{}", "b_h{}"), ("W_{}_x", "W_{}_h", "b_{}")]
)
def test_right_in_the_notation_of_other_books(names, swapped):
    """Which parameters are one layer is said by the sums, not by the names."""
    assert check_lstm(textbook(*names, swapped=swapped))


SIGMOIDS = {
    "quotient": lambda a: 1.0 / (1.0 + lc.exp(-a)),
    "quotient_of_exp": lambda a: lc.exp(a) / (1.0 + lc.exp(a)),
    "tanh": lambda a: 0.5 * (1.0 + T(0.5 * a)),
    "logarithm": lambda a: lc.exp(-lc.softplus(-a)),
}


@pytest.mark.parametrize("squash", SIGMOIDS.values(), ids=SIGMOIDS)
@pytest.mark.parametrize("order", ["figo", "ofig", "gofi"])
@pytest.mark.parametrize("joined", [False, True])
def test_right_with_the_sigmoid_written_out_and_gates_in_one_matrix(squash, order, joined):
    """Four layers side by side, in any order, of [h, x] or of both apart."""

    @lc.cell
    def mine(x, first, second):
        wide = Dim.of("H") * 4
        if joined:
            a = lc.affine("all", W=lc.concat(first, x), size=wide)
        else:
            a = x @ lc.param("W", "D", wide) + first @ lc.param("U", "H", wide) + lc.param("b", wide)
        net = dict(zip(order, lc.split(a, 4), strict=True))
        second = squash(net["f"]) * second + squash(net["i"]) * T(net["g"])
        first = squash(net["o"]) * T(second)
        return first, second

    assert check_lstm(mine)


@pytest.mark.parametrize(("right", "inner"), [(True, "lstm"), (False, "lstm_1997"), (False, "peephole")])
def test_a_nested_cell_is_judged_by_what_it_computes(right, inner):
    @lc.cell
    def mine(x, h, c):
        h, c = lc.cells.get(inner)(x, h, c, scope="inner")
        return h, c

    assert bool(check_lstm(mine)) == right


@pytest.mark.parametrize(
    ("right", "join"),
    [
        (True, lambda a, b: a + b),
        (True, lambda a, b: b + a),
        (False, lambda a, b: a * b),
        (False, lambda a, b: a + T(b)),
        (False, lambda a, b: T(a) + b),
    ],
)
@pytest.mark.parametrize("names", [("b_xg", "b_hg"), ("b_g", "other")])
def test_two_biases_are_one_only_where_they_are_added(right, join, names):
    """In two layers' worth of names, next to layers with one bias each."""

    @lc.cell
    def mine(x, h, c):
        f, i, o = (S(lc.affine(k, h, x)) for k in "fio")
        total = lc.affine("g", h, x, bias=False) + lc.param(names[0], "H")
        g = T(join(total, lc.param(names[1], "H")))
        c = f * c + i * g
        h = o * T(c)
        return h, c

    verdict = check_lstm(mine)
    assert bool(verdict) == right
    assert right or "it has 5 layers where 4 are needed" in verdict.message


SIGNED = {
    "x W + h U - b": lambda x, h, W, U, b: x @ W + h @ U - b,
    "-(x W) + h U + b": lambda x, h, W, U, b: -(x @ W) + h @ U + b,
    "(-x) W + h U + b": lambda x, h, W, U, b: -x @ W + h @ U + b,
    "x (-W) + h U + b": lambda x, h, W, U, b: x @ -W + h @ U + b,
    "x W - (-(h U)) + b": lambda x, h, W, U, b: x @ W - (-(h @ U)) + b,
    "x W - (h U - b)": lambda x, h, W, U, b: x @ W - (h @ U - b),
    "b - (-1) (x W) - h U": lambda x, h, W, U, b: b - -1.0 * (x @ W) - h @ U,
    "b - x W - h U": lambda x, h, W, U, b: b - x @ W - h @ U,
    "-x W - h U - b": lambda x, h, W, U, b: -(x @ W) - h @ U - b,
    "-(x (-W) + b) - h U": lambda x, h, W, U, b: -(x @ -W + b) - h @ U,
}


def with_nets(net, wide=False, gate=S, squash=T, show=T):
    """An LSTM whose layers' sums are what `net` makes of x, h, W, U and b."""

    @lc.cell
    def mine(x, h, c):
        def made(k, size):
            return net(
                x, h, lc.param(f"W_{k}", "D", size), lc.param(f"U_{k}", "H", size), lc.param(f"b_{k}", size)
            )

        if wide:
            f, i, g, o = lc.split(made("all", Dim.of("H") * 4), 4)
        else:
            f, i, g, o = (made(k, "H") for k in "figo")
        c = gate(f) * c + gate(i) * squash(g)
        h = gate(o) * show(c)
        return h, c

    return mine


@pytest.mark.parametrize("net", SIGNED.values(), ids=SIGNED)
def test_a_sign_inside_a_sum_is_the_parameters(net):
    """W, U and b are free, and so is the sign that each is given; the sign of what they make is not."""
    assert check_lstm(with_nets(net))
    assert check_lstm(with_nets(net, show=lc.identity)).mistake == "no tanh in the line for h"


def test_a_sign_inside_a_sum_of_layers_side_by_side():
    assert check_lstm(with_nets(SIGNED["x W - (h U - b)"], wide=True))


@pytest.mark.parametrize("name", ["-x W - h U - b", "b - x W - h U"])
def test_signs_inside_a_sum_may_be_those_of_a_sigmoid_written_out(name):
    def gate(a):
        return 1.0 / (1.0 + lc.exp(a))

    def squash(a):
        return 2.0 * gate(2.0 * a) - 1.0

    assert check_lstm(with_nets(SIGNED[name], gate=gate, squash=squash))


@pytest.mark.parametrize("net", [lambda x, h, W, U, b: x @ W + h @ U + b, SIGNED["x W + h U - b"]])
@pytest.mark.parametrize("gate", [lambda a: S(-a), lambda a: 1.0 - S(a)])
def test_the_sign_of_a_sum_is_the_equations(net, gate):
    """A gate that closes where its layer grows is none of the LSTM's."""
    assert not check_lstm(with_nets(net, gate=gate))


def test_two_biases_that_are_subtracted_are_one():
    assert check_lstm(textbook("W_x{}", "W_h{}", "b_i{}", "b_h{}", minus=True))


# Peepholes: vectors that multiply


def watched(sees):
    """An LSTM with peepholes by hand; `sees` says which cell state o looks at, in other notation."""

    @lc.cell
    def mine(x, h, c):
        f = S(lc.affine("f", h, x) + c * lc.param("W_cf", "H"))
        i = S(layer("i", h, x) - lc.param("w_ci", "H") * c)
        new = f * c + i * T(layer("g", h, x))
        o = S(lc.param("p_o", "H") * (new if sees == "new" else c) + layer("o", h, x))
        return o * T(new), new

    return mine


def test_vectors_that_multiply_are_part_of_their_layer():
    assert check_cell(watched("new"), lc.cells.peephole)
    assert check_cell(watched("old"), lc.cells.peephole).equation == "o"
    assert check_cell(lc.cells.lstm, lc.cells.peephole).equation == "f"
    assert "p_o has no place in layers" in check_lstm(lc.cells.peephole.with_options(peepholes="o")).message


def test_where_the_biases_of_a_right_cell_start():
    @lc.cell(init={"b_keep": 2.0})
    def mine(x, h, c):
        turned = lc.param("b_i", "H", init=0.5) - layer("i", h, x, bias=False)
        show, new = S(layer("o", h, x)), T(layer("g", h, x) + lc.param("b_hg", "H", init=0.25))
        c = S(layer("keep", h, x)) * c + new / (1.0 + lc.exp(turned))
        return show * T(c), c

    found = engine.starts(mine, lc.cells.lstm)
    assert {k: v.tolist() for k, v in found.items()} == {
        "f": [2.0] * 5,
        "i": [-0.5] * 5,
        "g": [0.25] * 5,
        "o": [0.0] * 5,
    }
