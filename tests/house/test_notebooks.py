"""Stored notebooks are what their sources give; the builder keeps its rules; nbval sees a changed digit."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lstmcourse as lc
from tools import notebooks

ROOT = Path(__file__).resolve().parents[2]

SMALL = """\
# %% [markdown]
# # Small

# %% tags=["setup"]
import base64
import os

from IPython.display import HTML

from lstmcourse.claims import claim

# %%
print("twelve is", 12, flush=True)
print("and a dozen")
3.25

# %% claims=["C12"]
noise = int.from_bytes(os.urandom(2), "big") / 1e6
claim("C12", "it is learnt", 0.9 + noise, above=0.8)

# %%
pixels = base64.b64encode(os.urandom(64)).decode()
page = '<img alt="{}" src="data:image/{};base64,{}"><svg><path d="M 0 5"/></svg>'
HTML(page.format("a line that rises to 7", "png", pixels) + page.format("bars", "svg+xml", pixels))

# %%
assert os.environ["LSTMCOURSE_REGRESSION"] == "1"

# %% [markdown] tags=["exercise"]
# Square a number.


# %% tags=["exercise"]
def square(x):
    # solution: one line
    return x * x
    # end


# %% tags=["solution"]
square(3)
"""


def write(folder, text=SMALL, name="01_small.py"):
    (folder / "source").mkdir(exist_ok=True)
    (folder / "source" / name).write_text(text, encoding="utf-8")
    return folder


def plan(folder):
    """Return what the one source in a folder gives, not run."""
    (source,) = notebooks.sources(folder)
    return notebooks.targets(source, folder)


# what is stored


def test_stored_notebooks_are_up_to_date():
    problems = notebooks.strays(notebooks.FOLDER)
    sources = notebooks.sources(notebooks.FOLDER)
    assert sources, "there is no source of a notebook"
    for source in sources:
        for target in notebooks.targets(source, notebooks.FOLDER):
            problems += notebooks.check(target)
    assert not problems, "\n".join(problems)


# from source to notebook


def test_exercises_are_open_in_the_lesson_and_solved_in_the_solutions(tmp_path):
    lesson, solutions = plan(write(tmp_path))
    assert lesson.path == tmp_path / "01_small.ipynb"
    assert solutions.path == tmp_path / "solutions" / "01_small.ipynb"
    assert lesson.notebook.cells[-1].source == "def square(x):\n    pass  # your turn"
    texts = [cell.source for cell in solutions.notebook.cells]
    assert "[01_small](../01_small.ipynb)" in texts[0]
    assert texts[1].startswith("import base64")
    assert texts[2:] == ["Square a number.", "def square(x):\n    return x * x", "square(3)"]


def test_a_source_without_exercises_has_no_solutions(tmp_path):
    (lesson,) = plan(write(tmp_path, "# %% tags=['setup']\nimport os\n"))
    assert lesson.path.parent == tmp_path


def test_cell_ids_last_when_other_cells_change(tmp_path):
    def ids(text):
        return {cell.source: cell.id for cell in plan(write(tmp_path, text))[0].notebook.cells}

    before = ids("# %%\na = 1\n\n# %%\nb = 2\n\n# %%\nc = 3\n")
    after = ids("# %% [markdown]\n# New.\n\n# %%\na = 1\n\n# %%\nb = 4\n\n# %%\nc = 3\n")
    assert before == ids("# %%\na = 1\n\n# %%\nb = 2\n\n# %%\nc = 3\n")
    assert (before["a = 1"], before["c = 3"]) == (after["a = 1"], after["c = 3"])
    assert before["b = 2"] != after["b = 4"]


def test_cells_of_the_same_text_have_different_ids(tmp_path):
    cells = plan(write(tmp_path, "# %%\na\n\n# %%\na\n"))[0].notebook.cells
    assert len({cell.id for cell in cells}) == 2
    assert all(re.fullmatch(r"[0-9a-f]{12}", cell.id) for cell in cells)


LONG = "\n".join(f"x{n} = {n}" for n in range(26))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("# %%\n\n# %%\nx = 1\n", "cell 1 is empty"),
        (f"# %%\n{LONG}\n", "has 26 lines of code, and 25 is the most"),
        ('# %% tags=["setup", "solution"]\nx = 1\n', r"is \['setup', 'solution'\] at once"),
        ('# %% tags=["setp"]\nx = 1\n', r"has the tags \['setp'\]; there are .*'setup'"),
        ("# %% claim=['C01']\nx = 1\n", r"its marker says \['claim'\]"),
        ('# %% slide="now"\nx = 1\n', "says slide='now'; it may be new, skip, code"),
        ('# %% tags=["nbval-skip"]\nx = 1\n', "give the reason, why="),
        ("# %%\n# NBVAL_IGNORE_OUTPUT\nx = 1\n", "exempts itself in a comment"),
        ('# %% tags=["exercise"]\n# solution:\nx = 1\n', "'# solution:' without its '# end'"),
    ],
)
def test_a_source_that_breaks_a_rule_is_refused(tmp_path, text, says):
    with pytest.raises(notebooks.SourceError, match=f"^01_small.py, .*{says}"):
        plan(write(tmp_path, text))


def test_an_exemption_with_its_reason_is_allowed(tmp_path):
    text = '# %% tags=["nbval-ignore-output"] why="the clock"\nimport time\n'
    cell = plan(write(tmp_path, text))[0].notebook.cells[0]
    assert cell.metadata == {"tags": ["nbval-ignore-output"], "why": "the clock"}
    assert cell.source == "import time"


def test_what_a_learner_need_not_read_is_folded_away(tmp_path):
    text = '# %% seeds="0 to 9: 1.0"\nx = 1\n\n# %% tags=["check"]\nassert x\n'
    shown, folded = plan(write(tmp_path, text))[0].notebook.cells
    assert shown.metadata == {"seeds": "0 to 9: 1.0"} and shown.source == "x = 1"
    assert folded.metadata == {"tags": ["check"], "jupyter": {"source_hidden": True}}


TIMED = """\
# %% [markdown]
# {minutes} Go on.

# %%
x = 1

# %% tags=["check"]
assert x

# %% [markdown] tags=["exercise"] exercise="01.2"
# Count.
"""


def test_the_text_says_how_long_it_takes(tmp_path):
    name = f"{lc.exercises.get('01.2').notebook}.py"
    long = TIMED + "".join(f"\n# %% [markdown]\n# {'word ' * 400}\n\n# %%\n{k}\n" for k in range(11))
    lesson = plan(write(tmp_path, long, name))[0].notebook  # 403 * 11 words and 12 cells of code: 40 minutes
    assert lesson.cells[0].source == (
        "It takes about 40 minutes to read, and the exercises about 5 more. Go on."
    )
    with pytest.raises(notebooks.SourceError, match="takes 46 minutes to read, and 45 is the most"):
        plan(write(tmp_path, long + "\n# %%\nx\n" * 4, name))
    (lesson,) = plan(write(tmp_path, TIMED.partition("\n# %% [markdown] tags")[0], name))
    assert lesson.notebook.cells[0].source == "It takes about 0 minutes to read. Go on."


def test_length_counts_code_only():
    assert notebooks.length("# why\na = 1\n\n  # how\nb = 2\n") == 2


def test_a_name_that_no_source_has_is_refused(tmp_path):
    with pytest.raises(notebooks.SourceError, match=r"no source begins with '07'; there are \['01_small'\]"):
        notebooks.sources(write(tmp_path), ["07"])


# what is built


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the small source and the notebooks that were built from it."""
    folder = write(tmp_path_factory.mktemp("course"))
    done = tool("build", folder)
    assert done.returncode == 0, done.stderr
    return folder


def tool(command, folder):
    return subprocess.run(
        [sys.executable, "-m", "tools.notebooks", command, "--folder", str(folder)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def read(folder):
    return json.loads((folder / "01_small.ipynb").read_text(encoding="utf-8"))


def write_notebook(folder, notebook):
    write(folder)
    (folder / "01_small.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    return folder


def nbval(folder):
    """Run nbval as `make test` does, with the course's own conftest and settings; return what fails."""
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    flags = re.search(r"^NOTEBOOKS = (.*)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1].split()
    flags = [str(ROOT / flag) if flag.startswith("tools/") else flag for flag in flags]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-c", str(ROOT / "pyproject.toml")]
    paths = sorted(folder.glob("*.ipynb"))
    done = subprocess.run(
        [*command, f"--rootdir={folder}", "-o", "addopts=", "-rfp", *flags, *map(str, paths)],
        capture_output=True,
        text=True,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    cells = re.findall(r"^(PASSED|FAILED) .*?([^/\s]+)\.ipynb::Cell (\d+)", done.stdout, re.M)
    assert sorted((path.stem, i) for path in paths for i in range(6)) == sorted(
        (name, int(i)) for _, name, i in cells
    ), done.stdout
    return {
        path.stem: [int(i) for said, name, i in cells if (said, name) == ("FAILED", path.stem)]
        for path in paths
    }


def test_what_is_built_is_up_to_date_and_holds_nothing_that_varies(built):
    assert tool("check", built).returncode == 0
    stored = read(built)
    assert stored["metadata"] == notebooks.METADATA
    assert [c["execution_count"] for c in stored["cells"] if c["cell_type"] == "code"] == [1, 2, 3, 4, 5, 6]
    assert all(set(c["metadata"]) <= {"tags", "claims"} for c in stored["cells"])
    assert [o["name"] for o in outputs(stored) if o["output_type"] == "stream"] == ["stdout"]


def outputs(notebook):
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


CHANGES = {  # what is changed, into what, and in which cell of code
    "a printed digit": (r"twelve is 12", "twelve is 13", 1),
    "a value": (r"^3\.25$", "3.26", 1),
    "a claim's threshold": (r"above 0\.8", "above 0.7", 2),
    "a claim's verdict": (r"C12 met", "C12 qualified", 2),
    "a figure's alt text": (r"rises to 7", "rises to 8", 3),
    "a figure's kind": (r"image/png", "image/svg+xml", 3),
    "a diagram": (r"M 0 5", "M 0 6", 3),
}


def test_nbval_sees_a_change_and_passes_where_only_measured_values_and_pixels_differ(built, tmp_path):
    for k, (old, new, _) in enumerate(CHANGES.values()):
        notebook = read(built)
        places = [(o, "text") for o in outputs(notebook) if "text" in o]
        places += [(o["data"], kind) for o in outputs(notebook) if "data" in o for kind in o["data"]]
        holder, key = next((h, k) for h, k in places if re.search(old, "".join(h[k])))
        holder[key] = re.sub(old, new, "".join(holder[key]))  # in one place only
        (tmp_path / f"change_{k}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (tmp_path / "unchanged.ipynb").write_text(json.dumps(read(built)), encoding="utf-8")
    failed = nbval(tmp_path)
    assert failed.pop("unchanged") == []
    assert dict(zip(CHANGES, failed.values(), strict=True)) == {
        what: [cell] for what, (*_, cell) in CHANGES.items()
    }


def edit_source(folder):
    text = (folder / "source" / "01_small.py").read_text(encoding="utf-8")
    write(folder, text.replace('"twelve is", 12', '"twelve is", 4 * 3'))


def strip(notebook):
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell.update(outputs=[], execution_count=None)


STALE = {
    "outputs and counts stripped": (strip, r"counted \[None, .*no output is stored"),
    "counts out of order": (
        lambda n: n["cells"][2].update(execution_count=9),
        r"counted \[1, 9, 3, 4, 5, 6\]",
    ),
    "another text": (lambda n: n["cells"][2].update(source="print(1)"), "the text of cell 3"),
    "another id": (lambda n: n["cells"][0].update(id="abc"), "cell 1 has the id 'abc'"),
    "a cell too many": (lambda n: n["cells"].append(n["cells"][0]), "it has 9 cells, and its source 8"),
    "timings in a cell": (
        lambda n: n["cells"][1]["metadata"].update(execution={}),
        "cell 2 has the metadata",
    ),
    "widget state": (lambda n: n["metadata"].update(widgets={}), "its metadata is"),
    "a claim without output": (lambda n: n["cells"][3].update(outputs=[]), "cell 4: it states a claim"),
    "a widget's view": (
        lambda n: n["cells"][4]["outputs"][0]["data"].update({notebooks.WIDGET: {}}),
        "cell 5: a widget's view is stored",
    ),
    "an address in memory": (
        lambda n: n["cells"][2]["outputs"][0].update(text="<object object at 0x7f3a00112233>"),
        "cell 3: what it shows differs between machines: '<object object at 0x",
    ),
    "a machine's path": (
        lambda n: n["cells"][2]["outputs"][0].update(text=f"{ROOT}/lstmcourse"),
        "cell 3: what it shows differs between machines",
    ),
    "a warning": (lambda n: n["cells"][2]["outputs"][0].update(name="stderr"), "cell 3: it wrote to stderr"),
    "an error": (
        lambda n: n["cells"][2]["outputs"].append({"output_type": "error", "ename": "E", "evalue": "e"}),
        "cell 3: it failed with E",
    ),
}


@pytest.mark.parametrize("what", STALE)
def test_check_finds(built, tmp_path, what):
    change, says = STALE[what]
    notebook = read(built)
    change(notebook)
    lesson = plan(write_notebook(tmp_path, notebook))[0]
    problems = notebooks.check(lesson)
    assert re.search(says, " ".join(problems)), problems
    assert all(problem.startswith("01_small.ipynb") for problem in problems)


def test_check_finds_a_source_that_was_edited(built, tmp_path):
    write_notebook(tmp_path, read(built))
    assert notebooks.check(plan(tmp_path)[0]) == []
    edit_source(tmp_path)
    assert "the text of cell 3 is not its source's: run `make notebooks`" in " ".join(
        notebooks.check(plan(tmp_path)[0])
    )


def test_check_finds_a_notebook_that_was_never_built_and_one_without_a_source(tmp_path):
    write(tmp_path)
    (tmp_path / "09_old.ipynb").write_text("{}", encoding="utf-8")
    done = tool("check", tmp_path)
    assert done.returncode == 1
    assert "01_small.ipynb has not been built" in done.stderr
    assert "09_old.ipynb has no source" in done.stderr


def test_a_cell_that_raises_leaves_the_stored_notebook_alone(built, tmp_path):
    write_notebook(tmp_path, read(built))
    before = (tmp_path / "01_small.ipynb").read_bytes()
    write(tmp_path, "# %%\n1 / 0\n")
    done = tool("build", tmp_path)
    assert done.returncode == 1 and "ZeroDivisionError" in done.stderr
    assert (tmp_path / "01_small.ipynb").read_bytes() == before
    assert not list(tmp_path.glob("*.partial"))


# exercises

ASKED = """\
# %% [markdown] tags=["exercise"] exercise="01.2"
# Count them.


# %% tags=["exercise"]
def count(D, H):
    # solution:
    return D * H
    # given:
    # return D
    # end


# %% tags=["exercise"]
# solution: weights
weights = {"U_h": 1.5}
# end
print(weights)
"""


def test_an_exercise_is_asked_with_what_it_takes_and_its_hints(tmp_path):
    asked = lc.exercises.get("01.2")
    name = f"{asked.notebook}.py"
    lesson, solutions = plan(write(tmp_path, ASKED, name))
    text, given, named = [cell.source for cell in lesson.notebook.cells]
    assert text.startswith(
        "### 01.2 Count the parameters\n\n*write, easy, about 4 minutes*\n\nCount them.\n\n<details>"
    )
    assert text.count("<details>") == 3 and all(hint in text for hint in asked.hints)
    assert given == "def count(D, H):\n    return D"
    assert named == "weights = ...  # your turn\nprint(weights)"
    text, solved, named = [cell.source for cell in solutions.notebook.cells[1:]]
    assert "<details>" not in text and text.endswith("Count them.")
    assert solved == "def count(D, H):\n    return D * H"
    assert named == 'weights = {"U_h": 1.5}\nprint(weights)'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (ASKED.replace("01.2", "01.99"), "asks exercise '01.99'; lstmcourse.exercises has for this notebook"),
        (ASKED.replace("01.2", "02.1"), "asks exercise '02.1'"),
        (ASKED.replace("[markdown] ", ""), "that is a Markdown cell"),
        (ASKED.replace('tags=["exercise"] ', ""), "that is a Markdown cell"),
    ],
)
def test_an_exercise_is_asked_in_its_own_notebook(tmp_path, text, says):
    with pytest.raises(notebooks.SourceError, match=says):
        plan(write(tmp_path, text, f"{lc.exercises.get('01.2').notebook}.py"))


def test_every_exercise_is_asked_once_open_in_the_lesson_and_right_in_the_solutions():
    asked = []
    for source in notebooks.sources(notebooks.FOLDER):
        lesson = notebooks.targets(source, notebooks.FOLDER)[0].notebook
        here = [c.metadata["exercise"] for c in lesson.cells if "exercise" in c.metadata]
        asked += here
        for folder, outcome in ((".", "Not yet: "), ("solutions", "Right: ")):
            path = notebooks.FOLDER / folder / f"{source.stem}.ipynb"
            stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"cells": []}
            checks = [c for c in stored["cells"] if "lc.check(" in "".join(c["source"])]
            assert len(checks) == len(here), path
            for cell in checks:
                assert "".join(cell["outputs"][-1]["data"]["text/plain"]).startswith(outcome), cell["source"]
    assert sorted(asked) == sorted(lc.exercises.ids())
