"""The stored coder is what training gives; beam search finds the likeliest line; marks are the tree's."""

import ast
import itertools
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest

import lstmcourse as lc
from lstmcourse import coder
from lstmcourse.tasks import Library


def test_the_first_steps_of_training_lead_where_the_file_says(monkeypatch):
    monkeypatch.setattr(coder, "backends", lambda: ["numpy"])  # nothing is compiled for so few steps
    facts = coder.facts()
    assert {k: facts[k] for k in coder.RECIPE} == coder.RECIPE and facts["seed"] == 0
    if facts["data"] != Library().data_digest():
        pytest.skip(
            f"the library of this Python {sys.version.split()[0]} is not that of {facts['python']}, on which "
            "the coder was trained"
        )
    assert coder.validation_loss(coder.train(stop=coder.SOON)) == pytest.approx(facts["loss soon"], rel=0.02)


def test_the_file_is_small_and_holds_a_coder_as_good_as_it_says():
    assert coder.FILE.stat().st_size < 5e6
    model = coder.load(np.float32)
    assert model.parameter_count > 1e6 and coder.load().dtype == np.float64
    found = coder.validation_loss(model)
    assert found == pytest.approx(coder.facts()["loss"], abs=0.03)  # another Python has other files
    assert found < 0.6 * coder.facts()["loss soon"]


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path, monkeypatch):
    monkeypatch.setattr(coder, "backends", lambda: ["numpy"])
    monkeypatch.setattr(coder, "HIDDEN", 8)
    monkeypatch.setattr(coder, "EVERY", 2)
    path = tmp_path / "run.safetensors"
    coder.train(stop=3, checkpoint=path)
    again = coder.train(stop=5, checkpoint=path)
    whole = coder.train(stop=5)
    for name, p in whole.params.items():
        assert (again.params[name] == p).all()


def test_the_command_writes_the_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(coder, "backends", lambda: ["numpy"])
    monkeypatch.setattr(coder, "HIDDEN", 8)
    monkeypatch.setattr(coder, "SOON", 1)
    monkeypatch.setitem(coder.RECIPE, "steps", 2)
    monkeypatch.setattr(
        coder.train.__wrapped__, "__kwdefaults__", coder.train.__wrapped__.__kwdefaults__ | {"stop": 2}
    )
    coder.main(["--to", "made.safetensors"])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["coder.training.safetensors", "made.safetensors"]
    monkeypatch.setattr(coder, "FILE", tmp_path / "made.safetensors")
    assert coder.facts()["steps"] == 2
    assert coder.validation_loss(coder.load(np.float32)) == pytest.approx(coder.facts()["loss"], abs=1e-3)


def by_pairs():
    """A model to which the last character says all: its read-out is a table of pairs, and of four characters
    alone.
    """

    task = Library()
    model = lc.Model("rnn", task, task.input_size, dtype=np.float64)
    model.params["cell.W_h"][...] = 40 * np.eye(
        task.input_size
    )  # so that tanh gives 1 for the last character
    model.params["cell.U_h"][...] = 0
    few = task.encode("\nabc")
    model.params["readout.V"][...] = -1e3
    model.params["readout.V"][:, few] = np.random.default_rng(3).standard_normal((97, 4))
    return model, few


def test_beam_search_finds_the_likeliest_line_of_all():
    model, few = by_pairs()
    z = model.params["readout.V"]
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    for start in "abcxyz":
        scores = {}
        for line in itertools.product(few, repeat=4):
            line = line[: line.index(0) + 1] if 0 in line else line
            pairs = zip([*model.task.encode(start), *line[:-1]], line, strict=True)
            scores[model.task.decode(np.array(line))] = np.mean([log_p[pair] for pair in pairs])
        best = max(scores, key=scores.get)
        assert coder.complete(start, 4, beam=200, model=model).startswith(best)


def score_of(model, start, written):
    """Mean log-probability of the characters of a line, the first of which follows `start`."""
    symbols = model.task.encode(start + written)
    p = model.predict(symbols[:-1, None])[:, 0]
    return np.log(p[np.arange(len(p)), symbols[1:]])[len(start) - 1 :].mean()


def test_a_wider_beam_is_at_least_as_good_as_the_greedy_line():
    model, prompt = coder.load(), "import os\n\n\ndef read(path):\n    return "
    greedy, wide = (coder.complete(prompt, 200, beam=b, model=model).split("\n")[0] + "\n" for b in (1, 8))
    assert score_of(model, prompt, wide) >= score_of(model, prompt, greedy) - 1e-9
    assert coder.complete(prompt, len(greedy), temperature=0, model=model) == greedy


def test_what_is_written_has_the_length_that_was_asked_for_and_follows_the_seed():
    model = lc.Model("lstm", "library", 8, dtype=np.float64)
    for options in ({"temperature": 1.0}, {"beam": 2}):
        assert [len(coder.complete("a", n, model=model, **options)) for n in (0, 1, 70)] == [0, 1, 70]
    first, again, other = (
        coder.complete("a", 50, rng=seed, temperature=1, model=model) for seed in (1, 1, 2)
    )
    assert first == again != other
    assert len(coder.complete("", 5, model=model)) == 5
    assert coder.complete("b" * 5000, 5, model=model) == coder.complete("a" + "b" * 4000, 5, model=model)
    with pytest.raises(ValueError, match="beam=0"):
        coder.complete("a", 5, beam=0, model=model)


SOURCES = [
    (Path(sysconfig.get_path("stdlib")) / name).read_text(encoding="utf-8")
    for name in ("shutil.py", "csv.py")
]


@pytest.mark.parametrize("source", SOURCES)
def test_marks_agree_with_the_syntax_tree(source):
    found = coder.marks(source)
    starts = np.cumsum([0] + [len(line) for line in source.splitlines(keepends=True)])
    ascii_only = source.isascii()  # the tree counts bytes
    assert ascii_only
    expected = np.zeros(len(source), bool)
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, (str, bytes))
            and node.lineno == node.end_lineno
        ):
            first, last = (
                starts[r - 1] + c
                for r, c in ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))
            )
            if source[first:last] == ast.get_source_segment(source, node) and found["quotes"][first]:
                expected[first : last - 1] = True
    assert expected.sum() > 500 and (found["quotes"] >= expected).all()
    assert not (found["quotes"] & found["comment"]).any()
    assert found["brackets"].min() == 0 and found["brackets"][-1] == 0
    code = ~(found["quotes"] | found["comment"])
    opened = np.cumsum([code[k] * ((c in "([{") - (c in ")]}")) for k, c in enumerate(source)])
    assert (opened == found["brackets"]).all()
    lines = source.splitlines()
    assert [found["indent"][s] for s in starts[:-1]] == [len(line) - len(line.lstrip(" ")) for line in lines]
    assert (found["column"] == np.concatenate([np.arange(len(line) + 1) for line in lines])).all()


def test_kinds_are_of_every_character():
    names = {" ": "indent", "n": "line end", "s": "space", "f": "first letter", "l": "later letter"}
    names |= {"d": "digit", ".": "sign"}
    source = "  if x1 == 20:\n    _a = 'b c'  # 3d"
    letter = "  fls" + "fls" + "..sdd.n" + "    fl" + "s.s" + ".fsf." + "ss.s" + "dl"
    assert [names[c] for c in letter] == list(coder.kinds(source))
    assert len(coder.kinds("")) == 0


def test_no_program_is_told():
    with pytest.raises(ValueError, match="no program that Python can read"):
        coder.marks("x = (1,\n")
