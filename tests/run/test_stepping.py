"""Steps with the same parameters: a compiled program gives what the reference gives, whatever it has kept."""

import copy
import pickle

import numpy as np
import pytest
from corner_cells import drawn

import lstmcourse as lc
from lstmcourse.run.recipe import programs
from lstmcourse.run.step import Stepping

BACKENDS = [
    "reference",
    pytest.param("numba", marks=pytest.mark.skipif("numba" not in lc.backends(), reason="no numba")),
]
CELLS = {
    "lstm": lc.cells.lstm,
    "attention": lc.cells.additive_attention,
    "noise": lc.stack([lc.cells.rnn, lc.cells.rnn], dropout=True),
    "clock": lc.cells.clockwork,
}
T = 7


def given(cell, seed):
    """Parameters, what each step is given, and what all of them are."""
    params, x, options = drawn(cell, T=T, seed=seed)
    kinds = {i.name: i.kind for i in cell.inputs}
    every = {k: a for k, a in options["inputs"].items() if kinds[k] == "static"}
    return params, x, {k: a for k, a in options["inputs"].items() if k not in every}, every


def through(step, x, timed):
    states = [None]
    for t in range(T):
        states.append(step(x[t], states[-1], **{k: a[t] for k, a in timed.items()}))
    return states[1:]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CELLS)
def test_as_the_cell_steps(name, backend):
    """Each with parameters and static inputs of its own, which another has not left behind."""
    cell = CELLS[name]
    for seed in range(3):
        params, x, timed, every = given(cell, seed)
        with lc.use(backend):
            found = through(Stepping(cell, params, every), x, timed)
        right = through(lambda x, state, **more: cell.step(params, x, state, **every, **more), x, timed)  # noqa: B023
        for a, b in zip(found, right, strict=True):
            assert list(a) == list(b)
            for k in (*a, *cell.emits, *cell.graph.names):
                np.testing.assert_allclose(a[k], b[k], rtol=1e-12, atol=1e-12, err_msg=k)


def test_what_is_kept_depends_on_no_step():
    pytest.importorskip("numba")
    for name, cell in CELLS.items():
        program = programs(cell, frozenset(cell.states), gradients=False, dtype=np.dtype(np.float64)).forward
        assert program.lasting < {f.name for f in program.functions}, name
        for function in program.text.split("\n\n\n"):
            kinds = {
                what[0]
                for argument, what in program.inputs.items()
                if f"    {argument} = pointer(" in function
            }
            if function.split("(")[0].removeprefix("def ") in program.lasting:
                assert kinds <= {"param", "const", "table", "static"}, function
    assert program.lasting


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_step_travels_without_its_run(backend):
    params, x, *_ = given(CELLS["lstm"], 0)
    with lc.use(backend):
        step = through(Stepping(CELLS["lstm"], params), x, {})[-1]
    for other in (copy.deepcopy(step), pickle.loads(pickle.dumps(step))):
        assert dict(other).keys() == {"h", "c"}
        for k in ("h", "c", "f"):
            np.testing.assert_array_equal(other[k], step[k])
        with pytest.raises(lc.UnknownNameError, match="'q' is neither a state nor an equation"):
            other["q"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_texts_and_sentences_are_written_alike(backend):
    """Seeds draw what they drew."""
    letters = lc.Model(lc.cells.lstm, lc.tasks.Agreement(), 5, rng=1, dtype=np.float64)
    words = lc.Seq2Seq(lc.cells.rnn, "additive_attention", "translation", 3, embedding=2, dtype=np.float64)
    batch = words.task.batch(batch_size=2)

    def written():
        found = words.write(batch.source, batch.source_lengths, beam=2)
        return letters.sample([3, 1], 30, rng=4).tolist(), found.symbols.tolist(), found.log_p

    right = written()
    with lc.use(backend):
        found = written()
    assert found[:2] == right[:2]
    np.testing.assert_allclose(found[2], right[2], rtol=1e-10)
