"""Renew constraints.txt: names and versions of all that the course installs, on every Python it supports.

::

    python tools/constraints.py python3.11 python3.12 python3.13

Asks the pip of each interpreter what it would install for ``.[test,dev]``; installs nothing. Versions that
differ between interpreters get an environment marker. Only names and versions are written, never where they
came from.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Versions that are known to work together, for: pip install -c constraints.txt -e .
# Derived from pyproject.toml by `make constraints`; not edited by hand. Names and versions only.
"""


def resolve(python: str) -> tuple[str, dict[str, str]]:
    """Return an interpreter's version, such as "3.12", and the versions that its pip chooses."""
    version = [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
    pip = [python, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--report", "-"]
    found = subprocess.run([*pip, f"{ROOT}[test,dev]"], check=True, capture_output=True, text=True).stdout
    chosen = {}
    for item in json.loads(found[found.index("{") :])["install"]:
        name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
        chosen[name] = item["metadata"]["version"]
    chosen.pop("lstmcourse")
    return subprocess.run(version, check=True, capture_output=True, text=True).stdout.strip(), chosen


def merge(chosen: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Merge the versions for several Pythons into constraints.

    >>> merge({"3.11": {"numpy": "2.4.6", "six": "1.17"}, "3.12": {"numpy": "2.5.5", "six": "1.17"}})
    ['numpy==2.4.6; python_version < "3.12"', 'numpy==2.5.5; python_version >= "3.12"', 'six==1.17']
    """
    pythons = sorted(chosen, key=lambda v: tuple(map(int, v.split("."))))
    lines = []
    for name in sorted({name for versions in chosen.values() for name in versions}):
        runs: list[tuple[str, list[str]]] = []  # versions in the order of the Pythons, and who has them
        for python in pythons:
            version = chosen[python].get(name)
            if version is None:
                continue
            if runs and runs[-1][0] == version:
                runs[-1][1].append(python)
            else:
                runs.append((version, [python]))
        for i, (version, _) in enumerate(runs):
            low = f'python_version >= "{runs[i][1][0]}"' if i > 0 else ""
            high = f'python_version < "{runs[i + 1][1][0]}"' if i + 1 < len(runs) else ""
            marker = " and ".join(part for part in (low, high) if part)
            lines.append(f"{name}=={version}" + (f"; {marker}" if marker else ""))
    return lines


def main() -> int:
    """Resolve for each interpreter named, and write constraints.txt."""
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("pythons", nargs="+", metavar="python", help="an interpreter, such as python3.12")
    pythons = ap.parse_args().pythons
    lines = merge(dict(resolve(python) for python in pythons))
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    print(f"constraints.txt: {len(lines)} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
