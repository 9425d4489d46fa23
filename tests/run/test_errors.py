"""Bad input: each gets an error that names the argument, what was given, and what fits."""

# ruff: noqa: B008, E501 - a cell's signature says by calls what it is given; and one bad input is one row

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.errors import nearest

T, B, D, H = 4, 3, 2, 5
rnn, lstm = lc.cells.rnn, lc.cells.lstm
P = rnn.init(D, H, rng=0, dtype=np.float64)
X = np.random.default_rng(0).standard_normal((T, B, D))


@lc.cell
def ticking(x=None, h=lc.state("H")):
    h = 0.5 * h + lc.param("q", "H")
    return h


@lc.cell
def given_things(x, h, a=lc.static("L", "A"), e=lc.noise("H"), y=lc.sequence("K"), t=lc.clock):
    h = lc.tanh(lc.affine("h", h, x, A=lc.mean(a, -2), Y=y) + e)
    return h, lc.softmax(h)


G = given_things.init(D, H, rng=0, dtype=np.float64, sizes={"A": 2, "K": 3, "L": 6})
FIT = {"a": np.zeros((B, 6, 2)), "e": np.zeros((T, B, H)), "y": np.zeros((T, B, 3))}
STEP = {"a": FIT["a"], "e": FIT["e"][0], "y": FIT["y"][0]}
L = lstm.init(D, H, rng=0, dtype=np.float64)


def nan_at(a, *at):
    a = a.copy()
    a[at] = np.nan
    return a


def backward(*args, **kwargs):
    return lc.unroll(rnn, P, X).backward(*args, **kwargs)


def without(d, *names):
    return {k: v for k, v in d.items() if k not in names}


# what is done, the error, and what its message says: the argument, what was given, what fits
BAD = {
    # rank
    "x of two axes": (lambda: lc.unroll(rnn, P, X[0]), lc.ShapeError, r"x has shape \(3, 2\), 2 axes; rnn needs \(T, B, D\)"),
    "x of four axes": (lambda: lc.unroll(rnn, P, X[None]), lc.ShapeError, r"x has shape \(1, 4, 3, 2\).*\(T, B, D\)"),
    "a number for x": (lambda: lc.unroll(rnn, P, 1.0), lc.ShapeError, r"x has shape \(\), 0 axes.*\(T, B, D\)"),
    "state of three axes": (
        lambda: lc.unroll(rnn, P, X, state={"h": X}), lc.ShapeError, r"state 'h' has shape \(4, 3, 2\); it needs \(B, H\)"),
    "parameter of one axis": (
        lambda: lc.unroll(rnn, P | {"W_h": P["b_h"]}, X), lc.ShapeError, r"'W_h' has shape \(5,\); it needs \(D, H\)"),
    "static of two axes": (
        lambda: lc.unroll(given_things, G, X, **FIT | {"a": np.zeros((B, 2))}), lc.ShapeError, r"a has shape \(3, 2\).*\(B, L, A\)"),
    # sizes
    "another D": (
        lambda: lc.unroll(rnn, P, np.zeros((T, B, 7))), lc.ShapeError,
        r"x has shape \(4, 3, 7\), read as \(T, B, D\); rnn needs D = 2 there, because parameter 'W_h' has shape \(2, 5\)"),
    "another H": (
        lambda: lc.unroll(rnn, P, X, state={"h": np.zeros((B, 4))}), lc.ShapeError, r"state 'h' has shape \(3, 4\).*H = 5"),
    "parameters that disagree": (
        lambda: lc.unroll(rnn, P | {"U_h": np.zeros((5, 4))}, X), lc.ShapeError, r"parameter 'U_h' has shape \(5, 4\).*H = 5.*'W_h'"),
    "another batch in the state": (
        lambda: lc.unroll(rnn, P, X, state={"h": np.zeros((2, H))}), lc.ShapeError, r"state 'h' has shape \(2, 5\).*\(3,\), as x shows"),
    "another T in the noise": (
        lambda: lc.unroll(given_things, G, X, **FIT | {"e": FIT["e"][1:]}), lc.ShapeError, r"e has shape \(3, 3, 5\).*\(4, 3\)"),
    "another B in the static": (
        lambda: lc.unroll(given_things, G, X, **FIT | {"a": FIT["a"][1:]}), lc.ShapeError, r"a has shape \(2, 6, 2\).*\(3,\)"),
    "another A in the static": (
        lambda: lc.unroll(given_things, G, X, **FIT | {"a": np.zeros((B, 6, 9))}), lc.ShapeError, r"a has shape \(3, 6, 9\).*A = 2"),
    "one parameter that disagrees with the others and with x": (
        lambda: lc.unroll(lstm, L | {"W_f": np.zeros((3, 5))}, X), lc.ShapeError,
        r"parameter 'W_f' has shape \(3, 5\), read as \(D, H\); lstm needs D = 2 there, because parameter 'W_i' has shape \(2, 5\)"),
    "another D in a step": (
        lambda: lstm.step(L, np.zeros((B, 7))), lc.ShapeError,
        r"x has shape \(3, 7\), read as \(B, D\); lstm needs D = 2 there, because parameter 'W_f' has shape \(2, 5\)"),
    "another B in a step": (
        lambda: given_things.step(G, X[0], **STEP | {"e": FIT["e"][0, 1:]}), lc.ShapeError,
        r"e has shape \(2, 5\); its leading axes \(B\) are \(3,\), as x shows"),
    "noise of two axes too many in a step": (
        lambda: given_things.step(G, X[0], **STEP | {"e": FIT["e"]}), lc.ShapeError,
        r"e has shape \(4, 3, 5\), 3 axes; given_things needs \(B, H\)"),
    "a missing input of a step": (
        lambda: given_things.step(G, X[0], **without(STEP, "e")), ValueError, r"needs its noise input 'e', \(B, H\)"),
    "no input of a step": (lambda: rnn.step(P), ValueError, r"rnn needs its input 'x', \(B, D\)"),
    "NaN in a step": (lambda: rnn.step(P, nan_at(X[0], 1, 0)), ValueError, r"x .sequence. is NaN at \(1, 0\)"),
    "rows of unequal lengths": (
        lambda: lc.unroll(rnn, P, [[[1.0, 2.0]], [[1.0]]]), TypeError, "x is a list of lists of unequal lengths.*lengths="),
    "rows of unequal lengths in a step": (lambda: rnn.step(P, [[1.0, 2.0], [1.0]]), TypeError, "x is a list of lists of unequal"),
    "lengths of unequal lengths": (
        lambda: lc.unroll(rnn, P, X, lengths=[[3], [1, 2]]), TypeError, "lengths is a list of lists.*one whole number for each"),
    # dtypes
    "float32 among float64": (
        lambda: lc.unroll(rnn, P, X.astype(np.float32)), lc.DtypeError, r"x is float32, and parameter 'W_h' is float64; convert"),
    "mixed parameters": (
        lambda: lc.unroll(rnn, P | {"b_h": P["b_h"].astype(np.float32)}, X), lc.DtypeError, r"parameter 'b_h' is float32.*'W_h' is float64"),
    "state of another dtype": (
        lambda: lc.unroll(rnn, P, X, state={"h": np.zeros((B, H), np.float32)}), lc.DtypeError, "state 'h' is float32.*float64"),
    "integers in x": (lambda: lc.unroll(rnn, P, np.ones((T, B, D), int)), lc.DtypeError, r"x holds int64; use floats.*astype\(np.float64\)"),
    "booleans in x": (lambda: lc.unroll(rnn, P, X > 0), lc.DtypeError, "x holds bool; use floats"),
    "integers in a parameter": (
        lambda: lc.unroll(rnn, P | {"b_h": np.zeros(H, int)}, X), lc.DtypeError, "parameter 'b_h' holds int64; use floats"),
    "integers in the gradient": (
        lambda: backward({"h": np.ones((T, B, H), int)}), lc.DtypeError, r"grads\['h'\] holds int64; use floats"),
    "gradient of another dtype": (
        lambda: backward({"h": np.ones((T, B, H), np.float32)}), lc.DtypeError, r"grads\['h'\] is float32.*float64"),
    "init with integers": (lambda: rnn.init(D, H, dtype=np.int32), lc.DtypeError, "int32: use float32.*float64"),
    "a dtype that is none": (lambda: rnn.init(D, H, dtype="flot"), lc.DtypeError, "dtype='flot' is no dtype: use float32"),
    "float16": (lambda: lc.unroll(rnn, P, X.astype(np.float16)), lc.DtypeError, "x is float16: use float32"),
    "objects": (lambda: lc.unroll(rnn, P, X.astype(object)), lc.DtypeError, "x is object: use float32"),
    "words": (lambda: lc.unroll(rnn, P, X.astype("U1")), lc.DtypeError, "x is <U1: use float32"),
    # what is no mapping
    "a state that is no dict": (lambda: lc.unroll(rnn, P, X, state=X[0]), TypeError, "state=.* is of type ndarray; it is a dict"),
    "gradients that are no dict": (lambda: backward(X), TypeError, "grads=.* is of type ndarray; it is a dict"),
    "last gradients that are no dict": (lambda: backward({}, X[0]), TypeError, "final=.* is of type ndarray; it is a dict"),
    "inputs that are no dict": (lambda: lc.unroll(rnn, P, inputs=[1]), TypeError, "inputs=.* is of type list; it is a dict"),
    "equations to hold that are no dict": (lambda: lstm.hold(["f"]), TypeError, r"values=\['f'\] is of type list; it is a dict"),
    "sizes that are no dict": (lambda: rnn.init(D, H, sizes=[3]), TypeError, r"sizes=\[3\] is of type list; it is a dict"),
    # NaN
    "NaN in x": (
        lambda: lc.unroll(rnn, P, nan_at(X, 2, 1, 0)), ValueError, r"x .sequence. is NaN at \(2, 1, 0\).*lengths="),
    "NaN in x before its padding": (
        lambda: lc.unroll(rnn, P, nan_at(X, 2, 1, 0), lengths=[4, 3, 4]), ValueError, r"x .sequence. is NaN at \(2, 1, 0\)"),
    "NaN in the state": (
        lambda: lc.unroll(rnn, P, X, state={"h": np.full((B, H), np.nan)}), ValueError, r"h .state. is NaN at \(0, 0\)"),
    "NaN in the static input": (
        lambda: lc.unroll(given_things, G, X, **FIT | {"a": nan_at(FIT["a"], 1, 2, 0)}), ValueError, r"a .static. is NaN at \(1, 2, 0\)"),
    "NaN in the gradient": (lambda: backward({"h": np.full((T, B, H), np.nan)}), ValueError, r"grads\['h'\] is NaN at \(0, 0, 0\)"),
    # empty
    "an empty batch": (lambda: lc.unroll(rnn, P, np.zeros((T, 0, D))), ValueError, "x holds an empty batch, B = 0.*at least one"),
    # lengths
    "lengths longer than T": (lambda: lc.unroll(rnn, P, X, lengths=[4, 9, 1]), ValueError, "lengths holds 9; each is from 0 to T = 4"),
    "negative lengths": (lambda: lc.unroll(rnn, P, X, lengths=[4, -1, 1]), ValueError, "lengths holds -1; each is from 0 to T = 4"),
    "too few lengths": (lambda: lc.unroll(rnn, P, X, lengths=[4, 1]), lc.ShapeError, r"lengths has shape \(2,\).*B = 3"),
    "lengths as floats": (lambda: lc.unroll(rnn, P, X, lengths=[4.0, 1.0, 2.0]), lc.DtypeError, "lengths holds float64.*whole"),
    # names
    "a missing parameter": (
        lambda: lc.unroll(rnn, without(P, "U_h"), X), ValueError, "params lacks 'U_h'; rnn has parameters W_h, U_h, b_h"),
    "an extra parameter": (
        lambda: lc.unroll(rnn, P | {"U_g": P["U_h"]}, X), lc.UnknownNameError, "params has 'U_g'.*rnn: did you mean 'U_h'"),
    "parameters of another cell": (
        lambda: lc.unroll(rnn, lstm.init(D, H, 0, np.float64), X), lc.UnknownNameError, "'W_f', which is not a parameter of rnn"),
    "parameters that are no dict": (lambda: lc.unroll(rnn, [1, 2], X), TypeError, r"params=\[1, 2\] is of type list; it is a dict.*rnn.init"),
    "an unknown state": (lambda: lc.unroll(rnn, P, X, state={"c": X[0]}), lc.UnknownNameError, "state has 'c'.*rnn: .*'h'"),
    "an unknown input": (lambda: lc.unroll(rnn, P, X, noise=X), lc.UnknownNameError, "rnn has no input 'noise': there are: 'x'"),
    "a misspelt argument": (lambda: lc.unroll(rnn, P, X, lenghts=[1]), lc.UnknownNameError, "no input 'lenghts': did you mean lengths=.$"),
    "x twice": (lambda: lc.unroll(rnn, P, X, inputs={"x": X + 1}), ValueError, "x, the input of rnn, was given twice"),
    "another input twice": (
        lambda: lc.unroll(given_things, G, X, inputs=FIT, a=FIT["a"]), ValueError, "a was given twice, as a= and in inputs="),
    "a missing input": (
        lambda: lc.unroll(given_things, G, X, **without(FIT, "a")), ValueError, r"needs its static input 'a', \(B, L, A\)"),
    "no input at all": (lambda: lc.unroll(rnn, P), ValueError, r"rnn needs its input 'x', \(T, B, D\)"),
    "an unknown cell": (lambda: lc.cells.get("lstn"), lc.UnknownNameError, "no cell 'lstn': did you mean 'lstm'"),
    "an unknown cell as an attribute": (lambda: lc.cells.rn, AttributeError, "no cell 'rn': did you mean 'rnn'"),
    "a name in place of a cell": (lambda: lc.unroll("lstm", P, X), TypeError, "cell='lstm' does not fit: a Cell is needed, such as lstmcourse.cells.lstm"),
    "an unknown back-end": (
        lambda: lc.unroll(rnn, P, X, backend="nunpy"), lc.UnknownNameError, "backend='nunpy' does not fit: did you mean 'numpy'"),
    "source for an unknown back-end": (lambda: rnn.source("cuda"), lc.UnknownNameError, "backend='cuda' does not fit: there are: 'numpy'"),
    "an unknown name of a run": (lambda: lc.unroll(rnn, P, X)["g"], lc.UnknownNameError, "no 'g': there are: 'h'"),
    "an unknown gradient": (lambda: backward({"h": np.ones((T, B, H))})["W_g"], lc.UnknownNameError, "'W_g': did you mean 'W_h'"),
    "an unknown name of a step": (lambda: rnn.step(P, X[0])["c"], lc.UnknownNameError, "'c' is neither a state.*'h'"),
    "an unknown option": (lambda: rnn.with_options(peephole=1), lc.UnknownNameError, "rnn has no option 'peephole'"),
    "an unknown equation to hold": (
        lambda: lstm.override(forget=1.0), lc.UnknownNameError, "lstm has no equation named 'forget': .*'f', 'i', 'g', 'o'"),
    "an unknown size": (lambda: rnn.init(D, H, sizes={"K": 1}), lc.UnknownNameError, "rnn has no size 'K': .*'D', 'H'"),
    # gradients
    "a gradient for what is not there": (
        lambda: backward({"c": np.ones((T, B, H))}), lc.UnknownNameError, "grads has 'c', which is not an output of rnn.*'h'"),
    "a gradient for an equation that is not given back": (
        lambda: lc.unroll(lstm, lstm.init(D, H, 0, np.float64), X).backward({"f": np.ones((T, B, H))}), lc.UnknownNameError,
        "grads has 'f', which is not an output of lstm.*'h', 'c'"),
    "a last gradient for what is no state": (
        lambda: backward(final={"x": X[0]}), lc.UnknownNameError, "final has 'x', which is not an output of rnn.*'h'"),
    "a gradient of another shape": (
        lambda: backward({"h": np.ones((B, H))}), lc.ShapeError, r"grads\['h'\] has shape \(3, 5\); h has shape \(4, 3, 5\)"),
    "a last gradient of another shape": (
        lambda: backward(final={"h": np.ones((T, B, H))}), lc.ShapeError, r"final\['h'\] has shape \(4, 3, 5\); h has shape \(3, 5\)"),
    "backward of a run without gradients": (
        lambda: lc.unroll(rnn, P, X, grad=False).backward({"h": np.ones((T, B, H))}), ValueError, "grad=False.*grad=True"),
    # extent
    "x for a cell without input": (lambda: lc.unroll(ticking, {"q": np.ones(3)}, X), ValueError, r"no input, and x of shape \(4, 3, 2\).*steps="),
    "no number of steps": (lambda: lc.unroll(ticking, {"q": np.ones(3)}), ValueError, "pass steps="),
    "a negative number of steps": (lambda: lc.unroll(ticking, {"q": np.ones(3)}, steps=-1), ValueError, "steps=-1.*at least 0"),
    "steps that disagree": (lambda: lc.unroll(rnn, P, X, steps=9), ValueError, "steps=9, and x has T = 4"),
    "a batch size of 0": (lambda: lc.unroll(ticking, {"q": np.ones(3)}, steps=2, batch_size=0), ValueError, "batch_size=0.*at least 1"),
    "a negative batch size": (lambda: lc.unroll(ticking, {"q": np.ones(3)}, steps=2, batch_size=-1), ValueError, "batch_size=-1"),
    "half a sequence": (lambda: lc.unroll(ticking, {"q": np.ones(3)}, steps=2, batch_size=2.5), TypeError, "batch_size=2.5.*whole number"),
    "a batch size that disagrees": (lambda: lc.unroll(rnn, P, X, batch_size=9), ValueError, "batch_size=9, and x has B = 3"),
    # sizes
    "a hidden size of 0": (lambda: rnn.init(D, 0), ValueError, "size H = 0; a size is a whole number from 1"),
    "a negative input size": (lambda: rnn.init(-1, H), ValueError, "size D = -1; a size is a whole number from 0"),
    "a size that is no whole number": (lambda: rnn.init(D, 2.5), ValueError, "size H = 2.5"),
    "no hidden size": (lambda: rnn.init(D), ValueError, r"rnn needs the size H: pass hidden_size="),
    "no size of another name": (lambda: given_things.init(D, H), ValueError, r"needs the size [AKL]: pass sizes=\{'[AKL]': ...\}"),
    "a start that there is not": (lambda: lc.cell(rnn.function, init={"b_h": "ones"}).init(D, H), ValueError, "init='ones': use 'glorot'"),
    "two hidden sizes": (lambda: rnn.init(D, H, sizes={"H": 6}), ValueError, "hidden_size=5 and sizes={'H': 6} are two values"),
    "two input sizes": (lambda: rnn.parameter_count(D, H, {"D": 3}), ValueError, "input_size=2 and sizes={'D': 3} are two values"),
    "two hidden sizes of an output": (lambda: rnn.output_size(H, sizes={"H": 6}), ValueError, "hidden_size=5 and sizes={'H': 6}"),
    "a word for a generator": (lambda: rnn.init(D, H, rng="a"), TypeError, "rng='a' does not fit: rng is a numpy.random.Generator.*seed"),
    "a negative seed": (lambda: rnn.init(D, H, rng=-1), ValueError, "rng=-1 does not fit.*a whole number from 0"),
    "a word for a bias": (lambda: lstm.init(D, H, forget_bias="a"), TypeError, "forget_bias='a' does not fit: a number is needed"),
    "a condition that is held": (
        lambda: choosing.override(m=1.0), ValueError, r"m=1.0: 'm' is a condition .test_errors.py, line \d+.*where\(m, 1.0, 0.0\)"),
    # what is no function
    "a built-in function": (lambda: lc.cell(len), TypeError, "cell.<built-in function len>.: it is of type builtin_function"),
    "an object that can be called": (lambda: lc.cell(Callable()), TypeError, "cell.*Callable object.*: it is of type Callable; a cell is made of"),
    "a cell of a cell": (lambda: lc.cell(rnn), TypeError, "it is a cell already"),
    # composites
    "an empty stack": (lambda: lc.stack([]), ValueError, "at least one cell"),
    "a stack with a cell that takes no input": (lambda: lc.stack([rnn, ticking]), ValueError, "layer 1, ticking, does not take"),
    "a stack of names": (lambda: lc.stack(["rnn"]), TypeError, r"stack\(\['rnn'\]\): it takes a list of cells"),
    "a stack of one cell without its list": (lambda: lc.stack(rnn), TypeError, "it takes a list of cells"),
    "a number in place of a stack": (lambda: lc.stack(3), TypeError, r"stack\(3\): it takes a list of cells"),
    "two directions of a name": (lambda: lc.bidirectional("rnn"), TypeError, r"bidirectional\('rnn'\): it takes a cell"),
    "a step on a sequence": (lambda: rnn.step(P, X), lc.ShapeError, r"x has shape \(4, 3, 2\); a step of rnn takes \(B, D\)"),
    "two directions of no input": (lambda: lc.bidirectional(ticking), ValueError, "ticking has no input"),
    "two directions twice": (
        lambda: lc.bidirectional(lc.bidirectional(rnn)), ValueError, "runs in two directions already"),
    "a step in two directions": (
        lambda: lc.bidirectional(rnn).step(lc.bidirectional(rnn).init(D, H, 0, np.float64), X[0]), ValueError, "both directions.*unroll"),
    # a cell that is well formed until it meets sizes
    "sizes that meet in an equation": (
        lambda: lc.unroll(meets, {"W": np.zeros((2, 4))}, X, state={"h": np.zeros((B, 5))}), lc.ShapeError,
        r"meets: u_t = x_t W \+ h_\{t-1\} .*test_errors.py, line.*4.*5"),
}  # fmt: skip


class Callable:
    def __call__(self, x, h):
        return 0.5 * h


@lc.cell
def choosing(x, h):
    m = h > 0.0
    h = lc.where(m, 0.5 * h, x)
    return h


@lc.cell
def meets(x, h):
    u = x @ lc.param("W", "D", "K") + h
    h = 0.5 * h + lc.expand(lc.sum(u))
    return h


@pytest.mark.parametrize("what", BAD)
def test_bad_input(what):
    do, error, message = BAD[what]
    with pytest.raises(error, match=message) as info:
        do()
    assert isinstance(info.value, ValueError | TypeError | AttributeError)
    assert "\n" not in str(info.value) and not str(info.value).endswith('"'), "a message, not the repr of one"


def test_what_was_refused_fits_once_mended():
    """The arrays above are right but for the one fault."""
    assert lc.unroll(rnn, P, X)["h"].shape == (T, B, H)
    assert lc.unroll(given_things, G, X, **FIT)["h"].shape == (T, B, H)
    assert lc.unroll(ticking, {"q": np.ones(3)}, steps=2, batch_size=4)["h"].shape == (2, 4, 3)
    assert backward({"h": np.ones((T, B, H))}, final={"h": np.ones((B, H))})["x"].shape == X.shape


def test_nothing_is_run_before_everything_is_checked():
    """A refusal leaves params and x as they were, and the cell usable."""
    before = {k: v.copy() for k, v in P.items()}
    for do, error, message in BAD.values():
        with pytest.raises(error, match=message):
            do()
    assert all(np.array_equal(P[k], before[k]) for k in P)
    assert np.all(np.isfinite(lc.unroll(rnn, P, X)["h"]))


def test_padding_may_hold_anything():
    x = X.copy()
    x[2:, 1], x[0:, 2], x[3, 0] = np.nan, np.inf, -np.inf
    run = lc.unroll(rnn, P, x, lengths=[3, 2, 0])
    assert np.all(np.isfinite(run["h"]))


def test_named_errors_are_subclasses_of_the_usual_ones():
    assert issubclass(lc.CellDefinitionError, ValueError) and issubclass(lc.ShapeError, ValueError)
    assert issubclass(lc.DtypeError, TypeError) and issubclass(lc.UnknownNameError, ValueError)
    assert issubclass(lc.UnknownNameError, KeyError), "so that `in` and .get work on what is indexed"
    assert (
        "c" not in dict(lc.unroll(rnn, P, X).backward())
        and lc.unroll(rnn, P, X).backward().get("W_c") is None
    )


def test_nearest():
    assert nearest("lstn", ["rnn", "lstm"]) == "did you mean 'lstm'? there are: 'rnn', 'lstm'"
    assert nearest("xyz", ["rnn"]) == "there are: 'rnn'" and nearest("a", []) == "there are none"
