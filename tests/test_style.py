"""The code passes ruff, lint and format, as `make lint` runs it."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


LINT = ["check", "--output-format=concise"]


@pytest.mark.parametrize(
    "command", [LINT, ["format", "--check", "--output-format=concise"]], ids=["lint", "format"]
)
def test_ruff(command):
    done = subprocess.run(
        [sys.executable, "-m", "ruff", *command, "--no-cache"], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nmake format mends what can be mended"
