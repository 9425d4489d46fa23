"""The README's tour runs and prints what it says; its picture is the one that the definition gives."""

import doctest
from pathlib import Path

from tools import picture

ROOT = Path(__file__).resolve().parent.parent


def test_the_tour_runs():
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False, encoding="utf-8")
    assert result.attempted >= 9 and result.failed == 0


def test_the_picture_is_current():
    assert picture.PICTURE.read_text(encoding="utf-8") == picture.text(), "run python -m tools.picture"
