"""The code passes ruff (lint and format) and import-linter, as `make lint` runs them."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*command):
    return subprocess.run([sys.executable, *command], capture_output=True, text=True, cwd=ROOT)


LINT = ["check", "--output-format=concise"]


@pytest.mark.parametrize(
    "command", [LINT, ["format", "--check", "--output-format=concise"]], ids=["lint", "format"]
)
def test_ruff(command):
    done = run("-m", "ruff", *command, "--no-cache")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\nmake format mends what can be mended"


def test_rooms():
    """The contracts of pyproject.toml: a room imports only from rooms below it."""
    done = run("-c", "from importlinter.cli import import_linter as main; main()", "lint", "--no-cache")
    assert done.returncode == 0, f"{done.stdout}{done.stderr}\ndocs/architecture.md says what the rooms are"
