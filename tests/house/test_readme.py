"""The README's tour runs, and so do the lines for those without make; its picture is the definition's."""

import doctest
import re
from pathlib import Path

from tools import picture

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_tour_runs():
    result = doctest.testfile(str(ROOT / "README.md"), module_relative=False, encoding="utf-8")
    assert result.attempted >= 9 and result.failed == 0


def test_the_picture_is_current():
    assert picture.PICTURE.read_text(encoding="utf-8") == picture.text(), "run python -m tools.picture"


# without make


def commands():
    """The lines of the blocks that are typed into a terminal."""
    return [line for block in re.findall(r"```sh\n(.*?)```", README, re.S) for line in block.splitlines()]


def test_no_command_needs_a_shell_that_expands():
    for line in commands():
        assert line.isascii()
        if line.startswith(
            "python -c"
        ):  # what stands between the quotes is the same to cmd, PowerShell and sh
            assert line.count('"') == 2 and not set("$`%!^\\") & set(line)
        elif not line.startswith("make"):
            assert "*" not in line and "#" not in line
