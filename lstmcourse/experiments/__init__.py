"""What takes longer than a notebook may: run once, stored, and tested again by part.

An experiment is a function of a point and a seed that returns a few numbers, over a grid of points::

    @experiment(points=grid(gap=(1, 2, 4, 8)), seeds=range(5), agree={"accuracy": Interval(0.1, axis="gap")})
    def forgetting(gap, *, seed):
        \"\"\"Share of links found, against the gap.\"\"\"
        ...
        return {"accuracy": share}

or over points that are drawn (see `search`). ``make experiments``, or ``python -m lstmcourse.experiments
[names]``, runs what is not stored yet, and goes on where it was stopped. In a notebook ``load(name)`` gives
the stored trials, ``rerun(name, 3)`` measures three of them again, and ``agree(name, pairs)`` says whether
they lie within the interval that the experiment states.

``--list`` says which are current. A study is stale once the engine's revision (`lstmcourse.revision`), or the
code of the study, its task or its cells, is another; ``--confirm K`` measures K of its trials again and, if
they agree, takes it for current.
"""

from lstmcourse.experiments.define import Experiment, Interval, experiment, get, grid, names
from lstmcourse.experiments.exchange import export_trials, import_trials
from lstmcourse.experiments.run import (
    StudyInUseError,
    StudyStoppedError,
    TrialError,
    confirm,
    journal_path,
    run,
)
from lstmcourse.experiments.search import choice, log_uniform, search, uniform
from lstmcourse.experiments.store import Agreement, Pair, Results, Trial, agree, load, rerun

__all__ = [
    "Agreement",
    "Experiment",
    "Interval",
    "Pair",
    "Results",
    "StudyInUseError",
    "StudyStoppedError",
    "Trial",
    "TrialError",
    "agree",
    "choice",
    "confirm",
    "experiment",
    "export_trials",
    "get",
    "grid",
    "import_trials",
    "journal_path",
    "load",
    "log_uniform",
    "names",
    "rerun",
    "run",
    "search",
    "uniform",
]
