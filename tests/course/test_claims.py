"""`claim` states, refuses and raises as it says; the table is complete; evidence is counted right."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from lstmcourse.course.claims import CLAIMS, ClaimFailed, check, claim
from tools.claims import Evidence, evidence, main, unmet

ROOT = Path(__file__).resolve().parents[2]


# stating


@pytest.mark.parametrize(
    ("condition", "holds", "fails"),
    [
        ({"above": 0.95}, 0.951, 0.95),
        ({"below": 1}, 0.999, 1),
        ({"between": (2, 3)}, 2, 3.001),
        ({"between": (2, 3)}, 3, 1.999),
        ({"above": -1}, [0, -0.5], [0, -1]),
        ({"below": 0.5}, np.array([0.1, 0.2], np.float32), np.array([0.1, 0.6], np.float32)),
    ],
)
def test_every_value_has_to_satisfy_the_threshold(condition, holds, fails, capsys):
    claim("C12", "it is learnt", holds, **condition)
    assert capsys.readouterr().out.startswith("C12 met: it is learnt\n    required: ")
    with pytest.raises(ClaimFailed, match=r"C12: 'it is learnt' does not hold: required: .*measured: <.*>"):
        claim("C12", "it is learnt", fails, **condition)
    assert capsys.readouterr().out.startswith("C12 FAILS: it is learnt\n")


def test_a_failed_claim_is_an_assertion_that_failed():
    assert issubclass(ClaimFailed, AssertionError)
    with pytest.raises(ClaimFailed, match="required: true; measured: <False>"):
        claim("C07", "the loop equals its copies", False)


def test_a_boolean_serves_definitions_and_identities(capsys):
    claim("C07", "the loop equals its copies", np.bool_(True))
    assert capsys.readouterr().out == "C07 met: the loop equals its copies\n    required: true\n"


def test_everything_but_the_measured_value_is_the_same_for_every_value():
    one, other = (
        check("C13", "a < b & c", v, above=0.2, verdict="qualified") for v in ([0.3, 0.4], [0.31, 0.5])
    )
    assert str(one) != str(other) and one._repr_html_() != other._repr_html_()
    for text in (str, lambda result: result._repr_html_()):
        for value in ("0.3 to 0.4, median 0.35", "0.31 to 0.5, median 0.405"):
            assert (value in text(one)) + (value in text(other)) == 1
        assert text(one).replace("0.3 to 0.4, median 0.35", "") == text(other).replace(
            "0.31 to 0.5, median 0.405", ""
        )


def test_html_escapes_what_it_is_given_and_names_the_verdict():
    shown = check("C13", "a < b & c", 0.1, below=0.2, verdict="refuted")._repr_html_()
    assert "a &lt; b &amp; c" in shown and "refuted" in shown and "required: below 0.2" in shown


def test_thresholds_are_shown_in_full():
    assert check("C07", "equal", 1e-13, below=1.5e-12).threshold == "below 1.5e-12"
    assert check("C12", "right", 0.99999, above=0.99995).threshold == "above 0.99995"
    assert (
        check("C12", "right", [1, 2, 3], between=(0, 1000000)).threshold
        == "between 0 and 1000000, for each of 3"
    )


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ((("C99", "x", 1), {"above": 0}), ValueError, "there is no claim 'C99'.*did you mean 'C.9'"),
        ((("C12", "  ", 1), {"above": 0}), ValueError, "say in words what holds"),
        (
            (("C12", "x", 1), {"above": 0, "verdict": "mett"}),
            ValueError,
            "no verdict 'mett'.*did you mean 'met'",
        ),
        ((("C12", "x", 1), {}), ValueError, r"give one of above=, below= and between=, not none"),
        ((("C12", "x", 1), {"above": 0, "below": 2}), ValueError, r"not \['above', 'below'\]"),
        (
            (("C12", "x", float("nan")), {"above": 0}),
            ValueError,
            "nan.*what is not finite supports no statement",
        ),
        ((("C12", "x", [1, float("inf")]), {"above": 0}), ValueError, "not finite"),
        ((("C12", "x", []), {"above": 0}), ValueError, r"shape \(0,\).*one for each seed"),
        ((("C12", "x", [[1.0], [2.0]]), {"above": 0}), ValueError, r"shape \(2, 1\)"),
        ((("C12", "x", "0.9"), {"above": 0}), TypeError, "the value is '0.9': give a number"),
        (
            (("C12", "x", None), {"above": 0}),
            TypeError,
            "value=None is of type NoneType; an array of numbers",
        ),
        ((("C12", "x", [True, False]), {"above": 0}), TypeError, "give a number"),
        ((("C07", "x", True), {"above": 0}), TypeError, "True has no size to compare with {'above': 0}"),
        ((("C12", "x", True), {}), ValueError, "C12 asks for experiment, and True measures nothing"),
        ((("C15", "x", True), {}), ValueError, "C15 asks for experiment and history"),
        ((("C12", "x", 1), {"above": "0"}), TypeError, "above='0': give a number"),
        ((("C12", "x", 1), {"above": float("nan")}), ValueError, "above=nan: give finite bounds"),
        ((("C12", "x", 1), {"between": 1}), TypeError, "between=1: give two numbers"),
        ((("C12", "x", 1), {"between": (2, 1)}), ValueError, r"between=\(2, 1\): .*the smaller first"),
    ],
)
def test_what_cannot_be_stated_is_refused(arguments, error, says):
    positional, named = arguments
    with pytest.raises(error, match=says):
        claim(*positional, **named)


# the table


def test_the_table_has_every_claim_once():
    assert list(CLAIMS) == [f"C{n:02d}" for n in range(1, 52)]
    for c in CLAIMS.values():
        assert set(c.kinds) <= set("DXIH") and c.kinds
        assert c.title and all(re.fullmatch(r"[01]\d|2[0-2]", home) for home in c.homes)


@pytest.mark.parametrize(
    ("id_", "kinds", "homes"),
    [
        ("C01", "D", ("01",)),
        ("C09", "XH", ("01", "09", "16", "20")),
        ("C15", "XH", ("02",)),
        ("C35", "XH", ("10", "11", "12", "13", "15")),
        ("C50", "DXIH", ("18",)),
    ],
)
def test_rows_of_the_table(id_, kinds, homes):
    assert (CLAIMS[id_].kinds, CLAIMS[id_].homes) == (kinds, homes)


# counting


def notebook(folder, name, *cells):
    """Write a notebook of (cell type, claims, source)."""
    made = [{"cell_type": kind, "metadata": {"claims": ids}, "source": source} for kind, ids, source in cells]
    (folder / name).write_text(json.dumps({"cells": made}), encoding="utf-8")


def test_evidence_is_read_from_markers_and_calls(tmp_path):
    notebook(
        tmp_path,
        "01_loops.ipynb",
        ("markdown", ["C02"], "[Hochreiter](https://example.org)"),
        ("code", ["C06"], "cell"),
        ("code", ["C07"], "claim('C07', 'equal', same)"),
        (
            "code",
            ["C05", "C08"],
            'lc.claim("C05", "s", v,\n above=1)\nlc.claim(\n    "C08", "s", v, below=1)',
        ),
        ("code", [], "nothing"),
    )
    found, problems = evidence(tmp_path)
    assert problems == []
    assert [(e.claim, e.kind, e.cell) for e in found] == [
        ("C02", "H", 1),
        ("C06", "D", 2),
        ("C07", "I", 3),
        ("C05", "X", 4),
        ("C08", "D", 4),
        ("C08", "X", 4),
    ]
    assert {e.notebook for e in found} == {"01_loops"}


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (("code", [], "claim('C05', 's', v, above=1)"), r"cell 1: calls claim\('C05'\) unmarked"),
        (("code", ["C77"], "x"), "cell 1: 'C77' is no claim"),
        (("code", ["C05"], "x"), "marked with C05, which asks for experiment, and gives none of it"),
        (("markdown", ["C51"], "Hochreiter, 1997"), "C51, which asks for history, and gives none"),
        (("code", ["C05"], "claim('C05', 's', True)"), "C05, which asks for experiment, and gives none"),
        (("markdown", ["C06"], "https://example.org"), "C06, which asks for definition, and gives none"),
    ],
)
def test_markers_that_promise_too_much_are_reported(tmp_path, cell, says):
    notebook(tmp_path, "01_loops.ipynb", cell)
    (problem,) = evidence(tmp_path)[1]
    assert re.search(says, problem)


def test_duties_that_notebooks_share():
    x05, x04, d = (Evidence("C17", "X", f"{n}_a", 1) for n in ("05", "04", "04"))
    assert not [line for line in unmet([x04], ["04"]) if line.startswith("C17")]
    assert unmet([x04], ["04", "05"])[0].startswith("C17 has no cell in notebook 05")
    assert not [line for line in unmet([x04, x05], ["04", "05"]) if line.startswith("C17")]
    history = [Evidence("C16", "H", f"{n}_a", 1) for n in ("03", "09")]
    owed = [line for line in unmet(history, ["03", "09"]) if line.startswith("C16")]
    assert owed == [f"C16 lacks experiment in notebook 03 or 09: {CLAIMS['C16'].title}"]


def test_the_command_fails_while_something_due_is_unmet(tmp_path, capsys):
    assert main(["--folder", str(tmp_path), "--through", "00"]) == 0
    assert main(["--folder", str(tmp_path), "--through", "01", "--unmet"]) == 1
    out = capsys.readouterr().out
    assert "unmet: C02 has no cell in notebook 01" in out and "C03 has no cell" not in out
    notebook(tmp_path, "00_start.ipynb", ("code", ["C05"], "x"))
    assert main(["--folder", str(tmp_path), "--through", "00"]) == 1


@pytest.mark.parametrize("arguments", [["--through", "2"], ["--folder", "nowhere"]])
def test_the_command_refuses_bad_arguments(arguments, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert arguments[1] in capsys.readouterr().err


def test_the_notebooks_there_are_meet_what_they_owe():
    there = sorted(path.name[:2] for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    if not there:
        pytest.fail("no notebook has been built: run `make notebooks`")
    found, problems = evidence(ROOT / "notebooks")
    assert not problems + unmet(found, there)
