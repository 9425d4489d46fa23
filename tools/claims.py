"""List, claim by claim, the notebooks' cells that meet it, and what is still unmet.

``make claims`` runs this; ``python -m tools.claims --through 02`` counts only what is due by notebook 02.
A cell says which claims it meets in its marker, ``# %% claims=["C12", "C13"]``, code and prose alike:

- **X** (experiment) and **I** (identity) are met by a code cell that calls `claim` with the claim's id;
- **H** (history) is met by a prose cell that carries a link to the source;
- **D** (definition that runs) is met by any code cell that is marked.

A call without a threshold, ``claim("C06", "...", True)``, gives no X.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lstmcourse.course.claims import CLAIMS, KINDS, in_words
from lstmcourse.errors import nearest
from lstmcourse.files.paths import expand

__all__ = ["Evidence", "evidence", "main", "unmet"]


@dataclass(frozen=True)
class Evidence:
    """One kind of evidence for one claim, and the cell that gives it."""

    claim: str
    kind: str
    notebook: str
    cell: int


_CALL = re.compile(r"""\bclaim\(\s*["'](C\d\d)["']""")
_THRESHOLD = re.compile(r"\b(above|below|between)=")
_LINK = re.compile(r"https?://\S|\bdoi:\s*10\.")


def evidence(folder: Path | str) -> tuple[list[Evidence], list[str]]:
    """Return what the notebooks in a folder give, and where markers and cells disagree.

    Parameters
    ----------
    folder : path
        Where the notebooks are, named ``NN_name.ipynb``; folders within it are not read.

    Returns
    -------
    (list of Evidence, list of str)
        The second list is empty when all is well.
    """
    found: list[Evidence] = []
    problems: list[str] = []
    for path in sorted(expand(folder, "folder").glob("[0-9][0-9]*_*.ipynb")):
        notebook = json.loads(path.read_text(encoding="utf-8"))
        for number, cell in enumerate(notebook["cells"], start=1):
            source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
            marked = cell["metadata"].get("claims", [])
            where = f"{path.name}, cell {number}"
            called = set(_CALL.findall(source)) if cell["cell_type"] == "code" else set()
            for id_ in sorted(called - set(marked)):
                problems.append(f"{where}: calls claim({id_!r}) unmarked: add claims=[{id_!r}] to its marker")
            for id_ in marked:
                if id_ not in CLAIMS:
                    problems.append(f"{where}: {id_!r} is no claim: {nearest(id_, CLAIMS)}")
                    continue
                if cell["cell_type"] == "markdown":
                    kinds = "H" if _LINK.search(source) else ""
                elif id_ in called:
                    kinds = "DXI" if _THRESHOLD.search(source) else "DI"
                else:
                    kinds = "D"
                given = [k for k in kinds if k in CLAIMS[id_].kinds]
                if not given:
                    asked = in_words(CLAIMS[id_].kinds)
                    problems.append(
                        f"{where}: marked with {id_}, which asks for {asked}, and gives none of it"
                    )
                found += [Evidence(id_, kind, path.stem, number) for kind in given]
    return found, problems


def unmet(found: Iterable[Evidence], numbers: Sequence[str]) -> list[str]:
    """Return what the notebooks of these numbers owe and do not give, as sentences.

    A duty that several notebooks share is due in full once all of them are in ``numbers``; before that each
    of them owes one marked cell.

    Examples
    --------
    >>> unmet([], ["02"])[1]
    'C11 has no cell in notebook 02: the hope: earlier information informs the present task'
    >>> unmet([Evidence("C11", "D", "02_long", 3)], ["02"])[1][:3]
    'C12'
    """
    have = {(e.claim, e.kind, e.notebook[:2]) for e in found}
    owed = []
    for c in CLAIMS.values():
        for kinds, homes in c.asked:
            due = [h for h in homes if h in numbers]
            without = [h for h in due if not any((c.id, k, h) in have for k in kinds)]
            owed += [f"{c.id} has no cell in notebook {h}: {c.title}" for h in without]
            where = " or ".join(homes)
            if due == list(homes) and not without:
                missing = [k for k in kinds if not any((c.id, k, h) in have for h in homes)]
                owed += [f"{c.id} lacks {KINDS[k]} in notebook {where}: {c.title}" for k in missing]
    return owed


def _default_folder() -> Path:
    return Path(__file__).resolve().parents[1] / "notebooks"


def main(arguments: Sequence[str] | None = None) -> int:
    """List the claims, the cells that meet them, and what is unmet; return 1 if something is unmet."""
    parser = argparse.ArgumentParser(prog="python -m tools.claims", description=main.__doc__)
    parser.add_argument("--through", metavar="NN", help="what is due: notebooks 00 to NN (default: all)")
    parser.add_argument("--folder", type=expand, default=_default_folder(), help="where the notebooks are")
    parser.add_argument("--unmet", action="store_true", help="list only what is unmet")
    options = parser.parse_args(arguments)
    last = max(max(c.homes) for c in CLAIMS.values())
    if options.through is not None and not re.fullmatch(r"\d\d", options.through):
        parser.error(f"--through {options.through}: give a notebook's number in two digits, such as 02")
    if not options.folder.is_dir():
        parser.error(f"--folder {options.folder}: there is no such folder")
    due = [f"{n:02d}" for n in range(int(options.through or last) + 1)]
    found, problems = evidence(options.folder)
    owed = unmet(found, due)
    if not options.unmet:
        for c in CLAIMS.values():
            cells = [f"{e.notebook}[{e.cell}] {KINDS[e.kind]}" for e in found if e.claim == c.id]
            print(f"{c.id}  {in_words(c.kinds)}, notebook {', '.join(c.homes)}: {'; '.join(cells) or '-'}")
    for line in problems + owed:
        print(f"unmet: {line}")
    asked = sum(1 for c in CLAIMS.values() if set(c.homes) & set(due))
    open_ = len({line[:3] for line in owed})
    print(f"{asked - open_} of {asked} claims with a home in notebooks 00 to {due[-1]} are met as far as due")
    return 1 if problems or owed else 0


if __name__ == "__main__":
    sys.exit(main())
