"""Change the package in one place at a time, at random, and see whether a test notices.

::

    python -m tools.mutants --count 20 --seed 0

A mutant has one operator, number, truth value or condition changed. It lives in a copy of the checkout, so
the working tree is never touched, and meets the test files nearest to the changed module: those that name it,
then those that name a module which imports it, as many as fit into its seconds. How long a file takes is
measured once, without any change. A mutant that is left meets, for as many seconds again, the other tests of
its room. All times are the processor's, so that other work on the machine changes no verdict. A mutant is
*killed* if a test fails that passes without the change, or if the nearest take several times as long (it may
loop for ever), has *survived* if all pass, and is *undecided* if the room's tests are not done in time: other
files may notice it. A survivor is a test to write, or a change that makes no difference. For Linux and macOS.
"""

from __future__ import annotations

import argparse
import ast
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import grimp
import psutil

ROOT = Path(__file__).resolve().parent.parent
NO_TESTS = 5  # the exit code of pytest where all tests were deselected
ROOMS = ("engine", "programs", "run", "training", "compiled")
SWAPS = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult},
    **{ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn},
    **{ast.NotIn: ast.In, ast.And: ast.Or, ast.Or: ast.And},
}


@dataclass(frozen=True)
class Mutant:
    """One expression of one file, and what it is changed into."""

    path: Path
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.old}  ->  {self.new}"

    def applied_to(self, text: bytes) -> bytes:
        """The file's content with the change."""
        return text[: self.start] + self.new.encode() + text[self.end :]


def changed(node: ast.AST) -> ast.expr | None:
    """A changed copy of an expression, if it is of a kind that is changed.

    Examples
    --------
    >>> [ast.unparse(changed(ast.parse(text, mode="eval").body)) for text in ("a + b", "a < b", "not a", "3")]
    ['a - b', 'a <= b', 'a', '4']
    """
    match node:
        case ast.BinOp(op=op) if type(op) in SWAPS:
            return ast.BinOp(node.left, SWAPS[type(op)](), node.right)
        case ast.BoolOp(op=op):
            return ast.BoolOp(SWAPS[type(op)](), node.values)
        case ast.Compare(ops=[op]) if type(op) in SWAPS:
            return ast.Compare(node.left, [SWAPS[type(op)]()], node.comparators)
        case ast.UnaryOp(op=ast.Not() | ast.USub()):
            return node.operand
        case ast.Constant(value=bool()):
            return ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            return ast.Constant(node.value + 1)
    return None


def code(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes that are run and say something: no annotations, no errors' texts, no text at all."""
    yield node
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not isinstance(child, ast.Raise | ast.JoinedStr):
                yield from code(child)


def mutants(path: Path) -> list[Mutant]:
    """All mutants of a file, a path below the root."""
    text = (ROOT / path).read_bytes()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node in code(ast.parse(text)):
        if new := changed(node):
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            old, to = text[start:end].decode(), f"({ast.unparse(ast.fix_missing_locations(new))})"
            found.append(Mutant(path, node.lineno, start, end, old, to))
    return found


# Which tests: by what they name, and by the package's own imports


def face() -> dict[str, str]:
    """The module behind each name of the package's face: ``lc.unroll`` is of ``lstmcourse.run.unroll``."""
    from lstmcourse import aliases

    found = {name: f"lstmcourse.{module}" for name, module in (aliases.MODULES | aliases.NAMES).items()}
    for node in ast.parse((ROOT / "lstmcourse" / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            prefix = ".".join(filter(None, ("lstmcourse", node.module)))
            for alias in node.names:
                found[alias.name] = prefix if node.module else f"{prefix}.{alias.name}"
    return found


def named(path: Path, names: dict[str, str], modules: set[str]) -> set[str]:
    """The package's modules that a test file names, itself or through helpers that lie beside it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Import():
                found |= {alias.name for alias in node.names}
            case ast.ImportFrom(module="lstmcourse"):
                found |= {names.get(alias.name, f"lstmcourse.{alias.name}") for alias in node.names}
            case ast.ImportFrom(module=str(module), level=0):
                found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
                for helper in (path.with_name(f"{module}.py"), ROOT / "tests" / f"{module}.py"):
                    if helper.exists():
                        found |= named(helper, names, modules)
                        break
            case ast.Attribute(value=ast.Name(id="lc" | "lstmcourse"), attr=name) if name in names:
                found.add(names[name])
    return found & modules - {"lstmcourse"}


def nearest(module: str, graph: grimp.ImportGraph, named_by: dict[Path, set[str]]) -> list[Path]:
    """Test files that name a module, then those that name a module which imports it; all, if there are none.

    Those that name fewest others come first.
    """
    near = graph.find_modules_that_directly_import(module) - {"lstmcourse"}
    paths = sorted(named_by, key=lambda path: len(named_by[path]))
    first = [path for path in paths if module in named_by[path]]
    return first + [path for path in paths if path not in first and named_by[path] & near] or paths


# Running


def children() -> float:
    """The processor's seconds of all children that have ended, and of theirs."""
    used = os.times()
    return used.children_user + used.children_system


def spent(running: psutil.Process) -> float:
    """The processor's seconds of a process that runs, and of its children that still run."""
    seconds = 0.0
    with suppress(psutil.NoSuchProcess):
        for one in [running, *running.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                seconds += sum(one.cpu_times()[:4])
    return seconds


class Copy:
    """A copy of the checkout, in which tests run, with a change or without one."""

    def __init__(self, root: Path):
        self.root = root
        self.seconds: dict[Path, float] = {}
        tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
        for name in filter(None, tracked.decode().split("\0")):
            copy = root / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy)

    def pytest(self, tests: list[str], seconds: float) -> tuple[int | None, float, str]:
        """The exit code of pytest, None if its time was over, the time that it took, and what it printed.

        Times are the processor's, of pytest and its children; one that only waits is given ten times as long.
        Programs that are compiled are kept: their names are digests of what they are compiled from.
        """
        environment = os.environ | {
            "PYTHONPATH": str(self.root),
            "LSTMCOURSE_CACHE_DIR": str(self.root / ".compiled"),
        }
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-m", "not long", *tests]
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as out:
            running = psutil.Popen(
                command, cwd=self.root, env=environment, stdout=out, stderr=out, start_new_session=True
            )
            before, until, status = children(), time.monotonic() + 10 * seconds, None
            try:
                while True:
                    with suppress(psutil.TimeoutExpired):
                        status = running.wait(0.5)
                        break
                    if time.monotonic() > until or spent(running) > seconds:
                        break
            finally:
                if status is None:
                    os.killpg(running.pid, signal.SIGKILL)
                    running.wait()
            out.seek(0)
            return status, children() - before, out.read()

    def unchanged(self, test: Path, most: float) -> float:
        """How long a test file takes without a change, its programs compiled before; infinite if it fails."""
        if test not in self.seconds:
            took = 0.0
            for _ in range(2):  # what is compiled the first time is not the second
                status, took, _ = self.pytest([str(test)], 5 * most)
                took = took if status in (0, NO_TESTS) else math.inf
                if not most / 4 < took < math.inf:
                    break
            self.seconds[test] = took
        return self.seconds[test]

    def fate(self, mutant: Mutant, tests: list[Path], seconds: float) -> tuple[str, str]:
        """What becomes of a mutant, and which test decided it, or how many files it met."""
        chosen, whole = [], 0.0
        for path in tests:
            if whole + self.unchanged(path, seconds) <= seconds:
                chosen.append(str(path))
                whole += self.seconds[path]
            if whole > seconds / 2:
                break
        among = f"{len(chosen)} of {len(tests)} test files, {whole:.0f} s"
        if not chosen:
            return "not tried", among
        limit = (15 if mutant.path.parent.name == "compiled" else 4) * seconds  # there, all is compiled anew
        file = self.root / mutant.path
        text, times = file.read_bytes(), file.stat()
        file.write_bytes(mutant.applied_to(text))
        try:
            status, _, said = self.pytest(chosen, limit)
            if status is None:
                return "killed", f"takes too long; {among}"
            room = self.root / "tests" / mutant.path.parts[1]
            if status in (0, NO_TESTS) and room.is_dir():
                skipped = [f"--ignore={path}" for path in chosen]
                status, _, said = self.pytest([str(room.relative_to(self.root)), *skipped], seconds)
                among += f", then {room.name}"
        finally:
            file.write_bytes(text)
            os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        if status is None:
            return "undecided", f"{among}, whose time was over"
        if status in (0, NO_TESTS):
            return "survived", among
        failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", said, re.M)
        if failed is None:
            return "killed", "the tests do not start"
        again, *_ = self.pytest([failed[1]], 10 * seconds)
        return ("killed" if again == 0 else "not counted: the test fails without the change"), failed[1]


def main() -> int:
    """Sample mutants, run them, and print what became of each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seconds", type=float, default=60, help="for each mutant")
    parser.add_argument("--rooms", nargs="+", default=ROOMS)
    chosen = parser.parse_args()
    files = [
        p.relative_to(ROOT) for r in chosen.rooms for p in sorted((ROOT / "lstmcourse" / r).rglob("*.py"))
    ]
    every = [m for path in files for m in mutants(path)]
    graph = grimp.build_graph("lstmcourse", cache_dir=None)
    names, modules, files = face(), graph.modules, sorted((ROOT / "tests").rglob("test_*.py"))
    named_by = {p.relative_to(ROOT): named(p, names, modules) for p in files}
    count = Counter()
    with tempfile.TemporaryDirectory() as folder:
        copy = Copy(Path(folder))
        for mutant in random.Random(chosen.seed).sample(every, min(chosen.count, len(every))):
            module = ".".join(mutant.path.with_suffix("").parts).removesuffix(".__init__")
            what, by = copy.fate(mutant, nearest(module, graph, named_by), chosen.seconds)
            count[what] += 1
            print(f"{what}: {mutant}  ({by})", flush=True)
    print(
        f"{len(every)} mutants, seed {chosen.seed}: " + ", ".join(f"{n} {what}" for what, n in count.items())
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
