"""How large the house may be: what a learner reads has a budget, and no file grows out of hand."""

from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "lstmcourse"

READ = ["cells/lstm", *(f"engine/{n}" for n in "graph trace ops shapes autodiff numeric reference".split())]
"""From an equation to its gradients: what a learner reads, in this order."""

BUDGET = {
    "the reading path": (READ, 1500),
    "the reference": (["engine/reference"], 150),
    "Cell": (["cell"], 300),
}

LONGEST = 600
LONGER: dict[str, str] = {}  # each with its reason; this list only shrinks


def lines(path):
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("what", BUDGET)
def test_budget(what):
    names, most = BUDGET[what]
    count = {n: lines(PACKAGE / f"{n}.py") for n in names}
    assert sum(count.values()) <= most, count


def test_no_file_is_long():
    long = {p.relative_to(PACKAGE).as_posix() for p in PACKAGE.rglob("*.py") if lines(p) > LONGEST}
    assert long <= set(LONGER), f"divide {sorted(long - set(LONGER))}"
    assert set(LONGER) <= long, f"no longer long, take it off the list: {sorted(set(LONGER) - long)}"


def test_few_modules_lie_flat():
    flat = sorted(p.name for p in PACKAGE.glob("*.py"))
    assert len(flat) <= 10, flat


def test_names_of_test_files_are_unique():
    """Two of one name in different folders cannot be collected in one run, though each alone passes."""
    files = Counter(p.name for p in Path(__file__).resolve().parents[1].rglob("*.py"))
    assert [name for name, count in files.items() if count > 1 and name != "__init__.py"] == []


def test_no_circle_of_imports():
    """Not within a room either, nor by an import inside a function, nor by one for annotations alone."""
    graph = grimp.build_graph("lstmcourse", cache_dir=None)
    imports = {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}
    order = list(TopologicalSorter(imports).static_order())  # a circle is an error that names its members
    assert order.index("lstmcourse.engine.graph") < order.index("lstmcourse.cell") < len(imports)
