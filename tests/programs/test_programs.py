"""The generated programs: their text, and that nothing is allocated while a loop runs.

The text of rnn and lstm, forwards and backwards, stands in tests/golden/*.txt, as a learner reads it. After
a change that is meant:

    python tests/programs/test_programs.py

That writes tests/golden/*.txt again; read the difference before you commit it.
"""

# ruff: noqa: B008 - a cell's signature says by calls what the cell is given

import ast
import os
import re
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse.engine import numeric as runtime
from lstmcourse.programs.load import load

sys.path.append(str(Path(__file__).parents[1]))  # as a script it finds what lies in the folder above
from corner_cells import mixed  # noqa: E402

GOLDEN = Path(__file__).parents[1] / "golden"
TEXTS = {
    f"{name}_{'backward' if back else 'forward'}": (name, back)
    for name in ("rnn", "lstm")
    for back in (False, True)
}


def source(text):
    name, back = TEXTS[text]
    return lc.cells.get(name).source(backward=back)


@pytest.mark.parametrize("text", TEXTS)
def test_golden_text(text):
    stored = (GOLDEN / f"{text}.txt").read_text(encoding="utf-8")
    assert source(text) == stored, (
        "if the change is meant: python tests/programs/test_programs.py, and read the difference"
    )


CELLS = {
    "rnn": lc.cells.rnn,
    "lstm": lc.cells.lstm,
    "lstm_1997": lc.cells.lstm_1997,
    "rnn_relu": lc.cells.rnn_relu,
    "stack": lc.stack([lc.cells.lstm, lc.cells.rnn]),
    "bidirectional": lc.bidirectional(lc.cells.lstm),
    "held": lc.cells.lstm.override(f=1.0),
    "mixed": mixed,
}


def programs(cell):
    """All texts of a cell: plain, padded and with given starts, and the backward program of each."""
    for padded in (False, True):
        for given in (frozenset(), frozenset(cell.states)):
            compiled = cell.compiled(given, padded)
            yield compiled.forward.text
            yield compiled.backward(tuple(cell.states))[0].text


def loop_lines(text):
    """The lines inside loops through time."""
    inside, found = False, []
    for line in text.splitlines():
        if re.match(r"    for t in ", line):
            inside = True
        elif inside and line.startswith("        "):
            found.append(line.strip())
        else:
            inside = False
    return found


@pytest.mark.parametrize("name", CELLS)
def test_text_is_formatted_python(name):
    for text in programs(CELLS[name]):
        (function,) = ast.parse(text).body
        assert isinstance(function, ast.FunctionDef) and ast.get_docstring(function)
        assert max(map(len, text.splitlines())) <= 110
        assert not re.search(r"[ \t]+$", text, re.MULTILINE) and "\n\n\n" not in text
        assert "None" not in text
        known = {a.arg for a in function.args.args} | {"np", "range", "reversed", "bool", *runtime.__all__}
        for node in ast.walk(function):  # every name is bound before it is read, in the order of the text
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                known.add(node.id)
        read = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
        assert read <= known
        stored = [
            n
            for n in ast.walk(function)
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store) and n.id != "t"
        ]
        assert len({n.id for n in stored}) == len(stored), "a name of the program has one meaning"
        arguments = [a.arg for a in function.args.args]
        assert set(arguments) <= read | {"T", "B", "empty"}, (
            f"arguments that nothing reads: {set(arguments) - read}"
        )


@pytest.mark.parametrize("name", CELLS)
def test_each_block_stands_under_its_equation(name):
    """In the loop, every equation of the author's is written above the code that comes from it."""
    cell = CELLS[name]
    text = cell.source()
    comments = [line for line in loop_lines(text) if line.startswith("#")]
    assert comments
    for state in cell.states:
        last = state.rpartition(".")[2]
        assert any(re.search(rf"# .*\b{last}(_t)?\b", line) for line in comments), (state, comments)
    back = cell.source(backward=True)
    assert any("gradient of" in line for line in loop_lines(back))


def test_equations_of_an_lstm_cell_stand_in_its_program():
    comments = [line[2:] for line in loop_lines(lc.cells.lstm.source()) if line.startswith("#")]
    assert [c for c in comments if "=" in c] == [
        "f_t = sigmoid(h_{t-1} U_f + x_t W_f + b_f)",
        "i_t = sigmoid(h_{t-1} U_i + x_t W_i + b_i)",
        "o_t = sigmoid(h_{t-1} U_o + x_t W_o + b_o)",
        "g_t = tanh(h_{t-1} U_g + x_t W_g + b_g)",
        "c_t = f_t * c_{t-1} + i_t * g_t",
        "h_t = o_t * tanh(c_t)",
    ]


def test_products_of_an_lstm_cell():
    """x W once for all steps and gates, h U for all gates once a step, weight gradients after the loop."""
    forward, back = lc.cells.lstm.source(), lc.cells.lstm.source(backward=True)
    before, loop = forward.split("for t in range(T):")
    assert before.count("dot(x, W, ") == 1 and before.count("dot(") == 1
    assert loop.count("dot(") == 1 and "dot(h[t], U, " in loop
    before, rest = back.split("for t in reversed(range(T)):")
    loop, after = rest.split("# --- for all steps at once, after the loop ---")
    assert before.count("dot(") == 0 and loop.count("dot(") == 1 and after.count("dot(") == 1
    assert loop.count("outer(") == 0 and after.count("outer(") == 2 and after.count("total(") == 1


@pytest.mark.parametrize("name", CELLS)
def test_no_statement_in_a_loop_makes_an_array(name):
    """By the text: every result goes to storage that was made before the loop."""
    call = re.compile(r"[\w.]+\(.*, out=[a-z]\w*(\[.+\])?\)", re.IGNORECASE)
    assignment = re.compile(r"\w+(\[[^=]+\])+ = \w+(\[[^=]+\])?")
    for text in programs(CELLS[name]):
        lines = [line for line in loop_lines(text) if not line.startswith("#")]
        assert lines
        for line in lines:
            assert call.fullmatch(line) or assignment.fullmatch(line), line
            assert "empty(" not in line and "None" not in line, line


@pytest.mark.parametrize(
    "cell", [lc.cells.rnn, lc.cells.lstm, lc.cells.lstm_1997, lc.cells.rnn_relu], ids=lambda c: c.name
)
def test_storage_is_asked_for_a_fixed_number_of_times(cell):
    """By counting calls of `empty`: as many for 50 steps as for 2."""
    params = cell.init(3, 4, 0)
    counts = []
    for T in (2, 50):
        run = lc.unroll(cell, params, np.ones((T, 2, 3), np.float32))
        compiled, calls = run._programs, []

        def empty(*shape, dtype=np.float32, calls=calls):
            calls.append(shape)
            return np.empty(shape, dtype)

        arguments = {a: run._given(what) for a, what in compiled.forward.inputs.items()}
        sizes = {a: run._call.sizes[s] for s, a in compiled.forward.sizes.items()}
        out = compiled.run(T=T, B=2, **sizes, **arguments, empty=empty)
        np.testing.assert_array_equal(out["h"][1:], run["h"])
        counts.append(len(calls))
    assert counts[0] == counts[1] > 0


@pytest.mark.parametrize(
    "cell", [lc.cells.rnn, lc.cells.lstm, lc.cells.lstm_1997, lc.cells.rnn_relu], ids=lambda c: c.name
)
@pytest.mark.parametrize("back", [False, True], ids=["forward", "backward"])
def test_nothing_is_allocated_while_the_loop_runs(cell, back):
    """By tracemalloc: the peak above what is returned does not hold one array of a step, for large steps."""
    T, B, D, H = 4, 256, 1, 128
    dtype = np.dtype(np.float32)
    params = {k: np.full(s, 0.01, dtype) for k, s in cell.parameter_shapes(D, H).items()}
    run = lc.unroll(cell, params, np.ones((T, B, D), dtype))
    compiled = run._programs
    program, function = compiled.backward(("h",)) if back else (compiled.forward, compiled.run)
    arguments = {}
    for a, what in program.inputs.items():
        if what[0] == "saved":
            arguments[a] = run._values[what[1]]
        elif what[0] == "grad":
            arguments[a] = np.ones((T, B, H), dtype)
        elif what[0] == "initial":
            arguments[a] = np.zeros((B, H), dtype)
        else:
            arguments[a] = run._given(what)
    sizes = {a: run._call.sizes[s] for s, a in program.sizes.items()}
    made = []

    def empty(*shape, dtype=dtype):
        made.append(np.empty(shape, dtype))
        return made[-1]

    function(T=T, B=B, **sizes, **arguments, empty=empty)
    made.clear()
    tracemalloc.start()
    function(T=T, B=B, **sizes, **arguments, empty=empty)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    asked_for = sum(a.nbytes for a in made)
    one_step = B * H * dtype.itemsize
    # NumPy's own buffers for operands that are not contiguous take 8192 elements, whatever the size of a step
    assert most - asked_for < one_step / 2, (
        f"{most - asked_for} bytes beside storage; a (B, H) array takes {one_step}"
    )


@pytest.mark.parametrize("name", ["softmax", "softplus", "logsumexp", "sigmoid", "relu", "select"])
def test_functions_of_programs_need_no_workspace(name):
    """By tracemalloc: given storage for its result, none makes an array of the size of its argument."""
    a = np.random.default_rng(0).standard_normal((256, 512))
    more = {"softmax": (-1,), "logsumexp": (-1,), "select": ()}.get(name, ())
    out = np.empty(256) if name == "logsumexp" else np.empty_like(a)
    args = (a > 0, a, a) if name == "select" else (a, *more)
    expected = getattr(runtime, name)(*args)
    tracemalloc.start()
    got = getattr(runtime, name)(*args, out=out)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert got is out and np.array_equal(out, expected)
    assert most < a.nbytes / 4, f"{most} bytes, and the argument takes {a.nbytes}"


def test_softplus_and_logsumexp_over_the_whole_range():
    a = np.array([-800.0, -40.0, -1.0, 0.0, 1.0, 40.0, 800.0])
    plain = np.array([0.0, np.exp(-40.0), np.log1p(np.exp(-1.0)), np.log(2.0), np.log1p(np.e), 40.0, 800.0])
    np.testing.assert_allclose(runtime.softplus(a), plain, rtol=1e-15)
    for f in (runtime.softplus, lambda b: runtime.logsumexp(b, -1)):
        np.testing.assert_allclose(f(a.astype(complex)).real, f(a), rtol=1e-14, atol=1e-17)
        assert f(a.astype(np.float32)).dtype == np.float32
    rows = np.random.default_rng(0).standard_normal((3, 200))
    exact = np.log(np.sum(np.exp(rows), axis=-1))
    np.testing.assert_allclose(runtime.logsumexp(rows, -1), exact, rtol=1e-13)
    assert np.array_equal(runtime.logsumexp(rows - np.inf, -1), [-np.inf] * 3)


def test_programs_are_the_same_in_every_process():
    """The order of sets must not show in the text."""
    code = (
        "import lstmcourse as lc\n"
        "def one_result(x, h, e):\n"
        "    y = lc.tanh(lc.affine('y', h, x))\n"
        "    return y, y\n"
        "deep = lc.stack([lc.bidirectional(lc.cells.lstm), lc.cells.rnn])\n"
        "for c in (lc.cells.lstm, lc.cell(one_result), deep):\n"
        "    print(c.source(), c.source(backward=True))\n"
        "    print(c.compiled(frozenset(c.states), True).backward(tuple(c.states))[0].text, c.latex)\n"
    )
    root = str(Path(lc.__file__).parent.parent)
    texts = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": root, "PYTHONIOENCODING": "utf-8"},
            encoding="utf-8",
        ).stdout
        for seed in ("0", "1", "2")
    }  # fmt: skip
    assert len(texts) == 1 and len(texts.pop()) > 5000


def test_names_of_the_author_cannot_break_the_program():
    """Names that Python, NumPy or the program itself use."""

    @lc.cell
    def awkward(
        T, B, t, empty=lc.static("range"), np=lc.sequence("out"), dot=lc.noise("H"), lambda_=lc.clock
    ):
        sigmoid = lc.sigmoid(lc.affine("for", B, T))
        copy = lc.tanh(lc.affine("x", W=np, V=empty) * sigmoid + dot)
        B = copy + 0.5 * t
        t = lc.where(lambda_ % 2 == 0, sigmoid, copy)
        return B, t

    import numpy

    rng = numpy.random.default_rng(0)
    sizes = {"range": 2, "out": 3}
    p = {k: rng.standard_normal(s) for k, s in awkward.parameter_shapes(2, 4, sizes).items()}
    x, a, y, e = (rng.standard_normal(s) for s in [(3, 2, 2), (2, 2), (3, 2, 3), (3, 2, 4)])
    run = lc.unroll(awkward, p, x, inputs={"empty": a, "np": y, "dot": e})
    state = None
    for k in range(3):
        state = awkward.step(p, x[k], state, empty=a, np=y[k], dot=e[k])
    numpy.testing.assert_allclose(run["B"][-1], state["B"], atol=1e-14)
    assert set(run.backward({"B": numpy.ones((3, 2, 4))}).inputs) == {"T", "empty", "np", "dot"}


def test_tracebacks_show_the_line_of_the_program():
    run = lc.unroll(lc.cells.rnn, lc.cells.rnn.init(2, 3, 0), np.ones((2, 1, 2), np.float32))
    with pytest.raises(Exception) as info:  # noqa: B017 - whatever NumPy raises
        run._programs.run(
            T=2,
            B=1,
            H=3,
            x=np.ones((2, 1, 2)),
            W_h=np.ones((2, 3)),
            U_h=np.ones((9, 9)),
            b_h=np.ones(3),
            empty=lambda *s: np.empty(s),
        )
    assert any("dot(h[t], U_h" in str(entry.statement) for entry in info.traceback)


@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_a_loop_that_walks_through_rows_gives_what_its_text_says(name, padded, monkeypatch):
    """Bit for bit, forwards and backwards; as many steps as there are, and none."""
    met = []

    class Plain(ast.NodeTransformer):
        def visit_For(self, node):
            met.append(ast.unparse(node))
            return node

    def ran(T):
        cell = CELLS[name]
        rng = np.random.default_rng(0)
        shapes = cell.parameter_shapes(3, 4, {"K": 2, "A": 3, "N": 2} if name == "mixed" else None)
        params = {k: rng.standard_normal(shape) for k, shape in shapes.items()}
        lengths = np.minimum([T, 1], T) if padded else None
        given = {"a": rng.standard_normal((2, 3, 3))} if name == "mixed" else None
        run = lc.unroll(cell, params, rng.standard_normal((T, 2, 3)), inputs=given, lengths=lengths)
        grads = run.backward({s: rng.standard_normal(run[s].shape) for s in cell.states})
        return {s: run[s] for s in cell.states} | dict(grads)

    walked = [ran(T) for T in (0, 1, 5)]
    monkeypatch.setattr(sys.modules[load.__module__], "_Walking", Plain)
    CELLS[name]._cache.clear()  # so that its programs are loaded again
    plainly = [ran(T) for T in (0, 1, 5)]
    CELLS[name]._cache.clear()
    for found, plain in zip(walked, plainly, strict=True):
        assert found.keys() == plain.keys()
        assert all(np.array_equal(found[k], plain[k]) for k in plain)
    assert len(met) >= 2 and all("[t]" in loop for loop in met)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for key in TEXTS:
        (GOLDEN / f"{key}.txt").write_text(source(key), encoding="utf-8")
        print(GOLDEN / f"{key}.txt")
