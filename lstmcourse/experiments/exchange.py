"""What is measured of a study so far, as one file: to go on on another machine, or from a repository.

The file is compressed JSON lines: first what the study is and what its numbers rest on, then a trial a line.
One that lies beside the stored results is taken up by whoever runs the study.
"""

from __future__ import annotations

from pathlib import Path

from lstmcourse.checks import given, text
from lstmcourse.experiments.define import get
from lstmcourse.experiments.run import changed, joined, known, place, seen
from lstmcourse.experiments.store import DATA, PART, Results, read_part, save_part
from lstmcourse.files.paths import expand

__all__ = ["export_trials", "import_trials"]


@given(name=text)
def export_trials(
    name: str,
    path: str | Path | None = None,
    *,
    data: Path | None = None,
    journal: Path | None = None,
    storage: str | None = None,
) -> Path:
    """Write what is measured of a study so far as one file, whether it is complete or not.

    Parameters
    ----------
    name : str
        The study's.
    path : path-like, optional
        The file; ``<data>/<name>.jsonl.gz`` if not given, where `run` finds it.
    data, journal, storage : optional
        Where the study is; see `run`.

    Returns
    -------
    Path
        The file. The same trials give the same content.

    Raises
    ------
    ValueError
        Nothing is measured yet by the present code.
    """
    e, folder = get(name), DATA if data is None else expand(data, "data")
    path = folder / f"{name}{PART}" if path is None else expand(path)
    with seen(e, data, journal, storage) as ledger:
        done = known(e, folder) if ledger is None else ledger.done
    trials = tuple(done[key] for key in e.keys if key in done)
    if not trials:
        raise ValueError(
            f"name={name!r}, data={str(folder)!r}: the code here has measured none of {len(e.trials)} trials"
        )
    return save_part(Results(name, trials, e.provenance()), path)


def import_trials(
    path: str | Path, *, data: Path | None = None, journal: Path | None = None, storage: str | None = None
) -> int:
    """Take up what was measured elsewhere, so that a run goes on from there.

    Parameters
    ----------
    path : path-like
        A file that `export_trials` wrote.
    data, journal, storage : optional
        Where the study is; see `run`.

    Returns
    -------
    int
        How many trials were not known here.

    Raises
    ------
    FileError
        It is no such file, or it is damaged.
    ValueError
        The trials were measured with other code, which the message names: their numbers need not be those
        of the code here.
    """
    part = read_part(path)
    e, folder = get(part.name), DATA if data is None else expand(data, "data")
    if differs := changed(e, part):
        raise ValueError(
            f"path={str(path)!r}: {part.name} was measured with other code: {', '.join(differs)}"
        )
    with joined(e, place(e, journal, storage), folder) as ledger:
        new = [t for t in part.trials if t.key in ledger.missing]
        for trial in new:
            ledger.add(trial)
    return len(new)
