"""One environment, said three times; imports that cost little; documents that say what is so."""

import gzip
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = ("3.11", "3.12", "3.13")


def asked(*extras):
    lines = list(PROJECT["dependencies"])
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    return {canonicalize_name(r.name): r for r in map(Requirement, lines)}


def constraints():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


# constraints.txt


@pytest.mark.parametrize("python", PYTHONS)
def test_constraints_pin_every_dependency_once_and_within_its_bounds(python):
    pins = {}
    for line in constraints():
        if line.marker is None or line.marker.evaluate({"python_version": python}):
            assert canonicalize_name(line.name) not in pins, f"{line.name} is pinned twice on Python {python}"
            pins[canonicalize_name(line.name)] = line.specifier
    for name, requirement in asked("test", "dev").items():
        assert name in pins, f"{name} has no version in constraints.txt: run `make constraints`"
        (pin,) = pins[name]
        assert pin.operator == "=="
        assert requirement.specifier.contains(pin.version), f"{name}: {pin} does not fit {requirement}"


def test_the_tests_have_what_the_course_has():
    wanted = asked("test")
    assert all(wanted[name].specifier == r.specifier for name, r in asked("course", "fast").items())


def test_the_package_alone_brings_no_jupyterlab():
    assert not {"jupyterlab", "ipykernel", "notebook", "jupyter"} & asked().keys()


def test_constraints_hold_names_and_versions_only():
    for line in constraints():
        assert line.url is None
        assert re.fullmatch(r"==[\w.!+]+", str(line.specifier)), line


def test_merging_versions_of_several_pythons_gives_each_python_back_its_own():
    from tools.constraints import merge

    chosen = {
        "3.11": {"a": "1", "b": "1", "c": "1"},
        "3.12": {"a": "1", "b": "2", "c": "2"},
        "3.13": {"a": "1", "b": "3", "c": "2", "d": "4"},
    }
    lines = [Requirement(line) for line in merge(chosen)]
    for python, versions in chosen.items():
        seen = {
            r.name: str(r.specifier)[2:]
            for r in lines
            if r.marker is None or r.marker.evaluate({"python_version": python})
        }
        seen.pop("d", None) if python != "3.13" else None  # a constraint for what is not installed is idle
        assert seen == versions


# environment.yml


def conda():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


def match_spec(text):
    """Return (name, specifiers); read strictly, and by conda's own parser too where it is installed."""
    try:
        from rattler import MatchSpec
        from rattler.exceptions import InvalidMatchSpecError
    except ImportError:
        pass
    else:
        try:
            MatchSpec(text, strict=True)
        except InvalidMatchSpecError as error:
            raise AssertionError(f"environment.yml: {text!r}: {error}") from error
    found = re.fullmatch(r"([a-z0-9._-]+)(?: ((?:[<>=!]=?[\d.]+,?)+))?", text)
    assert found, f"environment.yml: {text!r} is not 'name' or 'name >=version'"
    return found[1], SpecifierSet(found[2] or "")


def test_environment_yml_agrees_with_pyproject():
    *packages, by_pip = conda()["dependencies"]
    assert by_pip == {"pip": ["-e ."]}
    specs = dict(map(match_spec, packages))
    assert specs.pop("python") == SpecifierSet(PROJECT["requires-python"])
    assert specs.pop("pip") == SpecifierSet("")
    assert specs == {name: r.specifier for name, r in asked("course", "fast").items()}


def test_environment_yml_has_the_form_that_conda_reads():
    whole = conda()
    assert list(whole) == ["name", "channels", "dependencies"]
    assert (whole["name"], whole["channels"]) == ("lstmcourse", ["conda-forge"])


@pytest.mark.parametrize("text", ["numpy >=2 <", "numpy>=", "num py >=2"])
def test_a_malformed_match_specification_is_refused(text):
    with pytest.raises(AssertionError, match="environment.yml"):
        match_spec(text)


# imports


def test_importing_the_package_loads_nothing_heavy():
    heavy = [
        "matplotlib",
        "ipywidgets",
        "IPython",
        "tqdm",
        "scipy",
        "numba",
        "safetensors",
        "jupyterlab",
        "torch",
        "keras",
        "traitlets",
        "optuna",
        "sqlalchemy",
        "distributed",
        "mpi4py",
    ]
    code = f"import sys, lstmcourse; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_what_is_installed_is_what_is_declared():
    """Whatever the package or its notebooks import from outside is a dependency."""
    import ast

    names = {"IPython": "ipykernel", "PIL": "matplotlib", "cycler": "matplotlib"}  # these bring them
    names |= {"markdown_it": "markdown-it-py", "mdit_py_plugins": "mdit-py-plugins", "math_core": "math-core"}
    imported = set()
    for path in [*(ROOT / "lstmcourse").rglob("*.py"), *(ROOT / "notebooks" / "source").glob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(node.module.split(".")[0])
    outside = imported - set(sys.stdlib_module_names) - {"lstmcourse"}
    extras = set(PROJECT["optional-dependencies"]) - {"test", "dev"}
    brought = {"llvmlite"}  # by numba, and bound to its version
    assert {names.get(name, name) for name in outside} <= set(asked(*extras)) | brought


# documents

DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "docs/architecture.md",
    "docs/studies.md",
    "docs/slides.md",
)


def targets():
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))


@pytest.mark.parametrize("document", [*DOCUMENTS, ".pre-commit-config.yaml", ".ci/run", "tools/notebooks.py"])
def test_make_targets_that_documents_name_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:^|`|entry: |exec )make ([a-z-]+)", text, re.M))
    assert named or document == "CHANGELOG.md"
    assert named <= targets(), (
        f"{document} names {sorted(named - targets())}, which the Makefile does not have"
    )


def test_tests_that_documents_run_as_scripts_find_their_modules():
    """Without pytest, only a script's own folder is looked into."""
    text = "".join((ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS)
    scripts = sorted(set(re.findall(r"python (tests/\w+/test_\w+\.py)", text)))
    assert len(scripts) >= 2
    run = "sys.path[0] = f.rpartition('/')[0]; runpy.run_path(f)"
    code = f"import runpy, sys\nfor f in sys.argv[1:]: {run}"
    subprocess.run(
        [sys.executable, "-c", code, *scripts],
        check=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_make_help_lists_every_target_that_is_meant_for_people():
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    done = subprocess.run([make, "-s", "help"], capture_output=True, text=True, check=True, cwd=ROOT)
    listed = set(re.findall(r"^make ([a-z-]+)", done.stdout, re.M))
    assert listed == targets()


def test_make_clean_removes_caches_and_nothing_else(tmp_path):
    make = shutil.which("make")
    if make is None:
        pytest.skip("make is not installed")
    root = tmp_path / "the learner's course"
    caches = (
        "__pycache__",
        "my notes/__pycache__",
        "line\nend/.ipynb_checkpoints",
        "-rf/__pycache__",
        ".venv/bin",
    )
    kept = ("my", "notes", "line", "end", "__pycache__ and more", ".git/__pycache__")
    for name in (*caches, *kept):
        (root / name).mkdir(parents=True, exist_ok=True)
        (root / name / "file").write_text("", encoding="utf-8")
    shutil.copy(ROOT / "Makefile", root)
    subprocess.run([make, "clean"], capture_output=True, check=True, cwd=root)
    assert [name for name in caches if (root / name).exists()] == []
    assert [name for name in kept if not (root / name / "file").exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_documents_name_exist(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    text = re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
    paths = [path for path in re.findall(r"`([\w./]+/[\w./]+)`", text) if "NN" not in path]
    places = [ROOT, (ROOT / document).parent, ROOT / "lstmcourse"]
    for path in [*links, *paths]:
        assert any((place / path).exists() for place in places), (
            f"{document} names {path}, which does not exist"
        )


def test_the_version_is_the_same_everywhere():
    assert f"## {PROJECT['version']}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# what must not be in a repository


def tracked():
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    done = subprocess.run([git, "ls-files", "-z"], capture_output=True, check=True, cwd=ROOT)
    return [ROOT / name.decode() for name in done.stdout.split(b"\0") if name]


def test_no_link_is_tracked():
    """A link to an environment elsewhere, checked out, would take the place of one's own."""
    assert [str(path) for path in tracked() if path.is_symlink()] == []


FORBIDDEN = {
    "the address of a package registry": r"https?://[^\s\"'>)]*/(?:" + "simple|packages" + r")(?:/|\b)",
    "a registry": "(?:files\\.python" + "hosted|py" + r"pi\.org/simple|--(?:extra-)?index" + "-url)",
    "the path of somebody's machine": r"(?<![\w.])/(?:" + "home|Users|root|farm|work|tmp" + r")/[\w.]",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_tracked_file_holds(what):
    found = []
    for path in tracked():
        if (
            path == Path(__file__).resolve()
            or not path.exists()
            or path.suffix in {".npz", ".png", ".safetensors", ".woff"}
        ):
            continue
        stored = path.read_bytes()
        text = (gzip.decompress(stored) if path.suffix == ".gz" else stored).decode("utf-8")
        for number, line in enumerate(text.splitlines(), start=1):
            if match := re.search(FORBIDDEN[what], line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {match.group()}")
    assert not found
