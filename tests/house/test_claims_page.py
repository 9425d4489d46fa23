"""The ledger is what the notebooks state: made from them, whole, and up to date."""

import json
import re

import nbformat
import pytest

import lstmcourse as lc
from lstmcourse.course.claims import CLAIMS, VERDICTS, check
from lstmcourse.course.ledger import Entry, Line
from tools import ledger


def notebook(folder, *results, name="01_small", claims=("C12",)):
    cell = nbformat.v4.new_code_cell(
        "lc.claim('C12', 'x', 1, above=0)", metadata={"claims": list(claims)}, id="ab12"
    )
    cell.outputs = [nbformat.v4.new_output("display_data", data={"text/plain": str(r)}) for r in results]
    made = nbformat.v4.new_notebook(cells=[cell])
    (folder / f"{name}.ipynb").write_text(nbformat.writes(made), encoding="utf-8")


def test_what_is_stored_is_what_the_notebooks_state():
    assert ledger.PAGE.read_text(encoding="utf-8") == ledger.page(ledger.ROOT / "notebooks"), (
        "docs/claims.html is out of date: run python -m tools.ledger"
    )


def lines(folder):
    return [line for e in lc.ledger(folder).entries for line in e.lines]


def test_every_claim_call_of_the_notebooks_is_a_line():
    for path in sorted((ledger.ROOT / "notebooks").glob("[0-9]*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        shown = sum(
            "lc-claim" in "".join(o.get("data", {}).get("text/html", ""))
            for c in cells
            for o in c.get("outputs", [])
        )
        assert shown == sum(line.notebook == path.stem for line in lines(ledger.ROOT / "notebooks"))


def test_a_result_is_read_back_as_it_was_stated(tmp_path):
    results = [
        check("C12", "right after <three> words", [0.99, 0.98], above=0.95),
        check("C06", "the loop: and one step", True),
        check("C12", "not so: at 20", 0.5, below=0.6, verdict="qualified"),
    ]
    notebook(tmp_path, *results)
    found = lines(tmp_path)
    assert [(f.claim, f.verdict, f.statement, f.required, f.measured) for f in found] == [
        (r.id, r.verdict, r.statement, r.threshold, r.measured) for r in sorted(results, key=lambda r: r.id)
    ]
    assert {(f.notebook, f.cell) for f in found} == {("01_small", "ab12")}
    text = ledger.page(tmp_path)
    assert "right after &lt;three&gt; words" in text
    assert '<a href="../notebooks/01_small.ipynb#cell-id=ab12">01</a>' in text
    assert re.search(r'<tr id="C12">.*?<td class="qualified" ', text)
    assert re.search(r'<tr id="C43">.*?<td class="open" ', text)
    assert text.count("<tr id=") == len(CLAIMS)


def test_the_gravest_verdict_counts():
    made = [Line("C12", word, "", "", "", "", "") for word in VERDICTS]
    entries = [Entry(CLAIMS["C12"], tuple(made[:k]), ()) for k in (1, 2, 3)]
    assert [e.verdict for e in entries] == ["met", "qualified", "refuted"]
    assert Entry(CLAIMS["C51"], (), ()).verdict == "open"
    assert Entry(CLAIMS["C51"], (), (("22_end", "ab"),)).verdict == "met"


def test_a_reader_looks_at_one_verdict(tmp_path):
    notebook(
        tmp_path, check("C12", "not so: at 20", 0.5, below=0.6, verdict="refuted"), claims=("C06", "C12")
    )
    found = lc.ledger(tmp_path)
    assert repr(found) == f"{len(CLAIMS)} statements: 1 met, 1 refuted, {len(CLAIMS) - 2} open"
    assert [e.claim.id for e in found.only("refuted").entries] == ["C12"]
    assert 'href="01_small.ipynb#cell-id=ab12"' in found.only("refuted")._repr_html_()
    with pytest.raises(ValueError, match="'right'"):
        found.only("right")


@pytest.mark.parametrize(
    "content", ["", "{}", "[]", '{"cells": [1]}', '{"cells": [{"metadata": {}, "outputs": 7}]}']
)
def test_a_damaged_notebook_is_named(tmp_path, content):
    (tmp_path / "01_bad.ipynb").write_text(content)
    with pytest.raises(ValueError, match=r"01_bad\.ipynb is damaged"):
        lc.ledger(tmp_path)
