"""What an experiment is: a function, a grid, seeds, what counts as agreement, and the code it rests on."""

from __future__ import annotations

import importlib
import inspect
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import FunctionType, ModuleType
from typing import Any

from lstmcourse.checks import choice, given, instance, mapping, real, shown, text, whole
from lstmcourse.checks import function as a_function
from lstmcourse.errors import UnknownNameError, nearest
from lstmcourse.tasks import MissingPackageError, MissingSourceError
from lstmcourse.training.model import Model

from .basis import basis
from .search import Search

__all__ = ["Experiment", "Interval", "experiment", "get", "grid", "hidden_size_for", "names"]

Point = Mapping[str, Any]

HOMES: tuple[str, ...] = tuple(
    f"lstmcourse.experiments.studies.{module}"
    for module in (
        "gaps",
        "reading",
        "memory",
        "comparison",
        "timing",
        "coupling",
        "variants",
        "waves",
        "grids",
        "lattices",
        "sums",
        "attention",
        "generative",
        "chorales",
        "language",
        "spans",
        "more_spans",
        "beside_spans",
        "odyssey",
        "uses",
        "speaking",
        "outing",
        "evolution",
        "winner",
    )
)
"""Modules that define the course's experiments; `names` and `get` import them."""


def any_number(name: str, value: object) -> float:
    """A number, finite or not."""
    return value if isinstance(value, float) else real(name, value)


_ALL: dict[str, Experiment] = {}


@dataclass(frozen=True)
class Interval:
    """What counts as agreement for one number: lying in the range over the stored seeds, widened.

    Training in float32 is chaotic: on another processor the last digits differ, and a run near the edge
    of success may end on its other side. So a single result is not predicted. What is stated is the range
    that the seeds span at this point, and at the points next to it along `axis`: narrow where all seeds
    agree, as on the plateaus of success and of failure, and wide in between.

    Parameters
    ----------
    margin : float
        Added at both ends.
    factor : float
        The ends are moved apart by this factor, for numbers that span powers of ten.
    axis : str
        Name of the coordinate whose neighbouring points count too; none if empty.

    Examples
    --------
    >>> Interval(0.1).of([0.9, 1.0])
    (0.8, 1.1)
    >>> Interval(factor=2.0).of([1e-6, 1e-5])
    (5e-07, 2e-05)
    >>> print(Interval(0.1, axis="layers"))
    within the range over seeds and neighbouring layers, +-0.1
    """

    margin: float = 0.0
    factor: float = 1.0
    axis: str = ""

    def __post_init__(self) -> None:
        real("margin", self.margin)
        real("factor", self.factor)
        text("axis", self.axis)
        if not (self.margin >= 0 and self.factor >= 1 and math.isfinite(self.margin + self.factor)):
            raise ValueError(
                f"margin {self.margin} and factor {self.factor}: give margin >= 0 and factor >= 1"
            )

    def of(self, values: Iterable[float]) -> tuple[float, float]:
        """Return the interval that rests on the values of several seeds, as far as they are finite."""
        values = [any_number("values", v) for v in several("values", values, "of numbers")]
        finite = [v for v in values if math.isfinite(v)]
        if not finite:
            return math.nan, math.nan  # no finite number lies in there
        low, high = min(finite), max(finite)
        low = low / self.factor if low > 0 else low * self.factor
        high = high * self.factor if high > 0 else high / self.factor
        return low - self.margin, high + self.margin

    def __str__(self) -> str:
        near = f" and neighbouring {self.axis.removesuffix('s')}s" if self.axis else ""
        wider = [f"+-{self.margin:g}"] * (self.margin > 0) + [f"times {self.factor:g}"] * (self.factor > 1)
        return f"within the range over seeds{near}{', ' if wider else ''}{' and '.join(wider)}"


@dataclass(frozen=True)
class Experiment:
    """A function to be measured at every point of a grid, with every seed, or at the points of a search.

    Made by the decorator `experiment`.
    """

    name: str
    measure: Callable[..., Mapping[str, float]]
    points: tuple[dict[str, Any], ...]
    seeds: tuple[int, ...]
    search: Search | None = None
    agree: dict[str, Interval] = field(default_factory=dict)
    uses: tuple[ModuleType, ...] = ()
    hours: float | None = None  # of a core, for a study at a paper's size
    needs: Callable[[], object] | None = None

    @property
    def lacks(self) -> str:
        """What its trials need and is not here, in words; nothing if they can be measured."""
        try:
            if self.needs is not None:
                self.needs()
        except (MissingSourceError, MissingPackageError) as error:
            return str(error)
        return ""

    @property
    def about(self) -> str:
        """The first line of the function's docstring."""
        return (inspect.getdoc(self.measure) or "").partition("\n")[0]

    @property
    def trials(self) -> list[tuple[dict[str, Any], int]]:
        """Every (point, seed), in the order of the grid; of a search, every point with its own seed."""
        if self.search is not None and not self.seeds:
            return list(zip(self.points, self.search.seeds, strict=True))
        return [(point, seed) for point in self.points for seed in self.seeds]

    @property
    def keys(self) -> list[tuple]:
        """What identifies each trial, in the order of `trials`."""
        return [_key(point, seed) for point, seed in self.trials]

    def code(self) -> dict[str, Any]:
        """Return what the numbers rest on: the engine's revision and digests of code; see `basis`."""
        return basis(self.measure, [v for p in self.points for v in p.values()], self.uses)

    def provenance(self) -> dict[str, Any]:
        """Return what is stored about results that hold for the present code: about, seeds, code.

        Of a search also what was drawn from which range.
        """
        axes = {name: str(axis) for name, axis in self.search.axes.items()} if self.search else {}
        searched = {"search": axes} if axes else {}
        return {"about": self.about, "seeds": list(self.seeds), "code": self.code(), **searched}


def several(name: str, value: Any, what: str) -> list[Any]:
    """Any number of things that are not the letters of a text."""
    if isinstance(value, (str, bytes, Mapping)) or not isinstance(value, Iterable):
        raise TypeError(f"{name}={shown(value)} does not fit: it is a list {what}")
    return list(value)


def experiment(
    *,
    points: Iterable[Point],
    seeds: Iterable[int] = (),
    agree: Mapping[str, Interval],
    uses: Iterable[ModuleType] = (),
    name: str = "",
    full: Mapping[str, Any] | None = None,
    needs: Callable[[], object] | None = None,
) -> Callable[[FunctionType], FunctionType]:
    """Declare that a function is an experiment; the function itself stays as it is.

    Parameters
    ----------
    points : iterable of mapping
        Keyword arguments of the function, one mapping for each point: strings, whole numbers, floats and
        booleans. See `grid` and `search`.
    seeds : iterable of int
        Passed as ``seed=``, each of them at every point. May be left out for a search, whose points have a
        seed each.
    agree : mapping of str to Interval
        For each number whose repetition is to be judged, what counts as agreement.
    uses : iterable of module
        Modules that decide the results beside the function's own, studies, tasks and cells, and that are not
        part of the engine.
    name : str
        The experiment's name; the function's if not given.
    full : mapping, optional
        ``points``, and ``seeds`` if it is no search, at the size of the paper that it repeats, and ``hours``
        that a processor core needs for them, as far as that can be said. It is a study of its own, called
        ``<name>_full``.
    needs : callable, optional
        For trials that need what is not part of the course, a file or a package: raises `MissingSourceError`
        or `MissingPackageError` where it is not there. Then the study is not run, and its stored results
        are read as ever.

    Raises
    ------
    ValueError
        There are no points or seeds, one occurs twice, or the name is taken by another function.

    Examples
    --------
    >>> @experiment(points=grid(x=(1, 2)), seeds=range(2), agree={"y": Interval(0.1)}, name="doubling")
    ... def double(x, *, seed):
    ...     '''Twice the number, with a little noise.'''
    ...     return {"y": 2 * x + 0.01 * seed}
    >>> double(3, seed=0)
    {'y': 6.0}
    >>> len(get("doubling").trials)
    4
    """
    text("name", name)
    uses = [instance("uses", u, ModuleType, "lstmcourse.reader") for u in several("uses", uses, "of modules")]
    for value, rule in mapping("agree", agree, "of Intervals by name").items():
        instance(f"agree[{value!r}]", rule, Interval, "Interval(0.1)")
    if needs is not None:
        a_function("needs", needs, "without arguments")
    small = _size(points, seeds)
    large = mapping("full", full, "with points, seeds and hours") if full is not None else None
    if large is not None and not {"points", "hours"} <= large.keys() <= {"points", "seeds", "hours"}:
        raise ValueError(f"full={shown(full)} does not fit: it has points and hours, and may have seeds")

    def declare(function: FunctionType) -> FunctionType:
        how = {"agree": dict(agree), "uses": tuple(uses), "needs": needs}
        made = Experiment(name or function.__name__, function, *small, **how)
        _declared(made)
        if large is not None:
            size, hours = _size(large["points"], large.get("seeds", ())), real("hours", large["hours"])
            _declared(Experiment(f"{made.name}_full", function, *size, **how, hours=hours))
        return function

    return declare


def _size(points: Iterable[Point], seeds: Iterable[int]) -> tuple[tuple, tuple[int, ...], Search | None]:
    """Return points and seeds, and the search that the points are, if they are one."""
    searched = points if isinstance(points, Search) else None
    points = [mapping("points", p, "of values by name") for p in several("points", points, "of dicts")]
    seeds = [whole("seeds", s, 0) for s in several("seeds", seeds, "of whole numbers")]
    return tuple(dict(p) for p in points), tuple(seeds), searched


def _declared(e: Experiment) -> None:
    """Enter an experiment in the table, or say why it cannot be one."""
    if not e.trials or len(set(e.keys)) < len(e.trials):
        raise ValueError(
            f"experiment {e.name!r}: {len(e.trials)} trials, {len(set(e.keys))} different: "
            "give points and seeds, each of them once"
        )
    old = _ALL.get(e.name)
    if old is not None and (old.measure.__module__, old.measure.__qualname__) != (
        e.measure.__module__,
        e.measure.__qualname__,
    ):
        raise ValueError(
            f"experiment {e.name!r} exists in {old.measure.__module__}: give this one another name"
        )
    _ALL[e.name] = e


def hidden_size_for(cell: Any, task: Any, parameters: int, **model: Any) -> int:
    """Return the largest hidden size of a model with at most so many parameters, for a fair comparison.

    Examples
    --------
    >>> import lstmcourse as lc
    >>> task = lc.tasks.get("adding")
    >>> sizes = [hidden_size_for(cell, task, 1000) for cell in (lc.cells.rnn, lc.cells.lstm)]
    >>> sizes
    [29, 14]
    >>> [lc.Model(cell, task, size).parameter_count for cell, size in zip(("rnn", "lstm"), sizes)]
    [958, 967]
    """
    size = 1
    while Model(cell, task, size + 1, **model).parameter_count <= parameters:
        size += 1
    return size


def grid(**axes: Iterable[Any]) -> list[dict[str, Any]]:
    """Return every combination of the values of several coordinates; the last varies fastest.

    Examples
    --------
    >>> grid(cell=("rnn",), gap=(1, 2))
    [{'cell': 'rnn', 'gap': 1}, {'cell': 'rnn', 'gap': 2}]
    """
    for name, values in axes.items():
        if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
            raise TypeError(
                f"{name}={shown(values)} does not fit: several values are needed, such as {name}=(1, 2)"
            )
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def names(scale: str = "laptop") -> tuple[str, ...]:
    """Return the names of the course's experiments, and of those declared since.

    Parameters
    ----------
    scale : str
        ``"laptop"``, the size that is stored with the course; or ``"full"``: that of the papers, where an
        experiment has one, and of the others what there is.
    """
    choice("scale", scale, ("laptop", "full"))
    for home in HOMES:
        importlib.import_module(home)
    laptop = [name for name, e in _ALL.items() if e.hours is None]
    return tuple(f"{name}_full" if scale == "full" and f"{name}_full" in _ALL else name for name in laptop)


@given(name=text)
def get(name: str) -> Experiment:
    """Return an experiment by name.

    Raises
    ------
    UnknownNameError
        There is none of that name.
    """
    if name not in {*names(), *names("full")}:
        raise UnknownNameError(f"name={name!r}: there is no experiment {name!r}: {nearest(name, _ALL)}")
    return _ALL[name]


def _key(point: Point, seed: int) -> tuple:
    """Return what identifies a trial, whatever the order of the point's coordinates."""
    return (*sorted(point.items()), seed)
